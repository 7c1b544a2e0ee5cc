"""Vendor stand-ins for development and tests: no account, no internet, and a desk to answer from."""

from .keeping import SandboxFile
from .views import create_blueprint, names, script

__all__ = ["SandboxFile", "create_blueprint", "names", "script"]

"""Vendor stand-ins for development and tests: no account, no internet, and a desk to answer from."""

from .views import create_blueprint, names, script

__all__ = ["create_blueprint", "names", "script"]

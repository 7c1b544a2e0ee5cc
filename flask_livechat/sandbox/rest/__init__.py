"""The stand-ins of the vendors' REST APIs."""

from __future__ import annotations

from collections.abc import Mapping

from ..hub import Hub
from ..standin import Values
from . import crisp, intercom, tawk
from .api import Account, Rest, wsgi_path

ROOMS = {"crisp": crisp, "intercom": intercom, "tawk": tawk}


def open_account(name: str, values: Mapping[str, object], hub: Hub) -> Rest:
    """A vendor's API over this hub, as a WSGI application."""
    return Rest(ROOMS[name].API, Account(name, values, hub, ROOMS[name].AGENTS))


__all__ = ["Account", "Rest", "Values", "open_account", "wsgi_path"]

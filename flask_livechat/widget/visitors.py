"""current_user -> Visitor."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from blinker import Signal
from flask import g
from flask_login import current_user

from ..model import Visitor
from .scope import Scope


def from_user(user: Any) -> Visitor | None:
    """A flask-login user as a visitor; None without an ``id``.

    ``get_id()`` is not asked: a class may override it to give a secret session token, which must not leave the server.
    """
    identifier = getattr(user, "id", None)
    if identifier is None or identifier == "":
        return None
    name = _text(user, "name") or _text(user, "full_name") or _text(user, "username")
    verified = getattr(user, "email_verified", None)
    created_at = _moment(getattr(user, "created_at", None))
    return _visitor(
        str(identifier), _text(user, "email"), name, created_at, verified if isinstance(verified, bool) else None
    )


@lru_cache(1024)
def _visitor(
    identifier: str, email: str | None, name: str | None, created_at: datetime | None, verified: bool | None
) -> Visitor:
    """The same person is on many pages, and a record is frozen."""
    return Visitor(id=identifier, email=email, name=name, created_at=created_at, email_verified=verified)


def logged_in_user(said: Scope) -> Any:
    """flask-login's user, or None for an anonymous one.

    Asking flask-login reads the session, which makes a response vary by cookie. A request that brings nothing to log
    in with is anonymous without asking, so its page stays cacheable.
    """
    manager = getattr(said.app, "login_manager", None)
    user = g.get("_login_user")  # flask-login's own note of who it is
    if user is None:
        if manager is None or not _brings_a_login(said, manager):
            return None
        user = current_user._get_current_object()
    return user if user.is_authenticated else None


def _brings_a_login(said: Scope, manager: Any) -> bool:
    """Whether the request has anything to log in with. Does not say that it is worth anything."""
    if said.has_session or getattr(manager, "_request_callback", None) is not None:
        return True
    return said.app.config.get("REMEMBER_COOKIE_NAME", "remember_token") in said.request.cookies


def _text(user: Any, name: str) -> str | None:
    value = getattr(user, name, None)
    return value if isinstance(value, str) else None


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    # Databases without time zones (SQLite) give naive moments, which by custom are UTC.
    return value if value.utcoffset() is not None else value.replace(tzinfo=UTC)


def signal_of(manager: Any, name: str) -> Signal | None:
    """The signal of the Flask-Login that a login manager is of: the usual one, a fork, or a copy within the app."""
    for kind in type(manager).__mro__:
        package = kind.__module__
        while package:
            for module in (package, f"{package}.signals"):
                found = getattr(sys.modules.get(module), name, None)
                if isinstance(found, Signal):
                    return found
            package = package.rpartition(".")[0]
    return None

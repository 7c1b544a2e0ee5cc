"""current_user -> Visitor."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Flask, Request, g
from flask_login import current_user

from ..model import Visitor


def from_user(user: Any) -> Visitor | None:
    """A flask-login user as a visitor; None without an ``id``.

    ``get_id()`` is not asked: a class may override it to give a secret session token, which must not leave the server.
    """
    identifier = getattr(user, "id", None)
    if identifier is None or identifier == "":
        return None
    return Visitor(
        id=str(identifier),
        email=_text(user, "email"),
        name=_text(user, "name") or _text(user, "full_name") or _text(user, "username"),
        created_at=_moment(getattr(user, "created_at", None)),
    )


def logged_in_user(app: Flask, request: Request) -> Any:
    """flask-login's user, or None for an anonymous one.

    Asking flask-login reads the session, which makes a response vary by cookie. A request that brings nothing to log
    in with is anonymous without asking, so its page stays cacheable.
    """
    manager = getattr(app, "login_manager", None)
    if manager is None or not (hasattr(g, "_login_user") or _brings_a_login(app, request, manager)):
        return None
    return current_user._get_current_object() if current_user.is_authenticated else None


def has_session(app: Flask, request: Request) -> bool:
    """Whether the request brings a session. Looks at the cookie alone: to ask the session is to touch it."""
    return app.session_interface.get_cookie_name(app) in request.cookies


def _brings_a_login(app: Flask, request: Request, manager: Any) -> bool:
    remember = app.config.get("REMEMBER_COOKIE_NAME", "remember_token")
    by_request = getattr(manager, "_request_callback", None) is not None
    return by_request or remember in request.cookies or has_session(app, request)


def _text(user: Any, name: str) -> str | None:
    value = getattr(user, name, None)
    return value if isinstance(value, str) else None


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    # Databases without time zones (SQLite) give naive moments, which by custom are UTC.
    return value if value.utcoffset() is not None else value.replace(tzinfo=UTC)

"""What is remembered for the length of one request.

Not in ``g``: that belongs to the application context, which several requests of a test may share.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Request, current_app, request
from markupsafe import Markup

from ..model import Decision, Value, Visitor

KEY = "flask_livechat.scope"


@dataclass(slots=True)
class Scope:
    """One request's notes. The only record here that changes.

    ``app`` and ``request`` are the objects themselves: to ask Flask's proxies is what would cost most.
    """

    app: Flask
    request: Request
    state: Any  # what LiveChat has on this app
    has_session: (
        bool  # whether the request brings one; looks at the cookie alone, for to ask the session is to touch it
    )
    page: tuple[object, ...] | None = None  # which page got the tag
    decision: Decision | None = None
    markup: Markup | None = None
    varies: bool = False  # whether something had a say in the page that no key names
    private: bool = False  # whether the page says something of somebody
    left: bool = False  # somebody has just logged out
    finished: bool = False  # the headers are on their way
    asked: bool = False  # whether ``visitor`` has been looked for
    visitor: Visitor | None = None
    error_id: str | None = None
    writes_session: bool = False  # we have begun a session ourselves
    context: dict[str, Value] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)


def scope() -> Scope:
    """The current request's."""
    current: Request = request._get_current_object()  # type: ignore[attr-defined]  # a method of the proxy
    found: Scope | None = current.environ.get(KEY)
    if found is None:
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # here, too
        named = app.session_interface.get_cookie_name(app)
        found = current.environ[KEY] = Scope(app, current, app.extensions.get("livechat"), named in current.cookies)
    return found

"""What is remembered for the length of one request.

Not in ``g``: that belongs to the application context, which several requests of a test may share. Nor in the environ,
which an app may hand on to another one: what is noted stays with the request object.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, current_app, request
from markupsafe import Markup

from ..model import Decision, Value, Visitor

KEY = "flask_livechat.scope"


class Scope:
    """One request's notes. The only record here that changes.

    ``app`` and ``request`` are the objects themselves: to ask Flask's proxies is what would cost most. ``has_session``
    says whether the request brings one; it looks at the cookie alone, for to ask the session is to touch it.
    """

    page: tuple[object, ...] | None = None  # which page got the tag
    decision: Decision | None = None
    varies: bool = False  # whether something had a say in the page that no key names
    private: bool = False  # whether the page says something of somebody
    foreign: bool = False  # whether the page held a block that spoke of another request's visitor
    left: bool = False  # somebody has just logged out
    ended: bool = False  # and forget() has ended the chat with a response already
    finished: bool = False  # the headers are on their way
    asked: bool = False  # whether ``visitor`` has been looked for
    visitor: Visitor | None = None
    error_id: str | None = None
    writes_session: bool = False  # we have begun a session ourselves

    def __init__(self, app: Flask, request: Request, state: Any, has_session: bool) -> None:
        self.app, self.request, self.has_session = app, request, has_session
        self.state = state  # what LiveChat has on this app
        self.context: dict[str, Value] = {}
        self.events: list[dict[str, Any]] = []
        self.markups: list[Markup] = []  # every tag that was written: for the page, an error page, a mail
        self.failed: list[str] = []  # what of the app's own raised, and was passed over


def scope() -> Scope:
    """The current request's."""
    current: Request = request._get_current_object()  # type: ignore[attr-defined]  # a method of the proxy
    found: Scope | None = current.__dict__.get(KEY)
    if found is None:
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # here, too
        brings = "HTTP_COOKIE" in current.environ and app.session_interface.get_cookie_name(app) in current.cookies
        found = current.__dict__[KEY] = Scope(app, current, app.extensions.get("livechat"), brings)
    return found

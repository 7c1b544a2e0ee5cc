"""What is remembered for the length of one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from flask import Flask, Request, current_app, request
from markupsafe import Markup

from ..model import Decision, Value, Visitor
from ..state import State, current_state

# Not in ``g``: that belongs to the application context, which several requests of a test may share. Nor in the environ,
# which an app may hand on to another one: what is noted stays with the request object.
KEY = "flask_livechat.request_state"


class Tag(NamedTuple):
    """What a page gets, and what was decided on the way."""

    markup: Markup
    data: str  # the JSON of its data block
    decision: Decision
    is_private: bool  # it says something of one visitor


@dataclass(slots=True)
class RequestState:
    """One request's notes, which the request object holds.

    The notes do not hold the request object. That would be a circle: the request with its body and the page would stay
    in memory until the garbage collector comes by.
    """

    app: Flask
    state: State
    environ: Mapping[str, Any] = field(repr=False)  # of WSGI; Flask takes the request out of it at the end
    context: dict[str, Value] = field(default_factory=dict)  # what views have added for agents
    events: list[dict[str, Any]] = field(default_factory=list)
    segments: dict[str, bool] = field(default_factory=dict)  # name -> whether it is added or taken away
    has_delivered_segments: bool = False
    tags: list[Tag] = field(default_factory=list)  # each one that was written: for the page, an error page, a mail
    tagged_page: tuple[BaseException | None] | None = None  # which page got the tag: the app's own or an error's
    has_foreign_block: bool = False  # the page held a block that spoke of another request's visitor
    is_logged_out: bool = False
    is_ended: bool = False  # ``forget`` has ended the chat with a response already
    is_finished: bool = False  # the headers are on their way
    is_visitor_known: bool = False  # ``visitor`` has been looked for
    visitor: Visitor | None = None
    error_id: str | None = None
    writes_session: bool = False

    @property
    def request(self) -> Request:
        """The request object itself: each use of Flask's proxy costs more."""
        current: Request = request._get_current_object()  # type: ignore[attr-defined]  # a method of the proxy
        return current

    @property
    def has_session_cookie(self) -> bool:
        """Whether the cookies have a session, which is not asked for it: to ask a session is to touch it."""
        has_cookie = "HTTP_COOKIE" in self.environ
        return has_cookie and self.app.session_interface.get_cookie_name(self.app) in self.request.cookies


def request_state() -> RequestState:
    """Return the current request's notes."""
    current: Request = request._get_current_object()  # type: ignore[attr-defined]  # a method of the proxy
    req: RequestState | None = current.__dict__.get(KEY)
    if req is None:
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # here, too
        req = current.__dict__[KEY] = RequestState(app, current_state(app), current.environ)
    return req

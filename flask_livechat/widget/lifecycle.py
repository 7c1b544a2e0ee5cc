"""What Flask, Flask-Login and Flask-WTF are told once, and what they call back during requests."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, has_request_context, request_started
from flask_login import user_logged_in, user_logged_out

from ..state import safely
from . import response, segments, session_store
from .identity import signal_of
from .request_state import request_state

# The blueprints whose calls carry no login, are signed, or are checked for the page's own origin.
CSRF_EXEMPT = frozenset(("livechat", "livechat_help", "livechat_inbox", "livechat_sandbox", "livechat_webhooks"))


def register(app: Flask) -> None:
    """Have Flask and Flask-Login call the functions of this file."""
    app.context_processor(_begin_page)
    # First in the list is last to run: whatever header others set, what we merge goes into it.
    app.after_request_funcs.setdefault(None, []).insert(0, _finish)
    request_started.connect(_before_first_request, app)
    user_logged_out.connect(_mark_logout, app)
    user_logged_in.connect(_ask_again, app)


def _before_first_request(sender: Flask, **extra: Any) -> None:
    """What other extensions bring, which may have been set up after ours.

    Flask-WTF asks nothing of calls that carry no login, and so no token. A fork of Flask-Login has signals of its own.
    """
    csrf: Any = sender.extensions.get("csrf")
    if hasattr(csrf, "exempt"):
        for name in sender.blueprints.keys() & CSRF_EXEMPT:
            csrf.exempt(sender.blueprints[name])
    for signal_name, receive in (("user_logged_out", _mark_logout), ("user_logged_in", _ask_again)):
        signal = signal_of(getattr(sender, "login_manager", None), signal_name)
        if signal is not None:
            signal.connect(receive, sender)
    request_started.disconnect(_before_first_request, sender)


def _begin_page() -> dict[str, Any]:
    """Called once per rendering: a template rendered beside the page, a preview say, is another page."""
    if has_request_context():
        request_state().tagged_page = None
    return {}


def _mark_logout(sender: Flask, **extra: Any) -> None:
    if has_request_context():
        req = request_state()
        req.is_logged_out, req.is_visitor_known = True, False
        session_store.clear()


def _ask_again(sender: Flask, **extra: Any) -> None:
    """Somebody has logged in: who it was before does not count for the page that this request may render yet."""
    if has_request_context():
        request_state().is_visitor_known = False


def _finish(sent: Response) -> Response:
    req = request_state()
    safely("segment", lambda: segments.keep_for_next_page(req), None)
    return response.finish(req.state, req, sent)

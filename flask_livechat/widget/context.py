"""What agents see of the page itself, the same for every visitor."""

from __future__ import annotations

import logging
import secrets
import sys

from flask import current_app
from werkzeug.exceptions import HTTPException

from ..model import Value
from .request_state import RequestState

MAX_PATH_CHARS = 500  # a client may send any


def handled_error() -> BaseException | None:
    """The error that Flask is answering with the page being rendered.

    A view may render inside an ``except`` of its own: then the error came no further than the view, and the outermost
    frame of its traceback is not Flask's.
    """
    error = sys.exc_info()[1]
    trace = error.__traceback__ if error else None
    return error if trace and trace.tb_frame.f_globals.get("__name__") == "flask.app" else None


def of_page(req: RequestState, error: BaseException | None) -> dict[str, Value]:
    """What agents see of the page itself, the same for every visitor: never the query, never a traceback."""
    current = req.request
    attributes: dict[str, Value] = {"path": current.path[:MAX_PATH_CHARS], "endpoint": current.endpoint}
    if error is not None:
        status = error.code if isinstance(error, HTTPException) else 500
        attributes |= {"error_status": status, "error_id": _error_id(req, status)}
    return attributes


def _error_id(req: RequestState, status: int | None) -> str:
    """An id that agents see and that stands in the app's log, so that one finds the other."""
    if req.error_id is None:
        req.error_id = secrets.token_hex(6)
        level = logging.ERROR if (status or 500) >= 500 else logging.WARNING
        text = "livechat: error page %s of %s has id %s"
        current_app.logger.log(level, text, status, req.request.endpoint or "no view", req.error_id)
    return req.error_id

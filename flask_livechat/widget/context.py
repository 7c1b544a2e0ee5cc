"""What agents see of the page itself, the same for every visitor."""

from __future__ import annotations

import logging
import secrets
import sys

from werkzeug.exceptions import HTTPException

from ..model import Value
from .request_state import RequestState
from .sensitive_urls import Address


def handled_error() -> BaseException | None:
    """The error that Flask is answering with the page being rendered.

    A view may render inside an ``except`` of its own: then the error came no further than the view, and the outermost
    frame of its traceback is not Flask's.
    """
    error = sys.exc_info()[1]
    trace = error.__traceback__ if error else None
    return error if trace and trace.tb_frame.f_globals.get("__name__") == "flask.app" else None


def of_page(req: RequestState, address: Address, error: BaseException | None) -> dict[str, Value]:
    """What agents see of the page itself, the same for every visitor: never the query, never a traceback."""
    attributes: dict[str, Value] = {"path": address.path[:500], "endpoint": address.endpoint}  # a client may send any
    if error is None:
        return attributes
    status = error.code if isinstance(error, HTTPException) else 500
    if req.error_id is None:  # it stands in the app's log, too, so that one leads to the other
        req.error_id = secrets.token_hex(6)
        level = logging.ERROR if (status or 500) >= 500 else logging.WARNING
        text = "livechat: error page %s of %s has id %s"
        req.app.logger.log(level, text, status, address.endpoint or "no view", req.error_id)
    return attributes | {"error_status": status, "error_id": req.error_id}

"""What agents see of the page itself, the same for every visitor."""

from __future__ import annotations

import secrets
import sys

from flask import current_app, g, request
from werkzeug.exceptions import HTTPException

from ..model import Value


def of_page() -> dict[str, Value]:
    """What agents see of the page itself, the same for every visitor: never the query, never a traceback."""
    said: dict[str, Value] = {"path": request.path, "endpoint": request.endpoint}
    error = sys.exc_info()[1]
    if error is not None:
        status = error.code if isinstance(error, HTTPException) else 500
        said |= {"error_status": status, "error_id": _error_id(status)}
    return said


def _error_id(status: int | None) -> str:
    """An id that agents see and that stands in the app's log, so that one finds the other."""
    if "_livechat_error_id" not in g:
        g._livechat_error_id = secrets.token_hex(6)
        current_app.logger.info(
            "livechat: error page %s of %s has id %s", status, request.endpoint, g._livechat_error_id
        )
    return str(g._livechat_error_id)

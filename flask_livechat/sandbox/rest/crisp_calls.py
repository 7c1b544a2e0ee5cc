"""What every call of Crisp's REST API has in common."""

from __future__ import annotations

from typing import Any

from ..hub import RefusedError
from .api import Account, Call

WEBSITE = "/v1/website/<website>"
PER_PAGE = 20


def ok(data: Any = None, status: int = 200, reason: str = "resolved") -> tuple[int, Any]:
    return status, {"error": False, "reason": reason, "data": {} if data is None else data}


def ours(call: Call) -> Account:
    if call.path["website"] != call.account.values["WEBSITE_ID"]:
        raise RefusedError(404, "website_not_found")
    return call.account


def page_of(call: Call) -> int:
    return max(1, int(call.path["page"]))


def milliseconds(unix: float) -> int:
    return int(unix * 1000)

"""What every call of Crisp's REST API has in common."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ....sandbox.api import Account, Call
from ....sandbox.sessions import RefusedError, Session

WEBSITE = "/v1/website/<website>"
PER_PAGE = 20


def ok(data: Any = None, status: int = 200, reason: str = "resolved") -> tuple[int, Any]:
    return status, {"error": False, "reason": reason, "data": {} if data is None else data}


def ours(call: Call) -> Account:
    if call.path["website"] != call.account.values["WEBSITE_ID"]:
        raise RefusedError(404, "website_not_found")
    return call.account


def session_of(call: Call) -> Session:
    return ours(call).session(call.path["id"])


def listed(call: Call, found: Sequence[Any], size: int = PER_PAGE) -> tuple[int, Any]:
    """The page that the address names; the last one is followed by an empty one."""
    ours(call)
    page = max(1, int(call.path["page"]))
    return ok(list(found[(page - 1) * size : page * size]), reason="listed")


def size_of(call: Call) -> int:
    return call.number("per_page", PER_PAGE, PER_PAGE, 50)


def flag(call: Call, name: str) -> bool:
    """1 or 0, as the address says it."""
    return call.number(name, 0, 0, 1) == 1


def moment(call: Call, name: str) -> float | None:
    """ISO 8601 with a time zone, as Unix seconds. None where the address has none."""
    text = call.query.get(name)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise RefusedError(400, "invalid_data", f"{name} is ISO 8601") from None
    if found.tzinfo is None:
        raise RefusedError(400, "invalid_data", f"{name} has a time zone")
    return found.timestamp()


def milliseconds(unix: float) -> int:
    return int(unix * 1000)

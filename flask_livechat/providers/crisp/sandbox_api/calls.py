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


class CrispCall(Call):
    """A call of an address below a website's, which must be the sandbox' own."""

    def own_account(self) -> Account:
        if self.path["website"] != self.account.values["WEBSITE_ID"]:
            raise RefusedError(404, "website_not_found")
        return self.account

    def session(self) -> Session:
        return self.own_account().session(self.path["id"])

    def page_of(self, items: Sequence[Any], size: int = PER_PAGE) -> tuple[int, Any]:
        """The page that the address names; the last one is followed by an empty one."""
        self.own_account()
        page = max(1, int(self.path["page"]))
        return ok(list(items[(page - 1) * size : page * size]), reason="listed")

    def page_size(self) -> int:
        return self.number("per_page", PER_PAGE, PER_PAGE, 50)

    def flag(self, name: str) -> bool:
        """1 or 0, as the address says it."""
        return self.number(name, 0, 0, 1) == 1

    def moment(self, name: str) -> float | None:
        """ISO 8601 with a time zone, as Unix seconds. None where the address has none."""
        text = self.query.get(name)
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise RefusedError(400, "invalid_data", f"{name} is ISO 8601") from None
        if moment.tzinfo is None:
            raise RefusedError(400, "invalid_data", f"{name} has a time zone")
        return moment.timestamp()


def milliseconds(unix: float) -> int:
    return int(unix * 1000)

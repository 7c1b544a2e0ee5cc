"""What ``doctor --live`` asks Crisp's API (as of 2026-11): pages are not told whether an email's signature is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from .. import LiveSpec, Values


def verified(values: Values, request: Callable[[str, str], Any], stored: Mapping[str, str]) -> bool | None:
    """Whether operators see the conversation as verified. The session's id is the value of Crisp's cookie."""
    session = next((value for value in stored.values() if value.startswith("session_")), None)
    if session is None:
        return None
    path = f"/v1/website/{quote(values['WEBSITE_ID'])}/conversation/{quote(session, safe='')}/verify"
    answer = request("GET", path)
    # The route is in the vendor's own library; the shape of its answer is that of the webhook, and UNCONFIRMED.
    state = answer.get("is_verified") if isinstance(answer, Mapping) else None
    return state if isinstance(state, bool) else None


LIVE = LiveSpec(verified=verified)

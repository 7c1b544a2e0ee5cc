"""What browsers count for the metrics where no webhook tells: opens and thumbs. Pure; it says nothing of anybody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST = 600  # reports that a process takes in a minute; anybody can send some
PER_CLIENT = 60  # of them from one client
THUMBS = {1: "up", -1: "down"}


@dataclass(frozen=True, slots=True)
class Rating:
    """A thumb, or None for the one before taken back. ``receipt``: what the server gave for the one before."""

    thumb: str | None
    receipt: str | None


def is_open(body: Mapping[str, Any]) -> bool:
    """Whether a report says that the chat was opened."""
    return body.get("open") == 1 and type(body["open"]) is int


def rating(body: Mapping[str, Any]) -> Rating | None:
    """The rating in a report. None for what is none."""
    value, receipt = body.get("rating"), body.get("receipt")
    is_receipt = isinstance(receipt, str) and re.fullmatch(r"[0-9a-f]{32}", receipt) is not None
    if type(value) is not int or value not in (-1, 0, 1) or not (is_receipt or receipt is None):
        return None
    return Rating(THUMBS.get(value), receipt) if value or receipt else None

"""What browsers count for the metrics where no webhook tells: opens and thumbs. Pure; it says nothing of anybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST = 600  # reports that a process takes in a minute; anybody can send some
THUMBS = {1: "up", -1: "down"}


def read(said: Mapping[str, Any]) -> dict[str, int]:
    """What a report adds, and takes back: ``{"open": 1}``, ``{"up": 1, "down": -1}``. Empty for what is none."""
    if said.get("open") == 1:
        return {"open": 1}
    now, before = said.get("rating"), said.get("before")
    if now == before:
        return {}
    return {what: (now == thumb) - (before == thumb) for thumb, what in THUMBS.items() if thumb in (now, before)}

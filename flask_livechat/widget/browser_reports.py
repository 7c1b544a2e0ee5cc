"""What browsers report: that chat did not start, that it was opened, a thumb. Pure; it says nothing of anybody."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from ..rate_limit import PerMinute

MAX_REPORT_BYTES, MAX_OPENS_BYTES = 200, 800  # the latter with a question in it
MAX_QUESTION_CHARS, MAX_TAG_CHARS = 120, 35
FAILURE_REASONS = ("blocked", "csp", "error", "identity", "offline", "refused", "timeout")
# How many reports a process takes in a minute, and how many of them from one client: anybody can send some.
MAX_OPENS, MAX_OPENS_OF_CLIENT = 600, 60
MAX_FAILURES = 60


@dataclass(frozen=True, slots=True)
class Rating:
    """A thumb, or None for the one before taken back. ``receipt``: what the server gave for the one before."""

    thumb: str | None
    receipt: str | None


def event(body: Mapping[str, Any]) -> str | None:
    """What a report says: that the chat was opened, or that somebody asked help, read it, or chatted after reading."""
    if body.get("open") == 1 and type(body["open"]) is int:
        return "open"
    step = body.get("help")
    return step if isinstance(step, str) and step in ("asked", "read", "readchat") else None


def unanswered(body: Mapping[str, Any]) -> tuple[str, str | None] | None:
    """The question, with its language, of which a report says that no article answers it."""
    question, locale = body.get("q"), body.get("locale")
    if body.get("help") != "nothing" or not isinstance(question, str) or not question.strip():
        return None
    return question[:MAX_QUESTION_CHARS], locale[:MAX_TAG_CHARS] if isinstance(locale, str) else None


def rating(body: Mapping[str, Any]) -> Rating | None:
    """The rating in a report. None for what is none."""
    value, receipt = body.get("rating"), body.get("receipt")
    is_receipt = isinstance(receipt, str) and re.fullmatch(r"[0-9a-f]{32}", receipt) is not None
    if type(value) is not int or value not in (-1, 0, 1) or not (is_receipt or receipt is None):
        return None
    return Rating({1: "up", -1: "down"}.get(value), receipt) if value or receipt else None


@dataclass
class Failures:
    """The failures that were reported to this process."""

    rate: PerMinute = field(default_factory=lambda: PerMinute(MAX_FAILURES, per_client=20))
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)  # (provider, reason) -> how often
    _lock: Lock = field(default_factory=Lock, repr=False)

    def count(self, provider: str, reason: str, client: str = "") -> int | None:
        """How often that has been reported, this time included; None for one too many in this minute."""
        if not self.rate.allows(client):
            return None
        with self._lock:
            self.seen[provider, reason] += 1
            return self.seen[provider, reason]

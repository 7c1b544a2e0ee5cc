"""Reports of browsers in which chat did not start: counted, and told in the log. They hold nothing about anybody."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from threading import Lock

from .rates import PerMinute

REASONS = ("blocked", "csp", "error", "identity", "offline", "timeout")
LONGEST = 200  # bytes of a report
MOST = 60  # reports that a process takes in a minute; anybody can send some
PER_CLIENT = 20  # of them from one client


@dataclass
class Failures:
    """What was reported to this process."""

    rate: PerMinute = field(default_factory=lambda: PerMinute(MOST, PER_CLIENT))
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)  # (provider, reason) -> how often
    _lock: Lock = field(default_factory=Lock, repr=False)

    def count(self, provider: str, reason: str, client: str = "") -> int | None:
        """How often that has been reported, this time included; None for one too many in this minute."""
        if not self.rate.allows(client):
            return None
        with self._lock:
            self.seen[provider, reason] += 1
            return self.seen[provider, reason]

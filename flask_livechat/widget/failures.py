"""Reports of browsers in which chat did not start: counted, and told in the log. They hold nothing about anybody."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

REASONS = ("blocked", "csp", "error", "identity", "offline", "timeout")
LONGEST = 200  # bytes of a report
MOST = 60  # reports that a process takes in a minute; anybody can send some


@dataclass
class Failures:
    """What was reported to this process."""

    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)  # (provider, reason) -> how often
    _lock: Lock = field(default_factory=Lock, repr=False)
    _minute: int = field(default=0, repr=False)
    _taken: int = field(default=0, repr=False)

    def count(self, provider: str, reason: str) -> int | None:
        """How often that has been reported, this time included; None for one too many in this minute."""
        with self._lock:
            minute = int(self.clock() // 60)
            if minute != self._minute:
                self._minute, self._taken = minute, 0
            if self._taken >= MOST:
                return None
            self._taken += 1
            self.seen[provider, reason] += 1
            return self.seen[provider, reason]

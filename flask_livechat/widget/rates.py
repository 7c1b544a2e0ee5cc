"""How often a process takes what anybody may send."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock


@dataclass
class PerMinute:
    """At most ``most`` in each minute."""

    most: int
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)
    _minute: int = field(default=0, repr=False)
    _taken: int = field(default=0, repr=False)

    def allows(self) -> bool:
        with self._lock:
            minute = int(self.clock() // 60)
            if minute != self._minute:
                self._minute, self._taken = minute, 0
            self._taken += 1
            return self._taken <= self.most

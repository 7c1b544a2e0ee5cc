"""How much a vendor still takes, as its answers say: shared by all threads and desks of a process."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock


@dataclass
class Budget:
    """Until when nothing more is taken. What one call learns, all others heed."""

    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    _until: float = field(default=0.0, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def wait(self) -> float:
        """Seconds until the next call may be made."""
        return max(0.0, self._until - self.clock())

    def spent(self, seconds: float) -> None:
        """Nothing more is taken for so long."""
        with self._lock:
            self._until = max(self._until, self.clock() + seconds)


_BUDGETS: dict[tuple[str, tuple[str, ...]], Budget] = {}
_LOCK = Lock()


def budget_of(vendor: str, credentials: tuple[str, ...]) -> Budget:
    """The one of this process for these credentials: vendors count by token."""
    with _LOCK:
        return _BUDGETS.setdefault((vendor, credentials), Budget())

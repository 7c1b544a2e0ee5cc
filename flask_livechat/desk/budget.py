"""What a vendor's answers say of calls to come: shared by all threads and desks of a process."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from weakref import WeakKeyDictionary

NEW_S = 30.0  # in which a 404 for what was made means that the vendor does not know it everywhere yet


@dataclass
class Budget:
    """Until when nothing more is taken, and what has just been made. What one call learns, all others heed."""

    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    _until: float = field(default=0.0, repr=False)
    _made: dict[str, tuple[float, tuple[str, ...]]] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def wait(self) -> float:
        """Seconds until the next call may be made."""
        return max(0.0, self._until - self.clock())

    def spent(self, seconds: float) -> None:
        """Nothing more is taken for so long."""
        with self._lock:
            self._until = max(self._until, self.clock() + seconds)

    def made(self, names: tuple[str, ...]) -> None:
        """Something is new that goes by these names."""
        now = self.clock()
        with self._lock:
            self._made = {name: entry for name, entry in self._made.items() if entry[0] > now}
            self._made |= dict.fromkeys(names, (now + NEW_S, names))

    def is_new(self, names: set[str]) -> bool:
        """Whether one of the names is of something new."""
        now = self.clock()
        with self._lock:
            return any(self._made[name][0] > now for name in names & self._made.keys())

    def deleted(self, names: set[str]) -> None:
        """What goes by these names is new no more, under none of its names."""
        with self._lock:
            for name in names & self._made.keys():
                for other in self._made.get(name, (0.0, ()))[1]:
                    self._made.pop(other, None)


_BUDGETS: dict[tuple[str, tuple[str, ...]], Budget] = {}
_IN_PROCESS: WeakKeyDictionary[object, Budget] = WeakKeyDictionary()
_LOCK = Lock()


def budget_of(base: str, credentials: tuple[str, ...], app: object | None = None) -> Budget:
    """The one of this process for these credentials at this address of an API: vendors count by token.

    ``app``: the application of this process that stands in for the API. Each is a vendor of its own.
    """
    with _LOCK:
        if app is not None:
            return _IN_PROCESS.setdefault(app, Budget())
        return _BUDGETS.setdefault((base, credentials), Budget())

"""When a call is made, made again or given up: decisions, and what all desks of a process learn from answers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from threading import Lock
from weakref import WeakKeyDictionary

from ..errors import ApiError
from ..operation import Reply

DEADLINE_S = 30.0  # for one call with all its repetitions
RATE_LIMITED = (420, 429)
QUOTA_SPENT = 423  # of a day: to try again is in vain
GONE = (404, 410)
TRANSIENT = (408, 425, *RATE_LIMITED, 500, 502, 503, 504)
NEW_S = 30.0  # in which a 404 for what was made means that the vendor does not know it everywhere yet


@dataclass
class Budget:
    """Until when the vendor takes nothing more, and what has just been made. All calls heed what one has learnt."""

    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    _until: float = field(default=0.0, repr=False)
    _made: dict[str, tuple[float, tuple[str, ...]]] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def wait(self) -> float:
        """Return the seconds until the next call may be made."""
        return max(0.0, self._until - self.clock())

    def pause(self, seconds: float) -> None:
        """Make no call for so long: the vendor takes none."""
        with self._lock:
            self._until = max(self._until, self.clock() + seconds)

    def note_made(self, names: tuple[str, ...]) -> None:
        """Note that something is new that goes by these names."""
        now = self.clock()
        with self._lock:
            self._made = {name: entry for name, entry in self._made.items() if entry[0] > now}
            self._made |= dict.fromkeys(names, (now + NEW_S, names))

    def is_new(self, names: set[str]) -> bool:
        """Whether one of the names is of something new."""
        now = self.clock()
        with self._lock:
            return any(self._made[name][0] > now for name in names & self._made.keys())

    def note_deleted(self, names: set[str]) -> None:
        """Note that what goes by these names is new no more, under none of its names."""
        with self._lock:
            for name in names & self._made.keys():
                for other in self._made.get(name, (0.0, ()))[1]:
                    self._made.pop(other, None)


_BUDGETS: dict[tuple[str, tuple[str, ...]], Budget] = {}
_IN_PROCESS: WeakKeyDictionary[object, Budget] = WeakKeyDictionary()


def budget_of(base: str, credentials: tuple[str, ...], app: object | None = None) -> Budget:
    """Return the budget of this process for these credentials at this address: vendors count by token.

    ``app`` is the application of this process that stands in for the API. Each is a vendor of its own.
    """
    if app is not None:
        return _IN_PROCESS.setdefault(app, Budget())
    return _BUDGETS.setdefault((base, credentials), Budget())


def retry_after_s(reply: Reply, now: float) -> float | None:
    """Read the wait in ``Retry-After`` (seconds or a date), else in ``X-RateLimit-Reset`` (Unix seconds).

    Return None where the vendor names no wait, or one that is zero, negative or past. Nobody waits for over an hour.
    """
    value, reset = reply.headers.get("retry-after", ""), reply.headers.get("x-ratelimit-reset", "")
    numbers = ((value, 0.0), (reset, now))
    waits = [float(number) - start for number, start in numbers if re.fullmatch(r"[0-9]{1,12}", number)]
    with suppress(ValueError, TypeError, OverflowError):
        waits.insert(0, parsedate_to_datetime(value).timestamp() - now)
    return next((min(wait, 3600.0) for wait in waits if wait > 0), None)


class Attempts:
    """One call with all its repetitions: when the next attempt is, and what the earlier ones may have done."""

    def __init__(self, deadline_s: float, is_transient: Callable[[ApiError], bool]) -> None:
        self._is_transient, self._failures = is_transient, 0
        self.until = time.monotonic() + deadline_s
        self.maybe_done = False

    def retry_decision(self, failure: Exception) -> bool | float:
        """Tell stamina whether to try again, and after how many seconds if the vendor named a wait."""
        if not isinstance(failure, _AttemptFailed) or not self._is_transient(failure.error):
            return False
        self.maybe_done |= failure.error.status not in (*RATE_LIMITED, *GONE)
        self._failures += 1
        if failure.error.retry_after is None:
            return True
        # A pause is twice the one before, whatever shorter one a vendor names.
        wait = max(failure.error.retry_after, min(0.1 * 2 ** (self._failures - 1), 5.0))
        return wait if time.monotonic() + wait < self.until else False


class _AttemptFailed(Exception):
    """Carry an error through stamina, which logs what it is given: an address, and the vendor's words."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(type(error).__name__)
        self.error = error


@contextmanager
def hide_error() -> Iterator[None]:
    """Wrap an ``ApiError`` for stamina."""
    try:
        yield
    except ApiError as error:
        raise _AttemptFailed(error) from None


@contextmanager
def reveal_error() -> Iterator[None]:
    """Raise the ``ApiError`` that ``hide_error`` has wrapped."""
    try:
        yield
    except _AttemptFailed as failure:
        raise failure.error from None

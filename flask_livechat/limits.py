"""How long anybody waits for the database or a call, how soon it is asked again, and how often the log says so."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Lock, Thread
from typing import TypeVar

T = TypeVar("T")
BACKGROUND_S = 0.3  # what browsers ask beside the page: opens, unread
WEBHOOK_S = 4.5  # a vendor has its answer, or a 500, within five seconds
CROWDED_S = 1.0  # a webhook for which others wait already
FAILURES = 3  # in a row
REST_S = 30.0  # for which nothing is asked then

_until: ContextVar[float | None] = ContextVar("livechat_until", default=None)
_waiting = BoundedSemaphore(2)  # webhooks of a process that wait for long: its other threads are there for pages


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let the database take so long, in all, for what runs in here. An outer limit that is shorter holds."""
    until, outer = time.monotonic() + seconds, _until.get()
    token = _until.set(until if outer is None else min(until, outer))
    try:
        yield
    finally:
        _until.reset(token)


def seconds_left(otherwise: float) -> float:
    """Return what is left of the limit, and ``otherwise`` where there is none."""
    until = _until.get()
    return otherwise if until is None else max(0.0, until - time.monotonic())


def result_within(seconds: float, call: Callable[[], T], thread_name: str) -> T:
    """Return what a call returns in a thread of its own, or raise what it raises.

    Raise ``TimeoutError`` if it takes longer. Then its thread is left behind, and ends with the process.
    """
    results: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(call())
        except Exception as error:  # handed on
            errors.append(error)
        except BaseException as error:  # sys.exit() would end this thread without a word
            errors.append(RuntimeError(type(error).__name__))

    thread = Thread(target=run, name=thread_name, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return results[0]


@dataclass
class Breaker:
    """After ``FAILURES`` in a row a database is left alone for ``REST_S``."""

    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    _failures: int = field(default=0, repr=False)
    _until: float = field(default=0.0, repr=False)

    def is_open(self) -> bool:
        """Whether nothing is to be asked now."""
        return self.clock() < self._until

    def note(self, answered: bool) -> None:
        self._failures = 0 if answered else self._failures + 1
        self._until = self.clock() + REST_S if self._failures >= FAILURES else 0.0


@contextmanager
def within_a_webhook(breaker: Breaker) -> Iterator[None]:
    """Let a webhook wait for the database, within bounds: while it does not answer, workers are there for pages."""
    is_resting = breaker.is_open()
    is_long = not is_resting and _waiting.acquire(blocking=False)
    try:
        with within(WEBHOOK_S if is_long else BACKGROUND_S if is_resting else CROWDED_S):
            yield
    except Exception:
        breaker.note(answered=False)
        raise
    else:
        breaker.note(answered=True)
    finally:
        if is_long:
            _waiting.release()


@dataclass
class LineLimit:
    """One line a minute in the log for each kind of trouble, with how often there was any."""

    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    _counts: Counter[str] = field(default_factory=Counter, repr=False)
    _next: dict[str, float] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def count(self, kind: str) -> int:
        """Count one more. Return their number where there may be a line, else 0. ``kind`` is one of few."""
        with self._lock:
            self._counts[kind] += 1
            now = self.clock()
            if now < self._next.get(kind, now):
                return 0
            self._next[kind] = now + 60.0
            return self._counts[kind]

"""What is done about events after the vendor has its answer: handlers, with growing pauses where they fail."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from ..errors import what_failed
from ..limits import LineLimit
from ..model import Event
from .erasure import prune
from .store import Store, Stored

MOST_ATTEMPTS = 10  # over some 17 hours
FIRST_PAUSE = timedelta(minutes=2)
LONGEST_PAUSE = timedelta(hours=12)
PRUNED_EVERY = timedelta(hours=1)
IDLE = 1.0  # seconds between two looks at an empty queue
GAP_S = (0.001, 0.05)  # after each transaction on SQLite, at least and at most: others have the one writer's place, too
LONGEST_S = 3600.0  # for which a batch is renewed: a handler that hangs does not keep its event for ever
LAG_S = 5.0  # beyond which a clock is said to be behind
T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """How many events were tried, and how many of them went well. False when there was none."""

    tried: int = 0
    done: int = 0

    def __bool__(self) -> bool:
        return self.tried > 0


@dataclass(frozen=True)
class Worker:
    """``handle`` does all that is to be done about one event; it is called at least once for each.

    By then the conversation is up to date with it. ``keep_days``: after which what came in is erased.
    """

    store: Store
    handle: Callable[[Event], None]
    clock: Callable[[], datetime]
    keep_days: int | None = None
    later: Callable[[datetime], None] = lambda when: None  # is told when what failed is due again
    lines: LineLimit = field(default_factory=LineLimit)

    def run(self, stop: Callable[[], bool]) -> None:
        """Until ``stop`` says so, between two batches. A database that does not answer is waited for."""
        pruned: datetime | None = None
        while not stop():
            try:
                if pruned is None or self.clock() - pruned >= PRUNED_EVERY:
                    self.prune()
                    pruned = self.clock()
                found = self.once()
            except SQLAlchemyError as error:
                if count := self.lines.count(type(error).__name__):
                    log.error("livechat: the database does not answer: %s (%d so far).", type(error).__name__, count)
                found = Batch()
            if not found:
                time.sleep(IDLE)

    def prune(self) -> None:
        if self.keep_days is not None:
            prune(self.store, self.clock() - timedelta(days=self.keep_days))

    def once(self) -> Batch:
        """A batch of what is due."""
        taken = self._paced(lambda: self.store.take(self.clock()))
        if not taken:
            self._look_at_the_clock()
            return Batch()
        with self._renewed(taken):
            return Batch(len(taken), sum(self._try(one) for one in taken))

    def _look_at_the_clock(self) -> None:
        """An event is due when it was received, by the clock of whoever received it."""
        newest = self.store.newest()
        lag = 0.0 if newest is None else (newest - self.clock()).total_seconds()
        if lag > LAG_S and self.lines.count("lag"):
            log.warning("livechat: this worker's clock is %.0f s behind a receiver's: events wait for so long.", lag)

    @contextmanager
    def _renewed(self, taken: Sequence[Stored]) -> Iterator[None]:
        """The lease goes on for as long as this process lives and handles them."""
        over = threading.Event()
        pause_s = max(0.0, (taken[0].due_at - self.clock()).total_seconds()) / 3

        def renew() -> None:
            end = time.monotonic() + LONGEST_S
            while not over.wait(pause_s) and time.monotonic() < end:
                try:
                    self.store.renew(taken, self.clock())
                except SQLAlchemyError as error:
                    log.debug("livechat: a lease was not renewed: %s.", type(error).__name__)

        thread = threading.Thread(target=renew, name="livechat-lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _paced(self, call: Callable[[], T]) -> T:
        """A transaction, and on SQLite a gap of the same length in which others write."""
        start = time.monotonic()
        try:
            return call()
        finally:
            if self.store.is_sqlite:
                time.sleep(min(max(time.monotonic() - start, GAP_S[0]), GAP_S[1]))

    def _try(self, one: Stored) -> bool:
        """Whether that went well."""
        if one.attempts >= MOST_ATTEMPTS:  # none of them was heard of again: what begins with it, dies
            log.error("livechat: event %s ended %s workers.", one.row, one.attempts)
            self.store.fail(one, "the worker died")
            return False
        try:
            begun = self._begin(one)
            if begun is not None:
                self.handle(begun.event)
                self._paced(lambda: self.store.done(begun))
        except Exception as error:
            self._failed(one, one.attempts + 1, what_failed(error))
            log.debug("livechat: event %s", one.row, exc_info=error)
            return False
        return True

    def _begin(self, one: Stored) -> Stored | None:
        """A conversation that cannot be counted keeps nobody from handling what was said in it.

        What the database could not do for now is no such thing: it is tried again, as a handler is.
        """
        try:
            return self._paced(lambda: self.store.begin(one, self.clock()))
        except Exception as error:
            if isinstance(error, SQLAlchemyError) and not isinstance(error, DataError | IntegrityError):
                raise
            log.error("livechat: event %s could not be counted: %s.", one.row, type(error).__name__)
            return self._paced(lambda: self.store.begin(one, self.clock(), counted=False))

    def _failed(self, one: Stored, attempts: int, name: str) -> None:
        if attempts >= MOST_ATTEMPTS:
            log.error("livechat: event %s failed %s times, now with %s.", one.row, attempts, name)
            self.store.fail(one, name)
        else:
            log.warning("livechat: event %s failed with %s; it is tried again.", one.row, name)
            when = self.clock() + pause(attempts)
            self.store.again(replace(one, attempts=attempts), when, name)
            self.later(when)


def pause(attempts: int) -> timedelta:
    """Twice as long after each failure."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(attempts - 1, 20)))

"""Handle events after the vendor has its answer, with growing pauses where handlers fail."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from ..errors import what_failed
from ..limits import LineLimit
from ..model import Event
from .erasure import prune
from .handoffs import Handoffs
from .store import QueuedEvent, Store

MAX_ATTEMPTS = 10  # over some 17 hours
FIRST_PAUSE = timedelta(minutes=2)
MAX_PAUSE = timedelta(hours=12)
PRUNED_EVERY = timedelta(hours=1)
IDLE_S = 1.0  # between two looks at an empty queue
GAP_S = (0.001, 0.05)  # after each transaction on SQLite, at least and at most: others have the one writer's place, too
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """How many events were tried, and how many of them went well. It is false when there was none."""

    tried: int = 0
    done: int = 0

    def __bool__(self) -> bool:
        return self.tried > 0


@dataclass(frozen=True)
class Worker:
    """``handle`` does all that is to be done about one event; it is called at least once for each.

    By then the conversation is up to date with it. After ``keep_days`` events are erased.
    """

    store: Store
    handle: Callable[[Event], None]
    clock: Callable[[], datetime]
    keep_days: int | None = None
    later: Callable[[datetime], None] = lambda when: None  # called with when a failed event is due again
    lines: LineLimit = field(default_factory=LineLimit)

    def run(self, stop: Callable[[], bool]) -> None:
        """Work until ``stop`` returns true between two batches. Wait for a database that does not answer."""
        pruned: datetime | None = None
        while not stop():
            try:
                if pruned is None or self.clock() - pruned >= PRUNED_EVERY:
                    self.prune()
                    pruned = self.clock()
                batch = self.once()
            except SQLAlchemyError as error:
                if count := self.lines.count(type(error).__name__):
                    log.error("livechat: the database does not answer: %s (%d so far).", type(error).__name__, count)
                batch = Batch()
            if not batch:
                time.sleep(IDLE_S)

    def prune(self) -> None:
        """Delete handoffs without a conversation, and what is older than ``keep_days``."""
        Handoffs(self.store).drop_old(self.clock())
        if self.keep_days is not None:
            prune(self.store, self.clock() - timedelta(days=self.keep_days))

    def once(self) -> Batch:
        """Handle a batch of what is due."""
        with self._paced():
            taken = self.store.take(self.clock())
        if not taken:
            self._check_clock()
            return Batch()
        with self._renewed(taken):
            return Batch(len(taken), sum(self._try(queued) for queued in taken))

    def _check_clock(self) -> None:
        """Warn of a clock that is behind: an event is due when it was received, by the clock of whoever received it."""
        newest = self.store.newest()
        lag = 0.0 if newest is None else (newest - self.clock()).total_seconds()
        if lag > 5.0 and self.lines.count("lag"):
            log.warning("livechat: this worker's clock is %.0f s behind a receiver's, so events wait that long.", lag)

    @contextmanager
    def _renewed(self, taken: Sequence[QueuedEvent]) -> Iterator[None]:
        """Renew the lease for as long as this process lives and handles the events.

        After an hour it ends: a handler that hangs does not keep its event for ever.
        """
        over = threading.Event()
        pause_s = max(0.0, (taken[0].due_at - self.clock()).total_seconds()) / 3

        def renew() -> None:
            end = time.monotonic() + 3600.0
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

    @contextmanager
    def _paced(self) -> Iterator[None]:
        """Leave a gap on SQLite after a transaction, of the same length, in which others write."""
        start = time.monotonic()
        try:
            yield
        finally:
            if self.store.is_sqlite:
                time.sleep(min(max(time.monotonic() - start, GAP_S[0]), GAP_S[1]))

    def _try(self, queued: QueuedEvent) -> bool:
        """Handle an event. Return whether that went well."""
        if queued.attempts >= MAX_ATTEMPTS:  # no worker was heard of again: whichever starts with it, dies
            log.error("livechat: event %s was being handled when %s workers died.", queued.row, queued.attempts)
            self.store.mark_failed(queued, "the worker died")
            return False
        try:
            started = self._start(queued)
            if started is not None:
                self.handle(started.event)
                with self._paced():
                    self.store.ack(started)
        except Exception as error:
            self._retry_or_fail(queued, queued.attempts + 1, what_failed(error))
            log.debug("livechat: event %s", queued.row, exc_info=error)
            return False
        return True

    def _start(self, queued: QueuedEvent) -> QueuedEvent | None:
        """Start with an event, also where its conversation cannot be counted.

        Raise what the database could not do for now: that is tried again, as a handler is.
        """
        try:
            with self._paced():
                return self.store.start(queued, self.clock())
        except Exception as error:
            if isinstance(error, SQLAlchemyError) and not isinstance(error, DataError | IntegrityError):
                raise
            log.error("livechat: event %s could not be counted: %s.", queued.row, type(error).__name__)
            with self._paced():
                return self.store.start(queued, self.clock(), counted=False)

    def _retry_or_fail(self, queued: QueuedEvent, attempts: int, error: str) -> None:
        if attempts >= MAX_ATTEMPTS:
            log.error("livechat: event %s failed %s times, now with %s.", queued.row, attempts, error)
            self.store.mark_failed(queued, error)
        else:
            log.warning("livechat: event %s failed with %s; it is tried again.", queued.row, error)
            when = self.clock() + pause_after(attempts)
            self.store.retry_later(replace(queued, attempts=attempts), when, error)
            self.later(when)


def pause_after(attempts: int) -> timedelta:
    """Return the pause, which is twice as long after each failure."""
    return min(MAX_PAUSE, FIRST_PAUSE * (1 << min(attempts - 1, 20)))

"""What is done about events after the vendor has its answer: handlers, with growing pauses where they fail."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from ..errors import what_failed
from ..model import Event
from .erasure import prune
from .store import Store, Stored

MOST_ATTEMPTS = 10  # over some 17 hours
FIRST_PAUSE = timedelta(minutes=2)
LONGEST_PAUSE = timedelta(hours=12)
PRUNED_EVERY = timedelta(hours=1)
IDLE = 1.0  # seconds between two looks at an empty queue
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
                log.error("livechat: the database does not answer: %s.", type(error).__name__)
                found = Batch()
            if not found:
                time.sleep(IDLE)

    def prune(self) -> None:
        if self.keep_days is not None:
            prune(self.store, self.clock() - timedelta(days=self.keep_days))

    def once(self) -> Batch:
        """A batch of what is due."""
        taken = self.store.take(self.clock())
        return Batch(len(taken), sum(self._try(one) for one in taken))

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
                self.store.done(begun)
        except Exception as error:
            self._failed(one, one.attempts + 1, what_failed(error))
            log.debug("livechat: event %s", one.row, exc_info=error)
            return False
        return True

    def _begin(self, one: Stored) -> Stored | None:
        """A conversation that cannot be counted keeps nobody from handling what was said in it."""
        try:
            return self.store.begin(one, self.clock())
        except Exception as error:
            log.error("livechat: event %s could not be counted: %s.", one.row, type(error).__name__)
            return self.store.begin(one, self.clock(), counted=False)

    def _failed(self, one: Stored, attempts: int, name: str) -> None:
        if attempts >= MOST_ATTEMPTS:
            log.error("livechat: event %s failed %s times, now with %s.", one.row, attempts, name)
            self.store.fail(one, name)
        else:
            log.warning("livechat: event %s failed with %s; it is tried again.", one.row, name)
            when = self.clock() + pause(attempts)
            self.store.again(one, when, name)
            self.later(when)


def pause(attempts: int) -> timedelta:
    """Twice as long after each failure."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(attempts - 1, 20)))

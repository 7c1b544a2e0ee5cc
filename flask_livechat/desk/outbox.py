"""What is done at a vendor's after the answer has gone out: in one thread of the process, in order, bounded.

It is memory: what has not been done when a process is killed is lost. A process that ends does first what is left.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from weakref import WeakSet

from ..forks import in_children
from ..limits import LineLimit

MOST = 1000  # pieces of work that wait; the oldest is dropped for one more
PATIENCE = 5.0  # seconds that the end of a process waits for what is left
log = logging.getLogger(__name__)
Work = Callable[[], object]


OUTBOXES: WeakSet[Outbox] = WeakSet()  # of this process: a test ends with nothing left in them
LINES = LineLimit()


@atexit.register
def _finish_all() -> None:
    for outbox in list(OUTBOXES):
        outbox.finish(PATIENCE)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Work, and when it may be done."""

    due: float
    what: str
    work: Work


class Outbox:
    """For one app and vendor. ``put`` may be called from any thread; after a fork a child begins with nothing in it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begin()
        in_children(self, Outbox._begin)
        OUTBOXES.add(self)

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._waiting: OrderedDict[Hashable, Waiting] = OrderedDict()
        self._thread: threading.Thread | None = None
        self._busy = self._hurry = False

    def put(self, what: str, work: Work, *, key: Hashable = None, delay: float = 0.0) -> None:
        """Does ``work`` in ``delay`` seconds. What has the same ``key`` and still waits is replaced, and not put off.

        ``what`` is for the log: nothing personal.
        """
        with self._changed:
            named = key if key is not None else object()
            known = self._waiting.get(named)
            self._waiting[named] = Waiting(known.due if known else self._clock() + delay, what, work)
            if len(self._waiting) > MOST:
                _, dropped = self._waiting.popitem(last=False)
                if count := LINES.count(dropped.what):
                    log.warning(
                        "livechat: too much waits for the vendor: %s was left out (%d so far).", dropped.what, count
                    )
            if self._thread is None or not self._thread.is_alive():
                thread = threading.Thread(target=self._run, name="livechat", daemon=True)
                thread.start()  # may fail where there are too many; then the next piece of work tries again
                self._thread = thread
            self._changed.notify_all()

    def finish(self, seconds: float) -> bool:
        """Does now what is left, whenever it is due. False when ``seconds`` were too few for it."""
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            done = self._changed.wait_for(lambda: not self._waiting and not self._busy, timeout=seconds)
            self._hurry = False
            return done

    def _run(self) -> None:
        while True:
            one = self._next()
            try:
                one.work()
            except Exception as error:
                # Neither its text nor its traceback: they may hold what nobody should read in a log.
                with suppress(Exception):  # an app's own handlers of logs may expect a request
                    log.error("livechat: %s failed with %s.", one.what, type(error).__name__)
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()

    def _next(self) -> Waiting:
        with self._changed:
            while True:
                due = min((one.due for one in self._waiting.values()), default=None)
                now = self._clock()
                if due is not None and (due <= now or self._hurry):
                    key = next(key for key, one in self._waiting.items() if one.due == due)
                    self._busy = True
                    return self._waiting.pop(key)
                self._changed.wait(None if due is None else due - now)

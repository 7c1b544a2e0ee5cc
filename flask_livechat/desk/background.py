"""Calls of a vendor's after the answer has gone out: in one thread of the process, in order, bounded.

The queue is memory: a process that is killed loses it. A process that ends does first what is left.
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

from ..limits import LineLimit
from ..system import in_children

MAX_JOBS = 1000  # that wait; the oldest is dropped for one more
log = logging.getLogger(__name__)
QUEUES: WeakSet[BackgroundQueue] = WeakSet()  # of this process: a test ends with nothing left in them
LINES = LineLimit()


@atexit.register
def _finish_all() -> None:
    for queue in list(QUEUES):
        queue.finish(seconds=5.0)


@dataclass(frozen=True, slots=True)
class Job:
    """Work, and when it may be done."""

    due: float
    what: str
    work: Callable[[], object]


class BackgroundQueue:
    """Work for one app and vendor. Any thread may call ``put``. After a fork a child begins with an empty queue."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begin()
        in_children(self, BackgroundQueue._begin)
        QUEUES.add(self)

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._waiting: OrderedDict[Hashable, Job] = OrderedDict()
        self._thread: threading.Thread | None = None
        self._busy = self._hurry = False

    def put(self, what: str, work: Callable[[], object], *, key: Hashable = None, delay_s: float = 0.0) -> None:
        """Do ``work`` in ``delay_s`` seconds. It replaces work of the same ``key`` that waits, and is not put off.

        ``what`` is for the log: nothing personal.
        """
        with self._changed:
            named = key if key is not None else object()
            earlier = self._waiting.get(named)
            self._waiting[named] = Job(earlier.due if earlier else self._clock() + delay_s, what, work)
            if len(self._waiting) > MAX_JOBS:
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
        """Do now what is left, whenever it is due. Return False when ``seconds`` were too few for it."""
        with self._changed:
            if not self._waiting and not self._busy:
                return True
            self._hurry = True
            self._changed.notify_all()
            done = self._changed.wait_for(lambda: not self._waiting and not self._busy, timeout=seconds)
            self._hurry = False
            return done

    def _run(self) -> None:
        while True:
            job = self._next()
            try:
                job.work()
            except Exception as error:
                # Neither its text nor its traceback: they may hold what nobody should read in a log.
                with suppress(Exception):  # an app's own handlers of logs may expect a request
                    log.error("livechat: %s failed with %s.", job.what, type(error).__name__)
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()

    def _next(self) -> Job:
        with self._changed:
            while True:
                due = min((job.due for job in self._waiting.values()), default=None)
                now = self._clock()
                if due is not None and (due <= now or self._hurry):
                    key = next(key for key, job in self._waiting.items() if job.due == due)
                    self._busy = True
                    return self._waiting.pop(key)
                self._changed.wait(None if due is None else due - now)

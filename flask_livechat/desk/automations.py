"""What the desk does by itself: conversations about errors, contacts that are kept up to date, events."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Lock

from ..errors import NotFound
from ..model import Value, Visitor
from .background import BackgroundQueue
from .desk import Desk

QUIET_S = 3600.0  # in which a visitor's next error begins no conversation
SETTLE_S = 5.0  # in which several changes of a visitor become one
MAX_VISITORS = 10_000  # that are remembered


def error_text(context: Mapping[str, Value]) -> str:
    """Write what stands in a conversation about an error: which one, where, and what agents see of the page."""
    lines = [f"{name}: {value}" for name, value in context.items() if value not in (None, "")]
    return "\n".join(["Something went wrong on a page.", *lines])


class Recent:
    """Who had something within the last seconds. It is bounded: who was longest ago is forgotten first."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock, self._lock = seconds, clock, Lock()
        self._seen: OrderedDict[str, float] = OrderedDict()

    def is_first(self, who: str) -> bool:
        """Whether ``who`` had nothing for a while. From now on they had."""
        with self._lock:
            now, last = self._clock(), self._seen.get(who)
            if last is not None and now - last < self._seconds:
                return False
            self._seen[who] = now
            self._seen.move_to_end(who)
            while len(self._seen) > MAX_VISITORS:
                self._seen.popitem(last=False)
            return True


class Automations:
    """What is done for one vendor. ``open_desk`` gives the desk; it is called in the queue's thread."""

    def __init__(self, open_desk: Callable[[], Desk], queue: BackgroundQueue | None = None) -> None:
        self._open, self.queue = open_desk, queue or BackgroundQueue()
        self._desk: Desk | None = None
        self._errors = Recent(QUIET_S)
        self._ids: OrderedDict[str, tuple[Visitor, str]] = OrderedDict()  # of the visitors that the vendor knows

    def error(self, visitor: Visitor, text: str) -> bool:
        """Start a conversation about an error. Return False where this visitor's last one is not long ago."""
        if not self._errors.is_first(visitor.id):
            return False
        self.queue.put("a conversation about an error", lambda: self._start(visitor, text))
        return True

    def sync(self, visitor: Visitor) -> None:
        """Make the visitor's contact what the visitor is, once for several changes in a row."""
        self.queue.put("a contact", lambda: self._upsert(visitor), key=("contact", visitor.id), delay_s=SETTLE_S)

    def event(self, visitor: Visitor, name: str, metadata: Mapping[str, Value], at: datetime) -> None:
        """Tell the vendor of something that the visitor did, and when."""
        self.queue.put("an event", lambda: self._send_event(visitor, name, metadata, at))

    @property
    def desk(self) -> Desk:
        """The desk, opened once: it remembers what is the same for all calls."""
        if self._desk is None:
            self._desk = self._open()
        return self._desk

    def _start(self, visitor: Visitor, text: str) -> None:
        self.desk.conversations.start(visitor, text)

    def _upsert(self, visitor: Visitor) -> str:
        """Return the contact's id."""
        contact_id = self.desk.contacts.upsert(visitor).id
        self._ids[visitor.id] = visitor, contact_id
        while len(self._ids) > MAX_VISITORS:
            self._ids.popitem(last=False)
        return contact_id

    def _send_event(self, visitor: Visitor, name: str, metadata: Mapping[str, Value], at: datetime) -> None:
        """Look up a visitor only where something has changed, or where the vendor does not know them any more."""
        last = self._ids.get(visitor.id)
        if last and last[0] == visitor:
            try:
                self.desk.contacts.event(last[1], name, metadata, at)
            except NotFound:
                del self._ids[visitor.id]
            else:
                return
        self.desk.contacts.event(self._upsert(visitor), name, metadata, at)

"""What the desk does by itself for an app's visitors: conversations about errors, contacts kept up to date, events."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Lock

from ..errors import NotFound
from ..model import Value, Visitor
from .desk import Desk
from .outbox import Outbox

QUIET = 3600.0  # seconds in which a visitor's next error begins no conversation
SETTLED = 5.0  # seconds in which several changes of a visitor become one
KNOWN = 10_000  # visitors that are remembered


def error_text(context: Mapping[str, Value]) -> str:
    """What stands in a conversation about an error: which one, where, and what agents see of the page."""
    rest = [f"{name}: {value}" for name, value in context.items() if value not in (None, "")]
    return "\n".join(["Something went wrong on a page.", *rest])


class Recent:
    """Who had something within the last seconds. Bounded: who was longest ago is forgotten first."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock, self._lock = seconds, clock, Lock()
        self._seen: OrderedDict[str, float] = OrderedDict()

    def first(self, who: str) -> bool:
        """Whether ``who`` had nothing for a while; from now on they had."""
        with self._lock:
            now, last = self._clock(), self._seen.get(who)
            if last is not None and now - last < self._seconds:
                return False
            self._seen[who] = now
            self._seen.move_to_end(who)
            while len(self._seen) > KNOWN:
                self._seen.popitem(last=False)
            return True


class Automations:
    """For one vendor. ``open_desk`` gives the desk; it is called in the outbox's thread."""

    def __init__(self, open_desk: Callable[[], Desk], outbox: Outbox | None = None) -> None:
        self._open, self.outbox = open_desk, outbox or Outbox()
        self._desk: Desk | None = None
        self._errors = Recent(QUIET)
        self._ids: OrderedDict[str, tuple[Visitor, str]] = OrderedDict()  # of the visitors that the vendor knows

    def error(self, visitor: Visitor, text: str) -> bool:
        """Begins a conversation about an error. False where this visitor's last one is not long ago."""
        if not self._errors.first(visitor.id):
            return False
        self.outbox.put("a conversation about an error", lambda: self._start(visitor, text))
        return True

    def sync(self, visitor: Visitor) -> None:
        """Makes the visitor's contact what the visitor is, once for several changes in a row."""
        self.outbox.put("a contact", lambda: self._upsert(visitor), key=("contact", visitor.id), delay=SETTLED)

    def event(self, visitor: Visitor, name: str, metadata: Mapping[str, Value], at: datetime) -> None:
        """Tells the vendor of something that the visitor did, and when."""
        self.outbox.put("an event", lambda: self._tell(visitor, name, metadata, at))

    @property
    def desk(self) -> Desk:
        """Opened once: it remembers what is the same for all calls."""
        if self._desk is None:
            self._desk = self._open()
        return self._desk

    def _start(self, visitor: Visitor, text: str) -> None:
        self.desk.conversations.start(visitor, text)

    def _upsert(self, visitor: Visitor) -> str:
        """The contact's id."""
        made = self.desk.contacts.upsert(visitor).id
        self._ids[visitor.id] = visitor, made
        while len(self._ids) > KNOWN:
            self._ids.popitem(last=False)
        return made

    def _tell(self, visitor: Visitor, name: str, metadata: Mapping[str, Value], at: datetime) -> None:
        """Whoever is known, and the same, is not looked up for each event; until the vendor knows them no more."""
        known = self._ids.get(visitor.id)
        if known and known[0] == visitor:
            try:
                self.desk.contacts.event(known[1], name, metadata, at)
            except NotFound:
                del self._ids[visitor.id]
            else:
                return
        self.desk.contacts.event(self._upsert(visitor), name, metadata, at)

"""What is erased: a person who asks for it, here and at the vendors; and everybody, after a time.

Figures stay: an episode whose conversation has no name any more belongs to nobody.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa

from ..errors import Invalid, LiveChatError, Unsupported
from ..model import Contact
from .store import Store
from .tables import contacts, conversations, events, seen

# What is left of an event: that it came. A vendor that tells of it once more tells nothing new.
NOTHING = {"event": "", "conversation": None, "visitor": None, "email": None, "text": None, "raw": "{}"}
HANDLED = {"kind": "unknown", "state": "done", "error": None}
NAMELESS = {"conversation": None, "visitor": None, "email": None}


class Contacts(Protocol):
    """Of a desk, what erasing takes."""

    def find(self, id: str | None = None, email: str | None = None) -> Contact | None: ...
    def forget(self, id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class AtVendor:
    """``outcome``: ``erased``, ``unknown`` (there was nobody), ``by hand`` or ``failed``. ``why`` names nobody."""

    provider: str
    outcome: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was erased, in numbers; who it was is not in it."""

    at: datetime
    events: int
    conversations: int
    contacts: int
    vendors: tuple[AtVendor, ...]

    @property
    def complete(self) -> bool:
        return all(one.outcome in ("erased", "unknown") for one in self.vendors)

    def as_json(self) -> str:
        return json.dumps(asdict(self) | {"at": self.at.isoformat(), "complete": self.complete})


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody by all that they are known by: your ids and emails."""

    visitors: frozenset[str]
    emails: frozenset[str]


def forget(store: Store, desks: Mapping[str, Callable[[], Contacts]], who: str, now: datetime) -> Receipt:
    """Erases a person, by your id of them or by their email: at the vendors first, then here.

    What fails at one vendor keeps nobody else from erasing, and is in the receipt: then do it again.
    """
    person = known_as(store, who)
    vendors = tuple(_at_vendor(name, opened, person) for name, opened in desks.items())
    return Receipt(now, *_here(store, person), vendors)


def known_as(store: Store, who: str) -> Person:
    """An id brings the emails that were said with it; an email the ids."""
    column, other = (contacts.c.email, contacts.c.visitor) if "@" in who else (contacts.c.visitor, contacts.c.email)
    key = who.lower() if "@" in who else who
    with store.reading() as connection:
        found = connection.execute(sa.select(other).where(column == key, other != "")).scalars().all()
    # An id may look like an email, too.
    visitors, emails = ({who, *found}, {key}) if "@" in who else ({who}, set(found))
    return Person(frozenset(visitors), frozenset(emails))


def _here(store: Store, person: Person) -> tuple[int, int, int]:
    """How many events, conversations and contacts were erased."""
    with store.engine.begin() as connection:
        theirs = _theirs(conversations, person)
        rows = connection.execute(sa.select(conversations.c.provider, conversations.c.conversation).where(theirs))
        told = _theirs(events, person)
        for provider, conversation in rows.all():
            told |= (events.c.provider == provider) & (events.c.conversation == conversation)
        erased = connection.execute(sa.update(events).where(told).values(NOTHING | HANDLED)).rowcount
        talks = connection.execute(sa.update(conversations).where(theirs).values(NAMELESS)).rowcount
        people = connection.execute(sa.delete(contacts).where(_theirs(contacts, person))).rowcount
        connection.execute(sa.delete(seen).where(seen.c.visitor.in_(person.visitors)))
    return erased, talks, people


def _theirs(table: sa.Table, person: Person) -> sa.ColumnElement[bool]:
    return table.c.visitor.in_(person.visitors) | sa.func.lower(table.c.email).in_(person.emails)


def _at_vendor(name: str, opened: Callable[[], Contacts], person: Person) -> AtVendor:
    try:
        desk = opened()
        keys = [{"id": one} for one in sorted(person.visitors) if "@" not in one]
        erased = sum(_erase(desk, key) for key in [*keys, *({"email": one} for one in sorted(person.emails))])
    except Unsupported:
        return AtVendor(name, "by hand", "its API cannot do that: ask for it in its dashboard")
    except LiveChatError as error:
        return AtVendor(name, "failed", type(error).__name__)
    return AtVendor(name, "erased" if erased else "unknown")


def _erase(desk: Contacts, key: Mapping[str, str]) -> int:
    """All whom the vendor knows by this key: some keep several. Gives how many."""
    gone: set[str] = set()
    # A vendor's search may still find somebody who is gone (Intercom, for minutes).
    while (one := _found(desk, key)) is not None and one.id not in gone:
        desk.forget(one.id)
        gone.add(one.id)
    return len(gone)


def _found(desk: Contacts, key: Mapping[str, str]) -> Contact | None:
    try:
        return desk.find(**key)
    except Invalid:  # it is no key that this vendor could know anybody by
        return None


def prune(store: Store, before: datetime) -> int:
    """Erases what came in before a moment: whole conversations when all of it did, else what is personal of it.

    Gives the number of events that are gone or empty.
    """
    old = events.c.received_at < before
    newer = events.alias()
    alive = sa.exists().where(
        newer.c.provider == events.c.provider,
        newer.c.conversation == events.c.conversation,
        newer.c.received_at >= before,
    )
    with store.engine.begin() as connection:
        emptied = {name: value for name, value in NOTHING.items() if name not in ("conversation", "event")}
        full = sa.or_(*(events.c[name].is_distinct_from(value) for name, value in emptied.items()))
        changed = connection.execute(sa.update(events).where(old, alive, full).values(emptied)).rowcount
        gone = connection.execute(sa.delete(events).where(old, ~alive)).rowcount
        left = sa.exists().where(
            events.c.provider == conversations.c.provider, events.c.conversation == conversations.c.conversation
        )
        over = (conversations.c.last_at < before) & conversations.c.conversation.is_not(None)
        connection.execute(sa.update(conversations).where(over, ~left).values(NAMELESS))
        connection.execute(sa.delete(contacts).where(contacts.c.last_at < before))
        connection.execute(sa.delete(seen).where(seen.c.at < before))
    return int(changed + gone)

"""What is erased: a person who asks for it, here and at the vendors; and everybody, after a time.

Figures stay: an episode whose conversation has no name any more belongs to nobody.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from ..errors import ConfigError, Invalid, LiveChatError, Unsupported
from ..model import Contact, Visitor
from .fold import drop_unused, locked
from .store import Store
from .tables import contacts, conversations, events, people, seen

T = TypeVar("T")
# What is left of an event: that it came. A vendor that tells of it once more tells nothing new.
NOTHING = {"event": "", "conversation": None, "visitor": None, "email": None, "text": None, "raw": "{}"}
HANDLED = {"kind": "unknown", "state": "done", "error": None}
SAID = {"text": None, "raw": "{}"}
SIZE = 500
NAMELESS = {"conversation": None, "visitor": None, "email": None}


class Contacts(Protocol):
    """Of a desk, what erasing takes."""

    def find(self, id: str | None = None, email: str | None = None) -> Contact | None: ...
    def forget(self, id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class AtVendor:
    """``outcome``: ``erased``, ``unknown`` (there is nobody), ``by hand``, ``by email`` or ``failed``.

    ``why`` names nobody.
    """

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


def forget(
    store: Store,
    desks: Mapping[str, Callable[[], Contacts]],
    who: str | Visitor,
    now: datetime,
    by_id: Collection[str] = (),
) -> Receipt:
    """Erases a person, by your id of them or by their email: at the vendors first, then here.

    Text is the word of somebody who knows whose email it is. Of a ``Visitor`` only an email counts that is verified:
    whoever asks for the erasure of an address that is not theirs would erase somebody else.

    ``by_id``: the vendors that know your ids. What fails at one vendor keeps nobody else from erasing, and is in the
    receipt: then do it again, for until then it stays known which email is whose. Raises ``ValueError`` for nobody.
    """
    if isinstance(who, Visitor):
        person = Person(frozenset({who.id}), frozenset({who.own_email.lower()} if who.own_email else ()))
    elif who.strip():
        person = known_as(store, who)
    else:
        raise ValueError("an id or an email is needed: whom to forget")
    vendors = tuple(_at_vendor(name, opened, person, name in by_id) for name, opened in desks.items())
    again = any(one.outcome == "failed" for one in vendors)
    return Receipt(now, *_here(store, person, again), vendors)


def known_as(store: Store, who: str) -> Person:
    """An id brings the emails that were said with it; an email the ids, and those their emails."""
    key = who.lower()
    with store.reading() as connection:

        def said(wanted: sa.Column[Any], known: sa.Column[Any], values: Collection[str]) -> set[str]:
            chosen = known.in_(values) & (wanted != "")
            return set(connection.execute(sa.select(wanted).where(chosen)).scalars())

        # An id may look like an email, too. What no worker has looked at yet stands in the events alone.
        by_email = [said(table.c.visitor, table.c.email, [key]) for table in (contacts, events) if "@" in who]
        ids = {who}.union(*by_email)
        by_id = [said(table.c.email, table.c.visitor, ids) for table in (contacts, events)]
        emails = ({key} if "@" in who else set()).union(*by_id)
    return Person(frozenset(ids), frozenset(emails))


def _here(store: Store, person: Person, again: bool) -> tuple[int, int, int]:
    """How many events, conversations and contacts were erased. ``again``: a vendor has yet to be told of the latter."""
    with store.engine.begin() as connection:
        names = _conversations_of(connection, person)
        # Whoever is counting one of them is waited for, and what they write is seen below.
        rows = [locked(connection, store.insert, provider, name) for provider, name in names]
        told = [sa.tuple_(events.c.provider, events.c.conversation).in_(some) for some in _chunks(names)]
        erased = sum(_emptied(connection, chosen) for chosen in [_theirs(events, person), *told])
        drop_unused(connection, rows)
        for few in _chunks(rows):
            nameless = sa.update(conversations).where(conversations.c.id.in_(few)).values(NAMELESS)
            connection.execute(nameless)
        known = 0 if again else connection.execute(sa.delete(contacts).where(_theirs(contacts, person))).rowcount
        connection.execute(sa.delete(seen).where(seen.c.visitor.in_(person.visitors)))
    return erased, len(names), known


def _emptied(connection: sa.Connection, chosen: sa.ColumnElement[bool]) -> int:
    """Empty events, and forget whom they name. Gives how many there were."""
    emptied = sa.update(events).where(chosen).values(NOTHING | HANDLED).returning(events.c.id)
    ids = connection.execute(emptied).scalars().all()
    for some in _chunks(ids):
        connection.execute(sa.delete(people).where(people.c.event.in_(some)))
    return len(ids)


def _conversations_of(connection: sa.Connection, person: Person) -> list[tuple[str, str]]:
    """Also of those that no worker has looked at yet. In one order, so that nobody waits for each other."""
    found: set[tuple[str, str]] = set()
    for table in (conversations, events):
        named = sa.select(table.c.provider, table.c.conversation).where(table.c.conversation.is_not(None))
        found |= {(provider, name) for provider, name in connection.execute(named.where(_theirs(table, person)))}
    return sorted(found)


def _theirs(table: sa.Table, person: Person) -> sa.ColumnElement[bool]:
    """By id; by email only where there is no id, for several may share an address."""
    nobody = sa.func.coalesce(table.c.visitor, "") == ""
    return table.c.visitor.in_(person.visitors) | (nobody & table.c.email.in_(person.emails))


def _chunks(values: Sequence[T], size: int = 200) -> Iterator[Sequence[T]]:
    return (values[start : start + size] for start in range(0, len(values), size))


def _at_vendor(name: str, opened: Callable[[], Contacts], person: Person, by_id: bool) -> AtVendor:
    try:
        desk = opened()
        if not by_id and not person.emails:
            return AtVendor(name, "by email", "it does not know your ids: forget the person by their email, too")
        keys = [{"id": one} for one in sorted(person.visitors) if by_id]
        erased = sum(_erase(desk, key) for key in [*keys, *({"email": one} for one in sorted(person.emails))])
    except Unsupported:
        return AtVendor(name, "by hand", "its API cannot do that: ask for it in its dashboard")
    except ConfigError:
        return AtVendor(name, "by hand", "its API's keys are not configured: set them, or ask for it in its dashboard")
    except LiveChatError as error:
        return AtVendor(name, "failed", type(error).__name__)
    return AtVendor(name, "erased") if erased else AtVendor(name, "unknown", "it knows nobody by this")


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
    """Erases what came in before a moment: whole conversations when all of it did, else what was said.

    Gives the number of events that are gone or empty. In small transactions, so that nobody waits for long.
    """
    last, count = 0, 0
    while rows := _old(store, before, last):
        with store.engine.begin() as connection:
            living = _living(connection, {(one.provider, one.conversation) for one in rows}, before)
            goes_on = [one.id for one in rows if (one.provider, one.conversation) in living]
            over = [one.id for one in rows if one.id not in set(goes_on)]
            said = sa.or_(*(events.c[name].is_distinct_from(value) for name, value in SAID.items()))
            emptied = sa.update(events).where(events.c.id.in_(goes_on), said).values(SAID)
            count += connection.execute(emptied).rowcount
            count += _erased(connection, over)
        last = rows[-1].id
    with store.engine.begin() as connection:
        left = sa.exists().where(
            events.c.provider == conversations.c.provider, events.c.conversation == conversations.c.conversation
        )
        ended = (conversations.c.last_at < before) & conversations.c.conversation.is_not(None)
        connection.execute(sa.update(conversations).where(ended, ~left).values(NAMELESS))
        connection.execute(sa.delete(contacts).where(contacts.c.last_at < before))
        connection.execute(sa.delete(seen).where(seen.c.at < before))
    return count


def _old(store: Store, before: datetime, after: int) -> Sequence[Any]:
    wanted = sa.select(events.c.id, events.c.provider, events.c.conversation)
    newest = sa.select(sa.func.max(events.c.id)).scalar_subquery()
    chosen = (events.c.id > after) & (events.c.received_at < before) & ((events.c.event != "") | (events.c.id < newest))
    with store.reading() as connection:
        return connection.execute(wanted.where(chosen).order_by(events.c.id).limit(SIZE)).all()


def _living(connection: sa.Connection, names: set[tuple[str, str | None]], before: datetime) -> set[tuple[str, str]]:
    """Of these conversations, those that went on since."""
    keys = (events.c.provider, events.c.conversation)
    found: set[tuple[str, str]] = set()
    for some in _chunks([(provider, name) for provider, name in names if name is not None]):
        wanted = sa.select(*keys).where(sa.tuple_(*keys).in_(some), events.c.received_at >= before).distinct()
        found |= {(provider, name) for provider, name in connection.execute(wanted)}
    return found


def _erased(connection: sa.Connection, rows: list[int]) -> int:
    """Rows are gone, but the last of the table: SQLite would give its number again, which exports go on from."""
    newest = connection.execute(sa.select(sa.func.max(events.c.id))).scalar_one()
    if newest in rows:
        connection.execute(sa.update(events).where(events.c.id == newest).values(NOTHING | HANDLED))
    connection.execute(sa.delete(people).where(people.c.event.in_(rows)))
    connection.execute(sa.delete(events).where(events.c.id.in_([one for one in rows if one != newest])))
    return len(rows)

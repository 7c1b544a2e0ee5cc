"""What is erased: a person who asks for it, here and at the vendors; and everybody, after a time.

Figures stay: an episode whose conversation has no name any more belongs to nobody.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from ..errors import ConfigError, Invalid, LiveChatError, NotFound, Unsupported
from ..model import Contact, Visitor
from .projections import batched, drop_unused, lock_conversation
from .store import Store
from .tables import contacts, conversations, events, handoffs, outreach, people, questions, seen

NO_CONTENT = {"text": None, "raw": "{}"}
NO_PERSON = {"visitor": None, "email": None}
NO_NAMES = {"conversation": None} | NO_PERSON
# What is left of an event: that it came. A vendor that tells of it once more tells nothing new.
EMPTY_EVENT = NO_CONTENT | NO_NAMES | {"event": "", "kind": "unknown", "state": "done", "error": None}
MAX_LOOKS = 10  # at a vendor, where each finds somebody new


class Contacts(Protocol):
    """Of a desk, what erasing takes."""

    def find(self, id: str | None = None, email: str | None = None) -> Contact | None: ...
    def find_all(self, id: str | None = None, email: str | None = None) -> Iterable[Contact]: ...
    def forget(self, id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class AtVendor:
    """What was erased at one vendor."""

    #: The vendor's name.
    provider: str
    #: ``erased``, ``unknown`` (no such contact), ``to decide``, ``by hand``, ``by email`` or ``failed``.
    outcome: str
    #: The reason, without any names.
    why: str = ""
    #: How many contacts were erased.
    erased: int = 0
    #: Contacts that may be the person's, by the vendor's id, for you to decide.
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was erased, in numbers. It does not contain who it was."""

    #: When it was done (aware).
    at: datetime
    #: How many events were erased here.
    events: int
    #: How many conversations were erased here.
    conversations: int
    #: How many contacts were erased here.
    contacts: int
    #: What was erased at each vendor.
    vendors: tuple[AtVendor, ...]
    #: Data here that may be the person's, for you to decide: your ids of other people who have given a given email, and
    #: conversations without an id under an email that was only given together with the person's id.
    left: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do or to decide."""
        return not self.left and all(vendor.outcome in ("erased", "unknown") for vendor in self.vendors)

    def as_json(self) -> str:
        """Return the receipt as JSON, as ``flask livechat forget --json`` prints it."""
        return json.dumps(asdict(self) | {"at": self.at.isoformat(), "complete": self.complete})


@dataclass
class Person:
    """Somebody by all that is known to be theirs: your ids, emails, and contacts as (provider, the vendor's id).

    ``claims``: emails that were only said with them. They lead to nobody, but what stands under them may be theirs.
    """

    visitors: set[str] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)
    contacts: set[tuple[str, str]] = field(default_factory=set)
    claims: set[str] = field(default_factory=set)

    def add(self, who: str | Visitor) -> None:
        """Add an id or an email. Text is from somebody who knows; of a ``Visitor`` only a verified email counts."""
        if isinstance(who, Visitor):
            self.visitors.add(who.id)
            self._add_email(who.own_email)
        elif who.strip():
            self.visitors.add(who)
            self._add_email(who if "@" in who else None)
        else:
            raise ValueError("an id or an email of the person is needed")

    def _add_email(self, email: str | None) -> None:
        if email:
            self.emails |= {email, email.lower()}  # some vendors tell them apart

    def has(self, contact: Contact) -> bool:
        """Whether a contact that was found is theirs: by your id where it has one, else by the key of the search."""
        is_proven = contact.email_verified is True and (contact.email or "").lower() in self.emails
        ids = {contact.id, contact.external_id}
        return not contact.external_id or is_proven or bool(ids & self.visitors)

    def learn(self, provider: str, contact: Contact) -> None:
        """Note what a contact of theirs says of them. Its email is theirs where the vendor says so."""
        self.contacts.add((provider, contact.id))
        if contact.external_id:
            self.visitors.add(contact.external_id)
        if contact.email_verified is True:
            self._add_email(contact.email)
        elif contact.email:
            self.claims.add(contact.email.lower())

    @property
    def size(self) -> int:
        return len(self.visitors) + len(self.emails)


def forget(
    store: Store,
    desks: Mapping[str, Callable[[], Contacts]],
    who: str | Visitor | Iterable[str | Visitor],
    now: datetime,
    by_id: Collection[str] = (),
    only: bool = False,
) -> Receipt:
    """Erase a person, by your ids of them and their emails: at the vendors first, then here.

    Text is the word of somebody who knows whose id or email it is. Of a ``Visitor`` only an email counts that is
    verified. An email that was only said with the person leads to nobody: what stands under it is listed, for somebody
    to decide. ``only``: that has been decided, and what is not given is somebody else's.

    ``by_id``: the vendors that know your ids. What fails at one vendor keeps nobody else from erasing, and is in the
    receipt: then do it again, for until then it stays known which emails were said. Raises ``ValueError`` for nobody.
    """
    person = Person()
    for name in [who] if isinstance(who, str | Visitor) else who:
        person.add(name)
    if not person.visitors:
        raise ValueError("an id or an email of the person is needed")
    deleted: Counter[str] = Counter()
    for _ in range(MAX_LOOKS):
        size = person.size
        person.claims |= _said_with(store, person)
        vendors = tuple(
            _at_vendor(name, opened, person, deleted, name in by_id, only) for name, opened in desks.items()
        )
        if person.size == size:  # else one vendor has said what another one should hear
            break
    is_open = any(vendor.left or vendor.outcome == "failed" for vendor in vendors)
    gone, left = _here(store, person, now, is_open, only)
    return Receipt(now, *gone, vendors, left)


def _said_with(store: Store, person: Person) -> set[str]:
    """Return the emails that were ever said with the person's ids."""
    with store.reading() as connection:
        rows = (
            connection.execute(sa.select(table.c.email).where(table.c.visitor.in_(person.visitors))).scalars()
            for table in (contacts, events, people)
        )
        return {email for column in rows for email in column if email}


def _here(
    store: Store, person: Person, now: datetime, is_open: bool, only: bool
) -> tuple[tuple[int, int, int], tuple[str, ...]]:
    """Erase here. Return how many events, conversations and contacts there were, and what is left to decide.

    While something is open, here or at a vendor, it stays known which emails were said with the person.
    """
    with store.engine.begin() as connection:
        _know_contacts(connection, person)
        names = _conversations_of(connection, person)
        # Whoever is counting one of them is waited for, and what they write is seen below.
        rows = [lock_conversation(connection, store.insert, provider, name) for provider, name in names]
        shared = _shared(connection, person, names)
        erased = _empty_parts(connection, person, events.c.conversation.is_(None), EMPTY_EVENT)
        for some in batched(sorted(shared)):  # somebody's part in a conversation of others stays counted
            erased += _empty_parts(connection, person, _in(some), NO_CONTENT | NO_PERSON)
        for some in batched([name for name in names if name not in shared]):
            erased += _emptied(connection, some)
        drop_unused(connection, rows)
        for few in batched([row for row, name in zip(rows, names, strict=True) if name not in shared]):
            connection.execute(sa.update(conversations).where(conversations.c.id.in_(few)).values(NO_NAMES))
        nobodys = NO_PERSON | {"progress": None}  # whose it is now, all of its events say
        connection.execute(sa.update(conversations).where(_theirs(conversations, person)).values(nobodys))
        connection.execute(sa.delete(people).where(_is_named(person)))
        for table in (seen, outreach):
            connection.execute(sa.delete(table).where(table.c.visitor.in_(person.visitors)))
        mine = handoffs.c.visitor.in_(person.visitors) | handoffs.c.email.in_(person.emails)
        connection.execute(sa.delete(handoffs).where(mine))
        left = () if only else _left(connection, person)
        forgotten = _settle(connection, store.insert, person, now, is_open or bool(left))
    return (erased, len(names), forgotten), left


def _settle(connection: sa.Connection, insert: Any, person: Person, now: datetime, is_open: bool) -> int:
    """Forget which emails are whose, and return how many there were; or note it for the next time."""
    if not is_open:
        return connection.execute(sa.delete(contacts).where(_theirs(contacts, person))).rowcount
    visitor = min(person.visitors)
    for email in sorted(person.claims - person.emails):
        who = {"provider": "", "visitor": visitor, "email": email, "first_at": now, "last_at": now}
        connection.execute(insert(contacts).values(who).on_conflict_do_nothing())
    return 0


def _know_contacts(connection: sa.Connection, person: Person) -> None:
    """Learn the vendors' ids that deliveries have said beside an id or email of theirs, and of nobody else's."""
    key = sa.tuple_(people.c.provider, people.c.contact)
    pairs = sa.select(people.c.provider, people.c.contact).where(people.c.contact.is_not(None))
    beside = {(provider, contact) for provider, contact in connection.execute(pairs.where(_is_named(person)))}
    for some in batched(sorted(beside)):
        others = pairs.where(key.in_(some), people.c.visitor.not_in(person.visitors))
        beside -= {(provider, contact) for provider, contact in connection.execute(others)}
    person.contacts |= beside


def _conversations_of(connection: sa.Connection, person: Person) -> list[tuple[str, str]]:
    """Return also those that no worker has looked at yet, in one order, so that nobody waits for each other."""
    names: set[tuple[str, str]] = set()
    named = events.c.id.in_(sa.select(people.c.event).where(_is_named(person)))
    for table, chosen in (
        (conversations, _theirs(conversations, person)),
        (events, _theirs(events, person) | named),
    ):
        wanted = sa.select(table.c.provider, table.c.conversation).where(table.c.conversation.is_not(None), chosen)
        names |= {(provider, name) for provider, name in connection.execute(wanted)}
    return sorted(names)


def _shared(connection: sa.Connection, person: Person, names: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return those of these conversations that somebody else has a part in, by an id."""
    shared: set[tuple[str, str]] = set()
    wanted = sa.select(events.c.provider, events.c.conversation)
    has_id = (sa.func.coalesce(people.c.visitor, "") != "") | people.c.contact.is_not(None)
    others = events.c.id.in_(sa.select(people.c.event).where(~_is_named(person), has_id))
    for some in batched(names):
        by_others = (events.c.visitor != "") & events.c.visitor.not_in(person.visitors)
        shared |= {
            (provider, name) for provider, name in connection.execute(wanted.where(_in(some), by_others | others))
        }
    return shared


def _in(names: Sequence[tuple[str, str]]) -> sa.ColumnElement[bool]:
    return sa.tuple_(events.c.provider, events.c.conversation).in_(names)


def _emptied(connection: sa.Connection, names: Sequence[tuple[str, str]]) -> int:
    """Empty the events of conversations, and forget whom they name. Return how many there were."""
    emptied = sa.update(events).where(_in(names)).values(EMPTY_EVENT).returning(events.c.id)
    ids = connection.execute(emptied).scalars().all()
    for some in batched(ids):
        connection.execute(sa.delete(people).where(people.c.event.in_(some)))
    return len(ids)


def _empty_parts(
    connection: sa.Connection, person: Person, where: sa.ColumnElement[bool], values: Mapping[str, Any]
) -> int:
    """Empty what is the person's alone. Of what names others, too, only the vendor's own words go."""
    named = events.c.id.in_(sa.select(people.c.event).where(_is_named(person)))
    others = events.c.id.in_(sa.select(people.c.event).where(~_is_named(person)))
    by_nobody_else = sa.func.coalesce(events.c.visitor, "").in_({"", *person.visitors})
    theirs = _theirs(events, person) | (named & ~others & by_nobody_else)
    count = connection.execute(sa.update(events).where(where, theirs).values(values)).rowcount
    more = sa.update(events).where(where, named, events.c.raw != "{}").values(raw="{}")
    return count + connection.execute(more).rowcount


def _left(connection: sa.Connection, person: Person) -> tuple[str, ...]:
    left: set[str] = set()
    for table in (contacts, events, people):
        others = table.c.email.in_(person.emails) & table.c.visitor.not_in(person.visitors) & (table.c.visitor != "")
        left |= {f"id {visitor}" for visitor in connection.execute(sa.select(table.c.visitor).where(others)).scalars()}
    for table in (conversations, events):
        claimed = (sa.func.coalesce(table.c.visitor, "") == "") & table.c.email.in_(person.claims - person.emails)
        named = sa.select(table.c.provider, table.c.conversation).where(claimed, table.c.conversation.is_not(None))
        left |= {f"{provider} conversation {name}" for provider, name in connection.execute(named)}
    return tuple(sorted(left))


def _theirs(table: sa.Table, person: Person) -> sa.ColumnElement[bool]:
    """Whether a row is the person's by its id or, where it has none, by its email: several may share an address."""
    nobody = sa.func.coalesce(table.c.visitor, "") == ""
    return table.c.visitor.in_(person.visitors) | (nobody & table.c.email.in_(person.emails))


def _is_named(person: Person) -> sa.ColumnElement[bool]:
    """Whether a row of people is of this person. Never null, so that it can be turned round."""
    visitor, contact, email = (sa.func.coalesce(people.c[name], "") for name in ("visitor", "contact", "email"))
    is_contact = sa.tuple_(people.c.provider, contact).in_(sorted(person.contacts))
    return visitor.in_(person.visitors) | ((visitor == "") & (is_contact | email.in_(person.emails)))


def _at_vendor(
    name: str, opened: Callable[[], Contacts], person: Person, deleted: Counter[str], by_id: bool, only: bool
) -> AtVendor:
    try:
        left = _erase(name, opened(), person, deleted, by_id, only)
    except Unsupported:
        return AtVendor(name, "by hand", "its API cannot do that: do it in its dashboard")
    except ConfigError:
        return AtVendor(name, "by hand", "the keys of its API are not configured: set them, or do it in its dashboard")
    except LiveChatError as error:
        return AtVendor(name, "failed", type(error).__name__, deleted[name])
    if left:
        why = "these have the person's email, but it is not verified: give their id or email as well, or --only"
        return AtVendor(name, "to decide", why, deleted[name], left)
    if not by_id and not person.emails:
        return AtVendor(name, "by email", "it does not know your ids: give the person's email as well")
    if deleted[name]:
        return AtVendor(name, "erased", erased=deleted[name])
    return AtVendor(name, "unknown", "it has no such contact")


def _erase(
    name: str, desk: Contacts, person: Person, deleted: Counter[str], by_id: bool, only: bool
) -> tuple[str, ...]:
    """Delete whom the vendor has, until a second look finds nobody new. Return those that may be theirs.

    Raise ``LiveChatError``, also where somebody is still there.
    """
    gone: set[str] = set()
    for look in range(MAX_LOOKS):
        candidates = _find(desk, person.visitors if by_id else (), person.emails)
        new = [contact for contact in candidates.values() if person.has(contact) and contact.id not in gone]
        if not new and look:
            break
        for contact in new:
            with suppress(NotFound):
                desk.forget(contact.id)
                deleted[name] += 1
            gone.add(contact.id)
            person.learn(name, contact)
    else:
        raise StillThereError("each search found one more contact")
    if not only:
        candidates |= _find(desk, (), person.claims - person.emails)
    # A vendor's search may still find somebody who is gone (Intercom's, for minutes).
    there = {key: contact for key, contact in candidates.items() if desk.find(id=key) is not None}
    if gone & there.keys():
        raise StillThereError("a contact is still there")
    ids = [f"contact {key}" + (f" (id {there[key].external_id})" if there[key].external_id else "") for key in there]
    return () if only else tuple(sorted(ids))


class StillThereError(LiveChatError):
    """What was deleted at a vendor is there all the same."""


def _find(desk: Contacts, ids: Iterable[str], emails: Iterable[str]) -> dict[str, Contact]:
    by_id: dict[str, Contact] = {}
    for key in [*({"id": name} for name in sorted(ids)), *({"email": email} for email in sorted(emails))]:
        with suppress(Invalid):  # it is no key that this vendor could know anybody by
            by_id |= {contact.id: contact for contact in desk.find_all(**key)}
    return by_id


def prune(store: Store, before: datetime) -> int:
    """Erase what came in before a moment: whole conversations when all of it did, else what was said.

    Return the number of events that are gone or empty. Transactions are small, so that nobody waits for long.
    """
    last, count = 0, 0
    while rows := _old(store, before, last):
        with store.engine.begin() as connection:
            living = _living(connection, {(row.provider, row.conversation) for row in rows}, before)
            goes_on = [row.id for row in rows if (row.provider, row.conversation) in living]
            over = [row.id for row in rows if row.id not in set(goes_on)]
            has_content = sa.or_(*(events.c[name].is_distinct_from(value) for name, value in NO_CONTENT.items()))
            emptied = sa.update(events).where(events.c.id.in_(goes_on), has_content).values(NO_CONTENT)
            count += connection.execute(emptied).rowcount
            count += _erased(connection, over)
        last = rows[-1].id
    with store.engine.begin() as connection:
        left = sa.exists().where(
            events.c.provider == conversations.c.provider, events.c.conversation == conversations.c.conversation
        )
        ended = (conversations.c.last_at < before) & conversations.c.conversation.is_not(None)
        connection.execute(sa.update(conversations).where(ended, ~left).values(NO_NAMES))
        connection.execute(sa.delete(contacts).where(contacts.c.last_at < before))
        for column in (seen.c.at, outreach.c.at, handoffs.c.at, questions.c.day):
            connection.execute(sa.delete(column.table).where(column < before))
    return count


def _old(store: Store, before: datetime, after: int) -> Sequence[Any]:
    wanted = sa.select(events.c.id, events.c.provider, events.c.conversation)
    newest = sa.select(sa.func.max(events.c.id)).scalar_subquery()
    chosen = (events.c.id > after) & (events.c.received_at < before) & ((events.c.event != "") | (events.c.id < newest))
    with store.reading() as connection:
        return connection.execute(wanted.where(chosen).order_by(events.c.id).limit(500)).all()


def _living(connection: sa.Connection, names: set[tuple[str, str | None]], before: datetime) -> set[tuple[str, str]]:
    """Return those of these conversations that went on since."""
    keys = (events.c.provider, events.c.conversation)
    living: set[tuple[str, str]] = set()
    for some in batched([(provider, name) for provider, name in names if name is not None]):
        wanted = sa.select(*keys).where(sa.tuple_(*keys).in_(some), events.c.received_at >= before).distinct()
        living |= {(provider, name) for provider, name in connection.execute(wanted)}
    return living


def _erased(connection: sa.Connection, rows: list[int]) -> int:
    """Delete rows, but the last of the table: SQLite would give its number again, which exports go on from."""
    newest = connection.execute(sa.select(sa.func.max(events.c.id))).scalar_one()
    if newest in rows:
        connection.execute(sa.update(events).where(events.c.id == newest).values(EMPTY_EVENT))
    connection.execute(sa.delete(events).where(events.c.id.in_([row for row in rows if row != newest])))
    connection.execute(sa.delete(people).where(people.c.event.in_(rows)))
    return len(rows)

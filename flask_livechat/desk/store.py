"""Events in SQL: SQLite by default, PostgreSQL beyond one machine. An event is committed before it is acknowledged.

Every method is a transaction of its own. A process may be killed between any two of them, and within: nothing that was
acknowledged is lost, and what was being handled is handled again when its lease is over.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ..errors import LiveChatError
from ..forks import in_children
from ..limits import within
from ..model import Event, well_formed
from ..office_hours import OfficeHours
from . import connecting
from .fold import COUNTED, FAILED, fold, fold_contacts, fold_conversation
from .tables import conversations, counts, events, people, seen, thumbs

LEASE = timedelta(seconds=60)  # after which what a worker has taken is taken by another; the living renew it
RECEIPT_LIFE = timedelta(days=1)  # of a thumb: a browser keeps it as long as its tab
BATCH = 10  # which slow handlers, that call a vendor say, get done within the lease
LONGEST_KEY = 500  # characters of an id, an email or a tag; beyond some 2,700 bytes PostgreSQL indexes none
MOST_TAGS = 100
ONE_AT_A_TIME = Lock()  # Alembic keeps what it is doing in its module
UPGRADING = 0x6C697665  # the lock of whoever changes a PostgreSQL database's tables
UPGRADE_S = 600
NO_URL = "is no address of an SQLite or PostgreSQL database that can be used here"
PENDING = events.c.state == "pending"
MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class Stored:
    """An event with its row's id, how often it has been begun with, and until when it is whose.

    ``counted``: ``yes`` where its conversation is up to date with it, ``failed`` where that cannot be.
    """

    row: int
    attempts: int
    event: Event
    due_at: datetime
    owner: str | None = None
    counted: str | None = None


class Store:
    """Safe to share between threads, and after a fork. ``hours``: those that count in the metrics."""

    def __init__(self, url: str, hours: OfficeHours | None = None) -> None:
        self.hours = hours
        if url.startswith("postgresql://"):
            url = url.replace("://", "+psycopg://", 1)  # the driver that the extra brings
        try:
            # A database in memory has one connection, for which nobody waits. Parameters are what visitors wrote.
            waits = {} if url in ("sqlite://", "sqlite:///:memory:") else {"pool_timeout": connecting.POOL_S}
            self.engine = sa.create_engine(url, pool_pre_ping=True, hide_parameters=True, **waits)
        except (ValueError, sa.exc.ArgumentError):  # whose text may hold its password
            raise LiveChatError(f"LIVECHAT_DATABASE_URL {NO_URL}.") from None
        except ModuleNotFoundError as error:
            what = "Flask-LiveChat[postgres]" if error.name == "psycopg" else error.name
            raise LiveChatError(f"LIVECHAT_DATABASE_URL needs what pip install {what} brings.") from None
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self.insert = sqlite.insert if self.is_sqlite else postgresql.insert
        new = self.insert(events).on_conflict_do_nothing(index_elements=["provider", "key"])
        self._new = new.returning(events.c.id, events.c.provider, events.c.key)  # made once: each delivery needs it
        connecting.bind(self.engine)
        in_children(self.engine, _forget_connections)

    def upgrade(self) -> None:
        """Makes the tables, or brings them up to date, with what older events come to."""
        from alembic import command  # noqa: PLC0415 - slow to load, and needed once
        from alembic.config import Config  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))  # it is interpolated
        with ONE_AT_A_TIME, within(UPGRADE_S), self.engine.begin() as connection:
            if not self.is_sqlite:
                limits = f"SET LOCAL statement_timeout = '{UPGRADE_S}s'; SET LOCAL lock_timeout = '{UPGRADE_S}s'"
                connection.exec_driver_sql(limits)
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(UPGRADING)))
            older = sa.inspect(connection).get_table_names()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            newest = connection.execute(sa.select(sa.func.max(events.c.received_at))).scalar()
        if newest is not None and conversations.name not in older:
            for _ in self.recount(lambda: newest):
                pass

    def add(self, found: Sequence[Event], now: datetime) -> int:
        """How many of them are new. All are committed, or none."""
        rows = [as_row(one, now) for one in found]
        if not rows:  # nothing to lock the database for
            return 0
        with self.engine.begin() as connection:
            return self.insert_new(connection, found, rows)

    def insert_new(self, connection: sa.Connection, found: Sequence[Event], rows: list[dict[str, Any]]) -> int:
        """Insert the rows of events that are not there yet, with the people whom they name. Give their number."""
        if not rows:
            return 0
        by_key = {(row["provider"], row["key"]): event for row, event in zip(rows, found, strict=True)}
        # One row is told alone: that goes a shorter way than a list of one.
        new = connection.execute(self._new, rows if len(rows) > 1 else rows[0]).all()
        who = [person for row in new for person in named_people(row.id, by_key[row.provider, row.key])]
        if who:
            connection.execute(sa.insert(people), who)
        return len(new)

    def take(self, now: datetime, most: int = BATCH) -> list[Stored]:
        """The next events to be handled, the oldest first; nobody else gets them until the lease is over."""
        due = (
            sa.select(events.c.id)
            .where(events.c.state == "pending", events.c.due_at <= now)
            .order_by(events.c.id)
            .limit(most)
            .with_for_update(skip_locked=True)  # which SQLite leaves out: it has one writer
        )
        mine = {"due_at": now + LEASE, "owner": secrets.token_hex(8)}
        taken = sa.update(events).where(events.c.id.in_(due.scalar_subquery())).values(mine).returning(events)
        with self.engine.begin() as connection:
            rows = connection.execute(taken).mappings().all()
        return sorted((_stored(row) for row in rows), key=lambda one: one.row)

    def renew(self, taken: Sequence[Stored], now: datetime) -> None:
        """Whoever has taken these is alive: those that are not handled yet stay theirs."""
        mine = events.c.id.in_([one.row for one in taken]) & (events.c.owner == taken[0].owner)
        with self.engine.begin() as connection:
            connection.execute(sa.update(events).where(mine, PENDING).values(due_at=now + LEASE))

    def begin(self, one: Stored, now: datetime, counted: bool = True) -> Stored | None:
        """Somebody handles it now: that is noted, whatever becomes of them. By then its conversation is up to date.

        Gives it as it stands there now, with a lease anew; None where it is not theirs any more, or was erased. What
        another event of the same conversation has counted with its own is not counted again.
        """
        clock = _running(now)
        mine = (events.c.id == one.row) & PENDING & (events.c.owner == one.owner)
        begun = {"attempts": events.c.attempts + 1, "due_at": now + LEASE, "counted": COUNTED if counted else FAILED}
        with self.engine.begin() as connection:
            if counted and one.counted != COUNTED:
                # Its row is locked after its conversation's, as all that count and erase do it.
                wanted = sa.select(events.c.counted).where(mine)
                if one.event.conversation is None:
                    wanted = wanted.with_for_update()
                state = connection.execute(wanted).first()
                if state is None:
                    return None
                if state.counted != COUNTED:
                    fold(connection, self.insert, one.event, self.hours, clock())
            row = connection.execute(sa.update(events).where(mine).values(begun).returning(events)).mappings().first()
        return None if row is None else _stored(row)

    def fold(self, event: Event, now: datetime) -> None:
        """What a stored event changes of its conversation and contact; as often, and in whatever order, you like."""
        clock = _running(now)
        with self.engine.begin() as connection:
            fold(connection, self.insert, event, self.hours, clock())

    def count(self, provider: str, what: str, now: datetime, step: int = 1) -> None:
        """One more of what browsers report, of nobody: ``open``, or a thumb ``up`` or ``down``; -1: one less."""
        with self.engine.begin() as connection:
            self._count(connection, provider, what, now, step)

    def rate(self, provider: str, thumb: str | None, receipt: str | None, now: datetime) -> str | None:
        """Count a thumb, ``up`` or ``down``, and give its receipt. None where nothing was counted.

        With the receipt of an earlier thumb, that one is taken back. A receipt is good once, and for a day. Without a
        thumb, the earlier one is only taken back.
        """
        with self.engine.begin() as connection:
            connection.execute(sa.delete(thumbs).where(thumbs.c.at < now - RECEIPT_LIFE))
            if receipt is not None:
                mine = (thumbs.c.receipt == receipt) & (thumbs.c.provider == provider)
                before = connection.execute(sa.delete(thumbs).where(mine).returning(thumbs.c.what)).scalar()
                if before is None:
                    return None
                self._count(connection, provider, before, now, -1)
            if thumb is None:
                return None
            made = secrets.token_hex(16)
            connection.execute(sa.insert(thumbs).values(receipt=made, provider=provider, what=thumb, at=now))
            self._count(connection, provider, thumb, now, 1)
        return made

    def _count(self, connection: sa.Connection, provider: str, what: str, now: datetime, step: int) -> None:
        quarter = now - timedelta(minutes=now.minute % 15, seconds=now.second, microseconds=now.microsecond)
        new = self.insert(counts).values(provider=provider, what=what, quarter=quarter, count=step)
        more = {"count": counts.c.count + step}
        connection.execute(new.on_conflict_do_update(index_elements=["provider", "what", "quarter"], set_=more))

    def see(self, visitor: str, now: datetime) -> None:
        """A visitor has the chat open: what was said until now is read."""
        new = self.insert(seen).values(visitor=key_text(visitor), at=now)
        with self.engine.begin() as connection:
            connection.execute(new.on_conflict_do_update(index_elements=["visitor"], set_={"at": now}))

    def unread(self, visitor: str, email: str | None) -> int:
        """How many messages of agents and bots a visitor has not seen: since they last wrote or had the chat open."""
        c, who = conversations.c, key_text(visitor)
        theirs = c.visitor == who
        if email:  # for vendors that do not tell your id
            theirs |= c.visitor.is_(None) & (c.email == key_text(email.lower()))
        looked = sa.select(seen.c.at).where(seen.c.visitor == who).scalar_subquery()
        later = sa.or_(c.spoke_at.is_(None), events.c.at > c.spoke_at)
        later &= sa.or_(looked.is_(None), events.c.at > looked)
        mine = (events.c.provider == c.provider) & (events.c.conversation == c.conversation)
        told = (events.c.kind == "message") & events.c.author.in_(("agent", "bot"))
        wanted = sa.select(sa.func.count()).select_from(events.join(conversations, mine)).where(theirs, told, later)
        with self.reading() as connection:
            return connection.execute(wanted).scalar_one()

    def recount(self, clock: Callable[[], datetime], size: int = 200) -> Iterator[int]:
        """Makes each conversation anew from its events, and all contacts. Gives a 1 for each conversation."""
        with self.engine.begin() as connection:
            fold_contacts(connection, self.insert)
        last = ("", "")
        keys = sa.tuple_(events.c.provider, events.c.conversation)
        while True:
            wanted = sa.select(events.c.provider, events.c.conversation).distinct().order_by(*keys.clauses).limit(size)
            with self.reading() as connection:
                found = connection.execute(wanted.where(events.c.conversation.is_not(None), keys > last)).all()
            if not found:
                return
            for provider, conversation in found:
                with self.engine.begin() as connection:
                    fold_conversation(connection, self.insert, provider, conversation, self.hours, clock())
                yield 1
            last = (found[-1][0], found[-1][1])

    def done(self, one: Stored) -> None:
        """It has been handled."""
        self._set(one.row, state="done", error=None)

    def again(self, one: Stored, when: datetime, error: str) -> None:
        """It is to be handled again, not before ``when``."""
        self._set(one.row, due_at=when, error=error, attempts=one.attempts, owner=None)

    def fail(self, one: Stored, error: str) -> None:
        """It has been tried often enough; it waits for somebody to look at it."""
        self._set(one.row, state="failed", error=error)

    def newest(self) -> datetime | None:
        """When the last event came, by the clock of whoever received it."""
        with self.reading() as connection:
            return connection.execute(sa.select(sa.func.max(events.c.received_at))).scalar()

    def replay(self, now: datetime, since: datetime | None = None, failed: bool = False) -> int:
        """Makes events due again: those that failed, or all that came in since and were begun. Gives their number."""
        chosen = events.c.state == "failed" if failed else (events.c.state != "pending") | (events.c.attempts > 0)
        if since is not None:
            chosen &= events.c.received_at >= since
        again = sa.update(events).where(chosen).values(state="pending", due_at=now, attempts=0, error=None, owner=None)
        with self.engine.begin() as connection:
            return connection.execute(again).rowcount

    def each(
        self, state: str | None = None, size: int = 500, uncounted: bool = False
    ) -> Iterator[tuple[Stored, str, str | None]]:
        """All events by and by, in the order in which they came: with their state and last error.

        ``uncounted``: those alone whose conversation could not be counted.
        """
        last = 0
        while True:
            wanted = sa.select(events).where(events.c.id > last).order_by(events.c.id).limit(size)
            if state is not None:
                wanted = wanted.where(events.c.state == state)
            if uncounted:
                wanted = wanted.where(events.c.counted == FAILED)
            with self.reading() as connection:
                rows = connection.execute(wanted).mappings().all()
            if not rows:
                return
            yield from ((_stored(row), row["state"], row["error"]) for row in rows)
            last = rows[-1]["id"]

    def total(self) -> int:
        """How many events there are."""
        with self.reading() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(events)).scalar_one()

    def reading(self) -> sa.Connection:
        """A connection that only reads, and so waits for nobody. All that it reads is of one moment."""
        isolation = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        return self.engine.connect().execution_options(livechat_reads=True, **isolation)

    def _set(self, row: int, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.update(events).where(events.c.id == row).values(**values))


def explain(error: Exception) -> str | None:
    """What to do about an error of a database's; None for another one. Its own text may say what visitors wrote."""
    if not isinstance(error, sa.exc.SQLAlchemyError):
        return None
    cause = str(getattr(error, "orig", ""))
    if re.search(r'database "[^"]*" does not exist', cause):
        return "There is no such database on the server yet: create it first."
    if "no such table" in cause or "no such column" in cause or "does not exist" in cause:
        return "The tables are missing, or older than this version: flask livechat db upgrade"
    return f"The database does not answer ({type(error).__name__})."


def _forget_connections(engine: sa.Engine) -> None:
    """A child must not use its parent's connections, nor close them."""
    engine.dispose(close=False)


def _running(now: datetime) -> Callable[[], datetime]:
    """A clock that goes on from a moment: who waits for a lock has it later than they asked for it."""
    start = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - start)


def as_row(event: Event, now: datetime) -> dict[str, Any]:
    return {
        "provider": event.provider,
        "key": hashlib.sha256(event.id.encode("utf-8", "surrogatepass")).hexdigest(),
        "event": _text(event.id),
        "kind": event.kind,
        "at": event.at,
        "received_at": now,
        "conversation": key_text(event.conversation),
        "visitor": key_text(event.visitor),
        "email": key_text(event.email and event.email.lower()),
        "author": event.author,
        "text": _text(event.text),
        "rating": event.rating,
        "best": event.best,
        "tags": None if event.tags is None else json.dumps([key_text(tag) for tag in event.tags[:MOST_TAGS]]),
        "raw": json.dumps(event.raw),  # ASCII: whatever was in it
        "sequence": event.sequence,
        "state": "pending",
        "attempts": 0,
        "due_at": now,
    }


def named_people(row: int, event: Event) -> list[dict[str, Any]]:
    """The rows of everybody whom an event names. No id is empty: nobody is to be found by one."""
    return [
        {
            "event": row,
            "provider": event.provider,
            "contact": key_text(person.id) or None,
            "visitor": key_text(person.external_id) or None,
            "email": key_text(person.email and person.email.lower()) or None,
        }
        for person in event.people
    ]


def _raw(text: str) -> dict[str, Any]:
    """What the vendor said. Earlier versions took JSON that is nested too deeply to be read again."""
    try:
        raw: dict[str, Any] = json.loads(text)
    except RecursionError:
        return {}
    return raw


def _stored(row: Any) -> Stored:
    tags = None if row["tags"] is None else tuple(json.loads(row["tags"]))
    event = Event(
        provider=row["provider"],
        kind=row["kind"],
        id=row["event"],
        at=row["at"],
        conversation=row["conversation"],
        visitor=row["visitor"],
        email=row["email"],
        author=row["author"],
        text=row["text"],
        rating=row["rating"],
        best=row["best"],
        tags=tags,
        raw=_raw(row["raw"]),
        sequence=row["sequence"],
    )
    return Stored(row["id"], row["attempts"], event, row["due_at"], row["owner"], row["counted"])


def _text(value: str | None) -> str | None:
    """Text that every database takes: PostgreSQL knows no NUL, and nobody a lone surrogate."""
    return None if value is None else well_formed(value).replace("\0", "")


def key_text(value: str | None) -> str | None:
    """Such text, of a length that an index takes."""
    text = _text(value)
    return text and text[:LONGEST_KEY]

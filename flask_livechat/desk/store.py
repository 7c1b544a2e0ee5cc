"""Events in SQL: SQLite by default, PostgreSQL beyond one machine. An event is committed before it is acknowledged.

Every method is a transaction of its own. A process may be killed between any two of them, and within: nothing that was
acknowledged is lost, and what was being handled is handled again when its lease is over.
"""

from __future__ import annotations

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
from ..limits import within
from ..model import Event
from ..office_hours import OfficeHours
from ..system import in_children
from . import connecting
from .projections import COUNTED, FAILED, rebuild_contacts, update_conversation, update_projection
from .rows import IMPORTED, event_row, key_text, people_rows, read_event
from .tables import conversations, counts, events, outreach, people, seen, thumbs

LEASE = timedelta(seconds=60)  # after which what a worker has taken is taken by another; the living renew it
BATCH_EVENTS = 10  # which slow handlers, that call a vendor say, get done within the lease
UPGRADE_LOCK = Lock()  # Alembic keeps what it is doing in its module
UPGRADE_S = 600
PENDING = events.c.state == "pending"
MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """An event with its row's id, how often it has been started, and until when it is whose.

    ``counted``: ``yes`` where its conversation is up to date with it, ``failed`` where that cannot be.
    """

    row: int
    attempts: int
    event: Event
    due_at: datetime
    owner: str | None = None
    counted: str | None = None


class Store:
    """The events of an app. Threads may share it, and a fork's child. ``hours`` are those that count in the metrics."""

    def __init__(self, url: str, hours: OfficeHours | None = None) -> None:
        self.hours = hours
        if url.startswith("postgresql://"):
            url = url.replace("://", "+psycopg://", 1)  # the driver that the extra brings
        try:
            # A database in memory has one connection, for which nobody waits. Parameters are what visitors wrote.
            waits = {} if url in ("sqlite://", "sqlite:///:memory:") else {"pool_timeout": 1.0}
            self.engine = sa.create_engine(url, pool_pre_ping=True, hide_parameters=True, **waits)
        except (ValueError, sa.exc.ArgumentError):  # whose text may hold its password
            wrong = "is not the address of an SQLite or PostgreSQL database that can be used here"
            raise LiveChatError(f"LIVECHAT_DATABASE_URL {wrong}.") from None
        except ModuleNotFoundError as error:
            what = "Flask-LiveChat[postgres]" if error.name == "psycopg" else error.name
            raise LiveChatError(f"LIVECHAT_DATABASE_URL needs a package: pip install {what}") from None
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self.insert = sqlite.insert if self.is_sqlite else postgresql.insert
        new = self.insert(events).on_conflict_do_nothing(index_elements=["provider", "key"])
        # Made once, for each delivery needs it.
        self._insert_event = new.returning(events.c.id, events.c.provider, events.c.key)
        connecting.bind(self.engine)
        # A child must neither use its parent's connections nor close them.
        in_children(self.engine, lambda engine: engine.dispose(close=False))

    def upgrade(self) -> None:
        """Make the tables, or bring them up to date, with what older events come to."""
        from alembic import command  # noqa: PLC0415 - slow to load, and needed once
        from alembic.config import Config  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))  # it is interpolated
        with UPGRADE_LOCK, within(UPGRADE_S), self.engine.begin() as connection:
            if not self.is_sqlite:
                limits = f"SET LOCAL statement_timeout = '{UPGRADE_S}s'; SET LOCAL lock_timeout = '{UPGRADE_S}s'"
                connection.exec_driver_sql(limits)
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(0x6C697665)))  # one process at a time
            older = sa.inspect(connection).get_table_names()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            newest = connection.execute(sa.select(sa.func.max(events.c.received_at))).scalar()
        if newest is not None and conversations.name not in older:
            for _ in self.recount(lambda: newest):
                pass

    def add(self, new: Sequence[Event], now: datetime) -> int:
        """Store events that are not there yet, all of them or none. Return how many are to be handled by that.

        What an import has brought before its webhook came is to be handled like everything else.
        """
        rows = [event_row(event, now) for event in new]
        if not rows:  # nothing to lock the database for
            return 0
        with self.engine.begin() as connection:
            count = self.insert_new(connection, new, rows)
            if count < len(rows):
                keys = [(row["provider"], row["key"]) for row in rows]
                imported = sa.tuple_(events.c.provider, events.c.key).in_(keys) & (events.c.state == IMPORTED)
                due = {"state": "pending", "received_at": now, "due_at": now}
                count += connection.execute(sa.update(events).where(imported).values(due)).rowcount
            return count

    def insert_new(self, connection: sa.Connection, new: Sequence[Event], rows: list[dict[str, Any]]) -> int:
        """Insert the rows of events that are not there yet, with the people whom they name. Return their number."""
        if not rows:
            return 0
        by_key = {(row["provider"], row["key"]): event for row, event in zip(rows, new, strict=True)}
        # A single row is given alone: that goes a shorter way than a list of one.
        inserted = connection.execute(self._insert_event, rows if len(rows) > 1 else rows[0]).all()
        named = [person for row in inserted for person in people_rows(row.id, by_key[row.provider, row.key])]
        if named:
            connection.execute(sa.insert(people), named)
        return len(inserted)

    def insert_past(self, connection: sa.Connection, past: Sequence[Event], now: datetime) -> int:
        """Insert events that no worker is to handle, as received when they happened. Return the number of new ones.

        ``LIVECHAT_KEEP_DAYS`` counts from when they happened, too.
        """
        rows = [event_row(event, min(event.at, now)) | {"state": IMPORTED} for event in past]
        return self.insert_new(connection, past, rows)

    def take(self, now: datetime, most: int = BATCH_EVENTS) -> list[QueuedEvent]:
        """Take the next events to be handled, the oldest first. Nobody else gets them until the lease is over."""
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
        return sorted((_queued(row) for row in rows), key=lambda queued: queued.row)

    def renew(self, taken: Sequence[QueuedEvent], now: datetime) -> None:
        """Renew the lease of events that are not handled yet: whoever has taken them is alive."""
        mine = events.c.id.in_([queued.row for queued in taken]) & (events.c.owner == taken[0].owner)
        with self.engine.begin() as connection:
            connection.execute(sa.update(events).where(mine, PENDING).values(due_at=now + LEASE))

    def start(self, queued: QueuedEvent, now: datetime, counted: bool = True) -> QueuedEvent | None:
        """Record an attempt, renew the lease and update the conversation. Return None if the lease was lost.

        Return the event as it stands there now; None also where it was erased. What another event of the same
        conversation has counted with its own is not counted again.
        """
        clock = _running(now)
        mine = (events.c.id == queued.row) & PENDING & (events.c.owner == queued.owner)
        started = {"attempts": events.c.attempts + 1, "due_at": now + LEASE, "counted": COUNTED if counted else FAILED}
        with self.engine.begin() as connection:
            if counted and queued.counted != COUNTED:
                # Its row is locked after its conversation's, as all that count and erase do it.
                wanted = sa.select(events.c.counted).where(mine)
                if queued.event.conversation is None:
                    wanted = wanted.with_for_update()
                state = connection.execute(wanted).first()
                if state is None:
                    return None
                if state.counted != COUNTED:
                    update_projection(connection, self.insert, queued.event, self.hours, clock())
            row = connection.execute(sa.update(events).where(mine).values(started).returning(events)).mappings().first()
        return None if row is None else _queued(row)

    def update_projection(self, event: Event, now: datetime) -> None:
        """Write what a stored event changes of its conversation and contact. The order does not matter."""
        clock = _running(now)
        with self.engine.begin() as connection:
            update_projection(connection, self.insert, event, self.hours, clock())

    def count(self, provider: str, what: str, now: datetime, step: int = 1) -> None:
        """Count what browsers report: ``open``, or a thumb ``up`` or ``down``. ``step`` -1 counts one less."""
        with self.engine.begin() as connection:
            self._count(connection, provider, what, now, step)

    def rate(self, provider: str, thumb: str | None, receipt: str | None, now: datetime) -> str | None:
        """Count a thumb, ``up`` or ``down``, and return its receipt. None where nothing was counted.

        With the receipt of an earlier thumb, that one is taken back. A receipt is good once, and for a day. Without a
        thumb, the earlier one is only taken back.
        """
        with self.engine.begin() as connection:
            connection.execute(sa.delete(thumbs).where(thumbs.c.at < now - timedelta(days=1)))
            if receipt is not None:
                mine = (thumbs.c.receipt == receipt) & (thumbs.c.provider == provider)
                before = connection.execute(sa.delete(thumbs).where(mine).returning(thumbs.c.what)).scalar()
                if before is None:
                    return None
                self._count(connection, provider, before, now, -1)
            if thumb is None:
                return None
            new_receipt = secrets.token_hex(16)
            connection.execute(sa.insert(thumbs).values(receipt=new_receipt, provider=provider, what=thumb, at=now))
            self._count(connection, provider, thumb, now, 1)
        return new_receipt

    def _count(self, connection: sa.Connection, provider: str, what: str, now: datetime, step: int) -> None:
        new = self.insert(counts).values(provider=provider, what=what, quarter=quarter_of(now), count=step)
        more = {"count": counts.c.count + step}
        connection.execute(new.on_conflict_do_update(index_elements=["provider", "what", "quarter"], set_=more))

    def see(self, visitor: str, now: datetime) -> None:
        """Note that a visitor has the chat open: what was written until now is read."""
        new = self.insert(seen).values(visitor=key_text(visitor), at=now)
        with self.engine.begin() as connection:
            connection.execute(new.on_conflict_do_update(index_elements=["visitor"], set_={"at": now}))

    def claim_outreach(self, visitor: str, limit: int, now: datetime, period: timedelta) -> int | None:
        """Take one of the slots in which the team may begin with a visitor within a period. None where all are taken.

        A slot is a row: of two processes that want the same one, the database gives it to one.
        """
        with self.engine.begin() as connection:
            connection.execute(sa.delete(outreach).where(outreach.c.at <= now - period))
            for slot in range(limit):
                new = self.insert(outreach).values(visitor=key_text(visitor), slot=slot, at=now)
                if connection.execute(new.on_conflict_do_nothing().returning(outreach.c.slot)).first() is not None:
                    return slot
        return None

    def release_outreach(self, visitor: str, slot: int) -> None:
        """Give a slot back: nobody was written to."""
        mine = (outreach.c.visitor == key_text(visitor)) & (outreach.c.slot == slot)
        with self.engine.begin() as connection:
            connection.execute(sa.delete(outreach).where(mine))

    def unread(self, visitor: str, email: str | None) -> int:
        """Count the messages of agents and bots since a visitor last wrote or had the chat open.

        What was imported is not counted: nobody knows whether it was read in its time.
        """
        c, who = conversations.c, key_text(visitor)
        theirs = c.visitor == who
        if email:  # for vendors that do not tell your id
            theirs |= c.visitor.is_(None) & (c.email == key_text(email.lower()))
        seen_at = sa.select(seen.c.at).where(seen.c.visitor == who).scalar_subquery()
        later = sa.or_(c.spoke_at.is_(None), events.c.at > c.spoke_at)
        later &= sa.or_(seen_at.is_(None), events.c.at > seen_at)
        mine = (events.c.provider == c.provider) & (events.c.conversation == c.conversation)
        is_answer = (events.c.kind == "message") & events.c.author.in_(("agent", "bot")) & (events.c.state != IMPORTED)
        wanted = (
            sa.select(sa.func.count()).select_from(events.join(conversations, mine)).where(theirs, is_answer, later)
        )
        with self.reading() as connection:
            return connection.execute(wanted).scalar_one()

    def recount(self, clock: Callable[[], datetime], size: int = 200) -> Iterator[int]:
        """Make each conversation anew of its events, and all contacts. Yield a 1 for each conversation."""
        with self.engine.begin() as connection:
            rebuild_contacts(connection, self.insert)
        last = ("", "")
        keys = sa.tuple_(events.c.provider, events.c.conversation)
        while True:
            wanted = sa.select(events.c.provider, events.c.conversation).distinct().order_by(*keys.clauses).limit(size)
            with self.reading() as connection:
                rows = connection.execute(wanted.where(events.c.conversation.is_not(None), keys > last)).all()
            if not rows:
                return
            for provider, conversation in rows:
                with self.engine.begin() as connection:
                    update_conversation(connection, self.insert, provider, conversation, self.hours, clock())
                yield 1
            last = (rows[-1][0], rows[-1][1])

    def ack(self, queued: QueuedEvent) -> None:
        """Mark the event as handled."""
        self._set(queued.row, state="done", error=None)

    def retry_later(self, queued: QueuedEvent, when: datetime, error: str) -> None:
        """Have the event handled again, not before ``when``."""
        self._set(queued.row, due_at=when, error=error, attempts=queued.attempts, owner=None)

    def mark_failed(self, queued: QueuedEvent, error: str) -> None:
        """Give the event up. It waits for somebody to look at it."""
        self._set(queued.row, state="failed", error=error)

    def newest(self) -> datetime | None:
        """Return when the last event came, by the clock of whoever received it."""
        with self.reading() as connection:
            return connection.execute(sa.select(sa.func.max(events.c.received_at))).scalar()

    def replay(self, now: datetime, since: datetime | None = None, failed: bool = False) -> int:
        """Make events due again: those that failed, or all that came in since and were started. Return their number."""
        chosen = events.c.state == "failed" if failed else (events.c.state != "pending") | (events.c.attempts > 0)
        chosen &= events.c.state != IMPORTED  # the past is nobody's news
        if since is not None:
            chosen &= events.c.received_at >= since
        again = sa.update(events).where(chosen).values(state="pending", due_at=now, attempts=0, error=None, owner=None)
        with self.engine.begin() as connection:
            return connection.execute(again).rowcount

    def scan(
        self, state: str | None = None, size: int = 500, uncounted: bool = False
    ) -> Iterator[tuple[QueuedEvent, str, str | None]]:
        """Yield all events in the order in which they came, with their state and last error.

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
            yield from ((_queued(row), row["state"], row["error"]) for row in rows)
            last = rows[-1]["id"]

    def total(self) -> int:
        """Return how many events there are."""
        with self.reading() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(events)).scalar_one()

    def reading(self) -> sa.Connection:
        """Open a connection that only reads, and so waits for nobody. All that it reads is of one moment."""
        isolation = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        return self.engine.connect().execution_options(livechat_reads=True, **isolation)

    def _set(self, row: int, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.update(events).where(events.c.id == row).values(**values))


def quarter_of(now: datetime) -> datetime:
    """Return when its quarter of an hour began: an anonymous count says no more of when it was."""
    return now - timedelta(minutes=now.minute % 15, seconds=now.second, microseconds=now.microsecond)


def explain(error: Exception) -> str | None:
    """Say what to do about a database's error; None for another one. Its own text may hold what visitors wrote."""
    if not isinstance(error, sa.exc.SQLAlchemyError):
        return None
    cause = str(getattr(error, "orig", ""))
    if re.search(r'database "[^"]*" does not exist', cause):
        return "The database does not exist on the server yet. Create it first."
    if "no such table" in cause or "no such column" in cause or "does not exist" in cause:
        return "The tables are missing, or older than this version. Run flask livechat db upgrade."
    kind = type(error).__name__
    if "unable to open database file" in cause:
        return f"SQLite cannot open the file ({kind}). Does the folder in LIVECHAT_DATABASE_URL exist?"
    return f"The database does not answer ({kind}). Does it run at the address in LIVECHAT_DATABASE_URL?"


def _queued(row: Any) -> QueuedEvent:
    return QueuedEvent(row["id"], row["attempts"], read_event(row), row["due_at"], row["owner"], row["counted"])


def _running(now: datetime) -> Callable[[], datetime]:
    """Return a clock that goes on from a moment: who waits for a lock has it later than they asked for it."""
    start = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - start)

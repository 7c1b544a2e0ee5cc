"""What flows hand over, from the last step until the visitor writes: then agents get it as a note.

A visitor has one at each vendor, their newest. It is theirs who was logged in at that step; a conversation is theirs
where the vendor vouches for it. What a browser says decides neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from ..model import Event
from ..providers.base import Handoff
from .handling import put_handling
from .projections import lock_conversation
from .rows import key_text
from .store import Store
from .tables import conversations, handling, handoffs

WAIT = timedelta(hours=1)  # for the visitor's message
SKEW = timedelta(minutes=2)  # by which the vendor's clock may be behind
KEEP = timedelta(days=1)  # in which a worker that was down, or a vendor, is back
WRITING = timedelta(seconds=60)  # after which a worker that has died stops no other one
MAX_CANDIDATES = 20  # visitors whose conversation it may be, where the vendor has not named its visitor yet


class Handoffs:
    """The handoffs of an app. Each method is a transaction of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, provider: str, handoff: Handoff, now: datetime) -> bool:
        """Store one in the place of the visitor's earlier one, and delete those that are too old."""
        key = {"provider": provider, "visitor": key_text(handoff.visitor)}
        email = handoff.email and key_text(handoff.email.lower())
        values = {"email": email, "note": handoff.note, "topic": handoff.topic, "at": now, "event": None}
        new = self._store.insert(handoffs).values(**key, **values)
        with self._store.engine.begin() as connection:
            connection.execute(sa.delete(handoffs).where(handoffs.c.at < now - KEEP))
            connection.execute(new.on_conflict_do_update(index_elements=list(key), set_=values))
        return True

    def drop_old(self, now: datetime) -> None:
        """Delete those whose visitor has not written."""
        with self._store.engine.begin() as connection:
            connection.execute(sa.delete(handoffs).where(handoffs.c.at < now - KEEP))

    def candidates(self, event: Event) -> list[Handoff]:
        """Return those that may be of a visitor who has just written, the newest first."""
        c, since, until = handoffs.c, event.at - WAIT, event.at + SKEW
        wanted = sa.select(handoffs).where(c.provider == event.provider, c.at.between(since, until))
        if event.visitor is not None:
            wanted = wanted.where(c.visitor == key_text(event.visitor))
        with self._store.reading() as connection:
            if event.visitor is None:
                mine = (conversations.c.provider == event.provider) & (
                    conversations.c.conversation == event.conversation
                )
                email = connection.execute(sa.select(conversations.c.email).where(mine)).scalar()
                wanted = wanted if email is None else wanted.where(c.email == email)
            rows = connection.execute(wanted.order_by(c.at.desc()).limit(MAX_CANDIDATES)).mappings().all()
        return [Handoff(row["visitor"], row["email"], row["note"], row["topic"]) for row in rows]

    def begin(self, provider: str, conversation: str, now: datetime) -> int | None:
        """Say that a worker writes into a conversation, and return its row. Return None while another worker does."""
        with self._store.engine.begin() as connection:
            row = lock_conversation(connection, self._store.insert, provider, conversation)
            until = sa.select(handling.c.noting_until).where(handling.c.conversation == row)
            noting_until = connection.execute(until).scalar()
            if noting_until is not None and noting_until > now:
                return None
            put_handling(connection, self._store.insert, row, {"noting_until": now + WRITING}, now)
        return row

    def end(self, row: int) -> None:
        """Let other workers write into a conversation."""
        with self._store.engine.begin() as connection:
            ended = sa.update(handling).where(handling.c.conversation == row).values(noting_until=None)
            connection.execute(ended)

    def drop(self, provider: str, handoff: Handoff) -> None:
        """Delete one that agents have. A newer one of the same visitor stays."""
        mine = (handoffs.c.provider == provider) & (handoffs.c.visitor == handoff.visitor)
        with self._store.engine.begin() as connection:
            connection.execute(sa.delete(handoffs).where(mine, handoffs.c.note == handoff.note))

    def mark_failed(self, event: Event, failed: Sequence[Handoff]) -> None:
        """Note at which event they could not be written, so that it is tried again without the app's handlers."""
        theirs = (handoffs.c.provider == event.provider) & handoffs.c.visitor.in_([item.visitor for item in failed])
        with self._store.engine.begin() as connection:
            connection.execute(sa.update(handoffs).where(theirs).values(event=event.id))

    def has_failed_at(self, event: Event) -> bool:
        """Whether an event comes again for the sake of a note alone."""
        mine = sa.select(handoffs.c.visitor).where(handoffs.c.provider == event.provider, handoffs.c.event == event.id)
        with self._store.reading() as connection:
            return connection.execute(mine.limit(1)).first() is not None

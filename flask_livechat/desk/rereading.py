"""Stored deliveries, read once more as this version reads them: earlier ones took bots for people, say.

Rows stay, with their numbers, and no handler hears of them again. What two rows tell of one thing, only the first one
keeps telling; what a delivery also holds, and no row tells, gets one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from .. import providers
from ..hooks import Delivery
from ..model import Event
from .store import Store, as_row, named_people
from .tables import events, people
from .webhooks import WRONG_SHAPE

SIZE = 200  # rows of a transaction
FIELDS = "event key kind at conversation visitor email author text rating best tags sequence".split()


def reread(store: Store, values: Mapping[str, providers.Values]) -> Iterator[int]:
    """Bring every row up to date whose delivery is still there. Give the number of rows looked at, by and by."""
    last = 0
    while True:
        wanted = sa.select(events).where(events.c.id > last).order_by(events.c.id).limit(SIZE).with_for_update()
        with store.engine.begin() as connection:
            rows = connection.execute(wanted).mappings().all()
            for row in rows:
                _update(connection, store, row, _read(row, values))
        if not rows:
            return
        last = rows[-1]["id"]
        yield len(rows)


def _read(row: Any, values: Mapping[str, providers.Values]) -> Sequence[Event]:
    """The events of a row's delivery, the row's own one first. None of them where it cannot be read any more."""
    room, delivery = providers.webhooks(row["provider"]), Delivery({}, {}, row["raw"].encode())
    if room is None or row["provider"] not in values:
        return ()
    try:
        found = list(room.parse(values[row["provider"]], delivery))
    except WRONG_SHAPE:
        return ()
    found.sort(key=lambda event: _distance(event, row))
    # What is made of the delivery's bytes is another id now: they were written anew.
    return [replace(event, id=row["event"]) if delivery.digest in event.id else event for event in found]


def _distance(event: Event, row: Any) -> tuple[bool, bool, bool]:
    """How much an event is not the one that a row tells: earlier ids ended with that of the part."""
    part = row["event"].rpartition(":")[2]
    return event.id != row["event"], event.kind != row["kind"], part not in event.id.split(":")


def _update(connection: sa.Connection, store: Store, row: Any, found: Sequence[Event]) -> None:
    if not found:
        return
    made = [as_row(event, row["received_at"]) | {"state": "done"} for event in found]
    mine = events.c.id == row["id"]
    same = (events.c.provider == row["provider"]) & (events.c.key == made[0]["key"]) & ~mine
    if connection.execute(sa.select(events.c.id).where(same)).first():
        connection.execute(sa.update(events).where(mine).values(kind="unknown", author=None))
    else:
        connection.execute(sa.update(events).where(mine).values({name: made[0][name] for name in FIELDS}))
    connection.execute(sa.delete(people).where(people.c.event == row["id"]))
    who = named_people(row["id"], found[0])
    if who:
        connection.execute(sa.insert(people), who)
    store.insert_new(connection, found[1:], made[1:])

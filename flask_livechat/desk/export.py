"""Events and conversations for a warehouse: rows by and by, each with the cursor that the next export goes on from."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TextIO

import sqlalchemy as sa

from ..safe_text import csv_cell
from .store import Store
from .tables import conversations, episodes, events

# On PostgreSQL a row with a lower number may be committed later, within the limits of `connecting.py`. SQLite has one
# writer: what is there is all that there was until then.
SETTLE_TIME = timedelta(minutes=1)
BATCH_ROWS = 1000
TALK = ("provider", "conversation", "visitor", "email", "state", "tags", "first_at", "last_at")
EPISODE = tuple(column.name for column in episodes.c if column.name not in ("id", "conversation", "provider"))


def each_event(store: Store, now: datetime, after: str | None = None) -> Iterator[Mapping[str, Any]]:
    """Yield every event once, in the order in which they came, until one is not settled. ``cursor`` is a number."""
    last = _number(after or "0")
    names = "event provider kind at received_at conversation visitor email author text rating best tags raw".split()
    columns = [events.c[name] for name in names]
    while rows := _read(
        store, sa.select(events.c.id, *columns).where(events.c.id > last).order_by(events.c.id).limit(BATCH_ROWS)
    ):
        for row in rows:
            if not store.is_sqlite and row["received_at"] > now - SETTLE_TIME:
                return
            yield {"cursor": str(row["id"])} | {name: row[name] for name in names}
        last = rows[-1]["id"]


def each_episode(store: Store, now: datetime, after: str | None = None) -> Iterator[Mapping[str, Any]]:
    """Yield every conversation with its episodes, a row for each; a conversation without any has one row.

    One that has been erased has no name any more. Those that have changed since come once more, whole: put them in the
    place of what you have of a conversation. ``cursor`` is a moment and a number; within a conversation it is the one
    before, so that its rows stay together.
    """
    moment, number = _place(after)
    cursor = after or ""
    settled: sa.ColumnElement[bool] = conversations.c.changed_at.is_not(None)
    if not store.is_sqlite:
        settled &= conversations.c.changed_at <= now - SETTLE_TIME
    columns = [conversations.c.id, conversations.c.changed_at, *(conversations.c[name] for name in TALK)]
    place = sa.tuple_(conversations.c.changed_at, conversations.c.id)
    while True:
        wanted = sa.select(*columns).where(settled)
        if moment is not None:
            wanted = wanted.where(
                (conversations.c.changed_at > moment)
                | ((conversations.c.changed_at == moment) & (conversations.c.id > number))
            )
        rows = _read(store, wanted.order_by(*place.clauses).limit(BATCH_ROWS))
        if not rows:
            return
        theirs = _episodes(store, [row["id"] for row in rows])
        for row in rows:
            talk, own = {name: row[name] for name in TALK}, theirs.get(row["id"], [dict.fromkeys(EPISODE)])
            yield from ({"cursor": cursor} | talk | episode for episode in own[:-1])
            cursor = f"{row['changed_at'].isoformat()}~{row['id']}"
            yield {"cursor": cursor} | talk | own[-1]
        moment, number = rows[-1]["changed_at"], rows[-1]["id"]


def _episodes(store: Store, ids: list[int]) -> dict[int, list[dict[str, Any]]]:
    wanted = sa.select(episodes).where(episodes.c.conversation.in_(ids)).order_by(episodes.c.id)
    by_conversation: dict[int, list[dict[str, Any]]] = {}
    for row in _read(store, wanted):
        by_conversation.setdefault(row["conversation"], []).append({name: row[name] for name in EPISODE})
    return by_conversation


def _read(store: Store, wanted: sa.Select[Any]) -> list[Any]:
    with store.reading() as connection:
        return list(connection.execute(wanted).mappings().all())


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise ValueError("this is not a cursor of an export of events")
    return int(text)


def _place(text: str | None) -> tuple[datetime | None, int]:
    if not text:
        return None, 0
    moment, _, number = text.partition("~")
    try:
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise ValueError
        return at.astimezone(UTC), _number(number)
    except (ValueError, OverflowError):
        raise ValueError("this is not a cursor of an export of conversations") from None


def write(
    rows: Iterable[Mapping[str, Any]], file: TextIO, format: str, done: Callable[[str], None] = lambda cursor: None
) -> int:
    """Write ``csv`` or ``jsonl``. Return the number of rows; ``done`` gets each row's cursor once it is written.

    JSON says what is stored; CSV is what people open in a spreadsheet, where a text must not become a formula.
    """
    count, table = 0, None
    for row in rows:
        plain = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
        if format == "jsonl":
            stored = {name: json.loads(plain[name]) for name in ("raw", "tags") if plain.get(name)}
            file.write(json.dumps(plain | stored) + "\n")
        else:
            if table is None:
                table = csv.DictWriter(file, list(plain))
                table.writeheader()
            table.writerow({name: csv_cell(value) for name, value in plain.items()})
        count += 1
        done(row["cursor"])
    return count

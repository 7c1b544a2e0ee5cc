"""Keep conversations, their episodes, tags and contacts up to date, whatever event comes, and however often.

What a conversation is now is made of all its events, under a lock, so their order does not matter. A long one keeps
what it was ``TAIL_EVENTS`` events ago, and goes on from there. An event from before that makes it anew of all.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from .. import providers
from ..hooks import Delivery
from ..model import Event
from ..office_hours import OfficeHours
from ..operation import WRONG_SHAPE
from ..providers import Values
from .handling import read_handling
from .rows import event_row, people_rows, read_tags
from .tables import contacts, conversations, episodes, events, people, tags
from .timeline import Episode, Progress, Timeline, build_timeline, split_tail

if TYPE_CHECKING:
    from .store import Store

EVENT_COLUMNS = ("event", "provider", "kind", "at", "visitor", "email", "author", "rating", "best", "tags", "sequence")
TAIL_EVENTS = 50  # of a long conversation, that are looked at again with each further one, at least
COUNTED, FAILED = "yes", "failed"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Start:
    """From where a long conversation is gone on with. ``row`` is the last of its episodes that is over for good."""

    progress: Progress
    row: int


def update_projection(
    connection: sa.Connection, insert: Any, event: Event, hours: OfficeHours | None, now: datetime
) -> None:
    """Write what a stored event changes. ``insert`` is the one of the database's dialect, which knows of conflicts."""
    if event.conversation is not None:
        update_conversation(connection, insert, event.provider, event.conversation, hours, now, event.at)
    elif event.visitor or event.email:
        _put_contact(connection, insert, event.provider, event.visitor or "", (event.email or "").lower(), event.at)


def update_conversation(
    connection: sa.Connection,
    insert: Any,
    provider: str,
    name: str,
    hours: OfficeHours | None,
    now: datetime,
    since: datetime | None = None,
) -> None:
    """Make a conversation's row, episodes and tags of its events: of all, or of those ``since`` one that has come."""
    asked = time.monotonic()
    row = lock_conversation(connection, insert, provider, name)
    before = connection.execute(sa.select(conversations).where(conversations.c.id == row)).mappings().one()
    start = _read_start(connection, before, since)
    mine = (events.c.provider == provider) & (events.c.conversation == name)
    if start is not None:
        mine &= events.c.at > start.progress.until
    columns = (events.c.id, events.c.counted, *(events.c[column] for column in EVENT_COLUMNS))
    rows = connection.execute(sa.select(*columns).where(mine)).mappings().all()
    if not rows:  # they were erased
        drop_unused(connection, [row])
        return
    over, following, timeline = _timeline(
        [_read_event(event) for event in rows], start, before["visitor"] if start else None
    )
    owner = {"conversation": row, "provider": provider}
    ids = _put_episodes(connection, owner, start.row if start else 0, (*over, *timeline.episodes), hours)
    if following and over:
        following = replace(following, row=ids[len(over) - 1])
    values = {
        "visitor": timeline.visitor,
        "email": timeline.email or (before["email"] if start else None),
        "state": timeline.state,
        "tags": json.dumps(timeline.tags),
        "first_at": timeline.first_at,
        "last_at": timeline.last_at,
        "spoke_at": timeline.spoke_at,
        "asked_at": timeline.asked_at,
        "changed_at": _changed_at(connection, now + timedelta(seconds=time.monotonic() - asked)),
        "progress": following and json.dumps(asdict(following), default=datetime.isoformat),
    }
    connection.execute(sa.update(conversations).where(conversations.c.id == row).values(values))
    new = [event for event in rows if event["counted"] != COUNTED]
    read_handling(connection, insert, row, [event["id"] for event in new], now)
    _mark_counted(connection, insert, new)


def _changed_at(connection: sa.Connection, now: datetime) -> datetime:
    """Return when this is written, while the lock is held: exports go on from there.

    SQLite has one writer, so each moment can be later than all before it, whatever the clock does.
    """
    if connection.dialect.name == "sqlite":
        newest = connection.execute(sa.select(sa.func.max(conversations.c.changed_at))).scalar()
        now = now if newest is None else max(now, newest + timedelta.resolution)
    return now


def _mark_counted(connection: sa.Connection, insert: Any, rows: Sequence[Any]) -> None:
    """Mark events as counted, and keep whoever is named in them as a contact."""
    for ids in batched([row["id"] for row in rows]):
        connection.execute(sa.update(events).where(events.c.id.in_(ids)).values(counted=COUNTED))
    times_of: dict[tuple[str, str, str], list[datetime]] = {}
    for row in rows:
        if row["visitor"] or row["email"]:
            who = (row["provider"], row["visitor"] or "", (row["email"] or "").lower())
            times_of.setdefault(who, []).append(row["at"])
    for who, times in sorted(times_of.items()):
        for at in {min(times), max(times)}:
            _put_contact(connection, insert, *who, at)


def batched(items: Sequence[T], size: int = 200) -> Iterator[Sequence[T]]:
    """Split items into as many as a database takes in one statement."""
    return (items[start : start + size] for start in range(0, len(items), size))


def lock_conversation(connection: sa.Connection, insert: Any, provider: str, name: str) -> int:
    """Return the conversation's row, which nobody else writes until the transaction ends."""
    new = insert(conversations).values(provider=provider, conversation=name)
    same = new.on_conflict_do_update(index_elements=["provider", "conversation"], set_={"provider": provider})
    row: int = connection.execute(same.returning(conversations.c.id)).scalar_one()
    return row


def drop_unused(connection: sa.Connection, rows: list[int]) -> None:
    """Delete conversations that nothing was ever made of: nobody needs their names."""
    unused = conversations.c.id.in_(rows) & conversations.c.first_at.is_(None)
    connection.execute(sa.delete(conversations).where(unused))


def rebuild_contacts(connection: sa.Connection, insert: Any) -> None:
    """Make all contacts anew, of all events."""
    who = (events.c.provider, sa.func.coalesce(events.c.visitor, ""), sa.func.coalesce(events.c.email, ""))
    wanted = sa.select(*who, sa.func.min(events.c.at), sa.func.max(events.c.at)).group_by(*who)
    named = (sa.func.coalesce(events.c.visitor, "") != "") | (sa.func.coalesce(events.c.email, "") != "")
    for provider, visitor, email, first, last in connection.execute(wanted.where(named)).all():
        for at in (first, last):
            _put_contact(connection, insert, provider, visitor, email, at)


def _timeline(
    ordered: list[Event], start: Start | None, visitor: str | None
) -> tuple[tuple[Episode, ...], Start | None, Timeline]:
    """Return the episodes that are over for good by now, from where to go on next time, and the timeline."""
    progress = start.progress if start else None
    early, late = split_tail(ordered, TAIL_EVENTS)
    if not early:
        return (), start, build_timeline(late, progress, visitor)
    first = build_timeline(early, progress, visitor)
    over = tuple(episode for episode in first.episodes if episode is not first.progress.episode)
    timeline = build_timeline(late, first.progress, first.visitor)
    timeline = replace(timeline, email=timeline.email or first.email)
    return over, Start(first.progress, start.row if start else 0), timeline


def _put_episodes(
    connection: sa.Connection, owner: dict[str, Any], after: int, new: Sequence[Episode], hours: OfficeHours | None
) -> list[int]:
    """Put episodes in the place of those of the conversation whose rows came ``after`` one. Return their rows."""
    mine = (episodes.c.conversation == owner["conversation"]) & (episodes.c.id > after)
    old = sa.select(episodes.c.id).where(mine)
    connection.execute(sa.delete(tags).where(tags.c.episode.in_(old.scalar_subquery())))
    connection.execute(sa.delete(episodes).where(mine))
    rows = []
    for episode in new:
        values = owner | episode_row(episode, hours)
        row: int = connection.execute(sa.insert(episodes).values(values).returning(episodes.c.id)).scalar_one()
        if episode.tags:
            connection.execute(sa.insert(tags), [{"episode": row, "tag": tag} for tag in episode.tags])
        rows.append(row)
    return rows


def _read_start(connection: sa.Connection, row: Any, since: datetime | None) -> Start | None:
    """Read from where a conversation goes on. Return None where it is to be counted anew.

    That is so for an event from before, for what another version has written, and where the last episode is gone: a
    worker of an older version writes all of them anew.
    """
    if since is None or row["progress"] is None:
        return None
    try:
        data = json.loads(row["progress"])
        progress = data["progress"]
        episode = Episode(**_read_fields(progress.pop("episode")))
        start = Start(Progress(episode=episode, **_read_fields(progress)), data["row"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    last = sa.select(episodes.c.id).where(episodes.c.id == start.row, episodes.c.conversation == row["id"])
    is_there = start.row == 0 or connection.execute(last).first() is not None
    return start if is_there and since > start.progress.until else None


def _read_fields(data: dict[str, Any]) -> dict[str, Any]:
    moments = {name for name in data if name.endswith("_at") or name == "until"}
    read = {name: datetime.fromisoformat(data[name]) for name in moments if data[name]}
    return data | read | {"tags": tuple(data["tags"])}


def episode_row(episode: Episode, hours: OfficeHours | None) -> dict[str, Any]:
    """Return the columns of an episode, with its times in seconds: by the clock, and within office hours."""
    solved_at = None if episode.closed_by == "nobody" else episode.closed_at
    names = ("started_at", "answered_at", "closed_at", "closed_by", "rated_at", "rating", "best")
    row: dict[str, Any] = {name: getattr(episode, name) for name in names}
    start = episode.started_at
    for name, end in (("response", episode.answered_at), ("resolution", solved_at)):
        row |= {name: None, f"{name}_office": None}
        if start is not None and end is not None:
            row[name] = (end - start).total_seconds()
            row[f"{name}_office"] = hours.seconds(start, end) if hours else None
    return row


def _put_contact(connection: sa.Connection, insert: Any, provider: str, visitor: str, email: str, at: datetime) -> None:
    who = {"provider": provider, "visitor": visitor, "email": email}
    new = insert(contacts).values(**who, first_at=at, last_at=at)
    first, last = (contacts.c.first_at, new.excluded.first_at), (contacts.c.last_at, new.excluded.last_at)
    times = {
        "first_at": sa.case((first[0] < first[1], first[0]), else_=first[1]),
        "last_at": sa.case((last[0] > last[1], last[0]), else_=last[1]),
    }
    connection.execute(new.on_conflict_do_update(index_elements=list(who), set_=times))


def _read_event(row: Any) -> Event:
    values = {name: row[name] for name in EVENT_COLUMNS if name not in ("event", "tags")}
    return Event(id=row["event"], tags=read_tags(row), **values)


# -- stored deliveries, read once more: earlier versions took bots for people, say ------------------------------------


def reread(store: Store, values: Mapping[str, Values]) -> Iterator[int]:
    """Bring every row up to date whose delivery is still there. Yield the number of rows looked at, by and by.

    Rows stay, with their numbers, and no handler hears of them again. Of two rows that tell of one thing, only the
    first keeps telling. An event that a delivery also holds, and no row tells, gets a row.
    """
    last = 0
    while True:
        wanted = sa.select(events).where(events.c.id > last).order_by(events.c.id).limit(200).with_for_update()
        with store.engine.begin() as connection:
            rows = connection.execute(wanted).mappings().all()
            for row in rows:
                _update_row(connection, store, row, _reread_events(row, values))
        if not rows:
            return
        last = rows[-1]["id"]
        yield len(rows)


def _reread_events(row: Any, values: Mapping[str, Values]) -> Sequence[Event]:
    """Return the events of a row's delivery, the row's own one first. None where it cannot be read any more."""
    spec, delivery = providers.webhooks(row["provider"]), Delivery({}, {}, row["raw"].encode())
    if spec is None or row["provider"] not in values:
        return ()
    try:
        parsed = list(spec.parse(values[row["provider"]], delivery))
    except WRONG_SHAPE:
        return ()
    # The row's own event has its id. Earlier ids were others, and ended with that of the part.
    own, kind, part = row["event"], row["kind"], row["event"].rpartition(":")[2]
    parsed.sort(key=lambda event: (event.id != own, event.kind != kind, part not in event.id.split(":")))
    # What is made of the delivery's bytes is another id now: they were written anew.
    return [replace(event, id=row["event"]) if delivery.digest in event.id else event for event in parsed]


def _update_row(connection: sa.Connection, store: Store, row: Any, parsed: Sequence[Event]) -> None:
    if not parsed:
        return
    new = [event_row(event, row["received_at"]) | {"state": "done"} for event in parsed]
    mine = events.c.id == row["id"]
    same = (events.c.provider == row["provider"]) & (events.c.key == new[0]["key"]) & ~mine
    if connection.execute(sa.select(events.c.id).where(same)).first():
        connection.execute(sa.update(events).where(mine).values(kind="unknown", author=None))
    else:
        names = "event key kind at conversation visitor email author text rating best tags sequence".split()
        connection.execute(sa.update(events).where(mine).values({name: new[0][name] for name in names}))
    connection.execute(sa.delete(people).where(people.c.event == row["id"]))
    named = people_rows(row["id"], parsed[0])
    if named:
        connection.execute(sa.insert(people), named)
    store.insert_new(connection, parsed[1:], new[1:])

"""Keeps conversations, their episodes, tags and contacts up to date, whatever event comes, and however often.

What a conversation is now is made of all its events, under a lock: so their order does not matter. Of a long one what
it was ``TAIL`` events ago is kept, and gone on from; an event that comes later than those makes it anew from all.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa

from ..model import Event
from ..office_hours import OfficeHours
from .history import Episode, History, Progress, history, parts
from .tables import contacts, conversations, episodes, events, tags

TOLD = ("event", "provider", "kind", "at", "visitor", "email", "author", "rating", "best", "tags", "sequence")
TAIL = 50  # events of a long conversation that are looked at again with each further one, at least
SIZE = 500
COUNTED, FAILED = "yes", "failed"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Start:
    """From where a long conversation is gone on with. ``row``: the last of its episodes that is over for good."""

    progress: Progress
    row: int


def fold(connection: sa.Connection, insert: Any, event: Event, hours: OfficeHours | None, now: datetime) -> None:
    """What an event that is stored changes. ``insert`` is the database's own, that knows of conflicts."""
    if event.conversation is not None:
        fold_conversation(connection, insert, event.provider, event.conversation, hours, now, event.at)
    elif event.visitor or event.email:
        _contact(connection, insert, event.provider, event.visitor or "", (event.email or "").lower(), event.at)


def fold_conversation(
    connection: sa.Connection,
    insert: Any,
    provider: str,
    name: str,
    hours: OfficeHours | None,
    now: datetime,
    since: datetime | None = None,
) -> None:
    """Makes a conversation's row, episodes and tags from its events: from all, or ``since`` one that has come."""
    asked = time.monotonic()
    row = locked(connection, insert, provider, name)
    before = connection.execute(sa.select(conversations).where(conversations.c.id == row)).mappings().one()
    start = _start(before["progress"])
    if start is not None and (since is None or since <= start.progress.until or not _is_there(connection, row, start)):
        start = None
    mine = (events.c.provider == provider) & (events.c.conversation == name)
    if start is not None:
        mine &= events.c.at > start.progress.until
    columns = (events.c.id, events.c.counted, *(events.c[each] for each in TOLD))
    told = connection.execute(sa.select(*columns).where(mine)).mappings().all()
    if not told:  # they were erased
        drop_unused(connection, [row])
        return
    over, following, found = _folded([_event(one) for one in told], start, before["visitor"] if start else None)
    _clear_episodes(connection, row, start.row if start else 0)
    ids = [_put_episode(connection, row, provider, episode, hours) for episode in (*over, *found.episodes)]
    if following and over:
        following = replace(following, row=ids[len(over) - 1])
    said = {
        "visitor": found.visitor,
        "email": found.email or (before["email"] if start else None),
        "state": found.state,
        "tags": json.dumps(found.tags),
        "first_at": found.first_at,
        "last_at": found.last_at,
        "spoke_at": found.spoke_at,
        "changed_at": _moment(connection, now + timedelta(seconds=time.monotonic() - asked)),
        "progress": following and _text(following),
    }
    connection.execute(sa.update(conversations).where(conversations.c.id == row).values(said))
    _mark(connection, insert, [one for one in told if one["counted"] != COUNTED])


def _moment(connection: sa.Connection, now: datetime) -> datetime:
    """When this is written, while the lock is held: exports go on from there.

    SQLite has one writer, so each moment can be later than all before it, whatever the clock does.
    """
    if connection.dialect.name == "sqlite":
        newest = connection.execute(sa.select(sa.func.max(conversations.c.changed_at))).scalar()
        now = now if newest is None else max(now, newest + timedelta.resolution)
    return now


def _mark(connection: sa.Connection, insert: Any, new: Sequence[Any]) -> None:
    """These are counted; who is named in them is a contact."""
    for ids in batched([one["id"] for one in new]):
        connection.execute(sa.update(events).where(events.c.id.in_(ids)).values(counted=COUNTED))
    people: dict[tuple[str, str, str], list[datetime]] = {}
    for one in new:
        if one["visitor"] or one["email"]:
            who = (one["provider"], one["visitor"] or "", (one["email"] or "").lower())
            people.setdefault(who, []).append(one["at"])
    for who, times in sorted(people.items()):
        for at in {min(times), max(times)}:
            _contact(connection, insert, *who, at)


def batched(items: list[T]) -> Iterator[list[T]]:
    """As many as a database takes in one statement."""
    return (items[start : start + SIZE] for start in range(0, len(items), SIZE))


def locked(connection: sa.Connection, insert: Any, provider: str, name: str) -> int:
    """The conversation's row, which nobody else writes until the transaction ends."""
    new = insert(conversations).values(provider=provider, conversation=name)
    same = new.on_conflict_do_update(index_elements=["provider", "conversation"], set_={"provider": provider})
    row: int = connection.execute(same.returning(conversations.c.id)).scalar_one()
    return row


def drop_unused(connection: sa.Connection, rows: list[int]) -> None:
    """Nobody needs a name that nothing was ever made of."""
    unused = conversations.c.id.in_(rows) & conversations.c.first_at.is_(None)
    connection.execute(sa.delete(conversations).where(unused))


def fold_contacts(connection: sa.Connection, insert: Any) -> None:
    """All of them, out of all events."""
    who = (events.c.provider, sa.func.coalesce(events.c.visitor, ""), sa.func.coalesce(events.c.email, ""))
    wanted = sa.select(*who, sa.func.min(events.c.at), sa.func.max(events.c.at)).group_by(*who)
    named = (sa.func.coalesce(events.c.visitor, "") != "") | (sa.func.coalesce(events.c.email, "") != "")
    for provider, visitor, email, first, last in connection.execute(wanted.where(named)).all():
        for at in (first, last):
            _contact(connection, insert, provider, visitor, email, at)


def _folded(
    told: list[Event], start: Start | None, visitor: str | None
) -> tuple[tuple[Episode, ...], Start | None, History]:
    """The episodes that are over for good by now, from where to go on next time, and what it comes to."""
    begun = start.progress if start else None
    early, late = parts(told, TAIL)
    if not early:
        return (), start, history(late, begun, visitor)
    first = history(early, begun, visitor)
    over = tuple(episode for episode in first.episodes if episode is not first.progress.episode)
    found = history(late, first.progress, first.visitor)
    found = replace(found, email=found.email or first.email)
    return over, Start(first.progress, start.row if start else 0), found


def _is_there(connection: sa.Connection, row: int, start: Start) -> bool:
    """Not where a worker of an older version has written all episodes anew."""
    last = sa.select(episodes.c.id).where(episodes.c.id == start.row, episodes.c.conversation == row)
    return start.row == 0 or connection.execute(last).first() is not None


def _clear_episodes(connection: sa.Connection, row: int, after: int) -> None:
    mine = (episodes.c.conversation == row) & (episodes.c.id > after)
    old = sa.select(episodes.c.id).where(mine)
    connection.execute(sa.delete(tags).where(tags.c.episode.in_(old.scalar_subquery())))
    connection.execute(sa.delete(episodes).where(mine))


def _put_episode(
    connection: sa.Connection, row: int, provider: str, episode: Episode, hours: OfficeHours | None
) -> int:
    values = {"conversation": row, "provider": provider} | figures(episode, hours)
    number: int = connection.execute(sa.insert(episodes).values(values).returning(episodes.c.id)).scalar_one()
    if episode.tags:
        connection.execute(sa.insert(tags), [{"episode": number, "tag": tag} for tag in episode.tags])
    return number


def _text(start: Start) -> str:
    """As it stands in a conversation's row."""
    return json.dumps(asdict(start), default=datetime.isoformat)


def _start(text: str | None) -> Start | None:
    """None for what another version has written: then all is counted anew."""
    if text is None:
        return None
    try:
        data = json.loads(text)
        said = data["progress"]
        episode = Episode(**{name: _read(name, value) for name, value in said.pop("episode").items()})
        return Start(
            Progress(episode=episode, **{name: _read(name, value) for name, value in said.items()}), data["row"]
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _read(name: str, value: Any) -> Any:
    if name == "tags":
        return tuple(value)
    return datetime.fromisoformat(value) if value and (name.endswith("_at") or name == "until") else value


def figures(one: Episode, hours: OfficeHours | None) -> dict[str, Any]:
    solved = None if one.closed_by == "nobody" else one.closed_at
    return {
        "started_at": one.started_at,
        "answered_at": one.answered_at,
        "closed_at": one.closed_at,
        "closed_by": one.closed_by,
        "rated_at": one.rated_at,
        "rating": one.rating,
        "best": one.best,
        "response": _wall(one.started_at, one.answered_at),
        "response_office": _office(hours, one.started_at, one.answered_at),
        "resolution": _wall(one.started_at, solved),
        "resolution_office": _office(hours, one.started_at, solved),
    }


def _wall(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else (end - start).total_seconds()


def _office(hours: OfficeHours | None, start: datetime | None, end: datetime | None) -> float | None:
    return None if hours is None or start is None or end is None else hours.seconds(start, end)


def _contact(connection: sa.Connection, insert: Any, provider: str, visitor: str, email: str, at: datetime) -> None:
    who = {"provider": provider, "visitor": visitor, "email": email}
    new = insert(contacts).values(**who, first_at=at, last_at=at)
    first, last = (contacts.c.first_at, new.excluded.first_at), (contacts.c.last_at, new.excluded.last_at)
    times = {
        "first_at": sa.case((first[0] < first[1], first[0]), else_=first[1]),
        "last_at": sa.case((last[0] > last[1], last[0]), else_=last[1]),
    }
    connection.execute(new.on_conflict_do_update(index_elements=list(who), set_=times))


def _event(row: Any) -> Event:
    said = {name: row[name] for name in TOLD if name not in ("event", "tags")}
    labels = None if row["tags"] is None else tuple(json.loads(row["tags"]))
    return Event(id=row["event"], tags=labels, **said)

"""Keeps conversations, their episodes, tags and contacts up to date, whatever event comes, and however often.

What a conversation is now is made of all its events each time, under a lock: so their order does not matter.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ..hours import OfficeHours
from ..model import Event
from .history import Episode, History, history
from .tables import contacts, conversations, episodes, events, tags

TOLD = ("event", "provider", "kind", "at", "visitor", "email", "author", "rating", "best", "tags", "sequence")


def fold(connection: sa.Connection, insert: Any, event: Event, hours: OfficeHours | None, now: datetime) -> None:
    """What an event that is stored changes. ``insert`` is the database's own, that knows of conflicts."""
    if event.conversation is not None:
        fold_conversation(connection, insert, event.provider, event.conversation, hours, now)
    if event.visitor or event.email:
        _contact(connection, insert, event.provider, event.visitor or "", (event.email or "").lower(), event.at)


def fold_conversation(
    connection: sa.Connection, insert: Any, provider: str, name: str, hours: OfficeHours | None, now: datetime
) -> None:
    """Makes a conversation's row, episodes and tags from its events."""
    row = locked(connection, insert, provider, name)
    mine = (events.c.provider == provider) & (events.c.conversation == name)
    told = connection.execute(sa.select(*(events.c[each] for each in TOLD)).where(mine)).mappings().all()
    if not told:  # they were erased
        drop_unused(connection, [row])
        return
    found = history(_event(one) for one in told)
    said = {
        "visitor": found.visitor,
        "email": found.email,
        "state": found.state,
        "tags": json.dumps(found.tags),
        "first_at": found.first_at,
        "last_at": found.last_at,
        "spoke_at": found.spoke_at,
        "changed_at": now,
    }
    connection.execute(sa.update(conversations).where(conversations.c.id == row).values(said))
    _write_episodes(connection, row, provider, found, hours)


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


def _write_episodes(
    connection: sa.Connection, row: int, provider: str, found: History, hours: OfficeHours | None
) -> None:
    old = sa.select(episodes.c.id).where(episodes.c.conversation == row)
    connection.execute(sa.delete(tags).where(tags.c.episode.in_(old.scalar_subquery())))
    connection.execute(sa.delete(episodes).where(episodes.c.conversation == row))
    for one in found.episodes:
        values = {"conversation": row, "provider": provider} | figures(one, hours)
        number = connection.execute(sa.insert(episodes).values(values).returning(episodes.c.id)).scalar_one()
        if one.tags:
            connection.execute(sa.insert(tags), [{"episode": number, "tag": tag} for tag in one.tags])


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

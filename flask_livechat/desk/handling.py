"""Who handles a conversation: as its vendor tells, as our own pages change it, and whose answer is on its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from .. import providers
from ..providers.base import Details
from .rows import read_event
from .tables import conversations, events, handling

ANSWERING = timedelta(seconds=60)  # after which a reply that nobody has heard of again does not stop the next one
TEAM = "team:"  # how the key of an assignee begins that is no agent
WORDS = ("message", "conversation_started", "note")  # kinds of events that somebody has written


def read_handling(connection: sa.Connection, insert: Any, conversation: int, new: Sequence[int], now: datetime) -> None:
    """Write what new events of a conversation say of it beside what they are. The latest one holds."""
    if not new:
        return
    before = connection.execute(sa.select(handling.c.at).where(handling.c.conversation == conversation)).scalar()
    wanted = (
        sa.select(events)
        .where(events.c.id.in_(new[-20:]))
        .order_by(events.c.at, sa.func.coalesce(events.c.sequence, 0), events.c.id)
    )
    for row in connection.execute(wanted).mappings().all():
        spec = providers.webhooks(row["provider"])
        details = spec.details(read_event(row)) if spec else Details()
        values = details.handling
        if values and (before is None or row["at"] >= before):
            if "agent" in values and "agent_name" not in values:
                values = {**values, "agent_name": _name_of(connection, values["agent"])}
            put_handling(connection, insert, conversation, {**values, "at": row["at"]}, now)
        if details.author_id and details.author:  # some vendors name an agent in what the agent writes alone
            written = (handling.c.conversation == conversation) & (handling.c.agent == details.author_id)
            connection.execute(sa.update(handling).where(written).values(agent_name=details.author))


def _name_of(connection: sa.Connection, agent: str | None) -> str | None:
    """Return an agent's name as some other conversation has it: vendors mostly tell the id alone."""
    known = (handling.c.agent == agent) & handling.c.agent_name.is_not(None)
    return connection.execute(sa.select(handling.c.agent_name).where(known).limit(1)).scalar()


def put_handling(
    connection: sa.Connection, insert: Any, conversation: int, values: Mapping[str, Any], now: datetime
) -> None:
    """Write some of the columns of a conversation's row."""
    changed = {**values, "changed_at": now}
    new = insert(handling).values(conversation=conversation, **changed)
    connection.execute(new.on_conflict_do_update(index_elements=["conversation"], set_=changed))


def seen_mark(connection: sa.Connection, provider: str, name: str) -> str:
    """Return what changes whenever somebody writes in a conversation."""
    mine = (events.c.provider == provider) & (events.c.conversation == name) & events.c.kind.in_(WORDS)
    count, newest = connection.execute(sa.select(sa.func.count(), sa.func.max(events.c.id)).where(mine)).one()
    return f"{count}.{newest or 0}"


def begin_answer(connection: sa.Connection, insert: Any, conversation: int, seen: str, now: datetime) -> bool:
    """Say that somebody answers from now on. Return False where somebody does, or has written since ``seen``.

    The conversation's row is locked, so that of two who answer at the same time only the first may.
    """
    lock = sa.select(conversations).where(conversations.c.id == conversation).with_for_update()
    row = connection.execute(lock).mappings().one()
    until = sa.select(handling.c.answering_until).where(handling.c.conversation == conversation)
    answering_until = connection.execute(until).scalar()
    is_free = answering_until is None or answering_until <= now
    if not is_free or seen_mark(connection, row["provider"], row["conversation"]) != seen:
        return False
    put_handling(connection, insert, conversation, {"answering_until": now + ANSWERING}, now)
    return True

"""What an agent does with a conversation: at the vendor first, then in the store."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import providers
from ..errors import LiveChatError, TimedOut
from ..model import Event, Message
from .handling import TEAM, begin_answer, put_handling
from .inbox_queries import Row
from .projections import update_conversation
from .rows import event_row
from .tables import conversations

if TYPE_CHECKING:
    from .desk import Desk
    from .store import Store

log = logging.getLogger(__name__)

ACTIONS = ("reply", "note", "close", "reopen", "snooze", "assign", "tag", "untag")
MAX_REPLY_CHARS = 10_000
MEANWHILE = "Somebody has written in the meantime, or is answering now. Read that first. Your text is still here."


class RefusedError(LiveChatError):
    """What was asked is not done, and why. ``status`` is the answer's."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status


@dataclass(frozen=True, slots=True)
class Act:
    """What is done with one conversation: at the vendor, then in the store."""

    store: Store
    desk: Desk
    row: Row
    zone: tzinfo
    clock: Callable[[], datetime]

    def do(self, action: str, form: Mapping[str, str]) -> None:
        getattr(self, action)(form)

    def reply(self, form: Mapping[str, str]) -> None:
        """Answer, unless somebody has written since the author looked, or is answering."""
        text = text_of(form)
        with self.store.engine.begin() as connection:
            if not begin_answer(connection, self.store.insert, self.row.id, form.get("seen", ""), self.clock()):
                raise RefusedError(409, MEANWHILE)
        try:
            message = self.desk.conversations.reply(self.row.conversation, text)
        except TimedOut:  # it may have arrived: for a while no agent answers again
            raise
        except Exception:
            self._put(answering_until=None)
            raise
        self._store_message(message, "message", text)
        self._unsnooze()

    def note(self, form: Mapping[str, str]) -> None:
        text = text_of(form)
        self._store_message(self.desk.conversations.note(self.row.conversation, text), "note", text)
        self._unsnooze()

    def _unsnooze(self) -> None:
        """Show a snoozed conversation again: a message in it ends that, also at the vendor."""
        if self.row.snoozed_until is not None:
            self._put(snoozed_until=None)

    def close(self, form: Mapping[str, str]) -> None:
        self.desk.conversations.close(self.row.conversation)
        self._set(state="closed", asked_at=None)

    def reopen(self, form: Mapping[str, str]) -> None:
        self.desk.conversations.reopen(self.row.conversation)
        self._set(state="open")
        self._put(snoozed_until=None)

    def snooze(self, form: Mapping[str, str]) -> None:
        until = moment_of(form.get("until", ""), self.zone)
        if until <= self.clock():
            raise ValueError("Choose a time in the future until which the conversation is snoozed.")
        self.desk.conversations.snooze(self.row.conversation, until)
        self._put(snoozed_until=until)

    def assign(self, form: Mapping[str, str]) -> None:
        key = form.get("agent", "")
        name = dict(assignees(self.desk)).get(key)
        if name is None:
            raise ValueError("This agent or team does not exist any more.")
        if key.startswith(TEAM):
            self.desk.conversations.assign(self.row.conversation, team=key.removeprefix(TEAM))
        else:
            self.desk.conversations.assign(self.row.conversation, key)
        self._put(agent=key, agent_name=name)

    def tag(self, form: Mapping[str, str]) -> None:
        tags = [tag.strip() for tag in form.get("tags", "").split(",") if tag.strip()]
        if not tags:
            raise ValueError("A tag needs a name.")
        self.desk.conversations.tag(self.row.conversation, *tags)
        self._set_tags({*self.row.tags, *tags})

    def untag(self, form: Mapping[str, str]) -> None:
        tag = form.get("label", "")
        self.desk.conversations.untag(self.row.conversation, tag)
        self._set_tags({*self.row.tags} - {tag})

    def _set_tags(self, tags: Iterable[str]) -> None:
        self._set(tags=json.dumps(sorted(tags)))

    def _set(self, **values: Any) -> None:
        """Write what the vendor will tell, too. Its webhook makes the conversation's row anew."""
        changed = {**values, "changed_at": self.clock()}
        with self.store.engine.begin() as connection:
            connection.execute(sa.update(conversations).where(conversations.c.id == self.row.id).values(changed))

    def _put(self, **values: Any) -> None:
        with self.store.engine.begin() as connection:
            put_handling(connection, self.store.insert, self.row.id, values, self.clock())

    def _store_message(self, message: Message, kind: str, text: str) -> None:
        """Store the event that the vendor's webhook will deliver, under the same id, so that it counts once."""
        spec, now = providers.webhooks(self.row.provider), self.clock()
        event_id = spec.event_id(message) if spec else None
        if event_id is None:  # the webhook delivers it, and until then no agent answers
            return
        event = Event(
            provider=self.row.provider,
            kind=kind,
            id=event_id,
            at=message.at or now,
            conversation=self.row.conversation,
            visitor=self.row.visitor,
            email=self.row.email,
            author="agent",
            text=text,
            raw=message.raw,
        )
        try:
            self._insert(event, now)
        except (
            sa.exc.SQLAlchemyError
        ) as error:  # it has been sent: the webhook delivers it, and no agent sends it again
            log.error("livechat: a message was sent and not stored: %s.", type(error).__name__)

    def _insert(self, event: Event, now: datetime) -> None:
        with self.store.engine.begin() as connection:
            self.store.insert_new(connection, [event], [event_row(event, now)])
            update_conversation(
                connection, self.store.insert, event.provider, self.row.conversation, self.store.hours, now, event.at
            )
            if event.kind == "message":  # this row is locked after the conversation's, as by all others
                put_handling(connection, self.store.insert, self.row.id, {"answering_until": None}, now)


def assignees(desk: Desk) -> list[tuple[str, str]]:
    """Return whom a conversation may be assigned to, by key and name: agents, then teams where the vendor has them."""
    agents = [(agent.id, agent.name or agent.email or agent.id) for agent in desk.agents.list()]
    teams = desk.agents.teams() if desk.can("agents.teams") else ()
    return agents + [(TEAM + team.id, f"Team {team.name or team.id}") for team in teams]


def text_of(form: Mapping[str, str]) -> str:
    text = form.get("text", "").replace("\r\n", "\n").replace("\0", "").strip()
    if not text:
        raise ValueError("A message needs text.")
    if len(text) > MAX_REPLY_CHARS:
        raise ValueError(f"A message can have at most {MAX_REPLY_CHARS} characters; this one has {len(text)}.")
    return text


def moment_of(text: str, zone: tzinfo) -> datetime:
    """Read what a form's date and time says, in the zone that the page shows."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("Write the time as 2026-11-21T09:00.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)

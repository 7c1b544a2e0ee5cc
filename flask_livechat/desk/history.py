"""A vendor's past conversations become events: those that its webhooks would have told of, with the same ids.

Each conversation is a transaction of its own, with a note of the change up to which it is here. Whoever begins again
after a kill or a spent quota asks the vendor for the lists once more, and of the conversations for what is missing.
Nobody is told of what is long past: no worker takes an imported event, unless a webhook brings it, too.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from .. import providers
from ..errors import ApiError, Forbidden, LiveChatError, NotFound, Unsupported
from ..hooks import Delivery
from ..model import Conversation, Event
from ..operation import WRONG_SHAPE
from ..providers import HistorySpec, WebhookSpec
from .desk import Desk
from .projections import drop_unused, lock_conversation, update_conversation
from .rows import read_tags
from .store import Store
from .tables import conversations

# What changed so lately is asked for again: vendors tell seconds, and more may happen within the same one.
UNSETTLED = timedelta(days=1)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """One conversation of the vendor's list, and the number of its events that are new here.

    ``outcome`` is ``imported``, ``known`` (it has not changed since), ``gone`` or ``unreadable``.
    """

    updated_at: datetime | None
    outcome: str
    new: int = 0


class ForeignWorkspace(LiveChatError):
    """The credentials are of another workspace than the ids in the configuration."""


def import_history(desk: Desk, store: Store, since: datetime, clock: Callable[[], datetime]) -> Iterator[Step]:
    """Import what changed since a moment (aware), newest first. Yield a step for each conversation.

    Raise ``Unsupported`` for a vendor without an API for it, ``ForeignWorkspace``, and ``ApiError`` where the vendor
    does not go on: what was yielded until then is stored.
    """
    title = providers.load(desk.provider).title
    spec, webhooks = providers.history(desk.provider), providers.webhooks(desk.provider)
    if spec is None or webhooks is None or not desk.can("conversations.list"):
        raise Unsupported(title, "import")
    _check_workspace(desk, spec, since)
    for conversation in desk.conversations.list(since=since):
        if _is_imported(store, desk.provider, conversation):
            yield Step(conversation.updated_at, "known")
            continue
        try:
            past, latest = _fetch(desk, spec, webhooks, conversation, clock())
        except NotFound:
            yield Step(conversation.updated_at, "gone")
        except WRONG_SHAPE as error:
            log.warning("livechat: a conversation of %s could not be read: %s.", desk.provider, type(error).__name__)
            yield Step(conversation.updated_at, "unreadable")
        else:
            new = _put(store, desk.provider, conversation, past, latest, clock())
            yield Step(conversation.updated_at, "imported", new)


def _check_workspace(desk: Desk, spec: HistorySpec, since: datetime) -> None:
    """Ask before anything is stored."""
    try:
        next(desk.conversations.list(since=since), None)
    except (Forbidden, NotFound) as error:
        raise ForeignWorkspace(
            f"{error}. The credentials are of another workspace, or may not read conversations: nothing is imported."
        ) from None
    if spec.workspace is not None:
        key, call = spec.workspace
        own, wanted = desk._client.send(call), desk._vendor.values[key]
        if own not in (None, wanted):
            name = f"LIVECHAT_{desk.provider.upper()}_{key}"
            raise ForeignWorkspace(f"The credentials are of {own}, and {name} is {wanted}: nothing is imported.")


def _is_imported(store: Store, provider: str, conversation: Conversation) -> bool:
    if conversation.updated_at is None:
        return False
    c = conversations.c
    mine = (c.provider == provider) & (c.conversation == conversation.id) & (c.imported_at == conversation.updated_at)
    with store.reading() as connection:
        return connection.execute(sa.select(c.id).where(mine)).first() is not None


def _fetch(
    desk: Desk, spec: HistorySpec, webhooks: WebhookSpec, conversation: Conversation, now: datetime
) -> tuple[list[Event], list[Event]]:
    """Return the events of a conversation, and how it is now. Raise ``WRONG_SHAPE`` for what cannot be read."""
    values = desk._vendor.values
    try:
        data = desk._client.run(spec.fetch(values, conversation))
    except ApiError as error:
        if type(error) is ApiError and error.status is not None and error.status < 300:
            raise ValueError("an answer of another shape") from None
        raise
    past = _events(webhooks, values, spec.deliveries(values, data), conversation.id)
    return past, _events(webhooks, values, spec.latest(values, data, now), conversation.id, by_delivery=True)


def _events(
    webhooks: WebhookSpec,
    values: Mapping[str, Any],
    bodies: Iterable[Mapping[str, Any]],
    name: str,
    by_delivery: bool = False,
) -> list[Event]:
    """Read deliveries as if they had come. The first event of an id counts.

    An id that is made of the delivery's bytes is none that a webhook gives, too: such an event is left out, unless
    ``by_delivery``.
    """
    events: dict[str, Event] = {}
    for body in bodies:
        delivery = Delivery({}, {}, json.dumps(body).encode())
        parsed = webhooks.parse(values, delivery)
        if not parsed:
            raise ForeignWorkspace(
                f"Conversation {name} is of another workspace than the configuration says: the import ends."
            )
        for event in parsed:
            if event.conversation == name and (by_delivery or delivery.digest not in event.id):
                events.setdefault(event.id, event)
    return list(events.values())


def _put(
    store: Store, provider: str, conversation: Conversation, past: list[Event], latest: list[Event], now: datetime
) -> int:
    """Store what is not there yet, and bring the conversation up to date. Return the number of new events."""
    updated_at = conversation.updated_at
    settled = updated_at if updated_at is not None and updated_at < now - UNSETTLED else None
    with store.engine.begin() as connection:
        row = lock_conversation(connection, store.insert, provider, conversation.id)
        mine = conversations.c.id == row
        new = _insert(store, connection, past, now)
        before = connection.execute(sa.select(conversations).where(mine)).mappings().first()
        if before is None or before["first_at"] is None:  # nothing was said in it, or who said it was erased
            drop_unused(connection, [row])
            return 0
        new += _insert(store, connection, [event for event in latest if _is_news(before, event)], now)
        connection.execute(sa.update(conversations).where(mine).values(imported_at=settled))
    return new


def _insert(store: Store, connection: sa.Connection, events: list[Event], now: datetime) -> int:
    """Insert events of one conversation, and bring the conversation up to date. Return the number of new events."""
    new = store.insert_past(connection, events, now)
    if new:
        event = events[0]
        update_conversation(connection, store.insert, event.provider, str(event.conversation), store.hours, now)
    return new


def _is_news(row: sa.RowMapping, event: Event) -> bool:
    """Whether the store has the conversation otherwise. What webhooks have told of an email is newer."""
    if event.kind in ("conversation_closed", "conversation_reopened"):
        return bool(row["state"] != ("closed" if event.kind == "conversation_closed" else "open"))
    if event.tags is not None and event.kind == "unknown":
        return tuple(sorted(set(event.tags))) != read_tags(row)
    return bool(event.email) and not row["email"]

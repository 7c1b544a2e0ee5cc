"""Intercom's notifications, by topic (as of 2026-11)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from werkzeug.datastructures import Headers

from ....sandbox.api import Account, iso_moment
from ....sandbox.body import Body
from ....sandbox.sessions import Change, Kind, Message, Session
from ....sandbox.stand_in import Webhooks
from . import records, shapes
from .calls import IntercomCall

TOPICS: Mapping[Kind, str] = {
    "closed": "conversation.admin.closed",
    "opened": "conversation.admin.opened",
    "snoozed": "conversation.admin.snoozed",
    "unsnoozed": "conversation.admin.unsnoozed",  # UNCONFIRMED for one that an admin opens before its time
    "assigned": "conversation.admin.assigned",
}


def bodies(account: Account, change: Change, session: Session, message: Message | None) -> Iterator[dict[str, Any]]:
    first = shapes.first_of(session)
    if change in ("said", "decided") and message is not None:
        new = message if message.n != first.n else None  # that one is the source
        for topic in _topics(message, is_first=new is None):
            yield _notification(account, topic, _conversation(account, session, new))
    elif change == "rated":
        yield _notification(account, "conversation.rating.added", _conversation(account, session, None))
    elif change == "tagged" and session.new_tags:
        item = _conversation(account, session, first)
        added = [records.tag(account, name) for name in session.new_tags]
        item |= {"tags_added": {"type": "tag.list", "tags": added}}
        yield _notification(account, "conversation_part.tag.created", item)
    elif change == "dropped":
        gone = {"type": "conversation", "conversation_id": str(session.number)}
        yield _notification(account, "conversation.deleted", gone)


def _topics(message: Message, *, is_first: bool) -> tuple[str, ...]:
    """A bot's reply comes under two topics, each with a notification of its own."""
    if message.kind in TOPICS:
        return (TOPICS[message.kind],)
    if message.author == "visitor":
        return ("conversation.user.created" if is_first else "conversation.user.replied",)
    if message.author == "bot":
        return "conversation.admin.replied", "conversation.operator.replied"
    if message.kind == "note":
        return ("conversation.admin.noted",)
    return ("conversation.admin.single.created" if is_first else "conversation.admin.replied",)


def _conversation(account: Account, session: Session, new: Message | None) -> dict[str, Any]:
    """A conversation, with the new part alone. Moments of its statistics are texts here, unlike in the REST API."""
    call = IntercomCall(
        account, Headers({"Intercom-Version": str(account.values.get("API_VERSION"))}), {}, {}, Body({})
    )
    item = shapes.whole(call, session)
    parts = [] if new is None else [shapes.part(call, session, new)]
    moments = {name: iso_moment(value) if name.endswith("_at") else value for name, value in item["statistics"].items()}
    listed = {"type": "conversation_part.list", "conversation_parts": parts, "total_count": len(parts)}
    return item | {
        "conversation_parts": listed,
        "statistics": moments,
        "teammates": {"type": "admin.list", "admins": item["teammates"]["teammates"]},
    }


def _notification(account: Account, topic: str, item: Mapping[str, Any]) -> dict[str, Any]:
    now = int(account.clock())
    return {
        "type": "notification_event",
        "id": f"notif_{uuid.uuid4()}",
        "topic": topic,
        "app_id": account.values["APP_ID"],
        "data": {"type": "notification_event_data", "item": dict(item)},
        "delivery_status": "pending",
        "delivery_attempts": 1,
        "delivered_at": 0,
        "first_sent_at": now,
        "created_at": now,
        "links": {},
        "self": None,
    }


WEBHOOKS = Webhooks(
    bodies,
    headers=lambda delivery, attempt, limit: {"User-Agent": "intercom-parrot-service-client/1.0"},
    pauses_s=(60,),
)

"""Intercom's past conversations, as the notifications that its webhooks would have sent (as of 2026-11).

The API has the newest 500 parts of a conversation, its tags with the moments at which they were put there, and its
rating. Each part makes a notification of the conversation with that part alone, as webhooks have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ...model import Conversation
from ...operation import Operation, OperationSequence, path
from ..base import HistorySpec, Values
from .people import TYPES
from .webhooks import RATED, TAGGED, unix_seconds

TOPICS = {"bot": "conversation.operator.replied"} | dict.fromkeys(TYPES, "conversation.user.replied")


def fetch(values: Values, conversation: Conversation) -> OperationSequence[dict[str, Any]]:
    """Texts come as HTML, as in webhooks."""
    data: dict[str, Any] = yield Operation("GET", path("/conversations/{}", conversation.id), dict)
    return data


def deliveries(values: Values, data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    author = (data.get("source") or {}).get("author") or {}
    by_visitor = author.get("type") in TYPES
    start = "conversation.user.created" if by_visitor else "conversation.admin.single.created"
    yield _notification(values, start, data, data["created_at"])
    for part in _parts(data):
        # Who wrote it is all that a topic tells beyond the part itself.
        topic = TOPICS.get(str((part.get("author") or {}).get("type")), "conversation.admin.replied")
        yield _notification(values, topic, data, part["created_at"], part)
    for at in sorted({at for tag in _tags(data) if (at := unix_seconds(tag.get("applied_at"))) is not None}):
        yield _notification(values, TAGGED, data, at)
    rating = data.get("conversation_rating") or {}
    if rating.get("rating") is not None:
        yield _notification(values, RATED, data, _rated_at(data, rating))


def latest(values: Values, data: Mapping[str, Any], now: datetime) -> Iterator[dict[str, Any]]:
    topic = "conversation.admin.closed" if data.get("state") == "closed" else "conversation.admin.opened"
    yield _notification(values, topic, data, data["updated_at"])


def _notification(
    values: Values, topic: str, data: Mapping[str, Any], at: Any, part: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A notification of a moment: tags that came later are not in it."""
    tags = [tag for tag in _tags(data) if (unix_seconds(tag.get("applied_at")) or 0) <= (unix_seconds(at) or 0)]
    item = {**data, "tags": {"tags": tags}, "conversation_parts": {"conversation_parts": [part] if part else []}}
    item = {"type": "conversation", **item}
    return {"topic": topic, "app_id": values["APP_ID"], "created_at": at, "data": {"item": item}}


def _parts(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*((data.get("conversation_parts") or {}).get("conversation_parts") or [])]


def _tags(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*((data.get("tags") or {}).get("tags") or [])]


def _rated_at(data: Mapping[str, Any], rating: Mapping[str, Any]) -> Any:
    """When it was given, by the part that says so; a rating itself only says when it was asked for."""
    parts = [part for part in _parts(data) if str(part.get("part_type")).startswith("conversation_rating")]
    return max(part["created_at"] for part in parts) if parts else rating.get("created_at") or data["updated_at"]


HISTORY = HistorySpec(
    fetch,
    deliveries,
    latest,
    workspace=("APP_ID", Operation("GET", "/me", lambda data: (data.get("app") or {}).get("id_code"))),
)

"""Tawk.to's past chats, as the deliveries that its webhooks would have made (as of 2026-11).

Its API gives a chat as a transcript has it. When a chat ended it does not tell; a chat ends 90 to 150 seconds after the
last word. Whether one that goes on is listed is UNCONFIRMED, so only what has been silent for long is taken for ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from ...model import Conversation
from ...operation import Operation, OperationSequence
from ..base import HistorySpec, Values
from ..payload import Payload
from .webhooks import AUTHORS, has_words_or_file

SILENCE = timedelta(hours=1)


def fetch(values: Values, conversation: Conversation) -> OperationSequence[dict[str, Any]]:
    """Asked for each chat: whether lists have all messages is UNCONFIRMED."""
    body = {"propertyId": values["PROPERTY_ID"], "chatId": conversation.id}
    chat: dict[str, Any] = yield Operation(
        "POST", "/v1/chat.get", lambda data: dict(data["data"]), json=body, repeatable=True
    )
    return {**chat, "id": conversation.id}


def deliveries(values: Values, chat: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    messages = _messages(chat)
    # A chat starts with the first word of the visitor or an agent: a trigger's does not count.
    first = next((message for message in messages if message.part("sender").text("t") in AUTHORS), None)
    if first is not None:
        sender = {"type": AUTHORS[first.data["sender"]["t"]]}
        message = {"type": first.data.get("type"), "text": first.data.get("msg"), "sender": sender}
        start = _delivery(values, chat, "chat:start", first.data.get("time") or chat.get("createdOn"))
        yield start | {"chatId": chat["id"], "message": message, "visitor": chat.get("visitor")}
    if messages:
        transcript = {name: chat.get(name) for name in ("id", "visitor", "messages")}
        yield _delivery(values, chat, "chat:transcript_created", _last_at(messages, chat)) | {"chat": transcript}


def latest(values: Values, chat: Mapping[str, Any], now: datetime) -> Iterator[dict[str, Any]]:
    if messages := _messages(chat):
        last_at = _last_at(messages, chat)
        if datetime.fromisoformat(last_at) < now - SILENCE:
            end = {"chatId": chat["id"], "visitor": chat.get("visitor")}
            yield _delivery(values, chat, "chat:end", last_at) | end


def _messages(chat: Mapping[str, Any]) -> list[Payload]:
    listed = Payload(chat, Counter()).items("messages") or []
    return [message for message in listed if has_words_or_file(message)]


def _last_at(messages: list[Payload], chat: Mapping[str, Any]) -> str:
    times = [message.data["time"] for message in messages if message.text("time")]
    return str(max(times) if times else chat["createdOn"])


def _delivery(values: Values, chat: Mapping[str, Any], event: str, time: Any) -> dict[str, Any]:
    property_id = chat.get("propertyId") or values["PROPERTY_ID"]
    return {"event": event, "time": time, "property": {"id": property_id}}


HISTORY = HistorySpec(fetch, deliveries, latest, lacks=("when a chat ended",))

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


def fetch(values: Values, conversation: Conversation) -> OperationSequence[dict[str, Any]]:
    """Asked for each chat: whether lists have all messages is UNCONFIRMED."""
    body = {"propertyId": values["PROPERTY_ID"], "chatId": conversation.id}
    chat: dict[str, Any] = yield Operation(
        "POST", "/v1/chat.get", lambda data: dict(data["data"]), json=body, repeatable=True
    )
    return {**chat, "id": conversation.id}


class Chat:
    """A chat as the API gives it. Of its messages those that say something count."""

    def __init__(self, values: Values, data: Mapping[str, Any]) -> None:
        self._data, self._property = data, data.get("propertyId") or values["PROPERTY_ID"]
        listed = Payload(data, Counter()).items("messages") or []
        self._messages = [message for message in listed if has_words_or_file(message)]
        times = [message.data["time"] for message in self._messages if message.text("time")]
        self._last_at = str(max(times) if times else data.get("createdOn"))

    def deliveries(self) -> Iterator[dict[str, Any]]:
        # A chat starts with the first word of the visitor or an agent: a trigger's does not count.
        first = next((message for message in self._messages if message.part("sender").text("t") in AUTHORS), None)
        if first is not None:
            sender = {"type": AUTHORS[first.data["sender"]["t"]]}
            message = {"type": first.data.get("type"), "text": first.data.get("msg"), "sender": sender}
            start = self._delivery("chat:start", first.data.get("time") or self._data.get("createdOn"))
            yield start | {"chatId": self._data["id"], "message": message, "visitor": self._data.get("visitor")}
        if self._messages:
            chat = {name: self._data.get(name) for name in ("id", "visitor", "messages")}
            yield self._delivery("chat:transcript_created", self._last_at) | {"chat": chat}

    def latest(self, now: datetime) -> Iterator[dict[str, Any]]:
        """Its end, with the last word, once it has been silent for an hour."""
        if self._messages and datetime.fromisoformat(self._last_at) < now - timedelta(hours=1):
            end = {"chatId": self._data["id"], "visitor": self._data.get("visitor")}
            yield self._delivery("chat:end", self._last_at) | end

    def _delivery(self, event: str, time: Any) -> dict[str, Any]:
        return {"event": event, "time": time, "property": {"id": self._property}}


HISTORY = HistorySpec(
    fetch,
    deliveries=lambda values, chat: Chat(values, chat).deliveries(),
    latest=lambda values, chat, now: Chat(values, chat).latest(now),
    lacks=("when a chat ended",),
)

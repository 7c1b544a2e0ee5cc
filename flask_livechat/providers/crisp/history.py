"""Crisp's past conversations, as the deliveries that its webhooks would have made (as of 2026-11).

The API has each message with its fingerprint, and a conversation's end among them, as an event. It has no ratings, nor
when segments and the email were set: those are told as of now.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ...model import Conversation
from ...operation import Operation, OperationSequence, path
from ..base import HistorySpec, Values

# Public code reads it as an object's and as a text's; that one of a reopened conversation exists is UNCONFIRMED.
NAMESPACE = re.compile(r"\bstate:(resolved|unresolved)\b")


def fetch(values: Values, conversation: Conversation) -> OperationSequence[dict[str, Any]]:
    """The conversation as the list has it, with its messages. Their pages go back in time, from the newest."""
    where = path("/v1/website/{}/conversation/{}/messages", values["WEBSITE_ID"], conversation.id)
    by_fingerprint: dict[str, Mapping[str, Any]] = {}
    query: dict[str, str | int] = {}
    while True:
        page: list[Mapping[str, Any]] = yield Operation("GET", where, list, query=query)
        new = {str(message["fingerprint"]): message for message in page}
        new = {key: message for key, message in new.items() if key not in by_fingerprint}
        if not new:
            messages = sorted(by_fingerprint.values(), key=lambda message: int(message["timestamp"]))
            return {**conversation.raw, "messages": messages}
        by_fingerprint |= new
        query = {"timestamp_before": min(int(message["timestamp"]) for message in new.values())}


def deliveries(values: Values, data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for message in data["messages"]:
        at = message["timestamp"]
        if message.get("type") != "event":
            name = "message:send" if message.get("from") == "user" else "message:received"
            yield _delivery(message, name, message, at)
        elif state := NAMESPACE.search(str(message.get("content"))):
            # That the webhook has the message's own moment is UNCONFIRMED. Where it has another one, a conversation
            # that was closed is closed twice, which counts once.
            yield _delivery(message, "session:set_state", _session(data) | {"state": state[1]}, at)


def latest(values: Values, data: Mapping[str, Any], now: datetime) -> Iterator[dict[str, Any]]:
    if not data["messages"]:
        return
    meta, updated_at = data.get("meta") or {}, data["updated_at"]
    if meta.get("email"):
        yield _delivery(
            data, "session:set_email", _session(data) | {"email": meta["email"]}, data["messages"][0]["timestamp"]
        )
    yield _delivery(data, "session:set_segments", _session(data) | {"segments": meta.get("segments") or []}, updated_at)
    # "pending" is what an open conversation is while it waits.
    state = "resolved" if data.get("state") == "resolved" else "unresolved"
    yield _delivery(data, "session:set_state", _session(data) | {"state": state}, updated_at)


def _session(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in ("website_id", "session_id", "people_id") if name in data}


def _delivery(of: Mapping[str, Any], event: str, data: Mapping[str, Any], timestamp: Any) -> dict[str, Any]:
    return {"website_id": of["website_id"], "event": event, "data": dict(data), "timestamp": timestamp}


HISTORY = HistorySpec(fetch, deliveries, latest, lacks=("ratings",))

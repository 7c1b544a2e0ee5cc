"""Tawk.to's webhooks (as of 2026-11): four events, signed with HMAC-SHA1 over the raw body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ... import signing
from ...hooks import Delivery, HookRoom
from ...model import Event
from .. import Values

AUTHORS = {"visitor": "visitor", "v": "visitor", "agent": "agent", "a": "agent"}


def verify(values: Values, delivery: Delivery) -> bool:
    given = delivery.headers.get("x-tawk-signature", "")
    return any(signing.same(signing.hmac_hex(one, delivery.body, "sha1"), given) for one in values["WEBHOOK_SECRET"])


def sign(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    return {"X-Tawk-Signature": signing.hmac_hex(secret, body, "sha1")}


def parse(values: Values, delivery: Delivery) -> Sequence[Event]:
    said = delivery.json()
    if said["property"]["id"] != values["PROPERTY_ID"]:
        return ()
    kind, at, visitor = str(said["event"]), moment(said["time"]), said.get("visitor") or {}
    common: dict[str, Any] = {"provider": "tawk", "email": visitor.get("email") or None, "raw": said}
    if kind == "chat:start":
        message = said.get("message") or {}
        author = AUTHORS.get(str((message.get("sender") or {}).get("type")), "bot")
        chat = str(said["chatId"])
        text = str(message.get("text") or "") or None
        return (
            Event(
                kind="conversation_started",
                id=f"{chat}:start",
                at=at,
                conversation=chat,
                author=author,
                text=text,
                **common,
            ),
        )
    if kind == "chat:end":
        chat = str(said["chatId"])
        return (
            Event(kind="conversation_closed", id=f"{chat}:{at.isoformat()}:end", at=at, conversation=chat, **common),
        )
    if kind == "chat:transcript_created":
        return _transcript(said)
    return (Event(kind="unknown", id=f"{kind}:{delivery.digest}", at=at, **common),)


def _transcript(said: Mapping[str, Any]) -> Sequence[Event]:
    """The only delivery that holds messages: they come when the chat is over, each with its own moment."""
    chat = said["chat"]
    name, visitor = str(chat["id"]), chat.get("visitor") or {}
    events = []
    for n, one in enumerate(chat.get("messages") or []):
        text = one.get("msg")
        if one.get("type") != "msg" or not isinstance(text, str) or not text:
            continue  # page views, and agents who join
        sender = (one.get("sender") or {}).get("t")
        events.append(
            Event(
                provider="tawk",
                kind="message",
                id=f"{name}:{n}:{one['time']}",
                at=moment(one["time"]),
                conversation=name,
                email=visitor.get("email") or None,
                author=AUTHORS.get(str(sender), "bot"),
                text=text,
                raw=one,
            )
        )
    return events


def moment(text: Any) -> datetime:
    """ISO 8601. Raises ``ValueError`` for anything else, and for years that nobody means."""
    found = datetime.fromisoformat(str(text))
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    if not 2000 <= found.year < 2200:
        raise ValueError("no moment of a chat")
    return found


WEBHOOKS = HookRoom(secrets=("WEBHOOK_SECRET",), verify=verify, parse=parse, sign=sign)

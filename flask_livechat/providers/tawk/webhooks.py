"""Tawk.to's webhooks (as of 2026-11): four events, signed with HMAC-SHA1 over the raw body."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ... import signing
from ...hooks import Delivery
from ...model import Contact, Event
from ..base import Details, File, Values, WebhookSpec
from ..payload import Payload, chat_moment, objects, required

AUTHORS = {"visitor": "visitor", "v": "visitor", "agent": "agent", "a": "agent"}


def verify(values: Values, delivery: Delivery) -> bool:
    signature = delivery.headers.get("x-tawk-signature", "")
    return any(
        signing.same(signing.hmac_hex(secret, delivery.body, "sha1"), signature) for secret in values["WEBHOOK_SECRET"]
    )


def sign(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    return {"X-Tawk-Signature": signing.hmac_hex(secret, body, "sha1")}


def parse(values: Values, delivery: Delivery) -> Sequence[Event]:
    payload = Payload(delivery.json(), delivery.odd)
    if required(payload.need("property").text("id"), "property.id") != values["PROPERTY_ID"]:
        return ()
    kind, at = required(payload.text("event"), "event"), required(_moment(payload.data.get("time")), "time")
    event = Event("tawk", "unknown", f"{kind}:{delivery.digest}", at, people=_people(payload.data), raw=payload.data)
    event = replace(event, email=payload.part("visitor").text("email") or payload.part("requester").text("email"))
    if kind == "chat:start":
        return (_started(payload, event),)
    if kind == "chat:end":
        chat = required(payload.key("chatId"), "chatId")
        end = f"{chat}:{at.isoformat()}:end"
        return (replace(event, kind="conversation_closed", id=end, conversation=chat),)
    return _transcript(payload.need("chat"), event) if kind == "chat:transcript_created" else (event,)


def _started(payload: Payload, event: Event) -> Event:
    chat, message = required(payload.key("chatId"), "chatId"), payload.part("message")
    author = AUTHORS.get(message.part("sender").text("type") or "", "bot")
    kind, text = message.text("type") or "msg", message.text("text")
    return replace(
        event,
        kind="conversation_started",
        id=_id(chat, author, kind, text, 1),
        conversation=chat,
        author=author,
        text=text,
    )


def _transcript(chat: Payload, event: Event) -> Sequence[Event]:
    """The only delivery that holds messages: they come when the chat is over, each with its own moment.

    The first one has come with the chat's start: it has the same id here. One without a moment has that of the one
    before it.
    """
    name, email = required(chat.key("id"), "chat.id"), chat.part("visitor").text("email") or event.email
    event = replace(event, kind="message", conversation=name, email=email)
    messages = [message for message in chat.items("messages") or [] if has_words_or_file(message)]
    moments = [_moment(message.data.get("time")) for message in messages]
    at = next(filter(None, moments), event.at)
    counts, events = Counter[tuple[str, str, str | None]](), []
    for message, own in zip(messages, moments, strict=True):
        author = AUTHORS.get(message.part("sender").text("t") or "", "bot")
        at, kind, text = own or at, message.text("type") or "msg", message.text("msg")
        counts[author, kind, text] += 1
        key = _id(name, author, kind, text, counts[author, kind, text])
        events.append(replace(event, id=key, at=at, author=author, text=text, raw=message.data))
    return events


def has_words_or_file(message: Payload) -> bool:
    """Page views and agents who join say nothing. The shape of attachments is UNCONFIRMED."""
    kind = message.text("type")
    holds_file = any(message.data.get(name) for name in ("attchs", "attachments", "file"))
    return kind == "file" or (kind == "msg" and (message.text("msg") is not None or holds_file))


def details(event: Event) -> Details:
    """Of a message of a transcript, or of a chat's start.

    The shape of attachments is UNCONFIRMED: whatever has a ``url`` counts as a file.
    """
    raw = Payload(event.raw, Counter())
    listed = [Payload(value, raw.odd) for _, value in objects(event.raw)]
    name = raw.part("sender").text("n") or (raw.part("visitor").text("name") if event.author == "visitor" else None)
    return Details(
        author=name,
        files=tuple(File(file.text("name") or "A file", url) for file in listed if (url := file.text("url"))),
        pages=tuple(filter(None, [raw.text("referrer")])),
    )


def _id(chat: str, author: str, kind: str, text: str | None, count: int) -> str:
    """The same for a chat's start and for that message of its transcript. ``count``: how often the words came."""
    words = hashlib.sha256((text or "").encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{chat}:{author}:{kind}:{words}:{count}"


def _people(data: Mapping[str, Any]) -> tuple[Contact, ...]:
    """Visitors and requesters have an email; agents and the property have none here."""
    emails = [value.get("email") for _, value in objects(data)]
    texts = dict.fromkeys(email for email in emails if isinstance(email, str) and email)
    return tuple(Contact("", email=email) for email in texts)


def _moment(text: Any) -> datetime | None:
    """ISO 8601. None for anything else, and for years that nobody means."""
    try:
        parsed = datetime.fromisoformat(text)
        return chat_moment(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC))
    except (TypeError, ValueError):
        return None


WEBHOOKS = WebhookSpec(secrets=("WEBHOOK_SECRET",), verify=verify, parse=parse, sign=sign, details=details)

"""Crisp's webhooks (as of 2026-11): plugin hooks are signed; website hooks carry the secret in their address."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ... import signing
from ...hooks import Delivery
from ...model import Contact, Event, Message
from ..base import Details, File, Values, WebhookSpec
from ..payload import Payload, chat_moment, objects, required
from ..sanitize import moment

# "pending" is what an open conversation is while it waits: that reopens nothing.
STATES = {"resolved": "conversation_closed", "unresolved": "conversation_reopened"}
CONTACT = ("session:set_email", "session:set_phone", "session:set_nickname", "session:set_data")
SPOKEN = ("text", "file", "animation", "audio", "picker", "field", "carousel")  # of a message: not notes, nor events
WORDS = ("text", "explain", "value", "label", "title", "description")  # in the content of pickers, fields and carousels
BOT = re.compile(r"(?:^|[:._-])(?:\w*bot)(?:$|[:._-])", re.IGNORECASE)  # within an origin: urn:crisp.im:bot:0


def verify(values: Values, delivery: Delivery) -> bool:
    """By the signature where there is one, and by it alone; else by the key in the address."""
    if "x-crisp-signature" in delivery.headers:
        signature, stamp = delivery.headers["x-crisp-signature"], delivery.headers.get("x-crisp-request-timestamp", "")
        signed = _signed(stamp, delivery.body)
        return any(
            signing.same(signing.hmac_hex(secret, signed), signature) for secret in values.get("WEBHOOK_SECRET") or ()
        )
    key = delivery.query.get("key", "")
    return any(signing.same(secret, key) for secret in values.get("WEBHOOK_KEY") or ())


def sign(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    stamp = str(int(now.timestamp() * 1000))
    signature = signing.hmac_hex(secret, _signed(stamp, body))
    return {"X-Crisp-Request-Timestamp": stamp, "X-Crisp-Signature": signature}


def _signed(stamp: str, body: bytes) -> bytes:
    return b"[" + stamp.encode("latin-1", "replace") + b";" + body + b"]"


def sent_at(delivery: Delivery) -> datetime | None:
    """The header's moment, in seconds or milliseconds: public implementations disagree."""
    text = delivery.headers.get("x-crisp-request-timestamp", "")
    return _moment(int(text)) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def parse(values: Values, delivery: Delivery) -> Sequence[Event]:
    payload = Payload(delivery.json(), delivery.odd)
    if required(payload.text("website_id"), "website_id") != values["WEBSITE_ID"]:
        return ()
    name, data = required(payload.text("event"), "event"), payload.need("data")
    stamp = payload.data.get("timestamp")
    at, session = required(_moment(stamp), "timestamp"), data.key("session_id")
    key = f"{name}:{delivery.digest}"
    if name in ("session:removed", "people:profile:removed"):
        # The last word about somebody who may have been forgotten is not stored.
        return (Event("crisp", "contact_changed", key, at, raw={"event": name}),)
    event = Event("crisp", "unknown", key, at, session, people=_people(data.data), raw=payload.data)
    if name in CONTACT or name.startswith("people:"):
        return (replace(event, kind="contact_changed", email=data.text("email")),)
    if name in ("message:send", "message:received"):
        return (_message(name, data, event),)
    if session is None:
        return (event,)
    state = data.text("state")
    if name == "session:set_state" and state in STATES:
        return (replace(event, id=f"{session}:{state}:{stamp}", kind=STATES[state], author="agent"),)
    if name == "session:sync:rating":
        rating = data.need("rating")
        stars = required(rating.whole("stars", 0, 100), "stars")
        comment = rating.text("comment")
        # Of five stars. UNCONFIRMED: only third-party code names the scale.
        return (replace(event, kind="rated", id=f"{session}:rating:{stamp}", rating=stars, best=5, text=comment),)
    if name == "session:set_segments":
        return (replace(event, id=f"{session}:tags:{stamp}", tags=data.texts("segments")),)
    return (event,)


def _message(name: str, data: Payload, event: Event) -> Event:
    kind, sender = data.text("type"), data.text("from") or ("user" if name == "message:send" else "operator")
    is_bot = data.flag("automated") or BOT.search(data.text("origin") or "")
    return replace(
        event,
        id=f"{required(event.conversation, 'session_id')}:{required(data.key('fingerprint'), 'fingerprint')}",
        kind="message" if kind in SPOKEN else "note" if kind == "note" else "unknown",  # what Crisp itself says
        at=_moment(data.data.get("timestamp")) or event.at,
        author="visitor" if sender == "user" else "bot" if is_bot else "agent",
        text=_text(kind, data),
    )


def _text(kind: str | None, data: Payload) -> str | None:
    """The words of a message: text, or all that a picker, a field or a carousel shows, a line for each."""
    content = data.data.get("content")
    if isinstance(content, str):
        return content or None
    if kind not in ("picker", "field", "carousel"):
        return None
    shown = (value.get(name) for _, value in objects(content) for name in WORDS)
    return "\n".join(text for text in shown if isinstance(text, str) and text) or None


def _people(data: Mapping[str, Any]) -> tuple[Contact, ...]:
    """By their profile (a session is bound to one, often later), by their address, or as participants."""
    people: dict[Contact, None] = {}
    for _, value in objects(data):
        address = value.get("target") if value.get("type") == "email" else value.get("email")
        person = Payload({"id": value.get("people_id"), "email": address}, Counter())
        contact = Contact(person.key("id") or "", email=person.text("email"))
        if contact.id or contact.email:
            people[contact] = None
    return tuple(people)


def details(event: Event) -> Details:
    """What else stands in a delivery. The shape of pages (``session:sync:pages``) is UNCONFIRMED."""
    payload = Payload(event.raw, Counter())
    name, data = payload.text("event"), payload.part("data")
    content, pages = data.part("content"), data.items("pages") or []
    files = [File(content.text("name") or "A file", url)] if (url := content.text("url")) else []
    handling: dict[str, Any] = {}
    if name == "session:set_routing":
        handling = {"agent": data.key("routing_id")}
    elif name == "session:update_verify":
        handling = {"verified": data.flag("is_verified")}
    return Details(
        author=data.part("user").text("nickname"),
        author_id=data.part("user").key("user_id") if event.author == "agent" else None,
        files=tuple(files),
        pages=tuple(url for page in pages if (url := page.text("page_url"))),
        attributes=data.part("data").data if name == "session:set_data" else {},
        handling=handling,
    )


def event_id(message: Message) -> str | None:
    return f"{message.conversation}:{message.id}" if message.id else None


def _moment(unix: Any) -> datetime | None:
    """Seconds or milliseconds. None for a moment that nobody means."""
    if isinstance(unix, bool) or not isinstance(unix, int | float) or abs(unix) >= 10**16:
        return None
    return chat_moment(moment(unix / 1000 if unix >= 10**11 else unix))


WEBHOOKS = WebhookSpec(
    secrets=("WEBHOOK_SECRET", "WEBHOOK_KEY"),
    verify=verify,
    parse=parse,
    sign=sign,
    sent_at=sent_at,
    details=details,
    event_id=event_id,
)

"""Palaver's webhooks: signed with HMAC-SHA256 over the raw body."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ... import signing
from ...hooks import Delivery
from ...model import Contact, Event
from ..base import Values, WebhookSpec
from ..payload import Payload, chat_moment, required
from ..sanitize import moment

KINDS = {"message": "message", "opened": "conversation_started", "closed": "conversation_closed"}


def verify(values: Values, delivery: Delivery) -> bool:
    digest = delivery.headers.get("x-palaver-signature", "")
    return any(signing.same(signing.hmac_hex(secret, delivery.body), digest) for secret in values["WEBHOOK_SECRET"])


def sign(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    return {"X-Palaver-Signature": signing.hmac_hex(secret, body)}


def parse(values: Values, delivery: Delivery) -> Sequence[Event]:
    payload = Payload(delivery.json(), delivery.odd)
    if required(payload.text("token"), "token") != values["WEBSITE_TOKEN"]:
        return ()
    at = required(chat_moment(moment(payload.data.get("at"))), "at")
    who = payload.part("contact")
    email, visitor = who.text("email"), who.key("id")
    event = Event(
        provider="palaver",
        kind=KINDS.get(payload.text("event") or "", "unknown"),
        id=required(payload.key("id"), "id"),
        at=at,
        conversation=payload.key("conversation"),
        visitor=visitor,
        email=email,
        author=payload.text("author"),
        text=payload.text("text"),
        raw=payload.data,
        people=(Contact(visitor or "", visitor, email),) if visitor or email else (),
    )
    return (event,)


WEBHOOKS = WebhookSpec(secrets=("WEBHOOK_SECRET",), verify=verify, parse=parse, sign=sign)

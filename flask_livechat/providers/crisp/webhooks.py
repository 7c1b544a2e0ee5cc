"""Crisp's webhooks (as of 2026-11): plugin hooks are signed; website hooks carry the secret in their address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ... import signing
from ...hooks import Delivery, HookRoom
from ...model import Event
from .. import Values, moment

BEST = 5  # stars. UNCONFIRMED: only third-party code names the scale
STATES = {"resolved": "conversation_closed", "unresolved": "conversation_reopened", "pending": "conversation_reopened"}
CONTACT = ("session:set_email", "session:set_phone", "session:set_nickname", "session:set_data")
REMOVED = ("session:removed", "people:profile:removed")
SPOKEN = ("text", "file", "animation", "audio", "picker", "field", "carousel")  # of a message: not notes, nor events


def verify(values: Values, delivery: Delivery) -> bool:
    """By the signature where there is one, and by it alone; else by the key in the address."""
    if "x-crisp-signature" in delivery.headers:
        given, stamp = delivery.headers["x-crisp-signature"], delivery.headers.get("x-crisp-request-timestamp", "")
        signed = _signed(stamp, delivery.body)
        return any(signing.same(signing.hmac_hex(one, signed), given) for one in values.get("WEBHOOK_SECRET") or ())
    key = delivery.query.get("key", "")
    return any(signing.same(one, key) for one in values.get("WEBHOOK_KEY") or ())


def sign(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    stamp = str(int(now.timestamp() * 1000))
    made = signing.hmac_hex(secret, _signed(stamp, body))
    return {"X-Crisp-Request-Timestamp": stamp, "X-Crisp-Signature": made}


def _signed(stamp: str, body: bytes) -> bytes:
    return b"[" + stamp.encode("latin-1", "replace") + b";" + body + b"]"


def sent_at(delivery: Delivery) -> datetime | None:
    """Seconds or milliseconds: public implementations disagree."""
    text = delivery.headers.get("x-crisp-request-timestamp", "")
    return _moment(int(text)) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def parse(values: Values, delivery: Delivery) -> Sequence[Event]:
    said = delivery.json()
    data = said["data"]
    if str(said["website_id"]) != values["WEBSITE_ID"] or not isinstance(data, Mapping):
        return ()
    name, at = str(said["event"]), _required(said["timestamp"])
    session = str(data["session_id"]) if data.get("session_id") else None
    told: dict[str, Any] = {"provider": "crisp", "conversation": session, "raw": said, "at": at}
    if name in ("message:send", "message:received") and session:
        return (_message(data, told),)
    if name == "session:set_state" and data.get("state") in STATES and session:
        told |= {"kind": STATES[data["state"]], "author": "agent"}
        return (Event(id=f"{session}:{data['state']}:{said['timestamp']}", **told),)
    if name == "session:sync:rating" and session:
        rating = data["rating"]
        told |= {
            "kind": "rated",
            "rating": _stars(rating["stars"]),
            "best": BEST,
            "text": rating.get("comment") or None,
        }
        return (Event(id=f"{session}:rating:{said['timestamp']}", **told),)
    if name == "session:set_segments" and session:
        tags = tuple(str(one) for one in data.get("segments") or ())
        return (Event(id=f"{session}:tags:{said['timestamp']}", kind="unknown", tags=tags, **told),)
    if name in REMOVED:  # the last word about somebody who may have been forgotten: not to be kept
        key = f"{name}:{delivery.digest}"
        return (Event(provider="crisp", id=key, kind="contact_changed", at=at, raw={"event": name}),)
    if name in CONTACT or name.startswith("people:"):
        email = data.get("email") if isinstance(data.get("email"), str) else None
        return (Event(id=f"{name}:{delivery.digest}", kind="contact_changed", email=email, **told),)
    return (Event(id=f"{name}:{delivery.digest}", kind="unknown", **told),)


def _message(data: Mapping[str, Any], told: dict[str, Any]) -> Event:
    content, automated = data.get("content"), bool(data.get("automated"))
    text = content if isinstance(content, str) else None
    author = "visitor" if data.get("from") == "user" else "bot" if automated else "agent"
    # A note is no message, and neither is what Crisp itself says of the conversation.
    kind = "message" if data.get("type") in SPOKEN else "unknown"
    at = _required(data["timestamp"]) if "timestamp" in data else told["at"]
    return Event(
        **(told | {"at": at}), id=f"{data['session_id']}:{data['fingerprint']}", kind=kind, author=author, text=text
    )


def _stars(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100:
        raise ValueError("no rating")
    return value


def _moment(unix: int) -> datetime | None:
    return moment(unix / 1000 if unix >= 10**11 else unix)


def _required(unix: Any) -> datetime:
    found = _moment(unix) if isinstance(unix, int) and not isinstance(unix, bool) else None
    if found is None or not 2000 <= found.year < 2200:
        raise ValueError("no moment of a chat")
    return found


WEBHOOKS = HookRoom(secrets=("WEBHOOK_SECRET", "WEBHOOK_KEY"), verify=verify, parse=parse, sign=sign, sent_at=sent_at)

"""Crisp's webhooks, as they were seen (as of 2026-11)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ....sandbox.api import Account
from ....sandbox.sessions import Change, Message, Session
from ....sandbox.stand_in import Webhooks
from . import shapes


def bodies(account: Account, change: Change, session: Session, message: Message | None) -> Iterator[dict[str, Any]]:
    data: dict[str, Any] = {"website_id": account.values["WEBSITE_ID"], "session_id": session.key, "inbox_id": None}
    now = int(account.clock() * 1000)
    begins = change == "said" and message is not None and message.n == session.messages[0].n
    if session.identity.email and (begins or change == "identified"):
        yield _body(account, "session:set_email", data | {"email": session.identity.email}, now)
    is_verified = session.identity.state == "verified"
    if (begins and is_verified) or (change == "identified" and is_verified != session.was_verified):
        # UNCONFIRMED: what a verification holds. The vendor's own types name three texts, and no values.
        proof = {"identity": "email", "method": "hmac", "annotation": ""}
        changed = {"is_verified": is_verified, "verifications": [proof] if is_verified else []}
        yield _body(account, "session:update_verify", data | changed, now)
    if change in ("said", "changed", "removed") and message is not None:
        yield _body(account, *_message(account, change, session, message))
    elif change == "decided" and message is not None:
        if message.kind in ("closed", "opened", "pending"):
            state = shapes.STATES[account.state(session)]
            yield _body(account, "session:set_state", data | {"state": state}, now)
        elif message.kind == "assigned":
            yield _body(account, "session:set_routing", data | {"routing_id": session.agent}, now)
    elif change == "rated" and session.rating is not None:
        yield _body(account, "session:sync:rating", data | {"rating": {"stars": session.rating}}, now)
    elif change == "tagged":
        yield _body(account, "session:set_segments", data | {"segments": list(session.tags)}, now)
    elif change == "dropped":
        yield _body(account, "session:removed", data, now)


def _message(account: Account, change: Change, session: Session, message: Message) -> tuple[str, dict[str, Any], int]:
    """What was said is stamped with its own moment, what became of it with that of the change."""
    data = shapes.message(account, session, message) | {"inbox_id": None}
    now = int(account.clock() * 1000)
    if change == "said":
        return "message:send" if message.author == "visitor" else "message:received", data, data["timestamp"]
    known = {name: data[name] for name in ("website_id", "session_id", "inbox_id", "fingerprint")}
    if change == "removed":
        return "message:removed", known, now
    return "message:updated", known | {"content": data["content"]}, now


def _body(account: Account, event: str, data: Mapping[str, Any], at: int) -> dict[str, Any]:
    return {"website_id": account.values["WEBSITE_ID"], "event": event, "data": dict(data), "timestamp": at}


WEBHOOKS = Webhooks(
    bodies,
    headers=lambda delivery, attempt, limit: {
        "X-Delivery-Attempt-Count": str(attempt + 1),
        "X-Delivery-Attempt-Limit": str(limit),
    },
    pauses_s=(10, 60, 300),  # UNCONFIRMED
)

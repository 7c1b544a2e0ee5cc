"""Palaver's stand-in: whom it takes a visitor for, and what it tells the app."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...model import Visitor
from ...sandbox.api import Account
from ...sandbox.body import Body, Values, proves, secrets
from ...sandbox.hub import Hub
from ...sandbox.sessions import Change, Identity, Message, RefusedError, Session
from ...sandbox.stand_in import StandIn, Webhooks
from .sandbox_api import AGENTS, API, contact


def restore(hub: Hub, values: Values, body: Body) -> str:
    """The conversation that the browser's cookie names, or a new one."""
    cookie = body.text("session")
    return cookie if cookie and hub.has("palaver", cookie) else hub.create("palaver")


def identify(hub: Hub, values: Values, key: str, body: Body) -> str:
    """The user's own conversation where there is one; without a valid hash nobody is identified."""
    user = body.need("user_id")
    if not proves(secrets(values, "IDENTITY_SECRET"), user, body.text("hash") or ""):
        hub.refuse(key, "the hash does not match the id")
        raise RefusedError(401, "hash_invalid")
    mine = hub.find("palaver", "user", user) or key
    hub.bind(mine, "user", user)
    hub.identify(mine, Identity("verified", user, body.text("email"), body.text("name")))
    return mine


def introduce(hub: Hub, values: Values, who: Visitor) -> str:
    key = hub.find("palaver", "user", who.id) or hub.create("palaver")
    hub.bind(key, "user", who.id)
    hub.identify(key, Identity("verified", who.id, who.email, who.name))
    return key


def leave(hub: Hub, key: str, body: Body) -> str:
    return hub.create("palaver")


def bodies(account: Account, change: Change, session: Session, message: Message | None) -> Iterator[dict[str, Any]]:
    """A message, or the end of a conversation. Its first message opens it."""
    if message is None or (change, message.kind) not in {("said", "text"), ("decided", "closed")}:
        return
    is_first = message.n == session.messages[0].n
    yield {
        "id": f"{session.key}:{message.n}",
        "token": account.values["WEBSITE_TOKEN"],
        "event": "closed" if change == "decided" else "opened" if is_first else "message",
        "at": message.at,
        "conversation": session.key,
        "author": message.author,
        "text": message.text or None,
        "contact": contact(session),
    }


STAND_IN = StandIn(
    name="palaver",
    account="WEBSITE_TOKEN",
    color="#6b2fa0",
    restore=restore,
    identify=identify,
    introduce=introduce,
    leave=leave,
    agents=AGENTS,
    api=API,
    webhooks=Webhooks(bodies, headers=lambda delivery, attempt, limit: {}, pauses_s=(10, 60)),
)

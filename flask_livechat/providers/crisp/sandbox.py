"""Crisp's side of the stand-in: the session cookie, the continuity token, the signed email."""

from __future__ import annotations

from dataclasses import replace

from ...model import Visitor
from ...sandbox.body import Body, Values, proves, secrets
from ...sandbox.hub import Hub
from ...sandbox.sessions import Identity
from ...sandbox.stand_in import StandIn
from .sandbox_api import AGENTS, API
from .sandbox_api.webhooks import WEBHOOKS

EMPTY_SESSION = 30 * 60  # seconds after which a session without a message is gone (Crisp's cookie policy, 2026-11)


def restore(hub: Hub, values: Values, body: Body) -> str:
    """A known token wins over the cookie. A new token gets a new session: only ``session_merge`` keeps the cookie's."""
    token, cookie = body.text("token"), body.text("session")
    own = cookie if cookie and hub.has("crisp", cookie) and hub.idle(cookie) < EMPTY_SESSION else None
    if not token:
        return own or hub.create("crisp", "session_")
    known = hub.find("crisp", "token", token)
    if known:
        return known
    mergeable = own and body.flag("merge") and hub.bound(own, "token") is None
    key = own if own and mergeable else hub.create("crisp", "session_")
    hub.bind(key, "token", token)
    return key


def identify(hub: Hub, values: Values, key: str, body: Body) -> str:
    """Crisp takes any email and marks it verified when it is signed: a mark, not a gate."""
    known = hub.identity(key)
    email, name = body.text("email"), body.text("name")
    if email:
        known = _judge(values, replace(known, email=email), body.text("signature"))
    if name:
        known = replace(known, name=name)
        if known.state == "anonymous":
            known = replace(known, state="unverified", reason="Crisp verifies emails only, and none was given")
    hub.identify(key, known)
    return key


def introduce(hub: Hub, values: Values, who: Visitor) -> str:
    key = hub.create("crisp", "session_")
    hub.identify(key, Identity("verified", None, who.email, who.name))
    return key


def leave(hub: Hub, key: str, body: Body) -> str:
    """``session:reset``: the browser forgets its session, the conversation stays with its token."""
    return hub.create("crisp", "session_")


def _judge(values: Values, claimed: Identity, signature: str | None) -> Identity:
    keys = secrets(values, "IDENTITY_SECRET")
    if not keys:
        return replace(claimed, state="unverified", reason="no LIVECHAT_CRISP_IDENTITY_SECRET to check it with")
    if not signature:
        return replace(claimed, state="unverified", reason="the email came without a signature")
    if not proves(keys, claimed.email or "", signature):
        return replace(claimed, state="unverified", reason="the signature does not match the email")
    return replace(claimed, state="verified", reason="")


STAND_IN = StandIn(
    name="crisp",
    account="WEBSITE_ID",
    color="#1558c0",
    restore=restore,
    identify=identify,
    introduce=introduce,
    leave=leave,
    agents=AGENTS,
    api=API,
    webhooks=WEBHOOKS,
)

"""Intercom's side of the stand-in: visitors and users, JWT and HMAC, enforcement."""

from __future__ import annotations

from dataclasses import replace

from ... import signing
from ...model import Visitor
from ...sandbox.body import Body, Values, proves, secrets
from ...sandbox.hub import Hub
from ...sandbox.sessions import Identity, RefusedError, Value
from ...sandbox.stand_in import StandIn
from .sandbox_api import AGENTS, API
from .sandbox_api.calls import user_name
from .sandbox_api.webhooks import WEBHOOKS

IN_IDENTITY = ("user_id", "email", "name", "exp", "iat", "nbf", "iss", "sub", "aud", "jti")


def restore(hub: Hub, values: Values, body: Body) -> str:
    """``boot``: with an identity the user's conversation, else that of the session cookie, else of the anonymous id."""
    anonymous = body.text("anonymous")
    visitor = hub.find("intercom", "anonymous", anonymous) if anonymous else None
    claims = body.part("identity")
    if any(claims.text(name, 8192) for name in ("jwt", "user_hash", "user_id", "email")):
        key = _user(hub, visitor, _judge_or_refuse(hub, values, visitor, claims, body.text("page")))
        hub.describe(key, _signed_attributes(values, claims))
        return key
    cookie = body.text("session")
    if cookie and hub.has("intercom", cookie) and hub.bound(cookie, "user") is not None:
        return cookie  # without shutdown the session cookie keeps the user, whatever the page thinks
    if visitor:
        return visitor
    key = hub.create("intercom")
    hub.bind(key, "anonymous", anonymous or key)
    return key


def identify(hub: Hub, values: Values, key: str, body: Body) -> str:
    """``update`` with an identity: needs its proof again, and may not turn one user into another."""
    identity = _judge_or_refuse(hub, values, key, body)
    current = hub.bound(key, "user")
    if current is not None and current != user_name(identity.id, identity.email):
        hub.refuse(key, "another user without a shutdown in between")
        raise RefusedError(403, "user_changed")
    mine = _user(hub, key, identity)
    hub.describe(mine, _signed_attributes(values, body))
    return mine


def introduce(hub: Hub, values: Values, who: Visitor) -> str:
    return _user(hub, None, Identity("verified", who.id, who.email, who.name))


def leave(hub: Hub, key: str, body: Body) -> str:
    """``shutdown`` clears cookies in the browser only; the user's conversation stays."""
    return key


def check(values: Values, claims: Body) -> Identity:
    """Judge an identity as Intercom does with enforcement on, which here means: whenever a secret is configured."""
    token, digest = claims.text("jwt", 8192), claims.text("user_hash")
    user, email, name = claims.text("user_id"), claims.text("email"), claims.text("name")
    claimed = (user, email, name)
    keys = secrets(values, "IDENTITY_SECRET")
    if token and digest:
        return Identity("refused", *claimed, "both intercom_user_jwt and user_hash were sent")
    if token:
        return _check_token(keys, token, user, name)
    if not keys:
        return Identity("unverified", *claimed, "no LIVECHAT_INTERCOM_IDENTITY_SECRET to check it with")
    if not digest:
        return Identity("refused", *claimed, "Missing user_hash or intercom_user_jwt")
    if not proves(keys, user or email or "", digest):
        signed = "user_id" if user else "email"
        return Identity("refused", *claimed, f"hmac_mismatch: user_hash does not match {signed}")
    return Identity("verified", *claimed)


def _check_token(keys: tuple[str, ...], token: str, user: str | None, name: str | None) -> Identity:
    if not keys:
        return Identity("refused", user, reason="no LIVECHAT_INTERCOM_IDENTITY_SECRET to check the JWT with")
    data = signing.read_jwt(token, keys)
    if data is None:
        return Identity("refused", user, reason="the JWT is expired or not signed with the secret")
    signed = Body({key: str(value) for key, value in data.items() if isinstance(value, (str, int))})
    if not signed.text("user_id"):
        return Identity("refused", user, reason="the JWT has no user_id")
    if user and user != signed.text("user_id"):
        return Identity("refused", user, reason="the JWT is for another user_id than the settings")
    return Identity("verified", signed.text("user_id"), signed.text("email"), signed.text("name") or name)


def _signed_attributes(values: Values, claims: Body) -> dict[str, Value]:
    """Any attribute may stand in the JWT instead of beside it. Nested ones: not documented, so not taken."""
    data = signing.read_jwt(claims.text("jwt", 8192) or "", secrets(values, "IDENTITY_SECRET")) or {}
    plain = {key: value for key, value in data.items() if isinstance(value, (str, int, float, bool))}
    return {key: value for key, value in Body({"jwt": plain}).values("jwt").items() if key not in IN_IDENTITY}


def _judge_or_refuse(hub: Hub, values: Values, key: str | None, claims: Body, page: str | None = None) -> Identity:
    identity = check(values, claims)
    if identity.state != "refused":
        return identity
    name = identity.id or identity.email or "nobody by name"
    if key is None:  # the agent page should show the attempt, once per claimed name
        key = hub.find("intercom", "refused", name) or hub.create("intercom")
        hub.bind(key, "refused", name)
    if page:
        hub.visit(key, page)
    hub.refuse(key, f"{identity.reason} (claimed: {name})")
    raise RefusedError(403, identity.reason)


def _user(hub: Hub, visitor: str | None, identity: Identity) -> str:
    """The user's conversation; at the first login a visitor's own becomes it, as a lead becomes a user."""
    name = user_name(identity.id, identity.email)
    key = hub.find("intercom", "user", name) or visitor or hub.create("intercom")
    hub.bind(key, "user", name)
    hub.unbind(key, "anonymous")
    known = hub.identity(key)
    hub.identify(key, replace(identity, email=identity.email or known.email, name=identity.name or known.name))
    return key


STAND_IN = StandIn(
    name="intercom",
    account="APP_ID",
    color="#1f2a44",
    restore=restore,
    identify=identify,
    introduce=introduce,
    leave=leave,
    agents=AGENTS,
    api=API,
    webhooks=WEBHOOKS,
)

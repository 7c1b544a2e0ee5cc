"""Intercom's side of the stand-in: visitors and users, JWT and HMAC, enforcement."""

from __future__ import annotations

from flask_livechat import signing

from .hub import Hub, Identity, Refused
from .standin import Body, StandIn, Values, proves, secrets


def restore(hub: Hub, values: Values, body: Body) -> str:
    """``boot``: with an identity the user's conversation, else that of the session cookie, else of the anonymous id."""
    anonymous = body.text("anonymous")
    visitor = hub.find("intercom", "anonymous", anonymous) if anonymous else None
    claims = body.part("identity")
    if _claims_someone(claims):
        return _user(hub, visitor, _judge_or_refuse(hub, values, visitor, claims))
    cookie = body.text("session")
    if cookie and hub.has("intercom", cookie) and hub.bound(cookie, "user") is not None:
        return cookie  # without shutdown the session cookie keeps the user, whatever the page thinks
    if visitor:
        return visitor
    key = hub.create("intercom")
    hub.bind(key, "anonymous", key)
    return key


def identify(hub: Hub, values: Values, key: str, body: Body) -> str:
    """``update`` with an identity: needs its proof again, and may not turn one user into another."""
    identity = _judge_or_refuse(hub, values, key, body)
    current = hub.bound(key, "user")
    if current is None:
        return _user(hub, key, identity)
    if current != _user_name(identity):
        hub.refuse(key, "another user without a shutdown in between")
        raise Refused(403, "user_changed")
    known = hub.identity(key)
    name, email = identity.name or known.name, identity.email or known.email
    hub.identify(key, Identity(identity.state, identity.id, email, name, identity.reason))
    return key


def leave(hub: Hub, key: str) -> str:
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
        return Identity("refused", *claimed, "hmac_mismatch: user_hash does not match " + ("user_id" if user else "email"))
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


def _judge_or_refuse(hub: Hub, values: Values, key: str | None, claims: Body) -> Identity:
    identity = check(values, claims)
    if identity.state != "refused":
        return identity
    if key is None:  # the agent's desk should show the attempt, once per claimed name
        name = identity.id or identity.email or "?"
        key = hub.find("intercom", "refused", name) or hub.create("intercom")
        hub.bind(key, "refused", name)
    hub.refuse(key, identity.reason)
    raise Refused(403, identity.reason)


def _user(hub: Hub, visitor: str | None, identity: Identity) -> str:
    """The user's conversation; at the first login a visitor's own becomes it, as a lead becomes a user."""
    name = _user_name(identity)
    key = hub.find("intercom", "user", name) or visitor or hub.create("intercom")
    hub.bind(key, "user", name)
    hub.unbind(key, "anonymous")
    known = hub.identity(key)
    hub.identify(key, Identity(identity.state, identity.id, identity.email or known.email,
                               identity.name or known.name, identity.reason))  # fmt: skip
    return key


def _user_name(identity: Identity) -> str:
    return f"id:{identity.id}" if identity.id else f"email:{identity.email}"


def _claims_someone(claims: Body) -> bool:
    return any(claims.text(name, 8192) for name in ("jwt", "user_hash", "user_id", "email"))


STAND_IN = StandIn("intercom", "Intercom", "APP_ID", restore, identify, leave)

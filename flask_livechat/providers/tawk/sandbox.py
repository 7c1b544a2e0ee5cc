"""Tawk.to's side of the stand-in: the visitor's uuid, Secure Mode, login and logout."""

from __future__ import annotations

from dataclasses import replace

from ...model import Visitor
from ...sandbox.body import Body, Values, proves, secrets
from ...sandbox.hub import Hub
from ...sandbox.sessions import Identity, RefusedError
from ...sandbox.stand_in import StandIn
from .sandbox_api import AGENTS, API, WEBHOOKS


def restore(hub: Hub, values: Values, body: Body) -> str:
    """The visitor or user by whose uuid the browser is known; else a new anonymous visitor, known by it from now on."""
    uuid = body.text("uuid")
    key = hub.find("tawk", "uuid", uuid) if uuid else None
    if key is None:
        key = hub.create("tawk")
        _know(hub, key, body)
    return _label(hub, values, key, body.part("visitor"))


def identify(hub: Hub, values: Values, key: str, body: Body) -> str:
    """``login`` (by a signed user id) or ``setAttributes`` with name and email (by a signed email)."""
    if body.text("user_id"):
        return _login(hub, values, key, body)
    if hub.bound(key, "user") is not None:
        # Tawk.to's documents disagree on what is signed here once logged in. Refusing shows the page's author in time.
        raise RefusedError(403, "ACCESS_ERROR")
    email, digest = body.text("email"), body.text("hash")
    if not digest or not proves(secrets(values, "JS_API_KEY"), email or "", digest):
        hub.refuse(key, "setAttributes with name or email needs Secure Mode and the HMAC of the email")
        raise RefusedError(403, "ACCESS_ERROR")
    known = hub.identity(key)
    hub.identify(key, Identity("verified", known.id, email, body.text("name") or known.name))
    return key


def introduce(hub: Hub, values: Values, who: Visitor) -> str:
    key = hub.find("tawk", "user", who.id) or hub.create("tawk")
    hub.bind(key, "user", who.id)
    hub.identify(key, Identity("verified", who.id, who.email, who.name))
    return key


def leave(hub: Hub, key: str, body: Body) -> str:
    """``logout``: the user's conversation stays with the user; whoever has this browser's uuid is somebody new."""
    if hub.bound(key, "user") is None:
        return key
    key = hub.create("tawk")
    _know(hub, key, body)
    return key


def _know(hub: Hub, key: str, body: Body) -> None:
    """From now on the browser's uuid leads to this session."""
    uuid = body.text("uuid")
    if uuid:
        hub.bind(key, "uuid", uuid)


def _label(hub: Hub, values: Values, key: str, visitor: Body) -> str:
    """Apply ``Tawk_API.visitor``: with Secure Mode on, recognition needs the hash of the email."""
    name, email, digest = visitor.text("name"), visitor.text("email"), visitor.text("hash")
    if not (name or email) or hub.bound(key, "user") is not None:
        return key
    keys = secrets(values, "JS_API_KEY")
    if not keys:
        reason = "Secure Mode is off: no LIVECHAT_TAWK_JS_API_KEY to check it with"
        hub.identify(key, Identity("unverified", None, email, name, reason))
    elif not digest:
        hub.identify(key, Identity("refused", reason="Secure Mode is on and Tawk_API.visitor has no hash"))
    elif not proves(keys, email or "", digest):
        hub.identify(key, Identity("refused", reason="the hash does not match the email"))
    else:
        hub.identify(key, Identity("verified", None, email, name))
    return key


def _login(hub: Hub, values: Values, key: str, body: Body) -> str:
    user, keys = body.need("user_id"), secrets(values, "JS_API_KEY")
    current = hub.bound(key, "user")
    if current is not None and current != user:
        # What Tawk.to does here is not documented; a page that relies on either way is warned.
        raise RefusedError(400, "another user is logged in, call logout() first")
    if not keys:
        hub.refuse(key, "login() needs Secure Mode: no LIVECHAT_TAWK_JS_API_KEY")
        raise RefusedError(401, "Secure Mode is off")
    if not proves(keys, user, body.text("hash") or ""):
        hub.refuse(key, "the hash does not match the userId")
        raise RefusedError(401, "userId does not match hash")
    mine = hub.find("tawk", "user", user) or key
    hub.bind(mine, "user", user)
    _know(hub, mine, body)
    hub.describe(mine, body.values("attributes"))
    known = hub.identity(mine) if mine != key or current == user else Identity()
    known = replace(known, email=body.text("email") or known.email, name=body.text("name") or known.name)
    hub.identify(mine, Identity("verified", user, known.email, known.name))
    return mine


STAND_IN = StandIn(
    name="tawk",
    account="PROPERTY_ID",
    color="#02742f",
    restore=restore,
    identify=identify,
    introduce=introduce,
    leave=leave,
    agents=AGENTS,
    api=API,
    webhooks=WEBHOOKS,
)

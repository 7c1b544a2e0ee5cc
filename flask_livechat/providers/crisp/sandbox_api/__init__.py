"""Crisp's REST API v1 (as of 2026-11, by the official libraries and the reference).

The texts of reasons are UNCONFIRMED but for ``not_found`` and the one of the legacy help centre: clients must take
them as opaque.
"""

from __future__ import annotations

from typing import Any

from werkzeug.datastructures import Authorization, Headers

from .... import signing
from ....sandbox.api import Account, Api
from ....sandbox.body import secrets
from ....sandbox.records import agents
from ....sandbox.sessions import RefusedError
from .conversations import Conversations
from .helpdesk import Helpdesk
from .messages import Messages
from .people import People
from .shapes import person_of
from .workspace import Workspace

AGENTS = agents("a91ad2a8-1b4b-4c0d-9a0e-3f8e1f6a2c01", "b7c3e6d4-52f1-4d0a-8a55-0f5d7a9e4b02")
OVER_QUOTA = 423  # what a token's calls of a day are over with


def admit(account: Account, headers: Headers) -> None:
    """Basic, and the tier: without it a token is refused."""
    given = Authorization.from_header(headers.get("Authorization"))
    identifier, key = (given.username or "", given.password or "") if given and given.type == "basic" else ("", "")
    keys = secrets(account.values, "API_KEY")
    known = identifier == account.values["API_IDENTIFIER"] and any(signing.same(secret, key) for secret in keys)
    if not known or headers.get("X-Crisp-Tier") != account.values["API_TIER"]:
        raise RefusedError(401, "invalid_session", "Wrong key, or wrong X-Crisp-Tier.")


def refuse(error: RefusedError) -> tuple[int, Any]:
    """Whatever is wrong with a field has one reason; which it is stands in the message."""
    is_field = error.code.endswith(("_missing", "_invalid"))
    reason, what = ("invalid_data", error.what or error.code) if is_field else (error.code, error.what)
    if error.status == 429:
        return OVER_QUOTA, {"error": True, "reason": "quota_limit_exceeded", "data": {}}
    return error.status, {"error": True, "reason": reason, "data": {"message": what} if what else {}}


def meet(account: Account) -> None:
    """Who is known by an address is a contact, whichever way they came."""
    for session in account.hub.sessions(account.name):
        person_of(account, session)


API = Api(
    calls=(Conversations, Messages, People, Workspace, Helpdesk),
    admit=admit,
    refuse=refuse,
    meet=meet,
    limit=(10_000, 86_400),  # the website tier's; its headers are not documented
)

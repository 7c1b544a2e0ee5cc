"""Intercom's REST API, in its versions 2.11 to 2.16 (its OpenAPI files, as of 2026-11)."""

from __future__ import annotations

import uuid
from typing import Any

from werkzeug.datastructures import Authorization, Headers

from .... import signing
from ....sandbox.api import Account, Api
from ....sandbox.body import secrets
from ....sandbox.records import agents
from ....sandbox.sessions import RefusedError
from .articles import Articles
from .calls import VERSIONS, person_of
from .contacts import Contacts
from .conversations import Conversations
from .workspace import Workspace

AGENTS = agents("814860", "814861")
CODES = {"_missing": "parameter_not_found", "_invalid": "parameter_invalid"}  # of a field that is not as it must be


def admit(account: Account, headers: Headers) -> None:
    given = Authorization.from_header(headers.get("Authorization"))
    token = given.token or "" if given and given.type == "bearer" else ""
    if not any(signing.same(secret, token) for secret in secrets(account.values, "ACCESS_TOKEN")):
        raise RefusedError(401, "unauthorized", "Access Token Invalid")
    if headers.get("Intercom-Version", VERSIONS[-1]) not in VERSIONS:
        raise RefusedError(400, "intercom_version_invalid", "The requested version could not be found")


def refuse(error: RefusedError) -> tuple[int, Any]:
    field, code = error.code[:-8], CODES.get(error.code[-8:])
    known = code is not None and not error.what
    words = f"{field} is {error.code[-7:]}" if known else error.what or error.code
    entry = {"code": code if known else error.code, "message": words}
    return error.status, {"type": "error.list", "request_id": str(uuid.uuid4()), "errors": [entry]}


def meet(account: Account) -> None:
    """Whoever wrote, or proved who they are, is a contact."""
    for session in account.hub.sessions(account.name):
        person_of(account, session)


API = Api(
    calls=(Conversations, Contacts, Articles, Workspace),
    admit=admit,
    refuse=refuse,
    meet=meet,
    limit=(1_666, 10),  # 10,000 calls a minute, in windows of ten seconds
    limit_headers=True,
)

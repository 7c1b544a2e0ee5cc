"""What a page says to Crisp: visitor, proof, data. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ... import signing
from ...model import Value, Visitor
from ..base import Values
from ..sanitize import cut, fit, seconds, whole, without_empty

# Keys are lower case with "_" and "-" (vendor docs, 2026-11). No lengths or counts are documented: these are ours.
LONGEST = 255
LONGEST_VALUE = 1000
MOST = 100


def visitor(values: Values, who: Visitor) -> dict[str, Any]:
    company = who.company
    return without_empty(
        id=whole(who.id, LONGEST),
        email=whole(who.email, LONGEST),
        name=cut(who.name, LONGEST),
        phone=cut(who.phone, LONGEST),
        avatar=whole(who.avatar, 2048),
        created_at=seconds(who.created_at),
        company=company
        and without_empty(
            id=whole(company.id, LONGEST), name=cut(company.name, LONGEST), website=whole(company.website, 2048)
        ),
        attributes=attributes(who.attributes),
        segments=[segment for name in who.segments[:MOST] if (segment := cut(name, LONGEST))],
    )


def prove(values: Values, who: Visitor, now: int, life: int) -> dict[str, Any] | None:
    """The email's signature (over the very text that is pushed), and the token that brings the conversation back.

    The token is keyed and made over the id, so nobody can guess it: who holds it reads the history.
    """
    secrets, email = values.get("IDENTITY_SECRET"), whole(who.email, LONGEST)
    signature = signing.hmac_hex(secrets[0], email) if secrets and email else None
    token, token_secrets = who.session_token, values.get("SESSION_SECRET")
    if not token and token_secrets:
        token = signing.hmac_hex(token_secrets[0], who.id)
    return without_empty(email=signature, token=token) or None


def attributes(values: Mapping[str, Value]) -> dict[str, Any]:
    return fit(values, _key, _value, MOST)


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "_", name.lower()).strip("_")[:LONGEST]


def _value(value: Value) -> Value:
    return cut(value, LONGEST_VALUE) if isinstance(value, str) else value

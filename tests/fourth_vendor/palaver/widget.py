"""What a page says to Palaver: settings, visitor, proof, attributes. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ... import signing
from ...model import Value, Visitor
from ..base import Values
from ..sanitize import cut, fit, whole, without_empty

MAX_CHARS = 255
MAX_ATTRIBUTES = 50


def settings(values: Values) -> dict[str, Any]:
    return {"url": values["BASE_URL"], "token": values["WEBSITE_TOKEN"]}


def visitor(values: Values, who: Visitor) -> dict[str, Any]:
    return without_empty(
        id=whole(who.id, MAX_CHARS),
        email=whole(who.email, MAX_CHARS),
        name=cut(who.name, MAX_CHARS),
        attributes=attributes(who.attributes),
    )


def prove(values: Values, who: Visitor, now: int, life: int) -> dict[str, Any] | None:
    """The id's HMAC. It never ends, so ``now`` and ``life`` are not asked."""
    secrets, user = values.get("IDENTITY_SECRET"), whole(who.id, MAX_CHARS)
    return {"hash": signing.hmac_hex(secrets[0], user)} if secrets and user else None


def attributes(attributes: Mapping[str, Value]) -> dict[str, Any]:
    return fit(attributes, _key, _value, MAX_ATTRIBUTES)


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")[:MAX_CHARS]


def _value(value: Value) -> Value:
    return cut(value, MAX_CHARS) if isinstance(value, str) else value

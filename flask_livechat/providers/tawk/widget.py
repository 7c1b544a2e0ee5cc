"""What a page says to Tawk.to: visitor, proof, attributes. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ... import signing
from ...model import Value, Visitor
from ..base import Values
from ..sanitize import cut, fit, seconds, whole, without_empty

# Limits of the JavaScript API (vendor's plugin docs, read 2026-11): keys alphanumeric and "-", stored in lower case;
# values text, not empty, at most 255 characters; 50 attributes; 10 tags. A key's 50 characters are not in the docs but
# in the script (2025-04): one that is longer refuses the whole call.
LONGEST = 255
MOST = 50


def visitor(values: Values, who: Visitor) -> dict[str, Any]:
    company, email = who.company, whole(who.email, LONGEST)
    return without_empty(
        id=whole(who.id, LONGEST),
        # One key signs emails and ids: the proof of an email ``42`` would be the proof of the id 42.
        email=email if email and "@" in email else None,
        name=cut(who.name, LONGEST),
        phone=cut(who.phone, LONGEST),
        created_at=seconds(who.created_at),
        company=company and without_empty(id=whole(company.id, LONGEST), name=cut(company.name, LONGEST)),
        attributes=attributes(who.attributes),
        segments=[tag for segment in who.segments[:10] if (tag := cut(segment, LONGEST))],
    )


def prove(values: Values, who: Visitor, now: int, life: int) -> dict[str, Any] | None:
    """Two hashes, because Tawk.to wants the email's for ``visitor`` and the id's for ``login``. They do not expire."""
    secrets = values.get("JS_API_KEY")
    if not secrets:
        return None
    fields = visitor(values, who)
    return {field: signing.hmac_hex(secrets[0], fields[field]) for field in ("email", "id") if field in fields} or None


def attributes(values: Mapping[str, Value]) -> dict[str, Any]:
    return fit(values, _key, _value, MOST)


def _key(name: str) -> str:
    key = re.sub(r"[^a-z0-9]+", "-", name.lower())[:50].strip("-")
    # These are not attributes but the identity itself, which only a hash may set.
    return "" if key in {"name", "email", "hash", "userid", "phone"} else key


def _value(value: Value) -> str | None:
    # Numbers and booleans are not documented: text is.
    return cut("true" if value is True else "false" if value is False else str(value), LONGEST)

"""HMAC and HS256, made and compared. Every function is total: hostile input gets an answer, never an exception."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import jwt


def hmac_hex(secret: str | bytes, message: str | bytes, algorithm: str = "sha256") -> str:
    """Lower-case hexadecimal HMAC. Text is taken as UTF-8, which is what all three vendors document."""
    keyed = _begun(secret, algorithm).copy()
    keyed.update(message if isinstance(message, bytes) else _bytes(message))
    return keyed.hexdigest()


def same(a: str | bytes, b: str | bytes) -> bool:
    """Compare two secrets in constant time. The only place that does."""
    return hmac.compare_digest(_bytes(a), _bytes(b))


def make_jwt(claims: dict[str, Any], secret: str) -> str:
    """An HS256 token with the header ``{"alg":"HS256","typ":"JWT"}`` (RFC 7519)."""
    return jwt.encode(claims, _padded(secret), algorithm="HS256", sort_headers=True)


def read_jwt(token: str, secrets: Iterable[str]) -> dict[str, Any] | None:
    """The claims of a token that one of ``secrets`` signed with HS256 and that has not expired; else None."""
    for secret in secrets:
        try:
            return dict(jwt.decode(token, _padded(secret), algorithms=["HS256"]))
        except (jwt.PyJWTError, ValueError, TypeError):  # ValueError and TypeError: shapes PyJWT does not foresee
            continue
    return None


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, whoever signed it and when: nothing to rely on. Empty for what is no token."""
    try:
        return dict(jwt.decode(token, options={"verify_signature": False}))
    except (jwt.PyJWTError, ValueError, TypeError):
        return {}


@lru_cache(64)  # an app has few secrets
def _begun(secret: str | bytes, algorithm: str) -> hmac.HMAC:
    """An HMAC that knows its key alone: to take in a key costs as much as a message (RFC 2104 section 4)."""
    return hmac.new(_bytes(secret), digestmod=algorithm)


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")


def _padded(secret: str) -> bytes:
    """The same HMAC key in 32 bytes, since PyJWT warns of shorter ones, and the vendor chose this one.

    HMAC itself pads a key with zero bytes up to the hash's block (64 bytes for SHA-256, RFC 2104 section 2), so the
    padded key signs exactly alike.
    """
    return _bytes(secret).ljust(32, b"\0")

"""The secret guard: no response leaves with a configured secret in it. Pure."""

from __future__ import annotations

import gzip
import html
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from markupsafe import escape

from .. import providers
from ..errors import LiveChatError
from ..providers import Values

SHORTEST = 8  # characters
LONG = 16  # characters from which on a text without a digit is no word that a page may hold
# As Jinja writes them into scripts.
FOR_SCRIPTS = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "'": "\\u0027"})


class SecretInResponse(LiveChatError):
    """A response holds the value of ``key``. In debug and tests; in production it becomes a 500."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"The response holds the value of {key}, which must never leave the server.")


class Guard:
    """Knows every configured secret, in all the ways in which a page may write one.

    Of each it looks for the longest run of letters and digits, which nothing escapes, and at the rest only where that
    is found.
    """

    def __init__(self, configured: Mapping[str, Values], *, sandbox: bool) -> None:
        self._known = tuple(
            (_longest_run(value), tuple(dict.fromkeys(_written(value))), key)
            for key, value in secrets(configured, sandbox=sandbox)
        )

    def key_in(self, body: bytes) -> str | None:
        """The name of the key whose value is in there."""
        for run, written, key in self._known:
            if run in body and any(each in body for each in written):
                return key
        return None


def secrets(configured: Mapping[str, Values], *, sandbox: bool) -> Iterator[tuple[str, str]]:
    """(key, value) of each secret that is worth guarding.

    Not a plain word, which any page may hold, and not one of the sandbox's examples.
    """
    for name, values in configured.items():
        for key in providers.load(name).keys:
            for value in values.get(key.name) or () if key.secret else ():
                telling = len(value) >= LONG or (len(value) >= SHORTEST and not value.isalpha())
                if telling and not (sandbox and value == key.example):
                    yield f"LIVECHAT_{name.upper()}_{key.name}", value


def plain(body: bytes, encoding: str | None) -> bytes:
    """A response's body before it was compressed. Empty where that cannot be told."""
    try:
        if encoding in (None, "", "identity"):
            return body
        if encoding == "gzip":
            return gzip.decompress(body)
        if encoding == "deflate":
            return zlib.decompress(body)
        if encoding == "br":
            import brotli  # whoever compressed it had it  # noqa: PLC0415

            return bytes(brotli.decompress(body))
    except Exception:  # not what its header says, or another library: then nobody can read it here
        return b""
    return b""


def _longest_run(value: str) -> bytes:
    return max(re.findall(r"[A-Za-z0-9]+", value), key=len, default=value).encode()


def _written(value: str) -> Iterable[bytes]:
    text = json.dumps(value)[1:-1]
    ways = (value, html.escape(value), str(escape(value)), text, text.translate(FOR_SCRIPTS))
    return (way.encode() for way in (*ways, quote(value), quote(value, safe="")))

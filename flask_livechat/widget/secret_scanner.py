"""The secret guard: no response leaves with a configured secret in it. Pure."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from markupsafe import escape

from .. import providers
from ..errors import LiveChatError
from ..providers import Values

MIN_CHARS = 16  # of a secret that no page holds by chance
DATE = re.compile(r"[\d.:/+TZ-]+")  # 2026-11-29T12:00:00Z, 1764417600000000
# As Jinja writes them into scripts.
FOR_SCRIPTS = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "'": "\\u0027"})


class SecretInResponse(LiveChatError):
    """A response holds the value of ``key``. In debug and tests; in production it becomes a 500."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"The response holds the value of {key}, which must never leave the server.")


class SecretScanner:
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
            if run in body and any(text in body for text in written):
                return key
        return None


def secrets(configured: Mapping[str, Values], *, sandbox: bool) -> Iterator[tuple[str, str]]:
    """(key, value) of each secret that is looked for."""
    return ((key, value) for key, value in _values(configured, sandbox) if chance(value) is None)


def unguarded(configured: Mapping[str, Values], *, sandbox: bool) -> Iterator[tuple[str, str]]:
    """(key, why) of each secret that is not looked for."""
    return ((key, why) for key, value in _values(configured, sandbox) if (why := chance(value)) is not None)


def chance(value: str) -> str | None:
    """Why a page may hold this by chance, without any leak; None where it cannot."""
    if len(value) < MIN_CHARS:
        return f"it is shorter than {MIN_CHARS} characters"
    return "it is shaped like a date" if DATE.fullmatch(value) else None


def _values(configured: Mapping[str, Values], sandbox: bool) -> Iterator[tuple[str, str]]:
    """(key, value) of each configured secret, but for the sandbox's examples."""
    for name, values in configured.items():
        for key in providers.load(name).keys:
            for value in values.get(key.name) or () if key.secret else ():
                if not (sandbox and value == key.example):
                    yield f"LIVECHAT_{name.upper()}_{key.name}", value


def _longest_run(value: str) -> bytes:
    return max(re.findall(r"[A-Za-z0-9]+", value), key=len, default=value).encode()


def _written(value: str) -> Iterable[bytes]:
    text = json.dumps(value)[1:-1]
    ways = (value, html.escape(value), str(escape(value)), text, text.translate(FOR_SCRIPTS))
    return (way.encode() for way in (*ways, quote(value), quote(value, safe="")))

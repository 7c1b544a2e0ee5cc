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
        known = []
        for key, value in secrets(configured, sandbox=sandbox):
            run = max(re.findall(r"[A-Za-z0-9]+", value), key=len, default=value)
            known.append((run.encode(), tuple(dict.fromkeys(_written(value))), key))
        self._known = tuple(known)

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
    if len(value) < 16:
        return "it is shorter than 16 characters"
    is_date = re.fullmatch(r"[\d.:/+TZ-]+", value)  # 2026-11-29T12:00:00Z, 1764417600000000
    return "it is shaped like a date" if is_date else None


def _values(configured: Mapping[str, Values], sandbox: bool) -> Iterator[tuple[str, str]]:
    """(key, value) of each configured secret, but for the sandbox's examples."""
    for name, values in configured.items():
        for key in providers.load(name).keys:
            for value in values.get(key.name) or () if key.secret else ():
                if not (sandbox and value == key.example):
                    yield f"LIVECHAT_{name.upper()}_{key.name}", value


def _written(value: str) -> Iterable[bytes]:
    text = json.dumps(value)[1:-1]
    in_script = text.translate({ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&'"})  # as Jinja writes it
    ways = (value, html.escape(value), str(escape(value)), text, in_script)
    return (way.encode() for way in (*ways, quote(value), quote(value, safe="")))

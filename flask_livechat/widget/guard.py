"""The secret guard: no response leaves with a configured secret in it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from urllib.parse import quote

from .. import providers
from ..errors import LiveChatError
from ..providers import Values

# In the WSGI environment of the doctor's own requests: a list that takes the request's scope. Such a page is sent
# whatever stands in it, for the doctor wants to see it. No client can set this: what it sends is named HTTP_….
EXAMINED = "flask_livechat.examined"
SHORTEST = 8  # characters: a shorter secret would be found in any text


class SecretInResponse(LiveChatError):
    """A response holds the value of ``key``. In debug and tests; in production it becomes a 500."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"The response holds the value of {key}, which must never leave the server.")


class Guard:
    """Knows every configured secret, in all the ways in which a page may write one."""

    def __init__(self, configured: Mapping[str, Values], *, sandbox: bool) -> None:
        self._needles = tuple(dict(_needles(configured, sandbox)).items())

    def key_in(self, body: bytes) -> str | None:
        """The name of the key whose value is in there."""
        for needle, key in self._needles:
            if needle in body:
                return key
        return None


def secrets(configured: Mapping[str, Values], *, sandbox: bool) -> Iterable[tuple[str, str]]:
    """(key, value) of each secret that is worth guarding. The sandbox's examples are no secrets."""
    for name, values in configured.items():
        for key in providers.load(name).keys:
            for value in values.get(key.name) or () if key.secret else ():
                if len(value) >= SHORTEST and not (sandbox and value == key.example):
                    yield f"LIVECHAT_{name.upper()}_{key.name}", value


def _needles(configured: Mapping[str, Values], sandbox: bool) -> Iterable[tuple[bytes, str]]:
    for key, value in secrets(configured, sandbox=sandbox):
        for written in (value, escape(value), json.dumps(value)[1:-1], quote(value), quote(value, safe="")):
            yield written.encode(), key

"""Which requests, names and scripts are the vendor's, and how they are written into a report. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from ...providers import Provider, Secrets, Values
from ...widget import csp
from .records import Exchange, Socket, Stored, Watch

# The directive that rules over a request, by what the browser's protocol calls its kind.
DIRECTIVES = {
    "Script": "script-src",
    "Stylesheet": "style-src",
    "Image": "img-src",
    "Font": "font-src",
    "Media": "media-src",
    "XHR": "connect-src",
    "Fetch": "connect-src",
    "EventSource": "connect-src",
    "Ping": "connect-src",
    "Document": "frame-src",
}
URL = re.compile(r"(?:https?|wss?)://[^\s)'\"]+")
TOKEN = re.compile(r"[A-Za-z0-9_-]{12,}")
# What may name somebody or something: ids, tokens, numbers, addresses.
PRIVATE = re.compile(r"\S+@\S+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=[A-Za-z0-9]*\d)[A-Za-z0-9]{8,}|\d{4,}")


@dataclass(frozen=True)
class Vendor:
    """A provider with an app's values for it, as the check meets it in a browser."""

    provider: Provider
    values: Values = field(repr=False)
    needs: Mapping[str, list[str]]  # what our policy allows, by directive
    origin: str  # of the app, as the browser sees it
    stand_in: str | None = None  # the path below which the sandbox' stand-in answers

    @property
    def public_ids(self) -> tuple[str, ...]:
        values = (value for value in self.values.values() if isinstance(value, str))
        return tuple(sorted((value for value in values if len(value) > 4), key=len, reverse=True))

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(item for value in self.values.values() if isinstance(value, Secrets) for item in value)

    def owns(self, url: str) -> bool:
        """Whether an address is the vendor's, or its stand-in's."""
        if self.stand_in and url.startswith(self.origin + self.stand_in):
            return True
        host = host_of(url)
        return any(host == domain or host.endswith(f".{domain}") for domain in self.provider.domains(self.values))

    def asked(self, stack: Iterable[str] | str) -> bool:
        """Whether a script of the vendor's is among those that asked: addresses, or an exception's stack."""
        return any(self.owns(url) for url in (URL.findall(stack) if isinstance(stack, str) else stack))

    def exchanges(self, watch: Watch, since: float = 0) -> list[Exchange]:
        return [exchange for exchange in watch.exchanges.values() if exchange.at >= since and self.owns(exchange.url)]

    def sockets(self, watch: Watch) -> list[Socket]:
        return [socket for socket in watch.sockets.values() if self.owns(socket.url) or self.asked(socket.asked_by)]

    def stores(self, watch: Watch, name: str) -> bool:
        """Whether a name is the vendor's: one that a script of its own wrote, or one that we know."""
        if name.startswith("livechat"):
            return False
        known = (*self.provider.cookies(self.values), *self.provider.storage(self.values))
        patterns = map(unquote, known)
        if any(name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern for pattern in patterns):
            return True
        return any(unquote(written) == name and self.asked(stack) for written, stack in watch.writes)

    def stored(self, watch: Watch, stored: Stored) -> list[tuple[str, str, str]]:
        """(where, name, value) of what is the vendor's."""
        return [item for item in stored.items() if self.stores(watch, item[1])]

    def names(self, url: str, kind: str) -> str | None:
        """The line that our policy lacks for a request; None where it has it, or where no directive rules."""
        directive, parts = DIRECTIVES.get(kind), urlsplit(url)
        if directive is None or parts.scheme not in ("http", "https", "ws", "wss") or url.startswith(self.origin):
            return None
        source = f"{parts.scheme}://{parts.netloc}"
        return None if csp.allowed(self.needs.get(directive, ()), source) else f"{directive} {source}"

    def mask(self, text: str) -> str:
        """Text without what may name somebody, the account or the site: for a report."""
        for public in self.public_ids:
            text = text.replace(public, "…")
        host = host_of(self.origin)
        return PRIVATE.sub("…", text.replace(host, "this-app") if host else text)

    def place(self, url: str) -> str:
        """An address as a report names it: the host alone, or that it is the app's own."""
        return "this app" if url.startswith(self.origin) else self.mask(host_of(url))


def host_of(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:  # whatever somebody calls an address
        return ""


def tokens(items: Iterable[tuple[str, str, str]]) -> set[str]:
    """By what a vendor may know a browser: long words in the names and values of what it stored."""
    return {word for _, name, value in items for text in (name, unquote(value)) for word in TOKEN.findall(text)}


def stand_in_refusal(url: str, answer: Any) -> str | None:
    """Why the sandbox' stand-in does not believe an identity. It answers with the session as it is then."""
    if "/sandbox/api/" not in url or not isinstance(answer, Mapping):
        return None
    state = (answer.get("identity") or {}).get("state")
    return f"its stand-in says {state}" if state in ("refused", "unverified") else None

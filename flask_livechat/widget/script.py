"""The served scripts of a vendor: what runs before its moment, and what comes with it.

The first holds the core, with what it may fetch written in; the second one the session and the vendor's adapter.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .. import providers
from ..providers import Provider, Values

LOADER = Path(__file__).with_name("loader.js")
SESSION = Path(__file__).with_name("session.js")
SECOND = "session"  # crisp-session.0a1b2c3d.js beside crisp.0a1b2c3d.js


@dataclass(frozen=True)
class Script:
    """One file. Its address is ``crisp.0a1b2c3d.js``: the digest is the content's, so it never goes stale."""

    name: str
    source: bytes = field(repr=False)
    digest: str

    @property
    def address(self) -> str:
        """Relative to our own prefix."""
        return f"{self.name}.{self.digest}.js"

    @cached_property
    def _gzip(self) -> bytes:
        import gzip  # noqa: PLC0415 - only where a browser asks for the file

        return gzip.compress(self.source, 9, mtime=0)

    @cached_property
    def _brotli(self) -> bytes | None:
        try:
            import brotli  # optional: only where it is installed anyway  # noqa: PLC0415
        except ImportError:
            return None
        return bytes(brotli.compress(self.source))

    def encoded(self, accepted: Mapping[str, float] | None = None) -> tuple[bytes, str | None]:
        """The body and its Content-Encoding for a client that takes ``accepted`` (encoding -> quality)."""
        accepted = accepted or {}
        if accepted.get("br", 0) > 0 and self._brotli is not None:
            return self._brotli, "br"
        if accepted.get("gzip", 0) > 0:
            return self._gzip, "gzip"
        return self.source, None


def build(
    room: Provider, values: Values, *, sandbox: bool, cookie_domain: str | None, failures: bool = False
) -> tuple[Script, Script]:
    """Both files for one provider of one app: the one that the page names, and the one that the first fetches."""
    session = _script(f"{room.name}-{SECOND}", second(providers.adapter(room.name)))
    vendor = {
        "name": room.name,
        "title": room.title,
        # In the sandbox a path below our own prefix, which the core resolves against its own address.
        "script": f"sandbox/{room.name}.js" if sandbox else room.script(values),
        "session": session.address,
        "crossorigin": None if sandbox else room.crossorigin,
        "settings": room.settings(values),
        "cookies": room.cookies(values),
        "storage": room.storage(values),
        "elements": room.elements,
        "domain": cookie_domain,
        "can": sorted(room.can),
        "failures": failures,
    }
    return _script(room.name, first(vendor)), session


def first(vendor: Mapping[str, Any]) -> str:
    """The core. It adds nothing to the page's global names but what it sets on purpose."""
    data = json.dumps(vendor, separators=(",", ":"))
    return _closed(LOADER.read_text("utf-8"), f"loader({data});")


def second(adapter: str) -> str:
    """The session and the adapter, handed to the core that fetched them."""
    return _closed(SESSION.read_text("utf-8"), adapter, "document.currentScript.livechat(session, room);")


def _script(name: str, source: str) -> Script:
    content = source.encode()
    return Script(name, content, hashlib.sha256(content).hexdigest()[:8])


def _closed(*parts: str) -> str:
    return "\n".join(["(() => {", '"use strict";', *map(squeeze, parts), "})();", ""])


def squeeze(source: str) -> str:
    """Source without comments and indentation. Only whole lines go, so no string can be hit."""
    without_blocks = re.sub(r"^[ \t]*/\*\*?(.|\n)*?\*/[ \t]*\n", "", source, flags=re.MULTILINE)
    lines = (line.strip() for line in without_blocks.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))

"""The served script: the core and one vendor's adapter in one file, with what it may fetch written in."""

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

CORE = Path(__file__).with_name("loader.js")


@dataclass(frozen=True)
class Script:
    """One provider's file. ``name`` is ``crisp.0a1b2c3d.js``: the digest is the content's, so it never goes stale."""

    provider: str
    source: bytes = field(repr=False)
    digest: str

    @property
    def name(self) -> str:
        return f"{self.provider}.{self.digest}.js"

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


def build(room: Provider, values: Values, *, sandbox: bool, cookie_domain: str | None) -> Script:
    """The file for one provider of one app."""
    vendor = {
        "name": room.name,
        "title": room.title,
        # In the sandbox a path below our own prefix, which the core resolves against its own address.
        "script": f"sandbox/{room.name}.js" if sandbox else room.script(values),
        "crossorigin": None if sandbox else room.crossorigin,
        "settings": room.settings(values),
        "cookies": room.cookies(values),
        "storage": room.storage(values),
        "domain": cookie_domain,
        "can": sorted(room.can),
    }
    source = assemble(vendor, CORE.read_text("utf-8"), providers.adapter(room.name)).encode()
    return Script(room.name, source, hashlib.sha256(source).hexdigest()[:8])


def assemble(vendor: Mapping[str, Any], core: str, adapter: str) -> str:
    """Both files as one that adds nothing to the page's global names but what the core sets on purpose."""
    data = json.dumps(vendor, separators=(",", ":"))
    return "\n".join(
        ["(() => {", '"use strict";', squeeze(core), squeeze(adapter), f"loader({data}, room);", "})();", ""]
    )


def squeeze(source: str) -> str:
    """Source without comments and indentation. Only whole lines go, so no string can be hit."""
    without_blocks = re.sub(r"^[ \t]*/\*\*?(.|\n)*?\*/[ \t]*\n", "", source, flags=re.MULTILINE)
    lines = (line.strip() for line in without_blocks.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))

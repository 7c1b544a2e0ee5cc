"""The served scripts of a vendor: what runs before its moment, and what is fetched once there is a use for it.

The first holds what the page needs at once, with what it may fetch written in; another one the session and the vendor's
adapter; the third our own button. What is served is made short by ``make minify``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from .. import providers
from ..providers import Provider, Values
from ..settings import Settings
from . import logout, texts
from .rules import KINDS

TEXTS = "texts-"  # before a language's tag
HERE = Path(__file__).parent
LOADER, BUTTON = (HERE / "loader.js",), (HERE / "button.js",)
PANEL = (HERE.parent / "help" / "panel.js",)
NO_VENDOR = "none"  # stands for a vendor's name where there is only help
HELP = "help"  # the panel's file; "crisp-help" is a first file that knows how to open it
SESSION = (HERE / "session.js", HERE / "visitor.js")  # minified together, into session.min.js
# Read from the prototype: an element with name="currentScript" would be found in its place otherwise.
ELEMENT = 'Object.getOwnPropertyDescriptor(Document.prototype, "currentScript").get.call(document)'


@dataclass(frozen=True)
class Script:
    """One file. Its address is ``crisp.0a1b2c3d.js``: the digest is the content's, so it never goes stale."""

    name: str
    source: bytes = field(repr=False)
    digest: str

    @cached_property
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


def build_all(config: Settings, stores_events: bool) -> dict[str, Script]:
    """Build the files of an app, by their names. ``stores_events``: whether messages are in our store."""
    return {file.name: file for file in _Builder(config, stores_events).files()}


class _Builder:
    """Builds the files of an app. What several of them name is made once."""

    def __init__(self, config: Settings, stores_events: bool) -> None:
        self._config = config
        self._languages = self._translations()
        self._addresses = _json({file.name.removeprefix(TEXTS): file.address for file in self._languages})
        # The panel is opened by a first file of its own, so that a page without help costs nothing more.
        self._panel = _script(HELP, PANEL, call=f"(core) => panel(core, {self._addresses})")
        # ``fallback``: where a launcher leads when chat cannot. ``within``: a selector of the elements in which our
        # attributes count.
        options = {"kept": stores_events, "fallback": config.fallback_url, "within": config.launchers_in}
        self._options = {name: value for name, value in options.items() if value}

    def files(self) -> Iterator[Script]:
        yield from self._languages
        yield self._panel
        yield from self._without_vendor()
        for name, values in self._config.providers.items():
            yield from self._of_provider(providers.load(name), values)

    def _of_provider(self, provider: Provider, values: Values) -> Iterator[Script]:
        """A first file and one that knows help, and beside them crisp-session.0a1b2c3d.js, crisp-button.0a1b2c3d.js."""
        config, is_sandbox = self._config, self._config.sandbox
        rest = {
            "title": provider.title,
            # In the sandbox a path below our own prefix, which the loader resolves against its own address.
            "script": f"sandbox/{provider.name}.js" if is_sandbox else provider.script(values),
            "crossorigin": None if is_sandbox else provider.crossorigin,
            "hosts": [] if is_sandbox else list(provider.hosts),
            "settings": provider.settings(values),
            "elements": provider.elements,
            "domain": config.cookie_domain,
            "failures": config.report_failures,
            "life": config.token_ttl,
            "cookies": _pattern(provider.cookies(values)),
            "storage": _pattern(provider.storage(values)),
        }
        adapter = (providers.adapter(provider.name),)
        call = f"(core) => session(core, {_json(rest)}, adapter)"
        session = _script(f"{provider.name}-session", SESSION, adapter, call=call)
        button = _script(f"{provider.name}-button", BUTTON, call=f"(core) => button(core, {self._addresses})")
        vendor: dict[str, Any] = {
            "name": provider.name,
            "account": logout.account(provider, values),
            "traces": _any_of([*provider.cookies(values), *provider.storage(values)]),
            "can": sorted(provider.can & set(KINDS)),
            "session": session.address,
            "button": button.address,
            **self._options,
        }
        yield _script(provider.name, LOADER, call=f"loader({_json(vendor)}, {ELEMENT})")
        yield from (session, button)
        vendor |= {"help": self._panel.address, "message": "message" in provider.can}
        yield _script(f"{provider.name}-{HELP}", LOADER, call=f"loader({_json(vendor)}, {ELEMENT})", helps=True)

    def _without_vendor(self) -> Iterator[Script]:
        """The files of a page that has the help panel and no vendor. The way to a person is the fallback."""
        button = _script(f"{NO_VENDOR}-button", BUTTON, call=f"(core) => button(core, {self._addresses})")
        vendor: dict[str, Any] = {
            "name": NO_VENDOR,
            "account": NO_VENDOR,
            "traces": "(?!)",  # nothing
            "can": [],
            "button": button.address,
            "help": self._panel.address,
            **{name: value for name, value in self._options.items() if name != "kept"},
        }
        yield _script(f"{NO_VENDOR}-{HELP}", LOADER, call=f"loader({_json(vendor)}, {ELEMENT})", helps=True)
        yield button

    def _translations(self) -> list[Script]:
        """What the button says, and the help panel where it is on: a file for each language, with the app's own texts.

        They share a digest, so that the button's file, which names all of them, stays small.
        """
        names = texts.NAMES if self._config.uses_help else texts.BUTTON
        files = [
            _script(f"{TEXTS}{tag}", call=f"() => ({json.dumps(words, ensure_ascii=False)})")
            for tag, words in texts.merged(self._config.texts, names).items()
            if words != {name: texts.TEXTS["en"][name] for name in names}  # which stand in the files that need them
        ]
        digest = hashlib.sha256("".join(file.digest for file in files).encode()).hexdigest()[:8]
        return [replace(file, digest=digest) for file in files]


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, separators=(",", ":"))


def _pattern(names: Sequence[str]) -> str:
    """A regular expression for whole names, of which a trailing * is any ending."""
    texts = [re.escape(name.rstrip("*")) + ("" if name.endswith("*") else "$") for name in names]
    return f"^({'|'.join(texts)})" if texts else "(?!)"  # nothing


def _any_of(names: Sequence[str]) -> str:
    """A regular expression for a text in which one of the names stands, as short as can be: it is in the first file."""
    starts = sorted({name.rstrip("*")[:12] for name in names}, key=lambda start: (len(start), start))
    shortest = [text for n, text in enumerate(starts) if not any(other in text for other in starts[:n])]
    return "|".join(map(re.escape, shortest)) or "(?!)"


def _script(name: str, *sources: Sequence[Path], call: str, helps: bool = False) -> Script:
    """Closed, so that it adds nothing to the page's global names but what it sets on purpose."""
    if not call.startswith("loader("):
        call = f"{ELEMENT}.livechat?.({call})"  # nobody waits for a copy that a consent manager has made
    parts = [_short(tuple(files), helps) for files in sources]
    content = "\n".join(["(() => {", '"use strict";', *parts, f"{call};", "})();", ""]).encode()
    return Script(name, content, hashlib.sha256(content).hexdigest()[:8])


def short(sources: Sequence[Path], helps: bool = False) -> str:
    """What is served of files that belong together: their minified form, beside the first.

    While that is older than one of them, they are served without comments. ``helps``: the form with what is within
    ``if (HELP)``.
    """
    text = "".join(source.read_text("utf-8") for source in sources)
    minified = sources[0].with_suffix(".help.min.js" if helps else ".min.js")
    if minified.is_file():
        stamp, _, code = minified.read_text("utf-8").partition("\n")
        if stamp == f"// {digest(text)}":
            return code.strip()
    constant = f"const HELP = {str(helps).lower()};\n" if "HELP" in text else ""
    return constant + squeeze(text)


_short = cache(short)  # a process that makes several apps, as a test suite does, reads the files once


def digest(text: str) -> str:
    """Of a source: it stands in the first line of what was made of it."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def squeeze(source: str) -> str:
    """Source without comments and indentation. Only whole lines go, so no string can be hit."""
    without_blocks = re.sub(r"^[ \t]*/\*\*?(.|\n)*?\*/[ \t]*\n", "", source, flags=re.MULTILINE)
    lines = (line.strip() for line in without_blocks.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))

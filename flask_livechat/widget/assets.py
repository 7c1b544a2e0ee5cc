"""The served scripts of a vendor: what runs before its moment, and what is fetched once there is a use for it.

The first holds what the page needs at once, with what it may fetch written in; another one the session and the vendor's
adapter; the third our own button. What is served is made short by ``make minify``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
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
    """Build the files of every provider of an app, by their names."""
    languages = translations(config.texts, texts.NAMES if config.uses_help else texts.BUTTON)
    panel = _script(HELP, PANEL, call=f"(core) => panel(core, {_json(_addresses(languages))})")
    files = [
        build(
            providers.load(name),
            values,
            sandbox=config.sandbox,
            cookie_domain=config.cookie_domain,
            failures=config.report_failures,
            stores_events=stores_events,
            life=config.token_ttl,
            fallback=config.fallback_url,
            within=config.launchers_in,
            languages=languages,
            panel=panel,
        )
        for name, values in config.providers.items()
    ]
    help_alone = build_without_vendor(languages, panel, config.fallback_url, config.launchers_in)
    return {file.name: file for group in (languages, (panel,), help_alone, *files) for file in group}


def build(
    provider: Provider,
    values: Values,
    *,
    sandbox: bool,
    cookie_domain: str | None,
    failures: bool = False,
    stores_events: bool = False,
    life: int = 7200,
    fallback: str | None = None,
    within: str | None = None,
    languages: Sequence[Script] = (),
    panel: Script | None = None,
) -> tuple[Script, ...]:
    """All files for one provider of one app, the one that the page names first.

    ``stores_events``: whether messages are in our store. ``life``: of a token, in seconds. ``fallback``: where a
    launcher leads when chat cannot. ``within``: a selector of the elements in which our attributes count.
    ``languages``: of what the button says, as ``translations`` gives them. ``panel``: of the help, which a first file
    of its own opens, so that a page without it costs nothing more.
    """
    rest = {
        "title": provider.title,
        # In the sandbox a path below our own prefix, which the loader resolves against its own address.
        "script": f"sandbox/{provider.name}.js" if sandbox else provider.script(values),
        "crossorigin": None if sandbox else provider.crossorigin,
        "hosts": [] if sandbox else list(provider.hosts),
        "settings": provider.settings(values),
        "elements": provider.elements,
        "domain": cookie_domain,
        "failures": failures,
        "life": life,
        "cookies": _pattern(provider.cookies(values)),
        "storage": _pattern(provider.storage(values)),
    }
    # 2 kinds of files beside the first: crisp-session.0a1b2c3d.js, crisp-button.0a1b2c3d.js
    session = _script(
        f"{provider.name}-session",
        SESSION,
        (providers.adapter(provider.name),),
        call=f"(core) => session(core, {_json(rest)}, adapter)",
    )
    button = _script(f"{provider.name}-button", BUTTON, call=f"(core) => button(core, {_json(_addresses(languages))})")
    vendor: dict[str, Any] = {
        "name": provider.name,
        "account": logout.account(provider, values),
        "traces": _any_of([*provider.cookies(values), *provider.storage(values)]),
        "can": sorted(provider.can & set(KINDS)),
        "session": session.address,
        "button": button.address,
        **{
            name: value
            for name, value in {"kept": stores_events, "fallback": fallback, "within": within}.items()
            if value
        },
    }
    first = _script(provider.name, LOADER, call=f"loader({_json(vendor)}, {ELEMENT})")
    if panel is None:
        return first, session, button
    vendor |= {"help": panel.address, "message": "message" in provider.can}
    helping = _script(f"{provider.name}-{HELP}", LOADER, call=f"loader({_json(vendor)}, {ELEMENT})", helps=True)
    return first, session, button, helping


def build_without_vendor(
    languages: Sequence[Script], panel: Script, fallback: str | None, within: str | None
) -> tuple[Script, ...]:
    """The files of a page that has the help panel and no vendor. The way to a person is the fallback."""
    button = _script(f"{NO_VENDOR}-button", BUTTON, call=f"(core) => button(core, {_json(_addresses(languages))})")
    options = {"fallback": fallback, "within": within}
    vendor = {
        "name": NO_VENDOR,
        "account": NO_VENDOR,
        "traces": "(?!)",  # nothing
        "can": [],
        "button": button.address,
        "help": panel.address,
        **{name: value for name, value in options.items() if value},
    }
    return _script(f"{NO_VENDOR}-{HELP}", LOADER, call=f"loader({_json(vendor)}, {ELEMENT})", helps=True), button


def translations(own: Mapping[str, texts.Texts], names: Sequence[str] = texts.BUTTON) -> tuple[Script, ...]:
    """What the button says, a file for each language, with the app's ``own`` sentences in the place of ours.

    ``names``: of the sentences, those of the help panel among them where it is on.

    They share a digest, so that the button's file, which names all of them, stays small.
    """
    files = [
        _script(f"{TEXTS}{tag}", call=f"() => ({json.dumps(words, ensure_ascii=False)})")
        for tag, words in texts.merged(own, names).items()
        if words != {name: texts.TEXTS["en"][name] for name in names}  # which stand in the files that need them
    ]
    digest = hashlib.sha256("".join(file.digest for file in files).encode()).hexdigest()[:8]
    return tuple(replace(file, digest=digest) for file in files)


def _addresses(languages: Sequence[Script]) -> dict[str, str]:
    return {file.name.removeprefix(TEXTS): file.address for file in languages}


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, separators=(",", ":"))


def _pattern(names: Sequence[str]) -> str:
    """A regular expression for whole names, of which a trailing * is any ending."""
    texts = [re.escape(name.rstrip("*")) + ("" if name.endswith("*") else "$") for name in names]
    return f"^({'|'.join(texts)})" if texts else "(?!)"  # nothing


def _any_of(names: Sequence[str]) -> str:
    """A regular expression for a text in which one of the names stands, as short as can be: it is in the first file."""
    starts = sorted({name.rstrip("*")[:12] for name in names}, key=len)
    shortest = [text for n, text in enumerate(starts) if not any(other in text for other in starts[:n])]
    return "|".join(map(re.escape, shortest)) or "(?!)"


def _script(name: str, *sources: Sequence[Path], call: str, helps: bool = False) -> Script:
    """Closed, so that it adds nothing to the page's global names but what it sets on purpose."""
    if not call.startswith("loader("):
        call = f"{ELEMENT}.livechat?.({call})"  # nobody waits for a copy that a consent manager has made
    parts = [short(files, helps) for files in sources]
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


def digest(text: str) -> str:
    """Of a source: it stands in the first line of what was made of it."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def squeeze(source: str) -> str:
    """Source without comments and indentation. Only whole lines go, so no string can be hit."""
    without_blocks = re.sub(r"^[ \t]*/\*\*?(.|\n)*?\*/[ \t]*\n", "", source, flags=re.MULTILINE)
    lines = (line.strip() for line in without_blocks.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))

"""A Content-Security-Policy as ordered data: parse, merge, write. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .. import providers
from ..settings import Settings

HEADERS = ("Content-Security-Policy", "Content-Security-Policy-Report-Only")
Sources = Mapping[str, Iterable[str]]
NONCE = re.compile(r"[A-Za-z0-9+/_=-]+")

# Where a fetch directive that is absent takes its sources from (CSP Level 3, section 6.8.3). form-action and the
# like are not here: absent, they restrict nothing, and adding them would.
FALLBACKS = {
    "script-src": ("default-src",),
    "style-src": ("default-src",),
    "font-src": ("default-src",),
    "img-src": ("default-src",),
    "media-src": ("default-src",),
    "connect-src": ("default-src",),
    "child-src": ("default-src",),
    "frame-src": ("child-src", "default-src"),
    "worker-src": ("child-src", "script-src", "default-src"),
}
# The name of the Trusted Types policy by which our loader makes its scripts' addresses.
TRUSTED_TYPES = "livechat"


def needs_of(settings: Settings, names: Iterable[str]) -> dict[str, list[str]]:
    """What these providers need of a policy, and what our own script does: directive -> sources."""
    needs: dict[str, list[str]] = {}
    for name in names:
        provider = providers.load(name)
        # Our own files, and who is logged in.
        needs = needs or {"script-src": ["'self'"], "connect-src": ["'self'"]}
        for directive, sources in provider.csp(settings.providers[name]).items():
            needs[directive] = list(dict.fromkeys([*needs.get(directive, []), *sources]))
        if articles := settings.csp_articles:
            frames = [*provider.article_frames, *(articles if isinstance(articles, list | tuple) else ())]
            needs["frame-src"] = list(dict.fromkeys([*needs.get("frame-src", []), *frames]))
    return needs


def parse(policy: str) -> dict[str, list[str]]:
    """Directives in their order. Of a name that stands twice the first counts, as in browsers."""
    parsed: dict[str, list[str]] = {}
    for directive in policy.split(";"):
        name, *sources = split(directive) or [""]
        if name:
            parsed.setdefault(name.lower(), sources)
    return parsed


def split(text: str) -> list[str]:
    """What browsers part a policy by (CSP Level 3, section 2.2.1). Python's own split() knows a no-break space, too."""
    return [word for word in re.split("[\t\n\f\r ]", text) if word]


def write(directives: Sources) -> str:
    return "; ".join(" ".join([name, *sources]) for name, sources in directives.items())


def merge_directives(directives: Mapping[str, list[str]], needs: Sources) -> dict[str, list[str]]:
    """``directives`` with ``needs`` allowed. Nothing but ``'none'`` is removed, and nothing allowed is narrowed."""
    merged = {name: list(sources) for name, sources in directives.items()}
    if "child-src" in needs and not {"child-src", "worker-src"} & merged.keys():
        # Workers fall back to child-src before script-src: once there is one, they must keep what they had.
        needs = {**needs, "worker-src": needs.get("worker-src", ())}
    # Where one of these is present, it and not its parent rules over elements.
    elements = {"script-src": ("script-src-elem",), "style-src": ("style-src-elem", "style-src-attr")}
    for name, sources in needs.items():
        for target in [name, *(element for element in elements.get(name, ()) if element in directives)]:
            if target not in merged:
                inherited = next(
                    (directives[parent] for parent in FALLBACKS.get(name, ()) if parent in directives), None
                )
                if inherited is None:
                    continue  # absent and nothing to fall back to: all is allowed already
                merged[target] = _inherit(name, inherited)
            merged[target] = _add(merged[target], sources)
    if needs and "trusted-types" in merged:  # absent, it restricts no names
        merged["trusted-types"] = _add(merged["trusted-types"], [TRUSTED_TYPES])
    return merged


def effective(directives: Mapping[str, list[str]], name: str) -> list[str] | None:
    """The sources that rule over ``name``; None where nothing restricts it."""
    return next((directives[fallback] for fallback in (name, *FALLBACKS.get(name, ())) if fallback in directives), None)


def missing(directives: Mapping[str, list[str]], needs: Sources, own: str = "") -> dict[str, list[str]]:
    """What is needed and not allowed: directive -> sources to add. ``own``: the site's own origin.

    As CSP Level 3 reads a policy: ``'strict-dynamic'`` beside a nonce allows scripts whatever their host, and nothing
    else; what rules over elements does so in place of its parent; attributes know no hosts.
    """
    refusals: dict[str, list[str]] = {}
    for name, sources in needs.items():
        targets = [(f"{name}-elem" if f"{name}-elem" in directives else name, [*sources])]
        if name == "style-src" and "style-src-attr" in directives:
            targets.append(("style-src-attr", [source for source in sources if source == "'unsafe-inline'"]))
        for target, wanted in targets:
            ruling = effective(directives, target)
            # A worker without a directive of its own is a script.
            is_worker = name == "worker-src" and not {"worker-src", "child-src"} & directives.keys()
            present = [source.lower() for source in ruling or ()]
            is_strict = "'strict-dynamic'" in present and any(
                source.startswith(("'nonce-", "'sha")) for source in present
            )
            is_free = is_strict and (name == "script-src" or is_worker)
            if refused := [source for source in wanted if not is_free and not allowed(ruling, source, own)]:
                refusals[target] = refused
    names = directives.get("trusted-types", ["*"])
    if needs and TRUSTED_TYPES not in names and "*" not in names:
        refusals["trusted-types"] = [TRUSTED_TYPES]
    return refusals


def allowed(sources: Iterable[str] | None, wanted: str, own: str = "") -> bool:
    """Whether a list of sources (None: no restriction) allows a host, a scheme or a keyword."""
    if sources is None:
        return True
    present = [source.lower() for source in sources]
    if wanted == "'unsafe-inline'":
        return wanted in present and not any(source.startswith(("'nonce-", "'sha")) for source in present)
    if wanted in present:
        return True
    if wanted == "'self'":
        return any(_covers(source, own or "https://*") for source in present)
    return any(_covers(source, wanted.lower()) for source in present)


def merge(policy: str, needs: Sources) -> str:
    """The policy with ``needs`` allowed. A header may hold several policies, parted by commas: each is merged."""
    return ", ".join(write(merge_directives(parse(part), needs)) for part in policy.split(",") if split(part))


def merge_mapping(policy: Mapping[str, Any], needs: Sources) -> dict[str, Any]:
    """The same for the dicts that Flask-Talisman takes: a value keeps its type (text, list or tuple)."""
    by_name = {name.lower(): value for name, value in policy.items()}
    merged: dict[str, Any] = {}
    for name, sources in merge_directives(_parsed(policy), needs).items():
        original = by_name.get(name, "")
        merged[name] = " ".join(sources) if isinstance(original, str) else type(original)(sources)
    return merged


def with_nonce(needs: Sources, nonce: str | None) -> dict[str, list[str]]:
    """The needs and the nonce of our own tags, which carry no text that is not one.

    Never for styles: there it would switch 'unsafe-inline' off.
    """
    extended = {name: list(sources) for name, sources in needs.items()}
    if nonce and NONCE.fullmatch(nonce):
        extended.setdefault("script-src", []).append(f"'nonce-{nonce}'")
    return extended


def switches_inline_styles_off(policy: str | Mapping[str, Any]) -> bool:
    """Whether ``'unsafe-inline'`` stands for styles beside a nonce or a hash, which makes browsers ignore it."""
    policies = [parse(part) for part in policy.split(",")] if isinstance(policy, str) else [_parsed(policy)]
    return any(
        "'unsafe-inline'" in sources and any(source.lower().startswith(("'nonce-", "'sha")) for source in sources)
        for directives in policies
        for name, sources in directives.items()
        if name.startswith("style-src")
    )


def _covers(source: str, wanted: str) -> bool:
    """Whether one source of a policy allows all of a wanted one: a scheme (``data:``), or a host with its scheme."""
    # What a scheme in a policy stands for (CSP Level 3, section 6.7.2.9): its safer form, too.
    upgrades = {"http": ("http", "https"), "ws": ("ws", "wss", "http", "https"), "wss": ("wss", "https")}
    scheme, separator, host = wanted.partition("://")
    if not separator:
        return False  # a scheme is allowed by its own name alone
    if source == "*":
        return scheme in ("http", "https", "ws", "wss")
    if source.endswith(":"):
        return scheme in upgrades.get(source[:-1], (source[:-1],))
    host_source = r"(?:([a-z][a-z0-9+.-]*)://)?(\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::(\d+|\*))?(/.*)?"
    match = re.fullmatch(host_source, source)
    if match is None:
        return False
    own_scheme, name, port, path = match.groups()
    if scheme not in upgrades.get(own_scheme or "https", (own_scheme or "https",)) or path not in (None, "/"):
        return False
    host, _, wanted_port = host.partition(":")
    if port not in (None, "*") and port != (wanted_port or {"https": "443", "wss": "443"}.get(scheme)):
        return False
    return name in ("*", host) or (name.startswith("*.") and host.removeprefix("*").endswith(name[1:]))


def _parsed(policy: Mapping[str, Any]) -> dict[str, list[str]]:
    return {name.lower(): split(value) if isinstance(value, str) else list(value) for name, value in policy.items()}


def _inherit(name: str, sources: Iterable[str]) -> list[str]:
    """What an absent directive allowed so far, without the keywords that mean nothing in it.

    Styles leave out what would switch their 'unsafe-inline' off.
    """
    left_out: tuple[str, ...] = ("'nonce-", "'sha256-", "'sha384-", "'sha512-", "'strict-dynamic'", "'report-sample'")
    if name == "script-src":
        return list(sources)
    if name != "style-src":
        left_out += ("'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "'wasm-unsafe-eval'")
    return [source for source in sources if not source.lower().startswith(left_out)]


def _add(sources: list[str], more: Iterable[str]) -> list[str]:
    def comparable(source: str) -> str:  # hosts and keywords are the same in any case; nonces and hashes are not
        return source if source.lower().startswith(("'nonce-", "'sha")) else source.lower()

    others = [source for source in sources if source.lower() != "'none'"]
    present = set(map(comparable, others))
    return others + [source for source in dict.fromkeys(more) if comparable(source) not in present]

"""LC7xx: response headers that block the chat, or tell the vendor too much."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..widget import csp
from .crawler import Page
from .findings import Level, Match, check
from .survey import Survey

ENFORCED, REPORTED = csp.HEADERS
NONCE = re.compile(r"'nonce-[^']*'")  # of one response: to write it down would undo it


def policies(page: Page, header: str) -> Iterator[dict[str, list[str]]]:
    texts = page.headers.getlist(header) + (page.document.meta(header) if header == ENFORCED else [])
    return (csp.parse(policy) for text in texts for policy in text.split(",") if policy.strip())


def blocked(survey: Survey, header: str) -> Iterable[Match]:
    for page in survey.with_chat:
        # What the page's vendor needs, of scripts also what our own tags bring.
        needs = csp.needs_of(survey.settings, [str(page.decision.provider)]) if page.decision else {}
        for policy in policies(page, header):
            missing = csp.missing(policy, needs, survey.origin)
            if header == ENFORCED:
                missing = _without_what_a_nonce_undoes(policy, missing)
            if missing:
                merged = csp.merge_directives(policy, missing)
                for name in (name for name in merged if name.startswith("style-src")):
                    merged[name] = [source for source in merged[name] if not source.startswith(("'nonce-", "'sha"))]
                lines = NONCE.sub(
                    "'nonce-…'", ";\n".join(csp.write({name: merged[name]}) for name in missing if name in merged)
                )
                merges = survey.settings.csp == "merge"
                unreached = "It is set where LIVECHAT_CSP does not reach it: write"
                first = unreached if merges else 'Set LIVECHAT_CSP = "merge" (for a header), or write'
                fix = f"{first}:\n{lines}"
                what = f"{header} blocks what {page.decision.provider if page.decision else 'chat'} needs"
                yield Match(page.place, f"{what}: {', '.join(missing)}", fix)


def _without_what_a_nonce_undoes(policy: dict[str, list[str]], missing: dict[str, list[str]]) -> dict[str, list[str]]:
    """Without the 'unsafe-inline' that a policy has: to add it once more helps nobody, and LC703 says what does."""
    inline = "'unsafe-inline'"
    left = {
        name: [source for source in sources if source != inline or inline not in (csp.effective(policy, name) or ())]
        for name, sources in missing.items()
    }
    return {name: sources for name, sources in left.items() if sources}


@check(
    "LC701",
    Level.ERROR,
    "The Content-Security-Policy blocks the chat",
    why="Browsers silently refuse everything that the policy does not allow.",
    fix='Set LIVECHAT_CSP = "merge".',
)
def blocks(survey: Survey) -> Iterable[Match]:
    return blocked(survey, ENFORCED)


@check(
    "LC702",
    Level.WARNING,
    "The policy on trial would block the chat",
    why="When Content-Security-Policy-Report-Only becomes the enforced policy, the chat stops.",
    fix='Set LIVECHAT_CSP = "merge".',
)
def would_block(survey: Survey) -> Iterable[Match]:
    return blocked(survey, REPORTED)


@check(
    "LC703",
    Level.ERROR,
    "A nonce or a hash for styles",
    why="With it browsers ignore 'unsafe-inline', which chat needs. The chat then appears without its styles.",
    fix="Remove it from style-src (with Flask-Talisman: from content_security_policy_nonce_in).",
)
def style_nonce(survey: Survey) -> Iterable[Match]:
    for page in survey.with_chat:
        for policy in policies(page, ENFORCED):
            styles = csp.effective(policy, "style-src-elem" if "style-src-elem" in policy else "style-src")
            if "style-src" in policy and any(source.lower().startswith(("'nonce-", "'sha")) for source in styles or ()):
                yield Match(page.place, "a nonce or a hash in style-src")


@check(
    "LC704",
    Level.ERROR,
    "The page's nonce and the policy's differ",
    why="The browser refuses our script, so there is no chat.",
    fix="Set LIVECHAT_NONCE to the callable that the policy takes its nonce from.",
)
def other_nonce(survey: Survey) -> Iterable[Match]:
    for page in survey.with_chat:
        nonce = page.document.nonce or ""
        for policy in policies(page, ENFORCED):
            sources = csp.effective(policy, "script-src")
            wanted = [source for source in sources or () if source.lower().startswith("'nonce-")]
            strict = "'strict-dynamic'" in (sources or ())
            if nonce and wanted and f"'nonce-{nonce}'" not in wanted:
                yield Match(page.place, "the tag has a nonce that the policy does not")
            elif nonce and not wanted and not csp.allowed(sources, "'self'", survey.origin):
                yield Match(page.place, "the tag has a nonce, and the policy has none")
            elif not nonce and strict:
                yield Match(page.place, "the policy asks for a nonce ('strict-dynamic'), and the tag has none")


@check(
    "LC705",
    Level.ERROR,
    "Cross-Origin-Embedder-Policy blocks the vendor",
    why="With require-corp, browsers refuse scripts, images and frames of other hosts that do not allow it.",
    fix="Leave the header out on pages with chat.",
)
def embedder(survey: Survey) -> Iterable[Match]:
    for page in survey.with_chat:
        value = page.headers.get("Cross-Origin-Embedder-Policy", "").partition(";")[0].strip()
        if value == "require-corp":
            yield Match(page.place, f"Cross-Origin-Embedder-Policy: {value}")


@check(
    "LC706",
    Level.WARNING,
    "The Referrer-Policy reveals the whole address",
    why="Every request to the vendor then carries the page's address with its query.",
    fix="Set it to strict-origin-when-cross-origin, which is the browsers' default.",
)
def referrer(survey: Survey) -> Iterable[Match]:
    for page in survey.with_chat:
        values = [page.headers.get("Referrer-Policy", ""), *page.document.meta("referrer")]
        last = values[-1].rpartition(",")[2].strip().lower()
        if last in ("unsafe-url", "no-referrer-when-downgrade"):
            yield Match(page.place, f"Referrer-Policy: {last}")


@check(
    "LC707",
    Level.INFO,
    "Trusted Types are required",
    why="Our script supports them. No vendor documents that its script does, and browsers block one that does not.",
    fix="Try it in a browser, or leave require-trusted-types-for out on pages with chat.",
)
def trusted_types(survey: Survey) -> Iterable[Match]:
    for page in survey.with_chat:
        if any("require-trusted-types-for" in policy for policy in policies(page, ENFORCED)):
            yield Match(page.place, "require-trusted-types-for")

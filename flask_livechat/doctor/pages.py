"""LC5xx: where chat is, where it should not be, and rules that do nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from ..widget.addresses import address
from ..widget.rules import Rule
from ..widget.sensitive_urls import Address, secret_in
from .findings import Level, Match, Place, check
from .routes import example
from .survey import Survey


@check(
    "LC501",
    Level.INFO,
    "Chat on nearly every page",
    why="Each page view then loads the vendor's script and counts as a visitor, even if the visitor has no question.",
    fix="Set in LIVECHAT_RULES where it helps, or use load='intent' as the default.",
)
def everywhere(survey: Survey) -> Iterable[Match]:
    pages = [page for page in survey.pages if not page.logged_in and page.status < 400]
    starting = [page for page in pages if page.tagged and page.starts_by_itself]
    # Fewer than five pages are all of a small site.
    if len(pages) >= 5 and len(starting) >= 0.8 * len(pages):
        yield Match(Place("LIVECHAT_RULES"), f"{len(starting)} of {len(pages)} pages start chat by themselves")


@check(
    "LC502",
    Level.WARNING,
    "Chat starts by itself beside a password or a card number",
    why="A vendor's script can read everything that is typed into the page.",
    fix="Give the page load='intent' (the vendor then runs only for visitors who ask for chat) or show=False.",
)
def beside_passwords(survey: Survey) -> Iterable[Match]:
    for page in survey.with_chat:
        if page.starts_by_itself and "private" in page.document.has:
            yield Match(page.place, f"load={page.decision.load!r}" if page.decision else "chat")


@check(
    "LC503",
    Level.INFO,
    "Chat starts by itself on error pages",
    why="Visitors did not ask for the error page, and each view of it may count as a visitor at the vendor.",
    fix="Give error templates {{ livechat(load='intent') }}: visitors who need help still have the button.",
)
def on_errors(survey: Survey) -> Iterable[Match]:
    asks = survey.settings.consent != "implied"  # scanners agree to nothing
    for page in survey.with_chat if not asks else ():
        if page.status in range(400, 500) and page.starts_by_itself:
            asked = "; scanners ask for hundreds of pages that are not there" if page.status == 404 else ""
            what = f"load={page.decision.load!r}{asked}" if page.decision else ""
            yield Match(Place(f"the page for a {page.status}"), what)


@check(
    "LC504",
    Level.WARNING,
    "Chat on a page whose address carries a secret",
    why="The vendor's script reads the address, and with it a link that resets a password or accepts an invitation.",
    fix="Remove show=True from the rule for this page.",
)
def secret_address(survey: Survey) -> Iterable[Match]:
    for page in survey.with_chat:
        secret = secret_in(address(path=page.path))
        if secret and page.status < 400:
            yield Match(page.place, secret)


# -- rules -----------------------------------------------------------------------------------------------------------


@check(
    "LC505",
    Level.WARNING,
    "A rule that matches no page",
    why="Somebody wrote it for a reason, but it does nothing.",
    fix="Compare it with `flask routes`: a path ends as its route does.",
)
def never_matches(survey: Survey) -> Iterable[Match]:
    for rule in survey.settings.rules:
        if not any(_held(rule, survey)):
            yield Match(Place(rule.source), "no route of this app is matched")


@check(
    "LC506",
    Level.WARNING,
    "A rule that comes too late",
    why="The first rule that matches a page counts, and an earlier one matches all of its pages.",
    fix="Move it before that one.",
)
def shadowed(survey: Survey) -> Iterable[Match]:
    rules = survey.settings.rules
    for n, rule in enumerate(rules):
        own = [*_held(rule, survey)]
        for earlier in rules[:n]:
            if own and earlier.when is None and all(earlier.holds(page) for page in own):
                yield Match(Place(rule.source), f"{earlier.source} comes first")
                break


def _held(rule: Rule, survey: Survey) -> Iterator[Address]:
    """Pages that a rule holds for: an example of each route, and what its own path leads to."""
    examples = (Address(example(route), endpoint) for route, endpoint in survey.routes)
    for page in chain(examples, _of_path(rule, survey)):
        if rule.holds(page):
            yield page


def _of_path(rule: Rule, survey: Survey) -> Iterator[Address]:
    """Pages below addresses with values: /docs/first-steps is one of /docs/<slug>, and /de/* has /<lang>/about."""
    pattern = rule.path or ""
    if not pattern.startswith("/"):
        return
    if "*" not in pattern:
        yield from survey.found(pattern)
        return
    fixed = pattern.partition("*")[0].split("/")[:-1]
    for route, endpoint in survey.routes:
        names = route.split("/")
        known = zip(fixed, names, strict=False)
        if any("<path:" in name for name in names[: len(fixed)]):
            yield Address(pattern.replace("*", "1"), endpoint)
        elif len(names) >= len(fixed) and all(want == name or "<" in name for want, name in known):
            yield Address("/".join([*fixed, *(example(name) for name in names[len(fixed) :])]), endpoint)


# -- pages that are swapped ------------------------------------------------------------------------------------------


@check(
    "LC507",
    Level.WARNING,
    "The tag is in a part that a page swap does not replace",
    why="The tag carries the new page's rule, context and visitor. Without it those of the old page stay.",
    fix="Put {{ livechat() }} inside the part that is replaced, and outside the part that stays.",
)
def left_behind(survey: Survey) -> Iterable[Match]:
    for page in survey.with_chat:
        if page.document.left_behind:
            yield Match(page.place, page.document.left_behind)


@check(
    "LC508",
    Level.WARNING,
    "htmx keeps pages with an identity in the browser",
    why="Its history stores copies of pages in the browser, with the data of the user who was logged in.",
    fix='Put hx-history="false" on such pages, or set LIVECHAT_IDENTITY_DELIVERY = "fetch".',
)
def kept_by_htmx(survey: Survey) -> Iterable[Match]:
    for page in survey.with_chat:
        has = page.document.has
        if page.payload.get("visitor") and "htmx history" in has and "no history" not in has:
            yield Match(page.place, "an inline identity in a page of htmx")


@check(
    "LC509",
    Level.INFO,
    "The page has its own router",
    why="It swaps pages without loading them, so a new page's chat settings apply only if the router copies them.",
    fix="Replace the element script#livechat by the one in the new page's HTML.",
)
def routed(survey: Survey) -> Iterable[Match]:
    # Readers of documents keep the place in the address: PDF.js, epub.js, foliate.
    reader = r"pdfjs|PDFViewerApplication|PDFHistory|\bePub\s*\(|epubjs|epubcfi|foliate"
    # A lightbox puts a fragment onto the page's own address and takes it away: that swaps nothing.
    same_page = r"""[^;()]{0,200},\s*(?:["'`]\#|[\w.]*\bpathname\s*\+\s*[\w.]*\bsearch\s*\))"""
    router = rf"history\.pushState\s*\((?!{same_page})|createBrowserRouter\b|createWebHistory\b|\bBrowserRouter\b"
    swapped = any({"turbo", "htmx", "unpoly"} & page.document.has for page in survey.pages)
    for script in survey.written if survey.with_chat and not swapped else ():
        reads = re.search(reader, f"{script.place.name}\n{script.code}", re.IGNORECASE)
        if re.search(router, script.code) and "livechat" not in script.code and not reads:
            yield Match(script.place, "a router on the History API that does not mention the chat")


# -- our own files ---------------------------------------------------------------------------------------------------


@check(
    "LC510",
    Level.ERROR,
    "Our script or the identity does not get an answer",
    why="A page names both, at its own origin. If something else answers, such as a login wall, no chat starts.",
    fix="Let requests to our blueprints through without a login: docs/hosts.rst shows how.",
)
def unanswered(survey: Survey) -> Iterable[Match]:
    for answer in survey.answers:
        # Names of files change with what is in them.
        kind = "our script" if answer.wanted == "text/javascript" else "the identity"
        where = f" at {answer.host}" if answer.host else ""
        if answer.origin:
            fix = "Take <base> out of the page, or give it an address of the page's own origin."
            yield Match(answer.place, f"{kind} is asked of {answer.origin}, which is not the page's origin", fix)
        elif answer.status != 200:
            yield Match(answer.place, f"{kind} was answered {answer.status}{where}")
        elif answer.mimetype != answer.wanted:
            yield Match(answer.place, f"{kind} was answered with {answer.mimetype or 'no type'}{where}")

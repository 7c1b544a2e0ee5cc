"""LC5xx: where chat is, where it should not be, and rules that do nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from werkzeug.exceptions import HTTPException

from ..widget.addresses import address
from ..widget.rules import Rule
from ..widget.secrecy import Address, secret_in
from .findings import Level, Place, Seen, check
from .reading import Document
from .survey import Page, Survey

BY_ITSELF = ("eager", "idle", "delay", "scroll", "interaction", "visible")
MANY = 5  # pages; fewer are all of a small site
NEARLY_ALL = 0.8
PRIVATE = "input[type=password], input[autocomplete^=cc-]"
HTMX = "[hx-boost], [data-hx-boost], [hx-get], [hx-target], script[src*=htmx]"
TURBO = "script[src*=turbo], [data-turbo-permanent], turbo-frame"
UNPOLY = "script[src*=unpoly], [up-main], [up-follow]"
ROUTER = r"history\.pushState\s*\(|createBrowserRouter\b|createWebHistory\b|\bBrowserRouter\b"


def starts_by_itself(page: Page) -> bool:
    return page.decision is not None and page.decision.load.partition(":")[0] in BY_ITSELF


@check(
    "LC501",
    Level.INFO,
    "Chat on nearly every page",
    why="Each page view then costs the vendor's script and counts as a visitor, also where nobody asks anything.",
    fix="Say in LIVECHAT_RULES where it helps, or start with load='intent' as the default.",
)
def everywhere(survey: Survey) -> Iterable[Seen]:
    pages = [page for page in survey.pages if not page.logged_in and page.status < 400]
    starting = [page for page in pages if page.tagged and starts_by_itself(page)]
    if len(pages) >= MANY and len(starting) >= NEARLY_ALL * len(pages):
        yield Seen(Place("LIVECHAT_RULES"), f"{len(starting)} of {len(pages)} pages start chat by themselves")


@check(
    "LC502",
    Level.WARNING,
    "Chat starts by itself beside a password or a card number",
    why="A vendor's script can read whatever is typed into the page.",
    fix="Give the page load='intent' (the vendor then runs only for who asks for chat) or show=False.",
)
def beside_passwords(survey: Survey) -> Iterable[Seen]:
    for page in survey.with_chat:
        if starts_by_itself(page) and page.document.soup.select_one(PRIVATE):
            yield Seen(page.place, f"load={page.decision.load!r}" if page.decision else "chat")


@check(
    "LC503",
    Level.INFO,
    "Chat starts by itself on error pages",
    why="Scanners ask for hundreds of pages that are not there, and each may become a visitor at the vendor.",
    fix="Give error templates {{ livechat(load='intent') }}: who needs help still has the button.",
)
def on_errors(survey: Survey) -> Iterable[Seen]:
    for page in survey.with_chat:
        if page.status in range(400, 500) and starts_by_itself(page):
            yield Seen(Place(f"the page for a {page.status}"), f"load={page.decision.load!r}" if page.decision else "")


@check(
    "LC504",
    Level.WARNING,
    "Chat on a page whose address carries a secret",
    why="The vendor's script reads the address, and with it a link that resets a password or accepts an invitation.",
    fix="Take show=True out of the rule for this page.",
)
def secret_address(survey: Survey) -> Iterable[Seen]:
    for page in survey.with_chat:
        found = secret_in(address(path=page.path))
        if found and page.status < 400:
            yield Seen(page.place, found)


# -- rules -----------------------------------------------------------------------------------------------------------


@check(
    "LC505",
    Level.WARNING,
    "A rule that matches no page",
    why="It was written for a reason, and does nothing.",
    fix="Compare it with `flask routes`: a path starts with a slash, and ends as its route does.",
)
def never_matches(survey: Survey) -> Iterable[Seen]:
    for rule in survey.settings.rules:
        if not any(_held(rule, survey)):
            yield Seen(Place(rule.source), "no route of this app is matched")


@check(
    "LC506",
    Level.WARNING,
    "A rule that comes too late",
    why="The first rule that matches a page counts, and an earlier one matches all of its pages.",
    fix="Move it before that one.",
)
def shadowed(survey: Survey) -> Iterable[Seen]:
    rules = survey.settings.rules
    for n, rule in enumerate(rules):
        own = [*_held(rule, survey)]
        for earlier in rules[:n]:
            if own and earlier.when is None and all(earlier.holds(page) for page in own):
                yield Seen(Place(rule.source), f"{earlier.source} comes first")
                break


def _held(rule: Rule, survey: Survey) -> Iterator[Address]:
    """Pages that a rule holds for: an example of each route, and what its own path leads to."""
    for page in chain(survey.examples, _of_path(rule, survey)):
        if rule.holds(page):
            yield page


def _of_path(rule: Rule, survey: Survey) -> Iterator[Address]:
    """Where values stand in an address: /docs/first-steps is a page of /docs/<slug>."""
    if rule.path is None or not rule.path.startswith("/"):
        return
    adapter = survey.app.url_map.bind("localhost")
    for path in {rule.path.replace("*", "1"), rule.path.removesuffix("/*"), rule.path.replace("*", "a/b")}:
        try:
            endpoint, _ = adapter.match(path, method="GET")
        except HTTPException:  # no route, or one that redirects
            continue
        yield Address(path, endpoint)


# -- pages that are swapped ------------------------------------------------------------------------------------------


@check(
    "LC507",
    Level.WARNING,
    "The tag stands where a swapped page leaves it behind",
    why="The new page's rule, context and visitor come with the tag; without it the old page's go on.",
    fix="Put {{ livechat() }} inside of what is replaced, and outside of what is kept.",
)
def left_behind(survey: Survey) -> Iterable[Seen]:
    for page in survey.with_chat:
        if why := _left_behind(page.document):
            yield Seen(page.place, why)


def _left_behind(document: Document) -> str | None:
    block = document.block
    if block is None:
        return None
    if block.find_parent(attrs={"data-turbo-permanent": True}) or block.find_parent(attrs={"hx-preserve": True}):
        return "the tag is inside of an element that is kept (data-turbo-permanent, hx-preserve)"
    for boosted in document.soup.select("[hx-boost=true], [data-hx-boost=true]"):
        target = boosted.get("hx-target") or boosted.get("data-hx-target")
        element = document.soup.select_one(str(target)) if target and str(target)[:1] in "#.[b" else None
        if element and element.name != "body" and element not in block.parents:
            return f"hx-boost replaces {target}, and the tag is outside of it"
    main = document.soup.select_one("[up-main]") or document.soup.select_one("main")
    if document.soup.select_one(UNPOLY) and main and main not in block.parents and "up-hungry" not in block.attrs:
        return "Unpoly replaces the main element, and the tag is outside of it"
    return None


@check(
    "LC508",
    Level.WARNING,
    "htmx keeps pages with an identity in the browser",
    why="Its history holds copies of pages in the browser's storage, with the data of whoever was logged in.",
    fix='Put hx-history="false" on such pages, or set LIVECHAT_IDENTITY_DELIVERY = "fetch".',
)
def kept_by_htmx(survey: Survey) -> Iterable[Seen]:
    for page in survey.with_chat:
        soup = page.document.soup
        if (
            page.document.payload.get("visitor")
            and soup.select_one(HTMX)
            and not soup.select_one('[hx-history="false"]')
        ):
            yield Seen(page.place, "an inline identity in a page of htmx")


@check(
    "LC509",
    Level.INFO,
    "A router of its own",
    why="It swaps the page without loading one, and what the new one says of chat comes only if it is brought along.",
    fix="Replace the element script#livechat by the one in the new page's HTML.",
)
def routed(survey: Survey) -> Iterable[Seen]:
    turbo = any(page.document.soup.select_one(f"{TURBO}, {HTMX}, {UNPOLY}") for page in survey.pages)
    for script in survey.written if survey.with_chat and not turbo else ():
        if re.search(ROUTER, script.text) and "livechat" not in script.text:
            yield Seen(script.place, "a router on the History API that does not mention the chat")

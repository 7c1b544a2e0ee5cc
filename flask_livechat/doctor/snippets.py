"""LC2xx: vendors' snippets that were pasted by hand, and where our own tag stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from .. import providers
from ..providers import Provider, Signs
from ..safe_text import quantity
from .findings import Level, Match, Place, check
from .reading import Script, Template, matches
from .survey import Survey


def vendors() -> Iterator[tuple[Provider, Signs]]:
    for provider in map(providers.load, providers.names()):
        if provider.signs is not None:
            yield provider, provider.signs


def somewhere(survey: Survey, pattern: str) -> list[Script]:
    """The scripts with a sign in them: where they are written, and in pages what is written nowhere."""
    return [script for script, _ in matches(pattern, survey.scripts)]


@check(
    "LC201",
    Level.WARNING,
    "A vendor's snippet is pasted by hand",
    why="It runs at once on every page that has it, without regard to your rules, consent, identity and logout.",
    fix="Remove it, and call {{ livechat() }} before </body>.",
)
def pasted(survey: Survey) -> Iterable[Match]:
    for provider, signs in vendors():
        for script in somewhere(survey, signs.loads):
            yield Match(script.place, f"{provider.title}'s own snippet")


@check(
    "LC202",
    Level.ERROR,
    "A pasted snippet is beside the tag",
    why="Two loaders start the same chat: the second one undoes the identity and the logout of the first.",
    fix="Remove the pasted snippet. The tag does everything that it did.",
)
def beside_ours(survey: Survey) -> Iterable[Match]:
    for provider, signs in vendors():
        for page in survey.with_chat:
            if any(matches(signs.loads, page.document.code)):
                yield Match(page.place, f"{provider.title}'s own snippet in a page with the tag")


@check(
    "LC203",
    Level.WARNING,
    "A vendor's script is loaded synchronously",
    why="The page shows nothing below it until the vendor has answered, and nothing at all while the vendor is down.",
    fix="Call {{ livechat() }} instead, or at least add async.",
)
def synchronous(survey: Survey) -> Iterable[Match]:
    for provider, signs in vendors():
        for script in somewhere(survey, signs.loads):
            waits = not {"async", "defer"} & script.attributes.keys() and script.attributes.get("type") != "module"
            if script.src and waits:
                yield Match(script.place, f"{provider.title}'s script without async or defer")


@check(
    "LC204",
    Level.INFO,
    "The tag is in the head",
    why="Browsers then read its data block before they show the page.",
    fix="Move {{ livechat() }} to just before </body>.",
)
def in_head(survey: Survey) -> Iterable[Match]:
    for page in survey.with_chat:
        if page.document.in_head:
            yield Match(page.place, "the tag before </head>")


@check(
    "LC205",
    Level.WARNING,
    "Chat in an email template",
    why="Mail programs do not run scripts, spam filters distrust them, and an inline identity would be sent along.",
    fix="Remove it, and link to a page with chat instead.",
)
def in_email(survey: Survey) -> Iterable[Match]:
    for template in survey.templates:
        if not template.is_email or template.name in survey.rendered:
            continue
        for line in template.calls:
            yield Match(Place(template.place.name, line, True), "the tag in an email")
        for name in _above(template, {item.name: item for item in survey.templates}):
            yield Match(template.place, f"the tag in an email, by {name}")
        for provider, signs in vendors():
            for script, _ in matches(signs.loads, template.document.code):
                yield Match(script.place, f"{provider.title}'s snippet in an email")


def _above(template: Template, known: Mapping[str, Template]) -> Iterator[str]:
    """The templates with the tag that a template extends or includes, at any distance."""
    waiting, seen = [*template.above], set[str]()
    while waiting:
        name = waiting.pop()
        if name in known and name not in seen:
            seen.add(name)
            waiting += known[name].above
            if known[name].calls:
                yield name


@check(
    "LC206",
    Level.WARNING,
    "The rules show chat on a page without the tag",
    why="Its visitors get no chat, and a logout that leads there ends the chat only on the next page with the tag.",
    fix="Put {{ livechat() }} into the template that it extends, or set show=False in a rule.",
)
def promised(survey: Survey) -> Iterable[Match]:
    whole = [page for page in survey.pages if page.status < 400 and page.whole and not page.shows_method]
    for page in survey.pages:
        if page.shows_method:
            what = "the tag is written without its parentheses: visitors see <bound method LiveChat…>"
            yield Match(page.place, what, "Write {{ livechat() }} or {{ livechat_button('Chat') }}, with parentheses.")
    if whole and not survey.with_chat and survey.settings.provider:
        yield Match(Place(quantity(len(whole), "page")), "none has the tag")
        return
    for page in whole:
        if page.decision and page.decision.show and page.decision.load != "off" and not page.tagged:
            yield Match(page.place, f"chat by {page.decision.provider} ({page.decision.why}), and no tag")


@check(
    "LC207",
    Level.ERROR,
    "Several snippets in one page",
    why="Each starts a chat of its own; they overwrite each other's settings, and visitors are counted twice.",
    fix="Remove all of them. {{ livechat() }} chooses one vendor for each page.",
)
def several(survey: Survey) -> Iterable[Match]:
    for page in survey.pages:
        titles = [provider.title for provider, signs in vendors() for _ in matches(signs.loads, page.document.code)]
        if len(titles) > 1:
            yield Match(page.place, f"snippets of {', '.join(titles)}")

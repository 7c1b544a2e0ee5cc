"""LC8xx: what is fine on a developer's machine, what grows old, and what leaves nothing to examine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from .. import providers
from .findings import Level, Match, Place, check
from .routes import NOWHERE
from .survey import Survey


@check(
    "LC801",
    Level.ERROR,
    "The sandbox is on",
    why="Visitors write to a stand-in, and no agent reads it.",
    fix="Remove LIVECHAT_SANDBOX, and set the vendor's keys.",
    deploy=True,
)
def sandbox(survey: Survey) -> Iterable[Match]:
    if survey.settings.sandbox:
        yield Match(Place("LIVECHAT_SANDBOX"), "on")


@check(
    "LC802",
    Level.WARNING,
    "No provider is configured",
    why="The tag renders nothing, on every page.",
    fix="Set LIVECHAT_PROVIDER, before LiveChat(app) reads the configuration.",
)
def no_provider(survey: Survey) -> Iterable[Match]:
    named = any("provider" in rule.what for rule in survey.settings.rules)
    has_purpose = survey.settings.uses_help  # the tag brings the help panel without a vendor, too
    if survey.settings.provider is None and not named and not survey.with_chat and not has_purpose:
        yield Match(Place("LIVECHAT_PROVIDER"), "not set")


@check(
    "LC803",
    Level.WARNING,
    "The facts about the vendor are old",
    why="Vendors change their hosts, cookies and limits without notice.",
    fix="Upgrade Flask-LiveChat: pip install --upgrade Flask-LiveChat.",
)
def old_facts(survey: Survey) -> Iterable[Match]:
    for name in survey.settings.providers:
        provider = providers.load(name)
        checked = datetime.strptime(f"{provider.as_of}-01", "%Y-%m-%d") if provider.as_of else None
        months = (survey.now.year - checked.year) * 12 + survey.now.month - checked.month if checked else 0
        if months > 12:
            yield Match(Place(f"providers/{name}"), f"the facts about {provider.title} are as of {provider.as_of}")


@check(
    "LC804",
    Level.WARNING,
    "The secret guard is off",
    why="If a secret gets into a page by mistake, the page is sent with it.",
    fix="Remove LIVECHAT_GUARD = False.",
    deploy=True,
)
def guard_off(survey: Survey) -> Iterable[Match]:
    if not survey.settings.guard:
        yield Match(Place("LIVECHAT_GUARD"), "False")


@check(
    "LC805",
    Level.ERROR,
    "Too few pages were seen",
    why="What the doctor cannot examine may contain any of these mistakes.",
    fix="See below what the pages answered; --base-url, --as and --path may help.",
)
def saw_nothing(survey: Survey) -> Iterable[Match]:
    if not any(page.status < 400 and page.path != NOWHERE for page in survey.pages):
        yield Match(Place("this app"), "not one page that is HTML and no error")
    for as_user, whom in ((False, "nobody"), (True, "the user")):
        visits = [visit for visit in survey.visits if visit.as_user is as_user]
        failures = Counter(visit.failure for visit in visits if visit.failure)
        if failures.total() >= 3 and failures.total() * 2 > len(visits):
            reason = failures.most_common(1)[0][0]
            what = f"{failures.total()} of {len(visits)} visits as {whom} failed, most often because: {reason}"
            yield Match(Place("this app"), what)

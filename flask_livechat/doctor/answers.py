"""LC608 to LC611: the help panel and the articles, which stand before a person, and the inbox of those who answer."""

from __future__ import annotations

from collections.abc import Iterable

from ..state import PROBE_KEY
from .findings import Level, Match, Place, check
from .survey import Survey

MAX_NAMED = 10


@check(
    "LC610",
    Level.ERROR,
    "Help without a way to a person",
    why="A visitor who finds no answer in the help panel, or on the articles' pages, cannot ask a person.",
    fix="Set LIVECHAT_PROVIDER, or set LIVECHAT_FALLBACK_URL to a page where people can write to you.",
)
def no_way_on(survey: Survey) -> Iterable[Match]:
    config = survey.settings
    rules = (*config.rules, *survey.state.callbacks.blueprint_rules.values())
    has_chat = config.provider is not None or any("provider" in rule.what for rule in rules)
    if (config.uses_help or config.article_pages) and not has_chat and not config.fallback_url:
        key = "LIVECHAT_HELP" if config.uses_help else "LIVECHAT_ARTICLE_PAGES"
        yield Match(Place(key), "neither a vendor nor a fallback stands behind it")


@check(
    "LC608",
    Level.WARNING,
    "The search does not find an article",
    why="If a visitor searches for its exact title, the search returns other articles.",
    fix="Give it a title of its own, in the words that people ask with, or merge it with the article that the search "
    "gives.",
)
def never_found(survey: Survey) -> Iterable[Match]:
    if survey.settings.articles is None:
        return
    with survey.app.app_context():
        articles = survey.state.livechat.articles
        lost = [
            article
            for article in articles
            if article.is_published
            and article.path not in [result.path for result in articles.search(article.title, article.locale)]
        ]
    for article in lost[:MAX_NAMED]:
        yield Match(Place(article.file, file=True), f"its own title, {article.title!r}, does not find it")


@check(
    "LC609",
    Level.ERROR,
    "The suggested answers are not the same for all visitors",
    why="Any cache may store them for five minutes, and then sends one visitor's data to the next.",
    fix="Exclude /livechat/ from the code that sets cookies in each response.",
)
def personal_suggestions(survey: Survey) -> Iterable[Match]:
    if survey.settings.articles is None:
        return
    path = f"{survey.settings.url_prefix}/suggest"
    with survey.app.test_client().get(f"{path}?q=help", environ_overrides={PROBE_KEY: []}) as response:
        is_public = "public" in response.headers.get("Cache-Control", "")
        sets_cookie = "Set-Cookie" in response.headers  # a cache keeps an answer that varies by cookie apart
    if is_public and sets_cookie:
        yield Match(Place(f"GET {path}"), "its answer sets a cookie, and may be cached for all")


@check(
    "LC611",
    Level.WARNING,
    "The inbox is on, and nobody can see it",
    why="Its address answers everybody with a 404, so your team cannot read what visitors write.",
    fix="Register a function with @livechat.staff_required that says who may see it.",
)
def unseen_inbox(survey: Survey) -> Iterable[Match]:
    config, place = survey.settings, Place("LIVECHAT_INBOX")
    if not config.inbox:
        return
    if not config.webhook_providers:
        yield Match(place, "no vendor's webhooks fill it", "Set a vendor's webhook secret, or remove the key.")
    elif not survey.state.stores_events:
        yield Match(place, "it needs an extra", "Run pip install Flask-LiveChat[desk], or remove the key.")
    if survey.state.callbacks.staff_required is None:
        yield Match(place, "no function says who may see it")

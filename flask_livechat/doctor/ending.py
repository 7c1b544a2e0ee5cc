"""LC6xx: the end of a chat, and what happens while nobody is there to answer."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from .. import providers
from ..errors import LiveChatError
from ..internals import service
from ..safe_text import quantity
from ..widget.identity import signal_of
from .findings import Level, Match, Place, check
from .survey import Survey


@check(
    "LC601",
    Level.ERROR,
    "A logout that does not end the chat",
    why="The vendor's session stays until a page with the tag is opened. The next person at this browser may read it.",
    fix="Call flask_login.logout_user() there, or return livechat.forget(response).",
)
def not_ended(survey: Survey) -> Iterable[Match]:
    if hasattr(survey.app, "login_manager"):
        yield from _not_ended(survey)


@check(
    "LC602",
    Level.ERROR,
    "A logout without livechat.forget",
    why="Without Flask-Login the chat does not notice the logout, and the next visitor can read the conversation.",
    fix="Return livechat.forget(response) from it.",
)
def not_forgotten(survey: Survey) -> Iterable[Match]:
    if not hasattr(survey.app, "login_manager"):
        yield from _not_ended(survey)


def _not_ended(survey: Survey) -> Iterable[Match]:
    for leaving in survey.leavings if survey.settings.providers and survey.has_users else ():
        if not leaving.ended:
            what = f"answered {leaving.status}, and the chat goes on until a page with the tag is opened"
            yield Match(leaving.place, what)


@check(
    "LC603",
    Level.INFO,
    "Chat looks open at times when nobody answers",
    why="At night visitors write into a chat that looks open, and wait for an answer.",
    fix="Set LIVECHAT_OFFICE_HOURS and LIVECHAT_OFFLINE, or LIVECHAT_FALLBACK_URL with another way to reach you.",
)
def always_open(survey: Survey) -> Iterable[Match]:
    config = survey.settings
    if config.provider and not config.office_hours and config.offline == "show" and not config.fallback_url:
        yield Match(Place("LIVECHAT_OFFICE_HOURS"), "neither office hours nor a fallback")


@check(
    "LC604",
    Level.WARNING,
    "The fallback leads nowhere",
    why="Launchers lead there if the chat cannot load, so the address must work.",
    fix="Set it to a page that exists.",
)
def no_fallback(survey: Survey) -> Iterable[Match]:
    url = survey.settings.fallback_url
    if url is None or not url.startswith("/"):
        return
    path = url.partition("?")[0].partition("#")[0]
    if not survey.found(path):
        yield Match(Place("LIVECHAT_FALLBACK_URL"), f"no route answers {path}")


@check(
    "LC605",
    Level.ERROR,
    "A flow is not proven to reach a human",
    why="The flow is not offered, or one of its steps fails. Visitors then get the chat without the flow.",
    fix="Run flask livechat flows check, which lists all problems of all flows.",
)
def unproven_flow(survey: Survey) -> Iterable[Match]:
    if not survey.settings.flows and not survey.state.callbacks.flows:
        return
    from ..help.flow_service import check_all  # noqa: PLC0415 - help is loaded on first use

    for problem in check_all(survey.state, survey.app).problems:
        if problem.is_error:
            yield Match(Place(problem.file), problem.where_and_what, problem.fix)


@check(
    "LC606",
    Level.WARNING,
    "A logout is not noticed",
    why="A logout is noticed by Flask-Login's signal user_logged_out. This login manager's package has no such signal.",
    fix="Return livechat.forget(response) from each logout, and wherever else a session ends.",
)
def unheard(survey: Survey) -> Iterable[Match]:
    manager = getattr(survey.app, "login_manager", None)
    if manager is None or not survey.settings.providers or signal_of(manager, "user_logged_out"):
        return
    if not survey.leavings or not all(leaving.ended for leaving in survey.leavings):
        kind = type(manager)
        yield Match(
            Place("app.login_manager"), f"{kind.__module__}.{kind.__qualname__} is not a login manager of Flask-Login"
        )


@check(
    "LC607",
    Level.WARNING,
    "Articles differ from what was applied",
    why="Visitors read the vendor's help centre, which has an older state of the folder.",
    fix="Run flask livechat articles plan, and apply.",
)
def not_applied(survey: Survey) -> Iterable[Match]:
    config = survey.settings
    has_database = config.database_url or (Path(survey.app.instance_path) / "livechat.sqlite3").is_file()
    if not config.articles or not has_database or find_spec("sqlalchemy") is None:
        return
    from ..help.publish import read_rows  # noqa: PLC0415 - help is loaded on first use
    from ..help.sync import WITHDRAWN, to_send  # noqa: PLC0415

    articles = survey.state.livechat.articles
    for name in config.providers:
        try:
            rows = {row.key: row for row in read_rows(service().article_rows(survey.state, survey.app, name))}
        except LiveChatError:
            continue
        sent = to_send(articles, {key: row.url for key, row in rows.items()}, config.site_url or "")
        known = {key: row.source for key, row in rows.items() if row.source != WITHDRAWN}
        wanted = {item.key: item.digest for item in sent}
        differing = sorted(key for key in {*known, *wanted} if known.get(key) != wanted.get(key))
        if rows and differing:
            path, locale = differing[0]
            title = providers.load(name).title
            what = f"{quantity(len(differing), 'article is', 'articles are')} not at {title} as here"
            yield Match(Place(f"{locale}/{path}.md"), what)

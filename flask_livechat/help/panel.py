"""What the help panel has: what a page says of it, and the answers that it suggests while somebody writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask

from ..model import Decision
from ..state import State
from . import flow_service

if TYPE_CHECKING:
    from .questions import Question


def contents(state: State, app: Flask, decision: Decision) -> dict[str, Any] | None:
    """What the panel has on a page where it is on, for its data block. None where it has nothing to offer."""
    offers = {"articles": _has_articles(state, app), "flow": _flow(state, app, decision.flow)}
    if not any(offers.values()):
        return None
    return {name: value for name, value in {**offers, "opens": _opens(state)}.items() if value}


def suggest(state: State, app: Flask, question: str, locale: str | None) -> list[dict[str, str]]:
    """The articles that answer a question, the likeliest first. An article without a page to read it on is left out."""
    results = flow_service.search(state, app, question, locale)
    return [{"title": item.title, "url": item.url, "excerpt": item.excerpt} for item in results if item.url]


def unanswered(state: State, app: Flask, question: str, locale: str | None) -> Question | None:
    """What is counted of a question that no article answers. None where one does."""
    from .library import articles  # noqa: PLC0415 - it needs the extra, which flows do not
    from .questions import unanswered as counted  # noqa: PLC0415 - the same

    return counted(articles(state, app), question, locale)


def _has_articles(state: State, app: Flask) -> bool:
    if state.settings.articles is None:
        return False
    from .library import articles  # noqa: PLC0415 - it needs the extra, which flows do not

    return any(article.is_published and article.url for article in articles(state, app))


def _flow(state: State, app: Flask, name: str | None) -> str | None:
    return name if name is not None and name in flow_service.flows(state, app).by_name else None


def _opens(state: State) -> str | None:
    """When the office opens next. None while it is open, and where it never closes."""
    hours, now = state.settings.office_hours, state.now()
    moment = None if hours is None or hours.is_open(now) else hours.next_opening(now)
    return moment.isoformat() if moment else None

"""Questions that no article answered: counted by the day, without the visitor, and read by the month."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from .store import Store
from .tables import questions

MAX_OF_DAY = 1000  # different ones: no browser decides how large the table gets
MOST_OF_MONTH = 20  # that are shown
MOST_TEXTS = 3  # of one
DEFINITION = (
    "Questions that no article answered, per calendar month: in the help panel, where each counts once in a tab, and "
    "in the search on the articles' own pages. Questions with the same words count together, in any order and with "
    "any endings. Words with digits or an address do not count. The twenty most frequent questions are listed. A day "
    "has room for a thousand different questions, and counts further ones without their words."
)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """How often a question that no article answers was asked in a month."""

    month: str  #: The month: ``2026-11``.
    locale: str  #: The language of the articles that were searched.
    words: str  #: Stems of its words, in alphabetical order; empty for all that came after the thousand of a day.
    count: int  #: How often it was asked.
    texts: tuple[str, ...] = ()  #: As it was asked most often, where ``LIVECHAT_KEEP_QUESTIONS`` is set.


def count(store: Store, provider: str, locale: str, words: str, text: str, now: datetime) -> None:
    """Count a question once more. ``text`` is empty unless texts are stored."""
    local = now.astimezone(store.hours.tz if store.hours else UTC)
    day = {"provider": provider, "day": local.replace(hour=0, minute=0, second=0, microsecond=0)}
    question = {"locale": locale, "words": words, "text": text}
    more = {"count": questions.c.count + 1}
    today = sa.select(sa.func.count()).select_from(questions).where(*_equals(day))
    with store.engine.begin() as connection:
        if connection.execute(sa.update(questions).where(*_equals(day | question)).values(more)).rowcount:
            return
        if connection.execute(today).scalar_one() >= MAX_OF_DAY:
            question = dict.fromkeys(question, "")
        new = store.insert(questions).values(**day, **question, count=1)
        connection.execute(new.on_conflict_do_update(index_elements=[*day, *question], set_=more))


def by_month(
    connection: sa.Connection, spans: Iterable[tuple[datetime, datetime]], provider: str | None
) -> Iterator[Unanswered]:
    """Yield what was asked most often in each month, given as its beginning and end."""
    total = sa.func.sum(questions.c.count)
    key, has_text = (questions.c.locale, questions.c.words), sa.func.max(questions.c.text) != ""
    for since, until in spans:
        chosen = (questions.c.day >= since) & (questions.c.day < until)
        if provider is not None:
            chosen &= questions.c.provider == provider
        wanted = sa.select(*key, total, has_text).where(chosen).group_by(*key).order_by(total.desc(), *key)
        for locale, words, number, is_stored in connection.execute(wanted.limit(MOST_OF_MONTH)).all():
            same = chosen & (key[0] == locale) & (key[1] == words) & (questions.c.text != "")
            texts = sa.select(questions.c.text).where(same).group_by(questions.c.text)
            most = texts.order_by(total.desc(), questions.c.text).limit(MOST_TEXTS)
            asked = connection.execute(most).scalars() if is_stored else ()
            yield Unanswered(since.strftime("%Y-%m"), locale, words, int(number), tuple(asked))


def _equals(values: dict[str, Any]) -> list[sa.ColumnElement[bool]]:
    return [questions.c[name] == value for name, value in values.items()]

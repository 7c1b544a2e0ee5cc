"""What is counted of a question that no article answers. Pure: nothing of who asked comes in.

Digits and addresses go first, before anything else looks at the text: numbers of orders, cards and phones, emails and
links are not part of a question.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from .articles import Articles
from .search import MAX_QUERY_CHARS
from .words import IS_UNSPACED, RUN, UNSPACED, language_of

TOKEN = re.compile(rf"(?:(?![{UNSPACED}])\S)+")
PRIVATE = re.compile(r"\d|@|://|\w\.\w|\w[/\\]\w")  # what stands in one token with any of these


@dataclass(frozen=True, slots=True)
class Question:
    """A question without an answer. ``words``: its stems in alphabetical order, without what every question has."""

    locale: str
    words: str
    text: str


def unanswered(articles: Articles, asked: str, tag: str | None) -> Question | None:
    """Return what is counted of a question. None where an article answers it, and where nothing is left of it."""
    locale = articles.locale_for(tag)
    if articles.search(asked, locale, 1):
        return None
    text = without_addresses(asked[:MAX_QUERY_CHARS])
    language = language_of(locale)
    names = {run for run in RUN.findall(text.lower()) if IS_UNSPACED.match(run) or not language.is_stop_word(run)}
    stems = sorted({language.plain_stem(name) for name in names})
    return Question(locale, " ".join(stems), text) if stems else None


def without_addresses(text: str) -> str:
    """Return a text without each word that holds a digit or an address, and without what cannot be printed."""
    # Cut once more: there are characters that become eighteen.
    normal = " ".join(unicodedata.normalize("NFKC", text)[:MAX_QUERY_CHARS].split())
    printable = "".join(character for character in normal if character.isprintable())
    return " ".join(TOKEN.sub(lambda match: "" if PRIVATE.search(match[0]) else match[0], printable).split())

"""The search: what it finds, what it leaves alone, and that no text is too odd for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_livechat.help.articles import Articles
from flask_livechat.help.folder import Reader
from flask_livechat.help.search import Index

from .questions import QUESTIONS, UNANSWERED

CORPUS = Path(__file__).parent / "corpus"


def read(root: Path, place: Path) -> Articles:
    folder = Reader(root, lambda locale, path: f"/help/{locale}/{path}").read(None)
    assert [problem for problem in folder.problems if problem.is_error] == []
    return Articles(folder, "/help", "/help", None, Index(place))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Articles:
    return read(CORPUS, tmp_path_factory.mktemp("index"))


def test_every_question_names_an_article_that_is_there(corpus: Articles) -> None:
    assert len(QUESTIONS) == 60
    assert all(path in {article.path for article in corpus.published(locale)} for locale, _, path in QUESTIONS)


@given(st.text(max_size=300), st.sampled_from(["en", "de", "fr", "pl", "pt-BR", "", "x" * 99]))
def test_no_text_is_too_odd_to_be_searched(corpus: Articles, text: str, locale: str) -> None:
    assert len(corpus.search(text, locale)) <= 3


@pytest.mark.parametrize(
    "text", ['"', "NEAR(a b)", "title:card", "card*", "a AND b OR NOT", "'; DROP TABLE", "\0", "^card", "-"]
)
def test_the_syntax_of_the_index_means_nothing(corpus: Articles, text: str) -> None:
    assert corpus.search(text) is not None


def test_sixty_questions_find_their_article(corpus: Articles) -> None:
    paths = [[result.path for result in corpus.search(text, locale)] for locale, text, _ in QUESTIONS]
    wanted = [path for _, _, path in QUESTIONS]
    first = sum(found[:1] == [path] for found, path in zip(paths, wanted, strict=True))
    among_three = sum(path in found for found, path in zip(paths, wanted, strict=True))
    assert (first, among_three) >= (55, 57)  # of 60: docs/articles.rst has the figures


def test_what_no_article_answers_gets_no_answer(corpus: Articles) -> None:
    assert [text for locale, text in UNANSWERED if corpus.search(text, locale)] == []

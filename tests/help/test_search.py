"""The search: what it finds, what it leaves alone, and that no text is too odd for it."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_livechat.help import search
from flask_livechat.help.articles import Articles
from flask_livechat.help.folder import Reader
from flask_livechat.help.search import Index

from .more_questions import HELD_OUT_QUESTIONS, MORE_QUESTIONS, OFF_TOPIC
from .questions import QUESTIONS, UNANSWERED
from .test_pages import write

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


@settings(deadline=None)  # the machine may be busy
@given(st.text(max_size=300), st.sampled_from(["en", "de", "fr", "pl", "pt-BR", "", "x" * 99]))
def test_no_text_is_too_odd_to_be_searched(corpus: Articles, text: str, locale: str) -> None:
    assert len(corpus.search(text, locale)) <= 3


@pytest.mark.parametrize(
    "text", ['"', "NEAR(a b)", "title:card", "card*", "a AND b OR NOT", "'; DROP TABLE", "\0", "^card", "-"]
)
def test_the_syntax_of_the_index_means_nothing(corpus: Articles, text: str) -> None:
    assert corpus.search(text) is not None


@pytest.mark.parametrize(
    ("questions", "first", "among_three"),  # of 60: docs/articles.rst has the figures
    [(QUESTIONS, 57, 60), (MORE_QUESTIONS, 55, 59), (HELD_OUT_QUESTIONS, 52, 59)],
    ids=["first", "more", "held out"],
)
def test_sixty_questions_find_their_article(
    corpus: Articles, questions: tuple[tuple[str, str, str], ...], first: int, among_three: int
) -> None:
    paths = [[result.path for result in corpus.search(text, locale)] for locale, text, _ in questions]
    wanted = [path for _, _, path in questions]
    at_first = sum(found[:1] == [path] for found, path in zip(paths, wanted, strict=True))
    found_at_all = sum(path in found for found, path in zip(paths, wanted, strict=True))
    assert (len(questions), at_first >= first, found_at_all >= among_three) == (60, True, True)


def test_what_no_article_answers_gets_no_answer(corpus: Articles) -> None:
    assert [text for locale, text in UNANSWERED if corpus.search(text, locale)] == []
    # "Temps" is the weather, too, and how long a delivery takes; a team invites the "pracownik" that a firm looks for.
    ambiguous = ["quel temps fera-t-il demain", "czy szukacie pracowników do biura"]
    assert [text for locale, text in OFF_TOPIC if corpus.search(text, locale)] == ambiguous


def test_of_many_articles_with_a_word_those_come_first_that_have_the_rare_word_of_the_question(tmp_path: Path) -> None:
    write(tmp_path, {f"en/a{n:02}.md": f"# How is it {n}?\n\nDelivery by truck.\n" for n in range(60)})
    write(tmp_path, {"en/z.md": "# How is it then?\n\nDelivery by truck, of pianos.\n"})
    assert read(tmp_path, tmp_path / "index").search("delivery of pianos")[0].path == "z"


def test_of_articles_that_answer_the_same_share_the_one_that_says_it_more_often_comes_first(tmp_path: Path) -> None:
    write(tmp_path, {"en/a.md": "# How is it?\n\nA piano, and much else that one may have.\n"})
    write(tmp_path, {"en/b.md": "# How was it?\n\nA piano, a piano and a piano.\n", "en/c.md": "# What?\n\nNo.\n"})
    write(tmp_path, {"en/d.md": "# Which?\n\nNo.\n", "en/e.md": "# Whose?\n\nNo.\n"})
    assert [result.path for result in read(tmp_path, tmp_path / "index").search("piano")] == ["b", "a"]


@pytest.mark.parametrize(
    ("locale", "text", "path", "why"),
    [
        ("en", "how do i get back in", "account/reset-password", "a synonym of two words that say nothing alone"),
        ("en", "recipts", "billing/invoice", "a typo in an inflected word, whose synonyms alone are in the articles"),
        ("fr", "mon collis", "shop/track", "a word with a typo, whose stem is another word's"),
        ("pl", "promocyjny", "billing/discount", "a word that begins as a synonym does"),
        ("pl", "oddac buty", "shop/return", "a synonym without its accents"),
    ],
)
def test_an_article_is_found_by(corpus: Articles, locale: str, text: str, path: str, why: str) -> None:
    assert path in [result.path for result in corpus.search(text, locale)], why


@pytest.mark.parametrize("text", ["role", "plan", "mile"])
def test_in_a_short_word_no_letter_becomes_another(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"en/a.md": "# Rome\n\nPlay. Mail.\n"})
    assert read(tmp_path, tmp_path / "index").search(text) == []


def test_words_without_spaces_are_found(tmp_path: Path) -> None:
    texts = {
        "zh": ("怎么申请退款？", "退款"),
        "ja": ("パスワードを忘れました", "パスワード"),
        "ko": ("비밀번호를 잊었어요", "비밀번호"),
        "th": ("ฉันลืมรหัสผ่าน", "รหัสผ่าน"),
    }
    for locale, (title, _) in texts.items():
        (tmp_path / locale).mkdir()
        (tmp_path / locale / "a.md").write_text(f"# {title}\n\n…", "utf-8")
        (tmp_path / locale / "b.md").write_text("# 其他\n\nその他", "utf-8")
    articles = read(tmp_path, tmp_path / "index")
    for locale, (_, text) in texts.items():
        assert [result.path for result in articles.search(text, locale)] == ["a"], locale


def test_the_parts_of_a_compound_word_are_found(tmp_path: Path) -> None:
    write(tmp_path, {"de/a.md": "# Wo ist der Garten?\n\nMit einem Zaun.", "de/b.md": "# Wo ist es?\n\nDort."})
    assert [result.path for result in read(tmp_path, tmp_path / "index").search("Gartenzaun", "de")] == ["a"]


@pytest.mark.parametrize(
    ("locale", "title", "text"), [("da", "Hvordan åbner man en dør?", "doer"), ("de", "Wie geht die Tür auf?", "Tuer")]
)
def test_a_letter_that_is_written_as_two_is_found_in_a_short_word(
    tmp_path: Path, locale: str, title: str, text: str
) -> None:
    write(tmp_path, {f"{locale}/a.md": f"# {title}\n\n…", f"{locale}/b.md": "# Palaver?\n\n…"})
    assert [result.path for result in read(tmp_path, tmp_path / "index").search(text, locale)] == ["a"]


def test_a_word_is_found_by_another_form_that_begins_alike(tmp_path: Path) -> None:
    write(tmp_path, {"pl/a.md": "# Jak działa reklamacja?\n\nProsto.", "pl/b.md": "# Gdzie to jest?\n\nTam."})
    assert [result.path for result in read(tmp_path, tmp_path / "index").search("reklamacyjny", "pl")] == ["a"]


def test_an_excerpt_is_the_description_else_a_short_beginning(tmp_path: Path) -> None:
    write(tmp_path, {"en/a.md": f"# How do I pay?\n\n{'By **card**. ' * 100}"})
    write(tmp_path, {"en/b.md": "---\ntitle: How do I vote?\ndescription: By hand.\n---\nSo."})
    articles = read(tmp_path, tmp_path / "index")
    (result,) = articles.search("pay")
    assert result.excerpt.startswith("By card. By card.")
    assert result.excerpt.endswith(" …")
    assert len(result.excerpt) <= 160
    assert articles.search("vote")[0].excerpt == "By hand."


def test_a_search_in_a_language_that_is_not_there_is_one_in_the_default_language(corpus: Articles) -> None:
    assert [result.locale for result in corpus.search("refund", "sv")][:1] == ["en"]
    assert [result.locale for result in corpus.search("rechnung", "de-AT")][:1] == ["de"]


def test_the_limit_holds(corpus: Articles) -> None:
    assert len(corpus.search("email", "en", 1)) == 1
    assert corpus.search("email", "en", 0) == corpus.search("email", "en", -1) == []


def test_a_damaged_index_is_made_anew(tmp_path: Path) -> None:
    articles = read(CORPUS, tmp_path)
    assert articles.search("refund")
    (file,) = tmp_path.glob("*.sqlite3")
    for damage in (b"", b"no database", file.read_bytes()[:5000] + b"\0" * 20000):
        file.write_bytes(damage)
        assert [result.path for result in read(CORPUS, tmp_path).search("refund")][:1] == ["billing/refund"]


def test_an_index_that_breaks_while_it_is_open_is_made_anew(tmp_path: Path) -> None:
    articles = read(CORPUS, tmp_path)
    assert articles.index is not None
    articles.index._connection = sqlite3.connect(":memory:", check_same_thread=False)
    assert [result.path for result in articles.search("refund")][:1] == ["billing/refund"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_child_of_a_fork_opens_the_index_itself(tmp_path: Path) -> None:
    articles = read(CORPUS, tmp_path)
    assert articles.search("refund")
    assert articles.index is not None
    with articles.index._lock:  # as a thread that is not in the child would hold it
        child = os.fork()
        if child == 0:
            is_new = articles.index._connection is None
            os._exit(0 if is_new and articles.search("refund") else 1)
        _, status = wait_for(child)
    assert os.waitstatus_to_exitcode(status) == 0


def wait_for(child: int) -> tuple[int, int]:
    """Wait for a process, and end one that hangs."""
    for _ in range(200):
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return pid, status
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)


def test_where_no_file_can_be_made_the_index_is_in_memory(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("where a folder should be")
    assert read(CORPUS, place).search("refund")
    assert place.read_text() == "where a folder should be"


def test_old_indexes_go_and_the_newest_stay(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / "en").mkdir(exist_ok=True)
        (tmp_path / "en" / "a.md").write_text(f"# How {number}?\n\nWord.")
        assert read(tmp_path, tmp_path / "index").search("word")
    assert len([*(tmp_path / "index").glob("*.sqlite3")]) == 3


def test_many_threads_search_one_index(corpus: Articles) -> None:
    with ThreadPoolExecutor(8) as pool:
        paths = [*pool.map(lambda text: corpus.search(text, "en", 1)[0].path, ["refund", "track my parcel"] * 50)]
    assert paths == ["billing/refund", "shop/track"] * 50


@pytest.mark.needs("process")
def test_processes_that_come_at_once_make_one_index(tmp_path: Path) -> None:
    with ProcessPoolExecutor(6, mp_context=get_context("spawn")) as pool:
        results = [*pool.map(search_in_process, [tmp_path] * 6)]
    assert sorted(paths for paths, _ in results) == [["billing/refund"]] * 6
    assert sum(made for _, made in results) == 1
    assert sorted(file.suffix for file in tmp_path.iterdir()) == ["", ".sqlite3"]


def search_in_process(place: Path) -> tuple[list[str], bool]:
    """What a search finds, and whether this process has made the index."""
    made: list[Path] = []
    fill = search.fill

    def spy(*arguments: Any) -> None:
        made.append(place)
        time.sleep(0.3)
        fill(*arguments)

    search.fill = spy
    return [result.path for result in read(CORPUS, place).search("refund", "en", 1)], bool(made)

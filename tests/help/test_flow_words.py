"""Words that ask for a person. Both lists were written before the words that are measured by them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from flask_livechat.help.flow_words import is_shouted, is_sworn, wants_human

HERE = Path(__file__).parent
LANGUAGES = set("en de fr es it pt nl pl sv cs tr ru ja zh".split())


def lines(name: str) -> list[tuple[str, str]]:
    """Language and text."""
    pairs = [line.split(" ", 1) for line in (HERE / name).read_text("utf-8").splitlines()]
    return [(language, text) for language, text in pairs]


ASKS, QUESTIONS = lines("asks_for_a_person.txt"), lines("ordinary_questions.txt")


def test_the_lists_are_what_the_figures_are_said_of() -> None:
    assert (len(ASKS), len(QUESTIONS)) == (120, 300)
    assert {language for language, _ in ASKS} == {language for language, _ in QUESTIONS} == LANGUAGES
    assert len({text for _, text in ASKS + QUESTIONS}) == 420


def test_who_asks_for_a_person_is_understood_in_95_of_100_cases() -> None:
    missed = [text for _, text in ASKS if not wants_human(text)]
    assert len(missed) <= 0.05 * len(ASKS), missed


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_each_language_is_understood(language: str) -> None:
    own = [text for tag, text in ASKS if tag == language]
    assert sum(map(wants_human, own)) >= 0.75 * len(own)


def test_an_ordinary_question_leads_to_a_human_in_2_of_100_cases_at_most() -> None:
    """By whichever of the words: those for a person, those in capitals, swear words."""
    alarms = [text for _, text in QUESTIONS if wants_human(text) or is_shouted(text) or is_sworn(text)]
    assert len(alarms) <= 0.02 * len(QUESTIONS), alarms


@pytest.mark.parametrize("text", ["I WANT MY MONEY", "nothing works!!!", "何もできない！！！"])
def test_a_shout_is_heard(text: str) -> None:
    assert is_shouted(text)


@pytest.mark.parametrize("text", ["HTTP 500 ERROR", "ERR_TOO_MANY_REDIRECTS", "USB-C OK", "Hello!", "注文 番号 教えて"])
def test_codes_and_letters_without_capitals_are_no_shout(text: str) -> None:
    assert not is_shouted(text)


@pytest.mark.parametrize("text", ["What the fuck", "so eine Scheiße", "Kurwa!", "какого хуя блять", "これはクソだ"])
def test_a_swear_word_is_heard(text: str) -> None:
    assert is_sworn(text)


@pytest.mark.parametrize("text", ["I am a fan", "Scunthorpe", "妈妈的账户", "やくそく"])
def test_a_swear_word_within_a_word_is_none(text: str) -> None:
    assert not is_sworn(text)


def test_a_long_story_about_people_is_no_wish_for_one() -> None:
    assert not wants_human("We talk to people all day. " * 8)


@pytest.mark.parametrize("word", ["human", "persona", "живой", "agent"])
def test_a_row_of_words_takes_no_time(word: str) -> None:
    """Each of them may stand for two things: without care that doubles the time with every word."""
    start = time.perf_counter()
    wants_human(f"{word} " * 29 + "x")
    assert time.perf_counter() - start < 1

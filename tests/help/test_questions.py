"""What is counted of a question that no article answers: its stems, and nothing that could be somebody's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_livechat.help.articles import Articles
from flask_livechat.help.questions import unanswered, without_addresses

from .test_pages import write
from .test_search import read


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Articles:
    root = tmp_path_factory.mktemp("help")
    write(root, {"en/card.md": "# Why was my card declined?\n\nAsk your bank.\n"})
    write(root, {"de/card.md": "# Warum wurde meine Karte abgelehnt?\n\nFragen Sie Ihre Bank.\n"})
    write(root, {"ru/card.md": "# Почему отклонена моя карта?\n\nСпросите банк.\n"})
    write(root, {"zh/card.md": "# 我的卡为什么被拒绝？\n\n请问银行。\n"})
    return read(root, root / "index")


@pytest.mark.parametrize(
    ("locale", "text", "words"),
    [
        ("en", "Do you wrap gifts?", "gift wrap"),
        ("en", "gifts, wrapped", "gift wrap"),
        ("de-AT", "Kann man Geschenke einpacken?", "einpack geschenk"),
        ("ru", "упаковка подарков", "подарк упаковк"),
        ("zh", "礼品包装", "礼品包装"),
        ("sv", "gift wrap", "gift wrap"),
    ],
)
def test_questions_of_the_same_words_count_as_one(articles: Articles, locale: str, text: str, words: str) -> None:
    question = unanswered(articles, text, locale)
    assert question is not None
    assert question.words == words
    assert question.locale == (locale[:2] if locale != "sv" else "en")


@pytest.mark.parametrize("text", ["card declined", "", "how do you do it?", "12345 ada@example.com", "???"])
def test_what_is_answered_or_says_nothing_is_not_counted(articles: Articles, text: str) -> None:
    assert unanswered(articles, text, "en") is None


@pytest.mark.parametrize("character", ["\ufdfa", "\u3316", "\u337f"])
def test_a_question_is_short_also_where_a_character_becomes_many(articles: Articles, character: str) -> None:
    question = unanswered(articles, "gift " + character * 120, "en")
    assert question is not None
    assert len(question.text) <= 120
    assert len(question.words) <= 120


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("gift wrap for order A-12345", "gift wrap for order"),
        ("iban DE89370400440532013000 wrong", "iban wrong"),
        ("+49 170 1234567 nobody answers", "nobody answers"),
        ("i am ada.lovelace+x@example.co.uk, hello", "i am hello"),
        ("see https://shop.example/reset?token=abc please", "see please"),
        ("see shop.example/reset please", "see please"),
        ("see shop.example please", "see please"),
        ("see users/ada please", "see please"),
        ("see http://localhost please", "see please"),
        ("ask @ada_l about it", "ask about it"),
        (
            "\uff41\uff44\uff41\uff20\uff45\uff58\uff0e\uff43\uff4f\uff4d wide",
            "wide",
        ),  # in the letters of Japanese fonts
        ("my number is \u0661\u0662\u0663", "my number is"),  # Arabic digits
        ("订单12345在哪里", "订单在哪里"),
        ("我的邮箱是ada@example.com怎么改", "我的邮箱是怎么改"),
        ("a\0b\u202ec\ud800d", "abcd"),
    ],
)
def test_digits_and_addresses_are_left_out(text: str, left: str) -> None:
    assert without_addresses(text) == left


@given(st.text(max_size=150))
def test_whatever_is_asked_no_digit_and_no_address_is_left(text: str) -> None:
    left = without_addresses(text)
    assert not any(character.isdecimal() or character == "@" for character in left)
    left.encode()
    assert "\0" not in left


def test_of_a_long_question_what_the_search_reads_is_counted(articles: Articles) -> None:
    question = unanswered(articles, "penguin " * 200 + "zebra", "en")
    assert question is not None
    assert (question.words, len(question.text) <= 120) == ("penguin", True)

"""The text of others does not steer a terminal and becomes no formula, wherever it leaves."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_livechat.safe_text import csv_cell, quantity, terminal_text

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROLS = [chr(n) for n in (*range(32), *range(127, 160)) if chr(n) not in "\t\n"]


def test_one_thing_is_not_said_in_the_plural() -> None:
    assert [quantity(count, "message") for count in (0, 1, 2)] == ["0 messages", "1 message", "2 messages"]
    assert [quantity(count, "person", "people") for count in (1, 2)] == ["1 person", "2 people"]


@pytest.mark.parametrize("character", [*CONTROLS, *BIDI, "\u2028", "\u2029", "\ufeff", "\ud800", "\U000e0041"])
def test_what_steers_a_terminal_is_shown_as_such(character: str) -> None:
    assert terminal_text(f"a{character}b") == "a\ufffdb"
    assert csv_cell(f"a{character}b") == "a\ufffdb"


def test_lines_are_kept_where_there_may_be_some() -> None:
    assert terminal_text("a\r\nb\nc\td") == "a b c d"
    assert terminal_text("a\r\nb\nc\td", lines=True) == "a\nb\nc d"


@pytest.mark.parametrize(
    "text",
    [
        "Zażółć 你好 😀",
        "Bonjour\u202f!",
        "\u0645\u06cc\u200c\u062e",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "שלום",
    ],
)
def test_what_people_write_stays(text: str) -> None:
    assert terminal_text(text) == text
    assert csv_cell(text) == text


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1", " \n=1", "\uff1d1+1", "\uff20SUM(A1)"]
)
def test_a_cell_is_no_formula(text: str) -> None:
    assert csv_cell(text).startswith(("'", "\ufffd"))


@pytest.mark.parametrize("value", [-5, 0.5, None, "a=b", "2026-11-21", "", "ada@example.com"])
def test_what_is_no_formula_stays(value: object) -> None:
    assert csv_cell(value) == value


@given(st.text())
def test_any_text_is_harmless(text: str) -> None:
    safe = terminal_text(text)
    assert not [one for one in safe if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") or one in BIDI]
    file = io.StringIO()
    csv.writer(file).writerow([csv_cell(text), "next"])
    (row,) = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert row[1] == "next"
    assert not row[0].lstrip().startswith(("=", "+", "-", "@"))

"""The text of others as it leaves: for a terminal, which it must not steer, and for a cell of CSV. Pure."""

from __future__ import annotations

import unicodedata
from typing import Any

STEERING = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")  # controls, escapes, bidi controls, what shows nothing
JOINERS = "\u200c\u200d"  # of Persian words and of emojis
SPACES = "\t\n"
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # also in their full width


def terminal_text(text: str, lines: bool = False) -> str:
    """Replace every character that would steer a terminal. ``lines``: newlines stay, else they become spaces."""
    if text.isprintable():
        return text
    return "".join(_plain(character, lines) for character in text.replace("\r\n", "\n"))


def _plain(character: str, lines: bool) -> str:
    if character in SPACES:
        return character if lines and character == "\n" else " "
    return "\ufffd" if unicodedata.category(character) in STEERING and character not in JOINERS else character


def csv_cell(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula, and that steers no terminal. Numbers stay numbers."""
    if not isinstance(value, str):
        return value
    text = terminal_text(value, lines=True)
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text

"""The text of others: well-formed, and safe for a terminal, which it must not steer, and for a cell of CSV.

And a number of things in words. Pure.
"""

from __future__ import annotations

import unicodedata
from typing import Any


def well_formed(text: str) -> str:
    """Return text that every browser and every hash reads alike: lone surrogates become U+FFFD."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def terminal_text(text: str, lines: bool = False) -> str:
    """Replace every character that would steer a terminal. ``lines``: newlines stay, else they become spaces."""
    if text.isprintable():
        return text
    steering = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")  # controls, escapes, bidi controls, what shows nothing
    joiners = "\u200c\u200d"  # of Persian words and of emojis
    plain = []
    for character in text.replace("\r\n", "\n"):
        if character in "\t\n":
            plain.append(character if lines and character == "\n" else " ")
        else:
            is_steering = unicodedata.category(character) in steering and character not in joiners
            plain.append("\ufffd" if is_steering else character)
    return "".join(plain)


def quantity(count: int, noun: str, plural: str | None = None) -> str:
    """Write how many there are of something: "1 page", "2 pages", "2 people"."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def csv_cell(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula, and that steers no terminal. Numbers stay numbers."""
    if not isinstance(value, str):
        return value
    text = terminal_text(value, lines=True)
    formula = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # also in their full width
    return f"'{text}" if text.lstrip().startswith(formula) else text

"""HTML as plain text, in one pass: whatever a visitor writes, the time grows with its length alone.

The standard library's parser does not do here: in Python 3.11.7 it takes 9 s for 70 kB of ``<a x='`` and raises an
``AssertionError`` for ``<![``.
"""

from __future__ import annotations

from contextlib import suppress
from html import unescape

BLOCKS = frozenset(
    "address article aside blockquote br dd div dl dt figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li "
    "main nav ol p pre section table tr ul".split()
)
UNSEEN = frozenset({"script", "style", "title"})


def to_text(markup: str) -> str | None:
    """The words of it: block elements become line breaks and entities characters. None where there are none.

    ``<`` begins a tag only before a letter, ``/``, ``!`` or ``?``, and only where the tag also ends.
    """
    pieces: list[str] = []
    start = position = 0
    while (opening := markup.find("<", position)) >= 0:
        name, end = _tag(markup, opening)
        if end is None:  # no tag ends from here on
            break
        if not name:
            position = opening + 1
            continue
        pieces += [_characters(markup[start:opening]), "\n" if name in BLOCKS else ""]
        is_opening = markup[opening + 1] != "/"
        start = position = _after(markup, name, end) if name in UNSEEN and is_opening else end
    pieces.append(_characters(markup[start:]))
    lines = (" ".join(line.split()) for line in "".join(pieces).split("\n"))
    return "\n".join(line for line in lines if line) or None


def _tag(markup: str, opening: int) -> tuple[str, int | None]:
    """The name of a tag in lower case, and where it ends. No name where there is no tag; None where it does not end."""
    if markup.startswith("<!--", opening):
        end = markup.find("-->", opening + 4)
        return "!", None if end < 0 else end + 3
    first = opening + (2 if markup.startswith("</", opening) else 1)
    letter = markup[first : first + 1]
    if letter in ("!", "?"):
        end = markup.find(">", first)
        return "!", None if end < 0 else end + 1
    if not (letter.isascii() and letter.isalpha()):
        return "", opening + 1
    name_end = first
    while name_end - first < 12 and markup[name_end : name_end + 1].isalnum():
        name_end += 1
    return markup[first:name_end].lower(), _end(markup, first)


def _end(markup: str, first: int) -> int | None:
    """Behind the ``>`` that ends a tag: one within a quoted value does not."""
    quote, before = "", ""
    for position in range(first, len(markup)):
        sign = markup[position]
        if quote:
            quote = "" if sign == quote else quote
        elif sign == ">":
            return position + 1
        elif sign in "\"'" and before == "=":
            quote = sign
        before = before if sign.isspace() else sign
    return None


def _after(markup: str, name: str, start: int) -> int:
    """Behind an element that nobody sees; the end of all where it does not end."""
    while (closing := markup.find("</", start)) >= 0:
        start = closing + 2
        if markup[start : start + len(name)].lower() == name:
            return _end(markup, start) or len(markup)
    return len(markup)


def _characters(piece: str) -> str:
    """What stands between two tags. In HTML a line break there is a space."""
    with suppress(ValueError):  # a number of thousands of digits
        piece = unescape(piece)
    return piece.replace("\n", " ")

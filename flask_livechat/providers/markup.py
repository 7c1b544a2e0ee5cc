"""HTML as plain text, in one pass: whatever a visitor writes, the time grows with its length alone.

The standard library's parser does not do here: in Python 3.11.7 it takes 9 s for 70 kB of ``<a x='`` and raises an
``AssertionError`` for ``<![``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from html import unescape

BLOCKS = frozenset(
    "address article aside blockquote br dd div dl dt figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li "
    "main nav ol p pre section table tr ul".split()
)


def to_text(markup: str) -> str | None:
    """The words of it: block elements become line breaks and entities characters. None where there are none.

    ``<`` begins a tag only before a letter, ``/``, ``!`` or ``?``, and only where the tag also ends.
    """
    lines = (" ".join(line.split()) for line in "".join(_Markup(markup).pieces()).split("\n"))
    return "\n".join(line for line in lines if line) or None


class _Markup:
    """A text with tags in it, which are found by their places."""

    def __init__(self, text: str) -> None:
        self._text = text

    def pieces(self) -> Iterator[str]:
        """What stands between tags, and line breaks in place of those of blocks."""
        start = position = 0
        while (opening := self._text.find("<", position)) >= 0:
            name, end = self._tag(opening)
            if end is None:  # no tag ends from here on
                break
            if not name:
                position = opening + 1
                continue
            yield self._characters(start, opening)
            if name in BLOCKS:
                yield "\n"
            is_unseen = name in ("script", "style", "title") and self._text[opening + 1] != "/"
            start = position = self._after(name, end) if is_unseen else end
        yield self._characters(start, len(self._text))

    def _tag(self, opening: int) -> tuple[str, int | None]:
        """A tag's name in lower case, and where it ends. No name where there is no tag; None where it does not end."""
        text = self._text
        if text.startswith("<!--", opening):
            end = text.find("-->", opening + 4)
            return "!", None if end < 0 else end + 3
        first = opening + (2 if text.startswith("</", opening) else 1)
        letter = text[first : first + 1]
        if letter in ("!", "?"):
            end = text.find(">", first)
            return "!", None if end < 0 else end + 1
        if not (letter.isascii() and letter.isalpha()):
            return "", opening + 1
        name_end = first
        while name_end - first < 12 and text[name_end : name_end + 1].isalnum():
            name_end += 1
        return text[first:name_end].lower(), self._end(first)

    def _end(self, first: int) -> int | None:
        """Behind the ``>`` that ends a tag: one within a quoted value does not."""
        quote, before = "", ""
        for position in range(first, len(self._text)):
            sign = self._text[position]
            if quote:
                quote = "" if sign == quote else quote
            elif sign == ">":
                return position + 1
            elif sign in "\"'" and before == "=":
                quote = sign
            before = before if sign.isspace() else sign
        return None

    def _after(self, name: str, start: int) -> int:
        """Behind an invisible element; the end of the text where it does not end."""
        while (closing := self._text.find("</", start)) >= 0:
            start = closing + 2
            if self._text[start : start + len(name)].lower() == name:
                return self._end(start) or len(self._text)
        return len(self._text)

    def _characters(self, start: int, end: int) -> str:
        """What stands between two tags. In HTML a line break there is a space."""
        piece = self._text[start:end]
        with suppress(ValueError):  # a number of thousands of digits
            piece = unescape(piece)
        return piece.replace("\n", " ")

"""Text to the words and stems that a search compares, and to pieces of words where no space parts them. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import snowballstemmer

from .stop_words import STOP_WORDS
from .synonyms import SYNONYMS

MAX_WORD_CHARS = 40  # what is longer is no word
MAX_CACHED = 20_000
# Thai, Lao, Burmese, Khmer, kana, Han, Hangul.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
RUN = re.compile(rf"[{UNSPACED}]+|(?:(?![{UNSPACED}])[^\W_])+")
IS_UNSPACED = re.compile(rf"[{UNSPACED}]")
LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ß": "ss", "þ": "th"})
STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi",
    "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "nb": "norwegian",
    "ne": "nepali", "nl": "dutch", "nn": "norwegian", "no": "norwegian", "pl": "polish", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
    "yi": "yiddish",
}  # fmt: skip
JOINING = ("da", "de", "et", "fi", "hu", "nb", "nl", "nn", "no", "sv")


@cache
def language_of(locale: str) -> Language:
    """Return how a locale's words are read. Regions of one language share it."""
    return _language(re.split(r"[-_]", locale)[0].lower())


@cache
def _language(tag: str) -> Language:
    name = STEMMERS.get(tag)
    stemmer = snowballstemmer.stemmer(name) if name in snowballstemmer.algorithms() else None
    language = Language(stemmer, frozenset(map(fold, STOP_WORDS.get(tag, ()))), tag in JOINING)
    for group in SYNONYMS.get(tag, ()):
        names = [name.replace("-", "") for name in group.split()]
        stems = {language.stem(name) for name in names}
        language.forms |= {fold(name): language.stem(name) for name in names}
        for stem in stems:
            language.synonyms.setdefault(stem, set()).update(stems)
    return language


@dataclass
class Language:
    """One language's stems. Each distinct word is stemmed once."""

    stemmer: Any
    stop_words: frozenset[str]
    joins_words: bool  # Kreditkarte
    synonyms: dict[str, set[str]] = field(default_factory=dict, repr=False)  # by stems
    forms: dict[str, str] = field(default_factory=dict, repr=False)  # of words that have synonyms, with their stems
    _stems: dict[str, str] = field(default_factory=dict, repr=False)

    def stem(self, word: str) -> str:
        """Return the stem of a word in lower case, without accents, as the index has it."""
        stem = self._stems.get(word)
        if stem is None:
            if len(self._stems) >= MAX_CACHED:
                self._stems.clear()
            stem = self._stems[word] = token(self.plain_stem(word))
        return stem

    def plain_stem(self, word: str) -> str:
        """Return the stem of a word in lower case, without accents, as people read it."""
        return fold(self.stemmer.stemWord(word) if self.stemmer else word)

    def says_something(self, word: str, after: str) -> bool:
        """Whether a question is about a word, or about it with the one after it: to get in."""
        return not self.is_stop_word(word) or fold(word + after) in self.forms

    def is_stop_word(self, word: str) -> bool:
        """Whether a word says nothing about what a question is about, be it written without accents."""
        return fold(word) in self.stop_words or (len(word) == 1 and not word.isdigit() and not IS_UNSPACED.match(word))


def fold(word: str) -> str:
    """Return a word without accents, as people type it who have no time for them."""
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFKD", word.translate(LETTERS))
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return unicodedata.normalize("NFC", plain)


def token(term: str) -> str:
    """Return a term in ASCII: what is a letter in other scripts depends on the version of SQLite."""
    return term if term.isascii() else f"u{term.encode().hex()}"


def words(text: str) -> Iterator[str]:
    """Yield the words of a text in lower case; of a run of unspaced letters, each two and each three in a row."""
    for match in RUN.finditer(unicodedata.normalize("NFKC", text).lower()):
        run = match[0]
        if IS_UNSPACED.match(run):
            yield from pieces(run)
        elif len(run) <= MAX_WORD_CHARS:
            yield run


def pieces(run: str) -> Iterator[str]:
    """Yield each two and each three letters in a row: a word has often two, and its search finds it by these."""
    if len(run) == 1:
        yield run
    for size in (2, 3):
        yield from (run[start : start + size] for start in range(len(run) - size + 1))

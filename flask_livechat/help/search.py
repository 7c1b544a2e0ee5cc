"""The search: SQLite's FTS5 over stems, in one file that all processes share. Knows no app."""

from __future__ import annotations

import hashlib
import math
import os
import re
import sqlite3
import tempfile
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, pairwise, takewhile
from pathlib import Path
from threading import Lock

from ..system import in_children, make_private
from . import markdown
from .articles import Article, Articles
from .words import IS_UNSPACED, Language, fold, language_of, words

VERSION = 2  # of what is in the file
MAX_QUERY_CHARS = 120
MAX_QUERY_WORDS = 16
MAX_CANDIDATES = 20
EXCERPT_CHARS = 160
WEIGHTS = (8.0, 6.0, 3.0, 1.0)  # of title, keywords, description, body
SUBJECT = (1.0, 1.0, 0.8, 0.6)  # of the same: how surely a word there says what the article is about
FLOOR = 0.32  # the least share of a question that an article must answer
NEAR_WEIGHT = 0.8  # of a word that is like what was asked for, or a part of it
SYNONYM_WEIGHT = 0.8
UNKNOWN_WEIGHT = 0.8  # of a word that is in no article, against one that is in a single one
COMMON = math.log(2)  # the rarity of what is in every other article
BM25_SHARE = 0.2  # of the score: it tells apart what answers the same share of a question
MIN_TYPO_CHARS, LONG_WORD_CHARS = 4, 8  # no typo is looked for in shorter words; two may be in long ones
MIN_PART_CHARS = 4
MIN_BEGINNING_CHARS, BEGINNING_SHARE = 5, 0.65  # what two words have in common that are forms of one
LINKS = ("s", "n", "en", "es")
PREFIX = "livechat-articles-"
KEEP_FILES = 3  # of this deployment, of the one before it, and one to spare
SCHEMA = """
CREATE VIRTUAL TABLE {docs} USING fts5(title, keywords, description, body, content='',
                                       tokenize=ascii);
CREATE TABLE {docs}_terms (term TEXT PRIMARY KEY, articles INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE {docs}_forms (form TEXT PRIMARY KEY, term TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE {docs}_places (term TEXT, row INTEGER, share REAL, PRIMARY KEY (term, row)) WITHOUT ROWID;
CREATE TABLE {docs}_pieces (piece TEXT, form TEXT, PRIMARY KEY (piece, form)) WITHOUT ROWID;
"""
COUNTS = "SELECT term, articles FROM {docs}_terms WHERE term IN ({marks})"
TERM = "SELECT term FROM {docs}_forms WHERE form = ?"
BEGINNING = "SELECT form FROM {docs}_forms WHERE form >= ? AND form < ?"
NEAR = "SELECT DISTINCT form FROM {docs}_pieces WHERE piece IN ({marks})"
BEST = "SELECT rowid, -bm25({docs}, ?, ?, ?, ?) FROM {docs} WHERE {docs} MATCH ? ORDER BY 2 DESC LIMIT ?"
PLACES = "SELECT term, row, share FROM {docs}_places WHERE term IN ({marks}) AND row IN ({rows})"
INSERT = "INSERT INTO {docs} (rowid, title, keywords, description, body) VALUES (?, ?, ?, ?, ?)"
INSERT_FORM = "INSERT INTO {docs}_forms VALUES (?, ?)"
INSERT_TERM = "INSERT INTO {docs}_terms VALUES (?, ?)"
INSERT_PLACE = "INSERT INTO {docs}_places VALUES (?, ?, ?)"
INSERT_PIECE = "INSERT OR IGNORE INTO {docs}_pieces VALUES (?, ?)"


@dataclass(frozen=True, slots=True)
class Result:
    """An article that answers a question."""

    #: The article.
    article: Article
    #: How well it answers: the higher, the likelier. Only good for comparing results of one search.
    score: float
    #: The words around the match, as plain text.
    excerpt: str

    @property
    def path(self) -> str:
        """The article's path."""
        return self.article.path

    @property
    def locale(self) -> str:
        """The article's language."""
        return self.article.locale

    @property
    def title(self) -> str:
        """The article's title."""
        return self.article.title

    @property
    def url(self) -> str | None:
        """Where visitors read the article."""
        return self.article.url


@dataclass(eq=False)
class Index:
    """The index of a folder's articles, opened or made on the first search. ``place`` is the folder of its file."""

    place: Path
    _connection: sqlite3.Connection | None = field(default=None, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        in_children(self, Index._begin_anew)

    def search(self, articles: Articles, text: str, locale: str, limit: int) -> list[Result]:
        """Return the published articles in a language that answer a question, the best first."""
        published = articles.published(locale)
        if not published or limit <= 0:
            return []
        docs, language = f"docs_{articles.locales.index(locale)}", language_of(locale)
        with self._lock:
            if self._connection is None:
                self._connection = open_index(articles, self.place)
            try:
                ranked = rank(self._connection, docs, language, text, len(published))
            except sqlite3.DatabaseError:  # somebody has damaged the file
                self._connection = open_index(articles, self.place, anew=True)
                ranked = rank(self._connection, docs, language, text, len(published))
        return [Result(published[row], score, excerpt(published[row])) for row, score in ranked[:limit]]

    def _begin_anew(self) -> None:
        """In a fork: a connection is its process's own, and the lock may be held by a thread that is not here."""
        self._lock, self._connection = Lock(), None


def rank(
    connection: sqlite3.Connection, docs: str, language: Language, text: str, count: int
) -> list[tuple[int, float]]:
    """Return the rows of the articles that answer a question, with a score, the best first."""
    known = Vocabulary(connection, docs, language)
    asked = [terms for pair in question_words(text, language) for terms in known.resolve(*pair)]
    rarity = known.rarity({term for terms in asked for term in terms}, count)
    if not rarity:
        return []
    telling = [term for term in rarity if rarity[term] > COMMON] or [*rarity]  # the others count nothing for bm25
    match = " OR ".join(f'"{term}"' for term in telling)
    scores = dict(connection.execute(BEST.format(docs=docs), [*WEIGHTS, match, MAX_CANDIDATES]))
    marks, rows = ", ".join("?" * len(rarity)), ", ".join(map(str, scores))
    found_in = connection.execute(PLACES.format(docs=docs, marks=marks, rows=rows), [*rarity])
    places = {(term, row): share for term, row, share in found_in}
    worth = [max((rarity.get(term, 0) for term in terms), default=0) for terms in asked]
    unknown = worth.count(0) * math.log(1 + count) * UNKNOWN_WEIGHT
    whole = sum(worth) + min(unknown, sum(worth))
    shares = dict.fromkeys(scores, 0.0)
    for terms, most in zip(asked, worth, strict=True):
        for row in scores:
            answered = max((weight * places.get((term, row), 0) for term, weight in terms.items()), default=0)
            shares[row] += answered * most / whole
    top = max(scores.values(), default=0) or 1
    ranked = [(row, shares[row] + BM25_SHARE * scores[row] / top) for row in scores if shares[row] >= FLOOR]
    return sorted(ranked, key=lambda item: (-item[1], item[0]))


def question_words(text: str, language: Language) -> list[tuple[str, str]]:
    """Return the words that say what a question is about, each once, and the word after each in the text."""
    row = [*words(text[:MAX_QUERY_CHARS]), ""]
    pairs = {word: after for word, after in pairwise(row) if language.says_something(word, after)}
    return [*pairs.items()][:MAX_QUERY_WORDS]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of one language's articles, and the terms that the index has for them."""

    connection: sqlite3.Connection
    docs: str
    language: Language

    def resolve(self, word: str, after: str) -> list[dict[str, float]]:
        """Return the terms that a word of a question may stand for, and how surely: 1 is the word itself.

        A word that is made of two others stands for each of them.
        """
        form, stem = fold(word), self.language.stem(word)
        known = {term for term in (self._term(form), self._term(form + fold(after))) if term}
        if known:
            return [self._with_synonyms({*known, stem}, 1.0)]
        terms = {term for term in [self._stem(stem)] if term}
        parts = [] if terms else self._parts(form)
        if parts:
            return [self._with_synonyms({part}, NEAR_WEIGHT) for part in parts]
        similar = self._nearest(form) if terms else self._similar(word)  # a word with a typo may have another's stem
        near = self._with_synonyms({similar}, NEAR_WEIGHT) if similar else {}
        return [near | self._with_synonyms(terms, 1.0)]

    def _similar(self, word: str) -> str | None:
        """Return the term of the word that was meant: its umlauts are two letters, it has a typo, or an odd ending."""
        form, stem = fold(word), self.language.plain_stem(word)
        term = self._term(re.sub("(?<=[aou])e", "", form)) or self._nearest(form)
        if term is None and len(stem) > MIN_BEGINNING_CHARS:
            term = self._nearest(stem)
        return term or self._same_beginning(form)

    def _with_synonyms(self, terms: set[str], weight: float) -> dict[str, float]:
        synonyms = {name for term in terms for name in self.language.synonyms.get(term, ())}
        return dict.fromkeys(sorted(synonyms), weight * SYNONYM_WEIGHT) | dict.fromkeys(sorted(terms), weight)

    def rarity(self, terms: set[str], count: int) -> dict[str, float]:
        """Return how much each term says: the fewer articles have it, the more."""
        marks = ", ".join("?" * len(terms))
        rows = self.connection.execute(COUNTS.format(docs=self.docs, marks=marks), [*terms])
        return {term: math.log(1 + (count - n + 0.5) / (n + 0.5)) for term, n in rows}

    def _term(self, form: str) -> str | None:
        """Return the term of a word that is in the articles as it is, be it without accents."""
        row = self.connection.execute(TERM.format(docs=self.docs), [form]).fetchone()
        return row and str(row[0])

    def _stem(self, stem: str) -> str | None:
        row = self.connection.execute(COUNTS.format(docs=self.docs, marks="?"), [stem]).fetchone()
        return row and stem

    def _parts(self, form: str) -> list[str]:
        """Return the terms of the two words that a word is made of."""
        for parts in splits(form):
            terms = [term for part in parts if (term := self._term(part))]
            if len(terms) == len(parts):
                return terms
        return []

    def _nearest(self, form: str) -> str | None:
        """Return the term of the word that differs least, by a letter or two. None where all differ more."""
        if len(form) < MIN_TYPO_CHARS:
            return None
        pieces = [*without_one(form)]
        marks = ", ".join("?" * len(pieces))
        rows = self.connection.execute(NEAR.format(docs=self.docs, marks=marks), pieces)
        distances = sorted((distance(form, other), other) for (other,) in rows if may_be_meant(form, other))
        if not distances or distances[0][0] > (1 if len(form) < LONG_WORD_CHARS else 2):
            return None
        return self._term(distances[0][1])

    def _same_beginning(self, form: str) -> str | None:
        """Return the term of the word that begins most like this one. None where no word is like it for long enough."""
        beginning = form[:MIN_BEGINNING_CHARS]
        if len(beginning) < MIN_BEGINNING_CHARS:
            return None
        rows = self.connection.execute(BEGINNING.format(docs=self.docs), [beginning, beginning + "\U0010ffff"])
        share, best = max(((common(form, other), other) for (other,) in rows), default=(0.0, ""))
        return self._term(best) if share >= BEGINNING_SHARE else None


def common(word: str, other: str) -> float:
    """Return how much of the longer one of two words is the beginning of both."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(word, other, strict=False))
    return sum(1 for _ in same) / max(len(word), len(other))


def without_one(form: str) -> set[str]:
    """Return a word, and the word without each one of its letters: what two words share that differ by a typo."""
    return {form, *(form[:n] + form[n + 1 :] for n in range(len(form)))}


def may_be_meant(form: str, other: str) -> bool:
    """Whether a word may be another with a typo. In a short one two letters are swapped, or the last one is missing."""
    is_like = len(form) > MIN_TYPO_CHARS or sorted(form) == sorted(other) or other[:-1] == form
    return other[0] == form[0] and is_like


def distance(word: str, other: str) -> int:
    """Return how many letters were left out, added, changed or swapped between two words."""
    rows: list[list[int]] = [[*range(len(other) + 1)]]
    for n, letter in enumerate(word, 1):
        before, row = rows[-1], [n]
        for m, wanted in enumerate(other, 1):
            row.append(min(before[m] + 1, row[m - 1] + 1, before[m - 1] + int(letter != wanted)))
            if n > 1 < m and letter == other[m - 2] and word[n - 2] == wanted:
                row[m] = min(row[m], rows[-2][m - 2] + 1)
        rows.append(row)
    return rows[-1][-1]


def splits(word: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to read a word as two, with a letter between them that only joins: Kunden(s)chutz."""
    for end in range(MIN_PART_CHARS, len(word) - MIN_PART_CHARS + 1):
        yield word[:end], word[end:]
        for link in LINKS:
            if word[end:].startswith(link) and len(word) - end - len(link) >= MIN_PART_CHARS:
                yield word[:end], word[end + len(link) :]


# The file.


def open_index(articles: Articles, place: Path, anew: bool = False) -> sqlite3.Connection:
    """Open the file of these articles' index, made where it is not there. In memory where it cannot be made."""
    name = hashlib.sha256(
        f"{VERSION} {sqlite3.sqlite_version} {articles.locales} {articles.digest}".encode()
    ).hexdigest()
    file = place / f"{PREFIX}{name[:24]}.sqlite3"
    with suppress(OSError, sqlite3.Error):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if anew:
            file.unlink(missing_ok=True)
        if not file.exists():
            with _one_process(place / f"{PREFIX}lock"):
                if not file.exists():  # else another process came first
                    _make_file(articles, file)
        return _read_only(file)
    memory = sqlite3.connect(":memory:", check_same_thread=False)
    fill(memory, articles)
    return memory


def _read_only(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
    connection.execute("SELECT count(*) FROM docs_0_forms").fetchone()
    return connection


@contextmanager
def _one_process(path: Path) -> Iterator[None]:
    """Let one process in at a time. Without such locks each process makes the file, which does no harm."""
    make_private(path, create=True)
    with path.open("rb") as lock:
        with suppress(ImportError, OSError):
            import fcntl  # noqa: PLC0415 - Windows has none

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make_file(articles: Articles, file: Path) -> None:
    """Make the file beside its place and move it there: a reader sees a whole file or none."""
    descriptor, name = tempfile.mkstemp(".making", PREFIX, file.parent)  # which only its owner may read
    os.close(descriptor)
    try:
        with closing(sqlite3.connect(name)) as connection:
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            fill(connection, articles)
        os.replace(name, file)
    finally:
        Path(name).unlink(missing_ok=True)
    others = sorted(file.parent.glob(f"{PREFIX}*.sqlite3"), key=lambda path: path.stat().st_mtime)
    for old in others[:-KEEP_FILES]:
        old.unlink(missing_ok=True)


def fill(connection: sqlite3.Connection, articles: Articles) -> None:
    """Write the index of all languages."""
    for number, locale in enumerate(articles.locales):
        docs, language = f"docs_{number}", language_of(locale)
        connection.executescript(SCHEMA.format(docs=docs))
        published = articles.published(locale)
        seen: dict[str, str] = {}  # each distinct word, which all places of it share
        texts = [_texts(article, seen) for article in published]
        terms = _terms(seen, language)
        rows = [[[term for word in column for term in terms[word]] for column in columns] for columns in texts]
        connection.executemany(INSERT.format(docs=docs), ((n, *map(" ".join, row)) for n, row in enumerate(rows)))
        counts = Counter(term for row in rows for term in set(chain.from_iterable(row)))
        connection.executemany(INSERT_TERM.format(docs=docs), counts.items())
        places = ((term, n, share) for n, row in enumerate(rows) for term, share in _shares(row).items())
        connection.executemany(INSERT_PLACE.format(docs=docs), places)
        forms = language.forms | {fold(word): terms[word][0] for word in sorted(seen) if terms[word]}
        connection.executemany(INSERT_FORM.format(docs=docs), sorted(forms.items()))
        pieces = ((piece, form) for form in forms if _may_have_typos(form) for piece in without_one(form))
        connection.executemany(INSERT_PIECE.format(docs=docs), pieces)
    connection.commit()


def _texts(article: Article, seen: dict[str, str]) -> list[list[str]]:
    """Return the words of each column of an article."""
    columns = (article.title, " ".join(article.keywords), article.description, markdown.plain(article.body))
    return [[seen.setdefault(word, word) for word in words(column)] for column in columns]


def _shares(row: list[list[str]]) -> dict[str, float]:
    """Return how surely each term of an article says what it is about: by the best of its columns."""
    return {term: share for share, column in sorted(zip(SUBJECT, row, strict=True)) for term in column}


def _terms(seen: Iterable[str], language: Language) -> dict[str, list[str]]:
    """Return the terms of each word: its stem, and those of its parts. Stop words have none."""
    forms = {fold(word): word for word in seen}
    terms = {word: [] if language.is_stop_word(word) else [language.stem(word)] for word in seen}
    for word in seen if language.joins_words else ():
        parts = next((part for part in splits(fold(word)) if forms.keys() >= {*part}), ())
        terms[word] += [stem for part in parts for stem in terms[forms[part]][:1]]
    return terms


def _may_have_typos(form: str) -> bool:
    return len(form) >= MIN_TYPO_CHARS and not form.isdigit() and not IS_UNSPACED.match(form)


def excerpt(article: Article) -> str:
    """Return what an article says of itself, else its beginning."""
    words = article.description or markdown.plain(article.body[: 5 * EXCERPT_CHARS])
    return textwrap.shorten(words[: 2 * EXCERPT_CHARS], EXCERPT_CHARS, placeholder=" …")  # which reads all that it gets

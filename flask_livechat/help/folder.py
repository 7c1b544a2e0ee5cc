"""Reading a folder of Markdown: each file is an article, or a problem with its line. Knows no app."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from frontmatter.default_handlers import YAMLHandler

from . import markdown
from .articles import DRAFT, PUBLISHED, Article, ArticleProblem, Category, Folder

LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")
SEGMENT = re.compile(r"\w[\w.~-]*")
IMAGES = (".avif", ".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp")
MAX_BYTES = 1_000_000
MAX_IMAGE_BYTES = 10_000_000
FENCE = re.compile(r"^-{3,}[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a front matter, and its line in the file."""

    value: Any
    line: int


@dataclass(frozen=True, slots=True)
class Check:
    """How a field is read (None: it is wrong), what it is where it is absent, and what a right value is."""

    default: Any
    read: Callable[[Any], Any]
    expected: str


def _text(value: Any) -> str | None:
    return " ".join(value.split()) or None if isinstance(value, str) else None


def _texts(value: Any) -> tuple[str, ...] | None:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) and item.strip() for item in items):
        return None
    return tuple(" ".join(item.split()) for item in items)


def _paths(value: Any) -> tuple[str, ...] | None:
    paths = tuple(path.strip("/").removesuffix(".md") for path in _texts(value) or ())
    return paths if paths and all(SEGMENT.fullmatch(part) for path in paths for part in path.split("/")) else None


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1_000_000 else None


def _url(value: Any) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(r"https?://[^\s/?#\\]+[^\s\\]*", value) else None


CHECKS: Mapping[str, Check] = {
    "title": Check("", _text, "text, in quotes where it is a number, a date, yes or no"),
    "description": Check("", _text, "text, in quotes where it is a number, a date, yes or no"),
    "state": Check(PUBLISHED, lambda value: value if value in (PUBLISHED, DRAFT) else None, "published or draft"),
    "keywords": Check((), _texts, "a list of words, such as [refund, money back]"),
    "order": Check(0.0, _number, "a number"),
    "moved_from": Check((), _paths, "a list of paths that the article has had, such as [billing/old-name]"),
    "url": Check(None, _url, "an address that begins with https://"),
}


class Unreadable(Exception):
    """A file is no article: the line, what is wrong, and what to do."""

    def __init__(self, line: int, what: str, fix: str) -> None:
        super().__init__(what)
        self.line, self.what, self.fix = line, what, fix


@dataclass
class Reader:
    """Reads one folder. ``page_url`` gives the path of our own page of an article, where there are such pages."""

    root: Path
    page_url: Callable[[str, str], str | None]
    problems: list[ArticleProblem] = field(default_factory=list)
    articles: list[Article] = field(default_factory=list)
    categories: dict[tuple[str, str], Category] = field(default_factory=dict)
    images: set[str] = field(default_factory=set)

    def read(self, preferred: str | None) -> Folder:
        """Return all that can be read, and what is wrong with the rest. ``preferred`` is ``LIVECHAT_LOCALE``."""
        for file in files(self.root, self.problems):
            if file.lower().endswith(IMAGES):
                self.images.add(file)
            elif file.endswith(".md"):
                try:
                    self._read(file)
                except Unreadable as error:
                    self.problems.append(ArticleProblem(file, error.line, error.what, error.fix))
        locales = _ordered({article.locale for article in self.articles}, preferred)
        self.articles.sort(key=lambda article: (locales.index(article.locale), self._place(article)))
        return Folder(
            tuple(self.articles), self.categories, frozenset(self.images), locales, tuple(sorted(self.problems))
        )

    def _read(self, file: str) -> None:
        locale, _, rest = file.partition("/")
        if not rest or not LOCALE.fullmatch(locale):
            fix = "Articles are in the folder of their language, such as en/billing/card-declined.md."
            self.problems.append(ArticleProblem(file, 1, "is in no language's folder", fix, is_error=False))
            return
        path = rest.removesuffix(".md")
        if not all(map(SEGMENT.fullmatch, path.split("/"))):
            raise Unreadable(1, "has a name that cannot be an address", "Use letters, digits, - and _ only.")
        meta, body, line = split(_text_of(self.root / file))
        values = self._values(file, meta)
        for name in _folders(path):
            self.categories.setdefault((locale, name), Category(name, locale, _words(name)))
        title, body = self._title(file, values["title"], body, line)
        line += len(body) - len(body.lstrip("\n"))
        if path.rpartition("/")[2] == "index":
            category = path.rpartition("/")[0]
            self.categories[locale, category] = Category(
                category, locale, title, values["description"], values["order"]
            )
            return
        self.articles.append(
            Article(
                path,
                locale,
                title,
                values["description"],
                values["state"],
                body.strip("\n"),
                values["url"] or self.page_url(locale, path),
                values["keywords"],
                values["order"],
                values["moved_from"],
                file,
                line,
                values["url"] is not None,
            )
        )

    def _place(self, article: Article) -> tuple[Any, ...]:
        folders = [self.categories[article.locale, name] for name in _folders(article.path)]
        return (*((folder.order, folder.path) for folder in folders), (article.order, article.path))

    def _title(self, file: str, title: str, body: str, line: int) -> tuple[str, str]:
        """Return the title, and the body without it. An article has one title, which is in one place."""
        headings = markdown.headings(body)
        first = headings[0] if headings else None
        if first and (not title or (first.level == 1 and first.text == title)):
            lines = body.split("\n")
            lines[first.start : first.end] = [""] * (first.end - first.start)  # the others keep their numbers
            title, body, headings = first.text, "\n".join(lines), headings[1:]
        if not title:
            raise Unreadable(line, "has no title", "Write title: … into the front matter, or # … above the text.")
        for heading in headings:
            if heading.level == 1:
                what = f"has two titles, {title!r} and {heading.text!r}"
                fix = "Write ## before a heading within the article."
                self.problems.append(ArticleProblem(file, line + heading.start, what, fix))
        return title, body

    def _values(self, file: str, meta: Mapping[str, Field]) -> dict[str, Any]:
        """Check the fields of a front matter. A field that is wrong counts as absent, and is a problem."""
        values = {name: check.default for name, check in CHECKS.items()}
        for name, given in meta.items():
            if name not in CHECKS:
                near = difflib.get_close_matches(name, CHECKS, 1)
                fix = f"Did you mean {near[0]}?" if near else f"The fields are {', '.join(CHECKS)}."
                self.problems.append(ArticleProblem(file, given.line, f"{name!r} is not a field", fix, is_error=False))
                continue
            value = CHECKS[name].read(given.value)
            if value is None:
                fix = f"It must be {CHECKS[name].expected}."
                self.problems.append(ArticleProblem(file, given.line, f"{name} is not right", fix))
            else:
                values[name] = value
        return values


def files(root: Path, problems: list[ArticleProblem]) -> Iterator[str]:
    """Yield the files below a folder by name, hidden ones left out. What leads out of the folder is a problem."""
    inside = root.resolve()
    for folder, names, file_names in os.walk(root):
        here = Path(folder)
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted([*file_names, *(name for name in names if (here / name).is_symlink())]):
            path = here / name
            file = path.relative_to(root).as_posix()
            if name.startswith("."):
                continue
            if path.is_symlink() and (path.is_dir() or not path.resolve().is_relative_to(inside)):
                fix = "Put the file itself into the folder."
                problems.append(ArticleProblem(file, 1, "is a link out of the folder, or to another one", fix))
            elif path.is_file():
                yield file


def _text_of(path: Path) -> str:
    """Return the text of a file, as it is or as an error that says why not."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Unreadable(1, f"is larger than {MAX_BYTES // 1000} KB", "Split it: an article answers one question.")
        data = path.read_bytes()
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Unreadable(line, "is not in UTF-8", "Save it as UTF-8.") from None
    except OSError as error:
        raise Unreadable(1, f"cannot be read: {error.strerror}", "Give the app the right to read it.") from None


def split(text: str) -> tuple[dict[str, Field], str, int]:
    """Return the fields of a text's front matter, its body, and the line that the body begins in."""
    if not FENCE.match(text):
        return {}, text, 1
    if len(FENCE.findall(text)) < 2:
        raise Unreadable(1, "has a front matter without an end", "Write --- in the line after its last field.")
    handler = YAMLHandler(fm_boundary=FENCE)
    matter, body = handler.split(text)
    line = text.count("\n") - body.count("\n") + 1
    try:
        values, node = handler.load(matter), yaml.compose(matter, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        what = f"has a front matter that is not YAML: {error.problem}"
        raise Unreadable(line, what, "Put texts with a colon, a quote or a # in quotes.") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise Unreadable(1, "has a front matter that is not YAML", "Write one field a line: title: …") from None
    if values is None:
        return {}, body, line
    if not isinstance(values, dict) or not isinstance(node, yaml.MappingNode):
        raise Unreadable(2, "has a front matter without fields", "Write one field a line: title: …")
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if key.value in lines:
            what = f"has two fields with the name {key.value}"
            raise Unreadable(key.start_mark.line + 1, what, "Take one of them out.")
        lines[key.value] = key.start_mark.line + 1
    return {str(name): Field(value, lines.get(str(name), 2)) for name, value in values.items()}, body, line


def _folders(path: str) -> list[str]:
    """Return the folders that a path is in, the outermost first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[: end + 1]) for end in range(len(parts))]


def _words(name: str) -> str:
    """Return a folder's name as a title."""
    text = re.sub(r"[-_]+", " ", name.rpartition("/")[2])
    return text[:1].upper() + text[1:]


def _ordered(locales: set[str], preferred: str | None) -> tuple[str, ...]:
    """Return the languages, the default one first: the preferred one if it is there, else English, else the first."""
    known = sorted(locales)
    by_tag = {locale.lower().replace("_", "-"): locale for locale in known}
    wanted = ((preferred or "en").lower().replace("_", "-"), "en")
    default = next((by_tag[tag] for tag in wanted if tag in by_tag), None)
    return tuple(known if default is None else [default, *(locale for locale in known if locale != default)])

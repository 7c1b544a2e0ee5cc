"""HTML, templates and scripts -> what the checks ask of them. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bs4 import BeautifulSoup, Tag
from jinja2 import Environment, nodes

from .findings import Place


@dataclass(frozen=True, slots=True)
class Script:
    """A script element, or a whole file of JavaScript."""

    place: Place
    src: str
    text: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    in_head: bool = False

    @property
    def said(self) -> str:
        """All that a sign of a vendor may stand in."""
        return f"{self.src}\n{self.text}"


class Document:
    """A page, or a template before it is one."""

    def __init__(self, html: str, place: Place) -> None:
        self.html, self.place = html, place

    @cached_property
    def soup(self) -> BeautifulSoup:
        return BeautifulSoup(self.html, "html.parser")

    def find(self, name: str, **attributes: Any) -> Iterator[Tag]:
        for found in self.soup.find_all(name, attrs=attributes):
            if isinstance(found, Tag):
                yield found

    @cached_property
    def scripts(self) -> tuple[Script, ...]:
        return tuple(self._script(tag) for tag in self.find("script"))

    @cached_property
    def code(self) -> tuple[Script, ...]:
        """The scripts that run: a data block does not."""
        return tuple(script for script in self.scripts if "json" not in script.attributes.get("type", ""))

    @cached_property
    def block(self) -> Tag | None:
        """Our data block."""
        found = self.soup.find("script", id="livechat")
        return found if isinstance(found, Tag) else None

    @cached_property
    def payload(self) -> dict[str, Any]:
        try:
            found = json.loads(self.block.string or "") if self.block else {}
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @cached_property
    def loader(self) -> Tag | None:
        """Our script tag: the one that follows the block."""
        found = self.block and self.block.find_next("script")
        return found if isinstance(found, Tag) else None

    def metas(self, name: str) -> list[str]:
        """The contents of ``<meta http-equiv=…>`` or ``<meta name=…>``."""
        found = [*self.find("meta")]
        return [
            text(tag, "content")
            for tag in found
            if name.lower() in (text(tag, "http-equiv").lower(), text(tag, "name").lower())
        ]

    def _script(self, tag: Tag) -> Script:
        attributes = {key: text(tag, key) for key in tag.attrs}
        line = tag.sourceline if self.place.file else None
        place = Place(self.place.name, line, self.place.file)
        return Script(place, attributes.get("src", ""), tag.get_text(), attributes, tag.find_parent("head") is not None)


def text(tag: Tag, attribute: str) -> str:
    """An attribute as text; an attribute of several words is a list to the parser."""
    found = tag.get(attribute)
    return " ".join(found) if isinstance(found, list) else str(found or "")


@dataclass(frozen=True)
class Template:
    """A template's source. ``calls``: the lines that call our tag."""

    place: Place
    source: str
    calls: tuple[int, ...]
    keys: tuple[tuple[str, int], ...]  # configuration keys that it writes into the page, and where

    @cached_property
    def document(self) -> Document:
        return Document(self.source, self.place)

    @property
    def is_email(self) -> bool:
        """By its name, as people call them."""
        parts = re.split(r"[/._-]", self.place.name.lower())
        return not {"email", "emails", "mail", "mails", "mailer", "newsletter", "newsletters"}.isdisjoint(parts)


def template(source: str, place: Place, environment: Environment) -> Template:
    """Raises ``jinja2.TemplateSyntaxError``."""
    tree = environment.parse(source)
    calls = [call.lineno for call in tree.find_all(nodes.Call) if _name(call.node) == "livechat"]
    return Template(place, source, tuple(calls), tuple(_config_keys(tree)))


def _name(node: nodes.Node) -> str | None:
    return node.name if isinstance(node, nodes.Name) else None


def _config_keys(tree: nodes.Template) -> Iterator[tuple[str, int]]:
    """``config.KEY``, ``config["KEY"]``, and the same of ``current_app.config``."""
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        if isinstance(node, nodes.Getattr):
            key: object = node.attr
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
            key = node.arg.value
        else:
            continue
        inner = node.node
        if _name(inner) == "config" or (isinstance(inner, nodes.Getattr) and inner.attr == "config"):
            yield str(key), node.lineno


@dataclass(frozen=True, slots=True)
class File:
    """A static file of text."""

    place: Place
    source: str

    @property
    def scripts(self) -> tuple[Script, ...]:
        if self.place.name.endswith((".html", ".htm")):
            return Document(self.source, self.place).code
        return (Script(self.place, "", self.source),) if self.place.name.endswith((".js", ".mjs", ".cjs")) else ()


def at(place: Place, source: str, position: int) -> Place:
    """The line of a position in a file; in a page lines say little."""
    return Place(place.name, source.count("\n", 0, position) + 1, True) if place.file else place


def without_jinja_comments(source: str, environment: Environment) -> str:
    """A comment's text replaced by its line breaks, so that lines keep their numbers."""
    start, end = (re.escape(sign) for sign in (environment.comment_start_string, environment.comment_end_string))
    return re.sub(f"{start}.*?{end}", lambda found: "\n" * found[0].count("\n"), source, flags=re.DOTALL)


def matches(pattern: str, sources: Iterable[Script]) -> Iterator[tuple[Script, re.Match[str]]]:
    compiled = re.compile(pattern)
    for script in sources:
        if (found := compiled.search(script.said)) is not None:
            yield script, found

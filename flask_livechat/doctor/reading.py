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
from jinja2.meta import find_referenced_templates

from .findings import Place

# Of JavaScript. Not what follows a colon, which is an address.
COMMENT = re.compile(r"/\*.{0,5000}?\*/|(?<![:'\"])//[^\n]*", re.DOTALL)


def is_whole_page(source: str, path: str, page: Document) -> bool:
    """Whether this is no part of a page, and no feed or style sheet in XML that is served as HTML.

    HTML needs none of the tags that a page has and a part of one has not, but a page has one of them or a doctype.
    """
    before_root = re.match(r"\ufeff?(?:\s|<\?.*?\?>|<!--.*?-->)*", source, re.DOTALL)
    root = source[before_root.end() if before_root else 0 :][:14].lower()
    xml = source.lstrip("\ufeff \t\r\n").startswith("<?xml") or root.startswith("<xsl:")
    if (xml and not root.startswith(("<html", "<!doctype html"))) or path.lower().endswith((".xml", ".xsl", ".xslt")):
        return False
    return root.startswith("<!doctype") or "frame" in page.has


@dataclass(frozen=True)
class Script:
    """A script element, or a whole file of JavaScript."""

    place: Place
    src: str
    text: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    in_head: bool = False

    @cached_property
    def code(self) -> str:
        """What runs: comments say much that is not so."""
        return COMMENT.sub(lambda match: "\n" * match[0].count("\n"), self.text)

    @property
    def searchable(self) -> str:
        """All that a sign of a vendor may stand in."""
        return f"{self.src}\n{self.code}"


# What is asked of a page as CSS selectors.
SELECTORS = {
    "frame": "html, head, body, title:not(svg title)",  # a picture has a title, too
    "private": "input[type=password], input[autocomplete^=cc-], "
    "input[name*=cardnum i], input[name*=card_num i], input[name*=card-num i]",
    "htmx": "[hx-boost], [data-hx-boost], [hx-get], [hx-target], script[src*=htmx]",
    # By these htmx changes the address, and then it keeps a copy of the page that is left.
    "htmx history": "[hx-boost=true], [data-hx-boost=true], "
    + ", ".join(
        f"[{hx}-{to}-url]:not([{hx}-{to}-url=false])" for to in ("push", "replace") for hx in ("hx", "data-hx")
    ),
    "turbo": "script[src*=turbo], [data-turbo-permanent], turbo-frame",
    "unpoly": "script[src*=unpoly], [up-main], [up-follow]",
    "no history": '[hx-history="false"], [data-hx-history="false"]',
}


@dataclass(frozen=True, slots=True)
class Document:
    """What the checks ask of a page, or of a template before it is one. The tree itself is not kept: it is large."""

    scripts: tuple[Script, ...]
    payload: Mapping[str, Any]  # of our data block
    nonce: str | None  # of our script; None without one
    loader: str  # the address of our script, as it is written; "" without one
    base: str  # of <base href>, which addresses are relative to; "" without one
    in_head: bool  # our tag
    left_behind: str | None  # why a swapped page leaves our tag as it was
    metas: tuple[tuple[str, str], ...]  # (name, content)
    has: frozenset[str]  # of SELECTORS

    @property
    def code(self) -> tuple[Script, ...]:
        """The scripts that run: a data block does not."""
        return tuple(script for script in self.scripts if "json" not in script.attributes.get("type", ""))

    def meta(self, name: str) -> list[str]:
        """The contents of ``<meta http-equiv=…>`` or ``<meta name=…>``."""
        return [content for key, content in self.metas if key == name.lower()]


def document(source: str, place: Place) -> Document:
    # Without its declaration: for XML the parser has a warning, and XHTML is a page as others are.
    declaration = r"\A\ufeff?\s*<\?xml[^>]{0,500}>"
    soup = BeautifulSoup(re.sub(declaration, lambda match: "\n" * match[0].count("\n"), source), "html.parser")
    heads = {id(tag) for head in soup.find_all("head") for tag in _tags(head.find_all("script"))}
    tags = _tags(soup.find_all("script"))
    block = next((tag for tag in tags if tag.get("id") == "livechat"), None)
    loader = block and block.find_next("script")
    return Document(
        scripts=tuple(_script(tag, place, id(tag) in heads) for tag in tags),
        payload=_payload(block),
        nonce=text(loader, "nonce") if isinstance(loader, Tag) else None,
        loader=text(loader, "src") if isinstance(loader, Tag) else "",
        base=next((text(tag, "href") for tag in _tags(soup.find_all("base", href=True))), ""),
        in_head=block is not None and id(block) in heads,
        left_behind=_left_behind(soup, block),
        metas=tuple(
            (name.lower(), text(tag, "content"))
            for tag in _tags(soup.find_all("meta"))
            for name in (text(tag, "http-equiv"), text(tag, "name"))
            if name
        ),
        has=frozenset(name for name, selector in SELECTORS.items() if soup.select_one(selector)),
    )


def _tags(elements: Iterable[Any]) -> list[Tag]:
    return [tag for tag in elements if isinstance(tag, Tag)]


def _payload(block: Tag | None) -> dict[str, Any]:
    try:
        data = json.loads(block.string or "") if block else {}
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _script(tag: Tag, place: Place, in_head: bool) -> Script:
    attributes = {key: text(tag, key) for key in tag.attrs}
    where = Place(place.name, tag.sourceline if place.file else None, place.file)
    return Script(
        where, attributes.get("src", ""), "".join(tag.find_all(string=True, recursive=False)), attributes, in_head
    )


def _left_behind(soup: BeautifulSoup, block: Tag | None) -> str | None:
    if block is None:
        return None
    above = {id(parent): parent for parent in block.parents}
    if any({"data-turbo-permanent", "hx-preserve"} & parent.attrs.keys() for parent in above.values()):
        return "the tag is inside of an element that is kept (data-turbo-permanent, hx-preserve)"
    boosted_ones = soup.select("[hx-boost=true], [data-hx-boost=true]")
    if boosted_ones and any(parent.name == "head" for parent in above.values()):
        return "htmx replaces the body, and the tag is in the head"
    for boosted in boosted_ones:
        target = text(boosted, "hx-target") or text(boosted, "data-hx-target")
        element = soup.select_one(target) if re.fullmatch(r"[#.]?[\w-]+", target) else None
        if element and element.name != "body" and id(element) not in above:
            return f"hx-boost replaces {target}, and the tag is outside of it"
    main = soup.select_one("[up-main]") or soup.select_one("main")
    if soup.select_one(SELECTORS["unpoly"]) and main and id(main) not in above:
        return "Unpoly replaces the main element, and the tag is outside of it"
    return None


def text(tag: Tag, attribute: str) -> str:
    """An attribute as text; an attribute of several words is a list to the parser."""
    value = tag.get(attribute)
    return " ".join(value) if isinstance(value, list) else str(value or "")


@dataclass(frozen=True)
class Template:
    """A template's source. ``calls``: the lines that call our tag."""

    place: Place
    name: str  # below the folder of its loader
    source: str
    calls: tuple[int, ...]
    above: frozenset[str]  # the templates that it extends or includes
    keys: tuple[tuple[str, int], ...]  # what of the configuration it writes into the page ("*": all), and where

    @cached_property
    def document(self) -> Document:
        return document(self.source, self.place)

    @property
    def is_email(self) -> bool:
        """By its folder or its whole name: change_email.html is a page. So is whatever has a form."""
        *folders, name = self.name.lower().split("/")
        words = {*folders, name.partition(".")[0].strip("_-")}
        is_mail = not words.isdisjoint("email emails mail mails mailer newsletter newsletters".split())
        return is_mail and not re.search(r"<form\b|\b(?:quick|render)_form\b|\bform\.", self.source, re.IGNORECASE)


def template(name: str, source: str, place: Place, environment: Environment) -> Template:
    """Raises ``jinja2.TemplateSyntaxError``."""
    tree = environment.parse(source)
    calls = tuple(call.lineno for call in tree.find_all(nodes.Call) if _name(call.node) == "livechat")
    above = frozenset(name for name in find_referenced_templates(tree) if name)
    # What a condition asks, or a default stands beside, is not written.
    written = [*tree.find_all(nodes.Output), *(loop.iter for loop in tree.find_all(nodes.For))]
    keys = tuple(key for node in written for key in _config_keys(node))
    # Only now: in a valid template each comment has its end. Its line breaks stay, so that lines keep their numbers.
    start, end = (re.escape(sign) for sign in (environment.comment_start_string, environment.comment_end_string))
    comment = re.compile(f"{start}.*?{end}", re.DOTALL)
    code = comment.sub(lambda match: "\n" * match[0].count("\n"), source)
    return Template(place, name, code, calls, above, keys)


def _name(node: nodes.Node) -> str | None:
    return node.name if isinstance(node, nodes.Name) else None


def _config_keys(node: nodes.Node) -> Iterator[tuple[str, int]]:
    """``{{ config.KEY }}`` and its other forms, with their lines."""
    if isinstance(node, nodes.CondExpr):
        inner: Iterable[nodes.Node] = [part for part in (node.expr1, node.expr2) if part is not None]
    elif isinstance(node, nodes.Getattr | nodes.Getitem | nodes.Call) and (key := _key_of_config(node)) is not None:
        yield key, node.lineno
        return
    elif _is_config(node):
        yield "*", node.lineno
        return
    else:
        inner = node.iter_child_nodes()
    for child in inner:
        yield from _config_keys(child)


def _key_of_config(node: nodes.Node) -> str | None:
    """KEY of ``config.KEY``, ``config["KEY"]`` and ``config.get("KEY")``; ``*`` where it names none."""
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) and _is_config(node.node.node):
        first = node.args[0] if node.args else None
        return str(first.value) if node.node.attr == "get" and isinstance(first, nodes.Const) else "*"
    if isinstance(node, nodes.Getattr) and _is_config(node.node):
        return node.attr
    if isinstance(node, nodes.Getitem) and _is_config(node.node):
        return str(node.arg.value) if isinstance(node.arg, nodes.Const) else "*"
    return None


def _is_config(node: nodes.Node) -> bool:
    """``config``, and that of ``app``, ``current_app`` or ``self.app``: ``ckeditor.config()`` is another."""
    if isinstance(node, nodes.Getattr) and node.attr == "config":
        owner = node.node.attr if isinstance(node.node, nodes.Getattr) else _name(node.node)
        return owner in ("app", "current_app")
    return _name(node) == "config"


@dataclass(frozen=True)
class File:
    """A static file of text."""

    place: Place
    source: str

    @cached_property
    def scripts(self) -> tuple[Script, ...]:
        if self.place.name.endswith((".html", ".htm")):
            return document(self.source, self.place).code
        is_script = self.place.name.endswith((".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".vue"))
        return (Script(self.place, "", self.source),) if is_script else ()


def at(place: Place, source: str, position: int) -> Place:
    """The line of a position in a file; in a page lines say little."""
    return Place(place.name, source.count("\n", 0, position) + 1, True) if place.file else place


def matches(pattern: str, sources: Iterable[Script]) -> Iterator[tuple[Script, re.Match[str]]]:
    compiled = re.compile(pattern)
    for script in sources:
        if (match := compiled.search(script.searchable)) is not None:
            yield script, match

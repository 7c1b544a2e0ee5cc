"""Markdown to HTML, and where its links lead. Raw HTML stays text, and an address is one of a few kinds. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote, unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

SCHEMES = ("http", "https", "mailto", "tel")
INVISIBLE = re.compile(r"[\x00-\x20\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# A link or an image of a line, as Markdown has it, or code, which stays as it is.
LINK = re.compile(
    r"(?P<code>^ {0,3}(?P<fence>```+|~~~+).*?(?:^ {0,3}(?P=fence)[`~]*[ \t]*$|\Z)"
    r"|(?<!`)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
    r"|(?P<bang>!?)\[(?P<text>(?:!\[[^\[\]]*\]\([^()\n]*\)|\\.|[^\[\]\\!]|!(?!\[)){0,1000})\]"
    r"\((?P<href><[^<>\n]*>|[^\s()<>]+)(?P<title>[ \t]+(?:\"[^\"\n]*\"|'[^'\n]*'))?\)"
    r"|^(?P<name> {0,3}\[[^\[\]\n]+\]:[ \t]*)(?P<target><[^<>\n]*>|\S+)",
    re.MULTILINE | re.DOTALL,
)
MAX_NESTING = 20  # lists in lists: deeper ones cost more time than anybody reads


@dataclass(frozen=True, slots=True)
class Target:
    """Where a link leads: a ``page`` or an ``image`` below the folder, the app's ``site``, ``external``, ``here``.

    ``fault`` says what is wrong with it, and ``fix`` what to write instead.
    """

    kind: str
    file: str = ""
    fragment: str = ""
    fault: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A link or an image in a text, and the line of the text that it begins in."""

    href: str
    line: int
    is_image: bool


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: its first line and the line after it, counted from 0."""

    level: int
    text: str
    start: int
    end: int


@cache
def _parser(html: bool = False) -> MarkdownIt:
    """``html``: raw HTML is recognized, to be complained about; else it is text."""
    parser = MarkdownIt("commonmark", {"html": html, "maxNesting": MAX_NESTING}).enable(["table", "strikethrough"])
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # ``target`` judges every address
    return parser


@cache
def _block_parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"maxNesting": MAX_NESTING}).enable("table").disable("inline")


def headings(text: str) -> list[Heading]:
    """Return the headings that are not within a list or a quotation. This reads no more than the blocks of the text."""
    tokens = _block_parser().parse(text)
    return [
        Heading(int(token.tag[1]), plain(tokens[n + 1].content), *token.map)
        for n, token in enumerate(tokens)
        if token.type == "heading_open" and token.level == 0 and token.map
    ]


def anchors(text: str) -> list[str]:
    """Return the name of each heading, as ``render`` gives it to links. The second one of a name gets a number."""
    names: list[str] = []
    for heading in headings(text):
        name = slug(heading.text)
        names.append(f"{name}-{count}" if (count := names.count(name)) else name)
    return names


def slug(text: str) -> str:
    return re.sub(r"[\W_]+", "-", text.casefold()).strip("-") or "section"


def plain(text: str) -> str:
    """Return Markdown as readers would say it: without addresses, marks and code fences."""
    text = re.sub(r"^\s*(```|~~~).*$|^\s*\[[^\]]+\]:.*$|^[\s|:-]+$", "", text, flags=re.MULTILINE)
    text = re.sub(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])?", r"\1", text)
    text = re.sub(r"<[^<>\s][^<>]*>|^\s*(?:#+|>|[-+*]|\d+[.)])\s|\|", " ", text, flags=re.MULTILINE)
    text = re.sub(r"(?<!\w)[*_~]+|[*_~]+(?!\w)|`|\\(?!\w)", "", text)  # no space: a word is often before a full stop
    return " ".join(text.split())


def target(file: str, href: str, pages: Container[str], images: Container[str]) -> Target:
    """Return where ``href`` in ``file`` leads. ``pages`` and ``images`` are what there is below the folder."""
    path, mark, fragment = href.partition("#")
    path, fragment = unquote(path.partition("?")[0]), mark + fragment
    if INVISIBLE.sub("", path) != path.strip(" ") or "\\" in path:
        return Target(
            "external", fault="has characters that browsers leave out or change", fix="Write it without them."
        )
    if scheme := SCHEME.match(path):
        return _external(scheme[1].lower())
    if not path:
        return Target("here", file, fragment)
    if path.startswith("//"):
        return Target("external", fault="has no scheme", fix="Write https: before it.")
    if path.startswith("/"):
        return Target("site", path, fragment)
    name = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
    if name == ".." or name.startswith(("../", "/")):
        fix = "Link to an article, or to a page of the site by its path, such as /pricing."
        return Target("page", fault="leads out of the folder", fix=fix)
    if name in images:
        return Target("image", name, fragment)
    if name in pages:
        return Target("page", name, fragment)
    return Target("page", name, fault="leads to nothing that is there", fix="Correct the path, or take the link out.")


def _external(scheme: str) -> Target:
    if scheme in SCHEMES:
        return Target("external")
    return Target("external", fault=f"is of the kind {scheme}:", fix=f"Link to one of {', '.join(SCHEMES)}.")


def quoted(path: str) -> str:
    return quote(path, safe="/~")


def inspect(text: str) -> tuple[list[Link], list[int]]:
    """Return the links and images of a text, and the lines with raw HTML, counted from 0."""
    links: list[Link] = []
    html: list[int] = []
    for token in _parser(html=True).parse(text):
        line = token.map[0] if token.map else 0
        if token.type == "html_block":
            html.append(line)
        for child in token.children or ():
            if child.type in ("softbreak", "hardbreak"):
                line += 1
            elif child.type == "html_inline":
                html.append(line)
            elif child.type == "link_open":
                links.append(Link(str(child.attrs.get("href", "")), line, is_image=False))
            elif child.type == "image":
                links.append(Link(str(child.attrs.get("src", "")), line, is_image=True))
    return links, html


def render(text: str, address: Callable[[str, bool], str | None]) -> Markup:
    """Return HTML, its headings from level 2 on. ``address(href, is_image)`` says where a link leads, if it does."""
    parser = _parser()
    tokens = parser.parse(text)
    names = iter(anchors(text))
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            if token.type == "heading_open" and token.level == 0:
                token.attrSet("id", next(names, ""))
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
        if token.children:
            token.children = [*_resolved(token.children, address)]
    html = parser.renderer.render(tokens, parser.options, {})
    return Markup(html)  # noqa: S704  # nosec B704 - raw HTML is off, so that text is escaped


def _resolved(children: list[Token], address: Callable[[str, bool], str | None]) -> Iterator[Token]:
    """Give each link its address. One that leads nowhere becomes its text."""
    is_link_open = True
    for token in children:
        if token.type == "link_open":
            href = address(str(token.attrs.get("href", "")), False)
            is_link_open = href is not None
            token.attrSet("href", href or "")
        elif token.type == "image":
            src = address(str(token.attrs.get("src", "")), True)
            if src is None:
                yield Token("text", "", 0, content=token.content)
                continue
            token.attrs |= {"src": src, "loading": "lazy"}
        if is_link_open or token.type not in ("link_open", "link_close"):
            yield token


def with_links(text: str, address: Callable[[str, bool], str | None]) -> str:
    """Return the same Markdown with other addresses. A link or an image that leads nowhere becomes its text."""

    def changed(match: re.Match[str]) -> str:
        if match["code"]:
            return match[0]
        if match["name"]:
            href = address(match["target"].strip("<>"), False)
            return match[0] if href is None else match["name"] + href
        is_image = match["bang"] == "!"
        label = match["text"] if is_image else with_links(match["text"], address)
        href = address(match["href"].strip("<>"), is_image)
        if href is None:
            return label
        shown = f"<{href}>" if re.search(r"[\s()]", href) else href
        return f"{match['bang']}[{label}]({shown}{match['title'] or ''})"

    return LINK.sub(changed, text)

"""Crisp's knowledge base: pages in a tree, of one locale each (the API since 2026-09-22).

An article's id is its place there, ``en/articles/orders/shipping.md``. Which of the vendor's answers hold drafts, too,
and whether a tree is given with all its branches, is UNCONFIRMED: both are allowed for.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import quote

from ...errors import NotFound
from ...model import Article
from ...operation import Operation, Steps, page_of, path
from .. import Values

KIND = "articles"  # beside guides, references and news
ID = re.compile(r"([A-Za-z0-9-]+)/([a-z]+)/(.+)")
Node = Mapping[str, Any]


def list_articles(values: Values, locale: str | None = None) -> Steps[list[Article]]:
    """Of one locale, else of all of them."""
    found: list[Article] = []
    for one in [locale] if locale else (yield from _locales(values)):
        listed = yield from _pages(values, f"page/list/{path('{}', one)}/{KIND}", {})
        found += page_of("Crisp articles", partial(_of_list, f"{one}/{KIND}"), listed).items
    return found


def search_articles(values: Values, text: str) -> Steps[list[Article]]:
    """In titles: the vendor's API searches nothing else."""
    found: list[Article] = []
    for one in (yield from _locales(values)):
        nodes = yield from _pages(values, f"tree/list/{path('{}', one)}/{KIND}", {"search_title": text})
        for files in page_of("Crisp articles", partial(_of_tree, f"{one}/{KIND}"), nodes).items:
            found += files
    return found


def get_article(values: Values, id: str) -> Steps[Article]:
    content: str = yield Operation("GET", _path(values, "content", id), lambda data: str(data.get("content") or ""))
    meta: Node = yield Operation("GET", _path(values, "metadata", id), dict)
    published = (meta.get("state") or {}).get("published")
    url: str | None = None
    if published:
        with suppress(NotFound):
            url = yield Operation("GET", _path(values, "page", id), lambda data: data.get("url"))
    return Article(
        id=id,
        title=str(meta.get("title") or ""),
        locale=id.partition("/")[0],
        published=published,
        url=url,
        body=content,
        raw=meta,
    )


def create_article(values: Values, title: str, body: str) -> Steps[Article]:
    """As a draft, in Markdown, in the first locale that there is; in no category."""
    locales: list[str] = yield from _locales(values)
    if not locales:
        raise ValueError("The workspace has no help centre in any language yet: set it up at Crisp first.")
    # Its own place, whatever else is called so.
    made = f"{locales[0]}/{KIND}/{_slug(title)}-{secrets.token_hex(3)}.md"
    yield Operation("POST", _path(values, "path", made), lambda data: None, json={})
    yield _set(values, made, {"title": title, "state": {"published": False}})
    yield Operation("PUT", _path(values, "content", made), lambda data: None, json={"content": body})
    return (yield from get_article(values, made))


def update_article(values: Values, id: str, title: str | None = None, body: str | None = None) -> Steps[Article]:
    if title is not None:
        yield _set(values, id, {"title": title})
    if body is not None:
        yield Operation("PUT", _path(values, "content", id), lambda data: None, json={"content": body})
    return (yield from get_article(values, id))


def publish(values: Values, id: str) -> Steps[Article]:
    yield _set(values, id, {"state": {"published": True}})
    return (yield from get_article(values, id))


def unpublish(values: Values, id: str) -> Steps[Article]:
    yield _set(values, id, {"state": {"published": False}})
    return (yield from get_article(values, id))


def delete_article(values: Values, id: str) -> Operation[None]:
    return Operation("DELETE", _path(values, "path", id), lambda data: None)


def _locales(values: Values) -> Steps[list[str]]:
    said: list[Node] = yield from _pages(values, "locales", {})
    return [*page_of("Crisp locales", lambda one: str(one["locale"]), said).items]


def _pages(values: Values, where: str, query: Mapping[str, str | int]) -> Steps[list[Node]]:
    """All pages of a list, until one has nothing new. None where there is no help centre, or none in that language."""
    found: list[Node] = []
    number = 1
    while True:
        address = f"{_root(values)}/{where}/{number}"
        try:
            more: Sequence[Node] = yield Operation("GET", address, _nodes, query=query)
        except NotFound:
            return found
        new = [one for one in more if one not in found]
        if not new:
            return found
        found += new
        number += 1


def _nodes(data: Any) -> Sequence[Node]:
    return page_of("Crisp entries", dict, data).items


def _of_list(above: str, said: Node) -> Article:
    return _listed(said, f"{above}/{said['tree_path']}")


def _of_tree(above: str, node: Node) -> list[Article]:
    return [_listed(file, f"{above}/{where}") for where, file in _files(node, "")]


def _files(node: Node, above: str) -> Iterator[tuple[str, Node]]:
    where = f"{above}/{node['slug']}" if above else str(node["slug"])
    children = node.get("children")
    if node.get("type") == "file" or where.endswith(".md"):
        yield where, node
    for child in children if isinstance(children, list) else ():
        yield from _files(child, where)


def _listed(said: Node, id: str) -> Article:
    published = (said.get("state") or {}).get("published")
    locale = id.partition("/")[0]
    return Article(id, str(said.get("title") or ""), locale, published, said.get("url"), raw=said)


def _set(values: Values, id: str, said: Mapping[str, Any]) -> Operation[None]:
    """Sets what it says, however often it is said."""
    where = _path(values, "metadata", id)
    return Operation("PATCH", where, lambda data: None, json=dict(said), repeatable=True)


def _path(values: Values, part: str, id: str) -> str:
    """Slashes stay: they are the tree."""
    named = ID.fullmatch(id)
    if named is None:
        raise ValueError(f"{id[:40]!r} is no article of Crisp's: such as en/articles/orders/shipping.md")
    return f"{_root(values)}/tree/{part}/" + "/".join(path("{}", piece) for piece in id.split("/"))


def _root(values: Values) -> str:
    return path("/v1/website/{}/helpdesk", values["WEBSITE_ID"])


def _slug(title: str) -> str:
    return quote(re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-")[:60] or "article")

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
from ...operation import Operation, OperationSequence, page_of, path
from ..base import Values

KIND = "articles"  # beside guides, references and news
ID = re.compile(r"([A-Za-z0-9-]+)/([a-z]+)/(.+)")
Node = Mapping[str, Any]


def list_articles(values: Values, locale: str | None = None) -> OperationSequence[list[Article]]:
    """List the articles of one locale, else of all of them."""
    articles: list[Article] = []
    for language in [locale] if locale else (yield from _locales(values)):
        listed = yield from _pages(values, f"page/list/{path('{}', language)}/{KIND}", {})
        articles += page_of("Crisp articles", partial(_of_list, f"{language}/{KIND}"), listed).items
    return articles


def search_articles(values: Values, text: str) -> OperationSequence[list[Article]]:
    """In titles: the vendor's API searches nothing else."""
    articles: list[Article] = []
    for language in (yield from _locales(values)):
        nodes = yield from _pages(values, f"tree/list/{path('{}', language)}/{KIND}", {"search_title": text})
        for files in page_of("Crisp articles", partial(_of_tree, f"{language}/{KIND}"), nodes).items:
            articles += files
    return articles


def get_article(values: Values, id: str) -> OperationSequence[Article]:
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


def create_article(values: Values, title: str, body: str) -> OperationSequence[Article]:
    """As a draft, in Markdown, in the first locale that there is; in no category."""
    locales: list[str] = yield from _locales(values)
    if not locales:
        raise ValueError("The workspace has no help centre in any language yet: set it up at Crisp first.")
    # Its own place, whatever else is called so.
    article_id = f"{locales[0]}/{KIND}/{_slug(title)}-{secrets.token_hex(3)}.md"
    yield Operation("POST", _path(values, "path", article_id), lambda data: None, json={})
    yield _set(values, article_id, {"title": title, "state": {"published": False}})
    yield Operation("PUT", _path(values, "content", article_id), lambda data: None, json={"content": body})
    return (yield from get_article(values, article_id))


def update_article(
    values: Values, id: str, title: str | None = None, body: str | None = None
) -> OperationSequence[Article]:
    if title is not None:
        yield _set(values, id, {"title": title})
    if body is not None:
        yield Operation("PUT", _path(values, "content", id), lambda data: None, json={"content": body})
    return (yield from get_article(values, id))


def publish(values: Values, id: str) -> OperationSequence[Article]:
    yield _set(values, id, {"state": {"published": True}})
    return (yield from get_article(values, id))


def unpublish(values: Values, id: str) -> OperationSequence[Article]:
    yield _set(values, id, {"state": {"published": False}})
    return (yield from get_article(values, id))


def delete_article(values: Values, id: str) -> Operation[None]:
    return Operation("DELETE", _path(values, "path", id), lambda data: None)


def _locales(values: Values) -> OperationSequence[list[str]]:
    locales: list[Node] = yield from _pages(values, "locales", {})
    return [*page_of("Crisp locales", lambda entry: str(entry["locale"]), locales).items]


def _pages(values: Values, where: str, query: Mapping[str, str | int]) -> OperationSequence[list[Node]]:
    """Read all pages of a list, until one has nothing new. A help centre that is missing is an empty list."""
    nodes: list[Node] = []
    number = 1
    while True:
        address = f"{_root(values)}/{where}/{number}"
        try:
            more: Sequence[Node] = yield Operation("GET", address, _nodes, query=query)
        except NotFound:
            return nodes
        new = [node for node in more if node not in nodes]
        if not new:
            return nodes
        nodes += new
        number += 1


def _nodes(data: Any) -> Sequence[Node]:
    return page_of("Crisp entries", dict, data).items


def _of_list(above: str, page: Node) -> Article:
    return _listed(page, f"{above}/{page['tree_path']}")


def _of_tree(above: str, node: Node) -> list[Article]:
    return [_listed(file, f"{above}/{where}") for where, file in _files(node, "")]


def _files(node: Node, above: str) -> Iterator[tuple[str, Node]]:
    where = f"{above}/{node['slug']}" if above else str(node["slug"])
    children = node.get("children")
    if node.get("type") == "file" or where.endswith(".md"):
        yield where, node
    for child in children if isinstance(children, list) else ():
        yield from _files(child, where)


def _listed(data: Node, id: str) -> Article:
    published = (data.get("state") or {}).get("published")
    locale = id.partition("/")[0]
    return Article(id, str(data.get("title") or ""), locale, published, data.get("url"), raw=data)


def _set(values: Values, id: str, body: Mapping[str, Any]) -> Operation[None]:
    """Set the given fields. To do so twice changes nothing."""
    where = _path(values, "metadata", id)
    return Operation("PATCH", where, lambda data: None, json=dict(body), repeatable=True)


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

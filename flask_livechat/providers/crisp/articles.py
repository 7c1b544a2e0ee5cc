"""Crisp's knowledge base: pages in a tree, of one locale each (the API since 2026-09-22).

An article's id is its place there, ``en/articles/orders/shipping.md``. Which of the vendor's answers hold drafts, too,
and whether a tree is given with all its branches, is UNCONFIRMED: both are allowed for.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any
from urllib.parse import quote

from ...errors import NotFound
from ...model import Article
from ...operation import Operation, OperationSequence, page_of, path
from ..base import Calls

KIND = "articles"  # beside guides, references and news
ID = re.compile(r"([A-Za-z0-9-]+)/([a-z]+)/(.+)")
Node = Mapping[str, Any]


class Articles(Calls):
    """Articles of the help centre, below its locale."""

    def list(self, locale: str | None = None) -> OperationSequence[Sequence[Article]]:
        """List the articles of one locale, else of all of them."""
        articles: list[Article] = []
        for language in [locale] if locale else (yield from self._locales()):
            listed = yield from self._pages(f"page/list/{path('{}', language)}/{KIND}", {})

            def read(page: Node, above: str = f"{language}/{KIND}") -> Article:
                return _article(page, f"{above}/{page['tree_path']}")

            articles += page_of("Crisp articles", read, listed).items
        return articles

    def search(self, text: str) -> OperationSequence[Sequence[Article]]:
        """In titles: the vendor's API searches nothing else."""
        articles: list[Article] = []
        for language in (yield from self._locales()):
            nodes = yield from self._pages(f"tree/list/{path('{}', language)}/{KIND}", {"search_title": text})

            def read(node: Node, above: str = f"{language}/{KIND}") -> Sequence[Article]:
                return [_article(file, f"{above}/{where}") for where, file in _files(node, "")]

            articles += chain.from_iterable(page_of("Crisp articles", read, nodes).items)
        return articles

    def get(self, id: str) -> OperationSequence[Article]:
        content: str = yield Operation("GET", self._path("content", id), lambda data: str(data.get("content") or ""))
        meta: Node = yield Operation("GET", self._path("metadata", id), dict)
        published = (meta.get("state") or {}).get("published")
        url: str | None = None
        if published:
            with suppress(NotFound):
                url = yield Operation("GET", self._path("page", id), lambda data: data.get("url"))
        return Article(
            id=id,
            title=str(meta.get("title") or ""),
            locale=id.partition("/")[0],
            published=published,
            url=url,
            body=content,
            raw=meta,
        )

    def create(self, title: str, body: str) -> OperationSequence[Article]:
        """As a draft, in Markdown, in the first locale that there is; in no category."""
        locales = yield from self._locales()
        if not locales:
            raise ValueError("The workspace has no help centre in any language yet: set it up at Crisp first.")
        slug = quote(re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-")[:60] or "article")
        # Its own place, whatever else is called so.
        article_id = f"{locales[0]}/{KIND}/{slug}-{secrets.token_hex(3)}.md"
        yield Operation("POST", self._path("path", article_id), lambda data: None, json={})
        yield self._set(article_id, {"title": title, "state": {"published": False}})
        yield Operation("PUT", self._path("content", article_id), lambda data: None, json={"content": body})
        return (yield from self.get(article_id))

    def update(self, id: str, title: str | None = None, body: str | None = None) -> OperationSequence[Article]:
        if title is not None:
            yield self._set(id, {"title": title})
        if body is not None:
            yield Operation("PUT", self._path("content", id), lambda data: None, json={"content": body})
        return (yield from self.get(id))

    def publish(self, id: str) -> OperationSequence[Article]:
        yield self._set(id, {"state": {"published": True}})
        return (yield from self.get(id))

    def unpublish(self, id: str) -> OperationSequence[Article]:
        yield self._set(id, {"state": {"published": False}})
        return (yield from self.get(id))

    def delete(self, id: str) -> Operation[None]:
        return Operation("DELETE", self._path("path", id), lambda data: None)

    def _locales(self) -> OperationSequence[Sequence[str]]:
        locales = yield from self._pages("locales", {})
        return [*page_of("Crisp locales", lambda entry: str(entry["locale"]), locales).items]

    def _pages(self, where: str, query: Mapping[str, str | int]) -> OperationSequence[Sequence[Node]]:
        """Read all pages of a list, until one has nothing new. A help centre that is missing is an empty list."""
        nodes: list[Node] = []
        number = 1
        while True:
            address = f"{self._root()}/{where}/{number}"
            try:
                more: Sequence[Node] = yield Operation(
                    "GET", address, lambda data: page_of("Crisp entries", dict, data).items, query=query
                )
            except NotFound:
                return nodes
            new = [node for node in more if node not in nodes]
            if not new:
                return nodes
            nodes += new
            number += 1

    def _set(self, id: str, body: Mapping[str, Any]) -> Operation[None]:
        """Set the given fields. To do so twice changes nothing."""
        where = self._path("metadata", id)
        return Operation("PATCH", where, lambda data: None, json=dict(body), repeatable=True)

    def _path(self, part: str, id: str) -> str:
        """Slashes stay: they are the tree."""
        named = ID.fullmatch(id)
        if named is None:
            raise ValueError(f"{id[:40]!r} is no article of Crisp's: such as en/articles/orders/shipping.md")
        return f"{self._root()}/tree/{part}/" + "/".join(path("{}", piece) for piece in id.split("/"))

    def _root(self) -> str:
        return path("/v1/website/{}/helpdesk", self.values["WEBSITE_ID"])


def _files(node: Node, above: str) -> Iterator[tuple[str, Node]]:
    where = f"{above}/{node['slug']}" if above else str(node["slug"])
    children = node.get("children")
    if node.get("type") == "file" or where.endswith(".md"):
        yield where, node
    for child in children if isinstance(children, list) else ():
        yield from _files(child, where)


def _article(data: Node, id: str) -> Article:
    published = (data.get("state") or {}).get("published")
    locale = id.partition("/")[0]
    return Article(id, str(data.get("title") or ""), locale, published, data.get("url"), raw=data)

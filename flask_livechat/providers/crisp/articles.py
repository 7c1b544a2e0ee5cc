"""Crisp's knowledge base: pages in a tree, of one locale each (the API since 2026-09-22).

An article's id is its place there, ``en/articles/orders/shipping.md``. Which of the vendor's answers hold drafts, too,
and whether a tree is given with all its branches, is UNCONFIRMED: both are allowed for.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any
from urllib.parse import quote

from ...errors import Conflict, NotFound
from ...model import Article, Inventory
from ...operation import Operation, OperationSequence, page_of, path
from ..base import Calls, Values
from ..sanitize import without_empty

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

    def _inventory(self, locales: Sequence[str], since: datetime | None) -> OperationSequence[Inventory]:
        """Read the trees, and the bodies of what has changed. That the filter is about changes is UNCONFIRMED."""
        known = yield from self._locales()
        articles: list[Article] = []
        for language in [tag for tag in known if not locales or tag.casefold() in map(str.casefold, locales)]:
            files = yield from self._tree(language, {})
            moment = "" if since is None else since.isoformat(timespec="milliseconds")
            changed = (yield from self._tree(language, {"filter_date_start": moment})) if moment else {}
            for place, node in files.items():
                articles.append((yield from self.get(place)) if place in changed else _article(node, place))
        return Inventory(tuple(articles))

    def search(self, text: str) -> OperationSequence[Sequence[Article]]:
        """In titles: the vendor's API searches nothing else."""
        articles: list[Article] = []
        for language in (yield from self._locales()):
            nodes = yield from self._pages(f"tree/list/{path('{}', language)}/{KIND}", {"search_title": text})

            def read(node: Node, above: str = f"{language}/{KIND}") -> Sequence[Article]:
                return [_article(file, f"{above}/{where}") for where, file in _files(node, "")]

            articles += chain.from_iterable(page_of("Crisp articles", read, nodes).items)
        return articles

    def _tree(self, language: str, query: Mapping[str, str | int]) -> OperationSequence[Mapping[str, Node]]:
        """Return all files of a language, by their ids. A branch that is not there is asked for."""
        where, top = f"tree/list/{path('{}', language)}/{KIND}", f"{language}/{KIND}"
        nodes = yield from self._pages(where, query)
        pending = [(str(node["slug"]), node) for node in nodes if node.get("slug")]
        files: dict[str, Node] = {}
        while pending:
            place, node = pending.pop(0)
            if node.get("type") == "file" or place.endswith(".md"):
                files[f"{top}/{place}"] = node
                continue
            children = node.get("children")
            if not isinstance(children, list):
                children = yield from self._pages(where, {**query, "sub_path": place})
            pending += [(f"{place}/{child['slug']}", child) for child in children if child.get("slug")]
        return files

    def get(self, id: str, locale: str | None = None) -> OperationSequence[Article]:
        content: str = yield Operation("GET", self._path("content", id), _content)
        meta: Node = yield Operation("GET", self._path("metadata", id), dict)
        url: str | None = None
        if (meta.get("state") or {}).get("published"):
            with suppress(NotFound):
                url = yield Operation("GET", self._path("page", id), lambda data: data.get("url"))
        return replace(_article(meta, id), url=url, body=content)

    def create(
        self,
        title: str,
        body: str,
        locale: str | None,
        category: str | Mapping[str, str] | None,
        description: str | None,
        slug: str | None,
        translates: str | None,
    ) -> OperationSequence[Article]:
        """As a draft, by default in the first locale that there is. The folders above it are made."""
        language = locale
        if language is None:
            locales = yield from self._locales()
            if not locales:
                raise ValueError("The workspace has no help centre yet. Set it up at Crisp first.")
            language = locales[0]
        titles = {_slug(category): category} if isinstance(category, str) else category or {}
        if locale is not None and locale not in (yield from self._locales()):
            where = f"{self._root()}/locale"
            yield Operation("POST", where, lambda data: None, json={"locale": locale})
        for folder, name in titles.items():
            yield from self._make_folder(f"{language}/{KIND}/{folder}", name)
        # A place of its own: other articles may have the same title.
        file = slug or f"{_slug(title)}-{secrets.token_hex(3)}"
        article_id = "/".join((language, KIND, *list(titles)[-1:], f"{file}.md"))
        yield Operation("POST", self._path("path", article_id), lambda data: None, json={})
        metadata = {"title": title, "state": {"published": False}, **without_empty(description=description)}
        yield self._set(article_id, metadata)
        yield Operation("PUT", self._path("content", article_id), lambda data: None, json={"content": body})
        return (yield from self.get(article_id))

    def _make_folder(self, id: str, title: str) -> OperationSequence[None]:
        """Make a folder that is missing. Whether a new file makes those above it is UNCONFIRMED."""
        with suppress(Conflict):
            yield Operation("POST", self._path("path", id), lambda data: None, json={})
            yield self._set(id, {"title": title})

    def update(
        self,
        id: str,
        title: str | None,
        body: str | None,
        locale: str | None,
        category: str | Mapping[str, str] | None,
        description: str | None,
    ) -> OperationSequence[Article]:
        if category is not None:
            raise ValueError("A Crisp article's id contains its category. Create it in the other category.")
        fields = {"title": title, "description": description}
        if metadata := {name: value for name, value in fields.items() if value is not None}:
            yield self._set(id, metadata)
        if body is not None:
            yield Operation("PUT", self._path("content", id), lambda data: None, json={"content": body})
        return (yield from self.get(id))

    def publish(self, id: str, locale: str | None = None) -> OperationSequence[Article]:
        yield self._set(id, {"state": {"published": True}})
        return (yield from self.get(id))

    def unpublish(self, id: str, locale: str | None = None) -> OperationSequence[Article]:
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
            raise ValueError(f"{id[:40]!r} is not the id of a Crisp article, such as en/articles/orders/shipping.md")
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


def _content(data: Node) -> str:
    return str(data.get("content") or "").rstrip("\n")


def _article(data: Node, id: str) -> Article:
    published = (data.get("state") or {}).get("published")
    locale, _, place = id.split("/", 2)
    return Article(
        id,
        str(data.get("title") or ""),
        locale,
        published,
        data.get("url"),
        raw=data,
        description=data.get("description") or None,
        path=place.removesuffix(".md"),
        category=place.rpartition("/")[0] or None,
    )


def _slug(title: str) -> str:
    return quote(re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-")[:60] or "article")


def inventory(values: Values, locales: Sequence[str], since: datetime | None) -> OperationSequence[Inventory]:
    return Articles(values)._inventory(locales, since)

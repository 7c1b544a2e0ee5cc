"""Intercom's help centre: articles with all their languages under one id, in collections (API 2.16, as of 2026-11).

Markdown came with 2.16. Whether a change of a translation may leave out fields is UNCONFIRMED: all of them are sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from ...errors import ConfigError, Problem
from ...model import Article, Inventory
from ...operation import Operation, OperationSequence, Page, page_of, path
from ..base import Calls, Values
from ..sanitize import moment, without_empty
from .records import article, body_of

ME: Operation[str] = Operation("GET", "/me", lambda data: str(data["id"]), is_constant=True)
MARKDOWN_SINCE = (2, 16)
PER_PAGE = 50
Titles = str | Mapping[str, str] | None  # of the categories that lead to an article, by their paths


class Articles(Calls):
    """Articles of the help centre."""

    def list(self, locale: str | None = None) -> Operation[Page[Article]]:
        """In a language, what is written in it: as the first language of an article, or as a translation."""

        def page(number: int) -> Operation[Page[Article]]:
            def read(data: Any) -> Page[Article]:
                def is_wanted(candidate: Article) -> bool:
                    return locale is None or _is_in(locale, candidate.locale)

                return page_of(
                    "Intercom articles", partial(in_language, locale), data["data"], page(number + 1), is_wanted
                )

            return Operation("GET", "/articles", read, query={"page": number, "per_page": PER_PAGE})

        return page(1)

    def _inventory(self, locales: Sequence[str], since: datetime | None) -> OperationSequence[Inventory]:
        """Read the list, which has all bodies in all languages, and the collections."""
        self._need_markdown()
        entries = yield from _all("/articles", PER_PAGE)
        collections = yield from _all("/help_center/collections", 150)
        articles: list[Article] = []
        for entry in entries:
            first = article(entry)
            others = [name for name in _translations(entry) if not _is_in(name, first.locale)]
            articles += [first, *(in_language(name, entry) for name in others)]
        parents = {str(entry["id"]): (str(entry.get("name")), entry.get("parent_id")) for entry in collections}
        return Inventory(tuple(articles), {known: _titles(known, parents) for known in parents})

    def search(self, text: str) -> Operation[Page[Article]]:
        def read(data: Any) -> Page[Article]:
            return page_of("Intercom articles", article, data["data"]["articles"])

        return Operation("GET", "/articles/search", read, query={"phrase": text})

    def get(self, id: str, locale: str | None = None) -> Operation[Article]:
        return Operation("GET", path("/articles/{}", id), partial(in_language, locale))

    def create(
        self,
        title: str,
        body: str,
        locale: str | None,
        category: Titles,
        description: str | None,
        slug: str | None,
        translates: str | None,
    ) -> OperationSequence[Article]:
        """As a draft. What is new in another language than the help centre's own has a draft of its text there, too."""
        self._need_markdown()
        text = {"title": title, "body_markdown": body, **without_empty(description=description)}
        if translates is not None:
            return (yield from self._change(translates, locale, text | {"state": "draft"}))
        author: str = yield ME
        parent = yield from self._collection(category)
        place = {"parent_id": int(parent), "parent_type": "collection"} if parent else {}
        draft = {**text, "author_id": int(author), "state": "draft"}
        if locale is not None:  # in the same call, so that no half of it is ever left
            content = {"type": "article_content", "description": "", **draft}
            place["translated_content"] = {"type": "article_translated_content", locale: content}
        made: Article = yield Operation("POST", "/articles", partial(in_language, locale), json=draft | place)
        return made

    def update(
        self,
        id: str,
        title: str | None,
        body: str | None,
        locale: str | None,
        category: Titles,
        description: str | None,
    ) -> OperationSequence[Article]:
        if body is not None:
            self._need_markdown()
        fields = {"title": title, "body_markdown": body, "description": description}
        changed = {name: value for name, value in fields.items() if value is not None}
        if category is not None:
            parent = yield from self._collection(category)
            place = {"parent_id": parent, "parent_type": "collection"}
            moved: Article = yield Operation("PUT", path("/articles/{}", id), partial(in_language, locale), json=place)
            if not changed:
                return moved
        return (yield from self._change(id, locale, changed))

    def publish(self, id: str, locale: str | None = None) -> OperationSequence[Article]:
        return self._change(id, locale, {"state": "published"})

    def unpublish(self, id: str, locale: str | None = None) -> OperationSequence[Article]:
        return self._change(id, locale, {"state": "draft"})

    def delete(self, id: str) -> Operation[None]:
        return Operation("DELETE", path("/articles/{}", id), lambda data: None)

    def _change(self, id: str, locale: str | None, fields: Mapping[str, Any]) -> OperationSequence[Article]:
        """Change an article in one language. Which one is its first is asked of the vendor."""
        where, read = path("/articles/{}", id), partial(in_language, locale)
        body: Mapping[str, Any] = fields
        if locale is not None:
            current: Mapping[str, Any] = yield Operation("GET", where, dict)
            first, translations = current.get("default_locale"), _translations(current)
            if not _is_in(locale, first) and (first is not None or translations):
                name = next((known for known in translations if _is_in(locale, known)), locale)
                names = ("title", "description", "body_markdown", "author_id", "state")
                text = translations.get(name) or {}
                content = {"type": "article_content", "author_id": int((yield ME))}
                content |= {key: text[key] for key in names if text.get(key) is not None}
                body = {"translated_content": {"type": "article_translated_content", name: content | dict(fields)}}
        changed: Article = yield Operation("PUT", where, read, json=dict(body))
        return changed

    def _collection(self, category: Titles) -> OperationSequence[str | None]:
        """Return the id of the collection with these titles. Those that are missing are made."""
        if not category:
            return None
        titles = [category] if isinstance(category, str) else [*category.values()]
        entries = yield from _all("/help_center/collections", 150)
        parent: str | None = None
        for title in titles:
            known = [
                str(entry["id"])
                for entry in entries
                if _is_in(title, entry.get("name")) and (str(entry.get("parent_id") or "") or None) == parent
            ]
            if known:
                parent = min(known, key=int)  # the oldest of several with one name
            else:
                body = {"name": title, **without_empty(parent_id=parent)}
                parent = yield Operation("POST", "/help_center/collections", lambda data: str(data["id"]), json=body)
        return parent

    def _need_markdown(self) -> None:
        version = str(self.values["API_VERSION"])
        if tuple(map(int, version.split("."))) < MARKDOWN_SINCE:
            what = f"is {version}, which has articles in HTML alone; Markdown came with 2.16"
            raise ConfigError([Problem("LC102", "LIVECHAT_INTERCOM_API_VERSION", what, "Set it to 2.16.")])


def _all(where: str, per_page: int) -> OperationSequence[list[Mapping[str, Any]]]:
    """Read all pages of a list, as many as it says that there are."""
    entries: list[Mapping[str, Any]] = []
    number = pages = 1
    while number <= pages:
        data: Mapping[str, Any] = yield Operation("GET", where, dict, query={"page": number, "per_page": per_page})
        entries += page_of(f"Intercom's {where}", dict, data["data"]).items
        pages = int((data.get("pages") or {}).get("total_pages") or 1)
        number += 1
    return list({str(entry.get("id")): entry for entry in entries}.values())  # a list changes while it is read


def _titles(collection: str, parents: Mapping[str, tuple[str, Any]]) -> tuple[str, ...]:
    """Return the titles of the collections that lead to one, the outermost first."""
    titles: list[str] = []
    current = collection
    while current in parents and len(titles) < len(parents):
        title, parent = parents[current]
        titles.insert(0, title)
        current = str(parent)
    return tuple(titles)


def _translations(data: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Return the translations that are there, by their locales."""
    content = data.get("translated_content") or {}
    return {name: text for name, text in content.items() if isinstance(text, Mapping) and text.get("title")}


def in_language(locale: str | None, data: Mapping[str, Any]) -> Article:
    """An article's translation, where there is one, else the article itself."""
    original = article(data)
    if locale is None or _is_in(locale, original.locale):
        return original
    text = next((text for name, text in _translations(data).items() if _is_in(locale, name)), None)
    if text is None:
        return original
    return replace(
        original,
        title=str(text.get("title") or ""),
        locale=locale,
        published=text.get("state") == "published",
        url=text.get("url"),
        body=body_of(text),
        description=text.get("description") or None,
        updated_at=moment(text.get("updated_at")),
    )


def _is_in(locale: str, name: str | None) -> bool:
    return locale.casefold() == (name or "").casefold()


def inventory(values: Values, locales: Sequence[str], since: datetime | None) -> OperationSequence[Inventory]:
    return Articles(values)._inventory(locales, since)

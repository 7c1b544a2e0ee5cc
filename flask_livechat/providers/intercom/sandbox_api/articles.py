"""Intercom's help centre: articles in collections, kept in Markdown and shown in HTML, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ....sandbox.api import MAX_TEXT, route
from ....sandbox.body import Body, normal_markdown
from ....sandbox.records import Article, Category
from ....sandbox.sessions import RefusedError
from ...markup import to_text
from .calls import IntercomCall, numbered, one_of
from .records import article

STATES = ("published", "draft", "all")
LOCALES = ("de", "es", "fr", "it", "ja", "nl", "pl", "pt", "pt-BR", "sv", "tr", "zh-CN")  # beside the first one, "en"


class Articles(IntercomCall):
    """Articles of the help centre."""

    @route("GET", "/articles")
    def list_articles(self) -> tuple[int, Any]:
        articles, page = self.account.articles.all(), self.number("page", 1, 1, 10**6)
        size = self.number("per_page", 25, 1, 150)
        pages = numbered(len(articles), page, size)
        listed = [article(self, item) for item in articles[(page - 1) * size : page * size]]
        return 200, {"type": "list", "data": listed, "total_count": len(articles), "pages": pages}

    @route("GET", "/articles/search")
    def search_articles(self) -> tuple[int, Any]:
        phrase, state = self.query.get("phrase", "").casefold(), self.query.get("state", "all")
        if state not in STATES:
            raise RefusedError(400, "parameter_invalid", f"state is {' or '.join(STATES)}")
        matching = [
            article for article in self.account.articles.all() if phrase in f"{article.title} {article.body}".casefold()
        ]
        results = [made for known in matching if state in ("all", (made := article(self, known))["state"])]
        data = {"articles": results, "highlights": []}
        return 200, {
            "type": "list",
            "data": data,
            "total_count": len(results),
            "pages": numbered(1, 1, max(1, len(results))),
        }

    @route("GET", "/articles/<id>")
    def get_article(self) -> tuple[int, Any]:
        return 200, article(self, self._article())

    @route("POST", "/articles")
    def create_article(self) -> tuple[int, Any]:
        account, body = self.account, self.body
        if "author_id" not in body.data:
            raise RefusedError(400, "parameter_not_found", "author_id must be in the main body")
        author = str(body.number("author_id", 0, 2**40))
        if account.agent(author) is None:
            raise RefusedError(400, "parameter_invalid", "author_id must be an admin's")
        now = account.clock()
        made = Article(str(account.hub.number()), body.need("title", 255), author=author, created=now, updated=now)
        return 200, article(self, self._kept(self._written(made, body)))

    @route("PUT", "/articles/<id>")
    def change_article(self) -> tuple[int, Any]:
        known = self._article()
        title = self.body.text("title", 255) or known.title
        return 200, article(self, self._kept(self._written(replace(known, title=title), self.body)))

    @route("DELETE", "/articles/<id>")
    def delete_article(self) -> tuple[int, Any]:
        known = self._article()
        self.account.articles.drop(known.id)
        return 200, {"id": known.id, "object": "article", "deleted": True}

    def _kept(self, known: Article) -> Article:
        changed = replace(known, updated=self.account.clock())
        self.account.articles.put(changed.id, changed)
        return changed

    def _article(self) -> Article:
        result = self.account.articles.get(self.path["id"])
        if result is None:
            raise RefusedError(404, "not_found", "Resource Not Found")
        return result

    def _written(self, known: Article, body: Body) -> Article:
        parent = body.data.get("parent_id")
        if parent is not None and self.account.categories.get(str(parent)) is None:
            raise RefusedError(400, "parameter_invalid", "parent_id is no collection's")
        text, description = self._text(body), body.text("description")
        translations = dict(known.translations)
        for locale, content in body.part("translated_content").data.items():
            if locale not in ("type", "en"):  # the first language's text is the article's own
                translations[locale] = self._translation(translations.get(locale, {}), locale, content)
        return replace(
            known,
            body=known.body if text is None else text,
            description=(description or "") if "description" in body.data else known.description,
            published=_state(body, "published" if known.published else "draft") == "published",
            parent=known.parent if parent is None else str(parent),
            translations=translations,
        )

    def _translation(self, known: Mapping[str, Any], locale: str, content: object) -> dict[str, Any]:
        """What is not sent again is gone: the vendor does not promise otherwise."""
        if locale not in LOCALES:
            raise RefusedError(400, "parameter_invalid", f"{locale[:20]} is no language of this help center")
        body = Body({locale: content}).part(locale)
        author = body.number("author_id", 0, 2**40) if "author_id" in body.data else known.get("author_id")
        now = int(self.account.clock())
        return {
            "type": "article_content",
            "title": body.need("title", 255),
            "description": body.text("description") or "",
            "body_markdown": self._text(body) or "",
            "author_id": author,
            "state": _state(body, "draft"),
            "created_at": known.get("created_at", now),
            "updated_at": now,
        }

    def _text(self, body: Body) -> str | None:
        """The new text as Markdown, which versions before 2.16 do not take."""
        html, text = body.text("body", MAX_TEXT), body.text("body_markdown", MAX_TEXT)
        if self.version() < (2, 16):
            text = None
        if html is not None and text is not None:
            raise RefusedError(400, "parameter_invalid", "body and body_markdown are mutually exclusive")
        return to_text(html) if html is not None else None if text is None else normal_markdown(text)

    @route("GET", "/help_center/collections")
    def list_collections(self) -> tuple[int, Any]:
        known, page = self.account.categories.all(), self.number("page", 1, 1, 10**6)
        size = self.number("per_page", 25, 1, 150)
        listed = [_collection(self, item) for item in known[(page - 1) * size : page * size]]
        return 200, {
            "type": "list",
            "data": listed,
            "total_count": len(known),
            "pages": numbered(len(known), page, size),
        }

    @route("POST", "/help_center/collections")
    def create_collection(self) -> tuple[int, Any]:
        account, parent = self.account, self.body.text("parent_id") or ""
        if parent and account.categories.get(parent) is None:
            raise RefusedError(404, "not_found", "Resource Not Found")
        now = account.clock()
        title, about = self.body.need("name", 255), self.body.text("description") or ""
        made = Category(str(account.hub.number()), title, parent, about, now, now)
        account.categories.put(made.id, made)
        return 200, _collection(self, made)


def _state(body: Body, default: str) -> str:
    return one_of(body, "state", "published", "draft") if body.text("state") else default


def _collection(call: IntercomCall, known: Category) -> dict[str, Any]:
    return {
        "type": "collection",
        "id": known.id,
        "workspace_id": call.account.values["APP_ID"],
        "name": known.title,
        "description": known.description,
        "parent_id": known.parent or None,
        "created_at": int(known.created),
        "updated_at": int(known.updated),
        "url": f"https://help.example.com/en/collections/{known.id}",
        "icon": "book-bookmark",
        "order": 0,
        "default_locale": "en",
        "translated_content": None,
        "help_center_id": 1,
    }

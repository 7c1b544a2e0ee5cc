"""Intercom's help centre: articles, in HTML."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ....sandbox.api import MAX_TEXT, route
from ....sandbox.body import Body
from ....sandbox.records import Article
from ....sandbox.sessions import RefusedError
from .calls import IntercomCall, numbered, one_of
from .records import article

STATES = ("published", "draft", "all")


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
        return 200, article(self, self._kept(_written(made, body)))

    @route("PUT", "/articles/<id>")
    def change_article(self) -> tuple[int, Any]:
        known = self._article()
        title = self.body.text("title", 255) or known.title
        return 200, article(self, self._kept(_written(replace(known, title=title), self.body)))

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

    @route("GET", "/help_center/collections")
    def list_collections(self) -> tuple[int, Any]:
        """There is none: articles stand beside them."""
        size = self.number("per_page", 25, 1, 150)
        return 200, {"type": "list", "data": [], "total_count": 0, "pages": numbered(0, 1, size)}


def _written(known: Article, body: Body) -> Article:
    state = "published" if known.published else "draft"
    if body.text("state"):
        state = one_of(body, "state", "published", "draft")
    text = body.text("body", MAX_TEXT)
    description = body.text("description")
    return replace(
        known,
        body=known.body if text is None else text,
        description=known.description if description is None else description,
        published=state == "published",
    )

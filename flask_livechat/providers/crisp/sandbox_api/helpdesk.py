"""Crisp's knowledge base, a tree of pages (since 2026-09-22), as its REST API has it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ....sandbox.api import MAX_TEXT, Account, route
from ....sandbox.body import normal_markdown
from ....sandbox.records import Article, Category
from ....sandbox.sessions import RefusedError
from .calls import WEBSITE, CrispCall, milliseconds, ok

TREE = f"{WEBSITE}/helpdesk/tree"
LOCALE = "en"


class Helpdesk(CrispCall):
    """The tree of articles and folders. Nothing is in a folder that has not been made."""

    @route("GET", f"{WEBSITE}/helpdesk/locales/<int:page>")
    def list_locales(self) -> tuple[int, Any]:
        return self.page_of([{"locale": locale} for locale in self._locales()])

    @route("POST", f"{WEBSITE}/helpdesk/locale")
    def add_locale(self) -> tuple[int, Any]:
        account, locale = self.own_account(), self.body.need("locale", 16)
        if locale in self._locales():
            raise RefusedError(409, "exists")
        account.locales.put(locale, locale)
        return ok({}, 201, "added")

    @route("GET", f"{WEBSITE}/helpdesk/page/list/<locale>/<kind>/<int:page>")
    def list_pages(self) -> tuple[int, Any]:
        return self.page_of([_listed(article) for article in self._articles()])

    @route("GET", f"{TREE}/list/<locale>/<kind>/<int:page>")
    def list_tree(self) -> tuple[int, Any]:
        """Flat when a title is searched for. With a date, what has changed since and the folders that lead there."""
        text, since = self.query.get("search_title", "").casefold(), self.moment("filter_date_start")
        articles = [article for article in self._articles() if since is None or article.updated >= since]
        if text:
            return self.page_of([_node(article) for article in articles if text in article.title.casefold()])
        account, top = self._where()
        folders = [folder for folder in account.categories.all() if folder.id.startswith(top)]
        nodes = _tree(top.rstrip("/"), articles, folders)
        return self.page_of(nodes if since is None else [node for node in nodes if _has_files(node)])

    @route("POST", f"{TREE}/path/<locale>/<kind>/<path:path>")
    def create_node(self) -> tuple[int, Any]:
        account, where = self._where()
        if account.articles.get(where) or account.categories.get(where):
            raise RefusedError(409, "exists")
        above = where.rpartition("/")[0]
        if above.count("/") > 1 and account.categories.get(above) is None:
            raise RefusedError(404, "not_found", "the folder above is not there")
        now = account.clock()
        if where.endswith(".md"):
            account.articles.put(where, Article(where, self.path["path"], created=now, updated=now))
        else:
            account.categories.put(where, Category(where, where.rpartition("/")[2], above, created=now, updated=now))
        return ok({}, 201, "added")

    @route("GET", f"{TREE}/path/<locale>/<kind>/<path:path>")
    def get_node(self) -> tuple[int, Any]:
        return ok(_node(self._article()))

    @route("DELETE", f"{TREE}/path/<locale>/<kind>/<path:path>")
    def delete_node(self) -> tuple[int, Any]:
        self.account.articles.drop(self._article().id)
        return ok(reason="deleted")

    @route("GET", f"{TREE}/content/<locale>/<kind>/<path:path>")
    def get_content(self) -> tuple[int, Any]:
        return ok({"content": self._article().body})

    @route("PUT", f"{TREE}/content/<locale>/<kind>/<path:path>")
    def put_content(self) -> tuple[int, Any]:
        article = self._article()
        text = self.body.data.get("content")
        if not isinstance(text, str) or len(text) > MAX_TEXT:
            raise RefusedError(400, "invalid_data", "content is text")
        self._keep(replace(article, body=normal_markdown(text)))
        return ok(reason="saved")

    @route("GET", f"{TREE}/metadata/<locale>/<kind>/<path:path>")
    def get_metadata(self) -> tuple[int, Any]:
        article = self._article()
        state = {"published": article.published, "hidden": False, "featured": False}
        metadata = {"title": article.title, "description": article.description, "format": "markdown", "state": state}
        return ok({**metadata, "updated_at": milliseconds(article.updated)})

    @route("PATCH", f"{TREE}/metadata/<locale>/<kind>/<path:path>")
    def change_metadata(self) -> tuple[int, Any]:
        account, where = self._where()
        if folder := account.categories.get(where):
            title = self.body.text("title") or folder.title
            account.categories.put(where, replace(folder, title=title, updated=account.clock()))
            return ok(reason="updated")
        article, body = self._article(), self.body
        state = body.part("state").data.get("published", article.published)
        title = body.text("title") or article.title
        description = (body.text("description") or "") if "description" in body.data else article.description
        self._keep(replace(article, title=title, description=description, published=state is True))
        return ok(reason="updated")

    @route("GET", f"{TREE}/page/<locale>/<kind>/<path:path>")
    def get_page(self) -> tuple[int, Any]:
        article = self._article()
        if not article.published:
            raise RefusedError(404, "not_found")
        return ok(_listed(article) | {"tree_path": article.id.partition("/")[2]})

    @route("POST", f"{WEBSITE}/helpdesk/locale/<locale>/article")
    @route("PUT", f"{WEBSITE}/helpdesk/locale/<locale>/article/<id>")
    @route("PATCH", f"{WEBSITE}/helpdesk/locale/<locale>/article/<id>")
    def legacy(self) -> tuple[int, Any]:
        """What wrote before that day writes no longer."""
        raise RefusedError(403, "website_cannot_write_to_legacy_helpdesk")

    def _locales(self) -> list[str]:
        return [LOCALE, *self.own_account().locales.all()]

    def _where(self) -> tuple[Account, str]:
        account, part = self.own_account(), self.path
        if part["locale"] not in self._locales() or part["kind"] not in ("articles", "guides", "references", "news"):
            raise RefusedError(404, "not_found")
        return account, f"{part['locale']}/{part['kind']}/{part.get('path', '')}"

    def _article(self) -> Article:
        account, where = self._where()
        article = account.articles.get(where)
        if article is None:
            raise RefusedError(404, "not_found")
        return article

    def _articles(self) -> list[Article]:
        account, where = self._where()
        return [article for article in account.articles.all() if article.id.startswith(where)]

    def _keep(self, article: Article) -> None:
        self.account.articles.put(article.id, replace(article, updated=self.account.clock()))


def _listed(article: Article) -> dict[str, Any]:
    path = article.id.split("/", 2)[2]
    slug = path.rsplit("/", 1)[-1].removesuffix(".md")
    url = f"https://example.crisp.help/{article.id.partition('/')[0]}/article/{slug}/"
    return {
        "entity_id": str(uuid.uuid5(uuid.NAMESPACE_URL, url)),
        "title": article.title,
        "tree_path": path,
        "url": url,
    }


def _node(article: Article) -> dict[str, Any]:
    path = article.id.split("/", 2)[2]
    state = {"published": article.published, "hidden": False, "featured": False}
    return {"type": "file", "slug": path, "title": article.title, "state": state, "children": []}


def _tree(above: str, articles: Sequence[Article], folders: Sequence[Category]) -> list[dict[str, Any]]:
    """What is below a folder, its folders first."""
    nodes = [
        {
            "type": "folder",
            "slug": folder.id.rpartition("/")[2],
            "title": folder.title,
            "children": _tree(folder.id, articles, folders),
        }
        for folder in folders
        if folder.parent == above
    ]
    files = [article for article in articles if article.id.rpartition("/")[0] == above]
    return nodes + [_node(article) | {"slug": article.id.rpartition("/")[2]} for article in files]


def _has_files(node: Mapping[str, Any]) -> bool:
    return node["type"] == "file" or any(map(_has_files, node["children"]))

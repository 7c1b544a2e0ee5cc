"""Crisp's knowledge base, a tree of pages (since 2026-09-22), as its REST API has it."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from ....sandbox.api import MAX_TEXT, Account, Call
from ....sandbox.records import Article
from ....sandbox.sessions import RefusedError
from .calls import WEBSITE, listed, milliseconds, ok, ours

TREE = f"{WEBSITE}/helpdesk/tree"
LOCALE = "en"


def list_locales(call: Call) -> tuple[int, Any]:
    return listed(call, [{"locale": LOCALE}])


def list_pages(call: Call) -> tuple[int, Any]:
    return listed(call, [_listed(one) for one in _articles(call)])


def list_tree(call: Call) -> tuple[int, Any]:
    """Flat when a title is searched for."""
    text = call.query.get("search_title", "").casefold()
    return listed(call, [_node(one) for one in _articles(call) if text in one.title.casefold()])


def create_node(call: Call) -> tuple[int, Any]:
    account, where = _where(call)
    if account.articles.get(where):
        raise RefusedError(409, "exists")
    now = account.clock()
    account.articles.put(where, Article(where, call.path["path"], created=now, updated=now))
    return ok({}, 201, "added")


def get_node(call: Call) -> tuple[int, Any]:
    return ok(_node(_article(call)))


def delete_node(call: Call) -> tuple[int, Any]:
    call.account.articles.drop(_article(call).id)
    return ok(reason="deleted")


def get_content(call: Call) -> tuple[int, Any]:
    return ok({"content": _article(call).body})


def put_content(call: Call) -> tuple[int, Any]:
    article = _article(call)
    text = call.body.data.get("content")
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise RefusedError(400, "invalid_data", "content is text")
    _keep(call, replace(article, body=text))
    return ok(reason="saved")


def get_metadata(call: Call) -> tuple[int, Any]:
    article = _article(call)
    state = {"published": article.published, "hidden": False, "featured": False}
    said = {"title": article.title, "description": article.description, "format": "markdown", "state": state}
    return ok({**said, "updated_at": milliseconds(article.updated)})


def change_metadata(call: Call) -> tuple[int, Any]:
    article, body = _article(call), call.body
    state = body.part("state").data.get("published", article.published)
    title, description = body.text("title") or article.title, body.text("description") or article.description
    _keep(call, replace(article, title=title, description=description, published=state is True))
    return ok(reason="updated")


def get_page(call: Call) -> tuple[int, Any]:
    article = _article(call)
    if not article.published:
        raise RefusedError(404, "not_found")
    return ok(_listed(article) | {"tree_path": article.id.partition("/")[2]})


def legacy(call: Call) -> tuple[int, Any]:
    """What wrote before that day writes no longer."""
    raise RefusedError(403, "website_cannot_write_to_legacy_helpdesk")


def _where(call: Call) -> tuple[Account, str]:
    account, part = ours(call), call.path
    if part["locale"] != LOCALE or part["kind"] not in ("articles", "guides", "references", "news"):
        raise RefusedError(404, "not_found")
    return account, f"{part['locale']}/{part['kind']}/{part.get('path', '')}"


def _article(call: Call) -> Article:
    account, where = _where(call)
    found = account.articles.get(where)
    if found is None:
        raise RefusedError(404, "not_found")
    return found


def _articles(call: Call) -> list[Article]:
    account, where = _where(call)
    return [one for one in account.articles.all() if one.id.startswith(where)]


def _keep(call: Call, article: Article) -> None:
    call.account.articles.put(article.id, replace(article, updated=call.account.clock()))


def _listed(article: Article) -> dict[str, Any]:
    path = article.id.split("/", 2)[2]
    slug = path.rsplit("/", 1)[-1].removesuffix(".md")
    url = f"https://example.crisp.help/{LOCALE}/article/{slug}/"
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


ROUTES = (
    ("GET", f"{WEBSITE}/helpdesk/locales/<int:page>", list_locales),
    ("GET", f"{WEBSITE}/helpdesk/page/list/<locale>/<kind>/<int:page>", list_pages),
    ("GET", f"{TREE}/list/<locale>/<kind>/<int:page>", list_tree),
    ("POST", f"{TREE}/path/<locale>/<kind>/<path:path>", create_node),
    ("GET", f"{TREE}/path/<locale>/<kind>/<path:path>", get_node),
    ("DELETE", f"{TREE}/path/<locale>/<kind>/<path:path>", delete_node),
    ("GET", f"{TREE}/content/<locale>/<kind>/<path:path>", get_content),
    ("PUT", f"{TREE}/content/<locale>/<kind>/<path:path>", put_content),
    ("GET", f"{TREE}/metadata/<locale>/<kind>/<path:path>", get_metadata),
    ("PATCH", f"{TREE}/metadata/<locale>/<kind>/<path:path>", change_metadata),
    ("GET", f"{TREE}/page/<locale>/<kind>/<path:path>", get_page),
    ("POST", f"{WEBSITE}/helpdesk/locale/<locale>/article", legacy),
    ("PUT", f"{WEBSITE}/helpdesk/locale/<locale>/article/<id>", legacy),
    ("PATCH", f"{WEBSITE}/helpdesk/locale/<locale>/article/<id>", legacy),
)

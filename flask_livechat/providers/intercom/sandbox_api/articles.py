"""Intercom's help centre: articles, in HTML."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ....sandbox.api import MAX_TEXT, Call
from ....sandbox.body import Body
from ....sandbox.records import Article
from ....sandbox.sessions import RefusedError
from .calls import numbered, one_of
from .records import article

STATES = ("published", "draft", "all")


def list_articles(call: Call) -> tuple[int, Any]:
    found, page = call.account.articles.all(), call.number("page", 1, 1, 10**6)
    size = call.number("per_page", 25, 1, 150)
    pages = numbered(len(found), page, size)
    listed = [article(call, one) for one in found[(page - 1) * size : page * size]]
    return 200, {"type": "list", "data": listed, "total_count": len(found), "pages": pages}


def search_articles(call: Call) -> tuple[int, Any]:
    phrase, state = call.query.get("phrase", "").casefold(), call.query.get("state", "all")
    if state not in STATES:
        raise RefusedError(400, "parameter_invalid", f"state is {' or '.join(STATES)}")
    matching = [one for one in call.account.articles.all() if phrase in f"{one.title} {one.body}".casefold()]
    found = [made for one in matching if state in ("all", (made := article(call, one))["state"])]
    data = {"articles": found, "highlights": []}
    return 200, {"type": "list", "data": data, "total_count": len(found), "pages": numbered(1, 1, max(1, len(found)))}


def get_article(call: Call) -> tuple[int, Any]:
    return 200, article(call, _article(call))


def create_article(call: Call) -> tuple[int, Any]:
    account, body = call.account, call.body
    if "author_id" not in body.data:
        raise RefusedError(400, "parameter_not_found", "author_id must be in the main body")
    author = str(body.number("author_id", 0, 2**40))
    if account.agent(author) is None:
        raise RefusedError(400, "parameter_invalid", "author_id must be an admin's")
    now = account.clock()
    made = Article(str(account.hub.number()), body.need("title", 255), author=author, created=now, updated=now)
    return 200, article(call, _kept(call, _written(made, body)))


def change_article(call: Call) -> tuple[int, Any]:
    known = _article(call)
    title = call.body.text("title", 255) or known.title
    return 200, article(call, _kept(call, _written(replace(known, title=title), call.body)))


def delete_article(call: Call) -> tuple[int, Any]:
    known = _article(call)
    call.account.articles.drop(known.id)
    return 200, {"id": known.id, "object": "article", "deleted": True}


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


def _kept(call: Call, known: Article) -> Article:
    kept = replace(known, updated=call.account.clock())
    call.account.articles.put(kept.id, kept)
    return kept


def _article(call: Call) -> Article:
    found = call.account.articles.get(call.path["id"])
    if found is None:
        raise RefusedError(404, "not_found", "Resource Not Found")
    return found


def list_collections(call: Call) -> tuple[int, Any]:
    """There is none: articles stand beside them."""
    size = call.number("per_page", 25, 1, 150)
    return 200, {"type": "list", "data": [], "total_count": 0, "pages": numbered(0, 1, size)}


ROUTES = (
    ("GET", "/articles", list_articles),
    ("POST", "/articles", create_article),
    ("GET", "/articles/search", search_articles),
    ("GET", "/articles/<id>", get_article),
    ("PUT", "/articles/<id>", change_article),
    ("DELETE", "/articles/<id>", delete_article),
    ("GET", "/help_center/collections", list_collections),
)

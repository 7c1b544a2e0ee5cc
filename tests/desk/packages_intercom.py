"""Intercom's calls: ours, and those of the vendor's packages for the same."""

from __future__ import annotations

from datetime import UTC, datetime

from .conftest import now
from .packages import BOB, EVE, Calls

ADMIN = {"type": "admin", "admin_id": "<me>"}
UNTIL = 1796083200
COMMENT = {"message_type": "comment", **ADMIN, "body": "Yes?"}
RUDE = {"message_type": "note", **ADMIN, "body": "late again"}
CLOSE = {"message_type": "close", **ADMIN}
OPEN = {"message_type": "open", "admin_id": "<me>"}
SNOOZE = {"message_type": "snoozed", "snoozed_until": UNTIL, "admin_id": "<me>"}
ASSIGN = {"message_type": "assignment", **ADMIN, "assignee_id": "<agent>"}
SEARCH = {"field": "source.body", "operator": "~", "value": "hello"}
BY_EMAIL = {"field": "email", "operator": "=", "value": "ada@example.com"}
PAGE = {"per_page": 150}
KNOWN = {"role": "user", "external_id": "43", "email": "bob@example.com", "name": "Bob"}
NEW = {"role": "user", "external_id": "44", "email": "eve@example.com", "name": "Eve"}
DRAFT = {"title": "How to", "body": "<p>So</p>", "author_id": 814860, "state": "draft"}
BOUGHT = {"event_name": "bought", "created_at": int(now().timestamp()), "id": "<contact>", "metadata": {"plan": "pro"}}
MINE = {"conversation_id": "<conversation>"}

CALLS: Calls = {
    "who am I": (
        lambda desk, ids: desk.conversations.close(ids["conversation"]),
        ("admins.identify", {}),
        ("admins.identify", ()),
    ),
    "list conversations": (
        lambda desk, ids: list(desk.conversations.list()),
        ("conversations.list", PAGE),
        ("conversations.list", (PAGE,)),
    ),
    "search conversations": (
        lambda desk, ids: list(desk.conversations.search("hello")),
        ("conversations.search", {"query": SEARCH, "pagination": PAGE}),
        ("conversations.search", ({"query": SEARCH, "pagination": PAGE},)),
    ),
    "get a conversation": (
        lambda desk, ids: desk.conversations.get(ids["conversation"]),
        ("conversations.find", MINE | {"display_as": "plaintext"}),
        ("conversations.find", (MINE | {"display_as": "plaintext"},)),
    ),
    "begin a conversation": (
        lambda desk, ids: desk.conversations.start(BOB, "Hello again"),
        ("conversations.create", {"from_": {"type": "user", "id": "<bob>"}, "body": "Hello again"}),
        ("conversations.create", ({"from": {"type": "user", "id": "<bob>"}, "body": "Hello again"},)),
    ),
    "reply": (
        lambda desk, ids: desk.conversations.reply(ids["conversation"], "Yes?"),
        ("conversations.reply", MINE | {"request": COMMENT}),
        ("conversations.reply", (MINE | {"body": COMMENT},)),
    ),
    "note": (
        lambda desk, ids: desk.conversations.note(ids["conversation"], "late again"),
        ("conversations.reply", MINE | {"request": RUDE}),
        ("conversations.reply", (MINE | {"body": RUDE},)),
    ),
    "close": (
        lambda desk, ids: desk.conversations.close(ids["conversation"]),
        ("conversations.manage", MINE | {"request": CLOSE}),
        ("conversations.manage", (MINE | {"body": CLOSE},)),
    ),
    "reopen": (
        lambda desk, ids: desk.conversations.reopen(ids["conversation"]),
        ("conversations.manage", MINE | {"request": OPEN}),
        ("conversations.manage", (MINE | {"body": OPEN},)),
    ),
    "snooze": (
        lambda desk, ids: desk.conversations.snooze(ids["conversation"], datetime.fromtimestamp(UNTIL, UTC)),
        ("conversations.manage", MINE | {"request": SNOOZE}),
        ("conversations.manage", (MINE | {"body": SNOOZE},)),
    ),
    "assign": (
        lambda desk, ids: desk.conversations.assign(ids["conversation"], ids["agent"]),
        ("conversations.manage", MINE | {"request": ASSIGN}),
        ("conversations.manage", (MINE | {"body": ASSIGN},)),
    ),
    "list tags": (
        lambda desk, ids: desk.conversations.untag(ids["conversation"], "x"),
        ("tags.list", {}),
        ("tags.list", ()),
    ),
    "make a tag": (
        lambda desk, ids: desk.conversations.tag(ids["conversation"], "vip"),
        ("tags.create", {"request": {"name": "vip"}}),
        ("tags.create", ({"name": "vip"},)),
    ),
    "tag": (
        lambda desk, ids: desk.conversations.tag(ids["conversation"], "vip"),
        ("tags.tag_conversation", MINE | {"tag_id": "<tag>", "admin_id": "<me>"}),
        ("tags.tagConversation", (MINE | {"id": "<tag>", "admin_id": "<me>"},)),
    ),
    "untag": (
        lambda desk, ids: desk.conversations.untag(ids["conversation"], "vip"),
        ("tags.untag_conversation", MINE | {"tag_id": "<tag>", "admin_id": "<me>"}),
        ("tags.untagConversation", (MINE | {"tag_id": "<tag>", "admin_id": "<me>"},)),
    ),
    "make a contact": (
        lambda desk, ids: desk.contacts.upsert(EVE),
        ("contacts.create", {"request": NEW}),
        ("contacts.create", (NEW,)),
    ),
    "change a contact": (
        lambda desk, ids: desk.contacts.upsert(BOB),
        ("contacts.update", {"contact_id": "<bob>", **KNOWN}),
        ("contacts.update", ({"contact_id": "<bob>", **KNOWN},)),
    ),
    "get a contact": (
        lambda desk, ids: desk.contacts.find(id=ids["contact"]),
        ("contacts.find", {"contact_id": "<contact>"}),
        ("contacts.find", ({"contact_id": "<contact>"},)),
    ),
    "search contacts": (
        lambda desk, ids: desk.contacts.find(email="ada@example.com"),
        ("contacts.search", {"query": BY_EMAIL, "pagination": PAGE}),
        ("contacts.search", ({"query": BY_EMAIL, "pagination": PAGE},)),
    ),
    "tell an event": (
        lambda desk, ids: desk.contacts.event(ids["contact"], "bought", {"plan": "pro"}),
        ("events.create", {"request": BOUGHT}),
        ("events.create", (BOUGHT,)),
    ),
    "list articles": (
        lambda desk, ids: list(desk.articles.list()),
        ("articles.list", {"page": 1, "per_page": 50}),
        ("articles.list", ({"page": 1, "per_page": 50},)),
    ),
    "search articles": (
        lambda desk, ids: list(desk.articles.search("returns")),
        ("articles.search", {"phrase": "returns"}),
        ("articles.search", ({"phrase": "returns"},)),
    ),
    "get an article": (
        lambda desk, ids: desk.articles.get(ids["article"]),
        ("articles.find", {"article_id": "<article>"}),
        ("articles.find", ({"article_id": "<article>"},)),
    ),
    "write an article": (
        lambda desk, ids: desk.articles.create("How to", "<p>So</p>"),
        ("articles.create", {"request": DRAFT}),
        ("articles.create", (DRAFT,)),
    ),
    "change an article": (
        lambda desk, ids: desk.articles.update(ids["article"], title="Refunds"),
        ("articles.update", {"article_id": "<article>", "title": "Refunds"}),
        ("articles.update", ({"article_id": "<article>", "title": "Refunds"},)),
    ),
    "publish an article": (
        lambda desk, ids: desk.articles.publish(ids["article"]),
        ("articles.update", {"article_id": "<article>", "state": "published"}),
        ("articles.update", ({"article_id": "<article>", "state": "published"},)),
    ),
    "delete an article": (
        lambda desk, ids: desk.articles.delete(ids["article"]),
        ("articles.delete", {"article_id": "<article>"}),
        ("articles.delete", ({"article_id": "<article>"},)),
    ),
    "list agents": (lambda desk, ids: list(desk.agents.list()), ("admins.list", {}), ("admins.list", ())),
    "forget a contact": (
        lambda desk, ids: desk.contacts.forget(ids["contact"]),
        ("contacts.delete", {"contact_id": "<contact>"}),
        ("contacts.delete", ({"contact_id": "<contact>"},)),
    ),
}

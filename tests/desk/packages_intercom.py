"""Intercom's calls: ours, and those of the vendor's packages for the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from flask_livechat import Company

from .conftest import now
from .packages import BOB, EVE, OF_ACME, Calls, Examples

ADMIN = {"type": "admin", "admin_id": "<me>"}
UNTIL = 1796083200
COMMENT = {"message_type": "comment", **ADMIN, "body": "Yes?"}
RUDE = {"message_type": "note", **ADMIN, "body": "late again"}
CLOSE = {"message_type": "close", **ADMIN}
OPEN = {"message_type": "open", "admin_id": "<me>"}
SNOOZE = {"message_type": "snoozed", "snoozed_until": UNTIL, "admin_id": "<me>"}
ASSIGN = {"message_type": "assignment", **ADMIN, "assignee_id": "<agent>"}
TO_A_TEAM = ASSIGN | {"type": "team", "assignee_id": "814865"}
SEARCH = {"field": "source.body", "operator": "~", "value": "hello"}
THEIRS = {"field": "contact_ids", "operator": "=", "value": "<contact>"}
BY_EMAIL = {"field": "email", "operator": "=", "value": "ada@example.com"}
PAGE = {"per_page": 150}
KNOWN = {"role": "user", "external_id": "43", "email": "bob@example.com", "name": "Bob"}
NEW = {"role": "user", "external_id": "44", "email": "eve@example.com", "name": "Eve"}
DRAFT = {"title": "How to", "body_markdown": "So", "author_id": 814860, "state": "draft"}
BOUGHT = {"event_name": "bought", "created_at": int(now().timestamp()), "id": "<contact>", "metadata": {"plan": "pro"}}
OF_THEIRS = {"company_id": "acme", "name": "Acme", "plan": "pro", "website": "https://acme.example"}
SENDER = {"type": "admin", "id": 814860}
PUSHED = {"message_type": "in_app", "body": "May we help?", "from": SENDER, "to": {"type": "user", "id": "<bob>"}}
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
    "a contact's conversations": (
        lambda desk, ids: list(desk.contacts.conversations(ids["contact"])),
        ("conversations.search", {"query": THEIRS, "pagination": PAGE}),
        ("conversations.search", ({"query": THEIRS, "pagination": PAGE},)),
    ),
    "read messages": (
        lambda desk, ids: list(desk.conversations.messages(ids["conversation"])),
        ("conversations.find", MINE | {"display_as": "plaintext"}),
        ("conversations.find", (MINE | {"display_as": "plaintext"},)),
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
    "a message of the team": (
        lambda desk, ids: desk.conversations.start(BOB, "May we help?", author="agent"),
        ("messages.create", {"request": PUSHED}),
        ("messages.create", (PUSHED,)),
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
    "assign to a team": (
        lambda desk, ids: desk.conversations.assign(ids["conversation"], team="814865"),
        ("conversations.manage", MINE | {"request": TO_A_TEAM}),
        ("conversations.manage", (MINE | {"body": TO_A_TEAM},)),
    ),
    "look up a team": (
        lambda desk, ids: desk.conversations.assign(ids["conversation"], team="814865"),
        ("teams.find", {"team_id": "814865"}),
        ("teams.find", ({"team_id": "814865"},)),
    ),
    "list teams": (lambda desk, ids: list(desk.agents.teams()), ("teams.list", {}), ("teams.list", ())),
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
    "make a company": (
        lambda desk, ids: desk.contacts.upsert(OF_ACME),
        ("companies.create_or_update", {"request": OF_THEIRS}),
        ("companies.createOrUpdate", (OF_THEIRS,)),
    ),
    "attach a contact to a company": (
        lambda desk, ids: desk.contacts.upsert(replace(BOB, company=Company("7", "Seeded"))),
        ("companies.attach_contact", {"contact_id": "<bob>", "company_id": "<company>"}),
        ("companies.attachContact", ({"contact_id": "<bob>", "id": "<company>"},)),
    ),
    "get a contact": (
        lambda desk, ids: desk.contacts.find(id=ids["contact"]),
        ("contacts.find", {"contact_id": "<contact>"}),
        ("contacts.find", ({"contact_id": "<contact>"},)),
    ),
    "search contacts": (
        lambda desk, ids: list(desk.contacts.find_all(email="ada@example.com")),
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
    "take stock of articles": (
        lambda desk, ids: desk.inventory(),
        ("articles.list", {"page": 1, "per_page": 50}),
        ("articles.list", ({"page": 1, "per_page": 50},)),
    ),
    "list collections": (
        lambda desk, ids: desk.inventory(),
        ("help_centers.collections.list", {"page": 1, "per_page": 150}),
        ("helpCenters.collections.list", ({"page": 1, "per_page": 150},)),
    ),
    "make a collection": (
        lambda desk, ids: desk.articles.create("How to", "So", category="Orders"),
        ("help_centers.collections.create", {"name": "Orders"}),
        ("helpCenters.collections.create", ({"name": "Orders"},)),
    ),
    "get an article": (
        lambda desk, ids: desk.articles.get(ids["article"]),
        ("articles.find", {"article_id": "<article>"}),
        ("articles.find", ({"article_id": "<article>"},)),
    ),
    "write an article": (
        lambda desk, ids: desk.articles.create("How to", "So"),
        ("articles.create", {"request": DRAFT}),
        ("articles.create", (DRAFT,)),
    ),
    "change an article": (
        lambda desk, ids: desk.articles.update(ids["article"], title="Refunds"),
        ("articles.update", {"article_id": "<article>", "title": "Refunds"}),
        ("articles.update", ({"article_id": "<article>", "title": "Refunds"},)),
    ),
    "take an article back": (
        lambda desk, ids: desk.articles.unpublish(ids["article"]),
        ("articles.update", {"article_id": "<article>", "state": "draft"}),
        ("articles.update", ({"article_id": "<article>", "state": "draft"},)),
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
    "availability": (lambda desk, ids: desk.agents.availability(), ("admins.list", {}), ("admins.list", ())),
    "list agents": (lambda desk, ids: list(desk.agents.list()), ("admins.list", {}), ("admins.list", ())),
    "forget a contact": (
        lambda desk, ids: desk.contacts.forget(ids["contact"]),
        ("contacts.delete", {"contact_id": "<contact>"}),
        ("contacts.delete", ({"contact_id": "<contact>"},)),
    ),
}


WHO = {"contact_id": "<contact>"}
ACME = {"company_id": "acme", "name": "Acme"}
BEN = {"admin_id": "<me>", "customer": {"intercom_user_id": "<bob>"}}
# What public examples call beside: the Python package's call, the JavaScript package's, and what is in the answer.
EXAMPLES: Examples = {
    "contacts": (("contacts.list", {}), ("contacts.list", ()), "bob@example.com"),
    "by the app's id": (
        ("contacts.show_contact_by_external_id", {"external_id": "43"}),
        ("contacts.showContactByExternalId", ({"external_id": "43"},)),
        "bob@example.com",
    ),
    "tag a contact": (
        ("tags.tag_contact", WHO | {"tag_id": "<tag>"}),
        ("tags.tagContact", (WHO | {"id": "<tag>"},)),
        "vip",
    ),
    "a contact's tags": (("contacts.list_attached_tags", WHO), ("contacts.listAttachedTags", (WHO,)), "vip"),
    "untag a contact": (
        ("tags.untag_contact", WHO | {"tag_id": "<tag>"}),
        ("tags.untagContact", (WHO | {"tag_id": "<tag>"},)),
        "vip",
    ),
    "a note": (
        ("notes.create", WHO | {"body": "late", "admin_id": "<me>"}),
        ("notes.create", (WHO | {"body": "late", "admin_id": "<me>"},)),
        "<p>late</p>",
    ),
    "notes": (("notes.list", WHO), ("notes.list", (WHO,)), "<p>late</p>"),
    "segments": (("segments.list", {}), ("segments.list", ()), "All users"),
    "a contact's segments": (
        ("contacts.list_attached_segments", WHO),
        ("contacts.listAttachedSegments", (WHO,)),
        "All users",
    ),
    "a company": (("companies.create_or_update", {"request": ACME}), ("companies.createOrUpdate", (ACME,)), "Acme"),
    "companies": (
        ("companies.retrieve", {"company_id": "acme"}),
        ("companies.retrieve", ({"company_id": "acme"},)),
        "Acme",
    ),
    "a contact's companies": (
        ("contacts.list_attached_companies", WHO),
        ("contacts.listAttachedCompanies", (WHO,)),
        "",
    ),
    "an admin": (("admins.find", {"admin_id": 814861}), ("admins.find", ({"admin_id": 814861},)), "sam@example.com"),
    "a tag": (("tags.find", {"tag_id": "<tag>"}), ("tags.find", ({"tag_id": "<tag>"},)), "vip"),
    "one more contact": (
        ("conversations.attach_contact_as_admin", MINE | BEN),
        ("conversations.attachContactAsAdmin", (MINE | BEN,)),
        "<bob>",
    ),
    "a title": (
        ("conversations.update", MINE | {"title": "Late"}),
        ("conversations.update", (MINE | {"title": "Late"},)),
        "Late",
    ),
    "archive": (
        ("contacts.archive", {"contact_id": "<bob>"}),
        ("contacts.archive", ({"contact_id": "<bob>"},)),
        "<bob>",
    ),
    "unarchive": (
        ("contacts.unarchive", {"contact_id": "<bob>"}),
        ("contacts.unarchive", ({"contact_id": "<bob>"},)),
        "<bob>",
    ),
}

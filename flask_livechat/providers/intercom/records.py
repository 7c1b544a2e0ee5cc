"""Our records out of Intercom's JSON, of which no field is promised (API 2.11 to 2.16, as of 2026-11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...model import Agent, Article, Contact, Conversation, Message, Team
from ...operation import page_of
from ..sanitize import moment


def conversation(data: Mapping[str, Any]) -> Conversation:
    """No field of it is promised. Who it is with has ids alone; whoever began it has a name and an address, too."""
    people = (data.get("contacts") or {}).get("contacts") or []
    author = (data.get("source") or {}).get("author") or {}
    starts = bool(people and author.get("id")) and str(author["id"]) == str(people[0].get("id"))
    named = {name: author.get(name) or None for name in ("name", "email")} if starts else {}
    agent = data.get("admin_assignee_id")
    return Conversation(
        id=str(data["id"]),
        state=str(data.get("state") or ("open" if data.get("open") else "closed")),
        contact=contact(named | people[0]) if people else None,
        subject=data.get("title") or (data.get("source") or {}).get("subject") or None,
        agent=str(agent) if agent else None,  # nobody is null in one version and 0 in another
        tags=tuple(str(tag["name"]) for tag in (data.get("tags") or {}).get("tags") or []),
        created_at=moment(data.get("created_at")),
        updated_at=moment(data.get("updated_at")),
        raw=data,
    )


def message(data: Mapping[str, Any], conversation: str) -> Message:
    who = data.get("author") or {}
    kinds = {"user": "visitor", "lead": "visitor", "contact": "visitor", "admin": "agent"}
    note = data.get("part_type") in ("note", "note_and_reopen")
    return Message(
        id=str(data.get("id") or ""),
        conversation=conversation,
        author=kinds.get(str(who.get("type")), "bot"),
        text=str(data.get("body") or ""),
        kind="note" if note else "text" if data.get("body") else "file",
        author_name=who.get("name"),
        at=moment(data.get("created_at")),
        raw=data,
    )


def messages_of(chat: Conversation) -> Sequence[Message]:
    """What was written: the first message and the newest 500 parts, which is all that the vendor gives."""
    source = chat.raw.get("source") or {}
    first = {**source, "created_at": chat.raw.get("created_at")} if source.get("body") else None
    parts = (chat.raw.get("conversation_parts") or {}).get("conversation_parts") or []

    def read(part: Mapping[str, Any]) -> Message | None:
        return message(part, chat.id) if part.get("body") or part.get("attachments") else None

    messages = page_of("Intercom messages", read, [*([first] if first else []), *parts]).items
    return [message for message in messages if message is not None]


def contact(data: Mapping[str, Any]) -> Contact:
    return Contact(
        id=str(data["id"]),
        external_id=None if data.get("role") == "lead" else data.get("external_id"),  # a lead's is the vendor's own
        email=data.get("email"),
        name=data.get("name"),
        phone=data.get("phone"),
        created_at=moment(data.get("signed_up_at") or data.get("created_at")),
        email_verified=data.get("email_verified"),
        attributes=data.get("custom_attributes") or {},
        raw=data,
    )


def article(data: Mapping[str, Any]) -> Article:
    return Article(
        id=str(data["id"]),
        title=str(data.get("title") or ""),
        locale=data.get("default_locale"),
        published=data.get("state") == "published",
        url=data.get("url"),
        body=body_of(data),
        updated_at=moment(data.get("updated_at")),
        raw=data,
        description=data.get("description") or None,
        category=_collection(data),
    )


def body_of(data: Mapping[str, Any]) -> str | None:
    """Markdown without the line break at its end; before 2.16, HTML."""
    text = data.get("body_markdown")
    return data.get("body") if text is None else str(text).rstrip("\n")


def _collection(data: Mapping[str, Any]) -> str | None:
    """The innermost one. Newer versions give all ids that lead there, the order of which is UNCONFIRMED."""
    parents = data.get("parent_ids") or []
    parent = data.get("parent_id") or (parents[-1] if parents else None)
    return None if parent is None else str(parent)


def agent(data: Mapping[str, Any]) -> Agent:
    away = data.get("away_mode_enabled")
    return Agent(str(data["id"]), data.get("name"), data.get("email"), None if away is None else not away, raw=data)


def team(data: Mapping[str, Any]) -> Team:
    return Team(str(data["id"]), data.get("name"), raw=data)

"""What Intercom's REST API answers with, in its versions 2.11 to 2.16 (its OpenAPI files, as of 2026-11)."""

from __future__ import annotations

import hashlib
from typing import Any

from ..hub import Message, RefusedError, Session
from ..records import Agent, Article, Person
from .api import Account, Call, fresh_id

VERSIONS = ("2.11", "2.12", "2.13", "2.14", "2.15", "2.16")
STATES = {"open": "open", "pending": "open", "snoozed": "snoozed", "closed": "closed"}
AUTHORS = {"visitor": "user", "agent": "admin", "system": "bot"}
PARTS = 500  # the newest of a conversation
READERS = (
    "views",
    "conversions",
    "reactions",
    *(f"{mood}_reaction_percentage" for mood in ("happy", "neutral", "sad")),
)
# Of a contact, what a sandbox cannot know.
UNKNOWN = tuple(
    """
    last_seen_at last_replied_at last_contacted_at last_email_opened_at last_email_clicked_at language_override
    browser browser_version browser_language os
    """.split()
)


def person_of(account: Account, session: Session) -> Person | None:
    return account.who(session, fresh_id, strangers=bool(session.messages))


def tag(account: Account, name: str, at: float | None = None, by: Agent | None = None) -> dict[str, Any]:
    """``at`` and ``by``: when and by whom it was put somewhere, as far as that is known."""
    made = str(int(hashlib.sha256(name.encode()).hexdigest()[:12], 16))
    account.tags.put(made, name)
    when, agent = int(account.clock() if at is None else at), by or account.agents[0]
    return {
        "type": "tag",
        "id": made,
        "name": name,
        "applied_at": when,
        "applied_by": {"type": "admin", "id": agent.id},
    }


def contact(call: Call, person: Person) -> dict[str, Any]:
    nothing = {"type": "list", "data": [], "url": f"/contacts/{person.id}", "total_count": 0, "has_more": False}
    return {
        "type": "contact",
        "id": person.id,
        "workspace_id": call.account.values["APP_ID"],
        "external_id": person.external_id,
        "role": "user" if person.external_id or person.email else "lead",
        "email": person.email,
        "phone": person.phone,
        "name": person.name,
        "avatar": person.avatar,
        "owner_id": None,
        "has_hard_bounced": False,
        "marked_email_as_spam": False,
        "unsubscribed_from_emails": False,
        "created_at": int(person.created),
        "updated_at": int(person.updated),
        "signed_up_at": person.signed_up,
        **dict.fromkeys(UNKNOWN),
        "custom_attributes": dict(person.attributes),
        "tags": nothing,
        "notes": nothing,
        "companies": nothing,
        "location": {"type": "location", "country": None, "region": None, "city": None},
        "social_profiles": {"data": []},
    }


def article(call: Call, known: Article) -> dict[str, Any]:
    return {
        "type": "article",
        "id": known.id,
        "workspace_id": call.account.values["APP_ID"],
        "title": known.title,
        "description": known.description,
        "body": known.body,
        "author_id": int(known.author),
        "state": "published" if known.published else "draft",
        "created_at": int(known.created),
        "updated_at": int(known.updated),
        "url": f"https://help.example.com/articles/{known.id}" if known.published else None,
        "parent_id": None,
        "parent_ids": [],
        "parent_type": None,
        "default_locale": "en",
        "translated_content": {"type": "article_translated_content"},
        "statistics": {"type": "article_statistics", **dict.fromkeys(READERS, 0)},
    }


def conversation(call: Call, session: Session) -> dict[str, Any]:
    """As lists and searches give it: without its parts."""
    account, new = call.account, _is_new(call)
    person, first = person_of(account, session), session.messages[0]
    people = [{"type": "contact", "id": person.id, "external_id": person.external_id}] if person else []
    tags = [tag(account, name, session.changed) for name in session.tags]
    return {
        "type": "conversation",
        "id": str(session.number),
        "title": None,
        "created_at": int(session.created),
        "updated_at": int(session.changed),
        "waiting_since": None,
        "snoozed_until": int(session.until) if session.until and account.state(session) == "snoozed" else None,
        "open": account.state(session) != "closed",
        "state": STATES[account.state(session)],
        "read": session.read >= session.messages[-1].n,
        "priority": "none" if new else "not_priority",
        "admin_assignee_id": int(session.agent) if session.agent else 0 if new else None,
        "team_assignee_id": 0 if new else None,
        "contacts": {"type": "contact.list", "contacts": people},
        "tags": {"type": "tag.list", "tags": tags},
        "teammates": {"type": "admin.list", "teammates": []},
        "topics": {"type": "topic.list", "topics": [], "total_count": 0},
        "conversation_rating": _rating(session),
        "source": _source(call, session, first),
        "statistics": _statistics(session),
        "custom_attributes": {},
    }


def whole(call: Call, session: Session) -> dict[str, Any]:
    if not session.messages:
        raise RefusedError(404, "not_found", "Resource Not Found")
    parts = [_part(call, session, one) for one in list(session.messages)[1:][-PARTS:]]
    listed = {"type": "conversation_part.list", "conversation_parts": parts, "total_count": len(parts)}
    return conversation(call, session) | {"conversation_parts": listed}


def _part(call: Call, session: Session, said: Message) -> dict[str, Any]:
    return {
        "type": "conversation_part",
        "id": str(said.n),
        "part_type": "note" if said.kind == "note" else "close" if said.author == "system" else "comment",
        "body": None if said.author == "system" else said.text,
        "created_at": int(said.at),
        "updated_at": int(said.at),
        "notified_at": int(said.at),
        "author": _author(call, session, said),
        "attachments": [],
        "external_id": None,
        "redacted": False,
    }


def _source(call: Call, session: Session, said: Message) -> dict[str, Any]:
    return {
        "type": "conversation",
        "id": str(said.n),
        "delivered_as": "customer_initiated" if said.author == "visitor" else "admin_initiated",
        "subject": "",
        "body": said.text,
        "author": _author(call, session, said),
        "attachments": [],
        "url": session.page or None,
        "redacted": False,
    }


def _author(call: Call, session: Session, said: Message) -> dict[str, Any]:
    account = call.account
    person = person_of(account, session) if said.author == "visitor" else None
    agent = account.agent(said.agent) or account.agents[0]
    who = person or agent
    return {"type": AUTHORS[said.author], "id": who.id, "name": who.name or "", "email": who.email or ""}


def _statistics(session: Session) -> dict[str, Any]:
    """Unix seconds. What did not happen is left out."""
    visitor, agent = _when(session, "visitor"), _when(session, "agent")
    known = {
        "first_contact_reply_at": visitor[:1],
        "last_contact_reply_at": visitor[-1:],
        "first_admin_reply_at": agent[:1],
        "last_admin_reply_at": agent[-1:],
    }
    counted = {"type": "conversation_statistics", "count_conversation_parts": len(session.messages) - 1}
    return counted | {name: found[0] for name, found in known.items() if found}


def _when(session: Session, author: str) -> list[int]:
    return [int(one.at) for one in session.messages if one.author == author and one.kind == "text"]


def _rating(session: Session) -> dict[str, Any] | None:
    if session.rating is None:
        return None
    return {
        "rating": session.rating,
        "remark": "",
        "created_at": int(session.changed),
        "contact": {},
        "teammate": {},
    }


def _is_new(call: Call) -> bool:
    version = call.headers.get("Intercom-Version", str(call.account.values.get("API_VERSION") or VERSIONS[-1]))
    return version == "2.16"

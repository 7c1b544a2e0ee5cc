"""A conversation of Intercom's, as its REST API gives it in its versions 2.11 to 2.16 (its OpenAPI files, 2026-11)."""

from __future__ import annotations

from typing import Any

from ....sandbox.api import Account, Call
from ....sandbox.sessions import Kind, Message, RefusedError, Session
from .calls import html_of, people_of, person_of, version
from .records import tag

STATES = {"open": "open", "pending": "open", "snoozed": "snoozed", "closed": "closed"}
PARTS: dict[Kind, str] = {
    "text": "comment",
    "note": "note",
    "closed": "close",
    "opened": "open",
    "snoozed": "snoozed",
    "assigned": "assignment",
}
MAX_PARTS = 500  # the newest of a conversation
BOT = "9608808"  # the id that the workspace's bot has


def conversation(call: Call, session: Session) -> dict[str, Any]:
    """As lists and searches give it: without its parts."""
    account, new = call.account, version(call) >= (2, 16)
    people = [{"type": "contact", "id": one.id, "external_id": one.external_id} for one in people_of(account, session)]
    agents = dict.fromkeys(one.agent for one in session.messages if one.author == "agent" and one.agent)
    nobody = 0 if new else None
    return {
        "type": "conversation",
        "id": str(session.number),
        "title": session.details.get("title"),
        "created_at": int(session.created),
        "updated_at": int(session.changed),
        "waiting_since": _waiting_since(session),
        "snoozed_until": int(session.until) if session.until and account.state(session) == "snoozed" else None,
        "open": account.state(session) != "closed",
        "state": STATES[account.state(session)],
        "read": session.read >= session.messages[-1].n,
        "priority": "none" if new else "not_priority",
        "admin_assignee_id": int(session.agent) if session.agent else nobody,
        "team_assignee_id": int(session.team) if session.team else nobody,
        "contacts": {"type": "contact.list", "contacts": people},
        "tags": {"type": "tag.list", "tags": _tags(account, session)},
        "teammates": {"type": "admin.list", "teammates": [{"type": "admin", "id": one} for one in agents]},
        "topics": {"type": "topic.list", "topics": [], "total_count": 0},
        "conversation_rating": _rating(account, session),
        "source": _source(call, session),
        "statistics": _statistics(session),
        "custom_attributes": {},
    }


def whole(call: Call, session: Session) -> dict[str, Any]:
    if not session.messages:
        raise RefusedError(404, "not_found", "Resource Not Found")
    first = first_of(session)
    listed = [one for one in session.messages if one.kind in PARTS and one.author != "system" and one.n != first.n]
    parts = [part(call, session, one) for one in listed[-MAX_PARTS:]]
    return conversation(call, session) | {
        "conversation_parts": {"type": "conversation_part.list", "conversation_parts": parts, "total_count": len(parts)}
    }


def first_of(session: Session) -> Message:
    """What the conversation began with."""
    return next((one for one in session.messages if one.is_reply), session.messages[0])


def part(call: Call, session: Session, said: Message) -> dict[str, Any]:
    at = int(said.at)
    return {
        "type": "conversation_part",
        "id": str(said.n),
        "part_type": PARTS.get(said.kind, "comment"),
        "body": _body(call, said) if said.text else None,
        "created_at": at,
        "updated_at": at,
        "notified_at": at,
        "assigned_to": _assignee(session) if said.kind == "assigned" else None,
        "author": _author(call.account, session, said),
        "attachments": _attachments(said),
        "external_id": None,
        "redacted": False,
        "tags": [],
    }


def _source(call: Call, session: Session) -> dict[str, Any]:
    said = first_of(session)
    return {
        "type": "conversation",
        "id": str(said.n),
        "delivered_as": "customer_initiated" if said.author == "visitor" else "admin_initiated",
        "subject": "",
        "body": _body(call, said),
        "author": _author(call.account, session, said),
        "attachments": _attachments(said),
        "url": session.page or None,
        "redacted": False,
    }


def _body(call: Call, said: Message) -> str:
    """HTML, but where plain text was asked for."""
    if call.query.get("display_as") == "plaintext":
        return said.text
    return html_of(said.text)


def _attachments(said: Message) -> list[dict[str, Any]]:
    urls = (said.content or {}).get("urls") or []
    known = {"type": "upload", "content_type": "application/octet-stream", "filesize": 1, "width": 0, "height": 0}
    return [known | {"name": str(url).rsplit("/", 1)[-1] or "file", "url": url} for url in urls]


def _author(account: Account, session: Session, said: Message) -> dict[str, Any]:
    """Whoever wrote this part: of several contacts this one; a bot under every topic; of who was deleted no name."""
    if said.author == "bot":
        address = f"operator+{account.values['APP_ID']}@intercom.io"
        told = {"from_ai_agent": True, "is_ai_answer": False}
        return {"type": "bot", "id": BOT, "name": "Fin", "email": address, **told}
    if said.author == "agent":
        agent = account.agent(said.agent) or account.agents[0]
        return {"type": "admin", "id": agent.id, "name": agent.name, "email": agent.email}
    person = account.people.get(said.agent) if said.agent else person_of(account, session)
    if person is None:
        return {"type": "user", "id": said.agent or "", "name": None, "email": ""}
    return {"type": person.role, "id": person.id, "name": person.name, "email": person.email or ""}


def _assignee(session: Session) -> dict[str, Any]:
    if session.team:
        return {"type": "team", "id": session.team}
    return {"type": "admin", "id": session.agent} if session.agent else {"type": "nobody_admin", "id": None}


def _waiting_since(session: Session) -> int | None:
    """Since when the visitor waits for an answer."""
    since = None
    for said in session.messages:
        if said.is_reply:
            since = None if said.author != "visitor" else since or int(said.at)
    return since


def _statistics(session: Session) -> dict[str, Any]:
    """Unix seconds. What did not happen is left out; a bot's reply is no admin's."""
    visitor, agent = _when(session, "visitor"), _when(session, "agent")
    closings = [one for one in session.messages if one.kind == "closed"]
    known: dict[str, list[Any]] = {
        "first_contact_reply_at": visitor[:1],
        "last_contact_reply_at": visitor[-1:],
        "first_admin_reply_at": agent[:1],
        "last_admin_reply_at": agent[-1:],
        "first_close_at": [int(one.at) for one in closings[:1]],
        "last_close_at": [int(one.at) for one in closings[-1:]],
        "last_closed_by_id": [one.agent for one in closings[-1:] if one.agent],
    }
    counted = {
        "type": "conversation_statistics",
        "count_reopens": sum(one.kind == "opened" for one in session.messages),
        "count_assignments": sum(one.kind == "assigned" for one in session.messages),
        "count_conversation_parts": len(session.messages) - 1,
    }
    return counted | {name: found[0] for name, found in known.items() if found}


def _when(session: Session, author: str) -> list[int]:
    return [int(one.at) for one in session.messages if one.author == author and one.kind == "text"]


def _tags(account: Account, session: Session) -> list[dict[str, Any]]:
    return [tag(account, name, session.tagged_at.get(name, session.changed)) for name in session.tags]


def _rating(account: Account, session: Session) -> dict[str, Any] | None:
    if session.rating is None:
        return None
    person, agent = person_of(account, session), session.agent or account.agents[0].id
    return {
        "rating": session.rating,
        "remark": "",
        "created_at": int(session.rated_at or session.changed),
        "contact": {"type": "contact", "id": person.id, "external_id": person.external_id} if person else {},
        "teammate": {"type": "admin", "id": agent},
    }

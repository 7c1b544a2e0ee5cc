"""A conversation of Intercom's, as its REST API gives it in its versions 2.11 to 2.16 (its OpenAPI files, 2026-11)."""

from __future__ import annotations

from typing import Any

from ....sandbox.api import Account
from ....sandbox.sessions import Kind, Message, RefusedError, Session
from .calls import IntercomCall, html_of, people_of, person_of
from .records import tag

STATES = {"open": "open", "pending": "open", "snoozed": "snoozed", "closed": "closed"}
PARTS: dict[Kind, str] = {
    "text": "comment",
    "note": "note",
    "closed": "close",
    "opened": "open",
    "snoozed": "snoozed",
    "unsnoozed": "unsnoozed",
    "assigned": "assignment",
}
MAX_PARTS = 500  # the newest of a conversation
BOT = "9608808"  # the id that the workspace's bot has


def conversation(call: IntercomCall, session: Session) -> dict[str, Any]:
    """As lists and searches give it: without its parts."""
    account, new = call.account, call.version() >= (2, 16)
    people = [
        {"type": "contact", "id": person.id, "external_id": person.external_id}
        for person in people_of(account, session)
    ]
    agents = dict.fromkeys(line.agent for line in session.messages if line.author == "agent" and line.agent)
    nobody = 0 if new else None
    return {
        "type": "conversation",
        "id": str(session.number),
        "title": session.details.get("title"),
        "created_at": int(first_of(session).at),
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
        "teammates": {"type": "admin.list", "teammates": [{"type": "admin", "id": agent} for agent in agents]},
        "topics": {"type": "topic.list", "topics": [], "total_count": 0},
        "conversation_rating": _rating(account, session),
        "source": _source(call, session),
        "statistics": _statistics(session),
        "custom_attributes": {},
    }


def whole(call: IntercomCall, session: Session) -> dict[str, Any]:
    if not session.messages:
        raise RefusedError(404, "not_found", "Resource Not Found")
    first = first_of(session)
    listed = [line for line in session.messages if line.kind in PARTS and line.author != "system" and line.n != first.n]
    parts = [part(call, session, line) for line in listed[-MAX_PARTS:]]
    return conversation(call, session) | {
        "conversation_parts": {"type": "conversation_part.list", "conversation_parts": parts, "total_count": len(parts)}
    }


def first_of(session: Session) -> Message:
    """What the conversation began with."""
    return next((line for line in session.messages if line.is_reply), session.messages[0])


def part(call: IntercomCall, session: Session, line: Message) -> dict[str, Any]:
    at = int(line.at)
    return {
        "type": "conversation_part",
        "id": str(line.n),
        "part_type": PARTS.get(line.kind, "comment"),
        "body": _body(call, line) if line.text else None,
        "created_at": at,
        "updated_at": at,
        "notified_at": at,
        "assigned_to": _assignee(session) if line.kind == "assigned" else None,
        "author": _author(call.account, session, line),
        "attachments": _attachments(line),
        "external_id": None,
        "redacted": False,
        "tags": [],
    }


def _source(call: IntercomCall, session: Session) -> dict[str, Any]:
    line = first_of(session)
    return {
        "type": "conversation",
        "id": str(line.n),
        "delivered_as": "customer_initiated" if line.author == "visitor" else "admin_initiated",
        "subject": "",
        "body": _body(call, line),
        "author": _author(call.account, session, line),
        "attachments": _attachments(line),
        "url": session.page or None,
        "redacted": False,
    }


def _body(call: IntercomCall, line: Message) -> str:
    """HTML, but where plain text was asked for."""
    if call.query.get("display_as") == "plaintext":
        return line.text
    return html_of(line.text)


def _attachments(line: Message) -> list[dict[str, Any]]:
    urls = (line.content or {}).get("urls") or []
    known = {"type": "upload", "content_type": "application/octet-stream", "filesize": 1, "width": 0, "height": 0}
    return [known | {"name": str(url).rsplit("/", 1)[-1] or "file", "url": url} for url in urls]


def _author(account: Account, session: Session, line: Message) -> dict[str, Any]:
    """Whoever wrote this part: of several contacts this one; a bot under every topic; of who was deleted no name."""
    if line.author == "bot":
        address = f"operator+{account.values['APP_ID']}@intercom.io"
        flags = {"from_ai_agent": True, "is_ai_answer": False}
        return {"type": "bot", "id": BOT, "name": "Fin", "email": address, **flags}
    if line.author == "agent":
        agent = account.agent(line.agent) or account.agents[0]
        return {"type": "admin", "id": agent.id, "name": agent.name, "email": agent.email}
    person = account.people.get(line.agent) if line.agent else person_of(account, session)
    if person is None:
        return {"type": "user", "id": line.agent or "", "name": None, "email": ""}
    return {"type": person.role, "id": person.id, "name": person.name, "email": person.email or ""}


def _assignee(session: Session) -> dict[str, Any]:
    if session.team:
        return {"type": "team", "id": session.team}
    return {"type": "admin", "id": session.agent} if session.agent else {"type": "nobody_admin", "id": None}


def _waiting_since(session: Session) -> int | None:
    """Since when the visitor waits for an answer."""
    since = None
    for line in session.messages:
        if line.is_reply:
            since = None if line.author != "visitor" else since or int(line.at)
    return since


def _statistics(session: Session) -> dict[str, Any]:
    """Unix seconds. What did not happen is left out; a bot's reply is no admin's."""
    visitor, agent = _when(session, "visitor"), _when(session, "agent")
    closings = [line for line in session.messages if line.kind == "closed"]
    known: dict[str, list[Any]] = {
        "first_contact_reply_at": visitor[:1],
        "last_contact_reply_at": visitor[-1:],
        "first_admin_reply_at": agent[:1],
        "last_admin_reply_at": agent[-1:],
        "first_close_at": [int(line.at) for line in closings[:1]],
        "last_close_at": [int(line.at) for line in closings[-1:]],
        "last_closed_by_id": [line.agent for line in closings[-1:] if line.agent],
    }
    counted = {
        "type": "conversation_statistics",
        "count_reopens": sum(line.kind == "opened" for line in session.messages),
        "count_assignments": sum(line.kind == "assigned" for line in session.messages),
        "count_conversation_parts": len(session.messages) - 1,
    }
    return counted | {name: moments[0] for name, moments in known.items() if moments}


def _when(session: Session, author: str) -> list[int]:
    return [int(line.at) for line in session.messages if line.author == author and line.kind == "text"]


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

"""What Crisp's REST API answers with, which is what its webhooks carry, too (as of 2026-11)."""

from __future__ import annotations

import uuid
from typing import Any

from ....sandbox.api import Account
from ....sandbox.records import Agent, Person
from ....sandbox.sessions import Message, Session
from .calls import milliseconds

STATES = {"open": "unresolved", "pending": "pending", "snoozed": "unresolved", "closed": "resolved"}
PARTS = ("nickname", "email", "phone", "address", "subject", "avatar", "ip")
BOT_ORIGIN = "urn:crisp.im:bot:0"  # UNCONFIRMED beyond public payloads; ``automated`` says the same


def person_of(account: Account, session: Session) -> Person | None:
    """Whoever has no address is nobody's contact."""
    return account.who(session, lambda: str(uuid.uuid4()), None) if session.identity.email else None


def conversation(account: Account, session: Session) -> dict[str, Any]:
    person = person_of(account, session)
    replies = [line for line in session.messages if line.is_reply]
    return {
        "session_id": session.key,
        "website_id": account.values["WEBSITE_ID"],
        **({"people_id": person.id} if person else {}),
        "state": STATES[account.state(session)],
        "is_verified": session.identity.state == "verified",
        "is_blocked": session.is_blocked,
        "availability": "online",
        "active": {"now": False, "last": milliseconds(session.seen)},
        "last_message": replies[-1].text[:200] if replies else "",
        "participants": [{"type": "email", "target": address} for address in session.participants],
        "mentions": [],
        "unread": {
            "operator": 0,
            "visitor": sum(item.author != "visitor" and item.n > session.read for item in replies),
        },
        **({"assigned": {"user_id": session.agent}} if session.agent else {}),
        "meta": meta(session),
        "created_at": milliseconds(session.created),
        "updated_at": milliseconds(session.changed),
    }


def meta(session: Session) -> dict[str, Any]:
    identity = session.identity
    return {
        "nickname": identity.name or f"visitor{session.number}",
        "email": identity.email or "",
        **{name: session.details.get(name, "") for name in PARTS[2:]},
        "data": dict(session.attributes),
        "segments": list(session.tags),
        "device": {},
    }


def live_visitor(session: Session) -> dict[str, Any]:
    """Somebody with a page open, by the official library's types (crisp-api 10, as of 2026-11)."""
    known = meta(session)
    return {
        "session_id": session.key,
        "inbox_id": None,
        "nickname": known["nickname"],
        "email": known["email"],
        "avatar": None,
        "useragent": "",
        "initiated": bool(session.messages),
        "active": True,
        "last_page": {"page_title": "", "page_url": session.page},
        "geolocation": {},
        "timezone": 0,
        "capabilities": [],
        "locales": ["en"],
    }


def listed(session: Session) -> list[Message]:
    """A line that only the sandbox' panels have is none of Crisp's, and of what was decided only a close is one."""
    return [line for line in session.messages if line.kind in ("text", "note", "closed") and line.author != "system"]


def message(account: Account, session: Session, line: Message) -> dict[str, Any]:
    is_event, is_bot = line.kind == "closed", line.author == "bot"
    content: Any = line.text if line.content is None else dict(line.content)
    return {
        "session_id": session.key,
        "website_id": account.values["WEBSITE_ID"],
        "type": "event" if is_event else "note" if line.kind == "note" else line.type,
        "from": "user" if line.author == "visitor" else "operator",
        "origin": BOT_ORIGIN if is_bot and line.origin == "chat" else line.origin,
        "content": {"namespace": "state:resolved", "text": line.text} if is_event else content,
        "read": "chat" if line.n <= session.read else "",
        "delivered": "chat",
        "fingerprint": fingerprint(line),
        "timestamp": milliseconds(line.at),
        "user": _user(account, session, line),
        "mentions": [],
        "stamped": True,
        "edited": line.edited,
        "translated": False,
        "automated": is_bot or line.automated,
        "properties": {},
    }


def fingerprint(line: Message) -> int:
    """The one that its sender gave it, else the vendor's."""
    return line.n if line.fingerprint is None else line.fingerprint


def _user(account: Account, session: Session, line: Message) -> dict[str, Any]:
    if line.author == "visitor":
        return {"user_id": session.key, "nickname": meta(session)["nickname"]}
    agent = account.agent(line.agent)
    name = agent.name if agent else "Bot" if line.author == "bot" else "Support"
    return {"user_id": line.agent, "nickname": name}


def profile(person: Person) -> dict[str, Any]:
    company = dict(person.extra.get("company") or {})
    return {
        "people_id": person.id,
        "email": person.email,
        "person": {
            **dict(person.extra.get("person") or {}),
            "nickname": person.name or "",
            "avatar": person.avatar,
            "phone": person.phone or "",
        },
        **({"company": company} if company else {}),
        "segments": list(person.segments),
        "notepad": person.extra.get("notepad") or "",
        "active": milliseconds(person.updated),
        "created_at": milliseconds(person.created),
        "updated_at": milliseconds(person.updated),
    }


def operator(account: Account, agent: Agent) -> dict[str, Any]:
    details = {
        "user_id": agent.id,
        "email": agent.email,
        "avatar": None,
        "first_name": agent.first,
        "last_name": agent.last,
        "role": "member",
        "availability": "online" if account.hub.status(account.name) == "online" else "offline",
    }
    return {"type": "operator", "details": details}

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
    said = [one for one in session.messages if one.is_reply]
    return {
        "session_id": session.key,
        "website_id": account.values["WEBSITE_ID"],
        **({"people_id": person.id} if person else {}),
        "state": STATES[account.state(session)],
        "is_verified": session.identity.state == "verified",
        "is_blocked": session.is_blocked,
        "availability": "online",
        "active": {"now": False, "last": milliseconds(session.seen)},
        "last_message": said[-1].text[:200] if said else "",
        "participants": [{"type": "email", "target": one} for one in session.participants],
        "mentions": [],
        "unread": {"operator": 0, "visitor": sum(one.author != "visitor" and one.n > session.read for one in said)},
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


def listed(session: Session) -> list[Message]:
    """A line that only the sandbox' panels have is none of Crisp's, and of what was decided only a close is one."""
    return [one for one in session.messages if one.kind in ("text", "note", "closed") and one.author != "system"]


def message(account: Account, session: Session, said: Message) -> dict[str, Any]:
    is_event, is_bot = said.kind == "closed", said.author == "bot"
    content: Any = said.text if said.content is None else dict(said.content)
    return {
        "session_id": session.key,
        "website_id": account.values["WEBSITE_ID"],
        "type": "event" if is_event else "note" if said.kind == "note" else said.type,
        "from": "user" if said.author == "visitor" else "operator",
        "origin": BOT_ORIGIN if is_bot and said.origin == "chat" else said.origin,
        "content": {"namespace": "state:resolved", "text": said.text} if is_event else content,
        "read": "chat" if said.n <= session.read else "",
        "delivered": "chat",
        "fingerprint": fingerprint(said),
        "timestamp": milliseconds(said.at),
        "user": _user(account, session, said),
        "mentions": [],
        "stamped": True,
        "edited": said.edited,
        "translated": False,
        "automated": is_bot or said.automated,
        "properties": {},
    }


def fingerprint(said: Message) -> int:
    """The one that its sender gave it, else the vendor's."""
    return said.n if said.fingerprint is None else said.fingerprint


def _user(account: Account, session: Session, said: Message) -> dict[str, Any]:
    if said.author == "visitor":
        return {"user_id": session.key, "nickname": meta(session)["nickname"]}
    agent = account.agent(said.agent)
    name = agent.name if agent else "Bot" if said.author == "bot" else "Support"
    return {"user_id": said.agent, "nickname": name}


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

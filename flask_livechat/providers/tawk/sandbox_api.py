"""Tawk.to's REST API, the calls that were seen to work (as of 2026-11): by name, always POST, ``ok`` in the answer.

Its reference is given on request alone: the shape of a chat is that of its transcripts, all else is UNCONFIRMED.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from werkzeug.datastructures import Authorization, Headers

from ... import signing
from ...sandbox.api import Account, Api, Call, fresh_id, iso_moment, route
from ...sandbox.body import secrets
from ...sandbox.records import Person, agents
from ...sandbox.sessions import Change, Message, RefusedError, Session
from ...sandbox.stand_in import Webhooks

AGENTS = agents("5f1c0b2e9a7d4c3b8e6f1a01", "5f1c0b2e9a7d4c3b8e6f1a02")
SIZE = 50
SENDERS = {"visitor": "visitor", "agent": "agent", "bot": "system", "system": "system"}


def admit(account: Account, headers: Headers) -> None:
    """Basic, with the key as the name; the password counts for nothing."""
    credentials = Authorization.from_header(headers.get("Authorization"))
    key = credentials.username or "" if credentials and credentials.type == "basic" else ""
    if not any(signing.same(secret, key) for secret in secrets(account.values, "REST_API_KEY")):
        raise RefusedError(401, "auth_error")


def refuse(error: RefusedError) -> tuple[int, Any]:
    """All but a wrong key and too many calls come with a 200."""
    status = error.status if error.status in (401, 403, 413, 429) else 200
    return status, {"ok": False, "error": error.code, **({"message": error.what} if error.what else {})}


def meet(account: Account) -> None:
    for session in account.hub.sessions(account.name):
        _person(account, session)


def _person(account: Account, session: Session) -> Person | None:
    return account.who(session, fresh_id, {} if session.messages else None)


def ok(data: Any, **more: Any) -> tuple[int, Any]:
    return 200, {"ok": True, "data": data, **more}


class Calls(Call):
    """The calls by name, of which all but two name the property."""

    @route("POST", "/v1/chat.list")
    def list_chats(self) -> tuple[int, Any]:
        """``page`` is ignored; ``offset`` counts."""
        account, body = self._own_account(), self.body
        size = body.number("size", 1, 1000) if "size" in body.data else SIZE
        offset = body.number("offset", 0, 10**9) if "offset" in body.data else 0
        sessions = sorted(account.hub.conversations(account.name), key=lambda session: session.created, reverse=True)
        if body.text("sort") == "co-old-new":
            sessions.reverse()
        return ok(
            [chat(account, session) for session in sessions[offset : offset + min(size, SIZE)]], total=len(sessions)
        )

    @route("POST", "/v1/chat.get")
    def get_chat(self) -> tuple[int, Any]:
        account = self._own_account()
        session = account.session(self.body.need("chatId"))
        if not session.messages:
            raise RefusedError(404, "not_found")
        return ok(chat(account, session))

    @route("POST", "/v1/contact.person.get")
    def get_person(self) -> tuple[int, Any]:
        person = self._own_account().people.get(self.body.need("personId"))
        if person is None:
            raise RefusedError(404, "not_found")
        every = {
            "names": [{"value": person.name}] if person.name else [],
            "userId": person.external_id,
            "primaryEmail": person.email,
            "customAttributes": dict(person.attributes),
        }
        wanted = self.body.texts("fields")
        return ok({"person": {name: value for name, value in every.items() if name in wanted}})

    @route("POST", "/v1/members.list")
    def list_members(self) -> tuple[int, Any]:
        return ok([{"id": agent.id, "name": agent.name, "email": agent.email} for agent in self._own_account().agents])

    @route("POST", "/v1/property.list")
    def list_properties(self) -> tuple[int, Any]:
        return ok([{"propertyId": self.account.values["PROPERTY_ID"], "name": "Sandbox"}])

    @route("POST", "/v1/agent.me")
    def whose_key(self) -> tuple[int, Any]:
        agent = self.account.agents[0]
        return ok({"id": agent.id, "name": agent.name, "email": agent.email})

    def _own_account(self) -> Account:
        if self.body.need("propertyId") != self.account.values["PROPERTY_ID"]:
            raise RefusedError(403, "permission_denied")
        return self.account


def chat(account: Account, session: Session) -> dict[str, Any]:
    person = _person(account, session)
    return {
        "id": session.key,
        "propertyId": account.values["PROPERTY_ID"],
        "personId": person.id if person else None,
        "visitor": {"name": session.identity.name, "email": session.identity.email},
        "createdOn": iso_moment(session.created),
        "updatedOn": iso_moment(session.changed),
        "tags": list(session.tags),
        "messages": [chat_message(account, line) for line in session.messages if line.kind == "text"],
    }


def chat_message(account: Account, line: Message) -> dict[str, Any]:
    sender: dict[str, Any] = {"t": SENDERS[line.author][0]}
    agent = account.agent(line.agent) or account.agents[0]
    if line.author == "agent":
        sender |= {"n": agent.name, "id": agent.id}
    elif line.author == "bot":
        sender |= {"n": "Customer Support"}
    return {"sender": sender, "type": "msg", "msg": line.text, "time": iso_moment(line.at)}


API = Api(
    calls=(Calls,),
    admit=admit,
    refuse=refuse,
    meet=meet,
)


# Webhooks.


def bodies(account: Account, change: Change, session: Session, message: Message | None) -> Iterator[dict[str, Any]]:
    """A chat's start, its end, and then all that was said in it."""
    now = iso_moment(account.clock())
    common = {"time": now, "property": {"id": account.values["PROPERTY_ID"], "name": "Sandbox"}}
    who = {"name": session.identity.name or f"V{session.number}", "city": "unknown", "country": "DE"}
    visitor = who | ({"email": session.identity.email} if session.identity.email else {})
    if change == "said" and message is not None and message.n == session.messages[0].n:
        first = {"text": message.text, "type": "msg", "sender": {"type": SENDERS[message.author]}}
        yield common | {"event": "chat:start", "chatId": session.key, "message": first, "visitor": visitor}
    elif change == "decided" and message is not None and message.kind == "closed":
        yield common | {"event": "chat:end", "chatId": session.key, "visitor": visitor}
        messages = [chat_message(account, line) for line in session.messages if line.kind == "text"]
        chat = {"id": session.key, "visitor": visitor, "messages": messages}
        yield common | {"event": "chat:transcript_created", "domain": "localhost", "referrer": "", "chat": chat}


WEBHOOKS = Webhooks(
    bodies,
    headers=lambda delivery, attempt, limit: {"X-Hook-Event-Id": delivery},
    pauses_s=(30, 300, 1800),  # UNCONFIRMED
)

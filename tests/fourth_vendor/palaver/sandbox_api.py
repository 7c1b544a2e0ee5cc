"""The stand-in of Palaver's REST API."""

from __future__ import annotations

from typing import Any

from werkzeug.datastructures import Authorization, Headers

from ... import signing
from ...sandbox.api import MAX_TEXT, Account, Api, Call
from ...sandbox.body import secrets
from ...sandbox.records import agents
from ...sandbox.sessions import Message, RefusedError, Session

AGENTS = agents("1", "2")


def admit(account: Account, headers: Headers) -> None:
    auth = Authorization.from_header(headers.get("Authorization"))
    token = auth.token or "" if auth and auth.type == "bearer" else ""
    if not any(signing.same(one, token) for one in secrets(account.values, "API_TOKEN")):
        raise RefusedError(401, "unauthorized")


def list_conversations(call: Call) -> tuple[int, Any]:
    account, since = call.account, call.number("since", 0, 0, 2**53)
    state = call.query.get("state")
    shapes = [conversation(account, one) for one in account.hub.conversations(account.name) if one.created >= since]
    return 200, [shape for shape in shapes if state in (None, shape["state"])]


def get_conversation(call: Call) -> tuple[int, Any]:
    return 200, conversation(call.account, call.account.session(call.path["id"]))


def list_messages(call: Call) -> tuple[int, Any]:
    session = call.account.session(call.path["id"])
    return 200, [message(session, one) for one in session.messages if one.is_reply]


def add_message(call: Call) -> tuple[int, Any]:
    session = call.account.session(call.path["id"])
    agent = call.body.text("agent") or AGENTS[0].id
    if call.account.agent(agent) is None:
        raise RefusedError(422, "agent_invalid")
    said = call.account.hub.say(session.key, "agent", call.body.need("text", MAX_TEXT), agent=agent)
    return 201, message(session, said)


def list_agents(call: Call) -> tuple[int, Any]:
    return 200, [{"id": one.id, "name": one.name, "email": one.email} for one in AGENTS]


def conversation(account: Account, session: Session) -> dict[str, Any]:
    return {
        "id": session.key,
        "state": account.state(session),
        "contact": contact(session),
        "created_at": session.created,
        "updated_at": session.changed,
    }


def contact(session: Session) -> dict[str, Any]:
    who = session.identity
    return {"id": who.id, "email": who.email, "name": who.name}


def message(session: Session, said: Message) -> dict[str, Any]:
    return {
        "id": f"{session.key}:{said.n}",
        "conversation": session.key,
        "author": said.author,
        "text": said.text,
        "at": said.at,
    }


API = Api(
    routes=(
        ("GET", "/api/conversations", list_conversations),
        ("GET", "/api/conversations/<id>", get_conversation),
        ("GET", "/api/conversations/<id>/messages", list_messages),
        ("POST", "/api/conversations/<id>/messages", add_message),
        ("GET", "/api/agents", list_agents),
    ),
    admit=admit,
)

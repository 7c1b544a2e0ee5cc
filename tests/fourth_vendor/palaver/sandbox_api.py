"""The stand-in of Palaver's REST API."""

from __future__ import annotations

from typing import Any

from werkzeug.datastructures import Authorization, Headers

from ... import signing
from ...sandbox.api import MAX_TEXT, Account, Api, Call, route
from ...sandbox.body import secrets
from ...sandbox.records import agents
from ...sandbox.sessions import Message, RefusedError, Session

AGENTS = agents("1", "2")


def admit(account: Account, headers: Headers) -> None:
    auth = Authorization.from_header(headers.get("Authorization"))
    token = auth.token or "" if auth and auth.type == "bearer" else ""
    if not any(signing.same(secret, token) for secret in secrets(account.values, "API_TOKEN")):
        raise RefusedError(401, "unauthorized")


class Calls(Call):
    """Conversations, their messages and the agents."""

    @route("GET", "/api/conversations")
    def list_conversations(self) -> tuple[int, Any]:
        account, since = self.account, self.number("since", 0, 0, 2**53)
        state = self.query.get("state")
        shapes = [
            conversation(account, session)
            for session in account.hub.conversations(account.name)
            if session.created >= since
        ]
        return 200, [shape for shape in shapes if state in (None, shape["state"])]

    @route("GET", "/api/conversations/<id>")
    def get_conversation(self) -> tuple[int, Any]:
        return 200, conversation(self.account, self.account.session(self.path["id"]))

    @route("GET", "/api/conversations/<id>/messages")
    def list_messages(self) -> tuple[int, Any]:
        session = self.account.session(self.path["id"])
        return 200, [message(session, line) for line in session.messages if line.is_reply]

    @route("POST", "/api/conversations/<id>/messages")
    def add_message(self) -> tuple[int, Any]:
        session = self.account.session(self.path["id"])
        agent = self.body.text("agent") or AGENTS[0].id
        if self.account.agent(agent) is None:
            raise RefusedError(422, "agent_invalid")
        line = self.account.hub.say(session.key, "agent", self.body.need("text", MAX_TEXT), agent=agent)
        return 201, message(session, line)

    @route("GET", "/api/agents")
    def list_agents(self) -> tuple[int, Any]:
        return 200, [{"id": agent.id, "name": agent.name, "email": agent.email} for agent in AGENTS]


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


def message(session: Session, line: Message) -> dict[str, Any]:
    return {
        "id": f"{session.key}:{line.n}",
        "conversation": session.key,
        "author": line.author,
        "text": line.text,
        "at": line.at,
    }


API = Api(
    calls=(Calls,),
    admit=admit,
)

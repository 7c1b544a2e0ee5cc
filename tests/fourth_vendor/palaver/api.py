"""Palaver's REST API: where it is, who we are there, and the calls that the desk's methods make."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ...model import Agent, Contact, Conversation, Message
from ...operation import ErrorDetails, Operation, Page, page_of, path
from ..base import ApiSpec, Calls, Values, methods_of
from ..sanitize import moment, without_empty


def headers(values: Values) -> dict[str, str]:
    return {"Authorization": f"Bearer {values['API_TOKEN'][0]}"}


def explain(data: Any) -> ErrorDetails:
    return ErrorDetails(what=data.get("error"))


class Conversations(Calls):
    """Conversations and what is written in them."""

    def list(self, state: str | None = None, since: datetime | None = None) -> Operation[Page[Conversation]]:
        query = without_empty(state=state, since=since and int(since.astimezone(UTC).timestamp()))
        return Operation("GET", "/api/conversations", lambda data: page_of("chats", conversation, data), query=query)

    def get(self, id: str) -> Operation[Conversation]:
        return Operation("GET", path("/api/conversations/{}", id), conversation)

    def messages(self, id: str) -> Operation[Page[Message]]:
        where = path("/api/conversations/{}/messages", id)
        return Operation("GET", where, lambda data: page_of("messages", message, data))

    def reply(self, id: str, text: str, agent: str | None = None) -> Operation[Message]:
        where = path("/api/conversations/{}/messages", id)
        return Operation("POST", where, message, json=without_empty(text=text, agent=agent))


class Agents(Calls):
    """Who answers."""

    def list(self) -> Operation[Page[Agent]]:
        return Operation("GET", "/api/agents", lambda data: page_of("agents", agent, data))


def conversation(data: Mapping[str, Any]) -> Conversation:
    who = data.get("contact") or {}
    contact = Contact(str(who.get("id") or ""), who.get("id"), who.get("email"), who.get("name"), raw=who)
    at = moment(data["created_at"]), moment(data["updated_at"])
    return Conversation(data["id"], data["state"], contact, created_at=at[0], updated_at=at[1], raw=data)


def message(data: Mapping[str, Any]) -> Message:
    at = moment(data["at"])
    return Message(data["id"], data["conversation"], data["author"], data["text"], at=at, raw=data)


def agent(data: Mapping[str, Any]) -> Agent:
    return Agent(data["id"], data["name"], data["email"], raw=data)


API = ApiSpec(
    needs=("API_TOKEN",),
    base=lambda values: values["BASE_URL"],
    headers=headers,
    unwrap=lambda data: data,
    explain=explain,
    methods=methods_of(conversations=Conversations, agents=Agents),
)

"""Tawk.to's REST API (as of 2026-11): calls by name, always POST. Its reference is given on request alone.

What is here was seen with several public clients. What none of them does (sending a message, closing a chat) is not
offered: UNCONFIRMED. The shape of a chat is known by its transcripts; every field of it may be missing.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ...errors import NotFound, Unsupported
from ...model import Agent, Contact, Conversation, Message
from ...operation import DeskRoom, Explanation, Operation, Page, Refusal, Steps, page_of
from .. import Values

SIZE = 50  # quoted as the most; larger ones were seen
# A failure may come with a 200; these are the codes that are known.
STATUS = {"auth_error": 401, "permission_denied": 403, "rate_limited": 429, "not_found": 404}
AUTHORS = {"v": "visitor", "visitor": "visitor", "a": "agent", "agent": "agent"}
FIELDS = ["names", "userId", "primaryEmail", "customAttributes"]


def headers(values: Values) -> dict[str, str]:
    pair = f"{values['REST_API_KEY'][0]}:"  # as the user name; there is no password
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode(), "Accept": "application/json"}


def unwrap(said: Any) -> Any:
    if said.get("ok") is not True:
        raise Refusal(STATUS.get(str(said.get("error")), 400))
    return said


def explain(said: Any) -> Explanation:
    return Explanation(what=said.get("message"), code=said.get("error"))


def list_conversations(
    values: Values, state: str | None = None, since: datetime | None = None
) -> Operation[Page[Conversation]]:
    """Newest first. The vendor's own filter by date is reported to miss some, so it is not relied on."""
    if state is not None:
        raise Unsupported("Tawk.to", "conversations.list with a state")
    return _chats(values, since, 0)


def _chats(values: Values, since: datetime | None, offset: int) -> Operation[Page[Conversation]]:
    def read(said: Any) -> Page[Conversation]:
        total, reached = said.get("total"), offset + len(said["data"])
        more = reached > offset and (not isinstance(total, int) or reached < total)
        following = _chats(values, since, reached) if more else None
        found = page_of("Tawk.to chats", conversation, said["data"], following, lambda one: _is_since(one, since))
        # A page on which nothing is new enough is the last one: they come by their age.
        return found if found.items or since is None else replace(found, next=None)

    said = {"propertyId": values["PROPERTY_ID"], "size": SIZE, "offset": offset, "sort": "co-new-old"}
    return _call("chat.list", said, read)


def _is_since(one: Conversation, since: datetime | None) -> bool:
    return since is None or one.created_at is None or one.created_at >= since


def get(values: Values, id: str) -> Operation[Conversation]:
    return _call("chat.get", _of(values, chatId=id), lambda said: conversation(said["data"]))


def messages(values: Values, id: str) -> Steps[list[Message]]:
    found: Conversation = yield get(values, id)
    said = list(enumerate(found.raw.get("messages") or []))
    return [*page_of("Tawk.to messages", lambda one: message(one[1], id, one[0]), said).items]


def find(values: Values, id: str | None = None, email: str | None = None) -> Steps[Contact | None]:
    """By the vendor's id of a person. There is no evidence of a search."""
    if id is None:
        raise Unsupported("Tawk.to", "contacts.find by email")
    try:
        found: Contact = yield _call(
            "contact.person.get",
            _of(values, personId=id, fields=FIELDS),
            lambda said: contact(said["data"]["person"], id),
        )
    except NotFound:
        return None
    return found


def agents(values: Values) -> Operation[Page[Agent]]:
    return _call("members.list", _of(values), lambda said: page_of("Tawk.to agents", _agent, said["data"]))


def _agent(said: Mapping[str, Any]) -> Agent:
    return Agent(str(said.get("id") or said["agentId"]), said.get("name"), said.get("email"), raw=said)


def _of(values: Values, **more: Any) -> dict[str, Any]:
    for name, value in more.items():
        if name.endswith("Id") and (not isinstance(value, str) or not value.strip() or not value.isprintable()):
            raise ValueError(f"{str(value)[:40]!r} is no id")
    return {"propertyId": values["PROPERTY_ID"], **more}


def _call(method: str, said: Mapping[str, Any], read: Any) -> Operation[Any]:
    """All that is asked for here changes nothing, so it may be asked for again."""
    return Operation("POST", f"/v1/{method}", read, json=dict(said), repeatable=True)


def conversation(said: Mapping[str, Any]) -> Conversation:
    who = said.get("visitor") or {}
    person = said.get("personId")
    return Conversation(
        id=str(said.get("id") or said["chatId"]),
        # A chat is listed when it is over: whether a running one is, too, is UNCONFIRMED.
        state="closed",
        contact=Contact(str(person or ""), email=who.get("email"), name=who.get("name"), raw=who),
        tags=tuple(str(tag) for tag in said.get("tags") or ()),
        created_at=_moment(said.get("createdOn") or said.get("time")),
        updated_at=_moment(said.get("updatedOn") or said.get("createdOn")),
        raw=said,
    )


def message(said: Mapping[str, Any], conversation: str, number: int) -> Message:
    """Messages have no id of their own there: their place stands in for it."""
    sender = said.get("sender") or {}
    text = said.get("msg") if isinstance(said.get("msg"), str) else said.get("text")
    return Message(
        id=f"{conversation}-{number}",
        conversation=conversation,
        author=AUTHORS.get(str(sender.get("t") or sender.get("type")), "bot"),
        text=str(text or ""),
        kind="text" if said.get("type") == "msg" else "file" if said.get("type") == "file" else "other",
        author_name=sender.get("n") or sender.get("name"),
        at=_moment(said.get("time")),
        raw=said,
    )


def contact(said: Mapping[str, Any], id: str) -> Contact:
    names = said.get("names") or []
    first = names[0] if isinstance(names, list) and names else names
    name = first.get("value") if isinstance(first, Mapping) else first
    return Contact(
        id=id,
        external_id=said.get("userId"),
        email=said.get("primaryEmail"),
        name=str(name) if name else None,
        attributes=said.get("customAttributes") or {},
        raw=said,
    )


def _moment(text: Any) -> datetime | None:
    """ISO 8601 with a Z; None for what is no moment."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


DESK = DeskRoom(
    needs=("REST_API_KEY",),
    base=lambda values: "https://api.tawk.to",
    headers=headers,
    unwrap=unwrap,
    explain=explain,
    methods={
        "conversations.list": list_conversations,
        "conversations.get": get,
        "conversations.messages": messages,
        "contacts.find": find,
        "agents.list": agents,
    },
)

"""Tawk.to's REST API (as of 2026-11): calls by name, always POST. Its reference is given on request alone.

What is here was seen with several public clients. What none of them does (sending a message, closing a chat) is not
offered: UNCONFIRMED. The shape of a chat is known by its transcripts; every field of it may be missing.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ...errors import NotFound, Unsupported
from ...model import Agent, Contact, Conversation, Message
from ...operation import ErrorDetails, ErrorInSuccessResponse, Operation, OperationSequence, Page, page_of
from ..base import ApiSpec, Calls, Values, methods_of

PER_PAGE = 50  # quoted as the most; larger pages were seen


def headers(values: Values) -> dict[str, str]:
    pair = f"{values['REST_API_KEY'][0]}:"  # as the user name; there is no password
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode(), "Accept": "application/json"}


def unwrap(data: Any) -> Any:
    """A failure may come with a 200; these are the codes that are known."""
    status = {"auth_error": 401, "permission_denied": 403, "rate_limited": 429, "not_found": 404}
    if data.get("ok") is not True:
        raise ErrorInSuccessResponse(status.get(str(data.get("error")), 400))
    return data


def explain(data: Any) -> ErrorDetails:
    return ErrorDetails(what=data.get("message"), code=data.get("error"))


class TawkCalls(Calls):
    """Calls of a property by their names."""

    def _call(self, method: str, read: Callable[[Any], Any], **fields: Any) -> Operation[Any]:
        """All that is asked for here changes nothing, so it may be asked for again."""
        for name, value in fields.items():
            if name.endswith("Id") and (not isinstance(value, str) or not value.strip() or not value.isprintable()):
                raise ValueError(f"{str(value)[:40]!r} is not an id")
        body = {"propertyId": self.values["PROPERTY_ID"], **fields}
        return Operation("POST", f"/v1/{method}", read, json=body, repeatable=True)


class Conversations(TawkCalls):
    """Chats, with all that was written in them."""

    def list(self, state: str | None = None, since: datetime | None = None) -> Operation[Page[Conversation]]:
        """Newest first. The vendor's own filter by date is reported to miss some, so it is not relied on."""
        if state is not None:
            raise Unsupported("Tawk.to", "conversations.list with a state")
        return self._chats(since, 0)

    def _chats(self, since: datetime | None, offset: int) -> Operation[Page[Conversation]]:
        def is_wanted(chat: Conversation) -> bool:
            return since is None or chat.created_at is None or chat.created_at >= since

        def read(data: Any) -> Page[Conversation]:
            total, reached = data.get("total"), offset + len(data["data"])
            more = reached > offset and (not isinstance(total, int) or reached < total)
            following = self._chats(since, reached) if more else None
            page = page_of("Tawk.to chats", conversation, data["data"], following, is_wanted)
            # A page on which nothing is new enough is the last one: they come by their age.
            return page if page.items or since is None else replace(page, next=None)

        return self._call("chat.list", read, size=PER_PAGE, offset=offset, sort="co-new-old")

    def get(self, id: str) -> Operation[Conversation]:
        return self._call("chat.get", lambda data: conversation(data["data"]), chatId=id)

    def messages(self, id: str) -> OperationSequence[Sequence[Message]]:
        chat: Conversation = yield self.get(id)
        numbered = list(enumerate(chat.raw.get("messages") or []))
        return [*page_of("Tawk.to messages", lambda entry: message(entry[1], id, entry[0]), numbered).items]


class Contacts(TawkCalls):
    """People, as the vendor knows them."""

    def find(self, id: str | None = None, email: str | None = None) -> OperationSequence[Contact | None]:
        """By the vendor's id of a person. There is no evidence of a search."""
        if id is None:
            raise Unsupported("Tawk.to", "contacts.find by email")
        try:
            person: Contact = yield self._call(
                "contact.person.get",
                lambda data: contact(data["data"]["person"], id),
                personId=id,
                fields=["names", "userId", "primaryEmail", "customAttributes"],
            )
        except NotFound:
            return None
        return person


class Agents(TawkCalls):
    """Who answers."""

    def list(self) -> Operation[Page[Agent]]:
        return self._call("members.list", lambda data: page_of("Tawk.to agents", agent, data["data"]))


def agent(data: Mapping[str, Any]) -> Agent:
    return Agent(str(data.get("id") or data["agentId"]), data.get("name"), data.get("email"), raw=data)


def conversation(data: Mapping[str, Any]) -> Conversation:
    who = data.get("visitor") or {}
    person = data.get("personId")
    return Conversation(
        id=str(data.get("id") or data["chatId"]),
        # A chat is listed when it is over: whether a running one is, too, is UNCONFIRMED.
        state="closed",
        contact=Contact(str(person or ""), email=who.get("email"), name=who.get("name"), raw=who),
        tags=tuple(str(tag) for tag in data.get("tags") or ()),
        created_at=_moment(data.get("createdOn") or data.get("time")),
        updated_at=_moment(data.get("updatedOn") or data.get("createdOn")),
        raw=data,
    )


def message(data: Mapping[str, Any], conversation: str, number: int) -> Message:
    """Messages have no id of their own there: their place stands in for it."""
    authors = {"v": "visitor", "visitor": "visitor", "a": "agent", "agent": "agent"}
    sender = data.get("sender") or {}
    text = data.get("msg") if isinstance(data.get("msg"), str) else data.get("text")
    return Message(
        id=f"{conversation}-{number}",
        conversation=conversation,
        author=authors.get(str(sender.get("t") or sender.get("type")), "bot"),
        text=str(text or ""),
        kind="text" if data.get("type") == "msg" else "file" if data.get("type") == "file" else "other",
        author_name=sender.get("n") or sender.get("name"),
        at=_moment(data.get("time")),
        raw=data,
    )


def contact(data: Mapping[str, Any], id: str) -> Contact:
    names = data.get("names") or []
    first = names[0] if isinstance(names, list) and names else names
    name = first.get("value") if isinstance(first, Mapping) else first
    return Contact(
        id=id,
        external_id=data.get("userId"),
        email=data.get("primaryEmail"),
        name=str(name) if name else None,
        attributes=data.get("customAttributes") or {},
        raw=data,
    )


def _moment(text: Any) -> datetime | None:
    """ISO 8601 with a Z; None for what is no moment."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


API = ApiSpec(
    needs=("REST_API_KEY",),
    base=lambda values: "https://api.tawk.to",
    headers=headers,
    unwrap=unwrap,
    explain=explain,
    methods=methods_of(conversations=Conversations, contacts=Contacts, agents=Agents),
)

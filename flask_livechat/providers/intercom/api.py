"""Intercom's REST API, 2.11 to 2.16 (its OpenAPI files, as of 2026-11)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from ...errors import Conflict, NotFound
from ...model import Agent, Article, Contact, Conversation, Message, Visitor
from ...operation import ErrorDetails, Operation, OperationSequence, Page, page_of, path
from ..base import ApiSpec, Values
from ..markup import to_text
from ..sanitize import moment, seconds, without_empty
from .records import agent, article, contact, conversation, message
from .widget import attributes

BASES = {"us": "https://api.intercom.io", "eu": "https://api.eu.intercom.io", "au": "https://api.au.intercom.io"}
PER_PAGE = 150  # the most that are given
MAX_METADATA_KEYS = 10  # of an event
ID = re.compile(r"[0-9a-f]{24}")  # the vendor's own of a contact; everything else is taken for the app's
EXISTS = re.compile(r"\bid=([0-9a-f]{24})\b")  # in the text of a 409, which nothing else says
Query = Mapping[str, Any]
Kind = tuple[str, Callable[[Any], Any]]  # of a list: the key under which it stands, and what reads an entry


def headers(values: Values) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {values['ACCESS_TOKEN'][0]}",
        "Accept": "application/json",  # without it a 404 may come as a 406
        "Intercom-Version": values["API_VERSION"],  # else the app's own setting decides what answers look like
    }


def explain(data: Any) -> ErrorDetails:
    """``{type: "error.list", request_id, errors: [{code, message, field}]}``; each part may be missing."""
    errors = [error for error in data.get("errors") or [] if isinstance(error, Mapping)]
    first = errors[0] if errors else {}
    return ErrorDetails(
        what=first.get("message"),
        code=first.get("code"),
        request_id=data.get("request_id"),
        fields={
            str(error["field"]): str(error.get("message") or error.get("code"))
            for error in errors
            if error.get("field")
        },
    )


# -- conversations ---------------------------------------------------------------------------------------------------


def list_conversations(
    values: Values, state: str | None = None, since: datetime | None = None
) -> Operation[Page[Conversation]]:
    """The list takes no filters: with any it is a search. ``pending`` is no state there: nothing is found."""
    if state is None and since is None:
        return _listed("/conversations", CONVERSATIONS, {"per_page": PER_PAGE})
    wanted = [
        *([_equals("state", state)] if state else []),
        *([{"field": "updated_at", "operator": ">", "value": seconds(since)}] if since else []),
    ]
    return _searched("/conversations/search", CONVERSATIONS, {"operator": "AND", "value": wanted})


def search(values: Values, text: str) -> Operation[Page[Conversation]]:
    """The vendor compares single words with the first message."""
    query = {"field": "source.body", "operator": "~", "value": text}
    return _searched("/conversations/search", CONVERSATIONS, query)


def get(values: Values, id: str) -> Operation[Conversation]:
    return Operation("GET", path("/conversations/{}", id), conversation, query={"display_as": "plaintext"})


def messages(values: Values, id: str) -> OperationSequence[list[Message]]:
    """The first message and the newest 500 parts, which is all that the vendor gives."""
    chat: Conversation = yield get(values, id)
    source = chat.raw.get("source") or {}
    first = {**source, "created_at": chat.raw.get("created_at")} if source.get("body") else None
    parts = (chat.raw.get("conversation_parts") or {}).get("conversation_parts") or []
    every = page_of("Intercom messages", partial(_spoken, id), [*([first] if first else []), *parts]).items
    return [message for message in every if message is not None]


def _spoken(conversation: str, part: Mapping[str, Any]) -> Message | None:
    return message(part, conversation) if part.get("body") or part.get("attachments") else None


def start(values: Values, visitor: Visitor, text: str) -> OperationSequence[Conversation]:
    who: Contact = yield from upsert(values, visitor)
    body = {"from": {"type": "user", "id": who.id}, "body": text}
    # What comes back is the message; its id is not the conversation's.
    new: str = yield Operation("POST", "/conversations", lambda data: str(data["conversation_id"]), json=body)
    chat: Conversation = yield get(values, new)
    return chat


def reply(values: Values, id: str, text: str) -> OperationSequence[Message]:
    return (yield from _reply(values, id, text, "comment"))


def note(values: Values, id: str, text: str) -> OperationSequence[Message]:
    return (yield from _reply(values, id, text, "note"))


def _reply(values: Values, id: str, text: str, kind: str) -> OperationSequence[Message]:
    admin: str = yield _me()
    body = {"message_type": kind, "type": "admin", "admin_id": admin, "body": text}

    def read(data: Any) -> Message:
        parts = (data.get("conversation_parts") or {}).get("conversation_parts") or []
        # The answer to this call has the text as HTML, whatever was sent.
        part = message({**parts[-1], "body": to_text(str(parts[-1].get("body") or ""))}, id) if parts else None
        return part or Message("", id, "agent", text, "note" if kind == "note" else "text", raw=data)

    result: Message = yield Operation("POST", path("/conversations/{}/reply", id), read, json=body)
    return result


def close(values: Values, id: str) -> OperationSequence[None]:
    yield from _set_state(values, id, "closed", {"message_type": "close", "type": "admin"})


def reopen(values: Values, id: str) -> OperationSequence[None]:
    yield from _set_state(values, id, "open", {"message_type": "open"})


def snooze(values: Values, id: str, until: datetime) -> OperationSequence[None]:
    yield from _set_state(values, id, "snoozed", {"message_type": "snoozed", "snoozed_until": seconds(until)})


def _set_state(values: Values, id: str, wanted: str, body: Mapping[str, Any]) -> OperationSequence[None]:
    """Each part is seen in the inbox, and told to webhooks: one that changes nothing is not made."""
    chat: Conversation = yield get(values, id)
    is_until_then = "snoozed_until" not in body or chat.raw.get("snoozed_until") == body["snoozed_until"]
    if chat.state != wanted or not is_until_then:
        yield from _part(id, body)


def assign(values: Values, id: str, agent: str) -> OperationSequence[None]:
    yield from _part(id, {"message_type": "assignment", "type": "admin", "assignee_id": agent})


def _part(id: str, body: Mapping[str, Any]) -> OperationSequence[None]:
    """Each is in somebody's name: whose the token is."""
    admin: str = yield _me()
    where = path("/conversations/{}/parts", id)
    yield Operation("POST", where, lambda data: None, json={**body, "admin_id": admin})


def tag(values: Values, id: str, *tags: str) -> OperationSequence[None]:
    admin: str = yield _me()
    for name in dict.fromkeys(tags):
        # Made where there is none; the same one comes back where there is.
        tag_id: str = yield Operation(
            "POST", "/tags", lambda data: str(data["id"]), json={"name": name}, repeatable=True
        )
        body = {"id": tag_id, "admin_id": admin}
        where = path("/conversations/{}/tags", id)
        yield Operation("POST", where, lambda data: None, json=body, repeatable=True)


def untag(values: Values, id: str, *tags: str) -> OperationSequence[None]:
    admin: str = yield _me()
    ids: Mapping[str, str] = yield Operation("GET", "/tags", _tag_ids)
    for name in tags:
        if name in ids:
            where = path("/conversations/{}/tags/{}", id, ids[name])
            yield Operation("DELETE", where, lambda data: None, json={"admin_id": admin})


def _tag_ids(data: Any) -> Mapping[str, str]:
    return dict(page_of("Intercom tags", lambda tag: (str(tag["name"]), str(tag["id"])), data["data"]).items)


def _me() -> Operation[str]:
    return Operation("GET", "/me", lambda data: str(data["id"]), is_constant=True)


# -- contacts --------------------------------------------------------------------------------------------------------


def find(values: Values, id: str | None = None, email: str | None = None) -> OperationSequence[Contact | None]:
    """By the vendor's id, by yours (the visitor's), or by the address."""
    if id is not None and ID.fullmatch(id):
        with suppress(NotFound):
            person: Contact = yield Operation("GET", path("/contacts/{}", id), contact)
            return person
    page: Page[Contact] = yield _by(id, email)
    return page.items[0] if page.items else None


def find_all(values: Values, id: str | None = None, email: str | None = None) -> OperationSequence[list[Contact]]:
    """As ``find``: several may share an address. An id of yours may look like one of the vendor's, as MongoDB's do.

    Nobody is left out: an erasure goes by it.
    """
    by_id: dict[str, Contact] = {}
    seen: set[tuple[str, ...] | None] = set()
    if id is not None and ID.fullmatch(id):
        with suppress(NotFound):
            person: Contact = yield Operation("GET", path("/contacts/{}", id), contact)
            by_id[person.id] = person
    following: Operation[Page[Contact]] | None = _by(id, email)
    while following is not None:
        page: Page[Contact] = yield following
        if page.ids and len(page.items) < len(page.ids):
            raise LookupError("somebody without an id")
        by_id |= {person.id: person for person in page.items}
        following = None if page.ids in seen else page.next  # a vendor that leads back is not followed
        seen.add(page.ids)
    return [*by_id.values()]


def _by(id: str | None, email: str | None) -> Operation[Page[Contact]]:
    wanted = _equals("external_id", id) if id is not None else _equals("email", email)
    return _searched("/contacts/search", CONTACTS, wanted)


def upsert(values: Values, visitor: Visitor) -> OperationSequence[Contact]:
    """Made first: the vendor's search knows a new contact only minutes later. Where there is one it says which."""
    body = without_empty(
        role="user",
        external_id=visitor.id,
        email=visitor.email,
        name=visitor.name,
        phone=visitor.phone,
        avatar=visitor.avatar,
        signed_up_at=seconds(visitor.created_at),
        custom_attributes=attributes(visitor.attributes),
    )
    try:
        # Sent again it is a conflict, too, with the one that was made.
        created: Contact = yield Operation(
            "POST",
            "/contacts",
            contact,
            json=body,
            repeatable=True,
            makes=lambda created: (created.id, created.external_id),
        )
    except Conflict as conflict:
        there = EXISTS.search(str(conflict))
        if "archived" in str(conflict):
            raise _archived(conflict, there[1] if there else "…") from None
        existing: Contact | None = yield from find(values, id=there[1] if there else visitor.id)
        # Found by the address alone, it may be somebody else's: whose conversations are not this visitor's to have.
        if existing is None or existing.external_id not in (None, visitor.id):
            raise
        changed: Contact = yield Operation("PUT", path("/contacts/{}", existing.id), contact, json=body)
        return changed
    return created


def _archived(conflict: Conflict, id: str) -> Conflict:
    """Nobody but an agent knows whether somebody who was put away is to come back."""
    what = f'the contact is archived: desk.raw.request("POST", "/contacts/{id}/unarchive") brings it back'
    facts = {name: getattr(conflict, name) for name in ("provider", "call", "status", "code", "request_id", "body")}
    return Conflict(what, **facts)


def conversations_of(values: Values, id: str) -> Operation[Page[Conversation]]:
    return _searched("/conversations/search", CONVERSATIONS, _equals("contact_ids", id))


def event(
    values: Values, id: str, name: str, metadata: Mapping[str, Any] | None = None, *, at: datetime
) -> Operation[None]:
    """Answers 202 and nothing. May be sent again: the same contact, name and second are taken for the same event."""
    fitted = dict(list(attributes(metadata or {}).items())[:MAX_METADATA_KEYS])
    body = without_empty(event_name=name, created_at=seconds(at), metadata=fitted)
    who = {"id": id} if ID.fullmatch(id) else {"user_id": id}
    return Operation("POST", "/events", lambda data: None, json=body | who, repeatable=True)


def forget(values: Values, id: str) -> Operation[None]:
    return Operation("DELETE", path("/contacts/{}", id), lambda data: None)


# -- articles and agents ---------------------------------------------------------------------------------------------


def articles(values: Values, locale: str | None = None) -> Operation[Page[Article]]:
    """In a language, what is written in it: as the first language of an article, or as a translation."""

    def page(number: int) -> Operation[Page[Article]]:
        def read(data: Any) -> Page[Article]:
            def is_wanted(candidate: Article) -> bool:
                return locale is None or _is_in(locale, candidate.locale)

            return page_of(
                "Intercom articles", partial(_in_language, locale), data["data"], page(number + 1), is_wanted
            )

        return Operation("GET", "/articles", read, query={"page": number, "per_page": 50})

    return page(1)


def _in_language(locale: str | None, data: Mapping[str, Any]) -> Article:
    """An article's translation, where there is one, else the article itself."""
    original = article(data)
    if locale is None or _is_in(locale, original.locale):
        return original
    translations = data.get("translated_content") or {}
    text = next((text for name, text in translations.items() if text and _is_in(locale, name)), None)
    if text is None:
        return original
    return replace(
        original,
        title=str(text.get("title") or ""),
        locale=locale,
        published=text.get("state") == "published",
        url=text.get("url"),
        body=text.get("body"),
        updated_at=moment(text.get("updated_at")),
    )


def _is_in(locale: str, name: str | None) -> bool:
    return locale.casefold() == (name or "").casefold()


def search_articles(values: Values, text: str) -> Operation[Page[Article]]:
    def read(data: Any) -> Page[Article]:
        return page_of("Intercom articles", article, data["data"]["articles"])

    return Operation("GET", "/articles/search", read, query={"phrase": text})


def get_article(values: Values, id: str) -> Operation[Article]:
    return Operation("GET", path("/articles/{}", id), article)


def create_article(values: Values, title: str, body: str) -> OperationSequence[Article]:
    """As a draft, in HTML."""
    admin: str = yield _me()
    author = int(admin) if admin.isdecimal() else admin
    draft = {"title": title, "body": body, "author_id": author, "state": "draft"}
    created: Article = yield Operation("POST", "/articles", article, json=draft)
    return created


def update_article(values: Values, id: str, title: str | None = None, body: str | None = None) -> Operation[Article]:
    return Operation("PUT", path("/articles/{}", id), article, json=without_empty(title=title, body=body))


def publish(values: Values, id: str) -> Operation[Article]:
    return Operation("PUT", path("/articles/{}", id), article, json={"state": "published"})


def unpublish(values: Values, id: str) -> Operation[Article]:
    return Operation("PUT", path("/articles/{}", id), article, json={"state": "draft"})


def delete_article(values: Values, id: str) -> Operation[None]:
    return Operation("DELETE", path("/articles/{}", id), lambda data: None)


def agents(values: Values) -> Operation[Page[Agent]]:
    return Operation("GET", "/admins", lambda data: page_of("Intercom admins", agent, data["admins"]))


def availability(values: Values) -> Operation[str]:
    """Online while an admin with a seat is not away: the vendor has no such answer of its own."""

    def read(data: Any) -> str:
        seated = [admin for admin in data["admins"] if admin.get("has_inbox_seat")]
        if any(not admin.get("away_mode_enabled") for admin in seated):
            return "online"
        return "away" if seated else "offline"

    return Operation("GET", "/admins", read)


# -- lists -----------------------------------------------------------------------------------------------------------


def _listed(where: str, kind: Kind, query: Mapping[str, str | int]) -> Operation[Page[Any]]:
    """A list whose cursor goes into the address."""

    def page(data: Any) -> Page[Any]:
        cursor = _cursor(data)
        return _page(data, kind, _listed(where, kind, {**query, "starting_after": cursor}) if cursor else None)

    return Operation("GET", where, page, query=query)


def _searched(where: str, kind: Kind, query: Query, after: str | None = None) -> Operation[Page[Any]]:
    """A search. Its cursor goes into the body: in the address it gives the first page again."""

    def page(data: Any) -> Page[Any]:
        cursor = _cursor(data)
        return _page(data, kind, _searched(where, kind, query, cursor) if cursor else None)

    body = {"query": query, "pagination": without_empty(per_page=PER_PAGE, starting_after=after)}
    return Operation("POST", where, page, json=body, repeatable=True)


def _page(data: Any, kind: Kind, following: Operation[Page[Any]] | None) -> Page[Any]:
    key, read = kind
    return page_of(f"Intercom {key}", read, data[key], following)


def _cursor(data: Mapping[str, Any]) -> str | None:
    following = (data.get("pages") or {}).get("next")
    cursor = following.get("starting_after") if isinstance(following, Mapping) else None
    return str(cursor) if cursor else None


def _equals(field: str, value: str | None) -> dict[str, Any]:
    return {"field": field, "operator": "=", "value": value}


CONVERSATIONS: Kind = ("conversations", conversation)
CONTACTS: Kind = ("data", contact)

API = ApiSpec(
    needs=("ACCESS_TOKEN",),
    base=lambda values: BASES[values.get("REGION") or "us"],
    headers=headers,
    unwrap=lambda data: data,
    explain=explain,
    methods={
        "conversations.list": list_conversations,
        "conversations.search": search,
        "conversations.get": get,
        "conversations.messages": messages,
        "conversations.start": start,
        "conversations.reply": reply,
        "conversations.note": note,
        "conversations.close": close,
        "conversations.reopen": reopen,
        "conversations.assign": assign,
        "conversations.snooze": snooze,
        "conversations.tag": tag,
        "conversations.untag": untag,
        "contacts.upsert": upsert,
        "contacts.find": find,
        "contacts.find_all": find_all,
        "contacts.conversations": conversations_of,
        "contacts.event": event,
        "contacts.forget": forget,
        "articles.list": articles,
        "articles.search": search_articles,
        "articles.get": get_article,
        "articles.create": create_article,
        "articles.update": update_article,
        "articles.publish": publish,
        "articles.unpublish": unpublish,
        "articles.delete": delete_article,
        "agents.list": agents,
        "agents.availability": availability,
    },
)

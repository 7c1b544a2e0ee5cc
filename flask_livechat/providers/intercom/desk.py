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
from ...operation import DeskRoom, Explanation, Operation, Page, Steps, page_of, path
from .. import Values, given, moment, seconds
from ..markup import to_text
from .widget import attributes

BASES = {"us": "https://api.intercom.io", "eu": "https://api.eu.intercom.io", "au": "https://api.au.intercom.io"}
MOST = 150  # items of a page
METADATA = 10  # keys of an event
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


def explain(said: Any) -> Explanation:
    """``{type: "error.list", request_id, errors: [{code, message, field}]}``; each part may be missing."""
    errors = [one for one in said.get("errors") or [] if isinstance(one, Mapping)]
    first = errors[0] if errors else {}
    return Explanation(
        what=first.get("message"),
        code=first.get("code"),
        request_id=said.get("request_id"),
        fields={str(one["field"]): str(one.get("message") or one.get("code")) for one in errors if one.get("field")},
    )


# -- conversations ---------------------------------------------------------------------------------------------------


def list_conversations(
    values: Values, state: str | None = None, since: datetime | None = None
) -> Operation[Page[Conversation]]:
    """The list takes no filters: with any it is a search. ``pending`` is no state there: nothing is found."""
    if state is None and since is None:
        return _listed("/conversations", CONVERSATIONS, {"per_page": MOST})
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


def messages(values: Values, id: str) -> Steps[list[Message]]:
    """The first message and the newest 500 parts, which is all that the vendor gives."""
    found: Conversation = yield get(values, id)
    source = found.raw.get("source") or {}
    first = {**source, "created_at": found.raw.get("created_at")} if source.get("body") else None
    parts = (found.raw.get("conversation_parts") or {}).get("conversation_parts") or []
    every = page_of("Intercom messages", partial(_spoken, id), [*([first] if first else []), *parts]).items
    return [one for one in every if one is not None]


def _spoken(conversation: str, part: Mapping[str, Any]) -> Message | None:
    return message(part, conversation) if part.get("body") or part.get("attachments") else None


def start(values: Values, visitor: Visitor, text: str) -> Steps[Conversation]:
    who: Contact = yield from upsert(values, visitor)
    said = {"from": {"type": "user", "id": who.id}, "body": text}
    # What comes back is the message; its id is not the conversation's.
    made: str = yield Operation("POST", "/conversations", lambda data: str(data["conversation_id"]), json=said)
    result: Conversation = yield get(values, made)
    return result


def reply(values: Values, id: str, text: str) -> Steps[Message]:
    return (yield from _reply(values, id, text, "comment"))


def note(values: Values, id: str, text: str) -> Steps[Message]:
    return (yield from _reply(values, id, text, "note"))


def _reply(values: Values, id: str, text: str, kind: str) -> Steps[Message]:
    admin: str = yield _me()
    said = {"message_type": kind, "type": "admin", "admin_id": admin, "body": text}

    def read(data: Any) -> Message:
        parts = (data.get("conversation_parts") or {}).get("conversation_parts") or []
        # The answer to this call has the text as HTML, whatever was sent.
        made = message({**parts[-1], "body": to_text(str(parts[-1].get("body") or ""))}, id) if parts else None
        return made or Message("", id, "agent", text, "note" if kind == "note" else "text", raw=data)

    result: Message = yield Operation("POST", path("/conversations/{}/reply", id), read, json=said)
    return result


def close(values: Values, id: str) -> Steps[None]:
    yield from _set_state(values, id, "closed", {"message_type": "close", "type": "admin"})


def reopen(values: Values, id: str) -> Steps[None]:
    yield from _set_state(values, id, "open", {"message_type": "open"})


def snooze(values: Values, id: str, until: datetime) -> Steps[None]:
    yield from _set_state(values, id, "snoozed", {"message_type": "snoozed", "snoozed_until": seconds(until)})


def _set_state(values: Values, id: str, wanted: str, said: Mapping[str, Any]) -> Steps[None]:
    """Each part is seen in the inbox, and told to webhooks: one that changes nothing is not made."""
    known: Conversation = yield get(values, id)
    is_until_then = "snoozed_until" not in said or known.raw.get("snoozed_until") == said["snoozed_until"]
    if known.state != wanted or not is_until_then:
        yield from _part(id, said)


def assign(values: Values, id: str, agent: str) -> Steps[None]:
    yield from _part(id, {"message_type": "assignment", "type": "admin", "assignee_id": agent})


def _part(id: str, said: Mapping[str, Any]) -> Steps[None]:
    """Each is in somebody's name: whose the token is."""
    admin: str = yield _me()
    where = path("/conversations/{}/parts", id)
    yield Operation("POST", where, lambda data: None, json={**said, "admin_id": admin})


def tag(values: Values, id: str, *tags: str) -> Steps[None]:
    admin: str = yield _me()
    for name in dict.fromkeys(tags):
        # Made where there is none; the same one comes back where there is.
        known: str = yield Operation(
            "POST", "/tags", lambda data: str(data["id"]), json={"name": name}, repeatable=True
        )
        said = {"id": known, "admin_id": admin}
        where = path("/conversations/{}/tags", id)
        yield Operation("POST", where, lambda data: None, json=said, repeatable=True)


def untag(values: Values, id: str, *tags: str) -> Steps[None]:
    admin: str = yield _me()
    known: Mapping[str, str] = yield Operation("GET", "/tags", _tag_ids)
    for name in tags:
        if name in known:
            where = path("/conversations/{}/tags/{}", id, known[name])
            yield Operation("DELETE", where, lambda data: None, json={"admin_id": admin})


def _tag_ids(data: Any) -> Mapping[str, str]:
    return dict(page_of("Intercom tags", lambda one: (str(one["name"]), str(one["id"])), data["data"]).items)


def _me() -> Operation[str]:
    return Operation("GET", "/me", lambda data: str(data["id"]), kept=True)


# -- contacts --------------------------------------------------------------------------------------------------------


def find(values: Values, id: str | None = None, email: str | None = None) -> Steps[Contact | None]:
    """By the vendor's id, by yours (the visitor's), or by the address."""
    if id is not None and ID.fullmatch(id):
        with suppress(NotFound):
            known: Contact = yield Operation("GET", path("/contacts/{}", id), contact)
            return known
    found: Page[Contact] = yield _by(id, email)
    return found.items[0] if found.items else None


def find_all(values: Values, id: str | None = None, email: str | None = None) -> Steps[list[Contact]]:
    """As ``find``: several may share an address. An id of yours may look like one of the vendor's, as MongoDB's do.

    Nobody is left out: an erasure goes by it.
    """
    found: dict[str, Contact] = {}
    seen: set[tuple[str, ...] | None] = set()
    if id is not None and ID.fullmatch(id):
        with suppress(NotFound):
            known: Contact = yield Operation("GET", path("/contacts/{}", id), contact)
            found[known.id] = known
    following: Operation[Page[Contact]] | None = _by(id, email)
    while following is not None:
        page: Page[Contact] = yield following
        if page.ids and len(page.items) < len(page.ids):
            raise LookupError("somebody without an id")
        found |= {one.id: one for one in page.items}
        following = None if page.ids in seen else page.next  # a vendor that leads back is not followed
        seen.add(page.ids)
    return [*found.values()]


def _by(id: str | None, email: str | None) -> Operation[Page[Contact]]:
    wanted = _equals("external_id", id) if id is not None else _equals("email", email)
    return _searched("/contacts/search", CONTACTS, wanted)


def upsert(values: Values, visitor: Visitor) -> Steps[Contact]:
    """Made first: the vendor's search knows a new contact only minutes later. Where there is one it says which."""
    said = given(
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
        made: Contact = yield Operation(
            "POST",
            "/contacts",
            contact,
            json=said,
            repeatable=True,
            makes=lambda made: (made.id, made.external_id),
        )
    except Conflict as conflict:
        there = EXISTS.search(str(conflict))
        if "archived" in str(conflict):
            raise _archived(conflict, there[1] if there else "…") from None
        known: Contact | None = yield from find(values, id=there[1] if there else visitor.id)
        # Found by the address alone, it may be somebody else's: whose conversations are not this visitor's to have.
        if known is None or known.external_id not in (None, visitor.id):
            raise
        changed: Contact = yield Operation("PUT", path("/contacts/{}", known.id), contact, json=said)
        return changed
    return made


def _archived(conflict: Conflict, id: str) -> Conflict:
    """Nobody but an agent knows whether somebody who was put away is to come back."""
    what = f'the contact is archived: desk.raw.request("POST", "/contacts/{id}/unarchive") brings it back'
    kept = {name: getattr(conflict, name) for name in ("provider", "call", "status", "code", "request_id", "body")}
    return Conflict(what, **kept)


def conversations_of(values: Values, id: str) -> Operation[Page[Conversation]]:
    return _searched("/conversations/search", CONVERSATIONS, _equals("contact_ids", id))


def event(
    values: Values, id: str, name: str, metadata: Mapping[str, Any] | None = None, *, at: datetime
) -> Operation[None]:
    """Answers 202 and nothing. May be sent again: the same contact, name and second are taken for the same event."""
    known = dict(list(attributes(metadata or {}).items())[:METADATA])
    said = given(event_name=name, created_at=seconds(at), metadata=known)
    who = {"id": id} if ID.fullmatch(id) else {"user_id": id}
    return Operation("POST", "/events", lambda data: None, json=said | who, repeatable=True)


def forget(values: Values, id: str) -> Operation[None]:
    return Operation("DELETE", path("/contacts/{}", id), lambda data: None)


# -- articles and agents ---------------------------------------------------------------------------------------------


def articles(values: Values, locale: str | None = None) -> Operation[Page[Article]]:
    """In a language, what is written in it: as the first language of an article, or as a translation."""

    def page(number: int) -> Operation[Page[Article]]:
        def read(data: Any) -> Page[Article]:
            def is_wanted(found: Article) -> bool:
                return locale is None or _is_in(locale, found.locale)

            return page_of(
                "Intercom articles", partial(_in_language, locale), data["data"], page(number + 1), is_wanted
            )

        return Operation("GET", "/articles", read, query={"page": number, "per_page": 50})

    return page(1)


def _in_language(locale: str | None, said: Mapping[str, Any]) -> Article:
    """An article's translation, where there is one, else the article itself."""
    found = article(said)
    if locale is None or _is_in(locale, found.locale):
        return found
    translations = said.get("translated_content") or {}
    text = next((text for name, text in translations.items() if text and _is_in(locale, name)), None)
    if text is None:
        return found
    return replace(
        found,
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


def create_article(values: Values, title: str, body: str) -> Steps[Article]:
    """As a draft, in HTML."""
    admin: str = yield _me()
    said = {"title": title, "body": body, "author_id": int(admin) if admin.isdecimal() else admin, "state": "draft"}
    made: Article = yield Operation("POST", "/articles", article, json=said)
    return made


def update_article(values: Values, id: str, title: str | None = None, body: str | None = None) -> Operation[Article]:
    return Operation("PUT", path("/articles/{}", id), article, json=given(title=title, body=body))


def publish(values: Values, id: str) -> Operation[Article]:
    return Operation("PUT", path("/articles/{}", id), article, json={"state": "published"})


def unpublish(values: Values, id: str) -> Operation[Article]:
    return Operation("PUT", path("/articles/{}", id), article, json={"state": "draft"})


def delete_article(values: Values, id: str) -> Operation[None]:
    return Operation("DELETE", path("/articles/{}", id), lambda data: None)


def agents(values: Values) -> Operation[Page[Agent]]:
    return Operation("GET", "/admins", lambda data: page_of("Intercom admins", _agent, data["admins"]))


def availability(values: Values) -> Operation[str]:
    """Online while an admin with a seat is not away: the vendor has no such answer of its own."""

    def read(data: Any) -> str:
        there = [one for one in data["admins"] if one.get("has_inbox_seat")]
        return "online" if any(not one.get("away_mode_enabled") for one in there) else "away" if there else "offline"

    return Operation("GET", "/admins", read)


def _agent(said: Mapping[str, Any]) -> Agent:
    away = said.get("away_mode_enabled")
    return Agent(str(said["id"]), said.get("name"), said.get("email"), None if away is None else not away, raw=said)


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

    said = {"query": query, "pagination": given(per_page=MOST, starting_after=after)}
    return Operation("POST", where, page, json=said, repeatable=True)


def _page(data: Any, kind: Kind, following: Operation[Page[Any]] | None) -> Page[Any]:
    key, read = kind
    return page_of(f"Intercom {key}", read, data[key], following)


def _cursor(data: Mapping[str, Any]) -> str | None:
    following = (data.get("pages") or {}).get("next")
    cursor = following.get("starting_after") if isinstance(following, Mapping) else None
    return str(cursor) if cursor else None


def _equals(field: str, value: str | None) -> dict[str, Any]:
    return {"field": field, "operator": "=", "value": value}


# -- records ---------------------------------------------------------------------------------------------------------


def conversation(said: Mapping[str, Any]) -> Conversation:
    """No field of it is promised. Who it is with has ids alone; whoever began it has a name and an address, too."""
    people = (said.get("contacts") or {}).get("contacts") or []
    author = (said.get("source") or {}).get("author") or {}
    known = (
        {name: author.get(name) or None for name in ("name", "email")} if people and _same(author, people[0]) else {}
    )
    agent = said.get("admin_assignee_id")
    return Conversation(
        id=str(said["id"]),
        state=str(said.get("state") or ("open" if said.get("open") else "closed")),
        contact=contact(known | people[0]) if people else None,
        subject=said.get("title") or (said.get("source") or {}).get("subject") or None,
        agent=str(agent) if agent else None,  # nobody is null in one version and 0 in another
        tags=tuple(str(one["name"]) for one in (said.get("tags") or {}).get("tags") or []),
        created_at=moment(said.get("created_at")),
        updated_at=moment(said.get("updated_at")),
        raw=said,
    )


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(one.get("id")) and str(one["id"]) == str(other.get("id"))


def message(said: Mapping[str, Any], conversation: str) -> Message:
    who = said.get("author") or {}
    kinds = {"user": "visitor", "lead": "visitor", "contact": "visitor", "admin": "agent"}
    note = said.get("part_type") in ("note", "note_and_reopen")
    return Message(
        id=str(said.get("id") or ""),
        conversation=conversation,
        author=kinds.get(str(who.get("type")), "bot"),
        text=str(said.get("body") or ""),
        kind="note" if note else "text" if said.get("body") else "file",
        author_name=who.get("name"),
        at=moment(said.get("created_at")),
        raw=said,
    )


def contact(said: Mapping[str, Any]) -> Contact:
    return Contact(
        id=str(said["id"]),
        external_id=None if said.get("role") == "lead" else said.get("external_id"),  # a lead's is the vendor's own
        email=said.get("email"),
        name=said.get("name"),
        phone=said.get("phone"),
        created_at=moment(said.get("signed_up_at") or said.get("created_at")),
        email_verified=said.get("email_verified"),
        attributes=said.get("custom_attributes") or {},
        raw=said,
    )


def article(said: Mapping[str, Any]) -> Article:
    return Article(
        id=str(said["id"]),
        title=str(said.get("title") or ""),
        locale=said.get("default_locale"),
        published=said.get("state") == "published",
        url=said.get("url"),
        body=said.get("body"),
        updated_at=moment(said.get("updated_at")),
        raw=said,
    )


CONVERSATIONS: Kind = ("conversations", conversation)
CONTACTS: Kind = ("data", contact)

DESK = DeskRoom(
    needs=("ACCESS_TOKEN",),
    base=lambda values: BASES[values.get("REGION") or "us"],
    headers=headers,
    unwrap=lambda said: said,
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

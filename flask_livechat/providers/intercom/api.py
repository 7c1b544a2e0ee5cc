"""Intercom's REST API, 2.11 to 2.16 (its OpenAPI files, as of 2026-11)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from ...errors import Conflict, Forbidden, NotFound
from ...model import Agent, Company, Contact, Conversation, Message, Team, Visitor
from ...operation import ErrorDetails, Operation, OperationSequence, Page, page_of, path
from ..base import ApiSpec, Calls, Handoff, Values, methods_of
from ..markup import to_text
from ..sanitize import seconds, without_empty
from .articles import Articles, inventory
from .records import agent, contact, conversation, message, messages_of, team
from .widget import attributes, company, company_attributes

BASES = {"us": "https://api.intercom.io", "eu": "https://api.eu.intercom.io", "au": "https://api.au.intercom.io"}
PER_PAGE = 150  # the most that are given
MAX_METADATA_KEYS = 10  # of an event
ID = re.compile(r"[0-9a-f]{24}")  # the vendor's own of a contact; everything else is taken for the app's
EXISTS = re.compile(r"\bid=([0-9a-f]{24})\b")  # in the text of a 409, which nothing else says
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


CONVERSATIONS: Kind = ("conversations", conversation)
CONTACTS: Kind = ("data", contact)


class IntercomCalls(Calls):
    """Calls in the name of whose the token is, and the vendor's searches."""

    def _me(self) -> Operation[str]:
        return Operation("GET", "/me", lambda data: str(data["id"]), is_constant=True)

    def _search(self, kind: Kind, field: str, operator: str, value: Any) -> Operation[Page[Any]]:
        """A search. Its cursor goes into the body: in the address it gives the first page again."""
        query = {"operator": operator, "value": value} | ({"field": field} if field else {})
        where = "/contacts/search" if kind is CONTACTS else "/conversations/search"

        def page(after: str | None) -> Operation[Page[Any]]:
            body = {"query": query, "pagination": without_empty(per_page=PER_PAGE, starting_after=after)}
            return Operation("POST", where, lambda data: self._page_of(kind, data, page), json=body, repeatable=True)

        return page(None)

    def _page_of(self, kind: Kind, data: Any, next_page: Callable[[str], Operation[Page[Any]]]) -> Page[Any]:
        key, read = kind
        following = (data.get("pages") or {}).get("next")
        cursor = following.get("starting_after") if isinstance(following, Mapping) else None
        return page_of(f"Intercom {key}", read, data[key], next_page(str(cursor)) if cursor else None)


class Conversations(IntercomCalls):
    """Conversations and what is written in them."""

    def list(self, state: str | None = None, since: datetime | None = None) -> Operation[Page[Conversation]]:
        """The list takes no filters: with any it is a search. ``pending`` is no state there: nothing is found."""
        wanted: list[dict[str, Any]] = []
        if state is not None:
            wanted.append({"field": "state", "operator": "=", "value": state})
        if since is not None:
            wanted.append({"field": "updated_at", "operator": ">", "value": seconds(since)})
        return self._search(CONVERSATIONS, "", "AND", wanted) if wanted else self._all(None)

    def _all(self, after: str | None) -> Operation[Page[Conversation]]:
        """The list, whose cursor goes into the address."""
        query = without_empty(per_page=PER_PAGE, starting_after=after)
        return Operation(
            "GET", "/conversations", lambda data: self._page_of(CONVERSATIONS, data, self._all), query=query
        )

    def search(self, text: str) -> Operation[Page[Conversation]]:
        """The vendor compares single words with the first message."""
        return self._search(CONVERSATIONS, "source.body", "~", text)

    def get(self, id: str) -> Operation[Conversation]:
        return Operation("GET", path("/conversations/{}", id), conversation, query={"display_as": "plaintext"})

    def messages(self, id: str) -> OperationSequence[Sequence[Message]]:
        """All that the vendor gives in one answer."""
        chat: Conversation = yield self.get(id)
        return messages_of(chat)

    def start(self, visitor: Visitor, text: str, author: str = "visitor") -> OperationSequence[Conversation | None]:
        """What the team begins is a message in the Messenger, and a conversation once the visitor answers."""
        who: Contact = yield from Contacts(self.values).upsert(visitor)
        if author == "agent":
            admin: str = yield self._me()
            sender, to = {"type": "admin", "id": int(admin)}, {"type": "user", "id": who.id}
            in_app = {"message_type": "in_app", "body": text, "from": sender, "to": to}
            yield Operation("POST", "/messages", lambda data: None, json=in_app)
            return None
        body = {"from": {"type": "user", "id": who.id}, "body": text}
        # What comes back is the message; its id is not the conversation's.
        new: str = yield Operation("POST", "/conversations", lambda data: str(data["conversation_id"]), json=body)
        chat: Conversation = yield self.get(new)
        return chat

    def reply(self, id: str, text: str) -> OperationSequence[Message]:
        return (yield from self._reply(id, text, "comment"))

    def note(self, id: str, text: str) -> OperationSequence[Message]:
        return (yield from self._reply(id, text, "note"))

    def _reply(self, id: str, text: str, kind: str) -> OperationSequence[Message]:
        admin: str = yield self._me()
        body = {"message_type": kind, "type": "admin", "admin_id": admin, "body": text}

        def read(data: Any) -> Message:
            parts = (data.get("conversation_parts") or {}).get("conversation_parts") or []
            # The answer to this call has the text as HTML, whatever was sent.
            part = message({**parts[-1], "body": to_text(str(parts[-1].get("body") or ""))}, id) if parts else None
            return part or Message("", id, "agent", text, "note" if kind == "note" else "text", raw=data)

        result: Message = yield Operation("POST", path("/conversations/{}/reply", id), read, json=body)
        return result

    def close(self, id: str) -> OperationSequence[None]:
        yield from self._set_state(id, "closed", {"message_type": "close", "type": "admin"})

    def reopen(self, id: str) -> OperationSequence[None]:
        yield from self._set_state(id, "open", {"message_type": "open"})

    def snooze(self, id: str, until: datetime) -> OperationSequence[None]:
        yield from self._set_state(id, "snoozed", {"message_type": "snoozed", "snoozed_until": seconds(until)})

    def _set_state(self, id: str, wanted: str, body: Mapping[str, Any]) -> OperationSequence[None]:
        """Each part is seen in the inbox, and told to webhooks: one that changes nothing is not made."""
        chat: Conversation = yield self.get(id)
        is_until_then = "snoozed_until" not in body or chat.raw.get("snoozed_until") == body["snoozed_until"]
        if chat.state != wanted or not is_until_then:
            yield from self._part(id, body)

    def assign(self, id: str, agent: str | None = None, team: str | None = None) -> OperationSequence[None]:
        """A team is looked up first: what the vendor makes of one that does not exist is UNCONFIRMED."""
        if team is not None:
            yield Operation("GET", path("/teams/{}", team), lambda data: None)
        kind = {"type": "admin", "assignee_id": agent} if team is None else {"type": "team", "assignee_id": team}
        yield from self._part(id, {"message_type": "assignment", **kind})

    def _part(self, id: str, body: Mapping[str, Any]) -> OperationSequence[None]:
        """Each is in somebody's name: whose the token is."""
        admin: str = yield self._me()
        where = path("/conversations/{}/parts", id)
        yield Operation("POST", where, lambda data: None, json={**body, "admin_id": admin})

    def tag(self, id: str, *tags: str) -> OperationSequence[None]:
        admin: str = yield self._me()
        for name in dict.fromkeys(tags):
            # Made where there is none; the same one comes back where there is.
            tag_id: str = yield Operation(
                "POST", "/tags", lambda data: str(data["id"]), json={"name": name}, repeatable=True
            )
            body = {"id": tag_id, "admin_id": admin}
            where = path("/conversations/{}/tags", id)
            yield Operation("POST", where, lambda data: None, json=body, repeatable=True)

    def untag(self, id: str, *tags: str) -> OperationSequence[None]:
        admin: str = yield self._me()

        def read(data: Any) -> Mapping[str, str]:
            return dict(page_of("Intercom tags", lambda tag: (str(tag["name"]), str(tag["id"])), data["data"]).items)

        ids: Mapping[str, str] = yield Operation("GET", "/tags", read)
        for name in tags:
            if name in ids:
                where = path("/conversations/{}/tags/{}", id, ids[name])
                yield Operation("DELETE", where, lambda data: None, json={"admin_id": admin})


class Contacts(IntercomCalls):
    """The app's users and visitors, as the vendor knows them."""

    def upsert(self, visitor: Visitor) -> OperationSequence[Contact]:
        """The company goes first: the vendor shows it to nobody until a contact belongs to it."""
        company_id: str | None = (yield self._company(visitor.company)) if visitor.company else None
        person: Contact = yield from self._upsert(visitor)
        attached = (person.raw.get("companies") or {}).get("data") or []
        if company_id and company_id not in [item.get("id") for item in attached]:
            where = path("/contacts/{}/companies", person.id)
            yield Operation("POST", where, lambda data: None, json={"id": company_id}, repeatable=True)
        return person

    def _company(self, who: Company) -> Operation[str]:
        """Found by the app's id or made. The answer is the vendor's id."""
        fields = company(who)
        if "id" not in fields:
            raise ValueError("Intercom accepts company ids of at most 255 characters, but Company.id is longer.")
        names = {"id": "company_id", "created_at": "remote_created_at"}
        body = {names.get(name, name): value for name, value in fields.items()}
        body |= without_empty(custom_attributes=company_attributes(who))
        return Operation("POST", "/companies", lambda data: str(data["id"]), json=body, repeatable=True)

    def _upsert(self, visitor: Visitor) -> OperationSequence[Contact]:
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
                # Nobody but an agent knows whether somebody who was put away is to come back.
                address = f"/contacts/{there[1] if there else '…'}/unarchive"
                what = f'the contact is archived: desk.raw.request("POST", "{address}") brings it back'
                facts = ("provider", "call", "status", "code", "request_id", "body")
                raise Conflict(what, **{name: getattr(conflict, name) for name in facts}) from None
            existing: Contact | None = yield from self.find(id=there[1] if there else visitor.id)
            # Found by the address alone, it may be somebody else's: whose conversations are not this visitor's to have.
            if existing is None or existing.external_id not in (None, visitor.id):
                raise
            changed: Contact = yield Operation("PUT", path("/contacts/{}", existing.id), contact, json=body)
            return changed
        return created

    def find(self, id: str | None = None, email: str | None = None) -> OperationSequence[Contact | None]:
        """By the vendor's id, by yours (the visitor's), or by the address."""
        if id is not None and ID.fullmatch(id):
            with suppress(NotFound):
                person: Contact = yield Operation("GET", path("/contacts/{}", id), contact)
                return person
        page: Page[Contact] = yield self._by(id, email)
        return page.items[0] if page.items else None

    def find_all(self, id: str | None = None, email: str | None = None) -> OperationSequence[Sequence[Contact]]:
        """As ``find``: several may share an address. An id of yours may look like one of the vendor's, as MongoDB's do.

        Nobody is left out: an erasure goes by it.
        """
        by_id: dict[str, Contact] = {}
        seen: set[tuple[str, ...] | None] = set()
        if id is not None and ID.fullmatch(id):
            with suppress(NotFound):
                person: Contact = yield Operation("GET", path("/contacts/{}", id), contact)
                by_id[person.id] = person
        following: Operation[Page[Contact]] | None = self._by(id, email)
        while following is not None:
            page: Page[Contact] = yield following
            if page.ids and len(page.items) < len(page.ids):
                raise LookupError("somebody without an id")
            by_id |= {person.id: person for person in page.items}
            following = None if page.ids in seen else page.next  # a vendor that leads back is not followed
            seen.add(page.ids)
        return [*by_id.values()]

    def _by(self, id: str | None, email: str | None) -> Operation[Page[Contact]]:
        field, value = ("external_id", id) if id is not None else ("email", email)
        return self._search(CONTACTS, field, "=", value)

    def conversations(self, id: str) -> Operation[Page[Conversation]]:
        return self._search(CONVERSATIONS, "contact_ids", "=", id)

    def event(self, id: str, name: str, metadata: Mapping[str, Any] | None = None, *, at: datetime) -> Operation[None]:
        """May be sent again: the same contact, name and second are the same event. The answer is empty."""
        fitted = dict(list(attributes(metadata or {}).items())[:MAX_METADATA_KEYS])
        body = without_empty(event_name=name, created_at=seconds(at), metadata=fitted)
        who = {"id": id} if ID.fullmatch(id) else {"user_id": id}
        return Operation("POST", "/events", lambda data: None, json=body | who, repeatable=True)

    def forget(self, id: str) -> Operation[None]:
        return Operation("DELETE", path("/contacts/{}", id), lambda data: None)


class Agents(Calls):
    """Who answers."""

    def list(self) -> Operation[Page[Agent]]:
        return Operation("GET", "/admins", lambda data: page_of("Intercom admins", agent, data["admins"]))

    def teams(self) -> Operation[Page[Team]]:
        return Operation("GET", "/teams", lambda data: page_of("Intercom teams", team, data["teams"]))

    def availability(self) -> Operation[str]:
        """Online while an admin with a seat is not away: the vendor has no such answer of its own."""

        def read(data: Any) -> str:
            seated = [admin for admin in data["admins"] if admin.get("has_inbox_seat")]
            if any(not admin.get("away_mode_enabled") for admin in seated):
                return "online"
            return "away" if seated else "offline"

        return Operation("GET", "/admins", read)


def hand_over(values: Values, id: str, handoffs: Sequence[Handoff]) -> OperationSequence[Handoff | None]:
    """A note, and the team that is called like what it is about, where nobody has the conversation yet.

    Whose it is the vendor says by the id of yours: a page proves it, and the vendor refuses one that is not proven.
    Notes take "some HTML" (OpenAPI 2.15): there is none in them, for a visitor wrote a part. An entity would also come
    back as its character, and the note would not be known again.
    """
    calls = Conversations(values)
    chat: Conversation = yield calls.get(id)
    known = chat.contact.external_id if chat.contact else None
    own = next((item for item in handoffs if item.visitor == known), None)
    if own is None:
        return None
    note = re.sub(r"&(?=[#A-Za-z])", "\uff06", own.note.replace("<", "\u2039"))
    notes = [line.text.split() for line in messages_of(chat) if line.kind == "note"]
    if note.split() not in notes:
        yield from calls.note(id, note)
    if not chat.agent and not chat.raw.get("team_assignee_id"):
        with suppress(Forbidden):  # a token may be allowed to write and not to ask for teams
            teams: Page[Team] = yield Agents(values).teams()
            for group in teams.items:
                if group.name and group.name.casefold() == own.topic.casefold():
                    yield from calls.assign(id, team=group.id)
                    break
    return own


API = ApiSpec(
    needs=("ACCESS_TOKEN",),
    base=lambda values: BASES[values.get("REGION") or "us"],
    headers=headers,
    unwrap=lambda data: data,
    explain=explain,
    methods=methods_of(conversations=Conversations, contacts=Contacts, articles=Articles, agents=Agents),
    inventory=inventory,
    hand_over=hand_over,
)

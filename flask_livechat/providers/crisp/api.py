"""Crisp's REST API v1 (as of 2026-11): routes and shapes of the official libraries, base api.crisp.chat."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ...errors import Conflict, NotFound, Unsupported
from ...model import Agent, Contact, Conversation, LiveVisitor, Message, Visitor
from ...operation import ErrorDetails, Operation, OperationSequence, Page, page_of, path
from ..base import ApiSpec, Calls, Handoff, Values, methods_of
from ..sanitize import moment, without_empty
from .articles import Articles, inventory
from .widget import attributes

STATES = {"unresolved": "open", "pending": "pending", "resolved": "closed"}
KINDS = {"text": "text", "note": "note", "file": "file", "animation": "file", "audio": "file"}
PER_PAGE = 50  # 20 to 50 are taken


def headers(values: Values) -> dict[str, str]:
    pair = f"{values['API_IDENTIFIER']}:{values['API_KEY'][0]}"
    return {
        "Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
        "X-Crisp-Tier": values["API_TIER"],  # without it an API token is refused
        "Accept": "application/json",
    }


def unwrap(data: Any) -> Any:
    """Take an answer without data, or without a body, for an empty one, as the official libraries do."""
    return {} if data is None else data.get("data", {})


def explain(data: Any) -> ErrorDetails:
    """``{error, reason, data: {message}}``. Reasons are opaque, but for few."""
    details = data.get("data")
    what = details.get("message") if isinstance(details, Mapping) else None
    return ErrorDetails(what=what, code=data.get("reason") or None)


class CrispCalls(Calls):
    """Calls of addresses below the website's."""

    def _path(self, rest: str, *parts: str | int) -> str:
        return path("/v1/website/{}", self.values["WEBSITE_ID"]) + path(rest, *parts)


class Conversations(CrispCalls):
    """Conversations and what is written in them."""

    def list(self, state: str | None = None, since: datetime | None = None) -> Any:
        """By their last change. Open and pending ones have one filter there: which of them it is, is looked at here."""
        query: dict[str, str | int] = {"per_page": PER_PAGE, "order_date_updated": 1}
        if state is not None:
            query["filter_resolved" if state == "closed" else "filter_not_resolved"] = 1
        if since is not None:
            query["filter_date_start"] = since.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return self._listed(query, 1, state)

    def search(self, text: str) -> Any:
        return self._listed({"per_page": PER_PAGE, "search_type": "text", "search_query": text}, 1)

    def _listed(
        self, query: Mapping[str, str | int], number: int, state: str | None = None
    ) -> Operation[Page[Conversation]]:
        def read(data: Any) -> Page[Conversation]:
            following = self._listed(query, number + 1, state)
            return page_of(
                "Crisp conversations", conversation, data, following, lambda chat: state in (None, chat.state)
            )

        return Operation("GET", self._path("/conversations/{}", number), read, query=query)

    def get(self, id: str) -> Operation[Conversation]:
        return Operation("GET", self._path("/conversation/{}", id), conversation)

    def messages(self, id: str) -> OperationSequence[Sequence[Message]]:
        """Pages go back in time, from the newest; what comes of them is in the order in which it was written."""
        where = self._path("/conversation/{}/messages", id)
        by_id: dict[str, Message] = {}
        query: dict[str, str | int] = {}

        def read(data: Any) -> Page[Message]:
            return page_of("Crisp messages", message, data)

        while True:
            page: Page[Message] = yield Operation("GET", where, read, query=query)
            new = {item.id: item for item in page.items if item.id not in by_id}
            by_id = new | by_id
            times = [int(item.raw["timestamp"]) for item in new.values() if item.at is not None]
            if not times:
                return sorted(by_id.values(), key=lambda item: item.at or datetime.min.replace(tzinfo=UTC))
            query = {"timestamp_before": min(times)}

    def start(self, visitor: Visitor, text: str, author: str = "visitor") -> OperationSequence[Conversation]:
        """What the team begins has its message last: whoever sees a refusal knows that nobody was written to."""
        if author == "agent" and not visitor.email:
            raise ValueError("Crisp reaches people by their email, but Visitor.email is missing.")
        where = self._path("/conversation")
        session: str = yield Operation("POST", where, lambda data: str(data["session_id"]), json={})
        who = without_empty(
            nickname=visitor.name, email=visitor.email, phone=visitor.phone, data=attributes(visitor.attributes)
        )
        if who:
            yield self._patch(session, "meta", who)
        if author == "visitor":
            yield self._send(session, text, "text", "user")
        result: Conversation = yield self.get(session)
        if author == "agent":
            yield self._send(session, text, "text", "operator")
        return result

    def reply(self, id: str, text: str) -> Operation[Message]:
        return self._send(id, text, "text", "operator")

    def note(self, id: str, text: str) -> Operation[Message]:
        return self._send(id, text, "note", "operator")

    def _send(self, id: str, text: str, kind: str, author: str) -> Operation[Message]:
        # Whether a visitor or an operator writes, the origin is "chat", as the vendor's own libraries have it.
        body = {"type": kind, "from": author, "origin": "chat", "content": text}

        def read(data: Any) -> Message:
            who = "agent" if author == "operator" else "visitor"
            return Message(str(data["fingerprint"]), id, who, text, kind, raw=data)

        return Operation("POST", self._path("/conversation/{}/message", id), read, json=body)

    def close(self, id: str) -> OperationSequence[None]:
        yield from self._set_state(id, "resolved")

    def reopen(self, id: str) -> OperationSequence[None]:
        yield from self._set_state(id, "unresolved")

    def _set_state(self, id: str, wanted: str) -> OperationSequence[None]:
        """Each change of the state is told to visitors and webhooks: one that changes nothing is not made."""
        where = self._path("/conversation/{}/state", id)
        state: str = yield Operation("GET", where, lambda data: str(data.get("state")))
        if state != wanted:
            yield self._patch(id, "state", {"state": wanted})

    def assign(self, id: str, agent: str | None = None, team: str | None = None) -> Operation[None]:
        if team is not None:
            raise Unsupported("Crisp", "conversations.assign with a team")
        return self._patch(id, "routing", {"assigned": {"user_id": agent}})

    def tag(self, id: str, *tags: str) -> OperationSequence[None]:
        """Crisp calls them segments, and takes all of them at once."""
        yield from self._retag(id, lambda segments: [*dict.fromkeys([*segments, *tags])])

    def untag(self, id: str, *tags: str) -> OperationSequence[None]:
        yield from self._retag(id, lambda segments: [name for name in segments if name not in tags])

    def _retag(self, id: str, change: Any) -> OperationSequence[None]:
        meta: Mapping[str, Any] = yield Operation("GET", self._path("/conversation/{}/meta", id), dict)
        segments = [str(name) for name in meta.get("segments") or []]
        if (wanted := change(segments)) != segments:
            yield self._patch(id, "meta", {"segments": wanted})

    def _patch(self, id: str, part: str, body: Mapping[str, Any]) -> Operation[None]:
        """Set the given fields. To do so twice changes nothing."""
        where = self._path("/conversation/{}/" + part, id)
        return Operation("PATCH", where, lambda data: None, json=dict(body), repeatable=True)


class Contacts(CrispCalls):
    """People with an email, as the vendor knows them."""

    def upsert(self, visitor: Visitor) -> OperationSequence[Contact]:
        """Found by the address or made; where somebody else makes it meanwhile, changed."""
        if not visitor.email:
            raise ValueError("Crisp knows people by their email, but Visitor.email is missing.")
        where = self._path("/people/profile/{}", visitor.email)
        person = without_empty(nickname=visitor.name, phone=visitor.phone, avatar=visitor.avatar)
        company = visitor.company and without_empty(name=visitor.company.name, url=visitor.company.website)
        body = {
            "email": visitor.email,
            **without_empty(person=person, company=company, segments=list(visitor.segments)),
        }
        change: Operation[None] = Operation("PATCH", where, lambda data: None, json=body, repeatable=True)
        try:
            yield change
        except NotFound:
            try:
                yield Operation(
                    "POST",
                    self._path("/people/profile"),
                    lambda data: data.get("people_id"),
                    json=body,
                    repeatable=True,
                    makes=lambda people_id: (visitor.email, people_id and str(people_id)),
                )
            except Conflict:
                yield change
        if custom := attributes(visitor.attributes):
            data = self._path("/people/data/{}", visitor.email)
            yield Operation("PATCH", data, lambda data: None, json={"data": custom}, repeatable=True)
        return (yield from self._person(visitor.email))

    def find(self, id: str | None = None, email: str | None = None) -> OperationSequence[Contact | None]:
        """By Crisp's id or by the address, which its routes take alike."""
        try:
            return (yield from self._person(id or email or ""))
        except NotFound:
            return None

    def find_all(self, id: str | None = None, email: str | None = None) -> OperationSequence[Sequence[Contact]]:
        """As ``find``, without attributes: there is one contact of an address."""
        try:
            profile: Contact = yield Operation("GET", self._path("/people/profile/{}", id or email or ""), contact)
        except NotFound:
            return []
        return [profile]

    def _person(self, id: str) -> OperationSequence[Contact]:
        """What is known of somebody stands in two places there."""
        profile: Contact = yield Operation("GET", self._path("/people/profile/{}", id), contact)
        try:
            attributes: Any = yield Operation("GET", self._path("/people/data/{}", id), lambda data: data.get("data"))
        except NotFound:  # a profile may have none
            attributes = None
        return replace(profile, attributes=dict(attributes) if isinstance(attributes, Mapping) else {})

    def conversations(self, id: str) -> OperationSequence[Sequence[Conversation]]:
        """The list has ids alone: each is asked for."""
        ids: dict[str, None] = {}
        number = 1
        while True:
            where = self._path("/people/conversations/{}/list/{}", id, number)
            more: list[str] = yield Operation("GET", where, lambda data: [str(session) for session in data])
            if not set(more) - ids.keys():
                break
            ids |= dict.fromkeys(more)
            number += 1

        def read(data: Any) -> Page[Conversation]:
            return page_of("Crisp conversations", conversation, [data])

        conversations: list[Conversation] = []
        for session in ids:
            try:
                page: Page[Conversation] = yield Operation("GET", self._path("/conversation/{}", session), read)
            except NotFound:  # it was removed, and is listed all the same
                continue
            conversations += page.items
        return conversations

    def event(self, id: str, name: str, metadata: Mapping[str, Any] | None = None, *, at: datetime) -> Operation[None]:
        """It has no moment of its own there: it is when it arrives."""
        body = {"text": name, "data": attributes(metadata or {}), "color": "blue"}
        return Operation("POST", self._path("/people/events/{}", id), lambda data: None, json=body)

    def forget(self, id: str) -> Operation[None]:
        return Operation("DELETE", self._path("/people/profile/{}", id), lambda data: None)


class Agents(CrispCalls):
    """Who answers."""

    def list(self) -> Operation[Page[Agent]]:
        def read(data: Any) -> Page[Agent]:
            return page_of("Crisp operators", lambda entry: agent(entry.get("details") or entry), data)

        return Operation("GET", self._path("/operators/list"), read)

    def availability(self) -> Operation[str]:
        """``online``, ``away`` or ``offline``."""
        return Operation("GET", self._path("/availability/status"), lambda data: str(data["status"]))


class Visitors(CrispCalls):
    """Who is on the site."""

    def list(self) -> Operation[Page[LiveVisitor]]:
        return self._page(1)

    def _page(self, number: int) -> Operation[Page[LiveVisitor]]:
        def read(data: Any) -> Page[LiveVisitor]:
            return page_of("Crisp visitors", live_visitor, data, self._page(number + 1))

        return Operation("GET", self._path("/visitors/list/{}", number), read)


def live_visitor(data: Mapping[str, Any]) -> LiveVisitor:
    """All but the id may be missing."""
    active = data.get("active")
    return LiveVisitor(
        id=str(data["session_id"]),
        name=data.get("nickname") or None,
        email=data.get("email") or None,
        page=(data.get("last_page") or {}).get("page_url") or None,
        active=active if isinstance(active, bool) else None,
        raw=data,
    )


def agent(data: Mapping[str, Any]) -> Agent:
    name = " ".join(part for part in (data.get("first_name"), data.get("last_name")) if part)
    return Agent(str(data["user_id"]), name or None, data.get("email"), raw=data)


def conversation(data: Mapping[str, Any]) -> Conversation:
    meta = data.get("meta") or {}
    return Conversation(
        id=str(data["session_id"]),
        state=STATES.get(str(data.get("state")), "open"),
        contact=Contact(
            id=str(data.get("people_id") or ""),
            email=meta.get("email") or None,
            name=meta.get("nickname") or None,
            phone=meta.get("phone") or None,
            attributes=meta.get("data") or {},
        ),
        subject=meta.get("subject") or None,
        agent=(data.get("assigned") or {}).get("user_id"),
        tags=tuple(meta.get("segments") or ()),
        created_at=_moment(data.get("created_at")),
        updated_at=_moment(data.get("updated_at")),
        raw=data,
    )


def message(data: Mapping[str, Any]) -> Message:
    who = data.get("user") or {}
    automated = bool(data.get("automated"))
    content = data.get("content")
    return Message(
        id=str(data["fingerprint"]),
        conversation=str(data["session_id"]),
        author="visitor" if data.get("from") == "user" else "bot" if automated else "agent",
        text=content if isinstance(content, str) else str((content or {}).get("text") or ""),
        kind=KINDS.get(str(data.get("type")), "other"),
        author_name=who.get("nickname"),
        at=_moment(data.get("timestamp")),
        raw=data,
    )


def contact(data: Mapping[str, Any]) -> Contact:
    person = data.get("person") or {}
    return Contact(
        id=str(data.get("people_id") or data.get("email") or ""),
        email=data.get("email"),
        name=person.get("nickname") or None,
        phone=person.get("phone") or None,
        created_at=_moment(data.get("created_at")),
        raw=data,
    )


def _moment(milliseconds: Any) -> datetime | None:
    return moment(milliseconds / 1000) if isinstance(milliseconds, int | float) and abs(milliseconds) < 1e15 else None


def hand_over(values: Values, id: str, handoffs: Sequence[Handoff]) -> OperationSequence[Handoff | None]:
    """A note, and the state ``pending`` while nobody has answered.

    Whose conversation it is the vendor says by the email that it has verified: an unverified one is a mere claim. What
    a note does to the state is UNCONFIRMED: hence the state is looked at after it.
    """
    calls = Conversations(values)
    chat: Conversation = yield calls.get(id)
    email = chat.contact.email if chat.contact and chat.raw.get("is_verified") is True else None
    own = next((item for item in handoffs if email and item.email and item.email.lower() == email.lower()), None)
    if own is None:
        return None

    def read(data: Any) -> Page[Message]:
        return page_of("Crisp messages", message, data)

    newest: Page[Message] = yield Operation("GET", calls._path("/conversation/{}/messages", id), read)
    lines = sorted(newest.items, key=lambda line: line.at or datetime.min.replace(tzinfo=UTC))
    if all((line.kind, line.text) != ("note", own.note) for line in lines):
        yield calls.note(id, own.note)
    authors = [line.author for line in lines if line.kind in ("text", "file") and line.author != "bot"]
    if authors[-1:] == ["visitor"]:
        yield from calls._set_state(id, "pending")
    return own


API = ApiSpec(
    needs=("API_IDENTIFIER", "API_KEY"),
    base=lambda values: "https://api.crisp.chat",
    headers=headers,
    unwrap=unwrap,
    explain=explain,
    knows=lambda visitor: bool(visitor.email),
    methods=methods_of(
        conversations=Conversations, contacts=Contacts, articles=Articles, agents=Agents, visitors=Visitors
    ),
    inventory=inventory,
    hand_over=hand_over,
)

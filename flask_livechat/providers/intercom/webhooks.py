"""Intercom's webhooks (as of 2026-11): ``sha1=`` and the HMAC-SHA1 of the raw body under the app's client secret.

A notification says what happened; a conversation's part says who did it, and when. The same part comes under several
topics (a bot's reply under ``conversation.operator.replied`` and ``conversation.admin.replied``), and so it is the part
that makes an event, and gives it its id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ... import signing
from ...hooks import Delivery
from ...model import Event, Message
from ..base import Details, File, Values, WebhookSpec
from ..markup import to_text
from ..payload import Payload, chat_moment, required
from ..sanitize import moment
from .people import TYPES, People, Person

BEST = 5
SPOKEN = {
    "conversation.user.replied": "visitor",
    "conversation.admin.replied": "agent",
    "conversation.operator.replied": "bot",
}
STARTED = {"conversation.user.created": "visitor", "conversation.admin.single.created": "agent"}
RATED, TAGGED = "conversation.rating.added", "conversation_part.tag.created"
NOTED = "conversation.admin.noted"
AFTER_PARTS = 10**18  # a sequence that no part's number reaches
CHANGES = {"conversation.admin.closed": "conversation_closed", "conversation.admin.opened": "conversation_reopened"}
AUTHORS = {"user": "visitor", "lead": "visitor", "contact": "visitor", "admin": "agent", "bot": "bot"}
STATES = {
    "close": "conversation_closed",
    "open": "conversation_reopened",
    "assign_and_reopen": "conversation_reopened",
    "note_and_reopen": "conversation_reopened",
}


def verify(values: Values, delivery: Delivery) -> bool:
    scheme, _, signature = delivery.headers.get("x-hub-signature", "").partition("=")
    expected = [signing.hmac_hex(secret, delivery.body, "sha1") for secret in values["CLIENT_SECRET"]]
    return scheme == "sha1" and any(signing.same(digest, signature) for digest in expected)


def sign(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    return {"X-Hub-Signature": f"sha1={signing.hmac_hex(secret, body, 'sha1')}"}


def parse(values: Values, delivery: Delivery) -> Sequence[Event]:
    payload = Payload(delivery.json(), delivery.odd)
    topic, app = required(payload.text("topic"), "topic"), required(payload.text("app_id"), "app_id")
    item = payload.need("data").need("item")
    if app != values["APP_ID"]:
        return ()  # notifications come from every workspace that has installed the app
    at = required(_moment(payload.data.get("created_at")), "created_at")
    key = payload.key("id") or delivery.digest
    if topic == "contact.deleted":  # the last word about somebody who may have been forgotten is not stored
        return (Event("intercom", "contact_changed", key, at, raw={"topic": topic}),)
    people = People(item)
    event = Event("intercom", "unknown", key, at, raw=payload.data)
    if topic.startswith("contact."):
        person = people.of(item.part("contact") if "contact" in item.data else item)
        if person is not None and topic.startswith("contact.lead."):
            person.is_lead = not person.is_user
        event = _about(person, replace(event, kind="contact_changed"))
    named = replace(event, people=people.contacts())
    is_conversation = topic.startswith(("conversation.", "conversation_part."))
    return Notification.of(topic, item, people, named).events() if is_conversation else (named,)


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification about a conversation. ``event`` is what it comes to where no part says more."""

    topic: str
    item: Payload
    people: People
    event: Event

    @classmethod
    def of(cls, topic: str, item: Payload, people: People, event: Event) -> Notification:
        """Read what all of a notification's events share: the conversation, its tags, and whom it is with."""
        tags = item.items("tags")
        names = None if tags is None else [tag.text("name") for tag in tags]
        item.odd.update(["tags"] * (names or []).count(None))
        shared = replace(
            event,
            conversation=_conversation_id(topic, item),
            tags=None if names is None else tuple(name for name in names if name),
        )
        # Whom a conversation is with: who began it, else its only contact.
        author, contacts = _source(item).part("author"), people.among()
        only_contact = contacts[0] if len(contacts) == 1 else None
        starter = people.of(author) if author.text("type") in TYPES else only_contact
        return cls(topic, item, people, _about(starter, shared))

    def events(self) -> Sequence[Event]:
        topic, event = self.topic, self.event
        if topic == RATED:
            return (self._rated(),)
        # The part that was tagged has come before, and so has every part of the same second. Of two tags of one second
        # the second one's notification has more of them; none tells of a removal.
        if topic == TAGGED:
            return (replace(event, id=self._tags_id() or event.id, sequence=AFTER_PARTS + len(event.tags or ())),)
        if topic.startswith("conversation_part."):
            return (event,)
        parts, change = self.item.items("conversation_parts") or [], CHANGES.get(topic)
        events = [self._started()] if topic in STARTED else []
        for number, part in enumerate(parts):
            events += self._of_part(number, part)
        if change is not None and all(event.kind != change for event in events):
            events.append(replace(event, kind=change, author="agent"))
        if topic in SPOKEN and not parts:
            events.append(replace(event, kind="message", author=SPOKEN[topic]))
        return events or (replace(event, sequence=_number(parts[-1]) if parts else None),)

    def _tags_id(self) -> str | None:
        """An id made of which tags there are and of when the last one was put there; None where that is unknown."""
        tags = self.item.items("tags") or []
        at_of = {tag.key("id"): unix_seconds(tag.data.get("applied_at")) for tag in tags}
        moments = [at for at in at_of.values() if at is not None]
        if self.event.conversation is None or not moments:
            return None
        return f"{self.event.conversation}:tags:{max(moments)}:{'+'.join(sorted(filter(None, at_of)))}"

    def _started(self) -> Event:
        source = _source(self.item)
        return replace(
            self.event,
            kind="conversation_started",
            id=f"{self.event.conversation}:{source.key('id') or 'source'}",
            at=_moment(self.item.data.get("created_at")) or self.event.at,
            author=_author(source) or STARTED[self.topic],
            text=to_text(source.text("body") or ""),
            sequence=0,
        )

    def _of_part(self, number: int, part: Payload) -> Iterator[Event]:
        kind, key, author = part.text("part_type") or "comment", part.key("id"), part.part("author")
        by_person = author.text("type") in (*TYPES, None)
        event = _about(self.people.of(author) if by_person else None, self.event)
        event = replace(
            event,
            id=f"{event.conversation}:{key}" if key else f"{event.id}:{number}",
            at=_moment(part.data.get("created_at")) or event.at,
            author=_author(part) or SPOKEN.get(self.topic, "agent"),
            sequence=_number(part),
        )
        text = to_text(part.text("body") or "")
        says = text or part.items("attachments") or "<img" in (part.text("body") or "")
        # The words of a note or a rating are no message. A reply is one also without words.
        is_reply = self.topic in SPOKEN and kind in ("comment", "quick_reply")
        if self.topic == NOTED or kind.startswith("note"):
            if text:
                yield replace(event, kind="note", text=text)
        elif is_reply or (says and not kind.startswith("conversation_rating")):
            yield replace(event, kind="message", text=text)
        if kind in STATES:
            closer = "bot" if event.author == "bot" else "agent"
            yield replace(event, kind=STATES[kind], id=f"{event.id}:{kind}", author=closer)

    def _rated(self) -> Event:
        """Its payload is UNCONFIRMED beyond "a conversation": without a rating in it nothing is rated."""
        rating = self.item.part("conversation_rating")
        stars = rating.whole("rating", 1, BEST)
        if stars is None:
            return self.event
        # The same rating has the same id in each notification; another one of the same request is another event.
        requested = unix_seconds(rating.data.get("created_at"))
        key = self.event.id if requested is None else f"{self.event.conversation}:rating:{requested}:{stars}"
        at = _moment(rating.data.get("updated_at")) or self.event.at
        return replace(self.event, kind="rated", id=key, at=at, rating=stars, best=BEST, text=rating.text("remark"))


def _number(part: Payload) -> int | None:
    """Parts are numbered in the order in which they came, which their seconds do not tell."""
    key = part.key("id")
    return int(key) if key and key.isascii() and key.isdecimal() and len(key) < 19 else None


def _conversation_id(topic: str, item: Payload) -> str | None:
    """The conversation's id. Raises ``ValueError`` where a conversation has none."""
    if item.text("type") in ("conversation", None) and (own := item.key("id")):
        return own
    inner = item.part("conversation")  # of a contact who was attached to one
    name = item.key("conversation_id") or inner.key("id") or inner.part("model").key("id")
    is_needed = item.text("type") == "conversation" or topic in (*STARTED, *SPOKEN, *CHANGES, RATED)
    return required(name, "id") if is_needed else name


def _source(item: Payload) -> Payload:
    """The first message; until 2019 under another name."""
    return item.part("source" if "source" in item.data else "conversation_message")


def _author(message: Payload) -> str | None:
    author = message.part("author")
    if author.flag("from_ai_agent") or author.flag("is_ai_answer"):
        return "bot"
    return AUTHORS.get(author.text("type") or "")


def _about(person: Person | None, event: Event) -> Event:
    return event if person is None else replace(event, visitor=person.visitor, email=person.email)


def details(event: Event) -> Details:
    """What else stands in a notification: of the part that made the event, and of its conversation.

    Of an answer by the desk it is the part alone that is stored.
    """
    raw = Payload(event.raw, Counter())
    item = raw.part("data").part("item")
    key = event.id.partition(":")[2].partition(":")[0]
    parts = item.items("conversation_parts") or []
    part = next((part for part in parts if part.key("id") == key), _source(item) if "data" in raw.data else raw)
    page, author = _source(item).text("url"), part.part("author")
    handling: dict[str, Any] = {}
    if state := item.text("state"):  # under any topic: a reply ends a snooze, and comes as a reply
        handling["snoozed_until"] = _moment(item.data.get("snoozed_until")) if state == "snoozed" else None
    if "admin_assignee_id" in item.data:
        agent, team = item.key("admin_assignee_id"), item.key("team_assignee_id")
        # Nobody is null in a notification, and 0 in answers of the newest versions.
        agent, team = (None if key == "0" else key for key in (agent, team))
        handling["agent"] = agent or (team and f"team:{team}")
        if agent and author.key("id") == agent and (name := author.text("name")):
            handling["agent_name"] = name
    files = [(file.text("name") or "A file", file.text("url")) for file in part.items("attachments") or []]
    return Details(
        author=author.text("name"),
        files=tuple(File(name, url) for name, url in files if url),
        pages=(page,) if page else (),
        attributes=item.part("custom_attributes").data,
        handling=handling,
    )


def event_id(message: Message) -> str | None:
    return f"{message.conversation}:{message.id}" if message.id else None


def unix_seconds(value: Any) -> int | None:
    at = _moment(value)
    return None if at is None else int(at.timestamp())


def _moment(value: Any) -> datetime | None:
    """Unix seconds, or ISO 8601, as some deliveries have it. None for a moment that nobody means."""
    if isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value)
            return chat_moment(parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC))
        except (ValueError, OverflowError):
            return None
    return None if isinstance(value, bool) else chat_moment(moment(value))


WEBHOOKS = WebhookSpec(
    secrets=("CLIENT_SECRET",), verify=verify, parse=parse, sign=sign, details=details, event_id=event_id
)

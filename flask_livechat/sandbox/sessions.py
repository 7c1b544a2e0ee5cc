"""What the stand-ins remember of one conversation, as records: who it is, what was said, what was decided."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

Value = str | int | float | bool | None
Author = Literal["visitor", "agent", "bot", "system"]
Status = Literal["online", "away", "offline"]
Proof = Literal["anonymous", "verified", "unverified", "refused"]
State = Literal["new", "open", "pending", "snoozed", "closed"]
Kind = Literal["text", "note", "closed", "opened", "pending", "snoozed", "unsnoozed", "assigned"]
Change = Literal["said", "changed", "removed", "decided", "rated", "tagged", "identified", "dropped"]

MAX_MESSAGES = 500
MAX_EVENTS = 100


class RefusedError(Exception):
    """The vendor would not accept this. ``status`` is HTTP's, ``code`` what programs act on, ``what`` for people."""

    def __init__(self, status: int, code: str, what: str = "") -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.what = what


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the vendor believes the visitor is. ``reason`` says why it is not verified, for the developer."""

    state: Proof = "anonymous"
    id: str | None = None
    email: str | None = None
    name: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One line of a conversation. ``n`` is the hub's revision at which it came, ``at`` Unix seconds.

    A visitor reads no note, and of what was decided (``closed``, ``assigned``, …) the words that came with it.
    ``agent``: the id of who wrote or decided it, where the vendor was told. ``system`` is the sandbox' own word in its
    panels. ``type``, ``content``, ``origin`` and ``automated`` are what a vendor was sent, where it is no plain text.
    """

    n: int
    author: Author
    text: str
    at: float
    kind: Kind = "text"
    agent: str | None = None
    type: str = "text"
    content: Mapping[str, Any] | None = None
    origin: str = "chat"
    automated: bool = False
    fingerprint: int | None = None
    edited: bool = False

    @property
    def is_reply(self) -> bool:
        """Whether somebody can read it as a message: neither a note nor a bare decision."""
        return self.kind == "text" and self.author != "system"


@dataclass(frozen=True, slots=True)
class Event:
    """Something the page reported, with the vendor's name for it."""

    n: int
    name: str
    data: Mapping[str, Value]
    at: float


@dataclass(slots=True)
class Session:
    """One conversation. Only the hub touches it, under its lock."""

    key: str
    vendor: str
    seen: float
    number: int = 0  # for vendors whose conversations are numbered
    created: float = 0.0
    changed: float = 0.0  # when something was said or decided
    n: int = 0  # revision of the last change of any kind: what the desk waits for
    news: int = 0  # revision of the last change the visitor must hear of
    page: str = ""
    identity: Identity = field(default_factory=Identity)
    was_verified: bool = False  # until the last change of the identity
    messages: deque[Message] = field(default_factory=lambda: deque(maxlen=MAX_MESSAGES))
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=MAX_EVENTS))
    attributes: dict[str, Value] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    new_tags: tuple[str, ...] = ()  # of the last change of them
    tagged_at: dict[str, float] = field(default_factory=dict)  # when each of them was put there
    rating: int | None = None
    rated_at: float | None = None
    read: int = 0  # the visitor has read up to this revision
    state: State = "new"
    until: float | None = None  # snoozed until
    agent: str | None = None  # the id of whom it is assigned to
    team: str | None = None
    is_blocked: bool = False
    is_unanswered: bool = False  # begun by the team, and no conversation before the answer
    is_forgotten: bool = False  # nobody knows any more whose it was
    details: dict[str, str] = field(default_factory=dict)  # of the person, beside the identity: phone, avatar, …
    names: set[tuple[str, str]] = field(default_factory=set)  # other names of this session, see Hub.bind
    participants: tuple[str, ...] = ()  # addresses of others who read along

    @property
    def ongoing(self) -> bool:
        return self.state not in ("new", "closed")


def as_dict(session: Session) -> dict[str, Any]:
    plain = {field.name: getattr(session, field.name) for field in fields(session)}
    messages, events = [asdict(item) for item in session.messages], [asdict(item) for item in session.events]
    nested = {"identity": asdict(session.identity), "messages": messages, "events": events}
    return {**plain, **nested, "names": sorted(session.names)}


def from_dict(row: Mapping[str, Any]) -> Session:
    nested = {
        "identity": Identity(**row["identity"]),
        "messages": deque((Message(**message) for message in row["messages"]), maxlen=MAX_MESSAGES),
        "events": deque((Event(**event) for event in row["events"]), maxlen=MAX_EVENTS),
        "names": {(kind, value) for kind, value in row["names"]},
    }
    return Session(**{**row, **nested, "tags": tuple(row["tags"])})


def copy(session: Session) -> Session:
    messages, events = session.messages.copy(), session.events.copy()
    details, attributes = dict(session.details), dict(session.attributes)
    return replace(
        session, messages=messages, events=events, details=details, attributes=attributes, names=set(session.names)
    )


def lines(messages: Iterable[Message]) -> list[dict[str, object]]:
    """What has words, as the sandbox' panels show it: a bot answers beside the agents. A visitor's has no notes."""
    return [
        {
            "n": line.n,
            "author": "agent" if line.author == "bot" else line.author,
            "text": line.text,
            "at": line.at,
            "note": line.kind == "note",
        }
        for line in messages
        if line.text
    ]


def summary(session: Session) -> dict[str, object]:
    shown = lines(message for message in session.messages if message.kind != "note")  # which answers no visitor
    return {
        "session": session.key,
        "vendor": session.vendor,
        "n": session.n,
        "seen": session.seen,
        "page": session.page,
        "identity": asdict(session.identity),
        "ongoing": session.ongoing,
        "tags": list(session.tags),
        "last": shown[-1] if shown else None,
    }


def detail(session: Session) -> dict[str, object]:
    return {
        **summary(session),
        "messages": lines(session.messages),
        "attributes": dict(session.attributes),
        "events": [asdict(event) for event in session.events],
        "rating": session.rating,
    }

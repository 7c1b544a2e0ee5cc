"""The nouns: frozen records that the rest of the package passes around."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any

from .safe_text import well_formed

Value = str | int | float | bool | None
"""What an attribute may hold."""


@dataclass(frozen=True, slots=True, repr=False)
class _Private:
    """A record about a person: its ``repr`` names the fields that are set and never what they hold."""

    def __repr__(self) -> str:
        given = [f.name for f in fields(self) if getattr(self, f.name)]
        return f"<{type(self).__name__} with {', '.join(given) or 'nothing'}>"


@dataclass(frozen=True, slots=True, repr=False)
class _Keyed(_Private):
    """A record that is equal to another one of its kind with the same ``cache_key()``."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and type(other) is type(self) and self.cache_key() == other.cache_key()

    def __hash__(self) -> int:
        return hash(self.cache_key())

    def cache_key(self) -> tuple[object, ...]:
        """Return all that tells this record from another. It hashes faster than the record."""
        raise NotImplementedError  # both kinds of record below say what tells them apart


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Company(_Keyed):
    """The organisation a visitor belongs to. ``id`` is yours, as text, and stable.

    ``spend`` is what it pays a month, ``size`` how many people work there. Raise ``ValueError`` for an empty id, a
    naive ``created_at``, and a ``spend`` or ``size`` that is no number, or below zero.
    """

    id: str
    name: str | None = None
    plan: str | None = None
    website: str | None = None
    created_at: datetime | None = None
    spend: int | float | None = None
    size: int | None = None
    industry: str | None = None
    attributes: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _clean(self, ("id", "name", "plan", "website", "industry"))
        for name, kind, expected in (("spend", int | float, "a number"), ("size", int, "a whole number")):
            value: Any = getattr(self, name)
            is_number = isinstance(value, kind) and not isinstance(value, bool)
            if value is not None and not (is_number and 0 <= value < math.inf):
                raise ValueError(f"Company.{name} must be {expected} of zero or more.")

    def cache_key(self) -> tuple[object, ...]:
        figures = (self.spend, type(self.spend), self.size, self.industry, _attributes_key(self.attributes))
        return (self.id, self.name, self.plan, self.website, self.created_at, *figures)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Visitor(_Keyed):
    """Who is in front of the page.

    ``id`` is text and stable (a whole number is turned into text). ``created_at`` is an aware ``datetime``.
    ``session_token`` replaces the continuity token that would be derived (Crisp). ``email_verified``: whether the app
    knows that the email is the visitor's own. ``False`` leaves the email out of the record, and so everywhere; only
    ``True`` lets it lead to what is kept under it.

    Raise ``ValueError`` for an empty id or a naive ``created_at``.
    """

    id: str
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    avatar: str | None = None
    created_at: datetime | None = None
    company: Company | None = None
    attributes: Mapping[str, Value] = field(default_factory=dict)
    segments: tuple[str, ...] = ()
    session_token: str | None = None
    email_verified: bool | None = None

    def __post_init__(self) -> None:
        _clean(self, ("id", "email", "name", "phone", "avatar", "session_token"))
        if self.email_verified not in (None, False, True):
            raise ValueError(
                f"Visitor.email_verified must be a bool or None, not {type(self.email_verified).__name__}."
            )
        if self.email_verified is not None and not self.email_verified:
            object.__setattr__(self, "email", None)
        if self.company is not None and not isinstance(self.company, Company):
            raise ValueError(f"Visitor.company must be a Company, not {type(self.company).__name__}.")
        if self.segments != ():
            segments = (self.segments,) if isinstance(self.segments, str) else self.segments
            object.__setattr__(self, "segments", tuple([well_formed(str(segment)) for segment in segments]))

    def cache_key(self) -> tuple[object, ...]:
        attributes = _attributes_key(self.attributes)
        rest = (self.phone, self.avatar, self.created_at, self.company, attributes, self.segments, self.session_token)
        return (self.id, self.email, self.email_verified, self.name, *rest)

    @property
    def own_email(self) -> str | None:
        """The email, if the app says that it is the visitor's own: it may lead to what is kept under it."""
        return self.email if self.email_verified else None


@dataclass(frozen=True, slots=True)
class Decision:
    """What one page gets, and why."""

    show: bool
    provider: str | None
    load: str  # "idle", "intent", … (spec §3.1)
    preload: bool
    mobile: str  # "show", "hide"
    offline: str  # "show", "hide", "leave-message"
    identify: bool
    tour: str | None
    why: str  # "LIVECHAT_RULES[2] (path '/admin/*')"
    sources: Mapping[str, str]  # field -> who set it, for `flask livechat explain`
    start: str | None = None  # "survey:7"; a tour may stand in either field, never in both
    once: bool | str = True  # whether that starts once for a visitor; "server": wherever the app remembers it
    help: str = "off"  # "first": launchers open the help panel
    flow: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What ``@livechat.answer`` gives: a text, and the articles that it rests on, by their paths or themselves.

    It is shown with its sources. Without one, or with one that was not among the articles, it is not shown.
    """

    text: str
    sources: Sequence[Any]


# -- what the desk gives ----------------------------------------------------------------------------------------------

Raw = Mapping[str, Any]
"""The vendor's own JSON."""


@dataclass(frozen=True, slots=True, repr=False)
class Contact(_Private):
    """Somebody whom the vendor knows. ``id`` is the vendor's, ``external_id`` yours, where the vendor keeps one.

    ``email_verified``: whether the vendor says that the email is theirs; None where it does not say.
    In a conversation with somebody unknown ``id`` may be empty. What is compared of two records is all but ``raw``.
    """

    id: str
    external_id: str | None = None
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    created_at: datetime | None = None
    attributes: Mapping[str, Value] = field(default_factory=dict, hash=False)
    raw: Raw = field(default_factory=dict, compare=False)
    email_verified: bool | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Conversation(_Private):
    """``state`` is ``open``, ``pending``, ``snoozed`` or ``closed``. ``agent`` is the id of whom it is assigned to."""

    id: str
    state: str
    contact: Contact | None = None
    subject: str | None = None
    agent: str | None = None
    tags: tuple[str, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None
    raw: Raw = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, repr=False)
class Message(_Private):
    """``author`` is ``visitor``, ``agent`` or ``bot``; ``kind`` is ``text``, ``note``, ``file`` or ``other``."""

    id: str
    conversation: str
    author: str
    text: str
    kind: str = "text"
    author_name: str | None = None
    at: datetime | None = None
    raw: Raw = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, repr=False)
class Article(_Private):
    """A page of the help centre in one language. A list may leave out its ``body``, which is Markdown.

    ``path`` is its place where the vendor has articles by their paths (``billing/card-declined``), else None.
    ``category`` is the vendor's id of what it is in.
    """

    id: str
    title: str
    locale: str | None = None
    published: bool | None = None
    url: str | None = None
    body: str | None = None
    updated_at: datetime | None = None
    raw: Raw = field(default_factory=dict, compare=False)
    description: str | None = None
    path: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a help centre has, in few calls: articles in all languages, and the titles that lead to each category.

    ``categories``: the vendor's id of a category to its titles, the outermost first.
    """

    articles: tuple[Article, ...] = ()
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class Agent(_Private):
    """Somebody who answers. ``online`` is None where the vendor was not asked."""

    id: str
    name: str | None = None
    email: str | None = None
    online: bool | None = None
    raw: Raw = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, repr=False)
class Team(_Private):
    """A group of agents, to whom a conversation may be assigned."""

    id: str
    name: str | None = None
    raw: Raw = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, repr=False)
class LiveVisitor(_Private):
    """Somebody who is on the site. ``id`` is of the conversation that they have, or would have.

    ``page`` is the address that they look at. ``active``: whether its window is in front; None where the vendor does
    not say.
    """

    id: str
    name: str | None = None
    email: str | None = None
    page: str | None = None
    active: bool | None = None
    raw: Raw = field(default_factory=dict, compare=False)


# -- what webhooks tell ------------------------------------------------------------------------------------------------

KINDS = (
    "conversation_started",
    "message",
    "note",
    "conversation_closed",
    "conversation_reopened",
    "rated",
    "contact_changed",
    "unknown",
)


@dataclass(frozen=True, slots=True, repr=False)
class Event(_Private):
    """Something that happened in a chat, whichever vendor tells of it.

    ``kind`` is one of ``KINDS``, ``at`` the vendor's own moment (aware). ``visitor`` is your id of them, where the
    vendor has it. ``author`` is ``visitor``, ``agent`` or ``bot``. ``rating`` is what the vendor's scale says, ``best``
    that scale's best. ``tags`` are all that the conversation has now, or None where the event says nothing of them.
    ``id`` is made of what the vendor signs: a delivery that comes again has the same. ``sequence`` is the vendor's own
    order of what happened at one moment. ``people`` are all whom a delivery names, by the vendor's id, yours or their
    email; the store keeps them beside the event, and handlers get none.
    """

    provider: str
    kind: str
    id: str
    at: datetime
    conversation: str | None = None
    visitor: str | None = None
    email: str | None = None
    author: str | None = None
    text: str | None = None
    rating: int | None = None
    best: int | None = None
    tags: tuple[str, ...] | None = None
    raw: Raw = field(default_factory=dict, compare=False)
    sequence: int | None = None
    people: tuple[Contact, ...] = field(default=(), compare=False)


def _attributes_key(attributes: Mapping[str, Value]) -> tuple[object, ...]:
    """Types count, too: 1 and True are equal, and what was made of one would do for the other."""
    return tuple([(name, value, type(value)) for name, value in attributes.items()]) if attributes else ()


def _clean(record: Visitor | Company, names: tuple[str, ...]) -> None:
    """Make text fields well-formed text, also of numbers. For anything else raise a ``ValueError`` with its name.

    An attribute that is no plain value becomes its text, here and now: a list changes later, and cannot be a key.
    """
    kind, given = type(record).__name__, record.attributes
    if not isinstance(given, Mapping):
        raise ValueError(f"{kind}.attributes must be a mapping, not {type(given).__name__}.")
    attributes: dict[str, Value] = {}
    for key, attribute in given.items():
        plain = attribute
        if attribute is not None and not isinstance(attribute, bool | int | float):
            plain = well_formed(attribute if isinstance(attribute, str) else str(attribute))
        attributes[well_formed(str(key))] = plain
    object.__setattr__(record, "attributes", MappingProxyType(attributes))
    for name in names:
        value = getattr(record, name)
        if value is None or (type(value) is str and value.isascii()):
            continue
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise ValueError(f"{kind}.{name} must be text, not {type(value).__name__}.")
        object.__setattr__(record, name, well_formed(value))
    if not record.id:
        raise ValueError(f"{kind}.id must be text that is not empty.")
    moment: object = record.created_at
    if moment is not None and not isinstance(moment, datetime):
        raise ValueError(f"{kind}.created_at must be an aware datetime, not {type(moment).__name__}.")
    if moment is not None and moment.utcoffset() is None:
        raise ValueError(f"{kind}.created_at must be an aware datetime, for example datetime.now(timezone.utc).")

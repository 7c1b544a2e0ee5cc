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
    """The organisation that a visitor belongs to.

    Raise ``ValueError`` for an empty ``id``, a naive ``created_at``, and a ``spend`` or ``size`` that is no number, or
    below zero. What a vendor does not take is left out or cut to the vendor's limits when the page is written.
    """

    #: Your own id of the company: text that is not empty and stays the same. A whole number becomes text.
    id: str
    #: The company's name.
    name: str | None = None
    #: What it has bought, in your words: ``pro``.
    plan: str | None = None
    #: The address of its site.
    website: str | None = None
    #: When it became a customer: an aware ``datetime``.
    created_at: datetime | None = None
    #: What it pays a month, in your currency: a number of zero or more.
    spend: int | float | None = None
    #: How many people work there: a whole number of zero or more.
    size: int | None = None
    #: What it does, in your words.
    industry: str | None = None
    #: More facts by name. A value that is neither text, a number, a bool nor None becomes text.
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
    """The person who looks at the page.

    Raise ``ValueError`` for an empty ``id``, a naive ``created_at``, and a field of another type. What a vendor does
    not take is left out or cut to the vendor's limits when the page is written.
    """

    #: Your own id of the person: text that is not empty and stays the same. A whole number becomes text.
    id: str
    #: The person's email. Vendors may join people by it, see ``email_verified``.
    email: str | None = None
    #: The full name.
    name: str | None = None
    #: The phone number, as the vendor takes it: best in E.164, ``+4930123456``.
    phone: str | None = None
    #: The address of a picture of the person.
    avatar: str | None = None
    #: When the person signed up: an aware ``datetime``.
    created_at: datetime | None = None
    #: The organisation that the person belongs to.
    company: Company | None = None
    #: More facts by name. A value that is neither text, a number, a bool nor None becomes text.
    attributes: Mapping[str, Value] = field(default_factory=dict)
    #: Segments or tags of the person. What is more than ``Provider.max_segments`` is left out.
    segments: tuple[str, ...] = ()
    #: Replaces the continuity token that is derived from ``id``. Only vendors that have one use it (Crisp).
    session_token: str | None = None
    #: Whether your app knows that the email is the person's own. ``False`` leaves the email out everywhere; only
    #: ``True`` lets the email lead to what is stored under it, such as unread messages and an erasure.
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
        """The email if the app says that it is the visitor's own. It gives access to data that is stored under it."""
        return self.email if self.email_verified else None


@dataclass(frozen=True, slots=True)
class Decision:
    """What one page gets, and why. ``livechat.decide()`` returns it; you never make one."""

    #: Whether the page has chat.
    show: bool
    #: The vendor's name, such as ``crisp``; None where none is configured.
    provider: str | None
    #: When the vendor's script is loaded: ``eager``, ``idle``, ``delay:SECONDS``, ``scroll``, ``interaction``,
    #: ``visible:SELECTOR``, ``intent``, ``manual`` or ``off``.
    load: str
    #: Whether the page has a ``<link rel="preload">`` for the vendor's script.
    preload: bool
    #: ``show`` or ``hide``: whether there is chat up to 640 pixels of width.
    mobile: str
    #: ``show``, ``hide`` or ``leave-message``: what the page gets outside office hours.
    offline: str
    #: Whether the vendor gets the visitor's identity.
    identify: bool
    #: The id of a tour that starts, or None.
    tour: str | None
    #: What decided, in words: ``LIVECHAT_RULES[2] (path '/admin/*')``.
    why: str
    #: Who set each field, by the field's name. ``flask livechat explain`` prints it.
    sources: Mapping[str, str]
    #: What starts once the vendor has loaded: ``survey:7``. Either this or ``tour`` is set, never both.
    start: str | None = None
    #: Whether that starts once for a visitor: ``True`` in one browser, ``"server"`` in all, ``False`` on each view.
    once: bool | str = True
    #: ``first``: launchers open the help panel. ``off``: they open the chat.
    help: str = "off"
    #: The name of the flow that precedes a conversation, or None.
    flow: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of ``@livechat.answer``: a text, and its sources, which are articles or their paths.

    It is shown with its sources. It is not shown without a source, or with a source that was not among the articles.
    """

    #: What the visitor reads, as plain text.
    text: str
    #: The articles that the text rests on: their paths, or the articles themselves. At least one.
    sources: Sequence[Any]


# -- what the desk gives ----------------------------------------------------------------------------------------------

Raw = Mapping[str, Any]
"""The vendor's own JSON."""


@dataclass(frozen=True, slots=True, repr=False)
class Contact(_Private):
    """A person whom the vendor knows. All fields but ``raw`` count when two contacts are compared."""

    #: The vendor's id. It may be empty in a conversation with an anonymous visitor.
    id: str
    #: Your id of the person, where the vendor keeps one.
    external_id: str | None = None
    #: The email that the vendor has.
    email: str | None = None
    #: The name that the vendor has.
    name: str | None = None
    #: The phone number that the vendor has.
    phone: str | None = None
    #: When the vendor first saw the person (aware).
    created_at: datetime | None = None
    #: The custom attributes that the vendor has, by name.
    attributes: Mapping[str, Value] = field(default_factory=dict, hash=False)
    #: The vendor's own JSON.
    raw: Raw = field(default_factory=dict, compare=False)
    #: Whether the vendor says that the email is the person's own; None if it does not say.
    email_verified: bool | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Conversation(_Private):
    """A conversation at the vendor."""

    #: The vendor's id.
    id: str
    #: ``open``, ``pending``, ``snoozed`` or ``closed``.
    state: str
    #: The person it is with, as far as the answer says.
    contact: Contact | None = None
    #: Its subject, where the vendor has one.
    subject: str | None = None
    #: The vendor's id of whom it is assigned to.
    agent: str | None = None
    #: Its tags, or what the vendor calls so (segments).
    tags: tuple[str, ...] = ()
    #: When it began (aware).
    created_at: datetime | None = None
    #: When it last changed (aware).
    updated_at: datetime | None = None
    #: The vendor's own JSON.
    raw: Raw = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, repr=False)
class Message(_Private):
    """A message of a conversation."""

    #: The vendor's id.
    id: str
    #: The vendor's id of the conversation.
    conversation: str
    #: ``visitor``, ``agent`` or ``bot``.
    author: str
    #: The text, as plain text. Empty for a file.
    text: str
    #: ``text``, ``note`` (for colleagues), ``file`` or ``other``.
    kind: str = "text"
    #: The name of the author, if the vendor delivers it.
    author_name: str | None = None
    #: When it was written (aware).
    at: datetime | None = None
    #: The vendor's own JSON.
    raw: Raw = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, repr=False)
class Article(_Private):
    """A page of the vendor's help centre in one language."""

    #: The vendor's id.
    id: str
    #: Its title.
    title: str
    #: Its language, such as ``en``.
    locale: str | None = None
    #: Whether visitors can read it; None where the vendor does not say.
    published: bool | None = None
    #: The address at which visitors read it.
    url: str | None = None
    #: Its text as Markdown. A list may leave it out: None.
    body: str | None = None
    #: When it last changed (aware).
    updated_at: datetime | None = None
    #: The vendor's own JSON.
    raw: Raw = field(default_factory=dict, compare=False)
    #: The sentence below its title.
    description: str | None = None
    #: Its place, where the vendor has articles by their paths: ``billing/card-declined``.
    path: str | None = None
    #: The vendor's id of the category it is in.
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a help centre has, in few calls."""

    #: The articles in all languages, drafts among them.
    articles: tuple[Article, ...] = ()
    #: The vendor's id of a category to the titles that lead to it, the outermost first.
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class Agent(_Private):
    """A person who answers."""

    #: The vendor's id.
    id: str
    #: The name that visitors see.
    name: str | None = None
    #: The address they sign in with at the vendor.
    email: str | None = None
    #: Whether they are there now; None where the vendor was not asked.
    online: bool | None = None
    #: The vendor's own JSON.
    raw: Raw = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, repr=False)
class Team(_Private):
    """A group of agents to which a conversation can be assigned."""

    #: The vendor's id, which ``conversations.assign(team=…)`` takes.
    id: str
    #: The team's name.
    name: str | None = None
    #: The vendor's own JSON.
    raw: Raw = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, repr=False)
class LiveVisitor(_Private):
    """A visitor who is on the site now."""

    #: The vendor's id of the conversation that they have, or would have.
    id: str
    #: The name that the vendor has.
    name: str | None = None
    #: The email that the vendor has.
    email: str | None = None
    #: The address that they look at.
    page: str | None = None
    #: Whether that window is in front; None where the vendor does not say.
    active: bool | None = None
    #: The vendor's own JSON.
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
    """Something that happened in a chat, whichever vendor tells of it. Handlers and receivers of signals get it."""

    #: The vendor's name, such as ``crisp``.
    provider: str
    #: What happened: one of ``flask_livechat.model.KINDS``, such as ``message``.
    kind: str
    #: It is made of what the vendor signs: a delivery that comes again has the same.
    id: str
    #: The vendor's own moment (aware).
    at: datetime
    #: The vendor's id of the conversation.
    conversation: str | None = None
    #: Your id of the person, where the vendor has it.
    visitor: str | None = None
    #: The email in the delivery. It is not verified.
    email: str | None = None
    #: ``visitor``, ``agent`` or ``bot``; None if the event has no author.
    author: str | None = None
    #: The message or the comment, as plain text.
    text: str | None = None
    #: What the visitor gave, on the vendor's scale.
    rating: int | None = None
    #: The best that this scale has, such as 5 for stars.
    best: int | None = None
    #: All tags that the conversation has now; None where the event says nothing of them.
    tags: tuple[str, ...] | None = None
    #: The vendor's own JSON.
    raw: Raw = field(default_factory=dict, compare=False)
    #: The vendor's own order of what happened at one moment.
    sequence: int | None = None
    #: All whom the delivery names. The store keeps them beside the event, and handlers get none.
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

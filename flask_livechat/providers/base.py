"""The records that a vendor's folder is made of: its facts, its API, its webhooks."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import Any

from ..hooks import Delivery
from ..model import Conversation, Event, Inventory, Message, Value, Visitor
from ..operation import ErrorDetails, Operation, OperationSequence

Values = Mapping[str, Any]
"""A vendor's configuration by key name (``"PROPERTY_ID"``); a secret is ``Secrets``, newest first."""


class Secrets(tuple[str, ...]):
    """Secret values, newest first. Prints as a count."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} secret{'s' * (len(self) != 1)}>"


@dataclass(frozen=True, slots=True)
class Key:
    """One configuration value of a vendor: ``LIVECHAT_<VENDOR>_<name>``."""

    name: str
    pattern: str  # a regular expression that the whole value must match
    where: str  # where in the vendor's console it is found
    example: str  # passes the pattern; the sandbox runs on it
    secret: bool = False
    required: bool = False  # without it the vendor is not configured
    credential: bool = False  # no secret, but the name that goes with one
    default: str | None = None
    min_chars: int = 16  # of a secret: half of what the vendor makes, where that is known
    use: str = ""  # "region": what it is for, where no other part of the vendor's tells


@dataclass(frozen=True, slots=True)
class Signs:
    """What gives a vendor away in code that somebody wrote by hand: regular expressions, for the doctor.

    ``identifies`` and ``proven`` are read against the same script: who says who the visitor is, and with what proof.
    """

    loads: str  # its script is asked for
    calls: str  # its names in the browser
    identifies: str
    proven: str
    leaks: str  # a value that only the server should hold, in whichever group matched


@dataclass(frozen=True, slots=True)
class LiveSpec:
    """What ``doctor --live`` can read of a vendor's answers, beyond their status. Both may be missing.

    ``refusal`` takes an answer (decoded JSON) to a request with an identity, and gives the vendor's code where it
    refuses that. ``verified`` takes the app's values, ``request(method, path)`` of the vendor's API and what the vendor
    stored in the browser, and gives whether the vendor believes the identity; None where it does not say. ``spare``
    names proofs that the page holds for another case, and that are not sent beside the others.
    """

    refusal: Callable[[Any], str | None] | None = None
    verified: Callable[[Values, Callable[[str, str], Any], Mapping[str, str]], bool | None] | None = None
    spare: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Provider:
    """Facts about one vendor, and the few functions that differ between vendors.

    A capability the vendor lacks is ``None`` (or missing from ``can``).
    """

    name: str
    title: str  # as the vendor spells it
    keys: tuple[Key, ...]
    script: Callable[[Values], str]  # the address of the vendor's script
    csp: Callable[[Values], Mapping[str, tuple[str, ...]]]  # directive -> sources the vendor needs
    cookies: Callable[[Values], tuple[str, ...]]  # first-party cookies; a trailing * is any ending
    storage: Callable[[Values], tuple[str, ...]]  # localStorage keys; a trailing * is any ending
    settings: Callable[[Values], dict[str, Any]]  # public ids for the page
    # What the page says of the visitor, within the vendor's limits.
    visitor: Callable[[Values, Visitor], dict[str, Any]]
    prove: Callable[[Values, Visitor, int, int], dict[str, Any] | None]  # (…, now, life in seconds) -> proof
    attributes: Callable[[Mapping[str, Value]], dict[str, Any]]  # any mapping -> what the vendor takes
    identity: str  # the key whose secret proves who a visitor is
    elements: str  # CSS selectors of what the vendor's script puts into the page's body
    as_of: str = ""  # when these facts were last checked: "2026-11"
    domains: Callable[[Values], tuple[str, ...]] = lambda values: ()  # the vendor's own, with all their subdomains
    crossorigin: str | None = None  # of the vendor's script element
    hosts: tuple[str, ...] = ()  # origins that the vendor's script asks next: worth a connection before it runs
    article_frames: tuple[str, ...] = ()  # sources of help articles and the films in them: LIVECHAT_CSP_ARTICLES
    max_segments: int = 0  # that one visitor may have of a page
    can: frozenset[str] = field(default_factory=frozenset)  # "tour", "article", "message", "rating", "segment", …
    signs: Signs | None = None
    live: LiveSpec = LiveSpec()

    def example_values(self) -> Values:
        """Values made of the keys' own examples, as the sandbox takes them."""
        return {key.name: Secrets((key.example,)) if key.secret else key.default or key.example for key in self.keys}


@dataclass(frozen=True, slots=True)
class Handoff:
    """What a flow hands over of a visitor who has proven who they are: a note for agents, and what it is about."""

    visitor: str = field(repr=False)
    email: str | None = field(repr=False)
    note: str = field(repr=False)
    topic: str


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one group of the desk's methods (``conversations``), each of them a public method of a subclass.

    A method takes the arguments of the desk's own. It returns an ``Operation`` (of a ``Page``: the first of a list), or
    an ``OperationSequence``.
    """

    values: Values = field(repr=False)


def methods_of(**groups: type[Calls]) -> dict[str, Callable[..., Any]]:
    """The methods of an ``ApiSpec`` by name (``conversations.list``); each takes the vendor's values first."""

    def bound(group: type[Calls], make: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(make)
        def method(values: Values, *arguments: Any, **named: Any) -> Any:
            return make(group(values), *arguments, **named)

        return method

    return {
        f"{name}.{make.__name__}": bound(group, make)
        for name, group in groups.items()
        for make in vars(group).values()
        if inspect.isfunction(make) and not make.__name__.startswith("_")
    }


@dataclass(frozen=True, slots=True)
class ApiSpec:
    """A vendor's API: where it is, who we are there, and the calls that each method of the desk makes.

    A method that is missing from ``methods`` is one that the vendor cannot do.
    """

    needs: tuple[str, ...]  # names of keys without which no call can be made
    base: Callable[[Mapping[str, Any]], str]
    headers: Callable[[Mapping[str, Any]], dict[str, str]]
    unwrap: Callable[[Any], Any]  # an answer's JSON -> what ``read`` gets; raises ``ErrorInSuccessResponse``
    explain: Callable[[Any], ErrorDetails]  # the JSON of an error
    methods: Mapping[str, Callable[..., Any]]
    knows: Callable[[Visitor], bool] = lambda visitor: True  # whether there can be a contact for this visitor
    # All articles, drafts among them, in few calls, from (values, locales, since).
    inventory: Callable[[Values, Sequence[str], datetime | None], OperationSequence[Inventory]] | None = None
    # Writes into a conversation that of some handoffs whose visitor it is, and gives that one: who it is, the vendor
    # must vouch for. To do so twice changes nothing.
    hand_over: Callable[[Values, str, Sequence[Handoff]], OperationSequence[Handoff | None]] | None = None


@dataclass(frozen=True, slots=True)
class File:
    """An attachment, at the vendor."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Details:
    """What a delivery says beside its event, for those who read the conversation.

    ``author`` is the name of whoever wrote, ``author_id`` the vendor's id of an agent who wrote. ``pages`` are
    addresses that the visitor has been at, ``attributes`` what the page's context says. ``handling`` has any of
    ``agent`` (the vendor's id of an agent, ``team:`` and that of a team, or None), ``agent_name``, ``snoozed_until``
    (aware, or None) and ``verified`` (whether the vendor vouches for the visitor), and only those of which the
    delivery speaks.
    """

    author: str | None = None
    author_id: str | None = None
    files: tuple[File, ...] = ()
    pages: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    handling: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WebhookSpec:
    """A vendor's webhooks.

    ``secrets``: keys of which one at least must be configured. ``verify`` answers, whatever it is given. ``parse`` is
    asked for verified bytes alone. For what is not the vendor's shape it raises ``ValueError``, ``KeyError``,
    ``TypeError`` or ``AttributeError``; it gives no event for what is not this account's. ``sent_at``: when the vendor
    says it was sent, for a freshness window; None where it does not. ``sign(secret, body, now)`` gives the headers that
    the vendor would send; it signs by the first of ``secrets``. ``details`` reads the rest of what is stored of an
    event; whatever it is given, it does not raise. ``event_id``: which id the event has that tells of a message of the
    desk's; None where that is not known.
    """

    secrets: tuple[str, ...]
    verify: Callable[[Mapping[str, Any], Delivery], bool]
    parse: Callable[[Mapping[str, Any], Delivery], Sequence[Event]]
    sign: Callable[[str, bytes, datetime], dict[str, str]]
    sent_at: Callable[[Delivery], datetime | None] = lambda delivery: None
    details: Callable[[Event], Details] = lambda event: Details()
    event_id: Callable[[Message], str | None] = lambda message: None


@dataclass(frozen=True, slots=True)
class HistorySpec:
    """How a vendor's past conversations become the deliveries that its webhooks would have made.

    ``fetch`` gets all that the API tells of a conversation out of ``conversations.list``, and the two others take that.
    ``deliveries``: what happened, in the bodies of webhooks. ``latest``: how the conversation is now, where the API
    does not tell when it became so; what the store knows already is left out. ``workspace`` is the key of the
    workspace's id, and the call that tells it of the credentials. ``lacks``: what webhooks tell and the API does not.
    """

    fetch: Callable[[Values, Conversation], OperationSequence[Any]]
    deliveries: Callable[[Values, Any], Iterator[dict[str, Any]]]
    latest: Callable[[Values, Any, datetime], Iterator[dict[str, Any]]]
    workspace: tuple[str, Operation[str | None]] | None = None
    lacks: tuple[str, ...] = ()

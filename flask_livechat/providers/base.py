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

    #: What follows ``LIVECHAT_<VENDOR>_``, in capitals: ``WEBSITE_ID``.
    name: str
    #: A regular expression that the whole value must match.
    pattern: str
    #: Where the value is found in the vendor's console.
    where: str
    #: A value that passes the pattern. The sandbox runs on it.
    example: str
    #: Whether it must never reach a browser, a log or an error.
    secret: bool = False
    #: Whether the vendor counts as configured only with it.
    required: bool = False
    #: Whether it is no secret, but the name that goes with one.
    credential: bool = False
    #: The value without the setting.
    default: str | None = None
    #: The least length of a secret in characters: half of what the vendor makes, where that is known.
    min_chars: int = 16
    #: ``region``, or empty: what it is for, where no other part of the vendor's tells.
    use: str = ""


@dataclass(frozen=True, slots=True)
class Signs:
    """What reveals a vendor in code that was written by hand, as regular expressions for the doctor.

    ``identifies`` and ``proven`` are read against the same script.
    """

    #: The vendor's script is asked for.
    loads: str
    #: The vendor's names in the browser.
    calls: str
    #: The code says who the visitor is.
    identifies: str
    #: The code gives a proof of that.
    proven: str
    #: A value that only the server should hold, in whichever group matches.
    leaks: str


@dataclass(frozen=True, slots=True)
class LiveSpec:
    """What ``doctor --live`` can read of a vendor's answers, beyond their status."""

    #: Takes an answer (decoded JSON) to a request with an identity. Gives the vendor's code where it refuses that, else
    #: None.
    refusal: Callable[[Any], str | None] | None = None
    #: Takes the app's values, ``request(method, path)`` of the vendor's API and what the vendor stored in the browser.
    #: Gives whether the vendor believes the identity; None where it does not say.
    verified: Callable[[Values, Callable[[str, str], Any], Mapping[str, str]], bool | None] | None = None
    #: Names of proofs that the page holds for another case, and that are not sent beside the others.
    spare: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Provider:
    """Facts about one vendor, and the few functions that differ between vendors.

    A capability the vendor lacks is ``None`` (or missing from ``can``). ``Values`` are the app's settings of the vendor
    by key name (``"WEBSITE_ID"``); a secret is a tuple, newest first.
    """

    #: The folder's name, in small letters. Settings begin with ``LIVECHAT_`` and this in capitals.
    name: str
    #: The name as the vendor spells it.
    title: str
    #: The vendor's settings.
    keys: tuple[Key, ...]
    #: The address of the vendor's script, from the values.
    script: Callable[[Values], str]
    #: What the vendor needs in a Content-Security-Policy, from the values: sources by directive.
    csp: Callable[[Values], Mapping[str, tuple[str, ...]]]
    #: Names of the first-party cookies that the vendor sets, from the values. A trailing ``*`` is any ending. A logout
    #: removes them.
    cookies: Callable[[Values], tuple[str, ...]]
    #: Keys that the vendor stores in the browser, from the values. A trailing ``*`` is any ending. A logout removes
    #: them.
    storage: Callable[[Values], tuple[str, ...]]
    #: Public ids that the page tells the vendor's adapter, from the values. No secret.
    settings: Callable[[Values], dict[str, Any]]
    #: What the page says of the visitor, from the values, within the vendor's limits. It leaves out what does not fit,
    #: and does not raise.
    visitor: Callable[[Values, Visitor], dict[str, Any]]
    #: The proof of who the visitor is, from the values, the visitor, now (Unix seconds) and the life of a token in
    #: seconds. None without the secret.
    prove: Callable[[Values, Visitor, int, int], dict[str, Any] | None]
    #: What the vendor takes of a mapping of attributes. It leaves out what does not fit, and does not raise.
    attributes: Callable[[Mapping[str, Value]], dict[str, Any]]
    #: The name of the key whose secret proves who a visitor is.
    identity: str
    #: CSS selectors of what the vendor's script puts into the page's body.
    elements: str
    #: What of the visitor the proof is made over: ``id``, ``email``, or both where either is enough.
    proves: tuple[str, ...] = ("id",)
    #: The month in which these facts were last checked: ``2026-11``.
    as_of: str = ""
    #: The vendor's own domains, from the values, with all their subdomains.
    domains: Callable[[Values], tuple[str, ...]] = lambda values: ()
    #: The ``crossorigin`` of the vendor's script element; None for no attribute.
    crossorigin: str | None = None
    #: Origins that the vendor's script asks next: worth a connection before it runs.
    hosts: tuple[str, ...] = ()
    #: Sources of help articles and of the films in them: ``LIVECHAT_CSP_ARTICLES`` adds them.
    article_frames: tuple[str, ...] = ()
    #: How many segments one visitor may have of a page. 0: the vendor has none.
    max_segments: int = 0
    #: What the vendor can: ``tour``, ``article``, ``message``, ``rating``, ``segment``, …
    can: frozenset[str] = field(default_factory=frozenset)
    #: What reveals the vendor in code that was written by hand.
    signs: Signs | None = None
    #: What ``doctor --live`` can read of the vendor's answers.
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

    #: Names of keys without which no call can be made.
    needs: tuple[str, ...]
    #: The address before each path, from the values.
    base: Callable[[Mapping[str, Any]], str]
    #: Headers of each request, from the values: who we are.
    headers: Callable[[Mapping[str, Any]], dict[str, str]]
    #: Takes an answer's JSON, and gives what ``Operation.read`` gets. Raises ``ErrorInSuccessResponse``.
    unwrap: Callable[[Any], Any]
    #: Takes the JSON of an error, of any shape, and says what it means. It does not raise.
    explain: Callable[[Any], ErrorDetails]
    #: What makes the calls, by the desk's method: ``conversations.list``. The values come first.
    methods: Mapping[str, Callable[..., Any]]
    #: Whether there can be a contact for this visitor.
    knows: Callable[[Visitor], bool] = lambda visitor: True
    #: All articles, drafts among them, in few calls, from the values, the locales, and the moment since which bodies
    #: are wanted. None: the vendor cannot.
    inventory: Callable[[Values, Sequence[str], datetime | None], OperationSequence[Inventory]] | None = None
    #: Writes into a conversation that of some handoffs whose visitor it is, and gives that one: who it is, the vendor
    #: must vouch for. To do so twice changes nothing. None: the vendor cannot.
    hand_over: Callable[[Values, str, Sequence[Handoff]], OperationSequence[Handoff | None]] | None = None


@dataclass(frozen=True, slots=True)
class File:
    """An attachment, at the vendor."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Details:
    """What a delivery says beside its event, for those who read the conversation.

    ``author`` is the name of the writer, ``author_id`` the vendor's id of an agent who wrote. ``pages`` are
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
    """A vendor's webhooks."""

    #: Names of keys of which at least one must be configured.
    secrets: tuple[str, ...]
    #: Whether the vendor signed the delivery, from the values. It does not raise for any bytes.
    verify: Callable[[Mapping[str, Any], Delivery], bool]
    #: The events of a verified delivery, from the values; none for what is not this account's. For what is not the
    #: vendor's shape it raises ``ValueError``, ``KeyError``, ``TypeError`` or ``AttributeError``.
    parse: Callable[[Mapping[str, Any], Delivery], Sequence[Event]]
    #: The headers that the vendor would send, from a secret, the body and the moment. It signs by the first of
    #: ``secrets``.
    sign: Callable[[str, bytes, datetime], dict[str, str]]
    #: When the vendor says that it sent the delivery (aware), for a freshness window; None where it does not say.
    sent_at: Callable[[Delivery], datetime | None] = lambda delivery: None
    #: The rest of what is stored of an event. It does not raise for any event.
    details: Callable[[Event], Details] = lambda event: Details()
    #: The id of the event that tells of a message of the desk's; None where that is not known.
    event_id: Callable[[Message], str | None] = lambda message: None


@dataclass(frozen=True, slots=True)
class HistorySpec:
    """How a vendor's past conversations become the deliveries that its webhooks would have made."""

    #: All that the API tells of a conversation out of ``conversations.list``, from the values. The next two functions
    #: take its result.
    fetch: Callable[[Values, Conversation], OperationSequence[Any]]
    #: What happened, in the bodies of webhooks.
    deliveries: Callable[[Values, Any], Iterator[dict[str, Any]]]
    #: How the conversation is now, where the API does not tell when it became so. What the store knows already is left
    #: out.
    latest: Callable[[Values, Any, datetime], Iterator[dict[str, Any]]]
    #: The key of the workspace's id, and the call that tells it of the credentials. None: it is not checked.
    workspace: tuple[str, Operation[str | None]] | None = None
    #: What webhooks tell and the API does not, in words for people.
    lacks: tuple[str, ...] = ()

"""One interface for all vendors: ``livechat.desk().conversations.reply(id, text)``, whichever vendor it is.

Every method raises ``Unsupported`` where the vendor cannot do it, ``ApiError`` (``NotFound``, ``RateLimited``, …) where
a call fails, and ``ValueError`` for what no vendor could take: an empty text, a moment without a time zone, an id that
is none. Lists are lazy: a page is asked for when it is wanted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from types import GeneratorType
from typing import Any, Literal, get_args, overload

from .. import providers
from ..errors import ConfigError, Conflict, Problem, Unsupported
from ..model import (
    Agent,
    Article,
    Contact,
    Conversation,
    Inventory,
    LiveVisitor,
    Message,
    Team,
    Value,
    Visitor,
)
from ..operation import Operation, OperationSequence
from ..providers import Secrets, Values
from ..providers.base import Handoff
from .http import Client, Pool, RequestExecutor, Vendor
from .outreach import NOT_SENT, Outreach
from .retry import DEADLINE_S, budget_of

State = Literal["open", "pending", "snoozed", "closed"]
Author = Literal["visitor", "agent"]
POOL = Pool()


class BaseDesk:
    """The common part of ``Desk`` and ``AsyncDesk``."""

    def __init__(self, vendor: Vendor, clock: Callable[[], datetime], outreach: Outreach | None) -> None:
        self.provider = vendor.name
        self._vendor, self._clock, self._outreach = vendor, clock, outreach or Outreach()

    def can(self, method: str) -> bool:
        """Whether the vendor supports a method: ``desk.can("conversations.snooze")``.

        Raise ``ValueError`` for a name that is not a method of the desk.
        """
        if method not in METHODS:
            close = get_close_matches(str(method), METHODS, 1)
            hint = f'Did you mean "{close[0]}"?' if close else 'Its names look like "conversations.snooze".'
            raise ValueError(f"{method!r} is not a method of the desk. {hint}")
        return method in self._vendor.api.methods or method == "raw.request"

    def _call(self, method: str, *arguments: Any, **named: Any) -> Any:
        """Return the vendor's operation for a method, or its sequence of several."""
        make: Callable[..., Any] | None = self._vendor.api.methods.get(method)
        if make is None:
            raise Unsupported(providers.load(self.provider).title, method)
        return make(self._vendor.values, *arguments, **named)


class Desk(BaseDesk):
    """One vendor's conversations, contacts, articles and agents. Safe to share between threads."""

    def __init__(
        self, vendor: Vendor, client: Client, clock: Callable[[], datetime], outreach: Outreach | None = None
    ) -> None:
        super().__init__(vendor, clock, outreach)
        self._client = client
        self.conversations = Conversations(self)
        self.contacts = Contacts(self)
        self.articles = Articles(self)
        self.agents = Agents(self)
        self.visitors = Visitors(self)
        self.raw = RawCalls(self)

    def inventory(self, locales: Iterable[str] = (), since: datetime | None = None) -> Inventory:
        """Return all articles in as few calls as the vendor allows, drafts among them, for ``flask livechat articles``.

        Where bodies cost a call each, those alone have one that have changed at ``since`` (aware) or later.
        """
        take_stock = self._vendor.api.inventory
        if take_stock is None:
            raise Unsupported(providers.load(self.provider).title, "articles.plan")
        stock: Inventory = self._client.run(take_stock(self._vendor.values, tuple(locales), moment_of("since", since)))
        return stock

    def hand_over(self, id: str, handoffs: Sequence[Handoff]) -> Handoff | None:
        """Write into a conversation what a flow hands over: of ``handoffs`` that of the visitor who began it.

        Return that one; None where the vendor vouches for none of them. Agents get one note, however often it is done.
        """
        write = self._vendor.api.hand_over
        if write is None:
            raise Unsupported(providers.load(self.provider).title, "flows.hand_over")
        result: Handoff | None = self._client.run(write(self._vendor.values, id, tuple(handoffs)))
        return result

    def _do(self, method: str, *arguments: Any, **named: Any) -> Any:
        call = self._call(method, *arguments, **named)
        return self._client.run(call) if isinstance(call, GeneratorType) else self._client.send(call)

    def _items(self, method: str, *arguments: Any, **named: Any) -> Iterator[Any]:
        call = self._call(method, *arguments, **named)
        return self._client.items(call) if isinstance(call, Operation) else self._items_of(call)

    def _items_of(self, sequence: OperationSequence[Any]) -> Iterator[Any]:
        """Run the sequence when the first item is wanted, as a page is asked for."""
        yield from self._client.run(sequence)


class _Group:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk


class Conversations(_Group):
    """The conversations of visitors and agents."""

    def list(self, state: State | None = None, since: datetime | None = None) -> Iterator[Conversation]:
        """Yield conversations, newest change first: those in ``state``, and changed at ``since`` (aware) or later.

        If the vendor does not have that state, there are none.
        """
        return self._desk._items("conversations.list", state=state_of(state), since=moment_of("since", since))

    def search(self, text: str) -> Iterator[Conversation]:
        """Yield the conversations that contain ``text``, as far as the vendor's search finds them."""
        return self._desk._items("conversations.search", text_of(text))

    def get(self, id: str) -> Conversation:
        """Return a conversation, by its id."""
        return self._desk._do("conversations.get", id)

    def messages(self, id: str) -> Iterator[Message]:
        """Yield the messages in the order in which they were written."""
        return self._desk._items("conversations.messages", id)

    @overload
    def start(self, visitor: Visitor, text: str, author: Literal["visitor"] = "visitor") -> Conversation: ...

    @overload
    def start(self, visitor: Visitor, text: str, author: Literal["agent"]) -> Conversation | None: ...

    def start(self, visitor: Visitor, text: str, author: Author = "visitor") -> Conversation | None:
        """Start a conversation in which ``visitor`` writes ``text``, and return it.

        With ``author="agent"`` the team writes first. Return None if the vendor creates the conversation only when the
        visitor answers. Raise ``TooOften`` if the team has started ``LIVECHAT_OUTREACH`` conversations with the visitor
        within 24 hours.
        """
        call = ("conversations.start", visitor, text_of(text), author_of(author))
        if author == "visitor":
            return self._desk._do(*call)
        take_back = self._desk._outreach.claim(visitor.id, self._desk._clock())
        try:
            return self._desk._do(*call)
        except NOT_SENT:
            take_back()
            raise

    def reply(self, id: str, text: str, seen: str | None = None) -> Message:
        """Write as an agent. The visitor reads the text.

        ``seen`` is the id of the last message that the author has read. If there is a newer message, nothing is sent,
        and ``Conflict`` is raised.
        """
        if seen is not None:
            check_seen(self._desk.provider, seen, [message.id for message in self.messages(id)])
        return self._desk._do("conversations.reply", id, text_of(text))

    def note(self, id: str, text: str) -> Message:
        """Write a note for agents. The visitor does not read it."""
        return self._desk._do("conversations.note", id, text_of(text))

    def close(self, id: str) -> None:
        """Set the state to ``closed``."""
        self._desk._do("conversations.close", id)

    def reopen(self, id: str) -> None:
        """Set the state to ``open``."""
        self._desk._do("conversations.reopen", id)

    def assign(self, id: str, agent: str | None = None, team: str | None = None) -> None:
        """Assign it to an agent or to a team, by the id from ``agents.list()`` or ``agents.teams()``."""
        self._desk._do("conversations.assign", id, **assignee_of(agent, team))

    def snooze(self, id: str, until: datetime) -> None:
        """Snooze it until a time (aware)."""
        self._desk._do("conversations.snooze", id, moment_of("until", until))

    def tag(self, id: str, *tags: str) -> None:
        """Add tags. Existing tags stay."""
        self._desk._do("conversations.tag", id, *map(text_of, tags))

    def untag(self, id: str, *tags: str) -> None:
        """Remove tags."""
        self._desk._do("conversations.untag", id, *map(text_of, tags))


class Contacts(_Group):
    """The contacts: people whom the vendor knows."""

    def upsert(self, visitor: Visitor) -> Contact:
        """Find or create the contact of this visitor, and update it with the visitor's fields."""
        return self._desk._do("contacts.upsert", visitor)

    def find(self, id: str | None = None, email: str | None = None) -> Contact | None:
        """Find a contact by the id or by the email. Return None if the vendor has none."""
        return self._desk._do("contacts.find", **key_of(id, email))

    def find_all(self, id: str | None = None, email: str | None = None) -> Iterator[Contact]:
        """Yield all contacts with the id or with the email: several may share an email."""
        return self._desk._items("contacts.find_all", **key_of(id, email))

    def conversations(self, id: str) -> Iterator[Conversation]:
        """Yield the conversations of a contact."""
        return self._desk._items("contacts.conversations", id)

    def event(
        self, id: str, name: str, metadata: Mapping[str, Value] | None = None, at: datetime | None = None
    ) -> None:
        """Record an event of the contact, now or at a time (aware) if the vendor accepts one."""
        when = moment_of("at", at) or self._desk._clock()
        self._desk._do("contacts.event", id, text_of(name), metadata or {}, at=when)

    def forget(self, id: str) -> None:
        """Delete the contact at the vendor, and what the vendor deletes with it."""
        self._desk._do("contacts.forget", id)


class Articles(_Group):
    """The help centre. Bodies are Markdown. Without ``locale`` a method works on the article's first language.

    ``category`` is a title, or titles by their paths, the outermost first: ``{"billing": "Billing"}``.
    """

    def list(self, locale: str | None = None) -> Iterator[Article]:
        """Yield all articles, or those in one language."""
        return self._desk._items("articles.list", locale)

    def search(self, text: str) -> Iterator[Article]:
        """Yield the articles that the vendor's search finds."""
        return self._desk._items("articles.search", text_of(text))

    def get(self, id: str, locale: str | None = None) -> Article:
        """Return an article, with its body."""
        return self._desk._do("articles.get", id, locale)

    def create(
        self,
        title: str,
        body: str,
        *,
        locale: str | None = None,
        category: str | Mapping[str, str] | None = None,
        description: str | None = None,
        slug: str | None = None,
        translates: str | None = None,
    ) -> Article:
        """Create a draft. Visitors cannot read it until it is published.

        ``slug`` is the last part of its address, if the vendor lets us choose it. ``translates`` is the id of the same
        article in another language. If the vendor keeps all languages under one id, the result has that id, too.
        """
        more = {"locale": locale, "category": category, "description": description}
        return self._desk._do("articles.create", text_of(title), body, slug=slug, translates=translates, **more)

    def update(
        self,
        id: str,
        title: str | None = None,
        body: str | None = None,
        *,
        locale: str | None = None,
        category: str | Mapping[str, str] | None = None,
        description: str | None = None,
    ) -> Article:
        """Change the given fields. Raise ``ValueError`` if the vendor cannot move the article to a category."""
        more = {"locale": locale, "category": category, "description": description}
        return self._desk._do("articles.update", id, title, body, **more)

    def publish(self, id: str, locale: str | None = None) -> Article:
        """Publish it, so that visitors can read it."""
        return self._desk._do("articles.publish", id, locale)

    def unpublish(self, id: str, locale: str | None = None) -> Article:
        """Make it a draft again."""
        return self._desk._do("articles.unpublish", id, locale)

    def delete(self, id: str) -> None:
        """Delete it permanently, in all languages that it has under this id."""
        self._desk._do("articles.delete", id)


class Agents(_Group):
    """The agents and teams who answer."""

    def list(self) -> Iterator[Agent]:
        """Yield the agents. Their ids are for ``conversations.assign``."""
        return self._desk._items("agents.list")

    def teams(self) -> Iterator[Team]:
        """Yield the teams. Their ids are for ``conversations.assign`` as ``team``."""
        return self._desk._items("agents.teams")

    def availability(self) -> str:
        """Return whether an agent is there to answer: ``online``, ``away`` or ``offline``."""
        return self._desk._do("agents.availability")


class Visitors(_Group):
    """The visitors who are on the site."""

    def list(self) -> Iterator[LiveVisitor]:
        """Yield the visitors who are on the site now, whether they write or not."""
        return self._desk._items("visitors.list")


class RawCalls(_Group):
    """Calls for which the desk has no method."""

    def request(self, method: str, path: str, json: Any = None) -> Any:
        """Call the vendor's API, with the same credentials, retries and errors. Return the content of the answer.

        ``path`` is written as in the vendor's documentation, ``/v1/website/…``, with each part of it encoded. Raise
        ``ValueError`` for an invalid method or path.
        """
        return self._desk._client.send(raw_operation(method, path, json))


GROUPS: Mapping[str, type[_Group]] = {
    "conversations": Conversations,
    "contacts": Contacts,
    "articles": Articles,
    "agents": Agents,
    "visitors": Visitors,
    "raw": RawCalls,
}
METHODS = frozenset(f"{group}.{name}" for group, kind in GROUPS.items() for name in vars(kind) if name[0] != "_")


def raw_operation(method: str, path: str, json: Any) -> Operation[Any]:
    way_up = any(part in (".", "..") for part in path.partition("?")[0].split("/"))
    is_address = re.fullmatch(r"/(?!/)[A-Za-z0-9/_.~!$&'()*+,;=:@%?-]*", path)
    if not is_address or way_up or not method.isalpha():
        raise ValueError('a method and a path are needed, such as "GET" and "/v1/website/…", each part encoded')
    return Operation(method.upper(), path, lambda data: data, json=json)


def open_desk(
    name: str,
    values: Values,
    clock: Callable[[], datetime],
    pool: Pool = POOL,
    base: str | None = None,
    deadline: float = DEADLINE_S,
    outreach: Outreach | None = None,
) -> Desk:
    """Open a desk over one vendor's API.

    ``clock`` gives aware moments. ``base`` is where the API is, if not at the vendor's. ``deadline`` is in seconds, for
    a call with all its repetitions. Without ``outreach`` the desk counts for itself how often the team begins.

    Raise ``ConfigError`` where a key is missing, ``Unsupported`` for a vendor without an API.
    """
    executor = executor_of(name, values, base, deadline, pool.app)
    return Desk(executor.vendor, Client(executor, pool), clock, outreach)


def executor_of(
    name: str, values: Values, base: str | None, deadline: float, app: Callable[..., Any] | None
) -> RequestExecutor:
    """Check what a desk needs, and make what carries out its calls."""
    api = providers.api(name)
    if api is None:
        raise Unsupported(providers.load(name).title, "desk")
    keys = {key.name: key for key in providers.load(name).keys}
    missing = [keys[key] for key in api.needs if not values.get(key)]
    if missing:
        prefix = f"LIVECHAT_{name.upper()}_"
        raise ConfigError([Problem("LC103", prefix + key.name, "is needed for the desk", key.where) for key in missing])
    vendor = Vendor(name, api, values, base or api.base(values))
    credentials = tuple(secret for value in values.values() if isinstance(value, Secrets) for secret in value)
    encoded = vendor.headers().get("Authorization", "").partition(" ")[2]  # as the header has them
    redacted = (*filter(None, [encoded]), *credentials)
    return RequestExecutor(vendor, redacted, deadline, budget=budget_of(vendor.base, credentials, app))


def check_seen(provider: str, seen: str, written: Sequence[str]) -> None:
    """Raise ``Conflict`` unless the last of the messages is the one that was seen."""
    if not written or written[-1] != seen:
        title = providers.load(provider).title
        raise Conflict("somebody has written in the meantime", provider=title, call="conversations.reply")


def text_of(text: str | None) -> str:
    if not isinstance(text, str) or not text.strip():
        raise ValueError("a text is needed, and it must not be empty")
    return text


def key_of(id: str | None, email: str | None) -> dict[str, str | None]:
    if (id is None) == (email is None):
        raise ValueError("contacts.find takes an id or an email.")
    return {"id": id, "email": email}


def assignee_of(agent: str | None, team: str | None) -> dict[str, str]:
    if (agent is None) == (team is None):
        raise ValueError("conversations.assign takes an agent or a team.")
    return {"agent": text_of(agent)} if agent is not None else {"team": text_of(team)}


def author_of(author: str) -> str:
    if author not in get_args(Author):
        raise ValueError(f"{author!r} is not an author; the authors are {', '.join(get_args(Author))}")
    return author


def state_of(state: str | None) -> str | None:
    if state not in (None, *get_args(State)):
        raise ValueError(f"{state!r} is not a state; the states are {', '.join(get_args(State))}")
    return state


def moment_of(name: str, moment: datetime | None) -> datetime | None:
    if moment is not None and (not isinstance(moment, datetime) or moment.utcoffset() is None):
        raise ValueError(f"{name} must be an aware datetime, for example datetime.now(timezone.utc).")
    return moment

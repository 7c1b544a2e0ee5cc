"""The vendor-neutral face: ``livechat.desk().conversations.reply(id, text)``, whichever vendor it is.

Every method raises ``Unsupported`` where the vendor cannot do it, ``ApiError`` (``NotFound``, ``RateLimited``, …) where
a call fails, and ``ValueError`` for what no vendor could take: an empty text, a moment without a time zone, an id that
is none. Lists are lazy: a page is asked for when it is wanted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import GeneratorType
from typing import Any, Literal, get_args

from .. import providers
from ..errors import ConfigError, Problem, Unsupported
from ..model import Agent, Article, Contact, Conversation, Message, Value, Visitor
from ..operation import DeskRoom, Explanation, Operation, Steps
from ..providers import Secrets, Values
from .budget import budget_of
from .rest import DEADLINE, Client, Performer, Pool

State = Literal["open", "pending", "snoozed", "closed"]
POOL = Pool()
RAW = re.compile(r"/(?!/)[A-Za-z0-9/_.~!$&'()*+,;=:@%?-]*")  # the characters of an address


@dataclass(frozen=True)
class Vendor:
    """A room with an app's values for it: what the performer asks about the API as a whole."""

    name: str
    room: DeskRoom = field(repr=False)
    values: Values = field(repr=False)
    base: str

    def headers(self) -> dict[str, str]:
        return self.room.headers(self.values)

    def unwrap(self, said: Any) -> Any:
        return self.room.unwrap(said)

    def explain(self, said: Any) -> Explanation:
        return self.room.explain(said)


class Face:
    """What both ways of calling share."""

    def __init__(self, vendor: Vendor, clock: Callable[[], datetime]) -> None:
        self.provider = vendor.name
        self._vendor, self._clock = vendor, clock

    def can(self, method: str) -> bool:
        """Whether the vendor can do it: ``desk.can("conversations.snooze")``."""
        return method in self._vendor.room.methods

    def _made(self, method: str, *arguments: Any, **named: Any) -> Any:
        """What the room makes of a call: an operation, or several."""
        make: Callable[..., Any] | None = self._vendor.room.methods.get(method)
        if make is None:
            raise Unsupported(providers.load(self.provider).title, method)
        return make(self._vendor.values, *arguments, **named)


class Desk(Face):
    """One vendor's conversations, contacts, articles and agents. Safe to share between threads."""

    def __init__(self, vendor: Vendor, client: Client, clock: Callable[[], datetime]) -> None:
        super().__init__(vendor, clock)
        self._client = client
        self.conversations = Conversations(self)
        self.contacts = Contacts(self)
        self.articles = Articles(self)
        self.agents = Agents(self)
        self.raw = RawCalls(self)

    def _do(self, method: str, *arguments: Any, **named: Any) -> Any:
        made = self._made(method, *arguments, **named)
        return self._client.run(made) if isinstance(made, GeneratorType) else self._client.send(made)

    def _each(self, method: str, *arguments: Any, **named: Any) -> Iterator[Any]:
        made = self._made(method, *arguments, **named)
        return self._client.each(made) if isinstance(made, Operation) else self._gathered(made)

    def _gathered(self, steps: Steps[Any]) -> Iterator[Any]:
        """Asked for when the first item is wanted, as a page is."""
        yield from self._client.run(steps)


class _Group:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk


class Conversations(_Group):
    """What visitors and agents say to each other."""

    def list(self, state: State | None = None, since: datetime | None = None) -> Iterator[Conversation]:
        """Newest first, by their last change; those in ``state``, and changed at ``since`` (aware) or later.

        In a state that the vendor does not have there are none.
        """
        return self._desk._each("conversations.list", state=state_of(state), since=moment_of("since", since))

    def search(self, text: str) -> Iterator[Conversation]:
        """Those with ``text`` in them, as far as the vendor's search goes."""
        return self._desk._each("conversations.search", text_of(text))

    def get(self, id: str) -> Conversation:
        """One, by its id."""
        found: Conversation = self._desk._do("conversations.get", id)
        return found

    def messages(self, id: str) -> Iterator[Message]:
        """In the order in which they were said."""
        return self._desk._each("conversations.messages", id)

    def start(self, visitor: Visitor, text: str) -> Conversation:
        """A new conversation, begun by ``visitor`` with ``text``."""
        made: Conversation = self._desk._do("conversations.start", visitor, text_of(text))
        return made

    def reply(self, id: str, text: str) -> Message:
        """As an agent; the visitor reads it."""
        said: Message = self._desk._do("conversations.reply", id, text_of(text))
        return said

    def note(self, id: str, text: str) -> Message:
        """For agents; the visitor does not read it."""
        said: Message = self._desk._do("conversations.note", id, text_of(text))
        return said

    def close(self, id: str) -> None:
        """From now on its state is ``closed``."""
        self._desk._do("conversations.close", id)

    def reopen(self, id: str) -> None:
        """From now on its state is ``open``."""
        self._desk._do("conversations.reopen", id)

    def assign(self, id: str, agent: str) -> None:
        """To an agent, by the id that ``agents.list()`` gives."""
        self._desk._do("conversations.assign", id, text_of(agent))

    def snooze(self, id: str, until: datetime) -> None:
        """Until a moment (aware)."""
        self._desk._do("conversations.snooze", id, moment_of("until", until))

    def tag(self, id: str, *tags: str) -> None:
        """Adds tags; one that is there stays."""
        self._desk._do("conversations.tag", id, *map(text_of, tags))

    def untag(self, id: str, *tags: str) -> None:
        """Takes tags away."""
        self._desk._do("conversations.untag", id, *map(text_of, tags))


class Contacts(_Group):
    """The people whom the vendor knows."""

    def upsert(self, visitor: Visitor) -> Contact:
        """The contact of this visitor, found or made, with what the visitor says."""
        found: Contact = self._desk._do("contacts.upsert", visitor)
        return found

    def find(self, id: str | None = None, email: str | None = None) -> Contact | None:
        """By one of the two. None where the vendor knows nobody."""
        found: Contact | None = self._desk._do("contacts.find", **key_of(id, email))
        return found

    def find_all(self, id: str | None = None, email: str | None = None) -> Iterator[Contact]:
        """All whom the vendor has by one of the two: several may share an address."""
        return self._desk._each("contacts.find_all", **key_of(id, email))

    def conversations(self, id: str) -> Iterator[Conversation]:
        """Of one contact."""
        return self._desk._each("contacts.conversations", id)

    def event(
        self, id: str, name: str, metadata: Mapping[str, Value] | None = None, at: datetime | None = None
    ) -> None:
        """Something that the contact did, now or at a moment (aware), where the vendor takes one."""
        when = moment_of("at", at) or self._desk._clock()
        self._desk._do("contacts.event", id, text_of(name), metadata or {}, at=when)

    def forget(self, id: str) -> None:
        """Deletes the contact at the vendor, and what the vendor deletes with it."""
        self._desk._do("contacts.forget", id)


class Articles(_Group):
    """The help centre. A body is in the vendor's own format, HTML as a rule."""

    def list(self, locale: str | None = None) -> Iterator[Article]:
        """All of them; in one language, if it is said."""
        return self._desk._each("articles.list", locale)

    def search(self, text: str) -> Iterator[Article]:
        """Those that the vendor's search finds."""
        return self._desk._each("articles.search", text_of(text))

    def get(self, id: str) -> Article:
        """One, with its body."""
        found: Article = self._desk._do("articles.get", id)
        return found

    def create(self, title: str, body: str) -> Article:
        """A draft: nobody reads it until it is published."""
        made: Article = self._desk._do("articles.create", text_of(title), body)
        return made

    def update(self, id: str, title: str | None = None, body: str | None = None) -> Article:
        """Changes what is given, and leaves the rest."""
        changed: Article = self._desk._do("articles.update", id, title, body)
        return changed

    def publish(self, id: str) -> Article:
        """From now on visitors can read it."""
        changed: Article = self._desk._do("articles.publish", id)
        return changed

    def unpublish(self, id: str) -> Article:
        """A draft again."""
        changed: Article = self._desk._do("articles.unpublish", id)
        return changed

    def delete(self, id: str) -> None:
        """For good."""
        self._desk._do("articles.delete", id)


class Agents(_Group):
    """Those who answer."""

    def list(self) -> Iterator[Agent]:
        """Their ids are what ``conversations.assign`` takes."""
        return self._desk._each("agents.list")

    def availability(self) -> str:
        """``online``, ``away`` or ``offline``: whether somebody would answer now."""
        said: str = self._desk._do("agents.availability")
        return said


class RawCalls(_Group):
    """What the desk has no method for."""

    def request(self, method: str, path: str, json: Any = None) -> Any:
        """Any call of the vendor's API, with the same credentials, retries and errors. Gives what its answer holds.

        ``path`` as the vendor writes it, ``/v1/website/…``, with each part of it encoded. Raises ``ValueError`` for
        another one.
        """
        return self._desk._client.send(raw_operation(method, path, json))


def raw_operation(method: str, path: str, json: Any) -> Operation[Any]:
    way_up = any(part in (".", "..") for part in path.partition("?")[0].split("/"))
    if not RAW.fullmatch(path) or way_up or not method.isalpha():
        raise ValueError('a method and a path are needed, such as "GET" and "/v1/website/…", each part encoded')
    return Operation(method.upper(), path, lambda data: data, json=json)


def open_desk(
    name: str,
    values: Values,
    clock: Callable[[], datetime],
    pool: Pool = POOL,
    base: str | None = None,
    deadline: float = DEADLINE,
) -> Desk:
    """A desk over one vendor's API. ``clock`` gives aware moments. ``base``: where the API is, if not at the vendor's.
    ``deadline``: seconds for a call with all its repetitions.

    Raises ``ConfigError`` where a key is missing, ``Unsupported`` for a vendor without an API.
    """
    vendor = vendor_of(name, values, base)
    return Desk(vendor, Client(performer_of(vendor, deadline, pool.app), pool), clock)


def vendor_of(name: str, values: Values, base: str | None = None) -> Vendor:
    room = providers.desk(name)
    if room is None:
        raise Unsupported(providers.load(name).title, "desk")
    keys = {key.name: key for key in providers.load(name).keys}
    missing = [keys[key] for key in room.needs if not values.get(key)]
    if missing:
        prefix = f"LIVECHAT_{name.upper()}_"
        raise ConfigError([Problem("LC103", prefix + key.name, "is needed by the desk", key.where) for key in missing])
    return Vendor(name, room, values, base or room.base(values))


def performer_of(vendor: Vendor, deadline: float, app: Callable[..., Any] | None) -> Performer:
    secrets = (one for value in vendor.values.values() if isinstance(value, Secrets) for one in value)
    credentials = tuple(secrets)
    # As a header has them, too: encoded.
    said = vendor.headers().get("Authorization", "").partition(" ")[2]
    known = (*filter(None, [said]), *credentials)
    return Performer(vendor, known, deadline, budget=budget_of(vendor.base, credentials, app))


def text_of(text: str) -> str:
    if not isinstance(text, str) or not text.strip():
        raise ValueError("a text is needed, and one that is not empty")
    return text


def key_of(id: str | None, email: str | None) -> dict[str, str | None]:
    if (id is None) == (email is None):
        raise ValueError("contacts.find takes an id or an email.")
    return {"id": id, "email": email}


def state_of(state: str | None) -> str | None:
    if state not in (None, *get_args(State)):
        raise ValueError(f"{state!r} is no state: {', '.join(get_args(State))}")
    return state


def moment_of(name: str, moment: datetime | None) -> datetime | None:
    if moment is not None and (not isinstance(moment, datetime) or moment.utcoffset() is None):
        raise ValueError(f"{name} must be an aware datetime, for example datetime.now(timezone.utc).")
    return moment

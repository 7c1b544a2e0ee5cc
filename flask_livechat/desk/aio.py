"""The same interface, to be awaited: ``await livechat.async_desk().conversations.reply(id, text)``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from types import GeneratorType
from typing import Any, Literal, TypeVar, overload

from ..model import Agent, Article, Contact, Conversation, LiveVisitor, Message, Team, Value, Visitor
from ..operation import Operation, OperationSequence
from ..providers import Values
from .desk import (
    Agents,
    Articles,
    Author,
    BaseDesk,
    Contacts,
    Conversations,
    RawCalls,
    State,
    Visitors,
    assignee_of,
    author_of,
    check_seen,
    executor_of,
    key_of,
    moment_of,
    raw_operation,
    state_of,
    text_of,
)
from .http import AsyncClient, AsyncPool, Vendor
from .outreach import NOT_SENT, Outreach
from .retry import DEADLINE_S

G = TypeVar("G")


class AsyncDesk(BaseDesk):
    """The same as ``Desk``, for ``await``. ``aclose`` or ``async with`` closes this event loop's connections."""

    def __init__(
        self, vendor: Vendor, client: AsyncClient, clock: Callable[[], datetime], outreach: Outreach | None = None
    ) -> None:
        super().__init__(vendor, clock, outreach)
        self._client = client
        self.conversations = AsyncConversations(self)
        self.contacts = AsyncContacts(self)
        self.articles = AsyncArticles(self)
        self.agents = AsyncAgents(self)
        self.visitors = AsyncVisitors(self)
        self.raw = AsyncRawCalls(self)

    async def __aenter__(self) -> AsyncDesk:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _do(self, method: str, *arguments: Any, **named: Any) -> Any:
        call = self._call(method, *arguments, **named)
        return await (self._client.run(call) if isinstance(call, GeneratorType) else self._client.send(call))

    def _items(self, method: str, *arguments: Any, **named: Any) -> AsyncIterator[Any]:
        call = self._call(method, *arguments, **named)
        return self._client.items(call) if isinstance(call, Operation) else self._items_of(call)

    async def _items_of(self, sequence: OperationSequence[Any]) -> AsyncIterator[Any]:
        for item in await self._client.run(sequence):
            yield item


def _documented_by(kind: type) -> Callable[[type[G]], type[G]]:
    """Copy the docstrings of the methods that are not awaited, so that ``help()`` shows them here, too."""

    def copy(group: type[G]) -> type[G]:
        for name, method in vars(group).items():
            if not name.startswith("_"):
                method.__doc__ = getattr(kind, name).__doc__
        return group

    return copy


class _Group:
    def __init__(self, desk: AsyncDesk) -> None:
        self._desk = desk


@_documented_by(Conversations)
class AsyncConversations(_Group):
    """As ``Conversations``, to be awaited; its lists are asynchronous iterators."""

    def list(self, state: State | None = None, since: datetime | None = None) -> AsyncIterator[Conversation]:
        return self._desk._items("conversations.list", state=state_of(state), since=moment_of("since", since))

    def search(self, text: str) -> AsyncIterator[Conversation]:
        return self._desk._items("conversations.search", text_of(text))

    async def get(self, id: str) -> Conversation:
        return await self._desk._do("conversations.get", id)

    def messages(self, id: str) -> AsyncIterator[Message]:
        return self._desk._items("conversations.messages", id)

    @overload
    async def start(self, visitor: Visitor, text: str, author: Literal["visitor"] = "visitor") -> Conversation: ...

    @overload
    async def start(self, visitor: Visitor, text: str, author: Literal["agent"]) -> Conversation | None: ...

    async def start(self, visitor: Visitor, text: str, author: Author = "visitor") -> Conversation | None:
        call = ("conversations.start", visitor, text_of(text), author_of(author))
        if author == "visitor":
            return await self._desk._do(*call)
        # In a thread: a database may be asked, which other tasks need not wait for.
        take_back = await asyncio.to_thread(self._desk._outreach.claim, visitor.id, self._desk._clock())
        try:
            return await self._desk._do(*call)
        except NOT_SENT:
            await asyncio.to_thread(take_back)
            raise

    async def reply(self, id: str, text: str, seen: str | None = None) -> Message:
        if seen is not None:
            check_seen(self._desk.provider, seen, [message.id async for message in self.messages(id)])
        return await self._desk._do("conversations.reply", id, text_of(text))

    async def note(self, id: str, text: str) -> Message:
        return await self._desk._do("conversations.note", id, text_of(text))

    async def close(self, id: str) -> None:
        await self._desk._do("conversations.close", id)

    async def reopen(self, id: str) -> None:
        await self._desk._do("conversations.reopen", id)

    async def assign(self, id: str, agent: str | None = None, team: str | None = None) -> None:
        await self._desk._do("conversations.assign", id, **assignee_of(agent, team))

    async def snooze(self, id: str, until: datetime) -> None:
        await self._desk._do("conversations.snooze", id, moment_of("until", until))

    async def tag(self, id: str, *tags: str) -> None:
        await self._desk._do("conversations.tag", id, *map(text_of, tags))

    async def untag(self, id: str, *tags: str) -> None:
        await self._desk._do("conversations.untag", id, *map(text_of, tags))


@_documented_by(Contacts)
class AsyncContacts(_Group):
    """As ``Contacts``, to be awaited; its lists are asynchronous iterators."""

    async def upsert(self, visitor: Visitor) -> Contact:
        return await self._desk._do("contacts.upsert", visitor)

    async def find(self, id: str | None = None, email: str | None = None) -> Contact | None:
        return await self._desk._do("contacts.find", **key_of(id, email))

    def find_all(self, id: str | None = None, email: str | None = None) -> AsyncIterator[Contact]:
        return self._desk._items("contacts.find_all", **key_of(id, email))

    def conversations(self, id: str) -> AsyncIterator[Conversation]:
        return self._desk._items("contacts.conversations", id)

    async def event(
        self, id: str, name: str, metadata: Mapping[str, Value] | None = None, at: datetime | None = None
    ) -> None:
        when = moment_of("at", at) or self._desk._clock()
        await self._desk._do("contacts.event", id, text_of(name), metadata or {}, at=when)

    async def forget(self, id: str) -> None:
        await self._desk._do("contacts.forget", id)


@_documented_by(Articles)
class AsyncArticles(_Group):
    """As ``Articles``, to be awaited; its lists are asynchronous iterators."""

    def list(self, locale: str | None = None) -> AsyncIterator[Article]:
        return self._desk._items("articles.list", locale)

    def search(self, text: str) -> AsyncIterator[Article]:
        return self._desk._items("articles.search", text_of(text))

    async def get(self, id: str, locale: str | None = None) -> Article:
        return await self._desk._do("articles.get", id, locale)

    async def create(
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
        more = {"locale": locale, "category": category, "description": description}
        return await self._desk._do("articles.create", text_of(title), body, slug=slug, translates=translates, **more)

    async def update(
        self,
        id: str,
        title: str | None = None,
        body: str | None = None,
        *,
        locale: str | None = None,
        category: str | Mapping[str, str] | None = None,
        description: str | None = None,
    ) -> Article:
        more = {"locale": locale, "category": category, "description": description}
        return await self._desk._do("articles.update", id, title, body, **more)

    async def publish(self, id: str, locale: str | None = None) -> Article:
        return await self._desk._do("articles.publish", id, locale)

    async def unpublish(self, id: str, locale: str | None = None) -> Article:
        return await self._desk._do("articles.unpublish", id, locale)

    async def delete(self, id: str) -> None:
        await self._desk._do("articles.delete", id)


@_documented_by(Agents)
class AsyncAgents(_Group):
    """As ``Agents``, to be awaited; its lists are asynchronous iterators."""

    def list(self) -> AsyncIterator[Agent]:
        return self._desk._items("agents.list")

    def teams(self) -> AsyncIterator[Team]:
        return self._desk._items("agents.teams")

    async def availability(self) -> str:
        return await self._desk._do("agents.availability")


@_documented_by(Visitors)
class AsyncVisitors(_Group):
    """As ``Visitors``, to be awaited; its list is an asynchronous iterator."""

    def list(self) -> AsyncIterator[LiveVisitor]:
        return self._desk._items("visitors.list")


@_documented_by(RawCalls)
class AsyncRawCalls(_Group):
    """As ``RawCalls``, to be awaited."""

    async def request(self, method: str, path: str, json: Any = None) -> Any:
        return await self._desk._client.send(raw_operation(method, path, json))


def open_async_desk(
    name: str,
    values: Values,
    clock: Callable[[], datetime],
    pool: AsyncPool | None = None,
    base: str | None = None,
    deadline: float = DEADLINE_S,
    outreach: Outreach | None = None,
) -> AsyncDesk:
    """Open a desk like ``open_desk``, with its own connections, so closing one desk does not affect another."""
    pool = pool or AsyncPool()
    executor = executor_of(name, values, base, deadline, pool.app)
    return AsyncDesk(executor.vendor, AsyncClient(executor, pool), clock, outreach)

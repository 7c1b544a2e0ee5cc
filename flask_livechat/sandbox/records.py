"""What a vendor's REST API knows beside conversations: people, articles, agents. In memory, bounded, thread safe."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from .sessions import Value

T = TypeVar("T")
MAX_RECORDS = 1000


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom a vendor knows. ``session``: of whom nothing is known but what they wrote. Unix seconds.

    Of a lead the ``external_id`` is the vendor's own. ``extra`` is what only one vendor keeps.
    """

    id: str
    role: str = "user"
    external_id: str | None = None
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    avatar: str | None = None
    session: str | None = None
    created: float = 0.0
    updated: float = 0.0
    signed_up: int | None = None
    segments: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)
    events: tuple[Mapping[str, object], ...] = ()
    notes: tuple[Mapping[str, object], ...] = ()
    companies: tuple[str, ...] = ()  # their ids
    is_archived: bool = False
    is_subscribed: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Company:
    """Whom contacts work for. ``company_id`` is the app's own; ``data`` what was sent of it."""

    id: str
    company_id: str
    created: float
    updated: float
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Article:
    """A page of the help centre. ``id`` is a number or a path, as the vendor has it."""

    id: str
    title: str
    body: str = ""
    description: str = ""
    author: str = ""
    published: bool = False
    created: float = 0.0
    updated: float = 0.0
    parent: str = ""  # the category's id
    translations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by locale, as they were sent


@dataclass(frozen=True, slots=True)
class Category:
    """What articles are in. ``parent`` is the id of another one, or empty."""

    id: str
    title: str
    parent: str = ""
    description: str = ""
    created: float = 0.0
    updated: float = 0.0


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody who answers. In the sandbox there are two, so that a conversation can be handed over."""

    id: str
    first: str
    last: str
    email: str

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"


def agents(*ids: str) -> tuple[Agent, ...]:
    """The sandbox' agents, with the ids of a vendor's kind."""
    people = (("Robin", "Example"), ("Sam", "Example"))
    return tuple(
        Agent(key, first, last, f"{first.lower()}@example.com") for key, (first, last) in zip(ids, people, strict=True)
    )


class Shelf(Generic[T]):
    """Records by id. The oldest makes room when there are too many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: OrderedDict[str, T] = OrderedDict()

    def get(self, id: str) -> T | None:
        """The record of that id."""
        with self._lock:
            return self._records.get(id)

    def put(self, id: str, record: T) -> None:
        """Keep a record, in the place of an older one of that id."""
        with self._lock:
            self._records[id] = record
            while len(self._records) > MAX_RECORDS:
                self._records.popitem(last=False)

    def drop(self, id: str) -> bool:
        """Forget a record. False where there was none."""
        with self._lock:
            return self._records.pop(id, None) is not None

    def items(self) -> list[tuple[str, T]]:
        """All ids with their records, the oldest first."""
        with self._lock:
            return list(self._records.items())

    def all(self) -> list[T]:
        """All records, the oldest first."""
        with self._lock:
            return list(self._records.values())

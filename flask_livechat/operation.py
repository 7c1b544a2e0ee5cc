"""What a room says about a call of its vendor's API: data that one file performs. Pure."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote, unquote

from .model import Visitor

T = TypeVar("T")
log = logging.getLogger("flask_livechat")
ODD = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError)  # of JSON of another shape
SKIPPED: Counter[str] = Counter()  # entries of lists that could not be read, by what they were to be
SAFE_METHODS = ("GET", "HEAD", "PUT", "DELETE")


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. ``headers`` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON; None for an empty one. Raises ``ValueError`` for what is none."""
        return json.loads(self.body) if self.body.strip() else None


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """One call. ``read`` makes the result of the answer's JSON.

    ``repeatable``: whether it may be sent again after a fault that leaves open whether it was carried out. By default
    so for the methods that HTTP calls idempotent. ``makes`` gives the names of a contact that the call has made, out of
    its result: for a while a 404 for one of them means that the vendor does not know it everywhere yet.
    """

    method: str
    path: str  # encoded; see ``path``
    read: Callable[[Any], T] = field(repr=False)
    query: Mapping[str, str | int] = field(default_factory=dict)
    json: Any = field(default=None, repr=False)  # holds what visitors wrote
    repeatable: bool | None = None
    makes: Callable[[T], tuple[str | None, ...]] | None = field(default=None, repr=False)
    kept: bool = False  # the answer is the same for as long as the desk is open: asked once

    @property
    def may_repeat(self) -> bool:
        return self.method in SAFE_METHODS if self.repeatable is None else self.repeatable

    def names(self) -> set[str]:
        """Everything that may be an id in it: the parts of its path, and the texts of its body."""
        return {unquote(part) for part in self.path.split("/")} | set(_texts(self.json))


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping | list):
        for value in data.values() if isinstance(data, Mapping) else data:
            yield from _texts(value)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, and the call for the next one.

    ``ids``: of all that the vendor gave, where ``items`` are only what was wanted of it.
    """

    items: Sequence[T]
    next: Operation[Page[T]] | None = None
    ids: tuple[str, ...] | None = None


def page_of(
    what: str,
    read: Callable[[Any], T],
    entries: Any,
    next: Operation[Page[T]] | None = None,
    wanted: Callable[[T], bool] = lambda item: True,
) -> Page[T]:
    """Read the entries of a vendor's list. What cannot be read is left out, counted and logged by its error's type."""
    if not isinstance(entries, list):
        raise TypeError("no list")
    items, ids, errors = [], [], []
    for entry in entries:
        try:
            item = read(entry)
            ids.append(str(getattr(item, "id", item)))
            items.append(item)
        except (*ODD, ValueError) as error:
            ids.append(repr(entry))
            errors.append(type(error).__name__)
    if errors:
        SKIPPED[what] += len(errors)
        words = (len(errors), len(entries), what, errors[0], SKIPPED[what])
        log.warning("livechat: %d of %d %s of a list could not be read and are left out: %s (%d so far).", *words)
    return Page([item for item in items if wanted(item)], next, tuple(ids))


Steps = Generator[Operation[Any], Any, T]
"""Several calls, each made of what the ones before gave: a room yields them, and is sent their results."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A failure in the vendor's own words."""

    what: str | None = None
    code: str | None = None
    request_id: str | None = None
    fields: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """A failure that came with a 2xx. ``status``: the HTTP status that it stands for."""

    def __init__(self, status: int) -> None:
        self.status = status


@dataclass(frozen=True, slots=True)
class DeskRoom:
    """A vendor's API: where it is, who we are there, and the calls that each method of the desk's makes.

    A method takes the vendor's values and its own arguments. It gives an ``Operation`` (of a ``Page``: the first of a
    list), or ``Steps``. What is not in ``methods`` the vendor cannot do.
    """

    needs: tuple[str, ...]  # names of keys without which nothing can be asked
    base: Callable[[Mapping[str, Any]], str]
    headers: Callable[[Mapping[str, Any]], dict[str, str]]
    unwrap: Callable[[Any], Any]  # an answer's JSON -> what ``read`` gets; raises ``Refusal``
    explain: Callable[[Any], Explanation]  # the JSON of an error
    methods: Mapping[str, Callable[..., Any]]
    knows: Callable[[Visitor], bool] = lambda visitor: True  # whether there can be a contact for this visitor


def path(template: str, *parts: str | int) -> str:
    """``path("/contacts/{}", id)``: each part is one segment, whatever is in it.

    Raises ``ValueError`` for a part that is empty, or that clients would take for a way up.
    """
    return template.format(*(_segment(str(part)) for part in parts))


def _segment(part: str) -> str:
    if part in ("", ".", "..") or not part.isprintable():
        raise ValueError(f"{part[:40]!r} is no id")
    return quote(part, safe="")

"""A call of a vendor's API as data, which ``desk/http.py`` executes. Pure."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote, unquote

T = TypeVar("T")
log = logging.getLogger("flask_livechat")
# The first are what reading JSON of another shape raises, the second what reading anything of a vendor's raises.
UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError)
WRONG_SHAPE = (*UNREADABLE, ValueError)
SKIPPED: Counter[str] = Counter()  # entries of lists that could not be read, by what they were to be


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. ``headers`` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Return the body as JSON, and None for an empty one. Raise ``ValueError`` for what is no JSON."""
        return json.loads(self.body) if self.body.strip() else None


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """One call of a vendor's API. It is described here and sent by the desk."""

    #: ``GET``, ``POST``, …
    method: str
    #: The path below ``ApiSpec.base``, encoded; see ``path()``.
    path: str
    #: Makes the result of the answer's JSON.
    read: Callable[[Any], T] = field(repr=False)
    #: The query string's parts.
    query: Mapping[str, str | int] = field(default_factory=dict)
    #: The body, sent as JSON. It holds what visitors wrote.
    json: Any = field(default=None, repr=False)
    #: Whether it may be sent again after a fault that leaves open whether it was carried out. None: as HTTP says of the
    #: method.
    repeatable: bool | None = None
    #: The names of a contact that the call has made, out of its result. For a while a 404 for one of them means that
    #: the vendor does not know it everywhere yet.
    makes: Callable[[T], tuple[str | None, ...]] | None = field(default=None, repr=False)
    #: Whether the answer stays the same while the desk is open, so that one call is enough.
    is_constant: bool = False

    @property
    def may_repeat(self) -> bool:
        """Whether the call may be sent again, by ``repeatable`` or by its method."""
        return self.method in ("GET", "HEAD", "PUT", "DELETE") if self.repeatable is None else self.repeatable

    def names(self) -> set[str]:
        """Return everything that may be an id: the parts of the path, and the texts of the body."""
        names, waiting = {unquote(part) for part in self.path.split("/")}, [self.json]
        while waiting:
            data = waiting.pop()
            if isinstance(data, str):
                names.add(data)
            elif isinstance(data, Mapping | list):
                waiting += data.values() if isinstance(data, Mapping) else data
        return names


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, and the call for the next one.

    ``ids`` are of all that the vendor gave, where ``items`` are only what was wanted of it.
    """

    #: What was wanted of the page.
    items: Sequence[T]
    #: The call for the next page; None after the last.
    next: Operation[Page[T]] | None = None
    #: The ids of all that the vendor gave, where ``items`` are only what was wanted of it.
    ids: tuple[str, ...] | None = None


def page_of(
    what: str,
    read: Callable[[Any], T],
    entries: Any,
    next: Operation[Page[T]] | None = None,
    wanted: Callable[[T], bool] = lambda item: True,
) -> Page[T]:
    """Read the entries of a vendor's list. Leave out what cannot be read, count it and log its error's type."""
    if not isinstance(entries, list):
        raise TypeError("no list")
    items, ids, errors = [], [], []
    for entry in entries:
        try:
            item = read(entry)
            ids.append(str(getattr(item, "id", item)))
            items.append(item)
        except WRONG_SHAPE as error:
            ids.append(repr(entry))
            errors.append(type(error).__name__)
    if errors:
        SKIPPED[what] += len(errors)
        numbers = (len(errors), len(entries), what, errors[0], SKIPPED[what])
        log.warning("livechat: %d of %d %s of a list could not be read and are left out: %s (%d so far).", *numbers)
    return Page([item for item in items if wanted(item)], next, tuple(ids))


class PaginationLoopGuard:
    """Stop at a vendor that gives the same page again, or leads back to an earlier one."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def is_repeated(self, page: Page[Any]) -> bool:
        """Whether the page has nothing new, by the ids that the vendor gave: ``items`` may leave all of them out."""
        ids = page.ids if page.ids is not None else tuple(getattr(item, "id", item) for item in page.items)
        digest = hash(ids)
        if not ids or digest in self._seen:
            return True
        self._seen.add(digest)
        return False


OperationSequence = Generator[Operation[Any], Any, T]
"""Several calls, each made of what the ones before gave: a generator that yields them and is sent their results."""


@dataclass(frozen=True, slots=True)
class ErrorDetails:
    """A failure in the vendor's own words."""

    what: str | None = None
    code: str | None = None
    request_id: str | None = None
    fields: dict[str, str] = field(default_factory=dict)


class ErrorInSuccessResponse(Exception):
    """The vendor sent a failure with a 2xx. ``status`` is the HTTP status that it stands for."""

    def __init__(self, status: int) -> None:
        self.status = status


def path(template: str, *parts: str | int) -> str:
    """``path("/contacts/{}", id)``: each part is one segment, whatever is in it.

    Raise ``ValueError`` for a part that is empty, or that clients would take for a way up.
    """
    segments = [str(part) for part in parts]
    for segment in segments:
        if segment in ("", ".", "..") or not segment.isprintable():
            raise ValueError(f"{segment[:40]!r} is not an id")
    return template.format(*(quote(segment, safe="") for segment in segments))

"""What the live check remembers of a browser's visit, and the facts that are made of it. No browser, no Flask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from urllib.parse import unquote


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that the check looked at. ``held`` is None where it could not be looked at, and ``seen`` says why.

    ``seen`` never holds a secret, an id or what belongs to a visitor: people attach it to issues.
    """

    name: str  # stable: "user.identity"
    title: str
    held: bool | None
    seen: str


@dataclass(frozen=True, slots=True)
class LiveReport:
    """What the check saw of one vendor."""

    provider: str
    title: str
    sandbox: bool
    page: str  # the route, not the address
    with_user: bool
    browser: str
    version: str  # of this package
    facts_as_of: str  # when this package's facts about the vendor were last checked
    at: datetime
    facts: tuple[Fact, ...]
    hosts: tuple[str, ...]  # of the vendor's that were contacted

    @property
    def failed(self) -> tuple[Fact, ...]:
        return tuple(fact for fact in self.facts if fact.held is False)


@dataclass(slots=True)
class Exchange:
    """A request and what became of it. Times are seconds of a monotonic clock."""

    at: float
    url: str
    method: str
    kind: str  # as the browser's protocol calls it: "Script", "XHR", "Image", …
    body: str = ""
    asked_by: tuple[str, ...] = ()  # the addresses of the scripts or style sheets that asked for it
    status: int | None = None
    answer: str = ""
    error: str = ""  # "net::ERR_NAME_NOT_RESOLVED"


@dataclass(slots=True)
class Socket:
    """A WebSocket with its frames as text."""

    at: float
    url: str
    asked_by: tuple[str, ...] = ()
    closed_at: float | None = None
    sent: list[tuple[float, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Violation:
    """What a policy refused, or would refuse."""

    directive: str
    blocked: str
    source: str  # the address of the script that asked for it


@dataclass(slots=True)
class Watch:
    """All that was seen of a browser's tab. The only record here that changes."""

    exchanges: dict[str, Exchange] = field(default_factory=dict)
    sockets: dict[str, Socket] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)  # (an exception's name, its stack)
    writes: list[tuple[str, str]] = field(default_factory=list)  # (name of what a script stored, the stack)
    events: list[tuple[str, str]] = field(default_factory=list)  # (our event, its reason)

    def count(self, event: str) -> int:
        return sum(name == event for name, _ in self.events)


@dataclass(frozen=True, slots=True)
class Stored:
    """What a browser holds for the site, by name."""

    cookies: Mapping[str, str] = field(default_factory=dict)
    local: Mapping[str, str] = field(default_factory=dict)
    session: Mapping[str, str] = field(default_factory=dict)

    def items(self) -> Iterator[tuple[str, str, str]]:
        """(where, name, value); names as people read them, not percent-encoded."""
        for part in fields(self):
            values: Mapping[str, str] = getattr(self, part.name)
            yield from ((part.name, unquote(name), value) for name, value in values.items())


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a page names to the vendor, and the proofs of it by kind: ``id``, ``email``, ``jwt``, ``token``."""

    id: str | None = None
    email: str | None = None
    name: str | None = None
    proofs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Start:
    """How a chat started on a page, opened and closed."""

    began_at: float
    state: str  # livechat.state
    seconds: float
    person: Person | None = None
    opened: bool = False
    closed: bool = False
    sizes: tuple[int, int, int] = (0, 0, 0)  # points of a grid that the vendor covers: before, open, closed again


@dataclass(frozen=True, slots=True)
class End:
    """How a chat ended. ``before`` and ``after``: what was stored then."""

    at: float
    before: Stored
    after: Stored


@dataclass(frozen=True, slots=True)
class Visit:
    """One person's time on the site: nobody, the user, or whoever comes after the user's logout."""

    name: str  # "visitor", "user", "next"
    watch: Watch
    start: Start
    end: End | None = None
    policy: str = ""  # which policy the page came with

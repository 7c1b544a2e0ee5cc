"""What the stand-ins' REST APIs have in common: routes, credentials, limits, people. Plain WSGI, without Flask.

So it can be asked over HTTP, and by the app's own desk without leaving the process.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from .body import Body, Values, parse
from .hub import Hub
from .records import Agent, Article, Category, Company, Person, Shelf
from .sessions import RefusedError, Session

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_BODY = 2 * 1024 * 1024  # bytes
MAX_TEXT = 100_000  # characters of a message or an article: UNCONFIRMED at every vendor


@dataclass(frozen=True)
class Account:
    """One vendor's account in the sandbox: what its REST API reads and changes."""

    name: str
    values: Values = field(repr=False)
    hub: Hub
    agents: tuple[Agent, ...]
    people: Shelf[Person] = field(default_factory=Shelf)
    articles: Shelf[Article] = field(default_factory=Shelf)
    categories: Shelf[Category] = field(default_factory=Shelf)  # of articles
    locales: Shelf[str] = field(default_factory=Shelf)  # of articles, beside the first one
    tags: Shelf[str] = field(default_factory=Shelf)  # id -> name, where tags have ids
    companies: Shelf[Company] = field(default_factory=Shelf)

    def clock(self) -> float:
        """Unix seconds, by the hub's clock."""
        return self.hub.clock()

    def agent(self, id: str | None) -> Agent | None:
        """The agent of that id."""
        return next((agent for agent in self.agents if agent.id == id), None)

    def session(self, key: str) -> Session:
        """A conversation, by its session's key. Raises RefusedError(404)."""
        if not self.hub.has(self.name, key):
            raise RefusedError(404, "not_found")
        return self.hub.look(key)

    def state(self, session: Session) -> str:
        """``open``, ``pending``, ``snoozed`` or ``closed``, as of now."""
        if session.state == "snoozed" and (session.until or 0) <= self.clock():
            return "open"
        return "open" if session.state == "new" else session.state

    def person(self, external_id: str | None = None, email: str | None = None) -> Person | None:
        """By the app's own id, else by the address. Raises RefusedError(409) where several have that address."""
        if external_id:
            return next((person for person in self.people.all() if person.external_id == external_id), None)
        matching = [person for person in self.people.all() if email and same_address(person.email, email)]
        if len(matching) > 1:
            raise RefusedError(409, "conflict", "Multiple existing users match this email address")
        return next(iter(matching), None)

    def add(self, id: str, **fields: Any) -> Person:
        """Somebody new."""
        now = self.clock()
        made = Person(id, created=now, updated=now, **fields)
        self.people.put(made.id, made)
        return made

    def change(self, person: Person, **fields: Any) -> Person:
        """The same person, with other fields."""
        changed = replace(person, updated=self.clock(), **fields)
        self.people.put(person.id, changed)
        return changed

    def who(self, session: Session, new_id: Callable[[], str], lead: Mapping[str, Any] | None) -> Person | None:
        """The person of a session, perhaps met here for the first time. ``lead``: what a stranger is made with."""
        if session.is_forgotten:
            return None
        known, claimed = self.people.all(), session.identity
        if claimed.state in ("verified", "unverified") and (claimed.id or claimed.email):
            mine = (item for item in known if item.role == "user" and _is(item, claimed.id, claimed.email))
            return next(mine, None) or self.add(
                new_id(), external_id=claimed.id, email=claimed.email, name=claimed.name
            )
        stranger = next((item for item in known if item.session == session.key), None)
        return stranger or (self.add(new_id(), session=session.key, **lead) if lead is not None else None)


def same_address(address: str | None, other: str | None) -> bool:
    """Whether two addresses are one, for all that vendors tell apart."""
    return bool(address and other and address.casefold() == other.casefold())


def _is(person: Person, external_id: str | None, email: str | None) -> bool:
    """An id decides alone: two people may have one address."""
    return person.external_id == external_id if external_id else same_address(person.email, email)


@dataclass(frozen=True, slots=True)
class Call:
    """One call. ``path``: the parts of the address that the route names."""

    account: Account
    headers: Headers
    path: Mapping[str, Any]
    query: Mapping[str, str]
    body: Body

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number of the query. Raises RefusedError(400)."""
        text = self.query.get(name, str(default))
        if not text.isascii() or not text.isdecimal() or len(text) > 16 or not low <= int(text) <= high:
            raise RefusedError(400, "parameter_invalid", f"{name} must be a number from {low} to {high}")
        return int(text)


View = TypeVar("View", bound=Callable[..., tuple[int, Any]])


def route(method: str, address: str) -> Callable[[View], View]:
    """Have a method of a ``Call`` answer an address: ``@route("GET", "/contacts/<id>")``. It may have several.

    The method gives a status and what is answered as JSON; None for nothing at all.
    """

    def add_route(view: View) -> View:
        vars(view).setdefault("routes", []).append((method, address))
        return view

    return add_route


@dataclass(frozen=True)
class Api:
    """How one vendor's API looks from outside.

    ``calls``: the classes of ``Call`` whose methods have a ``route``. ``admit`` checks credentials and headers,
    ``refuse`` makes the body of an error, ``meet`` runs before each call. ``limit``: calls, and the seconds that they
    are for.
    """

    calls: Sequence[type[Call]] = ()
    admit: Callable[[Account, Headers], None] = lambda account, headers: None
    refuse: Callable[[RefusedError], tuple[int, Any]] = lambda error: (error.status, {"error": error.code})
    meet: Callable[[Account], None] = lambda account: None
    limit: tuple[int, int] | None = None
    limit_headers: bool = False

    @cached_property
    def rules(self) -> Map:
        """Made once for all accounts: a map of many rules takes a while."""
        rules = [
            Rule(address, methods=[method], endpoint=(kind, view))
            for kind in self.calls
            for view in vars(kind).values()
            for method, address in getattr(view, "routes", ())
        ]
        return Map(rules, strict_slashes=True, merge_slashes=False)


class Meter:
    """How many calls of a window are left."""

    def __init__(self, most: int, seconds: int, clock: Callable[[], float]) -> None:
        self.most, self._seconds, self._clock = most, seconds, clock
        self._lock, self._window, self._taken = threading.Lock(), 0, 0

    def take(self) -> tuple[int, int]:
        """What is left after this call, below 0 for one too many; and the Unix second of the next window."""
        with self._lock:
            window = int(self._clock() // self._seconds)
            if window != self._window:
                self._window, self._taken = window, 0
            self._taken += 1
            return self.most - self._taken, (window + 1) * self._seconds


class Rest:
    """An API over one account, as a WSGI application."""

    def __init__(self, api: Api, account: Account) -> None:
        self._api, self.account = api, account
        self._rules = api.rules  # made here, at the app's start: threads that compile at once disturb each other (3.11)
        self._meter = Meter(*api.limit, account.clock) if api.limit else None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self.answer(Request(environ))(environ, start_response)

    def answer(self, request: Request) -> Response:
        headers: dict[str, str] = {}
        try:
            self._api.admit(self.account, request.headers)
            self._measure(headers)
            self._api.meet(self.account)
            (kind, view), path = self._route(request)
            call = kind(self.account, request.headers, path, request.args.to_dict(), _body(request))
            status, data = view(call)
        except RefusedError as refusal:
            status, data = self._api.refuse(refusal)
        if data is None:
            return Response(b"", status, headers, mimetype="application/json")
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        return Response(text, status, headers, mimetype="application/json")

    def _route(self, request: Request) -> tuple[Any, Mapping[str, Any]]:
        try:
            endpoint, path = self._rules.bind_to_environ(request.environ).match()
        except HTTPException:  # no such address, or no such method of it
            raise RefusedError(404, "not_found", "there is no such route") from None
        return endpoint, path

    def _measure(self, headers: dict[str, str]) -> None:
        if self._meter is None:
            return
        left, reset = self._meter.take()
        if self._api.limit_headers:
            limits = {"Limit": self._meter.most, "Remaining": max(0, left), "Reset": reset}
            headers |= {f"X-RateLimit-{name}": str(value) for name, value in limits.items()}
        if left < 0:
            raise RefusedError(429, "rate_limit_exceeded", f"Exceeded rate limit of {self._meter.most}")


def wsgi_path(path: str) -> str:
    """Decoded text as WSGI carries it: its bytes in UTF-8, each as a character (PEP 3333)."""
    return path.encode("utf-8", "replace").decode("latin-1")


def iso_moment(unix: float) -> str:
    """Unix seconds as ISO 8601 in UTC, with milliseconds."""
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fresh_id() -> str:
    """24 hexadecimal digits."""
    return uuid.uuid4().hex[:24]


def _body(request: Request) -> Body:
    if (request.content_length or 0) > MAX_BODY:
        raise RefusedError(413, "too_large")
    raw = request.stream.read(MAX_BODY + 1) if request.content_length is None else request.get_data()
    if len(raw) > MAX_BODY:
        raise RefusedError(413, "too_large")
    if not raw:
        return Body({})
    if request.mimetype != "application/json":
        raise RefusedError(415, "unsupported", "the body must be JSON, and say so")
    return parse(raw)

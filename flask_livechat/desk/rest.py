"""Operation[T] -> httpx -> T | ApiError. The only file that imports httpx.

Calls that may be made twice are tried again on 408, 425, 429, 5xx and network faults, when the vendor says so or with
growing pauses, until a deadline. A call that may have been carried out is not; a DELETE is, and what it then does not
find is gone.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from threading import Lock
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

import httpx
import stamina

from ..errors import (
    ApiError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    TimedOut,
    Unauthorized,
    VendorDown,
)
from ..forks import in_children
from ..operation import ODD, Explanation, Operation, Page, Refusal, Reply, Steps
from ..safe_text import terminal_text
from .budget import Budget

T = TypeVar("T")
C = TypeVar("C", httpx.Client, httpx.AsyncClient)
DEADLINE = 30.0  # seconds for one call with all its retries
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
LIMITED = (420, 429)
SPENT = 423  # the quota of a day: to try again is in vain
GONE = (404, 410)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0  # a pause is twice the one before, whatever shorter one a vendor names
PASSING = (408, 425, *LIMITED, 500, 502, 503, 504)
GRACE = 1.0  # seconds that the answer of a last try has at least
EXTRACT = 300  # characters of an answer that an error carries
LARGEST = 20_000_000  # bytes of an answer
LONGEST = 3600.0  # seconds; whatever a vendor says, nobody waits longer
WHOLE = re.compile(r"[0-9]{1,12}")
KINDS: dict[int, type[ApiError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    408: TimedOut,
    409: Conflict,
    410: NotFound,
    420: RateLimited,
    SPENT: RateLimited,
    429: RateLimited,
}


class Vendor(Protocol):
    """What a room says about its API as a whole."""

    @property
    def name(self) -> str:
        """As in its room."""

    @property
    def base(self) -> str:
        """Where it is."""

    def headers(self) -> dict[str, str]:
        """Those of every call: who we are, and which version we speak."""

    def unwrap(self, said: Any) -> Any:
        """What a room's ``read`` gets of an answer. Raises ``Refusal`` for a failure that came with a 2xx."""

    def explain(self, said: Any) -> Explanation:
        """What an error's body says."""


@dataclass(frozen=True)
class Performer:
    """What is the same for both ways of calling: requests out of operations, and results out of answers."""

    vendor: Vendor
    secrets: tuple[str, ...] = field(repr=False)
    deadline: float = DEADLINE
    clock: Callable[[], float] = time.time
    budget: Budget = field(default_factory=Budget)

    def request(self, operation: Operation[Any]) -> dict[str, Any]:
        return {
            "method": operation.method,
            "url": self.vendor.base + operation.path,
            "params": {name: str(value) for name, value in operation.query.items()} or None,
            "json": operation.json,
            "headers": self.vendor.headers(),
        }

    def result(self, operation: Operation[T], reply: Reply, maybe_done: bool = False) -> T:
        """Read an answer. ``maybe_done``: an earlier try may have been carried out. Raises ``ApiError``."""
        self._learn(reply)
        if maybe_done and operation.method == "DELETE" and reply.status in GONE:
            result = operation.read(None)  # an earlier try has deleted it
        elif 200 <= reply.status < 300:
            with self.reading(operation, reply, (*ODD, ValueError)):
                try:
                    result = operation.read(self.vendor.unwrap(reply.json()))
                except Refusal as refusal:
                    raise self.error(operation, reply, refusal.status) from None
        else:
            raise self.error(operation, reply, reply.status)
        if operation.makes is not None:
            self.budget.made(tuple(name for name in operation.makes(result) if name))
        elif operation.method == "DELETE":
            self.budget.deleted(operation.names())
        return result

    @contextmanager
    def reading(
        self, operation: Operation[Any], reply: Reply | None = None, odd: tuple[type[Exception], ...] = ODD
    ) -> Iterator[None]:
        """Turn what an answer of another shape leads to into an ``ApiError``. What was asked for may well be done."""
        try:
            yield
        except odd as error:
            what = f"the answer is not what the vendor documents ({type(error).__name__})"
            raise self._made(ApiError, operation, what, reply) from None

    def _learn(self, reply: Reply) -> None:
        """The last call of a window says so; a refusal, too, when it says for how long."""
        spent = reply.headers.get("x-ratelimit-remaining") == "0" or reply.status in (*LIMITED, SPENT)
        if spent and (wait := self._retry_after(reply)):
            self.budget.spent(wait)

    def error(self, operation: Operation[Any], reply: Reply, status: int) -> ApiError:
        try:
            said = self.vendor.explain(reply.json())
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):  # HTML, or nothing
            said = Explanation()
        kind = KINDS.get(status) or (VendorDown if status >= 500 else Invalid if status >= 400 else ApiError)
        what = f"{status} {said.what or said.code or ''}".strip()
        return self._made(kind, operation, what, reply, said, status)

    def fault(self, operation: Operation[Any], error: Exception) -> ApiError:
        """No answer. The text of httpx's error may hold an address, never a header."""
        kind = TimedOut if isinstance(error, httpx.TimeoutException) else VendorDown
        return self._made(kind, operation, f"no answer ({type(error).__name__})")

    def passing(self, operation: Operation[Any], error: ApiError) -> bool:
        """Whether another try may do better."""
        if error.status in LIMITED or isinstance(error.__context__, httpx.ConnectError | httpx.ConnectTimeout):
            return True  # it was refused, so it was not carried out
        if error.status in GONE:
            return self.budget.is_new(operation.names())
        return operation.may_repeat and (unanswered(error) or error.status in PASSING)

    def out_of_calls(self, operation: Operation[Any], wait: float) -> ApiError:
        """The budget is spent, for longer than anybody waits."""
        error = self._made(RateLimited, operation, "the vendor takes no more calls for now")
        error.retry_after = wait
        return error

    def _made(
        self,
        kind: type[ApiError],
        operation: Operation[Any],
        what: str,
        reply: Reply | None = None,
        said: Explanation | None = None,
        status: int | None = None,
    ) -> ApiError:
        said = said or Explanation()
        body = reply.body[: EXTRACT * 4].decode("utf-8", "replace") if reply else ""
        return kind(
            self._redacted(what)[:EXTRACT],
            provider=self.vendor.name,
            call=self._redacted(f"{operation.method} {operation.path}"),
            status=status or (reply.status if reply else None),
            code=self._short(said.code),
            request_id=self._short(said.request_id or (reply.headers.get("x-request-id") if reply else None)),
            fields={name: self._redacted(why) for name, why in said.fields.items()},
            retry_after=self._retry_after(reply) if reply and status in (*PASSING, SPENT) else None,
            body=self._redacted(body)[:EXTRACT],
        )

    def _short(self, text: Any) -> str | None:
        return self._redacted(str(text))[:EXTRACT] if text else None

    def _redacted(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "…")
        return terminal_text(text)

    def _retry_after(self, reply: Reply) -> float | None:
        """Seconds, by ``Retry-After`` (seconds or a date), else by ``X-RateLimit-Reset`` (Unix seconds).

        None where no wait is named, or one that is zero, negative or past.
        """
        named, reset = reply.headers.get("retry-after", ""), reply.headers.get("x-ratelimit-reset", "")
        waits = [float(named) if WHOLE.fullmatch(named) else 0.0]
        with suppress(ValueError, TypeError, OverflowError):
            waits.append(parsedate_to_datetime(named).timestamp() - self.clock())
        if WHOLE.fullmatch(reset):
            waits.append(float(reset) - self.clock())
        return next((min(wait, LONGEST) for wait in waits if wait > 0), None)


def unanswered(error: ApiError) -> bool:
    return error.status is None and isinstance(error, VendorDown | TimedOut)


class Tries:
    """One call with all its repetitions: when the next try is, and what the earlier ones may have done."""

    def __init__(self, performer: Performer, operation: Operation[Any]) -> None:
        self._performer, self._operation = performer, operation
        self._begun, self._failed = time.monotonic(), 0
        self.until = self._begun + performer.deadline
        self.maybe_done = False

    def decide(self, failed: Exception) -> bool | float:
        """For stamina: whether to try again, and after how many seconds if the vendor named a wait."""
        if not isinstance(failed, _Failed) or not self._performer.passing(self._operation, failed.error):
            return False
        self.maybe_done |= failed.error.status not in (*LIMITED, *GONE)
        self._failed += 1
        if failed.error.retry_after is None:
            return True
        wait = max(failed.error.retry_after, min(FIRST_PAUSE_S * 2 ** (self._failed - 1), LONGEST_PAUSE_S))
        return wait if time.monotonic() + wait < self.until else False

    def wait_for_budget(self) -> float:
        """Seconds to wait before a try. Raises ``RateLimited`` where that is beyond the deadline."""
        wait = self._performer.budget.wait()
        if wait and time.monotonic() + wait >= self.until:
            raise self._performer.out_of_calls(self._operation, wait)
        return wait


_ours: ContextVar[bool] = ContextVar("livechat_calls", default=False)


@contextmanager
def _discreet() -> Iterator[None]:
    """httpx logs each address, and in ours are ids and mail addresses of visitors."""
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)


def _without_paths(record: logging.LogRecord) -> bool:
    if _ours.get() and isinstance(record.args, tuple):
        record.args = tuple(
            f"{each.scheme}://{each.host}/…" if isinstance(each, httpx.URL) else each for each in record.args
        )
    return True


logging.getLogger("httpx").addFilter(_without_paths)


class _Failed(Exception):
    """An error on its way through stamina, which logs what it is given: an address, and the vendor's words."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(type(error).__name__)
        self.error = error


@contextmanager
def _wrapped() -> Iterator[None]:
    try:
        yield
    except ApiError as error:
        raise _Failed(error) from None


@contextmanager
def _unwrapped() -> Iterator[None]:
    try:
        yield
    except _Failed as failed:
        raise failed.error from None


class Gathered:
    """An answer as it comes in, within bounds: a vendor that drips, or never ends, does not hold the caller."""

    def __init__(self, response: httpx.Response, until: float) -> None:
        self._response, self._until = response, max(until, time.monotonic() + GRACE)
        self._pieces: list[bytes] = []
        self._size = 0

    def take(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        if time.monotonic() > self._until:
            raise httpx.ReadTimeout("the answer takes too long")
        if self._size > LARGEST:
            raise httpx.ReadError("the answer is too long")

    def reply(self) -> Reply:
        headers = {name.lower(): value for name, value in self._response.headers.items()}
        return Reply(self._response.status_code, headers, b"".join(self._pieces))


class Client:
    """Calls that wait."""

    def __init__(self, performer: Performer, http: Callable[[], httpx.Client]) -> None:
        self._performer, self._http = performer, http
        self._kept: dict[str, Any] = {}

    def send(self, operation: Operation[T]) -> T:
        """Raises ``ApiError``."""
        if operation.kept and operation.path in self._kept:
            known: T = self._kept[operation.path]
            return known
        result = self._tried(operation)
        if operation.kept:
            self._kept[operation.path] = result
        return result

    def _tried(self, operation: Operation[T]) -> T:
        tries = Tries(self._performer, operation)
        with _unwrapped():
            for attempt in stamina.retry_context(on=tries.decide, attempts=None, timeout=self._performer.deadline):
                with attempt, _wrapped():
                    if wait := tries.wait_for_budget():
                        time.sleep(wait)
                    return self._once(operation, tries)
        raise AssertionError("stamina gives the last error")  # pragma: no cover - for the type checker

    def run(self, steps: Steps[T]) -> T:
        """All calls of several steps, and what they come to."""
        try:
            operation = next(steps)
            while True:
                try:
                    result = self.send(operation)
                except ApiError as error:
                    with self._performer.reading(operation):
                        operation = steps.throw(error)
                else:
                    with self._performer.reading(operation):
                        operation = steps.send(result)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]  # a generator's result is untyped here

    def each(self, first: Operation[Page[T]]) -> Iterator[T]:
        """The items of all pages, one page at a time."""
        following: Operation[Page[T]] | None = first
        guard = Repeats()
        while following is not None:
            page = self.send(following)
            if guard.seen(page):
                return
            yield from page.items
            following = page.next

    def _once(self, operation: Operation[T], tries: Tries) -> T:
        try:
            with _discreet(), self._http().stream(**self._performer.request(operation)) as response:
                gathered = Gathered(response, tries.until)
                for piece in response.iter_bytes():
                    gathered.take(piece)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._performer.fault(operation, error) from None
        return self._performer.result(operation, gathered.reply(), tries.maybe_done)


class AsyncClient:
    """The same calls, to be awaited."""

    def __init__(self, performer: Performer, http: Callable[[], httpx.AsyncClient]) -> None:
        self._performer, self._http = performer, http
        self._kept: dict[str, Any] = {}

    async def send(self, operation: Operation[T]) -> T:
        """Raises ``ApiError``."""
        if operation.kept and operation.path in self._kept:
            known: T = self._kept[operation.path]
            return known
        result = await self._tried(operation)
        if operation.kept:
            self._kept[operation.path] = result
        return result

    async def _tried(self, operation: Operation[T]) -> T:
        tries = Tries(self._performer, operation)
        with _unwrapped():
            async for attempt in stamina.retry_context(
                on=tries.decide, attempts=None, timeout=self._performer.deadline
            ):
                with attempt, _wrapped():
                    if wait := tries.wait_for_budget():
                        await asyncio.sleep(wait)
                    return await self._once(operation, tries)
        raise AssertionError("stamina gives the last error")  # pragma: no cover - for the type checker

    async def aclose(self) -> None:
        """Ends this event loop's connections."""
        await self._http().aclose()

    async def run(self, steps: Steps[T]) -> T:
        """All calls of several steps, and what they come to."""
        try:
            operation = next(steps)
            while True:
                try:
                    result = await self.send(operation)
                except ApiError as error:
                    with self._performer.reading(operation):
                        operation = steps.throw(error)
                else:
                    with self._performer.reading(operation):
                        operation = steps.send(result)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]  # a generator's result is untyped here

    async def each(self, first: Operation[Page[T]]) -> AsyncIterator[T]:
        """The items of all pages, one page at a time."""
        following: Operation[Page[T]] | None = first
        guard = Repeats()
        while following is not None:
            page = await self.send(following)
            if guard.seen(page):
                return
            for item in page.items:
                yield item
            following = page.next

    async def _once(self, operation: Operation[T], tries: Tries) -> T:
        try:
            with _discreet():
                async with self._http().stream(**self._performer.request(operation)) as response:
                    gathered = Gathered(response, tries.until)
                    async for piece in response.aiter_bytes():
                        gathered.take(piece)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._performer.fault(operation, error) from None
        return self._performer.result(operation, gathered.reply(), tries.maybe_done)


def _announce(request: httpx.Request) -> None:
    """Whoever listens to audit events, as our pytest plugin does, hears of a call also where a proxy makes it."""
    sys.audit("flask_livechat.call", request.url.host)


async def _announce_awaited(request: httpx.Request) -> None:
    _announce(request)


def _client() -> httpx.Client:
    return _without_cookies(httpx.Client(timeout=TIMEOUT, event_hooks={"request": [_announce]}))


def _async_client() -> httpx.AsyncClient:
    return _without_cookies(httpx.AsyncClient(timeout=TIMEOUT, event_hooks={"request": [_announce_awaited]}))


def _without_cookies(client: C) -> C:
    """All desks of a process share it: what a vendor sets for one account is not sent with another's calls."""
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


class Pool:
    """One client, and with it one set of connections, per process: a child of a fork must not use its parent's."""

    def __init__(self, make: Callable[[], httpx.Client] = _client, app: Callable[..., Any] | None = None) -> None:
        self.app = app  # of this process, that answers in the vendor's place
        self._make, self._lock, self._made = make, Lock(), dict[int, httpx.Client]()
        in_children(self, lambda pool: setattr(pool, "_lock", Lock()))  # somebody may hold it while a child is made

    def __call__(self) -> httpx.Client:
        process = os.getpid()
        found = self._made.get(process)
        if found is None:
            with self._lock:
                found = self._made.setdefault(process, self._make())
        return found


def local() -> Pool:
    """For a server on the same machine: whatever proxy there is, it is not asked."""
    return Pool(lambda: httpx.Client(timeout=TIMEOUT, trust_env=False))


LOCAL = local()


def in_process(app: Callable[..., Any]) -> Pool:
    """For an API that is a WSGI application of this process, whatever its address."""
    return Pool(lambda: httpx.Client(transport=_wsgi(app), trust_env=False), app)


def _wsgi(app: Callable[..., Any]) -> httpx.WSGITransport:
    """WSGI carries a path's bytes as characters (PEP 3333); httpx hands on its text."""

    def asked(environ: dict[str, Any], start_response: Any) -> Any:
        return app(environ | {"PATH_INFO": environ["PATH_INFO"].encode().decode("latin-1")}, start_response)

    return httpx.WSGITransport(asked)


class AsyncPool:
    """A desk's clients, one for each event loop, which its connections belong to."""

    def __init__(
        self, make: Callable[[], httpx.AsyncClient] = _async_client, app: Callable[..., Any] | None = None
    ) -> None:
        self.app, self._make = app, make
        self._made: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()

    def __call__(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        found = self._made.get(loop)
        if found is None or found.is_closed:
            found = self._made[loop] = self._make()
        return found


def async_local() -> AsyncPool:
    """As ``local``."""
    return AsyncPool(lambda: httpx.AsyncClient(timeout=TIMEOUT, trust_env=False))


def async_in_process(app: Callable[..., Any]) -> AsyncPool:
    """As ``in_process``."""
    return AsyncPool(lambda: httpx.AsyncClient(transport=_InThread(app), trust_env=False), app)


class _InThread(httpx.AsyncBaseTransport):
    """A WSGI application, which would hold the event loop."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._wsgi = _wsgi(app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request = httpx.Request(request.method, request.url, headers=request.headers, content=await request.aread())
        answer = await asyncio.to_thread(self._wsgi.handle_request, request)
        content = await asyncio.to_thread(answer.read)
        return httpx.Response(answer.status_code, headers=answer.headers, content=content)


class Repeats:
    """A vendor that gives the same page again, or leads back to an earlier one, is not followed for ever."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def seen(self, page: Page[Any]) -> bool:
        """Whether there is nothing new in it, by what the vendor gave: a room may have left all of it out."""
        ids = page.ids if page.ids is not None else tuple(getattr(item, "id", item) for item in page.items)
        known = hash(ids)
        if not ids or known in self._seen:
            return True
        self._seen.add(known)
        return False

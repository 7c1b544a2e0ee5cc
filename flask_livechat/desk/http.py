"""Turn an operation into an HTTP call, and the answer into a result or an ``ApiError``. Only this file imports httpx.

A call that may be made twice is tried again on 408, 425, 429, 5xx and network faults, when the vendor says so or with
growing pauses, until a deadline. A call that may have been carried out is not; a DELETE is, and what it then does not
find is gone.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from threading import Lock
from typing import Any, TypeVar
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
from ..operation import (
    UNREADABLE,
    ErrorDetails,
    ErrorInSuccessResponse,
    Operation,
    OperationSequence,
    Page,
    PaginationLoopGuard,
    Reply,
)
from ..providers.base import ApiSpec, Values
from ..safe_text import terminal_text
from ..system import in_children
from . import retry

T = TypeVar("T")
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
MAX_EXTRACT_CHARS = 300  # of an answer, in an error
MAX_BODY_BYTES = 20_000_000
ERRORS: dict[int, type[ApiError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    408: TimedOut,
    409: Conflict,
    410: NotFound,
    420: RateLimited,
    retry.QUOTA_SPENT: RateLimited,
    429: RateLimited,
}


@dataclass(frozen=True)
class Vendor:
    """A vendor's API with an app's values for it."""

    name: str
    api: ApiSpec = field(repr=False)
    values: Values = field(repr=False)
    base: str

    def headers(self) -> dict[str, str]:
        return self.api.headers(self.values)

    def unwrap(self, data: Any) -> Any:
        return self.api.unwrap(data)

    def explain(self, data: Any) -> ErrorDetails:
        return self.api.explain(data)


@dataclass(frozen=True)
class RequestExecutor:
    """Make requests out of operations and results out of answers: what both ways of calling share."""

    vendor: Vendor
    secrets: tuple[str, ...] = field(repr=False)
    deadline: float = retry.DEADLINE_S
    clock: Callable[[], float] = time.time
    budget: retry.Budget = field(default_factory=retry.Budget)

    def request(self, operation: Operation[Any]) -> dict[str, Any]:
        return {
            "method": operation.method,
            "url": self.vendor.base + operation.path,
            "params": {name: str(value) for name, value in operation.query.items()} or None,
            "json": operation.json,
            "headers": self.vendor.headers(),
        }

    def attempts(self, operation: Operation[Any]) -> retry.Attempts:
        return retry.Attempts(self.deadline, partial(self._is_transient, operation))

    def wait_for_rate_limit(self, operation: Operation[Any], until: float) -> float:
        """Return the seconds to wait before an attempt. Raise ``RateLimited`` where they end after ``until``."""
        wait = self.budget.wait()
        if wait and time.monotonic() + wait >= until:
            error = self._error(RateLimited, operation, "the vendor takes no more calls for now")
            error.retry_after = wait
            raise error
        return wait

    def result(self, operation: Operation[T], reply: Reply, maybe_done: bool = False) -> T:
        """Read an answer. ``maybe_done``: an earlier attempt may have been carried out. Raise ``ApiError``."""
        self._note_rate_limit(reply)
        if maybe_done and operation.method == "DELETE" and reply.status in retry.GONE:
            result = operation.read(None)  # an earlier attempt has deleted it
        elif 200 <= reply.status < 300:
            with self.reading(operation, reply, ValueError):
                try:
                    result = operation.read(self.vendor.unwrap(reply.json()))
                except ErrorInSuccessResponse as error:
                    raise self._error_of(operation, reply, error.status) from None
        else:
            raise self._error_of(operation, reply, reply.status)
        if operation.makes is not None:
            self.budget.note_made(tuple(name for name in operation.makes(result) if name))
        elif operation.method == "DELETE":
            self.budget.note_deleted(operation.names())
        return result

    @contextmanager
    def reading(self, operation: Operation[Any], reply: Reply | None = None, *also: type[Exception]) -> Iterator[None]:
        """Turn what an answer of another shape leads to into an ``ApiError``. What was asked for may well be done."""
        try:
            yield
        except UNREADABLE + also as error:
            what = f"the answer is not what the vendor documents ({type(error).__name__})"
            raise self._error(ApiError, operation, what, reply) from None

    def no_answer(self, operation: Operation[Any], error: Exception) -> ApiError:
        """Return the error of a call without an answer. The text of httpx's error may hold an address, no header."""
        kind = TimedOut if isinstance(error, httpx.TimeoutException) else VendorDown
        return self._error(kind, operation, f"no answer ({type(error).__name__})")

    def _note_rate_limit(self, reply: Reply) -> None:
        """Heed the last answer of a window that says so, and a refusal that says for how long."""
        is_spent = reply.headers.get("x-ratelimit-remaining") == "0" or reply.status in (
            *retry.RATE_LIMITED,
            retry.QUOTA_SPENT,
        )
        if is_spent and (wait := retry.retry_after_s(reply, self.clock())):
            self.budget.pause(wait)

    def _is_transient(self, operation: Operation[Any], error: ApiError) -> bool:
        """Whether another attempt may do better."""
        if error.status in retry.RATE_LIMITED or isinstance(
            error.__context__, httpx.ConnectError | httpx.ConnectTimeout
        ):
            return True  # the vendor refused it, so it was not carried out
        if error.status in retry.GONE:
            return self.budget.is_new(operation.names())
        is_unanswered = error.status is None and isinstance(error, VendorDown | TimedOut)
        return operation.may_repeat and (is_unanswered or error.status in retry.TRANSIENT)

    def _error_of(self, operation: Operation[Any], reply: Reply, status: int) -> ApiError:
        try:
            details = self.vendor.explain(reply.json())
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):  # HTML, or nothing
            details = ErrorDetails()
        kind = ERRORS.get(status) or (VendorDown if status >= 500 else Invalid if status >= 400 else ApiError)
        what = f"{status} {details.what or details.code or ''}".strip()
        return self._error(kind, operation, what, reply, details, status)

    def _error(
        self,
        kind: type[ApiError],
        operation: Operation[Any],
        what: str,
        reply: Reply | None = None,
        details: ErrorDetails | None = None,
        status: int | None = None,
    ) -> ApiError:
        details = details or ErrorDetails()
        body = reply.body[: MAX_EXTRACT_CHARS * 4].decode("utf-8", "replace") if reply else ""
        return kind(
            self._redacted(what)[:MAX_EXTRACT_CHARS],
            provider=self.vendor.name,
            call=self._redacted(f"{operation.method} {operation.path}"),
            status=status or (reply.status if reply else None),
            code=self._extract(details.code),
            request_id=self._extract(details.request_id or (reply.headers.get("x-request-id") if reply else None)),
            fields={name: self._redacted(why) for name, why in details.fields.items()},
            retry_after=retry.retry_after_s(reply, self.clock())
            if reply and status in (*retry.TRANSIENT, retry.QUOTA_SPENT)
            else None,
            body=self._redacted(body)[:MAX_EXTRACT_CHARS],
        )

    def _extract(self, text: Any) -> str | None:
        return self._redacted(str(text))[:MAX_EXTRACT_CHARS] if text else None

    def _redacted(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "…")
        return terminal_text(text)


_is_our_call: ContextVar[bool] = ContextVar("livechat_calls", default=False)


@contextmanager
def _private_logs() -> Iterator[None]:
    """Keep paths out of httpx's log: it logs each address, and ours hold ids and mail addresses of visitors."""
    token = _is_our_call.set(True)
    try:
        yield
    finally:
        _is_our_call.reset(token)


def _without_paths(record: logging.LogRecord) -> bool:
    if _is_our_call.get() and isinstance(record.args, tuple):
        record.args = tuple(
            f"{value.scheme}://{value.host}/…" if isinstance(value, httpx.URL) else value for value in record.args
        )
    return True


logging.getLogger("httpx").addFilter(_without_paths)


class BoundedBody:
    """An answer as it comes in. A vendor that drips, or never ends, does not hold the caller."""

    def __init__(self, response: httpx.Response, until: float) -> None:
        self._response, self._until = response, max(until, time.monotonic() + 1.0)  # for a last attempt
        self._pieces: list[bytes] = []
        self._size = 0

    def take(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        if time.monotonic() > self._until:
            raise httpx.ReadTimeout("the answer takes too long")
        if self._size > MAX_BODY_BYTES:
            raise httpx.ReadError("the answer is too long")

    def reply(self) -> Reply:
        headers = {name.lower(): value for name, value in self._response.headers.items()}
        return Reply(self._response.status_code, headers, b"".join(self._pieces))


class Client:
    """Calls that block."""

    def __init__(self, executor: RequestExecutor, http: Callable[[], httpx.Client]) -> None:
        self._executor, self._http = executor, http
        self._constants: dict[str, Any] = {}

    def send(self, operation: Operation[T]) -> T:
        """Return the result of a call. Raise ``ApiError``."""
        if operation.is_constant and operation.path in self._constants:
            constant: T = self._constants[operation.path]
            return constant
        result = self._send_with_retries(operation)
        if operation.is_constant:
            self._constants[operation.path] = result
        return result

    def _send_with_retries(self, operation: Operation[T]) -> T:
        attempts = self._executor.attempts(operation)
        with retry.reveal_error():
            for attempt in stamina.retry_context(attempts.retry_decision, None, self._executor.deadline):
                with attempt, retry.hide_error():
                    if wait := self._executor.wait_for_rate_limit(operation, attempts.until):
                        time.sleep(wait)
                    return self._send_once(operation, attempts)
        raise AssertionError("stamina gives the last error")  # pragma: no cover - for the type checker

    def run(self, sequence: OperationSequence[T]) -> T:
        """Make all calls of a sequence, and return what they come to."""
        try:
            operation = next(sequence)
            while True:
                try:
                    result = self.send(operation)
                except ApiError as error:
                    with self._executor.reading(operation):
                        operation = sequence.throw(error)
                else:
                    with self._executor.reading(operation):
                        operation = sequence.send(result)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]  # a generator's result is untyped here

    def items(self, first: Operation[Page[T]]) -> Iterator[T]:
        """Yield the items of all pages. Ask for a page when its first item is wanted."""
        following: Operation[Page[T]] | None = first
        guard = PaginationLoopGuard()
        while following is not None:
            page = self.send(following)
            if guard.is_repeated(page):
                return
            yield from page.items
            following = page.next

    def _send_once(self, operation: Operation[T], attempts: retry.Attempts) -> T:
        try:
            with _private_logs(), self._http().stream(**self._executor.request(operation)) as response:
                body = BoundedBody(response, attempts.until)
                for piece in response.iter_bytes():
                    body.take(piece)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._executor.no_answer(operation, error) from None
        return self._executor.result(operation, body.reply(), attempts.maybe_done)


class AsyncClient:
    """The same calls, awaited."""

    def __init__(self, executor: RequestExecutor, http: Callable[[], httpx.AsyncClient]) -> None:
        self._executor, self._http = executor, http
        self._constants: dict[str, Any] = {}

    async def send(self, operation: Operation[T]) -> T:
        """Return the result of a call. Raise ``ApiError``."""
        if operation.is_constant and operation.path in self._constants:
            constant: T = self._constants[operation.path]
            return constant
        result = await self._send_with_retries(operation)
        if operation.is_constant:
            self._constants[operation.path] = result
        return result

    async def _send_with_retries(self, operation: Operation[T]) -> T:
        attempts = self._executor.attempts(operation)
        with retry.reveal_error():
            async for attempt in stamina.retry_context(attempts.retry_decision, None, self._executor.deadline):
                with attempt, retry.hide_error():
                    if wait := self._executor.wait_for_rate_limit(operation, attempts.until):
                        await asyncio.sleep(wait)
                    return await self._send_once(operation, attempts)
        raise AssertionError("stamina gives the last error")  # pragma: no cover - for the type checker

    async def aclose(self) -> None:
        """End this event loop's connections."""
        await self._http().aclose()

    async def run(self, sequence: OperationSequence[T]) -> T:
        """Make all calls of a sequence, and return what they come to."""
        try:
            operation = next(sequence)
            while True:
                try:
                    result = await self.send(operation)
                except ApiError as error:
                    with self._executor.reading(operation):
                        operation = sequence.throw(error)
                else:
                    with self._executor.reading(operation):
                        operation = sequence.send(result)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]  # a generator's result is untyped here

    async def items(self, first: Operation[Page[T]]) -> AsyncIterator[T]:
        """Yield the items of all pages. Ask for a page when its first item is wanted."""
        following: Operation[Page[T]] | None = first
        guard = PaginationLoopGuard()
        while following is not None:
            page = await self.send(following)
            if guard.is_repeated(page):
                return
            for item in page.items:
                yield item
            following = page.next

    async def _send_once(self, operation: Operation[T], attempts: retry.Attempts) -> T:
        try:
            with _private_logs():
                async with self._http().stream(**self._executor.request(operation)) as response:
                    body = BoundedBody(response, attempts.until)
                    async for piece in response.aiter_bytes():
                        body.take(piece)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._executor.no_answer(operation, error) from None
        return self._executor.result(operation, body.reply(), attempts.maybe_done)


def _announce(request: httpx.Request) -> None:
    """Raise an audit event: our pytest plugin, which listens, hears of a call also where a proxy makes it."""
    sys.audit("flask_livechat.call", request.url.host)


def _no_cookies() -> CookieJar:
    """Return a jar that takes none: all desks of a process share a client, whatever account its calls are for."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


# All clients share the settings of TLS: to read the certificates takes longer than many a call, and a client that
# awaits its calls is made for each event loop, which in Flask is for each request.
tls_context = cache(httpx.create_ssl_context)


def _client() -> httpx.Client:
    return httpx.Client(
        timeout=TIMEOUT, verify=tls_context(), cookies=_no_cookies(), event_hooks={"request": [_announce]}
    )


def _async_client() -> httpx.AsyncClient:
    async def announce(request: httpx.Request) -> None:
        _announce(request)

    return httpx.AsyncClient(
        timeout=TIMEOUT, verify=tls_context(), cookies=_no_cookies(), event_hooks={"request": [announce]}
    )


class Pool:
    """One client, and with it one set of connections, per process: a child of a fork must not use its parent's."""

    def __init__(self, make: Callable[[], httpx.Client] = _client, app: Callable[..., Any] | None = None) -> None:
        self.app = app  # of this process, that answers in the vendor's place
        self._make, self._lock, self._clients = make, Lock(), dict[int, httpx.Client]()
        in_children(self, lambda pool: setattr(pool, "_lock", Lock()))  # somebody may hold it while a child is made

    def __call__(self) -> httpx.Client:
        process = os.getpid()
        if process not in self._clients:
            with self._lock:
                self._clients.setdefault(process, self._make())
        return self._clients[process]


LOCAL = Pool(lambda: httpx.Client(timeout=TIMEOUT, verify=tls_context(), trust_env=False))
"""The pool for a server on the same machine: whatever proxy there is, it is not asked."""


def in_process(app: Callable[..., Any]) -> Pool:
    """Make a pool for an API that is a WSGI application of this process, whatever its address."""
    return Pool(lambda: httpx.Client(transport=_wsgi(app), trust_env=False), app)


def _wsgi(app: Callable[..., Any]) -> httpx.WSGITransport:
    """Give the path as PEP 3333 wants it, its bytes as characters, where httpx hands on its text."""

    def asked(environ: dict[str, Any], start_response: Any) -> Any:
        return app(environ | {"PATH_INFO": environ["PATH_INFO"].encode().decode("latin-1")}, start_response)

    return httpx.WSGITransport(asked)


class AsyncPool:
    """A desk's clients, one for each event loop, which its connections belong to."""

    def __init__(
        self, make: Callable[[], httpx.AsyncClient] = _async_client, app: Callable[..., Any] | None = None
    ) -> None:
        self.app, self._make = app, make
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()

    def __call__(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None or client.is_closed:
            client = self._clients[loop] = self._make()
        return client


def async_local() -> AsyncPool:
    """Make a pool as ``LOCAL`` is."""
    return AsyncPool(lambda: httpx.AsyncClient(timeout=TIMEOUT, verify=tls_context(), trust_env=False))


def async_in_process(app: Callable[..., Any]) -> AsyncPool:
    """Make a pool as ``in_process`` does."""
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

"""The one file that talks to vendors: what is tried again, what must not be, and what an error says."""

from __future__ import annotations

import base64
import json
import logging
import os
import pickle
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from flask_livechat import ConfigError, Problem, Unsupported
from flask_livechat.desk import http
from flask_livechat.desk.desk import open_desk
from flask_livechat.desk.http import (
    AsyncClient,
    AsyncPool,
    Client,
    ErrorDetails,
    ErrorInSuccessResponse,
    Pool,
    RequestExecutor,
)
from flask_livechat.desk.retry import Budget, budget_of
from flask_livechat.errors import (
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
from flask_livechat.operation import Operation, OperationSequence, Page, path
from flask_livechat.providers import Secrets

from .vendor import Answer, awaited, serving

SECRET = "a-token-that-nobody-may-see"


@dataclass(frozen=True)
class Acme:
    """A vendor that is no vendor."""

    base: str
    name: str = "acme"

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {SECRET}", "Accept": "application/json"}

    def unwrap(self, data: Any) -> Any:
        if data.get("ok") is False:
            raise ErrorInSuccessResponse(401)
        return data.get("data")

    def explain(self, data: Any) -> ErrorDetails:
        return ErrorDetails(data.get("message"), data.get("code"), data.get("request"), data.get("fields") or {})


class Sync:
    """Both ways of calling, behind the same face."""

    def __init__(self, server: Any, **options: Any) -> None:
        self.executor = RequestExecutor(Acme(server.url), (SECRET,), **{"deadline": 5.0} | options)
        self.http: list[httpx.Client] = []
        self.client = Client(self.executor, Pool(self._open))

    def _open(self) -> httpx.Client:
        self.http.append(httpx.Client(timeout=httpx.Timeout(0.5), verify=http.tls_context()))
        return self.http[-1]

    def close(self) -> None:
        for client in self.http:
            client.close()

    def send(self, operation: Operation[Any]) -> Any:
        return self.client.send(operation)

    def run(self, steps: OperationSequence[Any]) -> Any:
        return self.client.run(steps)

    def items(self, first: Operation[Page[Any]]) -> list[Any]:
        return [*self.client.items(first)]


class Async(Sync):
    def _awaited(self, work: Callable[[AsyncClient], Awaitable[Any]]) -> Any:
        async def whole() -> Any:
            pool = AsyncPool(lambda: httpx.AsyncClient(timeout=httpx.Timeout(0.5), verify=http.tls_context()))
            try:
                return await work(AsyncClient(self.executor, pool))
            finally:
                assert pool() is pool()
                await pool().aclose()

        return awaited(whole())

    def send(self, operation: Operation[Any]) -> Any:
        return self._awaited(lambda client: client.send(operation))

    def run(self, steps: OperationSequence[Any]) -> Any:
        return self._awaited(lambda client: client.run(steps))

    def items(self, first: Operation[Page[Any]]) -> list[Any]:
        async def items(client: AsyncClient) -> list[Any]:
            return [item async for item in client.items(first)]

        return list(self._awaited(items))


Caller = Callable[..., Sync]


@pytest.fixture(params=[Sync, Async], ids=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Iterator[Caller]:
    made: list[Sync] = []

    def make(server: Any, **options: Any) -> Sync:
        made.append(request.param(server, **options))
        return made[-1]

    yield make
    for item in made:
        item.close()


@pytest.fixture
def sync() -> Iterator[Caller]:
    made: list[Sync] = []
    yield lambda server: made.append(Sync(server)) or made[-1]  # type: ignore[func-returns-value]
    for item in made:
        item.close()


def get(name: str = "things") -> Operation[Any]:
    return Operation("GET", path("/{}", name), lambda data: data)


def post(**more: Any) -> Operation[Any]:
    return Operation("POST", "/things", lambda data: data, json={"text": "hello"}, **more)


def down(status: int = 503, **more: Any) -> Answer:
    return Answer(status, {"message": "not now"}, **more)


GOOD = Answer(data={"data": {"id": 1}})


def test_an_answer_becomes_what_the_operation_reads(call: Caller) -> None:
    with serving(GOOD) as server:
        assert call(server).send(get("a b/ü?#")) == {"id": 1}
        assert server.asked[0].path == "/a%20b%2F%C3%BC%3F%23"
        assert server.asked[0].headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("id", ["", ".", "..", "a\nb", "a\x00"])
def test_what_is_no_id_makes_no_call(id: str) -> None:
    with pytest.raises(ValueError, match="is not an id"):
        path("/things/{}", id)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_call_that_may_be_repeated_is(call: Caller, status: int) -> None:
    with serving(down(status), down(status), GOOD) as server:
        assert call(server).send(get()) == {"id": 1}
        assert len(server.asked) == 3


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_call_that_may_have_been_carried_out_is_not_repeated(call: Caller, status: int) -> None:
    with serving(down(status), GOOD) as server:
        with pytest.raises(VendorDown):
            call(server).send(post())
        assert len(server.asked) == 1


@pytest.mark.parametrize("status", [420, 429])
def test_a_call_that_was_refused_for_its_number_is_repeated(call: Caller, status: int) -> None:
    with serving(down(status), GOOD) as server:
        assert call(server).send(post()) == {"id": 1}
        assert [json.loads(asked.body) for asked in server.asked] == [{"text": "hello"}] * 2


def test_a_post_that_reached_nobody_is_repeated() -> None:
    """A connection that was refused, or not made in time, has carried nothing."""
    faults = [httpx.ConnectError("refused"), httpx.ConnectTimeout("too late")]

    def answer(request: httpx.Request) -> httpx.Response:
        if faults:
            raise faults.pop()
        return httpx.Response(200, json=GOOD.data)

    with httpx.Client(transport=httpx.MockTransport(answer)) as http:  # the network alone can refuse
        client = Client(RequestExecutor(Acme("http://acme.test"), (SECRET,), 5.0), lambda: http)
        assert client.send(post()) == {"id": 1}
    assert not faults


def test_a_post_that_the_vendor_deduplicates_is_repeated(call: Caller) -> None:
    with serving(down(), GOOD) as server:
        assert call(server).send(post(repeatable=True)) == {"id": 1}


@pytest.mark.parametrize(("operation", "asked"), [(get(), 2), (post(), 1)])
@pytest.mark.parametrize("fault", [Answer(data=GOOD.data, cut=3), Answer(data=GOOD.data, wait=0.8)])
def test_a_lost_answer_is_asked_for_again_only_where_that_is_safe(
    call: Caller, operation: Operation[Any], asked: int, fault: Answer
) -> None:
    with serving(fault, GOOD) as server:
        if asked == 2:
            assert call(server).send(operation) == {"id": 1}
        else:
            with pytest.raises((VendorDown, TimedOut)):
                call(server).send(operation)
        assert len(server.asked) == asked


def test_nobody_there_is_an_error_with_a_name(call: Caller) -> None:
    with serving(GOOD) as server:
        gone = server.url
    with pytest.raises(VendorDown, match="no answer"):
        call(_Gone(gone), deadline=0.3).send(get())


class _Gone:
    def __init__(self, url: str) -> None:
        self.url = url


@pytest.mark.needs("time")
def test_an_answer_that_drips_ends(call: Caller) -> None:
    with serving(Answer(data={"data": "x" * 200}, drip=0.1)) as server:
        begin = time.monotonic()
        with pytest.raises(TimedOut):
            call(server, deadline=0.6).send(post())
        assert time.monotonic() - begin < 3


def test_an_answer_without_an_end_ends(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_BODY_BYTES", 1000)
    with serving(Answer(data={"data": "x" * 5000})) as server, pytest.raises(VendorDown):
        call(server).send(post())


@pytest.mark.needs("time")
def test_the_vendor_says_how_long_to_wait(call: Caller) -> None:
    with serving(down(429, headers={"Retry-After": "1"}), GOOD) as server:
        begin = time.monotonic()
        assert call(server).send(get()) == {"id": 1}
        assert 1 <= time.monotonic() - begin < 3


@pytest.mark.parametrize(
    "headers",
    [
        lambda: {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=600), usegmt=True)},
        lambda: {"X-RateLimit-Reset": str(int(time.time()) + 600)},
        lambda: {"Retry-After": "600"},
    ],
)
def test_a_wait_beyond_the_deadline_is_not_waited(call: Caller, headers: Callable[[], dict[str, str]]) -> None:
    with serving(down(429, headers=headers())) as server:
        begin = time.monotonic()
        with pytest.raises(RateLimited) as caught:
            call(server).send(get())
        assert time.monotonic() - begin < 60  # of ten minutes
        assert 500 < (caught.value.retry_after or 0) <= 600
        assert len(server.asked) == 1


@pytest.mark.parametrize("value", ["soon", "", "-5", "1e400", "Thu, 99 Foo 2026", "\u0663"])
def test_a_wait_that_is_none_is_passed_over(call: Caller, value: str) -> None:
    header = value if value.isascii() else "x"
    with serving(down(429, headers={"Retry-After": header, "X-RateLimit-Reset": header}), GOOD) as server:
        assert call(server).send(get()) == {"id": 1}


def test_a_clock_that_is_wrong_does_not_wait_for_ever(call: Caller) -> None:
    with serving(down(429, headers={"X-RateLimit-Reset": "1000"}), GOOD) as server:
        assert call(server).send(get()) == {"id": 1}


def test_there_is_a_last_try(call: Caller) -> None:
    with serving(down()) as server:
        begin = time.monotonic()
        with pytest.raises(VendorDown):
            call(server, deadline=0.5).send(get())
        assert time.monotonic() - begin < 3
        assert len(server.asked) > 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Invalid), (401, Unauthorized), (403, Forbidden), (404, NotFound), (409, Conflict), (410, NotFound),
     (413, Invalid), (422, Invalid), (301, ApiError), (599, VendorDown)],
)  # fmt: skip
def test_each_status_has_its_error(call: Caller, status: int, kind: type[ApiError]) -> None:
    data = {"message": "no", "code": "bad", "request": "r-1", "fields": {"email": "is taken"}}
    with serving(Answer(status, data, headers={"Location": "http://127.0.0.1:1/"})) as server:
        with pytest.raises(kind, match=rf"acme: POST /things: {status} no; email: is taken \(request r-1\)") as caught:
            call(server).send(post())
        assert type(caught.value) is kind
        assert (caught.value.status, caught.value.code, caught.value.fields) == (status, "bad", {"email": "is taken"})
        assert len(server.asked) == 1


@pytest.mark.parametrize("body", [b"<html><h1>Bad gateway</h1>", b"", b"\xff\xfe", b"[]", b'"text"', b"[" * 100_000])
@pytest.mark.parametrize("status", [200, 404, 500])
def test_an_answer_that_is_none_is_an_error_and_no_crash(call: Caller, body: bytes, status: int) -> None:
    with serving(Answer(status, body, headers={"Content-Type": "text/html"})) as server:
        with pytest.raises(ApiError) as caught:
            call(server).send(post())
        assert len(server.asked) == 1
        assert len(caught.value.body) <= http.MAX_EXTRACT_CHARS


def test_a_failure_that_came_with_a_200_is_one(call: Caller) -> None:
    refused = Answer(data={"ok": False, "message": "auth_error"})
    with serving(refused) as server, pytest.raises(Unauthorized, match="401 auth_error"):
        call(server).send(get())


def test_no_secret_is_in_an_error_or_a_log(call: Caller, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    data = {"message": f"no such token: {SECRET}", "fields": {"token": SECRET}}
    with serving(down(), Answer(401, data)) as server, pytest.raises(Unauthorized) as caught:
        call(server).send(get())
    for text in (str(caught.value), repr(caught.value), caught.value.body, str(vars(caught.value)), caplog.text):
        assert SECRET not in text


def test_several_calls_are_one(call: Caller) -> None:
    def steps() -> OperationSequence[str]:
        first = yield get("first")
        try:
            yield get("second")
        except NotFound:
            third = yield get(f"third-{first['id']}")
        return f"{first['id']} and {third['id']}"

    with serving(GOOD, Answer(404), Answer(data={"data": {"id": 3}})) as server:
        assert call(server).run(steps()) == "1 and 3"
        assert [asked.path for asked in server.asked] == ["/first", "/second", "/third-1"]


def pages(count: int, repeat: bool = False) -> Operation[Page[Any]]:
    def page(number: int) -> Operation[Page[Any]]:
        following = page(number + 1) if number < count else None
        return Operation(
            "GET", f"/things/{1 if repeat else number}", lambda data: Page(data, following), query={"page": number}
        )

    return page(1)


def test_a_list_is_all_its_pages(call: Caller) -> None:
    with serving(*(Answer(data={"data": [n, n + 1]}) for n in (1, 3, 5))) as server:
        assert call(server).items(pages(3)) == [1, 2, 3, 4, 5, 6]
        assert server.asked[1].path == "/things/2?page=2"


def test_a_page_that_comes_again_ends_the_list(call: Caller) -> None:
    with serving(Answer(data={"data": [1, 2]})) as server:
        assert call(server).items(pages(50, repeat=True)) == [1, 2]
        assert len(server.asked) == 2


def test_an_empty_page_ends_the_list(call: Caller) -> None:
    with serving(Answer(data={"data": [1]}), Answer(data={"data": []})) as server:
        assert call(server).items(pages(50)) == [1]


def test_a_page_is_asked_for_when_it_is_wanted(sync: Caller) -> None:
    with serving(*(Answer(data={"data": [n]}) for n in range(5))) as server:
        items: Iterator[Any] = sync(server).client.items(pages(5))
        assert next(items) == 0
        assert len(server.asked) == 1


def test_connections_are_used_again_and_threads_share_them(sync: Caller) -> None:
    with serving(GOOD) as server:
        caller = sync(server)
        threads = [threading.Thread(target=lambda: [caller.send(get()) for _ in range(5)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.asked) == 40
        assert len(server.connections) <= 8


def test_a_child_of_a_fork_has_connections_of_its_own(sync: Caller) -> None:
    with serving(GOOD) as server:
        caller = sync(server)
        caller.send(get())
        child = os.fork()
        if child == 0:  # no test may go on in here
            done = caller.send(get()) == {"id": 1}
            os._exit(0 if done else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert caller.send(get()) == {"id": 1}
        assert len(server.connections) == 2


# A budget that all calls share.


def used_up(seconds: int) -> Answer:
    reset = str(int(time.time()) + seconds)
    return Answer(data=GOOD.data, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset})


@pytest.mark.needs("time")
def test_after_the_last_call_of_a_window_the_next_one_waits(call: Caller) -> None:
    with serving(used_up(2), GOOD) as server:
        caller = call(server)
        caller.send(get())
        begin = time.monotonic()
        caller.send(post())  # a call that could not be repeated is not refused either
        assert 0.5 < time.monotonic() - begin < 4
        assert len(server.asked) == 2


def test_a_wait_beyond_the_deadline_makes_no_call(call: Caller) -> None:
    with serving(used_up(600), GOOD) as server:
        caller = call(server)
        caller.send(get())
        with pytest.raises(RateLimited, match="takes no more calls for now") as caught:
            caller.send(get())
        assert 500 < (caught.value.retry_after or 0) <= 600
        assert len(server.asked) == 1


def test_what_one_desk_learns_another_heeds(call: Caller) -> None:
    with serving(down(429, headers={"Retry-After": "600"}), GOOD) as server:
        budget = Budget()
        with pytest.raises(RateLimited):
            call(server, budget=budget).send(get())
        with pytest.raises(RateLimited):
            call(server, budget=budget).send(get())
        assert len(server.asked) == 1


def test_a_budget_is_one_tokens() -> None:
    assert budget_of("https://api.test", ("a",)) is budget_of("https://api.test", ("a",))
    assert budget_of("https://api.test", ("a",)) is not budget_of("https://api.test", ("b",))


def test_a_window_that_is_over_holds_nobody(call: Caller) -> None:
    with serving(used_up(-100), GOOD) as server:
        caller = call(server)
        begin = time.monotonic()
        assert [caller.send(get()) for _ in range(2)] == [{"id": 1}] * 2
        assert time.monotonic() - begin < 20


def test_a_cookie_of_the_vendors_is_not_sent_back() -> None:
    """The connections are shared by all desks of a process, whoever they belong to."""
    with serving(Answer(headers={"Set-Cookie": "session=1"})) as server:
        client = Pool()()
        for _ in range(2):
            client.get(server.url)
        assert [asked.headers.get("cookie") for asked in server.asked] == [None, None]
        client.close()


GEVENT = """
from gevent import monkey
monkey.patch_all()
import sys, time
from datetime import UTC, datetime
import gevent
from flask_livechat.desk.desk import open_desk
from flask_livechat.providers import Secrets

values = {"WEBSITE_ID": "w", "API_IDENTIFIER": "me", "API_KEY": Secrets(("key",)), "API_TIER": "website"}
desk = open_desk("crisp", values, lambda: datetime.now(UTC), base=sys.argv[1])
start = time.monotonic()
jobs = [gevent.spawn(desk.conversations.reply, f"s{n}", "Hello") for n in range(20)]
gevent.joinall(jobs, raise_error=True)
print(len({job.value.conversation for job in jobs}), time.monotonic() - start)
"""


@pytest.mark.needs("package")
def test_greenlets_share_a_desk_and_do_not_wait_for_each_other() -> None:
    with serving(Answer(data={"error": False, "data": {"fingerprint": 1}}, wait=0.3)) as server:
        done = subprocess.run([sys.executable, "-c", GEVENT, server.url], capture_output=True, text=True, check=True)
    count, seconds = done.stdout.split()
    assert count == "20"
    assert float(seconds) < 20 * 0.3 / 2  # one after the other it would be six seconds


def test_the_log_of_httpx_has_no_addresses_of_ours(call: Caller, caplog: pytest.LogCaptureFixture) -> None:
    """In them are ids, and mail addresses of visitors. What the app itself asks of others is not touched."""
    caplog.set_level(logging.DEBUG)
    with serving(Answer()) as server:
        call(server).send(get("ada%40example.com"))
        httpx.get(f"{server.url}/the-apps-own")
    assert "ada%40example.com" not in caplog.text
    assert "/the-apps-own" in caplog.text
    assert "HTTP Request: GET http://127.0.0.1/… " in caplog.text


def test_what_a_vendor_says_of_our_credentials_is_not_repeated() -> None:
    """Also as a header has them, in a code, in an id of a request, or at length."""
    encoded = base64.b64encode(b"me:the-key").decode()
    values = {"WEBSITE_ID": "w", "API_IDENTIFIER": "me", "API_KEY": Secrets(("the-key",)), "API_TIER": "website"}
    data = {"error": True, "reason": f"bad {encoded}", "data": {"message": f"Basic {encoded} " + "x" * 100_000}}
    with serving(Answer(401, data, headers={"X-Request-Id": encoded})) as server:
        desk = open_desk("crisp", values, lambda: datetime.now(UTC), base=server.url)
        with pytest.raises(Unauthorized) as caught:
            desk.agents.availability()
    whole = f"{caught.value} {vars(caught.value)}"
    assert encoded not in whole
    assert len(str(caught.value)) < 1000


def test_the_log_of_stamina_has_neither_addresses_nor_the_vendors_words(
    call: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(Answer(503, {"message": "ada@example.com"}), Answer()) as server:
        call(server).send(get("ada%40example.com"))
    assert "example.com" not in caplog.text
    assert "example.com" not in str([vars(record) for record in caplog.records])


def test_an_error_goes_to_another_process_and_back() -> None:
    made = NotFound("no", provider="crisp", call="GET /x", status=404, fields={"a": "b"})
    again = pickle.loads(pickle.dumps(made))  # noqa: S301 - our own
    assert (type(again), str(again), vars(again)) == (NotFound, str(made), vars(made))
    for other in (Unsupported("Crisp", "x"), ConfigError([Problem("LC1", "K", "w", "f")])):
        again = pickle.loads(pickle.dumps(other))  # noqa: S301 - our own
        assert (str(again), vars(again)) == (str(other), vars(other))


def test_a_child_made_while_a_client_is_being_made_has_a_lock_of_its_own() -> None:
    pool = Pool()
    with pool._lock:
        child = os.fork()
        if child == 0:
            try:
                pool().close()
                os._exit(0)
            finally:
                os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_certificates_are_read_once_for_all_event_loops_and_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    contexts: list[object] = []
    monkeypatch.setattr(ssl, "create_default_context", lambda **options: contexts.append(options))
    http.tls_context()  # which the first call of a process reads

    async def use() -> None:
        await AsyncPool()().aclose()

    for _ in range(3):
        awaited(use())
        Pool()().close()
    assert not contexts

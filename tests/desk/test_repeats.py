"""Calls that are made again: how often a vendor is asked, and what a second DELETE means."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from flask_livechat.desk.aio import open_async_desk
from flask_livechat.desk.desk import open_desk
from flask_livechat.desk.http import AsyncPool, Pool
from flask_livechat.errors import NotFound, RateLimited, VendorDown
from flask_livechat.providers import Secrets

from .conftest import OpenVendorApi, VendorApi, now
from .vendor import Answer, Server, awaited, serving

VALUES: dict[str, dict[str, Any]] = {
    "crisp": {"WEBSITE_ID": "w", "API_IDENTIFIER": "me", "API_KEY": Secrets(("key",)), "API_TIER": "website"},
    "intercom": {"ACCESS_TOKEN": Secrets(("token",)), "API_VERSION": "2.16"},
}
CONTACT = "5f3b2c1d0e9f8a7b6c5d4e3f"


def past() -> str:
    return format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)


def limits() -> list[tuple[int, dict[str, str]]]:
    """Statuses and headers with which a vendor names no wait that anybody could keep."""
    soon = str(int(time.time()) + 1)  # of a window that is over at once, for as long as it is asked
    return [
        (429, {"Retry-After": "0"}),
        (503, {"Retry-After": "0"}),
        (429, {"Retry-After": "-5"}),
        (429, {"Retry-After": past()}),
        (420, {"X-RateLimit-Reset": "1000"}),
        (429, {"X-RateLimit-Reset": soon, "X-RateLimit-Remaining": "0"}),
        (429, {"Retry-After": "0", "X-RateLimit-Reset": str(int(time.time()))}),
    ]


def asked_in_three_seconds(server: Server, name: str, is_async: bool) -> int:
    values = VALUES[name] | {"API_KEY": Secrets((server.url,))}  # a budget of its own
    with httpx.Client() as http, pytest.raises((RateLimited, VendorDown)):
        awaited(_then_close(open_async_desk(name, values, now, None, server.url, 3), _ask)) if is_async else _ask(
            open_desk(name, values, now, Pool(lambda: http), server.url, 3)
        )
    return len(server.asked)


def _ask(desk: Any) -> Any:
    return desk.agents.availability()


async def _then_close(desk: Any, call: Any) -> None:
    async with desk:
        await call(desk)


@pytest.mark.needs("time")
@pytest.mark.usefixtures("real_pauses")
def test_a_vendor_that_says_at_once_is_asked_ten_times_in_three_seconds_at_most() -> None:
    with ExitStack() as stack, ThreadPoolExecutor(20) as pool:
        kinds = [(limit, is_async) for limit in limits() for is_async in (False, True)]
        servers = [stack.enter_context(serving(Answer(status, {}, headers))) for (status, headers), _ in kinds]
        calls = [
            pool.submit(asked_in_three_seconds, server, "crisp", is_async)
            for server, (_, is_async) in zip(servers, kinds, strict=True)
        ]
        counts = [call.result() for call in calls]
    assert all(2 <= count <= 10 for count in counts), counts


@pytest.fixture(params=["crisp", "intercom"])
def vendor_api(open_vendor_api: OpenVendorApi, request: pytest.FixtureRequest) -> VendorApi:
    return open_vendor_api(request.param, VALUES[request.param])


DELETES = {
    "crisp": [
        lambda desk: desk.contacts.forget("ada@example.com"),
        lambda desk: desk.articles.delete("en/articles/a.md"),
    ],
    "intercom": [
        lambda desk: desk.contacts.forget(CONTACT),
        lambda desk: desk.articles.delete("7"),
        lambda desk: desk.conversations.untag("5", "vip"),
    ],
}
BEFORE = [
    Answer(data={"id": "814860"}),
    Answer(data={"data": [{"id": "9", "name": "vip"}]}),
]  # what an untag asks first
LOST = [Answer(data={"ok": True}, cut=3), Answer(503), Answer(504)]


@pytest.mark.parametrize("lost", LOST, ids=["cut", "503", "504"])
def test_a_delete_whose_answer_was_lost_has_succeeded(vendor_api: VendorApi, lost: Answer) -> None:
    for delete in DELETES[vendor_api.desk.provider]:
        before = BEFORE if delete is DELETES["intercom"][-1] else []
        delete(vendor_api.answers(*before, lost, Answer(404, {})))


@pytest.mark.parametrize("lost", LOST[:2], ids=["cut", "503"])
def test_a_delete_whose_answer_was_lost_has_succeeded_for_those_who_await_it(lost: Answer) -> None:
    for name, deletes in DELETES.items():
        for delete in deletes:
            before = BEFORE if delete is DELETES["intercom"][-1] else []
            with serving(*before, lost, Answer(410, {})) as server:
                desk = open_async_desk(name, VALUES[name], now, AsyncPool(), server.url)
                awaited(_then_close(desk, delete))


def test_a_first_delete_of_nothing_says_so(vendor_api: VendorApi) -> None:
    with pytest.raises(NotFound):
        DELETES[vendor_api.desk.provider][0](vendor_api.answers(Answer(404, {})))
    assert len(vendor_api.calls) == 1


def test_a_delete_that_was_refused_before_has_deleted_nothing(vendor_api: VendorApi) -> None:
    with pytest.raises(NotFound):
        DELETES[vendor_api.desk.provider][0](vendor_api.answers(Answer(429, {}), Answer(404, {})))
    assert len(vendor_api.calls) == 2

"""A conversation that the team begins: with whom, how often, and what counts when something fails."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_livechat import LiveChatError, Unsupported, Visitor, providers, signing
from flask_livechat.desk import outreach
from flask_livechat.desk.aio import AsyncDesk, open_async_desk
from flask_livechat.desk.desk import Desk, open_desk
from flask_livechat.desk.http import async_in_process, in_process
from flask_livechat.desk.outreach import DAY, Outreach, ProcessClaims
from flask_livechat.errors import ApiError, Conflict, Invalid, NotFound, TooOften, VendorDown
from flask_livechat.sandbox import sandbox_of
from flask_livechat.testing import FakeDesk

from ..conftest import chat_of, create_app
from .conftest import OpenVendorApi, VendorApi, now
from .test_crisp import ONE, ROOT, VALUES, ok
from .vendor import Answer, awaited

ADA = Visitor(id="42", email="ada@example.com", name="Ada")
BOB = Visitor(id="43", email="bob@example.com")
VENDORS = [name for name in providers.names() if providers.api(name)]


def begins(name: str) -> bool:
    spec = providers.api(name)
    return spec is not None and "conversations.start" in spec.methods


BEGINNERS = [name for name in VENDORS if begins(name)]


def site(**config: Any) -> Flask:
    return create_app("crisp", secrets=False, LIVECHAT_SANDBOX=True, **config)


def desk_of(app: Flask, name: str) -> Desk:
    with app.app_context():
        return chat_of(app).desk(name)


def sent(app: Flask, name: str) -> list[tuple[str, str]]:
    """Author and text of all that stands in the stand-in."""
    hub = sandbox_of(app).apis[name].account.hub
    return [(line.author, line.text) for session in hub.sessions(name) for line in session.messages]


@pytest.fixture
def vendor_api(open_vendor_api: OpenVendorApi) -> VendorApi:
    return open_vendor_api("crisp", VALUES, ROOT)


# -- what the visitor gets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VENDORS)
def test_the_team_begins_a_conversation(name: str) -> None:
    app = site()
    desk = desk_of(app, name)
    if not begins(name):
        with pytest.raises(Unsupported, match=r"conversations\.start"):
            desk.conversations.start(ADA, "May we help?", author="agent")
        return
    chat = desk.conversations.start(ADA, "May we help?", author="agent")
    assert sent(app, name) == [("agent", "May we help?")]
    if chat is None:  # it is one once the visitor answers
        assert list(desk.conversations.list()) == []
        (session,) = sandbox_of(app).apis[name].account.hub.sessions(name)
        sandbox_of(app).apis[name].account.hub.say(session.key, "visitor", "Yes, please")
        (chat,) = desk.conversations.list()
    assert chat.contact is not None
    assert next(iter(desk.conversations.messages(chat.id))).author == "agent"
    assert desk.conversations.get(chat.id).contact == chat.contact


@pytest.mark.parametrize("name", BEGINNERS)
def test_who_opens_the_panel_reads_what_the_team_has_written(name: str) -> None:
    desk = desk_of(app := site(), name)
    if desk.conversations.start(ADA, "May we help?", author="agent") is not None:
        return  # it reaches them by their email
    client, secret = app.test_client(), str(providers.load(name).identity)
    with app.app_context():
        key = chat_of(app).account(name)[1][secret][0]
    proof = {"identity": {"jwt": signing.make_jwt({"user_id": ADA.id, "email": ADA.email}, key)}}
    session = (client.post(f"/livechat/sandbox/api/{name}/session", json=proof).json or {})["session"]
    answer = client.post(f"/livechat/sandbox/api/{name}/visit", json={"session": session}).json or {}
    assert [(line["author"], line["text"]) for line in answer["messages"]] == [("agent", "May we help?")]


def test_crisp_gets_the_message_last(vendor_api: VendorApi) -> None:
    desk = vendor_api.answers(ok({"session_id": "session_1"}), ok(), ok(ONE), ok({"fingerprint": 1}))
    chat = desk.conversations.start(ADA, "May we help?", author="agent")
    assert chat is not None
    assert chat.id == "session_1"
    assert vendor_api.calls == [
        ("POST", "/conversation", {}),
        ("PATCH", "/conversation/session_1/meta", {"nickname": "Ada", "email": "ada@example.com"}),
        ("GET", "/conversation/session_1", None),
        (
            "POST",
            "/conversation/session_1/message",
            {"type": "text", "from": "operator", "origin": "chat", "content": "May we help?"},
        ),
    ]


# -- how often ---------------------------------------------------------------------------------------------------------


def tries(desk: Desk, count: int, visitor: Visitor = ADA) -> int:
    """How many of so many attempts went through."""
    done = 0
    for _ in range(count):
        try:
            desk.conversations.start(visitor, "May we help?", author="agent")
        except TooOften:
            continue
        done += 1
    return done


@pytest.mark.parametrize("name", BEGINNERS)
def test_a_thousand_calls_for_one_visitor_send_one_message(name: str) -> None:
    app = site()
    assert tries(desk_of(app, name), 1000) == 1
    assert sent(app, name) == [("agent", "May we help?")]
    assert tries(desk_of(app, name), 1) == 0  # another desk of the app counts with it
    assert tries(desk_of(app, name), 1, BOB) == 1


@pytest.mark.parametrize("name", BEGINNERS)
def test_a_thousand_calls_from_threads_send_one_message(name: str) -> None:
    app = site()
    with ThreadPoolExecutor(8) as pool:
        done = sum(pool.map(lambda _: tries(desk_of(app, name), 50), range(20)))
    assert done == 1
    assert sent(app, name) == [("agent", "May we help?")]


@pytest.mark.parametrize("name", BEGINNERS)
def test_a_thousand_calls_at_once_that_are_awaited_send_one_message(name: str) -> None:
    app = site()

    async def once(desk: AsyncDesk) -> bool:
        try:
            await desk.conversations.start(ADA, "May we help?", author="agent")
        except TooOften:
            return False
        return True

    async def whole() -> int:
        with app.app_context():
            async with chat_of(app).async_desk(name) as desk:
                return sum(await asyncio.gather(*(once(desk) for _ in range(1000))))

    assert awaited(whole()) == 1
    assert sent(app, name) == [("agent", "May we help?")]


def test_whichever_vendor_it_is_the_visitor_is_written_to_once() -> None:
    app = site()
    assert [tries(desk_of(app, name), 1) for name in BEGINNERS] == [1] + [0] * (len(BEGINNERS) - 1)


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_the_limit_is_the_settings(limit: int) -> None:
    app = site(LIVECHAT_OUTREACH=limit)
    assert tries(desk_of(app, "crisp"), 10) == limit
    with pytest.raises(TooOften, match=f"LIVECHAT_OUTREACH is {limit}") as caught:
        desk_of(app, "crisp").conversations.start(ADA, "May we help?", author="agent")
    assert caught.value.limit == limit
    assert "42" not in str(caught.value)
    assert "ada" not in str(caught.value)


def test_a_day_later_the_team_may_begin_again() -> None:
    moments = [now(), now() + DAY - timedelta(seconds=1), now() + DAY]
    account = sandbox_of(app := site()).apis["crisp"]
    with app.app_context():
        values = chat_of(app).account("crisp")
    desk = open_desk(*values, lambda: moments[0], in_process(account))
    results = []
    while moments:
        results.append(tries(desk, 1))
        moments.pop(0)
    assert results == [1, 0, 1]


def test_what_visitors_begin_is_not_counted() -> None:
    app = site()
    for _ in range(3):
        desk_of(app, "crisp").conversations.start(ADA, "Hello?")
    assert tries(desk_of(app, "crisp"), 1) == 1


def test_an_account_of_a_test_counts_for_itself() -> None:
    for _ in range(2):
        desk = FakeDesk("crisp")
        assert desk.conversations.start(ADA, "May we help?", author="agent") is not None
        with pytest.raises(TooOften):
            awaited(desk.awaited().conversations.start(ADA, "May we help?", author="agent"))


# -- what fails --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("author", ["bot", "", None, "Agent"])
def test_nobody_else_begins(vendor_api: VendorApi, author: Any) -> None:
    with pytest.raises(ValueError, match="is not an author; the authors are visitor, agent"):
        vendor_api.answers(ok()).conversations.start(ADA, "x", author=author)
    with pytest.raises(ValueError, match="is not an author"):
        awaited(open_async_desk("crisp", VALUES, now).conversations.start(ADA, "x", author=author))
    assert vendor_api.calls == []


def test_a_visitor_without_an_email_is_refused_where_the_vendor_needs_one_and_is_not_counted() -> None:
    app = site()
    for _ in range(2):
        with pytest.raises(ValueError, match=r"Visitor\.email is missing"):
            desk_of(app, "crisp").conversations.start(Visitor(id="42"), "May we help?", author="agent")
    assert sandbox_of(app).apis["crisp"].account.hub.sessions("crisp") == []
    assert tries(desk_of(app, "crisp"), 1) == 1


@pytest.mark.parametrize(
    ("status", "error"), [(400, Invalid), (404, NotFound), (409, Conflict), (423, ApiError), (401, ApiError)]
)
def test_what_the_vendor_refuses_is_not_counted(vendor_api: VendorApi, status: int, error: type[Exception]) -> None:
    desk = vendor_api.answers(ok({"session_id": "session_1"}), ok(), ok(ONE), Answer(status, {}))
    with pytest.raises(error):
        desk.conversations.start(ADA, "May we help?", author="agent")
    vendor_api.answers(ok({"session_id": "session_1"}), ok(), ok(ONE), ok({"fingerprint": 1}))
    if status != 423:  # whose quota the whole process heeds
        assert tries(desk, 1) == 1


def test_what_may_have_been_sent_is_counted(vendor_api: VendorApi) -> None:
    desk = vendor_api.answers(ok({"session_id": "session_1"}), ok(), ok(ONE), Answer(500, {}))
    with pytest.raises(VendorDown):
        desk.conversations.start(ADA, "May we help?", author="agent")
    vendor_api.answers(ok({"session_id": "session_1"}), ok(), ok(ONE), ok({"fingerprint": 1}))
    assert tries(desk, 1) == 0


def test_what_is_refused_while_it_is_awaited_is_not_counted_either() -> None:
    app = site()
    with app.app_context():
        name, values = chat_of(app).account("crisp")
    pool, guard = async_in_process(sandbox_of(app).apis["crisp"]), Outreach(1)

    async def whole() -> None:
        async with open_async_desk(name, values, now, pool, outreach=guard) as desk:
            with pytest.raises(Invalid):
                await desk.conversations.start(ADA, "x" * 1_000_000, author="agent")
            assert await desk.conversations.start(ADA, "May we help?", author="agent")

    awaited(whole())


# -- where the count is kept -------------------------------------------------------------------------------------------


def test_apps_with_one_database_count_together_and_so_does_the_next_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'chat.sqlite3'}"
    first, second = (site(LIVECHAT_DATABASE_URL=url) for _ in range(2))
    with first.app_context():
        chat_of(first).store.upgrade()
    assert tries(desk_of(first, "crisp"), 3) == 1
    assert tries(desk_of(second, "crisp"), 3) == 0
    assert sent(second, "crisp") == []


def test_without_a_database_each_app_counts_for_itself() -> None:
    first, second = site(), site()
    assert [tries(desk_of(app, "crisp"), 2) for app in (first, second)] == [1, 1]


def test_nobody_is_written_to_while_it_cannot_be_counted(tmp_path: Path) -> None:
    app = site(LIVECHAT_DATABASE_URL=f"sqlite:///{tmp_path / 'chat.sqlite3'}")  # without its tables
    with pytest.raises(LiveChatError, match=r"No conversation was started, .* flask livechat db upgrade"):
        desk_of(app, "crisp").conversations.start(ADA, "May we help?", author="agent")
    assert sandbox_of(app).apis["crisp"].account.hub.sessions("crisp") == []


def test_a_database_that_fails_later_hides_no_error_of_the_vendors(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = site(LIVECHAT_DATABASE_URL=f"sqlite:///{tmp_path / 'chat.sqlite3'}")
    with app.app_context():
        store = chat_of(app).store
    store.upgrade()
    desk = desk_of(app, "crisp")
    take_back = desk._outreach.claim(ADA.id, now())
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE livechat_outreach")
    take_back()
    assert "stays counted for a day: OperationalError" in caplog.text


def test_what_a_process_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outreach, "MAX_CLAIMS", 100)
    claims, moment = ProcessClaims(), datetime(2026, 11, 1, tzinfo=UTC)
    for n in range(105):
        assert claims.claim(str(n), 1, moment) == 0
    assert len(claims._taken) == 100
    assert claims.claim("new", 1, moment + DAY) == 0
    assert len(claims._taken) == 1

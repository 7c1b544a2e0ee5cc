"""Tawk.to's API: what goes over the wire for each method, and what comes of the answers."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from flask_livechat import Unsupported, Visitor
from flask_livechat.errors import ApiError, Forbidden, Invalid, RateLimited, Unauthorized
from flask_livechat.providers import Secrets

from .conftest import OpenVendorApi, VendorApi
from .vendor import Answer

PROPERTY = "58ca8453b8a7e060cd3b1ecb"
VALUES = {"PROPERTY_ID": PROPERTY, "WIDGET_ID": "default", "REST_API_KEY": Secrets(["the-key"])}
ONE = {
    "id": "70fe3290-99ad-11e9-a30a-51567162179f",
    "personId": "p1",
    "createdOn": "2026-11-20T10:00:00.000Z",
    "visitor": {"name": "V1561719148780935", "email": "first@example.com"},
    "tags": ["vip"],
    "messages": [
        {"sender": {"t": "v"}, "type": "msg", "msg": "hello", "time": "2026-11-20T10:00:00.000Z"},
        {"sender": {"t": "a", "n": "Ada", "id": "a1"}, "type": "msg", "msg": "Hi"},
        {"sender": {"t": "s"}, "type": "msg", "msg": "Ada joined"},
        {"sender": {"t": "v"}, "type": "file", "msg": None},
    ],
}


@pytest.fixture
def vendor_api(open_vendor_api: OpenVendorApi) -> VendorApi:
    return open_vendor_api("tawk", VALUES)


def ok(data: Any, total: int | None = None) -> Answer:
    return Answer(data={"ok": True, "data": data} | ({} if total is None else {"total": total}))


def test_every_call_is_a_post_with_the_key_as_the_user(vendor_api: VendorApi) -> None:
    vendor_api.answers(ok(ONE)).conversations.get(ONE["id"])
    assert vendor_api.calls == [("POST", "/v1/chat.get", {"propertyId": PROPERTY, "chatId": ONE["id"]})]
    assert vendor_api.server.asked[0].headers["authorization"] == "Basic " + base64.b64encode(b"the-key:").decode()


def test_a_list_goes_by_offset_until_the_total(vendor_api: VendorApi) -> None:
    desk = vendor_api.answers(ok([ONE], 3), ok([ONE | {"id": "2"}, ONE | {"id": "3"}], 3))
    assert [chat.id for chat in desk.conversations.list()] == [ONE["id"], "2", "3"]
    assert [(data["offset"], data["size"]) for _, _, data in vendor_api.calls] == [(0, 50), (1, 50)]


@pytest.mark.parametrize("last", [[], [ONE]])
def test_without_a_total_it_ends_with_an_empty_page_or_one_that_comes_again(vendor_api: VendorApi, last: Any) -> None:
    assert len(list(vendor_api.answers(ok([ONE]), ok(last)).conversations.list())) == 1
    assert len(vendor_api.calls) == 2


def test_what_is_too_old_ends_it(vendor_api: VendorApi) -> None:
    old = ONE | {"id": "2", "createdOn": "2026-01-01T00:00:00.000Z"}
    desk = vendor_api.answers(ok([ONE, old]), ok([old | {"id": "3"}]), ok([ONE | {"id": "4"}]))
    result = desk.conversations.list(since=datetime(2026, 11, 1, tzinfo=UTC))
    assert [item.id for item in result] == [ONE["id"]]
    assert len(vendor_api.calls) == 2


def test_a_chat_is_read(vendor_api: VendorApi) -> None:
    desk = vendor_api.answers(ok(ONE))
    result = desk.conversations.get("x")
    assert (result.state, result.tags, result.created_at) == (
        "closed",
        ("vip",),
        datetime(2026, 11, 20, 10, tzinfo=UTC),
    )
    assert [(message.author, message.kind, message.text) for message in desk.conversations.messages("x")] == [
        ("visitor", "text", "hello"),
        ("agent", "text", "Hi"),
        ("bot", "text", "Ada joined"),
        ("visitor", "file", ""),
    ]


def test_a_person_is_found_or_not(vendor_api: VendorApi) -> None:
    person = {"person": {"names": [{"value": "Ada"}], "userId": "42", "primaryEmail": "ada@example.com"}}
    desk = vendor_api.answers(ok(person), Answer(data={"ok": False, "error": "not_found"}))
    result = desk.contacts.find(id="p1")
    assert result is not None
    assert (result.name, result.external_id, result.email) == ("Ada", "42", "ada@example.com")
    assert desk.contacts.find(id="p2") is None


def test_agents(vendor_api: VendorApi) -> None:
    desk = vendor_api.answers(ok([{"id": "a1", "name": "Ada", "email": "ada@example.com"}]))
    assert [(agent.id, agent.name) for agent in desk.agents.list()] == [("a1", "Ada")]
    assert vendor_api.calls[0][1] == "/v1/members.list"


@pytest.mark.parametrize(
    ("code", "kind"), [("auth_error", Unauthorized), ("permission_denied", Forbidden), ("what_is_that", Invalid)]
)
def test_a_failure_may_come_with_a_200(vendor_api: VendorApi, code: str, kind: type[ApiError]) -> None:
    with pytest.raises(kind, match=code):
        vendor_api.answers(Answer(data={"ok": False, "error": code})).conversations.get("x")


def test_too_many_calls_may_come_with_a_200_and_are_waited_for(vendor_api: VendorApi) -> None:
    limited = Answer(data={"ok": False, "error": "rate_limited"})
    assert vendor_api.answers(limited, ok(ONE)).conversations.get("x").id == ONE["id"]
    with pytest.raises(RateLimited):
        vendor_api.answers(
            Answer(429, {"ok": False, "error": "rate_limited"}, {"Retry-After": "600"})
        ).conversations.get("x")


@pytest.mark.parametrize(
    "call",
    [
        lambda desk: desk.conversations.reply("x", "hello"),
        lambda desk: desk.conversations.start(Visitor(id="42"), "hello"),
        lambda desk: desk.conversations.close("x"),
        lambda desk: desk.conversations.list(state="open"),
        lambda desk: desk.contacts.find(email="a@example.com"),
        lambda desk: desk.contacts.upsert(Visitor(id="42")),
        lambda desk: desk.articles.get("1"),
        lambda desk: desk.agents.availability(),
    ],
)
def test_what_nobody_has_seen_work_is_not_offered(vendor_api: VendorApi, call: Any) -> None:
    with pytest.raises(Unsupported, match=r"Tawk\.to"):
        call(vendor_api.answers(ok({})))
    assert vendor_api.server.asked == []


@pytest.mark.parametrize("id", ["", " ", "a\nb"])
def test_what_is_no_id_makes_no_call(vendor_api: VendorApi, id: str) -> None:
    with pytest.raises(ValueError, match="is not an id"):
        vendor_api.answers(ok({})).conversations.get(id)
    assert vendor_api.server.asked == []


@pytest.mark.parametrize("when", ["yesterday", "2026-13-40T00:00:00Z", "", 7, None, {"at": 1}])
def test_a_list_outlives_a_date_that_cannot_be_read(vendor_api: VendorApi, when: Any) -> None:
    desk = vendor_api.answers(ok([ONE | {"id": "2", "createdOn": when}, ONE], 2))
    result = list(desk.conversations.list(since=datetime(2026, 11, 1, tzinfo=UTC)))
    assert [(item.id, item.created_at is None) for item in result] == [("2", True), (ONE["id"], False)]


def test_a_list_outlives_what_cannot_be_read(vendor_api: VendorApi, caplog: pytest.LogCaptureFixture) -> None:
    result = list(vendor_api.answers(ok([{"visitor": {}}, None, ONE], 3)).conversations.list())
    assert [item.id for item in result] == [ONE["id"]]
    assert "2 of 3 Tawk.to chats of a list could not be read and are left out: KeyError" in caplog.text


def test_messages_outlive_one_that_cannot_be_read(vendor_api: VendorApi) -> None:
    result = vendor_api.answers(ok(ONE | {"messages": [None, *ONE["messages"]]})).conversations.messages(ONE["id"])
    assert [item.text for item in result][:2] == ["hello", "Hi"]


@pytest.mark.parametrize("data", [None, {}, "x"])
def test_a_list_of_another_shape_is_an_error(vendor_api: VendorApi, data: Any) -> None:
    with pytest.raises(ApiError, match="not what the vendor documents"):
        list(vendor_api.answers(ok(data)).conversations.list())

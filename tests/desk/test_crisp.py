"""Crisp's API: what goes over the wire for each method, and what comes of the answers."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from flask_livechat import Company, ConfigError, Unsupported, Visitor
from flask_livechat.desk.desk import open_desk
from flask_livechat.errors import ApiError, Forbidden, NotFound, RateLimited
from flask_livechat.providers import Secrets

from .conftest import OpenVendorApi, VendorApi, now
from .vendor import Answer

WEBSITE = "42286ab3-b29a-4fde-8538-da0ae501d825"
ROOT = f"/v1/website/{WEBSITE}"
VALUES = {
    "WEBSITE_ID": WEBSITE,
    "API_IDENTIFIER": "identifier",
    "API_KEY": Secrets(["the-key"]),
    "API_TIER": "plugin",
}
ONE = {
    "session_id": "session_1",
    "people_id": "p1",
    "state": "unresolved",
    "created_at": 1790000000000,
    "updated_at": 1790000001000,
    "assigned": {"user_id": "a1"},
    "meta": {"nickname": "First Visitor", "email": "first@example.com", "segments": ["vip"], "data": {"plan": "pro"}},
}
SAID = {"session_id": "session_1", "fingerprint": 7, "type": "text", "from": "user", "content": "hello"}


def ok(data: Any = None) -> Answer:
    return Answer(data={"error": False, "reason": "resolved", "data": {} if data is None else data})


@pytest.fixture
def vendor_api(open_vendor_api: OpenVendorApi) -> VendorApi:
    return open_vendor_api("crisp", VALUES, ROOT)


def test_every_call_says_who_we_are_and_with_which_token(vendor_api: VendorApi) -> None:
    vendor_api.answers(ok(ONE)).conversations.get("session_1")
    headers = vendor_api.server.asked[0].headers
    assert headers["authorization"] == "Basic " + base64.b64encode(b"identifier:the-key").decode()
    assert headers["x-crisp-tier"] == "plugin"


def test_a_list_goes_on_until_an_empty_page(vendor_api: VendorApi) -> None:
    result = list(vendor_api.answers(ok([ONE]), ok([ONE | {"session_id": "session_2"}]), ok([])).conversations.list())
    assert [item.id for item in result] == ["session_1", "session_2"]
    assert [path.partition("?")[0] for _, path, _ in vendor_api.calls] == [f"/conversations/{n}" for n in (1, 2, 3)]


def test_a_list_is_narrowed_by_the_vendor(vendor_api: VendorApi) -> None:
    since = datetime(2026, 11, 1, 12, tzinfo=UTC)
    list(vendor_api.answers(ok([])).conversations.list(state="closed", since=since))
    query = vendor_api.calls[0][1].partition("?")[2]
    assert "filter_resolved=1" in query
    assert "filter_date_start=2026-11-01T12%3A00%3A00Z" in query


def test_a_conversation_is_read(vendor_api: VendorApi) -> None:
    result = vendor_api.answers(ok(ONE)).conversations.get("session_1")
    assert (result.state, result.agent, result.tags) == ("open", "a1", ("vip",))
    assert result.created_at == datetime.fromtimestamp(1790000000, UTC)
    assert result.contact is not None
    assert (result.contact.name, result.contact.attributes) == ("First Visitor", {"plan": "pro"})
    assert "first@example.com" not in repr(result)


def test_messages_are_in_the_order_in_which_they_were_said(vendor_api: VendorApi) -> None:
    def page(*numbers: int) -> Answer:
        return ok([SAID | {"fingerprint": n, "timestamp": 1790000000000 + n, "content": str(n)} for n in numbers])

    result = list(vendor_api.answers(page(3, 4), page(1, 2, 3), page(1)).conversations.messages("session_1"))
    assert [item.text for item in result] == ["1", "2", "3", "4"]
    assert [path.partition("?")[2] for _, path, _ in vendor_api.calls] == [
        "",
        "timestamp_before=1790000000003",
        "timestamp_before=1790000000001",
    ]


@pytest.mark.parametrize(
    ("data", "author", "kind"),
    [
        ({}, "visitor", "text"),
        ({"from": "operator"}, "agent", "text"),
        ({"from": "operator", "automated": True}, "bot", "text"),
        ({"from": "operator", "type": "note"}, "agent", "note"),
        ({"type": "file", "content": {"name": "a.png", "url": "https://x"}}, "visitor", "file"),
        ({"type": "unheard-of", "content": None}, "visitor", "other"),
    ],
)
def test_who_said_it_and_what_it_is(vendor_api: VendorApi, data: dict[str, Any], author: str, kind: str) -> None:
    (result,) = vendor_api.answers(ok([SAID | data | {"timestamp": 1}]), ok([])).conversations.messages("session_1")
    assert (result.author, result.kind) == (author, kind)


def test_a_conversation_is_started_in_the_visitors_name(vendor_api: VendorApi) -> None:
    visitor = Visitor(id="42", name="First Visitor", email="first@example.com", attributes={"plan": "pro"})
    desk = vendor_api.answers(ok({"session_id": "session_1"}), ok(), ok({"fingerprint": 1}), ok(ONE))
    assert desk.conversations.start(visitor, "It broke (error 4711).").id == "session_1"
    assert vendor_api.calls == [
        ("POST", "/conversation", {}),
        ("PATCH", "/conversation/session_1/meta",
         {"nickname": "First Visitor", "email": "first@example.com", "data": {"plan": "pro"}}),
        ("POST", "/conversation/session_1/message",
         {"type": "text", "from": "user", "origin": "chat", "content": "It broke (error 4711)."}),
        ("GET", "/conversation/session_1", None),
    ]  # fmt: skip


def test_a_reply_and_a_note_are_told_apart(vendor_api: VendorApi) -> None:
    desk = vendor_api.answers(ok({"fingerprint": 1}))
    assert desk.conversations.reply("session_1", "Hello").author == "agent"
    assert desk.conversations.note("session_1", "Rude").kind == "note"
    assert [data["type"] for _, _, data in vendor_api.calls] == ["text", "note"]
    assert {data["from"] for _, _, data in vendor_api.calls} == {"operator"}


@pytest.mark.parametrize(
    ("call", "path", "data"),
    [
        (lambda chats: chats.assign("s", "a1"), "routing", {"assigned": {"user_id": "a1"}}),
    ],
)
def test_an_agent_is_set_and_may_be_set_again(vendor_api: VendorApi, call: Any, path: str, data: Any) -> None:
    call(vendor_api.answers(Answer(503), ok()).conversations)
    assert vendor_api.calls == [("PATCH", f"/conversation/s/{path}", data)] * 2


CHANGES = [
    (lambda chats: chats.close("s"), "unresolved", "resolved"),
    (lambda chats: chats.close("s"), "pending", "resolved"),
    (lambda chats: chats.reopen("s"), "resolved", "unresolved"),
]


@pytest.mark.parametrize(("call", "before", "after"), CHANGES)
def test_a_state_is_asked_for_and_set_and_may_be_set_again(
    vendor_api: VendorApi, call: Any, before: str, after: str
) -> None:
    call(vendor_api.answers(ok({"state": before}), Answer(503), ok()).conversations)
    change = ("PATCH", "/conversation/s/state", {"state": after})
    assert vendor_api.calls == [("GET", "/conversation/s/state", None), change, change]


@pytest.mark.parametrize(("call", "before", "after"), CHANGES)
def test_what_is_in_that_state_already_is_left_alone(vendor_api: VendorApi, call: Any, before: str, after: str) -> None:
    call(vendor_api.answers(ok({"state": after})).conversations)
    assert vendor_api.calls == [("GET", "/conversation/s/state", None)]


def test_tags_are_added_to_those_that_are_there(vendor_api: VendorApi) -> None:
    meta = ok({"segments": ["vip", "old"]})
    vendor_api.answers(meta, ok(), meta, ok(), meta).conversations.tag("s", "vip", "new")
    vendor_api.desk.conversations.untag("s", "old")
    vendor_api.desk.conversations.tag("s", "vip")  # nothing changes: nothing is sent
    assert [data for _, _, data in vendor_api.calls if data] == [
        {"segments": ["vip", "old", "new"]},
        {"segments": ["vip"]},
    ]


def test_a_contact_is_found_by_its_address_or_not(vendor_api: VendorApi) -> None:
    person = {"people_id": "p1", "email": "a/b@example.com", "person": {"nickname": "A"}}
    nobody = Answer(404, {"error": True, "reason": "not_found"})
    result = vendor_api.answers(ok(person), ok({"data": {"plan": "pro"}}), nobody).contacts.find(
        email="a/b@example.com"
    )
    assert result is not None
    assert (result.id, result.attributes) == ("p1", {"plan": "pro"})
    assert vendor_api.desk.contacts.find(email="b@example.com") is None
    assert vendor_api.calls[0][1] == "/people/profile/a%2Fb%40example.com"


def test_a_contact_that_somebody_else_makes_meanwhile_is_changed(vendor_api: VendorApi) -> None:
    visitor = Visitor(id="42", email="a@example.com", name="A", attributes={"plan": "pro"})
    person = ok({"people_id": "p1", "email": "a@example.com"})
    desk = vendor_api.answers(Answer(404), Answer(409), ok(), ok(), person, ok({"data": {"plan": "pro"}}))
    assert desk.contacts.upsert(visitor).id == "p1"
    assert [method for method, _, _ in vendor_api.calls] == ["PATCH", "POST", "PATCH", "PATCH", "GET", "GET"]
    assert vendor_api.calls[3][2] == {"data": {"plan": "pro"}}


def test_a_company_goes_with_the_contact(vendor_api: VendorApi) -> None:
    company = Company("acme", "Acme", website="https://acme.example", spend=49, industry="Retail")
    person = ok({"people_id": "p1", "email": "a@example.com"})
    vendor_api.answers(ok(), person, ok()).contacts.upsert(Visitor("42", email="a@example.com", company=company))
    data = {"email": "a@example.com", "company": {"name": "Acme", "url": "https://acme.example"}}
    assert vendor_api.calls[0] == ("PATCH", "/people/profile/a%40example.com", data)


def test_a_contact_whose_answer_was_lost_is_not_made_twice(vendor_api: VendorApi) -> None:
    person = ok({"people_id": "p1", "email": "a@example.com"})
    desk = vendor_api.answers(Answer(404), replace(ok(), cut=3), Answer(409), ok(), person, ok({"data": {}}))
    assert desk.contacts.upsert(Visitor(id="42", email="a@example.com", name="A")).id == "p1"
    assert [method for method, _, _ in vendor_api.calls] == ["PATCH", "POST", "POST", "PATCH", "GET", "GET"]


def test_the_conversations_of_a_contact_are_asked_for_one_by_one(vendor_api: VendorApi) -> None:
    desk = vendor_api.answers(ok(["session_1"]), ok([]), ok(ONE))
    assert [contact.id for contact in desk.contacts.conversations("p1")] == ["session_1"]


def test_an_event_and_the_end_of_a_contact(vendor_api: VendorApi) -> None:
    desk = vendor_api.answers(ok())
    desk.contacts.event("p1", "bought", {"plan": "pro"})
    desk.contacts.forget("p1")
    assert [(method, path) for method, path, _ in vendor_api.calls] == [
        ("POST", "/people/events/p1"), ("DELETE", "/people/profile/p1")]  # fmt: skip


def test_agents(vendor_api: VendorApi) -> None:
    desk = vendor_api.answers(
        ok([{"type": "operator", "details": {"user_id": "a1", "first_name": "Ada", "email": "ada@example.com"}}]),
        ok({"status": "online", "since": 1}),
    )
    assert [(agent.id, agent.name) for agent in desk.agents.list()] == [("a1", "Ada")]


def test_whether_somebody_is_there(vendor_api: VendorApi) -> None:
    assert vendor_api.answers(ok({"status": "away", "since": 1})).agents.availability() == "away"


def test_an_error_says_what_the_vendor_says(vendor_api: VendorApi) -> None:
    refused = Answer(403, {"error": True, "reason": "not_allowed", "data": {"message": "Scope is missing"}})
    with pytest.raises(Forbidden, match="403 Scope is missing") as caught:
        vendor_api.answers(refused).conversations.get("session_1")
    assert caught.value.code == "not_allowed"
    with pytest.raises(NotFound, match="404 not_found"):
        vendor_api.answers(Answer(404, {"error": True, "reason": "not_found"})).conversations.get("session_1")


def test_what_crisp_cannot_do_is_said_before_a_call(vendor_api: VendorApi) -> None:
    with pytest.raises(Unsupported, match=r"conversations\.snooze is not supported by Crisp"):
        vendor_api.answers(ok()).conversations.snooze("s", datetime.now(UTC))
    assert not vendor_api.desk.can("conversations.snooze")
    assert vendor_api.server.asked == []


@pytest.mark.parametrize(
    "wrong",
    [
        lambda desk: desk.conversations.get(""),
        lambda desk: desk.conversations.get(".."),
        lambda desk: desk.conversations.reply("s", "  "),
        lambda desk: desk.conversations.reply("s\n", "hello"),
        lambda desk: desk.conversations.list(since=datetime(2026, 1, 1)),
        lambda desk: desk.contacts.find(),
        lambda desk: desk.contacts.find(id="1", email="a@example.com"),
        lambda desk: desk.contacts.upsert(Visitor(id="42")),
        lambda desk: desk.conversations.tag("s", ""),
    ],
)
def test_what_no_vendor_could_take_makes_no_call(vendor_api: VendorApi, wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"id|text|datetime|email"):
        wrong(vendor_api.answers(ok()))
    assert vendor_api.server.asked == []


def test_ids_of_all_kinds_stay_one_part_of_the_address(vendor_api: VendorApi) -> None:
    vendor_api.answers(ok(ONE)).conversations.get("a/b?c#d\u00fc\U0001f680 %2F")
    assert vendor_api.calls[0][1] == "/conversation/a%2Fb%3Fc%23d%C3%BC%F0%9F%9A%80%20%252F"


def test_a_key_that_is_missing_is_named() -> None:
    with pytest.raises(
        ConfigError, match=r"LC103 LIVECHAT_CRISP_API_KEY: is needed for the desk\. Settings > API tokens"
    ):
        open_desk("crisp", {"WEBSITE_ID": WEBSITE, "API_IDENTIFIER": "identifier"}, now)


def test_nothing_shows_the_key(vendor_api: VendorApi) -> None:
    vendor_api.answers(Answer(401, {"error": True, "reason": "invalid: the-key"}))
    with pytest.raises(Exception, match="401") as caught:
        vendor_api.desk.conversations.get("s")
    for text in (str(caught.value), repr(vendor_api.desk._vendor), repr(vars(vendor_api.desk))):
        assert "the-key" not in text


def test_open_and_pending_ones_are_told_apart_here(vendor_api: VendorApi) -> None:
    """The vendor has one filter for both. A page on which none is wanted is not the last."""
    waiting, mine = ONE | {"state": "pending"}, ONE | {"session_id": "session_2"}
    desk = vendor_api.answers(ok([waiting]), ok([mine]), ok([]))
    assert [chat.id for chat in desk.conversations.list("open")] == ["session_2"]
    desk = vendor_api.answers(ok([waiting]), ok([mine]), ok([]))
    assert [chat.id for chat in desk.conversations.list("pending")] == ["session_1"]
    desk = vendor_api.answers(ok([waiting]), ok([mine]), ok([]))
    assert list(desk.conversations.list("snoozed")) == []


def test_a_state_that_is_none_is_said(vendor_api: VendorApi) -> None:
    with pytest.raises(ValueError, match="'bogus' is not a state; the states are open, pending, snoozed, closed"):
        vendor_api.desk.conversations.list("bogus")  # type: ignore[arg-type]  # which is the point


# -- lists and answers of another shape ------------------------------------------------------------------------------

ODD = [{"state": "resolved"}, "session_x", {**ONE, "meta": ["x"]}, None, {**ONE, "session_id": "s3", "meta": None}]


def test_a_list_outlives_what_cannot_be_read(vendor_api: VendorApi, caplog: pytest.LogCaptureFixture) -> None:
    result = list(vendor_api.answers(ok([ONE, *ODD]), ok([])).conversations.list())
    assert [item.id for item in result] == ["session_1", "s3"]
    assert "4 of 6 Crisp conversations of a list could not be read and are left out: KeyError" in caplog.text


def test_a_page_of_which_nothing_can_be_read_is_not_the_last(vendor_api: VendorApi) -> None:
    result = list(vendor_api.answers(ok(["x"]), ok([ONE]), ok([])).conversations.list())
    assert [item.id for item in result] == ["session_1"]


@pytest.mark.parametrize("data", [{}, {"conversations": []}, "x", 7])
def test_what_is_no_list_is_an_error(vendor_api: VendorApi, data: Any) -> None:
    with pytest.raises(ApiError, match="not what the vendor documents"):
        list(vendor_api.answers(Answer(data={"error": False, "data": data})).conversations.list())


def test_messages_outlive_one_that_cannot_be_read(vendor_api: VendorApi) -> None:
    data = SAID | {"timestamp": 1790000000000}
    odd = [{"content": "x"}, data | {"fingerprint": 8, "timestamp": "soon"}]
    result = list(vendor_api.answers(ok([*odd, data]), ok([])).conversations.messages("s"))
    assert [(item.id, item.at is None) for item in result] == [("8", True), ("7", False)]


def test_conversations_of_a_contact_outlive_one_that_was_removed(vendor_api: VendorApi) -> None:
    desk = vendor_api.answers(ok(["s0", "session_1"]), ok([]), Answer(404, {"reason": "not_found"}), ok(ONE))
    assert [contact.id for contact in desk.contacts.conversations("p1")] == ["session_1"]


@pytest.mark.parametrize("data", [Answer(404, {"reason": "not_found"}), ok(), ok({"data": None}), ok({"data": "x"})])
def test_a_profile_without_data_is_a_contact_all_the_same(vendor_api: VendorApi, data: Answer) -> None:
    result = vendor_api.answers(ok({"people_id": "p1", "email": "first@example.com"}), data).contacts.find(id="p1")
    assert result is not None
    assert (result.id, result.attributes) == ("p1", {})


def test_articles_of_a_language_in_which_nothing_is_written_are_none(vendor_api: VendorApi) -> None:
    assert list(vendor_api.answers(Answer(404, {"reason": "not_found"})).articles.list("fr")) == []


def test_an_inventory_asks_for_the_branches_that_a_tree_leaves_out(vendor_api: VendorApi) -> None:
    tree = [{"slug": "billing", "type": "folder"}, {"slug": "start.md", "type": "file", "title": "How?"}]
    answers = (
        ok([{"locale": "en"}]),
        ok([]),
        ok(tree),
        ok([]),
        ok([{"slug": "refund.md", "type": "file", "title": "Why?"}]),
        ok([]),
    )
    articles = vendor_api.answers(*answers).inventory().articles
    assert {article.path: article.title for article in articles} == {"start": "How?", "billing/refund": "Why?"}


def test_articles_outlive_one_without_a_place(vendor_api: VendorApi) -> None:
    listed = [{"title": "Lost"}, {"title": "Livrer", "tree_path": "livrer.md"}]
    assert [article.id for article in vendor_api.answers(ok(listed), ok([])).articles.list("fr")] == [
        "fr/articles/livrer.md"
    ]


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "3600"}])
def test_a_day_whose_quota_is_spent_is_not_asked_again(vendor_api: VendorApi, headers: dict[str, str]) -> None:
    spent = Answer(423, {"error": True, "reason": "quota_limit_exceeded"}, headers)
    with pytest.raises(RateLimited) as caught:
        vendor_api.answers(spent).agents.availability()
    assert len(vendor_api.calls) == 1
    assert caught.value.retry_after == (3600 if headers else None)


def test_a_contact_that_has_just_been_made_may_not_be_known_everywhere_yet(vendor_api: VendorApi) -> None:
    missing, made = Answer(404, {"reason": "not_found"}), ok({"people_id": "p1"})
    profile = ok({"people_id": "p1", "email": "first@example.com"})
    desk = vendor_api.answers(missing, made, missing, missing, profile, ok({"data": {}}), missing, ok())
    assert desk.contacts.upsert(Visitor("42", email="first@example.com")).id == "p1"
    desk.contacts.event("p1", "bought")
    assert len(vendor_api.calls) == 8


def test_a_contact_that_was_deleted_again_is_not_waited_for(vendor_api: VendorApi) -> None:
    missing, made = Answer(404, {"reason": "not_found"}), ok({"people_id": "p1"})
    profile = ok({"people_id": "p1", "email": "first@example.com"})
    desk = vendor_api.answers(missing, made, profile, ok({"data": {}}), ok(), missing)
    desk.contacts.upsert(Visitor("42", email="first@example.com"))
    desk.contacts.forget("p1")
    assert desk.contacts.find(email="first@example.com") is None
    assert len(vendor_api.calls) == 6

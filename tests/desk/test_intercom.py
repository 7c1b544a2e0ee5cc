"""Intercom's API: what goes over the wire for each method, and what comes of the answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from flask_livechat import Company, Visitor, providers
from flask_livechat.desk.aio import AsyncDesk, open_async_desk
from flask_livechat.errors import ApiError, ConfigError, Conflict, Forbidden, Invalid, NotFound
from flask_livechat.model import Message
from flask_livechat.providers import Secrets

from .conftest import OpenVendorApi, VendorApi, now
from .vendor import Answer, awaited, serving

VALUES = {"APP_ID": "abc12345", "ACCESS_TOKEN": Secrets(["the-token"]), "API_VERSION": "2.16"}
WHO = "64f0c1d2e3f4a5b6c7d8e9f0"
ME = Answer(data={"type": "admin", "id": "814860", "name": "Ada"})
CONTACT = {"type": "contact", "id": WHO, "external_id": "42", "email": "first@example.com", "signed_up_at": 1790000000}
ONE = {
    "type": "conversation",
    "id": "215",
    "state": "open",
    "created_at": 1790000000,
    "updated_at": 1790000100,
    "admin_assignee_id": 814860,
    "source": {"id": "1", "body": "hello", "subject": "", "author": {"type": "user", "name": "First Visitor"}},
    "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": WHO, "external_id": "42"}]},
    "tags": {"type": "tag.list", "tags": [{"type": "tag", "id": "7", "name": "vip"}]},
    "conversation_parts": {
        "conversation_parts": [
            {"id": "2", "part_type": "comment", "body": "Hi", "author": {"type": "admin", "name": "Ada"}},
            {"id": "3", "part_type": "note", "body": "rude", "author": {"type": "admin"}, "created_at": 1790000050},
            {"id": "4", "part_type": "close", "body": None, "author": {"type": "admin"}},
            {"id": "5", "part_type": "comment", "body": "I am a bot", "author": {"type": "bot"}},
        ]
    },
}
VISITOR = Visitor(id="42", email="first@example.com", name="First Visitor", attributes={"plan": "pro"})
SAID = {
    "role": "user",
    "external_id": "42",
    "email": "first@example.com",
    "name": "First Visitor",
    "custom_attributes": {"plan": "pro"},
}


@pytest.fixture
def vendor_api(open_vendor_api: OpenVendorApi) -> VendorApi:
    return open_vendor_api("intercom", VALUES)


def ok(data: Any = None) -> Answer:
    return Answer(data=data or {})


def listed(*items: Any, key: str = "conversations", after: str | None = None) -> Answer:
    following = {"page": 2, "starting_after": after} if after else None
    return ok({"type": "list", key: [*items], "total_count": 1, "pages": {"type": "pages", "next": following}})


def test_every_call_says_who_we_are_and_which_version_we_speak(vendor_api: VendorApi) -> None:
    vendor_api.answers(ok(ONE)).conversations.get("215")
    headers = vendor_api.server.asked[0].headers
    assert headers["authorization"] == "Bearer the-token"
    assert headers["intercom-version"] == "2.16"
    assert headers["accept"] == "application/json"


@pytest.mark.parametrize(
    ("region", "base"),
    [(None, "https://api.intercom.io"), ("eu", "https://api.eu.intercom.io"), ("au", "https://api.au.intercom.io")],
)
def test_each_region_has_its_own_address(region: str | None, base: str) -> None:
    spec = providers.api("intercom")
    assert spec is not None
    assert spec.base({"REGION": region}) == base


def test_a_list_without_conditions_follows_the_cursor_in_the_address(vendor_api: VendorApi) -> None:
    result = list(vendor_api.answers(listed(ONE, after="c1"), listed(ONE | {"id": "216"})).conversations.list())
    assert [item.id for item in result] == ["215", "216"]
    assert [path for _, path, _ in vendor_api.calls] == [
        "/conversations?per_page=150", "/conversations?per_page=150&starting_after=c1"]  # fmt: skip


def test_a_list_with_conditions_is_a_search_whose_cursor_is_in_the_body(vendor_api: VendorApi) -> None:
    desk = vendor_api.answers(listed(ONE, after="c1"), listed(ONE | {"id": "216"}))
    since = datetime(2026, 11, 1, tzinfo=UTC)
    assert len(list(desk.conversations.list(state="closed", since=since))) == 2
    query = {
        "operator": "AND",
        "value": [
            {"field": "state", "operator": "=", "value": "closed"},
            {"field": "updated_at", "operator": ">", "value": int(since.timestamp())},
        ],
    }
    assert vendor_api.calls == [
        ("POST", "/conversations/search", {"query": query, "pagination": {"per_page": 150}}),
        ("POST", "/conversations/search", {"query": query, "pagination": {"per_page": 150, "starting_after": "c1"}}),
    ]


def test_a_vendor_that_gives_the_same_cursor_for_ever_is_left(vendor_api: VendorApi) -> None:
    assert len(list(vendor_api.answers(listed(ONE, after="c1")).conversations.list())) == 1
    assert len(vendor_api.calls) == 2


@pytest.mark.parametrize("following", [None, {}, "https://api.intercom.io/conversations?page=2", {"page": 2}])
def test_the_last_page_says_so_in_many_ways(vendor_api: VendorApi, following: Any) -> None:
    answer = ok({"conversations": [ONE], "pages": {"next": following, "per_page": "150"}})
    assert len(list(vendor_api.answers(answer).conversations.list())) == 1
    assert len(vendor_api.calls) == 1


def test_a_conversation_is_read(vendor_api: VendorApi) -> None:
    result = vendor_api.answers(ok(ONE)).conversations.get("215")
    assert (result.state, result.agent, result.tags) == ("open", "814860", ("vip",))
    assert result.contact is not None
    assert (result.contact.id, result.contact.external_id) == (WHO, "42")
    assert vendor_api.calls[0][1] == "/conversations/215?display_as=plaintext"


@pytest.mark.parametrize("nobody", [None, 0])
def test_a_conversation_of_which_little_is_said_is_read(vendor_api: VendorApi, nobody: Any) -> None:
    result = vendor_api.answers(ok({"id": 215, "open": False, "admin_assignee_id": nobody})).conversations.get("215")
    assert (result.id, result.state, result.agent, result.contact, result.tags) == ("215", "closed", None, None, ())


def test_messages_are_the_first_one_and_the_parts_that_say_something(vendor_api: VendorApi) -> None:
    result = list(vendor_api.answers(ok(ONE)).conversations.messages("215"))
    assert [(item.author, item.kind, item.text) for item in result] == [
        ("visitor", "text", "hello"),
        ("agent", "text", "Hi"),
        ("agent", "note", "rude"),
        ("bot", "text", "I am a bot"),
    ]


def test_a_conversation_is_started_by_the_contact_and_found_by_its_own_id(vendor_api: VendorApi) -> None:
    desk = vendor_api.answers(ok(CONTACT), ok({"type": "user_message", "id": "999", "conversation_id": "215"}), ok(ONE))
    assert desk.conversations.start(VISITOR, "It broke.").id == "215"
    assert vendor_api.calls == [
        ("POST", "/contacts", SAID),
        ("POST", "/conversations", {"from": {"type": "user", "id": WHO}, "body": "It broke."}),
        ("GET", "/conversations/215?display_as=plaintext", None),
    ]


def test_what_is_said_is_said_by_whose_token_it_is(vendor_api: VendorApi) -> None:
    desk = vendor_api.answers(ME, ok(ONE))
    assert desk.conversations.reply("215", "Hello").conversation == "215"
    desk.conversations.note("215", "rude")
    assert vendor_api.calls == [
        ("GET", "/me", None),
        ("POST", "/conversations/215/reply",
         {"message_type": "comment", "type": "admin", "admin_id": "814860", "body": "Hello"}),
        ("POST", "/conversations/215/reply",
         {"message_type": "note", "type": "admin", "admin_id": "814860", "body": "rude"}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "data"),
    [
        (lambda chats: chats.close("215"), {"message_type": "close", "type": "admin"}),
        (lambda chats: chats.reopen("215"), {"message_type": "open"}),
        (
            lambda chats: chats.snooze("215", datetime(2026, 12, 1, tzinfo=UTC)),
            {"message_type": "snoozed", "snoozed_until": 1796083200},
        ),
    ],
)
def test_a_part_changes_the_conversation(vendor_api: VendorApi, call: Any, data: Any) -> None:
    before = "closed" if data["message_type"] == "open" else "open"
    call(vendor_api.answers(ok(ONE | {"state": before}), ME, ok(ONE)).conversations)
    assert vendor_api.calls[2] == ("POST", "/conversations/215/parts", data | {"admin_id": "814860"})


def test_an_agent_is_assigned(vendor_api: VendorApi) -> None:
    vendor_api.answers(ME, ok(ONE)).conversations.assign("215", "7")
    data = {"message_type": "assignment", "type": "admin", "assignee_id": "7", "admin_id": "814860"}
    assert vendor_api.calls[1] == ("POST", "/conversations/215/parts", data)


UNTIL = 1796083200


@pytest.mark.parametrize(
    ("call", "before"),
    [
        (lambda chats: chats.close("215"), {"state": "closed"}),
        (lambda chats: chats.reopen("215"), {"state": "open"}),
        (
            lambda chats: chats.snooze("215", datetime(2026, 12, 1, tzinfo=UTC)),
            {"state": "snoozed", "snoozed_until": UNTIL},
        ),
    ],
)
def test_what_is_so_already_is_left_alone(vendor_api: VendorApi, call: Any, before: Any) -> None:
    call(vendor_api.answers(ok(ONE | before)).conversations)
    assert [method for method, _, _ in vendor_api.calls] == ["GET"]


def test_what_is_snoozed_until_another_moment_is_snoozed_anew(vendor_api: VendorApi) -> None:
    snoozed = ok(ONE | {"state": "snoozed", "snoozed_until": UNTIL - 60})
    vendor_api.answers(snoozed, ME, ok(ONE)).conversations.snooze("215", datetime(2026, 12, 1, tzinfo=UTC))
    assert vendor_api.calls[2][2]["snoozed_until"] == UNTIL


def test_tags_are_named_by_us_and_numbered_by_the_vendor(vendor_api: VendorApi) -> None:
    desk = vendor_api.answers(ME, ok({"id": "7"}), ok(), ok({"data": [{"id": "7", "name": "vip"}]}), ok())
    desk.conversations.tag("215", "vip")
    desk.conversations.untag("215", "vip", "unheard-of")
    assert vendor_api.calls[1:] == [
        ("POST", "/tags", {"name": "vip"}),
        ("POST", "/conversations/215/tags", {"id": "7", "admin_id": "814860"}),
        ("GET", "/tags", None),
        ("DELETE", "/conversations/215/tags/7", {"admin_id": "814860"}),
    ]


def test_a_contact_that_there_is_is_changed(vendor_api: VendorApi) -> None:
    there = {
        "errors": [{"code": "conflict", "message": f"A contact matching those details already exists with id={WHO}"}]
    }
    desk = vendor_api.answers(Answer(409, {"type": "error.list"} | there), ok(CONTACT), ok(CONTACT))
    assert desk.contacts.upsert(VISITOR).id == WHO
    assert vendor_api.calls == [
        ("POST", "/contacts", SAID), ("GET", f"/contacts/{WHO}", None), ("PUT", f"/contacts/{WHO}", SAID)]  # fmt: skip


ACME = Company("acme", "Acme", "pro", spend=49, size=7, industry="Retail", attributes={"seats": "12"})


def test_a_company_is_made_first_and_its_contact_attached(vendor_api: VendorApi) -> None:
    desk = vendor_api.answers(ok({"type": "company", "id": "5f"}), ok(CONTACT), ok())
    assert desk.contacts.upsert(replace(VISITOR, company=ACME)).id == WHO
    data = {"company_id": "acme", "name": "Acme", "plan": "pro", "monthly_spend": 49, "size": 7, "industry": "Retail"}
    assert vendor_api.calls == [
        ("POST", "/companies", data | {"custom_attributes": {"seats": "12"}}),
        ("POST", "/contacts", SAID),
        ("POST", f"/contacts/{WHO}/companies", {"id": "5f"}),
    ]


def test_a_contact_who_belongs_to_the_company_is_not_attached_again(vendor_api: VendorApi) -> None:
    member = ok(CONTACT | {"companies": {"type": "list", "data": [{"type": "company", "id": "5f"}]}})
    vendor_api.answers(ok({"id": "5f"}), member).contacts.upsert(replace(VISITOR, company=ACME))
    assert [path for _, path, _ in vendor_api.calls] == ["/companies", "/contacts"]


def test_a_company_that_is_refused_leaves_the_contact_as_it_was(vendor_api: VendorApi) -> None:
    refused = Answer(400, {"errors": [{"code": "bad_request", "message": "bad 'size' parameter"}]})
    with pytest.raises(Invalid, match="bad 'size' parameter"):
        vendor_api.answers(refused).contacts.upsert(replace(VISITOR, company=ACME))
    assert [path for _, path, _ in vendor_api.calls] == ["/companies"]


def test_a_company_with_an_id_that_is_too_long_is_refused_before_any_call(vendor_api: VendorApi) -> None:
    with pytest.raises(ValueError, match=r"Company\.id is longer"):
        vendor_api.answers(ok()).contacts.upsert(replace(VISITOR, company=Company("x" * 256)))
    assert vendor_api.calls == []


def test_a_contact_whose_answer_was_lost_is_not_made_twice(vendor_api: VendorApi) -> None:
    there = {"errors": [{"code": "conflict", "message": f"A contact already exists with id={WHO}"}]}
    desk = vendor_api.answers(replace(ok(CONTACT), cut=3), Answer(409, there), ok(CONTACT), ok(CONTACT))
    assert desk.contacts.upsert(VISITOR).id == WHO
    assert [method for method, _, _ in vendor_api.calls] == ["POST", "POST", "GET", "PUT"]


def test_a_conflict_that_names_nobody_is_looked_up_and_else_told(vendor_api: VendorApi) -> None:
    conflict = Answer(409, {"errors": [{"code": "conflict", "message": "already exists"}]})
    assert vendor_api.answers(conflict, listed(CONTACT, key="data"), ok(CONTACT)).contacts.upsert(VISITOR).id == WHO
    with pytest.raises(Conflict):
        vendor_api.answers(conflict, listed(key="data")).contacts.upsert(VISITOR)


@pytest.mark.parametrize(
    ("asked", "data"),
    [
        ({"id": "42"}, {"field": "external_id", "operator": "=", "value": "42"}),
        ({"email": "a@example.com"}, {"field": "email", "operator": "=", "value": "a@example.com"}),
    ],
)
def test_a_contact_is_found_by_your_id_or_the_address(vendor_api: VendorApi, asked: dict[str, str], data: Any) -> None:
    desk = vendor_api.answers(listed(CONTACT, key="data"), listed(key="data"))
    result = desk.contacts.find(**asked)
    assert result is not None
    assert (result.id, result.external_id) == (WHO, "42")
    assert desk.contacts.find(**asked) is None
    assert vendor_api.calls[0][2]["query"] == data


def test_a_contact_is_found_by_the_vendors_id(vendor_api: VendorApi) -> None:
    missing = Answer(404, {"errors": [{"code": "not_found"}]})
    desk = vendor_api.answers(ok(CONTACT), missing, listed(key="data"))
    assert desk.contacts.find(id=WHO) is not None
    assert desk.contacts.find(id=WHO) is None
    assert vendor_api.calls[0][1] == f"/contacts/{WHO}"


def test_an_event_is_answered_with_nothing_and_may_be_sent_again(vendor_api: VendorApi) -> None:
    desk = vendor_api.answers(Answer(503), Answer(202, b""), Answer(202, b""))
    desk.contacts.event(WHO, "bought", {f"k{n}": n for n in range(12)})
    desk.contacts.event("42", "bought")
    (first, again, other) = (data for _, _, data in vendor_api.calls)
    assert first == again
    assert (first["id"], len(first["metadata"]), first["created_at"]) == (WHO, 10, 1795219200)
    assert other["user_id"] == "42"


def test_the_conversations_and_the_end_of_a_contact(vendor_api: VendorApi) -> None:
    desk = vendor_api.answers(listed(ONE), ok({"id": WHO, "deleted": True}))
    assert [contact.id for contact in desk.contacts.conversations(WHO)] == ["215"]
    desk.contacts.forget(WHO)
    assert vendor_api.calls[0][2]["query"] == {"field": "contact_ids", "operator": "=", "value": WHO}
    assert vendor_api.calls[1][:2] == ("DELETE", f"/contacts/{WHO}")


def test_articles(vendor_api: VendorApi) -> None:
    draft = {"id": "55", "title": "How to", "state": "draft", "default_locale": "en", "updated_at": 1790000000}
    desk = vendor_api.answers(
        ME, ok(draft), ok(draft | {"state": "published"}), ok(draft), ok(draft), ok({"deleted": True})
    )
    assert desk.articles.create("How to", "So").published is False
    assert desk.articles.publish("55").published is True
    desk.articles.unpublish("55")
    desk.articles.update("55", body="New")
    desk.articles.delete("55")
    assert vendor_api.calls[1:] == [
        ("POST", "/articles", {"title": "How to", "body_markdown": "So", "author_id": 814860, "state": "draft"}),
        ("PUT", "/articles/55", {"state": "published"}),
        ("PUT", "/articles/55", {"state": "draft"}),
        ("PUT", "/articles/55", {"body_markdown": "New"}),
        ("DELETE", "/articles/55", None),
    ]
    pages = ok({"data": [draft, draft | {"id": "56", "default_locale": "de"}]}), ok({"data": []})
    assert [result.id for result in vendor_api.answers(*pages).articles.list("de")] == ["56"]
    result = vendor_api.answers(ok({"data": {"articles": [draft], "highlights": []}})).articles.search("how")
    assert [item.title for item in result] == ["How to"]


@pytest.mark.parametrize(
    ("admins", "expected"),
    [
        ([{"id": "1", "has_inbox_seat": True, "away_mode_enabled": False}], "online"),
        ([{"id": "1", "has_inbox_seat": True, "away_mode_enabled": True}], "away"),
        ([{"id": "1", "has_inbox_seat": False, "away_mode_enabled": False}], "offline"),
    ],
)
def test_whether_somebody_is_there(vendor_api: VendorApi, admins: Any, expected: str) -> None:
    desk = vendor_api.answers(ok({"type": "admin.list", "admins": admins}))
    assert desk.agents.availability() == expected
    assert [agent.id for agent in desk.agents.list()] == ["1"]


@pytest.mark.parametrize(
    ("status", "errors", "kind", "expected"),
    [
        (403, [{"code": "api_plan_restricted", "message": "Not in your plan"}], Forbidden, "403 Not in your plan"),
        (404, [{"code": "conversation_not_found"}], NotFound, "404 conversation_not_found"),
        (400, [{"code": "parameter_invalid", "message": "no", "field": "email"}], Invalid, "400 no; email: no"),
        (422, None, Invalid, "422"),
    ],
)
def test_an_error_says_what_the_vendor_says(
    vendor_api: VendorApi, status: int, errors: Any, kind: Any, expected: str
) -> None:
    answer = Answer(status, {"type": "error.list", "request_id": "r-1", "errors": errors})
    with pytest.raises(kind, match=expected) as caught:
        vendor_api.answers(answer).conversations.get("215")
    assert caught.value.request_id == "r-1"


def test_a_contact_of_somebody_else_is_not_taken_over(vendor_api: VendorApi) -> None:
    """A 409 may come for the address alone, which two of the app's users may share."""
    there = f"A contact matching those details already exists with id={WHO}"
    refused = Answer(409, {"type": "error.list", "errors": [{"code": "conflict", "message": there}]})
    desk = vendor_api.answers(refused, ok(CONTACT | {"external_id": "another"}))
    with pytest.raises(Conflict):
        desk.contacts.upsert(VISITOR)
    assert [method for method, _, _ in vendor_api.calls] == ["POST", "GET"]


# -- lists and answers of another shape ------------------------------------------------------------------------------


def test_a_list_outlives_what_cannot_be_read(vendor_api: VendorApi, caplog: pytest.LogCaptureFixture) -> None:
    odd = [
        {"type": "conversation"},
        None,
        ONE | {"id": "8", "created_at": "soon"},
        ONE | {"id": "9", "tags": {"tags": 7}},
    ]
    result = list(vendor_api.answers(listed(ONE, *odd)).conversations.list())
    assert [item.id for item in result] == ["215", "8"]
    assert result[1].created_at is None
    assert "3 of 5 Intercom conversations of a list could not be read" in caplog.text


@pytest.mark.parametrize("answer", [{}, {"conversations": None}, [], {"conversations": [], "pages": 7}])
def test_a_list_of_another_shape_is_an_error(vendor_api: VendorApi, answer: Any) -> None:
    with pytest.raises(ApiError, match="not what the vendor documents"):
        list(vendor_api.answers(Answer(data=answer)).conversations.list())


@pytest.mark.parametrize(
    "odd", [{"source": ["x"]}, {"conversation_parts": "x"}, {"source": {"body": "x"}, "contacts": 7}]
)
def test_steps_over_json_of_another_shape_end_in_an_error_of_the_desks(vendor_api: VendorApi, odd: Any) -> None:
    with pytest.raises(ApiError, match="not what the vendor documents"):
        list(vendor_api.answers(ok(ONE | odd)).conversations.messages("215"))


def test_steps_that_are_awaited_end_in_the_same_error() -> None:
    async def messages(desk: AsyncDesk) -> list[Message]:
        async with desk:
            return [message async for message in desk.conversations.messages("215")]

    with serving(ok(ONE | {"conversation_parts": "x"})) as server, pytest.raises(ApiError, match="not what the vendor"):
        awaited(messages(open_async_desk("intercom", VALUES, now, None, server.url)))


FRENCH = {"type": "article_content", "title": "Livraison", "body": "<p>Vite</p>", "state": "published", "url": "u"}


@pytest.mark.parametrize(("locale", "titles"), [("fr", ["Livraison"]), ("FR", ["Livraison"]), ("en", ["Delivery"])])
def test_articles_of_a_language_are_those_translated_into_it_too(
    vendor_api: VendorApi, locale: str, titles: list[str]
) -> None:
    translated = {"type": "article_translated_content", "fr": FRENCH, "de": None}
    draft = {"id": "1", "title": "Delivery", "default_locale": "en", "state": "draft", "translated_content": translated}
    other = {"id": "2", "title": "Liefern", "default_locale": "de", "translated_content": None}
    result = list(
        vendor_api.answers(ok({"data": [other]}), ok({"data": [draft]}), ok({"data": []})).articles.list(locale)
    )
    assert [item.title for item in result] == titles
    assert [(item.locale or "").lower() for item in result] == [locale.lower()]
    assert result[0].published is (titles == ["Livraison"])
    assert result[0].raw["id"] == "1"


@pytest.mark.parametrize(
    "message",
    [
        f"An archived contact matching those details already exists with id={WHO}",
        f"A contact matching those details already exists but is archived (id={WHO})",
        "A matching contact is archived",
    ],
)
def test_an_archived_contact_is_said_with_what_brings_it_back(vendor_api: VendorApi, message: str) -> None:
    conflict = Answer(409, {"type": "error.list", "errors": [{"code": "conflict", "message": message}]})
    with pytest.raises(Conflict, match=r"the contact is archived: desk\.raw\.request") as caught:
        vendor_api.answers(conflict).contacts.upsert(VISITOR)
    assert len(vendor_api.calls) == 1
    assert caught.value.status == 409
    assert (f"/contacts/{WHO}/unarchive" in str(caught.value)) is ("id=" in message)


def test_whoever_has_just_been_made_may_not_be_known_everywhere_yet(vendor_api: VendorApi) -> None:
    missing = Answer(404, {"errors": [{"code": "not_found", "message": "User Not Found"}]})
    began = ok({"conversation_id": "215"})
    desk = vendor_api.answers(ok(CONTACT), missing, missing, began, ok(ONE), missing, Answer(202, b""))
    assert desk.conversations.start(VISITOR, "Hello").id == "215"
    desk.contacts.event("42", "bought")
    assert len(vendor_api.calls) == 7


def test_an_app_whose_ids_look_like_the_vendors_finds_its_people(vendor_api: VendorApi) -> None:
    """MongoDB's do."""
    mine = CONTACT | {"external_id": "507f1f77bcf86cd799439011"}
    missing = Answer(404, {"errors": [{"code": "not_found"}]})
    for find in (
        lambda desk: desk.contacts.find(id="507f1f77bcf86cd799439011"),
        lambda desk: next(desk.contacts.find_all(id="507f1f77bcf86cd799439011")),
    ):
        result = find(vendor_api.answers(missing, listed(mine, key="data")))
        assert result.id == WHO


def test_all_who_have_an_address_are_found(vendor_api: VendorApi) -> None:
    other = CONTACT | {"id": "7" * 24, "external_id": None, "role": "lead"}
    desk = vendor_api.answers(listed(CONTACT, key="data", after="c"), listed(other, key="data"))
    assert [contact.id for contact in desk.contacts.find_all(email="first@example.com")] == [WHO, "7" * 24]
    assert vendor_api.calls[1][2]["pagination"]["starting_after"] == "c"


def test_everybody_is_found_or_it_is_an_error(vendor_api: VendorApi) -> None:
    """An erasure that passes over somebody must not say that it is complete."""
    with pytest.raises(ApiError, match="not what the vendor documents"):
        list(
            vendor_api.answers(listed(CONTACT, {"type": "contact"}, key="data")).contacts.find_all(
                email="a@example.com"
            )
        )


def test_a_search_that_leads_back_ends(vendor_api: VendorApi) -> None:
    desk = vendor_api.answers(ok(CONTACT), listed(CONTACT, key="data", after="c"))
    assert len(list(desk.contacts.find_all(id=WHO))) == 1
    assert len(vendor_api.calls) == 3


def test_an_article_in_another_language_is_a_translation_with_all_its_fields(vendor_api: VendorApi) -> None:
    text = {"type": "article_content", "title": "Wie", "body_markdown": "So\n", "author_id": 7, "state": "draft"}
    known = {"id": "55", "title": "How", "default_locale": "en", "translated_content": {"type": "x", "de": text}}
    desk = vendor_api.answers(ok(known), ME, ok(known))
    assert desk.articles.publish("55", locale="de").title == "Wie"
    sent = vendor_api.calls[-1][2]["translated_content"]["de"]
    assert sent == text | {"state": "published"}


def test_an_article_goes_into_the_collection_of_that_name_which_is_made_once(vendor_api: VendorApi) -> None:
    billing = {"id": "7", "name": "Billing", "parent_id": None}
    desk = vendor_api.answers(ME, ok({"data": [billing]}), ok({"id": "8"}), ok({"id": "55", "title": "How"}))
    desk.articles.create("How", "So", category={"billing": "Billing", "billing/cards": "Cards"})
    assert [call[2] for call in vendor_api.calls if call[0] == "POST"] == [
        {"name": "Cards", "parent_id": "7"},
        {
            "title": "How",
            "body_markdown": "So",
            "author_id": 814860,
            "state": "draft",
            "parent_id": 8,
            "parent_type": "collection",
        },
    ]


def test_of_collections_with_one_name_the_oldest_in_the_right_place_is_taken(vendor_api: VendorApi) -> None:
    entries = [
        {"id": "3", "name": "Cards", "parent_id": None},
        {"id": "7", "name": "Billing", "parent_id": None},
        {"id": "12", "name": "Cards", "parent_id": "7"},
        {"id": "9", "name": "Cards", "parent_id": 7},
    ]
    desk = vendor_api.answers(ME, ok({"data": entries}), ok({"id": "55", "title": "How"}))
    desk.articles.create("How", "So", category={"billing": "Billing", "billing/cards": "Cards"})
    assert vendor_api.calls[-1][2]["parent_id"] == 9


def test_articles_in_markdown_need_the_version_that_has_it(open_vendor_api: OpenVendorApi) -> None:
    desk = open_vendor_api("intercom", VALUES | {"API_VERSION": "2.15"}).desk
    for call in (
        lambda: desk.articles.create("How", "So"),
        lambda: desk.articles.update("55", body="So"),
        desk.inventory,
    ):
        with pytest.raises(ConfigError, match=r"LIVECHAT_INTERCOM_API_VERSION: is 2\.15, .*Markdown came with 2\.16"):
            call()

"""The stand-ins of the REST APIs are as strict as the vendors are documented to be, and survive whatever is sent."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import Client, TestResponse

from flask_livechat.sandbox.api import Rest
from flask_livechat.sandbox.hub import Hub
from flask_livechat.sandbox.records import MAX_RECORDS, Shelf
from flask_livechat.sandbox.stand_in import load, open_account

WEBSITE, PROPERTY, APP = "42286ab3-b29a-4fde-8538-da0ae501d825", "58ca8453b8a7e060cd3b1ecb", "abc12345"
VALUES: dict[str, dict[str, object]] = {
    "crisp": {"WEBSITE_ID": WEBSITE, "API_IDENTIFIER": "me", "API_KEY": ("new", "old"), "API_TIER": "website"},
    "intercom": {"APP_ID": APP, "ACCESS_TOKEN": ("new", "old"), "API_VERSION": "2.16"},
    "tawk": {"PROPERTY_ID": PROPERTY, "REST_API_KEY": ("new", "old")},
}


def basic(name: str, key: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{key}".encode()).decode()


HEADERS = {
    "crisp": {"Authorization": basic("me", "new"), "X-Crisp-Tier": "website"},
    "intercom": {"Authorization": "Bearer new", "Intercom-Version": "2.16"},
    "tawk": {"Authorization": basic("new", "")},
}
SOMETHING = {
    "crisp": ("GET", f"/v1/website/{WEBSITE}/conversations/1", None),
    "intercom": ("GET", "/conversations", None),
    "tawk": ("POST", "/v1/chat.list", {"propertyId": PROPERTY}),
}


class Asker:
    def __init__(self, name: str) -> None:
        self.name, self.hub = name, Hub()
        self.api: Rest = open_account(name, VALUES[name], self.hub)
        self.client = Client(self.api)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        said = {} if body is None else {"json": body}
        return self.client.open(path, method=method, headers=HEADERS[self.name] | headers, **said)


@pytest.fixture(params=list(VALUES))
def asker(request: pytest.FixtureRequest) -> Asker:
    return Asker(request.param)


@pytest.fixture
def intercom() -> Asker:
    return Asker("intercom")


@pytest.fixture
def crisp() -> Asker:
    return Asker("crisp")


def codes(answer: TestResponse) -> list[str]:
    return [one["code"] for one in answer.json["errors"]]  # type: ignore[index]  # JSON


@pytest.mark.parametrize("key", ["new", "old"])
def test_each_secret_of_a_rotation_is_taken(asker: Asker, key: str) -> None:
    mine = {"crisp": basic("me", key), "intercom": f"Bearer {key}", "tawk": basic(key, "whatever")}
    assert asker.ask(*SOMETHING[asker.name], Authorization=mine[asker.name]).status_code == 200


@pytest.mark.parametrize("said", ["", "Bearer", "Bearer wrong", "Basic", "Basic %%%", basic("me", "wrong"), "x" * 5000])
def test_credentials_that_are_wrong_are_refused(asker: Asker, said: str) -> None:
    answer = asker.ask(*SOMETHING[asker.name], Authorization=said)
    assert answer.status_code == 401
    assert b"new" not in answer.data


def test_credentials_of_another_scheme_are_refused(asker: Asker) -> None:
    said = {
        "crisp": 'Digest username="me", password="new"',
        "intercom": basic("new", "new"),
        "tawk": 'Digest username="new"',
    }
    assert asker.ask(*SOMETHING[asker.name], Authorization=said[asker.name]).status_code == 401


def test_whose_key_it_is_counts_too(crisp: Asker) -> None:
    assert crisp.ask(*SOMETHING["crisp"], Authorization=basic("another", "new")).status_code == 401


def test_one_vendors_conversations_are_not_in_anothers_api() -> None:
    asker = Asker("crisp")
    key = asker.hub.create("tawk")
    asker.hub.say(key, "visitor", "Hello?")
    assert asker.ask("GET", f"/v1/website/{WEBSITE}/conversation/{key}").status_code == 404


@pytest.mark.parametrize("number", ["9" * 20, "000000001" + "9" * 5000, "-1", "1.5", "\u0661"])
def test_a_number_that_is_none_is_refused(crisp: Asker, number: str) -> None:
    path = f"/v1/website/{WEBSITE}/conversations/1"
    answer = crisp.client.get(path, query_string={"per_page": number}, headers=HEADERS["crisp"])
    assert answer.status_code == 400


def test_a_contact_does_not_take_anothers_name(intercom: Asker) -> None:
    intercom.ask("POST", "/contacts", {"external_id": "1"})
    other = intercom.ask("POST", "/contacts", {"external_id": "2"}).json["id"]  # type: ignore[index]  # JSON
    assert intercom.ask("PUT", f"/contacts/{other}", {"external_id": "1"}).status_code == 409
    assert codes(intercom.ask("POST", "/contacts", {"role": "emperor"})) == ["parameter_invalid"]


def test_without_its_tier_header_crisp_refuses_a_token(crisp: Asker) -> None:
    assert crisp.ask(*SOMETHING["crisp"], **{"X-Crisp-Tier": ""}).status_code == 401
    assert crisp.ask(*SOMETHING["crisp"], **{"X-Crisp-Tier": "user"}).status_code == 401


def test_a_version_that_there_is_not_is_refused(intercom: Asker) -> None:
    answer = intercom.ask("GET", "/me", **{"Intercom-Version": "9.99"})
    assert (answer.status_code, codes(answer)) == (400, ["intercom_version_invalid"])


def test_an_address_that_there_is_not_is_not_found(asker: Asker) -> None:
    answer = asker.ask("POST" if asker.name == "tawk" else "GET", "/v1/nonsense", {} if asker.name == "tawk" else None)
    if asker.name == "tawk":  # a failure comes with a 200
        assert (answer.status_code, answer.json) == (
            200,
            {"ok": False, "error": "not_found", "message": "there is no such route"},
        )
    else:
        assert answer.status_code == 404


def test_a_failure_of_tawk_comes_with_a_200(crisp: Asker) -> None:
    answer = Asker("tawk").ask("POST", "/v1/chat.get", {"propertyId": PROPERTY, "chatId": "none"})
    assert (answer.status_code, answer.json) == (200, {"ok": False, "error": "not_found"})


def test_another_property_than_ours_is_forbidden() -> None:
    assert Asker("tawk").ask("POST", "/v1/chat.list", {"propertyId": "other"}).status_code == 403


def test_another_website_than_ours_is_not_found(crisp: Asker) -> None:
    assert crisp.ask("GET", "/v1/website/other/conversations/1").status_code == 404


def test_what_is_no_json_is_refused(intercom: Asker) -> None:
    headers = HEADERS["intercom"]
    form = intercom.client.post("/contacts", data={"email": "a"}, headers=headers)
    broken = intercom.client.post("/contacts", data=b"{", content_type="application/json", headers=headers)
    huge = intercom.client.post("/contacts", data=b"x" * 3_000_000, content_type="application/json", headers=headers)
    assert [one.status_code for one in (form, broken, huge)] == [415, 400, 413]


def test_intercom_says_how_many_calls_are_left_and_then_refuses(intercom: Asker) -> None:
    first = intercom.ask("GET", "/me")
    assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == ("1666", "1665")
    for _ in range(1665):
        intercom.api._meter.take()  # type: ignore[union-attr]  # there is one
    refused = intercom.ask("GET", "/me")
    assert (refused.status_code, codes(refused)) == (429, ["rate_limit_exceeded"])
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert int(refused.headers["X-RateLimit-Reset"]) % 10 == 0


def test_crisp_names_no_limits_in_headers(crisp: Asker) -> None:
    assert not [name for name in crisp.ask(*SOMETHING["crisp"]).headers.keys() if "ratelimit" in name.lower()]


def test_a_cursor_in_the_address_of_a_search_gives_the_first_page_again(intercom: Asker) -> None:
    for n in range(3):
        intercom.ask("POST", "/contacts", {"external_id": str(n)})
    query = {"query": {"field": "role", "operator": "=", "value": "user"}, "pagination": {"per_page": 1}}
    first = intercom.ask("POST", "/contacts/search", query).json
    again = intercom.ask("POST", "/contacts/search?starting_after=1", query).json
    query["pagination"]["starting_after"] = first["pages"]["next"]["starting_after"]  # type: ignore[index]  # JSON
    second = intercom.ask("POST", "/contacts/search", query).json
    assert first["data"] == again["data"] != second["data"]  # type: ignore[index]  # JSON


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"field": "email"},
        {"field": "email", "operator": "LIKE", "value": "a"},
        {"field": "email", "operator": "IN", "value": 5},
        {"field": "shoe_size", "operator": "=", "value": 1},
        {"field": "created_at", "operator": ">", "value": "today"},
        {"operator": "AND", "value": []},
        {"operator": "AND", "value": [{"field": "email", "operator": "=", "value": str(n)} for n in range(16)]},
        {"operator": "AND", "value": [{"operator": "OR", "value": [{"operator": "AND", "value": [{}]}]}]},
        {"operator": "AND", "value": ["email"]},
    ],
)
def test_a_search_that_the_grammar_does_not_allow_is_refused(intercom: Asker, query: Any) -> None:
    intercom.ask("POST", "/contacts", {"external_id": "1"})
    assert intercom.ask("POST", "/contacts/search", {"query": query}).status_code == 400


@pytest.mark.parametrize(
    ("operator", "value", "found"),
    [
        ("=", "ada@example.com", True),
        ("!=", "ada@example.com", False),
        ("IN", ["x", "ada@example.com"], True),
        ("NIN", ["ada@example.com"], False),
        ("~", "EXAMPLE", True),
        ("!~", "example", False),
        ("^", "ada", True),
        ("$", ".org", False),
    ],
)
def test_a_search_compares_as_the_grammar_says(intercom: Asker, operator: str, value: Any, found: bool) -> None:
    intercom.ask("POST", "/contacts", {"email": "ada@example.com"})
    query = {"field": "email", "operator": operator, "value": value}
    assert bool(intercom.ask("POST", "/contacts/search", {"query": query}).json["data"]) is found  # type: ignore[index]  # JSON


def test_a_contact_needs_something_to_be_known_by(intercom: Asker) -> None:
    assert codes(intercom.ask("POST", "/contacts", {"name": "Ada"})) == ["parameter_not_found"]


def test_an_event_told_twice_is_kept_once(intercom: Asker) -> None:
    intercom.ask("POST", "/contacts", {"external_id": "42"})
    event = {"event_name": "bought", "created_at": 1790000000, "user_id": "42"}
    answers = [intercom.ask("POST", "/events", event) for _ in range(2)]
    assert [(one.status_code, one.data) for one in answers] == [(202, b"")] * 2
    (person,) = intercom.api.account.people.all()
    assert len(person.events) == 1


def test_untagging_needs_a_body(intercom: Asker) -> None:
    key = intercom.hub.create("intercom")
    intercom.hub.say(key, "visitor", "Hello?")
    number = intercom.hub.look(key).number
    tag = intercom.ask("POST", "/tags", {"name": "vip"}).json["id"]  # type: ignore[index]  # JSON
    intercom.ask("POST", f"/conversations/{number}/tags", {"id": tag, "admin_id": "814860"})
    assert intercom.ask("DELETE", f"/conversations/{number}/tags/{tag}").status_code == 400
    assert intercom.ask("DELETE", f"/conversations/{number}/tags/{tag}", {"admin_id": "814860"}).status_code == 200


def test_nobody_is_assigned_by_a_nought(intercom: Asker) -> None:
    key = intercom.hub.create("intercom")
    intercom.hub.say(key, "visitor", "Hello?")
    number, said = intercom.hub.look(key).number, {"message_type": "assignment", "type": "admin", "admin_id": "814860"}
    intercom.ask("POST", f"/conversations/{number}/parts", said | {"assignee_id": "814861"})
    answer = intercom.ask("POST", f"/conversations/{number}/parts", said | {"assignee_id": "0"})
    assert answer.json["admin_assignee_id"] == 0  # type: ignore[index]  # JSON
    older = intercom.ask("GET", f"/conversations/{number}", **{"Intercom-Version": "2.11"})
    assert older.json["admin_assignee_id"] is None  # type: ignore[index]  # JSON


def test_the_old_help_centre_of_crisp_takes_nothing(crisp: Asker) -> None:
    answer = crisp.ask("POST", f"/v1/website/{WEBSITE}/helpdesk/locale/en/article", {"title": "x"})
    assert answer.json["reason"] == "website_cannot_write_to_legacy_helpdesk"  # type: ignore[index]  # JSON


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"type": "text", "from": "user", "content": "x"},
        {"type": "text", "from": "nobody", "origin": "chat", "content": "x"},
        {"type": "note", "from": "user", "origin": "chat", "content": "x"},
        {"type": "text", "from": "user", "origin": "chat", "content": " "},
        {"type": "text", "from": "user", "origin": "chat", "content": {"a": 1}},
    ],
)
def test_a_message_that_lacks_something_is_refused(crisp: Asker, said: Any) -> None:
    key = crisp.hub.create("crisp", "session_")
    assert crisp.ask("POST", f"/v1/website/{WEBSITE}/conversation/{key}/message", said).status_code == 400
    assert not crisp.hub.look(key).messages


def test_pages_of_crisp_have_twenty_to_fifty(crisp: Asker) -> None:
    assert crisp.ask("GET", f"/v1/website/{WEBSITE}/conversations/1?per_page=51").status_code == 400


def test_messages_of_one_moment_are_not_torn_apart(crisp: Asker) -> None:
    hub = crisp.hub
    hub.clock = lambda: 1790000000.0
    key = hub.create("crisp", "session_")
    for n in range(60):
        hub.say(key, "visitor", str(n))
    found = crisp.ask("GET", f"/v1/website/{WEBSITE}/conversation/{key}/messages").json["data"]  # type: ignore[index]  # JSON
    assert len(found) == 60


def test_a_shelf_is_bounded() -> None:
    shelf = Shelf[int]()
    for n in range(MAX_RECORDS + 5):
        shelf.put(str(n), n)
    assert len(shelf.all()) == MAX_RECORDS
    assert shelf.get("0") is None


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = (
    "email external_id role custom_attributes query pagination message_type type admin_id body from content origin "
    "data segments state assigned propertyId chatId personId fields size offset event_name created_at metadata name id "
    "user_id snoozed_until assignee_id title author_id person nickname signed_up_at starting_after field operator "
    "value company_id customer intercom_user_id attachment_urls to into sessions participants blocked automated "
    "fingerprint choices targets text explain url duration fingerprints subject monthly_spend"
).split()
WORDS = "user lead admin team close open snoozed assignment comment note text file operator resolved 814860 42 0"
QUERY = (
    "per_page starting_after page search_filter search_type filter_date_start timestamp_before timestamp_after state"
)


@pytest.mark.needs("time")
@pytest.mark.parametrize("name", list(VALUES))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_sent_gets_an_answer_and_can_be_told(name: str, data: st.DataObject) -> None:
    """One call after another, so that what one of them has left meets the next one."""
    asker = Asker(name)
    webhooks = load(name).webhooks
    assert webhooks is not None
    asker.hub.listener = lambda *told: [json.dumps(one) for one in webhooks.bodies(asker.api.account, *told)]
    key = asker.hub.create(name, "session_" if name == "crisp" else "")
    said = asker.hub.say(key, "visitor", "Hello?")
    asker.ask("POST", "/tags", {"name": "vip"})
    person = asker.api.account.add("f" * 24, external_id="42", email="ada@example.com")
    ids = [key, str(asker.hub.look(key).number), str(said.n), person.id, *dict(asker.api.account.tags.items())]
    places = [*ids, "resolve", "segments", "a.md"]
    rules = asker.api._api.rules.iter_rules()
    routes = sorted((method, rule.rule) for rule in rules for method in (rule.methods or set()) - {"HEAD"})
    values = VALUE | st.sampled_from([*WORDS.split(), *ids, "a@b", "vip"])
    nested = values | st.dictionaries(st.sampled_from(NAMES), values, max_size=4)
    for _ in range(data.draw(st.integers(1, 5))):
        method, path = data.draw(st.sampled_from(routes))
        path = path.replace("<website>", WEBSITE).replace("<kind>", "articles").replace("<locale>", "en")
        path = re.sub("<int:page>", "1", path)
        path = re.sub("<[a-z:]+>", lambda _: data.draw(st.sampled_from(places)), path)
        body = data.draw(st.dictionaries(st.sampled_from(NAMES), nested, max_size=5))
        sent = json.dumps(body).encode() if data.draw(st.integers(0, 9)) else data.draw(st.binary(max_size=60))
        query = data.draw(st.dictionaries(st.sampled_from(QUERY.split()), st.text(max_size=5), max_size=3))
        options: dict[str, Any] = {"data": sent, "query_string": query, "content_type": "application/json"}
        answer = asker.client.open(path, method=method, headers=HEADERS[name], **options)
        assert answer.status_code < 500
        assert answer.data == b"" or answer.json is not None

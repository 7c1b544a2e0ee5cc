"""What every vendor's webhooks must verify and refuse, and what it makes of its vendor's deliveries."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_livechat import providers
from flask_livechat.hooks import Delivery
from flask_livechat.model import KINDS, Event
from flask_livechat.providers import Secrets, WebhookSpec
from flask_livechat.providers.base import Details, File
from flask_livechat.sandbox import stand_in
from flask_livechat.sandbox.hub import Hub

VENDORS = [name for name in providers.names() if providers.webhooks(name)]
PROPERTY, WEBSITE, APP = "58ca8453b8a7e060cd3b1ecb", "42286ab3-b29a-4fde-8538-da0ae501d825", "abc12345"
IDS = {"tawk": {"PROPERTY_ID": PROPERTY}, "crisp": {"WEBSITE_ID": WEBSITE}, "intercom": {"APP_ID": APP}}
STAMP = "1790000000123"


def spec_of(name: str) -> WebhookSpec:
    result = providers.webhooks(name)
    assert result is not None
    return result


KEY = {name: spec_of(name).secrets[0] for name in VENDORS}


def values(name: str, *secrets: str, **more: Any) -> dict[str, Any]:
    examples = {key.name: key.example for key in providers.load(name).keys if key.required}
    return {**examples, **IDS.get(name, {}), KEY[name]: Secrets(secrets), **more}


def signature(name: str, secret: str, body: bytes, stamp: str = STAMP) -> dict[str, str]:
    """As the vendor signs. Of those that are known, made with the standard library alone."""
    if name == "tawk":
        return {"x-tawk-signature": hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()}
    if name == "intercom":
        return {"x-hub-signature": "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()}
    if name == "crisp":
        signed = b"[" + stamp.encode() + b";" + body + b"]"
        made = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        return {"x-crisp-signature": made, "x-crisp-request-timestamp": stamp}
    now = datetime.fromtimestamp(int(stamp) / 1000, UTC)
    return {header.lower(): value for header, value in spec_of(name).sign(secret, body, now).items()}


def verified(name: str, secrets: tuple[str, ...], body: bytes, headers: dict[str, str], **query: str) -> bool:
    return spec_of(name).verify(values(name, *secrets), Delivery(headers, query, body))


# -- the vectors of the vendors' facts ---------------------------------------------------------------------------------

TAWK_1 = (
    b'{"event":"chat:start","chatId":"70fe3290-99ad-11e9-a30a-51567162179f","time":"2024-07-03T01:02:37.780Z",'
    b'"message":{"text":"hello","type":"msg","sender":{"type":"visitor"}},"visitor":{"name":"V1","email":"v@example.com"'
    b',"city":"riga","country":"LV"},"property":{"id":"58ca8453b8a7e060cd3b1ecb","name":"Bobs Burgers"}}'
)
TAWK_2 = (
    '{"event":"ticket:create","time":"2024-07-03T01:02:37.780Z","property":{"id":"58ca8453b8a7e060cd3b1ecb","name":"Café'
    '"},"requester":{"name":"Jürgen","email":"j@example.com"},"ticket":{"id":"02598050-99ae-11e9-8d5b-2d7e8e0e0e0e",'
    '"humanId":3,"subject":"Help ✓","message":"line1\\nline2"}}'
).encode()
CRISP_1 = (
    b'{"website_id":"42286ab3-b29a-4fde-8538-da0ae501d825","event":"message:send","data":{"website_id":"42286ab3-b29a-4'
    b'fde-8538-da0ae501d825","session_id":"session_36ba3566-9651-4790-afc8-ffedbccc317f","type":"text","content":"Hey :'
    b')","from":"user","origin":"chat","stamped":true,"timestamp":1506985696616,"fingerprint":150698569649423,"user":{"ni'
    b'ckname":"visitor493603","user_id":"session_36ba3566-9651-4790-afc8-ffedbccc317f"}},"timestamp":1506985696616}'
)
CRISP_2 = (
    '{"website_id":"w1","event":"session:sync:rating","data":{"website_id":"w1","session_id":"session_x","inbox_id":nu'
    'll,"rating":{"stars":5,"comment":"Merci, c\u2019est parfait \xe9\xe0 \U0001f680 </script> a/b"}},"timestamp":17900'
    "00000123}"
).encode()
CRISP_3 = (
    b'{"website_id":"w1","event":"message:received","data":{"session_id":"session_1","content":"ok"},"timestamp":1}'
)
INTERCOM_1 = (
    b'{"type":"notification_event","app_id":"abc12345","data":{"type":"notification_event_data","item":{"type":"ping","'
    b'message":"something something interzen"}},"links":{},"id":null,"topic":"ping","delivery_status":null,"delivery_at'
    b'tempts":1,"delivered_at":0,"first_sent_at":1553288147,"created_at":1553288147,"self":null}'
)
INTERCOM_2 = (
    '{"type":"notification_event","id":"notif_0001","topic":"conversation.user.replied","app_id":"abc12345","created_at":1'
    '768031793,"delivery_attempts":1,"first_sent_at":1768031794,"data":{"type":"notification_event_data","item":{"type":"'
    'conversation","id":"215472621202693","title":"Zażółć \u2013 你好 😀"}}}'
).encode()
VECTORS = [
    ("tawk", "whsec-test-1", TAWK_1, {"x-tawk-signature": "13c0a57e3d212581b23ac983a54bdb1c012a7386"}),
    ("tawk", "whsec-test-1", TAWK_2, {"x-tawk-signature": "ea9c06397c18abba82174b76365dacc56e04b0ff"}),
    ("tawk", "key", b"{}", {"x-tawk-signature": "c9963b837183dc667106461b3de91d0885f539b3"}),
    (
        "tawk",
        "Jefe",
        b"what do ya want for nothing?",
        {"x-tawk-signature": "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    ),
    (
        "crisp",
        "914a657d8cc2efbc20593f1806f9bde2",
        CRISP_1,
        {
            "x-crisp-request-timestamp": "1506985696616",
            "x-crisp-signature": "fb82ff6bcf5ee036ac24450c4f47b8915c81fcfcb926cdec145d06c9bce212f4",
        },
    ),
    (
        "crisp",
        "914a657d8cc2efbc20593f1806f9bde2",
        CRISP_2,
        {
            "x-crisp-request-timestamp": "1790000000123",
            "x-crisp-signature": "6fc143f474dcb0eaf42df8bfe3e315d7333187c76e4ac99c32d294562f30f8ca",
        },
    ),
    (
        "crisp",
        "test_signing_secret",
        CRISP_3,
        {
            "x-crisp-request-timestamp": "1790000000",
            "x-crisp-signature": "954ab663adf33769e95b5e9cd2cd2e7f037f0314bf609449039529442c7142cc",
        },
    ),
    (
        "intercom",
        "test_client_secret",
        INTERCOM_1,
        {"x-hub-signature": "sha1=06af7d7b87dbf930c016f69e50e823bed63b4a73"},
    ),
    (
        "intercom",
        "test_client_secret",
        INTERCOM_2,
        {"x-hub-signature": "sha1=f50999f4a67e3e030bdbe6abd89380c3050c8343"},
    ),
    ("intercom", "k", b'{"a": 1}\n', {"x-hub-signature": "sha1=f96e05c7525e07981e98f2d8534b93dc29cb8ce4"}),
    ("intercom", "k", b"", {"x-hub-signature": "sha1=3a84a218ee6665209bb70e84525dd837645a1965"}),
]


@pytest.mark.parametrize(("name", "secret", "body", "headers"), VECTORS)
def test_a_vector_of_the_vendors_is_verified(name: str, secret: str, body: bytes, headers: dict[str, str]) -> None:
    assert verified(name, (secret,), body, headers)


@pytest.mark.parametrize(("name", "secret", "body", "headers"), VECTORS)
def test_written_anew_it_is_not(name: str, secret: str, body: bytes, headers: dict[str, str]) -> None:
    """The bytes count, not what they mean."""
    assert not verified(name, (secret,), body + b" ", headers)
    if body[:1] == b"{" and len(body) > 10:
        assert not verified(name, (secret,), json.dumps(json.loads(body)).encode(), headers)


NEGATIVES = [
    ("tawk", "whsec-test-1", TAWK_2, {"x-tawk-signature": "bc193dae067a755b5bce9ef855a6b546bf3f8a71"}),
    (
        "crisp",
        "test_signing_secret",
        CRISP_3,
        {
            "x-crisp-request-timestamp": "1790000000",
            "x-crisp-signature": "9d04270ddd37185db97edead08015a08bde365061b5062975f9f5943c4a00183",
        },
    ),
    (
        "intercom",
        "test_client_secret",
        INTERCOM_2,
        {"x-hub-signature": "sha1=b540bc2ddfc604d428efafa991fd1fb5b86612ce"},
    ),
]


@pytest.mark.parametrize(("name", "secret", "body", "headers"), NEGATIVES)
def test_what_others_take_for_a_signature_is_none(name: str, secret: str, body: bytes, headers: dict[str, str]) -> None:
    assert not verified(name, (secret,), body, headers)


# -- what every vendor refuses --------------------------------------------------------------------------------------

every_vendor = pytest.mark.parametrize("name", VENDORS)


def changed(headers: dict[str, str], change: Callable[[str], str]) -> dict[str, str]:
    return {key: change(value) if "signature" in key else value for key, value in headers.items()}


@every_vendor
def test_each_secret_of_a_rotation_counts(name: str) -> None:
    for secret in ("new", "old"):
        assert verified(name, ("new", "old"), b"{}", signature(name, secret, b"{}"))
    assert not verified(name, ("new", "old"), b"{}", signature(name, "older", b"{}"))


@every_vendor
@pytest.mark.parametrize(
    "change",
    [
        lambda given: "",
        lambda given: given[:-1],
        lambda given: given + "0",
        lambda given: given.upper() if given.upper() != given else "x",
        lambda given: "sha256=" + given,
        lambda given: given.split("=")[-1] if "=" in given else "sha1=" + given,
        lambda given: "é" * 40,
        lambda given: given + "\x00",
        lambda given: " " + given,
    ],
)
def test_a_header_of_another_shape_is_refused(name: str, change: Callable[[str], str]) -> None:
    assert not verified(name, ("secret",), b"{}", changed(signature(name, "secret", b"{}"), change))


@every_vendor
def test_without_a_header_nothing_is_verified(name: str) -> None:
    assert not verified(name, ("secret",), b"{}", {})


@pytest.mark.parametrize("name", IDS)
def test_another_algorithm_is_refused(name: str) -> None:
    body = b"{}"
    other = hashlib.sha1 if name == "crisp" else hashlib.sha256
    signed = b"[" + STAMP.encode() + b";" + body + b"]" if name == "crisp" else body
    made = hmac.new(b"secret", signed, other).hexdigest()
    right = signature(name, "secret", body)
    given = f"sha1={made}" if name == "intercom" else made
    assert not verified(name, ("secret",), body, changed(right, lambda _: given))


@every_vendor
@settings(max_examples=150, deadline=None)
@given(body=st.binary(max_size=80), header=st.text(max_size=80), stamp=st.text(max_size=20))
def test_hostile_headers_get_an_answer(name: str, body: bytes, header: str, stamp: str) -> None:
    headers = {name: stamp if "timestamp" in name else header for name in signature(name, "secret", body)}
    assert not verified(name, ("secret",), body, headers, key=header)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=10,
)
FIELDS = (
    "event time property id chatId message sender type visitor chat messages website_id data session_id timestamp "
    "fingerprint content from rating stars state segments app_id topic item created_at contacts conversation_parts tags"
).split()
SHAPED = st.recursive(
    JSON
    | st.sampled_from([PROPERTY, WEBSITE, APP, "chat:start", "message:send", "conversation.user.replied", 1790000000]),
    lambda inner: st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=12,
)


@every_vendor
@settings(max_examples=3 * settings().max_examples, deadline=None)  # of the profile: a quick run has a smaller one
@given(data=SHAPED, body=st.binary(max_size=40))
def test_a_parser_gives_events_or_says_that_the_shape_is_wrong(name: str, data: Any, body: bytes) -> None:
    known = values(name, "secret")
    for raw in (json.dumps(data).encode(), body, b"[" * 100_000):
        try:
            events = spec_of(name).parse(known, Delivery({}, {}, raw))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        assert all(isinstance(event, Event) and event.kind in KINDS and event.at.tzinfo for event in events)


# -- what they make of it ----------------------------------------------------------------------------------------------


def parsed(name: str, body: Any, **ids: str) -> list[Event]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return list(spec_of(name).parse(values(name, "x") | ids, Delivery({}, {}, raw)))


def test_a_chat_of_tawk_starts() -> None:
    (event,) = parsed("tawk", TAWK_1)
    assert (event.kind, event.author, event.text, event.email) == (
        "conversation_started",
        "visitor",
        "hello",
        "v@example.com",
    )
    assert event.conversation == "70fe3290-99ad-11e9-a30a-51567162179f"
    assert event.at == datetime(2024, 7, 3, 1, 2, 37, 780000, tzinfo=UTC)


def test_a_transcript_of_tawk_is_its_messages_without_joins_and_page_views() -> None:
    data = {
        "event": "chat:transcript_created",
        "time": "2024-07-03T01:10:00.000Z",
        "property": {"id": PROPERTY},
        "chat": {
            "id": "c1",
            "visitor": {"email": "v@example.com"},
            "messages": [
                {"sender": {"t": "v"}, "type": "msg", "msg": "hello", "time": "2024-07-03T01:02:37.780Z"},
                {"sender": {"t": "s", "n": "Bot"}, "type": "msg", "msg": "hi", "time": "2024-07-03T01:02:38.000Z"},
                {"sender": {"t": "a", "n": "Robin"}, "type": "msg", "time": "2024-07-03T01:02:50.000Z"},
                {"sender": {"t": "v"}, "type": "nav", "data": {"url": "/"}, "time": "2024-07-03T01:02:55.000Z"},
                {"sender": {"t": "a"}, "type": "msg", "msg": "yes?", "time": "2024-07-03T01:03:00.000Z"},
            ],
        },
    }
    events = parsed("tawk", data)
    assert [(event.kind, event.author, event.text) for event in events] == [
        ("message", "visitor", "hello"),
        ("message", "bot", "hi"),
        ("message", "agent", "yes?"),
    ]
    assert len({event.id for event in events}) == 3
    assert {event.conversation for event in events} == {"c1"}


def crisp(event: str, **data: Any) -> dict[str, Any]:
    return {"website_id": WEBSITE, "event": event, "data": data, "timestamp": 1790000000123}


def spoken(event: str, kind: str, author: str, **more: Any) -> dict[str, Any]:
    return crisp(event, session_id="s", type=kind, content="x", fingerprint=1, **{"from": author}, **more)


@pytest.mark.parametrize(
    ("data", "kind", "author"),
    [
        (spoken("message:send", "text", "user"), "message", "visitor"),
        (spoken("message:received", "text", "operator"), "message", "agent"),
        (
            spoken("message:received", "text", "operator", automated=True),
            "message",
            "bot",
        ),
        (spoken("message:received", "note", "operator"), "note", "agent"),
        (crisp("session:set_state", session_id="s", state="resolved"), "conversation_closed", "agent"),
        (crisp("session:set_state", session_id="s", state="unresolved"), "conversation_reopened", "agent"),
        (crisp("session:sync:rating", session_id="s", rating={"stars": 4}), "rated", None),
        (crisp("session:set_email", session_id="s", email="a@example.com"), "contact_changed", None),
        (crisp("people:profile:created", people_id="p", email="a@example.com"), "contact_changed", None),
        (crisp("session:set_segments", session_id="s", segments=["vip"]), "unknown", None),
        (crisp("session:something:new", session_id="s"), "unknown", None),
    ],
)
def test_what_crisp_tells(data: dict[str, Any], kind: str, author: str | None) -> None:
    (event,) = parsed("crisp", data)
    assert (event.kind, event.author) == (kind, author)
    assert event.at == datetime.fromtimestamp(1790000000.123, UTC)


def test_tags_and_ratings_of_crisp_are_in_their_events() -> None:
    (event,) = parsed("crisp", crisp("session:set_segments", session_id="s", segments=["vip"]))
    assert event.tags == ("vip",)
    (event,) = parsed("crisp", CRISP_2, WEBSITE_ID="w1")
    assert (event.rating, event.best, event.text) == (
        5,
        5,
        "Merci, c\u2019est parfait \xe9\xe0 \U0001f680 </script> a/b",
    )


def intercom(topic: str, **item: Any) -> dict[str, Any]:
    whole = {"type": "conversation", "id": "215"} | item
    return {"topic": topic, "app_id": APP, "id": "notif_1", "created_at": 1790000000, "data": {"item": whole}}


PART = {"id": "7", "part_type": "comment", "body": "<p>hello</p>", "created_at": "2026-01-10T07:56:29.000Z"}
PARTS = {"conversation_parts": {"conversation_parts": [PART]}}
WHO = {
    "contacts": {"contacts": [{"id": "f" * 24, "external_id": "42"}]},
    "source": {"body": "<p>It broke</p>", "author": {"type": "user", "email": "a@example.com"}},
    "tags": {"tags": [{"id": "1", "name": "vip"}]},
}


def test_an_assignment_of_intercoms_stands_where_its_part_does() -> None:
    """The handling of a conversation is read in this order, where several things happen in one second."""
    parts = [{"id": "7", "part_type": "assignment"}, {"id": "9", "part_type": "assignment"}]
    notice = intercom("conversation.admin.assigned", conversation_parts={"conversation_parts": parts})
    assert [event.sequence for event in parsed("intercom", notice)] == [9]


def test_a_rating_and_a_tag_of_intercoms_have_ids_of_their_own() -> None:
    """The past is read without notifications: what they tell twice, or an import tells again, is one event."""
    rating = {"rating": 4, "created_at": 1790000050, "remark": "fine"}
    (rated,) = parsed("intercom", intercom("conversation.rating.added", conversation_rating=rating))
    assert rated.id == "215:rating:1790000050:4"
    (better,) = parsed("intercom", intercom("conversation.rating.added", conversation_rating=rating | {"rating": 5}))
    assert better.id != rated.id
    tags = [{"id": "2", "name": "vip", "applied_at": 1790000060}, {"id": "1", "name": "bug", "applied_at": 1790000010}]
    (tagged,) = parsed("intercom", intercom("conversation_part.tag.created", tags={"tags": tags}))
    assert (tagged.id, tagged.tags) == ("215:tags:1790000060:1+2", ("vip", "bug"))
    (untimed,) = parsed(
        "intercom", intercom("conversation_part.tag.created", tags={"tags": [{"id": "1", "name": "x"}]})
    )
    assert untimed.id == "notif_1"


@pytest.mark.parametrize(
    ("data", "kind", "author", "text"),
    [
        (intercom("conversation.user.created", **WHO), "conversation_started", "visitor", "It broke"),
        (intercom("conversation.user.replied", **WHO, **PARTS), "message", "visitor", "hello"),
        (intercom("conversation.admin.replied", **PARTS), "message", "agent", "hello"),
        (intercom("conversation.operator.replied", **PARTS), "message", "bot", "hello"),
        (intercom("conversation.admin.noted", **PARTS), "note", "agent", "hello"),
        (intercom("conversation.admin.closed"), "conversation_closed", "agent", None),
        (intercom("conversation.admin.opened"), "conversation_reopened", "agent", None),
        (intercom("conversation.rating.added", conversation_rating={"rating": 4}), "rated", None, None),
        (intercom("conversation.rating.added"), "unknown", None, None),
        (intercom("conversation.priority.updated"), "unknown", None, None),
        (intercom("contact.user.updated", type="contact", external_id="42"), "contact_changed", None, None),
        (intercom("ticket.created", type="ticket"), "unknown", None, None),
    ],
)
def test_what_intercom_tells(data: dict[str, Any], kind: str, author: str | None, text: str | None) -> None:
    (event,) = parsed("intercom", data)
    assert (event.kind, event.author, event.text) == (kind, author, text)


def test_who_closes_at_intercoms_is_told_by_the_closing_part() -> None:
    def by(*parts: tuple[str, str]) -> str | None:
        data = [{"id": str(n), "part_type": kind, "author": {"type": who}} for n, (kind, who) in enumerate(parts)]
        (event,) = parsed(
            "intercom", intercom("conversation.admin.closed", conversation_parts={"conversation_parts": data})
        )
        return event.author

    assert by(("close", "bot")) == "bot"
    assert by(("close", "admin"), ("comment", "bot")) == "agent"
    assert by() == "agent"


def test_a_reply_of_intercoms_without_words_is_a_message_all_the_same() -> None:
    """The vendor's own example has no parts, and a file has no body."""
    (event,) = parsed("intercom", json.loads(INTERCOM_2))
    assert (event.kind, event.author, event.text) == ("message", "visitor", None)
    part = {"id": "1", "part_type": "comment", "body": None, "attachments": [{"name": "a.png"}]}
    parts = {"conversation_parts": {"conversation_parts": [part]}}
    (event,) = parsed("intercom", intercom("conversation.admin.replied", **parts))
    assert (event.kind, event.author, event.text) == ("message", "agent", None)


def test_a_conversation_of_intercoms_that_is_gone_is_known_by_its_other_name() -> None:
    data = intercom("conversation.deleted")
    data["data"]["item"] = {"type": "conversation", "conversation_id": "215"}
    (event,) = parsed("intercom", data)
    assert (event.kind, event.conversation) == ("unknown", "215")


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", -62135596800, 253402300799])
def test_a_part_of_intercoms_at_no_moment_has_that_of_its_notification(when: Any) -> None:
    part = {"id": "1", "part_type": "comment", "body": "hello", "created_at": when}
    parts = {"conversation_parts": {"conversation_parts": [part]}}
    (event,) = parsed("intercom", intercom("conversation.user.replied", **parts))
    assert event.at == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)


def test_a_lead_of_intercoms_has_no_id_of_yours() -> None:
    """What stands in the place of one is Intercom's."""
    people = {"contacts": {"contacts": [{"external_id": "5e68ece4-0000-4000-8000-000000000000"}]}}
    (event,) = parsed("intercom", intercom("conversation.user.created", source={"author": {"type": "lead"}}, **people))
    assert event.visitor is None
    for topic, role in (("contact.lead.created", "lead"), ("contact.email.updated", "lead")):
        (event,) = parsed("intercom", intercom(topic, type="contact", role=role, external_id="5e68", email="a@x.test"))
        assert (event.visitor, event.email) == (None, "a@x.test")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("intercom", intercom("contact.deleted", type="contact", external_id="42", email="ada@example.com")),
        ("crisp", crisp("people:profile:removed", people_id="1", email="ada@example.com")),
        ("crisp", crisp("session:removed", session_id="session_1", email="ada@example.com")),
    ],
)
def test_the_last_word_about_somebody_who_is_gone_names_nobody(name: str, data: dict[str, Any]) -> None:
    (event,) = parsed(name, data)
    assert (event.kind, event.visitor, event.email, event.conversation) == ("contact_changed", None, None, None)
    assert "ada" not in str(event.raw)
    assert "42" not in str(event.raw)


def test_who_it_is_with_and_when_is_in_it() -> None:
    (event,) = parsed("intercom", intercom("conversation.user.replied", **WHO, **PARTS))
    assert (event.conversation, event.visitor, event.email, event.tags) == ("215", "42", "a@example.com", ("vip",))
    assert event.at == datetime(2026, 1, 10, 7, 56, 29, tzinfo=UTC)


def test_a_ping_is_unknown_and_no_two_are_the_same() -> None:
    (first,), (other,) = (
        parsed("intercom", INTERCOM_1),
        parsed("intercom", INTERCOM_1.replace(b"1553288147", b"1553288148")),
    )
    assert first.kind == other.kind == "unknown"
    assert first.id != other.id


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("tawk", json.loads(TAWK_1) | {"property": {"id": "another"}}),
        ("crisp", crisp("message:send", session_id="s") | {"website_id": "another"}),
        ("intercom", intercom("conversation.user.created") | {"app_id": "another"}),
    ],
)
def test_what_is_another_accounts_is_no_event(name: str, data: dict[str, Any]) -> None:
    assert parsed(name, data) == []


@every_vendor
def test_nothing_that_is_sent_is_another_accounts_event(name: str) -> None:
    other = {**providers.load(name).example_values(), stand_in.load(name).account: "another"}
    assert [list(spec_of(name).parse(other, Delivery({}, {}, body))) for body in sent(name)] == [[]] * len(sent(name))


@pytest.mark.parametrize("when", [1, 10**30, -5, "1999", None, True, "0001-01-01T00:00:00Z", "30000-01-01"])
@pytest.mark.parametrize("name", IDS)
def test_a_moment_that_nobody_means_is_refused(name: str, when: Any) -> None:
    data = {
        "tawk": json.loads(TAWK_1) | {"time": when},
        "crisp": crisp("session:set_state", session_id="s", state="resolved") | {"timestamp": when},
        "intercom": intercom("conversation.admin.closed") | {"created_at": when},
    }[name]
    with pytest.raises((ValueError, KeyError, TypeError)):
        parsed(name, data)


@every_vendor
def test_a_delivery_that_comes_again_has_the_same_ids(name: str) -> None:
    """Also with another unsigned id, and a new stamp."""
    known = providers.load(name).example_values()
    for body in sent(name):
        one = spec_of(name).parse(known, Delivery({"x-hook-event-id": "1"}, {}, body))
        other = spec_of(name).parse(known, Delivery({"x-hook-event-id": "2"}, {}, body))
        assert [event.id for event in one] == [event.id for event in other]


@every_vendor
def test_what_a_stand_in_sends_is_a_conversations_start_and_its_end(name: str) -> None:
    known = providers.load(name).example_values()
    events = [event for body in sent(name) for event in spec_of(name).parse(known, Delivery({}, {}, body))]
    assert {"visitor"} <= {event.author for event in events if event.text == "hello"}
    assert "conversation_closed" in {event.kind for event in events}
    assert {event.provider for event in events} == {name}


@cache
def sent(name: str) -> list[bytes]:
    """The deliveries of a vendor's stand-in: somebody writes, and an agent ends the conversation."""
    hub, bodies = Hub(), list[bytes]()
    webhooks = stand_in.load(name).webhooks
    assert webhooks is not None
    account = stand_in.open_account(name, providers.load(name).example_values(), hub).account
    hub.listener = lambda *change: bodies.extend(json.dumps(one).encode() for one in webhooks.bodies(account, *change))
    key = hub.create(name)
    hub.say(key, "visitor", "hello")
    hub.end(key, "agent")
    assert bodies
    return bodies


# -- website hooks of Crisp's ------------------------------------------------------------------------------------------


def test_a_website_hook_is_known_by_the_key_in_its_address() -> None:
    known = {"WEBHOOK_KEY": Secrets(("new", "old")), "WEBSITE_ID": WEBSITE}
    for key, right in (("new", True), ("old", True), ("", False), ("newer", False)):
        assert spec_of("crisp").verify(known, Delivery({}, {"key": key}, CRISP_1)) is right


def test_a_wrong_signature_is_not_made_good_by_a_key() -> None:
    known = values("crisp", "secret", WEBHOOK_KEY=Secrets(("key",)))
    headers = changed(signature("crisp", "secret", CRISP_1), lambda given: "0" * 64)
    assert not spec_of("crisp").verify(known, Delivery(headers, {"key": "key"}, CRISP_1))


@pytest.mark.parametrize(("stamp", "seconds"), [("1790000000", 1790000000.0), ("1790000000123", 1790000000.123)])
def test_crisp_says_when_it_was_sent_in_either_unit(stamp: str, seconds: float) -> None:
    sent = spec_of("crisp").sent_at(Delivery({"x-crisp-request-timestamp": stamp}, {}, b""))
    assert sent is not None
    assert sent.timestamp() == seconds
    assert spec_of("crisp").sent_at(Delivery({"x-crisp-request-timestamp": "soon"}, {}, b"")) is None


# What the inbox reads of an event that is kept.


def test_of_a_crisp_message_the_name_and_the_file_are_read() -> None:
    data = {
        "event": "message:send",
        "data": {"user": {"nickname": "Ada"}, "content": {"name": "a.png", "url": "https://files.example/a.png"}},
    }
    details = details_of("crisp", data)
    assert (details.author, details.files) == ("Ada", (File("a.png", "https://files.example/a.png"),))


def test_of_a_crisp_message_an_agents_id_is_read() -> None:
    raw = {"event": "message:received", "data": {"user": {"nickname": "Sam", "user_id": "a1"}}}
    by_agent, by_visitor = (
        spec_of("crisp").details(Event("crisp", "message", "x", datetime(2026, 1, 1, tzinfo=UTC), author=who, raw=raw))
        for who in ("agent", "visitor")
    )
    assert (by_agent.author, by_agent.author_id) == ("Sam", "a1")
    assert by_visitor.author_id is None


def test_of_other_crisp_events_pages_attributes_and_the_agent_are_read() -> None:
    pages = {"event": "session:sync:pages", "data": {"pages": [{"page_url": "https://shop.example/"}, {"x": 1}, 7]}}
    assert details_of("crisp", pages).pages == ("https://shop.example/",)
    assert details_of("crisp", {"event": "session:set_data", "data": {"data": {"plan": "pro"}}}).attributes == {
        "plan": "pro"
    }
    routed = {"event": "session:set_routing", "data": {"routing_id": "a1"}}
    assert details_of("crisp", routed).handling == {"agent": "a1"}
    assert details_of("crisp", {"event": "session:set_routing", "data": {}}).handling == {"agent": None}
    verified = {"event": "session:update_verify", "data": {"is_verified": True}}
    assert details_of("crisp", verified).handling == {"verified": True}


def test_of_an_intercom_part_the_writer_the_files_and_the_handling_are_read() -> None:
    part = {
        "id": "9",
        "author": {"id": "7", "name": "Sam"},
        "attachments": [{"name": "a.png", "url": "https://files.example/a.png"}, {"name": "no address"}],
    }
    item = {
        "conversation_parts": {"conversation_parts": [{"id": "8", "author": {"name": "Else"}}, part]},
        "admin_assignee_id": 7,
        "state": "snoozed",
        "snoozed_until": 1_790_000_000,
        "source": {"url": "https://shop.example/cart"},
    }
    details = details_of("intercom", {"data": {"item": item}}, "c1:9")
    assert (details.author, details.pages) == ("Sam", ("https://shop.example/cart",))
    assert details.files == (File("a.png", "https://files.example/a.png"),)
    until = datetime.fromtimestamp(1_790_000_000, UTC)
    assert details.handling == {"agent": "7", "agent_name": "Sam", "snoozed_until": until}
    nobody = details_of("intercom", {"data": {"item": {"admin_assignee_id": 0, "state": "open"}}})
    assert nobody.handling == {"agent": None, "snoozed_until": None}
    over = details_of("intercom", {"data": {"item": {"state": "open", "snoozed_until": 1_790_000_000}}})
    assert over.handling == {"snoozed_until": None}
    team = details_of("intercom", {"data": {"item": {"admin_assignee_id": None, "team_assignee_id": 5}}})
    assert team.handling["agent"] == "team:5"


def test_of_a_tawk_transcript_the_names_and_files_are_read() -> None:
    raw = {"sender": {"t": "a", "n": "Sam"}, "attchs": [{"content": {"file": {"url": "https://files.example/a"}}}]}
    assert details_of("tawk", raw) == Details(author="Sam", files=(File("A file", "https://files.example/a"),))
    start = {"visitor": {"name": "V1"}, "message": {"text": "hello"}}
    assert details_of("tawk", start).author == "V1"


def details_of(name: str, raw: dict[str, Any], id: str = "x") -> Details:
    return spec_of(name).details(
        Event(name, "message", id, datetime(2026, 1, 1, tzinfo=UTC), "c", author="visitor", raw=raw)
    )


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "event data user content pages data item conversation_parts source attachments sender attchs url name"
                " admin_assignee_id snoozed_until state id author visitor".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@pytest.mark.parametrize("name", VENDORS)
@given(raw=st.dictionaries(st.sampled_from(["event", "data", "sender", "attchs", "visitor"]), ANY_JSON, max_size=4))
def test_whatever_is_kept_of_an_event_is_read_without_an_error(name: str, raw: dict[str, Any]) -> None:
    details = spec_of(name).details(Event(name, "message", "c:1", datetime(2026, 1, 1, tzinfo=UTC), "c", raw=raw))
    assert all(isinstance(file.url, str) and isinstance(file.name, str) for file in details.files)
    assert {*details.handling} <= {"agent", "agent_name", "snoozed_until", "verified"}

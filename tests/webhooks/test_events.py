"""What an event says: its author, its moment and its id are the message's own, and its text is text."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import combinations, permutations
from typing import Any

import pytest
import sqlalchemy as sa

from flask_livechat.desk import tables
from flask_livechat.desk.store import Store
from flask_livechat.hooks import Delivery
from flask_livechat.model import Event
from flask_livechat.providers.markup import to_text

from .test_projections import NOW, clear, rows, state, work
from .test_vendor_webhooks import APP, PROPERTY, TAWK_1, crisp, parsed, spec_of, spoken, values

START = 1790000000
ANA = {"type": "contact", "id": "a" * 24, "external_id": "ana"}
BEN = {"type": "contact", "id": "b" * 24, "external_id": "ben"}
BOT = {"type": "bot", "id": "9", "name": "Fin"}
ADMIN = {"type": "admin", "id": "5", "name": "Robin"}
WRITTEN_BY_BEN = {"type": "user", "id": BEN["id"], "email": "ben@example.com"}
WRITTEN_BY_ANA = {"type": "user", "id": ANA["id"], "email": "ana@example.com"}
numbers = iter(range(10**6))


def part(
    id: int, kind: str = "comment", author: Any = ADMIN, at: int = 0, body: str | None = "<p>x</p>", **more: Any
) -> Any:
    return {"id": str(id), "part_type": kind, "author": author, "created_at": START + at, "body": body} | more


def notification(topic: str, *parts: Any, at: int = 0, contacts: Any = (ANA,), source: Any = None, **item: Any) -> Any:
    """``at`` is the envelope's: seconds after the conversation began."""
    source = source or {"id": "1", "body": "<p>Help</p>", "author": WRITTEN_BY_ANA}
    whole = {"type": "conversation", "id": "c", "created_at": START, "source": source} | item
    whole |= {"contacts": {"contacts": list(contacts)}, "conversation_parts": {"conversation_parts": list(parts)}}
    head = {"topic": topic, "app_id": APP, "id": f"notif_{next(numbers)}", "created_at": START + at}
    return head | {"data": {"item": whole}}


def events_of(*bodies: Any, name: str = "intercom") -> list[Event]:
    return [event for body in bodies for event in parsed(name, body)]


def deliver(store: Store, *bodies: Any, name: str = "intercom") -> None:
    for body in bodies:
        store.add(parsed(name, body), NOW)
    work(store)


def figures(store: Store) -> list[Any]:
    return rows(store, tables.episodes, "response", "resolution", "closed_by")


# -- one thing is one event --------------------------------------------------------------------------------------------

CREATED = notification("conversation.user.created")
BOTS_REPLY = part(2, author=BOT, at=5)


def test_a_bots_reply_under_two_topics_is_one_event_of_a_bot(store: Store) -> None:
    deliver(
        store,
        CREATED,
        notification("conversation.admin.replied", BOTS_REPLY, at=5),
        notification("conversation.operator.replied", BOTS_REPLY, at=6),
        notification("conversation.admin.replied", part(3, at=600), at=601),
    )
    assert [(queued.event.kind, queued.event.author) for queued, _, _ in store.scan()] == [
        ("conversation_started", "visitor"),
        ("message", "bot"),
        ("message", "agent"),
    ]
    assert figures(store) == [(600.0, None, None)]


@pytest.mark.parametrize("flag", ["from_ai_agent", "is_ai_answer"])
def test_what_an_ai_agent_writes_in_an_admins_name_is_a_bots(flag: str) -> None:
    (event,) = parsed("intercom", notification("conversation.admin.replied", part(2, author=ADMIN | {flag: True})))
    assert event.author == "bot"


def test_a_close_that_was_told_under_another_topic_is_one_close() -> None:
    close = part(4, "close", body=None)
    first, second = events_of(*(notification(f"conversation.admin.{name}", close) for name in ("closed", "assigned")))
    assert (first.kind, first.id) == (second.kind, second.id) == ("conversation_closed", "c:4:close")


def test_the_first_message_is_the_same_by_its_own_id_and_by_that_of_its_part() -> None:
    (started,) = parsed("intercom", CREATED)
    (again,) = parsed("intercom", notification("conversation.user.replied", part(1, author=WRITTEN_BY_ANA)))
    assert started.id == again.id == "c:1"


@pytest.mark.parametrize(
    ("more", "author"),
    [
        ({"automated": True}, "bot"),
        ({"origin": "urn:crisp.im:bot:0"}, "bot"),
        ({"origin": "urn:acme:shop-bot:0"}, "bot"),
        ({"origin": "urn:acme:chatbot:1"}, "bot"),
        ({"origin": "chat"}, "agent"),
        ({"origin": "urn:crisp.im:slack:0"}, "agent"),
        ({"origin": "urn:acme:robotics:0"}, "agent"),
        ({"origin": "email", "automated": False}, "agent"),
    ],
)
def test_a_bot_of_crisps_is_known_by_automated_or_by_its_origin(more: dict[str, Any], author: str) -> None:
    (event,) = parsed("crisp", spoken("message:received", "text", "operator", **more))
    assert event.author == author


def test_the_first_message_of_tawk_comes_once(store: Store) -> None:
    hello = {"sender": {"t": "v"}, "type": "msg", "msg": "hello", "time": "2024-07-03T01:02:37.780Z"}
    form = hello | {"msg": "Name : V1\r\nEmail : v@example.com", "time": "2024-07-03T01:02:30.000Z"}
    again = hello | {"time": "2024-07-03T01:03:00.000Z"}
    chat = {"id": "70fe3290-99ad-11e9-a30a-51567162179f", "visitor": {}, "messages": [form, hello, again]}
    transcript = {"event": "chat:transcript_created", "time": "2024-07-03T02:00:00Z", "property": {"id": PROPERTY}}
    deliver(store, json.loads(TAWK_1), transcript | {"chat": chat}, name="tawk")
    texts = [queued.event.text for queued, _, _ in store.scan()]
    assert texts == ["hello", "Name : V1\r\nEmail : v@example.com", "hello"]
    assert len(rows(store, tables.people, "event")) == 1


# -- one clock ---------------------------------------------------------------------------------------------------------


def test_an_answer_right_after_the_close_reopens(store: Store) -> None:
    deliver(
        store,
        CREATED,
        notification("conversation.admin.closed", part(2, "close", body=None, at=60), at=61),
        notification("conversation.user.replied", part(3, author=WRITTEN_BY_ANA, at=61), at=62),
    )
    assert [row[1] for row in figures(store)] == [60.0, None]


def test_an_answer_within_the_second_of_the_close_reopens(store: Store) -> None:
    deliver(
        store,
        CREATED,
        notification("conversation.admin.closed", part(2, "close", body=None, at=60), at=60),
        notification("conversation.user.replied", part(3, author=WRITTEN_BY_ANA, at=60), at=60),
    )
    assert [row[1] for row in figures(store)] == [60.0, None]


def test_a_reopening_is_stamped_by_its_part() -> None:
    (event,) = parsed("intercom", notification("conversation.admin.opened", part(2, "open", body=None, at=7), at=99))
    assert (event.kind, event.at) == ("conversation_reopened", datetime.fromtimestamp(START + 7, UTC))


def test_pending_at_crisps_reopens_nothing() -> None:
    (event,) = parsed("crisp", crisp("session:set_state", session_id="s", state="pending"))
    assert (event.kind, event.author) == ("unknown", None)


# -- who ---------------------------------------------------------------------------------------------------------------


def test_the_person_is_whoever_wrote_not_the_first_of_the_contacts() -> None:
    both = (ANA, BEN)
    source = {"id": "1", "body": "<p>Help</p>", "author": WRITTEN_BY_BEN}
    (started,) = parsed("intercom", notification("conversation.user.created", contacts=both, source=source))
    assert (started.visitor, started.email) == ("ben", "ben@example.com")
    replies = notification(
        "conversation.user.replied", part(2, author=WRITTEN_BY_ANA), part(3, author=WRITTEN_BY_BEN), contacts=both
    )
    assert [(event.visitor, event.email) for event in parsed("intercom", replies)] == [
        ("ana", "ana@example.com"),
        ("ben", "ben@example.com"),
    ]
    assert all(
        {person.external_id for person in event.people} == {"ana", "ben"} for event in parsed("intercom", replies)
    )


def test_a_conversation_that_the_team_began_keeps_its_person() -> None:
    source = {"id": "1", "body": "<p>Hi</p>", "author": ADMIN, "delivered_as": "admin_initiated"}
    outbound = notification("conversation.admin.single.created", source=source)
    (event,) = parsed("intercom", outbound)
    assert (event.kind, event.author, event.visitor) == ("conversation_started", "agent", "ana")
    reply = notification("conversation.user.replied", part(2, author=WRITTEN_BY_ANA), source=source)
    (event,) = parsed("intercom", reply)
    assert (event.author, event.visitor, event.email) == ("visitor", "ana", "ana@example.com")


LEAD = {"type": "contact", "id": "c" * 24, "external_id": "75067020-1204-495c-8edc-abb7d88bdd43"}


@pytest.mark.parametrize(
    ("author", "contact"),
    [
        ({"type": "lead", "id": LEAD["id"], "email": "l@example.com"}, LEAD),
        ({"type": "user", "id": LEAD["id"]}, LEAD | {"role": "lead"}),
        (ADMIN, LEAD),
        (ADMIN, LEAD | {"external_id": LEAD["id"]}),
    ],
)
def test_a_leads_id_of_the_vendors_is_never_taken_for_the_apps(author: Any, contact: Any) -> None:
    for topic in ("conversation.user.replied", "conversation.admin.assigned"):
        data = notification(topic, part(2, author=author), contacts=[contact], source={"id": "1", "author": author})
        assert [event.visitor for event in parsed("intercom", data)] == [None]


def test_a_users_id_that_looks_like_a_leads_is_the_apps_once_the_vendor_says_it_is_a_user() -> None:
    author = {"type": "user", "id": LEAD["id"]}
    (event,) = parsed("intercom", notification("conversation.user.replied", part(2, author=author), contacts=[LEAD]))
    assert event.visitor == LEAD["external_id"]


def test_a_lead_who_has_become_a_user_is_known_by_the_apps_id() -> None:
    source, now = {"id": "1", "author": {"type": "lead", "id": ANA["id"]}}, part(2, author=WRITTEN_BY_ANA)
    (event,) = parsed("intercom", notification("conversation.user.replied", now, source=source))
    assert event.visitor == "ana"


def test_everybody_whom_a_payload_names_is_in_the_table_of_people(store: Store) -> None:
    def tell(name: str, body: Any) -> list[tuple[Any, ...]]:
        clear(store)
        with store.engine.begin() as connection:
            connection.execute(sa.delete(tables.people))
        deliver(store, body, name=name)
        return rows(store, tables.people, "contact", "visitor", "email")

    def item(topic: str, **fields: Any) -> Any:
        return {"topic": topic, "app_id": APP, "id": "n", "created_at": START, "data": {"item": fields}}

    tagged = {"type": "contact", "id": "1", "role": "user", "external_id": "7", "email": "Tag@example.com"}
    assert tell("intercom", item("contact.user.tag.created", type="contact_tag", contact=tagged)) == [
        ("1", "7", "tag@example.com")
    ]
    assert tell("intercom", item("ticket.created", type="ticket", id="9", contacts={"contacts": [ANA]})) == [
        (ANA["id"], "ana", None)
    ]
    attached = {"conversation": {"model": {"id": 215}}, "contact": BEN | {"role": "user", "email": "ben@example.com"}}
    assert tell("intercom", item("conversation.contact.attached", **attached)) == [
        (BEN["id"], "ben", "ben@example.com")
    ]
    assert rows(store, tables.people, "provider") == [("intercom",)]
    assert tell("crisp", crisp("people:bind:session", session_id="s", people_id="p1")) == [("p1", None, None)]
    participants = [{"type": "email", "target": "x@example.com"}]
    assert tell("crisp", crisp("session:set_participants", session_id="s", participants=participants)) == [
        (None, None, "x@example.com")
    ]
    ticket = {"event": "ticket:create", "time": "2024-07-03T01:02:37Z", "property": {"id": PROPERTY}}
    assert tell("tawk", ticket | {"requester": {"email": "J@example.com"}, "ticket": {}}) == [
        (None, None, "j@example.com")
    ]


def test_the_contact_of_a_tag_is_whom_the_event_is_about() -> None:
    who = {"type": "contact", "id": "1", "role": "user", "external_id": "7", "email": "tag@example.com"}
    data = {"topic": "contact.user.tag.created", "app_id": APP, "id": "n", "created_at": START}
    (event,) = parsed("intercom", data | {"data": {"item": {"type": "contact_tag", "contact": who}}})
    assert (event.kind, event.visitor, event.email) == ("contact_changed", "7", "tag@example.com")


# -- what is a message -------------------------------------------------------------------------------------------------


def test_a_close_with_words_is_a_message_and_the_first_response(store: Store) -> None:
    deliver(store, CREATED, notification("conversation.admin.closed", part(2, "close", at=120, body="<p>Done.</p>")))
    assert figures(store) == [(120.0, 120.0, "agent")]
    assert [queued.event.text for queued, _, _ in store.scan()] == ["Help", "Done.", None]


def test_an_assignment_with_words_is_a_message_and_one_without_is_none() -> None:
    (event,) = parsed("intercom", notification("conversation.admin.assigned", part(2, "assignment")))
    assert (event.kind, event.author, event.text) == ("message", "agent", "x")
    (event,) = parsed("intercom", notification("conversation.admin.assigned", part(2, "assignment", body=None)))
    assert event.kind == "unknown"


@pytest.mark.parametrize("kind", ["note", "note_and_reopen"])
def test_a_note_is_no_message_under_any_topic(kind: str) -> None:
    result = parsed("intercom", notification("conversation.admin.replied", part(2, kind)))
    assert "message" not in [item.kind for item in result]


def test_tags_that_are_set_after_the_close_count(store: Store) -> None:
    tags = {"tags": [{"id": "1", "name": "refund"}]}
    deliver(
        store,
        CREATED,
        notification("conversation.admin.closed", part(2, "close", body=None, at=60)),
        notification("conversation_part.tag.created", part(1, author=WRITTEN_BY_ANA), at=90, tags=tags),
    )
    assert rows(store, tables.tags, "tag") == [("refund",)]
    assert len(figures(store)) == 1


PICTURE = {"content": {"file": {"url": "https://x.test/a.png", "name": "a.png"}}, "type": "file"}


@pytest.mark.parametrize(
    "message", [{"type": "file"}, {"type": "msg", "attchs": [PICTURE]}, {"type": "msg", "msg": "", "attchs": [PICTURE]}]
)
def test_a_picture_alone_is_a_message_at_tawks(message: dict[str, Any]) -> None:
    message = message | {"sender": {"t": "a"}, "time": "2024-07-03T01:03:00Z"}
    data = {"event": "chat:transcript_created", "time": "2024-07-03T02:00:00Z", "property": {"id": PROPERTY}}
    (event,) = parsed("tawk", data | {"chat": {"id": "c", "messages": [message]}})
    assert (event.kind, event.author, event.text) == ("message", "agent", None)


@pytest.mark.parametrize("more", [{"body": '<div><img src="x"></div>'}, {"body": None, "attachments": [{"name": "a"}]}])
def test_a_picture_alone_is_a_message_at_intercoms_also_in_a_close(more: dict[str, Any]) -> None:
    for kind in ("comment", "close"):
        first, *_ = parsed("intercom", notification("conversation.admin.closed", part(2, kind, **more)))
        assert (first.kind, first.text) == ("message", None)


@pytest.mark.parametrize(
    ("kind", "content", "text"),
    [
        (
            "picker",
            {"id": "p", "text": "Which one?", "choices": [{"value": "a", "label": "The first"}, {"value": "b"}]},
            "Which one?\na\nThe first\nb",
        ),
        ("field", {"id": "f", "text": "Your name?", "explain": "In full", "value": "Ada"}, "Your name?\nIn full\nAda"),
        (
            "carousel",
            {"text": "Look", "targets": [{"title": "Tea", "description": "Green", "actions": [{"label": "Buy"}]}]},
            "Look\nTea\nGreen\nBuy",
        ),
        ("file", {"name": "a.png", "url": "https://x.test/a.png"}, None),
    ],
)
def test_what_crisp_shows_as_a_form_has_its_text(kind: str, content: Any, text: str | None) -> None:
    data = spoken("message:received", kind, "operator")
    data["data"]["content"] = content
    (event,) = parsed("crisp", data)
    assert (event.kind, event.text) == ("message", text)


# -- text --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\nTwo"),
        ("<ul><li>tea</li><li>milk</li></ul>after", "tea\nmilk\nafter"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("Tom &amp; Jerry &eacute; &#128640; &lt;b&gt;", "Tom & Jerry é \U0001f680 <b>"),
        ("<style>p { color: red }</style><p>x</p><SCRIPT>if (1 < 2) y()</SCRIPT>z", "x\nz"),
        ("3 < 5 and 7 > 2", "3 < 5 and 7 > 2"),
        ("I <3 you", "I <3 you"),
        ("<p>a\n b</p>", "a b"),
        ('<a href="x" title="a > b">link</a>', "link"),
        ("<!-- hidden -->seen<!doctype html><?php ?>", "seen"),
        ("<p>the end is <b", "the end is <b"),
        ("</style>seen", "seen"),
        ("<p></p>&nbsp;", None),
        ("&#" + "9" * 5000 + ";", "&#" + "9" * 5000 + ";"),
    ],
)
def test_html_becomes_text(markup: str, text: str | None) -> None:
    assert to_text(markup) == text


HOSTILE = [
    "<", "<a", "<a>", "<!--", "<!-- >", "</", "</a", "<a x='", "<a x='>", '<a x="y" ', "<![", "<![>", "<?", "<script>",
    "</script", "<style></style", "&", "&#", "&amp", "<!doctype", "< ", "<a =",
]  # fmt: skip


@pytest.mark.needs("time")
@pytest.mark.parametrize("piece", HOSTILE)
def test_the_time_for_a_text_grows_with_its_length_alone(piece: str) -> None:
    """Of what takes time with its square, ten times as much takes a hundred times as long."""

    def seconds(count: int) -> float:
        text, times = piece * count, []
        for _ in range(3):
            start = time.process_time()
            to_text(text)
            times.append(time.process_time() - start)
        return min(times)

    assert seconds(20_000) < 50 * max(seconds(2_000), 0.001)
    assert seconds(20_000) < 2


def test_a_body_of_200_000_signs_is_read_at_once() -> None:
    start = time.process_time()
    (event,) = parsed("intercom", notification("conversation.user.replied", part(2, body="<" * 200_000)))
    assert time.process_time() - start < 3
    assert event.text == "<" * 200_000


@pytest.mark.needs("time")
@pytest.mark.parametrize("contact", [{"external_id": "NUMBER"}, {"id": "NUMBER", "email": "NUMBER"}, {"type": "user"}])
def test_the_time_for_people_grows_with_their_number_alone(contact: dict[str, str]) -> None:
    listed = [json.loads(json.dumps(contact).replace("NUMBER", str(n))) for n in range(15_000)]
    start = time.process_time()
    (event,) = parsed("intercom", notification("conversation.admin.assigned", contacts=listed, source={"id": "1"}))
    assert time.process_time() - start < 3
    assert len(event.people) in (0, 15_000)


# -- odd fields --------------------------------------------------------------------------------------------------------


def left_out(name: str, body: Any) -> tuple[list[Event], dict[str, int]]:
    delivery = Delivery({}, {}, json.dumps(body).encode())
    return list(spec_of(name).parse(values(name, "x"), delivery)), {key: n for key, n in delivery.odd.items() if n}


def test_a_tag_without_a_name_is_left_out_and_counted() -> None:
    tags = {"tags": [{"id": "1"}, {"id": "2", "name": "vip"}, 7, {"name": ["x"]}]}
    ((event,), odd) = left_out("intercom", notification("conversation.user.created", tags=tags))
    assert event.tags == ("vip",)
    assert odd == {"tags": 3, "name": 1}


def test_contacts_as_a_list_are_read() -> None:
    data = notification("conversation.admin.replied", part(2), source={"id": "1"})
    data["data"]["item"]["contacts"] = [ANA]
    ((event,), odd) = left_out("intercom", data)
    assert (event.visitor, odd) == ("ana", {})


@pytest.mark.parametrize("stars", [4, 4.0])
def test_stars_are_a_whole_number_however_it_is_written(stars: Any) -> None:
    (event,) = parsed("crisp", crisp("session:sync:rating", session_id="s", rating={"stars": stars}))
    assert (event.rating, type(event.rating)) == (4, int)


ODD = ["x", 7, 1.5, True, [], [1], {}, {"a": 1}, [[]]]


def with_field(body: Any, path: str, value: Any) -> Any:
    """A copy of it in which a field is something else."""
    copy = json.loads(json.dumps(body))
    *way, last = path.split(".")
    place = copy
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[last] = value
    return copy


PART_FIELDS = "data.item.conversation_parts.conversation_parts.0"
INTERCOM_OPTIONAL = """
    id data.item.created_at data.item.source data.item.source.id data.item.source.body data.item.source.author
    data.item.source.author.type data.item.source.author.id data.item.source.author.email data.item.contacts
    data.item.contacts.contacts data.item.tags data.item.conversation_rating data.item.conversation_parts
    PART.id PART.part_type PART.body PART.created_at PART.author PART.author.type PART.author.email PART.attachments
""".replace("PART", PART_FIELDS).split()
CRISP_OPTIONAL = (
    "data.type data.from data.content data.automated data.origin data.timestamp data.user data.email".split()
)
TAWK_OPTIONAL = """
    message message.text message.type message.sender message.sender.type visitor visitor.email visitor.name
""".split()
CASES: list[tuple[str, Callable[[], Any], list[str]]] = [
    ("intercom", lambda: notification("conversation.user.created", part(2)), INTERCOM_OPTIONAL),
    ("intercom", lambda: notification("conversation.admin.replied", part(2)), INTERCOM_OPTIONAL),
    ("crisp", lambda: spoken("message:send", "text", "user", timestamp=START * 1000), CRISP_OPTIONAL),
    ("tawk", lambda: json.loads(TAWK_1), TAWK_OPTIONAL),
]


@pytest.mark.parametrize(("name", "make", "optional"), CASES)
def test_an_odd_optional_field_never_costs_the_event(
    store: Store, name: str, make: Callable[[], Any], optional: list[str]
) -> None:
    bodies = [with_field(make(), path, value) for path in optional for value in ODD]
    for body in bodies:
        result = parsed(name, body)
        assert result, body
        assert {item.kind for item in result} <= {"message", "conversation_started", "unknown"}
    for body in bodies[:: len(ODD) - 1]:
        store.add(parsed(name, body), NOW)
    work(store)
    assert {status for _, status, _ in store.scan()} == {"done"}


REQUIRED = {
    "intercom": ["topic", "app_id", "created_at", "data", "data.item", "data.item.id"],
    "crisp": ["website_id", "event", "timestamp", "data", "data.fingerprint"],
    "tawk": ["event", "time", "property", "property.id", "chatId"],
}


@pytest.mark.parametrize(("name", "make", "optional"), CASES[1:])
@pytest.mark.parametrize("value", [None, True, [], [1], {}, {"a": 1}])
def test_another_type_in_a_required_field_is_refused(
    name: str, make: Callable[[], Any], optional: list[str], value: Any
) -> None:
    for path in REQUIRED[name]:
        with pytest.raises(ValueError, match=r"is missing|is no object"):
            parsed(name, with_field(make(), path, value))


def nested(depth: int) -> bytes:
    """A payload that is that deep in all."""
    inner: Any = 1
    for n in range(depth - 2):
        inner = [inner] if n % 2 else {"a": inner}
    return json.dumps(crisp("session:something", session_id="s", x=inner)).encode()


def test_nesting_beyond_64_is_refused() -> None:
    assert len(parsed("crisp", nested(64))) == 1
    for depth in (65, 66, 500):
        with pytest.raises(ValueError, match="nested too deeply"):
            parsed("crisp", nested(depth))


def test_what_an_earlier_version_has_stored_ends_no_worker(store: Store) -> None:
    (event,) = parsed("crisp", spoken("message:send", "text", "user"))
    store.add([event], NOW)
    with store.engine.begin() as connection:
        connection.execute(sa.update(tables.events).values(raw='{"a":' * 5_000 + "1" + "}" * 5_000))
    work(store)
    assert [status for _, status, _ in store.scan()] == ["done"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_json_has_not_are_left_out(number: str) -> None:
    body = json.dumps(crisp("session:something", session_id="s", x="HERE")).replace('"HERE"', number)
    (event,) = parsed("crisp", body.encode())
    assert event.raw["data"]["x"] is None


# -- any order, any repetition, any subset -----------------------------------------------------------------------------


def of_crisp(number: int, author: str, at: int, **more: Any) -> Any:
    body = spoken("message:send" if author == "user" else "message:received", "text", author, **more)
    body["data"] |= {"fingerprint": number, "timestamp": (START + at) * 1000, "user": {"nickname": "x"}}
    return body | {"timestamp": (START + at + 1) * 1000}


def closed_at_crisp(at: int) -> Any:
    return crisp("session:set_state", session_id="s", state="resolved") | {"timestamp": (START + at) * 1000}


def of_tawk(event: str, at: int, **more: Any) -> Any:
    moment = datetime.fromtimestamp(START + at, UTC).isoformat().replace("+00:00", "Z")
    return {"event": event, "time": moment, "property": {"id": PROPERTY, "name": "x"}} | more


LIVES: dict[str, list[Any]] = {
    "intercom": [
        CREATED,
        notification("conversation.operator.replied", BOTS_REPLY, at=5),
        notification("conversation.admin.replied", BOTS_REPLY, at=5),
        notification("conversation.admin.closed", part(3, "close", at=600, body="<p>Done</p>"), at=601),
        notification("conversation.user.replied", part(4, author=WRITTEN_BY_ANA, at=600), at=602),
        notification("conversation_part.tag.created", part(1), at=700, tags={"tags": [{"name": "vip"}]}),
    ],
    "crisp": [
        of_crisp(1, "user", 0, origin="chat"),
        of_crisp(2, "operator", 5, automated=True),
        of_crisp(3, "operator", 600, origin="chat"),
        closed_at_crisp(605),
        of_crisp(4, "user", 700),
        crisp("session:set_segments", session_id="s", segments=["vip"]) | {"timestamp": (START + 710) * 1000},
    ],
    "tawk": [
        of_tawk(
            "chat:start",
            0,
            chatId="c",
            message={"text": "Help", "type": "msg", "sender": {"type": "visitor"}},
            visitor={"name": "x"},
        ),
        of_tawk("chat:end", 605, chatId="c", visitor={"name": "x"}),
    ],
}
FIGURES: dict[str, list[Any]] = {
    "intercom": [(600.0, 600.0, "agent"), (None, None, None)],
    "crisp": [(600.0, 605.0, "agent"), (None, None, None)],
    "tawk": [(None, None, "nobody")],
}
OPTIONAL: dict[str, list[str]] = {
    "intercom": [
        "id",
        "data.item.tags",
        "data.item.contacts",
        "data.item.source.body",
        "data.item.source.author.email",
    ],
    "crisp": ["data.user", "data.origin", "data.content"],
    "tawk": ["visitor", "property.name", "visitor.name"],
}


@pytest.mark.needs("time")
@pytest.mark.parametrize("name", LIVES)
def test_any_order_and_any_repetition_of_deliveries_gives_the_same_figures(name: str) -> None:
    store = Store("sqlite://")
    store.upgrade()
    orders = list(permutations(LIVES[name]))
    expected = None
    for order in orders[:: max(1, len(orders) // 31)]:
        clear(store)
        deliver(store, *order, *order[:2], name=name)
        result = {part: state(store)[part] for part in ("episodes", "tags")}
        expected = expected or result
        assert result == expected
    assert figures(store) == FIGURES[name]


@pytest.mark.needs("time")
@pytest.mark.parametrize("name", LIVES)
def test_any_subset_of_the_optional_fields_gives_the_same_figures(name: str) -> None:
    store = Store("sqlite://")
    store.upgrade()
    for size in range(1, len(OPTIONAL[name]) + 1):
        for chosen in combinations(OPTIONAL[name], size):
            clear(store)
            deliver(store, *(without(body, *chosen) for body in LIVES[name]), name=name)
            assert figures(store) == FIGURES[name]


def without(body: Any, *paths: str) -> Any:
    copy = json.loads(json.dumps(body))
    for path in paths:
        *way, last = path.split(".")
        place = copy
        for step in way:
            place = place.get(step, {})
        place.pop(last, None)
    return copy


def test_the_moment_of_a_transcripts_message_without_one_is_that_of_the_one_before() -> None:
    times: list[Any] = [None, "2024-07-03T01:03:00Z", 5, "2024-07-03T01:04:00Z"]
    messages = [{"sender": {"t": "v"}, "type": "msg", "msg": "x", "time": time} for time in times]
    data = {"event": "chat:transcript_created", "time": "2024-07-03T02:00:00Z", "property": {"id": PROPERTY}}
    result = parsed("tawk", data | {"chat": {"id": "c", "messages": messages}})
    first = datetime(2024, 7, 3, 1, 3, tzinfo=UTC)
    assert [item.at - first for item in result] == [timedelta(0), timedelta(0), timedelta(0), timedelta(minutes=1)]

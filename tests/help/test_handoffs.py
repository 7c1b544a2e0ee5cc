"""What a flow hands over is at the agent: a note where the vendor's API takes one, else an event of the visitor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from flask_livechat import Visitor, providers
from flask_livechat.desk import service
from flask_livechat.desk.handoffs import Handoffs
from flask_livechat.desk.store import Store
from flask_livechat.desk.tables import handoffs
from flask_livechat.desk.worker import Worker
from flask_livechat.errors import Unsupported
from flask_livechat.help import flow_replies, flow_service
from flask_livechat.model import Event
from flask_livechat.providers.base import Handoff

from ..conftest import chat_of, create_app, log_in
from ..desk.test_stand_ins import Shop, shop_of
from ..webhooks.conftest import database, migrated_database, migrated_file, postgres, store  # noqa: F401 - fixtures
from . import handoffs as handoffs_by_walks

VENDORS = [name for name in providers.names() if providers.has_stand_in(name)]
NOTING = [name for name in VENDORS if (api := providers.api(name)) is not None and api.hand_over is not None]
every_vendor = pytest.mark.parametrize("name", VENDORS)
every_noting_vendor = pytest.mark.parametrize("name", NOTING)
ADA = Visitor(id="42", email="ada@example.com", name="First Visitor")
MALLORY = Visitor(id="66", email="mallory@example.com", name="Mallory")
SHOP = {
    "start": "topic",
    "topic": {"say": "What is it about?", "choices": {"My order": "support", "Something else": "human"}},
    "support": {"say": "Which order?", "ask": "order_number", "then": "human"},
}
NOTE = "Before this conversation, about support:\nWhat is it about? - My order\nWhich order? - A-17 <b>late</b>"


def site(name: str, folder: Path, **config: Any) -> Flask:
    """A site with a flow in the sandbox, and its store."""
    url = f"sqlite:///{folder / 'events.sqlite3'}"
    app = create_app(name, **{"secrets": False, "LIVECHAT_SANDBOX": True, "LIVECHAT_DATABASE_URL": url, **config})
    chat_of(app).flow("shop", SHOP)
    with app.app_context():
        chat_of(app).store.upgrade()
    return app


def step(client: FlaskClient, state: Any = None, input: Any = None, **more: Any) -> dict[str, Any]:
    body = {"flow": "shop", "state": state, "input": input, "locale": "en", **more}
    answer = client.post("/livechat/flow", data=json.dumps(body))
    assert answer.status_code == 200, answer.status
    return dict(answer.json or {})


def hand_over(client: FlaskClient, **more: Any) -> dict[str, Any]:
    reply = step(client, **more)
    for action in ({"choice": 0}, {"text": "A-17 <b>late</b>"}):
        reply = step(client, reply["state"], action, **more)
    assert reply["end"] == "human"
    return reply


def work(app: Flask) -> int:
    """Handle what webhooks have brought. Return how many events could not be handled."""
    assert app.extensions["livechat"].runtime.sandbox_sender.queue.finish(10)
    with app.app_context():
        chat = chat_of(app)
        batch = Worker(chat.store, chat.handle, chat.now).once()
    return batch.tried - batch.done


def notes(shop: Shop) -> list[str]:
    """All notes that agents have, in whichever conversation."""
    with shop.app.app_context():
        lines = [line for chat in shop.desk.conversations.list() for line in shop.desk.conversations.messages(chat.id)]
    return [line.text for line in lines if line.kind == "note"]


def waiting(app: Flask) -> list[str]:
    with app.app_context(), chat_of(app).store.reading() as connection:
        return [*connection.execute(sa.select(handoffs.c.visitor)).scalars()]


@contextmanager
def vendor_down(monkeypatch: pytest.MonkeyPatch, shop: Shop) -> Iterator[None]:
    """The vendor's API answers 503 to all."""

    def down(environ: Any, start_response: Any) -> list[bytes]:
        start_response("503 Service Unavailable", [("Content-Length", "0")])
        return []

    apis = shop.app.extensions["livechat"].runtime.sandbox.apis
    with monkeypatch.context() as patch:
        patch.setitem(apis, shop.name, down)
        yield


@every_noting_vendor
def test_what_a_known_visitor_said_in_a_flow_is_a_note_once_they_write(name: str, tmp_path: Path) -> None:
    app = site(name, tmp_path)
    shop = shop_of(name, app)
    reply = hand_over(log_in(app))
    assert reply["handoff"]["transcript"] == {}, "it comes as a note"
    assert waiting(app) == ["42"]
    session = shop.visit("My order: A-17", who=ADA)
    assert work(app) == 0
    (note,) = notes(shop)
    assert note.replace("\u2039", "<") == NOTE
    assert waiting(app) == []
    assert "A-17 <b>late" not in str(shop.reads(session)), "the visitor does not read it"
    shop.tell("message", session=session, text="Hello?")
    assert work(app) == 0
    assert len(notes(shop)) == 1


@every_noting_vendor
def test_the_button_for_a_human_hands_over_what_was_said_until_then(name: str, tmp_path: Path) -> None:
    app = site(name, tmp_path)
    client, shop = log_in(app), shop_of(name, app)
    reply = step(client, step(client)["state"], {"choice": 0})
    assert waiting(app) == []
    step(client, reply["state"], {"choice": "human"})
    shop.visit("Hello?", who=ADA)
    work(app)
    assert [note.splitlines()[1:] for note in notes(shop)] == [["What is it about? - My order"]]


@every_vendor
def test_where_agents_get_no_note_the_transcript_goes_with_the_visitor(name: str, tmp_path: Path) -> None:
    """An anonymous visitor's, and a vendor's whose API takes no notes."""
    app = site(name, tmp_path)
    clients = [app.test_client(), *([] if name in NOTING else [log_in(app)])]
    for client in clients:
        reply = hand_over(client)
        assert [*reply["handoff"]["transcript"].values()] == NOTE.splitlines()[1:]
    assert waiting(app) == []


@pytest.mark.parametrize("name", [name for name in VENDORS if name not in NOTING and providers.api(name)])
def test_a_vendor_whose_api_takes_no_notes_says_so(name: str, tmp_path: Path) -> None:
    desk = shop_of(name, site(name, tmp_path)).desk
    with pytest.raises(Unsupported, match=r"flows\.hand_over"):
        desk.hand_over("1", [Handoff("42", None, "x", "x")])


@every_noting_vendor
def test_nobody_elses_conversation_gets_the_note(name: str, tmp_path: Path) -> None:
    """Not somebody else's, and not an anonymous visitor's who claims the email or the id without a proof."""
    app = site(name, tmp_path)
    shop = shop_of(name, app)
    hand_over(log_in(app))
    shop.visit("Hello?", who=MALLORY)
    anonymous = str(shop.tell("session")["session"])
    claims = {"email": ADA.email, "name": ADA.name, "user_id": ADA.id}
    shop.client.post(f"/livechat/sandbox/api/{name}/identify", json={"session": anonymous, **claims})
    shop.tell("message", session=anonymous, text="I am Ada, believe me")
    assert work(app) == 0
    assert notes(shop) == []
    assert waiting(app) == ["42"]
    shop.visit("Here I am", who=ADA)
    work(app)
    assert len(notes(shop)) == 1


@every_noting_vendor
@pytest.mark.parametrize("late", [timedelta(hours=-1), timedelta(hours=1, minutes=1)], ids=["before", "long after"])
def test_a_message_before_it_or_long_after_it_gets_no_note(name: str, late: timedelta, tmp_path: Path) -> None:
    app = site(name, tmp_path)
    chat, shop = chat_of(app), shop_of(name, app)
    real = chat.now
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chat, "now", lambda: real() - late)
        hand_over(log_in(app))
    shop.visit("Hello?", who=ADA)
    work(app)
    assert notes(shop) == []


@every_noting_vendor
def test_a_note_that_the_vendor_does_not_take_comes_when_it_is_back_and_handlers_are_not_called_again(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = site(name, tmp_path)
    chat, shop = chat_of(app), shop_of(name, app)
    seen: list[str | None] = []
    for kind in ("message", "conversation_started"):
        chat.on(kind)(lambda event: seen.append(event.text))
    monkeypatch.setattr(service, "NOTE_S", 0.1)
    hand_over(log_in(app))
    shop.visit("Hello?", who=ADA)
    with vendor_down(monkeypatch, shop):
        assert work(app) == 1
    assert (seen, notes(shop), waiting(app)) == (["Hello?"], [], ["42"])
    real = chat.now
    monkeypatch.setattr(chat, "now", lambda: real() + timedelta(minutes=5))
    assert work(app) == 0
    assert (seen, len(notes(shop)), waiting(app)) == (["Hello?"], 1, [])


@every_noting_vendor
def test_what_a_handler_of_the_app_raises_stops_no_note(name: str, tmp_path: Path) -> None:
    app = site(name, tmp_path)
    chat, shop = chat_of(app), shop_of(name, app)
    errors = [ZeroDivisionError()]

    def once(event: Any) -> None:
        if errors:
            raise errors.pop()

    for kind in ("message", "conversation_started"):
        chat.on(kind)(once)
    hand_over(log_in(app))
    shop.visit("Hello?", who=ADA)
    assert work(app) == 1
    chat.now = lambda: type(chat).now() + timedelta(minutes=5)  # type: ignore[method-assign]  # the tests' own clock
    assert work(app) == 0
    assert len(notes(shop)) == 1


@every_noting_vendor
def test_a_handoff_that_is_written_twice_is_one_note(name: str, tmp_path: Path) -> None:
    app = site(name, tmp_path)
    shop = shop_of(name, app)
    shop.visit("Hello?", who=ADA)
    (chat,) = shop.desk.conversations.list()
    handoff = Handoff("42", "ada@example.com", NOTE, "nothing")
    for _ in range(2):
        assert shop.desk.hand_over(chat.id, [Handoff("7", "b@example.com", "x", "x"), handoff]) == handoff
    assert len(notes(shop)) == 1
    assert shop.desk.hand_over(chat.id, [Handoff("7", "b@example.com", "x", "x")]) is None


def test_in_crisp_a_conversation_waits_until_somebody_has_answered(tmp_path: Path) -> None:
    shop = shop_of("crisp", site("crisp", tmp_path))
    session, handoff = shop.visit("Hello?", who=ADA), Handoff("42", "ada@example.com", "first", "x")
    shop.desk.hand_over(session, [handoff])
    assert shop.desk.conversations.get(session).state == "pending"
    shop.desk.conversations.reply(session, "Hello!")
    shop.desk.conversations.reopen(session)
    shop.desk.hand_over(session, [replace(handoff, note="second")])
    assert shop.desk.conversations.get(session).state == "open"


def test_in_intercom_the_team_gets_it_that_is_called_like_the_topic_unless_somebody_has_it(tmp_path: Path) -> None:
    shop = shop_of("intercom", site("intercom", tmp_path))
    shop.visit("Hello?", who=ADA)
    (chat,) = shop.desk.conversations.list()
    handoff = Handoff("42", None, "a note", "billing")
    shop.desk.hand_over(chat.id, [handoff])
    assert not shop.desk.conversations.get(chat.id).raw["team_assignee_id"]
    (agent, *_), (team,) = [*shop.desk.agents.list()], [*shop.desk.agents.teams()]
    shop.desk.conversations.assign(chat.id, agent=agent.id)
    shop.desk.hand_over(chat.id, [replace(handoff, topic="SUPPORT")])
    assert not shop.desk.conversations.get(chat.id).raw["team_assignee_id"]
    shop.desk.conversations.assign(chat.id, agent="0")
    shop.desk.hand_over(chat.id, [replace(handoff, topic="SUPPORT")])
    assert str(shop.desk.conversations.get(chat.id).raw["team_assignee_id"]) == team.id


def test_in_intercom_a_note_has_no_html_of_a_visitors(tmp_path: Path) -> None:
    shop = shop_of("intercom", site("intercom", tmp_path))
    shop.visit("Hello?", who=ADA)
    (chat,) = shop.desk.conversations.list()
    shop.desk.hand_over(chat.id, [Handoff("42", None, "<a href='https://evil.example'>refund</a>", "x")])
    assert "<" not in notes(shop)[0]


@pytest.mark.parametrize("words", ["Q & A", "&lt;b&gt;refund", "&amp;amp; &#8249; &copy", "AT&T"])
def test_in_intercom_a_note_is_written_once_also_where_a_visitor_wrote_entities(words: str, tmp_path: Path) -> None:
    """The vendor may read notes as HTML: then it gives characters back."""
    shop = shop_of("intercom", site("intercom", tmp_path))
    shop.visit("Hello?", who=ADA)
    (chat,) = shop.desk.conversations.list()
    handoff = Handoff("42", None, f"Which order? - {words}", "x")
    shop.desk.hand_over(chat.id, [handoff])
    (note,) = notes(shop)
    assert unescape(note) == note, "whoever reads it as HTML reads the same"
    assert note.replace("\uff06", "&").replace("\u2039", "<") == handoff.note


def test_whoever_looks_at_the_site_as_somebody_else_hands_nothing_over_for_them(tmp_path: Path) -> None:
    app = site("crisp", tmp_path)
    chat_of(app).impersonating(lambda: True)
    assert hand_over(log_in(app))["handoff"]["transcript"]
    assert waiting(app) == []


def test_without_the_keys_of_the_api_the_transcript_goes_with_the_visitor(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'events.sqlite3'}"
    app = create_app("crisp", LIVECHAT_CRISP_WEBHOOK_SECRET="secret" * 6, LIVECHAT_DATABASE_URL=url)
    chat_of(app).flow("shop", SHOP)
    assert hand_over(log_in(app))["handoff"]["transcript"]


def test_a_database_that_does_not_answer_costs_nobody_the_transcript(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = site("crisp", tmp_path)
    with app.app_context(), chat_of(app).store.engine.begin() as connection:
        handoffs.drop(connection)
    assert hand_over(log_in(app))["handoff"]["transcript"]


def test_a_provider_that_there_is_not_changes_nothing(tmp_path: Path) -> None:
    app = site("crisp", tmp_path)
    for provider in ("unknown", None, 7, [], {}):
        assert hand_over(log_in(app), provider=provider)["handoff"]["transcript"]
    assert waiting(app) == []


@pytest.mark.parametrize("who", [ADA, "ada@example.com", "42"], ids=["visitor", "email", "id"])
def test_an_erasure_takes_what_waits(who: Any, tmp_path: Path) -> None:
    app = site("crisp", tmp_path)
    hand_over(log_in(app))
    hand_over(log_in(app, "7"))
    with app.app_context():
        chat_of(app).erase(replace(who, email_verified=True) if isinstance(who, Visitor) else who)
    assert waiting(app) == ["7"]


def test_what_nobody_came_for_is_gone_after_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = site("crisp", tmp_path)
    chat = chat_of(app)
    hand_over(log_in(app))
    real = chat.now
    monkeypatch.setattr(chat, "now", lambda: real() + timedelta(hours=25))
    hand_over(log_in(app, "7"))
    assert waiting(app) == ["7"]
    monkeypatch.setattr(chat, "now", lambda: real() + timedelta(hours=51))
    with app.app_context():
        Worker(chat.store, chat.handle, chat.now).prune()
    assert waiting(app) == []


@pytest.mark.needs("time")
@every_vendor
def test_random_walks_hand_over_the_path_the_fields_the_articles_and_the_transcript(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One with each trouble. ``python -m tests.help.handoffs 300`` makes as many as the issue asks for."""
    monkeypatch.setattr(flow_service, "search", lambda *arguments: handoffs_by_walks.ARTICLES)
    result = handoffs_by_walks.run(5, handoffs_by_walks.by_client, handoffs_by_walks.Site(name, tmp_path), seed=22)
    assert result == {"handed over": 5}


@pytest.mark.needs("time")
@pytest.mark.parametrize("lost", ["path", "fields", "help_seen", "transcript"])
def test_a_part_of_it_that_is_lost_is_noticed(lost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The walks would see it."""
    real = flow_replies.handoff

    def losing(*arguments: Any) -> dict[str, Any]:
        result = real(*arguments)
        return {**result, lost: type(result[lost])()}

    monkeypatch.setattr(flow_replies, "handoff", losing)
    monkeypatch.setattr(flow_service, "search", lambda *arguments: handoffs_by_walks.ARTICLES)
    walked = handoffs_by_walks.run(15, handoffs_by_walks.by_client, handoffs_by_walks.Site("tawk", tmp_path), seed=22)
    named = "articles" if lost == "help_seen" else lost
    assert [what for what in walked if named in what]


def test_both_databases_keep_the_newest_handoff_of_each_visitor_and_vendor(store: Store) -> None:  # noqa: F811
    rows, now = Handoffs(store), datetime(2026, 11, 30, 12, tzinfo=UTC)
    first, second = (Handoff("42", "Ada@example.com", note, "support") for note in ("first", "second"))
    for handoff in (first, second):
        assert rows.put("crisp", handoff, now)
    rows.put("intercom", first, now)
    rows.put("crisp", Handoff("7", None, "theirs", "support"), now + timedelta(minutes=1))

    def candidates(**fields: Any) -> list[str]:
        event = Event("crisp", "message", "c1:1", now + timedelta(minutes=2), "c1", author="visitor")
        return [item.note for item in rows.candidates(replace(event, **fields))]

    assert candidates() == ["theirs", "second"]  # the newest first, where nothing is known of the conversation
    assert candidates(visitor="42") == ["second"]
    assert candidates(provider="intercom") == ["first"]
    assert candidates(at=now - timedelta(minutes=3)) == candidates(at=now + timedelta(minutes=62)) == []
    event = Event("crisp", "contact_changed", "c1:mail", now, "c1", email="ADA@example.com")
    store.add([event], now)
    store.update_projection(event, now)
    assert candidates() == ["second"]
    rows.mark_failed(replace(event, id="c1:1"), [second])
    assert rows.has_failed_at(replace(event, id="c1:1"))
    assert not rows.has_failed_at(replace(event, id="c1:2"))
    assert not rows.has_failed_at(replace(event, id="c1:1", provider="intercom"))
    rows.drop("crisp", first)  # it is another one by now
    assert candidates() == ["second"]
    rows.drop("crisp", second)
    assert candidates() == []
    rows.drop_old(now + timedelta(hours=25))
    assert candidates(provider="intercom") == []


@pytest.mark.parametrize("secret", ["test_verify_secret_0123456789", None])
def test_only_a_visitor_with_a_proof_has_a_note_to_come(secret: str | None, tmp_path: Path) -> None:
    """Whoever is allowed to go unverified could be anybody, for the vendor, too."""
    keys = {"WEBHOOK_SECRET": "s" * 32, "API_IDENTIFIER": str(uuid4()), "API_KEY": "k" * 64, "IDENTITY_SECRET": secret}
    config = {f"LIVECHAT_CRISP_{name}": value for name, value in keys.items()}
    config |= {"LIVECHAT_ALLOW_UNVERIFIED": True, "LIVECHAT_DATABASE_URL": f"sqlite:///{tmp_path / 'events.sqlite3'}"}
    app = create_app("crisp", secrets=False, **config)
    chat_of(app).flow("shop", SHOP)
    with app.app_context():
        chat_of(app).store.upgrade()
    assert bool(hand_over(log_in(app))["handoff"]["transcript"]) is (secret is None)
    assert waiting(app) == (["42"] if secret else [])

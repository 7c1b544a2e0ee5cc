"""The circle on one machine: a visitor writes, the sandbox tells, the store keeps, a handler answers by the desk."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_livechat import LiveChat, providers
from flask_livechat.model import Event
from flask_livechat.sandbox import delivery, sandbox_of, stand_in

from ..conftest import chat_of, create_app
from ..desk.test_stand_ins import Shop, desk_of, shop_of

VENDORS = [name for name in providers.names() if providers.webhooks(name)]
every_vendor = pytest.mark.parametrize("name", VENDORS)


def site(name: str, tmp_path: Path, **config: Any) -> Flask:
    url = f"sqlite:///{tmp_path / 'events.sqlite3'}"
    app = create_app(name, **{"secrets": False, "LIVECHAT_SANDBOX": True, "LIVECHAT_DATABASE_URL": url, **config})
    with app.app_context():
        chat_of(app).store.upgrade()
    return app


def stored_events(app: Flask) -> list[Event]:
    assert app.extensions["livechat"].runtime.sandbox_sender.queue.finish(10)
    with app.app_context():
        return [queued.event for queued, _, _ in chat_of(app).store.scan()]


def kinds(shop: Shop) -> list[tuple[str, str | None, str | None]]:
    return [(event.kind, event.author, event.text) for event in stored_events(shop.app)]


def test_what_is_said_in_crisp_is_told(tmp_path: Path) -> None:
    shop = shop_of("crisp", site("crisp", tmp_path))
    session = shop.visit("Hello?")
    shop.desk.conversations.reply(session, "Yes?")
    shop.desk.conversations.note(session, "late")
    shop.desk.conversations.tag(session, "vip")
    shop.tell("rating", session=session, value=4)
    shop.desk.conversations.close(session)
    shop.desk.conversations.reopen(session)
    assert kinds(shop) == [
        ("contact_changed", None, None),
        ("unknown", None, None),  # the email is verified
        ("message", "visitor", "Hello?"),
        ("message", "agent", "Yes?"),
        ("note", "agent", "late"),
        ("unknown", None, None),
        ("rated", None, None),
        ("conversation_closed", "agent", None),
        ("conversation_reopened", "agent", None),
    ]
    assert {event.conversation for event in stored_events(shop.app)} == {session}
    assert [event.tags for event in stored_events(shop.app) if event.tags] == [("vip",)]
    assert [event.email for event in stored_events(shop.app) if event.email] == ["ada@example.com"]


def test_what_is_said_in_intercom_is_told(tmp_path: Path) -> None:
    shop = shop_of("intercom", site("intercom", tmp_path))
    session = shop.visit("Hello?", "Anybody?")
    (mine,) = shop.desk.conversations.list()
    shop.desk.conversations.reply(mine.id, "Yes?")
    shop.desk.conversations.note(mine.id, "late")
    shop.tell("rating", session=session, value=4)
    shop.desk.conversations.close(mine.id)
    shop.desk.conversations.reopen(mine.id)
    assert kinds(shop) == [
        ("conversation_started", "visitor", "Hello?"),
        ("message", "visitor", "Anybody?"),
        ("message", "agent", "Yes?"),
        ("note", "agent", "late"),
        ("rated", None, None),
        ("conversation_closed", "agent", None),
        ("conversation_reopened", "agent", None),
    ]
    assert {(event.conversation, event.visitor) for event in stored_events(shop.app)} == {(mine.id, "42")}


def test_what_is_said_in_tawk_is_told_when_the_chat_is_over(tmp_path: Path) -> None:
    shop = shop_of("tawk", site("tawk", tmp_path))
    session = shop.visit("Hello?", "Anybody?")
    assert kinds(shop) == [("conversation_started", "visitor", "Hello?")]
    shop.client.post("/livechat/sandbox/desk/reply", json={"session": session, "text": "Yes?"})
    shop.client.post("/livechat/sandbox/desk/end", json={"session": session})
    result = sorted(kinds(shop)[1:], key=str)
    assert ("conversation_closed", None, None) in result
    assert ("message", "visitor", "Anybody?") in result
    assert ("message", "agent", "Yes?") in result
    assert {event.email for event in stored_events(shop.app)} == {"ada@example.com"}


@pytest.mark.parametrize("name", [name for name in VENDORS if "conversations.reply" in desk_of(name).methods])
def test_a_handler_answers_through_the_desk_and_the_visitor_reads_it(name: str, tmp_path: Path) -> None:
    app = site(name, tmp_path)
    chat = chat_of(app)

    def answer(event: Event) -> None:
        if event.author == "visitor" and event.conversation:
            chat.desk().conversations.reply(event.conversation, f"You said {event.text!r}.")

    for kind in ("message", "conversation_started"):
        chat.on(kind)(answer)
    shop = shop_of(name, app)
    session = shop.visit("hello")
    stored_events(app)
    result = app.test_cli_runner().invoke(args=["livechat", "work", "--once"])
    assert result.exit_code == 0, result.output
    assert shop.reads(session) == [("visitor", "hello"), ("agent", "You said 'hello'.")]


@every_vendor
def test_a_delivery_that_is_not_taken_is_repeated(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = stand_in.load(name)
    assert patient.webhooks is not None
    impatient = replace(patient, webhooks=replace(patient.webhooks, pauses_s=(0.01, 0.01)))
    monkeypatch.setattr(delivery, "load", lambda vendor: impatient)
    app = site(name, tmp_path)
    app.testing, app.config["PROPAGATE_EXCEPTIONS"] = False, False
    answers: list[int] = []
    real = app.wsgi_app

    def failing(environ: dict[str, Any], start_response: Any) -> Any:
        if "/webhooks/" in environ["PATH_INFO"] and len(answers) < 2:
            answers.append(500)
            start_response("500 Down", [("Content-Length", "0")])
            return [b""]
        return real(environ, start_response)

    app.wsgi_app = failing  # type: ignore[method-assign]  # the way that Flask documents
    shop_of(name, app).visit("Hello?")
    assert len([event for event in stored_events(app) if event.text]) == 1
    assert answers == [500, 500]


@every_vendor
def test_a_site_that_asks_for_no_events_gets_no_database(name: str, tmp_path: Path) -> None:
    app = Flask("plain", instance_path=str(tmp_path / "instance"))
    app.config.update(SECRET_KEY="x", TESTING=True, LIVECHAT_SANDBOX=True, LIVECHAT_PROVIDER=name)
    LiveChat(app)
    shop_of(name, app).visit("Hello?", who=None)
    assert app.extensions["livechat"].runtime.sandbox_sender.queue.finish(5)
    assert not (tmp_path / "instance").exists()


@every_vendor
def test_a_site_with_a_metrics_page_counts_what_is_said_in_its_sandbox(name: str, tmp_path: Path) -> None:
    app = Flask("counted", instance_path=str(tmp_path / "instance"))
    app.config.update(SECRET_KEY="x", TESTING=True, LIVECHAT_SANDBOX=True, LIVECHAT_PROVIDER=name)
    LiveChat(app).staff_required(lambda: True)
    shop = shop_of(name, app)
    shop.visit("Hello?", who=None)
    assert "visitor" in [author for _, author, _ in kinds(shop)]


@every_vendor
def test_a_first_message_has_the_time_when_it_was_written_and_not_when_the_visitor_came(
    name: str, tmp_path: Path
) -> None:
    shop = shop_of(name, site(name, tmp_path))
    now = time.time()
    sandbox_of(shop.app).hub.clock = lambda: now
    session = shop.visit()
    now += 60
    shop.tell("message", session=session, text="Hello?")
    now += 60
    shop.client.post("/livechat/sandbox/desk/end", json={"session": session})  # a vendor may tell of it only then
    times = {event.at.timestamp() for event in stored_events(shop.app) if event.author == "visitor" and event.text}
    assert {int(moment) for moment in times} == {int(now) - 60}

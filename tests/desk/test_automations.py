"""What the desk does by itself: conversations about errors, contacts kept up to date, events over the server."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from blinker import Signal
from flask import Flask, abort

from flask_livechat import ConfigError, Visitor, settings
from flask_livechat.desk import retry
from flask_livechat.desk.automations import MAX_VISITORS, Recent, error_text
from flask_livechat.desk.background import MAX_JOBS, BackgroundQueue
from flask_livechat.desk.service import automations
from flask_livechat.sandbox import sandbox_of

from ..conftest import USERS, chat_of, create_app

ABLE = ("crisp", "intercom")


def site(name: str = "intercom", **config: Any) -> Flask:
    app = create_app(name, secrets=False, LIVECHAT_SANDBOX=True, **config)
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.get("/broken")
    def broken() -> str:
        chat_of(app).context(plan="pro")
        raise RuntimeError("the password is secret")

    @app.get("/missing")
    def missing() -> str:
        abort(404)

    @app.get("/buy")
    def buy() -> str:
        chat_of(app).track("bought", plan="pro")
        return "thanks"

    return app


def done(app: Flask) -> None:
    """Waits for what is done after the answer."""
    for automation in app.extensions["livechat"].runtime.automations.values():
        assert automation.queue.finish(10)


def conversations(app: Flask) -> list[list[str]]:
    done(app)
    name = app.extensions["livechat"].settings.provider
    with app.app_context():
        desk = chat_of(app).desk(name)
    return [[data.text for data in desk.conversations.messages(chat.id)] for chat in desk.conversations.list()]


def people(app: Flask) -> list[Any]:
    done(app)
    name = app.extensions["livechat"].settings.provider
    return list(sandbox_of(app).apis[name].account.people.all())


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ABLE)
def test_an_error_of_a_known_visitor_begins_a_conversation(name: str) -> None:
    app = site(name, LIVECHAT_ON_ERROR="conversation")
    client = app.test_client()
    client.get("/login/42")
    assert client.get("/broken").status_code == 500
    ((text,),) = conversations(app)
    assert "path: /broken" in text
    assert "error_status: 500" in text
    assert "plan: pro" in text
    assert "password" not in text


def test_the_id_in_it_stands_in_the_apps_log(caplog: pytest.LogCaptureFixture) -> None:
    app = site(LIVECHAT_ON_ERROR="conversation")
    client = app.test_client()
    client.get("/login/42")
    with caplog.at_level(logging.ERROR):
        client.get("/broken")
    ((text,),) = conversations(app)
    (line,) = [line for line in text.splitlines() if line.startswith("error_id: ")]
    assert line.removeprefix("error_id: ") in caplog.text


def test_a_visitors_next_error_begins_none() -> None:
    app = site(LIVECHAT_ON_ERROR="conversation")
    client, other = app.test_client(), app.test_client()
    client.get("/login/42")
    other.get("/login/7")
    for _ in range(3):
        client.get("/broken")
    other.get("/broken")
    assert len(conversations(app)) == 2


@pytest.mark.parametrize("path", ["/missing", "/buy", "/nowhere"])
def test_what_is_no_error_of_the_apps_begins_none(path: str) -> None:
    app = site(LIVECHAT_ON_ERROR="conversation")
    client = app.test_client()
    client.get("/login/42")
    client.get(path)
    assert conversations(app) == []


def test_an_error_of_somebody_unknown_begins_none() -> None:
    app = site(LIVECHAT_ON_ERROR="conversation")
    app.test_client().get("/broken")
    assert conversations(app) == []


def test_without_the_key_no_error_begins_one() -> None:
    app = site()
    client = app.test_client()
    client.get("/login/42")
    client.get("/broken")
    assert conversations(app) == []


def test_a_visitor_loader_that_fails_does_not_hide_the_error() -> None:
    app = site(LIVECHAT_ON_ERROR="conversation")
    app.testing = False

    @chat_of(app).visitor_loader
    def load(user: Any) -> Visitor:
        raise LookupError

    client = app.test_client()
    client.get("/login/42")
    assert client.get("/broken").status_code == 500
    assert conversations(app) == []


def test_whoever_has_not_agreed_is_told_to_nobody() -> None:
    app = site(LIVECHAT_ON_ERROR="conversation", LIVECHAT_CONSENT=lambda: False, LIVECHAT_TRACK_VIA="server")
    client = app.test_client()
    client.get("/login/42")
    client.get("/broken")
    client.get("/buy")
    assert conversations(app) == []
    assert people(app) == []


def test_a_vendor_that_is_down_costs_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    app = site(LIVECHAT_ON_ERROR="conversation", LIVECHAT_INTERCOM_ACCESS_TOKEN="the-token")
    account = sandbox_of(app).apis["intercom"].account
    object.__setattr__(account, "values", dict(account.values) | {"ACCESS_TOKEN": ("another",)})
    client = app.test_client()
    client.get("/login/42")
    assert client.get("/broken").status_code == 500
    done(app)
    assert "a conversation about an error failed with Unauthorized" in caplog.text
    assert "the-token" not in caplog.text


def test_what_the_text_says() -> None:
    text = error_text({"path": "/x", "endpoint": None, "error_status": 500, "error_id": "abc", "empty": ""})
    assert text == "Something went wrong on a page.\npath: /x\nerror_status: 500\nerror_id: abc"


# -- contacts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ABLE)
def test_a_contact_is_made_what_the_visitor_is_once_for_several_changes(name: str) -> None:
    app = site(name)
    with app.test_request_context():
        for plan in ("free", "pro", "team"):
            visitor = Visitor(id="42", email="ada@example.com", attributes={"plan": plan})
            automations(app.extensions["livechat"], app, name).sync(visitor)
    (person,) = people(app)
    assert person.email == "ada@example.com"
    assert person.attributes == {"plan": "team"}


def test_a_signal_with_a_user_makes_one() -> None:
    app, signed_up = site(), Signal()
    chat_of(app).visitor_loader(lambda user: Visitor(id=str(user["id"]), email=user["email"]))
    chat_of(app).sync_on(signed_up)
    with app.test_request_context():
        signed_up.send(app, user={"id": 7, "email": "eve@example.com"}, remember=True)
        signed_up.send(app)  # of nobody
    assert [person.external_id for person in people(app)] == ["7"]


def test_a_signal_in_another_app_is_the_other_apps() -> None:
    """flask-login's signals are every app's."""
    app, other, signed_up = site(), site(), Signal()
    chat_of(app).sync_on(signed_up)
    with other.test_request_context():
        signed_up.send(other, user=USERS["42"])
    assert people(app) == people(other) == []


def test_whoever_is_logged_in_is_the_one_who_is_kept_up_to_date() -> None:
    app = site()

    @app.get("/profile")
    def profile() -> str:
        chat_of(app).sync()
        return "saved"

    client = app.test_client()
    client.get("/profile")
    assert people(app) == []
    client.get("/login/42")
    client.get("/profile")
    assert [person.external_id for person in people(app)] == ["42"]


# -- events ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ABLE)
def test_an_event_goes_over_the_server(name: str) -> None:
    app = site(name, LIVECHAT_TRACK_VIA="server")
    client = app.test_client()
    client.get("/login/42")
    client.get("/buy")
    client.get("/buy")
    (person,) = people(app)
    assert person.events
    assert all("bought" in event.values() for event in person.events)
    assert "bought" not in client.get("/").text


def test_an_event_of_somebody_unknown_leaves_with_the_next_page() -> None:
    app = site(LIVECHAT_TRACK_VIA="server")
    client = app.test_client()
    client.get("/buy")
    assert "bought" in client.get("/").text


def test_whoever_the_vendor_knows_no_more_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "NEW_S", 0)  # else it is taken for one that the vendor does not know everywhere yet
    app = site(LIVECHAT_TRACK_VIA="server")
    client = app.test_client()
    client.get("/login/42")
    client.get("/buy")
    (person,) = people(app)
    sandbox_of(app).apis["intercom"].account.people.drop(person.id)
    client.get("/buy")
    (again,) = people(app)
    assert again.id != person.id
    assert len(again.events) == 1


def test_a_vendor_that_keeps_no_contacts_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    app = site("tawk")
    with app.test_request_context():
        for _ in range(3):
            chat_of(app).sync(object())
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["livechat: Contacts are not updated, because Tawk.to's API cannot do that."]


@pytest.mark.parametrize("rule", [{"show": False}, {"identify": False}])
def test_what_a_rule_keeps_from_a_page_the_server_does_not_tell(rule: dict[str, Any]) -> None:
    app = site(LIVECHAT_TRACK_VIA="server", LIVECHAT_ON_ERROR="conversation", LIVECHAT_RULES=[{"path": "/*", **rule}])
    client = app.test_client()
    client.get("/login/42")
    client.get("/buy")
    client.get("/broken")
    assert people(app) == []
    assert conversations(app) == []


def test_a_page_of_another_vendors_is_told_to_that_one() -> None:
    app = site("intercom", LIVECHAT_TRACK_VIA="server", LIVECHAT_RULES=[{"path": "/buy", "provider": "crisp"}])
    client = app.test_client()
    client.get("/login/42")
    client.get("/buy")
    assert people(app) == []
    (person,) = sandbox_of(app).apis["crisp"].account.people.all()
    assert len(person.events) == 1


def test_whoever_the_vendor_cannot_know_is_told_of_by_the_next_page() -> None:
    app = site("crisp", LIVECHAT_TRACK_VIA="server")
    chat_of(app).visitor_loader(lambda user: Visitor(id="42"))
    client = app.test_client()
    client.get("/login/42")
    client.get("/buy")
    assert "bought" in client.get("/").text


def test_while_somebody_looks_at_the_site_as_another_nobody_is_told_of() -> None:
    app = site(LIVECHAT_TRACK_VIA="server", LIVECHAT_ON_ERROR="conversation")
    chat_of(app).impersonating(lambda: True)
    app.add_url_rule("/profile", "profile", lambda: str(chat_of(app).sync()))
    client = app.test_client()
    client.get("/login/42")
    for path in ("/buy", "/broken", "/profile"):
        client.get(path)
    assert people(app) == []
    assert conversations(app) == []


def test_an_event_has_the_moment_at_which_it_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    app = site(LIVECHAT_TRACK_VIA="server")
    moments = iter(datetime(2026, 11, 21, 12, 0, second, tzinfo=UTC) for second in range(50))
    monkeypatch.setattr(type(chat_of(app)), "now", staticmethod(lambda: next(moments)))
    client = app.test_client()
    client.get("/login/42")
    for _ in range(3):
        client.get("/buy")
    (person,) = people(app)
    assert len({event["created_at"] for event in person.events}) == 3


def test_a_failing_visitor_loader_does_not_replace_the_apps_error_in_tests_either() -> None:
    app = site(LIVECHAT_ON_ERROR="conversation")
    app.config["PROPAGATE_EXCEPTIONS"] = True

    @chat_of(app).visitor_loader
    def load(user: Any) -> Visitor:
        raise LookupError

    client = app.test_client()
    client.get("/login/42")
    with pytest.raises(RuntimeError, match="the password is secret"):
        client.get("/broken")


# -- the configuration -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [{"LIVECHAT_ON_ERROR": "conversation"}, {"LIVECHAT_TRACK_VIA": "server"}])
class TestTheConfiguration:
    def test_a_vendor_that_cannot_is_said(self, key: dict[str, Any]) -> None:
        with pytest.raises(ConfigError, match=r"LC108.*Tawk\.to's API cannot do that"):
            create_app("tawk", **key)

    def test_a_key_that_is_missing_is_said(self, key: dict[str, Any]) -> None:
        with pytest.raises(ConfigError, match=r"LIVECHAT_INTERCOM_ACCESS_TOKEN.*is needed for LIVECHAT_"):
            create_app("intercom", **key)

    def test_an_extra_that_is_missing_is_said(self, key: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings, "find_spec", lambda name: None)
        with pytest.raises(ConfigError, match=r"LC108.*needs the extra \[desk\]"):
            create_app("intercom", LIVECHAT_INTERCOM_ACCESS_TOKEN="x", **key)

    @pytest.mark.parametrize("consent", ["required", "click"])
    def test_consent_that_the_server_cannot_see_is_said(self, key: dict[str, Any], consent: str) -> None:
        with pytest.raises(ConfigError, match=r"LC108.*the server cannot see a consent"):
            create_app("intercom", LIVECHAT_INTERCOM_ACCESS_TOKEN="x", LIVECHAT_CONSENT=consent, **key)


# -- the queue --------------------------------------------------------------------------------------------------------


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_was_there_lately_is_not_the_first() -> None:
    clock = Clock()
    recent = Recent(60, clock)
    assert (recent.is_first("a"), recent.is_first("a"), recent.is_first("b")) == (True, False, True)
    clock.now = 60
    assert recent.is_first("a")
    for n in range(MAX_VISITORS + 1):
        recent.is_first(str(n))
    assert len(recent._seen) == MAX_VISITORS


def test_work_is_done_in_order_and_a_failure_stops_nothing() -> None:
    queue, seen = BackgroundQueue(), list[int]()

    def fail() -> None:
        raise ValueError

    queue.put("one", lambda: seen.append(1))
    queue.put("two", fail)
    queue.put("three", lambda: seen.append(3))
    assert queue.finish(5)
    assert seen == [1, 3]


def test_what_waits_is_replaced_and_not_put_off() -> None:
    clock, seen = Clock(), list[str]()
    queue = BackgroundQueue(clock)
    queue.put("a contact", lambda: seen.append("first"), key="x", delay_s=5)
    clock.now = 4
    queue.put("a contact", lambda: seen.append("second"), key="x", delay_s=5)
    (waiting,) = queue._waiting.values()
    assert waiting.due == 5
    assert queue.finish(5)
    assert seen == ["second"]


def test_it_is_bounded_and_says_what_it_dropped(caplog: pytest.LogCaptureFixture) -> None:
    queue, gate, seen = BackgroundQueue(), threading.Event(), list[int]()
    queue.put("the gate", lambda: gate.wait(5))
    while queue._waiting:
        time.sleep(0.001)
    for n in range(MAX_JOBS + 1):
        queue.put("an event", lambda n=n: seen.append(n))  # type: ignore[misc]  # the loop's own
    gate.set()
    assert queue.finish(5)
    assert (len(seen), seen[0]) == (MAX_JOBS, 1)
    assert "too much waits for the vendor: an event was left out" in caplog.text


def test_a_background_queue_survives_a_log_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    queue, seen = BackgroundQueue(), list[int]()

    def fail(*arguments: object) -> None:
        raise RuntimeError("outside of a request")

    def work() -> None:
        raise ValueError

    monkeypatch.setattr("flask_livechat.desk.background.log.error", fail)
    queue.put("one", work)
    assert queue.finish(5)
    queue.put("two", lambda: seen.append(2))
    assert queue.finish(5)
    assert seen == [2]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_background_queue_whose_thread_has_died_begins_another() -> None:
    queue, seen = BackgroundQueue(), list[int]()

    def die() -> None:
        raise SystemExit

    queue.put("one", die)
    queue._thread.join(5)  # type: ignore[union-attr]  # there is one
    queue.put("two", lambda: seen.append(2))
    assert queue.finish(5)
    assert seen == [2]


def test_what_takes_too_long_is_not_waited_for_for_ever() -> None:
    queue, gate = BackgroundQueue(), threading.Event()
    queue.put("something slow", lambda: gate.wait(5))
    assert queue.finish(0.05) is False
    gate.set()
    assert queue.finish(5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_does_not_do_its_parents_work(tmp_path: Any) -> None:
    queue, path = BackgroundQueue(), tmp_path / "told"

    def tell(what: str) -> Callable[[], None]:
        def work() -> None:
            with path.open("a", encoding="utf-8") as file:
                file.write(what)

        return work

    queue.put("the parent's", tell("parent "), key="p", delay_s=60)
    child = os.fork()
    if child == 0:
        try:
            queue.put("the child's", tell("child "))
            queue.finish(5)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert path.read_text("utf-8") == "child "
    assert queue.finish(5)
    assert path.read_text("utf-8") == "child parent "

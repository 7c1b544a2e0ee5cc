"""``/livechat/inbox`` without JavaScript: what it lists, what its forms do at the vendor, and what it refuses."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from bs4 import BeautifulSoup, Tag
from flask import Flask
from flask.testing import FlaskClient
from flask_wtf import CSRFProtect
from jinja2 import FileSystemLoader

from flask_livechat import LiveChat, Visitor, providers
from flask_livechat.desk import inbox_queries as queries
from flask_livechat.desk.erasure import forget
from flask_livechat.desk.handling import begin_answer, put_handling, seen_mark
from flask_livechat.desk.inbox import snooze_choices, view_of, waits
from flask_livechat.desk.inbox_actions import moment_of
from flask_livechat.desk.store import MIGRATIONS, Store
from flask_livechat.desk.tables import UNCOUNTED, conversations, events
from flask_livechat.errors import TimedOut, VendorDown
from flask_livechat.model import Event, Message
from flask_livechat.sandbox import sandbox_of

from ..conftest import chat_of, create_app
from ..desk.test_stand_ins import Shop, only, shop_of
from .conftest import KINDS
from .test_circle import VENDORS, site, stored_events
from .test_projections import NOW, message, work

URL = "/livechat/inbox"
every_vendor = pytest.mark.parametrize("name", VENDORS)


def can(name: str, action: str) -> bool:
    api = providers.api(name)
    return api is not None and f"conversations.{action}" in api.methods


def those_that(action: str) -> Any:
    return pytest.mark.parametrize("name", [name for name in VENDORS if can(name, action)])


@pytest.fixture
def open_inbox(tmp_path: Path) -> Callable[..., Inbox]:
    def opened(name: str, *texts: str, **config: Any) -> Inbox:
        app = site(name, tmp_path, LIVECHAT_INBOX=True, **config)
        chat_of(app).staff_required(lambda: True)
        inbox = Inbox(app, app.test_client(), shop_of(name, app))
        if texts:
            inbox.session = inbox.shop.visit(*texts)
            stored_events(app)
        return inbox

    return opened


class Inbox:
    """An agent's browser without JavaScript, on a site whose vendors are the stand-ins."""

    def __init__(self, app: Flask, client: FlaskClient, shop: Shop) -> None:
        self.app, self.client, self.shop, self.session = app, client, shop, ""

    def page(self, query: str = "", status: int = 200) -> BeautifulSoup:
        response = self.client.get(URL + query)
        assert response.status_code == status, response.text
        return BeautifulSoup(response.text, "html.parser")

    def rows(self, query: str = "") -> list[str]:
        return [words(row) for row in self.page(query).select("#rows li[id^=row-] .words")]

    def first(self) -> BeautifulSoup:
        """The conversation that the list has first, whatever its state."""
        for tab in ("open", "closed", "snoozed"):
            if link := self.page(f"?tab={tab}").select_one("#rows a"):
                return BeautifulSoup(self.client.get(str(link["href"])).text, "html.parser")
        raise AssertionError("there is no conversation")

    def send(self, action: str, page: BeautifulSoup | None = None, **fields: str) -> Any:
        """Submit a form of the page as a browser does."""
        page = page or self.first()
        target = next(
            form
            for form in page.select("form[method=post]")
            if str(form["action"]).endswith(f"/{action}")
            or any(str(button.get("formaction", "")).endswith(f"/{action}") for button in form.select("button"))
        )
        values = {str(field["name"]): str(field.get("value", "")) for field in target.select("input[name]")}
        where = re.sub(r"[a-z]+$", action, str(target["action"]))
        return self.client.post(where, data=values | fields, headers={"Sec-Fetch-Site": "same-origin"})

    def entries(self) -> list[tuple[str, str]]:
        return [
            (str(item["class"][0]), words(item.select_one(".text") or item))
            for item in self.first().select("#entries li[id^=entry-]")
        ]


def words(node: Tag) -> str:
    return " ".join(node.get_text(" ", strip=True).split())


# -- who sees it -------------------------------------------------------------------------------------------------------


@every_vendor
def test_without_the_key_there_is_no_inbox(name: str, tmp_path: Path) -> None:
    app = site(name, tmp_path)
    chat_of(app).staff_required(lambda: True)
    assert app.test_client().get(URL).status_code == 404


@pytest.mark.parametrize("path", ["", "/changes", "/1/older", "/message/1"])
def test_who_is_not_staff_finds_nothing_there(path: str, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox("crisp", "Hello?")
    chat_of(inbox.app).staff_required(lambda: False)
    assert inbox.client.get(URL + path).status_code == 404
    assert inbox.client.post(f"{URL}/1/reply", data={"text": "x"}).status_code == 404


@pytest.mark.parametrize("url", [URL, "/livechat/metrics"])
def test_without_a_function_that_says_who_is_staff_the_log_says_once_why_it_is_a_404(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = site("crisp", tmp_path, LIVECHAT_INBOX=True).test_client()
    assert [client.get(url).status_code for _ in range(2)] == [404, 404]
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "@livechat.staff_required" in line


def test_its_answers_are_for_nobody_else(open_inbox: Callable[..., Inbox]) -> None:
    headers = open_inbox("crisp", "Hello?").client.get(URL).headers
    assert headers["Cache-Control"] == "no-store"
    assert (headers["Referrer-Policy"], headers["X-Robots-Tag"]) == ("same-origin", "noindex")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "require-trusted-types-for 'script'" in headers["Content-Security-Policy"]


def test_a_form_of_another_site_or_session_does_nothing(open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox("crisp", "Hello?")
    token = str(inbox.first().select_one("#answer input[name=token]")["value"])  # type: ignore[index]
    seen = str(inbox.first().select_one("#entries")["data-seen"])  # type: ignore[index]
    data = {"text": "Yes?", "seen": seen}
    cross = {"Sec-Fetch-Site": "cross-site"}
    assert inbox.client.post(f"{URL}/1/reply", data=data | {"token": token}, headers=cross).status_code == 403
    other = {"Origin": "https://evil.example"}
    assert (
        inbox.client.post(f"{URL}/1/note", data=data | {"token": token}, headers={"Origin": "null"}).status_code == 403
    )
    assert inbox.client.post(f"{URL}/1/reply", data=data | {"token": token}, headers=other).status_code == 403
    assert inbox.client.post(f"{URL}/1/reply", data=data).status_code == 403
    stranger = inbox.app.test_client()
    assert stranger.post(f"{URL}/1/reply", data=data | {"token": token}).status_code == 403
    assert inbox.shop.reads(inbox.session) == [("visitor", "Hello?")]


def test_an_app_without_sessions_reads_only(tmp_path: Path, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox("crisp", "Hello?")
    inbox.app.secret_key = None
    page = inbox.page("?c=1")
    assert not page.select("form[method=post]")
    assert "SECRET_KEY" in page.get_text()


# -- what it lists -----------------------------------------------------------------------------------------------------


@every_vendor
def test_what_a_visitor_writes_is_listed_before_any_worker_runs(name: str, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox(name, "Is it in stock?")
    page = inbox.page()
    assert [words(row) for row in page.select("#rows .words")] == ["Is it in stock?"]
    assert "waits 0 min" in words(page.select_one("#rows .facts"))  # type: ignore[arg-type]
    assert providers.load(name).title in words(page.select_one("#rows .facts"))  # type: ignore[arg-type]
    assert ("visitor", "Is it in stock?") in inbox.entries()


@every_vendor
def test_a_conversation_is_found_by_a_word(name: str, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox(name, "Is it in stock?")
    assert inbox.rows("?q=STOCK") == ["Is it in stock?"]
    assert inbox.rows("?q=elsewhere") == []
    assert inbox.rows("?q=%25") == []
    assert inbox.rows("?q=ada@example") == ["Is it in stock?"]


def test_what_a_visitor_writes_is_text(open_inbox: Callable[..., Inbox]) -> None:
    hostile = "</script><img src=x onerror=alert(1)> 🪴 \u202eevil"
    inbox = open_inbox("crisp", hostile)
    page = inbox.first()
    assert ("visitor", hostile) in inbox.entries()
    assert not page.select("img")
    assert all(item.has_attr("dir") for item in page.select("#entries .text"))


def test_an_app_that_escapes_nothing_by_itself_is_safe_here(open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox("crisp", "<img src=x>")
    inbox.app.jinja_env.autoescape = False
    for path in ("", "?c=1", "/changes?c=1", "/1/older", "?q=%3Cimg%20src=x%3E"):
        assert "<img src=x>" not in inbox.client.get(URL + path).text, path


def test_a_long_message_is_cut_and_all_of_it_is_a_link_away(open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox("crisp", "Hello?")
    with inbox.app.app_context():
        store = chat_of(inbox.app).store
        long = Event(
            "crisp", "message", "long", datetime.now(UTC), inbox.session, author="visitor", text="<b>" * 350_000
        )
        store.add([long], datetime.now(UTC))
    response = inbox.client.get(f"{URL}?c=1")
    assert len(response.data) < 40_000
    link = BeautifulSoup(response.text, "html.parser").select_one("#entries a[href*=message]")
    assert link is not None
    whole = inbox.client.get(str(link["href"]))
    assert (whole.mimetype, whole.text) == ("text/plain", "<b>" * 350_000)
    assert whole.headers["X-Content-Type-Options"] == "nosniff"


def test_what_the_app_says_of_somebody_is_beside_the_conversation(open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox("intercom", "Hello?")
    asked: list[Visitor] = []

    @chat_of(inbox.app).profile
    def profile(visitor: Visitor) -> dict[str, Any]:
        asked.append(visitor)
        return {"Plan": "pro", "Seats": 12}

    card = words(inbox.first().select_one("#card"))  # type: ignore[arg-type]
    assert "Plan pro Seats 12" in card
    assert "ada@example.com" in card
    assert {(visitor.id, visitor.email) for visitor in asked} == {("42", "ada@example.com")}


def test_the_app_is_not_asked_about_a_visitor_whom_nobody_knows(open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox("crisp")
    asked: list[Visitor] = []

    @chat_of(inbox.app).profile
    def profile(visitor: Visitor) -> dict[str, Any]:
        asked.append(visitor)
        return {}

    inbox.shop.visit("Hello?", who=None)
    stored_events(inbox.app)
    assert ("visitor", "Hello?") in inbox.entries()
    assert asked == []


def test_a_profile_that_fails_leaves_the_page_as_it_is(open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox("crisp", "Hello?")
    inbox.app.testing = False

    @chat_of(inbox.app).profile
    def profile(visitor: Visitor) -> dict[str, Any]:
        raise LookupError

    assert ("visitor", "Hello?") in inbox.entries()


@pytest.mark.parametrize(
    "query", ["?tab=nothing", "?c=x", "?c=999", "?c=99999999999999999999", "?tag=a%00b", "?provider=none", "?q=%00"]
)
def test_an_odd_address_is_a_page_all_the_same(query: str, open_inbox: Callable[..., Inbox]) -> None:
    open_inbox("crisp", "Hello?").page(query)


def test_an_apps_own_template_takes_the_place_of_ours(open_inbox: Callable[..., Inbox], tmp_path: Path) -> None:
    inbox = open_inbox("crisp", "Hello?")
    own = tmp_path / "templates" / "livechat" / "inbox_list.html"
    own.parent.mkdir(parents=True)
    own.write_text("<p data-cursor='{{ cursor }}'>Ours: {{ rows[0].words }}</p>")
    inbox.app.jinja_loader = FileSystemLoader(tmp_path / "templates")  # type: ignore[misc]
    assert "Ours: Hello?" in inbox.page().get_text()


def test_another_sites_protection_of_forms_asks_nothing_more_of_these(open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox("crisp")
    CSRFProtect(inbox.app)
    inbox.session = inbox.shop.visit("Hello?")
    stored_events(inbox.app)
    assert inbox.send("reply", text="Yes?").status_code == 303


# -- what stands beside a conversation -------------------------------------------------------------------------------


def add(inbox: Inbox, *new: Event) -> None:
    with inbox.app.app_context():
        chat_of(inbox.app).store.add(new, datetime.now(UTC))


def event_of(inbox: Inbox, raw: dict[str, Any], **more: Any) -> Event:
    event = Event("crisp", "message", repr(raw), datetime.now(UTC), inbox.session, author="visitor", text="x", raw=raw)
    return replace(event, **more)


def test_a_mark_is_for_whom_the_vendor_vouches(open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox("crisp")
    inbox.session = inbox.shop.visit("Hello?", who=None)
    stored_events(inbox.app)
    assert not inbox.first().select(".mark")
    add(inbox, event_of(inbox, {"event": "session:update_verify", "data": {"is_verified": True}}, kind="unknown"))
    assert len(inbox.first().select(".mark")) == 2  # in the list, and beside the thread


def test_a_mark_is_for_an_id_that_has_to_be_signed(open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox("intercom", "Hello?")
    assert len(inbox.first().select(".mark")) == 2
    inbox.shop.visit("Anybody?", who=None)
    stored_events(inbox.app)
    assert len(inbox.page().select("#rows .mark")) == 1


def test_who_waits_beyond_the_target_of_a_first_response_is_late(
    open_inbox: Callable[..., Inbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = open_inbox("crisp", "Hello?", LIVECHAT_TARGETS={"first_response": 600})
    assert not inbox.page().select(".late")
    monkeypatch.setattr(LiveChat, "now", staticmethod(lambda: datetime.now(UTC) + timedelta(minutes=11)))
    late = inbox.page().select_one(".late")
    assert late is not None
    assert (late["data-target"], words(late)) == ("600", "waits 11 min")


def test_without_a_target_nobody_is_late(open_inbox: Callable[..., Inbox], monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = open_inbox("crisp", "Hello?", LIVECHAT_TARGETS={"first_response": None})
    monkeypatch.setattr(LiveChat, "now", staticmethod(lambda: datetime.now(UTC) + timedelta(days=9)))
    assert inbox.page().select(".waits")
    assert not inbox.page().select(".late")


def test_links_are_of_the_web_alone(open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox("crisp", "Hello?")
    for number, url in enumerate(("javascript:alert(1)", "https://files.example/a.png")):
        pages = {"event": "session:sync:pages", "data": {"pages": [{"page_url": url}]}}
        file = {"event": "message:send", "data": {"content": {"name": f"a{number}.png", "url": url}}}
        add(inbox, event_of(inbox, file), event_of(inbox, pages, kind="unknown"))
    page = inbox.first()
    assert [str(link["href"]) for link in page.select("#entries a")] == ["https://files.example/a.png"]
    assert [str(link["href"]) for link in page.select(".card a")] == ["https://files.example/a.png"]


def test_a_long_thread_shows_its_newest_messages_in_the_order_of_time(open_inbox: Callable[..., Inbox]) -> None:
    inbox, now = open_inbox("crisp", "Hello?"), datetime.now(UTC)
    assert "The whole conversation" in inbox.first().get_text()
    numbers = [*range(1, 251, 2), *range(2, 251, 2)]  # what comes late is not shown as if it had been written late
    add(inbox, *(event_of(inbox, {"n": n}, text=f"{n}", at=now + timedelta(seconds=n)) for n in numbers))
    assert [text for _, text in inbox.entries()] == [f"{n}" for n in range(51, 251)]
    assert "Earlier messages" in inbox.first().get_text()


def test_other_conversations_are_those_of_the_same_person(store: Store) -> None:
    chats = {
        "by id": {"visitor": "42", "email": "ada@example.com"},
        "the same id": {"visitor": "42"},
        "that email alone": {"email": "ada@example.com"},
        "another id": {"visitor": "43", "email": "ada@example.com"},
        "by email": {"email": "bob@example.com"},
        "the same email": {"email": "bob@example.com"},
        "unknown": {},
        "unknown, too": {},
    }
    store.add([replace(message(n), conversation=name, **who) for n, (name, who) in enumerate(chats.items())], NOW)
    work(store)
    with store.reading() as connection:
        rows = {row.conversation: row for row in queries.rows(connection, queries.Filter("open"), NOW)[0]}
        others = {
            name: [other.conversation for other in queries.thread(connection, row).others] for name, row in rows.items()
        }
    assert others == {
        "by id": ["the same id"],
        "the same id": ["by id"],
        "that email alone": [],
        "another id": [],
        "by email": ["the same email"],
        "the same email": ["by email"],
        "unknown": [],
        "unknown, too": [],
    }


def test_a_search_takes_an_id_of_yours_as_a_whole(store: Store) -> None:
    who = {"c1": "42", "c2": "421"}
    store.add([replace(message(n), conversation=name, visitor=key) for n, (name, key) in enumerate(who.items())], NOW)
    work(store)
    with store.reading() as connection:
        listed, _ = queries.rows(connection, queries.Filter(text="42"), NOW)
    assert [row.conversation for row in listed] == ["c1"]


def test_links_to_published_articles_can_be_put_into_an_answer(
    open_inbox: Callable[..., Inbox], tmp_path: Path
) -> None:
    folder = tmp_path / "help" / "en" / "billing"
    folder.mkdir(parents=True)
    (folder / "index.md").write_text("---\ntitle: Billing\n---\n")
    for name, more in (("refund", ""), ("later", "state: draft\n")):
        (folder / f"{name}.md").write_text(f"---\ntitle: About {name}\n{more}---\nText.\n")
    inbox = open_inbox(
        "crisp",
        "Hello?",
        LIVECHAT_ARTICLES=str(folder.parent.parent),
        LIVECHAT_ARTICLE_PAGES=True,
        LIVECHAT_SITE_URL="https://shop.example",
    )
    choices = {words(option): str(option["value"]) for option in inbox.first().select("#article option[value^=http]")}
    assert list(choices) == ["About refund"]
    assert choices["About refund"].startswith("https://shop.example/")


def test_the_sandboxs_own_desk_is_a_link_away(open_inbox: Callable[..., Inbox]) -> None:
    page = open_inbox("crisp").page()
    assert page.select_one("header a[href='/livechat/sandbox/']")
    assert "Your team answers the visitors" in page.get_text()


@those_that("reopen")
def test_what_is_reopened_is_not_snoozed_any_more(name: str, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox(name, "Hello?")
    assert inbox.send("close").status_code == 303
    stored_events(inbox.app)
    inbox.page()
    with inbox.app.app_context():
        snooze(chat_of(inbox.app).store, datetime.now(UTC) + timedelta(days=1))
    assert inbox.send("reopen").status_code == 303
    assert inbox.rows("?tab=open") == ["Hello?"]


def test_the_list_of_keys_has_the_one_that_sends(open_inbox: Callable[..., Inbox]) -> None:
    keys = [kbd.get_text() for kbd in open_inbox("crisp", "Hello?").page().select("#keys kbd")]
    assert keys == ["Ctrl", "Enter", "j", "k", "r", "e", "?"]


def test_a_vendor_that_does_not_answer_costs_no_page(
    open_inbox: Callable[..., Inbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = open_inbox("crisp", "Hello?")
    inbox.page()

    def fail(*arguments: Any) -> None:
        raise VendorDown("it is down", provider="the vendor", call="list")

    monkeypatch.setattr("flask_livechat.desk.desk.Agents.list", fail)
    monkeypatch.setattr("flask_livechat.desk.desk.Conversations.messages", fail)
    assert "The agents were not listed: try again" in inbox.page("?c=1&agents=1").get_text()
    older = BeautifulSoup(inbox.client.get(f"{URL}/1/older").text, "html.parser")
    assert "it is down" in words(older.select_one("[role=alert]"))  # type: ignore[arg-type]


def test_conversations_of_a_vendor_that_is_not_configured_any_more_are_read_only(tmp_path: Path) -> None:
    app = Flask("shop")
    key = {"LIVECHAT_CRISP_WEBSITE_ID": "42286ab3-b29a-4fde-8538-da0ae501d825", "LIVECHAT_CRISP_WEBHOOK_KEY": "k" * 32}
    url = f"sqlite:///{tmp_path / 'events.sqlite3'}"
    app.config.update(key, TESTING=True, SECRET_KEY="x" * 32, LIVECHAT_INBOX=True, LIVECHAT_DATABASE_URL=url)
    LiveChat(app).staff_required(lambda: True)
    inbox = Inbox(app, app.test_client(), None)  # type: ignore[arg-type]
    with app.app_context():
        store = chat_of(app).store
        store.upgrade()
        store.add([Event("tawk", "message", "1", NOW, "t", author="visitor", text="Hello?", visitor="42")], NOW)
    page = inbox.first()
    assert "tawk is not configured any more." in page.get_text()
    assert not page.select("form[method=post]")


def test_a_moment_of_a_form_is_of_the_office() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert moment_of("2026-11-21T09:00", berlin) == datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert moment_of("2026-11-21T09:00+05:00", berlin) == datetime(2026, 11, 21, 4, tzinfo=UTC)
    with pytest.raises(ValueError, match="2026-11-21T09:00"):
        moment_of("soon", berlin)


@pytest.mark.parametrize(("day", "monday"), [(20, 23), (22, 23), (23, 30)])
def test_a_snooze_proposes_an_hour_tomorrow_and_the_next_monday(day: int, monday: int) -> None:
    now = datetime(2026, 11, day, 17, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    moments = [datetime.fromisoformat(moment) for _, moment in snooze_choices(now)]
    nine = now.replace(hour=9, minute=0)
    assert moments == [now + timedelta(hours=1), nine + timedelta(days=1), nine.replace(day=monday)]


@pytest.mark.parametrize(
    ("minutes", "text"), [(-3, "0 min"), (119.9, "119 min"), (120, "2 h"), (47.9 * 60, "47 h"), (48 * 60, "2 d")]
)
def test_how_long_somebody_waits_is_one_number(minutes: float, text: str) -> None:
    assert waits(NOW, NOW + timedelta(minutes=minutes)) == text


# -- what its forms do -------------------------------------------------------------------------------------------------


@those_that("reply")
def test_an_answer_reaches_the_visitor_and_is_one_event(name: str, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox(name, "Hello?")
    heard: list[Event] = []
    chat_of(inbox.app).on("message")(heard.append)
    assert inbox.send("reply", text="Yes?").status_code == 303
    assert inbox.shop.reads(inbox.session) == [("visitor", "Hello?"), ("agent", "Yes?")]
    assert inbox.entries() == [("visitor", "Hello?"), ("agent", "Yes?")]  # before the webhook has come
    stored_events(inbox.app)
    assert inbox.entries() == [("visitor", "Hello?"), ("agent", "Yes?")]
    assert inbox.app.test_cli_runner().invoke(args=["livechat", "work", "--once"]).exit_code == 0
    assert [event.text for event in heard if event.author == "agent"] == ["Yes?"]
    assert inbox.rows() == []  # nobody waits any more


@those_that("note")
def test_a_note_is_read_by_colleagues_alone(name: str, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox(name, "Hello?")
    heard: list[Event] = []
    chat_of(inbox.app).on("note")(heard.append)
    assert inbox.send("note", text="asks every day").status_code == 303
    stored_events(inbox.app)
    assert inbox.entries() == [("visitor", "Hello?"), ("note", "asks every day")]
    assert inbox.shop.reads(inbox.session) == [("visitor", "Hello?")]
    assert inbox.rows() == ["Note: asks every day"]  # and the visitor still waits
    inbox.app.test_cli_runner().invoke(args=["livechat", "work", "--once"])
    assert [(event.text, event.author) for event in heard] == [("asks every day", "agent")]


@those_that("close")
def test_closing_and_reopening_shows_at_once_and_stays(name: str, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox(name, "Hello?")
    for action, tab, other in (("close", "closed", "open"), ("reopen", "open", "closed")):
        assert inbox.send(action).status_code == 303
        for _ in range(2):
            assert inbox.rows(f"?tab={tab}") == ["Hello?"]
            assert inbox.rows(f"?tab={other}") == []
            stored_events(inbox.app)


@those_that("tag")
def test_tags_are_put_on_and_taken_away(name: str, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox(name, "Hello?")
    assert inbox.send("tag", tags="vip, refund").status_code == 303
    (known,) = inbox.shop.desk.conversations.list()
    assert set(known.tags) == {"vip", "refund"}
    stored_events(inbox.app)
    assert inbox.rows("?tag=refund") == ["Hello?"]
    assert inbox.rows("?tag=fund") == []
    assert inbox.send("tag", tags="new").status_code == 303
    assert written_tags(inbox) == ("new", "refund", "vip")
    stored_events(inbox.app)
    inbox.page()  # which counts what the vendor has told
    assert inbox.send("untag", label="vip").status_code == 303
    assert written_tags(inbox) == ("new", "refund")
    (known,) = inbox.shop.desk.conversations.list()
    assert set(known.tags) == {"new", "refund"}


def written_tags(inbox: Inbox) -> tuple[str, ...]:
    """What the inbox has written by itself: no page is shown, so no webhook is counted."""
    with inbox.app.app_context(), chat_of(inbox.app).store.reading() as connection:
        row = queries.row_of(connection, 1)
    return row.tags if row else ()


@those_that("assign")
def test_a_conversation_is_assigned_to_an_agent(name: str, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox(name, "Hello?")
    agent = next(iter(inbox.shop.desk.agents.list()))
    page = inbox.page("?c=1&agents=1")
    assert inbox.send("assign", page, agent=agent.id).status_code == 303
    (known,) = inbox.shop.desk.conversations.list()
    assert known.agent == agent.id
    for _ in range(2):
        assert str(agent.name) in words(inbox.page().select_one("#rows .facts"))  # type: ignore[arg-type]
        stored_events(inbox.app)
    assert inbox.send("assign", page, agent="nobody").status_code == 422


@pytest.mark.parametrize(
    "name", [name for name in VENDORS if (api := providers.api(name)) and "agents.teams" in api.methods]
)
def test_a_conversation_is_handed_to_a_team_and_stays_there(name: str, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox(name, "Hello?")
    team = next(iter(inbox.shop.desk.agents.teams()))
    inbox.page()
    page = inbox.page("?c=1&agents=1")
    assert f"Team {team.name}" in [option.get_text() for option in page.select("#agent option")]
    assert not [link for link in page.select("a[href]") if "agents=" in str(link["href"])]  # they are asked for once
    assert inbox.send("assign", page, agent=f"team:{team.id}").status_code == 303
    for _ in range(2):
        assert f"Team {team.name}" in words(inbox.page().select_one("#rows .facts"))  # type: ignore[arg-type]
        stored_events(inbox.app)


@those_that("snooze")
def test_what_is_snoozed_comes_back_by_itself(
    name: str, open_inbox: Callable[..., Inbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = open_inbox(name, "Hello?")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="minutes")
    assert inbox.send("snooze", until=tomorrow).status_code == 303
    for _ in range(2):
        assert inbox.rows() == []
        assert inbox.rows("?tab=snoozed") == ["Hello?"]
        stored_events(inbox.app)
    assert inbox.send("snooze", until="2020-01-01T09:00").status_code == 422
    monkeypatch.setattr(LiveChat, "now", staticmethod(lambda: datetime.now(UTC) + timedelta(days=2)))
    assert inbox.rows() == ["Hello?"]


# -- what is done elsewhere: in the vendor's own inbox, or by another program ----------------------------------------


def shown(inbox: Inbox) -> tuple[str, str]:
    """The tab in which the only conversation is, and what is said above it, once all webhooks have come."""
    stored_events(inbox.app)
    tabs = [tab for tab in queries.TABS[1:] if inbox.rows(f"?tab={tab}")]
    return "+".join(tabs), words(inbox.first().select_one("#about .quiet"))  # type: ignore[arg-type]


@those_that("close")
def test_what_is_closed_and_reopened_elsewhere_is_so_here(name: str, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox(name, "Hello?")
    title, chats = providers.load(name).title, inbox.shop.desk.conversations
    chat = only(inbox.shop.desk)
    assert shown(inbox) == ("open", f"{title}, waits for an answer")
    chats.close(chat)
    assert shown(inbox) == ("closed", f"{title}, closed")
    chats.reopen(chat)
    assert shown(inbox) == ("open", f"{title}, open")


@every_vendor
def test_a_chat_that_ends_in_the_vendors_own_desk_is_closed_here(name: str, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox(name, "Hello?")
    data = {"session": inbox.session}
    assert inbox.client.post("/livechat/sandbox/desk/end", json=data).status_code == 200
    assert shown(inbox) == ("closed", f"{providers.load(name).title}, closed")


@those_that("assign")
def test_what_is_assigned_elsewhere_is_so_here(name: str, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox(name, "Hello?")
    desk = inbox.shop.desk
    for agent in desk.agents.list():
        desk.conversations.assign(only(desk), agent.id)
        assert f"with {agent.id}" in shown(inbox)[1] or f"with {agent.name}" in shown(inbox)[1]


def test_who_answered_here_has_the_name_that_the_vendor_gave_back(open_inbox: Callable[..., Inbox]) -> None:
    """Crisp gives back a number alone."""
    inbox = open_inbox("intercom", "Hello?")
    assert inbox.send("reply", text="Yes?").status_code == 303
    answer = inbox.first().select_one("#entries .agent .by")
    assert answer is not None
    assert words(answer).startswith(str(next(iter(inbox.shop.desk.agents.list())).name))


@those_that("tag")
def test_a_tag_that_comes_in_the_second_of_an_answer_stays(name: str, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox(name, "Hello?")
    now, ticks = int(time.time()), count(1)
    sandbox_of(inbox.app).hub.clock = lambda: now + next(ticks) / 1000
    chats, chat = inbox.shop.desk.conversations, only(inbox.shop.desk)
    chats.tag(chat, "old")
    chats.reply(chat, "Yes?")
    chats.tag(chat, "vip")
    stored_events(inbox.app)
    assert [tag.bdi.text for tag in inbox.first().select("#about .tag") if tag.bdi] == ["old", "vip"]


@those_that("snooze")
@pytest.mark.parametrize("end", ["a reopening", "an answer", "a note", "the visitor", "another moment"])
def test_what_is_snoozed_elsewhere_is_so_here_until_that_ends(
    name: str, end: str, open_inbox: Callable[..., Inbox]
) -> None:
    inbox = open_inbox(name, "Hello?")
    chats, chat, now = inbox.shop.desk.conversations, only(inbox.shop.desk), datetime.now(UTC)
    chats.snooze(chat, now + timedelta(days=1))
    assert shown(inbox)[0] == "snoozed"
    if end == "another moment":
        chats.reopen(chat)
        chats.snooze(chat, now + timedelta(days=3))
        assert f"{now + timedelta(days=3):%d %b}" in shown(inbox)[1]
        return
    if end == "the visitor":
        inbox.shop.tell("message", session=inbox.session, text="Anybody?")
    elif end == "a reopening":
        chats.reopen(chat)
    else:
        (chats.reply if end == "an answer" else chats.note)(chat, "One moment.")
    assert shown(inbox)[0] == "open"
    assert chats.get(chat).state == "open"
    assert "conversation_reopened" not in [event.kind for event in stored_events(inbox.app)]  # it was never closed


@those_that("snooze")
@pytest.mark.parametrize("action", ["reply", "note"])
def test_whoever_writes_in_a_snoozed_conversation_ends_that(
    name: str, action: str, open_inbox: Callable[..., Inbox]
) -> None:
    inbox = open_inbox(name, "Hello?")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="minutes")
    assert inbox.send("snooze", until=tomorrow).status_code == 303
    assert inbox.send(action, text="One moment.").status_code == 303
    for _ in range(2):
        assert shown(inbox)[0] == "open"


@every_vendor
def test_a_mark_is_for_whoever_has_proven_who_they_are(name: str, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox(name, "Hello?")
    inbox.shop.visit("Anybody?", who=None)
    spec, told = providers.webhooks(name), stored_events(inbox.app)
    assert spec is not None
    is_told = any(event.visitor or spec.details(event).handling.get("verified") for event in told)
    marked = [words(row.select_one(".words")) for row in inbox.page().select("#rows li:has(.mark)")]  # type: ignore[arg-type]
    assert marked == ["Hello?"] * is_told


def test_a_crisp_session_that_is_not_verified_any_more_has_no_mark(open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox("crisp", "Hello?")
    assert inbox.first().select(".mark")
    inbox.shop.tell("identify", session=inbox.session, email="eve@example.com")
    stored_events(inbox.app)
    assert not inbox.first().select(".mark")


@those_that("note")
def test_a_note_lets_no_second_answer_past_one_that_is_on_its_way(name: str, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox(name, "Hello?")
    page, now = inbox.page("?c=1"), datetime.now(UTC)
    with inbox.app.app_context(), chat_of(inbox.app).store.engine.begin() as connection:
        insert = chat_of(inbox.app).store.insert
        put_handling(connection, insert, 1, {"answering_until": now + timedelta(minutes=1)}, now)
    assert inbox.send("note", page, text="A colleague answers.").status_code == 303
    assert inbox.send("reply", inbox.page("?c=1"), text="Yes?").status_code == 409


@every_vendor
def test_what_a_vendor_cannot_do_is_not_offered(name: str, open_inbox: Callable[..., Inbox]) -> None:
    page = open_inbox(name, "Hello?").first()
    offered = {str(form["action"]).rpartition("/")[2] for form in page.select("form[method=post]")}
    for action in ("reply", "close", "snooze", "tag"):
        assert (action in offered) == can(name, action)
    if not can(name, "reply"):
        assert "takes no answers" in page.get_text()


@every_vendor
def test_the_whole_conversation_is_asked_of_the_vendor(name: str, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox(name, "Hello?")
    inbox.page()
    page = BeautifulSoup(inbox.client.get(f"{URL}/1/older").text, "html.parser")
    assert "Hello?" in [words(text) for text in page.select("#entries .text")]


# -- what it refuses ---------------------------------------------------------------------------------------------------


@those_that("reply")
def test_an_answer_is_refused_where_somebody_has_written_meanwhile(name: str, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox(name, "Hello?")
    before = inbox.first()
    inbox.send("reply", before, text="Yes?")
    response = inbox.send("reply", before, text="May I help <you>?")
    assert response.status_code == 409
    page = BeautifulSoup(response.text, "html.parser")
    assert "Somebody has written in the meantime" in page.select_one("#word").get_text()  # type: ignore[union-attr]
    assert page.select_one("#text").get_text() == "May I help <you>?"  # type: ignore[union-attr]
    assert ("agent", "Yes?") in inbox.entries()
    assert inbox.shop.reads(inbox.session) == [("visitor", "Hello?"), ("agent", "Yes?")]
    assert inbox.send("reply", page, text="May I help you?").status_code == 303  # now it has been seen


@those_that("reply")
def test_the_visitors_next_word_refuses_an_answer_that_did_not_know_it(
    name: str, open_inbox: Callable[..., Inbox]
) -> None:
    inbox = open_inbox(name, "Hello?")
    before = inbox.first()
    inbox.shop.tell("message", session=inbox.session, text="Never mind.")
    stored_events(inbox.app)
    assert inbox.send("reply", before, text="Yes?").status_code == 409


@those_that("reply")
@pytest.mark.parametrize("error", [VendorDown, TimedOut])
def test_what_the_vendor_refuses_is_told_and_the_draft_is_kept(
    name: str, error: Any, open_inbox: Callable[..., Inbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = open_inbox(name, "Hello?")
    before = inbox.first()
    with monkeypatch.context() as patch:

        def fail(self: Any, id: str, text: str) -> None:
            raise error("it is down", provider="the vendor", call="reply")

        patch.setattr("flask_livechat.desk.desk.Conversations.reply", fail)
        response = inbox.send("reply", before, text="Yes?")
    assert response.status_code == 502
    page = BeautifulSoup(response.text, "html.parser")
    assert ("Whether it was done is not known" in page.get_text()) == (error is TimedOut)
    assert page.select_one("#text").get_text() == "Yes?"  # type: ignore[union-attr]
    again = inbox.send("reply", before, text="Yes?").status_code
    assert again == (409 if error is TimedOut else 303)  # what may have arrived is not sent twice


@those_that("reply")
def test_an_answer_that_was_sent_and_could_not_be_stored_is_not_sent_again(
    name: str, open_inbox: Callable[..., Inbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = open_inbox(name, "Hello?")
    before = inbox.first()

    def fail(*arguments: Any) -> None:
        raise sa.exc.OperationalError("the text", {}, Exception("the database is locked"))

    with monkeypatch.context() as patch:
        patch.setattr("flask_livechat.desk.inbox_actions.update_conversation", fail)
        assert inbox.send("reply", before, text="Yes?").status_code == 303
        assert inbox.send("reply", before, text="Yes?").status_code == 409
    stored_events(inbox.app)
    assert inbox.entries() == [("visitor", "Hello?"), ("agent", "Yes?")]
    assert inbox.shop.reads(inbox.session) == [("visitor", "Hello?"), ("agent", "Yes?")]


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 10_001])
def test_an_answer_without_words_or_with_too_many_is_none(text: str, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox("crisp", "Hello?")
    assert inbox.send("reply", text=text).status_code == 422
    assert inbox.shop.reads(inbox.session) == [("visitor", "Hello?")]


def test_an_action_that_there_is_not_is_not_found(open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox("crisp", "Hello?")
    assert inbox.client.post(f"{URL}/1/delete").status_code == 404
    assert inbox.client.post(f"{URL}/7/__class__").status_code == 404


def row_id(store: Store) -> int:
    with store.reading() as connection:
        return connection.execute(sa.select(conversations.c.id)).scalar_one()


def test_of_two_agents_who_answer_at_once_only_one_does(store: Store) -> None:
    """A hundred times, on each database: both have seen the same, and send at the same moment."""
    store.add([message(1)], NOW)
    work(store)
    conversation, winners = row_id(store), []
    with store.reading() as connection:
        seen = seen_mark(connection, "crisp", "s")
    for _ in range(100):
        barrier, results = threading.Barrier(2), []

        def answer(barrier: threading.Barrier = barrier, results: list[bool] = results) -> None:
            barrier.wait(10)
            with store.engine.begin() as connection:
                results.append(begin_answer(connection, store.insert, conversation, seen, NOW))

        threads = [threading.Thread(target=answer) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        winners.append(sum(results))
        with store.engine.begin() as connection:
            put_handling(connection, store.insert, conversation, {"answering_until": None}, NOW)
    assert winners == [1] * 100


def test_two_agents_who_send_at_the_same_moment_give_the_visitor_one_answer(
    open_inbox: Callable[..., Inbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the form to the vendor, however long the vendor takes."""
    first, sent, chance = open_inbox("crisp", "Hello?"), list[str](), random.Random(7)  # noqa: S311 - no secret
    agents = [first, Inbox(first.app, first.app.test_client(), first.shop)]

    def reply(self: Any, id: str, text: str) -> Message:
        time.sleep(chance.random() / 50)
        sent.append(text)
        return Message(f"answer-{len(sent)}", id, "agent", text)

    monkeypatch.setattr("flask_livechat.desk.desk.Conversations.reply", reply)
    for n in range(6):
        add(first, event_of(first, {"n": n}))
        pages, barrier, statuses = [agent.first() for agent in agents], threading.Barrier(2), list[int]()

        def answer(n: int, pages: Any = pages, barrier: Any = barrier, statuses: Any = statuses) -> None:
            barrier.wait(10)
            statuses.append(agents[n].send("reply", pages[n], text=f"Answer {n}").status_code)

        threads = [threading.Thread(target=answer, args=(n,)) for n in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(statuses) == [303, 409]
        assert len(sent) == n + 1


def test_an_answer_that_nobody_has_heard_of_again_stops_nobody_for_ever(store: Store) -> None:
    store.add([message(1)], NOW)
    work(store)
    with store.engine.begin() as connection:
        seen = seen_mark(connection, "crisp", "s")
        begin = [
            begin_answer(connection, store.insert, row_id(store), seen, NOW + timedelta(seconds=n)) for n in (0, 59, 61)
        ]
    assert begin == [True, False, True]


# -- the store ---------------------------------------------------------------------------------------------------------


def changes(store: Store, change: Callable[[], Any]) -> bool:
    with store.reading() as connection:
        before = queries.version(connection, NOW)
    change()
    with store.reading() as connection:
        return queries.version(connection, NOW) != before


def test_whatever_changes_is_another_version(store: Store) -> None:
    assert not changes(store, lambda: None)
    assert changes(store, lambda: store.add([message(1)], NOW))
    assert changes(store, lambda: work(store))
    assert not changes(store, lambda: work(store))
    assert changes(store, lambda: snooze(store, NOW + timedelta(hours=1)))
    with store.reading() as connection:
        before = queries.version(connection, NOW)
        assert queries.version(connection, NOW + timedelta(hours=2)) != before  # it is over


def snooze(store: Store, until: datetime) -> None:
    with store.engine.begin() as connection:
        put_handling(connection, store.insert, row_id(store), {"snoozed_until": until}, NOW)


def test_an_event_that_is_committed_after_a_later_one_is_another_version(store: Store) -> None:
    """On PostgreSQL numbers are given before transactions end: what comes late must not be missed."""
    store.add([message(1), message(2), message(3)], NOW)
    with store.engine.begin() as connection:
        row = dict(connection.execute(sa.select(events).where(events.c.id == 2)).mappings().one())
        connection.execute(sa.delete(events).where(events.c.id == 2))

    def commit_late() -> None:
        with store.engine.begin() as connection:
            connection.execute(sa.insert(events).values(row))

    assert changes(store, commit_late)


def test_who_waits_waits_for_a_person(store: Store) -> None:
    def waiting(*new: Event) -> datetime | None:
        store.add(new, NOW)
        work(store)
        with store.reading() as connection:
            return connection.execute(sa.select(conversations.c.asked_at)).scalar_one()

    assert waiting(message(1)) == NOW
    assert waiting(message(2, "bot", 1), message(3, minutes=2)) == NOW
    assert waiting(message(4, "agent", 3)) is None
    assert waiting(message(5, minutes=4), message(6, minutes=5)) == NOW + timedelta(minutes=4)
    closed = replace(message(7, "agent", 6), kind="conversation_closed")
    assert waiting(closed) is None


def test_what_an_older_event_says_does_not_undo_what_a_newer_one_said(store: Store) -> None:
    def routed(number: int, agent: str, minutes: float) -> Event:
        raw = {"event": "session:set_routing", "data": {"routing_id": agent}}
        return replace(message(number, minutes=minutes), kind="unknown", raw=raw)

    for event in (message(1), routed(2, "new", 5), routed(3, "old", 4)):
        store.add([event], NOW)
        work(store)
    with store.reading() as connection:
        row = queries.row_of(connection, row_id(store))
    assert row is not None
    assert row.agent == "new"


def test_an_agent_is_named_once_they_have_written_and_then_everywhere(store: Store) -> None:
    """Crisp's routing tells an id alone."""
    written = {"event": "message:received", "data": {"user": {"user_id": "a1", "nickname": "Sam"}}}
    routed = {"event": "session:set_routing", "data": {"routing_id": "a1"}}

    def names(*new: Event) -> list[str | None]:
        store.add(new, NOW)
        work(store)
        with store.reading() as connection:
            listed, _ = queries.rows(connection, queries.Filter("open"), NOW)
        return [row.agent_name for row in sorted(listed, key=lambda row: row.conversation)]

    assert names(message(1), replace(message(2, minutes=1), kind="unknown", raw=routed)) == [None]
    assert names(replace(message(3, "agent", 2), raw=written)) == ["Sam"]
    later = [replace(message(n, minutes=n), conversation="t") for n in (4, 5)]
    assert names(later[0], replace(later[1], kind="unknown", raw=routed)) == ["Sam", "Sam"]


def test_who_is_forgotten_is_in_no_list_and_no_thread(store: Store) -> None:
    store.add([replace(message(1, text="my secret"), visitor="42", email="ada@example.com")], NOW)
    work(store)
    forget(store, {}, "42", NOW, [], False)
    with store.reading() as connection:
        for tab in queries.TABS:
            assert queries.rows(connection, queries.Filter(tab), NOW) == ([], False)
        assert queries.rows(connection, queries.Filter(text="secret"), NOW) == ([], False)
        assert queries.text_of(connection, 1) in (None, "")


def test_lists_are_of_one_vendor_and_tag_and_the_newest_first(store: Store) -> None:
    chats = [replace(message(n, minutes=n, tags=(f"t{n % 2}",)), conversation=f"c{n}") for n in range(60)]
    store.add(chats, NOW)
    work(store)
    with store.reading() as connection:
        listed, has_older = queries.rows(connection, queries.Filter("open"), NOW)
        assert [row.conversation for row in listed] == [f"c{n}" for n in range(59, 9, -1)]
        assert has_older
        listed, has_older = queries.rows(connection, queries.Filter("open", page=2), NOW)
        assert [row.conversation for row in listed] == [f"c{n}" for n in range(9, -1, -1)]
        assert not has_older
        tagged, _ = queries.rows(connection, queries.Filter("open", tag="t1"), NOW)
        assert [row.conversation for row in tagged] == [f"c{n}" for n in range(59, -1, -2)]
        assert queries.rows(connection, queries.Filter("open", provider="tawk"), NOW) == ([], False)
        assert queries.tab_counts(connection, queries.Filter(), NOW) == {
            "waiting": 60, "open": 60, "snoozed": 0, "closed": 0
        }  # fmt: skip
        assert queries.tab_counts(connection, queries.Filter(tag="t1"), NOW)["open"] == 30


def test_a_search_takes_the_newest_conversations_and_goes_on_from_there(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MAX_SEARCHED", 10)
    chats = [message(n, text="a pot" if n % 4 == 0 else "a plant", minutes=n) for n in range(25)]
    store.add([replace(event, conversation=f"c{n}") for n, event in enumerate(chats)], NOW)
    work(store)
    results, until = [], None
    with store.reading() as connection:
        for _ in range(9):
            since = queries.search_end(connection, until)
            wanted = queries.Filter(text="POT", since=since, until=until)
            results.append([row.conversation for row in queries.rows(connection, wanted, NOW)[0]])
            if (until := since) is None:
                break
    assert results == [["c24", "c20", "c16"], ["c12", "c8"], ["c4", "c0"]]


def test_the_page_says_how_far_back_a_search_went(
    open_inbox: Callable[..., Inbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = open_inbox("crisp", "A pot")
    monkeypatch.setattr(queries, "MAX_SEARCHED", 1)
    old = event_of(inbox, {"old": 1}, conversation="old", at=datetime.now(UTC) - timedelta(days=40), text="Another pot")
    add(inbox, old)
    inbox.page()  # which counts it
    page = inbox.page("?q=pot")
    assert [words(row) for row in page.select("#rows .words")] == ["A pot"]
    assert f"back to {old.at:%d %b %Y}: 1 conversations" in page.get_text()
    link = next(link for link in page.select("a") if link.text == "Look further back")
    further = inbox.page(str(link["href"]).removeprefix(URL))
    assert [words(row) for row in further.select("#rows .words")] == ["Another pot"]
    assert "Look further back" not in further.get_text()
    assert "until" in further.get_text()


def test_an_address_is_read_as_far_as_it_is_one() -> None:
    view = view_of({"tab": "closed", "c": "12", "q": " word ", "agents": "1", "else": "x"})
    assert (view.tab, view.c, view.q, view.agents) == ("closed", 12, "word", True)
    assert view_of({"c": "-1", "tab": "x"}).c is None
    texts = ("x", "2026-11-01T10:00:00+00:00", "0001-01-01T00:00:00+14:00")
    assert [view_of({"back": text}).back for text in texts] == [None, datetime(2026, 11, 1, 10, tzinfo=UTC), None]
    back = {"back": "2026-11-01T10:00:00+00:00"}
    assert [view_of({**back, **more}).filter.until is None for more in ({}, {"q": "word"})] == [True, False]
    assert [view_of({"page": text}).page for text in ("3", "0", "-1", "x", "99999")] == [3, 1, 1, 1, 1]


# -- the poll ----------------------------------------------------------------------------------------------------------


@every_vendor
def test_a_poll_is_304_until_somebody_writes(name: str, open_inbox: Callable[..., Inbox]) -> None:
    inbox = open_inbox(name, "Hello?")
    cursor = inbox.page().select_one("[data-cursor]")["data-cursor"]  # type: ignore[index]
    assert [inbox.client.get(f"{URL}/changes?after={cursor}").status_code for _ in range(3)] == [304] * 3
    inbox.shop.visit("Anybody?", who=None)
    stored_events(inbox.app)
    response = inbox.client.get(f"{URL}/changes?after={cursor}&tab=open")
    assert response.status_code == 200
    new = BeautifulSoup(response.text, "html.parser")
    assert [words(row) for row in new.select("#rows .words")] == ["Anybody?", "Hello?"]
    assert not BeautifulSoup(inbox.client.get(f"{URL}/changes?q=any").text, "html.parser").select("#rows")
    after = new.select_one("[data-cursor]")["data-cursor"]  # type: ignore[index]
    assert inbox.client.get(f"{URL}/changes?after={after}").status_code == 304


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_worker_polls_go_on_until_every_conversation_is_there(
    kind: str, database: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_livechat.desk.inbox.UNCOUNTED_ROWS", 10)
    monkeypatch.setattr(queries, "MAX_ROWS", 20)
    config = {"LIVECHAT_DATABASE_URL": database(kind, "migrated"), "LIVECHAT_CRISP_WEBHOOK_SECRET": "secret"}
    app = create_app("crisp", LIVECHAT_INBOX=True, **config)
    chat_of(app).staff_required(lambda: True)
    with app.app_context():
        store = chat_of(app).store
        store.add([replace(message(n, text=f"Words {n}"), conversation=f"c{n % 36}") for n in range(72)], NOW)
    client, after, polls = app.test_client(), "", 0
    while (response := client.get(f"{URL}/changes?after={after}")).status_code == 200:
        after, polls = re.search('data-cursor="(.*?)"', response.text)[1], polls + 1  # type: ignore[index]
        assert polls < 40
    assert response.status_code == 304
    assert polls >= 4
    listed = [client.get(f"{URL}?page={page}").text for page in (1, 2)]
    assert sorted(re.findall(r"Words (\d+)", "".join(listed)), key=int) == [str(n) for n in range(36, 72)]
    assert ["Older conversations" in page for page in listed] == [True, False]
    assert ["Newer conversations" in page for page in listed] == [False, True]
    store.engine.dispose()


def test_what_a_busy_database_did_not_count_comes_with_the_next_poll(
    open_inbox: Callable[..., Inbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = open_inbox("crisp", "Hello?")

    def busy(*arguments: Any) -> None:
        raise sa.exc.OperationalError("UPDATE", {}, Exception("database is locked"))

    with monkeypatch.context() as patch:
        patch.setattr("flask_livechat.desk.inbox.update_conversation", busy)
        page = inbox.page("?tab=open")
    assert not page.select("#rows .words")
    cursor = page.select_one("[data-cursor]")["data-cursor"]  # type: ignore[index]
    response = inbox.client.get(f"{URL}/changes?after={cursor}&tab=open")
    assert response.status_code == 200
    assert "Hello?" in response.text


@pytest.mark.parametrize("kind", KINDS)
def test_what_waits_is_found_by_its_index(kind: str, database: Callable[..., str]) -> None:
    store = Store(database(kind, "migrated"))
    with store.engine.connect() as connection:
        wanted = sa.select(events.c.provider, sa.func.max(events.c.id)).where(UNCOUNTED)
        wanted = wanted.group_by(events.c.provider, events.c.conversation)
        if not store.is_sqlite:  # which reads such a small table as a whole otherwise
            connection.execute(sa.text("SET enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN " if store.is_sqlite else "EXPLAIN "
        plan = connection.execute(sa.text(explain + str(wanted.compile(store.engine)))).all()
    assert "livechat_events_uncounted" in str(plan)
    store.engine.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_who_waited_before_an_upgrade_waits_after_it(kind: str, database: Callable[..., str]) -> None:
    store = Store(database(kind, "migrated"))
    new = [message(1), message(2, "agent", 1), message(3, minutes=2), message(4, minutes=3)]
    store.add([*new, replace(message(5, "agent", 4), conversation="t", kind="conversation_closed")], NOW)
    work(store)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with store.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0007")
    store.upgrade()
    with store.reading() as connection:
        wanted = sa.select(conversations.c.conversation, conversations.c.asked_at).order_by(
            conversations.c.conversation
        )
        assert connection.execute(wanted).all() == [("s", NOW + timedelta(minutes=2)), ("t", None)]
    store.engine.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_handled_before_an_upgrade_is_not_counted_again(kind: str, database: Callable[..., str]) -> None:
    store = Store(database(kind, "migrated"))
    store.add([message(1), message(2)], NOW)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with store.engine.begin() as connection:
        connection.execute(sa.update(events).where(events.c.id == 1).values(state="done"))
        config.attributes["connection"] = connection
        command.downgrade(config, "0011")
    store.upgrade()
    with store.reading() as connection:
        assert connection.execute(sa.select(events.c.id).where(UNCOUNTED)).scalars().all() == [2]
    store.engine.dispose()


@pytest.mark.parametrize("address", [f"{9 * 10**21}/older", f"message/{9 * 10**21}", "message/9"])
def test_a_number_of_no_row_is_not_found(open_inbox: Callable[..., Inbox], address: str) -> None:
    inbox = open_inbox("crisp")
    assert inbox.client.get(f"{URL}/{address}").status_code == 404

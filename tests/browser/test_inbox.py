"""The inbox in a browser: what comes in is there, what goes out is not lost, and nobody asks for nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask
from werkzeug.wrappers import Response

from flask_livechat import LiveChat
from flask_livechat.desk.inbox import Inbox
from flask_livechat.desk.store import Store
from flask_livechat.desk.tables import UNCOUNTED, events
from flask_livechat.errors import VendorDown
from flask_livechat.model import Agent, Event, Team

from .conftest import VENDORS, Net, Visit, axe
from .test_desk import desk_of
from .test_store import chat_of

Site = Callable[..., Any]
Open = Callable[..., Visit]
URL = "/livechat/inbox"
POLL = f"www.site.test{URL}/changes"


@pytest.fixture
def store(site: Site, tmp_path: Path) -> Store:
    """Of a site whose inbox anybody sees, with two conversations. It allows nothing but its own files."""
    app: Flask = site("crisp", store=f"sqlite:///{tmp_path / 'events.sqlite3'}", INBOX=True)
    chat_of(app).staff_required(lambda: True)
    with app.app_context():
        store = chat_of(app).store
    for n, words in ((1, "Is it in stock?"), (2, "Where is my order?")):
        write(store, f"c{n}", words, minutes=-n)
    return store


def write(
    store: Store,
    conversation: str,
    text: str,
    provider: str = "crisp",
    minutes: float = 0,
    at: datetime | None = None,
    **more: Any,
) -> None:
    at = at or datetime.now(UTC) + timedelta(minutes=minutes)
    event = Event(provider, "message", f"{conversation}:{text[:50]}", at, conversation, author="visitor", text=text)
    store.add([replace(event, **more)], at)


def is_counted(store: Store) -> bool:
    """Whether each event's conversation has been brought up to date."""
    left = sa.select(events.c.id).where(UNCOUNTED)
    with store.engine.connect() as connection:
        return connection.execute(left.limit(1)).first() is None


def words(visit: Visit) -> list[str]:
    return [text.strip() for text in visit.page.locator("#rows .words").all_inner_texts()]


def read(visit: Visit, name: str = "Is it in stock?") -> None:
    visit.go(URL)
    visit.page.get_by_text(name).click()
    visit.page.locator("#entries").wait_for()
    visit.page.wait_for_load_state()  # by when our script has run


def test_what_a_visitor_writes_is_on_the_screen_within_the_interval_and_a_second(store: Store, visit: Visit) -> None:
    visit.go(URL)
    visit.page.locator("#rows").get_by_text("Where is my order?").wait_for()
    for name in VENDORS:
        write(store, f"new-{name}", f"From {name}", name)
    begun = time.monotonic()
    for name in VENDORS:
        visit.page.locator("#rows").get_by_text(f"From {name}").wait_for()
    assert time.monotonic() - begun < 4
    assert words(visit)[:3] == [f"From {name}" for name in reversed(VENDORS)]


class Clock:
    """The server's time and the page's, which the test lets pass."""

    def __init__(self, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
        self.page, self.now = visit.page, datetime.now(UTC)
        visit.page.clock.install(time=self.now)
        monkeypatch.setattr(LiveChat, "now", staticmethod(lambda: self.now))

    def run(self, seconds: int, step: int = 5) -> None:
        """Let timers run as they do in a tab that is looked at; what they ask for is answered, or fails, meanwhile."""
        for _ in range(0, seconds, step):
            self.now += timedelta(seconds=step)
            self.page.clock.run_for(step * 1000)
            self.page.wait_for_timeout(20)

    def sleep(self, seconds: int) -> None:
        """Let time pass without timers, as a computer does whose lid is closed."""
        self.now += timedelta(seconds=seconds)
        self.page.clock.fast_forward(seconds * 1000)


@pytest.mark.parametrize("absence", ["without a network", "without the server", "asleep"])
def test_after_ten_minutes_away_no_message_is_missing_and_none_is_there_twice(
    absence: str, store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(visit, monkeypatch)
    read(visit)
    visit.page.wait_for_timeout(200)
    visit.page.context.set_offline(absence != "without the server")
    visit.net.down |= {"www.site.test"} if absence == "without the server" else set()
    asked = visit.net.log.count(POLL)
    for minute in range(10):
        for n in range(18):
            write(store, "c1", f"Word {minute * 18 + n}", at=clock.now + timedelta(seconds=n))
        for n, name in enumerate(4 * VENDORS):
            write(store, f"{minute}-{n}", f"From {name}, {minute}-{n}", name, at=clock.now + timedelta(seconds=20 + n))
        clock.sleep(60) if absence == "asleep" else clock.run(60)
    if absence != "asleep":
        assert visit.page.locator("#word").inner_text() == "Nothing new arrives: this may be old."
    if absence == "without the server":  # the pauses have grown to a minute
        assert 8 <= visit.net.log.count(POLL) - asked <= 20
    visit.net.down.clear()
    visit.page.context.set_offline(False)  # of which a browser tells, and of a server that is back nobody does
    if absence == "without the server":
        clock.run(60)
    visit.page.locator("#entries").get_by_text("Word 179").wait_for()
    assert visit.page.locator("#entries .text").all_inner_texts() == [
        "Is it in stock?",
        *(f"Word {n}" for n in range(180)),
    ]
    assert not visit.page.locator("#word").is_visible()
    new = [
        f"From {name}, {minute}-{n}"
        for minute in range(9, -1, -1)
        for n, name in reversed(list(enumerate(4 * VENDORS)))
    ]
    # The last minute's conversations are newer than its words, which are the first conversation's last ones.
    expected = [*new[: 4 * len(VENDORS)], "Word 179", *new[4 * len(VENDORS) :], "Where is my order?"]
    for _ in range(100):  # no worker has counted these conversations: polls do it, some by some
        if is_counted(store) and words(visit)[:50] == expected[:50]:
            break
        clock.run(15)
    listed, pages = words(visit), 1
    while (older := visit.page.get_by_role("link", name="Older conversations")).count():
        with visit.page.expect_navigation():
            older.click()
        listed, pages = listed + words(visit), pages + 1
    assert listed == expected
    assert pages == 3


@pytest.mark.parametrize("end", ["the connection breaks", "a proxy ends it"])
def test_an_answer_that_is_cut_in_its_middle_hides_nothing(
    end: str, store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert visit.net.site is not None
    whole_app, cut, written = visit.net.site.wsgi_app, list[int](), threading.Event()

    def cut_once(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == f"{URL}/changes":
            written.wait(30)  # one answer has all that is written
        answer = Response.from_app(whole_app, environ)
        if environ["PATH_INFO"] != f"{URL}/changes" or answer.status_code != 200 or cut:
            return answer(environ, start_response)
        half = answer.get_data()[: answer.get_data().index(b"Word 10")]
        cut.append(half.count(b"data-cursor"))
        headers = [(name, value) for name, value in answer.headers if name != "Content-Length"]
        start_response("200 OK", headers)
        return iter([half]) if end == "a proxy ends it" else broken(half)

    def broken(half: bytes) -> Iterator[bytes]:
        yield half
        raise ConnectionResetError

    read(visit)
    monkeypatch.setattr(visit.net.site, "wsgi_app", cut_once)
    for n in range(20):
        write(store, "c1", f"Word {n}", minutes=n / 1000)
        write(store, f"n{n}", f"From somebody {n}", VENDORS[n % len(VENDORS)], minutes=n / 1000)
    written.set()
    visit.page.locator("#entries").get_by_text("Word 19").wait_for()
    assert cut == [1]  # half an answer came, with all that says how new it is
    texts = visit.page.locator("#entries .text").all_inner_texts()
    assert texts == ["Is it in stock?", *(f"Word {n}" for n in range(20))]
    assert len(words(visit)) == len(set(words(visit))) == 22


def test_two_tabs_of_one_agent_answer_once_and_the_second_keeps_its_draft(
    store: Store, open_visit: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_visit()
    monkeypatch.setattr(Inbox, "_desk", lambda self, row: FakeDesk())
    second = open_visit.tab(first.page.context)  # type: ignore[attr-defined]
    for tab in (first, second):
        read(tab)
    first.page.fill("#text", "Yes, ten of them.")
    second.page.fill("#text", "Let me look.")
    first.page.get_by_role("button", name="Reply").click()
    second.page.get_by_role("button", name="Reply").click()
    second.page.locator("#word").get_by_text("Somebody has written in the meantime").wait_for()
    assert second.page.input_value("#text") == "Let me look."
    texts = [text for text in second.page.locator("#entries .text").all_inner_texts() if "look" in text]
    assert texts == []  # what was shown at once is taken back
    second.eventually(lambda: FakeDesk.sent)
    assert FakeDesk.sent == ["Yes, ten of them."]
    second.page.reload()
    assert second.page.input_value("#text") == "Let me look."


class FakeDesk:
    """Stands for the vendor's API, slow enough for a second click."""

    sent: list[str] = []  # noqa: RUF012 - one test's

    def __init__(self) -> None:
        self.conversations = self.agents = self

    def can(self, method: str) -> bool:
        return True

    def reply(self, id: str, text: str) -> Any:
        from flask_livechat.model import Message

        time.sleep(0.5)
        self.sent.append(text)
        return Message("m1", id, "agent", text)


def test_what_the_vendor_refuses_is_taken_back_with_a_word(
    store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Down(FakeDesk):
        def reply(self, id: str, text: str) -> Any:
            raise VendorDown("it is down", provider="crisp", call="reply")

        def close(self, id: str) -> None:
            raise VendorDown("it is down", provider="crisp", call="close")

    monkeypatch.setattr(Inbox, "_desk", lambda self, row: Down())
    read(visit)
    visit.page.fill("#text", "Yes!")
    visit.page.get_by_role("button", name="Reply").click()
    visit.page.locator("#word").get_by_text("it is down").wait_for()
    assert visit.page.input_value("#text") == "Yes!"
    assert visit.page.locator("#entries .text").all_inner_texts() == ["Is it in stock?"]
    visit.page.get_by_role("button", name="Close", exact=True).click()
    visit.page.locator("#word").get_by_text("it is down").wait_for()
    assert visit.page.locator("#rows li").first.is_visible()


def test_an_answer_a_note_and_a_close_are_done_without_leaving_the_page(
    site: Site, store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_of(visit, "crisp")
    from flask_livechat import Visitor

    chat = desk.conversations.start(Visitor("1", email="a@example.com"), "Hello?")
    write(store, chat.id, "Hello?")
    monkeypatch.setattr(Inbox, "_desk", lambda self, row: desk)
    read(visit, "Hello?")
    visit.get("window.isSamePage = true; 0")
    visit.page.fill("#text", "Yes?")
    visit.page.keyboard.press("Control+Enter")
    visit.page.locator("#entries .agent:not(.going)").get_by_text("Yes?").wait_for()
    visit.page.fill("#text", "asks every day")
    visit.page.get_by_role("button", name="Note for colleagues").click()
    visit.page.locator("#entries .note:not(.going)").get_by_text("asks every day").wait_for()
    visit.page.keyboard.press("Escape")
    visit.page.locator("#log").focus()
    visit.page.keyboard.press("e")
    visit.page.get_by_role("button", name="Reopen").wait_for()
    assert desk.conversations.get(chat.id).state == "closed"
    assert [message.text for message in desk.conversations.messages(chat.id)][:3] == [
        "Hello?",
        "Yes?",
        "asks every day",
    ]
    assert visit.get("window.isSamePage")


def test_a_draft_is_kept_for_each_conversation(store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Inbox, "_desk", lambda self, row: FakeDesk())
    read(visit)
    visit.page.fill("#text", "Not sent yet")
    visit.page.keyboard.press("Escape")
    read(visit, "Where is my order?")
    assert visit.page.input_value("#text") == ""
    read(visit)
    assert visit.page.input_value("#text") == "Not sent yet"


def test_keys_go_from_one_conversation_to_the_next(store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Inbox, "_desk", lambda self, row: FakeDesk())
    visit.go(URL)
    for key, name in (("j", "Is it in stock?"), ("j", "Where is my order?"), ("k", "Is it in stock?")):
        with visit.page.expect_navigation():
            visit.page.keyboard.press(key)
        assert visit.page.locator("#entries .text").all_inner_texts() == [name]
    visit.page.keyboard.press("?")
    visit.page.get_by_role("dialog").get_by_text("the next conversation").wait_for()
    visit.page.keyboard.press("Escape")
    visit.page.get_by_role("dialog").wait_for(state="hidden")
    visit.page.keyboard.press("r")
    visit.page.keyboard.type("jk?")
    assert visit.page.input_value("#text") == "jk?"
    visit.page.get_by_role("button", name="Keys").click()
    visit.page.get_by_label("Single keys work").uncheck()
    visit.page.get_by_role("button", name="Good").click()
    visit.page.reload()
    visit.page.keyboard.press("?")
    assert not visit.page.get_by_role("dialog").is_visible()


def test_one_tab_asks_for_all_and_none_that_is_hidden(store: Store, open_visit: Open) -> None:
    visits = [first := open_visit(), *(open_visit.tab(first.page.context) for _ in range(2))]  # type: ignore[attr-defined]
    for visit in visits:
        visit.go(URL)
    first.pause(0.5)
    begun = first.net.log.count(POLL)
    first.pause(3.2)
    assert 1 <= first.net.log.count(POLL) - begun <= 2
    write(store, "c3", "For all tabs")
    for visit in visits:
        visit.page.locator("#rows").get_by_text("For all tabs").wait_for()
        visit.get("Object.defineProperty(document, 'hidden', {value: true}); 0")
        visit.get("document.dispatchEvent(new Event('visibilitychange')); 0")
    first.pause(0.2)
    begun = first.net.log.count(POLL)
    first.pause(3.2)
    assert first.net.log.count(POLL) == begun


def test_what_a_visitor_writes_is_harmless_and_readable(store: Store, visit: Visit) -> None:
    hostile = "</script><script>alert(1)</script><img src=x onerror=alert(1)> 🪴 \u202eevil \u0000" + "x" * 1_000_000
    visit.page.on("dialog", lambda dialog: visit.errors.append(dialog.message))
    read(visit)
    write(store, "c1", hostile)
    visit.page.locator("#entries").get_by_text("onerror=alert(1)").wait_for()
    assert visit.page.locator("#entries img, #entries script").count() == 0
    assert visit.get("document.documentElement.scrollWidth <= innerWidth")
    assert visit.page.get_by_role("link", name="All of it").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(store: Store, open_visit: Open, scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Inbox, "_desk", lambda self, row: Refusing())
    monkeypatch.setattr("flask_livechat.desk.inbox_queries.MAX_ROWS", 2)
    size = {"width": 1280, "height": 800} if scheme == "light" else {"width": 390, "height": 800}
    visit = open_visit(color_scheme=scheme, bypass_csp=True, viewport=size)  # axe.run makes styles of its own
    write(store, "c1", "A note", minutes=0, kind="note", author="agent", tags=("refund",))
    write(store, "c1", "Good", minutes=0.01, kind="rated", rating=5, best=5)
    write(store, "c1", "x" * 5000, minutes=0.02, author="bot")
    write(store, "c3", "Bye", minutes=-3)
    write(store, "c3", "", minutes=-2.9, kind="conversation_closed", author="agent")
    write(store, "c4", "Where are you?", minutes=-60)
    for query in ("", "?page=2", "?q=nowhere", "?q=order", "?tab=snoozed", "?tab=closed", "?c=999"):
        visit.go(URL + query)
        assert axe(visit) == [], query
    visit.page.wait_for_load_state()
    visit.go(f"{URL}?tab=closed")
    visit.page.locator("#rows a").click()
    visit.page.get_by_role("button", name="Reopen").wait_for()
    assert axe(visit) == []
    visit.page.get_by_role("link", name="The whole conversation").click()
    visit.page.get_by_role("alert").wait_for()
    assert axe(visit) == []
    read(visit, "xxxxx")
    visit.page.locator("summary", has_text="Snooze").click()
    assert axe(visit) == []
    visit.page.get_by_role("link", name="Assign").click()
    visit.page.get_by_role("button", name="Assign").wait_for()
    visit.page.wait_for_load_state()
    visit.page.fill("#text", "Yes!")
    visit.page.get_by_role("button", name="Reply").click()
    visit.page.locator("#word").get_by_text("it is down").wait_for()
    assert axe(visit) == []
    visit.page.locator("#log").focus()
    visit.page.keyboard.press("?")
    visit.page.get_by_role("dialog").wait_for()
    assert axe(visit) == []


class Refusing(FakeDesk):
    """A vendor's API that lists its agents, and refuses all else."""

    def list(self) -> list[Agent]:
        return [Agent("a1", "Sam")]

    def teams(self) -> list[Team]:
        return [Team("t1", "Support")]

    def reply(self, id: str, text: str) -> Any:
        raise VendorDown("it is down", provider="crisp", call="reply")

    def messages(self, id: str) -> Any:
        raise VendorDown("it is down", provider="crisp", call="messages")


@pytest.mark.parametrize("query", ["", "?c=1", "?q=order", "?tab=closed", "?c=999"])
def test_nothing_stands_inline(query: str, store: Store, net: Net) -> None:
    """No script, no style and no handler: the page's own policy allows none, and an app's stricter one need not."""
    write(store, "c1", "More")
    assert net.site is not None
    page = BeautifulSoup(net.site.test_client().get(URL + query).text, "html.parser")
    assert not page.select("style, [style], script:not([src])")
    assert not [name for tag in page.select("*") for name in tag.attrs if name.startswith("on")]


def test_on_a_phone_there_is_the_list_or_the_conversation(store: Store, open_visit: Open) -> None:
    visit = open_visit(viewport={"width": 360, "height": 740})
    read(visit)
    assert not visit.page.locator("#rows").is_visible()
    assert visit.get("document.documentElement.scrollWidth <= innerWidth")
    visit.page.get_by_text("All conversations").click()
    assert visit.page.locator("#rows").is_visible()
    assert visit.get("document.documentElement.scrollWidth <= innerWidth")


NOTIFICATION = """
window.told = [];
window.Notification = class {
  static permission = "default";
  static async requestPermission() { Notification.permission = "granted"; }
  constructor(...words) { told.push(words); }
};
document.hasFocus = () => false;
"""


def test_a_notification_and_the_count_in_the_title_come_after_a_click_only(store: Store, open_visit: Open) -> None:
    visit = open_visit()
    visit.page.add_init_script(NOTIFICATION)
    visit.go(URL)
    visit.pause(0.3)
    assert (visit.page.title(), visit.get("Notification.permission")) == ("Inbox", "default")
    visit.page.get_by_role("button", name="Notify me").click()
    visit.eventually(lambda: visit.page.title() == "(2) Inbox")
    write(store, "c4", "Anybody?")
    visit.until("told.length")
    assert visit.get("told.map(([who, { body }]) => [who, body.trim()])") == [["Visitor", "Anybody?"]]
    visit.page.get_by_role("button", name="Notify me").click()
    visit.eventually(lambda: visit.page.title() == "Inbox")

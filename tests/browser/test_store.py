"""What our server knows of chats, in a browser: the whole circle, opens, and what is unread before the vendor comes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_livechat import LiveChat
from flask_livechat.desk.background import BackgroundQueue
from flask_livechat.desk.worker import Worker
from flask_livechat.model import Event
from flask_livechat.sandbox import sandbox_of
from flask_livechat.sandbox.delivery import Sender

from .conftest import SITE, VENDORS, Visit
from .test_desk import desk_of

Site = Callable[..., Any]
Open = Callable[..., Visit]
every_vendor = pytest.mark.parametrize("vendor", VENDORS)
HOST = "[...document.documentElement.children].find((each) => each.shadowRoot)"
FACE = f"{HOST}?.shadowRoot.querySelector('button')?.ariaLabel"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'events.sqlite3'}"


def chat_of(app: Flask) -> LiveChat:
    found: LiveChat = app.extensions["livechat"].livechat
    return found


def listen(visit: Visit, app: Flask) -> None:
    """The vendors' stand-ins send their webhooks to the site."""
    assert visit.net.vendors is not None
    accounts = {name: api.account for name, api in sandbox_of(visit.net.vendors).apis.items()}
    sender = Sender(app, f"{SITE}/", "/livechat/webhooks", accounts, BackgroundQueue(), lambda: True)
    for account in accounts.values():
        account.hub.listener = sender.tell


def work(app: Flask) -> int:
    with app.app_context():
        livechat = chat_of(app)
        return Worker(livechat.store, livechat.handle, livechat.now).once().done


@every_vendor
def test_the_whole_circle(site: Site, visit: Visit, vendor: str, database_url: str) -> None:
    """Visitor, webhook, store, handler, desk, visitor; and then it is in the metrics."""
    app = site(vendor, LOAD="eager", store=database_url)
    livechat = chat_of(app)
    livechat.staff_required(lambda: True)
    listen(visit, app)
    desk = desk_of(visit, vendor)
    told: list[Event] = []

    def answer(event: Event) -> None:
        told.append(event)
        if event.author == "visitor" and desk.can("conversations.reply"):
            desk.conversations.reply(str(event.conversation), f"You asked: {event.text}")
        elif event.author == "visitor":
            visit.reply(f"You asked: {event.text}")  # Tawk.to: in the vendor's own inbox

    livechat.on("message")(answer)
    livechat.on("conversation_started")(answer)
    visit.go("/login/1")
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified && __livechat_sandbox.identity.name")
    visit.get("livechat.open(); 0")
    panel = visit.page.locator(f"#livechat-sandbox-{vendor}")
    panel.locator("textarea").fill("Is it in stock?")
    panel.locator("textarea").press("Enter")
    visit.eventually(lambda: work(app) and told)
    panel.get_by_text("You asked: Is it in stock?").wait_for()
    close(visit, vendor)
    visit.eventually(lambda: work(app) is not None and figures(app).resolution.count)
    found = figures(app)
    assert (found.conversations, found.first_response.count, found.deflection.opens) == (1, 1, 1)
    visit.go("/livechat/metrics")
    assert visit.page.locator("#by-week tbody tr").last.locator("td").first.text_content() == "1"


def close(visit: Visit, vendor: str) -> None:
    assert visit.net.vendors is not None
    body = {"session": visit.snapshot()["session"]}
    assert visit.net.vendors.test_client().post("/sandbox/desk/end", json=body).status_code == 200


def figures(app: Flask) -> Any:
    with app.app_context():
        livechat = chat_of(app)
        return livechat.metrics(livechat.now() - timedelta(days=1))


# -- opens -------------------------------------------------------------------------------------------------------------


def opens(app: Flask) -> int:
    return int(figures(app).deflection.opens)


@every_vendor
def test_an_open_is_reported_once_a_visit(site: Site, open_visit: Open, vendor: str, database_url: str) -> None:
    app = site(vendor, LOAD="eager", store=database_url)
    visit = open_visit()
    for _ in range(2):
        visit.go()
        visit.ready()
        for _ in range(2):
            visit.get("livechat.open(); 0")
            visit.until("__livechat_sandbox.open")
            visit.get("livechat.close(); 0")
            visit.until("!__livechat_sandbox.open")
    visit.eventually(lambda: opens(app))
    another = open_visit()
    another.go()
    another.ready()
    another.get("livechat.open(); 0")
    another.eventually(lambda: opens(app) == 2)
    assert sum(line == "www.site.test/livechat/opens" for line in visit.net.log) == 2


@every_vendor
def test_who_does_not_open_is_not_counted(site: Site, visit: Visit, vendor: str, database_url: str) -> None:
    app = site(vendor, LOAD="eager", store=database_url)
    visit.go()
    visit.ready()
    visit.go("/other")
    visit.ready()
    assert opens(app) == 0


@every_vendor
def test_without_a_store_nothing_is_reported(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    visit.go("/login/1")
    visit.ready()
    visit.get("livechat.open(); 0")
    visit.until("__livechat_sandbox.open")
    visit.get("livechat.close(); 0")
    visit.until("!__livechat_sandbox.open")
    assert not [line for line in visit.net.log if "/opens" in line or "/unread" in line]


def thumbs(app: Flask) -> tuple[int, int]:
    """How many thumbs browsers have reported, and how many of them are up."""
    reported = figures(app).csat_reported
    return reported.rated, reported.good


def test_a_thumb_is_reported_and_may_be_turned(site: Site, visit: Visit, database_url: str) -> None:
    app = site("tawk", LOAD="eager", store=database_url)
    visit.go()
    visit.ready()
    for thumb, good in ((1, 1), (1, 1), (-1, 0)):
        visit.get(f"dispatchEvent(new CustomEvent('tawkChatSatisfaction', {{ detail: {thumb} }})); 0")
        visit.eventually(lambda good=good: thumbs(app) == (1, good))


# -- unread ------------------------------------------------------------------------------------------------------------


def answered(app: Flask, vendor: str, texts: int = 2) -> None:
    """Visitor 1 wrote yesterday, and was answered since."""
    with app.app_context():
        store = chat_of(app).store
    then = datetime.now(UTC) - timedelta(days=1)
    said = [Event(vendor, "message", "1", then, "s", visitor="1", author="visitor")]
    later = (then + timedelta(minutes=n + 1) for n in range(texts))
    said += [Event(vendor, "message", str(at), at, "s", author="agent") for at in later]
    store.add(said, then)
    work(app)


@every_vendor
def test_what_is_unread_is_shown_before_the_vendor_is_loaded(
    site: Site, visit: Visit, vendor: str, database_url: str
) -> None:
    app = site(vendor, LOAD="intent", store=database_url)
    answered(app, vendor)
    visit.go("/login/1")
    visit.until("document.getElementById('unread').textContent === '2'")
    visit.until(f"{FACE} === 'Chat with us, 2 unread'")
    assert ["unread", {"count": 2}] in visit.events()
    assert visit.net.asked(vendor) == []
    assert sum(line == "www.site.test/livechat/unread" for line in visit.net.log) == 1
    visit.page.click("#opener")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.open")
    visit.eventually(lambda: "www.site.test/livechat/unread" in visit.net.log[3:])

    def seen() -> bool:
        with app.app_context():
            return chat_of(app).store.unread("1", None) == 0

    visit.eventually(seen)


def test_what_comes_while_the_chat_is_open_is_read(site: Site, visit: Visit, database_url: str) -> None:
    site("crisp", LOAD="eager", store=database_url)
    visit.go("/login/1")
    visit.ready()
    visit.get("livechat.open(); 0")
    visit.eventually(lambda: "www.site.test/livechat/unread" in visit.net.log)
    visit.net.log.clear()
    visit.reply("Yes?")
    visit.eventually(lambda: "www.site.test/livechat/unread" in visit.net.log)


@every_vendor
def test_what_the_vendor_counts_is_shown_as_soon_as_it_is_there(site: Site, visit: Visit, vendor: str) -> None:
    """And nothing any more once the chat is open."""
    site(vendor, LOAD="eager")
    visit.go("/login/1")
    visit.ready()
    visit.get("livechat.open(); 0")
    panel = visit.page.locator(f"#livechat-sandbox-{vendor}")
    panel.locator("textarea").fill("Hello?")
    panel.locator("textarea").press("Enter")
    visit.until("__livechat_sandbox.messages.length === 1")
    visit.get("livechat.close(); 0")
    visit.until("!__livechat_sandbox.open")
    visit.reply("Yes?")
    visit.go("/other")
    visit.ready()
    visit.until("document.getElementById('unread').textContent === '1'")
    visit.get("livechat.open(); 0")
    visit.until("document.getElementById('unread').textContent === ''")


@every_vendor
def test_nobody_in_particular_asks_for_nothing(site: Site, visit: Visit, vendor: str, database_url: str) -> None:
    app = site(vendor, LOAD="intent", store=database_url)
    answered(app, vendor)
    visit.go()
    visit.until(f"{FACE} === 'Chat with us'")
    visit.get("new Promise((done) => requestIdleCallback(() => setTimeout(done, 50)))")
    assert not [line for line in visit.net.log if "/unread" in line]


def test_where_the_page_has_launchers_of_its_own_they_show_it(site: Site, visit: Visit, database_url: str) -> None:
    app = site("crisp", LOAD="intent", LAUNCHER="none", store=database_url)
    answered(app, "crisp")
    visit.go("/login/1")
    visit.until("document.getElementById('unread').textContent === '2'")
    assert visit.get(FACE) is None


def test_a_page_that_is_the_same_for_everybody_asks_for_whoever_was_here_last(
    site: Site, visit: Visit, database_url: str
) -> None:
    app = site("crisp", LOAD="intent", IDENTITY_DELIVERY="fetch", store=database_url)
    visit.go("/login/1")
    visit.page.click("#opener")
    visit.ready()
    visit.get("livechat.close(); 0")
    visit.until("!__livechat_sandbox.open")
    visit.eventually(lambda: "www.site.test/livechat/unread" in visit.net.log)
    with app.app_context():
        now = datetime.now(UTC) + timedelta(seconds=1)
        chat_of(app).store.add(
            [
                Event("crisp", "message", "1", now, "s", visitor="1", author="visitor"),
                Event("crisp", "message", "2", now + timedelta(seconds=1), "s", author="agent"),
            ],
            datetime.now(UTC),
        )
    work(app)
    visit.go("/other")
    visit.until("document.getElementById('unread').textContent === '1'")


def test_nothing_is_asked_before_consent(site: Site, visit: Visit, database_url: str) -> None:
    app = site("crisp", LOAD="intent", CONSENT="required", store=database_url)
    answered(app, "crisp")
    visit.go("/login/1")
    visit.until(f"{FACE} === 'Chat with us'")
    visit.get("new Promise((done) => requestIdleCallback(() => setTimeout(done, 50)))")
    assert not [line for line in visit.net.log if "/unread" in line]


def test_a_server_that_does_not_know_is_no_harm(site: Site, visit: Visit, database_url: str, tmp_path: Path) -> None:
    app = site("crisp", LOAD="intent", store=database_url)
    app.testing = False
    (tmp_path / "events.sqlite3").write_bytes(b"no database")
    visit.go("/login/1")
    visit.eventually(lambda: "www.site.test/livechat/unread" in visit.net.log)
    visit.page.click("#opener")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.open")

"""Takes the pictures in docs/images anew, from the example app in a real browser: ``make screenshots``."""

from __future__ import annotations

import random
import shutil
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from werkzeug.serving import make_server

from example_app import chat as shop
from example_app import create_app
from flask_livechat.model import Event

IMAGES = Path(__file__).with_name("images")
SECTIONS = {"crisp": "/", "tawk": "/shop/", "intercom": "/dashboard"}
SIZE: ViewportSize = {"width": 1280, "height": 800}


def until(page: Page, expression: str) -> None:
    """Wait for something in the page, asked from outside: the site's policy forbids eval."""
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise SystemExit(f"never true on {page.url}: {expression}")


def panel(page: Page, address: str, provider: str) -> None:
    """A vendor's panel with a question and an agent's answer in it."""
    page.goto(address + SECTIONS[provider])
    page.evaluate("window.livechat.open()")
    until(page, "window.__livechat_sandbox && window.__livechat_sandbox.open && window.__livechat_sandbox.session")
    page.keyboard.type("Can I change my plan later?")
    page.keyboard.press("Enter")
    until(page, "window.__livechat_sandbox.messages.length === 1")
    session = page.evaluate("window.__livechat_sandbox.session")
    answer = {"session": session, "text": "Of course, at any time. It takes one click under Account."}
    page.request.post(f"{address}/livechat/sandbox/desk/reply", data=answer, headers={"Origin": address})
    until(page, "window.__livechat_sandbox.messages.length === 2")
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / f"panel-{provider}.png")


def help_panel(page: Page, address: str) -> None:
    """The help panel of the shop, with the choices of its flow."""
    page.goto(f"{address}/shop/")
    until(page, "livechat.state === 'waiting' && document.documentElement.lastElementChild.shadowRoot")
    page.locator("button[data-livechat-open]").last.click()
    page.get_by_role("button", name="My order").wait_for()
    page.screenshot(path=IMAGES / "help-panel.png")


def take(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport=SIZE)
    page.goto(address)
    until(page, "window.livechat && window.livechat.state === 'ready'")
    page.screenshot(path=IMAGES / "landing.png")
    help_panel(page, address)
    panel(page, address, "tawk")
    page.goto(f"{address}/login")
    page.get_by_role("button", name="Sign in as").first.click()
    for provider in ("crisp", "intercom"):
        panel(page, address, provider)
    page.goto(f"{address}/livechat/sandbox/")
    page.get_by_text("Demo Grower").first.click()
    page.wait_for_timeout(800)
    page.screenshot(path=IMAGES / "agent-page.png")


def chats(now: datetime) -> Iterator[Event]:
    """What webhooks would have told in twelve weeks: made up, for a picture, and the same each time."""
    chance = random.Random(7)  # noqa: S311 - nothing secret
    for n in range(360):
        provider = chance.choice(("tawk", "crisp", "intercom"))
        chat: dict[str, Any] = {"provider": provider, "conversation": f"made-up-{n}", "visitor": f"u-{n % 150}"}
        begun = now - timedelta(days=chance.random() * 84, minutes=90)
        answered = begun + timedelta(minutes=chance.randint(1, 12))
        closed = answered + timedelta(minutes=chance.randint(5, 60))
        tags = (chance.choice(("delivery", "delivery", "plants", "billing")),)
        yield Event(kind="message", id=f"{n}v", at=begun, author="visitor", tags=tags, **chat)
        yield Event(kind="message", id=f"{n}a", at=answered, author=chance.choice(("agent", "agent", "bot")), **chat)
        yield Event(kind="conversation_closed", id=f"{n}c", at=closed, author="agent", **chat)
        if chance.random() < 0.4:
            yield Event(kind="rated", id=f"{n}r", at=closed, rating=chance.choice((3, 4, 5, 5)), best=5, **chat)


def sign_in_as_staff(page: Page, address: str) -> None:
    page.goto(f"{address}/login")
    page.locator("form.demo", has_text="staff@example.com").get_by_role("button").click()


def metrics(page: Page, address: str) -> None:
    sign_in_as_staff(page, address)
    page.goto(f"{address}/livechat/metrics")
    until(page, "document.querySelectorAll('figure.drawn canvas').length === 5")
    page.wait_for_timeout(1500)  # the charts move in
    page.screenshot(path=IMAGES / "metrics.png", full_page=True)


def inbox(browser: Browser, place: Path) -> None:
    """The inbox with a month of history: on a desk, in the dark, and on a phone with a conversation."""
    create_app({"DEBUG": True, "INSTANCE_PATH": str(place)}).test_cli_runner().invoke(
        args=["livechat", "sandbox", "--seed-history", "30"], catch_exceptions=False
    )
    app = create_app({"DEBUG": True, "INSTANCE_PATH": str(place)})  # which reads what the command has made
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.port}"
    phone: ViewportSize = {"width": 390, "height": 844}
    for name, size, scheme in (("inbox", SIZE, "light"), ("inbox-dark", SIZE, "dark"), ("inbox-phone", phone, "light")):
        page = browser.new_page(viewport=size, color_scheme="dark" if scheme == "dark" else "light")
        sign_in_as_staff(page, address)
        page.goto(f"{address}/livechat/inbox?tab=open")
        page.locator("#rows a", has_text="Crisp").first.click()
        page.locator("#entries").wait_for()
        page.wait_for_timeout(500)
        page.screenshot(path=IMAGES / f"{name}.png")
    server.shutdown()


def handoff(browser: Browser, place: Path, provider: str) -> None:
    """What agents see of a flow: a customer's order, on the sandbox's agent page."""
    app = create_app({"TESTING": True, "INSTANCE_PATH": str(place), "LIVECHAT_RULES": shop.rules(provider, provider)})
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.port}"
    page = browser.new_page(viewport=SIZE)
    page.goto(f"{address}/login")
    page.get_by_role("button", name="Sign in as").first.click()
    page.goto(f"{address}/shop/")
    until(page, "livechat.state === 'waiting' && document.documentElement.lastElementChild.shadowRoot")
    page.locator("button[data-livechat-open]").last.click()
    page.get_by_role("button", name="Delivery").click()
    page.get_by_role("button", name="It has not come").click()
    field = page.get_by_role("dialog").get_by_role("textbox")
    field.fill("PS-10442, ordered two weeks ago")
    field.press("Enter")
    until(page, "window.__livechat_sandbox && __livechat_sandbox.open && livechat.state === 'ready'")
    page.wait_for_timeout(500)
    box = page.locator(f"#livechat-sandbox-{provider} textarea")
    if not box.input_value():  # no message can be prepared
        box.fill("Hello, can you find my parcel?")
    box.press("Enter")
    until(page, "__livechat_sandbox.messages.length === 1")
    app.test_cli_runner().invoke(args=["livechat", "work", "--once"], catch_exceptions=False)
    page.set_viewport_size({"width": 1280, "height": 1120})  # down to the events
    page.goto(f"{address}/livechat/sandbox/")
    page.get_by_text("Demo Grower").first.click()
    page.wait_for_timeout(800)
    page.screenshot(path=IMAGES / f"handoff-{provider}.png")
    server.shutdown()


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        app = create_app({"TESTING": True, "INSTANCE_PATH": place})
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        path = shutil.which("chromium") or playwright.chromium.executable_path
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        address = f"http://127.0.0.1:{server.port}"
        take(browser, address)
        with app.app_context():
            shop.livechat.store.add([*chats(datetime.now(UTC))], datetime.now(UTC))
        app.test_cli_runner().invoke(args=["livechat", "work", "--once"], catch_exceptions=False)
        metrics(browser.new_page(viewport=SIZE), address)
        inbox(browser, Path(place) / "inbox")
        for provider in SECTIONS:
            handoff(browser, Path(place) / provider, provider)
        browser.close()
        server.shutdown()


if __name__ == "__main__":
    main()

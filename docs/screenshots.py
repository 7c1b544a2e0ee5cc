"""Takes the pictures in docs/images anew, from the example app in a real browser: ``make screenshots``."""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from example_app import create_app

IMAGES = Path(__file__).with_name("images")
SECTIONS = {"crisp": "/", "tawk": "/shop/", "intercom": "/dashboard"}
SIZE = {"width": 1280, "height": 800}


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


def take(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport=SIZE)
    page.goto(address)
    until(page, "window.livechat && window.livechat.state === 'ready'")
    page.screenshot(path=IMAGES / "landing.png")
    panel(page, address, "tawk")
    page.goto(f"{address}/login")
    page.get_by_role("button", name="Sign in as").first.click()
    for provider in ("crisp", "intercom"):
        panel(page, address, provider)
    page.goto(f"{address}/livechat/sandbox/")
    page.get_by_text("Demo Grower").first.click()
    page.wait_for_timeout(800)
    page.screenshot(path=IMAGES / "desk.png")


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        app = create_app({"TESTING": True, "INSTANCE_PATH": place})
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        path = shutil.which("chromium") or playwright.chromium.executable_path
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        take(browser, f"http://127.0.0.1:{server.port}")
        browser.close()
        server.shutdown()


if __name__ == "__main__":
    main()

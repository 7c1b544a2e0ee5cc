"""A real browser on a real site: Chromium. What it meets there is in ``network.py``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page

from .network import (
    API_HOSTS,
    HOSTS,
    KEYS,
    RECORD_EVENTS,
    SITE,
    VALUES,
    VENDORS,
    Net,
    Tab,
    User,
    net,
    site,
)

__all__ = ["API_HOSTS", "HOSTS", "KEYS", "SITE", "VALUES", "VENDORS", "Net", "User", "Visit", "axe", "net", "site"]

AXE = Path(__file__).parent.parent / "js/node_modules/axe-core/axe.min.js"


def _arguments(net: Net) -> tuple[str, ...]:
    return (
        f"--host-resolver-rules=MAP * 127.0.0.1:{net.port}",
        # Unlike an error that is ignored, a key that is trusted leaves the HTTP cache in use.
        f"--ignore-certificate-errors-spki-list={net.key}",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-features=OptimizationHints",
    )


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Browser], net: Net) -> Browser:
    return launch(*_arguments(net))


@pytest.fixture(scope="session")
def browser_with_page_cache(launch: Callable[..., Browser], net: Net) -> Browser:
    """With the back/forward cache, which Playwright switches off."""
    return launch(*_arguments(net), without=["--disable-back-forward-cache"])


# What our button's element says beside it.
HOST = "[...document.querySelectorAll('*')].find((each) => each.shadowRoot?.querySelector('output'))"
WORD = f"{HOST}?.shadowRoot.querySelector('output').textContent"


@dataclass
class Visit(Tab):
    """A tab of Chromium on the site, with what went wrong in it."""

    page: Page
    net: Net
    errors: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    leaving = (Error, "context was destroyed")

    def go(self, path: str = "/") -> None:
        self.page.goto(SITE + path)

    def get(self, expression: str) -> Any:
        return self.page.evaluate(expression)

    def pause(self, seconds: float) -> None:
        self.page.wait_for_timeout(seconds * 1000)


def composer(vendor: str) -> str:
    """The text in the field of a stand-in's panel, for ``Visit.until``."""
    return f"document.querySelector('#livechat-sandbox-{vendor}').shadowRoot.querySelector('textarea').value"


def axe(visit: Visit) -> list[str]:
    """What axe finds on the page as it stands, with its default rules."""
    if not AXE.exists():
        missing = "axe-core is missing; `make js` installs it."
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    visit.page.evaluate(AXE.read_text("utf-8") + "; 0")
    found = visit.page.evaluate(
        "axe.run().then(({violations}) => violations.map(({id, nodes}) => `${id}: ${nodes.map((node) => node.html)}`))"
    )
    return [f"{visit.page.url}: {violation}" for violation in found]


@pytest.fixture
def open_visit(browser: Browser, net: Net) -> Iterator[Callable[..., Visit]]:
    """Opens tabs in fresh browsers. At the end none may have seen an uncaught exception or a CSP violation."""
    contexts, visits = [], []

    def open_one(browser: Browser = browser, **options: Any) -> Visit:
        agent = f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 {net.agent}"
        context = browser.new_context(**{"user_agent": agent} | options)
        contexts.append(context)
        return tab(context)

    def tab(context: Any) -> Visit:
        page = context.new_page()
        visit = Visit(page, net)
        visits.append(visit)
        page.on("pageerror", lambda error: visit.errors.append(str(error)))
        page.on("console", lambda message: _note(visit, message.text))
        page.add_init_script(RECORD_EVENTS)
        return visit

    open_one.tab = tab  # type: ignore[attr-defined]
    yield open_one
    found = [problem for visit in visits for problem in visit.errors + visit.violations]
    net.next_agent()
    for context in contexts:
        context.close()
    assert not found


def _note(visit: Visit, text: str) -> None:
    if "Content Security Policy" in text:
        visit.violations.append(text)


@pytest.fixture
def visit(open_visit: Callable[..., Visit]) -> Visit:
    return open_visit()

"""The site of the tests in browsers, in Firefox and in WebKit."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from glob import glob
from typing import Any

import pytest
from flask import Flask, request

from ..browser.network import RECORD_EVENTS, Net, net
from ..browser.network import site as bare_site
from .engine import Engine, EngineTab, Proxy
from .firefox import Firefox
from .webkit import WebKit

__all__ = ["bare_site", "net"]
# Neither protocol runs a script before the page's own in both engines: the page has it in its head.
RECORD_PROBLEMS = """
const tell = (what) => navigator.sendBeacon("/problem", what);
addEventListener("error", ({ message, filename }) => message && tell(`${message} (${filename})`));
addEventListener("unhandledrejection", ({ reason }) => tell(`unhandled: ${reason}`));
addEventListener("securitypolicyviolation", (event) => tell(`${event.violatedDirective}: ${event.blockedURI}`));
addEventListener("pageshow", ({ persisted }) => { window.__restored = persisted; });
"""


@pytest.fixture(scope="session")
def proxy(net: Net) -> Iterator[Proxy]:
    with Proxy(net.port) as proxy:
        yield proxy


def _command(*names: str) -> str:
    for name in names:
        if found := shutil.which(name):
            return found
    missing = f"{names[0]} is missing; `make engines` installs it."
    raise pytest.fail.Exception(missing) if os.environ.get("CI") else pytest.skip.Exception(missing)


@pytest.fixture(scope="session")
def firefox(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Firefox(_command("firefox-esr", "firefox"), tmp_path_factory.mktemp("firefox"), proxy.port) as engine:
        yield engine


@pytest.fixture(scope="session")
def webkit(proxy: Proxy) -> Iterator[Engine]:
    browser = _command("MiniBrowser", *glob("/usr/lib/*/webkit2gtk-4.*/MiniBrowser"))
    with WebKit(_command("WebKitWebDriver"), browser, _command("Xvfb"), proxy.port) as engine:
        yield engine


@pytest.fixture(params=["firefox", "webkit"])
def engine(request: pytest.FixtureRequest) -> Engine:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


@pytest.fixture
def problems() -> list[str]:
    """Uncaught exceptions and violations of the policy, in any tab of this test."""
    return []


@pytest.fixture
def tab(engine: Engine, net: Net, problems: list[str]) -> Iterator[EngineTab]:
    yield engine.open(net)
    engine.close_tabs()
    net.next_agent()
    assert not problems


@pytest.fixture
def site(bare_site: Callable[..., Flask], problems: list[str]) -> Callable[..., Flask]:
    """The same site, whose pages tell what goes wrong in them."""

    def make(vendor: str, head: str = "", **config: Any) -> Flask:
        app = bare_site(vendor, head='<script src="/record.js"></script>' + head, **config)
        source = RECORD_EVENTS + RECORD_PROBLEMS
        app.add_url_rule("/record.js", "record", lambda: (source, {"Content-Type": "text/javascript"}))

        @app.post("/problem")
        def problem() -> str:
            problems.append(request.get_data(as_text=True))
            return ""

        return app

    return make

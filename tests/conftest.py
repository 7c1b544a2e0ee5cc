"""A small site with chat and a login, made anew for each test."""

from __future__ import annotations

import gc
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask, redirect, render_template_string
from flask.testing import FlaskClient
from flask_login import LoginManager, UserMixin, login_user, logout_user
from werkzeug.serving import WSGIRequestHandler

from flask_livechat import LiveChat

from .browser.matrix import Matrix
from .needs import Needs

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TAWK_KEY = "0123456789abcdef0123456789abcdef01234567"
CRISP_SECRET = "test_verify_secret"
CRISP_SESSION_SECRET = "test_session_secret"
INTERCOM_SECRET = "test_messenger_secret_0123456789abcdef"
IDS: dict[str, dict[str, Any]] = {
    "tawk": {"LIVECHAT_TAWK_PROPERTY_ID": "58ca8453b8a7e060cd3b1ecb"},
    "crisp": {"LIVECHAT_CRISP_WEBSITE_ID": "42286ab3-b29a-4fde-8538-da0ae501d825"},
    "intercom": {"LIVECHAT_INTERCOM_APP_ID": "abc12345"},
}
SECRETS: dict[str, dict[str, Any]] = {
    "tawk": {"LIVECHAT_TAWK_JS_API_KEY": TAWK_KEY},
    "crisp": {"LIVECHAT_CRISP_IDENTITY_SECRET": CRISP_SECRET},
    "intercom": {"LIVECHAT_INTERCOM_IDENTITY_SECRET": INTERCOM_SECRET},
}
VENDORS = tuple(sorted(IDS))
ALL_IDS = {key: value for keys in IDS.values() for key, value in keys.items()}
PAGE = "<!doctype html><title>Page</title><body><h1>Hello</h1>{{ livechat() }}</body>"


class User(UserMixin):
    def __init__(self, number: str, email: str, name: str, created_at: datetime | None = None) -> None:
        self.id, self.email, self.name, self.created_at = number, email, name, created_at


USERS = {
    "42": User("42", "ada@example.com", "First Visitor", datetime(2026, 1, 1, tzinfo=UTC)),
    "7": User("7", "second@example.com", "Second Visitor"),
}


@pytest.fixture(scope="session", autouse=True)
def shortcuts() -> Iterator[None]:
    from . import shortcuts  # which loads Alembic and SQLAlchemy

    with pytest.MonkeyPatch.context() as patch:
        shortcuts.take(patch)
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="Leave out the tests that need more, as tests/needs.py says.")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Matrix())
    config.pluginmanager.register(Needs(quick=config.getoption("quick")))


def pytest_collection_finish() -> None:
    """Keep the collector of garbage from walking over all tests, and over what each app has made, time and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)  # instead of 700: a single app is more than that


class Quiet(WSGIRequestHandler):
    """Of a server that a browser talks to: its threads outlive their test, and would log into the next one's."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing: what was asked for stands in the test's own record."""


def create_app(provider: str | None = "crisp", *, login: bool = True, secrets: bool = True, **config: Any) -> Flask:
    """An app with a page at ``/``, ``/login/<id>`` and ``/logout``. ``config`` has whole names: ``LIVECHAT_LOAD=…``."""
    app = Flask("tests")
    app.config.update(SECRET_KEY="the key of the tests", TESTING=True, LIVECHAT_PROVIDER=provider)
    if provider in IDS:
        app.config.update(IDS[provider] | (SECRETS[provider] if secrets else {}))
    app.config.update(config)
    if login:
        manager = LoginManager()
        manager.user_loader(USERS.get)
        # flask-login reads the session for every template and after every response, so that each page varies by
        # cookie. Not here: these tests ask what the chat itself does.
        manager.init_app(app, add_context_processor=False)
        app.after_request_funcs[None].clear()
        app.add_url_rule("/login/<number>", "login", lambda number: str(login_user(USERS[number])))
        app.add_url_rule("/logout", "logout", _logout)
    app.add_url_rule("/", "index", lambda: render_template_string(PAGE))
    LiveChat(app)
    return app


def chat_of(app: Flask) -> LiveChat:
    livechat = app.extensions["livechat"].livechat
    assert isinstance(livechat, LiveChat)
    return livechat


def log_in(app: Flask, number: str = "42") -> FlaskClient:
    client = app.test_client()
    assert client.get(f"/login/{number}").status_code == 200
    return client


def payload(html: str) -> dict[str, Any]:
    """The page's data block, read as a browser does and as strict JSON."""
    block = BeautifulSoup(html, "html.parser").find("script", id="livechat")
    assert block is not None, html
    return dict(json.loads(block.string or "", parse_constant=pytest.fail))


def page(client: FlaskClient, path: str = "/", **options: Any) -> dict[str, Any]:
    return payload(client.get(path, **options).text)


def _logout() -> Any:
    logout_user()
    return redirect("/")


@pytest.fixture
def make_app() -> Callable[..., Flask]:
    return create_app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Of the app that each module makes for its tests."""
    return app.test_client()


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Browser]]:
    """Starts Chromium with further arguments. One Playwright serves the whole run: it allows no second one."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser") or playwright.chromium.executable_path
        if not os.path.exists(path):
            missing = "Chromium is missing; `make chromium` installs it."
            pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
        # The tests run as root in CI, where Chromium has no sandbox of its own.
        browsers: list[Browser] = []

        def start(*arguments: str, without: Sequence[str] = ()) -> Browser:
            """``without``: arguments that Playwright would give of its own."""
            # Without a window's parts it takes half the time; but it has no back/forward cache.
            found = path if without else shutil.which("chromium-headless-shell") or path
            options = {
                "executable_path": found,
                "args": ["--no-sandbox", *arguments],
                "ignore_default_args": [*without],
            }
            browsers.append(playwright.chromium.launch(**options))
            return browsers[-1]

        yield start
        for browser in browsers:
            browser.close()

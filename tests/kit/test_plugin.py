"""The pytest plugin, in suites of its own: the one of the docs, and some that do what they should not."""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

import pytest

from flask_livechat.pytest_plugin import Guard, RealVendorError

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def strict(pytester: pytest.Pytester) -> None:
    options = "-p no:cacheprovider -p no:xdist -p no:hypothesispytest --strict-markers"
    pytester.makeini(f"[pytest]\naddopts = {options}\nfilterwarnings = error\n")


def run(pytester: pytest.Pytester, text: str) -> pytest.RunResult:
    pytester.makepyfile(text)
    return pytester.runpytest_subprocess()


def python_of(page: Path) -> list[str]:
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:   .*\n|\n)+)", page.read_text("utf-8"))
    return ["\n".join(line[3:] for line in block.splitlines()) for block in blocks]


def test_the_suite_of_the_docs_passes(pytester: pytest.Pytester) -> None:
    app, *suite = python_of(ROOT / "docs" / "testing.rst")
    pytester.makepyfile(shop=app, test_shop="\n".join(suite))
    pytester.syspathinsert()
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=8)


SITE = """
    from flask import render_template_string
    from flask_login import LoginManager, UserMixin

    class User(UserMixin):
        def __init__(self, id):
            self.id, self.email = id, f"{id}@example.com"

    app.secret_key = "of a site that is there already"
    LoginManager(app).user_loader(User)

    @app.get("/")
    def home():
        return render_template_string("<!doctype html><title>Home</title><h1>Home</h1>{{ livechat() }}")
"""
FIXTURE = """
    import pytest
    import site_with_chat

    @pytest.fixture
    def client():
        return site_with_chat.app.test_client()
"""


@pytest.mark.parametrize("vendor", ["crisp", "intercom", "tawk"])
def test_the_start_of_the_readme_works(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, vendor: str) -> None:
    """On a site that is there already, with the suite started as it says."""
    start, suite = (block.replace('"crisp"', f'"{vendor}"') for block in python_of(ROOT / "README.rst"))
    pytester.makepyfile(site_with_chat=f"{start}\n{textwrap.dedent(SITE)}", conftest=FIXTURE, test_chat=suite)
    pytester.syspathinsert()
    pytester.runpytest_subprocess().stderr.fnmatch_lines(["*LC106*FLASK_DEBUG=1*"])
    monkeypatch.setenv("FLASK_DEBUG", "1")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_a_difference_is_shown_at_the_line_that_asks(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        from flask_livechat.testing import assert_livechat

        def test_it():
            assert_livechat("<p>No chat</p>", provider="crisp")
        """,
    )
    result.stdout.fnmatch_lines([">*assert_livechat(*", "E*the page has no chat*", "test_*.py:4: AssertionError"])
    result.stdout.no_fnmatch_line("*def assert_livechat*")


ASKS = """
    import asyncio
    import socket
    import httpx
    import pytest

    def ask():
        try:
            {how}
        except OSError:
            pass
        except httpx.HTTPError:
            pass

    {mark}
    def test_it():
        ask()
"""


@pytest.mark.parametrize(
    ("how", "host"),
    [
        ("socket.getaddrinfo('api.crisp.chat', 443)", "api.crisp.chat"),
        ("socket.getaddrinfo(b'api.crisp.chat', 443)", "api.crisp.chat"),
        ("socket.gethostbyname_ex('api.crisp.chat')", "api.crisp.chat"),
        ("socket.create_connection(('API.Intercom.io.', 443), 1)", "API.Intercom.io."),
        ("httpx.get('https://embed.tawk.to/x')", "embed.tawk.to"),
        ("asyncio.run(asyncio.open_connection('embed.tawk.to', 443))", "embed.tawk.to"),
    ],
)
def test_a_test_that_asks_for_a_real_vendor_fails(pytester: pytest.Pytester, how: str, host: str) -> None:
    result = run(pytester, ASKS.format(how=how, mark=""))
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([f"*talked to a real chat vendor: {host}.*"])


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", (None, ("api.crisp.chat", 443))),
        ("socket.sendto", (None, (b"api.crisp.chat", 443))),
        ("socket.getaddrinfo", (bytearray(b"api.crisp.chat"), 443)),
        ("flask_livechat.call", ("api.crisp.chat",)),
    ],
)
def test_each_way_to_a_host_is_heard_of(event: str, arguments: tuple[object, ...]) -> None:
    """Where a name is known, that is: without a network some of these end before anybody hears of them."""
    guard = Guard()
    guard(event, arguments)  # nobody tests
    guard.depth = 1
    guard("socket.connect", (None, "/run/a socket of the machine's"))
    with pytest.raises(RealVendorError):
        guard(event, arguments)
    assert "api.crisp.chat" in (guard.told() or "")
    assert not guard.told()


def test_the_guard_is_silent_while_python_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_livechat.pytest_plugin.GUARD.depth", 0)  # the run is over
    monkeypatch.setattr("flask_livechat.pytest_plugin.Guard.EVENTS", None)  # as Python may leave it then
    sys.audit("open", "a file", "r", 0)


SWALLOWS = """
    import socket
    from contextlib import suppress
    import pytest

    def ask():
        with suppress(OSError):
            socket.getaddrinfo("api.crisp.chat", 443)
"""


@pytest.mark.parametrize(
    "where",
    [
        "ask()\n\ndef test_it(): pass",
        "@pytest.fixture(scope='session')\ndef made(): ask()\n\ndef test_it(made): pass",
        "class TestIt:\n    @classmethod\n    def setup_class(cls): ask()\n\n    def test_it(self): pass",
        "import unittest\n\nclass TestIt(unittest.TestCase):\n    def test_it(self): ask()",
        "def test_it(monkeypatch):\n    monkeypatch.undo()\n    ask()",
    ],
    ids=["a module", "a fixture of the session", "a class", "unittest", "a patch undone"],
)
def test_nobody_asks_unheard(pytester: pytest.Pytester, where: str) -> None:
    result = run(pytester, f"{textwrap.dedent(SWALLOWS)}\n{where}")
    result.assert_outcomes(passed=1, errors=1)


def test_what_is_asked_for_after_the_last_test_fails_the_run(pytester: pytest.Pytester) -> None:
    where = "@pytest.fixture(scope='session')\ndef made():\n    yield\n    ask()\n\ndef test_it(made): pass"
    result = run(pytester, f"{textwrap.dedent(SWALLOWS)}\n{where}")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*talked to a real chat vendor: api.crisp.chat.*"])


SHOP = """
    import pytest
    from flask import Flask, request
    from flask_livechat import LiveChat, Visitor

    livechat = LiveChat()

    @pytest.fixture
    def app():
        app = Flask(__name__)
        app.config.update(SECRET_KEY="x", TESTING=True, LIVECHAT_PROVIDER="crisp")
        app.config.update(
            LIVECHAT_CRISP_WEBSITE_ID="42286ab3-b29a-4fde-8538-da0ae501d825",
            LIVECHAT_CRISP_IDENTITY_SECRET="secret-of-the-shop",
            LIVECHAT_CRISP_API_IDENTIFIER="identifier",
            LIVECHAT_CRISP_API_KEY="key-of-the-shop",
            LIVECHAT_CRISP_WEBHOOK_SECRET="secret-of-the-hook",
        )
        LiveChat.init_app(livechat, app)

        @livechat.visitor_loader
        def visitor(user):
            return Visitor("42", email="ada@example.com")

        @app.get("/welcome")
        def welcome():
            livechat.sync()
            return "Welcome"

        return app
"""


def in_the_shop(pytester: pytest.Pytester, text: str) -> pytest.RunResult:
    return run(pytester, SHOP + text)


def test_what_waits_for_the_vendor_is_of_the_test_that_left_it(pytester: pytest.Pytester) -> None:
    """Nothing is left for the end of the process, where nobody would hear of it."""
    result = in_the_shop(
        pytester,
        """
    def test_one(app):
        assert app.test_client().get("/welcome").status_code == 200

    def test_another(app):
        assert app.test_client().get("/").status_code == 404
""",
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_one*", "*real chat vendor: api.crisp.chat.*"])


def test_what_waits_for_the_vendor_reaches_the_desk_of_the_test(pytester: pytest.Pytester) -> None:
    result = in_the_shop(
        pytester,
        """
    from flask_livechat.desk.background import QUEUES

    def test_it(app, livechat_desk):
        app.test_client().get("/welcome")
        assert all(one.finish(5) for one in QUEUES)
        assert livechat_desk.contacts.find(email="ada@example.com")

    def test_nothing_is_done_twice_or_late(app, livechat_desk):
        app.test_client().get("/welcome")
""",
    )
    result.assert_outcomes(passed=2)


def test_a_desk_behind_a_proxy_is_heard_of_and_at_once(pytester: pytest.Pytester) -> None:
    result = in_the_shop(
        pytester,
        """
    import time

    def test_it(app, monkeypatch):
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        begun = time.monotonic()
        with app.app_context(), pytest.raises(OSError, match="a test contacted api.crisp.chat"):
            next(livechat.desk().conversations.list())
        assert time.monotonic() - begun < 20  # and not what is tried again for half a minute
""",
    )
    result.assert_outcomes(passed=1, errors=1)


def test_the_awaited_desk_is_the_same_account(pytester: pytest.Pytester) -> None:
    result = in_the_shop(
        pytester,
        """
    import asyncio
    from flask_livechat import ConfigError

    def test_it(app, livechat_desk):
        id = livechat_desk.says(Visitor("42", email="ada@example.com"), "Hello?")

        async def first():
            async with livechat.async_desk() as desk:
                return [one.id async for one in desk.conversations.list()]

        with app.app_context():
            assert asyncio.run(first()) == [id]
            with pytest.raises(ConfigError, match="intercom"):
                livechat.desk("intercom")
""",
    )
    result.assert_outcomes(passed=1)


def test_webhooks_leave_nothing_in_the_apps_own_database(pytester: pytest.Pytester) -> None:
    """So the same suite passes again, and handlers hear of nothing but what the test has told."""
    text = """
    import json
    heard = []

    @livechat.on("message")
    async def hear(event):
        heard.append(event.text)

    def test_it(app, livechat_webhook):
        data = {"session_id": "session_1", "type": "text", "from": "user", "content": "Hello?", "fingerprint": 1}
        site = "42286ab3-b29a-4fde-8538-da0ae501d825"
        told = {"website_id": site, "event": "message:send", "data": data, "timestamp": 1790000000123}
        assert livechat_webhook("crisp", told) == 200
        assert heard == ["Hello?"]
"""
    for _ in range(2):
        in_the_shop(pytester, text).assert_outcomes(passed=1)
    assert not [*pytester.path.rglob("instance/*.sqlite3")]


def test_one_that_is_meant_to_does_not(pytester: pytest.Pytester) -> None:
    how = "socket.create_connection(('api.crisp.chat', 1), 0.01)"
    result = run(pytester, ASKS.format(how=how, mark="@pytest.mark.livechat_real_vendor"))
    result.assert_outcomes(passed=1)


def test_all_other_hosts_are_nobodys_business(pytester: pytest.Pytester) -> None:
    run(pytester, ASKS.format(how="socket.getaddrinfo('localhost', 80)", mark="")).assert_outcomes(passed=1)


def test_a_suite_without_chat_does_not_even_load_it(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import sys

        def test_it():
            assert "bs4" not in sys.modules
            assert "sqlalchemy" not in sys.modules
            assert not [name for name in sys.modules if name.startswith("flask_livechat.sandbox")]
        """,
    )
    result.assert_outcomes(passed=1)


def test_without_an_app_the_desk_is_that_of_some_vendor(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        from flask_livechat import Visitor

        def test_it(livechat_desk):
            assert livechat_desk.says(Visitor("42", email="ada@example.com"), "Hello")
        """,
    )
    result.assert_outcomes(passed=1)

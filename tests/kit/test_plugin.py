"""The pytest plugin, in suites of its own: the one of the docs, and some that do what they should not."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def strict(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider -p no:xdist --strict-markers\nfilterwarnings = error\n")


def run(pytester: pytest.Pytester, text: str) -> pytest.RunResult:
    pytester.makepyfile(text)
    return pytester.runpytest_subprocess()


def python_of(page: Path) -> list[str]:
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:   .*\n|\n)+)", page.read_text("utf-8"))
    return ["\n".join(line[3:] for line in block.splitlines()) for block in blocks]


def test_the_suite_of_the_docs_passes(pytester: pytest.Pytester) -> None:
    app, suite = python_of(ROOT / "docs" / "testing.rst")
    for name, block in (("shop", app), ("test_shop", suite)):
        (pytester.path / f"{name}.py").write_text(block, "utf-8")
    pytester.syspathinsert()
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=6)


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


def test_the_start_of_the_readme_works(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a site that is there already, with the suite started as it says."""
    start, suite = python_of(ROOT / "README.rst")
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
        ("socket.create_connection(('API.Intercom.io.', 443), 1)", "API.Intercom.io."),
        ("httpx.get('https://embed.tawk.to/x')", "embed.tawk.to"),
    ],
)
def test_a_test_that_asks_for_a_real_vendor_fails(pytester: pytest.Pytester, how: str, host: str) -> None:
    result = run(pytester, ASKS.format(how=how, mark=""))
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([f"*talked to a real chat vendor: {host}.*"])


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

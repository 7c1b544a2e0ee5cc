"""``flask livechat doctor --live`` against the stand-ins, which answer behind the vendors' real host names."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, request
from flask_login import current_user
from playwright.sync_api import Browser

from flask_livechat import Visitor
from flask_livechat.desk import http
from flask_livechat.desk.desk import Contacts, Desk, open_desk
from flask_livechat.doctor import live
from flask_livechat.doctor.live import LiveReport, report
from flask_livechat.sandbox import sandbox_of

from .conftest import API_HOSTS, HOSTS, SITE, VALUES, VENDORS, Net, User, _arguments

ROOT = Path(__file__).parent.parent.parent
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
SECRET = {"tawk": "TAWK_JS_API_KEY", "crisp": "CRISP_IDENTITY_SECRET", "intercom": "INTERCOM_IDENTITY_SECRET"}
WRONG = {"tawk": "f" * 40, "crisp": "another", "intercom": "another-secret-0123456789abcdef0123456789"}
# What cannot be looked at: Tawk.to's API knows nobody by the app's id, and the stand-in of Crisp's verifies nobody.
UNKNOWN = {"tawk": {"user.contact", "cleaned"}, "crisp": {"user.verified"}, "intercom": set[str]()}
Check = Callable[..., LiveReport]


@pytest.fixture(scope="module")
def public(launch: Callable[..., Browser], net: Net) -> Browser:
    """The check's pages are not on loopback, from which the vendors' hosts could be asked without a question."""
    return launch(*_arguments(net), "--disable-features=OptimizationHints,LocalNetworkAccessChecks")


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendors answer at once here."""
    for name, seconds in {"LASTING_S": 0.8, "SETTLE_S": 0.3, "SHOWN_S": 4.0, "SENT_S": 3.0, "ALONE_S": 2.0}.items():
        monkeypatch.setattr(live, name, seconds)
    monkeypatch.setattr("flask_livechat.doctor.live.account.SEARCH_S", 1.0)


@pytest.fixture
def deleted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The contacts that were deleted at the vendor's."""
    ids: list[str] = []
    forget = Contacts.forget

    def note(contacts: Contacts, id: str) -> None:
        forget(contacts, id)
        ids.append(id)

    monkeypatch.setattr(Contacts, "forget", note)
    return ids


@pytest.fixture
def check(public: Browser, net: Net) -> Iterator[Check]:
    """Checks an app, and holds of each report that it names nobody."""
    reports = []

    def run(app: Flask, *, user: str | None = "1", **options: Any) -> LiveReport:
        name = app.config["LIVECHAT_PROVIDER"]
        plan = live.plan_of(
            app, name, user=User(user) if user else None, path=options.pop("path", None), skip=(), base_url=SITE
        )
        result = live.check(
            plan, now=NOW, launch=lambda host: nullcontext(public), open_desk=lambda: desk(net, name), **options
        )
        reports.append((app, result))
        return result

    yield run
    for app, result in reports:
        names_nobody(app, result)


def desk(net: Net, name: str) -> Desk:
    """The vendor's API: the stand-in's."""
    assert net.vendors is not None
    api = sandbox_of(net.vendors).apis[name]
    return open_desk(name, VALUES[name], lambda: NOW, http.in_process(api))


def names_nobody(app: Flask, result: LiveReport) -> None:
    text = report.as_text(result) + report.as_json(result)
    user = User("1")
    values = [value for key, value in app.config.items() if key.startswith("LIVECHAT_") and isinstance(value, str)]
    private = [user.email, user.name, "visitor1", "site.test", *(value for value in values if len(value) > 8)]
    assert [value for value in private if value in text] == []
    assert not re.search(r"[0-9a-f]{16}|eyJ", text)


def facts(result: LiveReport) -> dict[str, bool | None]:
    return {fact.name: fact.held for fact in result.facts}


def seen(result: LiveReport, name: str) -> str:
    return next(fact.seen for fact in result.facts if fact.name == name)


@pytest.mark.parametrize("name", VENDORS)
def test_all_facts_hold_of_a_healthy_site(site: Any, check: Check, net: Net, name: str) -> None:
    result = check(site(name))
    wrong = {fact.name: fact.seen for fact in result.facts if fact.held is not True}
    assert set(wrong) == UNKNOWN[name], wrong
    assert HOSTS[name] in result.hosts
    names = {"visitor.starts", "user.identity", "user.opens", "user.sockets", "next.stored", "policy"}
    assert names <= set(facts(result))


def test_without_a_user_a_visitor_alone_is_looked_at(site: Any, check: Check) -> None:
    result = check(site("crisp"), user=None)
    assert result.failed == ()
    assert not [name for name in facts(result) if name.startswith(("user", "next"))]
    assert not result.with_user


@pytest.mark.parametrize("load", ["manual", "intent", "eager"])
def test_the_chat_starts_whatever_the_page_waits_for(site: Any, check: Check, load: str) -> None:
    assert check(site("intercom", LOAD=load), user=None).failed == ()


def test_consent_is_given_where_it_is_required(site: Any, check: Check) -> None:
    assert check(site("crisp", CONSENT="required"), user=None).failed == ()


def test_an_identity_that_the_page_fetches_counts_too(site: Any, check: Check) -> None:
    assert facts(check(site("crisp", IDENTITY_DELIVERY="fetch")))["user.identity"] is True


@pytest.mark.parametrize("name", VENDORS)
def test_a_wrong_secret_is_seen(site: Any, check: Check, name: str) -> None:
    result = check(site(name, **{SECRET[name]: WRONG[name]}))
    assert facts(result)["user.identity"] is False
    assert f"{API_HOSTS[name]} refused it" in seen(result, "user.identity")


def test_a_user_whom_the_page_does_not_name_is_seen(site: Any, check: Check) -> None:
    result = check(site("crisp", overrides={"identify": False}))
    assert facts(result)["user.identity"] is False
    assert "has no identity" in seen(result, "user.identity")


def with_policy(app: Flask, policy: str | None) -> Flask:
    """Another policy than that of the test site, or none. What runs last is first in the list."""

    def change(response: Response) -> Response:
        response.headers.remove("Content-Security-Policy")
        if policy:
            response.headers["Content-Security-Policy"] = policy
        return response

    app.after_request_funcs[None].insert(0, change)
    return app


def test_a_policy_that_misses_a_host_is_seen(site: Any, check: Check) -> None:
    policy = "default-src 'self'; script-src 'self' https://client.crisp.chat; style-src 'unsafe-inline'"
    result = check(with_policy(site("crisp", CSP="off"), policy), user=None)
    assert facts(result)["visitor.starts"] is False
    assert facts(result)["policy"] is False
    assert "connect-src https://client.crisp.chat" in seen(result, "policy")
    assert "the app's own" in seen(result, "policy")


def test_a_site_without_a_policy_is_tried_with_ours(site: Any, check: Check, net: Net) -> None:
    app = with_policy(site("crisp", CSP="off"), None)
    net.probes["crisp"] = "document.head.append(Object.assign(new Image(), { src: 'https://other.crisp.chat/a.png' }));"
    result = check(app, user=None)
    assert facts(result)["policy"] is False
    assert "img-src https://other.crisp.chat" in seen(result, "policy")
    assert "on trial" in seen(result, "policy")


def test_a_host_that_the_policy_does_not_name_is_seen(site: Any, check: Check, net: Net) -> None:
    net.probes["intercom"] = "fetch('https://new-host.example/x').catch(() => {});"
    result = check(with_policy(site("intercom"), "default-src * data: blob: 'unsafe-inline'"), user=None)
    assert facts(result)["policy"] is True
    assert facts(result)["hosts"] is False
    assert seen(result, "hosts") == "not named: connect-src https://new-host.example"


@pytest.mark.parametrize(
    ("script", "fact"),
    [
        ("setInterval(() => { document.cookie = 'zz_0123456789abcdef=of-one-visitor; path=/'; }, 100);", "cookies"),
        ("setInterval(() => localStorage.setItem('zz-state', 'of-one-visitor'), 100);", "local"),
        ("setInterval(() => sessionStorage.setItem('zz-flag', '1'), 100);", "session"),
    ],
)
def test_what_a_logout_leaves_behind_is_seen(site: Any, check: Check, net: Net, script: str, fact: str) -> None:
    net.probes["crisp"] = script
    result = check(site("crisp"), user=None)
    assert [one.name for one in result.failed] == [f"visitor.{fact}"]
    assert seen(result, f"visitor.{fact}").startswith("still there: zz")


def test_what_the_server_s_logout_leaves_of_the_user_is_seen(site: Any, check: Check, net: Net) -> None:
    net.probes["crisp"] = (
        "if (document.querySelector('script#livechat').textContent.includes('\"proof\":{'))"
        " setInterval(() => localStorage.setItem('zz-user', 'token-of-the-user-0001'), 50);"
    )
    result = check(site("crisp"))
    assert facts(result)["next.stored"] is False
    assert "zz-user" in seen(result, "next.stored")


@pytest.mark.parametrize("name", VENDORS)
def test_a_vendor_that_is_down_is_seen(site: Any, check: Check, net: Net, name: str) -> None:
    app = site(name)
    net.down.add(HOSTS[name])
    result = check(app, user=None)
    assert facts(result)["visitor.starts"] is False
    assert "state failed (blocked)" in seen(result, "visitor.starts")
    assert f"{HOSTS[name]}: " in seen(result, "visitor.starts")
    assert facts(result)["visitor.cookies"] is None  # nothing started, which shows nothing


def test_an_exception_of_the_vendor_s_is_named_without_its_words(site: Any, check: Check, net: Net) -> None:
    net.probes["tawk"] = "setTimeout(() => { throw new TypeError('visitor1@example.com'); });"
    result = check(site("tawk"), user=None)
    assert seen(result, "errors") == "TypeError in the vendor's script"


# What is written, and taken away.


def test_the_user_s_contact_is_deleted_unless_it_was_there(
    site: Any, check: Check, net: Net, deleted: list[str]
) -> None:
    app = site("intercom")
    result = check(app)
    assert seen(result, "user.contact") == "found, and new"
    assert facts(result)["cleaned"] is True
    assert len(deleted) == 1
    desk(net, "intercom").contacts.upsert(Visitor(id="1", email="visitor1@example.com"))
    result = check(app)
    assert "the user was known before and stays" in seen(result, "cleaned")
    assert len(deleted) == 1


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_crash_cleans_up(
    site: Any, check: Check, monkeypatch: pytest.MonkeyPatch, deleted: list[str], error: type[BaseException]
) -> None:
    def crash(self: Any, tab: Any, visit: Any) -> Any:
        if visit.name == "user":
            raise error("visitor1@example.com")
        return iter(())

    monkeypatch.setattr(live.Journey, "_ended", crash)
    with pytest.raises(KeyboardInterrupt) if error is KeyboardInterrupt else nullcontext():
        result = check(site("intercom"))
        assert seen(result, "user.check") == "it failed with RuntimeError"
        assert facts(result)["user.check"] is False
    assert len(deleted) == 1


def test_the_user_s_session_is_over_at_the_end(site: Any, check: Check, net: Net) -> None:
    app = site("crisp")
    left = []
    app.before_request(lambda: left.append("x") if request.path == "/logout" else None)
    check(app)
    assert left == ["x"]  # the app's own way out was taken


def test_nothing_of_the_site_is_asked_of_its_real_host(site: Any, check: Check, net: Net) -> None:
    app = site("crisp")
    net.log.clear()
    check(app, user=None)
    assert [line for line in net.log if line.startswith("www.site.test")] == []


# The command, in a process of its own: Playwright takes one thread, which is the tests'.

APP = """
from flask import Flask, render_template_string
from flask_livechat import LiveChat
app = Flask("app")
app.config.update(SECRET_KEY="a key of the tests", LIVECHAT_PROVIDER="crisp", LIVECHAT_SANDBOX=True)
LiveChat(app)
app.add_url_rule("/", "home", lambda: render_template_string("<!doctype html><body>{{ livechat() }}</body>"))
"""


def command(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "app.py").write_text(APP)
    words = [sys.executable, "-m", "flask", "--app", "app", "--debug", "livechat", "doctor", "--live", "--json"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_starts_a_browser_by_itself(browser: Browser, tmp_path: Path) -> None:
    done = command(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["sandbox"] is True
    assert "A visitor starts the chat." in done.stderr


def test_without_a_browser_it_says_how_to_get_one(browser: Browser, tmp_path: Path) -> None:
    done = command(tmp_path, PATH=str(tmp_path), PLAYWRIGHT_BROWSERS_PATH=str(tmp_path))
    assert done.returncode == 2
    assert "no browser could be started: playwright install chromium" in done.stderr


# The page.


def test_a_page_for_users_alone_is_found_for_them(site: Any, check: Check) -> None:
    app = site("crisp")
    app.before_request(lambda: None if current_user.is_authenticated else ("<h1>Log in</h1>", 401))
    result = check(app)
    assert facts(result)["visitor"] is None
    assert facts(result)["user.identity"] is True
    assert facts(result)["next"] is None


def test_a_named_page_is_the_one(site: Any, check: Check) -> None:
    assert check(site("crisp"), user=None, path="/other").page == "/other"


def test_a_page_without_chat_is_refused(site: Any, check: Check) -> None:
    with pytest.raises(live.NoPage, match="--page PATH"):
        check(site("crisp"), path="/plain")


def test_the_report_is_whole_as_json(site: Any, check: Check) -> None:
    data = json.loads(report.as_json(check(site("crisp"), user=None)))
    assert data["provider"] == "crisp"
    assert data["failed"] == 0
    assert {"name", "title", "held", "seen"} == set(data["facts"][0])
    assert data["at"] == NOW.isoformat()

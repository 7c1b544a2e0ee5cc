"""LIVECHAT_REPORT_FAILURES: what a browser may say of a chat that did not start, and what becomes of it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_wtf import CSRFProtect

import flask_livechat
from flask_livechat import LiveChat
from flask_livechat.rate_limit import PerMinute
from flask_livechat.widget.browser_reports import FAILURE_REASONS, MAX_FAILURES, MAX_REPORT_BYTES, Failures

from .conftest import ALL_IDS, log_in

MakeApp = Callable[..., Flask]
URL = "/livechat/failures"
REPORT = {"provider": "crisp", "reason": "blocked"}


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(LIVECHAT_REPORT_FAILURES=True)


def seen(app: Flask) -> dict[tuple[str, str], int]:
    return dict(app.extensions["livechat"].runtime.failures.seen)


def test_it_is_not_there_unless_switched_on(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    app = make_app()
    assert app.test_client().post(URL, json=REPORT).status_code == 404
    assert not seen(app)
    assert not caplog.records


def test_every_reason_that_our_scripts_report_is_taken() -> None:
    package = Path(flask_livechat.__file__).parent
    sources = [package / "widget" / "session.js", *package.glob("providers/*/widget.js")]
    pattern = r'\b(?:fail|failed)\("(\w+)"\)|\b(?:failureReason|reason) = "(\w+)"'
    reasons = {a or b for source in sources for a, b in re.findall(pattern, source.read_text("utf-8"))}
    assert reasons == set(FAILURE_REASONS)


@pytest.mark.parametrize("reason", FAILURE_REASONS)
def test_a_report_is_counted_and_logged(app: Flask, caplog: pytest.LogCaptureFixture, reason: str) -> None:
    for count in (1, 2):
        caplog.clear()
        response = app.test_client().post(URL, json=REPORT | {"reason": reason})
        assert (response.status_code, response.data) == (204, b"")
        assert "Set-Cookie" not in response.headers
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert record.getMessage() == f"livechat: crisp did not start in a browser: {reason} ({count} so far)."
    assert seen(app) == {("crisp", reason): 2}


def test_each_provider_and_reason_has_a_count_of_its_own(make_app: MakeApp) -> None:
    app = make_app("tawk", **ALL_IDS, LIVECHAT_REPORT_FAILURES=True)
    client = app.test_client()
    for provider, reason in [("crisp", "csp"), ("tawk", "csp"), ("crisp", "timeout"), ("crisp", "csp")]:
        assert client.post(URL, json={"provider": provider, "reason": reason}).status_code == 204
    assert seen(app) == {("crisp", "csp"): 2, ("tawk", "csp"): 1, ("crisp", "timeout"): 1}


def test_apps_count_apart(make_app: MakeApp) -> None:
    one, other = (make_app(LIVECHAT_REPORT_FAILURES=True) for _ in range(2))
    assert one.test_client().post(URL, json=REPORT).status_code == 204
    assert seen(one)
    assert not seen(other)


@pytest.mark.parametrize(
    "body",
    [
        {"provider": "tawk", "reason": "blocked"},  # known, but not this app's
        {"provider": "nobody", "reason": "blocked"},
        {"provider": "crisp", "reason": "because"},
        {"provider": "crisp", "reason": "blocked\nlivechat: forged"},
        {"provider": ["crisp"], "reason": "blocked"},
        {"provider": {}, "reason": {}},
        {"provider": "crisp", "reason": ["blocked"]},
        {"provider": "crisp"},
        {"reason": "blocked"},
        {},
        [],
        ["crisp", "blocked"],
        "crisp",
        5,
    ],
)
def test_what_is_no_report_is_refused(app: Flask, caplog: pytest.LogCaptureFixture, body: Any) -> None:
    assert app.test_client().post(URL, json=body).status_code == 400
    assert not seen(app)
    assert not caplog.records


@pytest.mark.parametrize("body", [b"provider=crisp", b"{", b"null", b"\xff\xfe", b"NaN", b"[" * MAX_REPORT_BYTES])
def test_what_is_no_json_is_refused(app: Flask, body: bytes) -> None:
    assert app.test_client().post(URL, data=body).status_code == 400
    assert not seen(app)


def test_a_long_body_is_refused_unread(app: Flask) -> None:
    padded = json.dumps(REPORT).encode().ljust(MAX_REPORT_BYTES)
    client = app.test_client()
    assert client.post(URL, data=padded).status_code == 204
    assert client.post(URL, data=padded + b" ").status_code == 413
    assert seen(app) == {("crisp", "blocked"): 1}


def test_a_body_without_a_length_is_refused(app: Flask) -> None:
    environ = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    assert app.test_client().post(URL, json=REPORT, environ_overrides=environ).status_code == 413


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 204),
        ({"Origin": "http://localhost"}, 204),
        ({"Origin": "https://localhost"}, 204),  # behind a proxy that ends TLS
        ({"Origin": "http://["}, 403),
        ({}, 204),
    ],
)
def test_other_sites_cannot_report(app: Flask, headers: dict[str, str], status: int) -> None:
    assert app.test_client().post(URL, json=REPORT, headers=headers).status_code == status
    assert bool(seen(app)) is (status == 204)


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_it_only_takes_posts(app: Flask, method: str) -> None:
    assert getattr(app.test_client(), method)(URL).status_code == 405


def test_a_minute_takes_sixty(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    now = 1000 * 60.0
    failures = Failures(PerMinute(MAX_FAILURES, clock=lambda: now))
    app.extensions["livechat"].runtime.failures = failures
    client = app.test_client()
    answers = [client.post(URL, json=REPORT).status_code for _ in range(MAX_FAILURES + 2)]
    assert answers == [204] * MAX_FAILURES + [429] * 2
    assert len(caplog.records) == MAX_FAILURES  # what is refused is not logged either
    now += 59.9
    assert client.post(URL, json=REPORT).status_code == 429
    now += 0.1
    assert client.post(URL, json=REPORT).status_code == 204
    assert seen(app) == {("crisp", "blocked"): MAX_FAILURES + 1}


def test_the_limit_is_for_all_reasons_together() -> None:
    failures = Failures(PerMinute(MAX_FAILURES, clock=lambda: 0.0))
    counts = [failures.count("crisp", FAILURE_REASONS[n % len(FAILURE_REASONS)]) for n in range(MAX_FAILURES + 1)]
    assert counts[-1] is None
    assert sum(failures.seen.values()) == MAX_FAILURES


def test_refused_reports_cost_no_place(app: Flask) -> None:
    client = app.test_client()
    for _ in range(MAX_FAILURES + 1):
        assert client.post(URL, json={}).status_code == 400
    assert client.post(URL, json=REPORT).status_code == 204


@pytest.mark.parametrize("first", ["livechat", "csrf"])
def test_it_works_beside_csrf_protection(first: str) -> None:
    app = Flask("csrf")
    app.config.update(SECRET_KEY="csrf", TESTING=True, LIVECHAT_PROVIDER="crisp", **ALL_IDS)
    app.config["LIVECHAT_REPORT_FAILURES"] = True
    for kind in (LiveChat, CSRFProtect) if first == "livechat" else (CSRFProtect, LiveChat):
        kind(app)
    app.add_url_rule("/own", "own", lambda: "own", methods=["POST"])
    client = app.test_client()
    assert client.post(URL, json=REPORT).status_code == 204
    assert client.post("/own").status_code == 400  # nothing else is exempt
    assert seen(app) == {("crisp", "blocked"): 1}


def test_the_log_holds_nothing_of_the_client(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = log_in(app)
    headers = {"User-Agent": "a-browser/1.0", "Referer": "http://localhost/orders/77?token=secret"}
    body = REPORT | {"email": "ada@example.com"}
    environ = {"REMOTE_ADDR": "203.0.113.9"}
    response = client.post(URL, json=body, headers=headers, environ_overrides=environ)
    assert response.status_code == 204
    (record,) = caplog.records
    shown = f"{record.getMessage()}{record.args}"
    for said in ("203.0.113.9", "a-browser", "orders", "secret", "ada@example.com", "42"):
        assert said not in shown

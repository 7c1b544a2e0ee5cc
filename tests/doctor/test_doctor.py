"""``flask livechat doctor`` as it is used: what it prints, how it exits, and what it does to an app in pieces."""

from __future__ import annotations

import gzip
import json
import logging
import re
import secrets
import sqlite3
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask, Response, abort, redirect, render_template_string, request, session
from flask.globals import _cv_app
from flask_login import UserMixin, current_user
from flask_talisman import Talisman
from jinja2 import DictLoader, FunctionLoader
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    object_session,
    relationship,
    scoped_session,
    sessionmaker,
)

from flask_livechat import Visitor, doctor, extension
from flask_livechat.doctor import Level, Report
from flask_livechat.doctor.crawler import SomebodyElse
from flask_livechat.doctor.findings import CHECKS

from ..conftest import CRISP_SECRET, USERS, chat_of, create_app

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PAGE = "<!doctype html><title>Page</title><body><h1>Page</h1></body>"


def app_of(**config: Any) -> Flask:
    return create_app("crisp", **config)


def examine(app: Flask, **options: Any) -> Report:
    return doctor.examine(app, now=NOW, **options)


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["livechat", "doctor", *arguments])


def unseen(report: Report) -> str:
    return "\n".join(f"{one.name}: {one.why}" for one in report.unseen)


def codes(report: Report) -> set[str]:
    return {finding.check.code for finding in report.findings}


# The command.


def test_it_says_what_where_why_and_what_to_do() -> None:
    output = run(app_of(LIVECHAT_TOKEN_TTL=30 * 24 * 3600)).output
    assert "LC304 warning: Tokens live too long" in output
    assert re.search(r"where: LIVECHAT_TOKEN_TTL\n +what: +30 days\n +why: .*\n( .*\n)* +do: ", output)
    assert "docs/doctor/LC304.rst" in output


def test_it_lists_its_checks() -> None:
    output = run(app_of(), "--list").output
    assert [line[:5] for line in output.splitlines()] == sorted(CHECKS)


@pytest.mark.parametrize(("level", "status"), [("never", 0), ("error", 0), ("warning", 1), ("info", 1)])
def test_its_exit_status_is_for_ci(level: str, status: int) -> None:
    app = app_of(LIVECHAT_TOKEN_TTL=30 * 24 * 3600)
    assert run(app, "--fail-level", level).exit_code == status


def test_an_error_fails_by_itself() -> None:
    app = app_of()
    app.add_url_rule("/debug", "debug", lambda: f"<p>{CRISP_SECRET}</p>")
    assert run(app).exit_code == 1


def test_json_is_for_programs() -> None:
    said = json.loads(run(app_of(LIVECHAT_TOKEN_TTL=30 * 24 * 3600), "--format", "json", "--as", "42").output)
    found = next(one for one in said["findings"] if one["code"] == "LC304")
    assert found["level"] == "warning"
    assert found["where"] == [{"place": "LIVECHAT_TOKEN_TTL"}]
    assert said["looked_at"]["pages"] >= 2


def test_sarif_is_for_code_hosts(tmp_path: Path) -> None:
    app = app_of()
    app.static_folder = str(tmp_path)
    (tmp_path / "chat.js").write_text("\n\ns.src = 'https://client.crisp.chat/l.js';\n")
    said = json.loads(run(app, "--format", "sarif").output)
    assert said["version"] == "2.1.0"
    (running,) = said["runs"]
    assert {rule["id"] for rule in running["tool"]["driver"]["rules"]} == set(CHECKS)
    found = next(one for one in running["results"] if one["ruleId"] == "LC201")
    assert found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].endswith("chat.js")
    assert all(one["level"] in ("note", "warning", "error") for one in running["results"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--path", "pricing"], "starts with a slash"),
        (["--as", "nobody"], "there is no user 'nobody'"),
        (["--format", "xml"], "is not one of"),
        (["--pages", "0"], "--pages"),
    ],
)
def test_a_wrong_option_is_said_and_nothing_is_visited(arguments: list[str], said: str) -> None:
    result = run(app_of(), *arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_without_a_user_it_says_what_it_did_not_look_at() -> None:
    assert "--as USER_ID" in run(app_of()).output


def test_the_same_in_many_places_is_one_finding() -> None:
    app = app_of()
    for n in range(6):
        app.add_url_rule(f"/{n}", str(n), lambda: PAGE)
    output = run(app).output
    assert output.count("LC206 warning") == 1
    assert "and 3 more" in output


# What it visits.


def visited(app: Flask, **options: Any) -> set[str]:
    seen: set[str] = set()
    app.before_request(lambda: seen.add(f"{request.method} {request.path}"))
    examine(app, **options)
    return seen


def test_it_stays_away_from_what_may_do_something() -> None:
    app = app_of(login=False)
    for path in ("/delete-account", "/export", "/cron/nightly", "/newsletter/unsubscribe", "/admin/run-now", "/exit"):
        app.add_url_rule(path, path, lambda: PAGE)
    app.add_url_rule("/orders", "orders", lambda: PAGE, methods=["POST", "DELETE"])
    app.add_url_rule("/about", "about", lambda: PAGE)
    seen = {path for path in visited(app) if "doctor-asks" not in path}
    assert {path for path in seen if "/livechat/" not in path} == {"GET /", "GET /about"}


def test_it_can_be_told_to_stay_away() -> None:
    app = app_of(login=False)
    app.add_url_rule("/reports/year", "year", lambda: PAGE)
    app.add_url_rule("/reports", "reports", lambda: PAGE)
    app.add_url_rule("/slow", "slow", lambda: PAGE)
    assert {"GET /reports", "GET /reports/year", "GET /slow"} & visited(app, skip=["/reports", "slow"]) == set()


def test_a_route_with_values_is_visited_where_one_is_given() -> None:
    app = app_of(login=False)
    app.add_url_rule("/shop/<slug>", "shop", lambda slug: PAGE)
    report = examine(app)
    assert "1 route that takes a value (/shop/<slug>): give addresses of theirs with --path" in unseen(report)
    assert "GET /shop/labels" in visited(app_with_shop(), paths=["/shop/labels"])


def app_with_shop() -> Flask:
    app = app_of(login=False)
    app.add_url_rule("/shop/<slug>", "shop", lambda slug: PAGE)
    return app


def test_pages_are_visited_as_nobody_and_as_the_user() -> None:
    app, seen = app_of(), set()
    app.before_request(lambda: seen.add(session.get("_user_id")))
    examine(app, user=USERS["42"])
    assert seen == {None, "42"}


def test_a_subdomain_is_visited_where_it_answers() -> None:
    app = app_of(login=False, SERVER_NAME="shop.test")
    app.url_map.host_matching = False
    app.add_url_rule("/", "help", lambda: PAGE, subdomain="help")
    seen: set[str] = set()
    app.before_request(lambda: seen.add(request.host))
    examine(app)
    assert "help.shop.test" in seen


def test_nothing_of_the_app_is_left_changed() -> None:
    app = app_of()
    before = dict(app.config)
    disabled = logging.root.manager.disable
    examine(app, user=USERS["42"])
    assert dict(app.config) == before
    assert logging.root.manager.disable == disabled


def test_what_the_app_logs_meanwhile_is_not_printed(caplog: pytest.LogCaptureFixture) -> None:
    app = app_of()
    app.add_url_rule("/noisy", "noisy", lambda: app.logger.error("noise") or PAGE)
    examine(app)
    assert "noise" not in caplog.text


def test_progress_is_told() -> None:
    told: list[tuple[int, int, str]] = []
    examine(app_of(), progress=lambda done, total, what: told.append((done, total, what)))
    assert [done for done, _, _ in told] == list(range(told[-1][1] + 1))


def test_no_report_holds_a_secret() -> None:
    app = app_of()
    app.add_url_rule(
        "/debug", "debug", lambda: f"<p>{CRISP_SECRET}</p><script>var crispSecret = '{CRISP_SECRET}'</script>"
    )
    for form in ("text", "json", "sarif"):
        output = run(app, "--format", form, "--as", "42").output
        assert "LC401" in output
        assert CRISP_SECRET not in output
        assert USERS["42"].email not in output


# Apps in pieces.


def test_an_app_that_raises_in_half_its_routes_is_looked_at() -> None:
    app = app_of(login=False)

    def broken() -> str:
        raise LookupError(f"never shown: {CRISP_SECRET}")

    for n in range(10):
        app.add_url_rule(f"/{n}", str(n), broken if n % 2 else lambda: PAGE)
    report = examine(app)
    assert unseen(report).count("raised LookupError") == 5
    assert CRISP_SECRET not in unseen(report)
    assert "LC206" in codes(report)


def test_the_error_page_of_a_broken_view_is_looked_at() -> None:
    app = app_of(login=False, TESTING=False, PROPAGATE_EXCEPTIONS=False)

    @app.get("/broken")
    def broken() -> str:
        raise LookupError

    @app.errorhandler(500)
    def sorry(error: Exception) -> tuple[str, int]:
        return f"<p>{CRISP_SECRET}</p>", 500

    report = examine(app)
    assert "raised LookupError" in unseen(report)
    assert "its error page was looked at" in unseen(report)
    assert "LC401" in codes(report)


def test_an_endless_stream_ends() -> None:
    app = app_of(login=False)

    def forever() -> Iterator[str]:
        while True:
            yield "x" * 10_000

    app.add_url_rule("/forever", "forever", lambda: Response(forever()))
    app.add_url_rule("/events", "events", lambda: Response(forever(), mimetype="text/event-stream"))
    report = examine(app)
    assert "GET /forever: is longer than 2,000,000 bytes" in unseen(report)


def test_a_view_that_hangs_is_left() -> None:
    app = app_of(login=False)
    app.add_url_rule("/slow", "slow", lambda: time.sleep(2) or PAGE)
    begin = time.monotonic()
    report = examine(app, limits=doctor.Limits(seconds=0.2))
    assert time.monotonic() - begin < 1.5
    assert "GET /slow: took longer than 0.2 s" in unseen(report)


@pytest.mark.needs("time")
def test_of_ten_thousand_routes_some_are_visited_and_the_rest_is_said() -> None:
    app = app_of(login=False)
    for n in range(10_000):
        app.add_url_rule(f"/page/{n}", f"page{n}", lambda: PAGE)
    report = examine(app, limits=doctor.Limits(pages=100))
    assert report.pages <= 101
    assert "9,901 more pages: --pages N looks at more" in unseen(report)


def test_templates_that_are_none_are_passed_over(tmp_path: Path) -> None:
    app = app_of(login=False)
    app.root_path = str(tmp_path)
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "logo.html").write_bytes(b"\x89PNG\r\n\xff\xfe\x00")
    (folder / "broken.html").write_text("{% if %}")
    (folder / "_email.html").write_text("\n{{ livechat() }}")
    report = examine(app)
    assert "logo.html: cannot be read (UnicodeDecodeError)" in unseen(report)
    assert "broken.html: is not a valid template (line 1)" in unseen(report)
    (finding,) = [finding for finding in report.findings if finding.check.code == "LC205"]
    assert finding.places[0].line == 2


def test_a_loader_that_lists_nothing_is_said() -> None:
    app = app_of(login=False)
    app.jinja_env.loader = FunctionLoader(lambda name: None)
    assert "their loader cannot list them" in unseen(examine(app))


def test_other_delimiters_are_understood() -> None:
    app = app_of(login=False)
    app.jinja_options = {"variable_start_string": "<<", "variable_end_string": ">>"}
    app.jinja_env.variable_start_string, app.jinja_env.variable_end_string = "<<", ">>"
    app.jinja_env.loader = DictLoader({"mail/hello.html": "<p><< livechat() >></p>"})
    assert "LC205" in codes(examine(app))


def test_a_commented_snippet_is_none() -> None:
    app = app_of(login=False)
    app.jinja_env.loader = DictLoader({"a.html": '{# <script src="https://client.crisp.chat/l.js"></script> #}'})
    assert codes(examine(app)) & {"LC201", "LC203"} == set()


def test_large_and_binary_static_files_are_passed_over(tmp_path: Path) -> None:
    app = app_of(login=False)
    app.static_folder = str(tmp_path)
    (tmp_path / "large.js").write_text("x" * 2_000_001)
    (tmp_path / "binary.js").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "dangling.js").symlink_to(tmp_path / "nowhere.js")
    report = examine(app)
    assert "large.js: is longer than" in unseen(report)
    assert [one for one in report.unseen if "dangling" in one.name] == []


def test_a_secret_in_a_file_of_any_kind_is_found(tmp_path: Path) -> None:
    app = app_of(login=False)
    app.static_folder = str(tmp_path)
    (tmp_path / "backup.sqlite").write_bytes(b"\xff\xfe\x00" + CRISP_SECRET.encode() + b"\x00")
    assert "LC402" in codes(examine(app))


def test_a_check_that_stumbles_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(survey: Any) -> Any:
        raise ZeroDivisionError

    check = CHECKS["LC201"]
    monkeypatch.setitem(CHECKS, "LC201", doctor.Check("LC201", Level.ERROR, check.title, "", "", stumble))
    report = examine(app_of(LIVECHAT_TOKEN_TTL=30 * 24 * 3600))
    assert "LC201: the check itself failed with ZeroDivisionError" in unseen(report)
    assert "LC304" in codes(report)


@pytest.mark.parametrize("status", [302, 403, 405, 500])
def test_a_logout_that_answers_otherwise_is_said_and_not_judged(status: int) -> None:
    app = app_of(login=False)
    app.add_url_rule("/logout", "logout", lambda: abort(status) if status > 302 else ("", 400), methods=["POST"])
    report = examine(app)
    assert "POST /logout: it answered" in unseen(report)
    assert codes(report) & {"LC601", "LC602"} == set()


def test_an_app_without_a_provider_is_looked_at() -> None:
    assert codes(examine(create_app(None))) == {"LC802"}


@pytest.mark.parametrize("name", ["livechat", "livechat_button"])
@pytest.mark.parametrize("write", ["{{ %s }}", "{%% autoescape false %%}{{ %s }}{%% endautoescape %%}"])
def test_a_tag_without_its_parentheses_is_named_in_a_page_and_in_a_part_of_one(write: str, name: str) -> None:
    app = app_of(login=False)
    app.add_url_rule("/part", "part", lambda: render_template_string("<p>" + write % name))
    app.add_url_rule("/whole", "whole", lambda: render_template_string("<!doctype html><p>" + write % name))
    (finding,) = [one for one in examine(app).findings if one.check.code == "LC206" and "parentheses" in one.what]
    assert {str(place) for place in finding.places} == {"GET /part", "GET /whole"}
    assert f"{{{{ {name}(" in finding.fix


def test_an_inbox_without_its_extra_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extension, "find_spec", lambda name: None)
    app = app_of(login=False, LIVECHAT_SANDBOX=True, LIVECHAT_INBOX=True)
    chat_of(app).staff_required(lambda: True)
    (finding,) = [one for one in examine(app).findings if one.check.code == "LC611"]
    assert "pip install Flask-LiveChat[desk]" in finding.fix


def test_a_page_that_has_the_tag_with_and_without_parentheses_is_named() -> None:
    app = app_of(login=False)
    app.add_url_rule("/twice", "twice", lambda: render_template_string(PAGE + "{{ livechat }}{{ livechat() }}"))
    assert any("parentheses" in finding.what for finding in examine(app).findings)


# What it must not do, and where it must not be wrong.


@pytest.mark.parametrize(
    "name",
    [
        "deleteAccount",
        "resetDatabase",
        "reset-db",
        "wipe",
        "close-account",
        "empty_trash",
        "markAllRead",
        "rotate-keys",
    ],
)
def test_a_dangerous_name_is_seen_however_it_is_written(name: str) -> None:
    app = app_of(login=False)
    app.add_url_rule(f"/{name}", name, lambda: PAGE)
    assert f"GET /{name}" not in visited(app)


@pytest.mark.parametrize("name", ["password/reset", "getting-started", "how-to-delete"])
def test_a_page_about_it_is_visited(name: str) -> None:
    app = app_of(login=False)
    app.add_url_rule(f"/{name}", name, lambda: PAGE)
    assert f"GET /{name}" in visited(app)


@pytest.mark.parametrize("path", ["/logout-everyone", "/account/delete-and-logout", "/admin/signout-all-users"])
def test_a_way_out_that_does_more_is_not_taken(path: str) -> None:
    app = app_of()
    app.add_url_rule(path, path, lambda: "", methods=["POST"])
    assert f"POST {path}" not in visited(app, user=USERS["42"])
    assert f"a way out, {path}: by its name it does more than that" in unseen(examine(app, user=USERS["42"]))


def test_a_way_out_with_a_value_is_said() -> None:
    app = app_of()
    app.add_url_rule("/<lang>/logout", "out", lambda lang: "", methods=["POST"])
    assert "a way out, /<lang>/logout: it takes a value" in unseen(examine(app))


def test_a_logout_nobody_is_logged_in_for_is_not_judged() -> None:
    app = app_of()
    app.add_url_rule("/sign-out", "sign_out", lambda: "bye", methods=["POST"])
    report = examine(app)
    assert "POST /sign-out: no user was logged in: use --as USER_ID" in unseen(report)
    assert "LC601" not in codes(report)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"APPLICATION_ROOT": "/shop"},
        {"SESSION_COOKIE_DOMAIN": "shop.test", "SERVER_NAME": "shop.test"},
        {"SESSION_COOKIE_PATH": "/account"},
        {"PREFERRED_URL_SCHEME": "https", "SESSION_COOKIE_SECURE": True},
    ],
)
@pytest.mark.parametrize("protection", ["basic", "strong"])
def test_the_user_is_logged_in_however_sessions_are_kept(config: dict[str, Any], protection: str) -> None:
    app = app_of(SESSION_PROTECTION=protection, **config)
    app.login_manager.session_protection = protection  # type: ignore[attr-defined]
    app.add_url_rule("/account/", "account", lambda: str(current_user.is_authenticated) + PAGE)
    seen: list[bool] = []
    app.before_request(lambda: seen.append(current_user.is_authenticated) if request.path == "/account/" else None)
    report = examine(app, user=USERS["42"])
    assert seen == [False, True]
    assert "LC601" not in codes(report)


def test_a_login_that_did_not_take_is_said() -> None:
    app = app_of()
    app.login_manager.user_loader(lambda number: None)  # type: ignore[attr-defined]
    report = examine(app, user=USERS["42"])
    assert "GET / (logged in): the login did not take" in unseen(report)
    assert codes(report) & {"LC301", "LC601"} == set()


def test_where_an_app_leads_to_https_it_is_looked_at_there() -> None:
    app = app_of(login=False)
    Talisman(app, content_security_policy=None)
    report = examine(app)
    assert report.pages >= 1
    assert "LC805" not in codes(report)


def test_where_an_app_is_can_be_said() -> None:
    app = app_of(login=False)
    hosts: set[str] = set()
    app.before_request(lambda: hosts.add(request.host_url))
    assert run(app, "--base-url", "https://shop.example.com/", "--fail-level", "never").exit_code == 0
    assert hosts == {"https://shop.example.com/"}
    assert run(app, "--base-url", "shop.example.com").exit_code == 2


def test_pages_that_lead_elsewhere_are_said() -> None:
    app = app_of(login=False)
    app.add_url_rule("/account", "account", lambda: redirect("/login?next=account"))
    app.add_url_rule("/admin", "admin", lambda: abort(403))
    assert "GET /account: it leads to /login" in unseen(examine(app))
    assert "GET /admin: answered 403" in unseen(examine(app))


def test_a_view_that_exits_ends_nothing() -> None:
    app = app_of(login=False)
    app.add_url_rule("/exits", "exits", lambda: sys.exit(1))
    report = examine(app)
    assert "GET /exits: raised RuntimeError" in unseen(report)


def test_what_a_view_prints_does_not_stand_in_the_report() -> None:
    app = app_of(login=False)
    app.add_url_rule("/prints", "prints", lambda: print("DEBUG") or PAGE)  # noqa: T201 - as people do
    assert json.loads(run(app, "--format", "json", "--fail-level", "never").stdout)


def test_a_nonce_does_not_make_a_finding_of_each_page() -> None:
    app = app_of(login=False)
    app.after_request(_with_nonce)
    for n in range(5):
        app.add_url_rule(f"/{n}", str(n), lambda: render_template_string("<body>{{ livechat() }}</body>"))
    found = [finding for finding in examine(app).findings if finding.check.code == "LC701"]
    assert len(found) == 1
    assert "'nonce-…'" in found[0].fix


def _with_nonce(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = f"script-src 'self' 'nonce-{secrets.token_urlsafe(8)}'"
    return response


def test_a_compressed_page_is_read() -> None:
    app = app_of(login=False)
    html = PAGE.replace("</h1>", "</h1><script async src='https://client.crisp.chat/l.js'></script>")
    headers = {"Content-Encoding": "gzip", "Content-Type": "text/html"}
    app.add_url_rule("/packed", "packed", lambda: Response(gzip.compress(html.encode()), headers=headers))
    assert "LC201" in codes(examine(app))


def test_our_own_pages_are_nobodys_to_look_at() -> None:
    assert "/livechat" not in unseen(examine(app_of(LIVECHAT_CRISP_WEBHOOK_SECRET="secret", LIVECHAT_SANDBOX=True)))


def test_a_loader_of_the_apps_own_that_raises_is_said() -> None:
    app = app_of(TESTING=False)

    @chat_of(app).visitor_loader
    def visitor(user: Any) -> Any:
        raise LookupError(user.email)

    for app.debug in (False, True):
        report = examine(app, user=USERS["42"])
        found = next(one for one in report.findings if one.check.code == "LC310")
        assert "visitor failed with LookupError at test_doctor.py:" in found.what
        assert USERS["42"].email not in str(report)


def test_a_user_that_the_loader_chokes_on_is_said() -> None:
    app = app_of()
    app.login_manager.user_loader(lambda number: USERS[str(int(number))])  # type: ignore[attr-defined]
    result = run(app, "--as", "ann@example.com")
    assert result.exit_code == 2
    assert "the user_loader does not accept 'ann@example.com' (ValueError)" in result.output


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("42", "42"),
        (42, "42"),
        ((7, "de"), '[7, "de"]'),
        (uuid.UUID("550e8400-e29b-41d4-a716-446655440000"), "550e8400-e29b-41d4-a716-446655440000"),
        ("7:42", "7:42"),
    ],
)
def test_a_user_is_found_whatever_kind_the_loaders_ids_are(stored: Any, typed: str) -> None:
    app = app_of()
    app.login_manager.user_loader({stored: USERS["42"]}.get)  # type: ignore[attr-defined]
    for command in (["doctor", "--fail-level", "never"], ["explain", "/"]):
        result = app.test_cli_runner().invoke(args=["livechat", *command, "--as", typed])
        assert result.exit_code == 0, result.output


def test_a_loader_that_raises_for_text_is_asked_with_a_number() -> None:
    app = app_of()
    users = {42: USERS["42"]}
    app.login_manager.user_loader(lambda number: users[number])  # type: ignore[attr-defined]
    assert run(app, "--as", "42", "--fail-level", "never").exit_code == 0
    result = run(app, "--as", "43")
    assert result.exit_code == 2
    assert "the user_loader does not accept '43' (KeyError)" in result.output


@pytest.mark.parametrize("path", ["/admin/logout", "/shop/basket/sign-out", "/de/logout", "/customer/session/logoff"])
def test_a_way_out_of_a_part_of_the_site_is_taken(path: str) -> None:
    app = app_of()
    app.add_url_rule(path, path.strip("/").replace("/", "_"), lambda: "", methods=["POST"])
    assert f"POST {path}" in visited(app, user=USERS["42"])


@pytest.mark.parametrize("path", ["/delete/logout", "/reset/logout", "/users/ban/logout"])
def test_a_way_out_below_a_deed_is_not(path: str) -> None:
    app = app_of()
    app.add_url_rule(path, path.strip("/").replace("/", "_"), lambda: "", methods=["POST"])
    assert f"POST {path}" not in visited(app, user=USERS["42"])


@pytest.mark.parametrize("kind", ["application/xhtml+xml", "text/html"])
def test_a_page_that_begins_as_xml_is_read_without_a_warning(kind: str) -> None:
    """The parser would say that it is XML, which an error is here."""
    app = app_of(LIVECHAT_TOKEN_TTL=30 * 24 * 3600)
    source = '<?xml version="1.0"\n encoding="utf-8"?>\n<feed><entry>Hello</entry>{{ livechat() }}</feed>'
    app.add_url_rule("/feed", "feed", lambda: Response(render_template_string(source), content_type=kind))
    report = examine(app)
    assert "check itself" not in unseen(report)
    assert "/feed" not in unseen(report)


def test_what_is_skipped_has_to_be_there() -> None:
    app = app_of(login=False)
    assert run(app, "--skip", "nosuch").exit_code == 2
    assert run(app, "--skip", "ind*", "--fail-level", "never").exit_code == 0
    assert run(app, "--skip", "livechat", "--fail-level", "never").exit_code == 0


def test_a_route_whose_page_was_given_is_not_said_to_be_left_out() -> None:
    assert "take a value" not in unseen(examine(app_with_shop(), paths=["/shop/labels?size=2"]))


def test_a_page_out_of_a_cache_of_the_apps_own_has_its_tag() -> None:
    app = app_of(login=False)
    kept = app_of(login=False).test_client().get("/").text
    app.add_url_rule("/cached", "cached", lambda: kept)
    assert "LC206" not in codes(examine(app))


def test_a_page_that_leads_to_another_site_moves_nothing_else() -> None:
    app = app_of(login=False)
    hosts: set[str] = set()
    app.before_request(lambda: hosts.add(request.host))
    app.add_url_rule("/a", "a", lambda: redirect("https://marketing.example.com/a"))
    app.add_url_rule("/b", "b", lambda: PAGE)
    assert "GET /a: it leads to /a" in unseen(examine(app))
    assert [host for host in hosts if host != "localhost"] == ["marketing.example.com"]


@pytest.mark.parametrize("failure", ["raises", "hangs", "answers 503", "logs out"])
def test_visits_as_the_user_that_mostly_fail_are_a_finding(failure: str) -> None:
    app = app_of(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    for n in range(3):
        app.add_url_rule(f"/{n}", str(n), lambda: render_template_string("<body>{{ livechat() }}</body>"))

    @app.before_request
    def fail() -> None:
        if request.path == "/" or request.blueprint or session.get("_user_id") is None:
            return
        if failure == "raises":
            raise LookupError
        if failure == "hangs":
            time.sleep(0.5)
        if failure == "answers 503":
            abort(503)
        session.clear()

    limits = doctor.Limits(seconds=0.2 if failure == "hangs" else 5)
    (finding,) = [each for each in examine(app, user=USERS["42"], limits=limits).findings if each.check.code == "LC805"]
    assert "4 of 5 visits as the user failed, most often because: " in finding.what


def test_crisp_signs_emails_and_the_advice_says_so() -> None:
    app = app_of()
    app.extensions["livechat"].livechat.visitor_loader(lambda user: Visitor(id=user.id))
    (finding,) = [each for each in examine(app, user=USERS["42"]).findings if each.check.code == "LC301"]
    assert finding.fix.startswith("Crisp signs the email, and this user has none that may be sent")


def test_a_visitor_loader_that_names_nobody_is_not_said_to_lack_an_email() -> None:
    app = app_of()
    app.extensions["livechat"].livechat.visitor_loader(lambda user: None)
    (finding,) = [each for each in examine(app, user=USERS["42"]).findings if each.check.code == "LC301"]
    assert "Crisp" not in finding.fix


def test_without_flask_login_nobody_is_told_to_name_a_user() -> None:
    output = run(app_of(login=False)).output
    assert "--as USER_ID" not in output
    assert "Without Flask-Login they cannot be visited as a user" in output


@pytest.mark.parametrize(("status", "scanners"), [(404, True), (403, False)])
def test_only_pages_that_are_not_there_are_asked_for_by_scanners(status: int, scanners: bool) -> None:
    app = app_of(login=False)
    app.add_url_rule("/closed", "closed", lambda: abort(403))
    app.register_error_handler(status, lambda error: (render_template_string("<body>{{ livechat() }}</body>"), status))
    (finding,) = [each for each in examine(app).findings if each.check.code == "LC503"]
    assert "Scanners" not in finding.check.why
    assert ("scanners" in finding.what) is scanners


def test_a_script_that_is_not_answered_at_a_subdomain_is_named_with_its_host() -> None:
    app = app_of(login=False, SERVER_NAME="shop.test")
    page = "<body>{{ livechat() }}</body>"
    app.add_url_rule("/", "help", lambda: render_template_string(page), subdomain="help")

    @app.before_request
    def wall() -> None:
        if request.host == "help.shop.test" and request.blueprint == "livechat":
            abort(403)

    found = {each.what for each in examine(app).findings if each.check.code == "LC510"}
    assert "our script was answered 403 at help.shop.test" in found


def test_one_page_is_not_pages() -> None:
    app = app_of(login=False)
    assert "(looked at 2 pages, " in run(app).output
    assert "1 pages" not in run(app, "--skip", "index").output


# An app with a database.


class Base(DeclarativeBase):
    pass


class Role(Base):
    __tablename__ = "role"
    id: Mapped[int] = mapped_column(primary_key=True)


class Member(Base, UserMixin):  # type: ignore[misc]  # flask-login has no types
    __tablename__ = "member"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    visits: Mapped[int] = mapped_column(default=0)
    role_id: Mapped[int | None] = mapped_column(ForeignKey("role.id"))
    role: Mapped[Role | None] = relationship()

    def ping(self, database: Any) -> None:
        self.visits += 1
        database.add(self)


def app_with_database(path: Path) -> Flask:
    """Notes each visit on the user, and asks for the user's role in each page, error pages too."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 5})
    Base.metadata.create_all(engine)
    database = scoped_session(sessionmaker(engine), scopefunc=lambda: id(_cv_app.get(None)))
    with Session(engine) as setup:
        setup.add(Member(id=1, email="ada@example.com", role=Role(id=1)))
        setup.commit()
    app = app_of(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    app.login_manager.user_loader(lambda number: database.get(Member, int(number)))  # type: ignore[attr-defined]
    app.teardown_appcontext(lambda error: database.remove())
    app.before_request(lambda: current_user.ping(database) if current_user.is_authenticated else None)
    app.context_processor(lambda: {"role": getattr(current_user, "role", None)})
    app.errorhandler(500)(lambda error: (render_template_string("{{ role }}{{ livechat() }}"), 500))
    for n in range(3):
        app.add_url_rule(f"/{n}", str(n), lambda: render_template_string("<body>{{ role.id }}{{ livechat() }}</body>"))
    return app


def test_an_app_that_notes_visits_on_its_user_can_write_to_its_database_meanwhile(tmp_path: Path) -> None:
    app = app_with_database(tmp_path / "app.sqlite")
    with app.app_context():
        user = app.login_manager._user_callback("1")  # type: ignore[attr-defined]
        report = examine(app, user=user, limits=doctor.Limits(seconds=2))
        with sqlite3.connect(tmp_path / "app.sqlite", timeout=0.1) as other:
            other.execute("UPDATE member SET visits = visits")
        assert not object_session(user).dirty
    assert "(logged in)" not in unseen(report)


def test_the_command_holds_nothing_of_the_database_while_it_visits(tmp_path: Path) -> None:
    """A loader that writes, and does not commit: the command's own session would keep the lock."""
    app = app_with_database(tmp_path / "app.sqlite")
    load = app.login_manager._user_callback  # type: ignore[attr-defined]

    def load_and_note(number: str) -> Any:
        user = load(number)
        user.visits += 1
        object_session(user).flush()
        return user

    app.login_manager.user_loader(load_and_note)  # type: ignore[attr-defined]
    output = run(app, "--as", "1", "--seconds", "2").output
    assert "took longer" not in output
    assert "(logged in)" not in output


def test_somebody_else_gets_the_users_methods_and_keeps_what_they_set() -> None:
    class User:
        id, seen = 7, 0

        def ping(self) -> int:
            self.seen += 1
            return self.id

    user = User()
    other = SomebodyElse(lambda: user, number=True)
    assert (other.ping(), other.seen, user.seen) == (-1, 1, 0)


def test_a_page_left_behind_stays_silent_after_the_report() -> None:
    app = app_of(login=False)
    mails: list[str] = []
    done = threading.Event()

    def late() -> str:
        time.sleep(0.5)
        app.logger.error("late")
        done.set()
        return PAGE

    handler = logging.Handler()
    handler.emit = lambda record: mails.append(record.getMessage())  # type: ignore[method-assign]
    app.logger.addHandler(handler)
    app.add_url_rule("/late", "late", late)
    try:
        examine(app, limits=doctor.Limits(seconds=0.1))
        assert done.wait(5)
        app.logger.error("of the app's own")
    finally:
        app.logger.removeHandler(handler)
    assert mails == ["of the app's own"]

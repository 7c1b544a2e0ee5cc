"""``flask livechat doctor`` as it is used: what it prints, how it exits, and what it does to an app in pieces."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask, Response, abort, request, session
from jinja2 import DictLoader, FunctionLoader

from flask_livechat import doctor
from flask_livechat.doctor import Level, Report
from flask_livechat.doctor.findings import CHECKS

from ..conftest import CRISP_SECRET, USERS, create_app

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
    for path in ("/delete-account", "/export", "/cron/nightly", "/newsletter/unsubscribe", "/admin/run-now"):
        app.add_url_rule(path, path, lambda: PAGE)
    app.add_url_rule("/orders", "orders", lambda: PAGE, methods=["POST", "DELETE"])
    app.add_url_rule("/about", "about", lambda: PAGE)
    assert {path for path in visited(app) if "doctor-asks" not in path} == {"GET /", "GET /about"}


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
    assert "1 routes that take a value (/shop/<slug>): give addresses of theirs with --path" in unseen(report)
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
    (folder / "email_welcome.html").write_text("\n{{ livechat() }}")
    report = examine(app)
    assert "logo.html: cannot be read (UnicodeDecodeError)" in unseen(report)
    assert "broken.html: is no valid template (line 1)" in unseen(report)
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
    assert "binary.js: cannot be read" in unseen(report)


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
    assert codes(examine(create_app(None), deploy=True)) == {"LC802"}

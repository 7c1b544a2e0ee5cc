"""Browsers' reports about the policy: whose they are, what line to add, and what garbage does."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from flask_livechat import providers
from flask_livechat.widget.csp_reports import FILE, LONGEST, UNKNOWN, Violation, attributed, read

from .conftest import ALL_IDS, IDS, VENDORS, create_app

CRISP = {"crisp": {"WEBSITE_ID": "42286ab3-b29a-4fde-8538-da0ae501d825"}}
NEW_HOSTS = {"tawk": "new.tawk.to", "crisp": "client2.crisp.chat", "intercom": "new.intercomcdn.com"}


def by_uri(directive: str, blocked: str, **more: str) -> dict[str, Any]:
    return {"csp-report": {"effective-directive": directive, "blocked-uri": blocked, **more}}


def by_group(directive: str, blocked: str, **more: str) -> dict[str, Any]:
    return {"type": "csp-violation", "body": {"effectiveDirective": directive, "blockedURL": blocked, **more}}


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return in_folder(tmp_path)


def in_folder(folder: Path, **config: Any) -> Flask:
    app = create_app("crisp", **{**ALL_IDS, **config})
    state = app.extensions["livechat"]
    state.reports.folder = folder
    return app


def send(app: Flask, said: Any, content_type: str = "application/csp-report", **options: Any) -> int:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return app.test_client().post("/livechat/csp-reports", data=body, content_type=content_type, **options).status_code


def test_a_report_becomes_the_line_to_add(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    assert send(app, by_uri("img-src", "https://image.crisp.chat/avatar/1/?secret=1")) == 204
    assert "the policy blocks a picture of Crisp: add img-src https://image.crisp.chat." in caplog.text
    assert "secret" not in caplog.text


def test_the_newer_form_says_the_same(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    said = [by_group("script-src-elem", "https://client.crisp.chat/l.js"), {"type": "deprecation", "body": {}}]
    assert send(app, said, "application/reports+json") == 204
    assert "add script-src https://client.crisp.chat." in caplog.text


def test_the_same_is_said_once(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        send(app, by_uri("img-src", "https://image.crisp.chat/1"))
    assert caplog.text.count("add img-src") == 1


def test_another_process_does_not_say_it_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        send(in_folder(tmp_path), by_uri("img-src", "https://image.crisp.chat/1"))
    assert caplog.text.count("add img-src") == 1


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendors_new_host_is_noticed(app: Flask, vendor: str, caplog: pytest.LogCaptureFixture) -> None:
    send(app, by_uri("connect-src", f"https://{NEW_HOSTS[vendor]}/socket"))
    assert f"of {providers.load(vendor).title}: add connect-src https://{NEW_HOSTS[vendor]}" in caplog.text
    assert ("not in our list" in caplog.text) is (vendor != "tawk")  # whose list has a wildcard


def test_an_inline_style_is_whose_script_asked_for_it(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    asked = {"source-file": "https://client.crisp.chat/static/client.js"}
    assert send(app, by_uri("style-src-attr", "inline", **asked)) == 204
    assert "styles of Crisp: add style-src 'unsafe-inline'." in caplog.text


@pytest.mark.parametrize(
    ("directive", "blocked"),
    [
        ("img-src", "https://example.com/1.png"),
        ("img-src", "https://evilcrisp.chat/1.png"),
        ("img-src", "https://image.crisp.chat.example.com/1.png"),
        ("img-src", "http://image.crisp.chat/1.png"),
        ("img-src", "https://[::1"),
        ("img-src\nINFO forged", "https://image.crisp.chat/"),
        ("style-src", "inline"),
        ("img-src", "https://image.crisp.chat:8443/"),
        ("default-src", "https://image.crisp.chat/"),
        ("", ""),
    ],
)
def test_what_is_no_vendors_is_nobodys(directive: str, blocked: str) -> None:
    assert attributed(directive, blocked, "", CRISP) is None


@pytest.mark.parametrize("asked_by", ["https://shop.example.com/static/app.js", ""])
@pytest.mark.parametrize(
    ("directive", "blocked"),
    [
        ("style-src-attr", "inline"),
        ("img-src", "data"),
        ("script-src-elem", "https://cdn.jsdelivr.net/npm/evil.js"),
        ("img-src", "https://s3.amazonaws.com/bucket/1.png"),
    ],
)
def test_what_the_sites_own_scripts_ask_for_is_not_the_vendors(directive: str, blocked: str, asked_by: str) -> None:
    both = {"tawk": {"PROPERTY_ID": "1", "WIDGET_ID": "1"}, **CRISP}
    assert attributed(directive, blocked, asked_by, both) is None


@pytest.mark.parametrize("blocked", ["inline", "eval"])
def test_nobody_is_told_to_allow_inline_scripts(blocked: str) -> None:
    assert attributed("script-src", blocked, "https://client.crisp.chat/l.js", CRISP) is None


def test_a_shared_host_is_the_vendors_where_its_script_asked() -> None:
    tawk = {"tawk": {"PROPERTY_ID": "1", "WIDGET_ID": "1"}}
    found = attributed("script-src", "https://cdn.jsdelivr.net/emojione.js", "https://embed.tawk.to/x/y", tawk)
    assert found == Violation("tawk", "script-src", "https://cdn.jsdelivr.net", True)


def test_a_vendor_that_is_not_configured_is_nobody() -> None:
    assert attributed("script-src", "https://embed.tawk.to/x", "", CRISP) is None


@pytest.mark.parametrize(
    ("said", "status"),
    [(b"", 413), (b"garbage", 400), (b"\xff\xfe", 400), ([1, 2], 400), ("text", 400), ([], 204), ({}, 204),
     ({"csp-report": [1]}, 204), (by_uri("img-src", "x" * 5000), 204), (b"[" * 50_000, 400),
     (b" " * (LONGEST + 1), 413)],
)  # fmt: skip
def test_garbage_gets_its_status_and_leaves_nothing(app: Flask, tmp_path: Path, said: Any, status: int) -> None:
    assert send(app, said) == status
    assert list(tmp_path.iterdir()) == []


def test_another_content_type_is_refused(app: Flask) -> None:
    assert send(app, by_uri("img-src", "https://image.crisp.chat/"), "text/plain") == 415


def test_a_flood_is_refused(app: Flask) -> None:
    statuses = [send(app, by_uri("img-src", "https://image.crisp.chat/")) for _ in range(80)]
    assert statuses.count(204) <= 60 * 2  # the minute may have turned
    assert statuses[-1] in (204, 429)
    assert 429 in statuses


def test_invented_hosts_fill_no_disk(app: Flask, tmp_path: Path) -> None:
    for n in range(20):
        send(app, [by_group("img-src", f"https://x{n}-{m}.crisp.chat/") for m in range(100)], "application/json")
    assert len((tmp_path / FILE).read_text().splitlines()) == UNKNOWN


def test_invented_hosts_silence_neither_what_we_know_nor_the_next_day(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    send(app, [by_group("img-src", f"https://x{n}.crisp.chat/") for n in range(100)], "application/json")
    send(app, by_uri("img-src", "https://image.crisp.chat/1"))
    send(app, by_uri("connect-src", "https://new.crisp.chat/"))
    assert "add img-src https://image.crisp.chat." in caplog.text
    assert "https://new.crisp.chat" not in caplog.text
    app.extensions["livechat"].reports.today = lambda: date.today() + timedelta(days=1)
    send(app, by_uri("connect-src", "https://new.crisp.chat/"))
    assert "add connect-src https://new.crisp.chat" in caplog.text


def test_reports_of_the_wrong_kind_use_up_nothing(app: Flask) -> None:
    for _ in range(100):
        send(app, by_uri("img-src", "https://image.crisp.chat/"), "text/plain")
    assert send(app, by_uri("img-src", "https://image.crisp.chat/")) == 204


def test_without_an_instance_folder_it_is_logged_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = in_folder(tmp_path / "missing")
    for _ in range(2):
        assert send(app, by_uri("img-src", "https://image.crisp.chat/1")) == 204
    assert caplog.text.count("add img-src") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("exists", [False, True])
def test_the_file_is_its_owners_alone(app: Flask, tmp_path: Path, exists: bool) -> None:
    if exists:
        (tmp_path / FILE).touch(mode=0o644)
    send(app, by_uri("img-src", "https://image.crisp.chat/1"))
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    assert send(in_folder(tmp_path, LIVECHAT_CSP_REPORTS=False), by_uri("img-src", "https://image.crisp.chat/")) == 404


def test_the_command_lists_them(app: Flask, tmp_path: Path) -> None:
    send(app, by_uri("img-src", "https://image.crisp.chat/1"))
    with (tmp_path / FILE).open("a") as file:
        file.write('garbage\n{"provider": 1}\n')
    result = app.test_cli_runner().invoke(args=["livechat", "csp", "--reports"])
    assert result.output == "the policy blocks a picture of Crisp: add img-src https://image.crisp.chat\n"


def test_the_command_says_how_to_get_some(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["livechat", "csp", "--reports"])
    assert "report-uri /livechat/csp-reports" in result.output


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["csp-report", "body", "blocked-uri", "x"]), inner),
)


@given(json_values)
def test_whatever_json_comes_is_read_or_refused(said: Any) -> None:
    try:
        found = read(json.dumps(said).encode(), CRISP)
    except ValueError:
        return
    assert all(isinstance(one, Violation) for one in found)


@given(st.text(), st.text(), st.text())
def test_whatever_it_says_a_line_stays_one_line(directive: str, blocked: str, asked: str) -> None:
    for host in (blocked, f"https://{blocked}.crisp.chat/", f"wss://client.crisp.chat:{blocked}"):
        found = attributed(directive, host, asked, CRISP) or attributed("img-src", host, asked, CRISP)
        assert found is None or (str(found).isprintable() and " " not in found.source)


def test_every_vendor_has_its_domains() -> None:
    assert set(IDS) == set(NEW_HOSTS)

"""The sandbox keeps its conversations over a restart, and answers names of this machine alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_livechat import LiveChat
from flask_livechat.sandbox import create_blueprint, keeping, sandbox_of
from flask_livechat.sandbox.hub import Hub
from flask_livechat.sandbox.keeping import FILE

from .test_sandbox import VENDORS, WEBSITE, Sandbox
from .webhooks.conftest import until


@pytest.fixture(autouse=True)
def _changes_are_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "DELAY_S", 0.02)


def start(folder: Path, **config: Any) -> Flask:
    """A process of the developer's app, as the reloader starts one after the other."""
    app = Flask("shop", instance_path=str(folder))
    app.config.update(LIVECHAT_PROVIDER="crisp", LIVECHAT_SANDBOX=True, DEBUG=True, **config)
    LiveChat(app)
    return app


def saved(folder: Path) -> str:
    return (folder / FILE).read_text("utf-8") if (folder / FILE).exists() else ""


def talk(folder: Path) -> tuple[Flask, str]:
    """An app in which a visitor has written, and an agent has answered."""
    app = start(folder)
    sandbox = Sandbox(app.test_client())
    key = sandbox.open("crisp", token="a-token")["session"]
    sandbox.act("crisp", "identify", key, email="ada@example.com")
    sandbox.act("crisp", "attributes", key, attributes={"plan": "gold", "seats": 3})
    sandbox.act("crisp", "tags", key, tags=["vip"])
    sandbox.act("crisp", "event", key, name="ordered", data={"n": 1})
    sandbox.act("crisp", "message", key, text="Hello \N{ROCKET}")
    sandbox.post("desk/reply", {"session": key, "text": "How can I help?"})
    until(lambda: "How can I help?" in saved(folder))
    return app, key


def test_conversations_outlive_a_restart(tmp_path: Path) -> None:
    before, key = talk(tmp_path)
    old, new = Sandbox(before.test_client()), Sandbox(start(tmp_path).test_client())
    assert new.desk(key)["detail"] == old.desk(key)["detail"]
    assert [one["text"] for one in new.desk(key)["detail"]["messages"]] == ["Hello \N{ROCKET}", "How can I help?"]
    assert new.open("crisp", token="a-token")["session"] == key
    revision = new.desk()["revision"]
    assert new.act("crisp", "message", key, text="More").status_code == 200
    assert new.desk()["revision"] > revision >= old.desk()["revision"]


def test_the_file_is_the_developers_alone(tmp_path: Path) -> None:
    talk(tmp_path)
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.glob("livechat-sandbox*")] == [FILE]


def test_a_reset_reaches_the_app_that_runs(tmp_path: Path) -> None:
    app, key = talk(tmp_path)
    runner = start(tmp_path).test_cli_runner()
    assert FILE in runner.invoke(args=["livechat", "sandbox"]).output
    assert runner.invoke(args=["livechat", "sandbox", "--reset"]).exit_code == 0
    assert Sandbox(app.test_client()).desk(key)["sessions"] == []
    assert Sandbox(start(tmp_path).test_client()).desk()["sessions"] == []
    again = Sandbox(app.test_client()).open("crisp")["session"]
    until(lambda: again in saved(tmp_path))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"revision": 1}',
        '{"revision": 1, "names": 5, "sessions": []}',
        '{"revision": 1, "names": [], "sessions": [{"vendor": "crisp", "key": "k"}]}',
        "[" * 100_000,
        "\x00",
    ],
)
def test_a_file_that_cannot_be_read_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, "utf-8")
    sandbox = Sandbox(start(tmp_path).test_client())
    assert sandbox.desk()["sessions"] == []
    key = sandbox.open("crisp")["session"]
    until(lambda: key in saved(tmp_path))


def test_a_suite_neither_finds_nor_leaves_conversations(tmp_path: Path) -> None:
    talk(tmp_path)
    before = saved(tmp_path)
    app = start(tmp_path)
    app.testing = True  # said after LiveChat(app)
    assert Sandbox(app.test_client()).desk()["sessions"] == []
    Sandbox(app.test_client()).open("crisp")
    assert sandbox_of(app).file is None
    assert saved(tmp_path) == before


def test_a_folder_that_cannot_be_written_to_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    app = start(tmp_path / "file" / "instance")
    assert Sandbox(app.test_client()).open("crisp")["session"]
    sandbox_of(app).file.write()


def test_the_file_has_a_bound_and_the_newest_sessions() -> None:
    hub = Hub()
    keys = [hub.create("crisp") for _ in range(50)]
    for key in keys:
        hub.say(key, "visitor", "x" * 5000)
    text = hub.dump(100_000)
    assert len(text) < 110_000
    assert [row["key"] for row in json.loads(text)["sessions"]] == keys[-len(json.loads(text)["sessions"]) :]
    other = Hub()
    other.load(text, ["crisp"])
    assert [one.key for one in other.sessions("crisp")] == [row["key"] for row in json.loads(text)["sessions"]]
    nobodys = Hub()
    nobodys.load(text, ["tawk"])
    assert nobodys.sessions("crisp") == []


# -- whose names -------------------------------------------------------------------------------------------------------


def status(host: str, app: Flask | None = None) -> list[int]:
    """Of the desk's page, what it shows, a vendor's API and its script."""
    if app is None:
        app = Flask("shop")
        app.register_blueprint(create_blueprint(VENDORS), url_prefix="/livechat/sandbox")
    client = app.test_client()
    paths = ("", "desk/state", "rest/crisp/v1/website/x", "crisp.js")
    found = [client.get(f"/livechat/sandbox/{path}", headers={"Host": host}).status_code for path in paths]
    json_body = {"account": WEBSITE}
    return [
        *found,
        client.post("/livechat/sandbox/api/crisp/session", json=json_body, headers={"Host": host}).status_code,
    ]


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:5000",
        "app.localhost:8000",
        "127.0.0.1:5000",
        "[::1]:5000",
        "192.168.1.5",
        "web:5000",
        "www.site.test",
        "host.docker.internal:5000",
    ],
)
def test_the_sandbox_answers_names_of_this_machine(host: str) -> None:
    assert 403 not in status(host)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:5000", "localhost.evil.example", "127.0.0.1.nip.io", "xlocalhost.com"]
)
def test_the_sandbox_answers_no_other_name(host: str) -> None:
    """A web site whose name leads to this machine (DNS rebinding) reads nothing."""
    assert status(host) == [403] * 5


@pytest.mark.parametrize(
    ("config", "host"),
    [
        ({"SERVER_NAME": "shop.example"}, "shop.example"),
        ({"SERVER_NAME": "shop.example"}, "help.shop.example"),
        ({"TRUSTED_HOSTS": ["staging.example"]}, "staging.example:8443"),
        ({"TRUSTED_HOSTS": [".staging.example"]}, "a.staging.example"),
    ],
)
def test_the_sandbox_answers_the_apps_own_names(config: dict[str, Any], host: str) -> None:
    app = Flask("shop")
    app.config.update(config)
    app.register_blueprint(create_blueprint(VENDORS), url_prefix="/livechat/sandbox")
    assert 403 not in status(host, app)


def test_a_refusal_says_what_to_do() -> None:
    app = Flask("shop")
    app.register_blueprint(create_blueprint(VENDORS), url_prefix="/livechat/sandbox")
    answer = app.test_client().get("/livechat/sandbox/", headers={"Host": "staging.example"})
    assert "TRUSTED_HOSTS" in answer.get_json()["what"]

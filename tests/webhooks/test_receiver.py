"""``POST /livechat/webhooks/<provider>`` as a vendor meets it."""

from __future__ import annotations

import json
import logging
import re
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, g, request
from flask_wtf import CSRFProtect

from flask_livechat import ConfigError, LiveChat, Visitor, signals
from flask_livechat.desk.webhooks import MAX_BODY_BYTES
from flask_livechat.model import Event

from ..conftest import chat_of, create_app
from .test_vendor_webhooks import CRISP_1, IDS, INTERCOM_2, KEY, TAWK_1, signature

BODIES = {"tawk": TAWK_1, "crisp": CRISP_1, "intercom": INTERCOM_2}
every_vendor = pytest.mark.parametrize("name", list(BODIES))
Make = Callable[..., Flask]


@pytest.fixture
def make(database: Callable[..., str]) -> Make:
    def app_of(name: str, **config: Any) -> Flask:
        keys = {f"LIVECHAT_{name.upper()}_{key}": value for key, value in {**IDS[name], KEY[name]: "secret"}.items()}
        url = database("sqlite", "migrated")
        return create_app(name, **{"secrets": False, "LIVECHAT_DATABASE_URL": url, **keys, **config})

    return app_of


def send(app: Flask, name: str, body: bytes | None = None, **options: Any) -> int:
    body = BODIES[name] if body is None else body
    headers = options.pop("headers", None) or signature(name, "secret", body)
    return app.test_client().post(f"/livechat/webhooks/{name}", data=body, headers=headers, **options).status_code


def stored(app: Flask) -> list[Event]:
    with app.app_context():
        return [queued.event for queued, _, _ in chat_of(app).store.scan()]


@every_vendor
def test_what_is_signed_is_stored_and_answered_200(make: Make, name: str) -> None:
    app = make(name)
    assert send(app, name) == 200
    assert [item.provider for item in stored(app)] == [name] * len(stored(app))


@every_vendor
def test_what_comes_again_is_answered_200_and_stored_once(make: Make, name: str) -> None:
    app = make(name)
    assert [send(app, name) for _ in range(3)] == [200] * 3
    assert len({item.id for item in stored(app)}) == len(stored(app))


@every_vendor
def test_what_is_not_signed_is_refused_and_not_stored(make: Make, name: str) -> None:
    app = make(name)
    assert send(app, name, headers={"X-Nothing": "x"}) == 401
    assert send(app, name, headers=signature(name, "another", BODIES[name])) == 401
    assert stored(app) == []


@every_vendor
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"{", b"\xff\xfe", b'{"event":1}', b"[" * 50_000])
def test_what_is_signed_and_not_the_vendors_shape_is_refused(make: Make, name: str, body: bytes) -> None:
    app = make(name)
    assert send(app, name, body) == 400
    assert stored(app) == []


def test_a_number_beyond_all_numbers_is_not_the_vendors_shape(make: Make) -> None:
    app = make("crisp")
    assert send(app, "crisp", CRISP_1.replace(b":1506985696616}", b":1" + b"0" * 400 + b"}")) == 400
    assert stored(app) == []


@every_vendor
def test_what_is_too_large_is_refused_before_anything_is_made_of_it(make: Make, name: str) -> None:
    app = make(name)
    assert send(app, name, b"x" * (MAX_BODY_BYTES + 1), headers={"X-Nothing": "x"}) == 413


@every_vendor
def test_a_head_is_answered_and_a_get_is_not(make: Make, name: str) -> None:
    client = make(name).test_client()
    assert client.head(f"/livechat/webhooks/{name}").status_code == 200
    assert client.get(f"/livechat/webhooks/{name}").status_code == 405


def test_a_provider_without_a_secret_has_no_webhooks(make: Make) -> None:
    app = make("crisp")
    assert send(app, "tawk") == 404
    assert app.test_client().head("/livechat/webhooks/tawk").status_code == 404
    bare = create_app("crisp", secrets=False, LIVECHAT_CRISP_WEBSITE_ID=IDS["crisp"]["WEBSITE_ID"])
    assert send(bare, "crisp") == 404


def test_what_is_another_accounts_is_answered_200_and_not_stored(make: Make) -> None:
    app = make("crisp")
    body = json.dumps(json.loads(CRISP_1) | {"website_id": "another"}).encode()
    assert send(app, "crisp", body) == 200
    assert stored(app) == []


def test_when_the_database_is_down_the_vendor_is_to_try_again(make: Make) -> None:
    app = make("crisp")
    app.testing, app.config["PROPAGATE_EXCEPTIONS"] = False, False
    with app.app_context(), chat_of(app).store.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE livechat_events"))
    assert send(app, "crisp") == 500


@pytest.mark.parametrize(("age", "status"), [(0, 200), (250, 200), (400, 401), (-400, 401)])
def test_what_is_too_old_is_refused_where_that_is_asked_for(make: Make, age: int, status: int) -> None:
    app = make("crisp", LIVECHAT_WEBHOOK_TOLERANCE=300)
    stamp = str(int((datetime.now(UTC) - timedelta(seconds=age)).timestamp() * 1000))
    assert send(app, "crisp", headers=signature("crisp", "secret", CRISP_1, stamp)) == status


def test_a_website_hook_of_crisps_has_its_key_in_the_address(make: Make) -> None:
    app = make("crisp", LIVECHAT_CRISP_WEBHOOK_KEY="the-key")
    client = app.test_client()
    assert client.post("/livechat/webhooks/crisp?key=the-key", data=CRISP_1).status_code == 200
    assert client.post("/livechat/webhooks/crisp?key=another", data=CRISP_1).status_code == 401
    assert len(stored(app)) == 1


def test_protection_against_csrf_stands_in_nobodys_way_and_is_off_for_nothing_else(tmp_path: Path) -> None:
    app = Flask("protected")
    app.config.update(SECRET_KEY="x", LIVECHAT_PROVIDER="crisp", LIVECHAT_CRISP_WEBSITE_ID=IDS["crisp"]["WEBSITE_ID"])
    app.config.update(
        LIVECHAT_CRISP_WEBHOOK_SECRET="secret", LIVECHAT_DATABASE_URL=f"sqlite:///{tmp_path / 'e.sqlite3'}"
    )
    LiveChat(app)
    CSRFProtect(app)
    app.add_url_rule("/other", "other", lambda: "ok", methods=["POST"])
    with app.app_context():
        chat_of(app).store.upgrade()
    assert send(app, "crisp") == 200
    assert app.test_client().post("/other").status_code == 400


def test_refusals_are_logged_without_flooding_the_log(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    app = make("crisp")
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            send(app, "crisp", headers={"X-Crisp-Signature": "wrong"})
    lines = [record.getMessage() for record in caplog.records if "webhook" in record.getMessage()]
    text = "livechat: a webhook of crisp was answered 401, not signed, or too old"
    assert lines == [f"{text} ({n} so far)." for n in range(1, 11)]


def test_each_refusal_is_counted_by_its_kind(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    app = make("crisp")
    send(app, "crisp", b"{}")
    send(app, "crisp", headers={"X-Nothing": "x"})
    send(app, "crisp", b"x" * (MAX_BODY_BYTES + 1))
    send(app, "crisp", b"{}")
    texts = [record.getMessage().partition("was answered ")[2] for record in caplog.records]
    assert [line[:3] + line[-11:] for line in texts] == [
        "400(1 so far).",
        "401(1 so far).",
        "413(1 so far).",
        "400(2 so far).",
    ]


def test_an_odd_field_is_left_out_and_said(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    app = make("tawk")
    for text in (b'["hello"]', b"7"):
        assert send(app, "tawk", TAWK_1.replace(b'"hello"', text)) == 200
    assert [item.text for item in stored(app)] == [None]
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [f"livechat: fields of a webhook of tawk are left out: text ({n} so far)." for n in (1, 2)]


@pytest.mark.parametrize(("depth", "status"), [(63, 200), (64, 400), (900, 400), (100_000, 400)])
def test_what_is_nested_beyond_64_is_refused(make: Make, depth: int, status: int) -> None:
    app = make("tawk")
    assert send(app, "tawk", TAWK_1.replace(b'"riga"', b"[" * (depth - 1) + b"]" * (depth - 1))) == status


def test_by_default_events_are_kept_in_the_instance_folder(tmp_path: Path) -> None:
    app = Flask("plain", instance_path=str(tmp_path / "instance"))
    app.config.update(SECRET_KEY="x", LIVECHAT_PROVIDER="crisp", LIVECHAT_CRISP_WEBSITE_ID=IDS["crisp"]["WEBSITE_ID"])
    app.config.update(LIVECHAT_CRISP_WEBHOOK_SECRET="secret", TESTING=True)
    LiveChat(app)
    assert send(app, "crisp") == 200
    assert (tmp_path / "instance" / "livechat.sqlite3").is_file()


@pytest.mark.parametrize("url", ["mysql://x/y", 5, "", "events.db"])
def test_another_database_is_refused_without_its_password(url: Any) -> None:
    with pytest.raises(ConfigError, match="LIVECHAT_DATABASE_URL: this is not a valid value"):
        create_app("crisp", LIVECHAT_DATABASE_URL=url)


# -- handlers ----------------------------------------------------------------------------------------------------------


def test_handlers_and_signals_hear_of_events_when_the_work_is_done(make: Make) -> None:
    app = make("crisp")
    heard: list[tuple[str, str | None]] = []

    @chat_of(app).on("message")
    def handle(event: Event) -> None:
        heard.append(("handler", event.text))

    def receive(sender: Flask, event: Event) -> None:
        heard.append(("signal", event.text))

    with signals.message.connected_to(receive, app):
        send(app, "crisp")
        assert heard == []
        result = app.test_cli_runner().invoke(args=["livechat", "work", "--once"])
    assert result.output == "1 handled.\n"
    assert heard == [("handler", "Hey :)"), ("signal", "Hey :)")]


def test_a_kind_that_there_is_not_has_no_handlers(make: Make) -> None:
    with pytest.raises(ValueError, match="'messages' is not a kind of event; the kinds are conversation_started"):
        chat_of(make("crisp")).on("messages")


def test_what_failed_is_listed_and_replayed(make: Make) -> None:
    app = make("crisp")
    seen: list[Event] = []
    chat_of(app).on("message")(seen.append)
    send(app, "crisp")
    run = app.test_cli_runner().invoke
    assert "pending" in run(args=["livechat", "events"]).output
    run(args=["livechat", "work", "--once"])
    assert json.loads(run(args=["livechat", "events", "--json"]).output)["state"] == "done"
    assert run(args=["livechat", "events", "--failed"]).output == ""
    assert run(args=["livechat", "replay", "--since", "1d"]).output == "Events to handle again: 1.\n"
    run(args=["livechat", "work", "--once"])
    assert len(seen) == 2
    assert run(args=["livechat", "replay"]).exit_code == 2
    assert run(args=["livechat", "db", "upgrade"]).output == "The tables are up to date.\n"


# -- the documentation -------------------------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.rst").read_text("utf-8")


def test_the_payload_of_the_docs_is_one(make: Make) -> None:
    app = make("tawk", LIVECHAT_SANDBOX=True, LIVECHAT_TAWK_PROPERTY_ID=None)
    (block,) = re.findall(r"code-block:: text\n\n((?:   .*\n)+)", PAGE[PAGE.index("chat.json") :])
    assert send(app, "tawk", block.encode()) == 200
    assert [(item.kind, item.text) for item in stored(app)] == [("conversation_started", "Hello?")]


COMMANDS = [line.strip()[2:] for line in PAGE.splitlines() if line.strip().startswith("$ flask ")]
COMMANDS = [command for command in COMMANDS if " import " not in command]  # which asks a vendor: test_importing.py


@pytest.mark.parametrize("command", COMMANDS)
def test_the_pages_commands_run(make: Make, command: str) -> None:
    app = make("crisp")
    send(app, "crisp")
    arguments = command.split()[1:] + (["--once"] if command.endswith("work") else [])
    result = app.test_cli_runner().invoke(args=arguments)
    assert result.exit_code == 0, result.output


def test_the_pages_code_runs() -> None:
    """A message that asks for a refund is tagged."""
    app = create_app("crisp", secrets=False, LIVECHAT_SANDBOX=True, LIVECHAT_DATABASE_URL="sqlite://")
    livechat = chat_of(app)
    code = PAGE.partition(".. code-block:: python\n\n")[2].partition("\n\n.. code-block")[0]
    exec(textwrap.dedent(code), {"livechat": livechat})
    with app.app_context():
        desk = livechat.desk()
        made = desk.conversations.start(Visitor(id="1", email="a@example.com"), "A refund, please")
        livechat.handle(
            Event("crisp", "message", "1", datetime.now(UTC), made.id, author="visitor", text="A refund, please")
        )
        assert desk.conversations.get(made.id).tags == ("refund",)


def test_what_the_apps_own_hooks_have_read_is_verified_all_the_same(make: Make) -> None:
    app = make("crisp")
    app.before_request(lambda: request.get_json(silent=True) and None)
    assert send(app, "crisp") == 200
    assert len(stored(app)) == 1


def test_what_is_of_another_account_is_answered_200_and_said(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    app = make("crisp", LIVECHAT_CRISP_WEBSITE_ID="11111111-2222-3333-4444-555555555555")
    assert send(app, "crisp") == 200
    assert "a webhook of crisp was answered 200, nothing of this account's in it (1 so far)" in caplog.text
    assert stored(app) == []


def test_each_event_is_handled_in_an_app_context_of_its_own(make: Make) -> None:
    app, seen, over = make("crisp"), list[Any](), list[Any]()
    app.teardown_appcontext(lambda error: over.append(g.get("event")))

    @chat_of(app).on("message")
    def handle(event: Event) -> None:
        seen.append(g.get("event"))
        g.event = event.id

    with app.app_context():
        for n in range(3):
            chat_of(app).handle(Event("crisp", "message", str(n), datetime.now(UTC)))
    assert seen == [None] * 3
    assert over == ["0", "1", "2", None]

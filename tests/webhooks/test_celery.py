"""Handlers run by Celery: a real Redis, real workers, and everything that goes wrong between them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from flask import Flask
from werkzeug.serving import make_server

from flask_livechat import ConfigError, LiveChat, settings
from flask_livechat.desk import celery_tasks
from flask_livechat.desk.celery_tasks import MAX_DELAY, NAME
from flask_livechat.desk.store import BATCH_EVENTS
from flask_livechat.model import Event
from flask_livechat.sandbox import sandbox_of

from ..conftest import Quiet, chat_of
from .celery_site import create_app, create_celery, handled
from .conftest import KINDS, Broker, until
from .crash_site import SECRET, WEBSITE
from .test_vendor_webhooks import signature

Make = Callable[..., Flask]


@pytest.fixture
def make(database: Callable[[str], str], tmp_path: Path) -> Make:
    """``make(broker's URL)``: the site with an empty database."""

    def app_of(url: str, kind: str = "sqlite", **config: Any) -> Flask:
        given = {"LIVECHAT_DATABASE_URL": database(kind), "HANDLED": str(tmp_path / "handled"), **config}
        app = create_app(CELERY={"broker_url": url}, **given)
        with app.app_context():
            chat_of(app).store.upgrade()
        return app

    return app_of


def send(app: Flask, text: str, number: int = 1) -> int:
    """A message to the receiver."""
    data = {"session_id": "s", "type": "text", "content": text, "from": "user", "fingerprint": number}
    whole = {"website_id": WEBSITE, "event": "message:send", "data": data, "timestamp": 1790000000000}
    body = json.dumps(whole).encode()
    headers = signature("crisp", SECRET, body)
    return app.test_client().post("/livechat/webhooks/crisp", data=body, headers=headers).status_code


def states(app: Flask) -> list[str]:
    with app.app_context():
        return [state for _, state, _ in chat_of(app).store.scan()]


def calls(app: Flask) -> list[str]:
    return sorted(event for _, event in handled(Path(app.config["HANDLED"])))


@contextmanager
def worker(app: Flask, *options: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Celery's own command, killed at the end."""
    given = {
        "FLASK_CELERY": json.dumps(app.config["CELERY"]),
        "FLASK_LIVECHAT_DATABASE_URL": app.config["LIVECHAT_DATABASE_URL"],
        "FLASK_HANDLED": app.config["HANDLED"],
    }
    command = [sys.executable, "-m", "celery", "-A", "tests.webhooks.make_celery", "worker", "--loglevel", "warning"]
    quick = ["--without-mingle", "--without-gossip", "--without-heartbeat"]
    every = {**os.environ, **given, **environment}
    with subprocess.Popen([*command, *quick, *options], env=every, start_new_session=True) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # and its children


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_told_is_handled_by_celery_and_tried_again_by_it(broker: Broker, make: Make, kind: str) -> None:
    app = make(broker.url, kind)
    assert [send(app, "ok", 1), send(app, "fail", 2)] == [200, 200]
    assert states(app) == ["pending", "pending"]
    with worker(app, "--pool", "solo") as process:
        until(lambda: states(app) == ["done", "done"])
        assert calls(app) == ["s:1", "s:2", "s:2"]
        assert {who for who, _ in handled(Path(app.config["HANDLED"]))} == {process.pid}


def test_what_a_killed_process_had_taken_is_handled_when_its_lease_is_over(broker: Broker, make: Make) -> None:
    app = make(broker.url)
    send(app, "die")
    with worker(app, "--concurrency", "1", LEASE="1"):
        until(lambda: states(app) == ["done"])
    assert calls(app) == ["s:1", "s:1"]


def test_a_worker_that_is_killed_leaves_its_events_to_the_next(broker: Broker, make: Make) -> None:
    app = make(broker.url)
    send(app, "die")
    with worker(app, "--pool", "solo", LEASE="1") as process:
        assert process.wait(30) == -signal.SIGKILL
    assert calls(app) == ["s:1"]
    until(lambda: app.test_cli_runner().invoke(args=["livechat", "work", "--once"]).output == "1 handled.\n")
    assert (states(app), calls(app)) == (["done"], ["s:1", "s:1"])


def test_tasks_at_once_handle_each_event_once(broker: Broker, make: Make) -> None:
    app = make(broker.url, "postgresql")
    for number in range(BATCH_EVENTS + 3):  # one more task's than a task takes
        send(app, "together", number)
    with worker(app, "--concurrency", "2"):
        until(lambda: set(states(app)) == {"done"})
    assert calls(app) == sorted(f"s:{number}" for number in range(BATCH_EVENTS + 3))


def test_on_the_sandbox_a_worker_finds_the_conversations_of_the_app(broker: Broker, make: Make) -> None:
    app = make(broker.url, LIVECHAT_SANDBOX=True, TESTING=True)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hub = sandbox_of(app).apis["crisp"].account.hub
    key = hub.create("crisp", "session_")
    hub.say(key, "visitor", "reply")
    app.config["CELERY"] |= {"livechat_sandbox_at": f"http://127.0.0.1:{server.port}"}  # what the worker is given
    try:
        with worker(app, "--pool", "solo", FLASK_DEBUG="1", FLASK_LIVECHAT_SANDBOX="true"):
            until(lambda: "By the worker" in [message.text for message in hub.look(key).messages])
    finally:
        server.shutdown()
        server.server_close()


# -- telling -----------------------------------------------------------------------------------------------------------


def test_only_what_is_new_is_told(broker: Broker, make: Make) -> None:
    app = make(broker.url)
    assert [send(app, "ok") for _ in range(3)] == [200] * 3
    assert broker.waiting() == 1
    send(app, "ok", 2)
    assert broker.waiting() == 2


def test_what_is_to_be_handled_again_is_told(broker: Broker, make: Make) -> None:
    app = make(broker.url)
    send(app, "ok")
    run = app.test_cli_runner().invoke
    run(args=["livechat", "work", "--once"])
    run(args=["livechat", "replay", "--since", "1d"])
    assert broker.waiting() == 2


def test_a_broker_that_is_down_delays_no_answer_and_loses_no_event(
    broker: Broker, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    app = make(broker.url)
    broker.stop()
    start = time.monotonic()
    assert [send(app, "ok", number) for number in range(3)] == [200] * 3
    assert time.monotonic() - start < 3
    lines = [record.getMessage() for record in caplog.records if record.name == app.name]
    assert set(lines) == {"livechat: events wait, because Celery could not be reached: OperationalError"}
    assert len(lines) < 3  # one a minute
    assert states(app) == ["pending"] * 3
    broker.start()
    send(app, "ok", 3)
    assert broker.waiting() == 1
    app.extensions["celery"].tasks[NAME]()
    assert states(app) == ["done"] * 4


def test_a_broker_that_does_not_answer_is_not_waited_for(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    assert celery_tasks.BROKER_OPTIONS["socket_timeout"] == celery_tasks.BROKER_TIMEOUT_S <= 1
    monkeypatch.setattr(celery_tasks, "BROKER_OPTIONS", {**celery_tasks.BROKER_OPTIONS, "socket_timeout": 0.1})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        app = make(f"redis://127.0.0.1:{silent.getsockname()[1]}")
        start = time.monotonic()
        assert send(app, "ok") == 200
        assert time.monotonic() - start < 2
    assert states(app) == ["pending"]


# -- the task ----------------------------------------------------------------------------------------------------------


def test_a_task_that_comes_too_early_sends_itself_again_and_no_later_than_brokers_wait(
    broker: Broker, make: Make
) -> None:
    import redis

    app = make(broker.url)
    with app.app_context():
        now = chat_of(app).now()
    moment = now + timedelta(hours=12)
    app.extensions["celery"].tasks[NAME](moment.isoformat())
    with redis.Redis(unix_socket_path=broker.url.removeprefix("redis+socket://")) as client:
        (message,) = [json.loads(item) for item in client.lrange("celery", 0, -1)]
    assert moment.isoformat() in message["headers"]["argsrepr"]
    assert timedelta() <= datetime.fromisoformat(message["headers"]["eta"]) - now - MAX_DELAY < timedelta(minutes=1)


def test_where_tasks_run_at_once_a_handler_that_fails_is_called_once(make: Make) -> None:
    """``task_always_eager``, as apps test with: nothing is sent, and nobody waits."""
    app = make("redis://127.0.0.1:1")
    app.extensions["celery"].conf.task_always_eager = True
    assert send(app, "fail") == 200
    assert (states(app), calls(app)) == (["pending"], ["s:1"])


def test_what_is_kept_too_long_is_erased_once_an_hour(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make("memory://", LIVECHAT_KEEP_DAYS=7)
    task, chat, start = app.extensions["celery"].tasks[NAME], chat_of(app), datetime.now(UTC)

    def left(number: int, minutes: int) -> int:
        """How many events there are after a task at that minute, an old one added."""
        monkeypatch.setattr(chat, "now", lambda: start + timedelta(minutes=minutes))
        with app.app_context():
            chat.store.add([Event("crisp", "message", f"s:{number}", start, "s")], start - timedelta(days=8))
        task()
        with app.app_context():  # of the last row of all there is a trace
            return sum(bool(queued.event.id) for queued, _, _ in chat.store.scan())

    assert [left(1, 0), left(2, 10), left(3, 61)] == [0, 1, 0]


@pytest.mark.parametrize("finalized", [False, True])
def test_the_app_may_make_its_celery_before_or_after(finalized: bool, tmp_path: Path) -> None:
    app = create_app(
        LIVECHAT_DATABASE_URL=f"sqlite:///{tmp_path / 'e'}", HANDLED="", CELERY={"broker_url": "memory://"}
    )
    assert NAME in app.extensions["celery"].tasks

    early = Flask("early")
    early.config.update({key: value for key, value in app.config.items() if key.startswith(("LIVECHAT", "CELERY"))})
    celery = create_celery(early)
    if finalized:
        celery.finalize()
    LiveChat(early)
    assert NAME in celery.tasks


def test_an_app_without_celery_is_told_what_to_write(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    app = make("memory://")
    del app.extensions["celery"]
    assert send(app, "ok") == 200
    text = 'LC109 LIVECHAT_CELERY: the app has no Celery. Set app.extensions["celery"] to it, as in https://flask'
    assert text in caplog.text
    app.testing = True
    with pytest.raises(ConfigError, match="the app has no Celery"):
        send(app, "ok", 2)
    assert states(app) == ["pending"] * 2


def test_a_task_without_the_apps_context_says_what_to_write(make: Make) -> None:
    make("memory://")
    plain = Celery("plain", broker="memory://", set_as_current=False)
    with pytest.raises(ConfigError, match="Make the app's Celery with task_cls=FlaskTask, as in https://flask"):
        plain.tasks[NAME]()


@pytest.mark.parametrize("missing", ["celery", "sqlalchemy"])
def test_what_is_not_installed_is_said_at_start(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "find_spec", lambda name: None if name == missing else object())
    with pytest.raises(ConfigError, match=r"LC109 LIVECHAT_CELERY: .* pip install Flask-LiveChat\[desk,celery\]"):
        settings.read({"LIVECHAT_CELERY": True}, development=False)


def test_the_pages_celery_does_the_work() -> None:
    page = (Path(__file__).parents[2] / "docs" / "webhooks.rst").read_text("utf-8")
    code = page.split(".. code-block:: python\n\n")[2].partition("\n\n.. code-block")[0]
    app = Flask("page")
    exec(textwrap.dedent(code), {"app": app, "LiveChat": LiveChat})
    celery = app.extensions["celery"]
    assert settings.read(app.config, development=False).celery
    assert {entry["task"] for entry in celery.conf.beat_schedule.values()} == {NAME} <= set(celery.tasks)

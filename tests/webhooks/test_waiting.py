"""A database that waits, or does not answer, stops no site: calls give up in time, and the log stays short."""

from __future__ import annotations

import gc
import logging
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_livechat import LiveChat, limits, system
from flask_livechat.desk.background import MAX_JOBS, BackgroundQueue
from flask_livechat.desk.store import Store
from flask_livechat.desk.worker import GAP_S, Worker
from flask_livechat.limits import FAILURES, REST_S, Breaker, LineLimit, within

from ..conftest import create_app, log_in
from .conftest import KINDS
from .killing import SECRET, WEBSITE, body
from .test_opens import OPENS, UNREAD
from .test_store import NOW, Clock, event
from .test_vendor_webhooks import signature


@pytest.fixture(autouse=True)
def gaps() -> None:
    """The gaps are as long as users have them."""


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Somebody writes, and does not end."""
    with store.engine.connect() as connection, connection.begin():
        if not store.is_sqlite:
            connection.execute(sa.text("LOCK TABLE livechat_events, livechat_counts, livechat_seen"))
        yield


@contextmanager
def silent_server() -> Iterator[str]:
    """A PostgreSQL server that takes connections, and does not answer. Gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"postgresql://u:p@127.0.0.1:{server.getsockname()[1]}/x"


def seconds(call: Callable[[], object]) -> float:
    start = time.monotonic()
    call()
    return time.monotonic() - start


def site(url: str, **config: Any) -> Flask:
    app = create_app(
        "crisp",
        LIVECHAT_CRISP_WEBSITE_ID=WEBSITE,
        LIVECHAT_CRISP_WEBHOOK_SECRET=SECRET,
        LIVECHAT_DATABASE_URL=url,
        **config,
    )
    app.testing = False
    return app


def address(store: Store) -> str:
    return store.engine.url.render_as_string(hide_password=False)


def deliver(app: Flask, number: int = 1) -> int:
    data = body(number)
    client = app.test_client()
    return client.post("/livechat/webhooks/crisp", data=data, headers=signature("crisp", SECRET, data)).status_code


def test_what_browsers_ask_gives_up_on_a_locked_database(store: Store) -> None:
    client = log_in(site(address(store)))
    client.get(UNREAD)  # all is loaded
    with locked(store):
        took = seconds(lambda: client.post(OPENS, json={"provider": "crisp", "open": 1}))
        assert took < 0.3 + 0.5
        assert seconds(lambda: client.post(UNREAD, json={"provider": "crisp"})) < 0.3 + 0.5
    assert client.post(OPENS, json={"provider": "crisp", "open": 1}).status_code == 204
    with store.reading() as connection:
        assert connection.execute(sa.text("SELECT sum(count) FROM livechat_counts")).scalar() == 1


@pytest.mark.needs("package")
def test_what_browsers_ask_gives_up_on_a_server_that_does_not_answer() -> None:
    with silent_server() as url:
        client = log_in(site(url))
        took = seconds(lambda: client.get(UNREAD))
    assert 0.3 <= took < 0.3 + 0.7


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)  # SQLite has no server
def test_a_connection_that_falls_silent_is_given_up(store: Store) -> None:
    """Not only a new one."""
    start = time.monotonic()
    with store.reading() as connection, within(0.3), pytest.raises(sa.exc.OperationalError):
        connection.execute(sa.text("SELECT pg_sleep(5)"))
    assert time.monotonic() - start < 1.5
    store.add([event(1)], NOW)  # and the next one is another


@pytest.mark.needs("package")
def test_a_connection_that_was_not_made_in_time_takes_no_place_at_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else there are too many clients once it answers again. Not even until garbage is collected."""
    monkeypatch.setattr("flask_livechat.desk.connecting.CONNECT_S", 2)  # the least that the driver knows
    gc.disable()
    try:
        with silent_server() as url, socket.socket() as probe:
            store = Store(url)
            probe.connect((store.engine.url.host, store.engine.url.port))
            for _ in range(3):
                with within(0.1), pytest.raises(sa.exc.OperationalError):
                    store.newest()
            threads = [item for item in threading.enumerate() if item.name == "livechat-connect"]
            for thread in threads:
                thread.join(10)
            assert sockets_to(store.engine.url.port) == {probe.getsockname()[1]}
    finally:
        gc.enable()


def sockets_to(port: int | None) -> set[int]:
    """The local ports of this machine's connections to one, by what the kernel says."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    return {int(line[1].split(":")[1], 16) for line in lines if line[2].endswith(f":{port:04X}") and line[3] == "01"}


def test_after_three_failures_nothing_is_asked_for_half_a_minute() -> None:
    now = 100.0
    breaker = Breaker(clock=lambda: now)
    for _ in range(FAILURES - 1):
        breaker.note(answered=False)
    assert not breaker.is_open()
    breaker.note(answered=False)
    assert breaker.is_open()
    now += REST_S - 1
    assert breaker.is_open()
    now += 1
    assert not breaker.is_open()
    breaker.note(answered=True)
    breaker.note(answered=False)
    assert not breaker.is_open()


@pytest.mark.needs("package")
def test_a_site_leaves_a_silent_database_alone() -> None:
    with silent_server() as url:
        client = log_in(site(url))
        for _ in range(FAILURES):
            client.get(UNREAD)
        assert seconds(lambda: [client.get(UNREAD) for _ in range(20)]) < 0.6


def test_a_webhook_is_answered_500_in_time_and_stored_later(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(limits, "WEBHOOK_S", 0.5)
    app = site(address(store))
    with locked(store):
        start = time.monotonic()
        assert [deliver(app, n) for n in range(4)] == [500] * 4
        assert time.monotonic() - start < 3 * 0.5 + 0.3 + 1
    (line,) = caplog.records  # for four, and without a traceback
    assert "webhooks (crisp) were answered 500: OperationalError (1 so far)" in line.getMessage()
    assert line.exc_info is None
    assert [deliver(app, n) for n in range(4)] == [200] * 4


@pytest.mark.needs("package")
def test_a_webhook_waits_less_than_five_seconds() -> None:
    assert limits.WEBHOOK_S < 5
    with silent_server() as url:
        app = site(url)
        took: list[float] = []
        threads = [threading.Thread(target=lambda: took.append(seconds(lambda: deliver(app)))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    took.sort()
    assert took[1] < limits.CROWDED_S + 1.5  # two of a process wait for long, the others leave their threads to pages
    assert took[3] < 6


def test_an_inner_limit_does_not_lengthen_an_outer_one() -> None:
    with within(0.1), within(10):
        assert limits.seconds_left(0) <= 0.1
    assert limits.seconds_left(7) == 7


def test_a_worker_leaves_a_gap_between_its_transactions(
    database: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite: others write while it works through events that take long to count."""
    store = Store(database("sqlite", "migrated"))
    store.add([event(n) for n in range(300)], NOW)
    monkeypatch.setattr("flask_livechat.desk.store.update_projection", lambda *arguments: time.sleep(0.03))
    stop = threading.Event()

    def work() -> None:
        worker = Worker(store, lambda event: None, Clock())
        while worker.once() and not stop.is_set():
            pass

    thread = threading.Thread(target=work)
    thread.start()
    failed, took = 0, list[float]()
    while thread.is_alive() and len(took) < 30:
        try:
            with within(0.3):
                took.append(seconds(lambda: store.count("crisp", "open", NOW)))
        except sa.exc.OperationalError:
            failed += 1
    stop.set()
    thread.join()
    store.engine.dispose()
    assert len(took) > 10
    assert failed <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_after_a_transaction_a_worker_leaves_sqlite_to_others_for_as_long(
    kind: str, database: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL has many writers at once: there nobody has to wait."""
    store, pauses, elapsed = Store(database(kind, "migrated")), list[float](), list[float]()
    store.add([event(1)], NOW)
    monkeypatch.setattr("flask_livechat.desk.store.update_projection", lambda *arguments: elapsed.append(0.03))
    clock = SimpleNamespace(monotonic=lambda: sum(elapsed), sleep=pauses.append)
    monkeypatch.setattr("flask_livechat.desk.worker.time", clock)
    assert Worker(store, lambda event: None, Clock()).once()
    store.engine.dispose()
    assert pauses == (
        [GAP_S[0], 0.03, GAP_S[0]] if kind == "sqlite" else []
    )  # to take an event, start with it, and end


def test_a_trouble_is_a_line_a_minute_with_how_often_it_came() -> None:
    now = 0.0
    lines = LineLimit(clock=lambda: now)
    assert [lines.count("a"), lines.count("a"), lines.count("b"), lines.count("a")] == [1, 0, 1, 0]
    now += 60
    assert [lines.count("a"), lines.count("a")] == [4, 0]


def test_a_worker_without_a_database_is_a_line_a_minute(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("flask_livechat.desk.worker.IDLE_S", 0)
    times: list[int] = []

    def take(now: Any) -> Any:
        times.append(1)
        raise sa.exc.OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(store, "take", take)
    Worker(store, lambda event: None, Clock()).run(lambda: len(times) > 9)
    assert len([record for record in caplog.records if "does not answer" in record.getMessage()]) == 1


def test_dropped_tasks_are_a_line_a_minute(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_livechat.desk.background.LINES", LineLimit())
    queue = BackgroundQueue()
    for _ in range(MAX_JOBS + 20):
        queue.put("an event", lambda: None, delay_s=3600)
    assert [record.getMessage() for record in caplog.records] == [
        "livechat: too much waits for the vendor: an event was left out (1 so far)."
    ]
    queue._waiting.clear()


def test_a_worker_whose_clock_lags_says_so(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.add([event(1)], NOW + timedelta(seconds=90))
    worker = Worker(store, lambda event: None, Clock())
    for _ in range(3):
        worker.once()
    (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "clock is 90 s behind" in line


def test_a_clock_that_is_right_says_nothing(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.add([event(1)], NOW)
    worker = Worker(store, lambda event: None, Clock())
    while worker.once():
        pass
    assert not caplog.records


@pytest.mark.parametrize("make", [lambda: Store("sqlite:////nowhere/at/all"), BackgroundQueue], ids=["store", "queue"])
def test_what_is_gone_leaves_no_fork_hook_behind(make: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    hooks = []
    monkeypatch.setattr(os, "register_at_fork", lambda **calls: hooks.append(calls))
    gc.collect()
    before = len(system._OWNERS)
    for _ in range(5):
        make()
    gc.collect()
    assert len(system._OWNERS) <= before
    assert hooks == []


# -- files -------------------------------------------------------------------------------------------------------------


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


def test_the_files_of_a_new_database_are_their_owners_alone(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'new'}")
    store.upgrade()
    assert set(modes(tmp_path)) == {"new", "new-wal", "new-shm"}
    assert set(modes(tmp_path).values()) == {0o600}
    store.engine.dispose()


def test_the_files_of_a_database_that_exists_already_become_so(tmp_path: Path) -> None:
    file = tmp_path / "old"
    other = sqlite3.connect(file)
    other.execute("PRAGMA journal_mode=WAL")
    other.execute("CREATE TABLE t (x)")
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    store = Store(f"sqlite:///{file}")
    store.upgrade()
    assert set(modes(tmp_path).values()) == {0o600}
    store.engine.dispose()
    other.close()


@pytest.mark.parametrize("exists", [False, True])
def test_the_folder_of_the_default_database_is_its_owners_alone(tmp_path: Path, exists: bool) -> None:
    folder = tmp_path / "instance"
    if exists:
        folder.mkdir(mode=0o755)
    app = Flask("files", instance_path=str(folder))
    app.config.update(LIVECHAT_PROVIDER="crisp", LIVECHAT_CRISP_WEBSITE_ID=WEBSITE)
    livechat = LiveChat(app)
    with app.app_context():
        livechat.store.add([event(1)], NOW)
        livechat.store.engine.dispose()
    assert modes(folder)["livechat.sqlite3"] == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


# -- upgrades ----------------------------------------------------------------------------------------------------------


@pytest.mark.needs("process")
@pytest.mark.parametrize(("kind", "processes"), [("postgresql", 20), ("sqlite", 4)])
def test_tables_are_made_by_many_processes_at_once(kind: str, processes: int, database: Callable[..., str]) -> None:
    """They are forked, so that they are there at once."""
    url = database(kind)
    code = (
        "import os, sys, alembic.command\nfrom flask_livechat.desk.store import Store\n"
        "if 'postgresql' in sys.argv[1]:\n    import psycopg\n"
        f"children = []\nfor _ in range({processes}):\n"
        "    child = os.fork()\n    if child == 0:\n"
        "        try:\n            Store(sys.argv[1]).upgrade()\n            os._exit(0)\n"
        "        except Exception as error:\n            print(type(error), error)\n            os._exit(1)\n"
        "    children.append(child)\n"
        "print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.splitlines()[-1:] == [str([0] * processes)], done.stdout + done.stderr


def test_a_database_behind_a_link_to_nothing_is_made_private_too(tmp_path: Path) -> None:
    (tmp_path / "link.sqlite3").symlink_to(tmp_path / "events.sqlite3")
    store = Store(f"sqlite:///{tmp_path / 'link.sqlite3'}")
    store.engine.connect().close()
    store.engine.dispose()
    assert modes(tmp_path)["events.sqlite3"] == 0o600

"""Events in SQL, on SQLite and on PostgreSQL: once each, never lost, handled at least once."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from flask_livechat import LiveChatError
from flask_livechat.desk.metrics import metrics
from flask_livechat.desk.rows import event_row
from flask_livechat.desk.store import LEASE, MIGRATIONS, Store
from flask_livechat.desk.tables import events, metadata
from flask_livechat.desk.worker import FIRST_PAUSE, MAX_ATTEMPTS, MAX_PAUSE, Batch, Worker, pause_after
from flask_livechat.model import Event

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def event(number: int = 1, **fields: Any) -> Event:
    return Event("crisp", "message", f"s:{number}", NOW, "s", **fields)


def everything(store: Store) -> list[tuple[str, str]]:
    return [(queued.event.id, state) for queued, state, _ in store.scan()]


def test_an_event_is_kept_as_it_is(store: Store) -> None:
    whole = Event(
        provider="crisp",
        kind="rated",
        id="s:1 \U0001f680",
        at=datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC),
        conversation="session_1",
        visitor="42",
        email="ada@example.com",
        author="visitor",
        text="parfait \xe9 \U0001f680",
        rating=4,
        best=5,
        tags=("vip", "refund"),
        raw={"a": [1, None, "\u2028"]},
    )
    store.add([whole], NOW)
    (result,) = [queued.event for queued, _, _ in store.scan()]
    assert result == whole


def test_what_no_database_takes_is_left_out_of_a_text(store: Store) -> None:
    store.add([event(text="a\0b\ud800", raw={"x": "\0\ud800"})], NOW)
    (result,) = [queued.event for queued, _, _ in store.scan()]
    assert (result.text, result.raw) == ("ab\ufffd", {"x": "\0\ud800"})


def test_an_event_that_comes_again_is_kept_once(store: Store) -> None:
    assert store.add([event(1), event(2), event(1)], NOW) == 2
    assert store.add([event(1), event(3)], NOW) == 1
    assert store.add([], NOW) == 0
    assert len(everything(store)) == 3


def test_the_same_id_of_two_vendors_is_two_events(store: Store) -> None:
    assert store.add([event(1), replace(event(1), provider="tawk")], NOW) == 2


def test_many_at_once_are_kept_once_each(store: Store) -> None:
    """Eight threads tell of the same hundred."""
    counts: list[int] = []
    start = threading.Barrier(8)

    def tell() -> None:
        start.wait()
        counts.append(sum(store.add([event(n)], NOW) for n in range(100)))

    threads = [threading.Thread(target=tell) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == len(everything(store)) == 100


def test_what_is_taken_is_nobody_elses_until_its_lease_is_over(store: Store) -> None:
    store.add([event(n) for n in range(3)], NOW)
    assert [queued.event.id for queued in store.take(NOW, 2)] == ["s:0", "s:1"]
    assert [queued.event.id for queued in store.take(NOW)] == ["s:2"]
    assert store.take(NOW) == []
    again = store.take(NOW + LEASE)  # whoever had it was killed
    assert [event.event.id for event in again] == ["s:0", "s:1", "s:2"]


def test_workers_at_once_take_each_event_once(store: Store) -> None:
    store.add([event(n) for n in range(200)], NOW)
    taken: list[int] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        while result := store.take(NOW, 7):
            taken.extend(item.row for item in result)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 200


def test_the_tables_are_what_the_migrations_make(store: Store) -> None:
    def ours(name: str | None, kind: str, parents: Any) -> bool:
        return name != "livechat_version"

    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": ours, "compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_to_upgrade_twice_is_to_upgrade_once(store: Store) -> None:
    store.add([event()], NOW)
    store.upgrade()
    assert len(everything(store)) == 1


def test_tables_are_made_by_several_threads_at_once(tmp_path: Path) -> None:
    """Of one database, and of several: the first webhooks after a start come together."""
    stores = [Store(f"sqlite:///{tmp_path / str(n % 3)}") for n in range(9)]
    failed: list[BaseException] = []

    def make(store: Store) -> None:
        try:
            store.upgrade()
            store.add([event(1)], NOW)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=make, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.engine.dispose()
    assert not failed


def test_what_came_before_there_were_conversations_is_counted_by_an_upgrade(database: Callable[..., str]) -> None:
    store = Store(database("sqlite"))
    with store.engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        older = [event(1, author="visitor", email="a@x.test"), replace(event(2, author="agent"), at=NOW + LEASE)]
        rows = [event_row(item, NOW) for item in older]
        known = [column.name for column in events.c if column.name != "sequence"]  # which came later
        connection.execute(sa.insert(events), [{name: row[name] for name in known if name in row} for row in rows])
    store.upgrade()
    result = metrics(store, NOW - LEASE, NOW + 2 * LEASE)
    assert (result.conversations, result.first_response.median) == (1, LEASE.total_seconds())
    assert result.conversations_per_user[0].users == 1
    store.engine.dispose()


@pytest.mark.parametrize("tag", ["\ud800", "a\0b", "x" * 6000])
def test_a_tag_that_no_database_takes_keeps_nobody_from_handling_what_was_said(store: Store, tag: str) -> None:
    seen: list[str] = []
    store.add([event(1, tags=(tag,) * 200, author="visitor"), event(2, author="agent")], NOW)
    Worker(store, lambda event: seen.append(event.id), Clock()).once()
    assert seen == ["s:1", "s:2"]
    assert metrics(store, NOW - LEASE, NOW + LEASE).conversations == 1


def test_ids_and_addresses_are_as_long_as_an_index_takes(store: Store) -> None:
    long = "".join(chr(0x4E00 + n % 20000) for n in range(6000))
    store.add([replace(event(1, visitor=long, email=long), conversation=long)], NOW)
    Worker(store, lambda event: None, Clock()).once()
    assert store.unread(long, long) == 0


def test_a_conversation_that_cannot_be_counted_is_handled_all_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*arguments: Any) -> None:
        raise LookupError("what they wrote")

    monkeypatch.setattr("flask_livechat.desk.store.update_projection", broken)
    seen: list[str] = []
    store.add([event(1)], NOW)
    Worker(store, lambda event: seen.append(event.id), Clock()).once()
    assert seen == ["s:1"]
    assert everything(store) == [("s:1", "done")]
    assert "could not be counted: LookupError" in caplog.text
    assert "wrote" not in caplog.text


def test_what_somebody_else_has_taken_meanwhile_is_left_to_them(store: Store) -> None:
    """A batch may take longer than its lease; each event that is begun has a lease of its own."""
    store.add([event(1), event(2)], NOW)
    mine = store.take(NOW)
    begun = store.start(mine[0], NOW + LEASE / 2)
    assert begun is not None
    theirs = store.take(NOW + LEASE)
    assert [event.event.id for event in theirs] == ["s:2"]
    assert store.start(mine[1], NOW + LEASE) is None
    assert store.start(theirs[0], NOW + LEASE) is not None


def test_a_worker_waits_for_a_database_that_does_not_answer(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("flask_livechat.desk.worker.IDLE_S", 0)
    store.add([event(1)], NOW)
    real, times, seen = store.take, list[int](), list[str]()

    def take(now: datetime) -> Any:
        times.append(1)
        if len(times) == 1:
            raise sa.exc.OperationalError("SELECT 'what they wrote'", {}, Exception("gone"))
        return real(now)

    monkeypatch.setattr(store, "take", take)
    Worker(store, lambda event: seen.append(event.id), Clock()).run(lambda: bool(seen))
    assert seen == ["s:1"]
    assert "the database does not answer: OperationalError" in caplog.text
    assert "wrote" not in caplog.text


def test_what_is_replayed_is_handled_again(store: Store) -> None:
    store.add([event(1)], NOW)
    store.add([event(2)], NOW + timedelta(days=1))
    for queued in store.take(NOW + timedelta(days=1)):
        store.ack(queued)
    assert store.replay(NOW, NOW + timedelta(hours=1)) == 1
    assert everything(store) == [("s:1", "done"), ("s:2", "pending")]


def test_what_waits_for_its_next_try_is_hurried_by_a_replay(store: Store) -> None:
    store.add([event(1), event(2)], NOW)
    (queued, _) = store.take(NOW)
    begun = store.start(queued, NOW)
    assert begun is not None
    store.retry_later(begun, NOW + MAX_PAUSE, "ValueError")
    assert store.replay(NOW, NOW) == 1  # the other one is due anyway
    assert [result.event.id for result in store.take(NOW)] == ["s:1"]


def test_a_long_list_comes_by_and_by(store: Store) -> None:
    store.add([event(n) for n in range(25)], NOW)
    assert [queued.event.id for queued, _, _ in store.scan(size=10)] == [f"s:{n}" for n in range(25)]


def test_an_error_of_the_database_does_not_say_what_visitors_wrote(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE livechat_events"))
    with pytest.raises(sa.exc.DBAPIError) as caught:
        store.add([event(text="my password is secret")], NOW)
    assert "secret" not in str(caught.value)


# -- the worker --------------------------------------------------------------------------------------------------------


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


def test_each_event_is_handled_and_then_done(store: Store) -> None:
    store.add([event(n) for n in range(3)], NOW)
    seen: list[str] = []
    worker = Worker(store, lambda event: seen.append(event.id), Clock())
    assert worker.once() == Batch(tried=3, done=3)
    assert not worker.once()
    assert seen == ["s:0", "s:1", "s:2"]
    assert {state for _, state in everything(store)} == {"done"}


def test_a_handler_that_fails_is_called_again_with_growing_pauses(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.add([event(1), event(2)], NOW)
    clock, seen = Clock(), list[str]()

    def handle(event: Event) -> None:
        seen.append(event.id)
        if event.id == "s:1" and len(seen) < 5:
            raise ValueError("their password")

    worker = Worker(store, handle, clock)
    assert worker.once() == Batch(tried=2, done=1)
    clock.now += FIRST_PAUSE * 8
    for _ in range(2):
        worker.once()
        clock.now += FIRST_PAUSE * 8
    assert seen.count("s:2") == 1
    assert seen.count("s:1") == 3
    assert re.search(r"failed with ValueError at test_store.py:\d+ in handle; it is tried again", caplog.text)
    assert "password" not in caplog.text


def test_a_failure_is_at_the_apps_own_line_not_a_librarys(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.add([event(1)], NOW)
    Worker(store, lambda event: json.loads("their words"), Clock()).once()
    assert re.search(r"failed with JSONDecodeError at test_store.py:\d+ in <lambda>", caplog.text)


def test_a_database_whose_driver_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(LiveChatError, match=r"pip install Flask-LiveChat\[postgres\]"):
        Store("postgresql://user:password@localhost/chat")


def test_what_fails_too_often_waits_for_somebody_and_can_be_tried_again(store: Store) -> None:
    store.add([event(1)], NOW)
    clock, broken = Clock(), True

    def handle(event: Event) -> None:
        if broken:
            raise LookupError

    worker = Worker(store, handle, clock)
    for _ in range(MAX_ATTEMPTS + 3):
        worker.once()
        clock.now += MAX_PAUSE
    ((_, state, error),) = store.scan("failed")
    assert state == "failed"
    assert re.fullmatch(r"LookupError at test_store.py:\d+ in handle", str(error))
    broken = False
    assert store.replay(clock.now, failed=True) == 1
    worker.once()
    assert everything(store) == [("s:1", "done")]


def test_an_event_that_ends_its_workers_is_not_taken_for_ever(store: Store) -> None:
    """And what was taken with it, is handled."""
    store.add([event(1), event(2)], NOW)
    now = NOW
    for _ in range(MAX_ATTEMPTS):
        store.start(store.take(now)[0], now)  # and never heard of again
        now += LEASE
    seen: list[str] = []
    worker = Worker(store, lambda event: seen.append(event.id), lambda: now)
    worker.once()
    assert seen == ["s:2"]
    assert [(queued.event.id, error) for queued, _, error in store.scan("failed")] == [("s:1", "the worker died")]


def test_a_worker_ends_when_it_is_told_to(store: Store) -> None:
    store.add([event(1)], NOW)
    seen: list[str] = []
    Worker(store, lambda event: seen.append(event.id), Clock()).run(lambda: bool(seen))
    assert seen == ["s:1"]


def test_pauses_grow_and_end() -> None:
    assert [pause_after(n) for n in (1, 2, 3)] == [FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE * 4]
    assert pause_after(50) == MAX_PAUSE
    assert sum((pause_after(n) for n in range(1, MAX_ATTEMPTS)), timedelta()) > timedelta(hours=16)


READ = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(*(name for (name,) in connection.execute("SELECT event FROM livechat_events")))
connection.close()
"""


@pytest.mark.needs("process")
def test_a_process_that_opens_a_second_connection_loses_nothing_to_another_process_that_ends(
    database: Callable[..., str],
) -> None:
    """Whoever closes a file drops all locks that its process has on it; then the last to leave takes the WAL along."""
    url = database("sqlite", "migrated")
    store = Store(url)
    connections = [store.engine.raw_connection() for _ in range(2)]
    for connection in connections:
        connection.cursor().execute("SELECT count(*) FROM livechat_events").fetchall()
    assert _read_in_another_process(url) == []
    for connection in connections:
        connection.close()  # which gives it back to the pool
    store.add([event(1)], NOW)
    assert _read_in_another_process(url) == ["s:1"]
    store.engine.dispose()
    assert _read_in_another_process(url) == ["s:1"]


def _read_in_another_process(url: str) -> list[str]:
    command = [sys.executable, "-c", READ, str(sa.make_url(url).database)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()

"""Events are counted once, cheaply, and also where a database or a worker fails meanwhile."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flask_livechat.desk import projections
from flask_livechat.desk import worker as working
from flask_livechat.desk.rows import event_row
from flask_livechat.desk.store import LEASE, Store
from flask_livechat.desk.tables import conversations, events
from flask_livechat.desk.timeline import build_timeline, split_tail
from flask_livechat.desk.worker import FIRST_PAUSE, Worker
from flask_livechat.model import Event

from ..conftest import chat_of
from .test_circle import site
from .test_projections import ELSEWHERE, NOW, clear, message, rows, state, work
from .test_store import Clock, event, everything
from .test_timeline import ANY

GONE = sa.exc.OperationalError("UPDATE", {}, Exception("gone"))


def fails_once(store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """The first time that something is counted."""
    real, failed = projections.update_projection, list[int]()

    def update(*arguments: Any) -> None:
        if not failed:
            failed.append(1)
            raise error
        real(*arguments)

    monkeypatch.setattr("flask_livechat.desk.store.update_projection", update)


@pytest.mark.parametrize("error", [GONE, sa.exc.TimeoutError(), sa.exc.ProgrammingError("SELECT", {}, Exception())])
def test_what_a_database_could_not_count_for_now_is_counted_later(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    fails_once(store, monkeypatch, error)
    store.add([event(1, author="visitor")], NOW)
    clock, seen = Clock(), list[str]()
    clock.now = NOW
    worker = Worker(store, lambda event: seen.append(event.id), clock)
    worker.once()
    assert (seen, everything(store)) == ([], [("s:1", "pending")])
    clock.now += FIRST_PAUSE
    worker.once()
    assert (seen, everything(store)) == (["s:1"], [("s:1", "done")])
    assert len(rows(store, conversations, "id")) == 1


def test_what_a_database_cannot_count_for_ever_waits_for_somebody(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def update(*arguments: Any) -> None:
        raise GONE

    monkeypatch.setattr("flask_livechat.desk.store.update_projection", update)
    store.add([event(1)], NOW)
    clock = Clock()
    clock.now = NOW
    worker = Worker(store, lambda event: None, clock)
    for _ in range(working.MAX_ATTEMPTS + 1):
        worker.once()
        clock.now += working.MAX_PAUSE
    assert everything(store) == [("s:1", "failed")]


@pytest.mark.parametrize("error", [LookupError(), sa.exc.DataError("UPDATE", {}, Exception())])
def test_what_can_never_be_counted_is_handled_and_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    app = site("crisp", tmp_path)
    with app.app_context():
        store = chat_of(app).store
        fails_once(store, monkeypatch, error)
        store.add([event(1), replace(event(2), conversation="t")], NOW)
        Worker(store, lambda event: None, Clock()).once()
        assert everything(store) == [("s:1", "done"), ("s:2", "done")]
    (line,) = app.test_cli_runner().invoke(args=["livechat", "events", "--uncounted", "--json"]).stdout.splitlines()
    assert (json.loads(line)["row"], json.loads(line)["counted"]) == (1, "not counted")
    assert "not counted" in app.test_cli_runner().invoke(args=["livechat", "events"]).stdout
    app.test_cli_runner().invoke(args=["livechat", "db", "recount"])
    assert app.test_cli_runner().invoke(args=["livechat", "events", "--uncounted"]).stdout == ""


# -- leases ------------------------------------------------------------------------------------------------------------


def test_a_dead_workers_events_are_taken_after_a_minute(store: Store) -> None:
    assert timedelta(seconds=60) == LEASE
    store.add([event(1)], NOW)
    store.take(NOW)
    assert store.take(NOW + LEASE - timedelta(seconds=1)) == []
    assert len(store.take(NOW + LEASE)) == 1


@pytest.mark.needs("time")
def test_a_living_worker_renews_its_lease(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for what waits behind a slow handler."""
    monkeypatch.setattr("flask_livechat.desk.store.LEASE", timedelta(seconds=0.6))
    store.add([event(1), event(2)], NOW)
    start, stolen, seen = time.monotonic(), list[Any](), list[str]()

    def clock() -> Any:
        return NOW + timedelta(seconds=time.monotonic() - start)

    def handle(event: Event) -> None:
        seen.append(event.id)
        end = time.monotonic() + 1.2
        while event.id == "s:1" and time.monotonic() < end:
            stolen.extend(store.take(clock()))
            time.sleep(0.05)

    Worker(store, handle, clock).once()
    assert (stolen, seen) == ([], ["s:1", "s:2"])
    assert {state for _, state in everything(store)} == {"done"}


def test_a_lease_is_not_renewed_for_what_somebody_else_has_by_now(store: Store) -> None:
    store.add([event(1)], NOW)
    mine = store.take(NOW)
    theirs = store.take(NOW + LEASE)
    store.renew(mine, NOW + LEASE * 5)
    assert len(theirs) == 1
    assert len(store.take(NOW + LEASE * 2)) == 1


# -- long conversations ------------------------------------------------------------------------------------------------


def moments(many: list[Event]) -> list[Event]:
    """Some at one moment, as vendors that count seconds tell them."""
    return [replace(event, id=f"{number}") for number, event in enumerate(many)]


@pytest.mark.needs("time")
@given(st.lists(ANY, min_size=1, max_size=40).map(moments), st.integers(1, 8))
def test_a_history_that_is_gone_on_with_is_the_same_as_the_whole(many: list[Event], tail: int) -> None:
    whole = build_timeline(many)
    early, late = split_tail(many, tail)
    assert sorted(early + late, key=id) == sorted(many, key=id)
    if not early:
        return
    first = build_timeline(early)
    result = build_timeline(late, first.progress)
    over = [episode for episode in first.episodes if episode is not first.progress.episode]
    assert (*over, *result.episodes) == whole.episodes
    assert result.progress == whole.progress
    assert (result.state, result.tags, result.last_at) == (whole.state, whole.tags, whole.last_at)


@pytest.mark.needs("time")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ELSEWHERE, st.randoms(), st.integers(1, 2))
def test_a_long_conversation_comes_to_the_same_in_any_order_and_any_parts(
    store: Store, many: list[Event], random: Any, size: int
) -> None:
    """With a tail of one, so that nearly all are long."""
    with pytest.MonkeyPatch.context() as patch:
        clear(store)
        store.add(many, NOW)
        for event in many:
            store.update_projection(event, NOW)
        expected = state(store)
        clear(store)
        patch.setattr(projections, "TAIL_EVENTS", 1)
        again = random.sample(many, len(many))
        for start in range(0, len(again), size):
            store.add(again[start : start + size], NOW)
            work(store)
        assert state(store) == expected


def fill(store: Store, count: int) -> None:
    """One conversation, closed and begun anew now and then, as it stands after the worker."""
    many = [
        replace(
            message(n, "visitor" if n % 2 else "agent", n), **({"kind": "conversation_closed"} if n % 40 == 39 else {})
        )
        for n in range(count)
    ]
    with store.engine.begin() as connection:
        connection.execute(sa.insert(events), [event_row(event, NOW) | {"state": "done"} for event in many])
    store.update_projection(many[0], NOW)


@pytest.mark.needs("time")
def test_one_more_message_in_a_long_conversation_costs_as_little_as_in_a_short_one(
    database: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the rows that are read and written, which no other load on the machine changes."""
    store = Store(database("sqlite", "migrated"))
    fill(store, 2000)
    read: list[int] = []
    real = projections._read_event
    monkeypatch.setattr(projections, "_read_event", lambda row: read.append(1) or real(row))
    numbers = set(rows(store, projections.episodes, "id"))
    for n in range(2000, 2120):
        store.add([message(n, "visitor", n)], NOW)
        work(store)
    assert len(read) <= 120 * (2 * projections.TAIL_EVENTS + 1)
    assert len(numbers - set(rows(store, projections.episodes, "id"))) <= 3  # the others were left where they are
    before = state(store)
    list(store.recount(lambda: NOW))
    assert state(store) == before
    store.engine.dispose()


def test_a_burst_is_counted_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it comes late, so that all is made anew."""
    fill(store, 300)
    counted: list[int] = []
    real = projections.update_projection
    monkeypatch.setattr("flask_livechat.desk.store.update_projection", lambda *given: counted.append(1) or real(*given))
    store.add([message(1000 + n, "visitor", 0.5 + n / 1000) for n in range(50)], NOW)
    work(store)
    assert len(counted) == 1
    before = state(store)
    list(store.recount(lambda: NOW))
    assert state(store) == before


def test_a_long_conversation_that_an_older_version_has_written_meanwhile_is_made_anew(store: Store) -> None:
    """While a new version is brought to one machine after the other: the episodes have other numbers then."""
    fill(store, 300)
    before = state(store)
    with store.engine.begin() as connection:
        connection.execute(sa.update(projections.episodes).values(id=projections.episodes.c.id + 1000))
    store.add([message(299, "visitor", 300)], NOW)
    work(store)
    assert len(state(store)["episodes"]) == len(before["episodes"])
    before = state(store)
    list(store.recount(lambda: NOW))
    assert state(store) == before

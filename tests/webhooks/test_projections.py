"""Conversations, episodes, contacts and tags in SQL: any order and any repetition of events gives the same."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flask_livechat.desk import tables
from flask_livechat.desk.store import Store
from flask_livechat.desk.worker import Worker
from flask_livechat.model import Event
from flask_livechat.office_hours import parse

from .test_timeline import ANY

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # a Friday
OWN = ("id", "changed_at", "progress")
MADE = (tables.conversations, tables.episodes, tables.tags, tables.contacts)


def rows(store: Store, table: sa.Table, *names: str) -> list[tuple[Any, ...]]:
    with store.engine.connect() as connection:
        result = connection.execute(sa.select(*(table.c[name] for name in names))).all()
    return sorted((tuple(row) for row in result), key=repr)


def state(store: Store) -> dict[str, list[Any]]:
    """All that was made of events, without the rows' own numbers, when they were written and where to go on from."""
    c, e, t = tables.conversations, tables.episodes, tables.tags
    named = sa.select(c.c.conversation, *(column for column in e.c if column.name not in ("id", "conversation")))
    tagged = sa.select(c.c.conversation, e.c.started_at, t.c.tag).join(e, e.c.id == t.c.episode)
    with store.engine.connect() as connection:
        events = {
            "conversations": connection.execute(sa.select(*(x for x in c.c if x.name not in OWN))).all(),
            "episodes": connection.execute(named.join(c, c.c.id == e.c.conversation)).all(),
            "tags": connection.execute(tagged.join(c, c.c.id == e.c.conversation)).all(),
            "contacts": connection.execute(sa.select(*(x for x in tables.contacts.c if x.name != "id"))).all(),
        }
    return {name: sorted(map(repr, result)) for name, result in events.items()}


def clear(store: Store) -> None:
    with store.engine.begin() as connection:
        for table in (tables.tags, tables.episodes, *MADE, tables.events):
            connection.execute(sa.delete(table))


def work(store: Store) -> None:
    worker = Worker(store, lambda event: None, lambda: NOW)
    while worker.once():
        pass


def message(number: int, author: str = "visitor", minutes: float = 0, **fields: Any) -> Event:
    return Event("crisp", "message", f"s:{number}", NOW + timedelta(minutes=minutes), "s", author=author, **fields)


def test_a_conversation_is_up_to_date_when_its_handler_is_called(store: Store) -> None:
    seen: list[Any] = []
    store.add([message(1), message(2, "agent", 4)], NOW)
    worker = Worker(store, lambda event: seen.append(rows(store, tables.episodes, "response")), lambda: NOW)
    worker.once()
    assert seen == [[(240.0,)], [(240.0,)]]


ELSEWHERE = st.lists(
    st.builds(lambda event, where: replace(event, conversation=where), ANY, st.sampled_from(["s", "t", None])),
    min_size=1,
    max_size=8,
    unique_by=lambda event: event.id,
)


@pytest.mark.needs("time")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ELSEWHERE, st.randoms(), st.integers(1, 3))
def test_any_order_and_any_repetition_gives_the_same_state(
    store: Store, events: list[Event], random: Any, size: int
) -> None:
    clear(store)
    store.add(events, NOW)
    work(store)
    expected = state(store)
    clear(store)
    again = random.sample(events, len(events)) + random.choices(events, k=3)
    for start in range(0, len(again), size):
        store.add(again[start : start + size], NOW)
        work(store)
        for event in again[:start]:
            store.update_projection(event, NOW)
    assert state(store) == expected


def test_workers_at_once_leave_no_episode_twice(store: Store) -> None:
    events = [message(n, "visitor" if n % 2 else "agent", n) for n in range(60)]
    store.add(events, NOW)
    start = threading.Barrier(4)

    def run() -> None:
        start.wait()
        work(store)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows(store, tables.episodes, "response") == [(60.0,)]
    assert rows(store, tables.conversations, "last_at") == [(NOW + timedelta(minutes=59),)]


def test_the_same_id_of_two_vendors_is_two_conversations(store: Store) -> None:
    store.add([message(1), replace(message(1), provider="tawk")], NOW)
    work(store)
    assert rows(store, tables.conversations, "provider") == [("crisp",), ("tawk",)]


def test_office_hours_count_beside_the_wall_clock(store: Store) -> None:
    store.hours = parse({"tz": "Europe/Berlin", "mon-fri": "09:00-17:00"})
    # Friday, 13:00 in Berlin, until Monday, 10:00.
    store.add([message(1), message(2, "agent", 69 * 60)], NOW)
    work(store)
    assert rows(store, tables.episodes, "response", "response_office") == [(69 * 3600.0, 5 * 3600.0)]


def test_without_office_hours_there_is_no_figure_of_them(store: Store) -> None:
    store.add([message(1), message(2, "agent", 5)], NOW)
    work(store)
    assert rows(store, tables.episodes, "response_office") == [(None,)]


def test_what_ended_unanswered_is_not_resolved(store: Store) -> None:
    store.add([message(1), Event("crisp", "conversation_closed", "end", NOW + timedelta(minutes=3), "s")], NOW)
    work(store)
    assert rows(store, tables.episodes, "closed_by", "resolution") == [("nobody", None)]


@pytest.mark.parametrize("order", [1, -1])
def test_a_contact_is_known_since_the_first_word_of_them(store: Store, order: int) -> None:
    first = Event("intercom", "contact_changed", "a", NOW, visitor="42", email="Ada@Example.com")
    store.add([first, replace(first, id="b", at=NOW + timedelta(days=1), email="ada@example.com")][::order], NOW)
    work(store)
    assert rows(store, tables.contacts, "visitor", "email", "first_at", "last_at") == [
        ("42", "ada@example.com", NOW, NOW + timedelta(days=1))
    ]

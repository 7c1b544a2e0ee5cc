"""With whom the team has begun, in the store: counted once by all processes, and erased with the person."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from flask_livechat.desk.erasure import forget, prune
from flask_livechat.desk.store import Store
from flask_livechat.desk.tables import outreach

from .conftest import KINDS

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DAY = timedelta(days=1)


def rows(store: Store) -> list[tuple[Any, ...]]:
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(sa.select(outreach.c.visitor, outreach.c.slot)).all()]


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, database: Callable[..., str]) -> str:
    return database(request.param, "migrated")


def test_a_visitor_has_as_many_slots_of_a_day_as_the_limit_is(url: str) -> None:
    store = Store(url)
    assert [store.claim_outreach("42", 2, NOW, DAY) for _ in range(3)] == [0, 1, None]
    assert store.claim_outreach("43", 2, NOW, DAY) == 0
    assert store.claim_outreach("42", 0, NOW, DAY) is None
    store.release_outreach("42", 0)
    assert [store.claim_outreach("42", 2, NOW, DAY) for _ in range(2)] == [0, None]
    assert store.claim_outreach("42", 1, NOW + DAY - timedelta(seconds=1), DAY) is None
    assert store.claim_outreach("42", 1, NOW + DAY, DAY) == 0
    assert rows(store) == [("42", 0)]  # what is older than a day is not kept


def test_of_many_processes_one_begins(url: str) -> None:
    """Each store has connections of its own, as each process has."""
    stores = [Store(url) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda n: stores[n % 4].claim_outreach("42", 1, NOW, DAY), range(100)))
    assert [slot for slot in claims if slot is not None] == [0]
    for store in stores:
        store.engine.dispose()


def test_whoever_is_erased_is_not_in_it(url: str) -> None:
    store = Store(url)
    store.claim_outreach("42", 1, NOW, DAY)
    store.claim_outreach("43", 1, NOW, DAY)
    forget(store, {}, "42", NOW, [], False)
    assert rows(store) == [("43", 0)]


def test_what_is_pruned_goes_from_it(url: str) -> None:
    store = Store(url)
    store.claim_outreach("42", 1, NOW, DAY)
    prune(store, NOW)
    assert rows(store) == [("42", 0)]
    prune(store, NOW + timedelta(seconds=1))
    assert rows(store) == []

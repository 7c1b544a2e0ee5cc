"""``flask livechat db recount``: what an earlier version stored is read once more, and the figures are made anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from flask_livechat.desk import tables
from flask_livechat.desk.projections import reread
from flask_livechat.desk.store import Store
from flask_livechat.model import Event

from ..conftest import chat_of
from .test_events import ADMIN, ANA, BOT, CREATED, figures, notification, part
from .test_projections import NOW, rows, state, work
from .test_receiver import Make, make  # noqa: F401 - a fixture
from .test_vendor_webhooks import parsed, values

KNOWN = {"intercom": values("intercom", "x")}


def as_before(body: Any, kind: str, author: str, suffix: str = "") -> Event:
    """As an earlier version kept it: the author from the topic, the id and the moment from the notification."""
    (event,) = parsed("intercom", CREATED)
    at = datetime.fromtimestamp(body["created_at"], UTC)
    events = {
        "at": at,
        "id": f"{body['id']}{suffix}",
        "kind": kind,
        "author": author,
        "raw": body,
        "people": (),
        "sequence": None,
    }
    return replace(event, **events)


def earlier() -> list[Event]:
    bots = part(2, author=BOT, at=5)
    closing = notification("conversation.admin.closed", part(4, "close", ADMIN, at=600, body="<p>Done</p>"), at=601)
    return [
        as_before(CREATED, "conversation_started", "visitor"),
        as_before(notification("conversation.admin.replied", bots, at=5), "message", "agent", ":2"),
        as_before(notification("conversation.operator.replied", bots, at=5), "message", "bot", ":2"),
        as_before(closing, "conversation_closed", "agent"),
    ]


def recount(store: Store) -> None:
    assert sum(reread(store, KNOWN)) >= 1
    assert sum(store.recount(lambda: NOW)) == 1


def test_bots_are_bots_and_closes_have_their_words_after_a_recount(store: Store) -> None:
    store.add(earlier(), NOW - timedelta(days=3))
    work(store)
    assert figures(store) == [(5.0, 601.0, "agent")]
    recount(store)
    assert figures(store) == [(600.0, 600.0, "agent")]
    assert rows(store, tables.people, "visitor", "email") == [("ana", "ana@example.com")] * 5


def test_old_rows_stay_and_no_handler_hears_of_them_again(store: Store) -> None:
    store.add(earlier(), NOW - timedelta(days=3))
    work(store)
    before = [(queued.row, status) for queued, status, _ in store.scan()]
    recount(store)
    after = [(queued.row, status) for queued, status, _ in store.scan()]
    assert after[: len(before)] == before
    assert {status for _, status in after} == {"done"}
    assert rows(store, tables.events, "received_at") == [(NOW - timedelta(days=3),)] * 5  # and grow no younger


def test_a_second_recount_changes_nothing(store: Store) -> None:
    store.add(earlier(), NOW)
    work(store)
    recount(store)
    once, count = state(store), store.total()
    recount(store)
    assert (state(store), store.total()) == (once, count)


def test_a_delivery_that_comes_again_after_a_recount_tells_nothing_new(store: Store) -> None:
    store.add(earlier(), NOW)
    recount(store)
    assert [store.add(parsed("intercom", event.raw), NOW) for event in earlier()] == [0] * 4


def test_what_was_erased_or_is_another_accounts_stays_as_it_is(store: Store) -> None:
    store.add(earlier(), NOW)
    work(store)
    with store.engine.begin() as connection:
        connection.execute(sa.update(tables.events).values(raw="{}", text=None))
    before = state(store)
    recount(store)
    assert state(store) == before
    assert rows(store, tables.people, "event") == []


def test_what_this_version_reads_is_the_same_after_a_recount(store: Store) -> None:
    store.add(parsed("intercom", CREATED), NOW)
    store.add(
        parsed("intercom", notification("conversation.user.replied", part(3, author=ANA | {"type": "user"}))), NOW
    )
    store.add(parsed("intercom", notification("conversation.priority.updated")), NOW)
    work(store)
    before = (
        state(store),
        [queued.event for queued, _, _ in store.scan()],
        rows(store, tables.people, "event", "contact"),
    )
    recount(store)
    after = (
        state(store),
        [queued.event for queued, _, _ in store.scan()],
        rows(store, tables.people, "event", "contact"),
    )
    assert after == before


@pytest.mark.parametrize("count", [1, 3])
def test_the_command_says_how_far_it_is(make: Make, count: int) -> None:  # noqa: F811
    app = make("intercom")
    with app.app_context():
        store = chat_of(app).store
        store.add(
            [replace(event, id=f"{event.id}{n}", conversation=f"c{n}") for n in range(count) for event in earlier()],
            NOW,
        )
    result = app.test_cli_runner().invoke(args=["livechat", "db", "recount"])
    assert result.exit_code == 0, result.output
    assert "Events" in result.stderr
    assert "counted again." in result.stdout

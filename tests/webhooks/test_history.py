"""An import gives the events that webhooks would have given: the same ids, the same figures, at every vendor."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from flask_livechat import providers
from flask_livechat.desk import http
from flask_livechat.desk.desk import Desk, open_desk
from flask_livechat.desk.history import ForeignWorkspace, import_history
from flask_livechat.desk.metrics import metrics
from flask_livechat.desk.projections import reread
from flask_livechat.desk.store import Store
from flask_livechat.desk.tables import conversations, events, people
from flask_livechat.desk.worker import Worker
from flask_livechat.hooks import Delivery
from flask_livechat.model import Event
from flask_livechat.sandbox.hub import Hub
from flask_livechat.sandbox.sessions import Identity, Message, Session
from flask_livechat.sandbox.stand_in import load, open_account

VENDORS = [name for name in providers.names() if providers.history(name)]
every_vendor = pytest.mark.parametrize("name", VENDORS)
START = datetime(2026, 9, 1, 9, tzinfo=UTC)
NOW = START + timedelta(days=30)
DAY = 86_400
VALUES = {name: providers.load(name).example_values() for name in VENDORS}


class Vendor:
    """A vendor's stand-in, its clock in our hand. ``told`` are the bodies of its webhooks."""

    def __init__(self, name: str) -> None:
        self.name, self.now, self.told = name, START.timestamp(), list[bytes]()
        self.hub = Hub(lambda: self.now)
        self.rest = open_account(name, VALUES[name], self.hub)
        self.agent = self.rest.account.agents[0].id
        self.hub.listener = self._tell
        self.calls = 0

    def _tell(self, change: Any, session: Session, message: Message | None) -> None:
        webhooks = load(self.name).webhooks
        assert webhooks is not None
        self.told += [
            json.dumps(body).encode() for body in webhooks.bodies(self.rest.account, change, session, message)
        ]

    def desk(self, **values: Any) -> Desk:
        def asked(environ: Any, start_response: Any) -> Any:
            self.calls += 1
            return self.rest(environ, start_response)

        return open_desk(self.name, {**VALUES[self.name], **values}, lambda: NOW, http.in_process(asked), deadline=0.5)

    def visit(self, id: str, *texts: str) -> str:
        key = self.hub.create(self.name, "session_" if self.name == "crisp" else "")
        self.hub.bind(key, "user", id)
        self.hub.identify(key, Identity("verified", id, f"{id}@example.com", id.title()))
        for text in texts:
            self.say(key, "visitor", text)
        return key

    def say(self, key: str, author: Any, text: str, after_s: int = 60, kind: Any = "text") -> None:
        self.now += after_s
        self.hub.say(key, author, text, kind, agent=self.agent if author == "agent" else None)

    def events(self) -> list[Event]:
        """Of all deliveries, as they come in."""
        spec = providers.webhooks(self.name)
        assert spec is not None
        return [event for body in self.told for event in spec.parse(VALUES[self.name], Delivery({}, {}, body))]

    def month(self) -> None:
        """What happens in one: answers, notes, bots, tags, ratings, ends, and some go on after theirs."""
        lacks = providers.history(self.name).lacks  # type: ignore[union-attr]
        for number in range(6):
            key = self.visit(f"user{number % 4}", "Hello?", f"It is <b>{number}</b> & more")
            if number % 2:
                self.say(key, "bot", "I am a bot.", 5)
            if number == 5:
                if "when a chat ended" in lacks:  # a chat ends by itself there
                    self.hub.end(key, "visitor")
                continue  # nobody answers
            self.say(key, "agent", "Yes?", 100 + number)
            self.say(key, "agent", "The visitor is angry.", 5, "note")
            self.now += 10
            self.hub.tag(key, ("billing",) if number < 3 else ("bug", "billing"))
            self.now += 600
            self.hub.end(key, "agent", agent=self.agent)
            if number == 1:
                self.now += 30
                self.hub.rate(key, 4)
            if number == 2 and "when a chat ended" not in lacks:
                self.say(key, "visitor", "Once more", 2 * DAY)
                self.say(key, "agent", "Yes.", 30)
                self.now += 10
                self.hub.end(key, "agent", agent=self.agent)
            self.now += DAY


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> Vendor:
    made = Vendor(request.param)
    made.month()
    return made


@pytest.fixture
def lite(migrated_file: Path, tmp_path: Path) -> Iterator[Callable[[str], Store]]:
    """Makes databases of SQLite; what is different on PostgreSQL has ``store``."""
    made: list[Store] = []

    def new(name: str) -> Store:
        file = tmp_path / name
        file.write_bytes(migrated_file.read_bytes())
        made.append(Store(f"sqlite:///{file}"))
        sa.event.listen(made[-1].engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
        return made[-1]

    yield new
    for store in made:
        store.engine.dispose()


@pytest.fixture
def past(lite: Callable[[str], Store]) -> Store:
    return lite("past.sqlite3")


@pytest.fixture
def received(lite: Callable[[str], Store]) -> Store:
    return lite("received.sqlite3")


def imported(vendor: Vendor, store: Store, since: datetime = START, now: datetime = NOW) -> dict[str, int]:
    outcomes: dict[str, int] = {"new": 0}
    for step in import_history(vendor.desk(), store, since, lambda: now):
        outcomes[step.outcome] = outcomes.get(step.outcome, 0) + 1
        outcomes["new"] += step.new
    return outcomes


def receive(vendor: Vendor, store: Store, handle: Callable[[Event], None] = lambda event: None) -> None:
    for event in vendor.events():
        store.add([event], NOW)
    work(store, handle)


def work(store: Store, handle: Callable[[Event], None]) -> None:
    worker = Worker(store, handle, lambda: NOW + timedelta(minutes=1))
    while worker.once():
        pass


def telling(store: Store, lacks: tuple[str, ...]) -> dict[str, Event]:
    """What the store has by id, without what the vendor's API does not tell."""
    stored = [queued.event for queued, _, _ in store.scan()]
    ended = "when a chat ended" in lacks
    kinds = {"unknown", "contact_changed", *(["rated"] if "ratings" in lacks else [])}
    return {
        event.id: event
        for event in stored
        if event.kind not in kinds and not (ended and event.kind == "conversation_closed")
    }


def test_what_is_imported_is_what_webhooks_have_told(vendor: Vendor, received: Store, past: Store) -> None:
    lacks = providers.history(vendor.name).lacks  # type: ignore[union-attr]
    receive(vendor, received)
    assert imported(vendor, past)["imported"] == 6
    there, here = telling(received, lacks), telling(past, lacks)
    assert here.keys() == there.keys()
    for key, event in here.items():
        assert replace(event, raw={}) == replace(there[key], raw={}), key


def test_the_figures_of_an_imported_month_are_those_of_a_received_one(
    vendor: Vendor, received: Store, past: Store
) -> None:
    lacks = providers.history(vendor.name).lacks  # type: ignore[union-attr]
    receive(vendor, received)
    imported(vendor, past)
    there, here = metrics(received, START, NOW), metrics(past, START, NOW)
    assert there.first_response.count
    assert there.resolution.count
    assert "ratings" in lacks or here.csat == there.csat
    without: dict[str, Any] = {"csat": None} if "ratings" in lacks else {}
    assert replace(here, **without) == replace(there, **without)


def test_an_import_of_what_webhooks_have_told_adds_nothing_that_counts(vendor: Vendor, past: Store) -> None:
    receive(vendor, past)
    figures, before = metrics(past, START, NOW), {queued.event.id for queued, _, _ in past.scan()}
    imported(vendor, past)
    added = [queued.event for queued, _, _ in past.scan() if queued.event.id not in before]
    assert added == []
    assert metrics(past, START, NOW) == figures


def test_a_conversation_without_a_moment_of_its_last_change_is_imported_beside_webhooks(
    vendor: Vendor, past: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Webhooks have told of its first message alone, and the vendor's list does not say when it changed."""
    past.add(vendor.events()[:1], NOW)
    work(past, lambda event: None)
    desk = vendor.desk()
    undated = [replace(conversation, updated_at=None) for conversation in desk.conversations.list(since=START)]
    monkeypatch.setattr(type(desk.conversations), "list", lambda self, **options: iter(undated))
    for _ in range(2):
        assert [step.outcome for step in import_history(desk, past, START, lambda: NOW)] == ["imported"] * 6


def test_what_is_imported_twice_is_there_once_and_is_not_asked_for_again(vendor: Vendor, store: Store) -> None:
    first = imported(vendor, store)
    calls, total = vendor.calls, store.total()
    assert total == first["new"] > 20
    assert imported(vendor, store) == {"new": 0, "known": 6}
    assert store.total() == total
    assert vendor.calls - calls < 6


def test_a_conversation_that_went_on_is_asked_for_again(vendor: Vendor, past: Store) -> None:
    imported(vendor, past)
    vendor.now = (NOW + timedelta(days=1)).timestamp()
    key = vendor.hub.conversations(vendor.name)[0].key
    vendor.say(key, "visitor", "One more thing")
    result = imported(vendor, past, now=NOW + timedelta(days=9))
    assert (result["imported"], result["known"]) == (1, 5)
    assert "One more thing" in {queued.event.text for queued, _, _ in past.scan()}


def test_what_changed_within_a_day_is_asked_for_again(vendor: Vendor, past: Store) -> None:
    """A vendor's moment of the last change is of a second, and more may have happened in it."""
    lately = max(conversation.updated_at or START for conversation in vendor.desk().conversations.list())
    imported(vendor, past, now=lately + timedelta(hours=23))
    again = imported(vendor, past, now=lately + timedelta(hours=25))
    assert again["imported"] >= 1
    assert imported(vendor, past, now=lately + timedelta(hours=26)) == {"new": 0, "known": 6}


def test_no_handler_hears_of_what_is_imported_nor_does_a_replay_tell_it(vendor: Vendor, past: Store) -> None:
    imported(vendor, past)
    handled: list[Event] = []
    work(past, handled.append)
    assert past.replay(NOW, START - timedelta(days=999)) == 0
    work(past, handled.append)
    assert handled == []
    assert {state for _, state, _ in past.scan()} == {"imported"}


def test_a_webhook_that_comes_after_the_import_is_handled(vendor: Vendor, store: Store) -> None:
    """Its delivery may have waited while the app was down."""
    imported(vendor, store)
    handled: list[Event] = []
    receive(vendor, store, handled.append)
    told = {event.id for event in vendor.events()}
    assert {event.id for event in handled} == told
    assert len(handled) == len(told)
    receive(vendor, store, handled.append)
    assert len(handled) == len(told)


def test_nothing_that_is_imported_is_unread(vendor: Vendor, past: Store) -> None:
    imported(vendor, past)
    assert past.unread("user0", "user0@example.com") == 0


def test_a_recount_of_what_was_imported_changes_nothing(vendor: Vendor, past: Store) -> None:
    imported(vendor, past)
    before, figures = [queued.event for queued, _, _ in past.scan()], metrics(past, START, NOW)
    assert sum(reread(past, {vendor.name: VALUES[vendor.name]})) == len(before)
    assert sum(past.recount(lambda: NOW)) == 6
    assert [queued.event for queued, _, _ in past.scan()] == before
    assert metrics(past, START, NOW) == figures


def test_a_conversation_that_vanishes_meanwhile_is_left_out(vendor: Vendor, past: Store) -> None:
    steps = import_history(vendor.desk(), past, START, lambda: NOW)
    assert next(steps).outcome == "imported"
    for session in vendor.hub.conversations(vendor.name):
        if not past_has(past, vendor, session):
            vendor.hub.drop(session.key)
    assert {step.outcome for step in steps} == {"gone"}


def past_has(store: Store, vendor: Vendor, session: Session) -> bool:
    names = {queued.event.conversation for queued, _, _ in store.scan()}
    return bool(names & {session.key, str(session.number)})


def test_states_are_the_vendors(vendor: Vendor, past: Store) -> None:
    imported(vendor, past)
    with past.reading() as connection:
        rows = connection.execute(sa.text("select state from livechat_conversations")).scalars().all()
    ends_itself = "when a chat ended" in providers.history(vendor.name).lacks  # type: ignore[union-attr]
    assert sorted(rows) == ["closed"] * 5 + ["closed" if ends_itself else "open"]


def test_events_count_as_received_when_they_happened(vendor: Vendor, past: Store) -> None:
    imported(vendor, past)
    Worker(past, lambda event: None, lambda: NOW + timedelta(days=400), keep_days=90).prune()
    left = [queued.event for queued, _, _ in past.scan()]
    assert [event.text for event in left if event.text] == []
    assert len(left) <= 1  # the last row's number is not given again


def test_an_imported_event_was_received_when_it_happened(vendor: Vendor, past: Store) -> None:
    imported(vendor, past)
    with past.reading() as connection:
        times = connection.execute(sa.select(events.c.at, events.c.received_at)).all()
    assert [received_at for _, received_at in times] == [at for at, _ in times]


def test_whoever_is_in_an_import_is_found_by_an_erasure(vendor: Vendor, past: Store) -> None:
    from flask_livechat.desk.erasure import forget

    imported(vendor, past)
    who = ("user1", "user1@example.com")
    receipt = forget(past, {}, who, NOW, [], True)
    assert receipt.events
    again = imported(vendor, past)
    assert again["new"] == 0
    with past.reading() as connection:
        assert connection.execute(sa.select(people.c.id).where(people.c.email == who[1])).first() is None
        named = (events.c.email == who[1]) | (events.c.visitor == who[0]) | events.c.raw.contains(who[1])
        assert connection.execute(sa.select(events.c.id).where(named)).first() is None
        unused = sa.select(conversations.c.id).where(conversations.c.first_at.is_(None))
        assert connection.execute(unused.where(conversations.c.conversation.is_not(None))).first() is None


def test_an_import_of_a_foreign_workspace_is_refused_before_anything_is_stored(vendor: Vendor, past: Store) -> None:
    account = load(vendor.name).account
    desk = vendor.desk(**{account: str(VALUES[vendor.name][account])[::-1]})
    with pytest.raises(ForeignWorkspace, match="nothing is imported"):
        list(import_history(desk, past, START, lambda: NOW))
    assert past.total() == 0

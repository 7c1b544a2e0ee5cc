"""A past for the stand-ins: weeks of conversations, so that the inbox and the metrics are worth a look at once.

``plan`` is pure: the same seed and end give the same past. ``play`` carries it out on the stand-ins with the clock set
back, and takes in the webhooks that they make of it, signed, as the app's own address does.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from .. import providers
from ..hooks import Delivery
from ..model import Event, Visitor
from .body import Body, secrets
from .sessions import Change, Message, Session
from .stand_in import load

if TYPE_CHECKING:
    from ..desk.store import Store
    from .views import Sandbox

TEXTS = Path(__file__).with_name("history.toml")
# How many conversations begin on a day, Monday first; the sandbox holds 500 in all.
CHATS_PER_WEEKDAY = (11, 5, 5, 4, 4, 1, 1)
OFFICE_HOURS = range(9, 18)  # in UTC, on weekdays
PEOPLE = 60
KNOWN_SHARE = 0.6  # of the conversations, those of somebody who is logged in
RATED_SHARE = 0.4  # of those that were closed
UNANSWERED = ("gift wrap", "gift wrap", "open saturday")  # by their stems
OPENS_PER_CHAT = (1, 1, 2, 2, 3)  # one of them: not everybody who opens the chat writes
ANSWER_MEDIAN_S, MONDAY_ANSWER_MEDIAN_S = 75, 420
BATCH_EVENTS = 500  # that are stored at once
RECENT = timedelta(days=2)  # of which not everything is done yet
# How many minutes ago the newest conversations began, and the last thing that happened in each, at any hour of the day.
NEWEST = ((55, "snooze"), (38, "reply"), (14, "say"), (5, "say"))


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens in a conversation. ``chat`` counts the conversations from 0."""

    at: datetime
    chat: int
    action: str  # "say", "bot", "reply", "note", "tag", "assign", "close", "snooze", "rate"
    value: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """Conversations by their number, and what happened in them in the order of time."""

    vendors: Sequence[str]
    visitors: Sequence[Visitor | None]
    opens: Sequence[int]
    steps: Sequence[Step]
    until: datetime


def plan(vendors: Sequence[str], days: int, until: datetime, seed: int = 1) -> Past:
    """Make up the conversations of ``days`` days before ``until``. Nothing of it lies in the future."""
    rng, texts = Random(seed), tomllib.loads(TEXTS.read_text("utf-8"))  # noqa: S311 - no secret is made of it  # nosec B311
    starts = list(_starts(rng, days, until))
    people = [_person(rng, texts["people"], number, until) for number in range(PEOPLE)]
    shares = [topic["share"] for topic in texts["topics"]]
    steps: list[Step] = []
    for chat, start in enumerate(starts):
        topic = rng.choices(texts["topics"], shares)[0]
        steps += _conversation(rng, chat, start, topic, is_recent=start > until - RECENT)
    for number, (minutes, last) in enumerate(NEWEST):
        topic = texts["topics"][number]
        steps += _newest(len(starts) + number, until - timedelta(minutes=minutes), topic, last)
    return Past(
        vendors=[rng.choice(vendors) for _ in starts] + [vendors[(n + 1) % len(vendors)] for n in range(len(NEWEST))],
        visitors=[rng.choice(people) if rng.random() < KNOWN_SHARE else None for _ in starts]
        + [*people[: len(NEWEST)]],
        opens=[rng.choice(OPENS_PER_CHAT) for _ in range(len(starts) + len(NEWEST))],
        steps=sorted((step for step in steps if step.at < until), key=lambda step: (step.at, step.chat)),
        until=until,
    )


def _starts(rng: Random, days: int, until: datetime) -> Iterator[datetime]:
    for age in range(days, -1, -1):
        day = datetime.combine(until.date() - timedelta(days=age), time(), UTC)
        for _ in range(CHATS_PER_WEEKDAY[day.weekday()]):
            start = day + timedelta(hours=rng.triangular(6, 23, 13))
            if start < until - timedelta(minutes=2):
                yield start


def _person(rng: Random, names: Mapping[str, list[str]], number: int, until: datetime) -> Visitor:
    first, last = rng.choice(names["first"]), rng.choice(names["last"])
    return Visitor(
        id=f"seed-{number}",
        email=f"{first}.{last}.{number}@example.com".lower(),
        name=f"{first} {last}",
        created_at=until - timedelta(days=rng.randrange(5, 400)),
        email_verified=True,
    )


def _conversation(
    rng: Random, chat: int, start: datetime, topic: Mapping[str, Any], *, is_recent: bool
) -> Iterator[Step]:
    """The steps of one conversation. Of recent ones some wait for an answer, some are open or snoozed."""
    yield Step(start, chat, "say", rng.choice(topic["asks"]))
    agent = rng.choice("01")
    answered_at = _answered_at(rng, start)
    if answered_at - start > timedelta(hours=1):
        yield Step(start + timedelta(seconds=5), chat, "bot", "We answer from 9:00 on. You will get it by email, too.")
    if is_recent and rng.random() < 0.3:
        return
    yield Step(answered_at - timedelta(seconds=1), chat, "assign", agent)
    yield Step(answered_at, chat, "reply", topic["answers"][0])
    yield Step(answered_at + timedelta(seconds=20), chat, "tag", topic["tag"])
    if rng.random() < 0.25:
        yield Step(answered_at + timedelta(seconds=40), chat, "note", f"Asked about {topic['tag']} before, too.")
    second_at = answered_at + timedelta(seconds=rng.uniform(60, 400))
    yield Step(second_at, chat, "reply", topic["answers"][1])
    if is_recent and rng.random() < 0.5:
        if rng.random() < 0.5:
            yield Step(second_at + timedelta(seconds=60), chat, "snooze", "2")
        return
    yield Step(second_at + timedelta(seconds=90), chat, "say", rng.choice(topic["ends"]))
    closed_at = second_at + timedelta(seconds=rng.uniform(120, 900))
    yield Step(closed_at, chat, "close")
    if rng.random() < RATED_SHARE:
        yield Step(closed_at + timedelta(seconds=30), chat, "rate", rng.choices("54321", (60, 22, 8, 4, 6))[0])


def _newest(chat: int, start: datetime, topic: Mapping[str, Any], last: str) -> Iterator[Step]:
    """A conversation that goes on: it waits for an answer, has one, or is snoozed until the day after tomorrow."""
    yield Step(start, chat, "say", topic["asks"][0])
    if last != "say":
        yield Step(start + timedelta(seconds=50), chat, "assign", "0")
        yield Step(start + timedelta(seconds=90), chat, "reply", topic["answers"][0])
    if last == "snooze":
        yield Step(start + timedelta(seconds=120), chat, "snooze", "2")


def _answered_at(rng: Random, start: datetime) -> datetime:
    """When an agent answers: within minutes in office hours, else when the office opens. Mondays are busy."""
    median_s = MONDAY_ANSWER_MEDIAN_S if start.weekday() == 0 else ANSWER_MEDIAN_S
    at = start
    while at.weekday() > 4 or at.hour not in OFFICE_HOURS:
        at = (at + timedelta(hours=1)).replace(minute=0, second=0)
    return at + timedelta(seconds=median_s * rng.lognormvariate(0, 0.6))


def play(past: Past, sandbox: Sandbox, store: Store) -> Iterator[int]:
    """Carry the past out on the stand-ins, and store what their webhooks tell. Yields the number of each step.

    The events are stored as ``flask livechat import`` stores a past, so no handler is called, now or by a replay.
    """
    hub, clock, listener = sandbox.hub, sandbox.hub.clock, sandbox.hub.listener
    events: list[Event] = []
    hub.listener = lambda *change: events.extend(_events(sandbox, *change))
    keys: dict[int, str] = {}
    try:
        for number, step in enumerate(past.steps):
            hub.clock = step.at.timestamp
            _carry_out(step, past, sandbox, store, keys)
            if len(events) >= BATCH_EVENTS or step is past.steps[-1]:
                with store.engine.begin() as connection:
                    store.insert_past(connection, events, step.at)
                events.clear()
            yield number
    finally:
        hub.clock, hub.listener = clock, listener
    for _ in store.recount(lambda: past.until):
        pass


def _carry_out(step: Step, past: Past, sandbox: Sandbox, store: Store, keys: dict[int, str]) -> None:
    hub, vendor = sandbox.hub, past.vendors[step.chat]
    stand_in = load(vendor)
    if step.chat not in keys:
        keys[step.chat] = _open(step.chat, past, sandbox)
        opens = past.opens[step.chat]  # of which the others have found their answer in the articles
        counts = {"open": opens, "asked": opens, "read": opens - 1, "readchat": int(opens > 1 and step.chat % 4 == 0)}
        for what, count in counts.items():
            if count:
                store.count(vendor, what, step.at, count)
        if step.chat % 4 == 1:
            from ..desk import questions  # noqa: PLC0415 - needs the extra, which a past has

            questions.count(store, vendor, "en", UNANSWERED[step.chat % len(UNANSWERED)], "", step.at)
    key = keys[step.chat]
    agents = [agent.id for agent in stand_in.agents]
    agent = hub.look(key).agent or agents[0]
    match step.action:
        case "say":
            hub.say(key, "visitor", step.value)
        case "bot":
            hub.say(key, "bot", step.value, automated=True)
        case "reply":
            hub.say(key, "agent", step.value, agent=agent)
            hub.mark_read(key, hub.number())
        case "note":
            hub.say(key, "agent", step.value, "note", agent)
        case "tag":
            hub.tag(key, (step.value,))
        case "assign":
            hub.assign(key, agents[int(step.value)], by=agents[int(step.value)])
        case "close":
            hub.end(key, "agent", agent)
        case "snooze":
            hub.decide(key, "snoozed", agent, (step.at + timedelta(days=int(step.value))).timestamp())
        case "rate":
            hub.rate(key, int(step.value))


def _open(chat: int, past: Past, sandbox: Sandbox) -> str:
    """Open the session of a conversation: a visitor's who has one already, or a new one."""
    vendor, visitor = past.vendors[chat], past.visitors[chat]
    stand_in, hub, values = load(vendor), sandbox.hub, sandbox.vendors[vendor]
    if visitor is None:
        return stand_in.restore(hub, values, Body({}))
    return stand_in.introduce(hub, values, visitor)


def _events(sandbox: Sandbox, change: Change, session: Session, message: Message | None) -> Iterator[Event]:
    """Yield the events of a change's webhooks, which are signed and parsed as those that come by HTTP."""
    webhooks, spec = load(session.vendor).webhooks, providers.webhooks(session.vendor)
    if webhooks is None or spec is None:
        return
    account = sandbox.apis[session.vendor].account
    for data in webhooks.bodies(account, change, session, message):
        body = json.dumps(data, ensure_ascii=False).encode()
        at = datetime.fromtimestamp(account.clock(), UTC)
        headers = spec.sign(secrets(account.values, spec.secrets[0])[0], body, at)
        delivery = Delivery({name.lower(): value for name, value in headers.items()}, {}, body)
        yield from spec.parse(account.values, delivery)

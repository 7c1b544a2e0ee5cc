"""A shop's chats in a database, as webhooks would have told them: the events, and the projection of each."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from flask import Flask

from flask_livechat import LiveChat
from flask_livechat.desk.projections import episode_row
from flask_livechat.desk.rows import event_row
from flask_livechat.desk.store import Store
from flask_livechat.desk.tables import contacts, conversations, counts, episodes, events, tags
from flask_livechat.desk.timeline import build_timeline
from flask_livechat.model import Event
from flask_livechat.office_hours import parse

HOURS = parse({"tz": "Europe/Berlin", "mon-fri": "09:00-17:00", "closed": ["2026-10-03"]})
SINCE, UNTIL = datetime(2026, 8, 1, tzinfo=HOURS.tz), datetime(2026, 11, 1, tzinfo=HOURS.tz)
MESSAGES = 10  # of a conversation, in the middle
LABELS = [f"topic {number}" for number in range(20)]
WORDS = "Where is my order? I have been waiting for a week now, and nobody has told me anything about it."
CHUNK = 1000  # conversations
QUARTER = timedelta(minutes=15)
TABLES = (conversations, episodes, tags, contacts, counts, events)
Row = dict[str, Any]


@dataclass
class Shop:
    """``chats`` conversations, evenly over the time; the same each time."""

    chats: int
    chance: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - not for secrets
    people: dict[tuple[str, str], Row] = field(default_factory=dict)
    episodes: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def chunks(self) -> Iterator[dict[sa.Table, list[Row]]]:
        """Rows, in the order in which the tables take them."""
        for first in range(1, self.chats + 1, CHUNK):
            made: dict[sa.Table, list[Row]] = {table: [] for table in TABLES}
            for number in range(first, min(first + CHUNK, self.chats + 1)):
                told = list(self._told(number))
                made[events] += [
                    event_row(one, one.at) | {"state": "done", "attempts": 1, "counted": "yes"} for one in told
                ]
                self._project(made, number, told)
            yield made
        yield {contacts: list(self.people.values()), counts: list(self._counted())}

    def _told(self, number: int) -> Iterator[Event]:
        """Some ten messages, tags, mostly an end, now and then stars or a second time."""
        chance, name, turn = self.chance, f"session_{number:032}", itertools.count()
        at, known = SINCE + (UNTIL - SINCE) * (number / (self.chats + 1)), self._somebody()

        def event(kind: str, **said: Any) -> Event:
            raw = {"website_id": "w", "event": kind, "timestamp": at.timestamp(), "data": {"session_id": name} | said}
            return Event("crisp", kind, f"{name}:{next(turn)}", at, name, raw=raw, **said)

        bot, end, left = chance.random() < 0.3, chance.random(), chance.randint(MESSAGES - 4, MESSAGES + 4)
        for share in (left - left // 2, left // 2) if chance.random() < 0.1 else (left,):
            for place in range(share):
                author = "visitor" if place % 2 == 0 else "bot" if bot and place == 1 else "agent"
                yield event("message", author=author, text=WORDS[: chance.randint(10, len(WORDS))], **known)
                at += timedelta(seconds=chance.expovariate(1 / 300))
            yield event("unknown", tags=tuple(chance.sample(LABELS, chance.randint(0, 2))))
            if end < 0.9:
                yield event("conversation_closed", author="bot" if bot and end < 0.2 else "agent")
                at += timedelta(seconds=chance.expovariate(1 / 30_000))
            if chance.random() < 0.3:
                yield event("rated", rating=chance.randint(1, 5), best=5)

    def _somebody(self) -> Row:
        """Half of them by your id and their email, some by their email alone, the rest not known."""
        person = self.chance.randrange(self.chats // 3 + 1)
        who = {"visitor": f"{person}", "email": f"{person}@example.com"}
        return who if person % 10 < 5 else {"email": who["email"]} if person % 10 < 7 else {}

    def _project(self, made: dict[sa.Table, list[Row]], number: int, told: list[Event]) -> None:
        """As ``projections.py`` does, without asking the database."""
        found, key = build_timeline(told), {"provider": "crisp", "conversation": told[0].conversation}
        names = ("visitor", "email", "state", "first_at", "last_at", "spoke_at", "asked_at")
        said = {name: getattr(found, name) for name in names}
        made[conversations].append(
            key | said | {"id": number, "tags": json.dumps(found.tags), "changed_at": found.last_at}
        )
        for one in found.episodes:
            row = {"id": next(self.episodes), "conversation": number, "provider": "crisp"}
            made[episodes].append(row | episode_row(one, HOURS))
            made[tags] += [{"episode": row["id"], "tag": tag} for tag in one.tags]
        for event in told:
            if event.email:
                self._meet(event.visitor or "", event.email, event.at)

    def _meet(self, visitor: str, email: str, at: datetime) -> None:
        new = {"provider": "crisp", "visitor": visitor, "email": email, "first_at": at, "last_at": at}
        known = self.people.setdefault((visitor, email), new)
        known |= {"first_at": min(known["first_at"], at), "last_at": max(known["last_at"], at)}

    def _counted(self) -> Iterator[Row]:
        """What browsers reported: some three opens for each conversation, and thumbs."""
        quarters = (UNTIL - SINCE) // QUARTER
        for number in range(quarters):
            for what, most in (("open", 6 * self.chats // quarters + 1), ("up", 5), ("down", 2)):
                count = self.chance.randint(0, most)
                yield {"provider": "crisp", "what": what, "quarter": SINCE + number * QUARTER, "count": count}


def inbox_app(database: str) -> Flask:
    """The app of such a shop, whose inbox anybody may see."""
    app = Flask("inbox")
    app.config.update(
        SECRET_KEY="of a benchmark",  # noqa: S106
        LIVECHAT_PROVIDER="crisp",
        LIVECHAT_CRISP_WEBSITE_ID="42286ab3-b29a-4fde-8538-da0ae501d825",
        LIVECHAT_CRISP_WEBHOOK_KEY="a-secret-of-a-benchmark",
        LIVECHAT_DATABASE_URL=database,
        LIVECHAT_INBOX=True,
    )
    LiveChat(app).staff_required(lambda: True)
    return app


def fill(stores: Iterable[Store], chats: int) -> None:
    """The same into each, as its own tools do it fastest, and known to its planner as after some time in use."""
    for chunk in Shop(chats).chunks():
        for store in stores:
            with store.engine.begin() as connection:
                for table, rows in chunk.items():
                    if rows:
                        _put(connection, table, rows)
    for store in stores:
        _settle(store)


def _put(connection: sa.Connection, table: sa.Table, rows: list[Row]) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(sa.insert(table), rows)
        return
    cursor = cast(psycopg.Connection, connection.connection.driver_connection).cursor()
    with cursor.copy(f"COPY {table.name} ({', '.join(rows[0])}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(tuple(row.values()))


def _settle(store: Store) -> None:
    """What PostgreSQL's autovacuum does by itself within minutes; and numbers go on from those that were given."""
    if store.is_sqlite:
        return
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in (conversations, episodes):
            last = f"setval(pg_get_serial_sequence('{table.name}', 'id'), max(id))"
            connection.exec_driver_sql(f"SELECT {last} FROM {table.name}")  # noqa: S608 - our own names
        connection.exec_driver_sql("VACUUM ANALYZE")


def check(store: Store, chats: int, sample: int = 20) -> None:
    """Compare some of them with what ``projections.py`` makes of their events."""
    for number in range(1, chats + 1, max(1, chats // sample)):
        name = f"session_{number:032}"
        before = _projected(store, name)
        store.update_projection(Event("crisp", "unknown", "again", UNTIL, name), UNTIL)
        if not before or _projected(store, name) != before:
            raise SystemExit(f"{name} is not what its events come to")


def _projected(store: Store, name: str) -> list[Any]:
    """A conversation with its episodes and their tags, without the rows' own numbers."""
    mine = conversations.c.conversation == name
    own = [each for each in (*conversations.c, *episodes.c) if each.name not in ("id", "changed_at")]
    own = [each for each in own if each is not episodes.c.conversation]
    joined = conversations.outerjoin(episodes, episodes.c.conversation == conversations.c.id)
    joined = joined.outerjoin(tags, tags.c.episode == episodes.c.id)
    wanted = sa.select(*own, tags.c.tag).select_from(joined).where(mine).order_by(episodes.c.id, tags.c.tag)
    with store.reading() as connection:
        return list(connection.execute(wanted).all())

"""What the inbox shows, out of the store: which conversations, their last words, and all that was said in one."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from .. import providers
from ..providers.base import Details, File
from .handling import WORDS, seen_mark
from .rows import read_event
from .tables import Instant, conversations, events, handling

TABS = ("waiting", "open", "snoozed", "closed")
MAX_ROWS = 50  # of a page of the list
MAX_SEARCHED = 10_000  # conversations, for one search
MAX_EVENTS = 200  # of a thread: earlier ones are the vendor's to show
MAX_COUNT = 99  # beyond which a tab's number is not counted
MAX_TEXT_CHARS = 4000  # of a message in a thread; all of it is a link away
MAX_PREVIEW_CHARS = 160
MAX_RAW_CHARS = 100_000  # of a delivery that is read for names and files
MAX_OTHERS = 10
RECENT = 20  # rows, among which a transaction that ends late is still seen
SHOWN = (*WORDS, "conversation_closed", "conversation_reopened", "rated")
E, C, H = events.c, conversations.c, handling.c
URL = re.compile(r"https?://[^\s]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which conversations are listed."""

    tab: str = "waiting"
    provider: str | None = None
    tag: str | None = None
    text: str | None = None
    page: int = 1
    since: datetime | None = None  # of the last words, itself not included
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation in the list. ``asked_at``: since when the visitor waits for an agent."""

    id: int
    provider: str
    conversation: str
    visitor: str | None
    email: str | None
    state: str
    tags: tuple[str, ...]
    last_at: datetime
    asked_at: datetime | None
    agent: str | None
    agent_name: str | None
    snoozed_until: datetime | None
    verified: bool
    name: str | None = None
    words: str = ""
    author: str | None = None

    @property
    def who(self) -> str:
        return self.name or self.email or self.visitor or "Visitor"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in a thread. ``is_cut``: the text goes on."""

    id: int
    kind: str
    author: str | None
    name: str | None
    at: datetime
    text: str
    is_cut: bool
    rating: int | None
    best: int | None
    files: tuple[File, ...]


@dataclass(frozen=True, slots=True)
class Thread:
    """What was said, in order. ``seen``: the mark by which a reply is refused where somebody has written since."""

    row: Row
    entries: tuple[Entry, ...]
    has_earlier: bool
    seen: str
    pages: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    others: tuple[Row, ...] = ()


def _version_statement() -> Any:
    """What changes with every event, every conversation, and whoever handles it, and when a snooze is over.

    Of two transactions the one with the lower number may end later: so it is the newest few rows, not the newest.
    """
    nothing = sa.literal(None, sa.String)
    moments = [sa.cast(column, sa.String).label("at") for column in (C.changed_at, H.changed_at, H.snoozed_until)]
    parts = (
        sa.select(E.id, nothing.label("at")).order_by(E.id.desc()).limit(RECENT),
        sa.select(C.id, moments[0]).order_by(C.changed_at.desc()).limit(RECENT),
        sa.select(H.conversation, moments[1]).order_by(H.changed_at.desc()).limit(RECENT),
        sa.select(H.conversation, moments[2])
        .where(H.snoozed_until <= sa.bindparam("now", type_=Instant))
        .order_by(H.snoozed_until.desc())
        .limit(1),
    )
    return sa.union_all(*(sa.select(part.subquery()) for part in parts))


VERSION = _version_statement()  # made once, for each poll needs it


def version(connection: sa.Connection, now: datetime) -> str:
    """Return a digest that is another one whenever something has changed. It costs the same with any number of rows."""
    rows = connection.execute(VERSION, {"now": now}).all()
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:24]


def tab_counts(connection: sa.Connection, wanted: Filter, now: datetime) -> dict[str, int]:
    """Return how many conversations there are in each tab, ``MAX_COUNT`` + 1 for more."""
    counts = {}
    for tab in TABS:
        some = _conversations(Filter(tab, wanted.provider, wanted.tag), now, [C.id]).limit(MAX_COUNT + 1).subquery()
        counts[tab] = connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()
    return counts


def rows(connection: sa.Connection, wanted: Filter, now: datetime) -> tuple[list[Row], bool]:
    """Return a page of a tab's conversations, the newest first, and whether there are older ones.

    With a text, they are those of all tabs in which it stands.
    """
    ordered = _conversations(wanted, now, _columns()).order_by(C.last_at.desc(), C.id.desc())
    listed = _read_rows(connection, ordered.offset((wanted.page - 1) * MAX_ROWS).limit(MAX_ROWS + 1))
    return listed[:MAX_ROWS], len(listed) > MAX_ROWS


def search_end(connection: sa.Connection, until: datetime | None) -> datetime | None:
    """Return since when a search looks at all conversations; None where there are none beyond.

    It takes as many of the newest ones that a search costs the same, however many there are.
    """
    before = C.last_at <= until if until else C.last_at.is_not(None)
    wanted = sa.select(C.last_at).where(before).order_by(C.last_at.desc()).offset(MAX_SEARCHED).limit(1)
    return connection.execute(wanted).scalar()


def row_of(connection: sa.Connection, id: int) -> Row | None:
    return next(iter(_read_rows(connection, _all(_columns()).where(C.id == id))), None)


def thread(connection: sa.Connection, row: Row) -> Thread:
    mine = (E.provider == row.provider) & (E.conversation == row.conversation)
    columns = [column for column in E if column.name not in ("text", "raw")]
    text = sa.func.substr(E.text, 1, MAX_TEXT_CHARS + 1).label("text")
    wanted = sa.select(*columns, text, _raw()).where(mine).order_by(E.at.desc(), E.id.desc()).limit(MAX_EVENTS + 1)
    newest = connection.execute(wanted).mappings().all()
    ordered = sorted(newest[:MAX_EVENTS], key=lambda event: (event["at"], event["sequence"] or 0, event["id"]))
    read = [(event, _details(event)) for event in ordered]
    pages = dict.fromkeys(page for _, details in read for page in details.pages if URL.fullmatch(page))
    attributes: dict[str, Any] = {}
    for _, details in read:
        attributes |= details.attributes
    return Thread(
        row,
        tuple(_entry(event, details) for event, details in read if event["kind"] in SHOWN),
        len(newest) > MAX_EVENTS,
        seen_mark(connection, row.provider, row.conversation),
        tuple(pages),
        {str(name): value for name, value in attributes.items() if isinstance(value, str | int | float | bool)},
        _others(connection, row),
    )


def text_of(connection: sa.Connection, event: int) -> str | None:
    """Return all of what was written."""
    return connection.execute(sa.select(E.text).where(E.id == event, E.conversation.is_not(None))).scalar()


def _columns() -> list[Any]:
    names = ("id", "provider", "conversation", "visitor", "email", "state", "tags", "last_at", "asked_at")
    written = (E.provider == C.provider) & (E.conversation == C.conversation) & E.kind.in_(WORDS)

    def newest(where: Any) -> Any:
        return sa.select(E.id).where(where).order_by(E.at.desc(), E.id.desc()).limit(1).scalar_subquery()

    return [
        *(C[name] for name in names),
        *(H[name] for name in ("agent", "agent_name", "snoozed_until", "verified")),
        newest(written).label("newest"),
        newest(written & (E.author == "visitor")).label("spoken"),
    ]


def _all(columns: Sequence[Any]) -> sa.Select[Any]:
    """Conversations that have a name: whose person has been forgotten, nobody answers."""
    joined = conversations.outerjoin(handling, H.conversation == C.id)
    return sa.select(*columns).select_from(joined).where(C.conversation.is_not(None), C.last_at.is_not(None))


def _conversations(wanted: Filter, now: datetime, columns: Sequence[Any]) -> sa.Select[Any]:
    chosen = _all(columns)
    if wanted.provider:
        chosen = chosen.where(C.provider == wanted.provider)
    if wanted.tag:
        chosen = chosen.where(C.tags.contains(json.dumps(wanted.tag), autoescape=True))
    if wanted.since:
        chosen = chosen.where(C.last_at > wanted.since)
    if wanted.until:
        chosen = chosen.where(C.last_at <= wanted.until)
    if wanted.text:
        mine = (E.provider == C.provider) & (E.conversation == C.conversation)
        is_written = sa.exists().where(mine, E.text.icontains(wanted.text, autoescape=True))
        return chosen.where(is_written | C.email.icontains(wanted.text, autoescape=True) | (C.visitor == wanted.text))
    is_snoozed = sa.func.coalesce(H.snoozed_until > now, sa.false())
    if wanted.tab == "closed":
        return chosen.where(C.state == "closed")
    chosen = chosen.where(C.state == "open", is_snoozed if wanted.tab == "snoozed" else ~is_snoozed)
    return chosen.where(C.asked_at.is_not(None)) if wanted.tab == "waiting" else chosen


def _read_rows(connection: sa.Connection, wanted: sa.Select[Any]) -> list[Row]:
    listed = connection.execute(wanted).mappings().all()
    ids = {row[name] for row in listed for name in ("newest", "spoken")} - {None}
    columns = [column for column in E if column.name not in ("text", "raw")]
    preview = sa.func.substr(E.text, 1, MAX_PREVIEW_CHARS).label("text")
    events_of_rows = sa.select(*columns, preview, _raw()).where(E.id.in_(ids))
    by_id = {event["id"]: event for event in connection.execute(events_of_rows).mappings()} if ids else {}
    return [_row(row, by_id.get(row["newest"]), by_id.get(row["spoken"])) for row in listed]


def _row(row: Any, newest: Any, spoken: Any) -> Row:
    values = {name: row[name] for name in Row.__dataclass_fields__ if name in row}
    values |= {"tags": tuple(json.loads(row["tags"])), "verified": bool(row["verified"])}
    if spoken:
        values["name"] = _details(spoken).author
    if newest:
        values |= {"words": newest["text"] or "", "author": "note" if newest["kind"] == "note" else newest["author"]}
    return Row(**values)


def _others(connection: sa.Connection, row: Row) -> tuple[Row, ...]:
    """Other conversations of the same person: by your id, or by the email where there is none."""
    same = C.visitor == row.visitor if row.visitor else (C.visitor.is_(None) & (C.email == row.email))
    if not (row.visitor or row.email):
        return ()
    wanted = _all(_columns()).where(same, C.id != row.id).order_by(C.last_at.desc()).limit(MAX_OTHERS)
    return tuple(_read_rows(connection, wanted))


def _entry(event: Any, details: Details) -> Entry:
    text = event["text"] or ""
    return Entry(
        id=event["id"],
        kind="message" if event["kind"] == "conversation_started" else event["kind"],
        author=event["author"],
        name=details.author,
        at=event["at"],
        text=text[:MAX_TEXT_CHARS],
        is_cut=len(text) > MAX_TEXT_CHARS,
        rating=event["rating"],
        best=event["best"],
        files=tuple(file for file in details.files if URL.fullmatch(file.url)),
    )


def _raw() -> sa.Label[str]:
    """A delivery, unless it is so large that it is not worth reading for a name."""
    return sa.case((sa.func.length(E.raw) <= MAX_RAW_CHARS, E.raw), else_="{}").label("raw")


def _details(event: Any) -> Details:
    spec = providers.webhooks(event["provider"]) if event["provider"] in providers.names() else None
    return spec.details(read_event(event)) if spec else Details()

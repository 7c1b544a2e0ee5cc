"""The first days against staying: the table of the docs by hand, the docs' SQL, and people who make no sense."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta, timezone
from io import StringIO
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_livechat.desk import cohort as pure
from flask_livechat.desk.cohort import BATCH_PEOPLE, NOT_A_CAUSE, Cohort, Person, difference
from flask_livechat.desk.cohort_query import conversations_begun, first_known
from flask_livechat.desk.erasure import prune
from flask_livechat.desk.export import each_episode, each_event, write
from flask_livechat.desk.store import Store
from flask_livechat.desk.tables import events
from flask_livechat.errors import LiveChatError
from flask_livechat.model import Event

from ..conftest import chat_of
from .test_metrics import PAGE, table
from .test_projections import NOW
from .test_receiver import Make, make  # noqa: F401 - a fixture

SIGNED_UP = datetime(2026, 10, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def by_hand() -> tuple[list[Person], list[Event]]:
    """The people of the docs' table, and what they wrote."""
    people: list[Person] = []
    events: list[Event] = []
    for row in table(2):
        for n in range(int(row["people"])):
            name = f"id-{len(people)}"
            people.append((name, moment(row["signed up"]), n < int(row["stayed"])))
            if row["wrote"]:
                tags = (row["tag"],) if row["tag"] else ()
                events.append(wrote(name, moment(row["wrote"]), *tags))
    return people, events


def wrote(name: str, at: datetime, *tags: str, **fields: Any) -> Event:
    """A conversation that somebody begins, by id."""
    who = {"visitor": name} | fields
    talk = f"{name}:{at.isoformat()}"
    return Event("intercom", "message", talk, at, talk, author="visitor", tags=tags, **who)


def keep(store: Store, events: list[Event]) -> None:
    store.add(events, NOW)
    assert sum(store.recount(lambda: NOW))


def count(store: Store, people: Any, days: int = 7, now: datetime = NOW) -> Cohort:
    def find(*asked: Any) -> Iterator[tuple[str, datetime, str]]:
        return conversations_begun(store, *asked)

    return pure.count(people, days, now, first_known(store), find)


def flat(result: Cohort) -> dict[str, tuple[float | None, ...]]:
    """Name -> people, stayed, share, difference, low, high."""
    named = {"wrote": (result.wrote, result.difference), "silent": (result.silent, None)}
    named |= {str(group.tag): (group, group.difference) for group in result.by_tag}
    return {
        name: (
            group.people,
            group.stayed,
            group.share,
            *((apart.share, apart.low, apart.high) if apart else (None, None, None)),
        )
        for name, (group, apart) in named.items()
        if group
    }


def expected() -> dict[str, tuple[float | None, ...]]:
    return {row["who"]: tuple(float(row[name]) if row[name] else None for name in list(row)[1:]) for row in table(3)}


def assert_equal(result: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert result.keys() == wanted.keys()
    for name, figures in wanted.items():
        assert result[name] == pytest.approx(figures, abs=5e-5), name


def test_a_cohort_is_the_table_that_was_worked_by_hand(store: Store) -> None:
    people, events = by_hand()
    keep(store, events)
    result = count(store, people)
    assert_equal(flat(result), expected())
    assert (result.days, result.too_new, result.unknown, result.note) == (7, 3, 3, NOT_A_CAUSE)


def test_the_sql_of_the_docs_gives_the_same_cohort(store: Store, database: Callable[..., str]) -> None:
    people, events = by_hand()
    # One is known by an email that a vendor told with the id; one is given by the email.
    events += [
        Event("intercom", "contact_changed", "told", SIGNED_UP, visitor="linked", email="Linked@example.com"),
        Event("crisp", "message", "l", SIGNED_UP, "l", author="visitor", email="linked@example.com"),
        Event("crisp", "message", "m", SIGNED_UP, "m", author="visitor", email="mail@example.com", tags=("refund",)),
        # Two conversations at one moment, and a later one: the first tag in the alphabet counts.
        *(Event("crisp", "message", n, SIGNED_UP, n, author="visitor", visitor="two", tags=(n,)) for n in ("b", "a")),
        wrote("two", SIGNED_UP + SECOND, "0"),
    ]
    people += [(name, SIGNED_UP, True) for name in ("linked", "Mail@example.com", "two", "MAIL2@example.com")]
    keep(store, events)
    result = count(store, people)
    assert_equal(flat(result), warehouse(database("sqlite" if store.is_sqlite else "postgresql"), store, people))
    assert result.wrote
    assert result.silent
    assert (result.wrote.people, result.silent.people) == (73, 81)


def warehouse(url: str, store: Store, people: list[Person]) -> dict[str, tuple[float | None, ...]]:
    """Load what the export writes into tables of a database, and ask it by the docs' SQL."""
    (sql,) = re.findall(r"\.\. code-block:: sql\n\n((?:   .*\n|\n)+)", PAGE.read_text("utf-8"))
    engine = sa.create_engine(url.replace(".sqlite3", "-warehouse.sqlite3"))
    is_sqlite = engine.dialect.name == "sqlite"
    if is_sqlite:
        assert "signed_up_at + INTERVAL '7 days'" in sql
        sql = sql.replace("signed_up_at + INTERVAL '7 days'", "datetime(signed_up_at, '+7 days')")
    # SQLite has no type for a moment: text without a zone, in UTC, is what its functions give.
    kind, as_json, flag = ("TEXT", "TEXT", "INTEGER") if is_sqlite else ("TIMESTAMPTZ", "JSON", "BOOLEAN")

    def at(text: str | None) -> str | None:
        return str(datetime.fromisoformat(text).replace(tzinfo=None)) if text and is_sqlite else text

    with engine.begin() as connection:

        def fill(name: str, columns: str, rows: list[dict[str, Any]]) -> None:
            connection.exec_driver_sql(f"CREATE TABLE {name} ({columns})")
            names = [column.split()[0] for column in columns.split(", ")]
            values = ", ".join(f":{one}" for one in names)
            connection.execute(
                sa.text(f"INSERT INTO {name} ({', '.join(names)}) VALUES ({values})"),  # noqa: S608 - ours
                [{one: row[one] for one in names} for row in rows],
            )

        if is_sqlite:  # some are built without it
            connection.connection.create_function("SQRT", 1, lambda x: None if x is None else math.sqrt(x))  # type: ignore[attr-defined]
        talks = exported(each_episode(store, NOW + timedelta(days=1)))
        for row in talks:
            row |= {"started_at": at(row["started_at"]), "tags": json.dumps(row["tags"])}
        fill("conversations", f"visitor TEXT, email TEXT, started_at {kind}, tags {as_json}", talks)
        fill("events", "visitor TEXT, email TEXT", exported(each_event(store, NOW + timedelta(days=1))))
        rows = [{"id": name, "signed_up_at": at(when.isoformat()), "stayed": stayed} for name, when, stayed in people]
        fill("people", f"id TEXT, signed_up_at {kind}, stayed {flag}", rows)
        result = connection.execute(sa.text(sql), {"now": at(NOW.isoformat())}).all()
    engine.dispose()
    return {
        row.tag if row.tag is not None else "wrote" if row.wrote else "silent": (
            row.people,
            int(row.stayed),
            float(row.share),
            *(None if row.difference is None else float(value) for value in (row.difference, row.low, row.high)),
        )
        for row in result
    }


def exported(rows: Any) -> list[dict[str, Any]]:
    file = StringIO()
    write(rows, file, "jsonl")
    return [json.loads(line) for line in file.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("people", "stayed", "others", "stayed_of_others", "low", "high"),
    [
        (70, 56, 80, 48, 0.0524, 0.3339),
        (10, 9, 10, 3, 0.1705, 0.8090),
        (7, 6, 7, 2, 0.0582, 0.8062),
        (56, 5, 29, 0, -0.0381, 0.1926),
        (10, 0, 20, 0, -0.1611, 0.2775),
        (10, 10, 20, 0, 0.6791, 1.0),
        (10, 10, 10, 0, 0.6075, 1.0),
    ],
)
def test_the_interval_is_the_one_that_newcombe_published(
    people: int, stayed: int, others: int, stayed_of_others: int, low: float, high: float
) -> None:
    """Table II of the article, method 10."""
    result = difference(people, stayed, others, stayed_of_others)
    assert (result.low, result.high) == pytest.approx((low, high), abs=5e-5)


def test_the_first_days_begin_with_the_sign_up_and_end_before_their_end(store: Store) -> None:
    ends = SIGNED_UP + timedelta(days=7)
    for number, at in enumerate((SIGNED_UP - SECOND, SIGNED_UP, ends - SECOND, ends)):
        keep(store, [wrote(f"{number}-{n}", at) for n in range(20)])
    people = [(f"{number}-{n}", SIGNED_UP, number in (1, 2)) for number in range(4) for n in range(20)]
    assert flat(count(store, people))["wrote"][:2] == (40, 40)
    assert flat(count(store, people))["silent"][:2] == (40, 0)
    later = ("later", ends, False)  # for whom conversations of the next days are read, too
    assert flat(count(store, [*people, later]))["wrote"][:2] == (40, 40)


def test_a_day_has_24_hours_whatever_the_clocks_do(store: Store) -> None:
    """People who signed up in other zones are compared by moments."""
    zone = timezone(timedelta(hours=9))
    keep(store, [wrote(f"{n}", SIGNED_UP + timedelta(days=1) - SECOND) for n in range(20)])
    people = [(f"{n}", SIGNED_UP.astimezone(zone), True) for n in range(20)]
    assert flat(count(store, people, days=1))["wrote"][0] == 20


def test_who_signed_up_lately_is_not_taken_for_silent(store: Store) -> None:
    keep(store, [wrote("x", SIGNED_UP)])
    people = [(f"{n}", NOW - timedelta(days=7) + n * SECOND, True) for n in range(-20, 6)]
    result = count(store, people)
    assert (result.silent and result.silent.people, result.too_new) == (21, 5)


def test_groups_under_twenty_are_not_shown(store: Store) -> None:
    keep(store, [wrote(f"{n}", SIGNED_UP, "refund" if n else "shipping") for n in range(20)])
    people = [(f"{n}", SIGNED_UP, True) for n in range(39)]
    result = count(store, people)
    assert (result.wrote and result.wrote.people, result.silent, result.difference, result.by_tag) == (
        20,
        None,
        None,
        (),
    )
    assert count(store, people[1:]).wrote is None


def test_no_id_is_in_what_a_cohort_says(store: Store) -> None:
    people, events = by_hand()
    keep(store, events)
    result = count(store, people)
    assert "id-" not in repr(result) + json.dumps(result.as_dict())


def test_people_are_read_in_batches(store: Store) -> None:
    """Nothing is held of those who have been counted."""
    keep(store, [wrote("0", SIGNED_UP)])
    waiting = [0]

    def people() -> Iterator[Person]:
        for n in range(3 * BATCH_PEOPLE):
            waiting[0] += 1
            yield f"{n}", SIGNED_UP, True

    asked = []

    def find(ids: Any, *others: Any) -> Iterator[tuple[str, datetime, str]]:
        asked.append((len(ids), waiting[0]))
        return conversations_begun(store, ids, *others)

    assert pure.count(people(), 7, NOW, SIGNED_UP, find).silent
    assert asked == [(BATCH_PEOPLE, BATCH_PEOPLE * n) for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("person", "message"),
    [
        ((42, SIGNED_UP, True), "Person 2: the id is text, as the id of your Visitor is, not int."),
        ((b"42", SIGNED_UP, True), "not bytes"),
        ((None, SIGNED_UP, True), "not NoneType"),
        (("", SIGNED_UP, True), "Person 2: the id is empty."),
        (("\0", SIGNED_UP, True), "Person 2: the id is empty."),
        (("secret-id", SIGNED_UP.replace(tzinfo=None), True), "is an aware datetime, not a moment without a time zone"),
        (("secret-id", date(2026, 10, 1), True), "is an aware datetime, not date"),
        (("secret-id", "2026-10-01", True), "is an aware datetime, not str"),
        (("secret-id", NOW + SECOND, True), "Person 2: signed_up_at lies in the future."),
        (("secret-id", SIGNED_UP, None), "Person 2: stayed is True or False, not NoneType."),
        (("secret-id", SIGNED_UP, "yes"), "not str"),
        (("secret-id", SIGNED_UP), "Person 2 is not (id, signed_up_at, stayed)."),
        ("secret-id", "Person 2 is not (id, signed_up_at, stayed)."),
        (None, "Person 2 is not (id, signed_up_at, stayed)."),
    ],
)
def test_people_who_make_no_sense_are_refused_by_their_number(person: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        pure.count([("1", SIGNED_UP, True), person], 7, NOW, SIGNED_UP, lambda *asked: ())
    assert "secret-id" not in str(caught.value)


@pytest.mark.parametrize("people", [None, 7, list])
def test_people_that_are_no_iterable_are_an_error(people: Any) -> None:
    with pytest.raises(ValueError, match=f"people are an iterable of .*, not {type(people).__name__}"):
        pure.count(people, 7, NOW, SIGNED_UP, lambda *asked: ())


def test_two_spellings_of_an_email_lead_to_the_same_conversations(store: Store) -> None:
    keep(store, [wrote(f"{n}", SIGNED_UP, visitor=None, email=f"p{n}@example.com") for n in range(10)])
    people = [(f"{letter}{n}@example.com", SIGNED_UP, True) for letter in "Pp" for n in range(10)]
    assert flat(count(store, people))["wrote"][:2] == (20, 20)


@pytest.mark.needs("time")
def test_a_conversation_of_another_id_is_not_that_of_whoever_shares_the_email(store: Store) -> None:
    for number in range(20):
        email = f"p{number}@example.com"
        keep(store, [wrote(f"{number}", SIGNED_UP - 9 * DAY, email=email), wrote(f"b{number}", SIGNED_UP, email=email)])
    people = [(f"{n}", SIGNED_UP, True) for n in range(20)]
    assert count(store, people).wrote is None


def test_any_text_is_an_id(store: Store) -> None:
    odd = ["a\0b", "\ud800", "x" * 5000, "%", "' OR 1=1 --", "[]", '"']
    names = [*odd, *(f"{n}" for n in range(20 - len(odd)))]
    keep(store, [wrote(name, SIGNED_UP) for name in names])
    assert flat(count(store, [(name, SIGNED_UP, True) for name in names]))["wrote"][:2] == (20, 20)


def test_a_cohort_of_nobody_is_an_error(store: Store) -> None:
    with pytest.raises(ValueError, match=r"The cohort is empty\. Signed up less than 7 days ago: 0"):
        count(store, [])
    with pytest.raises(ValueError, match="over before the first conversation that is stored: 1"):
        count(store, [("1", SIGNED_UP, True)])
    keep(store, [wrote("x", SIGNED_UP)])
    with pytest.raises(ValueError, match="Signed up less than 7 days ago: 1"):
        count(store, [("1", NOW, True)])


@pytest.mark.parametrize("days", [0, -1, 1.5, True, "7", 10**6])
def test_days_are_whole(days: Any) -> None:
    with pytest.raises(ValueError, match="days is a whole number from 1 to 3650"):
        pure.count([("1", SIGNED_UP, True)], days, NOW, SIGNED_UP, lambda *asked: ())


# -- the app's side ----------------------------------------------------------------------------------------------------


@pytest.fixture
def app(make: Make, monkeypatch: pytest.MonkeyPatch) -> Flask:  # noqa: F811
    """An app with the conversations of the docs' table."""
    from flask_livechat import LiveChat

    app = make("crisp")
    monkeypatch.setattr(LiveChat, "now", staticmethod(lambda: NOW))
    with app.app_context():
        keep(chat_of(app).store, by_hand()[1])
    return app


def test_python_json_and_the_terminal_say_the_same_cohort(app: Flask) -> None:
    chat_of(app).people(lambda: by_hand()[0])
    with app.app_context():
        result = chat_of(app).cohort()
        assert chat_of(app).cohort(iter(by_hand()[0]), days=7) == result
    assert_equal(flat(result), expected())
    runner = app.test_cli_runner()
    in_json = runner.invoke(args=["livechat", "cohort", "--days", "7", "--json"])
    assert json.loads(in_json.stdout) == json.loads(json.dumps(asdict(result)))
    text = runner.invoke(args=["livechat", "cohort"]).stdout
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines == [
        "wrote within 7 days of signing up 70 people, 56 stayed (80%): +20.0 points, 95% interval +5.2 to +33.4",
        "did not 80 people, 48 stayed (60%)",
        "wrote, first tag refund 30 people, 21 stayed (70%): +10.0 points, 95% interval -10.5 to +27.3",
        "wrote, first tag shipping 25 people, 22 stayed (88%): +28.0 points, 95% interval +7.4 to +41.5",
        "Tags of fewer than 20 people are not shown. Differences are from those who did not write.",
        "Not counted: 3 who signed up less than 7 days ago.",
        "Not counted: 3 whose days were over before the first conversation that is stored.",
        NOT_A_CAUSE,
    ]


def test_whose_conversations_are_too_old_to_be_kept_is_not_taken_for_silent(
    make: Make,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``LIVECHAT_KEEP_DAYS`` takes the names from conversations, and leaves when they began."""
    monkeypatch.setattr("flask_livechat.LiveChat.now", staticmethod(lambda: NOW))
    app, lately = make("crisp", LIVECHAT_KEEP_DAYS=20), NOW - timedelta(days=15)
    old = [(f"old-{n}", SIGNED_UP, True) for n in range(30)]
    new = [(f"new-{n}", lately, True) for n in range(30)]
    with app.app_context():
        store = chat_of(app).store
        keep(store, [wrote(name, at) for name, at, _ in (*old, *new[:10])])
        with store.engine.begin() as connection:
            connection.execute(sa.update(events).values(state="done", received_at=events.c.at))
        prune(store, NOW - timedelta(days=20))
        result = chat_of(app).cohort([*old, *new])
    assert result.unknown == 30
    assert flat(result)["silent"][:2] == (20, 20)


def test_a_cohort_without_people_says_how_to_give_them(app: Flask) -> None:
    with app.app_context(), pytest.raises(LiveChatError, match="register a function"):
        chat_of(app).cohort()
    result = app.test_cli_runner().invoke(args=["livechat", "cohort"])
    assert (result.exit_code, "@livechat.people" in result.stderr) == (1, True)


def test_the_command_says_in_one_line_what_is_wrong_with_people(app: Flask) -> None:
    chat_of(app).people(lambda: [("1", datetime(2026, 10, 1), True)])
    result = app.test_cli_runner().invoke(args=["livechat", "cohort"])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: Person 1: signed_up_at is an aware datetime")
    assert app.test_cli_runner().invoke(args=["livechat", "cohort", "--days", "0"]).exit_code == 2

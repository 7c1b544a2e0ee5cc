"""Events and conversations for a warehouse."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from flask_livechat.desk import export
from flask_livechat.desk.erasure import forget
from flask_livechat.desk.projections import lock_conversation
from flask_livechat.desk.store import Store

from ..conftest import chat_of, create_app
from . import exporting
from .conftest import KINDS
from .test_circle import site
from .test_metrics import closed
from .test_projections import NOW, message, work

LATER = NOW + timedelta(hours=1)
SQL_BLOCK = r"\.\. code-block:: sql\n\n((?:   .*\n|\n)+)"


def written(rows: Iterable[Mapping[str, Any]], format: str = "jsonl") -> list[dict[str, Any]]:
    file = io.StringIO()
    export.write(rows, file, format)
    file.seek(0)
    return [json.loads(line) for line in file] if format == "jsonl" else list(csv.DictReader(file))


def test_every_event_comes_once_with_all_that_it_has(store: Store) -> None:
    store.add([message(1, text='Hello,\n"you"', tags=("a",), raw={"x": [1]}), message(2, "agent", 5)], NOW)
    first, second = written(export.each_event(store, LATER))
    assert (first["text"], first["tags"], first["raw"], first["at"]) == (
        'Hello,\n"you"',
        ["a"],
        {"x": [1]},
        NOW.isoformat(),
    )
    assert (second["author"], second["text"]) == ("agent", None)
    lines = written(export.each_event(store, LATER), "csv")
    assert [line["text"] for line in lines] == ['Hello,\n"you"', ""]


def test_an_export_goes_on_after_a_cursor(store: Store) -> None:
    store.add([message(n) for n in range(5)], NOW)
    rows = written(export.each_event(store, LATER))
    assert written(export.each_event(store, LATER, rows[2]["cursor"])) == rows[3:]
    assert written(export.each_event(store, LATER, rows[-1]["cursor"])) == []


def test_pages_of_an_export_leave_nothing_out(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "BATCH_ROWS", 3)
    store.add([message(n) for n in range(10)], NOW)
    assert [row["event"] for row in written(export.each_event(store, LATER))] == [f"s:{n}" for n in range(10)]


def test_a_conversation_has_a_row_for_each_episode(store: Store) -> None:
    store.add([message(1), message(2, "agent", 5), closed(9), message(3, minutes=60)], NOW)
    work(store)
    first, second = written(export.each_episode(store, LATER))
    assert (first["conversation"], first["response"], first["resolution"]) == ("s", 300.0, 540.0)
    assert (second["conversation"], second["response"]) == ("s", None)
    assert {row["state"] for row in (first, second)} == {"open"}


def test_a_conversation_that_has_changed_comes_once_more(store: Store) -> None:
    clock = [NOW]

    def tell(*events: Any) -> None:
        store.add(list(events), clock[0])
        for event in events:
            store.update_projection(event, clock[0])

    tell(message(1))
    (row,) = written(export.each_episode(store, LATER))
    assert written(export.each_episode(store, LATER, row["cursor"])) == []
    clock[0] += timedelta(minutes=10)
    tell(message(2, "agent", 5))
    (again,) = written(export.each_episode(store, LATER, row["cursor"]))
    assert (again["conversation"], again["response"]) == ("s", 300.0)


def test_an_export_that_stops_within_a_conversation_begins_it_anew(store: Store) -> None:
    store.add([message(1), closed(9), message(3, minutes=60)], NOW)
    work(store)
    first, second = written(export.each_episode(store, LATER))
    assert len(written(export.each_episode(store, LATER, first["cursor"] or None))) == 2
    assert written(export.each_episode(store, LATER, second["cursor"])) == []


def test_what_is_recounted_while_an_export_runs_comes_later(store: Store) -> None:
    times = iter(NOW + timedelta(minutes=n) for n in range(10))
    store.add([message(1), replace(message(2), conversation="t")], NOW)
    counted = store.recount(lambda: next(times))
    next(counted)
    (row,) = written(export.each_episode(store, LATER))
    list(counted)
    assert [item["conversation"] for item in written(export.each_episode(store, LATER, row["cursor"]))] == ["t"]


def test_who_was_erased_is_a_row_without_a_name(store: Store) -> None:
    store.add([message(1, visitor="42"), message(2, "agent", 5)], NOW)
    work(store)
    forget(store, {}, "42", NOW)
    (row,) = written(export.each_episode(store, LATER))
    assert (row["conversation"], row["visitor"], row["response"]) == (None, None, 300.0)


def test_the_warehouse_of_the_docs_has_each_event_once_and_the_last_of_each_conversation(
    store: Store, database: Callable[..., str]
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "warehouse.rst").read_text("utf-8")
    tables, erase = (textwrap.dedent(code) for code in re.findall(SQL_BLOCK, page))
    (code,) = (textwrap.dedent(code) for code in re.findall(SQL_BLOCK.replace("sql", "python"), page))
    load: dict[str, Any] = {}
    exec(code, load)
    url = database("sqlite" if store.is_sqlite else "postgresql")
    warehouse = sa.create_engine(url.replace(".sqlite3", "-warehouse.sqlite3"))
    cursors, now = {"events": "", "conversations": ""}, NOW

    def night() -> None:
        exports = {"events": export.each_event, "conversations": export.each_episode}
        for what, rows in exports.items():
            file = io.StringIO()
            export.write(rows(store, now + timedelta(hours=1), cursors[what] or None), file, "jsonl")
            with warehouse.begin() as connection:
                lines = file.getvalue().splitlines()
                cursors[what] = load[f"load_{what}"](connection, lines, cursors[what])

    def count(what: str) -> int:
        with warehouse.begin() as connection:
            return connection.execute(sa.text(f"SELECT COUNT(*) FROM {what}")).scalar_one()  # noqa: S608 - ours

    with warehouse.begin() as connection:
        for statement in tables.split(";"):
            connection.execute(sa.text(statement))
    store.add([message(1, visitor="42", tags=("refund",)), replace(message(2), conversation="t")], now)
    work(store)
    night()
    assert (count("events"), count("conversations")) == (2, 2)
    now += timedelta(hours=1)
    store.add([closed(9), message(3, minutes=60)], now)
    for row in (closed(9), message(3, minutes=60)):
        store.update_projection(row, now)
    night()
    night()
    assert (count("events"), count("conversations")) == (4, 3)  # the first conversation has two episodes
    with warehouse.begin() as connection:
        for statement in erase.split(";"):
            connection.execute(sa.text(statement), {"id": "42", "email": "ada@example.com"})
    assert (count("events"), count("conversations")) == (1, 1)
    warehouse.dispose()


def test_an_export_stops_at_the_first_event_that_is_not_settled(store: Store) -> None:
    """Its number is lower, and the clock of whoever received it was ahead: what is beyond waits for it."""
    store.add([message(1)], NOW)
    store.add([message(2)], LATER)
    store.add([message(3)], NOW)
    first = written(export.each_event(store, LATER))
    assert [row["event"] for row in first] == (["s:1", "s:2", "s:3"] if store.is_sqlite else ["s:1"])
    rest = written(export.each_event(store, LATER + timedelta(hours=1), first[-1]["cursor"]))
    assert [row["event"] for row in first + rest] == ["s:1", "s:2", "s:3"]


@pytest.mark.needs("time")
@pytest.mark.parametrize("kind", KINDS)
def test_an_export_beside_six_receivers_leaves_nothing_out(kind: str, database: Any, tmp_path: Path) -> None:
    outcome = exporting.run(database(kind, "migrated"), tmp_path, seconds=2, settled_s=1)
    assert outcome.acknowledged > 50
    assert (outcome.lost, outcome.outdated) == (set(), set())


def test_an_export_waits_for_no_clock_on_sqlite(database: Any) -> None:
    """Who received the event waited for the one writer, and had asked the clock before: its number is what counts."""
    store = Store(database("sqlite", "migrated"))
    store.add([message(1)], LATER)
    assert len(written(export.each_event(store, NOW))) == 1
    store.engine.dispose()


def test_what_is_counted_later_is_exported_later_whatever_the_clock_said(database: Any) -> None:
    """A worker asks the clock, and waits for another who asks it later and writes first."""
    store = Store(database("sqlite", "migrated"))
    store.add([message(1), replace(message(2), conversation="t")], NOW)
    store.update_projection(replace(message(2), conversation="t"), NOW + timedelta(seconds=2))
    (row,) = written(export.each_episode(store, LATER))
    store.update_projection(message(1), NOW)
    assert [item["conversation"] for item in written(export.each_episode(store, LATER, row["cursor"]))] == ["s"]
    store.engine.dispose()


@pytest.mark.needs("postgresql")
def test_a_moment_is_taken_when_the_lock_is_held(database: Any) -> None:
    """On PostgreSQL: what has waited for its conversation is not older than what was exported meanwhile."""
    store = Store(database("postgresql", "migrated"))
    store.add([message(1)], NOW)
    store.update_projection(message(1), NOW)
    with store.engine.connect() as connection, connection.begin():
        lock_conversation(connection, store.insert, "crisp", "s")
        thread = threading.Thread(target=lambda: store.update_projection(message(1), LATER))
        thread.start()
        thread.join(0.5)
    thread.join(10)
    (row,) = written(export.each_episode(store, LATER + timedelta(hours=1)))
    assert row["cursor"].partition("~")[0] >= (LATER + timedelta(seconds=0.4)).isoformat()
    store.engine.dispose()


def test_on_postgresql_the_last_minute_waits(store: Store) -> None:
    """A row with a lower number may be committed after one with a higher: then it would be left out for good."""
    store.add([message(1)], NOW)
    assert len(written(export.each_event(store, NOW))) == (1 if store.is_sqlite else 0)


@pytest.mark.parametrize(
    "cursor",
    ["x", "-1", "1.5", "9" * 30, "\u0661", "2026-11-21", "2026-11-21T10:00:00~1", "0001-01-01T00:00:00+14:00~1"],
)
def test_a_cursor_that_is_none_is_refused(store: Store, cursor: str) -> None:
    for item in (export.each_event, export.each_episode):
        with pytest.raises(ValueError, match="not a cursor"):
            list(item(store, NOW, cursor))


ALONE = """
import io, sys, tracemalloc
from datetime import datetime
from flask_livechat.desk import export
from flask_livechat.desk.store import Store

export.BATCH_ROWS = 100

class Nowhere(io.StringIO):
    def write(self, text):
        return len(text)

def all_of_it():
    return export.write(export.each_event(store, datetime.fromisoformat(sys.argv[2])), Nowhere(), "jsonl")

store = Store(sys.argv[1])
all_of_it()
tracemalloc.start()
print(all_of_it(), tracemalloc.get_traced_memory()[1])
"""


@pytest.mark.needs("process")
def test_memory_does_not_grow_with_what_is_exported(store: Store) -> None:
    """In a process of its own: what other tests have left behind takes memory, too."""
    store.add([message(n, raw={"text": "x" * 500}) for n in range(3000)], NOW)
    url = store.engine.url.render_as_string(hide_password=False)
    output = subprocess.run(
        [sys.executable, "-c", ALONE, url, LATER.isoformat()], check=True, capture_output=True, text=True
    )
    count, peak = map(int, output.stdout.split())
    assert count == 3000
    assert peak < 2_000_000  # all of it would be three times as much


def test_the_commands_print_figures_and_rows(tmp_path: Path) -> None:
    app = site("crisp", tmp_path, LIVECHAT_OFFICE_HOURS={"tz": "UTC", "mon-sun": "00:00-24:00"})
    with app.app_context():
        livechat = chat_of(app)
        store = livechat.store
        now = livechat.now()
        minutes = (now - NOW).total_seconds() / 60 - 60
        store.add(
            [message(1, minutes=minutes, tags=("refund",)), message(2, "agent", minutes + 5), closed(minutes + 9)], now
        )
        store.add([message(3, "bot", minutes)], now)
        store.count("crisp", "open", now)

    def run(*words: str) -> Any:
        return app.test_cli_runner().invoke(args=["livechat", *words])

    assert run("work", "--once").stdout == "4 handled.\n"
    with app.app_context():
        store.add([message(4, minutes=minutes)], now)
    output = run("metrics", "--explain").stdout
    for expected in (
        "conversations           1",
        "first response          median 5 min, p90 5 min (1)",
        "in office hours       median 5 min",
        "resolution              median 9 min",
        "deflection              0% of 1 open (1 conversation)",
        "refund: 1 (new)",
        "1 event waits for a worker",
        "bots, notes and joins do not count",
    ):
        assert expected in output
    assert json.loads(run("metrics", "--format", "json").stdout)["first_response"]["median"] == 300.0
    assert "first_response,median,,300.0" in run("metrics", "--format", "csv").stdout
    assert run("metrics", "--since", "2d", "--until", "1d", "--provider", "crisp").exit_code == 0
    assert "since must be before until" in run("metrics", "--since", "1d", "--until", "2d").stderr
    assert "'nope' is not a provider" in run("metrics", "--provider", "nope").stderr
    assert "2026-11-21" in run("metrics", "--until", "soon").stderr
    exported = run("export")
    assert len(exported.stdout.splitlines()) == 5
    assert "5 rows. Continue with --after 5" in exported.stderr
    assert run("export", "--after", "5").stderr == "0 rows. Continue with --after 5\n"
    assert run("export", "--what", "conversations", "--format", "csv").stdout.startswith("cursor,provider,conversation")
    assert "not a cursor" in run("export", "--after", "x").stderr
    assert "1 conversation counted again" in run("db", "recount").stdout


STEERING = ("\x1b[2J", "\x9b31m", "\u202e", "\x07")


def test_tags_and_ids_steer_no_terminal_and_no_spreadsheet(tmp_path: Path) -> None:
    app = site("crisp", tmp_path)
    with app.app_context():
        store, now = chat_of(app).store, chat_of(app).now()
    steering = "".join(STEERING)
    odd = replace(message(1, tags=("=cmd|' /C calc'!A0", f"a{steering}")), at=now - timedelta(hours=1))
    store.add([odd, replace(odd, id="2", conversation=f"s{steering}", text="@SUM(A1)", email="=1+1@example.com")], now)
    assert app.test_cli_runner().invoke(args=["livechat", "work", "--once"]).exit_code == 0

    def run(*words: str) -> str:
        return str(app.test_cli_runner().invoke(args=["livechat", *words]).stdout)

    for words in (["metrics"], ["metrics", "--format", "csv"], ["events"], ["export", "--format", "csv"], ["export"]):
        assert not [item for item in STEERING if item in run(*words)], words
    assert "a\ufffd" in run("metrics")
    for words in (["metrics", "--format", "csv"], ["export", "--format", "csv"]):
        cells = [cell for row in csv.reader(io.StringIO(run(*words))) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))], words
    assert [row["text"] for row in map(json.loads, run("export").splitlines())] == [None, "@SUM(A1)"]


@pytest.mark.parametrize(
    "words", [["metrics"], ["work", "--once"], ["events"], ["forget", "42", "--yes"], ["export"], ["db", "recount"]]
)
def test_a_command_without_its_tables_says_what_to_do(tmp_path: Path, words: list[str]) -> None:
    app = create_app("crisp", LIVECHAT_DATABASE_URL=f"sqlite:///{tmp_path / 'empty'}")
    result = app.test_cli_runner().invoke(args=["livechat", *words])
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == (
        "Error: The tables are missing, or older than this version. Run flask livechat db upgrade."
    )


def test_days_begin_where_the_office_is(tmp_path: Path) -> None:
    """As on the page."""
    hours = {"tz": "Pacific/Auckland", "mon": "09:00-17:00"}
    app = site("crisp", tmp_path, LIVECHAT_OFFICE_HOURS=hours)
    with app.app_context():
        livechat = chat_of(app)
        livechat.store.add([message(1)], NOW)  # noon in London, the next day in Auckland
        work(livechat.store)

    def count(*words: str) -> int:
        output = app.test_cli_runner().invoke(args=["livechat", "metrics", "--format", "json", *words]).stdout
        return int(json.loads(output)["conversations"])

    assert count("--since", "2026-11-21", "--until", "2026-11-22") == 1
    assert count("--since", "2026-11-20", "--until", "2026-11-21") == 0
    output = app.test_cli_runner().invoke(args=["livechat", "metrics", "--since", "2026-11-21"]).stdout
    assert output.startswith("2026-11-21 00:00 to ")
    assert "Pacific/Auckland" in output.splitlines()[0]


def test_a_database_that_was_never_created_is_said(postgres: str) -> None:
    url = sa.make_url(postgres).set(database="nowhere").render_as_string(hide_password=False)
    app = create_app("crisp", LIVECHAT_DATABASE_URL=url)
    result = app.test_cli_runner().invoke(args=["livechat", "db", "upgrade"])
    assert result.stderr.splitlines()[-1] == "Error: The database does not exist on the server yet. Create it first."


@pytest.mark.parametrize(
    ("url", "output"),
    [
        (
            "sqlite:////nowhere/at/all",
            "Error: SQLite cannot open the file (OperationalError). Does the folder in LIVECHAT_DATABASE_URL exist?",
        ),
        pytest.param(
            "postgresql://127.0.0.1:1/x",
            "Error: The database does not answer (OperationalError).",
            marks=pytest.mark.needs("package"),
        ),
        (
            "sqlite+nothing://",
            "Error: LIVECHAT_DATABASE_URL is not the address of an SQLite or PostgreSQL database that can",
        ),
        ("postgresql://user:secret@[::1", "Error: LIVECHAT_DATABASE_URL is not the address"),
    ],
)
def test_a_database_that_is_not_there_is_said_in_a_line(url: str, output: str) -> None:
    result = create_app("crisp", LIVECHAT_DATABASE_URL=url).test_cli_runner().invoke(args=["livechat", "metrics"])
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith(output)
    assert "secret" not in result.stderr

"""What webhooks and metrics cost: accepting events, the figures of a million messages, exports. On both databases.

    python -m benchmarks.webhooks [--quick]

Events are accepted under gunicorn with two workers, beside a bare Flask view that checks the same HMAC and inserts one
row with the same engine. Metrics are asked of a database and of one ten times as large, and beside SQL that was written
by hand. Figures are medians of rounds that take turns; memory is that of a process of its own. The targets are those of
a full run: of few messages a metric takes as long as its statements take to be made.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from benchmarks.by_hand import by_hand, differs, statements
from benchmarks.chats import HOURS, MESSAGES, SINCE, UNTIL, check, fill
from benchmarks.databases import KINDS, Databases, databases
from benchmarks.desk import peak
from benchmarks.load import flood, scheduled
from benchmarks.receivers import ROWS, delivery
from flask_livechat.desk.export import each_event, write
from flask_livechat.desk.metrics import metrics
from flask_livechat.desk.store import Store
from flask_livechat.desk.tables import events

A = TypeVar("A")
T = TypeVar("T")
TITLES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
NUMBERS = itertools.count()  # of deliveries: each is another message
HELD = ("held by Python at most", "growth of the process")
WARM = 200  # deliveries after which both workers have their connections


@dataclass(frozen=True)
class Size:
    """``deliveries`` in a round; ``chats`` in the larger database."""

    rounds: int
    deliveries: int
    chats: int


FULL, QUICK = Size(9, 4000, 100_000), Size(2, 300, 2_000)


def heading(what: str, first: str, second: str) -> None:
    print(f"\n{what:<50}{first:>10}{second:>10}      {'ratio':>6}   target")


def row(what: str, first: float, second: float, unit: str = "", target: str = "") -> None:
    digits = 1 if max(first, second) < 100 else 0
    print(f"{what:<50}{first:10,.{digits}f}{second:10,.{digits}f} {unit:<5}{second / first:6.2f}   {target}".rstrip())


def in_turns(call: Callable[[A], T], first: A, second: A, rounds: int) -> tuple[list[T], list[T]]:
    pairs = [(call(first), call(second)) for _ in range(rounds)]
    return [one for one, _ in pairs], [other for _, other in pairs]


def medians(found: tuple[list[float], list[float]]) -> tuple[float, float]:
    return statistics.median(found[0]), statistics.median(found[1])


# -- accepting ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def served(folder: Path, name: str, app: str) -> Iterator[str]:
    """The socket on which gunicorn serves an app of ``receivers.py``."""
    path = str(folder / name)
    command = [sys.executable, "-m", "gunicorn", "--workers", "2", "--log-level", "error", "--bind", f"unix:{path}"]
    with subprocess.Popen([*command, f"benchmarks.receivers:{app}"]) as server:
        try:
            wait_for(path)
            flood(path, deliveries(WARM))
            yield path
        finally:
            server.terminate()


def wait_for(path: str) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as one:
            return one.connect(path)
        time.sleep(0.1)
    raise SystemExit("gunicorn does not answer")


def deliveries(count: int) -> list[bytes]:
    return [delivery(number) for number in itertools.islice(NUMBERS, count)]


def accepting(made: Databases, size: Size) -> None:
    heading("Accepting", "bare view", "ours")
    for kind in KINDS:
        beside_a_bare_view(made, kind, size)
    with served(made.folder, "nothing", "nothing") as path:
        rates = [flood(path, deliveries(size.deliveries)) for _ in range(size.rounds)]
    print(f"{'a view that does nothing, per second':<50}{statistics.median(rates):10,.0f}")


def beside_a_bare_view(made: Databases, kind: str, size: Size) -> None:
    bare, ours = (Store(made.new(kind, name)) for name in ("bare", "ours"))
    ROWS.create(bare.engine)
    with contextlib.ExitStack() as stack:

        def start(name: str, store: Store) -> str:
            return stack.enter_context(served(made.folder, f"{kind}-{name}", f"{name}({address(store)!r})"))

        paths = start("bare", bare), start("ours", ours)
        rates = medians(in_turns(lambda path: flood(path, deliveries(size.deliveries)), *paths, size.rounds))
        row(f"{TITLES[kind]}: accepted per second", *rates, target="at least 0.70")
        half = min(rates) / 2
        took = in_turns(lambda path: scheduled(path, deliveries(size.deliveries), half), *paths, size.rounds)
    for share, target in ((0.5, ""), (0.99, "at most 3")):
        theirs, mine = ([one[int(len(one) * share)] * 1000 for one in each] for each in took)
        row(f"{TITLES[kind]}: p{share * 100:.0f} at {half:.0f} per second", *medians((theirs, mine)), "ms", target)
    for table, store in ((ROWS, bare), (events, ours)):
        with store.reading() as connection:
            stored = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        if stored != WARM + 2 * size.rounds * size.deliveries:
            raise SystemExit(f"{kind}: {stored} rows of {table.name} are stored")


def address(store: Store) -> str:
    return store.engine.url.render_as_string(hide_password=False)


# -- metrics and exports -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """A database, and one that has ten times as much."""

    kind: str
    tenth: Store
    whole: Store

    def time(self, call: Callable[[Store], object], rounds: int) -> tuple[float, float]:
        """Milliseconds."""
        return medians(in_turns(lambda store: milliseconds(partial(call, store)), self.tenth, self.whole, rounds))

    def alone(self, call: Callable[[str], T]) -> tuple[T, T]:
        """Of each, in a process of its own."""
        first, second = (alone(call, store) for store in (self.tenth, self.whole))
        return first, second


def alone(call: Callable[[str], T], store: Store) -> T:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(call, address(store)).result()


def filled(made: Databases, chats: int) -> list[Pair]:
    number, start = chats // 10, time.perf_counter()
    pairs = [Pair(kind, *(Store(made.new(kind, name), HOURS) for name in ("tenth", "whole"))) for kind in KINDS]
    fill([pair.tenth for pair in pairs], number)
    fill([pair.whole for pair in pairs], chats)
    for pair in pairs:
        check(pair.whole, chats)
    print(f"\n{chats * MESSAGES:,} messages in {chats:,} conversations, and a tenth, stored in", end=" ")
    print(f"{time.perf_counter() - start:.0f} s")
    return pairs


def milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


def asking(pairs: list[Pair], rounds: int) -> None:
    heading("Metrics of three months", "a tenth", "all")
    for pair in pairs:
        took = pair.time(lambda store: metrics(store, SINCE, UNTIL), rounds)
        row(f"{TITLES[pair.kind]}: time", *took, "ms", "at most 12")
        for what, tenth, whole in zip(HELD, *pair.alone(held_by_metrics), strict=True):
            row(f"{TITLES[pair.kind]}: {what}", tenth, whole, "KB", "constant")
    heading("Metrics beside SQL by hand", "by hand", "ours")
    for pair in pairs:
        beside_by_hand(pair, rounds)


def beside_by_hand(pair: Pair, rounds: int) -> None:
    asked = statements(pair.kind)
    if wrong := differs(metrics(pair.whole, SINCE, UNTIL), by_hand(pair.whole, asked)):
        raise SystemExit(f"{pair.kind}: by hand {', '.join(wrong)} are others")
    theirs: Callable[[], object] = partial(by_hand, pair.whole, asked)
    mine: Callable[[], object] = partial(metrics, pair.whole, SINCE, UNTIL)
    row(f"{TITLES[pair.kind]}: time", *medians(in_turns(milliseconds, theirs, mine, rounds)), "ms", "at most 2")


def held_by_metrics(url: str) -> tuple[float, float]:
    """KB: by Python at most, and by how much the process has grown at most."""
    store = Store(url, HOURS)
    metrics(store, SINCE, SINCE + timedelta(hours=1))  # all is loaded, and connected
    before = most_resident()
    metrics(store, SINCE, UNTIL)
    grown = most_resident() - before
    return peak(lambda: metrics(store, SINCE, UNTIL)), max(grown, 1)


def most_resident() -> float:
    """KB. ``getrusage`` knows of what the parent had."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def exporting(pairs: list[Pair], rounds: int) -> None:
    heading("Export of events, as JSON lines", "a tenth", "all")
    for pair in pairs:
        title = TITLES[pair.kind]
        first = pair.time(lambda store: next(each_event(store, now())), rounds)
        row(f"{title}: until the first row", *first, "ms", "constant")
        (tenth, less), (whole, more) = pair.alone(exported)
        row(f"{title}: rows per second", tenth, whole)
        row(f"{title}: growth of the process", less, more, "KB", "constant")


def exported(url: str) -> tuple[float, float]:
    """Rows per second, and by how many KB the process has grown at most."""
    store = Store(url)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        write(itertools.islice(each_event(store, now()), 10), nowhere, "jsonl")  # all is loaded, and connected
        before, start = most_resident(), time.perf_counter()
        count = write(each_event(store, now()), nowhere, "jsonl")
        return count / (time.perf_counter() - start), max(most_resident() - before, 1)


def now() -> datetime:
    return datetime.now(UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds and messages")
    size = QUICK if parser.parse_args().quick else FULL
    with databases() as made:
        accepting(made, size)
        pairs = filled(made, size.chats)
        asking(pairs, size.rounds)
        exporting(pairs, size.rounds)


if __name__ == "__main__":
    main()

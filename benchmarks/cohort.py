"""What a cohort of a million people costs: time and memory, on both databases.

    python -m benchmarks.cohort [--quick]

A fifth of the people have a conversation. They come from a generator, as rows of a database would, and the time is with
it. Memory is the growth of a process of its own, after a first cohort of few people.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context

import sqlalchemy as sa

from benchmarks.databases import KINDS, databases
from flask_livechat.desk import cohort
from flask_livechat.desk.cohort_query import conversations_begun, first_known
from flask_livechat.desk.store import Store
from flask_livechat.desk.tables import contacts, conversations, episodes

BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
NOW = BEGINS + timedelta(days=90)
ONE_IN, ROWS = 5, 10_000
KB_OF_MAXRSS = 1 if sys.platform == "linux" else 1024
MAX_S, MAX_MB = 5, 50


def people(number: int) -> Iterator[tuple[str, datetime, bool]]:
    for n in range(number):
        yield f"user-{n}", BEGINS + timedelta(days=n % 30), n % 3 == 0


def fill(store: Store, number: int) -> None:
    """Give one in five of the people a conversation, within their first fortnight."""
    at = {"first_at": BEGINS, "last_at": BEGINS}
    with store.engine.begin() as connection:
        for start in range(0, number // ONE_IN, ROWS):
            rows = range(start, min(start + ROWS, number // ONE_IN))
            names = [(n + 1, f"user-{n * ONE_IN}", f"user-{n * ONE_IN}@example.com") for n in rows]
            whose = [{"provider": "intercom", "visitor": name, "email": email} | at for _, name, email in names]
            talks = [
                row | {"id": id_, "conversation": f"{id_}", "tags": '["refund"]', "changed_at": BEGINS}
                for row, (id_, *_) in zip(whose, names, strict=True)
            ]
            begun = [
                {"conversation": id_, "provider": "intercom", "started_at": BEGINS + timedelta(days=id_ % 44)}
                for id_, *_ in names
            ]
            for table, values in ((conversations, talks), (episodes, begun), (contacts, whose)):
                connection.execute(sa.insert(table), values)


def measure(url: str, number: int) -> tuple[float, float, float]:
    """Seconds, those of them on this process's processor, and MB by which it grew."""
    store = Store(url)
    find, first = partial(conversations_begun, store), first_known(store)
    cohort.count(people(cohort.BATCH_PEOPLE), 7, NOW, first, find)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, started_cpu = time.perf_counter(), time.process_time()
    result = cohort.count(people(number), 7, NOW, first, find)
    took, took_cpu = time.perf_counter() - started, time.process_time() - started_cpu
    store.engine.dispose()
    if result.wrote is None or result.silent is None or result.wrote.people + result.silent.people != number:
        raise SystemExit(f"{result} does not count {number} people")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return took, took_cpu, grown / KB_OF_MAXRSS / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few people: to see that it works")
    is_quick = parser.parse_args().quick
    number, rounds = (20_000, 1) if is_quick else (1_000_000, 3)
    print(f"Cohort of {number:,} people, {number // ONE_IN:,} with a conversation     target")
    with databases() as made:
        for kind in KINDS:
            url = made.new(kind, "cohort")
            store = Store(url)
            fill(store, number)
            store.engine.dispose()
            results = []
            for _ in range(rounds):  # in a process of its own each
                with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                    results.append(pool.submit(measure, url, number).result())
            seconds, cpu_seconds, grown = (statistics.median(column) for column in zip(*results, strict=True))
            print(f"{kind}: time{seconds:44.2f} s    at most {MAX_S}")
            print(f"{kind}: of it, in Python's process{cpu_seconds:22.2f} s")
            print(f"{kind}: growth of the process{grown:27.2f} MB   at most {MAX_MB}")


if __name__ == "__main__":
    main()

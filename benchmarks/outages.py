"""A database that is locked or does not answer, and a burst in a very long conversation: what pages notice of it.

    python -m benchmarks.outages [--seconds 60] [--messages 20000] [--only hung]

gunicorn serves a site with two workers of eight threads. Pages, identities, unread counts and webhooks are asked for by
a clock, before and while there is trouble; each is timed from the moment at which it was due. Webhooks that were not
answered 200 are sent again afterwards, as vendors do. It ends with 1 where pages are more than 50 ms slower at p99,
a webhook takes more than 6 s, or an event is missing.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from flask import Flask, render_template_string

from benchmarks.databases import Databases, databases
from benchmarks.receivers import PATH, delivery, ours
from benchmarks.webhooks import TITLES, address, wait_for
from flask_livechat import Visitor
from flask_livechat.desk.rows import event_row
from flask_livechat.desk.store import Store
from flask_livechat.desk.tables import events
from flask_livechat.model import Event

RATES = {"/": 20.0, "/livechat/identity": 10.0, "/livechat/unread": 2.0, PATH: 5.0}  # a second
MORE_MS, WEBHOOK_S = 50.0, 6.0
QUIET_S = 10.0  # before the trouble
BURST = 500
Answers = list[tuple[float, int]]


def site(url: str) -> Flask:
    app = ours(url)
    livechat = app.extensions["livechat"].livechat
    livechat.visitor_loader(lambda user: Visitor(id="42", email="ada@example.com"))
    app.add_url_rule("/", "index", lambda: render_template_string("<title>Page</title><body>{{ livechat() }}"))
    return app


@dataclass
class Traffic:
    """What was asked, how long it took (seconds) and how it was answered."""

    socket: str
    numbers: Iterator[int]
    answers: dict[str, Answers] = field(default_factory=lambda: {path: [] for path in RATES})
    unheard: list[int] = field(default_factory=list)
    accepted: set[int] = field(default_factory=set)

    def run(self, seconds: float, rates: dict[str, float] = RATES) -> None:
        with ThreadPoolExecutor(200) as pool:
            clocks = [pool.submit(self._ask_by_the_clock, pool, path, rate, seconds) for path, rate in rates.items()]
            for clock in clocks:
                for answer in clock.result():
                    answer.result()

    def _ask_by_the_clock(self, pool: ThreadPoolExecutor, path: str, rate: float, seconds: float) -> list[Future[None]]:
        start, asked = time.perf_counter(), []
        for turn in range(int(seconds * rate)):
            time.sleep(max(0.0, start + turn / rate - time.perf_counter()))
            asked.append(pool.submit(self.ask, path, start + turn / rate))
        return asked

    def ask(self, path: str, due: float) -> None:
        number = next(self.numbers) if path == PATH else 0
        status = self.deliver(number) if path == PATH else send(self.socket, get(path))
        self.answers[path].append((time.perf_counter() - due, status))

    def deliver(self, number: int) -> int:
        status = send(self.socket, delivery(number))
        if status == 200:
            self.accepted.add(number)
        else:
            self.unheard.append(number)
        return status

    def deliver_again(self) -> None:
        """As vendors do: a second time, and a third."""
        for pause_s in (1, 5):
            time.sleep(pause_s)
            again, self.unheard = self.unheard, []
            for number in again:
                self.deliver(number)


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: a=1\r\nConnection: close\r\n\r\n".encode()


def send(path: str, request: bytes) -> int:
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(60)
        one.connect(path)
        one.sendall(request)
        answer = http.client.HTTPResponse(one)
        answer.begin()
        answer.read()
        return answer.status


def p99_ms(answers: Answers) -> float:
    took = sorted(seconds for seconds, _ in answers)
    return took[int(len(took) * 0.99)] * 1000


# -- trouble -----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def locked(store: Store) -> Iterator[None]:
    with store.engine.connect() as connection, connection.begin():
        if not store.is_sqlite:
            connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            connection.exec_driver_sql("LOCK TABLE livechat_events, livechat_conversations, livechat_counts")
        yield


@contextlib.contextmanager
def hung(store: Store) -> Iterator[None]:
    """The server's processes are stopped: it takes connections, and answers nobody."""
    with store.engine.connect() as connection:
        folder = connection.exec_driver_sql("SHOW data_directory").scalar_one()
    parent = int((Path(folder) / "postmaster.pid").read_text().split()[0])
    found = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True, check=False)  # noqa: S607
    processes = [parent, *map(int, found.stdout.split())]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


@contextlib.contextmanager
def served(made: Databases, name: str, url: str) -> Iterator[str]:
    path = str(made.folder / name)
    options = ["--workers", "2", "--threads", "8", "--log-level", "error", "--timeout", "120"]
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        *options,
        "--bind",
        f"unix:{path}",
        f"benchmarks.outages:site({url!r})",
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(path)
            yield path
        finally:
            server.terminate()


def outage(
    made: Databases, kind: str, trouble: Callable[[Store], contextlib.AbstractContextManager[None]], s: float
) -> bool:
    store = Store(made.new(kind, f"{kind}-{trouble.__name__}"))
    with served(made, f"{trouble.__name__}-{kind}", address(store)) as path:
        numbers = iter(range(10**9))
        Traffic(path, numbers).run(2)  # both workers have all loaded
        before, during = Traffic(path, numbers), Traffic(path, numbers)
        before.run(QUIET_S)
        with trouble(store):
            during.run(s)
        during.deliver_again()
        lost = missing(store, before.accepted | during.accepted)
    store.engine.dispose()
    print(f"\n{len(during.unheard)} webhooks were never taken, {lost} that were taken are not there")
    return (
        report(f"{TITLES[kind]}, {trouble.__name__} for {s:.0f} s", before, during) and not lost and not during.unheard
    )


def missing(store: Store, numbers: set[int]) -> int:
    with store.reading() as connection:
        known = set(connection.execute(sa.select(events.c.event)).scalars())
    return len([number for number in numbers if f"session_{number // 10:032}:{number}" not in known])


def burst(made: Databases, kind: str, messages: int) -> bool:
    """In a conversation that has many messages, while a worker counts them."""
    store = Store(made.new(kind, f"{kind}-burst"))
    name = f"session_{0:032}"
    start = datetime(2026, 1, 1, tzinfo=UTC)
    told = [
        Event(
            "crisp",
            "message",
            f"{name}:old{n}",
            start + timedelta(seconds=n),
            name,
            author="visitor" if n % 2 else "agent",
        )
        for n in range(messages)
    ]
    with store.engine.begin() as connection:
        connection.execute(sa.insert(events), [event_row(one, start) | {"state": "done"} for one in told])
    store.update_projection(told[0], start)
    with served(made, f"burst-{kind}", address(store)) as path, working(address(store)):
        numbers = iter(range(BURST, 10**9))
        Traffic(path, numbers).run(2)
        before, during = Traffic(path, numbers), Traffic(path, numbers)
        before.run(QUIET_S)
        begun = time.perf_counter()
        new = [replace(told[-1], id=f"{name}:new{n}", at=datetime.now(UTC)) for n in range(BURST)]
        adding = threading.Thread(target=lambda: [store.add([one], datetime.now(UTC)) for one in new])
        adding.start()
        during.run(2 * QUIET_S)
        adding.join()
        while waiting(store) and time.perf_counter() < begun + 120:
            time.sleep(0.1)
        took = time.perf_counter() - begun
    print(f"{TITLES[kind]}: {BURST} in a conversation of {messages:,} were handled within {took:.0f} s")
    start_s = time.perf_counter()
    one = replace(told[-1], id=f"{name}:last", at=datetime.now(UTC))
    store.add([one], datetime.now(UTC))
    store.update_projection(one, datetime.now(UTC))
    print(f"{TITLES[kind]}: one more is counted in {(time.perf_counter() - start_s) * 1000:.1f} ms")
    store.engine.dispose()
    return report(f"{TITLES[kind]}, a burst", before, during) and took < 120


def waiting(store: Store) -> int:
    with store.reading() as connection:
        pending = sa.select(sa.func.count()).select_from(events).where(events.c.state == "pending")
        return int(connection.execute(pending).scalar_one())


@contextlib.contextmanager
def working(url: str) -> Iterator[None]:
    code = f"from benchmarks.outages import site; site({url!r}).test_cli_runner().invoke(args=['livechat', 'work'])"
    with subprocess.Popen([sys.executable, "-c", code]) as worker:
        try:
            yield
        finally:
            worker.kill()


def report(title: str, before: Traffic, during: Traffic) -> bool:
    print(f"\n{title:<42}{'p99 before':>12}{'then':>10}    answers")
    is_good = True
    for path in RATES:
        was, now = p99_ms(before.answers[path]), p99_ms(during.answers[path])
        statuses = sorted({status for _, status in during.answers[path]})
        most = max(seconds for seconds, _ in during.answers[path])
        is_page = path in ("/", "/livechat/identity")
        is_good &= now - was <= MORE_MS if is_page else most <= WEBHOOK_S
        count = {status: len([one for one in during.answers[path] if one[1] == status]) for status in statuses}
        print(f"{path:<42}{was:9.1f} ms{now:7.0f} ms    {count}")
    return is_good


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--only", help="a part of a run's name: sqlite-locked, postgresql-locked, sqlite-burst, …")
    given = parser.parse_args()
    with databases() as made:
        runs: dict[str, Callable[[], bool]] = {
            "sqlite-locked": lambda: outage(made, "sqlite", locked, given.seconds),
            "postgresql-locked": lambda: outage(made, "postgresql", locked, given.seconds),
            "postgresql-hung": lambda: outage(made, "postgresql", hung, given.seconds),
            "sqlite-burst": lambda: burst(made, "sqlite", given.messages),
            "postgresql-burst": lambda: burst(made, "postgresql", given.messages),
        }
        results = {name: run() for name, run in runs.items() if (given.only or "") in name}
    print("\nall within the limits" if all(results.values()) else f"\nnot within the limits: {results}")
    sys.exit(not all(results.values()))


if __name__ == "__main__":
    main()

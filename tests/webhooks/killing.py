"""The receiver and the worker are killed under load. What was acknowledged is stored once and handled at least once.

``python -m tests.webhooks.killing [--kills 200] [--kind sqlite|postgresql]``, or a small one in ``test_crash.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from flask_livechat.desk.store import LEASE, Store

from .crash_site import SECRET, WEBSITE
from .test_vendor_webhooks import signature

SENDERS = 3


@dataclass(frozen=True)
class Outcome:
    acknowledged: set[str]
    stored: list[str]
    handled: set[str]
    states: set[str]
    kills: int
    seconds: float  # from the last kill until all was done


ACKNOWLEDGED_S = 5.0  # for which a kill waits for acknowledgements


def body(number: int) -> bytes:
    data = {"session_id": f"s{number % 7}", "type": "text", "content": "x", "from": "user", "fingerprint": number}
    moment = 1790000000000 + number
    return json.dumps({"website_id": WEBSITE, "event": "message:send", "data": data, "timestamp": moment}).encode()


class Site:
    """One that is started and killed; the next one is there at once."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "tests.webhooks.crash_site", *arguments]
        self._nursery = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._process = 0
        self.kills = 0

    def start(self) -> None:
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write("\n")
        self._nursery.stdin.flush()
        self._process = int(self._nursery.stdout.readline())

    def kill(self) -> None:
        os.kill(self._process, signal.SIGKILL)
        with suppress(ProcessLookupError):
            while True:  # until its port is free
                os.kill(self._process, 0)
                time.sleep(0.002)
        self._process = 0
        self.kills += 1

    def end(self) -> None:
        if self._process:
            os.kill(self._process, signal.SIGKILL)
        self._nursery.kill()
        self._nursery.communicate()


@contextmanager
def sites(url: str, port: int, handled: Path, lease_s: float) -> Iterator[tuple[Site, Site]]:
    pair = Site("serve", url, str(port), str(lease_s)), Site("work", url, str(handled), str(lease_s))
    try:
        yield pair
    finally:
        for site in pair:
            site.end()


def killed_again_and_again(site: Site, kills: int, acknowledged: list[str]) -> None:
    """Every second time the site gets as far as a further acknowledgement first, however slow the machine is."""
    chance = random.Random(7)  # noqa: S311 - not for secrets
    while site.kills < kills:
        site.start()
        time.sleep(chance.uniform(0.05, 0.45))
        before, until = len(acknowledged), time.monotonic() + ACKNOWLEDGED_S
        while site.kills % 2 and len(acknowledged) < before + 5 and time.monotonic() < until:
            time.sleep(0.01)
        site.kill()
    site.start()


def send(port: int, numbers: Iterator[int], stop: threading.Event, acknowledged: list[str]) -> None:
    address = f"http://127.0.0.1:{port}/livechat/webhooks/crisp"
    while not stop.is_set():
        number = next(numbers)
        data = body(number)
        with suppress(httpx.HTTPError):
            answer = httpx.post(address, content=data, headers=signature("crisp", SECRET, data), timeout=5)
            if answer.status_code == 200:
                acknowledged.append(f"s{number % 7}:{number}")
        stop.wait(0.01)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def all_done(store: Store) -> bool:
    return all(state == "done" for _, state, _ in store.scan("pending"))


def run(url: str, handled: Path, kills: int, lease_s: float = LEASE.total_seconds(), most_s: float = 90) -> Outcome:
    """``kills`` in all, half of them receivers; ``most_s`` after the last one all is to be done."""
    store, port, stop = Store(url), free_port(), threading.Event()
    store.upgrade()
    acknowledged: list[str] = []
    with sites(url, port, handled, lease_s) as pair:
        # Each sender has numbers of its own.
        senders = [
            threading.Thread(target=send, args=(port, iter(range(n, 10**9, SENDERS)), stop, acknowledged))
            for n in range(SENDERS)
        ]
        killers = [
            threading.Thread(target=killed_again_and_again, args=(site, kills // 2, acknowledged)) for site in pair
        ]
        for thread in (*senders, *killers):
            thread.start()
        for thread in killers:
            thread.join()
        stop.set()
        for thread in senders:
            thread.join()
        last = time.monotonic()
        while not all_done(store) and time.monotonic() < last + most_s:
            time.sleep(0.1)
        seconds = time.monotonic() - last
        count = sum(site.kills for site in pair)
    rows = [(queued.event.id, state) for queued, state, _ in store.scan()]
    store.engine.dispose()
    return Outcome(
        set(acknowledged),
        [row for row, _ in rows],
        set(handled.read_text("utf-8").split() if handled.exists() else []),
        {state for _, state in rows},
        count,
        seconds,
    )


def check(outcome: Outcome) -> None:
    assert len(outcome.acknowledged) > 20
    assert len(outcome.stored) == len(set(outcome.stored))
    assert outcome.acknowledged <= set(outcome.stored)
    assert set(outcome.stored) == outcome.handled
    assert outcome.states == {"done"}


def main() -> None:
    from benchmarks.databases import KINDS, databases

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--kind", choices=KINDS, action="append")
    given = parser.parse_args()
    with databases() as made:
        for kind in given.kind or KINDS:
            outcome = run(made.new(kind, "kills"), made.folder / f"handled-{kind}", given.kills)
            check(outcome)
            text = f"{len(outcome.acknowledged)} acknowledged, {outcome.kills} kills, nothing lost"
            sys.stdout.write(f"{kind}: {text}, all done {outcome.seconds:.0f} s after the last\n")


if __name__ == "__main__":
    main()

"""The receiver and the worker are killed under load: what was acknowledged is stored once and handled at least once."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from flask_livechat.desk.store import LEASE, Store
from flask_livechat.desk.work import Worker

from .conftest import KINDS
from .crash_site import SECRET, WEBSITE
from .test_rooms import signature

SECONDS = 9.0
SENDERS = 3


def body(number: int) -> bytes:
    said = {"session_id": "s", "type": "text", "content": "x", "from": "user", "fingerprint": number}
    return json.dumps(
        {"website_id": WEBSITE, "event": "message:send", "data": said, "timestamp": 1790000000000}
    ).encode()


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process of the site, up and killed at the end."""
    command = [sys.executable, "-m", "tests.webhooks.crash_site", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def killed_again_and_again(killed: list[str], pauses: Iterator[float], stop: threading.Event, *arguments: str) -> None:
    while not stop.is_set():
        with running(*arguments):
            killed.append(arguments[0])
            stop.wait(next(pauses))


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_acknowledged_is_stored_once_and_handled(
    kind: str, database: Callable[[str], str], tmp_path: Path
) -> None:
    url, handled = database(kind), tmp_path / "handled"
    store = Store(url)
    store.upgrade()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    chance = random.Random(7)  # noqa: S311 - not for secrets
    pauses = iter(lambda: chance.uniform(0.2, 0.9), None)
    stop, numbers, lock = threading.Event(), iter(range(10**6)), threading.Lock()
    acknowledged, killed = list[int](), list[str]()

    def send() -> None:
        address = f"http://127.0.0.1:{port}/livechat/webhooks/crisp"
        with httpx.Client(timeout=5) as client:
            while not stop.is_set():
                with lock:
                    number = next(numbers)
                said = body(number)
                try:
                    answer = client.post(address, content=said, headers=signature("crisp", SECRET, said))
                except httpx.HTTPError:
                    stop.wait(0.02)
                    continue
                if answer.status_code == 200:
                    acknowledged.append(number)

    sites = [("serve", url, str(port)), ("work", url, str(handled))]
    threads = [threading.Thread(target=killed_again_and_again, args=(killed, pauses, stop, *site)) for site in sites]
    threads += [threading.Thread(target=send) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    begun = time.monotonic()

    def enough() -> bool:
        often = min(killed.count("serve"), killed.count("work")) > 3
        return often and len(acknowledged) > 20 and time.monotonic() - begun > SECONDS

    while not enough() and time.monotonic() - begun < 10 * SECONDS:  # processes start slowly on a busy machine
        time.sleep(0.1)
    stop.set()
    for thread in threads:
        thread.join()
    assert len(acknowledged) > 20
    assert min(killed.count("serve"), killed.count("work")) > 3

    stored = [one.event.id for one, _, _ in store.each()]
    assert len(stored) == len(set(stored))
    assert {f"s:{number}" for number in acknowledged} <= set(stored)
    # What the killed workers had taken is due when their leases are over.
    seen = handled.read_text("utf-8").split() if handled.exists() else []
    later = datetime.now(UTC) + LEASE + timedelta(seconds=1)
    worker = Worker(store, lambda event: seen.append(event.id), lambda: later)
    while worker.once():
        pass
    assert set(stored) == set(seen)
    assert {state for _, state, _ in store.each()} == {"done"}
    store.engine.dispose()

"""What fifty tabs with the inbox open cost another page, on gunicorn with two sync workers: polls, and streams.

``python -m benchmarks.inbox_tabs`` asks for the other page twenty times a second, in turns without and with the tabs.
"""

from __future__ import annotations

import argparse
import http.client
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from flask import Flask, Response

from benchmarks.chats import HOURS, fill, inbox_app
from flask_livechat.desk.store import Store

TABS, WORKERS, PORT = 50, 2, 8765
INTERVAL_S = 3.0
RATE = 20  # pages a second
PATIENCE_S = 10.0  # after which a page counts as not answered


def create_app(database: str) -> Flask:
    app = inbox_app(database)

    @app.get("/page")
    def page() -> str:
        time.sleep(0.01)  # a query, say
        return "<h1>A page</h1>"

    @app.get("/stream")
    def stream() -> Response:
        def events() -> Iterator[str]:
            while True:
                yield "data: nothing is new\n\n"
                time.sleep(INTERVAL_S)

        return Response(events(), mimetype="text/event-stream")

    return app


def get(path: str, timeout_s: float = PATIENCE_S) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=timeout_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def ask_for_pages(seconds: float) -> tuple[list[float], int]:
    """Milliseconds of each page, and how many were not answered."""
    took: list[float] = []
    failures = 0

    def one() -> None:
        nonlocal failures
        start = time.perf_counter()
        try:
            get("/page")
        except OSError:
            failures += 1
        took.append((time.perf_counter() - start) * 1000)

    with ThreadPoolExecutor(200) as pool:
        for _ in range(int(seconds * RATE)):
            pool.submit(one)
            time.sleep(1 / RATE)
    return took, failures


def poll(stop: threading.Event, cursor: str) -> None:
    """A tab that is looked at."""
    while not stop.wait(INTERVAL_S * (0.8 + 0.2 * random.random())):  # noqa: S311 - jitter
        get(f"/livechat/inbox/changes?after={cursor}")


def listen(stop: threading.Event, cursor: str) -> None:
    """A tab with an open stream."""
    while not stop.is_set():
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=1)
        try:
            connection.request("GET", "/stream")
            answer = connection.getresponse()
            while not stop.is_set():
                answer.readline()
        except OSError:
            continue
        finally:
            connection.close()


def with_tabs(tab: object, seconds: float) -> tuple[list[float], int]:
    stop = threading.Event()
    cursor = re.search(r'data-cursor="(\w+)"', get("/livechat/inbox")[1])
    arguments = (stop, cursor[1] if cursor else "")
    tabs = [threading.Thread(target=tab, args=arguments, daemon=True) for _ in range(TABS)]  # type: ignore[arg-type]
    for thread in tabs:
        thread.start()
    time.sleep(INTERVAL_S)
    result = ask_for_pages(seconds)
    stop.set()
    for thread in tabs:
        thread.join(PATIENCE_S)
    return result


def report(what: str, took: list[float], failures: int) -> None:
    middle, high = statistics.median(took), statistics.quantiles(took, n=20)[-1]
    print(f"{what:28} {len(took):6} pages  median {middle:8.1f} ms  p95 {high:8.1f} ms  not answered {failures}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer conversations, shorter")
    quick = parser.parse_args().quick
    turns, seconds, chats = (1, 5.0, 200) if quick else (8, 10.0, 10_000)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'chats.sqlite3'}"
        store = Store(url, HOURS)
        store.upgrade()
        fill([store], chats)
        store.engine.dispose()
        options = [f"--workers={WORKERS}", f"--bind=127.0.0.1:{PORT}", "--backlog=512"]
        command = [sys.executable, "-m", "gunicorn", *options, f"benchmarks.inbox_tabs:create_app('{url}')"]
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            time.sleep(5)
            alone, polled = ask_for_pages(seconds), with_tabs(poll, seconds)
            for _ in range(turns - 1):
                alone = _sum(alone, ask_for_pages(seconds))
                polled = _sum(polled, with_tabs(poll, seconds))
            report("no tab", *alone)
            report(f"{TABS} tabs that poll", *polled)
            report(f"{TABS} tabs with a stream", *with_tabs(listen, seconds))
        finally:
            server.kill()
            server.wait()


def _sum(one: tuple[list[float], int], other: tuple[list[float], int]) -> tuple[list[float], int]:
    return one[0] + other[0], one[1] + other[1]


if __name__ == "__main__":
    main()

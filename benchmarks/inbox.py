"""What the inbox costs with many conversations: a poll that finds nothing, one that finds something, a search.

``python -m benchmarks.inbox`` measures whole requests in the process, on SQLite and PostgreSQL, in milliseconds.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

from flask.testing import FlaskClient

from benchmarks.chats import HOURS, UNTIL, fill, inbox_app
from benchmarks.databases import KINDS, databases
from flask_livechat.desk.store import Store
from flask_livechat.model import Event

CHATS, QUICK_CHATS = 100_000, 2_000
URL = "/livechat/inbox"


def median_ms(call: Callable[[], object], rounds: int) -> tuple[float, float]:
    """The median and the 95th percentile, after one call that fills caches."""
    call()
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        took.append((time.perf_counter() - start) * 1000)
    return statistics.median(took), statistics.quantiles(took, n=20)[-1]


def measure(client: FlaskClient, store: Store, rounds: int) -> None:
    def get(path: str, status: int = 200) -> str:
        response = client.get(URL + path)
        if response.status_code != status:
            raise SystemExit(f"{path} was answered {response.status_code}")
        return response.text

    store.add([replace(LAST, text="zzyzx")], UNTIL)
    cursor = get("").split('data-cursor="')[1].split('"')[0]
    cases: tuple[tuple[str, Callable[[], object], int], ...] = (
        ("a poll, nothing is new", lambda: get(f"/changes?after={cursor}", 304), 10 * rounds),
        ("a poll, something is new", lambda: get("/changes?after=x"), rounds),
        ("the same, closed ones are shown", lambda: get("/changes?after=x&tab=closed"), rounds),
        ("the page with a conversation", lambda: get("?c=1"), rounds),
        ("a tag", lambda: get("?tab=closed&tag=topic%207"), rounds),
        ("a search for a word of all", lambda: get("?q=order"), max(2, rounds // 10)),
        ("a search for a word of one", lambda: get("?q=zzyzx"), max(2, rounds // 10)),
    )
    for what, call, times in cases:
        middle, high = median_ms(call, times)
        print(f"  {what:34} {middle:9.2f} {high:9.2f}", flush=True)


LAST = Event("crisp", "note", "the last one", UNTIL, "session_" + "1".zfill(32))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer conversations and rounds")
    parser.add_argument("--kind", choices=KINDS, action="append", help="on one database alone")
    given = parser.parse_args()
    logging.getLogger("inbox").setLevel(logging.ERROR)
    chats, rounds = (QUICK_CHATS, 5) if given.quick else (CHATS, 50)
    with databases() as made:
        for kind in given.kind or KINDS:
            url = made.new(kind, "inbox")
            store = Store(url, HOURS)
            fill([store], chats)
            print(f"{kind}, {chats:,} conversations{'':10} median ms     p95 ms", flush=True)
            measure(inbox_app(url).test_client(), store, rounds)
            store.engine.dispose()


if __name__ == "__main__":
    main()

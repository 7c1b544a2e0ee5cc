"""An export beside six receivers and two workers: every acknowledged event and every conversation is in it.

``python -m tests.webhooks.exporting [--seconds 60] [--kind sqlite|postgresql]``, or a small one in ``test_export.py``.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from flask_livechat.desk import export
from flask_livechat.desk.store import Store
from flask_livechat.desk.worker import Worker
from flask_livechat.model import Event

RECEIVERS, WORKERS, CONVERSATIONS = 6, 2, 50


@dataclass(frozen=True)
class Outcome:
    acknowledged: int
    lost: set[str]
    conversations: int
    outdated: set[str]  # whose last moment is not in the export


def now() -> datetime:
    return datetime.now(UTC)


def receive(url: str, end: float, name: int, file: Path) -> None:
    """One event after the other; each that is committed is noted in a file."""
    store, chance = Store(url), random.Random(name)  # noqa: S311 - not for secrets
    number = 0
    with file.open("w", encoding="utf-8") as noted:
        while time.time() < end:
            number += 1
            conversation = f"c{chance.randrange(CONVERSATIONS)}"
            event = Event("crisp", "message", f"{name}:{number}", now(), conversation, author="visitor")
            with suppress(SQLAlchemyError):
                store.add([event], now())
                noted.write(f"{event.id}\n")
            time.sleep(chance.uniform(0, 0.01))


def work(url: str, end: float, *_: object) -> None:
    worker = Worker(Store(url), lambda event: None, now)
    worker.run(lambda: time.time() > end)


def forked(call: Callable[..., None], *arguments: object) -> int:
    process = os.fork()
    if process == 0:
        try:
            call(*arguments)
        finally:
            os._exit(0)
    return process


def run(url: str, folder: Path, seconds: float, settled_s: float | None = None) -> Outcome:
    if settled_s is not None:
        export.SETTLE_TIME = timedelta(seconds=settled_s)
    end = time.time() + seconds
    files = [folder / f"receiver{n}" for n in range(RECEIVERS)]
    processes = [forked(receive, url, end, n, file) for n, file in enumerate(files)]
    processes += [forked(work, url, end + 600) for _ in range(WORKERS)]
    store, exported = Store(url), list[str]()
    moments: dict[str, datetime] = {}
    cursors: dict[str, str | None] = {"events": None, "conversations": None}

    def go_on(at: datetime) -> None:
        for row in export.each_event(store, at, cursors["events"]):
            exported.append(row["event"])
            cursors["events"] = row["cursor"]
        for row in export.each_episode(store, at, cursors["conversations"]):
            moments[row["conversation"]] = row["last_at"]
            cursors["conversations"] = row["cursor"]

    while time.time() < end:
        go_on(now())
        time.sleep(0.05)
    while any(True for _ in store.scan("pending", size=1)):
        go_on(now())
        time.sleep(0.05)
    for process in processes[RECEIVERS:]:
        os.kill(process, signal.SIGKILL)
    for process in processes:
        os.waitpid(process, 0)
    go_on(now() + export.SETTLE_TIME + timedelta(seconds=1))
    acknowledged = {line for file in files for line in file.read_text("utf-8").split()}
    assert len(exported) == len(set(exported))
    last = {str(row["conversation"]): row["last_at"] for row in export.each_episode(store, now() + timedelta(days=1))}
    store.engine.dispose()
    outdated = {name for name, moment in last.items() if moments.get(name) != moment}
    return Outcome(len(acknowledged), acknowledged - set(exported), len(last), outdated)


def main() -> None:
    from benchmarks.databases import KINDS, databases

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--kind", choices=KINDS, action="append")
    given = parser.parse_args()
    with databases() as made:
        for kind in given.kind or KINDS:
            outcome = run(made.new(kind, "export"), made.folder, given.seconds)
            output = f"{outcome.acknowledged} acknowledged, {len(outcome.lost)} of them in no export"
            more = f"{len(outcome.outdated)} of {outcome.conversations} conversations not as they are now"
            sys.stdout.write(f"{kind}: {output}; {more}\n")
            if outcome.lost or outcome.outdated:
                sys.exit(1)


if __name__ == "__main__":
    main()

"""An import of many conversations that is killed, and gone on with.

``python -m tests.webhooks.importing [--conversations 10000] [--kills 5]`` measures it, on SQLite in a temporary folder;
``test_importing.py`` has a small one.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request, Response

from flask_livechat.desk import http
from flask_livechat.desk.desk import open_desk
from flask_livechat.desk.history import import_history
from flask_livechat.desk.store import Store

WEBSITE = "42286ab3-b29a-4fde-8538-da0ae501d825"
VALUES = {"WEBSITE_ID": WEBSITE, "API_IDENTIFIER": "me", "API_KEY": ("key",), "API_TIER": "website"}
START = datetime(2026, 9, 1, tzinfo=UTC)
NOW = START + timedelta(days=40)
MESSAGES = 4  # of a conversation, after which it is closed
PER_PAGE = 50


class Archive:
    """Crisp's API over conversations that are always the same. Nothing of it is in memory."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        parts = request.path.split("/")
        if parts[4] == "conversations":
            first = (int(parts[5]) - 1) * PER_PAGE
            numbers = range(first, min(first + PER_PAGE, self.count))
            data = [self._conversation(number) for number in numbers]
        else:
            before = int(request.args.get("timestamp_before", 10**15))
            messages = self._messages(int(parts[5].removeprefix("session_")))
            data = [message for message in messages if message["timestamp"] < before]
        return Response(json.dumps({"error": False, "reason": "listed", "data": data}))(environ, start_response)

    def _conversation(self, number: int) -> dict[str, Any]:
        at = self._at(number)
        meta = {"email": f"user{number % 997}@example.com", "segments": ["billing"] if number % 3 else []}
        own = {"session_id": f"session_{number}", "website_id": WEBSITE, "state": "resolved", "meta": meta}
        return own | {"created_at": at, "updated_at": at + MESSAGES * 60_000}

    def _messages(self, number: int) -> list[dict[str, Any]]:
        at, own = self._at(number), {"session_id": f"session_{number}", "website_id": WEBSITE}
        lines = [
            own
            | {
                "type": "text",
                "from": "operator" if n % 2 else "user",
                "content": f"Line {n} of conversation {number}.",
                "fingerprint": number * 10 + n,
                "timestamp": at + n * 60_000,
            }
            for n in range(MESSAGES)
        ]
        end = {"type": "event", "from": "operator", "content": {"namespace": "state:resolved"}}
        return [*lines, own | end | {"fingerprint": number * 10 + 9, "timestamp": at + MESSAGES * 60_000}]

    def _at(self, number: int) -> int:
        """The newest first, all within a month."""
        return int((START + timedelta(days=30) * (self.count - number) / self.count).timestamp() * 1000)


def run(store: Store, archive: Archive, echo: bool = False) -> Counter[str]:
    """Import all of it. ``echo`` writes a line for each conversation, for whoever waits to kill this."""
    desk = open_desk("crisp", VALUES, lambda: NOW, http.in_process(archive))
    outcomes = Counter[str]()
    for step in import_history(desk, store, START, lambda: NOW):
        outcomes[step.outcome] += 1
        outcomes["new"] += step.new
        if echo:
            print(step.outcome, flush=True)
    return outcomes


def killed(url: str, count: int, after: int) -> Iterator[str]:
    """Start an import, and kill it with SIGKILL soon after so many conversations. Yield what it had said until then."""
    command = [sys.executable, "-m", "tests.webhooks.importing", "--url", url, "--conversations", str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for number, line in enumerate(process.stdout):
            yield line.strip()
            if number == after:
                time.sleep(random.random() / 50)  # noqa: S311 - in the middle of whatever it does then
                process.kill()
        assert process.wait() == -signal.SIGKILL


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--conversations", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--url")
    options = parser.parse_args()
    count = options.conversations
    if options.url:
        run(Store(options.url), Archive(count), echo=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'events.sqlite3'}")
        store.upgrade()
        for number in range(options.kills):
            lines = Counter(killed(str(store.engine.url), count, (number + 1) * count // (options.kills + 1)))
            print(f"killed: {dict(lines)}")
        begin = time.monotonic()
        print(f"gone on with: {dict(run(store, Archive(count)))} in {time.monotonic() - begin:.1f} s")
        total, begin = store.total(), time.monotonic()
        print(f"again: {dict(run(store, Archive(count)))} in {time.monotonic() - begin:.1f} s")
        assert store.total() == total
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"{total} events, {memory} MB at most")


if __name__ == "__main__":
    main()

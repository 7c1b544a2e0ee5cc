"""Asks a server on a Unix socket, from one process: as fast as it answers, or by a clock.

Each request has a connection of its own, as those of a proxy have with gunicorn's sync workers.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Sequence


class Asked:
    """What is on its way: a socket for each request, with the moment from which on its answer is timed."""

    def __init__(self, path: str) -> None:
        self._path, self._waiting = path, selectors.SelectSelector()  # others round their timeouts to milliseconds
        self.took: list[float] = []

    def __len__(self) -> int:
        return len(self._waiting.get_map())

    def ask(self, request: bytes, since: float) -> None:
        one = socket.socket(socket.AF_UNIX)
        one.connect(self._path)
        one.sendall(request)
        self._waiting.register(one, selectors.EVENT_READ, since)

    def listen(self, most: float | None = None) -> None:
        """Takes the answers that are there; waits for one, or ``most`` seconds."""
        for key, _ in self._waiting.select(most):
            one: socket.socket = key.fileobj  # type: ignore[assignment]  # they are all ours
            answer = one.recv(4096)  # the whole of it: none has a body
            self.took.append(time.perf_counter() - key.data)
            self._waiting.unregister(one)
            one.close()
            if not answer.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"the server answered {answer[:200]!r}")


def flood(path: str, requests: Sequence[bytes], at_once: int = 8) -> float:
    """Answers per second, where some always wait for theirs."""
    asked, start = Asked(path), time.perf_counter()
    for request in requests:
        asked.ask(request, start)
        while len(asked) >= at_once:
            asked.listen()
    while len(asked):
        asked.listen()
    return len(requests) / (time.perf_counter() - start)


def scheduled(path: str, requests: Sequence[bytes], rate: float) -> list[float]:
    """Seconds from the moment at which each was due, whatever became of those before it. The shortest first."""
    asked, start = Asked(path), time.perf_counter()
    for number, request in enumerate(requests):
        due = start + number / rate
        while (left := due - time.perf_counter()) > 0:
            asked.listen(left)
        asked.ask(request, due)
    while len(asked):
        asked.listen()
    return sorted(asked.took)

"""What the desk costs beside bare httpx on the same connections, in one run on loopback.

    python -m benchmarks.desk [--quick]

The vendor is a small server in a process of its own. Figures are medians of rounds that take turns.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import itertools
import json
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx

from benchmarks.imports import run
from flask_livechat.desk.aio import open_async_desk
from flask_livechat.desk.desk import Desk, open_desk
from flask_livechat.providers import Secrets

WEBSITE = "42286ab3-b29a-4fde-8538-da0ae501d825"
VALUES = {"WEBSITE_ID": WEBSITE, "API_IDENTIFIER": "me", "API_KEY": Secrets(("key",)), "API_TIER": "website"}
ROOT = f"/v1/website/{WEBSITE}"
PAGES, SIZE = 200, 50  # 10,000 conversations
SLOW = 0.05  # seconds that the vendor takes for a reply
AT_ONCE = 50
DESK = "import flask_livechat.desk.desk"  # what livechat.desk() loads; awaiting comes with async_desk()
BASE = "import httpx, stamina"
TIMED = """
import flask_livechat, time
start = time.perf_counter()
{statement}
print(time.perf_counter() - start)
"""


def conversation(number: int) -> dict[str, Any]:
    meta = {
        "nickname": f"Visitor {number}",
        "email": f"{number}@example.com",
        "data": {"plan": "pro"},
        "segments": ["vip"],
    }
    moment = 1790000000000 + number
    return {
        "session_id": f"session_{number}",
        "state": "unresolved",
        "last_message": "Where is my order? " * 5,
        "meta": meta,
        "created_at": moment,
        "updated_at": moment,
    }


# -- the vendor --------------------------------------------------------------------------------------------------------


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """HTTP/1.1, as little of it as httpx needs."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while head := (await reader.readuntil(b"\r\n\r\n")).decode("latin-1"):
            method, target, _ = head.split(" ", 2)
            fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            await reader.readexactly(int(fields.get("content-length", 0)))
            body = await said(method, target.partition("?")[0])
            length = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(length.encode() + body)
            await writer.drain()
    writer.close()


async def said(method: str, path: str) -> bytes:
    if method == "POST":
        await asyncio.sleep(SLOW)
        return json.dumps({"error": False, "data": {"fingerprint": 1}}).encode()
    number = int(path.rpartition("/")[2]) if "/conversations/" in path else 0
    first = (number - 1) * SIZE
    listed = [conversation(n) for n in range(first, first + SIZE)] if number <= PAGES else []
    return json.dumps({"error": False, "data": listed if number else conversation(1)}).encode()


async def serve() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextlib.contextmanager
def vendor() -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.desk", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{(process.stdout or sys.stdin).readline().strip()}"
        finally:
            process.terminate()


# -- what is measured --------------------------------------------------------------------------------------------------


def now() -> datetime:
    return datetime.now(UTC)


def desk_at(url: str) -> Desk:
    return open_desk("crisp", VALUES, now, base=url)


def timed(call: Callable[[], object], number: int) -> float:
    start = time.perf_counter()
    for _ in range(number):
        call()
    return (time.perf_counter() - start) / number


def taking_turns(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int, number: int
) -> tuple[float, float]:
    """Medians of the seconds of a call."""
    timed(ours, 5), timed(theirs, 5)  # connections are opened
    pairs = [(timed(ours, number), timed(theirs, number)) for _ in range(rounds)]
    first, second = zip(*pairs, strict=True)
    return statistics.median(first), statistics.median(second)


def row(what: str, bare: float, ours: float, target: str, unit: str = "us") -> None:
    scale = {"us": 1e6, "ms": 1e3}[unit]
    print(f"{what:<44}{bare * scale:9.0f}{ours * scale:9.0f} {unit}  {ours / bare:6.2f}   {target}")


def a_call(url: str, rounds: int, number: int) -> None:
    desk, address = desk_at(url), f"{url}{ROOT}/conversation/session_1"
    headers = {"Authorization": "Basic bWU6a2V5", "X-Crisp-Tier": "website", "Accept": "application/json"}
    with httpx.Client() as http:

        def bare() -> Any:
            return http.get(address, headers=headers).raise_for_status().json()

        ours, theirs = taking_turns(lambda: desk.conversations.get("session_1"), bare, rounds, number)
    row("one call: a conversation", theirs, ours, "at most 1.3")


def replies(url: str, rounds: int) -> None:
    """Fifty at once, which the vendor takes 50 ms for."""

    async def ours() -> float:
        async with open_async_desk("crisp", VALUES, now, base=url) as desk:
            await asyncio.gather(*(desk.conversations.reply(f"s{n}", "warm") for n in range(AT_ONCE)))
            start = time.perf_counter()
            await asyncio.gather(*(desk.conversations.reply(f"s{n}", "Hello") for n in range(AT_ONCE)))
            return time.perf_counter() - start

    async def bare() -> float:
        message = {"type": "text", "from": "operator", "origin": "chat", "content": "Hello"}
        async with httpx.AsyncClient() as http:

            def one(n: int) -> Any:
                return http.post(f"{url}{ROOT}/conversation/s{n}/message", json=message)

            await asyncio.gather(*(one(n) for n in range(AT_ONCE)))
            start = time.perf_counter()
            await asyncio.gather(*(one(n) for n in range(AT_ONCE)))
            return time.perf_counter() - start

    pairs = [(asyncio.run(bare()), asyncio.run(ours())) for _ in range(rounds)]
    theirs, mine = (statistics.median(column) for column in zip(*pairs, strict=True))
    row(f"{AT_ONCE} replies at once (the vendor takes {SLOW * 1000:.0f} ms)", theirs, mine, "", "ms")


def a_long_list(url: str) -> None:
    """Peak of what is held: with all conversations in a list, and while they are gone through."""
    desk = desk_at(url)
    whole = peak(lambda: len(list(desk.conversations.list())))
    each = peak(lambda: sum(1 for _ in desk.conversations.list()))
    few = peak(lambda: sum(1 for _ in itertools.islice(desk.conversations.list(), 1000)))
    gone = f"{each:,.0f} KB gone through (1,000: {few:,.0f})"
    print(f"peak of {PAGES * SIZE:,} conversations: {whole:,.0f} KB in a list, {gone}")


def peak(call: Callable[[], object]) -> float:
    """KB."""
    gc.collect()
    tracemalloc.start()
    call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 1024


def imports(rounds: int) -> None:
    """In new interpreters, after ``import flask_livechat``."""

    def seconds(statement: str) -> float:
        return float(run(TIMED.format(statement=statement)))

    seconds(BASE), seconds(DESK)
    pairs = [(seconds(BASE), seconds(DESK)) for _ in range(rounds)]
    theirs, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    row("import of the desk (of httpx and stamina)", theirs, ours, "at most 1.5", "ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve())
        return
    rounds, number = (5, 100) if given.quick else (15, 300)
    print(f"{'':<44}{'httpx':>9}{'desk':>9}     {'ratio':>6}   target")
    with vendor() as url:
        a_call(url, rounds, number)
        replies(url, rounds)
        a_long_list(url)
    imports(rounds)


if __name__ == "__main__":
    main()

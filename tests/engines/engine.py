"""What the tests ask of an engine, whichever it is, and the proxy by which its traffic comes to our network."""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, Self, TypeVar

from ..browser.network import Net, Tab

T = TypeVar("T")


def until(found: Callable[[], T], timeout: float = 30.0) -> T:
    """Wait for what a browser needs to be there."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.02)
    raise Failure("it never came")


class Leaving(Exception):
    """The page that was asked is being left."""


class Failure(Exception):
    """What was asked in the page has thrown, or the engine refuses a command."""


class EngineTab(Tab):
    """A tab of Firefox or WebKit. ``go`` returns when the page is parsed, whatever it still loads."""

    leaving = (Leaving, "")
    lacks: frozenset[str]  # what Chromium has of what our scripts use
    keeps_busy_pages: bool  # the back/forward cache takes a page that has a request under way, as a vendor's has

    def __init__(self, net: Net) -> None:
        self.net = net

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def get(self, expression: str) -> Any:
        found = self.evaluate(f"Promise.resolve({expression}).then((value) => JSON.stringify(value ?? null))")
        return json.loads(found)

    @abstractmethod
    def evaluate(self, expression: str) -> str:
        """What the text comes to that a piece of JavaScript promises."""

    @property
    @abstractmethod
    def path(self) -> str:
        """Where the tab is."""

    @abstractmethod
    def click(self, selector: str) -> None:
        """As a person does, with the pointer in the middle of the element."""

    @abstractmethod
    def move(self, x: int, y: int) -> None:
        """The pointer, and no button of it."""

    @abstractmethod
    def scroll(self, pixels: int) -> None: ...

    @abstractmethod
    def back(self) -> None: ...

    @abstractmethod
    def another(self) -> EngineTab:
        """Another tab of the same browser, in front of this one."""

    @abstractmethod
    def front(self) -> None: ...


class Engine(ABC):
    """One browser for a run of tests. ``open`` gives a tab with nothing kept of any test before."""

    def __init__(self) -> None:
        self.closing = ExitStack()

    def run(self, command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        """What runs until the engine is closed."""
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = self.closing.enter_context(subprocess.Popen(command, **streams | options))
        self.closing.callback(process.terminate)
        return process

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def open(self, net: Net) -> EngineTab: ...

    @abstractmethod
    def close_tabs(self) -> None: ...

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.closing.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.close()


class Proxy:
    """Leads every host to the one TLS server on loopback: neither engine can be told what a name resolves to."""

    def __init__(self, target: int) -> None:
        self.target, self.port = target, 0
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Proxy:
        self.thread.start()
        until(lambda: self.port)
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join(5)

    async def _serve(self) -> None:
        self.loop, self.over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._lead, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        await self.over.wait()
        server.close()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            if request.startswith(b"CONNECT "):
                there, back = await asyncio.open_connection("127.0.0.1", self.target)
                writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
                await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))
        writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()

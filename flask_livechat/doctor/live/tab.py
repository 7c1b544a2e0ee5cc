"""A headless Chromium, and a tab of it whose requests, sockets, storage and events are watched."""

from __future__ import annotations

import base64
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from .bridge import Bridge
from .records import Exchange, Person, Socket, Stored, Violation, Watch
from .scripts import PAGE, STORED, WATCH

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
NAMES = ("chromium", "chromium-browser", "google-chrome")
SIZE_CHARS = 200_000  # of a body or a frame that is looked at
STEP_MS = 50


class NoBrowser(Exception):
    """Playwright or its browser is missing; the text says what to do."""


@contextmanager
def launched(app_host: str) -> Iterator[Browser]:
    """A Chromium that cannot reach the app's real site, only the app that is answered for here."""
    try:
        from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 - of the extra [live]
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "playwright":
            raise
        raise NoBrowser("the live check needs Playwright: pip install Flask-LiveChat[live]") from None
    with sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, NAMES)), None) or playwright.chromium.executable_path
        arguments = [*QUIET, f"--host-resolver-rules=MAP {app_host} ~NOTFOUND"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            arguments.append("--no-sandbox")  # as root Chromium has none, and would not start
        try:
            browser = playwright.chromium.launch(executable_path=path, args=arguments)
        except Error as error:
            reason = str(error).splitlines()[0][:200]
            raise NoBrowser(f"no browser could be started: playwright install chromium ({reason})") from None
        try:
            yield browser
        finally:
            browser.close()


class Tab:
    """A tab of a browser that was never here."""

    def __init__(self, browser: Browser, bridge: Bridge) -> None:
        self.watch = Watch()
        self._bridge = bridge
        self._context = _context(browser)
        self._context.expose_binding("livechatDoctorSaw", lambda source, what: self._note(*what))
        self._context.add_init_script(WATCH)
        self._page = self._context.new_page()
        self._session = self._context.new_cdp_session(self._page)
        self._listen()
        bridge.attach(self._session)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._context.close()

    @property
    def policy(self) -> str:
        """Which policy the app's last page came with."""
        return self._bridge.policy

    def go(self, path: str, timeout_s: float = 30) -> None:
        """Open a page of the app."""
        self._page.goto(self._bridge.origin + path, timeout=timeout_s * 1000, wait_until="load")

    def ask(self, expression: str, *arguments: Any, otherwise: Any = None) -> Any:
        """What an expression gives in the page; ``otherwise`` while the page is being left."""
        from playwright.sync_api import Error  # noqa: PLC0415

        try:
            return self._page.evaluate(expression, *arguments)
        except Error:
            return otherwise

    def wait(self, seconds: float) -> None:
        """Let time pass, and the browser's events in."""
        self._page.wait_for_timeout(seconds * 1000)

    def until(self, question: Callable[[], Any], limit_s: float) -> bool:
        """Ask until the answer is yes, or the time is up."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            if question():
                return True
            self._page.wait_for_timeout(STEP_MS)
        return False

    def stored(self) -> Stored:
        """What the browser holds for the app's site."""
        cookies = {cookie["name"]: cookie["value"] for cookie in self._context.cookies([self._bridge.origin])}
        return Stored(cookies, **self.ask(STORED, otherwise={}))

    def person(self) -> Person | None:
        """Whom the page names, in its own words or in those of the app's endpoint that it asked."""
        try:
            page = json.loads(self.ask(PAGE, otherwise="") or "{}")
        except ValueError:
            return None
        named = page if page.get("visitor") or page.get("proof") else self._bridge.identity or {}
        return person_of(named.get("visitor"), named.get("proof"))

    # What the browser tells by itself.

    def _note(self, kind: str, *values: str) -> None:
        if kind == "violation":
            self.watch.violations.append(Violation(*values))
        elif kind == "error":
            self.watch.errors.append((values[0], values[1]))
        elif kind == "write":
            self.watch.writes.append((values[0], values[1]))
        elif kind == "event":
            self.watch.events.append((values[0], values[1]))

    def _listen(self) -> None:
        handlers: Mapping[str, Callable[[dict[str, Any]], None]] = {
            "Network.requestWillBeSent": self._requested,
            "Network.responseReceived": self._answered,
            "Network.loadingFinished": self._finished,
            "Network.loadingFailed": self._failed,
            "Network.webSocketCreated": self._socket_opened,
            "Network.webSocketFrameSent": self._frame_sent,
            "Network.webSocketClosed": self._socket_closed,
        }
        for name, handle in handlers.items():
            self._session.on(name, handle)
        self._session.send("Network.enable", {"maxPostDataSize": SIZE_CHARS})

    def _requested(self, event: dict[str, Any]) -> None:
        request = event["request"]
        url = request["url"]
        if urlsplit(url).scheme in ("http", "https"):
            self.watch.exchanges[event["requestId"]] = Exchange(
                time.monotonic(),
                url,
                request["method"],
                event.get("type", "Other"),
                request.get("postData", "")[:SIZE_CHARS],
                _asked_by(event.get("initiator", {})),
            )

    def _answered(self, event: dict[str, Any]) -> None:
        if (exchange := self.watch.exchanges.get(event["requestId"])) is not None:
            exchange.status = event["response"]["status"]

    def _finished(self, event: dict[str, Any]) -> None:
        """Read the answer to what was sent, which may refuse it."""
        from playwright.sync_api import Error  # noqa: PLC0415

        exchange = self.watch.exchanges.get(event["requestId"])
        if exchange is None or not exchange.body or exchange.kind not in ("XHR", "Fetch"):
            return
        with suppress(Error):  # the tab may have gone on
            answer = self._session.send("Network.getResponseBody", {"requestId": event["requestId"]})
            exchange.answer = answer["body"][:SIZE_CHARS]

    def _failed(self, event: dict[str, Any]) -> None:
        exchange = self.watch.exchanges.get(event["requestId"])
        if exchange is not None and not event.get("canceled"):
            exchange.error = event.get("blockedReason") or event.get("errorText", "failed")

    def _socket_opened(self, event: dict[str, Any]) -> None:
        asked_by = _asked_by(event.get("initiator", {}))
        self.watch.sockets[event["requestId"]] = Socket(time.monotonic(), event["url"], asked_by)

    def _frame_sent(self, event: dict[str, Any]) -> None:
        if (socket := self.watch.sockets.get(event["requestId"])) is not None:
            socket.sent.append((time.monotonic(), event["response"]["payloadData"][:SIZE_CHARS]))

    def _socket_closed(self, event: dict[str, Any]) -> None:
        if (socket := self.watch.sockets.get(event["requestId"])) is not None:
            socket.closed_at = time.monotonic()


def _context(browser: Browser) -> BrowserContext:
    """A browser as people have it: vendors turn away what calls itself headless. Service workers would answer first."""
    major = browser.version.partition(".")[0]
    agent = f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36"
    size = {"width": 1280, "height": 800}
    return browser.new_context(user_agent=agent, viewport=size, service_workers="block")  # type: ignore[arg-type]


def _asked_by(initiator: Mapping[str, Any]) -> tuple[str, ...]:
    """The addresses of the scripts on the stack, or of the style sheet or page that asked."""
    stack: Mapping[str, Any] | None = initiator.get("stack")
    urls: list[str] = [str(initiator["url"])] if initiator.get("url") else []
    while stack:
        urls += [frame["url"] for frame in stack.get("callFrames", ()) if frame.get("url")]
        stack = stack.get("parent")
    return tuple(dict.fromkeys(urls))


def person_of(visitor: Mapping[str, Any] | None, proof: Mapping[str, Any] | None) -> Person | None:
    """Whom a page's data names. What a token holds does not stand beside it, so it is read."""
    proofs = {kind: value for kind, value in (proof or {}).items() if isinstance(value, str)}
    named = dict(visitor or {})
    for value in proofs.values():
        named = {**_claims(value), **named}
    if not named and not proofs:
        return None
    number = named.get("id", named.get("user_id"))
    return Person(None if number is None else str(number), named.get("email"), named.get("name"), proofs)


def _claims(token: str) -> dict[str, Any]:
    """What a JWT holds, whoever signed it."""
    parts: Sequence[str] = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}

"""WebKit over the classic WebDriver: MiniBrowser on a display of its own, and the driver that comes with it."""

from __future__ import annotations

import os
import socket
from subprocess import PIPE
from typing import Any
from urllib.parse import urlsplit

import httpx

from ..browser.network import SITE, Net
from .engine import Engine, EngineTab, Failure, Leaving, until

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's name for one
ENVIRONMENT = {
    "GDK_BACKEND": "x11",
    "LIBGL_ALWAYS_SOFTWARE": "1",
    "NO_AT_BRIDGE": "1",
    "WEBKIT_DISABLE_DMABUF_RENDERER": "1",
    "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",  # root has none, and the pages are our own
}
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15"
GONE = ("script timeout", "no such execution context", "javascript error", "stale element reference")


class WebKit(Engine):
    """A session for each test: it has a browser with an empty profile, and the driver has one at a time."""

    def __init__(self, driver: str, browser: str, display: str, proxy: int) -> None:
        super().__init__()
        self.driver, self.browser, self.display, self.proxy = driver, browser, display, proxy
        self.session = ""

    def start(self) -> None:
        screen = ("-screen", "0", "1280x800x24", "-nolisten", "tcp", "-displayfd", "1")
        shown = self.run([self.display, *screen], stdout=PIPE).stdout
        assert shown
        number = shown.readline().decode().strip()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.run([self.driver, f"--port={port}"], env=os.environ | ENVIRONMENT | {"DISPLAY": f":{number}"})
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=40, trust_env=False)
        self.http = self.closing.enter_context(client)
        until(self._answers)

    def _answers(self) -> bool:
        try:
            return self.http.get("/status").is_success
        except httpx.TransportError:
            return False

    def tell(self, method: str, path: str, **params: Any) -> Any:
        answer = self.http.request(method, f"/session{path}", json=params if method == "POST" else None)
        value = answer.json()["value"]
        if not answer.is_success:
            raise (Leaving if value["error"] in GONE else Failure)(f"{path}: {value['error']}: {value['message']}")
        return value

    def open(self, net: Net) -> EngineTab:
        wanted = {
            "acceptInsecureCerts": True,
            "timeouts": {"script": 4000, "pageLoad": 20000},  # a page that is left meanwhile does not answer
            "webkitgtk:browserOptions": {
                "binary": self.browser,
                # Of a proxy that is a capability, WebKit takes it that it speaks TLS.
                "args": ["--automation", f"--user-agent={AGENT} {net.agent}", f"--proxy=http://127.0.0.1:{self.proxy}"],
            },
        }
        found = self.tell("POST", "", capabilities={"alwaysMatch": wanted})
        self.session = found["sessionId"]
        return WebKitTab(net, self)

    def close_tabs(self) -> None:
        if self.session:
            self.tell("DELETE", f"/{self.session}")
        self.session = ""


class WebKitTab(EngineTab):
    lacks = frozenset({"moveBefore", "requestIdleCallback", "navigator.connection", "document.prerendering"})
    keeps_busy_pages = True

    def __init__(self, net: Net, browser: WebKit, handle: str = "") -> None:
        super().__init__(net)
        self.browser = browser
        self.handle = handle or self.tell("GET", "window")

    def tell(self, method: str, path: str, **params: Any) -> Any:
        return self.browser.tell(method, f"/{self.browser.session}/{path}", **params)

    def front(self) -> None:
        self.tell("POST", "window", handle=self.handle)

    def go(self, path: str = "/") -> None:
        self.front()
        self.tell("POST", "url", url=SITE + path)

    def evaluate(self, expression: str) -> str:
        self.front()
        script = f"const done = arguments[0]; ({expression}).then(done, (error) => done([String(error)]))"
        found = self.tell("POST", "execute/async", script=script, args=[])
        if isinstance(found, list):
            raise Failure(f"{found[0]} in {expression}")
        return str(found)

    @property
    def path(self) -> str:
        self.front()
        return urlsplit(self.tell("GET", "url")).path

    def click(self, selector: str) -> None:
        self.front()
        [element] = self.tell("POST", "element", using="css selector", value=selector).values()
        self.tell("POST", f"element/{element}/click")

    def move(self, x: int, y: int) -> None:
        self._act("pointer", {"type": "pointerMove", "x": x, "y": y})

    def scroll(self, pixels: int) -> None:
        self._act("wheel", {"type": "scroll", "x": 50, "y": 50, "deltaX": 0, "deltaY": pixels})

    def _act(self, kind: str, action: dict[str, Any]) -> None:
        self.front()
        self.tell("POST", "actions", actions=[{"type": kind, "id": kind, "actions": [action]}])

    def back(self) -> None:
        self.front()
        self.tell("POST", "back")

    def another(self) -> EngineTab:
        return WebKitTab(self.net, self.browser, self.tell("POST", "window/new", type="tab")["handle"])

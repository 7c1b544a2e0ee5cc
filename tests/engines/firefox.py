"""Firefox over WebDriver BiDi: its own protocol on a websocket, without a driver beside it."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.sync.client import connect

from ..browser.network import SITE, Net
from .engine import Engine, EngineTab, Failure, Leaving, until

PREFERENCES = {
    "network.proxy.type": 1,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.http": "127.0.0.1",
    "network.dns.disablePrefetch": True,
    "network.http.speculative-parallel-limit": 0,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "services.settings.server": "data:,#none",
}
GONE = ("no such frame", "no such node", "stale element reference", "unknown error")


class Firefox(Engine):
    """One browser for all tests, and in it a user context for each."""

    def __init__(self, binary: str, profile: Path, proxy: int) -> None:
        super().__init__()
        self.command = [binary, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
        self.profile, self.numbers = profile, count(1)
        self.preferences = PREFERENCES | {"network.proxy.ssl_port": proxy, "network.proxy.http_port": proxy}
        self.users: list[str] = []

    def start(self) -> None:
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in self.preferences.items()]
        (self.profile / "user.js").write_text("\n".join(lines), "utf-8")
        self.run(self.command)
        self.socket = self.closing.enter_context(connect(self._address(), max_size=None, proxy=None))
        self.tell("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})

    def _address(self) -> str:
        written = self.profile / "WebDriverBiDiServer.json"
        found = json.loads(until(lambda: written.exists() and written.read_text("utf-8")))
        return f"ws://127.0.0.1:{found['ws_port']}/session"

    def tell(self, method: str, **params: Any) -> Any:
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (answer := json.loads(self.socket.recv(timeout=30))).get("id") != number:
            pass
        if answer["type"] == "error":
            raise (Leaving if answer["error"] in GONE else Failure)(f"{method}: {answer['error']}: {answer['message']}")
        return answer["result"]

    def open(self, net: Net) -> EngineTab:
        user = self.tell("browser.createUserContext")["userContext"]
        self.users.append(user)
        agent = f"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 {net.agent}"
        self.tell("emulation.setUserAgentOverride", userAgent=agent, userContexts=[user])
        return FirefoxTab(net, self, user)

    def close_tabs(self) -> None:
        while self.users:
            self.tell("browser.removeUserContext", userContext=self.users.pop())


class FirefoxTab(EngineTab):
    lacks = frozenset({"navigator.connection", "document.prerendering"})
    keeps_busy_pages = False

    def __init__(self, net: Net, browser: Firefox, user: str) -> None:
        super().__init__(net)
        self.browser, self.user = browser, user
        self.context = browser.tell("browsingContext.create", type="tab", userContext=user)["context"]

    def tell(self, method: str, **params: Any) -> Any:
        return self.browser.tell(method, context=self.context, **params)

    def go(self, path: str = "/") -> None:
        self.tell("browsingContext.navigate", url=SITE + path, wait="complete")
        # Under load Firefox now and then answers while the new document is still being parsed.
        self.until("document.readyState !== 'loading'")

    def evaluate(self, expression: str) -> str:
        target = {"context": self.context}
        answer = self.browser.tell("script.evaluate", expression=expression, target=target, awaitPromise=True)
        if answer["type"] == "exception":
            raise Failure(f"{answer['exceptionDetails']['text']} in {expression}")
        return str(answer["result"]["value"])

    @property
    def path(self) -> str:
        [context] = self.browser.tell("browsingContext.getTree", root=self.context)["contexts"]
        return urlsplit(context["url"]).path

    def click(self, selector: str) -> None:
        self.get(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'nearest'}})")
        [node] = self.tell("browsingContext.locateNodes", locator={"type": "css", "value": selector})["nodes"]
        origin = {"type": "element", "element": {"sharedId": node["sharedId"]}}
        press = [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self._point([{"type": "pointerMove", "x": 0, "y": 0, "origin": origin}, *press])

    def move(self, x: int, y: int) -> None:
        self._point([{"type": "pointerMove", "x": x, "y": y}])

    def _point(self, actions: list[dict[str, Any]]) -> None:
        self.tell("input.performActions", actions=[{"type": "pointer", "id": "mouse", "actions": actions}])

    def scroll(self, pixels: int) -> None:
        turn = {"type": "scroll", "x": 50, "y": 50, "deltaX": 0, "deltaY": pixels}
        self.tell("input.performActions", actions=[{"type": "wheel", "id": "wheel", "actions": [turn]}])

    def back(self) -> None:
        self.tell("browsingContext.traverseHistory", delta=-1)

    def another(self) -> EngineTab:
        return FirefoxTab(self.net, self.browser, self.user)

    def front(self) -> None:
        self.tell("browsingContext.activate")

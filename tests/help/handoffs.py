"""Hand-overs of random walks through random flows, and whether all of it is at the agent.

``python -m tests.help.handoffs 300`` makes as many over all vendors, a fifth of them in Chromium. It prints how many
there were, and which lacked the path, the fields, the articles or the transcript. Vendors are slow, blocked and back,
pages change in the middle, and some visitors are nobody whom the site knows.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from flask import Flask, render_template_string
from werkzeug.serving import make_server

from flask_livechat import Visitor, providers
from flask_livechat.desk import service
from flask_livechat.desk.worker import Worker
from flask_livechat.help import flow_service
from flask_livechat.help.flow_handoff import MAX_LINE_CHARS
from flask_livechat.help.flows import clean

from ..conftest import Quiet, chat_of, create_app
from ..desk.test_stand_ins import shop_of
from .walks import table, visitor_input

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

VENDORS = [name for name in providers.names() if providers.has_stand_in(name)]
TROUBLES = ("none", "slow", "blocked", "page", "nobody")
ARTICLES = [
    SimpleNamespace(path="billing/card", title="Change your card", url="/help/card", excerpt="Open Billing"),
    SimpleNamespace(path="billing/bill", title="Your bill", url="/help/bill", excerpt=""),
]
WORDS = ["my card was declined", "A-17 <b>late</b>", "agent, please", "字" * 300, "HELP ME NOW"]
PAGE = "<!doctype html><title>Page</title><button id=opener data-livechat-open>Help</button>{{ livechat() }}"
PANEL = "[...document.querySelectorAll('*')].find((node) => node.shadowRoot?.getElementById('field'))"


@dataclass
class Diary:
    """What a visitor picked and wrote, as they saw it: the panel's or the reply's words alone."""

    answers: list[str] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def pick(self, label: str, of_step: bool = True) -> None:
        self.answers.append(label)
        self.path += [label] if of_step else []

    def write(self, words: str) -> None:
        if words and self.answers[-1:] != [words]:
            self.answers.append(words)


class Site:
    """A site with a flow in the sandbox of a vendor."""

    def __init__(self, vendor: str, folder: Path) -> None:
        url = f"sqlite:///{folder / f'{vendor}.sqlite3'}"
        options = {"LIVECHAT_SANDBOX": True, "LIVECHAT_DATABASE_URL": url, "LIVECHAT_FALLBACK_URL": "/contact"}
        options |= {"LIVECHAT_HELP": "first", "LIVECHAT_RULES": [{"path": "*", "flow": "random"}]}
        self.vendor, self.visitor = vendor, Visitor(id="0")
        self.app = create_app(vendor, login=False, secrets=False, LIVECHAT_LOAD="intent", **options)
        self.app.view_functions["index"] = lambda: render_template_string(PAGE)
        self.app.add_url_rule("/other", "other", lambda: render_template_string(PAGE))
        self.app.add_url_rule("/contact", "contact", lambda: "<h1>Contact us</h1>")
        chat_of(self.app).visitor_loader(lambda user: None if self.visitor.id == "0" else self.visitor)
        with self.app.app_context():
            chat_of(self.app).store.upgrade()
        self.runtime = self.app.extensions["livechat"].runtime
        self.runtime.flow_steps = SimpleNamespace(allows=lambda client: True)
        self.shop = shop_of(vendor, self.app)

    def begin(self, number: int, random: Random, is_known: bool) -> None:
        """Somebody new, and another flow."""
        name = f"visitor{number}"
        self.visitor = Visitor(id=name if is_known else "0", email=f"{name}@example.com", name=name)
        chat_of(self.app).flow("random", table(random))
        self.runtime.flows = None

    def work(self, ahead: timedelta = timedelta(0)) -> bool:
        """Handle what webhooks have brought. Return whether all of it went well."""
        assert self.runtime.sandbox_sender.queue.finish(10)
        chat = chat_of(self.app)
        with self.app.app_context():
            batch = Worker(chat.store, chat.handle, lambda: chat.now() + ahead).once()
        return batch.done == batch.tried

    def at_the_agent(self, session: str) -> tuple[dict[str, Any], list[str]]:
        """The visitor in the stand-in's desk, and the lines of the transcript there: of the note, or of the event."""
        where = f"/livechat/sandbox/desk/state?wait=0&session={session}"
        detail = dict(self.app.test_client().get(where).get_json()["detail"])
        lines = [line for item in detail["messages"] if item["note"] for line in item["text"].splitlines()[1:]]
        for event in detail["events"]:
            lines += event["data"].values() if event["name"] == "help-handoff" else []
        return detail, [line.replace("\u2039", "<") for line in lines]


def misses(site: Site, session: str, diary: Diary) -> list[str]:
    """What of a hand-over is not at the agent."""
    detail, lines = site.at_the_agent(session)
    attributes = {name.replace("-", "_"): value for name, value in detail["attributes"].items()}
    expected = [answer[:MAX_LINE_CHARS] for answer in diary.answers]
    answers = [line if line in expected else line.partition(" - ")[2] for line in lines]
    shown = {path for line in lines if line.startswith("Articles - ") for path in line[11:].split(", ")}
    checks = {
        "path": attributes.get("help_path", "") == " > ".join(diary.path)[:255],
        "fields": {name: attributes.get(name) for name in diary.fields} == diary.fields,
        "articles": diary.seen <= shown and all(path in attributes.get("help_seen", "") for path in diary.seen),
        "transcript": [answer for answer in answers if answer][: len(expected)] == expected,
    }
    return [f"{name}: {diary}, but {attributes} and {lines}" for name, is_there in checks.items() if not is_there]


@contextmanager
def api_trouble(site: Site, trouble: str) -> Iterator[None]:
    """The vendor's API is slow, or answers 503."""
    real = site.runtime.sandbox.apis[site.vendor]

    def troubled(environ: Any, start_response: Any) -> Any:
        if trouble == "slow":
            time.sleep(0.05)
            return real(environ, start_response)
        start_response("503 Service Unavailable", [("Content-Length", "0")])
        return []

    with patch.dict(site.runtime.sandbox.apis, {site.vendor: troubled if trouble in ("slow", "blocked") else real}):
        yield


def handle(site: Site, trouble: str) -> None:
    """A worker's turn, in which the vendor may be in trouble; and one more when it is back."""
    with api_trouble(site, trouble), patch.object(service, "NOTE_S", 0.1 if trouble == "blocked" else 5.0):
        site.work()
    assert site.work(timedelta(minutes=5))


# -- by the test client ------------------------------------------------------------------------------------------------


def by_client(site: Site, number: int, random: Random, trouble: str) -> list[str] | None:
    """Walk once over HTTP, and hand over as the panel does. None for a walk that ends without a human."""
    site.begin(number, random, is_known=trouble != "nobody")
    client, diary = site.app.test_client(), Diary()

    def step(reply: dict[str, Any] | None, input: dict[str, Any] | None) -> dict[str, Any]:
        body = {"flow": "random", "state": reply and reply["state"], "input": input, "locale": "en"}
        return dict(client.post("/livechat/flow", data=json.dumps(body)).get_json())

    reply = step(None, None)
    while reply["end"] is None:
        diary.seen |= {article.path for article in ARTICLES} if reply["articles"] else set()
        before, action = reply, visitor_input(random)
        if action.text is None:
            labels = {option["choice"]: option["label"] for option in before["choices"]}
            reply = step(before, {"choice": action.choice})
            if action.choice in labels:
                diary.pick(labels[action.choice], labels[action.choice] != "That did not help")
            continue
        words = clean(action.text)
        reply = step(before, {"text": action.text[:300]})
        labels = {option["label"].casefold(): option["label"] for option in before["choices"]}
        is_choice = words.casefold() in labels and reply["why"] not in ("asked", "repeated", "upset")
        if is_choice and labels[words.casefold()] != "That did not help":
            diary.pick(labels[words.casefold()])
        else:
            diary.write(words)
            if before["ask"] and words and reply["why"] not in ("asked", "repeated", "upset", "limit"):
                diary.fields[before["ask"]] = words
    if reply["end"] != "human":
        return None
    session = site.shop.visit(who=None if trouble == "nobody" else site.visitor)
    hand = reply["handoff"]
    attributes = {"help_path": hand["path"], "help_seen": hand["help_seen"], **hand["fields"]}
    site.shop.tell("attributes", session=session, attributes={name: text for name, text in attributes.items() if text})
    if hand["transcript"]:
        site.shop.tell("event", session=session, name="help-handoff", data=hand["transcript"])
    site.shop.tell("message", session=session, text=hand["message"] or "Hello")
    handle(site, trouble)
    return misses(site, session, diary)


# -- in Chromium -------------------------------------------------------------------------------------------------------


@contextmanager
def served(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()


def until(page: Page, found: Callable[[], Any], seconds: float = 10.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(Exception):  # the page may be on its way to another one
            if value := found():
                return value
        page.wait_for_timeout(30)
    raise AssertionError("never true")


def in_chromium(browser: Browser, url: str, site: Site, number: int, random: Random, trouble: str) -> list[str] | None:
    """Walk once through the panel, and write to the agent. None for a walk that ends without a human."""
    site.begin(number, random, is_known=trouble != "nobody")
    context = browser.new_context()
    page, diary = context.new_page(), Diary()
    script = f"**/livechat/sandbox/{site.vendor}.js*"
    if trouble == "slow":
        page.route(script, lambda route: (time.sleep(0.5), route.continue_()))
    elif trouble == "blocked":
        page.route(script, lambda route: route.abort())
    page.goto(url)
    open_panel(page)
    has_changed = trouble != "page"
    while (panel := until(page, lambda: read_panel(page))) and not panel["over"]:
        if panel["done"]:
            context.close()
            return None
        if diary.answers and not has_changed:
            has_changed = True
            page.goto(f"{url}/other")
            open_panel(page)
            continue
        act(page, panel, diary, random)
        until(page, lambda before=panel: read_panel(page) != before)
    if trouble == "blocked":
        page.wait_for_url("**/contact")
        page.unroute(script)
        page.goto(url)
        open_panel(page)
        page.get_by_role("button", name="Talk to a human").click()
    session = write_to_agent(page, site)
    handle(site, trouble)
    result = misses(site, session, diary)
    context.close()
    return result


def open_panel(page: Page) -> None:
    page.click("#opener")
    until(page, lambda: read_panel(page))


def read_panel(page: Page) -> dict[str, Any] | None:
    """What is to be seen in the panel. ``over``: it is gone, for the chat has taken its place."""
    state: dict[str, Any] | None = page.evaluate(
        f"""() => {{
          const key = Object.keys(sessionStorage).find((name) => /help/.test(name));
          const {{ reply }} = JSON.parse(sessionStorage[key] || "{{}}");
          const root = {PANEL}?.shadowRoot;
          const is_open = location.pathname === "/contact" || window.__livechat_sandbox?.open;
          if (reply?.end === "human" || (!root && is_open)) return {{ over: true, done: false }};
          if (!root) return null;
          const words = root.querySelector(".flow").textContent;
          if (!reply) return /come back/.test(words) ? {{ over: false, done: true }} : null;
          return {{ over: false, done: false, ask: reply.ask, exchanges: reply.state.exchanges,
            step: reply.state.step, articles: reply.articles.length,
            labels: [...root.querySelectorAll(".flow button")].map((button) => button.textContent) }};
        }}"""
    )
    return state


def act(page: Page, panel: dict[str, Any], diary: Diary, random: Random) -> None:
    """Do one thing: pick, write, or press the button that is always there."""
    diary.seen |= {article.path for article in ARTICLES} if panel["articles"] else set()
    labels = [label for label in panel["labels"] if label != "That helped"] or panel["labels"]
    if random.random() < 0.1 or not (labels or panel["ask"]) or labels == ["That's all"]:
        page.get_by_role("button", name="Talk to a human").click()
    elif panel["ask"]:
        words = random.choice(WORDS)
        page.get_by_role("dialog").get_by_role("textbox").fill(words)
        page.keyboard.press("Enter")
        written = clean(words)
        diary.write(written)
        if words not in ("agent, please", "HELP ME NOW") and diary.answers.count(written) == 1:
            diary.fields[panel["ask"]] = written
    else:
        label = random.choice(labels)
        page.evaluate(
            f"(label) => [...{PANEL}.shadowRoot.querySelectorAll('.flow button')]"
            ".find((button) => button.textContent === label).click()",
            label,
        )
        if label not in ("That helped", "That's all"):
            diary.pick(label, label != "That did not help")


def write_to_agent(page: Page, site: Site) -> str:
    """Send what is prepared, or a greeting. Return the session of the browser."""
    until(page, lambda: page.evaluate("window.__livechat_sandbox?.open && livechat.state === 'ready'"))
    box = page.locator(f"#livechat-sandbox-{site.vendor} textarea")
    page.wait_for_timeout(150)
    if not box.input_value():
        box.fill("Hello")
    session = str(page.evaluate("__livechat_sandbox.session"))
    box.press("Enter")
    hub = site.runtime.sandbox.hub
    until(page, lambda: hub.look(str(page.evaluate("__livechat_sandbox.session"))).messages)
    session = str(page.evaluate("__livechat_sandbox.session"))
    until(page, lambda: hub.look(session).attributes or hub.look(session).events or hub.look(session).messages)
    page.wait_for_timeout(200)
    return session


# -- many --------------------------------------------------------------------------------------------------------------


def run(count: int, walk: Callable[[Site, int, Random, str], list[str] | None], site: Site, seed: int) -> Counter[str]:
    """Hand over so often at one vendor, with all troubles in turn. Return how many there were, and what was missing."""
    random, result = Random(f"{seed} {site.vendor}"), Counter[str]()  # noqa: S311 - a walk is no secret
    number = 0
    while result["handed over"] < count:
        number += 1
        trouble = TROUBLES[result["handed over"] % len(TROUBLES)]
        missing = walk(site, number, random, trouble)
        if missing is not None:
            result["handed over"] += 1
            result.update(f"{site.vendor}, {trouble}: {what}" for what in missing)
    return result


def main(count: int, launch: Callable[[], Browser]) -> Counter[str]:
    """A fifth of them in Chromium."""
    result, each = Counter[str](), count // len(VENDORS)
    with tempfile.TemporaryDirectory() as folder, patch.object(flow_service, "search", lambda *arguments: ARTICLES):
        browser = launch()
        for vendor in VENDORS:
            site = Site(vendor, Path(folder))
            result += run(each - each // 5, by_client, site, 22)
            with served(site.app) as url:

                def walk(site: Site, number: int, random: Random, trouble: str, url: str = url) -> list[str] | None:
                    return in_chromium(browser, url, site, number + 10_000, random, trouble)

                result += run(each // 5, walk, site, 22)
    return result


if __name__ == "__main__":
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium
        options = {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox"]}
        counted = main(int(sys.argv[1]), lambda: chromium.launch(**options))  # type: ignore[arg-type]
    sys.stdout.write("\n".join(f"{number} {what}" for what, number in counted.most_common()) + "\n")

"""What chat costs a page in the browser, beside the vendors' own snippets and npm's lazy loaders, in one run.

    python -m benchmarks.browser [--rounds N] [--quick] [--only TEXT] [--shape bundle|chunks] [--json FILE]

Needs Chromium, and for the peers `npm ci --ignore-scripts` in benchmarks/js (without it they are left out). Variants
take turns in each round; figures are medians. The page without chat runs twice, so that the noise is known. Headless
Chromium, slow 4G (150 ms, 1.6 Mbit/s) and 4x CPU as its own tools emulate them: a connection costs nothing there, a
request costs the latency. Each visit is a fresh browser with an empty cache. Per variant and round there are three:

* quiet: nobody does anything until 5 s after `load`; then the mouse comes to the page's own "Chat with us" and clicks
* early: the click comes as soon as something is seen and the page's deferred scripts have run (snippet and intent)
* elsewhere: clicks on another button, all over the first 3 s after `load` (what runs by itself, as chunks)

All kinds run with the vendors' scripts as chunks; as bundles those that the shape makes a difference to. The whole
takes some 80 minutes, `--quick` some 80 s.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Page, Playwright, sync_playwright
from playwright.sync_api import TimeoutError as NeverError

from benchmarks.report import AGAIN, NONE, PEERS, REACT, Results, Variant, report
from benchmarks.stage import HERE, SHAPES, SITE, VENDORS, Stage, serving

SLOW_4G = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
CPU = 4
LATE = 5000  # ms after `load` at which the late click comes
SOON = 3000  # the same of a quick run
HOVER = 200  # ms for which the mouse is on the link before
CLICKS = (300, 800, 1300, 1800, 2300, 2800)  # ms after `load`, elsewhere
PATIENCE = 15000  # ms for a panel to open
LAUNCHER = "document.querySelector('[id^=livechat-sandbox-]')"  # of the vendor: the laziest peer takes its time
KINDS = {
    "chunks": ("snippet", "sync", "idle", "intent", "interaction", "eager", "manual", *PEERS),
    "bundle": ("snippet", "idle", "intent", "manual"),
}
EARLY = ("snippet", "intent")  # the target compares these two
ELSEWHERE = ("snippet", "sync", "idle", "eager", *PEERS)  # what may be busy when the click comes
HOSTS = (".tawk.to", ".crisp.chat", ".intercom.io", ".intercomcdn.com")


def variants(shapes: Iterable[str], only: str, *, peers: bool) -> list[Variant]:
    """In the order of a round: the second page without chat is far from the first."""
    found = [Variant(kind, vendor, shape) for shape in shapes for vendor in VENDORS for kind in KINDS[shape]]
    found = [variant for variant in found if variant.kind not in PEERS or (peers and variant.vendor == "intercom")]
    found = [variant for variant in found if only in variant.name]
    if any(variant.kind in PEERS for variant in found):
        found.append(REACT)
    half = len(found) // 2
    return [NONE, *found[:half], AGAIN, *found[half:]]


QUICK = [NONE, Variant("idle", "crisp", "chunks"), AGAIN, Variant("intent", "crisp", "chunks")]


@dataclass
class Traffic:
    """What came from the vendor's hosts, and when, by the browser's own clock."""

    hosts: dict[str, str] = field(default_factory=dict)
    came: list[tuple[float, float]] = field(default_factory=list)
    load: float = math.inf

    def asked(self, event: dict[str, Any]) -> None:
        self.hosts[event["requestId"]] = event["request"]["url"].split("/")[2].partition(":")[0]

    def received(self, event: dict[str, Any]) -> None:
        if self.hosts.get(event["requestId"], "").endswith(HOSTS):
            self.came.append((event["timestamp"], event["encodedDataLength"]))

    def loaded(self, event: dict[str, Any]) -> None:
        self.load = event["timestamp"]

    def kilobytes(self, until: float = math.inf) -> float:
        return sum(size for moment, size in self.came if moment <= until) / 1000


@dataclass
class Visit:
    """A fresh browser on a variant's page."""

    page: Page
    stage: Stage
    traffic: Traffic
    url: str

    def get(self, expression: str) -> Any:
        return self.page.evaluate(expression)

    def go(self, until: Any = "load") -> None:
        self.page.goto(self.url, wait_until=until)

    def point(self, selector: str) -> tuple[float, float]:
        box = self.page.locator(selector).bounding_box()
        assert box, selector  # noqa: S101 - the page is ours
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def open(self, hover: int) -> float:
        """From a click on the page's link to the open panel, in ms."""
        self.page.mouse.move(*self.point("#opener"))
        self.page.wait_for_timeout(hover)
        self.page.mouse.click(*self.point("#opener"))
        with contextlib.suppress(NeverError):
            self.page.wait_for_function("observed.seen.opened", timeout=PATIENCE)
            return float(self.get("observed.seen.opened - observed.seen.clicked"))
        return math.inf

    def connections(self, until: float = math.inf) -> int:
        return sum(host.endswith(HOSTS) for moment, host in list(self.stage.met) if moment <= until)


@contextlib.contextmanager
def visiting(browser: Browser, stage: Stage, variant: Variant) -> Iterator[Visit]:
    stage.shape = variant.shape
    stage.met.clear()
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.add_init_script(path=HERE / "page" / "observe.js")
    cdp, traffic = context.new_cdp_session(page), Traffic()
    cdp.on("Network.requestWillBeSent", traffic.asked)
    cdp.on("Network.dataReceived", traffic.received)
    cdp.on("Page.loadEventFired", traffic.loaded)
    for method, values in (
        ("Page.enable", {}),
        ("Network.enable", {}),
        ("Network.emulateNetworkConditions", SLOW_4G),
        ("Emulation.setCPUThrottlingRate", {"rate": CPU}),
    ):
        cdp.send(method, values)
    try:
        yield Visit(page, stage, traffic, f"{SITE}/page/{variant.path}")
    finally:
        context.close()


def quiet(visit: Visit, variant: Variant, wait: float = LATE) -> dict[str, float]:
    """Nobody does anything; then the late click."""
    visit.go()
    visit.page.wait_for_timeout(wait)
    seen = visit.get("observed.seen")
    loaded = (visit.get("observed.origin") + visit.get("observed.loaded()")) / 1000
    found = {name: float(seen[name]) for name in ("fcp", "lcp", "cls")} | {
        "tbt": float(visit.get("observed.blocked()")),
        "own": float(sum(took > 50 for took in seen["frames"])),
        "load_kb": visit.traffic.kilobytes(visit.traffic.load),
        "load_connections": float(visit.connections(loaded)),
        "late_kb": visit.traffic.kilobytes(),
        "late_connections": float(visit.connections()),
    }
    return found | ({"late": visit.open(HOVER)} if variant.vendor else {})


def early(visit: Visit, variant: Variant) -> dict[str, float]:
    """The click comes at the first moment at which it can."""
    visit.go("commit")
    visit.page.wait_for_function("observed.early()", timeout=2 * PATIENCE)
    return {"early": visit.open(0)}


def elsewhere(visit: Visit, variant: Variant) -> dict[str, float]:
    """Clicks on something else. Beside the lazy peers also the blocking time until the vendor is there."""
    visit.go()
    start, place = time.monotonic(), visit.point("#elsewhere")
    for moment in CLICKS:
        visit.page.wait_for_timeout(max(0.0, moment - (time.monotonic() - start) * 1000))
        visit.page.mouse.click(*place)
    found = {"elsewhere": float(visit.get("Math.max(...observed.seen.delays)"))}
    if variant.compared:
        if variant.vendor:
            # Seldom: asked at each frame, the page would never be as idle as the laziest peer wants it.
            visit.page.wait_for_function(LAUNCHER, timeout=2 * PATIENCE, polling=500)
        visit.page.wait_for_timeout(1000)
        found["whole_tbt"] = float(visit.get("observed.blocked()"))
    return found


Act = Callable[[Visit, Variant], dict[str, float]]


def acts(variant: Variant, *, quick: bool) -> Iterator[Act]:
    yield partial(quiet, wait=SOON) if quick else quiet
    if quick:
        return
    if variant.kind in EARLY:
        yield early
    if variant.compared or (variant.kind in ELSEWHERE and variant.shape == "chunks"):
        yield elsewhere


def launch(playwright: Playwright, stage: Stage) -> Browser:
    found = (shutil.which(name) for name in ("chromium-headless-shell", "chromium", "chromium-browser"))
    path = next(filter(None, found), playwright.chromium.executable_path)
    arguments = (
        f"--host-resolver-rules=MAP * 127.0.0.1:{stage.port}",
        # Unlike an error that is ignored, a key that is trusted leaves the HTTP cache in use.
        f"--ignore-certificate-errors-spki-list={stage.key}",
        "--disable-background-networking",
        "--disable-component-update",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
    )
    return playwright.chromium.launch(executable_path=path, args=list(arguments))


def once(browser: Browser, stage: Stage, variant: Variant, act: Act) -> dict[str, float]:
    """One visit. A browser that stumbles does not end a run of hours: the visit is made again, and said."""
    for _ in range(3):
        try:
            with visiting(browser, stage, variant) as visit:
                return act(visit, variant)
        except Error as error:
            print(f"again: {variant.name}: {error}", file=sys.stderr, flush=True)
    raise SystemExit(f"{variant.name} cannot be measured")


def measure(browser: Browser, stage: Stage, order: list[Variant], rounds: int, *, quick: bool) -> Results:
    """All variants take turns, every other round backwards."""
    results: Results = {variant: {} for variant in order}
    with visiting(browser, stage, NONE) as visit:  # the first of all is slower
        visit.go()
    for number in range(rounds):
        begin = time.monotonic()
        for variant in order[:: -1 if number % 2 else 1]:
            for act in acts(variant, quick=quick):
                for name, value in once(browser, stage, variant, act).items():
                    results[variant].setdefault(name, []).append(value)
        print(f"round {number + 1} of {rounds}: {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, help="9, with --quick 3")
    parser.add_argument("--quick", action="store_true", help="one vendor, two strategies, quiet visits only")
    parser.add_argument("--only", default="", metavar="TEXT", help="only variants with TEXT in their names")
    parser.add_argument("--shape", choices=SHAPES, help="how the vendors' scripts come; both if not given")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures of all rounds")
    given = parser.parse_args()
    with serving() as stage, sync_playwright() as playwright, launch(playwright, stage) as browser:
        if not stage.peers:
            print("no peers: run `npm ci --ignore-scripts` in benchmarks/js", file=sys.stderr)
        shapes = [given.shape] if given.shape else SHAPES
        order = QUICK if given.quick else variants(shapes, given.only, peers=bool(stage.peers))
        rounds = given.rounds or (3 if given.quick else 9)
        results = measure(browser, stage, order, rounds, quick=given.quick)
    if given.json:
        given.json.write_text(json.dumps([asdict(variant) | found for variant, found in results.items()], indent=1))
    report(results)


if __name__ == "__main__":
    main()

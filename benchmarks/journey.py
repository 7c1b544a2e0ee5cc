"""The median visitor's way: a first page, a second one, the launcher under the pointer, a click.

    python -m benchmarks.journey [--rounds N] [--quick] [--vendor NAME]

The browser, the network and the pages are those of ``benchmarks/browser.py``, and the vendors' scripts come as an entry
that loads chunks. The first page is cold. The second is read with the files of the first in the browser's cache, three
seconds long. Then the pointer comes to the page's own "Chat with us", stays there for each of some times, and clicks.
Kinds take turns in each round; figures are medians, in ms and KB.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from statistics import median

from playwright.sync_api import Browser, sync_playwright

from benchmarks.browser import SOON, launch, once
from benchmarks.browser import Visit as Visitor
from benchmarks.report import NONE, Results, Variant, table
from benchmarks.stage import VENDORS, Stage, serving

KINDS = ("snippet", "idle", "intent", "manual")
HOVERS_MS = (100, 300, 600, 1000)
OURS_KB = """performance.getEntriesByType("resource").filter(({ name }) => name.includes("/livechat/"))
    .reduce((sum, { transferSize }) => sum + transferSize, 0) / 1000"""
PAGE = {"lcp": "LCP", "tbt": "TBT", "ours": "ours KB", "vendor": "vendor KB"}


def journey(visit: Visitor, variant: Variant, hover_ms: int) -> dict[str, float]:
    figures: dict[str, float] = {}
    for page in ("first", "second"):
        before = visit.traffic.kilobytes()
        visit.go()
        visit.page.wait_for_timeout(SOON + 500)  # a launcher that is in view for three seconds counts
        seen = visit.get("observed.seen")
        figures |= {
            f"{page} lcp": float(seen["lcp"]),
            f"{page} tbt": float(visit.get("observed.blocked()")),
            f"{page} ours": float(visit.get(OURS_KB)),
            f"{page} vendor": visit.traffic.kilobytes() - before,
        }
    return figures | ({f"click {hover_ms}": visit.open(hover_ms)} if variant.vendor else {})


def measure(browser: Browser, stage: Stage, order: list[Variant], hovers_ms: tuple[int, ...], rounds: int) -> Results:
    figures: Results = {variant: {} for variant in order}
    once(browser, stage, NONE, partial(journey, hover_ms=0))  # the first of all is slower
    for number in range(rounds):
        for variant in order[:: -1 if number % 2 else 1]:
            for hover_ms in hovers_ms if variant.vendor else hovers_ms[:1]:
                way = once(browser, stage, variant, partial(journey, hover_ms=hover_ms))
                for name, value in way.items():
                    figures[variant].setdefault(name, []).append(value)
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return figures


def report(figures: Results, hovers_ms: tuple[int, ...]) -> None:
    columns = [f"{page} {part}" for page in ("first", "second") for part in PAGE]
    columns += [f"click {hover_ms}" for hover_ms in hovers_ms]
    rows = [["", *(f"{page} {word}" for page in ("1st", "2nd") for word in PAGE.values())]]
    rows[0] += [f"click, {hover_ms} ms" for hover_ms in hovers_ms]
    for variant, values_of in figures.items():
        medians = [values_of.get(column) for column in columns]
        rows.append([variant.name, *(f"{median(values):.0f}" if values else "-" for values in medians)])
    table(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, help="5, with --quick 1")
    parser.add_argument("--quick", action="store_true", help="one vendor, two lengths of a hover")
    parser.add_argument("--vendor", choices=VENDORS, help="all of them if not given")
    given = parser.parse_args()
    vendors = [given.vendor] if given.vendor else VENDORS[1:2] if given.quick else VENDORS
    order = [NONE, *(Variant(kind, vendor) for vendor in vendors for kind in KINDS)]
    hovers_ms = HOVERS_MS[1:3] if given.quick else HOVERS_MS
    with serving() as stage, sync_playwright() as playwright, launch(playwright, stage) as browser:
        figures = measure(browser, stage, order, hovers_ms, given.rounds or (1 if given.quick else 5))
    report(figures, hovers_ms)


if __name__ == "__main__":
    main()

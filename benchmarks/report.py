"""How ``benchmarks/browser.py`` says what it measured: tables, and which targets are met."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median

PEERS = ("react-live-chat-loader", "react-use-intercom")
DEFERRED = ("idle", "intent", "interaction")


@dataclass(frozen=True, order=True)
class Variant:
    """A page: with which chat, and how its vendor's script comes."""

    kind: str
    vendor: str = ""
    shape: str = "chunks"

    @property
    def name(self) -> str:
        return f"{self.vendor}, {self.shape}: {self.kind}" if self.vendor else self.kind

    @property
    def path(self) -> str:
        kind = {"no chat": "none", "no chat again": "none", "React, no chat": "react"}.get(self.kind, self.kind)
        return f"{kind}/{self.vendor}" if self.vendor else kind

    @property
    def compared(self) -> bool:
        """Whether it is part of the comparison with the lazy peers, which are Intercom's."""
        lazy = self.vendor == "intercom" and self.shape == "chunks" and self.kind in ("idle", *PEERS)
        return lazy or not self.vendor

    @property
    def base(self) -> Variant:
        """The same page without chat."""
        return REACT if self.kind in PEERS else NONE


NONE, AGAIN, REACT = Variant("no chat"), Variant("no chat again"), Variant("React, no chat")
Results = dict[Variant, dict[str, list[float]]]
Target = tuple[str, bool, str]

GROUPS: dict[str, dict[str, str]] = {
    "The page (ms)": {
        "fcp": "FCP",
        "lcp": "LCP",
        "cls": "CLS",
        "tbt": "TBT",
        "whole_tbt": "TBT to the end",
        "own": "own long tasks",
    },
    "Of the vendor, before `load` and before the late click": {
        "load_kb": "KB, load",
        "load_connections": "connections, load",
        "late_kb": "KB, click",
        "late_connections": "connections, click",
    },
    "The visitor (ms)": {"early": "early click", "late": "late click", "elsewhere": "click elsewhere"},
}
NOISE = "noise (no chat, again)"
WORDS = {metric: word for metrics in GROUPS.values() for metric, word in metrics.items()}


@dataclass(frozen=True)
class Summary:
    """Medians, and what the two runs of the page without chat differ by."""

    results: Results

    def value(self, variant: Variant, metric: str) -> float | None:
        found = self.results.get(variant, {}).get(metric)
        return median(found) if found else None

    def noise(self, metric: str) -> float:
        """The larger of the medians' difference, which is small by luck at times, and the median of each round's."""
        first, second = (self.results[variant].get(metric) or [0.0] for variant in (NONE, AGAIN))
        each = [abs(one - other) for one, other in zip(first, second, strict=True)]
        return max(abs(median(first) - median(second)), median(each))

    def more(self, variant: Variant, metric: str) -> float:
        """Than the same page without chat. Without a figure on either side: more than anything."""
        value, base = self.value(variant, metric), self.value(variant.base, metric)
        return math.inf if value is None or base is None else value - base


def report(results: Results) -> None:
    summary = Summary(results)
    rounds = len(results[NONE]["fcp"])
    print(f"Medians of {rounds} rounds; in brackets the difference to the same page without chat.")
    for title, metrics in GROUPS.items():
        rows = [[title, *metrics.values()]]
        rows += [
            [variant.name, *(_cell(summary, variant, metric) for metric in metrics)] for variant in _sorted(results)
        ]
        known = {metric: summary.value(NONE, metric) is not None for metric in metrics}
        rows.append([NOISE, *(_number(summary.noise(metric)) if known[metric] else "-" for metric in metrics)])
        print()
        table(rows)
    rows = [["Target", "", ""], *([text, "met" if met else "MISSED", why] for text, met, why in targets(summary))]
    print()
    table(rows)


def _sorted(results: Results) -> list[Variant]:
    """The pages without chat first, then by vendor and shape, in the order of the run."""
    return sorted(results, key=lambda variant: (variant.vendor, variant.shape, variant != NONE))


def _cell(summary: Summary, variant: Variant, metric: str) -> str:
    value = summary.value(variant, metric)
    if value is None:
        return "-"
    base = summary.value(variant.base, metric)
    differs = base is not None and variant not in (NONE, REACT) and math.isfinite(value)
    return _number(value) + (f" ({value - (base or 0):+.{_digits(value)}f})" if differs else "")


def _number(value: float) -> str:
    return f"{value:.{_digits(value)}f}" if math.isfinite(value) else "never"


def _digits(value: float) -> int:
    return 3 if 0 < abs(value) < 1 else 0


def table(rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *rest = (
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join([first, *rest]).rstrip())


# -- targets ---------------------------------------------------------------------------------------------------------


def targets(summary: Summary) -> Iterator[Target]:
    for variant in _sorted(summary.results):
        if variant.kind in DEFERRED:
            yield from _deferred(summary, variant)
        if variant.kind == "idle" and variant.compared:
            yield from _lazy_peers(summary, variant)
        if variant.kind == "intent":
            yield from _intent(summary, variant)


def _deferred(summary: Summary, variant: Variant) -> Iterator[Target]:
    """Nothing of the page is later for a chat that comes later."""
    for metric in ("fcp", "lcp"):
        allowed = max(summary.noise(metric), 0.02 * (summary.value(NONE, metric) or 0))
        yield _most(variant, f"{metric.upper()} beyond no chat's", summary.more(variant, metric), allowed)
    if variant.kind != "idle":
        yield _most(variant, "TBT beyond no chat's", summary.more(variant, "tbt"), summary.noise("tbt"))
    # Idle may start with `load`; intent may fetch, without running it, once a launcher was in view for long.
    moment = "late" if variant.kind == "interaction" else "load"
    yield _most(variant, "own long tasks", summary.value(variant, "own") or 0, 0)
    for metric in ("cls", f"{moment}_kb", f"{moment}_connections"):
        yield _most(variant, f"{WORDS[metric]}, worst round", max(summary.results[variant][metric]), 0)


def _lazy_peers(summary: Summary, variant: Variant) -> Iterator[Target]:
    """Each beside its own page without chat, and until the vendor is there, as the laziest starts it after seconds."""
    peers = [Variant(kind, variant.vendor, variant.shape) for kind in PEERS]
    if all(summary.value(known, "whole_tbt") is not None for known in (*peers, REACT)):
        best = min(summary.more(peer, "whole_tbt") for peer in peers)
        allowed = best + summary.noise("whole_tbt")
        yield _most(variant, "TBT to the end: the best lazy peer's", summary.more(variant, "whole_tbt"), allowed)


def _intent(summary: Summary, variant: Variant) -> Iterator[Target]:
    """A launcher was in view and hovered: half of the way is done before the click."""
    click_only, snippet = (replace(variant, kind=kind) for kind in ("manual", "snippet"))
    for metric, other, text, share, more in (
        ("late", click_only, "late click: 0.5 of on click only", 0.5, 0.0),
        ("early", snippet, "early click: the snippet's and 900 ms", 1.0, 900.0),
    ):
        value, beside = summary.value(variant, metric), summary.value(other, metric)
        if value is not None and beside is not None:
            yield _most(variant, text, value, share * beside + more)


def _most(variant: Variant, text: str, value: float, allowed: float) -> Target:
    return f"{variant.name}: {text}", value <= allowed, f"{_number(value)}, allowed {_number(allowed)}"

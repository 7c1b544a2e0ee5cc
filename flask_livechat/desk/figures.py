"""Figures as people read them: in a terminal and on the page. Pure."""

from __future__ import annotations

import csv
from typing import TextIO

from ..safe_text import csv_cell
from .metrics import Csat, Metrics


def span(seconds: float | None) -> str:
    """45 s, 3 min 20 s, 5 h 2 min, 3 d 4 h."""
    if seconds is None:
        return "-"
    whole = round(seconds)
    for size, name, smaller, part in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {name}{f' {rest} {part}' if rest else ''}"
    return f"{whole} s"


def share(part: float | None) -> str:
    return "-" if part is None else f"{part:.0%}"


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".")


def change(part: float | None) -> str:
    """Against what was before: +50%."""
    return "new" if part is None else f"{part:+.0%}"


def scales(found: Csat) -> str:
    """What was rated, by scale, and what of it is good: "stars (of 5): 9 good of 12, thumbs: 3 good of 3"."""
    named = (("thumbs" if one.best == 1 else f"stars (of {one.best})", one) for one in found.scales)
    return ", ".join(f"{name}: {one.good} good of {one.rated}" for name, one in named)


def write_csv(found: Metrics, file: TextIO) -> None:
    """As a table. Tags are what agents and visitors wrote."""
    table = csv.writer(file)
    table.writerow(("metric", "what", "month", "value"))
    table.writerows([csv_cell(cell) for cell in row] for row in found.rows())

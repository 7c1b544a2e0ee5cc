"""Write figures as people read them: in a terminal, on the page and in a table. Pure."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, TextIO

from ..safe_text import csv_cell

if TYPE_CHECKING:
    from .metrics import Csat, Metrics


def span(seconds: float | None) -> str:
    """Write a time as 45 s, 3 min 20 s, 5 h 2 min or 3 d 4 h."""
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
    """Write a change against what was before: +50%."""
    return "new" if part is None else f"{part:+.0%}"


def scales(csat: Csat) -> str:
    """Write what was rated, by scale, and what of it is good: "stars (of 5): 9 good of 12, thumbs: 3 good of 3"."""
    named = (("thumbs" if scale.best == 1 else f"stars (of {scale.best})", scale) for scale in csat.scales)
    return ", ".join(f"{name}: {scale.good} good of {scale.rated}" for name, scale in named)


def write_csv(metrics: Metrics, file: TextIO) -> None:
    """Write a table. Its cells are made safe, for tags are what agents and visitors wrote."""
    table = csv.writer(file)
    table.writerow(("metric", "what", "month", "value"))
    table.writerows([csv_cell(cell) for cell in row] for row in metrics.rows())

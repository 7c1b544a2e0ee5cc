"""Write figures as people read them: in a terminal, on the page and in a table. Pure."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

from ..safe_text import csv_cell

if TYPE_CHECKING:
    from ..targets import Target
    from .cohort import Cohort
    from .metrics import Csat, Metrics

TITLES: Mapping[str, str] = {
    "conversations": "Conversations",
    "first_response": "First response",
    "first_response_office": "First response in office hours",
    "resolution": "Resolution",
    "resolution_office": "Resolution in office hours",
    "deflection": "Deflection",
    "article_deflection": "Article deflection",
    "csat": "CSAT",
    "csat_reported": "Thumbs in browsers",
}


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
    """Write a share to a tenth of a per cent: what just misses a target does not read as if it met it."""
    return "-" if part is None else f"{round(part * 100, 1):g}%"


def verdict(target: Target | None, verdict: str | None) -> str:
    """Write what a figure is against its target: "above the target (2 min at most)". Empty without a target."""
    if target is None:
        return ""
    text = span if target.unit == "seconds" else share
    bounds = f"{text(target.least)} to {text(target.most)}"
    if target.least is None or target.most is None:
        bounds = f"{text(target.least)} at least" if target.most is None else f"{text(target.most)} at most"
    return f"{verdict} the target ({bounds})" if verdict else f"no figure for the target ({bounds})"


def points(part: float) -> str:
    """Write a difference of shares in points: +5.2."""
    return f"{part * 100:+.1f}"


def cohort_verdict(cohort: Cohort) -> str:
    """Write in a sentence what a cohort comes to: a difference counts where its interval does not hold 0."""
    if cohort.difference is None:
        return "There are too few people in one of the groups to say anything."
    low, share, high = cohort.difference.low, cohort.difference.share, cohort.difference.high
    if low <= 0 <= high:
        return "No difference can be told from chance: the interval holds 0."
    more = "more" if share > 0 else "less"
    least, most = sorted((abs(low), abs(high)))
    return (
        f"Those who wrote stayed {more} often: {abs(share) * 100:.1f} points, and with 95% confidence between "
        f"{least * 100:.1f} and {most * 100:.1f}."
    )


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".")


def change(part: float | None) -> str:
    """Write a change against what was before: +50%."""
    return "new" if part is None else f"{part:+.0%}"


def difference(now: float | None, before: float | None, points: bool) -> str:
    """Write how a figure differs from the one before: shares in points, and all else in per cent."""
    if now is None or before is None or now == before:
        return "" if now is None or before is None else "same"
    if points:
        return f"{(now - before) * 100:+.0f} points"
    return f"{(now - before) / before:+.0%}" if before else "new"


def scales(csat: Csat) -> str:
    """Write what was rated, by scale, and what of it is good: "stars (of 5): 9 good of 12, thumbs: 3 good of 3"."""
    named = (("thumbs" if scale.best == 1 else f"stars (of {scale.best})", scale) for scale in csat.scales)
    return ", ".join(f"{name}: {scale.good} good of {scale.rated}" for name, scale in named)


def write_csv(metrics: Metrics, file: TextIO) -> None:
    """Write a table. Its cells are made safe, for tags are what agents and visitors wrote."""
    table = csv.writer(file)
    table.writerow(("metric", "what", "month", "value"))
    table.writerows([csv_cell(cell) for cell in row] for row in metrics.rows())

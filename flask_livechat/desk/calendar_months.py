"""Calendar months, whole, in a time zone. Pure.

A month begins at midnight where the office is, and so may be an hour longer or shorter than its days.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

from .conclusions import MONTHS

Spans = Sequence[tuple[datetime, datetime]]  # beginnings and ends


def months(since: datetime, until: datetime, zone: tzinfo) -> Spans:
    """The calendar months, whole, that a time touches: their beginnings and ends."""
    months = [month_of(since, zone)]
    while months[-1][1] < until:
        months.append(month_of(months[-1][1], zone))
    return months


def ended_months(until: datetime, zone: tzinfo) -> Spans:
    """The last three calendar months that are over then."""
    months = [month_of(until, zone)]
    for _ in range(MONTHS):
        months.insert(0, month_of(months[0][0] - timedelta(days=1), zone))
    return months[:-1]


def month_of(moment: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """The beginning and the end of the month that a moment is in."""
    local = moment.astimezone(zone)
    year, month = divmod(local.year * 12 + local.month, 12)
    begins = datetime(local.year, local.month, 1, tzinfo=zone)
    return begins, datetime(year, month + 1, 1, tzinfo=zone)

"""Office hours: when somebody is there to answer. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from typing import Any

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """Opening times per weekday (0 is Monday) in one time zone, and the days on which it stays shut."""

    tz: tzinfo
    week: Mapping[int, tuple[tuple[time, time], ...]]
    closed: frozenset[date]

    def is_open(self, now: datetime) -> bool:
        """Whether ``now`` (an aware moment) lies within the hours. A span's end is not part of it."""
        local = now.astimezone(self.tz)
        if local.date() in self.closed:
            return False
        return any(start <= local.time() < end for start, end in self.week.get(local.weekday(), ()))


def parse(given: Mapping[str, Any]) -> OfficeHours:
    """``{"tz": "Europe/Berlin", "mon-fri": "09:00-12:00, 13:00-17:00", "closed": ["2026-12-25"]}``.

    Raises ``ValueError`` that says what is wrong.
    """
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - slow to import, and most apps have no office hours

    try:
        tz = ZoneInfo(given["tz"])
    except KeyError:
        raise ValueError("'tz' is missing or not a time zone such as 'Europe/Berlin'") from None
    except Exception:  # zoneinfo raises what the file system does for odd names
        raise ValueError(f"'tz' is not a time zone: {given['tz']!r}") from None
    week: dict[int, tuple[tuple[time, time], ...]] = {}
    for days, spans in given.items():
        if days not in ("tz", "closed"):
            week |= dict.fromkeys(_days(days), _spans(spans))
    if not week:
        raise ValueError("no day has hours; say for example 'mon-fri': '09:00-17:00'")
    return OfficeHours(tz, week, frozenset(_date(day) for day in given.get("closed", ())))


def _days(text: str) -> list[int]:
    found: list[int] = []
    for part in str(text).lower().replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        last = last if dash else first
        if first not in DAYS or last not in DAYS:
            raise ValueError(f"{text!r} is not a day or days such as 'mon-fri' or 'sat'")
        start, count = DAYS.index(first), (DAYS.index(last) - DAYS.index(first)) % 7
        found += [(start + n) % 7 for n in range(count + 1)]
    return found


def _spans(text: str) -> tuple[tuple[time, time], ...]:
    spans = []
    for part in str(text).replace(" ", "").split(","):
        match = re.fullmatch(r"(\d\d?:\d\d)-(\d\d?:\d\d)", part)
        try:
            start, end = (_clock(clock) for clock in match.groups()) if match else (time.max, time.min)
        except ValueError:
            start, end = time.max, time.min
        if start >= end:
            raise ValueError(f"{text!r} are not hours such as '09:00-17:00'")
        spans.append((start, end))
    return tuple(spans)


def _clock(text: str) -> time:
    return time.max if text == "24:00" else time.fromisoformat(text.zfill(5))


def _date(value: Any) -> date:
    if isinstance(value, datetime):  # which is a date as well, but equals none
        return value.date()
    try:
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"{value!r} in 'closed' is not a date such as '2026-12-25'") from None

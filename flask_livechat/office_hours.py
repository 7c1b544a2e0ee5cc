"""Office hours: when somebody is there to answer. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

DAY = timedelta(days=1)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """Opening times per weekday (0 is Monday) in one time zone, and the days on which it stays shut.

    Times are since midnight, in order, and no two of a day overlap.
    """

    tz: tzinfo
    week: Mapping[int, Sequence[tuple[timedelta, timedelta]]]
    closed: frozenset[date]

    def is_open(self, now: datetime) -> bool:
        """Whether ``now`` (an aware moment) lies within the hours. A span's end is not part of it."""
        local = now.astimezone(self.tz)
        if local.date() in self.closed:
            return False
        clock = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        return any(opens <= clock < closes for opens, closes in self.week.get(local.weekday(), ()))

    def next_opening(self, now: datetime) -> datetime | None:
        """When it opens next, in its own time zone. None where it does not within a year."""
        day = now.astimezone(self.tz).date()
        for _ in range(366):
            opens = [opens for opens, closes in self._open_on(day, self._midnight(day)) if now < opens < closes]
            if opens:
                return min(opens).astimezone(self.tz)
            day += DAY
        return None

    def seconds(self, start: datetime, end: datetime) -> float:
        """Return how much of the time between two aware moments is within the hours: 0 if the end is the earlier."""
        day, total = start.astimezone(self.tz).date(), 0.0
        while (begins := self._midnight(day)) < end:
            for opens, closes in self._open_on(day, begins):
                total += max(0.0, (min(end, closes) - max(start, opens)).total_seconds())
            day += DAY
        return total

    def _open_on(self, day: date, begins: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the hours of a day in UTC. Where clocks change within it, each part goes by its own offset."""
        spans = () if day in self.closed else self.week.get(day.weekday(), ())
        ends = self._midnight(day + DAY)
        change = self._change(begins, ends) if spans else ends
        for first, last in ((begins, change), (change, ends)):
            midnight = datetime.combine(day, time.min, UTC) - self._offset(first)  # or would be, by this offset
            for opens, closes in spans:
                yield max(first, midnight + opens), min(last, midnight + closes)

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time.min, self.tz).astimezone(UTC)

    def _offset(self, moment: datetime) -> timedelta:
        return moment.astimezone(self.tz).utcoffset() or timedelta()

    def _change(self, first: datetime, last: datetime) -> datetime:
        """Return when clocks change between two moments, to the second; the last where they do not."""
        before = self._offset(first)
        if self._offset(last) == before:
            return last
        while last - first > timedelta(seconds=1):
            middle = (first + (last - first) / 2).replace(microsecond=0)
            first, last = (middle, last) if self._offset(middle) == before else (first, middle)
        return last


def parse(given: Mapping[str, Any]) -> OfficeHours:
    """Read ``{"tz": "Europe/Berlin", "mon-fri": "09:00-12:00, 13:00-17:00", "closed": ["2026-12-25"]}``.

    Raise ``ValueError`` that says what is wrong.
    """
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - slow to import, and most apps have no office hours

    try:
        tz = ZoneInfo(given["tz"])
    except KeyError:
        raise ValueError("'tz' is missing or not a time zone such as 'Europe/Berlin'") from None
    except Exception:  # zoneinfo raises what the file system does for odd names
        raise ValueError(f"'tz' is not a time zone: {given['tz']!r}") from None
    week: dict[int, list[tuple[timedelta, timedelta]]] = {}
    for days, spans in given.items():
        if days not in ("tz", "closed"):
            week |= dict.fromkeys(_days(days), _spans(spans))
    if not week:
        raise ValueError("no day has hours; write for example 'mon-fri': '09:00-17:00'")
    return OfficeHours(tz, week, frozenset(_date(day) for day in given.get("closed", ())))


def _days(text: str) -> list[int]:
    days: list[int] = []
    for part in str(text).lower().replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        last = last if dash else first
        if first not in DAYS or last not in DAYS:
            raise ValueError(f"{text!r} is not a day or days such as 'mon-fri' or 'sat'")
        start, count = DAYS.index(first), (DAYS.index(last) - DAYS.index(first)) % 7
        days += [(start + n) % 7 for n in range(count + 1)]
    return days


def _spans(text: str) -> list[tuple[timedelta, timedelta]]:
    """Read the spans of a day and put them in order. What two of them share is in the first alone."""
    spans = []
    for part in str(text).replace(" ", "").split(","):
        match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])-([01]?[0-9]|2[0-4]):([0-5][0-9])", part)
        hour, minute, end_hour, end_minute = map(int, match.groups()) if match else (0, 0, 0, 0)
        opens, closes = timedelta(hours=hour, minutes=minute), timedelta(hours=end_hour, minutes=end_minute)
        if not opens < closes <= DAY:
            raise ValueError(f"{text!r} are not hours such as '09:00-17:00'")
        spans.append((opens, closes))
    apart, done = [], timedelta()
    for opens, closes in sorted(spans):
        if closes > done:
            apart.append((max(opens, done), closes))
            done = closes
    return apart


def _date(value: Any) -> date:
    if isinstance(value, datetime):  # which is a date as well, but equals none
        return value.date()
    try:
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"{value!r} in 'closed' is not a date such as '2026-12-25'") from None

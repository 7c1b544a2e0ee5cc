"""Office hours: when somebody is there to answer. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

DAY = timedelta(days=1)
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
        """How much of the time between two aware moments is within the hours; 0 where the end is not the later one."""
        day, total = start.astimezone(self.tz).date(), 0.0
        while (begins := self._midnight(day)) < end:
            total += sum(_overlap(start, end, *span) for span in self._open_on(day, begins))
            day += DAY
        return total

    def _open_on(self, day: date, begins: datetime) -> Iterator[tuple[datetime, datetime]]:
        """When it is open on a day, in UTC. Where clocks change within it, each part goes by its own offset."""
        spans = () if day in self.closed else self.week.get(day.weekday(), ())
        ends = self._midnight(day + DAY)
        change = _change(begins, ends, self.tz) if spans else ends
        for first, last in ((begins, change), (change, ends)):
            midnight = datetime.combine(day, time.min, UTC) - _offset(first, self.tz)  # or would be, by this offset
            for opens, closes in _apart(spans):
                yield max(first, midnight + opens), min(last, midnight + closes)

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time.min, self.tz).astimezone(UTC)


def _offset(moment: datetime, tz: tzinfo) -> timedelta:
    return moment.astimezone(tz).utcoffset() or timedelta()


def _change(first: datetime, last: datetime, tz: tzinfo) -> datetime:
    """When clocks change between two moments, to the second; the last where they do not."""
    before = _offset(first, tz)
    if _offset(last, tz) == before:
        return last
    while last - first > timedelta(seconds=1):
        middle = (first + (last - first) / 2).replace(microsecond=0)
        first, last = (middle, last) if _offset(middle, tz) == before else (first, middle)
    return last


def _apart(spans: Iterable[tuple[time, time]]) -> Iterator[tuple[timedelta, timedelta]]:
    """Spans since midnight, in order; what two of them share is counted once."""
    done = timedelta()
    for start, end in sorted(spans):
        opens, closes = max(done, _since_midnight(start)), _since_midnight(end)
        if opens < closes:
            done = closes
            yield opens, closes


def _since_midnight(clock: time) -> timedelta:
    if clock == time.max:  # 24:00
        return DAY
    return timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second)


def _overlap(start: datetime, end: datetime, opens: datetime, closes: datetime) -> float:
    return max(0.0, (min(end, closes) - max(start, opens)).total_seconds())


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
    days: list[int] = []
    for part in str(text).lower().replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        last = last if dash else first
        if first not in DAYS or last not in DAYS:
            raise ValueError(f"{text!r} is not a day or days such as 'mon-fri' or 'sat'")
        start, count = DAYS.index(first), (DAYS.index(last) - DAYS.index(first)) % 7
        days += [(start + n) % 7 for n in range(count + 1)]
    return days


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

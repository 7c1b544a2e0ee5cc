"""Office hours: open or closed, in the office's own time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_livechat import ConfigError
from flask_livechat.office_hours import parse

from .conftest import create_app

BERLIN = {"tz": "Europe/Berlin", "mon-fri": "09:00-17:00", "closed": ["2026-12-25"]}


def is_open(hours: dict[str, Any], moment: str) -> bool:
    """Whether the office is open at a moment of its own local time."""
    return parse(hours).is_open(datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(hours["tz"])))


@pytest.mark.parametrize(
    ("moment", "opened"),
    [
        ("2026-06-01 08:59:59", False),  # a Monday
        ("2026-06-01 09:00:00", True),
        ("2026-06-01 16:59:59", True),
        ("2026-06-01 17:00:00", False),
        ("2026-06-05 12:00:00", True),
        ("2026-06-06 12:00:00", False),
        ("2026-06-07 12:00:00", False),
        ("2026-12-24 12:00:00", True),
        ("2026-12-25 12:00:00", False),
        ("2027-12-24 12:00:00", True),
    ],
)
def test_the_office_is_open_on_its_days_and_hours(moment: str, opened: bool) -> None:
    assert is_open(BERLIN, moment) is opened


@pytest.mark.parametrize(
    ("moment", "opened"),
    [
        (datetime(2026, 1, 5, 8, 30, tzinfo=UTC), True),  # 09:30 in winter
        (datetime(2026, 1, 5, 7, 30, tzinfo=UTC), False),
        (datetime(2026, 6, 1, 7, 30, tzinfo=UTC), True),  # 09:30 in summer
        (datetime(2026, 6, 1, 15, 30, tzinfo=UTC), False),
        (datetime(2026, 3, 30, 7, 0, tzinfo=UTC), True),  # the Monday after the clocks went forward
        (datetime(2026, 10, 26, 7, 30, tzinfo=UTC), False),  # the Monday after they went back
        (datetime(2026, 5, 31, 23, 30, tzinfo=UTC), False),  # Monday there already, but night
    ],
)
def test_summer_time_is_the_offices(moment: datetime, opened: bool) -> None:
    assert parse(BERLIN).is_open(moment) is opened


def test_a_day_that_is_closed_there_is_told_by_the_offices_calendar() -> None:
    hours = parse({"tz": "Pacific/Auckland", "mon-sun": "00:00-24:00", "closed": ["2026-12-25"]})
    assert not hours.is_open(datetime(2026, 12, 24, 12, tzinfo=UTC))  # the 25th in Auckland
    assert hours.is_open(datetime(2026, 12, 25, 12, tzinfo=UTC))  # the 26th


@pytest.mark.parametrize(
    ("days", "opened"),
    [
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("sat", {5}),
        ("fri-mon", {4, 5, 6, 0}),
        ("sun-sat", {0, 1, 2, 3, 4, 5, 6}),
        ("mon,wed , fri-sat", {0, 2, 4, 5}),
        ("Mon-FRI", {0, 1, 2, 3, 4}),
        ("mon-mon", {0}),
    ],
)
def test_days_are_single_spans_or_lists(days: str, opened: set[int]) -> None:
    assert set(parse({"tz": "UTC", days: "09:00-17:00"}).week) == opened


def test_several_spans_leave_a_lunch_break() -> None:
    hours = {"tz": "UTC", "mon": "09:00-12:00, 13:00-17:00"}
    found = [is_open(hours, f"2026-06-01 {hour:02}:30") for hour in range(8, 18)]
    assert found == [False, True, True, True, False, True, True, True, True, False]


def test_a_later_line_replaces_a_day_of_an_earlier_one() -> None:
    hours = {"tz": "UTC", "mon-fri": "09:00-17:00", "wed": "10:00-12:00"}
    assert is_open(hours, "2026-06-02 16:00")
    assert not is_open(hours, "2026-06-03 16:00")


def test_a_whole_day_ends_at_midnight() -> None:
    assert is_open({"tz": "UTC", "mon": "0:00-24:00"}, "2026-06-01 23:59:59")
    assert not is_open({"tz": "UTC", "mon": "0:00-24:00"}, "2026-06-02 00:00:00")


@pytest.mark.parametrize("day", ["2026-12-25", date(2026, 12, 25), datetime(2026, 12, 25, 8, 0)])
def test_a_closed_day_is_text_or_a_date(day: Any) -> None:
    assert not is_open(BERLIN | {"closed": [day]}, "2026-12-25 12:00")
    assert is_open(BERLIN | {"closed": [day]}, "2026-12-24 12:00")


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ({"mon": "09:00-17:00"}, "tz"),
        ({"tz": "Mars/Olympus", "mon": "09:00-17:00"}, "tz"),
        ({"tz": "../../etc/passwd", "mon": "09:00-17:00"}, "tz"),
        ({"tz": "", "mon": "09:00-17:00"}, "tz"),
        ({"tz": None, "mon": "09:00-17:00"}, "tz"),
        ({"tz": "UTC"}, "no day"),
        ({"tz": "UTC", "closed": []}, "no day"),
        ({"tz": "UTC", "monday": "09:00-17:00"}, "monday"),
        ({"tz": "UTC", "": "09:00-17:00"}, "day"),
        ({"tz": "UTC", 1: "09:00-17:00"}, "1"),
        ({"tz": "UTC", "mon": "9-17"}, "9-17"),
        ({"tz": "UTC", "mon": "17:00-09:00"}, "17:00-09:00"),
        ({"tz": "UTC", "mon": "09:00-09:00"}, "09:00-09:00"),
        ({"tz": "UTC", "mon": "09:00-25:00"}, "25:00"),
        ({"tz": "UTC", "mon": "09:60-17:00"}, "09:60"),
        ({"tz": "UTC", "mon": ""}, "hours"),
        ({"tz": "UTC", "mon": None}, "None"),
        ({"tz": "UTC", "mon": "09:00-17:00,"}, "09:00-17:00,"),
        ({"tz": "UTC", "mon": "09:00-17:00", "closed": ["25.12.2026"]}, "25.12.2026"),
        ({"tz": "UTC", "mon": "09:00-17:00", "closed": "2026-12-25"}, "closed"),
    ],
)
def test_wrong_hours_are_a_problem_that_says_what_is_wrong(hours: dict[Any, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        create_app("crisp", LIVECHAT_OFFICE_HOURS=hours)
    (problem,) = caught.value.problems
    assert problem.key == "LIVECHAT_OFFICE_HOURS"
    assert said in problem.what


@pytest.mark.parametrize("wrong", ["mon-fri 9-17", 9, [("tz", "UTC")], True])
def test_what_is_no_dict_is_a_problem(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="must be a dict"):
        create_app("crisp", LIVECHAT_OFFICE_HOURS=wrong)


@given(
    moment=st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),
    shift=st.integers(-23, 23),
)
def test_the_callers_time_zone_does_not_matter(moment: datetime, shift: int) -> None:
    from datetime import timezone

    elsewhere = moment.astimezone(timezone(timedelta(hours=shift)))
    assert parse(BERLIN).is_open(moment) is parse(BERLIN).is_open(elsewhere)


# -- how much of a span is within the hours -------------------------------------------------------------------------


def seconds(hours: dict[str, Any], start: str, end: str) -> float:
    tz = ZoneInfo(hours["tz"])
    return parse(hours).seconds(*(datetime.fromisoformat(one).replace(tzinfo=tz) for one in (start, end)))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-06-01 10:00", "2026-06-01 10:05", 300),
        ("2026-06-01 16:30", "2026-06-02 09:30", 3600),  # overnight
        ("2026-06-05 16:00", "2026-06-08 10:00", 7200),  # a weekend
        ("2026-06-06 10:00", "2026-06-07 10:00", 0),
        ("2026-12-24 16:00", "2026-12-28 10:00", 7200),  # a holiday and a weekend
        ("2026-06-01 10:00", "2026-06-01 09:00", 0),  # backwards
        ("2026-03-27 09:00", "2026-03-30 17:00", 2 * 8 * 3600),  # summer time begins
    ],
)
def test_only_time_within_the_hours_counts(start: str, end: str, expected: float) -> None:
    assert seconds(BERLIN, start, end) == expected


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-07", 24)])
def test_a_day_on_which_clocks_change_is_as_long_as_it_is(day: str, hours: int) -> None:
    always = {"tz": "Europe/Berlin", "mon-sun": "00:00-24:00"}
    next_day = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    assert seconds(always, f"{day} 00:00", f"{next_day} 00:00") == hours * 3600


def test_spans_that_overlap_count_once() -> None:
    assert seconds({"tz": "UTC", "mon": "09:00-12:00, 11:00-13:00"}, "2026-06-01 00:00", "2026-06-02 00:00") == 14400


@given(
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC"]),
    st.sampled_from(["00:00-24:00", "01:15-02:45", "09:00-17:00", "00:00-03:00,22:00-24:00"]),
    st.datetimes(datetime(2015, 1, 1), datetime(2027, 1, 1)),
    st.sampled_from(
        [datetime(2018, 2, 17), datetime(2018, 11, 3), datetime(2026, 3, 28), datetime(2026, 10, 24), None]
    ),
    st.integers(0, 60 * 50),
)
def test_it_is_as_much_as_the_minutes_in_which_it_is_open(
    zone: str, spans: str, anywhere: datetime, change: datetime | None, minutes: int
) -> None:
    """Counted minute by minute, also where clocks change."""
    hours = parse({"tz": zone, "mon-sun": spans})
    start = (change or anywhere).replace(second=0, microsecond=0, tzinfo=UTC)
    end = start + timedelta(minutes=minutes)
    counted = sum(60 for n in range(minutes) if hours.is_open(start + timedelta(minutes=n)))
    assert hours.seconds(start, end) == counted

"""The support metrics: the worked example of the docs, and each definition's edges, on both databases."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bs4 import BeautifulSoup

from flask_livechat import LiveChat
from flask_livechat.desk import flow_figures
from flask_livechat.desk.calendar_months import months
from flask_livechat.desk.conclusions import conclude
from flask_livechat.desk.definitions import DEFINITIONS
from flask_livechat.desk.metrics import Metrics, PerUser, Topic, metrics
from flask_livechat.desk.store import Store
from flask_livechat.model import Event
from flask_livechat.office_hours import parse
from flask_livechat.targets import parse as parse_targets

from ..conftest import chat_of
from .test_projections import NOW, work
from .test_receiver import Make, make  # noqa: F401 - a fixture

PAGE = Path(__file__).parents[2] / "docs" / "metrics.rst"
NOVEMBER = (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


def table(number: int) -> list[dict[str, str]]:
    """A table of the docs page."""
    text = re.findall(r"\.\. csv-table::\n   :header: (.*?)\n\n((?:   .*\n)+)", PAGE.read_text("utf-8"))[number]
    names = [name.strip() for name in text[0].split(",")]
    lines = csv.reader(text[1].splitlines(), skipinitialspace=True)
    return [dict(zip(names, (cell.strip() for cell in line), strict=True)) for line in lines]


def event_of(number: int, row: dict[str, str]) -> Event:
    fields: dict[str, Any] = dict(part.split("=") for part in row["of"].split())
    fields |= {"tags": (fields["tags"],)} if "tags" in fields else {}
    fields |= {"rating": int(fields["rating"]), "best": 5} if "rating" in fields else {}
    at = datetime.fromisoformat(row["at"]).replace(tzinfo=UTC)
    author = row["author"] or None
    return Event(row["vendor"], row["kind"], str(number), at, row["conversation"], author=author, **fields)


def test_the_worked_example_is_what_comes_out(store: Store) -> None:
    store.hours = parse({"tz": "Europe/Berlin", "mon-fri": "09:00-17:00"})
    store.add([event_of(number, row) for number, row in enumerate(table(0))], NOW)
    work(store)
    for what, count in (("open", 10), ("up", 3), ("down", 1)):
        for _ in range(count):
            store.count("tawk", what, NOW)
    ends = [("resolved", "card", 1)] * 2 + [("human", "billing", 2)] * 2 + [("human", "topic", 1)]
    for step in [("begun", "topic", 0)] * 6 + ends:
        flow_figures.count(store, "crisp", "support", [step], NOW)
    made = {row[:3]: row[3] for row in metrics(store, *NOVEMBER, targets=parse_targets({})).rows()}
    for row in table(1):
        value = made[row["metric"], row["what"], row["month"]]
        assert value == row["value"] or value == pytest.approx(float(row["value"])), row
    targeted = {row["metric"] for row in table(1) if row["what"] == "verdict"}
    assert targeted == {name for name, what, *_ in made if what == "verdict"}


def test_python_json_csv_the_terminal_and_the_page_say_the_same_of_targets(
    make: Make,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hours = {"tz": "Europe/Berlin", "mon-fri": "09:00-17:00"}
    app = make("crisp", LIVECHAT_OFFICE_HOURS=hours)
    monkeypatch.setattr(LiveChat, "now", staticmethod(lambda: NOVEMBER[1]))
    chat_of(app).staff_required(lambda: True)
    with app.app_context():
        store = chat_of(app).store
        store.add([event_of(number, row) for number, row in enumerate(table(0))], NOW)
        work(store)
        for what, count in (("open", 10), ("up", 3), ("down", 1)):
            for _ in range(count):
                store.count("tawk", what, NOW)
        berlin = ZoneInfo("Europe/Berlin")
        figures = chat_of(app).metrics(datetime(2026, 11, 1, tzinfo=berlin), datetime(2026, 12, 1, tzinfo=berlin))
    verdicts = {name: figure.verdict for name, figure in figures.judged.items()}
    assert verdicts == {row["metric"]: row["value"] for row in table(1) if row["what"] == "verdict"}
    assert figures.missed == ("first_response_office", "resolution_office", "csat", "csat_reported")
    conclusions = [row["value"] for row in table(1) if row["metric"] == "conclusions"]
    assert [conclusion.text for conclusion in figures.conclusions] == conclusions

    arguments = ["livechat", "metrics", "--since", "2026-11-01", "--until", "2026-12-01"]
    client, runner = app.test_client(), app.test_cli_runner()
    in_json = [json.loads(runner.invoke(args=[*arguments, "--format", "json"]).stdout)]
    in_json.append(client.get("/livechat/metrics?from=2026-11-01&to=2026-11-30&format=json").get_json())
    for data in in_json:
        assert data == json.loads(json.dumps(figures.as_dict()))
        assert {name: data[name]["verdict"] for name in verdicts} == verdicts
    in_csv = [runner.invoke(args=[*arguments, "--format", "csv"]).stdout]
    in_csv.append(client.get("/livechat/metrics?from=2026-11-01&to=2026-11-30&format=csv").text)
    for text in in_csv:
        rows = {tuple(row[:3]): row[3] for row in csv.reader(text.splitlines())}
        assert {name: rows[name, "verdict", ""] for name in verdicts} == verdicts
        assert rows["conclusions", "topic_on_top", "2026-11"] == conclusions[0]

    lines = runner.invoke(args=arguments).stdout.splitlines()
    page = BeautifulSoup(client.get("/livechat/metrics?from=2026-11-01&to=2026-11-30").text, "html.parser")
    cells = [row.select("td")[-1].text for row in page.select(".figures tbody tr") if row.select("td")]
    for words in (
        "above the target (2 min at most)",
        "above the target (15 min at most)",
        "within the target (30% to 50%)",
        "below the target (90% at least)",
    ):
        assert words in cells
        assert any(line.endswith(f": {words}") for line in lines)
    assert [item.text for item in page.select(".conclusions li")] == conclusions
    assert set(conclusions) <= set(lines)
    assert "per user 2026-11        1.33 (6 conversations, 4 of them from 3 known users)" in lines


def test_the_definitions_stand_in_the_docs_word_for_word() -> None:
    page = " ".join(PAGE.read_text("utf-8").split())
    for name, text in DEFINITIONS.items():
        assert f"{name} {text}" in page


# -- edges -------------------------------------------------------------------------------------------------------------


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def keep(store: Store, *events: Event) -> None:
    store.add(events, NOW)
    work(store)


def message_at(minutes: float, author: str = "visitor", conversation: str = "s", **fields: Any) -> Event:
    name = f"{conversation}:{minutes}:{author}"
    provider = fields.pop("provider", "crisp")
    return Event(provider, "message", name, at(minutes), conversation, author=author, **fields)


def closed(minutes: float, conversation: str = "s", author: str | None = "agent") -> Event:
    return Event(
        "crisp", "conversation_closed", f"{conversation}:{minutes}:end", at(minutes), conversation, author=author
    )


def of_all(store: Store, since: float = -60 * 24 * 30, until: float = 60 * 24 * 30, **fields: Any) -> Metrics:
    return metrics(store, at(since), at(until), **fields)


def test_nothing_is_said_of_nothing(store: Store) -> None:
    result = of_all(store)
    assert (result.conversations, result.first_response.median, result.csat.share, result.deflection.share) == (
        0,
        None,
        None,
        None,
    )
    assert result.topics == ()
    assert [month.ratio for month in result.conversations_per_user] == [None] * 3


def test_the_end_of_a_time_is_not_part_of_it(store: Store) -> None:
    keep(store, message_at(0), message_at(5, "agent"))
    assert metrics(store, at(0), at(5)).first_response.count == 0
    assert metrics(store, at(5), at(6)).first_response.count == 1
    assert metrics(store, at(0), at(1)).conversations == 1
    assert metrics(store, at(-1), at(0)).conversations == 0


def test_one_value_is_its_own_median_and_p90(store: Store) -> None:
    keep(store, message_at(0), message_at(5, "agent"))
    assert (of_all(store).first_response.median, of_all(store).first_response.p90) == (300.0, 300.0)


def test_the_median_of_many_is_in_the_middle(store: Store) -> None:
    for n in range(10):
        keep(store, message_at(0, conversation=f"s{n}"), message_at(n + 1, "agent", f"s{n}"))
    result = of_all(store).first_response
    assert (result.count, result.median, result.p90) == (10, pytest.approx(330.0), pytest.approx(546.0))


def test_a_bots_closing_is_counted_apart(store: Store) -> None:
    keep(store, message_at(0), closed(5, author="bot"), message_at(0, conversation="t"), closed(7, "t"))
    result = of_all(store)
    assert (result.resolution.median, result.resolution_by_bot.median) == (420.0, 300.0)


def test_vendors_are_one_series_or_one_each(store: Store) -> None:
    keep(
        store,
        message_at(0),
        message_at(2, "agent"),
        message_at(0, provider="tawk"),
        message_at(4, "agent", provider="tawk"),
    )
    assert of_all(store).first_response.median == 180.0
    assert of_all(store, provider="tawk").first_response.median == 240.0
    assert of_all(store, provider="intercom").conversations == 0


def test_a_tag_chooses_its_conversations(store: Store) -> None:
    keep(
        store,
        message_at(0, tags=("a", "b")),
        message_at(2, "agent"),
        message_at(0, conversation="t"),
        message_at(9, "agent", "t"),
    )
    result = of_all(store, tag="b")
    assert (result.conversations, result.first_response.median) == (1, 120.0)
    assert {topic.tag for topic in of_all(store).topics} == {"a", "b"}


def test_a_tag_has_no_deflection(store: Store) -> None:
    store.count("crisp", "open", NOW)
    assert of_all(store).deflection.share == 1.0
    assert of_all(store, tag="a").deflection.share is None


def test_more_conversations_than_opens_have_no_deflection(store: Store) -> None:
    store.count("crisp", "open", NOW)
    keep(store, message_at(0), message_at(0, conversation="t"))
    assert (of_all(store).deflection.opens, of_all(store).deflection.share) == (1, None)


def test_opens_are_counted_where_their_quarter_of_an_hour_begins(store: Store) -> None:
    for minutes in (0, 14, 15):
        store.count("crisp", "open", at(minutes))
    assert metrics(store, at(0), at(15)).deflection.opens == 2
    assert [metrics(store, at(0), at(20)).deflection.opens, metrics(store, at(20), at(40)).deflection.opens] == [3, 0]
    assert metrics(store, at(0), at(30), provider="tawk").deflection.opens == 0


def test_a_thumb_that_was_turned_later_takes_no_more_than_there_is(store: Store) -> None:
    store.count("tawk", "up", NOW)
    store.count("tawk", "up", NOW + timedelta(days=1), -1)
    store.count("tawk", "down", NOW + timedelta(days=1))
    result = metrics(store, NOW + timedelta(hours=12), NOW + timedelta(days=2)).csat_reported
    assert (result.rated, result.good, result.share) == (1, 0, 0.0)


def test_the_top_two_of_five_are_good_and_the_last_rating_counts(store: Store) -> None:
    for n, stars in enumerate((1, 3, 4, 5)):
        rated = Event("crisp", "rated", f"{n}", at(n), f"s{n}", rating=stars, best=5)
        keep(store, message_at(0, conversation=f"s{n}"), rated)
    assert (of_all(store).csat.rated, of_all(store).csat.good) == (4, 2)
    keep(store, Event("crisp", "rated", "again", at(60), "s0", rating=5, best=5))
    assert (of_all(store).csat.rated, of_all(store).csat.good) == (4, 3)


def test_a_person_is_one_whichever_vendor_names_them(store: Store) -> None:
    keep(
        store,
        message_at(0, email="Ada@example.com"),
        message_at(0, provider="intercom", visitor="42"),
        Event("intercom", "contact_changed", "c", at(1), visitor="42", email="ada@example.com"),
        message_at(0, conversation="t"),
    )
    (month,) = [month for month in of_all(store).conversations_per_user if month.conversations]
    assert (month.conversations, month.identified, month.users, month.ratio) == (3, 2, 1, 2.0)


def test_a_topic_is_compared_with_the_month_before(store: Store) -> None:
    month = 60 * 24 * 30
    for n, minutes in enumerate((-month, -month, 0, 0, 0)):
        keep(store, message_at(minutes, conversation=f"s{n}", tags=("refund",)))
    (result,) = metrics(store, *NOVEMBER).topics
    assert (result.month, result.conversations, result.before, result.change) == ("2026-11", 3, 2, 0.5)


def test_a_topic_that_has_gone_is_said(store: Store) -> None:
    keep(store, message_at(-60 * 24 * 30, tags=("refund",)))
    (result,) = metrics(store, *NOVEMBER).topics
    assert (result.conversations, result.before, result.change) == (0, 1, -1.0)


def test_what_no_worker_has_looked_at_is_said(store: Store) -> None:
    store.add([message_at(0)], NOW)
    assert (of_all(store).waiting, of_all(store).conversations) == (1, 0)
    work(store)
    assert (of_all(store).waiting, of_all(store).conversations) == (0, 1)


def test_months_are_those_of_the_office(store: Store) -> None:
    store.hours = parse({"tz": "Pacific/Auckland", "mon": "09:00-17:00"})
    keep(
        store,
        Event("crisp", "message", "x", datetime(2026, 10, 31, 12, tzinfo=UTC), "s", author="visitor", visitor="1"),
    )
    result = {month.month: month.conversations for month in metrics(store, *NOVEMBER).conversations_per_user}
    assert result == {"2026-11": 1, "2026-12": 0}  # it is November there, and December before November ends here


def test_months_touch_the_whole_time() -> None:
    spans = months(datetime(2026, 12, 31, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC), UTC)
    assert [(since.strftime("%Y-%m"), until.strftime("%Y-%m")) for since, until in spans] == [
        ("2026-12", "2027-01"),
        ("2027-01", "2027-02"),
    ]


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        (datetime(2026, 1, 1), datetime(2026, 2, 1, tzinfo=UTC), "aware"),
        (datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), "since must be before until"),
        (datetime(1, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), "ten years"),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC), "ten years"),
    ],
)
def test_a_time_that_is_none_is_refused(store: Store, since: datetime, until: datetime, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metrics(store, since, until)


def test_figures_are_json_and_rows(store: Store) -> None:
    keep(store, message_at(0, tags=("a",)), message_at(5, "agent"))
    result = of_all(store)
    figure = {"count": 1, "median": 300.0, "p90": 300.0}
    assert result.as_dict()["first_response"] == figure | {"target": None, "verdict": None}
    assert ("first_response", "median", "", 300.0) in list(result.rows())
    assert ("topics", "a", "2026-11", 1) in list(result.rows())


def test_a_bound_of_zero_is_among_the_rows(store: Store) -> None:
    rows = list(of_all(store, targets=parse_targets({"deflection": (0, 0.5), "first_response": 0})).rows())
    assert ("deflection", "target least", "", 0) in rows
    assert ("first_response", "target most", "", 0) in rows


# -- targets and what follows ------------------------------------------------------------------------------------------


def test_a_target_of_times_is_for_the_clock_where_there_are_no_office_hours(store: Store) -> None:
    keep(store, message_at(0), message_at(5, "agent"))
    result = metrics(store, at(-1), at(60), targets=parse_targets({"csat": None}))
    assert list(result.judged) == ["first_response", "resolution", "deflection"]
    assert [figure.verdict for figure in result.judged.values()] == ["above", None, None]
    assert result.missed == ("first_response",)


def test_what_browsers_report_changes_no_figure_that_vendors_sign(store: Store) -> None:
    keep(store, message_at(0), Event("crisp", "rated", "r", at(1), "s", rating=5, best=5))
    before = of_all(store)
    for _ in range(100):
        store.count("crisp", "down", NOW)
        store.count("crisp", "open", NOW)
    after = of_all(store)
    assert (after.csat, after.conversations) == (before.csat, before.conversations)
    assert (after.csat_reported.rated, after.csat_reported.share, after.deflection.opens) == (100, 0.0, 100)


def test_conclusions_are_of_the_last_three_whole_months(store: Store) -> None:
    for month in (8, 9, 10, 11):  # twice in November, which is not over by then
        for n in range(1 + (month == 11)):
            when = datetime(2026, month, 2, n, tzinfo=UTC)
            keep(store, Event("crisp", "message", f"{when}", when, f"{when}", author="visitor", tags=("refund",)))
    (result,) = metrics(store, datetime(2026, 11, 19, tzinfo=UTC), NOW).conclusions
    assert (result.kind, result.tag, result.months) == ("topic_on_top", "refund", ("2026-08", "2026-09", "2026-10"))
    assert [topic.month for topic in metrics(store, datetime(2026, 11, 19, tzinfo=UTC), NOW).topics] == ["2026-11"]
    assert metrics(store, datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 31, tzinfo=UTC)).conclusions == ()
    assert metrics(store, datetime(2026, 11, 19, tzinfo=UTC), NOW, tag="refund").conclusions == ()


def test_a_month_that_is_not_over_concludes_nothing(store: Store) -> None:
    for month in (9, 10, 11):
        when = datetime(2026, month, 2, tzinfo=UTC)
        keep(store, Event("crisp", "message", f"{when}", when, f"{when}", author="visitor", tags=("refund",)))
    assert metrics(store, *NOVEMBER, now=NOVEMBER[1]).conclusions[0].months == ("2026-09", "2026-10", "2026-11")
    assert metrics(store, *NOVEMBER, now=NOVEMBER[1] - timedelta(seconds=1)).conclusions == ()


MONTHS = ("2026-08", "2026-09", "2026-10")


def ratios(*values: float | None) -> list[PerUser]:
    return [PerUser(month, 10, 10, 10, value) for month, value in zip(MONTHS, values, strict=True)]


@pytest.mark.parametrize(
    ("values", "is_rising"),
    [((1.0, 1.5, 2.0), True), ((1.0, 1.0, 2.0), False), ((2.0, 1.0, 3.0), False), ((None, 1.0, 2.0), False)],
)
def test_conversations_per_user_rise_only_from_each_month_to_the_next(
    values: tuple[float | None, ...], is_rising: bool
) -> None:
    assert [result.kind for result in conclude(ratios(*values), [])] == ["per_user_rising"] * is_rising


@pytest.mark.parametrize(
    ("numbers", "is_on_top"),
    [
        ({"a": (3, 3, 3), "b": (2, 2, 2)}, True),
        ({"a": (3, 2, 3), "b": (2, 2, 2)}, False),  # they share a month
        ({"a": (3, 1, 3), "b": (2, 2, 2)}, False),
        ({"a": (3, 0, 3)}, False),
        ({}, False),
    ],
)
def test_a_topic_is_on_top_only_ahead_of_all_others_in_each_month(
    numbers: dict[str, tuple[int, ...]], is_on_top: bool
) -> None:
    topics = [
        Topic(month, tag, number, 0, None)
        for tag, counts in numbers.items()
        for month, number in zip(MONTHS, counts, strict=True)
    ]
    assert [result.tag for result in conclude(ratios(1.0, 1.0, 1.0), topics)] == ["a"] * is_on_top

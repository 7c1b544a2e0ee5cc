"""``/livechat/metrics``: who sees it, that its figures are the figures, and what it is made of."""

from __future__ import annotations

import csv
import io
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask, redirect
from flask.testing import FlaskClient

from flask_livechat import LiveChat
from flask_livechat.desk.cohort import Cohort, Difference
from flask_livechat.desk.definitions import DEFINITIONS
from flask_livechat.desk.formatting import cohort_verdict
from flask_livechat.desk.store import Store

from ..conftest import chat_of, create_app
from .test_metrics import closed
from .test_projections import message
from .test_receiver import Make, make  # noqa: F401 - a fixture

URL = "/livechat/metrics"
CHARTS = Path(__file__).parents[1] / "js" / "node_modules" / "chart.js" / "dist" / "chart.umd.min.js"


@pytest.fixture
def app(make: Make, monkeypatch: pytest.MonkeyPatch) -> Flask:  # noqa: F811
    """It is noon, so that an hour ago is today."""
    app, noon = make("crisp"), LiveChat.now().replace(hour=12)
    monkeypatch.setattr(LiveChat, "now", staticmethod(lambda: noon))
    chat_of(app).staff_required(lambda: True)
    return app


def talk(app: Flask, *tags: str) -> Store:
    """A conversation of an hour ago, answered after five minutes and closed after nine."""
    with app.app_context():
        store, now = chat_of(app).store, chat_of(app).now()
    begun = now - timedelta(hours=1)

    def then(event: Any, minutes: float) -> Any:
        return replace(event, at=begun + timedelta(minutes=minutes))

    store.add([then(message(1, tags=tags), 0), then(message(2, "agent"), 5), then(closed(9), 9)], now)
    store.count("crisp", "open", begun)
    store.count("crisp", "open", begun)
    for event in (queued.event for queued, _, _ in store.scan()):
        store.update_projection(event, now)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE livechat_events SET state = 'done', attempts = 1")
    return store


def read(client: FlaskClient, query: str = "", status: int = 200) -> BeautifulSoup:
    response = client.get(URL + query)
    assert response.status_code == status
    return BeautifulSoup(response.text, "html.parser")


def figure(page: BeautifulSoup, title: str, label: str) -> list[str]:
    """The cells of a line: today, these days, those before, the change."""
    group = next(
        node for node in page.select("tbody") if node.select_one("th[scope=rowgroup]") and title in node.th.text
    )
    row = next(node for node in group.select("tr") if node.th.text == label)
    return [cell.text for cell in row.select("td")]


def test_without_a_word_on_staff_nobody_sees_it(make: Make) -> None:  # noqa: F811
    assert make("crisp").test_client().get(URL).status_code == 404


@pytest.mark.parametrize("answer", [False, None, 0, "yes", redirect("/login")])
def test_who_is_not_staff_finds_nothing_there(make: Make, answer: Any) -> None:  # noqa: F811
    app = make("crisp")
    chat_of(app).staff_required(lambda: answer)
    assert app.test_client().get(URL).status_code == 404
    assert app.test_client().get(f"{URL}?format=csv").status_code == 404


def test_a_question_about_staff_may_be_awaited(make: Make) -> None:  # noqa: F811
    app, answers = make("crisp"), iter([False, True])

    async def ask() -> bool:
        return next(answers)

    chat_of(app).staff_required(ask)
    result: list[int] = []

    def look() -> None:
        result.extend(app.test_client().get(URL).status_code for _ in range(2))

    thread = threading.Thread(target=look)  # where no browser test has left a loop running
    thread.start()
    thread.join()
    assert result == [404, 200]


def test_an_app_that_escapes_nothing_by_itself_is_safe_here(app: Flask, client: FlaskClient) -> None:
    app.jinja_env.autoescape = False
    assert "<img src=x>" not in client.get(f"{URL}?tag=%3Cimg%20src=x%3E").text


def test_a_tag_that_no_database_takes_is_none(client: FlaskClient) -> None:
    assert client.get(f"{URL}?tag=a%00b").status_code == 200


def test_a_question_about_staff_that_fails_is_a_no(make: Make) -> None:  # noqa: F811
    app = make("crisp")
    app.testing = False

    def ask() -> bool:
        raise LookupError

    chat_of(app).staff_required(ask)
    assert app.test_client().get(URL).status_code == 404


def test_an_app_that_receives_nothing_has_no_such_page() -> None:
    app = create_app("crisp")
    chat_of(app).staff_required(lambda: True)
    assert app.test_client().get(URL).status_code == 404


def test_its_figures_are_those_of_python(app: Flask, client: FlaskClient) -> None:
    talk(app, "refund")
    page = read(client)
    assert figure(page, "Conversations", "Number") == ["1", "1", "0", "new", ""]
    assert figure(page, "First response", "Median")[1:] == ["5 min", "-", "", "above the target (2 min at most)"]
    assert figure(page, "CSAT", "Share")[1:] == ["-", "-", "", "no figure for the target (90% at least)"]
    assert figure(page, "Resolution", "Median")[1] == "9 min"
    assert figure(page, "Deflection", "Share")[1] == "50%"
    assert "refund" in page.select_one("[aria-labelledby=topics] table").text
    assert page.select("#by-week tbody tr")[-1].select("td")[1]["data-value"] == "300.0"


def test_each_figure_has_its_definition_one_click_away(client: FlaskClient) -> None:
    data = [node.p.text for node in read(client).select("details.definition")]
    assert sorted(data) == sorted(DEFINITIONS.values())


def test_today_stands_beside_the_last_four_weeks_and_those_before(client: FlaskClient) -> None:
    heads = [[cell.text for cell in head.select("th")] for head in read(client).select(".figures thead")]
    assert heads == [["Figure", "Today", "These 28 days", "The 28 days before", "Change", "Target"]] * 2


def test_what_browsers_report_stands_apart_on_the_page(client: FlaskClient) -> None:
    page = read(client)
    titles = {
        name: [node.contents[0].strip() for node in page.select(f"[aria-labelledby={name}] th[scope=rowgroup]")]
        for name in ("figures", "reported")
    }
    assert titles == {
        "figures": ["Conversations", "First response", "Resolution", "CSAT"],
        "reported": ["Deflection", "Article deflection", "Thumbs in browsers"],
    }
    assert "false ones are possible" in page.select_one("[aria-labelledby=reported]").text


@pytest.mark.parametrize(
    ("targets", "status", "message"),
    [
        ({}, 1, "First response: above the target (2 min at most)."),
        ({"first_response": 300, "deflection": 0.4}, 0, "CSAT: no figure for the target (90% at least)."),
        ({"first_response": None, "deflection": [0.6, 1]}, 1, "Deflection: below the target (60% to 100%)."),
    ],
)
def test_a_check_ends_with_1_where_a_target_is_missed(
    make: Make,  # noqa: F811
    targets: dict[str, Any],
    status: int,
    message: str,
) -> None:
    app = make("crisp", LIVECHAT_TARGETS=targets)
    talk(app)
    result = app.test_cli_runner().invoke(args=["livechat", "metrics", "--check", "--format", "json"])
    assert result.exit_code == status
    assert message in result.stderr.splitlines()
    assert json.loads(result.stdout)["first_response"]["median"] == 300.0


def test_what_is_asked_for_is_shown(app: Flask, client: FlaskClient) -> None:
    talk(app, "refund")
    assert figure(read(client, "?provider=tawk"), "Conversations", "Number")[1] == "0"
    assert figure(read(client, "?provider=crisp&tag=refund"), "Conversations", "Number")[1] == "1"
    assert figure(read(client, "?tag=none"), "Conversations", "Number")[1] == "0"
    page = read(client, "?from=2026-01-01&to=2026-01-31")
    assert figure(page, "Conversations", "Number")[1] == "0"
    assert "2026-01-01 to 2026-01-31" in page.text
    assert len(page.select("#by-week tbody tr")) == 5


def test_years_are_shown_in_steps_of_four_weeks(client: FlaskClient) -> None:
    assert len(read(client, "?from=2024-01-01&to=2026-01-01").select("#by-week tbody tr")) == 27


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("?from=yesterday", "Write a date as"),
        ("?from=2026-02-01&to=2026-01-01", "must not be after"),
        ("?from=0001-01-01&to=9999-12-31", "at most five years"),
        ("?from=9999-12-01&to=9999-12-31", "at most five years"),
        ("?from=2010-01-01&to=2020-01-01", "at most five years"),
        ("?provider=nobody", "no such vendor"),
        ("?from=%00", "Write a date as"),
    ],
)
def test_what_makes_no_sense_is_said_above_the_usual(client: FlaskClient, query: str, error: str) -> None:
    page = read(client, query, 400)
    assert error in page.select_one("[role=alert]").text
    assert "These 28 days" in page.text


def test_a_tag_that_is_html_stays_text(app: Flask, client: FlaskClient) -> None:
    talk(app, "<script>alert(1)</script>")
    for query in ("?tag=%22%3E%3Cimg%20src=x%3E", "?tag=%3Cscript%3Ealert(1)%3C/script%3E", ""):
        page = read(client, query)
        assert all(node.get("src") for node in page.select("script"))
        assert not page.select("img")
    assert "<script>alert(1)</script>" in page.select_one("[aria-labelledby=topics] table").text


def test_what_waits_for_a_worker_is_said(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        chat_of(app).store.add([message(1)], chat_of(app).now())
    assert "1 event waits for a worker" in read(client).select_one("[role=status]").text


def test_its_downloads_are_the_same_figures(app: Flask, client: FlaskClient) -> None:
    store = talk(app)
    data = client.get(f"{URL}?format=json").get_json()
    target = {"target": {"least": None, "most": 120, "unit": "seconds"}, "verdict": "above"}
    assert data["first_response"] == {"count": 1, "median": 300.0, "p90": 300.0} | target
    response = client.get(f"{URL}?format=csv")
    assert response.headers["Content-Disposition"].startswith("attachment; filename=support-")
    rows = list(csv.reader(io.StringIO(response.text)))
    assert ["first_response", "median", "", "300.0"] in rows
    assert client.get(f"{URL}?format=json&from=x").status_code == 400
    store.engine.dispose()


def test_no_tag_of_a_download_is_a_formula(app: Flask, client: FlaskClient) -> None:
    store = talk(app, "=1+1", "a\x1b[2J\u202e")
    rows = list(csv.reader(io.StringIO(client.get(f"{URL}?format=csv").text)))
    assert {"'=1+1", "a\ufffd[2J\ufffd"} <= {row[1] for row in rows}
    store.engine.dispose()


def test_a_database_without_tables_is_said_as_the_command_says_it(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), chat_of(app).store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE livechat_tags")
        connection.exec_driver_sql("DROP TABLE livechat_episodes")
    response = client.get(URL)
    assert response.status_code == 503
    assert response.text == "The tables are missing, or older than this version. Run flask livechat db upgrade."


def test_it_is_for_nobody_else(client: FlaskClient) -> None:
    for query in ("", "?format=csv", "?format=json"):
        headers = client.get(URL + query).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Robots-Tag"] == "noindex"


def test_it_needs_nothing_inline_and_nothing_from_elsewhere(client: FlaskClient) -> None:
    html = client.get(URL).text
    page = BeautifulSoup(html, "html.parser")
    assert not page.select("style, [style], script:not([src])")
    assert not [name for tag in page.find_all(True) for name in tag.attrs if name.startswith("on")]
    files = [node["src"] for node in page.select("script")] + [node["href"] for node in page.select("link")]
    assert len(files) == 4
    for file in files:
        assert file.startswith("/livechat/")
        assert client.get(file).status_code == 200
    assert "livechat.session" not in html
    assert '"livechat"' not in html  # no chat on it


def test_an_empty_page_says_what_makes_figures_appear(app: Flask, client: FlaskClient) -> None:
    empty = BeautifulSoup(client.get(URL).text, "html.parser").select_one(".empty")
    assert empty is not None
    assert "/livechat/webhooks/crisp" in empty.text
    assert "flask livechat work" in empty.text
    talk(app)
    assert BeautifulSoup(client.get(URL).text, "html.parser").select_one(".empty") is None


def test_targets_stand_first_and_say_what_is_missed(app: Flask, client: FlaskClient) -> None:
    talk(app)
    page = BeautifulSoup(client.get(URL).text, "html.parser")
    judged = {item.span.text: item["class"] for item in page.select(".judged li") if item.span}
    assert judged["First response, median"] == ["missed"]  # five minutes, of two
    assert judged["Resolution, median"] == ["met"]  # nine minutes, of fifteen


def test_what_is_off_comes_first_and_is_counted(app: Flask, client: FlaskClient) -> None:
    talk(app)
    page = read(client)
    assert page.select_one("#targets").text == "1 of 3 targets is missed"  # type: ignore[union-attr]
    assert [item["class"] for item in page.select(".judged li")] == [["missed"], ["met"], ["met"]]
    chart = page.select_one("figure[data-columns='2,3']")
    assert chart is not None
    assert (chart.get("data-least"), chart.get("data-most")) == (None, "120")


# -- the cohort ------------------------------------------------------------------------------------------------------


def people_of(app: Flask, count: int = 50) -> list[int]:
    """Make the app's people: half of them wrote on their second day, and of these most stayed. Gives who was read."""
    chat, reads = chat_of(app), list[int]()
    with app.app_context():
        store, now = chat.store, chat.now()
    signed_up = now - timedelta(days=20)
    for n in range(0, count, 2):
        event = replace(message(n), conversation=f"s{n}", visitor=f"u{n}", at=signed_up + timedelta(days=2))
        store.add([event], now)
        store.update_projection(event, now)

    @chat.people
    def people() -> list[tuple[str, datetime, bool]]:
        reads.append(1)
        return [(f"u{n}", signed_up + timedelta(days=1), n % 2 == 0 or n % 10 == 1) for n in range(count)]

    return reads


def test_the_cohort_is_counted_only_for_whoever_asks_and_once_an_hour(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not read(client).select("#cohort")  # the app has not registered its people
    assert not read(client, "?cohort=1").select("#cohort")
    reads = people_of(app)
    link = read(client).select_one("section[aria-labelledby=cohort] a")
    assert link is not None
    assert reads == []
    query = str(link["href"]).partition("#")[0]
    for _ in range(2):
        page = read(client, query)
        assert "Those who wrote stayed more often: 80.0 points" in page.select_one(".verdict").text  # type: ignore[union-attr]
    rows = {
        row.th.text: [cell.text.strip() for cell in row.select("td")] for row in page.select(".cohort tr") if row.th
    }
    assert rows["Wrote"][:3] == ["25", "25", "100%"]
    assert rows["Did not write"] == ["25", "5", "20%", ""]
    assert "This is not a cause" in page.text
    assert reads == [1]
    later = LiveChat.now() + timedelta(minutes=61)
    monkeypatch.setattr(LiveChat, "now", staticmethod(lambda: later))
    read(client, query)
    assert reads == [1, 1]
    earlier = later - timedelta(minutes=1)
    monkeypatch.setattr(LiveChat, "now", staticmethod(lambda: earlier))  # the clock was set back
    read(client, query)
    assert reads == [1, 1, 1]


def test_a_cohort_of_few_is_not_shown(app: Flask, client: FlaskClient) -> None:
    people_of(app, 10)
    page = read(client, "?cohort=1")
    assert "too few people" in page.select_one(".verdict").text  # type: ignore[union-attr]
    assert page.select_one(".cohort").text.count("not shown") == 2  # type: ignore[union-attr]


def test_who_asks_for_a_cohort_that_is_being_counted_does_not_wait_for_it(app: Flask, client: FlaskClient) -> None:
    counting, counted = threading.Event(), threading.Event()

    @chat_of(app).people
    def people() -> Iterator[tuple[str, datetime, bool]]:
        counting.set()
        assert counted.wait(10)
        yield from ()

    first = threading.Thread(target=read, args=(app.test_client(), "?cohort=1"))
    first.start()
    try:
        assert counting.wait(10)
        page = read(client, "?cohort=1")
        assert first.is_alive()
    finally:
        counted.set()
        first.join()
    assert "is being counted now" in page.select_one("[role=alert]").text  # type: ignore[union-attr]


def test_people_who_make_no_sense_are_said_and_nobody_is_named(app: Flask, client: FlaskClient) -> None:
    chat_of(app).people(lambda: [("ada@example.com", "yesterday", True)])  # type: ignore[list-item]
    page = read(client, "?cohort=1")
    assert "Person 1: signed_up_at is an aware datetime" in page.select_one("[role=alert]").text  # type: ignore[union-attr]
    assert "ada@" not in page.text


def test_people_who_cannot_be_read_leave_the_figures_as_they_are(app: Flask, client: FlaskClient) -> None:
    app.testing = False
    talk(app)

    @chat_of(app).people
    def people() -> list[tuple[str, datetime, bool]]:
        raise LookupError

    page = read(client, "?cohort=1")
    assert "could not be read" in page.select_one("[role=alert]").text  # type: ignore[union-attr]
    assert figure(page, "Conversations", "Number")[1] == "1"
    people_of(app)
    assert read(client, "?cohort=1").select(".cohort")  # a failure is not shown for an hour


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        (Difference(0.3, 0.17, 0.42), "stayed more often: 30.0 points, and with 95% confidence between 17.0 and 42.0"),
        (
            Difference(-0.3, -0.42, -0.17),
            "stayed less often: 30.0 points, and with 95% confidence between 17.0 and 42.0",
        ),
        (Difference(0.02, -0.1, 0.14), "No difference can be told from chance"),
        (None, "too few people"),
    ],
)
def test_a_cohort_is_told_in_a_sentence(interval: Difference | None, words: str) -> None:
    assert words in cohort_verdict(Cohort(7, None, None, interval, (), 0, 0))


def test_a_link_leads_back_to_the_site(client: FlaskClient) -> None:
    page = BeautifulSoup(client.get(URL, base_url="http://localhost/", headers={}).text, "html.parser")
    assert [link["href"] for link in page.select(".home a")] == ["/"]


def test_the_months_are_those_of_the_office(make: Make) -> None:  # noqa: F811
    app = make("crisp", LIVECHAT_OFFICE_HOURS={"tz": "Pacific/Auckland", "mon-fri": "09:00-17:00"})
    chat_of(app).staff_required(lambda: True)
    page = read(app.test_client())
    assert "Pacific/Auckland" in page.text
    assert figure(page, "First response", "Median, office hours")


@pytest.mark.needs("package")
def test_the_chart_library_is_the_one_that_is_published() -> None:
    ours = Path(chat_of.__code__.co_filename).parents[1] / "flask_livechat" / "desk" / "static"
    assert re.match(rb"/\*!\s+\* Chart.js v4\.\d+", (ours / "chart.min.js").read_bytes())
    if not CHARTS.is_file():
        pytest.skip("npm is missing: what we serve is not compared with what is published.")
    assert (ours / "chart.min.js").read_bytes() == CHARTS.read_bytes()
    assert (ours / "chart.LICENSE.md").read_bytes() == (CHARTS.parents[1] / "LICENSE.md").read_bytes()

"""Questions that no article answers, by month: what is stored of them, for how long, and where it is read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask

from flask_livechat.desk import questions
from flask_livechat.desk.erasure import prune
from flask_livechat.desk.metrics import metrics
from flask_livechat.desk.questions import Unanswered
from flask_livechat.desk.store import Store
from flask_livechat.office_hours import parse
from flask_livechat.rate_limit import PerMinute

from ..conftest import chat_of
from .test_receiver import Make, make  # noqa: F401 - a fixture

NOW = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
Ask = Callable[..., int]


@pytest.fixture
def open_app(make: Make, tmp_path: Path) -> Callable[..., Flask]:  # noqa: F811
    """An app with one article, and a store."""
    (tmp_path / "help" / "en").mkdir(parents=True)
    (tmp_path / "help" / "en" / "card.md").write_text("# Why was my card declined?\n\nAsk your bank.\n")

    def open_app(**config: Any) -> Flask:
        keys = {"ARTICLES": str(tmp_path / "help"), "ARTICLE_PAGES": True, "HELP": "first", **config}
        app = make("crisp", **{f"LIVECHAT_{name}": value for name, value in keys.items()})
        app.instance_path = str(tmp_path / "instance")
        chat_of(app).now = lambda: NOW  # type: ignore[method-assign]
        return app

    return open_app


def report(app: Flask, question: Any, **more: Any) -> int:
    body = {"provider": "crisp", "help": "nothing", "q": question, "locale": "en", **more}
    return app.test_client().post("/livechat/opens", json=body).status_code


def unanswered(app: Flask, **asked: Any) -> tuple[Unanswered, ...]:
    with app.app_context():
        result: tuple[Unanswered, ...] = chat_of(app).metrics(NOW - timedelta(days=1), **asked).unanswered
        return result


def stored(app: Flask) -> list[str]:
    with app.app_context(), chat_of(app).store.reading() as connection:
        return [repr(row) for row in connection.execute(sa.text("SELECT * FROM livechat_questions"))]


def test_a_question_without_an_answer_is_counted_by_its_stems_and_not_kept(open_app: Any) -> None:
    app = open_app()
    assert [report(app, text) for text in ("Do you wrap gifts?", "gift wrapping", "penguins")] == [204] * 3
    assert unanswered(app) == (
        Unanswered("2026-11", "en", "gift wrap", 2),
        Unanswered("2026-11", "en", "penguin", 1),
    )
    assert not any("wrapping" in row or "Do you" in row for row in stored(app))


def test_a_question_that_an_article_answers_is_not_counted_whatever_a_browser_reports(open_app: Any) -> None:
    app = open_app()
    assert report(app, "card declined") == 204
    assert stored(app) == []


def test_keep_questions_keeps_the_text_without_digits_and_addresses(open_app: Any) -> None:
    app = open_app(KEEP_QUESTIONS=True, KEEP_DAYS=30)
    for text in ("Do you wrap gifts? ada@example.com", "Do you wrap gifts? +49 170 1234567", "gift wrap please"):
        report(app, text)
    (question,) = [item for item in unanswered(app) if item.words == "gift wrap"]
    assert (question.count, question.texts[0]) == (3, "Do you wrap gifts?")
    assert not any("ada" in row or "170" in row for row in stored(app))


def test_texts_are_not_kept_by_default(open_app: Any) -> None:
    assert open_app().extensions["livechat"].settings.keep_questions is False


def test_keep_questions_without_keep_days_is_said_at_start(open_app: Any, caplog: pytest.LogCaptureFixture) -> None:
    open_app(KEEP_QUESTIONS=True)
    assert "LIVECHAT_KEEP_QUESTIONS without LIVECHAT_KEEP_DAYS" in caplog.text
    caplog.clear()
    open_app(KEEP_QUESTIONS=True, KEEP_DAYS=30)
    assert "LIVECHAT_KEEP_QUESTIONS" not in caplog.text


def test_after_keep_days_nothing_of_a_question_is_left(open_app: Any) -> None:
    app = open_app(KEEP_QUESTIONS=True, KEEP_DAYS=30)
    report(app, "penguins")
    with app.app_context():
        store = chat_of(app).store
    prune(store, NOW - timedelta(days=1))
    assert len(stored(app)) == 1
    prune(store, NOW)
    assert stored(app) == []


@pytest.mark.parametrize("body", [{"q": None}, {"q": ""}, {"q": " "}, {"q": ["x"]}, {"q": 1}, {"provider": "nobody"}])
def test_what_is_no_question_is_refused(open_app: Any, body: dict[str, Any]) -> None:
    app = open_app()
    assert report(app, "penguins", **body) == 400
    assert stored(app) == []


@pytest.mark.parametrize("locale", [None, 7, "x" * 300, "pt-BR"])
def test_an_odd_language_is_the_default_one(open_app: Any, locale: Any) -> None:
    app = open_app()
    assert report(app, "penguins", locale=locale) == 204
    assert unanswered(app) == (Unanswered("2026-11", "en", "penguin", 1),)


def test_an_app_without_articles_counts_no_question(make: Make) -> None:  # noqa: F811
    app = make("crisp")
    assert report(app, "penguins") == 204
    assert stored(app) == []


def test_the_search_page_counts_what_it_does_not_find_for_its_own_visitors_alone(open_app: Any) -> None:
    app = open_app()
    client, ours = app.test_client(), {"Sec-Fetch-Site": "same-origin"}
    client.get("/livechat/help?q=penguins", headers=ours)
    client.get("/livechat/help?q=card+declined", headers=ours)
    client.get("/livechat/help", headers=ours)
    for elsewhere in (
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
    ):  # a crawler, a link, a bookmark
        client.get("/livechat/help?q=zebras", headers=elsewhere)
    assert unanswered(app) == (Unanswered("2026-11", "en", "penguin", 1),)


def test_one_client_has_so_many_questions_in_a_minute(open_app: Any) -> None:
    app = open_app()
    app.extensions["livechat"].runtime.opens = PerMinute(600, 2)
    assert [report(app, "penguins") for _ in range(3)] == [204, 204, 429]
    page = app.view_functions["livechat_help.search"].__self__
    page.questions = PerMinute(600, 1)
    for _ in range(3):
        app.test_client().get("/livechat/help?q=zebras", headers={"Sec-Fetch-Site": "same-origin"})
    assert {item.words: item.count for item in unanswered(app)} == {"penguin": 2, "zebra": 1}


def test_a_database_that_does_not_answer_costs_the_search_page_nothing(open_app: Any) -> None:
    app = open_app()
    with app.app_context(), chat_of(app).store.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE livechat_questions"))
    assert report(app, "penguins") == 204
    response = app.test_client().get("/livechat/help?q=zebras", headers={"Sec-Fetch-Site": "same-origin"})
    assert response.status_code == 200


def test_the_command_its_forms_and_the_page_say_the_same(open_app: Any) -> None:
    app = open_app(KEEP_QUESTIONS=True, KEEP_DAYS=30)
    chat_of(app).staff_required(lambda: True)
    for text in ("Do you wrap gifts?", "Do you wrap gifts?", "<b>penguins</b>"):
        report(app, text)
    run = app.test_cli_runner().invoke
    assert (
        'unanswered 2026-11      2 times, en: gift wrap, "Do you wrap gifts?"'
        in run(args=["livechat", "metrics"]).output
    )
    assert "unanswered,en: gift wrap,2026-11,2" in run(args=["livechat", "metrics", "--format", "csv"]).output
    assert '"words": "gift wrap"' in run(args=["livechat", "metrics", "--format", "json"]).output
    page = BeautifulSoup(app.test_client().get("/livechat/metrics").text, "html.parser")
    rows = [
        [cell.text for cell in row.select("th, td")] for row in page.select("section[aria-labelledby=unanswered] tr")
    ]
    assert rows[1] == ["2026-11", "en", "gift wrap", "2", "Do you wrap gifts?"]
    assert page.find("b", string="penguins") is None


def test_figures_of_a_tag_or_of_another_vendor_have_no_questions(open_app: Any) -> None:
    app = open_app()
    report(app, "penguins")
    assert unanswered(app, tag="refund") == ()
    assert unanswered(app, provider="intercom") == ()
    assert len(unanswered(app, provider="crisp")) == 1


def asked(store: Store, since: datetime, until: datetime) -> list[tuple[str, str, int]]:
    return [(item.month, item.words, item.count) for item in metrics(store, since, until).unanswered]


def test_each_month_has_those_that_were_asked_most_often(store: Store) -> None:
    for word, times in {"penguin": 3, "zebra": 1}.items():
        for _ in range(times):
            questions.count(store, "crisp", "en", word, "", NOW)
    questions.count(store, "intercom", "en", "zebra", "", NOW - timedelta(days=31))
    assert asked(store, NOW - timedelta(days=40), NOW + timedelta(days=1)) == [
        ("2026-10", "zebra", 1),
        ("2026-11", "penguin", 3),
        ("2026-11", "zebra", 1),
    ]


def test_a_month_lists_its_twenty_most_frequent_questions(store: Store) -> None:
    for number in range(22):
        questions.count(store, "crisp", "en", f"word{number:02}", "", NOW)
    questions.count(store, "crisp", "en", "word21", "", NOW)
    listed = asked(store, NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert listed == [("2026-11", "word21", 2), *(("2026-11", f"word{number:02}", 1) for number in range(19))]


def test_a_question_has_the_three_texts_that_were_asked_most_often_in_its_language(store: Store) -> None:
    for text, times in {"A gift?": 1, "B gift?": 3, "C gift?": 2, "D gift?": 2}.items():
        for _ in range(times):
            questions.count(store, "crisp", "en", "gift", text, NOW)
    for _ in range(4):
        questions.count(store, "crisp", "de", "gift", "Gift?", NOW)
    listed = metrics(store, NOW - timedelta(days=1), NOW + timedelta(days=1)).unanswered
    assert listed == (
        Unanswered("2026-11", "en", "gift", 8, ("B gift?", "C gift?", "D gift?")),
        Unanswered("2026-11", "de", "gift", 4, ("Gift?",)),
    )


def test_a_question_of_the_evening_belongs_to_the_month_of_the_offices_clock(store: Store) -> None:
    store.hours = parse({"tz": "Europe/Berlin", "mon-fri": "09:00-17:00"})
    questions.count(store, "crisp", "en", "penguin", "", NOW)  # in Berlin it is December already
    assert asked(store, NOW - timedelta(days=9), NOW + timedelta(days=1)) == [("2026-12", "penguin", 1)]


def test_whatever_browsers_send_a_day_has_room_for_so_many_questions(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "MAX_OF_DAY", 3)
    for number in range(8):
        questions.count(store, "crisp", ("en", "de")[number % 2], f"word{number}", "", NOW)
    questions.count(store, "crisp", "en", "word0", "", NOW)  # what is known already is counted on
    assert asked(store, NOW - timedelta(days=1), NOW + timedelta(days=1)) == [
        ("2026-11", "", 5),
        ("2026-11", "word0", 2),
        ("2026-11", "word1", 1),
        ("2026-11", "word2", 1),
    ]

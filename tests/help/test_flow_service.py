"""``POST /livechat/flow``: one step of a flow for the help panel, with any input of a browser and any answerer."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, current_app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flask_livechat import Answer
from flask_livechat.help import answers, flow_service
from flask_livechat.office_hours import parse

from .test_flows import CONTRACT, CYCLE, JSON
from .walks import table, visitor_input

MakeApp = Callable[..., Flask]
ANSWERED = {
    "start": "ask",
    "ask": {"say": "What?", "ask": "topic", "then": "model"},
    "model": {"answer": "model", "then": "ask"},
}
CARD = SimpleNamespace(path="billing/card", title="Change your card", url="/help/card", excerpt="Open Billing")
BILL = SimpleNamespace(path="billing/bill", title="Your bill", url=None)


@pytest.fixture
def app(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """An app with three flows, and two articles that answer everything."""
    import tomllib

    app = make_app()
    livechat = app.extensions["livechat"].livechat
    livechat.flow("support", tomllib.loads(CONTRACT))
    livechat.flow("cycle", CYCLE)
    livechat.flow("answered", ANSWERED)
    monkeypatch.setattr(flow_service, "search", lambda *arguments: [CARD, BILL])
    return app


def post(app: Flask, flow: Any = "support", state: Any = None, input: Any = None, **more: Any) -> dict[str, Any]:
    body = {"flow": flow, "state": state, "input": input, "locale": "en", **more}
    answer = app.test_client().post("/livechat/flow", data=json.dumps(body, ensure_ascii=False).encode())
    assert answer.status_code == 200, answer.status
    assert answer.json is not None
    return dict(answer.json)


def walk(app: Flask, flow: str, *inputs: Any) -> dict[str, Any]:
    reply = post(app, flow)
    for value in inputs:
        reply = post(
            app, flow, reply["state"], {"text": value} if value not in ("human", "done", 0, 1) else {"choice": value}
        )
    return reply


# -- what a step gives -------------------------------------------------------------------------------------------------


def test_a_reply_has_all_that_the_panel_needs(app: Flask) -> None:
    reply = post(app)
    assert reply == {
        "state": reply["state"],
        "say": "What is it about?",
        "choices": [{"label": "Billing", "choice": 0}, {"label": "Technical", "choice": 1}],
        "ask": None,
        "answer": None,
        "articles": [],
        "human": "Talk to a human",
        "opens_at": None,
        "done": None,
        "end": None,
        "why": None,
        "handoff": {
            "path": "",
            "fields": {},
            "help_seen": "",
            "segment": "help:support",
            "message": "",
            "transcript": {},
        },
        "wait_s": 4,
    }


def test_articles_are_a_step_and_travel_to_the_agent(app: Flask) -> None:
    reply = walk(app, "support", 0, 1)
    assert [article["title"] for article in reply["articles"]] == ["Change your card", "Your bill"]
    assert (reply["say"], reply["done"], reply["ask"]) == ("This may help:", "That helped", None)
    after = walk(app, "support", 0, 1, "human")
    assert after["end"] == "human"
    assert after["handoff"]["help_seen"] == "billing/card, billing/bill"
    assert after["handoff"]["path"] == "Billing > Change my card"
    assert after["handoff"]["segment"] == "help:billing"


@pytest.mark.needs("time")
def test_300_random_walks_over_http_all_hand_over_what_was_said(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Path, fields and articles are in the reply that ends a flow, and in each one before it."""
    monkeypatch.setattr(app.extensions["livechat"].runtime.flow_steps, "allows", lambda client: True)
    random, ends = Random(22), 0  # noqa: S311 - a walk is no secret
    for number in range(300):
        name = f"random{number % 30}"
        if number < 30:
            app.extensions["livechat"].livechat.flow(name, table(random))
            app.extensions["livechat"].runtime.flows = None
        reply, labels = post(app, name), list[str]()
        while reply["end"] is None:
            action = visitor_input(random)
            picked = [choice["label"] for choice in reply["choices"] if choice["choice"] == action.choice]
            is_pick = bool(picked) and picked[0] != "That did not help" and action.text is None
            typed = [choice["label"] for choice in reply["choices"] if choice["label"] == action.text]
            labels += picked[:1] if is_pick else typed[:1]
            sent = {"choice": action.choice} if action.text is None else {"text": action.text[:200]}
            reply = post(app, name, reply["state"], sent)
            assert reply["human"]
        ends += 1
        if reply["end"] == "human" and reply["why"] not in ("asked", "repeated", "upset"):
            assert reply["handoff"]["path"] == " > ".join(labels)
    assert ends == 300


def test_outside_office_hours_the_offer_takes_a_message_and_says_when_somebody_will_be_there(make_app: MakeApp) -> None:
    app = make_app(LIVECHAT_OFFICE_HOURS={"tz": "Europe/Berlin", "mon-fri": "09:00-17:00"})
    livechat = app.extensions["livechat"].livechat
    livechat.flow("cycle", CYCLE)
    livechat.now = lambda: datetime(2026, 11, 28, 12, tzinfo=UTC)  # a Saturday
    reply = post(app, "cycle")
    assert (reply["human"], reply["opens_at"]) == ("Leave a message", "2026-11-30T09:00:00+01:00")
    livechat.now = lambda: datetime(2026, 11, 30, 12, tzinfo=UTC)
    assert post(app, "cycle")["human"] == "Talk to a human"


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-11-30T07:00+00:00", "2026-11-30T09:00:00+01:00"),
        ("2026-11-30T08:00+00:00", "2026-11-30T13:00:00+01:00"),
        ("2026-11-30T16:30+00:00", "2026-12-01T09:00:00+01:00"),
        ("2026-12-24T16:30+00:00", "2026-12-28T09:00:00+01:00"),
        ("2026-03-27T20:00+00:00", "2026-03-30T09:00:00+02:00"),  # clocks change on the Sunday
    ],
)
def test_the_next_opening_is_the_first_one_that_comes(now: str, opens: str) -> None:
    hours = parse({"tz": "Europe/Berlin", "mon-fri": "09:00-12:00, 13:00-17:00", "closed": ["2026-12-25"]})
    opening = hours.next_opening(datetime.fromisoformat(now))
    assert opening is not None
    assert opening.isoformat() == opens


def test_who_never_opens_again_says_no_date() -> None:
    days = [f"2026-{month:02}-{day:02}" for month in (11, 12) for day in range(1, 31)]
    hours = parse({"tz": "UTC", "mon": "09:00-10:00", "closed": days})
    assert hours.next_opening(datetime(2026, 11, 30, tzinfo=UTC)) == datetime(2027, 1, 4, 9, tzinfo=UTC)


# -- what a browser may send -------------------------------------------------------------------------------------------


def test_a_flow_that_was_changed_meanwhile_hands_over_with_what_was_written(app: Flask) -> None:
    before = post(app)["state"]
    state = app.extensions["livechat"]
    import tomllib

    state.livechat.flow("support", tomllib.loads(CONTRACT.replace("Billing =", "Money =")))
    state.runtime.flows = None
    reply = post(app, "support", before, {"text": "my card"})
    assert (reply["end"], reply["why"], reply["handoff"]["message"]) == ("human", "flow", "my card")


@pytest.mark.parametrize("name", ["nothing", "", None, 7, [], {"a": 1}, "../support", "x" * 500])
def test_a_flow_that_there_is_not_is_a_human(app: Flask, name: Any) -> None:
    reply = post(app, name)
    assert (reply["end"], reply["human"]) == ("human", "Talk to a human")
    assert reply["handoff"]["segment"] == "help:unknown"


@pytest.mark.needs("time")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    body=JSON | st.fixed_dictionaries({"flow": st.just("support") | JSON, "state": JSON, "input": JSON, "locale": JSON})
)
def test_whatever_is_sent_gets_a_reply_with_a_human(app: Flask, body: Any) -> None:
    app.extensions["livechat"].runtime.flow_steps._taken = 0
    app.extensions["livechat"].runtime.flow_steps._clients.clear()
    data = json.dumps(body).encode()
    answer = app.test_client().post("/livechat/flow", data=data)
    if len(data) <= 2048:
        assert answer.status_code == 200
        assert answer.json is not None
        assert answer.json["human"]


def test_an_input_that_is_none_fits_nothing(app: Flask) -> None:
    state = post(app)["state"]
    for odd in ({"choice": True}, {"choice": 1.5}, {"choice": None}, [], "Billing", {"text": 7}, {"choice": 10**30}):
        reply = post(app, "support", state, odd)
        assert reply["end"] is None
        assert reply["say"].startswith("We did not understand that.")


def test_more_than_2_kb_are_not_read(app: Flask) -> None:
    client = app.test_client()
    assert client.post("/livechat/flow", data=b"{}" + b" " * 2046).status_code == 200
    assert client.post("/livechat/flow", data=b"{}" + b" " * 2047).status_code == 413


@pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
def test_json_that_is_nested_too_deeply_gets_a_reply_with_a_human(app: Flask, bracket: bytes) -> None:
    answer = app.test_client().post("/livechat/flow", data=bracket * (2048 // len(bracket)))
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["human"]


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_another_site_gets_nothing(app: Flask, headers: dict[str, str]) -> None:
    assert app.test_client().post("/livechat/flow", data=b"{}", headers=headers).status_code == 403


def test_who_asks_too_often_is_refused(app: Flask) -> None:
    client = app.test_client()
    statuses = [client.post("/livechat/flow", data=b"{}").status_code for _ in range(61)]
    assert statuses == [200] * 60 + [429]


def test_a_reply_is_for_no_cache_and_sets_no_cookie(app: Flask) -> None:
    answer = app.test_client().post("/livechat/flow", data=b"{}")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


def test_an_app_without_flows_has_no_such_address(make_app: MakeApp) -> None:
    assert make_app().test_client().post("/livechat/flow", data=b"{}").status_code == 404


def test_nothing_that_a_visitor_wrote_is_logged(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    def fail(text: str) -> bool:
        raise ValueError(text)

    app.extensions["livechat"].livechat.wants_human(fail)
    reply = post(app, "support", post(app)["state"], {"text": "my password is hunter2"})
    assert (reply["end"], reply["why"], reply["handoff"]["message"]) == ("human", "error", "my password is hunter2")
    assert "failed with ValueError" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_search_that_fails_is_a_human(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_service, "search", lambda *arguments: 1 / 0)
    assert walk(app, "support", 0, 1)["end"] == "human"


def test_an_app_decides_who_asks_for_a_person(app: Flask) -> None:
    app.extensions["livechat"].livechat.wants_human(lambda text: text == "wombat")
    assert walk(app, "support", "wombat")["why"] == "asked"
    assert walk(app, "support", "talk to a human")["end"] is None


# -- answers -----------------------------------------------------------------------------------------------------------


def late(question: str, articles: list[Any]) -> Answer:
    time.sleep(1)
    return Answer("Late", articles)


def failing(question: str, articles: list[Any]) -> Answer:
    raise ValueError(question)


def leaving(question: str, articles: list[Any]) -> Answer:
    raise SystemExit


BAD: list[Callable[..., Any]] = [
    late,
    failing,
    leaving,
    lambda question, articles: None,
    lambda question, articles: "just text",
    lambda question, articles: Answer("Yes", []),
    lambda question, articles: Answer("Yes", ["billing/foreign"]),
    lambda question, articles: Answer("Yes", [articles[0], "billing/foreign"]),
    lambda question, articles: Answer("Yes", [SimpleNamespace(path="elsewhere")]),
    lambda question, articles: Answer("Yes", "billing/card"),
    lambda question, articles: Answer("Yes", [None]),
    lambda question, articles: Answer("Yes", [["unhashable"]]),
    lambda question, articles: Answer("Yes", 7),  # type: ignore[arg-type]
    lambda question, articles: Answer("  ", articles),
    lambda question, articles: Answer(None, articles),  # type: ignore[arg-type]
    lambda question: Answer("Yes", []),
]


@pytest.fixture
def short_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(answers, "MAX_ANSWER_S", 0.2)
    yield
    for thread in threading.enumerate():
        if thread.name == "flask-livechat answer":
            thread.join(2)


@pytest.mark.usefixtures("short_time")
@pytest.mark.parametrize("answerer", BAD)
def test_an_answer_that_is_late_fails_or_has_no_source_of_ours_is_a_human(
    app: Flask, answerer: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    app.extensions["livechat"].livechat.answer("model")(answerer)
    start = time.monotonic()
    reply = walk(app, "answered", "Why was my card declined?")
    assert time.monotonic() - start < 0.9
    assert (reply["end"], reply["why"], reply["answer"]) == ("human", "answer", None)
    assert reply["handoff"]["fields"] == {"topic": "Why was my card declined?"}
    assert "declined" not in caplog.text


def test_an_answer_is_shown_with_its_sources(app: Flask) -> None:
    calls = []

    @app.extensions["livechat"].livechat.answer("model")
    def answer(question: str, articles: list[Any]) -> Answer:
        calls.append((question, current_app.name, [article.path for article in articles]))
        return Answer("Open Billing.", [articles[0], "billing/card"])

    reply = walk(app, "answered", "How do I change my card?")
    assert calls == [("How do I change my card?", "tests", ["billing/card", "billing/bill"])]
    assert (reply["answer"], reply["end"], reply["done"]) == ("Open Billing.", None, "That helped")
    assert [article["title"] for article in reply["articles"]] == ["Change your card"]
    assert reply["choices"] == [{"label": "That did not help", "choice": 0}]
    assert reply["handoff"]["help_seen"] == "billing/card"


def test_a_coroutine_may_answer(app: Flask) -> None:
    @app.extensions["livechat"].livechat.answer("model")
    async def answer(question: str, articles: list[Any]) -> Answer:
        return Answer("Open Billing.", articles)

    assert walk(app, "answered", "How do I change my card?")["answer"] == "Open Billing."


def test_an_answer_that_nobody_has_registered_is_a_human(app: Flask) -> None:
    assert walk(app, "answered", "How do I change my card?")["end"] == "human"


def test_the_panel_is_told_to_wait_longer_where_an_answer_may_come(app: Flask) -> None:
    assert post(app, "answered")["wait_s"] == 12
    assert post(app, "support")["wait_s"] == 4


def test_an_answer_has_eight_seconds() -> None:
    assert answers.MAX_ANSWER_S == 8.0


def test_late_answers_do_not_pile_up(app: Flask) -> None:
    """A visitor who comes while too many are waited for gets a human at once."""
    stop = threading.Event()
    for _ in range(answers.MAX_RUNNING):
        with pytest.raises(TimeoutError, match="no answer within"):
            answers.within(0.01, stop.wait)
    with pytest.raises(TimeoutError, match="too many"):
        answers.within(5, lambda: "at once")
    stop.set()
    for thread in threading.enumerate():
        if thread.name == "flask-livechat answer":
            thread.join(2)
    assert answers.within(5, lambda: "at once") == "at once"


def test_a_long_answer_is_cut(app: Flask) -> None:
    app.extensions["livechat"].livechat.answer("model")(lambda question, articles: Answer("x" * 10_000, articles))
    assert len(walk(app, "answered", "How?")["answer"]) == 2000

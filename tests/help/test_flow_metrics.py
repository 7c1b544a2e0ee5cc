"""How flows go is counted on the server, of nobody: what they resolve, and where they hand over."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_livechat.desk import flow_figures
from flask_livechat.desk.flow_figures import FlowFigures, HandedOver
from flask_livechat.desk.metrics import metrics
from flask_livechat.desk.store import Store
from flask_livechat.desk.tables import flow_counts
from flask_livechat.help import flow_service
from flask_livechat.help.answers import Answer

from ..conftest import chat_of, log_in
from ..desk.test_stand_ins import shop_of
from ..webhooks.conftest import database, migrated_database, migrated_file, postgres, store  # noqa: F401 - fixtures
from .test_handoffs import ADA, NOTING, hand_over, notes, site, step, work

CARD = {
    "start": "topic",
    "topic": {"say": "What?", "choices": {"My card": "card", "Thanks": "done", "Again": "topic"}},
    "card": {"articles": "card", "then": "topic"},
}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    app = site("crisp", tmp_path)
    chat_of(app).flow("card", CARD)
    monkeypatch.setattr(flow_service, "search", lambda *arguments: [])
    return app


def walk(app: Flask, *inputs: Any, flow: str = "card", **more: Any) -> dict[str, Any]:
    client = app.test_client()
    reply = step(client, flow=flow, **more)
    for value in inputs:
        reply = step(client, reply["state"], {"choice": value}, flow=flow, **more)
    return reply


def figures(app: Flask, **asked: Any) -> list[FlowFigures]:
    with app.app_context():
        chat = chat_of(app)
        return [*chat.metrics(chat.now() - timedelta(days=1), chat.now() + timedelta(days=1), **asked).flows]


def totals(app: Flask) -> tuple[int, int, int, int]:
    (flow,) = figures(app)
    return flow.begun, flow.resolved, flow.handed_over, flow.left


def test_a_flow_that_is_only_shown_counts_as_nothing(app: Flask) -> None:
    walk(app)
    assert figures(app) == []


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ((0,), (1, 0, 0, 1)),
        ((0, "done"), (1, 1, 0, 0)),  # "That helped"
        ((1,), (1, 1, 0, 0)),  # a choice that leads to done
        ((2, 2, 2, "done"), (1, 0, 0, 1)),  # "That's all", after the last exchange
        ((0, "human"), (1, 0, 1, 0)),
        (("human",), (1, 0, 1, 0)),
        ((9, 9), (1, 0, 1, 0)),  # fitted nothing, twice
        ((2, 2, 2, 2), (1, 0, 1, 0)),
        ((1, "human", "human"), (1, 1, 0, 0)),  # it is over
        (("human", "human"), (1, 0, 1, 0)),
    ],
    ids=str,
)
def test_a_walk_is_resolved_handed_over_or_left_in_the_middle(
    app: Flask, inputs: tuple[Any, ...], expected: tuple[int, ...]
) -> None:
    walk(app, *inputs)
    assert totals(app) == expected


def test_an_answer_of_the_app_that_helped_resolves(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    article = SimpleNamespace(path="card", title="Card", url="/card")
    monkeypatch.setattr(flow_service, "search", lambda *arguments: [article])
    chat_of(app).answer("model")(lambda question, articles: Answer("Ask your bank.", articles))
    steps = {"topic": {"say": "What?", "choices": {"My card": "reply"}}, "reply": {"answer": "model", "then": "topic"}}
    chat_of(app).flow("asked", {"start": "topic", **steps})
    assert walk(app, 0, "done", flow="asked")["end"] == "done"
    assert totals(app) == (1, 1, 0, 0)


def test_a_handoff_counts_at_its_step_and_after_its_exchanges(app: Flask) -> None:
    walk(app, 0, "human")
    walk(app, 0, "human")
    walk(app, "human")
    (flow,) = figures(app)
    assert flow.handed_over_at == (HandedOver("card", 1, 2), HandedOver("topic", 0, 1))


def test_words_for_a_person_before_the_first_choice_count_as_a_handoff(app: Flask) -> None:
    step(app.test_client(), None, {"text": "a human please"}, flow="card")
    step(app.test_client(), None, {"text": "my card"}, flow="card")  # the flow begins, and is shown
    assert totals(app) == (1, 0, 1, 0)


def test_a_flow_that_was_changed_meanwhile_counts_as_handed_over(app: Flask) -> None:
    reply = walk(app, 0)
    step(app.test_client(), {**reply["state"], "flow": "another"}, {"choice": 0}, flow="card")
    (flow,) = figures(app)
    assert (flow.begun, flow.left, flow.handed_over_at) == (1, 0, (HandedOver("", 0, 1),))
    assert [*flow.rows()][-1] == ("card handed_over at - after 0", 1)


@pytest.mark.parametrize("more", [{"flow": "unknown"}, {"flow": ["card"]}, {"provider": "unknown"}, {"provider": 7}])
def test_what_is_no_flow_or_no_vendor_counts_as_nothing(app: Flask, more: dict[str, Any]) -> None:
    step(app.test_client(), None, {"choice": "human"}, **{"flow": "card", **more})
    assert figures(app) == []


def test_the_figures_of_a_vendor_are_its_own_and_a_tag_has_none(app: Flask) -> None:
    walk(app, 0, provider="crisp")
    assert len(figures(app, provider="crisp")) == 1
    assert figures(app, provider="tawk") == figures(app, tag="vip") == []


def test_in_the_terminal_flows_count_nothing(app: Flask) -> None:
    app.test_cli_runner().invoke(args=["livechat", "flows", "try", "card"], input="My card\nThat helped\n")
    assert figures(app) == []


def test_the_figures_are_the_same_in_the_terminal_in_json_in_csv_and_on_the_page(app: Flask) -> None:
    walk(app, 0, "done")
    walk(app, 0)
    walk(app, 0, "human")
    run = app.test_cli_runner().invoke
    text = run(args=["livechat", "metrics"]).output
    assert "flow card               3 begun, 1 resolved, 1 handed over, 1 left\n" in text
    assert "  handed over           1 at card after 1 exchange\n" in text
    (flow,) = json.loads(run(args=["livechat", "metrics", "--format", "json"]).output)["flows"]
    assert flow == {
        "flow": "card",
        "begun": 3,
        "resolved": 1,
        "handed_over": 1,
        "left": 1,
        "handed_over_at": [{"step": "card", "exchanges": 1, "count": 1}],
    }
    csv = run(args=["livechat", "metrics", "--format", "csv"]).output
    for line in ("begun,,3", "resolved,,1", "handed_over,,1", "left,,1", "handed_over at card after 1,,1"):
        assert f"flows,card {line}" in csv
    chat_of(app).staff_required(lambda: True)
    html = app.test_client().get("/livechat/metrics").text
    row = html[html.index(">card</th>") :].partition("</tr>")[0]
    assert row.split("<td>")[1:4] == ["3</td>", "1</td>", "1</td>"]
    assert "card, after 1: 1" in row


def test_counts_of_both_databases_add_up(store: Store, app: Flask) -> None:  # noqa: F811 - the fixture
    with app.app_context():
        now = chat_of(app).now()
    now = now.replace(minute=20)
    for _ in range(3):
        flow_figures.count(store, "crisp", "n" * 40, [("begun", "s" * 40, 0), ("human", "s" * 40, 4)], now)
    (flow,) = metrics(store, now - timedelta(hours=1), now + timedelta(hours=1)).flows
    assert (flow.begun, flow.handed_over, flow.handed_over_at) == (3, 3, (HandedOver("s" * 40, 4, 3),))
    with store.reading() as connection:
        quarters = connection.execute(sa.select(flow_counts.c.quarter).distinct()).scalars().all()
    assert quarters == [now.replace(minute=15, second=0, microsecond=0)]


def test_a_walk_that_began_before_the_time_and_ended_in_it_is_not_left(store: Store, app: Flask) -> None:  # noqa: F811 - the fixture
    with app.app_context():
        now = chat_of(app).now()
    flow_figures.count(store, "crisp", "card", [("begun", "topic", 0)], now - timedelta(hours=2))
    flow_figures.count(store, "crisp", "card", [("resolved", "card", 1)], now)
    (flow,) = metrics(store, now - timedelta(hours=1), now + timedelta(hours=1)).flows
    assert (flow.begun, flow.resolved, flow.left) == (0, 1, 0)


def test_a_database_that_does_not_answer_stops_no_flow(app: Flask) -> None:
    with app.app_context():
        chat_of(app).store.engine.dispose()
        app.extensions["livechat"].runtime.store = None
        object.__setattr__(app.extensions["livechat"].settings, "database_url", "sqlite:////nowhere/at/all.sqlite3")
    assert walk(app, 0, "human")["end"] == "human"


@pytest.mark.parametrize("name", NOTING)
def test_a_handoff_is_no_first_response_and_does_not_restart_the_clock(name: str, tmp_path: Path) -> None:
    """The note, the state and the team come between the visitor's message and the agent's answer."""
    app = site(name, tmp_path)
    chat, shop = chat_of(app), shop_of(name, app)
    hand_over(log_in(app))
    session = shop.visit("Hello?", who=ADA)
    work(app)
    assert len(notes(shop)) == 1
    shop.tell("message", session=session, text="Anybody?")
    work(app)
    with app.app_context():
        between = chat.metrics(chat.now() - timedelta(days=1))
    assert (between.conversations, between.first_response.count) == (1, 0)
    with app.app_context():
        (mine,) = shop.desk.conversations.list()
        shop.desk.conversations.reply(mine.id, "Yes?")
    work(app)
    with app.app_context():
        messages = [*shop.desk.conversations.messages(mine.id)]
        after = chat.metrics(chat.now() - timedelta(days=1))
    first = next(message for message in messages if message.author == "visitor")
    answer = next(message for message in messages if message.text == "Yes?")
    assert (after.conversations, after.first_response.count) == (1, 1)
    assert first.at
    assert answer.at
    assert after.first_response.median == pytest.approx((answer.at - first.at).total_seconds(), abs=1.1)

"""``flask livechat sandbox --seed-history``: a past that the inbox and the metrics can be looked at with."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from flask_livechat import LiveChat, providers
from flask_livechat.desk import inbox_queries as queries
from flask_livechat.model import Event
from flask_livechat.sandbox.history import plan
from flask_livechat.sandbox.keeping import FILE

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)  # a Monday
VENDORS = ["crisp", "tawk"]


@pytest.fixture
def handled() -> list[Event]:
    return []


@pytest.fixture
def app(tmp_path: Path, handled: list[Event]) -> Flask:
    keys = {f"LIVECHAT_{name.upper()}_{key.name}": key.example for name in providers.names() for key in required(name)}
    app = Flask("shop", instance_path=str(tmp_path / "instance"))
    app.config.update(keys, TESTING=True, LIVECHAT_SANDBOX=True, LIVECHAT_PROVIDER=providers.names()[0])
    livechat = LiveChat(app)
    livechat.on("message")(handled.append)
    return app


def required(vendor: str) -> list[providers.Key]:
    return [key for key in providers.load(vendor).keys if key.required]


def seed(app: Flask, days: int) -> Result:
    return app.test_cli_runner().invoke(args=["livechat", "sandbox", "--seed-history", str(days)])


def test_the_same_seed_makes_the_same_past() -> None:
    assert plan(VENDORS, 30, NOON) == plan(VENDORS, 30, NOON)
    assert plan(VENDORS, 30, NOON, seed=2) != plan(VENDORS, 30, NOON)


def test_nothing_of_the_past_lies_in_the_future() -> None:
    moments = [step.at for step in plan(VENDORS, 90, NOON).steps]
    assert moments == sorted(moments)
    assert NOON - timedelta(days=91) < moments[0] < moments[-1] < NOON


def test_mondays_are_the_busiest_days() -> None:
    first_steps = {step.chat: step for step in reversed(plan(VENDORS, 90, NOON).steps)}
    per_weekday = Counter(step.at.weekday() for step in first_steps.values())
    assert per_weekday.most_common(1)[0][0] == 0


def test_somebody_waits_whatever_the_hour_is() -> None:
    for hour in range(0, 24, 5):
        past = plan(VENDORS, 3, NOON.replace(hour=hour))
        last_actions = [
            [step.action for step in past.steps if step.chat == chat][-1] for chat in range(len(past.vendors))
        ]
        assert last_actions[-4:] == ["snooze", "reply", "say", "say"]


def test_ninety_days_fit_into_the_sandbox() -> None:
    assert 350 < len(plan(VENDORS, 90, NOON).vendors) < 500


def test_the_figures_tell_of_every_vendor_and_the_desk_can_answer(app: Flask, handled: list[Event]) -> None:
    result = seed(app, 14)
    assert result.exit_code == 0, result.output
    assert "of 14 days." in result.output
    livechat = app.extensions["livechat"].livechat
    with app.app_context():
        for name in providers.names():
            figures = livechat.metrics(datetime.now(UTC) - timedelta(days=15), provider=name)
            assert figures.conversations > 3, name
            assert figures.first_response.count > 3, name
            assert figures.waiting == 0
            assert figures.deflection.opens > figures.conversations
            assert figures.article_deflection.asked > figures.article_deflection.read > 0
            assert "gift wrap" in {question.words for question in figures.unanswered}
        state = app.extensions["livechat"]
        hub = state.runtime.sandbox.hub
        assert {"open", "closed"} <= {session.state for name in providers.names() for session in hub.sessions(name)}
        desk = livechat.desk("crisp")
        conversation = next(iter(desk.conversations.list()))
        desk.conversations.reply(conversation.id, "One more thing.")
        assert [message.text for message in desk.conversations.messages(conversation.id)][-1] == "One more thing."
    assert handled == []


def test_the_inbox_says_who_handles_a_conversation_and_what_is_snoozed(app: Flask) -> None:
    assert seed(app, 14).exit_code == 0
    livechat = app.extensions["livechat"].livechat
    with app.app_context(), livechat.store.reading() as connection:
        now = datetime.now(UTC)
        assert queries.tab_counts(connection, queries.Filter(), now)["snoozed"] > 0
        closed, _ = queries.rows(connection, queries.Filter("closed"), now)
    handled = [row for row in closed if row.agent is not None]
    assert len({row.agent for row in handled}) >= 2
    assert all(row.agent_name for row in handled)


def test_no_handler_is_called_for_the_past_later_either(app: Flask, handled: list[Event]) -> None:
    assert seed(app, 3).exit_code == 0
    runner = app.test_cli_runner()
    assert "Events to handle again: 0." in runner.invoke(args=["livechat", "replay", "--since", "5d"]).output
    assert runner.invoke(args=["livechat", "work", "--once"]).exit_code == 0
    assert handled == []


def test_a_sandbox_with_conversations_is_left_as_it_is(app: Flask) -> None:
    assert seed(app, 3).exit_code == 0
    file = Path(app.instance_path) / FILE
    before = file.read_text("utf-8")
    result = seed(app, 3)
    assert (result.exit_code, file.read_text("utf-8")) == (0, before)
    assert "left as it is" in result.output


def test_events_of_a_real_past_are_never_mixed_with_a_made_up_one(app: Flask) -> None:
    assert seed(app, 3).exit_code == 0
    (Path(app.instance_path) / FILE).unlink()
    result = seed(app, 3)
    assert result.exit_code == 1
    assert "a history is made where nothing has happened" in result.output
    assert (
        f"Delete {Path(app.instance_path) / 'livechat.sqlite3'}, or set another LIVECHAT_DATABASE_URL." in result.output
    )


def test_a_site_without_a_sandbox_gets_no_history(tmp_path: Path) -> None:
    app = Flask("shop", instance_path=str(tmp_path))
    app.config["TESTING"] = True
    LiveChat(app)
    result = seed(app, 3)
    assert result.exit_code == 1
    assert "LIVECHAT_SANDBOX" in result.output

"""What browsers report: opens and thumbs, of nobody; and what a visitor has not read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_wtf import CSRFProtect

from flask_livechat import Visitor
from flask_livechat.desk.store import Store
from flask_livechat.rate_limit import PerMinute, client_name
from flask_livechat.widget.browser_reports import MAX_OPENS_OF_CLIENT

from ..conftest import chat_of, create_app, log_in
from .test_projections import NOW, message, work
from .test_receiver import Make, make  # noqa: F401 - a fixture

OPENS, UNREAD = "/livechat/opens", "/livechat/unread"
ELSEWHERE = {"Sec-Fetch-Site": "cross-site"}


@pytest.fixture
def app(make: Make) -> Flask:  # noqa: F811
    return make("crisp")


def counted(app: Flask) -> dict[str, Any]:
    with app.app_context():
        livechat = chat_of(app)
        result = livechat.metrics(livechat.now() - timedelta(days=1))
        return {
            "opens": result.deflection.opens,
            "rated": result.csat_reported.rated,
            "good": result.csat_reported.good,
        }


def test_an_open_is_counted(app: Flask, client: FlaskClient) -> None:
    for _ in range(2):
        response = client.post(OPENS, json={"provider": "crisp", "open": 1})
        assert (response.status_code, response.data) == (204, b"")
        assert "Set-Cookie" not in response.headers
    assert counted(app)["opens"] == 2


def rate(client: FlaskClient, value: int, receipt: str | None = None, provider: str = "crisp") -> str | None:
    """The receipt that a browser gets for its thumb."""
    response = client.post(OPENS, json={"provider": provider, "rating": value, "receipt": receipt})
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers
    result: str | None = response.get_json()["receipt"]
    return result


def test_a_thumb_is_counted_and_may_be_turned(app: Flask, client: FlaskClient) -> None:
    rate(client, 1)
    receipt = rate(client, -1)
    assert counted(app) == {"opens": 0, "rated": 2, "good": 1}
    receipt = rate(client, 1, receipt)
    assert counted(app) == {"opens": 0, "rated": 2, "good": 2}
    assert rate(client, 0, receipt) is None
    assert counted(app) == {"opens": 0, "rated": 1, "good": 1}


def test_no_thumb_takes_back_what_the_same_browser_has_not_given(make: Make, client: FlaskClient, app: Flask) -> None:  # noqa: F811
    receipt = rate(client, 1)
    assert client.post(OPENS, json={"provider": "crisp", "rating": 0, "before": 1}).status_code == 400
    for value in (0, -1):
        assert rate(client, value, "0" * 32) is None
    assert counted(app) == {"opens": 0, "rated": 1, "good": 1}
    assert rate(client, 0, receipt) is None
    for value in (0, 1, -1):  # a receipt is good once
        assert rate(client, value, receipt) is None
    assert counted(app) == {"opens": 0, "rated": 0, "good": 0}


def test_a_receipt_is_good_for_a_day(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    livechat = chat_of(app)
    receipt, later = rate(client, 1), livechat.now() + timedelta(days=1, minutes=1)
    monkeypatch.setattr(type(livechat), "now", staticmethod(lambda: later))
    assert rate(client, 0, receipt) is None
    monkeypatch.undo()
    assert counted(app)["rated"] == 1


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"provider": "crisp"},
        {"provider": "nobody", "open": 1},
        {"provider": "tawk", "open": 1},  # not configured
        {"provider": "crisp", "open": 2},
        {"provider": "crisp", "open": [1]},
        {"provider": ["crisp"], "open": 1},
        {"provider": "crisp", "open": True},
        {"provider": "crisp", "rating": 5},
        {"provider": "crisp", "rating": {}},
        {"provider": "crisp", "rating": True},
        {"provider": "crisp", "rating": 0},
        {"provider": "crisp", "rating": 0, "receipt": ""},
        {"provider": "crisp", "rating": 1, "receipt": "x"},
        {"provider": "crisp", "rating": 1, "receipt": [1]},
        [1],
        "x",
    ],
)
def test_what_is_no_report_is_refused(app: Flask, client: FlaskClient, data: Any) -> None:
    assert client.post(OPENS, json=data).status_code == 400
    assert counted(app) == {"opens": 0, "rated": 0, "good": 0}


def test_a_report_that_is_too_long_is_refused(client: FlaskClient) -> None:
    assert client.post(OPENS, json={"provider": "crisp", "open": 1, "x": "x" * 800}).status_code == 413
    assert client.post(OPENS, data=b"\xff\xfe").status_code == 400


def test_a_report_of_another_site_is_refused(client: FlaskClient) -> None:
    assert client.post(OPENS, json={"provider": "crisp", "open": 1}, headers=ELSEWHERE).status_code == 403


def test_one_too_many_in_a_minute_is_refused(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.extensions["livechat"].runtime.opens, "most", 2)
    statuses = [client.post(OPENS, json={"provider": "crisp", "open": 1}).status_code for _ in range(3)]
    assert statuses == [204, 204, 429]


def test_an_app_that_receives_nothing_counts_nothing() -> None:
    app = create_app("crisp")
    client = app.test_client()
    assert client.post(OPENS, json={"provider": "crisp", "open": 1}).status_code == 404
    assert [client.get(UNREAD).status_code, client.post(UNREAD).status_code] == [404, 404]
    assert b"kept" not in app.extensions["livechat"].scripts["crisp"].source.split(b"loader(")[-1]


def test_protection_against_csrf_stands_in_nobodys_way(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    CSRFProtect(app)
    assert client.post(OPENS, json={"provider": "crisp", "open": 1}).status_code == 204
    assert client.post(UNREAD, json={"provider": "crisp"}).status_code == 204


def test_one_client_leaves_room_for_others(app: Flask) -> None:
    client = app.test_client()

    def report(address: str, **headers: str) -> int:
        options = {"environ_overrides": {"REMOTE_ADDR": address}, "headers": headers}
        return client.post(OPENS, json={"provider": "crisp", "open": 1}, **options).status_code

    statuses = [report("203.0.113.7") for _ in range(MAX_OPENS_OF_CLIENT + 5)]
    assert statuses == [204] * MAX_OPENS_OF_CLIENT + [429] * 5
    assert report("203.0.113.8") == 204
    assert counted(app)["opens"] == MAX_OPENS_OF_CLIENT + 1
    # Behind a proxy that the app was not told of.
    statuses = [
        report("10.0.0.2", **{"X-Forwarded-For": "1.1.1.1, 198.51.100.4"}) for _ in range(MAX_OPENS_OF_CLIENT + 1)
    ]
    assert statuses[-1] == 429
    assert report("10.0.0.2", **{"X-Forwarded-For": "1.1.1.1, 198.51.100.5"}) == 204


@pytest.mark.parametrize(
    ("address", "forwarded", "name"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("8.8.8.8", "1.2.3.4", "8.8.8.8"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "9.9.9.9, 1.2.3.4", "1.2.3.4"),
        ("::ffff:8.8.8.8", "", "8.8.8.8"),
        ("2001:4860:1:2:3:4:5:6", "", "2001:4860:1:2::/64"),
        ("127.0.0.1", "unknown", ""),
        (None, "", ""),
        ("x" * 9999, "", ""),
    ],
)
def test_a_client_is_named_by_its_address(address: str | None, forwarded: str, name: str) -> None:
    assert client_name(address, forwarded) == name


def test_what_is_known_of_clients_has_bounds() -> None:
    now = 0.0
    limit = PerMinute(100, 10, clock=lambda: now)
    assert sum(limit.allows(f"10.0.{n // 256}.{n % 256}") for n in range(5000)) == 100
    assert len(limit._clients) <= 100
    now = 60.0
    assert limit.allows("10.0.0.1")
    assert len(limit._clients) == 1


# -- unread ------------------------------------------------------------------------------------------------------------


def keep(app: Flask, *events: Any) -> Store:
    with app.app_context():
        store = chat_of(app).store
    store.add(events, NOW)
    work(store)
    return store


def unread(client: FlaskClient) -> int:
    response = client.get(UNREAD)
    assert response.headers["Cache-Control"] == "no-store"
    assert "Cookie" in response.headers["Vary"]
    return int(response.get_json()["unread"])


def test_nobody_in_particular_has_nothing_unread(app: Flask, client: FlaskClient) -> None:
    keep(app, message(1, visitor="42"), message(2, "agent", 1))
    assert unread(client) == 0


def verified(app: Flask, answer: bool | None) -> None:
    """The app says whether Ada's email is hers."""
    chat_of(app).visitor_loader(lambda user: user and Visitor("42", email="ada@example.com", email_verified=answer))


@pytest.mark.parametrize("answer", [None, False])
def test_an_email_that_is_not_verified_tells_nothing_of_what_is_kept_under_it(app: Flask, answer: bool | None) -> None:
    verified(app, answer)
    keep(app, message(1, email="ada@example.com"), message(2, "agent", 1))
    assert unread(log_in(app)) == 0


@pytest.mark.parametrize("who", [{"visitor": "42"}, {"email": "Ada@example.com"}])
def test_what_agents_wrote_since_is_unread(app: Flask, who: dict[str, Any]) -> None:
    verified(app, True)
    client = log_in(app)
    keep(app, message(1, **who), message(2, "agent", 1), message(3, "bot", 2), message(4, "agent", 3))
    assert unread(client) == 3
    keep(app, message(5, minutes=4))
    assert unread(client) == 0
    keep(app, message(6, "agent", 5))
    assert unread(client) == 1


def test_what_is_somebody_elses_is_not_counted(app: Flask) -> None:
    verified(app, True)
    keep(app, message(1, visitor="7", email="ada@example.com"), message(2, "agent", 1))
    assert unread(log_in(app)) == 0  # the email is the same, the visitor another


def test_a_note_is_nothing_to_read(app: Flask) -> None:
    keep(app, message(1, visitor="42"), replace(message(2, "agent", 1), kind="unknown"))
    assert unread(log_in(app)) == 0


def test_what_an_agent_writes_first_is_unread(app: Flask) -> None:
    keep(app, message(1, "agent", visitor="42"))
    assert unread(log_in(app)) == 1


def test_a_database_that_does_not_answer_is_a_line_in_the_log_and_no_error(
    make: Make,  # noqa: F811
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nor is it told to the vendor, in the visitor's name."""
    app = make(
        "crisp",
        LIVECHAT_ON_ERROR="conversation",
        LIVECHAT_CRISP_API_IDENTIFIER="a" * 36,
        LIVECHAT_CRISP_API_KEY="k" * 64,
    )
    client = log_in(app)
    app.testing = False
    with app.app_context(), chat_of(app).store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE livechat_conversations")
        connection.exec_driver_sql("DROP TABLE livechat_seen")
        connection.exec_driver_sql("DROP TABLE livechat_counts")
    for _ in range(3):
        assert client.get(UNREAD).get_json() == {"unread": 0}
        assert client.post(UNREAD, json={"provider": "crisp"}).status_code == 204
        assert client.post(OPENS, json={"provider": "crisp", "open": 1}).status_code == 204
    assert [record.getMessage() for record in caplog.records] == [
        "livechat: the database does not answer: OperationalError (1 so far)."
    ]
    assert not app.extensions["livechat"].runtime.automations


def test_what_was_seen_is_read(app: Flask) -> None:
    client = log_in(app)
    keep(app, message(1, visitor="42"), message(2, "agent", 1))
    assert unread(client) == 1
    assert client.post(UNREAD, json={"provider": "crisp"}).status_code == 204
    assert unread(client) == 0


def test_several_vendors_count_together(app: Flask) -> None:
    chat = (message(1, visitor="42"), message(2, "agent", 1))
    keep(app, *chat, *(replace(item, provider="intercom") for item in chat))
    assert unread(log_in(app)) == 2


def test_another_site_learns_nothing(app: Flask) -> None:
    client = log_in(app)
    assert client.get(UNREAD, headers=ELSEWHERE).status_code == 403
    assert client.post(UNREAD, json={}, headers=ELSEWHERE).status_code == 403


def test_staff_who_look_as_somebody_else_change_nothing(app: Flask) -> None:
    keep(app, message(1, visitor="42"), message(2, "agent", 1))
    client = log_in(app)
    chat_of(app).impersonating(lambda: True)
    assert unread(client) == 0
    client.post(UNREAD, json={"provider": "crisp"})
    chat_of(app).impersonating(lambda: False)
    assert unread(client) == 1


def article_deflection(app: Flask) -> Any:
    with app.app_context():
        livechat = chat_of(app)
        return livechat.metrics(livechat.now() - timedelta(days=1)).article_deflection


def use_help(client: FlaskClient, **steps: int) -> None:
    for step, times in steps.items():
        for _ in range(times):
            assert client.post(OPENS, json={"provider": "crisp", "help": step}).status_code == 204


def test_article_deflection_is_who_read_and_did_not_come_to_the_chat_of_all_who_asked(
    app: Flask, client: FlaskClient
) -> None:
    assert article_deflection(app).share is None
    use_help(client, asked=10, read=6, readchat=2)
    figure = article_deflection(app)
    assert (figure.asked, figure.read, figure.read_then_chat, figure.share) == (10, 6, 2, 0.4)
    assert figure.advice is None


@pytest.mark.parametrize(
    ("read", "advice"),
    [(1, "The articles do not answer what is asked."), (6, "Check whether visitors find the way to your team.")],
)
def test_a_high_or_low_article_deflection_comes_with_advice(
    app: Flask, client: FlaskClient, read: int, advice: str
) -> None:
    use_help(client, asked=10, read=read)
    assert article_deflection(app).advice == advice
    lines = app.test_cli_runner().invoke(args=["livechat", "metrics"]).output
    assert advice in lines


@pytest.mark.parametrize("step", ["open", "up", "chat", "", None, 1, ["asked"]])
def test_what_is_no_step_of_help_is_refused(app: Flask, client: FlaskClient, step: Any) -> None:
    assert client.post(OPENS, json={"provider": "crisp", "help": step}).status_code == 400
    assert article_deflection(app).asked == 0


def test_more_who_read_than_asked_have_no_article_deflection(app: Flask, client: FlaskClient) -> None:
    use_help(client, asked=1, read=2)
    assert article_deflection(app).share is None


def test_votes_on_articles_are_in_the_metrics(app: Flask) -> None:
    with app.app_context():
        for vote, times in {"helpful": 3, "no_help": 1}.items():
            for _ in range(times):
                chat_of(app).count("crisp", vote)
    figure = article_deflection(app)
    assert (figure.helpful, figure.not_helpful, figure.asked) == (3, 1, 0)
    run = app.test_cli_runner().invoke
    assert "helpful articles        75% of 4 votes" in run(args=["livechat", "metrics"]).output
    assert "article_deflection,not_helpful,,1" in run(args=["livechat", "metrics", "--format", "csv"]).output

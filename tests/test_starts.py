"""What starts once for a visitor wherever they are: the app remembers it. In one browser it is tests/browser's."""

from __future__ import annotations

import json
import logging
import threading
from typing import Any

import pytest
from flask import Flask

from flask_livechat import Visitor, providers
from flask_livechat.widget.rules import KINDS, MAX_ID_CHARS, is_start

from .conftest import ALL_IDS, chat_of, create_app, log_in

NAMES = providers.names()


def remembering(provider: str = "crisp", **config: Any) -> tuple[Flask, set[tuple[str, str]]]:
    """An app that remembers in a set who had what."""
    app, had = create_app(provider, **config), set[tuple[str, str]]()

    @chat_of(app).start_once
    def first_time(visitor: Visitor, content: str) -> bool:
        is_first = (visitor.id, content) not in had
        had.add((visitor.id, content))
        return is_first

    return app, had


def ask(client: Any, start: Any = "tour:7", **options: Any) -> Any:
    return client.post("/livechat/starts", json={"provider": "crisp", "start": start}, **options)


@pytest.mark.parametrize("name", NAMES)
def test_a_vendors_kinds_are_those_that_the_browser_may_start(name: str) -> None:
    app = create_app(None, LIVECHAT_PROVIDER=name, **{
        f"LIVECHAT_{name.upper()}_{key.name}": key.example for key in providers.load(name).keys
    })  # fmt: skip
    script = app.extensions["livechat"].scripts[name].source.decode()
    kinds = sorted(providers.load(name).can & set(KINDS))
    assert f'"can":{str(kinds).replace(chr(39), chr(34)).replace(" ", "")}' in script


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_browser_that_asks_may_start_it_and_no_other(kind: str) -> None:
    app, had = remembering()
    client, elsewhere = log_in(app), log_in(app)
    assert [ask(browser, f"{kind}:7").get_json() for browser in (client, elsewhere, client)] == [
        {"first": True},
        {"first": False},
        {"first": False},
    ]
    assert ask(client, f"{kind}:8").get_json() == {"first": True}
    assert had == {("42", f"{kind}:7"), ("42", f"{kind}:8")}


def test_another_visitor_gets_their_own() -> None:
    app, had = remembering()
    assert ask(log_in(app, "42")).get_json() == ask(log_in(app, "7")).get_json() == {"first": True}
    assert had == {("42", "tour:7"), ("7", "tour:7")}


def test_nobody_is_asked_about_who_is_not_logged_in() -> None:
    app, had = remembering()
    assert ask(app.test_client()).get_json() == {"first": False}
    assert had == set()


def test_staff_who_look_at_the_site_as_somebody_else_use_nothing_up() -> None:
    app, had = remembering()
    chat_of(app).impersonating(lambda: True)
    assert ask(log_in(app)).get_json() == {"first": False}
    assert had == set()


@pytest.mark.parametrize(
    "start", [None, "", 7, [], {}, "tour", "tour:", "tuor:7", "tour:" + "7" * 101, "x" * 101, "tour:\0", "tour:\ud800"]
)
def test_what_names_nothing_that_starts_is_refused(start: Any) -> None:
    app, had = remembering()
    assert ask(log_in(app), start).status_code == 400
    assert had == set()


@pytest.mark.parametrize("body", [b"", b"[]", b'"tour:7"', b"\xff", b"{"])
def test_what_is_no_question_is_refused(body: bytes) -> None:
    app, _ = remembering()
    assert log_in(app).post("/livechat/starts", data=body).status_code in (400, 413)


def test_a_question_is_small_and_of_our_own_page() -> None:
    app, had = remembering()
    client = log_in(app)
    assert ask(client, "tour:" + "7" * 700).status_code == 413
    assert ask(client, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert ask(client, headers={"Origin": "https://evil.example"}).status_code == 403
    assert had == set()


@pytest.mark.parametrize("letter", ["7", "\u4e2d", "\U0001f331", '"', "\x01"])
def test_the_longest_id_that_a_rule_takes_is_answered_in_any_script(letter: str) -> None:
    app, had = remembering()
    start = f"trigger:{letter * MAX_ID_CHARS}"
    assert is_start(start)
    body = json.dumps({"provider": "intercom", "start": start}, ensure_ascii=False, separators=(",", ":"))
    assert log_in(app).post("/livechat/starts", data=body.encode()).get_json() == {"first": True}
    assert had == {("42", start)}


def test_who_asks_too_often_is_refused_and_the_app_is_not_asked() -> None:
    app, had = remembering()
    client = log_in(app)
    assert [ask(client, f"tour:{n}").status_code for n in range(61)] == [200] * 60 + [429]
    assert len(had) == 60


def test_an_answer_is_one_visitors_and_stored_nowhere() -> None:
    response = ask(log_in(remembering()[0]))
    assert response.headers["Cache-Control"] == "no-store"
    assert "Cookie" in response.headers["Vary"]


def test_without_somebody_who_remembers_nothing_starts_and_the_log_says_what_to_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = log_in(create_app("crisp", **ALL_IDS))
    with caplog.at_level(logging.WARNING):
        assert [ask(client).status_code for _ in range(2)] == [404, 404]
    assert caplog.text.count("@livechat.start_once") == 1


def test_a_memory_that_fails_starts_nothing() -> None:
    app = create_app("crisp")

    @chat_of(app).start_once
    def broken(visitor: Visitor, content: str) -> bool:
        raise RuntimeError("no database")

    client = log_in(app)
    with pytest.raises(RuntimeError, match="no database"):
        ask(client)
    app.testing = False
    assert ask(client).get_json() == {"first": False}


def test_a_memory_may_be_a_coroutine() -> None:
    pytest.importorskip("asgiref")
    app = create_app("crisp")

    @chat_of(app).start_once  # type: ignore[arg-type]
    async def first_time(visitor: Visitor, content: str) -> bool:
        return True

    answers: list[Any] = []
    # In a thread of its own, where no browser test has left a loop running.
    thread = threading.Thread(target=lambda: answers.append(ask(log_in(app)).get_json()))
    thread.start()
    thread.join()
    assert answers == [{"first": True}]

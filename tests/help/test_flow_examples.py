"""The flows of the example app, and the language model of docs/flows.rst, are what they say."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from example_app import create_app
from flask_livechat.help import flow_service
from tests.test_docs_pages import DOCS, _run

NAMES = {"shop", "app"}


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    for name in [name for name in os.environ if name.startswith("FLASK_")]:
        monkeypatch.delenv(name)
    return create_app({"TESTING": True, "INSTANCE_PATH": str(tmp_path)})


def test_the_example_apps_flows_are_proven(example: Flask) -> None:
    """The same command runs in its CI."""
    result = example.test_cli_runner().invoke(args=["livechat", "flows", "check"])
    assert result.exit_code == 0, result.output
    assert all(f"{name}: " in result.output for name in NAMES)


def test_each_search_of_the_example_apps_flows_finds_something_in_each_language(example: Flask) -> None:
    state, searched = example.extensions["livechat"], 0
    for flow in flow_service.flows(state, example).by_name.values():
        for step in flow.steps.values():
            for tag, query in (step.articles or {}).items():
                assert flow_service.search(state, example, query, tag or "en"), query
                searched += 1
    assert searched >= 6


def test_the_pages_of_the_example_app_name_their_flow(example: Flask) -> None:
    with example.test_request_context():
        livechat = example.extensions["livechat"].livechat
        flows = {path: livechat.decide(path=path).flow for path in ("/shop/", "/dashboard", "/account", "/")}
    assert flows == {"/shop/": "shop", "/dashboard": "app", "/account": "app", "/": None}


def test_an_article_of_the_example_app_is_a_link_in_a_flow(example: Flask) -> None:
    client, reply = example.test_client(), {"state": None}
    for action in (None, {"choice": 1}, {"choice": 0}):
        body = {"flow": "shop", "state": reply["state"], "input": action, "locale": "de-DE"}
        answer = client.post("/livechat/flow", json=body)
        assert answer.json is not None
        reply = answer.json
    assert reply["say"] == "Das könnte helfen:"
    assert reply["articles"][0]["title"] == "Wann kommt meine Bestellung?"
    assert client.get(reply["articles"][0]["url"]).status_code == 200
    assert reply["handoff"]["help_seen"] == "shop/delivery"


@pytest.mark.parametrize(
    ("flow", "choices", "written", "fields"),
    [
        ("shop", [0], "PS-10442", {"order_number": "PS-10442"}),
        ("shop", [1, 1], "PS-10442", {"order_number": "PS-10442"}),
        ("shop", [2, 0], "PS-10442", {"order_number": "PS-10442"}),
        ("app", [1], "3f9a01c2", {"error_id": "3f9a01c2"}),
        ("app", [0, 0], None, {}),
    ],
)
def test_what_the_shop_and_the_app_ask_for_is_with_their_vendors_agents(
    example: Flask, flow: str, choices: list[int], written: str | None, fields: dict[str, str]
) -> None:
    client = example.test_client()
    actions: list[Any] = [{"choice": number} for number in choices] + ([{"text": written}] if written else [])
    reply: dict[str, Any] = {"state": None}
    for action in [None, *actions]:
        body = {"flow": flow, "state": reply["state"], "input": action, "locale": "en"}
        reply = client.post("/livechat/flow", json=body).get_json()
    assert (reply["end"], reply["handoff"]["fields"]) == ("human", fields)
    livechat = example.extensions["livechat"].livechat
    with example.test_request_context():
        vendor = livechat.decide(path={"shop": "/shop/", "app": "/account"}[flow]).provider
    assert vendor == {"shop": "tawk", "app": "intercom"}[flow]


# -- the language model of the docs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        ("Two to four days.\n[shop/delivery]", "Two to four days."),
        ("I do not know.\n[none]", None),
        ("Two days.\n[https://elsewhere.example]", None),
        ("Two to four days, [shop/delivery]", None),
        ("", None),
    ],
)
def test_the_model_of_the_docs_answers_out_of_our_articles_or_not_at_all(
    example: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, answer: str | None
) -> None:
    requests = list[httpx.Request]()

    def model(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"choices": [{"message": {"role": "assistant", "content": content}}]})

    monkeypatch.setenv("MODEL_KEY", "a-key-of-the-tests")
    names = _run(DOCS / "flows.rst", tmp_path)
    names["MODEL"] = httpx.Client(base_url="https://model.example/v1", transport=httpx.MockTransport(model))
    livechat = example.extensions["livechat"].livechat
    answers: dict[str, Any] = livechat._callbacks.answers
    monkeypatch.setitem(answers, "model", names["ask_model"])
    table = {"start": "q", "q": {"say": "?", "ask": "what", "then": "m"}, "m": {"answer": "model"}}
    monkeypatch.setitem(livechat._callbacks.flows, "model", table)
    state = example.extensions["livechat"]
    question = "When does my order arrive?"
    reply, _ = flow_service.take_step(state, example, "model", None, flow_service.input_of({}), "en")
    reply, _ = flow_service.take_step(
        state, example, "model", reply["state"], flow_service.input_of({"text": question}), "en"
    )
    assert (reply["answer"], reply["end"]) == (answer, None if answer else "human")
    assert json.loads(requests[0].content)["messages"][1] == {"role": "user", "content": question}
    assert requests[0].url == "https://model.example/v1/chat/completions"
    assert requests[0].headers["Authorization"] == "Bearer a-key-of-the-tests"

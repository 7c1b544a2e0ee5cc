"""LIVECHAT_CONSENT as a callable: a consent manager on the server has the last word on each page."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, request

from flask_livechat import ConfigError

from .conftest import create_app, page, payload

MakeApp = Callable[..., Flask]


def agreed() -> bool:
    return request.cookies.get("cmp") == "yes"


def raises() -> bool:
    raise LookupError("somebody@example.com")


def test_a_yes_reads_as_implied_and_a_no_as_denied(make_app: MakeApp) -> None:
    client = make_app(LIVECHAT_CONSENT=agreed).test_client()
    assert page(client)["settings"]["consent"] == "denied"
    client.set_cookie("cmp", "yes")
    assert "consent" not in page(client)["settings"]


@pytest.mark.parametrize("answer", [None, 0, "", []])
def test_what_is_not_a_yes_is_a_no(make_app: MakeApp, answer: Any) -> None:
    client = make_app(LIVECHAT_CONSENT=lambda: answer).test_client()
    assert page(client)["settings"]["consent"] == "denied"


@pytest.mark.parametrize("cmp", ["yes", "no"])
@pytest.mark.parametrize("delivery", ["inline", "fetch"])
def test_its_page_is_for_one_browser_alone(make_app: MakeApp, cmp: str, delivery: str) -> None:
    client = make_app(LIVECHAT_CONSENT=agreed, LIVECHAT_IDENTITY_DELIVERY=delivery).test_client()
    client.set_cookie("cmp", cmp)
    response = client.get("/")
    assert response.cache_control.private
    assert not response.cache_control.public
    assert "Cookie" in response.vary


@pytest.mark.parametrize("consent", ["implied", "required", "click"])
def test_a_fixed_choice_leaves_the_page_to_shared_caches(make_app: MakeApp, consent: str) -> None:
    response = make_app(LIVECHAT_CONSENT=consent).test_client().get("/")
    assert "Cache-Control" not in response.headers
    assert "Cookie" not in response.vary


def test_one_that_raises_is_a_no_and_is_logged_by_name(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(LIVECHAT_CONSENT=raises)
    app.testing = False
    response = app.test_client().get("/")
    assert response.status_code == 200
    assert payload(response.text)["settings"]["consent"] == "denied"
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "LIVECHAT_CONSENT" in record.getMessage()
    assert "LookupError" in record.getMessage()
    assert "somebody" not in record.getMessage()


def test_one_that_raises_is_raised_in_tests(make_app: MakeApp) -> None:
    with pytest.raises(LookupError):
        make_app(LIVECHAT_CONSENT=raises).test_client().get("/")


@pytest.mark.parametrize(("cmp", "preloads"), [("yes", True), ("no", False)])
def test_a_preload_is_a_request_and_waits_for_the_yes(make_app: MakeApp, cmp: str, preloads: bool) -> None:
    app = make_app(LIVECHAT_CONSENT=agreed, LIVECHAT_RULES=[{"path": "/*", "preload": True}])
    client = app.test_client()
    client.set_cookie("cmp", cmp)
    assert ('rel="preload"' in client.get("/").text) is preloads


@pytest.mark.parametrize("value", ["yes", "denied", "", None, True, False, 1, ["required"], {"mode": "required"}])
def test_other_values_are_refused(value: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        create_app(LIVECHAT_CONSENT=value)
    (problem,) = caught.value.problems
    assert (problem.code, problem.key) == ("LC102", "LIVECHAT_CONSENT")
    assert "callable" in problem.fix

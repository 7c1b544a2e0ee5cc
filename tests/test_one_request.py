"""What changes within one request, or goes from one app to another: nobody gets what is somebody else's."""

from __future__ import annotations

import gc
import json
import re
import weakref
from decimal import Decimal
from typing import Any

import pytest
from flask import Request, Response, redirect, render_template_string, request, stream_template_string
from flask_login import login_user, logout_user

from flask_livechat import Visitor

from .conftest import USERS, chat_of, create_app, log_in

PAGE = "<!doctype html><title>x</title>{{ livechat() }}"


def payload(text: str) -> dict[str, Any]:
    block = re.search(r'<script[^>]*id="livechat"[^>]*>(.*?)</script>', text, re.DOTALL)
    assert block is not None, text
    found: dict[str, Any] = json.loads(block[1])
    return found


def who(text: str) -> str | None:
    visitor = payload(text)["visitor"]
    return None if visitor is None else str(visitor.get("email"))


@pytest.mark.parametrize("before", ["", "sync", "track", "tag"])
def test_a_page_after_a_login_is_the_one_of_who_logged_in(before: str) -> None:
    app = create_app("crisp", LIVECHAT_SANDBOX=True, LIVECHAT_TRACK_VIA="server")

    @app.get("/as/<number>")
    def switch(number: str) -> str:
        if before == "sync":
            chat_of(app).sync()
        if before == "track":
            chat_of(app).track("switched")
        if before == "tag":
            render_template_string(PAGE)
        login_user(USERS[number])
        return render_template_string(PAGE)

    assert who(log_in(app).get("/as/7").text) == "second@example.com"
    assert who(app.test_client().get("/as/42").text) == "ada@example.com"


@pytest.mark.parametrize("early", [True, False])
def test_a_page_after_a_logout_is_nobodys(early: bool) -> None:
    app = create_app("crisp", LIVECHAT_SANDBOX=True)

    @app.get("/bye")
    def bye() -> str:
        if early:
            chat_of(app).sync()
        logout_user()
        return render_template_string(PAGE)

    assert who(log_in(app).get("/bye").text) is None


def test_an_impersonation_that_begins_in_the_request_counts() -> None:
    app = create_app("crisp", LIVECHAT_SANDBOX=True)
    on: list[bool] = []
    chat_of(app).impersonating(lambda: bool(on))

    @app.get("/view-as")
    def view_as() -> str:
        chat_of(app).sync()
        on.append(True)
        return render_template_string(PAGE)

    assert who(log_in(app).get("/view-as").text) is None


def test_an_app_behind_another_has_notes_of_its_own() -> None:
    front, back = create_app("crisp"), create_app("intercom")

    @front.before_request
    def act() -> None:
        chat_of(front).action("x")

    @front.get("/old")
    def old() -> Response:
        return Response.from_app(back.wsgi_app, request.environ | {"PATH_INFO": "/"})

    assert payload(log_in(front).get("/old").text)["provider"] == "intercom"


def test_a_page_that_was_rendered_before_another_app_was_asked_is_private_still() -> None:
    front, back = create_app("crisp"), create_app("intercom")

    @front.get("/both")
    def both() -> str:
        page = render_template_string(PAGE)
        Response.from_app(back.wsgi_app, request.environ)
        return page

    answer = log_in(front).get("/both")
    assert who(answer.text) == "ada@example.com"
    assert "private" in answer.headers["Cache-Control"] or "no-store" in answer.headers["Cache-Control"]


def test_an_attribute_of_any_kind_is_text_and_costs_no_chat() -> None:
    app = create_app("crisp")
    chat_of(app).visitor_loader(lambda user: Visitor(id="42", email="a@example.com", attributes={"roles": ["x", "y"]}))
    assert "['x', 'y']" in str(payload(log_in(app).get("/").text))


def test_what_is_equal_and_written_differently_is_written_as_it_is() -> None:
    app = create_app("crisp")
    totals = iter([Decimal("10"), Decimal("10.00")])
    chat_of(app).context_loader(lambda: {"total": next(totals)})  # type: ignore[dict-item]  # as apps do
    client = app.test_client()
    assert [payload(client.get("/").text)["context"]["total"] for _ in range(2)] == ["10", "10.00"]


def test_consent_that_is_one_visitors_is_not_in_a_page_that_streams() -> None:
    app = create_app("crisp", LIVECHAT_CONSENT=lambda: request.cookies.get("agreed") == "1")

    @app.get("/stream")
    def stream() -> Response:
        return Response(stream_template_string(PAGE), headers={"Cache-Control": "public, max-age=60"})

    client = app.test_client()
    client.set_cookie("agreed", "1")
    assert payload(client.get("/stream").text)["settings"].get("consent") == "denied"


def test_a_rule_that_comes_late_counts_for_a_page_that_is_kept() -> None:
    app = create_app("crisp")
    client = app.test_client()
    assert 'id="livechat"' in client.get("/").text
    endpoint = next(rule.endpoint for rule in app.url_map.iter_rules() if rule.rule == "/")
    app.view_functions[endpoint] = chat_of(app).rule(show=False)(app.view_functions[endpoint])
    assert 'id="livechat"' not in client.get("/").text


def test_an_app_that_leads_elsewhere_after_a_login_marks_nothing() -> None:
    app = create_app("crisp")
    app.add_url_rule("/in", view_func=lambda: (login_user(USERS["42"]), redirect("/"))[1])
    assert "livechat_left" not in str(app.test_client().get("/in").headers)


def test_what_nobody_did_is_the_first_ones_who_logs_in_and_no_next_ones() -> None:
    app = create_app("crisp")
    app.add_url_rule("/act", view_func=lambda: str(chat_of(app).action("looked at shoes")))
    client = app.test_client()
    client.get("/act")
    client.get("/login/42")
    assert "looked at shoes" in client.get("/").text
    client.get("/login/7")
    assert "looked at shoes" not in client.get("/").text


def test_an_address_that_is_one_visitors_is_nobody_elses() -> None:
    app = create_app("crisp")
    app.url_defaults(lambda endpoint, values: values.setdefault("sid", request.headers.get("X-Sid", "")))
    client = app.test_client()
    assert "sid=alice" in client.get("/", headers={"X-Sid": "alice"}).text
    assert "sid=bob" in client.get("/", headers={"X-Sid": "bob"}).text


def test_a_request_with_chat_is_out_of_memory_when_it_is_over() -> None:
    app, requests = create_app("crisp"), list[weakref.ref[Request]]()

    @app.before_request
    def remember() -> None:
        requests.append(weakref.ref(request._get_current_object()))  # type: ignore[attr-defined]  # of the proxy

    app.test_client().get("/")  # what is set up at the first page
    gc.disable()
    try:
        assert b'id="livechat"' in app.test_client().get("/").data
        assert requests[-1]() is None
    finally:
        gc.enable()

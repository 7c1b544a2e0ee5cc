"""Segments and tags of whoever is on a page: what a view says, in the data block and within the vendor's limits."""

from __future__ import annotations

import logging
import random
import string
from typing import Any

import pytest
from flask import Flask, redirect, render_template_string, stream_template_string
from flask_login import logout_user

from flask_livechat import Visitor, providers

from .conftest import PAGE, chat_of, create_app, log_in, page, payload

ABLE = [name for name in providers.names() if "segment" in providers.load(name).can]
ABLE_TO_REMOVE = [name for name in ABLE if "unsegment" in providers.load(name).can]
UNABLE = [name for name in providers.names() if "segment" not in providers.load(name).can]


def shop(name: str, *names: Any, remove: tuple[Any, ...] = (), then: Any = None, **config: Any) -> Flask:
    """An app whose ``/says`` gives its visitor segments, takes others away and answers with ``then``, or a page."""
    keys = {f"LIVECHAT_{name.upper()}_{key.name}": key.example for key in providers.load(name).keys}
    app = create_app(name, **{**keys, **config})

    @app.route("/says", methods=["GET", "POST"])
    def says() -> Any:
        livechat = chat_of(app)
        livechat.segment(*names)
        if remove:
            livechat.unsegment(*remove)
        return then() if then else render_template_string(PAGE)

    return app


@pytest.mark.parametrize("name", ABLE)
def test_an_anonymous_visitor_gets_the_segments_of_this_page(name: str) -> None:
    client = shop(name, "pricing", "spring").test_client()
    data = page(client, "/says")
    assert data["events"] == [{"segment": ["pricing", "spring"], "unsegment": []}]
    assert (data["who"], data["visitor"]) == ("", None)
    assert page(client)["events"] == []  # the next page says nothing


@pytest.mark.parametrize("name", ABLE)
def test_a_visitor_who_is_known_gets_them_beside_their_own(name: str) -> None:
    data = page(log_in(shop(name, "pricing")), "/says")
    assert data["events"] == [{"segment": ["pricing"], "unsegment": []}]
    assert data["visitor"] is not None


@pytest.mark.parametrize("name", ABLE)
def test_segments_are_delivered_by_the_page_after_a_redirect(name: str) -> None:
    client = shop(name, "trial", then=lambda: redirect("/")).test_client()
    assert client.post("/says").status_code == 302
    assert page(client)["events"] == [{"segment": ["trial"], "unsegment": []}]
    assert page(client)["events"] == []


@pytest.mark.parametrize("name", ABLE)
def test_segments_come_with_the_identity_where_pages_hold_nothing_personal(name: str) -> None:
    client = shop(name, "trial", LIVECHAT_IDENTITY_DELIVERY="fetch").test_client()
    assert page(client, "/says")["events"] == []
    assert client.get("/livechat/identity").get_json()["events"] == [{"segment": ["trial"], "unsegment": []}]
    assert client.get("/livechat/identity").get_json()["events"] == []


@pytest.mark.parametrize("name", ABLE)
def test_segments_of_a_streamed_page_come_with_the_identity(name: str) -> None:
    client = shop(name, "trial", then=lambda: stream_template_string(PAGE)).test_client()
    assert payload(client.get("/says").text)["events"] == []
    assert client.get("/livechat/identity").get_json()["events"] == [{"segment": ["trial"], "unsegment": []}]


@pytest.mark.parametrize("name", ABLE)
def test_segments_do_not_outlive_the_visitor_of_whom_they_were_said(name: str) -> None:
    client = log_in(shop(name, "trial", then=lambda: redirect("/")))
    client.post("/says")
    client.get("/logout")
    assert page(client)["events"] == []


@pytest.mark.parametrize("name", ABLE)
def test_a_request_that_logs_out_leaves_its_segments_to_nobody(name: str) -> None:
    client = log_in(shop(name, "trial", then=lambda: (logout_user(), redirect("/"))[1]))
    client.post("/says")
    assert page(client)["events"] == []


@pytest.mark.parametrize("empty", ["", " "])
def test_an_event_without_a_name_is_not_taken_for_segments(empty: str) -> None:
    client = shop("crisp", then=lambda: (chat_of(app).track(empty), redirect("/"))[1]).test_client()
    app = client.application
    client.post("/says")
    assert [event["name"] for event in page(client)["events"]] == [""]


@pytest.mark.parametrize("name", ABLE)
def test_an_error_page_has_the_segments_of_the_page_that_failed(name: str) -> None:
    def fails() -> None:
        render_template_string(PAGE)
        raise NotImplementedError  # any error that the app has an error page for

    app = shop(name, "trial", then=fails)
    app.register_error_handler(NotImplementedError, lambda error: render_template_string(PAGE))
    assert page(app.test_client(), "/says")["events"] == [{"segment": ["trial"], "unsegment": []}]


@pytest.mark.parametrize("name", ABLE)
def test_segments_of_this_page_and_of_the_request_before_come_together(name: str) -> None:
    app = shop(name, "trial", then=lambda: redirect("/next"))

    @app.get("/next")
    def next_page() -> str:
        chat_of(app).segment("spring")
        return render_template_string(PAGE)

    client = app.test_client()
    client.post("/says")
    assert page(client, "/next")["events"] == [{"segment": ["trial", "spring"], "unsegment": []}]


@pytest.mark.parametrize("name", ABLE_TO_REMOVE)
def test_the_last_word_on_a_segment_counts(name: str) -> None:
    app = shop(name, "trial", "spring", remove=("trial",))
    assert page(app.test_client(), "/says")["events"] == [{"segment": ["spring"], "unsegment": ["trial"]}]


@pytest.mark.parametrize("name", sorted({*providers.names()} - {*ABLE_TO_REMOVE}))
def test_where_segments_cannot_be_taken_away_that_is_left_out_and_logged_once(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = shop(name, remove=("trial",))
    with caplog.at_level(logging.WARNING):
        assert [page(app.test_client(), "/says")["events"] for _ in range(2)] == [[], []]
    assert caplog.text.count("livechat.unsegment is left out") == 1


@pytest.mark.parametrize("name", UNABLE)
def test_where_a_vendor_has_no_segments_they_are_left_out_and_logged_once(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = shop(name, "trial")
    with caplog.at_level(logging.WARNING):
        assert [page(app.test_client(), "/says")["events"] for _ in range(2)] == [[], []]
    assert caplog.text.count("livechat.segment is left out") == 1
    assert providers.load(name).title in caplog.text


@pytest.mark.parametrize("name", ABLE)
def test_a_vendors_whole_limit_is_used_and_one_more_is_refused_with_its_number(name: str) -> None:
    most = providers.load(name).max_segments
    names = [f"segment-{n}" for n in range(most)]
    assert page(shop(name, *names).test_client(), "/says")["events"][0]["segment"] == names
    with pytest.raises(
        ValueError, match=rf"{providers.load(name).title} takes at most {most} segments, not {most + 1}"
    ):
        shop(name, *names, "one-more").test_client().get("/says")


@pytest.mark.parametrize("name", ABLE)
def test_a_visitors_own_segments_count_and_what_is_too_many_beside_them_is_left_out_and_logged(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    most = providers.load(name).max_segments
    app = shop(name, "own-0", "first", "second")
    own = tuple(f"own-{n}" for n in range(most - 1))
    chat_of(app).visitor_loader(lambda user: Visitor("42", "ada@example.com", segments=own))
    with caplog.at_level(logging.WARNING):
        data = page(log_in(app), "/says")
    assert data["visitor"]["segments"] == list(own)
    assert data["events"] == [{"segment": ["first"], "unsegment": []}]
    assert f"takes {most} segments" in caplog.text


@pytest.mark.parametrize("name", ABLE)
def test_a_call_beyond_the_limit_is_logged_in_production_and_adds_nothing(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = shop(name, *(f"segment-{n}" for n in range(providers.load(name).max_segments + 1)))
    app.testing = False
    with caplog.at_level(logging.ERROR):
        assert page(app.test_client(), "/says")["events"] == []
    assert "segment failed with ValueError" in caplog.text
    assert "segment-0" not in caplog.text


@pytest.mark.parametrize("bad", ["", "  ", 7, None, "x" * 256, ["vip"]])
@pytest.mark.parametrize("name", ABLE)
def test_what_is_no_segment_is_an_error_and_the_names_beside_it_are_not_added(name: str, bad: Any) -> None:
    app = shop(name, "vip", bad)
    with pytest.raises(ValueError, match="a segment is text"):
        app.test_client().get("/says")
    app.testing = False
    assert page(app.test_client(), "/says")["events"] == []


@pytest.mark.parametrize("name", ABLE)
def test_segments_never_push_the_session_cookie_over_its_limit(name: str) -> None:
    rng = random.Random(1)  # Flask compresses its cookie, so these are names that cannot be  # noqa: S311
    names = ["".join(rng.choices(string.printable[:62], k=255)) for _ in range(providers.load(name).max_segments)]
    client = shop(name, *names, then=lambda: redirect("/")).test_client()
    cookie = client.post("/says").headers["Set-Cookie"]
    assert len(cookie) < 2000
    assert page(client)["events"]


def test_without_a_provider_nothing_is_said() -> None:
    app = create_app(None)
    with app.test_request_context():
        chat_of(app).segment("vip")
        chat_of(app).unsegment("vip")


def test_a_page_that_says_segments_is_private_and_one_without_touches_no_session() -> None:
    client = shop("crisp", "pricing").test_client()
    assert "private" in client.get("/says").headers["Cache-Control"]
    assert "Set-Cookie" not in client.get("/says").headers
    assert "Cache-Control" not in client.get("/").headers

"""The secret guard: a response with a configured secret in it never leaves."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask, Response, redirect, render_template_string, request, stream_with_context
from flask_compress import Compress
from flask_login import logout_user
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import escape

from flask_livechat.widget.bodies import UnreadableBody
from flask_livechat.widget.secret_scanner import SecretInResponse

from .conftest import CRISP_SECRET, create_app
from .test_bodies import PACK, raw_deflate

AWKWARD = "a<secret>&'with\"signs/and+more"


def leaking(view: Callable[[], Any], **config: Any) -> Flask:
    app = create_app("crisp", **config)
    app.add_url_rule("/leak", "leak", view)
    return app


def production(view: Callable[[], Any], **config: Any) -> Flask:
    app = leaking(view, **config)
    app.testing = False
    return app


def test_in_tests_a_page_with_a_secret_raises_with_the_keys_name() -> None:
    with pytest.raises(SecretInResponse, match="LIVECHAT_CRISP_IDENTITY_SECRET") as caught:
        leaking(lambda: f"<p>{CRISP_SECRET}</p>").test_client().get("/leak")
    assert CRISP_SECRET not in str(caught.value)
    assert caught.value.key == "LIVECHAT_CRISP_IDENTITY_SECRET"


def test_in_production_it_becomes_a_500_and_a_log_line_without_the_value(caplog: pytest.LogCaptureFixture) -> None:
    response = production(lambda: f"<p>{CRISP_SECRET}</p>").test_client().get("/leak")
    assert response.status_code == 500
    assert CRISP_SECRET not in response.text
    assert "LIVECHAT_CRISP_IDENTITY_SECRET" in caplog.text
    assert CRISP_SECRET not in caplog.text


def test_headers_of_the_page_do_not_stay() -> None:
    response = production(lambda: Response(CRISP_SECRET, headers={"X-Own": CRISP_SECRET})).test_client().get("/leak")
    assert CRISP_SECRET not in str(response.headers)


@pytest.mark.parametrize(
    "write",
    [
        str,
        html.escape,
        escape,
        lambda text: json.dumps(text)[1:-1],
        htmlsafe_json_dumps,
        quote,
        lambda text: quote(text, safe=""),
    ],
)
def test_it_is_found_in_every_way_in_which_a_page_writes_it(write: Callable[[str], str]) -> None:
    app = production(lambda: f"<p>{write(AWKWARD)}</p>", LIVECHAT_CRISP_IDENTITY_SECRET=AWKWARD)
    assert app.test_client().get("/leak").status_code == 500


@pytest.mark.parametrize("value", [["new-secret-value-0001", "old-secret-value-0002"], "old-secret-value-0002"])
def test_older_secrets_count_too(value: Any) -> None:
    app = production(lambda: "<p>old-secret-value-0002</p>", LIVECHAT_CRISP_IDENTITY_SECRET=value)
    assert app.test_client().get("/leak").status_code == 500


def test_json_and_scripts_are_looked_at() -> None:
    assert production(lambda: {"key": CRISP_SECRET}).test_client().get("/leak").status_code == 500


def test_a_redirect_with_it_in_the_address_does_not_leave() -> None:
    response = production(lambda: redirect(f"/?key={CRISP_SECRET}")).test_client().get("/leak")
    assert response.status_code == 500
    assert "Location" not in response.headers


def test_the_secret_of_a_vendor_that_no_page_uses_counts() -> None:
    other = "0123456789abcdef0123456789abcdef99999999"
    config = {"LIVECHAT_TAWK_PROPERTY_ID": "58ca8453b8a7e060cd3b1ecb", "LIVECHAT_TAWK_JS_API_KEY": other}
    assert production(lambda: other, **config).test_client().get("/leak").status_code == 500


def test_a_public_id_may_be_in_a_page() -> None:
    app = leaking(lambda: "42286ab3-b29a-4fde-8538-da0ae501d825")
    assert app.test_client().get("/leak").status_code == 200


BY_CHANCE = [
    "short1",
    "livechat",
    "fifteen-chars-1",
    "2026-11-29T12:00:00Z",
    "2026-11-29T12:00:00.000000+01:00",
    "1764417600000000",
]


@pytest.mark.parametrize("word", BY_CHANCE)
def test_what_any_page_may_hold_by_chance_is_not_looked_for(word: str) -> None:
    app = leaking(lambda: f"a page with {word}", LIVECHAT_CRISP_WEBHOOK_KEY=word)
    assert app.test_client().get("/leak").status_code == 200


@pytest.mark.parametrize("value", ["sixteen-chars-01", "abcdefghijklmnop", "2026-11-29-secret"])
def test_what_no_page_holds_by_chance_is_looked_for(value: str) -> None:
    app = production(lambda: value, LIVECHAT_CRISP_WEBHOOK_KEY=value)
    assert app.test_client().get("/leak").status_code == 500


def compressed(body: bytes, codings: str) -> Callable[[], Response]:
    for name in codings.split(", "):
        body = PACK[name](body)
    return lambda: Response(body, headers={"Content-Encoding": codings})


@pytest.mark.parametrize("codings", [*PACK, "gzip, br", "zstd, gzip"])
def test_what_was_compressed_is_looked_at(codings: str) -> None:
    view = compressed(CRISP_SECRET.encode(), codings)
    assert production(view).test_client().get("/leak").status_code == 500


def test_deflate_without_a_header_is_looked_at() -> None:
    view = lambda: Response(raw_deflate(CRISP_SECRET.encode()), headers={"Content-Encoding": "deflate"})  # noqa: E731
    assert production(view).test_client().get("/leak").status_code == 500


@pytest.mark.parametrize("coding", ["none", "utf-8", "zstd"])
def test_a_plain_body_is_looked_at_whatever_its_coding_says(coding: str) -> None:
    view = lambda: Response(CRISP_SECRET, headers={"Content-Encoding": coding})  # noqa: E731
    assert production(view).test_client().get("/leak").status_code == 500


def a_part() -> Response:
    response = Response(f"<p>{CRISP_SECRET}</p>")
    return response.make_conditional(request, accept_ranges=True, complete_length=len(response.data))


UNREADABLE = {
    "a bomb": compressed(b"\0" * 20_000_000, "gzip"),
    "an unknown coding": lambda: Response(b"...", headers={"Content-Encoding": "aes128gcm"}),
    "not what it says": lambda: Response("plain", headers={"Content-Encoding": "zstd"}),
    "a part": a_part,
}
unreadable = pytest.mark.parametrize("view", UNREADABLE.values(), ids=UNREADABLE)


@unreadable
def test_in_tests_what_cannot_be_read_is_not_said_to_be_clean(view: Callable[[], Response]) -> None:
    with pytest.raises(UnreadableBody, match="cannot be checked for secrets"):
        leaking(view).test_client().get("/leak", headers={"Range": "bytes=0-10"})


@unreadable
def test_in_production_what_cannot_be_read_is_sent_and_logged_once(
    view: Callable[[], Response], caplog: pytest.LogCaptureFixture
) -> None:
    client = production(view).test_client()
    for _ in range(3):
        assert client.get("/leak", headers={"Range": "bytes=0-10"}).status_code in (200, 206)
    (record,) = caplog.records
    assert "leak: The response's body cannot be read" in record.getMessage()
    assert CRISP_SECRET not in caplog.text


def test_a_part_of_a_video_is_no_text() -> None:
    def view() -> Response:
        response = Response(b"video" * 100, mimetype="video/mp4")
        return response.make_conditional(request, accept_ranges=True, complete_length=500)

    assert leaking(view).test_client().get("/leak", headers={"Range": "bytes=0-10"}).status_code == 206


@pytest.mark.parametrize("coding", ["zstd", "br", "gzip", "deflate"])
def test_a_page_that_flask_compress_has_compressed_is_looked_at(coding: str) -> None:
    app = production(lambda: f"<p>{CRISP_SECRET}</p>", COMPRESS_MIN_SIZE=1, COMPRESS_ALGORITHM=[coding])
    Compress(app)
    assert app.test_client().get("/leak", headers={"Accept-Encoding": coding}).status_code == 500


@pytest.mark.parametrize("header", ["X-Debug", "Set-Cookie", "HX-Redirect"])
def test_headers_are_looked_at(header: str) -> None:
    response = production(lambda: Response("", headers={header: f"x={CRISP_SECRET}"})).test_client().get("/leak")
    assert response.status_code == 500
    assert header not in response.headers


def test_a_template_that_writes_it_is_found() -> None:
    page = "{{ config.LIVECHAT_CRISP_IDENTITY_SECRET }}"
    app = production(lambda: render_template_string(page), LIVECHAT_CRISP_IDENTITY_SECRET=AWKWARD)
    assert app.test_client().get("/leak").status_code == 500


@pytest.mark.parametrize("testing", [True, False])
def test_an_error_page_with_it_is_not_sent(testing: bool) -> None:
    def broken() -> str:
        raise LookupError

    app = leaking(broken, PROPAGATE_EXCEPTIONS=False)
    app.testing = testing
    app.register_error_handler(500, lambda error: (f"<p>{CRISP_SECRET}</p>", 500))
    response = app.test_client().get("/leak")
    assert response.status_code == 500
    assert CRISP_SECRET not in response.text


def test_a_logout_whose_page_is_not_sent_ends_the_chat_all_the_same() -> None:
    def view() -> str:
        logout_user()
        return CRISP_SECRET

    response = production(view).test_client().get("/leak")
    assert response.status_code == 500
    assert "livechat_left=/livechat/crisp." in str(response.headers)


def test_the_sandboxs_examples_are_no_secrets() -> None:
    app = create_app("crisp", secrets=False, LIVECHAT_SANDBOX=True)
    app.add_url_rule("/leak", "leak", lambda: "example-crisp-verification-secret")
    assert app.test_client().get("/leak").status_code == 200


def test_what_streams_is_left_alone() -> None:
    def view() -> Response:
        def pieces() -> Iterator[str]:
            yield "one "
            yield CRISP_SECRET

        return Response(stream_with_context(pieces()))

    response = leaking(view).test_client().get("/leak")
    assert response.status_code == 200
    assert response.text.startswith("one ")


def test_it_can_be_switched_off() -> None:
    response = leaking(lambda: CRISP_SECRET, LIVECHAT_GUARD=False).test_client().get("/leak")
    assert response.text == CRISP_SECRET


def test_no_client_can_switch_it_off() -> None:
    app = production(lambda: CRISP_SECRET)
    for name in ("flask_livechat.examined", "Flask-Livechat-Examined", "FLASK_LIVECHAT.EXAMINED"):
        assert app.test_client().get("/leak", headers={name: "1"}).status_code == 500


def test_a_page_with_the_identity_passes() -> None:
    app = create_app("crisp")
    client = app.test_client()
    client.get("/login/42")
    assert '"proof":{"email":' in client.get("/").text

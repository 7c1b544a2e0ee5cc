"""Markup that outlives its request: whatever keeps it, it names nobody to whoever gets it next."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from itertools import islice
from typing import Any
from xml.etree import ElementTree

import brotli
import pytest
from flask import Flask, Response, jsonify, render_template_string, request
from flask_caching import Cache
from flask_compress import Compress
from flask_login import logout_user
from hypothesis import given
from hypothesis import strategies as st

from flask_livechat import Visitor
from flask_livechat.widget import blocks
from flask_livechat.widget import response as responses

from .conftest import PAGE, VENDORS, chat_of, create_app, log_in, page, payload

EMAILS = ("ada@example.com", "second@example.com")
FRAGMENT = "<!doctype html><body><h1>Hello</h1>{% cache 60, 'footer' %}{{ livechat() }}{% endcache %}</body>"
Keep = Callable[[Flask, Cache], None]


def whole_view(app: Flask, cache: Cache) -> None:
    app.add_url_rule("/kept", view_func=cache.cached(60)(lambda: render_template_string(PAGE)))


def whole_response(app: Flask, cache: Cache) -> None:
    app.add_url_rule("/kept", view_func=cache.cached(60)(lambda: Response(render_template_string(PAGE))))


def fragment(app: Flask, cache: Cache) -> None:
    app.add_url_rule("/kept", view_func=lambda: render_template_string(FRAGMENT))


def fragment_beside_the_tag(app: Flask, cache: Cache) -> None:
    app.add_url_rule(
        "/kept", view_func=lambda: render_template_string(FRAGMENT.replace("<h1>", "{{ livechat() }}<h1>"))
    )


def memoized_partial(app: Flask, cache: Cache) -> None:
    footer = cache.memoize(60)(lambda: render_template_string("{{ livechat() }}"))
    app.add_url_rule("/kept", view_func=lambda: f"<!doctype html><body>{footer()}</body>")


def own_dict(app: Flask, cache: Cache) -> None:
    stored: dict[str, Response] = {}

    def view() -> Response:
        if "page" not in stored:
            stored["page"] = Response(render_template_string(PAGE))
        return stored["page"]

    app.add_url_rule("/kept", view_func=view)


def before_request(app: Flask, cache: Cache) -> None:
    app.add_url_rule("/kept", view_func=lambda: render_template_string(PAGE))
    app.before_request(lambda: cache.get(request.path))

    @app.after_request
    def store(response: Response) -> Response:
        if request.path == "/kept":
            cache.set("/kept", response)
        return response


every_cache = pytest.mark.parametrize(
    "keep",
    [whole_view, whole_response, fragment, memoized_partial, own_dict, before_request],
    ids=lambda keep: keep.__name__,
)


def caching(keep: Keep, provider: str = "crisp", **config: Any) -> Flask:
    app = create_app(provider, CACHE_TYPE="SimpleCache", **config)
    keep(app, Cache(app))
    return app


def nobody(block: dict[str, Any]) -> bool:
    """Whether a block says nothing of anybody, so that the loader asks the server."""
    assert block["settings"]["website_id"]
    parts = ("visitor", "proof", "context", "events", "who", "left")
    return [block[name] for name in parts] == [None, None, {}, [], None, False]


@every_cache
def test_a_page_out_of_a_cache_names_nobody_to_the_next_visitor(keep: Keep) -> None:
    app = caching(keep)
    assert page(log_in(app), "/kept")["visitor"]["email"] == EMAILS[0]
    for client in (log_in(app, "7"), app.test_client(), log_in(app)):
        response = client.get("/kept")
        assert nobody(payload(response.text))
        assert EMAILS[0] not in response.text
        assert response.content_length == len(response.data)


@every_cache
def test_a_login_between_two_requests_makes_the_page_ask_who_it_is(keep: Keep) -> None:
    app = caching(keep)
    client = app.test_client()
    assert page(client, "/kept")["who"] == ""
    client.get("/login/42")
    assert nobody(page(client, "/kept"))
    identity = client.get("/livechat/identity").get_json()
    assert identity["visitor"]["email"] == EMAILS[0]


@pytest.mark.parametrize("name", VENDORS)
def test_every_vendors_block_is_replaced(name: str) -> None:
    app = caching(whole_view, name)
    first, second = page(log_in(app), "/kept"), page(log_in(app, "7"), "/kept")
    assert first["who"]
    assert second == first | {"visitor": None, "proof": None, "context": {}, "who": None}


def test_of_a_kept_block_beside_the_pages_own_only_the_own_names_anybody() -> None:
    app = caching(fragment_beside_the_tag)
    app.add_url_rule("/fill", "fill", lambda: render_template_string(FRAGMENT))
    log_in(app).get("/fill")
    html = log_in(app, "7").get("/kept").text
    assert EMAILS[0] not in html
    assert html.count(EMAILS[1]) == 1
    assert html.count('"who":null') == 1


def test_what_an_app_keeps_is_left_as_it_was() -> None:
    stored: list[Response] = []
    app = create_app()

    @app.get("/kept")
    def kept() -> Response:
        if not stored:
            stored.append(Response(render_template_string(PAGE)))
        return stored[0]

    log_in(app).get("/kept")
    before = stored[0].get_data()
    log_in(app, "7").get("/kept")
    assert stored[0].get_data() == before


def test_a_page_that_wants_no_identity_does_not_ask_for_one() -> None:
    app = create_app(LIVECHAT_RULES=[{"path": "/kept", "identify": False}], CACHE_TYPE="SimpleCache")
    chat_of(app).context_loader(lambda: {"plan": "pro"})
    whole_view(app, Cache(app))
    log_in(app).get("/kept")
    block = page(log_in(app, "7"), "/kept")
    assert block["who"] == ""
    assert block["context"] == {}


def test_a_page_that_names_nobody_comes_out_of_a_cache_as_it_went_in() -> None:
    app = caching(whole_view, LIVECHAT_IDENTITY_DELIVERY="fetch")
    first, second = log_in(app).get("/kept"), log_in(app, "7").get("/kept")
    assert first.data == second.data
    assert "Cache-Control" not in second.headers


def test_one_visitors_consent_is_not_the_next_ones() -> None:
    app = caching(whole_view, LIVECHAT_CONSENT=lambda: "yes" in request.headers)
    assert "consent" not in payload(app.test_client().get("/kept", headers={"yes": "1"}).text)["settings"]
    response = app.test_client().get("/kept")
    assert payload(response.text)["settings"]["consent"] == "denied"
    assert response.cache_control.private


def test_an_impersonal_page_gets_no_headers_of_a_personal_one() -> None:
    app = caching(whole_view)
    log_in(app).get("/kept")
    response = log_in(app, "7").get("/kept")
    assert "Cache-Control" not in response.headers
    assert "Cookie" not in response.headers.get("Vary", "")


MINIFIED: list[Callable[[str], str]] = [
    lambda html: html.replace('id="livechat"', "id=livechat").replace(
        'type="application/json"', "type=application/json"
    ),
    lambda html: html.replace('id="livechat"', "id='livechat'"),
    lambda html: html.replace(
        'type="application/json" id="livechat"', 'id="livechat" nonce="abc" type="application/json"'
    ),
    lambda html: html.replace("<script", "<SCRIPT\n").replace("</script", "</SCRIPT"),
    lambda html: html.replace('id="livechat">', 'ID = "livechat" >\n  ').replace("</script>", "\n</script>"),
]


@pytest.mark.parametrize("minify", MINIFIED)
def test_a_block_that_a_minifier_wrote_is_known(minify: Callable[[str], str]) -> None:
    app = create_app()
    stored: list[str] = []

    @app.get("/kept")
    def kept() -> str:
        if not stored:
            stored.append(minify(render_template_string(PAGE)))
        return stored[0]

    assert page(log_in(app), "/kept")["visitor"]["email"] == EMAILS[0]
    assert nobody(page(log_in(app, "7"), "/kept"))


def test_a_block_whose_json_was_written_anew_is_still_this_requests_own() -> None:
    app = create_app()

    @app.after_request
    def minify(response: Response) -> Response:
        html = response.get_data(as_text=True)
        block = payload(html)
        start, end = html.index("{"), html.rindex("}") + 1
        response.set_data(html[:start] + json.dumps(block, indent=1) + html[end:])
        return response

    app.view_functions.pop("login")
    app.view_functions["login"] = lambda number: "{}"
    client = app.test_client()
    with client.session_transaction() as session:
        session.update(_user_id="42", _fresh=True)
    assert page(client)["visitor"]["email"] == EMAILS[0]


# Compressed, and conditional.


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd"])
def test_a_compressed_page_out_of_a_cache_names_nobody(coding: str) -> None:
    app = caching(whole_view, COMPRESS_MIN_SIZE=1, COMPRESS_ALGORITHM=[coding])
    Compress(app)
    log_in(app).get("/kept")
    response = log_in(app, "7").get("/kept", headers={"Accept-Encoding": f"{coding}, gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert nobody(payload(gzip.decompress(response.data).decode()))
    assert response.content_length == len(response.data)


def test_a_client_that_takes_no_gzip_gets_it_as_it_is() -> None:
    app = caching(whole_view, COMPRESS_MIN_SIZE=1, COMPRESS_ALGORITHM=["br"])
    Compress(app)
    log_in(app).get("/kept")
    response = log_in(app, "7").get("/kept", headers={"Accept-Encoding": "br"})
    assert "Content-Encoding" not in response.headers
    assert nobody(payload(response.text))


def test_a_page_that_was_kept_compressed_names_nobody() -> None:
    app, stored = create_app(), list[bytes]()

    @app.get("/kept")
    def kept() -> Response:
        if not stored:
            stored.append(brotli.compress(gzip.compress(render_template_string(PAGE).encode())))
        return Response(stored[0], headers={"Content-Encoding": "gzip, br"})

    log_in(app).get("/kept")
    assert nobody(payload(log_in(app, "7").get("/kept").text))


def conditional(app: Flask) -> None:
    """As apps make their pages conditional: all of them, behind their views."""

    @app.after_request
    def tag(response: Response) -> Response:
        if response.status_code == 200:
            response.set_etag("version-1")
            response.last_modified = 1_700_000_000
            response.make_conditional(request)
        return response


@pytest.mark.parametrize(
    "header", [{"If-None-Match": '"version-1"'}, {"If-Modified-Since": "Wed, 01 Jan 2025 00:00:00 GMT"}]
)
@every_cache
def test_no_condition_renews_a_page_of_somebody_else(keep: Keep, header: dict[str, str]) -> None:
    app = caching(keep)
    conditional(app)
    first = log_in(app).get("/kept", headers=header)
    assert first.status_code == 200
    assert payload(first.text)["visitor"]["email"] == EMAILS[0]
    second = log_in(app, "7").get("/kept", headers=header)
    assert second.status_code == 200
    assert nobody(payload(second.text))
    for response in (first, second):
        assert not {"ETag", "Last-Modified"} & {*response.headers.keys()}


def test_a_page_of_nobody_may_still_be_renewed() -> None:
    app = create_app()
    conditional(app)
    response = app.test_client().get("/", headers={"If-None-Match": '"version-1"'})
    assert response.status_code == 304


# Headers, and what is not a page.

OUTRANKING = [
    "X-Accel-Expires",
    "Surrogate-Control",
    "CDN-Cache-Control",
    "Cloudflare-CDN-Cache-Control",
    "Vercel-CDN-Cache-Control",
    "Edge-Control",
    "X-LiteSpeed-Cache-Control",
]


@pytest.mark.parametrize("header", OUTRANKING)
def test_no_header_outranks_private(header: str) -> None:
    app = create_app()
    app.after_request(lambda response: response.headers.set(header, "public, max-age=600") or response)
    assert header in app.test_client().get("/").headers
    response = log_in(app).get("/")
    assert header not in response.headers
    assert response.cache_control.private


def as_json() -> Response:
    return jsonify(html=render_template_string(PAGE))


def as_xml() -> Response:
    feed = "<feed><entry>{{ page|forceescape }}</entry></feed>"
    return Response(render_template_string(feed, page=render_template_string(PAGE)), mimetype="application/atom+xml")


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd"])
@pytest.mark.parametrize("view", [as_json, as_xml])
def test_what_is_compressed_and_no_page_carries_no_tag(view: Callable[[], Response], coding: str) -> None:
    app = create_app(
        COMPRESS_MIN_SIZE=1,
        COMPRESS_ALGORITHM=[coding],
        COMPRESS_MIMETYPES=["application/json", "application/atom+xml"],
    )
    Compress(app)
    app.add_url_rule("/data", view_func=view)
    response = log_in(app).get("/data", headers={"Accept-Encoding": f"{coding}, gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    text = gzip.decompress(response.data).decode()
    assert "Hello" in text
    assert "livechat" not in text


def test_json_out_of_a_cache_carries_no_tag() -> None:
    app = create_app(CACHE_TYPE="SimpleCache")
    app.add_url_rule("/data", view_func=Cache(app).cached(60)(as_json))
    log_in(app).get("/data")
    data = log_in(app, "7").get("/data").get_json()
    assert "Hello" in data["html"]
    assert "livechat" not in data["html"]


def test_xhtml_is_well_formed() -> None:
    app = create_app(LIVECHAT_NONCE="abc")
    chat_of(app).visitor_loader(lambda user: Visitor(id="1", email="a<b&c@example.com"))

    @app.get("/x")
    def x() -> Response:
        body = "{{ livechat_button('Chat', disabled=True) }}{{ livechat(preload=True, load='eager') }}"
        html = f'<html xmlns="http://www.w3.org/1999/xhtml"><body>{body}</body></html>'
        return Response(render_template_string(html), mimetype="application/xhtml+xml")

    html = log_in(app).get("/x").text
    tree = ElementTree.fromstring(html)  # noqa: S314 - a page of ours
    data, loader = tree.iter("{http://www.w3.org/1999/xhtml}script")
    assert json.loads(data.text or "")["visitor"]["email"] == "a<b&c@example.com"
    assert loader.get("defer") == "defer"


# Mails, and what else is rendered beside a page.


def test_outside_a_request_the_tag_gives_nothing_quietly(caplog: pytest.LogCaptureFixture) -> None:
    app = create_app()
    with app.app_context():
        text = app.jinja_env.from_string("mail{{ livechat() }}{{ livechat_button('Chat') }}").render()
    assert text == "mail"
    assert app.jinja_env.from_string("mail{{ livechat() }}").render() == "mail"
    assert caplog.text == ""


def test_a_mail_with_the_tag_does_not_mark_a_page_without_it() -> None:
    app = create_app(LIVECHAT_CSP="merge")

    @app.get("/bought")
    def bought() -> Response:
        assert "livechat" in render_template_string(PAGE)  # a mail's base template
        headers = {"Content-Security-Policy": "default-src 'self'", "Cache-Control": "public, max-age=60"}
        return Response("<!doctype html><p>Thank you", headers=headers)

    response = log_in(app).get("/bought")
    assert response.headers["Cache-Control"] == "public, max-age=60"
    assert response.headers["Content-Security-Policy"] == "default-src 'self'"


# What reviews found.


def _cache(app: Flask) -> Cache:
    return Cache(app, config={"CACHE_TYPE": "SimpleCache"})


COMMENT = '<!-- <script type="application/json" id="livechat"> comes below -->'


@pytest.mark.parametrize("before", [COMMENT, '<script id="livechat">x</script>', '<script id="livechat" data-x>'])
def test_markup_that_names_the_tag_hides_no_block(before: str) -> None:
    app = create_app()
    app.add_url_rule("/p", view_func=_cache(app).cached(60)(lambda: render_template_string(before + PAGE)))
    first, second = log_in(app).get("/p"), log_in(app, "7").get("/p")
    assert "private" in first.headers["Cache-Control"]
    assert "ada@example.com" in first.text
    assert "ada@example.com" not in second.text


@pytest.mark.parametrize("coding", ["utf-8", "none", "UTF-8"])
def test_a_coding_that_is_none_hides_no_block(coding: str) -> None:
    app = create_app()
    app.testing = False

    def page() -> Response:
        return Response(render_template_string(PAGE), headers={"Content-Encoding": coding}, mimetype="text/html")

    app.add_url_rule("/p", view_func=_cache(app).cached(60)(page))
    log_in(app).get("/p")
    assert "ada@example.com" not in log_in(app, "7").get("/p").text


@pytest.mark.parametrize("content_type", ["Text/HTML; charset=utf-8", "TEXT/html", ""])
def test_a_page_is_one_however_its_type_is_written(content_type: str) -> None:
    app = create_app()

    def page() -> Response:
        response = Response(render_template_string(PAGE))
        response.headers["Content-Type"] = content_type
        return response

    app.add_url_rule("/p", view_func=_cache(app).cached(60)(page))
    assert "ada@example.com" in log_in(app).get("/p").text
    assert "ada@example.com" not in log_in(app, "7").get("/p").text


def test_a_foreign_block_that_is_no_json_of_ours_breaks_no_page() -> None:
    app = create_app()
    app.testing = False
    odd = '<script type="application/json" id="livechat">{"settings":{"x":NaN},"who":"a"}</script>'
    app.add_url_rule("/p", view_func=lambda: render_template_string("{% raw %}" + odd + "{% endraw %}" + PAGE))
    assert log_in(app).get("/p").status_code == 200


@pytest.mark.parametrize("control", ["no-store, must-understand, public", "PUBLIC, S-MAXAGE=600", "public, max-age=60"])
def test_a_private_page_is_private_whatever_the_view_said(control: str) -> None:
    app = create_app()

    def page() -> Response:
        return Response(render_template_string(PAGE), mimetype="text/html", headers={"Cache-Control": control})

    app.add_url_rule("/p", view_func=page)
    parts = log_in(app).get("/p").headers["Cache-Control"].split(", ")
    assert "private" in parts
    assert not [part for part in parts if part.lower().startswith(("public", "s-maxage"))]


def test_a_response_that_an_app_keeps_gets_no_headers_of_one_visitor() -> None:
    app = create_app("crisp")
    shared = Response("bye")

    @app.get("/bye")
    def bye() -> Response:
        logout_user()
        return shared

    for _ in range(2):
        answer = log_in(app).get("/bye")
        assert sum("livechat_left" in line for line in answer.headers.getlist("Set-Cookie")) == 1
    assert "Set-Cookie" not in shared.headers


def test_xhtml_of_many_open_tags_is_read_in_one_go() -> None:
    text = b"<button " + b"data-livechat-open " * 20_000
    begun = time.process_time()
    assert responses.as_xhtml(text) == text
    assert time.process_time() - begun < 2


def test_a_block_that_holds_our_name_is_one_block() -> None:
    app = create_app()
    app.add_url_rule("/livechat-help", view_func=lambda: render_template_string(PAGE))
    assert payload(log_in(app).get("/livechat-help").text)["context"]["path"] == "/livechat-help"


PIECES = [b"<script ", b'id="livechat"', b"livechat", b">", b"<", b"</script>", b"{}", b"<!-- ", b" -->", b" "]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join))
def test_no_block_is_found_twice(text: bytes) -> None:
    starts = [start for start, _ in islice(blocks.contents(text), len(text) + 1)]
    assert starts == sorted(set(starts))

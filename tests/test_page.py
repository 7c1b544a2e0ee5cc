"""What ``{{ livechat() }}`` writes, and what it does to the response."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask, Response, abort, jsonify, render_template_string, request, stream_template_string
from flask_talisman import Talisman
from werkzeug.exceptions import NotFound

from flask_livechat import LiveChat, Visitor

from .conftest import ALL_IDS, PAGE, VENDORS, chat_of, create_app, log_in, page, payload

MakeApp = Callable[..., Flask]
EMAIL = "ada@example.com"
TAG = re.compile(
    r'<script type="application/json" id="livechat">\{[^<>&\']*\}</script>\n'
    r'<script defer src="/livechat/crisp\.[0-9a-f]{8}\.js"></script>'
)
SHARED = "public, max-age=600, s-maxage=600"


def view(app: Flask, template: str = PAGE, path: str = "/page", **values: Any) -> Flask:
    """``app`` with one more page."""
    app.add_url_rule(path, path.strip("/"), lambda: render_template_string(template, **values))
    return app


# The shape.


def test_the_tag_is_a_data_block_and_one_script(make_app: MakeApp) -> None:
    html = view(make_app(), "{{ livechat() }}").test_client().get("/page").text
    assert TAG.fullmatch(html)


@pytest.mark.parametrize("logged_in", [False, True])
@pytest.mark.parametrize("name", VENDORS)
def test_the_payload_has_nine_keys_in_their_order(name: str, logged_in: bool) -> None:
    app = create_app(name)
    said = page(log_in(app) if logged_in else app.test_client())
    assert list(said) == ["provider", "load", "settings", "visitor", "proof", "context", "events", "who", "left"]
    assert said["provider"] == name


def test_an_anonymous_page_says_only_what_is_the_same_for_everyone(make_app: MakeApp) -> None:
    assert page(make_app().test_client()) == {
        "provider": "crisp",
        "load": "idle",
        "settings": {"website_id": "42286ab3-b29a-4fde-8538-da0ae501d825"},
        "visitor": None,
        "proof": None,
        "context": {"path": "/", "endpoint": "index"},
        "events": [],
        "who": "",
        "left": False,
    }


def test_nothing_of_the_tag_is_code_or_style(make_app: MakeApp) -> None:
    document = BeautifulSoup(log_in(make_app()).get("/").text, "html.parser")
    assert not document.find_all(style=True)
    assert not document.find_all("style")
    scripts = document.find_all("script")
    assert [script.get("type") for script in scripts] == ["application/json", None]
    assert not [name for script in scripts for name in script.attrs if name.startswith("on")]


def test_the_page_names_no_origin_to_fetch_from(make_app: MakeApp) -> None:
    assert "client.crisp.chat" not in log_in(make_app()).get("/").text


def test_values_are_escaped_in_the_raw_text(make_app: MakeApp) -> None:
    app = make_app("tawk")
    chat_of(app).visitor_loader(lambda user: Visitor("42", name="</script><b>&'\u2028!"))
    raw = log_in(app).get("/").text
    assert "\\u003c/script\\u003e\\u003cb\\u003e\\u0026\\u0027\\u2028!" in raw
    assert payload(raw)["visitor"]["name"] == "</script><b>&'\u2028!"


@pytest.mark.parametrize("character", "<>&'")
def test_a_character_that_is_escaped_is_escaped_alone_as_well(make_app: MakeApp, character: str) -> None:
    app = make_app("tawk")
    chat_of(app).visitor_loader(lambda user: Visitor("42", name=f"Ada {character} Charles"))
    raw = log_in(app).get("/").text
    assert f"Ada \\u{ord(character):04x} Charles" in raw
    assert payload(raw)["visitor"]["name"] == f"Ada {character} Charles"


@pytest.mark.parametrize(
    ("config", "settings"),
    [
        ({}, {}),
        (
            {"LIVECHAT_POSITION": {"side": "left", "x": 5}},
            {"position": {"side": "left", "x": 5, "y": 20, "mobile_x": 10, "mobile_y": 70}},
        ),
        ({"LIVECHAT_MOBILE": "hide"}, {"mobile": "hide"}),
        ({"LIVECHAT_LAUNCHER": "own"}, {"launcher": "own"}),
        ({"LIVECHAT_OFFLINE": "leave-message"}, {"offline": "leave-message"}),
        ({"LIVECHAT_CONSENT": "required"}, {"consent": "required"}),
        ({"LIVECHAT_FALLBACK_URL": "/contact"}, {}),  # the page chooses values, never where a click leads
        ({"LIVECHAT_LOCALE": "pt_BR"}, {"locale": "pt-BR"}),
        ({"LIVECHAT_LOCALE": lambda: "de"}, {"locale": "de"}),
        ({"LIVECHAT_LOCALE": lambda: "</script>"}, {}),
        ({"LIVECHAT_LOCALE": lambda: None}, {}),
        ({"LIVECHAT_RULES": [{"path": "/", "tour": 7}]}, {"tour": 7}),
        ({"LIVECHAT_RULES": [{"path": "/", "start": "survey:7"}]}, {"start": "survey:7"}),
        ({"LIVECHAT_RULES": [{"path": "/", "tour": 7, "once": False}]}, {"tour": 7, "once": False}),
        (
            {"LIVECHAT_RULES": [{"path": "/", "start": "news:7", "once": "server"}]},
            {"start": "news:7", "once": "server"},
        ),
        ({"LIVECHAT_RULES": [{"path": "/", "once": False}]}, {}),
    ],
)
def test_looks_travel_in_the_settings_and_defaults_do_not(
    make_app: MakeApp, config: dict[str, Any], settings: dict[str, Any]
) -> None:
    said = page(make_app(**config).test_client())["settings"]
    assert said.pop("website_id")
    assert said == settings


@pytest.mark.parametrize(("hour", "closed"), [(12, None), (20, True)])
def test_outside_office_hours_the_page_says_closed(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, hour: int, closed: bool | None
) -> None:
    monkeypatch.setattr(LiveChat, "now", staticmethod(lambda: datetime(2026, 6, 1, hour, tzinfo=UTC)))
    app = make_app(LIVECHAT_OFFICE_HOURS={"tz": "UTC", "mon-fri": "09:00-17:00"})
    assert page(app.test_client())["settings"].get("closed") is closed


def test_intercoms_region_is_part_of_the_settings() -> None:
    said = page(create_app("intercom", LIVECHAT_INTERCOM_REGION="eu").test_client())
    assert said["settings"] == {"app_id": "abc12345", "region": "eu"}


# Where it is and where it is not.


def test_called_twice_the_tag_is_rendered_once(make_app: MakeApp) -> None:
    html = view(make_app(), "{{ livechat() }}{{ livechat() }}{{ livechat(load='eager') }}").test_client().get("/page")
    assert len(re.findall("<script", html.text)) == 2


def test_two_requests_of_one_client_both_have_the_tag(make_app: MakeApp) -> None:
    client = make_app().test_client()
    assert client.get("/").text == client.get("/").text != ""


def test_without_a_provider_nothing_is_rendered() -> None:
    app = view(create_app(None), "[{{ livechat() }}{{ livechat(load='eager') }}{{ livechat_button('Chat') }}]")
    assert app.test_client().get("/page").text == "[]"


@pytest.mark.parametrize("by", ["rule", "view", "blueprint rule", "template"])
def test_a_rule_can_name_a_provider_where_there_is_no_default(by: str) -> None:
    rules = [{"path": "/page", "provider": "tawk"}] if by == "rule" else []
    app = create_app(None, **ALL_IDS, LIVECHAT_RULES=rules)
    livechat = chat_of(app)
    call = "{{ livechat(provider='tawk') }}" if by == "template" else "{{ livechat() }}"

    def shown() -> str:
        return render_template_string(call)

    app.add_url_rule("/page", "shop.page", livechat.rule(provider="tawk")(shown) if by == "view" else shown)
    if by == "blueprint rule":
        livechat.rule_for("shop", provider="tawk")
    assert page(app.test_client(), "/page")["provider"] == "tawk"


def test_a_button_stands_where_only_a_rule_names_the_provider() -> None:
    app = create_app(None, **ALL_IDS, LIVECHAT_RULES=[{"path": "/page", "provider": "tawk"}])
    view(app, "{{ livechat_button('Chat') }}{{ livechat() }}")
    assert "<button" in app.test_client().get("/page").text


@pytest.mark.parametrize("mimetype", ["application/json", "text/plain", "application/xml", "text/csv"])
def test_responses_that_are_not_html_carry_no_tag(make_app: MakeApp, mimetype: str) -> None:
    app = make_app()
    app.add_url_rule("/data", "data", lambda: Response(render_template_string(PAGE), mimetype=mimetype))
    response = log_in(app).get("/data")
    assert "<h1>Hello</h1>" in response.text
    assert "livechat" not in response.text
    assert response.content_length == len(response.data)


def test_json_that_holds_a_rendered_page_says_nothing_personal(make_app: MakeApp) -> None:
    app = make_app()
    app.add_url_rule("/data", "data", lambda: jsonify(html=render_template_string(PAGE)))
    assert EMAIL not in log_in(app).get("/data").text


def test_a_binary_file_made_from_a_page_arrives_unharmed(make_app: MakeApp) -> None:
    app = make_app()
    pdf = b"%PDF-1.7\n\xe2\xe3\xcf\xd3\n\xff\xfe"

    @app.get("/invoice.pdf")
    def invoice() -> Response:
        assert render_template_string(PAGE)  # what a PDF renderer is given
        return Response(pdf, mimetype="application/pdf")

    app.testing = app.debug = False
    response = app.test_client().get("/invoice.pdf")
    assert (response.status_code, response.data) == (200, pdf)


@pytest.mark.parametrize("logged_in", [False, True])
def test_a_file_made_from_a_page_is_private_only_with_somebody_in_it(make_app: MakeApp, logged_in: bool) -> None:
    app = make_app()

    @app.get("/feed")
    def feed() -> Response:
        response = Response(render_template_string(PAGE), mimetype="application/xml")
        response.headers["Cache-Control"] = SHARED
        return response

    said = (log_in(app) if logged_in else app.test_client()).get("/feed").headers["Cache-Control"]
    assert ("private" in said) is logged_in
    assert (said == SHARED) is not logged_in


def test_xhtml_is_a_page_too(make_app: MakeApp) -> None:
    app = make_app()
    xhtml = "application/xhtml+xml"
    app.add_url_rule("/x", "x", lambda: Response(render_template_string(PAGE), mimetype=xhtml))
    assert page(app.test_client(), "/x")["provider"] == "crisp"


@pytest.mark.parametrize("autoescape", [True, False])
def test_the_tag_works_with_other_delimiters(autoescape: bool) -> None:
    app = Flask("tests")
    app.jinja_options = {
        "variable_start_string": "<<",
        "variable_end_string": ">>",
        "autoescape": autoescape,
    }
    app.config.update(ALL_IDS, LIVECHAT_PROVIDER="crisp", TESTING=True)
    LiveChat(app)
    html = view(app, "<< livechat() >>{{ livechat() }}").test_client().get("/page").text
    assert TAG.match(html)
    assert html.endswith("{{ livechat() }}")


def test_the_tag_works_in_an_app_with_a_url_prefix_and_below_a_mount_point(make_app: MakeApp) -> None:
    app = make_app(LIVECHAT_URL_PREFIX="/support/chat")
    html = app.test_client().get("/", base_url="http://localhost/mounted").text
    assert 'src="/mounted/support/chat/crisp.' in html


# Error pages.


def test_the_error_page_after_a_failed_template_carries_the_tag_again(make_app: MakeApp) -> None:
    app = view(make_app(PROPAGATE_EXCEPTIONS=False), PAGE + "{{ 1 // 0 }}")
    app.register_error_handler(500, lambda error: (render_template_string(PAGE), 500))
    response = log_in(app).get("/page")
    assert response.status_code == 500
    said = payload(response.text)
    assert said["visitor"]["email"] == EMAIL
    assert said["context"]["error_status"] == 500
    assert "private" in response.headers["Cache-Control"]


def test_an_event_is_not_lost_when_its_page_fails_and_an_error_page_comes(make_app: MakeApp) -> None:
    app = make_app(PROPAGATE_EXCEPTIONS=False)

    @app.get("/page")
    def failing() -> str:
        chat_of(app).track("paid")
        return render_template_string(PAGE + "{{ 1 // 0 }}")

    app.register_error_handler(500, lambda error: (render_template_string(PAGE), 500))
    assert [event["name"] for event in page(app.test_client(), "/page")["events"]] == ["paid"]


def test_an_event_of_the_error_handler_comes_beside_that_of_the_failed_page(make_app: MakeApp) -> None:
    app = make_app(PROPAGATE_EXCEPTIONS=False)

    @app.get("/page")
    def failing() -> str:
        chat_of(app).track("paid")
        return render_template_string(PAGE + "{{ 1 // 0 }}")

    @app.errorhandler(500)
    def error_page(error: Exception) -> tuple[str, int]:
        chat_of(app).track("saw an error")
        return render_template_string(PAGE), 500

    client = app.test_client()
    assert [event["name"] for event in page(client, "/page")["events"]] == ["paid", "saw an error"]
    assert page(client)["events"] == []


@pytest.mark.parametrize("status", [400, 403, 404, 410, 503])
def test_an_error_page_says_its_status_and_an_id_that_stands_in_the_log(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    app = make_app()
    app.logger.setLevel("INFO")
    app.add_url_rule("/gone", "gone", lambda: abort(status))
    app.register_error_handler(status, lambda error: (render_template_string(PAGE), status))
    context = page(app.test_client(), "/gone")["context"]
    assert context["error_status"] == status
    assert len(context["error_id"]) >= 8
    assert context["error_id"] in caplog.text


def test_an_error_page_never_says_what_went_wrong(make_app: MakeApp) -> None:
    app = make_app(PROPAGATE_EXCEPTIONS=False)

    @app.get("/page")
    def failing() -> str:
        raise RuntimeError("the database password")

    app.register_error_handler(500, lambda error: (render_template_string(PAGE), 500))
    html = app.test_client().get("/page").text
    assert payload(html)["context"]["endpoint"] == "failing"
    assert not re.search("password|RuntimeError|Traceback", html)


def test_a_page_of_an_unknown_address_has_no_endpoint(make_app: MakeApp) -> None:
    app = make_app()
    app.register_error_handler(404, lambda error: (render_template_string(PAGE), 404))
    context = page(app.test_client(), "/nowhere?q=1")["context"]
    assert context["path"] == "/nowhere"
    assert "endpoint" not in context


def test_a_page_rendered_while_an_exception_is_handled_is_no_error_page(make_app: MakeApp) -> None:
    app = make_app()

    @app.get("/page")
    def search() -> str:
        try:
            raise NotFound  # such as first_or_404, with an answer of the view's own
        except NotFound:
            return render_template_string(PAGE)

    context = page(app.test_client(), "/page")["context"]
    assert "error_status" not in context


# Nonce.


@pytest.mark.parametrize("nonce", ["abc123+/_-=", lambda: "abc123+/_-="])
def test_both_elements_carry_the_configured_nonce(make_app: MakeApp, nonce: Any) -> None:
    app = make_app(LIVECHAT_NONCE=nonce, LIVECHAT_RULES=[{"path": "/", "preload": True}])
    document = BeautifulSoup(app.test_client().get("/").text, "html.parser")
    assert [script["nonce"] for script in document.find_all("script")] == ["abc123+/_-="] * 2
    assert document.find("link", rel="preload")["nonce"] == "abc123+/_-="  # type: ignore[index]


def test_a_callable_nonce_is_asked_for_every_page(make_app: MakeApp) -> None:
    numbers = iter(range(10))
    client = make_app(LIVECHAT_NONCE=lambda: f"n{next(numbers)}").test_client()
    found = [re.findall(r'nonce="(\w+)"', client.get("/").text) for _ in range(2)]
    assert found[0] == [found[0][0]] * 2
    assert found[0] != found[1]


@pytest.mark.parametrize("nonce", ['"><script>', "a b", "", None, "é"])
def test_what_is_no_nonce_is_left_out(make_app: MakeApp, nonce: Any) -> None:
    rules = [{"path": "/", "load": "eager", "preload": True}]
    html = make_app(LIVECHAT_NONCE=lambda: nonce, LIVECHAT_RULES=rules).test_client().get("/").text
    assert '<link rel="preload"' in html
    assert "nonce" not in html
    assert len(BeautifulSoup(html, "html.parser").find_all("script")) == 2


@pytest.mark.parametrize("first", ["talisman", "livechat"])
def test_flask_talismans_nonce_is_found_by_itself(first: str) -> None:
    app = Flask("tests")
    app.config.update(ALL_IDS, LIVECHAT_PROVIDER="crisp", TESTING=True)
    setup: list[Callable[[], Any]] = [
        lambda: Talisman(
            app,
            force_https=False,
            content_security_policy={"default-src": "'self'", "script-src": "'self'"},
            content_security_policy_nonce_in=["script-src"],
        ),
        lambda: LiveChat(app),
    ]
    for call in setup if first == "talisman" else reversed(setup):
        call()
    response = view(app).test_client().get("/page")
    nonce = re.search(r"'nonce-([^']+)'", response.headers["Content-Security-Policy"])
    assert nonce is not None
    assert [one["nonce"] for one in BeautifulSoup(response.text, "html.parser").find_all("script")] == [nonce[1]] * 2


def test_without_a_nonce_in_the_app_there_is_none(make_app: MakeApp) -> None:
    assert "nonce" not in make_app().test_client().get("/").text


# Preload.


@pytest.mark.parametrize(
    ("name", "href", "crossorigin"),
    [
        ("tawk", "https://embed.tawk.to/58ca8453b8a7e060cd3b1ecb/default", "*"),
        ("crisp", "https://client.crisp.chat/l.js", None),
        ("intercom", "https://widget.intercom.io/widget/abc12345", None),
    ],
)
def test_preload_matches_the_later_request_exactly(name: str, href: str, crossorigin: str | None) -> None:
    app = create_app(name, LIVECHAT_RULES=[{"path": "/", "preload": True}])
    link = BeautifulSoup(app.test_client().get("/").text, "html.parser").find("link", rel="preload")
    assert link is not None
    assert (link["href"], link["as"], link.get("crossorigin")) == (href, "script", crossorigin)


@pytest.mark.parametrize(
    ("rule", "config"),
    [
        ({"preload": False}, {}),
        ({"preload": True, "load": "off"}, {}),
        ({"preload": True}, {"LIVECHAT_CONSENT": "required"}),
        ({"preload": True}, {"LIVECHAT_CONSENT": "click"}),
    ],
)
def test_nothing_is_preloaded_that_may_not_be_asked_for(
    make_app: MakeApp, rule: dict[str, Any], config: dict[str, Any]
) -> None:
    html = make_app(LIVECHAT_RULES=[{"path": "/"} | rule], **config).test_client().get("/").text
    assert "<link" not in html
    assert payload(html)


# Caching.


def cached(app: Flask, control: str = SHARED, template: str = PAGE) -> Flask:
    """``app`` with a page that the view itself lets everyone keep."""

    @app.get("/cached")
    def cached_view() -> Response:
        response = Response(render_template_string(template), mimetype="text/html")
        response.headers["Cache-Control"] = control
        return response

    return app


def test_a_logged_in_page_is_private(make_app: MakeApp) -> None:
    response = log_in(make_app()).get("/")
    assert response.cache_control.private
    assert "Cookie" in response.vary


@pytest.mark.parametrize("control", [SHARED, "max-age=600", "public", "s-maxage=5"])
def test_a_logged_in_page_is_private_whatever_the_view_said(make_app: MakeApp, control: str) -> None:
    response = log_in(cached(make_app(), control)).get("/cached")
    said = response.headers["Cache-Control"]
    assert "private" in said
    assert not re.search("public|s-maxage", said)
    assert ("max-age=600" in said) == ("max-age=600" in control)


def test_a_page_that_nobody_may_store_stays_so(make_app: MakeApp) -> None:
    assert "no-store" in log_in(cached(make_app(), "no-store")).get("/cached").headers["Cache-Control"]


def test_an_anonymous_page_stays_as_cacheable_as_the_view_made_it(make_app: MakeApp) -> None:
    response = cached(make_app()).test_client().get("/cached")
    assert response.headers["Cache-Control"] == SHARED
    assert "Vary" not in response.headers
    assert "Set-Cookie" not in response.headers


def test_a_logged_in_page_without_the_widget_is_left_alone(make_app: MakeApp) -> None:
    app = cached(make_app(LIVECHAT_RULES=[{"path": "/cached", "show": False}]))
    response = log_in(app).get("/cached")
    assert response.headers["Cache-Control"] == SHARED
    assert "Cookie" not in response.headers.get("Vary", "")


def test_without_cookies_the_session_is_not_touched(make_app: MakeApp) -> None:
    app = make_app()
    touched: list[str] = []
    opened = app.session_interface

    class Watched(type(opened)):  # type: ignore[misc]
        def should_set_cookie(self, app: Flask, session: Any) -> bool:
            touched.append("set")
            return bool(super().should_set_cookie(app, session))

        def save_session(self, app: Flask, session: Any, response: Response) -> None:
            if session.accessed or session.modified:
                touched.append("accessed")
            super().save_session(app, session, response)

    app.session_interface = Watched()
    assert page(app.test_client())["who"] == ""
    assert touched == []
    log_in(app).get("/")
    assert touched  # so the watch works


def test_an_anonymous_page_with_personal_context_is_private(make_app: MakeApp) -> None:
    app = cached(make_app())
    chat_of(app).context_loader(lambda: {"basket": 3})
    response = app.test_client().get("/cached")
    assert payload(response.text)["context"]["basket"] == 3
    assert "private" in response.headers["Cache-Control"]
    assert "Cookie" in response.headers["Vary"]


def test_a_page_that_delivers_events_is_private(make_app: MakeApp) -> None:
    app = cached(make_app())
    app.add_url_rule("/buy", "buy", lambda: str(chat_of(app).track("bought")))
    client = app.test_client()
    client.get("/buy")
    response = client.get("/cached")
    assert payload(response.text)["events"]
    assert "private" in response.headers["Cache-Control"]


# Streaming.


@pytest.mark.parametrize("name", VENDORS)
def test_a_streamed_template_degrades_to_a_fetched_identity(name: str) -> None:
    app = create_app(name)
    app.add_url_rule("/stream", "stream", lambda: stream_template_string(PAGE))
    client = log_in(app)
    response = client.get("/stream")
    said = payload(response.text)
    assert (said["visitor"], said["proof"], said["who"]) == (None, None, None)
    assert EMAIL not in response.text
    assert client.get(f"/livechat/identity?provider={name}").get_json()["proof"]


def test_a_streamed_page_keeps_its_events_for_the_identity(make_app: MakeApp) -> None:
    app = make_app()
    app.add_url_rule("/buy", "buy", lambda: str(chat_of(app).track("bought")))
    app.add_url_rule("/stream", "stream", lambda: stream_template_string(PAGE))
    client = log_in(app)
    client.get("/buy")
    assert page(client, "/stream")["events"] == []
    assert [event["name"] for event in client.get("/livechat/identity").get_json()["events"]] == ["bought"]


def test_a_streamed_response_that_is_no_page_is_passed_on(make_app: MakeApp) -> None:
    app = make_app()

    @app.get("/stream")
    def stream() -> Response:
        assert render_template_string(PAGE)

        def rows() -> Iterator[str]:
            yield "a,b\n"

        return Response(rows(), mimetype="text/csv")

    assert app.test_client().get("/stream").text == "a,b\n"


# Context.


def test_context_comes_from_the_loader_and_the_view(make_app: MakeApp) -> None:
    app = make_app("intercom")
    livechat = chat_of(app)
    livechat.context_loader(lambda: {"plan": "free", "seats": 3, "trial": False, "ratio": 0.5, "none": None})

    @app.get("/page")
    def shown() -> str:
        livechat.context(plan="pro")
        livechat.context(project="example")
        return render_template_string(PAGE)

    context = page(app.test_client(), "/page")["context"]
    assert context == {
        "path": "/page",
        "endpoint": "shown",
        "plan": "pro",
        "seats": 3,
        "trial": False,
        "ratio": 0.5,
        "project": "example",
    }


def test_the_path_goes_to_agents_without_its_query(make_app: MakeApp) -> None:
    html = make_app().test_client().get("/?name=hidden-value").text
    assert payload(html)["context"]["path"] == "/"
    assert "hidden-value" not in html


def test_context_of_one_request_is_gone_in_the_next(make_app: MakeApp) -> None:
    app = make_app()

    @app.get("/page")
    def shown() -> str:
        chat_of(app).context(once=True)
        return render_template_string(PAGE)

    client = app.test_client()
    assert page(client, "/page")["context"]["once"] is True
    assert "once" not in page(client)["context"]


@pytest.mark.parametrize(("name", "key"), [("tawk", "account-age-days"), ("crisp", "account_age_days")])
def test_agents_see_the_age_of_the_account_in_days(monkeypatch: pytest.MonkeyPatch, name: str, key: str) -> None:
    monkeypatch.setattr(LiveChat, "now", staticmethod(lambda: datetime(2026, 1, 11, 12, tzinfo=UTC)))
    assert int(page(log_in(create_app(name)))["context"][key]) == 10


def test_the_context_loader_is_asked_once_per_page(make_app: MakeApp) -> None:
    app, asked = make_app(), []
    chat_of(app).context_loader(lambda: asked.append(1) or {})  # type: ignore[func-returns-value]
    view(app, "{{ livechat() }}{{ livechat() }}").test_client().get("/page")
    assert asked == [1]


def test_a_page_without_the_widget_asks_nobody(make_app: MakeApp) -> None:
    app = make_app(LIVECHAT_RULES=[{"path": "/", "show": False}])
    chat_of(app).context_loader(lambda: pytest.fail("asked"))
    chat_of(app).visitor_loader(lambda user: pytest.fail("asked"))
    assert "livechat" not in log_in(app).get("/").text


# Actions.


def test_the_last_three_actions_travel_in_the_context(make_app: MakeApp) -> None:
    app = make_app()
    app.add_url_rule("/did/<name>", "did", lambda name: str(chat_of(app).action(name)))
    client = app.test_client()
    for name in ("one", "two", "three", "four"):
        client.get(f"/did/{name}")
    assert page(client)["context"]["last_actions"] == "two, three, four"
    assert page(client)["context"]["last_actions"] == "two, three, four"  # remembered, not delivered


def test_an_action_of_this_very_request_is_seen(make_app: MakeApp) -> None:
    app = make_app()

    @app.get("/page")
    def shown() -> str:
        chat_of(app).action("opened the page")
        return render_template_string(PAGE)

    assert page(app.test_client(), "/page")["context"]["last_actions"] == "opened the page"


def test_what_one_visitor_did_is_not_told_of_who_logs_in_after_them(make_app: MakeApp) -> None:
    app = make_app()
    livechat = chat_of(app)
    app.add_url_rule("/did", "did", lambda: f"{livechat.action('deleted all')}{livechat.track('cancelled')}")
    client = app.test_client()
    client.get("/did")
    client.get("/login/42")  # who was nobody before keeps what they did
    client.get("/did")
    assert page(client)["context"]["last_actions"] == "deleted all, deleted all"
    client.get("/did")
    client.get("/login/7")
    second = page(client)
    assert "last_actions" not in second["context"]
    assert second["events"] == []
    client.get("/did")
    assert page(client)["context"]["last_actions"] == "deleted all"


# Events.


def tracking(make_app: MakeApp, **metadata: Any) -> Flask:
    app = make_app()
    app.add_url_rule("/track/<name>", "track", lambda name: str(chat_of(app).track(name, **metadata)))
    return app


def test_an_event_is_delivered_by_the_next_page_and_only_once(make_app: MakeApp) -> None:
    client = tracking(make_app, amount=3, currency="EUR").test_client()
    client.get("/track/bought")
    assert page(client)["events"] == [{"name": "bought", "metadata": {"amount": 3, "currency": "EUR"}}]
    assert page(client)["events"] == []


def test_an_event_waits_while_pages_carry_no_widget(make_app: MakeApp) -> None:
    app = tracking(make_app)
    view(app, "no tag")
    client = app.test_client()
    client.get("/track/bought")
    client.get("/page")
    assert len(page(client)["events"]) == 1


def test_an_event_of_this_very_request_leaves_with_its_page(make_app: MakeApp) -> None:
    app = make_app()

    @app.get("/page")
    def shown() -> str:
        chat_of(app).track("seen")
        return render_template_string(PAGE)

    client = app.test_client()
    assert len(page(client, "/page")["events"]) == 1
    assert page(client)["events"] == []


def test_at_most_twenty_events_are_kept_and_the_oldest_go(make_app: MakeApp) -> None:
    client = tracking(make_app).test_client()
    for number in range(25):
        client.get(f"/track/e{number}")
    assert [event["name"] for event in page(client)["events"]] == [f"e{number}" for number in range(5, 25)]


def test_events_never_push_the_session_cookie_over_its_limit(make_app: MakeApp) -> None:
    app = tracking(make_app, **{f"key{number}": "é" * 5000 for number in range(50)})
    client = log_in(app)
    for number in range(5):
        response = client.get(f"/track/{'n' * 300}{number}")
        cookies = response.headers.getlist("Set-Cookie")
        assert all(len(cookie) < 3000 for cookie in cookies)
    assert page(client)["visitor"]


def test_a_small_event_survives_a_huge_one_that_cannot_be_kept(make_app: MakeApp) -> None:
    app = make_app()

    @app.get("/small")
    def small() -> str:
        return str(chat_of(app).track("small"))

    @app.get("/huge")
    def huge() -> str:
        return str(chat_of(app).track("huge", **{f"key{number}": "é" * 255 for number in range(10)}))

    client = app.test_client()
    client.get("/small")
    client.get("/huge")
    assert [event["name"] for event in page(client)["events"]][:1] == ["small"]


@pytest.mark.parametrize("value", [float("nan"), object(), ["list"], {"a": 1}, datetime(2026, 1, 1), "\ud800", None])
def test_odd_metadata_never_breaks_the_page(make_app: MakeApp, value: Any) -> None:
    client = tracking(make_app, odd=value).test_client()
    assert client.get("/track/x").status_code == 200
    (event,) = page(client)["events"]
    assert isinstance(event["metadata"].get("odd"), str | None)


def test_a_metadata_key_may_be_called_name(make_app: MakeApp) -> None:
    client = tracking(make_app, name="value").test_client()
    client.get("/track/bought")
    assert page(client)["events"][0]["metadata"] == {"name": "value"}


# Buttons.


def button(app: Flask, call: str, **values: Any) -> Any:
    html = view(app, "{{ " + call + " }}", **values).test_client().get("/page").text
    return BeautifulSoup(html, "html.parser")


def test_a_button_is_a_real_button_that_opens_the_chat(make_app: MakeApp) -> None:
    call = "livechat_button('Chat with us', class_='primary', data_livechat_message='Hi', hidden=True)"
    found = button(make_app(), call)
    assert found.button.attrs == {
        "type": "button",
        "data-livechat-open": "",
        "class": ["primary"],
        "data-livechat-message": "Hi",
        "hidden": "",
    }
    assert found.button.text == "Chat with us"


def test_a_buttons_label_and_attributes_are_escaped(make_app: MakeApp) -> None:
    evil = "\"'><script>alert(1)</script>"
    found = button(make_app(), "livechat_button(evil, title=evil, **{evil: 'x'})", evil=evil)
    assert found.find("script") is None
    assert found.button.text == evil
    assert found.button["title"] == evil
    assert set(found.button.attrs) == {"type", "data-livechat-open", "title"}


def test_a_buttons_attribute_that_is_none_is_left_out(make_app: MakeApp) -> None:
    found = button(make_app(), "livechat_button('Chat', id=None, disabled=False)")
    assert set(found.button.attrs) == {"type", "data-livechat-open"}


# Apart.


def test_two_apps_of_one_process_stay_apart() -> None:
    livechat = LiveChat()
    apps = []
    for name in ("tawk", "crisp"):
        app = Flask(name)
        app.config.update(ALL_IDS, LIVECHAT_PROVIDER=name, TESTING=True)
        livechat.init_app(app)
        apps.append(view(app))
    assert [page(app.test_client(), "/page")["provider"] for app in apps] == ["tawk", "crisp"]


def test_a_second_init_on_one_app_is_refused_with_the_reason(make_app: MakeApp) -> None:
    app = make_app()
    with pytest.raises(RuntimeError, match="already"):
        LiveChat(app)


def test_an_app_without_livechat_says_what_to_call() -> None:
    livechat, app = LiveChat(), Flask("bare")
    app.testing = True
    with app.test_request_context(), pytest.raises(RuntimeError, match="init_app"):
        livechat.tag()


def test_a_page_is_rendered_the_same_way_twice(make_app: MakeApp) -> None:
    first, second = (json.dumps(page(make_app("tawk").test_client())) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("fallback", ["/contact", None])
def test_a_button_on_a_page_without_chat_is_a_link_or_nothing(make_app: MakeApp, fallback: str | None) -> None:
    rules = [{"path": "/page", "show": False}]
    app = make_app(LIVECHAT_RULES=rules, LIVECHAT_FALLBACK_URL=fallback)
    view(app, "{{ livechat_button('Chat', class_='b', data_livechat_message='Hi') }}{{ livechat() }}")
    assert app.test_client().get("/page").text == ('<a class="b" href="/contact">Chat</a>' if fallback else "")


def test_a_provider_that_is_set_too_late_is_said_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(None)
    app.config["LIVECHAT_PROVIDER"] = "crisp"
    app.test_client().get("/")
    assert "Set it before" in caplog.text


def test_a_page_rendered_beside_another_has_its_own_tag(make_app: MakeApp) -> None:
    app = make_app()

    @app.get("/page")
    def two() -> str:
        assert "livechat" in render_template_string(PAGE)  # a preview, say
        return render_template_string(PAGE)

    assert page(app.test_client(), "/page")["provider"] == "crisp"


def test_requests_that_share_an_app_context_are_told_apart(make_app: MakeApp) -> None:
    app = make_app()
    client = app.test_client()
    with app.app_context():
        assert [page(client)["provider"] for _ in range(3)] == ["crisp"] * 3


@pytest.mark.parametrize("header", ["CDN-Cache-Control", "Surrogate-Control", "Vendor-CDN-Cache-Control"])
def test_a_logged_in_page_has_no_cache_header_for_one_kind_of_cache(make_app: MakeApp, header: str) -> None:
    app = make_app()

    @app.after_request
    def cached_for_long(response: Response) -> Response:
        response.headers[header] = "max-age=600"
        return response

    assert header not in log_in(app).get("/").headers
    assert header in app.test_client().get("/").headers


def test_context_of_a_view_comes_with_the_identity_in_fetch_mode(make_app: MakeApp) -> None:
    app = make_app(LIVECHAT_IDENTITY_DELIVERY="fetch")
    view(app)
    app.before_request(lambda: chat_of(app).context(plan="pro") if request.path == "/page" else None)
    client = log_in(app)
    assert "plan" not in page(client, "/page")["context"]
    assert client.get("/livechat/identity").get_json()["context"]["plan"] == "pro"
    assert "plan" not in client.get("/livechat/identity").get_json()["context"]

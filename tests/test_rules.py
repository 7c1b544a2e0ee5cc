"""Which page gets what, and why."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask, render_template_string
from flask.views import MethodView
from hypothesis import given
from hypothesis import strategies as st

from flask_livechat import ConfigError, Decision
from flask_livechat.widget import rules
from flask_livechat.widget.sensitive_urls import Address, secret_in

from .conftest import ALL_IDS, PAGE, chat_of, create_app, payload

MakeApp = Callable[..., Flask]
DEFAULTS = rules.default_decision(
    {
        "show": True,
        "provider": "crisp",
        "load": "idle",
        "preload": False,
        "mobile": "show",
        "offline": "show",
        "identify": True,
        "tour": None,
        "start": None,
        "once": True,
    }
)


def decided(path: str, *fields: dict[str, Any], endpoint: str | None = None, query: tuple[str, ...] = ()) -> Decision:
    """What LIVECHAT_RULES alone say."""
    made = [rules.make(f"LIVECHAT_RULES[{n}]", each, ("crisp", "tawk")) for n, each in enumerate(fields)]
    assert not [problem for _, problems in made for problem in problems]
    return rules.decide(Address(path, endpoint, query), [], [rule for rule, _ in made], DEFAULTS)


def ask(app: Flask, path: str | None = None, endpoint: str | None = None) -> Decision:
    with app.test_request_context("/"):
        return chat_of(app).decide(endpoint=endpoint, path=path)


# Where a rule holds.


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/admin/*", "/admin/users", True),
        ("/admin/*", "/admin/users/7/edit", True),
        ("/admin/*", "/admin", True),
        ("/admin/*", "/admin/", True),
        ("/admin/*", "/administrator", False),
        ("/admin*", "/administrator", True),
        ("/admin", "/admin/", False),
        ("/admin", "/admin", True),
        ("/*", "/", True),
        ("/*", "/any/thing", True),
        ("/*/edit", "/posts/7/edit", True),
        ("/*/edit", "/posts/7/editor", False),
        ("*", "/admin", True),
        ("*/edit", "/posts/7/edit", True),
        ("*/edit", "/posts/7/editor", False),
        ("/shop/*", "/shop", True),
        ("*/shop/*", "/de/shop", True),
        ("/a.c", "/abc", False),
        ("/a+", "/aa", False),
        ("/(x|y)", "/x", False),
        ("/x/*", "/x/a\nb", True),
    ],
)
def test_paths_are_matched_whole_with_stars_that_span_segments(pattern: str, path: str, matches: bool) -> None:
    assert decided(path, {"path": pattern, "load": "eager"}).load == ("eager" if matches else "idle")


@pytest.mark.parametrize(
    ("pattern", "endpoint", "matches"),
    [
        ("shop.*", "shop.cart", True),
        ("shop.*", "shop", False),
        ("shop.*", "shopping.cart", False),
        ("shop.cart", "shop.cart", True),
        ("*", "anything", True),
        ("shop.cart", None, False),
    ],
)
def test_endpoints_are_matched_with_stars(pattern: str, endpoint: str | None, matches: bool) -> None:
    said = decided("/x", {"endpoint": pattern, "load": "eager"}, endpoint=endpoint)
    assert said.load == ("eager" if matches else "idle")


@pytest.mark.parametrize(
    ("blueprint", "endpoint", "matches"),
    [
        ("shop", "shop.cart", True),
        ("shop", "shop.admin.edit", True),
        ("shop.admin", "shop.cart", False),
        ("shop", "shopping.cart", False),
        ("shop", "shop", False),
        ("shop", None, False),
    ],
)
def test_a_blueprint_holds_for_its_nested_ones_too(blueprint: str, endpoint: str | None, matches: bool) -> None:
    said = decided("/x", {"blueprint": blueprint, "load": "eager"}, endpoint=endpoint)
    assert said.load == ("eager" if matches else "idle")


def test_all_conditions_of_a_rule_must_hold() -> None:
    rule = {"path": "/x/*", "endpoint": "shop.*", "blueprint": "shop", "when": lambda: True, "load": "eager"}
    assert decided("/x/1", rule, endpoint="shop.one").load == "eager"
    assert decided("/y/1", rule, endpoint="shop.one").load == "idle"
    assert decided("/x/1", rule, endpoint="blog.one").load == "idle"
    assert decided("/x/1", rule | {"when": lambda: False}, endpoint="shop.one").load == "idle"


def test_a_rule_without_a_where_holds_everywhere() -> None:
    assert decided("/x", {"load": "eager"}).load == "eager"


# Which rule wins.


def test_the_first_rule_that_matches_wins_alone() -> None:
    said = decided("/x", {"path": "/y"}, {"path": "/x", "load": "eager"}, {"path": "/*", "load": "off", "tour": 1})
    assert (said.load, said.tour) == ("eager", None)
    assert said.why == "LIVECHAT_RULES[1] (path '/x')"


def test_rules_after_the_first_match_are_not_asked() -> None:
    said = decided("/x", {"path": "/x", "load": "eager"}, {"when": lambda: pytest.fail("asked"), "load": "off"})
    assert said.load == "eager"


def test_a_when_is_not_asked_where_the_path_does_not_match() -> None:
    assert decided("/x", {"path": "/y", "when": lambda: pytest.fail("asked")}).why == "defaults"


def test_each_field_says_who_set_it() -> None:
    said = decided("/x", {"path": "/x", "load": "eager"})
    assert said.sources["load"] == "LIVECHAT_RULES[0] (path '/x')"
    assert said.sources["mobile"] == "defaults"
    assert said.sources.keys() == DEFAULTS.sources.keys()


def shop(rule_in_config: str = "scroll") -> Flask:
    """A page under all four layers, each of which can be taken away."""
    app = create_app("crisp", **ALL_IDS, LIVECHAT_RULES=[{"path": "/shop/*", "load": rule_in_config, "tour": 1}])
    livechat, blueprint = chat_of(app), Blueprint("shop", "shop", url_prefix="/shop")

    @blueprint.get("/plain")
    def plain() -> str:
        return render_template_string(PAGE)

    @blueprint.get("/decorated")
    @livechat.rule(load="intent", mobile="hide")
    def decorated() -> str:
        return render_template_string(PAGE)

    @blueprint.get("/template")
    @livechat.rule(load="intent", mobile="hide")
    def template() -> str:
        return render_template_string("{{ livechat(load='eager') }}")

    app.register_blueprint(blueprint)
    livechat.rule_for(blueprint, load="manual", offline="hide")
    return app


@pytest.mark.parametrize(
    ("path", "load", "settings"),
    [
        ("/", "idle", {}),
        ("/shop/plain", "manual", {"offline": "hide", "tour": 1}),
        ("/shop/decorated", "intent", {"offline": "hide", "tour": 1, "mobile": "hide"}),
        ("/shop/template", "eager", {"offline": "hide", "tour": 1, "mobile": "hide"}),
    ],
)
def test_template_view_blueprint_rules_and_defaults_come_in_this_order(
    path: str, load: str, settings: dict[str, Any]
) -> None:
    said = payload(shop().test_client().get(path).text)
    said["settings"].pop("website_id")
    assert (said["load"], said["settings"]) == (load, settings)


def test_the_decision_names_every_layer_that_said_something() -> None:
    said = ask(shop(), "/shop/decorated")
    assert said.sources["load"] == "@livechat.rule on decorated"
    assert said.sources["offline"] == "livechat.rule_for('shop')"
    assert said.sources["tour"].startswith("LIVECHAT_RULES[0]")
    assert said.why == "@livechat.rule on decorated; livechat.rule_for('shop'); LIVECHAT_RULES[0] (path '/shop/*')"


@pytest.mark.parametrize("above", [True, False])
def test_the_view_decorator_stands_above_or_below_the_route(make_app: MakeApp, above: bool) -> None:
    app = make_app()
    rule = chat_of(app).rule(load="eager")

    def shown() -> str:
        return render_template_string(PAGE)

    if above:
        rule(app.get("/page")(shown))
    else:
        app.get("/page")(rule(shown))
    assert payload(app.test_client().get("/page").text)["load"] == "eager"


def test_a_nested_blueprints_rule_is_stronger_than_its_parents(make_app: MakeApp) -> None:
    app = make_app()
    outer, inner = Blueprint("outer", "outer"), Blueprint("inner", "inner")
    inner.add_url_rule("/page", "page", lambda: render_template_string(PAGE))
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    chat_of(app).rule_for("outer.inner", load="eager")
    chat_of(app).rule_for(outer, load="off", mobile="hide")
    said = payload(app.test_client().get("/page").text)
    assert (said["load"], said["settings"]["mobile"]) == ("eager", "hide")


@pytest.mark.parametrize("shown", [True, False])
def test_show_false_renders_nothing_and_a_stronger_true_brings_it_back(make_app: MakeApp, shown: bool) -> None:
    app = make_app(LIVECHAT_RULES=[{"path": "/*", "show": False}])
    app.add_url_rule("/page", "page", lambda: render_template_string("[{{ livechat(show=shown) }}]", shown=shown))
    assert (app.test_client().get("/page").text != "[]") is shown
    assert "livechat" not in app.test_client().get("/").text


def test_when_is_asked_for_every_request(make_app: MakeApp) -> None:
    answers = iter([True, False])
    client = make_app(LIVECHAT_RULES=[{"when": lambda: next(answers), "load": "eager"}]).test_client()
    assert [payload(client.get("/").text)["load"] for _ in range(2)] == ["eager", "idle"]


def test_when_holds_for_a_view_and_in_a_template_too(make_app: MakeApp) -> None:
    app = make_app()
    livechat = chat_of(app)
    app.get("/page")(livechat.rule(when=lambda: False, load="eager")(lambda: render_template_string(PAGE)))
    assert payload(app.test_client().get("/page").text)["load"] == "idle"


def test_a_when_that_raises_counts_as_no_and_is_logged_by_name(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    def trial_user() -> bool:
        raise LookupError("somebody@example.com")

    app = make_app(LIVECHAT_RULES=[{"when": trial_user, "load": "eager"}])
    app.testing = False
    assert payload(app.test_client().get("/").text)["load"] == "idle"
    assert "trial_user" in caplog.text
    assert "somebody@example.com" not in caplog.text


# Strategies.


@pytest.mark.parametrize(
    "load",
    [*"eager idle delay:5 delay:0 delay:2.5 scroll interaction visible:#help intent manual off".split(), "visible:p a"],
)
def test_every_strategy_reaches_the_page(make_app: MakeApp, load: str) -> None:
    assert payload(make_app(LIVECHAT_LOAD=load).test_client().get("/").text)["load"] == load


@pytest.mark.parametrize(
    "load", ["", "Eager", "delay", "delay:", "delay:x", "delay:-1", "delay:1e3", "visible", "visible:", "visible: "]
)
def test_what_is_no_strategy_is_a_problem(load: str) -> None:
    with pytest.raises(ConfigError, match="LIVECHAT_LOAD"):
        create_app(LIVECHAT_LOAD=load)


@pytest.mark.parametrize("load", ["idle:3", "eager:1", "off:", None, 5, ["idle"], "delay:999999"])
def test_an_argument_where_none_belongs_is_a_problem(load: Any) -> None:
    with pytest.raises(ConfigError, match="LIVECHAT_LOAD"):
        create_app(LIVECHAT_LOAD=load)


# Wrong rules.


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"lod": "eager"}, "'load'"),
        ({"load": "fast"}, "load='fast'"),
        ({"show": "yes"}, "show='yes'"),
        ({"show": 1}, "show=1"),
        ({"provider": "tawk"}, "provider='tawk'"),
        ({"provider": "zendesk"}, "provider='zendesk'"),
        ({"provider": None}, "provider=None"),
        ({"mobile": "no"}, "mobile='no'"),
        ({"offline": "away"}, "offline='away'"),
        ({"path": 7}, "path=7"),
        ({"path": "admin/*"}, "path='admin/*' must begin with '/' or '*'"),
        ({"path": ""}, "path='' must begin with '/' or '*'"),
        ({"path": "https://shop.example/admin"}, "must begin with '/' or '*'"),
        ({"when": "always"}, "when='always'"),
        ({"tour": ""}, "tour=''"),
        ({"start": "tour"}, "start='tour' must be a kind and an id"),
        ({"start": "tuor:7"}, "start='tuor:7' must be a kind and an id"),
        ({"start": "tour: "}, "start='tour: '"),
        ({"start": f"tour:{'7' * 101}"}, "at most 100 characters"),
        ({"start": 7}, "start=7"),
        ({"once": "always"}, "once='always' must be True, False or 'server'"),
        ({"once": 1}, "once=1"),
        ({"once": None}, "once=None"),
        ({"tour": 7, "start": "tour:8"}, "tour and start are two names for one thing"),
        ({"identify": None}, "identify=None"),
        ({"preload": "true"}, "preload='true'"),
    ],
)
def test_a_wrong_field_of_a_rule_is_a_problem_that_names_it(rule: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        create_app("crisp", LIVECHAT_RULES=[{"path": "/fine"}, rule])
    (problem,) = caught.value.problems
    assert problem.key == "LIVECHAT_RULES[1]"
    assert said in problem.what


@pytest.mark.parametrize("given_rules", ["/admin/*", {"path": "/"}, [1], [["path", "/"]], None])
def test_rules_that_are_no_list_of_dicts_are_a_problem(given_rules: Any) -> None:
    with pytest.raises(ConfigError, match="list of dicts"):
        create_app("crisp", LIVECHAT_RULES=given_rules)


def test_wrong_fields_of_decorators_are_problems_where_they_stand(make_app: MakeApp) -> None:
    livechat = chat_of(make_app())
    with pytest.raises(ConfigError, match="loda"):
        livechat.rule(loda="eager")(lambda: "")
    with pytest.raises(ConfigError, match="zendesk"):
        livechat.rule_for("shop", provider="zendesk")
    with pytest.raises(ConfigError, match="path"):
        livechat.rule(path="/elsewhere")(lambda: "")


def test_a_wrong_template_override_is_raised_in_tests_and_logged_elsewhere(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app()
    app.add_url_rule("/page", "page", lambda: render_template_string("page{{ livechat(loda='eager') }}"))
    with pytest.raises(ConfigError, match="loda"):
        app.test_client().get("/page")
    app.testing = False
    assert app.test_client().get("/page").text == "page"
    assert "ConfigError" in caplog.text


def test_a_provider_that_is_not_configured_breaks_no_page(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    app = make_app()
    app.add_url_rule("/page", "page", lambda: render_template_string("page{{ livechat(provider='tawk') }}"))
    with pytest.raises(ConfigError, match="tawk"):
        app.test_client().get("/page")
    app.testing = False
    assert app.test_client().get("/page").text == "page"
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


# decide().


def test_decide_answers_for_the_current_page_a_path_or_an_endpoint() -> None:
    app = shop()
    with app.test_request_context("/shop/decorated"):
        assert chat_of(app).decide().load == "intent"
    assert ask(app, path="/shop/decorated").load == "intent"
    assert ask(app, endpoint="shop.decorated").load == "intent"
    assert ask(app, path="/nowhere").why == "defaults"
    assert ask(app, endpoint="no.such").load == "idle"


def test_decide_works_outside_a_request() -> None:
    app = shop()
    with app.app_context():
        assert chat_of(app).decide(path="/shop/plain").load == "manual"


def test_decide_knows_what_a_template_without_overrides_gets() -> None:
    app = shop()
    for path in ("/", "/shop/plain", "/shop/decorated"):
        assert ask(app, path).load == payload(app.test_client().get(path).text)["load"]


def test_without_a_provider_nothing_is_shown_and_the_reason_says_so() -> None:
    said = ask(create_app(None), "/")
    assert not said.show
    assert "LIVECHAT_PROVIDER" in said.why


@pytest.mark.needs("time")
@given(path=st.text(max_size=40), endpoint=st.none() | st.text(max_size=20), query=st.lists(st.text(max_size=12)))
def test_no_address_makes_a_decision_raise(path: str, endpoint: str | None, query: list[str]) -> None:
    said = decided(path, {"path": "/a*b/*"}, {"endpoint": "*.x"}, endpoint=endpoint, query=tuple(query))
    assert said.why


# Addresses that carry a secret.

SECRET_PATHS = [
    "/reset/abc",
    "/reset-password/IjEi.Z1x2-w.abcdefghijklmnopqrstuvwxyz0",
    "/reset_password",
    "/password/reset/abc",
    "/password-reset/",
    "/forgot-password",
    "/password/new",
    "/users/password/edit",
    "/confirm/abc",
    "/confirm-email/abc",
    "/account/confirmation",
    "/verify/123456",
    "/verify-email",
    "/activate/abc",
    "/invite/abc",
    "/invitations/accept",
    "/invitation/7",
    "/team/invite",
    "/mfa",
    "/login/mfa",
    "/2fa",
    "/otp",
    "/login/two-factor-auth2",
    "/oauth/callback",
    "/oauth2/authorize",
    "/login/google/callback",
    "/auth/callback",
    "/saml/acs",
    "/magic-link/abc",
    "/x/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl",
    "/x/d41d8cd98f00b204e9800998ecf8427e",
    "/x/Zm9vQmFy1aB2cD3eF4",
    "/RESET/abc",
]
INNOCENT_PATHS = [
    "/",
    "/pricing",
    "/blog/reset-your-router",
    "/blog/how-to-confirm-an-order-with-us-and-why",
    "/docs/oauth-for-beginners",
    "/docs/password-policies",
    "/shop/keyboards",
    "/products/code-editor",
    "/orders/20261121",
    "/account",
    "/login",
    "/signup",
    "/users/42",
    "/teams/7/members",
    "/help/tokens-explained",
    "/blog/2026/11/21/a-very-long-title-that-says-what-the-article-is-about",
    "/articles/550e8400-e29b-41d4-a716-446655440000",
]


@pytest.mark.parametrize("path", SECRET_PATHS)
def test_pages_whose_path_looks_like_a_secret_get_no_chat(path: str) -> None:
    said = decided(path)
    assert not said.show
    assert "secret" in said.why or "token" in said.why or "password" in said.why


@pytest.mark.parametrize("path", INNOCENT_PATHS)
def test_innocent_pages_keep_their_chat(path: str) -> None:
    assert secret_in(Address(path)) is None
    assert decided(path).show


@pytest.mark.parametrize(
    "key",
    "token code key signature password sig api_key access_token auth_code reset_token id_token state_token "
    "resetToken csrf-token Password TOKEN X-Amz-Signature client_secret otp invite_code".split(),
)
def test_a_query_key_that_looks_like_a_secret_hides_the_chat(key: str) -> None:
    assert not decided("/page", query=(key,)).show


@pytest.mark.parametrize("key", "q page sort utm_source promo_code sort_key keyboard encoded design".split())
def test_an_innocent_query_key_does_not(key: str) -> None:
    assert decided("/page", query=("q", key)).show


def test_the_query_of_the_request_counts(make_app: MakeApp) -> None:
    client = make_app().test_client()
    assert "livechat" in client.get("/?q=shoes").text
    assert "livechat" not in client.get("/?q=shoes&token=abc").text
    assert "livechat" not in client.get("/?token").text


def test_a_path_given_to_decide_may_have_a_query(make_app: MakeApp) -> None:
    app = make_app()
    assert ask(app, "/?q=1").show
    assert not ask(app, "/?q=1&code=abc").show


@pytest.mark.parametrize("rule", ["/join/<token>", "/w/<signature>", "/x/<invite_token>"])
def test_an_argument_of_the_url_that_is_named_like_a_secret_hides_the_chat(make_app: MakeApp, rule: str) -> None:
    app = make_app()
    app.add_url_rule(rule, "page", lambda **_: render_template_string(PAGE))
    response = app.test_client().get(rule.replace(rule[rule.index("<") :], "short"))
    assert "<h1>Hello</h1>" in response.text
    assert "livechat" not in response.text


def test_an_endpoint_that_is_named_like_a_secret_page_hides_the_chat(make_app: MakeApp) -> None:
    app = make_app()
    app.add_url_rule("/konto/neu/<x>", "auth.reset_password", lambda x: render_template_string(PAGE))
    assert "livechat" not in app.test_client().get("/konto/neu/abc").text


def test_the_reason_does_not_repeat_the_secret() -> None:
    token = "Zm9vQmFy1aB2cD3eF4"
    for said in (decided(f"/x/{token}"), decided("/reset/" + token), decided("/x", query=("token",))):
        assert token not in said.why


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        ({"path": "/reset", "show": True}, True),
        ({"endpoint": "auth.reset", "show": True}, True),
        ({"path": "/reset/*", "show": True}, False),
        ({"path": "/*", "show": True}, False),
        ({"endpoint": "auth.*", "show": True}, False),
        ({"blueprint": "auth", "show": True}, False),
        ({"show": True}, False),
        ({"when": lambda: True, "show": True}, False),
        ({"path": "/reset"}, False),
        ({"path": "/reset", "load": "eager"}, False),
    ],
)
def test_only_a_rule_for_exactly_this_page_shows_chat_there(rule: dict[str, Any], shown: bool) -> None:
    assert decided("/reset", rule, endpoint="auth.reset").show is shown


def test_a_decorator_on_the_very_view_speaks_of_exactly_this_page(make_app: MakeApp) -> None:
    app = make_app()
    app.get("/reset")(chat_of(app).rule(show=True)(lambda: render_template_string(PAGE)))
    assert "livechat" in app.test_client().get("/reset").text


def test_a_blueprints_rule_shows_no_chat_where_the_address_is_secret(make_app: MakeApp) -> None:
    app = make_app()
    auth = Blueprint("auth", "auth")
    auth.add_url_rule("/reset", "start", lambda: render_template_string(PAGE))
    app.register_blueprint(auth)
    chat_of(app).rule_for(auth, show=True)
    assert "livechat" not in app.test_client().get("/reset").text


def test_a_layouts_override_shows_no_chat_where_the_address_is_secret(make_app: MakeApp) -> None:
    app = make_app()
    app.add_url_rule("/reset", "start", lambda: render_template_string("{{ livechat(show=True) }}"))
    assert app.test_client().get("/reset").text == ""


@pytest.mark.parametrize(
    "path",
    """
    /resetpassword/a8f3 /passwordreset/a8f3 /set-password/MQ/c1a2 /change-password/a8f3 /new-password/a8f3
    /create-password/abc /password_resets/abc/edit /password/abc /verifyemail/abc /magiclink/abc /login/link/abc
    /two-factor/challenge /mfa-challenge /oauth2callback /login/google/authorized /x;jsessionid=1A2B /accept/abc
    /users/password/edit?reset_password_token=x /?oobCode=x /?verificationCode=x /?inviteCode=x /?access-key=x
    /welcome?t=eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.abc /i/<code> /i/<invite_code> /i/<hash>
    """.split(),
)
def test_addresses_as_common_packages_make_them_hide_the_chat(make_app: MakeApp, path: str) -> None:
    app = make_app()
    if "<" in path:
        app.add_url_rule(path, "page", lambda **_: "")
        path = "/i/short"
    assert not ask(app, path).show


@pytest.mark.parametrize(
    "path",
    """
    /blog/why-node.js-still-matters-in-2026 /blog/next.js-performance-optimization /docs/api-keys /docs/oauth
    /docs/flask.config-from-prefixed-env /docs/webhooks/verify /features/sso /integrations/saml /help/reset-password
    /request-a-callback /support?ticket=42 /products/507f1f77bcf86cd799439011 /wiki/Windows11InstallationGuide
    /blog/iPhone16ProMaxReview2024 /?promo_code=SPRING /forms/request /docs/installation-guide.html /tickets/<ticket_id>
    """.split(),
)
def test_plain_pages_keep_their_chat(make_app: MakeApp, path: str) -> None:
    app = make_app()
    if "<" in path:
        app.add_url_rule(path, "page", lambda **_: "")
        path = "/tickets/7"
    assert ask(app, path).show


def test_two_rules_on_one_view_add_up(make_app: MakeApp) -> None:
    app = make_app()
    livechat = chat_of(app)
    app.get("/x")(livechat.rule(load="eager")(livechat.rule(identify=False, load="manual")(lambda: "")))
    assert (ask(app, "/x").load, ask(app, "/x").identify) == ("eager", False)


def test_a_rule_on_a_class_of_views_holds(make_app: MakeApp) -> None:
    app = make_app()

    @chat_of(app).rule(show=False)
    class Page(MethodView):
        def get(self) -> str:
            return ""

    app.add_url_rule("/x", view_func=Page.as_view("page"))
    assert not ask(app, "/x").show


# What is asked each time.


def test_a_predicate_is_asked_for_every_page_that_it_may_hold_for(make_app: MakeApp) -> None:
    answers = iter([True, False, True])
    app = make_app(LIVECHAT_RULES=[{"path": "/x", "when": lambda: next(answers), "load": "manual"}])
    assert [ask(app, "/x").load for _ in range(3)] == ["manual", "idle", "manual"]


def test_a_rule_for_a_blueprint_that_is_said_later_counts(make_app: MakeApp) -> None:
    app = make_app()
    blueprint = Blueprint("shop", __name__)
    app.register_blueprint(blueprint)
    assert ask(app, endpoint="shop.home").load == "idle"
    chat_of(app).rule_for(blueprint, load="manual")
    assert ask(app, endpoint="shop.home").load == "manual"


# A tour and whatever else starts.


@pytest.mark.parametrize("kind", rules.KINDS)
def test_a_rule_starts_what_it_names_once_for_each_visitor(kind: str) -> None:
    decision = decided("/x", {"path": "/x", "start": f"{kind}:7:b"})
    assert (decision.start, decision.once, decision.tour) == (f"{kind}:7:b", True, None)
    assert decision.sources["start"].startswith("LIVECHAT_RULES[0]")


@pytest.mark.parametrize(
    ("weak", "strong", "result"),
    [
        ({"tour": 1}, {"start": "survey:2"}, (None, "survey:2")),
        ({"start": "survey:2"}, {"tour": 1}, (1, None)),
        ({"start": "survey:2"}, {"tour": None}, (None, None)),
        ({"tour": 1}, {"load": "eager"}, (1, None)),
    ],
)
def test_of_a_tour_and_a_start_the_stronger_rules_counts(
    weak: dict[str, Any], strong: dict[str, Any], result: tuple[Any, Any]
) -> None:
    app = create_app("crisp", LIVECHAT_RULES=[{"path": "/", **weak}])
    with app.test_request_context("/"):
        markup = chat_of(app).tag(**strong)
    settings = payload(f"<body>{markup}</body>")["settings"]
    assert (settings.get("tour"), settings.get("start")) == result

"""What a Content-Security-Policy needs for chat, merged into whatever policy there is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response, render_template_string
from flask_talisman import Talisman
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_livechat import LiveChat, providers
from flask_livechat.widget import csp

from .conftest import ALL_IDS, PAGE, VENDORS, chat_of, create_app

MakeApp = Callable[..., Flask]
HEADER, REPORT_ONLY = "Content-Security-Policy", "Content-Security-Policy-Report-Only"
FALLBACKS = {  # CSP Level 3, "get the effective directive's fallback list"
    "script-src-elem": ["script-src", "default-src"],
    "script-src-attr": ["script-src", "default-src"],
    "style-src-elem": ["style-src", "default-src"],
    "style-src-attr": ["style-src", "default-src"],
    "worker-src": ["child-src", "script-src", "default-src"],
    "frame-src": ["child-src", "default-src"],
} | {
    name: ["default-src"]
    for name in (
        "script-src style-src img-src font-src media-src connect-src child-src object-src manifest-src"
    ).split()
}


def merged(policy: Any, name: str = "crisp", **config: Any) -> Any:
    """What ``livechat.csp`` makes of a policy on a page that carries chat."""
    app = create_app(name, login=False, secrets=False, **config)
    with app.test_request_context("/"):
        return chat_of(app).csp(policy)


def read(policy: str) -> dict[str, list[str]]:
    """A policy, read independently of the code under test: the first of a repeated directive counts."""
    found: dict[str, list[str]] = {}
    for part in re.split(r"\s*;\s*", policy.strip()):
        words = part.split()
        if words and words[0].lower() not in found:
            found[words[0].lower()] = words[1:]
    return found


def effective(policy: dict[str, list[str]], directive: str) -> list[str] | None:
    """The sources that rule over ``directive``; None when nothing restricts it."""
    for name in [directive, *FALLBACKS.get(directive, [])]:
        if name in policy:
            return policy[name]
    return None


def needs_of(name: str, **values: str) -> dict[str, tuple[str, ...]]:
    room = providers.load(name)
    return dict(room.csp({key.name: key.default or key.example for key in room.keys if key.name != "REGION"} | values))


# What is added.


@pytest.mark.parametrize("name", VENDORS)
def test_everything_the_vendor_needs_is_allowed_afterwards(name: str) -> None:
    policy = read(merged("default-src 'self'", name))
    for directive, sources in needs_of(name).items():
        if directive in FALLBACKS:
            assert set(sources) <= set(effective(policy, directive) or ()), directive
    assert "'self'" in policy["script-src"]


@pytest.mark.parametrize(
    ("name", "directive", "source"),
    [
        ("tawk", "script-src", "https://*.tawk.to"),
        ("tawk", "connect-src", "https://*.tawk.to"),
        ("tawk", "connect-src", "wss://*.tawk.to"),
        ("tawk", "img-src", "https://tawk.link"),
        ("tawk", "font-src", "https://fonts.gstatic.com"),
        ("crisp", "script-src", "https://client.crisp.chat"),
        ("crisp", "connect-src", "wss://client.relay.crisp.chat"),
        ("crisp", "img-src", "https://image.crisp.chat"),
        ("crisp", "worker-src", "blob:"),
        ("intercom", "script-src", "https://widget.intercom.io"),
        ("intercom", "script-src", "https://js.intercomcdn.com"),
        ("intercom", "connect-src", "wss://nexus-websocket-a.intercom.io"),
        ("intercom", "child-src", "https://intercom-sheets.com"),
        ("intercom", "frame-src", "https://intercom-sheets.com"),
        ("intercom", "img-src", "https://*.intercom-attachments-9.com"),
    ],
)
def test_the_vendors_documented_hosts_are_there(name: str, directive: str, source: str) -> None:
    assert source in read(merged("default-src 'self'", name))[directive]


def test_tawks_bare_domain_is_not_allowed() -> None:
    assert not re.search(r"(^|[\s/])tawk\.to", merged("default-src 'self'", "tawk").replace("*.tawk.to", ""))


@pytest.mark.parametrize(
    ("region", "there", "away"),
    [
        ("us", "https://api-iam.intercom.io", "https://api-iam.eu.intercom.io"),
        ("eu", "wss://nexus-europe-websocket.intercom.io", "https://api-iam.intercom.io"),
        ("au", "https://api-iam.au.intercom.io", "wss://nexus-europe-websocket.intercom.io"),
    ],
)
def test_a_configured_region_needs_only_its_own_hosts(region: str, there: str, away: str) -> None:
    connect = read(merged("default-src 'self'", "intercom", LIVECHAT_INTERCOM_REGION=region))["connect-src"]
    assert there in connect
    assert away not in connect


def test_without_a_region_every_regions_hosts_are_allowed() -> None:
    connect = read(merged("default-src 'self'", "intercom"))["connect-src"]
    assert {
        "https://api-iam.intercom.io",
        "https://api-iam.eu.intercom.io",
        "https://api-iam.au.intercom.io",
    } <= set(connect)


@pytest.mark.parametrize("delivery", ["inline", "fetch"])
def test_who_is_logged_in_needs_a_connection_to_our_own_origin(delivery: str) -> None:
    policy = merged("default-src 'self'; connect-src https://api.example.com", LIVECHAT_IDENTITY_DELIVERY=delivery)
    assert "'self'" in read(policy)["connect-src"]


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("yes", [True, 1])  # 1 is what the environment makes of FLASK_LIVECHAT_CSP_ARTICLES=1
def test_frames_of_articles_are_allowed_where_the_app_says_so(name: str, yes: Any) -> None:
    frames = providers.load(name).article_frames
    usual, asked = (
        read(merged("frame-src 'none'", name, LIVECHAT_CSP_ARTICLES=articles))["frame-src"] for articles in (False, yes)
    )
    assert {*frames}.isdisjoint(usual)
    assert {*asked} - {"'none'"} == {*usual, *frames} - {"'none'"}


@pytest.mark.parametrize("name", VENDORS)
def test_the_apps_own_helpdesk_is_allowed_beside_the_vendors_frames(name: str) -> None:
    policy = merged("frame-src 'none'", name, LIVECHAT_CSP_ARTICLES=["https://help.example.com"])
    assert {"https://help.example.com", *providers.load(name).article_frames} <= {*read(policy)["frame-src"]}


# How it is merged.


def test_order_and_unknown_words_are_kept() -> None:
    policy = (
        "upgrade-insecure-requests; report-uri /csp; script-src 'self' 'report-sample' https://cdn.example.com; "
        "x-future 'odd' word; default-src 'self'; require-trusted-types-for 'script'; report-to main"
    )
    result = merged(policy)
    before, after = read(policy), read(result)
    assert list(after)[: len(before)] == list(before)
    for name, sources in before.items():
        assert after[name][: len(sources)] == sources
    for name in ("upgrade-insecure-requests", "report-uri", "x-future", "require-trusted-types-for", "report-to"):
        assert after[name] == before[name]


@pytest.mark.parametrize("name", VENDORS)
def test_an_absent_directive_inherits_default_src_first(name: str) -> None:
    after = read(merged("default-src 'self' https://cdn.example.com", name))
    for directive in ("script-src", "img-src", "connect-src", "frame-src", "font-src", "media-src", "style-src"):
        assert after[directive][:2] == ["'self'", "https://cdn.example.com"]
    assert after["default-src"] == ["'self'", "https://cdn.example.com"]


def test_frames_inherit_child_src_before_default_src() -> None:
    after = read(merged("default-src 'self'; child-src https://frames.example.com", "tawk"))
    assert after["frame-src"] == ["https://frames.example.com", "https://*.tawk.to"]


@pytest.mark.parametrize("none", ["'none'", "'NONE'", "  'none'  "])
def test_none_is_replaced(none: str) -> None:
    after = read(merged(f"default-src 'none'; img-src {none}; frame-src 'none'; object-src 'none'"))
    assert "'none'" not in [source.lower() for name in ("img-src", "frame-src", "script-src") for source in after[name]]
    assert after["script-src"] == ["'self'", "https://client.crisp.chat"]
    assert after["object-src"] == after["default-src"] == ["'none'"]


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("policy", ["script-src 'self'", "default-src 'self'", "frame-ancestors 'none'", "img-src *"])
def test_what_restricts_nothing_is_never_added(name: str, policy: str) -> None:
    before, after = read(policy), read(merged(policy, name))
    assert "form-action" not in after
    for directive in after:
        assert directive in before or effective(before, directive) is not None


def test_form_action_is_extended_where_it_stands() -> None:
    assert read(merged("form-action 'self'", "tawk")) == {"form-action": ["'self'", "https://*.tawk.to"]}


def test_directives_for_elements_are_extended_where_they_stand() -> None:
    policy = "script-src 'self'; script-src-elem 'self'; style-src-attr 'none'; style-src 'self'"
    after = read(merged(policy))
    assert "https://client.crisp.chat" in after["script-src-elem"]
    assert "'unsafe-inline'" in after["style-src-attr"]


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize(
    "policy", ["default-src 'self' 'nonce-abc' 'sha256-abc='", "style-src 'self'", "default-src 'nonce-abc'"]
)
def test_no_nonce_is_ever_added_to_styles(name: str, policy: str) -> None:
    app = create_app(name, login=False, secrets=False)
    with app.test_request_context("/"):
        after = read(chat_of(app).csp(policy, nonce="fresh"))
    styles = after["style-src"]
    assert "'unsafe-inline'" in styles
    assert not [source for source in styles if re.match("'(nonce-|sha)", source)]


def test_a_nonce_given_stands_in_script_src() -> None:
    app = create_app("crisp", login=False, secrets=False)
    with app.test_request_context("/"):
        livechat = chat_of(app)
        assert "'nonce-fresh'" in read(livechat.csp("default-src 'self'", nonce="fresh"))["script-src"]
        assert "'nonce-fresh'" in livechat.csp({"script-src": "'self'"}, nonce="fresh")["script-src"].split()


@pytest.mark.parametrize("nonce", ["a' 'unsafe-inline", "a; script-src *", "a\r\nX: y", "ä", "a b", "\u00a0"])
def test_a_nonce_that_the_tag_would_not_carry_is_not_added_either(nonce: str) -> None:
    app = create_app("crisp", login=False, secrets=False)
    with app.test_request_context("/"):
        assert chat_of(app).csp("script-src 'self'", nonce=nonce) == chat_of(app).csp("script-src 'self'")
        assert nonce not in chat_of(app).csp(nonce=nonce)


@pytest.mark.parametrize("sign", ["\u00a0", "\x0b", "\x1c", "\x85", "\u2028", "\u3000"])
def test_only_ascii_whitespace_parts_a_policy_as_in_browsers(sign: str) -> None:
    assert csp.parse(f"script-src 'self'{sign}https://a.test\t\n\f\r https://b.test") == {
        "script-src": [f"'self'{sign}https://a.test", "https://b.test"]
    }
    assert csp.parse(f"script-src{sign}'self'") == {f"script-src{sign}'self'": []}
    assert csp.merge_mapping({"img-src": f"'self'{sign}x"}, {}) == {"img-src": f"'self'{sign}x"}


def test_two_nonces_that_differ_in_case_both_stand() -> None:
    app = create_app("crisp", login=False, secrets=False)
    with app.test_request_context("/"):
        after = read(chat_of(app).csp("script-src 'nonce-ABC'", nonce="abc"))
    assert {"'nonce-ABC'", "'nonce-abc'"} <= set(after["script-src"])


def test_a_source_that_is_there_already_is_not_repeated() -> None:
    after = read(merged("script-src 'self' HTTPS://Client.Crisp.Chat"))
    assert after["script-src"] == ["'self'", "HTTPS://Client.Crisp.Chat"]


def test_of_a_repeated_directive_the_first_counts_as_in_browsers() -> None:
    after = read(merged("img-src 'self'; IMG-SRC *"))
    assert after["img-src"][0] == "'self'"
    assert "*" not in after["img-src"]


def test_policies_parted_by_commas_are_each_merged() -> None:
    first, second = merged("default-src 'self', script-src 'none'; object-src 'none'").split(",")
    assert "https://client.crisp.chat" in read(first)["script-src"]
    assert read(second)["script-src"] == ["'self'", "https://client.crisp.chat"]
    assert "img-src" not in read(second)


@pytest.mark.parametrize("policy", ["", " ", ";", ";;"])
def test_an_empty_policy_stays_empty(policy: str) -> None:
    assert read(merged(policy)) == {}


# Forms.


@pytest.mark.parametrize("kind", [str, list, tuple])
def test_a_dict_comes_back_as_a_dict_whose_values_keep_their_type(kind: Callable[[Any], Any]) -> None:
    sources = ["'self'", "https://cdn.example.com"]
    value = " ".join(sources) if kind is str else kind(sources)
    policy = {"default-src": "'self'", "script-src": value, "upgrade-insecure-requests": ""}
    after = merged(policy)
    assert isinstance(after, dict)
    assert isinstance(after["script-src"], kind)  # type: ignore[arg-type]
    words = after["script-src"].split() if kind is str else list(after["script-src"])
    assert words == [*sources, "https://client.crisp.chat"]
    assert after["upgrade-insecure-requests"] == ""
    assert policy["script-src"] == value  # the one given is not changed


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize(
    "policy",
    [
        "default-src 'self'",
        "default-src 'none'; script-src 'self'",
        "Default-Src 'self'; Script-Src 'self'",
        "script-src 'self'; style-src 'none'; form-action 'self'",
    ],
)
def test_text_and_dict_say_the_same(name: str, policy: str) -> None:
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    after = merged(parts, name)
    assert read("; ".join(f"{key} {value}" for key, value in after.items())) == read(merged(policy, name))


@pytest.mark.parametrize("policy", [1, ["default-src"], b"default-src 'self'"])
def test_another_form_is_refused(policy: Any) -> None:
    with pytest.raises(TypeError, match="text or a dict"):
        merged(policy)


def test_without_a_policy_the_needs_alone_are_said() -> None:
    said = read(merged(None))
    assert said["script-src"] == ["'self'", "https://client.crisp.chat"]
    assert "default-src" not in said


# Which page.


def test_a_page_without_chat_needs_nothing() -> None:
    rules = [{"path": "/", "show": False}]
    assert merged("default-src 'self'", LIVECHAT_RULES=rules) == "default-src 'self'"
    assert merged(None, LIVECHAT_RULES=rules) == ""


def test_a_page_needs_only_its_own_vendor() -> None:
    rules = [{"path": "/", "provider": "tawk"}]
    said = merged("default-src 'self'", LIVECHAT_RULES=rules, **ALL_IDS)
    assert "tawk.to" in said
    assert not re.search("crisp|intercom", said)


def test_what_the_template_chose_counts() -> None:
    app = create_app("crisp", secrets=False, **ALL_IDS, LIVECHAT_CSP="merge")

    @app.get("/page")
    def shown() -> Response:
        response = Response(render_template_string("{{ livechat(provider='tawk') }}"))
        response.headers[HEADER] = "default-src 'self'"
        return response

    said = app.test_client().get("/page").headers[HEADER]
    assert "tawk.to" in said
    assert "crisp" not in said


def test_outside_a_request_every_configured_vendor_counts() -> None:
    app = create_app("crisp", secrets=False, **ALL_IDS)
    with app.app_context():
        said = chat_of(app).csp("default-src 'self'")
    assert {"https://*.tawk.to", "https://client.crisp.chat", "https://widget.intercom.io"} <= set(
        read(said)["script-src"]
    )


def test_an_app_without_a_provider_needs_nothing() -> None:
    app = create_app(None)
    with app.test_request_context("/"):
        assert chat_of(app).csp("default-src 'self'") == "default-src 'self'"


# Properties.

words = st.sampled_from(
    "'self' 'none' * https: data: blob: wss: 'unsafe-inline' 'nonce-abc' 'strict-dynamic' https://cdn.test".split()
)
directives = st.sampled_from(
    [*FALLBACKS, "default-src", "default-src", "script-src", "child-src", "form-action", "frame-ancestors", "x-odd"]
)
policies = st.dictionaries(directives, st.lists(words, max_size=4, unique=True), max_size=7).map(csp.write)
by_name = pytest.mark.parametrize("name", VENDORS)
quick = settings(max_examples=150, deadline=None)


@by_name
@given(policy=policies)
@quick
def test_merging_twice_is_merging_once(name: str, policy: str) -> None:
    once = csp.merge(policy, needs_of(name))
    assert csp.merge(once, needs_of(name)) == once


@by_name
def test_keywords_of_scripts_stand_only_where_they_mean_something(name: str) -> None:
    merged = read(csp.merge("default-src 'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval'", needs_of(name)))
    holding = {directive for directive, sources in merged.items() if any("unsafe" in source for source in sources)}
    assert holding <= {"default-src", "script-src", "style-src"}
    assert "'unsafe-inline'" in merged["script-src"]


@by_name
@given(policy=policies)
@quick
def test_nothing_that_was_allowed_is_narrowed(name: str, policy: str) -> None:
    before, after = read(policy), read(csp.merge(policy, needs_of(name)))
    for directive in FALLBACKS:
        was, now = effective(before, directive), effective(after, directive)
        if was is None:
            assert now is None, directive
        elif now is not None:
            # A nonce cannot stand beside the 'unsafe-inline' that vendors' styles need; elsewhere it says nothing.
            # So do the keywords of scripts and styles, where there is neither.
            runs = directive in ("script-src", "style-src")
            idle = "'(none|nonce-|strict-dynamic" + (")" if runs else "|unsafe-|wasm-unsafe-)")
            kept = {source for source in was if not re.match(idle, source)}
            assert kept <= set(now), directive


@by_name
@given(policy=policies)
@quick
def test_what_is_needed_is_allowed_wherever_something_restricts(name: str, policy: str) -> None:
    after = read(csp.merge(policy, needs_of(name)))
    for directive, sources in needs_of(name).items():
        rules = effective(after, directive)
        assert rules is None or set(sources) <= set(rules), directive


@given(text=st.text(max_size=200))
@quick
def test_hostile_policies_never_raise_and_no_line_break_is_added(text: str) -> None:
    result = csp.merge(text, needs_of("crisp"))
    assert csp.merge(result, needs_of("crisp")) == result
    assert not re.search("[\r\n]", result)


@pytest.mark.needs("process")
def test_the_result_does_not_depend_on_the_hash_seed() -> None:
    code = (
        "from flask_livechat import providers; from flask_livechat.widget import csp\n"
        "for name in providers.names():\n"
        "    room = providers.load(name)\n"
        "    values = {key.name: key.default or key.example for key in room.keys}\n"
        "    print(csp.merge(\"default-src 'self'; img-src 'none'\", room.csp(values)))\n"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(answers) == 1
    assert "crisp" in answers.pop()


# Merge mode.


def with_header(app: Flask, *policies: str, header: str = HEADER, template: str = PAGE) -> Flask:
    """``app`` with a page that has the policies."""

    @app.get("/page")
    def page() -> Response:
        response = Response(render_template_string(template))
        for policy in policies:
            response.headers.add(header, policy)
        return response

    return app


@pytest.mark.parametrize("header", [HEADER, REPORT_ONLY])
def test_merge_mode_adds_to_the_header_there_is(make_app: MakeApp, header: str) -> None:
    app = with_header(make_app(LIVECHAT_CSP="merge"), "default-src 'self'", header=header)
    headers = app.test_client().get("/page").headers
    assert "https://client.crisp.chat" in read(headers[header])["script-src"]
    assert len([name for name, _ in headers if name.startswith("Content-Security")]) == 1


def test_merge_mode_adds_to_each_of_several_headers(make_app: MakeApp) -> None:
    app = with_header(make_app(LIVECHAT_CSP="merge"), "default-src 'self'", "script-src 'self'")
    found = app.test_client().get("/page").headers.getlist(HEADER)
    assert len(found) == 2
    assert all("https://client.crisp.chat" in read(policy)["script-src"] for policy in found)


def test_merge_mode_merges_after_everybody_else(make_app: MakeApp) -> None:
    app = make_app(LIVECHAT_CSP="merge")

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers[HEADER] = "default-src 'self'"
        return response

    assert "crisp.chat" in app.test_client().get("/").headers[HEADER]


def test_no_header_is_ever_created(make_app: MakeApp) -> None:
    headers = make_app(LIVECHAT_CSP="merge").test_client().get("/").headers
    assert not [name for name, _ in headers if name.startswith("Content-Security")]


def test_a_page_without_the_widget_keeps_its_header(make_app: MakeApp) -> None:
    app = with_header(make_app(LIVECHAT_CSP="merge"), "default-src 'self'", template="no chat")
    assert app.test_client().get("/page").headers[HEADER] == "default-src 'self'"


def test_an_answer_that_is_no_page_keeps_its_header(make_app: MakeApp) -> None:
    app = make_app(LIVECHAT_CSP="merge")

    @app.get("/part")
    def part() -> tuple[dict[str, str], dict[str, str]]:
        return {"html": render_template_string(PAGE)}, {HEADER: "default-src 'none'"}

    assert app.test_client().get("/part").headers[HEADER] == "default-src 'none'"


def test_merge_is_off_by_default(make_app: MakeApp) -> None:
    app = with_header(make_app(), "default-src 'self'")
    assert app.test_client().get("/page").headers[HEADER] == "default-src 'self'"


# Flask-Talisman.


@pytest.mark.parametrize("mode", ["merge", "helper"])
def test_two_apps_with_flask_talisman_and_policies_per_view_stay_apart(mode: str) -> None:
    policies = {}
    for name in ("tawk", "crisp"):
        app = Flask(name)
        app.config.update(ALL_IDS, TESTING=True, LIVECHAT_PROVIDER=name)
        app.config["LIVECHAT_CSP"] = "merge" if mode == "merge" else "off"
        livechat = LiveChat(app)
        talisman = Talisman(
            app,
            force_https=False,
            session_cookie_secure=False,
            content_security_policy={"default-src": "'self'"},
            content_security_policy_nonce_in=["script-src"],
        )
        own: Any = {"default-src": ["'none'"], "img-src": ["https://img.example.com"]}
        if mode == "helper":
            with app.test_request_context("/strict"):
                own = livechat.csp(own)
        strict_view = talisman(content_security_policy=own)(lambda: render_template_string(PAGE))
        app.add_url_rule("/strict", "strict", strict_view)
        app.add_url_rule("/", "index", lambda: render_template_string(PAGE))
        client = app.test_client()
        policies[name] = [client.get(path).headers[HEADER] for path in ("/strict", "/", "/strict")]
    for name, other_name in (("tawk", "crisp"), ("crisp", "tawk")):
        strict, plain, _ = map(read, policies[name])
        assert any(name in source for source in strict["script-src"])
        assert strict["img-src"][0] == "https://img.example.com"
        assert strict["default-src"] == ["'none'"]
        assert plain["default-src"] == ["'self'"]
        assert other_name not in " ".join(policies[name])
        assert ("script-src" in plain) is (mode == "merge")
        without_nonces = [re.sub("'nonce-[^']+'", "", policy) for policy in policies[name]]
        assert without_nonces[0] == without_nonces[2]


def test_with_talismans_nonce_the_page_and_the_policy_agree() -> None:
    app = create_app("crisp", login=False, LIVECHAT_CSP="merge")
    Talisman(
        app,
        force_https=False,
        content_security_policy={"default-src": "'self'", "script-src": "'self'"},
        content_security_policy_nonce_in=["script-src"],
    )
    response = app.test_client().get("/")
    policy = read(response.headers[HEADER])
    (nonce,) = set(re.findall(r'nonce="([^"]+)"', response.text))
    assert f"'nonce-{nonce}'" in policy["script-src"]
    assert "https://client.crisp.chat" in policy["script-src"]
    assert "nonce" not in " ".join(policy["style-src"])


@pytest.mark.parametrize("token", ["'nonce-abc'", "'sha256-abc='"])
def test_a_nonce_that_switches_the_chats_styles_off_is_said_in_the_log(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture, token: str
) -> None:
    app = make_app()
    with app.test_request_context("/"):
        chat_of(app).csp(f"style-src 'self' {token}")
        chat_of(app).csp({"style-src": ["'self'", token]})
    assert [record.message for record in caplog.records].count(caplog.records[0].message) == 1
    assert "style-src" in caplog.text


def test_a_nonce_for_scripts_alone_is_no_trouble(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    app = make_app()
    with app.test_request_context("/"):
        chat_of(app).csp("default-src 'self'; script-src 'self' 'nonce-abc'")
    assert not caplog.records


# What a policy lacks, for the doctor.


@pytest.mark.parametrize(
    ("sources", "wanted", "answer"),
    [
        (None, "https://a.test", True),
        (["https://a.test"], "https://a.test", True),
        (["https://A.test"], "https://a.test", True),
        (["a.test"], "https://a.test", True),
        (["a.test"], "wss://a.test", False),
        (["*"], "wss://a.test", True),
        (["*"], "data:", False),
        (["https:"], "https://a.test", True),
        (["https:"], "wss://a.test", False),
        (["wss:"], "wss://a.test", True),
        (["https://*.a.test"], "https://b.a.test", True),
        (["https://*.a.test"], "https://*.a.test", True),
        (["https://*.a.test"], "https://*.b.a.test", True),
        (["https://*.a.test"], "https://a.test", False),
        (["https://b.a.test"], "https://*.a.test", False),
        (["https://a.test/path"], "https://a.test", False),
        (["'self'"], "https://a.test", False),
        (["'self'"], "'self'", True),
        (["'none'"], "'self'", False),
        (["'unsafe-inline'"], "'unsafe-inline'", True),
        (["'unsafe-inline'", "'nonce-x'"], "'unsafe-inline'", False),
        (["'nonce-x'", "'strict-dynamic'"], "https://a.test", False),
        (["https:"], "'self'", True),
        (["https://*"], "'self'", True),
        (["https://*"], "https://a.test", True),
        (["wss://*"], "https://a.test", True),
        (["http://a.test"], "https://a.test", True),
        (["https://a.test/"], "https://a.test", True),
        (["https://a.test:443"], "https://a.test", True),
        (["https://a.test:8443"], "https://a.test", False),
        (["https://a.test:*"], "https://a.test", True),
        (["blob:"], "data:", False),
        (["data:"], "data:", True),
    ],
)
def test_a_list_of_sources_allows_what_a_browser_would(sources: Any, wanted: str, answer: bool) -> None:
    assert csp.allowed(sources, wanted) is answer


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    "policy",
    [
        "default-src 'none'",
        "default-src 'self'; img-src 'self'",
        "script-src 'self'; style-src-elem 'self'; style-src-attr 'none'",
        "child-src 'none'; frame-src 'none'",
        "default-src 'nonce-x' 'strict-dynamic'; trusted-types app",
        "require-trusted-types-for 'script'; trusted-types 'none'",
    ],
)
def test_a_merged_policy_lacks_nothing(make_app: MakeApp, vendor: str, policy: str) -> None:
    app = make_app(vendor)
    with app.app_context():
        needs = chat_of(app).needs_of([vendor])
    assert csp.missing(csp.parse(policy), needs) != {}
    assert csp.missing(csp.parse(csp.merge(policy, needs)), needs) == {}


def test_what_elements_and_attributes_need_is_told_apart() -> None:
    needs = {"style-src": ["'unsafe-inline'", "https://a.test"]}
    right = "style-src 'unsafe-inline' https://a.test"
    assert csp.missing(csp.parse(f"{right}; style-src-attr 'unsafe-inline'"), needs) == {}
    wrong = csp.parse("style-src 'self'; style-src-attr 'unsafe-inline' https://a.test")
    assert csp.missing(wrong, needs) == {"style-src": ["'unsafe-inline'", "https://a.test"]}
    for kind in ("script", "style"):
        ruled = csp.parse(f"{kind}-src https://a.test; {kind}-src-elem 'self'")
        assert csp.missing(ruled, {f"{kind}-src": ["https://a.test"]}) == {f"{kind}-src-elem": ["https://a.test"]}


def test_strict_dynamic_is_for_scripts_alone() -> None:
    needs = {"script-src": ["'self'", "https://a.test"], "img-src": ["https://a.test"]}
    assert csp.missing(csp.parse("default-src 'nonce-x' 'strict-dynamic'"), needs) == {"img-src": ["https://a.test"]}


def test_the_sites_own_origin_may_stand_for_self() -> None:
    policy, needs = csp.parse("script-src https://shop.test"), {"script-src": ["'self'"]}
    assert csp.missing(policy, needs, "https://shop.test") == {}
    assert csp.missing(policy, needs, "https://other.test") == {"script-src": ["'self'"]}


def test_an_empty_policy_lacks_nothing() -> None:
    assert csp.missing({}, {"script-src": ["https://a.test"]}) == {}


def test_our_trusted_types_policy_is_allowed_where_names_are_restricted() -> None:
    needs = {"script-src": ["https://a.test"]}
    assert csp.merge("trusted-types app", needs) == "trusted-types app livechat"
    assert csp.merge("trusted-types 'none'", needs) == "trusted-types livechat"
    assert csp.merge("require-trusted-types-for 'script'", needs) == "require-trusted-types-for 'script'"
    assert csp.merge("trusted-types app", {}) == "trusted-types app"

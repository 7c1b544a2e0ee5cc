"""app.config, checked once and as a whole."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
from flask import Flask

from flask_livechat import ConfigError, LiveChat, LiveChatError, Problem, extension, providers, settings
from flask_livechat.settings import Settings
from flask_livechat.targets import Target

from .conftest import ALL_IDS, IDS, TAWK_KEY, VENDORS, create_app

CRISP = IDS["crisp"] | {"LIVECHAT_PROVIDER": "crisp"}


def read(development: bool = True, **config: Any) -> Settings:
    return settings.read({f"LIVECHAT_{key}": value for key, value in config.items()} | CRISP, development=development)


def problems(development: bool = True, **config: Any) -> tuple[Problem, ...]:
    given = CRISP | {f"LIVECHAT_{key}": value for key, value in config.items()}
    with pytest.raises(ConfigError) as caught:
        settings.read(given, development=development)
    return caught.value.problems


def test_the_defaults_are_the_contracts() -> None:
    found = {name: getattr(settings.read({}, development=False), name) for name in DEFAULTS}
    assert found == DEFAULTS


DEFAULTS = {
    "provider": None,
    "load": "idle",
    "rules": (),
    "identity_delivery": "inline",
    "allow_unverified": False,
    "token_ttl": 7200,
    "consent": "implied",
    "office_hours": None,
    "offline": "show",
    "fallback_url": None,
    "position": {"side": "right", "x": 20, "y": 20, "mobile_x": 10, "mobile_y": 70},
    "mobile": "show",
    "launcher": "vendor",
    "launchers_in": None,
    "texts": {},
    "locale": None,
    "csp": "off",
    "csp_articles": False,
    "nonce": None,
    "url_prefix": "/livechat",
    "cookie_domain": None,
    "report_failures": False,
    "csp_reports": True,
    "guard": True,
    "on_error": None,
    "track_via": "page",
    "database_url": None,
    "webhook_tolerance": None,
    "keep_days": None,
    "outreach": 1,
    "celery": False,
    "inbox": False,
    "targets": {
        "first_response": Target(None, 120, "seconds"),
        "resolution": Target(None, 900, "seconds"),
        "deflection": Target(0.3, 0.5, "share"),
        "csat": Target(0.9, None, "share"),
    },
    "articles": None,
    "article_pages": False,
    "keep_questions": False,
    "site_url": None,
    "help": "off",
    "flows": None,
    "flow_steps": 3,
    "sandbox": False,
}


def test_every_setting_of_the_contract_has_its_key() -> None:
    core = {f"LIVECHAT_{name.upper()}" for name in DEFAULTS}
    rooms = {
        f"LIVECHAT_{name}"
        for name in """
        TAWK_PROPERTY_ID TAWK_WIDGET_ID TAWK_JS_API_KEY TAWK_REST_API_KEY TAWK_WEBHOOK_SECRET
        CRISP_WEBSITE_ID CRISP_IDENTITY_SECRET CRISP_SESSION_SECRET CRISP_API_IDENTIFIER CRISP_API_KEY CRISP_API_TIER
        CRISP_WEBHOOK_SECRET CRISP_WEBHOOK_KEY
        INTERCOM_APP_ID INTERCOM_IDENTITY_SECRET INTERCOM_IDENTITY INTERCOM_REGION INTERCOM_ACCESS_TOKEN
        INTERCOM_CLIENT_SECRET INTERCOM_API_VERSION
        """.split()
    }
    assert set(settings.keys()) == core | rooms


@pytest.mark.parametrize(
    ("key", "good"),
    [
        ("IDENTITY_DELIVERY", "fetch"),
        ("ALLOW_UNVERIFIED", True),
        ("TOKEN_TTL", 60),
        ("TOKEN_TTL", 30 * 24 * 3600),
        ("CONSENT", "required"),
        ("CONSENT", "click"),
        ("OFFLINE", "leave-message"),
        ("FALLBACK_URL", "/contact"),
        ("FALLBACK_URL", "mailto:help@example.com"),
        ("FALLBACK_URL", "tel:+15550100"),
        ("FALLBACK_URL", "https://help.example.com/"),
        ("MOBILE", "hide"),
        ("LAUNCHER", "own"),
        ("LAUNCHER", "none"),
        ("TEXTS", {"nl": {"chat": "Chat met ons", "unread": "{n} ongelezen"}, "pt-BR": {}}),
        ("LAUNCHERS_IN", "header, footer, #help"),
        ("LAUNCHERS_IN", r"main > .a:not(.b, #c) [href^='/x('], :is(nav, header), #a\:b, .größe"),
        ("LOCALE", "de"),
        ("LOCALE", "pt-BR"),
        ("LOCALE", "zh_Hant_TW"),
        ("CSP", "merge"),
        ("CSP_ARTICLES", True),
        ("CSP_ARTICLES", ["https://help.example.com", "https://*.example.com:8443"]),
        ("NONCE", "abc"),
        ("URL_PREFIX", "/a/b-c"),
        ("COOKIE_DOMAIN", ".example.co.uk"),
        ("COOKIE_DOMAIN", "localhost"),
        pytest.param("CELERY", True, marks=pytest.mark.needs("package")),
        ("KEEP_DAYS", 365),
        ("OUTREACH", 0),
        ("SANDBOX", True),
    ],
)
def test_right_values_are_taken_as_they_are(key: str, good: Any) -> None:
    assert getattr(read(**{key: good}), key.lower()) == good


@pytest.mark.parametrize(
    ("key", "bad"),
    [
        ("LOAD", "sometimes"),
        ("IDENTITY_DELIVERY", "both"),
        ("IDENTITY_DELIVERY", ["inline"]),
        ("ALLOW_UNVERIFIED", "yes"),
        ("TOKEN_TTL", 59),
        ("TOKEN_TTL", 10**9),
        ("TOKEN_TTL", True),
        ("TOKEN_TTL", "7200"),
        ("TOKEN_TTL", 60.5),
        ("CONSENT", "yes"),
        ("CONSENT", {}),
        ("OFFLINE", "away"),
        ("FALLBACK_URL", "javascript:alert(1)"),
        ("FALLBACK_URL", "//evil.example"),
        ("FALLBACK_URL", "contact"),
        ("FALLBACK_URL", "data:text/html,x"),
        ("FALLBACK_URL", ""),
        ("MOBILE", True),
        ("LAUNCHER", "both"),
        ("TEXTS", {"nl": "Chat met ons"}),
        ("TEXTS", {"nl": {"greeting": "Hallo"}}),
        ("TEXTS", {"nl": {"chat": ""}}),
        ("TEXTS", {"nl": {"chat": "x" * 121}}),
        ("TEXTS", {"nl": {"unread": "ongelezen"}}),
        ("TEXTS", {"a language": {}}),
        ("TEXTS", ["nl"]),
        ("LAUNCHERS_IN", ""),
        ("LAUNCHERS_IN", "header,"),
        ("LAUNCHERS_IN", "header..a"),
        ("LAUNCHERS_IN", "[data-x"),
        ("LAUNCHERS_IN", "a {"),
        ("LAUNCHERS_IN", "> a"),
        ("LAUNCHERS_IN", "a[]"),
        ("LAUNCHERS_IN", "#1a"),
        ("LAUNCHERS_IN", 5),
        ("LOCALE", "english language"),
        ("LOCALE", "</script>"),
        ("LOCALE", 7),
        ("CSP", "on"),
        ("CSP", True),
        ("CSP_ARTICLES", "https://help.example.com"),
        ("CSP_ARTICLES", ["help.example.com"]),
        ("CSP_ARTICLES", ["https://help.example.com; script-src *"]),
        ("CSP_ARTICLES", ["https://help.example.com/docs"]),
        ("CSP_ARTICLES", [7]),
        ("NONCE", ""),
        ("NONCE", 7),
        ("URL_PREFIX", "livechat"),
        ("URL_PREFIX", "/livechat/"),
        ("URL_PREFIX", "/"),
        ("URL_PREFIX", "/<x>"),
        ("URL_PREFIX", None),
        ("COOKIE_DOMAIN", "https://example.com"),
        ("COOKIE_DOMAIN", "example.com; Secure"),
        ("COOKIE_DOMAIN", ""),
        ("CELERY", "redis://"),
        ("KEEP_DAYS", 0),
        ("OUTREACH", -1),
        ("OUTREACH", None),
        ("OUTREACH", True),
        ("SANDBOX", "yes"),
        ("SANDBOX", None),
        ("POSITION", {"side": "top"}),
        ("POSITION", {"x": -1}),
        ("POSITION", {"x": "20px"}),
        ("POSITION", {"z": 1}),
        ("POSITION", "left"),
        ("POSITION", {"y": True}),
        ("OFFICE_HOURS", "9-5"),
        ("OFFICE_HOURS", {"tz": "Mars/Olympus", "mon": "09:00-17:00"}),
        ("PROVIDER", "zendesk"),
        ("PROVIDER", "tawk"),
        ("PROVIDER", 7),
        ("RULES", "none"),
        ("TARGETS", 120),
        ("TARGETS", None),
        ("TARGETS", {"csta": 0.9}),
        ("TARGETS", {"csat": 90}),
        ("TARGETS", {"csat": "0.9"}),
        ("TARGETS", {"csat": True}),
        ("TARGETS", {"csat": float("nan")}),
        ("TARGETS", {"first_response": -1}),
        ("TARGETS", {"first_response": float("inf")}),
        ("TARGETS", {"deflection": [0.5, 0.3]}),
        ("TARGETS", {"deflection": [0.5]}),
        ("TARGETS", {"deflection": [0.3, 0.5, 0.7]}),
        ("TARGETS", {7: 0.9}),
    ],
)
def test_a_wrong_value_is_one_problem_that_names_its_key(key: str, bad: Any) -> None:
    (problem,) = problems(**{key: bad})
    assert problem.key == f"LIVECHAT_{key}"
    assert re.fullmatch(r"LC\d{3}", problem.code)
    assert problem.what
    assert problem.fix


def test_a_position_given_in_part_is_completed() -> None:
    assert read(POSITION={"side": "left"}).position == DEFAULTS["position"] | {"side": "left"}  # type: ignore[operator]


def test_targets_given_in_part_are_completed_and_none_is_no_target() -> None:
    targets = read(TARGETS={"csat": [0.7, 0.9], "deflection": 0.4, "resolution": None}).targets
    assert targets == {
        "first_response": Target(None, 120, "seconds"),
        "deflection": Target(0.4, None, "share"),
        "csat": Target(0.7, 0.9, "share"),
    }


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"csta": 0.9}, "'csta' is not a figure with a target; these are first_response, resolution, deflection, csat"),
        ({"csat": 90}, "'csat' takes a share from 0 to 1, or a pair of minimum and maximum, and not 90"),
        ({"resolution": "1h"}, "'resolution' takes a number of seconds, or a pair"),
        ({"resolution": 10**400}, "'resolution' takes a number of seconds, or a pair"),
        ({"deflection": [0.5, 0.3]}, "'deflection' takes a pair of minimum and maximum, and not [0.5, 0.3]"),
    ],
)
def test_a_wrong_target_is_named_with_what_it_takes(config: dict[str, Any], message: str) -> None:
    (problem,) = problems(TARGETS=config)
    assert message in problem.what


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.3, "within"), (0.5, "within"), (0.29, "below"), (0.51, "above"), (0.0, "below"), (None, None)],
)
def test_a_verdict_counts_the_bounds_of_a_target_in(value: float | None, verdict: str | None) -> None:
    assert Target(0.3, 0.5, "share").verdict(value) == verdict


# Everything at once.


def test_every_problem_is_listed_in_one_error() -> None:
    found = problems(
        LOAD="sometimes",
        TOKEN_TTL=1,
        CONSNT="required",
        CRISP_WEBSITE_ID="nope",
        TAWK_JS_API_KEY="short",
        RULES=[{"lod": "eager"}, {"load": "fast"}],
        OFFICE_HOURS={},
        POSITION={"x": -1},
    )
    assert {problem.key for problem in found} == {
        "LIVECHAT_LOAD",
        "LIVECHAT_TOKEN_TTL",
        "LIVECHAT_CONSNT",
        "LIVECHAT_CRISP_WEBSITE_ID",
        "LIVECHAT_TAWK_PROPERTY_ID",
        "LIVECHAT_TAWK_JS_API_KEY",
        "LIVECHAT_RULES[0]",
        "LIVECHAT_RULES[1]",
        "LIVECHAT_OFFICE_HOURS",
        "LIVECHAT_POSITION",
    }


def test_the_errors_text_has_every_problem_with_code_key_and_cure() -> None:
    with pytest.raises(ConfigError) as caught:
        settings.read({"LIVECHAT_LOAD": "x", "LIVECHAT_MOBILE": "x"}, development=True)
    for problem in caught.value.problems:
        for part in (problem.code, problem.key, problem.what, problem.fix):
            assert part in str(caught.value)
    assert isinstance(caught.value, LiveChatError)


def test_a_wrong_configuration_stops_the_app_at_start_and_leaves_nothing_behind() -> None:
    app = Flask("tests")
    app.config.update(CRISP, LIVECHAT_LOAD="x")
    with pytest.raises(ConfigError):
        LiveChat(app)
    assert "livechat" not in app.extensions
    assert "livechat" not in app.blueprints
    app.config["LIVECHAT_LOAD"] = "idle"
    LiveChat(app)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("LIVECHAT_PROVDER", "LIVECHAT_PROVIDER"),
        ("LIVECHAT_CRISP_WEBSITEID", "LIVECHAT_CRISP_WEBSITE_ID"),
        ("LIVECHAT_TAWK_API_KEY", "LIVECHAT_TAWK_JS_API_KEY"),
        ("LIVECHAT_INTERCOM_SECRET", "LIVECHAT_INTERCOM_"),
        ("LIVECHAT_RULE", "LIVECHAT_RULES"),
    ],
)
def test_an_unknown_key_names_the_nearest_known_one_and_not_its_value(wrong: str, near: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings.read({wrong: "5ecret"}, development=True)
    (problem,) = caught.value.problems
    assert near in problem.fix
    assert "5ecret" not in str(caught.value)


def test_keys_of_others_are_nobodys_business() -> None:
    assert settings.read({"LIVECHATTY": 1, "SECRET_KEY": "x", "OTHER_LIVECHAT_X": 1}, development=True)


def test_a_wrong_provider_names_the_nearest_or_all() -> None:
    (problem,) = problems(PROVIDER="crips")
    assert "'crisp'" in problem.fix
    (problem,) = problems(PROVIDER="zzz")
    assert all(name in problem.fix for name in VENDORS)


@pytest.mark.parametrize("name", VENDORS)
def test_a_provider_without_its_ids_is_a_problem_that_says_which(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings.read({"LIVECHAT_PROVIDER": name}, development=True)
    assert next(iter(IDS[name])) in caught.value.problems[0].fix


def test_a_vendors_secret_without_its_id_is_a_problem() -> None:
    (problem,) = problems(TAWK_JS_API_KEY=TAWK_KEY)
    assert problem.key == "LIVECHAT_TAWK_PROPERTY_ID"


@pytest.mark.parametrize("empty", [None, "", False])
def test_no_provider_is_no_problem(empty: Any) -> None:
    assert settings.read({"LIVECHAT_PROVIDER": empty}, development=False).provider is None


# Vendor keys.


@pytest.mark.parametrize(
    ("key", "good"),
    [
        ("TAWK_PROPERTY_ID", "0123456789abcdefABCDEF01"),
        ("TAWK_WIDGET_ID", "1itmog912"),
        ("CRISP_WEBSITE_ID", "42286AB3-b29a-4fde-8538-da0ae501d825"),
        ("INTERCOM_REGION", "au"),
        ("INTERCOM_IDENTITY", "hmac"),
        ("INTERCOM_API_VERSION", 2.16),
    ],
)
def test_the_vendors_grammars_are_accepted(key: str, good: Any) -> None:
    config = CRISP | ALL_IDS | {f"LIVECHAT_{key}": good}
    vendor, _, rest = key.partition("_")
    assert settings.read(config, development=True).providers[vendor.lower()][rest] == str(good)


@pytest.mark.parametrize(
    ("key", "bad"),
    [
        ("TAWK_PROPERTY_ID", "58ca8453b8a7e060cd3b1ec"),
        ("TAWK_PROPERTY_ID", "58ca8453b8a7e060cd3b1ecg"),
        ("TAWK_PROPERTY_ID", "58ca8453b8a7e060cd3b1ecb\n"),
        ("TAWK_WIDGET_ID", "a/b"),
        ("TAWK_JS_API_KEY", "short"),
        ("CRISP_WEBSITE_ID", "42286ab3b29a4fde8538da0ae501d825"),
        ("CRISP_API_TIER", "gold"),
        ("CRISP_API_IDENTIFIER", "an-identifier\u200b"),  # as a copy out of a page may end
        ("INTERCOM_APP_ID", "abc 123"),
        ("INTERCOM_REGION", "ap"),
        ("INTERCOM_IDENTITY", "none"),
        ("INTERCOM_API_VERSION", "latest"),
    ],
)
def test_other_values_are_refused_with_where_to_find_the_right_one(key: str, bad: str) -> None:
    config = CRISP | ALL_IDS | {f"LIVECHAT_{key}": bad}
    with pytest.raises(ConfigError) as caught:
        settings.read(config, development=True)
    (problem,) = caught.value.problems
    vendor, _, rest = key.partition("_")
    where = next(one.where for one in providers.load(vendor.lower()).keys if one.name == rest)
    assert (problem.key, problem.fix) == (f"LIVECHAT_{key}", where)


def test_ids_that_the_environment_turned_into_numbers_are_read_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_LIVECHAT_TAWK_PROPERTY_ID", "123456789012345678901234")
    monkeypatch.setenv("FLASK_LIVECHAT_INTERCOM_APP_ID", "12e4")
    app = Flask("tests")
    app.config.from_prefixed_env()
    with pytest.raises(ConfigError) as caught:
        LiveChat(app)
    (problem,) = caught.value.problems
    assert (problem.key, problem.code) == ("LIVECHAT_INTERCOM_APP_ID", "LC104")


def test_secrets_come_from_the_environment_as_one_or_as_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_LIVECHAT_CRISP_IDENTITY_SECRET", '["newest", "older"]')
    monkeypatch.setenv("FLASK_LIVECHAT_CRISP_SESSION_SECRET", "alone")
    app = Flask("tests")
    app.config.update(CRISP)
    app.config.from_prefixed_env()
    LiveChat(app)
    values = app.extensions["livechat"].settings.providers["crisp"]
    assert tuple(values["IDENTITY_SECRET"]) == ("newest", "older")
    assert tuple(values["SESSION_SECRET"]) == ("alone",)


@pytest.mark.parametrize("empty", ["", None, [], ()])
def test_an_empty_secret_counts_as_none(empty: Any) -> None:
    assert "IDENTITY_SECRET" not in read(CRISP_IDENTITY_SECRET=empty).providers["crisp"]


def test_a_list_with_an_empty_secret_is_a_problem() -> None:
    (problem,) = problems(CRISP_IDENTITY_SECRET=["good", ""])
    assert problem.key == "LIVECHAT_CRISP_IDENTITY_SECRET"


def test_secrets_print_as_a_count() -> None:
    found = read(CRISP_IDENTITY_SECRET=["5ecret-1", "5ecret-2"])
    shown = f"{found!r}{found}{dict(found.providers)!r}{found.providers['crisp']['IDENTITY_SECRET']}"
    assert "5ecret" not in shown
    assert "<2 secrets>" in shown


def test_settings_cannot_be_changed_afterwards() -> None:
    found = read()
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.load = "eager"  # type: ignore[misc]
    with pytest.raises(TypeError):
        found.providers["crisp"]["WEBSITE_ID"] = "x"  # type: ignore[index]
    with pytest.raises(TypeError):
        found.position["x"] = 1  # type: ignore[index]


def test_the_configuration_is_read_once_at_start() -> None:
    app = create_app("crisp")
    before = app.test_client().get("/").text
    app.config["LIVECHAT_LOAD"] = "eager"
    assert app.test_client().get("/").text == before


# Sandbox.


@pytest.mark.parametrize("insisted", [True, 1, 1.0])
def test_the_sandbox_does_not_start_in_production_however_yes_is_written(insisted: Any) -> None:
    (problem,) = problems(development=False, SANDBOX=insisted)
    assert problem.key == "LIVECHAT_SANDBOX"


@pytest.mark.parametrize(("development", "given"), [(True, True), (True, "allow"), (False, "allow")])
def test_the_sandbox_starts_in_development_or_when_allowed(development: bool, given: Any) -> None:
    assert read(development, SANDBOX=given).sandbox is True


@pytest.mark.parametrize("name", VENDORS)
def test_the_sandbox_needs_no_keys_at_all(name: str) -> None:
    found = settings.read({"LIVECHAT_PROVIDER": name, "LIVECHAT_SANDBOX": True}, development=True)
    assert set(found.providers) == set(VENDORS)
    assert found.providers[name][providers.load(name).identity]


def test_outside_the_sandbox_no_example_is_ever_used() -> None:
    assert set(read().providers) == {"crisp"}
    assert "IDENTITY_SECRET" not in read().providers["crisp"]


# Rooms.


def test_a_room_that_there_is_not_is_said_with_those_there_are() -> None:
    with pytest.raises(LiveChatError, match="crisp, intercom, tawk"):
        providers.load("zendesk")


@pytest.mark.parametrize("name", ["", "../crisp", "crisp.widget", "__init__", "os"])
def test_no_name_loads_anything_but_a_room(name: str) -> None:
    with pytest.raises(LiveChatError):
        providers.load(name)


@pytest.mark.parametrize("written", ["true", "True", "TRUE"])
def test_true_and_false_may_be_text_as_in_the_environment(written: str) -> None:
    assert settings.read({"LIVECHAT_SANDBOX": written}, development=True).sandbox is True


def test_the_sandbox_proves_identity_and_brings_conversations_back_without_any_key() -> None:
    values = settings.read({"LIVECHAT_SANDBOX": True}, development=True).providers
    assert values["crisp"]["SESSION_SECRET"]
    assert values["tawk"]["JS_API_KEY"]
    assert values["intercom"]["IDENTITY_SECRET"]


@pytest.mark.parametrize("value", [[None, "old"], b"abc", [["x"]], ["new", ""], {"a": 1}, 1.5, True])
def test_a_secret_that_is_not_text_is_a_problem_and_never_a_key(value: object) -> None:
    config = {"LIVECHAT_CRISP_WEBSITE_ID": "42286ab3-b29a-4fde-8538-da0ae501d825"}
    with pytest.raises(ConfigError, match="LIVECHAT_CRISP_SESSION_SECRET"):
        settings.read(config | {"LIVECHAT_CRISP_SESSION_SECRET": value}, development=True)


@pytest.mark.parametrize("value", [["crisp"], {"a": 1}, 7])
def test_a_provider_that_is_not_text_is_a_problem(value: object) -> None:
    with pytest.raises(ConfigError, match="LIVECHAT_PROVIDER"):
        settings.read({"LIVECHAT_PROVIDER": value}, development=True)


@pytest.mark.parametrize(
    "late",
    [{"LIVECHAT_CSP": "merge"}, {"LIVECHAT_LOAD": "eager"}, {"LIVECHAT_LAOD": "eager"}, {"LIVECHAT_PROVIDER": "tawk"}],
)
@pytest.mark.parametrize("provider", ["crisp", None])
def test_what_is_set_too_late_is_said_once(
    provider: str | None, late: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(provider)
    app.config.update(late)
    for path in ("/", "/", "/pricing"):
        app.test_client().get(path)
    said = [one.getMessage() for one in caplog.records if "after LiveChat(app)" in one.getMessage()]
    assert len(said) == 1
    assert next(iter(late)) in said[0]


# What is printed, and what is said at start.

LOOKS_SECRET = [
    "sk_live_4eC39HqL",
    "hunter2hunter22",
    "a-secret-of-nobody-else",
    ["sk_live_4eC39HqL"],
    {"a": "hunter2"},
]


@pytest.mark.parametrize("value", LOOKS_SECRET)
@pytest.mark.parametrize("key", settings.keys())
def test_no_problem_prints_what_could_be_a_secret_under_the_wrong_key(key: str, value: Any) -> None:
    try:
        settings.read(CRISP | ALL_IDS | {key: value}, development=True)
    except ConfigError as error:
        text = str(error)
    else:
        return
    assert key in text
    for secret in ("sk_live", "hunter2", "nobody-else"):
        assert secret not in text


@pytest.mark.parametrize(("key", "secret"), [("DATABASE_URL", "db://u:pw@h"), ("NONCE", 4711)])
def test_no_problem_prints_a_password_or_a_nonce_however_short_it_is(key: str, secret: Any) -> None:
    (problem,) = problems(**{key: secret})
    assert str(secret) not in str(problem)


@pytest.mark.parametrize("field", ["show", "load", "provider", "mobile", "when", "tour", "endpoint"])
def test_no_rule_prints_what_could_be_a_secret(field: str) -> None:
    for problem in problems(RULES=[{"path": "/x", field: {"key": "hunter2"}}]):
        assert "hunter2" not in str(problem)


@pytest.mark.parametrize(
    ("key", "value", "possible"),
    [
        ("INTERCOM_REGION", "de", ["'us'", "'eu'", "'au'"]),
        ("INTERCOM_IDENTITY", "none", ["'jwt'", "'hmac'"]),
        ("CRISP_API_TIER", "gold", ["'website'", "'plugin'", "'user'"]),
        ("OFFLINE", "away", ["'show'", "'hide'", "'leave-message'"]),
        ("PROVIDER", "zzz", ["crisp", "intercom", "tawk"]),
    ],
)
def test_an_error_lists_the_values_that_are_possible(key: str, value: str, possible: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        settings.read(CRISP | ALL_IDS | {f"LIVECHAT_{key}": value}, development=True)
    assert all(one in str(caught.value) for one in possible)


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("RULES", '[{"path": "/admin/*", "show": False}]'),  # of Python, not JSON
        ("OFFICE_HOURS", "{'tz': 'Europe/Berlin'}"),
        ("POSITION", "{'side': 'left'}"),
        ("TARGETS", "{'csat': 0.9}"),
    ],
)
def test_an_error_shows_the_json_that_the_environment_takes(
    key: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the error shows works, pasted as it stands."""
    variable = f"FLASK_LIVECHAT_{key}"

    def start() -> None:
        app = Flask("tests")
        app.config.update(CRISP)
        app.config.from_prefixed_env()
        LiveChat(app)

    monkeypatch.setenv(variable, wrong)
    with pytest.raises(ConfigError) as caught:
        start()
    pasted = re.search(rf"{variable}='([^']+)'", str(caught.value))
    assert pasted
    monkeypatch.setenv(variable, pasted[1])
    start()


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("postgres://u:p@h/d", "postgresql://u:p@h/d"),
        ("postgres+psycopg://h/d", "postgresql+psycopg://h/d"),
        ("postgresql://h/d", "postgresql://h/d"),
        ("sqlite:///postgres:x.db", "sqlite:///postgres:x.db"),
    ],
)
def test_postgres_is_another_name_of_postgresql(written: str, read_as: str) -> None:
    assert read(DATABASE_URL=written).database_url == read_as


def said_at_start(caplog: pytest.LogCaptureFixture, **config: Any) -> list[str]:
    app = Flask("tests")
    app.config.update({f"LIVECHAT_{key}": value for key, value in config.items()})
    LiveChat(app)
    return [record.getMessage() for record in caplog.records if record.name == "tests"]


@pytest.mark.parametrize("name", VENDORS)
def test_ids_without_a_provider_are_said_at_start(name: str, caplog: pytest.LogCaptureFixture) -> None:
    config = {key.removeprefix("LIVECHAT_"): value for key, value in IDS[name].items()}
    (line,) = said_at_start(caplog, **config)
    assert next(iter(IDS[name])) in line
    assert f"LIVECHAT_PROVIDER = {name!r}" in line


def test_ids_that_a_rule_uses_are_not(caplog: pytest.LogCaptureFixture) -> None:
    website = CRISP["LIVECHAT_CRISP_WEBSITE_ID"]
    assert not said_at_start(caplog, CRISP_WEBSITE_ID=website, RULES=[{"path": "/shop/*", "provider": "crisp"}])


WEAK = (
    "changeme change-me CHANGE_ME your-secret-here <secret> ${CRISP_SECRET} xxxxxxxxxxxxxxxxxxxx secret s3cr3t".split()
)


@pytest.mark.parametrize("secret", [*WEAK, "password123", "todo", "a1b2c3", "example-crisp-verification-secret"])
def test_a_secret_that_nobody_has_made_is_a_warning_at_start(secret: str, caplog: pytest.LogCaptureFixture) -> None:
    website = CRISP["LIVECHAT_CRISP_WEBSITE_ID"]
    (line,) = said_at_start(caplog, PROVIDER="crisp", CRISP_WEBSITE_ID=website, CRISP_IDENTITY_SECRET=secret)
    assert "LIVECHAT_CRISP_IDENTITY_SECRET" in line
    assert secret not in line.replace("LIVECHAT_CRISP_IDENTITY_SECRET", "")


@pytest.mark.parametrize("sandbox", [False, "allow"])
def test_an_older_secret_that_nobody_has_made_is_a_warning_on_the_sandbox_as_well(
    sandbox: Any, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = ["0f8c2d6e5b1a49c7", "changeme"]
    config = {"CRISP_WEBSITE_ID": CRISP["LIVECHAT_CRISP_WEBSITE_ID"], "CRISP_IDENTITY_SECRET": secrets}
    (line,) = said_at_start(caplog, PROVIDER="crisp", SANDBOX=sandbox, **config)
    assert "LIVECHAT_CRISP_IDENTITY_SECRET" in line


@pytest.mark.parametrize(
    "secret", ["0f8c2d6e5b1a49c7", "mywpXz81kQv7dRt2LmNb", "k" + "9f86d081884c7d659a2feaa0c55ad015"]
)
def test_a_secret_that_somebody_has_made_is_not(secret: str, caplog: pytest.LogCaptureFixture) -> None:
    website = CRISP["LIVECHAT_CRISP_WEBSITE_ID"]
    assert not said_at_start(caplog, PROVIDER="crisp", CRISP_WEBSITE_ID=website, CRISP_IDENTITY_SECRET=secret)


def test_the_sandboxs_examples_are_no_placeholders(caplog: pytest.LogCaptureFixture) -> None:
    assert not said_at_start(caplog, PROVIDER="crisp", SANDBOX="allow")


def test_an_inbox_that_nothing_fills_is_said_at_start(caplog: pytest.LogCaptureFixture) -> None:
    website = CRISP["LIVECHAT_CRISP_WEBSITE_ID"]
    listening = {"PROVIDER": "crisp", "CRISP_WEBSITE_ID": website, "CRISP_WEBHOOK_KEY": "a-key-of-the-tests-0123456789"}
    assert not said_at_start(caplog, INBOX=True, **listening)
    assert "the inbox is off" in str(said_at_start(caplog, PROVIDER="crisp", CRISP_WEBSITE_ID=website, INBOX=True))


def test_an_inbox_without_its_extra_is_said_at_start_with_the_command(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "find_spec", lambda name: None)
    monkeypatch.setattr(extension, "find_spec", lambda name: None)
    (line,) = [line for line in said_at_start(caplog, INBOX=True, PROVIDER="crisp", SANDBOX="allow") if "INBOX" in line]
    assert "pip install Flask-LiveChat[desk]" in line
    assert [record.levelname for record in caplog.records if record.getMessage() == line] == ["WARNING"]

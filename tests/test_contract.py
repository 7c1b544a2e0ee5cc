"""What every room keeps, by name: a new vendor is tested before its author writes a test."""

from __future__ import annotations

import json
import logging
import re
import string
from collections.abc import Mapping
from datetime import UTC
from functools import cache
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask, Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flask_livechat import Company, ConfigError, Visitor, providers
from flask_livechat import settings as config_of
from flask_livechat.providers import Key, Provider

from .conftest import chat_of, create_app

NAMES = providers.names()
PAYLOAD = ["provider", "load", "settings", "visitor", "proof", "context", "events", "who", "left"]
VISITOR_FIELDS = {"id", "email", "name", "phone", "avatar", "created_at", "company", "attributes", "segments"}
ANY = (10_000, re.compile(r".+", re.DOTALL), 10_000, 10_000)
LIMITS = {  # where a vendor's are known: longest key, its alphabet, longest value, most attributes
    "tawk": (255, re.compile(r"[a-z0-9-]+"), 255, 50),
    "crisp": (255, re.compile(r"[a-z0-9_-]+"), 1000, 100),
    "intercom": (255, re.compile(r"[^.$]+"), 255, 100),
}
EVIL = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "-->",
    "]]>",
    "\u2028\u2029",
    "\ud800",
    "\x00\x1b",
    "'\"&<>",
    "\\u003c/script\\u003e",
    "__proto__",
    "constructor",
    "{{ 7 * 7 }}",
    "\u202eevil",
    "é" * 3000,
]


def filled(room: Provider, *, secrets: bool = True) -> dict[str, Any]:
    """A configuration of the room made of its own examples."""
    prefix = f"LIVECHAT_{room.name.upper()}_"
    return {prefix + key.name: key.example for key in room.keys if key.required or (secrets and key.secret)}


@cache
def site(name: str, **config: Any) -> Flask:
    app = create_app(None, login=False, **filled(providers.load(name)), **{"LIVECHAT_PROVIDER": name} | config)
    app.add_url_rule("/<path:anything>", "anything", lambda **_: str(chat_of(app).tag()))
    return app


def rendered(app: Flask, visitor: Visitor | None = None, context: Mapping[Any, Any] = {}, path: str = "/") -> Response:
    livechat = chat_of(app)
    livechat.visitor_loader(lambda user: visitor)
    livechat.context_loader(lambda: context)
    return app.test_client().get(path)  # type: ignore[return-value]


def strict(text: str) -> dict[str, Any]:
    return dict(json.loads(text, parse_constant=pytest.fail))


def inside_its_block(html: str, name: str) -> dict[str, Any]:
    """The payload, after a check that a browser sees one data block and one script of ours, and nothing else."""
    document = BeautifulSoup(html, "html.parser")
    data, script = document.find_all("script")
    assert (data["type"], data["id"]) == ("application/json", "livechat")
    assert re.fullmatch(rf"/livechat/{name}\.[0-9a-f]{{8}}\.js", str(script["src"]))
    assert script.string is None
    raw = re.search(r'<script type="application/json" id="livechat">(.*?)</script>', html, re.DOTALL)
    assert raw is not None
    assert not set("<>&'\u2028\u2029") & set(raw[1])
    assert raw[1].isascii()
    return strict(raw[1])


any_text = st.text(max_size=300) | st.text(st.characters(codec=None, exclude_categories=()), max_size=40)
hostile = st.sampled_from(EVIL) | any_text
value = st.none() | st.booleans() | st.integers() | st.floats() | hostile
moment = st.datetimes(timezones=st.just(UTC)) | st.none()
company = st.builds(
    Company,
    id=hostile.filter(bool),
    name=st.none() | hostile,
    plan=st.none() | hostile,
    website=st.none() | hostile,
    created_at=moment,
    spend=st.none() | st.integers(0) | st.floats(0, allow_infinity=False),
    size=st.none() | st.integers(0),
    industry=st.none() | hostile,
    attributes=st.dictionaries(hostile, value, max_size=4),
)
any_visitor = st.builds(
    Visitor,
    id=hostile.filter(bool),
    email=st.none() | hostile,
    name=st.none() | hostile,
    phone=st.none() | hostile,
    avatar=st.none() | hostile | hostile.map("https://cdn.example.com/".__add__),
    created_at=moment,
    company=st.none() | company,
    attributes=st.dictionaries(hostile, value, max_size=6),
    segments=st.lists(hostile, max_size=4).map(tuple),
    session_token=st.none() | hostile.filter(bool),
)
by_name = pytest.mark.parametrize("name", NAMES)
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


# The data block.


@by_name
@given(visitor=any_visitor, context=st.dictionaries(hostile, value, max_size=6))
@few
def test_no_visitor_and_no_context_can_leave_the_data_block(
    name: str, visitor: Visitor, context: dict[str, Any]
) -> None:
    said = inside_its_block(rendered(site(name), visitor, context).text, name)
    assert list(said) == PAYLOAD
    assert set(said["visitor"] or {}) <= VISITOR_FIELDS


@by_name
@pytest.mark.parametrize("evil", EVIL)
def test_known_attacks_stay_inside_as_plain_text(name: str, evil: str) -> None:
    app = site(name, LIVECHAT_ALLOW_UNVERIFIED=True)
    visitor = Visitor(evil, evil, evil, evil, evil, attributes={evil: evil, "plan": evil}, segments=(evil,))
    said = inside_its_block(rendered(app, visitor, {"note": evil, evil: evil}).text, name)
    if len(evil) < 200 and evil.isprintable():
        assert said["context"]["note"] == evil


asked_for = {"locale": ""}


def current_locale() -> str:
    return asked_for["locale"]


@by_name
@given(locale=hostile)
@few
def test_no_locale_can_leave_the_data_block_and_only_a_tag_gets_in(name: str, locale: str) -> None:
    asked_for["locale"] = locale
    said = inside_its_block(rendered(site(name, LIVECHAT_LOCALE=current_locale)).text, name)
    assert re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", said["settings"].get("locale", "en"))


@by_name
@given(path=st.text(st.characters(codec="utf-8", exclude_characters="?#%\\"), min_size=1, max_size=60))
@few
def test_no_path_can_leave_the_data_block(name: str, path: str) -> None:
    response = site(name).test_client().get("/page-" + path)
    if response.text and response.status_code == 200:
        inside_its_block(response.text, name)


@by_name
@pytest.mark.parametrize("path", ["/a</script><b>", "/%3C/script%3E", "/'\"<!--", "/\u2028", "/\N{ROCKET}"])
def test_a_hostile_path_stays_inside(name: str, path: str) -> None:
    response = site(name).test_client().get(path)
    assert "path" in inside_its_block(response.text, name)["context"]


# The proof and the limits.


@by_name
@given(visitor=any_visitor)
@few
def test_prove_never_raises_and_says_strict_json_that_fits_the_visitor(name: str, visitor: Visitor) -> None:
    room = providers.load(name)
    values = config_of.read(filled(room), development=True).providers[name]
    proof = room.prove(values, visitor, 1893448800, 7200)
    said = room.visitor(values, visitor)
    for answer in (proof, said):
        assert strict(json.dumps(answer or {}, allow_nan=False)) == (answer or {})
    assert None not in {**said, **(proof or {})}.values()


@by_name
def test_the_proof_is_made_from_what_the_log_names(name: str) -> None:
    room = providers.load(name)
    values = {**room.example_values(), "SESSION_SECRET": None}  # a token of continuity is no proof
    by_id, by_email = (room.prove(values, Visitor("1", email=email), 0, 7200) for email in (None, "ann@example.com"))
    assert bool(by_id) == ("id" in room.proves)
    assert ("email" in room.proves) == ((by_email or {}).keys() > (by_id or {}).keys())


@by_name
def test_the_log_says_what_the_proof_of_an_anonymous_visitor_would_be_made_from(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    room = providers.load(name)
    app = create_app(None, login=False, **filled(room, secrets=False), LIVECHAT_PROVIDER=name)
    assert inside_its_block(rendered(app, Visitor("1", email="ann@example.com")).text, name)["visitor"] is None
    assert f"proof is made from the visitor's {' or '.join(room.proves)}." in caplog.text


@by_name
@given(attributes=st.dictionaries(hostile, value, max_size=130))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_attributes_are_cut_to_the_vendors_limits(name: str, attributes: dict[str, Any]) -> None:
    longest, alphabet, longest_value, most = LIMITS.get(name, ANY)
    fitted = providers.load(name).attributes(attributes)
    assert len(fitted) <= most
    for key, content in fitted.items():
        assert alphabet.fullmatch(key), key
        assert len(key) <= longest
        assert content is not None
        assert content != ""
        assert not isinstance(content, str) or len(content) <= longest_value
        assert not isinstance(content, list | dict)


@by_name
@pytest.mark.parametrize("content", [float("nan"), float("inf"), float("-inf"), None, "", "  "])
def test_a_value_that_says_nothing_is_left_out(name: str, content: Any) -> None:
    assert providers.load(name).attributes({"score": content}) == {}


@by_name
def test_more_attributes_than_the_vendor_takes_are_trimmed_with_a_debug_log(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    many = {f"attribute-{letter}{number}": 1 for letter in string.ascii_lowercase for number in range(10)}
    response = rendered(site(name), None, many)
    assert len(inside_its_block(response.text, name)["context"]) <= LIMITS.get(name, ANY)[3]
    assert [record for record in caplog.records if record.levelno == logging.DEBUG and "livechat" in record.message]


def test_tawk_takes_text_only_and_at_most_ten_tags() -> None:
    room = providers.load("tawk")
    assert room.attributes({"plan_tier": 3, "Trial": True, "off": False}) == {
        "plan-tier": "3",
        "trial": "true",
        "off": "false",
    }
    values = config_of.read(filled(room), development=True).providers["tawk"]
    assert len(room.visitor(values, Visitor("1", segments=tuple(map(str, range(30)))))["segments"]) == 10


@by_name
def test_an_email_too_long_for_the_vendor_is_left_out_and_never_cut(name: str) -> None:
    app = site(name, LIVECHAT_ALLOW_UNVERIFIED=True)
    email = "a" * 400 + "@example.com"
    html = rendered(app, Visitor("42", email=email, name="n" * 400)).text
    assert "a" * 200 not in html
    assert "n" * 256 not in html


@by_name
def test_the_visitors_own_objects_are_not_changed(name: str) -> None:
    attributes = {"Plan Tier": "x" * 2000}
    rendered(site(name), Visitor("42", email="ada@example.com", attributes=attributes), attributes)
    assert attributes == {"Plan Tier": "x" * 2000}


# Secrets.


def secret_keys() -> list[tuple[str, Key]]:
    return [(name, key) for name in NAMES for key in providers.load(name).keys if key.secret]


def secret_for(key: Key) -> str:
    """A value that passes the key's pattern and is found again wherever it shows."""
    found = next((one for one in ("5ecret" * 8, "5ecret5e" * 5) if re.fullmatch(key.pattern, one)), None)
    assert found, key
    return found


@by_name
def test_no_secret_shows_in_html_repr_str_or_logs(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    room = providers.load(name)
    prefix = f"LIVECHAT_{name.upper()}_"
    secrets = {prefix + key.name: [secret_for(key), secret_for(key)] for key in room.keys if key.secret}
    app = create_app(None, login=False, **filled(room) | secrets, LIVECHAT_PROVIDER=name)
    state = app.extensions["livechat"]
    visitor = Visitor("42", email="ada@example.com")
    shown = [
        rendered(app, visitor).text,
        app.test_client().get("/livechat/identity").text,
        app.test_client().get(f"/livechat/{state.scripts[name].name}").text,
        *(text(one) for text in (repr, str) for one in (state, state.settings, state.scripts)),
        repr(dict(state.settings.providers)),
        f"{state.settings.providers[name]}",
        app.test_cli_runner().invoke(args=["livechat", "explain", "/"]).output,
        caplog.text,
    ]
    assert not [text for text in shown if "5ecret" in text]


@pytest.mark.parametrize(("name", "key"), secret_keys(), ids=lambda part: getattr(part, "name", part))
@pytest.mark.parametrize("wrong", ["5ecret with blanks", ["5ecret ok?", ""], {"5ecret": 1}, 5.5])
def test_a_wrong_secret_is_described_and_never_shown(name: str, key: Key, wrong: Any) -> None:
    room = providers.load(name)
    given_keys = filled(room, secrets=False) | {f"LIVECHAT_{name.upper()}_{key.name}": wrong}
    with pytest.raises(ConfigError) as caught:
        config_of.read(given_keys, development=True)
    error = caught.value
    assert "5ecret" not in f"{error}{error!r}{error.problems!r}{error.args!r}"
    assert error.problems[0].key == f"LIVECHAT_{name.upper()}_{key.name}"


# The room itself.


@by_name
def test_a_room_says_all_about_its_vendor(name: str) -> None:
    room = providers.load(name)
    assert room.name == name
    assert room.title
    assert any(key.required for key in room.keys)
    assert room.identity in {key.name for key in room.keys if key.secret}
    assert all(re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", one) for one in room.domains(room.example_values()))


@by_name
def test_every_key_has_an_example_that_passes_and_says_where_it_is_found(name: str) -> None:
    for key in providers.load(name).keys:
        assert re.fullmatch(key.pattern, key.example), key.name
        assert key.default is None or re.fullmatch(key.pattern, key.default), key.name
        assert key.where.endswith("."), key.name
        assert not (key.secret and (key.required or key.default)), key.name


@by_name
def test_a_rooms_functions_answer_with_public_values_only(name: str) -> None:
    room = providers.load(name)
    values = config_of.read(filled(room), development=True).providers[name]
    assert room.script(values).startswith("https://")
    assert room.cookies(values)
    assert room.storage(values)
    assert all(isinstance(text, str) for text in room.settings(values).values())
    secrets = [key.example for key in room.keys if key.secret and len(key.example) > 8]
    said = json.dumps([room.settings(values), room.cookies(values), room.storage(values), room.script(values)])
    assert not [secret for secret in secrets if secret in said]


@by_name
def test_a_vendors_widget_js_defines_its_adapter(name: str) -> None:
    assert "function adapter(vendor, core)" in providers.adapter(name).read_text("utf-8")


@by_name
def test_the_policy_a_room_asks_for_is_made_of_words(name: str) -> None:
    room = providers.load(name)
    values = config_of.read(filled(room), development=True).providers[name]
    for directive, sources in room.csp(values).items():
        assert re.fullmatch(r"[a-z-]+-src|form-action", directive)
        assert sources
        assert len(set(sources)) == len(sources)
        assert not [source for source in sources if re.search(r"[\s;,]|^\*$|unsafe-eval|nonce-", source)]


@by_name
@given(app_id=st.text(max_size=30) | st.sampled_from([text for text in EVIL if "\ud800" not in text]))
@few
def test_a_hostile_public_id_is_refused_or_percent_encoded(name: str, app_id: str) -> None:
    room = providers.load(name)
    required = next(key.name for key in room.keys if key.required)
    try:
        read = config_of.read(filled(room) | {f"LIVECHAT_{name.upper()}_{required}": app_id}, development=True)
    except ConfigError:
        return
    if name in read.providers:
        assert re.fullmatch(r"https://[\w.-]+(:\d+)?/[\w./%~-]*", room.script(read.providers[name]), re.ASCII)


@by_name
def test_an_id_that_no_browser_could_read_is_a_config_error(name: str) -> None:
    room = providers.load(name)
    key = next(f"LIVECHAT_{name.upper()}_{key.name}" for key in room.keys if key.required)
    with pytest.raises(ConfigError):
        create_app(None, login=False, **filled(room) | {key: "abc\udcff"})  # from an environment that is not UTF-8


@by_name
def test_the_payload_does_not_depend_on_the_order_of_the_configuration(name: str) -> None:
    pairs = list(filled(providers.load(name)).items())
    both = [
        create_app(None, login=False, LIVECHAT_PROVIDER=name, **dict(order)).test_client().get("/").text
        for order in (pairs, pairs[::-1])
    ]
    assert both[0] == both[1]

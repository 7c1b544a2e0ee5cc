"""The vendor stand-ins: what they accept is what the vendors accept, and the desk sees it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.serving import make_server

from flask_livechat import signing
from flask_livechat.sandbox import create_blueprint, names, script
from flask_livechat.sandbox import hub as hub_module
from flask_livechat.sandbox.sessions import detail

from .conftest import Quiet

WEBSITE = "42286ab3-b29a-4fde-8538-da0ae501d825"
PROPERTY = "58ca8453b8a7e060cd3b1ecb"
APP = "abc12345"
NEW, OLD = "the-new-secret", "the-old-secret"
VENDORS: dict[str, dict[str, object]] = {
    "crisp": {"WEBSITE_ID": WEBSITE, "IDENTITY_SECRET": (NEW, OLD)},
    "tawk": {"PROPERTY_ID": PROPERTY, "WIDGET_ID": "default", "JS_API_KEY": (NEW, OLD)},
    "intercom": {"APP_ID": APP, "IDENTITY_SECRET": (NEW, OLD), "IDENTITY": "jwt"},
}
WITHOUT_SECRETS: dict[str, dict[str, object]] = {
    "crisp": {"WEBSITE_ID": WEBSITE},
    "tawk": {"PROPERTY_ID": PROPERTY, "JS_API_KEY": ()},
    "intercom": {"APP_ID": APP, "IDENTITY_SECRET": ()},
}
ACTIONS = (
    "session",
    "identify",
    "leave",
    "visit",
    "ping",
    "socket",
    "login",
    "logout",
    "message",
    "attributes",
    "tags",
    "event",
    "rating",
    "read",
    "end",
)


def make_app(vendors: dict[str, dict[str, object]] = VENDORS, **options: Any) -> Flask:
    app = Flask(__name__)
    app.register_blueprint(create_blueprint(vendors, **options), url_prefix="/livechat/sandbox")
    return app


@dataclass
class Sandbox:
    """The API as a stand-in uses it."""

    client: FlaskClient
    base: str = "/livechat/sandbox"

    def post(self, path: str, body: object, **options: Any) -> Any:
        return self.client.post(f"{self.base}/{path}", json=body, **options)

    def open(self, vendor: str, **body: object) -> dict[str, Any]:
        answer = self.post(f"api/{vendor}/session", body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json)

    def act(self, vendor: str, action: str, session: str, **body: object) -> Any:
        return self.post(f"api/{vendor}/{action}", {"session": session, **body})

    def desk(self, session: str = "", after: int = 0) -> dict[str, Any]:
        answer = self.client.get(f"{self.base}/desk/state", query_string={"session": session, "after": after})
        assert answer.status_code == 200
        return dict(answer.json or {})


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(make_app().test_client())


@pytest.fixture
def sandbox_without_secrets() -> Sandbox:
    return Sandbox(make_app(WITHOUT_SECRETS).test_client())


# -- the interface -----------------------------------------------------------------------------------------------------


def test_every_vendor_has_a_stand_in() -> None:
    assert names() == ("crisp", "intercom", "tawk")


@pytest.mark.parametrize("name", names())
def test_script_is_one_plain_script_with_the_api_in_it(name: str) -> None:
    text = script(name, "https://client.crisp.chat/sandbox/api/crisp")
    assert 'start("https://client.crisp.chat/sandbox/api/crisp");' in text
    assert not [line for line in text.splitlines() if line.startswith(("import ", "export "))]


def test_script_of_an_unknown_vendor_is_an_error() -> None:
    with pytest.raises(ValueError, match="no stand-in"):
        script("../desk", "/api")


@pytest.mark.parametrize("name", names())
def test_served_script_knows_its_api_below_any_mount_point(name: str) -> None:
    app = Flask(__name__)
    app.register_blueprint(create_blueprint(VENDORS), url_prefix="/help/sandbox")
    answer = app.test_client().get(f"/help/sandbox/{name}.js", environ_overrides={"SCRIPT_NAME": "/shop"})
    assert f'start("/shop/help/sandbox/api/{name}");' in answer.text
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.mimetype == "text/javascript"


def test_only_configured_vendors_are_served() -> None:
    client = make_app({"crisp": VENDORS["crisp"]}).test_client()
    assert client.get("/livechat/sandbox/crisp.js").status_code == 200
    assert client.get("/livechat/sandbox/tawk.js").status_code == 404
    assert client.get("/livechat/sandbox/panel.js").status_code == 404


def test_desk_page_has_nothing_inline_and_its_files_exist(sandbox: Sandbox) -> None:
    page = sandbox.client.get("/livechat/sandbox/")
    assert page.status_code == 200
    assert "<style" not in page.text
    assert " style=" not in page.text
    for name in ("desk.js", "desk.css", "icon.svg"):
        assert f'"static/{name}"' in page.text
        assert sandbox.client.get(f"/livechat/sandbox/static/{name}").status_code == 200
    assert sandbox.client.get("/livechat/sandbox/static/../hub.py").status_code == 404


def test_a_secret_is_nowhere_in_what_is_served(sandbox: Sandbox) -> None:
    sandbox.open("crisp", account=WEBSITE)
    for path in ("", "crisp.js", "tawk.js", "intercom.js", "desk/state"):
        text = sandbox.client.get(f"/livechat/sandbox/{path}").text
        assert NEW not in text
        assert OLD not in text


# -- Crisp -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_crisp_verifies_a_signed_email_during_a_rotation(sandbox: Sandbox, secret: str) -> None:
    key = sandbox.open("crisp", account=WEBSITE)["session"]
    signature = signing.hmac_hex(secret, "ada@example.com")
    view = sandbox.act("crisp", "identify", key, email="ada@example.com", signature=signature).json
    assert view["identity"]["state"] == "verified"
    assert sandbox.desk(key)["detail"]["identity"]["email"] == "ada@example.com"


@pytest.mark.parametrize(
    "signature",
    [None, "", "0" * 64, signing.hmac_hex(NEW, "Ada@Example.com"), signing.hmac_hex(NEW, "ada@example.com").upper()],
)
def test_crisp_takes_an_email_without_proof_but_does_not_verify_it(sandbox: Sandbox, signature: str | None) -> None:
    key = sandbox.open("crisp", account=WEBSITE)["session"]
    view = sandbox.act("crisp", "identify", key, email="ada@example.com", signature=signature).json
    assert view["identity"]["state"] == "unverified"
    assert view["identity"]["email"] == "ada@example.com"
    assert view["identity"]["reason"]


def test_crisp_session_follows_the_cookie_and_the_token(sandbox: Sandbox) -> None:
    anonymous = sandbox.open("crisp", account=WEBSITE)["session"]
    assert anonymous.startswith("session_")
    assert sandbox.open("crisp", account=WEBSITE, session=anonymous)["session"] == anonymous
    mine = sandbox.open("crisp", account=WEBSITE, session=anonymous, token="t-1")["session"]
    assert mine != anonymous
    assert sandbox.open("crisp", account=WEBSITE, token="t-1")["session"] == mine
    # The trap: who clears the token but does not reset still sends the cookie, and stays who they were.
    assert sandbox.open("crisp", account=WEBSITE, session=mine)["session"] == mine


def test_crisp_merges_the_anonymous_session_only_when_asked(sandbox: Sandbox) -> None:
    anonymous = sandbox.open("crisp", account=WEBSITE)["session"]
    merged = sandbox.open("crisp", account=WEBSITE, session=anonymous, token="t-2", merge=True)["session"]
    assert merged == anonymous
    other = sandbox.open("crisp", account=WEBSITE, session=merged, token="t-3", merge=True)["session"]
    assert other != merged


def test_a_wrong_public_id_gets_nothing(sandbox: Sandbox) -> None:
    for vendor in names():
        assert sandbox.post(f"api/{vendor}/session", {"account": "nope"}).status_code == 404


# -- Tawk.to -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_tawk_knows_a_visitor_by_the_hash_of_the_email(sandbox: Sandbox, secret: str) -> None:
    visitor = {"name": "Ada", "email": "ada@example.com", "hash": signing.hmac_hex(secret, "ada@example.com")}
    view = sandbox.open("tawk", visitor=visitor)
    assert view["identity"]["state"] == "verified"
    assert view["account"] == PROPERTY


@pytest.mark.parametrize("digest", [None, "0" * 64, "né", signing.hmac_hex(NEW, "42")])
def test_tawk_with_secure_mode_does_not_know_a_visitor_without_the_right_hash(
    sandbox: Sandbox, digest: str | None
) -> None:
    view = sandbox.open("tawk", visitor={"name": "Ada", "email": "ada@example.com", "hash": digest})
    assert view["identity"]["state"] == "refused"
    assert view["identity"]["email"] is None
    assert view["identity"]["name"] is None


def test_tawk_without_secure_mode_labels_but_does_not_log_in(sandbox_without_secrets: Sandbox) -> None:
    view = sandbox_without_secrets.open("tawk", visitor={"name": "Ada", "email": "ada@example.com"})
    assert (view["identity"]["state"], view["identity"]["name"]) == ("unverified", "Ada")
    digest = signing.hmac_hex(NEW, "42")
    answer = sandbox_without_secrets.act("tawk", "identify", view["session"], user_id="42", hash=digest)
    assert answer.status_code == 401


def test_tawk_login_restores_the_conversation_and_logout_leaves_it(sandbox: Sandbox) -> None:
    claims = {"user_id": "42", "hash": signing.hmac_hex(OLD, "42"), "name": "Ada"}
    first = sandbox.open("tawk")["session"]
    mine = sandbox.act("tawk", "identify", first, **claims).json["session"]
    sandbox.act("tawk", "message", mine, text="hello")
    elsewhere = sandbox.open("tawk")["session"]
    restored = sandbox.act("tawk", "identify", elsewhere, **claims).json
    assert restored["session"] == mine
    assert [message["text"] for message in restored["messages"]] == ["hello"]
    after = sandbox.act("tawk", "leave", mine).json
    assert after["session"] != mine
    assert after["identity"]["state"] == "anonymous"
    assert after["messages"] == []


def test_tawk_refuses_a_login_with_the_email_hash_and_a_change_of_user(sandbox: Sandbox) -> None:
    key = sandbox.open("tawk")["session"]
    wrong = sandbox.act("tawk", "identify", key, user_id="42", hash=signing.hmac_hex(NEW, "ada@example.com"))
    assert wrong.status_code == 401
    assert sandbox.desk(key)["detail"]["identity"]["state"] == "refused"
    key = sandbox.act("tawk", "identify", key, user_id="42", hash=signing.hmac_hex(NEW, "42")).json["session"]
    other = sandbox.act("tawk", "identify", key, user_id="43", hash=signing.hmac_hex(NEW, "43"))
    assert other.status_code == 400


# -- Intercom ----------------------------------------------------------------------------------------------------------


def jwt(secret: str = NEW, **claims: object) -> str:
    return signing.make_jwt({"user_id": "42", "exp": int(time.time()) + 86_400, **claims}, secret)


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_intercom_boots_a_user_with_a_token_or_a_hash(sandbox: Sandbox, secret: str) -> None:
    by_token = sandbox.open("intercom", account=APP, identity={"jwt": jwt(secret, email="ada@example.com", plan="pro")})
    assert by_token["attributes"] == {"plan": "pro"}
    assert by_token["identity"]["state"] == "verified"
    assert (by_token["identity"]["id"], by_token["identity"]["email"]) == ("42", "ada@example.com")
    by_hash = {"user_id": "42", "email": "ada@example.com", "user_hash": signing.hmac_hex(secret, "42")}
    assert sandbox.open("intercom", account=APP, identity=by_hash)["session"] == by_token["session"]
    by_email = {"email": "bob@example.com", "user_hash": signing.hmac_hex(secret, "bob@example.com")}
    assert sandbox.open("intercom", account=APP, identity=by_email)["identity"]["state"] == "verified"


@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        ({"user_id": "42"}, "Missing user_hash"),
        ({"user_id": "42", "user_hash": "0" * 64}, "hmac_mismatch"),
        ({"user_id": "42", "email": "a@b.c", "user_hash": signing.hmac_hex(NEW, "a@b.c")}, "hmac_mismatch"),
        ({"jwt": "nonsense"}, "JWT"),
        ({"jwt": jwt("another-secret")}, "JWT"),
        ({"jwt": jwt(exp=int(time.time()) - 3600)}, "expired"),
        ({"jwt": signing.make_jwt({"email": "ada@example.com"}, NEW)}, "no user_id"),
        ({"jwt": jwt(), "user_id": "43"}, "another user_id"),
        ({"jwt": jwt(), "user_id": "42", "user_hash": signing.hmac_hex(NEW, "42")}, "both"),
    ],
)
def test_intercom_refuses_an_identity_without_its_proof(
    sandbox: Sandbox, identity: dict[str, str], reason: str
) -> None:
    answer = sandbox.post("api/intercom/session", {"account": APP, "identity": identity})
    assert answer.status_code == 403
    assert reason in answer.json["error"]
    (shown,) = sandbox.desk()["sessions"]
    assert shown["identity"]["state"] == "refused"


def test_intercom_keeps_the_user_by_cookie_until_shutdown(sandbox: Sandbox) -> None:
    mine = sandbox.open("intercom", account=APP, identity={"jwt": jwt()})["session"]
    assert sandbox.open("intercom", account=APP, session=mine)["session"] == mine
    anonymous = sandbox.open("intercom", account=APP, anonymous="browser-1")
    assert anonymous["session"] != mine
    assert sandbox.open("intercom", account=APP, anonymous="browser-1")["session"] == anonymous["session"]


def test_intercom_turns_a_visitor_into_a_user_but_not_a_user_into_another(sandbox: Sandbox) -> None:
    visitor = sandbox.open("intercom", account=APP, anonymous="browser-1")["session"]
    sandbox.act("intercom", "message", visitor, text="hello")
    user = sandbox.act("intercom", "identify", visitor, jwt=jwt()).json
    assert user["session"] == visitor
    changed = sandbox.act("intercom", "identify", visitor, jwt=jwt(user_id="43"))
    assert (changed.status_code, changed.json["error"]) == (403, "user_changed")
    bare = sandbox.act("intercom", "identify", visitor, user_id="42")
    assert bare.status_code == 403


def test_intercom_without_a_secret_takes_names_but_no_tokens(sandbox_without_secrets: Sandbox) -> None:
    view = sandbox_without_secrets.open("intercom", account=APP, identity={"user_id": "42", "name": "Ada"})
    assert view["identity"]["state"] == "unverified"
    answer = sandbox_without_secrets.post("api/intercom/session", {"account": APP, "identity": {"jwt": jwt()}})
    assert answer.status_code == 403


# -- conversations -----------------------------------------------------------------------------------------------------


def test_a_reply_from_the_desk_ends_the_wait_at_once(sandbox: Sandbox) -> None:
    view = sandbox.open("crisp", account=WEBSITE)
    client, started = sandbox.client.application.test_client(), time.monotonic()

    def reply() -> None:
        time.sleep(0.2)
        client.post("/livechat/sandbox/desk/reply", json={"session": view["session"], "text": "hi"})

    threading.Thread(target=reply).start()
    query = {"session": view["session"], "after": view["revision"], "wait": 10}
    news = sandbox.client.get("/livechat/sandbox/api/crisp/messages", query_string=query, multithread=True).json
    assert news is not None
    assert [(message["author"], message["text"]) for message in news["messages"]] == [("agent", "hi")]
    assert time.monotonic() - started < 5


def test_a_note_is_marked_on_the_desk_and_answers_no_visitor() -> None:
    hub = hub_module.Hub()
    session = hub.create("crisp")
    hub.say(session, "visitor", "Is it in stock?")
    hub.say(session, "agent", "asks every day", "note")
    shown: Any = detail(hub.look(session))
    assert [(line["text"], line["note"]) for line in shown["messages"]] == [
        ("Is it in stock?", False),
        ("asks every day", True),
    ]
    assert shown["last"]["author"] == "visitor"  # who still waits


def test_a_server_with_one_thread_is_not_held_up(sandbox: Sandbox) -> None:
    view, started = sandbox.open("crisp", account=WEBSITE), time.monotonic()
    query = {"session": view["session"], "after": view["revision"], "wait": 20}
    for path in ("api/crisp/messages", "desk/state"):
        assert sandbox.client.get(f"/livechat/sandbox/{path}", query_string=query, multithread=False).status_code == 200
    assert time.monotonic() - started < 5


def test_desk_shows_attributes_events_tags_rating_and_status(sandbox: Sandbox) -> None:
    key = sandbox.open("tawk", page="/pricing")["session"]
    sandbox.act("tawk", "attributes", key, attributes={"plan": "pro", "gone": "x"})
    sandbox.act("tawk", "attributes", key, attributes={"gone": None})
    sandbox.act("tawk", "event", key, name="signup", data={"seats": 3})
    sandbox.act("tawk", "tags", key, tags=["vip", "vip"])
    sandbox.act("tawk", "rating", key, value=1)
    assert sandbox.post("desk/status", {"vendor": "tawk", "status": "away"}).status_code == 200
    desk = sandbox.desk(key)
    detail = desk["detail"]
    assert detail["attributes"] == {"plan": "pro"}
    assert [(event["name"], event["data"]) for event in detail["events"]] == [("signup", {"seats": 3})]
    assert (detail["tags"], detail["rating"], detail["page"]) == (["vip"], 1, "/pricing")
    assert desk["status"] == {"tawk": "away"}


def test_ending_a_conversation_is_said_once(sandbox: Sandbox) -> None:
    key = sandbox.open("tawk")["session"]
    sandbox.act("tawk", "message", key, text="hello")
    sandbox.post("desk/end", {"session": key})
    view = sandbox.act("tawk", "end", key).json
    assert [message["author"] for message in view["messages"]] == ["visitor", "system"]
    assert view["ongoing"] is False


def test_two_apps_share_nothing() -> None:
    one, two = Sandbox(make_app().test_client()), Sandbox(make_app().test_client())
    key = one.open("crisp", account=WEBSITE)["session"]
    assert two.desk()["sessions"] == []
    assert two.act("crisp", "message", key, text="hello").status_code == 404


def test_a_session_of_one_vendor_is_unknown_to_another(sandbox: Sandbox) -> None:
    key = sandbox.open("crisp", account=WEBSITE)["session"]
    assert sandbox.act("tawk", "message", key, text="hello").status_code == 404


@pytest.mark.needs("time")
def test_memory_is_bounded(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "MAX_SESSIONS", 3)
    first = sandbox.open("crisp", account=WEBSITE, token="t-1")["session"]
    for _ in range(3):
        sandbox.open("crisp", account=WEBSITE)
    assert len(sandbox.desk()["sessions"]) == 3
    assert sandbox.act("crisp", "message", first, text="hello").status_code == 404
    assert sandbox.open("crisp", account=WEBSITE, token="t-1")["session"] != first
    key = sandbox.open("crisp", account=WEBSITE)["session"]
    for number in range(510):
        view = sandbox.act("crisp", "message", key, text=str(number)).json
    assert (len(view["messages"]), view["messages"][0]["text"]) == (500, "10")
    for number in range(250):
        answer = sandbox.act("crisp", "attributes", key, attributes={f"k{number}": number})
    assert answer.status_code == 400


# -- hostile input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", [*(f"api/crisp/{action}" for action in ACTIONS), "desk/reply", "desk/status", "desk/end"]
)
@pytest.mark.parametrize(
    "raw",
    [
        b"", b"[]", b"null", b"{", b"\xff", b"[" * 60_000, b'{"session": NaN}', b'{"session": "\\ud800"}',
        b'{"session": {"a": 1}}', b'{"account": 1}', b'{"session": 1' + b"0" * 5000 + b"}",
    ],
)  # fmt: skip
def test_nonsense_is_answered_with_4xx(sandbox: Sandbox, path: str, raw: bytes) -> None:
    answer = sandbox.client.post(f"/livechat/sandbox/{path}", data=raw, content_type="application/json")
    assert 400 <= answer.status_code < 500


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
FIELDS = (
    *("session", "account", "token", "email", "name", "signature", "hash", "user_id", "user_hash", "jwt", "identity"),
    *("visitor", "attributes", "data", "tags", "value", "upto", "text", "page", "uuid", "login", "merge"),
)


@pytest.mark.needs("time")
@pytest.mark.parametrize("vendor", names())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(action=st.sampled_from(ACTIONS), body=st.dictionaries(st.sampled_from(FIELDS), JSON), known=st.booleans())
def test_no_json_makes_the_server_fail(
    sandbox: Sandbox, vendor: str, action: str, body: dict[str, object], known: bool
) -> None:
    if known:
        body["session"] = sandbox.open(vendor, account=str(next(iter(VENDORS[vendor].values()))))["session"]
    raw = json.dumps(body)
    answer = sandbox.client.post(f"/livechat/sandbox/api/{vendor}/{action}", data=raw, content_type="application/json")
    assert answer.status_code < 500
    if answer.status_code == 200:
        json.loads(answer.text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON for a browser"))


@pytest.mark.parametrize("query", ["after=x", "after=-1", "wait=1e3", "after=" + "9" * 40, "after=\uff11"])
def test_a_bad_poll_is_refused(sandbox: Sandbox, query: str) -> None:
    key = sandbox.open("crisp", account=WEBSITE)["session"]
    assert sandbox.client.get(f"/livechat/sandbox/api/crisp/messages?session={key}&{query}").status_code == 400
    assert sandbox.client.get(f"/livechat/sandbox/desk/state?{query}").status_code == 400


def test_a_body_over_64_kib_or_of_another_type_is_refused(sandbox: Sandbox) -> None:
    assert sandbox.post("api/crisp/message", {"text": "x" * 70_000}).status_code == 413
    form = sandbox.client.post("/livechat/sandbox/desk/reply", data={"session": "x", "text": "y"})
    assert form.status_code == 415


@pytest.mark.parametrize("token", ["." * 8000, "a.b.c", "eyJhbGciOiJub25lIn0.eyJ1c2VyX2lkIjoiNDIifQ.", "é.é.é"])
def test_no_token_makes_the_server_fail(sandbox: Sandbox, token: str) -> None:
    assert sandbox.post("api/intercom/session", {"account": APP, "identity": {"jwt": token}}).status_code == 403


# -- origins -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, 200),
        ({"Origin": "http://localhost"}, 200),
        ({"Origin": "https://localhost"}, 200),  # behind a proxy that ends TLS
        ({"Origin": "http://["}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://other.localhost"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_only_our_own_pages_change_anything(sandbox: Sandbox, headers: dict[str, str], status: int) -> None:
    answer = sandbox.post("api/crisp/session", {"account": WEBSITE}, headers=headers)
    assert answer.status_code == status
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_named_origins_are_let_in_for_browser_tests() -> None:
    client = make_app(allow_origins=["https://app.test"]).test_client()
    path = "/livechat/sandbox/api/crisp/session"
    headers = {"Origin": "https://app.test", "Sec-Fetch-Site": "cross-site"}
    preflight = client.options(path, headers={**headers, "Access-Control-Request-Method": "POST"})
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://app.test"
    assert preflight.headers["Access-Control-Allow-Headers"] == "Content-Type"
    answer = client.post(path, json={"account": WEBSITE}, headers=headers)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "https://app.test")
    other = client.post(path, json={}, headers={**headers, "Origin": "https://evil.example"})
    assert other.status_code == 403
    assert "Access-Control-Allow-Origin" not in other.headers


# -- in a browser ------------------------------------------------------------------------------------------------------

HEAD = "<!doctype html><meta charset=utf-8><title>Shop</title><h1>Shop</h1><a href=# id=help>Help</a>"
CRISP_SNIPPET = f"""
window.$crisp = []; window.CRISP_WEBSITE_ID = "{WEBSITE}";
(function () {{ var d = document, s = d.createElement("script"); s.src = "/livechat/sandbox/crisp.js"; s.async = 1;
  d.getElementsByTagName("head")[0].appendChild(s); }})();"""
TAWK_SNIPPET = """
var Tawk_API = Tawk_API || {}, Tawk_LoadStart = new Date();
(function () { var s1 = document.createElement("script"), s0 = document.getElementsByTagName("script")[0];
  s1.async = true; s1.src = "/livechat/sandbox/tawk.js"; s1.charset = "UTF-8"; s1.setAttribute("crossorigin", "*");
  s0.parentNode.insertBefore(s1, s0); })();"""
INTERCOM_SNIPPET = """
(function () { var w = window; var ic = w.Intercom; if (typeof ic === "function") { ic("update", w.intercomSettings); }
  else { var d = document; var i = function () { i.c(arguments); }; i.q = []; i.c = function (args) { i.q.push(args); };
    w.Intercom = i; var l = function () { var s = d.createElement("script"); s.type = "text/javascript"; s.async = true;
      s.src = "/livechat/sandbox/intercom.js"; var x = d.getElementsByTagName("script")[0];
      x.parentNode.insertBefore(s, x); };
    if (document.readyState === "complete") { l(); } else { w.addEventListener("load", l, false); } } })();"""


@dataclass
class Site:
    """A page that the test wrote, and a browser looking at it."""

    base: str
    scripts: dict[str, str]
    browser: Any
    problems: list[str] = field(default_factory=list)
    contexts: list[Any] = field(default_factory=list)

    def visit(self, code: str, context: Any = None) -> Any:
        """Open a page whose external script is ``code``, under a strict policy."""
        page = (context or self.context()).new_page()
        self.go(page, code)
        return page

    def go(self, page: Any, code: str) -> None:
        name = f"s{len(self.scripts)}"
        self.scripts[name] = f"window.log = [];\n{code}"
        page.goto(f"{self.base}/page/{name}")

    def context(self) -> Any:
        context = self.browser.new_context()
        context.set_default_timeout(8000)
        context.on("page", self.watch)
        self.contexts.append(context)
        return context

    def watch(self, page: Any) -> None:
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda message: self.problems.extend([message.text] if message.type == "error" else []))

    def reply(self, text: str) -> None:
        """Answer the latest conversation from the desk."""
        desk = self.context().new_page()
        desk.goto(f"{self.base}/livechat/sandbox/")
        desk.locator("nav button").first.click()
        desk.locator("#text").fill(text)
        desk.keyboard.press("Enter")
        desk.locator("#log .line", has_text=text).wait_for()
        desk.context.close()


def hook(page: Any, expression: str = "s") -> Any:
    return page.evaluate(f"(() => {{ const s = window.__livechat_sandbox; return {expression}; }})()")


def until(page: Any, expression: str) -> None:
    page.wait_for_function(f"() => {{ const s = window.__livechat_sandbox; return s && ({expression}); }}")


def send(page: Any, text: str) -> None:
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")


@pytest.fixture(scope="module")
def sandbox_browser(launch: Callable[..., Any]) -> Any:
    return launch()


@pytest.fixture
def sandbox_site(sandbox_browser: Any) -> Iterator[Site]:
    app, scripts = make_app(), dict[str, str]()

    @app.get("/page/<name>")
    def page(name: str) -> tuple[str, dict[str, str]]:
        # Intercom's styles are inline, and so are its stand-in's, which lose their rules where Intercom's do.
        policy = "default-src 'self'" + ("; style-src 'self' 'unsafe-inline'" if "intercom" in scripts[name] else "")
        return f"{HEAD}<script src=/script/{name}></script>", {"Content-Security-Policy": policy}

    @app.get("/script/<name>")
    def page_script(name: str) -> tuple[str, dict[str, str]]:
        return scripts[name], {"Content-Type": "text/javascript"}

    @app.get("/favicon.ico")
    def icon() -> tuple[str, int]:
        return "", 204

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    site = Site(f"http://127.0.0.1:{server.server_port}", scripts, sandbox_browser)
    yield site
    for context in site.contexts:
        context.close()
    server.shutdown()


def test_crisp_replays_its_queue_and_shows_the_reply(sandbox_site: Site) -> None:
    signature = signing.hmac_hex(NEW, "ada@example.com")
    page = sandbox_site.visit(
        CRISP_SNIPPET
        + f"""
        window.CRISP_READY_TRIGGER = () => log.push("ready");
        for (const name of ["session:loaded", "chat:initiated", "chat:opened", "chat:closed", "message:sent",
          "message:received"]) $crisp.push(["on", name, () => log.push(name)]);
        $crisp.push(["set", "user:email", ["ada@example.com", "{signature}"]]);
        $crisp.push(["set", "session:data", [[["plan", "pro"], ["accountAge", 3], ["list", []], ["seats", 3]]]]);
        $crisp.push(["set", "session:event", [[["signup", {{plan: "pro"}}, "blue"]]]]);"""
    )
    until(page, "s.identity.verified && s.attributes.plan")
    assert hook(page, "s.attributes") == {"plan": "pro", "seats": 3}
    assert hook(page, "s.events") == [{"name": "signup", "data": {"plan": "pro"}}]
    assert page.evaluate("[typeof $crisp.push, $crisp.is('chat:opened'), $crisp.get('chat:unread:count')]") == [
        "function", False, 0]  # fmt: skip
    page.get_by_role("button", name="Chat", exact=True).click()
    send(page, "Where is my order?")
    until(page, "s.messages.length === 1")
    sandbox_site.reply("On its way")
    page.get_by_text("On its way").wait_for()
    page.keyboard.press("Escape")
    until(page, "!s.open")
    sandbox_site.reply("Anything else?")
    page.get_by_role("button", name="Chat, 1 unread").wait_for()
    assert page.evaluate("log") == [
        "ready", "session:loaded", "chat:initiated", "chat:opened", "message:sent", "message:received", "chat:closed",
        "message:received"]  # fmt: skip
    assert hook(page, "s.opened") == 1
    assert sandbox_site.problems == []


def crisp_cookies(page: Any) -> dict[str, str]:
    return {cookie["name"].replace("%2F", "/"): cookie["value"] for cookie in page.context.cookies()}


def test_crisp_reset_ends_the_session_and_a_token_brings_it_back(sandbox_site: Site) -> None:
    page = sandbox_site.visit(f"window.CRISP_TOKEN_ID = 'token-of-ada';{CRISP_SNIPPET}")
    until(page, "s.connected && s.session")
    mine = hook(page, "s.session")
    page.evaluate("$crisp.push(['do', 'message:send', ['text', 'private']])")
    until(page, "s.messages.length === 1")
    session, socket = f"crisp-client/session/{WEBSITE}", f"crisp-client/socket/{WEBSITE}"
    assert crisp_cookies(page) == {session: mine, f"{session}/token-of-ada": mine, socket: "1"}
    page.evaluate("""window.CRISP_TOKEN_ID = null;
        $crisp.push(['safe', true]); $crisp.push(['do', 'chat:hide']);
        $crisp.push(['on', 'session:loaded', () => log.push('loaded')]);
        $crisp.push(['do', 'session:reset']);
        log.push(document.cookie, __livechat_sandbox.connected, __livechat_sandbox.visible);
        $crisp.push(['set', 'session:data', ['waited', 'yes']])""")
    assert page.evaluate("log") == ["", False, False]  # at once
    until(page, "log.includes('loaded') && s.attributes.waited === 'yes'")
    assert hook(page, "[s.messages, s.visible]") == [[], True]
    assert crisp_cookies(page) == {session: hook(page, "s.session"), socket: "1"}
    assert hook(page, "s.session") != mine
    elsewhere = sandbox_site.visit(f"window.CRISP_TOKEN_ID = 'token-of-ada';{CRISP_SNIPPET}")
    until(elsewhere, "s.messages.length === 1")
    assert hook(elsewhere, "s.session") == mine


def test_crisp_does_not_start_again_without_a_website_until_its_script_is_fetched_again(sandbox_site: Site) -> None:
    page = sandbox_site.visit(CRISP_SNIPPET + "$crisp.push(['on', 'session:loaded', () => log.push('loaded')]);")
    until(page, "log.length === 1 && s.visible")
    page.evaluate("delete window.CRISP_WEBSITE_ID; $crisp.push(['do', 'session:reset'])")
    page.wait_for_timeout(600)
    assert hook(page, "[s.session, s.connected, s.visible, log.length]") == ["", False, False, 1]
    assert page.context.cookies() == []
    page.evaluate(f"""window.CRISP_WEBSITE_ID = '{WEBSITE}'; const again = document.createElement('script');
        again.src = '/livechat/sandbox/crisp.js'; document.head.append(again)""")
    until(page, "log.length === 2 && s.visible && s.connected")


def test_crisp_has_no_session_where_the_socket_waits_for_the_visitor(sandbox_site: Site) -> None:
    variant = script("crisp", "/livechat/sandbox/api/crisp", {"socket": False})
    page = sandbox_site.visit(
        f"""window.CRISP_WEBSITE_ID = "{WEBSITE}"; window.$crisp = [];
        $crisp.push(["on", "session:loaded", (session) => log.push(session ? "session" : "none")]);
        $crisp.push(["set", "session:data", ["waited", "yes"]]);
        {variant}"""
    )
    until(page, "s.visible && log.length === 1")
    assert (hook(page, "[s.connected, s.session]"), page.context.cookies()) == ([False, ""], [])
    page.evaluate("$crisp.push(['do', 'chat:open'])")
    until(page, "s.connected && s.attributes.waited === 'yes'")
    assert page.evaluate("log") == ["none", "session"]


def test_crisp_puts_its_element_back_into_a_new_body(sandbox_site: Site) -> None:
    page = sandbox_site.visit(CRISP_SNIPPET)
    until(page, "s.visible")
    page.evaluate("document.documentElement.replaceChild(document.createElement('body'), document.body)")
    assert not hook(page, "s.visible")
    until(page, "s.visible")


@pytest.mark.parametrize(("vendor", "starts"), [("crisp", False), ("intercom", False), ("tawk", True)])
def test_a_crawler_gets_a_chat_of_one_vendor_only(sandbox_site: Site, vendor: str, starts: bool) -> None:
    snippet = {"crisp": CRISP_SNIPPET, "intercom": INTERCOM_SNIPPET, "tawk": TAWK_SNIPPET}[vendor]
    context = sandbox_site.browser.new_context(user_agent="Mozilla/5.0 (compatible; Googlebot/2.1)")
    sandbox_site.contexts.append(context)
    page = sandbox_site.visit(f"window.intercomSettings = {{app_id: '{APP}'}};{snippet}", context)
    page.wait_for_timeout(700)
    assert bool(page.evaluate("window.__livechat_sandbox?.session")) is starts


def test_crisp_throws_on_wrong_use_unless_safe(sandbox_site: Site) -> None:
    page = sandbox_site.visit(CRISP_SNIPPET)
    until(page, "s.connected")
    throws = "(item) => { try { $crisp.push(item); return false; } catch (error) { return true; } }"
    for item in (
        ["set", "user:email", ["nobody"]],
        ["set", "session:event", ["signup"]],
        ["set", "user:nickname", "Ada"],
        ["do", "chat:fly"],
        ["on", "chat:opened", None],
        ["fly"],
    ):
        assert page.evaluate(throws, item), item
    page.evaluate("$crisp.push(['safe', true])")
    assert not page.evaluate(throws, ["set", "user:email", ["nobody"]])


def test_crisp_hides_shows_and_reverses(sandbox_site: Site) -> None:
    page = sandbox_site.visit(f"{CRISP_SNIPPET} $crisp.push(['do', 'chat:hide']);")
    until(page, "s.session && !s.visible")
    page.evaluate("$crisp.push(['do', 'chat:show']); $crisp.push(['config', 'position:reverse', [true]])")
    until(page, "s.visible")
    box = page.get_by_role("button", name="Chat", exact=True).bounding_box()
    assert box["x"] < 100
    page.evaluate("$crisp.push(['config', 'hide:on:mobile', [true]])")
    page.set_viewport_size({"width": 400, "height": 700})
    until(page, "!s.visible")


def test_tawk_knows_the_visitor_and_tells_both_ways(sandbox_site: Site) -> None:
    digest = signing.hmac_hex(NEW, "ada@example.com")
    page = sandbox_site.visit(
        TAWK_SNIPPET
        + f"""
        Tawk_API.visitor = {{name: "Ada", email: "ada@example.com", hash: "{digest}"}};
        log.push(typeof Tawk_API.maximize);
        Tawk_API.onLoad = () => log.push("onLoad " + Tawk_API.onLoaded);
        for (const name of ["tawkBeforeLoad", "tawkLoad", "tawkChatMaximized", "tawkChatStarted",
          "tawkChatMessageVisitor", "tawkAgentJoinChat", "tawkChatMessageAgent", "tawkChatMinimized",
          "tawkUnreadCountChanged"])
          addEventListener(name, (event) => log.push([name, event.detail]));"""
    )
    until(page, "s.identity.verified && Tawk_API.onLoaded")
    page.evaluate("Tawk_API.maximize()")
    send(page, "Where is my order?")
    until(page, "s.messages.length === 1")
    sandbox_site.reply("On its way")
    page.get_by_text("On its way").wait_for()
    page.get_by_role("button", name="Good").click()
    page.get_by_role("button", name="Close chat").click()
    agent = {"name": "Sandbox agent", "position": "Support", "image": "", "id": "sandbox-agent"}
    assert page.evaluate("log") == [
        "undefined", ["tawkBeforeLoad", None], ["tawkLoad", None], "onLoad true", ["tawkChatMaximized", None],
        ["tawkChatStarted", None], ["tawkChatMessageVisitor", "Where is my order?"], ["tawkAgentJoinChat", agent],
        ["tawkChatMessageAgent", "On its way"], ["tawkChatMinimized", None]]  # fmt: skip
    assert sandbox_site.problems == []


TAWK_ASK = "([method, ...args]) => new Promise((done) => Tawk_API[method](...args, (error) => done(error || 'ok')))"


def login_claims(number: str = "42", **more: str) -> dict[str, str]:
    return {"userId": number, "hash": signing.hmac_hex(NEW, number), "name": "Ada", **more}


def test_tawk_login_and_logout(sandbox_site: Site) -> None:
    page = sandbox_site.visit(TAWK_SNIPPET)
    until(page, "s.loads === 1")
    wrong = page.evaluate(TAWK_ASK, ["login", {"userId": "42", "hash": "0" * 64}])
    assert set(wrong) == {"code", "message"}
    assert "401" in wrong["message"]
    assert "400" in page.evaluate(TAWK_ASK, ["login", {"userId": 42}])["message"]
    assert page.evaluate(TAWK_ASK, ["login", login_claims(**{"plan-tier": "pro"})]) == "ok"
    until(page, "s.loads === 2 && s.identity.verified && s.attributes['plan-tier'] === 'pro'")
    mine = hook(page, "s.session")
    page.reload()
    until(page, "s.identity.id === '42'")
    assert page.evaluate(TAWK_ASK, ["logout"]) == "ok"
    until(page, "s.loads === 2 && s.identity.state === 'anonymous'")
    assert hook(page, "s.session") != mine


def test_tawk_has_its_methods_before_it_has_a_session(sandbox_site: Site) -> None:
    page = sandbox_site.visit(
        TAWK_SNIPPET
        + """
        const before = () => [typeof Tawk_API.login, typeof $_Tawk.login, Tawk_API.onLoaded === true,
          __livechat_sandbox.session, document.cookie.includes("twk_idm_key"), Tawk_API.getStatus()];
        addEventListener("tawkBeforeLoad", () => setTimeout(() => log.push(before())));"""
    )
    until(page, "s.loads === 1")
    assert page.evaluate("log") == [["function", "function", False, "", True, ""]]


def test_tawk_never_answers_a_login_before_the_session_when_the_page_named_a_visitor(sandbox_site: Site) -> None:
    page = sandbox_site.visit(
        TAWK_SNIPPET
        + f"""
        Tawk_API.visitor = {{name: "Ada"}};
        const claims = {json.dumps(login_claims())};
        addEventListener("tawkBeforeLoad", () => Tawk_API.login(claims, () => log.push("login")));"""
    )
    until(page, "s.loads === 1")
    page.wait_for_timeout(300)
    assert page.evaluate("log") == []
    assert not hook(page, "s.identity.verified")
    assert "Cannot convert undefined or null" in sandbox_site.problems.pop()
    # In the same tab the visitor counts as sent, and then a login asks for a token by itself.
    page.reload()
    until(page, "s.identity.verified")


def test_tawk_calls_back_when_the_new_registration_begins_and_loses_what_is_sent_then(sandbox_site: Site) -> None:
    page = sandbox_site.visit(
        TAWK_SNIPPET
        + f"""
        addEventListener("tawkLoad", () => {{
          log.push("load");
          if (log.length > 1) return Tawk_API.setAttributes({{late: "kept"}});
          Tawk_API.login({json.dumps(login_claims())}, () => {{
            log.push("login");
            Tawk_API.setAttributes({{early: "lost"}}, (error) => log.push(error || "ok"));
          }});
        }});"""
    )
    until(page, "s.attributes.late === 'kept'")
    assert page.evaluate("log") == ["load", "login", "ok", "load"]
    assert hook(page, "[s.attributes, s.lost]") == [{"late": "kept"}, ["attributes"]]


def test_tawk_registers_the_old_visitor_again_after_a_logout(sandbox_site: Site) -> None:
    digest = signing.hmac_hex(NEW, "ada@example.com")
    page = sandbox_site.visit(
        TAWK_SNIPPET + f'Tawk_API.visitor = {{name: "Ada", email: "ada@example.com", hash: "{digest}"}};'
    )
    until(page, "s.loads === 1 && s.identity.verified")
    assert page.evaluate(TAWK_ASK, ["login", login_claims()]) == "ok"
    until(page, "s.loads === 2")
    uuid = hook(page, "s.uuid")
    page.evaluate("delete Tawk_API.visitor; sessionStorage.clear()")
    page.context.clear_cookies()
    assert page.evaluate(TAWK_ASK, ["logout"]) == "ok"
    until(page, "s.loads === 3")
    assert hook(page, "[s.uuid, s.identity.email, s.identity.id]") == [uuid, "ada@example.com", None]
    assert uuid in str(page.context.cookies())
    # Without the token in the storage the server logs nobody out.
    page.evaluate(TAWK_ASK, ["login", login_claims()])
    until(page, "s.loads === 4 && s.identity.id === '42'")
    page.evaluate("localStorage.clear()")
    assert page.evaluate(TAWK_ASK, ["logout"]) == "ok"
    until(page, "s.loads === 5 && s.identity.id === '42'")


def test_tawk_is_silent_after_a_shutdown_unless_a_registration_was_under_way(sandbox_site: Site) -> None:
    page = sandbox_site.visit(TAWK_SNIPPET)
    until(page, "s.loads === 1")
    page.wait_for_timeout(700)  # until the page's address is written down
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("Tawk_API.shutdown(() => log.push('shut')); log.push(__livechat_sandbox.connected)")
    assert page.evaluate("log") == ["shut", False]
    page.context.clear_cookies()
    page.evaluate("localStorage.clear(); sessionStorage.clear(); dispatchEvent(new Event('focus'))")
    page.wait_for_timeout(600)
    assert (asked, page.context.cookies()) == ([], [])
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    page.evaluate("Tawk_API.login({}, () => undefined); Tawk_API.logout(() => undefined); Tawk_API.shutdown()")
    until(page, "s.loads === 2 && s.connected")


def test_tawk_tells_every_hide_and_shows_an_open_panel_although_hidden(sandbox_site: Site) -> None:
    page = sandbox_site.visit(TAWK_SNIPPET + 'addEventListener("tawkChatHidden", () => log.push("hidden"));')
    until(page, "s.loads === 1 && s.visible")
    assert page.evaluate("Tawk_API.hideWidget(), Tawk_API.hideWidget(), log") == ["hidden", "hidden"]
    root = "document.querySelector('#livechat-sandbox-tawk').parentElement"
    assert page.evaluate(f"[{root}.className, __livechat_sandbox.visible]") == ["widget-hidden", False]
    page.evaluate("Tawk_API.maximize()")
    assert page.evaluate(f"[{root}.className, Tawk_API.isChatHidden(), __livechat_sandbox.open]") == [
        "widget-visible", True, True]  # fmt: skip


@pytest.mark.parametrize("move", ["moveBefore", "insertBefore"])
def test_tawk_is_dead_when_its_frame_was_moved_as_other_elements_are(sandbox_site: Site, move: str) -> None:
    page = sandbox_site.visit(TAWK_SNIPPET)
    until(page, "s.loads === 1 && s.visible")
    page.evaluate(f"""() => document.documentElement.{move}(
        document.querySelector('#livechat-sandbox-tawk').parentElement, document.body)""")
    page.evaluate("Tawk_API.maximize()")
    assert hook(page, "s.open") is (move == "moveBefore")


def test_tawk_limits_are_the_vendors(sandbox_site: Site) -> None:
    page = sandbox_site.visit(TAWK_SNIPPET)
    until(page, "s.loads === 1")
    for call, expected in (
        (["setAttributes", {"plan_tier": "pro"}], "[JSAPI/setAttributes]: Invalid key: plan_tier"),
        (["setAttributes", {"k" * 51: "v"}], "[JSAPI/setAttributes]: Invalid key: " + "k" * 51),
        (["setAttributes", {"good": 1, "plan": ["pro"]}], "[JSAPI/setAttributes]: Invalid value for key plan: pro}"),
        (["setAttributes", {"plan": "x" * 256}], f"[JSAPI/setAttributes]: Invalid value for key plan: {'x' * 256}}}"),
        (["setAttributes", {f"k{n}": "v" for n in range(51)}],
         "[JSAPI/setAttributes]: 50 custom attributes are only allowed."),
        (["setAttributes", {"name": "Ada"}], "ACCESS_ERROR"),
        (["setAttributes", {"Plan": "pro", "seats": 3, "k" * 50: "v" * 255, "paid": True, "gone": None}], "ok"),
        (["addEvent", "two words"], "INVALID_EVENT_NAME"),
        (["addEvent", "signup", {"seats": "3"}], "ok"),
        (["addTags", "vip"], "INVALID_TAGS"),
        (["addTags", [f"t{n}" for n in range(11)]], "TAG_LIMIT_EXCEEDED"),
        (["addTags", ["vip"]], "ok"),
    ):  # fmt: skip
        answer = page.evaluate(TAWK_ASK, call)
        assert (answer["code"] if isinstance(answer, dict) else answer) == expected, call
    kept = {"plan": "pro", "seats": 3, "k" * 50: "v" * 255, "paid": True}
    assert hook(page, "[s.attributes, s.tags]") == [kept, ["vip"]]


def test_tawk_waits_for_start_and_runs_once(sandbox_site: Site) -> None:
    page = sandbox_site.visit(f"{TAWK_SNIPPET} Tawk_API.autoStart = false;")
    page.wait_for_function("() => Tawk_API.onBeforeLoaded")
    assert (hook(page, "[s.session, s.visible, s.loads]"), page.context.cookies()) == (["", False, 0], [])
    page.evaluate("Tawk_API.start({showWidget: true})")
    until(page, "s.session && s.visible")
    page.evaluate("""() => new Promise((done) => { const again = document.createElement('script');
        again.src = '/livechat/sandbox/tawk.js'; again.onload = done; document.body.append(again); })""")
    assert page.locator("#livechat-sandbox-tawk").count() == 1


def test_intercom_replays_boots_and_shows_the_reply(sandbox_site: Site) -> None:
    page = sandbox_site.visit(
        f"""{INTERCOM_SNIPPET}
        Intercom("onShow", () => log.push("show")); Intercom("onHide", () => log.push("hide"));
        Intercom("onUnreadCountChange", (count) => log.push(count)); Intercom("ready", () => log.push("ready"));
        Intercom("boot", {{app_id: "{APP}", intercom_user_jwt: "{jwt(name="Ada")}", plan: "pro",
          custom_launcher_selector: "#help", alignment: "left"}});
        Intercom("trackEvent", "signup", {{seats: 3}});"""
    )
    until(page, "s.identity.verified && s.events.length === 1 && s.attributes.plan === 'pro'")
    assert page.evaluate("Intercom('getVisitorId')") == "42"
    page.get_by_role("link", name="Help").click()
    send(page, "Where is my order?")
    until(page, "s.messages.length === 1")
    sandbox_site.reply("On its way")
    page.get_by_text("On its way").wait_for()
    page.keyboard.press("Escape")
    until(page, "!s.open")
    assert page.evaluate("document.activeElement.id") == "help"
    sandbox_site.reply("Anything else?")
    page.get_by_role("button", name="Chat, 1 unread").wait_for()
    assert page.evaluate("log") == [0, "ready", "show", "hide", 1]
    page.evaluate("Intercom('shutdown')")
    until(page, "!s.booted && !s.visible && s.messages.length === 0 && s.identity.state === 'anonymous'")
    assert {cookie["name"] for cookie in page.context.cookies()} == {f"intercom-device-id-{APP}"}
    assert sandbox_site.problems == []


def test_intercom_boots_from_settings_and_a_wrong_id_is_silent(sandbox_site: Site) -> None:
    page = sandbox_site.visit(f"window.intercomSettings = {{app_id: '{APP}'}};{INTERCOM_SNIPPET}")
    until(page, "s.booted")
    assert hook(page, "s.identity.state") == "anonymous"
    wrong = sandbox_site.visit(f"window.intercomSettings = {{app_id: 'wrong'}};{INTERCOM_SNIPPET}")
    until(wrong, "s.boots === 1")
    wrong.wait_for_timeout(200)
    assert hook(wrong, "[s.booted, s.visible]") == [False, False]
    # The browser itself reports the 404; the stand-in adds nothing.
    assert not [problem for problem in sandbox_site.problems if "Intercom" in problem]


def test_intercom_refuses_what_is_not_proven(sandbox_site: Site) -> None:
    page = sandbox_site.visit(f"window.intercomSettings = {{app_id: '{APP}', user_id: '42'}};{INTERCOM_SNIPPET}")
    until(page, "s.boots === 1")
    page.wait_for_timeout(200)
    assert not hook(page, "s.booted")
    assert [problem for problem in sandbox_site.problems if "403 Missing user_hash" in problem]
    page.evaluate(f"Intercom('boot', {{app_id: '{APP}', intercom_user_jwt: '{jwt()}'}})")
    until(page, "s.identity.verified")
    page.evaluate("for (let n = 0; n < 25; n += 1) Intercom('update', {count: n})")
    until(page, "s.attributes.count === 18")
    page.wait_for_timeout(200)
    assert hook(page, "[s.pings, s.attributes.count]") == [20, 18]  # the boot is one of them
    page.evaluate("Intercom('shutdown')")
    page.evaluate(f"Intercom('boot', {{app_id: '{APP}', intercom_user_jwt: '{jwt()}'}})")
    until(page, "s.booted && s.pings === 1")
    # What is refused destroys the session.
    page.evaluate("Intercom('update', {user_id: '42', plan: 'pro'})")
    until(page, "!s.booted && !s.visible && !s.connected")
    assert f"intercom-session-{APP}" not in str(page.context.cookies())


INTERCOM_BOOT = f'Intercom("boot", {{app_id: "{APP}", intercom_user_jwt: "{jwt(name="Ada")}"}});'


def test_intercom_says_who_loaded_it_before_it_can_do_anything(sandbox_site: Site) -> None:
    page = sandbox_site.visit(
        INTERCOM_SNIPPET
        + """const seen = setInterval(() => {
          if (!Intercom.booted) return;
          clearInterval(seen);
          log.push(document.querySelector("body > iframe#intercom-frame") !== null);
        });"""
    )
    page.wait_for_function("() => log.length")
    assert page.evaluate("log") == [True]
    page.wait_for_timeout(200)
    assert not hook(page, "s.booted")  # it boots when it is told to
    assert page.evaluate("Intercom('reattach_activator') === undefined && Intercom('unknown') === undefined")
    assert sandbox_site.problems == []


def test_intercom_writes_cookies_when_the_ping_is_answered_and_its_state_even_after_a_shutdown(
    sandbox_site: Site,
) -> None:
    page = sandbox_site.visit(INTERCOM_SNIPPET)
    page.wait_for_function("() => window.__livechat_sandbox")
    page.evaluate(f"{INTERCOM_BOOT} log.push(document.cookie, localStorage.length); Intercom('shutdown')")
    assert page.evaluate("log") == ["", 0]
    page.wait_for_function("() => localStorage.length")
    page.wait_for_timeout(200)
    assert page.evaluate("[Object.keys(localStorage), document.cookie]") == [["intercom.intercom-state"], ""]
    assert '"user_role"' in page.evaluate("localStorage.getItem('intercom.intercom-state')")


def test_intercom_forgets_listeners_with_a_shutdown_and_cookies_unless_told_not_to(sandbox_site: Site) -> None:
    page = sandbox_site.visit(INTERCOM_SNIPPET + 'Intercom("onShow", () => log.push("show"));' + INTERCOM_BOOT)
    until(page, "s.identity.verified")
    names = {f"intercom-{kind}-{APP}" for kind in ("id", "session", "device-id")}
    assert {cookie["name"] for cookie in page.context.cookies()} == names
    page.evaluate("Intercom('shutdown', false)")
    assert {cookie["name"] for cookie in page.context.cookies()} == names
    page.evaluate(INTERCOM_BOOT)
    until(page, "s.identity.verified")
    page.evaluate("Intercom('show')")
    until(page, "s.open")
    assert page.evaluate("log") == []
    page.evaluate("Intercom('shutdown')")
    assert {cookie["name"] for cookie in page.context.cookies()} == {f"intercom-device-id-{APP}"}
    assert page.evaluate("Object.keys(localStorage)") == []
    assert not hook(page, "s.connected || s.visible")


def test_intercom_leaves_with_a_visit_of_turbo_and_comes_back_without_a_boot(sandbox_site: Site) -> None:
    page = sandbox_site.visit(INTERCOM_SNIPPET + INTERCOM_BOOT)
    until(page, "s.visible")
    page.evaluate("window.before = Intercom; document.dispatchEvent(new Event('turbo:visit'))")
    assert page.evaluate("[Intercom === before, Intercom.q.length, Intercom.booted]") == [False, 0, None]
    assert page.evaluate("document.querySelector('#intercom-frame')") is None
    assert not hook(page, "s.visible || s.connected")
    page.evaluate("document.dispatchEvent(new Event('turbo:load'))")
    page.wait_for_timeout(300)
    assert page.evaluate("document.querySelectorAll('#intercom-frame').length") == 1
    assert hook(page, "[s.booted, s.visible, s.boots]") == [False, False, 1]
    page.evaluate("before('show')")  # that one is dead
    page.evaluate(INTERCOM_BOOT)
    until(page, "s.visible && s.boots === 2 && s.opened === 0")


@pytest.mark.parametrize("move", ["moveBefore", "insertBefore"])
def test_intercom_is_dead_when_its_frame_was_moved_as_other_elements_are(sandbox_site: Site, move: str) -> None:
    page = sandbox_site.visit(INTERCOM_SNIPPET + INTERCOM_BOOT)
    until(page, "s.visible")
    page.evaluate(f"document.documentElement.{move}(document.querySelector('#intercom-frame'), document.body)")
    assert hook(page, "s.visible") is (move == "moveBefore")


def test_intercom_loses_the_styles_of_the_open_messenger_when_they_are_moved(sandbox_site: Site) -> None:
    page = sandbox_site.visit(INTERCOM_SNIPPET + INTERCOM_BOOT)
    until(page, "s.visible")
    assert page.evaluate("document.querySelectorAll('.intercom-lightweight-app').length") == 1
    page.evaluate("Intercom('show')")
    until(page, "s.open && s.styled")
    assert page.evaluate("document.querySelectorAll('#intercom-container.intercom-namespace iframe').length") == 1
    page.evaluate("""for (const id of ["intercom-container", "intercom-css-container"])
        document.documentElement.moveBefore(document.querySelector("#" + id), null)""")
    assert hook(page, "[s.open, s.styled]") == [True, False]
    page.evaluate("Intercom('update', {}); Intercom('hide'); Intercom('show')")
    page.wait_for_timeout(200)
    assert not hook(page, "s.styled")
    page.evaluate(f"Intercom('shutdown', false); {INTERCOM_BOOT} Intercom('show')")
    until(page, "s.open && s.styled")


def test_intercoms_older_script_knows_no_ready_and_takes_thirty_pings(sandbox_site: Site) -> None:
    older = script("intercom", "/livechat/sandbox/api/intercom", {"ready": False, "limit": 30})
    page = sandbox_site.visit(f"""addEventListener("load", () => {{ {older}
        Intercom("ready", () => log.push("ready")); {INTERCOM_BOOT}
        for (let n = 0; n < 40; n += 1) Intercom("update", {{count: n}}); }})""")
    until(page, "s.pings === 30")
    page.wait_for_timeout(200)
    assert page.evaluate("log") == []


def test_a_script_under_another_host_talks_to_its_own_api(sandbox_site: Site) -> None:
    there = make_app(allow_origins=[sandbox_site.base])
    server = make_server("127.0.0.1", 0, there, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    api = f"http://127.0.0.1:{server.server_port}/livechat/sandbox/api/crisp"
    try:
        context = sandbox_site.browser.new_context(bypass_csp=True)
        sandbox_site.contexts.append(context)
        page = sandbox_site.visit(f"window.CRISP_WEBSITE_ID = '{WEBSITE}'; {script('crisp', api)}", context)
        until(page, "s.session && s.visible")
        page.evaluate("$crisp.push(['do', 'message:send', ['text', 'hello']])")
        until(page, "s.messages.length === 1")
        assert Sandbox(there.test_client()).desk()["sessions"][0]["last"]["text"] == "hello"
    finally:
        server.shutdown()


def test_intercom_keeps_its_looks(sandbox_site: Site) -> None:
    page = sandbox_site.visit(
        f"""window.intercomSettings = {{app_id: "{APP}", alignment: "left", hide_default_launcher: true,
        vertical_padding: 5, z_index: 77}};{INTERCOM_SNIPPET}"""
    )
    until(page, "s.booted")
    assert hook(page, "[s.visible, s.launcher]") == [True, False]
    page.evaluate("Intercom('update', {hide_default_launcher: false})")
    until(page, "s.launcher")
    box = page.get_by_role("button", name="Chat", exact=True).bounding_box()
    size = page.viewport_size
    assert (box["x"], round(size["height"] - box["y"] - box["height"])) == (20, 20)
    assert page.evaluate("getComputedStyle(document.querySelector('#livechat-sandbox-intercom')).zIndex") == "77"
    page.evaluate("Intercom('showNewMessage', 'I would like to')")
    until(page, "s.open")
    assert page.get_by_label("Message", exact=True).input_value() == "I would like to"
    page.evaluate("Intercom('startConversation', 'sent at once')")
    until(page, "s.messages.length === 1")
    assert sandbox_site.problems == []


def test_desk_changes_status_and_ends_conversations(sandbox_site: Site) -> None:
    page = sandbox_site.visit(
        f"""{TAWK_SNIPPET} Tawk_API.onStatusChange = (status) => log.push(status);
        Tawk_API.onChatEnded = () => log.push("ended");"""
    )
    until(page, "Tawk_API.onLoaded")
    page.evaluate("Tawk_API.maximize()")
    send(page, "hello")
    desk = sandbox_site.context().new_page()
    desk.goto(f"{sandbox_site.base}/livechat/sandbox/")
    desk.get_by_label("Tawk.to").select_option("away")
    page.wait_for_function("() => log.includes('away')")
    assert page.evaluate("Tawk_API.getStatus()") == "away"
    desk.locator("nav button").first.click()
    desk.get_by_role("button", name="End conversation").click()
    page.wait_for_function("() => log.includes('ended')")
    assert not page.evaluate("Tawk_API.isChatOngoing()")
    assert sandbox_site.problems == []

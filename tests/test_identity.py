"""Who the visitor is, and the proof each vendor gets of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from flask import Flask
from flask_login import LoginManager, UserMixin, encode_cookie, login_user

from flask_livechat import Company, LiveChat, Visitor, providers, signing
from flask_livechat.providers import Secrets

from .conftest import (
    CRISP_SECRET,
    CRISP_SESSION_SECRET,
    IDS,
    INTERCOM_SECRET,
    SECRETS,
    TAWK_KEY,
    USERS,
    VENDORS,
    chat_of,
    create_app,
    log_in,
    page,
    payload,
)

MakeApp = Callable[..., Flask]
NOW = 1893448800  # two hours before the vector's expiry
JWT_VECTOR = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VyX2lkIjoiNDIiLCJlbWFpbCI6ImFkYUBleGFtcGxlLmNvbSIsImV4cCI6MTg5MzQ1"
    "NjAwMH0.pGkHA481518rs7iOPHi6hLoFF2Dn6PZ4M7weXsHTPLQ"
)
TAWK = {"PROPERTY_ID": "58ca8453b8a7e060cd3b1ecb", "WIDGET_ID": "default", "JS_API_KEY": Secrets([TAWK_KEY])}
CRISP = {"WEBSITE_ID": "42286ab3-b29a-4fde-8538-da0ae501d825", "IDENTITY_SECRET": Secrets([CRISP_SECRET])}
INTERCOM = {"APP_ID": "abc12345", "IDENTITY_SECRET": Secrets([INTERCOM_SECRET]), "IDENTITY": "jwt"}
PROOF_OF_VENDOR = {"tawk": {"email", "id"}, "crisp": {"email"}, "intercom": {"jwt", "expires"}}


def prove(name: str, values: dict[str, Any], visitor: Visitor) -> dict[str, Any]:
    proof = providers.load(name).prove(values, visitor, NOW, 7200)
    assert proof is not None
    return proof


def hmac_by_hand(secret: str, message: str) -> str:
    """RFC 2104 written out, so that the vectors do not rest on one implementation."""
    key = secret.encode().ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + message.encode()).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in key) + inner).hexdigest()


# The vendors' vectors.


@pytest.mark.parametrize(
    ("email", "digest"),
    [
        ("user@example.com", "a6c9935630611765e0c922056b7567df2113ca5826fbd4c43ed2df95159fff68"),
        ("User@Example.com", "04f4a1323fb17d0e848139bcc7bf800de8e5a9246d4b8292fb4229412f1501de"),
        ("jürgen@example.com", "0dc5e32c5b545add044c80e964d2b73770efeb8329ffa8ea155919bc3e3427e3"),
    ],
)
def test_tawk_signs_the_email_for_the_visitor(email: str, digest: str) -> None:
    assert prove("tawk", TAWK, Visitor("1", email=email))["email"] == digest == hmac_by_hand(TAWK_KEY, email)


@pytest.mark.parametrize("email", ["42", "root", "", "ada.example.com"])
def test_tawk_neither_signs_nor_sends_an_email_that_could_be_an_id(email: str) -> None:
    """One key signs both: the proof of the email 42 would log in as the visitor 42."""
    visitor = Visitor("1", email=email)
    assert prove("tawk", TAWK, visitor) == {"id": hmac_by_hand(TAWK_KEY, "1")}
    assert "email" not in providers.load("tawk").visitor(TAWK, visitor)


@pytest.mark.parametrize(("name", "values"), [("tawk", TAWK), ("crisp", CRISP), ("intercom", INTERCOM)])
def test_an_email_that_is_not_verified_is_left_out_everywhere(name: str, values: dict[str, Any]) -> None:
    visitor = Visitor("42", email="ada@example.com", name="Ada", email_verified=False)
    proof = providers.load(name).prove(values, visitor, NOW, 7200)
    told = json.dumps([providers.load(name).visitor(values, visitor), proof])
    assert "ada@" not in told
    assert visitor.email is None
    if proof and "jwt" in proof:
        assert "email" not in signing.claims_of(proof["jwt"])
    assert proof is None or "email" not in proof


@pytest.mark.parametrize("verified", [True, None])
def test_a_verified_email_and_one_that_nobody_speaks_of_are_signed(verified: bool | None) -> None:
    visitor = Visitor("42", email="ada@example.com", email_verified=verified)
    assert set(prove("crisp", CRISP, visitor)) == {"email"}
    assert visitor.own_email == ("ada@example.com" if verified else None)


def test_whether_an_email_is_verified_is_a_yes_or_a_no() -> None:
    with pytest.raises(ValueError, match=r"Visitor\.email_verified must be a bool"):
        Visitor("42", email="ada@example.com", email_verified="no")  # type: ignore[arg-type]


@pytest.mark.parametrize("delivery", ["inline", "fetch"])
def test_a_users_own_email_verified_counts(delivery: str) -> None:
    class User(UserMixin):
        id, email, name, email_verified = "7", "ada@example.com", "Ada", False

    app = create_app("crisp", LIVECHAT_IDENTITY_DELIVERY=delivery, LIVECHAT_ALLOW_UNVERIFIED=True)
    app.login_manager.user_loader(lambda identifier: User())  # type: ignore[attr-defined]
    client = app.test_client()
    with client.session_transaction() as session:
        session.update(_user_id="7", _fresh=True)
    answers = client.get("/").text + client.get("/livechat/identity", headers={"Sec-Fetch-Site": "same-origin"}).text
    assert "Ada" in answers
    assert "ada@" not in answers


def test_tawk_signs_the_id_for_the_login() -> None:
    digest = "68be1d8dd9a3fc65b9f94da91b132e6643b29fb83480ca4dabd160aa4f301e1e"
    proof = prove("tawk", TAWK, Visitor("42", email="user@example.com"))
    assert proof["id"] == digest == hmac_by_hand(TAWK_KEY, "42")
    assert proof["email"] != proof["id"]


def test_tawk_proves_the_id_alone_of_a_visitor_without_an_email() -> None:
    assert set(prove("tawk", TAWK, Visitor("42"))) == {"id"}


@pytest.mark.parametrize(
    ("email", "digest"),
    [
        ("john.doe@example.com", "59963f76a293608cc9154fcdb9276a63ffce440ed04f57549c6a0b1c0021f87a"),
        ("John.Doe@Example.com", "f8155821d4c394efbe6b19b2d3bdc8d7cd34cdefe6d645f7b45c7e2f118e74b8"),
    ],
)
def test_crisp_signs_the_email_exactly_as_it_is_pushed(email: str, digest: str) -> None:
    visitor = Visitor("1", email=email)
    assert prove("crisp", CRISP, visitor)["email"] == digest == hmac_by_hand(CRISP_SECRET, email)
    assert providers.load("crisp").visitor(CRISP, visitor)["email"] == email


def test_crisps_continuity_token_is_keyed_and_made_over_the_id() -> None:
    values = CRISP | {"SESSION_SECRET": Secrets([CRISP_SESSION_SECRET])}
    one = prove("crisp", values, Visitor("42", email="ada@example.com"))["token"]
    assert one == prove("crisp", values, Visitor("42", email="moved@example.com"))["token"]
    assert one == hmac_by_hand(CRISP_SESSION_SECRET, "42")
    assert one != prove("crisp", values, Visitor("43", email="ada@example.com"))["token"]


def test_crisp_gets_no_token_without_a_session_secret() -> None:
    assert set(prove("crisp", CRISP, Visitor("42", email="ada@example.com"))) == {"email"}


def test_the_visitors_own_session_token_replaces_the_derived_one() -> None:
    values = CRISP | {"SESSION_SECRET": Secrets([CRISP_SESSION_SECRET])}
    visitor = Visitor("42", email="ada@example.com", session_token="5ab63cd6-stored")
    assert prove("crisp", values, visitor)["token"] == "5ab63cd6-stored"


@pytest.mark.parametrize(
    ("user", "digest"),
    [
        ("42", "ca697316f4d4cd8ba64afb71ffce9b2cf231ed16ea03bd072dee31a093c0048c"),
        ("ada@example.com", "e5b64e023507b0151e3dfc76f7c0b342684bf19296ef0cafdada60ec537023ca"),
        ("użytkownik-7", "d439b3a134b85d40756eb3bf7d8168bfffd75fb7531eefd5017377e60133234d"),
    ],
)
def test_intercoms_older_hash_is_over_the_id(user: str, digest: str) -> None:
    values = INTERCOM | {"IDENTITY": "hmac", "IDENTITY_SECRET": Secrets(["test_idv_secret"])}
    assert prove("intercom", values, Visitor(user, email="other@example.com")) == {"user_hash": digest}
    assert digest == hmac_by_hand("test_idv_secret", user)


def test_intercoms_token_is_the_vector_byte_by_byte() -> None:
    proof = prove("intercom", INTERCOM, Visitor("42", email="ada@example.com"))
    assert proof == {"jwt": JWT_VECTOR, "expires": 1893456000}


def test_intercoms_token_verifies_without_our_code_and_without_pyjwt() -> None:
    token = prove("intercom", INTERCOM, Visitor("42", email="ada@example.com"))["jwt"]
    signed, _, signature = token.rpartition(".")
    expected = hmac.digest(INTERCOM_SECRET.encode(), signed.encode(), "sha256")
    assert base64.urlsafe_b64decode(signature + "=") == expected
    assert hmac_by_hand(INTERCOM_SECRET, signed) == expected.hex()
    header, claims = (base64.urlsafe_b64decode(part + "==") for part in signed.split("."))
    assert header == b'{"alg":"HS256","typ":"JWT"}'
    assert claims == b'{"user_id":"42","email":"ada@example.com","exp":1893456000}'


def test_a_short_secret_signs_as_pyjwt_itself_signs() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer ones warn of short keys, which is why ours are padded
        theirs = jwt.encode({"user_id": "42"}, "short", algorithm="HS256")
    assert signing.make_jwt({"user_id": "42"}, "short") == theirs


def test_intercoms_token_holds_the_personal_fields_and_nothing_that_no_source_uses() -> None:
    visitor = Visitor(
        "42",
        email="ada@example.com",
        name="First Visitor",
        phone="+15550100",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        attributes={"plan": "pro"},
    )
    claims = jwt.decode(prove("intercom", INTERCOM, visitor)["jwt"], INTERCOM_SECRET, ["HS256"], {"verify_exp": False})
    assert claims == {
        "user_id": "42",
        "email": "ada@example.com",
        "name": "First Visitor",
        "phone": "+15550100",
        "created_at": 1767225600,
        "plan": "pro",
        "exp": 1893456000,
    }


@pytest.mark.parametrize("name", ["user_id", "USER_ID", "user.id", "exp", "email", "sub", "iat", "name", "user_hash"])
def test_an_attribute_never_overrides_a_claim_of_the_token(name: str) -> None:
    visitor = Visitor("42", email="ada@example.com", attributes={name: "43"})
    assert prove("intercom", INTERCOM, visitor)["jwt"] == JWT_VECTOR


def test_what_intercoms_token_holds_is_not_repeated_outside() -> None:
    visitor = Visitor("42", "ada@example.com", "First Visitor", "+15550100", "https://cdn.example.com/a.png")
    assert providers.load("intercom").visitor(INTERCOM, visitor) == {"avatar": "https://cdn.example.com/a.png"}


def test_with_intercoms_older_hash_the_fields_stand_outside() -> None:
    said = providers.load("intercom").visitor(INTERCOM | {"IDENTITY": "hmac"}, Visitor("42", "ada@example.com"))
    assert said == {"id": "42", "email": "ada@example.com"}


def test_intercom_takes_a_company_only_with_a_name() -> None:
    room = providers.load("intercom")
    assert "company" not in room.visitor(INTERCOM, Visitor("42", company=Company("c1")))
    said = room.visitor(INTERCOM, Visitor("42", company=Company("c1", "Example Ltd")))
    assert said["company"] == {"id": "c1", "name": "Example Ltd"}


def test_intercom_gets_what_else_is_known_of_a_company_and_nothing_in_the_place_of_it() -> None:
    custom = {"seats": 12, "monthly_spend": 0, "company_id": "c2", "user_count": 7, "on.board": True}
    company = Company("c1", "Example Ltd", "pro", spend=49.9, size=12, industry="Retail", attributes=custom)
    shown = providers.load("intercom").visitor(INTERCOM, Visitor("42", company=company))["company"]
    known = {"id": "c1", "name": "Example Ltd", "plan": "pro", "monthly_spend": 49, "size": 12, "industry": "Retail"}
    assert shown == known | {"seats": 12, "on_board": True}


def test_intercom_gets_no_spend_beyond_its_limit() -> None:
    company = Company("c1", "Example Ltd", spend=2.0**31, size=0)
    shown = providers.load("intercom").visitor(INTERCOM, Visitor("42", company=company))["company"]
    assert shown == {"id": "c1", "name": "Example Ltd", "size": 0}


@pytest.mark.parametrize("name", ["crisp", "tawk"])
def test_who_takes_little_of_a_company_gets_no_more_of_it(name: str) -> None:
    values = {"tawk": TAWK, "crisp": CRISP}[name]
    company = Company("c1", "Example Ltd", spend=49, size=12, industry="Retail", attributes={"seats": 12})
    shown = providers.load(name).visitor(values, Visitor("42", company=company))["company"]
    assert shown == {"id": "c1", "name": "Example Ltd"}


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"id": ""}, r"Company\.id"),
        ({"id": None}, r"Company\.id"),
        ({"spend": "49"}, r"Company\.spend must be a number"),
        ({"spend": True}, r"Company\.spend must be a number"),
        ({"spend": -1}, r"Company\.spend"),
        ({"spend": float("nan")}, r"Company\.spend"),
        ({"spend": float("inf")}, r"Company\.spend"),
        ({"size": 1.5}, r"Company\.size must be a whole number"),
        ({"size": -1}, r"Company\.size"),
        ({"industry": ["Retail"]}, r"Company\.industry must be text"),
        ({"attributes": ["seats"]}, r"Company\.attributes must be a mapping"),
    ],
)
def test_a_company_that_is_none_is_refused_by_the_fields_name(wrong: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Company(**{"id": "c1"} | wrong)


def test_companies_are_told_apart_by_all_that_they_hold() -> None:
    first = Company("c1", spend=1, attributes={"seats": 1})
    assert first == Company("c1", spend=1, attributes={"seats": 1})
    assert hash(first) == hash(Company("c1", spend=1, attributes={"seats": 1}))
    assert first != Company("c1", spend=1.0, attributes={"seats": 1})
    assert first != Company("c1", spend=1, attributes={"seats": True})
    assert Visitor("42", company=first) != Visitor("42", company=Company("c1", spend=1))
    assert first != "c1"


def test_a_companys_attributes_do_not_change_behind_its_back() -> None:
    attributes: dict[str, Any] = {"tags": ["a"]}
    company = Company("c1", attributes=attributes)
    attributes["seats"] = 1
    assert dict(company.attributes) == {"tags": "['a']"}
    assert "tags" not in repr(company)


@pytest.mark.parametrize("name", VENDORS)
def test_without_a_secret_a_room_has_no_proof(name: str) -> None:
    values = {"tawk": TAWK, "crisp": CRISP, "intercom": INTERCOM}[name]
    bare = {key: value for key, value in values.items() if not isinstance(value, Secrets)}
    visitor = Visitor("42", email="ada@example.com")
    assert providers.load(name).prove(bare, visitor, NOW, 7200) is None


# Rotation.


@pytest.mark.parametrize("name", VENDORS)
def test_the_newest_of_several_secrets_signs(name: str) -> None:
    (key, newest), *_ = SECRETS[name].items()
    older = "f" * 40
    alone = page(log_in(create_app(name)))["proof"]
    rotated = page(log_in(create_app(name, **{key: [newest, older]})))["proof"]
    swapped = page(log_in(create_app(name, **{key: [older, newest]})))["proof"]
    if name == "intercom":
        assert jwt.decode(rotated["jwt"], newest, ["HS256"])
        assert jwt.decode(swapped["jwt"], older, ["HS256"])
    else:
        assert rotated == alone != swapped


def test_a_token_reads_with_any_of_the_secrets_and_with_no_other() -> None:
    token = signing.make_jwt({"user_id": "42"}, "older")
    assert signing.read_jwt(token, ["newer", "older"]) == {"user_id": "42"}
    assert signing.read_jwt(token, ["newer"]) is None
    assert signing.read_jwt(jwt.encode({"user_id": "42"}, "", algorithm="none"), ["older", ""]) is None


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "e30.e30.", "é", "\ud800", JWT_VECTOR[:-2]])
def test_a_forged_token_is_answered_and_never_raises(token: str) -> None:
    assert signing.read_jwt(token, [INTERCOM_SECRET, "é"]) is None


def test_an_expired_token_reads_as_nothing() -> None:
    past = int(datetime.now(UTC).timestamp()) - 60
    assert signing.read_jwt(signing.make_jwt({"user_id": "42", "exp": past}, "secret"), ["secret"]) is None


# From flask-login.


@pytest.mark.parametrize("name", VENDORS)
def test_a_logged_in_visitor_comes_with_the_vendors_proof(name: str) -> None:
    said = page(log_in(create_app(name)))
    assert set(said["proof"]) == PROOF_OF_VENDOR[name]
    assert said["visitor"] is not None
    assert len(said["who"]) >= 32


@pytest.mark.parametrize("name", VENDORS)
def test_an_anonymous_visitor_has_no_identity(name: str) -> None:
    said = page(create_app(name).test_client())
    assert (said["visitor"], said["proof"], said["who"]) == (None, None, "")


def test_flask_logins_user_gives_id_email_name_and_creation(make_app: MakeApp) -> None:
    assert page(log_in(make_app("tawk")))["visitor"] == {
        "id": "42",
        "email": "ada@example.com",
        "name": "First Visitor",
        "created_at": 1767225600,
    }


class Account(UserMixin):
    """A user whose ``get_id`` is an alternative token, as flask-login's manual suggests."""

    id = 99

    def __init__(self, **fields: Any) -> None:
        self.__dict__ |= fields

    def get_id(self) -> str:
        return "secret-alternative-token"


def site_of(account: Any, **config: Any) -> Flask:
    """A site on which everybody is ``account``."""
    app = create_app("tawk", login=False, **config)
    LoginManager(app).user_loader(lambda _: account)
    app.add_url_rule("/login/42", "login", lambda: str(login_user(account)))
    return app


def test_an_overridden_get_id_never_leaves_the_server() -> None:
    html = log_in(site_of(Account(email="ada@example.com"))).get("/").text
    assert payload(html)["visitor"]["id"] == "99"
    assert "secret-alternative-token" not in html


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"full_name": "Full Name", "username": "login"}, "Full Name"),
        ({"username": "login"}, "login"),
        ({"name": "Name", "full_name": "Full Name"}, "Name"),
        ({"name": ["not", "text"]}, None),
    ],
)
def test_the_name_is_looked_for_in_three_places(fields: dict[str, Any], name: str | None) -> None:
    assert page(log_in(site_of(Account(**fields))))["visitor"].get("name") == name


def test_a_naive_creation_moment_of_a_user_counts_as_utc() -> None:
    moment = datetime(2026, 1, 1)
    assert page(log_in(site_of(Account(created_at=moment))))["visitor"]["created_at"] == 1767225600


def test_a_user_without_an_id_is_anonymous_and_a_warning_says_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    client = log_in(site_of(Account(id=None)))
    assert page(client)["visitor"] is None
    assert "visitor_loader" in caplog.text


def test_who_logs_in_with_this_very_request_is_known_on_its_page(make_app: MakeApp) -> None:
    app = make_app("tawk")

    @app.get("/welcome")
    def welcome() -> str:
        login_user(USERS["42"])
        return str(chat_of(app).tag())

    assert page(app.test_client(), "/welcome")["visitor"]["id"] == "42"


def test_a_request_loader_of_flask_login_is_asked(make_app: MakeApp) -> None:
    app = make_app("tawk")
    app.login_manager.request_loader(lambda request: USERS.get(request.headers.get("X-Api-User", "")))  # type: ignore[attr-defined]
    assert page(app.test_client(), headers={"X-Api-User": "7"})["visitor"]["id"] == "7"


@pytest.mark.parametrize("name", [None, "stay"])
def test_a_visitor_whom_only_a_remember_cookie_brings_back_is_known(make_app: MakeApp, name: str | None) -> None:
    app = make_app("tawk", **({"REMEMBER_COOKIE_NAME": name} if name else {}))
    client = app.test_client()
    with app.app_context():
        client.set_cookie(name or "remember_token", encode_cookie("42"))
    assert page(client)["visitor"]["id"] == "42"


# visitor_loader.


def test_the_visitor_loader_replaces_what_flask_login_says(make_app: MakeApp) -> None:
    app = make_app("tawk")
    asked = []

    @chat_of(app).visitor_loader
    def load(user: Any) -> Visitor:
        asked.append(user.id)
        return Visitor("own-1", email="own@example.com")

    assert page(log_in(app))["visitor"] == {"id": "own-1", "email": "own@example.com"}
    assert asked == ["42"]  # once per page


def test_the_visitor_loader_is_not_asked_about_anonymous_users(make_app: MakeApp) -> None:
    app = make_app("tawk")
    chat_of(app).visitor_loader(lambda user: pytest.fail("asked"))
    assert page(app.test_client())["visitor"] is None


def test_a_visitor_loader_may_say_nobody(make_app: MakeApp) -> None:
    app = make_app("tawk")
    chat_of(app).visitor_loader(lambda user: None)
    assert page(log_in(app))["visitor"] is None


def test_without_a_login_manager_the_visitor_loader_is_called_with_none(make_app: MakeApp) -> None:
    app = make_app("tawk", login=False)
    chat_of(app).visitor_loader(lambda user: Visitor("from-the-app") if user is None else None)
    assert page(app.test_client())["visitor"] == {"id": "from-the-app"}


def test_without_a_login_manager_and_without_a_loader_everybody_is_anonymous(make_app: MakeApp) -> None:
    assert page(make_app("tawk", login=False).test_client())["visitor"] is None


def test_callbacks_can_be_registered_before_there_is_an_app() -> None:
    livechat = LiveChat()
    livechat.visitor_loader(lambda user: Visitor("early"))
    app = Flask("tests")
    app.config.update(IDS["tawk"] | SECRETS["tawk"], LIVECHAT_PROVIDER="tawk", SECRET_KEY="k", TESTING=True)
    livechat.init_app(app)
    app.add_url_rule("/", "index", lambda: str(livechat.tag()))
    assert page(app.test_client())["visitor"] == {"id": "early"}


# When none is sent.


@pytest.mark.parametrize("name", VENDORS)
def test_staff_who_impersonate_never_send_an_identity(name: str) -> None:
    app = create_app(name)
    chat_of(app).impersonating(lambda: True)
    client = log_in(app)
    html = client.get("/").text
    assert (payload(html)["visitor"], payload(html)["proof"], payload(html)["who"]) == (None, None, "")
    assert "ada@example.com" not in html
    answer = client.get(f"/livechat/identity?provider={name}").get_json()
    assert (answer["visitor"], answer["proof"], answer["who"]) == (None, None, "")


def test_who_does_not_impersonate_sends_the_identity(make_app: MakeApp) -> None:
    app = make_app("tawk")
    chat_of(app).impersonating(lambda: False)
    assert page(log_in(app))["visitor"]["id"] == "42"


def test_impersonation_allows_no_unverified_identity_either(make_app: MakeApp) -> None:
    app = make_app("tawk", secrets=False, LIVECHAT_ALLOW_UNVERIFIED=True)
    chat_of(app).impersonating(lambda: True)
    assert page(log_in(app))["visitor"] is None


@pytest.mark.parametrize("delivery", ["inline", "fetch"])
def test_a_rule_with_identify_false_sends_no_identity(delivery: str) -> None:
    rules = [{"path": "/", "identify": False}]
    app = create_app("tawk", LIVECHAT_RULES=rules, LIVECHAT_IDENTITY_DELIVERY=delivery)
    said = page(log_in(app))
    assert (said["visitor"], said["proof"], said["who"]) == (None, None, "")


@pytest.mark.parametrize("name", VENDORS)
def test_without_a_secret_a_logged_in_visitor_stays_anonymous_and_one_warning_says_so(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = log_in(create_app(name, secrets=False))
    for _ in range(3):
        assert page(client)["visitor"] is None
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert next(iter(SECRETS[name])) in warnings[0].getMessage()
    assert "ada@example.com" not in caplog.text


def test_a_visitor_whom_the_vendor_cannot_verify_stays_anonymous(caplog: pytest.LogCaptureFixture) -> None:
    app = create_app("crisp")  # signs emails only
    chat_of(app).visitor_loader(lambda user: Visitor("42", name="No Email"))
    assert page(log_in(app))["visitor"] is None
    assert "Give this visitor an email that may be sent" in caplog.text
    assert "LIVECHAT_CRISP_IDENTITY_SECRET" not in caplog.text  # it is set


@pytest.mark.parametrize("name", VENDORS)
def test_allow_unverified_sends_the_identity_without_a_proof(name: str, caplog: pytest.LogCaptureFixture) -> None:
    said = page(log_in(create_app(name, secrets=False, LIVECHAT_ALLOW_UNVERIFIED=True)))
    assert said["visitor"]["email"] == "ada@example.com"
    assert said["visitor"]["id"] == "42"
    assert said["proof"] is None
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


# who.


def test_who_says_nothing_about_the_id_and_differs_between_visitors(make_app: MakeApp) -> None:
    app = make_app("tawk")
    first, again, second = (page(log_in(app, number))["who"] for number in ("42", "42", "7"))
    assert first == again != second
    assert first not in {hashlib.sha256(b"42").hexdigest()[: len(first)], "42"}


def test_who_depends_on_the_apps_key(make_app: MakeApp) -> None:
    ours, theirs = make_app("tawk"), make_app("tawk", SECRET_KEY="another")
    assert page(log_in(ours))["who"] != page(log_in(theirs))["who"]


# Time.


@pytest.mark.parametrize("ttl", [60, 7200, 86400])
def test_a_token_lives_as_long_as_configured(monkeypatch: pytest.MonkeyPatch, ttl: int) -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(LiveChat, "now", staticmethod(lambda: now))
    proof = page(log_in(create_app("intercom", LIVECHAT_TOKEN_TTL=ttl)))["proof"]
    expires = int((now + timedelta(seconds=ttl)).timestamp())
    claims = jwt.decode(proof["jwt"], INTERCOM_SECRET, ["HS256"], {"verify_exp": False})
    assert proof["expires"] == claims["exp"] == expires


# Fetched identity.


@pytest.mark.parametrize("name", VENDORS)
def test_in_fetch_mode_the_html_is_the_same_for_everyone(name: str) -> None:
    app = create_app(name, LIVECHAT_IDENTITY_DELIVERY="fetch")
    chat_of(app).context_loader(lambda: {"plan": "personal-plan"})
    pages = [client.get("/") for client in (app.test_client(), log_in(app), log_in(app, "7"))]
    assert len({response.text for response in pages}) == 1
    said = payload(pages[1].text)
    assert (said["visitor"], said["proof"], said["who"], said["left"], said["events"]) == (None, None, None, False, [])
    for response in pages:
        assert "private" not in response.headers.get("Cache-Control", "")
        assert "Cookie" not in response.headers.get("Vary", "")


@pytest.mark.parametrize("delivery", ["inline", "fetch"])
@pytest.mark.parametrize("name", VENDORS)
def test_the_identity_endpoint_answers_what_an_inline_page_says(name: str, delivery: str) -> None:
    inline = page(log_in(create_app(name)))
    client = log_in(create_app(name, LIVECHAT_IDENTITY_DELIVERY=delivery))
    answer = client.get(f"/livechat/identity?provider={name}").get_json()
    assert answer["visitor"] == inline["visitor"]
    assert answer["who"] == inline["who"]
    assert set(answer["proof"]) == set(inline["proof"])
    assert answer["context"].items() <= inline["context"].items()


def test_the_identity_endpoint_is_for_no_cache(make_app: MakeApp) -> None:
    response = log_in(make_app("crisp")).get("/livechat/identity")
    assert response.mimetype == "application/json"
    assert "no-store" in response.headers["Cache-Control"]
    assert "Cookie" in response.headers["Vary"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in response.headers


def test_the_identity_endpoint_says_nobody_to_anonymous_visitors(make_app: MakeApp) -> None:
    answer = make_app("crisp").test_client().get("/livechat/identity").get_json()
    assert (answer["visitor"], answer["proof"], answer["who"]) == (None, None, "")


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "anything"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    ],
)
def test_the_identity_is_refused_to_other_origins(make_app: MakeApp, headers: dict[str, str]) -> None:
    response = log_in(make_app("crisp")).get("/livechat/identity", headers=headers)
    assert response.status_code == 403
    assert "ada@example.com" not in response.text


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}])
def test_the_identity_is_given_to_the_own_origin(make_app: MakeApp, headers: dict[str, str]) -> None:
    assert log_in(make_app("crisp")).get("/livechat/identity", headers=headers).status_code == 200


@pytest.mark.parametrize("query", ["?provider=tawk", "?provider=nobody", "?provider=../crisp"])
def test_the_identity_for_a_vendor_that_is_not_configured_is_not_found(make_app: MakeApp, query: str) -> None:
    assert log_in(make_app("crisp")).get(f"/livechat/identity{query}").status_code == 404


def test_the_identity_moves_with_the_url_prefix(make_app: MakeApp) -> None:
    client = log_in(make_app("crisp", LIVECHAT_URL_PREFIX="/support/chat"))
    assert client.get("/support/chat/identity").status_code == 200
    assert client.get("/livechat/identity").status_code == 404


def test_each_vendor_gets_only_its_own_proof() -> None:
    everything = {key: value for name in VENDORS for key, value in (IDS[name] | SECRETS[name]).items()}
    client = log_in(create_app("crisp", **everything))
    for name in VENDORS:
        answer = client.get(f"/livechat/identity?provider={name}").get_json()
        assert set(answer["proof"]) == PROOF_OF_VENDOR[name]
        assert json.dumps(answer).count("user_hash") == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [("phone", 491234), ("email", 5), ("name", 5), ("company", Company(id=7, name="Nursery"))],  # type: ignore[arg-type]
)
def test_numbers_where_text_belongs_become_text(field: str, value: Any) -> None:
    visitor = Visitor("42", **{field: value})
    found = getattr(visitor, field)
    assert found.id == "7" if field == "company" else found == str(value)


@pytest.mark.parametrize(
    ("field", "value"), [("phone", 1.5), ("avatar", b"x"), ("company", {"id": "7"}), ("created_at", "2026")]
)
def test_what_cannot_be_a_field_is_an_error_that_names_it(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=field):
        Visitor("42", **{field: value})


def test_one_segment_may_be_given_as_text() -> None:
    assert Visitor("42", segments="vip").segments == ("vip",)  # type: ignore[arg-type]


def test_crisps_token_alone_is_no_proof_of_identity(make_app: Any) -> None:
    keys = {"LIVECHAT_CRISP_SESSION_SECRET": "s", "secrets": False}
    assert page(log_in(make_app("crisp", **keys)))["visitor"] is None
    said = page(log_in(make_app("crisp", **keys, LIVECHAT_ALLOW_UNVERIFIED=True)))
    assert (said["visitor"]["id"], set(said["proof"])) == ("42", {"token"})

"""``flask_livechat.testing``: what other suites assert, with each vendor."""

from __future__ import annotations

import gc
import gzip
import json
from typing import Any

import pytest
from flask import Flask, Response, redirect
from flask_login import fresh_login_required

from flask_livechat import Visitor, signing
from flask_livechat.testing import FakeDesk, Proof, as_visitor, assert_livechat, read, webhook

from ..conftest import SECRETS, USERS, VENDORS, chat_of, create_app
from ..webhooks.conftest import database, migrated_file  # noqa: F401 - what the next one needs
from ..webhooks.test_receiver import BODIES, Make, make  # noqa: F401 - a fixture

every_vendor = pytest.mark.parametrize("name", VENDORS)
ADA = Visitor("42", email="ada@example.com", name="Ada")


def secret_of(name: str) -> str:
    return str(next(iter(SECRETS[name].values())))


@every_vendor
def test_a_page_is_read(name: str) -> None:
    app = create_app(name, LIVECHAT_LOAD="intent")
    chat_of(app).context_loader(lambda: {"plan": "pro"})
    widget = read(as_visitor(app.test_client(), USERS["42"]).get("/"))
    assert widget is not None
    assert (widget.provider, widget.load, widget.left) == (name, "intent", False)
    assert widget.context["plan"] == "pro"
    assert widget.script.startswith(f"/livechat/{name}.")
    assert widget.who
    assert widget.preloads == ()


def test_a_page_without_chat_is_none() -> None:
    assert read("<p>Hello") is None
    assert read(b"<script id=livechat>{}</script>") is None  # a block of somebody else's


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"provider": 1}', '{"provider": "crisp"}', "[" * 5000])
def test_a_data_block_that_is_not_ours_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="not our data block"):
        read(f'<script type="application/json" id="livechat">{text}</script>')


def test_preloads_are_read() -> None:
    app = create_app("crisp", LIVECHAT_RULES=[{"path": "/", "preload": True}])
    widget = read(app.test_client().get("/"))
    assert widget is not None
    assert widget.preloads == ("https://client.crisp.chat/l.js",)


@every_vendor
def test_a_proof_is_checked_as_the_vendor_does(name: str) -> None:
    widget = read(as_visitor(create_app(name).test_client(), "42").get("/"))
    assert widget is not None
    assert widget.proof is not None
    assert widget.proof.verify(secret_of(name))
    assert widget.proof.verify("old", secret_of(name))
    assert not widget.proof.verify("another")
    assert not widget.proof.verify()
    assert "42" not in repr(widget.proof)


def test_an_hmac_of_intercoms_is_checked() -> None:
    widget = read(as_visitor(create_app("intercom", LIVECHAT_INTERCOM_IDENTITY="hmac").test_client(), "42").get("/"))
    assert widget is not None
    assert widget.proof is not None
    assert set(widget.proof.parts) == {"user_hash"}
    assert widget.proof.verify(secret_of("intercom"))
    assert not widget.proof.verify("another")


def test_a_token_says_what_it_holds() -> None:
    widget = read(as_visitor(create_app("intercom").test_client(), "42").get("/"))
    assert widget is not None
    assert widget.proof is not None
    assert (widget.proof.claims(secret_of("intercom")) or {})["user_id"] == "42"
    assert widget.proof.claims("another") is None


def test_a_token_that_is_over_proves_nothing() -> None:
    token = signing.make_jwt({"user_id": "42", "exp": 1}, "secret")
    assert not Proof("intercom", {"jwt": token}).verify("secret")
    assert not Proof("intercom", {"jwt": "x"}).verify("secret")


def test_a_continuity_token_alone_proves_nothing() -> None:
    app = create_app("crisp", secrets=False, LIVECHAT_CRISP_SESSION_SECRET="s", LIVECHAT_ALLOW_UNVERIFIED=True)
    widget = read(as_visitor(app.test_client(), "42").get("/"))
    assert widget is not None
    assert widget.proof is not None
    assert not widget.proof.verify("s")


@every_vendor
def test_what_is_as_expected_passes_and_is_given(name: str) -> None:
    app = create_app(name)
    client = as_visitor(app.test_client(), "42")
    widget = assert_livechat(client.get("/"), provider=name, load="idle", verified=True, left=False, events=[])
    assert widget.provider == name
    assert_livechat(app.test_client().get("/"), visitor=None, verified=False)


def test_every_difference_is_said_at_once() -> None:
    app = create_app("crisp")
    chat_of(app).context_loader(lambda: {"plan": "pro"})
    page = as_visitor(app.test_client(), "42").get("/")
    with pytest.raises(AssertionError) as caught:
        assert_livechat(
            page,
            provider="tawk",
            load="eager",
            visitor=Visitor("7", email="ada@example.com"),
            verified=False,
            context={"plan": "free"},
            events=["signed up"],
            left=True,
        )
    assert str(caught.value).splitlines() == [
        "the page's chat is not as expected:",
        "  provider: expected 'tawk', found 'crisp'",
        "  load: expected 'eager', found 'idle'",
        "  visitor.id: expected '7', found '42'",
        "  verified: the page carries a proof that holds",
        "  context.plan: expected 'free', found 'pro'",
        "  events: expected ['signed up'], found []",
        "  left: expected True, found False",
    ]


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"visitor": "42"}, "visitor: expected '42', found None"),
        ({"verified": True}, "carries no proof"),
        ({"provider": None}, "has a chat by crisp, but should have none"),
    ],
)
def test_what_is_missing_or_too_much_is_said(expected: dict[str, Any], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        assert_livechat(create_app("crisp").test_client().get("/"), **expected)


def test_a_page_without_chat_is_said() -> None:
    app = create_app("crisp", LIVECHAT_RULES=[{"path": "/", "show": False}])
    assert_livechat(app.test_client().get("/"), provider=None)
    with pytest.raises(AssertionError, match="has no chat"):
        assert_livechat(app.test_client().get("/"), load="idle")


def test_a_proof_by_another_secret_is_said() -> None:
    page = as_visitor(create_app("crisp").test_client(), "42").get("/")
    with pytest.raises(AssertionError, match="not made with this secret"):
        assert_livechat(page, verified=True, secret="another")
    assert_livechat(page.text, verified=True, secret=secret_of("crisp"))


def test_a_user_is_logged_in_by_id_or_as_one() -> None:
    app = create_app("crisp")
    for user in (USERS["42"], "42"):
        assert_livechat(as_visitor(app.test_client(), user).get("/"), visitor="42")


@every_vendor
def test_a_webhook_is_signed_as_the_vendor_signs(make: Make, name: str) -> None:  # noqa: F811
    app = make(name)
    with app.app_context():
        headers, body = webhook(name, json.loads(BODIES[name]))
        again = webhook(name, BODIES[name])
    for head, content in ((headers, body), again):
        assert app.test_client().post(f"/livechat/webhooks/{name}", headers=head, data=content).status_code == 200
    wrong, body = webhook(name, BODIES[name], secret="another")
    assert app.test_client().post(f"/livechat/webhooks/{name}", headers=wrong, data=body).status_code == 401


def test_a_webhook_without_a_secret_is_said() -> None:
    with create_app("crisp").app_context(), pytest.raises(ValueError, match="WEBHOOK_SECRET is not configured"):
        webhook("crisp", {})


@every_vendor
def test_a_desk_without_an_account_is_talked_to(name: str) -> None:
    desk = FakeDesk(name)
    mine = desk.says(ADA, "Is it in stock?")
    assert [one.text for one in desk.conversations.messages(mine)] == ["Is it in stock?"]
    known = desk.conversations.get(mine).contact
    assert known is not None
    assert known.email == "ada@example.com"
    desk.says(None, "Hello")
    assert len(list(desk.conversations.list())) == 2
    if desk.can("conversations.reply"):
        desk.conversations.reply(mine, "It is!")
        assert [one.text for one in desk.conversations.messages(mine)][-1] == "It is!"


def test_two_desks_know_nothing_of_each_other() -> None:
    FakeDesk("crisp").says(ADA, "Hello")
    assert list(FakeDesk("crisp").conversations.list()) == []


@pytest.mark.parametrize("name", ["crisp", "intercom"])
def test_what_one_fake_desk_has_just_made_is_not_waited_for_in_another(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A real vendor may not know everywhere yet what is new; the desk of the next test has never heard of it."""
    monkeypatch.setattr("time.sleep", pytest.fail)
    for _ in range(2):
        assert FakeDesk(name).contacts.upsert(ADA).email == ADA.email


@every_vendor
def test_who_a_page_names_is_said_alike(name: str) -> None:
    """Also where it stands inside a token."""
    widget = assert_livechat(as_visitor(create_app(name).test_client(), "42").get("/"), visitor=USERS["42"].get_id())
    assert widget.visitor is not None
    assert widget.visitor["email"] == USERS["42"].email


def test_a_token_is_of_the_visitor_that_the_page_names() -> None:
    token = signing.make_jwt({"user_id": "42", "exp": 4_000_000_000}, "secret")
    assert Proof("intercom", {"jwt": token}, {"id": "42"}).verify("secret")
    assert not Proof("intercom", {"jwt": token}, {"id": "7"}).verify("secret")


@pytest.mark.parametrize("expected", [{"visitor": None}, {"visitor": "42"}, {"verified": False}, {"verified": True}])
def test_who_is_fetched_is_no_question_of_the_page(expected: dict[str, Any]) -> None:
    app = create_app("crisp", LIVECHAT_IDENTITY_DELIVERY="fetch")
    with pytest.raises(AssertionError, match="GET /livechat/identity"):
        assert_livechat(as_visitor(app.test_client(), "42").get("/"), **expected)


def test_a_redirect_is_no_page() -> None:
    app = create_app("crisp")
    app.add_url_rule("/old", "old", lambda: redirect("/login"))
    for expected in ({"provider": None}, {"provider": "crisp"}):
        with pytest.raises(AssertionError, match="not a page: 302, to /login"):
            assert_livechat(app.test_client().get("/old"), **expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/nowhere", r"no \{\{ livechat\(\) \}\} in it \(it answered 404\)"),
        ("/reset-password", "secret"),
        ("/legal", "LIVECHAT_RULES"),
    ],
)
def test_why_there_is_no_chat_is_said(path: str, why: str) -> None:
    app = create_app("crisp", LIVECHAT_RULES=[{"path": "/legal", "show": False}])
    with pytest.raises(AssertionError, match=why):
        assert_livechat(app.test_client().get(path), provider="crisp")


@pytest.mark.parametrize(
    "arguments", [{"provider": None, "visitor": "42"}, {"provider": None, "left": False}, {"secret": "x"}]
)
def test_what_cannot_be_meant_is_said(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"provider=None|secret="):
        assert_livechat("<p>No chat</p>", **arguments)


def test_no_secret_at_all_is_none_of_the_apps() -> None:
    page = as_visitor(create_app("crisp").test_client(), "42").get("/")
    with pytest.raises(AssertionError, match="not made with this secret"):
        assert_livechat(page, verified=True, secret="")


def test_what_was_compressed_is_read() -> None:
    app = create_app("crisp")

    @app.after_request
    def packed(response: Response) -> Response:
        response.set_data(gzip.compress(response.get_data()))
        response.content_encoding = "gzip"
        return response

    assert_livechat(app.test_client().get("/"), provider="crisp")


def test_another_app_without_chat_says_nothing() -> None:
    page = as_visitor(create_app("crisp").test_client(), "42").get("/")
    Flask("another").test_client().get("/")
    gc.collect()  # nobody else holds the app
    assert_livechat(page, visitor=42, verified=True)  # type: ignore[arg-type]  # an id as a database has it


@pytest.mark.parametrize("protection", ["basic", "strong"])
def test_a_login_is_one_for_flask_logins_session_protection(protection: str) -> None:
    app = create_app("crisp")
    app.login_manager.session_protection = protection  # type: ignore[attr-defined]
    app.add_url_rule("/password", "password", fresh_login_required(lambda: "Yours"))
    client = as_visitor(app.test_client(), "42")
    assert client.get("/password").status_code == 200
    assert_livechat(client.get("/"), visitor="42")


def test_nobody_is_no_user() -> None:
    with pytest.raises(ValueError, match="not None"):
        as_visitor(create_app("crisp").test_client(), None)


def test_a_login_holds_where_a_fixture_holds_the_app_context_open() -> None:
    app = create_app("crisp")
    with app.app_context():
        assert_livechat(as_visitor(app.test_client(), "42").get("/"), visitor="42")
        assert_livechat(as_visitor(app.test_client(), "7").get("/"), visitor="7")


@every_vendor
def test_a_visitor_goes_on_in_their_own_conversation(name: str) -> None:
    desk, bob = FakeDesk(name), Visitor("7", email="bob@example.com")
    ada, other = desk.says(ADA, "Hello"), desk.says(bob, "Hi")
    assert desk.says(ADA, "Anybody?") == ada != other
    assert [one.text for one in desk.conversations.messages(ada)] == ["Hello", "Anybody?"]


def test_a_webhook_is_signed_for_no_app_that_another_test_has_asked() -> None:
    assert create_app("crisp", LIVECHAT_CRISP_WEBHOOK_SECRET="x").test_client().get("/").status_code == 200
    with pytest.raises(ValueError, match="in an app context"):
        webhook("crisp", {})


@pytest.mark.parametrize("provider", ["crips", ""])
def test_a_webhook_of_nobody_is_said(provider: str) -> None:
    with pytest.raises(ValueError, match="is not a provider; the providers are crisp, intercom, tawk"):
        webhook(provider, {}, secret="x")


def test_a_webhooks_text_is_no_payload() -> None:
    with pytest.raises(TypeError, match="a dict or bytes"):
        webhook("crisp", "{}", secret="x")  # type: ignore[arg-type]

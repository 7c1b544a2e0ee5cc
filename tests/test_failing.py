"""What goes wrong stays small: no page is broken by chat, and no log tells on anybody."""

from __future__ import annotations

import logging
import re
import sysconfig
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from flask_wtf import CSRFProtect

from flask_livechat import Company, LiveChat, Unsupported, Visitor
from flask_livechat.errors import what_failed
from flask_livechat.same_origin import same_origin
from flask_livechat.state import safely

from .conftest import PAGE, chat_of, create_app, log_in, page, payload

MakeApp = Callable[..., Flask]
PERSONAL = "somebody@example.com"


def raises(*_: Any) -> Any:
    """The callback of an app that fails, with something personal in its error."""
    raise LookupError(PERSONAL)


def failing(app: Flask, callback: str) -> Flask:
    getattr(chat_of(app), callback)(raises)
    return app


CALLBACKS = ["visitor_loader", "context_loader", "impersonating"]


@pytest.mark.parametrize("callback", CALLBACKS)
@pytest.mark.parametrize("mode", ["testing", "debug"])
def test_a_callback_that_raises_is_raised_in_debug_and_tests(make_app: MakeApp, callback: str, mode: str) -> None:
    app = failing(make_app(), callback)
    client = log_in(app)
    app.testing, app.debug = mode == "testing", mode == "debug"
    app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(LookupError, match=PERSONAL):
        client.get("/")


@pytest.mark.parametrize("callback", CALLBACKS)
def test_elsewhere_it_is_logged_by_name_and_the_page_is_anonymous(
    make_app: MakeApp, callback: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = failing(make_app(), callback)
    client = log_in(app)
    app.testing = False
    response = client.get("/")
    assert response.status_code == 200
    said = payload(response.text)
    if callback != "context_loader":
        assert (said["visitor"], said["proof"], said["who"]) == (None, None, "")
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "raises" in record.getMessage()
    assert "LookupError" in record.getMessage()


@pytest.mark.parametrize("callback", CALLBACKS)
def test_no_log_holds_anything_personal(make_app: MakeApp, callback: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    app = failing(make_app(), callback)
    client = log_in(app)
    app.testing = False
    client.get("/")
    client.get("/livechat/identity")
    assert caplog.records
    for record in caplog.records:
        shown = f"{record.getMessage()}{record.exc_info}{record.exc_text}{record.args}"
        assert PERSONAL not in shown
        assert "ada@example.com" not in shown


def test_a_context_loader_that_raises_costs_the_context_alone(make_app: MakeApp) -> None:
    app = failing(make_app(), "context_loader")
    client = log_in(app)
    app.testing = False
    said = payload(client.get("/").text)
    assert said["visitor"]["email"] == "ada@example.com"
    assert said["context"]["path"] == "/"


@pytest.mark.parametrize("key", ["LIVECHAT_LOCALE", "LIVECHAT_NONCE"])
def test_a_callable_of_the_configuration_that_raises_breaks_no_page(
    make_app: MakeApp, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(**{key: raises})
    with pytest.raises(LookupError):
        app.test_client().get("/")
    app.testing = False
    html = app.test_client().get("/").text
    assert payload(html)["provider"] == "crisp"
    assert "nonce" not in html
    assert key in caplog.text
    assert PERSONAL not in caplog.text


@pytest.mark.parametrize("wrong", [{"id": "1"}, "somebody", 7, Company("c"), True, object()])
def test_a_visitor_loader_that_gives_something_else_breaks_no_page_and_says_nobody(
    make_app: MakeApp, wrong: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app("tawk")
    chat_of(app).visitor_loader(lambda user: wrong)
    client = log_in(app)
    app.testing = False
    html = client.get("/").text
    assert "<h1>Hello</h1>" in html
    assert "livechat" not in html or payload(html)["visitor"] is None
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


@pytest.mark.parametrize("wrong", [None, 7, "text", [1, 2], [("a",)]])
def test_a_context_loader_that_gives_something_else_costs_the_context_alone(make_app: MakeApp, wrong: Any) -> None:
    app = make_app()
    chat_of(app).context_loader(lambda: wrong)
    app.testing = False
    said = payload(app.test_client().get("/").text)
    assert said["context"] == {"path": "/", "endpoint": "index"}


class Unprintable:
    def __str__(self) -> str:
        raise LookupError(PERSONAL)

    __repr__ = __str__


@pytest.mark.parametrize(
    "value",
    [Unprintable(), 10**5000, {1: 2}, b"\xff", datetime(2026, 1, 1), 1j],
    ids=lambda value: type(value).__name__,
)
def test_an_odd_context_value_never_breaks_the_page(
    make_app: MakeApp, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app()
    chat_of(app).context_loader(lambda: {"odd": value})
    app.testing = False
    response = app.test_client().get("/")
    assert response.status_code == 200
    assert "<h1>Hello</h1>" in response.text
    assert PERSONAL not in caplog.text


def test_an_event_without_a_session_breaks_no_view(caplog: pytest.LogCaptureFixture) -> None:
    app = create_app("crisp", login=False, SECRET_KEY=None)

    @app.get("/buy")
    def buy() -> str:
        chat_of(app).track("bought", email=PERSONAL)
        chat_of(app).action("bought")
        return "thanks"

    with pytest.raises(RuntimeError):
        app.test_client().get("/buy")
    app.testing = False
    assert app.test_client().get("/buy").text == "thanks"
    assert PERSONAL not in caplog.text
    assert payload(app.test_client().get("/").text)["events"] == []


def test_a_page_without_a_secret_key_still_carries_chat() -> None:
    app = create_app("crisp", login=False, SECRET_KEY=None)
    chat_of(app).visitor_loader(lambda user: Visitor("1", email="one@example.com"))
    one = payload(app.test_client().get("/").text)["who"]
    chat_of(app).visitor_loader(lambda user: Visitor("2", email="one@example.com"))
    assert one != payload(app.test_client().get("/").text)["who"] != ""


# Visitors.


def test_a_visitors_repr_names_fields_and_never_what_they_hold() -> None:
    visitor = Visitor(
        "hidden-id",
        email="hidden@example.com",
        name="Hidden",
        company=Company("hidden-co", "Hidden Ltd"),
        attributes={"hidden": "hidden"},
        session_token="hidden-token",
    )
    assert repr(visitor) == "<Visitor with id, email, name, company, attributes, session_token>"
    assert "idden" not in f"{visitor} {visitor!r} {[visitor]} {visitor.company}"


@pytest.mark.parametrize(
    ("given", "text"), [(42, "42"), (0, "0"), ("42", "42"), ("é", "é"), ("a\ud800b", "a\N{REPLACEMENT CHARACTER}b")]
)
def test_an_id_becomes_text_that_every_hash_reads_alike(given: Any, text: str) -> None:
    assert Visitor(given).id == text


@pytest.mark.parametrize("wrong", ["", None, 4.2, b"42", ["42"]])
def test_an_id_that_is_no_text_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="id must be text"):
        Visitor(wrong)
    with pytest.raises(ValueError, match="id must be text"):
        Company(wrong)


def test_a_naive_moment_is_refused_with_what_to_write_instead() -> None:
    with pytest.raises(ValueError, match="aware datetime"):
        Visitor("42", created_at=datetime(2026, 1, 1))
    with pytest.raises(ValueError, match="aware datetime"):
        Company("c1", created_at=datetime(2026, 1, 1))


@pytest.mark.parametrize(
    "moment",
    [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), datetime(1969, 1, 1, tzinfo=UTC)],
)
@pytest.mark.parametrize("name", ["tawk", "crisp", "intercom"])
def test_a_creation_moment_at_the_edge_of_time_is_no_error(name: str, moment: datetime) -> None:
    app = create_app(name)
    chat_of(app).visitor_loader(lambda user: Visitor("42", email="ada@example.com", created_at=moment))
    context = payload(log_in(app).get("/").text)["context"]
    age = next(value for key, value in context.items() if key.startswith("account"))
    assert int(age) >= 0


def test_a_loader_that_makes_a_wrong_visitor_is_logged_and_the_page_anonymous(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app()
    chat_of(app).visitor_loader(lambda user: Visitor("42", email=PERSONAL, created_at=datetime(2026, 1, 1)))
    client = log_in(app)
    app.testing = False
    assert payload(client.get("/").text)["visitor"] is None
    assert "ValueError" in caplog.text
    assert PERSONAL not in caplog.text


def test_a_visitor_cannot_be_changed() -> None:
    attributes = {"plan": "pro"}
    visitor = Visitor("42", attributes=attributes)
    attributes["plan"] = "free"
    assert visitor.attributes["plan"] == "pro"
    with pytest.raises(TypeError):
        visitor.attributes["plan"] = "free"  # type: ignore[index]
    with pytest.raises(AttributeError):
        visitor.email = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    "name",
    [
        "</script>",
        "\ud83d",
        "\x00\x07\x1b[31m",
        "🧑🏽‍💻 " * 100,
        "ﷺ" * 300,
        "a" * 100_000,
        "\u202e\u200f",
        "{{config}}",
    ],
)
@pytest.mark.parametrize("vendor", ["tawk", "crisp", "intercom"])
def test_hostile_names_are_cut_and_stay_inside(vendor: str, name: str) -> None:
    app = create_app(vendor, secrets=False, LIVECHAT_ALLOW_UNVERIFIED=True)
    chat_of(app).visitor_loader(lambda user: Visitor("42", email="ada@example.com", name=name))
    html = log_in(app).get("/").text
    said = payload(html)["visitor"].get("name", "")
    assert len(said) <= 255
    assert not [character for character in said if ord(character) < 32]
    assert html.count("<script") == 2


def test_an_unsupported_method_says_vendor_and_method() -> None:
    error = Unsupported("Crisp", "tour")
    assert (error.provider, error.method) == ("Crisp", "tour")
    assert "tour is not supported by Crisp" in str(error)


def test_an_error_of_the_page_itself_is_not_swallowed(make_app: MakeApp) -> None:
    app = make_app(PROPAGATE_EXCEPTIONS=False)
    app.testing = False
    app.add_url_rule("/page", "page", lambda: render_template_string(PAGE + "{{ 1 // 0 }}"))
    response = app.test_client().get("/page")
    assert response.status_code == 500
    assert "livechat" not in response.text


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("values", [{5: "a"}, {"a": 10**5000}, {"a": Hostile()}, {"a": 2**60}])
def test_odd_context_never_costs_the_page_its_chat(values: dict[Any, Any]) -> None:
    app = create_app()
    app.testing = False
    chat_of(app).context_loader(lambda: values)
    assert page(app.test_client())["provider"] == "crisp"


@pytest.mark.parametrize("first", ["livechat", "csrf"])
def test_flask_wtfs_protection_leaves_the_sandbox_alone_in_either_order(first: str) -> None:
    app = Flask("csrf")
    app.config.update(SECRET_KEY="k", TESTING=True, LIVECHAT_SANDBOX=True, LIVECHAT_PROVIDER="crisp")
    app.add_url_rule("/pay", "pay", lambda: "paid", methods=["POST"])
    for kind in (LiveChat, CSRFProtect) if first == "livechat" else (CSRFProtect, LiveChat):
        kind(app)
    client = app.test_client()
    assert client.post("/livechat/sandbox/api/crisp/session", json={}).status_code == 200
    assert client.post("/pay").status_code == 400  # and nothing else


def test_a_failure_without_a_line_of_the_apps_names_ours_and_not_a_librarys() -> None:
    with pytest.raises(TypeError) as caught:
        same_origin(b"bytes")  # type: ignore[arg-type]  # re raises
    assert what_failed(caught.value).startswith("TypeError at test_failing.py:")
    caught.value.__traceback__ = caught.tb.tb_next
    assert re.fullmatch(r"TypeError at same_origin\.py:\d+ in same_origin", what_failed(caught.value))


def test_the_line_of_an_app_that_is_installed_beside_libraries_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    get_path, here = sysconfig.get_path, str(Path(__file__).parent)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: here if name == "purelib" else get_path(name))
    with create_app("crisp").app_context(), pytest.raises(LookupError) as caught:
        safely("a callable", raises, None)
    assert re.fullmatch(r"LookupError at test_failing\.py:\d+ in raises", what_failed(caught.value))

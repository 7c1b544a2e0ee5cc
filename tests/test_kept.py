"""What is kept from page to page: never somebody's for somebody else, never for ever, never without bounds."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from flask import Flask, g, render_template_string, request

from flask_livechat import LiveChat, Visitor, signing
from flask_livechat.widget import identity

from .conftest import PAGE, SECRETS, VENDORS, chat_of, create_app, log_in, page, payload

MakeApp = Callable[..., Flask]
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.mark.parametrize("name", VENDORS)
def test_pages_of_two_visitors_and_of_nobody_take_turns(name: str) -> None:
    app = create_app(name)
    first, second, nobody = log_in(app), log_in(app, "7"), app.test_client()
    said = [str(page(client)) for _ in range(2) for client in (first, nobody, second, nobody)]
    assert said[:4] == said[4:]
    assert len(set(said)) == 3
    assert page(nobody)["visitor"] is None
    assert page(nobody)["who"] == ""


def test_two_apps_keep_apart() -> None:
    for name in VENDORS:
        assert page(create_app(name).test_client())["provider"] == name


def test_another_root_and_another_host_have_their_own_addresses(make_app: MakeApp) -> None:
    client = make_app().test_client()
    for root in ("", "/shop", ""):
        html = client.get("/", base_url=f"http://localhost{root}").text
        assert f'src="{root}/livechat/crisp.' in html


def test_a_query_that_carries_a_secret_gets_no_page_that_was_kept(make_app: MakeApp) -> None:
    client = make_app().test_client()
    assert "livechat" in client.get("/?a=1").text
    assert "livechat" not in client.get("/?token=abcdef").text
    assert "livechat" in client.get("/?a=1").text


def test_what_is_registered_after_the_first_page_counts(make_app: MakeApp) -> None:
    app = make_app()
    client, visitor = app.test_client(), log_in(app)
    assert "seats" not in page(client)["context"]
    chat_of(app).context_loader(lambda: {"seats": 3})
    assert page(client)["context"]["seats"] == 3
    assert page(visitor)["visitor"]["name"] == "First Visitor"
    chat_of(app).visitor_loader(lambda user: Visitor(id=user.id, email=user.email, name="Other"))
    assert page(visitor)["visitor"]["name"] == "Other"
    chat_of(app).impersonating(lambda: True)
    assert page(visitor)["visitor"] is None


def test_what_a_callable_says_is_asked_for_every_page(make_app: MakeApp) -> None:
    answers = iter(["de", "fr"])
    client = make_app(LIVECHAT_LOCALE=lambda: next(answers)).test_client()
    assert [page(client)["settings"]["locale"] for _ in range(2)] == ["de", "fr"]


def test_a_context_of_this_request_is_on_this_page_only(make_app: MakeApp) -> None:
    app = make_app()

    @app.get("/page")
    def shown() -> str:
        if "coupon" in request.headers:
            chat_of(app).context(coupon=request.headers["coupon"])
        return render_template_string(PAGE)

    client = app.test_client()
    contexts = [payload(client.get("/page", headers=each).text)["context"] for each in ({}, {"coupon": "x"}, {})]
    assert ["coupon" in context for context in contexts] == [False, True, False]


def test_numbers_and_flags_that_are_equal_are_not_taken_for_each_other(make_app: MakeApp) -> None:
    app = make_app("intercom")
    values: list[Any] = [1, True, 1.0, "1"]
    chat_of(app).context_loader(lambda: {"value": g.value})
    chat_of(app).visitor_loader(lambda user: Visitor(id="1", attributes={"value": g.value}))
    said = []
    client = log_in(app)
    for value in values:
        app.before_request_funcs[None] = [lambda value=value: setattr(g, "value", value)]
        said.append(page(client))
    assert [repr(each["context"]["value"]) for each in said] == ["1", "True", "1.0", "'1'"]
    tokens = [jwt.decode(each["proof"]["jwt"], options={"verify_signature": False}) for each in said]
    assert [repr(token["value"]) for token in tokens] == ["1", "True", "1.0", "'1'"]


def test_an_attribute_that_cannot_be_a_key_is_still_said(make_app: MakeApp) -> None:
    app = make_app()
    chat_of(app).context_loader(lambda: {"cart": ["a", "b"]})  # type: ignore[dict-item]  # apps do that
    assert page(app.test_client())["context"]["cart"] == "['a', 'b']"


# Proofs.


def signed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is signed from here on."""
    made: list[str] = []

    def noted(name: str, real: Callable[..., str]) -> Callable[..., str]:
        def sign(*given: Any) -> str:
            made.append(name)
            return real(*given)

        return sign

    for name in ("hmac_hex", "make_jwt"):
        monkeypatch.setattr(signing, name, noted(name, getattr(signing, name)))
    return made


@pytest.mark.parametrize("name", VENDORS)
def test_a_visitors_second_page_signs_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client, made = log_in(create_app(name)), signed(monkeypatch)
    first = page(client)
    assert made
    made.clear()
    assert page(client) == first
    assert made == []


@pytest.mark.parametrize("name", VENDORS)
def test_nobodys_page_signs_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = signed(monkeypatch)
    page(create_app(name).test_client())
    assert made == []


def test_a_token_is_used_again_while_more_than_half_of_its_life_is_left(make_app: MakeApp) -> None:
    app = make_app("intercom", LIVECHAT_TOKEN_TTL=600)
    client, expires = log_in(app), []
    for minutes in (0, 4, 6, 10, 12):
        chat_of(app).now = lambda minutes=minutes: NOW + timedelta(minutes=minutes)  # type: ignore[method-assign,misc]
        expires.append((page(client)["proof"]["expires"] - NOW.timestamp()) / 60)
    assert expires == [10, 10, 16, 16, 22]


def test_a_token_lives_no_longer_where_the_clock_goes_back(make_app: MakeApp) -> None:
    """By a minute, and by a day."""
    app = make_app("intercom", LIVECHAT_TOKEN_TTL=600)
    client, lives = log_in(app), []
    for minutes in (0, -1, -24 * 60):
        chat_of(app).now = lambda minutes=minutes: NOW + timedelta(minutes=minutes)  # type: ignore[method-assign,misc]
        lives.append(page(client)["proof"]["expires"] - (NOW + timedelta(minutes=minutes)).timestamp())
    assert lives == [600, 600, 600]


def test_another_secret_signs_anew(make_app: MakeApp) -> None:
    """An app whose SECRET_KEY is turned over while it runs."""
    app = make_app()
    client = log_in(app)
    before = page(client)["who"]
    app.secret_key = "another key of the test app, long enough"
    assert page(log_in(app))["who"] != before


def test_what_a_visitor_changes_is_signed_anew(make_app: MakeApp) -> None:
    app = make_app()
    emails = iter(["one@example.com", "two@example.com"])
    chat_of(app).visitor_loader(lambda user: Visitor(id=user.id, email=next(emails)))
    client = log_in(app)
    app.before_request_funcs.clear()
    proofs = [page(client)["proof"]["email"] for _ in range(2)]
    (secret,) = SECRETS["crisp"].values()
    assert proofs == [signing.hmac_hex(secret, f"{name}@example.com") for name in ("one", "two")]


def test_signed_identities_are_cached_within_bounds(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "MAX_IDENTITIES", 20)
    app = make_app()
    numbers = iter(range(100))
    chat_of(app).visitor_loader(lambda user: Visitor(id=f"{next(numbers)}", email="a@example.com"))
    client = log_in(app)
    for _ in range(50):
        client.get("/")
    assert len(app.extensions["livechat"].runtime.identities) <= 20


LONG = "x" * 20_000
LONG_ADDRESSES: dict[str, Callable[[int], dict[str, Any]]] = {
    "path": lambda n: {"path": f"/page/{n}{LONG}"},
    "query key": lambda n: {"path": f"/page/1?{n}{LONG}=1"},
    "secret query key": lambda n: {"path": f"/page/1?token-{n}{LONG}=1"},
    "query value": lambda n: {"path": f"/page/1?a={n}{LONG}"},
    "secret segment": lambda n: {"path": f"/page/{n}-{LONG}"},
    "prefix": lambda n: {"path": "/page/1", "base_url": f"http://localhost/{n}{LONG}"},
    "attribute": lambda n: {"path": "/page/1", "headers": {"X-Search": f"{n}{LONG}"}},
    "host": lambda n: {"path": "/page/1", "headers": {"Host": f"{n}{LONG}"}},
    "locale": lambda n: {"path": "/page/1", "headers": {"Accept-Language": f"{n}{LONG}"}},
}


@pytest.mark.needs("time")
@pytest.mark.parametrize("address", LONG_ADDRESSES.values(), ids=LONG_ADDRESSES)
def test_what_a_client_sends_is_kept_within_bytes(address: Callable[[int], dict[str, Any]]) -> None:
    app = create_app(LIVECHAT_LOCALE=lambda: request.headers.get("Accept-Language", "en"))
    app.add_url_rule("/page/<name>", "named", lambda name: render_template_string("{{ livechat() }}"))
    chat_of(app).context_loader(lambda: {"search": request.headers.get("X-Search", "")})
    client = app.test_client()
    client.get("/page/0")
    tracemalloc.start()
    try:
        for n in range(30):
            client.get(**address(n))
        urlsplit.cache_clear()  # type: ignore[attr-defined]  # what the test client has asked for
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 10 * len(LONG)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", VENDORS)
def test_a_long_path_makes_no_long_page(name: str) -> None:
    app = create_app(name)
    app.add_url_rule("/page/<name>", "named", lambda name: render_template_string("{{ livechat() }}"))
    assert len(app.test_client().get(f"/page/{LONG}").data) < 2000


def test_nothing_that_is_kept_is_shown_by_a_repr(make_app: MakeApp) -> None:
    app = make_app()
    page(log_in(app))
    assert "ada@example.com" not in repr(app.extensions["livechat"])
    assert "First Visitor" not in repr(app.extensions["livechat"])


@pytest.mark.parametrize("name", VENDORS)
def test_the_identity_is_written_as_in_the_page(name: str) -> None:
    """The loader compares their texts: another order would look like a change, and the vendor would be told again."""
    client = log_in(create_app(name))
    answer = client.get(f"/livechat/identity?provider={name}").text
    assert json.dumps(json.loads(answer)["visitor"]) == json.dumps(page(client)["visitor"])
    assert list(json.loads(answer)["proof"]) == list(page(client)["proof"])


def test_several_threads_may_fill_the_cache_at_once() -> None:
    cache: dict[Any, int] = {}
    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(identity.cache_put, cache, number, number, 8) for number in range(5000)]
    assert not [each.exception() for each in done if each.exception()]
    assert len(cache) <= 16


def test_a_page_does_not_stay_closed_when_the_office_opens(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(LIVECHAT_OFFICE_HOURS={"tz": "UTC", "mon-fri": "09:00-17:00"}, LIVECHAT_OFFLINE="hide")
    moments = [datetime(2026, 11, 20, hour, tzinfo=UTC) for hour in (8, 10, 18)]  # a Friday
    pictures = []
    for moment in moments:
        monkeypatch.setattr(LiveChat, "now", staticmethod(lambda moment=moment: moment))
        pictures.append(app.test_client().get("/").text)
    assert pictures[0] == pictures[2] != pictures[1]


def test_what_an_error_or_an_argument_of_the_tag_says_is_kept_for_no_other_page(make_app: MakeApp) -> None:
    app = make_app()
    app.add_url_rule("/own", view_func=lambda: render_template_string("{{ livechat(load=load) }}", load=loads.pop(0)))
    loads = ["idle", "eager"]
    client = app.test_client()
    assert ['"load":"eager"' in client.get("/own").text for _ in range(2)] == [False, True]

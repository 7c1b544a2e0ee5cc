"""A logout ends the chat: cookies go with the response, and a mark stays until the loader has ended the session."""

from __future__ import annotations

import re
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

import pytest
from flask import Flask, Response, make_response, redirect, render_template_string
from flask_login import LoginManager, login_user, logout_user
from werkzeug.test import TestResponse

from flask_livechat import LiveChat

from .conftest import ALL_IDS, PAGE, USERS, VENDORS, chat_of, create_app, log_in, page, payload

MakeApp = Callable[..., Flask]
PROPERTY, WEBSITE, APP = (str(one) for one in ALL_IDS.values())
COOKIES = {
    "tawk": {f"twk_uuid_{PROPERTY}", f"tawk_uuid_{PROPERTY}", f"Tawk_{PROPERTY}", "twk_idm_key", "TawkConnectionTime"},
    "crisp": {
        f"crisp-client/session/{WEBSITE}",
        f"crisp-client%2Fsession%2F{WEBSITE}",
        f"crisp-client%2Fsocket%2F{WEBSITE}",
    },
    "intercom": {f"intercom-id-{APP}", f"intercom-session-{APP}", f"intercom-device-id-{APP}"},
}
MARK = "livechat_left"
MARKS = "[|]".join(rf"/livechat/{name}\.[0-9a-f]{{6}}" for name in VENDORS)


def set_cookies(response: TestResponse) -> list[tuple[str, dict[str, str]]]:
    """Name and attributes of every cookie that the response sets, in the order of the response."""
    found = []
    for header in response.headers.getlist("Set-Cookie"):
        first, *rest = header.split("; ")
        name, _, value = first.partition("=")
        attributes = {part.partition("=")[0].lower(): part.partition("=")[2] for part in rest}
        found.append((name, {"value": value} | attributes))
    return found


def expired(response: TestResponse) -> set[tuple[str, str | None]]:
    """Name and domain of the cookies that a browser drops, apart from Flask's own session."""
    return {
        (name, attributes.get("domain"))
        for name, attributes in set_cookies(response)
        if name != "session" and attributes.get("max-age") == "0"
    }


def log_out(app: Flask, host: str = "www.example.com") -> TestResponse:
    client = app.test_client()
    base = f"http://{host}"
    client.get("/login/42", base_url=base)
    return client.get("/logout", base_url=base)


@pytest.mark.parametrize("name", VENDORS)
def test_the_logout_response_itself_expires_the_vendors_cookies(name: str) -> None:
    response = log_out(create_app(name))
    assert {cookie for cookie, domain in expired(response) if domain is None} == COOKIES[name]


@pytest.mark.parametrize("name", VENDORS)
def test_every_expired_cookie_is_for_the_whole_site_and_holds_nothing(name: str) -> None:
    for cookie, attributes in set_cookies(log_out(create_app(name))):
        if cookie in COOKIES[name]:
            assert attributes["path"] == "/"
            assert attributes["value"] == ""


@pytest.mark.parametrize(
    ("host", "domains"),
    [
        ("www.example.com", {None, "www.example.com", "example.com"}),
        ("www.example.com:8443", {None, "www.example.com", "example.com"}),
        ("example.com", {None, "example.com"}),
        ("WWW.Example.com", {None, "www.example.com", "example.com"}),
        ("a.b.example.co.uk", {None, "a.b.example.co.uk", "b.example.co.uk", "example.co.uk"}),
        ("a.b.c.d.example.com", {None, "a.b.c.d.example.com", "d.example.com", "example.com"}),
        ("shop.github.io", {None, "shop.github.io", "github.io"}),
        ("co.uk", {None, "co.uk"}),
        ("localhost", {None}),
        ("localhost:5000", {None}),
        ("127.0.0.1", {None}),
        ("127.0.0.1:5000", {None}),
        ("[::1]:5000", {None}),
        ("[2001:db8::1]", {None}),
    ],
)
def test_cookies_go_host_only_and_on_the_domains_that_a_vendor_could_take(
    make_app: MakeApp, host: str, domains: set[str | None]
) -> None:
    assert {domain for _, domain in expired(log_out(make_app("intercom"), host))} == domains


@pytest.mark.parametrize("configured", ["example.org", ".example.org"])
def test_a_configured_cookie_domain_is_used_instead_of_guesses(make_app: MakeApp, configured: str) -> None:
    response = log_out(make_app("intercom", LIVECHAT_COOKIE_DOMAIN=configured))
    assert {domain for _, domain in expired(response)} == {None, "example.org"}


def test_crisps_cookie_goes_in_both_spellings(make_app: MakeApp) -> None:
    names = {name for name, _ in expired(log_out(make_app("crisp")))}
    assert {f"crisp-client/session/{WEBSITE}", f"crisp-client%2Fsession%2F{WEBSITE}"} <= names
    header = f"crisp-client/session/{WEBSITE}=; Max-Age=0; Path=/"
    assert header in log_out(make_app("crisp")).headers.getlist("Set-Cookie")  # not quoted, or it would miss


def test_a_cookie_with_a_token_in_its_name_goes_where_the_request_carries_it(make_app: MakeApp) -> None:
    """Also where Crisp has not run on the page that is left. The name is the browser's: it goes into a header."""
    client = log_in(make_app("crisp"))
    kind = f"crisp-client%2Fsession%2F{WEBSITE}%2F"
    evil = [f"{kind}b c", f"{kind}d,e", f"{kind}ü", f"{kind}{'d' * 1001}"]
    cookies = "; ".join(f"{name}=session_1" for name in [f"{kind}a-token", f"{kind}another", "mine", *evil])
    session = client.get_cookie("session")
    assert session is not None
    browser = client.application.test_client(use_cookies=False)
    response = browser.get("/logout", headers={"Cookie": f"session={session.value}; {cookies}"})
    assert {name for name, _ in expired(response) if name.startswith(kind)} == {f"{kind}a-token", f"{kind}another"}
    assert "mine" not in {name for name, _ in expired(response)}


# What a browser of each vendor's may hold, and what of it are names with an end of its own.
ALL_COOKIES = [
    *(name for names in COOKIES.values() for name in sorted(names)),
    f"crisp-client%2Fsession%2F{WEBSITE}%2F{'0a' * 32}",
]


def header_bytes(response: TestResponse) -> int:
    return sum(len(f"Set-Cookie: {value}\r\n".encode()) for value in response.headers.getlist("Set-Cookie"))


def leave_with(make_app: MakeApp, cookies: list[str], host: str, **config: Any) -> TestResponse:
    """The response to a logout of a browser that holds these cookies, the app's session not counted."""
    app = make_app("crisp", **ALL_IDS, **config)
    client = app.test_client(use_cookies=False)
    app.add_url_rule("/end", "end", lambda: chat_of(app).forget(redirect("/")))
    jar = "; ".join(f"{name}=value" for name in cookies)
    return client.get("/end", headers={"Host": host, "Cookie": jar.encode().decode("latin-1")})


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.shop.example.co.uk", "example.co.uk"),
        ("www.example.com", "example.com"),
        ("example.com", "example.com"),
        ("a.rather.long.name.of.a.shop.example.com.au:8443", "example.com.au"),
    ],
)
def test_all_vendors_cookies_fit_into_3000_bytes_for_an_ordinary_host(
    make_app: MakeApp, host: str, domain: str
) -> None:
    response = leave_with(make_app, ALL_COOKIES, host)
    gone = expired(response)
    assert {(name, where) for name in ALL_COOKIES for where in (None, domain)} <= gone
    assert header_bytes(response) <= 3000
    assert MARK in dict(set_cookies(response))


@pytest.mark.parametrize(
    "host",
    [
        "www.shop.example.co.uk",
        ".".join(["a"] * 4000),
        ".".join(["a" * 60] * 4),
        f"{'a.' * 120}example.com",
        "a" * 10_000,
        "..",
        "x;y",
        "x y",
        "\N{ROCKET}.example.com".encode().decode("latin-1"),
        "example.com\x85Set-Cookie",
        "",
    ],
)
@pytest.mark.parametrize(
    "names",
    [
        ALL_COOKIES,
        [],
        [f"{ALL_COOKIES[-1]}{n:0>200}" for n in range(50)],
        [f"{ALL_COOKIES[-1]}{evil}" for evil in (" x", ",x", "\N{ROCKET}", '"', "\\", "x" * 5000)],
    ],
    ids=["all", "none", "many", "hostile"],
)
def test_no_host_and_no_cookie_makes_more_than_3000_bytes(make_app: MakeApp, host: str, names: list[str]) -> None:
    response = leave_with(make_app, names, host)
    assert header_bytes(response) <= 3000
    lines = response.headers.getlist("Set-Cookie")
    was_routed = response.status_code == 302  # what is no host at all is refused before any view
    assert sum(re.match(rf"{MARK}={MARKS};", line) is not None for line in lines) == was_routed
    assert all(line.isascii() and line.isprintable() for line in lines)


def test_cookies_that_the_request_carries_come_before_those_that_it_does_not(make_app: MakeApp) -> None:
    """A browser leaves some out where another site sends it here; the space for these is what is left."""
    carried = ["TawkConnectionTime", ALL_COOKIES[-1]]
    names = [name for name, _ in set_cookies(leave_with(make_app, carried, "www.shop.example.co.uk"))]
    assert set(names[:4]) == set(carried)
    assert "intercom-id-abc12345" in names


def test_every_configured_vendors_cookies_go(make_app: MakeApp) -> None:
    response = log_out(make_app("crisp", **ALL_IDS))
    assert {name for name, _ in expired(response)} == set().union(*COOKIES.values())


def test_the_login_itself_ends_too(make_app: MakeApp) -> None:
    app = make_app()
    client = log_in(app)
    client.get("/logout")
    assert page(client)["visitor"] is None


# The mark.


def test_the_mark_names_the_vendors_and_can_be_read_by_the_loader(make_app: MakeApp) -> None:
    (mark,) = [attributes for name, attributes in set_cookies(log_out(make_app("crisp", **ALL_IDS))) if name == MARK]
    assert re.fullmatch(MARKS, mark["value"])
    assert mark["path"] == "/"
    assert mark["samesite"] == "Lax"
    assert int(mark["max-age"]) > 180 * 24 * 3600  # longer than a vendor's session lives
    assert "httponly" not in mark
    assert "domain" not in mark


def test_the_mark_survives_as_a_browser_reads_cookies(make_app: MakeApp) -> None:
    headers = log_out(make_app("crisp", **ALL_IDS)).headers.getlist("Set-Cookie")
    (header,) = [header for header in headers if header.startswith(MARK)]
    assert re.fullmatch(MARKS, SimpleCookie(header)[MARK].value)


def test_the_next_page_says_that_the_visitor_left(make_app: MakeApp) -> None:
    client = log_in(make_app())
    assert page(client)["left"] is False
    client.get("/logout")
    assert page(client)["left"] is True


def test_left_is_said_until_the_loader_has_cleared_the_mark(make_app: MakeApp) -> None:
    client = log_in(make_app())
    client.get("/logout")
    assert [page(client)["left"] for _ in range(2)] == [True, True]
    client.delete_cookie(MARK)  # as the loader does
    assert page(client)["left"] is False


def test_left_is_for_the_vendors_that_are_still_to_end(make_app: MakeApp) -> None:
    app = make_app("crisp", **ALL_IDS)
    client = app.test_client()
    client.set_cookie(MARK, "tawk.intercom")
    assert page(client)["left"] is False
    client.set_cookie(MARK, "tawk.crisp")
    assert page(client)["left"] is True


def test_two_apps_on_one_origin_end_their_own_chats(make_app: MakeApp) -> None:
    shop, blog = make_app(), make_app()
    client = log_in(shop)
    client.set_cookie(MARK, "/blog/livechat/crisp.123456")
    client.get("/logout")
    cookie = client.get_cookie(MARK)
    assert cookie is not None
    mark = cookie.value
    assert mark.endswith("|/blog/livechat/crisp.123456")  # the other's is still to end
    other = make_app(LIVECHAT_CRISP_WEBSITE_ID="00000000-0000-4000-8000-000000000000")
    for app, root, left in ((shop, "", True), (shop, "/elsewhere", False), (blog, "", True), (other, "", False)):
        visitor = app.test_client()
        visitor.set_cookie(MARK, mark)
        assert payload(visitor.get("/", base_url=f"http://localhost{root}").text)["left"] is left


@pytest.mark.parametrize(
    "others", [40 * ["/x/crisp.123456"], ["/" + "x" * 3000], ["</script>"], ["a b", 'x"y', "\N{ROCKET}"]]
)
def test_what_others_have_left_is_bounded(make_app: MakeApp, others: list[str]) -> None:
    client = log_in(make_app())
    client.set_cookie(MARK, "|".join(f"{n}{other}" for n, other in enumerate(others)) + "/")
    response = client.get("/logout")
    (header,) = [line for line in response.headers.getlist("Set-Cookie") if line.startswith(MARK)]
    assert len(header) < 300
    assert "x" * 200 not in header


@pytest.mark.parametrize("mark", ["", ".", "crispy", "x" * 4000, "tawk;crisp", "\N{ROCKET}"])
def test_a_forged_mark_is_harmless(make_app: MakeApp, mark: str) -> None:
    client = make_app().test_client()
    said = payload(client.get("/", headers={"Cookie": f"{MARK}={mark}".encode().decode("latin-1")}).text)
    assert said["left"] is False


def test_the_page_after_a_logout_is_for_no_shared_cache(make_app: MakeApp) -> None:
    client = log_in(make_app())
    client.get("/logout")
    response = client.get("/")
    assert payload(response.text)["left"]
    assert "private" in response.headers["Cache-Control"]


def test_no_logout_is_lost_on_a_landing_page_without_chat(make_app: MakeApp) -> None:
    app = make_app(LIVECHAT_RULES=[{"path": "/quiet", "show": False}])
    app.add_url_rule("/quiet", "quiet", lambda: render_template_string(PAGE))
    client = log_in(app)
    client.get("/logout")
    assert "livechat" not in client.get("/quiet").text
    assert page(client)["left"] is True


def test_in_fetch_mode_the_html_does_not_change_after_a_logout(make_app: MakeApp) -> None:
    app = make_app(LIVECHAT_IDENTITY_DELIVERY="fetch")
    client = log_in(app)
    before = client.get("/").text
    response = client.get("/logout")
    assert MARK in dict(set_cookies(response))
    assert client.get("/").text == before  # the loader reads the mark itself


def test_a_goodbye_page_of_the_logout_itself_is_anonymous_and_carries_the_cookies(make_app: MakeApp) -> None:
    app = make_app("intercom")

    @app.get("/bye")
    def bye() -> str:
        logout_user()
        return render_template_string(PAGE)

    response = log_in(app).get("/bye")
    assert payload(response.text)["visitor"] is None
    assert {name for name, _ in expired(response)} == COOKIES["intercom"]
    assert MARK in dict(set_cookies(response))


def test_a_page_without_a_logout_sets_no_cookie(make_app: MakeApp) -> None:
    assert not log_in(make_app()).get("/").headers.getlist("Set-Cookie")


def test_a_logout_outside_a_request_is_no_error(make_app: MakeApp) -> None:
    from flask_login import user_logged_out

    app = make_app()
    with app.app_context():
        user_logged_out.send(app, user=USERS["42"])


def test_a_logout_whose_response_is_an_error_still_expires_the_cookies(make_app: MakeApp) -> None:
    app = make_app("intercom", PROPAGATE_EXCEPTIONS=False)

    @app.get("/fails")
    def fails() -> str:
        logout_user()
        raise RuntimeError

    response = log_in(app).get("/fails")
    assert response.status_code == 500
    assert {name for name, _ in expired(response)} == COOKIES["intercom"]


def test_a_logout_of_one_app_is_none_of_another(make_app: MakeApp) -> None:
    crisp, tawk = make_app("crisp"), make_app("tawk")
    assert {name for name, _ in expired(log_out(crisp))} == COOKIES["crisp"]
    assert {name for name, _ in expired(log_out(tawk))} == COOKIES["tawk"]


def test_an_app_without_a_provider_leaves_the_logout_alone() -> None:
    response = log_out(create_app(None))
    assert response.status_code == 302
    assert MARK not in dict(set_cookies(response))


# forget().


@pytest.mark.parametrize("kind", ["redirect", "make_response"])
def test_forget_ends_the_chat_without_flask_login(kind: str) -> None:
    app = create_app("intercom", login=False)
    made: dict[str, Callable[[], Any]] = {
        "redirect": lambda: redirect("/"),
        "make_response": lambda: make_response("x"),
    }
    app.add_url_rule("/end", "end", lambda: chat_of(app).forget(made[kind]()))
    client = app.test_client()
    response = client.get("/end")
    assert {name for name, _ in expired(response)} == COOKIES["intercom"]
    assert page(client)["left"] is True


def test_forget_gives_the_response_back(make_app: MakeApp) -> None:
    app = make_app()
    with app.test_request_context("/"):
        response = Response("bye", status=202)
        assert chat_of(app).forget(response) is response


@pytest.mark.parametrize("wrong", ["text", ("text", 200), None])
def test_forget_says_what_it_takes(make_app: MakeApp, wrong: Any) -> None:
    app = make_app()
    with app.test_request_context("/"), pytest.raises(TypeError, match="response"):
        chat_of(app).forget(wrong)


def test_the_order_of_login_manager_and_livechat_does_not_matter() -> None:
    app = Flask("tests")
    app.config.update(ALL_IDS, LIVECHAT_PROVIDER="intercom", SECRET_KEY="k", TESTING=True)
    LiveChat(app)
    LoginManager(app).user_loader(USERS.get)
    app.add_url_rule("/login/<number>", "login", lambda number: str(login_user(USERS[number])))
    app.add_url_rule("/logout", "logout", lambda: str(logout_user()))
    assert COOKIES["intercom"] <= {name for name, _ in expired(log_out(app))}


def test_a_logout_and_forget_in_one_view_end_the_chat_once(make_app: MakeApp) -> None:
    app = make_app("crisp", **ALL_IDS)

    @app.get("/both")
    def both() -> Any:
        logout_user()
        return chat_of(app).forget(redirect("/"))

    lines = log_in(app).get("/both").headers.getlist("Set-Cookie")
    assert sum(line.startswith(MARK) for line in lines) == 1
    assert sum(len(f"Set-Cookie: {line}\r\n") for line in lines if not line.startswith("session")) <= 3000

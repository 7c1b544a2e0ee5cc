"""The example site: what each page shows, which vendor it carries, and what it keeps to itself."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from example_app import create_app
from example_app.chat import livechat, profile
from example_app.users import DEMO_PASSWORD
from flask_livechat import Visitor
from flask_livechat.desk.desk import Desk

PUBLIC = ["/", "/tour", "/pricing", "/support", "/contact", "/docs/", "/docs/import", "/blog/", "/blog/frost-week",
          "/shop/", "/shop/sensor", "/try", "/login", "/reset-password/anything", "/inspect"]  # fmt: skip
PRIVATE = ["/dashboard", "/account"]
CRISP = {"LIVECHAT_CRISP_WEBSITE_ID": "11111111-2222-3333-4444-555555555555"}
TAWK = {"LIVECHAT_TAWK_PROPERTY_ID": "0123456789abcdef01234567"}
INTERCOM = {"LIVECHAT_INTERCOM_APP_ID": "abcd1234"}


@pytest.fixture(autouse=True)
def no_accounts_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own FLASK_LIVECHAT_… settings must not change what these tests see."""
    for name in [name for name in os.environ if name.startswith("FLASK_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance folder after the first start, whose password is checked fast: nobody attacks it."""
    folder = tmp_path_factory.mktemp("first-start")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("example_app.users.demo_hash", lambda: generate_password_hash(DEMO_PASSWORD, "pbkdf2:sha256:1"))
        make(folder)
    return folder


@pytest.fixture
def home(tmp_path: Path, first_start: Path) -> Path:
    """A folder of one's own to run the site in."""
    shutil.copytree(first_start, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def app(home: Path) -> Flask:
    return make(home)


@pytest.fixture(scope="module")
def shared_app(first_start: Path, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """For tests that only read pages: to make the app is most of what such a test takes."""
    folder = tmp_path_factory.mktemp("shared")
    shutil.copytree(first_start, folder, dirs_exist_ok=True)
    return make(folder)


@pytest.fixture
def reader(shared_app: Flask) -> FlaskClient:
    return shared_app.test_client()


def make(folder: Path, config: Mapping[str, Any] | None = None) -> Flask:
    return create_app({"TESTING": True, "INSTANCE_PATH": str(folder / "instance"), **(config or {})})


def sign_in(client: FlaskClient, who: str, password: str = DEMO_PASSWORD, next: str = "") -> TestResponse:
    return client.post("/login", data={"email": f"{who}@example.com", "password": password, "next": next})


def view_as(client: FlaskClient, user: str = "u-1001") -> TestResponse:
    sign_in(client, "staff")
    return client.post("/staff/view-as", data={"user": user})


def soup(response: TestResponse) -> BeautifulSoup:
    return BeautifulSoup(response.text, "html.parser")


def payload(response: TestResponse) -> dict[str, Any] | None:
    block = soup(response).find("script", id="livechat")
    found: dict[str, Any] | None = json.loads(block.text) if block else None
    return found


def chat(client: FlaskClient, path: str) -> dict[str, Any]:
    found = payload(client.get(path))
    assert found is not None, f"{path} carries no chat"
    return found


def policy(response: TestResponse) -> dict[str, str]:
    directives = response.headers["Content-Security-Policy"].split(";")
    return {name: value for name, _, value in (directive.strip().partition(" ") for directive in directives)}


# Pages


@pytest.mark.parametrize("path", PUBLIC)
def test_public_pages_open_without_signing_in(reader: FlaskClient, path: str) -> None:
    assert reader.get(path).status_code == 200


@pytest.mark.parametrize("path", PUBLIC + PRIVATE)
@pytest.mark.parametrize("who", ["grower", "starter", "staff"])
def test_every_page_opens_for_people_who_are_signed_in(reader: FlaskClient, who: str, path: str) -> None:
    sign_in(reader, who)
    assert reader.get(path).status_code == 200


@pytest.mark.parametrize("path", [*PRIVATE, "/staff/"])
def test_private_pages_lead_visitors_to_the_login(reader: FlaskClient, path: str) -> None:
    response = reader.get(path)
    assert response.status_code == 302
    assert response.location.startswith("/login?next=")


@pytest.mark.parametrize("path", ["/nothing", "/docs/nothing", "/blog/nothing", "/shop/nothing"])
def test_unknown_pages_get_a_friendly_404(reader: FlaskClient, path: str) -> None:
    response = reader.get(path)
    assert response.status_code == 404
    assert "Nothing grows here" in response.text


@pytest.mark.parametrize("path", [*PUBLIC, "/boom", "/nothing"])
def test_no_page_holds_inline_code_or_style(reader: FlaskClient, path: str) -> None:
    page = soup(reader.get(path))
    inline = [tag for tag in page.find_all("script", src=False) if tag.get("type") != "application/json"]
    assert inline == []
    assert page.find_all("style") == page.select("[style]") == []
    assert [name for tag in page.find_all() for name in tag.attrs if name.startswith("on")] == []


@pytest.mark.parametrize("path", [*PUBLIC, "/boom", "/nothing"])
def test_everything_a_page_names_is_there(reader: FlaskClient, path: str) -> None:
    page = soup(reader.get(path))
    addresses = [
        tag.get("src") or tag.get("href")
        for tag in page.select("img[src], script[src], link[rel=stylesheet], link[rel=icon]")
    ]
    assert len(addresses) >= 3
    assert {str(address): reader.get(str(address)).status_code for address in addresses} == dict.fromkeys(
        map(str, addresses), 200
    )


def test_the_menu_says_which_vendor_serves_which_section(client: FlaskClient) -> None:
    parts = {part.select_one("span").text: part.select_one("b").text for part in soup(client.get("/")).select(".part")}  # type: ignore[union-attr]
    assert parts == {"Site": "Crisp", "Shop": "Tawk.to", "App": "Intercom", "Reading": "no chat"}


def test_the_agents_desk_is_linked_and_open_in_the_sandbox(client: FlaskClient) -> None:
    link = soup(client.get("/")).select_one("a.desk")
    assert link is not None
    assert client.get(str(link["href"])).status_code == 200


# Which chat, where


@pytest.mark.parametrize(
    ("path", "provider", "load"),
    [
        ("/", "crisp", "idle"),
        ("/tour", "crisp", "delay:5"),
        ("/pricing", "crisp", "eager"),
        ("/support", "crisp", "manual"),
        ("/contact", "crisp", "visible:#help"),
        ("/login", "crisp", "intent"),
        ("/shop/", "tawk", "intent"),
        ("/shop/sensor", "tawk", "scroll"),
    ],
)
def test_each_page_has_its_vendor_and_its_moment(client: FlaskClient, path: str, provider: str, load: str) -> None:
    found = chat(client, path)
    assert (found["provider"], found["load"]) == (provider, load)


@pytest.mark.parametrize(("path", "load"), [("/dashboard", "idle"), ("/account", "interaction")])
def test_the_app_belongs_to_intercom(client: FlaskClient, path: str, load: str) -> None:
    sign_in(client, "grower")
    found = chat(client, path)
    assert (found["provider"], found["load"]) == ("intercom", load)


@pytest.mark.parametrize("path", ["/docs/", "/docs/import", "/blog/", "/blog/frost-week", "/docs/nothing", "/inspect"])
def test_pages_for_reading_carry_no_chat(client: FlaskClient, path: str) -> None:
    assert payload(client.get(path)) is None


@pytest.mark.parametrize("who", [None, "grower"])
def test_a_reset_link_carries_no_chat_and_does_not_repeat_its_token(client: FlaskClient, who: str | None) -> None:
    if who:
        sign_in(client, who)
    response = client.get("/reset-password/s3cret-t0ken")
    assert payload(response) is None
    assert "s3cret-t0ken" not in response.text


def test_staff_pages_carry_no_chat(client: FlaskClient) -> None:
    sign_in(client, "staff")
    response = client.get("/staff/")
    assert response.status_code == 200
    assert payload(response) is None


@pytest.mark.parametrize(
    "path", ["/", "/tour", "/pricing", "/support", "/contact", "/docs/", "/shop/", "/login", "/try"]
)
def test_a_page_says_what_it_shows_with_the_code_that_does_it(client: FlaskClient, path: str) -> None:
    shown = BeautifulSoup(client.get(path).text, "html.parser").select_one("details.shown")
    assert shown is not None
    assert len(shown.p.text) > 20
    assert shown.code.text.startswith("#")


def test_the_code_of_a_page_is_its_own(client: FlaskClient) -> None:
    html = BeautifulSoup(client.get("/pricing").text, "html.parser").select_one("details.shown").text
    assert "'preload': True" in html
    assert "livechat.track(" in html


def test_the_stand_ins_are_blocked_for_whoever_asks_for_it(client: FlaskClient, app: Flask) -> None:
    script = "/livechat/sandbox/crisp.js"
    assert client.get(script).status_code == 200
    client.post("/try/block")
    assert client.get(script).status_code == 503
    assert "through again" in client.get("/try").text
    assert app.test_client().get(script).status_code == 200
    client.post("/try/block")
    assert client.get(script).status_code == 200


@pytest.mark.parametrize(("path", "status"), [("/boom", 500), ("/nothing", 404)])
def test_error_pages_carry_the_chat_with_their_status_and_no_traceback(
    client: FlaskClient, path: str, status: int
) -> None:
    response = client.get(path)
    found = payload(response)
    assert response.status_code == status
    assert found is not None
    assert status in found["context"].values()
    assert "Traceback" not in response.text
    assert "RuntimeError" not in response.text


def test_the_error_id_that_a_visitor_reads_is_the_one_that_agents_see_and_the_log_has(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = client.get("/boom")
    shown = BeautifulSoup(response.text, "html.parser").select_one("main code")
    found = payload(response)
    assert shown is not None
    assert found is not None
    assert found["context"]["error_id"] == shown.text
    assert f"the id {shown.text}." in caplog.text
    assert "Error id" not in client.get("/nothing").text


def test_the_pricing_page_preloads_the_vendor(home: Path) -> None:
    client = make(home, CRISP).test_client()
    assert soup(client.get("/pricing")).select("link[rel=preload][as=script]")
    assert not soup(client.get("/tour")).select("link[rel=preload][as=script]")


def test_support_brings_its_own_launchers_and_an_unread_count(client: FlaskClient) -> None:
    page = soup(client.get("/support"))
    assert len(page.select("[data-livechat-open]")) >= 3
    assert page.select_one("[data-livechat-message]")
    assert page.select_one("[data-livechat-unread]")


def test_a_chosen_plan_is_told_to_the_chat_once(client: FlaskClient) -> None:
    client.post("/pricing/choose", data={"plan": "pro"})
    first, second = chat(client, "/pricing"), chat(client, "/pricing")
    assert [event["name"] for event in first["events"]] == ["plan_selected"]
    assert "pro" in json.dumps(first["events"])
    assert "chose the Pro plan" in json.dumps(first["context"])
    assert second["events"] == []


def test_a_basket_puts_its_visitor_into_a_segment_once(client: FlaskClient) -> None:
    client.post("/shop/sensor/basket")
    first, second = chat(client, "/shop/"), chat(client, "/shop/")
    assert [event["segment"] for event in first["events"]] == [["has-a-basket"]]
    assert second["events"] == []


def test_the_dashboard_starts_a_tour_once_and_offers_it_again(client: FlaskClient) -> None:
    sign_in(client, "grower")
    assert chat(client, "/dashboard")["settings"]["start"] == "tour:101"
    assert soup(client.get("/dashboard")).select_one("a[data-livechat-start='tour:101']")


def test_a_plan_that_does_not_exist_is_refused(client: FlaskClient) -> None:
    assert client.post("/pricing/choose", data={"plan": "<b>"}).status_code == 400


def test_the_basket_is_told_to_the_agents(client: FlaskClient) -> None:
    client.post("/shop/sensor/basket")
    found = chat(client, "/shop/")["context"]
    assert str(found["basket"]) == "1"  # Tawk.to takes text only
    assert "put soil sensor into the basket" in json.dumps(found)


# People


def test_signing_in_gives_the_chat_a_proven_identity(client: FlaskClient) -> None:
    sign_in(client, "grower")
    found = chat(client, "/")
    assert found["visitor"]["email"] == "grower@example.com"
    assert found["visitor"]["company"]["name"] == "Riverside Nursery"
    assert found["proof"]["email"]
    assert found["context"]["plan"] == "pro"
    assert found["context"]["seats"] == 12


def test_visitors_have_no_identity(client: FlaskClient) -> None:
    found = chat(client, "/")
    assert (found["visitor"], found["proof"], found["who"]) == (None, None, "")


def test_signing_out_needs_a_post_and_ends_the_chat_session(client: FlaskClient) -> None:
    sign_in(client, "grower")
    assert client.get("/logout").status_code == 405
    response = client.post("/logout")
    assert response.location == "/"
    assert any("crisp-client" in cookie for cookie in response.headers.getlist("Set-Cookie"))
    assert chat(client, "/")["visitor"] is None
    assert client.get("/dashboard").status_code == 302


def test_nothing_of_a_visit_is_left_for_the_next_one(client: FlaskClient) -> None:
    sign_in(client, "grower")
    client.post("/shop/sensor/basket")
    client.post("/pricing/choose", data={"plan": "estate"})
    client.post("/logout")
    found = chat(client, "/pricing")
    assert found["events"] == []
    assert "estate" not in json.dumps(found["context"]).lower()
    assert str(found["context"]["basket"]) == "0"


def test_the_sign_out_button_tells_the_chat(client: FlaskClient) -> None:
    sign_in(client, "grower")
    assert soup(client.get("/dashboard")).select_one("form[action='/logout'] button[data-livechat-logout]")


@pytest.mark.parametrize(
    ("email", "password"),
    [("grower@example.com", "wrong"), ("nobody@example.com", "demo"), ("", ""), ("' OR 1=1 --", "x")],
)
def test_a_wrong_login_is_refused(client: FlaskClient, email: str, password: str) -> None:
    assert client.post("/login", data={"email": email, "password": password}).status_code == 401
    assert client.get("/dashboard").status_code == 302


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "evil", "/\t/evil.example"],
)
def test_a_login_never_forwards_to_another_site(client: FlaskClient, target: str) -> None:
    assert sign_in(client, "grower", next=target).location == "/dashboard"


def test_a_login_leads_back_to_the_page_that_asked_for_it(client: FlaskClient) -> None:
    assert sign_in(client, "grower", next="/account").location == "/account"


def test_users_and_secret_key_survive_a_restart(tmp_path: Path) -> None:
    first = make(tmp_path)
    client = first.test_client()
    sign_in(client, "grower")
    cookie = client.get_cookie("session")
    assert cookie is not None
    again = make(tmp_path).test_client()
    again.set_cookie("session", cookie.value)
    assert again.get("/dashboard").status_code == 200


def test_the_kept_secret_key_is_readable_by_its_owner_only(app: Flask) -> None:
    assert (Path(app.instance_path) / "secret_key").stat().st_mode & 0o077 == 0


# View as


def test_viewing_as_a_customer_shows_their_pages_under_a_banner(client: FlaskClient) -> None:
    view_as(client)
    response = client.get("/account")
    assert "grower@example.com" in response.text
    assert "You are viewing the site as" in response.text


@pytest.mark.parametrize("path", ["/", "/shop/", "/dashboard", "/account"])
def test_viewing_as_a_customer_sends_no_identity(client: FlaskClient, path: str) -> None:
    view_as(client)
    found = chat(client, path)
    assert (found["visitor"], found["proof"]) == (None, None)
    assert not found["who"]
    assert {"plan", "seats", "account_age_days", "account-age-days"}.isdisjoint(found["context"])


def test_stopping_makes_staff_themselves_again(client: FlaskClient) -> None:
    view_as(client)
    client.post("/staff/stop")
    assert chat(client, "/")["visitor"]["email"] == "staff@example.com"
    assert "You are viewing the site as" not in client.get("/").text


def test_signing_out_also_ends_viewing_as(client: FlaskClient) -> None:
    view_as(client)
    client.post("/logout")
    sign_in(client, "staff")
    assert chat(client, "/")["visitor"]["email"] == "staff@example.com"


def test_customers_cannot_view_as_anybody(client: FlaskClient) -> None:
    sign_in(client, "grower")
    assert client.get("/staff/").status_code == 403
    assert client.post("/staff/view-as", data={"user": "u-1002"}).status_code == 403
    assert chat(client, "/")["visitor"]["email"] == "grower@example.com"


@pytest.mark.parametrize("user", ["u-9001", "nobody", ""])
def test_only_customers_can_be_viewed(client: FlaskClient, user: str) -> None:
    assert view_as(client, user).status_code == 400


# Inspector


def decision(response: TestResponse) -> dict[str, str]:
    rows = soup(response).select(".fields tr")
    return {row.th.text: row.code.text for row in rows if row.th and row.code}


@pytest.mark.parametrize(
    ("path", "shown", "provider", "load"),
    [("/shop/", "True", "tawk", "intent"), ("/pricing", "True", "crisp", "eager"), ("/docs/", "False", None, None)],
)
def test_the_inspector_shows_the_decision(
    client: FlaskClient, path: str, shown: str, provider: str | None, load: str | None
) -> None:
    found = decision(client.get("/inspect", query_string={"path": path}))
    assert set(found) == set("show provider load preload mobile offline identify tour start once why".split())
    assert found["show"] == shown
    assert provider is None or (found["provider"], found["load"]) == (provider, load)
    assert found["why"]


def test_the_inspector_shows_the_code_that_decided(client: FlaskClient) -> None:
    shop = client.get("/inspect?path=/shop/").text
    assert "LIVECHAT_RULES" in shop
    assert "{{ livechat() }}" in shop
    assert "@livechat.rule(load=&#34;scroll&#34;)" in client.get("/inspect?path=/shop/sensor").text
    assert "{{ livechat(load=&#34;manual&#34;) }}" in client.get("/inspect?path=/support").text


def test_the_inspector_shows_code_for_staff_pages(client: FlaskClient) -> None:
    sign_in(client, "staff")
    assert "livechat.rule_for(&#34;staff&#34;, show=False)" in client.get("/inspect?path=/staff/").text


def test_the_inspector_shows_the_page_as_this_visitor_gets_it(client: FlaskClient) -> None:
    assert "leads to /login" in client.get("/inspect?path=/dashboard").text
    sign_in(client, "grower")
    text = client.get("/inspect?path=/").text
    assert "grower@example.com" in text


def test_the_inspector_shows_one_directive_of_the_policy_a_line(client: FlaskClient) -> None:
    blocks = [block.text for block in soup(client.get("/inspect?path=/shop/")).select("pre")]
    assert any(re.search(r"^default-src 'self';$", block, re.MULTILINE) for block in blocks)


@pytest.mark.parametrize("path", ["/", "/shop/", "/dashboard"])
def test_the_inspector_never_shows_a_whole_proof_or_a_secret(app: Flask, client: FlaskClient, path: str) -> None:
    sign_in(client, "grower")
    proofs = [value for value in chat(client, path)["proof"].values() if isinstance(value, str)]
    text = client.get("/inspect", query_string={"path": path}).text
    secrets = [
        value
        for key, value in app.config.items()
        if key.endswith(("_SECRET", "SECRET_KEY", "_API_KEY")) and isinstance(value, str)
    ]
    assert proofs
    assert [value for value in proofs + secrets if value in text] == []


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        "shop/",
        "/logout",
        "/pricing/choose",
        "/staff/stop",
        "/inspect",
        "/inspect?path=/inspect",
        "/static/css/site.css",
        "/livechat/identity",
        "/livechat/sandbox/",
        "/%69nspect",
        "/pricing%2Fchoose",
        "/\r\nx",
        "http://localhost/pricing",
    ],
)
def test_the_inspector_refuses_what_is_no_page_of_this_site(client: FlaskClient, path: str) -> None:
    response = client.get("/inspect", query_string={"path": path})
    assert response.status_code == 400
    assert soup(response).select_one("[role=alert]")
    assert "<pre" not in response.text


def test_the_inspector_escapes_what_it_is_asked(client: FlaskClient) -> None:
    attack = "/<script>alert(1)</script>\"onfocus='x'"
    response = client.get("/inspect", query_string={"path": attack})
    assert "<script>alert" not in response.text
    assert soup(response).select("[onfocus]") == []


def test_the_inspector_drops_the_query_of_the_page(client: FlaskClient) -> None:
    assert client.get("/inspect", query_string={"path": "/shop/?token=abc"}).status_code == 200


def test_the_inspector_is_never_stored_in_a_cache(client: FlaskClient) -> None:
    assert client.get("/inspect?path=/").headers["Cache-Control"] == "no-store"


def test_looking_does_not_use_up_the_events_of_the_visitor(client: FlaskClient) -> None:
    client.post("/pricing/choose", data={"plan": "pro"})
    client.get("/inspect?path=/pricing")
    assert [event["name"] for event in chat(client, "/pricing")["events"]] == ["plan_selected"]


def test_the_inspector_links_to_a_page_that_it_opens(client: FlaskClient) -> None:
    link = soup(client.get("/inspect?path=/shop/")).select_one("a.why")
    assert link is not None
    assert client.get(str(link["href"])).status_code == 200


@pytest.mark.parametrize("path", ["/", "/shop/", "/boom"])
def test_every_page_links_to_its_own_inspection(client: FlaskClient, path: str) -> None:
    link = soup(client.get(path)).select_one("a.why")
    assert link is not None
    assert link["href"] == f"/inspect?path={path}"
    assert client.get(str(link["href"])).status_code == 200


# Policy


@pytest.mark.parametrize("path", [*PUBLIC, "/boom", "/nothing"])
def test_every_page_has_the_strict_policy(reader: FlaskClient, path: str) -> None:
    response = reader.get(path)
    found = policy(response)
    nonce = re.search(r"'nonce-([^']+)'", found["script-src"])
    assert found["default-src"] == "'self'"
    assert found["object-src"] == "'none'"
    assert found["base-uri"] == "'self'"
    assert "'unsafe" not in found["script-src"]
    assert nonce is not None
    assert {script["nonce"] for script in soup(response).find_all("script")} == {nonce[1]}


def test_each_answer_has_a_nonce_of_its_own(client: FlaskClient) -> None:
    assert policy(client.get("/"))["script-src"] != policy(client.get("/"))["script-src"]


@pytest.mark.parametrize(("path", "host"), [("/", "crisp.chat"), ("/shop/", "tawk.to"), ("/dashboard", "intercom.io")])
def test_the_hosts_of_the_pages_vendor_are_merged_into_the_policy(home: Path, path: str, host: str) -> None:
    client = make(home, {**CRISP, **TAWK, **INTERCOM}).test_client()
    sign_in(client, "grower")
    hosts = {"crisp.chat", "tawk.to", "intercom.io"}
    scripts = policy(client.get(path))["script-src"]
    assert {name for name in hosts if name in scripts} == {host}


def test_pages_without_chat_keep_the_sites_own_policy(home: Path) -> None:
    client = make(home, {**CRISP, **TAWK, **INTERCOM}).test_client()
    assert re.fullmatch(
        r"default-src 'self'; script-src 'self' 'nonce-[\w-]+'; object-src 'none'; base-uri 'self'",
        client.get("/docs/").headers["Content-Security-Policy"],
    )


# Configuration


def test_without_any_configuration_the_site_runs_on_the_sandbox(app: Flask) -> None:
    assert app.config["LIVECHAT_SANDBOX"] is True
    assert app.config["LIVECHAT_PROVIDER"] == "crisp"


def test_an_account_in_the_environment_ends_the_sandbox(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_LIVECHAT_CRISP_WEBSITE_ID", CRISP["LIVECHAT_CRISP_WEBSITE_ID"])
    app = make(home)
    client = app.test_client()
    assert app.config["LIVECHAT_SANDBOX"] is False
    assert CRISP["LIVECHAT_CRISP_WEBSITE_ID"] in client.get("/").text
    assert not soup(client.get("/")).select("a.desk")


@pytest.mark.parametrize(("account", "vendor"), [(CRISP, "crisp"), (TAWK, "tawk"), (INTERCOM, "intercom")])
@pytest.mark.parametrize("path", ["/", "/shop/", "/dashboard"])
def test_one_account_serves_every_section(home: Path, account: dict[str, str], vendor: str, path: str) -> None:
    client = make(home, account).test_client()
    sign_in(client, "grower")
    assert chat(client, path)["provider"] == vendor


def test_with_sandbox_off_and_no_account_the_site_works_without_chat(home: Path) -> None:
    client = make(home, {"LIVECHAT_SANDBOX": False}).test_client()
    assert [client.get(path).status_code for path in PUBLIC] == [200] * len(PUBLIC)
    assert payload(client.get("/")) is None
    assert "Crisp" not in client.get("/").text


def test_two_sites_in_one_process_stay_apart(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    sandbox = make(home).test_client()
    real = make(tmp_path_factory.mktemp("two"), TAWK).test_client()
    assert chat(sandbox, "/")["provider"] == "crisp"
    assert chat(real, "/")["provider"] == "tawk"


# Writing first


def test_staff_write_to_a_customer_once_a_day(client: FlaskClient) -> None:
    sign_in(client, "staff")
    for answer in ("has your message", "The team begins 1 conversation with a visitor within 24 hours"):
        data = {"user": "u-1001", "text": "Your sensor is here."}
        assert answer in client.post("/staff/write", data=data, follow_redirects=True).text
    desk = sandbox_desk(client, "crisp")
    (conversation,) = desk.conversations.list()
    assert [message.text for message in desk.conversations.messages(conversation.id)] == ["Your sensor is here."]


@pytest.mark.parametrize("user", ["", "u-none"])
def test_only_customers_are_written_to(client: FlaskClient, user: str) -> None:
    assert client.post("/staff/write", data={"user": "u-1001", "text": "x"}).status_code == 302
    sign_in(client, "staff")
    assert client.post("/staff/write", data={"user": user, "text": "x"}).status_code == 400
    assert list(sandbox_desk(client, "crisp").conversations.list()) == []
    said = client.post("/staff/write", data={"user": "u-1001", "text": " "}, follow_redirects=True).text
    assert "a text is needed" in said


def test_staff_see_who_is_on_the_site(client: FlaskClient) -> None:
    session = client.post("/livechat/sandbox/api/crisp/session", json={}).json["session"]  # type: ignore[index]
    client.post("/livechat/sandbox/api/crisp/visit", json={"session": session, "page": "https://shop.example/cart"})
    sign_in(client, "staff")
    assert "https://shop.example/cart" in client.get("/staff/").text


def sandbox_desk(client: FlaskClient, vendor: str) -> Desk:
    with client.application.app_context():
        return livechat.desk(vendor)


# The inbox


def write(client: FlaskClient, vendor: str, text: str) -> None:
    """Somebody writes in the widget, and the vendor's webhook has come."""
    session = client.post(f"/livechat/sandbox/api/{vendor}/session", json={}).json["session"]  # type: ignore[index]
    client.post(f"/livechat/sandbox/api/{vendor}/message", json={"session": session, "text": text})
    assert client.application.extensions["livechat"].runtime.sandbox_sender.queue.finish(10)


def test_staff_read_in_one_list_what_visitors_write_to_every_vendor(client: FlaskClient) -> None:
    sign_in(client, "staff")
    for vendor in ("crisp", "intercom", "tawk"):
        write(client, vendor, f"Is <b>this</b> {vendor}?")
    link = soup(client.get("/staff/")).select_one('a[href="/livechat/inbox"]')
    assert link is not None
    page = client.get("/livechat/inbox")
    assert [f"Is &lt;b&gt;this&lt;/b&gt; {vendor}?" in page.text for vendor in ("crisp", "intercom", "tawk")] == [
        True
    ] * 3
    assert payload(page) is None
    assert "Your team answers the visitors" in page.text


def test_the_inbox_is_the_staffs(client: FlaskClient) -> None:
    assert client.get("/livechat/inbox").status_code == 404
    sign_in(client, "grower")
    assert client.get("/livechat/inbox").status_code == 404
    view_as(client, "u-1001")
    assert client.get("/livechat/inbox").status_code == 404


def test_what_the_site_knows_of_a_customer_stands_beside_the_conversation(home: Path) -> None:
    with make(home).app_context():
        assert profile(Visitor("u-1001"))["Company"] == "Riverside Nursery"
        assert profile(Visitor("starter@example.com"))["Plan"] == "starter"
        assert profile(Visitor("nobody")) == {}


def test_the_two_inboxes_are_told_apart_in_words(client: FlaskClient) -> None:
    desk = client.get("/livechat/sandbox/").text
    assert "agents answer here. Your own team answers in the inbox" in desk
    assert client.get("/livechat/sandbox/desk/state").json["inbox"] == "/livechat/inbox"  # type: ignore[index]
    sign_in(client, "staff")
    inbox = client.get("/livechat/inbox").text
    assert "Your team answers the visitors" in inbox
    assert "Agent page of the sandbox" in inbox

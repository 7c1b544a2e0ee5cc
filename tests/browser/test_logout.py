"""Whose chat it is after a logout, a switch or an expired session: asked of the vendor's stand-in.

Each way out of a chat is a ``path``: the run of these tests writes the matrix of ways and engines into the docs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from flask import redirect, request, session
from playwright.sync_api import Browser

from flask_livechat import providers

from .conftest import API_HOSTS, HOSTS, SITE, VALUES, VENDORS, Visit

pytestmark = pytest.mark.parametrize("vendor", VENDORS)
Site = Callable[..., Any]
path = pytest.mark.path


def _chat(visit: Visit, number: str = "1") -> str:
    """Log in, be verified, and get an answer that nobody else may see. Returns the session that held it."""
    visit.go(f"/login/{number}")
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified")
    visit.reply(f"a secret for visitor {number}")
    visit.until("__livechat_sandbox.messages.length === 1")
    return str(visit.snapshot()["session"])


def _is_nobody(visit: Visit, before: str) -> None:
    visit.ready()
    visit.until("__livechat_sandbox.session")
    visit.page.wait_for_timeout(300)
    snapshot = visit.snapshot()
    assert snapshot["identity"]["state"] == "anonymous"
    assert snapshot["messages"] == []
    assert snapshot["session"] != before
    assert before not in visit.stored()


def _leave(visit: Visit, vendor: str, landing: str) -> None:
    """Logs out. The response itself takes the vendor's cookies.

    That is read off its headers: the page that is being left may write some of them again, until the next page with
    the loader sweeps.
    """
    answers: list[Any] = []
    visit.page.on("response", lambda answer: answers.append(answer) if "/logout" in answer.url else None)
    patterns = providers.load(vendor).cookies(VALUES[vendor])
    kinds = tuple(pattern[:-1] for pattern in patterns if pattern.endswith("*"))
    carried = [cookie["name"] for cookie in visit.page.context.cookies() if cookie["name"].startswith(kinds or "-")]
    visit.go(f"/logout?next={landing}")
    expired = [each["value"] for each in answers[0].headers_array() if each["name"].lower() == "set-cookie"]
    for cookie in [*carried, *(pattern for pattern in patterns if not pattern.endswith("*"))]:
        assert any(line.startswith(f"{cookie}=;") and "Max-Age=0" in line for line in expired), expired
    assert bool(carried) == bool(kinds)  # with each kind there is one


@path("a redirect to a page with chat")
def test_logout_ends_the_chat_on_the_next_page(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    before = _chat(visit)
    visit.go("/logout")
    assert '"left":true' in visit.page.content()
    _is_nobody(visit, before)
    assert f"{vendor}" not in str(visit.get("document.cookie.match(/livechat_left=[^;]*/)"))
    visit.go("/")
    assert '"left":false' in visit.page.content()


@path("a static page without the loader, then one with it")
def test_logout_over_a_page_without_the_loader_ends_the_chat_on_the_page_after(
    site: Site, visit: Visit, vendor: str
) -> None:
    site(vendor, LOAD="eager")
    before = _chat(visit)
    _leave(visit, vendor, "/plain")
    visit.go("/other")
    _is_nobody(visit, before)


def test_logout_ends_the_chat_even_where_nothing_loads(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    before = _chat(visit)
    site(vendor, LOAD="off")
    visit.go("/logout")
    assert before not in visit.stored()


@path("a click on log out, before the answer")
def test_a_click_on_log_out_ends_the_chat_before_the_page_is_left(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    before = _chat(visit)
    visit.get("document.querySelector('#leave').addEventListener('submit', (event) => event.preventDefault())")
    visit.page.click("[data-livechat-logout]")
    visit.until("livechat.state === 'ended'")
    visit.page.wait_for_timeout(800)
    assert before not in visit.stored()
    visit.is_over()
    assert visit.get("'intercomSettings' in window") is False


def test_chat_opens_again_for_nobody_after_a_logout_on_the_same_page(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    before = _chat(visit)
    visit.get("fetch('/logout', {method: 'POST'}).then(() => livechat.logout())")
    visit.until("livechat.state === 'ended'")
    visit.page.click("#opener")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.open")
    _is_nobody(visit, before)


def test_the_log_out_button_of_the_site_ends_and_leaves(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    before = _chat(visit)
    visit.page.click("[data-livechat-logout]")
    visit.page.wait_for_url(SITE + "/")
    _is_nobody(visit, before)


@path("a login as another user in one step")
@pytest.mark.parametrize("delivery", ["inline", "fetch"])
@pytest.mark.parametrize("path", ["/login/2", "/switch/2"])
def test_another_user_sees_nothing_of_the_first(
    site: Site, visit: Visit, vendor: str, path: str, delivery: str
) -> None:
    site(vendor, LOAD="eager", IDENTITY_DELIVERY=delivery)
    before = _chat(visit)
    visit.go(path)
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified && __livechat_sandbox.identity.email === 'visitor2@example.com'")
    visit.page.wait_for_timeout(300)
    snapshot = visit.snapshot()
    assert snapshot["identity"]["verified"]
    assert snapshot["messages"] == []
    assert snapshot["session"] != before


@path("a session that expired on the server")
def test_an_expired_session_ends_the_chat(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    before = _chat(visit)
    visit.page.context.clear_cookies(name="session")
    visit.go("/")
    _is_nobody(visit, before)


def test_logging_in_again_brings_the_conversation_back(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    _chat(visit)
    visit.go("/logout")
    visit.ready()
    visit.go("/login/1")
    visit.ready()
    visit.until("__livechat_sandbox.messages.some((message) => message.text === 'a secret for visitor 1')")


@path("a logout while the vendor's script is loading")
@pytest.mark.parametrize("arrived", [False, True])
def test_logout_while_the_vendor_is_loading_leaves_nobody_behind(
    site: Site, visit: Visit, vendor: str, arrived: bool
) -> None:
    site(vendor, LOAD="eager")
    visit.net.delay = 0.6
    visit.page.goto(SITE + "/login/1", wait_until="load" if arrived else "commit")
    visit.until("window.livechat && window.livechat.state === 'loading'" if not arrived else "window.livechat.state")
    visit.get("void fetch('/logout', {method: 'POST'}).then(() => livechat.logout())")
    visit.page.wait_for_timeout(2000)
    assert "livechat_left" in visit.get("document.cookie") or visit.get("livechat.state") == "ended"
    assert visit.get("'intercomSettings' in window") is False
    visit.page.click("#opener")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.open", 12)
    assert visit.snapshot()["identity"]["state"] == "anonymous"


def test_logout_after_a_failed_load_leaves_nobody_for_the_next_try(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    visit.net.down |= {HOSTS[vendor]}
    visit.go("/login/1")
    visit.until("livechat.state === 'failed'")
    visit.get("fetch('/logout', {method: 'POST'}).then(() => livechat.logout())")
    visit.net.down.clear()
    visit.page.click("#opener")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.open")
    assert visit.snapshot()["identity"]["state"] == "anonymous"


def test_an_identity_that_arrives_after_the_logout_is_nobodys(site: Site, visit: Visit, vendor: str) -> None:
    app = site(vendor, LOAD="manual", IDENTITY_DELIVERY="fetch")

    @app.after_request
    def slow(response: Any) -> Any:
        if response.is_json:
            time.sleep(0.6)
        return response

    visit.go("/login/1")
    visit.get("livechat.open(); 0")
    visit.page.wait_for_timeout(200)
    visit.get("fetch('/logout', {method: 'POST'}).then(() => livechat.logout())")
    visit.page.wait_for_timeout(900)
    visit.page.click("#opener")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.open")
    visit.page.wait_for_timeout(300)
    assert visit.snapshot()["identity"]["state"] == "anonymous"


def test_events_that_waited_are_gone_with_the_visitor(site: Site, visit: Visit, vendor: str) -> None:
    app = site(vendor, LOAD="manual")
    app.add_url_rule("/buy", view_func=lambda: app.extensions["livechat"].livechat.track("bought") or "bought")
    visit.go("/login/1")
    visit.go("/buy")
    visit.go("/")
    visit.go("/logout")
    visit.page.click("#opener")
    visit.ready()
    visit.page.wait_for_timeout(300)
    assert visit.desk()["events"] == []


def test_the_mark_of_a_logout_alone_sweeps_what_the_vendor_left(site: Site, visit: Visit, vendor: str) -> None:
    """Also where nobody remembers who was here: after a page of another loader, or with a cookie set in between."""
    site(vendor, LOAD="off")
    room = providers.load(vendor)
    cookies = [name for name in room.cookies(VALUES[vendor]) if "/" not in name]
    keys = [pattern.replace("*", "x") for pattern in room.storage(VALUES[vendor])]
    visit.go("/plain")
    for name in cookies:
        visit.page.evaluate("(name) => { document.cookie = `${name}=old; path=/`; }", name)
        visit.page.evaluate("(name) => { document.cookie = `${name}=old; path=/; domain=site.test`; }", name)
    visit.page.evaluate("(keys) => [...keys, 'mine'].forEach((key) => localStorage.setItem(key, 'x'))", keys)
    visit.get(f"document.cookie = 'livechat_left=other.{vendor}; path=/'; document.cookie = 'mine=1; path=/'")
    visit.go("/")
    assert visit.get("document.cookie.split('; ').sort()") == ["livechat_left=other", "mine=1"]
    assert visit.get("Object.keys(localStorage)") == ["mine"]


@path("a redirect to a page with show=False")
def test_logout_to_a_page_without_chat_ends_the_chat(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", RULES=[{"path": "/other", "show": False}])
    before = _chat(visit)
    _leave(visit, vendor, "/other")
    assert visit.get("'livechat' in window") is False
    visit.go("/")
    _is_nobody(visit, before)


@path("session.clear() by the app")
def test_an_app_that_clears_its_session_ends_the_chat(site: Site, visit: Visit, vendor: str) -> None:
    app = site(vendor, LOAD="eager")
    app.add_url_rule("/clear", view_func=lambda: session.clear() or redirect("/"))
    before = _chat(visit)
    visit.go("/clear")
    _is_nobody(visit, before)


@path("livechat.forget(response), without Flask-Login")
@pytest.mark.parametrize("landing", ["/", "/plain"])
def test_forget_ends_the_chat_of_an_app_without_flask_login(
    site: Site, visit: Visit, vendor: str, landing: str
) -> None:
    site(vendor, LOAD="eager", flask_login=False)
    before = _chat(visit)
    _leave(visit, vendor, landing)
    visit.go("/other")
    _is_nobody(visit, before)


@path("a logout in another tab, with the panel open in this one")
@pytest.mark.parametrize("landing", ["/", "/plain"])
def test_a_logout_in_another_tab_ends_the_open_chat(site: Site, open_visit: Any, vendor: str, landing: str) -> None:
    site(vendor, LOAD="eager")
    visit = open_visit()
    before = _chat(visit)
    visit.page.click("#opener")
    visit.until("__livechat_sandbox.open")
    other = open_visit.tab(visit.page.context)
    other.go(f"/logout?next={landing}")
    visit.until("livechat.state === 'ended'")
    visit.until(f"!__livechat_sandbox.visible || __livechat_sandbox.session !== '{before}'")
    visit.is_over()
    assert visit.get("'intercomSettings' in window") is False
    other.go("/other")
    _is_nobody(other, before)


@path("a login as another user in another tab")
def test_another_user_in_another_tab_ends_this_ones_chat(site: Site, open_visit: Any, vendor: str) -> None:
    site(vendor, LOAD="eager")
    visit = open_visit()
    before = _chat(visit)
    other = open_visit.tab(visit.page.context)
    other.go("/switch/2")
    visit.until("livechat.state === 'ended'")
    other.ready()
    other.until("__livechat_sandbox.identity.email === 'visitor2@example.com'")
    assert other.snapshot()["messages"] == []
    visit.page.click("#opener")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.open")
    assert visit.snapshot()["identity"]["email"] != "visitor1@example.com"
    assert visit.snapshot()["session"] != before


@path("back to a page in the back/forward cache")
@pytest.mark.parametrize("landing", ["/other", "/plain"])
def test_a_page_from_the_back_forward_cache_has_nobodys_chat(
    site: Site, open_visit: Any, browser_with_page_cache: Browser, vendor: str, landing: str
) -> None:
    site(vendor, LOAD="eager")
    visit = open_visit(browser=browser_with_page_cache)
    before = _chat(visit)
    visit.page.click("#opener")
    visit.until("__livechat_sandbox.open")
    _leave_and_come_back(visit, f"/logout?next={landing}")
    visit.until("__restored === true")  # false until the event that tells of it has come
    visit.until("livechat.state === 'ended'")
    visit.until(f"!__livechat_sandbox.visible || __livechat_sandbox.session !== '{before}'")
    visit.is_over()
    assert before not in visit.stored()


@path("back to a page in the back/forward cache")
def test_a_page_from_the_back_forward_cache_that_had_not_started_starts_nobody(
    site: Site, open_visit: Any, browser_with_page_cache: Browser, vendor: str
) -> None:
    site(vendor, LOAD="manual")
    visit = open_visit(browser=browser_with_page_cache)
    visit.go("/login/1")
    _leave_and_come_back(visit, "/logout?next=/plain")
    visit.until("__restored === true")  # false until the event that tells of it has come
    visit.page.click("#opener")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.open")
    assert visit.snapshot()["identity"]["state"] == "anonymous"


@path("back to a page in the HTTP cache")
def test_a_page_from_the_http_cache_starts_nobody_who_has_left(site: Site, visit: Visit, vendor: str) -> None:
    app = site(vendor, LOAD="eager")

    inner = app.wsgi_app

    def proxy(environ: Any, start: Callable[..., Any]) -> Any:
        """Takes ``Vary: Cookie`` out, which would make the browser ask again."""
        return inner(environ, lambda status, headers: start(status, [(k, v) for k, v in headers if k != "Vary"]))

    app.wsgi_app = proxy
    before = _chat(visit)
    _leave_and_come_back(visit, "/logout?next=/plain")
    assert visit.net.log.count("www.site.test/") == 1  # it did come from the cache
    assert '"visitor1@example.com"' in visit.page.content() or vendor == "intercom"
    _is_nobody(visit, before)


@path("a vendor that cannot be reached at the logout")
def test_a_vendor_that_cannot_be_reached_has_nobody_once_it_can(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    before = _chat(visit)
    visit.net.down |= {HOSTS[vendor], API_HOSTS[vendor]}
    visit.page.click("[data-livechat-logout]")
    visit.page.wait_for_url(SITE + "/")
    visit.until("window.livechat && livechat.state === 'failed'")
    visit.net.down.clear()
    visit.go("/other")
    _is_nobody(visit, before)


def _leave_and_come_back(visit: Visit, path: str) -> None:
    """By the browser's own back button."""
    visit.page.add_init_script("addEventListener('pageshow', (event) => { window.__restored = event.persisted; });")
    here = visit.page.url
    visit.get("addEventListener('pageshow', (event) => { window.__restored = event.persisted; })")
    visit.go(path)
    visit.get("void setTimeout(() => history.back())")  # not before this answer is here
    visit.eventually(lambda: visit.page.url == here)
    visit.until("window.livechat")


@pytest.mark.parametrize("how", ["somebody else logged in", "the session was over"])
def test_a_tab_that_has_not_started_leaves_the_chat_of_another_tab_alone(
    site: Site, open_visit: Any, vendor: str, how: str
) -> None:
    site(vendor, LOAD="manual")
    one = open_visit()
    one.go("/login/1")
    if how == "the session was over":
        one.page.context.clear_cookies(name="session")
    two = open_visit.tab(one.page.context)
    two.go("/login/2" if how == "somebody else logged in" else "/")
    two.page.click("#opener")
    two.ready()
    two.page.wait_for_timeout(600)
    assert two.get("livechat.state") == "ready"
    two.until("__livechat_sandbox.open")


def test_a_logout_while_it_is_asked_who_it_is_is_not_lost(site: Site, open_visit: Any, vendor: str) -> None:
    """The server's answer is about somebody who logs out before it has arrived."""
    app = site(vendor, LOAD="manual", IDENTITY_DELIVERY="fetch")
    asked, go_on = Event(), Event()
    first = [True]

    @app.after_request
    def slow(response: Any) -> Any:
        if request.path == "/livechat/identity" and first.pop():
            first.append(False)
            asked.set()
            go_on.wait(5)
        return response

    two = open_visit()
    two.go("/login/1")
    two.get("livechat.open(); 0")
    two.eventually(asked.is_set)
    one = open_visit.tab(two.page.context)
    one.go("/plain")
    one.get("fetch('/logout', {method: 'POST'}).then(() => 0)")
    go_on.set()
    two.ready()
    two.page.wait_for_timeout(300)
    assert "visitor1" not in str(two.desk())
    assert not two.snapshot()["identity"]["verified"]

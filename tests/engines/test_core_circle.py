"""The core circle in each engine and for each vendor. What an engine does in its own way is expected as such."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..browser.network import API_HOSTS, HOSTS, VENDORS
from .engine import EngineTab

TURBO = Path(__file__).parent.parent / "js/node_modules/@hotwired/turbo/dist/turbo.es2017-umd.js"
Site = Callable[..., Any]
Act = Callable[[EngineTab], object]

every_vendor = pytest.mark.parametrize("vendor", VENDORS)
path = pytest.mark.path

WIDGET = "document.querySelector('[id^=livechat-sandbox-]')"
# Looks at every frame that is painted: a state that says "ready" for a widget that is not there is a lie.
WATCH = f"""(() => {{
  window.__lies = 0;
  (function look() {{
    if (livechat.state === "ready" && !{WIDGET}) window.__lies += 1;
    requestAnimationFrame(look);
  }})();
  {WIDGET}.before_the_swap = true;
}})()"""
# By hand, as an app may do it: no event says that a page is about to be swapped.
SWAP = """fetch("/other").then((answer) => answer.text()).then((text) => {
  const { body } = new DOMParser().parseFromString(text, "text/html");
  document.body.replaceWith(document.importNode(body, true));
})"""
# In a task of the page's own: WebKit tells no observer of what its driver changes until another one runs.
EMPTY = """new Promise((done) => setTimeout(() => done(document.body.replaceChildren(
  ...document.querySelectorAll("#opener, script#livechat, script#livechat + script")))))"""
PRESENT = {
    "moveBefore": "'moveBefore' in Element.prototype",
    "requestIdleCallback": "typeof requestIdleCallback === 'function'",
    "navigator.connection": "!!navigator.connection",
    "document.prerendering": "'prerendering' in document",
    "cookieStore": "!!window.cookieStore",
    "trustedTypes": "!!window.trustedTypes",
    "popover": "'showPopover' in HTMLElement.prototype",
}


def _chat(tab: EngineTab) -> str:
    """Log in, be verified, and get an answer that nobody else may see. Returns the session that held it."""
    tab.go("/login/1")
    tab.ready()
    tab.until("__livechat_sandbox.identity.verified")
    tab.reply("a secret for visitor 1")
    tab.until("__livechat_sandbox.messages.length === 1")
    return str(tab.snapshot()["session"])


def _is_nobody(tab: EngineTab, before: str) -> None:
    tab.ready()
    tab.until("__livechat_sandbox.session")
    tab.pause(0.3)
    snapshot = tab.snapshot()
    assert snapshot["identity"]["state"] == "anonymous"
    assert snapshot["messages"] == []
    assert snapshot["session"] != before
    assert before not in tab.stored()


def _scripts(tab: EngineTab, vendor: str) -> list[str]:
    return [line for line in tab.net.asked(vendor) if "/sandbox/" not in line]


def _kept(tab: EngineTab) -> Any:
    """Names of what is stored in this browser and readable by scripts."""
    return tab.get(
        "[...Object.keys(localStorage), ...Object.keys(sessionStorage),"
        " ...document.cookie.split('; ').filter(Boolean).map((pair) => pair.split('=')[0])]"
    )


def _opens(tab: EngineTab) -> None:
    tab.click("#opener")
    tab.until("window.__livechat_sandbox && __livechat_sandbox.open", 12)


def test_an_engine_lacks_what_is_written_down_and_no_more(site: Site, tab: EngineTab) -> None:
    site("crisp", LOAD="off")
    tab.go()
    assert {name for name, present in PRESENT.items() if not tab.get(present)} == tab.lacks


# The moment.


@pytest.mark.parametrize("load", ["eager", "idle", "delay:1"])
@every_vendor
def test_an_automatic_strategy_starts_the_vendor_once(site: Site, tab: EngineTab, vendor: str, load: str) -> None:
    site(vendor, LOAD=load)
    tab.go()
    tab.ready()
    assert len(_scripts(tab, vendor)) == 1


@pytest.mark.parametrize(
    ("load", "act"),
    [
        ("scroll", lambda tab: tab.scroll(400)),
        ("interaction", lambda tab: tab.move(50, 50)),
        ("visible:#help", lambda tab: tab.get("document.querySelector('#help').scrollIntoView()")),
        ("intent", lambda tab: tab.click("#opener")),
        ("manual", lambda tab: tab.click("#opener")),
    ],
    ids=["scroll", "interaction", "visible", "intent", "manual"],
)
@every_vendor
def test_nothing_is_asked_of_the_vendor_before_its_moment(
    site: Site, tab: EngineTab, vendor: str, load: str, act: Act
) -> None:
    site(vendor, LOAD=load, extra="<br>" * 300 + '<p id="help">Help</p>')
    tab.go()
    tab.pause(0.4)
    assert _scripts(tab, vendor) == []
    act(tab)
    tab.ready()
    assert len(_scripts(tab, vendor)) == 1


# A click opens once, never zero or two times.


@pytest.mark.parametrize("load", ["idle", "manual"])
@every_vendor
def test_clicks_before_the_vendor_is_there_open_once(site: Site, tab: EngineTab, vendor: str, load: str) -> None:
    site(vendor, LOAD=load)
    tab.net.gate.clear()
    tab.go()
    tab.until(f"livechat.state === '{'loading' if load == 'idle' else 'waiting'}'")
    tab.click("#opener")
    tab.click("#opener")
    tab.net.gate.set()
    tab.until("window.__livechat_sandbox && __livechat_sandbox.opened")
    tab.pause(0.4)
    assert tab.snapshot()["opened"] == 1
    assert [name for name, _ in tab.events()].count("open") == 1
    assert tab.path == "/"


@every_vendor
def test_a_click_after_loading_opens_once(site: Site, tab: EngineTab, vendor: str) -> None:
    site(vendor, LOAD="eager")
    tab.go()
    tab.ready()
    tab.click("#opener")
    tab.until("__livechat_sandbox.open")
    tab.pause(0.2)
    assert tab.snapshot()["opened"] == 1


# Who it is.


@pytest.mark.parametrize("delivery", ["inline", "fetch"])
@every_vendor
def test_a_visitor_is_verified_by_the_vendor(site: Site, tab: EngineTab, vendor: str, delivery: str) -> None:
    site(vendor, LOAD="eager", IDENTITY_DELIVERY=delivery)
    tab.go("/login/1")
    tab.ready()
    tab.until("__livechat_sandbox.identity.verified && __livechat_sandbox.identity.name")
    identity = tab.snapshot()["identity"]
    assert (identity["email"], identity["name"]) == ("visitor1@example.com", "First Visitor")


# Whose chat it is afterwards.


@path("a redirect to a page with chat")
@every_vendor
def test_a_logout_by_redirect_ends_the_chat(site: Site, tab: EngineTab, vendor: str) -> None:
    site(vendor, LOAD="eager")
    before = _chat(tab)
    tab.go("/logout")
    _is_nobody(tab, before)


@path("a static page without the loader, then one with it")
@every_vendor
def test_a_logout_over_a_static_page_ends_the_chat_on_the_page_after(site: Site, tab: EngineTab, vendor: str) -> None:
    site(vendor, LOAD="eager")
    before = _chat(tab)
    tab.go("/logout?next=/plain")
    tab.go("/other")
    _is_nobody(tab, before)


@path("a logout in another tab, with the panel open in this one")
@pytest.mark.parametrize("landing", ["/", "/plain"])
@every_vendor
def test_a_logout_in_another_tab_ends_the_open_chat(site: Site, tab: EngineTab, vendor: str, landing: str) -> None:
    site(vendor, LOAD="eager")
    before = _chat(tab)
    _opens(tab)
    other = tab.another()
    other.go(f"/logout?next={landing}")
    tab.until("livechat.state === 'ended'")
    tab.until(f"!__livechat_sandbox.visible || __livechat_sandbox.session !== '{before}'")
    tab.is_over()
    other.front()
    other.go("/other")
    _is_nobody(other, before)


@path("back to a page in the back/forward cache")
@every_vendor
def test_back_to_a_page_of_before_the_logout_has_nobodys_chat(site: Site, tab: EngineTab, vendor: str) -> None:
    """Out of the back/forward cache where the engine keeps a page whose vendor is connected, else anew."""
    site(vendor, LOAD="eager")
    before = _chat(tab)
    _opens(tab)
    tab.go("/logout?next=/plain")
    tab.back()
    tab.until("typeof __restored === 'boolean' && window.livechat")
    assert tab.get("__restored") is tab.keeps_busy_pages
    if tab.keeps_busy_pages:
        tab.until("livechat.state === 'ended'")
        tab.until(f"!__livechat_sandbox.visible || __livechat_sandbox.session !== '{before}'")
        tab.is_over()
        assert before not in tab.stored()
    else:
        _is_nobody(tab, before)


@path("back to a page in the back/forward cache")
@every_vendor
def test_back_to_a_page_that_had_not_started_starts_nobody(site: Site, tab: EngineTab, vendor: str) -> None:
    """Every engine keeps this one in its back/forward cache."""
    site(vendor, LOAD="manual")
    tab.go("/login/1")
    tab.go("/logout?next=/plain")
    tab.back()
    tab.until("typeof __restored === 'boolean' && window.livechat")
    assert tab.get("__restored") is True
    _opens(tab)
    assert tab.snapshot()["identity"]["state"] == "anonymous"


# The vendor is down.


@pytest.mark.parametrize("load", ["eager", "manual"])
@every_vendor
def test_a_vendor_that_is_down_leads_to_the_fallback(site: Site, tab: EngineTab, vendor: str, load: str) -> None:
    site(vendor, LOAD=load, FALLBACK_URL="/contact")
    tab.net.down |= {HOSTS[vendor], API_HOSTS[vendor]}
    tab.go()
    if load == "eager":
        tab.until("livechat.state === 'failed'")
        assert tab.events()[-1][0] == "failed"
    tab.click("#opener")
    tab.eventually(lambda: tab.path == "/contact")
    tab.net.down.clear()
    tab.go()
    _opens(tab)


# Consent.


@every_vendor
def test_nothing_is_asked_or_kept_before_a_yes_and_after_a_no(site: Site, tab: EngineTab, vendor: str) -> None:
    site(vendor, LOAD="eager", CONSENT="required")
    tab.go("/login/1")
    tab.pause(0.4)
    assert (_scripts(tab, vendor), _kept(tab)) == ([], [])
    tab.get("livechat.consent(true)")
    tab.ready()
    tab.until("__livechat_sandbox.identity.verified")
    tab.get("livechat.consent(false)")
    tab.until("livechat.state === 'ended'")
    tab.eventually(lambda: _kept(tab) == [])
    tab.is_over()
    tab.pause(1)
    assert _kept(tab) == []
    tab.net.log.clear()
    tab.go("/other")
    tab.pause(0.4)
    assert (_scripts(tab, vendor), _kept(tab)) == ([], [])


# A swapped page.


def _goes_on(tab: EngineTab, session: str) -> None:
    """The widget is in the document, with the conversation of before, and a launcher opens it."""
    tab.pause(0.3)
    tab.until(f"livechat.state === 'ready' && !!{WIDGET}")
    tab.until("__livechat_sandbox.session")
    assert tab.snapshot()["session"] == session
    _opens(tab)
    assert tab.get("document.querySelectorAll('[id^=livechat-sandbox-]').length") == 1
    assert tab.get("__lies") == 0


def _started(tab: EngineTab) -> str:
    tab.go()
    tab.ready()
    tab.until("__livechat_sandbox.session")
    tab.get(WATCH)
    return str(tab.snapshot()["session"])


@pytest.mark.parametrize("how", [SWAP, EMPTY], ids=["a body replaced", "a body emptied"])
@every_vendor
def test_a_launcher_opens_the_chat_after_a_body(site: Site, tab: EngineTab, vendor: str, how: str) -> None:
    site(vendor, LOAD="eager")
    session = _started(tab)
    tab.get(how)
    _goes_on(tab, session)


@pytest.fixture
def turbo(site: Site) -> Site:
    """The site with links that Turbo follows, and one that leads to ``/other``."""
    if not TURBO.exists():
        missing = "Turbo is missing; `make js` installs it where npm is."
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    source = TURBO.read_text("utf-8")

    def make(vendor: str) -> None:
        link = '<a id="to-other" href="/other">Other</a>'
        app = site(vendor, LOAD="eager", head='<script src="/turbo.js"></script>', extra=link)
        app.add_url_rule("/turbo.js", "turbo", lambda: (source, {"Content-Type": "text/javascript"}))

        @app.after_request
        def policy(response: Any) -> Any:
            response.headers["Content-Security-Policy"] = "default-src 'self'; style-src 'self' 'unsafe-inline'"
            return response

    return make


@every_vendor
def test_a_visit_of_turbo_keeps_the_conversation(turbo: Site, tab: EngineTab, vendor: str) -> None:
    """Where elements can be moved without loss it is the very widget of before, else it is started again."""
    turbo(vendor)
    session = _started(tab)
    tab.click("#to-other")
    tab.until("location.pathname === '/other' && !document.documentElement.hasAttribute('aria-busy')")
    _goes_on(tab, session)
    # Crisp's has no frame, which would be lost, and Intercom's own loader leaves with a visit of Turbo's.
    stays = {"crisp": True, "tawk": "moveBefore" not in tab.lacks, "intercom": False}
    assert tab.get(f"!!{WIDGET}.before_the_swap") is stays[vendor]


@every_vendor
def test_a_click_while_a_widget_comes_back_opens_it_once(turbo: Site, tab: EngineTab, vendor: str) -> None:
    """After a visit of Turbo's the vendor's script may take its time: until then nothing says that it is ready."""
    turbo(vendor)
    session = _started(tab)
    tab.net.gate.clear()
    tab.click("#to-other")
    tab.until("location.pathname === '/other' && !document.documentElement.hasAttribute('aria-busy')")
    tab.pause(0.3)
    assert tab.get(f"livechat.state === 'ready' && !{WIDGET}") is False
    tab.click("#opener")
    tab.net.gate.set()
    tab.until("livechat.state === 'ready' && window.__livechat_sandbox?.open", 12)
    tab.pause(0.3)
    assert (tab.snapshot()["session"], tab.snapshot()["opened"]) == (session, 1)
    assert tab.get("__lies") == 0

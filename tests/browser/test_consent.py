"""Nothing before a yes, and nothing left after a no: asked of the network, the storage and the vendor's stand-in."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from flask import request

from .conftest import SITE, VALUES, VENDORS, Visit, composer

every_vendor = pytest.mark.parametrize("vendor", VENDORS)
one_vendor = pytest.mark.parametrize("vendor", ["crisp"])  # where it is about what no vendor has a part in
Site = Callable[..., Any]
GPC = "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})"


def _left(visit: Visit) -> list[Any]:
    """What is stored in this browser, but for the site's own cookies."""
    cookies = [each["name"] for each in visit.page.context.cookies() if each["name"] not in ("session", "cmp")]
    return cookies + list(visit.get("[...Object.keys(localStorage), ...Object.keys(sessionStorage)]"))


def _asked(visit: Visit, vendor: str) -> list[str]:
    """Scripts that were asked of the vendor. Not its API: a page of the test before may still say goodbye there."""
    return [line for line in visit.net.asked(vendor) if "/sandbox/" not in line]


def _nothing(visit: Visit, vendor: str, pause: int = 400) -> None:
    """Nothing was asked of the vendor and nothing stored, though there was time to."""
    visit.page.wait_for_timeout(pause)
    assert _asked(visit, vendor) == []
    assert _left(visit) == []


def _opens(visit: Visit) -> None:
    """Also over a reload: there a vendor's stand-in is gone for a moment."""
    visit.until("window.__livechat_sandbox && __livechat_sandbox.open", 12)


def _own_button(visit: Visit) -> Any:
    return visit.page.get_by_role("button", name="Chat with us")


def _note(visit: Visit) -> Any:
    return visit.page.get_by_role("status")


# Before a yes.


@pytest.mark.parametrize("load", ["eager", "idle", "intent"])
@pytest.mark.parametrize("mode", ["required", "click"])
@every_vendor
def test_nothing_is_asked_or_stored_before_consent(site: Site, visit: Visit, vendor: str, mode: str, load: str) -> None:
    site(vendor, LOAD=load, CONSENT=mode)
    visit.go()
    visit.page.hover("#opener")
    visit.page.focus("#opener")
    visit.page.mouse.wheel(0, 300)
    _nothing(visit, vendor)
    assert not [line for line in visit.net.log if f"{vendor}-session" in line]


@pytest.mark.parametrize("mode", ["required", "click"])
@one_vendor
def test_an_event_is_kept_in_the_page_until_consent(site: Site, visit: Visit, vendor: str, mode: str) -> None:
    app = site(vendor, LOAD="eager", CONSENT=mode)
    app.add_url_rule("/buy", view_func=lambda: app.extensions["livechat"].livechat.track("bought") or "bought")
    visit.go("/buy")
    visit.go("/")
    assert _left(visit) == []
    visit.get("livechat.consent(true)")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.events.some((event) => event.name === 'bought')")


@one_vendor
def test_a_page_that_calls_before_consent_stores_nothing(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", CONSENT="required", FALLBACK_URL=None)
    visit.go()
    visit.get("livechat.track('seen'); livechat.update({plan: 'pro'}); livechat.open('Hello'); 0")
    _nothing(visit, vendor)


# A yes.


@every_vendor
def test_consent_starts_by_the_pages_strategy(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", CONSENT="required")
    visit.go()
    visit.get("livechat.consent(true)")
    visit.ready()


@pytest.mark.parametrize("load", ["intent", "manual", "scroll"])
@one_vendor
def test_consent_alone_does_not_start_what_waits_for_more(site: Site, visit: Visit, vendor: str, load: str) -> None:
    site(vendor, LOAD=load, CONSENT="required", extra="<br>" * 300)
    visit.go()
    visit.get("livechat.consent(true)")
    visit.page.wait_for_timeout(300)
    assert _asked(visit, vendor) == []
    {
        "intent": lambda: visit.page.click("#opener"),
        "manual": lambda: visit.page.click("#opener"),
        "scroll": lambda: visit.page.mouse.wheel(0, 300),
    }[load]()
    visit.ready()


@one_vendor
def test_the_event_of_a_consent_manager_gives_and_withdraws(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", CONSENT="required")
    visit.go()
    say = "document.dispatchEvent(new CustomEvent('livechat:consent', {{detail: {}}}))"
    for no in ("undefined", "'false'", "1", "{given: true}"):
        visit.get(say.format(no))
    _nothing(visit, vendor, 200)
    visit.get(say.format("true"))
    visit.ready()
    visit.get(say.format("false"))
    visit.until("livechat.state === 'ended'")
    visit.eventually(lambda: not _left(visit))


@one_vendor
def test_a_click_is_the_consent_under_click(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", CONSENT="click")
    visit.go()
    visit.page.click("#opener")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.opened === 1")
    visit.go("/other")
    visit.ready()


@one_vendor
def test_our_own_button_asks_for_the_click(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", CONSENT="click")
    visit.go()
    _own_button(visit).click()
    _opens(visit)


# A no.


@pytest.mark.parametrize("mode", ["required", "click", "implied"])
@every_vendor
def test_nothing_is_left_after_a_withdrawal(site: Site, visit: Visit, vendor: str, mode: str) -> None:
    site(vendor, LOAD="eager", CONSENT=mode)
    visit.go("/login/1")
    visit.get("livechat.consent(true)")
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified")
    visit.get("livechat.consent(false)")
    visit.until("livechat.state === 'ended'")
    visit.eventually(lambda: not _left(visit))
    visit.is_over()
    visit.page.wait_for_timeout(1500)
    assert _left(visit) == []
    if mode == "implied":
        return  # the next page is a new yes
    visit.net.log.clear()
    visit.go("/other")
    _nothing(visit, vendor)


@every_vendor
def test_nothing_is_left_after_a_withdrawal_while_the_vendor_was_loading(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", CONSENT="required")
    visit.net.delay = 0.5
    visit.go("/login/1")
    visit.get("livechat.consent(true)")
    visit.eventually(lambda: _asked(visit, vendor))
    visit.get("livechat.consent(false)")
    assert visit.get("livechat.state") == "ended"
    visit.until("window.__livechat_sandbox")
    visit.page.wait_for_timeout(1500)
    assert _left(visit) == []
    assert visit.snapshot()["identity"]["state"] == "anonymous"
    visit.net.log.clear()
    visit.go("/other")
    _nothing(visit, vendor)


@one_vendor
def test_a_withdrawal_while_our_second_file_was_loading_keeps_the_vendor_out(
    site: Site, visit: Visit, vendor: str
) -> None:
    app = site(vendor, LOAD="eager", CONSENT="required")
    asked, go_on = Event(), Event()

    @app.before_request
    def slow() -> None:
        if f"{vendor}-session" in request.path:
            asked.set()
            go_on.wait(5)

    visit.go()
    visit.get("livechat.consent(true)")
    visit.eventually(asked.is_set)
    visit.get("livechat.consent(false)")
    with visit.page.expect_event("requestfinished", lambda asked: f"{vendor}-session" in asked.url):
        go_on.set()
    _nothing(visit, vendor)
    assert visit.get("livechat.state") == "waiting"
    visit.get("livechat.consent(true)")
    visit.ready()


@pytest.mark.parametrize("mode", ["required", "click"])
@every_vendor
def test_a_yes_after_a_no_works(site: Site, visit: Visit, vendor: str, mode: str) -> None:
    site(vendor, LOAD="eager", CONSENT=mode)
    visit.go()
    visit.get("livechat.consent(true)")
    visit.ready()
    visit.get("livechat.consent(false)")
    visit.until("livechat.state === 'ended'")
    visit.eventually(lambda: not _left(visit))
    if mode == "required":
        visit.get("livechat.consent(true)")
    visit.page.click("#opener")
    _opens(visit)
    session = visit.snapshot()["session"]
    visit.go("/other")
    visit.ready()
    visit.until("__livechat_sandbox.session")
    assert visit.snapshot()["session"] == session  # the earlier no does not sweep what the yes began


@one_vendor
def test_a_yes_after_a_no_shows_a_launcher_again(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", CONSENT="required")
    visit.go()
    visit.get("livechat.consent(true)")
    visit.ready()
    visit.get("livechat.consent(false)")
    visit.until("livechat.state === 'ended'")
    assert _own_button(visit).count() == 0
    visit.eventually(lambda: not _left(visit))
    visit.get("livechat.consent(true)")
    # Tawk.to cannot begin anew in the same page: until somebody asks for it, our own button stands in.
    visit.eventually(lambda: visit.snapshot()["launcher"] or _own_button(visit).count())
    visit.until("livechat.state === 'ready'" if vendor != "tawk" else "livechat.state === 'ended'")


# The choice is the browser's, not the page's.


@one_vendor
def test_the_choice_is_remembered_on_the_next_page(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", CONSENT="required")
    visit.go()
    visit.get("livechat.consent(true)")
    visit.ready()
    visit.go("/other")
    visit.ready()


@one_vendor
def test_the_choice_is_remembered_although_the_vendor_never_started(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual", CONSENT="required")
    visit.go()
    visit.get("livechat.consent(true)")
    visit.go("/other")
    visit.page.click("#opener")
    _opens(visit)


@every_vendor
def test_another_open_tab_follows(site: Site, open_visit: Any, vendor: str) -> None:
    site(vendor, LOAD="eager", CONSENT="required")
    one = open_visit()
    other = open_visit.tab(one.page.context)
    one.go()
    other.go("/other")
    one.get("livechat.consent(true)")
    one.ready()
    other.ready()
    other.get("livechat.consent(false)")
    for tab in (other, one):
        tab.until("livechat.state === 'ended'")
    one.page.wait_for_timeout(1000)  # a vendor may write once more after its end
    one.eventually(lambda: not _left(one))
    one.page.wait_for_timeout(400)
    assert _left(one) == []
    one.net.log.clear()
    for tab in (other, one):
        tab.go()
    _nothing(one, vendor)


@one_vendor
def test_a_no_in_another_tab_counts_where_no_chat_has_started(site: Site, open_visit: Any, vendor: str) -> None:
    site(vendor, LOAD="manual", CONSENT="required")
    tab = open_visit()
    other = open_visit.tab(tab.page.context)
    tab.go()
    other.go("/other")
    tab.get("livechat.consent(true)")
    other.get("livechat.consent(false)")
    tab.get("livechat.open(); 0")
    assert _note(tab).inner_text() == "Chat needs your consent first."
    _nothing(tab, vendor)


# Global Privacy Control.


@one_vendor
def test_privacy_control_is_a_no_where_consent_is_required(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", CONSENT="required")
    said: list[str] = []
    visit.page.on("console", lambda message: said.append(message.text))
    visit.page.add_init_script(GPC)
    visit.go("/plain")
    visit.get(f"localStorage.setItem('livechat.{vendor}.consent', 'yes')")  # from before it was switched on
    visit.go()
    assert _left(visit) == []
    for _ in range(2):
        visit.get("livechat.consent(true)")
    _nothing(visit, vendor)
    assert len([text for text in said if "Global Privacy Control" in text]) == 1
    visit.go("/other")
    _nothing(visit, vendor)


@one_vendor
def test_under_privacy_control_a_click_is_still_a_consent(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", CONSENT="click")
    visit.page.add_init_script(GPC)
    visit.go()
    _nothing(visit, vendor)
    visit.page.click("#opener")
    _opens(visit)
    visit.go("/other")
    visit.ready()  # it is remembered


@one_vendor
def test_privacy_control_changes_nothing_where_consent_is_implied(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    visit.page.add_init_script(GPC)
    visit.go()
    visit.ready()


# A consent manager on the server.


def _answer(visit: Visit, cmp: str) -> None:
    visit.page.context.add_cookies([{"name": "cmp", "value": cmp, "url": SITE}])


@every_vendor
def test_the_servers_word_counts(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", CONSENT=lambda: request.cookies.get("cmp") == "yes")
    visit.go()
    _nothing(visit, vendor)
    _answer(visit, "yes")
    visit.go()
    visit.ready()
    visit.until("__livechat_sandbox.session")


@every_vendor
def test_a_no_that_comes_with_a_swapped_page_ends_the_chat(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", CONSENT=lambda: request.cookies.get("cmp") == "yes")
    _answer(visit, "yes")
    visit.go("/login/1")
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified")
    _answer(visit, "no")
    visit.get("""(async () => {
      const page = new DOMParser().parseFromString(await (await fetch("/other")).text(), "text/html");
      const block = "script#livechat";
      document.querySelector(block).replaceWith(document.importNode(page.querySelector(block), true));
    })()""")
    visit.until("livechat.state === 'ended'")
    visit.is_over()


@one_vendor
def test_what_the_browser_remembers_does_not_outdo_the_servers_no(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", CONSENT=lambda: request.cookies.get("cmp") == "yes")
    _answer(visit, "yes")
    visit.go()
    visit.get("livechat.consent(true)")
    visit.ready()
    visit.until("__livechat_sandbox.session")
    assert [key for key in _left(visit) if key.startswith(f"livechat/livechat/{vendor}.") and key.endswith(".consent")]
    assert visit.get("document.cookie") != "cmp=yes"
    _answer(visit, "no")
    said: list[str] = []
    visit.page.on("console", lambda message: said.append(message.text))
    visit.page.goto("about:blank")  # what the page before asks while it goes is over
    visit.net.log.clear()
    visit.go()
    assert _left(visit) == []
    visit.get("livechat.consent(true)")
    _nothing(visit, vendor)
    assert len([text for text in said if "consent is refused" in text]) == 1


# Launchers without consent.


@one_vendor
def test_without_consent_a_launcher_leads_to_the_fallback(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", CONSENT="required", LAUNCHER="own", FALLBACK_URL="/contact")
    visit.go()
    _own_button(visit).click()
    visit.page.wait_for_url("**/contact")
    visit.go()
    visit.page.click("#opener")
    visit.page.wait_for_url("**/contact")
    assert _asked(visit, vendor) == []


@pytest.mark.parametrize("launcher", ["own", "pages"])
@one_vendor
def test_without_consent_and_fallback_a_note_says_what_is_missing(
    site: Site, visit: Visit, vendor: str, launcher: str
) -> None:
    looks = {"LAUNCHER": "own"} if launcher == "own" else {}
    site(vendor, LOAD="eager", CONSENT="required", extra='<button id="ask" data-livechat-open>Ask</button>', **looks)
    visit.go()
    assert _own_button(visit).count() == (launcher == "own")
    if launcher == "own":
        _own_button(visit).click()
    else:
        visit.page.click("#ask")
    assert _note(visit).inner_text().startswith("Chat needs your consent first.")
    _nothing(visit, vendor)
    visit.get("livechat.consent(true)")
    visit.ready()
    assert _note(visit).count() == 0
    visit.page.click("#ask")
    _opens(visit)


@pytest.mark.parametrize("launcher", ["own", "pages"])
@every_vendor
def test_the_note_offers_to_give_the_consent_and_then_the_chat_opens(
    site: Site, visit: Visit, vendor: str, launcher: str
) -> None:
    looks = {"LAUNCHER": "own"} if launcher == "own" else {}
    ask = '<button id="ask" data-livechat-open data-livechat-message="About order 7">Ask</button>'
    site(vendor, LOAD="manual", CONSENT="required", extra=ask, **looks)
    visit.go()
    visit.get("document.addEventListener('livechat:consent', ({ detail }) => { window.given = detail; })")
    (_own_button(visit) if launcher == "own" else visit.page.locator("#ask")).click()
    _nothing(visit, vendor)
    _note(visit).get_by_role("button", name="Allow chat").click()
    _opens(visit)
    assert visit.get("given") is True
    assert visit.get("__livechat_sandbox.opened") == 1
    if launcher == "pages" and vendor != "tawk":  # which takes no prefilled message
        visit.until(f"{composer(vendor)} === 'About order 7'")
    assert any(name.endswith(".consent") for name in _left(visit))


@pytest.mark.parametrize("who", ["page", "browser", "server"])
@one_vendor
def test_a_no_stays_a_no_and_is_not_asked_for_again(site: Site, visit: Visit, vendor: str, who: str) -> None:
    site(vendor, LOAD="manual", CONSENT=(lambda: False) if who == "server" else "required", LAUNCHER="own")
    if who == "browser":
        visit.page.add_init_script(GPC)
    visit.go()
    if who == "page":
        visit.get("livechat.consent(false)")
    _own_button(visit).click()
    assert _note(visit).inner_text() == "Chat needs your consent first."
    assert _note(visit).get_by_role("button").count() == 0
    visit.get("livechat.open(); 0")
    visit.page.wait_for_timeout(300)
    _nothing(visit, vendor)


def test_a_no_goes_for_every_vendor_of_the_site(site: Site, visit: Visit) -> None:
    rules = [{"path": "/other", "provider": "intercom"}]
    site("crisp", LOAD="eager", CONSENT="required", RULES=rules, INTERCOM_APP_ID=VALUES["intercom"]["APP_ID"])
    for path in ("/", "/other"):
        visit.go(path)
        visit.get("livechat.consent(true)")
        visit.ready()
    visit.go("/")
    visit.ready()
    visit.get("livechat.consent(false)")
    visit.net.log.clear()
    visit.go("/other")
    visit.page.wait_for_timeout(500)
    assert [line for line in visit.net.asked("intercom") if "/sandbox/" not in line] == []
    assert _left(visit) == []

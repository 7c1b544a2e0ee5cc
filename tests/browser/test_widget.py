"""The loader in a real browser, for each vendor: its moment, identity, launchers, failure, forgery."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import HOSTS, SITE, VENDORS, Visit

pytestmark = pytest.mark.parametrize("vendor", VENDORS)
Site = Callable[..., Any]


def _quiet(visit: Visit, vendor: str, pause: int = 700) -> None:
    """Nothing was asked of the vendor, though there was time to."""
    visit.page.wait_for_timeout(pause)
    # What the stand-in's own script sends is not looked at: a last word of the visit before may come late.
    asked = [line for line in visit.net.asked(vendor) if "/sandbox/" not in line]
    assert asked == [], visit.get("[livechat.state, __input, document.querySelectorAll('[rel=preload]').length]")


# Identity.


def test_a_logged_in_visitor_is_verified_by_the_vendor(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    visit.go("/login/1")
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified && __livechat_sandbox.identity.name")  # Crisp hears of both apart
    identity = visit.snapshot()["identity"]
    assert (identity["email"], identity["name"]) == ("visitor1@example.com", "First Visitor")
    visit.eventually(lambda: {"pro", "/"} <= set(visit.desk()["attributes"].values()))  # theirs, and the page's


def test_an_anonymous_visitor_chats_as_nobody(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    visit.go()
    visit.ready()
    assert visit.snapshot()["identity"]["state"] == "anonymous"


def test_fetch_delivery_identifies_from_a_page_that_holds_nothing_personal(
    site: Site, visit: Visit, vendor: str
) -> None:
    site(vendor, LOAD="eager", IDENTITY_DELIVERY="fetch")
    visit.go("/login/1")
    assert "visitor1" not in visit.page.content()
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified")
    assert "www.site.test/livechat/identity" in visit.net.log


def test_hmac_identifies_with_intercom_too(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", **({"INTERCOM_IDENTITY": "hmac"} if vendor == "intercom" else {}))
    visit.go("/login/1")
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified")


def test_a_wrong_secret_is_not_verified(site: Site, visit: Visit, vendor: str) -> None:
    key = {"tawk": "TAWK_JS_API_KEY", "crisp": "CRISP_IDENTITY_SECRET", "intercom": "INTERCOM_IDENTITY_SECRET"}[vendor]
    site(vendor, LOAD="eager", **{key: "f" * 40})
    visit.go("/login/1")
    # Crisp takes any email, and marks it as verified or not; the others refuse.
    visit.until(f"livechat.state === '{'ready' if vendor == 'crisp' else 'failed'}'")
    visit.page.wait_for_timeout(500)
    assert not visit.snapshot()["identity"]["verified"]


# The moment.


@pytest.mark.parametrize("load", ["manual", "intent", "scroll", "interaction", "delay:5", "visible:#help", "off"])
def test_nothing_is_asked_of_the_vendor_before_its_moment(site: Site, visit: Visit, vendor: str, load: str) -> None:
    site(vendor, LOAD=load, extra="<br>" * 300 + '<p id="help">Help</p>')
    visit.go()
    _quiet(visit, vendor)


def test_eager_asks_at_once(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    visit.go()
    visit.ready()


def test_idle_asks_after_the_load_event(site: Site, visit: Visit, vendor: str) -> None:
    app = site(vendor, LOAD="idle", extra='<img src="/slow.png" alt="">')

    @app.get("/slow.png")
    def slow() -> Any:
        time.sleep(0.8)
        visit.net.log.append("slow.png is answered")
        return b"", 200, {"Content-Type": "image/png"}

    visit.go()
    visit.ready()
    log = visit.net.log
    first = next(n for n, line in enumerate(log) if line in visit.net.asked(vendor))
    assert log.index("slow.png is answered") < first


def test_delay_asks_after_its_seconds(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="delay:1")
    visit.go()
    _quiet(visit, vendor, 500)
    visit.ready()


def test_scroll_asks_at_the_first_scroll(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="scroll", extra="<br>" * 300)
    visit.go()
    visit.page.mouse.move(10, 10)
    _quiet(visit, vendor, 300)
    visit.page.mouse.wheel(0, 400)
    visit.ready()


@pytest.mark.parametrize("act", ["mouse", "key", "scroll"])
def test_interaction_asks_at_the_first_sign_of_life(site: Site, visit: Visit, vendor: str, act: str) -> None:
    site(vendor, LOAD="interaction", extra="<br>" * 300)
    visit.go()
    {
        "mouse": lambda: visit.page.mouse.move(50, 50),
        "key": lambda: visit.page.keyboard.press("Tab"),
        "scroll": lambda: visit.page.mouse.wheel(0, 300),
    }[act]()
    visit.ready()


def test_visible_asks_when_the_element_comes_near(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="visible:#help", extra="<br>" * 300 + '<p id="help">Help</p>')
    visit.go()
    _quiet(visit, vendor, 400)
    visit.page.locator("#help").scroll_into_view_if_needed()
    visit.ready()


@pytest.mark.parametrize("act", ["focus", "hover", "press"])
def test_intent_fetches_for_a_focused_launcher_and_runs_for_one_that_is_hovered_or_pressed(
    site: Site, visit: Visit, vendor: str, act: str
) -> None:
    site(vendor, LOAD="intent")
    visit.go()
    _quiet(visit, vendor, 300)
    {
        "focus": lambda: visit.page.focus("#opener"),
        "hover": lambda: visit.page.hover("#opener"),
        "press": lambda: visit.page.dispatch_event("#opener", "pointerdown", {"buttons": 1}),
    }[act]()
    visit.eventually(lambda: visit.net.asked(vendor))
    if act == "focus":
        visit.page.wait_for_timeout(300)
        assert visit.get("window.__livechat_sandbox === undefined && livechat.state === 'waiting'")
    else:
        visit.ready()
        assert visit.get("__livechat_sandbox.opened") == 0
    visit.page.click("#opener")
    visit.until("window.__livechat_sandbox?.opened === 1")
    assert len([line for line in visit.net.asked(vendor) if "/sandbox/" not in line]) == 1  # once for both


def test_intent_runs_nothing_for_a_pointer_that_merely_crosses_a_launcher(
    site: Site, visit: Visit, vendor: str
) -> None:
    site(vendor, LOAD="intent", extra='<p id="beside">Beside</p>')
    visit.go()
    # It leaves after 30 ms. A timer that is due earlier runs earlier, however slow the machine is.
    visit.get("""["opener", "beside"].forEach((id, n) => setTimeout(() => document.getElementById(id).dispatchEvent(
        new PointerEvent("pointerover", { bubbles: true })), n * 30))""")
    visit.eventually(lambda: visit.net.asked(vendor))
    visit.page.wait_for_timeout(300)
    assert visit.get("window.__livechat_sandbox === undefined && livechat.state === 'waiting'")


def test_the_light_button_of_intent_makes_room_for_the_vendors(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="intent")
    visit.go()
    button = visit.page.get_by_role("button", name="Chat with us")
    button.click()
    visit.ready()
    visit.until("__livechat_sandbox.opened === 1")
    assert button.count() == 0


def test_intent_fetches_for_a_launcher_that_is_long_in_view(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="intent")
    visit.go()
    _quiet(visit, vendor, 2500)
    visit.eventually(lambda: visit.net.asked(vendor))
    assert visit.get("window.__livechat_sandbox === undefined && livechat.state === 'waiting'")


@pytest.mark.parametrize("why", ["saveData: true", "effectiveType: '2g'"])
def test_nothing_is_fetched_early_where_data_is_dear(site: Site, visit: Visit, vendor: str, why: str) -> None:
    site(vendor, LOAD="intent")
    visit.page.add_init_script(f"Object.defineProperty(navigator, 'connection', {{value: {{{why}}}}})")
    visit.go()
    visit.page.hover("#opener")
    _quiet(visit, vendor, 4000)
    visit.page.click("#opener")
    visit.ready()
    visit.until("__livechat_sandbox.opened === 1")


def test_nothing_is_fetched_early_before_consent(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="intent", CONSENT="click")
    visit.go()
    visit.page.hover("#opener")
    _quiet(visit, vendor, 4000)


def test_nothing_is_fetched_early_in_a_tab_that_is_not_looked_at(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="intent")
    visit.page.add_init_script("Object.defineProperty(Document.prototype, 'hidden', {value: true})")
    visit.go()
    visit.page.focus("#opener")
    _quiet(visit, vendor, 400)


def test_save_data_turns_an_automatic_strategy_into_intent(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    visit.page.add_init_script("Object.defineProperty(navigator, 'connection', {value: {saveData: true}})")
    visit.go()
    _quiet(visit, vendor)
    visit.page.click("#opener")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.opened === 1")


def test_a_conversation_under_way_is_loaded_on_idle_under_intent(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="intent")
    visit.go()
    visit.get(f"localStorage.setItem('livechat.{vendor}.going', '1')")
    visit.go()
    visit.ready()


def test_a_preload_is_the_very_request_that_the_loader_makes(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", overrides={"preload": True})
    visit.go()
    visit.ready()
    script = [line for line in visit.net.asked(vendor) if line.startswith(HOSTS[vendor]) and "/sandbox/" not in line]
    assert len(script) == 1


# Launchers: once, never zero or two times.


@pytest.mark.parametrize("load", ["eager", "idle", "manual", "intent", "delay:5", "interaction"])
def test_a_click_before_the_vendor_is_there_opens_once(site: Site, visit: Visit, vendor: str, load: str) -> None:
    site(vendor, LOAD=load)
    visit.net.delay = 0.4
    visit.go()
    visit.page.click("#opener")
    visit.page.click("#opener")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.opened")
    visit.page.wait_for_timeout(500)
    assert visit.snapshot()["opened"] == 1
    assert [name for name, _ in visit.events()].count("open") == 1
    assert visit.page.url.endswith("/")


def test_a_click_after_loading_opens_once(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    visit.go()
    visit.ready()
    visit.page.click("#opener")
    visit.until("__livechat_sandbox.open")
    visit.page.wait_for_timeout(200)
    assert visit.snapshot()["opened"] == 1


def test_calls_made_before_the_vendor_is_there_are_kept(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual")
    visit.go()
    assert visit.get("livechat.track('plan-chosen', {plan: 'pro'})") is True
    _quiet(visit, vendor, 200)
    visit.get("livechat.open()")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.events.some((event) => event.name === 'plan-chosen')")


def test_own_launcher_hides_the_vendors(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", LAUNCHER="own")
    visit.go()
    visit.ready()
    visit.until("!__livechat_sandbox.launcher")
    visit.page.get_by_role("button", name="Chat with us").click()
    visit.until("__livechat_sandbox.open")
    visit.get("livechat.close()")
    visit.until("!__livechat_sandbox.open && !__livechat_sandbox.launcher")


def test_hidden_on_mobile_asks_nothing_there(site: Site, open_visit: Any, vendor: str) -> None:
    site(vendor, LOAD="eager", MOBILE="hide")
    phone = open_visit(viewport={"width": 390, "height": 800})
    phone.go()
    _quiet(phone, vendor)
    desktop = open_visit()
    desktop.go()
    desktop.ready()


# Events and answers.


def test_a_reply_from_the_desk_is_counted_and_reported(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    visit.go()
    visit.ready()
    visit.until("__livechat_sandbox.session")
    visit.reply("Hello there")
    visit.until("document.querySelector('#unread').textContent === '1'")
    assert ["message", {"author": "agent"}] in visit.events()
    visit.page.click("#opener")
    visit.until("document.querySelector('#unread').textContent === ''")


@pytest.mark.parametrize("method", ["tour", "article"])
def test_what_a_vendor_cannot_do_is_said_once_and_returns_false(
    site: Site, visit: Visit, vendor: str, method: str
) -> None:
    site(vendor, LOAD="eager")
    said: list[str] = []
    visit.page.on("console", lambda message: said.append(message.text))
    visit.go()
    visit.ready()
    answers = [visit.get(f"livechat.{method}('x1')") for _ in range(2)]
    can = (vendor, method) in {("intercom", "tour"), ("intercom", "article"), ("crisp", "article")}
    assert answers == [can, can]
    assert len([text for text in said if "not supported" in text]) == (0 if can else 1)


# Failing.


def test_a_blocked_vendor_leads_to_the_fallback_and_breaks_nothing(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", FALLBACK_URL="/contact")
    visit.net.down |= {HOSTS[vendor]}
    visit.go()
    visit.until("livechat.state === 'failed'")
    assert ["failed", {"reason": "blocked"}] in visit.events()
    visit.page.click("#opener")
    visit.page.wait_for_url("**/contact")


def test_a_click_after_a_failure_tries_again(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", FALLBACK_URL="/contact")
    visit.net.down |= {HOSTS[vendor]}
    visit.go()
    visit.until("livechat.state === 'failed'")
    visit.net.down.clear()
    visit.page.click("#opener")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.opened === 1")


def test_without_a_fallback_the_launchers_own_link_is_followed(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual")
    visit.net.down |= {HOSTS[vendor]}
    visit.go()
    visit.page.click("#opener")
    visit.page.wait_for_url("**/contact")


def test_off_asks_nothing_and_its_launchers_lead_to_the_fallback(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="off", FALLBACK_URL="/contact")
    visit.go()
    visit.page.click("#opener")
    visit.page.wait_for_url("**/contact")
    assert visit.net.asked(vendor) == []


# Forgery: the page chooses values, never code or origins.


def _without_csp(app: Any, change: Callable[[str], str] = lambda html: html) -> None:
    """The page as somebody else would have it, and no CSP to help: the loader alone must hold."""

    def forge(response: Any) -> Any:
        if response.mimetype == "text/html":
            response.set_data(change(response.get_data(as_text=True)))
            response.headers.pop("Content-Security-Policy", None)
        return response

    app.after_request_funcs[None].insert(0, forge)  # the first one comes last


def test_a_forged_data_block_loads_nothing_else(site: Site, visit: Visit, vendor: str) -> None:
    forged = (
        '"script":"https://evil.test/x.js","api_base":"https://evil.test","region":"evil","property_id":"evil",'
        '"website_id":"evil","app_id":"evil","fallback":"javascript:alert(1)",'
    )
    app = site(vendor, LOAD="eager", FALLBACK_URL="/contact")
    _without_csp(app, lambda html: html.replace('"settings":{', '"settings":{' + forged, 1))
    visit.go()
    visit.ready()
    assert not [line for line in visit.net.log if "evil" in line]
    ids = "[window.CRISP_WEBSITE_ID, ...[...document.scripts].map((script) => script.src)]"
    assert "evil" not in str(visit.get(ids))


def test_an_element_named_current_script_does_not_say_where_we_come_from(site: Site, visit: Visit, vendor: str) -> None:
    _without_csp(site(vendor, LOAD="eager", extra='<img name="currentScript" src="https://evil.test/a/x.js" alt="">'))
    visit.go()
    visit.ready()
    assert not [line for line in visit.net.log if "evil" in line and line != "evil.test/a/x.js"]


def test_a_data_block_for_another_provider_starts_nothing(site: Site, visit: Visit, vendor: str) -> None:
    app = site(vendor, LOAD="eager")

    @app.after_request
    def forge(response: Any) -> Any:
        text = response.get_data(as_text=True) if response.mimetype == "text/html" else ""
        if text:
            response.set_data(text.replace(f'"provider":"{vendor}"', '"provider":"other"'))
        return response

    visit.go()
    _quiet(visit, vendor)


# What reviews found.


def test_an_event_waits_for_the_page_that_starts_the_vendor(site: Site, visit: Visit, vendor: str) -> None:
    app = site(vendor, LOAD="manual")
    app.add_url_rule("/buy", view_func=lambda: app.extensions["livechat"].livechat.track("bought") or "bought")
    visit.go("/buy")
    visit.go("/")
    visit.go("/other")
    visit.page.click("#opener")
    visit.ready()
    visit.eventually(lambda: [event["name"] for event in visit.desk()["events"]] == ["bought"])
    visit.go("/")
    visit.page.click("#opener")
    visit.ready()
    visit.page.wait_for_timeout(300)
    assert len(visit.desk()["events"]) == 1


@pytest.mark.parametrize("element", ["<p id='livechat'>{forged}</p>", "<h2 id='livechat'>LiveChat</h2>"])
def test_only_our_own_data_block_counts(site: Site, visit: Visit, vendor: str, element: str) -> None:
    forged = {"provider": vendor, "load": "eager", "settings": {}, "visitor": None, "proof": {"token": "known"}}
    site(
        vendor,
        LOAD="manual",
        extra=element.format(forged=json.dumps(forged | {"context": {}, "events": [], "who": ""})),
    )
    visit.go()
    assert visit.get("livechat.state") == "waiting"
    _quiet(visit, vendor, 400)


def test_a_launcher_may_hold_or_be_a_web_component(site: Site, visit: Visit, vendor: str) -> None:
    markup = (
        '<button id="holds" data-livechat-open><x-icon></x-icon></button><x-icon id="is" data-livechat-open></x-icon>'
    )
    site(vendor, LOAD="manual", extra=markup)
    visit.page.add_init_script("""customElements.define("x-icon", class extends HTMLElement {
      connectedCallback() { this.attachShadow({mode: "open"}).append("icon"); } });""")
    visit.go()
    visit.page.click("#holds x-icon")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.opened === 1")
    visit.get("livechat.close()")
    visit.page.click("#is")
    visit.until("__livechat_sandbox.opened === 2")


@pytest.mark.parametrize(
    "script",
    [
        "Object.defineProperty(navigator, 'connection', {value: {effectiveType: '2g'}})",
        "Object.defineProperty(Document.prototype, 'prerendering', {value: true})",
    ],
)
def test_where_a_strategy_becomes_intent_our_button_stands_in(
    site: Site, visit: Visit, vendor: str, script: str
) -> None:
    site(vendor, LOAD="idle")
    visit.page.add_init_script(script)
    visit.go()
    _quiet(visit, vendor, 400)
    visit.page.get_by_role("button", name="Chat with us").click()
    visit.until("window.__livechat_sandbox && __livechat_sandbox.opened === 1")


def test_a_page_that_nobody_has_asked_for_yet_starts_no_vendor_for_whoever_chats(
    site: Site, visit: Visit, vendor: str
) -> None:
    site(vendor, LOAD="idle")
    visit.page.add_init_script("Object.defineProperty(Document.prototype, 'prerendering', {value: true})")
    visit.page.add_init_script(f"localStorage.setItem('livechat.{vendor}.going', '1')")
    visit.page.add_init_script("window.requestIdleCallback = (then) => setTimeout(then)")
    visit.go()
    _quiet(visit, vendor, 700)


@pytest.mark.parametrize("address", ["javascript:window.__run=1", "data:text/html,x", "blob:x"])
def test_a_forged_fallback_runs_no_code(site: Site, visit: Visit, vendor: str, address: str) -> None:
    app = site(vendor, LOAD="off", FALLBACK_URL="/contact", CSP="off")

    @app.after_request
    def forge(response: Any) -> Any:
        if response.mimetype == "text/html":
            response.set_data(
                response.get_data(as_text=True).replace('"settings":{', f'"settings":{{"fallback":"{address}",', 1)
            )
            response.headers["Content-Security-Policy"] = "default-src 'self' 'unsafe-inline'"
        return response

    visit.go()
    visit.page.click("#opener")
    visit.page.wait_for_url(SITE + "/contact")  # which stands in the served file
    assert visit.get("window.__run") is None


def test_a_forged_position_fetches_nothing(site: Site, visit: Visit, vendor: str) -> None:
    app = site(vendor, LOAD="intent", CSP="off")

    @app.after_request
    def forge(response: Any) -> Any:
        side = "right: 0 } button { background: url(https://evil.test/x.png) } a { right"
        if response.mimetype == "text/html":
            forged = response.get_data(as_text=True).replace(
                '"settings":{', f'"settings":{{"position":{{"side":"{side}"}},'
            )
            response.set_data(forged)
            response.headers["Content-Security-Policy"] = "default-src * 'unsafe-inline'"
        return response

    visit.go()
    assert visit.page.get_by_role("button", name="Chat with us").bounding_box()
    visit.page.wait_for_timeout(300)
    assert not [line for line in visit.net.log if "evil" in line]

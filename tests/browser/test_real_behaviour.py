"""What the vendors' own scripts were seen to do, and what the chat does all the same.

The stand-ins behave as those scripts do: methods before there is a session, a logout that registers again, a reset that
starts anew, events of Turbo that take the messenger away. Each test is a fault that was found with the real scripts.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from flask_livechat import Visitor

from .conftest import SITE, VENDORS, Visit

Site = Callable[..., Flask]
every_vendor = pytest.mark.parametrize("vendor", VENDORS)
# How long a vendor's API takes to answer: at once, as over a good line, and as over a bad one.
every_delay = pytest.mark.parametrize("delay", [0, 0.15, 0.8])
STORED = {"tawk": r"(?i)^(twk_|tawk|previousNav)", "crisp": r"^crisp-client", "intercom": r"^intercom"}
# Tawk.to knows an email by its hash before the login, and the user only after it; Crisp knows no ids.
NAMED = """__livechat_sandbox.identity.verified && __livechat_sandbox.identity.email === 'visitor1@example.com'
  && (__livechat_sandbox.vendor !== 'tawk' || __livechat_sandbox.identity.id === '1')"""
NAMED_SECOND = NAMED.replace("visitor1", "visitor2").replace("'1'", "'2'")
WRITTEN_DOWN_MS = 700  # until Tawk.to has written down where the page is
LASTING_MS = 1500  # after an end: what comes back by itself has come back by then
EVENTS = {
    "turbo": (["turbo:visit", "turbo:before-cache", "turbo:before-render"], ["turbo:render", "turbo:load"]),
    "htmx": (["htmx:beforeSwap"], ["htmx:afterSwap", "htmx:afterSettle"]),
}
# Another page's body takes the place of this one's, with the events that a library fires around that.
SWAP = """async ([before, after, moves]) => {
  if (!moves) { delete Element.prototype.moveBefore; delete Document.prototype.moveBefore; }
  const text = await (await fetch("/other")).text();
  const body = new DOMParser().parseFromString(text, "text/html").body;
  const tell = (name) => document.body.dispatchEvent(
    new CustomEvent(name, { bubbles: true, cancelable: true, detail: { newBody: body } }));
  before.forEach(tell);
  history.pushState({}, "", "/other");
  document.documentElement.replaceChild(document.adoptNode(body), document.body);
  after.forEach(tell);
}"""


def _log_in(visit: Visit) -> None:
    """Log in, and wait until the vendor knows who it is and all is quiet."""
    visit.go("/login/1")
    visit.ready()
    visit.until(NAMED)
    visit.page.wait_for_timeout(WRITTEN_DOWN_MS)


def _log_out_here(visit: Visit) -> float:
    """Log out without leaving the page. Returns when."""
    visit.get("fetch('/logout', {method: 'POST'}).then(() => { void livechat.logout(); })")
    return time.monotonic()


def _stored(visit: Visit, vendor: str) -> list[str]:
    """The names of what the vendor keeps in the browser."""
    names = [cookie["name"] for cookie in visit.page.context.cookies()]
    names += visit.get("[...Object.keys(localStorage), ...Object.keys(sessionStorage)]")
    return sorted(name for name in names if re.search(STORED[vendor], name))


def _sent_in_the_name_of(visit: Visit, number: str, since: float) -> list[str]:
    """What reached the vendor and names that visitor; a logout may."""
    marks = (f"visitor{number}@example.com", {"1": "First Visitor", "2": "Second Visitor"}[number])
    return [
        action
        for at, action, body in list(visit.net.sent)
        if at >= since and not action.endswith("/logout") and any(mark in _words(body) for mark in marks)
    ]


def _words(body: str) -> str:
    """What was said, with what the tokens in it hold."""
    for claims in re.findall(r"eyJ[\w-]+\.(eyJ[\w-]+)\.[\w-]+", body):
        body += base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)).decode()
    return body


def _is_over(visit: Visit, vendor: str, since: float) -> None:
    """Nothing of the vendor's runs, is seen or is stored, and nothing was said in the visitor's name."""
    snapshot = visit.snapshot()
    assert not snapshot["connected"]
    assert not snapshot["launcher"]
    assert not snapshot["open"]
    assert _stored(visit, vendor) == []
    assert _sent_in_the_name_of(visit, "1", since) == []


def _swap(visit: Visit, library: str, *, moves: bool = True) -> None:
    visit.page.evaluate(SWAP, [*EVENTS[library], moves])


def _opens(visit: Visit) -> None:
    """A click opens the panel as the vendor means it to look, also where the page has to be loaded anew for that."""
    visit.page.click("#opener")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.open && __livechat_sandbox.styled !== false")


# 1 and 2: who it is, and what is said with it, reaches the session that lives on.


@every_delay
@every_vendor
def test_a_login_waits_for_the_session_with_a_slow_api(site: Site, visit: Visit, vendor: str, delay: float) -> None:
    site(vendor, LOAD="eager")
    visit.net.api_delay[vendor] = delay
    visit.go("/login/1")
    visit.ready()
    visit.until(NAMED)
    assert [name for name, _ in visit.events()].count("ready") == 1


@pytest.mark.parametrize("events", [True, False])
def test_tawk_is_ready_when_it_has_loaded_and_not_before(site: Site, visit: Visit, events: bool) -> None:
    site("tawk", LOAD="eager")
    visit.net.api_delay["tawk"] = 0.5
    visit.net.variants["tawk"] = {"events": events}  # a newer script may not fire them
    visit.page.add_init_script(
        "document.addEventListener('livechat:ready', () => {"
        " window.__loaded = [Tawk_API.onLoaded, Tawk_API.getStatus()]; })"
    )
    visit.go("/login/1")
    visit.ready()
    assert visit.get("__loaded") == [True, "online"]
    visit.until(NAMED)


def test_an_end_does_not_wait_for_a_tawk_callback_that_never_comes(site: Site, visit: Visit) -> None:
    site("tawk", LOAD="eager")
    visit.net.probes["tawk"] = "addEventListener('tawkBeforeLoad', () => { Tawk_API.login = () => {}; });"
    visit.go("/login/1")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.loads === 1")
    visit.page.wait_for_timeout(WRITTEN_DOWN_MS)
    since = _log_out_here(visit)
    visit.eventually(lambda: not visit.snapshot()["connected"] and not _stored(visit, "tawk"), 4.0)
    visit.page.wait_for_timeout(LASTING_MS)
    _is_over(visit, "tawk", since)


def test_a_login_that_is_never_answered_counts_as_refused(site: Site, visit: Visit) -> None:
    site("tawk", LOAD="eager", FALLBACK_URL="/contact")
    visit.net.probes["tawk"] = "addEventListener('tawkBeforeLoad', () => { Tawk_API.login = () => {}; });"
    visit.page.clock.install()
    visit.go("/login/1")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.loads === 1")
    visit.page.clock.fast_forward(11_000)
    visit.until("livechat.state === 'failed'")


@every_delay
@every_vendor
def test_context_and_events_reach_the_session_that_lives_on(
    site: Site, visit: Visit, vendor: str, delay: float
) -> None:
    livechat = site(vendor, LOAD="eager").extensions["livechat"].livechat
    livechat.visitor_loader(
        lambda user: (
            Visitor(user.id, user.email, name=user.name, attributes={"plan": "pro"}, segments=("vip",))
            if user
            else None
        )
    )
    visit.net.api_delay[vendor] = delay
    visit.page.add_init_script(
        "document.addEventListener('livechat:ready', () => livechat.track('looked-around', {page: 'home'}))"
    )
    visit.go("/login/1")
    visit.ready()
    visit.until(NAMED)
    visit.eventually(lambda: {"pro", "/"} <= set(visit.desk()["attributes"].values()))
    visit.eventually(lambda: "looked-around" in [event["name"] for event in visit.desk()["events"]])
    if vendor != "intercom":  # which has no such thing in the browser
        visit.eventually(lambda: visit.desk()["tags"] == ["vip"])
    assert not visit.snapshot().get("lost")


# 3, 7 and 15: after a logout, or a consent withdrawn, nothing of the vendor's is there, and nothing comes back.


@pytest.mark.parametrize("panel", ["closed", "open"])
@pytest.mark.parametrize("how", ["logout", "consent"])
@every_vendor
def test_nothing_runs_or_is_stored_after_an_end(site: Site, visit: Visit, vendor: str, how: str, panel: str) -> None:
    site(vendor, LOAD="eager", CONSENT="required" if how == "consent" else "implied", LAUNCHER="own")
    visit.page.add_init_script("addEventListener('DOMContentLoaded', () => window.livechat?.consent(true))")
    _log_in(visit)
    if panel == "open":
        visit.get("livechat.open(); 0")
        visit.until("__livechat_sandbox.open")
    since = _log_out_here(visit) if how == "logout" else time.monotonic()
    if how == "consent":
        visit.get("void livechat.consent(false)")
    visit.page.wait_for_timeout(LASTING_MS)
    _is_over(visit, vendor, since + 0.1)


@pytest.mark.parametrize("when", ["before its answer", "while it registers again"])
def test_a_logout_while_tawk_logs_in_is_the_last_word(site: Site, visit: Visit, when: str) -> None:
    site("tawk", LOAD="eager")
    visit.net.api_delay["tawk"] = 0.6
    visit.go("/login/1")
    asked = "tawk/login" if when == "before its answer" else "tawk/session"
    count = 1 if when == "before its answer" else 2
    visit.eventually(lambda: [action for _, action, _ in list(visit.net.sent)].count(asked) == count)
    since = _log_out_here(visit)
    visit.page.wait_for_timeout(LASTING_MS + 3000)
    snapshot = visit.snapshot()
    assert not snapshot["connected"]
    assert not snapshot["visible"]
    assert _stored(visit, "tawk") == []
    # What was under way when it was said cannot be taken back; nothing begins after it.
    assert not [name for name in _sent_in_the_name_of(visit, "1", since + 2) if name == "tawk/login"]


@every_vendor
def test_a_start_after_a_logout_begins_a_new_session(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    _log_in(visit)
    before = visit.snapshot()
    since = _log_out_here(visit)
    visit.page.wait_for_timeout(LASTING_MS)
    _opens(visit)
    visit.until("__livechat_sandbox.connected && __livechat_sandbox.session")
    after = visit.snapshot()
    assert after["identity"]["state"] == "anonymous"
    assert after["session"] != before["session"]
    assert not before.get("uuid") or after["uuid"] != before["uuid"]
    assert _sent_in_the_name_of(visit, "1", since + 0.1) == []
    visit.until("livechat.state === 'ready'")
    assert "open" in [name for name, _ in visit.events()]  # the listeners are there again


@every_vendor
def test_session_storage_belongs_to_every_sweep(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    _log_in(visit)
    visit.reply("a sound is played")  # which Intercom writes down there
    visit.until("__livechat_sandbox.messages.length === 1")
    visit.get("sessionStorage.setItem('mine', '1'); livechat.open(); 0")
    visit.until("__livechat_sandbox.open")
    visit.until(f"Object.keys(sessionStorage).some((name) => /{STORED[vendor].removeprefix('(?i)')}/i.test(name))")
    visit.go("/logout?next=/other")
    visit.ready()
    visit.page.wait_for_timeout(WRITTEN_DOWN_MS)
    visit.go("/login/2")
    visit.ready()
    visit.until(NAMED_SECOND)
    visit.go("/plain")
    assert visit.get("sessionStorage.getItem('mine')") == "1"
    visit.go("/")
    _log_out_here(visit)
    visit.page.wait_for_timeout(LASTING_MS)
    assert visit.get("Object.keys(sessionStorage)") == ["mine"]


def test_the_next_visitor_of_a_tab_is_named_to_tawk_by_a_login_alone(site: Site, visit: Visit) -> None:
    """What a registration says is said again by every later one of the page, by a logout's, too."""
    site("tawk", LOAD="eager")
    _log_in(visit)
    since = time.monotonic()
    visit.go("/switch/2")
    visit.ready()
    visit.until(NAMED_SECOND)
    registrations = [body for at, action, body in visit.net.sent if action == "tawk/session"]
    assert not any("@example.com" in body for body in registrations)
    assert _sent_in_the_name_of(visit, "1", since + 0.3) == []


# 4 and 13: with a launcher of the page's the vendor's own is never seen.


@pytest.mark.parametrize("launcher", ["own", "none"])
def test_tawk_is_hidden_once_for_each_action(site: Site, visit: Visit, launcher: str) -> None:
    site("tawk", LOAD="eager", LAUNCHER=launcher)
    visit.page.add_init_script("window.__hidden = 0; addEventListener('tawkChatHidden', () => { __hidden += 1; })")
    visit.go()
    visit.ready()
    for action in ("hide", "open", "close", "hide"):
        visit.get(f"__hidden = 0; livechat.{action}(); 0")
        visit.page.wait_for_timeout(300)
        assert visit.get("__hidden") <= 1, action


@pytest.mark.parametrize("launcher", ["own", "none"])
@every_vendor
def test_the_vendors_own_button_is_never_seen(site: Site, visit: Visit, vendor: str, launcher: str) -> None:
    site(vendor, LOAD="eager", LAUNCHER=launcher)
    _log_in(visit)
    assert not visit.snapshot()["launcher"]
    for action in ("show", "open", "close", "hide", "show"):
        visit.get(f"livechat.{action}(); 0")
        if action == "open":
            visit.until("__livechat_sandbox.open")
        else:
            visit.page.wait_for_timeout(300)
            assert not visit.snapshot()["launcher"], action
    for library in ("htmx", "turbo"):
        _swap(visit, library)
        visit.page.wait_for_timeout(1300)  # Crisp puts its element back after a second
        assert not visit.snapshot()["launcher"], library
    _log_out_here(visit)
    visit.page.wait_for_timeout(LASTING_MS)
    assert not visit.snapshot()["launcher"]


# 5: one name too long does not cost the others.


def test_a_long_name_does_not_cost_tawk_the_other_attributes(site: Site, visit: Visit) -> None:
    app = site("tawk", LOAD="eager")
    app.extensions["livechat"].livechat.context_loader(lambda: {"k" * 60: "long", "seats": 31})
    visit.go("/login/1")
    visit.ready()
    visit.until(NAMED)
    visit.eventually(lambda: {"k" * 50, "seats"} <= set(visit.desk()["attributes"]))
    visit.get(f"livechat.update({{['n'.repeat(60)]: '{'v' * 300}', other: true}})")
    visit.eventually(lambda: {"n" * 50, "other"} <= set(visit.desk()["attributes"]))


def test_an_error_of_tawks_is_said_by_its_code_and_message(site: Site, visit: Visit) -> None:
    site("tawk", LOAD="eager")
    visit.net.refuse["tawk/login"] = 403
    said: list[str] = []
    visit.page.on("console", lambda message: said.append(message.text))
    visit.go("/login/1")
    visit.eventually(lambda: [text for text in said if "refused_by_the_test" in text])
    assert not [text for text in said if "[object Object]" in text]


# 6: cookies whose names hold a token.


def test_crisps_cookies_of_the_token_and_the_socket_are_swept(site: Site, visit: Visit) -> None:
    site("crisp", LOAD="eager")
    _log_in(visit)
    names = _stored(visit, "crisp")
    assert [name for name in names if re.search(r"%2F[0-9a-f]{64}$", name)]
    assert [name for name in names if name.startswith("crisp-client%2Fsocket%2F")]
    # The page that is left does not end the chat: it has been gone for a while when the logout comes.
    visit.go("/plain")
    visit.go("/logout?next=/plain")
    assert [name for name in _stored(visit, "crisp") if "%2F" in name] == []


def test_a_logouts_response_expires_every_crisp_cookie_of_the_request(site: Site, visit: Visit) -> None:
    app = site("crisp", LOAD="manual")
    website = app.config["LIVECHAT_CRISP_WEBSITE_ID"]
    visit.go("/login/1")
    names = {f"crisp-client%2Fsession%2F{website}%2F{token}" for token in ("a-token-of-old", "f" * 64)}
    names |= {f"crisp-client%2Fsession%2F{website}", f"crisp-client%2Fsocket%2F{website}"}
    visit.page.context.add_cookies([{"name": name, "value": "session_1", "url": SITE} for name in names])
    answers: list[Any] = []
    visit.page.on("response", lambda answer: answers.append(answer) if "/logout" in answer.url else None)
    visit.go("/logout?next=/plain")
    lines = [each["value"] for each in answers[0].headers_array() if each["name"].lower() == "set-cookie"]
    for name in names:
        assert [line for line in lines if line.startswith(f"{name}=;") and "Max-Age=0" in line], lines
    assert _stored(visit, "crisp") == []


# 8: somebody who logs in keeps what they wrote before.


@every_vendor
def test_a_login_on_a_page_of_its_own_keeps_the_conversation(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    visit.go()
    visit.ready()
    visit.get("livechat.open(); 0")
    visit.until("__livechat_sandbox.open && __livechat_sandbox.connected")
    visit.page.fill(f"#livechat-sandbox-{vendor} textarea", "asked before the login")
    visit.page.keyboard.press("Enter")
    visit.until("__livechat_sandbox.messages.length === 1")
    _log_in(visit)
    visit.until("__livechat_sandbox.messages.length === 1")
    visit.go("/other")
    visit.ready()
    visit.until(f"{NAMED} && __livechat_sandbox.messages.length === 1")


# 9: a launcher of the page's is never dead.


@every_vendor
def test_a_launcher_of_the_page_works_on_a_phone_where_the_vendor_is_hidden(
    site: Site, open_visit: Any, vendor: str
) -> None:
    site(vendor, LOAD="eager", MOBILE="hide", FALLBACK_URL="/contact")
    visit = open_visit(viewport={"width": 390, "height": 800}, has_touch=True)
    visit.go()
    visit.page.wait_for_timeout(500)
    visit.page.click("#opener")
    visit.eventually(
        lambda: visit.page.url == SITE + "/contact" or visit.get("window.__livechat_sandbox?.open") is True
    )


# 10 and 11: pages that are swapped.


@pytest.mark.parametrize("panel", ["closed", "open"])
@pytest.mark.parametrize("library", ["turbo", "htmx"])
@every_vendor
def test_the_chat_goes_on_in_a_swapped_page(site: Site, visit: Visit, vendor: str, library: str, panel: str) -> None:
    site(vendor, LOAD="eager")
    _log_in(visit)
    if panel == "open":
        visit.get("livechat.open(); 0")
        visit.until("__livechat_sandbox.open")
    _swap(visit, library)
    visit.until("document.querySelector('h1') && location.pathname === '/other'")
    if panel == "open":
        visit.until("__livechat_sandbox.open && __livechat_sandbox.styled !== false")
        visit.get("livechat.close(); 0")
    visit.until(f"__livechat_sandbox.launcher && ({NAMED}) && __livechat_sandbox.styled !== false")
    visit.page.wait_for_timeout(300)
    assert visit.get("livechat.state") == "ready"
    opened = [name for name, _ in visit.events()].count("open")
    _opens(visit)
    visit.eventually(lambda: [name for name, _ in visit.events()].count("open") > opened)


@every_vendor
def test_the_chat_comes_back_where_a_browser_cannot_move_frames(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    _log_in(visit)
    _swap(visit, "htmx", moves=False)
    visit.page.wait_for_timeout(1500)
    _opens(visit)
    visit.until(NAMED)


@every_vendor
def test_a_logout_after_a_visit_of_turbo_ends_the_chat(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    _log_in(visit)
    _swap(visit, "turbo")
    visit.page.wait_for_timeout(WRITTEN_DOWN_MS)
    since = _log_out_here(visit)
    visit.page.wait_for_timeout(LASTING_MS)
    _is_over(visit, vendor, since + 0.1)


def test_intercoms_boots_count_into_its_limit(site: Site, visit: Visit) -> None:
    site("intercom", LOAD="eager")
    said: list[str] = []
    visit.page.on("console", lambda message: said.append(message.text))
    visit.page.clock.install()
    visit.go("/login/1")
    visit.ready()
    for n in range(25):
        visit.get(f"livechat.update({{seats: {n}}})")
        visit.page.clock.run_for(400)
    visit.until("__livechat_sandbox.pings === 20 && __livechat_sandbox.attributes.seats >= 18")
    visit.page.wait_for_timeout(300)
    assert not [text for text in said if "dropped: more than" in text]
    visit.page.clock.run_for(31 * 60 * 1000)
    visit.until("__livechat_sandbox.attributes.seats === 24")


def test_intercoms_state_that_is_written_late_is_swept(site: Site, visit: Visit) -> None:
    site("intercom", LOAD="eager")
    visit.net.api_delay["intercom"] = 0.8
    visit.go("/login/1")
    visit.eventually(lambda: [action for _, action, _ in list(visit.net.sent) if action == "intercom/ping"])
    _log_out_here(visit)
    visit.until("localStorage.getItem('intercom.intercom-state')", 3.0)  # it does come
    visit.eventually(lambda: not _stored(visit, "intercom"), 4.0)


def test_intercom_keeps_its_styles_over_a_swap_without_a_new_boot(site: Site, visit: Visit) -> None:
    site("intercom", LOAD="eager")
    _log_in(visit)
    visit.get("livechat.open(); 0")
    visit.until("__livechat_sandbox.open && __livechat_sandbox.styled")
    boots = visit.snapshot()["boots"]
    _swap(visit, "htmx")
    visit.page.wait_for_timeout(500)
    snapshot = visit.snapshot()
    assert (snapshot["open"], snapshot["styled"], snapshot["boots"]) == (True, True, boots)


@pytest.mark.parametrize("known", [True, False])
def test_intercom_is_ready_whether_or_not_its_script_knows_the_method(site: Site, visit: Visit, known: bool) -> None:
    site("intercom", LOAD="eager")
    visit.net.variants["intercom"] = {"ready": known, "limit": 20 if known else 30}
    visit.go("/login/1")
    visit.ready()
    visit.until(NAMED)
    _opens(visit)


# 12: a logout while the vendor is still loading, or in another tab.


@pytest.mark.parametrize("slow", ["script", "api"])
@every_vendor
def test_a_logout_while_the_vendor_is_loading_says_nothing_more_in_the_old_name(
    site: Site, visit: Visit, vendor: str, slow: str
) -> None:
    site(vendor, LOAD="eager")
    if slow == "script":
        visit.net.delay = 0.8
    else:
        visit.net.api_delay[vendor] = 0.8
    visit.go("/login/1")
    visit.eventually(lambda: visit.net.asked(vendor) if slow == "script" else visit.net.sent)
    since = _log_out_here(visit)
    visit.page.wait_for_timeout(LASTING_MS + 2500)
    assert _sent_in_the_name_of(visit, "1", since + 0.2) == []
    snapshot = visit.snapshot()
    assert not snapshot["connected"]
    assert not snapshot["visible"]
    visit.go("/plain")  # what came late is swept when the page is left
    assert _stored(visit, vendor) == []


@pytest.mark.parametrize("how", ["on the server", "livechat.logout()"])
@every_vendor
def test_a_logout_in_another_tab_registers_nobody_here(site: Site, open_visit: Any, vendor: str, how: str) -> None:
    site(vendor, LOAD="eager")
    first = open_visit()
    _log_in(first)
    before = first.snapshot()["session"]
    other = open_visit.tab(first.page.context)
    other.go("/other")
    other.ready()
    other.until(NAMED)
    other.page.wait_for_timeout(WRITTEN_DOWN_MS)
    since = time.monotonic()
    if how == "on the server":
        other.go("/logout?next=/plain")
    else:
        _log_out_here(other)
    first.until("livechat.state === 'ended'")
    first.page.wait_for_timeout(LASTING_MS)
    assert _sent_in_the_name_of(first, "1", since + 0.3) == []
    snapshot = first.snapshot()
    assert not (snapshot["connected"] and snapshot["session"] == before)
    assert not snapshot["connected"]
    assert _stored(first, vendor) == []


# 14: a vendor that refuses.


@pytest.mark.parametrize(
    ("vendor", "refusal"),
    [("tawk", "login"), ("tawk", "session"), ("tawk", "socket"), ("crisp", "socket"), ("intercom", "ping")],
)
def test_a_vendor_that_refuses_has_failed_and_a_click_leads_to_the_fallback(
    site: Site, visit: Visit, vendor: str, refusal: str
) -> None:
    site(vendor, LOAD="eager", FALLBACK_URL="/contact")
    visit.net.refuse[f"{vendor}/{refusal}"] = 403
    visit.page.clock.install()
    visit.go("/login/1")
    visit.eventually(lambda: [action for _, action, _ in list(visit.net.sent) if action == f"{vendor}/{refusal}"])
    visit.page.wait_for_timeout(500)
    visit.page.clock.fast_forward(25_000)
    visit.until("livechat.state === 'failed'")
    assert "ready" not in [name for name, _ in visit.events()]
    visit.page.click("#opener")  # after a failure this tries once more
    visit.page.wait_for_timeout(1000)
    if visit.page.url != SITE + "/contact":
        visit.page.clock.fast_forward(25_000)
    visit.eventually(lambda: visit.page.url == SITE + "/contact")

"""What goes wrong in a browser: storage, the data block, the identity, the vendor, our own files. The page works on,
nobody is taken for somebody else, and no button is dead."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from flask import Flask, Response, redirect, request

from flask_livechat import providers
from flask_livechat.widget import logout

from .conftest import HOSTS, VALUES, VENDORS, Visit

every_vendor = pytest.mark.parametrize("vendor", VENDORS)
one_vendor = pytest.mark.parametrize("vendor", ["crisp"])  # where it is about what no vendor has a part in
Site = Callable[..., Any]
ASK = '<button id="ask" data-livechat-open>Ask</button>'
SORRY = "Chat cannot be reached."
NO_STORAGE = """for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, {
  get() { throw new DOMException("blocked", "SecurityError"); } });"""
NO_COOKIES = """Object.defineProperty(Document.prototype, "cookie", {
  get() { throw new DOMException("blocked", "SecurityError"); },
  set() { throw new DOMException("blocked", "SecurityError"); } });"""
FULL = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"


def _asked(visit: Visit, vendor: str) -> list[str]:
    """Scripts that were asked of the vendor. Not its API: a page of the test before may still say goodbye there."""
    return [line for line in visit.net.asked(vendor) if "/sandbox/" not in line]


def _opens(visit: Visit) -> None:
    visit.until("window.__livechat_sandbox && __livechat_sandbox.open", 12)


def _failed(visit: Visit, times: int = 1) -> str:
    """The reason of the last failure, once there have been so many."""
    visit.until(f"__events.filter(([name]) => name === 'failed').length === {times}")
    return str(visit.get("__events.findLast(([name]) => name === 'failed')[1].reason"))


def _own_button(visit: Visit) -> Any:
    return visit.page.get_by_role("button", name="Chat with us")


def _note(visit: Visit) -> str:
    return str(visit.page.get_by_role("status").inner_text())


def _before_the_page(visit: Visit, script: str) -> None:
    """Runs something in the site's storage before its next page is asked for."""
    visit.go("/plain")
    visit.get(f"{script}; 0")


# Storage.


@pytest.mark.parametrize("blocked", [NO_STORAGE, FULL], ids=["blocked", "full"])
@every_vendor
def test_chat_works_without_storage(site: Site, visit: Visit, vendor: str, blocked: str) -> None:
    site(vendor, LOAD="eager", CONSENT="required", IDENTITY_DELIVERY="fetch")
    visit.page.add_init_script(blocked)
    visit.go("/login/1")
    visit.get("livechat.consent(true)")
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified")
    visit.page.click("#opener")
    _opens(visit)
    visit.get("livechat.consent(false)")
    visit.until("livechat.state === 'ended'")


@one_vendor
def test_a_page_without_storage_and_cookies_works(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="intent")
    visit.page.add_init_script(NO_STORAGE + NO_COOKIES)
    visit.go("/login/1")
    _own_button(visit).click()
    visit.until("livechat.state === 'loading'")
    visit.eventually(lambda: _asked(visit, vendor))  # their script needs cookies; ours does not
    visit.get("livechat.logout().then(() => { window.__left = true; }); 0")
    visit.until("window.__left && livechat.state === 'ended'", 6)


@one_vendor
def test_a_page_in_a_sandboxed_frame_works(site: Site, visit: Visit, vendor: str) -> None:
    app = site(vendor, LOAD="intent", extra=ASK)
    frame = '<!doctype html><title>Frame</title><iframe sandbox="allow-scripts" src="/"></iframe>'
    app.add_url_rule("/frame", view_func=lambda: frame)
    visit.go("/frame")
    visit.eventually(lambda: len(visit.page.frames) == 2)
    inner = visit.page.frames[1]
    inner.locator("#ask").click()
    visit.eventually(lambda: inner.evaluate("window.livechat && livechat.state === 'loading'"))
    assert inner.evaluate("self.origin") == "null"
    inner.evaluate("livechat.consent(false); livechat.track('seen'); livechat.close(); 0")


@one_vendor
def test_chat_works_without_what_some_browsers_lack(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="idle", IDENTITY_DELIVERY="fetch")
    visit.page.add_init_script(
        "delete window.BroadcastChannel; delete window.cookieStore; delete window.requestIdleCallback;"
        "delete AbortSignal.timeout;"
    )
    visit.go("/login/1")
    lacks = "[window.BroadcastChannel, window.cookieStore, window.requestIdleCallback, AbortSignal.timeout]"
    assert visit.get(f"{lacks}.every((each) => each === undefined)")
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified")


@every_vendor
def test_with_full_storage_nobody_sees_the_one_before(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    visit.page.add_init_script(FULL)
    sessions: list[str] = []

    def chat(number: str) -> None:
        visit.ready()
        visit.until(f"__livechat_sandbox.identity.email === 'visitor{number}@example.com'")
        visit.until("__livechat_sandbox.identity.verified")
        assert visit.snapshot()["messages"] == []
        assert visit.snapshot()["session"] not in sessions
        sessions.append(visit.snapshot()["session"])
        visit.reply(f"a secret for visitor {number}")
        visit.until("__livechat_sandbox.messages.length === 1")

    visit.go("/login/1")
    chat("1")
    visit.go("/switch/2")
    chat("2")
    visit.page.context.clear_cookies(name="session")  # an expired login leaves no mark
    visit.go()
    visit.ready()
    visit.until("__livechat_sandbox.session")
    visit.page.wait_for_timeout(300)
    snapshot = visit.snapshot()
    assert (snapshot["identity"]["state"], snapshot["messages"]) == ("anonymous", [])
    assert snapshot["session"] not in sessions


# A data block that somebody has tampered with.


def _forge(app: Flask, change: Callable[[dict[str, Any]], str]) -> None:
    """Every page's data block is what ``change`` makes of it."""

    def forge(response: Response) -> Response:
        if response.mimetype == "text/html":
            found = re.search(r'(?s)(<script[^>]* id="livechat">)(.*?)(</script>)', response.get_data(as_text=True))
            if found:
                block = change(json.loads(found[2])).replace("<", "\\u003c")
                response.set_data(found.string[: found.start(2)] + block + found.string[found.end(2) :])
        return response

    app.after_request_funcs[None].insert(0, forge)  # the first one comes last: behind ours, which would mend it


def _with(**values: Any) -> Callable[[dict[str, Any]], str]:
    return lambda data: json.dumps(data | values)


def _without(key: str) -> Callable[[dict[str, Any]], str]:
    return lambda data: json.dumps({name: value for name, value in data.items() if name != key})


def _looks(**values: Any) -> Callable[[dict[str, Any]], str]:
    return lambda data: json.dumps(data | {"settings": data["settings"] | values})


NOT_OURS: dict[str, Callable[[dict[str, Any]], str]] = {
    "who: a number": _with(who=5),
    "who: an object": _with(who={"id": "1"}),
    "who: missing": _without("who"),
    "settings: text": _with(settings="{}"),
    "settings: null": _with(settings=None),
    "settings: missing": _without("settings"),
    "events: an object": _with(events={"name": "x"}),
    "events: missing": _without("events"),
    "context: null": _with(context=None),
    "context: text": _with(context="x"),
    "provider: a list": _with(provider=["crisp"]),
    "truncated": lambda data: json.dumps(data)[:-5],
    "an array": lambda data: json.dumps([data]),
    "null": lambda data: "null",
    "a number": lambda data: "7",
    "text": lambda data: '"crisp"',
    "blank": lambda data: " \n ",
    "nested": lambda data: "[" * 5_000_000 + "]" * 5_000_000,
    "half nested": lambda data: "[" * 5_000_000,
}


@one_vendor
def test_what_is_no_data_block_of_ours_starts_nothing(site: Site, visit: Visit, vendor: str) -> None:
    app = site(vendor, LOAD="eager")
    case = ""
    _forge(app, lambda data: NOT_OURS[case](data))  # noqa: PLW0108 - the case changes
    visit.go("/plain")
    for name in NOT_OURS:
        case = name
        visit.go()
        assert visit.get("Object.hasOwn(window, 'livechat')") is False, case
        assert visit.get("document.querySelector('h1').textContent") == "Site", case
    visit.page.wait_for_timeout(300)
    assert _asked(visit, vendor) == []
    visit.page.click("#opener")  # a link as it was
    visit.page.wait_for_url("**/contact")


ODD: dict[str, Callable[[dict[str, Any]], str]] = {
    "settings: an array": _with(settings=[]),
    "events: of anything": _with(
        events=[None, 5, "x", [], {}, {"name": 5}, {"name": "real", "metadata": "x"}, {"segment": 5}]
    ),
    "context: a list": _with(context=["x"]),
    "context: odd values": _with(context={"a": {"b": 1}, "c": None, "": "", "d": [1]}),
    "load: a number": _with(load=5),
    "load: null": _with(load=None),
    "load: no time": _with(load="delay:soon"),
    "load: no selector": _with(load="visible:[[["),
    "position: text": _looks(position="left"),
    "position: null": _looks(position=None),
    "tour: an object": _looks(tour={}),
    "start: an object": _looks(start={}, once=[]),
    "start: of no kind": _looks(start="7", once={}),
    "start: without an id": _looks(start="tour"),
    "locale: an object": _looks(locale={}),
    "looks of anything": _looks(mobile=5, launcher={}, offline=[], closed="x", fallback={}),
}


@every_vendor
def test_odd_values_in_the_data_block_open_chat_for_nobody_else(site: Site, visit: Visit, vendor: str) -> None:
    app = site(vendor, LOAD="manual", extra=ASK)
    case = ""
    _forge(app, lambda data: ODD[case](data) if case else json.dumps(data))
    visit.go("/login/1")
    for name in ODD:
        case = name
        visit.go()
        visit.page.click("#ask")
        _opens(visit)
        identity = visit.snapshot()["identity"]
        assert identity["email"] in (None, "visitor1@example.com"), case
        assert visit.errors == [], case


NOBODY: dict[str, Callable[[dict[str, Any]], str]] = {
    "visitor: a list": _with(visitor=[]),
    "visitor: text": _with(visitor="visitor2@example.com"),
    "visitor: a number": _with(visitor=5),
    "visitor: odd values": _with(visitor={"email": 5, "id": [], "name": {}, "created_at": "x", "segments": 1}),
    "visitor: somebody else": _with(visitor={"email": "visitor2@example.com", "id": "2"}),
    "proof: text": _with(proof="jwt"),
    "proof: a list": _with(proof=[]),
    "proof: a number": _with(proof=5),
    "proof: odd values": _with(proof={"expires": "never", "token": 5, "email": [], "id": {}, "jwt": {}}),
    "proof: made up": _with(proof={"expires": 0, "token": "x", "email": "x", "id": "x", "jwt": "x.y.z"}),
}


@pytest.mark.parametrize("case", list(NOBODY))
@one_vendor
def test_a_visitor_or_proof_without_sense_is_nobody_else(site: Site, visit: Visit, vendor: str, case: str) -> None:
    """The vendor is started or not: whom it believes is the page's own visitor, or nobody."""
    app = site(vendor, LOAD="eager")
    _forge(app, NOBODY[case])
    visit.go("/login/1")
    visit.eventually(lambda: _asked(visit, vendor) or visit.get("livechat.state === 'failed'"))
    visit.page.wait_for_timeout(400)
    identity = visit.get("window.__livechat_sandbox && __livechat_sandbox.identity")
    assert not identity or not identity["verified"] or identity["email"] in (None, "visitor1@example.com")


@pytest.mark.parametrize("position", [{"x": "evil"}, {"y": "1px; color: red"}, {"x": None}, {"x": {}, "y": [1, 2]}])
@one_vendor
def test_a_button_without_a_place_is_still_to_be_seen(site: Site, visit: Visit, vendor: str, position: Any) -> None:
    app = site(vendor, LOAD="manual", LAUNCHER="own", extra="<br>" * 100)
    _forge(app, _looks(position=position))
    visit.page.set_viewport_size({"width": 900, "height": 700})
    visit.go()
    box = _own_button(visit).bounding_box()
    assert box is not None
    assert 0 <= box["x"] <= 900 - box["width"]
    assert 0 <= box["y"] <= 700 - box["height"]
    _own_button(visit).click()
    _opens(visit)


# Storage that somebody has tampered with.


def _key(vendor: str, name: str) -> str:
    return f"livechat/livechat/{logout.account(providers.load(vendor), VALUES[vendor])}.{name}"


@pytest.mark.parametrize("who", ["'x'.repeat(1e6)", "'{\"who\": {}}'", "''", "'__proto__'"])
@pytest.mark.parametrize("path", ["/login/1", "/"])
@one_vendor
def test_a_tampered_memory_of_who_is_nobody_else(site: Site, visit: Visit, vendor: str, who: str, path: str) -> None:
    site(vendor, LOAD="eager")
    _before_the_page(visit, f"localStorage.setItem('{_key(vendor, 'who')}', {who})")
    visit.go(path)
    visit.ready()
    if path == "/":
        visit.until("__livechat_sandbox.session")
        assert visit.snapshot()["identity"]["state"] == "anonymous"
    else:
        visit.until("__livechat_sandbox.identity.verified")
        visit.until("__livechat_sandbox.identity.email === 'visitor1@example.com'")


@every_vendor
def test_a_memory_of_another_visitor_is_not_the_pages(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    key = _key(vendor, "who")
    visit.go("/login/2")
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified")
    second = visit.get(f"localStorage.getItem('{key}')")
    visit.go("/switch/1")
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified")
    visit.page.evaluate("([key, who]) => localStorage.setItem(key, who)", [key, second])
    visit.go()
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified")
    visit.page.wait_for_timeout(300)
    assert visit.snapshot()["identity"]["email"] == "visitor1@example.com"


@pytest.mark.parametrize(
    "junk",
    ["[null, 5, 'x', {}]", "{'since': 9e15, 'events': [null, 5, 'x', {}]}", "{", "{}", '"text"', "5", "null", "[[[]]]"],
)
@one_vendor
def test_junk_among_the_events_that_wait_holds_nothing_up(site: Site, visit: Visit, vendor: str, junk: str) -> None:
    app = site(vendor, LOAD="manual", extra=ASK)
    app.add_url_rule("/buy", view_func=lambda: app.extensions["livechat"].livechat.track("bought") or "bought")
    visit.go("/buy")
    quoted = json.dumps(junk.replace("'", '"'))
    visit.get(f"localStorage.setItem('{_key(vendor, 'events')}', {quoted}); 0")
    visit.go()
    visit.page.click("#ask")
    _opens(visit)
    visit.until("__livechat_sandbox.events.some((event) => event.name === 'bought')")


@one_vendor
def test_junk_for_the_chat_that_goes_on_is_text_at_most(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual", extra=ASK)
    junk = "'<img src=x onerror=alert(1)>'.repeat(1000)"
    key = _key(vendor, "reopen")
    _before_the_page(visit, f"sessionStorage.setItem('{key}', {junk})")
    visit.go()
    _opens(visit)
    assert visit.get("document.images.length") == 0
    assert visit.get(f"sessionStorage.getItem('{key}')") is None
    visit.go("/other")
    assert visit.get("livechat.state") == "waiting"  # once


# Our own server does not say who it is.

ANSWERS: dict[str, Callable[[], Any]] = {
    "500": lambda: ("<h1>Internal Server Error</h1>", 500),
    "a page": lambda: "<!doctype html><title>Site</title>",
    "nothing": lambda: ("", 200, {"Content-Type": "application/json"}),
    "null": lambda: ("null", 200, {"Content-Type": "application/json"}),
    "a list": list,
    "no who": lambda: {"visitor": None, "proof": None, "context": {}, "events": []},
    "who of another kind": lambda: {"who": 5, "visitor": None, "proof": None, "context": {}, "events": []},
    "no events": lambda: {"who": "x", "visitor": None, "proof": None, "context": {}},
    "a login page": lambda: redirect("/plain"),
    "403": lambda: ({"who": "", "events": []}, 403),
}


@every_vendor
def test_without_an_answer_nobodys_identity_is_started(site: Site, visit: Visit, vendor: str) -> None:
    app = site(vendor, LOAD="manual", IDENTITY_DELIVERY="fetch", extra=ASK)
    right = app.view_functions["livechat.identity"]
    visit.go("/login/1")
    for count, answer in enumerate(ANSWERS.values(), 1):
        app.view_functions["livechat.identity"] = answer
        visit.page.click("#ask")
        assert _failed(visit, count) == "identity"
        assert visit.get("livechat.state") == "failed"
        assert _note(visit) == SORRY
    assert _asked(visit, vendor) == []
    app.view_functions["livechat.identity"] = right
    visit.page.click("#ask")
    _opens(visit)
    visit.until("__livechat_sandbox.identity.verified")


@one_vendor
def test_an_answer_that_never_comes_is_a_failure_and_a_click_tries_again(site: Site, visit: Visit, vendor: str) -> None:
    app = site(vendor, LOAD="manual", IDENTITY_DELIVERY="fetch", extra=ASK)
    right = app.view_functions["livechat.identity"]
    asked, over = Event(), Event()

    def never() -> Any:
        asked.set()
        over.wait(14)
        return "", 500

    app.view_functions["livechat.identity"] = never
    visit.page.clock.install()
    visit.go("/login/1")
    visit.page.click("#ask")
    visit.eventually(asked.is_set)
    visit.page.clock.run_for(20_000)
    assert _failed(visit) == "identity"  # before the vendor's own time is over
    assert _asked(visit, vendor) == []
    app.view_functions["livechat.identity"] = right
    over.set()
    visit.page.click("#ask")
    _opens(visit)
    visit.until("__livechat_sandbox.identity.verified")


# Never a dead button.

REASONS = ["blocked", "unreachable", "csp", "offline", "timeout", "error"]


def _break(visit: Visit, vendor: str, how: str) -> None:
    if how == "blocked":
        visit.net.down |= {HOSTS[vendor]}
    elif how == "unreachable":
        visit.page.route(f"https://{HOSTS[vendor]}/**", lambda route: route.abort("connectionrefused"))
    elif how == "offline":
        visit.page.context.set_offline(True)
    elif how in ("timeout", "error"):
        visit.net.broken = "0;" if how == "timeout" else "throw new Error('x')"


def _mend(visit: Visit, vendor: str) -> None:
    visit.net.down.clear()
    visit.net.broken = ""
    visit.page.unroute_all()
    visit.page.context.set_offline(False)


def _wait_for_failure(visit: Visit, vendor: str, how: str) -> None:
    """Until the vendor counts as failed, for the reason that it is."""
    if how == "timeout":
        visit.eventually(lambda: _asked(visit, vendor))
        visit.page.clock.run_for(20_000)
    expected = "blocked" if how == "unreachable" else how
    assert _failed(visit) == expected
    if how == "csp":
        assert len(visit.violations) == 1
    visit.violations.clear()
    visit.errors.clear()


@pytest.mark.parametrize("how", REASONS)
@every_vendor
def test_a_failure_says_why_and_the_next_click_tries_again(site: Site, visit: Visit, vendor: str, how: str) -> None:
    site(vendor, LOAD="manual", LAUNCHER="own", CSP="off" if how == "csp" else "merge")
    visit.page.clock.install()
    visit.go()
    _break(visit, vendor, how)
    _own_button(visit).click()
    _wait_for_failure(visit, vendor, how)
    visit.until("livechat.state === 'failed'")
    assert _note(visit) == SORRY
    assert _own_button(visit).get_attribute("aria-busy") == "false"
    if how == "csp":
        site(vendor, LOAD="manual", LAUNCHER="own")  # only a new page has another policy
        visit.go()
    _mend(visit, vendor)
    _own_button(visit).click()
    _opens(visit)
    assert visit.page.get_by_role("status").count() == 0
    assert visit.snapshot()["opened"] == 1


@pytest.mark.parametrize("how", [how for how in REASONS if how not in ("offline", "unreachable", "timeout")])
@pytest.mark.parametrize("place", ["fallback", "link"])
@one_vendor
def test_a_failure_leads_to_where_somebody_answers(site: Site, visit: Visit, vendor: str, how: str, place: str) -> None:
    more = {"FALLBACK_URL": "/other?from=chat"} if place == "fallback" else {}
    site(vendor, LOAD="manual", CSP="off" if how == "csp" else "merge", **more)
    visit.page.clock.install()
    visit.go()
    visit.get(
        "document.addEventListener('livechat:failed', ({detail}) => sessionStorage.setItem('why', detail.reason)); 0"
    )
    _break(visit, vendor, how)
    visit.page.click("#opener")
    visit.page.wait_for_url("**/other?from=chat" if place == "fallback" else "**/contact")
    assert visit.get("sessionStorage.getItem('why')") == how
    visit.violations.clear()
    visit.errors.clear()


@every_vendor
def test_a_vendor_that_comes_after_all_is_welcome(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    visit.net.delay = 1.0
    visit.page.clock.install()
    visit.page.goto("https://www.site.test/", wait_until="commit")
    visit.eventually(lambda: _asked(visit, vendor))
    visit.page.clock.run_for(20_000)
    assert _failed(visit) == "timeout"
    visit.ready()


OTHERWISE: dict[str, Callable[[], Any]] = {
    "not found": lambda: ("", 404),
    "down": lambda: ("", 503),
    "empty": lambda: Response("", mimetype="text/javascript"),
    "a page": lambda: "<!doctype html><title>Sign in to the network</title>",
}


@pytest.mark.parametrize("answer", list(OTHERWISE))
@one_vendor
def test_the_first_file_works_without_the_second(site: Site, visit: Visit, vendor: str, answer: str) -> None:
    app = site(vendor, LOAD="manual", LAUNCHER="own")
    broken = True

    @app.before_request
    def instead() -> Any:
        return OTHERWISE[answer]() if broken and f"{vendor}-session" in request.path else None

    visit.go()
    _own_button(visit).click()
    assert _failed(visit) == "blocked"
    assert _note(visit) == SORRY
    visit.errors.clear()  # a page is no JavaScript
    assert _asked(visit, vendor) == []
    assert visit.get("livechat.track('seen')") is True
    broken = False
    _own_button(visit).click()
    _opens(visit)
    visit.until("__livechat_sandbox.events.some((event) => event.name === 'seen')")


# Telling our own server.


def _record_reports(app: Flask) -> list[Any]:
    reports: list[Any] = []

    @app.before_request
    def record() -> None:
        if request.path == "/livechat/failures":
            reports.append((request.get_json(), dict(request.cookies)))

    return reports


@pytest.mark.parametrize("how", ["blocked", "csp", "error"])
@one_vendor
def test_a_failure_is_reported_once_and_without_cookies(
    site: Site, visit: Visit, vendor: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = site(vendor, LOAD="eager", REPORT_FAILURES=True, CSP="off" if how == "csp" else "merge")
    reports = _record_reports(app)
    _break(visit, vendor, how)
    visit.go("/login/1")
    _wait_for_failure(visit, vendor, how)
    visit.eventually(lambda: caplog.records)
    visit.page.wait_for_timeout(200)
    assert reports == [({"provider": vendor, "reason": how}, {})]
    said = [record.getMessage() for record in caplog.records]
    assert said == [f"livechat: {vendor} did not start in a browser: {how} (1 so far)."]


@one_vendor
def test_nothing_is_reported_unless_switched_on(site: Site, visit: Visit, vendor: str) -> None:
    app = site(vendor, LOAD="eager")
    reports = _record_reports(app)
    _break(visit, vendor, "blocked")
    visit.go()
    _wait_for_failure(visit, vendor, "blocked")
    visit.page.wait_for_timeout(200)
    assert reports == []


@one_vendor
def test_a_report_that_cannot_be_sent_breaks_nothing(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual", REPORT_FAILURES=True, extra=ASK)
    visit.go()
    _break(visit, vendor, "offline")
    words = []
    visit.page.on("dialog", lambda dialog: (words.append(dialog.message), dialog.accept()))
    visit.page.click("#ask")
    _wait_for_failure(visit, vendor, "offline")
    visit.eventually(lambda: [word.strip() for word in words] == [SORRY])  # not even our own button can be had
    _mend(visit, vendor)


def test_a_launcher_whose_link_leads_nowhere_says_so(site: Site, visit: Visit) -> None:
    site("crisp", LOAD="manual", extra='<a id="bare" href="#" data-livechat-open>Chat</a>')
    _break(visit, "crisp", "blocked")
    visit.go()
    visit.page.click("#bare")
    visit.page.get_by_role("status").wait_for()
    assert _note(visit) == SORRY
    assert visit.get("location.href.includes('#')") is False

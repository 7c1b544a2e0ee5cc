"""Pages swapped without a reload, by the real libraries: the widget stays, and the new page's word counts."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from flask import Flask, redirect, render_template_string, request
from flask_login import login_user, logout_user

from flask_livechat import Visitor

from .conftest import HOSTS, KEYS, SITE, VENDORS, User, Visit

MODULES = Path(__file__).parent.parent / "js" / "node_modules"
LIBRARIES = {
    "turbo": "@hotwired/turbo/dist/turbo.es2017-umd.js",
    "htmx2": "htmx.org/dist/htmx.min.js",
    "htmx4": "htmx-next/dist/htmx.min.js",
}
CACHING = ("turbo", "htmx2")  # these keep copies of pages; the others ask for a page again
NAMES = ("one", "two", "without", "manual", "elsewhere")
# Turbo fetches a link that the mouse is over, and whoever comes back to a page has it there still: not this logout.
PAGE = """<!doctype html><html lang="en"><head><title>{{ name }}</title>{{ head|safe }}
<script src="/library.js"></script></head><body>
<main hx-boost="true" hx-boost:inherited="true"><h1 id="where">{{ name }}</h1>
<p>{% for name in names %}<a id="to-{{ name }}" href="/page/{{ name }}">{{ name }}</a> {% endfor %}
<a id="leave" href="/leave" data-turbo-prefetch="false">leave</a>
{% if number %}<a id="next" href="/page/{{ number + 1 }}">next</a>{% endif %}</p>
<p><a id="launch" href="/page/contact" data-livechat-open>Chat with us</a> <b data-livechat-unread></b></p>
{% for path in ("/leave", "/leave?to=without", "/enter/1", "/enter/2", "/switch/2", "/buy") %}
<form method="post" action="{{ path }}"><button>{{ path }}</button></form>{% endfor %}
</main>{{ livechat() }}</body></html>"""
HISTORY = """
async function show(address, options) {
  const answer = await fetch(address, options);
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (options) history.pushState({}, "", answer.url);
  document.title = next.title;
  document.querySelector("main").replaceWith(next.querySelector("main"));
  const tag = "script#livechat, script[src^='/livechat/']";
  document.querySelectorAll(`body > :is(${tag})`).forEach((element) => element.remove());
  document.body.append(...next.querySelectorAll(tag));
}
addEventListener("click", (event) => {
  const link = event.target.closest("main a");
  if (!link || event.defaultPrevented) return;
  event.preventDefault();
  show(link.href, {});
});
addEventListener("submit", (event) => {
  event.preventDefault();
  show(event.target.action, {method: "POST"});
});
addEventListener("popstate", () => show(location.href));
"""
# Puts a frame into the vendor's container, as all three have one, and notes what the vendor is told.
PROBE = """
(function put() {
  const host = document.querySelector("[id^=livechat-sandbox-]");
  if (!host) return setTimeout(put, 20);
  window.__frame = host.appendChild(document.createElement("iframe")).contentWindow;
  __frame.document.body.textContent = "written into the frame";
})();
(function listen() {
  if (!window.Intercom) return;
  if (!window.__livechat_sandboxes?.intercom) return setTimeout(listen);  // the messenger runs a while after its script
  const real = window.Intercom;
  window.__told = [];
  window.Intercom = Object.assign((...call) => { __told.push(call); return real(...call); }, real);
})();
"""
# Looks at every frame that is painted: how many widgets there are, and whether the panel can be seen.
SAMPLE = """
window.__seen = new Set();
(function sample() {
  const hosts = [...document.querySelectorAll("[id^=livechat-sandbox-]")];
  const panel = hosts[0]?.shadowRoot?.querySelector(".panel");
  __seen.add(`${hosts.length} ${!!panel?.checkVisibility({visibilityProperty: true, opacityProperty: true})}`);
  requestAnimationFrame(sample);
})();
"""
Swaps = Callable[..., Flask]

every_vendor = pytest.mark.parametrize("vendor", VENDORS)
every_library = pytest.mark.parametrize("library", [*LIBRARIES, "history"])
# Where neither the vendor nor the library is what it is about: each of them once.
# Intercom's own loader leaves and comes back with Turbo's visits; with the others its messenger stays.
library_that_intercom_stays_with = pytest.mark.parametrize("library", ["htmx2", "htmx4", "history"])
every_pair = pytest.mark.parametrize(
    ("library", "vendor"), [("turbo", "crisp"), ("htmx2", "intercom"), ("htmx4", "tawk"), ("history", "crisp")]
)
caching_library = pytest.mark.parametrize("library", CACHING)
both_deliveries = pytest.mark.parametrize("delivery", ["inline", "fetch"])


@pytest.fixture
def swaps(site: Callable[..., Flask]) -> Swaps:
    """Puts a site on www.site.test whose links and forms swap pages by ``library``."""

    def make(vendor: str, library: str, *, head: str = "", **config: Any) -> Flask:
        source = HISTORY if library == "history" else _source(library)
        rules = [
            {"path": "/page/without", "show": False},
            {"path": "/page/manual", "load": "manual"},
            *config.pop("RULES", ()),
        ]
        app = site(vendor, **{"LOAD": "eager", "RULES": rules, **config})
        livechat = app.extensions["livechat"].livechat
        app.add_url_rule("/library.js", "library", lambda: (source, {"Content-Type": "text/javascript"}))

        @app.route("/page/<name>")
        def swapped(name: str) -> str:
            number = int(name) if name.isdigit() else 0
            return render_template_string(PAGE, name=name, names=NAMES, number=number, head=head)

        @app.post("/enter/<number>")
        def enter(number: str) -> Any:
            login_user(User(number))
            return redirect("/page/two", 303)

        @app.post("/switch/<number>")
        def leave_and_enter(number: str) -> Any:
            logout_user()
            return enter(number)

        @app.route("/leave", methods=["GET", "POST"])
        def leave() -> Any:
            logout_user()
            return redirect(f"/page/{request.args.get('to', 'two')}", 303)

        @app.post("/buy")
        def buy() -> Any:
            livechat.track("bought")
            return redirect("/page/two", 303)

        @app.after_request
        def policy(response: Any) -> Any:
            # Turbo and htmx 2 write a style element; script-src is what must hold.
            response.headers["Content-Security-Policy"] = "default-src 'self'; style-src 'self' 'unsafe-inline'"
            return response

        return app

    return make


def _source(library: str) -> str:
    path = MODULES / LIBRARIES[library]
    if not path.exists():
        missing = f"{library} is missing; `make js` installs it where npm is."
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    return path.read_text("utf-8")


def _arrived(visit: Visit, name: str) -> None:
    """The page is there, for good, and it came by a swap."""
    visit.until(
        f"""document.querySelector("#where").textContent === "{name}" && location.pathname === "/page/{name}"
        && !document.documentElement.hasAttribute("data-turbo-preview")
        && !document.documentElement.hasAttribute("aria-busy")
        && !document.querySelector("html > [id^=livechat-sandbox-], .htmx-settling, .htmx-swapping")"""
    )
    assert visit.get("window.__alive"), "the page was loaded anew"


def _land(visit: Visit, name: str = "one") -> None:
    """A page of its own, whose window is recognised later."""
    visit.go(f"/page/{name}")
    visit.get("window.__alive = true")


def _to(visit: Visit, name: str) -> None:
    visit.page.click(f"#to-{name}")
    _arrived(visit, name)


def _move(visit: Visit, step: str, name: str) -> None:
    visit.get(f"history.{step}()")
    _arrived(visit, name)


def _is_previewed(visit: Visit, name: str) -> None:
    visit.until(
        f"document.documentElement.hasAttribute('data-turbo-preview') && "
        f"document.querySelector('#where').textContent === '{name}'"
    )


def _gate(app: Flask, path: str) -> threading.Event:
    """While the event is not set, the app does not answer there."""
    opened = threading.Event()
    opened.set()

    @app.before_request
    def wait() -> None:
        if request.path == path:
            opened.wait(10)

    return opened


def _submit(visit: Visit, path: str, name: str = "two") -> None:
    visit.page.click(f"form[action='{path}'] button")
    _arrived(visit, name)


def _scripts(visit: Visit, vendor: str) -> list[str]:
    return [line for line in visit.net.asked(vendor) if line.startswith(HOSTS[vendor]) and "/sandbox/" not in line]


def _host(vendor: str) -> str:
    return f"document.querySelector('#livechat-sandbox-{vendor}')"


def _opened(visit: Visit, vendor: str) -> str:
    """A chat in which somebody is just writing. Returns its session."""
    visit.net.probes[vendor] = PROBE
    _land(visit)
    visit.ready()
    visit.until("__livechat_sandbox.session && window.__frame")
    visit.get("livechat.open(); 0")
    visit.until("__livechat_sandbox.open")
    visit.page.fill(f"#livechat-sandbox-{vendor} textarea", "not sent yet")
    seen = "checkVisibility({visibilityProperty: true, opacityProperty: true})"
    visit.until(f"{_host(vendor)}.shadowRoot.querySelector('.panel').{seen}")  # it fades in
    visit.get(SAMPLE + "0")
    return str(visit.snapshot()["session"])


def _is_kept(visit: Visit, vendor: str, session: str, library: str) -> None:
    """It is the very widget of before, and nobody has seen it go.

    Intercom's own loader leaves with each visit of Turbo: there a new messenger has the same session, and is open.
    """
    if (vendor, library) == ("intercom", "turbo"):
        visit.until(
            f"__livechat_sandbox.session === '{session}' && __livechat_sandbox.open && __livechat_sandbox.styled"
        )
        assert visit.get("document.querySelectorAll('[id^=livechat-sandbox-]').length") == 1
        assert visit.get("livechat.state") == "ready"
        return
    snapshot = visit.snapshot()
    assert (snapshot["session"], snapshot["open"], snapshot["opened"]) == (session, True, 1)
    assert visit.get(f"{_host(vendor)}.shadowRoot.querySelector('textarea').value") == "not sent yet"
    assert visit.get(f"{_host(vendor)}.querySelector('iframe').contentWindow === __frame")
    assert visit.get("__frame.document.body.textContent") == "written into the frame"
    assert visit.get("document.querySelectorAll('[id^=livechat-sandbox-]').length") == 1
    assert len(_scripts(visit, vendor)) == 1
    assert visit.get("livechat.state") == "ready"
    assert visit.get("[...__seen]") == ["1 true"]


def _chat(visit: Visit, number: str = "1") -> str:
    """Log in, be verified, and get an answer that nobody else may see. Returns the session that holds it."""
    visit.go(f"/login/{number}")
    _land(visit)
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified")
    visit.reply(f"a secret for visitor {number}")
    visit.until("__livechat_sandbox.messages.length === 1")
    return str(visit.snapshot()["session"])


def _go_on(visit: Visit, vendor: str) -> None:
    """Tawk.to starts again in a new page only, when a person asks; the others have by themselves."""
    if vendor == "tawk":
        visit.until("livechat.state === 'ended'")
        with visit.page.expect_event("load"):
            visit.page.click("#launch")
    visit.ready()
    visit.until("__livechat_sandbox.session")


def _is_nobody(visit: Visit, before: str) -> None:
    visit.page.wait_for_timeout(300)
    snapshot = visit.snapshot()
    assert snapshot["identity"]["state"] == "anonymous"
    assert snapshot["messages"] == []
    assert snapshot["session"] != before
    assert before not in visit.get("document.cookie + JSON.stringify(localStorage)")


def _is_the_second(visit: Visit, before: str) -> None:
    visit.until("__livechat_sandbox.identity.verified && __livechat_sandbox.identity.email === 'visitor2@example.com'")
    snapshot = visit.snapshot()
    assert snapshot["session"] != before
    assert snapshot["messages"] == []
    assert visit.net.vendors is not None
    first = visit.net.vendors.test_client().get(f"/sandbox/desk/state?wait=0&session={before}").get_json()
    assert "visitor2" not in str(first["detail"])


# The widget stays.


@every_library
@every_vendor
def test_a_visit_keeps_the_widget(swaps: Swaps, visit: Visit, vendor: str, library: str) -> None:
    swaps(vendor, library)
    session = _opened(visit, vendor)
    _to(visit, "two")
    _is_kept(visit, vendor, session, library)
    _to(visit, "one")
    _is_kept(visit, vendor, session, library)


@every_vendor
def test_a_morphed_page_keeps_the_widget(swaps: Swaps, visit: Visit, vendor: str) -> None:
    swaps(vendor, "turbo", head='<meta name="turbo-refresh-method" content="morph">')
    session = _opened(visit, vendor)
    visit.get("document.addEventListener('turbo:morph', () => { window.__morphed = true; })")
    visit.get("Turbo.visit(location.href, {action: 'replace'}); 0")
    visit.until("window.__morphed")
    _arrived(visit, "one")
    _is_kept(visit, vendor, session, "turbo")


@every_library
@every_vendor
def test_back_and_forward_keep_the_widget(swaps: Swaps, visit: Visit, vendor: str, library: str) -> None:
    swaps(vendor, library)
    session = _opened(visit, vendor)
    _to(visit, "two")
    asked = visit.net.log.count("www.site.test/page/one")
    for step, name in (("back", "one"), ("forward", "two"), ("back", "one")):
        _move(visit, step, name)
        _is_kept(visit, vendor, session, library)
    if library in CACHING:  # else these pages did not come out of the cache
        assert visit.net.log.count("www.site.test/page/one") == asked
    assert "livechat-sandbox" not in visit.get("JSON.stringify(sessionStorage)")


@every_vendor
def test_a_preview_changes_nothing(swaps: Swaps, visit: Visit, vendor: str) -> None:
    hold = _gate(swaps(vendor, "turbo"), "/page/without")
    session = _opened(visit, vendor)
    _to(visit, "without")
    _to(visit, "two")
    visit.get("livechat.open(); 0")  # a page without chat had hidden it
    visit.until("__livechat_sandbox.open")
    opened = visit.snapshot()["opened"]
    visit.eventually(lambda: visit.desk()["attributes"].get("path") == "/page/two")
    before = visit.desk()["attributes"]
    hold.clear()
    visit.get("document.querySelector('#to-without').click()")
    _is_previewed(visit, "without")
    visit.page.wait_for_timeout(300)
    if vendor != "intercom":  # whose own loader has left with the visit by now
        snapshot = visit.snapshot()
        assert (snapshot["session"], snapshot["open"], snapshot["opened"]) == (session, True, opened)
        assert visit.desk()["attributes"] == before
    hold.set()
    _arrived(visit, "without")
    visit.until("!__livechat_sandbox.launcher")


@every_vendor
@pytest.mark.parametrize("pause_s", [0.3, 1.5])
def test_a_logout_by_a_swap_that_takes_the_widget_along_goes_on_as_nobody(
    swaps: Swaps, visit: Visit, vendor: str, pause_s: float
) -> None:
    """The vendor's script comes back late: what went with the page before was somebody's, and is not waited for."""
    swaps(vendor, "turbo")
    before = _chat(visit)
    visit.net.gate.clear()
    visit.page.click("#leave")
    _arrived(visit, "two")
    visit.pause(pause_s)
    visit.net.gate.set()
    _go_on(visit, vendor)
    _is_nobody(visit, before)


@every_vendor
def test_a_logout_by_a_swap_that_begins_while_the_vendor_is_starting_goes_on_as_nobody(
    swaps: Swaps, visit: Visit, vendor: str
) -> None:
    """A vendor may say a second time that it is ready, when the visit has already taken its elements along."""
    hold = _gate(swaps(vendor, "turbo"), "/leave")
    # An adapter that looks again looks within the visit, however slow the machine is.
    visit.page.add_init_script("{ const real = setInterval; window.setInterval = (call, ms) => real(call, 6 * ms); }")
    visit.go("/login/1")
    _land(visit)
    visit.ready()
    hold.clear()
    visit.page.click("#leave")
    visit.pause(2)
    hold.set()
    _arrived(visit, "two")
    _go_on(visit, vendor)
    assert visit.snapshot()["identity"]["state"] == "anonymous"


@pytest.mark.parametrize("vendor", ["intercom", "tawk"])  # which can be started anew
def test_a_logout_while_a_lost_widget_comes_back_goes_on_as_nobody(swaps: Swaps, visit: Visit, vendor: str) -> None:
    swaps(vendor, "htmx2")
    visit.page.add_init_script("delete Element.prototype.moveBefore")
    before = _chat(visit)
    visit.net.gate.clear()
    _to(visit, "two")
    visit.until("livechat.state === 'loading'")
    _submit(visit, "/leave")
    visit.net.gate.set()
    _go_on(visit, vendor)
    _is_nobody(visit, before)


@every_vendor
def test_a_preview_of_a_visitors_page_is_nobodys_page(swaps: Swaps, visit: Visit, vendor: str) -> None:
    """A copy from before the logout. It is not even a reason to ask who is there."""
    hold = _gate(swaps(vendor, "turbo"), "/page/one")
    before = _chat(visit)
    visit.page.click("#leave")
    _arrived(visit, "two")
    hold.clear()
    visit.get("document.querySelector('#to-one').click()")
    _is_previewed(visit, "one")
    assert '"who":""' not in visit.get("document.querySelector('script#livechat').textContent")
    visit.page.wait_for_timeout(300)
    hold.set()
    _arrived(visit, "one")
    assert '"who":""' in visit.get("document.querySelector('script#livechat').textContent")
    _go_on(visit, vendor)
    _is_nobody(visit, before)
    assert visit.net.log.count("www.site.test/livechat/identity") == 0


# The new page's rule.


@every_pair
def test_a_page_without_chat_hides_the_widget_and_the_next_shows_it(
    swaps: Swaps, visit: Visit, vendor: str, library: str
) -> None:
    swaps(vendor, library)
    _land(visit)
    visit.ready()
    visit.until("__livechat_sandbox.launcher")
    _to(visit, "without")
    visit.until("!__livechat_sandbox.launcher")
    _to(visit, "two")
    visit.until("__livechat_sandbox.launcher")
    _move(visit, "back", "without")
    visit.until("!__livechat_sandbox.launcher")
    assert len(_scripts(visit, vendor)) == 1


@every_pair
def test_a_launcher_on_a_page_without_chat_leads_away(swaps: Swaps, visit: Visit, vendor: str, library: str) -> None:
    swaps(vendor, library, FALLBACK_URL="/contact")
    _land(visit)
    visit.ready()
    _to(visit, "without")
    visit.until("!__livechat_sandbox.launcher")
    visit.get("livechat.open()")
    visit.page.wait_for_url("**/contact")


@every_pair
def test_the_new_pages_strategy_counts(swaps: Swaps, visit: Visit, vendor: str, library: str) -> None:
    swaps(vendor, library)
    _land(visit, "manual")
    _to(visit, "without")
    _to(visit, "manual")
    visit.page.wait_for_timeout(300)
    assert _scripts(visit, vendor) == []  # an earlier test's stand-in may still have something to say
    _to(visit, "two")
    visit.ready()
    visit.until("__livechat_sandbox.launcher")


@every_pair
def test_the_new_page_has_the_unread_count(swaps: Swaps, visit: Visit, vendor: str, library: str) -> None:
    swaps(vendor, library)
    _land(visit)
    visit.ready()
    visit.until("__livechat_sandbox.session")
    visit.reply("Hello there")
    visit.until("document.querySelector('[data-livechat-unread]').textContent === '1'")
    _to(visit, "two")
    visit.until("document.querySelector('[data-livechat-unread]').textContent === '1'")
    visit.page.click("#launch")
    visit.until("document.querySelector('[data-livechat-unread]').textContent === ''")
    _move(visit, "back", "one")
    visit.until("document.querySelector('[data-livechat-unread]').textContent === ''")


@pytest.mark.parametrize("library", LIBRARIES)  # the History API tells nobody that a page has come again as it was
@every_vendor
def test_the_same_page_again_has_the_unread_count(swaps: Swaps, visit: Visit, vendor: str, library: str) -> None:
    swaps(vendor, library)
    _land(visit)
    visit.ready()
    visit.until("__livechat_sandbox.session")
    visit.reply("Hello there")
    visit.until("document.querySelector('[data-livechat-unread]').textContent === '1'")
    visit.get("document.querySelector('main').id = 'old'")
    visit.page.click("#to-one")
    visit.until("!document.querySelector('#old')")
    _arrived(visit, "one")
    visit.until("document.querySelector('[data-livechat-unread]').textContent === '1'")


@every_pair
def test_the_new_pages_launcher_opens_once(swaps: Swaps, visit: Visit, vendor: str, library: str) -> None:
    swaps(vendor, library)
    _land(visit)
    visit.ready()
    _to(visit, "two")
    visit.page.click("#launch")
    visit.until("__livechat_sandbox.open")
    visit.page.wait_for_timeout(300)
    assert visit.snapshot()["opened"] == 1
    _arrived(visit, "two")


@every_pair
def test_another_providers_page_is_loaded_anew_once(swaps: Swaps, visit: Visit, vendor: str, library: str) -> None:
    other = VENDORS[VENDORS.index(vendor) - 1]
    keys = {key.removeprefix("LIVECHAT_"): value for key, value in KEYS[other].items()}
    swaps(vendor, library, RULES=[{"path": "/page/elsewhere", "provider": other}], **keys)
    _land(visit)
    visit.ready()
    with visit.page.expect_event("load"):
        visit.page.click("#to-elsewhere")
    visit.ready()
    visit.page.wait_for_timeout(300)
    assert visit.page.url == f"{SITE}/page/elsewhere"
    assert visit.snapshot()["vendor"] == other
    assert visit.net.log.count("www.site.test/page/elsewhere") == 2  # the swap's, and the reload's
    assert visit.get("document.querySelectorAll('[id^=livechat-sandbox-]').length") == 1


# The new page's context and events.


@every_pair
def test_the_new_pages_context_reaches_the_vendor(swaps: Swaps, visit: Visit, vendor: str, library: str) -> None:
    swaps(vendor, library)
    _land(visit)
    visit.ready()
    visit.eventually(lambda: visit.desk()["attributes"].get("path") == "/page/one")
    _to(visit, "two")
    visit.eventually(lambda: visit.desk()["attributes"].get("path") == "/page/two")
    _move(visit, "back", "one")
    visit.eventually(lambda: visit.desk()["attributes"].get("path") == "/page/one")


@every_pair
def test_an_event_of_the_new_page_is_delivered_once(swaps: Swaps, visit: Visit, vendor: str, library: str) -> None:
    swaps(vendor, library)
    _land(visit)
    visit.ready()
    _submit(visit, "/buy")
    visit.eventually(lambda: visit.desk()["events"])
    _to(visit, "one")
    _move(visit, "back", "two")  # a copy of the page that brought the event
    visit.eventually(lambda: visit.desk()["attributes"].get("path") == "/page/two")
    visit.page.wait_for_timeout(300)
    assert [event["name"] for event in visit.desk()["events"]] == ["bought"]


@library_that_intercom_stays_with
def test_intercom_takes_twenty_updates_at_most(swaps: Swaps, visit: Visit, library: str) -> None:
    swaps("intercom", library)
    dropped: list[str] = []
    visit.page.on("console", lambda message: dropped.append(message.text) if "dropped" in message.text else None)
    # The pause in which changes add up, in a blink: or 30 pages would be few updates.
    visit.page.add_init_script(
        "const real = setTimeout; window.setTimeout = (then, ms, ...more) => real(then, ms === 300 ? 0 : ms, ...more);"
    )
    _land(visit, "1")
    visit.ready()
    for number in range(2, 32):
        visit.get("document.querySelector('#next').click()")
        _arrived(visit, str(number))
    visit.until("__livechat_sandbox.pings >= 20")
    visit.page.wait_for_timeout(300)
    assert visit.snapshot()["pings"] == 20  # the boot is one of them
    assert dropped == []


@library_that_intercom_stays_with
def test_intercom_hears_nothing_of_a_page_that_says_the_same(swaps: Swaps, visit: Visit, library: str) -> None:
    app = swaps("intercom", library)
    visit.net.probes["intercom"] = PROBE
    pages = iter(range(100))

    @app.after_request
    def same(response: Any) -> Any:
        if response.mimetype == "text/html":
            text = response.get_data(as_text=True)
            block = text.rpartition('<script type="application/json"')[2]
            alike = block.replace("/page/one", "/page/x").replace("/page/two", "/page/x")
            # Not quite the same block, so that it is read.
            alike = alike.replace('"settings":{', f'"settings":{{"locale":"x{next(pages)}",', 1)
            response.set_data(text.replace(block, alike))
        return response

    _land(visit)
    visit.ready()
    for name in ("two", "one", "two"):
        _to(visit, name)
    visit.page.wait_for_timeout(300)
    assert visit.snapshot()["pings"] == 1  # the boot
    assert [call[0] for call in visit.get("__told") if call[0] in ("update", "boot")] == []


@library_that_intercom_stays_with
def test_intercom_hears_of_several_changes_at_once(swaps: Swaps, visit: Visit, library: str) -> None:
    swaps("intercom", library)
    visit.net.probes["intercom"] = PROBE
    visit.go("/login/1")
    _land(visit)
    visit.ready()
    visit.page.wait_for_timeout(300)
    visit.get(
        "livechat.update({seats: 3}); livechat.update({theme: 'dark'}); document.querySelector('#to-two').click()"
    )
    visit.eventually(lambda: visit.desk()["attributes"].get("path") == "/page/two")
    assert visit.snapshot()["pings"] <= 3  # with the boot; the page may come after the pause
    updates = [call[1] for call in visit.get("__told") if call[0] == "update"]
    together = {name: value for update in updates for name, value in update.items()}
    assert (together["seats"], together["theme"], together["path"]) == (3, "dark", "/page/two")
    assert len([update for update in updates if "seats" in update and "theme" in update]) == 1
    assert all(update["intercom_user_jwt"] for update in updates)


@both_deliveries
@library_that_intercom_stays_with
def test_an_update_carries_the_newest_token(swaps: Swaps, visit: Visit, library: str, delivery: str) -> None:
    """The first page's is worth nothing any more when the visitor has gone from page to page for hours."""
    app = swaps("intercom", library, IDENTITY_DELIVERY=delivery)
    visit.net.probes["intercom"] = PROBE
    livechat, counter, asked = app.extensions["livechat"].livechat, iter(range(1000)), []
    livechat.now = lambda: datetime.now(UTC) - timedelta(seconds=7170)  # tokens have 30 seconds left

    @livechat.visitor_loader
    def load(user: User) -> Visitor:
        return Visitor(id=user.id, name=f"Name {next(counter)}")  # no two tokens are alike

    @app.after_request
    def note(response: Any) -> Any:
        if request.path == "/livechat/identity":
            asked.append(response.get_json()["proof"]["jwt"])
        return response

    visit.go("/login/1")
    _land(visit)
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified")
    del livechat.now
    _to(visit, "two")
    visit.eventually(lambda: visit.desk()["attributes"].get("path") == "/page/two")
    told = [call[1] for call in visit.get("__told") if call[0] in ("boot", "update")]
    [path] = [values for values in told if values.get("path") == "/page/two"]  # a new token goes with a boot
    assert path["intercom_user_jwt"] == asked[-1]


@both_deliveries
def test_an_update_that_waits_for_a_token_while_the_page_is_swapped_carries_the_newest(
    swaps: Swaps, visit: Visit, delivery: str
) -> None:
    """What the server answers then is about the page before, and the token of that is nearly over."""
    app = swaps("intercom", "history", IDENTITY_DELIVERY=delivery)
    visit.net.probes["intercom"] = PROBE
    livechat = app.extensions["livechat"].livechat
    livechat.now = lambda: datetime.now(UTC) - timedelta(seconds=7170)  # tokens have 30 seconds left
    hold = _gate(app, "/livechat/identity")
    visit.go("/login/1")
    _land(visit)
    visit.ready()
    visit.eventually(lambda: visit.desk()["attributes"].get("path") == "/page/one")
    hold.clear()
    asked = visit.net.log.count("www.site.test/livechat/identity")
    visit.get("livechat.update({seats: 4})")
    visit.eventually(lambda: visit.net.log.count("www.site.test/livechat/identity") > asked)
    _to(visit, "two")
    del livechat.now
    hold.set()
    visit.eventually(lambda: visit.desk()["attributes"].get("path") == "/page/two")
    [update] = [call[1] for call in visit.get("__told") if call[1].get("path") == "/page/two"]
    claims = jwt.decode(update["intercom_user_jwt"], options={"verify_signature": False})
    assert claims["exp"] > time.time() + 60


# Who it is on the new page.


@both_deliveries
@every_pair
def test_a_login_identifies_the_running_chat(
    swaps: Swaps, visit: Visit, vendor: str, library: str, delivery: str
) -> None:
    swaps(vendor, library, IDENTITY_DELIVERY=delivery)
    _land(visit)
    visit.ready()
    visit.until("__livechat_sandbox.session")
    visit.get("livechat.open(); 0")
    visit.page.fill(f"#livechat-sandbox-{vendor} textarea", "from nobody in particular")
    visit.page.press(f"#livechat-sandbox-{vendor} textarea", "Enter")
    visit.until("__livechat_sandbox.messages.length === 1")
    _submit(visit, "/enter/1")
    visit.until("__livechat_sandbox.identity.verified")
    visit.until("__livechat_sandbox.messages.length === 1")
    assert visit.snapshot()["messages"] == [{"from": "visitor", "text": "from nobody in particular"}]
    visit.until("__livechat_sandbox.open")  # Tawk.to's panel closes with the session, and is opened again
    assert visit.get("livechat.state") == "ready"


@both_deliveries
@every_vendor
def test_a_login_while_the_vendor_is_on_its_way_identifies(
    swaps: Swaps, visit: Visit, vendor: str, delivery: str
) -> None:
    swaps(vendor, "history", IDENTITY_DELIVERY=delivery)
    visit.net.gate.clear()
    visit.page.goto(f"{SITE}/page/one", wait_until="domcontentloaded")
    visit.get("window.__alive = true")
    visit.eventually(lambda: _scripts(visit, vendor))
    _submit(visit, "/enter/1")
    assert visit.get("livechat.state") == "loading"
    visit.net.gate.set()
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified")
    assert visit.snapshot()["identity"]["email"] == "visitor1@example.com"


@pytest.mark.parametrize(("path", "delivery"), [("/enter/2", "fetch"), ("/switch/2", "inline")])
@every_pair
def test_a_switch_ends_the_first_visitors_session_first(
    swaps: Swaps, visit: Visit, vendor: str, library: str, path: str, delivery: str
) -> None:
    swaps(vendor, library, IDENTITY_DELIVERY=delivery)
    before = _chat(visit)
    _submit(visit, path)
    _go_on(visit, vendor)
    _is_the_second(visit, before)


@every_vendor
def test_a_switch_and_another_page_at_once_ends_the_first_visitors_session_first(
    swaps: Swaps, visit: Visit, vendor: str
) -> None:
    """The page after the login comes before our server has said who it is."""
    hold = _gate(swaps(vendor, "history", IDENTITY_DELIVERY="fetch"), "/livechat/identity")
    before = _chat(visit)
    hold.clear()
    _submit(visit, "/enter/2")
    _to(visit, "one")
    hold.set()
    _go_on(visit, vendor)
    _is_the_second(visit, before)


@pytest.mark.parametrize(("path", "events"), [("/leave", True), ("/leave?to=without", False)])
@every_pair
def test_a_logout_ends_the_chat(swaps: Swaps, visit: Visit, vendor: str, library: str, path: str, events: bool) -> None:
    """Also on a page without chat, and where no browser tells of the cookie that marks it."""
    swaps(vendor, library)
    if not events:
        visit.page.add_init_script("Object.defineProperty(window, 'cookieStore', {value: undefined})")
    before = _chat(visit)
    _submit(visit, path, path.partition("=")[2] or "two")
    visit.until(f"!(document.cookie + JSON.stringify(localStorage)).includes('{before}')")
    if "without" in path:
        visit.until("livechat.state === 'ended' && !__livechat_sandbox.launcher")
        _to(visit, "two")
    _go_on(visit, vendor)
    _is_nobody(visit, before)
    assert vendor not in visit.get("(document.cookie.match(/livechat_left=[^;]*/) || []).join()")


@every_vendor
def test_a_logout_is_not_taken_for_another_one_while_it_lasts(swaps: Swaps, visit: Visit, vendor: str) -> None:
    """Its mark is there until the vendor starts again, and whoever comes back to the window looks for marks."""
    swaps(vendor, "history")
    before = _chat(visit)
    visit.get("void setInterval(() => dispatchEvent(new Event('focus')), 5)")
    _submit(visit, "/leave")
    _go_on(visit, vendor)
    _is_nobody(visit, before)


@caching_library
@every_vendor
def test_a_copy_from_before_the_logout_starts_nobody(swaps: Swaps, visit: Visit, vendor: str, library: str) -> None:
    swaps(vendor, library)
    before = _chat(visit)
    asked = visit.net.log.count("www.site.test/page/one")
    visit.page.click("#leave")
    _arrived(visit, "two")
    _move(visit, "back", "one")
    assert visit.net.log.count("www.site.test/page/one") == asked
    assert '"who":""' not in visit.get("document.querySelector('script#livechat').textContent")
    _go_on(visit, vendor)
    _is_nobody(visit, before)


@caching_library
@every_vendor
def test_a_copy_of_the_page_after_a_logout_ends_nobody_elses_chat(
    swaps: Swaps, visit: Visit, vendor: str, library: str
) -> None:
    """It says that somebody has left, but that was before this visitor came."""
    swaps(vendor, library)
    _chat(visit)
    visit.page.click("#leave")
    _arrived(visit, "two")
    assert '"left":true' in visit.get("document.querySelector('script#livechat').textContent")
    _go_on(visit, vendor)
    if vendor == "tawk":  # it has gone on in a new page
        visit.get("window.__alive = true")
    visit.get("fetch('/enter/1', {method: 'POST'}).then(() => 0)")
    _to(visit, "one")
    visit.until("__livechat_sandbox.identity.verified")
    session = visit.snapshot()["session"]
    _move(visit, "back", "two")
    assert '"who":""' in visit.get("document.querySelector('script#livechat').textContent")
    visit.page.wait_for_timeout(300)
    assert visit.get("livechat.state") == "ready"
    snapshot = visit.snapshot()
    assert (snapshot["session"], snapshot["identity"]["verified"]) == (session, True)


@every_vendor
def test_a_page_of_somebody_else_ends_the_chat_although_the_server_does_not_answer(
    swaps: Swaps, visit: Visit, vendor: str
) -> None:
    app, down = swaps(vendor, "history"), threading.Event()

    @app.before_request
    def answer() -> Any:
        return ("", 500) if down.is_set() and request.path == "/livechat/identity" else None

    before = _chat(visit)
    down.set()
    _submit(visit, "/enter/2")
    visit.until("['ended', 'failed'].includes(livechat.state)")  # a new try fails: nobody says who it is
    assert before not in visit.get("document.cookie + JSON.stringify(localStorage)")


@every_vendor
def test_what_one_visitor_did_before_the_chat_started_is_not_told_of_the_next(
    swaps: Swaps, visit: Visit, vendor: str
) -> None:
    swaps(vendor, "history", LOAD="manual")
    visit.go("/login/1")
    _land(visit)
    visit.get("livechat.track('cancelled', {}); livechat.update({mood: 'gloomy'}); 0")
    _submit(visit, "/enter/2")
    visit.eventually(lambda: visit.get("livechat.state") == "waiting")
    visit.page.wait_for_timeout(400)
    visit.get("livechat.open(); 0")
    visit.ready()
    visit.page.wait_for_timeout(600)
    assert "cancelled" not in str(visit.desk())
    assert "gloomy" not in str(visit.desk())


@every_vendor
def test_a_page_that_comes_while_it_is_asked_who_it_is_does_not_stop_the_start(
    swaps: Swaps, visit: Visit, vendor: str
) -> None:
    app = swaps(vendor, "history", IDENTITY_DELIVERY="fetch", LOAD="manual")
    asked, go_on = threading.Event(), threading.Event()

    @app.before_request
    def slow() -> None:
        if request.path == "/livechat/identity":
            asked.set()
            go_on.wait(5)

    visit.go("/login/1")
    _land(visit)
    visit.get("livechat.open(); 0")
    visit.eventually(asked.is_set)
    _to(visit, "two")
    go_on.set()
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified && __livechat_sandbox.open")

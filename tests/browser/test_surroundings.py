"""The page around us: pages made ahead, swaps, blocked storage, menus, dialogs, layouts, names that are taken."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response, render_template_string, request
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from flask_livechat import LiveChat

from .conftest import HOST, KEYS, SITE, VENDORS, WORD, Visit
from .network import PAGE, SHOP

one_vendor = pytest.mark.parametrize("vendor", ["crisp"])  # where it is about what no vendor has a part in
every_vendor = pytest.mark.parametrize("vendor", VENDORS)
path = pytest.mark.path
Site = Callable[..., Any]
OPEN = "window.__livechat_sandbox && __livechat_sandbox.open"
WHO = "__livechat_sandbox.identity"


def _known(visit: Visit, number: str) -> None:
    visit.ready()
    visit.until(f"JSON.stringify({WHO}).includes('visitor{number}@example.com')")


# 1. What was made ahead of time.


def _prefetches(app: Any) -> None:
    """Pages that the browser may fetch before anybody asks for them."""
    rules = json.dumps({"prefetch": [{"urls": ["/other"], "eagerness": "immediate"}]})
    app.add_url_rule("/rules.json", "rules", lambda: Response(rules, mimetype="application/speculationrules+json"))

    @app.after_request
    def speculate(response: Response) -> Response:
        if request.path == "/":
            response.headers["Speculation-Rules"] = '"/rules.json"'
        return response


def _without_clear_site_data(app: Any) -> Any:
    """As for a browser that does not know what to clear."""

    def wrapped(environ: Any, start_response: Any) -> Any:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [pair for pair in headers if pair[0] != "Clear-Site-Data"], *rest)

        return app(environ, start)

    return wrapped


@path("a page that was prefetched before a logout in another tab")
@every_vendor
@pytest.mark.parametrize("clears", [True, False])
def test_a_prefetched_page_starts_nobody_who_has_left_since(
    site: Site, visit: Visit, open_visit: Any, vendor: str, clears: bool
) -> None:
    app = site(vendor, LOAD="manual", extra="<a id=next href=/other>next</a>")
    _prefetches(app)
    if not clears:
        app.wsgi_app = _without_clear_site_data(app.wsgi_app)
    visit.go("/login/1")
    visit.eventually(lambda: visit.net.log.count("www.site.test/other"))
    other = open_visit.tab(visit.page.context)
    other.go()
    other.page.click("#leave button")
    other.page.wait_for_load_state()
    other.until("!document.cookie.includes('livechat_left')")
    visit.page.click("#next")
    visit.page.wait_for_url(SITE + "/other")
    delivery = visit.get("performance.getEntriesByType('navigation')[0].deliveryType")
    assert delivery == ("" if clears else "navigational-prefetch")
    visit.page.click("#opener")
    visit.until(OPEN)
    assert "visitor1" not in json.dumps(visit.get(WHO))


@every_vendor
@pytest.mark.parametrize("ahead", ["prefetched", "cached"])
def test_an_anonymous_page_of_before_a_login_does_not_end_the_known_visitors_chat(
    site: Site, visit: Visit, open_visit: Any, vendor: str, ahead: str
) -> None:
    app = site(vendor, LOAD="manual", extra="<a id=next href=/other>next</a>")
    if ahead == "prefetched":
        _prefetches(app)
    else:
        page = app.view_functions["other"]
        app.view_functions["other"] = lambda: Response(page(), headers={"Cache-Control": "max-age=600"})
        visit.go("/other")
    visit.go("/")
    visit.eventually(lambda: visit.net.log.count("www.site.test/other"))
    other = open_visit.tab(visit.page.context)
    other.go("/login/1")
    other.page.click("#opener")
    _known(other, "1")
    visit.page.click("#next")
    visit.page.wait_for_url(SITE + "/other")
    visit.page.click("#opener")
    visit.until(OPEN)
    _known(visit, "1")
    assert other.get("livechat.state") == "ready"


@one_vendor
def test_an_anonymous_page_that_is_made_now_or_where_nobody_is_known_costs_no_request(
    site: Site, visit: Visit, vendor: str
) -> None:
    app = site(vendor, LOAD="manual", extra="<a id=next href=/other>next</a>")
    page = app.view_functions["other"]
    app.view_functions["other"] = lambda: Response(page(), headers={"Cache-Control": "max-age=600"})
    visit.go("/other")
    visit.go("/")
    visit.page.click("#next")
    visit.page.wait_for_url(SITE + "/other")
    visit.page.click("#opener")
    visit.until(OPEN)
    assert visit.get("performance.getEntriesByType('navigation')[0].transferSize") == 0
    visit.go("/")
    visit.page.click("#opener")
    visit.until(OPEN)
    assert "www.site.test/livechat/identity" not in visit.net.log


PRERENDERED = """
let prerendering = true;
Object.defineProperty(Document.prototype, "prerendering", { get: () => prerendering });
window.activate = () => { prerendering = false; document.dispatchEvent(new Event("prerenderingchange")); };
"""


@every_vendor
def test_a_prerendered_page_does_nothing_until_it_is_activated(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    visit.go("/login/1")
    _known(visit, "1")
    visit.page.add_init_script(PRERENDERED)
    visit.page.goto("about:blank")
    visit.net.log.clear()
    visit.go("/switch/2")
    visit.get("void livechat.open()")
    visit.page.wait_for_timeout(500)
    # A last word of the visit before may come late: what a stand-in sends is not looked at.
    begun = [line for line in visit.net.log if not line.startswith("www") and "/sandbox/" not in line]
    assert begun + [line for line in visit.net.log if "-session." in line or "identity" in line] == []
    visit.get("activate()")
    _known(visit, "2")
    visit.until(OPEN)


# 2. A new element is a new page.


def _swap(path: str) -> str:
    return f"""fetch({json.dumps(path)}).then((answer) => answer.text()).then((html) => {{
      const next = new DOMParser().parseFromString(html, "text/html");
      document.body.replaceWith(document.adoptNode(next.body));
    }})"""


@path("a swap on the same path")
@every_vendor
@pytest.mark.parametrize(("before", "after"), [("1", "2"), ("1", ""), ("", "1")])
def test_a_swap_on_the_same_path_that_changes_who_it_is_is_seen(
    site: Site, visit: Visit, vendor: str, before: str, after: str
) -> None:
    site(vendor, LOAD="eager", IDENTITY_DELIVERY="fetch")
    visit.go(f"/login/{before}" if before else "/")
    visit.ready()
    if before:
        _known(visit, before)
    path = f"/login/{after}" if not before else f"/switch/{after}" if after else "/logout"
    visit.get(f"fetch('{path}', {{redirect: 'manual'}}).then(() => 0)")
    visit.get(_swap("/"))
    if before and after and vendor == "tawk":  # it takes nobody else in the same page: the next click starts a new one
        visit.until("livechat.state === 'ended'")
        visit.page.click("#opener")
    if after:
        visit.until(f"JSON.stringify(window.__livechat_sandbox || 0).includes('visitor{after}@example.com')")
    else:
        visit.is_over()


def _answers_late_or_not(app: Any) -> dict[str, Any]:
    """What becomes of the question who it is: each takes ``delay`` seconds, and fails where ``down`` is set."""
    answer = {"delay": 0.0, "down": False}

    @app.after_request
    def answer_so(response: Response) -> Response:
        if request.path.endswith("/identity"):
            time.sleep(float(answer["delay"]))
            return Response("down", 500) if answer["down"] else response
        return response

    return answer


def _log_in_unseen(visit: Visit, number: str) -> None:
    visit.get(f"fetch('/login/{number}', {{redirect: 'manual'}}).then(() => 0)")


@path("a swap while an older page's question is under way")
@every_vendor
def test_a_new_block_does_not_share_the_question_of_the_block_before(site: Site, visit: Visit, vendor: str) -> None:
    answer = _answers_late_or_not(site(vendor, LOAD="eager", IDENTITY_DELIVERY="fetch", flask_login=False))
    visit.go("/login/1")
    _known(visit, "1")
    answer["delay"] = 1
    visit.net.log.clear()
    visit.get(_swap("/"))
    visit.eventually(lambda: "www.site.test/livechat/identity" in visit.net.log)
    visit.pause(0.2)  # the server has read the cookie
    answer["delay"] = 0  # of questions after this one
    _log_in_unseen(visit, "2")
    visit.get(_swap("/"))
    if vendor == "tawk":  # it takes nobody else in the same page: the next click starts a new one
        visit.until("livechat.state === 'ended'")
        visit.page.click("#opener")
    visit.until("JSON.stringify(window.__livechat_sandbox?.identity || 0).includes('visitor2@example.com')")


@pytest.mark.parametrize("vendor", ["crisp", "intercom"])  # Tawk.to goes on in a new page, when a person asks
def test_a_mark_that_is_seen_while_a_swapped_page_asks_who_it_is_does_not_end_its_chat(
    site: Site, visit: Visit, vendor: str
) -> None:
    """The browser may tell scripts of a logout's cookie only after it has shown the next page."""
    answer = _answers_late_or_not(site(vendor, LOAD="eager"))
    visit.go("/login/1")
    _known(visit, "1")
    session = visit.snapshot()["session"]
    answer["delay"] = 1
    visit.page.context.clear_cookies(name="session")
    visit.net.log.clear()
    visit.get(_swap("/other"))
    visit.eventually(lambda: "www.site.test/livechat/identity" in visit.net.log)
    visit.get(f"void (document.cookie = 'livechat_left={vendor}; path=/')")
    visit.until("livechat.state === 'ended'")
    _is_not_theirs(visit, session)


@path("a swap while the server does not say who it is")
@every_vendor
@pytest.mark.parametrize("failure", ["500", "network"])
def test_a_swap_without_an_answer_does_not_go_on_as_the_visitor_before(
    site: Site, visit: Visit, vendor: str, failure: str
) -> None:
    answer = _answers_late_or_not(site(vendor, LOAD="manual", IDENTITY_DELIVERY="fetch", flask_login=False))
    visit.go("/login/1")
    visit.page.click("#opener")
    _known(visit, "1")
    answer["down"] = True
    if failure == "network":
        visit.page.route("**/identity?*", lambda route: route.abort())
    _log_in_unseen(visit, "2")
    visit.get(_swap("/"))
    visit.until("livechat.state === 'ended'")
    visit.is_over()
    answer["down"] = False
    visit.page.unroute_all()
    visit.page.click("#opener")
    visit.until(f"{OPEN} && JSON.stringify({WHO}).includes('visitor2@example.com')")


@every_vendor
def test_a_swap_without_an_answer_ends_no_anonymous_conversation(site: Site, visit: Visit, vendor: str) -> None:
    answer = _answers_late_or_not(site(vendor, LOAD="eager", IDENTITY_DELIVERY="fetch"))
    visit.go()
    visit.ready()
    session = visit.snapshot()["session"]
    answer["down"] = True
    visit.net.log.clear()
    visit.get(_swap("/"))
    visit.eventually(lambda: "www.site.test/livechat/identity" in visit.net.log)
    visit.pause(0.3)
    visit.ready()
    assert visit.snapshot()["session"] == session


# 3. No memory is not somebody else.


NO_STORAGE = {
    "null": "Object.defineProperty(window, 'localStorage', { value: null })",
    "throws": """Object.defineProperty(window, 'localStorage', { get() {
      throw new DOMException('no', 'SecurityError'); } })""",
}


@pytest.mark.parametrize("vendor", ["crisp", "intercom"])  # Tawk.to keeps its own sessions in the storage
@pytest.mark.parametrize("storage", NO_STORAGE)
def test_without_storage_an_anonymous_conversation_goes_on(site: Site, visit: Visit, vendor: str, storage: str) -> None:
    site(vendor, LOAD="eager")
    visit.page.add_init_script(NO_STORAGE[storage])
    visit.go()
    visit.ready()
    session = visit.snapshot()["session"]
    visit.go("/other")
    visit.ready()
    assert visit.snapshot()["session"] == session


@pytest.mark.parametrize("vendor", ["crisp", "intercom"])
def test_where_the_storage_was_cleared_an_anonymous_conversation_goes_on(
    site: Site, visit: Visit, open_visit: Any, vendor: str
) -> None:
    site(vendor, LOAD="eager")
    visit.go()
    visit.ready()
    session = visit.snapshot()["session"]
    other = open_visit.tab(visit.page.context)
    other.go("/plain")
    other.get("localStorage.clear()")
    visit.page.wait_for_timeout(300)
    assert visit.get("livechat.state") == "ready"
    visit.go("/other")
    visit.ready()
    assert visit.snapshot()["session"] == session


def _is_not_theirs(visit: Visit, session: str) -> None:
    visit.ready()
    visit.until("__livechat_sandbox.session")
    assert visit.snapshot()["session"] != session
    assert visit.get(f"{WHO}.state") == "anonymous"


@path("a session that expired, without storage for scripts")
@every_vendor
@pytest.mark.parametrize("storage", NO_STORAGE)
def test_without_storage_a_known_visitors_conversation_does_not_come_back(
    site: Site, visit: Visit, vendor: str, storage: str
) -> None:
    site(vendor, LOAD="eager")
    visit.page.add_init_script(NO_STORAGE[storage])
    visit.go("/login/1")
    _known(visit, "1")
    session = visit.snapshot()["session"]
    visit.page.context.clear_cookies(name="session")
    visit.go("/other")
    _is_not_theirs(visit, session)


@path("a session that expired, after another tab has cleared the storage")
@every_vendor
def test_where_the_storage_was_cleared_a_known_visitors_conversation_does_not_come_back(
    site: Site, visit: Visit, open_visit: Any, vendor: str
) -> None:
    site(vendor, LOAD="eager")
    visit.go("/login/1")
    _known(visit, "1")
    session = visit.snapshot()["session"]
    visit.page.context.clear_cookies(name="session")
    other = open_visit.tab(visit.page.context)
    other.go("/plain")
    other.get("localStorage.clear()")
    visit.go("/other")
    _is_not_theirs(visit, session)


@path("a subdomain that has not stored the session that ended")
@every_vendor
@pytest.mark.parametrize("host", ["www.site.test", "shop.site.test"])
def test_a_known_visitors_conversation_does_not_come_back_where_nobody_remembers(
    site: Site, visit: Visit, vendor: str, host: str
) -> None:
    site(vendor, LOAD="eager")
    visit.go("/login/1")
    _known(visit, "1")
    session = visit.snapshot()["session"]
    visit.get("localStorage.clear(), sessionStorage.clear()")
    visit.page.context.clear_cookies(name="session")
    visit.page.goto(f"https://{host}/")
    _is_not_theirs(visit, session)


@path("a subdomain without a stored visitor, after a session that expired")
@every_vendor
def test_a_known_visitors_conversation_does_not_come_back_where_nobody_in_particular_is_remembered(
    site: Site, visit: Visit, vendor: str
) -> None:
    site(vendor, LOAD="eager")
    visit.page.goto(SHOP)
    visit.ready()
    visit.go("/login/1")
    _known(visit, "1")
    session = visit.snapshot()["session"]
    visit.page.context.clear_cookies(name="session")
    visit.page.goto(SHOP)
    _is_not_theirs(visit, session)


def _blog(app: Any, vendor: str) -> None:
    """A second app on the same origin, with the same account."""
    blog = Flask("blog", static_folder=None)
    blog.secret_key = "another secret key, long enough to be one"
    blog.config.update(KEYS[vendor], LIVECHAT_PROVIDER=vendor, LIVECHAT_LOAD="eager", LIVECHAT_CSP="off")
    blog.config.update(SESSION_COOKIE_NAME="blog")
    LiveChat(blog)
    blog.add_url_rule("/", "home", lambda: render_template_string(PAGE, title="blog", overrides={}))
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/blog": blog.wsgi_app})


@path("another app on the same origin with the same account")
@every_vendor
def test_a_known_visitors_conversation_does_not_come_back_in_another_app_on_the_origin(
    site: Site, visit: Visit, vendor: str
) -> None:
    _blog(site(vendor, LOAD="eager"), vendor)
    visit.go("/blog/")
    visit.ready()
    visit.go("/login/1")
    _known(visit, "1")
    session = visit.snapshot()["session"]
    visit.go("/blog/")
    _is_not_theirs(visit, session)


@path("a login as another user at a subdomain")
@pytest.mark.parametrize("number", ["2", "1"])
@every_vendor
def test_a_subdomain_takes_up_a_known_visitors_conversation_for_the_same_visitor_alone(
    site: Site, visit: Visit, vendor: str, number: str
) -> None:
    site(vendor, LOAD="eager")
    visit.page.goto(f"{SHOP}/login/2")
    _known(visit, "2")
    visit.go(f"/login/{number}")
    _known(visit, number)
    visit.until("__livechat_sandbox.session")
    session = visit.snapshot()["session"]
    visit.page.goto(SHOP)
    _known(visit, "2")
    visit.until("__livechat_sandbox.session")
    if number == "1":
        assert visit.snapshot()["session"] != session
    elif vendor != "tawk":  # which keeps its sessions in the storage of one host
        assert visit.snapshot()["session"] == session


@pytest.mark.parametrize("vendor", ["crisp", "intercom"])
def test_an_anonymous_conversation_goes_on_at_a_subdomain(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    visit.go()
    visit.ready()
    session = visit.snapshot()["session"]
    visit.page.goto("https://shop.site.test/")
    visit.ready()
    assert visit.snapshot()["session"] == session


# 4. In the document, or not ready.


@every_vendor
def test_after_an_app_has_emptied_the_body_the_chat_comes_back(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    visit.go()
    visit.ready()
    visit.get(
        """[...document.body.querySelectorAll("#opener, script")].reduce((kept, node) => (kept.append(node), kept),
        window.__kept = document.createElement("p")) && document.body.replaceChildren(__kept)"""
    )
    visit.ready()
    visit.page.click("#opener")
    visit.until(OPEN)


# 5. A late fallback.


@one_vendor
@pytest.mark.parametrize("field", ["", "<input id=field value=a>", "<textarea id=field></textarea>"])
def test_a_page_is_not_left_late_or_while_somebody_writes(site: Site, visit: Visit, vendor: str, field: str) -> None:
    site(vendor, LOAD="manual", FALLBACK_URL="/contact", extra=field)
    visit.net.down.add("client.crisp.chat")
    if not field:
        visit.net.gate.clear()  # the vendor answers late
        visit.net.down.clear()
        visit.net.broken = "throw new Error('late')"
        visit.errors.clear()
    visit.go()
    if field:
        visit.page.fill("#field", "half a sentence")
    else:
        visit.page.clock.install()
    visit.page.click("#opener")
    if not field:
        visit.page.clock.run_for(21_000)
        visit.net.gate.set()
    visit.until(f"{WORD} === 'Chat cannot be reached. Contact us'")
    assert visit.page.url == SITE + "/"
    assert visit.page.get_by_role("link", name="Contact us").get_attribute("href") == SITE + "/contact"
    visit.errors.clear()


@one_vendor
def test_the_word_goes_by_escape_and_by_a_click_elsewhere(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="off", extra="<p id=elsewhere>elsewhere</p><button id=b data-livechat-open>chat</button>")
    visit.go()
    for leave in (lambda: visit.page.keyboard.press("Escape"), lambda: visit.page.click("#elsewhere")):
        visit.page.click("#b")
        visit.until(f"{WORD} === 'Chat cannot be reached.'")
        leave()
        visit.until(f"!({WORD})")


@one_vendor
def test_the_word_goes_after_a_while(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="off", extra="<button id=b data-livechat-open>chat</button>")
    visit.page.clock.install()
    visit.go()
    visit.page.click("#b")
    visit.until(f"{WORD} === 'Chat cannot be reached.'")
    visit.page.clock.run_for(16_000)
    visit.until(f"!({WORD})")


# 6. The page's layout and ours.


PAINTED = """<style nonce=x>html { display: grid; gap: 50px; padding: 0; margin: 0 } html > * + * { margin-top: 90px }
div { background: red !important; padding: 40px !important; border: 9px solid blue !important;
display: block !important; position: static !important; opacity: .2 !important; transform: rotate(9deg) !important }
* { letter-spacing: 9px }</style>"""


@one_vendor
def test_the_button_takes_no_space_and_no_style_of_the_page(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual", LAUNCHER="own", CSP="off", extra=PAINTED)

    @visit.net.site.after_request  # type: ignore[union-attr]
    def loose(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = "default-src 'self' 'unsafe-inline'"
        return response

    visit.go("/?x")
    visit.until(HOST)
    height = visit.get("document.documentElement.scrollHeight")
    style = visit.get(
        f"(({{ position, opacity, transform, borderTopWidth, paddingTop, width, height }}) => "
        f"[position, opacity, transform, borderTopWidth, paddingTop, width, height])(getComputedStyle({HOST}))"
    )
    assert style == ["fixed", "1", "none", "0px", "0px", "0px", "0px"]
    box = visit.page.get_by_role("button", name="Chat with us").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (56, 56)
    visit.get(f"{HOST}.remove()")
    assert visit.get("document.documentElement.scrollHeight") == height


@one_vendor
def test_the_word_stands_in_a_modal_dialog_and_its_link_works(site: Site, visit: Visit, vendor: str) -> None:
    dialog = "<dialog id=d><p>Sign in</p><input id=name><button id=b data-livechat-open>chat</button></dialog>"
    site(vendor, LOAD="off", FALLBACK_URL="/contact", extra=dialog)
    visit.go()
    visit.get("document.querySelector('#d').showModal()")
    visit.page.fill("#name", "half a name")
    visit.page.click("#b")
    visit.until(f"{WORD} === 'Chat cannot be reached. Contact us'")
    visit.page.get_by_role("link", name="Contact us").click()
    visit.page.wait_for_url(SITE + "/contact")


@one_vendor
def test_the_button_opens_the_chat_from_within_a_modal_dialog(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual", LAUNCHER="own", extra="<dialog id=d><p>Sign in</p></dialog>")
    visit.go()
    visit.until(HOST)
    visit.get("document.querySelector('#d').showModal()")
    visit.until(f"{HOST}.parentElement.id === 'd'")
    assert visit.get(f"{HOST}.matches(':popover-open')")
    visit.page.get_by_role("button", name="Chat with us").click()
    visit.until(OPEN)
    visit.get("document.querySelector('#d').close()")
    visit.until(f"{HOST}.parentElement === document.documentElement")


@one_vendor
@pytest.mark.parametrize("size", [(160, 240), (320, 480), (1280, 720)])
@pytest.mark.parametrize("where", ["html", "body"])
def test_the_word_fits_and_follows_the_direction(
    site: Site, open_visit: Any, vendor: str, size: tuple[int, int], where: str
) -> None:
    visit = open_visit(viewport={"width": size[0], "height": size[1]}, locale="ar")
    extra = "<button id=b data-livechat-open>chat</button>"
    app = site(vendor, LOAD="off", extra=extra)

    @app.after_request
    def turn(response: Response) -> Response:
        if response.mimetype == "text/html":
            text = response.get_data(as_text=True).replace('<html lang="en">', "<html>")
            response.set_data(text.replace(f"<{where}>", f'<{where} dir="rtl">', 1))
        return response

    visit.go()
    visit.page.click("#b")
    visit.until(f"{WORD} === 'تعذّر الوصول إلى الدردشة.'")
    box = visit.get(f"{HOST}.shadowRoot.querySelector('output').getBoundingClientRect().toJSON()")
    assert 0 <= box["left"] <= box["right"] <= size[0]
    assert 0 <= box["top"] <= box["bottom"] <= size[1]
    if size[0] == 1280:
        assert box["left"] < 100
    element = visit.get(f"(({{ lang, dir }}) => [lang, dir])({HOST}.shadowRoot.querySelector('output'))")
    assert element == ["ar", "rtl"]


@one_vendor
def test_the_button_speaks_the_pages_language_and_an_apps_own_words(site: Site, open_visit: Any, vendor: str) -> None:
    visit = open_visit(locale="fr-CA")
    app = site(vendor, LOAD="manual", LAUNCHER="own", TEXTS={"nl": {"chat": "Chat met </script> ons"}})
    language = ["nl"]

    @app.after_request
    def speak(response: Response) -> Response:
        if response.mimetype == "text/html":
            response.set_data(
                response.get_data(as_text=True).replace('<html lang="en">', f"<html lang='{language[0]}'>")
            )
        return response

    for language[0], label in (
        ("nl", "Chat met </script> ons"),
        ("de-AT", "Mit uns chatten"),
        ("en-GB", "Chat with us"),
        ("", "Discuter avec nous"),
    ):
        visit.go()
        visit.page.get_by_role("button", name=label, exact=True).wait_for()


@one_vendor
def test_an_apps_own_words_count_in_english_too(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual", LAUNCHER="own", TEXTS={"en": {"chat": "Ask us anything"}})
    visit.go()
    visit.page.get_by_role("button", name="Ask us anything", exact=True).wait_for()


@one_vendor
def test_the_button_goes_back_to_english_with_the_page(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual", LAUNCHER="own")
    visit.go()
    visit.page.get_by_role("button", name="Chat with us", exact=True).wait_for()
    for language, label in (("de", "Mit uns chatten"), ("en", "Chat with us")):
        visit.get(f"document.documentElement.lang = '{language}'; livechat.hide(); livechat.show(); 0")
        visit.page.get_by_role("button", name=label, exact=True).wait_for()


# 7. A launcher in a menu.


@one_vendor
@pytest.mark.parametrize("tag", ["button", "a href=/contact"])
@pytest.mark.parametrize("stop", ["stopPropagation", "stopImmediatePropagation"])
@pytest.mark.parametrize("capture", [False, True])
def test_a_launcher_in_a_menu_that_stops_clicks_opens_once(
    site: Site, visit: Visit, vendor: str, tag: str, stop: str, capture: bool
) -> None:
    site(
        vendor,
        LOAD="manual",
        extra=f"<div id=menu><{tag} id=in data-livechat-open>chat</{tag.split(maxsplit=1)[0]}></div>",
    )
    visit.go()
    visit.get(
        f"document.querySelector('#menu').addEventListener('click', (event) => event.{stop}(), {str(capture).lower()})"
    )
    visit.page.click("#in")
    visit.until(OPEN)
    assert visit.page.url == SITE + "/"
    visit.page.wait_for_timeout(200)
    assert visit.snapshot()["opened"] == 1


@one_vendor
@pytest.mark.parametrize(
    "veto",
    [
        "event.preventDefault(); event.stopPropagation()",
        "event.stopPropagation(); event.preventDefault()",
        "event.preventDefault()",
    ],
)
def test_a_page_may_forbid_it(site: Site, visit: Visit, vendor: str, veto: str) -> None:
    site(vendor, LOAD="manual", extra="<div id=menu><button id=in data-livechat-open>chat</button></div>")
    visit.go()
    visit.get(f"document.querySelector('#menu').addEventListener('click', (event) => {{ {veto} }})")
    visit.page.click("#in")
    visit.page.wait_for_timeout(300)
    assert visit.get("livechat.state") == "waiting"


@one_vendor
def test_a_click_with_control_opens_from_a_button_and_leaves_a_link_to_the_browser(
    site: Site, visit: Visit, vendor: str
) -> None:
    site(vendor, LOAD="manual", extra="<button id=in data-livechat-open>chat</button>")
    visit.go()
    with visit.page.context.expect_page():
        visit.page.click("#opener", modifiers=["Control"])
    assert visit.get("livechat.state") == "waiting"
    visit.page.click("#in", modifiers=["Control"])
    visit.until(OPEN)


# 8. Names that are taken.


@one_vendor
@pytest.mark.parametrize("taken", ["window.livechat ||= {}", "function livechat() {}", "var livechat = {}"])
def test_a_page_with_a_livechat_of_its_own_is_told_and_has_launchers(
    site: Site, visit: Visit, vendor: str, taken: str
) -> None:
    said: list[str] = []
    visit.page.on("console", lambda message: said.append(message.text))
    app = site(vendor, LOAD="manual", head='<script src="/taken.js"></script>')
    app.add_url_rule("/taken.js", "taken", lambda: Response(taken, mimetype="text/javascript"))
    visit.go()
    visit.page.click("#opener")
    visit.until(OPEN)
    assert [text for text in said if "window.livechat is taken" in text] == [
        "livechat: window.livechat is taken. Rename yours."
    ]
    assert visit.get("typeof livechat.open") == "undefined"


@one_vendor
@pytest.mark.parametrize("taken", ["window.livechat ||= {}", "function livechat() {}", "var livechat = {}"])
def test_a_page_that_takes_our_name_later_does_not_break_and_has_launchers(
    site: Site, visit: Visit, vendor: str, taken: str
) -> None:
    app = site(vendor, LOAD="manual")
    script = f"{taken}; window.ran = true"
    app.add_url_rule("/taken.js", "taken", lambda: Response(script, mimetype="text/javascript"))
    visit.go()
    visit.page.add_script_tag(url="/taken.js")
    assert visit.get("ran")
    visit.page.click("#opener")
    visit.until(OPEN)


def test_a_variable_of_intercoms_settings_is_said_and_decides_nothing(site: Site, visit: Visit) -> None:
    said: list[str] = []
    visit.page.on("console", lambda message: said.append(message.text))
    site("intercom", LOAD="eager")
    visit.page.add_init_script(
        "Object.defineProperty(window, 'intercomSettings', { value: { email: 'forged@example.com' }, writable: true })"
    )
    visit.go()
    visit.ready()
    assert len([text for text in said if "declares intercomSettings itself" in text]) == 1
    assert "forged" not in json.dumps(visit.get(WHO))


@every_vendor
def test_a_start_that_failed_half_way_can_be_tried_again(site: Site, visit: Visit, vendor: str) -> None:
    name = {"crisp": "$crisp", "tawk": "Tawk_API", "intercom": "Intercom"}[vendor]
    site(vendor, LOAD="manual")
    visit.page.add_init_script(
        f"Object.defineProperty(window, '{name}',"
        " { set() { throw new Error('taken'); }, get() {}, configurable: true })"
    )
    visit.go()
    visit.get("void livechat.open()")
    visit.until("livechat.state === 'failed'")
    visit.get(f"delete window['{name}']")
    visit.page.click("#opener")
    visit.until(OPEN)


# 9. Two apps on one origin.


@one_vendor
def test_what_is_kept_tells_apps_apart_and_old_names_are_read_once(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", CONSENT="required")
    visit.go("/plain")
    visit.get("localStorage.setItem('livechat.crisp.consent', 'yes')")
    visit.get("localStorage.setItem('livechat/blog/livechat/crisp.123456.who', 'other')")
    visit.get("document.cookie = 'livechat_left=/blog/livechat/crisp.123456; path=/'")
    visit.go("/login/1")
    _known(visit, "1")
    keys = visit.get("Object.keys(localStorage).filter((key) => key.startsWith('livechat')).sort()")
    assert "livechat.crisp.consent" not in keys
    assert any(key.startswith("livechat/livechat/crisp.") and key.endswith(".consent") for key in keys)
    visit.get("void livechat.logout()")
    visit.is_over()
    assert visit.get("localStorage.getItem('livechat/blog/livechat/crisp.123456.who')") == "other"
    assert "livechat_left=/blog/livechat/crisp.123456" in visit.get("document.cookie")


# 10. document.open(), old libraries, cloned tabs.


@every_vendor
def test_a_page_that_is_written_anew_starts_again(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual")
    visit.go()
    visit.page.click("#opener")
    visit.until(OPEN)
    visit.get("livechat.close()")
    visit.get("""fetch("/other").then((answer) => answer.text()).then((html) => {
      document.open(); document.write(html); document.close(); })""")
    visit.until("document.querySelector('#opener') && document.readyState === 'complete'")
    visit.page.click("#opener")
    visit.until(f"{OPEN} && livechat.state === 'ready'")


@every_vendor
def test_events_outlive_an_old_librarys_to_json_and_a_cloned_tab_sends_none_twice(
    site: Site, visit: Visit, vendor: str
) -> None:
    site(vendor, LOAD="manual")
    visit.page.context.add_init_script("Array.prototype.toJSON = function () { return '[' + this.join() + ']'; }")
    livechat = visit.net.site.extensions["livechat"].livechat  # type: ignore[union-attr]

    @visit.net.site.get("/buy")  # type: ignore[union-attr]
    def buy() -> str:
        livechat.track("Bought", what="tea")
        return visit.net.site.view_functions["home"]()  # type: ignore[union-attr,return-value]

    visit.go("/buy")
    visit.until("Object.keys(localStorage).some((key) => key.endsWith('.events'))")
    with visit.page.context.expect_page() as opened:
        visit.get("void window.open('/other')")
    clone = Visit(opened.value, visit.net)
    for tab in (visit, clone):
        tab.page.wait_for_load_state()
        tab.page.click("#opener")
        tab.until(OPEN)
        tab.page.wait_for_timeout(500)
    events = [event for tab in (visit, clone) for event in tab.desk()["events"]]
    assert len([event for event in visit.desk()["events"] if "ought" in json.dumps(event)]) == 1, events


@one_vendor
def test_a_button_with_a_fallback_is_a_link_where_our_file_is_blocked(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="idle", FALLBACK_URL="/contact", extra="")
    visit.net.site.add_url_rule(  # type: ignore[union-attr]
        "/button",
        "button",
        lambda: visit.net.site.jinja_env.from_string(  # type: ignore[union-attr]
            "<!doctype html><body>{{ livechat_button('Chat with us') }}{{ livechat() }}"
        ).render(),
    )
    visit.page.route("**/livechat/*.js", lambda route: route.abort())
    visit.go("/button")
    visit.page.click("text=Chat with us")
    visit.page.wait_for_url(SITE + "/contact")


# 12. Consent managers, and frames.


@every_vendor
def test_a_script_that_a_consent_manager_holds_back_is_noticed_at_once(site: Site, visit: Visit, vendor: str) -> None:
    said: list[str] = []
    visit.page.on("console", lambda message: said.append(message.text))
    site(vendor, LOAD="manual", extra="<button id=in data-livechat-open>chat</button>")
    visit.page.add_init_script("""new MutationObserver((records) => { for (const { addedNodes } of records)
      for (const node of addedNodes) if (node.src && !node.src.includes("site.test")) node.type = "text/plain";
    }).observe(document, { childList: true, subtree: true });
    const append = Element.prototype.append;
    Element.prototype.append = function (...nodes) {
      for (const node of nodes) if (node.src && !node.src.includes("site.test")) node.type = "text/plain";
      return append.apply(this, nodes);
    };""")
    visit.go()
    begun = time.monotonic()
    visit.page.click("#in")
    visit.until("livechat.state === 'failed'")
    assert time.monotonic() - begun < 3
    assert any("has held" in text and "LIVECHAT_CONSENT" in text for text in said)


@one_vendor
def test_a_frame_of_ones_own_site_is_left_out_by_one_rule(site: Site, visit: Visit, vendor: str) -> None:
    rules = [{"path": "/*", "when": lambda: request.headers.get("Sec-Fetch-Dest") == "iframe", "show": False}]
    site(vendor, LOAD="eager", RULES=rules, extra="<iframe src='/other'></iframe>")
    visit.go()
    visit.ready()
    frame = next(frame for frame in visit.page.frames if frame.url.endswith("/other"))
    assert frame.evaluate("document.querySelector('#livechat')") is None


# What the mends above have siblings of.


def _swap_and_wait(visit: Visit, path: str) -> None:
    visit.get(_swap(path))
    visit.until("document.querySelector('#opener')")


@pytest.mark.parametrize("vendor", ["intercom", "tawk"])  # Crisp puts itself back
def test_a_chat_lost_with_its_page_comes_back_with_a_click_and_never_by_itself(
    site: Site, visit: Visit, vendor: str
) -> None:
    site(vendor, LOAD="eager", extra="<textarea id=field></textarea>")
    visit.go()
    visit.ready()
    visit.net.down.update({"embed.tawk.to", "widget.intercom.io"})
    visit.get("""window.mine = 1, delete Element.prototype.moveBefore""")
    _swap_and_wait(visit, "/other")
    visit.until("livechat.state === 'failed'")
    visit.net.down.clear()
    _swap_and_wait(visit, "/")
    visit.page.fill("#field", "half a sentence")
    visit.pause(1)
    assert visit.get("window.mine") == 1
    assert not visit.get(OPEN)
    visit.get("void livechat.open()")
    visit.until(f"!window.mine && {OPEN}")


@one_vendor
@pytest.mark.parametrize(
    "taken",
    [
        "Object.defineProperty(window, 'livechat', { value: 1 })",
        "Object.defineProperty(window, 'livechat', { get() { throw new Error('private') } })",
        "window.livechat = Object.freeze({ mine: 1 })",
        "var livechat = null",
        "var livechat = 'text'",
    ],
)
def test_a_value_of_the_page_under_our_name_is_never_overwritten(
    site: Site, visit: Visit, vendor: str, taken: str
) -> None:
    said: list[str] = []
    visit.page.on("console", lambda message: said.append(message.text))
    app = site(vendor, LOAD="manual", head='<script src="/taken.js"></script>')
    script = f"{taken}; window.was = JSON.stringify(Object.getOwnPropertyDescriptor(window, 'livechat'))"
    app.add_url_rule("/taken.js", "taken", lambda: Response(script, mimetype="text/javascript"))
    visit.go()
    visit.page.click("#opener")
    visit.until(OPEN)
    assert len([text for text in said if "window.livechat is taken" in text]) == 1
    assert visit.get("JSON.stringify(Object.getOwnPropertyDescriptor(window, 'livechat')) === was")


HOLD_BACK_OURS = """const append = Element.prototype.append;
Element.prototype.append = function (...nodes) {
  for (const node of nodes) if (node.tagName === "SCRIPT" && node.src.includes("-session")) node.type = "TYPE";
  return append.apply(this, nodes);
};"""


@one_vendor
@pytest.mark.parametrize("kind", ["text/plain", "javascript/blocked"])
def test_a_file_of_ours_that_is_held_back_leads_to_the_fallback_at_once(
    site: Site, visit: Visit, vendor: str, kind: str
) -> None:
    site(vendor, LOAD="manual", FALLBACK_URL="/contact", extra="<button id=in data-livechat-open>chat</button>")
    visit.page.add_init_script(HOLD_BACK_OURS.replace("TYPE", kind))
    visit.go()
    visit.page.click("#in")
    visit.page.wait_for_url(SITE + "/contact", timeout=3000)


def _held_session(visit: Visit) -> list[Any]:
    """A click's request for our session file, which waits."""
    held: list[Any] = []
    visit.page.route("**/livechat/*-session.*", lambda route: held.append(route))  # noqa: PLW0108 - no builtin is taken
    visit.page.clock.install()
    visit.go()
    visit.page.click("#in")
    visit.eventually(lambda: held)
    return held


@one_vendor
def test_a_file_of_ours_that_never_arrives_fails_and_opens_with_the_next_click(
    site: Site, visit: Visit, vendor: str
) -> None:
    site(vendor, LOAD="manual", FALLBACK_URL="/contact", extra="<button id=in data-livechat-open>chat</button>")
    _held_session(visit)
    visit.page.clock.run_for(21_000)
    visit.until(f"livechat.state === 'failed' && {WORD} === 'Chat cannot be reached. Contact us'")
    assert ["failed", {"reason": "timeout"}] in visit.events()
    visit.page.unroute_all()
    visit.page.click("#in")
    visit.page.clock.resume()
    visit.until(OPEN)


FIELDS = {
    "editor": ("<div id=field contenteditable>old</div>", "#field"),
    "select": ("<select id=field><option>a<option selected>b</select>", "#field"),
    "component": ("<div id=host></div>", "#host textarea"),
}


@one_vendor
@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("down", ["vendor", "all"])
def test_what_somebody_has_written_in_any_field_keeps_the_page(
    site: Site, visit: Visit, vendor: str, field: str, down: str
) -> None:
    markup, selector = FIELDS[field]
    extra = markup + "<button id=in data-livechat-open>chat</button>"
    site(vendor, LOAD="manual", FALLBACK_URL="/contact", extra=extra)
    said: list[str] = []
    visit.page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    visit.net.down.add("client.crisp.chat")
    visit.go()
    if field == "component":
        visit.get("void (document.querySelector('#host').attachShadow({mode: 'open'}).innerHTML = '<textarea>')")
    if down == "all":
        visit.page.route("**/livechat/*-*", lambda route: route.abort())
    if field == "select":
        visit.page.select_option(selector, "a")
    else:
        visit.page.click(selector)
        visit.page.keyboard.type("half a sentence")
    visit.page.click("#in")
    if down == "all":
        visit.eventually(lambda: said == ["Chat cannot be reached. /contact"])
    else:
        visit.until(f"{WORD} === 'Chat cannot be reached. Contact us'")
    assert visit.page.url == SITE + "/"


@one_vendor
def test_a_field_that_the_browser_has_filled_in_again_keeps_the_page(site: Site, visit: Visit, vendor: str) -> None:
    extra = "<div id=host></div><button id=in data-livechat-open>chat</button>"
    site(vendor, LOAD="off", FALLBACK_URL="/contact", extra=extra)
    visit.go()
    visit.get("""void (document.querySelector('#host').attachShadow({mode: 'open'}).innerHTML =
      '<select><option>a<option selected>b</select>')""")
    visit.get("document.querySelector('#host').shadowRoot.querySelector('select').selectedIndex = 0")
    visit.page.click("#in")
    visit.until(f"{WORD} === 'Chat cannot be reached. Contact us'")


@one_vendor
def test_a_page_without_chat_is_not_left_late_either(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="off", FALLBACK_URL="/contact", extra="<button id=in data-livechat-open>chat</button>")
    held = _held_session(visit)
    visit.page.clock.run_for(7_000)
    held[0].continue_()
    visit.until(f"{WORD} === 'Chat cannot be reached. Contact us'")
    assert visit.page.url == SITE + "/"


@one_vendor
@pytest.mark.parametrize("capture", [False, True])
def test_a_menu_that_cancels_the_bubble_lets_a_launcher_open(
    site: Site, visit: Visit, vendor: str, capture: bool
) -> None:
    site(vendor, LOAD="manual", extra="<div id=menu><a id=in href=/contact data-livechat-open>chat</a></div>")
    visit.go()
    visit.get(f"""document.querySelector('#menu').addEventListener('click',
      (event) => {{ event.cancelBubble = true }}, {str(capture).lower()})""")
    visit.page.click("#in")
    visit.until(OPEN)
    assert visit.page.url == SITE + "/"


@one_vendor
@pytest.mark.parametrize("veto", ["return false", "event.returnValue = false"])
@pytest.mark.parametrize("tag", ["button", "a href=#there"])
def test_a_page_may_forbid_it_in_the_old_ways(site: Site, visit: Visit, vendor: str, veto: str, tag: str) -> None:
    site(
        vendor,
        LOAD="manual",
        extra=f"<div id=menu><{tag} id=in data-livechat-open>chat</{tag.split(maxsplit=1)[0]}></div>",
    )
    visit.go()
    visit.get(f"void (document.querySelector('#menu').onclick = (event) => {{ event.stopPropagation(); {veto} }})")
    visit.page.click("#in")
    visit.pause(0.3)
    assert visit.get("livechat.state") == "waiting"


def test_a_tour_starts_from_a_menu_that_stops_clicks(site: Site, visit: Visit) -> None:
    site("intercom", LOAD="eager", extra="<div id=menu><button id=in data-livechat-tour=42>tour</button></div>")
    visit.go()
    visit.ready()
    visit.get("""void (window.told = [], ((real) => {
      window.Intercom = (...call) => { told.push(call); return real(...call); };
    })(window.Intercom))""")
    visit.get("document.querySelector('#menu').addEventListener('click', (event) => event.stopPropagation())")
    visit.page.click("#in")
    visit.until("told.some(([name, id]) => name === 'startTour' && String(id) === '42')")


@path("a click on log out in a menu that stops clicks")
@every_vendor
def test_a_logout_in_a_menu_that_stops_clicks_ends_the_chat(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", extra="<div id=menu><button id=in data-livechat-logout>out</button></div>")
    visit.go("/login/1")
    _known(visit, "1")
    visit.get("document.querySelector('#menu').addEventListener('click', (event) => event.stopPropagation())")
    visit.page.click("#in")
    visit.is_over()


DIALOGS = "<dialog id=b><p>B</p></dialog><dialog id=a><p>A</p></dialog>"


def _own_button(site: Site, visit: Visit, vendor: str, extra: str) -> Any:
    app = site(vendor, LOAD="manual", LAUNCHER="own", CSP="off", extra=extra)

    @app.after_request
    def loose(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = "default-src 'self' 'unsafe-inline'"
        return response

    visit.go()
    visit.until(HOST)
    return app


@one_vendor
def test_the_button_stands_in_the_dialog_on_top_and_outlives_it(site: Site, visit: Visit, vendor: str) -> None:
    _own_button(site, visit, vendor, DIALOGS)
    for name in ("a", "b"):
        visit.get(f"document.querySelector('#{name}').showModal()")
        visit.until(f"{HOST}?.parentElement.id === '{name}'")
    visit.get("document.querySelector('#b').remove()")
    visit.until(f"{HOST}?.parentElement.id === 'a'")
    visit.get("document.querySelector('#a').remove()")
    visit.until(f"{HOST}?.parentElement === document.documentElement")
    assert visit.page.get_by_role("button", name="Chat with us").is_visible()


@one_vendor
@pytest.mark.parametrize("above", ["shadow dialog", "fullscreen"])
def test_the_word_stands_above_a_components_dialog_and_what_is_full_screen(
    site: Site, visit: Visit, vendor: str, above: str
) -> None:
    site(
        vendor, LOAD="off", extra="<div id=host></div><div id=full><button id=in data-livechat-open>chat</button></div>"
    )
    visit.go()
    if above == "fullscreen":
        visit.get("""document.querySelector('#in').addEventListener('pointerdown',
          () => document.querySelector('#full').requestFullscreen(), { once: true })""")
        visit.page.click("#in")
        visit.until("document.fullscreenElement")
        visit.page.click("#in")
    else:
        visit.get("""(() => { const root = document.querySelector('#host').attachShadow({ mode: 'open' });
          root.innerHTML = '<dialog><button data-livechat-open>chat</button></dialog>';
          root.querySelector('dialog').showModal(); })()""")
        visit.page.locator("#host button").click()
    if above == "fullscreen":
        visit.until(f"{WORD} && {HOST}.matches(':popover-open')")
    else:
        visit.until("""(() => { const root = document.querySelector('#host').shadowRoot;
          const host = [...root.querySelectorAll('dialog > *')].find((each) => each.shadowRoot);
          const box = host?.shadowRoot.querySelector('output').getBoundingClientRect();
          return box && root.elementFromPoint(box.x + 10, box.y + 10) === host; })()""")


@one_vendor
def test_the_button_gets_no_content_of_the_pages_and_changes_no_dialogs_height(
    site: Site, visit: Visit, vendor: str
) -> None:
    style = """<style nonce=x>div::before, div::after { content: 'Note'; position: fixed; font-size: 60px }
    dialog p { margin: 0 0 60px } dialog > :last-child { margin-bottom: 0 }</style>"""
    _own_button(site, visit, vendor, style + "<dialog id=a><p>A</p><p>B</p></dialog>")
    for pseudo in ("::before", "::after"):
        assert visit.get(f"getComputedStyle({HOST}, '{pseudo}').content") == "none"
    visit.get("document.querySelector('#a').showModal()")
    visit.until(f"{HOST}.parentElement.id === 'a'")
    height = visit.get("document.querySelector('#a').offsetHeight")
    assert visit.get(f"({HOST}.remove(), document.querySelector('#a').offsetHeight)") == height


@one_vendor
@pytest.mark.parametrize("swapped", [False, True])
def test_the_button_follows_a_direction_that_changes(site: Site, visit: Visit, vendor: str, swapped: bool) -> None:
    _own_button(site, visit, vendor, "")
    visit.get("document.documentElement.dir = 'rtl'")
    if swapped:
        visit.get(_swap("/other"))
    button = visit.page.get_by_role("button", name="Chat with us")
    visit.eventually(lambda: (button.bounding_box() or {"x": 999})["x"] < 300)


@one_vendor
@pytest.mark.parametrize("position", [{"mobile_x": 200}, {"mobile_y": 400}])
def test_the_word_is_wide_enough_wherever_the_button_is(
    site: Site, open_visit: Any, vendor: str, position: dict[str, int]
) -> None:
    visit = open_visit(viewport={"width": 320, "height": 480})
    site(vendor, LOAD="off", POSITION=position, extra="<button id=in data-livechat-open>chat</button>")
    visit.go()
    visit.page.click("#in")
    visit.until(WORD)
    box = visit.get(f"{HOST}.shadowRoot.querySelector('output').getBoundingClientRect().toJSON()")
    assert box["width"] > 100
    assert 0 <= box["left"] <= box["right"] <= 320
    assert 0 <= box["top"] <= box["bottom"] <= 480


@one_vendor
@pytest.mark.parametrize(("lang", "direction"), [("ckb", "rtl"), ("ps", "rtl"), ("pa-Arab", "rtl"), ("nl", "ltr")])
@pytest.mark.parametrize("told", [True, False])
def test_the_direction_of_a_language_of_the_apps_is_known(
    site: Site, visit: Visit, vendor: str, lang: str, direction: str, told: bool
) -> None:
    site(vendor, LOAD="manual", LAUNCHER="own", LOCALE=lang, TEXTS={lang: {"chat": "Chat 1"}})
    if not told:  # as in a browser that does not tell it
        visit.page.add_init_script("delete Intl.Locale.prototype.getTextInfo; delete Intl.Locale.prototype.textInfo")
    visit.go()
    visit.until(HOST)
    visit.until(f"{HOST}.shadowRoot.querySelector('button').lang === '{lang.lower()}'")
    assert visit.get(f"{HOST}.shadowRoot.querySelector('button').dir") == direction

"""Our own button is a real button for everybody, and what a launcher asks for happens or is said not to."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Response

from example_app import create_app
from flask_livechat import providers

from ..test_example_app import PRIVATE, PUBLIC
from .conftest import HOSTS, SITE, VENDORS, Net, Visit, axe, composer

one_vendor = pytest.mark.parametrize("vendor", ["crisp"])  # where it is about what no vendor has a part in
every_vendor = pytest.mark.parametrize("vendor", VENDORS)
Site = Callable[..., Any]
HOST = "[...document.documentElement.children].find((each) => each.shadowRoot)"
IN_HOST = f"[...{HOST}.shadowRoot.querySelectorAll('*')]"
FOCUSED = f"{HOST}.shadowRoot.activeElement === {HOST}.shadowRoot.querySelector('button')"
CLOSED = "!__livechat_sandbox.open"
OPEN = "window.__livechat_sandbox && __livechat_sandbox.open"


def _own(visit: Visit) -> Any:
    return visit.page.get_by_role("button", name="Chat with us")


def _expanded(visit: Visit) -> str:
    return str(_own(visit).get_attribute("aria-expanded"))


def _style(visit: Visit, name: str, element: str = "button") -> str:
    return str(visit.get(f"getComputedStyle({HOST}.shadowRoot.querySelector('{element}')).{name}"))


# A real button.


@every_vendor
def test_the_own_button_opens_and_closes_and_says_so(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual", LAUNCHER="own")
    visit.go()
    assert _own(visit).evaluate("(button) => [button.tagName, button.type, button.getRootNode().mode]") == [
        "BUTTON",
        "button",
        "open",
    ]
    for opened in (1, 2):
        assert _expanded(visit) == "false"
        _own(visit).click()
        visit.until(OPEN)
        visit.until(f"__livechat_sandbox.opened === {opened}")
        visit.eventually(lambda: _expanded(visit) == "true")
        _own(visit).click()
        visit.until(CLOSED)
        visit.eventually(lambda: _expanded(visit) == "false")
    assert [name for name, _ in visit.events() if name in ("open", "close")] == ["open", "close"] * 2


@one_vendor
def test_the_stand_in_is_the_same_button_until_the_vendor_is_there(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="intent")
    visit.net.delay = 0.5
    visit.go()
    assert _expanded(visit) == "false"
    _own(visit).click()
    visit.eventually(lambda: _own(visit).get_attribute("aria-busy") == "true")
    visit.until(OPEN)
    assert _own(visit).count() == 0


@one_vendor
def test_it_is_busy_while_the_vendor_is_loading(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual", LAUNCHER="own")
    visit.net.delay = 0.5
    visit.go()
    assert _own(visit).get_attribute("aria-busy") == "false"
    _own(visit).click()
    visit.eventually(lambda: _own(visit).get_attribute("aria-busy") == "true")
    visit.until(OPEN)
    assert _own(visit).get_attribute("aria-busy") == "false"


@one_vendor
def test_the_keyboard_reaches_opens_and_closes(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual", LAUNCHER="own")
    visit.go()
    for _ in range(6):
        visit.page.keyboard.press("Tab")
        if visit.get(FOCUSED):
            break
    assert visit.get(FOCUSED)
    for key in ("Enter", "Space"):
        visit.page.keyboard.press(key)
        visit.until(OPEN)
        visit.page.keyboard.press("Escape")  # in the vendor's panel
        visit.until(CLOSED)
        visit.until(FOCUSED)


@every_vendor
def test_escape_on_the_button_closes(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual", LAUNCHER="own")
    visit.go()
    _own(visit).press("Escape")  # nothing to close
    assert visit.get("livechat.state") == "waiting"
    _own(visit).click()
    visit.until(OPEN)
    visit.until("__events.some(([name]) => name === 'open')")
    _own(visit).press("Escape")
    visit.until(CLOSED)
    visit.until(FOCUSED)


@every_vendor
@pytest.mark.parametrize("load", ["eager", "manual"])
def test_the_focus_goes_back_to_the_launcher_that_opened(site: Site, visit: Visit, vendor: str, load: str) -> None:
    site(vendor, LOAD=load, LAUNCHER="own")
    visit.go()
    if load == "eager":
        visit.ready()
    for launcher, focused in [
        (_own(visit), FOCUSED),
        (visit.page.locator("#opener"), "document.activeElement.id === 'opener'"),
    ]:
        launcher.click()
        visit.until(OPEN)
        visit.until("document.activeElement.id.startsWith('livechat-sandbox')")  # the vendor's panel has taken it
        visit.get("livechat.close()")
        visit.until(CLOSED)
        visit.until(focused)


@every_vendor
@pytest.mark.parametrize("launcher", ["own", "pages"])
def test_the_focus_is_not_taken_from_where_a_person_has_gone(
    site: Site, visit: Visit, vendor: str, launcher: str
) -> None:
    site(vendor, LOAD="manual", LAUNCHER="own", extra='<input id="field" aria-label="Field">')
    visit.go()
    (_own(visit) if launcher == "own" else visit.page.locator("#opener")).click()
    visit.until(OPEN)
    visit.until("document.activeElement.id.startsWith('livechat-sandbox')")
    visit.page.focus("#field")
    visit.get("livechat.close()")
    visit.until(CLOSED)
    visit.until("__events.some(([name]) => name === 'close')")
    visit.page.wait_for_timeout(200)
    assert visit.get("document.activeElement.id") == "field"


@every_vendor
def test_unread_messages_stand_in_the_badge_and_in_the_name(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", LAUNCHER="own", extra='<p>Inbox <b id="more" data-livechat-unread></b></p>')
    visit.go()
    visit.ready()
    visit.until("__livechat_sandbox.session")
    for count in (1, 2):
        visit.reply(f"Hello {count}")
        visit.eventually(
            lambda count=count: visit.page.get_by_role("button", name=f"Chat with us, {count} unread").count()
        )
    badge = visit.page.locator("span").get_by_text("2", exact=True).last
    assert badge.is_visible()
    assert badge.evaluate("(span) => span.getRootNode() instanceof ShadowRoot")
    assert visit.get("[...document.querySelectorAll('[data-livechat-unread]')].map((each) => each.textContent)") == [
        "2",
        "2",
    ]
    _own(visit).click()
    visit.until(OPEN)
    visit.eventually(lambda: visit.page.get_by_role("button", name="Chat with us", exact=True).count())
    assert _style(visit, "display", "span") == "none"
    assert visit.get("[...document.querySelectorAll('[data-livechat-unread]')].map((each) => each.textContent)") == [
        "",
        "",
    ]


def _closed() -> dict[str, Any]:
    """Office hours that are over, whatever the hour."""
    today = datetime.now(UTC).date()
    return {"tz": "UTC", "mon-sun": "09:00-17:00", "closed": [str(today + timedelta(days=n)) for n in (-1, 0, 1)]}


def _icon(visit: Visit) -> str:
    return str(visit.get(f"{HOST}.shadowRoot.querySelector('path').getAttribute('d')"))


@pytest.mark.parametrize("width", [1280, 390])
def test_out_of_office_the_button_shows_a_letter_and_the_words_where_there_is_room(
    site: Site, open_visit: Any, width: int
) -> None:
    site("crisp", LOAD="manual", LAUNCHER="own")
    visit = open_visit(viewport={"width": width, "height": 800})
    visit.go()
    in_hours = _icon(visit)
    assert _own(visit).inner_text() == ""
    site("crisp", LOAD="manual", LAUNCHER="own", OFFLINE="leave-message", OFFICE_HOURS=_closed())
    visit.go()
    button = visit.page.get_by_role("button", name="Leave a message")
    assert button.is_visible()
    assert _icon(visit) != in_hours
    assert button.inner_text() == ("Leave a message" if width > 640 else "")
    box = button.bounding_box()
    assert box["height"] == 56
    assert (box["width"] > 150) == (width > 640)
    assert box["x"] + box["width"] == width - (20 if width > 640 else 10)


def test_long_words_do_not_make_the_button_wider_than_the_page(site: Site, open_visit: Any) -> None:
    words = {"en": {"message": "We are closed until tomorrow, " * 4}}
    site("crisp", LOAD="manual", LAUNCHER="own", OFFLINE="leave-message", OFFICE_HOURS=_closed(), TEXTS=words)
    visit = open_visit(viewport={"width": 700, "height": 500})
    visit.go()
    box = visit.page.get_by_role("button", name="We are closed").bounding_box()
    assert (box["width"], box["height"]) == (276, 56)


@every_vendor
def test_while_the_chat_is_open_the_button_shows_that_it_closes_it(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", LAUNCHER="own", OFFLINE="leave-message", OFFICE_HOURS=_closed())
    visit.go()
    button = visit.page.get_by_role("button", name="Leave a message")
    shut = _icon(visit)
    assert button.inner_text() == "Leave a message"
    button.click()
    visit.until(OPEN)
    visit.eventually(lambda: _icon(visit) != shut)
    assert button.inner_text() == ""
    button.click()
    visit.until(CLOSED)
    visit.eventually(lambda: _icon(visit) == shut)
    assert button.inner_text() == "Leave a message"


# How it looks.


def test_it_is_big_enough_for_a_thumb(site: Site, visit: Visit) -> None:
    site("crisp", LOAD="manual", LAUNCHER="own")
    visit.go()
    box = _own(visit).bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 44


@pytest.mark.parametrize("size", [(1280, 720), (390, 844)])
@pytest.mark.parametrize(
    "position",
    [None, {"side": "left", "x": 33, "y": 44, "mobile_x": 5, "mobile_y": 66}, {"x": 0, "mobile_x": 0, "y": 300}],
)
def test_it_stands_where_the_app_says(
    site: Site, open_visit: Any, size: tuple[int, int], position: dict[str, Any] | None
) -> None:
    site("crisp", LOAD="manual", LAUNCHER="own", **({"POSITION": position} if position else {}))
    width, height = size
    visit = open_visit(viewport={"width": width, "height": height})
    visit.go()
    box = _own(visit).bounding_box()
    place = {"side": "right", "x": 20, "y": 20, "mobile_x": 10, "mobile_y": 70} | (position or {})
    x, y = (place["mobile_x"], place["mobile_y"]) if width < 640 else (place["x"], place["y"])
    across = box["x"] if place["side"] == "left" else width - box["x"] - box["width"]
    assert (across, height - box["y"] - box["height"]) == (x, y)


@every_vendor
@pytest.mark.parametrize("launcher", ["own", "vendor"])
def test_where_text_runs_from_the_right_chat_is_on_the_left(
    site: Site, visit: Visit, vendor: str, launcher: str
) -> None:
    app = site(vendor, LOAD="eager", LAUNCHER=launcher)

    @app.after_request
    def rtl(response: Response) -> Response:
        if response.mimetype == "text/html":
            response.set_data(response.get_data(as_text=True).replace('lang="en"', 'lang="ar" dir="rtl"'))
        return response

    visit.go()
    if launcher == "own":
        box = visit.page.get_by_role("button", name="تحدّث معنا").bounding_box()
        assert box is not None
        assert box["x"] == 20
    visit.ready()
    visit.until(f"document.querySelector('#livechat-sandbox-{vendor}')")
    assert visit.get(f"document.querySelector('#livechat-sandbox-{vendor}').dataset.h") == "l"


def test_forced_colours_leave_it_a_border(site: Site, open_visit: Any) -> None:
    site("crisp", LOAD="manual", LAUNCHER="own")
    visit = open_visit(forced_colors="active")
    visit.go()
    assert visit.get("matchMedia('(forced-colors: active)').matches")
    assert (_style(visit, "borderTopStyle"), _style(visit, "borderTopWidth")) == ("solid", "2px")
    border, ground = _style(visit, "borderTopColor"), _style(visit, "backgroundColor")
    assert _contrast(border, ground) >= 3


def test_it_is_not_printed(site: Site, visit: Visit) -> None:
    site("crisp", LOAD="off", LAUNCHER="own", extra='<button id="ask" data-livechat-open>Ask</button>')
    visit.go()
    visit.page.click("#ask")
    note = visit.page.get_by_role("status")
    note.wait_for()
    assert _own(visit).is_visible()
    visit.page.emulate_media(media="print")
    assert visit.get(f"{IN_HOST}.every((each) => getComputedStyle(each).display === 'none')")
    assert not _own(visit).is_visible()


def test_dark_pages_get_other_colours_and_icon_and_text_are_seen_in_both(site: Site, open_visit: Any) -> None:
    site("crisp", LOAD="off", LAUNCHER="own", extra='<button id="ask" data-livechat-open>Ask</button>')
    seen = []
    for scheme in ("light", "dark"):
        visit = open_visit(color_scheme=scheme)
        visit.go()
        visit.page.click("#ask")
        visit.page.get_by_role("status").wait_for()
        icon, ground = _style(visit, "fill", "path"), _style(visit, "backgroundColor")
        assert _contrast(icon, ground) >= 3
        assert _contrast(ground, "rgb(255, 255, 255)" if scheme == "light" else "rgb(0, 0, 0)") >= 3
        assert _contrast(_style(visit, "color", "output"), _style(visit, "backgroundColor", "output")) >= 4.5
        assert _contrast(_style(visit, "color", "span"), _style(visit, "backgroundColor", "span")) >= 4.5
        seen.append((icon, ground))
    assert seen[0][0] != seen[1][0]
    assert seen[0][1] != seen[1][1]


def test_nothing_of_it_moves(site: Site, visit: Visit) -> None:
    site("crisp", LOAD="manual", LAUNCHER="own")
    visit.go()
    moves = f"""{IN_HOST}.concat({HOST}).some((each) => {{
      const {{transitionDuration, animationName, scrollBehavior}} = getComputedStyle(each);
      return parseFloat(transitionDuration) || animationName !== "none" || scrollBehavior !== "auto"; }})"""
    assert visit.get(moves) is False
    assert visit.get("document.getAnimations().length") == 0


def _contrast(one: str, other: str) -> float:
    """WCAG's ratio of two computed colours."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    found = re.fullmatch(r"rgba?\((\d+), (\d+), (\d+)(?:, 1)?\)", colour)
    assert found, colour
    parts = [int(part) / 255 for part in found.groups()]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# axe.


@pytest.mark.parametrize(("launcher", "scheme"), [("vendor", "light"), ("own", "dark")])
@pytest.mark.parametrize("who", ["nobody", "somebody"])
def test_axe_finds_nothing_on_the_example_app_by_day_and_by_night(
    net: Net, open_visit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, launcher: str, scheme: str, who: str
) -> None:
    visit = open_visit(color_scheme=scheme)
    for name in [name for name in os.environ if name.startswith("FLASK_")]:
        monkeypatch.delenv(name)
    net.reset()
    net.site = create_app({"TESTING": True, "INSTANCE_PATH": str(tmp_path), "LIVECHAT_LAUNCHER": launcher})
    if who == "somebody":
        visit.go("/login")
        visit.page.get_by_role("button", name="Sign in as").first.click()
        visit.page.wait_for_url("**/dashboard")
    found, carried = [], 0
    for path in [*PUBLIC, *(PRIVATE if who == "somebody" else [])]:
        visit.go(path)
        if visit.get("Boolean(window.livechat)"):
            carried += 1
            visit.get("livechat.show(); 0")
            if path in ("/", "/pricing", "/dashboard"):
                visit.ready()
            if launcher == "own":
                assert _own(visit).is_visible()
        found += axe(visit)
    assert not found, "\n".join(found)
    assert carried > 5


def _in_a_landmark(response: Response) -> Response:
    """The site's page with its content in a landmark, so that what axe finds is ours."""
    if response.mimetype == "text/html":
        html = response.get_data(as_text=True)
        response.set_data(html.replace("<body>", "<body><main>").replace("</body>", "</main></body>"))
    return response


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_while_the_failure_note_is_shown(site: Site, open_visit: Any, scheme: str) -> None:
    app = site("crisp", LOAD="manual", LAUNCHER="own")
    app.after_request(_in_a_landmark)
    visit = open_visit(color_scheme=scheme)
    visit.net.down |= {HOSTS["crisp"]}
    visit.go()
    _own(visit).click()
    visit.until("livechat.state === 'failed'")
    assert visit.page.get_by_role("status").inner_text().startswith("Chat cannot be reached")
    assert axe(visit) == []


# Tour, article, prefilled message, events: each works, or one line says that it does not.


def _listen(visit: Visit) -> list[str]:
    said: list[str] = []
    visit.page.on("console", lambda message: said.append(message.text) if "not supported" in message.text else None)
    return said


def _panel_text(vendor: str) -> str:
    return f"document.querySelector('#livechat-sandbox-{vendor}').shadowRoot.textContent"


def _title(vendor: str) -> str:
    return providers.load(vendor).title


@every_vendor
@pytest.mark.parametrize("load", ["manual", "eager"])
@pytest.mark.parametrize("by", ["attribute", "script"])
def test_a_prefilled_message(site: Site, visit: Visit, vendor: str, load: str, by: str) -> None:
    site(
        vendor,
        LOAD=load,
        extra='<button id="ask" data-livechat-open data-livechat-message="About order 7">Ask</button>',
    )
    said = _listen(visit)
    visit.go()
    if load == "eager":
        visit.ready()
    for _ in range(2):
        if by == "attribute":
            visit.page.click("#ask")
        else:
            assert visit.get("livechat.open('About order 7')") is True
        visit.until(OPEN)
        if vendor != "tawk":
            visit.until(f"{composer(vendor)} === 'About order 7'")
        visit.get("livechat.close()")
        visit.until(CLOSED)
    assert said == (
        [f"livechat: a prefilled message is not supported by {_title(vendor)}."] if vendor == "tawk" else []
    )


@every_vendor
@pytest.mark.parametrize("by", ["attribute", "script"])
def test_a_tour(site: Site, visit: Visit, vendor: str, by: str) -> None:
    site(vendor, LOAD="manual", extra='<button id="tour" data-livechat-tour="t7">Show me</button>')
    said = _listen(visit)
    visit.go()
    for _ in range(2):
        if by == "attribute":
            visit.page.click("#tour")
        else:
            assert visit.get("livechat.tour('t7')") is (vendor == "intercom")
    if vendor == "intercom":
        visit.ready()
        visit.until("__livechat_sandbox.events.some(({name, data}) => name === 'sandbox tour' && data.id === 't7')")
        assert said == []
    else:
        visit.eventually(lambda: said)
        visit.page.wait_for_timeout(200)
        assert said == [f"livechat: tour is not supported by {_title(vendor)}."]
        assert visit.get("livechat.state") == "waiting"  # what cannot be done starts nothing


@every_vendor
def test_a_tour_of_a_page_is_said_once_where_it_is_not_supported(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", overrides={"tour": "t7"})
    said = _listen(visit)
    visit.go()
    visit.ready()
    if vendor == "intercom":
        visit.until("__livechat_sandbox.events.some(({name, data}) => name === 'sandbox tour' && data.id === 't7')")
    else:
        visit.eventually(lambda: said)
    assert len(said) == (vendor != "intercom")


@every_vendor
def test_where_a_tour_is_not_supported_its_own_link_is_followed(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual", extra='<a id="tour" href="/contact" data-livechat-tour="t7">Show me</a>')
    visit.go()
    visit.page.click("#tour")
    if vendor == "intercom":
        visit.ready()
        assert visit.page.url == f"{SITE}/"
    else:
        visit.page.wait_for_url("**/contact")


@pytest.mark.parametrize("address", ["javascript:window.__run=1", "data:text/html,x", "#"])
@one_vendor
def test_a_launchers_own_link_is_not_followed_where_it_leads_to_no_place(
    site: Site, visit: Visit, vendor: str, address: str
) -> None:
    app = site(vendor, LOAD="off", CSP="off", extra=f'<a id="ask" data-livechat-open href="{address}">Ask</a>')

    @app.after_request
    def allow(response: Any) -> Any:
        response.headers["Content-Security-Policy"] = "default-src 'self' 'unsafe-inline'"
        return response

    visit.go()
    visit.page.click("#ask")
    assert visit.page.get_by_role("status").inner_text() == "Chat cannot be reached."
    assert visit.get("window.__run") is None
    assert visit.page.url == SITE + "/"


@every_vendor
def test_an_article(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual")
    said = _listen(visit)
    visit.go()
    can = vendor in ("crisp", "intercom")
    assert visit.get("livechat.article('how-to')") is can
    if can:
        visit.until(OPEN)
        visit.until(f"{_panel_text(vendor)}.includes('how-to')")
    assert visit.get("livechat.article('how-to')") is can
    visit.eventually(lambda: can or said)
    visit.page.wait_for_timeout(100)
    assert said == ([] if can else [f"livechat: article is not supported by {_title(vendor)}."])


@every_vendor
@pytest.mark.parametrize("load", ["manual", "eager"])
def test_events_reach_the_agents_desk(site: Site, visit: Visit, vendor: str, load: str) -> None:
    site(vendor, LOAD=load, extra='<button id="plan" data-livechat-event="plan-chosen">Choose</button>')
    said = _listen(visit)
    visit.go()
    if load == "eager":
        visit.ready()
    visit.page.click("#plan")
    assert visit.get("livechat.track('order-paid', {total: 7, coupon: 'spring'})") is True
    if load == "manual":
        assert visit.get("livechat.state") == "waiting"
        visit.page.click("#opener")
        visit.ready()
    visit.eventually(lambda: [event["name"] for event in visit.desk()["events"]] == ["plan-chosen", "order-paid"])
    metadata = visit.desk()["events"][1]["data"]
    assert {name: str(value) for name, value in metadata.items()} == {"total": "7", "coupon": "spring"}
    assert said == []


@one_vendor
def test_one_element_may_ask_for_several_things(site: Site, visit: Visit, vendor: str) -> None:
    both = '<button id="both" data-livechat-open data-livechat-event="help-wanted">Help</button>'
    site(vendor, LOAD="manual", extra=both)
    visit.go()
    visit.page.click("#both")
    visit.until(OPEN)
    visit.until("__livechat_sandbox.events.filter(({name}) => name === 'help-wanted').length === 1")


@every_vendor
def test_a_log_out_element_ends_the_chat(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", extra='<button id="out" type="button" data-livechat-logout>Log out</button>')
    said = _listen(visit)
    visit.go("/login/1")
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified")
    before = visit.snapshot()["session"]
    visit.page.click("#out")
    visit.until("livechat.state === 'ended'")
    visit.is_over()
    visit.eventually(lambda: before not in visit.stored())
    assert said == []


@every_vendor
@pytest.mark.parametrize(("who", "width"), [("nobody", 390), ("somebody", 1280)])
def test_axe_finds_nothing_in_a_stand_ins_open_panel(
    site: Site, open_visit: Any, vendor: str, who: str, width: int
) -> None:
    """With a question, an answer, its rating and a note of the system's own in it."""
    app = site(vendor, LOAD="eager")
    app.after_request(_in_a_landmark)
    visit = open_visit(viewport={"width": width, "height": 800})
    visit.go("/login/1" if who == "somebody" else "/")
    visit.ready()
    visit.get("livechat.open(); 0")
    visit.until(OPEN)
    panel = visit.page.locator(f"#livechat-sandbox-{vendor}")
    panel.locator("textarea").fill("Is it in stock?")
    panel.locator("textarea").press("Enter")
    panel.get_by_text("Is it in stock?").wait_for()
    visit.reply("It is.")
    panel.get_by_text("It is.").wait_for()
    panel.get_by_role("group", name="Rate this conversation").get_by_role("button").first.click()
    visit.page.wait_for_timeout(300)  # the panel moves in
    found = []
    for theme in ("light", "dark"):
        panel.evaluate("(host, theme) => { host.dataset.theme = theme; }", theme)
        found += axe(visit)
    assert found == []
    # Of a gradient axe says nothing.
    ground = panel.locator("header").evaluate(
        "(header) => { const { backgroundImage, backgroundColor } = getComputedStyle(header);"
        " return backgroundImage === 'none' ? backgroundColor : backgroundImage; }"
    )
    assert min(_contrast("rgb(255, 255, 255)", shade) for shade in re.findall(r"rgb\(.*?\)", ground)) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sandboxs_desk_is_in_order_on_a_screen_and_on_a_phone(
    net: Net, open_visit: Any, tmp_path: Path, scheme: str
) -> None:
    net.reset()
    net.site = create_app({"TESTING": True, "INSTANCE_PATH": str(tmp_path)})
    for text in ("", "When do you open?"):
        visitor = open_visit()
        visitor.go("/pricing")
        visitor.ready()
        visitor.until("__livechat_sandbox.session")
        if text:
            visitor.get("livechat.track('asked'); livechat.open(); 0")
            visitor.until(OPEN)
            visitor.page.keyboard.type(text)
            visitor.page.keyboard.press("Enter")
            visitor.until("__livechat_sandbox.messages.length === 1")
    desk = open_visit(color_scheme=scheme, viewport={"width": 1280, "height": 800})
    desk.go("/livechat/sandbox/")
    people = desk.page.locator("#sessions button")
    people.nth(1).wait_for()
    assert [people.nth(n).locator(".last").inner_text() for n in (0, 1)] == ["When do you open?", "no message yet"]
    assert re.search(r"\d:\d\d", people.nth(0).locator(".when").inner_text())
    people.nth(0).click()
    desk.page.locator("#log .line").wait_for()
    found = axe(desk)
    desk.page.set_viewport_size({"width": 390, "height": 844})
    found += axe(desk)
    assert found == []
    parts = [people.nth(0).locator(name).bounding_box() for name in (".who", ".last", ".when")]
    middles = [box["y"] + box["height"] / 2 for box in parts]
    assert max(middles) - min(middles) < 8  # one line
    assert desk.page.locator("#text").bounding_box()["width"] > 300
    assert desk.get("document.documentElement.scrollWidth <= innerWidth")

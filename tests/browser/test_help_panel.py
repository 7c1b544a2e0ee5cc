"""The help panel: answers first, a person one Tab away, and nothing of the vendor's before somebody asks for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response

from flask_livechat import providers

from .conftest import HOSTS, VENDORS, Visit, axe

Site = Callable[..., Flask]
every_vendor = pytest.mark.parametrize("vendor", VENDORS)
CARD = "---\ntitle: Why was my card declined?\ndescription: What banks refuse, and what to do.\n---\nAsk your bank.\n"
INVOICE = "---\ntitle: Where is my invoice?\n---\nUnder Billing.\n"
FLOW = {
    "start": "topic",
    "topic": {"say": "What is it about?", "choices": {"My order": "order", "Something else": "human"}},
    "order": {"say": "Which order?", "ask": "order_number", "then": "human"},
}
STATES = {
    "start": "topic",
    "topic": {"say": "What is it about?", "choices": {"My order": "order", "Something else": "human"}},
    "order": {"say": "Which order?", "ask": "order_number", "then": "card"},
    "card": {"articles": "card declined"},
}
STATE_NAMES = (
    "nothing typed",
    "answers",
    "no answer",
    "a question of the flow",
    "answers of the flow",
    "the end of the flow",
)
FORM = '<form><label for="message">Message</label><textarea id="message" data-livechat-suggest></textarea></form>'
PANEL = "[...document.querySelectorAll('*')].find((node) => node.shadowRoot?.getElementById('field'))"
TAKES_MESSAGE = {vendor: "message" in providers.load(vendor).can for vendor in VENDORS}


@pytest.fixture
def help_site(site: Site, tmp_path: Path) -> Site:
    """A site with two articles and the panel on all of its pages."""
    folder = tmp_path / "help" / "en"
    folder.mkdir(parents=True)
    (folder / "card-declined.md").write_text(CARD)
    (folder / "invoice.md").write_text(INVOICE)

    def make(vendor: str = VENDORS[0], **config: Any) -> Flask:
        return site(vendor, **{"HELP": "first", "ARTICLES": str(folder.parent), "ARTICLE_PAGES": True, **config})

    return make


def shown(visit: Visit) -> bool:
    return bool(visit.get(f"!!{PANEL}"))


def open_panel(visit: Visit, launcher: str = "#opener") -> None:
    visit.page.click(launcher)
    visit.until(f"!!{PANEL}")


def ask(visit: Visit, text: str = "card declined") -> None:
    visit.page.get_by_role("textbox").fill(text)
    visit.page.get_by_role("dialog").get_by_role("link").first.wait_for()


def human(visit: Visit) -> Any:
    return visit.page.get_by_role("button", name="Talk to a human")


@every_vendor
def test_a_launcher_opens_the_panel_and_nothing_of_the_vendors_is_asked_before_a_human_is(
    help_site: Site, visit: Visit, vendor: str
) -> None:
    help_site(vendor, LOAD="eager")
    visit.go()
    open_panel(visit)
    ask(visit)
    links = visit.page.get_by_role("dialog").get_by_role("link")
    assert links.all_text_contents() == ["Why was my card declined?"]
    assert links.get_attribute("href") == "/livechat/help/en/card-declined"
    visit.until(f"{PANEL}.shadowRoot.querySelector('[role=status]').textContent === 'Answers: 1'")
    assert visit.net.asked(vendor) == []
    assert visit.get("livechat.state") == "waiting"
    human(visit).click()
    visit.ready()
    visit.until("__livechat_sandbox.open")
    assert not shown(visit)


@every_vendor
def test_what_was_typed_and_shown_is_with_the_agent(help_site: Site, visit: Visit, vendor: str) -> None:
    help_site(vendor)
    visit.go()
    open_panel(visit)
    ask(visit, "my card was declined")
    human(visit).click()
    visit.ready()
    visit.eventually(lambda: "Why was my card declined?" in str(visit.desk()))
    if TAKES_MESSAGE[vendor]:
        assert visit.page.input_value(f"#livechat-sandbox-{vendor} textarea") == "my card was declined "
    else:
        assert visit.desk()["attributes"]["question"] == "my card was declined"


@every_vendor
def test_a_flow_hands_over_its_way_its_field_and_its_segment(help_site: Site, visit: Visit, vendor: str) -> None:
    app = help_site(vendor, RULES=[{"path": "*", "flow": "shop"}])
    app.extensions["livechat"].livechat.flow("shop", FLOW)
    visit.go()
    open_panel(visit)
    visit.page.get_by_role("button", name="My order").click()
    visit.until(f"{PANEL}.shadowRoot.querySelector('label').textContent === 'Which order?'")
    assert visit.get(f"{PANEL}.shadowRoot.activeElement.id") == "field"
    visit.go("/other")  # in the middle
    open_panel(visit)
    visit.page.get_by_role("textbox").fill("A-17")
    visit.page.keyboard.press("Enter")
    visit.ready()
    visit.eventually(lambda: "A-17" in str(visit.desk()["attributes"]))
    attributes = visit.desk()["attributes"]
    assert {name.replace("-", "_"): value for name, value in attributes.items()}.items() >= {
        "help_path": "My order",
        "order_number": "A-17",
    }.items()
    if TAKES_MESSAGE[vendor]:
        assert visit.page.input_value(f"#livechat-sandbox-{vendor} textarea") == "My order: A-17 "
    else:
        assert attributes["question"] == "My order: A-17"
    if "segment" in providers.load(vendor).can:
        visit.eventually(lambda: "help:order" in str(visit.desk()))


@every_vendor
def test_all_that_was_said_in_a_flow_is_with_the_agent_once_though_the_page_changes_on_the_way(
    help_site: Site, visit: Visit, vendor: str
) -> None:
    """Of an anonymous visitor, so as an event, also where the next page opens what this one was asked for."""
    app = help_site(vendor, RULES=[{"path": "*", "flow": "shop"}], FALLBACK_URL="/contact")
    app.extensions["livechat"].livechat.flow("shop", FLOW)
    visit.net.down.add(HOSTS[vendor])
    visit.go()
    open_panel(visit)
    visit.page.get_by_role("button", name="My order").click()
    visit.until(f"{PANEL}.shadowRoot.querySelector('label').textContent === 'Which order?'")
    human(visit).click()
    visit.page.wait_for_url("**/contact")  # the vendor is down
    visit.net.down.clear()
    visit.go("/other")
    open_panel(visit)
    visit.page.get_by_role("textbox").fill("A-17")
    visit.page.keyboard.press("Enter")
    visit.ready()
    lines = ["What is it about? - My order", "Which order? - A-17"]
    visit.eventually(lambda: lines in [[*event["data"].values()] for event in visit.desk()["events"]])
    visit.pause(0.3)
    assert [event["name"] for event in visit.desk()["events"]].count("help-handoff") == 1


def start_conversation(visit: Visit, vendor: str) -> None:
    """Go past the panel to a person, and write."""
    visit.go()
    open_panel(visit)
    human(visit).click()
    visit.ready()
    visit.page.fill(f"#livechat-sandbox-{vendor} textarea", "Is it in stock?")
    visit.page.press(f"#livechat-sandbox-{vendor} textarea", "Enter")
    visit.until("JSON.stringify([localStorage, sessionStorage]).match(/going|opened/)")


@every_vendor
def test_a_visitor_whose_conversation_is_going_comes_straight_to_the_chat(
    help_site: Site, visit: Visit, vendor: str
) -> None:
    help_site(vendor, LOAD="intent")
    start_conversation(visit, vendor)
    visit.go("/other")
    visit.page.click("#opener")
    visit.ready()
    visit.until("__livechat_sandbox.open")
    assert not shown(visit)


@every_vendor
def test_where_the_vendor_is_blocked_articles_work_and_the_launcher_leads_on_with_the_question_still_there(
    help_site: Site, visit: Visit, vendor: str
) -> None:
    help_site(vendor, FALLBACK_URL="/contact")
    visit.net.down.add(HOSTS[vendor])
    visit.go()
    open_panel(visit)
    ask(visit)
    human(visit).click()
    visit.page.wait_for_url("**/contact")
    visit.net.down.clear()
    visit.go()
    open_panel(visit)
    assert visit.page.get_by_role("textbox").input_value() == "card declined"


def test_the_panel_is_there_within_a_modal_dialog(help_site: Site, visit: Visit) -> None:
    extra = '<dialog id="modal"><button id="inside" data-livechat-open>Help</button></dialog>'
    help_site(extra=extra)
    visit.go()
    visit.get("document.getElementById('modal').showModal()")
    open_panel(visit, "#inside")
    ask(visit)
    visit.page.keyboard.press("Escape")
    visit.until(f"!{PANEL}")
    assert visit.get("document.getElementById('modal').open")
    assert visit.get("document.activeElement.id") == "inside"


def test_from_the_field_to_a_person_is_one_tab_and_enter_and_escape_gives_the_focus_back(
    help_site: Site, visit: Visit
) -> None:
    app = help_site(RULES=[{"path": "*", "flow": "shop"}])
    app.extensions["livechat"].livechat.flow("shop", FLOW)
    visit.go()
    visit.page.focus("#opener")
    visit.page.keyboard.press("Enter")
    visit.until(f"{PANEL}?.shadowRoot.activeElement?.id === 'field'")
    for text in ("", "card declined", "penguins"):
        visit.page.get_by_role("textbox").fill(text)
        visit.pause(0.4)
        assert visit.get(f"{PANEL}.shadowRoot.activeElement.id") == "field"
        visit.page.keyboard.press("Tab")
        assert visit.get(f"{PANEL}.shadowRoot.activeElement.textContent") == "Talk to a human"
        visit.page.keyboard.press("Shift+Tab")
    visit.until(f"{PANEL}.shadowRoot.querySelector('[role=status]').textContent === 'No article answers that.'")
    visit.page.keyboard.press("Escape")
    visit.until(f"!{PANEL}")
    assert visit.get("document.activeElement.id") == "opener"
    visit.page.keyboard.press("Enter")
    visit.until(f"{PANEL}?.shadowRoot.activeElement?.id === 'field'")
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Enter")
    visit.ready()


STATUS = f"{PANEL}.shadowRoot.querySelector('[role=status]').textContent"
CLOSED = {"tz": "UTC", "mon-fri": "09:00-17:00"}


def every_state(visit: Visit) -> Iterator[str]:
    """Bring the panel of a page with ``STATES`` into each state, and say which."""
    visit.go()
    open_panel(visit)
    dialog = visit.page.get_by_role("dialog")
    field, button = dialog.get_by_role("textbox"), lambda name: dialog.get_by_role("button", name=name)
    button("My order").wait_for()
    yield "nothing typed"
    field.fill("card declined")
    visit.until(f"{STATUS} === 'Answers: 1'")
    yield "answers"
    field.fill("penguins")
    visit.until(f"{STATUS} === 'No article answers that.'")
    yield "no answer"
    button("My order").click()
    dialog.get_by_text("Which order?").wait_for()
    yield "a question of the flow"
    field.fill("4711")
    field.press("Enter")
    button("That helped").wait_for()
    yield "answers of the flow"
    button("That helped").click()
    visit.until(f"!{PANEL} || !{PANEL}.shadowRoot.textContent.includes('That helped')")
    if shown(visit):
        yield "the end of the flow"


@pytest.fixture
def site_of_states(help_site: Site) -> Callable[[], None]:
    """A site whose flow has a step of each kind, outside office hours."""

    def make() -> None:
        app = help_site(RULES=[{"path": "*", "flow": "shop"}], OFFICE_HOURS=CLOSED, extra=FORM)
        app.extensions["livechat"].livechat.now = lambda: datetime(2026, 11, 28, 12, tzinfo=UTC)
        app.extensions["livechat"].livechat.flow("shop", STATES)

    return make


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_nothing_to_say_of_the_panel_in_any_state_and_of_answers_under_a_field(
    site_of_states: Callable[[], None], open_visit: Callable[..., Visit], scheme: str
) -> None:
    visit = open_visit(color_scheme=scheme, bypass_csp=True)
    site_of_states()
    of_the_page = ("landmark-one-main", "region")

    def faults() -> list[str]:
        return [line for line in axe(visit) if not any(rule in line for rule in of_the_page)]

    assert {state: faults() for state in every_state(visit)} == {state: [] for state in STATE_NAMES}
    visit.page.fill("#message", "card declined")
    visit.page.get_by_role("link", name="Why was my card declined?").first.wait_for()
    assert faults() == []


def test_from_the_field_to_a_person_is_one_tab_in_every_state(site_of_states: Callable[[], None], visit: Visit) -> None:
    site_of_states()

    def after_a_tab() -> str:
        visit.page.get_by_role("dialog").get_by_role("textbox").focus()
        visit.page.keyboard.press("Tab")
        return str(visit.get(f"{PANEL}.shadowRoot.activeElement.textContent"))

    assert {state: after_a_tab() for state in every_state(visit)} == dict.fromkeys(STATE_NAMES, "Leave a message")
    visit.page.keyboard.press("Enter")
    visit.ready()


def test_a_forms_field_shows_answers_that_leave_the_form_alone(help_site: Site, visit: Visit) -> None:
    help_site(extra=FORM)
    visit.go()
    visit.page.fill("#message", "my card was declined")
    link = visit.page.get_by_role("link", name="Why was my card declined?")
    assert link.get_attribute("target") == "_blank"
    assert visit.get("document.activeElement.id") == "message"
    assert not shown(visit)


def test_outside_office_hours_the_button_takes_a_message_and_says_when_somebody_is_there(
    help_site: Site, visit: Visit
) -> None:
    app = help_site(OFFICE_HOURS={"tz": "UTC", "mon-fri": "09:00-17:00"})
    app.extensions["livechat"].livechat.now = lambda: datetime(2026, 11, 28, 12, tzinfo=UTC)
    visit.go()
    open_panel(visit)
    visit.page.get_by_role("button", name="Leave a message").wait_for()
    assert "Somebody is here again: Monday, Nov 30" in visit.get(f"{PANEL}.shadowRoot.textContent")


def test_a_page_that_is_swapped_keeps_the_panel_and_its_launchers(help_site: Site, visit: Visit) -> None:
    help_site()
    visit.go()
    open_panel(visit)
    swap = "fetch('/other').then((page) => page.text()).then((text) => { document.body.outerHTML = text; })"
    visit.get(swap)
    visit.until("document.querySelector('#opener')")
    ask(visit)
    visit.page.keyboard.press("Escape")
    open_panel(visit)


def test_where_our_own_server_answers_nothing_a_click_still_leads_on(help_site: Site, visit: Visit) -> None:
    help_site(FALLBACK_URL="/contact", RULES=[{"path": "*", "flow": "unknown"}])
    visit.go()
    open_panel(visit)
    visit.page.route("**/livechat/suggest*", lambda route: route.abort())
    visit.page.get_by_role("textbox").fill("card declined")
    human(visit).click()
    visit.ready()


def test_a_flow_whose_server_answers_nothing_ends_at_a_human(help_site: Site, visit: Visit) -> None:
    app = help_site(RULES=[{"path": "*", "flow": "shop"}])
    app.extensions["livechat"].livechat.flow("shop", FLOW)
    visit.go()
    open_panel(visit)
    choice = visit.page.get_by_role("button", name="My order")
    choice.wait_for()
    visit.page.route("**/livechat/flow", lambda route: route.fulfill(status=413))
    choice.click()
    visit.ready()
    visit.until("__livechat_sandbox.open")


def test_what_was_asked_and_read_is_counted_once_in_a_tab_of_nobody(
    help_site: Site, visit: Visit, tmp_path: Path
) -> None:
    app = help_site(store=f"sqlite:///{tmp_path / 'store.sqlite3'}")
    counted: list[str] = []
    app.extensions["livechat"].livechat.count = lambda provider, what: counted.append(what)
    for _ in range(2):
        visit.go()
        open_panel(visit)
        ask(visit)
        visit.page.get_by_role("dialog").get_by_role("link").first.click()
        visit.page.wait_for_url("**/card-declined")
    visit.eventually(lambda: sorted(counted) == ["asked", "read"])
    visit.go()
    open_panel(visit)
    human(visit).click()
    visit.ready()
    visit.eventually(lambda: sorted(set(counted)) == ["asked", "open", "read", "readchat"])
    assert len(counted) == 4


def test_what_no_article_answers_is_reported_once_when_somebody_is_done_with_it(
    help_site: Site, visit: Visit, tmp_path: Path
) -> None:
    app = help_site(store=f"sqlite:///{tmp_path / 'store.sqlite3'}", extra=FORM)
    counted: list[str] = []
    app.extensions["livechat"].livechat.count_unanswered = lambda provider, text, locale: counted.append(text)
    visit.go()
    visit.page.fill("#message", "I am Ada Lovelace")  # for whoever gets the form
    visit.pause(0.5)
    for _ in range(2):
        open_panel(visit)
        field = visit.page.get_by_role("dialog").get_by_role("textbox")
        field.fill("")
        field.press_sequentially("zeb")
        visit.pause(0.5)
        assert "zeb" not in counted  # somebody is still writing
        field.press_sequentially("ras")
        visit.until(f"{PANEL}.shadowRoot.querySelector('[role=status]').textContent === 'No article answers that.'")
        visit.page.keyboard.press("Escape")
        visit.eventually(lambda: counted == ["zebras"])
    open_panel(visit)
    field.fill("card declined")
    visit.page.get_by_role("dialog").get_by_role("link").first.wait_for()
    field.fill("penguins")
    visit.until(f"{PANEL}.shadowRoot.querySelector('[role=status]').textContent === 'No article answers that.'")
    human(visit).click()
    visit.ready()
    visit.eventually(lambda: counted == ["zebras", "penguins"])


def test_without_any_vendor_the_panel_answers_and_the_way_to_a_person_is_the_fallback(
    help_site: Site, visit: Visit
) -> None:
    help_site(PROVIDER=None, FALLBACK_URL="/contact")
    visit.go()
    open_panel(visit)
    ask(visit)
    human(visit).click()
    visit.page.wait_for_url("**/contact")
    assert not [name for vendor in VENDORS for name in visit.net.asked(vendor)]


def test_the_panel_works_where_trusted_types_are_required(help_site: Site, visit: Visit) -> None:
    app = help_site(extra=FORM)
    app.after_request_funcs[None].insert(0, with_trusted_types)
    visit.go()
    policy = visit.get("fetch('/').then((page) => page.headers.get('Content-Security-Policy'))")
    assert "require-trusted-types-for" in policy
    visit.page.fill("#message", "card declined")
    visit.page.get_by_role("link", name="Why was my card declined?").wait_for()
    open_panel(visit)
    visit.page.get_by_role("dialog").get_by_role("textbox").fill("invoice")
    visit.page.get_by_role("dialog").get_by_role("link", name="Where is my invoice?").wait_for()


def with_trusted_types(response: Response) -> Response:
    policy = "default-src 'self'; require-trusted-types-for 'script'; trusted-types livechat"
    response.headers["Content-Security-Policy"] = policy
    return response


@every_vendor
def test_a_visitor_with_unread_messages_comes_straight_to_the_chat(
    help_site: Site, visit: Visit, tmp_path: Path, vendor: str
) -> None:
    help_site(vendor, store=f"sqlite:///{tmp_path / 'store.sqlite3'}")
    visit.page.route("**/livechat/unread", lambda route: route.fulfill(json={"unread": 2}))
    visit.go("/login/1")
    visit.until("document.getElementById('unread').textContent === '2'")
    visit.page.click("#opener")
    visit.ready()
    visit.until("__livechat_sandbox.open")
    assert not shown(visit)


def test_the_panels_file_is_fetched_at_the_first_sign_of_intent_and_not_before(help_site: Site, visit: Visit) -> None:
    help_site()
    visit.go()
    visit.pause(1)

    def is_fetched() -> bool:
        return any("/livechat/help." in line for line in visit.net.log)

    assert not is_fetched()
    visit.page.hover("#opener")
    visit.eventually(is_fetched)

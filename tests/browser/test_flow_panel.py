"""A flow in the panel: by keyboard, with storage that is blocked, hostile words, and a flow that changes meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from flask_livechat.help import answers

from .conftest import VENDORS, Visit, composer
from .test_bad_input import FULL, NO_STORAGE
from .test_help_panel import FLOW, PANEL, TAKES_MESSAGE, human, open_panel, shown, start_conversation

Site = Callable[..., Flask]
every_vendor = pytest.mark.parametrize("vendor", VENDORS)


@pytest.fixture
def flow_site(site: Site) -> Site:
    """A site with a flow in the panel of all its pages."""

    def make(vendor: str = VENDORS[0], flow: Any = FLOW, **config: Any) -> Flask:
        app = site(vendor, **{"HELP": "first", "RULES": [{"path": "*", "flow": "shop"}], **config})
        app.extensions["livechat"].livechat.flow("shop", flow)
        return app

    return make


def change_flow(app: Flask, flow: Any) -> None:
    app.extensions["livechat"].livechat.flow("shop", flow)
    app.extensions["livechat"].runtime.flows = None


def answer(visit: Visit, question: str, text: str) -> None:
    """Write into the panel's field once it asks that."""
    visit.until(f"{PANEL}.shadowRoot.querySelector('label').textContent === '{question}'")
    visit.page.get_by_role("textbox").fill(text)
    visit.page.keyboard.press("Enter")


def choice(visit: Visit, name: str) -> Any:
    return visit.page.get_by_role("button", name=name)


def focused(visit: Visit) -> str:
    """The text of what has the focus in the panel, or its id."""
    return str(visit.get(f"(({{id, textContent}}) => id || textContent)({PANEL}.shadowRoot.activeElement)"))


def test_a_flow_is_walked_by_the_keyboard_alone(flow_site: Site, visit: Visit) -> None:
    flow_site()
    visit.go()
    visit.page.focus("#opener")
    visit.page.keyboard.press("Enter")
    visit.until(f"{PANEL}?.shadowRoot.activeElement?.id === 'field'")
    choice(visit, "My order").wait_for()
    stops = []
    while focused(visit) != "My order":
        visit.page.keyboard.press("Tab")
        stops.append(focused(visit))
        assert len(stops) < 8, stops
    assert stops[0] == "Talk to a human"
    visit.page.keyboard.press("Enter")
    visit.until(f"{PANEL}.shadowRoot.querySelector('label').textContent === 'Which order?'")
    assert focused(visit) == "field"  # whose label a screen reader reads
    visit.page.keyboard.type("A-17")
    visit.page.keyboard.press("Enter")
    visit.ready()
    visit.until("__livechat_sandbox.open")


def test_what_a_flow_says_is_read_where_the_focus_is(flow_site: Site, visit: Visit) -> None:
    more = {"say": "When was it?", "choices": {"Today": "human"}}
    flow_site(flow={**FLOW, "topic": {**FLOW["topic"], "choices": {"My order": "when"}}, "when": more})  # type: ignore[dict-item]
    visit.go()
    open_panel(visit)
    choice(visit, "My order").focus()
    visit.page.keyboard.press("Enter")
    choice(visit, "Today").wait_for()
    assert focused(visit).startswith("When was it?")
    choice_box = f"{PANEL}.shadowRoot.activeElement"
    assert visit.get(f"{choice_box}.querySelectorAll('button').length") == 1


@every_vendor
@pytest.mark.parametrize("broken", [FULL, NO_STORAGE], ids=["full", "blocked"])
def test_where_storage_is_full_or_blocked_a_flow_hands_over_and_begins_anew_on_the_next_page(
    flow_site: Site, visit: Visit, vendor: str, broken: str
) -> None:
    flow_site(vendor)
    visit.page.add_init_script(broken)
    visit.go()
    open_panel(visit)
    choice(visit, "My order").click()
    visit.until(f"{PANEL}.shadowRoot.querySelector('label').textContent === 'Which order?'")
    visit.go("/other")
    open_panel(visit)
    choice(visit, "My order").click()
    answer(visit, "Which order?", "A-17")
    visit.ready()
    visit.eventually(lambda: "A-17" in str(visit.desk()["attributes"]))


@pytest.mark.parametrize("vendor", [name for name in VENDORS if TAKES_MESSAGE[name]])
def test_what_a_visitor_writes_after_the_handover_does_not_run_into_their_choice(
    flow_site: Site, visit: Visit, vendor: str
) -> None:
    flow_site(vendor, {**FLOW, "topic": {"say": "What is it about?", "choices": {"My post": "human"}}})
    visit.go()
    open_panel(visit)
    choice(visit, "My post").click()
    visit.ready()
    visit.until(f"{composer(vendor)} === 'My post: '")
    field = visit.page.locator(f"#livechat-sandbox-{vendor} textarea")
    field.press_sequentially("I cannot edit it")
    assert field.input_value() == "My post: I cannot edit it"


def test_a_flow_that_is_changed_while_a_visitor_is_in_it_leads_to_a_human(flow_site: Site, visit: Visit) -> None:
    app = flow_site()
    visit.go()
    open_panel(visit)
    choice(visit, "My order").wait_for()
    change_flow(app, {**FLOW, "order": {"say": "Which one?", "ask": "order", "then": "human"}})
    choice(visit, "My order").click()
    visit.ready()
    visit.until("__livechat_sandbox.open")


def test_outside_office_hours_a_flow_takes_a_message_and_says_when_somebody_will_be_there(
    flow_site: Site, visit: Visit
) -> None:
    app = flow_site(OFFICE_HOURS={"tz": "UTC", "mon-fri": "09:00-17:00"})
    app.extensions["livechat"].livechat.now = lambda: datetime(2026, 11, 28, 12, tzinfo=UTC)
    visit.go()
    open_panel(visit)
    for name in ("My order", None):
        choice(visit, "Leave a message").wait_for()
        assert "Somebody is here again: Monday, Nov 30" in visit.get(f"{PANEL}.shadowRoot.textContent")
        if name:
            choice(visit, name).click()
            visit.until(f"{PANEL}.shadowRoot.querySelector('label').textContent === 'Which order?'")
    choice(visit, "Leave a message").click()
    visit.ready()
    visit.until("__livechat_sandbox.open")
    visit.eventually(lambda: "My order" in str(visit.desk()["attributes"]))


def test_hostile_words_of_a_flow_are_words(flow_site: Site, visit: Visit) -> None:
    evil = '<img src=x onerror="window.owned = 1">'
    asks = {"say": evil, "ask": "x", "then": "a"}
    flow_site(flow={"start": "a", "a": {"say": evil, "choices": {evil: "b"}}, "b": asks})
    visit.go()
    open_panel(visit)
    choice(visit, evil).click()
    visit.until(f"{PANEL}.shadowRoot.querySelector('label').textContent === {evil!r}")
    visit.page.get_by_role("textbox").fill(evil)
    visit.page.keyboard.press("Enter")
    choice(visit, evil).wait_for()
    human(visit).click()
    visit.ready()
    visit.eventually(lambda: evil in visit.desk()["attributes"].values())
    assert not visit.get("window.owned")


@every_vendor
def test_a_visitor_whose_conversation_is_going_never_meets_a_flow(flow_site: Site, visit: Visit, vendor: str) -> None:
    flow_site(vendor, LOAD="intent")
    start_conversation(visit, vendor)
    asked = len([line for line in visit.net.log if "/livechat/flow" in line])
    visit.go("/other")
    visit.page.click("#opener")
    visit.ready()
    visit.until("__livechat_sandbox.open")
    assert not shown(visit)
    assert len([line for line in visit.net.log if "/livechat/flow" in line]) == asked


def test_an_answer_that_is_late_leads_to_a_human(
    flow_site: Site, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "MAX_ANSWER_S", 0.2)
    app = flow_site(flow={"start": "a", "a": {"say": "What?", "ask": "x", "then": "b"}, "b": {"answer": "model"}})
    app.extensions["livechat"].livechat.answer("model")(lambda question, articles: time.sleep(1))
    visit.go()
    open_panel(visit)
    answer(visit, "What?", "Where is my parcel?")
    visit.ready()
    visit.eventually(lambda: "Where is my parcel?" in str(visit.desk()["attributes"]))


def test_who_only_saw_a_flow_and_opens_the_chat_elsewhere_is_not_handed_over(flow_site: Site, visit: Visit) -> None:
    flow_site()
    bodies: list[Any] = []
    visit.page.on("request", lambda ask: bodies.append(ask.post_data_json) if ask.url.endswith("/flow") else None)
    visit.go()
    open_panel(visit)
    choice(visit, "My order").wait_for()
    visit.get("livechat.open()")
    visit.ready()
    visit.until("__livechat_sandbox.open")
    visit.pause(0.5)
    assert [body["input"] for body in bodies] == [None]


@pytest.mark.parametrize("way", ["the button", "a script"])
def test_the_server_is_told_once_of_a_handoff_that_is_not_its_own(flow_site: Site, visit: Visit, way: str) -> None:
    """It stores the note for agents, and counts."""
    flow_site()
    bodies: list[Any] = []
    visit.page.on("request", lambda ask: bodies.append(ask.post_data_json) if ask.url.endswith("/flow") else None)
    visit.go()
    open_panel(visit)
    choice(visit, "My order").click()
    visit.until(f"{PANEL}.shadowRoot.querySelector('label').textContent === 'Which order?'")
    if way == "the button":
        human(visit).click()
    else:
        visit.get("livechat.open()")
    visit.ready()
    visit.until("__livechat_sandbox.open")
    visit.pause(0.5)
    assert [body["input"] for body in bodies] == [None, {"choice": 0}, {"choice": "human"}]

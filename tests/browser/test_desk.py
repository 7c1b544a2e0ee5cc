"""The circle: a visitor writes in the widget, the desk reads it, and what the desk replies appears in the widget."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from flask_livechat.desk.desk import Desk, open_desk
from flask_livechat.desk.http import in_process
from flask_livechat.sandbox import sandbox_of

from .conftest import VALUES, VENDORS, Visit

pytestmark = pytest.mark.parametrize("vendor", VENDORS)
Site = Callable[..., Any]


def desk_of(visit: Visit, vendor: str) -> Desk:
    assert visit.net.vendors is not None
    api = sandbox_of(visit.net.vendors).apis[vendor]
    return open_desk(vendor, VALUES[vendor], lambda: datetime.now(UTC), in_process(api))


def test_a_visitor_and_the_desk_talk_to_each_other(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    visit.go("/login/1")
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified && __livechat_sandbox.identity.name")
    visit.get("livechat.open(); 0")
    visit.page.fill(f"#livechat-sandbox-{vendor} textarea", "Is it in stock?")
    visit.page.press(f"#livechat-sandbox-{vendor} textarea", "Enter")
    desk = desk_of(visit, vendor)
    visit.eventually(lambda: list(desk.conversations.list()))
    (known,) = desk.conversations.list()
    assert [one.text for one in desk.conversations.messages(known.id)] == ["Is it in stock?"]
    assert "First Visitor" in str(known.raw)
    if desk.can("conversations.reply"):
        desk.conversations.note(known.id, "asks every day")
        desk.conversations.reply(known.id, "It is!")
    else:
        visit.reply("It is!")  # in the vendor's own inbox
    panel = visit.page.locator(f"#livechat-sandbox-{vendor}")
    panel.get_by_text("It is!").wait_for()
    assert panel.get_by_text("asks every day").count() == 0
    if desk.can("conversations.close"):
        desk.conversations.close(known.id)
        panel.get_by_text("Conversation ended by the agent.").wait_for()

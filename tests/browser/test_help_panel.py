"""The help panel: answers first, a person one Tab away, and nothing of the vendor's before somebody asks for one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_livechat import providers

from .conftest import VENDORS, Visit

Site = Callable[..., Flask]
every_vendor = pytest.mark.parametrize("vendor", VENDORS)
CARD = "---\ntitle: Why was my card declined?\ndescription: What banks refuse, and what to do.\n---\nAsk your bank.\n"
INVOICE = "---\ntitle: Where is my invoice?\n---\nUnder Billing.\n"
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
        assert visit.page.input_value(f"#livechat-sandbox-{vendor} textarea") == "my card was declined"
    else:
        assert visit.desk()["attributes"]["question"] == "my card was declined"

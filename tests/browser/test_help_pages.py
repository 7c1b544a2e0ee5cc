"""The articles' pages as people meet them: on a phone, in the dark, by keyboard, on paper, and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Visit, axe

Open = Callable[..., Visit]
HELP = Path(__file__).parents[2] / "example_app" / "help"
ARTICLE = "/livechat/help/en/billing/change-plan"


@pytest.fixture
def pages(site: Callable[..., Any], tmp_path: Path) -> str:
    app = site("crisp", ARTICLES=str(HELP), ARTICLE_PAGES=True)
    app.instance_path = str(tmp_path)
    return "/livechat/help"


def test_an_answer_is_found_and_judged_without_javascript(pages: str, open_visit: Open) -> None:
    visit = open_visit(java_script_enabled=False)
    visit.go(pages)
    visit.page.get_by_label("How can we help?").fill("my credit card was refused")
    visit.page.keyboard.press("Enter")
    visit.page.get_by_role("link", name="Why was my card declined?").first.click()
    assert visit.page.locator("h1").inner_text() == "Why was my card declined?"
    visit.page.get_by_role("button", name="No").click()
    assert visit.page.get_by_role("link", name="Talk to a human").is_visible()


def test_one_click_leads_to_an_open_chat(pages: str, visit: Visit) -> None:
    visit.go(ARTICLE)
    visit.page.get_by_role("link", name="Talk to a human").click()
    visit.until("window.livechat && livechat.state === 'ready'")
    visit.until("__events.some(([name]) => name === 'open')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(pages: str, open_visit: Open, scheme: str) -> None:
    visit = open_visit(color_scheme=scheme, bypass_csp=True)  # axe.run makes styles of its own
    for path in (pages, f"{pages}?q=card", f"{pages}/en/billing/", ARTICLE):
        visit.go(path)
        assert axe(visit) == []


def test_a_phone_scrolls_down_and_not_across(pages: str, open_visit: Open) -> None:
    visit = open_visit(viewport={"width": 320, "height": 640})
    for path in (pages, f"{pages}/en/billing/", ARTICLE):
        visit.go(path)
        assert visit.get("document.documentElement.scrollWidth <= innerWidth"), path


def test_on_paper_there_is_the_article_alone(pages: str, visit: Visit) -> None:
    visit.go(ARTICLE)
    visit.page.emulate_media(media="print")
    assert visit.page.locator("article").is_visible()
    assert not visit.page.get_by_role("button", name="Search").is_visible()
    assert not visit.page.get_by_role("link", name="Talk to a human").is_visible()

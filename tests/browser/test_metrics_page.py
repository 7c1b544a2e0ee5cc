"""The metrics page as people meet it: drawn, on a phone, by keyboard, on paper, and without JavaScript."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flask_livechat.model import Event

from .conftest import Visit, axe
from .test_store import chat_of

Site = Callable[..., Any]
Open = Callable[..., Visit]
URL = "/livechat/metrics"
DRAWN = "document.querySelectorAll('figure.drawn canvas').length === 5"


@pytest.fixture
def metrics(site: Site, tmp_path: Path) -> str:
    """A site with sixty conversations of the last eight weeks. It allows nothing but its own files."""
    app = site("crisp", store=f"sqlite:///{tmp_path / 'events.sqlite3'}")
    chat_of(app).staff_required(lambda: True)
    chance, now = random.Random(7), datetime.now(UTC)  # noqa: S311 - the same figures each time
    told, people = [], list[tuple[str, datetime, bool]]()
    for n in range(60):
        begun = now - timedelta(days=chance.random() * 56, minutes=10)
        people.append((f"u{n}", begun - timedelta(days=1 if n % 2 else 9), n % 3 == 0))
        common = {"provider": "crisp", "conversation": f"s{n}", "visitor": f"u{n}"}
        told += [
            Event(kind="message", id=f"{n}v", at=begun, author="visitor", tags=(f"topic {n % 3}",), **common),
            Event(kind="message", id=f"{n}a", at=begun + timedelta(minutes=n % 9 + 1), author="agent", **common),
            Event(
                kind="conversation_closed", id=f"{n}c", at=begun + timedelta(hours=n % 5 + 1), author="agent", **common
            ),
            Event(kind="rated", id=f"{n}r", at=begun + timedelta(hours=n % 5 + 1), rating=n % 5 + 1, best=5, **common),
        ]
    with app.app_context():
        store = chat_of(app).store
        store.add(told, now)
        assert sum(store.recount(lambda: now)) == 60
    chat_of(app).people(lambda: people)
    return URL


def test_charts_are_drawn_of_the_table_behind_them(metrics: str, visit: Visit) -> None:
    """Under default-src 'self': what a policy stopped would fail this test."""
    visit.go(metrics)
    visit.until(DRAWN)
    pixels = "one.getContext('2d').getImageData(0, 0, one.width, one.height).data.some(Boolean)"
    assert visit.get(f"[...document.querySelectorAll('canvas')].every((one) => {pixels})")
    assert visit.page.locator("[data-behind-charts]").get_attribute("open") is None
    visit.page.get_by_text("The table behind the charts").click()
    assert visit.page.locator("#by-week").is_visible()


def test_without_javascript_all_of_it_is_there(metrics: str, open_visit: Open) -> None:
    visit = open_visit(java_script_enabled=False)
    visit.go(metrics)
    assert visit.page.locator("#by-week").is_visible()
    assert visit.page.locator("#by-week tbody tr").count() == 4
    assert visit.page.locator("canvas").count() == 0
    visit.page.get_by_text("How this is counted").first.click()
    assert visit.page.get_by_text("Conversations in which an episode began").is_visible()
    visit.page.select_option("select[name=provider]", "tawk")
    visit.page.get_by_role("button", name="Show").click()
    assert "Tawk.to" in visit.page.locator(".span").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(metrics: str, open_visit: Open, scheme: str) -> None:
    visit = open_visit(color_scheme=scheme, bypass_csp=True)  # axe.run makes styles of its own
    visit.go(f"{metrics}?cohort=1")
    visit.until(DRAWN)
    assert visit.page.locator(".cohort meter").count() == 2
    assert axe(visit) == []
    for one in visit.page.locator("summary").all():
        one.click()
    assert axe(visit) == []


def test_a_phone_scrolls_down_and_not_across(metrics: str, open_visit: Open) -> None:
    visit = open_visit(viewport={"width": 360, "height": 740})
    visit.go(metrics)
    visit.until(DRAWN)
    assert visit.get("document.documentElement.scrollWidth <= innerWidth")


def test_it_is_used_by_keyboard(metrics: str, visit: Visit) -> None:
    visit.go(metrics)
    visit.until(DRAWN)
    visit.page.keyboard.press("Tab")
    met = []
    for _ in range(40):
        met.append(visit.get("document.activeElement.name || document.activeElement.textContent.trim().slice(0, 20)"))
        visit.page.keyboard.press("Tab")
    for expected in ("from", "to", "provider", "tag", "Show", "1 week", "CSV", "How this is counted"):
        assert expected in met
    visit.page.locator("details.definition summary").first.focus()
    visit.page.keyboard.press("Enter")
    assert visit.page.get_by_text("Conversations in which an episode began").is_visible()


def test_on_paper_everything_stands_open(metrics: str, visit: Visit) -> None:
    visit.go(metrics)
    visit.until(DRAWN)
    visit.get("dispatchEvent(new Event('beforeprint')); 0")
    visit.page.emulate_media(media="print")
    assert visit.get("[...document.querySelectorAll('details')].every((one) => one.open)")
    assert not visit.page.locator("form").is_visible()
    assert visit.page.locator("#by-week").is_visible()
    visit.page.emulate_media(media="screen")
    visit.get("dispatchEvent(new Event('afterprint')); 0")
    assert not visit.page.locator("#by-week").is_visible()


def test_a_download_is_a_file(metrics: str, visit: Visit) -> None:
    visit.go(metrics)
    with visit.page.expect_download() as download:
        visit.page.get_by_role("link", name="CSV").click()
    assert Path(download.value.path()).read_text().startswith("metric,what,month,value")

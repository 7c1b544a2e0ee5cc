"""Hand-overs in Chromium, by the panel: what was said in a flow is at the agent, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from playwright.sync_api import Browser

from flask_livechat.help import flow_service

from ..help.handoffs import ARTICLES, TROUBLES, VENDORS, Site, in_chromium, served


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_random_walk_through_the_panel_is_with_the_agent(
    launch: Callable[..., Browser], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """Each trouble at one vendor or another. ``python -m tests.help.handoffs 300`` has all at all of them."""
    monkeypatch.setattr(flow_service, "search", lambda *arguments: ARTICLES)
    vendor = VENDORS[TROUBLES.index(trouble) % len(VENDORS)]
    site, random, number, missing = Site(vendor, tmp_path), Random(trouble), 0, None  # noqa: S311 - a walk is no secret
    with served(site.app) as url:
        browser = launch()
        while missing is None:
            number += 1
            missing = in_chromium(browser, url, site, number, random, trouble)
    assert missing == []

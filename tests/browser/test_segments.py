"""Segments and tags of whoever is on a page, from the view to the vendor's stand-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, request

from flask_livechat import providers

from .conftest import VENDORS, Visit

Site = Callable[..., Flask]
ABLE = [name for name in VENDORS if "segment" in providers.load(name).can]


def _said_by_views(app: Flask) -> None:
    """A page's address says its segments: ``/?add=vip&remove=trial``."""
    livechat = app.extensions["livechat"].livechat

    @app.before_request
    def say() -> None:
        livechat.segment(*request.args.getlist("add"))
        if names := request.args.getlist("remove"):
            livechat.unsegment(*names)


def _tags(visit: Visit) -> Any:
    return sorted(visit.snapshot()["tags"])


@pytest.mark.parametrize("vendor", ABLE)
def test_segments_reach_the_vendor_and_are_taken_away_where_it_can(site: Site, visit: Visit, vendor: str) -> None:
    can_remove = "unsegment" in providers.load(vendor).can
    _said_by_views(site(vendor, LOAD="eager"))
    visit.go("/?add=vip&add=spring")
    visit.eventually(lambda: _tags(visit) == ["spring", "vip"])
    visit.go("/login/1")
    visit.go("/?add=paid" + ("&remove=vip" if can_remove else ""))
    wanted = ["paid", "spring"] if can_remove else ["paid", "spring", "vip"]
    visit.eventually(lambda: _tags(visit) == wanted)


@pytest.mark.parametrize("vendor", ABLE)
def test_segments_wait_for_a_vendor_that_starts_on_a_later_page(site: Site, visit: Visit, vendor: str) -> None:
    _said_by_views(site(vendor, LOAD="manual"))
    visit.go("/?add=vip")
    visit.until("localStorage.length > 0")
    visit.go("/other")
    visit.page.click("#opener")
    visit.eventually(lambda: visit.snapshot() and _tags(visit) == ["vip"])


@pytest.mark.parametrize("vendor", ABLE)
def test_segments_of_every_page_crowd_out_nothing_that_waits(site: Site, visit: Visit, vendor: str) -> None:
    """Twenty events wait at most. A view that says the same segments on each page takes one place among them."""
    app = site(vendor, LOAD="manual")
    _said_by_views(app)
    app.add_url_rule("/buy", view_func=lambda: app.extensions["livechat"].livechat.track("bought") or "bought")
    visit.go("/buy")
    for _ in range(21):
        visit.go("/?add=customers")
        visit.until("localStorage.length > 0")
    visit.page.click("#opener")
    visit.eventually(lambda: visit.snapshot() and _tags(visit) == ["customers"])
    visit.until("__livechat_sandbox.events.some((event) => event.name === 'bought')")


@pytest.mark.parametrize("vendor", [name for name in ABLE if "unsegment" in providers.load(name).can])
def test_a_full_vendor_refuses_no_call_for_one_segment_too_many(site: Site, visit: Visit, vendor: str) -> None:
    most = providers.load(vendor).max_segments
    app = site(vendor, LOAD="eager")
    _said_by_views(app)
    visit.go("/?" + "&".join(f"add=s{n}" for n in range(most)) + "&remove=x")
    visit.eventually(lambda: len(_tags(visit)) == most)

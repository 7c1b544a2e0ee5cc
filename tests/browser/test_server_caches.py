"""A page out of a cache in the app: the second customer does not join the first one's chat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask_caching import Cache

from .conftest import VENDORS, Visit


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_second_customer_of_a_cached_page_does_not_join_the_first_ones_chat(
    site: Callable[..., Any], open_visit: Callable[..., Visit], vendor: str
) -> None:
    app = site(vendor, LOAD="eager")
    app.view_functions["home"] = Cache(app, config={"CACHE_TYPE": "SimpleCache"}).cached(60)(app.view_functions["home"])
    sessions = []
    for number in ("1", "2"):
        visit = open_visit()
        visit.go(f"/login/{number}")
        visit.ready()
        visit.until("__livechat_sandbox.identity.verified")
        sessions.append(visit.snapshot()["session"])
        assert f"visitor{number}@example.com" in str(visit.desk())
    assert sessions[0] != sessions[1]
    assert visit.net.log.count("www.site.test/livechat/identity") == 1
    assert "visitor1" not in visit.get("document.documentElement.outerHTML")

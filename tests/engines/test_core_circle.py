"""The core circle in each engine and for each vendor: what Chromium does, the others do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ..browser.network import VENDORS
from .engine import EngineTab

pytestmark = pytest.mark.parametrize("vendor", VENDORS)
Site = Callable[..., Any]


def test_a_visitor_is_verified(site: Site, tab: EngineTab, vendor: str) -> None:
    site(vendor, LOAD="eager")
    tab.go("/login/1")
    tab.ready()
    tab.until("__livechat_sandbox.identity.verified")
    assert tab.snapshot()["identity"]["email"] == "visitor1@example.com"

"""A page that others write into, and addresses that hold a secret: what the loader believes, and what it does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from .conftest import SITE, VENDORS, Visit

Site = Callable[..., Flask]
every_vendor = pytest.mark.parametrize("vendor", VENDORS)
GLOBALS = {"crisp": ("$crisp", "CRISP_READY_TRIGGER"), "intercom": ("Intercom",), "tawk": ("Tawk_API",)}


def _forged(vendor: str, **more: Any) -> str:
    """A data block as somebody writes it who may write into the page."""
    block = {
        "provider": vendor,
        "load": "eager",
        "settings": {"fallback": "https://evil.test/"},
        "visitor": {"id": "666", "email": "attacker@example.com", "name": "Attacker"},
        "proof": {"email": "0" * 64, "id": "0" * 64},
        "context": {"from": "attacker"},
        "events": [],
        "who": "ffffffffffffffffffffffffffffffff",
        "left": False,
    }
    return f'<script type="application/json" id="livechat">{json.dumps(block | more)}</script>'


@every_vendor
@pytest.mark.parametrize("logged_in", [True, False])
def test_a_forged_data_block_names_nobody(site: Site, visit: Visit, vendor: str, logged_in: bool) -> None:
    site(vendor, LOAD="eager", extra=_forged(vendor))
    visit.go("/login/1" if logged_in else "/")
    visit.ready()
    if logged_in:
        visit.until("__livechat_sandbox.identity.email === 'visitor1@example.com'")
    visit.page.wait_for_timeout(400)
    assert visit.snapshot()["identity"]["verified"] is logged_in
    assert "ttacker" not in json.dumps(visit.desk())
    assert visit.net.log.count("www.site.test/livechat/identity") == 1  # the server says who it is


@every_vendor
def test_where_a_launcher_leads_is_not_the_pages_to_say(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual", FALLBACK_URL="/contact", extra=_forged(vendor))
    visit.net.down |= {"embed.tawk.to", "client.crisp.chat", "widget.intercom.io"}
    visit.go("/")
    visit.page.click("#opener")
    visit.page.wait_for_url(SITE + "/contact")


def test_other_elements_with_our_id_are_nothing_to_us(site: Site, visit: Visit) -> None:
    site(
        "crisp",
        LOAD="eager",
        extra='<h2 id="livechat">Live chat</h2><script id="livechat" type="text/plain">x</script>',
    )
    visit.go("/")
    visit.ready()
    assert "www.site.test/livechat/identity" not in visit.net.log


@every_vendor
@pytest.mark.parametrize(
    "name",
    "querySelector querySelectorAll cookie head body documentElement createElement addEventListener dispatchEvent "
    "readyState activeElement visibilityState hidden dir matches closest dataset nextElementSibling".split(),
)
def test_elements_named_like_the_documents_own_methods_break_nothing(
    site: Site, visit: Visit, vendor: str, name: str
) -> None:
    site(vendor, LOAD="manual", extra=f'<img name="{name}" alt=""><form name="{name}"><input name="{name}"></form>')
    visit.net.broken = "window.__arrived = true;"  # a stand-in is not what is looked at
    visit.go("/login/1")
    visit.page.click(f"input[name={name}]")
    visit.page.click("#opener")
    visit.until("window.__arrived")
    assert visit.page.url == SITE + "/"


@every_vendor
def test_elements_named_like_the_vendors_globals_are_none(site: Site, visit: Visit, vendor: str) -> None:
    extra = "".join(f'<a id="{name}" href="/x">x</a>' for name in (*GLOBALS[vendor], "requestIdleCallback"))
    site(vendor, LOAD="eager", extra=extra)
    visit.go("/login/1")
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified")
    visit.page.click("#opener")
    visit.until("__livechat_sandbox.open")


def test_attributes_count_within_a_selector_alone_where_the_app_says_so(site: Site, visit: Visit) -> None:
    attributes = 'data-livechat-open data-livechat-logout data-livechat-start="trigger:refund" data-livechat-once'
    written = f'<div id="comment"><a id="theirs" href="#" {attributes}>Click me</a></div>'
    site("crisp", LOAD="eager", LAUNCHERS_IN="p, header", extra=written)
    visit.go("/login/1")
    visit.ready()
    visit.page.click("#theirs")
    visit.page.wait_for_timeout(300)
    assert visit.get("livechat.state") == "ready"
    assert not visit.snapshot()["open"]
    assert visit.get("Object.keys(localStorage).filter((key) => key.includes('.once.'))") == []
    visit.page.click("#opener")
    visit.until("__livechat_sandbox.open")


@every_vendor
@pytest.mark.parametrize("cookie", [{"path": "/"}, {"path": "/other"}, {"path": "/", "httpOnly": True}], ids=str)
def test_a_mark_of_a_logout_that_another_host_has_set_counts_once(
    site: Site, visit: Visit, vendor: str, cookie: dict[str, Any]
) -> None:
    site(vendor, LOAD="eager")
    visit.page.context.add_cookies([{"name": "livechat_left", "value": vendor, "domain": ".site.test", **cookie}])
    visit.go("/login/1")
    visit.go("/other")
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified")
    visit.page.wait_for_timeout(300)
    session = visit.snapshot()["session"]
    for path in ("/", "/other"):
        visit.go(path)
        visit.ready()
        visit.until(f"__livechat_sandbox.session === '{session}'")
    assert "livechat_left" not in visit.get("document.cookie")


# Addresses that hold a secret.


@every_vendor
@pytest.mark.parametrize("fragment", ["access_token=abc&state=1", "id_token=eyJ", "/callback?code=1", "code=abc"])
def test_nothing_is_started_where_the_fragment_holds_a_secret(
    site: Site, visit: Visit, vendor: str, fragment: str
) -> None:
    site(vendor, LOAD="eager", FALLBACK_URL="/contact")
    visit.go(f"/#{fragment}")
    visit.page.wait_for_timeout(600)
    assert visit.net.asked(vendor) == []
    visit.page.click("#opener")
    visit.page.wait_for_url(SITE + "/contact")


def test_a_fragment_that_was_taken_away_keeps_nothing_from_starting(site: Site, visit: Visit) -> None:
    site("crisp", LOAD="manual")
    visit.go("/#access_token=abc")
    visit.get("history.replaceState(null, '', '/')")
    visit.page.click("#opener")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.open")


@every_vendor
def test_nothing_is_started_where_the_page_before_had_a_secret_in_its_address(
    site: Site, visit: Visit, vendor: str
) -> None:
    site(vendor, LOAD="eager", extra='<a id="on" href="/other">On</a>')
    visit.go("/?reset_token=abc")
    visit.page.click("#on")
    visit.page.wait_for_url(SITE + "/other")
    visit.page.wait_for_timeout(600)
    assert visit.net.asked(vendor) == []
    visit.go("/other?page=2")
    visit.ready()


@pytest.mark.parametrize("fragment", ["reviews", "pricing?plan=pro", "/inbox/42", "page=2&sort=price", "tokyo=1"])
def test_an_ordinary_fragment_keeps_its_chat(site: Site, visit: Visit, fragment: str) -> None:
    site("crisp", LOAD="eager")
    visit.go(f"/#{fragment}")
    visit.ready()

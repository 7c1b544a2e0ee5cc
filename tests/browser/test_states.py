"""The state machine of the loader: every way from one state to another, with every vendor."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from flask_livechat.widget import assets

from .conftest import HOSTS, VENDORS, Visit

Site = Callable[..., Any]
every_vendor = pytest.mark.parametrize("vendor", VENDORS)


def _edges() -> dict[tuple[str, str], str]:
    """(state, event) -> state, as the source says it."""
    table = re.search(r"const EDGES = \{\n(.*?)\n  \};", assets.SESSION[0].read_text("utf-8"), re.DOTALL)
    assert table
    rows = re.findall(r"(\w+): \{ (.*) \},", table[1])
    return {(state, event): to for state, row in rows for event, to in re.findall(r"(\w+): \"(\w+)\"", row)}


def test_every_edge_has_its_test() -> None:
    wanted = {f"test_{state}_{event}_{to}" for (state, event), to in _edges().items()}
    assert wanted
    assert wanted == {
        name for name in globals() if re.fullmatch(r"test_[a-z]+_(start|restart|ready|fail|end)_[a-z]+", name)
    }


def _loading(site: Site, visit: Visit, vendor: str, delay: float = 0.7) -> None:
    site(vendor, LOAD="manual")
    visit.net.delay = delay
    visit.go("/login/1")
    visit.get("livechat.open(); 0")
    visit.until(f"[...document.scripts].some((script) => script.src.includes('{HOSTS[vendor]}'))")
    assert visit.get("livechat.state") == "loading"


def _failed(site: Site, visit: Visit, vendor: str, **config: Any) -> None:
    site(vendor, LOAD="eager", **config)
    visit.net.down |= {HOSTS[vendor]}
    visit.go("/login/1")
    visit.until("livechat.state === 'failed'")


def _ended(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    visit.go("/login/1")
    visit.ready()
    visit.get("fetch('/logout', {method: 'POST'}).then(() => livechat.logout())")
    assert visit.get("livechat.state") == "ended"


@every_vendor
def test_waiting_start_loading(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual")
    visit.go()
    assert visit.get("livechat.state") == "waiting"
    assert visit.get("livechat.open(), livechat.state") == "loading"


@every_vendor
def test_waiting_end_waiting(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual")
    visit.go("/login/1")
    visit.get("fetch('/logout', {method: 'POST'}).then(() => livechat.logout())")
    assert visit.get("livechat.state") == "waiting"
    assert visit.net.asked(vendor) == []
    visit.page.click("#opener")
    visit.ready()
    assert visit.snapshot()["identity"]["state"] == "anonymous"


@every_vendor
def test_loading_ready_ready(site: Site, visit: Visit, vendor: str) -> None:
    _loading(site, visit, vendor)
    visit.ready()
    assert [name for name, _ in visit.events()].count("ready") == 1


@every_vendor
def test_loading_fail_failed(site: Site, visit: Visit, vendor: str) -> None:
    _failed(site, visit, vendor)
    assert [event for event in visit.events() if event[0] == "failed"] == [["failed", {"reason": "blocked"}]]


@every_vendor
def test_loading_end_ended(site: Site, visit: Visit, vendor: str) -> None:
    _loading(site, visit, vendor)
    visit.get("fetch('/logout', {method: 'POST'}).then(() => livechat.logout())")
    assert visit.get("livechat.state") == "ended"
    visit.until("window.__livechat_sandbox")  # it arrives all the same
    visit.until("__livechat_sandbox.identity.state === 'anonymous'")
    assert visit.get("livechat.state") == "ended"
    assert not [name for name, _ in visit.events() if name in ("ready", "open")]


@every_vendor
def test_ready_end_ended(site: Site, visit: Visit, vendor: str) -> None:
    _ended(site, visit, vendor)
    visit.is_over()


@pytest.mark.parametrize(("vendor", "refused"), [("intercom", "intercom/ping"), ("tawk", "tawk/login")])
def test_ready_fail_failed(site: Site, visit: Visit, vendor: str, refused: str) -> None:
    """A vendor that refuses who logs in on a swapped page. Crisp refuses nobody: an email is verified there, or not."""
    site(vendor, LOAD="eager", FALLBACK_URL="/contact")
    visit.go()
    visit.ready()
    visit.until("__livechat_sandbox.session")
    visit.net.refuse[refused] = 403
    visit.get("""(async () => {
      const page = new DOMParser().parseFromString(await (await fetch("/login/1")).text(), "text/html");
      const block = "script#livechat";
      document.querySelector(block).replaceWith(document.importNode(page.querySelector(block), true));
    })()""")
    visit.until("livechat.state === 'failed'")
    assert visit.events()[-1] == ["failed", {"reason": "refused"}]
    visit.page.click("#opener")
    visit.page.wait_for_url("**/contact")


@pytest.mark.parametrize("vendor", ["intercom", "tawk"])
def test_ready_restart_loading(site: Site, visit: Visit, vendor: str) -> None:
    """The vendor's frames went with the body. Crisp has none."""
    site(vendor, LOAD="eager")
    visit.go("/login/1")
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified")
    session = visit.snapshot()["session"]
    visit.net.delay = 0.3
    visit.get("delete Element.prototype.moveBefore")
    visit.get("""(async () => {
      const page = new DOMParser().parseFromString(await (await fetch("/other")).text(), "text/html");
      document.dispatchEvent(new Event("htmx:beforeSwap"));
      document.documentElement.replaceChild(document.adoptNode(page.body), document.body);
      document.dispatchEvent(new Event("htmx:afterSwap"));
    })()""")
    assert visit.get("livechat.state") == "loading"
    visit.ready()
    visit.until(f"__livechat_sandbox.session === '{session}' && __livechat_sandbox.launcher")
    assert [name for name, _ in visit.events()].count("ready") == 1


@every_vendor
def test_failed_start_loading(site: Site, visit: Visit, vendor: str) -> None:
    _failed(site, visit, vendor)
    visit.net.down.clear()
    assert visit.get("livechat.open(), livechat.state") == "loading"
    visit.ready()
    visit.until("__livechat_sandbox.identity.email === 'visitor1@example.com'")


@every_vendor
def test_failed_ready_ready(site: Site, visit: Visit, vendor: str) -> None:
    """A vendor that comes after everybody has given up is welcome."""
    site(vendor, LOAD="manual")
    visit.page.clock.install()
    visit.net.gate.clear()
    visit.go()
    visit.get("livechat.open(); 0")
    visit.until(f"[...document.scripts].some((script) => script.src.includes('{HOSTS[vendor]}'))")
    visit.page.clock.fast_forward(21_000)
    visit.until("livechat.state === 'failed'")
    visit.net.gate.set()
    visit.page.clock.resume()
    visit.ready()


@every_vendor
def test_failed_end_ended(site: Site, visit: Visit, vendor: str) -> None:
    _failed(site, visit, vendor)
    visit.get("fetch('/logout', {method: 'POST'}).then(() => livechat.logout())")
    assert visit.get("livechat.state") == "ended"


@every_vendor
def test_ended_start_loading(site: Site, visit: Visit, vendor: str) -> None:
    _ended(site, visit, vendor)
    visit.page.click("#opener")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.open")
    assert visit.get("livechat.state") == "ready"
    assert visit.snapshot()["identity"]["state"] == "anonymous"


@every_vendor
def test_ended_end_ended(site: Site, visit: Visit, vendor: str) -> None:
    _ended(site, visit, vendor)
    visit.get("livechat.logout()")
    assert visit.get("livechat.state") == "ended"
    visit.page.click("#opener")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.open")


@every_vendor
def test_what_is_no_edge_does_not_happen(site: Site, visit: Visit, vendor: str) -> None:
    """Starting twice asks for the vendor once, and a failure after the vendor is there is none."""
    site(vendor, LOAD="eager")
    visit.page.clock.install()
    visit.go()
    visit.get("livechat.open(); livechat.open(); 0")
    visit.ready()
    visit.page.clock.fast_forward(30_000)
    assert visit.get("livechat.state") == "ready"
    assert len([line for line in visit.net.asked(vendor) if "/sandbox/" not in line]) == 1
    assert not [name for name, _ in visit.events() if name == "failed"]

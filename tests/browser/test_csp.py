"""Nothing is blocked under ``default-src 'self'`` plus what livechat.csp adds, whatever the vendor documents to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flask_livechat import providers

from .conftest import VALUES, VENDORS, Visit

Site = Callable[..., Any]

# What a vendor's real script does beyond its API calls: more scripts, styles, fonts, pictures, sound, frames, workers.
PROBE = """
(() => {
  const style = document.createElement("style");
  style.textContent = "@font-face { font-family: probe; src: url(FONT); } #probe { font-family: probe; }";
  document.head.append(style);
  const text = document.body.appendChild(document.createElement("p"));
  text.id = "probe";
  text.textContent = "probe";
  text.setAttribute("style", "color: rgb(1, 2, 3)");
  const script = document.head.appendChild(document.createElement("script"));
  script.src = "SCRIPT";
  new Image().src = "IMAGE";
  new Image().src = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";
  new Audio("MEDIA").load();
  fetch("CONNECT", { mode: "no-cors" }).catch(() => {});
  window.__probe_styled = getComputedStyle(text).color;
})();
"""


def _first(vendor: str, directive: str) -> str:
    sources = providers.load(vendor).csp(VALUES[vendor])[directive]
    host = next(source for source in sources if source.startswith("https://"))
    return host.replace("*", "embed") + "/probe"


@pytest.mark.parametrize("vendor", VENDORS)
def test_nothing_of_the_vendor_is_blocked_under_a_merged_strict_policy(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    probe = PROBE
    for name in ("SCRIPT", "FONT", "IMAGE", "MEDIA", "CONNECT"):
        probe = probe.replace(name, _first(vendor, {"IMAGE": "img-src"}.get(name, f"{name.lower()}-src")))
    visit.net.probes[vendor] = probe
    visit.go("/login/1")
    visit.ready()
    visit.page.click("#opener")
    visit.until("__livechat_sandbox.open")
    visit.until("window.__probe_styled === 'rgb(1, 2, 3)'")
    visit.eventually(lambda: any(line.endswith("/probe") for line in visit.net.log))
    visit.page.wait_for_timeout(500)
    assert visit.violations == []


def test_the_browser_does_report_what_the_policy_lacks(site: Site, visit: Visit) -> None:
    """The test above can fail: without the merge the same page is full of violations."""
    site("crisp", LOAD="eager", CSP="off")
    visit.go()
    visit.until("livechat.state === 'failed'")
    assert visit.violations
    visit.violations.clear()


@pytest.mark.parametrize("vendor", VENDORS)
def test_own_button_needs_no_inline_style(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="intent", CSP="off")
    visit.go()
    assert visit.page.get_by_role("button", name="Chat with us").bounding_box()["width"] >= 44  # type: ignore[index]
    assert visit.violations == []


TYPED = "default-src 'self'; require-trusted-types-for 'script'; trusted-types app"


@pytest.mark.parametrize("vendor", VENDORS)
def test_our_scripts_load_where_trusted_types_are_required(site: Site, visit: Visit, vendor: str) -> None:
    app = site(vendor, LOAD="eager", LAUNCHER="own")
    app.after_request(lambda response: response.headers.set("Content-Security-Policy", TYPED) or response)
    visit.go("/login/1")
    visit.ready()
    visit.page.click("#opener")
    visit.until("__livechat_sandbox.open")
    assert visit.violations == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendor_that_keeps_to_no_trusted_types_fails_at_once(site: Site, visit: Visit, vendor: str) -> None:
    """The vendors' real scripts assign plain text to a script's address, and may not say that it was refused."""
    app = site(vendor, LOAD="eager", FALLBACK_URL="/contact")
    app.after_request(lambda response: response.headers.set("Content-Security-Policy", TYPED) or response)
    visit.net.broken = "try { document.createElement('script').src = '/part.js'; } catch {}"
    visit.go()
    visit.until("livechat.state === 'failed'", 3)
    assert ["failed", {"reason": "csp"}] in visit.events()
    visit.page.click("#opener")
    visit.page.wait_for_url("**/contact")
    visit.violations.clear()


def test_without_our_name_in_the_policy_the_browser_refuses(site: Site, visit: Visit) -> None:
    """The test above can fail; and the page goes on where it does."""
    app = site("crisp", LOAD="eager", CSP="off")
    app.after_request(lambda response: response.headers.set("Content-Security-Policy", TYPED) or response)
    visit.go()
    visit.until("livechat.state === 'failed'")
    visit.violations.clear()

"""What a vendor's script finds when it arrives: its globals and queue, exactly as the vendor documents them.

The script itself holds nothing here, so what was put for it stays to be looked at.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from flask_livechat import Visitor, signing
from flask_livechat.office_hours import DAYS

from .conftest import SITE, VALUES, VENDORS, WORD, Visit

Site = Callable[..., Any]
# A Tawk.to that notes what it is called with, and answers every callback.
RECORDING_TAWK = """
const record = (name) => (...args) => {
  window.__calls.push([name, ...args.filter((arg) => typeof arg !== "function")]);
  args.filter((arg) => typeof arg === "function").forEach((done) => done());
};
const methods = "login logout setAttributes addEvent addTags maximize hideWidget showWidget shutdown endChat";
for (const name of methods.split(" ")) window.Tawk_API[name] = record(name);
window.Tawk_API.getStatus = () => "online";
window.Tawk_API.isChatOngoing = () => true;
window.Tawk_API.onLoaded = true;
window.dispatchEvent(new CustomEvent("tawkLoad"));
"""
EMAIL, NAME = "visitor1@example.com", "First Visitor"


def _arrive(visit: Visit, path: str = "/login/1") -> None:
    visit.net.broken = "window.__arrived = true;"
    visit.go(path)
    visit.until("window.__arrived")


def test_tawk_is_told_of_a_visitor_at_its_start_only_where_no_login_can_be(site: Site, visit: Visit) -> None:
    """What stands in ``visitor`` is sent again by every session that the page begins, after a logout, too."""
    site("tawk", LOAD="eager")
    _arrive(visit)
    assert visit.get("'visitor' in Tawk_API") is False
    site("tawk", LOAD="eager", TAWK_JS_API_KEY=None, ALLOW_UNVERIFIED=True)
    _arrive(visit)
    assert visit.get("Tawk_API.visitor") == {"name": NAME, "email": EMAIL}


def test_tawk_finds_position_and_start_time(site: Site, visit: Visit) -> None:
    site("tawk", LOAD="eager", POSITION={"side": "left", "x": 33})
    _arrive(visit)
    key = VALUES["tawk"]["JS_API_KEY"][0]
    assert visit.get("Tawk_LoadStart instanceof Date")
    assert visit.get("Tawk_API.customStyle.visibility") == {
        "desktop": {"position": "bl", "xOffset": 33, "yOffset": 20},
        "mobile": {"position": "bl", "xOffset": 10, "yOffset": 70},
    }
    script = "[...document.scripts].find((script) => script.src.includes('embed.tawk.to'))"
    assert visit.get(f"{script}.getAttribute('crossorigin')") == "*"
    assert visit.get(f"{script}.charset") == "UTF-8"
    assert visit.get(f"{script}.async") is True
    # The site key itself is nowhere in the page.
    assert key not in visit.page.content()


def test_tawk_is_logged_in_with_the_ids_hash_and_dashed_text_attributes(site: Site, visit: Visit) -> None:
    site("tawk", LOAD="eager")
    visit.page.add_init_script("window.__calls = [];")
    visit.net.broken = RECORDING_TAWK
    visit.go("/login/1")
    visit.ready()
    calls = {call[0]: call[1:] for call in visit.get("__calls")}
    digest = signing.hmac_hex(VALUES["tawk"]["JS_API_KEY"][0], "1")
    said = {"hash": digest, "userId": "1", "name": NAME, "email": EMAIL, "plan-tier": "pro"}
    assert calls["login"] == [said]
    assert calls["setAttributes"] == [{"path": "/", "endpoint": "home"}]
    visit.get("__calls.length = 0; livechat.logout()")
    visit.until("__calls.length >= 1")
    visit.page.wait_for_timeout(300)
    assert [call[0] for call in visit.get("__calls")] == ["shutdown"]


def test_crisp_finds_its_globals_and_queue_in_order(site: Site, visit: Visit) -> None:
    site("crisp", LOAD="eager", LOCALE="pt_BR", POSITION={"side": "left"}, COOKIE_DOMAIN="site.test")
    _arrive(visit)
    values = VALUES["crisp"]
    assert visit.get("CRISP_WEBSITE_ID") == values["WEBSITE_ID"]
    assert visit.get("CRISP_TOKEN_ID") == signing.hmac_hex(values["SESSION_SECRET"][0], "1")
    assert visit.get("CRISP_RUNTIME_CONFIG") == {"locale": "pt-BR", "session_merge": True}
    assert visit.get("CRISP_COOKIE_DOMAIN") == "site.test"
    assert visit.get("typeof CRISP_READY_TRIGGER") == "function"
    # Nobody is named before the session is there: a logout could not take that back.
    assert visit.get("$crisp.map(([verb]) => verb)") == ["on"] * 5
    visit.get("CRISP_READY_TRIGGER()")
    queue = visit.get("JSON.stringify($crisp.filter(([verb]) => verb !== 'on'))")
    assert json.loads(queue) == [
        ["safe", True],
        ["config", "position:reverse", [True]],
        ["set", "user:email", [EMAIL, signing.hmac_hex(values["IDENTITY_SECRET"][0], EMAIL)]],
        ["set", "user:nickname", [NAME]],
        ["set", "session:data", [[["user_id", "1"], ["plan_tier", "pro"]]]],
        ["set", "session:data", [[["path", "/"], ["endpoint", "home"]]]],
    ]


def test_crisp_ends_with_the_token_first_and_then_the_reset(site: Site, visit: Visit) -> None:
    site("crisp", LOAD="eager")
    _arrive(visit)
    visit.get("void livechat.logout()")
    assert visit.get("CRISP_TOKEN_ID") is None
    assert visit.get("'CRISP_WEBSITE_ID' in window") is False  # with it the client would start again
    visit.get("CRISP_READY_TRIGGER()")  # which comes all the same where the client was on its way
    queue = json.loads(visit.get("JSON.stringify($crisp.filter(([verb]) => verb === 'set' || verb === 'do'))"))
    assert queue == [["do", "chat:hide"], ["do", "session:reset", [False]]]
    assert EMAIL not in json.dumps(queue)


@pytest.mark.parametrize(("region", "host"), [("us", "api-iam"), ("eu", "api-iam.eu"), ("au", "api-iam.au")])
def test_intercom_is_booted_with_the_token_by_its_queue(site: Site, visit: Visit, region: str, host: str) -> None:
    site("intercom", LOAD="eager", INTERCOM_REGION=region, LOCALE="de", POSITION={"side": "left", "x": 5, "y": 40})
    _arrive(visit)
    calls = visit.get("Intercom.q.map((call) => [...call].map((arg) => typeof arg === 'function' ? 'fn' : arg))")
    name, settings = calls[0]
    assert name == "boot"
    claims = signing.read_jwt(settings.pop("intercom_user_jwt"), VALUES["intercom"]["IDENTITY_SECRET"])
    assert claims is not None
    assert (claims["user_id"], claims["email"], claims["plan_tier"]) == ("1", EMAIL, "pro")
    assert settings == {
        "app_id": VALUES["intercom"]["APP_ID"],
        "api_base": f"https://{host}.intercom.io",
        "alignment": "left",
        "horizontal_padding": 20,  # the vendor's least
        "vertical_padding": 40,
        "language_override": "de",
        "path": "/",
        "endpoint": "home",
    }
    assert [call[0] for call in calls[1:]] == ["onShow", "onHide", "onUnreadCountChange", "ready"]
    assert visit.get("'intercomSettings' in window") is False


def test_intercom_is_shut_down_before_the_next_visitor_is_booted(site: Site, visit: Visit) -> None:
    site("intercom", LOAD="eager")
    _arrive(visit)
    visit.go("/switch/2")
    visit.until("window.__arrived")
    assert visit.get("[...Intercom.q].map((call) => call[0])")[:2] == ["shutdown", "boot"]


def test_intercoms_updates_carry_the_proof_and_stop_at_twenty(site: Site, visit: Visit) -> None:
    site("intercom", LOAD="eager")
    visit.page.clock.install()
    visit.go("/login/1")
    visit.ready()
    visit.get("window.__sent = []; window.__real = Intercom; Intercom = (...call) => { __sent.push(call); }; 0")
    for n in range(25):
        visit.get(f"livechat.update({{seats: {n}}})")
        visit.page.clock.run_for(400)
    sent = visit.get("__sent")
    assert [call[1]["seats"] for call in sent] == list(range(19))  # the boot was one of the twenty
    assert all("intercom_user_jwt" in call[1] for call in sent)
    # What was one too many goes when the vendor takes updates again: the newest value, in one call.
    visit.page.clock.run_for(31 * 60 * 1000)
    assert [call[1]["seats"] for call in visit.get("__sent")[19:]] == [24]


# A vendor that arrives but never answers.


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendor_that_never_answers_counts_as_failed(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual", FALLBACK_URL="/contact")
    visit.page.clock.install()
    visit.net.broken = "window.__arrived = true;"
    visit.go()
    visit.get("livechat.open()")
    visit.until("window.__arrived")
    visit.page.clock.run_for(25_000)
    visit.until(f"{WORD} === 'Chat cannot be reached. Contact us'")  # later than five seconds the page is not left
    assert visit.page.url == SITE + "/"


# Office hours and presence.


@pytest.mark.parametrize("vendor", VENDORS)
def test_hidden_outside_office_hours_the_launchers_lead_to_the_fallback(site: Site, visit: Visit, vendor: str) -> None:
    other_day = DAYS[(datetime.now(UTC).weekday() + 3) % 7]
    hours = {"tz": "UTC", other_day: "09:00-17:00"}
    site(vendor, LOAD="eager", OFFLINE="hide", FALLBACK_URL="/contact", OFFICE_HOURS=hours)
    visit.go()
    visit.page.wait_for_timeout(600)
    assert visit.net.asked(vendor) == []
    visit.page.click("#opener")
    visit.page.wait_for_url(SITE + "/contact")


@pytest.mark.parametrize("vendor", ["crisp", "tawk"])
def test_hidden_while_the_vendor_says_that_nobody_is_there(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", OFFLINE="hide")
    visit.go()
    visit.ready()
    visit.until("__livechat_sandbox.launcher")
    assert visit.net.vendors is not None
    desk = visit.net.vendors.test_client()
    desk.post("/sandbox/desk/status", json={"vendor": vendor, "status": "offline"})
    visit.until("!__livechat_sandbox.launcher || !__livechat_sandbox.visible")
    assert visit.get("livechat.status") in ("offline", "away")
    desk.post("/sandbox/desk/status", json={"vendor": vendor, "status": "online"})
    visit.until("__livechat_sandbox.launcher && livechat.status === 'online'")


def test_tawk_never_gets_more_than_fifty_attributes(site: Site, visit: Visit) -> None:
    app = site("tawk", LOAD="eager")
    livechat = app.extensions["livechat"].livechat
    livechat.visitor_loader(lambda user: Visitor(user.id, user.email, attributes={f"own-{n}": n for n in range(45)}))
    livechat.context_loader(lambda: {f"page-{n}": n for n in range(20)})
    visit.go("/login/1")
    visit.ready()
    visit.eventually(lambda: len(visit.desk()["attributes"]) == 50)

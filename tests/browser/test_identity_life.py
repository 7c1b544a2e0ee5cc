"""How long the server's word on who is logged in holds: tokens that end, tabs that are left open, clocks that jump."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flask_livechat import signing

from .conftest import HOSTS, SITE, VALUES, VENDORS, Visit

Site = Callable[..., Any]
MINUTE = 60_000
every_vendor = pytest.mark.parametrize("vendor", VENDORS)


def _started(site: Site, visit: Visit, vendor: str, **config: Any) -> Any:
    app = site(vendor, LOAD="eager", **config)
    visit.page.clock.install()
    visit.go("/login/1")
    visit.ready()
    visit.until("__livechat_sandbox.identity.verified")
    return app


def _asked(visit: Visit) -> int:
    return visit.net.log.count("www.site.test/livechat/identity")


def _expires(token: str) -> int:
    claims = signing.read_jwt(token, VALUES["intercom"]["IDENTITY_SECRET"])
    assert claims is not None
    return int(claims["exp"])


def _record(visit: Visit) -> None:
    """What Intercom is told from here on."""
    visit.get("window.__sent = []; window.__real = Intercom; 0")
    visit.get("Intercom = (...call) => { __sent.push(call); return __real(...call); }; 0")


def _look(visit: Visit) -> None:
    """The visitor comes back to the tab."""
    visit.get("dispatchEvent(new Event('focus')); document.dispatchEvent(new Event('visibilitychange')); 0")


def _hide(visit: Visit, hidden: bool = True) -> None:
    value = "true" if hidden else "false"
    visit.get(f"Object.defineProperty(Document.prototype, 'hidden', {{value: {value}, configurable: true}}); 0")


def test_a_token_is_renewed_once_before_its_end_while_the_tab_is_looked_at(site: Site, visit: Visit) -> None:
    app = _started(site, visit, "intercom", TOKEN_TTL=600)
    token = visit.get("JSON.parse(document.querySelector('#livechat').textContent).proof.jwt")
    _record(visit)
    # The server's clock is not the page's: it goes on, too, and uses no token again that is half over.
    app.extensions["livechat"].livechat.now = lambda: datetime.now(UTC) + timedelta(minutes=9)
    visit.page.clock.run_for(9 * MINUTE)
    assert _asked(visit) == 0
    visit.page.clock.run_for(MINUTE - 25_000)
    visit.eventually(lambda: _asked(visit) == 1)
    (call,) = visit.until("__sent.length && __sent")
    assert call[0] == "boot"
    assert _expires(call[1]["intercom_user_jwt"]) > _expires(token)
    assert visit.snapshot()["identity"]["verified"]


def test_a_hidden_tab_asks_nothing_until_it_is_looked_at_and_then_once(site: Site, visit: Visit) -> None:
    _started(site, visit, "intercom", TOKEN_TTL=600)
    _hide(visit)
    visit.page.clock.run_for(60 * MINUTE)
    assert _asked(visit) == 0
    _hide(visit, hidden=False)
    for _ in range(3):
        _look(visit)
    visit.eventually(lambda: _asked(visit) == 1)
    visit.until("__livechat_sandbox.identity.verified")
    visit.page.wait_for_timeout(200)
    assert _asked(visit) == 1


def test_an_update_with_a_token_at_its_end_gets_a_new_one_first(site: Site, visit: Visit) -> None:
    _started(site, visit, "intercom", TOKEN_TTL=600)
    _hide(visit)  # so that no timer renews it
    visit.page.clock.run_for(20 * MINUTE)
    _record(visit)
    visit.get("livechat.update({seats: 4})")
    visit.page.clock.run_for(1000)
    visit.eventually(lambda: _asked(visit) == 1)
    visit.until("__sent.some((call) => call[0] === 'update')")
    assert [call[0] for call in visit.get("__sent")] == ["boot", "update"]
    boot, update = visit.get("__sent.map((call) => call[1].intercom_user_jwt)")
    assert boot == update


@every_vendor
def test_a_tab_that_was_left_open_ends_when_the_server_says_nobody_is_logged_in(
    site: Site, visit: Visit, vendor: str
) -> None:
    _started(site, visit, vendor)
    visit.reply("a secret")
    visit.until("__livechat_sandbox.messages.length === 1")
    visit.page.context.clear_cookies(name="session")
    visit.page.clock.run_for(6 * MINUTE)
    _look(visit)
    visit.until("livechat.state === 'ended'")
    visit.page.clock.resume()
    visit.is_over()
    assert _asked(visit) == 1


@every_vendor
def test_a_look_at_the_tab_within_minutes_asks_nothing(site: Site, visit: Visit, vendor: str) -> None:
    _started(site, visit, vendor)
    visit.page.clock.run_for(4 * MINUTE)
    _look(visit)
    visit.page.wait_for_timeout(200)
    assert _asked(visit) == 0
    assert visit.get("livechat.state") == "ready"


@every_vendor
def test_an_anonymous_visitor_is_never_asked_about(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    visit.page.clock.install()
    visit.go()
    visit.ready()
    visit.page.clock.run_for(60 * MINUTE)
    _look(visit)
    visit.page.wait_for_timeout(200)
    assert _asked(visit) == 0


@pytest.mark.parametrize("answer", ["500", "html", "nothing", "list", "nobody"])
@every_vendor
def test_an_answer_that_makes_no_sense_changes_nothing(site: Site, visit: Visit, vendor: str, answer: str) -> None:
    app = _started(site, visit, vendor)
    answers: dict[str, Any] = {
        "500": ("down", 500),
        "html": "<h1>Please log in</h1>",
        "nothing": "",
        "list": [1, 2],
        "nobody": {"visitor": None},
    }
    app.view_functions["livechat.identity"] = lambda: answers[answer]
    visit.page.clock.run_for(6 * MINUTE)
    _look(visit)
    visit.eventually(lambda: _asked(visit) == 1)
    visit.page.wait_for_timeout(200)
    assert visit.get("livechat.state") == "ready"
    assert visit.snapshot()["identity"]["email"] == "visitor1@example.com"


@pytest.mark.parametrize("hours", [-30, 30])
def test_a_clock_that_jumps_asks_once_and_settles(site: Site, visit: Visit, hours: int) -> None:
    """The first answer shows how wrong the clock is; from then on the server's counts."""
    _started(site, visit, "intercom")
    visit.page.clock.set_system_time(datetime.now(UTC) + timedelta(hours=hours))
    for _ in range(4):
        _look(visit)
        visit.page.wait_for_timeout(200)  # for the answer: its time-out is the page's own clock
        visit.page.clock.run_for(MINUTE)
    assert _asked(visit) == (1 if hours > 0 else 0)
    assert visit.get("livechat.state") == "ready"


@every_vendor
def test_another_user_who_has_logged_in_meanwhile_takes_over(site: Site, visit: Visit, vendor: str) -> None:
    _started(site, visit, vendor)
    before = visit.snapshot()["session"]
    visit.get("fetch('/login/2')")  # without a page: no tab has heard of it
    visit.page.clock.run_for(6 * MINUTE)
    _look(visit)
    visit.until("livechat.state === 'ended'")
    visit.page.clock.resume()
    visit.page.click("#opener")
    visit.until("window.__livechat_sandbox && __livechat_sandbox.open")
    visit.until("__livechat_sandbox.identity.email === 'visitor2@example.com'")
    assert visit.snapshot()["session"] != before
    assert visit.page.url == SITE + "/"


# A page that lay there before anybody asked for the chat.


@pytest.mark.parametrize("sign", ["blur", "minutes"])
@every_vendor
def test_a_page_that_was_left_for_a_while_asks_who_it_is_before_it_starts_anybody(
    site: Site, visit: Visit, vendor: str, sign: str
) -> None:
    site(vendor, LOAD="manual")
    visit.page.clock.install()
    visit.go("/login/1")
    visit.page.context.clear_cookies(name="session")  # the server has forgotten them
    if sign == "blur":
        visit.get("dispatchEvent(new Event('blur')); 0")
    else:
        visit.page.clock.run_for(6 * MINUTE)
    visit.page.click("#opener")
    visit.ready()
    assert _asked(visit) == 1
    assert not visit.snapshot()["identity"]["verified"]
    assert "visitor1" not in str(visit.desk())


def test_coming_back_to_a_token_that_is_over_renews_it_once(site: Site, visit: Visit) -> None:
    """Coming back is two events, focus and visibilitychange."""
    _started(site, visit, "intercom", TOKEN_TTL=600)
    _record(visit)
    _hide(visit)
    visit.page.clock.run_for(11 * MINUTE)
    _hide(visit, False)
    _look(visit)
    visit.until("__sent.length")
    visit.page.wait_for_timeout(300)
    assert [call[0] for call in visit.get("__sent")] == ["boot"]


def test_a_token_that_lives_for_a_minute_is_not_renewed_with_every_update(site: Site, visit: Visit) -> None:
    _started(site, visit, "intercom", TOKEN_TTL=60)
    _record(visit)
    visit.get("livechat.update({plan: 'pro'}); 0")
    visit.page.clock.run_for(1000)
    visit.until("__sent.length")
    assert [call[0] for call in visit.get("__sent")] == ["update"]


@every_vendor
def test_a_look_after_minutes_tells_the_vendor_nothing_it_knows(site: Site, visit: Visit, vendor: str) -> None:
    _started(site, visit, vendor)
    visit.page.clock.run_for(2000)  # what comes with a start is over
    visit.page.wait_for_timeout(300)
    # Every way in which a vendor is told who somebody is.
    visit.get("""(() => {
      window.__told = [];
      const note = (object, name) => {
        const real = object && object[name];
        if (real) object[name] = (...call) => { __told.push([name, ...call]); return real.apply(object, call); };
      };
      note(window.$crisp, "push");
      note(window.Tawk_API, "login");
      note(window.Tawk_API, "setAttributes");
      note(window, "Intercom");
    })()""")
    visit.page.clock.run_for(6 * MINUTE)
    _look(visit)
    visit.eventually(lambda: _asked(visit))
    visit.page.wait_for_timeout(400)
    assert visit.get("__told") == []


def test_attributes_choose_neither_intercoms_server_nor_who_it_is(site: Site, visit: Visit) -> None:
    forged = '"app_id":"evil","api_base":"https://evil.test","user_id":"evil","email":"evil@evil.test","fine":"yes",'
    app = site("intercom", LOAD="eager")

    def forge(response: Any) -> Any:
        if response.mimetype == "text/html":
            response.set_data(response.get_data(as_text=True).replace('"context":{', '"context":{' + forged, 1))
        return response

    app.after_request_funcs[None].insert(0, forge)  # the first one comes last: behind ours, which would mend it

    visit.page.add_init_script("""let real; window.__told = [];
      Object.defineProperty(window, 'Intercom', {configurable: true, get: () => real, set(next) {
        real = Object.assign((...call) => { __told.push(call); return next(...call); }, next); }});""")
    visit.go()
    visit.ready()
    visit.get("livechat.update({app_id: 'evil', user_id: 'evil', fine: 'still'}); 0")
    visit.until("__told.some(([name, values]) => name === 'update' && values.fine === 'still')")
    told = visit.get("JSON.stringify(__told)")
    assert '"fine":"yes"' in told
    assert "evil" not in told


@every_vendor
def test_a_second_try_for_somebody_else_starts_nothing_of_the_first(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager")
    visit.net.down |= {HOSTS[vendor]}
    visit.go("/login/1")
    visit.until("livechat.state === 'failed'")
    visit.net.down.clear()
    visit.get("fetch('/login/2').then(() => 0)")  # somebody else, in another window
    visit.get("dispatchEvent(new Event('blur')); 0")
    visit.page.click("#opener")
    visit.until("window.livechat && livechat.state === 'ready'")
    visit.until("__livechat_sandbox.identity.verified")
    assert "visitor2" in str(visit.desk())
    assert "visitor1" not in str(visit.desk())
    visit.until("__livechat_sandbox.open")

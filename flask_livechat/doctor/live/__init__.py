"""``flask livechat doctor --live``: the app's chat in a real browser, with its own keys at the vendor's own servers.

Somebody whom nobody knows starts the chat, opens, closes and ends it; then a user of the app, who is logged in; then
whoever comes after that user has logged out. What was seen becomes facts, and what was written is taken away again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ... import __version__
from . import judge
from .account import Account
from .bridge import LOGIN, LOGOUT, Bridge
from .plan import NoPage, Plan, plan_of
from .records import End, Fact, LiveReport, Start, Visit, Watch
from .scripts import COVERED, STATE
from .tab import NoBrowser, Tab, launched

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["Fact", "LiveReport", "NoBrowser", "NoPage", "Plan", "check", "plan_of"]

ALONE_S = 4.0  # in which a chat that starts by itself has begun
START_S = 25.0  # our scripts give a vendor 20
SENT_S = 8.0  # until an identity or an event has gone
SHOWN_S = 8.0  # until a panel is seen, or gone
LASTING_S = 4.0  # after an end: what comes late has come by then
SETTLE_S = 1.0
Step = Callable[[str], None]


def check(
    plan: Plan,
    *,
    now: datetime,
    launch: Callable[[str], AbstractContextManager[Browser]] = launched,
    open_desk: Callable[[], Any] | None = None,
    step: Step = lambda text: None,
) -> LiveReport:
    """Run it all, and clean up whatever happens. Raises ``NoBrowser`` where none can be started."""
    vendor = plan.vendor
    account = Account(vendor, open_desk or _desk_of(plan))
    with launch(urlsplit(vendor.origin).hostname or "localhost") as browser:
        journey = Journey(plan, account, browser, step)
        try:
            account.look_before(plan.person)
            facts = [*journey.facts()]
        finally:
            cleaned = account.clean_up()
            step(f"The account is cleaned up: {cleaned.seen}.")
            for bridge in journey.bridges:
                bridge.log_out_everywhere()
        version = browser.version
    facts += [judge.policy(journey.visits, vendor), judge.hosts(journey.visits, vendor)]
    failures = [text for bridge in journey.bridges for text in bridge.failures]
    facts += [judge.errors(journey.visits, vendor, plan.settings.url_prefix), judge.answered(failures), cleaned]
    return LiveReport(
        provider=vendor.provider.name,
        title=vendor.provider.title,
        sandbox=vendor.stand_in is not None,
        page=plan.route,
        with_user=plan.user_page is not None,
        browser=version,
        version=__version__,
        facts_as_of=vendor.provider.as_of,
        at=now,
        facts=tuple(facts),
        hosts=judge.contacted(journey.visits, vendor),
    )


def _desk_of(plan: Plan) -> Callable[[], Any]:
    def open_desk() -> Any:
        with plan.app.app_context():
            return plan.livechat.desk(plan.vendor.provider.name)

    return open_desk


class Journey:
    """The visits, one after the other. What fails in one does not keep the others from being made."""

    def __init__(self, plan: Plan, account: Account, browser: Browser, step: Step) -> None:
        self.visits: list[Visit] = []
        self.bridges: list[Bridge] = []
        self._plan, self._account, self._browser, self._step = plan, account, browser, step
        self._vendor = plan.vendor

    def facts(self) -> Iterator[Fact]:
        if self._plan.page is None:
            yield Fact("visitor", "A visitor has chat", None, "only the user has a page with chat")
        else:
            yield from self._safely("visitor", self._visitor)
        if self._plan.user_page is not None:
            yield from self._safely("user", self._user)

    def _safely(self, name: str, visit: Callable[[], Iterator[Fact]]) -> Iterator[Fact]:
        try:
            yield from visit()
        except Exception as error:  # whatever a browser does
            title = f"The check of {judge.WHO[name]} comes to its end"
            yield Fact(f"{name}.check", title, False, f"it failed with {type(error).__name__}")

    def _visitor(self) -> Iterator[Fact]:
        with self._tab(None) as tab:
            self._step("A visitor starts the chat.")
            visit = self._first(tab, "visitor", str(self._plan.page))
            yield from self._usual(visit)
            yield from self._ended(tab, visit)

    def _user(self) -> Iterator[Fact]:
        with self._tab(self._plan.user) as tab:
            self._step("The user logs in and starts the chat.")
            visit = self._first(tab, "user", f"{LOGIN}?{self._plan.user_page}")
            self._account.started = visit.start.state == "ready"
            tab.until(lambda: judge.identified(visit, self._vendor).held, SENT_S)
            yield judge.identified(visit, self._vendor)
            yield from self._by_the_api(tab)
            yield from self._usual(visit)
            yield from self._ended(tab, visit)
            if self._plan.page is None:
                yield Fact("next", "The next visitor has chat", None, "only the user has a page with chat")
            else:
                yield from self._next(tab, visit)

    def _by_the_api(self, tab: Tab) -> Iterator[Fact]:
        self._step("The vendor's API is asked for the user.")
        yield self._account.arrived(tab.wait)
        if (fact := self._account.verified(tab.stored())) is not None:
            yield fact

    def _first(self, tab: Tab, name: str, path: str) -> Visit:
        """Start the chat. What follows of the visit is judged by the same watch."""
        start = self._start(tab, path)
        return self._note(Visit(name, tab.watch, start, policy=tab.policy))

    def _usual(self, visit: Visit) -> Iterator[Fact]:
        yield judge.started(visit, self._vendor)
        if visit.start.state == "ready":
            yield judge.marked(visit, self._vendor)
            yield judge.opened(visit)
            yield judge.closed(visit)

    def _ended(self, tab: Tab, visit: Visit) -> Iterator[Fact]:
        self._step(f"The chat of {judge.WHO[visit.name]} ends by livechat.logout().")
        before, at = tab.stored(), time.monotonic()
        tab.ask("void livechat.logout()")
        tab.wait(LASTING_S)
        self.visits.remove(visit)
        visit = self._note(replace(visit, end=End(at, before, tab.stored())))
        yield from judge.ended(visit, self._vendor)

    def _next(self, tab: Tab, user: Visit) -> Iterator[Fact]:
        """The user starts once more, leaves by the app's own way out, and somebody else is at this browser."""
        self._step("The user logs out on the server, and the next visitor comes.")
        tab.go(str(self._plan.user_page))
        self._until_it_starts(tab)
        tab.wait(SETTLE_S)
        before = tab.stored()
        tab.go(LOGOUT)
        at = time.monotonic()
        start = self._start(tab, str(self._plan.page))
        tab.wait(LASTING_S)
        visit = self._note(Visit("next", tab.watch, start, End(at, before, tab.stored()), tab.policy))
        yield judge.started(visit, self._vendor)
        visitors = [visit for visit in self.visits if visit.name == "visitor"]
        constant = {mark for visit in visitors for mark in judge.account_tokens(visit, self._vendor)}
        yield from judge.followed(user, visit, self._vendor, constant)

    # In the browser.

    def _tab(self, user: Any) -> Tab:
        plan = self._plan
        bridge = Bridge(plan.app, self._vendor.origin, user, plan.way_out, self._vendor.needs, plan.settings.url_prefix)
        self.bridges.append(bridge)
        return Tab(self._browser, bridge)

    def _start(self, tab: Tab, path: str) -> Start:
        began = time.monotonic()
        tab.go(path)
        if self._plan.settings.consent == "required":
            tab.ask("livechat.consent(true)")
        state = self._until_it_starts(tab)
        start = Start(began, state, time.monotonic() - began, tab.person())
        if state != "ready":
            return start
        tab.ask(f"livechat.track('{judge.MARK}')")
        tab.wait(SETTLE_S)
        return self._open_and_close(tab, start)

    def _until_it_starts(self, tab: Tab) -> str:
        """Wait for a chat that starts by itself, else click. Give the state that it comes to."""

        def state() -> str:
            return str(tab.ask(STATE, otherwise="leaving"))

        tab.until(lambda: state() in ("ready", "failed"), ALONE_S)
        if state() in ("waiting", "ended"):
            tab.ask("void livechat.open()")
        tab.until(lambda: state() in ("ready", "failed"), START_S)
        return state()

    def _open_and_close(self, tab: Tab, start: Start) -> Start:
        roots = self._vendor.provider.elements
        watch: Watch = tab.watch

        def size() -> int:
            return int(tab.ask(COVERED, roots, otherwise=0))

        tab.ask("livechat.close()")  # it may have been opened in order to start
        tab.wait(SETTLE_S)
        before, opens = size(), watch.count("open")
        tab.ask("void livechat.open()")
        tab.until(lambda: watch.count("open") > opens and size() > before, SHOWN_S)
        during, closes = size(), watch.count("close")
        opened = watch.count("open") > opens
        tab.wait(SETTLE_S)
        tab.ask("livechat.close()")
        tab.until(lambda: watch.count("close") > closes and size() < during, SHOWN_S)
        sizes = (before, during, size())
        return replace(start, opened=opened, closed=watch.count("close") > closes, sizes=sizes)

    def _note(self, visit: Visit) -> Visit:
        self.visits.append(visit)
        return visit

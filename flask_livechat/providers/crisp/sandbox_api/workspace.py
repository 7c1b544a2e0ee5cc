"""What a Crisp workspace has beside people and what they say: itself, operators, visitors."""

from __future__ import annotations

from typing import Any

from ....sandbox.api import route
from ....sandbox.records import Agent
from ....sandbox.sessions import RefusedError, Session
from .calls import WEBSITE, CrispCall, milliseconds, ok
from .shapes import live_visitor, operator

LIVE_S = 300  # without a sign of them: UNCONFIRMED


class Workspace(CrispCall):
    """The website itself, its operators and visitors."""

    @route("GET", WEBSITE)
    def get_website(self) -> tuple[int, Any]:
        website = self.own_account().values["WEBSITE_ID"]
        return ok({"website_id": website, "name": "Sandbox", "domain": "localhost", "logo": None})

    @route("GET", f"{WEBSITE}/operators/list")
    def list_operators(self) -> tuple[int, Any]:
        account = self.own_account()
        return ok([operator(account, agent) for agent in account.agents], reason="listed")

    @route("GET", f"{WEBSITE}/operators/active")
    def list_active_operators(self) -> tuple[int, Any]:
        account = self.own_account()
        known = [operator(account, agent)["details"] for agent in account.agents]
        seen = milliseconds(account.clock())
        online = [{**details, "timestamp": seen} for details in known if details["availability"] == "online"]
        return ok(online, reason="listed")

    @route("GET", f"{WEBSITE}/operator/<id>")
    def get_operator(self) -> tuple[int, Any]:
        return ok(operator(self.own_account(), self._agent())["details"])

    def _agent(self) -> Agent:
        agent = self.own_account().agent(self.path["id"])
        if agent is None:
            raise RefusedError(404, "not_found")
        return agent

    @route("GET", f"{WEBSITE}/availability/status")
    def get_availability(self) -> tuple[int, Any]:
        status = "online" if self.own_account().hub.status(self.account.name) == "online" else "away"
        return ok({"status": status, "since": None})

    @route("GET", f"{WEBSITE}/availability/operators")
    def list_availabilities(self) -> tuple[int, Any]:
        account = self.own_account()
        there = "online" if account.hub.status(account.name) == "online" else "offline"
        since = {"for": 0, "since": milliseconds(account.clock())}
        return ok([{"user_id": agent.id, "type": there, "time": since} for agent in account.agents], reason="listed")

    @route("GET", f"{WEBSITE}/visitors/count")
    def count_visitors(self) -> tuple[int, Any]:
        return ok({"count": len(self._live())})

    @route("GET", f"{WEBSITE}/visitors/list/<int:page>")
    def list_visitors(self) -> tuple[int, Any]:
        return self.page_of([live_visitor(session) for session in self._live()])

    def _live(self) -> list[Session]:
        """Whoever has a page open. A session that was made over this API is nobody's on the site."""
        account = self.own_account()
        sessions = account.hub.sessions(account.name)
        return [session for session in sessions if session.page and account.clock() - session.seen < LIVE_S]

    @route("GET", f"{WEBSITE}/visitors/token/<token>")
    def find_by_token(self) -> tuple[int, Any]:
        key = self.own_account().hub.find(self.account.name, "token", self.path["token"])
        if key is None:
            raise RefusedError(404, "token_not_found")
        return ok({"session_id": key})

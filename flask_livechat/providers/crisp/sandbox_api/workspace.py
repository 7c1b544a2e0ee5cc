"""What a Crisp workspace has beside people and what they say: itself, operators, visitors."""

from __future__ import annotations

from typing import Any

from ....sandbox.api import Call
from ....sandbox.records import Agent
from ....sandbox.sessions import RefusedError
from .calls import WEBSITE, listed, milliseconds, ok, ours
from .shapes import conversation, operator


def get_website(call: Call) -> tuple[int, Any]:
    website = ours(call).values["WEBSITE_ID"]
    return ok({"website_id": website, "name": "Sandbox", "domain": "localhost", "logo": None})


def list_operators(call: Call) -> tuple[int, Any]:
    account = ours(call)
    return ok([operator(account, agent) for agent in account.agents], reason="listed")


def list_active_operators(call: Call) -> tuple[int, Any]:
    account = ours(call)
    known = [operator(account, agent)["details"] for agent in account.agents]
    seen = milliseconds(account.clock())
    found = [{**one, "timestamp": seen} for one in known if one["availability"] == "online"]
    return ok(found, reason="listed")


def get_operator(call: Call) -> tuple[int, Any]:
    return ok(operator(ours(call), _agent(call))["details"])


def _agent(call: Call) -> Agent:
    agent = ours(call).agent(call.path["id"])
    if agent is None:
        raise RefusedError(404, "not_found")
    return agent


def get_availability(call: Call) -> tuple[int, Any]:
    status = "online" if ours(call).hub.status(call.account.name) == "online" else "away"
    return ok({"status": status, "since": None})


def list_availabilities(call: Call) -> tuple[int, Any]:
    account = ours(call)
    there = "online" if account.hub.status(account.name) == "online" else "offline"
    since = {"for": 0, "since": milliseconds(account.clock())}
    return ok([{"user_id": one.id, "type": there, "time": since} for one in account.agents], reason="listed")


def count_visitors(call: Call) -> tuple[int, Any]:
    return ok({"count": len(ours(call).hub.sessions(call.account.name))})


def list_visitors(call: Call) -> tuple[int, Any]:
    account = ours(call)
    return listed(call, [conversation(account, one) for one in account.hub.sessions(account.name)])


def find_by_token(call: Call) -> tuple[int, Any]:
    key = ours(call).hub.find(call.account.name, "token", call.path["token"])
    if key is None:
        raise RefusedError(404, "token_not_found")
    return ok({"session_id": key})


ROUTES = (
    ("GET", WEBSITE, get_website),
    ("GET", f"{WEBSITE}/operators/list", list_operators),
    ("GET", f"{WEBSITE}/operators/active", list_active_operators),
    ("GET", f"{WEBSITE}/operator/<id>", get_operator),
    ("GET", f"{WEBSITE}/availability/status", get_availability),
    ("GET", f"{WEBSITE}/availability/operators", list_availabilities),
    ("GET", f"{WEBSITE}/visitors/count", count_visitors),
    ("GET", f"{WEBSITE}/visitors/list/<int:page>", list_visitors),
    ("GET", f"{WEBSITE}/visitors/token/<token>", find_by_token),
)

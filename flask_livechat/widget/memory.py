"""What a visitor did, kept in their session until the next page: events to deliver and the last actions."""

from __future__ import annotations

import json
from typing import Any

from flask import Flask, Request, g, session

from ..providers import cut, scalar
from .visitors import has_session

EVENTS, ACTIONS = "_livechat_events", "_livechat_actions"
MOST_EVENTS = 20
LAST_ACTIONS = 3
# The session is a cookie of at most 4 KB that also holds the login: ours must never push it over the edge.
MOST_BYTES = 1500


def add_event(name: str, metadata: dict[str, Any]) -> None:
    """Keep an event for the next page. The oldest go when there are more than 20, or too many bytes."""
    g._livechat_session = True
    event = {"name": cut(str(name), 100), "metadata": {str(k)[:50]: _small(v) for k, v in list(metadata.items())[:10]}}
    events = [*session.get(EVENTS, []), event][-MOST_EVENTS:]
    if len(json.dumps(event)) > MOST_BYTES // 2:
        event["metadata"] = {}  # the name still says that it happened, and the events before it stay
    while len(json.dumps(events)) > MOST_BYTES:
        events.pop(0)
    session[EVENTS] = events


def take_events(app: Flask, request: Request) -> list[dict[str, Any]]:
    """The events that wait, which are then gone from the session. An error page gets what the failed page had."""
    if _kept(app, request) and EVENTS in session:
        g._livechat_events = [*g.get("_livechat_events", []), *session.pop(EVENTS)]
    return list(g.get("_livechat_events", []))


def add_action(name: str) -> None:
    g._livechat_session = True
    session[ACTIONS] = [*session.get(ACTIONS, []), cut(str(name), 60)][-LAST_ACTIONS:]


def last_actions(app: Flask, request: Request) -> list[str]:
    return list(session.get(ACTIONS, [])) if _kept(app, request) else []


def clear() -> None:
    """Drop all of it: what one visitor did is nobody else's. Called at a logout, which has a session anyway."""
    for key in (EVENTS, ACTIONS):
        session.pop(key, None)


def _kept(app: Flask, request: Request) -> bool:
    """Whether there can be something of ours: a session came with the request, or this request has begun one."""
    return has_session(app, request) or g.get("_livechat_session", False)


def _small(value: Any) -> Any:
    value = scalar(value)
    return cut(value, 255) if isinstance(value, str) else value

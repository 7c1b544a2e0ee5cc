"""What a visitor did, kept in their session: events for the next page, the last actions, context for the identity."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import session

from ..providers.sanitize import cut, scalar
from .request_state import RequestState, request_state

EVENTS, ACTIONS, CONTEXT = "_livechat_events", "_livechat_actions", "_livechat_context"
SEGMENTS = "_livechat_segments"
OWNER = "_livechat_of"  # whose all that is: flask-login's own key for who is logged in
KEYS = frozenset((EVENTS, ACTIONS, CONTEXT, SEGMENTS, OWNER))
# The session is a cookie of at most 4 KB that also holds the login: ours must never push it over the edge.
MOST_BYTES = 1500


def add_event(name: str, metadata: Mapping[str, Any]) -> None:
    """Keep an event for the next page. The oldest go when there are more than 20, or too many bytes."""
    _drop_anothers()
    # One without a name would be taken for a change of segments, which travels among the events.
    event = {"name": cut(str(name), 100) or "", "metadata": _small(metadata)}
    events = [*session.get(EVENTS, []), event][-20:]
    if len(json.dumps(event)) > MOST_BYTES // 2:
        event["metadata"] = {}  # the name still says that it happened, and the events before it stay
    while len(json.dumps(events)) > MOST_BYTES:
        events.pop(0)
    _keep(EVENTS, events)


def add_action(name: str) -> None:
    """Remember what the visitor just did: the last three of it."""
    _drop_anothers()
    _keep(ACTIONS, [*session.get(ACTIONS, []), cut(str(name), 60)][-3:])


def add_context(attributes: Mapping[str, Any]) -> None:
    """Where pages hold nothing personal: what a view says of its visitor goes with the identity instead."""
    _drop_anothers()
    context = session.get(CONTEXT, {}) | _small(attributes)
    while len(json.dumps(context)) > MOST_BYTES // 2:
        context.pop(next(iter(context)))
    _keep(CONTEXT, context)


def add_segments(changes: Mapping[str, bool]) -> None:
    """Keep segments to add or take away for the next page. The first go where there are too many bytes."""
    _drop_anothers()
    segments = session.get(SEGMENTS, {}) | changes
    while len(json.dumps(segments)) > MOST_BYTES // 2:
        segments.pop(next(iter(segments)))
    _keep(SEGMENTS, segments)


def recall(req: RequestState) -> tuple[list[str], dict[str, Any], list[dict[str, Any]]]:
    """The last actions; and the context and the events that wait, which are then gone from the session.

    The segments that wait are in ``req.segments`` afterwards. An error page gets the events and the segments that the
    failed page had. A session without this package's keys is not touched.
    """
    actions: list[str] = []
    context: dict[str, Any] = {}
    if (req.writes_session or req.has_session_cookie) and not KEYS.isdisjoint(session):
        if OWNER in session:
            _drop_anothers()
        elif (user := session.get("_user_id")) and any(key in session for key in (EVENTS, ACTIONS, CONTEXT)):
            session[OWNER] = user  # who was nobody has logged in: from now on it is theirs, and no next one's
        actions = list(session.get(ACTIONS, ()))
        context = session.pop(CONTEXT) if CONTEXT in session else context
        req.events += session.pop(EVENTS) if EVENTS in session else []
        req.segments = session.pop(SEGMENTS) | req.segments if SEGMENTS in session else req.segments
    return actions, context, list(req.events)


def clear() -> None:
    """Drop all of it: what one visitor did is nobody else's. Called at a logout, which has a session anyway."""
    for key in KEYS.intersection(session):
        session.pop(key)


def _keep(key: str, value: Any) -> None:
    session[key] = value
    if user := session.get("_user_id"):
        session[OWNER] = user
    request_state().writes_session = True


def _drop_anothers() -> None:
    """Somebody logged in over somebody else, without a logout between. Who was nobody before keeps what they did."""
    if session.get(OWNER, session.get("_user_id")) != session.get("_user_id"):
        clear()


def _small(values: Mapping[str, Any]) -> dict[str, Any]:
    small = {str(name)[:50]: scalar(value) for name, value in list(values.items())[:10]}
    return {name: cut(value, 255) if isinstance(value, str) else value for name, value in small.items()}

"""Crisp's conversations, one by one and in batches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ....sandbox.api import Account, Call
from ....sandbox.body import Body
from ....sandbox.sessions import RefusedError, Session
from .calls import WEBSITE, flag, listed, moment, ok, ours, session_of, size_of
from .shapes import PARTS, STATES, conversation, meta

ONE = f"{WEBSITE}/conversation/<id>"
SEARCHES = ("text", "segment", "filter")
WANTED = {"unresolved": "opened", "pending": "pending", "resolved": "closed"}
BATCH = 200  # sessions of one call: UNCONFIRMED


def list_conversations(call: Call) -> tuple[int, Any]:
    account, size = ours(call), size_of(call)
    found = [one for one in account.hub.conversations(account.name) if _is_wanted(call, account, one)]
    if flag(call, "order_date_created"):
        found.sort(key=lambda one: one.created, reverse=True)
    flag(call, "order_date_updated")
    return listed(call, [conversation(account, one) for one in found], size)


def _is_wanted(call: Call, account: Account, session: Session) -> bool:
    since, until = moment(call, "filter_date_start"), moment(call, "filter_date_end")
    unread = bool(session.messages) and session.messages[-1].author == "visitor"
    conditions = {
        "filter_resolved": account.state(session) == "closed",
        "filter_not_resolved": account.state(session) != "closed",
        "filter_assigned": session.agent is not None,
        "filter_unassigned": session.agent is None,
        "filter_unread": unread,
    }
    return (
        all(holds for name, holds in conditions.items() if flag(call, name))
        and (since is None or session.changed >= since)
        and (until is None or session.changed <= until)
        and _is_found(call, session)
    )


def _is_found(call: Call, session: Session) -> bool:
    """By a word in its text or by a segment. What a filter of models says is not read here."""
    text, kind = call.query.get("search_query", "").casefold(), call.query.get("search_type", "text")
    if kind not in SEARCHES:
        raise RefusedError(400, "invalid_data", f"search_type is one of {', '.join(SEARCHES)}")
    if kind == "segment":
        return not text or text in (one.casefold() for one in session.tags)
    return kind == "filter" or any(text in said.text.casefold() for said in session.messages)


def create_conversation(call: Call) -> tuple[int, Any]:
    account = ours(call)
    return ok({"session_id": account.hub.create(account.name, "session_")}, 201, "added")


def get_conversation(call: Call) -> tuple[int, Any]:
    return ok(conversation(call.account, session_of(call)))


def delete_conversation(call: Call) -> tuple[int, Any]:
    call.account.hub.drop(session_of(call).key)
    return ok(reason="deleted")


def initiate(call: Call) -> tuple[int, Any]:
    """The chatbox is told that somebody waits in it."""
    session_of(call)
    return ok(reason="initiated")


def get_state(call: Call) -> tuple[int, Any]:
    return ok({"state": STATES[call.account.state(session_of(call))]})


def change_state(call: Call) -> tuple[int, Any]:
    _decide(call.account, session_of(call).key, call.body.need("state"))
    return ok(reason="updated")


def _decide(account: Account, key: str, wanted: str) -> None:
    if wanted not in WANTED:
        raise RefusedError(400, "invalid_data", "state is unresolved, pending or resolved")
    if wanted == "resolved":
        account.hub.end(key, "agent")
    else:
        account.hub.decide(key, "opened" if wanted == "unresolved" else "pending")


def get_meta(call: Call) -> tuple[int, Any]:
    return ok(meta(session_of(call)))


def change_meta(call: Call) -> tuple[int, Any]:
    session, body, hub = session_of(call), call.body, call.account.hub
    data = {name: text for name in PARTS if (text := body.text(name)) is not None}
    email, name = data.pop("email", None), data.pop("nickname", None)
    if email or name:
        known = session.identity
        state = "unverified" if known.state == "anonymous" or email not in (None, known.email) else known.state
        reason = known.reason if state == known.state else "set over the REST API"
        changed = replace(known, state=state, email=email or known.email, name=name or known.name, reason=reason)
        hub.identify(session.key, changed)
    hub.detail(session.key, data)
    if "data" in body.data:
        hub.describe(session.key, body.values("data"))
    if "segments" in body.data:
        hub.tag(session.key, body.texts("segments"))
    return ok(reason="updated")


def get_routing(call: Call) -> tuple[int, Any]:
    agent = session_of(call).agent
    return ok({"assigned": {"user_id": agent} if agent else None})


def change_routing(call: Call) -> tuple[int, Any]:
    _assign(call, session_of(call).key)
    return ok(reason="updated")


def _assign(call: Call, key: str) -> None:
    agent = call.body.part("assigned").text("user_id")
    if agent and call.account.agent(agent) is None:
        raise RefusedError(400, "invalid_data", "there is no such operator")
    call.account.hub.assign(key, agent)


def get_block(call: Call) -> tuple[int, Any]:
    return ok({"blocked": session_of(call).is_blocked})


def change_block(call: Call) -> tuple[int, Any]:
    session = session_of(call)
    call.account.hub.set(session.key, is_blocked=_boolean(call.body, "blocked"))
    return ok(reason="updated")


def _boolean(body: Body, name: str) -> bool:
    value = body.data.get(name)
    if not isinstance(value, bool):
        raise RefusedError(400, "invalid_data", f"{name} is true or false")
    return value


def get_participants(call: Call) -> tuple[int, Any]:
    found = session_of(call).participants
    return ok({"participants": [{"type": "email", "target": one} for one in found]})


def save_participants(call: Call) -> tuple[int, Any]:
    session, given = session_of(call), call.body.data.get("participants")
    if not isinstance(given, list) or len(given) > 50 or not all(isinstance(one, dict) for one in given):
        raise RefusedError(400, "invalid_data", "participants is a list of objects")
    found = tuple(Body(one).need("target") for one in given if Body(one).need("type") == "email")
    call.account.hub.set(session.key, participants=found)
    return ok(reason="saved")


def list_visited_pages(call: Call) -> tuple[int, Any]:
    session = session_of(call)
    known = {"page_title": "", "page_url": session.page, "page_referrer": "", "timestamp": int(session.seen * 1000)}
    return listed(call, [known] if session.page else [])


def list_events(call: Call) -> tuple[int, Any]:
    events = [
        {"text": one.name, "data": dict(one.data), "color": "grey", "timestamp": int(one.at * 1000)}
        for one in reversed(session_of(call).events)
    ]
    return listed(call, events)


def list_files(call: Call) -> tuple[int, Any]:
    found = [one for one in reversed(session_of(call).messages) if one.type in ("file", "audio", "animation")]
    return listed(call, [{**dict(one.content or {}), "timestamp": int(one.at * 1000)} for one in found])


def ask_for_rating(call: Call) -> tuple[int, Any]:
    session_of(call)
    return ok(reason="requested")


def send_transcript(call: Call) -> tuple[int, Any]:
    """To the visitor, an operator, or another address."""
    session = session_of(call)
    to, email = call.body.need("to"), call.body.text("email")
    if to not in ("user", "operator", "other") or (to == "other" and not email):
        raise RefusedError(400, "invalid_data", "to is user, operator or other, with an email")
    if to == "user" and not session.identity.email:
        raise RefusedError(400, "email_not_known")
    return ok(reason="requested")


def list_segments(call: Call) -> tuple[int, Any]:
    sessions = ours(call).hub.sessions(call.account.name)
    names = dict.fromkeys(name for one in sessions for name in one.tags)
    return listed(call, [{"segment": name, "count": sum(name in one.tags for one in sessions)} for name in names])


def batch(call: Call) -> tuple[int, Any]:
    """The same for several conversations. One that is not there is passed over."""
    account, what, body = ours(call), call.path["what"], call.body
    keys = [one for one in body.texts("sessions", BATCH) if account.hub.has(account.name, one)]
    for key in keys:
        if what in ("resolve", "unresolve"):
            _decide(account, key, f"{what}d")
        elif what == "remove":
            account.hub.drop(key)
        elif what == "block":
            account.hub.set(key, is_blocked=_boolean(body, "blocked"))
        elif what == "routing":
            _assign(call, key)
        elif what == "segments":
            account.hub.tag(key, body.texts("segments"))
        elif what == "read":
            account.hub.mark_read(key, 2**53)
        else:
            raise RefusedError(404, "not_found")
    return ok(reason="processed")


ROUTES = (
    ("GET", f"{WEBSITE}/conversations/<int:page>", list_conversations),
    ("GET", f"{WEBSITE}/conversations/suggest/segments/<int:page>", list_segments),
    ("POST", f"{WEBSITE}/conversation", create_conversation),
    ("GET", ONE, get_conversation),
    ("DELETE", ONE, delete_conversation),
    ("POST", f"{ONE}/initiate", initiate),
    ("GET", f"{ONE}/state", get_state),
    ("PATCH", f"{ONE}/state", change_state),
    ("GET", f"{ONE}/meta", get_meta),
    ("PATCH", f"{ONE}/meta", change_meta),
    ("GET", f"{ONE}/routing", get_routing),
    ("PATCH", f"{ONE}/routing", change_routing),
    ("GET", f"{ONE}/block", get_block),
    ("PATCH", f"{ONE}/block", change_block),
    ("GET", f"{ONE}/participants", get_participants),
    ("PUT", f"{ONE}/participants", save_participants),
    ("GET", f"{ONE}/pages/<int:page>", list_visited_pages),
    ("GET", f"{ONE}/events/<int:page>", list_events),
    ("GET", f"{ONE}/files/<int:page>", list_files),
    ("POST", f"{ONE}/feedback", ask_for_rating),
    ("POST", f"{ONE}/transcript", send_transcript),
    ("PATCH", f"{WEBSITE}/batch/<what>", batch),
)

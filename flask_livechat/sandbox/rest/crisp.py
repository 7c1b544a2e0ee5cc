"""Crisp's REST API v1, the part that the desk uses (as of 2026-11, by the official libraries and the reference).

The texts of reasons are UNCONFIRMED but for ``not_found`` and the one of the legacy help centre: clients must take
them as opaque.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime
from typing import Any

from werkzeug.datastructures import Authorization, Headers

from flask_livechat import signing

from ..hub import Author, Message, RefusedError, Session
from ..records import Agent, Person, agents
from ..standin import Body, secrets
from .api import MAX_TEXT, Account, Api, Call
from .crisp_calls import PER_PAGE, WEBSITE, milliseconds, ok, ours, page_of
from .crisp_helpdesk import HELPDESK

AGENTS = agents("a91ad2a8-1b4b-4c0d-9a0e-3f8e1f6a2c01", "b7c3e6d4-52f1-4d0a-8a55-0f5d7a9e4b02")
STATES = {"open": "unresolved", "pending": "pending", "snoozed": "unresolved", "closed": "resolved"}
WANTED = {"unresolved": "open", "pending": "pending", "resolved": "closed"}
MESSAGES = 50  # of one answer; UNCONFIRMED
CONVERSATION = f"{WEBSITE}/conversation/<id>"
PEOPLE = f"{WEBSITE}/people"
PARTS = ("nickname", "email", "phone", "address", "subject", "avatar", "ip")


def admit(account: Account, headers: Headers) -> None:
    """Basic, and the tier: without it a token is refused."""
    said = Authorization.from_header(headers.get("Authorization"))
    identifier, key = (said.username or "", said.password or "") if said and said.type == "basic" else ("", "")
    keys = secrets(account.values, "API_KEY")
    known = identifier == account.values["API_IDENTIFIER"] and any(signing.same(one, key) for one in keys)
    if not known or headers.get("X-Crisp-Tier") != account.values["API_TIER"]:
        raise RefusedError(401, "invalid_session", "Wrong key, or wrong X-Crisp-Tier.")


def refuse(error: RefusedError) -> tuple[int, Any]:
    return error.status, {"error": True, "reason": error.code, "data": {"message": error.what} if error.what else {}}


def meet(account: Account) -> None:
    """Who is known by an address is a contact, whichever way they came."""
    for session in account.hub.sessions(account.name):
        person_of(account, session)


def person_of(account: Account, session: Session) -> Person | None:
    return account.who(session, lambda: str(uuid.uuid4()), strangers=False) if session.identity.email else None


def _session(call: Call) -> Session:
    return ours(call).session(call.path["id"])


# -- conversations ---------------------------------------------------------------------------------------------------


def list_conversations(call: Call) -> tuple[int, Any]:
    account = ours(call)
    page, size = page_of(call), call.number("per_page", PER_PAGE, PER_PAGE, 50)
    wanted = account.hub.conversations(account.name)
    if call.query.get("filter_resolved") == "1":
        wanted = [one for one in wanted if account.state(one) == "closed"]
    if call.query.get("filter_not_resolved") == "1":
        wanted = [one for one in wanted if account.state(one) != "closed"]
    if since := call.query.get("filter_date_start"):
        wanted = [one for one in wanted if one.changed >= _unix(since)]
    if call.query.get("search_type") == "text" and (text := call.query.get("search_query", "").casefold()):
        wanted = [one for one in wanted if any(text in said.text.casefold() for said in one.messages)]
    return ok([conversation(account, one) for one in wanted[(page - 1) * size : page * size]], reason="listed")


def create_conversation(call: Call) -> tuple[int, Any]:
    account = ours(call)
    return ok({"session_id": account.hub.create(account.name, "session_")}, 201, "added")


def get_conversation(call: Call) -> tuple[int, Any]:
    return ok(conversation(call.account, _session(call)))


def get_messages(call: Call) -> tuple[int, Any]:
    """The newest ones; of those before a moment, if one is named. Oldest first."""
    session = _session(call)
    before = call.number("timestamp_before", 10**15, 0, 10**15) if "timestamp_before" in call.query else None
    found = [one for one in session.messages if before is None or milliseconds(one.at) < before]
    # Those of one millisecond stay together: who asks for what was before it would miss the others.
    cut = milliseconds(found[-MESSAGES].at) if len(found) > MESSAGES else 0
    return ok([message(call.account, session, one) for one in found if milliseconds(one.at) >= cut], reason="listed")


def send_message(call: Call) -> tuple[int, Any]:
    session, body = _session(call), call.body
    kind, author, text = body.need("type"), body.need("from"), body.need("content", MAX_TEXT)
    body.need("origin")
    if kind not in ("text", "note") or author not in ("user", "operator") or (kind, author) == ("note", "user"):
        raise RefusedError(400, "invalid_data", "type is text or note, from is user or operator, a note an operator's")
    who: Author = "visitor" if author == "user" else "agent"
    agent = body.part("user").text("user_id")
    said = call.account.hub.say(session.key, who, text, "note" if kind == "note" else "text", agent)
    return ok({"fingerprint": said.n}, 202, "dispatched")


def get_state(call: Call) -> tuple[int, Any]:
    return ok({"state": STATES[call.account.state(_session(call))]})


def change_state(call: Call) -> tuple[int, Any]:
    session, wanted = _session(call), call.body.need("state")
    if wanted not in WANTED:
        raise RefusedError(400, "invalid_data", "state is unresolved, pending or resolved")
    if wanted == "resolved":
        call.account.hub.end(session.key, "the agent")
    else:
        call.account.hub.decide(session.key, "open" if wanted == "unresolved" else "pending")
    return ok(reason="updated")


def get_meta(call: Call) -> tuple[int, Any]:
    return ok(_meta(_session(call)))


def change_meta(call: Call) -> tuple[int, Any]:
    session, body, hub = _session(call), call.body, call.account.hub
    said = {name: text for name in PARTS if (text := body.text(name)) is not None}
    email, name = said.pop("email", None), said.pop("nickname", None)
    if email or name:
        known = session.identity
        state = "unverified" if known.state == "anonymous" or email not in (None, known.email) else known.state
        reason = known.reason if state == known.state else "set over the REST API"
        changed = replace(known, state=state, email=email or known.email, name=name or known.name, reason=reason)
        hub.identify(session.key, changed)
    hub.detail(session.key, said)
    if "data" in body.data:
        hub.describe(session.key, body.values("data"))
    if "segments" in body.data:
        hub.tag(session.key, body.texts("segments"))
    return ok(reason="updated")


def get_routing(call: Call) -> tuple[int, Any]:
    agent = _session(call).agent
    return ok({"assigned": {"user_id": agent} if agent else None})


def change_routing(call: Call) -> tuple[int, Any]:
    session = _session(call)
    agent = call.body.part("assigned").text("user_id")
    if agent and call.account.agent(agent) is None:
        raise RefusedError(400, "invalid_data", "there is no such operator")
    call.account.hub.assign(session.key, agent)
    return ok(reason="updated")


def delete_conversation(call: Call) -> tuple[int, Any]:
    call.account.hub.drop(_session(call).key)
    return ok(reason="deleted")


# -- people ----------------------------------------------------------------------------------------------------------


def _person(call: Call) -> Person:
    """By the id, or by the address."""
    account, named = ours(call), call.path["id"]
    found = account.people.get(named) or account.person(email=named)
    if found is None:
        raise RefusedError(404, "not_found")
    return found


def get_person(call: Call) -> tuple[int, Any]:
    return ok(profile(_person(call)))


def create_person(call: Call) -> tuple[int, Any]:
    account, email = ours(call), call.body.need("email")
    if account.person(email=email):
        raise RefusedError(409, "people_exists")
    made = account.add(str(uuid.uuid4()), email=email, **_said(call.body))
    return ok({"people_id": made.id}, 201, "added")


def change_person(call: Call) -> tuple[int, Any]:
    person = _person(call)
    email = call.body.text("email") or person.email
    call.account.change(person, email=email, **_said(call.body))
    return ok(reason="updated")


def delete_person(call: Call) -> tuple[int, Any]:
    """And what tied their conversations to them."""
    person = _person(call)
    for session in _conversations(call.account, person):
        call.account.hub.forget(session.key)
    call.account.people.drop(person.id)
    return ok(reason="deleted")


def get_data(call: Call) -> tuple[int, Any]:
    return ok({"data": dict(_person(call).attributes)})


def merge_data(call: Call) -> tuple[int, Any]:
    person = _person(call)
    call.account.change(person, attributes={**person.attributes, **call.body.values("data")})
    return ok(reason="updated")


def replace_data(call: Call) -> tuple[int, Any]:
    call.account.change(_person(call), attributes=call.body.values("data"))
    return ok(reason="updated")


def add_event(call: Call) -> tuple[int, Any]:
    person, body = _person(call), call.body
    event = {"text": body.need("text"), "data": body.values("data"), "color": body.text("color") or "grey"}
    stamped = {**event, "timestamp": milliseconds(call.account.clock())}
    call.account.change(person, events=(*person.events[-99:], stamped))
    return ok(reason="added", status=201)


def list_events(call: Call) -> tuple[int, Any]:
    page = page_of(call)
    return ok(list(reversed(_person(call).events))[(page - 1) * PER_PAGE : page * PER_PAGE], reason="listed")


def list_person_conversations(call: Call) -> tuple[int, Any]:
    """Ids alone."""
    page, found = page_of(call), _conversations(call.account, _person(call))
    return ok([one.key for one in found[(page - 1) * PER_PAGE : page * PER_PAGE]], reason="listed")


def _conversations(account: Account, person: Person) -> list[Session]:
    found = account.hub.conversations(account.name)
    return [one for one in found if (known := person_of(account, one)) and known.id == person.id]


def _said(body: Body) -> dict[str, Any]:
    person = body.part("person")
    said: dict[str, Any] = {
        field: text
        for name, field in (("nickname", "name"), ("phone", "phone"), ("avatar", "avatar"))
        if (text := person.text(name)) is not None
    }
    return said | ({"segments": body.texts("segments")} if "segments" in body.data else {})


# -- operators -------------------------------------------------------------------------------------------------------


def list_operators(call: Call) -> tuple[int, Any]:
    account = ours(call)
    return ok([_operator(account, agent) for agent in account.agents], reason="listed")


def _operator(account: Account, agent: Agent) -> dict[str, Any]:
    details = {
        "user_id": agent.id,
        "email": agent.email,
        "avatar": None,
        "first_name": agent.first,
        "last_name": agent.last,
        "role": "member",
        "availability": "online" if account.hub.status(account.name) == "online" else "offline",
    }
    return {"type": "operator", "details": details}


def get_availability(call: Call) -> tuple[int, Any]:
    status = "online" if ours(call).hub.status(call.account.name) == "online" else "away"
    return ok({"status": status, "since": None})


# -- shapes ----------------------------------------------------------------------------------------------------------


def conversation(account: Account, session: Session) -> dict[str, Any]:
    person = person_of(account, session)
    said = [one for one in session.messages if one.kind == "text" and one.author != "system"]
    return {
        "session_id": session.key,
        "website_id": account.values["WEBSITE_ID"],
        **({"people_id": person.id} if person else {}),
        "state": STATES[account.state(session)],
        "is_verified": session.identity.state == "verified",
        "is_blocked": False,
        "availability": "online",
        "active": {"now": False, "last": milliseconds(session.seen)},
        "last_message": said[-1].text[:200] if said else "",
        "unread": {"operator": 0, "visitor": sum(one.author == "agent" and one.n > session.read for one in said)},
        **({"assigned": {"user_id": session.agent}} if session.agent else {}),
        "meta": _meta(session),
        "created_at": milliseconds(session.created),
        "updated_at": milliseconds(session.changed),
    }


def _meta(session: Session) -> dict[str, Any]:
    identity = session.identity
    return {
        "nickname": identity.name or f"visitor{session.number}",
        "email": identity.email or "",
        **{name: session.details.get(name, "") for name in PARTS[2:]},
        "data": dict(session.attributes),
        "segments": list(session.tags),
        "device": {},
    }


def message(account: Account, session: Session, said: Message) -> dict[str, Any]:
    event = said.author == "system"
    agent = account.agent(said.agent)
    who = agent.name if agent else "Support"
    user = {"user_id": session.key, "nickname": _meta(session)["nickname"]}
    return {
        "session_id": session.key,
        "website_id": account.values["WEBSITE_ID"],
        "type": "event" if event else said.kind,
        "from": "user" if said.author == "visitor" else "operator",
        "origin": "chat",
        "content": {"namespace": "state:resolved", "text": said.text} if event else said.text,
        "read": "chat" if said.n <= session.read else "",
        "delivered": "chat",
        "fingerprint": said.n,
        "timestamp": milliseconds(said.at),
        "user": user if said.author == "visitor" else {"user_id": said.agent, "nickname": who},
        "mentions": [],
        "stamped": True,
        "edited": False,
        "translated": False,
        "automated": False,
        "properties": {},
    }


def profile(person: Person) -> dict[str, Any]:
    return {
        "people_id": person.id,
        "email": person.email,
        "person": {"nickname": person.name or "", "avatar": person.avatar, "phone": person.phone or ""},
        "segments": list(person.segments),
        "notepad": "",
        "active": milliseconds(person.updated),
        "created_at": milliseconds(person.created),
        "updated_at": milliseconds(person.updated),
    }


def _unix(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise RefusedError(400, "invalid_data", "a date is ISO 8601") from None
    if found.tzinfo is None:
        raise RefusedError(400, "invalid_data", "a date has a time zone")
    return found.timestamp()


API = Api(
    routes=(
        ("GET", f"{WEBSITE}/conversations/<int:page>", list_conversations),
        ("POST", f"{WEBSITE}/conversation", create_conversation),
        ("GET", CONVERSATION, get_conversation),
        ("DELETE", CONVERSATION, delete_conversation),
        ("GET", f"{CONVERSATION}/messages", get_messages),
        ("POST", f"{CONVERSATION}/message", send_message),
        ("GET", f"{CONVERSATION}/state", get_state),
        ("PATCH", f"{CONVERSATION}/state", change_state),
        ("GET", f"{CONVERSATION}/meta", get_meta),
        ("PATCH", f"{CONVERSATION}/meta", change_meta),
        ("GET", f"{CONVERSATION}/routing", get_routing),
        ("PATCH", f"{CONVERSATION}/routing", change_routing),
        ("POST", f"{PEOPLE}/profile", create_person),
        ("GET", f"{PEOPLE}/profile/<id>", get_person),
        ("PUT", f"{PEOPLE}/profile/<id>", change_person),
        ("PATCH", f"{PEOPLE}/profile/<id>", change_person),
        ("DELETE", f"{PEOPLE}/profile/<id>", delete_person),
        ("GET", f"{PEOPLE}/data/<id>", get_data),
        ("PUT", f"{PEOPLE}/data/<id>", replace_data),
        ("PATCH", f"{PEOPLE}/data/<id>", merge_data),
        ("POST", f"{PEOPLE}/events/<id>", add_event),
        ("GET", f"{PEOPLE}/events/<id>/list/<int:page>", list_events),
        ("GET", f"{PEOPLE}/conversations/<id>/list/<int:page>", list_person_conversations),
        ("GET", f"{WEBSITE}/operators/list", list_operators),
        ("GET", f"{WEBSITE}/availability/status", get_availability),
        *HELPDESK,
    ),
    admit=admit,
    refuse=refuse,
    meet=meet,
    limit=(10_000, 86_400),  # the website tier's; its headers are not documented
)

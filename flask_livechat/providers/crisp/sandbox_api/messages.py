"""Crisp's messages: read back in time, sent, changed, taken away."""

from __future__ import annotations

from typing import Any

from ....sandbox.api import MAX_TEXT, Call
from ....sandbox.body import BIG, Body
from ....sandbox.sessions import Author, Message, RefusedError, Session
from . import contents
from .calls import milliseconds, ok, session_of
from .conversations import ONE
from .shapes import fingerprint, listed, message

MESSAGES = 50  # of one answer; UNCONFIRMED
LATEST = 10**15  # milliseconds, later than all
MESSAGE = f"{ONE}/message/<fingerprint>"


def get_messages(call: Call) -> tuple[int, Any]:
    """The newest ones; of those before, after or around a moment, if one is named. Oldest first."""
    session, found = session_of(call), listed(session_of(call))
    named = [name for name in ("before", "after", "around") if f"timestamp_{name}" in call.query]
    if len(named) > 1:
        raise RefusedError(400, "invalid_data", "one of timestamp_before, _after and _around")
    which = named[0] if named else "before"
    at = call.number(f"timestamp_{which}", LATEST, 0, LATEST)
    if which == "after":
        found = [one for one in found if milliseconds(one.at) > at][:MESSAGES]
    else:
        found = _newest([one for one in found if which == "around" or milliseconds(one.at) < at])
    return ok([message(call.account, session, one) for one in found], reason="listed")


def _newest(found: list[Message]) -> list[Message]:
    """Those of one millisecond stay together: who asks for what was before it would miss the others."""
    cut = milliseconds(found[-MESSAGES].at) if len(found) > MESSAGES else 0
    return [one for one in found if milliseconds(one.at) >= cut]


def send_message(call: Call) -> tuple[int, Any]:
    session, body = session_of(call), call.body
    text, content = contents.read(body)
    kind, sender = body.data["type"], body.need("from")
    if sender not in ("user", "operator") or (kind, sender) == ("note", "user"):
        raise RefusedError(400, "invalid_data", "from is user or operator, a note an operator's")
    given = body.number("fingerprint", 1, BIG) if "fingerprint" in body.data else None
    if given is not None and any(fingerprint(one) == given for one in session.messages):
        raise RefusedError(409, "message_exists")
    automated = _optional_flag(body, "automated")
    who: Author = "visitor" if sender == "user" else "bot" if automated else "agent"
    said = call.account.hub.say(
        session.key,
        who,
        text,
        "note" if kind == "note" else "text",
        body.part("user").text("user_id"),
        type=kind,
        content=content,
        origin=body.need("origin"),
        automated=automated,
        fingerprint=given,
    )
    return ok({"fingerprint": fingerprint(said)}, 202, "dispatched")


def _optional_flag(body: Body, name: str) -> bool:
    if not isinstance(body.data.get(name, False), bool):
        raise RefusedError(400, "invalid_data", f"{name} is true or false")
    return body.flag(name)


def get_message(call: Call) -> tuple[int, Any]:
    session, said = _message(call)
    return ok(message(call.account, session, said))


def change_message(call: Call) -> tuple[int, Any]:
    session, said = _message(call)
    if said.content is None:
        changed: dict[str, Any] = {"text": call.body.need("content", MAX_TEXT)}
    else:
        text, content = contents.read(Body({"type": said.type, "content": call.body.data.get("content")}))
        changed = {"text": text, "content": content}
    call.account.hub.change(session.key, said.n, edited=True, **changed)
    return ok(reason="updated")


def remove_message(call: Call) -> tuple[int, Any]:
    session, said = _message(call)
    call.account.hub.remove(session.key, said.n)
    return ok(reason="deleted")


def _message(call: Call) -> tuple[Session, Message]:
    session = session_of(call)
    for said in listed(session):
        if str(fingerprint(said)) == call.path["fingerprint"]:
            return session, said
    raise RefusedError(404, "message_not_found")


def mark_read(call: Call) -> tuple[int, Any]:
    """All, or those of these fingerprints."""
    session, body = session_of(call), call.body
    sender = body.need("from")
    body.need("origin")
    if sender == "operator":  # what the operators wrote was read by the visitor
        named = body.data.get("fingerprints")
        wanted = [one.n for one in listed(session) if not isinstance(named, list) or fingerprint(one) in named]
        call.account.hub.mark_read(session.key, max(wanted, default=0))
    return ok(reason="updated")


def acknowledge(call: Call) -> tuple[int, Any]:
    session_of(call)
    return ok(reason="updated")


ROUTES = (
    ("GET", f"{ONE}/messages", get_messages),
    ("POST", f"{ONE}/message", send_message),
    ("GET", MESSAGE, get_message),
    ("PATCH", MESSAGE, change_message),
    ("DELETE", MESSAGE, remove_message),
    ("PATCH", f"{ONE}/read", mark_read),
    ("PATCH", f"{ONE}/unread", acknowledge),
    ("PATCH", f"{ONE}/delivered", acknowledge),
    ("PATCH", f"{ONE}/compose", acknowledge),
)

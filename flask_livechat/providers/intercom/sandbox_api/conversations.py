"""Intercom's conversations and messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....sandbox.api import MAX_TEXT, Call
from ....sandbox.records import Person
from ....sandbox.sessions import Identity, Message, RefusedError, Session
from .calls import (
    admin_of,
    contact_of,
    conversations,
    one_of,
    paged,
    pagination,
    people_of,
    sender_of,
    session_of,
    since,
    user_name,
    words_of,
)
from .records import TEAM, tag
from .search import matcher
from .shapes import conversation, first_of, whole

ONE = "/conversations/<id>"


def list_conversations(call: Call) -> tuple[int, Any]:
    found, pages = paged(
        conversations(call.account), call.query.get("starting_after"), call.number("per_page", 20, 1, 150)
    )
    return _listed(call, found, pages)


def search_conversations(call: Call) -> tuple[int, Any]:
    wanted = matcher(call.body.part("query").data, orders=(">", "<"))
    matching = [one for one in conversations(call.account) if wanted(_searchable(call, one))]
    return _listed(call, *paged(matching, *pagination(call.body)))


def _searchable(call: Call, session: Session) -> dict[str, Any]:
    return conversation(call, session) | {
        "contact_ids": [one.id for one in people_of(call.account, session)],
        "tag_ids": [tag(call.account, name)["id"] for name in session.tags],
        "source.body": first_of(session).text.split(),
    }


def _listed(call: Call, found: Sequence[Session], pages: Mapping[str, Any]) -> tuple[int, Any]:
    listed = [conversation(call, one) for one in found]
    return 200, {"type": "conversation.list", "conversations": listed, **pages}


def get_conversation(call: Call) -> tuple[int, Any]:
    return 200, whole(call, session_of(call))


def _now(call: Call, session: Session) -> tuple[int, Any]:
    """The conversation as it is after the change."""
    return 200, whole(call, call.account.hub.look(session.key))


def change_conversation(call: Call) -> tuple[int, Any]:
    session, body, hub = session_of(call), call.body, call.account.hub
    if title := body.text("title", 255):
        since(call, 13)
        hub.detail(session.key, {"title": title})
    if body.flag("read"):
        hub.mark_read(session.key, session.messages[-1].n)
    return _now(call, session)


def delete_conversation(call: Call) -> tuple[int, Any]:
    since(call, 13)
    session = session_of(call)
    call.account.hub.drop(session.key)
    return 200, {"id": str(session.number), "object": "conversation", "deleted": True}


def create_conversation(call: Call) -> tuple[int, Any]:
    sender, text = call.body.part("from"), call.body.need("body", MAX_TEXT)
    one_of(sender, "type", "user", "lead", "contact")
    person = contact_of(call, sender.need("id"))
    key = _open(call, person)
    said = call.account.hub.say(key, "visitor", text)
    return 200, _message(call, key, said, "user_message")


def send_message(call: Call) -> tuple[int, Any]:
    """The team begins: a conversation only once the contact replies, unless that is asked for."""
    body, hub = call.body, call.account.hub
    one_of(body, "message_type", "in_app", "email")
    one_of(body.part("from"), "type", "admin")
    one_of(body.part("to"), "type", "user", "lead", "contact")
    agent = call.account.agent(str(body.part("from").data.get("id") or ""))
    if agent is None:
        raise RefusedError(404, "admin_not_found", "Admin not found")
    person = contact_of(call, body.part("to").need("id"))
    text, _ = words_of(body)
    if body.data["message_type"] == "email" and not body.text("subject"):
        raise RefusedError(422, "parameter_not_found", "No subject supplied for email message")
    key = _open(call, person)
    hub.set(key, is_unanswered=not body.flag("create_conversation_without_contact_reply"))
    said = hub.say(key, "agent", text, agent=agent.id)
    return 200, _message(call, key, said, "admin_message")


def _open(call: Call, person: Person) -> str:
    """A conversation of a contact's. The widget shows one of each user."""
    account, hub = call.account, call.account.hub
    key = hub.create(account.name)
    if person.role == "user":
        why = "begun over the REST API"
        hub.identify(key, Identity("unverified", person.external_id, person.email, person.name, why))
        name = user_name(person.external_id, person.email)
        if hub.find(account.name, "user", name) is None:
            hub.bind(key, "user", name)
    else:
        account.change(person, session=key)
    return key


def _message(call: Call, key: str, said: Message, kind: str) -> dict[str, Any]:
    """The message's id is not the conversation's."""
    session = call.account.hub.look(key)
    return {
        "type": kind,
        "id": str(said.n),
        "created_at": int(said.at),
        "subject": call.body.text("subject") or "",
        "body": said.text,
        "message_type": "email" if call.body.data.get("message_type") == "email" else "inapp",
        **({} if session.is_unanswered else {"conversation_id": str(session.number)}),
    }


def reply(call: Call) -> tuple[int, Any]:
    body, hub = call.body, call.account.hub
    if one_of(body, "type", "admin", "user") == "user":
        one_of(body, "message_type", "comment")
        session, who = session_of(call), sender_of(call)
        text, more = words_of(body)
        people = [one.id for one in people_of(call.account, session)]
        if who.id not in people:
            raise RefusedError(404, "not_found", "User Not Found")
        hub.say(session.key, "visitor", text, agent=who.id if who.id != people[0] else None, **more)
    else:
        kind = one_of(body, "message_type", "comment", "note")
        session, agent = session_of(call), admin_of(call)
        text, more = words_of(body)
        hub.say(session.key, "agent", text, "note" if kind == "note" else "text", agent.id, **more)
    return _now(call, session)


def manage(call: Call) -> tuple[int, Any]:
    session, body, hub = session_of(call), call.body, call.account.hub
    kind = one_of(body, "message_type", "close", "open", "snoozed", "assignment")
    agent = admin_of(call).id
    if kind == "close":
        one_of(body, "type", "admin")
        hub.end(session.key, "agent", agent, body.text("body", MAX_TEXT) or "")
    elif kind == "open":
        hub.decide(session.key, "opened", agent)
    elif kind == "snoozed":
        hub.decide(session.key, "snoozed", agent, body.number("snoozed_until", 0, 2**40))
    else:
        _assign(call, session, agent)
    return _now(call, session)


def _assign(call: Call, session: Session, by: str) -> None:
    body, account = call.body, call.account
    kind, wanted = one_of(body, "type", "admin", "team"), body.need("assignee_id")
    words = body.text("body", MAX_TEXT) or ""
    if wanted == "0":
        account.hub.assign(session.key, None, None, by, words)
    elif kind == "team" and wanted == TEAM["id"]:
        account.hub.assign(session.key, session.agent, wanted, by, words)
    elif kind == "admin" and account.agent(wanted):
        account.hub.assign(session.key, wanted, session.team, by, words)
    else:
        raise RefusedError(404, "assignee_not_found", "Assignee not found")


def attach_contact(call: Call) -> tuple[int, Any]:
    """One more who reads and writes in it."""
    session, _ = session_of(call), admin_of(call)
    who = sender_of(call, call.body.part("customer"))
    call.account.hub.set(session.key, participants=tuple(dict.fromkeys([*session.participants, who.id])))
    return _now(call, session)


def detach_contact(call: Call) -> tuple[int, Any]:
    session, _ = session_of(call), admin_of(call)
    who = contact_of(call, call.path["contact"])
    if who.id not in session.participants:
        raise RefusedError(404, "not_found", "User Not Found")
    left = tuple(one for one in session.participants if one != who.id)
    call.account.hub.set(session.key, participants=left)
    return _now(call, session)


def tag_conversation(call: Call) -> tuple[int, Any]:
    session, named = session_of(call), call.body.need("id")
    agent, name = admin_of(call), _tag_name(call, named)
    call.account.hub.tag(session.key, tuple(dict.fromkeys([*session.tags, name])))
    return 200, tag(call.account, name, by=agent)


def untag_conversation(call: Call) -> tuple[int, Any]:
    """With a body: whose doing it is."""
    session, agent, name = session_of(call), admin_of(call), _tag_name(call, call.path["tag"])
    if name not in session.tags:
        raise RefusedError(404, "tag_not_found", "Tag not found")
    call.account.hub.tag(session.key, tuple(one for one in session.tags if one != name))
    return 200, tag(call.account, name, by=agent)


def _tag_name(call: Call, id: str) -> str:
    name = call.account.tags.get(id)
    if name is None:
        raise RefusedError(404, "tag_not_found", "Tag not found")
    return name


ROUTES = (
    ("GET", "/conversations", list_conversations),
    ("POST", "/conversations", create_conversation),
    ("POST", "/conversations/search", search_conversations),
    ("GET", ONE, get_conversation),
    ("PUT", ONE, change_conversation),
    ("DELETE", ONE, delete_conversation),
    ("POST", f"{ONE}/reply", reply),
    ("POST", f"{ONE}/parts", manage),
    ("POST", f"{ONE}/tags", tag_conversation),
    ("DELETE", f"{ONE}/tags/<tag>", untag_conversation),
    ("POST", f"{ONE}/customers", attach_contact),
    ("DELETE", f"{ONE}/customers/<contact>", detach_contact),
    ("POST", "/messages", send_message),
)

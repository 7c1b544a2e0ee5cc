"""Intercom's REST API, the part that the desk uses, in its versions 2.11 to 2.16 (its OpenAPI files, as of 2026-11)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from werkzeug.datastructures import Authorization, Headers

from flask_livechat import signing

from ..hub import Identity, RefusedError, Session
from ..intercom import user_name
from ..records import Agent, Article, Person, agents
from ..standin import Body, secrets
from .api import MAX_TEXT, Account, Api, Call, fresh_id
from .intercom_search import matcher
from .intercom_shapes import VERSIONS, article, contact, conversation, person_of, tag, whole

AGENTS = agents("814860", "814861")
METADATA = 10  # keys of an event
CONVERSATION, CONTACT = "/conversations/<id>", "/contacts/<id>"


def admit(account: Account, headers: Headers) -> None:
    said = Authorization.from_header(headers.get("Authorization"))
    token = said.token or "" if said and said.type == "bearer" else ""
    if not any(signing.same(one, token) for one in secrets(account.values, "ACCESS_TOKEN")):
        raise RefusedError(401, "unauthorized", "Access Token Invalid")
    if headers.get("Intercom-Version", VERSIONS[-1]) not in VERSIONS:
        raise RefusedError(400, "intercom_version_invalid", "The requested version could not be found")


def refuse(error: RefusedError) -> tuple[int, Any]:
    one = {"code": error.code, "message": error.what or error.code}
    return error.status, {"type": "error.list", "request_id": str(uuid.uuid4()), "errors": [one]}


def meet(account: Account) -> None:
    """Whoever wrote, or proved who they are, is a contact."""
    for session in account.hub.sessions(account.name):
        person_of(account, session)


# -- conversations ---------------------------------------------------------------------------------------------------


def list_conversations(call: Call) -> tuple[int, Any]:
    found, pages = _paged(_all(call), call.query.get("starting_after"), call.number("per_page", 20, 1, 150))
    return _conversations(call, found, pages)


def search_conversations(call: Call) -> tuple[int, Any]:
    wanted = matcher(call.body.part("query").data, orders=(">", "<"))
    matching = [one for one in _all(call) if wanted(_searchable(call, one))]
    found, pages = _paged(matching, *_pagination(call.body))
    return _conversations(call, found, pages)


def _all(call: Call) -> list[Session]:
    return call.account.hub.conversations(call.account.name)


def _searchable(call: Call, session: Session) -> dict[str, Any]:
    person = person_of(call.account, session)
    return conversation(call, session) | {
        "contact_ids": [person.id] if person else [],
        "tag_ids": [tag(call.account, name)["id"] for name in session.tags],
        "source.body": session.messages[0].text.split(),
    }


def _conversations(call: Call, found: Sequence[Session], pages: Mapping[str, Any]) -> tuple[int, Any]:
    listed = [conversation(call, one) for one in found]
    return 200, {"type": "conversation.list", "conversations": listed, **pages}


def get_conversation(call: Call) -> tuple[int, Any]:
    return 200, whole(call, _session(call))


def create_conversation(call: Call) -> tuple[int, Any]:
    sender, text = call.body.part("from"), call.body.need("body", MAX_TEXT)
    if sender.text("type") not in ("user", "lead", "contact"):
        raise RefusedError(400, "parameter_invalid", "from.type must be user, lead or contact")
    account = call.account
    person = account.people.get(sender.need("id"))
    if person is None:
        raise RefusedError(404, "not_found", "User Not Found")
    key = account.hub.create(account.name)
    if person.external_id or person.email:
        claimed = Identity("unverified", person.external_id, person.email, person.name, "begun over the REST API")
        account.hub.identify(key, claimed)
    else:
        account.change(person, session=key)
    name = user_name(person.external_id, person.email)
    if account.hub.find(account.name, "user", name) is None:  # the widget shows one conversation of each user
        account.hub.bind(key, "user", name)
    said = account.hub.say(key, "visitor", text)
    session = account.hub.look(key)
    return 200, {
        "type": "user_message",
        "id": str(said.n),
        "created_at": int(said.at),
        "subject": "",
        "body": text,
        "message_type": "inapp",
        "conversation_id": str(session.number),
    }


def reply(call: Call) -> tuple[int, Any]:
    session, body = _session(call), call.body
    kind, sender = body.need("message_type"), body.need("type")
    text = body.need("body", MAX_TEXT)
    if sender == "user" and kind == "comment":
        _sender(call)
        call.account.hub.say(session.key, "visitor", text)
    elif sender == "admin" and kind in ("comment", "note"):
        agent = _admin(call)
        call.account.hub.say(session.key, "agent", text, "note" if kind == "note" else "text", agent.id)
    else:
        raise RefusedError(400, "parameter_invalid", "message_type is comment or note, type is admin or user")
    return 200, whole(call, call.account.hub.look(session.key))


def manage(call: Call) -> tuple[int, Any]:
    session, body, hub = _session(call), call.body, call.account.hub
    kind, agent = body.need("message_type"), _admin(call)
    if kind in ("close", "assignment") and body.need("type") not in ("admin", "team"):
        raise RefusedError(400, "parameter_invalid", "type must be admin")
    if kind == "close":
        if text := body.text("body", MAX_TEXT):
            hub.say(session.key, "agent", text, agent=agent.id)
        hub.end(session.key, "the agent")
    elif kind == "open":
        hub.decide(session.key, "open")
    elif kind == "snoozed":
        hub.decide(session.key, "snoozed", body.number("snoozed_until", 0, 2**40))
    elif kind == "assignment":
        _assign(call, session)
    else:
        raise RefusedError(400, "parameter_invalid", "message_type is close, open, snoozed or assignment")
    return 200, whole(call, hub.look(session.key))


def _assign(call: Call, session: Session) -> None:
    wanted = call.body.need("assignee_id")
    if wanted != "0" and call.account.agent(wanted) is None:
        raise RefusedError(404, "admin_not_found", "Assignee not found")
    call.account.hub.assign(session.key, None if wanted == "0" else wanted)


def tag_conversation(call: Call) -> tuple[int, Any]:
    session, named = _session(call), call.body.need("id")
    agent, name = _admin(call), _tag_name(call.account, named)
    call.account.hub.tag(session.key, tuple(dict.fromkeys([*session.tags, name])))
    return 200, tag(call.account, name, by=agent)


def untag_conversation(call: Call) -> tuple[int, Any]:
    """With a body: whose doing it is."""
    session, named = _session(call), call.path["tag"]
    agent, name = _admin(call), _tag_name(call.account, named)
    if name not in session.tags:
        raise RefusedError(404, "tag_not_found", "Tag not found")
    call.account.hub.tag(session.key, tuple(one for one in session.tags if one != name))
    return 200, tag(call.account, name, by=agent)


def _session(call: Call) -> Session:
    for session in call.account.hub.sessions(call.account.name):
        if str(session.number) == call.path["id"]:
            return session
    raise RefusedError(404, "not_found", "Resource Not Found")


def _admin(call: Call) -> Agent:
    agent = call.account.agent(call.body.need("admin_id"))
    if agent is None:
        raise RefusedError(404, "admin_not_found", "Admin not found")
    return agent


def _sender(call: Call) -> Person:
    body, account = call.body, call.account
    own, external, email = body.text("intercom_user_id"), body.text("user_id"), body.text("email")
    found = account.people.get(own) if own else account.person(external, email)
    if found is None:
        raise RefusedError(404, "not_found", "User Not Found")
    return found


# -- tags ------------------------------------------------------------------------------------------------------------


def list_tags(call: Call) -> tuple[int, Any]:
    known = dict.fromkeys([*call.account.tags.all(), *(name for one in _all(call) for name in one.tags)])
    return 200, {"type": "list", "data": [tag(call.account, name) for name in known]}


def create_tag(call: Call) -> tuple[int, Any]:
    """The same one where there is one of that name."""
    return 200, tag(call.account, call.body.need("name", 255))


def _tag_name(account: Account, id: str) -> str:
    name = account.tags.get(id)
    if name is None:
        raise RefusedError(404, "tag_not_found", "Tag not found")
    return name


# -- contacts --------------------------------------------------------------------------------------------------------


def list_contacts(call: Call) -> tuple[int, Any]:
    found = _newest(call.account.people.all())
    return _people(call, *_paged(found, call.query.get("starting_after"), call.number("per_page", 50, 1, 150)))


def search_contacts(call: Call) -> tuple[int, Any]:
    wanted = matcher(call.body.part("query").data, orders=(">", "<", ">=", "<="))
    matching = [one for one in _newest(call.account.people.all()) if wanted(contact(call, one))]
    return _people(call, *_paged(matching, *_pagination(call.body, 50)))


def _newest(people: list[Person]) -> list[Person]:
    return sorted(people, key=lambda one: one.created, reverse=True)


def _people(call: Call, found: Sequence[Person], pages: Mapping[str, Any]) -> tuple[int, Any]:
    return 200, {"type": "list", "data": [contact(call, one) for one in found], **pages}


def get_contact(call: Call) -> tuple[int, Any]:
    return 200, contact(call, _known(call))


def create_contact(call: Call) -> tuple[int, Any]:
    body, account = call.body, call.account
    external, email = body.text("external_id"), body.text("email")
    if body.text("role") not in (None, "user", "lead"):
        raise RefusedError(400, "parameter_invalid", "role is user or lead")
    if not (external or email or body.text("role")):
        raise RefusedError(400, "parameter_not_found", "email, external_id or role is required")
    there = account.person(external, email if body.text("role") != "lead" else None)
    if there:
        what = f"A contact matching those details already exists with id={there.id}"
        raise RefusedError(409, "conflict", what)
    made = account.add(fresh_id(), external_id=external, email=email, **_details(body))
    return 200, contact(call, made)


def change_contact(call: Call) -> tuple[int, Any]:
    person, body = _known(call), call.body
    known = {"external_id": body.text("external_id"), "email": body.text("email")}
    there = call.account.person(known["external_id"])
    if there is not None and there.id != person.id:
        raise RefusedError(409, "conflict", f"A contact matching those details already exists with id={there.id}")
    said = {name: text for name, text in known.items() if text} | _details(body)
    attributes = {**person.attributes, **body.values("custom_attributes")}
    return 200, contact(call, call.account.change(person, **(said | {"attributes": attributes})))


def delete_contact(call: Call) -> tuple[int, Any]:
    person = _known(call)
    for session in _all(call):
        if (known := person_of(call.account, session)) and known.id == person.id:
            call.account.hub.forget(session.key)
    call.account.people.drop(person.id)
    return 200, {"type": "contact", "id": person.id, "external_id": person.external_id, "deleted": True}


def add_event(call: Call) -> tuple[int, Any]:
    """202, and nothing in the answer."""
    body, account = call.body, call.account
    event: dict[str, object] = {
        "event_name": body.need("event_name", 120),
        "created_at": body.number("created_at", 0, 2**40),
        "metadata": body.values("metadata"),
    }
    if len(body.values("metadata")) > METADATA:
        raise RefusedError(400, "parameter_invalid", f"metadata has at most {METADATA} keys")
    own, external, email = body.text("id"), body.text("user_id"), body.text("email")
    person = account.people.get(own) if own else account.person(external, email)
    if person is None:
        raise RefusedError(404, "not_found", "User Not Found")
    same = [one for one in person.events if (one["event_name"], one["created_at"]) == tuple(event.values())[:2]]
    if not same:  # the vendor leaves out what it has
        account.change(person, events=(*person.events[-99:], event))
    return 202, None


def _known(call: Call) -> Person:
    found = call.account.people.get(call.path["id"])
    if found is None:
        raise RefusedError(404, "not_found", "User Not Found")
    return found


def _details(body: Body) -> dict[str, Any]:
    said: dict[str, Any] = {name: text for name in ("name", "phone", "avatar") if (text := body.text(name)) is not None}
    if body.data.get("signed_up_at") is not None:
        said["signed_up"] = body.number("signed_up_at", 0, 2**40)
    return said | ({"attributes": body.values("custom_attributes")} if "custom_attributes" in body.data else {})


# -- articles --------------------------------------------------------------------------------------------------------


def list_articles(call: Call) -> tuple[int, Any]:
    found, page, size = (
        call.account.articles.all(),
        call.number("page", 1, 1, 10**6),
        call.number("per_page", 25, 1, 150),
    )
    pages = {"type": "pages", "page": page, "per_page": size, "total_pages": -(-len(found) // size)}
    listed = [article(call, one) for one in found[(page - 1) * size : page * size]]
    return 200, {"type": "list", "data": listed, "total_count": len(found), "pages": pages}


def search_articles(call: Call) -> tuple[int, Any]:
    phrase = call.query.get("phrase", "").casefold()
    found = [one for one in call.account.articles.all() if phrase in f"{one.title} {one.body}".casefold()]
    pages = {"type": "pages", "page": 1, "per_page": max(1, len(found)), "total_pages": 1}
    data = {"articles": [article(call, one) for one in found], "highlights": []}
    return 200, {"type": "list", "data": data, "total_count": len(found), "pages": pages}


def get_article(call: Call) -> tuple[int, Any]:
    return 200, article(call, _article(call))


def create_article(call: Call) -> tuple[int, Any]:
    account, body = call.account, call.body
    author = str(body.number("author_id", 0, 2**40))
    if account.agent(author) is None:
        raise RefusedError(400, "parameter_invalid", "author_id must be an admin's")
    now = account.clock()
    made = Article(str(account.hub.number()), body.need("title", 255), author=author, created=now, updated=now)
    return 200, article(call, _kept(call, _written(made, body)))


def change_article(call: Call) -> tuple[int, Any]:
    known = _article(call)
    title = call.body.text("title", 255) or known.title
    return 200, article(call, _kept(call, _written(replace(known, title=title), call.body)))


def delete_article(call: Call) -> tuple[int, Any]:
    known = _article(call)
    call.account.articles.drop(known.id)
    return 200, {"id": known.id, "object": "article", "deleted": True}


def _written(known: Article, body: Body) -> Article:
    state = body.text("state") or ("published" if known.published else "draft")
    if state not in ("published", "draft"):
        raise RefusedError(400, "parameter_invalid", "state is published or draft")
    text = body.text("body", MAX_TEXT)
    description = body.text("description")
    return replace(
        known,
        body=known.body if text is None else text,
        description=known.description if description is None else description,
        published=state == "published",
    )


def _kept(call: Call, known: Article) -> Article:
    kept = replace(known, updated=call.account.clock())
    call.account.articles.put(kept.id, kept)
    return kept


def _article(call: Call) -> Article:
    found = call.account.articles.get(call.path["id"])
    if found is None:
        raise RefusedError(404, "not_found", "Resource Not Found")
    return found


# -- admins ----------------------------------------------------------------------------------------------------------


def me(call: Call) -> tuple[int, Any]:
    account = call.account
    region = str(account.values.get("REGION") or "us").upper()
    app = {
        "type": "app",
        "id_code": account.values["APP_ID"],
        "name": "Sandbox",
        "region": region,
        "timezone": "Etc/UTC",
        "created_at": 1,
        "identity_verification": bool(account.values.get("IDENTITY_SECRET")),
    }
    return 200, _admin_of(account, account.agents[0]) | {"email_verified": True, "app": app}


def list_admins(call: Call) -> tuple[int, Any]:
    return 200, {"type": "admin.list", "admins": [_admin_of(call.account, one) for one in call.account.agents]}


def _admin_of(account: Account, agent: Agent) -> dict[str, Any]:
    return {
        "type": "admin",
        "id": agent.id,
        "name": agent.name,
        "email": agent.email,
        "away_mode_enabled": account.hub.status(account.name) != "online",
        "away_mode_reassign": False,
        "has_inbox_seat": True,
        "job_title": "Support",
        "team_ids": [],
    }


# -- searches and pages ----------------------------------------------------------------------------------------------


def _pagination(body: Body, usual: int = 20) -> tuple[str | None, int]:
    """The cursor counts in the body alone: one in the address gives the first page again."""
    said = body.part("pagination")
    return said.text("starting_after"), said.number("per_page", 1, 150) if "per_page" in said.data else usual


def _paged(found: Sequence[Any], after: str | None, size: int) -> tuple[Sequence[Any], dict[str, Any]]:
    """A page, and what says where the next one is. The cursor is where to go on."""
    if after is not None and not re.fullmatch(r"[0-9]{1,9}", after):
        raise RefusedError(400, "parameter_invalid", "starting_after is no cursor")
    start = int(after or 0)
    following = {"per_page": size, "starting_after": str(start + size)} if start + size < len(found) else None
    pages: dict[str, Any] = {
        "type": "pages",
        "page": start // size + 1,
        "per_page": size,
        "total_pages": -(-len(found) // size),
    }
    return found[start : start + size], {
        "total_count": len(found),
        "pages": pages | ({"next": following} if following else {}),
    }


API = Api(
    routes=(
        ("GET", "/me", me),
        ("GET", "/admins", list_admins),
        ("GET", "/conversations", list_conversations),
        ("POST", "/conversations", create_conversation),
        ("POST", "/conversations/search", search_conversations),
        ("GET", CONVERSATION, get_conversation),
        ("POST", f"{CONVERSATION}/reply", reply),
        ("POST", f"{CONVERSATION}/parts", manage),
        ("POST", f"{CONVERSATION}/tags", tag_conversation),
        ("DELETE", f"{CONVERSATION}/tags/<tag>", untag_conversation),
        ("GET", "/contacts", list_contacts),
        ("POST", "/contacts", create_contact),
        ("POST", "/contacts/search", search_contacts),
        ("GET", CONTACT, get_contact),
        ("PUT", CONTACT, change_contact),
        ("DELETE", CONTACT, delete_contact),
        ("POST", "/events", add_event),
        ("GET", "/tags", list_tags),
        ("POST", "/tags", create_tag),
        ("GET", "/articles", list_articles),
        ("POST", "/articles", create_article),
        ("GET", "/articles/search", search_articles),
        ("GET", "/articles/<id>", get_article),
        ("PUT", "/articles/<id>", change_article),
        ("DELETE", "/articles/<id>", delete_article),
    ),
    admit=admit,
    refuse=refuse,
    meet=meet,
    limit=(1_666, 10),  # 10,000 calls a minute, in windows of ten seconds
    limit_headers=True,
)

"""Intercom's contacts: users, leads, and what is told and written of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....sandbox.api import Account, Call, fresh_id, same_address
from ....sandbox.body import Body
from ....sandbox.records import Person
from ....sandbox.sessions import Identity, RefusedError
from .calls import contact_of, conversations, numbered, one_of, paged, pagination, person_of, sender_of, since
from .records import SEGMENT, contact, note, tag
from .search import matcher

METADATA = 10  # keys of an event
ONE = "/contacts/<id>"


def list_contacts(call: Call) -> tuple[int, Any]:
    page = paged(_newest(call), call.query.get("starting_after"), call.number("per_page", 50, 1, 150))
    return _listed(call, *page)


def search_contacts(call: Call) -> tuple[int, Any]:
    wanted = matcher(call.body.part("query").data, orders=(">", "<", ">=", "<="), by_the_day=True)
    matching = [one for one in _newest(call) if wanted(contact(call, one))]
    return _listed(call, *paged(matching, *pagination(call.body, 50)))


def _newest(call: Call) -> list[Person]:
    """Whoever is archived is in no list."""
    known = [one for one in call.account.people.all() if not one.is_archived]
    return sorted(known, key=lambda one: one.created, reverse=True)


def _listed(call: Call, found: Sequence[Person], pages: Mapping[str, Any]) -> tuple[int, Any]:
    return 200, {"type": "list", "data": [contact(call, one) for one in found], **pages}


def get_contact(call: Call) -> tuple[int, Any]:
    return 200, contact(call, contact_of(call))


def find_by_external_id(call: Call) -> tuple[int, Any]:
    since(call, 13)
    found = call.account.person(call.path["external"])
    if found is None or found.is_archived:
        raise RefusedError(404, "not_found", "User Not Found")
    return 200, contact(call, found)


def create_contact(call: Call) -> tuple[int, Any]:
    body, account = call.body, call.account
    external, email = body.text("external_id"), _address(body)
    role = one_of(body, "role", "user", "lead") if body.text("role") else "user"
    if not (external or email or body.text("role")):
        raise RefusedError(400, "parameter_not_found", "email, external_id or role is required")
    _refuse_known(account, external, email if role == "user" else None)
    if role == "lead":
        external = external or fresh_id()  # the vendor gives one
    made = account.add(fresh_id(), role=role, external_id=external, email=email, **_details(body))
    return 200, contact(call, made)


def _refuse_known(account: Account, external: str | None, email: str | None, but: str = "") -> None:
    """There is one user of an id, and of an address; leads may share theirs with anybody."""
    for one in account.people.all():
        same = (external and one.external_id == external) or (one.role == "user" and same_address(one.email, email))
        if same and one.id != but:
            kind = "An archived contact" if one.is_archived else "A contact"
            raise RefusedError(409, "conflict", f"{kind} matching those details already exists with id={one.id}")


def _address(body: Body) -> str | None:
    email = body.text("email")
    if email is not None and "@" not in email:
        raise RefusedError(400, "parameter_invalid", "email is invalid")
    return email


def change_contact(call: Call) -> tuple[int, Any]:
    person, body = contact_of(call), call.body
    known = {"external_id": body.text("external_id"), "email": _address(body)}
    if body.text("role"):
        known["role"] = one_of(body, "role", "user", "lead")
    _refuse_known(call.account, known["external_id"], None, but=person.id)
    data = {name: text for name, text in known.items() if text} | _details(body)
    attributes = {**person.attributes, **body.values("custom_attributes")}
    return 200, contact(call, call.account.change(person, **(data | {"attributes": attributes})))


def delete_contact(call: Call) -> tuple[int, Any]:
    person, account = contact_of(call), call.account
    for session in account.hub.sessions(account.name):
        if (known := person_of(account, session)) and known.id == person.id:
            account.hub.forget(session.key)
    account.people.drop(person.id)
    return 200, {"type": "contact", "id": person.id, "external_id": person.external_id, "deleted": True}


def archive_contact(call: Call) -> tuple[int, Any]:
    return _archived(call, is_archived=True)


def unarchive_contact(call: Call) -> tuple[int, Any]:
    return _archived(call, is_archived=False)


def _archived(call: Call, *, is_archived: bool) -> tuple[int, Any]:
    person = call.account.change(contact_of(call), is_archived=is_archived)
    return 200, {"type": "contact", "id": person.id, "external_id": person.external_id, "archived": is_archived}


def block_contact(call: Call) -> tuple[int, Any]:
    """Archived, too."""
    person = call.account.change(contact_of(call), is_archived=True)
    return 200, {"type": "contact", "id": person.id, "external_id": person.external_id, "blocked": True}


def merge_contacts(call: Call) -> tuple[int, Any]:
    """A lead becomes a user, with all that was said."""
    account = call.account
    lead, user = contact_of(call, call.body.need("from")), contact_of(call, call.body.need("into"))
    if (lead.role, user.role) != ("lead", "user"):
        raise RefusedError(400, "parameter_invalid", "a lead is merged into a user")
    for session in conversations(account):
        if (known := person_of(account, session)) and known.id == lead.id:
            claimed = Identity("unverified", user.external_id, user.email, user.name, "merged over the REST API")
            account.hub.identify(session.key, claimed)
    account.people.drop(lead.id)
    return 200, contact(call, account.change(user))


def _details(body: Body) -> dict[str, Any]:
    data: dict[str, Any] = {name: text for name in ("name", "phone", "avatar") if (text := body.text(name)) is not None}
    if body.data.get("signed_up_at") is not None:
        data["signed_up"] = body.number("signed_up_at", 0, 2**40)
    if "unsubscribed_from_emails" in body.data:
        data["is_subscribed"] = not body.flag("unsubscribed_from_emails")
    return data | ({"attributes": body.values("custom_attributes")} if "custom_attributes" in body.data else {})


# -- tags, notes, segments -------------------------------------------------------------------------------------------


def list_tags_of(call: Call) -> tuple[int, Any]:
    return 200, {"type": "list", "data": [tag(call.account, name) for name in contact_of(call).tags]}


def tag_contact(call: Call) -> tuple[int, Any]:
    person, name = contact_of(call), _tag_name(call, call.body.need("id"))
    call.account.change(person, tags=tuple(dict.fromkeys([*person.tags, name])))
    return 200, tag(call.account, name)


def untag_contact(call: Call) -> tuple[int, Any]:
    person, name = contact_of(call), _tag_name(call, call.path["tag"])
    if name not in person.tags:
        raise RefusedError(404, "not_found", "Resource Not Found")
    call.account.change(person, tags=tuple(one for one in person.tags if one != name))
    return 200, tag(call.account, name)


def _tag_name(call: Call, id: str) -> str:
    name = call.account.tags.get(id)
    if name is None:
        raise RefusedError(404, "not_found", "Resource Not Found")
    return name


def list_notes(call: Call) -> tuple[int, Any]:
    person, page, size = contact_of(call), call.number("page", 1, 1, 10**6), call.number("per_page", 10, 1, 150)
    found = [note(call.account, person, one) for one in reversed(person.notes)]
    listed = found[(page - 1) * size : page * size]
    return 200, {
        "type": "list",
        "data": listed,
        "total_count": len(found),
        "pages": numbered(len(found), page, size),
    }


def add_note(call: Call) -> tuple[int, Any]:
    person, account = contact_of(call), call.account
    agent = account.agent(call.body.text("admin_id") or account.agents[0].id)
    if agent is None:
        raise RefusedError(404, "not_found", "Resource Not Found")
    made = {"id": str(account.hub.number()), "created_at": int(account.clock()), "admin_id": agent.id}
    made["body"] = call.body.need("body", 10_000)
    changed = account.change(person, notes=(*person.notes[-99:], made))
    return 200, note(account, changed, made)


def get_note(call: Call) -> tuple[int, Any]:
    for person in call.account.people.all():
        for one in person.notes:
            if one["id"] == call.path["id"]:
                return 200, note(call.account, person, one)
    raise RefusedError(404, "not_found", "Resource Not Found")


def list_segments_of(call: Call) -> tuple[int, Any]:
    return 200, {"type": "list", "data": [SEGMENT] if contact_of(call).role == "user" else []}


# -- events ----------------------------------------------------------------------------------------------------------


def add_event(call: Call) -> tuple[int, Any]:
    """202, and nothing in the answer."""
    body = call.body
    event: dict[str, object] = {
        "event_name": body.need("event_name", 120),
        "created_at": body.number("created_at", 0, 2**40),
        "metadata": body.values("metadata"),
    }
    if len(body.values("metadata")) > METADATA:
        raise RefusedError(400, "parameter_invalid", f"metadata has at most {METADATA} keys")
    person = sender_of(call, own="id")
    same = [one for one in person.events if (one["event_name"], one["created_at"]) == tuple(event.values())[:2]]
    if not same:  # the vendor leaves out what it has
        call.account.change(person, events=(*person.events[-99:], event))
    return 202, None


def list_events(call: Call) -> tuple[int, Any]:
    if call.query.get("type") != "user":
        raise RefusedError(400, "parameter_invalid", "type is user")
    person = sender_of(call, Body(call.query))
    known = {"type": "event", "intercom_user_id": person.id, "email": person.email, "user_id": person.external_id}
    found = [{**known, "id": str(n), **one} for n, one in enumerate(person.events, 1)]
    return 200, {"type": "event.list", "events": found[::-1], "pages": {}}


ROUTES = (
    ("GET", "/contacts", list_contacts),
    ("POST", "/contacts", create_contact),
    ("POST", "/contacts/search", search_contacts),
    ("POST", "/contacts/merge", merge_contacts),
    ("GET", "/contacts/find_by_external_id/<external>", find_by_external_id),
    ("GET", ONE, get_contact),
    ("PUT", ONE, change_contact),
    ("DELETE", ONE, delete_contact),
    ("POST", f"{ONE}/archive", archive_contact),
    ("POST", f"{ONE}/unarchive", unarchive_contact),
    ("POST", f"{ONE}/block", block_contact),
    ("GET", f"{ONE}/tags", list_tags_of),
    ("POST", f"{ONE}/tags", tag_contact),
    ("DELETE", f"{ONE}/tags/<tag>", untag_contact),
    ("GET", f"{ONE}/notes", list_notes),
    ("POST", f"{ONE}/notes", add_note),
    ("GET", "/notes/<id>", get_note),
    ("GET", f"{ONE}/segments", list_segments_of),
    ("GET", "/events", list_events),
    ("POST", "/events", add_event),
)

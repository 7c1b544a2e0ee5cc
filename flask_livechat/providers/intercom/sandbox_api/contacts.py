"""Intercom's contacts: users, leads, with their notes, tags and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....sandbox.api import Account, fresh_id, route, same_address
from ....sandbox.body import Body
from ....sandbox.records import Person
from ....sandbox.sessions import Identity, RefusedError
from .calls import IntercomCall, conversations, numbered, one_of, paged, pagination, person_of
from .records import SEGMENT, contact, note, tag
from .search import matcher

METADATA = 10  # keys of an event
ONE = "/contacts/<id>"


class Contacts(IntercomCall):
    """Contacts, with their tags, notes and events."""

    @route("GET", "/contacts")
    def list_contacts(self) -> tuple[int, Any]:
        page = paged(self._newest(), self.query.get("starting_after"), self.number("per_page", 50, 1, 150))
        return self._listed(*page)

    @route("POST", "/contacts/search")
    def search_contacts(self) -> tuple[int, Any]:
        wanted = matcher(self.body.part("query").data, orders=(">", "<", ">=", "<="), by_the_day=True)
        matching = [person for person in self._newest() if wanted(contact(self, person))]
        return self._listed(*paged(matching, *pagination(self.body, 50)))

    def _newest(self) -> list[Person]:
        """Whoever is archived is in no list."""
        known = [person for person in self.account.people.all() if not person.is_archived]
        return sorted(known, key=lambda item: item.created, reverse=True)

    def _listed(self, people: Sequence[Person], pages: Mapping[str, Any]) -> tuple[int, Any]:
        return 200, {"type": "list", "data": [contact(self, person) for person in people], **pages}

    @route("GET", ONE)
    def get_contact(self) -> tuple[int, Any]:
        return 200, contact(self, self.contact())

    @route("GET", "/contacts/find_by_external_id/<external>")
    def find_by_external_id(self) -> tuple[int, Any]:
        self.needs_version(13)
        person = self.account.person(self.path["external"])
        if person is None or person.is_archived:
            raise RefusedError(404, "not_found", "User Not Found")
        return 200, contact(self, person)

    @route("POST", "/contacts")
    def create_contact(self) -> tuple[int, Any]:
        body, account = self.body, self.account
        external, email = body.text("external_id"), _address(body)
        role = one_of(body, "role", "user", "lead") if body.text("role") else "user"
        if not (external or email or body.text("role")):
            raise RefusedError(400, "parameter_not_found", "email, external_id or role is required")
        _refuse_known(account, external, email if role == "user" else None)
        if role == "lead":
            external = external or fresh_id()  # the vendor gives one
        made = account.add(fresh_id(), role=role, external_id=external, email=email, **_details(body))
        return 200, contact(self, made)

    @route("PUT", ONE)
    def change_contact(self) -> tuple[int, Any]:
        person, body = self.contact(), self.body
        known = {"external_id": body.text("external_id"), "email": _address(body)}
        if body.text("role"):
            known["role"] = one_of(body, "role", "user", "lead")
        _refuse_known(self.account, known["external_id"], None, but=person.id)
        data = {name: text for name, text in known.items() if text} | _details(body)
        attributes = {**person.attributes, **body.values("custom_attributes")}
        return 200, contact(self, self.account.change(person, **(data | {"attributes": attributes})))

    @route("DELETE", ONE)
    def delete_contact(self) -> tuple[int, Any]:
        person, account = self.contact(), self.account
        for session in account.hub.sessions(account.name):
            if (known := person_of(account, session)) and known.id == person.id:
                account.hub.forget(session.key)
        account.people.drop(person.id)
        return 200, {"type": "contact", "id": person.id, "external_id": person.external_id, "deleted": True}

    @route("POST", f"{ONE}/archive")
    def archive_contact(self) -> tuple[int, Any]:
        return self._archived(is_archived=True)

    @route("POST", f"{ONE}/unarchive")
    def unarchive_contact(self) -> tuple[int, Any]:
        return self._archived(is_archived=False)

    def _archived(self, *, is_archived: bool) -> tuple[int, Any]:
        person = self.account.change(self.contact(), is_archived=is_archived)
        return 200, {"type": "contact", "id": person.id, "external_id": person.external_id, "archived": is_archived}

    @route("POST", f"{ONE}/block")
    def block_contact(self) -> tuple[int, Any]:
        """Archived, too."""
        person = self.account.change(self.contact(), is_archived=True)
        return 200, {"type": "contact", "id": person.id, "external_id": person.external_id, "blocked": True}

    @route("POST", "/contacts/merge")
    def merge_contacts(self) -> tuple[int, Any]:
        """A lead becomes a user, with all that was said."""
        account = self.account
        lead, user = self.contact(self.body.need("from")), self.contact(self.body.need("into"))
        if (lead.role, user.role) != ("lead", "user"):
            raise RefusedError(400, "parameter_invalid", "a lead is merged into a user")
        for session in conversations(account):
            if (known := person_of(account, session)) and known.id == lead.id:
                claimed = Identity("unverified", user.external_id, user.email, user.name, "merged over the REST API")
                account.hub.identify(session.key, claimed)
        account.people.drop(lead.id)
        return 200, contact(self, account.change(user))

    @route("GET", f"{ONE}/tags")
    def list_tags_of(self) -> tuple[int, Any]:
        return 200, {"type": "list", "data": [tag(self.account, name) for name in self.contact().tags]}

    @route("POST", f"{ONE}/tags")
    def tag_contact(self) -> tuple[int, Any]:
        person, name = self.contact(), self._tag_name(self.body.need("id"))
        self.account.change(person, tags=tuple(dict.fromkeys([*person.tags, name])))
        return 200, tag(self.account, name)

    @route("DELETE", f"{ONE}/tags/<tag>")
    def untag_contact(self) -> tuple[int, Any]:
        person, name = self.contact(), self._tag_name(self.path["tag"])
        if name not in person.tags:
            raise RefusedError(404, "not_found", "Resource Not Found")
        self.account.change(person, tags=tuple(tag for tag in person.tags if tag != name))
        return 200, tag(self.account, name)

    def _tag_name(self, id: str) -> str:
        name = self.account.tags.get(id)
        if name is None:
            raise RefusedError(404, "not_found", "Resource Not Found")
        return name

    @route("GET", f"{ONE}/notes")
    def list_notes(self) -> tuple[int, Any]:
        person, page, size = self.contact(), self.number("page", 1, 1, 10**6), self.number("per_page", 10, 1, 150)
        notes = [note(self.account, person, entry) for entry in reversed(person.notes)]
        listed = notes[(page - 1) * size : page * size]
        return 200, {
            "type": "list",
            "data": listed,
            "total_count": len(notes),
            "pages": numbered(len(notes), page, size),
        }

    @route("POST", f"{ONE}/notes")
    def add_note(self) -> tuple[int, Any]:
        person, account = self.contact(), self.account
        agent = account.agent(self.body.text("admin_id") or account.agents[0].id)
        if agent is None:
            raise RefusedError(404, "not_found", "Resource Not Found")
        made = {"id": str(account.hub.number()), "created_at": int(account.clock()), "admin_id": agent.id}
        made["body"] = self.body.need("body", 10_000)
        changed = account.change(person, notes=(*person.notes[-99:], made))
        return 200, note(account, changed, made)

    @route("GET", "/notes/<id>")
    def get_note(self) -> tuple[int, Any]:
        for person in self.account.people.all():
            for entry in person.notes:
                if entry["id"] == self.path["id"]:
                    return 200, note(self.account, person, entry)
        raise RefusedError(404, "not_found", "Resource Not Found")

    @route("GET", f"{ONE}/segments")
    def list_segments_of(self) -> tuple[int, Any]:
        return 200, {"type": "list", "data": [SEGMENT] if self.contact().role == "user" else []}

    @route("POST", "/events")
    def add_event(self) -> tuple[int, Any]:
        """202, and nothing in the answer."""
        body = self.body
        event: dict[str, object] = {
            "event_name": body.need("event_name", 120),
            "created_at": body.number("created_at", 0, 2**40),
            "metadata": body.values("metadata"),
        }
        if len(body.values("metadata")) > METADATA:
            raise RefusedError(400, "parameter_invalid", f"metadata has at most {METADATA} keys")
        person = self.sender(own="id")
        same = [
            entry for entry in person.events if (entry["event_name"], entry["created_at"]) == tuple(event.values())[:2]
        ]
        if not same:  # the vendor leaves out what it has
            self.account.change(person, events=(*person.events[-99:], event))
        return 202, None

    @route("GET", "/events")
    def list_events(self) -> tuple[int, Any]:
        if self.query.get("type") != "user":
            raise RefusedError(400, "parameter_invalid", "type is user")
        person = self.sender(Body(self.query))
        known = {"type": "event", "intercom_user_id": person.id, "email": person.email, "user_id": person.external_id}
        events = [{**known, "id": str(n), **event} for n, event in enumerate(person.events, 1)]
        return 200, {"type": "event.list", "events": events[::-1], "pages": {}}


def _refuse_known(account: Account, external: str | None, email: str | None, but: str = "") -> None:
    """There is one user of an id, and of an address; leads may share theirs with anybody."""
    for person in account.people.all():
        same = (external and person.external_id == external) or (
            person.role == "user" and same_address(person.email, email)
        )
        if same and person.id != but:
            kind = "An archived contact" if person.is_archived else "A contact"
            raise RefusedError(409, "conflict", f"{kind} matching those details already exists with id={person.id}")


def _address(body: Body) -> str | None:
    email = body.text("email")
    if email is not None and "@" not in email:
        raise RefusedError(400, "parameter_invalid", "email is invalid")
    return email


def _details(body: Body) -> dict[str, Any]:
    data: dict[str, Any] = {name: text for name in ("name", "phone", "avatar") if (text := body.text(name)) is not None}
    if body.data.get("signed_up_at") is not None:
        data["signed_up"] = body.number("signed_up_at", 0, 2**40)
    if "unsubscribed_from_emails" in body.data:
        data["is_subscribed"] = not body.flag("unsubscribed_from_emails")
    return data | ({"attributes": body.values("custom_attributes")} if "custom_attributes" in body.data else {})

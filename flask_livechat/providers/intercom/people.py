"""Who is named in one of Intercom's notifications, and which of their ids are the app's (as of 2026-11)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...model import Contact
from ..payload import Payload, objects

TYPES = ("contact", "user", "lead")
FIELDS = ("contact", "contacts", "user", "lead", "merged_from", "participants", "requester")
# What Intercom puts where a user has your id (seen in deliveries about leads, 2026-01).
LEADS_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(slots=True)
class Person:
    """``id`` is Intercom's. ``external_id`` is the app's, unless it is a lead's."""

    id: str
    external_id: str | None = None
    email: str | None = None
    is_lead: bool = False
    is_user: bool = False

    def learn(self, other: Person) -> None:
        self.external_id, self.email = self.external_id or other.external_id, self.email or other.email
        self.is_lead, self.is_user = self.is_lead or other.is_lead, self.is_user or other.is_user

    @property
    def visitor(self) -> str | None:
        """The app's id, where it is certain to be one. A lead may become a user, whose id then looks otherwise."""
        external = self.external_id
        if external is None or external == self.id:
            return None
        looks_like_a_leads = LEADS_ID.fullmatch(external) is not None
        is_theirs = self.is_user and not self.is_lead if looks_like_a_leads else self.is_user or not self.is_lead
        return external if is_theirs else None


class People:
    """Everybody whom a payload names, each once: the parts of a payload with the same id are about the same person."""

    def __init__(self, item: Payload) -> None:
        self._nameless: dict[tuple[str | None, str | None], Person] = {}  # by external id and email
        self._known: dict[str, Person] = {}
        self._item = item
        for name, data in objects(item.data):
            # By its type, or where it has none by the field that it stands in.
            kind = data.get("type")
            if kind in TYPES if isinstance(kind, str) else name in FIELDS:
                self._add(Payload(data, item.odd))
        self._merge_nameless()

    def _add(self, data: Payload) -> None:
        key, email = data.key("id"), data.text("email")
        external = data.key("external_id") or data.key("user_id")
        if not (key or external or email):
            return
        kinds = (data.data.get("type"), data.data.get("role"))
        person = Person(key or "", external, email, "lead" in kinds, "user" in kinds)
        if key is None:
            self._nameless.setdefault((external, email), person).learn(person)
        else:
            self._known.setdefault(key, person).learn(person)

    def _merge_nameless(self) -> None:
        """Whoever is named without an id is the only contact, where there is one and nothing speaks against it."""
        people = [*self._known.values(), *self._nameless.values()]
        emails = {person.email for person in people if person.email}
        if len(self._known) == 1 and len(emails) <= 1:
            for person in people[1:]:
                people[0].learn(person)
            self._nameless = {}

    def of(self, data: Payload) -> Person | None:
        """Who an author, a contact or another object is."""
        key = data.key("id")
        if key is not None:
            return self._known.get(key)
        if not self._nameless and len(self._known) == 1:
            return next(iter(self._known.values()))
        return self._nameless.get((data.key("external_id") or data.key("user_id"), data.text("email")))

    def among(self) -> list[Person]:
        """The contacts of a conversation."""
        listed = self._item.items("contacts") or []
        alone = self._item.part("user")
        people = (self.of(data) for data in [*listed, *([alone] if alone.data else [])])
        return list({id(person): person for person in people if person is not None}.values())

    def contacts(self) -> tuple[Contact, ...]:
        people = [*self._known.values(), *self._nameless.values()]
        ids = [person.visitor if person.is_lead else person.external_id for person in people]
        return tuple(Contact(person.id, own, person.email) for person, own in zip(people, ids, strict=True))

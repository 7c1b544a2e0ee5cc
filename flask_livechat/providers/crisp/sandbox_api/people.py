"""Crisp's contacts: profiles, what is known of them, and what they did."""

from __future__ import annotations

import json
import uuid
from typing import Any

from ....sandbox.api import Account, route
from ....sandbox.body import Body
from ....sandbox.records import Person
from ....sandbox.sessions import RefusedError, Session
from .calls import WEBSITE, CrispCall, milliseconds, ok
from .shapes import person_of, profile

PEOPLE = f"{WEBSITE}/people"
FIELDS = (("nickname", "name"), ("phone", "phone"), ("avatar", "avatar"))


class People(CrispCall):
    """Contacts and what is known of them."""

    @route("GET", f"{PEOPLE}/profiles/<int:page>")
    def list_people(self) -> tuple[int, Any]:
        text, wanted = self.query.get("search_text", "").casefold(), self._filter()
        people = [
            person
            for person in reversed(self.own_account().people.all())
            if text in f"{person.name or ''} {person.email or ''}".casefold()
            and all(_matches(person, part) for part in wanted)
        ]
        if self.query.get("sort_order", "descending") == "ascending":
            people.reverse()
        return self.page_of([profile(item) for item in people], self.page_size())

    def _filter(self) -> list[Body]:
        """A JSON list of {model, criterion, operator, query}."""
        try:
            data = json.loads(self.query.get("search_filter") or "[]")
        except (ValueError, RecursionError):
            raise RefusedError(400, "invalid_data", "search_filter is JSON") from None
        if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
            raise RefusedError(400, "invalid_data", "search_filter is a list of objects")
        return [Body(item) for item in data]

    @route("GET", f"{PEOPLE}/stats")
    def get_statistics(self) -> tuple[int, Any]:
        return ok({"total": len(self.own_account().people.all())})

    @route("GET", f"{PEOPLE}/suggest/segments/<int:page>")
    @route("GET", f"{PEOPLE}/segments/<int:page>")  # as the Python library still asks for it
    def list_segments(self) -> tuple[int, Any]:
        people = self.own_account().people.all()
        names = dict.fromkeys(name for person in people for name in person.segments)
        return self.page_of(
            [{"segment": name, "count": sum(name in person.segments for person in people)} for name in names]
        )

    def _person(self) -> Person:
        """By the id, or by the address."""
        account, named = self.own_account(), self.path["id"]
        person = account.people.get(named) or account.person(email=named)
        if person is None:
            raise RefusedError(404, "not_found")
        return person

    @route("GET", f"{PEOPLE}/profile/<id>")
    def get_person(self) -> tuple[int, Any]:
        return ok(profile(self._person()))

    @route("POST", f"{PEOPLE}/profile")
    def create_person(self) -> tuple[int, Any]:
        account, email = self.own_account(), self.body.need("email")
        if "@" not in email:
            raise RefusedError(400, "invalid_data", "email is an address")
        if account.person(email=email):
            raise RefusedError(409, "people_exists")
        made = account.add(str(uuid.uuid4()), email=email, **_details(self.body))
        return ok({"people_id": made.id}, 201, "added")

    @route("PATCH", f"{PEOPLE}/profile/<id>")
    def change_person(self) -> tuple[int, Any]:
        """What is named is changed, the rest stays."""
        person = self._person()
        email = self.body.text("email") or person.email
        extra = {**person.extra, **_extra(self.body)}
        self.account.change(person, email=email, extra=extra, **_fields(self.body))
        return ok(reason="updated")

    @route("PUT", f"{PEOPLE}/profile/<id>")
    def save_person(self) -> tuple[int, Any]:
        """The whole profile anew: what is not named is empty."""
        person, email = self._person(), self.body.need("email")
        empty: dict[str, Any] = {"name": None, "phone": None, "avatar": None, "segments": ()}
        self.account.change(person, email=email, **(empty | _details(self.body)))
        return ok(reason="saved")

    @route("DELETE", f"{PEOPLE}/profile/<id>")
    def delete_person(self) -> tuple[int, Any]:
        """And what tied their conversations to them."""
        person = self._person()
        for session in _conversations(self.account, person):
            self.account.hub.forget(session.key)
        self.account.people.drop(person.id)
        return ok(reason="deleted")

    @route("GET", f"{PEOPLE}/data/<id>")
    def get_data(self) -> tuple[int, Any]:
        return ok({"data": dict(self._person().attributes)})

    @route("PATCH", f"{PEOPLE}/data/<id>")
    def merge_data(self) -> tuple[int, Any]:
        person = self._person()
        self.account.change(person, attributes={**person.attributes, **self.body.values("data")})
        return ok(reason="updated")

    @route("PUT", f"{PEOPLE}/data/<id>")
    def replace_data(self) -> tuple[int, Any]:
        self.account.change(self._person(), attributes=self.body.values("data"))
        return ok(reason="saved")

    @route("POST", f"{PEOPLE}/events/<id>")
    def add_event(self) -> tuple[int, Any]:
        person, body = self._person(), self.body
        event = {"text": body.need("text"), "data": body.values("data"), "color": body.text("color") or "grey"}
        stamped = {**event, "timestamp": milliseconds(self.account.clock())}
        self.account.change(person, events=(*person.events[-99:], stamped))
        return ok(reason="added", status=201)

    @route("GET", f"{PEOPLE}/events/<id>/list/<int:page>")
    def list_events(self) -> tuple[int, Any]:
        return self.page_of(list(reversed(self._person().events)))

    @route("GET", f"{PEOPLE}/conversations/<id>/list/<int:page>")
    def list_conversations(self) -> tuple[int, Any]:
        """Ids alone."""
        return self.page_of([session.key for session in _conversations(self.own_account(), self._person())])

    @route("GET", f"{PEOPLE}/subscription/<id>")
    def get_subscription(self) -> tuple[int, Any]:
        return ok({"email": self._person().is_subscribed})

    @route("PATCH", f"{PEOPLE}/subscription/<id>")
    def change_subscription(self) -> tuple[int, Any]:
        person, wanted = self._person(), self.body.data.get("email")
        if not isinstance(wanted, bool):
            raise RefusedError(400, "invalid_data", "email is true or false")
        self.account.change(person, is_subscribed=wanted)
        return ok(reason="updated")


def _matches(person: Person, part: Body) -> bool:
    """By an address or a segment; other criteria are passed over."""
    part.need("model")
    part.need("operator")
    criterion, query = part.need("criterion"), part.texts("query")
    known = {"email": (person.email or "",), "segments": person.segments}.get(criterion)
    return known is None or any(item in known for item in query)


def _conversations(account: Account, person: Person) -> list[Session]:
    sessions = account.hub.conversations(account.name)
    return [item for item in sessions if (known := person_of(account, item)) and known.id == person.id]


def _details(body: Body) -> dict[str, Any]:
    return _fields(body) | {"extra": _extra(body)}


def _fields(body: Body) -> dict[str, Any]:
    person = body.part("person")
    data: dict[str, Any] = {field: text for name, field in FIELDS if (text := person.text(name)) is not None}
    return data | ({"segments": body.texts("segments")} if "segments" in body.data else {})


def _extra(body: Body) -> dict[str, Any]:
    """What only Crisp keeps: the other fields of the person, and whom they work for."""
    known = tuple(name for name, _ in FIELDS)
    person = {name: value for name, value in body.part("person").data.items() if name not in known}
    company = body.part("company")
    for name in ("name", "url", "description"):
        company.text(name)
    data: dict[str, Any] = {"company": dict(company.data), "person": person}
    return {name: value for name, value in (data | {"notepad": body.text("notepad", 10_000)}).items() if value}

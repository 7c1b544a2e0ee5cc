"""Crisp's contacts: profiles, what is known of them, and what they did."""

from __future__ import annotations

import json
import uuid
from typing import Any

from ....sandbox.api import Account, Call
from ....sandbox.body import Body
from ....sandbox.records import Person
from ....sandbox.sessions import RefusedError, Session
from .calls import WEBSITE, listed, milliseconds, ok, ours, size_of
from .shapes import person_of, profile

PEOPLE = f"{WEBSITE}/people"
FIELDS = (("nickname", "name"), ("phone", "phone"), ("avatar", "avatar"))


def list_people(call: Call) -> tuple[int, Any]:
    text, wanted = call.query.get("search_text", "").casefold(), _filter(call)
    found = [
        one
        for one in reversed(ours(call).people.all())
        if text in f"{one.name or ''} {one.email or ''}".casefold() and all(_matches(one, part) for part in wanted)
    ]
    if call.query.get("sort_order", "descending") == "ascending":
        found.reverse()
    return listed(call, [profile(one) for one in found], size_of(call))


def _filter(call: Call) -> list[Body]:
    """A JSON list of {model, criterion, operator, query}."""
    try:
        data = json.loads(call.query.get("search_filter") or "[]")
    except (ValueError, RecursionError):
        raise RefusedError(400, "invalid_data", "search_filter is JSON") from None
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise RefusedError(400, "invalid_data", "search_filter is a list of objects")
    return [Body(one) for one in data]


def _matches(person: Person, part: Body) -> bool:
    """By an address or a segment; other criteria are passed over."""
    part.need("model")
    part.need("operator")
    criterion, query = part.need("criterion"), part.texts("query")
    known = {"email": (person.email or "",), "segments": person.segments}.get(criterion)
    return known is None or any(one in known for one in query)


def get_statistics(call: Call) -> tuple[int, Any]:
    return ok({"total": len(ours(call).people.all())})


def list_segments(call: Call) -> tuple[int, Any]:
    people = ours(call).people.all()
    names = dict.fromkeys(name for one in people for name in one.segments)
    return listed(call, [{"segment": name, "count": sum(name in one.segments for one in people)} for name in names])


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
    if "@" not in email:
        raise RefusedError(400, "invalid_data", "email is an address")
    if account.person(email=email):
        raise RefusedError(409, "people_exists")
    made = account.add(str(uuid.uuid4()), email=email, **_details(call.body))
    return ok({"people_id": made.id}, 201, "added")


def change_person(call: Call) -> tuple[int, Any]:
    """What is named is changed, the rest stays."""
    person = _person(call)
    email = call.body.text("email") or person.email
    extra = {**person.extra, **_extra(call.body)}
    call.account.change(person, email=email, extra=extra, **_fields(call.body))
    return ok(reason="updated")


def save_person(call: Call) -> tuple[int, Any]:
    """The whole profile anew: what is not named is empty."""
    person, email = _person(call), call.body.need("email")
    empty: dict[str, Any] = {"name": None, "phone": None, "avatar": None, "segments": ()}
    call.account.change(person, email=email, **(empty | _details(call.body)))
    return ok(reason="saved")


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
    return ok(reason="saved")


def add_event(call: Call) -> tuple[int, Any]:
    person, body = _person(call), call.body
    event = {"text": body.need("text"), "data": body.values("data"), "color": body.text("color") or "grey"}
    stamped = {**event, "timestamp": milliseconds(call.account.clock())}
    call.account.change(person, events=(*person.events[-99:], stamped))
    return ok(reason="added", status=201)


def list_events(call: Call) -> tuple[int, Any]:
    return listed(call, list(reversed(_person(call).events)))


def list_conversations(call: Call) -> tuple[int, Any]:
    """Ids alone."""
    return listed(call, [one.key for one in _conversations(ours(call), _person(call))])


def _conversations(account: Account, person: Person) -> list[Session]:
    found = account.hub.conversations(account.name)
    return [one for one in found if (known := person_of(account, one)) and known.id == person.id]


def get_subscription(call: Call) -> tuple[int, Any]:
    return ok({"email": _person(call).is_subscribed})


def change_subscription(call: Call) -> tuple[int, Any]:
    person, wanted = _person(call), call.body.data.get("email")
    if not isinstance(wanted, bool):
        raise RefusedError(400, "invalid_data", "email is true or false")
    call.account.change(person, is_subscribed=wanted)
    return ok(reason="updated")


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
    data: dict[str, Any] = {"company": dict(body.part("company").data), "person": person}
    return {name: value for name, value in (data | {"notepad": body.text("notepad", 10_000)}).items() if value}


ROUTES = (
    ("GET", f"{PEOPLE}/stats", get_statistics),
    ("GET", f"{PEOPLE}/suggest/segments/<int:page>", list_segments),
    ("GET", f"{PEOPLE}/segments/<int:page>", list_segments),  # as the Python library still asks for it
    ("GET", f"{PEOPLE}/profiles/<int:page>", list_people),
    ("POST", f"{PEOPLE}/profile", create_person),
    ("GET", f"{PEOPLE}/profile/<id>", get_person),
    ("PUT", f"{PEOPLE}/profile/<id>", save_person),
    ("PATCH", f"{PEOPLE}/profile/<id>", change_person),
    ("DELETE", f"{PEOPLE}/profile/<id>", delete_person),
    ("GET", f"{PEOPLE}/data/<id>", get_data),
    ("PUT", f"{PEOPLE}/data/<id>", replace_data),
    ("PATCH", f"{PEOPLE}/data/<id>", merge_data),
    ("POST", f"{PEOPLE}/events/<id>", add_event),
    ("GET", f"{PEOPLE}/events/<id>/list/<int:page>", list_events),
    ("GET", f"{PEOPLE}/conversations/<id>/list/<int:page>", list_conversations),
    ("GET", f"{PEOPLE}/subscription/<id>", get_subscription),
    ("PATCH", f"{PEOPLE}/subscription/<id>", change_subscription),
)

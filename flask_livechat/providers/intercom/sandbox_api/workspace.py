"""What an Intercom workspace has beside people and what they say: admins, teams, tags, segments, companies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ....sandbox.api import Call, fresh_id
from ....sandbox.records import Company
from ....sandbox.sessions import RefusedError
from .calls import contact_of, conversations, numbered
from .records import SEGMENT, TEAM, admin, company, contact, tag, tag_id, team

# What a company may have, and the limits of its numbers. Any other field is refused.
COMPANY = ("name", "company_id", "plan", "website", "industry")
NUMBERS = ("size", "remote_created_at", "monthly_spend")
OTHERS = ("custom_attributes", "update_last_request_at")


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
    return 200, admin(account, account.agents[0]) | {"email_verified": True, "app": app}


def list_admins(call: Call) -> tuple[int, Any]:
    return 200, {"type": "admin.list", "admins": [admin(call.account, one) for one in call.account.agents]}


def get_admin(call: Call) -> tuple[int, Any]:
    agent = call.account.agent(call.path["id"])
    if agent is None:
        raise RefusedError(404, "admin_not_found", "Admin not found")
    return 200, admin(call.account, agent)


def list_teams(call: Call) -> tuple[int, Any]:
    return 200, {"type": "team.list", "teams": [team(call.account)]}


def get_team(call: Call) -> tuple[int, Any]:
    if call.path["id"] != TEAM["id"]:
        raise RefusedError(404, "team_not_found", "Team not found")
    return 200, team(call.account)


def list_segments(call: Call) -> tuple[int, Any]:
    return 200, {"type": "segment.list", "segments": [SEGMENT]}


def get_segment(call: Call) -> tuple[int, Any]:
    if call.path["id"] != SEGMENT["id"]:
        raise RefusedError(404, "not_found", "Resource Not Found")
    return 200, SEGMENT


# -- tags ------------------------------------------------------------------------------------------------------------


def list_tags(call: Call) -> tuple[int, Any]:
    """All of them, without pages."""
    used = (name for one in conversations(call.account) for name in one.tags)
    return 200, {"type": "list", "data": [tag(call.account, name) for name in dict.fromkeys([*_names(call), *used])]}


def _names(call: Call) -> list[str]:
    return call.account.tags.all()


def create_tag(call: Call) -> tuple[int, Any]:
    """The same one where there is one of that name. With an id it gets another name."""
    name, known = call.body.need("name", 255), call.body.text("id")
    if known is not None:
        _tag(call, known)
        call.account.tags.put(known, name)
    return 200, tag(call.account, name)


def get_tag(call: Call) -> tuple[int, Any]:
    return 200, {"type": "tag", "id": call.path["id"], "name": _tag(call, call.path["id"])}


def delete_tag(call: Call) -> tuple[int, Any]:
    """One that is in use stays."""
    name, account = _tag(call, call.path["id"]), call.account
    used = [*(one.tags for one in account.people.all()), *(one.tags for one in conversations(account))]
    if any(name in tags for tags in used):
        raise RefusedError(400, "tag_has_dependent_objects", f"Unable to delete Tag with dependent objects: {name}")
    account.tags.drop(tag_id(account, name))
    return 200, None


def _tag(call: Call, id: str) -> str:
    name = call.account.tags.get(id)
    if name is None:
        raise RefusedError(404, "not_found", "Resource Not Found")
    return name


# -- companies -------------------------------------------------------------------------------------------------------


def put_company(call: Call) -> tuple[int, Any]:
    """Made, or changed where there is one with that id of the app's."""
    body, account = call.body, call.account
    for name in body.data:
        if name not in (*COMPANY, *NUMBERS, *OTHERS):
            raise RefusedError(400, "bad_request", f"bad '{name}' parameter")
    own = body.need("company_id")
    known = next((one for one in account.companies.all() if one.company_id == own), None)
    return 200, company(account, _kept(call, known))


def _kept(call: Call, known: Company | None) -> Company:
    body, account, now = call.body, call.account, call.account.clock()
    data: dict[str, Any] = {name: text for name in COMPANY if (text := body.text(name)) is not None}
    data |= {name: body.number(name, 0, 2**40) for name in NUMBERS if name in body.data}
    if "custom_attributes" in body.data:
        data["custom_attributes"] = body.values("custom_attributes")
    base = known or Company(fresh_id(), body.need("company_id"), now, now)
    made = replace(base, updated=now, data={**base.data, **data})
    account.companies.put(made.id, made)
    return made


def list_companies(call: Call) -> tuple[int, Any]:
    """One by the app's id or by its name, else all."""
    account, query = call.account, call.query
    found = account.companies.all()
    if "company_id" in query or "name" in query:
        for one in found:
            if one.company_id == query.get("company_id") or one.data.get("name", "") == query.get("name"):
                return 200, company(account, one)
        raise RefusedError(404, "company_not_found", "Company Not Found")
    page, size = call.number("page", 1, 1, 10**6), call.number("per_page", 15, 1, 60)
    listed = [company(account, one) for one in found[(page - 1) * size : page * size]]
    pages = numbered(len(found), page, size)
    return 200, {"type": "list", "data": listed, "total_count": len(found), "pages": pages}


def get_company(call: Call) -> tuple[int, Any]:
    return 200, company(call.account, _company(call, call.path["id"]))


def change_company(call: Call) -> tuple[int, Any]:
    return 200, company(call.account, _kept(call, _company(call, call.path["id"])))


def delete_company(call: Call) -> tuple[int, Any]:
    known = _company(call, call.path["id"])
    call.account.companies.drop(known.id)
    return 200, {"id": known.id, "object": "company", "deleted": True}


def attach_company(call: Call) -> tuple[int, Any]:
    person, named = contact_of(call), call.body.text("id")
    if named is None:
        raise RefusedError(400, "parameter_not_found", "company not specified")
    known = _company(call, named)
    call.account.change(person, companies=tuple(dict.fromkeys([*person.companies, known.id])))
    return 200, company(call.account, known)


def detach_company(call: Call) -> tuple[int, Any]:
    person, known = contact_of(call), _company(call, call.path["company"])
    call.account.change(person, companies=tuple(one for one in person.companies if one != known.id))
    return 200, company(call.account, known)


def list_contacts_of(call: Call) -> tuple[int, Any]:
    known, account = _company(call, call.path["id"]), call.account
    listed = [contact(call, one) for one in account.people.all() if known.id in one.companies]
    pages = numbered(len(listed), 1, 50)
    return 200, {"type": "list", "data": listed, "total_count": len(listed), "pages": pages}


def list_companies_of(call: Call) -> tuple[int, Any]:
    known = map(call.account.companies.get, contact_of(call).companies)
    listed = [company(call.account, one) for one in known if one is not None]
    pages = numbered(len(listed), 1, 50)
    return 200, {"type": "list", "data": listed, "companies": listed, "total_count": len(listed), "pages": pages}


def _company(call: Call, id: str) -> Company:
    found = call.account.companies.get(id)
    if found is None:
        raise RefusedError(404, "company_not_found", "Company Not Found")
    return found


ROUTES = (
    ("GET", "/me", me),
    ("GET", "/admins", list_admins),
    ("GET", "/admins/<id>", get_admin),
    ("GET", "/teams", list_teams),
    ("GET", "/teams/<id>", get_team),
    ("GET", "/segments", list_segments),
    ("GET", "/segments/<id>", get_segment),
    ("GET", "/tags", list_tags),
    ("POST", "/tags", create_tag),
    ("GET", "/tags/<id>", get_tag),
    ("DELETE", "/tags/<id>", delete_tag),
    ("GET", "/companies", list_companies),
    ("POST", "/companies", put_company),
    ("POST", "/companies/list", list_companies),
    ("GET", "/companies/<id>", get_company),
    ("PUT", "/companies/<id>", change_company),
    ("DELETE", "/companies/<id>", delete_company),
    ("GET", "/companies/<id>/contacts", list_contacts_of),
    ("GET", "/contacts/<id>/companies", list_companies_of),
    ("POST", "/contacts/<id>/companies", attach_company),
    ("DELETE", "/contacts/<id>/companies/<company>", detach_company),
)

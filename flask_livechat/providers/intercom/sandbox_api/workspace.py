"""What an Intercom workspace has beside people and what they say: admins, teams, tags, segments, companies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ....sandbox.api import fresh_id, route
from ....sandbox.records import Company
from ....sandbox.sessions import RefusedError
from .calls import IntercomCall, conversations, numbered
from .records import SEGMENT, TEAM, admin, company, contact, tag, tag_id, team

# What a company may have, and the limits of its numbers. Any other field is refused.
COMPANY = ("name", "company_id", "plan", "website", "industry")
NUMBERS = {"size": 2**40, "remote_created_at": 2**40, "monthly_spend": 2**31 - 1}
OTHERS = ("custom_attributes", "update_last_request_at")


class Workspace(IntercomCall):
    """Admins, teams, segments, tags and companies."""

    @route("GET", "/me")
    def me(self) -> tuple[int, Any]:
        account = self.account
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

    @route("GET", "/admins")
    def list_admins(self) -> tuple[int, Any]:
        return 200, {"type": "admin.list", "admins": [admin(self.account, agent) for agent in self.account.agents]}

    @route("GET", "/admins/<id>")
    def get_admin(self) -> tuple[int, Any]:
        agent = self.account.agent(self.path["id"])
        if agent is None:
            raise RefusedError(404, "admin_not_found", "Admin not found")
        return 200, admin(self.account, agent)

    @route("GET", "/teams")
    def list_teams(self) -> tuple[int, Any]:
        return 200, {"type": "team.list", "teams": [team(self.account)]}

    @route("GET", "/teams/<id>")
    def get_team(self) -> tuple[int, Any]:
        if self.path["id"] != TEAM["id"]:
            raise RefusedError(404, "team_not_found", "Team not found")
        return 200, team(self.account)

    @route("GET", "/segments")
    def list_segments(self) -> tuple[int, Any]:
        return 200, {"type": "segment.list", "segments": [SEGMENT]}

    @route("GET", "/segments/<id>")
    def get_segment(self) -> tuple[int, Any]:
        if self.path["id"] != SEGMENT["id"]:
            raise RefusedError(404, "not_found", "Resource Not Found")
        return 200, SEGMENT

    @route("GET", "/tags")
    def list_tags(self) -> tuple[int, Any]:
        """All of them, without pages."""
        used = (name for session in conversations(self.account) for name in session.tags)
        return 200, {
            "type": "list",
            "data": [tag(self.account, name) for name in dict.fromkeys([*self._names(), *used])],
        }

    def _names(self) -> list[str]:
        return self.account.tags.all()

    @route("POST", "/tags")
    def create_tag(self) -> tuple[int, Any]:
        """The same one where there is one of that name. With an id it gets another name."""
        name, known = self.body.need("name", 255), self.body.text("id")
        if known is not None:
            self._tag(known)
            self.account.tags.put(known, name)
        return 200, tag(self.account, name)

    @route("GET", "/tags/<id>")
    def get_tag(self) -> tuple[int, Any]:
        return 200, {"type": "tag", "id": self.path["id"], "name": self._tag(self.path["id"])}

    @route("DELETE", "/tags/<id>")
    def delete_tag(self) -> tuple[int, Any]:
        """One that is in use stays."""
        name, account = self._tag(self.path["id"]), self.account
        used = [
            *(person.tags for person in account.people.all()),
            *(session.tags for session in conversations(account)),
        ]
        if any(name in tags for tags in used):
            raise RefusedError(400, "tag_has_dependent_objects", f"Unable to delete Tag with dependent objects: {name}")
        account.tags.drop(tag_id(account, name))
        return 200, None

    def _tag(self, id: str) -> str:
        name = self.account.tags.get(id)
        if name is None:
            raise RefusedError(404, "not_found", "Resource Not Found")
        return name

    @route("POST", "/companies")
    def put_company(self) -> tuple[int, Any]:
        """Made, or changed where there is one with that id of the app's."""
        body, account = self.body, self.account
        for name in body.data:
            if name not in (*COMPANY, *NUMBERS, *OTHERS):
                raise RefusedError(400, "bad_request", f"bad '{name}' parameter")
        own = body.need("company_id")
        known = next((company for company in account.companies.all() if company.company_id == own), None)
        return 200, company(account, self._kept(known))

    def _kept(self, known: Company | None) -> Company:
        body, account, now = self.body, self.account, self.account.clock()
        data: dict[str, Any] = {name: text for name in COMPANY if (text := body.text(name)) is not None}
        data |= {name: body.number(name, 0, most) for name, most in NUMBERS.items() if name in body.data}
        if "custom_attributes" in body.data:
            data["custom_attributes"] = body.values("custom_attributes")
        base = known or Company(fresh_id(), body.need("company_id"), now, now)
        made = replace(base, updated=now, data={**base.data, **data})
        account.companies.put(made.id, made)
        return made

    @route("GET", "/companies")
    @route("POST", "/companies/list")
    def list_companies(self) -> tuple[int, Any]:
        """One by the app's id or by its name, else all."""
        account, query = self.account, self.query
        companies = account.companies.all()
        if "company_id" in query or "name" in query:
            for entry in companies:
                if entry.company_id == query.get("company_id") or entry.data.get("name", "") == query.get("name"):
                    return 200, company(account, entry)
            raise RefusedError(404, "company_not_found", "Company Not Found")
        page, size = self.number("page", 1, 1, 10**6), self.number("per_page", 15, 1, 60)
        listed = [company(account, item) for item in companies[(page - 1) * size : page * size]]
        pages = numbered(len(companies), page, size)
        return 200, {"type": "list", "data": listed, "total_count": len(companies), "pages": pages}

    @route("GET", "/companies/<id>")
    def get_company(self) -> tuple[int, Any]:
        return 200, company(self.account, self._company(self.path["id"]))

    @route("PUT", "/companies/<id>")
    def change_company(self) -> tuple[int, Any]:
        return 200, company(self.account, self._kept(self._company(self.path["id"])))

    @route("DELETE", "/companies/<id>")
    def delete_company(self) -> tuple[int, Any]:
        known = self._company(self.path["id"])
        self.account.companies.drop(known.id)
        return 200, {"id": known.id, "object": "company", "deleted": True}

    @route("POST", "/contacts/<id>/companies")
    def attach_company(self) -> tuple[int, Any]:
        person, named = self.contact(), self.body.text("id")
        if named is None:
            raise RefusedError(400, "parameter_not_found", "company not specified")
        known = self._company(named)
        self.account.change(person, companies=tuple(dict.fromkeys([*person.companies, known.id])))
        return 200, company(self.account, known)

    @route("DELETE", "/contacts/<id>/companies/<company>")
    def detach_company(self) -> tuple[int, Any]:
        person, known = self.contact(), self._company(self.path["company"])
        self.account.change(person, companies=tuple(key for key in person.companies if key != known.id))
        return 200, company(self.account, known)

    @route("GET", "/companies/<id>/contacts")
    def list_contacts_of(self) -> tuple[int, Any]:
        known, account = self._company(self.path["id"]), self.account
        listed = [contact(self, person) for person in account.people.all() if known.id in person.companies]
        pages = numbered(len(listed), 1, 50)
        return 200, {"type": "list", "data": listed, "total_count": len(listed), "pages": pages}

    @route("GET", "/contacts/<id>/companies")
    def list_companies_of(self) -> tuple[int, Any]:
        known = map(self.account.companies.get, self.contact().companies)
        listed = [company(self.account, item) for item in known if item is not None]
        pages = numbered(len(listed), 1, 50)
        return 200, {"type": "list", "data": listed, "companies": listed, "total_count": len(listed), "pages": pages}

    def _company(self, id: str) -> Company:
        result = self.account.companies.get(id)
        if result is None:
            raise RefusedError(404, "company_not_found", "Company Not Found")
        return result

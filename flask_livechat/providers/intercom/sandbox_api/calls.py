"""What every call of Intercom's REST API has in common: its version, pages, and whom and what it names."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

from ....sandbox.api import MAX_TEXT, Account, Call, fresh_id
from ....sandbox.body import Body
from ....sandbox.records import Agent, Person
from ....sandbox.sessions import RefusedError, Session

VERSIONS = ("2.11", "2.12", "2.13", "2.14", "2.15", "2.16")
ATTACHMENTS = 10  # of one message


class IntercomCall(Call):
    """A call with the version of its header, and with the records that it names."""

    def version(self) -> tuple[int, int]:
        """The one of the header, else that of the app's own setting."""
        text = self.headers.get("Intercom-Version", str(self.account.values.get("API_VERSION") or VERSIONS[-1]))
        major, _, minor = text.partition(".")
        return int(major), int(minor)

    def needs_version(self, minor: int) -> None:
        """Refuse a route that older versions do not have."""
        if self.version() < (2, minor):
            raise RefusedError(404, "not_found", "The requested resource was not found")

    def session(self) -> Session:
        """The conversation that a path names. ``last`` is its sender's own latest one."""
        wanted, sessions = self.path["id"], conversations(self.account)
        if wanted == "last":
            who = self.sender()
            sessions = [item for item in sessions if who.id in (known.id for known in people_of(self.account, item))]
            wanted = str(sessions[0].number) if sessions else ""
        for session in sessions:
            if str(session.number) == wanted:
                return session
        raise RefusedError(404, "not_found", "Resource Not Found")

    def admin(self, name: str = "admin_id") -> Agent:
        agent = self.account.agent(self.body.need(name))
        if agent is None:
            raise RefusedError(404, "admin_not_found", "Admin not found")
        return agent

    def contact(self, id: str | None = None) -> Person:
        person = self.account.people.get(self.path["id"] if id is None else id)
        if person is None:
            raise RefusedError(404, "not_found", "User Not Found")
        return person

    def sender(self, body: Body | None = None, own: str = "intercom_user_id") -> Person:
        """By the vendor's id, by the app's, or by the address. An address that several have names nobody: 409."""
        body, account = body or self.body, self.account
        theirs, external, email = body.text(own), body.text("user_id"), body.text("email")
        if not (theirs or external or email):
            raise RefusedError(400, "parameter_not_found", f"{own}, user_id or email is required")
        person = account.people.get(theirs) if theirs else account.person(external, email)
        if person is None:
            raise RefusedError(404, "not_found", "User Not Found")
        return person


def user_name(id: str | None, email: str | None) -> str:
    """By what a user's session is found."""
    return f"id:{id}" if id else f"email:{email}"


def person_of(account: Account, session: Session) -> Person | None:
    """The contact who wrote it. A stranger becomes a lead, with an id of the vendor's in the place of the app's."""
    # The session's key is a uuid, too.
    return account.who(session, fresh_id, {"role": "lead", "external_id": session.key} if session.messages else None)


def people_of(account: Account, session: Session) -> list[Person]:
    """All contacts of a conversation: who began it, and who was added."""
    first, others = person_of(account, session), map(account.people.get, session.participants)
    known = {person.id: person for person in (first, *others) if person is not None}
    return list(known.values())


def conversations(account: Account) -> list[Session]:
    """A message of the team's to which nobody has replied is no conversation yet."""
    every = account.hub.conversations(account.name)
    return [
        session
        for session in every
        if not session.is_unanswered or any(line.author == "visitor" for line in session.messages)
    ]


def one_of(body: Body, name: str, *allowed: str) -> str:
    """A word that must be there, and be one of these."""
    value = body.need(name)
    if value not in allowed:
        raise RefusedError(400, "parameter_invalid", f"{name} is {' or '.join(allowed)}")
    return value


def words_of(body: Body, *, required: bool = True) -> tuple[str, dict[str, Any]]:
    """The text of a message, and its attachments as fields of it: one of both must be there."""
    urls = body.texts("attachment_urls") if "attachment_urls" in body.data else ()
    if len(urls) > ATTACHMENTS:
        raise RefusedError(400, "parameter_invalid", f"at most {ATTACHMENTS} attachments")
    text = body.text("body", MAX_TEXT) or ""
    if required and not (text.strip() or urls):
        raise RefusedError(400, "parameter_invalid", "Body is required")
    return text, {"content": {"urls": list(urls)}, "type": "file"} if urls else {}


def html_of(text: str) -> str:
    """Plain text as the vendor gives it back."""
    paragraphs = html.escape(text, quote=False).split("\n\n")
    return "".join("<p>" + paragraph.replace("\n", "<br>") + "</p>" for paragraph in paragraphs)


def pagination(body: Body, usual: int = 20) -> tuple[str | None, int]:
    """The cursor counts in the body alone: one in the address gives the first page again."""
    data = body.part("pagination")
    return data.text("starting_after"), data.number("per_page", 1, 150) if "per_page" in data.data else usual


def paged(items: Sequence[Any], after: str | None, size: int) -> tuple[Sequence[Any], dict[str, Any]]:
    """A page, and what says where the next one is. The cursor is where to go on."""
    if after is not None and not re.fullmatch(r"[0-9]{1,9}", after):
        raise RefusedError(400, "parameter_invalid", "starting_after is no cursor")
    start = int(after or 0)
    following = {"per_page": size, "starting_after": str(start + size)} if start + size < len(items) else None
    pages = numbered(len(items), start // size + 1, size) | ({"next": following} if following else {})
    return items[start : start + size], {"total_count": len(items), "pages": pages}


def numbered(count: int, page: int, size: int) -> dict[str, Any]:
    return {"type": "pages", "page": page, "per_page": size, "total_pages": -(-count // size)}

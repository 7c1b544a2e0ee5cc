"""Intercom's conversations and messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....sandbox.api import MAX_TEXT, route
from ....sandbox.records import Person
from ....sandbox.sessions import Identity, Message, RefusedError, Session
from .calls import IntercomCall, conversations, one_of, paged, pagination, people_of, user_name, words_of
from .records import TEAM, tag
from .search import matcher
from .shapes import conversation, first_of, whole

ONE = "/conversations/<id>"


class Conversations(IntercomCall):
    """Conversations and messages."""

    @route("GET", "/conversations")
    def list_conversations(self) -> tuple[int, Any]:
        sessions, pages = paged(
            conversations(self.account), self.query.get("starting_after"), self.number("per_page", 20, 1, 150)
        )
        return self._listed(sessions, pages)

    @route("POST", "/conversations/search")
    def search_conversations(self) -> tuple[int, Any]:
        wanted = matcher(self.body.part("query").data, orders=(">", "<"))
        matching = [session for session in conversations(self.account) if wanted(self._searchable(session))]
        return self._listed(*paged(matching, *pagination(self.body)))

    def _searchable(self, session: Session) -> dict[str, Any]:
        return conversation(self, session) | {
            "contact_ids": [person.id for person in people_of(self.account, session)],
            "tag_ids": [tag(self.account, name)["id"] for name in session.tags],
            "source.body": first_of(session).text.split(),
        }

    def _listed(self, sessions: Sequence[Session], pages: Mapping[str, Any]) -> tuple[int, Any]:
        listed = [conversation(self, session) for session in sessions]
        return 200, {"type": "conversation.list", "conversations": listed, **pages}

    @route("GET", ONE)
    def get_conversation(self) -> tuple[int, Any]:
        return 200, whole(self, self.session())

    def _now(self, session: Session) -> tuple[int, Any]:
        """The conversation as it is after the change."""
        return 200, whole(self, self.account.hub.look(session.key))

    @route("PUT", ONE)
    def change_conversation(self) -> tuple[int, Any]:
        session, body, hub = self.session(), self.body, self.account.hub
        if title := body.text("title", 255):
            self.needs_version(13)
            hub.detail(session.key, {"title": title})
        if body.flag("read"):
            hub.mark_read(session.key, session.messages[-1].n)
        return self._now(session)

    @route("DELETE", ONE)
    def delete_conversation(self) -> tuple[int, Any]:
        self.needs_version(13)
        session = self.session()
        self.account.hub.drop(session.key)
        return 200, {"id": str(session.number), "object": "conversation", "deleted": True}

    @route("POST", "/conversations")
    def create_conversation(self) -> tuple[int, Any]:
        sender, text = self.body.part("from"), self.body.need("body", MAX_TEXT)
        one_of(sender, "type", "user", "lead", "contact")
        person = self.contact(sender.need("id"))
        key = self._open(person)
        line = self.account.hub.say(key, "visitor", text)
        return 200, self._message(key, line, "user_message")

    @route("POST", "/messages")
    def send_message(self) -> tuple[int, Any]:
        """The team begins: a conversation only once the contact replies, unless that is asked for."""
        body, hub = self.body, self.account.hub
        one_of(body, "message_type", "in_app", "email")
        one_of(body.part("from"), "type", "admin")
        one_of(body.part("to"), "type", "user", "lead", "contact")
        agent = self.account.agent(str(body.part("from").data.get("id") or ""))
        if agent is None:
            raise RefusedError(404, "admin_not_found", "Admin not found")
        person = self.contact(body.part("to").need("id"))
        text, _ = words_of(body)
        if body.data["message_type"] == "email" and not body.text("subject"):
            raise RefusedError(422, "parameter_not_found", "No subject supplied for email message")
        key = self._open(person)
        hub.set(key, is_unanswered=not body.flag("create_conversation_without_contact_reply"))
        line = hub.say(key, "agent", text, agent=agent.id)
        return 200, self._message(key, line, "admin_message")

    def _open(self, person: Person) -> str:
        """A conversation of a contact's. The widget shows one of each user."""
        account, hub = self.account, self.account.hub
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

    def _message(self, key: str, line: Message, kind: str) -> dict[str, Any]:
        """The message's id is not the conversation's."""
        session = self.account.hub.look(key)
        return {
            "type": kind,
            "id": str(line.n),
            "created_at": int(line.at),
            "subject": self.body.text("subject") or "",
            "body": line.text,
            "message_type": "email" if self.body.data.get("message_type") == "email" else "inapp",
            **({} if session.is_unanswered else {"conversation_id": str(session.number)}),
        }

    @route("POST", f"{ONE}/reply")
    def reply(self) -> tuple[int, Any]:
        body, hub = self.body, self.account.hub
        if one_of(body, "type", "admin", "user") == "user":
            one_of(body, "message_type", "comment")
            session, who = self.session(), self.sender()
            text, more = words_of(body)
            people = [person.id for person in people_of(self.account, session)]
            if who.id not in people:
                raise RefusedError(404, "not_found", "User Not Found")
            hub.say(session.key, "visitor", text, agent=who.id if who.id != people[0] else None, **more)
        else:
            kind = one_of(body, "message_type", "comment", "note")
            session, agent = self.session(), self.admin()
            text, more = words_of(body)
            # UNCONFIRMED that a note ends a snooze as an answer does: the vendor's field against it is for both. Where
            # it does not, the notification of the note still says "snoozed", and the inbox follows that.
            is_unsnoozing = not body.flag("skip_unsnooze")
            hub.say(session.key, "agent", text, "note" if kind == "note" else "text", agent.id, is_unsnoozing, **more)
        return self._now(session)

    @route("POST", f"{ONE}/parts")
    def manage(self) -> tuple[int, Any]:
        session, body, hub = self.session(), self.body, self.account.hub
        kind = one_of(body, "message_type", "close", "open", "snoozed", "assignment")
        agent = self.admin().id
        if kind == "close":
            one_of(body, "type", "admin")
            hub.end(session.key, "agent", agent, body.text("body", MAX_TEXT) or "")
        elif kind == "open":
            hub.decide(session.key, "opened", agent)
        elif kind == "snoozed":
            hub.decide(session.key, "snoozed", agent, body.number("snoozed_until", 0, 2**40))
        else:
            self._assign(session, agent)
        return self._now(session)

    def _assign(self, session: Session, by: str) -> None:
        body, account = self.body, self.account
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

    @route("POST", f"{ONE}/customers")
    def attach_contact(self) -> tuple[int, Any]:
        """One more who reads and writes in it."""
        session, _ = self.session(), self.admin()
        who = self.sender(self.body.part("customer"))
        self.account.hub.set(session.key, participants=tuple(dict.fromkeys([*session.participants, who.id])))
        return self._now(session)

    @route("DELETE", f"{ONE}/customers/<contact>")
    def detach_contact(self) -> tuple[int, Any]:
        session, _ = self.session(), self.admin()
        who = self.contact(self.path["contact"])
        if who.id not in session.participants:
            raise RefusedError(404, "not_found", "User Not Found")
        left = tuple(address for address in session.participants if address != who.id)
        self.account.hub.set(session.key, participants=left)
        return self._now(session)

    @route("POST", f"{ONE}/tags")
    def tag_conversation(self) -> tuple[int, Any]:
        session, named = self.session(), self.body.need("id")
        agent, name = self.admin(), self._tag_name(named)
        self.account.hub.tag(session.key, tuple(dict.fromkeys([*session.tags, name])))
        return 200, tag(self.account, name, by=agent)

    @route("DELETE", f"{ONE}/tags/<tag>")
    def untag_conversation(self) -> tuple[int, Any]:
        """With a body: whose doing it is."""
        session, agent, name = self.session(), self.admin(), self._tag_name(self.path["tag"])
        if name not in session.tags:
            raise RefusedError(404, "tag_not_found", "Tag not found")
        self.account.hub.tag(session.key, tuple(tag for tag in session.tags if tag != name))
        return 200, tag(self.account, name, by=agent)

    def _tag_name(self, id: str) -> str:
        name = self.account.tags.get(id)
        if name is None:
            raise RefusedError(404, "tag_not_found", "Tag not found")
        return name

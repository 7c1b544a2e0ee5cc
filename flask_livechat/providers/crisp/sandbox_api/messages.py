"""Crisp's messages: read back in time, sent, changed, taken away."""

from __future__ import annotations

from typing import Any

from ....sandbox.api import MAX_TEXT, route
from ....sandbox.body import BIG, Body
from ....sandbox.sessions import Author, Message, RefusedError, Session
from . import contents
from .calls import CrispCall, milliseconds, ok
from .conversations import ONE
from .shapes import fingerprint, listed, message

MESSAGES = 50  # of one answer; UNCONFIRMED
LATEST = 10**15  # milliseconds, later than all
MESSAGE = f"{ONE}/message/<fingerprint>"


class Messages(CrispCall):
    """Messages of a conversation."""

    @route("GET", f"{ONE}/messages")
    def get_messages(self) -> tuple[int, Any]:
        """The newest ones; of those before, after or around a moment, if one is named. Oldest first."""
        session, lines = self.session(), listed(self.session())
        named = [name for name in ("before", "after", "around") if f"timestamp_{name}" in self.query]
        if len(named) > 1:
            raise RefusedError(400, "invalid_data", "one of timestamp_before, _after and _around")
        which = named[0] if named else "before"
        at = self.number(f"timestamp_{which}", LATEST, 0, LATEST)
        if which == "after":
            lines = [item for item in lines if milliseconds(item.at) > at][:MESSAGES]
        else:
            lines = _newest([item for item in lines if which == "around" or milliseconds(item.at) < at])
        return ok([message(self.account, session, item) for item in lines], reason="listed")

    @route("POST", f"{ONE}/message")
    def send_message(self) -> tuple[int, Any]:
        session, body = self.session(), self.body
        text, content = contents.read(body)
        kind, sender = body.data["type"], body.need("from")
        if sender not in ("user", "operator") or (kind, sender) == ("note", "user"):
            raise RefusedError(400, "invalid_data", "from is user or operator, a note an operator's")
        given = body.number("fingerprint", 1, BIG) if "fingerprint" in body.data else None
        if given is not None and any(fingerprint(line) == given for line in session.messages):
            raise RefusedError(409, "message_exists")
        automated = _optional_flag(body, "automated")
        who: Author = "visitor" if sender == "user" else "bot" if automated else "agent"
        line = self.account.hub.say(
            session.key,
            who,
            text,
            "note" if kind == "note" else "text",
            body.part("user").text("user_id"),
            type=kind,
            content=content,
            origin=body.need("origin"),
            automated=automated,
            fingerprint=given,
        )
        return ok({"fingerprint": fingerprint(line)}, 202, "dispatched")

    @route("GET", MESSAGE)
    def get_message(self) -> tuple[int, Any]:
        session, line = self._message()
        return ok(message(self.account, session, line))

    @route("PATCH", MESSAGE)
    def change_message(self) -> tuple[int, Any]:
        session, line = self._message()
        if line.content is None:
            changed: dict[str, Any] = {"text": self.body.need("content", MAX_TEXT)}
        else:
            text, content = contents.read(Body({"type": line.type, "content": self.body.data.get("content")}))
            changed = {"text": text, "content": content}
        self.account.hub.change(session.key, line.n, edited=True, **changed)
        return ok(reason="updated")

    @route("DELETE", MESSAGE)
    def remove_message(self) -> tuple[int, Any]:
        session, line = self._message()
        self.account.hub.remove(session.key, line.n)
        return ok(reason="deleted")

    def _message(self) -> tuple[Session, Message]:
        session = self.session()
        for line in listed(session):
            if str(fingerprint(line)) == self.path["fingerprint"]:
                return session, line
        raise RefusedError(404, "message_not_found")

    @route("PATCH", f"{ONE}/read")
    def mark_read(self) -> tuple[int, Any]:
        """All, or those of these fingerprints."""
        session, body = self.session(), self.body
        sender = body.need("from")
        body.need("origin")
        if sender == "operator":  # what the operators wrote was read by the visitor
            named = body.data.get("fingerprints")
            wanted = [line.n for line in listed(session) if not isinstance(named, list) or fingerprint(line) in named]
            self.account.hub.mark_read(session.key, max(wanted, default=0))
        return ok(reason="updated")

    @route("PATCH", f"{ONE}/unread")
    @route("PATCH", f"{ONE}/delivered")
    @route("PATCH", f"{ONE}/compose")
    def acknowledge(self) -> tuple[int, Any]:
        self.session()
        return ok(reason="updated")


def _newest(lines: list[Message]) -> list[Message]:
    """Those of one millisecond stay together: who asks for what was before it would miss the others."""
    cut = milliseconds(lines[-MESSAGES].at) if len(lines) > MESSAGES else 0
    return [item for item in lines if milliseconds(item.at) >= cut]


def _optional_flag(body: Body, name: str) -> bool:
    if not isinstance(body.data.get(name, False), bool):
        raise RefusedError(400, "invalid_data", f"{name} is true or false")
    return body.flag(name)

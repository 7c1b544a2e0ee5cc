"""Crisp's conversations, one by one and in batches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ....sandbox.api import Account, route
from ....sandbox.body import Body
from ....sandbox.sessions import RefusedError, Session
from .calls import WEBSITE, CrispCall, ok
from .shapes import PARTS, STATES, conversation, meta

ONE = f"{WEBSITE}/conversation/<id>"
SEARCHES = ("text", "segment", "filter")
WANTED = {"unresolved": "opened", "pending": "pending", "resolved": "closed"}
BATCH = 200  # sessions of one call: UNCONFIRMED


class Conversations(CrispCall):
    """Conversations, one by one and in batches."""

    @route("GET", f"{WEBSITE}/conversations/<int:page>")
    def list_conversations(self) -> tuple[int, Any]:
        account, size = self.own_account(), self.page_size()
        sessions = [session for session in account.hub.conversations(account.name) if self._is_wanted(account, session)]
        if self.flag("order_date_created"):
            sessions.sort(key=lambda item: item.created, reverse=True)
        self.flag("order_date_updated")
        return self.page_of([conversation(account, item) for item in sessions], size)

    def _is_wanted(self, account: Account, session: Session) -> bool:
        since, until = self.moment("filter_date_start"), self.moment("filter_date_end")
        unread = bool(session.messages) and session.messages[-1].author == "visitor"
        conditions = {
            "filter_resolved": account.state(session) == "closed",
            "filter_not_resolved": account.state(session) != "closed",
            "filter_assigned": session.agent is not None,
            "filter_unassigned": session.agent is None,
            "filter_unread": unread,
        }
        return (
            all(holds for name, holds in conditions.items() if self.flag(name))
            and (since is None or session.changed >= since)
            and (until is None or session.changed <= until)
            and self._is_found(session)
        )

    def _is_found(self, session: Session) -> bool:
        """By a word in its text or by a segment. What a filter of models says is not read here."""
        text, kind = self.query.get("search_query", "").casefold(), self.query.get("search_type", "text")
        if kind not in SEARCHES:
            raise RefusedError(400, "invalid_data", f"search_type is one of {', '.join(SEARCHES)}")
        if kind == "segment":
            return not text or text in (name.casefold() for name in session.tags)
        return kind == "filter" or any(text in line.text.casefold() for line in session.messages)

    @route("POST", f"{WEBSITE}/conversation")
    def create_conversation(self) -> tuple[int, Any]:
        account = self.own_account()
        return ok({"session_id": account.hub.create(account.name, "session_")}, 201, "added")

    @route("GET", ONE)
    def get_conversation(self) -> tuple[int, Any]:
        return ok(conversation(self.account, self.session()))

    @route("DELETE", ONE)
    def delete_conversation(self) -> tuple[int, Any]:
        self.account.hub.drop(self.session().key)
        return ok(reason="deleted")

    @route("POST", f"{ONE}/initiate")
    def initiate(self) -> tuple[int, Any]:
        """The chatbox is told that somebody waits in it."""
        self.session()
        return ok(reason="initiated")

    @route("GET", f"{ONE}/state")
    def get_state(self) -> tuple[int, Any]:
        return ok({"state": STATES[self.account.state(self.session())]})

    @route("PATCH", f"{ONE}/state")
    def change_state(self) -> tuple[int, Any]:
        _decide(self.account, self.session().key, self.body.need("state"))
        return ok(reason="updated")

    @route("GET", f"{ONE}/meta")
    def get_meta(self) -> tuple[int, Any]:
        return ok(meta(self.session()))

    @route("PATCH", f"{ONE}/meta")
    def change_meta(self) -> tuple[int, Any]:
        session, body, hub = self.session(), self.body, self.account.hub
        data = {name: text for name in PARTS if (text := body.text(name)) is not None}
        email, name = data.pop("email", None), data.pop("nickname", None)
        if email or name:
            known = session.identity
            state = "unverified" if known.state == "anonymous" or email not in (None, known.email) else known.state
            reason = known.reason if state == known.state else "set over the REST API"
            changed = replace(known, state=state, email=email or known.email, name=name or known.name, reason=reason)
            hub.identify(session.key, changed)
        hub.detail(session.key, data)
        if "data" in body.data:
            hub.describe(session.key, body.values("data"))
        if "segments" in body.data:
            hub.tag(session.key, body.texts("segments"))
        return ok(reason="updated")

    @route("GET", f"{ONE}/routing")
    def get_routing(self) -> tuple[int, Any]:
        agent = self.session().agent
        return ok({"assigned": {"user_id": agent} if agent else None})

    @route("PATCH", f"{ONE}/routing")
    def change_routing(self) -> tuple[int, Any]:
        self._assign(self.session().key)
        return ok(reason="updated")

    def _assign(self, key: str) -> None:
        agent = self.body.part("assigned").text("user_id")
        if agent and self.account.agent(agent) is None:
            raise RefusedError(400, "invalid_data", "there is no such operator")
        self.account.hub.assign(key, agent)

    @route("GET", f"{ONE}/block")
    def get_block(self) -> tuple[int, Any]:
        return ok({"blocked": self.session().is_blocked})

    @route("PATCH", f"{ONE}/block")
    def change_block(self) -> tuple[int, Any]:
        session = self.session()
        self.account.hub.set(session.key, is_blocked=_boolean(self.body, "blocked"))
        return ok(reason="updated")

    @route("GET", f"{ONE}/participants")
    def get_participants(self) -> tuple[int, Any]:
        addresses = self.session().participants
        return ok({"participants": [{"type": "email", "target": item} for item in addresses]})

    @route("PUT", f"{ONE}/participants")
    def save_participants(self) -> tuple[int, Any]:
        session, given = self.session(), self.body.data.get("participants")
        if not isinstance(given, list) or len(given) > 50 or not all(isinstance(item, dict) for item in given):
            raise RefusedError(400, "invalid_data", "participants is a list of objects")
        addresses = tuple(Body(item).need("target") for item in given if Body(item).need("type") == "email")
        self.account.hub.set(session.key, participants=addresses)
        return ok(reason="saved")

    @route("GET", f"{ONE}/pages/<int:page>")
    def list_visited_pages(self) -> tuple[int, Any]:
        session = self.session()
        known = {"page_title": "", "page_url": session.page, "page_referrer": "", "timestamp": int(session.seen * 1000)}
        return self.page_of([known] if session.page else [])

    @route("GET", f"{ONE}/events/<int:page>")
    def list_events(self) -> tuple[int, Any]:
        events = [
            {"text": event.name, "data": dict(event.data), "color": "grey", "timestamp": int(event.at * 1000)}
            for event in reversed(self.session().events)
        ]
        return self.page_of(events)

    @route("GET", f"{ONE}/files/<int:page>")
    def list_files(self) -> tuple[int, Any]:
        files = [line for line in reversed(self.session().messages) if line.type in ("file", "audio", "animation")]
        return self.page_of([{**dict(item.content or {}), "timestamp": int(item.at * 1000)} for item in files])

    @route("POST", f"{ONE}/feedback")
    def ask_for_rating(self) -> tuple[int, Any]:
        self.session()
        return ok(reason="requested")

    @route("POST", f"{ONE}/transcript")
    def send_transcript(self) -> tuple[int, Any]:
        """To the visitor, an operator, or another address."""
        session = self.session()
        to, email = self.body.need("to"), self.body.text("email")
        if to not in ("user", "operator", "other") or (to == "other" and not email):
            raise RefusedError(400, "invalid_data", "to is user, operator or other, with an email")
        if to == "user" and not session.identity.email:
            raise RefusedError(400, "email_not_known")
        return ok(reason="requested")

    @route("GET", f"{WEBSITE}/conversations/suggest/segments/<int:page>")
    def list_segments(self) -> tuple[int, Any]:
        sessions = self.own_account().hub.sessions(self.account.name)
        names = dict.fromkeys(name for session in sessions for name in session.tags)
        return self.page_of(
            [{"segment": name, "count": sum(name in session.tags for session in sessions)} for name in names]
        )

    @route("PATCH", f"{WEBSITE}/batch/<what>")
    def batch(self) -> tuple[int, Any]:
        """The same for several conversations. One that is not there is passed over."""
        account, what, body = self.own_account(), self.path["what"], self.body
        keys = [key for key in body.texts("sessions", BATCH) if account.hub.has(account.name, key)]
        for key in keys:
            if what in ("resolve", "unresolve"):
                _decide(account, key, f"{what}d")
            elif what == "remove":
                account.hub.drop(key)
            elif what == "block":
                account.hub.set(key, is_blocked=_boolean(body, "blocked"))
            elif what == "routing":
                self._assign(key)
            elif what == "segments":
                account.hub.tag(key, body.texts("segments"))
            elif what == "read":
                account.hub.mark_read(key, 2**53)
            else:
                raise RefusedError(404, "not_found")
        return ok(reason="processed")


def _decide(account: Account, key: str, wanted: str) -> None:
    if wanted not in WANTED:
        raise RefusedError(400, "invalid_data", "state is unresolved, pending or resolved")
    if wanted == "resolved":
        account.hub.end(key, "agent")
    else:
        account.hub.decide(key, "opened" if wanted == "unresolved" else "pending")


def _boolean(body: Body, name: str) -> bool:
    value = body.data.get(name)
    if not isinstance(value, bool):
        raise RefusedError(400, "invalid_data", f"{name} is true or false")
    return value

"""What the stand-ins remember: sessions, messages, who is whom. In memory, bounded, thread safe."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, replace
from typing import Any

from .sessions import (
    Author,
    Change,
    Event,
    Identity,
    Kind,
    Message,
    RefusedError,
    Session,
    State,
    Status,
    Value,
    as_dict,
    copy,
    detail,
    from_dict,
    lines,
    summary,
)

DECISIONS: Mapping[Kind, State] = {"opened": "open", "pending": "pending", "snoozed": "snoozed"}
MAX_SESSIONS = 500
MAX_ATTRIBUTES = 200
MAX_WAITING = 200  # threads parked in a long-poll; more are answered at once

Listener = Callable[[Change, Session, Message | None], None]
"""Told of each change of a conversation, with a copy of it; called under the hub's lock, so it must not wait."""


class Hub:
    """All sessions of one app. Every method may be called from any thread."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._changed = threading.Condition()
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._names: dict[tuple[str, str, str], str] = {}
        self._status: dict[str, Status] = {}
        self._status_n: dict[str, int] = {}
        self._waiting = 0
        self._n = 0
        self.listener: Listener | None = None
        self.on_change: Callable[[], None] | None = None  # called under the lock, so it must not wait

    # -- finding -----------------------------------------------------------------------------------------------

    def create(self, vendor: str, prefix: str = "") -> str:
        """Open a session and return its key. The one that was quiet longest makes room when there are too many."""
        with self._changed:
            key, now = prefix + str(uuid.uuid4()), self.clock()
            self._sessions[key] = Session(key, vendor, seen=now, number=self._n + 1, created=now, changed=now)
            self._note(self._sessions[key])
            while len(self._sessions) > MAX_SESSIONS:
                self._drop(next(iter(self._sessions)))
            return key

    def number(self) -> int:
        """A number that nothing else has here."""
        with self._changed:
            self._n += 1
            return self._n

    def bind(self, key: str, kind: str, value: str) -> None:
        """Make the session findable by ``value`` too: a user id, a continuity token, an anonymous id."""
        with self._changed:
            session = self._get(key)
            session.names.add((kind, value))
            self._names[session.vendor, kind, value] = key

    def unbind(self, key: str, kind: str) -> None:
        """Forget the session's names of that kind."""
        with self._changed:
            session = self._get(key)
            for name in [name for name in session.names if name[0] == kind]:
                session.names.discard(name)
                self._names.pop((session.vendor, *name), None)

    def find(self, vendor: str, kind: str, value: str) -> str | None:
        """The key of the session bound to that name."""
        with self._changed:
            return self._names.get((vendor, kind, value))

    def bound(self, key: str, kind: str) -> str | None:
        """The session's name of that kind."""
        with self._changed:
            return next((value for other, value in self._get(key).names if other == kind), None)

    def has(self, vendor: str, key: str | None) -> bool:
        """Whether that vendor has a session with this key."""
        with self._changed:
            session = self._sessions.get(key or "")
            return session is not None and session.vendor == vendor

    def idle(self, key: str) -> float:
        """Seconds since the visitor was last here; 0 once a message was written, such a session stays."""
        with self._changed:
            session = self._get(key)
            return 0.0 if session.messages else self.clock() - session.seen

    def identity(self, key: str) -> Identity:
        """Who the vendor believes this is."""
        with self._changed:
            return self._get(key).identity

    # -- changing ----------------------------------------------------------------------------------------------

    def visit(self, key: str, page: str) -> None:
        """The visitor is on this page."""
        with self._changed:
            session = self._get(key)
            session.page = page
            session.seen = self.clock()
            self._note(session)

    def identify(self, key: str, identity: Identity) -> None:
        """Remember who this is."""
        with self._changed:
            session = self._get(key)
            session.was_verified = session.identity.state == "verified"
            session.identity, session.is_forgotten = identity, False
            self._note(session)
            self._tell("identified", session)

    def refuse(self, key: str, reason: str) -> None:
        """Show the agent that the vendor refused an identity; what was proven before stays."""
        with self._changed:
            session = self._get(key)
            if session.identity.state != "verified":
                session.identity = replace(session.identity, state="refused", reason=reason)
            self.happen(key, "identity refused", {"reason": reason})

    def describe(self, key: str, attributes: Mapping[str, Value]) -> None:
        """Merge attributes; ``None`` removes one. Raises RefusedError when there are too many."""
        with self._changed:
            session = self._get(key)
            together = {**session.attributes, **attributes}
            merged: dict[str, Value] = {name: value for name, value in together.items() if value is not None}
            if len(merged) > MAX_ATTRIBUTES:
                raise RefusedError(400, "too_many_attributes")
            session.attributes = merged
            self._note(session)

    def tag(self, key: str, tags: tuple[str, ...]) -> None:
        """Set the session's tags or segments."""
        with self._changed:
            session = self._get(key)
            session.new_tags = tuple(name for name in tags if name not in session.tags)
            session.tags = tags
            session.tagged_at = {name: session.tagged_at.get(name, self.clock()) for name in tags}
            self._note(session)
            self._tell("tagged", session)

    def happen(self, key: str, name: str, data: Mapping[str, Value]) -> None:
        """Remember an event."""
        with self._changed:
            session = self._get(key)
            self._note(session)
            session.events.append(Event(self._n, name, dict(data), self.clock()))

    def say(
        self,
        key: str,
        author: Author,
        text: str,
        kind: Kind = "text",
        agent: str | None = None,
        is_unsnoozing: bool = True,
        **more: Any,
    ) -> Message:
        """Add a message and wake everyone who waits for it. All but a note open a closed conversation again.

        A snoozed one is opened by a note, too, unless ``is_unsnoozing`` is false. ``more`` are the other fields of the
        message.
        """
        with self._changed:
            session = self._get(key)
            if (session.state == "snoozed" and is_unsnoozing) or (kind == "text" and not session.ongoing):
                session.state, session.until = "open", None
            message = self._say(session, author, text, kind, agent, **more)
            self._tell("said", session, message)
            return message

    def change(self, key: str, n: int, **fields: Any) -> None:
        """Give a message of the session other fields."""
        with self._changed:
            session = self._get(key)
            known = [replace(line, **fields) if line.n == n else line for line in session.messages]
            self._keep(session, known)
            self._tell("changed", session, next((item for item in known if item.n == n), None))

    def remove(self, key: str, n: int) -> None:
        """Take a message of the session away."""
        with self._changed:
            session = self._get(key)
            gone = next((line for line in session.messages if line.n == n), None)
            self._tell("removed", session, gone)
            self._keep(session, [line for line in session.messages if line.n != n])

    def rate(self, key: str, value: int) -> None:
        """Remember what the visitor thinks of the conversation."""
        with self._changed:
            session = self._get(key)
            session.rating, session.rated_at = value, self.clock()
            self._note(session)
            self._tell("rated", session)

    def mark_read(self, key: str, upto: int) -> None:
        """The visitor has seen messages up to this revision."""
        with self._changed:
            session = self._get(key)
            session.read = max(session.read, min(upto, self._n))
            self._note(session)

    def end(self, key: str, who: Author, agent: str | None = None, words: str = "") -> None:
        """Close the conversation, perhaps with words. The next message opens it again."""
        with self._changed:
            session = self._get(key)
            if session.ongoing:
                session.state = "closed"
                decided = self._say(session, who, words, "closed", agent)
                self._say(session, "system", f"Conversation ended by the {who}.")
                self._tell("decided", session, decided)

    def decide(self, key: str, kind: Kind, agent: str | None = None, until: float | None = None) -> None:
        """An agent opens or snoozes the conversation, or lets it wait. The words of ``kind`` are the states'."""
        with self._changed:
            session = self._get(key)
            state = DECISIONS[kind]
            if (session.state, session.until) != (state, until):
                kind = "unsnoozed" if (kind, session.state) == ("opened", "snoozed") else kind
                session.state, session.until = state, until
                self._decided(session, "agent", kind, agent)

    def assign(
        self, key: str, agent: str | None, team: str | None = None, by: str | None = None, words: str = ""
    ) -> None:
        """The conversation is this agent's now, or this team's, or nobody's."""
        with self._changed:
            session = self._get(key)
            session.agent, session.team = agent, team
            self._decided(session, "agent", "assigned", by, words)

    def set(self, key: str, **fields: Any) -> None:
        """Give the session other fields of those that nobody is told of."""
        with self._changed:
            session = self._get(key)
            for name, value in fields.items():
                setattr(session, name, value)
            self._note(session)

    def detail(self, key: str, details: Mapping[str, str]) -> None:
        """Merge what is known of the person."""
        with self._changed:
            session = self._get(key)
            session.details = {**session.details, **details}
            self._note(session)

    def forget(self, key: str) -> None:
        """What was said stays; who it was is forgotten, and nobody finds it as their own."""
        with self._changed:
            session = self._get(key)
            session.identity, session.attributes, session.details = Identity(), {}, {}
            session.is_forgotten = True
            for kind in {kind for kind, _ in session.names}:
                self.unbind(key, kind)
            self._touch(session)

    def drop(self, key: str) -> None:
        """Forget a session, and all that was said in it."""
        with self._changed:
            self._tell("dropped", self._get(key))
            self._drop(key)

    def set_status(self, vendor: str, status: Status) -> None:
        """Agents of this vendor are now online, away or offline."""
        with self._changed:
            self._status[vendor] = status
            self._n += 1
            self._status_n[vendor] = self._n
            self._wake()

    # -- looking -----------------------------------------------------------------------------------------------

    def view(self, key: str, after: int = 0) -> dict[str, object]:
        """What the visitor's browser is told: JSON-able, with the messages that came after revision ``after``."""
        with self._changed:
            session = self._get(key)
            return {
                "session": key,
                "revision": self._n,
                "status": self._status.get(session.vendor, "online"),
                "identity": asdict(session.identity),
                "attributes": dict(session.attributes),
                "tags": list(session.tags),
                "messages": lines(line for line in session.messages if line.n > after and line.kind != "note"),
                "read": session.read,
                "rating": session.rating,
                "ongoing": session.ongoing,
            }

    def look(self, key: str) -> Session:
        """The session as it is now: a copy."""
        with self._changed:
            return copy(self._get(key))

    def conversations(self, vendor: str) -> list[Session]:
        """That vendor's sessions in which something was said, the last changed first: copies."""
        with self._changed:
            sessions = [session for session in self._sessions.values() if session.vendor == vendor and session.messages]
            return [copy(item) for item in sorted(sessions, key=lambda item: (item.changed, item.number), reverse=True)]

    def sessions(self, vendor: str) -> list[Session]:
        """All of that vendor's sessions, the oldest first: copies."""
        with self._changed:
            return [copy(session) for session in self._sessions.values() if session.vendor == vendor]

    def status(self, vendor: str) -> Status:
        """Whether that vendor's agents are there."""
        with self._changed:
            return self._status.get(vendor, "online")

    def wait(self, key: str, after: int, seconds: float) -> dict[str, object]:
        """Like ``view``, but held back for at most ``seconds`` until there is news. Raises when it is gone."""

        def news() -> bool:
            session = self._sessions.get(key)
            return session is None or max(session.news, self._status_n.get(session.vendor, 0)) > after

        with self._changed:
            self._park(news, seconds)
            return self.view(key, after)

    def desk(self, after: int, seconds: float, key: str | None) -> dict[str, object]:
        """The agent's view: every session in short, one of them in full. Held back until something changed."""
        with self._changed:
            self._park(lambda: self._n > after, seconds)
            chosen = self._sessions.get(key or "")
            return {
                "revision": self._n,
                "status": dict(self._status),
                "sessions": [summary(session) for session in reversed(self._sessions.values())],
                "detail": detail(chosen) if chosen else None,
            }

    # -- beyond this process ----------------------------------------------------------------------------------

    def dump(self, max_bytes: int) -> str:
        """All sessions as JSON, without the oldest where that is too long."""
        with self._changed:
            rows: list[str] = []
            for session in reversed(self._sessions.values()):
                row = json.dumps(as_dict(session))
                max_bytes -= len(row)
                if max_bytes < 0:
                    break
                rows.insert(0, row)
            names = [[*name, key] for name, key in self._names.items()]
            return f'{{"revision":{self._n},"names":{json.dumps(names)},"sessions":[{",".join(rows)}]}}'

    def load(self, text: str, vendors: Collection[str]) -> None:
        """The sessions of these vendors, as ``dump`` wrote them. Raises what JSON of another shape leads to."""
        data = json.loads(text)
        with self._changed:
            self._n = max(self._n, int(data["revision"]))
            for row in data["sessions"]:
                if row["vendor"] in vendors:
                    self._sessions[row["key"]] = from_dict(row)
            for vendor, kind, value, key in data["names"]:
                if key in self._sessions:
                    self._names[vendor, kind, value] = key

    def clear(self) -> None:
        """Forget everything."""
        with self._changed:
            self._sessions.clear()
            self._names.clear()
            self._status.clear()
            self._n += 1
            self._changed.notify_all()

    # -- inside, with the lock held ----------------------------------------------------------------------------

    def _wake(self) -> None:
        self._changed.notify_all()
        if self.on_change is not None:
            self.on_change()

    def _park(self, ready: Callable[[], bool], seconds: float) -> None:
        if self._waiting >= MAX_WAITING:
            return
        self._waiting += 1
        try:
            self._changed.wait_for(ready, timeout=seconds)
        finally:
            self._waiting -= 1

    def _get(self, key: str) -> Session:
        try:
            return self._sessions[key]
        except KeyError:  # made room for another one since the browser last asked
            raise RefusedError(404, "no_session") from None

    def _say(
        self, session: Session, author: Author, text: str, kind: Kind = "text", agent: str | None = None, **more: Any
    ) -> Message:
        self._touch(session)
        if kind != "note":
            session.news = self._n
        message = Message(self._n, author, text, session.changed, kind, agent, **more)
        session.messages.append(message)
        return message

    def _decided(self, session: Session, who: Author, kind: Kind, agent: str | None, words: str = "") -> None:
        """What was decided is a line, too, once there is a conversation."""
        if session.messages:
            self._tell("decided", session, self._say(session, who, words, kind, agent))
        else:
            self._touch(session)

    def _keep(self, session: Session, messages: list[Message]) -> None:
        session.messages.clear()
        session.messages.extend(messages)
        self._touch(session)

    def _tell(self, change: Change, session: Session, message: Message | None = None) -> None:
        if self.listener is not None and session.messages:
            self.listener(change, copy(session), message)

    def _touch(self, session: Session) -> None:
        session.changed = self.clock()
        self._note(session)

    def _note(self, session: Session) -> None:
        self._n += 1
        session.n = self._n
        self._sessions.move_to_end(session.key)
        self._wake()

    def _drop(self, key: str) -> None:
        session = self._sessions.pop(key)
        for name in session.names:
            if self._names.get((session.vendor, *name)) == key:  # it may be another session's by now
                del self._names[session.vendor, *name]
        self._wake()

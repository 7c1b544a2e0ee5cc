"""What the stand-ins tell the app, as each vendor does: webhooks of its shapes, headers and signature."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import Headers
from werkzeug.test import Client

from flask_livechat import providers

from .rest import tawk as tawk_rest
from .rest.api import Account, Call
from .rest.crisp import shapes as crisp_rest
from .rest.intercom import records as intercom_records
from .rest.intercom import shapes as intercom_shapes
from .sessions import Change, Kind, Message, Session
from .standin import Body, secrets

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from flask_livechat.desk.background import BackgroundQueue

# Seconds after which a delivery that was not taken is repeated. Only Intercom's are documented.
PAUSES: Mapping[str, tuple[float, ...]] = {"intercom": (60,), "crisp": (10, 60, 300), "tawk": (30, 300, 1800)}
Told = Iterator[dict[str, Any]]


@dataclass(frozen=True)
class Sender:
    """Posts to the app's own addresses, after whatever is being answered. ``prefix``: ``/livechat/webhooks``.

    ``wanted``: whether somebody listens. A site that only embeds chat gets no database for what nobody asks for.
    """

    app: WSGIApplication
    url: str  # of the app
    prefix: str
    accounts: Mapping[str, Account]
    queue: BackgroundQueue
    wanted: Callable[[], bool]

    def tell(self, change: Change, session: Session, message: Message | None) -> None:
        """Called by the hub for each change of a conversation."""
        account = self.accounts.get(session.vendor)
        if account is None or not self.wanted():
            return
        for said in TELL[session.vendor](account, change, session, message):
            body = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
            self._post(account, body, str(uuid.uuid4()), 0)

    def _post(self, account: Account, body: bytes, delivery: str, attempt: int) -> None:
        pauses = PAUSES[account.name]

        def post() -> None:
            headers = HEADERS[account.name](delivery, attempt, len(pauses) + 1) | _signed(account, body)
            path = f"{self.prefix}/{account.name}"
            status = (
                Client(self.app)
                .post(path, base_url=self.url, data=body, headers=headers, content_type="application/json")
                .status_code
            )
            if (status >= 500 or status in (408, 429)) and attempt < len(pauses):
                self._post(account, body, delivery, attempt + 1)

        self.queue.put("a webhook of the sandbox", post, delay_s=pauses[attempt - 1] if attempt else 0.0)


def _signed(account: Account, body: bytes) -> dict[str, str]:
    room = providers.webhooks(account.name)
    assert room is not None  # noqa: S101 - there is a stand-in only for rooms that have one  # nosec B101
    return room.sign(secrets(account.values, room.secrets[0])[0], body, datetime.now(UTC))


# -- Crisp -------------------------------------------------------------------------------------------------------------


def _crisp(account: Account, change: Change, session: Session, message: Message | None) -> Told:
    data: dict[str, Any] = {"website_id": account.values["WEBSITE_ID"], "session_id": session.key, "inbox_id": None}
    now = int(account.clock() * 1000)
    begins = change == "said" and message is not None and message.n == session.messages[0].n
    if session.identity.email and (begins or change == "identified"):
        yield _of_crisp(account, "session:set_email", data | {"email": session.identity.email}, now)
    if change in ("said", "changed", "removed") and message is not None:
        yield _of_crisp(account, *_message_of_crisp(account, change, session, message))
    elif change == "decided" and message is not None:
        if message.kind in ("closed", "opened", "pending"):
            state = crisp_rest.STATES[account.state(session)]
            yield _of_crisp(account, "session:set_state", data | {"state": state}, now)
        elif message.kind == "assigned":
            yield _of_crisp(account, "session:set_routing", data | {"routing_id": session.agent}, now)
    elif change == "rated" and session.rating is not None:
        yield _of_crisp(account, "session:sync:rating", data | {"rating": {"stars": session.rating}}, now)
    elif change == "tagged":
        yield _of_crisp(account, "session:set_segments", data | {"segments": list(session.tags)}, now)
    elif change == "dropped":
        yield _of_crisp(account, "session:removed", data, now)


def _message_of_crisp(
    account: Account, change: Change, session: Session, message: Message
) -> tuple[str, dict[str, Any], int]:
    """What was said is stamped with its own moment, what became of it with that of the change."""
    data = crisp_rest.message(account, session, message) | {"inbox_id": None}
    now = int(account.clock() * 1000)
    if change == "said":
        return "message:send" if message.author == "visitor" else "message:received", data, data["timestamp"]
    known = {name: data[name] for name in ("website_id", "session_id", "inbox_id", "fingerprint")}
    if change == "removed":
        return "message:removed", known, now
    return "message:updated", known | {"content": data["content"]}, now


def _of_crisp(account: Account, event: str, data: Mapping[str, Any], at: int) -> dict[str, Any]:
    return {"website_id": account.values["WEBSITE_ID"], "event": event, "data": dict(data), "timestamp": at}


def _crisp_headers(delivery: str, attempt: int, limit: int) -> dict[str, str]:
    return {"X-Delivery-Attempt-Count": str(attempt + 1), "X-Delivery-Attempt-Limit": str(limit)}


# -- Intercom ----------------------------------------------------------------------------------------------------------

TOPICS: Mapping[Kind, str] = {
    "closed": "conversation.admin.closed",
    "opened": "conversation.admin.opened",
    "snoozed": "conversation.admin.snoozed",
    "assigned": "conversation.admin.assigned",
}


def _intercom(account: Account, change: Change, session: Session, message: Message | None) -> Told:
    first = intercom_shapes.first_of(session)
    if change in ("said", "decided") and message is not None:
        new = message if message.n != first.n else None  # that one is the source
        for topic in _topics(message, is_first=new is None):
            yield _of_intercom(account, topic, _conversation_of_intercom(account, session, new))
    elif change == "rated":
        yield _of_intercom(account, "conversation.rating.added", _conversation_of_intercom(account, session, None))
    elif change == "tagged" and session.new_tags:
        item = _conversation_of_intercom(account, session, first)
        added = [intercom_records.tag(account, name) for name in session.new_tags]
        item |= {"tags_added": {"type": "tag.list", "tags": added}}
        yield _of_intercom(account, "conversation_part.tag.created", item)
    elif change == "dropped":
        gone = {"type": "conversation", "conversation_id": str(session.number)}
        yield _of_intercom(account, "conversation.deleted", gone)


def _topics(message: Message, *, is_first: bool) -> tuple[str, ...]:
    """A bot's reply is told under two topics, each with a notification of its own."""
    if message.kind in TOPICS:
        return (TOPICS[message.kind],)
    if message.author == "visitor":
        return ("conversation.user.created" if is_first else "conversation.user.replied",)
    if message.author == "bot":
        return "conversation.admin.replied", "conversation.operator.replied"
    if message.kind == "note":
        return ("conversation.admin.noted",)
    return ("conversation.admin.single.created" if is_first else "conversation.admin.replied",)


def _conversation_of_intercom(account: Account, session: Session, new: Message | None) -> dict[str, Any]:
    """A conversation, with the new part alone. Moments of its statistics are texts here, unlike in the REST API."""
    call = Call(account, Headers({"Intercom-Version": str(account.values.get("API_VERSION"))}), {}, {}, Body({}))
    item = intercom_shapes.whole(call, session)
    parts = [] if new is None else [intercom_shapes.part(call, session, new)]
    moments = {name: _moment(value) if name.endswith("_at") else value for name, value in item["statistics"].items()}
    listed = {"type": "conversation_part.list", "conversation_parts": parts, "total_count": len(parts)}
    return item | {
        "conversation_parts": listed,
        "statistics": moments,
        "teammates": {"type": "admin.list", "admins": item["teammates"]["teammates"]},
    }


def _of_intercom(account: Account, topic: str, item: Mapping[str, Any]) -> dict[str, Any]:
    now = int(account.clock())
    return {
        "type": "notification_event",
        "id": f"notif_{uuid.uuid4()}",
        "topic": topic,
        "app_id": account.values["APP_ID"],
        "data": {"type": "notification_event_data", "item": dict(item)},
        "delivery_status": "pending",
        "delivery_attempts": 1,
        "delivered_at": 0,
        "first_sent_at": now,
        "created_at": now,
        "links": {},
        "self": None,
    }


def _intercom_headers(delivery: str, attempt: int, limit: int) -> dict[str, str]:
    return {"User-Agent": "intercom-parrot-service-client/1.0"}


# -- Tawk.to -----------------------------------------------------------------------------------------------------------


def _tawk(account: Account, change: Change, session: Session, message: Message | None) -> Told:
    """A chat's start, its end, and then all that was said in it."""
    now = _moment(account.clock())
    common = {"time": now, "property": {"id": account.values["PROPERTY_ID"], "name": "Sandbox"}}
    who = {"name": session.identity.name or f"V{session.number}", "city": "unknown", "country": "DE"}
    visitor = who | ({"email": session.identity.email} if session.identity.email else {})
    if change == "said" and message is not None and message.n == session.messages[0].n:
        said = {"text": message.text, "type": "msg", "sender": {"type": tawk_rest.SENDERS[message.author]}}
        yield common | {"event": "chat:start", "chatId": session.key, "message": said, "visitor": visitor}
    elif change == "decided" and message is not None and message.kind == "closed":
        yield common | {"event": "chat:end", "chatId": session.key, "visitor": visitor}
        messages = [tawk_rest.message(account, one) for one in session.messages if one.kind == "text"]
        chat = {"id": session.key, "visitor": visitor, "messages": messages}
        yield common | {"event": "chat:transcript_created", "domain": "localhost", "referrer": "", "chat": chat}


def _tawk_headers(delivery: str, attempt: int, limit: int) -> dict[str, str]:
    return {"X-Hook-Event-Id": delivery}


def _moment(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


TELL: Mapping[str, Callable[[Account, Change, Session, Message | None], Told]] = {
    "crisp": _crisp,
    "intercom": _intercom,
    "tawk": _tawk,
}
HEADERS: Mapping[str, Callable[[str, int, int], dict[str, str]]] = {
    "crisp": _crisp_headers,
    "intercom": _intercom_headers,
    "tawk": _tawk_headers,
}

"""Intercom's webhooks (as of 2026-11): ``sha1=`` and the HMAC-SHA1 of the raw body under the app's client secret."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ... import signing
from ...hooks import Delivery, HookRoom
from ...model import Event
from .. import Values, moment

BEST = 5
SPOKEN = {
    "conversation.user.replied": "visitor",
    "conversation.admin.replied": "agent",
    "conversation.operator.replied": "bot",
}
CHANGES = {"conversation.admin.closed": "conversation_closed", "conversation.admin.opened": "conversation_reopened"}
TAG = re.compile(r"<[^>]*>")


def verify(values: Values, delivery: Delivery) -> bool:
    scheme, _, given = delivery.headers.get("x-hub-signature", "").partition("=")
    made = [signing.hmac_hex(one, delivery.body, "sha1") for one in values["CLIENT_SECRET"]]
    return scheme == "sha1" and any(signing.same(one, given) for one in made)


def sign(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    return {"X-Hub-Signature": f"sha1={signing.hmac_hex(secret, body, 'sha1')}"}


def parse(values: Values, delivery: Delivery) -> Sequence[Event]:
    said = delivery.json()
    item, topic = said["data"]["item"], str(said["topic"])
    if said.get("app_id") != values["APP_ID"]:
        return ()  # notifications come from every workspace that has installed the app
    if not isinstance(item, Mapping):
        raise ValueError("no item")
    at = _required(said["created_at"])
    told: dict[str, Any] = {"provider": "intercom", "raw": said, "at": at, "id": str(said.get("id") or delivery.digest)}
    if topic == "contact.deleted":  # the last word about somebody who may have been forgotten: not to be kept
        return (Event(kind="contact_changed", **told | {"raw": {"topic": topic}}),)
    if topic.startswith("contact."):
        lead = topic.startswith("contact.lead.") or item.get("role") == "lead"  # whose id is Intercom's own
        visitor = None if lead else item.get("external_id") or None
        who: dict[str, Any] = {"visitor": visitor, "email": item.get("email") or None}
        return (Event(kind="contact_changed", **told, **who),)
    if not topic.startswith("conversation.") or item.get("type") != "conversation":
        return (Event(kind="unknown", **told),)
    told |= _conversation(item)
    if topic == "conversation.user.created":
        source = item.get("source") or {}
        told |= {"author": "visitor", "text": _plain(source.get("body"))}
        return (Event(kind="conversation_started", **told),)
    if topic in SPOKEN:
        return _messages(item, SPOKEN[topic], told)
    if topic in CHANGES:
        return (Event(kind=CHANGES[topic], author="bot" if _by_a_bot(item) else "agent", **told),)
    if topic == "conversation.rating.added":
        # Its payload is UNCONFIRMED beyond "a conversation": without a rating in it nothing is rated.
        rating = (item.get("conversation_rating") or {}).get("rating")
        if isinstance(rating, int) and not isinstance(rating, bool) and 1 <= rating <= BEST:
            return (Event(kind="rated", rating=rating, best=BEST, **told),)
    return (Event(kind="unknown", **told),)


def _conversation(item: Mapping[str, Any]) -> dict[str, Any]:
    people = (item.get("contacts") or {}).get("contacts") or [{}]
    author = (item.get("source") or {}).get("author") or {}
    tags = (item.get("tags") or {}).get("tags")
    known = None if author.get("type") == "lead" else people[0].get("external_id")
    return {
        "conversation": str(item.get("id") or item["conversation_id"]),
        "visitor": known or None,
        "email": author.get("email") or None if author.get("type") in ("user", "lead", "contact") else None,
        "tags": None if tags is None else tuple(str(one["name"]) for one in tags),
    }


def _parts(item: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Of a conversation, only the new ones are in it."""
    return (item.get("conversation_parts") or {}).get("conversation_parts") or []


def _by_a_bot(item: Mapping[str, Any]) -> bool:
    """Whether it was a bot that closed it: beside that part another one may ask for a rating."""
    closing = [one for one in _parts(item) if one.get("part_type") == "close"]
    return any((one.get("author") or {}).get("type") == "bot" for one in closing)


def _messages(item: Mapping[str, Any], author: str, told: dict[str, Any]) -> Sequence[Event]:
    """One of the new parts is the reply. Where none is in it, something was said all the same."""
    said = [one for one in _parts(item) if one.get("part_type", "comment") != "note" and _says(one)]
    if not said:
        return (Event(kind="message", author=author, **told),)
    return [
        Event(
            **(
                told | {"id": f"{told['id']}:{one.get('id', n)}", "at": _of_a_chat(one.get("created_at")) or told["at"]}
            ),
            kind="message",
            author=author,
            text=_plain(one.get("body")),
        )
        for n, one in enumerate(said)
    ]


def _says(part: Mapping[str, Any]) -> bool:
    return bool(part.get("body") or part.get("attachments"))


def _plain(body: Any) -> str | None:
    return TAG.sub("", body) or None if isinstance(body, str) else None


def _moment(value: Any) -> datetime | None:
    """Unix seconds, or ISO 8601, as some deliveries have it."""
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            return None
    return None if isinstance(value, bool) else moment(value)


def _of_a_chat(value: Any) -> datetime | None:
    """A moment that somebody may mean."""
    found = _moment(value)
    return found if found is not None and 2000 <= found.year < 2200 else None


def _required(value: Any) -> datetime:
    found = _of_a_chat(value)
    if found is None:
        raise ValueError("no moment of a chat")
    return found


WEBHOOKS = HookRoom(secrets=("CLIENT_SECRET",), verify=verify, parse=parse, sign=sign)

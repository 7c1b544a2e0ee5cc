"""Events as rows of the tables, and rows as events."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from ..model import Event
from ..safe_text import well_formed

IMPORTED = "imported"  # the state of a past that no webhook has brought: an import's, or the sandbox's own
MAX_KEY_CHARS = 500  # of an id, an email or a tag; beyond some 2,700 bytes PostgreSQL indexes none


def event_row(event: Event, now: datetime) -> dict[str, Any]:
    """Return the row of an event that came ``now``. It keeps up to a hundred tags."""
    return {
        "provider": event.provider,
        "key": hashlib.sha256(event.id.encode("utf-8", "surrogatepass")).hexdigest(),
        "event": _text(event.id),
        "kind": event.kind,
        "at": event.at,
        "received_at": now,
        "conversation": key_text(event.conversation),
        "visitor": key_text(event.visitor),
        "email": key_text(event.email and event.email.lower()),
        "author": event.author,
        "text": _text(event.text),
        "rating": event.rating,
        "best": event.best,
        "tags": None if event.tags is None else json.dumps([key_text(tag) for tag in event.tags[:100]]),
        "raw": json.dumps(event.raw),  # ASCII: whatever was in it
        "sequence": event.sequence,
        "state": "pending",
        "attempts": 0,
        "due_at": now,
    }


def people_rows(event_id: int, event: Event) -> list[dict[str, Any]]:
    """Return a row for everybody whom an event names. No id is empty: nobody is to be found by one."""
    return [
        {
            "event": event_id,
            "provider": event.provider,
            "contact": key_text(person.id) or None,
            "visitor": key_text(person.external_id) or None,
            "email": key_text(person.email and person.email.lower()) or None,
        }
        for person in event.people
    ]


def read_event(row: Any) -> Event:
    try:
        raw = json.loads(row["raw"])
    except RecursionError:  # earlier versions took JSON that is nested too deeply to be read again
        raw = {}
    names = ("provider", "kind", "at", "conversation", "visitor", "email", "author", "text", "rating", "best")
    fields = {name: row[name] for name in (*names, "sequence")}
    return Event(id=row["event"], tags=read_tags(row), raw=raw, **fields)


def read_tags(row: Any) -> tuple[str, ...] | None:
    return None if row["tags"] is None else tuple(json.loads(row["tags"]))


def key_text(value: str | None) -> str | None:
    """Return an id, an email or a tag in a length that an index takes: PostgreSQL's end at some 2,700 bytes."""
    text = _text(value)
    return text and text[:MAX_KEY_CHARS]


def _text(value: str | None) -> str | None:
    """Return text that every database takes: PostgreSQL knows no NUL, and nobody a lone surrogate."""
    return None if value is None else well_formed(value).replace("\0", "")

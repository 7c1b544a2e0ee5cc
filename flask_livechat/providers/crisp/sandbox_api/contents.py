"""What a message of Crisp's holds: text, or for the other types an object of a shape of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....sandbox.api import MAX_TEXT
from ....sandbox.body import TEXT, Body
from ....sandbox.sessions import RefusedError

# The fields that an object must have, by the message's type. The last one is shown where only text can be.
FIELDS = {
    "file": ("url", "type", "name"),
    "animation": ("type", "url"),
    "audio": ("type", "url"),
    "picker": ("id", "text"),
    "field": ("id", "explain", "text"),
    "carousel": ("text",),
    "event": ("namespace",),
}
# Of types that hold a list: its name, and the fields of each object in it.
LISTS = {"picker": ("choices", ("value", "label")), "carousel": ("targets", ("title", "description"))}


def read(body: Body) -> tuple[str, Mapping[str, Any] | None]:
    """The words of a message, and its content where that is no text. Raises RefusedError(400)."""
    kind = body.need("type")
    if kind in ("text", "note"):
        return body.need("content", MAX_TEXT), None
    if kind not in FIELDS:
        raise RefusedError(400, "invalid_data", f"type is one of {', '.join(('text', 'note', *FIELDS))}")
    content = body.part("content")
    if kind == "audio":
        content.number("duration", 0, 10**6)
    if kind in LISTS:
        _check_list(content, kind)
    texts = [content.need(name, MAX_TEXT if name == "text" else TEXT) for name in FIELDS[kind]]
    return texts[-1], content.data


def _check_list(content: Body, kind: str) -> None:
    name, fields = LISTS[kind]
    items = content.data.get(name)
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise RefusedError(400, "invalid_data", f"{name} is a list of objects")
    for item in items:
        for field in fields:
            Body(item).need(field)
        if kind == "picker" and not isinstance(item.get("selected"), bool):
            raise RefusedError(400, "invalid_data", "selected is true or false")

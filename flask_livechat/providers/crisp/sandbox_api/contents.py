"""What a message of Crisp's holds: text, or for the other types an object of a shape of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ....sandbox.api import MAX_TEXT
from ....sandbox.body import Body
from ....sandbox.sessions import RefusedError

TYPES = ("text", "file", "animation", "audio", "picker", "field", "carousel", "note", "event")


def read(body: Body) -> tuple[str, Mapping[str, Any] | None]:
    """The words of a message, and its content where that is no text. Raises RefusedError(400)."""
    kind = body.need("type")
    if kind not in TYPES:
        raise RefusedError(400, "invalid_data", f"type is one of {', '.join(TYPES)}")
    if kind in ("text", "note"):
        return body.need("content", MAX_TEXT), None
    content = body.part("content")
    return SHAPES[kind](content), content.data


def _file(content: Body) -> str:
    content.need("url")
    content.need("type")
    return content.need("name")


def _animation(content: Body) -> str:
    content.need("type")
    return content.need("url")


def _audio(content: Body) -> str:
    content.need("type")
    content.number("duration", 0, 10**6)
    return content.need("url")


def _picker(content: Body) -> str:
    content.need("id")
    for choice in _items(content, "choices"):
        choice.need("value")
        choice.need("label")
        if not isinstance(choice.data.get("selected"), bool):
            raise RefusedError(400, "invalid_data", "selected is true or false")
    return content.need("text", MAX_TEXT)


def _field(content: Body) -> str:
    content.need("id")
    content.need("explain")
    return content.need("text", MAX_TEXT)


def _carousel(content: Body) -> str:
    for target in _items(content, "targets"):
        target.need("title")
        target.need("description")
    return content.need("text", MAX_TEXT)


def _event(content: Body) -> str:
    return content.need("namespace")


def _items(content: Body, name: str) -> list[Body]:
    items = content.data.get(name)
    if not isinstance(items, list) or not items or not all(isinstance(one, dict) for one in items):
        raise RefusedError(400, "invalid_data", f"{name} is a list of objects")
    return [Body(one) for one in items]


SHAPES: Mapping[str, Callable[[Body], str]] = {
    "file": _file,
    "animation": _animation,
    "audio": _audio,
    "picker": _picker,
    "field": _field,
    "carousel": _carousel,
    "event": _event,
}

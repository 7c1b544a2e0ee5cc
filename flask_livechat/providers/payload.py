"""A vendor's JSON, field by field: what a field holds, where it is of the type that the vendor documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

T = TypeVar("T")


class Payload:
    """A JSON object. A field of another type counts as missing; its name is counted in ``odd``."""

    __slots__ = ("data", "odd")

    def __init__(self, data: Mapping[str, Any], odd: Counter[str]) -> None:
        self.data, self.odd = data, odd

    def text(self, name: str) -> str | None:
        """Text that is not empty."""
        value = self.data.get(name)
        if isinstance(value, str):
            return value or None
        self._left_out(name, value)
        return None

    def key(self, name: str) -> str | None:
        """An id, which vendors write as text or as a whole number."""
        value = self.data.get(name)
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else self.text(name)

    def whole(self, name: str, least: int, most: int) -> int | None:
        """A whole number within limits; ``4.0`` is one."""
        value: Any = self.data.get(name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and least <= value <= most and value == int(value):
            return int(value)
        self._left_out(name, value)
        return None

    def flag(self, name: str) -> bool:
        value = self.data.get(name)
        if not isinstance(value, bool):
            self._left_out(name, value)
        return value is True

    def part(self, name: str) -> Payload:
        """An object within; an empty one where there is none."""
        value = self.data.get(name)
        if isinstance(value, dict):
            return Payload(value, self.odd)
        self._left_out(name, value)
        return Payload({}, self.odd)

    def need(self, name: str) -> Payload:
        """An object within. Raises ``ValueError`` where there is none."""
        value = self.data.get(name)
        if not isinstance(value, dict):
            raise ValueError(f"{name} is no object")
        return Payload(value, self.odd)

    def items(self, name: str) -> list[Payload] | None:
        """The objects of a list, which some vendors put into an object under its own name. None without a list."""
        value = self.data.get(name)
        listed = value.get(name) if isinstance(value, dict) else value
        if not isinstance(listed, list):
            self._left_out(name, value)
            return None
        for item in listed:
            if not isinstance(item, dict):
                self._left_out(name, item)
        return [Payload(item, self.odd) for item in listed if isinstance(item, dict)]

    def texts(self, name: str) -> tuple[str, ...] | None:
        """The texts of a list. None without a list."""
        value = self.data.get(name)
        if not isinstance(value, list):
            self._left_out(name, value)
            return None
        for item in value:
            if not isinstance(item, str):
                self._left_out(name, item)
        return tuple(item for item in value if isinstance(item, str) and item)

    def _left_out(self, name: str, value: Any) -> None:
        if value is not None:
            self.odd[name] += 1


def required(value: T | None, name: str) -> T:
    """A value that an event cannot do without. Raises ``ValueError``."""
    if value is None:
        raise ValueError(f"{name} is missing")
    return value


def chat_moment(moment: datetime | None) -> datetime | None:
    """A moment that somebody may mean."""
    return moment if moment is not None and 2000 <= moment.year < 2200 else None


def objects(value: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object within JSON, with the name of the field that holds it or its list, in the order of the text."""
    waiting = [(name, value)] if isinstance(value, dict | list) else []
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            yield name, value
            children = [(key, item) for key, item in value.items() if isinstance(item, dict | list)]
        else:
            children = [(name, item) for item in value if isinstance(item, dict | list)]
        waiting += reversed(children)

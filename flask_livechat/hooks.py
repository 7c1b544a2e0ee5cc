"""A vendor's webhooks: how a delivery is verified, and which events it holds. Pure."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .model import Event, Message

MAX_DEPTH = 64  # of objects and lists within each other


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came in. ``headers`` have lower-case names; ``odd`` counts the fields that a parser has left out."""

    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    odd: Counter[str] = field(default_factory=Counter, compare=False)

    def json(self) -> dict[str, Any]:
        """The body as a JSON object, without numbers that JSON has not. Raises ``ValueError`` for anything else."""
        try:
            data = json.loads(self.body, parse_float=_finite, parse_constant=lambda name: None)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        if not isinstance(data, dict):
            raise ValueError("not an object")
        if _is_too_deep(data):
            raise ValueError("nested too deeply")
        return data

    @property
    def digest(self) -> str:
        """Of the body's bytes: what tells two deliveries apart where their id is not signed."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class File:
    """An attachment, at the vendor."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Details:
    """What a delivery says beside its event, for those who read the conversation.

    ``author`` is the name of whoever wrote. ``pages`` are addresses that the visitor has been at, ``attributes`` what
    the page's context says. ``handling`` has any of ``agent`` (the vendor's id, or None), ``agent_name``,
    ``snoozed_until`` (aware, or None) and ``verified`` (whether the vendor vouches for the visitor), and only those of
    which the delivery speaks.
    """

    author: str | None = None
    files: tuple[File, ...] = ()
    pages: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    handling: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WebhookSpec:
    """A vendor's webhooks.

    ``secrets``: keys of which one at least must be configured. ``verify`` answers, whatever it is given. ``parse`` is
    asked for verified bytes alone. For what is not the vendor's shape it raises ``ValueError``, ``KeyError``,
    ``TypeError`` or ``AttributeError``; it gives no event for what is not this account's. ``sent_at``: when the vendor
    says it was sent, for a freshness window; None where it does not. ``sign(secret, body, now)`` gives the headers that
    the vendor would send; it signs by the first of ``secrets``. ``details`` reads the rest of what is kept of an event;
    whatever it is given, it does not raise. ``event_id``: which id the event has that tells of a message of the desk's.
    """

    secrets: tuple[str, ...]
    verify: Callable[[Mapping[str, Any], Delivery], bool]
    parse: Callable[[Mapping[str, Any], Delivery], Sequence[Event]]
    sign: Callable[[str, bytes, datetime], dict[str, str]]
    sent_at: Callable[[Delivery], datetime | None] = lambda delivery: None
    details: Callable[[Event], Details] = lambda event: Details()
    event_id: Callable[[Message], str | None] = lambda message: None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _is_too_deep(data: dict[str, Any]) -> bool:
    level: list[Any] = [data]
    for _ in range(MAX_DEPTH):
        level = [child for holder in level for child in (holder.values() if isinstance(holder, dict) else holder)]
        level = [child for child in level if isinstance(child, dict | list)]
        if not level:
            return False
    return True

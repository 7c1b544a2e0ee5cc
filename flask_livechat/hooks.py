"""What a room says about its vendor's webhooks: how a delivery is verified, and which events it holds. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .model import Event


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came in. ``headers`` have lower-case names."""

    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises ``ValueError`` for anything else."""
        try:
            said = json.loads(self.body)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        if not isinstance(said, dict):
            raise ValueError("not an object")
        return said

    @property
    def digest(self) -> str:
        """Of the body's bytes: what tells two deliveries apart where their id is not signed."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class HookRoom:
    """A vendor's webhooks.

    ``secrets``: keys of which one at least must be configured. ``verify`` answers, whatever it is given. ``parse`` is
    asked for verified bytes alone. For what is not the vendor's shape it raises ``ValueError``, ``KeyError``,
    ``TypeError`` or ``AttributeError``; it gives no event for what is not this account's. ``sent_at``: when the vendor
    says it was sent, for a freshness window; None where it does not. ``sign(secret, body, now)`` gives the headers that
    the vendor would send; it signs by the first of ``secrets``.
    """

    secrets: tuple[str, ...]
    verify: Callable[[Mapping[str, Any], Delivery], bool]
    parse: Callable[[Mapping[str, Any], Delivery], Sequence[Event]]
    sign: Callable[[str, bytes, datetime], dict[str, str]]
    sent_at: Callable[[Delivery], datetime | None] = lambda delivery: None

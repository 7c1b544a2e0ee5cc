"""A vendor's webhooks: how a delivery is verified, and which events it holds. Pure."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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

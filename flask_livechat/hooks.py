"""A vendor's webhooks: how a delivery is verified, and which events it holds. Pure."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Delivery:
    """A vendor's request to our webhook."""

    #: Its headers, with lower-case names.
    headers: Mapping[str, str] = field(repr=False)
    #: Its query string's parts.
    query: Mapping[str, str] = field(repr=False)
    #: Its body, as it came. The signature is of these bytes.
    body: bytes = field(repr=False)
    #: How many fields a parser has left out, by name.
    odd: Counter[str] = field(default_factory=Counter, compare=False)

    def json(self) -> dict[str, Any]:
        """Return the body, a JSON object without NaN and infinities. Raise ``ValueError`` for anything else."""

        def finite(digits: str) -> float | None:
            number = float(digits)
            return number if math.isfinite(number) else None

        try:
            data = json.loads(self.body, parse_float=finite, parse_constant=lambda name: None)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        if not isinstance(data, dict):
            raise ValueError("not an object")
        level: list[Any] = [data]
        for _ in range(64):  # objects and lists within each other
            level = [child for holder in level for child in (holder.values() if isinstance(holder, dict) else holder)]
            level = [child for child in level if isinstance(child, dict | list)]
            if not level:
                return data
        raise ValueError("nested too deeply")

    @property
    def digest(self) -> str:
        """The digest of the body's bytes, which tells two deliveries apart where their id is not signed."""
        return hashlib.sha256(self.body).hexdigest()

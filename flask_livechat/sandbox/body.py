"""How a stand-in reads its hostile input, and checks what is signed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from .. import signing
from .sessions import RefusedError, Value

Values = Mapping[str, object]

TEXT = 1024
BIG = 2**53  # a JSON number beyond this is not the same number in a browser


@dataclass(frozen=True, slots=True)
class Body:
    """A JSON object someone sent. Every reader gives the right type or raises RefusedError(400)."""

    data: Mapping[str, object]

    def text(self, name: str, limit: int = TEXT) -> str | None:
        """Text, or None when absent, null or empty."""
        value = self.data.get(name)
        if value is None or value == "":
            return None
        return _clean(value, name, limit)

    def need(self, name: str, limit: int = TEXT) -> str:
        """Text that must be there."""
        value = self.text(name, limit)
        if value is None or not value.strip():
            raise RefusedError(400, f"{name}_missing")
        return value

    def number(self, name: str, low: int, high: int) -> int:
        """A whole number within bounds."""
        value = self.data.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise RefusedError(400, f"{name}_invalid")
        return value

    def flag(self, name: str) -> bool:
        """True only for JSON's true."""
        return self.data.get(name) is True

    def part(self, name: str) -> Body:
        """An object inside; an empty one when absent."""
        value = self.data.get(name)
        if value is None:
            return Body({})
        if not isinstance(value, dict):
            raise RefusedError(400, f"{name}_invalid")
        return Body(value)

    def values(self, name: str) -> dict[str, Value]:
        """A flat object of plain values."""
        return {_clean(key, name, 255): _plain(value, name) for key, value in self.part(name).data.items()}

    def texts(self, name: str, count: int = 50) -> tuple[str, ...]:
        """A list of texts, without repetitions, in order."""
        value = self.data.get(name)
        if not isinstance(value, list) or len(value) > count:
            raise RefusedError(400, f"{name}_invalid")
        return tuple(dict.fromkeys(_clean(item, name, 255) for item in value))


def parse(raw: bytes) -> Body:
    """Read a JSON object strictly: no NaN, no infinities, no nesting that breaks the parser."""
    try:
        data = json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise RefusedError(400, "json_invalid") from None
    if not isinstance(data, dict):
        raise RefusedError(400, "json_invalid")
    return Body(data)


def normal_markdown(text: str) -> str:
    """Markdown as a vendor gives it back: the same text by its own habits. What is in a code fence stays."""
    fence, lines = "", list[str]()
    for line in text.replace("\r\n", "\n").rstrip().split("\n"):
        mark = re.match(r" {0,3}(```|~~~)", line)
        if mark and fence in ("", mark[1]):
            fence = "" if fence else mark[1]
        if fence or mark:
            lines.append(line)
        elif line.strip() or lines[-1:] != [""]:
            marked = re.sub(r"^( *)[*+] (?=\S)", r"\1- ", line.rstrip())
            lines.append(re.sub(r"(?<![\w_])__(\S[^_`]*?)__(?![\w_])", r"**\1**", marked))
    return "\n".join(lines).strip("\n") + "\n" if text.strip() else ""


def secrets(values: Values, name: str) -> tuple[str, ...]:
    """The accepted secrets under a key: several during a rotation, none when not configured."""
    value = values.get(name) or ()
    return (value,) if isinstance(value, str) else tuple(map(str, value)) if isinstance(value, (tuple, list)) else ()


def proves(keys: tuple[str, ...], message: str, digest: str) -> bool:
    """Whether ``digest`` is the lower-case hex HMAC-SHA256 of ``message`` under one of the keys."""
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        return False
    return any(signing.same(signing.hmac_hex(key, message), digest) for key in keys)


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _clean(value: object, name: str, limit: int) -> str:
    if not isinstance(value, str) or len(value) > limit:
        raise RefusedError(400, f"{name}_invalid")
    try:
        value.encode()
    except UnicodeEncodeError:  # a lone surrogate: valid JSON, but no text
        raise RefusedError(400, f"{name}_invalid") from None
    return value


def _plain(value: object, name: str) -> Value:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _clean(value, name, 4096)
    if isinstance(value, (int, float)) and abs(value) < BIG and math.isfinite(value):
        return value
    raise RefusedError(400, f"{name}_invalid")

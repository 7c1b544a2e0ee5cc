"""A vendor's limits applied: text is cut, and what a vendor does not take is left out."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from ..model import Value
from ..safe_text import well_formed

log = logging.getLogger("flask_livechat")


def cut(text: str | None, most: int) -> str | None:
    """Text without control characters and at most ``most`` characters long; None when nothing is left."""
    if not text:
        return None
    plain = text if text.isprintable() else re.sub(r"[\x00-\x1f\x7f]+", " ", text)
    return plain.strip()[:most] or None


def whole(text: str | None, most: int) -> str | None:
    """Text that must not be changed (an email, a URL): as it is, or None when it is too long."""
    return text if text and len(text) <= most else None


def moment(unix: Any) -> datetime | None:
    """Of Unix seconds. None for what is no time, or none that has a year."""
    try:
        return datetime.fromtimestamp(unix, UTC) if isinstance(unix, int | float) else None
    except (ValueError, OverflowError, OSError):
        return None


def seconds(moment: datetime | None) -> int | None:
    """Unix seconds."""
    return None if moment is None else int(moment.timestamp())


def without_empty(**values: Any) -> dict[str, Any]:
    """Only what has a value, be it zero or ``False``."""
    return {name: value for name, value in values.items() if value or value == 0}


def scalar(value: Any) -> Value:
    """A value as JSON and every vendor can carry it: text, a finite number, a boolean; anything else as text."""
    if type(value) is str:
        return well_formed(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    try:
        return value if isinstance(value, int) and abs(value) < 2**53 else well_formed(str(value))
    except Exception:  # whatever an object's own __str__ raises, and ValueError for a number of thousands of digits
        return None


def fit(
    attributes: Mapping[str, Value], key: Callable[[str], str], value: Callable[[Value], Any], most: int
) -> dict[str, Any]:
    """At most ``most`` attributes, adapted. What becomes empty is left out, and so is a key seen before."""
    fitted: dict[str, Any] = {}
    for name, content in attributes.items():
        plain = content if type(content) is str and content.isascii() else scalar(content)
        fitting = None if plain is None else value(plain)
        if fitting is not None and fitting != "" and (adapted := _adapted(key, str(name))) and adapted not in fitted:
            fitted[adapted] = fitting
    if len(fitted) > most:
        log.debug("livechat: %d attributes are more than the vendor's %d; the last are left out.", len(fitted), most)
        fitted = dict(list(fitted.items())[:most])
    return fitted


@lru_cache(1024)
def _adapted(key: Callable[[str], str], name: str) -> str:
    """An app has few names for its attributes, and says them on every page."""
    return key(name)

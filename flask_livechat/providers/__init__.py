"""The vendors. The folder is the registry: a room is a package in here whose ``PROVIDER`` says all about its vendor."""

from __future__ import annotations

import importlib
import logging
import math
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from ..errors import LiveChatError
from ..hooks import HistorySpec, WebhookSpec
from ..model import Value, Visitor, well_formed
from ..operation import ApiSpec

log = logging.getLogger("flask_livechat")
T = TypeVar("T")
CONTROL = re.compile(r"[\x00-\x1f\x7f]+")

Values = Mapping[str, Any]
"""A room's configuration by key name (``"PROPERTY_ID"``); a secret is ``Secrets``, newest first."""


class Secrets(tuple[str, ...]):
    """Secret values, newest first. Prints as a count."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} secret{'s' * (len(self) != 1)}>"


@dataclass(frozen=True, slots=True)
class Key:
    """One configuration value of a vendor: ``LIVECHAT_<VENDOR>_<name>``."""

    name: str
    pattern: str  # a regular expression that the whole value must match
    where: str  # where in the vendor's console it is found
    example: str  # passes the pattern; the sandbox runs on it
    secret: bool = False
    required: bool = False  # without it the vendor is not configured
    credential: bool = False  # no secret, but the name that goes with one
    default: str | None = None
    min_chars: int = 16  # of a secret: half of what the vendor makes, where that is known
    use: str = ""  # "region": what it is for, where no other part of the vendor's tells


@dataclass(frozen=True, slots=True)
class Provider:
    """Facts about one vendor, and the few functions that differ between vendors.

    A capability the vendor lacks is ``None`` (or missing from ``can``).
    """

    name: str
    title: str  # as the vendor spells it
    keys: tuple[Key, ...]
    script: Callable[[Values], str]  # the address of the vendor's script
    csp: Callable[[Values], Mapping[str, tuple[str, ...]]]  # directive -> sources the vendor needs
    cookies: Callable[[Values], tuple[str, ...]]  # first-party cookies; a trailing * is any ending
    storage: Callable[[Values], tuple[str, ...]]  # localStorage keys; a trailing * is any ending
    settings: Callable[[Values], dict[str, Any]]  # public ids for the page
    visitor: Callable[
        [Values, Visitor], dict[str, Any]
    ]  # what the page says of the visitor, within the vendor's limits
    prove: Callable[[Values, Visitor, int, int], dict[str, Any] | None]  # (…, now, life in seconds) -> proof
    attributes: Callable[[Mapping[str, Value]], dict[str, Any]]  # any mapping -> what the vendor takes
    identity: str  # the key whose secret proves who a visitor is
    elements: str  # CSS selectors of what the vendor's script puts into the page's body
    as_of: str = ""  # when these facts were last checked: "2026-11"
    domains: Callable[[Values], tuple[str, ...]] = lambda values: ()  # the vendor's own, with all their subdomains
    crossorigin: str | None = None  # of the vendor's script element
    hosts: tuple[str, ...] = ()  # origins that the vendor's script asks next: worth a connection before it runs
    article_frames: tuple[str, ...] = ()  # sources of help articles and the films in them: LIVECHAT_CSP_ARTICLES
    can: frozenset[str] = field(default_factory=frozenset)  # "tour", "article", "message", "rating", "offline", …


def example_values(room: Provider) -> Values:
    """A room's values made of its keys' own examples, as the sandbox takes them."""
    return {key.name: Secrets((key.example,)) if key.secret else key.default or key.example for key in room.keys}


def names() -> tuple[str, ...]:
    """The vendors that have a room, in alphabetical order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg))


@dataclass(frozen=True, slots=True)
class Signs:
    """What gives a vendor away in code that somebody wrote by hand: regular expressions, for the doctor.

    ``identifies`` and ``proven`` are read against the same script: who says who the visitor is, and with what proof.
    """

    loads: str  # its script is asked for
    calls: str  # its names in the browser
    identifies: str
    proven: str
    leaks: str  # a value that only the server should hold, in whichever group matched


@dataclass(frozen=True, slots=True)
class LiveSpec:
    """What ``doctor --live`` can read of a vendor's answers, beyond their status. Both may be missing.

    ``refusal`` takes an answer (decoded JSON) to a request with an identity, and gives the vendor's code where it
    refuses that. ``verified`` takes the app's values, ``request(method, path)`` of the vendor's API and what the vendor
    stored in the browser, and gives whether the vendor believes the identity; None where it does not say. ``spare``
    names proofs that the page holds for another case, and that are not sent beside the others.
    """

    refusal: Callable[[Any], str | None] | None = None
    verified: Callable[[Values, Callable[[str, str], Any], Mapping[str, str]], bool | None] | None = None
    spare: frozenset[str] = frozenset()


@lru_cache
def load(name: str) -> Provider:
    """The ``PROVIDER`` of a room. Raises ``LiveChatError`` for a name without one."""
    room = f"{__name__}.{name}"
    if name not in names():
        raise LiveChatError(f"There is no provider {name!r}; there are {', '.join(names())}.")
    provider = getattr(importlib.import_module(room), "PROVIDER", None)
    if not isinstance(provider, Provider):
        raise LiveChatError(f"providers/{name}/__init__.py must end with PROVIDER = Provider(…).")
    return provider


def api(name: str) -> ApiSpec | None:
    """A room's ``API``, out of its ``api.py``; None for a vendor without an API of ours."""
    return record(name, "api", "API", ApiSpec)


def webhooks(name: str) -> WebhookSpec | None:
    """A room's ``WEBHOOKS``, out of its ``webhooks.py``; None for a vendor that sends none."""
    return record(name, "webhooks", "WEBHOOKS", WebhookSpec)


def history(name: str) -> HistorySpec | None:
    """A room's ``HISTORY``, out of its ``history.py``; None for one that gives no past conversations."""
    return record(name, "history", "HISTORY", HistorySpec)


def signs(name: str) -> Signs | None:
    """A room's ``SIGNS``, out of its ``signs.py``; None for a room without one."""
    return record(name, "signs", "SIGNS", Signs)


def live(name: str) -> LiveSpec | None:
    """A room's ``LIVE``, out of its ``live.py``; None for a room without one."""
    return record(name, "live", "LIVE", LiveSpec)


def has_stand_in(name: str) -> bool:
    """Whether the sandbox can stand in for a vendor. Nothing of its ``sandbox.py`` is loaded for the answer."""
    return (folder(name) / "sandbox.py").is_file()


@lru_cache
def record(name: str, module: str, attribute: str, kind: type[T]) -> T | None:
    """A record out of a file of a room's, which only the room that has one is asked for."""
    if not (folder(name) / f"{module}.py").is_file():
        return None
    found = getattr(importlib.import_module(f"{__name__}.{name}.{module}"), attribute)
    return found if isinstance(found, kind) else None


def adapter(name: str) -> Path:
    """A room's ``widget.js``."""
    return folder(name) / "widget.js"


def folder(name: str) -> Path:
    """Where a room's files are."""
    return Path(str(importlib.import_module(f"{__name__}.{name}").__file__)).parent


# What several rooms need to stay within their vendor's limits.


def cut(text: str | None, most: int) -> str | None:
    """Text without control characters and at most ``most`` characters long; None when nothing is left."""
    text = text or ""
    plain = text if text.isprintable() else CONTROL.sub(" ", text)
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


def given(**values: Any) -> dict[str, Any]:
    """Only what has a value, be it zero or ``False``."""
    return {name: value for name, value in values.items() if value or isinstance(value, int | float)}


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
        adapted, plain = _adapted(key, str(name)), scalar(content)
        fitting = None if plain is None else value(plain)
        if adapted and adapted not in fitted and fitting not in (None, ""):
            fitted[adapted] = fitting
    if len(fitted) > most:
        log.debug("livechat: %d attributes are more than the vendor's %d; the last are left out.", len(fitted), most)
        fitted = dict(list(fitted.items())[:most])
    return fitted


@lru_cache(1024)
def _adapted(key: Callable[[str], str], name: str) -> str:
    """An app has few names for its attributes, and says them on every page."""
    return key(name)

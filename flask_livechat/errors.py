"""What can go wrong.

LiveChatError
├── ConfigError     a wrong configuration, with every Problem at once
├── Unsupported     a vendor lacks what was asked for
├── TooOften        the team has begun enough conversations with a visitor today
└── ApiError        a call of a vendor's API failed
    ├── Unauthorized    401: the credentials are wrong
    ├── Forbidden       403: they are right, and do not allow it
    ├── NotFound        404, 410
    ├── Conflict        409: it exists already
    ├── Invalid         400, 413, 415, 422: the vendor does not take what was sent
    ├── RateLimited     429 (Crisp: 420, too), after all retries; 423, a spent daily quota, at once
    ├── VendorDown      5xx, or no connection
    └── TimedOut        no answer in time
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from .safe_text import quantity


def what_failed(error: BaseException) -> str:
    """Return for a log an error's type and the app's line that led to it, without its text, which may hold anything.

    An app that is installed looks like a library. Then the last line outside of Python's own library is
    named, be it the app's, this package's or a library's.
    """
    import sysconfig  # noqa: PLC0415 - most code does not fail

    standard, installed = (
        tuple(sysconfig.get_path(name) for name in names)
        for names in (("stdlib", "platstdlib"), ("purelib", "platlib"))
    )
    frames, package = traceback.extract_tb(error.__traceback__), str(Path(__file__).parent)
    apps = [frame for frame in frames if not frame.filename.startswith((package, *standard, *installed))]
    called = [
        frame
        for frame in frames
        if frame.filename.startswith((package, *installed)) or not frame.filename.startswith(standard)
    ]
    nearest = (apps or called or frames)[-1:]
    where = "".join(f" at {Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in nearest)
    return type(error).__name__ + where


class LiveChatError(Exception):
    """The base class of every error that this package raises."""

    def __reduce__(self) -> Any:
        """Send an error to other processes by its text and its fields, not by the arguments that it was made of."""
        return Exception.__new__, (type(self), *self.args), dict(self.__dict__)


def shown(value: Any) -> str:
    """Return a value for a message or, where it could be a secret under the wrong key, what kind of value it is."""
    if isinstance(value, str):
        mixed = len(re.findall(r"\d", value)) >= 2 and len(re.findall(r"[A-Za-z]", value)) >= 2
        hidden = len(value) > 16 or (mixed and len(value) >= 8)
        return f"a text of {len(value)} characters" if hidden else repr(value)
    if value is None or isinstance(value, bool | int | float):
        return repr(value) if len(repr(value)) <= 8 else f"a number of {len(repr(value))} characters"
    return f"a value of type {type(value).__name__}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of the configuration. It never contains a secret's value."""

    #: Stable and documented: ``LC102``.
    code: str
    #: The setting that is wrong: ``LIVECHAT_TAWK_PROPERTY_ID``.
    key: str
    #: What is wrong with it: ``'nope' does not look right``.
    what: str
    #: What to do, or where to find the value.
    fix: str

    def __str__(self) -> str:
        return f"{self.code} {self.key}: {self.what}. {self.fix}"


class ConfigError(LiveChatError, click.ClickException):
    """The configuration is invalid. ``problems`` has all problems, not just the first.

    ``flask`` prints the message alone, without a traceback, as it does for every error of click.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(["The live chat configuration has problems:", *(f"  {p}" for p in self.problems)]))


class Unsupported(LiveChatError):
    """The vendor does not support the method."""

    def __init__(self, provider: str, method: str) -> None:
        self.provider, self.method = provider, method
        super().__init__(f"{method} is not supported by {provider}.")


class TooOften(LiveChatError):
    """The team has started ``limit`` conversations with this visitor within 24 hours, and may not start more."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        times = quantity(limit, "conversation") if limit else "no conversation"
        super().__init__(f"The team begins {times} with a visitor within 24 hours: LIVECHAT_OUTREACH is {limit}.")


class ApiError(LiveChatError):
    """A call of a vendor's API failed.

    ``status`` is None if there was no answer. ``code`` and ``request_id`` are the vendor's own, if it sends them.
    ``fields`` names invalid fields. ``body`` is the start of the answer, without credentials.
    """

    def __init__(
        self,
        what: str,
        *,
        provider: str,
        call: str,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        fields: Mapping[str, str] | None = None,
        retry_after: float | None = None,
        body: str = "",
    ) -> None:
        self.provider, self.call, self.status, self.code = provider, call, status, code
        self.request_id, self.fields, self.retry_after, self.body = request_id, dict(fields or {}), retry_after, body
        parts = [f"{provider}: {call}: {what}", *(f"{name}: {why}" for name, why in self.fields.items())]
        super().__init__("; ".join(parts) + (f" (request {request_id})" if request_id else ""))


class Unauthorized(ApiError):
    """The credentials are wrong."""


class Forbidden(ApiError):
    """The credentials do not allow this."""


class NotFound(ApiError):
    """The object does not exist, or not any more."""


class Conflict(ApiError):
    """The object exists already, or has changed."""


class Invalid(ApiError):
    """The vendor does not accept the request. ``fields`` says what is wrong, if the vendor does."""


class RateLimited(ApiError):
    """There were too many calls. ``retry_after`` is in seconds, if the vendor says when it accepts the next call."""


class VendorDown(ApiError):
    """The vendor has a fault, or cannot be reached."""


class TimedOut(ApiError):
    """There was no answer in time. It is not known whether the call was carried out."""

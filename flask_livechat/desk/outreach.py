"""How often the team begins a conversation with a visitor: a guard, for a loop that goes wrong writes to everybody.

Counts are kept in the app's database where it has one, so that all of its processes count together. Else each process
counts for itself.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from ..errors import (
    Conflict,
    Forbidden,
    Invalid,
    LiveChatError,
    NotFound,
    RateLimited,
    TooOften,
    Unauthorized,
    Unsupported,
)
from ..system import in_children

if TYPE_CHECKING:
    from .store import Store

log = logging.getLogger(__name__)
DAY = timedelta(days=1)
MAX_CLAIMS = 100_000  # that a process remembers; the oldest is forgotten for one more
# What says for certain that nobody was written to. After a timeout, say, nobody knows: that counts.
NOT_SENT = (ValueError, Unsupported, Unauthorized, Forbidden, NotFound, Conflict, Invalid, RateLimited)


class Claims(Protocol):
    """Who was written to within a day. Any thread may call both."""

    def claim(self, visitor: str, limit: int, now: datetime) -> int | None:
        """Take one of the visitor's ``limit`` slots of a day and return its number. None where all are taken."""

    def release(self, visitor: str, slot: int) -> None:
        """Give a slot back."""


class ProcessClaims:
    """Claims in memory, for an app without a database."""

    def __init__(self) -> None:
        self._taken: OrderedDict[tuple[str, int], datetime] = OrderedDict()  # the oldest first
        self._renew_lock()
        in_children(self, ProcessClaims._renew_lock)  # a thread that had it is not in the child

    def _renew_lock(self) -> None:
        self._lock = Lock()

    def claim(self, visitor: str, limit: int, now: datetime) -> int | None:
        with self._lock:
            while self._taken and (next(iter(self._taken.values())) <= now - DAY or len(self._taken) >= MAX_CLAIMS):
                self._taken.popitem(last=False)
            free = next((slot for slot in range(limit) if (visitor, slot) not in self._taken), None)
            if free is not None:
                self._taken[visitor, free] = now
            return free

    def release(self, visitor: str, slot: int) -> None:
        with self._lock:
            self._taken.pop((visitor, slot), None)


class StoreClaims:
    """Claims in the app's database, which is opened on first use. While it does not answer, nobody is written to."""

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self._open = open_store

    def claim(self, visitor: str, limit: int, now: datetime) -> int | None:
        from .store import explain  # noqa: PLC0415 - it needs the extra

        try:
            return self._open().claim_outreach(visitor, limit, now, DAY)
        except Exception as error:
            if (reason := explain(error)) is None:
                raise
            raise LiveChatError(f"No conversation was started, because it could not be counted. {reason}") from None

    def release(self, visitor: str, slot: int) -> None:
        """Whoever releases has the vendor's error to raise: one of the database's is only logged."""
        try:
            self._open().release_outreach(visitor, slot)
        except Exception as error:
            log.warning("livechat: a refused conversation stays counted for a day: %s.", type(error).__name__)


class Outreach:
    """At most ``limit`` conversations that the team begins with one visitor within 24 hours."""

    def __init__(self, limit: int = 1, claims: Claims | None = None) -> None:
        self._limit, self._claims = limit, claims or ProcessClaims()

    def claim(self, visitor: str, now: datetime) -> Callable[[], None]:
        """Count a conversation, and return what takes that back. Raise ``TooOften`` where there were enough."""
        slot = self._claims.claim(visitor, self._limit, now)
        if slot is None:
            raise TooOften(self._limit)
        return partial(self._claims.release, visitor, slot)

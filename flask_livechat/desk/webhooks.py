"""Bytes -> verified -> parsed -> stored. Whoever answers the vendor knows the status by then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..hooks import Delivery, HookRoom
from .store import Store

LARGEST = 1024 * 1024  # bytes
# Whatever a parser stumbles over.
WRONG_SHAPE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def receive(
    room: HookRoom, values: Mapping[str, Any], delivery: Delivery, store: Store, now: datetime, tolerance: int | None
) -> tuple[int, int, int]:
    """The status, how many events are in it, and how many of them are new.

    200 stored or known, 400 not the vendor's shape, 401 not signed or too old.

    What the database says goes through: then the vendor tries again.
    """
    if not room.verify(values, delivery) or _is_stale(room, delivery, now, tolerance):
        return 401, 0, 0
    try:
        events = room.parse(values, delivery)
    except WRONG_SHAPE:
        return 400, 0, 0
    return 200, len(events), store.add(events, now)


def _is_stale(room: HookRoom, delivery: Delivery, now: datetime, tolerance: int | None) -> bool:
    sent = room.sent_at(delivery)
    return tolerance is not None and sent is not None and abs((now - sent).total_seconds()) > tolerance

"""What follows from three months of figures. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .metrics import PerUser, Topic

MONTHS = 3


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What follows from three whole months."""

    #: ``topic_on_top`` or ``per_user_rising``.
    kind: str
    #: The months that it is about, the earliest first: ``2026-11``.
    months: tuple[str, ...]
    #: The tag of ``topic_on_top``, else None.
    tag: str | None
    #: The conclusion, in words.
    text: str


def conclude(per_user: Sequence[PerUser], topics: Sequence[Topic]) -> Iterator[Conclusion]:
    """Say what follows from three whole months, the earliest first: of users, and of every topic in them."""
    months = tuple(month.month for month in per_user)
    if len(months) < MONTHS:
        return
    span = f"{months[0]} to {months[-1]}"
    leaders = {_leader([topic for topic in topics if topic.month == month]) for month in months}
    tag = leaders.pop() if len(leaders) == 1 else None
    if tag is not None:
        text = (
            f"The topic {tag!r} was on top in each month from {span}. A question that stays on top points to a "
            "fault of the product or a gap in its documentation: fix it there, rather than answer it faster."
        )
        yield Conclusion("topic_on_top", months, tag, text)
    ratios = [month.ratio for month in per_user if month.ratio is not None]
    if len(ratios) == len(months) and all(low < high for low, high in pairwise(ratios)):
        numbers = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        text = (
            f"Conversations per user have risen from month to month, {span}: {numbers}. People need help more often "
            "with the same product: look at what has become harder to use or to find in it since."
        )
        yield Conclusion("per_user_rising", months, None, text)


def _leader(topics: Sequence[Topic]) -> str | None:
    """Return the tag with more conversations than any other; None where two share the first place, or none has any."""
    ranked = sorted(topics, key=lambda topic: topic.conversations, reverse=True)
    if not ranked or not ranked[0].conversations:
        return None
    is_shared = len(ranked) > 1 and ranked[1].conversations == ranked[0].conversations
    return None if is_shared else ranked[0].tag

"""Whether people who wrote in their first days stayed, beside those who did not. Pure, and in batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from ..safe_text import quantity
from .rows import MAX_KEY_CHARS, key_text

BATCH_PEOPLE = 2000
MIN_PEOPLE = 20  # in a group that is shown
MAX_DAYS = 3650
Z = 1.959963984540054  # of the normal distribution, for 95 %
NOT_A_CAUSE = (
    "This is not a cause: people who write differ from people who do not in other ways, too, and people who have left "
    "no longer write."
)
Person = tuple[str, datetime, bool]
# What finds conversations that began in a time: by ids, and by emails in lower case. It gives under which of them one
# began, when, and its first tag or "".
FindBegun = Callable[[Sequence[str], Sequence[str], datetime, datetime], Iterable[tuple[str, datetime, str]]]


@dataclass(frozen=True, slots=True)
class Difference:
    """A share minus that of the people who did not write; 0.2 is 20 points."""

    #: The difference, -1 to 1.
    share: float
    #: The lower end of its 95 % interval.
    low: float
    #: The upper end of its 95 % interval.
    high: float


@dataclass(frozen=True, slots=True)
class Group:
    """People of a group, and those who stayed."""

    #: How many people are in the group: 20 or more.
    people: int
    #: How many of them stayed.
    stayed: int
    #: Their share, 0 to 1.
    share: float
    #: The first tag of their first conversation, empty without any; None for all who wrote, and for those who did not.
    tag: str | None = None
    #: Against those who did not write; None for those, and where one of the two groups is not shown.
    difference: Difference | None = None


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who wrote in their first days, who did not, and how many of each stayed.

    A group of fewer than 20 people is not shown.
    """

    #: How many days after signing up count as the first.
    days: int
    #: Those who wrote; None where the group is not shown.
    wrote: Group | None
    #: Those who did not write; None where the group is not shown.
    silent: Group | None
    #: Of the first against the second; None where one is not shown.
    difference: Difference | None
    #: Those who wrote, by the first tag of their first conversation.
    by_tag: tuple[Group, ...]
    #: How many are not counted, because their days are not over yet.
    too_new: int
    #: How many are not counted, because their days were over before the first conversation that is stored.
    unknown: int
    #: What the figures do not prove, in words.
    note: str = NOT_A_CAUSE

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def count(people: Iterable[Person], days: int, now: datetime, first_known: datetime | None, find: FindBegun) -> Cohort:
    """Count people in batches. ``first_known``: when the first conversation began that ``find`` could give.

    Raises ``ValueError`` for people who make no sense, by their number, and for a cohort of nobody.
    """
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= MAX_DAYS:
        raise ValueError(f"days is a whole number from 1 to {MAX_DAYS}, not {days!r:.40}")
    if not isinstance(people, Iterable):
        raise ValueError(f"people are an iterable of (id, signed_up_at, stayed), not {type(people).__name__}")
    span, too_new, unknown = timedelta(days=days), 0, 0
    latest = now - span  # who signed up later has days to come
    earliest = latest if first_known is None else first_known - span
    silent, by_tag = [0, 0], dict[str, list[int]]()  # people, and those of them who stayed
    checked = _check(people, now)
    while batch := list(islice(checked, BATCH_PEOPLE)):
        known = [person for person in batch if earliest < person[1] <= latest]
        new = sum(person[1] > latest for person in batch) if len(known) < len(batch) else 0
        too_new, unknown = too_new + new, unknown + len(batch) - len(known) - new
        begun = _begun(known, span, find)
        for key, signed_up_at, stayed in known:
            group = silent
            if key in begun:
                within = [(at, tag) for at, tag in begun[key] if signed_up_at <= at < signed_up_at + span]
                group = by_tag.setdefault(min(within)[1], [0, 0]) if within else silent
            group[0] += 1
            group[1] += bool(stayed)
    wrote = [sum(numbers[0] for numbers in by_tag.values()), sum(numbers[1] for numbers in by_tag.values())]
    if not wrote[0] + silent[0]:
        first = quantity(days, "day")
        raise ValueError(
            f"The cohort is empty. Signed up less than {first} ago: {too_new}. First {first} over "
            f"before the first conversation that is stored: {unknown}."
        )
    groups = (_group(numbers, silent, tag) for tag, numbers in by_tag.items())
    shown = _group(wrote, silent)
    return Cohort(
        days=days,
        wrote=replace(shown, difference=None) if shown else None,
        silent=_group(silent),
        difference=shown.difference if shown else None,
        by_tag=tuple(sorted(filter(None, groups), key=lambda group: (-group.people, group.tag or ""))),
        too_new=too_new,
        unknown=unknown,
    )


def _check(people: Iterable[Any], now: datetime) -> Iterator[Person]:
    """Yield people as they come, with their id as it is stored. An error says their number: no id reaches a message."""
    for number, person in enumerate(people, 1):
        try:
            person_id, signed_up_at, stayed = person
        except (TypeError, ValueError):
            raise ValueError(f"Person {number} is not (id, signed_up_at, stayed).") from None
        if not isinstance(person_id, str):
            what = type(person_id).__name__
            raise ValueError(f"Person {number}: the id is text, as the id of your Visitor is, not {what}.")
        # What is printable needs no more than to be cut, which is much faster.
        key = person_id[:MAX_KEY_CHARS] if person_id.isprintable() else key_text(person_id)
        if not key:
            raise ValueError(f"Person {number}: the id is empty.")
        if not isinstance(signed_up_at, datetime) or signed_up_at.utcoffset() is None:
            is_moment = isinstance(signed_up_at, datetime)
            what = "a moment without a time zone" if is_moment else type(signed_up_at).__name__
            raise ValueError(f"Person {number}: signed_up_at is an aware datetime, not {what}.")
        if signed_up_at > now:
            raise ValueError(f"Person {number}: signed_up_at lies in the future.")
        if stayed is not True and stayed is not False and stayed not in (0, 1):  # databases have numbers for them
            raise ValueError(f"Person {number}: stayed is True or False, not {type(stayed).__name__}.")
        yield key, signed_up_at, stayed


def _begun(people: Sequence[Person], span: timedelta, find: FindBegun) -> dict[str, list[tuple[datetime, str]]]:
    """Return the conversations of whoever has any: when they began, and their first tags."""
    if not people:
        return {}
    spellings: dict[str, set[str]] = {}  # of an email, which is stored in lower case
    for key in (key for key, _, _ in people if "@" in key):
        spellings.setdefault(key.lower(), set()).add(key)
    moments = [signed_up_at for _, signed_up_at, _ in people]
    begun: dict[str, list[tuple[datetime, str]]] = {}
    ids = [key for key, _, _ in people]
    for name, at, tag in find(ids, list(spellings), min(moments), max(moments) + span):
        begun.setdefault(name, []).append((at, tag))
    for email, keys in spellings.items():
        for key in keys - {email} if email in begun else ():
            begun[key] = begun.get(key, []) + begun[email]
    return begun


def _group(numbers: Sequence[int], others: Sequence[int] = (0, 0), tag: str | None = None) -> Group | None:
    """Return a group beside the others; None where it is too small to be shown."""
    people, stayed = numbers
    if people < MIN_PEOPLE:
        return None
    has_difference = others[0] >= MIN_PEOPLE
    return Group(people, stayed, stayed / people, tag, difference(*numbers, *others) if has_difference else None)


def difference(people: int, stayed: int, other_people: int, other_stayed: int) -> Difference:
    """Return the difference of two shares with its 95 % interval: Newcombe's hybrid score, without a correction.

    R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of eleven
    methods", Statistics in Medicine 17 (1998), 873-890, method 10: it puts together Wilson's intervals of both shares.
    """

    def wilson(people: int, stayed: int) -> tuple[float, float, float]:
        middle, whole = stayed + Z * Z / 2, people + Z * Z
        half = Z * math.sqrt(stayed * (people - stayed) / people + Z * Z / 4)
        return stayed / people, (middle - half) / whole, (middle + half) / whole

    (share, low, high), (other, other_low, other_high) = wilson(people, stayed), wilson(other_people, other_stayed)
    points = share - other
    return Difference(
        points,
        points - math.hypot(share - low, other_high - other),
        points + math.hypot(high - share, other - other_low),
    )

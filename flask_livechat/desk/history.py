"""What a conversation's events come to: its episodes. Pure, and the same in whatever order the events came.

An episode begins with the visitor's first message and ends when the conversation is closed. What is reopened, or
written in by the visitor after its end, begins another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from ..model import Event

# What happens at the same instant happens in the vendor's order, where it tells one, else in this.
ORDER = ("conversation_started", "conversation_reopened", "message", "rated", "conversation_closed")
SPEAKERS = ("visitor", "bot", "agent")


@dataclass(slots=True)
class Episode:
    """``started_at`` is the visitor's first message; None where only a rating of it is known.

    ``closed_by`` is ``agent``, ``bot`` or ``nobody``. What ended by itself was ended by whoever had answered: an
    agent, else a bot, else nobody.
    """

    started_at: datetime | None = None
    answered_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    rated_at: datetime | None = None
    rating: int | None = None
    best: int | None = None
    tags: tuple[str, ...] = ()
    spoken_at: datetime | None = None  # the last word of anybody
    bot: bool = False  # whether one has answered


@dataclass(frozen=True, slots=True)
class Progress:
    """A conversation with all its events until a moment, that moment included: what later events depend on."""

    until: datetime
    first_at: datetime
    spoke_at: datetime | None  # the visitor's last message
    tags: tuple[str, ...]
    episode: Episode  # the last one, which may go on


@dataclass(frozen=True, slots=True)
class History:
    """``visitor`` is who began it, for others may join, and ``email`` the last one that was not another visitor's.

    ``tags`` are those of now. ``episodes`` begin with the one that ``history`` went on with. ``progress``: from where
    to go on.
    """

    visitor: str | None
    email: str | None
    state: str
    tags: tuple[str, ...]
    first_at: datetime
    last_at: datetime
    spoke_at: datetime | None  # the visitor's last message
    episodes: tuple[Episode, ...]
    progress: Progress


def history(events: Iterable[Event], start: Progress | None = None, visitor: str | None = None) -> History:
    """Of all events of one conversation, or of those after ``start``, by when ``visitor`` was known.

    Raises ``ValueError`` where there is none.
    """
    ordered = sorted(events, key=_place)
    if not ordered:
        raise ValueError("no events")
    said = [replace(start.episode) if start else Episode()]
    tags: tuple[str, ...] = start.tags if start else ()
    for event in ordered:
        if _begins_anew(said[-1], event):
            said.append(Episode())
        if event.tags is not None:
            tags = tuple(sorted(set(event.tags)))
        _add(said[-1], event)
        said[-1].tags = tags
    visitor = visitor or next((event.visitor for event in ordered if event.visitor), None)
    emails = [event.email.lower() for event in ordered if event.email and event.visitor in (None, visitor)]
    before = start.spoke_at if start else None
    spoke_at = max((event.at for event in ordered if _spoke(event) == "visitor"), default=before)
    first_at = start.first_at if start else ordered[0].at
    return History(
        visitor=visitor,
        email=emails[-1] if emails else None,
        state="closed" if said[-1].closed_at else "open",
        tags=tags,
        first_at=first_at,
        last_at=ordered[-1].at,
        spoke_at=spoke_at,
        episodes=tuple(one for one in said if one.started_at or one.rated_at),
        progress=Progress(ordered[-1].at, first_at, spoke_at, tags, said[-1]),
    )


def parts(events: Iterable[Event], tail: int) -> tuple[list[Event], list[Event]]:
    """All of them in order: those of a long conversation that came before the last ``tail``, and the rest.

    What happened at one moment stays together. Few are not parted, so that it is not done for each event.
    """
    ordered = sorted(events, key=_place)
    cut = len(ordered) - tail if len(ordered) > 2 * tail else 0
    while cut > 0 and ordered[cut - 1].at == ordered[cut].at:
        cut -= 1
    return ordered[:cut], ordered[cut:]


def _place(event: Event) -> tuple[datetime, int, int, int, str]:
    kind = ORDER.index(event.kind) if event.kind in ORDER else len(ORDER)
    speaker = SPEAKERS.index(event.author) if event.author in SPEAKERS else len(SPEAKERS)
    return (event.at, event.sequence or 0, kind, speaker, event.id)


def _spoke(event: Event) -> str | None:
    """Who wrote to the other side; None for what is no message."""
    return event.author if event.kind in ("message", "conversation_started") else None


def _begins_anew(now: Episode, event: Event) -> bool:
    return now.closed_at is not None and (event.kind == "conversation_reopened" or _spoke(event) == "visitor")


def _add(now: Episode, event: Event) -> None:
    author, is_open = _spoke(event), now.closed_at is None
    if author is not None and is_open:
        now.spoken_at = event.at
    if author == "visitor":
        now.started_at = now.started_at or event.at
    elif author == "agent" and is_open and now.started_at is not None:
        now.answered_at = now.answered_at or event.at
    elif author == "bot" and is_open:
        now.bot = True
    elif event.kind == "conversation_closed" and now.closed_at is None:
        _close(now, event)
    elif event.kind == "rated":
        now.rated_at, now.rating, now.best = event.at, event.rating, event.best


def _close(now: Episode, event: Event) -> None:
    now.closed_at, now.closed_by = event.at, event.author
    if event.author is None:
        now.closed_by = "agent" if now.answered_at else "bot" if now.bot else "nobody"
        if now.closed_by != "nobody":  # it fell silent, and was over with its last word (Tawk.to says so 90 s later)
            now.closed_at = now.spoken_at

"""What a conversation's events come to: its episodes. Pure, and the same in whatever order the events came.

An episode begins with the visitor's first message and ends when the conversation is closed. A conversation that is
reopened, or in which the visitor writes after its end, begins another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from ..model import Event

# What happens at the same instant happens in the vendor's order, where it tells one, else in this.
KIND_ORDER = ("conversation_started", "conversation_reopened", "message", "rated", "conversation_closed")
AUTHOR_ORDER = ("visitor", "bot", "agent")


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
    asked_at: datetime | None  # since when the visitor waits for an agent


@dataclass(frozen=True, slots=True)
class Timeline:
    """A conversation with its episodes, of which the first is the one that ``build_timeline`` went on with.

    ``visitor`` is who began it, for others may join, and ``email`` the last one that was not another visitor's.
    ``tags`` are those of now. ``progress`` is from where to go on.
    """

    visitor: str | None
    email: str | None
    state: str
    tags: tuple[str, ...]
    first_at: datetime
    last_at: datetime
    spoke_at: datetime | None  # the visitor's last message
    asked_at: datetime | None  # since when the visitor waits for an agent
    episodes: tuple[Episode, ...]
    progress: Progress


def build_timeline(events: Iterable[Event], start: Progress | None = None, visitor: str | None = None) -> Timeline:
    """Build the timeline of all events of a conversation, or of those after ``start``, by when ``visitor`` was known.

    Raise ``ValueError`` where there are no events.
    """
    ordered = sorted(events, key=_order)
    if not ordered:
        raise ValueError("no events")
    episodes = [replace(start.episode) if start else Episode()]
    tags: tuple[str, ...] = start.tags if start else ()
    asked_at = start.asked_at if start else None
    for event in ordered:
        if _begins_anew(episodes[-1], event):
            episodes.append(Episode())
        if event.tags is not None:
            tags = tuple(sorted(set(event.tags)))
        asked_at = _asked_at(asked_at, event)
        _add(episodes[-1], event)
        episodes[-1].tags = tags
    visitor = visitor or next((event.visitor for event in ordered if event.visitor), None)
    emails = [event.email.lower() for event in ordered if event.email and event.visitor in (None, visitor)]
    before = start.spoke_at if start else None
    spoke_at = max((event.at for event in ordered if _speaker(event) == "visitor"), default=before)
    first_at = start.first_at if start else ordered[0].at
    return Timeline(
        visitor=visitor,
        email=emails[-1] if emails else None,
        state="closed" if episodes[-1].closed_at else "open",
        tags=tags,
        first_at=first_at,
        last_at=ordered[-1].at,
        spoke_at=spoke_at,
        asked_at=asked_at,
        episodes=tuple(episode for episode in episodes if episode.started_at or episode.rated_at),
        progress=Progress(ordered[-1].at, first_at, spoke_at, tags, episodes[-1], asked_at),
    )


def split_tail(events: Iterable[Event], tail: int) -> tuple[list[Event], list[Event]]:
    """Split a long conversation, in order, into what came before its last ``tail`` events, and the rest.

    Events of one moment stay together. Fewer than twice ``tail`` are not split, so that not each event splits anew.
    """
    ordered = sorted(events, key=_order)
    cut = len(ordered) - tail if len(ordered) > 2 * tail else 0
    while cut > 0 and ordered[cut - 1].at == ordered[cut].at:
        cut -= 1
    return ordered[:cut], ordered[cut:]


def _order(event: Event) -> tuple[datetime, int, int, int, str]:
    kind = KIND_ORDER.index(event.kind) if event.kind in KIND_ORDER else len(KIND_ORDER)
    speaker = AUTHOR_ORDER.index(event.author) if event.author in AUTHOR_ORDER else len(AUTHOR_ORDER)
    return (event.at, event.sequence or 0, kind, speaker, event.id)


def _speaker(event: Event) -> str | None:
    """Return who wrote to the other side, and None for what is no message."""
    return event.author if event.kind in ("message", "conversation_started") else None


def _asked_at(before: datetime | None, event: Event) -> datetime | None:
    """Return since when the visitor waits for an agent, bots not counted; None where they do not wait."""
    speaker = _speaker(event)
    if speaker == "visitor":
        return before or event.at
    return None if speaker == "agent" or event.kind == "conversation_closed" else before


def _begins_anew(episode: Episode, event: Event) -> bool:
    return episode.closed_at is not None and (event.kind == "conversation_reopened" or _speaker(event) == "visitor")


def _add(episode: Episode, event: Event) -> None:
    author, is_open = _speaker(event), episode.closed_at is None
    if author is not None and is_open:
        episode.spoken_at = event.at
    if author == "visitor":
        episode.started_at = episode.started_at or event.at
    elif author == "agent" and is_open and episode.started_at is not None:
        episode.answered_at = episode.answered_at or event.at
    elif author == "bot" and is_open:
        episode.bot = True
    elif event.kind == "conversation_closed" and is_open:
        episode.closed_at, episode.closed_by = event.at, event.author
        if event.author is None:
            episode.closed_by = "agent" if episode.answered_at else "bot" if episode.bot else "nobody"
        if event.author is None and episode.closed_by != "nobody":
            # It fell silent, and was over with its last word (Tawk.to says so 90 s later).
            episode.closed_at = episode.spoken_at
    elif event.kind == "rated":
        episode.rated_at, episode.rating, episode.best = event.at, event.rating, event.best

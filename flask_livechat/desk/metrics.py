"""The support metrics: one definition each, asked of the same tables with the same queries on both databases.

What they cost grows with the conversations of the time that is asked for, not with the messages. Nothing but figures
is held in memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from ..targets import Target
from . import article_deflection, flow_figures, questions
from .article_deflection import ArticleDeflection
from .calendar_months import Spans, ended_months, month_of, months
from .conclusions import Conclusion, conclude
from .flow_figures import FlowFigures
from .questions import Unanswered
from .rows import key_text
from .store import Store
from .tables import contacts, conversations, counts, episodes, events, flow_counts, tags

MAX_SPAN = timedelta(days=3660)
NO_TARGETS: Mapping[str, Target] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Durations:
    """How long something took."""

    count: int  #: How many were counted.
    #: The median in seconds, interpolated between two values; None where there is nothing to count.
    median: float | None
    p90: float | None  #: The 90th percentile in seconds, in the same way.
    target: Target | None = None  #: The target of the median, from ``LIVECHAT_TARGETS``.
    verdict: str | None = None  #: ``within``, ``below`` or ``above``; None without a target or a figure.


@dataclass(frozen=True, slots=True)
class Deflection:
    """How many visits opened the chat without starting a conversation."""

    opens: int  #: How many visits opened the chat.
    started: int  #: How many of them began a conversation.
    share: float | None  #: The share that began none, 0 to 1; None without a visit.
    target: Target | None = None  #: The target of the share, from ``LIVECHAT_TARGETS``.
    verdict: str | None = None  #: ``within``, ``below`` or ``above``; None without a target or a figure.


@dataclass(frozen=True, slots=True)
class Scale:
    """Ratings on one scale."""

    best: int  #: The best of the scale: 5 stars, or 1 for thumbs.
    rated: int  #: How many rated.
    good: int  #: How many of them count as satisfied.


@dataclass(frozen=True, slots=True)
class Csat:
    """How many ratings were good, in total and by scale."""

    rated: int  #: How many rated.
    good: int  #: How many of them were satisfied.
    share: float | None  #: Their share, 0 to 1; None without ratings.
    scales: tuple[Scale, ...]  #: The same by scale.
    target: Target | None = None  #: The target of the share, from ``LIVECHAT_TARGETS``.
    verdict: str | None = None  #: ``within``, ``below`` or ``above``; None without a target or a figure.


@dataclass(frozen=True, slots=True)
class PerUser:
    """The conversations of one month, and the number of people who had them."""

    month: str  #: The month: ``2026-11``.
    conversations: int  #: Conversations that began in it.
    identified: int  #: How many of them are with an identified visitor.
    users: int  #: How many different people these are.
    ratio: float | None  #: ``identified`` divided by ``users``; None without a user.


@dataclass(frozen=True, slots=True)
class Topic:
    """The conversations with a tag in one month."""

    month: str  #: The month: ``2026-11``.
    tag: str  #: The tag.
    conversations: int  #: Conversations of the month with the tag.
    before: int  #: The same of the month before.
    change: float | None  #: The change against it: 0.5 is half as many again; None where there were none.


@dataclass(frozen=True, slots=True)
class Metrics:
    """What was asked for, the figures, and what follows from the three whole months before ``until``."""

    since: datetime  #: The first moment that counts (aware).
    until: datetime  #: The first moment that does not count any more (aware).
    provider: str | None  #: The vendor's name; None for all.
    tag: str | None  #: The tag; None for all conversations.
    conversations: int  #: How many conversations began.
    first_response: Durations  #: From the visitor's first message to the first answer of an agent.
    first_response_office: Durations  #: The same, counted in office hours.
    resolution: Durations  #: From the visitor's first message until an agent closes.
    resolution_office: Durations  #: The same, counted in office hours.
    resolution_by_bot: Durations  #: The same until a bot closes.
    deflection: Deflection  #: How many who opened the chat began no conversation, as browsers report it.
    #: How many who asked the help panel did not come to the chat, as browsers report it.
    article_deflection: ArticleDeflection
    flows: tuple[FlowFigures, ...]  #: What became of the visits of each flow.
    csat: Csat  #: Ratings, as the vendor signs them.
    csat_reported: Csat  #: Thumbs, as browsers report them.
    conversations_per_user: tuple[PerUser, ...]  #: Conversations per user, by month.
    topics: tuple[Topic, ...]  #: Conversations by tag and month.
    unanswered: tuple[Unanswered, ...]  #: What visitors asked and no article answered.
    conclusions: tuple[Conclusion, ...]  #: What follows.
    waiting: int  #: Events that wait for a worker: the figures may lack them.

    @property
    def judged(self) -> Mapping[str, Durations | Deflection | Csat]:
        """The figures that have a target, by name."""
        figures = {name: getattr(self, name) for name in FIGURES}
        return {name: figure for name, figure in figures.items() if figure.target is not None}

    @property
    def missed(self) -> tuple[str, ...]:
        """The names of the figures that miss their target. A target without a figure is not missed."""
        return tuple(name for name, figure in self.judged.items() if figure.verdict not in (None, "within"))

    def as_dict(self) -> dict[str, Any]:
        """For JSON: times as ISO 8601."""
        return asdict(self) | {"since": self.since.isoformat(), "until": self.until.isoformat()}

    def rows(self) -> Iterator[tuple[str, str, str, float | int | str | None]]:
        """Flat, for CSV: the metric, its part, the month or an empty text, and the value."""
        yield ("conversations", "count", "", self.conversations)
        for name in FIGURES:
            figure = asdict(getattr(self, name))
            scales, target, verdict = figure.pop("scales", ()), figure.pop("target"), figure.pop("verdict")
            yield from ((name, what, "", value) for what, value in figure.items())
            for scale in scales:
                yield from ((name, f"{what} of {scale['best']}", "", scale[what]) for what in ("rated", "good"))
            if target is not None:
                bounds = {what: target[what] for what in ("least", "most") if target[what] is not None}
                yield from ((name, f"target {what}", "", bound) for what, bound in bounds.items())
                yield (name, "verdict", "", verdict)
        if any((articles := asdict(self.article_deflection)).values()):
            yield from (("article_deflection", what, "", value) for what, value in articles.items())
        yield from (("flows", what, "", value) for flow in self.flows for what, value in flow.rows())
        yield ("waiting", "count", "", self.waiting)
        for month in self.conversations_per_user:
            for what in ("conversations", "identified", "users", "ratio"):
                yield ("conversations_per_user", what, month.month, getattr(month, what))
        for topic in self.topics:
            yield ("topics", topic.tag, topic.month, topic.conversations)
        for question in self.unanswered:
            yield ("unanswered", f"{question.locale}: {question.words}", question.month, question.count)
        for conclusion in self.conclusions:
            yield ("conclusions", conclusion.kind, conclusion.months[-1], conclusion.text)


FIGURES = (
    "first_response",
    "first_response_office",
    "resolution",
    "resolution_office",
    "resolution_by_bot",
    "deflection",
    "csat",
    "csat_reported",
)


def metrics(
    store: Store,
    since: datetime,
    until: datetime,
    provider: str | None = None,
    tag: str | None = None,
    targets: Mapping[str, Target] = NO_TARGETS,
    now: datetime | None = None,
) -> Metrics:
    """The figures of a time, its end not included. Raises ``ValueError`` for moments without a zone, or backwards.

    What follows is of months that are over by ``until``, and by ``now`` where that is given.
    Where there are office hours, the targets of times are for the time within them: nobody promises to answer at night.
    """
    asked = Asked(since, until, provider, tag)
    zone = store.hours.tz if store.hours else UTC
    by_clock, in_office = (NO_TARGETS, targets) if store.hours else (targets, NO_TARGETS)
    by_agent, by_bot = episodes.c.closed_by == "agent", episodes.c.closed_by == "bot"
    over_by = now if now is not None and since <= now < until else until
    spans, ended = months(since, until, zone), ended_months(over_by, zone)
    with store.reading() as connection:

        def times(what: str, when: str, target: Target | None, only: sa.ColumnElement[bool] | None = None) -> Durations:
            return _durations(connection, asked, what, when, only, target)

        started = _conversations(connection, asked)
        looked_at = months(min(spans[0][0], ended[0][0]), until, zone)
        per_user = list(_per_user(connection, asked, looked_at))
        topics = list(_topics(connection, asked, looked_at, zone))
        asked_for, over = ({begins.strftime("%Y-%m") for begins, _ in some} for some in (spans, ended))
        return Metrics(
            since=since,
            until=until,
            provider=provider,
            tag=tag,
            conversations=started,
            first_response=times("response", "answered_at", by_clock.get("first_response")),
            first_response_office=times("response_office", "answered_at", in_office.get("first_response")),
            resolution=times("resolution", "closed_at", by_clock.get("resolution"), by_agent),
            resolution_office=times("resolution_office", "closed_at", in_office.get("resolution"), by_agent),
            resolution_by_bot=times("resolution", "closed_at", None, by_bot),
            deflection=_deflection(connection, asked, started, targets.get("deflection")),
            article_deflection=ArticleDeflection.of(
                _reported(connection, asked, *article_deflection.STEPS, *article_deflection.VOTES)
            ),
            flows=tuple(flow_figures.figures(connection, asked.of_counts(flow_counts))) if tag is None else (),
            csat=_csat(_ratings(connection, asked), targets.get("csat")),
            csat_reported=_csat(_thumbs(connection, asked), targets.get("csat")),
            conversations_per_user=tuple(month for month in per_user if month.month in asked_for),
            topics=tuple(topic for topic in topics if topic.month in asked_for),
            unanswered=tuple(questions.by_month(connection, spans, provider)) if tag is None else (),
            conclusions=tuple(
                conclude(
                    [month for month in per_user if month.month in over],
                    # Of conversations with a tag, that tag is always on top.
                    [topic for topic in topics if topic.month in over and tag is None],
                )
            ),
            waiting=connection.execute(
                sa.select(sa.func.count())
                .select_from(events)
                .where(events.c.state == "pending", events.c.attempts == 0)
            ).scalar_one(),
        )


@dataclass(frozen=True, slots=True)
class Week:
    """Some figures of one of the steps that a time is cut into; they end with it."""

    since: datetime
    conversations: int
    first_response: Durations
    resolution: Durations
    deflection: Deflection
    csat: Csat
    csat_reported: Csat


def weeks(
    store: Store, since: datetime, until: datetime, provider: str | None = None, tag: str | None = None
) -> tuple[Week, ...]:
    """The time in weeks, the last of which ends with it; in months of four weeks where that were more than a year."""
    asked = Asked(since, until, provider, tag)
    step = timedelta(weeks=1 if until - since <= timedelta(weeks=53) else 4)
    ends = [until - step * n for n in range(math.ceil((until - since) / step))]
    with store.reading() as connection:

        def week(asked: Asked) -> Week:
            started = _conversations(connection, asked)
            return Week(
                since=asked.since,
                conversations=started,
                first_response=_durations(connection, asked, "response", "answered_at"),
                resolution=_durations(connection, asked, "resolution", "closed_at", episodes.c.closed_by == "agent"),
                deflection=_deflection(connection, asked, started),
                csat=_csat(_ratings(connection, asked)),
                csat_reported=_csat(_thumbs(connection, asked)),
            )

        return tuple(week(asked.during(max(since, end - step), end)) for end in reversed(ends))


def known_tags(store: Store, most: int = 200) -> tuple[str, ...]:
    """Every tag that an episode has, in order."""
    with store.reading() as connection:
        wanted = sa.select(tags.c.tag).distinct().order_by(tags.c.tag).limit(most)
        return tuple(connection.execute(wanted).scalars())


@dataclass(frozen=True, slots=True)
class Asked:
    """A time, its end not included; of one provider, or of all; with a tag, or whatever."""

    since: datetime
    until: datetime
    provider: str | None = None
    tag: str | None = None

    def __post_init__(self) -> None:
        if self.since.utcoffset() is None or self.until.utcoffset() is None:
            raise ValueError("metrics take aware datetimes, for example datetime.now(timezone.utc)")
        if self.since >= self.until:
            raise ValueError("since must be before until")
        if self.until - self.since > MAX_SPAN:
            raise ValueError("since and until can be at most ten years apart")

    def of_episodes(self, when: str) -> sa.ColumnElement[bool]:
        """Of episodes in which something, by its column, happened in this time."""
        chosen = _within(episodes.c[when], self.since, self.until)
        if self.provider is not None:
            chosen &= episodes.c.provider == self.provider
        if self.tag is not None:
            chosen &= episodes.c.id.in_(sa.select(tags.c.episode).where(tags.c.tag == key_text(self.tag)))
        return chosen

    def of_counts(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """Of what was counted in this time. A quarter of an hour belongs to where it begins: nothing counts twice."""
        chosen = _within(table.c.quarter, self.since, self.until)
        return chosen if self.provider is None else chosen & (table.c.provider == self.provider)

    def during(self, since: datetime, until: datetime) -> Asked:
        return Asked(since, until, self.provider, self.tag)


def _within(column: sa.Column[Any], since: datetime, until: datetime) -> sa.ColumnElement[bool]:
    return (column >= since) & (column < until)


def _conversations(connection: sa.Connection, asked: Asked) -> int:
    wanted = sa.select(sa.func.count(episodes.c.conversation.distinct())).where(asked.of_episodes("started_at"))
    count: int = connection.execute(wanted).scalar_one()
    return count


def _durations(
    connection: sa.Connection,
    asked: Asked,
    what: str,
    when: str,
    only: sa.ColumnElement[bool] | None = None,
    target: Target | None = None,
) -> Durations:
    column = episodes.c[what]
    chosen = asked.of_episodes(when) & column.is_not(None)
    chosen = chosen if only is None else chosen & only
    # Sorted once for what follows.
    ordered = sa.select(column.label("value")).where(chosen).order_by(column).cte("ordered")
    number = sa.select(sa.func.count().label("number")).select_from(ordered).cte("number")

    def around(percent: int) -> sa.Subquery:
        """The two values, or the one, that so many per cent of them end between. SQLite knows no percentiles."""
        first = sa.select((number.c.number - 1) * percent // 100).scalar_subquery()
        two = sa.select(ordered.c.value).order_by(ordered.c.value).limit(2).offset(first).subquery()
        return sa.select(sa.func.min(two.c.value), sa.func.max(two.c.value)).subquery()

    half, ninety = around(50), around(90)
    joined = number.join(half, sa.true()).join(ninety, sa.true())
    count, *values = connection.execute(sa.select(number.c.number, *half.c, *ninety.c).select_from(joined)).one()
    median = _between(count, 50, *values[:2])
    return Durations(
        count, median, _between(count, 90, *values[2:]), target, target.verdict(median) if target else None
    )


def _between(count: int, percent: int, low: float | None, high: float | None) -> float | None:
    """In proportion."""
    if low is None or high is None:
        return None
    return float(low + (high - low) * ((count - 1) * percent % 100 / 100))


def _deflection(connection: sa.Connection, asked: Asked, started: int, target: Target | None = None) -> Deflection:
    opens = sum(_reported(connection, asked, "open").values())
    share = (opens - started) / opens if opens and started <= opens and asked.tag is None else None
    return Deflection(opens, started, share, target, target.verdict(share) if target else None)


def _reported(connection: sa.Connection, asked: Asked, *what: str) -> dict[str, int]:
    """What browsers reported: they know of no tags."""
    if asked.tag is not None:
        return {}
    chosen = asked.of_counts(counts) & counts.c.what.in_(what)
    wanted = sa.select(counts.c.what, sa.func.sum(counts.c.count)).where(chosen).group_by(counts.c.what)
    # A thumb that was turned after midnight takes one away from a day that has none.
    return {name: max(0, int(total)) for name, total in connection.execute(wanted)}


def _ratings(connection: sa.Connection, asked: Asked) -> dict[int, tuple[int, int]]:
    """How many rated, and how many of them are satisfied, by scale: as vendors sign it."""
    best, rating = sa.func.coalesce(episodes.c.best, 5), episodes.c.rating
    good = sa.case((rating >= sa.case((best > 1, best - 1), else_=1), 1), else_=0)
    chosen = asked.of_episodes("rated_at") & rating.is_not(None)
    wanted = sa.select(best, sa.func.count(), sa.func.sum(good)).where(chosen).group_by(best)
    return {scale: (rated, int(liked)) for scale, rated, liked in connection.execute(wanted)}


def _thumbs(connection: sa.Connection, asked: Asked) -> dict[int, tuple[int, int]]:
    """The same as browsers report it."""
    thumbs = _reported(connection, asked, "up", "down")
    return {1: (sum(thumbs.values()), thumbs.get("up", 0))} if thumbs else {}


def _csat(by_scale: Mapping[int, tuple[int, int]], target: Target | None = None) -> Csat:
    scales = tuple(Scale(best, *by_scale[best]) for best in sorted(by_scale, reverse=True))
    rated, liked = sum(scale.rated for scale in scales), sum(scale.good for scale in scales)
    share = liked / rated if rated else None
    return Csat(rated, liked, share, scales, target, target.verdict(share) if target else None)


def _per_user(connection: sa.Connection, asked: Asked, spans: Spans) -> Iterator[PerUser]:
    ids = sa.select(contacts.c.email, sa.func.max(contacts.c.visitor).label("visitor"))
    known = ids.where(contacts.c.email != "", contacts.c.visitor != "").group_by(contacts.c.email).subquery()
    person = sa.func.coalesce(conversations.c.visitor, known.c.visitor, conversations.c.email)
    joined = episodes.join(conversations, conversations.c.id == episodes.c.conversation)
    joined = joined.outerjoin(known, known.c.email == conversations.c.email)
    number, named = conversations.c.id, sa.case((person.is_not(None), conversations.c.id))
    wanted = sa.select(
        sa.func.count(number.distinct()), sa.func.count(named.distinct()), sa.func.count(person.distinct())
    )
    wanted = wanted.select_from(joined).where(conversations.c.conversation.is_not(None))
    for since, until in spans:
        chosen = asked.during(since, until).of_episodes("started_at")
        all_of_them, identified, users = connection.execute(wanted.where(chosen)).one()
        ratio = identified / users if users else None
        yield PerUser(since.strftime("%Y-%m"), all_of_them, identified, users, ratio)


def _topics(connection: sa.Connection, asked: Asked, spans: Spans, zone: tzinfo) -> Iterator[Topic]:
    conversation_count = sa.func.count(episodes.c.conversation.distinct())
    wanted = (
        sa.select(tags.c.tag, conversation_count).join(episodes, episodes.c.id == tags.c.episode).group_by(tags.c.tag)
    )

    def tagged(since: datetime, until: datetime) -> dict[str, int]:
        chosen = asked.during(since, until).of_episodes("started_at")
        return {str(tag): int(number) for tag, number in connection.execute(wanted.where(chosen))}

    before = tagged(*month_of(spans[0][0] - timedelta(days=1), zone))
    for since, until in spans:
        now = tagged(since, until)
        for tag in sorted(now.keys() | before.keys()):
            number, earlier = now.get(tag, 0), before.get(tag, 0)
            change = (number - earlier) / earlier if earlier else None
            yield Topic(since.strftime("%Y-%m"), tag, number, earlier, change)
        before = now

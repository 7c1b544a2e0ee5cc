"""``/livechat/metrics``: the support metrics for those who may see them. Readable without JavaScript, and on paper."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from flask import Response, abort, jsonify, render_template, request

from .. import providers
from ..same_origin import SameOriginBlueprint
from ..state import State
from . import formatting

if TYPE_CHECKING:
    from .metrics import Metrics, Week
    from .store import Store

WEEKS = 4  # that are shown beside the four before, where nothing else is asked for
TITLES: Mapping[str, str] = {
    "conversations": "Conversations",
    "first_response": "First response",
    "resolution": "Resolution",
    "deflection": "Deflection",
    "csat": "CSAT",
}


@dataclass(frozen=True, slots=True)
class Question:
    """What the page is asked: the first and the last day, both included; a vendor, a tag, or all."""

    first: date
    last: date
    provider: str | None
    tag: str | None

    def moments(self, zone: tzinfo) -> tuple[datetime, datetime]:
        return _midnight(self.first, zone), _midnight(self.last + timedelta(days=1), zone)


@dataclass(frozen=True, slots=True)
class Line:
    """A figure of today, of the time, and of as long a time before. ``change``: against that."""

    label: str
    today: str
    now: str
    before: str
    change: str


@dataclass(frozen=True, slots=True)
class Group:
    """Lines that share a definition."""

    name: str
    title: str
    definition: str
    lines: tuple[Line, ...]


def create_blueprint(state: State, is_allowed: Callable[[], bool]) -> SameOriginBlueprint:
    """``is_allowed`` says whether whoever asks may see the page. For all others it is not found."""
    blueprint = SameOriginBlueprint(
        "livechat_metrics", __name__, static_folder="static", static_url_path="/static", template_folder="templates"
    )

    @blueprint.get("")
    def page() -> Response:
        if not is_allowed():
            abort(404)
        try:
            return _answer(state)
        except Exception as error:
            from .store import explain  # noqa: PLC0415 - needs the extra

            if (advice := explain(error)) is None:
                raise
            return _private(Response(advice, 503, mimetype="text/plain"))

    return blueprint


def _answer(state: State) -> Response:
    hours = state.settings.office_hours
    zone: tzinfo = hours.tz if hours else UTC
    today = state.now().astimezone(zone).date()
    question, error = _question(request.args, today)
    since, until = question.moments(zone)
    metrics: Callable[..., Metrics] = state.livechat.metrics
    now = metrics(since, until, question.provider, question.tag)
    shape = request.args.get("format")
    if shape in ("csv", "json") and not error:
        return _private(_download(now, shape))
    earlier = metrics(since - (until - since), since, question.provider, question.tag)
    of_today = metrics(
        _midnight(today, zone), _midnight(today + timedelta(days=1), zone), question.provider, question.tag
    )
    store: Store = state.livechat.store
    html = render_template(
        "livechat/metrics.html",
        question=question,
        error=error,
        today=today,
        zone=str(zone),
        days=(question.last - question.first).days + 1,
        groups=_groups(of_today, now, earlier, bool(hours)),
        metrics=now,
        topics=sorted(now.topics, key=lambda topic: (topic.month, topic.conversations), reverse=True),
        weeks=_weeks(store, since, until, question),
        providers={name: providers.load(name).title for name in providers.names()},
        tags=_tags(store, question),
        figures=formatting,
        definitions=_definitions(),
        spans=[(weeks, (today - timedelta(weeks=weeks) + timedelta(days=1)).isoformat()) for weeks in (1, 4, 12, 52)],
    )
    return _private(Response(html, status=400 if error else 200))


def _question(args: Mapping[str, str], today: date) -> tuple[Question, str | None]:
    """Read what is asked, and what is wrong about it. Then the usual is shown."""
    usual = Question(today - timedelta(weeks=WEEKS) + timedelta(days=1), today, None, None)
    try:
        first = date.fromisoformat(args["from"]) if args.get("from") else usual.first
        last = date.fromisoformat(args["to"]) if args.get("to") else usual.last
    except ValueError:
        return usual, "A date is written as 2026-11-21."
    if first > last:
        return usual, "The first day comes after the last."
    if (last - first).days > 1830 or not 2000 <= first.year <= last.year < 2200:
        return usual, "Five years at most are shown, from the year 2000 on."
    provider = args.get("provider") or None
    if provider is not None and provider not in providers.names():
        return usual, "There is no such vendor."
    return Question(first, last, provider, args.get("tag") or None), None


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, zone)


def _download(metrics: Metrics, shape: str) -> Response:
    if shape == "json":
        return jsonify(metrics.as_dict())
    text = io.StringIO()
    formatting.write_csv(metrics, text)
    response = Response(text.getvalue(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f"attachment; filename=support-{metrics.since:%Y-%m-%d}.csv"
    return response


def _private(response: Response) -> Response:
    """Keep the figures from caches, other sites and search engines."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _groups(today: Metrics, now: Metrics, before: Metrics, office: bool) -> list[Group]:
    span, share = formatting.span, formatting.share

    def line(label: str, text: Callable[[Any], str], read: Callable[[Metrics], Any]) -> Line:
        here, there = read(now), read(before)
        return Line(label, text(read(today)), text(here), text(there), _change(here, there, share is text))

    def times(name: str, office_name: str) -> list[Line]:
        lines = [
            line("Median", span, lambda metrics: getattr(metrics, name).median),
            line("p90", span, lambda metrics: getattr(metrics, name).p90),
        ]
        if office:
            lines.append(line("Median, office hours", span, lambda metrics: getattr(metrics, office_name).median))
            lines.append(line("p90, office hours", span, lambda metrics: getattr(metrics, office_name).p90))
        return lines

    groups = {
        "conversations": [line("Number", str, lambda metrics: metrics.conversations)],
        "first_response": [
            *times("first_response", "first_response_office"),
            line("Replies counted", str, lambda metrics: metrics.first_response.count),
        ],
        "resolution": [
            *times("resolution", "resolution_office"),
            line("Resolved by agents", str, lambda metrics: metrics.resolution.count),
            line("Resolved by a bot", str, lambda metrics: metrics.resolution_by_bot.count),
        ],
        "deflection": [
            line("Share", share, lambda metrics: metrics.deflection.share),
            line("Opens", str, lambda metrics: metrics.deflection.opens),
        ],
        "csat": [
            line("Share", share, lambda metrics: metrics.csat.share),
            line("Rated", str, lambda metrics: metrics.csat.rated),
        ],
    }
    return [Group(name, title, _definitions()[name], tuple(groups[name])) for name, title in TITLES.items()]


def _change(now: float | None, before: float | None, points: bool) -> str:
    """Write a change of shares in points, and of all else in per cent."""
    if now is None or before is None or now == before:
        return "" if now is None or before is None else "same"
    if points:
        return f"{(now - before) * 100:+.0f} points"
    return f"{(now - before) / before:+.0%}" if before else "new"


def _weeks(store: Store, since: datetime, until: datetime, question: Question) -> tuple[Week, ...]:
    from .metrics import weeks  # noqa: PLC0415 - needs the extra

    return weeks(store, since, until, question.provider, question.tag)


def _tags(store: Store, question: Question) -> list[str]:
    from .metrics import known_tags  # noqa: PLC0415 - needs the extra

    return sorted({*known_tags(store), *filter(None, [question.tag])})


def _definitions() -> Mapping[str, str]:
    from .metrics import DEFINITIONS  # noqa: PLC0415 - needs the extra

    return DEFINITIONS

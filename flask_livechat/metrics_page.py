"""``/livechat/metrics``: the support metrics for those who may see them. Readable without JavaScript, and on paper."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from flask import Response, abort, jsonify, render_template, request

from . import providers
from .widget.same_origin import SameOriginBlueprint

if TYPE_CHECKING:
    from .desk.metrics import Metrics, Week
    from .extension import LiveChat

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
    """What the page is asked: days, both of them included; a vendor, a tag, or all."""

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


def create_blueprint(livechat: LiveChat, allowed: Callable[[], bool]) -> SameOriginBlueprint:
    """``allowed`` says whether whoever asks may see it; for all others there is nothing here."""
    blueprint = SameOriginBlueprint(
        "livechat_metrics", __name__, static_folder="static", static_url_path="/static", template_folder="templates"
    )

    @blueprint.get("")
    def page() -> Response:
        if not allowed():
            abort(404)
        try:
            return shown()
        except Exception as error:
            from .desk.store import explain  # noqa: PLC0415 - needs the extra

            if (said := explain(error)) is None:
                raise
            return _private(Response(said, 503, mimetype="text/plain"))

    def shown() -> Response:
        hours = livechat.settings.office_hours
        zone: tzinfo = hours.tz if hours else UTC
        today = livechat.now().astimezone(zone).date()
        question, error = _question(request.args, today)
        since, until = question.moments(zone)
        now = livechat.metrics(since, until, question.provider, question.tag)
        shape = request.args.get("format")
        if shape in ("csv", "json") and not error:
            return _private(_download(now, shape))
        earlier = livechat.metrics(since - (until - since), since, question.provider, question.tag)
        of_today = livechat.metrics(
            _midnight(today, zone), _midnight(today + timedelta(days=1), zone), question.provider, question.tag
        )
        html = render_template(
            "livechat/metrics.html",
            question=question,
            error=error,
            today=today,
            zone=str(zone),
            days=(question.last - question.first).days + 1,
            groups=_groups(of_today, now, earlier, bool(hours)),
            metrics=now,
            topics=sorted(now.topics, key=lambda one: (one.month, one.conversations), reverse=True),
            weeks=_weeks(livechat, since, until, question),
            providers={name: providers.load(name).title for name in providers.names()},
            tags=_tags(livechat, question),
            figures=_figures(),
            definitions=_definitions(),
            spans=[
                (weeks, (today - timedelta(weeks=weeks) + timedelta(days=1)).isoformat()) for weeks in (1, 4, 12, 52)
            ],
        )
        return _private(Response(html, status=400 if error else 200))

    return blueprint


def _question(given: Mapping[str, str], today: date) -> tuple[Question, str | None]:
    """What is asked, and what is wrong about it; then the usual is shown."""
    usual = Question(today - timedelta(weeks=WEEKS) + timedelta(days=1), today, None, None)
    try:
        first = date.fromisoformat(given["from"]) if given.get("from") else usual.first
        last = date.fromisoformat(given["to"]) if given.get("to") else usual.last
    except ValueError:
        return usual, "A date is written as 2026-11-21."
    if first > last:
        return usual, "The first day comes after the last."
    if (last - first).days > 1830 or not 2000 <= first.year <= last.year < 2200:
        return usual, "Five years at most are shown, from the year 2000 on."
    provider = given.get("provider") or None
    if provider is not None and provider not in providers.names():
        return usual, "There is no such vendor."
    return Question(first, last, provider, given.get("tag") or None), None


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, zone)


def _download(found: Metrics, shape: str) -> Response:
    if shape == "json":
        return jsonify(found.as_dict())
    text = io.StringIO()
    _figures().write_csv(found, text)
    response = Response(text.getvalue(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f"attachment; filename=support-{found.since:%Y-%m-%d}.csv"
    return response


def _private(response: Response) -> Response:
    """Figures are for those who may see them: no cache, no other site, no search engine."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _groups(today: Metrics, now: Metrics, before: Metrics, office: bool) -> list[Group]:
    span, share = _figures().span, _figures().share

    def line(label: str, said: Callable[[Any], str], read: Callable[[Metrics], Any]) -> Line:
        here, there = read(now), read(before)
        return Line(label, said(read(today)), said(here), said(there), _change(here, there, share is said))

    def times(name: str, office_name: str) -> list[Line]:
        found = [
            line("Median", span, lambda one: getattr(one, name).median),
            line("p90", span, lambda one: getattr(one, name).p90),
        ]
        if office:
            found.append(line("Median, office hours", span, lambda one: getattr(one, office_name).median))
            found.append(line("p90, office hours", span, lambda one: getattr(one, office_name).p90))
        return found

    lines = {
        "conversations": [line("Number", str, lambda one: one.conversations)],
        "first_response": [
            *times("first_response", "first_response_office"),
            line("Replies counted", str, lambda one: one.first_response.count),
        ],
        "resolution": [
            *times("resolution", "resolution_office"),
            line("Resolved by agents", str, lambda one: one.resolution.count),
            line("Resolved by a bot", str, lambda one: one.resolution_by_bot.count),
        ],
        "deflection": [
            line("Share", share, lambda one: one.deflection.share),
            line("Opens", str, lambda one: one.deflection.opens),
        ],
        "csat": [
            line("Share", share, lambda one: one.csat.share),
            line("Rated", str, lambda one: one.csat.rated),
        ],
    }
    return [Group(name, title, _definitions()[name], tuple(lines[name])) for name, title in TITLES.items()]


def _change(now: float | None, before: float | None, points: bool) -> str:
    """Of shares in points, of all else in per cent."""
    if now is None or before is None or now == before:
        return "" if now is None or before is None else "same"
    if points:
        return f"{(now - before) * 100:+.0f} points"
    return f"{(now - before) / before:+.0%}" if before else "new"


def _weeks(livechat: LiveChat, since: datetime, until: datetime, question: Question) -> tuple[Week, ...]:
    from .desk.metrics import weeks  # noqa: PLC0415 - needs the extra

    return weeks(livechat.store, since, until, question.provider, question.tag)


def _tags(livechat: LiveChat, question: Question) -> list[str]:
    from .desk.metrics import known_tags  # noqa: PLC0415 - needs the extra

    return sorted({*known_tags(livechat.store), *filter(None, [question.tag])})


def _figures() -> Any:
    from .desk import figures  # noqa: PLC0415 - needs the extra

    return figures


def _definitions() -> Mapping[str, str]:
    from .desk.metrics import DEFINITIONS  # noqa: PLC0415 - needs the extra

    return DEFINITIONS

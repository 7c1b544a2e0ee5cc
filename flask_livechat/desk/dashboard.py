"""``/livechat/metrics``: the support metrics for those who may see them. Readable without JavaScript, and on paper."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from flask import Response, abort, jsonify, render_template, request

from .. import providers
from ..same_origin import SameOriginBlueprint
from ..state import State, safely
from . import formatting

if TYPE_CHECKING:
    from .cohort import Cohort
    from .metrics import Metrics
    from .store import Store

WEEKS = 4  # that are shown beside the four before, where nothing else is asked for
COHORT_DAYS = 7
COHORT_AGE = timedelta(hours=1)  # until which a cohort is shown again: it reads all of the app's people
COUNTING_S = 1.0  # for which a request waits for another one that counts: those that wait hold the app's threads


@dataclass(frozen=True, slots=True)
class Question:
    """What the page is asked: the first and the last day, both included; a vendor, a tag, or all."""

    first: date
    last: date
    provider: str | None
    tag: str | None

    def moments(self, zone: tzinfo) -> tuple[datetime, datetime]:
        days = (self.first, self.last + timedelta(days=1))
        since, until = (datetime.combine(day, time.min, zone) for day in days)
        return since, until


@dataclass(frozen=True, slots=True)
class Line:
    """A figure of today, of the time, and of as long a time before. ``change``: against that.

    ``target``: what the figure of the time is against its target, in words. ``verdict``: the same in one word, or
    None where there is no target or no figure.
    """

    label: str
    today: str
    now: str
    before: str
    change: str
    target: str
    verdict: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Lines that share a definition. ``reported``: by browsers, which nobody signs."""

    name: str
    title: str
    definition: str
    lines: tuple[Line, ...]
    reported: bool


@dataclass
class CohortOnce:
    """The cohort that was counted last, with when that was. It is counted when somebody asks, by one at a time.

    ``problem`` says why there is none.
    """

    cohort: Cohort | None = None
    at: datetime | None = None
    problem: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, state: State) -> CohortOnce:
        if not self._lock.acquire(timeout=COUNTING_S):
            return CohortOnce(problem="The cohort is being counted now. Load this page again in a minute.")
        try:
            now = state.now()
            if self.at is None or not timedelta() <= now - self.at < COHORT_AGE:
                self.problem = "The app's people could not be read: see its log."
                self.cohort = safely("the cohort of the metrics page", lambda: self._count(state), None)
                self.at = now if self.cohort else None  # what has failed is tried again by the next who asks
            return replace(self)  # another thread may count anew while this one writes its page
        finally:
            self._lock.release()

    def _count(self, state: State) -> Cohort | None:
        try:
            cohort: Cohort = state.livechat.cohort(days=COHORT_DAYS)
        except ValueError as error:  # its text holds no personal data
            self.problem = str(error)
            return None
        return cohort


def create_blueprint(state: State, is_allowed: Callable[[], bool]) -> SameOriginBlueprint:
    """``is_allowed`` says whether whoever asks may see the page. For all others it is not found."""
    blueprint = SameOriginBlueprint(
        "livechat_metrics", __name__, static_folder="static", static_url_path="/static", template_folder="templates"
    )

    counted = CohortOnce()

    @blueprint.get("")
    def page() -> Response:
        if not is_allowed():
            abort(404)
        try:
            is_asked = "cohort" in request.args and state.callbacks.people is not None
            return _answer(state, counted.count(state) if is_asked else None)
        except Exception as error:
            from .store import explain  # noqa: PLC0415 - needs the extra

            if (advice := explain(error)) is None:
                raise
            return _private(Response(advice, 503, mimetype="text/plain"))

    return blueprint


def _answer(state: State, counted: CohortOnce | None) -> Response:
    from .definitions import DEFINITIONS  # noqa: PLC0415 - needs the extra
    from .metrics import known_tags, weeks  # noqa: PLC0415 - the same

    hours = state.settings.office_hours
    zone: tzinfo = hours.tz if hours else UTC
    today = state.now().astimezone(zone).date()
    question, error = _question(request.args, today)
    since, until = question.moments(zone)
    midnight, next_midnight = replace(question, first=today, last=today).moments(zone)

    def metrics(since: datetime, until: datetime) -> Metrics:
        figures: Metrics = state.livechat.metrics(since, until, question.provider, question.tag)
        return figures

    now, shape = metrics(since, until), request.args.get("format")
    if shape in ("csv", "json") and not error:
        return _private(_download(now, shape))
    earlier, of_today = metrics(since - (until - since), since), metrics(midnight, next_midnight)
    store: Store = state.livechat.store
    groups = _groups(of_today, now, earlier, DEFINITIONS, bool(hours))
    judged = [(group.title, line) for group in groups for line in group.lines if line.verdict]
    html = render_template(
        "livechat/metrics.html",
        home=f"{request.root_path}/",
        is_empty=not (now.conversations or now.deflection.opens or now.csat.rated or store.total()),
        webhooks=f"{state.settings.url_prefix}/webhooks/",
        judged=sorted(judged, key=lambda titled: titled[1].verdict == "within"),  # what is off comes first
        missed=sum(line.verdict != "within" for _, line in judged),
        question=question,
        error=error,
        today=today,
        zone=str(zone),
        days=(question.last - question.first).days + 1,
        groups=groups,
        metrics=now,
        topics=sorted(now.topics, key=lambda topic: (topic.month, topic.conversations), reverse=True),
        weeks=weeks(store, since, until, question.provider, question.tag),
        providers={name: providers.load(name).title for name in providers.names()},
        tags=sorted({*known_tags(store), *filter(None, [question.tag])}),
        figures=formatting,
        definitions=DEFINITIONS,
        has_people=state.callbacks.people is not None,
        counted=counted,
        counted_at=counted.at.astimezone(zone) if counted and counted.at else None,
        cohort_days=COHORT_DAYS,
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
        return usual, "Write a date as 2026-11-21."
    if first > last:
        return usual, "The first day must not be after the last day."
    if (last - first).days > 1830 or not 2000 <= first.year <= last.year < 2200:
        return usual, "The page shows at most five years, from the year 2000 on."
    provider = args.get("provider") or None
    if provider is not None and provider not in providers.names():
        return usual, "There is no such vendor."
    return Question(first, last, provider, args.get("tag") or None), None


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


def _groups(today: Metrics, now: Metrics, before: Metrics, definitions: Mapping[str, str], office: bool) -> list[Group]:
    """Every figure of the three times, those that browsers report last. ``office``: there are office hours."""
    span, share = formatting.span, formatting.share

    def line(label: str, text: Callable[[Any], str], read: Callable[[Metrics], Any], judged: str = "") -> Line:
        here, there = read(now), read(before)
        change = formatting.difference(here, there, points=text is share)
        figure = getattr(now, judged, None)
        target = formatting.verdict(figure.target, figure.verdict) if figure else ""
        verdict = figure.verdict if figure else None
        return Line(label, text(read(today)), text(here), text(there), change, target, verdict)

    def times(name: str) -> list[Line]:
        lines = [
            line("Median", span, attrgetter(f"{name}.median"), name),
            line("p90", span, attrgetter(f"{name}.p90")),
            line("Median, office hours", span, attrgetter(f"{name}_office.median"), f"{name}_office"),
            line("p90, office hours", span, attrgetter(f"{name}_office.p90")),
        ]
        return lines if office else lines[:2]

    groups = {
        "conversations": [line("Number", str, attrgetter("conversations"))],
        "first_response": [
            *times("first_response"),
            line("Replies counted", str, attrgetter("first_response.count")),
        ],
        "resolution": [
            *times("resolution"),
            line("Resolved by agents", str, attrgetter("resolution.count")),
            line("Resolved by a bot", str, attrgetter("resolution_by_bot.count")),
        ],
        "csat": [line("Share", share, attrgetter("csat.share"), "csat"), line("Rated", str, attrgetter("csat.rated"))],
        "deflection": [
            line("Share", share, attrgetter("deflection.share"), "deflection"),
            line("Opens", str, attrgetter("deflection.opens")),
        ],
        "article_deflection": [
            line("Share", share, attrgetter("article_deflection.share")),
            line("Asked the help panel", str, attrgetter("article_deflection.asked")),
            line("Read an article", str, attrgetter("article_deflection.read")),
            line("Came to the chat after that", str, attrgetter("article_deflection.read_then_chat")),
            line("Helpful", str, attrgetter("article_deflection.helpful")),
            line("Not helpful", str, attrgetter("article_deflection.not_helpful")),
        ],
        "csat_reported": [
            line("Share", share, attrgetter("csat_reported.share"), "csat_reported"),
            line("Rated", str, attrgetter("csat_reported.rated")),
        ],
    }
    reported = ("deflection", "article_deflection", "csat_reported")
    return [
        Group(name, formatting.TITLES[name], definitions[name], tuple(lines), name in reported)
        for name, lines in groups.items()
    ]

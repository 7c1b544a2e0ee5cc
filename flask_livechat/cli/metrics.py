"""``flask livechat metrics`` and ``export``: the figures, and what they are made of. Thin: it asks and prints."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext

from ..safe_text import quantity, terminal_text
from ..state import current_state
from .desk import since_when
from .events import plainly

if TYPE_CHECKING:
    from ..desk.cohort import Cohort, Difference, Group
    from ..desk.metrics import Csat, Deflection, Durations, Metrics
    from ..extension import LiveChat


@click.command("metrics")
@click.option(
    "--since", metavar="WHEN", default="30d", show_default=True, help="The first moment: 30d, 12h, or 2026-11-21."
)
@click.option(
    "--until", metavar="WHEN", help="The same form. It is exclusive: a given day is not counted. Default: now."
)
@click.option("--provider", metavar="NAME", help="Only one vendor. By default all are one series.")
@click.option("--tag", help="Only conversations with this tag.")
@click.option("--format", "shape", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.option("--explain", is_flag=True, help="Print how each figure is defined.")
@click.option("--check", is_flag=True, help="Exit with status 1 if a target of LIVECHAT_TARGETS is missed.")
@with_appcontext
@plainly
def metrics(
    since: str, until: str | None, provider: str | None, tag: str | None, shape: str, explain: bool, check: bool
) -> None:
    """Print the support figures: response, resolution, deflection, CSAT, conversations per user, topics.

    Days are in the time zone of LIVECHAT_OFFICE_HOURS, else in UTC, as on the page.
    """
    livechat: LiveChat = current_state().livechat
    hours = livechat.settings.office_hours
    zone = hours.tz if hours else UTC
    end: datetime | None = None if until is None else since_when(until, "--until", zone)
    try:
        figures = livechat.metrics(since_when(since, zone=zone), end, provider, tag)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if shape == "json":
        click.echo(json.dumps(figures.as_dict(), indent=2))
    elif shape == "csv":
        from ..desk.formatting import write_csv  # noqa: PLC0415 - needs the extra

        write_csv(figures, sys.stdout)
    else:
        for line in _lines(figures, zone):
            click.echo(terminal_text(line))
    if explain:
        from ..desk.definitions import DEFINITIONS  # noqa: PLC0415 - needs the extra

        for name, text in DEFINITIONS.items():
            click.echo(f"\n{name}\n    {text}")
    if check:
        from ..desk.formatting import TITLES, verdict  # noqa: PLC0415 - needs the extra

        for name, figure in figures.judged.items():
            if name in figures.missed or figure.verdict is None:
                click.echo(f"{TITLES[name]}: {verdict(figure.target, figure.verdict)}.", err=True)
        sys.exit(1 if figures.missed else 0)


def _lines(figures: Metrics, zone: tzinfo) -> Iterator[str]:
    from ..desk import formatting  # noqa: PLC0415 - needs the extra

    def times(durations: Durations) -> str:
        if not durations.count:
            return "-" + against(durations)
        median, p90 = formatting.span(durations.median), formatting.span(durations.p90)
        return f"median {median}, p90 {p90} ({durations.count}){against(durations)}"

    def rated(csat: Csat) -> str:
        scales = f" ({formatting.scales(csat)})" if csat.rated else ""
        return f"{formatting.share(csat.share)} of {csat.rated} rated{scales}{against(csat)}"

    def against(figure: Durations | Deflection | Csat) -> str:
        return f": {formatting.verdict(figure.target, figure.verdict)}" if figure.target else ""

    since, until = figures.since.astimezone(zone), figures.until.astimezone(zone)
    yield f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}, {zone}"
    yield f"conversations           {figures.conversations}"
    yield f"first response          {times(figures.first_response)}"
    if figures.first_response_office.count or figures.first_response_office.target:
        yield f"  in office hours       {times(figures.first_response_office)}"
    yield f"resolution              {times(figures.resolution)}"
    if figures.resolution_office.count or figures.resolution_office.target:
        yield f"  in office hours       {times(figures.resolution_office)}"
    if figures.resolution_by_bot.count:
        yield f"  by a bot              {times(figures.resolution_by_bot)}"
    yield f"CSAT                    {rated(figures.csat)}"
    for month in figures.conversations_per_user:
        chats, users = quantity(month.conversations, "conversation"), quantity(month.users, "known user")
        text = f"{chats}, {month.identified} of them from {users}"
        yield f"per user {month.month}        {formatting.number(month.ratio)} ({text})"
    for topic in figures.topics:
        change = formatting.change(topic.change)
        yield f"topic {topic.month}           {topic.tag}: {topic.conversations} ({change})"
    yield "reported by browsers, and not signed by a vendor:"
    deflection = figures.deflection
    counted = f"{quantity(deflection.opens, 'open')} ({quantity(deflection.started, 'conversation')})"
    yield f"deflection              {formatting.share(deflection.share)} of {counted}{against(deflection)}"
    if (articles := figures.article_deflection).asked:
        counted = (
            f"{articles.asked} who asked ({articles.read} read, {articles.read_then_chat} of them came to the chat)"
        )
        advice = f": {articles.advice}" if articles.advice else ""
        yield f"article deflection      {formatting.share(articles.share)} of {counted}{advice}"
    if votes := articles.helpful + articles.not_helpful:
        yield f"helpful articles        {formatting.share(articles.helpful / votes)} of {quantity(votes, 'vote')}"
    for flow in figures.flows:
        counted = f"{flow.begun} begun, {flow.resolved} resolved, {flow.handed_over} handed over, {flow.left} left"
        yield f"{f'flow {flow.flow}':<23} {counted}"
        for at in flow.handed_over_at:
            where = f"at {at.step} after {quantity(at.exchanges, 'exchange')}" if at.step else "as the flow was changed"
            yield f"  handed over           {at.count} {where}"
    for question in figures.unanswered:
        what = ", ".join([question.words or "others", *(f'"{text}"' for text in question.texts)])
        yield f"unanswered {question.month}      {quantity(question.count, 'time')}, {question.locale or 'any'}: {what}"
    yield f"thumbs                  {rated(figures.csat_reported)}"
    yield from (conclusion.text for conclusion in figures.conclusions)
    if figures.waiting:
        events = quantity(figures.waiting, "event waits", "events wait")
        yield f"{events} for a worker and may be missing in these figures: flask livechat work"


@click.command("cohort")
@click.option(
    "--days",
    default=7,
    show_default=True,
    type=click.IntRange(1),
    help="Count who wrote within that many days of the sign-up.",
)
@click.option("--json", "raw", is_flag=True, help="As JSON.")
@with_appcontext
@plainly
def cohort(days: int, raw: bool) -> None:
    """Compare how many people stayed: those who wrote soon after signing up, and those who did not.

    The people come from your function with @livechat.people.
    """
    livechat: LiveChat = current_state().livechat
    result = livechat.cohort(days=days)
    if raw:
        click.echo(json.dumps(result.as_dict(), indent=2))
    else:
        for line in _cohort_lines(result):
            click.echo(terminal_text(line))


def _cohort_lines(result: Cohort) -> Iterator[str]:
    from ..desk.cohort import MIN_PEOPLE  # noqa: PLC0415 - needs the extra
    from ..desk.formatting import points, share  # noqa: PLC0415 - needs the extra

    def line(title: str, group: Group | None, difference: Difference | None = None) -> str:
        if group is None:
            return f"{title:<40}fewer than {MIN_PEOPLE} people: not shown"
        text = f"{quantity(group.people, 'person', 'people')}, {group.stayed} stayed ({share(group.share)})"
        return f"{title:<40}{text}{f': {interval(difference)}' if difference else ''}"

    def interval(difference: Difference) -> str:
        low, high = points(difference.low), points(difference.high)
        return f"{points(difference.share)} points, 95% interval {low} to {high}"

    yield line(f"wrote within {quantity(result.days, 'day')} of signing up", result.wrote, result.difference)
    yield line("did not", result.silent)
    for group in result.by_tag:
        yield line(
            f"  wrote, first tag {group.tag}" if group.tag else "  wrote, without a tag", group, group.difference
        )
    if result.wrote:
        yield f"Tags of fewer than {MIN_PEOPLE} people are not shown. Differences are from those who did not write."
    if result.too_new:
        yield f"Not counted: {result.too_new} who signed up less than {quantity(result.days, 'day')} ago."
    if result.unknown:
        yield f"Not counted: {result.unknown} whose days were over before the first conversation that is stored."
    yield result.note


@click.command("export")
@click.option("--what", type=click.Choice(["events", "conversations"]), default="events", show_default=True)
@click.option("--format", "shape", type=click.Choice(["csv", "jsonl"]), default="jsonl", show_default=True)
@click.option("--after", metavar="CURSOR", help="Start after the row with this cursor.")
@with_appcontext
@plainly
def export(what: str, shape: str, after: str | None) -> None:
    """Write events or conversations for a warehouse, as they are stored, to the standard output.

    Each row has a cursor. The last cursor is printed at the end. Pass it as --after to the next export.
    """
    livechat: LiveChat = current_state().livechat
    store, last = livechat.store, [after]
    from ..desk import export as exports  # noqa: PLC0415 - needs the extra, which the store asks for

    rows = (exports.each_event if what == "events" else exports.each_episode)(store, livechat.now(), after)

    def done(cursor: str) -> None:
        last[0] = cursor

    try:
        count = exports.write(rows, sys.stdout, shape, done)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--after") from None
    click.echo(f"{quantity(count, 'row')}.{f' Continue with --after {last[0]}' if last[0] else ''}", err=True)

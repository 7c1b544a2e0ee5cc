"""``flask livechat metrics`` and ``export``: the figures, and what they are made of. Thin: it asks and prints."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import click
from flask import current_app
from flask.cli import with_appcontext

from .cli_desk import since_when

if TYPE_CHECKING:
    from .desk.metrics import Durations, Metrics
    from .extension import LiveChat


@click.command("metrics")
@click.option("--since", metavar="WHEN", default="30d", show_default=True, help="30d, 12h, or 2026-11-21.")
@click.option("--until", metavar="WHEN", help="The same; until now, if not given.")
@click.option("--provider", metavar="NAME", help="One vendor's only; all of them go on as one series.")
@click.option("--tag", help="Conversations with this tag only.")
@click.option("--format", "shape", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.option("--explain", is_flag=True, help="How each figure is defined.")
@with_appcontext
def metrics(since: str, until: str | None, provider: str | None, tag: str | None, shape: str, explain: bool) -> None:
    """Say how support goes: response, resolution, deflection, CSAT, conversations per user, topics."""
    livechat = _livechat()
    end: datetime | None = None if until is None else since_when(until, "--until")
    try:
        found = livechat.metrics(since_when(since), end, provider, tag)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if shape == "json":
        click.echo(json.dumps(found.as_dict(), indent=2))
    elif shape == "csv":
        table = csv.writer(sys.stdout)
        table.writerow(("metric", "what", "month", "value"))
        table.writerows(found.rows())
    else:
        for line in _lines(found):
            click.echo(line)
    if explain:
        from .desk.metrics import DEFINITIONS  # noqa: PLC0415 - needs the extra

        for name, text in DEFINITIONS.items():
            click.echo(f"\n{name}\n    {text}")


def _lines(found: Metrics) -> Iterator[str]:
    yield f"{found.since:%Y-%m-%d %H:%M} to {found.until:%Y-%m-%d %H:%M} {found.until.tzname()}"
    yield f"conversations           {found.conversations}"
    yield f"first response          {_times(found.first_response)}"
    if found.first_response_office.count:
        yield f"  in office hours       {_times(found.first_response_office)}"
    yield f"resolution              {_times(found.resolution)}"
    if found.resolution_office.count:
        yield f"  in office hours       {_times(found.resolution_office)}"
    if found.resolution_by_bot.count:
        yield f"  by a bot              {_times(found.resolution_by_bot)}"
    opens, started = found.deflection.opens, found.deflection.started
    yield f"deflection              {_share(found.deflection.share)} of {opens} opens ({started} conversations)"
    yield f"CSAT                    {_share(found.csat.share)} of {found.csat.rated} rated{_scales(found)}"
    for month in found.conversations_per_user:
        ratio = "-" if month.ratio is None else f"{month.ratio:.2f}"
        yield f"per user {month.month}        {ratio} ({month.conversations} conversations, {month.users} users)"
    for topic in found.topics:
        change = "new" if topic.change is None else f"{topic.change:+.0%}"
        yield f"topic {topic.month}           {topic.tag}: {topic.conversations} ({change})"
    if found.waiting:
        yield f"{found.waiting} events wait for a worker and are not in these figures: flask livechat work"


def _scales(found: Metrics) -> str:
    said = [f"{one.rated} {'thumbs' if one.best == 1 else f'of {one.best} stars'}" for one in found.csat.scales]
    return f" ({', '.join(said)})" if said else ""


def _times(found: Durations) -> str:
    if found.median is None or found.p90 is None:
        return "-"
    return f"median {_span(found.median)}, p90 {_span(found.p90)} ({found.count})"


def _span(seconds: float) -> str:
    """As people say it: 45 s, 3 min 20 s, 5 h 2 min, 3 d 4 h."""
    whole = round(seconds)
    for size, name, smaller, part in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {name}{f' {rest} {part}' if rest else ''}"
    return f"{whole} s"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


@click.command("export")
@click.option("--what", type=click.Choice(["events", "conversations"]), default="events", show_default=True)
@click.option("--format", "shape", type=click.Choice(["csv", "jsonl"]), default="jsonl", show_default=True)
@click.option("--after", metavar="CURSOR", help="Go on after the row with this cursor.")
@with_appcontext
def export(what: str, shape: str, after: str | None) -> None:
    """Write events or conversations for a warehouse, as they are stored, to the standard output.

    Each row has a cursor. The last one is said at the end: start the next export --after it.
    """
    from .desk import export as exports  # noqa: PLC0415 - needs the extra

    livechat, last = _livechat(), [after]
    rows = (exports.each_event if what == "events" else exports.each_episode)(livechat.store, livechat.now(), after)

    def done(cursor: str) -> None:
        last[0] = cursor

    try:
        count = exports.write(rows, sys.stdout, shape, done)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--after") from None
    click.echo(f"{count} rows.{f' Go on with --after {last[0]}' if last[0] else ''}", err=True)


def _livechat() -> LiveChat:
    found: LiveChat = current_app.extensions["livechat"].livechat
    return found

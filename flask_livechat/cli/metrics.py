"""``flask livechat metrics`` and ``export``: the figures, and what they are made of. Thin: it asks and prints."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext

from ..safe_text import terminal_text
from ..state import current_state
from .desk import since_when
from .events import plainly

if TYPE_CHECKING:
    from ..desk.metrics import Durations, Metrics
    from ..extension import LiveChat


@click.command("metrics")
@click.option("--since", metavar="WHEN", default="30d", show_default=True, help="30d, 12h, or a day: 2026-11-21.")
@click.option(
    "--until", metavar="WHEN", help="The same, and not included: a day ends the day before. Until now, if not given."
)
@click.option("--provider", metavar="NAME", help="One vendor's only; all of them go on as one series.")
@click.option("--tag", help="Conversations with this tag only.")
@click.option("--format", "shape", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.option("--explain", is_flag=True, help="How each figure is defined.")
@with_appcontext
@plainly
def metrics(since: str, until: str | None, provider: str | None, tag: str | None, shape: str, explain: bool) -> None:
    """Say how support goes: response, resolution, deflection, CSAT, conversations per user, topics.

    Days are those of LIVECHAT_OFFICE_HOURS' time zone, else of UTC, as on the page.
    """
    livechat = _livechat()
    hours = livechat.settings.office_hours
    zone = hours.tz if hours else UTC
    end: datetime | None = None if until is None else since_when(until, "--until", zone)
    try:
        found = livechat.metrics(since_when(since, zone=zone), end, provider, tag)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if shape == "json":
        click.echo(json.dumps(found.as_dict(), indent=2))
    elif shape == "csv":
        from ..desk.formatting import write_csv  # noqa: PLC0415 - needs the extra

        write_csv(found, sys.stdout)
    else:
        for line in _lines(found, zone):
            click.echo(terminal_text(line))
    if explain:
        from ..desk.metrics import DEFINITIONS  # noqa: PLC0415 - needs the extra

        for name, text in DEFINITIONS.items():
            click.echo(f"\n{name}\n    {text}")


def _lines(found: Metrics, zone: tzinfo) -> Iterator[str]:
    from ..desk.formatting import change, number, scales, share  # noqa: PLC0415 - needs the extra

    since, until = found.since.astimezone(zone), found.until.astimezone(zone)
    yield f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}, {zone}"
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
    yield f"deflection              {share(found.deflection.share)} of {opens} opens ({started} conversations)"
    rated = f" ({scales(found.csat)})" if found.csat.rated else ""
    yield f"CSAT                    {share(found.csat.share)} of {found.csat.rated} rated{rated}"
    for month in found.conversations_per_user:
        said = f"{month.conversations} conversations, {month.identified} of {month.users} known users"
        yield f"per user {month.month}        {number(month.ratio)} ({said})"
    for topic in found.topics:
        yield f"topic {topic.month}           {topic.tag}: {topic.conversations} ({change(topic.change)})"
    if found.waiting:
        yield f"{found.waiting} events wait for a worker, and these figures may lack them: flask livechat work"


def _times(found: Durations) -> str:
    from ..desk.formatting import span  # noqa: PLC0415 - needs the extra

    return f"median {span(found.median)}, p90 {span(found.p90)} ({found.count})" if found.count else "-"


@click.command("export")
@click.option("--what", type=click.Choice(["events", "conversations"]), default="events", show_default=True)
@click.option("--format", "shape", type=click.Choice(["csv", "jsonl"]), default="jsonl", show_default=True)
@click.option("--after", metavar="CURSOR", help="Go on after the row with this cursor.")
@with_appcontext
@plainly
def export(what: str, shape: str, after: str | None) -> None:
    """Write events or conversations for a warehouse, as they are stored, to the standard output.

    Each row has a cursor. The last one is said at the end: start the next export --after it.
    """
    livechat, last = _livechat(), [after]
    store = livechat.store
    from ..desk import export as exports  # noqa: PLC0415 - needs the extra, which the store asks for

    rows = (exports.each_event if what == "events" else exports.each_episode)(store, livechat.now(), after)

    def done(cursor: str) -> None:
        last[0] = cursor

    try:
        count = exports.write(rows, sys.stdout, shape, done)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--after") from None
    click.echo(f"{count} rows.{f' Go on with --after {last[0]}' if last[0] else ''}", err=True)


def _livechat() -> LiveChat:
    found: LiveChat = current_state().livechat
    return found

"""``flask livechat import``: what was said before there were webhooks."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import datetime, timedelta

import click
from flask.cli import with_appcontext

from .. import providers
from ..errors import ApiError
from ..safe_text import terminal_text
from ..state import current_state
from .desk import opened, since_when, where
from .events import plainly

HOUR = timedelta(hours=1)


@click.command("import")
@click.argument("provider")
@click.option(
    "--since", metavar="WHEN", required=True, help="Conversations that changed since 30d, 12h, or 2026-11-21."
)
@where
@with_appcontext
@plainly
def import_(provider: str, since: str, at: str) -> None:
    """Import the conversations that PROVIDER had before its webhooks were set up.

    They become events with the ids that webhooks give, and count in the metrics; no handler is called for them. You may
    stop the command at any time and run it again: what is stored already is left out. If the vendor accepts no more
    calls for now, it prints the command with which to continue.
    """
    if not provider:
        raise click.BadParameter("give a vendor's name", param_hint="PROVIDER")
    livechat = current_state().livechat
    now: datetime = livechat.now()
    moment = _not_too_old(since_when(since), now)
    desk, store = opened(provider, at), livechat.store
    from ..desk.erasure import prune  # noqa: PLC0415 - needs the extra, which the store asks for
    from ..desk.history import import_history  # noqa: PLC0415

    outcomes, new = Counter[str](), 0
    hours = max(1, (now - moment) // HOUR)
    try:
        # Of how many conversations there will be no vendor tells; they come by their age.
        with click.progressbar(length=hours, label="Hours back", show_pos=True, file=sys.stderr) as bar:
            for step in import_history(desk, store, moment, livechat.now):
                outcomes[step.outcome] += 1
                new += step.new
                if step.updated_at is not None:
                    bar.update(max(0, min(hours, (now - step.updated_at) // HOUR) - bar.pos))
            bar.update(hours - bar.pos)
    except (ApiError, KeyboardInterrupt) as error:
        click.echo(_summary(outcomes, new))
        why = f"{error}." if isinstance(error, ApiError) else "It was stopped."
        raise click.ClickException(
            f"{terminal_text(why)} The conversations imported so far are kept. To continue:\n"
            f"  flask livechat import {provider}{f' --at {at}' if livechat.settings.sandbox else ''}"
            f" --since {moment.isoformat(timespec='seconds')}"
        ) from None
    finally:
        if livechat.settings.keep_days is not None:
            prune(store, livechat.now() - timedelta(days=livechat.settings.keep_days))
    click.echo(_summary(outcomes, new))
    if (spec := providers.history(provider)) is not None and spec.lacks:
        click.echo(f"Not imported, because only webhooks deliver it: {', '.join(spec.lacks)}.")


def _not_too_old(moment: datetime, now: datetime) -> datetime:
    """Return the moment, or where ``LIVECHAT_KEEP_DAYS`` ends. Raise ``ValueError`` for one in the future."""
    keep_days = current_state().settings.keep_days
    if moment > now:
        raise click.BadParameter("it is in the future", param_hint="--since")
    if keep_days is not None and moment < now - timedelta(days=keep_days):
        moment = now - timedelta(days=keep_days)
        click.echo(f"LIVECHAT_KEEP_DAYS is {keep_days}: the import begins at {moment:%Y-%m-%d %H:%M} UTC.", err=True)
    return moment


def _summary(outcomes: Counter[str], new: int) -> str:
    others = {"known": "were here already", "gone": "are gone", "unreadable": "could not be read (see the log)"}
    parts = [f"{outcomes[name]} {words}" for name, words in others.items() if outcomes[name]]
    return ", ".join([f"Conversations imported: {outcomes['imported']} (new events: {new})", *parts]) + "."

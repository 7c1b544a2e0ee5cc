"""``flask livechat work``, ``events``, ``replay`` and ``db``: what webhooks told, and what is done about it."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from ..errors import LiveChatError
from ..safe_text import quantity, terminal_text
from ..state import current_state
from .desk import opened, since_when, where

if TYPE_CHECKING:
    from ..extension import LiveChat


def plainly(run: Callable[..., None]) -> Callable[..., None]:
    """Have a command say in one line what is wrong with the database, or that there is none."""

    @wraps(run)
    def wrapped(**options: Any) -> None:
        try:
            run(**options)
        except ModuleNotFoundError as error:
            if error.name not in ("sqlalchemy", "alembic", "psycopg"):
                raise
            what, extra = ("PostgreSQL", "postgres") if error.name == "psycopg" else ("This", "desk")
            raise click.ClickException(f"{what} needs an extra: pip install Flask-LiveChat[{extra}]") from None
        except (LiveChatError, ValueError) as error:
            raise click.ClickException(str(error)) from None
        except Exception as error:
            from ..desk.store import explain  # noqa: PLC0415 - there is one by now

            if (explanation := explain(error)) is None:
                raise
            raise click.ClickException(explanation) from None

    return wrapped


db = AppGroup("db", help="The tables for the events from webhooks.")


@db.command("upgrade")
@plainly
def upgrade() -> None:
    """Create the tables, or bring them up to date."""
    _livechat().store.upgrade()
    click.echo("The tables are up to date.")


@db.command("recount")
@plainly
def recount() -> None:
    """Recalculate conversations and their figures from the stored events.

    Run it after LIVECHAT_OFFICE_HOURS has changed, because the figures were counted by the old hours, and after an
    update that reads the vendors' events better. The events stay, and are read again.
    """
    livechat = _livechat()
    from ..desk.projections import reread  # noqa: PLC0415 - needs the extra, which the store asks for

    total = livechat.store.total()
    with click.progressbar(length=total, label="Events", file=sys.stderr) as read:
        for rows in reread(livechat.store, livechat.settings.providers):
            read.update(rows)
    with click.progressbar(livechat.store.recount(livechat.now), label="Conversations", file=sys.stderr) as counted:
        count = sum(counted)
    click.echo(f"{quantity(count, 'conversation')} counted again.")


@click.command("work")
@click.option("--once", is_flag=True, help="Handle the events that are due, and exit.")
@where
@with_appcontext
@plainly
def work(once: bool, at: str) -> None:
    """Handle the events from webhooks, until it is stopped.

    On PostgreSQL you can start as many as you like; on SQLite they take turns. On the sandbox, handlers get the
    conversations from your running app.
    """
    livechat, stopped = _livechat(), Flag()
    is_given = click.get_current_context().get_parameter_source("at") is not ParameterSource.DEFAULT
    if livechat.settings.sandbox and (is_given or not current_app.testing):
        current_state().runtime.sandbox_url = at
    store = livechat.store
    from ..desk.worker import Worker  # noqa: PLC0415 - needs the extra, which the store asks for

    worker = Worker(store, livechat.handle, livechat.now, livechat.settings.keep_days)
    if once:
        worker.prune()
        done = tried = 0
        while batch := worker.once():
            done, tried = done + batch.done, tried + batch.tried
        failed = f", {tried - done} failed: flask livechat events" if tried > done else ""
        click.echo(f"{done} handled{failed}.")
        if failed and current_state().runtime.sandbox_url:
            click.echo(f"Handlers ask the sandbox of your running app. Does it run at {at}? See --at.", err=True)
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    click.echo("Waiting for events. Press Ctrl-C to stop.", err=True)
    worker.run(stopped.is_set)


@click.command("events")
@click.option("--failed", is_flag=True, help="Only events that failed too often.")
@click.option("--pending", is_flag=True, help="Only events that wait.")
@click.option("--uncounted", is_flag=True, help="Only events whose conversation could not be counted.")
@click.option("--json", "raw", is_flag=True, help="As JSON, one object a line.")
@with_appcontext
@plainly
def events(failed: bool, pending: bool, uncounted: bool, raw: bool) -> None:
    """List the events that came in."""
    state = "failed" if failed else "pending" if pending else None
    columns = "{:>6}  {:<25}  {:<9} {:<20}  {:<44}  {:<7}  {:>5}  {}"
    header = columns.format("row", "at", "provider", "kind", "conversation", "state", "tries", "").rstrip()
    for number, (queued, now, error) in enumerate(_livechat().store.scan(state, uncounted=uncounted)):
        if number == 0 and not raw:
            click.echo(header)
        is_due = now == "pending" and queued.attempts
        data: dict[str, Any] = {
            "row": queued.row,
            "at": queued.event.at.isoformat(timespec="seconds"),
            "provider": queued.event.provider,
            "kind": queued.event.kind,
            "conversation": queued.event.conversation,
            "state": now,
            "attempts": queued.attempts,
            "due": queued.due_at.isoformat(timespec="seconds") if is_due else None,
            "error": error,
            "counted": "not counted" if queued.counted == "failed" else None,
        }
        *cells, due, why, uncounted_note = (
            "" if value is None else terminal_text(str(value)) for value in data.values()
        )
        notes = "  ".join(note for note in (due and f"due {due}", why, uncounted_note) if note)
        click.echo(json.dumps(data) if raw else columns.format(*cells, notes).rstrip())


@click.command("replay")
@click.option("--since", metavar="WHEN", help="Handle events again that came in since 30d, 12h, or 2026-11-21.")
@click.option("--failed", is_flag=True, help="Handle events again that failed too often.")
@with_appcontext
@plainly
def replay(since: str | None, failed: bool) -> None:
    """Let ``flask livechat work``, or Celery, handle events again."""
    if since is None and not failed:
        raise click.UsageError("give --since or --failed")
    moment: datetime | None = None if since is None else since_when(since)
    livechat = _livechat()
    count = livechat.store.replay(livechat.now(), moment, failed)
    click.echo(f"Events to handle again: {count}.")
    if count and livechat.settings.celery:
        from ..desk.celery_tasks import send_task  # noqa: PLC0415 - needs the extra

        send_task()


@click.command("forget")
@click.argument("who", nargs=-1, required=True, metavar="ID...")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@click.option("--only", is_flag=True, help="Treat data under an unverified email of the person as another person's.")
@click.option("--json", "raw", is_flag=True, help="The receipt as JSON.")
@where
@with_appcontext
@plainly
def forget(who: tuple[str, ...], yes: bool, only: bool, raw: bool, at: str) -> None:
    """Erase a person, here and at the vendors, by your ID, their emails, or both. Prints a receipt.

    The exit status is 1 if something is left to do or to decide.
    """
    livechat = _livechat()
    if not yes:
        click.confirm("Erased data cannot be restored. Continue?", abort=True)
    receipt = livechat.erase(who, lambda name: opened(name, at), only)
    if raw:
        click.echo(receipt.as_json())
    else:
        click.echo(f"Erased on {receipt.at:%Y-%m-%d %H:%M:%S} UTC")
        click.echo(
            f"  here: {quantity(receipt.events, 'event')}, {quantity(receipt.conversations, 'conversation')}, "
            f"{quantity(receipt.contacts, 'contact')}"
        )
        parts = [(f"{v.provider}: {v.outcome}{f' ({v.why})' if v.why else ''}", v.left) for v in receipt.vendors]
        if receipt.left:
            parts.append(("here, to decide (give their id or email as well, or --only):", receipt.left))
        for line, left in parts:
            click.echo(f"  {line}")
            for name in left:
                click.echo(f"    {terminal_text(name)}")
    if not receipt.complete:
        sys.exit(1)


def _livechat() -> LiveChat:
    livechat: LiveChat = current_state().livechat
    return livechat

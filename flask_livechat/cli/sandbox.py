"""``flask livechat sandbox``: what the stand-ins remember, and a past for them."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from ..errors import LiveChatError
from ..safe_text import quantity
from ..state import State, current_state


@click.command()
@click.option("--reset", is_flag=True, help="Delete all conversations, even those of an app that is running.")
@click.option(
    "--seed-history",
    type=click.IntRange(1, 365),
    metavar="DAYS",
    help="Make up conversations, ratings and tags of that many days. Your app must not be running.",
)
@with_appcontext
def sandbox(reset: bool, seed_history: int | None) -> None:
    """Say where the sandbox stores its conversations, delete them, or make up a history."""
    from ..sandbox.keeping import FILE  # noqa: PLC0415 - production never loads it

    path = Path(current_app.instance_path) / FILE
    if reset:
        path.unlink(missing_ok=True)
        click.echo("The sandbox has no conversations.")
    if seed_history is not None:
        _seed(current_state(), path, seed_history)
    elif not reset:
        click.echo(f"{path}{'' if path.exists() else ' (not there: nothing was said)'}")


def _seed(state: State, path: Path, days: int) -> None:
    if not state.settings.sandbox or not state.stores_events:
        raise click.ClickException("This app has no sandbox with webhooks. Set LIVECHAT_SANDBOX and install the desk.")
    if path.exists():
        click.echo("The sandbox has conversations already, and was left as it is. See --reset.")
        return
    from ..sandbox import history  # noqa: PLC0415 - production never loads it
    from ..sandbox.keeping import SandboxFile  # noqa: PLC0415 - the same

    try:
        store = state.livechat.store
    except LiveChatError as error:
        raise click.ClickException(str(error)) from None
    if count := store.total():
        fix = f"Delete {store.engine.url.database}, or set" if store.is_sqlite else "Set"
        raise click.ClickException(
            f"The store has {quantity(count, 'event')} already: a history is made where nothing has happened. "
            f"{fix} another LIVECHAT_DATABASE_URL."
        )
    stand_ins, now = state.runtime.sandbox, state.now()
    file = SandboxFile(stand_ins.hub, path.parent, stand_ins.vendors)
    past = history.plan(list(stand_ins.vendors), days, now)
    steps = history.play(past, stand_ins, store)
    with click.progressbar(steps, length=len(past.steps), label="History", file=sys.stderr) as played:
        for _ in played:
            pass
    file.write()
    click.echo(f"The sandbox has {quantity(len(past.vendors), 'conversation')} of {quantity(days, 'day')}.")

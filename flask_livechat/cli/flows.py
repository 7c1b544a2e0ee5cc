"""``flask livechat flows …``: the proof, a walk in the terminal, and a picture. Thin: it asks and prints."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click
from flask.cli import AppGroup, with_appcontext

from ..safe_text import quantity, terminal_text
from ..state import current_flask, current_state

if TYPE_CHECKING:
    from ..help.flows import Flow

group = AppGroup("flows", help="Flows: a small bot as data, from which a human is always one step away.")
LOCALE = click.option("--locale", metavar="TAG", help="The language, such as pt-BR.")


@group.command("check")
@with_appcontext
def check() -> None:
    """Prove that each walk through each flow ends at a human or at "done", and list all problems.

    These are wrong targets, steps that cannot be reached, labels over 30 characters, more than five choices, and
    missing languages. The exit status is 1 if anything is listed.
    """
    from ..help.flow_service import check_all  # noqa: PLC0415 - help is loaded on first use

    checked = check_all(current_state(), current_flask())
    for name, proof in checked.proofs.items():
        click.echo(f"{name}: {quantity(proof.states, 'state')}, and a human in each reply; every walk ends.")
        click.echo(terminal_text(f"  the longest, {quantity(proof.longest.exchanges, 'exchange')}: {proof.longest}"))
    for problem in checked.problems:
        click.echo(terminal_text(f"{'' if problem.is_error else 'warning: '}{problem}"), err=True)
    if checked.problems:
        raise click.exceptions.Exit(1)
    if not checked.proofs:
        click.echo("There are no flows. Set LIVECHAT_FLOWS to their folder.")


@group.command("show")
@click.argument("name")
@with_appcontext
def show(name: str) -> None:
    """Print the flow NAME as a diagram for Mermaid, such as for a pull request."""
    from ..help.flow_proof import mermaid  # noqa: PLC0415 - help is loaded on first use

    click.echo(terminal_text(mermaid(_flow(name)), lines=True))


@group.command("try")
@click.argument("name")
@LOCALE
@with_appcontext
def try_flow(name: str, locale: str | None) -> None:
    """Walk through the flow NAME in the terminal, as a visitor would.

    A line is a choice's label or number, or an answer. The end of the input ends it with status 0.
    """
    from ..help.flow_service import input_of, take_step  # noqa: PLC0415 - help is loaded on first use

    _flow(name)
    state, app = current_state(), current_flask()
    reply, _ = take_step(state, app, name, None, input_of(None), locale)
    while _print(reply) and (line := sys.stdin.readline()):
        action = input_of(_action(reply, line.strip()))
        reply, _ = take_step(state, app, name, reply["state"], action, locale)


def _options(reply: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Labels, and what is sent for them."""
    yield from ((choice["label"], choice["choice"]) for choice in reply["choices"])
    if reply["done"]:
        yield reply["done"], "done"
    yield reply["human"], "human"


def _action(reply: dict[str, Any], line: str) -> dict[str, Any]:
    """What a line does: a label or, where no text is asked for, a number picks."""
    options = [*_options(reply)]
    if line.isascii() and line.isdigit() and not reply["ask"] and 1 <= int(line[:9]) <= len(options):
        return {"choice": options[int(line) - 1][1]}
    for label, choice in options:
        if line.casefold() == label.casefold():
            return {"choice": choice}
    return {"text": line}


def _print(reply: dict[str, Any]) -> bool:
    """Print a reply, and say whether it goes on."""
    lines = [line for line in (reply["say"], reply["answer"]) if line]
    lines += [f"  - {article['title']}  {article['url']}" for article in reply["articles"]]
    if reply["end"] is None:
        options = enumerate(_options(reply), 1)
        lines += [f"  {label}" if reply["ask"] else f"  {number}  {label}" for number, (label, _) in options]
    if reply["opens_at"]:
        lines.append(f"  ({reply['opens_at']})")
    if reply["end"] == "human":
        values = {**reply["handoff"], **reply["handoff"]["transcript"], "transcript": None}
        lines += [f"  {key}: {value}" for key, value in values.items() if value]
    click.echo(terminal_text("\n".join(lines), lines=True))
    return reply["end"] is None


def _flow(name: str) -> Flow:
    from ..help.flow_service import flows  # noqa: PLC0415 - help is loaded on first use

    loaded = flows(current_state(), current_flask())
    if name not in loaded.by_name:
        known = ", ".join(loaded.by_name) or "none"
        raise click.ClickException(terminal_text(f"there is no valid flow {name!r} (valid flows: {known})"))
    return loaded.by_name[name]

"""``flask livechat doctor --live`` in a terminal: which vendor, the question before anything is written, the report."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click
from flask import Flask

from ...safe_text import terminal_text
from ...state import current_state
from . import NoBrowser, NoPage, Plan, check, plan_of, report

QUESTION = """\
This starts {title}'s chat with the keys of this app, as visitors do: a visitor's session{user}.
Agents see it meanwhile. Events named "flask-livechat check" mark it; a contact that it makes is deleted again where the
vendor's API can."""


class NotChecked(click.ClickException):
    """Nothing was checked, so that nothing can be said of it: not the status of a fact that does not hold."""

    exit_code = 2


@dataclass(frozen=True)
class Options:
    """What the command was given."""

    provider: str | None
    user: Any
    page: str | None
    skip: tuple[str, ...]
    base_url: str | None
    yes: bool
    json: bool


def run(app: Flask, options: Options, step: Callable[[str], None]) -> None:
    """Check, print, and exit with status 1 where a fact does not hold."""
    provider = _provider(app, options.provider)
    step("A page with the chat is looked for.")
    try:
        plan = plan_of(
            app, provider, user=options.user, path=options.page, skip=options.skip, base_url=options.base_url
        )
        _ask(plan, options.yes)
        now = plan.livechat.now()
        result = check(plan, now=now, step=step)
    except (NoPage, NoBrowser) as error:
        raise NotChecked(str(error)) from None
    click.echo(report.as_json(result) if options.json else terminal_text(report.as_text(result), lines=True))
    if result.failed:
        raise click.exceptions.Exit(1)


def _provider(app: Flask, name: str | None) -> str:
    settings = current_state(app).settings
    configured = tuple(settings.providers)
    chosen = name or settings.provider or (configured[0] if len(configured) == 1 else None)
    if chosen in configured:
        return str(chosen)
    what = f"{name!r} is not configured" if name else "say which vendor to check"
    raise click.BadParameter(f"{what}; configured: {', '.join(configured) or 'none'}", param_hint="--provider")


def _ask(plan: Plan, yes: bool) -> None:
    """Nothing is written into an account that nobody has agreed to. A sandbox has nobody to ask for."""
    if plan.vendor.stand_in or yes:
        return
    user = ", and the user that you name with what your app says of them" if plan.user else ""
    click.echo(QUESTION.format(title=plan.vendor.provider.title, user=user), err=True)
    if not _has_terminal():
        raise NotChecked("it writes into a real account, and without a terminal it cannot ask: give --yes")
    click.confirm("Go on?", abort=True, err=True)


def _has_terminal() -> bool:
    return sys.stdin.isatty()

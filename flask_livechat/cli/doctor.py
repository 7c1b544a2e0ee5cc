"""``flask livechat doctor``."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from importlib.metadata import version
from typing import Any

import click
from flask import Flask
from flask.cli import with_appcontext

from ..safe_text import terminal_text
from ..state import current_flask, current_state
from .user import user_of


def _path(context: click.Context, option: click.Parameter, value: Any) -> Any:
    for path in value if isinstance(value, tuple) else [value or "/"]:
        if not path.startswith("/"):
            raise click.BadParameter("a path starts with a slash, such as /pricing")
    return value


def _base_url(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"https?://[^/?#]+/?", value):
        raise click.BadParameter("give a scheme and a host, such as https://shop.example.com")
    return value and value.rstrip("/")


@click.command()
@click.option("--deploy", is_flag=True, help="Add the checks that matter only in production.")
@click.option(
    "--path",
    "paths",
    multiple=True,
    metavar="PATH",
    callback=_path,
    help="A further page to visit. May be repeated.",
)
@click.option(
    "--as",
    "--user",
    "user_id",
    metavar="USER_ID",
    help="Visit pages also as this Flask-Login user; --user is the same.",
)
@click.option("--skip", multiple=True, metavar="NAME", help="A path, endpoint or blueprint to omit. May be repeated.")
@click.option("--pages", default=500, show_default=True, type=click.IntRange(1), help="Visit at most that many pages.")
@click.option(
    "--base-url", metavar="URL", callback=_base_url, help="Where the app is, such as https://shop.example.com."
)
@click.option(
    "--seconds", default=5.0, show_default=True, type=click.FloatRange(0.1), help="Wait at most that long for a page."
)
@click.option("--format", "form", default="text", show_default=True, type=click.Choice(["text", "json", "sarif"]))
@click.option(
    "--fail-level",
    default="error",
    show_default=True,
    type=click.Choice(["info", "warning", "error", "never"]),
    help="Exit with status 1 if something of this level or worse is found.",
)
@click.option("--list", "listing", is_flag=True, help="Print all checks, and examine nothing.")
@click.option(
    "--live", is_flag=True, help="Start the chat in a browser, with your keys at the vendor's, and check that instead."
)
@click.option("--provider", metavar="NAME", help="With --live: another vendor than LIVECHAT_PROVIDER.")
@click.option(
    "--page",
    metavar="PATH",
    callback=_path,
    help="With --live: the page to start the chat on, not the first that has it.",
)
@click.option("--yes", is_flag=True, help="With --live: write into the account without asking first.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@with_appcontext
def doctor(
    deploy: bool,
    paths: tuple[str, ...],
    user_id: str | None,
    skip: tuple[str, ...],
    base_url: str | None,
    pages: int,
    seconds: float,
    form: str,
    fail_level: str,
    listing: bool,
    live: bool,
    provider: str | None,
    page: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Find the usual mistakes in this app: its configuration, pages, templates, static files and headers.

    It visits GET routes with a test client; nothing leaves this machine, except with --live. The exit status is 0 if
    nothing of the failing level was found, 1 if something was, and 2 if the command was used wrongly.
    """
    try:
        from .. import doctor as examiner  # noqa: PLC0415 - with an HTML parser, which only this command needs
        from ..doctor import report as reports  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "bs4":
            raise
        raise click.ClickException("the doctor needs an HTML parser: pip install Flask-LiveChat[doctor]") from None

    if listing:
        for check in examiner.checks():
            click.echo(f"{check.code}  {check.level.word:<8} {check.title}{' (--deploy)' if check.deploy else ''}")
        return
    if not live and (provider or page or yes):
        raise click.UsageError("--provider, --page and --yes need --live")
    form = "json" if as_json else form
    if live and form == "sarif":
        raise click.UsageError("--live has no --format sarif, because its facts do not belong to a file")
    app = current_flask()
    for name in skip:
        if not any(examiner.skipped(rule, [name]) for rule in app.url_map.iter_rules()):
            raise click.BadParameter(f"{name!r} is not an endpoint, a blueprint or a path", param_hint="--skip")
    user = None if user_id is None else _load_user(app, user_id)
    if live:
        from ..doctor.live import command  # noqa: PLC0415 - nobody else needs it

        options = command.Options(provider, user, page, skip, base_url, yes, form == "json")
        command.run(app, options, lambda step: click.echo(step, err=True))
        return
    report = examiner.examine(
        app,
        now=current_state(app).livechat.now(),
        deploy=deploy,
        user=user,
        paths=paths,
        skip=skip,
        base_url=base_url,
        limits=examiner.Limits(pages=pages, seconds=seconds),
        progress=_progress,
    )
    if form == "json":
        click.echo(reports.as_json(report))
    elif form == "sarif":
        click.echo(reports.as_sarif(report, examiner.checks(), version("Flask-LiveChat")))
    else:
        click.echo(terminal_text(reports.as_text(report), lines=True))
        if user is None:
            click.echo(_as_nobody(app))
    worst = report.worst()
    if worst is not None and fail_level != "never" and worst >= examiner.Level[fail_level.upper()]:
        raise click.exceptions.Exit(1)


def _load_user(app: Flask, user_id: str) -> Any:
    """Load the user in contexts of their own: what the loader's database session holds is given back afterwards."""
    with app.app_context(), app.test_request_context():
        user = user_of(user_id)
        with suppress(Exception):  # a class without an id is said page by page
            user.get_id()  # where the loader has committed, this reads the user again
    return user


def _as_nobody(app: Flask) -> str:
    if getattr(getattr(app, "login_manager", None), "_user_callback", None):
        return "Pages were visited anonymously. --as USER_ID also visits them as a logged-in user."
    return (
        "Pages were visited anonymously. Without Flask-Login they cannot be visited as a user, so checks that need "
        "one (such as LC301 and LC305) were left out."
    )


def _progress(done: int, total: int, what: str) -> None:
    """Write one line over on a terminal. Into a file or a pipe nothing is drawn."""
    if sys.stderr.isatty():
        line = f"{done + 1}/{total} {terminal_text(what[:60])}" if done < total else ""
        click.echo(f"\r\x1b[K{line}", err=True, nl=False)

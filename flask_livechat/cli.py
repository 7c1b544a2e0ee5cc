"""``flask livechat …``. Thin: it asks the wings and prints."""

from __future__ import annotations

import json
import re
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app, g, request
from flask.cli import AppGroup, with_appcontext

from . import cli_desk, cli_metrics, cli_store
from .model import Decision
from .safe_text import terminal_text
from .state import current_state

group = AppGroup("livechat", help="Customer chat: what pages get, and why.")
STORE = (cli_store.db, cli_store.work, cli_store.events, cli_store.replay, cli_store.forget)
for part in (cli_desk.group, *STORE, cli_metrics.metrics, cli_metrics.export):
    group.add_command(part)


@group.command()
@click.argument("path")
@click.option("--as", "user_id", metavar="USER_ID", help="As this user (through flask-login's user_loader).")
@with_appcontext
def explain(path: str, user_id: str | None) -> None:
    """Say what the page at PATH gets, and which rule says so."""
    livechat = current_state().livechat
    with _page(path, user_id):
        decision: Decision = livechat.decide()
        click.echo(f"{path}: {'chat by ' + str(decision.provider) if decision.show else 'no chat'}")
        click.echo(f"why: {decision.why}")
        for name, source in decision.sources.items():
            click.echo(f"  {name:<9} {getattr(decision, name)!s:<14} {source}")
        if decision.show:
            click.echo(f"visitor: {_visitor(livechat, decision)}")
        if request.routing_exception is not None:
            click.echo(f"(No route answers {path}: this is what an error page there gets.)")
        click.echo("(What a template passes to livechat() is not seen here.)")


@group.command()
@click.argument("path", default="/")
@click.option("--policy", help="A policy of yours, to merge what is needed into.")
@click.option("--reports", is_flag=True, help="Print what browsers reported as blocked, and the line to add for each.")
@with_appcontext
def csp(path: str, policy: str | None, reports: bool) -> None:
    """Print the Content-Security-Policy that the page at PATH needs, one directive a line."""
    if reports:
        _print_reports()
        return
    livechat = current_state().livechat
    with _page(path, None):
        needed: str = livechat.csp(policy)
    if not needed:
        click.echo(f"{path} carries no chat: nothing to add.")
        return
    if policy is None:
        click.echo('Sources to add to your policy (--policy "…" merges them into it):', err=True)
    click.echo(";\n".join(needed.split("; ")))


def _print_reports() -> None:
    state = current_state()
    kept = [*state.reports.kept()]
    for violation in kept:
        click.echo(terminal_text(str(violation)))
    if not kept:
        prefix = state.settings.url_prefix
        click.echo(f"Nothing was reported. A policy with `report-uri {prefix}/csp-reports` sends reports.")
        if not Path(current_app.instance_path).is_dir():
            click.echo(f"(They are kept in {current_app.instance_path}, which is not there; the log has them.)")


@group.command()
@click.option("--reset", is_flag=True, help="Forget all conversations, also of an app that is running.")
@with_appcontext
def sandbox(reset: bool) -> None:
    """Say where the sandbox keeps its conversations, and have it forget them."""
    from .sandbox.keeping import FILE  # noqa: PLC0415 - production never loads it

    path = Path(current_app.instance_path) / FILE
    if reset:
        path.unlink(missing_ok=True)
        click.echo("The sandbox has no conversations.")
    else:
        click.echo(f"{path}{'' if path.exists() else ' (not there: nothing was said)'}")


@group.command()
@click.option("--deploy", is_flag=True, help="Also what matters only in production.")
@click.option("--path", "paths", multiple=True, metavar="PATH", help="A further page to visit. May be given often.")
@click.option(
    "--as", "--user", "user_id", metavar="USER_ID", help="Also as this user (flask-login's); --user is the same."
)
@click.option("--skip", multiple=True, metavar="NAME", help="A path, endpoint or blueprint to stay away from.")
@click.option(
    "--pages", default=500, show_default=True, type=click.IntRange(1), help="How many pages to visit at most."
)
@click.option("--base-url", metavar="URL", help="Where the app is, such as https://shop.example.com.")
@click.option("--seconds", default=5.0, show_default=True, type=click.FloatRange(0.1), help="How long to wait for one.")
@click.option("--format", "form", default="text", show_default=True, type=click.Choice(["text", "json", "sarif"]))
@click.option(
    "--fail-level",
    default="error",
    show_default=True,
    type=click.Choice(["info", "warning", "error", "never"]),
    help="Exit with status 1 where something of this level or worse is found.",
)
@click.option("--list", "listing", is_flag=True, help="Print all checks, and look at nothing.")
@click.option(
    "--live", is_flag=True, help="Start the chat in a browser, with your keys at the vendor's, and check that instead."
)
@click.option("--provider", metavar="NAME", help="With --live: another vendor than LIVECHAT_PROVIDER.")
@click.option("--page", metavar="PATH", help="With --live: the page to start the chat on, not the first that has it.")
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

    Visits GET routes with a test client; nothing leaves this machine, unless --live asks for it. Exit status 0: nothing
    found of the level that fails; 1: something was; 2: the command was given wrongly.
    """
    try:
        from . import doctor as examiner  # noqa: PLC0415 - with an HTML parser, which only this command needs
        from .doctor import report as reports  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "bs4":
            raise
        raise click.ClickException("the doctor needs an HTML parser: pip install Flask-LiveChat[doctor]") from None

    if listing:
        for check in examiner.checks():
            click.echo(f"{check.code}  {check.level.word:<8} {check.title}{' (--deploy)' if check.deploy else ''}")
        return
    for hint, path in (*(("--path", path) for path in paths), ("--page", page or "/")):
        if not path.startswith("/"):
            raise click.BadParameter("a path starts with a slash, such as /pricing", param_hint=hint)
    if not live and (provider or page or yes):
        raise click.UsageError("--provider, --page and --yes go with --live")
    if live and form == "sarif":
        raise click.UsageError("--live has no --format sarif: its facts have no place in a file")
    if base_url is not None and not re.fullmatch(r"https?://[^/?#]+/?", base_url):
        raise click.BadParameter("it is a scheme and a host, such as https://shop.example.com", param_hint="--base-url")
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # a method of the proxy
    for name in skip:
        if not any(examiner.skipped(rule, [name]) for rule in app.url_map.iter_rules()):
            raise click.BadParameter(f"{name!r} is no endpoint, blueprint or path", param_hint="--skip")
    user = None
    if user_id is not None:
        # Contexts of their own: what the loader's database session holds is given back before a page is visited.
        with app.app_context(), app.test_request_context():
            user = _user(user_id)
            with suppress(Exception):  # a class without an id is said page by page
                user.get_id()  # where the loader has committed, this reads the user again
    form = "json" if as_json else form
    if live:
        from .doctor.live import command  # noqa: PLC0415 - nobody else needs it

        base = base_url and base_url.rstrip("/")
        options = command.Options(provider, user, page, skip, base, yes, form == "json")
        command.run(app, options, lambda step: click.echo(step, err=True))
        return
    found = examiner.examine(
        app,
        now=current_state(app).livechat.now(),
        deploy=deploy,
        user=user,
        paths=paths,
        skip=skip,
        base_url=base_url and base_url.rstrip("/"),
        limits=examiner.Limits(pages=pages, seconds=seconds),
        progress=_progress() if sys.stderr.isatty() else _no_progress,
    )
    if form == "json":
        click.echo(reports.as_json(found))
    elif form == "sarif":
        click.echo(reports.as_sarif(found, examiner.checks(), version("Flask-LiveChat")))
    else:
        click.echo(terminal_text(reports.as_text(found), lines=True))
        if user is None:
            click.echo(_as_nobody(app))
    worst = found.worst()
    if worst is not None and fail_level != "never" and worst >= examiner.Level[fail_level.upper()]:
        raise click.exceptions.Exit(1)


def _as_nobody(app: Flask) -> str:
    if getattr(getattr(app, "login_manager", None), "_user_callback", None):
        return "Pages were visited as nobody: --as USER_ID also looks at what a logged-in visitor gets."
    return (
        "Pages were visited as nobody: without Flask-Login no page can be visited as a user, and what depends on one "
        "(such as LC301 and LC305) was not looked at."
    )


def _no_progress(done: int, total: int, what: str) -> None:
    """Into a file or a pipe nothing is drawn."""


def _progress() -> Callable[[int, int, str], None]:
    """One line on the terminal that is written over."""

    def show(done: int, total: int, what: str) -> None:
        click.echo(
            f"\r\x1b[K{f'{done + 1}/{total} {terminal_text(what[:60])}' if done < total else ''}", err=True, nl=False
        )

    return show


@contextmanager
def _page(path: str, user_id: str | None) -> Iterator[None]:
    if not path.startswith("/"):
        raise click.BadParameter("a path starts with a slash, such as /pricing", param_hint="PATH")
    with current_app.test_request_context(path):
        if user_id is not None:
            g._login_user = _user(user_id)
        yield


def _user(user_id: str) -> Any:
    manager = getattr(current_app, "login_manager", None)
    load = getattr(manager, "_user_callback", None)
    if load is None:
        raise click.BadParameter("this app has no flask-login user_loader", param_hint="--as")
    failures: list[Exception | None] = []
    for identifier in _identifiers(user_id):
        try:
            user = load(identifier)
        except Exception as error:  # such as int("ann@example.com")
            failures.append(error)
        else:
            if user is not None:
                return user
            failures.append(None)
    what = f"there is no user {user_id!r}"
    if None not in failures:
        what = f"the user_loader takes no {user_id!r} ({type(failures[0]).__name__}); it wants what get_id() gives"
    raise click.BadParameter(what, param_hint="--as")


def _identifiers(text: str) -> Iterator[Any]:
    """What a ``get_id()`` that is written so may give, as a session brings it: text, a number, a tuple, a UUID."""
    yield text
    with suppress(ValueError, RecursionError):
        value = json.loads(text)
        yield tuple(value) if isinstance(value, list) else value
    with suppress(ValueError):
        yield uuid.UUID(text)


def _visitor(livechat: Any, decision: Decision) -> str:
    """Whether an identity is sent and with what proof. Never what it holds."""
    if not decision.identify:
        return "anonymous (identify=False)"
    found = livechat.identity_payload(decision.provider)
    if found["visitor"] is None:
        return "anonymous"
    proofs = ", ".join(sorted(set(found["proof"] or {}) - {"expires"})) or "none: unverified"
    return f"identified; proof: {proofs}"

"""``flask livechat …``: each command asks the part that knows, and prints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from flask import current_app, g, request
from flask.cli import AppGroup, with_appcontext

from ..model import Decision
from ..safe_text import terminal_text
from ..state import PROBE_KEY, current_state, request_failures
from . import articles, desk, doctor, events, flows, history, metrics, sandbox
from .user import user_of

group = AppGroup("livechat", help="Customer chat: what pages get, and why.")
for command in (
    articles.group,
    flows.group,
    desk.group,
    events.db,
    events.work,
    events.events,
    events.replay,
    events.forget,
    history.import_,
    metrics.metrics,
    metrics.cohort,
    metrics.export,
    doctor.doctor,
    sandbox.sandbox,
):
    group.add_command(command)


@group.command()
@click.argument("path")
@click.option("--as", "user_id", metavar="USER_ID", help="The page as this user (through Flask-Login's user_loader).")
@with_appcontext
def explain(path: str, user_id: str | None) -> None:
    """Say what the page at PATH gets, and which rule decides it."""
    livechat = current_state().livechat
    with _page(path, user_id):
        decision: Decision = livechat.decide()
        click.echo(f"{path}: {'chat by ' + str(decision.provider) if decision.show else 'no chat'}")
        click.echo(f"why: {decision.why}")
        for name, source in decision.sources.items():
            click.echo(f"  {name:<9} {getattr(decision, name)!s:<14} {source}")
        if decision.show:
            click.echo(f"visitor: {_visitor(livechat, decision)}")
        for failure in dict.fromkeys(request_failures()):
            click.echo(f"({failure}. explain does not run before_request functions, so what they set is missing.)")
        if request.routing_exception is not None:
            click.echo(f"(No route answers {path}: this is what an error page there gets.)")
        click.echo("(What a template passes to livechat() is not seen here.)")


@group.command()
@click.argument("path", default="/")
@click.option("--policy", help="Your policy. What the page needs is merged into it.")
@click.option("--reports", is_flag=True, help="Print what browsers reported as blocked, and what to add for each.")
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
    violations = [*state.reports.stored()]
    for violation in violations:
        click.echo(terminal_text(str(violation)))
    if not violations:
        prefix = state.settings.url_prefix
        click.echo(f"Nothing was reported. A policy with `report-uri {prefix}/csp-reports` sends reports.")
        if not Path(current_app.instance_path).is_dir():
            click.echo(f"(They are kept in {current_app.instance_path}, which is not there; the log has them.)")


@contextmanager
def _page(path: str, user_id: str | None) -> Iterator[None]:
    if not path.startswith("/"):
        raise click.BadParameter("a path starts with a slash, such as /pricing", param_hint="PATH")
    # Functions before a request may write or redirect, so none runs here. Without what they set, callables of the
    # app's own may fail; that is noted, and not raised.
    with current_app.test_request_context(path, environ_overrides={PROBE_KEY: []}):
        if user_id is not None:
            g._login_user = user_of(user_id)
        yield


def _visitor(livechat: Any, decision: Decision) -> str:
    """Say whether an identity is sent and with what proof, and never what it holds."""
    if not decision.identify:
        return "anonymous (identify=False)"
    earlier = {*request_failures()}
    payload = livechat.identity_payload(decision.provider)
    if payload["visitor"] is None:
        return "anonymous" if earlier.issuperset(request_failures()) else "unknown"
    proofs = ", ".join(sorted(set(payload["proof"] or {}) - {"expires"})) or "none: unverified"
    return f"identified; proof: {proofs}"

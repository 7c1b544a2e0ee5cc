"""``flask livechat …``. Thin: it asks the wings and prints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask import current_app, g, request
from flask.cli import AppGroup, with_appcontext

from .model import Decision

group = AppGroup("livechat", help="Customer chat: what pages get, and why.")


@group.command()
@click.argument("path")
@click.option("--as", "user_id", metavar="USER_ID", help="As this user (through flask-login's user_loader).")
@with_appcontext
def explain(path: str, user_id: str | None) -> None:
    """Say what the page at PATH gets, and which rule says so."""
    livechat = current_app.extensions["livechat"].livechat
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
@with_appcontext
def csp(path: str, policy: str | None) -> None:
    """Print the Content-Security-Policy that the page at PATH needs, one directive a line."""
    livechat = current_app.extensions["livechat"].livechat
    with _page(path, None):
        needed: str = livechat.csp(policy)
    if not needed:
        click.echo(f"{path} carries no chat: nothing to add.")
        return
    if policy is None:
        click.echo('Sources to add to your policy (--policy "…" merges them into it):', err=True)
    click.echo(";\n".join(needed.split("; ")))


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
    user = load(user_id)
    if user is None:
        raise click.BadParameter(f"there is no user {user_id!r}", param_hint="--as")
    return user


def _visitor(livechat: Any, decision: Decision) -> str:
    """Whether an identity is sent and with what proof. Never what it holds."""
    if not decision.identify:
        return "anonymous (identify=False)"
    found = livechat.identity_payload(decision.provider)
    if found["visitor"] is None:
        return "anonymous"
    proofs = ", ".join(sorted(set(found["proof"] or {}) - {"expires"})) or "none: unverified"
    return f"identified; proof: {proofs}"

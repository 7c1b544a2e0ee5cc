"""Vendor stand-ins for development and tests: no account, no internet, and a desk to answer from."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from ..state import State
from .keeping import SandboxFile
from .views import Sandbox, create_blueprint, names, sandbox_of, script

__all__ = ["Sandbox", "SandboxFile", "connect", "create_blueprint", "names", "sandbox_of", "script"]


def connect(app: Flask, state: State, url: str, listens: Callable[[], bool]) -> None:
    """Let the stand-ins send their webhooks to the app, which answers at ``url``, while somebody ``listens``."""
    from ..desk.outbox import Outbox  # noqa: PLC0415 - only where webhooks are received
    from .webhooks import Sender  # noqa: PLC0415 - the same

    sandbox: Sandbox = state.runtime.sandbox
    accounts = {name: api.account for name, api in sandbox.apis.items()}
    sender = Sender(app, url, f"{state.settings.url_prefix}/webhooks", accounts, Outbox(), listens)
    state.runtime.sandbox_sender = sender
    sandbox.hub.listener = sender.tell

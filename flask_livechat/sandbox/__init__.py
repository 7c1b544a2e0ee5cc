"""Vendor stand-ins for development and tests: no account, no internet, and a desk to answer from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flask import Flask, request_started

from ..state import State, current_state
from .keeping import SandboxFile
from .views import Sandbox, create_blueprint, names, sandbox_of, script

__all__ = ["Sandbox", "SandboxFile", "connect", "create_blueprint", "names", "register", "sandbox_of", "script"]


def connect(app: Flask, state: State, url: str, listens: Callable[[], bool]) -> None:
    """Let the stand-ins send their webhooks to the app, which answers at ``url``, while somebody ``listens``."""
    from ..desk.background import BackgroundQueue  # noqa: PLC0415 - only where webhooks are received
    from .webhooks import Sender  # noqa: PLC0415 - the same

    sandbox: Sandbox = state.runtime.sandbox
    accounts = {name: api.account for name, api in sandbox.apis.items()}
    sender = Sender(app, url, f"{state.settings.url_prefix}/webhooks", accounts, BackgroundQueue(), listens)
    state.runtime.sandbox_sender = sender
    sandbox.hub.listener = sender.tell


def register(app: Flask, state: State, places: Mapping[str, Any]) -> None:
    """Serve the stand-ins of the app's vendors below ``sandbox/``. Outside tests they remember what was said."""
    vendors = {name: values for name, values in state.settings.providers.items() if name in names()}
    blueprint = create_blueprint(vendors)
    state.runtime.sandbox = blueprint.sandbox
    app.register_blueprint(blueprint, url_prefix=f"{state.settings.url_prefix}/sandbox", **places)
    if not app.testing:
        request_started.connect(_open_file, app)


def _open_file(sender: Flask, **extra: Any) -> None:
    """Only now: a suite that says late that it is one must not find what a developer has written, nor add to it."""
    request_started.disconnect(_open_file, sender)
    sandbox: Sandbox = current_state(sender).runtime.sandbox
    if sandbox.apis and not sender.testing:
        sandbox.file = SandboxFile(sandbox.hub, Path(sender.instance_path), sandbox.apis.keys())

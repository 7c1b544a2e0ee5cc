"""The user whom a command is told to be: ``--as 42``."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import click
from flask import current_app


def user_of(user_id: str) -> Any:
    """Load a user as flask-login does. Raise ``click.BadParameter`` where there is none."""
    manager = getattr(current_app, "login_manager", None)
    load = getattr(manager, "_user_callback", None)
    if load is None:
        what = "this app has no Flask-Login user_loader. Leave --as out to look at the page as an anonymous visitor"
        raise click.BadParameter(what, param_hint="--as")
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
        what = f"the user_loader does not accept {user_id!r} ({type(failures[0]).__name__}); give the value of get_id()"
    raise click.BadParameter(what, param_hint="--as")


def _identifiers(text: str) -> Iterator[Any]:
    """Yield what a ``get_id()`` that is written so may have given: text, a number, a tuple or a UUID."""
    yield text
    with suppress(ValueError, RecursionError):
        value = json.loads(text)
        yield tuple(value) if isinstance(value, list) else value
    with suppress(ValueError):
        yield uuid.UUID(text)

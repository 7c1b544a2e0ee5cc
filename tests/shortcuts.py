"""What others do for an app, and what comes to the same each time: the tests make some thousand apps.

Nothing of ours is replaced. ``tests/test_suite.py`` compares what is remembered with what is done anew.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import CodeType
from typing import Any

import pytest
import sqlalchemy as sa
import stamina
from alembic import command
from alembic.config import Config
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule

# The first pauses between the attempts of a call are short enough. A test of how long they are has ``real_pauses``.
real_retry_context = stamina.retry_context
without_long_pauses = partial(real_retry_context, wait_initial=0.01, wait_jitter=0.01, wait_max=0.05)


def take(patch: pytest.MonkeyPatch) -> None:
    """Take the shortcuts until the patch is undone."""
    patch.setattr(command, "upgrade", Migrations(command.upgrade))
    patch.setattr(Flask, "jinja_options", {"bytecode_cache": Templates()})
    patch.setattr(Rule, "_compile_builder", when_needed(Rule._compile_builder))
    patch.setattr(stamina, "retry_context", without_long_pauses)
    sa.event.listen(sa.Engine, "engine_connect", without_waiting_for_the_disk)


class Templates(BytecodeCache):
    """Jinja's code of each template, for all apps that escape alike: what an app escapes is in the code."""

    def __init__(self) -> None:
        self.codes: dict[tuple[object, ...], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.codes.get(self._key(bucket))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.codes[self._key(bucket)] = bucket.code

    def _key(self, bucket: Bucket) -> tuple[object, ...]:
        autoescape = bucket.environment.autoescape
        return (
            bucket.key,
            bucket.checksum,
            getattr(autoescape, "__func__", autoescape),
        )  # Flask's is a method of the app


class Migrations:
    """Alembic's ``upgrade``, which makes the tables of an empty SQLite database as it has made the first ones."""

    def __init__(self, upgrade: Callable[[Config, str], None]) -> None:
        self.upgrade = upgrade
        self.statements: list[str] = []
        self.versions: list[str] = []

    def __call__(self, config: Config, revision: str) -> None:
        connection: sa.Connection = config.attributes["connection"]
        is_new = connection.dialect.name == "sqlite" and revision == "head" and not schema_of(connection)
        if is_new and self.statements:
            for statement in self.statements:
                connection.exec_driver_sql(statement)
            for version in self.versions:
                connection.exec_driver_sql("INSERT INTO livechat_version VALUES (?)", (version,))
            return
        self.upgrade(config, revision)
        if is_new:
            self.statements = schema_of(connection)
            self.versions = [*connection.exec_driver_sql("SELECT version_num FROM livechat_version").scalars()]


def schema_of(connection: sa.Connection) -> list[str]:
    """Return the statements that make the tables and indexes of an SQLite database."""
    made = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
    return [*connection.exec_driver_sql(made).scalars()]


def when_needed(compile_builder: Callable[..., Callable[..., Any]]) -> Callable[..., Callable[..., Any]]:
    """Have Werkzeug compile what builds a rule's address when the first one is built: of most rules, none is."""

    def compile_later(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
        compiled: list[Callable[..., Any]] = []

        def build(rule: Rule, **values: Any) -> Any:
            if not compiled:
                compiled.append(compile_builder(rule, append_unknown))
            return compiled[0](rule, **values)

        return build

    return compile_later


def without_waiting_for_the_disk(connection: sa.Connection) -> None:
    """Have SQLite leave its commits to the operating system: no test ends the machine."""
    if connection.dialect.name == "sqlite":
        connection.connection.cursor().execute("PRAGMA synchronous=OFF")

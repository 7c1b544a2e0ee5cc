"""The suite itself: what a quick run leaves out, fixtures with one name, and what is done once for all apps."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from unittest.mock import Mock

import pytest
import sqlalchemy as sa
from alembic import command
from flask import Flask, render_template, url_for
from jinja2 import DictLoader
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from flask_livechat.desk.store import Store

from .needs import FILES, FIXTURES, NEEDS, PARAMETERS, TESTS, Needs, need_of_file
from .shortcuts import Migrations, schema_of

SOURCES = {path: path.read_text("utf-8") for path in sorted(TESTS.rglob("*.py")) if "node_modules" not in path.parts}


@cache
def fixtures() -> dict[str, set[str]]:
    """The name of each fixture, with what it returns wherever it is defined: at the top of a module."""
    kinds = defaultdict(set)
    for source in SOURCES.values():
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef) and any("fixture" in ast.unparse(one) for one in node.decorator_list):
                returned = ast.unparse(node.returns) if node.returns else ""
                kinds[node.name].add(re.sub(r"^Iterator\[(.*)\]$", r"\1", returned))
    return kinds


def test_a_quick_run_leaves_out_what_has_a_need_and_nothing_else(request: pytest.FixtureRequest) -> None:
    every, config = request.session.items, Mock()
    kept = [*every]
    Needs(quick=True).pytest_collection_modifyitems(config, kept)
    left_out = config.hook.pytest_deselected.call_args.kwargs["items"]
    assert {*kept} | {*left_out} == {*every}
    assert not any(item.get_closest_marker("needs") for item in kept)
    assert all(mark.args[0] in NEEDS for item in left_out for mark in item.iter_markers("needs"))


def test_every_need_has_a_name_and_somebody_who_has_it() -> None:
    marks = {name for source in SOURCES.values() for name in re.findall(r'\bneeds\("(\w+)"\)', source)}
    assert {*FILES.values(), *FIXTURES.values(), *PARAMETERS.values(), *marks} == NEEDS.keys()
    assert [name for name in FILES if not (TESTS / name).exists()] == []
    assert FIXTURES.keys() <= fixtures().keys()


def test_what_a_quick_run_imports_is_in_its_extra() -> None:
    pyproject = tomllib.loads((TESTS.parent / "pyproject.toml").read_text("utf-8"))
    quick, whole = (
        {canonicalize_name(Requirement(line).name) for line in pyproject["project"]["optional-dependencies"][extra]}
        for extra in ("quick", "test")
    )
    absent = {
        module
        for module, packages in packages_distributions().items()
        if {canonicalize_name(package) for package in packages} <= whole - quick
    }
    quick_files = [path for path in SOURCES if not need_of_file(path)]
    assert [path for path in quick_files if imported(path) & absent] == []


def imported(path: Path) -> set[str]:
    """The packages that are imported with a module, and not later."""
    names = set()
    for node in ast.parse(SOURCES[path]).body:
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").partition(".")[0])
    return names


def test_fixtures_named_alike_are_alike() -> None:
    assert {name: kinds for name, kinds in fixtures().items() if len(kinds) > 1} == {}


def migrated(file: Path) -> tuple[list[str], dict[str, list[sa.Row[tuple[object, ...]]]]]:
    """Return the schema of a new database and the rows of each table."""
    store = Store(f"sqlite:///{file}")
    store.upgrade()
    with store.engine.begin() as connection:
        tables = sa.inspect(connection).get_table_names()
        rows = {name: [*connection.execute(sa.select(sa.text("*")).select_from(sa.table(name)))] for name in tables}
        schema = schema_of(connection)
    store.engine.dispose()
    return schema, rows


def test_a_database_that_is_remembered_is_the_one_that_alembic_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(command.upgrade, Migrations)
    remembered = [migrated(tmp_path / "first"), migrated(tmp_path / "second")]
    monkeypatch.setattr(command, "upgrade", command.upgrade.upgrade)
    assert remembered == [migrated(tmp_path / "anew")] * 2


def test_a_template_that_is_another_in_another_app_is_not_remembered() -> None:
    for text in ("Hello", "Good evening", "Hello"):
        app = Flask("templates")
        app.jinja_loader = DictLoader({"page.html": text})
        with app.app_context():
            assert render_template("page.html") == text


def test_a_template_of_an_app_that_escapes_nothing_is_not_the_one_that_is_remembered() -> None:
    for is_escaping, text in ((True, "&lt;b&gt;"), (False, "<b>"), (True, "&lt;b&gt;")):
        app = Flask("templates")
        app.jinja_loader = DictLoader({"page.html": "{{ text }}"})
        if not is_escaping:
            app.jinja_env.autoescape = False
        with app.app_context():
            assert render_template("page.html", text="<b>") == text


def test_an_address_that_is_built_when_needed_has_all_its_values() -> None:
    app = Flask("addresses")
    app.add_url_rule("/shop/<int:number>", "shop", str)
    with app.test_request_context():
        assert [url_for("shop", number=number, tab="a b") for number in (1, 2)] == [
            "/shop/1?tab=a+b",
            "/shop/2?tab=a+b",
        ]

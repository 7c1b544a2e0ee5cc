"""The suite itself: what a quick run leaves out, and that fixtures with one name are of one kind."""

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
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .needs import FILES, FIXTURES, NEEDS, PARAMETERS, TESTS, Needs, need_of_file

SOURCES = {path: path.read_text("utf-8") for path in sorted(TESTS.rglob("*.py")) if "node_modules" not in path.parts}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(SOURCES[path])


def fixtures() -> dict[str, set[str]]:
    """The name of each fixture, with what it returns wherever it is defined."""
    kinds = defaultdict(set)
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
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
    for node in tree_of(path).body:
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").partition(".")[0])
    return names


def test_fixtures_named_alike_are_alike() -> None:
    assert {name: kinds for name, kinds in fixtures().items() if len(kinds) > 1} == {}

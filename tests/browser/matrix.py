"""The matrix of ways out of a chat and engines: the run of the tests that are its cells writes it into the docs."""

from __future__ import annotations

from importlib import import_module
from itertools import product
from pathlib import Path

import pytest

TARGET = Path(__file__).parents[2] / "docs" / "logout-matrix.rst"
HEAD = """\
Ways out of a chat
==================

This page is for people who decide whether a logout is safe enough for their site. It lists the ways in which a
visitor can leave a chat. Each "yes" is one or more tests in a real browser, for each of Crisp, Intercom and Tawk.to.
The tests check that the vendor's stand-in knows nothing of the last visitor. A hyphen is a way that is not tested in
that engine. The runs of ``make test`` and ``make test-engines`` write this page.

"""
ENGINES = ("Chromium", "Firefox", "WebKit")
MODULES = {
    "tests.browser.test_logout": ENGINES[:1],
    "tests.browser.test_surroundings": ENGINES[:1],
    "tests.engines.test_core_circle": ENGINES[1:],
}
Cell = tuple[str, str, str, str]
"""A way, an engine, a vendor and the name of a test."""


class Matrix:
    """Collects what the marked tests report, as ``passed[way, engine, vendor, test]``."""

    def __init__(self) -> None:
        self.passed: dict[Cell, bool] = {}

    @staticmethod
    def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
        """Each report takes its cell along, also out of another process."""
        for item in items:
            mark = item.get_closest_marker("path")
            if mark and isinstance(item, pytest.Function):
                parameters = item.callspec.params
                engine = parameters.get("engine", "chromium")
                cell = (mark.args[0], engine, parameters["vendor"], item.originalname)
                item.user_properties.append(("cell", cell))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties:
            if name == "cell":
                way, engine, vendor, test = map(str, value)  # type: ignore[arg-type]
                cell = (way, {each.lower(): each for each in ENGINES}[engine], vendor, test)
                self.passed[cell] = self.passed.get(cell, True) and report.passed

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Only a run of all the cells of an engine says anything, and not in a process that reports to another."""
        if not self.passed or hasattr(session.config, "workerinput"):
            return
        wanted = _cells()
        rows = _rows(TARGET.read_text("utf-8"))
        for engine in ENGINES:
            cells = {cell for cell in wanted if cell[1] == engine}
            if cells <= self.passed.keys():
                for way in rows:
                    rows[way].pop(engine, None)
                for way in {cell[0] for cell in cells}:
                    holds = all(self.passed[cell] for cell in cells if cell[0] == way)
                    rows.setdefault(way, {})[engine] = "yes" if holds else "NO"
        TARGET.write_text(_page(rows), "utf-8")


def _cells() -> set[Cell]:
    """Every cell that the marked tests have, whether they run now or not."""
    from .conftest import VENDORS

    return {
        (mark.args[0], engine, vendor, name)
        for module, engines in MODULES.items()
        for name, test in vars(import_module(module)).items()
        if name.startswith("test_")
        for mark in getattr(test, "pytestmark", [])
        if mark.name == "path"
        for engine, vendor in product(engines, VENDORS)
    }


def _rows(page: str) -> dict[str, dict[str, str]]:
    """The page's table: each way with the engines that it was tried in."""
    table = page.split("\n=")[-2] if "\n=" in page else ""
    rows = [line.rsplit(maxsplit=len(ENGINES)) for line in table.splitlines()[1:] if line.strip()]
    return {
        way: {engine: word for engine, word in zip(ENGINES, words, strict=True) if word != "-"} for way, *words in rows
    }


def _page(rows: dict[str, dict[str, str]]) -> str:
    ways = sorted((way for way in rows if rows[way]), key=str.lower)
    table = [["Way", *ENGINES], *([way, *(rows[way].get(engine, "-") for engine in ENGINES)] for way in ways)]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
    return HEAD + "\n".join([rule, lines[0], rule, *lines[1:], rule, ""])

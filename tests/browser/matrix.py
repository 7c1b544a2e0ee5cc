"""The matrix of ways out of a chat and vendors: the run of the tests that are its cells writes it into the docs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

TARGET = Path(__file__).parents[2] / "docs" / "logout-matrix.rst"
HEAD = """\
Ways out of a chat
==================

Each cell is one or more tests in a real browser that ask the vendor's stand-in what it still knows of the visitor who
was there before: nothing. The run of the test suite writes this page.

"""


class Matrix:
    """Collects what the marked tests say: ``cells[way, vendor][test]``."""

    def __init__(self) -> None:
        self.cells: dict[tuple[str, str], dict[str, bool]] = {}

    @staticmethod
    def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
        """Each report takes its cell along, also out of another process."""
        for item in items:
            mark = item.get_closest_marker("path")
            if mark and isinstance(item, pytest.Function):
                cell = (mark.args[0], item.callspec.params["vendor"], item.originalname)
                item.user_properties.append(("cell", cell))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, cell in report.user_properties:
            if name == "cell":
                way, vendor, test = map(str, cell)  # type: ignore[arg-type]
                tests = self.cells.setdefault((way, vendor), {})
                tests[test] = tests.get(test, True) and report.passed

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Only a run of all the cells says anything, and not in a process that reports to another."""
        if not self.cells or hasattr(session.config, "workerinput"):
            return
        from . import test_logout
        from .conftest import VENDORS

        tests = [value for name, value in vars(test_logout).items() if name.startswith("test_")]
        marked = {
            (mark.args[0], test.__name__)
            for test in tests
            for mark in getattr(test, "pytestmark", [])
            if mark.name == "path"
        }
        wanted = {(way, vendor, test) for way, test in marked for vendor in VENDORS}
        if {(way, vendor, test) for (way, vendor), tests in self.cells.items() for test in tests} == wanted:
            TARGET.write_text(self.text(VENDORS), "utf-8")

    def text(self, vendors: Iterable[str]) -> str:
        from flask_livechat import providers

        titles = [providers.load(vendor).title for vendor in vendors]
        ways = sorted({way for way, _ in self.cells}, key=str.lower)
        results = ([all(self.cells[way, vendor].values()) for vendor in vendors] for way in ways)
        said = [[way, *("yes" if passed else "NO" for passed in row)] for way, row in zip(ways, results, strict=True)]
        rows = [["Way", *titles], *said]
        widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
        rule = "  ".join("=" * width for width in widths)
        lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return HEAD + "\n".join([rule, lines[0], rule, *lines[1:], rule, ""])

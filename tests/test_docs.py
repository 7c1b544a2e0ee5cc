"""The documentation is true: its keys and codes exist, and its tables are as the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import checks, tables
from flask_livechat import doctor, providers, settings
from flask_livechat.cli import group

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.rst").read_text("utf-8")
PAGES = [*(ROOT / "docs").glob("*.rst"), *(ROOT / "docs" / "vendors").glob("*.rst")]
DOCS = README + "".join(path.read_text("utf-8") for path in sorted(PAGES))


def test_every_key_stands_once_in_its_page() -> None:
    page = (ROOT / "docs" / "configuration.rst").read_text("utf-8")
    rows = re.findall(r"^``(LIVECHAT_[A-Z_]+)``", page, re.MULTILINE)
    assert sorted(rows) == sorted(settings.keys())


def test_no_key_in_the_docs_is_unknown() -> None:
    assert set(re.findall(r"``(LIVECHAT_[A-Z_]+)``", DOCS)) <= set(settings.keys())


def test_every_problem_code_is_in_the_docs() -> None:
    source = (ROOT / "flask_livechat" / "settings.py").read_text("utf-8")
    assert set(re.findall(r'"(LC\d{3})"', source)) <= set(re.findall(r"``(LC\d{3})``", DOCS))


@pytest.mark.parametrize("capability", tables.CAPABILITIES)
def test_the_readmes_table_is_what_the_rooms_say(capability: str) -> None:
    row = next(line for line in README.splitlines() if f"``{capability}``" in line and "  " in line)
    cells = re.split(r"\s{2,}", row)[1:]
    said = {name: cell.startswith("yes") for name, cell in zip(("tawk", "crisp", "intercom"), cells, strict=True)}
    assert said == {name: capability in providers.load(name).can for name in said}


def test_the_doctors_pages_are_made_of_its_checks() -> None:
    """`make docs-checks` makes them anew."""
    assert {path.name: path.read_text("utf-8") for path in (ROOT / "docs" / "doctor").glob("*.rst")} == checks.pages()


@pytest.mark.parametrize("check", doctor.checks(), ids=lambda check: check.code)
def test_the_address_that_the_doctor_prints_is_a_page_of_the_repository(check: doctor.Check) -> None:
    """So the pages are committed: what Sphinx alone would build is not at that address."""
    home, _, page = check.link.partition("/blob/main/")
    assert home == "https://github.com/flask-livechat/flask-livechat"
    assert page == f"docs/doctor/{check.code}.rst"
    assert (ROOT / page).is_file()


def test_the_desks_matrix_is_what_the_rooms_say() -> None:
    page = (ROOT / "docs" / "desk.rst").read_text("utf-8")
    assert checks.with_matrix(page) == page
    assert "``conversations.list(state=None, since=None)``" in page


@pytest.mark.parametrize("path", tables.pages(), ids=lambda path: path.name)
def test_what_is_made_in_a_page_is_as_the_code_says(path: Path) -> None:
    """`make docs-checks` makes it anew."""
    assert path.read_text("utf-8") == tables.pages()[path]


def test_the_doctors_options_are_in_its_page() -> None:
    page = (ROOT / "docs" / "doctor.rst").read_text("utf-8")
    for option in group.commands["doctor"].params:
        assert f"``{option.opts[0]}" in page


def test_every_picture_is_there() -> None:
    for path in re.findall(r"image:: (\S+)", README):
        assert (ROOT / path).is_file()

"""The documentation is true: its keys exist, its commands run, its code runs, its table is the rooms' own."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_login import LoginManager, UserMixin

from docs import checks, tables
from flask_livechat import providers, settings
from flask_livechat.cli import group

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.rst").read_text("utf-8")
PAGES = [*(ROOT / "docs").glob("*.rst"), *(ROOT / "docs" / "vendors").glob("*.rst")]
DOCS = README + "".join(path.read_text("utf-8") for path in sorted(PAGES))


def _blocks(language: str) -> list[str]:
    found = re.findall(rf"\.\. code-block:: {re.escape(language)}\n\n((?:   .*\n|\n)+)", README)
    return ["\n".join(line[3:] for line in block.splitlines()) for block in found]


def _readme_app() -> dict[str, Any]:
    """Everything that the README's Python says, run from top to bottom as one program."""
    names: dict[str, Any] = {"__name__": __name__}
    start, sandbox, *rest = _blocks("python")
    exec(start, names)  # without a provider, as on a machine with nothing in its environment
    before, call, after = sandbox.partition("livechat = LiveChat(app)")
    exec(before, names)
    app = names["app"]
    app.testing = True
    app.secret_key = "a secret key for the documentation's own test"
    LoginManager(app).user_loader(lambda number: _User())
    exec(next(block for block in rest if "LIVECHAT_RULES" in block), names)
    app.config["LIVECHAT_RULES"] = names["rules"]
    exec(call + after, names)
    for block in rest:
        exec(block, names)
    return names


class _User(UserMixin):
    id, name, email = 42, "Visitor", "visitor@example.com"


def test_every_key_is_in_the_docs() -> None:
    assert [key for key in settings.keys() if f"``{key}``" not in DOCS] == []


def test_no_key_in_the_docs_is_unknown() -> None:
    assert set(re.findall(r"``(LIVECHAT_[A-Z_]+)``", DOCS)) <= set(settings.keys())


def test_every_problem_code_is_in_the_docs() -> None:
    source = (ROOT / "flask_livechat" / "settings.py").read_text("utf-8")
    assert set(re.findall(r'"(LC\d{3})"', source)) <= set(re.findall(r"``(LC\d{3})``", DOCS))


def test_the_readmes_python_runs() -> None:
    names = _readme_app()
    assert "https://client.crisp.chat" in names["header"]
    assert set(names["policy"]) >= {"default-src", "img-src", "script-src"}


def test_the_readmes_pages_answer() -> None:
    app: Flask = _readme_app()["app"]
    client = app.test_client()
    assert '"coupon":"SPRING"' in client.post("/upgrade").text
    assert "livechat_left" in str(client.post("/sign-out").headers)
    assert client.get("/checkout").status_code == 200


def test_the_readmes_template_renders() -> None:
    app: Flask = _readme_app()["app"]
    for block in _blocks("html+jinja"):
        with app.test_request_context("/"):
            assert 'id="livechat"' in app.jinja_env.from_string(block).render()


@pytest.mark.parametrize("line", [line for block in _blocks("console") for line in block.splitlines() if line])
def test_the_readmes_commands_run(line: str) -> None:
    command = shlex.split(line.removeprefix("$ "))
    if command[0] == "make":
        assert re.search(rf"^{command[1]}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    elif command == ["flask", "run", "--debug"]:
        assert _readme_app()["app"].test_client().get("/").status_code == 200
    elif command[0] == "pip":
        assert command[1:] == ["install", "Flask-LiveChat"]
    else:
        result = _readme_app()["app"].test_cli_runner().invoke(args=command[1:])
        # Everything that the README shows, as one app, is not clean: the doctor says so, as it should.
        found = command[2] == "doctor" and "looked at" in result.output
        assert result.exit_code in ((0, 1) if found else (0,)), result.output


@pytest.mark.parametrize("capability", ["presence", "rating", "message", "article", "tour", "offsets"])
def test_the_readmes_table_is_what_the_rooms_say(capability: str) -> None:
    row = next(line for line in README.splitlines() if f"``{capability}``" in line and "  " in line)
    cells = re.split(r"\s{2,}", row)[1:]
    said = {name: cell.startswith("yes") for name, cell in zip(("tawk", "crisp", "intercom"), cells, strict=True)}
    assert said == {name: capability in providers.load(name).can for name in said}


def test_the_doctors_pages_are_made_of_its_checks() -> None:
    """`make docs-checks` makes them anew."""
    assert {path.name: path.read_text("utf-8") for path in (ROOT / "docs" / "doctor").glob("*.rst")} == checks.pages()


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

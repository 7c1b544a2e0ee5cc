"""Every code block in docs/ and the README works: Python runs, templates render, commands exist, files parse.

And the reference is whole. What is in docs/doctor is made of small apps that tests/doctor runs.
"""

from __future__ import annotations

import inspect
import os
import re
import shlex
import shutil
import subprocess
import textwrap
import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import pytest
from bs4 import BeautifulSoup
from flask import Flask, render_template_string
from flask_login import LoginManager, UserMixin, current_user, user_logged_in

import flask_livechat
from flask_livechat import LiveChat, Visitor, errors, pytest_plugin, settings, signals, testing
from flask_livechat.cli import group
from flask_livechat.desk import desk, metrics
from flask_livechat.testing import FakeDesk, as_visitor

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.rst", *DOCS.glob("*.rst"), *(DOCS / "vendors").glob("*.rst")])
BLOCK = re.compile(r"^( *)\.\. code-block:: (\S+)\n\n((?:\1   .*\n|\n)+)", re.MULTILINE)
# Of which text is what was printed, and SQL is run in tests/webhooks/test_cohort.py.
LANGUAGES = {"console", "python", "html+jinja", "javascript", "ini", "sql", "text"}
# Pages whose Python needs more than an app, and where it is run.
ELSEWHERE = {
    "README.rst": ("tests/kit/test_plugin.py",),
    "testing.rst": ("tests/kit/test_plugin.py",),
    "webhooks.rst": ("tests/webhooks/test_receiver.py", "tests/webhooks/test_celery.py"),
}


@dataclass(frozen=True)
class Block:
    page: Path
    language: str
    code: str

    def __str__(self) -> str:
        return f"{self.page.stem}: {self.code.strip().splitlines()[0]}"


def _blocks() -> Iterator[Block]:
    for page in PAGES:
        for _, language, code in BLOCK.findall(page.read_text("utf-8")):
            yield Block(page, language, textwrap.dedent(code))


BLOCKS = [*_blocks()]


def _of(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


class User(UserMixin):
    id, email, name, is_admin = "42", "visitor@example.com", "A visitor", True
    created_at = datetime(2026, 1, 1, tzinfo=UTC)


def _app(**config: Any) -> tuple[Flask, LiveChat]:
    """What a reader has after the quick start: an app with chat on the sandbox, and a login."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY="of the documentation", TESTING=True)
    app.config.update(LIVECHAT_PROVIDER="crisp", LIVECHAT_SANDBOX=True, **config)
    LoginManager(app).user_loader(lambda number: User())
    return app, LiveChat(app)


def _prepare(page: Path, folder: Path) -> tuple[Flask, LiveChat]:
    """Three pages speak of what is there by then: conversations, what webhooks told, and articles."""
    stored = {"LIVECHAT_DATABASE_URL": f"sqlite:///{folder / 'chat.sqlite3'}"} if page.name == "metrics.rst" else {}
    if page.name == "articles.rst":
        stored = {"LIVECHAT_ARTICLES": str(ROOT / "example_app" / "help")}
    app, livechat = _app(**stored)
    with app.app_context():
        if page.name == "metrics.rst":
            livechat.store.upgrade()
        if page.name == "desk.rst":
            livechat.desk().conversations.start(Visitor("42", email="visitor@example.com"), "Hello?")
    return app, livechat


def _run(page: Path, folder: Path) -> dict[str, Any]:
    """A page's Python, from top to bottom as one program. What it configures is taken by a new app, block by block."""
    app, livechat = _prepare(page, folder)
    names: dict[str, Any] = {"__name__": __name__, "app": app, "livechat": livechat}
    names |= {"current_user": current_user, "render_template_string": render_template_string}
    with app.app_context():
        for block in BLOCKS:
            if block.page == page and block.language == "python":
                exec(compile(block.code, str(page), "exec"), names)
                _accepted(names["app"])
    user_logged_in.disconnect(livechat._on_change)  # a page's sync_on is for the page: no other test's logins
    return names


def _accepted(app: Flask) -> None:
    fresh = Flask(__name__)
    fresh.config.update(app.config)
    LiveChat(fresh)


RUN = sorted({block.page for block in _of("python") if block.page.name not in ELSEWHERE})


@pytest.fixture(autouse=True)
def _as_with_debug(monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick start's app reads its environment, and the sandbox wants debug mode or testing."""
    monkeypatch.setenv("FLASK_TESTING", "true")


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_a_pages_python_runs(page: Path, tmp_path: Path) -> None:
    known = {rule.endpoint for rule in _app()[0].url_map.iter_rules()}
    app: Flask = _run(page, tmp_path)["app"]
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in known and not rule.arguments:
            method = "GET" if "GET" in (rule.methods or ()) else "POST"
            for client in (app.test_client(), as_visitor(app.test_client(), "42")):
                assert client.open(rule.rule, method=method).status_code < 400, rule


def test_what_is_moved_is_at_the_new_vendor(tmp_path: Path) -> None:
    names, old, new = _run(DOCS / "moving.rst", tmp_path), FakeDesk("crisp"), FakeDesk("intercom")
    old.articles.publish(old.articles.create("Shipping", "In **two** days").id)
    old.articles.create("A draft", "Nobody reads this")
    names["copy_articles"](old, new, lambda markdown: f"<p>{markdown}</p>")
    assert [(one.title, one.published) for one in new.articles.list()] == [("Shipping", True), ("A draft", False)]
    names["copy_contacts"]([Visitor("42", email="visitor@example.com")], new)
    assert new.contacts.find(id="42")


@pytest.mark.parametrize("name", ELSEWHERE)
def test_the_other_pages_python_runs_elsewhere(name: str) -> None:
    for path in ELSEWHERE[name]:
        assert name in (ROOT / path).read_text("utf-8")


@pytest.mark.parametrize("block", _of("html+jinja"), ids=str)
def test_a_template_renders(block: Block) -> None:
    app, _ = _app()
    with app.test_request_context("/"):
        found = BeautifulSoup(app.jinja_env.from_string(block.code).render(), "html.parser")
    marks = [name for element in found.find_all(True) for name in element.attrs if name.startswith("data-livechat")]
    assert marks or found.select_one("script#livechat")
    assert set(marks) <= set(re.findall(r"data-livechat-[a-z]+", (DOCS / "browser.rst").read_text("utf-8")))


@pytest.mark.needs("process")
@pytest.mark.parametrize("block", _of("javascript"), ids=str)
def test_a_script_parses(block: Block) -> None:
    if shutil.which("node") is None:
        pytest.fail("node is missing") if os.environ.get("CI") else pytest.skip("node is missing")
    subprocess.run(["node", "--check", "-"], input=block.code, text=True, check=True, capture_output=True)


@pytest.mark.parametrize("block", _of("ini"), ids=str)
def test_a_file_of_settings_parses(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit of systemd's, or an environment that an app starts with."""
    if block.code.startswith("["):
        parser = ConfigParser()
        parser.read_string(block.code)
        assert parser.sections()
        return
    for line in block.code.split():
        name, _, value = line.partition("=")
        assert name.removeprefix("FLASK_") in settings.keys()
        monkeypatch.setenv(name, value)
    app = Flask(__name__)
    app.config.from_prefixed_env()
    LiveChat(app)


LINES = [(block.page.stem, line) for block in _of("console") for line in block.code.splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("page", "line"),
    [
        pytest.param(
            page,
            line,
            id=f"{page}: {line}",
            marks=[pytest.mark.needs("package")] if line.startswith(("$ celery", "$ playwright")) else [],
        )
        for page, line in LINES
    ],
)
def test_a_command_is_there_with_its_options(page: str, line: str) -> None:
    assert line.startswith("$ ")
    words = shlex.split(line.partition(" > ")[0])[1:]
    while re.match(r"[A-Z_]+=", words[0]):
        words.pop(0)
    kind, *rest = words
    if kind == "make":
        assert re.search(rf"^{rest[0]}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    elif kind == "pip":
        _installable(*rest)
    elif kind == "flask" and "livechat" in rest:
        _parses([word for word in rest if word != "--debug"][1:])
    elif kind == "flask":
        assert rest == ["run", "--debug"]
    else:
        assert kind in ("curl",) or find_spec(kind), line  # curl's are asked in tests/desk


def _installable(verb: str, what: str) -> None:
    match = re.fullmatch(r"Flask-LiveChat(?:\[([a-z,]+)\])?", what)
    assert verb == "install"
    assert match
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert set((match[1] or "doctor").split(",")) <= extras.keys()


def _parses(words: list[str]) -> None:
    """Read as on the command line, and not run."""
    command: click.Command = group
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    command.make_context(str(command.name), words)


def test_no_block_is_passed_over() -> None:
    """One with options, or without a language, would be shown and never run."""
    for page in PAGES:
        text = page.read_text("utf-8")
        assert len(BLOCK.findall(text)) == len(re.findall(r"code-block|sourcecode|code::", text)), page.name
        assert not re.search(r"^(?!\.\. ).*::$", text, re.MULTILINE), page.name


def test_every_language_is_looked_at() -> None:
    assert {block.language for block in BLOCKS} <= LANGUAGES


# -- the reference -----------------------------------------------------------------------------------------------------

REFERENCE = (DOCS / "reference.rst").read_text("utf-8")
DIRECTIVE = re.compile(r"^\.\. (?:auto|py:)(\w+):: ([\w.]+).*\n((?:   :.*\n)*)", re.MULTILINE)


def _documented() -> Iterator[str]:
    for kind, name, options in DIRECTIVE.findall(REFERENCE):
        yield name
        if kind == "class" and ":no-members:" not in options:
            found = _found(name)
            members = dir(found) if ":inherited-members:" in options else vars(found)
            yield from (f"{name}.{member}" for member in members if not member.startswith("_"))


def _found(name: str) -> Any:
    module, _, last = name.rpartition(".")
    return getattr(import_module(module), last)


def _public() -> Iterator[str]:
    yield from (f"flask_livechat.{name}" for name in flask_livechat.__all__)
    yield from (f"flask_livechat.LiveChat.{name}" for name in vars(LiveChat) if not name.startswith("_"))
    yield from (f"flask_livechat.testing.{name}" for name in testing.__all__)
    yield from (f"flask_livechat.signals.{kind}" for kind in signals.BY_KIND)
    yield from (f"flask_livechat.pytest_plugin.{name}" for name in vars(pytest_plugin) if name.startswith("livechat_"))
    for kind in (desk.Desk, desk.Conversations, desk.Contacts, desk.Articles, desk.Agents, desk.RawCalls):
        yield from (f"flask_livechat.desk.desk.{kind.__name__}.{name}" for name in vars(kind) if name[0] != "_")
    for module in (errors, metrics, import_module("flask_livechat.model")):
        records = (one for _, one in inspect.getmembers(module, inspect.isclass) if one.__module__ == module.__name__)
        yield from (_shown(one) for one in records if not one.__name__.startswith("_") and one.__name__ not in INSIDE)


INSIDE = {"Asked", "Week"}  # what the metrics' own page asks for


def _shown(kind: type) -> str:
    short = f"flask_livechat.{kind.__name__}"
    return short if kind.__name__ in flask_livechat.__all__ else f"{kind.__module__}.{kind.__name__}"


def test_every_public_name_stands_in_the_reference() -> None:
    assert set(_public()) - set(_documented()) == set()


def test_every_name_in_the_reference_is_there() -> None:
    for kind, name, _ in DIRECTIVE.findall(REFERENCE):
        owner, _, last = name.rpartition(".")
        found = _found(owner) if kind in ("method", "property") else import_module(owner)
        assert hasattr(found, last), name


def test_every_command_stands_in_its_page() -> None:
    page = (DOCS / "commands.rst").read_text("utf-8")
    for name, command in group.commands.items():
        for part in command.commands if isinstance(command, click.Group) else [""]:
            assert re.search(rf"^flask livechat {name} ?{part}", page, re.MULTILINE)


def test_every_public_name_says_what_it_is() -> None:
    """A signal's words stand in the reference itself, and a record's with its fields."""
    silent = []
    for name in _public():
        owner, _, last = name.rpartition(".")
        kind = _found(owner) if owner.rpartition(".")[2][0].isupper() else import_module(owner)
        said = inspect.getdoc(inspect.getattr_static(kind, last)) or f"{last}("
        if said.startswith(f"{last}("):  # what a dataclass says by itself
            silent.append(name)
    assert silent == []

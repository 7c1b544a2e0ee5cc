"""The house: which way imports point, and what there is only one of. See the architecture in the docs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import TypeGuard

import pytest

import flask_livechat
from flask_livechat import providers, settings

PACKAGE = Path(flask_livechat.__file__).parent
ROOT = PACKAGE.parent
SOURCES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if "node_modules" not in path.parts
}
BASE = {
    "errors",
    "hooks",
    "office_hours",
    "limits",
    "model",
    "rate_limit",
    "operation",
    "safe_text",
    "signals",
    "signing",
    "system",
    "targets",
}
TOP = {"cli", "doctor", "testing"}


@pytest.fixture(scope="module", autouse=True)
def no_trees_afterwards() -> Iterator[None]:
    """The trees of all modules are large, and each later collection of garbage would walk over them."""
    yield
    tree_of.cache_clear()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def imports(path: Path, *, late: bool = False) -> set[str]:
    """What a module imports, as names inside the package (``.widget.csp``) or of others (``flask``).

    ``late``: also what it imports inside functions. What only types need is left out.
    """
    return {name for node in statements(tree_of(path), late) for name in named(node, path)}


def statements(tree: ast.AST, late: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        elif late or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from statements(node, late)


def named(node: ast.Import | ast.ImportFrom, path: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    package = list(path.relative_to(PACKAGE).parent.parts)
    if not node.level:
        yield node.module or ""
        return
    base = package[: len(package) - node.level + 1] + (node.module or "").split(".")
    stem = ".".join(part for part in base if part)
    for alias in node.names:
        full = ".".join(part for part in (stem, alias.name) if part)
        is_module = (PACKAGE / full.replace(".", "/")).exists() or (PACKAGE / (full.replace(".", "/") + ".py")).exists()
        yield "." + (full if is_module else stem)


def inside(path: Path, *, late: bool = False) -> set[str]:
    return {name[1:] for name in imports(path, late=late) if name.startswith(".")}


def outside(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path, late=True) if not name.startswith(".")}


HELP_VIEWS = {"library", "views", "flow_service", "panel"}
REQUEST_BOUND = set("request_state decide identity tag response views session_store segments context lifecycle".split())
DESK_VIEWS = {"service", "webhooks", "dashboard", "inbox", "celery_tasks"}


def is_sandbox(module: str) -> bool:
    """Whether a module is the sandbox's, or a vendor's stand-in."""
    return re.match(r"(providers\.\w+\.)?sandbox", module) is not None


def floor(module: str) -> int:
    """How high a module stands: imports go down or stay on the floor."""
    if is_sandbox(module):
        return 6
    first, _, second = module.partition(".")
    if first in BASE:
        return 0
    if first == "providers":
        return 1
    if first in ("state", "same_origin"):
        return 3
    if first in ("widget", "desk", "help"):
        return 4 if second in {*REQUEST_BOUND, "addresses", *DESK_VIEWS, *HELP_VIEWS} else 2
    if first in ("options", "settings"):
        return 2
    return 6 if first in TOP else 5


def graph() -> dict[str, set[str]]:
    """Each module with those that it imports, also inside functions."""
    names = {name.removesuffix(".__init__"): name for name in SOURCES}
    return {
        short: {each for each in inside(SOURCES[name], late=True) if each in names} for short, name in names.items()
    }


def cycle_from(start: str, edges: dict[str, set[str]]) -> list[str]:
    """A way from a module back to itself; empty where there is none."""
    ways, seen = [[start]], set[str]()
    while ways:
        way = ways.pop()
        for name in edges[way[-1]]:
            if name == start:
                return [*way, start]
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def test_no_module_imports_itself_by_a_detour() -> None:
    edges = graph()
    assert [way for name in edges if (way := cycle_from(name, edges))] == []


def test_the_reader_of_imports_sees_what_is_there() -> None:
    assert "widget.tag" in inside(SOURCES["extension"])
    assert "sandbox" in inside(SOURCES["extension"], late=True) - inside(SOURCES["extension"])
    assert "flask" in outside(SOURCES["extension"])
    assert "signing" in inside(SOURCES["providers.crisp.widget"])


@pytest.mark.parametrize("module", [name for name in SOURCES if name != "__init__"])
def test_imports_point_down(module: str) -> None:
    own = module.removesuffix(".__init__")
    wrong = {name for name in inside(SOURCES[module]) if floor(name) > floor(own)}
    assert not wrong


@pytest.mark.parametrize("wings", [*permutations(("widget", "desk", "help"), 2)])
def test_the_wings_never_import_each_other(wings: tuple[str, str]) -> None:
    for module, path in SOURCES.items():
        if module.startswith(wings[0] + "."):
            assert not [name for name in inside(path, late=True) if name.split(".")[0] == wings[1]], module


@pytest.mark.parametrize("module", [name for name in SOURCES if name.startswith("providers.")])
def test_a_vendors_room_knows_no_other_room(module: str) -> None:
    vendor = module.split(".")[1]
    others = {f"providers.{name}" for name in providers.names() if name != vendor}
    assert not {name for name in inside(SOURCES[module], late=True) if ".".join(name.split(".")[:2]) in others}


PURE = [
    name
    for name in SOURCES
    if (name.split(".")[0] in {*BASE, "providers"} and not is_sandbox(name))
    or name in ("widget.rules", "widget.csp", "widget.sensitive_urls")
    or name
    in ("help.flows", "help.flow_files", "help.flow_words", "help.flow_texts", "help.flow_replies", "help.flow_proof")
]


@pytest.mark.parametrize("module", PURE)
def test_what_is_pure_imports_neither_flask_nor_a_client(module: str) -> None:
    assert not outside(SOURCES[module]) & {"flask", "flask_login", "werkzeug", "jinja2", "httpx", "requests", "urllib3"}


def test_only_the_desk_speaks_http() -> None:
    speakers = {name for name, path in SOURCES.items() if outside(path) & {"httpx", "requests", "urllib3"}}
    assert speakers <= {"desk.http"}


VAGUE = {"one", "each", "said", "told", "found", "kept", "room"}
CLEAR = [
    name
    for name in SOURCES
    if name.split(".")[0] in {*BASE, "desk", "help", "widget", "providers", "doctor", "sandbox"} or name.count(".") > 1
]


@pytest.mark.parametrize("module", CLEAR)
def test_a_variable_is_named_for_the_thing_that_it_holds(module: str) -> None:
    nodes = ast.walk(tree_of(SOURCES[module]))
    assert not VAGUE & {node.id if isinstance(node, ast.Name) else node.arg for node in nodes if is_variable(node)}


def is_variable(node: ast.AST) -> TypeGuard[ast.Name | ast.arg]:
    return isinstance(node, ast.arg) or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))


@pytest.mark.parametrize("module", SOURCES)
def test_a_file_is_short_enough_to_be_read_at_once(module: str) -> None:
    assert len(SOURCES[module].read_text("utf-8").splitlines()) <= 500


# What is short, and not part of the one file that it serves.
SHORT_FILES = (
    r"signals",  # public: what apps import it for is its names alone
    r"desk\.migrations\.env",  # Alembic loads it by its name
    r"desk\.migrations\.versions\.\w+",  # a step of the tables' history each
    r"providers\.\w+\.(signs|live)",  # what is asked of each vendor, whatever others answer
)


@pytest.mark.parametrize("module", SOURCES)
def test_a_file_is_long_enough_to_be_worth_a_file(module: str) -> None:
    is_excepted = module.endswith("__init__") or any(re.fullmatch(pattern, module) for pattern in SHORT_FILES)
    assert is_excepted or len(SOURCES[module].read_text("utf-8").splitlines()) >= 35


AIM = 5.0
# Names at the top of modules for each 100 lines of a folder: at most this, where it is not the aim yet. It only falls.
NAMES_PER_100_LINES = {
    r"": 5.8,
    r"cli": 5.3,
    r"desk": 6.8,
    r"desk\.migrations\.versions": 10.4,  # Alembic wants four of each, also of a short one
    r"doctor": 6.2,
    r"doctor\.live": 7.1,
    r"providers": 6.7,
    r"providers\.\w+": 7.7,
    r"providers\.\w+\.sandbox_api": 5.4,
    r"help": 8.0,
    r"sandbox": 5.9,
    r"widget": 8.2,
}
FOLDERS = sorted({name.rpartition(".")[0] for name in SOURCES})


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_has_few_names_to_keep_in_mind(folder: str) -> None:
    paths = [path for name, path in SOURCES.items() if name.rpartition(".")[0] == folder]
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    sources = [path.read_text("utf-8") for path in paths]
    names = sum(isinstance(node, kinds) for path in paths for node in tree_of(path).body)
    lines = sum(source.count("\n") for source in sources)
    limit = next((limit for pattern, limit in NAMES_PER_100_LINES.items() if re.fullmatch(pattern, folder)), AIM)
    assert 100 * names / lines <= limit


def test_each_limit_of_names_is_some_folders() -> None:
    assert not [pattern for pattern in NAMES_PER_100_LINES if not any(re.fullmatch(pattern, name) for name in FOLDERS)]


def test_the_extension_registers_and_delegates() -> None:
    assert len(SOURCES["extension"].read_text("utf-8").splitlines()) <= 350
    for path in SOURCES.values():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef):
                assert sum(isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) for item in node.body) <= 50


def loaded_after(code: str) -> list[str]:
    """The modules of a new process after some code."""
    command = [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


def is_part(name: str, part: str) -> bool:
    return re.match(rf"flask_livechat\.(providers\.\w+\.)?{part}", name) is not None


def test_importing_the_package_loads_no_client_no_database_and_no_sandbox() -> None:
    others = {"celery", "frontmatter", "httpx", "httpcore", "markdown_it", "snowballstemmer", "sqlalchemy", "sqlite3"}
    loaded = loaded_after("import flask_livechat")
    assert "flask_livechat.extension" in loaded
    assert not [name for name in loaded if name.split(".")[0] in others]
    assert not [
        name
        for name in loaded
        if name.startswith(("flask_livechat.desk", "flask_livechat.help")) or is_part(name, "sandbox")
    ]


def test_an_app_without_a_sandbox_loads_no_stand_in() -> None:
    keys = {f"LIVECHAT_{name.upper()}_{key.name}": key.example for name in providers.names() for key in required(name)}
    app = f"app = Flask('shop'); app.config.update({keys}, LIVECHAT_PROVIDER={providers.names()[0]!r}); LiveChat(app)"
    loaded = loaded_after(f"from flask import Flask; from flask_livechat import LiveChat; {app}")
    assert {f"flask_livechat.providers.{name}.widget" for name in providers.names()} <= set(loaded)
    assert not [name for name in loaded if is_part(name, "sandbox")]


def required(vendor: str) -> list[providers.Key]:
    return [key for key in providers.load(vendor).keys if key.required]


# What a vendor is called.


@cache
def python_code(source: str) -> str:
    """Python without comments and docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node, clean=False
        ):
            node.body = node.body[1:] or [ast.Pass()]
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(None)  # a string that stands alone: a remark
    return ast.unparse(ast.fix_missing_locations(tree))


def script_code(source: str) -> str:
    """JavaScript without comments."""
    return re.sub(r"/\*.*?\*/|(?<![:\"'])//[^\n]*", "", source, flags=re.DOTALL)


def test_comments_and_docstrings_are_told_from_code() -> None:
    assert "crisp" not in python_code('"""crisp"""\ndef f():\n    "crisp"  # crisp\n')
    assert "crisp" in python_code('def f(x="crisp"):\n    """crisp"""\n')
    assert script_code('/* crisp */ x("https://a"); // crisp') == ' x("https://a"); '


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in sorted(PACKAGE.rglob("*"))
        if path.suffix in (".py", ".js", ".ts", ".html", ".css")
        and not any(path.is_relative_to(PACKAGE / "providers" / name) for name in providers.names())
    ],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_a_vendor_is_named_in_its_own_room_only(path: Path) -> None:
    source = path.read_text("utf-8")
    code = python_code(source) if path.suffix == ".py" else script_code(source)
    words = "|".join([*providers.names(), *(re.escape(providers.load(name).title) for name in providers.names())])
    assert not re.findall(words, code, re.IGNORECASE)


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in (*PACKAGE.glob("widget/*.js"), *PACKAGE.glob("help/*.js"), *PACKAGE.glob("providers/*/widget.js"))
        if not path.name.endswith(".min.js")
    ],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_a_script_has_short_lines_and_at_most_ten_bindings_that_change(path: Path) -> None:
    source = path.read_text("utf-8")
    assert len(re.findall(r"^  let ", source, re.MULTILINE)) <= 10
    assert max(map(len, source.splitlines())) <= 120


# What there is only one of.


def places(pattern: str) -> list[str]:
    return [name for name, path in SOURCES.items() for _ in re.findall(pattern, python_code(path.read_text("utf-8")))]


def test_secrets_are_compared_in_one_place() -> None:
    assert places(r"compare_digest") == ["signing"]


def test_the_widgets_clock_is_read_in_one_place() -> None:
    calls = {
        name: [ast.unparse(node.func) for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
        for name, path in SOURCES.items()
        if not is_sandbox(name)  # the stand-ins live in the present
    }
    clocks = {"datetime.now", "datetime.utcnow", "date.today", "time.time", "time"}
    assert [name for name, called in calls.items() for one in called if one in clocks] == ["internals"]


def test_json_is_put_into_html_in_one_place() -> None:
    assert places(r"allow_nan=False") == ["widget.payload"]
    assert places(r"translate\(ESCAPES\)") == ["widget.payload"]


def test_nothing_reads_the_environment() -> None:
    # The doctor looks for secrets there that ship to browsers.
    assert [place for place in places(r"os\.environ|getenv") if not place.startswith("doctor")] == []


# What ships.


def test_the_package_says_that_it_is_typed_and_brings_its_scripts() -> None:
    assert (PACKAGE / "py.typed").is_file()
    assert (PACKAGE / "widget" / "loader.js").is_file()
    for name in providers.names():
        assert providers.adapter(name).is_file()


def test_the_public_names_are_the_contracts() -> None:
    contract = {"Company", "ConfigError", "Decision", "LiveChat", "LiveChatError", "Visitor"}
    assert contract <= set(flask_livechat.__all__)
    assert all(hasattr(flask_livechat, name) for name in flask_livechat.__all__)
    surface = (
        "init_app visitor_loader context_loader context action track segment unsegment "
        "rule rule_for decide csp forget impersonating"
    )
    assert all(callable(getattr(flask_livechat.LiveChat, name)) for name in surface.split())


# What is documented.


def documentation() -> str:
    pages = [ROOT / "README.rst", *sorted((ROOT / "docs").rglob("*.rst"))]
    return "\n".join(page.read_text("utf-8") for page in pages if page.is_file())


@pytest.mark.parametrize("key", settings.keys())
def test_every_key_of_the_configuration_is_in_the_docs(key: str) -> None:
    assert re.search(rf"\b{key}\b", documentation())


@pytest.mark.parametrize("command", ["explain", "csp"])
def test_every_command_is_in_the_docs(command: str) -> None:
    assert f"flask livechat {command}" in documentation()

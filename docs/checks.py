"""``python -m docs.checks``: a page for each check of the doctor, the tables of the desk's methods, and ``tables``."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import fields
from itertools import zip_longest
from pathlib import Path

from flask_livechat import doctor, model, providers
from flask_livechat.desk import desk
from tests.doctor.corpus import HERE, Case, cases

FOLDER = Path(__file__).parent / "doctor"
LANGUAGES = {".py": "python", ".html": "html+jinja", ".js": "javascript", ".json": "json", ".toml": "toml"}
BEGIN, END = ".. begin of the matrix: made by `make docs-checks` out of the rooms", ".. end of the matrix"
NOTE = "made by `make docs-checks` out of flask_livechat/doctor and tests/doctor"


def pages() -> dict[str, str]:
    """File name -> content."""
    every = cases()
    own = {
        f"{check.code}.rst": "\n".join(_page(check, [case for case in every if case.check == check.code]))
        for check in doctor.checks()
    }
    return own | {"index.rst": "\n".join(_index())}


def _page(check: doctor.Check, own: list[Case]) -> Iterator[str]:
    title = f"{check.code}: {check.title}"
    yield from (f".. {NOTE}", "", title, "=" * len(title), "")
    yield from (f"*{check.level.word}*" + (", with ``--deploy``" if check.deploy else ""), "")
    yield from (*textwrap.wrap(check.why, 118), "")
    yield from (*textwrap.wrap(f"**What to do.** {_literal(check.fix)}", 118), "")
    for case in own:
        heading = f"{'Bad' if case.bad else 'Good'}: {case.title}"
        yield from (heading, "-" * len(heading), "")
        if "now" in case.said:
            yield from (f"(Looked at on {case.said['now']}.)", "")
        others = sorted(case.expected - {check.code})
        if others:
            yield from (f"(Also {', '.join(f':doc:`{code} <{code}>`' for code in others)}.)", "")
        for name, content in case.files.items():
            yield from (f"``{name}``", "", f".. code-block:: {LANGUAGES.get(Path(name).suffix, 'text')}", "")
            yield from (*textwrap.indent(content.strip(), "   ").splitlines(), "")


def _literal(text: str) -> str:
    """Braces, and an underscore at a word's end, would be markup."""
    return text.replace("{{ livechat() }}", "``{{ livechat() }}``").replace("LIVECHAT_…", "``LIVECHAT_…``")


def _index() -> Iterator[str]:
    yield from (f".. {NOTE}", "", "The doctor's checks", "===================", "")
    yield from ("This page lists the mistakes that :doc:`the doctor </doctor>` finds. Each check has a page.", "")
    yield from (".. toctree::", "   :hidden:", "   :glob:", "", "   LC*", "")
    rows = [(f":doc:`{check.code} <{check.code}>`", check.level.word, check.title) for check in doctor.checks()]
    first, second, third = (max(len(row[n]) for row in rows) for n in range(3))
    ruler = f"{'=' * first}  {'=' * second}  {'=' * third}"
    yield ruler
    yield from (f"{code:<{first}}  {level:<{second}}  {title}".rstrip() for code, level, title in rows)
    yield from (
        ruler,
        "",
        "The examples are small apps that the tests run. Each shows the files that differ from these:",
        "",
    )
    for name in ("base.py", "defaults.py", "templates/index.html"):
        content = (HERE / "site" / name).read_text("utf-8")
        yield from (f"``{name}``", "", f".. code-block:: {LANGUAGES[Path(name).suffix]}", "")
        yield from (*textwrap.indent(content.strip(), "   ").splitlines(), "")


def matrix() -> str:
    """Each method of the desk's: how it is called, what it gives, and which vendor's room has it."""
    rooms = {providers.load(name).title: providers.api(name) for name in providers.names()}
    cells = [
        (call, gives, *("yes" if room and method in room.methods else "" for room in rooms.values()))
        for method, call, gives in methods()
    ]
    specs = [providers.history(name) for name in providers.names()]
    past = ("``flask livechat import``", "past events", *("yes" if spec else "" for spec in specs))
    lacks = ("", "without", *("\n".join(spec.lacks) if spec else "" for spec in specs))
    return table([("Method", "Gives", *rooms), *cells, past, lacks])


def methods() -> Iterator[tuple[str, str, str]]:
    for label, group in desk.GROUPS.items():
        for name, method in vars(group).items():
            if not name.startswith("_") and group is not desk.RawCalls:
                said = inspect.signature(method, eval_str=False)
                arguments = ", ".join(
                    str(one.replace(annotation=inspect.Parameter.empty)) for one in said.parameters.values()
                ).removeprefix("self")
                full = f"{label}.{name}"
                gives = str(said.return_annotation).replace("Iterator[", "each ").rstrip("]")
                yield full, f"``{full}({arguments.removeprefix(', ')})``", "" if gives == "None" else f"``{gives}``"


def records() -> str:
    """The fields of what the methods give."""
    kinds = (
        model.Conversation,
        model.Message,
        model.Contact,
        model.Article,
        model.Agent,
        model.Team,
        model.LiveVisitor,
    )
    rows = [(f"``{kind.__name__}``", " ".join(f"``{one.name}``" for one in fields(kind))) for kind in kinds]
    return table([("Record", "Fields"), *rows])


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """A simple table. Cells may have several lines: a line without a first cell goes on with the row above."""
    head, *body = [(row[0] or "..", *row[1:]) for row in rows]
    lines = [line for row in body for line in zip_longest(*(cell.split("\n") for cell in row), fillvalue="")]
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    ruler = "  ".join("=" * width for width in widths)
    written = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in [head, *lines]]
    return "\n".join([ruler, written[0], ruler, *written[1:], ruler])


def with_matrix(page: str) -> str:
    """The desk's page, with the tables between the two marks made anew."""
    start, rest = page.split(BEGIN)
    return f"{start}{BEGIN}\n\n{matrix()}\n\n{records()}\n\n{END}{rest.split(END)[1]}"


def main() -> None:
    from docs import tables  # noqa: PLC0415 - which takes what is above

    for path, content in tables.pages().items():
        path.write_text(content, "utf-8")
    page = FOLDER.parent / "desk.rst"
    page.write_text(with_matrix(page.read_text("utf-8")), "utf-8")
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.rst"):
        old.unlink()
    for name, content in pages().items():
        (FOLDER / name).write_text(content, "utf-8")


if __name__ == "__main__":
    main()

"""``python -m docs.checks``: a page for each check of the doctor, of its own words and the apps that test it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from flask_livechat import doctor, providers
from tests.doctor.corpus import HERE, Case, cases

FOLDER = Path(__file__).parent / "doctor"
LANGUAGES = {".py": "python", ".html": "html+jinja", ".js": "javascript", ".json": "json"}
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
            yield from (f"(Also {', '.join(f'`{code} <{code}.rst>`_' for code in others)}.)", "")
        for name, content in case.files.items():
            yield from (f"``{name}``", "", f".. code-block:: {LANGUAGES.get(Path(name).suffix, 'text')}", "")
            yield from (*textwrap.indent(content.strip(), "   ").splitlines(), "")


def _literal(text: str) -> str:
    """Braces and stars would be markup."""
    return text.replace("{{ livechat() }}", "``{{ livechat() }}``")


def _index() -> Iterator[str]:
    yield from (f".. {NOTE}", "", "The doctor's checks", "===================", "")
    rows = [(f"`{check.code} <{check.code}.rst>`_", check.level.word, check.title) for check in doctor.checks()]
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
    """What each vendor's room of the desk can do."""
    rooms = {providers.load(name).title: providers.desk(name) for name in providers.names()}
    methods = dict.fromkeys(method for room in rooms.values() if room for method in room.methods)
    cells = [
        (f"``{method}``", *("yes" if room and method in room.methods else "" for room in rooms.values()))
        for method in methods
    ]
    rows = [("Method", *rooms), *cells]
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    ruler = "  ".join("=" * width for width in widths)
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([ruler, lines[0], ruler, *lines[1:], ruler])


def with_matrix(page: str) -> str:
    """The desk's page, with the table between its two marks made anew."""
    start, rest = page.split(BEGIN)
    return f"{start}{BEGIN}\n\n{matrix()}\n\n{END}{rest.split(END)[1]}"


def main() -> None:
    desk = FOLDER.parent / "desk.rst"
    desk.write_text(with_matrix(desk.read_text("utf-8")), "utf-8")
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.rst"):
        old.unlink()
    for name, content in pages().items():
        (FOLDER / name).write_text(content, "utf-8")


if __name__ == "__main__":
    main()

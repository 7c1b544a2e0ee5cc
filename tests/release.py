"""Whether what stands in dist/ may be released: ``make release-check``.

The wheel and the sdist hold what they must and nothing else, and the version is the same wherever it stands. The lowest
versions that are tested are the lowest that are allowed.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterable, Iterator
from email.message import Message
from email.parser import BytesParser
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

ROOT = Path(__file__).parent.parent
NOT_IN_SDIST = (".ci/", ".github/")
MADE = {"PKG-INFO"}  # by the build
# What has been forgotten in packages before, beside what stands in the repository.
IN_WHEEL = (
    "flask_livechat/py.typed",
    "flask_livechat/livechat.d.ts",
    "flask_livechat/desk/templates/livechat/metrics.html",
    "flask_livechat/desk/static/metrics.js",
    "flask_livechat/help/static/help.css",
    "flask_livechat/help/static/human.js",
    "flask_livechat/help/templates/livechat/help/article.html",
    "flask_livechat/desk/static/metrics.css",
    "flask_livechat/desk/static/chart.min.js",
    "flask_livechat/sandbox/static/desk.html",
    "flask_livechat/desk/migrations/script.py.mako",
    "flask_livechat/desk/migrations/env.py",
)
# The scripts that visitors get, and what they are made of.
SERVED = re.compile(r"flask_livechat/(widget/\w+|providers/\w+/widget)(\.min)?\.js")
IN_SDIST = (
    "tests/conftest.py",
    "docs/index.rst",
    "benchmarks/sizes.py",
    "example_app/__init__.py",
    "example_app/help/en/billing/cancel.md",
    "LICENSE",
)
USED = ("articles", "brotli", "celery", "desk", "doctor", "postgres", "testing")  # extras
NEVER = ("node_modules/", ".venv", "__pycache__/", ".sqlite3", ".env")


def tracked() -> set[str]:
    """What stands in the repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return set(listed.stdout.split("\0")) - {""}


def compared(what: str, found: set[str], wanted: set[str], must: tuple[str, ...]) -> Iterator[str]:
    yield from (f"{what} lacks {name}" for name in sorted(wanted - found))
    yield from (f"{what} has {name}, which is not in the repository" for name in sorted(found - wanted))
    yield from (f"{what} lacks {name}" for name in must if name not in found | (wanted - found))
    yield from (f"{what} has {name}" for name in sorted(found) if any(part in name for part in NEVER))


def wheel_problems(wheel: Path) -> Iterator[str]:
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    package = {name for name in names if not PurePosixPath(name).parts[0].endswith(".dist-info")}
    yield from compared(wheel.name, package, {n for n in tracked() if n.startswith("flask_livechat/")}, IN_WHEEL)
    # What browsers get is the minified file, made of one that people read.
    for name in sorted(package):
        if SERVED.fullmatch(name):
            if name == "flask_livechat/widget/visitor.js":
                continue  # a part of session.min.js
            other = name.replace(".min.js", ".js") if name.endswith(".min.js") else name.replace(".js", ".min.js")
            if other not in package:
                yield f"{wheel.name} has {name} without {other}"


def sdist_problems(sdist: Path) -> Iterator[str]:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()} - MADE
    wanted = {name for name in tracked() if not name.startswith(NOT_IN_SDIST)}
    yield from compared(sdist.name, names, wanted, IN_SDIST)


def metadata_of(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return BytesParser().parsebytes(archive.read(name))


def version_problems(metadata: Message, wheel: Path, sdist: Path) -> Iterator[str]:
    version, source = metadata["Version"], written_version()
    if version != source:
        yield f"the wheel's version is {version}, flask_livechat.__version__ is {source}"
    for file, start in ((wheel, f"flask_livechat-{version}-"), (sdist, f"flask_livechat-{version}.tar")):
        if not file.name.startswith(start):
            yield f"{file.name} is not of version {version}"
    newest, said = newest_change()
    if newest != version:
        yield f"the newest heading of CHANGES.rst is {newest}, and not {version}"
    if not re.fullmatch(r"Not released yet\.|Released \d{4}-\d{2}-\d{2}\.", said):
        yield f'CHANGES.rst says {said!r} below it: "Not released yet." or "Released 2026-01-31." is expected'


def written_version() -> str:
    """As it is written: the one place from which all others have it."""
    tree = ast.parse((ROOT / "flask_livechat" / "__init__.py").read_text("utf-8"))
    values = [node.value for node in tree.body if isinstance(node, ast.Assign) and _names(node) == ["__version__"]]
    return str(ast.literal_eval(values[0]))


def _names(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


def newest_change() -> tuple[str, str]:
    """The newest version of CHANGES.rst, and the line that says when it was released."""
    text = (ROOT / "CHANGES.rst").read_text("utf-8")
    found = re.search(r"^Version (\S+)\n-+\n+(.*)$", text, re.MULTILINE)
    return (found[1], found[2]) if found else ("missing", "")


def entry_point_problems(wheel: Path) -> Iterator[str]:
    """pytest finds our fixtures by it."""
    with ZipFile(wheel) as archive:
        found = [archive.read(name).decode() for name in archive.namelist() if name.endswith("entry_points.txt")]
    if "flask_livechat = flask_livechat.pytest_plugin" not in "".join(found):
        yield f"{wheel.name} has no entry point for pytest"


def description_problems(metadata: Message) -> Iterator[str]:
    """Links of the README that lead nowhere once it stands on the package's page. twine says whether it renders."""
    from docutils.core import publish_doctree
    from docutils.nodes import image, reference

    text = str(metadata.get_payload())
    tree = publish_doctree(text, settings_overrides={"report_level": 5, "halt_level": 5})
    for node in tree.findall(lambda node: isinstance(node, image | reference)):
        target = node.get("uri") or node.get("refuri") or ""
        if target and not re.match(r"https?://|mailto:|#", target):
            yield f"the description links to {target}, which leads nowhere on the package's page"


def python_problems(metadata: Message) -> Iterator[str]:
    """Pythons that are promised, and that CI does not try."""
    promised = re.findall(
        r"^Programming Language :: Python :: (3\.\d+)$", "\n".join(metadata.get_all("Classifier", [])), re.M
    )
    tried = set(re.findall(r'"(3\.\d+)"', (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")))
    yield from (
        f"Python {one} is in the classifiers, and not in .github/workflows" for one in promised if one not in tried
    )


def lock_problems() -> Iterator[str]:
    """Whether requirements/*.txt still fit pyproject.toml, on each Python: the lowest are the lowest that it allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    named = [*project["dependencies"], *(line for extra in USED for line in extras[extra])]
    for python in re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"])):
        lowest, newest = pins("lowest.txt", python), pins("newest.txt", python)
        ranges: dict[str, SpecifierSet] = {}
        for each in for_python(named, python):
            ranges[each.name.lower()] = ranges.get(each.name.lower(), SpecifierSet()) & each.specifier
        for name, allowed in ranges.items():
            low, new = lowest.get(name), newest.get(name)
            bounds = [Version(one.version) for one in allowed if one.operator == ">="]
            if low is None or (bounds and Version(low) != max(bounds)):
                yield f"requirements/lowest.txt has {name} {low}, pyproject.toml {allowed} on {python}: make locks"
            if new is None or new not in allowed:
                yield f"requirements/newest.txt has {name} {new}, pyproject.toml {allowed} on {python}: make locks"


def for_python(lines: Iterable[str], python: str) -> Iterator[Requirement]:
    """The requirements that hold on a version of CPython for Linux."""
    machine = {"python_version": python, "python_full_version": f"{python}.9", "implementation_name": "cpython"}
    for each in map(Requirement, lines):
        if each.marker is None or each.marker.evaluate(machine):
            yield each


def pins(file: str, python: str) -> dict[str, str]:
    lines = (ROOT / "requirements" / file).read_text("utf-8").splitlines()
    pinned = for_python((line for line in lines if "==" in line.partition(";")[0]), python)
    return {each.name.lower(): str(each.specifier).removeprefix("==") for each in pinned}


def main() -> int:
    wheels, sdists = sorted((ROOT / "dist").glob("*.whl")), sorted((ROOT / "dist").glob("*.tar.gz"))
    if len(wheels) != 1 or len(sdists) != 1:
        print("dist/ must hold one wheel and one sdist: make build")
        return 1
    metadata = metadata_of(wheels[0])
    problems = [
        *wheel_problems(wheels[0]),
        *sdist_problems(sdists[0]),
        *version_problems(metadata, wheels[0], sdists[0]),
        *entry_point_problems(wheels[0]),
        *description_problems(metadata),
        *python_problems(metadata),
        *lock_problems(),
    ]
    print("\n".join(problems) or f"{wheels[0].name}, {sdists[0].name}: contents, version, links and locks are right")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

"""What ``make release-check`` says of a wheel or an sdist that is not right."""

from __future__ import annotations

import io
import tarfile
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests import release

VERSION = release.written_version()
WHEEL, SDIST = f"flask_livechat-{VERSION}-py3-none-any.whl", f"flask_livechat-{VERSION}.tar.gz"


@pytest.fixture(autouse=True)
def repository(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """A small one, where git need not be asked: the suite also runs from an sdist."""
    files = {
        *release.IN_WHEEL,
        *release.IN_SDIST,
        "flask_livechat/widget/loader.js",
        "flask_livechat/widget/loader.min.js",
    }
    monkeypatch.setattr(release, "tracked", lambda: files | {".ci/run"})
    return files


def wheel_of(folder: Path, names: set[str]) -> Path:
    with ZipFile(folder / WHEEL, "w") as archive:
        for name in names:
            archive.writestr(name, "")
        archive.writestr(f"flask_livechat-{VERSION}.dist-info/METADATA", f"Version: {VERSION}\n")
    return folder / WHEEL


def sdist_of(folder: Path, names: set[str]) -> Path:
    with tarfile.open(folder / SDIST, "w:gz") as archive:
        for name in {*names, "PKG-INFO"}:
            archive.addfile(tarfile.TarInfo(f"flask_livechat-{VERSION}/{name}"), io.BytesIO())
    return folder / SDIST


def package(files: set[str]) -> set[str]:
    return {name for name in files if name.startswith("flask_livechat/")}


def test_what_is_whole_is_right(tmp_path: Path, repository: set[str]) -> None:
    wheel = wheel_of(tmp_path, package(repository))
    assert [*release.wheel_problems(wheel)] == []
    assert [*release.sdist_problems(sdist_of(tmp_path, repository))] == []
    assert [*release.version_problems(release.metadata_of(wheel), wheel, tmp_path / SDIST)] == []


@pytest.mark.parametrize("name", ["flask_livechat/py.typed", "flask_livechat/desk/static/metrics.css"])
def test_a_wheel_that_lacks_a_file(tmp_path: Path, repository: set[str], name: str) -> None:
    assert [*release.wheel_problems(wheel_of(tmp_path, package(repository) - {name}))] == [f"{WHEEL} lacks {name}"]


def test_a_file_that_the_repository_lacks_as_well(tmp_path: Path, repository: set[str]) -> None:
    repository.discard("flask_livechat/py.typed")
    wheel = wheel_of(tmp_path, package(repository))
    assert [*release.wheel_problems(wheel)] == [f"{WHEEL} lacks flask_livechat/py.typed"]


def test_a_wheel_with_tests_in_it(tmp_path: Path, repository: set[str]) -> None:
    found = [*release.wheel_problems(wheel_of(tmp_path, package(repository) | {"tests/conftest.py"}))]
    assert found == [f"{WHEEL} has tests/conftest.py, which is not in the repository"]


def test_a_minified_script_without_its_source(tmp_path: Path, repository: set[str]) -> None:
    repository.discard("flask_livechat/widget/loader.js")
    found = [*release.wheel_problems(wheel_of(tmp_path, package(repository)))]
    assert found == [f"{WHEEL} has flask_livechat/widget/loader.min.js without flask_livechat/widget/loader.js"]


@pytest.mark.parametrize("name", ["tests/js/node_modules/left.js", ".env", "instance/chat.sqlite3"])
def test_an_sdist_with_what_stands_about(tmp_path: Path, repository: set[str], name: str) -> None:
    found = [*release.sdist_problems(sdist_of(tmp_path, repository | {name}))]
    assert f"{SDIST} has {name}" in found


def test_an_sdist_that_lacks_the_tests(tmp_path: Path, repository: set[str]) -> None:
    found = [*release.sdist_problems(sdist_of(tmp_path, repository - {"tests/conftest.py"}))]
    assert found == [f"{SDIST} lacks tests/conftest.py"]


def test_a_wheel_that_pytest_does_not_find(tmp_path: Path, repository: set[str]) -> None:
    wheel = wheel_of(tmp_path, package(repository))
    assert [*release.entry_point_problems(wheel)] == [f"{WHEEL} has no entry point for pytest"]
    with ZipFile(wheel, "a") as archive:
        points = "[pytest11]\nflask_livechat = flask_livechat.pytest_plugin\n"
        archive.writestr(f"flask_livechat-{VERSION}.dist-info/entry_points.txt", points)
    assert [*release.entry_point_problems(wheel)] == []


def test_a_version_that_is_not_the_sources() -> None:
    metadata = Message()
    metadata["Version"] = "9.9.9"
    found = [*release.version_problems(metadata, Path(WHEEL), Path(SDIST))]
    assert len(found) == 4  # the source, both files' names, CHANGES.rst
    assert all("9.9.9" in one for one in found)


def test_changes_that_do_not_say_when(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    metadata = Message()
    metadata["Version"] = VERSION
    monkeypatch.setattr(release, "newest_change", lambda: (VERSION, "* A change"))
    assert ["'* A change'" in one for one in release.version_problems(metadata, Path(WHEEL), Path(SDIST))] == [True]


def test_a_python_that_nobody_tries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    metadata = Message()
    for minor in (11, 12, 99):
        metadata["Classifier"] = f"Programming Language :: Python :: 3.{minor}"
    workflow = tmp_path / ".github" / "workflows" / "ci.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text('python: ["3.11", "3.12"]', "utf-8")
    monkeypatch.setattr(release, "ROOT", tmp_path)
    found = [*release.python_problems(metadata)]
    assert found == ["Python 3.99 is in the classifiers, and not in .github/workflows"]


def test_the_locks_fit_the_project() -> None:
    assert [*release.lock_problems()] == []


def test_a_lock_that_is_not_of_the_lowest(monkeypatch: pytest.MonkeyPatch) -> None:
    real = release.pins

    def newer(file: str, python: str) -> dict[str, str]:
        return {**real(file, python), "flask": "3.0.1" if file == "lowest.txt" else "2.3.0"}

    monkeypatch.setattr(release, "pins", newer)
    found = [one.partition(",")[0] for one in release.lock_problems()]
    assert found[:2] == ["requirements/lowest.txt has flask 3.0.1", "requirements/newest.txt has flask 2.3.0"]


def test_a_lock_without_a_requirement(monkeypatch: pytest.MonkeyPatch) -> None:
    real = release.pins
    monkeypatch.setattr(release, "pins", lambda *which: {k: v for k, v in real(*which).items() if k != "flask"})
    found = [one.partition(",")[0] for one in release.lock_problems()]
    assert found[:2] == ["requirements/lowest.txt has flask None", "requirements/newest.txt has flask None"]


def test_a_python_has_its_own_lowest_versions() -> None:
    assert release.pins("lowest.txt", "3.12")["psycopg"] < release.pins("lowest.txt", "3.13")["psycopg"]

"""Small apps with a mistake, and small apps without: what the doctor must say of each.

``cases/LC201.txt`` has those of one check, bad and good ones: a title, what is expected, and the files that differ from
those of ``site/``.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask

from flask_livechat import doctor
from flask_livechat.desk import service
from flask_livechat.doctor import Report
from flask_livechat.help.sync import Local
from flask_livechat.state import current_state

HERE = Path(__file__).parent
TODAY = "2026-11-21"


@dataclass(frozen=True)
class Case:
    check: str
    bad: bool
    title: str
    said: dict[str, str]
    files: dict[str, str]

    @property
    def expected(self) -> set[str]:
        """All the codes that must be found, and no other may be."""
        return set(self.said.get("codes", "").split())

    @property
    def name(self) -> str:
        return f"{self.check} {'bad' if self.bad else 'good'}: {self.title}"


def cases() -> list[Case]:
    return [case for path in sorted((HERE / "cases").glob("*.txt")) for case in _read(path)]


def _read(path: Path) -> Iterator[Case]:
    for part in re.split(r"^=== ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        head, *files = re.split(r"^--- (.+)\n", part, flags=re.MULTILINE)
        first, *lines = head.strip().splitlines()
        kind, _, title = first.partition(": ")
        said = dict(line.split(": ", 1) for line in lines)
        yield Case(path.stem, kind == "bad", title, said, dict(zip(files[::2], files[1::2], strict=True)))


@contextmanager
def running(case: Case, folder: Path) -> Iterator[Flask]:
    """The case's app, loaded out of a folder of its own."""
    shutil.copytree(HERE / "site", folder, dirs_exist_ok=True)
    for name, content in case.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, "utf-8")
    before = Path.cwd()
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        app = importlib.import_module("app" if "app.py" in case.files else "base").app
        if "applied" in case.said:
            _apply(app, case.said["applied"])
        yield app
    finally:
        os.chdir(before)
        sys.path.remove(str(folder))
        for name in ("app", "base"):
            sys.modules.pop(name, None)


def _apply(app: Flask, body: str) -> None:
    """Have en/start.md be at the vendor with this body, as ``flask livechat articles apply`` leaves it."""
    sent = Local("start", "en", "How do I start?", body)
    with app.app_context():
        rows = service.article_rows(current_state(), app, "crisp")
        rows.put("start", "en", "en/articles/start.md", sent.digest, "theirs", None, datetime.now(UTC))


def examined(case: Case, folder: Path) -> Report:
    with running(case, folder) as app:
        user = None
        if case.said.get("as") != "nobody" and hasattr(app, "login_manager"):
            user = app.login_manager._user_callback("42")
        now = datetime.fromisoformat(case.said.get("now", TODAY)).replace(tzinfo=UTC)
        return doctor.examine(app, now=now, user=user, deploy="deploy" in case.said)

"""``flask livechat doctor``: finds the mistakes that everyone makes, on the real app, before users do.

``examine(app)`` looks at an app and reports. The checks stand in files by what they are about.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

from flask import Flask

from . import deployment, ending, headers, identity, pages, secrets, snippets
from .findings import CHECKS, Check, Finding, Level, Place, Report, Seen, Unseen, gathered
from .limits import Limits, silence, within
from .routes import skipped
from .sources import place_of
from .survey import Progress, Survey, survey

__all__ = [
    "Check",
    "Finding",
    "Level",
    "Limits",
    "Place",
    "Report",
    "Seen",
    "Survey",
    "Unseen",
    "checks",
    "examine",
    "skipped",
]
CHECKING = 60.0  # seconds for one check over all pages
_MODULES = (snippets, identity, secrets, pages, ending, headers, deployment)  # each enters its checks


def checks() -> tuple[Check, ...]:
    """All checks, by code."""
    return tuple(CHECKS[code] for code in sorted(CHECKS))


def examine(
    app: Flask,
    *,
    now: datetime,
    deploy: bool = False,
    user: Any = None,
    paths: Iterable[str] = (),
    skip: Iterable[str] = (),
    base_url: str | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    progress: Progress = lambda done, total, what: None,
) -> Report:
    """What is wrong with an app's chat, worst first. ``user``: whom the pages are also visited as."""
    with silence():
        seen = survey(
            app, now=now, user=user, paths=paths, skip=skip, base_url=base_url, limits=limits, progress=progress
        )
        found, failed = _found(seen, deploy)
    unseen = (*seen.unseen, *failed)
    return Report(tuple(found), unseen, len(seen.pages), len(seen.templates), len(seen.files), place_of(app))


def _found(seen: Survey, deploy: bool) -> tuple[list[Finding], list[Unseen]]:
    found: list[Finding] = []
    failed: list[Unseen] = []
    for check in checks():
        if check.deploy and not deploy:
            continue
        try:
            found += within(CHECKING, partial(_looked, check, seen))
        except Exception as error:  # one check that stumbles over an app does not hide what the others find
            failed.append(Unseen(check.code, f"the check itself failed with {type(error).__name__}"))
    found.sort(key=lambda finding: (-finding.check.level, finding.check.code))
    return found, failed


def _looked(check: Check, seen: Survey) -> list[Finding]:
    with seen.app.app_context():
        return [*gathered(check, check.look(seen))]

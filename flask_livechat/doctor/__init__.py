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
from .findings import CHECKS, Check, Finding, Level, Match, Place, Report, Skipped, gathered
from .limits import Limits, silence, within
from .routes import skipped
from .sources import place_of
from .survey import Progress, Survey, collect

__all__ = [
    "Check",
    "Finding",
    "Level",
    "Limits",
    "Match",
    "Place",
    "Report",
    "Skipped",
    "Survey",
    "checks",
    "examine",
    "skipped",
]
MAX_CHECK_S = 60.0  # for one check over all pages
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
        survey = collect(
            app, now=now, user=user, paths=paths, skip=skip, base_url=base_url, limits=limits, progress=progress
        )
        findings, failed = _run_checks(survey, deploy)
    counts = (len(survey.pages), len(survey.templates), len(survey.files))
    return Report(tuple(findings), (*survey.unseen, *failed), *counts, place_of(app))


def _run_checks(survey: Survey, deploy: bool) -> tuple[list[Finding], list[Skipped]]:
    findings: list[Finding] = []
    failed: list[Skipped] = []
    for check in checks():
        if check.deploy and not deploy:
            continue
        try:
            findings += within(MAX_CHECK_S, partial(gathered, check, survey))
        except Exception as error:  # one check that stumbles over an app does not hide what the others find
            failed.append(Skipped(check.code, f"the check itself failed with {type(error).__name__}"))
    findings.sort(key=lambda finding: (-finding.check.level, finding.check.code))
    return findings, failed

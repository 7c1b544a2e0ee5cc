"""A live report as text for people and as JSON for programs. Pure."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import asdict

from ..report import WIDTH
from .records import LiveReport


def as_text(report: LiveReport) -> str:
    return "\n".join(_lines(report))


def as_json(report: LiveReport) -> str:
    """``held`` is true, false, or null for what could not be looked at."""
    return json.dumps(asdict(report) | {"at": report.at.isoformat(), "failed": len(report.failed)}, indent=2)


def _lines(report: LiveReport) -> Iterator[str]:
    words = {True: "ok", False: "FAILED", None: "unknown"}
    against = "its stand-in in the sandbox" if report.sandbox else "the vendor's own servers"
    user = "a visitor and a user" if report.with_user else "a visitor; --user ID also checks a logged-in user"
    yield f"{report.title}, against {against}: {user}"
    yield f"Flask-LiveChat {report.version} (facts of {report.facts_as_of}), Chromium {report.browser}"
    yield f"At {report.at:%Y-%m-%d %H:%M} UTC"
    yield f"Page: {report.page}"
    yield f"Contacted: {', '.join(report.hosts) or 'no other host'}"
    yield ""
    for fact in report.facts:
        yield f"{words[fact.held]:<8} {fact.name:<16} {fact.title}"
        yield from textwrap.wrap(fact.seen, WIDTH, initial_indent=" " * 26, subsequent_indent=" " * 26)
    yield ""
    held = sum(fact.held is True for fact in report.facts)
    unknown = sum(fact.held is None for fact in report.facts)
    yield f"{len(report.failed)} failed, {held} held, {unknown} could not be looked at."

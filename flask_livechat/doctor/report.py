"""A report as text for people, JSON for programs, SARIF for code hosts. Pure."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from ..safe_text import quantity
from .findings import Check, Finding, Level, Place, Report

WIDTH = 100
FEW = 3  # places that are named; of more, how many


def as_text(report: Report) -> str:
    """The findings, what was not looked at, and how many there are."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    for finding in report.findings:
        check = finding.check
        yield f"{check.code} {check.level.word}: {check.title}"
        yield from _indented("where", _places(finding.places))
        yield from _indented("what", finding.what)
        yield from _indented("why", check.why)
        yield from _indented("do", finding.fix)
        yield from _indented("more", check.link)
        yield ""
    if report.unseen:
        yield "Not looked at:"
        grouped: dict[str, list[str]] = {}
        for skipped in report.unseen:
            grouped.setdefault(skipped.why, []).append(skipped.name)
        for why, names in grouped.items():
            yield f"  {', '.join(names[:FEW])}{f' and {len(names) - FEW} more' if len(names) > FEW else ''}: {why}"
        yield ""
    counts = [(level, sum(finding.check.level is level for finding in report.findings)) for level in reversed(Level)]
    summary = ", ".join(quantity(count, level.word) for level, count in counts if count) or "nothing wrong"
    looked_at = {"page": report.pages, "template": report.templates, "static file": report.files}
    seen = ", ".join(quantity(count, what) for what, count in looked_at.items())
    yield f"{summary} (looked at {seen})"


def _places(places: tuple[Place, ...]) -> str:
    more = f" and {len(places) - FEW} more" if len(places) > FEW else ""
    return ", ".join(map(str, places[:FEW])) + more


def _indented(name: str, text: str) -> Iterable[str]:
    """Text is wrapped. What follows on lines of its own is left whole: it is there to be copied."""
    text, *lines = text.splitlines()
    first = f"  {name + ':':<6} "
    return [
        *textwrap.wrap(
            text, WIDTH, initial_indent=first, subsequent_indent=" " * 9, break_long_words=False, break_on_hyphens=False
        ),
        *(f"{' ' * 11}{line}" for line in lines),
    ]


def as_json(report: Report) -> str:
    return json.dumps(
        {
            "findings": [
                {
                    "code": finding.check.code,
                    "level": finding.check.level.word,
                    "title": finding.check.title,
                    "what": finding.what,
                    "where": [
                        {"file" if place.file else "place": place.name} | ({"line": place.line} if place.line else {})
                        for place in finding.places
                    ],
                    "why": finding.check.why,
                    "fix": finding.fix,
                    "link": finding.check.link,
                }
                for finding in report.findings
            ],
            "not_looked_at": [{"what": unseen.name, "why": unseen.why} for unseen in report.unseen],
            "looked_at": {"pages": report.pages, "templates": report.templates, "files": report.files},
        },
        indent=2,
    )


def as_sarif(report: Report, checks: Iterable[Check], version: str) -> str:
    """SARIF 2.1.0, for code hosts. Pages are named in the messages."""
    levels = {Level.INFO: "note", Level.WARNING: "warning", Level.ERROR: "error"}
    rules = [
        {
            "id": check.code,
            "name": check.title,
            "shortDescription": {"text": check.title},
            "fullDescription": {"text": check.why},
            "help": {"text": check.fix},
            "helpUri": check.link,
            "defaultConfiguration": {"level": levels[check.level]},
        }
        for check in checks
    ]
    driver = {
        "name": "Flask-LiveChat doctor",
        "version": version,
        "informationUri": "https://github.com/flask-livechat/flask-livechat",
        "rules": rules,
    }
    notes = [{"level": "note", "message": {"text": f"{skipped.name}: {skipped.why}"}} for skipped in report.unseen]
    return json.dumps(
        {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {"driver": driver},
                    "results": [_result(finding, levels, report.app) for finding in report.findings],
                    "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
                }
            ],
        },
        indent=2,
    )


def _result(finding: Finding, levels: dict[Level, str], app: Place | None) -> dict[str, Any]:
    files = [place for place in finding.places if place.file]
    others = [place for place in finding.places if not place.file]
    seen_at = f" ({_places(tuple(others))})" if others else ""
    result: dict[str, Any] = {
        "ruleId": finding.check.code,
        "level": levels[finding.check.level],
        "message": {"text": f"{finding.check.title}: {finding.what}{seen_at}. {finding.fix}"},
    }
    # Code hosts refuse a report with a place that is no file: a page is shown at the app's.
    result["locations"] = [
        {
            "physicalLocation": {"artifactLocation": {"uri": place.name}}
            | ({"region": {"startLine": place.line}} if place.line else {})
        }
        for place in files or filter(None, [app])
    ]
    return result

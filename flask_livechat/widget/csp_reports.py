"""Reports of browsers about a Content-Security-Policy that blocked something of a vendor's.

A report is anybody's word: it is read within bounds, and only what belongs to a configured vendor is kept, once.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from .. import providers
from ..providers import Values
from ..rate_limit import PerMinute
from ..system import make_private
from . import csp

LONGEST = 64 * 1024  # bytes of one report; browsers send several at once
UNKNOWN = 20  # hosts a day and vendor that are in no list of ours
TYPES = ("application/csp-report", "application/reports+json", "application/json")
FILE = "livechat-csp-reports.jsonl"
FEATURES = {
    "script-src": "a script",
    "style-src": "styles",
    "font-src": "a font",
    "img-src": "a picture",
    "media-src": "a sound or a video",
    "connect-src": "a connection (messages, files, who is online)",
    "frame-src": "a frame",
    "child-src": "a frame",
    "worker-src": "a worker",
    "form-action": "a form",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """What a policy blocked. ``known``: our own list has it, so that ``LIVECHAT_CSP = "merge"`` would allow it."""

    provider: str
    directive: str
    source: str
    known: bool

    @property
    def line(self) -> str:
        """What to add to the policy."""
        return f"{self.directive} {self.source}"

    def __str__(self) -> str:
        why = "" if self.known else " (a host that is not in our list: the vendor has a new one, or it is not theirs)"
        title = providers.load(self.provider).title
        return f"the policy blocks {FEATURES[self.directive]} of {title}: add {self.line}{why}"


def read(body: bytes, configured: Mapping[str, Values]) -> list[Violation]:
    """The violations in a report's body, of ``report-uri`` and ``report-to`` alike, that are a vendor's.

    Raises ``ValueError`` for what is no report.
    """
    body_json = json.loads(body)  # a ValueError where it is no JSON, UnicodeDecodeError among them
    reports = [body_json] if isinstance(body_json, dict) else body_json
    if not isinstance(reports, list) or not all(isinstance(report, dict) for report in reports):
        raise ValueError("neither a report nor a list of reports")
    violations = (attributed(*parts, configured) for report in reports[:100] if (parts := _parts(report)) is not None)
    return list(dict.fromkeys(filter(None, violations)))


def _parts(report: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """(directive, what was blocked, the script that asked for it), by either of the two forms' names."""
    body = report.get("csp-report", report.get("body"))
    if not isinstance(body, dict):
        return None
    directive = body.get("effectiveDirective") or body.get("effective-directive") or body.get("violated-directive")
    blocked = body.get("blockedURL") or body.get("blocked-uri")
    source = body.get("sourceFile") or body.get("source-file") or ""
    parts = (directive, blocked, source)
    return (str(directive), str(blocked), str(source)) if all(isinstance(part, str) for part in parts) else None


def attributed(directive: str, blocked: str, asked_by: str, configured: Mapping[str, Values]) -> Violation | None:
    """Whose it is; None where it is no configured vendor's.

    What is not at a vendor's own address (styles, ``data:``, a CDN that many use) is the vendor's only where the
    vendor's script asked for it and our list has it: what a policy rightly stopped must not become advice to allow it.
    """
    name = re.sub(r"-(elem|attr)$", "", directive.strip().lower().partition(" ")[0])
    if name not in FEATURES:
        return None
    (host, source), asker = _origin(blocked), _origin(asked_by)[0]
    keywords = {"inline": "'unsafe-inline'", "eval": "'unsafe-eval'", "data": "data:", "blob": "blob:"}
    source = keywords.get(blocked, source)
    for provider, values in configured.items() if source else ():
        vendor = providers.load(provider)
        needed, suffixes = vendor.csp(values).get(name, ()), tuple(f".{domain}" for domain in vendor.domains(values))
        if f".{host}".endswith(suffixes):
            return Violation(provider, name, source, csp.allowed(needed, source))
        if f".{asker}".endswith(suffixes) and source in needed:
            return Violation(provider, name, source, True)
    return None


def _origin(url: str) -> tuple[str, str]:
    """(host, source of a policy) of an address at the usual port."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:  # whatever somebody calls an address
        return "", ""
    if parts.scheme not in ("https", "wss") or port not in (None, 443):
        return "", ""
    return (host, f"{parts.scheme}://{host}") if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host) else ("", "")


@dataclass
class Reports:
    """What was reported to this app. Kept in its instance folder, where there is one, so that the command sees it."""

    folder: Path
    # A page may send one for each of what a policy blocks.
    rate: PerMinute = field(default_factory=lambda: PerMinute(60, per_client=20))
    today: Callable[[], date] = date.today
    _seen: set[Violation] = field(default_factory=set)
    _unknown: Counter[tuple[str, date]] = field(default_factory=Counter)  # hosts that anybody may have invented
    _lock: Lock = field(default_factory=Lock, repr=False)

    def new(self, violations: Iterable[Violation]) -> list[Violation]:
        """Those that nobody has reported before; they are kept."""
        with self._lock:
            fresh = [violation for violation in violations if violation not in self._seen]
            if fresh:
                self._seen |= set(self.stored())  # another process may have been told
                fresh = [new for new in fresh if new not in self._seen and self._has_room(new)]
                self._seen |= set(fresh)
                self._write(fresh)
            return fresh

    def _has_room(self, violation: Violation) -> bool:
        """What our own list has is always taken. Of hosts that it lacks, so many a day for each vendor, and in all."""
        if violation.known:
            return True
        day = (violation.provider, self.today())
        self._unknown[day] += 1
        return self._unknown[day] <= UNKNOWN and len(self._seen) < 1000  # a vendor has some ten hosts

    def stored(self) -> Iterator[Violation]:
        """What stands in the file. A line that is no record is passed over."""
        try:
            lines = (self.folder / FILE).read_text("utf-8").splitlines()
        except (OSError, ValueError):
            return
        for line in lines:
            with suppress(ValueError, TypeError):
                violation = Violation(**json.loads(line))
                if violation.directive in FEATURES and violation.provider in providers.names():
                    yield violation

    def _write(self, violations: list[Violation]) -> None:
        # No folder, or a disk that is read-only: the log has it.
        make_private(self.folder / FILE, create=True)
        with suppress(OSError), (self.folder / FILE).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(violation)) + "\n" for violation in violations)

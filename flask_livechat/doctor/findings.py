"""What a check is, and what it found. Frozen nouns; no Flask."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .survey import Survey

DOCS = "https://github.com/flask-livechat/flask-livechat/blob/main/docs/doctor"


class Level(IntEnum):
    """How much it matters. ``error``: broken or unsafe now; ``warning``: will be; ``info``: worth a decision."""

    INFO = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was seen: a file and its line, a page, or a key of the configuration."""

    name: str  # "templates/base.html", "GET /pricing", "LIVECHAT_TOKEN_TTL"
    line: int | None = None
    file: bool = False

    def __str__(self) -> str:
        return f"{self.name}:{self.line}" if self.line else self.name


@dataclass(frozen=True, slots=True)
class Match:
    """One thing that a check saw. Never holds a secret's value, or what belongs to a visitor."""

    place: Place
    what: str
    fix: str | None = None  # instead of the check's own


@dataclass(frozen=True, slots=True)
class Check:
    """One mistake that the doctor looks for."""

    code: str  # stable: "LC201"
    level: Level
    title: str
    why: str
    fix: str
    look: Callable[[Survey], Iterable[Match]] = field(repr=False)
    deploy: bool = False  # only where --deploy asks for it

    @property
    def link(self) -> str:
        return f"{DOCS}/{self.code}.rst"


@dataclass(frozen=True, slots=True)
class Finding:
    """The same thing in one or many places."""

    check: Check
    what: str
    fix: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """What could not be looked at, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    findings: tuple[Finding, ...]
    unseen: tuple[Skipped, ...]
    pages: int
    templates: int
    files: int
    app: Place | None = None  # the file that the app is made in

    def worst(self) -> Level | None:
        return max((finding.check.level for finding in self.findings), default=None)


CHECKS: dict[str, Check] = {}


def check(
    code: str, level: Level, title: str, *, why: str, fix: str, deploy: bool = False
) -> Callable[[Callable[[Survey], Iterable[Match]]], Callable[[Survey], Iterable[Match]]]:
    """Enters a function into the catalogue."""

    def enter(look: Callable[[Survey], Iterable[Match]]) -> Callable[[Survey], Iterable[Match]]:
        CHECKS[code] = Check(code, level, title, why, fix, look, deploy)
        return look

    return enter


def gathered(check: Check, survey: Survey) -> list[Finding]:
    """What a check finds, with one finding for what is the same in several places."""
    places: dict[tuple[str, str], dict[Place, None]] = {}
    with survey.app.app_context():
        for match in check.look(survey):
            places.setdefault((match.what, match.fix or check.fix), {})[match.place] = None
    return [Finding(check, what, fix, tuple(where)) for (what, fix), where in places.items()]

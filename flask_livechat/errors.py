"""What can go wrong.

LiveChatError
├── ConfigError     a wrong configuration, with every Problem at once
└── Unsupported     a vendor lacks what was asked for
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class LiveChatError(Exception):
    """The root of every error that this package raises."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the configuration. Never holds a secret's value."""

    code: str  # stable and documented: "LC102"
    key: str  # "LIVECHAT_TAWK_PROPERTY_ID"
    what: str  # "'nope' does not look right"
    fix: str  # "Administration > Overview > Property ID."

    def __str__(self) -> str:
        return f"{self.code} {self.key}: {self.what}. {self.fix}"


class ConfigError(LiveChatError):
    """The configuration cannot work. ``problems`` has all of them, not just the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(["The live chat configuration has problems:", *(f"  {p}" for p in self.problems)]))


class Unsupported(LiveChatError):
    """A vendor cannot do what was asked."""

    def __init__(self, provider: str, method: str) -> None:
        self.provider, self.method = provider, method
        super().__init__(f"{method} is not supported by {provider}.")

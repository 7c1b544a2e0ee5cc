"""Targets: what the support figures should be, and what a figure is against its own. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULTS: Mapping[str, Any] = {"first_response": 120, "resolution": 900, "deflection": (0.3, 0.5), "csat": 0.9}


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should be. Both bounds are part of it."""

    #: The least; None is no bound.
    least: float | None
    #: The most; None is no bound.
    most: float | None
    #: ``seconds``, or ``share`` from 0 to 1.
    unit: str

    def verdict(self, value: float | None) -> str | None:
        """Return ``within``, ``below`` or ``above``; None where there is no figure."""
        if value is None:
            return None
        if self.least is not None and value < self.least:
            return "below"
        return "above" if self.most is not None and value > self.most else "within"


def parse(config: Any) -> Mapping[str, Target]:
    """Read LIVECHAT_TARGETS. What it does not name has the default; None is no target.

    A number is the most that a time may be, and the least that a share may be. A pair is the least and the most.
    Raises ``ValueError``, which names the figure.
    """
    if not isinstance(config, Mapping):
        raise ValueError("must be a dict")
    for name in config:
        if name not in DEFAULTS:
            raise ValueError(f"{name!r} is not a figure with a target; these are {', '.join(DEFAULTS)}")
    merged = {**DEFAULTS, **config}
    return {name: _target(name, value) for name, value in merged.items() if value is not None}


def _target(name: str, value: Any) -> Target:
    is_pair, unit = isinstance(value, list | tuple), "share" if name in ("deflection", "csat") else "seconds"
    bounds = list(value) if is_pair else [value]
    max_s = 10 * 366 * 86_400  # of the longest time that metrics are asked for
    highest, unit_text = (1.0, "a share from 0 to 1") if unit == "share" else (max_s, "a number of seconds")
    for bound in bounds:
        is_number = isinstance(bound, int | float) and not isinstance(bound, bool)
        if not is_number or not 0 <= bound <= highest:
            raise ValueError(f"{name!r} takes {unit_text}, or a pair of minimum and maximum, and not {bound!r:.60}")
    if is_pair and (len(bounds) != 2 or bounds[0] > bounds[1]):
        raise ValueError(f"{name!r} takes a pair of minimum and maximum, and not {value!r:.60}")
    if is_pair:
        return Target(bounds[0], bounds[1], unit)
    return Target(bounds[0], None, unit) if unit == "share" else Target(None, bounds[0], unit)

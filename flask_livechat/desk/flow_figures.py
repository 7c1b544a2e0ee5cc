"""How flows go: what they resolve, and where they hand over. Counted on the server, without the visitor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from .store import Store, quarter_of
from .tables import flow_counts

DEFINITION = (
    "Walks through a flow in which the visitor did something. Resolved: the walk ended with That helped, or with a "
    "choice that leads to done. Handed over to a human: at which step, and after how many exchanges. Left in the "
    "middle: all other walks. Each counts when it happened. The conversation after a flow begins with the visitor's "
    "own first message, so a text of the flow is not a first response, and the handover does not start the clock."
)


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Where in a flow visitors went to a human."""

    step: str  #: The step; empty where the flow was changed while they were in it.
    exchanges: int  #: How many exchanges they had had before.
    count: int  #: How many visits went there.


@dataclass(frozen=True, slots=True)
class FlowFigures:
    """The figures of one flow."""

    flow: str  #: Its name.
    begun: int  #: How many visits began it.
    resolved: int  #: How many of them it resolved.
    handed_over: int  #: How many of them it handed over to a human.
    left: int  #: How many of them left in the middle.
    handed_over_at: tuple[HandedOver, ...]  #: The steps at which it handed over, the most frequent first.

    def rows(self) -> Iterator[tuple[str, int]]:
        """Flat, for CSV: what, and how often."""
        yield from (
            (f"{self.flow} {what}", getattr(self, what)) for what in ("begun", "resolved", "handed_over", "left")
        )
        for at in self.handed_over_at:
            yield f"{self.flow} handed_over at {at.step or '-'} after {at.exchanges}", at.count


def count(store: Store, provider: str, flow: str, new: Sequence[tuple[str, str, int]], now: datetime) -> None:
    """Count what happened in a step: each is what, the step, and the number of exchanges."""
    with store.engine.begin() as connection:
        for what, step, exchanges in new:
            key = {"provider": provider, "flow": flow, "what": what, "step": step, "exchanges": exchanges}
            key |= {"quarter": quarter_of(now)}
            row = store.insert(flow_counts).values(**key, count=1)
            more = {"count": flow_counts.c.count + 1}
            connection.execute(row.on_conflict_do_update(index_elements=list(key), set_=more))


def figures(connection: sa.Connection, chosen: sa.ColumnElement[bool]) -> Iterator[FlowFigures]:
    """The figures of each flow that was used."""
    c = flow_counts.c
    key = (c.flow, c.what, c.step, c.exchanges)
    wanted = sa.select(*key, sa.func.sum(c.count)).where(chosen).group_by(*key).order_by(*key)
    for name, rows in groupby(connection.execute(wanted), key=lambda row: str(row[0])):
        yield _of_flow(name, rows)


def _of_flow(name: str, rows: Iterable[Any]) -> FlowFigures:
    totals, steps = dict.fromkeys(("begun", "resolved", "human"), 0), list[HandedOver]()
    for _, what, step, exchanges, total in rows:
        totals[what] += int(total)
        if what == "human":
            steps.append(HandedOver(step, exchanges, int(total)))
    begun, resolved, handed_over = totals.values()
    left = max(0, begun - resolved - handed_over)  # some that end in a time have begun before it
    return FlowFigures(name, begun, resolved, handed_over, left, tuple(sorted(steps, key=lambda at: -at.count)))

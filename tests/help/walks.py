"""Random flows, and random walks through them. ``python -m tests.help.walks 100000`` takes as many walks.

The flows are as flows are in files, and worse: cycles, steps without a way to them, steps that lead to themselves. The
visitors are as visitors are, and worse: they pick what is not there, say nothing, and repeat themselves.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any

from flask_livechat.help.flow_files import read
from flask_livechat.help.flow_replies import render
from flask_livechat.help.flows import DONE, HUMAN, Flow, Input, Policy, State, advance, read_state, write_state

WORDS = [
    "",
    "hello",
    "my card was declined",
    "agent",
    "HELP ME NOW",
    "hello",
    "x" * 5000,
    "\u202e\0<script>",
    "人工客服",
    "0",
]
LOCALES = [None, "en", "de", "pt-BR", "xx", "ja-JP"]


def table(random: Random) -> dict[str, Any]:
    """A flow of one to twelve steps."""
    names = [f"s{number}" for number in range(random.randint(1, 12))]
    steps = {name: _step(random, [*names, HUMAN, DONE]) for name in names}
    return {"start": random.choice(names), **steps}


def _step(random: Random, targets: list[str]) -> dict[str, Any]:
    step: dict[str, Any] = {"say": random.choice(["What is it?", {"en": "What is it?", "de": "Worum geht es?"}])}
    kind = random.choice(["choices", "choices", "choices", "ask", "articles", "answer"])
    if kind == "choices":
        labels = random.sample(["Billing", "Orders", "hello", "<b>&", "Agent", "Другое", "其他"], random.randint(1, 5))
        return step | {"choices": {label: random.choice(targets) for label in labels}}
    step[kind] = f"{kind}_value"
    if kind == "ask" or random.random() < 0.5:
        step["then"] = random.choice(targets)
    return step


def visitor_input(random: Random) -> Input:
    if random.random() < 0.7:
        return Input(choice=random.choice([0, 0, 1, 2, 3, 4, 7, -1, "x", DONE if random.random() < 0.1 else 0]))
    return Input(text=random.choice(WORDS))


def walk(flow: Flow, random: Random, limit: int) -> str:
    """Walk once, over JSON as a browser does. Assert all that a flow promises, and return how it ended."""
    policy, state, action = Policy(limit), None, Input()
    for _ in range(min(limit, 4) + 2):
        state, output = advance(flow, state, action, policy)
        reply = json.loads(json.dumps(render(flow, state, output, random.choice(LOCALES)), ensure_ascii=False))
        assert reply["human"], "a human is offered"
        assert state.exchanges <= min(limit, 4)
        if output.end:
            assert reply["end"] == output.end
            assert output.end in (HUMAN, DONE)
            return output.end
        read_back = read_state(flow, json.loads(json.dumps(write_state(flow, state))))
        assert read_back == state
        state, action = read_back, visitor_input(random)
    raise AssertionError(f"{state} goes on after {limit} exchanges")


def walks(count: int, seed: int, per_flow: int = 20) -> Counter[str]:
    """Walk so often, through new random flows, and count the ends."""
    random, ends = Random(seed), Counter[str]()  # noqa: S311 - a walk is no secret
    flow: Flow | None = None
    for number in range(count):
        if flow is None or number % per_flow == 0:
            flow, problems = read("random", "random.toml", table(random))
            assert flow is not None, problems
        ends[walk(flow, random, random.randint(1, 6))] += 1
    return ends


def state_of(flow: Flow, changes: Mapping[str, Any] = {}) -> dict[str, Any]:
    """A state as a browser might send it."""
    return {**write_state(flow, State(flow.start)), **changes}


if __name__ == "__main__":
    sys.stdout.write(f"{dict(walks(int(sys.argv[1]), seed=2026))}\n")

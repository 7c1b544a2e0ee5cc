"""What an agent gets of a flow: the way through it, the fields, the articles, and the transcript. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .flow_texts import text
from .flows import TARGETS, Flow, State

MAX_LINE_CHARS = 250  # of a transcript: the vendors take 255 of a value


def handoff(flow: Flow, state: State, locale: str | None) -> dict[str, Any]:
    """The walk so far. ``message`` is what the conversation begins with."""
    actions = [(flow.steps[name], action) for name, action in state.trail]
    choices = [step.choices[action] for step, action in actions if step.choices and isinstance(action, int)]
    path = " > ".join(flow.text(choice.label, locale) for choice in choices)
    topic = choices[0].to if choices and choices[0].to not in TARGETS else flow.name
    return {
        "path": path,
        "fields": {step.ask: action for step, action in actions if step.ask is not None},
        "help_seen": ", ".join(state.seen),
        "segment": f"help:{topic}",
        "message": ": ".join(part for part in (path, state.words) if part),
        "transcript": transcript(flow, state, locale),
    }


def transcript(flow: Flow, state: State, locale: str | None) -> dict[str, str]:
    """The transcript, a line for each exchange: what the flow asked, and what the visitor picked or wrote.

    It is made of the flow's own words and of what ``read_state`` lets through: no browser decides how long it is.
    """
    lines = [_line(*exchange) for exchange in _exchanges(flow, state, locale)]
    if state.seen:
        lines.append(_line("Articles", ", ".join(state.seen)))
    return {f"help-{number}": line for number, line in enumerate(lines, 1)}


def _exchanges(flow: Flow, state: State, locale: str | None) -> Iterator[tuple[str, str]]:
    for name, action in state.trail:
        step, answer = flow.steps[name], str(action)
        if isinstance(action, int):
            answer = flow.text(step.choices[action].label, locale) if step.choices else text("other", locale)
        yield flow.text(step.say, locale) or name, answer
    if state.words and state.words not in [action for _, action in state.trail[-1:]]:  # the word for a person, say
        yield "", state.words


def _line(question: str, answer: str) -> str:
    """An answer goes before its question where both are too long."""
    rest = max(0, MAX_LINE_CHARS - len(answer) - 3)
    return f"{question[:rest]} - {answer}" if question and rest else answer[:MAX_LINE_CHARS]

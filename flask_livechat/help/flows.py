"""The engine of flows: a finite table, and a pure function that takes one step in it.

There is no way to write a step without the human: ``advance`` ends each walk at one within few exchanges, and
``flow_replies`` adds the offer to each ``Output``. The state travels through the browser, so ``read_state`` believes
none of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..safe_text import terminal_text
from .flow_words import is_shouted, is_sworn, wants_human

HUMAN, DONE = "human", "done"
TARGETS = (HUMAN, DONE)
MAX_EXCHANGES = 4  # no setting allows more
MAX_TEXT_BYTES = 240  # of what a visitor wrote, as JSON: a state with four of them fits into a request
MAX_SEEN_BYTES = 200  # of the articles that were shown
NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")  # of a flow, a step, a field

Text = Mapping[str, str]
"""By locale in lower case (``"pt-br"``). What stands under ``""`` is for all of them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A button, and the step that it leads to."""

    label: Text
    to: str


@dataclass(frozen=True, slots=True)
class Step:
    """A sentence, and one of: choices, a field to ask for, a query for articles, the name of an answerer."""

    name: str
    say: Text = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    ask: str | None = None
    articles: Text | None = None
    answer: str | None = None
    then: str | None = None

    @property
    def ways(self) -> tuple[str, ...]:
        """Where its numbers lead: those of its choices, or the one to what follows articles and answers."""
        if self.choices or self.ask is not None or self.then is None:
            return tuple(choice.to for choice in self.choices)
        return (self.then,)

    def targets(self) -> Iterator[str]:
        yield from (choice.to for choice in self.choices)
        if self.then is not None:
            yield self.then

    def choice_named(self, words: str) -> int | None:
        """The number of the choice whose label somebody typed, in whichever language."""
        typed = words.casefold()
        for number, choice in enumerate(self.choices):
            if typed in (label.casefold() for label in choice.label.values()):
                return number
        return None


@dataclass(frozen=True, slots=True)
class Flow:
    """A table of steps. ``digest`` tells a changed flow from the one that a visitor is in."""

    name: str
    start: str
    steps: Mapping[str, Step] = field(repr=False)
    file: str = ""  # or what stands for one in messages
    locales: tuple[str, ...] = ()  # in the order of their first use; the first is the default
    digest: str = ""

    def text(self, text: Text, locale: str | None) -> str:
        """A text in the nearest language: ``pt-BR``, else ``pt``, else the text for all, else the default's."""
        parts = (locale or "").lower().replace("_", "-").split("-")
        tags = ["-".join(parts[:end]) for end in range(len(parts), 0, -1)]
        return next((text[tag] for tag in (*tags, "", *self.locales) if tag in text), "")


@dataclass(frozen=True, slots=True)
class Policy:
    """How long a flow may go on, and who decides whether somebody asks for a person."""

    max_exchanges: int = 3
    wants_human: Callable[[str], bool] = wants_human

    @property
    def limit(self) -> int:
        return min(self.max_exchanges, MAX_EXCHANGES)


@dataclass(frozen=True, slots=True)
class Input:
    """What the visitor did: picked a choice by its number, ``HUMAN`` or ``DONE``; or wrote something."""

    choice: int | str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class State:
    """Where a visitor is. Its ``repr`` has nothing that they wrote."""

    step: str
    exchanges: int = 0  # what the visitor did so far
    misses: int = 0  # of these, how many fitted nothing
    trail: tuple[tuple[str, int | str], ...] = ()  # steps, and the number that was picked there, or what was written
    words: str = ""  # what the visitor wrote last
    seen: tuple[str, ...] = ()  # paths of articles that were shown

    def __repr__(self) -> str:
        return f"<State {self.step} after {self.exchanges} exchanges>"


@dataclass(frozen=True, slots=True)
class Output:
    """What the visitor gets, beside the offer of a human, which is always there.

    ``note`` names one of our own sentences. ``flow_service`` searches for ``articles`` and asks for
    the ``answer``. ``goes_on``: choice 0 leads to what follows the articles or the answer.
    """

    say: Text = field(default_factory=dict)
    note: str | None = None
    choices: tuple[Choice, ...] = ()
    ask: str | None = None
    articles: Text | None = None
    answer: str | None = None
    goes_on: bool = False
    done: str | None = None  # "helped" or "all": by which words the visitor may leave
    end: str | None = None  # HUMAN or DONE
    why: str | None = None  # a human


def advance(flow: Flow, state: State | None, action: Input, policy: Policy = Policy()) -> tuple[State, Output]:
    """Take one step. Without a state the flow begins, with what the visitor has written so far as the input."""
    begins = state is None
    state = State(flow.start) if state is None else state
    if state.step in TARGETS or action.choice == HUMAN:
        return to_human(state, "over" if state.step in TARGETS else "asked")
    if action.choice == DONE:
        return replace(state, step=DONE), Output(note="bye", end=DONE)
    if action.text is not None:
        words, before = clean(action.text), state.words
        if why := _why_human(words, before, policy):
            return to_human(replace(state, words=words), why)
        number = None if begins else flow.steps[state.step].choice_named(words)
        if number is None:
            state = replace(state, words=words)
        else:
            action = Input(choice=number)
    if begins:
        return _arrive(flow, state, flow.start, policy)
    if state.exchanges >= policy.limit:
        return to_human(state, "limit")
    state = replace(state, exchanges=state.exchanges + 1)
    followed = _follow(flow.steps[state.step], state, action)
    if followed is not None:
        return _arrive(flow, *followed, policy)
    if state.misses:
        return to_human(state, "misunderstood")
    trail = (*state.trail, (state.step, state.words)) if action.text and state.words else state.trail
    state = replace(state, misses=1, trail=trail)
    shown = _show(flow, state, policy)
    return state, replace(shown, note=shown.note or "misunderstood", articles=None, answer=None)


def to_human(state: State, why: str) -> tuple[State, Output]:
    """The last step. No input leads out of it."""
    return replace(state, step=HUMAN), Output(note="handover", end=HUMAN, why=why)


def _why_human(words: str, before: str, policy: Policy) -> str | None:
    """Why what somebody wrote leads to a human at once."""
    if policy.wants_human(words):
        return "asked"
    if words and words.casefold() == before.casefold():
        return "repeated"
    return "upset" if is_shouted(words) or is_sworn(words) else None


def _follow(step: Step, state: State, action: Input) -> tuple[State, str] | None:
    """Where an input leads, and the state with it. None where it fits nothing."""
    if step.ask is not None:
        if not action.text or not state.words:
            return None
        return replace(state, trail=(*state.trail, (step.name, state.words))), step.then or HUMAN
    number = action.choice
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < len(step.ways):
        return None
    return replace(state, trail=(*state.trail, (step.name, number))), step.ways[number]


def _arrive(flow: Flow, state: State, target: str, policy: Policy) -> tuple[State, Output]:
    if target == DONE:
        return replace(state, step=DONE), Output(note="bye", end=DONE)
    if target not in flow.steps:
        return to_human(state, "flow")
    state = replace(state, step=target)
    return state, _show(flow, state, policy)


def _show(flow: Flow, state: State, policy: Policy) -> Output:
    """What a step gives. After the last exchange nothing is asked any more."""
    step, is_last = flow.steps[state.step], state.exchanges >= policy.limit
    if step.articles is None and step.answer is None:
        if is_last:
            return Output(note="limit", done="all")
        return Output(step.say, choices=step.choices, ask=step.ask)
    goes_on = step.then not in (None, *TARGETS) and not is_last
    return Output(step.say, articles=step.articles, answer=step.answer, goes_on=goes_on, done="helped")


def clean(text: str) -> str:
    """What a visitor wrote, in one line without what shows nothing, and cut."""
    words = "".join(terminal_text(text[:1000]).split("\ufffd"))
    return cut(" ".join(words.split()), MAX_TEXT_BYTES)


def cut(text: str, max_bytes: int) -> str:
    """The beginning of a text that takes so many bytes at most as JSON in UTF-8."""
    length = 0
    for position, character in enumerate(text):
        length += len(json.dumps(character, ensure_ascii=False).encode("utf-8", "replace")) - 2
        if length > max_bytes:
            return text[:position].rstrip()
    return text


# -- the state, as it travels ------------------------------------------------------------------------------------------


def write_state(flow: Flow, state: State) -> dict[str, Any]:
    """The state as JSON."""
    return {
        "flow": flow.digest,
        "step": state.step,
        "exchanges": state.exchanges,
        "misses": state.misses,
        "trail": [[step, action] for step, action in state.trail],
        "words": state.words,
        "seen": list(state.seen),
    }


def read_state(flow: Flow, data: Any) -> State | None:
    """The state out of what a browser sent. None where it is not one of this very flow's: then a human takes over.

    Nothing in it is proven, and nothing needs to be: a visitor may invent what they might have picked and written.
    What they invent is theirs alone, of this flow's steps and fields, and short.
    """
    try:
        state = State(
            step=data["step"],
            exchanges=data["exchanges"],
            misses=data["misses"],
            trail=tuple((step, action) for step, action in data["trail"]),
            words=data["words"],
            seen=tuple(data["seen"]),
        )
        return state if data["flow"] == flow.digest and _is_possible(flow, state) else None
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _is_possible(flow: Flow, state: State) -> bool:
    """Whether the values are of the right kinds and sizes, and name what there is in the flow."""
    counts = (state.exchanges, state.misses)
    texts = (state.step, state.words, *state.seen)
    return (
        all(type(count) is int and count >= 0 for count in counts)
        and all(isinstance(text, str) for text in texts)
        and (state.step in flow.steps or state.step in TARGETS)
        and len(state.trail) <= state.exchanges <= MAX_EXCHANGES
        and state.misses <= 1
        and all(step in flow.steps and _is_action(flow.steps[step], action) for step, action in state.trail)
        and state.words == clean(state.words)
        and list(state.seen) == list(seen_within_limit(state.seen))
    )


def _is_action(step: Step, action: Any) -> bool:
    """Whether a visitor could have done that in a step."""
    if isinstance(action, str):
        return action != "" and action == clean(action)
    return type(action) is int and 0 <= action < len(step.ways)


def seen_within_limit(paths: tuple[str, ...]) -> Iterator[str]:
    """The paths of articles that may travel: few and short."""
    length = 0
    for path in paths[:3]:
        length += len(path.encode("utf-8", "replace"))
        if length <= MAX_SEEN_BYTES and re.fullmatch(r"[\w./-]+", path):
            yield path

"""The proof that a flow always lets its visitors out, what else is wrong with it, and its picture. Pure.

The engine is a finite automaton as far as its ends go: what a visitor wrote decides only whether it fits. So the proof
takes each step of the engine itself, from each state that can be reached, and looks at what comes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from .flow_files import MAX_LISTED, Problem, texts_of
from .flow_replies import render
from .flow_texts import text
from .flows import DONE, HUMAN, TARGETS, Flow, Input, Output, Policy, State, advance

MAX_LABEL_CHARS = 30
MAX_CHOICES = 5
MISFIT = Input(choice=-1)
NOT_UNDERSTOOD = "(not understood)"


@dataclass(frozen=True, slots=True)
class Walk:
    """A way through a flow, in the words of its labels."""

    words: tuple[str, ...] = ()
    exchanges: int = 0

    def __str__(self) -> str:
        return " > ".join(self.words)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a walk over the whole graph has seen. ``failures`` are ways without an end, or without a human."""

    states: int
    longest: Walk
    shown: frozenset[str]  # steps that somebody gets to see
    failures: tuple[str, ...]


def prove(flow: Flow, policy: Policy) -> Proof:
    """Walk from each state of a flow by each kind of input."""
    # A text that fits is one that cannot be taken for anything else; the state does not remember it.
    policy = Policy(policy.max_exchanges, wants_human=lambda text: False)
    state, output = advance(flow, None, Input(), policy)
    waiting = [(state, output, Walk((flow.start,)))]
    seen, shown, failures = {_key(state)}, set[str](), list[str]()
    longest = Walk()
    for state, output, walk in waiting:  # which grows meanwhile
        if output.say or output.articles is not None or output.answer is not None:
            shown.add(state.step)
        for words, action in _actions(flow, output):
            after, reply = advance(flow, replace(state, words=""), action, policy)
            way = Walk((*walk.words, words), after.exchanges)
            if not _holds(flow, state, after, reply, policy):
                failures.append(str(way))
            elif reply.end:
                longest = max(longest, Walk((*way.words, reply.end), way.exchanges), key=_length)
            elif _key(after) not in seen:
                seen.add(_key(after))
                waiting.append((after, reply, way))
    return Proof(len(seen), longest, frozenset(shown), tuple(failures[:MAX_LISTED]))


def _key(state: State) -> tuple[str, int, int]:
    """All of a state that decides what comes next."""
    return state.step, state.exchanges, state.misses


def _length(walk: Walk) -> tuple[int, int]:
    return walk.exchanges, -walk.words.count(NOT_UNDERSTOOD)


def _actions(flow: Flow, output: Output) -> Iterator[tuple[str, Input]]:
    """Each kind of thing that a visitor can do, and how it is called."""
    for number, choice in enumerate(output.choices):
        yield flow.text(choice.label, None), Input(choice=number)
    if output.goes_on:
        yield text("other", None), Input(choice=0)
    if output.ask:
        yield f"({output.ask})", Input(text=output.ask)
    yield text(output.done or "all", None), Input(choice=DONE)
    yield text("human", None), Input(choice=HUMAN)
    yield NOT_UNDERSTOOD, MISFIT


def _holds(flow: Flow, before: State, after: State, reply: Output, policy: Policy) -> bool:
    """Whether a step ends the flow, or uses up one of its exchanges; and offers a human."""
    nearer = after.exchanges == before.exchanges + 1 <= policy.limit
    return (reply.end in TARGETS or (reply.end is None and nearer)) and bool(render(flow, after, reply, None)["human"])


def check(flow: Flow, policy: Policy, answers: Collection[str]) -> tuple[Proof, list[Problem]]:
    """The proof, and all that is wrong with a flow that could be read. ``answers``: the names that are registered."""
    proof = prove(flow, policy)
    problems = [
        Problem(flow.file, None, f"a walk does not end: {way}", "This is a fault in Flask-LiveChat: please report it.")
        for way in proof.failures
    ]
    for step in flow.steps.values():
        if step.answer is not None and step.answer not in answers:
            fix = f'Register it with @livechat.answer("{step.answer}").'
            problems.append(Problem(flow.file, step.name, f"the answer {step.answer!r} is not registered", fix))
    problems += (replace(problem, is_error=False) for problem in _warnings(flow, proof, policy))
    return proof, problems


def _warnings(flow: Flow, proof: Proof, policy: Policy) -> Iterator[Problem]:
    unseen = [name for name in flow.steps if name not in proof.shown]
    if unseen:
        more = f" and {len(unseen) - MAX_LISTED} more" if len(unseen) > MAX_LISTED else ""
        what = f"no visitor can reach {', '.join(unseen[:MAX_LISTED])}{more} within {policy.limit} exchanges"
        yield Problem(flow.file, None, what, "Lead there by a shorter path, or remove the step.")
    for step in flow.steps.values():
        if len(step.choices) > MAX_CHOICES:
            what = f"{len(step.choices)} choices are more than visitors read; the most are {MAX_CHOICES}"
            yield Problem(flow.file, step.name, what, "Combine some of them.")
        labels = dict.fromkeys(label for choice in step.choices for label in choice.label.values())
        for label in labels:
            if len(label) > MAX_LABEL_CHARS:
                what = f"the label {label[:60]!r} has {len(label)} characters; a button fits {MAX_LABEL_CHARS}"
                yield Problem(flow.file, step.name, what, "Say it in fewer words.")
        for words in texts_of(step):
            missing = [tag for tag in flow.locales if tag not in words]
            if missing:
                what = f"{next(iter(words.values()))[:40]!r} is missing in {', '.join(missing)}"
                yield Problem(flow.file, step.name, what, "Other texts of the flow have it: add it here.")


def mermaid(flow: Flow) -> str:
    """The flow as a diagram for Mermaid, which shows it in a pull request."""
    ids = {name: f"step{number}" for number, name in enumerate(flow.steps)} | {HUMAN: HUMAN, DONE: DONE}
    lines = ["flowchart TD", "  %% A human is offered in each step, too."]
    for name, step in flow.steps.items():
        words = [name, flow.text(step.say, None)]
        words += [f"articles: {flow.text(step.articles, None)}"] if step.articles is not None else []
        words += [f"{kind}: {value}" for kind, value in (("ask", step.ask), ("answer", step.answer)) if value]
        lines.append(f'  {ids[name]}["{"<br>".join(_escaped(line) for line in words if line)}"]')
    lines += [f'  {HUMAN}(["a human"])', f'  {DONE}(["done"])', f"  start((start)) --> {ids[flow.start]}"]
    for name, step in flow.steps.items():
        for choice in step.choices:
            lines.append(f'  {ids[name]} -->|"{_escaped(flow.text(choice.label, None))}"| {ids[choice.to]}')
        if step.ask is not None:
            lines.append(f"  {ids[name]} --> {ids[step.then or HUMAN]}")
        elif not step.choices:
            lines.append(f'  {ids[name]} -->|"{_escaped(text("helped", None))}"| {DONE}')
            lines.append(f'  {ids[name]} -->|"{_escaped(text("other", None))}"| {ids[step.then or HUMAN]}')
    return "\n".join(lines)


def _escaped(line: str) -> str:
    """A text within quotes, in which Mermaid reads entities: of its own, by number."""
    safe: Callable[[str], bool] = lambda letter: letter.isalnum() or letter in " .,:?!-'()_"  # noqa: E731
    return "".join(letter if safe(letter) else f"#{ord(letter)};" for letter in " ".join(line.split()))

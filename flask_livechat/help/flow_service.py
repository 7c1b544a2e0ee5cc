"""Flows on an app: its files, its articles, the answers that it has registered, and its hours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flask import Flask

from ..errors import what_failed
from ..state import State as AppState
from . import answers
from .flow_files import Flows, Problem, read_all
from .flow_handoff import handoff
from .flow_proof import Proof, check
from .flow_replies import WAIT_S, Extras, Suggestion, render
from .flows import (
    DONE,
    HUMAN,
    TARGETS,
    Flow,
    Input,
    Output,
    Policy,
    State,
    advance,
    clean,
    read_state,
    seen_within_limit,
    to_human,
)

MAX_TAG_CHARS = 35  # of a language
CHANGED = ""  # instead of a step, where the flow has changed since
Count = tuple[str, str, int]
"""What is counted in the metrics, the step at which it was, and after how many exchanges."""
NO_FLOW = Flow("unknown", "", {})


def flows(state: AppState, app: Flask) -> Flows:
    """All flows of an app: read once, and in debug mode anew each time."""
    loaded: Flows | None = state.runtime.flows
    if loaded is None or app.debug:
        loaded = state.runtime.flows = _read(state, app)
        for problem in loaded.problems:
            app.logger.error("livechat: a flow is not offered: %s", problem)
    return loaded


def _read(state: AppState, app: Flask) -> Flows:
    folder = Path(app.root_path) / state.settings.flows if state.settings.flows else None
    return read_all(folder, state.callbacks.flows)


def policy(state: AppState) -> Policy:
    ask = state.callbacks.wants_human
    steps = state.settings.flow_steps
    return Policy(steps) if ask is None else Policy(steps, lambda text: bool(ask(text)))


def search(state: AppState, app: Flask, text: str, locale: str | None) -> Sequence[Any]:
    """The articles that answer a text. None where the app has none."""
    if state.settings.articles is None:
        return ()
    from .library import articles  # noqa: PLC0415 - it needs the extra, which flows do not

    return articles(state, app).search(text, locale)


def reply(state: AppState, app: Flask, request: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Count, ...]]:
    """The reply to what a browser sent, ``{flow, state, input, locale}``; and what it counts as in the metrics."""
    locale = request.get("locale")
    tag = locale if isinstance(locale, str) and len(locale) <= MAX_TAG_CHARS else None
    return take_step(state, app, request.get("flow"), request.get("state"), input_of(request.get("input")), tag)


def note_of(handed_over: Mapping[str, Any]) -> tuple[str, str]:
    """What agents read of a handoff, and what it is about."""
    topic = handed_over["segment"].removeprefix("help:")
    return "\n".join([f"Before this conversation, about {topic}:", *handed_over["transcript"].values()]), topic


def input_of(data: Any) -> Input:
    """What a browser says that the visitor did. What is nothing of that fits nothing, in any step."""
    data = data if isinstance(data, dict) else {}
    choice, text = data.get("choice"), data.get("text")
    if isinstance(text, str):
        return Input(text=text)
    return Input(choice=choice if isinstance(choice, int | str) and not isinstance(choice, bool) else -1)


def take_step(
    state: AppState, app: Flask, name: Any, data: Any, action: Input, locale: str | None
) -> tuple[dict[str, Any], tuple[Count, ...]]:
    """The reply to one step, and what it counts as. Any error in it leads to a human, with what the visitor wrote."""
    flow, extras, before = NO_FLOW, Extras(), None
    after = State("", words=clean(action.text or ""))
    try:
        flow = flows(state, app).by_name.get(str(name), NO_FLOW)
        before = None if data is None else read_state(flow, data)
        if flow is NO_FLOW or (before is None and data is not None):
            after, output = to_human(after, "flow")
        else:
            after = replace(before, words=after.words or before.words) if before else after
            after, output = advance(flow, before, action, policy(state))
            after, output, extras = _with_extras(state, app, flow, after, output, locale)
    except Exception as error:
        app.logger.error("livechat: the flow %s failed with %s; a human takes over.", flow.name, what_failed(error))
        after, output = to_human(after, "error")
    is_lost = before is None and data is not None  # it is not this flow's as it is now
    tally = [("human", CHANGED, 0)] if is_lost else _counts(flow, before, action, after)
    return render(flow, after, output, locale, _with_hours(state, extras)), tuple(tally) if flow.steps else ()


def _counts(flow: Flow, before: State | None, action: Input, after: State) -> Iterator[Count]:
    """``begun`` at the first thing that a visitor does, ``resolved`` and ``human`` at the end.

    To leave by "That's all" after the last exchange resolves nothing: such a visitor has left in the middle.
    """
    was_over = before is not None and before.step in TARGETS
    has_acted = before is not None or after.step in TARGETS
    if was_over or not has_acted:
        return
    step = flow.steps[flow.start if before is None else before.step]
    if before is None or before.exchanges == 0:
        yield "begun", step.name, 0
    has_helped = action.choice != DONE or step.articles is not None or step.answer is not None
    if after.step == HUMAN:
        yield "human", step.name, after.exchanges
    elif after.step == DONE and has_helped:
        yield "resolved", step.name, after.exchanges


def _with_hours(state: AppState, extras: Extras) -> Extras:
    hours, now = state.settings.office_hours, state.now()
    if hours is None or hours.is_open(now):
        return extras
    return replace(extras, is_online=False, opens_at=hours.next_opening(now))


def _with_extras(
    state: AppState, app: Flask, flow: Flow, after: State, output: Output, locale: str | None
) -> tuple[State, Output, Extras]:
    """What a step needs of the app: articles, or an answer with its sources. Without that it leads to a human."""
    extras = Extras(wait_s=_wait_s(flow, after, output))
    if output.articles is not None:
        results = search(state, app, flow.text(output.articles, locale), locale)
        extras = replace(extras, articles=_suggestions(results))
    elif output.answer is not None:
        question = after.words or handoff(flow, after, locale)["path"]
        results = search(state, app, question, locale)
        answer = _ask(state, app, output.answer, question, results)
        if answer is None:
            return (*to_human(after, "answer"), extras)
        extras = replace(extras, articles=_suggestions(answer[1]), answer=answer[0])
    paths = (*(article.path for article in extras.articles), *after.seen)
    return replace(after, seen=tuple(seen_within_limit(tuple(dict.fromkeys(paths))))), output, extras


def _wait_s(flow: Flow, after: State, output: Output) -> int:
    """How long the panel waits for the reply to the next step: longer where an answer of the app's may come."""
    targets = flow.steps[after.step].targets() if output.end is None else ()
    is_slow = any(target in flow.steps and flow.steps[target].answer for target in targets)
    return WAIT_S + int(answers.MAX_ANSWER_S) if is_slow else WAIT_S


def _ask(
    state: AppState, app: Flask, name: str, question: str, articles: Sequence[Any]
) -> tuple[str, list[Any]] | None:
    """An answer and the articles that it rests on. None if it fails, is late, or has a source that it was not given."""

    def call() -> Any:
        with app.app_context():
            return app.ensure_sync(state.callbacks.answers[name])(question, list(articles))

    try:
        answer = answers.within(answers.MAX_ANSWER_S, call)
        sources = answers.sources_of(answer, articles)
    except Exception as error:
        app.logger.error("livechat: the answer %s failed with %s; a human takes over.", name, what_failed(error))
        return None
    if answer is not None and not sources:
        app.logger.error("livechat: the answer %s has no source, or one that it was not given.", name)
    return (answer.text, sources) if sources else None


def _suggestions(results: Sequence[Any]) -> list[Suggestion]:
    return [Suggestion(item.path, item.title, item.url or "", getattr(item, "excerpt", "")) for item in results]


@dataclass(frozen=True, slots=True)
class Checked:
    """What is proven of each flow, and what is wrong with those and with all others."""

    proofs: Mapping[str, Proof]
    problems: tuple[Problem, ...]


def check_all(state: AppState, app: Flask) -> Checked:
    """Check all flows, and the rules that name one."""
    loaded, proofs = _read(state, app), dict[str, Proof]()
    problems = [*loaded.problems]
    for name, flow in loaded.by_name.items():
        proofs[name], wrong = check(flow, policy(state), state.callbacks.answers)
        problems += wrong
    rules = (*state.settings.rules, *state.callbacks.blueprint_rules.values())
    for rule in rules:
        wanted = rule.what.get("flow")
        if wanted is not None and wanted not in proofs:
            known = ", ".join(proofs) or "none"
            what = f"flow={wanted!r} is not a valid flow"
            problems.append(Problem(rule.source, None, what, f"The valid flows are: {known}."))
    return Checked(proofs, tuple(problems))

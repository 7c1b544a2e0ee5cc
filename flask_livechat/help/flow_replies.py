"""What the help panel gets for each step, as JSON. Here the human is added: no step can leave it out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .flow_handoff import handoff
from .flow_texts import text
from .flows import Flow, Output, State, write_state

WAIT_S = 4  # for a reply; then the panel opens the chat
MAX_ANSWER_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An article as the panel shows it. ``path`` is what agents see of it."""

    path: str
    title: str
    url: str
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Extras:
    """What the engine leaves to others: articles, an answer and whether somebody is there."""

    articles: Sequence[Suggestion] = ()
    answer: str | None = None
    is_online: bool = True
    opens_at: datetime | None = None
    wait_s: int = WAIT_S  # until the reply to the next step must be there


NOTHING = Extras()


def render(flow: Flow, state: State, output: Output, locale: str | None, extras: Extras = NOTHING) -> dict[str, Any]:
    """The reply to one step, with the offer of a human and all that this one would need."""
    choices = [(flow.text(choice.label, locale), number) for number, choice in enumerate(output.choices)]
    if output.goes_on:
        choices = [(text("other", locale), 0)]
    return {
        "state": write_state(flow, state),
        "say": " ".join(part for part in _sentences(flow, output, locale, extras) if part),
        "choices": [{"label": label, "choice": number} for label, number in choices],
        "ask": output.ask,
        "answer": extras.answer and extras.answer[:MAX_ANSWER_CHARS],
        "articles": [{"title": item.title, "url": item.url, "excerpt": item.excerpt} for item in extras.articles],
        "human": text("human" if extras.is_online else "message", locale),
        "opens_at": extras.opens_at and extras.opens_at.isoformat(),
        "done": output.done and text(output.done, locale),
        "end": output.end,
        "why": output.why,
        "handoff": handoff(flow, state, locale),
        "wait_s": extras.wait_s,
    }


def _sentences(flow: Flow, output: Output, locale: str | None, extras: Extras) -> list[str]:
    note = text(output.note, locale) if output.note else ""
    say = flow.text(output.say, locale)
    if output.articles is not None and not extras.articles:
        say = text("nothing", locale)
    return [note, say or (text("articles", locale) if extras.articles and not extras.answer else "")]

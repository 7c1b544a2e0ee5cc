"""Answers of an app's own, such as a language model's: within a time, with their sources, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import BoundedSemaphore
from typing import Any, TypeVar

from ..limits import result_within
from ..model import Answer

T = TypeVar("T")
MAX_ANSWER_S = 8.0
MAX_RUNNING = 8  # answers of a process that are waited for, the late ones too
_running = BoundedSemaphore(MAX_RUNNING)


def within(seconds: float, call: Callable[[], T]) -> T:
    """Return what a call returns, or raise what it raises. Raise ``TimeoutError`` if it is late, or too many run."""
    if not _running.acquire(blocking=False):
        raise TimeoutError("too many answers are waited for")

    def run() -> T:
        try:
            return call()
        finally:
            _running.release()

    return result_within(seconds, run, "flask-livechat answer")


def sources_of(answer: Any, articles: Sequence[Any]) -> list[Any]:
    """The articles that an answer rests on. Empty where it is not to be shown: without one, or with one of its own."""
    if not isinstance(answer, Answer) or not isinstance(answer.text, str) or not answer.text.strip():
        return []
    given = {article.path: article for article in articles}
    paths = [source if isinstance(source, str) else getattr(source, "path", None) for source in answer.sources]
    return [given[path] for path in dict.fromkeys(paths)] if set(paths) <= given.keys() else []

"""Answers of an app's own, such as a language model's: within a time, with their sources, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Thread
from typing import Any, TypeVar

from ..model import Answer

T = TypeVar("T")
MAX_ANSWER_S = 8.0
MAX_RUNNING = 8  # answers of a process that are waited for, the late ones too
_running = BoundedSemaphore(MAX_RUNNING)


def within(seconds: float, call: Callable[[], T]) -> T:
    """What a call returns, or raises. ``TimeoutError`` if it takes longer, or too many run: it may end unheard."""
    if not _running.acquire(blocking=False):
        raise TimeoutError("too many answers are waited for")
    outcome: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            outcome.put((call(), None))
        except BaseException as error:  # handed on; sys.exit() would end this thread without a word
            outcome.put((None, error))
        finally:
            _running.release()

    Thread(target=run, name="flask-livechat answer", daemon=True).start()
    try:
        value, error = outcome.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if error is not None:
        raise error if isinstance(error, Exception) else RuntimeError(type(error).__name__)
    return value  # type: ignore[return-value]  # there was no error


def sources_of(answer: Any, articles: Sequence[Any]) -> list[Any]:
    """The articles that an answer rests on. Empty where it is not to be shown: without one, or with one of its own."""
    if not isinstance(answer, Answer) or not isinstance(answer.text, str) or not answer.text.strip():
        return []
    given = {article.path: article for article in articles}
    paths = [source if isinstance(source, str) else getattr(source, "path", None) for source in answer.sources]
    return [given[path] for path in dict.fromkeys(paths)] if set(paths) <= given.keys() else []

"""How far the doctor goes, and what it does not let through meanwhile."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import TypeVar

from flask.logging import default_handler

T = TypeVar("T")
THREAD = "flask-livechat doctor"


@dataclass(frozen=True, slots=True)
class Limits:
    """How far the doctor goes."""

    pages: int = 500
    seconds: float = 5.0  # for one page
    size: int = 2_000_000  # bytes of a page or a file
    files: int = 5_000


def within(seconds: float, call: Callable[[], T]) -> T:
    """The result, what it raises, or ``TimeoutError``: then its thread is left behind, and ends with the process."""
    results: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(call())
        except Exception as error:  # handed on
            errors.append(error)
        except BaseException as error:  # sys.exit() in a view ends a server's thread, not the doctor
            errors.append(RuntimeError(type(error).__name__))

    thread = threading.Thread(target=run, name=THREAD, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError
    return results[0]


@contextmanager
def silence() -> Iterator[None]:
    """What the app logs meanwhile would stand between the findings; they say it better."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with redirect_stdout(sys.stderr):  # what is printed would stand within the report
            yield
    finally:
        if any(thread.name == THREAD for thread in threading.enumerate()):
            _silence_threads_left_behind()
        logging.disable(before)


def _silence_threads_left_behind() -> None:
    """A page that took too long goes on meanwhile, and what it logs late would be printed or mailed."""
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    handlers = {handler for logger in loggers for handler in getattr(logger, "handlers", ())}
    for handler in {*handlers, default_handler, logging.lastResort} - {None}:
        handler.addFilter(_is_of_another_thread)


def _is_of_another_thread(record: logging.LogRecord) -> bool:
    return record.threadName != THREAD

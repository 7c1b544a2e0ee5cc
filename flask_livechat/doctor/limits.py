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

from ..limits import result_within

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
    """Return what a call returns in a thread of the doctor's. Raise what it raises, or ``TimeoutError``."""
    return result_within(seconds, call, THREAD)


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
            # A page that took too long goes on meanwhile, and what it logs late would be printed or mailed.
            loggers = [logging.root, *logging.root.manager.loggerDict.values()]
            handlers = {handler for logger in loggers for handler in getattr(logger, "handlers", ())}
            for handler in {*handlers, default_handler, logging.lastResort} - {None}:
                handler.addFilter(_is_of_another_thread)
        logging.disable(before)


def _is_of_another_thread(record: logging.LogRecord) -> bool:
    return record.threadName != THREAD

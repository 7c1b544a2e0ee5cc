"""The right to apply: one process has it at a time, on both databases, and it ends with whatever ends the process."""

from __future__ import annotations

import threading
import time

import pytest

from flask_livechat.desk import article_rows
from flask_livechat.desk.article_rows import ArticleRows
from flask_livechat.desk.store import Store
from flask_livechat.errors import LiveChatError


class Killed(BaseException):
    """The process ended."""


def test_a_second_apply_says_that_another_one_is_going_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(article_rows, "WAIT_S", 0.1)
    rows = ArticleRows(store, "crisp")
    with rows.alone(), pytest.raises(LiveChatError, match="Another apply is going on"), rows.alone():
        pass
    with rows.alone():
        pass


def test_a_second_apply_waits_for_a_first_one_that_ends_soon(store: Store) -> None:
    rows, has_begun = ArticleRows(store, "crisp"), threading.Event()

    def hold() -> None:
        with rows.alone():
            has_begun.set()
            time.sleep(0.5)

    first = threading.Thread(target=hold)
    first.start()
    assert has_begun.wait(5)
    with rows.alone():
        pass
    first.join()


@pytest.mark.parametrize("error", [LiveChatError("The vendor refuses."), Killed()])
def test_the_right_to_apply_ends_with_an_error(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(article_rows, "WAIT_S", 0.1)
    rows = ArticleRows(store, "crisp")
    with pytest.raises(type(error)), rows.alone():
        raise error
    with store.engine.connect(), rows.alone():  # another connection than the one that had it
        pass


def test_an_error_within_an_apply_is_told_as_it_is(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), ArticleRows(store, "crisp").alone():
        raise ZeroDivisionError

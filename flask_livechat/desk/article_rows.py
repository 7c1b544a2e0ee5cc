"""What of the app's articles is at a vendor: the rows of one provider, and the right to change what is there."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ..errors import LiveChatError
from .store import Store
from .tables import articles

WAIT_S = 3.0  # for another apply
LOCK = 0x6C697661  # PostgreSQL's advisory lock of an apply


class ArticleRows:
    """The rows of one provider. Each change is a transaction of its own: a killed process leaves what it had done."""

    def __init__(self, store: Store, provider: str) -> None:
        self._store, self._provider = store, provider

    def all(self) -> list[Mapping[str, Any]]:
        """Return all rows: path, locale, remote, source, theirs, url, at."""
        query = sa.select(articles).where(articles.c.provider == self._provider)
        try:
            with self._store.engine.connect().execution_options(livechat_reads=True) as connection:
                return [dict(row) for row in connection.execute(query).mappings()]
        except (sa.exc.OperationalError, sa.exc.ProgrammingError):  # whose text may hold an address
            what = "The database does not answer, or has no table livechat_articles"
            raise LiveChatError(f"{what}. Run flask livechat db upgrade.") from None

    def put(self, path: str, locale: str, remote: str, source: str, theirs: str, url: str | None, at: datetime) -> None:
        """Write a row, in the place of an older one of that path and language."""
        values = {"remote": remote, "source": source, "theirs": theirs, "url": url, "at": at}
        key = {"provider": self._provider, "path": path, "locale": locale}
        new = self._store.insert(articles).values(**key, **values)
        with self._store.engine.begin() as connection:
            connection.execute(new.on_conflict_do_update(index_elements=list(key), set_=values))

    def drop(self, path: str, locale: str) -> None:
        """Delete a row."""
        which = (articles.c.provider == self._provider, articles.c.path == path, articles.c.locale == locale)
        with self._store.engine.begin() as connection:
            connection.execute(sa.delete(articles).where(*which))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the right to apply, which ends with the process. Raise ``LiveChatError`` where another one has it."""
        busy = LiveChatError("Another apply is going on. Run this again when it has ended.")
        if not self._store.is_sqlite:
            with self._store.engine.connect() as connection:
                until = time.monotonic() + WAIT_S
                while not connection.execute(sa.select(sa.func.pg_try_advisory_lock(LOCK))).scalar():
                    if time.monotonic() > until:
                        raise busy
                    time.sleep(0.1)
                connection.commit()  # the lock is the connection's, not the transaction's
                try:
                    yield
                finally:
                    connection.invalidate()  # the pool would keep it open, and the lock with it
            return
        database = self._store.engine.url.database
        is_file = database and not database.startswith((":", "file:"))
        # A second database beside ours, whose lock the system takes back when a process ends.
        with closing(sqlite3.connect(f"{database}-apply" if is_file else ":memory:", timeout=WAIT_S)) as connection:
            try:
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                raise busy from None
            yield

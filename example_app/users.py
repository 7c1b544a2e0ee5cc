"""The people who can sign in, in SQLite."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, cast

from flask import current_app
from werkzeug.security import check_password_hash, generate_password_hash

DEMO_PASSWORD = "demo"  # noqa: S105 - the login page shows it to everybody  # nosec B105

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    plan TEXT NOT NULL,
    seats INTEGER NOT NULL,
    company_id TEXT NOT NULL,
    company_name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    password_hash TEXT NOT NULL
)
"""
SELECT = "SELECT id, email, name, role, plan, seats, company_id, company_name, created_at FROM users "


@dataclass(frozen=True)
class User:
    """One account. The four ``is_…``/``get_id`` members are what flask-login asks for."""

    id: str
    email: str
    name: str
    role: str
    plan: str
    seats: int
    company_id: str
    company_name: str
    created_at: datetime

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        """What flask-login keeps in the session."""
        return self.id

    @property
    def is_staff(self) -> bool:
        """Whether this account may look at the site as somebody else."""
        return self.role == "staff"


DEMO_USERS = (
    User("u-1001", "grower@example.com", "Demo Grower", "customer", "pro", 12, "c-201", "Riverside Nursery",
         datetime(2026, 3, 2, 8, 30, tzinfo=UTC)),
    User("u-1002", "starter@example.com", "Demo Starter", "customer", "starter", 2, "c-202", "Corner Greenhouse",
         datetime(2026, 9, 14, 15, 5, tzinfo=UTC)),
    User("u-9001", "staff@example.com", "Demo Staff", "staff", "staff", 1, "c-100", "Pottingshed",
         datetime(2025, 1, 7, 9, 0, tzinfo=UTC)),
)  # fmt: skip


class Users:
    """The users table. Every call opens its own connection: SQLite makes that cheap, and threads stay apart."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> None:
        """Make the table and the demo users where they are missing."""
        with closing(sqlite3.connect(self.path)) as db, db:
            db.execute(SCHEMA)
            known = {row[0] for row in db.execute("SELECT id FROM users")}
            missing = [as_row(user) for user in DEMO_USERS if user.id not in known]
            db.executemany("INSERT OR IGNORE INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", missing)

    def get(self, id: str) -> User | None:
        """The user with this id, if there is one."""
        rows = self._read(SELECT + "WHERE id = ?", id)
        return rows[0] if rows else None

    def all(self) -> list[User]:
        """Everybody, customers first."""
        return self._read(SELECT + "ORDER BY role, id")

    def check(self, email: str, password: str) -> User | None:
        """The user who has this email and password."""
        email = email.strip().lower()
        with closing(sqlite3.connect(self.path)) as db:
            row = db.execute("SELECT id, password_hash FROM users WHERE email = ?", (email,)).fetchone()
        if row is None or not check_password_hash(row[1], password):
            return None
        return self.get(row[0])

    def _read(self, query: str, *values: str) -> list[User]:
        with closing(sqlite3.connect(self.path)) as db:
            db.row_factory = sqlite3.Row
            return [as_user(dict(row)) for row in db.execute(query, values)]


def as_user(row: dict[str, Any]) -> User:
    """A row of the table as a user."""
    return User(**{**row, "created_at": datetime.fromtimestamp(row["created_at"], UTC)})


def as_row(user: User) -> tuple[str | int, ...]:
    """A demo user as the table keeps them."""
    return (user.id, user.email, user.name, user.role, user.plan, user.seats, user.company_id, user.company_name,
            int(user.created_at.timestamp()), demo_hash())  # fmt: skip


@cache
def demo_hash() -> str:
    """The hash of the password that everybody of the demo has. It is slow by design, so it is made once."""
    return generate_password_hash(DEMO_PASSWORD)


def users() -> Users:
    """The current app's users."""
    return cast(Users, current_app.extensions["example_app.users"])

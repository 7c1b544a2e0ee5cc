"""The tables: what came in, and what is to be done about it. An app's own Alembic may include ``metadata``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware moment, in UTC, on databases that know time zones and on SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if not isinstance(value, datetime):
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


events = sa.Table(
    "livechat_events",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
    sa.Column("provider", sa.String(32), nullable=False),
    sa.Column("key", sa.String(64), nullable=False, comment="digest of the event's id: the same event has the same"),
    sa.Column("event", sa.Text, nullable=False, comment="the event's id"),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("conversation", sa.Text),
    sa.Column("visitor", sa.Text),
    sa.Column("email", sa.Text),
    sa.Column("author", sa.String(16)),
    sa.Column("text", sa.Text),
    sa.Column("rating", sa.Integer),
    sa.Column("best", sa.Integer),
    sa.Column("tags", sa.Text, comment="a JSON list; null where the event says nothing of them"),
    sa.Column("raw", sa.Text, nullable=False, comment="the vendor's own JSON"),
    sa.Column("state", sa.String(8), nullable=False, comment="pending, done or failed"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("due_at", Instant, nullable=False, comment="when it may be handled, or handled again"),
    sa.Column("error", sa.Text, comment="the type of the last error"),
    sa.UniqueConstraint("provider", "key", name="livechat_events_once"),
    sa.Index("livechat_events_due", "state", "due_at"),
    sa.Index("livechat_events_conversation", "provider", "conversation"),
    sa.Index("livechat_events_received", "received_at"),
)

"""What came in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flask_livechat.desk.tables import Instant

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "livechat_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("provider", sa.String(32), nullable=False),
        sa.Column(
            "key", sa.String(64), nullable=False, comment="digest of the event's id: the same event has the same"
        ),
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
    )
    op.create_index("livechat_events_due", "livechat_events", ["state", "due_at"])
    op.create_index("livechat_events_conversation", "livechat_events", ["provider", "conversation"])
    op.create_index("livechat_events_received", "livechat_events", ["received_at"])


def downgrade() -> None:
    op.drop_table("livechat_events")

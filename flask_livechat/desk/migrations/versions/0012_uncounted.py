"""What the inbox finds by an index: events that no worker has come to yet, and conversations by their last words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make both. That of events is mostly empty: what earlier versions have handled is counted."""
    op.execute("UPDATE livechat_events SET counted = 'yes' WHERE counted IS NULL AND state <> 'pending'")
    where, columns = sa.text("counted IS NULL AND conversation IS NOT NULL"), ["provider", "conversation", "at"]
    op.create_index(
        "livechat_events_uncounted",
        "livechat_events",
        columns,
        sqlite_where=where,
        postgresql_where=where,
    )
    op.create_index("livechat_conversations_last", "livechat_conversations", ["last_at"])


def downgrade() -> None:
    """Take them away again."""
    op.drop_index("livechat_conversations_last", "livechat_conversations")
    op.drop_index("livechat_events_uncounted", "livechat_events")

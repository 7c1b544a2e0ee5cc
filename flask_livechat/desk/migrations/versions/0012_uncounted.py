"""Events that no worker has come to yet, so that the inbox finds all of them, however many others there are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make an index that is mostly empty."""
    where, columns = sa.text("counted IS NULL AND conversation IS NOT NULL"), ["provider", "conversation", "at"]
    op.create_index("livechat_events_uncounted", "livechat_events", columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Take it away again."""
    op.drop_index("livechat_events_uncounted", "livechat_events")

"""Who has an event, whether it is counted, and how far a long conversation has been: so that one more costs little."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

INDEX, TABLE = "livechat_events_conversation", "livechat_events"


def upgrade() -> None:
    owner = sa.Column("owner", sa.String(16), comment="which batch of which worker has it, until due_at")
    comment = "yes, or failed where its conversation cannot be; null until then"
    op.add_column(TABLE, owner)
    op.add_column(TABLE, sa.Column("counted", sa.String(8), comment=comment))
    comment = "JSON: a long one until some messages ago; nobody is named in it"
    op.add_column("livechat_conversations", sa.Column("progress", sa.Text(), comment=comment))
    op.drop_index(INDEX, table_name=TABLE)
    op.create_index(INDEX, TABLE, ["provider", "conversation", "at"])


def downgrade() -> None:
    op.drop_index(INDEX, table_name=TABLE)
    op.create_index(INDEX, TABLE, ["provider", "conversation", "received_at"])
    op.drop_column("livechat_conversations", "progress")
    op.drop_column(TABLE, "counted")
    op.drop_column(TABLE, "owner")

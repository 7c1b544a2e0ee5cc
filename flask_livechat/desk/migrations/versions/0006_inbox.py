"""Who waits since when, and who handles a conversation: what the inbox lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flask_livechat.desk.tables import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CONVERSATIONS, HANDLING = "livechat_conversations", "livechat_handling"
# Of what is open: the visitor's first words since an agent's last. What was closed in between is not looked at: the
# next event of a conversation makes it exact.
WAITING = """
UPDATE livechat_conversations SET asked_at = (
    SELECT min(v.at) FROM livechat_events v
    WHERE v.provider = livechat_conversations.provider AND v.conversation = livechat_conversations.conversation
    AND v.kind IN ('message', 'conversation_started') AND v.author = 'visitor'
    AND NOT EXISTS (
        SELECT 1 FROM livechat_events a
        WHERE a.provider = v.provider AND a.conversation = v.conversation AND a.at >= v.at
        AND a.kind IN ('message', 'conversation_started') AND a.author = 'agent'
    )
) WHERE state = 'open'
"""


def upgrade() -> None:
    op.add_column(CONVERSATIONS, sa.Column("asked_at", Instant, comment="since when the visitor waits for an agent"))
    op.create_index("livechat_conversations_state", CONVERSATIONS, ["state", "last_at"])
    op.create_index("livechat_conversations_asked", CONVERSATIONS, ["asked_at"])
    op.create_table(
        HANDLING,
        sa.Column("conversation", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agent", sa.Text(), comment="the vendor's id of whom it is assigned to"),
        sa.Column("agent_name", sa.Text()),
        sa.Column("snoozed_until", Instant),
        sa.Column("verified", sa.Boolean(), comment="whether the vendor vouches for the visitor"),
        sa.Column("at", Instant, comment="of the event that said so"),
        sa.Column("answering_until", Instant, comment="while somebody's reply is on its way to the vendor"),
        sa.Column("changed_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["conversation"], ["livechat_conversations.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("conversation"),
    )
    op.create_index("livechat_handling_agent", HANDLING, ["agent"])
    op.create_index("livechat_handling_snoozed", HANDLING, ["snoozed_until"])
    op.create_index("livechat_handling_changed", HANDLING, ["changed_at"])
    op.execute(WAITING)


def downgrade() -> None:
    op.drop_table(HANDLING)
    op.drop_index("livechat_conversations_asked", CONVERSATIONS)
    op.drop_index("livechat_conversations_state", CONVERSATIONS)
    op.drop_column(CONVERSATIONS, "asked_at")

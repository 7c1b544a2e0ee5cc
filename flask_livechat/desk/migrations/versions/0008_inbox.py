"""Who waits since when, and who handles a conversation: what the inbox lists.

``asked_at`` is made of a conversation's events, as all of its row is. ``livechat_handling`` has what vendors tell
beside them, and what our own page has changed. It names agents, and never a visitor.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flask_livechat.desk.tables import Instant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what the inbox needs, and find out who waits now."""
    op.add_column(
        "livechat_conversations", sa.Column("asked_at", Instant, comment="since when the visitor waits for an agent")
    )
    op.create_index("livechat_conversations_state", "livechat_conversations", ["state", "last_at"])
    op.create_index("livechat_conversations_asked", "livechat_conversations", ["asked_at"])
    op.create_table(
        "livechat_handling",
        sa.Column("conversation", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "agent",
            sa.Text(),
            comment="whom it is assigned to: the vendor's id of an agent, or team: and that of a team",
        ),
        sa.Column("agent_name", sa.Text()),
        sa.Column("snoozed_until", Instant),
        sa.Column("verified", sa.Boolean(), comment="whether the vendor vouches for the visitor"),
        sa.Column("at", Instant, comment="of the event that said so"),
        sa.Column("answering_until", Instant, comment="while somebody's reply is on its way to the vendor"),
        sa.Column("changed_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["conversation"], ["livechat_conversations.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("conversation"),
    )
    op.create_index("livechat_handling_agent", "livechat_handling", ["agent"])
    op.create_index("livechat_handling_snoozed", "livechat_handling", ["snoozed_until"])
    op.create_index("livechat_handling_changed", "livechat_handling", ["changed_at"])
    # Of what is open: the visitor's first words since an agent's last. What was closed in between is not looked at: the
    # next event of a conversation makes it exact.
    op.execute(
        """
        UPDATE livechat_conversations SET asked_at = (
            SELECT min(v.at) FROM livechat_events v
            WHERE v.provider = livechat_conversations.provider
            AND v.conversation = livechat_conversations.conversation
            AND v.kind IN ('message', 'conversation_started')
            AND v.author = 'visitor'
            AND NOT EXISTS (
                SELECT 1 FROM livechat_events a
                WHERE a.provider = v.provider
                AND a.conversation = v.conversation
                AND a.at >= v.at
                AND a.kind IN ('message', 'conversation_started')
                AND a.author = 'agent'
            )
        )
        WHERE state = 'open'
        """
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("livechat_handling")
    op.drop_index("livechat_conversations_asked", "livechat_conversations")
    op.drop_index("livechat_conversations_state", "livechat_conversations")
    op.drop_column("livechat_conversations", "asked_at")

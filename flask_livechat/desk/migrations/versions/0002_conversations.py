"""What events come to: conversations, their episodes, tags and contacts; and what browsers report of nobody."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flask_livechat.desk.tables import Instant

revision = "0002"
down_revision = "0001"


def upgrade() -> None:

    op.create_table(
        "livechat_contacts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("visitor", sa.Text(), nullable=False, comment="your id; empty where the vendor has none"),
        sa.Column("email", sa.Text(), nullable=False, comment="in lower case; empty where it is not known"),
        sa.Column("first_at", Instant, nullable=False),
        sa.Column("last_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("provider", "visitor", "email", name="livechat_contacts_once"),
    )
    op.create_index("livechat_contacts_email", "livechat_contacts", ["email"], unique=False)
    op.create_index("livechat_contacts_visitor", "livechat_contacts", ["visitor"], unique=False)
    op.create_table(
        "livechat_conversations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column(
            "conversation", sa.Text(), nullable=True, comment="the vendor's id; null once the person is forgotten"
        ),
        sa.Column("visitor", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True, comment="in lower case"),
        sa.Column("state", sa.String(length=8), server_default="open", nullable=False, comment="open or closed"),
        sa.Column("tags", sa.Text(), server_default="[]", nullable=False, comment="a JSON list: those of now"),
        sa.Column("first_at", Instant, nullable=True),
        sa.Column("last_at", Instant, nullable=True),
        sa.Column("spoke_at", Instant, nullable=True, comment="the visitor's last message"),
        sa.Column("changed_at", Instant, nullable=True, comment="when this row was written: exports go on from there"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("provider", "conversation", name="livechat_conversations_once"),
    )
    op.create_index("livechat_conversations_changed", "livechat_conversations", ["changed_at", "id"], unique=False)
    op.create_index("livechat_conversations_email", "livechat_conversations", ["email"], unique=False)
    op.create_index("livechat_conversations_visitor", "livechat_conversations", ["visitor"], unique=False)
    op.create_table(
        "livechat_counts",
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column(
            "what", sa.String(length=8), nullable=False, comment="open, up or down: what browsers report, of nobody"
        ),
        sa.Column("quarter", Instant, nullable=False, comment="the beginning of its quarter of an hour"),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "what", "quarter"),
    )
    op.create_table(
        "livechat_seen",
        sa.Column("visitor", sa.Text(), nullable=False),
        sa.Column("at", Instant, nullable=False, comment="when they last had the chat open"),
        sa.PrimaryKeyConstraint("visitor"),
    )
    op.create_table(
        "livechat_episodes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("conversation", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("started_at", Instant, nullable=True, comment="the visitor's first message"),
        sa.Column("answered_at", Instant, nullable=True, comment="the first reply by a human agent"),
        sa.Column("closed_at", Instant, nullable=True),
        sa.Column("closed_by", sa.String(length=16), nullable=True, comment="agent, bot or nobody"),
        sa.Column("rated_at", Instant, nullable=True),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("best", sa.Integer(), nullable=True),
        sa.Column("response", sa.Float(), nullable=True, comment="seconds, wall clock"),
        sa.Column(
            "response_office", sa.Float(), nullable=True, comment="seconds within office hours; null without any"
        ),
        sa.Column("resolution", sa.Float(), nullable=True, comment="seconds, wall clock"),
        sa.Column(
            "resolution_office", sa.Float(), nullable=True, comment="seconds within office hours; null without any"
        ),
        sa.ForeignKeyConstraint(["conversation"], ["livechat_conversations.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("livechat_episodes_answered", "livechat_episodes", ["answered_at"], unique=False)
    op.create_index("livechat_episodes_closed", "livechat_episodes", ["closed_at"], unique=False)
    op.create_index("livechat_episodes_conversation", "livechat_episodes", ["conversation"], unique=False)
    op.create_index("livechat_episodes_rated", "livechat_episodes", ["rated_at"], unique=False)
    op.create_index("livechat_episodes_started", "livechat_episodes", ["started_at"], unique=False)
    op.create_table(
        "livechat_tags",
        sa.Column("episode", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["episode"], ["livechat_episodes.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("episode", "tag"),
    )
    op.create_index("livechat_tags_tag", "livechat_tags", ["tag"], unique=False)
    op.drop_index("livechat_events_conversation", table_name="livechat_events")
    op.create_index("livechat_events_conversation", "livechat_events", ["provider", "conversation", "received_at"])
    op.create_index("livechat_events_email", "livechat_events", ["email"], unique=False)
    op.create_index("livechat_events_visitor", "livechat_events", ["visitor"], unique=False)


def downgrade() -> None:
    op.drop_index("livechat_events_conversation", table_name="livechat_events")
    op.create_index("livechat_events_conversation", "livechat_events", ["provider", "conversation"])
    op.drop_index("livechat_events_visitor", table_name="livechat_events")
    op.drop_index("livechat_events_email", table_name="livechat_events")
    op.drop_table("livechat_tags")
    op.drop_table("livechat_episodes")
    op.drop_table("livechat_seen")
    op.drop_table("livechat_counts")
    op.drop_table("livechat_conversations")
    op.drop_table("livechat_contacts")

"""What of the app's articles is at which vendor, so that a change here is told from one over there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "livechat_articles",
        sa.Column("provider", sa.String(32), primary_key=True),
        sa.Column(
            "path",
            sa.String(255),
            primary_key=True,
            comment="in the folder: billing/card-declined",
        ),
        sa.Column("locale", sa.String(32), primary_key=True),
        sa.Column(
            "remote",
            sa.Text,
            nullable=False,
            comment="the vendor's id; empty while it is being made",
        ),
        sa.Column(
            "source",
            sa.String(64),
            nullable=False,
            comment="digest of what we sent; empty while we write",
        ),
        sa.Column(
            "theirs",
            sa.String(64),
            nullable=False,
            comment="digest of what the vendor gave back right after",
        ),
        sa.Column("url", sa.Text, comment="where visitors read it"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when we wrote it"),
    )


def downgrade() -> None:
    op.drop_table("livechat_articles")

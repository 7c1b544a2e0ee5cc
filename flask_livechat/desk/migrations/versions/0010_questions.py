"""The questions that no article answered, counted by the day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "livechat_questions",
        sa.Column("provider", sa.String(32), primary_key=True),
        sa.Column("day", sa.DateTime(timezone=True), primary_key=True, comment="its beginning"),
        sa.Column("locale", sa.String(32), primary_key=True),
        sa.Column("words", sa.Text, primary_key=True, comment="the stems; empty for all beyond the limit of a day"),
        sa.Column("text", sa.Text, primary_key=True, comment="the question itself; empty unless texts are stored"),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.create_index("livechat_questions_day", "livechat_questions", ["day"])


def downgrade() -> None:
    op.drop_table("livechat_questions")

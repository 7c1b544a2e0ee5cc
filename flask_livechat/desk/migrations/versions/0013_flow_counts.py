"""How often flows begin, resolve something, and hand over: counted without the visitor."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flask_livechat.desk.tables import Instant

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "livechat_flow_counts",
        sa.Column("provider", sa.String(32), primary_key=True),
        sa.Column("flow", sa.String(40), primary_key=True),
        sa.Column("what", sa.String(8), primary_key=True, comment="begun, resolved or human; without the visitor"),
        sa.Column("step", sa.String(40), primary_key=True, comment="empty where the flow was changed meanwhile"),
        sa.Column("exchanges", sa.Integer, primary_key=True, comment="how many there were until then"),
        sa.Column("quarter", Instant, primary_key=True, comment="the beginning of its quarter of an hour"),
        sa.Column("count", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("livechat_flow_counts")

"""What flows have handed over, until agents have it as a note; and how often they do what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flask_livechat.desk.tables import Instant

revision = "0011"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "livechat_handoffs",
        sa.Column("provider", sa.String(32), primary_key=True),
        sa.Column("visitor", sa.Text, primary_key=True, comment="your id of them"),
        sa.Column("email", sa.Text, comment="in lower case"),
        sa.Column("note", sa.Text, nullable=False, comment="what was said in a flow; gone once agents have it"),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("event", sa.Text, comment="at which it failed: only the note is left to be done there"),
    )
    for name in ("at", "email", "visitor"):
        op.create_index(f"livechat_handoffs_{name}", "livechat_handoffs", [name])
    op.create_table(
        "livechat_flow_counts",
        sa.Column("provider", sa.String(32), primary_key=True),
        sa.Column("flow", sa.String(40), primary_key=True),
        sa.Column("what", sa.String(8), primary_key=True, comment="begun, resolved or human: of nobody"),
        sa.Column("step", sa.String(40), primary_key=True, comment="empty where the flow was changed meanwhile"),
        sa.Column("exchanges", sa.Integer, primary_key=True, comment="how many there were until then"),
        sa.Column("quarter", Instant, primary_key=True, comment="the beginning of its quarter of an hour"),
        sa.Column("count", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("livechat_flow_counts")
    op.drop_table("livechat_handoffs")

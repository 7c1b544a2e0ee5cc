"""What flows have handed over, until agents have it as a note."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flask_livechat.desk.tables import Instant

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "livechat_handoffs",
        sa.Column("provider", sa.String(32), primary_key=True),
        sa.Column("visitor", sa.Text, primary_key=True, comment="your id of them"),
        sa.Column("email", sa.Text, comment="in lower case"),
        sa.Column("note", sa.Text, nullable=False, comment="the transcript of a flow; deleted once agents have it"),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("event", sa.Text, comment="at which it failed: only the note is left to be done there"),
    )
    for name in ("at", "email", "visitor"):
        op.create_index(f"livechat_handoffs_{name}", "livechat_handoffs", [name])
    written = sa.Column("noting_until", Instant, comment="while a worker writes what a flow handed over")
    op.add_column("livechat_handling", written)


def downgrade() -> None:
    op.drop_column("livechat_handling", "noting_until")
    op.drop_table("livechat_handoffs")

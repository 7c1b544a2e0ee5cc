"""Everybody whom an event names, and the vendor's own order of what happened at one moment."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    sequence = sa.Column("sequence", sa.BigInteger, comment="the vendor's own order of what happened at one moment")
    op.add_column("livechat_events", sequence)
    op.create_table(
        "livechat_people",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("event", sa.BigInteger, nullable=False, comment="its row; whoever deletes that deletes these"),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("contact", sa.Text, nullable=True, comment="the vendor's id of somebody whom the event names"),
        sa.Column("visitor", sa.Text, nullable=True, comment="your id of them"),
        sa.Column("email", sa.Text, nullable=True, comment="in lower case"),
        sa.PrimaryKeyConstraint("id"),
    )
    for name, columns in (
        ("event", ["event"]),
        ("contact", ["provider", "contact"]),
        ("visitor", ["visitor"]),
        ("email", ["email"]),
    ):
        op.create_index(f"livechat_people_{name}", "livechat_people", columns, unique=False)


def downgrade() -> None:
    op.drop_table("livechat_people")
    op.drop_column("livechat_events", "sequence")

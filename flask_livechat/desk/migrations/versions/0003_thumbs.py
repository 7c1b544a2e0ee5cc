"""What a browser has given: a thumb is taken back once, by whoever holds its receipt."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flask_livechat.desk.tables import Instant

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "livechat_thumbs",
        sa.Column("receipt", sa.String(length=32), nullable=False, comment="random; the browser alone has it"),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("what", sa.String(length=8), nullable=False, comment="up or down"),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("receipt"),
    )
    op.create_index("livechat_thumbs_at", "livechat_thumbs", ["at"], unique=False)


def downgrade() -> None:
    op.drop_table("livechat_thumbs")

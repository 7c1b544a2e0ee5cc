"""With whom the team has begun a conversation within a day, so that all processes count together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flask_livechat.desk.tables import Instant

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "livechat_outreach",
        sa.Column("visitor", sa.Text(), nullable=False, comment="with whom the team has begun a conversation"),
        sa.Column("slot", sa.Integer(), nullable=False, comment="which of those that it may begin within a day"),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("visitor", "slot"),
    )
    op.create_index("livechat_outreach_at", "livechat_outreach", ["at"], unique=False)


def downgrade() -> None:
    op.drop_table("livechat_outreach")

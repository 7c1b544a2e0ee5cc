"""Up to which change a conversation was imported, so that whoever goes on with an import leaves it out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flask_livechat.desk.tables import Instant

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    comment = "the vendor's last change of it that was imported"
    op.add_column("livechat_conversations", sa.Column("imported_at", Instant(), comment=comment))


def downgrade() -> None:
    op.drop_column("livechat_conversations", "imported_at")

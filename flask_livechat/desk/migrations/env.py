"""Run by Alembic, on the connection that ``Store.upgrade`` hands over."""

from __future__ import annotations

from alembic import context

from flask_livechat.desk.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="livechat_version",  # beside the app's own
    transactional_ddl=False,  # the transaction is the caller's
)
context.run_migrations()

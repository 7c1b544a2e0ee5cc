"""The tables: what came in, and what it comes to. An app's own Alembic may include ``metadata``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware moment, in UTC, on databases that know time zones and on SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if not isinstance(value, datetime):
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


events = sa.Table(
    "livechat_events",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("provider", sa.String(32), nullable=False),
    sa.Column("key", sa.String(64), nullable=False, comment="digest of the event's id: the same event has the same"),
    sa.Column("event", sa.Text, nullable=False, comment="the event's id"),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("conversation", sa.Text),
    sa.Column("visitor", sa.Text),
    sa.Column("email", sa.Text),
    sa.Column("author", sa.String(16)),
    sa.Column("text", sa.Text),
    sa.Column("rating", sa.Integer),
    sa.Column("best", sa.Integer),
    sa.Column("tags", sa.Text, comment="a JSON list; null where the event says nothing of them"),
    sa.Column("raw", sa.Text, nullable=False, comment="the vendor's own JSON"),
    sa.Column("sequence", sa.BigInteger, comment="the vendor's own order of what happened at one moment"),
    sa.Column("state", sa.String(8), nullable=False, comment="pending, done or failed"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("due_at", Instant, nullable=False, comment="when it may be handled, or handled again"),
    sa.Column("error", sa.Text, comment="the type of the last error"),
    sa.Column("owner", sa.String(16), comment="which batch of which worker has it, until due_at"),
    sa.Column("counted", sa.String(8), comment="yes, or failed where its conversation cannot be; null until then"),
    sa.UniqueConstraint("provider", "key", name="livechat_events_once"),
    sa.Index("livechat_events_due", "state", "due_at"),
    sa.Index("livechat_events_conversation", "provider", "conversation", "at"),
    sa.Index("livechat_events_received", "received_at"),
    sa.Index("livechat_events_visitor", "visitor"),
    sa.Index("livechat_events_email", "email"),
)
# Events that no worker has come to yet: mostly there are none, and so the index of them is small.
UNCOUNTED = events.c.counted.is_(None) & events.c.conversation.is_not(None)
sa.Index(
    "livechat_events_uncounted",
    *(events.c.provider, events.c.conversation, events.c.at),
    sqlite_where=UNCOUNTED,
    postgresql_where=UNCOUNTED,
)

people = sa.Table(
    "livechat_people",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("event", sa.BigInteger, nullable=False, comment="its row; whoever deletes that deletes these"),
    sa.Column("provider", sa.String(32), nullable=False),
    sa.Column("contact", sa.Text, comment="the vendor's id of somebody whom the event names"),
    sa.Column("visitor", sa.Text, comment="your id of them"),
    sa.Column("email", sa.Text, comment="in lower case"),
    sa.Index("livechat_people_event", "event"),
    sa.Index("livechat_people_contact", "provider", "contact"),
    sa.Index("livechat_people_visitor", "visitor"),
    sa.Index("livechat_people_email", "email"),
)

# -- what events come to: `projections.py` keeps it up to date -------------------------------------------------------

conversations = sa.Table(
    "livechat_conversations",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("provider", sa.String(32), nullable=False),
    sa.Column("conversation", sa.Text, comment="the vendor's id; null once the person is forgotten"),
    sa.Column("visitor", sa.Text),
    sa.Column("email", sa.Text, comment="in lower case"),
    sa.Column("state", sa.String(8), nullable=False, server_default="open", comment="open or closed"),
    sa.Column("tags", sa.Text, nullable=False, server_default="[]", comment="a JSON list: those of now"),
    sa.Column("first_at", Instant),
    sa.Column("last_at", Instant),
    sa.Column("spoke_at", Instant, comment="the visitor's last message"),
    sa.Column("changed_at", Instant, comment="when this row was written: exports go on from there"),
    sa.Column("asked_at", Instant, comment="since when the visitor waits for an agent"),
    sa.Column("progress", sa.Text, comment="JSON: a long one until some messages ago; nobody is named in it"),
    sa.Column("imported_at", Instant, comment="the vendor's last change of it that was imported"),
    sa.UniqueConstraint("provider", "conversation", name="livechat_conversations_once"),
    sa.Index("livechat_conversations_visitor", "visitor"),
    sa.Index("livechat_conversations_email", "email"),
    sa.Index("livechat_conversations_changed", "changed_at", "id"),
    sa.Index("livechat_conversations_state", "state", "last_at"),
    sa.Index("livechat_conversations_asked", "asked_at"),
    sa.Index("livechat_conversations_last", "last_at"),
)

handling = sa.Table(
    "livechat_handling",
    metadata,
    sa.Column("conversation", ID, sa.ForeignKey("livechat_conversations.id", ondelete="CASCADE"), primary_key=True),
    sa.Column(
        "agent", sa.Text, comment="whom it is assigned to: the vendor's id of an agent, or team: and that of a team"
    ),
    sa.Column("agent_name", sa.Text),
    sa.Column("snoozed_until", Instant),
    sa.Column("verified", sa.Boolean, comment="whether the vendor vouches for the visitor"),
    sa.Column("at", Instant, comment="of the event that said so"),
    sa.Column("answering_until", Instant, comment="while somebody's reply is on its way to the vendor"),
    sa.Column("noting_until", Instant, comment="while a worker writes what a flow handed over"),
    sa.Column("changed_at", Instant, nullable=False),
    sa.Index("livechat_handling_agent", "agent"),
    sa.Index("livechat_handling_snoozed", "snoozed_until"),
    sa.Index("livechat_handling_changed", "changed_at"),
)

episodes = sa.Table(
    "livechat_episodes",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("conversation", ID, sa.ForeignKey("livechat_conversations.id", ondelete="CASCADE"), nullable=False),
    sa.Column("provider", sa.String(32), nullable=False),
    sa.Column("started_at", Instant, comment="the visitor's first message"),
    sa.Column("answered_at", Instant, comment="the first reply by a human agent"),
    sa.Column("closed_at", Instant),
    sa.Column("closed_by", sa.String(16), comment="agent, bot or nobody"),
    sa.Column("rated_at", Instant),
    sa.Column("rating", sa.Integer),
    sa.Column("best", sa.Integer),
    sa.Column("response", sa.Float, comment="seconds, wall clock"),
    sa.Column("response_office", sa.Float, comment="seconds within office hours; null without any"),
    sa.Column("resolution", sa.Float, comment="seconds, wall clock"),
    sa.Column("resolution_office", sa.Float, comment="seconds within office hours; null without any"),
    sa.Index("livechat_episodes_conversation", "conversation"),
    sa.Index("livechat_episodes_started", "started_at"),
    sa.Index("livechat_episodes_answered", "answered_at"),
    sa.Index("livechat_episodes_closed", "closed_at"),
    sa.Index("livechat_episodes_rated", "rated_at"),
)

tags = sa.Table(
    "livechat_tags",
    metadata,
    sa.Column("episode", ID, sa.ForeignKey("livechat_episodes.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tag", sa.Text, primary_key=True),
    sa.Index("livechat_tags_tag", "tag"),
)

contacts = sa.Table(
    "livechat_contacts",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("provider", sa.String(32), nullable=False),
    sa.Column("visitor", sa.Text, nullable=False, comment="your id; empty where the vendor has none"),
    sa.Column("email", sa.Text, nullable=False, comment="in lower case; empty where it is not known"),
    sa.Column("first_at", Instant, nullable=False),
    sa.Column("last_at", Instant, nullable=False),
    sa.UniqueConstraint("provider", "visitor", "email", name="livechat_contacts_once"),
    sa.Index("livechat_contacts_visitor", "visitor"),
    sa.Index("livechat_contacts_email", "email"),
)

counts = sa.Table(
    "livechat_counts",
    metadata,
    sa.Column("provider", sa.String(32), primary_key=True),
    sa.Column("what", sa.String(8), primary_key=True, comment="open, up or down: what browsers report, of nobody"),
    sa.Column("quarter", Instant, primary_key=True, comment="the beginning of its quarter of an hour"),
    sa.Column("count", sa.Integer, nullable=False),
)

thumbs = sa.Table(
    "livechat_thumbs",
    metadata,
    sa.Column("receipt", sa.String(32), primary_key=True, comment="random; the browser alone has it"),
    sa.Column("provider", sa.String(32), nullable=False),
    sa.Column("what", sa.String(8), nullable=False, comment="up or down"),
    sa.Column("at", Instant, nullable=False),
    sa.Index("livechat_thumbs_at", "at"),
)

outreach = sa.Table(
    "livechat_outreach",
    metadata,
    sa.Column("visitor", sa.Text, primary_key=True, comment="with whom the team has begun a conversation"),
    sa.Column("slot", sa.Integer, primary_key=True, comment="which of those that it may begin within a day"),
    sa.Column("at", Instant, nullable=False),
    sa.Index("livechat_outreach_at", "at"),
)

seen = sa.Table(
    "livechat_seen",
    metadata,
    sa.Column("visitor", sa.Text, primary_key=True),
    sa.Column("at", Instant, nullable=False, comment="when they last had the chat open"),
)

questions = sa.Table(
    "livechat_questions",
    metadata,
    sa.Column("provider", sa.String(32), primary_key=True),
    sa.Column("day", Instant, primary_key=True, comment="its beginning"),
    sa.Column("locale", sa.String(32), primary_key=True),
    sa.Column("words", sa.Text, primary_key=True, comment="the stems; empty for all beyond the limit of a day"),
    sa.Column("text", sa.Text, primary_key=True, comment="the question itself; empty unless texts are stored"),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Index("livechat_questions_day", "day"),
)

handoffs = sa.Table(
    "livechat_handoffs",
    metadata,
    sa.Column("provider", sa.String(32), primary_key=True),
    sa.Column("visitor", sa.Text, primary_key=True, comment="your id of them"),
    sa.Column("email", sa.Text, comment="in lower case"),
    sa.Column("note", sa.Text, nullable=False, comment="the transcript of a flow; deleted once agents have it"),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("event", sa.Text, comment="at which it failed: only the note is left to be done there"),
    sa.Index("livechat_handoffs_at", "at"),
    sa.Index("livechat_handoffs_email", "email"),
    sa.Index("livechat_handoffs_visitor", "visitor"),
)

flow_counts = sa.Table(
    "livechat_flow_counts",
    metadata,
    sa.Column("provider", sa.String(32), primary_key=True),
    sa.Column("flow", sa.String(40), primary_key=True),
    sa.Column("what", sa.String(8), primary_key=True, comment="begun, resolved or human; without the visitor"),
    sa.Column("step", sa.String(40), primary_key=True, comment="empty where the flow was changed meanwhile"),
    sa.Column("exchanges", sa.Integer, primary_key=True, comment="how many there were until then"),
    sa.Column("quarter", Instant, primary_key=True, comment="the beginning of its quarter of an hour"),
    sa.Column("count", sa.Integer, nullable=False),
)

articles = sa.Table(
    "livechat_articles",
    metadata,
    sa.Column("provider", sa.String(32), primary_key=True),
    sa.Column("path", sa.String(255), primary_key=True, comment="in the folder: billing/card-declined"),
    sa.Column("locale", sa.String(32), primary_key=True),
    sa.Column("remote", sa.Text, nullable=False, comment="the vendor's id; empty while it is being made"),
    sa.Column("source", sa.String(64), nullable=False, comment="digest of what we sent; empty while we write"),
    sa.Column("theirs", sa.String(64), nullable=False, comment="digest of what the vendor gave back right after"),
    sa.Column("url", sa.Text, comment="where visitors read it"),
    sa.Column("at", Instant, nullable=False, comment="when we wrote it"),
)

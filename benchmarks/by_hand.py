"""The support metrics as somebody would write them for one database and this very time, with a statement each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from flask_livechat.desk.calendar_months import months
from flask_livechat.desk.metrics import Metrics
from flask_livechat.desk.store import Store
from flask_livechat.desk.tables import Instant

from .chats import HOURS, SINCE, UNTIL

MONTHS = months(SINCE - timedelta(days=1), UNTIL, HOURS.tz)  # topics look at the month before, too
Found = dict[str, Any]


def within(column: str) -> str:
    return f"{column} >= :since AND {column} < :until"


DURATIONS = {
    "first_response": ("response", within("answered_at")),
    "first_response_office": ("response_office", within("answered_at")),
    "resolution": ("resolution", f"{within('closed_at')} AND closed_by = 'agent'"),
    "resolution_office": ("resolution_office", f"{within('closed_at')} AND closed_by = 'agent'"),
    "resolution_by_bot": ("resolution", f"{within('closed_at')} AND closed_by = 'bot'"),
}
CONVERSATIONS = f"SELECT count(DISTINCT conversation) FROM livechat_episodes WHERE {within('started_at')}"  # noqa: S608
REPORTED = f"SELECT what, sum(count) FROM livechat_counts WHERE {within('quarter')} GROUP BY what"  # noqa: S608
STARS = f"""
SELECT count(*), sum(CASE WHEN rating >= 4 THEN 1 ELSE 0 END)
FROM livechat_episodes WHERE {within("rated_at")} AND rating IS NOT NULL"""  # noqa: S608
KNOWN = """
WITH known AS MATERIALIZED (
    SELECT email, max(visitor) AS visitor FROM livechat_contacts WHERE email <> '' AND visitor <> '' GROUP BY email
)"""
PERSONS = """
FROM livechat_episodes JOIN livechat_conversations c ON c.id = livechat_episodes.conversation
LEFT JOIN known ON known.email = c.email
WHERE started_at >= :{begins} AND started_at < :{ends} AND c.conversation IS NOT NULL"""
PERSON = "coalesce(c.visitor, known.visitor, c.email)"
TAGGED = """
FROM livechat_episodes JOIN livechat_tags ON livechat_tags.episode = livechat_episodes.id
WHERE started_at >= :{begins} AND started_at < :{ends}"""
# Of a month; what is faster differs.
USERS = {
    "sqlite": f"SELECT '{{month}}', count(DISTINCT c.id), count(DISTINCT {PERSON}) {PERSONS}",
    "postgresql": f"""
SELECT '{{month}}', sum(number), count(person)
FROM (SELECT {PERSON} AS person, count(DISTINCT c.id) AS number {PERSONS} GROUP BY 1) AS found""",  # noqa: S608
}
TOPICS = {
    "sqlite": f"SELECT '{{month}}', tag, count(DISTINCT conversation) {TAGGED} GROUP BY tag",
    "postgresql": f"""
SELECT '{{month}}', tag, count(*) FROM (SELECT DISTINCT tag, conversation {TAGGED}) AS found GROUP BY tag""",  # noqa: S608
}
PERCENTILES = {
    "postgresql": """
SELECT number, shares[1], shares[2] FROM (
    SELECT count({column}) AS number, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY {column}) AS shares
    FROM livechat_episodes WHERE {chosen}
) AS found""",
    # Nor percentiles: what is sorted once serves both.
    "sqlite": """
WITH sorted AS MATERIALIZED (
    SELECT {column} AS value FROM livechat_episodes WHERE {chosen} AND {column} IS NOT NULL ORDER BY 1
), counted AS (SELECT count(*) AS number, (count(*) - 1) * 0.5 AS half, (count(*) - 1) * 0.9 AS most FROM sorted)
SELECT number, (
    SELECT min(value) + (max(value) - min(value)) * (half - CAST(half AS INTEGER))
    FROM (SELECT value FROM sorted LIMIT 2 OFFSET (SELECT CAST(half AS INTEGER) FROM counted))
), (
    SELECT min(value) + (max(value) - min(value)) * (most - CAST(most AS INTEGER))
    FROM (SELECT value FROM sorted LIMIT 2 OFFSET (SELECT CAST(most AS INTEGER) FROM counted))
) FROM counted""",
}


def statements(kind: str) -> dict[str, sa.TextClause]:
    texts = {"conversations": CONVERSATIONS, "reported": REPORTED, "stars": STARS}
    texts |= {
        name: PERCENTILES[kind].format(column=column, chosen=chosen) for name, (column, chosen) in DURATIONS.items()
    }
    texts["users"] = KNOWN + _each(USERS[kind], MONTHS[1:])
    texts["topics"] = _each(TOPICS[kind], MONTHS)
    moments = {"since": SINCE, "until": UNTIL} | {f"m{moment:%Y%m}": moment for span in MONTHS for moment in span}
    return {name: _bound(text, moments) for name, text in texts.items()}


def _each(text: str, spans: Sequence[tuple[datetime, datetime]]) -> str:
    """Of each month: one statement, which reads its time alone."""
    return " UNION ALL ".join(
        text.format(month=f"{begins:%Y-%m}", begins=f"m{begins:%Y%m}", ends=f"m{ends:%Y%m}") for begins, ends in spans
    )


def _bound(text: str, moments: Mapping[str, datetime]) -> sa.TextClause:
    used = {name: moment for name, moment in moments.items() if f":{name}" in text}
    return sa.text(text).bindparams(*(sa.bindparam(name, moment, Instant) for name, moment in used.items()))


def by_hand(store: Store, asked: Mapping[str, sa.TextClause]) -> Found:
    with store.reading() as connection:
        return {name: connection.execute(one).all() for name, one in asked.items()}


def differs(told: Metrics, found: Mapping[str, Sequence[Any]]) -> list[str]:
    """Which figures are not the same in both."""
    reported = {what: int(number) for what, number in found["reported"]}
    stars, thumbs = tuple(found["stars"][0]), (reported["up"] + reported["down"], reported["up"])
    tagged = {(month, tag): number for month, tag, number in found["topics"] if month != f"{MONTHS[0][0]:%Y-%m}"}
    pairs = {
        "conversations": (told.conversations, found["conversations"][0][0]),
        "opens": (told.deflection.opens, reported["open"]),
        "csat": (
            [(one.rated, one.good) for csat in (told.csat, told.csat_reported) for one in csat.scales],
            [stars, thumbs],
        ),
        "users": (
            [(one.month, one.conversations, one.users) for one in told.conversations_per_user],
            [tuple(row) for row in found["users"]],
        ),
        "topics": ({(one.month, one.tag): one.conversations for one in told.topics if one.conversations}, tagged),
    }
    for name in DURATIONS:
        own = getattr(told, name)
        pairs[name] = (_rounded(own.count, own.median, own.p90), _rounded(*found[name][0]))
    return [name for name, (one, other) in pairs.items() if one != other]


def _rounded(*figures: float) -> list[float]:
    return [round(one, 6) for one in figures]

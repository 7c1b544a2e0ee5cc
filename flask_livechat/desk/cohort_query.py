"""What a cohort asks of the store: the conversations of many people at once, by your ids of them or their emails."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache

import sqlalchemy as sa

from .store import Store
from .tables import contacts, conversations, episodes

read_tags = lru_cache(maxsize=1000)(json.loads)  # lists of tags repeat


def first_known(store: Store) -> datetime | None:
    """Return when the first conversation began that is stored."""
    with store.reading() as connection:
        return connection.execute(sa.select(sa.func.min(episodes.c.started_at))).scalar()


def conversations_begun(
    store: Store, ids: Sequence[str], emails: Sequence[str], since: datetime, until: datetime
) -> Iterator[tuple[str, datetime, str]]:
    """Yield each id or email under which a conversation began in a time, with when, and its first tag or ``""``.

    Emails are in lower case. An id also leads to conversations that have no id, but an email that a vendor told with
    it. Ids and emails go as one parameter each, however many they are.
    """

    def listed(texts: Sequence[str]) -> sa.TableValuedAlias:
        if store.is_sqlite:
            return sa.func.json_each(json.dumps(texts)).table_valued("value")
        return sa.func.json_array_elements_text(sa.cast(texts, sa.JSON)).table_valued("value")

    talk, wanted_ids, wanted_emails = conversations.c, listed(ids), listed(emails)
    of_id, of_email = (sa.select(wanted.c.value.label("name"), talk.id) for wanted in (wanted_ids, wanted_emails))
    by_contact = of_id.join_from(
        wanted_ids, contacts, (contacts.c.visitor == wanted_ids.c.value) & (contacts.c.email != "")
    ).join(conversations, (talk.email == contacts.c.email) & talk.visitor.is_(None))
    owned = sa.union(
        of_id.join_from(wanted_ids, conversations, talk.visitor == wanted_ids.c.value),
        of_email.join_from(wanted_emails, conversations, talk.email == wanted_emails.c.value),
        by_contact,
    ).subquery()
    begun = (
        sa.select(owned.c.name, episodes.c.started_at, talk.tags)
        .join_from(owned, episodes, episodes.c.conversation == owned.c.id)
        .join(conversations, talk.id == owned.c.id)
        .where(episodes.c.started_at >= since, episodes.c.started_at < until)
    )
    with store.reading() as connection:
        for name, at, tags in connection.execute(begun):
            yield name, at, (*read_tags(tags), "")[0]

"""What a conversation's events come to, in whatever order they came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_livechat.desk.timeline import Episode, build_timeline
from flask_livechat.model import KINDS, Event

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def event(minutes: float, kind: str, author: str | None = None, **fields: Any) -> Event:
    return Event("crisp", kind, f"{minutes}:{kind}:{author}", at(minutes), "s", author=author, **fields)


def message_at(minutes: float, author: str) -> Event:
    return event(minutes, "message", author)


def closed(minutes: float, author: str | None = "agent") -> Event:
    return event(minutes, "conversation_closed", author)


def only(*events: Event) -> Episode:
    (result,) = build_timeline(events).episodes
    return result


def test_the_first_reply_of_an_agent_counts_not_a_bots() -> None:
    result = only(
        message_at(0, "visitor"),
        message_at(1, "bot"),
        message_at(2, "visitor"),
        message_at(5, "agent"),
        message_at(6, "agent"),
    )
    assert (result.started_at, result.answered_at) == (at(0), at(5))


def test_notes_and_joins_are_no_reply() -> None:
    result = only(message_at(0, "visitor"), event(1, "unknown", "agent"), message_at(5, "agent"))
    assert result.answered_at == at(5)


def test_an_agent_who_writes_first_has_not_replied() -> None:
    result = only(message_at(0, "agent"), message_at(3, "visitor"), message_at(4, "agent"))
    assert (result.started_at, result.answered_at) == (at(3), at(4))


def test_what_an_agent_writes_to_nobody_is_no_episode() -> None:
    assert build_timeline([message_at(0, "agent"), closed(1)]).episodes == ()


def test_what_starts_with_a_visitors_words_starts_then() -> None:
    assert only(event(0, "conversation_started", "visitor"), message_at(4, "agent")).started_at == at(0)
    assert build_timeline([event(0, "conversation_started", "agent")]).episodes == ()


def test_reopening_starts_a_new_episode_with_the_visitors_next_message() -> None:
    first, second = build_timeline(
        [
            message_at(0, "visitor"),
            message_at(1, "agent"),
            closed(2),
            event(60, "conversation_reopened"),
            message_at(61, "visitor"),
        ]
    ).episodes
    assert (first.started_at, first.closed_at) == (at(0), at(2))
    assert (second.started_at, second.answered_at, second.closed_at) == (at(61), None, None)


def test_a_visitor_who_writes_after_the_end_starts_a_new_episode() -> None:
    first, second = build_timeline([message_at(0, "visitor"), closed(2), message_at(9, "visitor"), closed(12)]).episodes
    assert (first.closed_at, second.started_at, second.closed_at) == (at(2), at(9), at(12))


def test_to_close_what_is_closed_changes_nothing() -> None:
    assert only(message_at(0, "visitor"), closed(2), closed(7)).closed_at == at(2)


def test_what_an_agent_writes_after_closing_is_no_first_response() -> None:
    result = only(message_at(0, "visitor"), closed(2), message_at(3, "agent"))
    assert (result.answered_at, result.closed_at) == (None, at(2))


@pytest.mark.parametrize("author", ["agent", "bot"])
def test_who_closed_it_is_told_apart(author: str) -> None:
    assert only(message_at(0, "visitor"), closed(2, author)).closed_by == author


def test_what_fell_silent_was_over_with_its_last_word() -> None:
    result = only(message_at(0, "visitor"), message_at(1, "agent"), message_at(2, "visitor"), closed(4, None))
    assert (result.closed_at, result.closed_by) == (at(2), "agent")
    assert only(message_at(0, "visitor"), message_at(1, "bot"), closed(4, None)).closed_by == "bot"


def test_what_nobody_answered_was_ended_by_nobody() -> None:
    result = only(message_at(0, "visitor"), closed(4, None))
    assert (result.closed_at, result.closed_by) == (at(4), "nobody")


def test_the_last_rating_of_an_episode_counts_also_after_its_end() -> None:
    result = only(
        message_at(0, "visitor"),
        event(1, "rated", rating=2, best=5),
        closed(2),
        event(3, "rated", rating=4, best=5),
    )
    assert (result.rated_at, result.rating, result.best) == (at(3), 4, 5)


def test_a_rating_of_what_began_before_anybody_listened_is_kept() -> None:
    result = only(event(3, "rated", rating=4, best=5))
    assert (result.started_at, result.rating) == (None, 4)


def test_an_episode_has_the_tags_of_its_end() -> None:
    first, second = build_timeline(
        [
            message_at(0, "visitor"),
            event(1, "unknown", tags=("refund",)),
            closed(2),
            message_at(60, "visitor"),
            event(61, "unknown", tags=("b", "a", "b")),
        ]
    ).episodes
    assert (first.tags, second.tags) == (("refund",), ("a", "b"))


def test_who_it_is_with_is_what_was_said_last() -> None:
    result = build_timeline(
        [
            event(0, "message", "visitor", email="Ada@Example.com"),
            event(1, "contact_changed", visitor="42"),
            message_at(2, "visitor"),
        ]
    )
    assert (result.visitor, result.email, result.first_at, result.last_at) == ("42", "ada@example.com", at(0), at(2))


def test_who_joins_a_conversation_does_not_take_it_over() -> None:
    result = build_timeline(
        [
            event(0, "conversation_started", "visitor", visitor="ana", email="ana@example.com"),
            event(1, "message", "visitor", visitor="ben", email="ben@example.com"),
        ]
    )
    assert (result.visitor, result.email) == ("ana", "ana@example.com")


def test_without_events_there_is_no_timeline() -> None:
    with pytest.raises(ValueError, match="no events"):
        build_timeline([])


ANY = st.builds(
    Event,
    provider=st.just("crisp"),
    kind=st.sampled_from(KINDS),
    id=st.text("abc", min_size=1, max_size=3),
    at=st.integers(0, 5).map(at),
    conversation=st.just("s"),
    visitor=st.sampled_from([None, "1", "2"]),
    email=st.sampled_from([None, "a@x.test", "B@x.test"]),
    author=st.sampled_from([None, "visitor", "agent", "bot"]),
    rating=st.sampled_from([None, 1, 5]),
    best=st.sampled_from([None, 5]),
    tags=st.sampled_from([None, (), ("a",), ("b", "a")]),
)


@given(st.lists(ANY, min_size=1, max_size=12, unique_by=lambda event: event.id), st.randoms())
def test_the_order_in_which_events_came_changes_nothing(events: list[Event], random: Any) -> None:
    shuffled = random.sample(events, len(events))
    assert build_timeline(shuffled) == build_timeline(events)


@given(st.lists(ANY, min_size=1, max_size=12, unique_by=lambda event: event.id))
def test_an_episode_is_sound_whatever_happened(events: list[Event]) -> None:
    before = None
    for episode in build_timeline(events).episodes:
        assert episode.started_at or episode.rated_at
        if episode.started_at:
            assert before is None or episode.started_at >= before
            before = episode.started_at
            assert episode.answered_at is None or episode.answered_at >= episode.started_at
        assert (episode.closed_at is None) == (episode.closed_by is None)

"""What each figure is, word for word as the documentation, the page and the command have it."""

from __future__ import annotations

from collections.abc import Mapping

from . import article_deflection, flow_figures, questions

DEFINITIONS: Mapping[str, str] = {
    "conversations": (
        "Conversations in which an episode began. An episode begins with the visitor's first message and ends when "
        "the conversation is closed; reopening starts a new episode. A conversation counts once, however often it was "
        "reopened. Messages of an agent or a bot to a visitor who never answers do not count as a conversation."
    ),
    "first_response": (
        "The time from the visitor's first message of an episode to the first reply by a human agent; bots, notes and "
        "joins do not count. Median and p90, in seconds, by the wall clock and within office hours. Counted when the "
        "reply was given."
    ),
    "resolution": (
        "The time from the visitor's first message of an episode to its close; reopening starts a new episode. Closes "
        "by an agent count here, and closes by a bot are counted separately. An episode that ends by itself counts as "
        "closed at its last message, by the agent who had answered, or else by the bot. An episode that got no answer "
        "is not resolved. Counted when it was closed."
    ),
    "deflection": (
        "(opens - conversations started) / opens, over visits in which our loader reported that the chat was opened. "
        "There is no figure if more conversations were started than opens were reported."
    ),
    "article_deflection": article_deflection.DEFINITION,
    "flows": flow_figures.DEFINITION,
    "csat": (
        "The share of the top two of five stars, or of thumbs up, among all ratings, with the scale and the count. "
        "The last rating of an episode counts, when it was given. Only ratings that vendors sign are included."
    ),
    "csat_reported": (
        "The share of thumbs up among the thumbs that browsers reported, for vendors that report ratings in the "
        "browser only. These thumbs are anonymous and not signed, so they are listed separately."
    ),
    "conversations_per_user": (
        "Conversations of identified visitors / these visitors, per calendar month. Visitors are identified by your "
        "id, or else by their email. People who were forgotten, or whose data is older than LIVECHAT_KEEP_DAYS, are "
        "left out of both numbers, and so are their conversations."
    ),
    "topics": (
        "Conversations per tag per calendar month, with the change from the month before. An episode has the tags "
        "that the conversation had when the next episode began, or has now if it is the last one."
    ),
    "unanswered": questions.DEFINITION,
}

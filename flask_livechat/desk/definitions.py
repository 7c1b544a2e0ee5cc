"""What each figure is, word for word as the documentation, the page and the command have it."""

from __future__ import annotations

from collections.abc import Mapping

from . import article_deflection, flow_figures, questions

DEFINITIONS: Mapping[str, str] = {
    "conversations": (
        "Conversations in which an episode began: an episode begins with the visitor's first message and ends when the "
        "conversation is closed; reopening starts a new episode. A conversation counts once, however often it was "
        "reopened. What an agent or a bot writes to somebody who never answers is no conversation."
    ),
    "first_response": (
        "The first reply by a human agent minus the visitor's first message of the episode; bots, notes and joins do "
        "not count. Median and p90, in seconds, wall clock and office hours. Counted when the reply was given."
    ),
    "resolution": (
        "Close minus first visitor message; reopening starts a new episode; an agent's own closing counts, a bot's is "
        "counted apart. What ends by itself was closed by whoever had answered, at the moment of the last word; what "
        "nobody answered is not resolved. Counted when it was closed."
    ),
    "deflection": (
        "(opens - conversations started) / opens, over visits in which our loader reported an open. Without a figure "
        "where more conversations were started than opens reported."
    ),
    "article_deflection": article_deflection.DEFINITION,
    "flows": flow_figures.DEFINITION,
    "csat": (
        "The share of the top two of five stars, or of thumbs up, among all rated; with scale and count. The last "
        "rating of an episode counts, when it was given. Of what vendors sign."
    ),
    "csat_reported": (
        "The share of thumbs up among the thumbs that browsers reported, of nobody, where a vendor tells of ratings in "
        "the browser only. Nobody signs them, so they stand apart."
    ),
    "conversations_per_user": (
        "Conversations of identified visitors / these visitors, per calendar month. Visitors are identified by your "
        "id, else by their email. People who were forgotten, or are older than LIVECHAT_KEEP_DAYS, count on neither "
        "side, nor do their conversations."
    ),
    "topics": (
        "Conversations per tag per calendar month, with the change against the month before. An episode has the tags "
        "that the conversation had when the next one began, or has now."
    ),
    "unanswered": questions.DEFINITION,
}

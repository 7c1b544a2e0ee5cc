"""How many who asked the help panel needed nobody. Pure: it is made of what browsers report, of nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

STEPS = ("asked", "read", "readchat")  # as browsers report them, each once in a tab
VOTES = ("helpful", "no_help")  # as the articles' own pages count them
LEAST, MOST = 0.3, 0.5  # of a share without a word of advice
DEFINITION = (
    "(read - read and then came to the chat) / asked, over tabs in which the help panel was used: the visitor asked a "
    "question, opened an article, and opened the chat after that. Each step counts once in a tab. Above 50%, check "
    "whether visitors find the way to your team; below 30%, the articles do not answer what is asked. Helpful and not "
    'helpful are the answers to "Was this helpful?" on the pages of articles.'
)


@dataclass(frozen=True, slots=True)
class ArticleDeflection:
    """How many visitors asked the help panel, read an article, and did not come to the chat."""

    asked: int  #: How many visits asked the help panel.
    read: int  #: How many of them read an article.
    read_then_chat: int  #: How many of those came to the chat all the same.
    share: float | None  #: The share of those who asked that read and did not come, 0 to 1; None without a figure.
    advice: str | None  #: Advice if the share is high or low.
    helpful: int  #: How many called an article helpful.
    not_helpful: int  #: How many did not.

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> ArticleDeflection:
        """The figure of a time. It has no share where a tab was used over the beginning of the time."""
        asked, read, then_chat = (counts.get(step, 0) for step in STEPS)
        share = (read - then_chat) / asked if asked and then_chat <= read <= asked else None
        advice = None
        if share is not None and share > MOST:
            advice = "Check whether visitors find the way to your team."
        elif share is not None and share < LEAST:
            advice = "The articles do not answer what is asked."
        return cls(asked, read, then_chat, share, advice, *(counts.get(vote, 0) for vote in VOTES))

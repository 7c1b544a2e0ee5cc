"""What each page shows of Flask-LiveChat, and the code that does it: read from this very app."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask_livechat import Decision

from . import chat
from .views import site


@dataclass(frozen=True, slots=True)
class Shown:
    """A sentence or two, and the functions whose source stands below."""

    text: str
    code: tuple[Callable[..., Any], ...] = ()


SHOWN: Mapping[str, Shown] = {
    "site.landing": Shown(
        "One line in the base template. Who is logged in is known to the agents, proved by hash or token.",
        (chat.visitor,),
    ),
    "site.tour": Shown(
        "Chat that waits five seconds. The button tells agents that the tour was read to its end, by an attribute: "
        'data-livechat-event="tour_finished".'
    ),
    "site.pricing": Shown(
        "Chat that is there at once, its script preloaded. What is chosen here is an event, which leaves with the page "
        "after the redirect.",
        (site.choose_plan,),
    ),
    "site.support": Shown("Launchers of our own: a link, a button with a message, and a count of what is unread."),
    "site.contact": Shown(
        "Chat that loads when its launcher comes into view. Launchers lead here where chat is blocked."
    ),
    "site.docs": Shown("A section without chat: nothing of a vendor is loaded while people read."),
    "site.blog": Shown("A section without chat, by another rule."),
    "site.reset_password": Shown(
        "No rule speaks of this page. Its address holds a secret, so no vendor gets to see it."
    ),
    "site.try_it": Shown("What goes wrong by itself elsewhere: try it."),
    "shop.index": Shown(
        "Another vendor for a whole blueprint, fetched at the first sign of interest, run with the click."
    ),
    "workspace.dashboard": Shown(
        "Pages behind a login, with a third vendor. The company and the plan go along. A tour starts once for each "
        "visitor, by the page's rule, and again by a link of its own: data-livechat-start.",
        (chat.context, chat.rules),
    ),
    "workspace.account": Shown("Chat that waits for the first sign of life: a move, a key, a scroll."),
    "auth.login_page": Shown("Nothing of a vendor before somebody asks for it: a password is typed here."),
    "staff.index": Shown(
        "Staff who look at the site as a customer send nobody's identity. The inbox and the metrics are the package's "
        "own pages: the site says who may see them, and what it knows of a visitor. flask livechat cohort says whether "
        "customers who wrote in their first week stayed.",
        (chat.impersonating, chat.may_see_support, chat.profile, chat.customers),
    ),
}


def of(endpoint: str | None, decision: Decision, rules: Sequence[Mapping[str, Any]]) -> dict[str, str] | None:
    """The text and the code for a page: the rule that decided, too. None for a page that shows nothing of its own."""
    shown = SHOWN.get(endpoint or "")
    if shown is None:
        return None
    found = re.match(r"LIVECHAT_RULES\[(\d+)\]", decision.why)
    rule = f"# LIVECHAT_RULES[{found[1]}]\n{dict(rules[int(found[1])])!r}" if found else f"# {decision.why}"
    return {"text": shown.text, "code": "\n\n".join([rule, *map(source, shown.code)])}


@lru_cache
def source(function: Callable[..., Any]) -> str:
    return inspect.getsource(function).rstrip()

"""What a vendor's stand-in is made of: the record in the ``sandbox.py`` of its folder, which makes it known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .. import providers
from ..model import Visitor
from .api import Account, Api, Rest
from .body import Body, Values
from .hub import Hub
from .records import Agent
from .sessions import Change, Message, Session


@dataclass(frozen=True, slots=True)
class Webhooks:
    """How a vendor tells the app of a change."""

    #: What is posted for a change; none for what the vendor keeps to itself.
    bodies: Callable[[Account, Change, Session, Message | None], Iterator[dict[str, Any]]]
    #: The headers of a delivery, from its id, the number of the attempt from 0 on, and how many attempts there are.
    headers: Callable[[str, int, int], dict[str, str]]
    #: Seconds before each repetition of a delivery that was not taken.
    pauses_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class StandIn:
    """How one vendor differs from the others, on the server's side. A part that the vendor lacks is ``None``.

    ``restore``, ``identify``, ``introduce`` and ``leave`` return the session to go on with.
    """

    #: The vendor's name.
    name: str
    #: The name of the key of its public id.
    account: str
    #: The vendor's mark on the agent page, behind white letters: ``#1558c0``.
    color: str
    #: Finds or opens the conversation of a browser that has just loaded the page.
    restore: Callable[[Hub, Values, Body], str]
    #: Checks who a visitor claims to be, as the vendor does.
    identify: Callable[[Hub, Values, str, Body], str]
    #: Takes our word for who the visitor is, in tests.
    introduce: Callable[[Hub, Values, Visitor], str]
    #: Ends what the visitor has, as a logout does.
    leave: Callable[[Hub, str, Body], str]
    #: Those who answer on its API.
    agents: tuple[Agent, ...]
    #: Its API's routes. A call without a route is answered 404.
    api: Api = Api()  # noqa: RUF009 - frozen; without a route every call is a 404
    #: How it tells the app of changes.
    webhooks: Webhooks | None = None


def names() -> tuple[str, ...]:
    """The vendors that have a stand-in, in alphabetical order."""
    return tuple(name for name in providers.names() if providers.has_stand_in(name))


def load(name: str) -> StandIn:
    """The stand-in of a vendor. Raises ``ValueError`` where there is none."""
    stand_in: StandIn | None = providers.record(name, "sandbox", "STAND_IN", StandIn) if name in names() else None
    if stand_in is None:
        raise ValueError(f"no stand-in for {name!r}")
    return stand_in


def open_account(name: str, values: Values, hub: Hub) -> Rest:
    """A vendor's API over this hub, as a WSGI application."""
    stand_in = load(name)
    return Rest(stand_in.api, Account(name, values, hub, stand_in.agents))

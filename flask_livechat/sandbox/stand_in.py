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
    """How a vendor tells the app of a change.

    ``bodies`` gives what is posted, none for what the vendor keeps to itself. ``headers`` takes the delivery's id, the
    number of the attempt from 0 on, and how many there are. ``pauses_s``: seconds before each repetition of a delivery
    that was not taken.
    """

    bodies: Callable[[Account, Change, Session, Message | None], Iterator[dict[str, Any]]]
    headers: Callable[[str, int, int], dict[str, str]]
    pauses_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class StandIn:
    """How one vendor differs from the others, on the server's side. A part that the vendor lacks is ``None``.

    ``account`` is the key of its public id. ``restore`` finds or opens the conversation of a browser that just loaded
    the page, ``identify`` checks who a visitor claims to be, ``introduce`` takes our word for it, ``leave`` ends that;
    all four return the session to go on with. ``color`` marks the vendor on the agent's desk, behind white letters.
    """

    name: str
    account: str
    color: str
    restore: Callable[[Hub, Values, Body], str]
    identify: Callable[[Hub, Values, str, Body], str]
    introduce: Callable[[Hub, Values, Visitor], str]
    leave: Callable[[Hub, str, Body], str]
    agents: tuple[Agent, ...]  # who answer on its API
    api: Api = Api()  # noqa: RUF009 - frozen; without a route every call is a 404
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

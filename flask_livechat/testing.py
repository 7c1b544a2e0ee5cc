"""For the suites of apps with chat: what a page renders, who it names and whether that is proven, webhooks as vendors
sign them, and a desk without an account. ``pip install Flask-LiveChat[testing]``

    from flask_livechat.testing import as_visitor, assert_livechat

    def test_the_shop_has_chat(client, customer):
        as_visitor(client, customer)
        assert_livechat(client.get("/shop/"), load="intent", visitor=customer.get_id(), verified=True)
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Flask, current_app, request_finished

from . import providers, signing
from .errors import LiveChatError
from .extension import LiveChat
from .model import Visitor
from .providers import Secrets
from .sandbox.standin import Body

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.wrappers import Response

    from .desk.desk import Agents, Articles, Contacts, Conversations, RawCalls

__all__ = ["FakeDesk", "Proof", "RenderedWidget", "as_visitor", "assert_livechat", "read", "webhook"]

C = TypeVar("C", bound="FlaskClient")
ANYTHING: Any = object()  # what was not asked about


@dataclass(frozen=True, slots=True)
class Proof:
    """What the page carries to prove who the visitor is: ``parts``, as the vendor takes it."""

    provider: str
    parts: Mapping[str, Any] = field(repr=False)
    visitor: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def verify(self, *secrets: str) -> bool:
        """Whether one of these secrets made it, for this visitor and for now: as the vendor would check."""
        return any(self._made_by(secret) for secret in secrets)

    def claims(self, *secrets: str) -> dict[str, Any] | None:
        """What a token says, if one of these secrets signed it and it has not expired; else None."""
        return signing.read_jwt(str(self.parts.get("jwt", "")), secrets)

    def _made_by(self, secret: str) -> bool:
        if "jwt" in self.parts:
            return bool((self.claims(secret) or {}).get("user_id"))
        room = providers.load(self.provider)
        who = Visitor(id=self.visitor.get("id") or "-", email=self.visitor.get("email"))
        values = {room.identity: Secrets((secret,)), "IDENTITY": "hmac"}  # where there is a choice, it is no token
        made = room.prove(values, who, int(LiveChat.now().timestamp()), 3600) or {}
        # A continuity token brings a conversation back, and proves nothing.
        proven = {name: value for name, value in self.parts.items() if name not in ("token", "expires")}
        return bool(proven) and all(signing.same(str(made.get(name, "")), str(value)) for name, value in proven.items())


@dataclass(frozen=True, slots=True)
class RenderedWidget:
    """What ``{{ livechat() }}`` has put into a page.

    ``visitor`` is None for nobody, and where the loader fetches who it is. ``script`` is the address of our loader,
    ``preloads`` are those of the vendor's script. ``left``: the page is the first one after a logout.
    """

    provider: str
    load: str
    visitor: Mapping[str, Any] | None
    proof: Proof | None
    context: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]]
    left: bool
    settings: Mapping[str, Any]
    who: str | None
    script: str
    preloads: tuple[str, ...]


def read(page: Response | str | bytes) -> RenderedWidget | None:
    """The widget of a page, a response or its HTML; None for a page without chat.

    Raises ``ValueError`` for a data block that is not ours.
    """
    from bs4 import BeautifulSoup, Tag  # noqa: PLC0415 - only suites need it

    soup = BeautifulSoup(_html(page), "html.parser")
    block = soup.select_one('script#livechat[type="application/json"]')
    if block is None:
        return None
    try:
        said = json.loads(block.string or "")
        provider = providers.load(said["provider"]).name
    except (ValueError, TypeError, KeyError, LiveChatError) as error:
        raise ValueError(f"the page's #livechat is not our data block: {type(error).__name__}") from None
    visitor, proof = said.get("visitor"), said.get("proof")
    loader = block.find_next("script", src=True)
    return RenderedWidget(
        provider=provider,
        load=said["load"],
        visitor=visitor,
        proof=Proof(provider, proof, visitor or {}) if proof else None,
        context=said["context"],
        events=said["events"],
        left=bool(said["left"]),
        settings=said["settings"],
        who=said["who"],
        script=str(loader["src"]) if isinstance(loader, Tag) else "",
        preloads=tuple(str(link["href"]) for link in soup.select('link[rel="preload"][as="script"]')),
    )


def assert_livechat(
    page: Response | str | bytes,
    *,
    provider: str | None = ANYTHING,
    load: str = ANYTHING,
    visitor: str | Visitor | Mapping[str, Any] | None = ANYTHING,
    verified: bool = ANYTHING,
    context: Mapping[str, Any] = ANYTHING,
    events: Iterable[str] = ANYTHING,
    left: bool = ANYTHING,
    secret: str | None = None,
) -> RenderedWidget | None:
    """Asserts what a page's widget is, and says every difference at once. Gives the widget.

    ``provider=None``: the page has no chat. ``visitor``: an id, a ``Visitor`` or the fields that must be there, or None
    for nobody. ``verified``: whether the proof is of the secret that the app has which answered last, or of ``secret``.
    ``context``: attributes that must be among the page's. ``events``: their names, all of them, in order.
    """
    __tracebackhide__ = True  # pytest shows the test's line
    found = read(page)
    if provider is None:
        if found is not None:
            raise AssertionError(f"the page has chat by {found.provider}, and should have none")
        return None
    if found is None:
        raise AssertionError("the page has no chat: no {{ livechat() }}, or a rule with show=False")
    differences = [
        *_differs("provider", provider, found.provider),
        *_differs("load", load, found.load),
        *_visitor_differs(visitor, found.visitor),
        *_proof_differs(verified, found, secret),
        *_fields_differ("context", {} if context is ANYTHING else context, found.context),
        *_differs("events", events if events is ANYTHING else list(events), [one["name"] for one in found.events]),
        *_differs("left", left, found.left),
    ]
    if differences:
        raise AssertionError("\n".join(["the page's chat is not as expected:", *(f"  {one}" for one in differences)]))
    return found


def as_visitor(client: C, user: Any) -> C:
    """Logs ``user`` (flask-login's, or its id) in on a test client, without a request. Gives the client."""
    with client.session_transaction() as session:
        session["_user_id"] = user.get_id() if hasattr(user, "get_id") else str(user)
        session["_fresh"] = True
    return client


def webhook(
    provider: str, payload: Mapping[str, Any] | bytes, secret: str | None = None
) -> tuple[dict[str, str], bytes]:
    """Headers and body of a webhook, signed as the vendor signs. ``payload``: what it holds, or its very bytes.

        headers, body = webhook(provider, payload)
        client.post(f"/livechat/webhooks/{provider}", headers=headers, data=body)

    Without a ``secret`` by the one that the current app has. Raises ``ValueError`` where there is none.
    """
    room = providers.webhooks(provider)
    if room is None:
        raise ValueError(f"{providers.load(provider).title} signs no webhooks")
    body = payload if isinstance(payload, bytes) else json.dumps(payload, ensure_ascii=False).encode()
    key = secret or _configured(current_app or _app(), provider, room.secrets[0])
    return {"Content-Type": "application/json", **room.sign(key, body, LiveChat.now())}, body


class FakeDesk:
    """A vendor's desk without an account: the sandbox' stand-in, in this process, as strict as the vendor.

        desk = FakeDesk()
        id = desk.says(Visitor("42", email="ada@example.com"), "Is it in stock?")
        desk.conversations.reply(id, "It is!")

    Of the first vendor that there is, if not said otherwise. It has what ``livechat.desk()`` has: ``conversations``,
    ``contacts``, ``articles``, ``agents``, ``raw`` and ``can``.
    """

    # For type checkers: ``__getattr__`` gives them.
    conversations: Conversations
    contacts: Contacts
    articles: Articles
    agents: Agents
    raw: RawCalls
    can: Callable[[str], bool]

    def __init__(self, provider: str = providers.names()[0]) -> None:
        from .desk import rest  # noqa: PLC0415 - it needs the extra
        from .desk.desk import open_desk  # noqa: PLC0415
        from .sandbox.hub import Hub  # noqa: PLC0415
        from .sandbox.rest import open_account  # noqa: PLC0415
        from .sandbox.views import STAND_INS  # noqa: PLC0415

        room = providers.load(provider)
        self._values = {
            key.name: Secrets((key.example,)) if key.secret else key.default or key.example for key in room.keys
        }
        self._stand_in, self._hub = STAND_INS[provider], Hub()
        self.provider = provider
        pool = rest.in_process(open_account(provider, self._values, self._hub))
        self._desk = open_desk(provider, self._values, LiveChat.now, pool)

    def says(self, visitor: Visitor | None, text: str) -> str:
        """A visitor, or nobody in particular, writes in the widget. Gives the conversation's id."""
        hub, values = self._hub, self._values
        room = self._stand_in
        key = room.introduce(hub, values, visitor) if visitor else room.restore(hub, values, Body({}))
        hub.say(key, "visitor", text)
        return next(self._desk.conversations.list()).id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._desk, name)


def _html(page: Response | str | bytes) -> str | bytes:
    return page if isinstance(page, str | bytes) else page.get_data()


# -- what differs ------------------------------------------------------------------------------------------------------


def _differs(what: str, expected: Any, found: Any) -> list[str]:
    if expected is ANYTHING or expected == found:
        return []
    return [f"{what}: expected {expected!r}, found {found!r}"]


def _visitor_differs(expected: Any, found: Mapping[str, Any] | None) -> list[str]:
    if expected is ANYTHING:
        return []
    if expected is None or found is None:
        return _differs("visitor", expected, found and dict(found))
    return _fields_differ("visitor", _fields(expected), found)


def _fields(visitor: str | Visitor | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(visitor, Visitor):
        return providers.given(id=visitor.id, email=visitor.email, name=visitor.name, phone=visitor.phone)
    return {"id": visitor} if isinstance(visitor, str) else visitor


def _fields_differ(what: str, expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    return [line for name, value in expected.items() for line in _differs(f"{what}.{name}", value, found.get(name))]


def _proof_differs(expected: bool, found: RenderedWidget, secret: str | None) -> list[str]:
    if expected is ANYTHING:
        return []
    if found.proof is None:
        return ["verified: the page carries no proof of who the visitor is"] if expected else []
    room = providers.load(found.provider)
    secrets = (secret,) if secret else _secrets(_app(), found.provider, room.identity)
    proven = found.proof.verify(*secrets)
    if expected and not proven:
        return [f"verified: the proof was not made with LIVECHAT_{found.provider.upper()}_{room.identity}, or is over"]
    return ["verified: the page carries a proof that holds"] if proven and not expected else []


# -- the app that is tested --------------------------------------------------------------------------------------------


_answered: list[Callable[[], Flask | None]] = []  # the app that answered last, as a weak reference


def _remember(sender: Flask, **extra: Any) -> None:
    _answered[:] = [weakref.ref(sender)]


request_finished.connect(_remember)


def _app() -> Flask:
    """The one that answered last, which is the one that is asserted about; else the current one."""
    app = _answered[0]() if _answered else current_app
    if not app:
        raise ValueError("no app to read the secret of: use it in an app context, or say secret=…")
    return app


def _secrets(app: Flask, provider: str, key: str) -> tuple[str, ...]:
    known = app.extensions["livechat"].settings.providers
    return tuple(known[provider].get(key) or ()) if provider in known else ()


def _configured(app: Flask, provider: str, key: str) -> str:
    found = _secrets(app, provider, key)
    if not found:
        raise ValueError(f"LIVECHAT_{provider.upper()}_{key} is not configured: say secret=…")
    return found[0]

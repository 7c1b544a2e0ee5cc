"""For the suites of apps with chat: what a page renders, who it names and whether that is proven, webhooks as vendors
sign them, and a desk without an account. ``pip install Flask-LiveChat[testing]``

    from flask_livechat.testing import as_visitor, assert_livechat

    def test_the_shop_has_chat(client, customer):
        as_visitor(client, customer)
        assert_livechat(client.get("/shop/"), load="intent", visitor=customer.get_id(), verified=True)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, overload

from flask import Flask, current_app, g, has_app_context, request_finished
from flask_login.utils import _create_identifier

from . import providers, signing
from .errors import LiveChatError
from .extension import LiveChat
from .model import Visitor
from .providers import Secrets, sanitize
from .sandbox.body import Body
from .state import current_state
from .widget.bodies import decode

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.wrappers import Response

    from .desk.aio import AsyncDesk
    from .desk.desk import Agents, Articles, Contacts, Conversations, RawCalls, Visitors

__all__ = ["FakeDesk", "Proof", "RenderedWidget", "as_visitor", "assert_livechat", "read", "webhook"]

C = TypeVar("C", bound="FlaskClient")
ANYTHING: Any = object()  # what was not asked about
CONTINUITY = {"token", "expires"}
NO_APP = "no app to read the secret of: use it in an app context, or say secret=…"
FETCHED = "the page leaves it to GET /livechat/identity"


@dataclass(frozen=True, slots=True)
class Proof:
    """What the page carries to prove who the visitor is."""

    #: The vendor's name.
    provider: str
    #: The proof, as the vendor takes it.
    parts: Mapping[str, Any] = field(repr=False)
    #: Whom it is about, as the page says.
    visitor: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def verify(self, *secrets: str) -> bool:
        """Whether one of these secrets made the proof, for this visitor and for now, checked as the vendor would."""
        return any(self._made_by(secret) for secret in secrets)

    def claims(self, *secrets: str) -> dict[str, Any] | None:
        """Return the contents of a token if one of these secrets signed it and it has not expired; else None."""
        return signing.read_jwt(str(self.parts.get("jwt", "")), secrets)

    @property
    def empty(self) -> bool:
        """Whether it proves no identity. A continuity token alone only brings a conversation back."""
        return self.parts.keys() <= CONTINUITY

    def _made_by(self, secret: str) -> bool:
        if "jwt" in self.parts:
            who = (self.claims(secret) or {}).get("user_id")
            return bool(who) and who == self.visitor.get("id", who)
        provider = providers.load(self.provider)
        who = Visitor(id=self.visitor.get("id") or "-", email=self.visitor.get("email"))
        values = {provider.identity: Secrets((secret,)), "IDENTITY": "hmac"}  # where there is a choice, it is no token
        made = provider.prove(values, who, int(LiveChat.now().timestamp()), 3600) or {}
        proven = [(made.get(name, ""), value) for name, value in self.parts.items() if name not in CONTINUITY]
        return bool(proven) and all(signing.same(str(ours), str(theirs)) for ours, theirs in proven)


@dataclass(frozen=True, slots=True)
class RenderedWidget:
    """What ``{{ livechat() }}`` has put into a page."""

    #: The vendor's name.
    provider: str
    #: When the vendor's script is loaded, as in ``Decision``.
    load: str
    #: Whom the page names, beside the proof or inside a token; ``proof.verify`` says whether that holds. None for
    #: an anonymous page, and if the loader fetches the identity.
    visitor: Mapping[str, Any] | None
    #: The proof of that, or None.
    proof: Proof | None
    #: What agents see of the page.
    context: Mapping[str, Any]
    #: What ``livechat.track`` has queued.
    events: Sequence[Mapping[str, Any]]
    #: Whether the page is the first one after a logout.
    left: bool
    #: The vendor's public ids, and how the chat looks.
    settings: Mapping[str, Any]
    #: A keyed digest of the visitor's id; empty for an anonymous page, None if the loader fetches the identity.
    who: str | None
    #: The address of our loader.
    script: str
    #: The addresses of the vendor's script that are preloaded.
    preloads: tuple[str, ...]


def read(page: Response | str | bytes) -> RenderedWidget | None:
    """Return the widget of a page, which is a response or its HTML. Returns None for a page without chat.

    Raises ``ValueError`` for a data block that is not ours.
    """
    try:
        from bs4 import BeautifulSoup, Tag  # noqa: PLC0415 - only suites need it
    except ModuleNotFoundError:
        raise LiveChatError("This needs an extra: pip install Flask-LiveChat[testing]") from None

    if not isinstance(page, str | bytes):  # a body that nobody here can read raises ``UnreadableBody``
        page = decode(page.get_data(), ", ".join(page.headers.getlist("Content-Encoding")))
    soup = BeautifulSoup(page, "html.parser")
    block = soup.select_one('script#livechat[type="application/json"]')
    if block is None:
        return None
    loader = block.find_next("script", src=True)
    try:
        said = json.loads(block.string or "")
        provider, proof = providers.load(said["provider"]).name, said.get("proof")
        visitor = _named(said.get("visitor"), proof)
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
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, LiveChatError) as error:
        raise ValueError(f"the page's #livechat is not our data block: {type(error).__name__}") from None


@overload
def assert_livechat(page: Response | str | bytes, *, provider: None) -> None: ...


@overload
def assert_livechat(
    page: Response | str | bytes,
    *,
    provider: str = ...,
    load: str = ...,
    visitor: str | Visitor | Mapping[str, Any] | None = ...,
    verified: bool = ...,
    context: Mapping[str, Any] = ...,
    events: Iterable[str] = ...,
    left: bool = ...,
    secret: str | None = ...,
) -> RenderedWidget: ...


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
    """Assert how a page's widget is, and report all differences at once. Returns the widget.

    ``provider=None``: the page has no chat. ``visitor``: an id, the fields that must be there (of a ``Visitor``: id,
    email, name and phone), or None for an anonymous page. ``verified``: whether the proof was made with the secret of
    the app that answered last, or with ``secret``. ``context``: attributes that the page must have. ``events``: the
    names of all events, in order. A redirect is not a page, and fails.
    """
    __tracebackhide__ = True  # pytest shows the test's line
    others = (load, visitor, verified, context, events, left)
    if provider is None and any(one is not ANYTHING for one in others):
        raise ValueError("provider=None means that there is no chat, so it cannot be combined with other arguments")
    if secret is not None and verified is ANYTHING:
        raise ValueError("secret= needs verified=")
    if not isinstance(page, str | bytes) and page.status_code in range(300, 400):
        target = page.headers.get("Location", "nowhere")
        raise AssertionError(f"this is not a page: {page.status_code}, to {target}")
    widget = read(page)
    if provider is None:
        if widget is not None:
            raise AssertionError(f"the page has a chat by {widget.provider}, but should have none")
        return None
    if widget is None:
        raise AssertionError(f"the page has no chat: {_why_none(page)}")
    names = [event["name"] for event in widget.events if "name" in event]  # segments have none
    comparison = _Comparison(widget)
    comparison.value("provider", provider, widget.provider)
    comparison.value("load", load, widget.load)
    comparison.visitor(visitor)
    comparison.proof(verified, secret)
    comparison.fields("context", {} if context is ANYTHING else context, widget.context)
    comparison.value("events", events if events is ANYTHING else list(events), names)
    comparison.value("left", left, widget.left)
    if comparison.differences:
        lines = [f"  {difference}" for difference in comparison.differences]
        raise AssertionError("\n".join(["the page's chat is not as expected:", *lines]))
    return widget


def as_visitor(client: C, user: Any) -> C:
    """Log ``user`` (Flask-Login's user, or its id) in on a test client, without a request. Returns the client."""
    if user is None:
        raise ValueError("as_visitor takes a user or a user's id, and not None")
    with client.application.test_request_context(environ_base=client.environ_base):
        seal = _create_identifier()  # of this browser, for the app's session_protection
    with client.session_transaction() as session:
        session["_user_id"] = user.get_id() if hasattr(user, "get_id") else str(user)
        session["_fresh"], session["_id"] = True, seal
    if has_app_context():
        g.pop("_login_user", None)  # flask-login keeps the last one with the app context, which a fixture may hold open
    return client


def webhook(
    provider: str, payload: Mapping[str, Any] | bytes, secret: str | None = None
) -> tuple[dict[str, str], bytes]:
    """Return headers and body of a webhook, signed as the vendor signs. ``payload`` is a dict, or the exact bytes.

        headers, body = webhook(provider, payload)
        client.post(f"/livechat/webhooks/{provider}", headers=headers, data=body)

    The default for ``secret`` is the current app's. Raises ``ValueError`` without a secret, or without an app context.
    """
    if provider not in providers.names():
        raise ValueError(f"{provider!r} is not a provider; the providers are {', '.join(providers.names())}")
    spec = providers.webhooks(provider)
    if spec is None:
        raise ValueError(f"{providers.load(provider).title} has no signed webhooks")
    if not isinstance(payload, Mapping | bytes):
        raise TypeError("the payload must be a dict or bytes")
    body = payload if isinstance(payload, bytes) else json.dumps(payload, ensure_ascii=False).encode()
    if secret is None:
        if not has_app_context():
            raise ValueError(NO_APP)
        configured = _secrets(current_app, provider, spec.secrets[0])
        if not configured:
            raise ValueError(f"LIVECHAT_{provider.upper()}_{spec.secrets[0]} is not configured: pass secret=…")
        secret = configured[0]
    return {"Content-Type": "application/json", **spec.sign(secret, body, LiveChat.now())}, body


class FakeDesk:
    """A vendor's desk without an account: the sandbox's stand-in, in this process, as strict as the vendor.

        desk = FakeDesk()
        id = desk.says(Visitor("42", email="ada@example.com"), "Is it in stock?")
        desk.conversations.reply(id, "It is!")

    Without ``provider`` it is the first vendor. It has the attributes of ``livechat.desk()``: ``conversations``,
    ``contacts``, ``articles``, ``agents``, ``visitors``, ``raw`` and ``can``.
    """

    #: As ``livechat.desk().conversations``.
    conversations: Conversations
    #: As ``livechat.desk().contacts``.
    contacts: Contacts
    #: As ``livechat.desk().articles``.
    articles: Articles
    #: As ``livechat.desk().agents``.
    agents: Agents
    #: As ``livechat.desk().visitors``.
    visitors: Visitors
    #: As ``livechat.desk().raw``.
    raw: RawCalls
    #: As ``livechat.desk().can``.
    can: Callable[[str], bool]

    def __init__(self, provider: str = providers.names()[0]) -> None:
        try:
            from .desk import http  # noqa: PLC0415 - it needs the extra
            from .desk.desk import open_desk  # noqa: PLC0415
        except ModuleNotFoundError:
            raise LiveChatError("FakeDesk needs an extra: pip install Flask-LiveChat[desk]") from None
        from .sandbox.hub import Hub  # noqa: PLC0415
        from .sandbox.stand_in import load, open_account  # noqa: PLC0415

        self._values = providers.load(provider).example_values()
        self._stand_in, self._hub, self._keys = load(provider), Hub(), dict[str, str]()
        self.provider = provider
        self._account = open_account(provider, self._values, self._hub)
        self._desk = open_desk(provider, self._values, LiveChat.now, http.in_process(self._account))

    def says(self, visitor: Visitor | None, text: str) -> str:
        """Let a visitor, or an anonymous one, write in the widget. Returns the id of the visitor's conversation."""
        hub, values, stand_in = self._hub, self._values, self._stand_in
        who = visitor and (visitor.id or visitor.email)
        key = self._keys.get(who or "")
        if key is None:
            key = stand_in.introduce(hub, values, visitor) if visitor else stand_in.restore(hub, values, Body({}))
            if who:
                self._keys[who] = key
        hub.say(key, "visitor", text)
        ids = (key, str(hub.look(key).number))
        return next(one.id for one in self._desk.conversations.list() if one.id in ids)

    def awaited(self) -> AsyncDesk:
        """The same account as an async desk, like ``livechat.async_desk()``."""
        from .desk import aio, http  # noqa: PLC0415 - it needs the extra

        pool, outreach = http.async_in_process(self._account), self._desk._outreach
        return aio.open_async_desk(self.provider, self._values, LiveChat.now, pool, outreach=outreach)

    if not TYPE_CHECKING:  # which would take any name for one of ours

        def __getattr__(self, name: str) -> Any:
            return getattr(self._desk, name)


def _named(visitor: Mapping[str, Any] | None, proof: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The visitor, with what a token says of them."""
    said = signing.claims_of(str((proof or {}).get("jwt", "")))
    if visitor is None or not said:
        return visitor
    fields = {"id": said.pop("user_id", None)}
    fields |= {name: said.pop(name) for name in ("email", "name", "phone", "created_at") if name in said}
    return {**fields, "attributes": {name: value for name, value in said.items() if name != "exp"}, **visitor}


# -- what differs ------------------------------------------------------------------------------------------------------


def _why_none(page: Response | str | bytes) -> str:
    """What the rules say of that address; where they want chat, the template has none."""
    if isinstance(page, str | bytes):
        return "no {{ livechat() }} in it"
    status = f" (it answered {page.status_code})" if page.status_code >= 400 else ""
    asked = getattr(page, "request", None)  # a test client's response knows
    if asked is not None and _answered:
        app = _answered[0]
        with app.test_request_context(asked.path):
            decision = current_state(app).livechat.decide()
        if not decision.show:
            return f"{decision.why}{status}"
    return f"no {{{{ livechat() }}}} in it{status}"


class _Comparison:
    """A page's widget beside what a test expects of it: every difference is a sentence."""

    def __init__(self, widget: RenderedWidget) -> None:
        self.widget = widget
        self.differences: list[str] = []

    def value(self, what: str, expected: Any, value: Any, hint: str = "") -> None:
        if expected is not ANYTHING and expected != value:
            self.differences.append(f"{what}: expected {expected!r}, found {value!r}{hint}")

    def fields(self, what: str, expected: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        for name, value in expected.items():
            self.value(f"{what}.{name}", value, values.get(name))

    def visitor(self, expected: Any) -> None:
        visitor = self.widget.visitor
        if expected is ANYTHING:
            return
        if self.widget.who is None:
            self.differences.append(f"visitor: {FETCHED}")
        elif expected is None or visitor is None:
            why = "no user is logged in, the user does not exist, or the identity cannot be proven"
            hint = f" ({why}: flask livechat explain)" if visitor is None else ""
            self.value("visitor", expected, visitor and dict(visitor), hint)
        elif isinstance(expected, Visitor):
            names = ("id", "email", "name", "phone")
            fields = sanitize.without_empty(**{name: getattr(expected, name) for name in names})
            self.fields("visitor", fields, visitor)
        else:
            self.fields("visitor", expected if isinstance(expected, Mapping) else {"id": str(expected)}, visitor)

    def proof(self, expected: bool, secret: str | None) -> None:
        proof = self.widget.proof
        if expected is ANYTHING:
            return
        if self.widget.who is None:
            self.differences.append(f"verified: {FETCHED}")
            return
        if proof is None or proof.empty:
            if expected:
                self.differences.append("verified: the page carries no proof of who the visitor is")
            return
        provider = providers.load(self.widget.provider)
        secrets = _secrets(_app(), provider.name, provider.identity) if secret is None else (secret,)
        is_proven = proof.verify(*secrets)
        if expected and not is_proven:
            key = f"LIVECHAT_{provider.name.upper()}_{provider.identity}"
            by = key if secret is None else "this secret"
            self.differences.append(f"verified: the proof was not made with {by}, or is over")
        if is_proven and not expected:
            self.differences.append("verified: the page carries a proof that holds")


# -- the app that is tested --------------------------------------------------------------------------------------------


_answered: list[Flask] = []  # the app with chat that answered last: a response does not say whose it is


def _remember(sender: Flask, **extra: Any) -> None:
    if "livechat" in sender.extensions:
        _answered[:] = [sender]


request_finished.connect(_remember)


def _app() -> Flask:
    """The one that answered last, which is the one that is asserted about; else the current one."""
    app = _answered[0] if _answered else current_app
    if not app:
        raise ValueError(NO_APP)
    return app


def _secrets(app: Flask, provider: str, key: str) -> tuple[str, ...]:
    known = current_state(app).settings.providers
    return tuple(known[provider].get(key) or ()) if provider in known else ()

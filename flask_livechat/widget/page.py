"""Settings + Decision + Visitor -> payload -> Markup. Holds the one function that puts JSON into HTML."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from markupsafe import Markup, escape

from .. import providers, signing
from ..model import Decision, Value, Visitor
from ..providers import Provider
from ..settings import LOCALE, POSITION, Settings
from .csp import NONCE

T = TypeVar("T")
MOST = 1024  # of each kind that is kept
MAX_CONTEXT_CHARS = 2000  # of a context that is kept: views may put into it what a client sends
UNSAFE = re.compile("[<>&'\u2028\u2029]")
ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in UNSAFE.pattern[1:-1]}


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """What a page may say of its visitor. Nothing at all where ``visitor`` is None. Itself and no other, as a key."""

    visitor: Mapping[str, Any] | None
    proof: Mapping[str, Any] | None
    who: str
    written: str = field(repr=False)  # both, as they stand in the page


def script_json(value: Any) -> Markup:
    """JSON that no value can leave, inside a script element or an attribute. The only escaping point."""
    text = ENCODER.encode(value)
    if UNSAFE.search(text) is None:
        return Markup(text)  # noqa: S704 - there is nothing to escape  # nosec B704
    return Markup(text.translate(ESCAPES))  # noqa: S704 - the escaping is done here  # nosec B704


def identity(visitor: Mapping[str, Any] | None, proof: Mapping[str, Any] | None, who: str) -> Identity:
    return Identity(visitor, proof, who, f'"visitor":{script_json(visitor)},"proof":{script_json(proof)}')


NOBODY = identity(None, None, "")


@dataclass(frozen=True, slots=True)
class Personal:
    """All that a page says of its visitor."""

    found: Identity = NOBODY
    extra: Mapping[str, Value] = field(default_factory=dict)  # attributes
    events: Sequence[Mapping[str, Any]] = ()
    left: bool = False


IMPERSONAL = Personal()


def keep(kept: dict[Hashable, T], key: Hashable, value: T) -> None:
    """In bounds: the oldest go. ``list`` in one step, for other threads may be at it, too."""
    if len(kept) >= MOST and key not in kept:
        for oldest in list(kept)[: MOST // 4]:
            kept.pop(oldest, None)
    kept[key] = value


class Writer:
    """Writes the pages of one app. What is the same for several pages or requests is made once, and kept in bounds."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._start = lru_cache(MOST)(self._write_start)
        self._context = lru_cache(MOST)(self._write_context)
        self._identities: dict[Hashable, tuple[float, float, Identity]] = {}

    def identify(self, room: Provider, visitor: Visitor | None, key: str | bytes | None, now: float) -> Identity:
        """Who the visitor is, with the vendor's proof. Without a proof nobody, unless the app allows that.

        ``key`` is the app's SECRET_KEY, under which ``who`` is a digest that says nothing about the id. ``now`` in Unix
        seconds. A proof is used again while more than half of its life is left.
        """
        if visitor is None:
            return NOBODY
        known = (room.name, key, visitor)
        since, until, found = self._identities.get(known, (0.0, 0.0, NOBODY))
        if since <= now < until:  # also where the clock goes back, no token lives longer than from its own moment on
            return found
        found = self._identify(room, visitor, key, int(now))
        expires = (found.proof or {}).get("expires")
        until = math.inf if expires is None else expires - self._settings.token_ttl / 2
        keep(self._identities, known, (-math.inf if expires is None else now, until, found))
        return found

    def _identify(self, room: Provider, visitor: Visitor, key: str | bytes | None, now: int) -> Identity:
        values = self._settings.providers[room.name]
        proof = room.prove(values, visitor, now, self._settings.token_ttl)
        if not (proof and values.get(room.identity)) and not self._settings.allow_unverified:
            return NOBODY
        # Without a SECRET_KEY there is no login to protect, but two visitors must still differ.
        digest = signing.hmac_hex(key or self._settings.url_prefix, f"livechat-who:{room.name}:{visitor.id}")
        return identity(room.visitor(values, visitor), proof, digest[:32])

    def block(
        self,
        decision: Decision,
        personal: Personal,
        attributes: Mapping[str, Value],
        *,
        locale: str | None,
        consent: str,
        closed: bool,
        who: str | None,
    ) -> str:
        """The payload: its keys in the order of the contract (spec §5)."""
        start = self._start(
            decision.provider,
            decision.load,
            decision.mobile,
            decision.offline,
            decision.tour,
            decision.identify,
            locale,
            consent,
            closed,
        )
        # Most pages have neither events nor a mark: no JSON is made of what is known to be its own.
        events = script_json(personal.events) if personal.events else "[]"
        said = {**attributes, **personal.extra}
        pairs = tuple([(name, value, type(value)) for name, value in said.items()])
        chars = sum([len(value) for value in said.values() if type(value) is str])
        try:
            context = (self._context if chars <= MAX_CONTEXT_CHARS else self._write_context)(decision.provider, pairs)
        except TypeError:  # a value that cannot be a key, such as a list
            context = self._write_context(decision.provider, pairs)
        named = "null" if who is None else f'"{who}"'  # hexadecimal
        rest = f'"events":{events},"who":{named},"left":{"true" if personal.left else "false"}'
        return f'{start}{personal.found.written},"context":{context},{rest}}}'

    def _write_context(self, provider: str | None, pairs: tuple[tuple[str, Value, type], ...]) -> str:
        """Attributes for agents, within the vendor's limits. With their types, for as a key 1 and True are the same."""
        return script_json(providers.load(str(provider)).attributes({name: value for name, value, _ in pairs}))

    def _write_start(
        self,
        provider: str,
        load: str,
        mobile: str,
        offline: str,
        tour: str | None,
        identify: bool,
        locale: str | None,
        consent: str,
        closed: bool,
    ) -> str:
        """Public ids and looks. Defaults are left out: the loader knows them."""
        config = self._settings
        looks = {
            "position": dict(config.position) if config.position != POSITION else None,
            "mobile": "hide" if mobile == "hide" else None,
            "launcher": config.launcher if config.launcher != "vendor" else None,
            "offline": offline if offline != "show" else None,
            "closed": closed or None,
            "consent": consent if consent != "implied" else None,
            "tour": tour,
            "locale": locale_tag(locale),
            # Says that `who` is empty on purpose, and not because the page is a copy from before a login.
            "identify": None if identify else False,
        }
        room = providers.load(provider)
        said = room.settings(config.providers[provider]) | {
            name: look for name, look in looks.items() if look is not None
        }
        return f'{{"provider":{script_json(provider)},"load":{script_json(load)},"settings":{script_json(said)},'


def locale_tag(locale: Any) -> str | None:
    """``pt_BR`` and ``pt-BR`` as ``pt-BR``; None for what is no language tag."""
    text = "" if locale is None else str(locale)
    return text.replace("_", "-") if LOCALE.fullmatch(text) else None


def render(block: str, src: str, nonce: str | None, preload: str) -> Markup:
    """The data block, which ``script_json`` wrote, and the script tag."""
    attribute = f' nonce="{nonce}"' if nonce and NONCE.fullmatch(nonce) else ""
    data = f'<script type="application/json" id="livechat"{attribute}>{block}</script>\n'
    text = f'{data}<script defer src="{src}"{attribute}></script>'
    return Markup(preload + text)  # noqa: S704 - all parts are escaped or checked  # nosec B704


def preload_link(script: str, crossorigin: str | None, nonce: str | None) -> str:
    """A preload that matches the loader's later request exactly, so that the vendor's script is fetched once."""
    cors = Markup(' crossorigin="{}"').format(crossorigin) if crossorigin else Markup("")
    attribute = Markup(' nonce="{}"').format(nonce) if nonce and NONCE.fullmatch(nonce) else Markup("")
    return str(Markup('<link rel="preload" as="script" href="{}"{}{}>\n').format(script, cors, attribute))


def button(label: str, attributes: Mapping[str, Any]) -> Markup:
    """A launcher of the page's own: a real button that opens the chat."""
    given = {"type": "button", "data_livechat_open": True} | dict(attributes)
    return Markup("<button{}>{}</button>").format(_attributes(given), escape(label))


def link(label: str, href: str, attributes: Mapping[str, Any], *, opens: bool) -> Markup:
    """A launcher that leads to the fallback where none of our files comes. Or only that, on a page without chat."""
    launcher = {"data_livechat_open": True} if opens else {}
    given = {name: value for name, value in attributes.items() if opens or not name.startswith("data_livechat")}
    return Markup("<a{}>{}</a>").format(_attributes(launcher | given | {"href": href}), escape(label))


def _attributes(given: Mapping[str, Any]) -> Markup:
    """``class_="x", data_y=True`` as HTML attributes. A name that would not be one is left out."""
    named = {name.rstrip("_").replace("_", "-"): value for name, value in given.items()}
    return Markup("").join(
        Markup(" {}").format(name) if value is True else Markup(' {}="{}"').format(name, value)
        for name, value in named.items()
        if value is not None and value is not False and re.fullmatch(r"[A-Za-z][\w:.-]*", name)
    )


def room_of(decision: Decision) -> Provider:
    """The room that a decision to show names."""
    return providers.load(str(decision.provider))

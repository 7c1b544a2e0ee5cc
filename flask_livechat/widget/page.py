"""Settings + Decision + Visitor -> payload -> Markup. Holds the one function that puts JSON into HTML."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape

from .. import providers, signing
from ..model import Decision, Page, Value, Visitor
from ..providers import Provider
from ..settings import LOCALE, POSITION, Settings

NONCE = re.compile(r"[A-Za-z0-9+/_=-]+")
ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&'\u2028\u2029"}


@dataclass(frozen=True, slots=True)
class Identity:
    """What a page may say of its visitor. Nothing at all where ``visitor`` is None."""

    visitor: Mapping[str, Any] | None
    proof: Mapping[str, Any] | None
    who: str


NOBODY = Identity(None, None, "")


def script_json(value: Any) -> Markup:
    """JSON that no value can leave, inside a script element or an attribute. The only escaping point."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return Markup(text.translate(ESCAPES))  # noqa: S704 - this is where the escaping is done


def identify(
    settings: Settings, room: Provider, visitor: Visitor | None, key: str | bytes | None, now: datetime
) -> Identity:
    """Who the visitor is, with the vendor's proof. Without a proof nobody, unless the app allows that.

    ``key`` is the app's SECRET_KEY, under which ``who`` is a digest that says nothing about the id.
    """
    if visitor is None:
        return NOBODY
    values = settings.providers[room.name]
    proof = room.prove(values, visitor, int(now.timestamp()), settings.token_ttl)
    if not (proof and values.get(room.identity)) and not settings.allow_unverified:
        return NOBODY
    # Without a SECRET_KEY there is no login to protect, but two visitors must still differ.
    digest = signing.hmac_hex(key or settings.url_prefix, f"livechat-who:{room.name}:{visitor.id}")
    return Identity(room.visitor(values, visitor), proof, digest[:32])


def page_settings(
    settings: Settings, decision: Decision, room: Provider, locale: str | None, consent: str, now: datetime
) -> dict[str, Any]:
    """Public ids and looks. Defaults are left out: the loader knows them."""
    closed = settings.office_hours is not None and not settings.office_hours.is_open(now)
    looks = {
        "position": dict(settings.position) if settings.position != POSITION else None,
        "mobile": "hide" if decision.mobile == "hide" else None,
        "launcher": settings.launcher if settings.launcher != "vendor" else None,
        "offline": decision.offline if decision.offline != "show" else None,
        "closed": closed or None,
        "consent": consent if consent != "implied" else None,
        "fallback": settings.fallback_url,
        "tour": decision.tour,
        "locale": locale_tag(locale),
        # Says that `who` is empty on purpose, and not because the page is a copy from before a login.
        "identify": None if decision.identify else False,
    }
    return room.settings(settings.providers[room.name]) | {
        name: look for name, look in looks.items() if look is not None
    }


def locale_tag(locale: Any) -> str | None:
    """``pt_BR`` and ``pt-BR`` as ``pt-BR``; None for what is no language tag."""
    text = "" if locale is None else str(locale)
    return text.replace("_", "-") if LOCALE.fullmatch(text) else None


def context(room: Provider, attributes: Mapping[str, Value]) -> dict[str, Any]:
    """Attributes for agents, within the vendor's limits."""
    return room.attributes(attributes)


def render(page: Page, src: str, nonce: str | None, preload: Markup) -> Markup:
    """The data block and the script tag."""
    attribute = Markup(' nonce="{}"').format(nonce) if nonce and NONCE.fullmatch(nonce) else Markup("")
    return Markup(
        '{}<script type="application/json" id="livechat"{}>{}</script>\n<script defer src="{}"{}></script>'
    ).format(preload, attribute, script_json(page.payload()), src, attribute)


def preload_link(room: Provider, script: str, crossorigin: str | None, nonce: str | None) -> Markup:
    """A preload that matches the loader's later request exactly, so that the vendor's script is fetched once."""
    cors = Markup(' crossorigin="{}"').format(crossorigin) if crossorigin else Markup("")
    attribute = Markup(' nonce="{}"').format(nonce) if nonce and NONCE.fullmatch(nonce) else Markup("")
    return Markup('<link rel="preload" as="script" href="{}"{}{}>\n').format(script, cors, attribute)


def button(label: str, attributes: Mapping[str, Any]) -> Markup:
    """A launcher of the page's own: a real button that opens the chat."""
    given = {"type": "button", "data_livechat_open": True} | dict(attributes)
    return Markup("<button{}>{}</button>").format(_attributes(given), escape(label))


def link(label: str, href: str, attributes: Mapping[str, Any]) -> Markup:
    """The same place on a page without chat."""
    given = {name: value for name, value in attributes.items() if not name.startswith("data_livechat")}
    return Markup("<a{}>{}</a>").format(_attributes(given | {"href": href}), escape(label))


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

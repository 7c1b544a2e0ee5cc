"""Settings + Decision + Identity + context -> payload -> Markup. The one place that puts JSON into HTML. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from markupsafe import Markup, escape

from .. import providers
from ..model import Decision, Value
from ..options import LOCALE, POSITION
from ..settings import Settings
from .assets import NO_VENDOR
from .csp import NONCE

ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False)
ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&'"}


def script_json(value: Any) -> str:
    """JSON that no value can leave, inside a script element or an attribute. The only escaping point."""
    text = ENCODER.encode(value)  # ASCII: all else is escaped by now
    is_safe = "<" not in text and ">" not in text and "&" not in text and "'" not in text
    return text if is_safe else text.translate(ESCAPES)


def build(
    settings: Settings,
    decision: Decision,
    *,
    visitor: Mapping[str, Any] | None = None,
    proof: Mapping[str, Any] | None = None,
    context: Mapping[str, Value],
    events: Sequence[Mapping[str, Any]] = (),
    who: str | None,
    left: bool = False,
    locale: str | None,
    consent: str,
    closed: bool,
    panel: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The payload of a page: its keys in the order of the contract (spec §5).

    ``who`` is None where the loader asks the server. ``context`` is brought within the vendor's limits here.
    """
    provider = providers.load(str(decision.provider))
    looks = _looks(settings, decision, locale=locale, consent=consent, closed=closed)
    if panel is not None:
        looks["help"] = panel
    return {
        "provider": provider.name,
        "load": decision.load,
        "settings": provider.settings(settings.providers[provider.name]) | looks,
        "visitor": visitor,
        "proof": proof,
        "context": provider.attributes(context),
        "events": events,
        "who": who,
        "left": left,
    }


def build_without_vendor(
    config: Settings, decision: Decision, *, locale: str | None, closed: bool, panel: Mapping[str, Any]
) -> dict[str, Any]:
    """The payload of a page that has the help panel and no vendor: it names nobody."""
    looks = _looks(config, replace(decision, identify=True), locale=locale, consent="implied", closed=closed)
    return {
        "provider": NO_VENDOR,
        "load": decision.load,
        "settings": {**looks, "help": panel},
        "visitor": None,
        "proof": None,
        "context": {},
        "events": [],
        "who": "",
        "left": False,
    }


def _looks(config: Settings, decision: Decision, *, locale: str | None, consent: str, closed: bool) -> dict[str, Any]:
    """What the page says of its chat's looks. Defaults are left out: the loader knows them."""
    looks: dict[str, Any] = {}
    if config.position != POSITION:
        looks["position"] = dict(config.position)
    if decision.mobile == "hide":
        looks["mobile"] = "hide"
    if config.launcher != "vendor":
        looks["launcher"] = config.launcher
    if decision.offline != "show":
        looks["offline"] = decision.offline
    if closed:
        looks["closed"] = True
    if consent != "implied":
        looks["consent"] = consent
    if decision.tour is not None:
        looks["tour"] = decision.tour
    if decision.start is not None:
        looks["start"] = decision.start
    if decision.once is not True and {"tour", "start"} & looks.keys():
        looks["once"] = decision.once  # by default once
    if locale is not None:
        looks["locale"] = locale
    if not decision.identify:
        # Says that ``who`` is empty on purpose, and not because the page is a copy from before a login.
        looks["identify"] = False
    return looks


def locale_tag(locale: Any) -> str | None:
    """``pt_BR`` and ``pt-BR`` as ``pt-BR``; None for what is no language tag."""
    text = "" if locale is None else str(locale)
    return text.replace("_", "-") if LOCALE.fullmatch(text) else None


def render(payload: Mapping[str, Any], src: str, nonce: str | None, preload: str) -> Markup:
    """The data block and the script tag. ``src`` and ``preload`` are HTML already."""
    attribute = f' nonce="{nonce}"' if nonce and NONCE.fullmatch(nonce) else ""
    data = f'<script type="application/json" id="livechat"{attribute}>{script_json(payload)}</script>\n'
    text = f'{data}<script defer src="{src}"{attribute}></script>'
    return Markup(preload + text)  # noqa: S704 - all parts are escaped or checked  # nosec B704


def preload_link(script: str, crossorigin: str | None, nonce: str | None) -> str:
    """A preload that matches the loader's later request exactly, so that the vendor's script is fetched once."""
    cors = Markup(' crossorigin="{}"').format(crossorigin) if crossorigin else Markup("")
    attribute = Markup(' nonce="{}"').format(nonce) if nonce and NONCE.fullmatch(nonce) else Markup("")
    return str(Markup('<link rel="preload" as="script" href="{}"{}{}>\n').format(script, cors, attribute))


def button(label: str, attributes: Mapping[str, Any]) -> Markup:
    """A launcher of the page's own: a real button that opens the chat."""
    values = {"type": "button", "data_livechat_open": True} | dict(attributes)
    return Markup("<button{}>{}</button>").format(_attributes(values), escape(label))


def link(label: str, href: str, attributes: Mapping[str, Any], *, opens: bool) -> Markup:
    """A launcher that leads to the fallback where none of our files comes. Or only that, on a page without chat."""
    launcher = {"data_livechat_open": True} if opens else {}
    values = {name: value for name, value in attributes.items() if opens or not name.startswith("data_livechat")}
    return Markup("<a{}>{}</a>").format(_attributes(launcher | values | {"href": href}), escape(label))


def _attributes(values: Mapping[str, Any]) -> Markup:
    """``class_="x", data_y=True`` as HTML attributes. A name that would not be one is left out."""
    named = {name.rstrip("_").replace("_", "-"): value for name, value in values.items()}
    return Markup("").join(
        Markup(" {}").format(name) if value is True else Markup(' {}="{}"').format(name, value)
        for name, value in named.items()
        if value is not None and value is not False and re.fullmatch(r"[A-Za-z][\w:.-]*", name)
    )

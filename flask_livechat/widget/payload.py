"""Settings + Decision + Identity + context -> payload -> Markup. The one place that puts JSON into HTML. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
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
    config: Settings,
    decision: Decision,
    appearance: dict[str, Any],
    *,
    visitor: Mapping[str, Any] | None = None,
    proof: Mapping[str, Any] | None = None,
    context: Mapping[str, Value],
    events: Sequence[Mapping[str, Any]] = (),
    who: str | None,
    left: bool = False,
) -> dict[str, Any]:
    """The payload of a page: its keys in the order of the contract (spec §5).

    ``who`` is None where the loader asks the server. ``context`` is brought within the vendor's limits here. A page
    without a vendor has the help panel alone.
    """
    provider = None if decision.provider is None else providers.load(decision.provider)
    return {
        "provider": NO_VENDOR if provider is None else provider.name,
        "load": decision.load,
        "settings": appearance if provider is None else provider.settings(config.providers[provider.name]) | appearance,
        "visitor": visitor,
        "proof": proof,
        "context": {} if provider is None else provider.attributes(context),
        "events": events,
        "who": who,
        "left": left,
    }


def appearance(
    config: Settings,
    decision: Decision,
    *,
    locale: object = None,
    consent: str = "implied",
    closed: bool = False,
    panel: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What the page says of how its chat looks and starts. Defaults are left out: the loader knows them.

    A ``locale`` may be written as ``pt_BR``. One that is no language tag is left out.
    """
    fields: dict[str, Any] = {}
    if config.position != POSITION:
        fields["position"] = dict(config.position)
    if decision.mobile == "hide":
        fields["mobile"] = "hide"
    if config.launcher != "vendor":
        fields["launcher"] = config.launcher
    if decision.offline != "show":
        fields["offline"] = decision.offline
    if closed:
        fields["closed"] = True
    if consent != "implied":
        fields["consent"] = consent
    if decision.tour is not None:
        fields["tour"] = decision.tour
    if decision.start is not None:
        fields["start"] = decision.start
    if decision.once is not True and {"tour", "start"} & fields.keys():
        fields["once"] = decision.once  # by default once
    if locale and LOCALE.fullmatch(str(locale)):
        fields["locale"] = str(locale).replace("_", "-")
    if not decision.identify and decision.provider is not None:
        # Says that ``who`` is empty on purpose, and not because the page is a copy from before a login.
        fields["identify"] = False
    if panel is not None:
        fields["help"] = panel
    return fields


def render(data: str, src: str, nonce: str | None, preload: str) -> Markup:
    """The data block and the script tag. ``data`` is of ``script_json``; ``src`` and ``preload`` are HTML already."""
    attribute = f' nonce="{nonce}"' if nonce and NONCE.fullmatch(nonce) else ""
    block = f'<script type="application/json" id="livechat"{attribute}>{data}</script>'
    loader = f'<script defer src="{src}"{attribute}></script>'
    return Markup(f"{preload}{block}\n{loader}")  # noqa: S704 - all parts are escaped or checked  # nosec B704


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

"""The journey of a page's tag, top to bottom: decide, identify, collect context, write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote

from flask import url_for
from markupsafe import Markup, escape

from .. import providers
from ..model import Decision, Value, Visitor
from ..same_origin import same_origin
from ..settings import Settings, livechat_config
from ..state import State, call_app, name_of, safely, warn_once
from . import context, logout, payload, rules, segments, session_store
from .addresses import of_request
from .assets import HELP, NO_VENDOR
from .decide import checked_rule, decide
from .identity import ANONYMOUS, Identity, identify, load_visitor, may_be_personal
from .request_state import RequestState, Tag
from .sensitive_urls import Address

NOTHING = Markup("")


class Personal(NamedTuple):
    """All that a page says of its visitor."""

    identity: Identity = ANONYMOUS
    attributes: Mapping[str, Value] = MappingProxyType({})
    events: Sequence[dict[str, Any]] = ()
    left: bool = False  # the last visitor of this browser has logged out


NOTHING_PERSONAL = Personal()


def write_tag(state: State, req: RequestState, overrides: Mapping[str, Any]) -> Markup:
    """``{{ livechat() }}``: the tag of this page. Nothing where there is no chat, or the page has its tag already."""
    error = context.handled_error()
    own = [checked_rule("template", overrides)] if overrides else []
    if not (state.runtime.has_checked_config and state.settings.providers):
        _warn_of_late_config(state, req)
    # An error page is another page of the same request, and the first may have got as far as its tag.
    if req.tagged_page == (error,) or not (state.settings.providers or state.settings.uses_help):
        return NOTHING
    address = of_request(req.request)
    decision = decide(state, req.app, address, own)
    tag = make_tag(state, req, address, decision, error)
    if tag is None:
        return NOTHING
    req.tagged_page = (error,)
    req.tags.append(tag)
    return tag.markup


def make_tag(
    state: State, req: RequestState, address: Address, decision: Decision, error: BaseException | None
) -> Tag | None:
    """Identify the visitor, collect what agents see, and write it. None where the page has neither chat nor help.

    A page without a vendor may have the help panel. It holds no identity.
    """
    name, now = decision.provider, state.now()
    if not decision.show and decision.sources["show"] != rules.NO_PROVIDER:
        return None
    panel = None
    if decision.help != "off" and error is None:  # a visitor who met an error wants a person
        panel = safely("the help panel", lambda: state.livechat.help_panel(decision), None)
    if name is None and panel is None:
        return None
    personal = collect_personal(state, req, name, decision, now) if name else NOTHING_PERSONAL
    consent = consent_of(state, req) if name else "implied"
    is_fetched = name and decision.identify and (state.settings.identity_delivery == "fetch" or req.is_finished)
    data = payload.build(
        state.settings,
        decision,
        _appearance(state.settings, decision, now, consent, panel),
        visitor=personal.identity.visitor,
        proof=personal.identity.proof,
        context={**context.of_page(req, address, error), **personal.attributes},
        events=personal.events,
        who=None if is_fetched else personal.identity.who,
        left=personal.left,
    )
    text = payload.script_json(data)
    # Before help, nothing of the vendor's is loaded.
    is_preloaded = decision.preload and consent == "implied" and panel is None
    markup = _write(state, req, decision, text, has_help=panel is not None, is_preloaded=is_preloaded)
    is_private = personal is not NOTHING_PERSONAL or bool(name and is_consent_personal(state, req))
    return Tag(markup, text, decision, is_private)


def _appearance(
    config: Settings, decision: Decision, now: datetime, consent: str, panel: Mapping[str, Any] | None
) -> dict[str, Any]:
    locale = call_app(config.locale, None, "LIVECHAT_LOCALE") if callable(config.locale) else config.locale
    is_closed = config.office_hours is not None and not config.office_hours.is_open(now)
    return payload.appearance(config, decision, locale=locale, consent=consent, closed=is_closed, panel=panel)


def _write(
    state: State, req: RequestState, decision: Decision, data: str, *, has_help: bool, is_preloaded: bool
) -> Markup:
    """Put the data block into HTML, with the script that reads it, and announce the vendor's script."""
    config, nonce, name = state.settings, nonce_of(state, req), decision.provider
    preload = _preload(config, decision, nonce) if is_preloaded and name else ""
    script = f"{name or NO_VENDOR}-{HELP}" if config.uses_help or has_help else str(name)
    return payload.render(data, _script_url(state, req, script), nonce, preload)


def collect_personal(state: State, req: RequestState, name: str, decision: Decision, now: datetime) -> Personal:
    """What the page says of its visitor: nothing where the loader fetches it, or there is nothing to say."""
    # What is rendered while the response already streams can no longer be made private: the loader fetches it.
    if state.settings.identity_delivery == "fetch" or req.is_finished or not may_be_personal(state, req):
        return NOTHING_PERSONAL
    identity = identify(state, req, name, now) if decision.identify else ANONYMOUS
    attributes, events = collect_context_and_events(state, req, identity, now)
    events += segments.deliver(req, name, identity.visitor)
    has_mark = logout.MARK in req.environ.get("HTTP_COOKIE", "")  # without reading all of them
    left = has_mark and logout.marked(req.request, state.settings, name)
    if identity is ANONYMOUS and not (attributes or events or left):
        return NOTHING_PERSONAL
    return Personal(identity, attributes, events, left)


def collect_context_and_events(
    state: State, req: RequestState, identity: Identity, now: datetime
) -> tuple[dict[str, Value], list[dict[str, Any]]]:
    """What agents see of the visitor: what loaders and views say, the last actions, the account's age. And events."""
    loader = state.callbacks.context_loader
    loaded: dict[str, Value] = call_app(lambda: dict(loader()), {}, name_of(loader)) if loader else {}
    visitor = None if identity is ANONYMOUS else req.visitor
    actions, waiting, events = session_store.recall(req)
    attributes = {**loaded, **req.context, **waiting}
    if visitor and visitor.created_at:
        attributes["account_age_days"] = max(0, (now - visitor.created_at).days)
    if actions:
        attributes["last_actions"] = ", ".join(actions)
    return attributes, events


def write_button(state: State, req: RequestState, label: str, attributes: Mapping[str, Any]) -> Markup:
    """``{{ livechat_button() }}``: a link where there is a fallback, else a button where there is chat."""
    config = state.settings
    if not (config.providers or config.uses_help):
        return NOTHING
    address = of_request(req.request)
    decision = safely("livechat_button()", lambda: decide(state, req.app, address), None)
    opens = decision is not None and (decision.show or make_tag(state, req, address, decision, None) is not None)
    href = config.fallback_url
    if config.article_pages and decision is not None and decision.help != "off":
        href = same_origin(url_for("livechat_help.search"))
    if href:
        return payload.link(label, href, attributes, opens=opens)
    return payload.button(label, attributes) if opens else NOTHING


def identity_payload(state: State, req: RequestState, name: str) -> dict[str, Any]:
    """What ``GET /livechat/identity`` answers: everything personal that a page in ``fetch`` mode leaves out."""
    now = state.now()
    identity = identify(state, req, name, now)
    attributes, events = collect_context_and_events(state, req, identity, now)
    return {
        "visitor": identity.visitor,
        "proof": identity.proof,
        "who": identity.who,
        "context": providers.load(name).attributes(attributes),
        "events": events + segments.deliver(req, name, identity.visitor),
    }


def consent_of(state: State, req: RequestState) -> str:
    """A callable is the last word for its page: what the browser remembers of an earlier yes does not count."""
    ask: str | Callable[[], bool] = state.settings.consent
    if not callable(ask):
        return ask
    if req.is_finished:
        return "denied"  # what streams can no longer be made private, and the answer is one visitor's
    return "implied" if call_app(ask, False, "LIVECHAT_CONSENT") else "denied"


def is_consent_personal(state: State, req: RequestState) -> bool:
    """Whether the answer to the question of consent is one visitor's."""
    return callable(state.settings.consent) and not req.is_finished


def nonce_of(state: State, req: RequestState) -> str | None:
    """The configured nonce, or the one that Flask-Talisman made for this request."""
    configured = state.settings.nonce
    nonce: object = call_app(configured, None, "LIVECHAT_NONCE") if callable(configured) else configured
    nonce = nonce or getattr(req.request, "csp_nonce", None)
    if not nonce and configured is None and callable(ask := req.app.jinja_env.globals.get("csp_nonce")):
        nonce = call_app(ask, None, "csp_nonce")
    return str(nonce) if nonce else None


def reachable_visitor(state: State, req: RequestState, method: str) -> tuple[str, Visitor] | None:
    """The provider and the visitor whom the server may tell it of, by the same rules as the page itself."""
    decision = decide(state, req.app)
    name = decision.provider
    if not (decision.show and decision.identify and name) or consent_of(state, req) != "implied":
        return None
    api, visitor = providers.api(name), load_visitor(state, req)
    if api is None or visitor is None or method not in api.methods or not api.knows(visitor):
        return None
    values = state.settings.providers[name]
    return (name, visitor) if all(values.get(key) for key in api.needs) else None


def _script_url(state: State, req: RequestState, name: str) -> str:
    """The address of the provider's script, as HTML. To ask Flask for it costs more than the rest of the tag."""
    script = state.scripts[name]
    # Those of our own blueprints depend on the host alone. Those of others add what only Flask knows how to add.
    defaults = req.app.url_default_functions
    if defaults and any(not (name or "").startswith("livechat") for name in defaults):
        return str(escape(same_origin(url_for("livechat.script", name=name, digest=script.digest))))
    path = f"{state.settings.url_prefix}/{script.address}"
    if not req.environ.get("SCRIPT_NAME"):
        return path
    root = quote(req.request.root_path.rstrip("/"), safe="!$&'()*+,/:;=@")
    return str(escape(same_origin(root + path)))


def _preload(config: Settings, decision: Decision, nonce: str | None) -> str:
    if decision.load == "off":
        return ""
    provider = providers.load(str(decision.provider))
    if config.sandbox:
        base = same_origin(url_for("livechat.identity")).rpartition("/")[0]
        return payload.preload_link(f"{base}/sandbox/{provider.name}.js", None, nonce)
    return payload.preload_link(provider.script(config.providers[provider.name]), provider.crossorigin, nonce)


def _warn_of_late_config(state: State, req: RequestState) -> None:
    """Warn of keys that came after ours were read. At the first page: by then the app has set all that it sets."""
    state.runtime.has_checked_config = True
    snapshot, current = state.config_snapshot, livechat_config(req.app.config)
    if late := [key for key, value in current if key not in snapshot or snapshot[key] != value]:
        warn_once(f"{', '.join(late)} was set after LiveChat(app) had read the configuration. Set it before.")

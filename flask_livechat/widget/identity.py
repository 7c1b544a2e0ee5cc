"""current_user -> Visitor -> Identity: who is in front of the page, and the vendor's proof of it."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from blinker import Signal
from flask import g
from flask_login import current_user

from .. import providers, signing
from ..model import Visitor
from ..providers import Provider
from ..state import State, call_app, safely, warn_once
from .request_state import RequestState

MAX_IDENTITIES = 1024


@dataclass(frozen=True, slots=True)
class Identity:
    """What a page may say of its visitor, as the vendor takes it. ``who`` is a digest that says nothing of the id."""

    visitor: dict[str, Any] | None = field(default=None, repr=False)
    proof: dict[str, Any] | None = field(default=None, repr=False)
    who: str = ""


ANONYMOUS = Identity()


def identify(state: State, req: RequestState, name: str, now: datetime) -> Identity:
    """The visitor's identity for the provider ``name``. Without a proof it is nobody's, unless the app allows that."""
    visitor = current_visitor(state, req)
    if visitor is None:
        return ANONYMOUS
    cache, key, seconds = state.runtime.identities, req.app.secret_key, now.timestamp()
    cache_key = (name, key, visitor.cache_key())
    identity: Identity
    valid_from, valid_until, identity = cache.get(cache_key, (0.0, 0.0, ANONYMOUS))
    # Half of a proof's life is left at least. Where the clock goes back, too, no token lives longer than its own time.
    if not valid_from <= seconds < valid_until:
        identity = _sign(state, providers.load(name), visitor, key, int(seconds))
        expires = identity.proof.get("expires") if identity.proof else None
        times = (-math.inf, math.inf) if expires is None else (seconds, expires - state.settings.token_ttl / 2)
        cache_put(cache, cache_key, (*times, identity))
    return identity


def proven_visitor(state: State, req: RequestState, name: str, now: datetime) -> Visitor | None:
    """The visitor, where the provider ``name`` gets a proof of who they are; else None."""
    visitor = current_visitor(state, req)
    return visitor if visitor is not None and identify(state, req, name, now).proof else None


def _sign(state: State, provider: Provider, visitor: Visitor, key: str | bytes | None, now: int) -> Identity:
    config, values = state.settings, state.settings.providers[provider.name]
    proof, secret = provider.prove(values, visitor, now, config.token_ttl), values.get(provider.identity)
    if not (proof and secret) and not config.allow_unverified:
        signed = " or ".join(provider.proves)
        give = f"Give this visitor an {signed} that may be sent, with @livechat.visitor_loader."
        warn_once(
            f"A visitor stays anonymous for {provider.title}, whose proof is made from the visitor's {signed}. "
            + (give if secret else f"Set LIVECHAT_{provider.name.upper()}_{provider.identity}, which makes the proof.")
        )
        return ANONYMOUS
    # Without a SECRET_KEY there is no login to protect, but two visitors must still differ.
    digest = signing.hmac_hex(key or config.url_prefix, f"livechat-who:{provider.name}:{visitor.id}")
    return Identity(provider.visitor(values, visitor), proof, digest[:32])


def cache_put(cache: dict[Any, Any], key: Any, value: Any, max_entries: int | None = None) -> None:
    """Keep a cache in bounds: the oldest quarter goes. ``list`` copies in one step, since other threads write, too."""
    most = max_entries or MAX_IDENTITIES
    if len(cache) >= most:
        for oldest in list(cache)[: most // 4]:
            cache.pop(oldest, None)
    cache[key] = value


def current_visitor(state: State, req: RequestState) -> Visitor | None:
    """This page's visitor, looked for once: the identity and the context both want it."""
    if not req.is_visitor_known:
        req.is_visitor_known, req.visitor = True, load_visitor(state, req)
    return req.visitor


def load_visitor(state: State, req: RequestState) -> Visitor | None:
    """The visitor as of now. Nobody while staff look at the site as somebody else, or where that cannot be told."""
    is_impersonating = state.callbacks.impersonating
    if is_impersonating is not None and call_app(is_impersonating, True):
        return None
    load: Callable[[Any], Visitor | None] = state.callbacks.visitor_loader or visitor_of_user

    def ask() -> Visitor | None:
        if hasattr(req.app, "login_manager"):
            user = logged_in_user(req)
            visitor = None if user is None else load(user)
        else:
            visitor = load(None) if state.callbacks.visitor_loader else None
        if visitor is not None and not isinstance(visitor, Visitor):
            raise TypeError(f"a visitor_loader returns a Visitor or None, not {type(visitor).__name__}")
        return visitor

    return safely(load, ask, None)


def may_be_personal(state: State, req: RequestState) -> bool:
    """Whether anything in this request could tell who the visitor is, or say something of them.

    Where nothing can, neither the session nor the login is asked, so that the page stays cacheable.
    """
    manager = getattr(req.app, "login_manager", None)
    loader = state.callbacks.visitor_loader if manager is None else getattr(manager, "_request_callback", None)
    return bool(
        "HTTP_COOKIE" in req.environ
        or getattr(g.get("_login_user"), "is_authenticated", False)  # flask-login notes nobody, too
        or loader
        or req.context
        or req.events
        or req.segments
        or req.writes_session
        or state.callbacks.context_loader
    )


def visitor_of_user(user: Any) -> Visitor | None:
    """A flask-login user as a visitor; None without an ``id``.

    ``get_id()`` is not asked: a class may override it to give a secret session token, which must not leave the server.
    """
    identifier = getattr(user, "id", None)
    if identifier is None or identifier == "":
        warn_once(f"{type(user).__name__} has no id: say who the visitor is with @livechat.visitor_loader.")
        return None

    def text(name: str) -> str | None:
        value = getattr(user, name, None)
        return value if isinstance(value, str) else None

    created_at, is_verified = getattr(user, "created_at", None), getattr(user, "email_verified", None)
    if not isinstance(created_at, datetime):
        created_at = None
    elif created_at.utcoffset() is None:  # databases without time zones (SQLite) mean UTC, by custom
        created_at = created_at.replace(tzinfo=UTC)
    return Visitor(
        id=str(identifier),
        email=text("email"),
        name=text("name") or text("full_name") or text("username"),
        created_at=created_at,
        email_verified=is_verified if isinstance(is_verified, bool) else None,
    )


def logged_in_user(req: RequestState) -> Any:
    """flask-login's user, or None for an anonymous one.

    Asking flask-login reads the session, which makes a response vary by cookie. A request that brings nothing to log
    in with is anonymous without asking, so its page stays cacheable.
    """
    manager = getattr(req.app, "login_manager", None)
    user = g.get("_login_user")  # flask-login's own note of who it is
    if user is None:
        brings_a_login = manager is not None and (
            req.has_session_cookie
            or getattr(manager, "_request_callback", None) is not None
            or req.app.config.get("REMEMBER_COOKIE_NAME", "remember_token") in req.request.cookies
        )
        if not brings_a_login:
            return None
        user = current_user._get_current_object()
    return user if user.is_authenticated else None


def signal_of(manager: Any, name: str) -> Signal | None:
    """The signal of the Flask-Login that a login manager is of: the usual one, a fork, or a copy within the app."""
    for kind in type(manager).__mro__:
        package = kind.__module__
        while package:
            for module in (package, f"{package}.signals"):
                signal = getattr(sys.modules.get(module), name, None)
                if isinstance(signal, Signal):
                    return signal
            package = package.rpartition(".")[0]
    return None

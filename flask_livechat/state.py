"""What one app has of this package: its ``State``, made once, and its ``Runtime``, which changes while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from flask import Flask, current_app, has_request_context, request

from .errors import what_failed
from .limits import Breaker, LineLimit
from .model import Event, Value, Visitor
from .rate_limit import PerMinute
from .settings import Settings
from .widget.assets import Script
from .widget.browser_reports import MAX_OPENS, MAX_OPENS_OF_CLIENT, Failures
from .widget.csp_reports import Reports
from .widget.rules import Rule
from .widget.secret_scanner import SecretScanner

T = TypeVar("T")
PROBE_KEY = "flask_livechat.probe"
"""Marks the requests of the doctor and of ``explain``. No client can set it: what one sends is named ``HTTP_…``."""


@dataclass(slots=True)
class Callbacks:
    """What has been registered on a ``LiveChat``. Several apps of one ``LiveChat`` share it."""

    visitor_loader: Callable[[Any], Visitor | None] | None = None
    context_loader: Callable[[], Mapping[str, Value]] | None = None
    impersonating: Callable[[], bool] | None = None
    start_once: Callable[[Visitor, str], bool] | None = None
    staff_required: Callable[[], bool] | None = None
    profile: Callable[[Visitor], Mapping[str, Any]] | None = None
    people: Callable[[], Iterable[tuple[str, datetime, bool]]] | None = None
    blueprint_rules: dict[str, Rule] = field(default_factory=dict)
    handlers: dict[str, list[Callable[[Event], Any]]] = field(default_factory=dict)
    flows: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    answers: dict[str, Callable[..., Any]] = field(default_factory=dict)
    wants_human: Callable[[str], bool] | None = None


@dataclass(slots=True)
class Runtime:
    """What changes while an app runs. The parts of the desk and of the sandbox are loaded on first use."""

    identities: dict[Any, Any] = field(default_factory=dict)  # signed ones, by all that they are made of
    failures: Failures = field(default_factory=Failures)
    opens: PerMinute = field(default_factory=lambda: PerMinute(MAX_OPENS, MAX_OPENS_OF_CLIENT))
    starts: PerMinute = field(default_factory=lambda: PerMinute(MAX_OPENS, MAX_OPENS_OF_CLIENT))
    database_errors: LineLimit = field(default_factory=LineLimit)
    breaker: Breaker = field(default_factory=Breaker)  # of what browsers ask of the database in the background
    warnings: set[str] = field(default_factory=set)
    has_checked_config: bool = False  # whether late changes of the configuration have been looked for
    store: Any = None
    flows: Any = None
    flow_steps: PerMinute = field(default_factory=lambda: PerMinute(MAX_OPENS, MAX_OPENS_OF_CLIENT))
    suggestions: PerMinute = field(default_factory=lambda: PerMinute(MAX_OPENS, MAX_OPENS_OF_CLIENT))
    outreach: Any = None
    automations: dict[str, Any] = field(default_factory=dict)
    articles: Any = None
    sandbox: Any = None
    sandbox_url: str | None = None  # where another process, such as a worker, finds the sandbox
    sandbox_sender: Any = None
    pruned_at: datetime | None = None  # when this process has last deleted old events


@dataclass(frozen=True, slots=True)
class State:
    """What one app has: its settings, and what was made from them."""

    livechat: Any = field(repr=False)  # the ``LiveChat``, whose class stands above this file
    settings: Settings
    callbacks: Callbacks = field(repr=False)
    scripts: Mapping[str, Script] = field(repr=False)
    stores_events: bool
    reports: Reports
    secret_scanner: SecretScanner | None = field(repr=False)
    config_snapshot: Mapping[str, object] = field(repr=False)
    runtime: Runtime = field(default_factory=Runtime, repr=False)

    @property
    def has_flows(self) -> bool:
        return self.settings.flows is not None or bool(self.callbacks.flows)

    def now(self) -> datetime:
        now: datetime = self.livechat.now()
        return now


def current_flask() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # a method of the proxy
    return app


def current_state(app: Flask = current_app) -> State:
    """The state of ``app``. Raises ``RuntimeError`` for an app that has none."""
    state = app.extensions.get("livechat")
    if not isinstance(state, State):
        raise RuntimeError("LiveChat is not set up on this app: call livechat.init_app(app).")
    return state


def call_app(callback: Callable[[], T], default: T, name: str | None = None) -> T:
    """Call one of the app's own callables. When it raises, return ``default`` as ``safely`` does."""
    return safely(name or callback, callback, default)


def safely(name: str | Callable[..., Any], call: Callable[[], T], default: T) -> T:
    """Return what ``call`` returns. An error is raised in debug and tests; else it is logged, and ``default`` returned.

    The log names what failed (``name``, or that of the app's own callable), the error's type and the line. It has
    neither the error's text nor its traceback, which may hold what nobody should read in a log.
    """
    try:
        return call()
    except Exception as error:
        is_probe = has_request_context() and PROBE_KEY in request.environ  # which lists all failures
        if (current_app.debug or current_app.testing) and not is_probe:
            raise
        failure = f"{name if isinstance(name, str) else name_of(name)} failed with {what_failed(error)}"
        current_app.logger.error("livechat: %s.", failure)
        if has_request_context():
            request_failures().append(failure)
        return default


def request_failures() -> list[str]:
    """The failures of the app's own callables in this request, for the doctor."""
    current = request._get_current_object()  # type: ignore[attr-defined]  # a method of the proxy
    failures: list[str] = current.__dict__.setdefault("flask_livechat.failures", [])
    return failures


def name_of(callback: Any) -> str:
    return getattr(callback, "__qualname__", type(callback).__name__)


def warn_once(message: str) -> None:
    warnings = current_state().runtime.warnings
    if message not in warnings:
        warnings.add(message)
        current_app.logger.warning("livechat: %s", message)

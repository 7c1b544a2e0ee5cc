"""What an app registers on its ``LiveChat``: its own callables, and the rules of its views."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from flask import Blueprint

from . import signals
from .errors import ConfigError, Problem
from .model import Value, Visitor
from .state import Callbacks
from .widget.decide import add_view_rule, checked_rule

F = TypeVar("F", bound=Callable[..., Any])
# What a decorator takes and gives back as it was.
LoadVisitor = TypeVar("LoadVisitor", bound=Callable[[Any], Visitor | None])
LoadContext = TypeVar("LoadContext", bound=Callable[[], Mapping[str, Value]])
Ask = TypeVar("Ask", bound=Callable[[], bool])
FirstStart = TypeVar("FirstStart", bound=Callable[[Visitor, str], bool])
AskText = TypeVar("AskText", bound=Callable[[str], bool])
LoadProfile = TypeVar("LoadProfile", bound=Callable[[Visitor], Mapping[str, Any]])
LoadPeople = TypeVar("LoadPeople", bound=Callable[[], Iterable[tuple[str, datetime, bool]]])


class Registrations:
    """The decorators of ``LiveChat``. Several apps of one ``LiveChat`` share the registered functions."""

    def __init__(self) -> None:
        self._callbacks = Callbacks()

    def visitor_loader(self, load: LoadVisitor) -> LoadVisitor:
        """Register ``f(user) -> Visitor | None``. Without Flask-Login's LoginManager it is called with ``None``."""
        self._callbacks.visitor_loader = load
        return load

    def context_loader(self, load: LoadContext) -> LoadContext:
        """Register ``f() -> mapping``: attributes for agents. It is called once for each page."""
        self._callbacks.context_loader = load
        return load

    def impersonating(self, ask: Ask) -> Ask:
        """Register ``f() -> bool``. While it returns True no identity is sent, so staff do not chat as the customer."""
        self._callbacks.impersonating = ask
        return ask

    def start_once(self, ask: FirstStart) -> FirstStart:
        """Register ``f(visitor, content) -> bool`` for ``once="server"``: whether it is this visitor's first time.

        It is called right before a browser starts ``content``, such as "tour:7", and has to remember the call. If two
        browsers ask at once, it must return True to only one of them; a table with a unique constraint on both columns
        does that. If it raises, nothing starts.
        """
        self._callbacks.start_once = ask
        return ask

    def staff_required(self, ask: Ask) -> Ask:
        """Register ``f() -> bool``: whether this request may see the metrics and the inbox. Without it no request
        may.
        """
        self._callbacks.staff_required = ask
        return ask

    def profile(self, load: LoadProfile) -> LoadProfile:
        """Register ``f(visitor) -> mapping``: data about the visitor that the inbox shows beside the conversation.

        The visitor has the id and the email that the vendor delivers. If it delivers no id, ``id`` is the email.
        """
        self._callbacks.profile = load
        return load

    def people(self, load: LoadPeople) -> LoadPeople:
        """Register ``f() -> iterable of (id, signed_up_at, stayed)``: the people of ``livechat.cohort``."""
        self._callbacks.people = load
        return load

    def rule(self, **fields: Any) -> Callable[[F], F]:
        """Set a rule for one view, above or below ``@app.route``. Raises ``ConfigError`` for a wrong field."""
        return partial(add_view_rule, fields)

    def rule_for(self, blueprint: Blueprint | str, **fields: Any) -> None:
        """Set a rule for every view of a blueprint. Raises ``ConfigError`` for a wrong field."""
        name = blueprint if isinstance(blueprint, str) else blueprint.name
        self._callbacks.blueprint_rules[name] = checked_rule(f"livechat.rule_for({name!r})", fields)

    def on(self, kind: str) -> Callable[[F], F]:
        """Register ``f(event)`` for a kind of event from webhooks: ``"message"``, ``"conversation_started"``, …

        It is called by ``flask livechat work`` or Celery, in an app context, and called again later if it raises.
        Raises ``ValueError`` for a kind that does not exist.
        """
        signal = signals.BY_KIND.get(kind)
        if signal is None:
            raise ValueError(f"{kind!r} is not a kind of event; the kinds are {', '.join(signals.BY_KIND)}")

        def decorate(handler: F) -> F:
            self._callbacks.handlers.setdefault(kind, []).append(handler)
            return handler

        return decorate

    def flow(self, name: str, table: Mapping[str, Any]) -> None:
        """Register a flow: the same table as in a file of ``LIVECHAT_FLOWS``. Raises ``ConfigError`` with each
        problem.
        """
        from .help import flow_files  # noqa: PLC0415 - help is loaded on first use

        _, problems = flow_files.read(name, flow_files.source(name), table)
        if problems:
            raise ConfigError(
                [Problem("LC111", str(wrong.file), wrong.where_and_what, wrong.fix) for wrong in problems]
            )
        self._callbacks.flows[name] = table

    def answer(self, name: str) -> Callable[[F], F]:
        """Register ``f(question, articles) -> Answer | None`` for steps of flows with ``answer = "…"``.

        It runs in a thread with an app context, for at most eight seconds. A human takes over if it returns None,
        raises, is late, or names no source or a source that is not among ``articles``.
        """

        def decorate(answerer: F) -> F:
            self._callbacks.answers[name] = answerer
            return answerer

        return decorate

    def wants_human(self, ask: AskText) -> AskText:
        """Register ``f(text) -> bool``: whether a visitor of a flow asks for a person. It replaces the built-in
        words.
        """
        self._callbacks.wants_human = ask
        return ask

    @property
    def has_visitor_loader(self) -> bool:
        """Whether the app has registered its own visitor loader."""
        return self._callbacks.visitor_loader is not None

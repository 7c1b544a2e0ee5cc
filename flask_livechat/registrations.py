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
        """Say what the pages of one view get. The decorator stands above or below ``@app.route``.

        A field that is left out comes from a weaker rule, else from the configuration. Raises ``ConfigError`` (LC105)
        when the view is defined, for a field or a value that there is not. A page that ``decide`` gives a vendor
        without keys raises it, too.

        :param when: a callable without arguments that is asked for each request: whether the rule holds. None
            (default): it always does. If the callable raises, the rule does not hold; in debug mode and in tests the
            exception is raised.
        :param show: a bool: whether there is chat. By default there is, where a vendor is configured, except where the
            address looks like it holds a secret: there only ``show=True`` shows it.
        :param provider: the name of a vendor whose keys are set. Default: ``LIVECHAT_PROVIDER``.
        :param load: when the vendor's script is loaded: ``"eager"``, ``"idle"``, ``"delay:SECONDS"`` (0 to 99999.999
            seconds after the page's load event), ``"scroll"``, ``"interaction"``, ``"visible:SELECTOR"`` (a CSS
            selector), ``"intent"``, ``"manual"`` or ``"off"``. Default: ``LIVECHAT_LOAD``.
        :param preload: a bool: whether the page has a ``<link rel="preload">`` for the vendor's script. Default:
            ``False``.
        :param mobile: ``"show"`` or ``"hide"``, for viewports up to 640 pixels wide. Default: ``LIVECHAT_MOBILE``.
        :param offline: ``"show"``, ``"hide"`` or ``"leave-message"``, for outside office hours. Default:
            ``LIVECHAT_OFFLINE``.
        :param identify: a bool: whether the vendor is told who the visitor is. Default: ``True``.
        :param start: a kind and an id of at most 100 characters that start once the vendor has loaded: ``"survey:7"``.
            The kinds are ``tour``, ``article``, ``survey``, ``checklist``, ``news``, ``ticket``, ``space``,
            ``conversation``, ``scenario`` and ``trigger``, each where the vendor can. Default: None, nothing starts.
        :param tour: the id of a tour, text or a whole number: ``start`` for tours only. Both together are an error.
            Default: None.
        :param once: ``True`` (default): ``start`` happens once for a visitor in a browser; ``"server"``: once in all
            browsers, as ``start_once`` remembers it; ``False``: on every view.
        :param help: ``"first"``: launchers open the help panel before the chat; ``"off"``: they open the chat. Default:
            ``LIVECHAT_HELP``.
        :param flow: the name of the flow that precedes a conversation in the help panel. Default: None.
        """
        return partial(add_view_rule, fields)

    def rule_for(self, blueprint: Blueprint | str, **fields: Any) -> None:
        """Say what a blueprint's pages get. A view's own rule is stronger. Raises ``ConfigError``, as ``rule`` does.

        :param blueprint: the blueprint, or its name. Blueprints within it are meant, too.
        :param fields: the same as those of ``rule``.
        """
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

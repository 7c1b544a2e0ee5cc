"""``LiveChat``: ties the widget wing to a Flask app. What it knows of one app is a frozen ``State`` on that app."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    g,
    got_request_exception,
    has_app_context,
    has_request_context,
    request,
    request_started,
    url_for,
)
from flask_login import current_user, user_logged_in, user_logged_out
from markupsafe import Markup, escape

from . import metrics_page, providers, receiver, settings, signals
from .errors import ConfigError, LiveChatError, Problem, Unsupported, what_failed
from .files import make_private
from .limits import BACKGROUND_S, Breaker, LineLimit, within
from .model import Decision, Event, Value, Visitor
from .settings import Settings
from .widget import context as page_context
from .widget import counts, csp, logout, memory, page, responses, rules, script, views, visitors
from .widget.addresses import address
from .widget.decisions import LONGEST, Decisions
from .widget.examined import EXAMINED, Examined
from .widget.failures import Failures
from .widget.guard import Guard, SecretInResponse
from .widget.page import NOBODY, Identity, Personal, Writer, keep
from .widget.rates import PerMinute
from .widget.reports import Reports
from .widget.responses import Body
from .widget.rules import Rule
from .widget.same_origin import Names, check_places, own_url, same_origin
from .widget.scope import Scope, scope
from .widget.script import Script
from .widget.secrecy import Address

if TYPE_CHECKING:
    from blinker import Signal

    from .desk.aio import AsyncDesk
    from .desk.automations import Automations
    from .desk.desk import Desk
    from .desk.erasure import Receipt
    from .desk.metrics import Metrics
    from .desk.store import Store
    from .providers import Values

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
# What a decorator takes and gives back as it was.
LoadVisitor = TypeVar("LoadVisitor", bound=Callable[[Any], Visitor | None])
LoadContext = TypeVar("LoadContext", bound=Callable[[], Mapping[str, Value]])
Ask = TypeVar("Ask", bound=Callable[[], bool])
RULE = "_livechat_rule"
NOTHING = Markup("")
SANDBOX_AT = "http://127.0.0.1:5000"  # where another process finds the sandbox, if not told otherwise
INSTEAD = "<!doctype html><title>Internal Server Error</title><h1>Internal Server Error</h1>"
# Whose calls carry no login, are signed, or are checked for the page's own origin.
CSRF_EXEMPT = frozenset(("livechat", "livechat_webhooks", "livechat_sandbox"))
CSP_HEADERS = ("Content-Security-Policy", "Content-Security-Policy-Report-Only")


@dataclass(frozen=True, slots=True)
class State:
    """What one app has: its settings, and what was made from them."""

    livechat: LiveChat
    settings: Settings
    scripts: Mapping[str, Script] = field(repr=False)
    kept: bool  # what webhooks tell is in our store
    failures: Failures
    opens: PerMinute
    unanswered: LineLimit
    breaker: Breaker  # of what browsers ask in the background
    reports: Reports
    decisions: Decisions = field(repr=False)
    writer: Writer = field(repr=False)
    guard: Guard | None = field(repr=False)
    src: Callable[[str, str, str | None, str], str] = field(repr=False)
    given: Mapping[str, object] = field(repr=False)  # the configuration, as it was read
    pages: dict[Hashable, tuple[Decision, Markup | None]] = field(default_factory=dict, repr=False)


class LiveChat:
    """Customer chat on a Flask app's pages.

    ``LiveChat(app)``, or ``LiveChat()`` and ``init_app(app)`` later. Raises ``ConfigError`` with every problem of the
    configuration, and ``RuntimeError`` for an app that has one already.
    """

    def __init__(self, app: Flask | None = None) -> None:
        self._visitor_loader: Callable[[Any], Visitor | None] | None = None
        self._context_loader: Callable[[], Mapping[str, Value]] | None = None
        self._impersonating: Callable[[], bool] | None = None
        self._staff: Callable[[], bool] | None = None
        self._blueprint_rules: dict[str, Rule] = {}
        self._handlers: dict[str, list[Callable[[Event], Any]]] = {}
        self._version = 0  # of what was registered
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, *, host: Names = None, subdomain: Names = None) -> None:
        """Read the configuration once and register the template globals, the blueprint and the commands.

        Our addresses answer on every host and subdomain of the app. ``host`` or ``subdomain``, a name or several, are
        for an app with ``host_matching`` or ``subdomain_matching`` that wants them on these alone. Raises
        ``ValueError`` for one that the app would never match.
        """
        if "livechat" in app.extensions:
            raise RuntimeError("LiveChat is already set up on this app. Use the first instance instead.")
        check_places(app, host, subdomain)
        places = {"host": host, "subdomain": subdomain}
        read = settings.read(app.config, development=bool(app.debug or app.testing))
        kept = receiver.keeps(read)
        scripts, decisions = _scripts(read, kept), Decisions(read.rules, read.defaults)
        guard = Guard(read.providers, sandbox=read.sandbox) if read.guard else None
        reports = Reports(Path(app.instance_path))
        state = State(
            self,
            read,
            scripts,
            kept,
            Failures(),
            PerMinute(counts.MOST, counts.PER_CLIENT),
            LineLimit(),
            Breaker(),
            reports,
            decisions,
            Writer(read),
            guard,
            _addresses(scripts),
            dict(settings.ours(app.config)),
        )
        app.extensions["livechat"] = state
        app.register_blueprint(views.blueprint, url_prefix=read.url_prefix, **places)
        if read.sandbox:
            _register_sandbox(app, read, places)
        self._register_receiver(app, read, places)
        request_started.connect(_before_first_request, app)
        app.context_processor(_begin_page)
        app.jinja_env.globals |= {"livechat": self.tag, "livechat_button": self.button}
        # First in the list is last to run: whatever header others set, what we merge goes into it.
        app.after_request_funcs.setdefault(None, []).insert(0, self._finish)
        user_logged_out.connect(_mark_logout, app)
        user_logged_in.connect(_ask_again, app)
        if read.on_error:
            got_request_exception.connect(self._on_error, app)
        for caution in settings.cautions(read, testing=app.testing):
            app.logger.warning("livechat: %s", caution)
        from .cli import group  # noqa: PLC0415 - click's part is needed only where there is an app

        app.cli.add_command(group)

    # What the app registers.

    def visitor_loader(self, load: LoadVisitor) -> LoadVisitor:
        """Register ``f(user) -> Visitor | None``. Without flask-login's LoginManager it is called with ``None``."""
        self._visitor_loader = load
        self._version += 1
        return load

    def context_loader(self, load: LoadContext) -> LoadContext:
        """Register ``f() -> mapping``: attributes that agents see, asked once per page."""
        self._context_loader = load
        self._version += 1
        return load

    def impersonating(self, ask: Ask) -> Ask:
        """Register ``f() -> bool``. While it says True no identity is sent: staff must not chat as somebody else."""
        self._impersonating = ask
        self._version += 1
        return ask

    def staff_required(self, ask: Ask) -> Ask:
        """Register ``f() -> bool``: whether whoever asks may see ``/livechat/metrics``. Without it nobody does: 404."""
        self._staff = ask
        return ask

    def rule(self, **fields: Any) -> Callable[[F], F]:
        """Rule for one view. Stands above or below ``@app.route``. Raises ``ConfigError`` for a wrong field."""

        def decorate(view: F) -> F:
            rule = _checked(f"@livechat.rule on {getattr(view, '__name__', _name(view))}", fields)
            above = getattr(view, RULE, None)  # a second rule on the view adds to the first, and is the stronger
            what = {**above.what, **rule.what} if isinstance(above, Rule) else rule.what
            when = rule.when or getattr(above, "when", None)
            setattr(view, RULE, replace(rule, what=what, when=when, one_view=True))
            self._version += 1
            return view

        return decorate

    def rule_for(self, blueprint: Blueprint | str, **fields: Any) -> None:
        """Rule for every view of a blueprint. Raises ``ConfigError`` for a wrong field."""
        name = blueprint if isinstance(blueprint, str) else blueprint.name
        self._blueprint_rules[name] = _checked(f"livechat.rule_for({name!r})", fields)
        self._version += 1

    def on(self, kind: str) -> Callable[[F], F]:
        """Register ``f(event)`` for a kind of event that webhooks tell: ``"message"``, ``"conversation_started"``, …

        It is called by ``flask livechat work`` or Celery, in an app context, and again later when it raises. Raises
        ``ValueError`` for a kind that there is not.
        """
        signal = signals.BY_KIND.get(kind)
        if signal is None:
            raise ValueError(f"{kind!r} is no kind of event: {', '.join(signals.BY_KIND)}")

        def decorate(handle: F) -> F:
            self._handlers.setdefault(kind, []).append(handle)
            return handle

        return decorate

    # What a view says.

    def context(self, **attributes: Value) -> None:
        """Add attributes for agents to this request's page."""
        if self.settings.identity_delivery == "fetch":
            self._guard("context", lambda: memory.add_context(attributes), None)
        else:
            scope().context |= attributes

    def action(self, name: str) -> None:
        """Remember what the visitor just did; agents see the last three."""
        self._guard("action", lambda: memory.add_action(name), None)

    def track(self, name: str, /, **metadata: Value) -> None:
        """An event, delivered by the next page that the visitor gets.

        With ``LIVECHAT_TRACK_VIA="server"`` it goes to the vendor's API in the background, for visitors who are known.
        """
        self._guard("track", lambda: self._track(name, metadata), None)

    def sync(self, user: Any = None) -> None:
        """Makes the vendor's contact what the visitor is now, in the background: after a sign-up, or a change.

        ``user`` is what the ``visitor_loader`` takes; by default whoever is logged in. Several changes within seconds
        become one call. Needs what the desk needs.
        """
        self._guard("sync", lambda: self._sync(user), None)

    def sync_on(self, *signals: Signal) -> None:
        """Calls ``sync`` whenever one of these blinker signals is sent with ``user=``, as flask-login's are."""
        for signal in signals:
            signal.connect(self._on_change)

    def forget(self, response: T) -> T:
        """End the visitor's chat on this browser with ``response``: for apps that log out without flask-login."""
        if isinstance(response, Response):
            memory.clear()
            said = scope()
            said.asked, said.ended = False, True
            logout.end(response, request, self.settings)
            return response
        raise TypeError("livechat.forget takes a response: livechat.forget(redirect('/')) or make_response(…).")

    @property
    def has_visitor_loader(self) -> bool:
        """Whether the app says itself who its visitors are."""
        return self._visitor_loader is not None

    @property
    def settings(self) -> Settings:
        """The current app's settings."""
        return _state().settings

    def decide(self, endpoint: str | None = None, path: str | None = None) -> Decision:
        """The ``Decision`` for a page; without arguments for the current one. A ``path`` may have a query."""
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # a method of the proxy
        return self._decide(app, address(endpoint, path), ())

    @overload
    def csp(self, policy: str | None = None, nonce: str | None = None) -> str: ...

    @overload
    def csp(self, policy: Mapping[str, Any], nonce: str | None = None) -> dict[str, Any]: ...

    def csp(self, policy: str | Mapping[str, Any] | None = None, nonce: str | None = None) -> str | dict[str, Any]:
        """``policy`` (text or dict; returned in the same form) with what this page's provider needs.

        Outside a request, what every configured provider needs. Without a policy, the needs alone as text. ``nonce``
        is added for scripts, unless it is no text that can be one. Raises ``TypeError`` for another form.
        """
        needs = csp.with_nonce(self._needs(), nonce)
        if policy is None:
            return csp.write(needs)
        if not isinstance(policy, str | Mapping):
            raise TypeError(f"livechat.csp takes text or a dict, not {type(policy).__name__}.")
        merged = csp.merge(policy, needs) if isinstance(policy, str) else csp.merge_mapping(policy, needs)
        _warn_of_a_style_nonce(merged)
        return merged

    # What the server does with a vendor.

    def desk(self, provider: str | None = None) -> Desk:
        """The vendor's conversations, contacts, articles and agents, from Python; by default of the app's provider.

        In the sandbox it is the stand-in's API. Needs an app context, and ``pip install Flask-LiveChat[desk]``. Raises
        ``ConfigError`` where a key is missing.
        """
        desk, rest = _desk_module("desk"), _desk_module("rest")
        name, values = self.account(provider)
        pool, base = desk.POOL, self._sandbox_at(name)
        if self.settings.sandbox:
            pool = rest.LOCAL if base else rest.in_process(current_app.extensions["livechat_sandbox"][name])
        opened: Desk = desk.open_desk(name, values, self.now, pool, base)
        return opened

    def async_desk(self, provider: str | None = None) -> AsyncDesk:
        """The same with ``await``."""
        aio, rest = _desk_module("aio"), _desk_module("rest")
        name, values = self.account(provider)
        pool, base = None, self._sandbox_at(name)
        if self.settings.sandbox:
            apis = current_app.extensions["livechat_sandbox"]
            pool = rest.async_local() if base else rest.async_in_process(apis[name])
        opened: AsyncDesk = aio.open_async_desk(name, values, self.now, pool, base)
        return opened

    def _sandbox_at(self, name: str) -> str | None:
        """Where the stand-in's API is, for a process that is not the one which visitors talk to: a worker."""
        address: str | None = current_app.extensions.get("livechat_sandbox_at")
        if _is_celery_worker():
            celery = current_app.extensions.get("celery")
            address = getattr(celery, "conf", {}).get("livechat_sandbox_at", SANDBOX_AT)
        return f"{address.rstrip('/')}{self.settings.url_prefix}/sandbox/rest/{name}" if address else None

    def account(self, provider: str | None) -> tuple[str, Values]:
        """The provider that a desk is asked for, and its values. Raises ``ConfigError`` where it has none."""
        name = provider or self.settings.provider
        if name is None or name not in self.settings.providers:
            what = f"{name!r} is not configured" if name else "no provider is configured"
            raise ConfigError([Problem("LC103", "LIVECHAT_PROVIDER", what, "Set its keys.")])
        return name, self.settings.providers[name]

    # What templates call.

    def tag(self, **overrides: Any) -> Markup:
        """``{{ livechat() }}``: the data block and the script tag; the second call in a page renders nothing."""
        if not has_request_context():  # a mail that a worker sends
            return NOTHING
        return self._guard("livechat()", lambda: self._tag(overrides), NOTHING)

    def button(self, label: str, **attributes: Any) -> Markup:
        """``{{ livechat_button("Chat with us", class_="primary") }}``: a launcher.

        It is a link to LIVECHAT_FALLBACK_URL where that is set, for browsers that get none of our files, and on a page
        without chat. There it is nothing without that: never a dead button.
        """
        if not has_request_context():
            return NOTHING
        decision = self._guard("livechat_button()", self.decide, None) if self.settings.providers else None
        opens = decision is not None and decision.show
        if self.settings.providers and self.settings.fallback_url:
            return page.link(label, self.settings.fallback_url, attributes, opens=opens)
        return page.button(label, attributes) if opens else Markup("")

    def _tag(self, overrides: Mapping[str, Any]) -> Markup:
        said = scope()
        state, error = said.state or _state(said.app), page_context.handled_error()
        own = [_checked("template", overrides)] if overrides else []
        if not state.settings.providers:
            _warn_if_late(said.app.config, state.given)
            return NOTHING
        # An error page is another page of the same request, and the first may have got as far as its tag.
        if said.page == (error,):
            return NOTHING
        where = None if own or error else self._where(said)
        found = state.pages.get(where)
        decision, kept = found or (self._decide(said.app, address(), own), None)
        if not state.pages:  # the first page
            _warn_if_late(said.app.config, state.given)
        if found is None and where is not None and not said.varies:
            keep(state.pages, where, (decision, None))
        if not decision.show:
            return NOTHING
        markup = self._written(said, state, decision, where, kept)
        said.page, said.decision = (error,), decision
        said.markups.append(markup)
        return markup

    def _where(self, said: Scope) -> Hashable | None:
        """All that a page depends on, as a key, but for its visitor and what callables say. None: it is not kept."""
        current = said.request
        host = current.environ.get("HTTP_HOST") or ""
        if _has_url_defaults(said.app):  # which may put something of this request's into our script's address
            return None
        place = (current.root_path, host, current.scheme)
        chars = len(current.path) + len(current.query_string) + len(current.root_path) + len(host)
        if chars > LONGEST or getattr(current, "csp_nonce", None):
            return None
        return (current.path, current.query_string, current.endpoint, said.finished, self._version, *place)

    def _written(
        self, said: Scope, state: State, decision: Decision, where: Hashable | None, kept: Markup | None
    ) -> Markup:
        """A page that says nothing of its visitor is the same for all, and written once."""
        personal = self._personal(said, state, decision)
        if personal is not page.IMPERSONAL:
            said.private = True
            return self._render(said, state, decision, personal)
        markup = kept or self._render(said, state, decision, personal)
        if kept is None and where is not None and not said.varies:
            keep(state.pages, where, (decision, markup))
        return markup

    def _personal(self, said: Scope, state: State, decision: Decision) -> Personal:
        """What the page says of its visitor: nothing where the loader fetches it, or there is nothing to say."""
        # What is rendered while the response already streams can no longer be made private: the loader fetches it.
        if state.settings.identity_delivery == "fetch" or said.finished or not self._may_be_personal(said):
            return page.IMPERSONAL
        now = self.now()
        found = self._identity(said, str(decision.provider), now) if decision.identify else NOBODY
        extra, events = self._told(said, found, now)
        left = logout.marked(said.request, self.settings, str(decision.provider))
        if found is NOBODY and not (extra or events or left):
            return page.IMPERSONAL
        return Personal(found, extra, events, left)

    def _may_be_personal(self, said: Scope) -> bool:
        manager = getattr(said.app, "login_manager", None)
        return bool(
            "HTTP_COOKIE" in said.request.environ
            or getattr(g.get("_login_user"), "is_authenticated", False)  # flask-login notes nobody, too
            or (self._visitor_loader if manager is None else getattr(manager, "_request_callback", None))
            or said.context
            or said.events
            or said.writes_session
            or self._context_loader
        )

    def _render(self, said: Scope, state: State, decision: Decision, personal: Personal) -> Markup:
        config, name = state.settings, str(decision.provider)
        fetched = decision.identify and (config.identity_delivery == "fetch" or said.finished)
        locale, hours = config.locale, config.office_hours
        language = self._own("LIVECHAT_LOCALE", locale, None) if callable(locale) else locale
        said.varies |= hours is not None
        block = state.writer.block(
            decision,
            personal,
            page_context.of_page(said.request, page_context.handled_error()),
            locale=language and page.locale_tag(language),
            consent=self._consent(said),
            closed=hours is not None and not hours.is_open(self.now()),
            who=None if fetched else personal.found.who,
        )
        nonce = self._nonce(said)
        host = said.request.environ.get("HTTP_HOST")
        # Not to be kept: too long, or one request's own.
        if len(host or "") + len(said.request.root_path) > LONGEST or _has_url_defaults(said.app):
            src = _address_of(state.scripts[name].digest, name)
        else:
            src = state.src(name, said.request.root_path, host, said.request.scheme)
        preload = self._preload(said, decision, nonce) if decision.preload else ""
        return page.render(block, src, nonce, preload)

    def _consent(self, said: Scope) -> str:
        """A callable is the last word for its page: what the browser remembers of an earlier yes does not count."""
        ask: str | Callable[[], bool] = said.state.settings.consent
        if not callable(ask):
            return ask
        if said.finished:
            return "denied"  # what streams can no longer be made private, and the answer is one visitor's
        said.private = True  # it answers for one visitor
        return "implied" if self._own("LIVECHAT_CONSENT", ask, False) else "denied"

    def _preload(self, said: Scope, decision: Decision, nonce: str | None) -> str:
        if decision.load == "off" or self._consent(said) != "implied":
            return ""
        config, room = self.settings, page.room_of(decision)
        if config.sandbox:
            base = same_origin(url_for("livechat.identity")).rpartition("/")[0]
            return page.preload_link(f"{base}/sandbox/{room.name}.js", None, nonce)
        return page.preload_link(room.script(config.providers[room.name]), room.crossorigin, nonce)

    # What webhooks tell.

    @property
    def store(self) -> Store:
        """Where the current app's events are. Raises ``LiveChatError`` where the extra is not installed."""
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # a method of the proxy
        return self._store_of(app)

    def handle(self, event: Event) -> None:
        """All that the app does about an event: its handlers, then its signal's receivers. Raises what they raise.

        In an app context of its own: what the app keeps in it, and clears at its end, is of this event alone.
        """
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # a method of the proxy
        with app.app_context():
            for call in self._handlers.get(event.kind, ()):
                app.ensure_sync(call)(event)
            signals.BY_KIND[event.kind].send(app, event=event)

    def metrics(
        self, since: datetime, until: datetime | None = None, provider: str | None = None, tag: str | None = None
    ) -> Metrics:
        """The support metrics of a time (aware moments; until now, if not said otherwise), its end not included.

        Of all vendors, which go on as one series, or of one; of conversations with a tag. Raises ``ValueError`` for
        moments without a zone or backwards, and for a provider that there is not.
        """
        if provider is not None and provider not in providers.names():
            raise ValueError(f"{provider!r} is no provider: {', '.join(providers.names())}")
        found: Metrics = _desk_module("metrics").metrics(self.store, since, until or self.now(), provider, tag)
        return found

    def erase(
        self,
        who: str | Visitor | Iterable[str | Visitor],
        opened: Callable[[str], Desk] | None = None,
        only: bool = False,
    ) -> Receipt:
        """Erase a person, here and at every vendor that is configured: by your ids of them and their emails.

        A ``Visitor`` is erased by the id, and by the email where ``email_verified`` is ``True``: text is believed. An
        email that was only said with an id leads to nobody: what stands under it is in the receipt, to be decided.
        ``only``: it has been decided that it is somebody else's. What ``flask livechat forget`` does. What a vendor
        could not do is in the receipt. ``opened`` gives a provider's desk, if not ``livechat.desk``. Raises
        ``ValueError`` for nobody.
        """
        desks = {name: partial(self._contacts, name, opened or self.desk) for name in self.settings.providers}
        rooms = {name: providers.desk(name) for name in desks}
        by_id = [name for name, room in rooms.items() if room is not None and room.knows(Visitor(id="id"))]
        found: Receipt = _desk_module("erasure").forget(self.store, desks, who, self.now(), by_id, only)
        return found

    def _contacts(self, name: str, opened: Callable[[str], Desk]) -> Any:
        desk = opened(name)
        if not desk.can("contacts.forget"):
            raise Unsupported(providers.load(name).title, "contacts.forget")
        return desk.contacts

    def _store_of(self, app: Flask) -> Store:
        found: Store | None = app.extensions.get("livechat_store")
        if found is None:
            read = _state(app).settings
            url = read.database_url
            made = _desk_module("store").Store(url or _default_database(app), read.office_hours)
            if url is None:
                try:
                    made.upgrade()  # the default database is ours alone
                except Exception:
                    made.engine.dispose()
                    raise
            found = app.extensions.setdefault("livechat_store", made)
        return found

    def _register_receiver(self, app: Flask, read: Settings, places: Mapping[str, Any]) -> None:
        tell = _desk_module("tasks").tell if read.celery else None  # loading it is what Celery knows the task by
        if not receiver.keeps(read):
            if receiver.names(read):
                app.logger.info("livechat: webhooks are not received without pip install Flask-LiveChat[desk].")
            return
        blueprint = receiver.create_blueprint(read, lambda: self._store_of(app), self.now, tell)
        app.register_blueprint(blueprint, url_prefix=f"{read.url_prefix}/webhooks", **places)
        metrics = metrics_page.create_blueprint(self, self._is_staff)
        app.register_blueprint(metrics, url_prefix=f"{read.url_prefix}/metrics", **places)
        if read.sandbox:
            self._let_the_sandbox_tell(app, read, own_url(app, **places))

    def _is_staff(self) -> bool:
        ask = self._staff
        found: object = ask and self._guard(_name(ask), current_app.ensure_sync(ask), False)
        return isinstance(found, int) and bool(found)  # what is no yes or no, a redirect say, is no yes

    def _let_the_sandbox_tell(self, app: Flask, read: Settings, url: str) -> None:
        from .desk.outbox import Outbox  # noqa: PLC0415 - production never needs it here
        from .sandbox.webhooks import Sender  # noqa: PLC0415 - production never loads it

        accounts = {name: api.account for name, api in app.extensions["livechat_sandbox"].items()}
        sender = Sender(app, url, f"{read.url_prefix}/webhooks", accounts, Outbox(), partial(self._listens, read))
        app.extensions["livechat_sandbox_sender"] = sender
        for account in accounts.values():
            account.hub.listener = sender.tell

    def _listens(self, read: Settings) -> bool:
        """On the sandbox there is no store until somebody wants one."""
        heard = self._handlers or any(one.receivers for one in signals.BY_KIND.values())
        return bool(not read.sandbox or read.database_url or heard)

    def count(self, provider: str, what: str) -> None:
        """What a browser reports for the metrics, of nobody."""
        self._asked_store(lambda store: store.count(provider, what, self.now()), None)

    def rate(self, provider: str, thumb: str | None, receipt: str | None) -> str | None:
        """A thumb that a browser reports. Gives its receipt, by which the same browser may take it back."""
        return self._asked_store(lambda store: store.rate(provider, thumb, receipt, self.now()), None)

    def unread(self) -> int:
        """How many messages the logged-in visitor has not read, says our store."""
        visitor = self._visitor(scope())
        if visitor is None:
            return 0
        return self._asked_store(lambda store: store.unread(visitor.id, visitor.own_email), 0)

    def see(self) -> None:
        """The logged-in visitor has read what was said until now."""
        visitor = self._visitor(scope())
        if visitor is not None:
            self._asked_store(lambda store: store.see(visitor.id, self.now()), None)

    def _asked_store(self, ask: Callable[[Store], T], otherwise: T) -> T:
        """What browsers ask in the background: a database that does not answer holds nobody, and is left alone then."""
        state = _state()
        if not self._listens(self.settings) or state.breaker.is_open():
            return otherwise
        try:
            with within(BACKGROUND_S):
                found = ask(self.store)
        except Exception as error:
            state.breaker.note(answered=False)
            if count := state.unanswered.count(name := type(error).__name__):
                current_app.logger.error("livechat: the database does not answer: %s (%d so far).", name, count)
            return otherwise
        state.breaker.note(answered=True)
        return found

    # What the desk does by itself.

    def _track(self, name: str, metadata: dict[str, Value]) -> None:
        found = self._reachable("contacts.event") if self.settings.track_via == "server" else None
        if found is None:
            memory.add_event(name, metadata)
        else:
            self._automations(found[0]).event(found[1], name, metadata, self.now())

    def _sync(self, user: Any) -> None:
        name = self.settings.provider
        if (why := _no_contacts(name)) is not None or name is None:
            _warn_once(f"No contact is kept up to date: {why}")
            return
        load = self._visitor_loader or _from_login
        visitor = self._asked_now(scope()) if user is None else load(user)
        room = providers.desk(name)
        if visitor is not None and room is not None and room.knows(visitor):
            self._automations(name).sync(visitor)

    def _on_change(self, sender: Any, user: Any = None, **extra: Any) -> None:
        # A signal of flask-login's is every app's.
        if user is not None and has_app_context() and _state().livechat is self:
            self.sync(user)

    def _on_error(self, sender: Flask, exception: BaseException, **extra: Any) -> None:
        """Of an error that nobody has handled. Whatever happens here, it is that error which is told."""
        try:
            self._report(exception)
        except Exception as error:
            sender.logger.error("livechat: LIVECHAT_ON_ERROR failed with %s.", type(error).__name__)

    def _report(self, error: BaseException) -> None:
        # What our own loader asks in the background is nothing that a visitor did.
        ours = (scope().request.blueprint or "").startswith("livechat")
        found = None if ours else self._reachable("conversations.start")
        if found is not None:
            context = {**page_context.of_page(scope().request, error), **scope().context}
            self._automations(found[0]).error(found[1], _desk_module("automations").error_text(context))

    def _reachable(self, method: str) -> tuple[str, Visitor] | None:
        """Whom the server may tell this page's vendor of, by the same rules as the page itself; and the vendor."""
        said, decision = scope(), self.decide()
        name = decision.provider
        if not (decision.show and decision.identify and name) or self._consent(said) != "implied":
            return None
        room, visitor = providers.desk(name), self._asked_now(said)
        if room is None or visitor is None or method not in room.methods or not room.knows(visitor):
            return None
        values = self.settings.providers[name]
        return (name, visitor) if all(values.get(need) for need in room.needs) else None

    def _automations(self, name: str) -> Automations:
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # a method of the proxy

        def opened() -> Desk:
            with app.app_context():
                return self.desk(name)

        every: dict[str, Automations] = app.extensions.setdefault("livechat_automations", {})
        if name not in every:
            every.setdefault(name, _desk_module("automations").Automations(opened))
        return every[name]

    # Who the visitor is.

    def identity_payload(self, provider: str) -> dict[str, Any]:
        """What ``GET /livechat/identity`` answers: everything personal that a page in ``fetch`` mode leaves out."""
        said, now = scope(), self.now()
        found = self._identity(said, provider, now)
        extra, events = self._told(said, found, now)
        return {
            "visitor": found.visitor,
            "proof": found.proof,
            "who": found.who,
            "context": providers.load(provider).attributes(extra),
            "events": events,
        }

    def _identity(self, said: Scope, provider: str, now: datetime) -> Identity:
        visitor = self._visitor(said)
        if visitor is None:
            return NOBODY
        writer: Writer = said.state.writer
        found = writer.identify(providers.load(provider), visitor, said.app.secret_key, now.timestamp())
        if found is NOBODY:
            room = providers.load(provider)
            _warn_once(
                f"A logged-in visitor stays anonymous for {room.title}: there is no proof of who they are. "
                f"Set LIVECHAT_{provider.upper()}_{room.identity}, and give visitors what {room.title} signs."
            )
        return found

    def _visitor(self, said: Scope) -> Visitor | None:
        """This page's visitor, asked once: the identity and the context both want it."""
        if not said.asked:
            said.asked, said.visitor = True, self._asked_now(said)
        return said.visitor

    def _asked_now(self, said: Scope) -> Visitor | None:
        return None if self._is_impersonating() else self._load_visitor(said)

    def _is_impersonating(self) -> bool:
        ask = self._impersonating
        # When the question itself fails the answer is yes: then nobody's identity is sent.
        return ask is not None and bool(self._own(_name(ask), ask, True))

    def _load_visitor(self, said: Scope) -> Visitor | None:
        load = self._visitor_loader or _from_login
        return self._guard(_name(load), lambda: self._ask_for_visitor(said, load), None)

    def _ask_for_visitor(self, said: Scope, load: Callable[[Any], Visitor | None]) -> Visitor | None:
        if hasattr(said.app, "login_manager"):
            user = visitors.logged_in_user(said)
            visitor = None if user is None else load(user)
        else:
            visitor = load(None) if self._visitor_loader else None
        if visitor is not None and not isinstance(visitor, Visitor):
            raise TypeError(f"a visitor_loader returns a Visitor or None, not {type(visitor).__name__}")
        return visitor

    def _told(self, said: Scope, found: Identity, now: datetime) -> tuple[dict[str, Value], list[dict[str, Any]]]:
        """Context: what loaders and views say, the last actions, and how old an identified account is. And events."""
        loader = self._context_loader
        loaded: dict[str, Value] = self._own(_name(loader), lambda: dict(loader()), {}) if loader else {}
        visitor = None if found is NOBODY else self._visitor(said)
        actions, waiting, events = memory.recall(said)
        extra: dict[str, Value] = {}
        if visitor and visitor.created_at:
            extra["account_age_days"] = max(0, (now - visitor.created_at).days)
        if actions:
            extra["last_actions"] = ", ".join(actions)
        # As every vendor can carry them, before they become keys: what is equal is not always written alike.
        own = {name: providers.scalar(value) for name, value in (loaded | said.context).items()}
        return {**own, **waiting, **extra}, events

    # Decisions and policies.

    def _decide(self, app: Flask, address: Address, own: tuple[Rule, ...] | list[Rule]) -> Decision:
        state = _state(app)
        layers = [*own, *_view_rule(app, address.endpoint), *self._rules_of_blueprint(address.blueprint)]
        decision = state.decisions.decide(address, layers, self._ask)
        if decision.provider is not None and decision.provider not in state.settings.providers:
            title = f"provider={decision.provider!r} ({decision.sources['provider']})"
            problem = Problem("LC105", "LIVECHAT_PROVIDER", f"{title} is not configured", "Set its keys.")
            raise ConfigError([problem])
        return decision

    def _ask(self, when: Callable[[], bool]) -> bool:
        return bool(self._own(f"when={_name(when)}", when, False))

    def _rules_of_blueprint(self, name: str) -> list[Rule]:
        """A nested blueprint's own rule first, then its parents'."""
        if not self._blueprint_rules:
            return []
        parts = name.split(".")
        names = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
        return [self._blueprint_rules[each] for each in names if each in self._blueprint_rules]

    def _needs(self) -> dict[str, list[str]]:
        """What this page's provider needs of a policy; outside a request, what all of them do."""
        if not has_request_context():
            return self.needs_of(self.settings.providers)
        decision = scope().decision or self._guard("csp", self.decide, None)
        return self.needs_of([str(decision.provider)] if decision and decision.show else [])

    def needs_of(self, names: Iterable[str]) -> dict[str, list[str]]:
        """What these providers need of a policy, and what our own script does: directive -> sources."""
        needs: dict[str, list[str]] = {}
        for name in names:
            # Our own files, and who is logged in.
            needs = needs or {"script-src": ["'self'"], "connect-src": ["'self'"]}
            for directive, sources in providers.load(name).csp(self.settings.providers[name]).items():
                needs[directive] = list(dict.fromkeys([*needs.get(directive, []), *sources]))
            if articles := self.settings.csp_articles:
                frames = [*providers.load(name).article_frames, *(() if isinstance(articles, bool) else articles)]
                needs["frame-src"] = list(dict.fromkeys([*needs.get("frame-src", []), *frames]))
        return needs

    def _nonce(self, said: Scope) -> str | None:
        """The configured nonce, or the one that Flask-Talisman made for this request."""
        configured = said.state.settings.nonce
        found: object = self._own("LIVECHAT_NONCE", configured, None) if callable(configured) else configured
        found = found or getattr(said.request, "csp_nonce", None)
        if not found and configured is None and callable(ask := said.app.jinja_env.globals.get("csp_nonce")):
            found = self._own("csp_nonce", ask, None)
        return str(found) if found else None

    # The end of a request.

    def _finish(self, response: Response) -> Response:
        """The page's blocks and headers, what must not leave, and the end of a chat after a logout."""
        said = scope()
        body = responses.body_of(response)
        response, body = self._finish_text(said, response, body)
        said.finished = True
        response = self._guarded(said, response, body)
        if said.left and not said.ended:  # on what is sent in a page's place, too
            response = responses.copy_of(response)
            logout.end(response, request, self.settings)
        return response

    def _finish_text(self, said: Scope, response: Response, body: Body) -> tuple[Response, Body]:
        """A page without other requests' blocks, and what is not a page without any. And the headers of either."""
        is_page, text, carries = responses.is_html(response), body.text, bool(said.markups)
        if text is not None and is_page:
            replaced = responses.without_foreign_blocks(text, said.markups, lambda: self._consent(said))
            text, carries = replaced.text, replaced.own or replaced.foreign
            said.foreign = text != body.text
            text = responses.as_xhtml(text) if response.mimetype == "application/xhtml+xml" else text
        elif text is not None:
            text = responses.without_tag(text, said.markups, response.mimetype or "")
        if text is not None and text != body.text:
            response, body = responses.with_text(response, text), Body(text)
        if carries and said.private:
            response = responses.copy_of(response)
            responses.make_private(response)
        if carries and is_page and said.state.settings.csp == "merge":
            self._merge_policies(response)
        return response, body

    def _merge_policies(self, response: Response) -> None:
        needs = self._needs()
        for name in CSP_HEADERS:
            merged = [csp.merge(policy, needs) for policy in response.headers.getlist(name)]
            if merged:
                _warn_of_a_style_nonce(", ".join(merged))
                response.headers.setlist(name, merged)

    def _guarded(self, said: Scope, response: Response, body: Body) -> Response:
        """The response, unless a configured secret stands in it. What streams or is a file is not read."""
        guard, probe = _state(said.app).guard, said.request.environ.get(EXAMINED)
        if guard is None and probe is not None:  # the doctor looks where nobody else does
            guard = Guard(self.settings.providers, sandbox=self.settings.sandbox)
        key = None if guard is None else _leak(guard, response, body)
        if probe is not None:
            why = body.unreadable.why if body.unreadable else None
            probe.append(Examined(said, _is_logged_in(said), key, why))
            return response
        if key is not None:
            error = SecretInResponse(key)
            self._raise_in_tests(said, error)
            said.app.logger.error("livechat: %s was not sent. %s", said.request.endpoint, error)
            return said.app.make_response((INSTEAD, 500))
        if body.unreadable is not None and (guard is not None or responses.is_html(response)):
            self._raise_in_tests(said, body.unreadable)
            _warn_once(f"{said.request.endpoint}: {body.unreadable}")
        return response

    @staticmethod
    def _raise_in_tests(said: Scope, error: LiveChatError) -> None:
        # While Flask handles an exception it sends the page whatever a hook raises.
        if (said.app.debug or said.app.testing) and sys.exc_info()[1] is None:
            raise error

    # The rest.

    @staticmethod
    def now() -> datetime:
        """The one place that reads the clock."""
        return datetime.now(UTC)

    def _own(self, name: str, call: Callable[[], T], otherwise: T) -> T:
        """Asks a callable of the app's for this very page, which is then the same for nobody else."""
        if has_request_context():
            scope().varies = True
        return self._guard(name, call, otherwise)

    def _guard(self, name: str, call: Callable[[], T], otherwise: T) -> T:
        """What ``call`` gives. When it raises: in debug and tests the error itself, else a log line and ``otherwise``.

        The log names what failed, the error's type and the line. Neither its text nor its traceback: they may hold
        what nobody should read in a log.
        """
        try:
            return call()
        except Exception as error:
            examined = has_request_context() and EXAMINED in request.environ  # the doctor wants to hear of them all
            if (current_app.debug or current_app.testing) and not examined:
                raise
            current_app.logger.error("livechat: %s failed with %s.", name, what_failed(error))
            if has_request_context():
                scope().failed.append(f"{name} failed with {what_failed(error)}")
            return otherwise


def _default_database(app: Flask) -> str:
    folder = Path(app.instance_path)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_private(folder)
    return f"sqlite:///{folder / 'livechat.sqlite3'}"


def _no_contacts(name: str | None) -> str | None:
    """Why no contacts are kept with a vendor; None where they are."""
    if name is None:
        return "no provider is configured."
    room = providers.desk(name)
    if room is None or "contacts.upsert" not in room.methods:
        return f"{providers.load(name).title}'s API cannot do that."
    return None if find_spec("stamina") else "the desk needs what pip install Flask-LiveChat[desk] brings."


def _desk_module(name: str) -> Any:
    """Whoever only embeds chat never loads it."""
    try:
        return import_module(f".desk.{name}", __package__)
    except ModuleNotFoundError as error:
        if error.name not in ("stamina", "sqlalchemy"):
            raise
        raise LiveChatError("The desk needs what pip install Flask-LiveChat[desk] brings.") from None


def _state(app: Flask = current_app) -> State:
    state = app.extensions.get("livechat")
    if not isinstance(state, State):
        raise RuntimeError("LiveChat is not set up on this app: call livechat.init_app(app).")
    return state


def _scripts(read: Settings, kept: bool) -> dict[str, Script]:
    languages = script.translations(read.texts)
    files = [
        script.build(
            providers.load(name),
            values,
            sandbox=read.sandbox,
            cookie_domain=read.cookie_domain,
            failures=read.report_failures,
            kept=kept,
            life=read.token_ttl,
            fallback=read.fallback_url,
            within=read.launchers_in,
            languages=languages,
        )
        for name, values in read.providers.items()
    ]
    return {one.name: one for several in (languages, *files) for one in several}


def _addresses(scripts: Mapping[str, Script]) -> Callable[[str, str, str | None, str], str]:
    """Where a provider's script is. To ask Flask costs more than the rest of the tag, and the answer rarely changes."""

    @lru_cache(256)
    def src(name: str, root: str, host: str | None, scheme: str) -> str:
        return _address_of(scripts[name].digest, name)

    return src


def _address_of(digest: str, name: str) -> str:
    return str(escape(same_origin(url_for("livechat.script", name=name, digest=digest))))


def _has_url_defaults(app: Flask) -> bool:
    """Whether the app adds values of its own to addresses. Those of our blueprints depend on the host alone."""
    return any(not (name or "").startswith("livechat") for name in app.url_default_functions)


def _is_celery_worker() -> bool:
    """Whether this runs in a task that a worker of Celery's was sent, and not eagerly."""
    state = sys.modules.get("celery._state")
    task = state.get_current_worker_task() if state else None
    return task is not None and not task.request.is_eager


def _register_sandbox(app: Flask, read: Settings, places: Mapping[str, Any]) -> None:
    from . import sandbox  # noqa: PLC0415 - production never loads it

    vendors = {name: values for name, values in read.providers.items() if name in sandbox.names()}
    blueprint = sandbox.create_blueprint(vendors)
    app.register_blueprint(blueprint, url_prefix=f"{read.url_prefix}/sandbox", **places)
    if not app.testing:
        request_started.connect(_open_sandbox_file, app)


def _leak(guard: Guard, response: Response, body: Body) -> str | None:
    """The key of a secret in the headers, or in a body that was read."""
    headers = "\n".join(response.headers.values()).encode("utf-8", "replace")
    return guard.key_in(headers) or guard.key_in(body.text or b"")


def _is_logged_in(said: Scope) -> bool:
    return hasattr(said.app, "login_manager") and bool(current_user.is_authenticated)


def _before_first_request(sender: Flask, **extra: Any) -> None:
    """What other extensions bring, which may have been set up after ours.

    Flask-WTF asks nothing of calls that carry no login, and so no token. A fork of Flask-Login has signals of its own.
    """
    csrf: Any = sender.extensions.get("csrf")
    if hasattr(csrf, "exempt"):
        for name in sender.blueprints.keys() & CSRF_EXEMPT:
            csrf.exempt(sender.blueprints[name])
    for signal_name, receive in (("user_logged_out", _mark_logout), ("user_logged_in", _ask_again)):
        signal = visitors.signal_of(getattr(sender, "login_manager", None), signal_name)
        if signal is not None:
            signal.connect(receive, sender)
    request_started.disconnect(_before_first_request, sender)


def _open_sandbox_file(sender: Flask, **extra: Any) -> None:
    """Only now: a suite that says late that it is one must not find what a developer has written, nor add to it."""
    from .sandbox import SandboxFile  # noqa: PLC0415 - production never loads it

    request_started.disconnect(_open_sandbox_file, sender)
    apis = sender.extensions["livechat_sandbox"]
    if apis and not sender.testing:
        hub = next(iter(apis.values())).account.hub
        sender.extensions["livechat_sandbox_file"] = SandboxFile(hub, Path(sender.instance_path), apis.keys())


def _checked(source: str, fields: Mapping[str, Any]) -> Rule:
    rule, problems = rules.make(source, fields, providers.names(), where=("when",))
    if problems:
        raise ConfigError([Problem("LC105", source, what, settings.RULES_HELP) for what in problems])
    return rule


def _view_rule(app: Flask, endpoint: str | None) -> list[Rule]:
    """The rule on a view function, or on the class that it was made from."""
    view = app.view_functions.get(endpoint or "")
    rule = getattr(view, RULE, None) or getattr(getattr(view, "view_class", None), RULE, None)
    return [rule] if isinstance(rule, Rule) else []


def _from_login(user: Any) -> Visitor | None:
    visitor = visitors.from_user(user)
    if visitor is None:
        _warn_once(f"{type(user).__name__} has no id: say who the visitor is with @livechat.visitor_loader.")
    return visitor


def _begin_page() -> dict[str, Any]:
    """Called once per rendering: a template rendered beside the page, a preview say, is another page."""
    if has_request_context():
        scope().page = None
    return {}


def _mark_logout(sender: Flask, **extra: Any) -> None:
    if has_request_context():
        scope().left = True
        scope().asked = False
        memory.clear()


def _ask_again(sender: Flask, **extra: Any) -> None:
    """Somebody has logged in: who it was before does not count for the page that this request may render yet."""
    if has_request_context():
        scope().asked = False


def _warn_once(message: str) -> None:
    warned: set[str] = current_app.extensions.setdefault("livechat_warned", set())
    if message not in warned:
        warned.add(message)
        current_app.logger.warning("livechat: %s", message)


def _warn_if_late(config: Mapping[str, Any], given: Mapping[str, object]) -> None:
    if late := [key for key, value in settings.ours(config) if key not in given or given[key] != value]:
        _warn_once(f"{', '.join(late)} came after LiveChat(app) had read the configuration: set it before.")


def _warn_of_a_style_nonce(policy: Any) -> None:
    if csp.switches_inline_styles_off(policy):
        _warn_once(
            "style-src has a nonce or a hash, so browsers ignore its 'unsafe-inline' and block the chat's styles. "
            "Take it out of style-src (with Flask-Talisman, out of content_security_policy_nonce_in)."
        )


def _name(call: Any) -> str:
    return getattr(call, "__qualname__", type(call).__name__)

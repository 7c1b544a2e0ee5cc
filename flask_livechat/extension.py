"""``LiveChat``: registers what an app has to say, and hands everything else to the file whose name says it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from flask import (
    Flask,
    Response,
    current_app,
    got_request_exception,
    has_app_context,
    has_request_context,
    request,
)
from markupsafe import Markup

from . import settings
from .internals import Internals, service
from .model import Decision, Value, Visitor
from .same_origin import Names, check_places, own_url
from .settings import Settings
from .state import State, call_app, current_flask, current_state, name_of, safely
from .widget import assets, lifecycle, logout, response, segments, session_store, tag, views
from .widget import context as page_context
from .widget.addresses import address
from .widget.csp_reports import Reports
from .widget.decide import decide
from .widget.identity import load_visitor, visitor_of_user
from .widget.request_state import RequestState, request_state
from .widget.secret_scanner import SecretScanner

if TYPE_CHECKING:
    from blinker import Signal

    from .desk.aio import AsyncDesk
    from .desk.cohort import Cohort
    from .desk.desk import Desk
    from .desk.erasure import Receipt
    from .desk.metrics import Metrics
    from .desk.store import Store
    from .help.articles import Articles

T = TypeVar("T")


class LiveChat(Internals):
    """Customer chat on a Flask app's pages.

    ``LiveChat(app)``, or ``LiveChat()`` and ``init_app(app)`` later. Raises ``ConfigError`` with every problem of the
    configuration, and ``RuntimeError`` for an app that has one already.
    """

    def __init__(self, app: Flask | None = None) -> None:
        super().__init__()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, *, host: Names = None, subdomain: Names = None) -> None:
        """Read the configuration once and register the template globals, the blueprints and the commands.

        Our addresses answer on every host and subdomain of the app. ``host`` or ``subdomain``, a name or several, are
        for an app with ``host_matching`` or ``subdomain_matching`` that wants them on these alone. Raises
        ``ValueError`` for one that the app would never match.
        """
        if "livechat" in app.extensions:
            raise RuntimeError("LiveChat is already set up on this app. Use the first instance instead.")
        check_places(app, host, subdomain)
        places = {"host": host, "subdomain": subdomain}
        config = settings.read(app.config, development=bool(app.debug or app.testing))
        stores_events = bool(config.webhook_providers) and find_spec("sqlalchemy") is not None
        state = app.extensions["livechat"] = State(
            self,
            config,
            self._callbacks,
            assets.build_all(config, stores_events),
            stores_events,
            Reports(Path(app.instance_path)),
            SecretScanner(config.providers, sandbox=config.sandbox) if config.guard else None,
            dict(settings.livechat_config(app.config)),
        )
        app.register_blueprint(views.blueprint, url_prefix=config.url_prefix, **places)
        if config.sandbox:
            from . import sandbox  # noqa: PLC0415 - production never loads it

            sandbox.register(app, state, places)
        self._register_desk(app, state, places)
        if config.articles:
            import_module(".help.views", __package__).register(app, state, places)
        app.jinja_env.globals |= {"livechat": self.tag, "livechat_button": self.button}
        lifecycle.register(app)
        if config.on_error:
            got_request_exception.connect(self._on_error, app)
        for caution in settings.cautions(config, testing=app.testing):
            app.logger.warning("livechat: %s", caution)
        from .cli import group  # noqa: PLC0415 - click's part is needed only where there is an app

        app.cli.add_command(group)

    # What a view says.

    def context(self, **attributes: Value) -> None:
        """Add attributes for agents to this request's page."""
        if self.settings.identity_delivery == "fetch":
            safely("context", lambda: session_store.add_context(attributes), None)
        else:
            request_state().context |= attributes

    def action(self, name: str) -> None:
        """Remember what the visitor just did; agents see the last three."""
        safely("action", lambda: session_store.add_action(name), None)

    def segment(self, *names: str) -> None:
        """Put whoever is on this page into segments, or tag them, as the vendor calls it: anonymous visitors, too.

        They go with the page of this request, or with the next one where this request has none. A name that the vendor
        would refuse, and one too many, is a ``ValueError`` in debug mode and tests; else it is logged and none of this
        call is added. Where the vendor cannot do it (Intercom), it is left out, which the log says once.
        """
        safely("segment", lambda: segments.change(current_state(), request_state(), names, wanted=True), None)

    def unsegment(self, *names: str) -> None:
        """Take segments or tags away again, on the same terms. Tawk.to can."""
        safely("unsegment", lambda: segments.change(current_state(), request_state(), names, wanted=False), None)

    def track(self, name: str, /, **metadata: Value) -> None:
        """An event, delivered by the next page that the visitor gets.

        With ``LIVECHAT_TRACK_VIA="server"`` it goes to the vendor's API in the background, for visitors who are known.
        """
        safely("track", lambda: self._track(name, metadata), None)

    def sync(self, user: Any = None) -> None:
        """Makes the vendor's contact what the visitor is now, in the background: after a sign-up, or a change.

        ``user`` is what the ``visitor_loader`` takes; by default whoever is logged in. Several changes within seconds
        become one call. Needs what the desk needs.
        """
        load = self._callbacks.visitor_loader or visitor_of_user
        ask = (lambda: load_visitor(current_state(), request_state())) if user is None else partial(load, user)
        safely("sync", lambda: service().sync_contact(current_state(), current_flask(), ask), None)

    def sync_on(self, *signals: Signal) -> None:
        """Calls ``sync`` whenever one of these blinker signals is sent with ``user=``, as flask-login's are."""
        for signal in signals:
            signal.connect(self._on_change)

    def forget(self, response: T) -> T:
        """End the visitor's chat on this browser with ``response``: for apps that log out without flask-login."""
        if not isinstance(response, Response):
            raise TypeError("livechat.forget takes a response: livechat.forget(redirect('/')) or make_response(…).")
        session_store.clear()
        req = request_state()
        req.is_visitor_known, req.is_ended = False, True
        logout.end(response, request, self.settings)
        return response

    @property
    def settings(self) -> Settings:
        """The current app's settings."""
        return current_state().settings

    def decide(self, endpoint: str | None = None, path: str | None = None) -> Decision:
        """The ``Decision`` for a page; without arguments for the current one. A ``path`` may have a query."""
        return decide(current_state(), current_flask(), address(endpoint, path))

    @overload
    def csp(self, policy: str | None = None, nonce: str | None = None) -> str: ...

    @overload
    def csp(self, policy: Mapping[str, Any], nonce: str | None = None) -> dict[str, Any]: ...

    def csp(self, policy: str | Mapping[str, Any] | None = None, nonce: str | None = None) -> str | dict[str, Any]:
        """``policy`` (text or dict; returned in the same form) with what this page's provider needs.

        Outside a request, what every configured provider needs. Without a policy, the needs alone as text. ``nonce``
        is added for scripts, unless it is no text that can be one. Raises ``TypeError`` for another form.
        """
        req = request_state() if has_request_context() else None
        return response.merged_policy(current_state(), req, policy, nonce)

    # What the server does with a vendor.

    def desk(self, provider: str | None = None) -> Desk:
        """The vendor's conversations, contacts, articles and agents, from Python; by default of the app's provider.

        In the sandbox it is the stand-in's API. Needs an app context, and ``pip install Flask-LiveChat[desk]``. Raises
        ``ConfigError`` where a key is missing.
        """
        opened: Desk = service().open_desk(current_state(), current_flask(), *self.account(provider))
        return opened

    def async_desk(self, provider: str | None = None) -> AsyncDesk:
        """The same with ``await``."""
        opened: AsyncDesk = service().open_async_desk(current_state(), current_flask(), *self.account(provider))
        return opened

    # What answers before anybody asks.

    @property
    def articles(self) -> Articles:
        """The articles in LIVECHAT_ARTICLES. Raises ``ConfigError`` where there is no such folder."""
        library: Articles = import_module(".help.library", __package__).articles(current_state(), current_flask())
        return library

    # What templates call.

    def tag(self, **overrides: Any) -> Markup:
        """``{{ livechat() }}``: the data block and the script tag; the second call in a page renders nothing."""
        if not has_request_context():  # a mail that a worker sends
            return tag.NOTHING
        req = request_state()
        return safely("livechat()", lambda: tag.write_tag(req.state, req, overrides), tag.NOTHING)

    def button(self, label: str, **attributes: Any) -> Markup:
        """``{{ livechat_button("Chat with us", class_="primary") }}``: a launcher.

        It is a link to LIVECHAT_FALLBACK_URL where that is set, for browsers that get none of our files, and on a page
        without chat. There it is nothing without that: never a dead button.
        """
        if not has_request_context():
            return tag.NOTHING
        req = request_state()
        return tag.write_button(req.state, req, label, attributes)

    # What webhooks tell.

    @property
    def store(self) -> Store:
        """Where the current app's events are. Raises ``LiveChatError`` where the extra is not installed."""
        opened: Store = service().store(current_state(), current_flask())
        return opened

    def metrics(
        self, since: datetime, until: datetime | None = None, provider: str | None = None, tag: str | None = None
    ) -> Metrics:
        """The support metrics of a time (aware moments; until now, if not said otherwise), its end not included.

        Of all vendors, which go on as one series, or of one; of conversations with a tag. Raises ``ValueError`` for
        moments without a zone or backwards, and for a provider that there is not.
        """
        figures: Metrics = service().metrics(current_state(), self.store, since, until, provider, tag)
        return figures

    def cohort(self, people: Iterable[tuple[str, datetime, bool]] | None = None, days: int = 7) -> Cohort:
        """Who wrote within so many days of signing up, who did not, and how many of each stayed.

        ``people``: an iterable of ``(id, signed_up_at, stayed)``, each person once; else what ``@livechat.people``
        gives. ``id`` is your id of them, or their email where the vendor tells no ids. They are read in batches. Raises
        ``ValueError`` for people who make no sense, and where nobody is left.
        """
        result: Cohort = service().cohort(current_state(), self.store, people, days)
        return result

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
        receipt: Receipt = service().erase(current_state(), self.store, who, opened or self.desk, only)
        return receipt

    # What Flask and other extensions call.

    def _track(self, name: str, metadata: dict[str, Value]) -> None:
        state, req = current_state(), request_state()
        on_server = state.settings.track_via == "server"
        reachable = tag.reachable_visitor(state, req, "contacts.event") if on_server else None
        if reachable is None:
            session_store.add_event(name, metadata)
        else:
            service().record_event(state, req.app, *reachable, name, metadata)

    def _on_change(self, sender: Any, user: Any = None, **extra: Any) -> None:
        # A signal of flask-login's is every app's.
        if user is not None and has_app_context() and current_state().livechat is self:
            self.sync(user)

    def _on_error(self, sender: Flask, exception: BaseException, **extra: Any) -> None:
        """Of an error that nobody has handled. Whatever happens here, it is that error which is told."""
        try:
            self._report(request_state(), exception)
        except Exception as error:
            sender.logger.error("livechat: LIVECHAT_ON_ERROR failed with %s.", type(error).__name__)

    def _report(self, req: RequestState, error: BaseException) -> None:
        # What our own loader asks in the background is nothing that a visitor did.
        if (req.request.blueprint or "").startswith("livechat"):
            return
        reachable = tag.reachable_visitor(req.state, req, "conversations.start")
        if reachable is not None:
            context = {**page_context.of_page(req, address(), error), **req.context}
            service().report_error(req.state, req.app, *reachable, context)

    def _is_staff(self) -> bool:
        ask = self._callbacks.staff_required
        answer: object = ask and call_app(current_app.ensure_sync(ask), False, name_of(ask))
        return isinstance(answer, int) and bool(answer)  # what is no yes or no, a redirect say, is no yes

    def _register_desk(self, app: Flask, state: State, places: Mapping[str, Any]) -> None:
        config = state.settings
        if config.celery or config.webhook_providers:
            service().register(state, app, places, self._is_staff)
        if config.sandbox and state.stores_events:
            from .sandbox import connect  # noqa: PLC0415 - production never loads it

            connect(app, state, own_url(app, **places), partial(service().listens, state))

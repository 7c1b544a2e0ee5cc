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
from .state import State, call_app, current_flask, current_state, name_of, safely, warn_once
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
    """Customer chat on the pages of a Flask app.

    Call ``LiveChat(app)``, or ``LiveChat()`` and later ``init_app(app)``. Raises ``ConfigError`` with every problem of
    the configuration, and ``RuntimeError`` for an app that has a ``LiveChat`` already.
    """

    def __init__(self, app: Flask | None = None) -> None:
        super().__init__()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, *, host: Names = None, subdomain: Names = None) -> None:
        """Read the configuration once, and register the template globals, the blueprints and the commands.

        Our addresses answer on every host and subdomain of the app. In an app with ``host_matching`` or
        ``subdomain_matching``, ``host`` or ``subdomain`` (a name or several) restricts them. Raises ``ValueError`` for
        a host or subdomain that the app would never match.
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
        """Remember what the visitor just did. Agents see the last three actions."""
        safely("action", lambda: session_store.add_action(name), None)

    def segment(self, *names: str) -> None:
        """Put the visitor of this page into segments or tags, as the vendor calls them; anonymous visitors, too.

        The segments are sent with the page of this request, or with the next page if this request has none. A name that
        the vendor would refuse, or too many names, raise ``ValueError`` in debug mode and in tests; otherwise the log
        says so and this call adds nothing. If the vendor has no segments (Intercom), nothing is sent, and the log says
        so once.
        """
        safely("segment", lambda: segments.change(current_state(), request_state(), names, wanted=True), None)

    def unsegment(self, *names: str) -> None:
        """Remove segments or tags again, in the same way. Only Tawk.to supports it."""
        safely("unsegment", lambda: segments.change(current_state(), request_state(), names, wanted=False), None)

    def track(self, name: str, /, **metadata: Value) -> None:
        """Send an event, with the next page that the visitor gets.

        With ``LIVECHAT_TRACK_VIA="server"`` the events of identified visitors go to the vendor's API in the background.
        """
        safely("track", lambda: self._track(name, metadata), None)

    def sync(self, user: Any = None) -> None:
        """Update the vendor's contact with the visitor's fields, in the background: after a sign-up, or a change.

        ``user`` is the argument of the ``visitor_loader``, and by default the logged-in user. Several changes within
        seconds become one call. It needs the extra of the desk.
        """
        load = self._callbacks.visitor_loader or visitor_of_user
        ask = (lambda: load_visitor(current_state(), request_state())) if user is None else partial(load, user)
        safely("sync", lambda: service().sync_contact(current_state(), current_flask(), ask), None)

    def sync_on(self, *signals: Signal) -> None:
        """Call ``sync`` whenever one of these blinker signals is sent with ``user=``, as Flask-Login's are."""
        for signal in signals:
            signal.connect(self._on_change)

    def forget(self, response: T) -> T:
        """End the visitor's chat in this browser with ``response``: for apps that log out without Flask-Login."""
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
        """Return the ``Decision`` for a page; without arguments for the current one. A ``path`` may have a query."""
        return decide(current_state(), current_flask(), address(endpoint, path))

    @overload
    def csp(self, policy: str | None = None, nonce: str | None = None) -> str: ...

    @overload
    def csp(self, policy: Mapping[str, Any], nonce: str | None = None) -> dict[str, Any]: ...

    def csp(self, policy: str | Mapping[str, Any] | None = None, nonce: str | None = None) -> str | dict[str, Any]:
        """Return ``policy`` (text or dict, in the same form) with the sources that this page's provider needs.

        Outside a request it adds the sources of every configured provider. Without a policy it returns these sources
        alone, as text. ``nonce`` is added for scripts if it is a valid nonce. Raises ``TypeError`` for a policy of
        another type.
        """
        req = request_state() if has_request_context() else None
        return response.merged_policy(current_state(), req, policy, nonce)

    # What the server does with a vendor.

    def desk(self, provider: str | None = None) -> Desk:
        """Return the vendor's conversations, contacts, articles and agents; by default those of the app's provider.

        In the sandbox they come from the stand-in's API. It needs an app context, and ``pip install
        Flask-LiveChat[desk]``. Raises ``ConfigError`` if a key is missing.
        """
        opened: Desk = service().open_desk(current_state(), current_flask(), *self.account(provider))
        return opened

    def async_desk(self, provider: str | None = None) -> AsyncDesk:
        """Return the same as ``desk``, for ``await``."""
        opened: AsyncDesk = service().open_async_desk(current_state(), current_flask(), *self.account(provider))
        return opened

    # What answers before anybody asks.

    @property
    def articles(self) -> Articles:
        """The articles in LIVECHAT_ARTICLES. Raises ``ConfigError`` if the folder does not exist."""
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

        It is a link to LIVECHAT_FALLBACK_URL if that is set, for browsers that load none of our files, and on a page
        without chat. On such a page it is nothing without that setting, so it is never a dead button.
        """
        if not has_request_context():
            return tag.NOTHING
        req = request_state()
        return tag.write_button(req.state, req, label, attributes)

    # What webhooks tell.

    @property
    def store(self) -> Store:
        """The store of the current app's events. Raises ``LiveChatError`` if the extra is not installed."""
        opened: Store = service().store(current_state(), current_flask())
        return opened

    def metrics(
        self, since: datetime, until: datetime | None = None, provider: str | None = None, tag: str | None = None
    ) -> Metrics:
        """Return the support metrics from ``since`` (aware) until ``until``, which is exclusive. Default: until now.

        They cover all vendors as one series, or one ``provider``, or the conversations with a ``tag``. Raises
        ``ValueError`` for datetimes without a time zone, for ``since`` after ``until``, and for a provider that does
        not exist.
        """
        figures: Metrics = service().metrics(current_state(), self.store, since, until, provider, tag)
        return figures

    def cohort(self, people: Iterable[tuple[str, datetime, bool]] | None = None, days: int = 7) -> Cohort:
        """Return how many people stayed: those who wrote within ``days`` of signing up, and those who did not.

        ``people`` is an iterable of ``(id, signed_up_at, stayed)`` with each person once, and by default the result of
        ``@livechat.people``. ``id`` is your id, or the email if the vendor does not deliver ids. The people are read in
        batches. Raises ``ValueError`` for a malformed person, and if no person is left to count.
        """
        result: Cohort = service().cohort(current_state(), self.store, people, days)
        return result

    def erase(
        self,
        who: str | Visitor | Iterable[str | Visitor],
        opened: Callable[[str], Desk] | None = None,
        only: bool = False,
    ) -> Receipt:
        """Erase a person, here and at every configured vendor, by your ids of the person and by emails.

        Ids and emails that are given as text are trusted. A ``Visitor`` is erased by the id, and by the email only if
        ``email_verified`` is ``True``. Data under an email that was only given together with an id is not erased, but
        listed in the receipt, for you to decide; ``only`` says that it belongs to another person. The receipt also says
        what a vendor could not do. ``flask livechat forget`` does the same. ``opened`` returns a provider's desk; the
        default is ``livechat.desk``. Raises ``ValueError`` if there is no id and no email.
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
        if ask is None:
            warn_once("Nobody can see the inbox and the metrics: say who may with @livechat.staff_required.")
        answer: object = ask and call_app(current_app.ensure_sync(ask), False, name_of(ask))
        return isinstance(answer, int) and bool(answer)  # what is no yes or no, a redirect say, is no yes

    def _register_desk(self, app: Flask, state: State, places: Mapping[str, Any]) -> None:
        config = state.settings
        if config.celery or config.webhook_providers:
            service().register(state, app, places, self._is_staff)
        if config.sandbox and state.stores_events:
            from .sandbox import connect  # noqa: PLC0415 - production never loads it

            connect(app, state, own_url(app, **places), partial(service().listens, state))

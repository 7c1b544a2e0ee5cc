"""What ``LiveChat`` asks of the desk. Everything else in this folder is loaded on first use, as it needs the extra."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Flask, current_app

from .. import providers, signals
from ..errors import ConfigError, LiveChatError, Problem, Unsupported
from ..limits import BACKGROUND_S, within
from ..model import Event, Value, Visitor
from ..providers import Values
from ..providers.base import Handoff
from ..state import State, warn_once
from ..system import make_private

if TYPE_CHECKING:
    from .aio import AsyncDesk
    from .article_rows import ArticleRows
    from .automations import Automations
    from .cohort import Cohort, Person
    from .desk import Desk
    from .erasure import Receipt
    from .metrics import Metrics
    from .outreach import Outreach
    from .store import Store

T = TypeVar("T")
NOTE_S = 5.0  # for all calls of a note: what a vendor does not take in that time comes again later
OUTREACH_LOCK = Lock()  # two guards would each count to the limit


def module(name: str) -> Any:
    """Load a module of this folder. Raise ``LiveChatError`` where the extra is not installed."""
    try:
        return import_module(f".{name}", __package__)
    except ModuleNotFoundError as error:
        if error.name not in ("httpx", "stamina", "sqlalchemy", "alembic"):
            raise
        raise LiveChatError("The desk needs an extra: pip install Flask-LiveChat[desk]") from None


def register(state: State, app: Flask, places: Mapping[str, Any], is_staff: Callable[[], bool]) -> None:
    """Register the views of webhooks, metrics and the inbox. Without the extra nothing is received."""
    config = state.settings
    notify = module("celery_tasks").send_task if config.celery else None  # Celery knows the task once this is loaded
    if not state.stores_events:
        if config.webhook_providers:
            app.logger.info("livechat: there are no webhooks and metrics without pip install Flask-LiveChat[desk].")
        return
    receiver = module("webhooks").create_blueprint(state, lambda: store(state, app), notify)
    app.register_blueprint(receiver, url_prefix=f"{config.url_prefix}/webhooks", **places)
    dashboard = module("dashboard").create_blueprint(state, is_staff)
    app.register_blueprint(dashboard, url_prefix=f"{config.url_prefix}/metrics", **places)
    if config.inbox:
        inbox = module("inbox").create_blueprint(state, is_staff)
        app.register_blueprint(inbox, url_prefix=f"{config.url_prefix}/inbox", **places)


# The vendors' APIs.


def account(state: State, provider: str | None) -> tuple[str, Values]:
    """Return the provider that a desk is asked for, and its values. Raise ``ConfigError`` where it has none."""
    name = provider or state.settings.provider
    if name is None or name not in state.settings.providers:
        what = f"{name!r} is not configured" if name else "no provider is configured"
        raise ConfigError([Problem("LC103", "LIVECHAT_PROVIDER", what, "Set its keys.")])
    return name, state.settings.providers[name]


def open_desk(state: State, app: Flask, name: str, values: Values, **options: Any) -> Desk:
    """Open a desk, with ``options`` as the desk's own ``open_desk`` has them."""
    desk, http = module("desk"), module("http")
    pool, base = desk.POOL, _sandbox_base(state, name)
    if state.settings.sandbox:
        pool = http.LOCAL if base else http.in_process(state.runtime.sandbox.apis[name])
    opened: Desk = desk.open_desk(name, values, state.now, pool, base, outreach=outreach(state, app), **options)
    return opened


def open_async_desk(state: State, app: Flask, name: str, values: Values) -> AsyncDesk:
    aio, http = module("aio"), module("http")
    pool, base = None, _sandbox_base(state, name)
    if state.settings.sandbox:
        pool = http.async_local() if base else http.async_in_process(state.runtime.sandbox.apis[name])
    opened: AsyncDesk = aio.open_async_desk(name, values, state.now, pool, base, outreach=outreach(state, app))
    return opened


def outreach(state: State, app: Flask) -> Outreach:
    """Return what counts how often the team begins with a visitor: in the store where the app has one."""
    with OUTREACH_LOCK:
        if state.runtime.outreach is None:
            has_store = state.settings.database_url is not None or (state.stores_events and listens(state))
            guard = module("outreach")
            claims = guard.StoreClaims(lambda: store(state, app)) if has_store else guard.ProcessClaims()
            state.runtime.outreach = guard.Outreach(state.settings.outreach, claims)
        made: Outreach = state.runtime.outreach
    return made


def _sandbox_base(state: State, name: str) -> str | None:
    """Return where the stand-in's API is, for a process that visitors do not talk to: a worker."""
    url = state.runtime.sandbox_url
    celery_state = sys.modules.get("celery._state")
    task = celery_state.get_current_worker_task() if celery_state else None
    if task is not None and not task.request.is_eager:  # a worker of Celery's was sent it
        celery = current_app.extensions.get("celery")
        url = getattr(celery, "conf", {}).get("livechat_sandbox_at", "http://127.0.0.1:5000")
    return f"{url.rstrip('/')}{state.settings.url_prefix}/sandbox/rest/{name}" if url else None


# The store.


def store(state: State, app: Flask) -> Store:
    """Open the store of the app's events. The default database is made here: it is this package's alone."""
    if state.runtime.store is None:
        url, folder = state.settings.database_url, Path(app.instance_path)
        if url is None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            make_private(folder)
        new = module("store").Store(url or f"sqlite:///{folder / 'livechat.sqlite3'}", state.settings.office_hours)
        if url is None:
            try:
                new.upgrade()
            except Exception:
                new.engine.dispose()
                raise
        state.runtime.store = state.runtime.store or new
    opened: Store = state.runtime.store
    return opened


def listens(state: State) -> bool:
    """Whether anybody wants to know of events. On the sandbox there is no store until somebody does."""
    has_handlers = state.callbacks.handlers or any(signal.receivers for signal in signals.BY_KIND.values())
    has_page = state.callbacks.staff_required or state.settings.inbox
    is_wanted = has_handlers or has_page or state.settings.database_url or state.has_flows
    return bool(not state.settings.sandbox or is_wanted)


def ask_store(state: State, app: Flask, ask: Callable[[Store], T], default: T) -> T:
    """Ask the store for a browser. A database that does not answer holds nobody, and is left alone for a while."""
    runtime = state.runtime
    if not listens(state) or runtime.breaker.is_open():
        return default
    try:
        with within(BACKGROUND_S):
            answer = ask(store(state, app))
    except Exception as error:
        runtime.breaker.note(answered=False)
        if count := runtime.database_errors.count(name := type(error).__name__):
            app.logger.error("livechat: the database does not answer: %s (%d so far).", name, count)
        return default
    runtime.breaker.note(answered=True)
    return answer


def count_question(state: State, app: Flask, provider: str, locale: str, words: str, text: str) -> None:
    """Count a question that no article answers; its text only where LIVECHAT_KEEP_QUESTIONS says so."""
    text = text if state.settings.keep_questions else ""
    ask_store(
        state, app, lambda opened: module("questions").count(opened, provider, locale, words, text, state.now()), None
    )


def handle(state: State, app: Flask, event: Event) -> None:
    """Call the handlers of an event, then the receivers of its signal. Raise what they raise.

    In an app context of its own: what the app keeps in it, and clears at its end, is of this event alone.
    """
    with app.app_context():
        for handler in state.callbacks.handlers.get(event.kind, ()):
            app.ensure_sync(handler)(event)
        signals.BY_KIND[event.kind].send(app, event=event)


# What flows hand over.


def takes_notes(state: State, name: str, visitor: Visitor) -> bool:
    """Whether agents can get what a visitor hands over as a note, once the conversation begins."""
    api, values = providers.api(name), state.settings.providers[name]
    if api is None or api.hand_over is None or not state.stores_events or not listens(state):
        return False
    has_keys = all(values.get(key) for key in api.needs) and name in state.settings.webhook_providers
    return has_keys and api.knows(visitor)


def count_flow(state: State, app: Flask, name: str, flow: str, new: Iterable[tuple[str, str, int]]) -> None:
    """Count what happened in a step of a flow."""
    if state.stores_events:
        ask_store(state, app, lambda opened: module("flow_figures").count(opened, name, flow, new, state.now()), None)


def put_handoff(state: State, app: Flask, name: str, handoff: Handoff) -> bool:
    """Store a handoff until the visitor writes. Return False where the database does not answer."""
    return ask_store(
        state, app, lambda opened: module("handoffs").Handoffs(opened).put(name, handoff, state.now()), False
    )


def handle_with_handoff(state: State, app: Flask, event: Event) -> None:
    """Call the handlers, then write the note of a flow where the visitor has just written after it.

    Where the vendor does not take it, raise: the event comes again, and then it is about the note alone.
    """
    is_visitors = event.author == "visitor" and event.kind in ("message", "conversation_started")
    if not is_visitors or event.conversation is None:
        handle(state, app, event)
        return
    rows = module("handoffs").Handoffs(store(state, app))
    if not rows.has_failed_at(event):
        handle(state, app, event)
    candidates = rows.candidates(event)
    row = rows.begin(event.provider, event.conversation, state.now()) if candidates else None
    if row is None:  # a worker with another event of the conversation writes the note
        return
    try:
        with app.app_context():
            desk = open_desk(state, app, *account(state, event.provider), deadline=NOTE_S)
            written = desk.hand_over(event.conversation, candidates)
    except LiveChatError:
        rows.mark_failed(event, candidates)
        raise
    else:
        if written is not None:
            rows.drop(event.provider, written)
    finally:
        rows.end(row)


def article_rows(state: State, app: Flask, provider: str) -> ArticleRows:
    """Open what is known of the app's articles at a vendor."""
    opened: ArticleRows = module("article_rows").ArticleRows(store(state, app), provider)
    return opened


def metrics(
    state: State,
    opened: Store,
    since: datetime,
    until: datetime | None = None,
    provider: str | None = None,
    tag: str | None = None,
) -> Metrics:
    if provider is not None and provider not in providers.names():
        raise ValueError(f"{provider!r} is not a provider; the providers are {', '.join(providers.names())}")
    now, targets = state.now(), state.settings.targets
    figures: Metrics = module("metrics").metrics(opened, since, until or now, provider, tag, targets, now)
    return figures


def cohort(state: State, opened: Store, people: Iterable[Person] | None, days: int) -> Cohort:
    """Count the people given, else those whom the app registered."""
    if people is None:
        if state.callbacks.people is None:
            raise LiveChatError("There are no people. Pass them, or register a function with @livechat.people.")
        people = state.callbacks.people()
    query = module("cohort_query")
    find, first = partial(query.conversations_begun, opened), query.first_known(opened)
    if first is not None and (keep_days := state.settings.keep_days) is not None:
        first = max(first, state.now() - timedelta(days=keep_days))  # nobody's name is kept in what began earlier
    result: Cohort = module("cohort").count(people, days, state.now(), first, find)
    return result


def erase(
    state: State,
    opened: Store,
    who: str | Visitor | Iterable[str | Visitor],
    open_vendor: Callable[[str], Desk],
    only: bool,
) -> Receipt:
    """Erase a person here and at every vendor that is configured."""

    def open_contacts(name: str) -> Any:
        desk = open_vendor(name)
        if not desk.can("contacts.forget"):
            raise Unsupported(providers.load(name).title, "contacts.forget")
        return desk.contacts

    contacts = {name: partial(open_contacts, name) for name in state.settings.providers}
    apis = {name: providers.api(name) for name in contacts}
    by_id = [name for name, api in apis.items() if api is not None and api.knows(Visitor(id="id"))]
    receipt: Receipt = module("erasure").forget(opened, contacts, who, state.now(), by_id, only)
    return receipt


# What the desk does by itself, in the background.


def record_event(
    state: State, app: Flask, name: str, visitor: Visitor, event: str, metadata: Mapping[str, Value]
) -> None:
    automations(state, app, name).event(visitor, event, metadata, state.now())


def report_error(state: State, app: Flask, name: str, visitor: Visitor, context: Mapping[str, Value]) -> None:
    automations(state, app, name).error(visitor, module("automations").error_text(context))


def sync_contact(state: State, app: Flask, load: Callable[[], Visitor | None]) -> None:
    """Make the vendor's contact what the visitor is. ``load`` is asked only where contacts are kept."""
    name = state.settings.provider
    api = providers.api(name) if name else None
    if name is None:
        warn_once("Contacts are not updated, because no provider is configured.")
    elif api is None or "contacts.upsert" not in api.methods:
        warn_once(f"Contacts are not updated, because {providers.load(name).title}'s API cannot do that.")
    elif find_spec("stamina") is None:
        warn_once("Contacts are not updated, because the desk needs an extra: pip install Flask-LiveChat[desk]")
    elif (visitor := load()) is not None and api.knows(visitor):
        automations(state, app, name).sync(visitor)


def automations(state: State, app: Flask, name: str) -> Automations:
    def open_with_context() -> Desk:
        with app.app_context():
            desk: Desk = state.livechat.desk(name)
            return desk

    by_provider: dict[str, Automations] = state.runtime.automations
    if name not in by_provider:
        by_provider.setdefault(name, module("automations").Automations(open_with_context))
    return by_provider[name]

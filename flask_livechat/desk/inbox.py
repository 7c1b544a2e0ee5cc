"""``/livechat/inbox``: every vendor's conversations on one page, for those who answer. It works without JavaScript.

The page is read from the store alone. What its forms do, the vendor's API does; then it is written here, too, and the
vendor's webhook finds it known.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import sqlalchemy as sa
from flask import Response, abort, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from .. import providers, signing
from ..errors import ConfigError, LiveChatError, TimedOut
from ..limits import BACKGROUND_S, within
from ..model import Message, Visitor
from ..same_origin import SameOriginBlueprint, is_same_origin_request
from ..state import State, call_app, safely
from . import inbox_queries as queries
from .inbox_actions import ACTIONS, Act, RefusedError, assignees
from .inbox_queries import TABS, Filter, Row
from .projections import update_conversation
from .store import explain
from .tables import UNCOUNTED, events

if TYPE_CHECKING:
    from .desk import Desk
    from .store import Store

TOKEN_KEY = "livechat_inbox"  # noqa: S105 - where the session has it  # nosec B105
MAX_SEARCH_CHARS = 100
MAX_OLDER = 500  # messages that are shown as the vendor has them
SEARCH_S = 5.0
UNCOUNTED_ROWS = 100  # conversations that are counted for a poll, where no worker has come to them yet
COUNTING_S = 1.0  # after which the next poll goes on with them
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
UNKNOWN_OUTCOME = "The vendor has not answered in time. Whether it was done is not known: look before you try again."


@dataclass(frozen=True, slots=True)
class View:
    """What the page is asked to show: a list, and the conversation ``c`` beside it. ``agents``: to choose one of."""

    tab: str = "waiting"
    provider: str | None = None
    tag: str | None = None
    q: str | None = None
    c: int | None = None
    page: int = 1
    back: datetime | None = None  # until when a search looks, after one of later messages
    agents: bool = False

    @property
    def filter(self) -> Filter:
        return Filter(self.tab, self.provider, self.tag, self.q, self.page, until=self.back if self.q else None)

    def link(self, **changes: Any) -> str:
        """The address of the page that shows something else."""
        fields = asdict(replace(self, agents=False)) | changes
        usual = {"tab": TABS[0], "page": 1}
        values = {name: value for name, value in fields.items() if value not in (None, False, "", usual.get(name))}
        if back := values.get("back"):
            values["back"] = back.isoformat()
        return url_for("livechat_inbox.page", **values)


def view_of(args: Mapping[str, str]) -> View:
    """Read an address. What is no part of one is left out."""
    tab = args.get("tab", "")

    def number(name: str, max_digits: int) -> int | None:
        text = args.get(name, "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) <= max_digits else None

    try:
        back = datetime.fromisoformat(args.get("back", "")).astimezone(UTC)
    except (ValueError, OverflowError):
        back = None
    return View(
        tab=tab if tab in TABS else TABS[0],
        provider=args.get("provider") or None,
        tag=(args.get("tag") or "").replace("\0", "") or None,
        q=(args.get("q") or "").replace("\0", "").strip()[:MAX_SEARCH_CHARS] or None,
        c=number("c", 18),
        page=number("page", 4) or 1,
        back=back,
        agents="agents" in args,
    )


def create_blueprint(state: State, is_allowed: Callable[[], bool]) -> SameOriginBlueprint:
    """``is_allowed`` says whether whoever asks may see the page. For all others it is not found."""
    blueprint = SameOriginBlueprint(
        "livechat_inbox", __name__, static_folder="static", static_url_path="/static", template_folder="templates"
    )
    inbox = Inbox(state)

    @blueprint.before_request
    def only_staff() -> None:
        if request.endpoint != "livechat_inbox.static" and not is_allowed():
            abort(404)

    @blueprint.errorhandler(sa.exc.SQLAlchemyError)
    def unavailable(error: Exception) -> Response:
        return Response(explain(error), 503, mimetype="text/plain")

    @blueprint.after_request
    def keep_private(response: Response) -> Response:
        if request.endpoint != "livechat_inbox.static":
            response.headers["Cache-Control"] = "no-store"
            response.headers["X-Robots-Tag"] = "noindex"
            response.headers["Referrer-Policy"] = "same-origin"
            response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    blueprint.add_url_rule("", "page", inbox.page)
    blueprint.add_url_rule("/changes", "changes", inbox.changes)
    number = f"int(max={10**18})"  # no database has a row beyond, and none takes a number of any length
    blueprint.add_url_rule(f"/<{number}:id>/older", "older", inbox.older)
    blueprint.add_url_rule(f"/message/<{number}:event>", "message", inbox.message)
    blueprint.add_url_rule(f"/<{number}:id>/<action>", "act", inbox.act, methods=["POST"])
    return blueprint


class Inbox:
    """The views. Each reads the store at one moment."""

    def __init__(self, state: State) -> None:
        self._state = state
        hours = state.settings.office_hours
        self._zone: tzinfo = hours.tz if hours else UTC

    @property
    def _store(self) -> Store:
        store: Store = self._state.livechat.store
        return store

    def page(self) -> ResponseReturnValue:
        return self._render("livechat/inbox.html", view_of(request.args), **self._count_waiting_events())

    def changes(self) -> ResponseReturnValue:
        """304 while nothing has changed since ``after``; else the parts of the page that live."""
        if self._version() == request.args.get("after"):
            return Response(status=304)
        more, lists = self._count_waiting_events(), not request.args.get("q")
        return self._render("livechat/inbox_changes.html", view_of(request.args), lists=lists, **more)

    def older(self, id: int) -> ResponseReturnValue:
        """All of a conversation, as its vendor has it: asked for once, and not kept."""
        row, failure = self._row(id), ""
        messages: list[Message] = []
        try:
            messages = list(self._desk(row).conversations.messages(row.conversation))[-MAX_OLDER:]
        except LiveChatError as error:
            failure = str(error)
        return render_template(
            "livechat/inbox_older.html",
            row=row,
            view=View(c=row.id),
            messages=[message for message in messages if message.text],
            failure=failure,
            titles=self._titles(),
            zone=self._zone,
        )

    def message(self, event: int) -> ResponseReturnValue:
        """All of a long message, as text."""
        with self._store.reading() as connection:
            text = queries.text_of(connection, event)
        return abort(404) if text is None else Response(text, mimetype="text/plain")

    def act(self, id: int, action: str) -> ResponseReturnValue:
        """Do what a form asks for, then show the conversation again. Where it is refused, so is the draft."""
        if action not in ACTIONS:
            abort(404)
        check_form(request.form)
        view = replace(view_of(request.form), c=id)
        row = self._row(id)
        try:
            Act(self._store, self._desk(row), row, self._zone, self._state.now).do(action, request.form)
        except (LiveChatError, ValueError) as error:
            status = error.status if isinstance(error, RefusedError) else 422 if isinstance(error, ValueError) else 502
            what = UNKNOWN_OUTCOME if isinstance(error, TimedOut) else str(error)
            draft = {"action": action, "text": request.form.get("text", "")}
            return self._render("livechat/inbox.html", view, error=what, draft=draft), status
        return redirect(view.link(), 303)

    def _count_waiting_events(self) -> dict[str, Any]:
        """Return a cursor that no version is equal to where there are more of them: the next poll goes on."""
        return {} if count_waiting_events(self._store, self._state.livechat.now) else {"cursor": ""}

    def _version(self) -> str:
        with self._store.reading() as connection:
            return queries.version(connection, self._state.now())

    def _row(self, id: int) -> Row:
        with self._store.reading() as connection:
            row = queries.row_of(connection, id)
        return row or abort(404)

    def _desk(self, row: Row) -> Desk:
        desk: Desk = self._state.livechat.desk(row.provider)
        return desk

    def _titles(self) -> dict[str, str]:
        return {name: providers.load(name).title for name in self._state.settings.webhook_providers}

    def _render(self, template: str, view: View, lists: bool = True, **more: Any) -> str:
        """``lists``: False leaves the list as it is. A search is not made again for each poll."""
        now = self._state.now()
        with within(SEARCH_S), self._store.reading() as connection:
            cursor = queries.version(connection, now)  # before all else: what comes after it is told of again
            row = queries.row_of(connection, view.c) if view.c is not None else None
            thread = queries.thread(connection, row) if row else None
            search_end = queries.search_end(connection, view.back) if view.q and lists else None
            wanted = replace(view.filter, since=search_end)
            rows, has_older = queries.rows(connection, wanted, now) if lists else ([], False)
            counts = queries.tab_counts(connection, view.filter, now)
        target = self._state.settings.targets.get("first_response")
        can, hint = self._can(row) if row else (frozenset(), "")
        return render_template(
            template,
            view=view,
            rows=rows,
            has_older=has_older,
            search_end=search_end,
            lists=lists,
            counts=counts,
            more_than=queries.MAX_COUNT,
            max_searched=queries.MAX_SEARCHED,
            thread=thread,
            can=can,
            hint=hint,
            agents=self._agents(row) if row and view.agents and "assign" in can else None,
            profile=self._profile(row) if row else {},
            articles=self._articles() if row and "reply" in can else [],
            is_verified=self._is_verified,
            titles=self._titles(),
            tags=sorted({tag for listed in rows for tag in listed.tags} | {*filter(None, [view.tag])}),
            tabs=TABS,
            token=session_token(),
            now=now,
            zone=self._zone,
            waits=waits,
            target_s=math.inf if target is None or target.most is None else target.most,
            desk_url=url_for("livechat_sandbox.desk_page") if self._state.settings.sandbox else None,
            snoozes=snooze_choices(now.astimezone(self._zone)),
            **{"cursor": cursor, "error": None, "draft": None, **more},
        )

    def _can(self, row: Row) -> tuple[frozenset[str], str]:
        """What the vendor can do with a conversation; and what is missing, where it can do nothing here."""
        if row.provider not in self._state.settings.providers:
            return frozenset(), f"{row.provider} is not configured any more."
        try:
            desk = self._desk(row)
        except (ConfigError, LiveChatError) as error:
            return frozenset(), str(error)
        able = frozenset(action for action in ACTIONS if desk.can(f"conversations.{action}"))
        title = self._titles().get(row.provider, row.provider)
        return able, "" if "reply" in able else f"{title}'s API takes no answers: answer in the vendor's own inbox."

    def _agents(self, row: Row) -> list[tuple[str, str]] | None:
        try:
            return assignees(self._desk(row))
        except LiveChatError as error:
            current_app.logger.warning("livechat: the agents were not listed: %s.", type(error).__name__)
            return None

    def _profile(self, row: Row) -> Mapping[str, Any]:
        load, known_as = self._state.callbacks.profile, row.visitor or row.email
        if load is None or known_as is None:
            return {}
        visitor = Visitor(id=known_as, email=row.email, name=row.name)
        answer: Any = call_app(lambda: current_app.ensure_sync(load)(visitor), {}, "profile")
        return answer if isinstance(answer, Mapping) else {}

    def _articles(self) -> list[tuple[str, str]]:
        """Titles and addresses of the app's published articles, to be sent as links."""
        settings = self._state.settings
        if settings.articles is None:
            return []
        articles: list[Any] = safely("the articles", lambda: list(self._state.livechat.articles), [])
        site = settings.site_url or request.host_url
        listed = [(article.title, article.url) for article in articles if article.is_published and article.url]
        return [(title, urljoin(site, url)) for title, url in listed]

    def _is_verified(self, row: Row) -> bool:
        """Whether the vendor vouches for who it is: by a mark, or by an id that has to be signed."""
        values = self._state.settings.providers.get(row.provider)
        is_signed = values is not None and bool(values.get(providers.load(row.provider).identity))
        return row.verified or (row.visitor is not None and is_signed)


def count_waiting_events(store: Store, clock: Callable[[], datetime]) -> bool:
    """Count events that no worker has come to yet: what was acknowledged is shown, however slow handlers are.

    Return whether that was all of them.
    """
    until, is_all = time.monotonic() + COUNTING_S, True
    wanted = sa.select(events.c.provider, events.c.conversation, sa.func.min(events.c.at)).where(UNCOUNTED)
    wanted = wanted.group_by(*wanted.selected_columns[:2]).order_by(sa.func.max(events.c.id).desc())
    with store.reading() as connection:
        rows = connection.execute(wanted.limit(UNCOUNTED_ROWS + 1)).all()
    for provider, name, since in rows[:UNCOUNTED_ROWS]:
        if time.monotonic() > until:
            return False
        try:  # A worker that holds the row does it just now; a database that is busy does it with the next poll.
            with within(BACKGROUND_S), store.engine.begin() as connection:
                update_conversation(connection, store.insert, provider, name, store.hours, clock(), since)
        except sa.exc.SQLAlchemyError:
            is_all = False
    return is_all and len(rows) <= UNCOUNTED_ROWS


def session_token() -> str | None:
    """Return this session's token. None for an app without sessions, which gets no forms."""
    if current_app.secret_key is None:
        return None
    token: str = session.setdefault(TOKEN_KEY, secrets.token_urlsafe(24))
    return token


def check_form(form: Mapping[str, str]) -> None:
    """Abort with 403 unless the form is of our own page, in this session."""
    token = session.get(TOKEN_KEY)
    if not (is_same_origin_request() and isinstance(token, str) and signing.same(token, form.get("token", ""))):
        abort(403, "This form does not come from a page that this browser has loaded. Load the page again.")


def snooze_choices(now: datetime) -> list[tuple[str, str]]:
    """What a form proposes: a name, and the moment as the form sends it."""
    morning = now.replace(hour=9, minute=0, second=0, microsecond=0)
    choices = (
        ("1 hour", now + timedelta(hours=1)),
        ("tomorrow, 9:00", morning + timedelta(days=1)),
        ("Monday, 9:00", morning + timedelta(days=7 - now.weekday())),
    )
    return [(name, moment.isoformat(timespec="minutes")) for name, moment in choices]


def waits(since: datetime, now: datetime) -> str:
    """Write how long somebody waits: 4 min, 3 h, 2 d."""
    minutes = max(0, int((now - since).total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"

"""``/livechat/inbox``: every vendor's conversations on one page, for those who answer. It works without JavaScript.

The page is read from the store alone. What its forms do, the vendor's API does; then it is written here, too, and the
vendor's webhook finds it known.
"""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import sqlalchemy as sa
from flask import Response, abort, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from .. import providers, signing
from ..errors import ConfigError, LiveChatError, TimedOut
from ..limits import BACKGROUND_S, within
from ..model import Event, Message, Visitor
from ..same_origin import SameOriginBlueprint
from ..state import State, call_app, safely
from . import inbox_queries as queries
from .handling import TEAM, begin_answer, put_handling
from .inbox_queries import TABS, Filter, Row
from .projections import update_conversation
from .rows import event_row
from .store import explain
from .tables import conversations, events

if TYPE_CHECKING:
    from .desk import Desk
    from .store import Store

TOKEN_KEY = "livechat_inbox"  # noqa: S105 - where the session has it  # nosec B105
MAX_REPLY_CHARS = 10_000
MAX_SEARCH_CHARS = 100
MAX_OLDER = 500  # messages that are shown as the vendor has them
SEARCH_S = 5.0
UNCOUNTED_ROWS = 20  # conversations that are counted for a poll, where no worker has come to them yet
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
ACTIONS = ("reply", "note", "close", "reopen", "snooze", "assign", "tag", "untag")
MEANWHILE = "Somebody has written meanwhile, or is answering just now. Read it first: what you wrote is still here."
UNKNOWN_OUTCOME = "The vendor has not answered in time. Whether it was done is not known: look before you try again."


class RefusedError(LiveChatError):
    """What was asked is not done, and why. ``status`` is the answer's."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status


@dataclass(frozen=True, slots=True)
class View:
    """What the page is asked to show: a list, and the conversation ``c`` beside it. ``agents``: to choose one of."""

    tab: str = "waiting"
    provider: str | None = None
    tag: str | None = None
    q: str | None = None
    c: int | None = None
    agents: bool = False

    @property
    def filter(self) -> Filter:
        return Filter(self.tab, self.provider, self.tag, self.q)

    def link(self, **changes: Any) -> str:
        """The address of the page that shows something else."""
        fields = asdict(replace(self, agents=False)) | changes
        values = {name: value for name, value in fields.items() if value not in (None, False, "")}
        if values.get("tab") == TABS[0]:
            del values["tab"]
        return url_for("livechat_inbox.page", **values)


def view_of(args: Mapping[str, str]) -> View:
    """Read an address. What is no part of one is left out."""
    tab, number = args.get("tab", ""), args.get("c", "")
    return View(
        tab=tab if tab in TABS else TABS[0],
        provider=args.get("provider") or None,
        tag=(args.get("tag") or "").replace("\0", "") or None,
        q=(args.get("q") or "").replace("\0", "").strip()[:MAX_SEARCH_CHARS] or None,
        c=int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else None,
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
    blueprint.add_url_rule("/<int:id>/older", "older", inbox.older)
    blueprint.add_url_rule("/message/<int:event>", "message", inbox.message)
    blueprint.add_url_rule("/<int:id>/<action>", "act", inbox.act, methods=["POST"])
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
        count_waiting_events(self._store, self._state.livechat.now)
        return self._render("livechat/inbox.html", view_of(request.args))

    def changes(self) -> ResponseReturnValue:
        """304 while nothing has changed since ``after``; else the parts of the page that live."""
        if self._version() == request.args.get("after"):
            return Response(status=304)
        count_waiting_events(self._store, self._state.livechat.now)
        return self._render("livechat/inbox_changes.html", view_of(request.args), lists=not request.args.get("q"))

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
            Act(self._state, self._store, self._desk(row), row, self._zone).do(action, request.form)
        except (LiveChatError, ValueError) as error:
            status = error.status if isinstance(error, RefusedError) else 422 if isinstance(error, ValueError) else 502
            what = UNKNOWN_OUTCOME if isinstance(error, TimedOut) else str(error)
            draft = {"action": action, "text": request.form.get("text", "")}
            return self._render("livechat/inbox.html", view, error=what, draft=draft), status
        return redirect(view.link(), 303)

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
            rows = queries.rows(connection, view.filter, now) if lists else []
            counts = queries.tab_counts(connection, view.filter, now)
        target = self._state.settings.targets.get("first_response")
        can, hint = self._can(row) if row else (frozenset(), "")
        return render_template(
            template,
            view=view,
            rows=rows,
            lists=lists,
            counts=counts,
            more_than=queries.MAX_COUNT,
            thread=thread,
            cursor=cursor,
            can=can,
            hint=hint,
            agents=self._agents(row) if row and view.agents and "assign" in can else None,
            profile=self._profile(row) if row else {},
            articles=self._articles() if row and "reply" in can else [],
            is_verified=self._is_verified,
            titles=self._titles(),
            tags=sorted({*queries.tags_in_use(connection, rows), *filter(None, [view.tag])}),
            tabs=TABS,
            token=session_token(),
            now=now,
            zone=self._zone,
            waits=waits,
            target_s=math.inf if target is None or target.most is None else target.most,
            desk_url=url_for("livechat_sandbox.desk_page") if self._state.settings.sandbox else None,
            snoozes=snooze_choices(now.astimezone(self._zone)),
            **{"error": None, "draft": None, **more},
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


@dataclass(frozen=True, slots=True)
class Act:
    """What is done with one conversation: at the vendor, then in the store."""

    state: State
    store: Store
    desk: Desk
    row: Row
    zone: tzinfo

    def do(self, action: str, form: Mapping[str, str]) -> None:
        getattr(self, action)(form)

    def reply(self, form: Mapping[str, str]) -> None:
        """Answer, unless somebody has written since the author looked, or is answering."""
        text = text_of(form)
        with self.store.engine.begin() as connection:
            if not begin_answer(connection, self.store.insert, self.row.id, form.get("seen", ""), self.state.now()):
                raise RefusedError(409, MEANWHILE)
        try:
            message = self.desk.conversations.reply(self.row.conversation, text)
        except TimedOut:  # it may have arrived: for a while nobody answers again
            raise
        except Exception:
            self._put(answering_until=None)
            raise
        self._store_message(message, "message", text)

    def note(self, form: Mapping[str, str]) -> None:
        text = text_of(form)
        self._store_message(self.desk.conversations.note(self.row.conversation, text), "note", text)

    def close(self, form: Mapping[str, str]) -> None:
        self.desk.conversations.close(self.row.conversation)
        self._set(state="closed", asked_at=None)

    def reopen(self, form: Mapping[str, str]) -> None:
        self.desk.conversations.reopen(self.row.conversation)
        self._set(state="open")
        self._put(snoozed_until=None)

    def snooze(self, form: Mapping[str, str]) -> None:
        until = moment_of(form.get("until", ""), self.zone)
        if until <= self.state.now():
            raise ValueError("A conversation is snoozed until a moment that is still to come.")
        self.desk.conversations.snooze(self.row.conversation, until)
        self._put(snoozed_until=until)

    def assign(self, form: Mapping[str, str]) -> None:
        key = form.get("agent", "")
        name = dict(assignees(self.desk)).get(key)
        if name is None:
            raise ValueError("There is no such agent or team any more.")
        if key.startswith(TEAM):
            self.desk.conversations.assign(self.row.conversation, team=key.removeprefix(TEAM))
        else:
            self.desk.conversations.assign(self.row.conversation, key)
        self._put(agent=key, agent_name=name)

    def tag(self, form: Mapping[str, str]) -> None:
        tags = [tag.strip() for tag in form.get("tags", "").split(",") if tag.strip()]
        if not tags:
            raise ValueError("A tag has a name.")
        self.desk.conversations.tag(self.row.conversation, *tags)
        self._set_tags({*self.row.tags, *tags})

    def untag(self, form: Mapping[str, str]) -> None:
        tag = form.get("label", "")
        self.desk.conversations.untag(self.row.conversation, tag)
        self._set_tags({*self.row.tags} - {tag})

    def _set_tags(self, tags: Iterable[str]) -> None:
        self._set(tags=json.dumps(sorted(tags)))

    def _set(self, **values: Any) -> None:
        """Write what the vendor will tell, too. Its webhook makes the conversation's row anew."""
        changed = {**values, "changed_at": self.state.now()}
        with self.store.engine.begin() as connection:
            connection.execute(sa.update(conversations).where(conversations.c.id == self.row.id).values(changed))

    def _put(self, **values: Any) -> None:
        with self.store.engine.begin() as connection:
            put_handling(connection, self.store.insert, self.row.id, values, self.state.now())

    def _store_message(self, message: Message, kind: str, text: str) -> None:
        """Store the event that the vendor's webhook will tell, under the same id: then it is known, and told once."""
        spec, now = providers.webhooks(self.row.provider), self.state.now()
        event_id = spec.event_id(message) if spec else None
        if event_id is None:  # the webhook tells of it, and until then nobody answers
            return
        event = Event(
            provider=self.row.provider,
            kind=kind,
            id=event_id,
            at=message.at or now,
            conversation=self.row.conversation,
            visitor=self.row.visitor,
            email=self.row.email,
            author="agent",
            text=text,
            raw=message.raw,
        )
        try:
            self._insert(event, now)
        except sa.exc.SQLAlchemyError as error:  # it has been sent: the webhook tells of it, and nobody sends it again
            current_app.logger.error("livechat: a message was sent and not stored: %s.", type(error).__name__)

    def _insert(self, event: Event, now: datetime) -> None:
        with self.store.engine.begin() as connection:
            self.store.insert_new(connection, [event], [event_row(event, now)])
            update_conversation(
                connection, self.store.insert, event.provider, self.row.conversation, self.store.hours, now, event.at
            )
            if event.kind == "message":  # this row is locked after the conversation's, as by all others
                put_handling(connection, self.store.insert, self.row.id, {"answering_until": None}, now)


def assignees(desk: Desk) -> list[tuple[str, str]]:
    """Return whom a conversation may be assigned to, by key and name: agents, then teams where the vendor has them."""
    agents = [(agent.id, agent.name or agent.email or agent.id) for agent in desk.agents.list()]
    teams = desk.agents.teams() if desk.can("agents.teams") else ()
    return agents + [(TEAM + team.id, f"Team {team.name or team.id}") for team in teams]


def count_waiting_events(store: Store, clock: Callable[[], datetime]) -> None:
    """Count events that no worker has come to yet: what was acknowledged is shown, however slow handlers are."""
    newest = sa.select(events.c.id).order_by(events.c.id.desc()).limit(10 * UNCOUNTED_ROWS)
    waiting = events.c.counted.is_(None) & (events.c.state == "pending") & events.c.conversation.is_not(None)
    wanted = sa.select(events.c.provider, events.c.conversation, sa.func.min(events.c.at))
    wanted = wanted.where(events.c.id.in_(newest.scalar_subquery()), waiting).group_by(*wanted.selected_columns[:2])
    with store.reading() as connection:
        rows = connection.execute(wanted.limit(UNCOUNTED_ROWS)).all()
    for provider, name, since in rows:
        # A worker that holds the row does it just now; a database that is busy does it with the next poll.
        with suppress(sa.exc.SQLAlchemyError), within(BACKGROUND_S), store.engine.begin() as connection:
            update_conversation(connection, store.insert, provider, name, store.hours, clock(), since)


def session_token() -> str | None:
    """Return this session's token. None for an app without sessions, which gets no forms."""
    if current_app.secret_key is None:
        return None
    token: str = session.setdefault(TOKEN_KEY, secrets.token_urlsafe(24))
    return token


def check_form(form: Mapping[str, str]) -> None:
    """Abort with 403 unless the form is of our own page, in this session."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    # Without the first header (old browsers, plain http) hosts are compared; schemes differ behind a TLS proxy.
    is_own = site == "same-origin" if site else origin is None or urlsplit(origin).netloc == request.host
    token = session.get(TOKEN_KEY)
    if not (is_own and isinstance(token, str) and signing.same(token, form.get("token", ""))):
        abort(403, "This form is not of a page that this browser was given. Load the page again.")


def text_of(form: Mapping[str, str]) -> str:
    text = form.get("text", "").replace("\r\n", "\n").replace("\0", "").strip()
    if not text:
        raise ValueError("A message has words.")
    if len(text) > MAX_REPLY_CHARS:
        raise ValueError(f"A message has {MAX_REPLY_CHARS} characters at most; this one has {len(text)}.")
    return text


def moment_of(text: str, zone: tzinfo) -> datetime:
    """Read what a form's date and time says, in the zone that the page shows."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("A moment is written as 2026-11-21T09:00.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


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

"""What the checks look at: the app's pages as a browser gets them, its templates and static files, its ways out.

Only GET routes without values in their addresses are visited, and none whose name says that it does something. Whatever
cannot be looked at is said, and the rest goes on.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask, g, got_request_exception
from flask.testing import FlaskClient
from flask_login.utils import _create_identifier
from jinja2 import TemplateSyntaxError
from werkzeug.datastructures import Headers
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from ..extension import HTML, LiveChat
from ..model import Decision
from ..settings import Settings
from ..widget.guard import EXAMINED
from ..widget.logout import MARK
from ..widget.scope import Scope
from ..widget.secrecy import Address
from .findings import Place, Unseen
from .reading import Document, File, Script, Template, template, without_jinja_comments

T = TypeVar("T")
Progress = Callable[[int, int, str], None]
NOWHERE = "/livechat-doctor-asks-for-a-page-that-is-not-there"
TEXT = (".css", ".env", ".htm", ".html", ".js", ".json", ".cjs", ".map", ".mjs", ".txt", ".xml", ".yaml", ".yml")
LEAVING = frozenset("logout logoff signout".split())
# A GET should change nothing; where a name says that it might, nobody asks.
DOING = frozenset(
    """
    accept activate approve backup buy cancel charge clear confirm cron deactivate delete destroy disable disconnect
    download drop dump execute export flush follow import install job jobs kill like logoff logout migrate pay poll
    purge refund reject remove reindex resend restart restore revoke run seed send shutdown signout start stop
    subscribe sync task tasks toggle trigger uninstall unsubscribe upgrade vote webhook webhooks
    """.split()
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How far the doctor goes."""

    pages: int = 500
    seconds: float = 5.0  # for one page
    size: int = 2_000_000  # bytes of a page or a file
    files: int = 5_000


@dataclass(frozen=True)
class Page:
    """One answer of the app that is HTML."""

    path: str
    endpoint: str | None
    status: int
    headers: Headers = field(repr=False)
    html: str = field(repr=False)
    logged_in: bool
    decision: Decision | None  # what the rules say, or what the tag said where there is one
    tagged: bool

    @property
    def place(self) -> Place:
        return Place(f"GET {self.path}" + (" (logged in)" if self.logged_in else ""))

    @cached_property
    def document(self) -> Document:
        return Document(self.html, self.place)


@dataclass(frozen=True, slots=True)
class Leaving:
    """A way out of the app, taken. ``ended``: whether the response ends the chat."""

    place: Place
    status: int
    ended: bool
    to_login: bool  # it only led to the login page


@dataclass(frozen=True)
class Survey:
    """All that the checks look at."""

    app: Flask
    now: datetime
    user: Any
    pages: tuple[Page, ...]
    leavings: tuple[Leaving, ...]
    templates: tuple[Template, ...]
    files: tuple[File, ...]
    environment: Mapping[str, str] = field(repr=False)
    unseen: tuple[Unseen, ...]

    @property
    def livechat(self) -> LiveChat:
        found: LiveChat = self.app.extensions["livechat"].livechat
        return found

    @property
    def settings(self) -> Settings:
        found: Settings = self.app.extensions["livechat"].settings
        return found

    @property
    def with_chat(self) -> tuple[Page, ...]:
        return tuple(page for page in self.pages if page.tagged)

    @cached_property
    def examples(self) -> tuple[Address, ...]:
        """A page of each route, with something in place of each value."""
        routes = [rule for rule in self.app.url_map.iter_rules() if "GET" in (rule.methods or ())]
        return tuple(Address(re.sub(r"<[^>]*>", "1", rule.rule), rule.endpoint) for rule in routes)

    @cached_property
    def written(self) -> tuple[Script, ...]:
        """Every script that somebody wrote: in templates and static files."""
        code = [script for one in self.templates for script in one.document.code]
        return (*code, *(script for one in self.files for script in one.scripts))

    @cached_property
    def rendered(self) -> tuple[Script, ...]:
        """Every script in a page."""
        return tuple(script for page in self.pages for script in page.document.code)


def survey(
    app: Flask,
    *,
    now: datetime,
    user: Any = None,
    paths: Iterable[str] = (),
    skip: Iterable[str] = (),
    limits: Limits = Limits(),
    progress: Progress = lambda done, total, what: None,
) -> Survey:
    """Looks at everything. ``user``: whom the pages are also visited as. ``paths``: further addresses."""
    unseen: list[Unseen] = []
    templates = tuple(_templates(app, unseen))
    files = tuple(_files(app, limits, unseen))
    visits = _visits(app, user, [*paths], [*skip], limits, unseen)
    with _silence():
        pages = []
        for done, (path, base, as_user) in enumerate(visits):
            progress(done, len(visits), path)
            page = _visit(app, path, base, user if as_user else None, limits, unseen)
            pages += [page] if page else []
        progress(len(visits), len(visits), "")
        leavings = tuple(_leave(app, rule, user, limits, unseen) for rule in _ways_out(app, [*skip]))
    return Survey(
        app, now, user, tuple(pages), tuple(one for one in leavings if one), templates, files, os.environ, tuple(unseen)
    )


# -- pages -----------------------------------------------------------------------------------------------------------


def _visits(
    app: Flask, user: Any, paths: list[str], skip: list[str], limits: Limits, unseen: list[Unseen]
) -> list[tuple[str, str, bool]]:
    """(path, base URL, as the user) of every visit, one after the other for the same page."""
    routes = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not _ours(rule)]
    closed, open_ones = _parted(routes, lambda rule: bool(rule.arguments - set(rule.defaults or ())))
    doing, safe = _parted(open_ones, lambda rule: _does_something(rule) or _skipped(rule, skip))
    _say_left_out(closed, doing, unseen)
    # One of the same address is enough: a rule for another method, or an alias.
    addresses = dict.fromkeys([*((rule.rule, _base(app, rule)) for rule in safe)])
    kept = [*addresses][: limits.pages]
    if len(addresses) > len(kept):
        unseen.append(Unseen(f"{len(addresses) - len(kept):,} more pages", "--pages N looks at more"))
    every = dict.fromkeys([*((path, _base(app)) for path in paths), *kept, (NOWHERE, _base(app))])
    return [(path, base, as_user) for path, base in every for as_user in ((False, True) if user else (False,))]


def _parted(rules: Iterable[Rule], test: Callable[[Rule], bool]) -> tuple[list[Rule], list[Rule]]:
    """Those that pass the test, and the others."""
    found: tuple[list[Rule], list[Rule]] = [], []
    for rule in rules:
        found[not test(rule)].append(rule)
    return found


def _say_left_out(closed: list[Rule], doing: list[Rule], unseen: list[Unseen]) -> None:
    if closed:
        what = f"{len(closed)} routes that take a value ({_some(closed)})"
        unseen.append(Unseen(what, "give addresses of theirs with --path"))
    if doing:
        what = f"{len(doing)} routes that may do something, or are skipped ({_some(doing)})"
        unseen.append(Unseen(what, "--path visits one nevertheless"))


def _some(rules: list[Rule]) -> str:
    return ", ".join(rule.rule for rule in rules[:3]) + (", …" if len(rules) > 3 else "")


def _ours(rule: Rule) -> bool:
    blueprint = rule.endpoint.partition(".")[0]
    return (
        blueprint in ("livechat", "livechat_sandbox") or rule.endpoint.rpartition(".")[2] == "static" or rule.websocket
    )


def _words(rule: Rule) -> set[str]:
    parts = re.split(r"[^a-z0-9]+", f"{rule.rule} {rule.endpoint.rpartition('.')[2]}".lower())
    pairs = {first + second for first, second in pairwise(parts)}
    return {*parts, *(pairs & LEAVING)}


def _does_something(rule: Rule) -> bool:
    return not DOING.isdisjoint(_words(rule))


def _skipped(rule: Rule, skip: list[str]) -> bool:
    return any(rule.endpoint == each or rule.rule == each or rule.rule.startswith(f"{each}/") for each in skip)


def _base(app: Flask, rule: Rule | None = None) -> str:
    """Where a route answers: at a host or a subdomain of its own, too."""
    name = app.config.get("SERVER_NAME") or "localhost"
    host = rule and (rule.host or (f"{rule.subdomain}.{name}" if rule.subdomain else None))
    return f"{app.config['PREFERRED_URL_SCHEME']}://{host if host and '<' not in host else name}"


def _visit(app: Flask, path: str, base: str, user: Any, limits: Limits, unseen: list[Unseen]) -> Page | None:
    raised: list[str] = []

    def note(sender: Flask, exception: BaseException, **extra: Any) -> None:
        raised.append(_described(exception, app))

    def ask() -> Page | str | None:
        with got_request_exception.connected_to(note, app), _client(app, user) as client:
            said: list[Scope] = []
            response = client.get(path, base_url=base, environ_overrides={EXAMINED: said}, buffered=False)
            try:
                return _read(app, response, said[-1] if said else None, path, user, limits)
            finally:
                response.close()

    name = f"GET {path}" + (" (logged in)" if user else "")
    try:
        found = _within(limits.seconds, ask)
    except TimeoutError:
        unseen.append(Unseen(name, f"took longer than {limits.seconds:g} s"))
        return None
    except Exception as error:  # whatever a view raises where the app lets it through
        unseen.append(Unseen(name, _described(error, app)))
        return None
    if isinstance(found, str):
        unseen.append(Unseen(name, found))
        return None
    if raised:
        unseen.append(Unseen(name, f"{raised[0]}; its error page was looked at"))
    return found


def _read(
    app: Flask, response: TestResponse, said: Scope | None, path: str, user: Any, limits: Limits
) -> Page | str | None:
    if not (response.content_type or "").startswith(HTML) or response.status_code in range(300, 400):
        return None
    body = b""
    for piece in response.iter_encoded():
        body += piece
        if len(body) > limits.size:
            return f"is longer than {limits.size:,} bytes"
    endpoint = said.request.endpoint if said else None
    tagged = said is not None and said.markup is not None
    decision = said.decision if said and tagged else _decision(app, path, user)
    html = body.decode("utf-8", "replace")
    return Page(path, endpoint, response.status_code, response.headers, html, user is not None, decision, tagged)


def _decision(app: Flask, path: str, user: Any) -> Decision | None:
    """What the rules say of a page whose template does not ask them."""
    with app.test_request_context(path):
        if user is not None:
            g._login_user = user
        try:
            found: Decision = app.extensions["livechat"].livechat.decide()
        except Exception:  # a predicate of the app's own
            return None
        return found


@contextmanager
def _client(app: Flask, user: Any) -> Iterator[FlaskClient]:
    client = app.test_client()
    if user is not None:
        with app.test_request_context():
            identifier = _create_identifier()
        with client.session_transaction() as session:
            session.update(_user_id=user.get_id(), _fresh=True, _id=identifier)
    yield client


# -- ways out --------------------------------------------------------------------------------------------------------


def _ways_out(app: Flask, skip: list[str]) -> list[Rule]:
    return [
        rule
        for rule in app.url_map.iter_rules()
        if not rule.arguments and not LEAVING.isdisjoint(_words(rule)) and not _ours(rule) and not _skipped(rule, skip)
    ]


def _leave(app: Flask, rule: Rule, user: Any, limits: Limits, unseen: list[Unseen]) -> Leaving | None:
    """Goes out as a form or a link of the app's own would, with a session of its own."""
    method = "POST" if "POST" in (rule.methods or ()) else "GET"
    login_view = getattr(getattr(app, "login_manager", None), "login_view", None)

    def ask() -> Leaving:
        with _client(app, user) as client:
            base = _base(app, rule)
            response = client.open(rule.rule, method=method, base_url=base, environ_overrides={EXAMINED: []})
            with app.test_request_context():
                login = app.url_for(login_view) if login_view in app.view_functions else None
            location = response.headers.get("Location", "").partition("?")[0]
            ended = any(cookie.startswith(f"{MARK}=") for cookie in response.headers.getlist("Set-Cookie"))
            return Leaving(Place(f"{method} {rule.rule}"), response.status_code, ended, not ended and location == login)

    try:
        with _without_csrf(app):
            found = _within(limits.seconds, ask)
    except TimeoutError:
        unseen.append(Unseen(f"{method} {rule.rule}", f"took longer than {limits.seconds:g} s"))
    except Exception as error:  # whatever a view raises where the app lets it through
        unseen.append(Unseen(f"{method} {rule.rule}", _described(error, app)))
    else:
        if found.status < 400 and not found.to_login:
            return found
        why = "it asks for a login: --as USER_ID" if found.to_login else f"it answered {found.status}"
        unseen.append(Unseen(f"{method} {rule.rule}", why))
    return None


@contextmanager
def _without_csrf(app: Flask) -> Iterator[None]:
    """Nobody has a form to send the token from."""
    before = app.config.get("WTF_CSRF_ENABLED")
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        yield
    finally:
        if before is None:
            app.config.pop("WTF_CSRF_ENABLED")
        else:
            app.config["WTF_CSRF_ENABLED"] = before


# -- sources ---------------------------------------------------------------------------------------------------------


def _templates(app: Flask, unseen: list[Unseen]) -> Iterator[Template]:
    environment = app.jinja_env
    try:
        names = environment.list_templates()
    except TypeError:
        unseen.append(Unseen("the templates", "their loader cannot list them"))
        return
    for name in names:
        try:
            source, filename, _ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]
            if filename and "site-packages" in Path(filename).parts:
                continue  # another package's
            place = _place(app, filename, name)
            yield template(without_jinja_comments(source, environment), place, environment)
        except TemplateSyntaxError as error:
            unseen.append(Unseen(name, f"is no valid template (line {error.lineno})"))
        except Exception as error:  # binary files, files that vanish, loaders of all kinds
            unseen.append(Unseen(name, f"cannot be read ({type(error).__name__})"))


def _files(app: Flask, limits: Limits, unseen: list[Unseen]) -> Iterator[File]:
    folders = [app.static_folder, *(blueprint.static_folder for blueprint in app.blueprints.values())]
    count = 0
    for folder in dict.fromkeys(filter(None, folders)):
        if "site-packages" in Path(folder).parts:
            continue
        for path in sorted(Path(folder).rglob("*")):
            if path.suffix.lower() not in TEXT or "node_modules" in path.parts or not path.is_file():
                continue
            count += 1
            if count > limits.files:
                unseen.append(Unseen("further static files", f"there are more than {limits.files:,}"))
                return
            found = _file(app, path, limits)
            if isinstance(found, Unseen):
                unseen.append(found)
            else:
                yield found


def _file(app: Flask, path: Path, limits: Limits) -> File | Unseen:
    place = _place(app, str(path), path.name)
    try:
        if path.stat().st_size > limits.size:
            return Unseen(place.name, f"is longer than {limits.size:,} bytes")
        return File(place, path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        return Unseen(place.name, f"cannot be read ({type(error).__name__})")


def _place(app: Flask, filename: str | None, name: str) -> Place:
    """As an editor would open it: relative to where the command runs, or to the app."""
    if not filename:
        return Place(name, file=True)
    for root in (Path.cwd(), Path(app.root_path)):
        if Path(filename).is_relative_to(root):
            return Place(Path(filename).relative_to(root).as_posix(), file=True)
    return Place(name, file=True)


# -- manners ---------------------------------------------------------------------------------------------------------


def _within(seconds: float, call: Callable[[], T]) -> T:
    """The result, what it raises, or ``TimeoutError``: then its thread is left behind, and ends with the process."""
    results: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(call())
        except Exception as error:  # handed on
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError
    return results[0]


def _described(error: BaseException, app: Flask) -> str:
    """The kind of an exception and where it was raised. Not its text: nobody knows what stands in it."""
    frames = []
    trace = error.__traceback__
    while trace:
        frames.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    own = [frame for frame in frames if Path(frame[0]).is_relative_to(app.root_path)]
    where = f" ({_place(app, *own[-1][:1], name=Path(own[-1][0]).name).name}:{own[-1][1]})" if own else ""
    return f"raised {type(error).__name__}{where}"


@contextmanager
def _silence() -> Iterator[None]:
    """What the app logs meanwhile would stand between the findings; they say it better."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)

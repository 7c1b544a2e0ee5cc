"""What the checks look at: the app's pages as a browser gets them, its templates and static files, its ways out.

Only GET routes without values in their addresses are visited, and none whose name says that it does something. Whatever
cannot be looked at is said, and the rest goes on.
"""

from __future__ import annotations

import inspect
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, g, got_request_exception
from flask.testing import FlaskClient
from flask_login.utils import _create_identifier
from jinja2 import TemplateSyntaxError
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from ..extension import HTML, LiveChat
from ..model import Decision
from ..settings import Settings
from ..widget.examined import EXAMINED, Examined
from ..widget.guard import Guard, plain
from ..widget.logout import MARK
from ..widget.secrecy import Address
from .findings import Place, Unseen
from .reading import Document, File, Script, Template, document, template

T = TypeVar("T")
Progress = Callable[[int, int, str], None]
NOWHERE = "/livechat-doctor-asks-for-a-page-that-is-not-there"
TEXT = frozenset(
    """
    .bak .cjs .css .env .htm .html .js .json .jsx .map .mjs .svg .ts .tsx .txt .vue .webmanifest .xml .yaml .yml
    """.split()
)
LEAVING = frozenset("endsession logoff logout signoff signout".split())
# What may stand beside these words in the name of a way out that only leaves.
AROUND = frozenset(
    "a account accounts api auth dashboard do endpoint leave me my page post session site user users v1 v2 view".split()
)
# A GET should change nothing; where a name says that it might, nobody asks.
DOING = frozenset(
    """
    accept activate add all approve archive ban backup buy cancel charge clear close confirm create cron deactivate
    delete destroy disable disconnect download drop dump duplicate empty erase everyone exec execute export flush follow
    generate impersonate import install invite job jobs join kick kill leave like mark merge migrate move pay poll
    publish purge redeem refund regenerate reindex reject remove resend reset restart restore revoke rotate run save
    seed send set shutdown start stop submit subscribe sync task tasks toggle transfer trigger truncate unban undo
    uninstall unpublish unsubscribe update upgrade upload vote webhook webhooks wipe withdraw
    """.split()
)
# Words beside which these mean a page: /password/reset is a form, /get-started a text.
PAGE = frozenset("password passwort getting about faq help docs how guide".split())


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
    status: int
    headers: Headers = field(repr=False)
    document: Document = field(repr=False)
    whole: bool  # and not a part of a page
    logged_in: bool
    decision: Decision | None  # what the rules say, or what the tag said where there is one
    tagged: bool
    html: str = field(repr=False)

    @property
    def place(self) -> Place:
        return Place(_named(self.path, self.logged_in))

    @property
    def payload(self) -> Mapping[str, Any]:
        """What our data block says."""
        return self.document.payload


@dataclass(frozen=True, slots=True)
class Leaving:
    """A way out of the app, taken by somebody who was logged in. ``ended``: whether the response ends the chat."""

    place: Place
    status: int
    ended: bool


@dataclass(frozen=True)
class Survey:
    """All that the checks look at."""

    app: Flask
    now: datetime
    user: Any
    pages: tuple[Page, ...]
    leaks: tuple[tuple[Place, str], ...]  # responses of any kind with a configured secret in them, and its key
    leavings: tuple[Leaving, ...]
    templates: tuple[Template, ...]
    files: tuple[File, ...]
    leaking: tuple[tuple[Place, str], ...]  # static files of any kind with a configured secret in them, and its key
    environment: Mapping[str, str] = field(repr=False)
    origin: str  # of the site, as its visitors have it
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
    def routes(self) -> tuple[tuple[str, str], ...]:
        """(address with its values' names, endpoint) of what answers a GET."""
        return tuple(
            (rule.rule, rule.endpoint) for rule in self.app.url_map.iter_rules() if "GET" in (rule.methods or ())
        )

    def found(self, path: str) -> list[Address]:
        """What answers a path, at any host."""
        hosts = {rule.host for rule in self.app.url_map.iter_rules() if rule.host} or {"localhost"}
        found = []
        for host in hosts:
            try:
                endpoint, _ = self.app.url_map.bind(host).match(path, method="GET")
            except HTTPException:  # no route, or one that redirects to another
                continue
            found.append(Address(path, endpoint))
        return found

    @cached_property
    def written(self) -> tuple[Script, ...]:
        """Every script that somebody wrote: in templates and static files."""
        code = [script for one in self.templates for script in one.document.code]
        return (*code, *(script for one in self.files for script in one.scripts))

    @cached_property
    def scripts(self) -> tuple[Script, ...]:
        """These, and those of pages that are not the same to the letter."""
        known = {(script.src, script.text.strip()) for script in self.written}
        rendered = (script for page in self.pages for script in page.document.code)
        return (*self.written, *(one for one in rendered if (one.src, one.text.strip()) not in known))


def example(route: str) -> str:
    """An address of a route, with something in place of each value."""
    return re.sub(r"<[^>]*>", "1", route)


def survey(
    app: Flask,
    *,
    now: datetime,
    user: Any = None,
    paths: Iterable[str] = (),
    skip: Iterable[str] = (),
    base_url: str | None = None,
    limits: Limits = Limits(),
    progress: Progress = lambda done, total, what: None,
) -> Survey:
    """Looks at everything. ``user``: whom the pages are also visited as. ``paths``: further addresses."""
    visitor = Visitor(app, user, limits, base_url or _base_url(app))
    unseen, skipped = visitor.unseen, [*skip]
    known = guard_of(app)
    templates = tuple(_templates(app, limits, unseen))
    files, leaking = _files(app, known, limits, unseen)
    visits = _visits(app, user, [*paths], skipped, limits, unseen)
    with _silence():
        for done, (path, rule, as_user) in enumerate(visits):
            progress(done, len(visits), path)
            visitor.visit(path, rule, as_user)
        progress(len(visits), len(visits), "")
        for rule in _ways_out(app, skipped, unseen):
            visitor.leave(rule)
    return Survey(
        app, now, user, tuple(visitor.pages), tuple(visitor.leaks), tuple(visitor.leavings), templates, files, leaking,
        os.environ, f"https://{visitor.base_url.partition('://')[2]}", tuple(unseen),
    )  # fmt: skip


def guard_of(app: Flask) -> Guard:
    config: Settings = app.extensions["livechat"].settings
    return Guard(config.providers, sandbox=config.sandbox)


# -- pages -----------------------------------------------------------------------------------------------------------


def _visits(
    app: Flask, user: Any, paths: list[str], skip: list[str], limits: Limits, unseen: list[Unseen]
) -> list[tuple[str, Rule | None, bool]]:
    """(path, route, as the user) of every visit, one after the other for the same page."""
    routes = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not _ours(rule)]
    closed, open_ones = _parted(routes, lambda rule: bool(rule.arguments - set(rule.defaults or ())))
    doing, safe = _parted(open_ones, lambda rule: _does_something(rule) or _skipped(rule, skip))
    _say_left_out(closed, doing, unseen)
    # One of the same address is enough: a rule for another method, or an alias.
    addresses = {(rule.rule, rule.host, rule.subdomain): rule for rule in reversed(safe)}
    kept = [*addresses.values()][::-1][: limits.pages]
    if len(addresses) > len(kept):
        unseen.append(Unseen(f"{len(addresses) - len(kept):,} more pages", "--pages N looks at more"))
    every = [*((path, None) for path in dict.fromkeys(paths)), *((rule.rule, rule) for rule in kept), (NOWHERE, None)]
    return [(path, rule, as_user) for path, rule in every for as_user in ((False, True) if user else (False,))]


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
    """The words of a route's address and endpoint: deleteAccount, delete-account and delete_account alike."""
    text = f"{rule.rule} {rule.endpoint.rpartition('.')[2]}"
    parts = [part for part in re.split(r"[^a-z0-9]+", re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", text).lower()) if part]
    joined = {first + second: (first, second) for first, second in pairwise(parts) if first + second in LEAVING}
    return ({*parts} - {part for pair in joined.values() for part in pair}) | joined.keys()


def _does_something(rule: Rule) -> bool:
    words = _words(rule)
    return not LEAVING.isdisjoint(words) or (not DOING.isdisjoint(words) and PAGE.isdisjoint(words))


def _skipped(rule: Rule, skip: list[str]) -> bool:
    return any(rule.endpoint == each or rule.rule == each or rule.rule.startswith(f"{each}/") for each in skip)


def _ways_out(app: Flask, skip: list[str], unseen: list[Unseen]) -> Iterator[Rule]:
    """The routes that are called a logout. Not one that is called more: /logout-everyone does more, too."""
    for rule in app.url_map.iter_rules():
        words = _words(rule)
        if LEAVING.isdisjoint(words) or _ours(rule) or _skipped(rule, skip):
            continue
        if rule.arguments:
            unseen.append(Unseen(f"a way out, {rule.rule}", "it takes a value"))
        elif words - LEAVING - AROUND:
            unseen.append(Unseen(f"a way out, {rule.rule}", "by its name it does more than that"))
        else:
            yield rule


def _base_url(app: Flask) -> str:
    """Where the app thinks that it is."""
    trusted = [host for host in app.config.get("TRUSTED_HOSTS") or () if not host.startswith(".")]
    name = app.config.get("SERVER_NAME") or (trusted[0] if trusted else "localhost")
    return f"{app.config['PREFERRED_URL_SCHEME']}://{name}"


def _named(path: str, logged_in: bool) -> str:
    return f"GET {path}" + (" (logged in)" if logged_in else "")


@dataclass
class Visitor:
    """Goes through an app's pages, and notes what is there. The only record here that changes."""

    app: Flask
    user: Any
    limits: Limits
    base_url: str
    pages: list[Page] = field(default_factory=list)
    leaks: list[tuple[Place, str]] = field(default_factory=list)
    leavings: list[Leaving] = field(default_factory=list)
    unseen: list[Unseen] = field(default_factory=list)

    def visit(self, path: str, rule: Rule | None, as_user: bool) -> None:
        name, raised = _named(path, as_user), []

        def note(sender: Flask, exception: BaseException, **extra: Any) -> None:
            raised.append(_described(exception, self.app))

        def ask() -> Page | str | None:
            with got_request_exception.connected_to(note, self.app):
                return self._ask(path, rule, as_user, name)

        found = self._within(name, ask)
        if isinstance(found, str):
            self.unseen.append(Unseen(name, found))
        elif isinstance(found, Page):
            self.pages.append(found)
        if raised and not isinstance(found, Exception):
            self.unseen.append(Unseen(name, f"{raised[0]}; its error page was looked at"))

    def _ask(self, path: str, rule: Rule | None, as_user: bool, name: str, again: bool = True) -> Page | str | None:
        """The page, why there is none, or None where the answer is no page."""
        examined: list[Examined] = []
        base = self._base(rule)
        with self._client(base, as_user) as client:
            response = client.get(path, base_url=base, environ_overrides={EXAMINED: examined}, buffered=False)
            try:
                if again and self._moved(response, base, path, rule):
                    return self._ask(path, rule, as_user, name, again=False)
                return self._read(response, examined[-1] if examined else None, path, as_user, name)
            finally:
                response.close()

    def _moved(self, response: TestResponse, base: str, path: str, rule: Rule | None) -> bool:
        """Whether the same page is to be had at another scheme or host. Then that is where the app is."""
        here, there = urlsplit(base.rstrip("/") + path), urlsplit(response.headers.get("Location", ""))
        if response.status_code not in range(300, 400) or not there.netloc or here.path != there.path:
            return False
        if (here.scheme, here.netloc) == (there.scheme, there.netloc):
            return False
        if rule is None or not (rule.host or rule.subdomain):
            self.base_url = f"{there.scheme}://{there.netloc}"
        return True

    def _read(
        self, response: TestResponse, examined: Examined | None, path: str, as_user: bool, name: str
    ) -> Page | str | None:
        if examined and examined.leaks:
            self.leaks.append((Place(name), examined.leaks))
        if response.status_code in range(300, 400):
            return f"it leads to {urlsplit(response.headers.get('Location', '')).path}"
        if as_user and examined and not examined.logged_in:
            return "the login did not take: the page was not seen as this user"
        if not (response.content_type or "").startswith(HTML):
            return None
        body = b""
        for piece in response.iter_encoded():
            body += piece
            if len(body) > self.limits.size:
                return f"is longer than {self.limits.size:,} bytes"
        if response.status_code >= 400 and path != NOWHERE:
            self.unseen.append(Unseen(name, f"answered {response.status_code}"))
        said = None if examined is None else examined.scope
        tagged = said is not None and said.markup is not None
        source = plain(body, response.content_encoding).decode("utf-8", "replace")
        return Page(
            path=path,
            status=response.status_code,
            headers=response.headers,
            document=document(source, Place(name)),
            whole="</body>" in source.lower(),
            logged_in=as_user,
            decision=said.decision if said and tagged else self._decision(path, as_user),
            tagged=tagged,
            html=source,
        )

    def _decision(self, path: str, as_user: bool) -> Decision | None:
        """What the rules say of a page whose template does not ask them."""
        with self.app.test_request_context(path, base_url=self.base_url):
            if as_user:
                g._login_user = self.user
            try:
                found: Decision = self.app.extensions["livechat"].livechat.decide()
            except Exception:  # a predicate of the app's own
                return None
            return found

    def leave(self, rule: Rule) -> None:
        """Goes out as a form or a link of the app's own would, logged in, with a session of its own."""
        method = "POST" if "POST" in (rule.methods or ()) else "GET"
        name, base, login = f"{method} {rule.rule}", self._base(rule), hasattr(self.app, "login_manager")

        def ask() -> Leaving | str:
            with self._client(base, as_user=login and self.user is not None) as client:
                before = _logged_in(client, base)
                response = client.open(rule.rule, method=method, base_url=base, environ_overrides={EXAMINED: []})
                ended = any(cookie.startswith(f"{MARK}=") for cookie in response.headers.getlist("Set-Cookie"))
                if ended:
                    return Leaving(Place(name), response.status_code, True)
                if response.status_code >= 400:
                    return f"it answered {response.status_code}"
                if not login and "forget(" in _source(self.app.view_functions[rule.endpoint]):
                    return "it calls forget() for some; log in by hand and look for the cookie livechat_left"
                if login and not before:
                    return "nobody was logged in: --as USER_ID"
                if login and _logged_in(client, base):
                    return "it logs nobody out"
                return Leaving(Place(name), response.status_code, False)

        with _without_csrf(self.app):
            found = self._within(name, ask)
        if isinstance(found, str):
            self.unseen.append(Unseen(name, found))
        elif isinstance(found, Leaving):
            self.leavings.append(found)

    @contextmanager
    def _client(self, base: str, as_user: bool) -> Iterator[FlaskClient]:
        """A browser of its own. What its session held is gone afterwards, also where the server keeps it."""
        client = self.app.test_client()
        if not as_user:
            yield client
            return
        with self.app.test_request_context(base_url=base, environ_base=client.environ_base):
            identifier = _create_identifier()
        with client.session_transaction(base_url=base) as session:
            session.update(_user_id=self.user.get_id(), _fresh=True, _id=identifier)
        yield client
        with suppress(Exception), client.session_transaction(base_url=base) as session:  # it may be closed by now
            session.clear()

    def _base(self, rule: Rule | None) -> str:
        """Where a route answers: at a host or a subdomain of its own, too."""
        scheme, name = self.base_url.split("://")
        host = rule and (rule.host or (f"{rule.subdomain}.{name}" if rule.subdomain else None))
        root = (self.app.config.get("APPLICATION_ROOT") or "/").rstrip("/")
        return f"{scheme}://{host if host and '<' not in host else name}{root}/"

    def _within(self, name: str, call: Callable[[], T]) -> T | Exception:
        try:
            return within(self.limits.seconds, call)
        except TimeoutError as error:
            self.unseen.append(Unseen(name, f"took longer than {self.limits.seconds:g} s"))
            return error
        except Exception as error:  # whatever a view raises where the app lets it through
            self.unseen.append(Unseen(name, _described(error, self.app)))
            return error


def _source(view: Callable[..., Any]) -> str:
    try:
        return inspect.getsource(inspect.unwrap(view))
    except (OSError, TypeError):  # made at run time
        return ""


def _logged_in(client: FlaskClient, base: str) -> bool:
    with client.session_transaction(base_url=base) as session:
        return "_user_id" in session


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


def _templates(app: Flask, limits: Limits, unseen: list[Unseen]) -> Iterator[Template]:
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
            if len(source) > limits.size:
                raise ValueError("too long")
            found = within(limits.seconds, partial(template, name, source, _place(app, filename, name), environment))
        except TemplateSyntaxError as error:
            unseen.append(Unseen(name, f"is no valid template (line {error.lineno})"))
        except Exception as error:  # binary files, files that vanish, loaders of all kinds
            unseen.append(Unseen(name, f"cannot be read ({type(error).__name__})"))
        else:
            yield found


def _files(
    app: Flask, known: Guard, limits: Limits, unseen: list[Unseen]
) -> tuple[tuple[File, ...], tuple[tuple[Place, str], ...]]:
    """The static files that are text, and of all of them those that hold a configured secret."""
    found: list[File] = []
    leaking: list[tuple[Place, str]] = []
    for path in islice(_static(app), limits.files):
        place = _place(app, str(path), path.name)
        try:
            if path.stat().st_size > limits.size:
                unseen.append(Unseen(place.name, f"is longer than {limits.size:,} bytes"))
                continue
            body = path.read_bytes()
        except OSError as error:
            unseen.append(Unseen(place.name, f"cannot be read ({type(error).__name__})"))
            continue
        if key := known.key_in(body):
            leaking.append((place, key))
        if (path.suffix or path.name).lower() in TEXT:
            found.append(File(place, body.decode("utf-8", "replace")))
    if next(islice(_static(app), limits.files, None), None):
        unseen.append(Unseen("further static files", f"there are more than {limits.files:,}"))
    return tuple(found), tuple(leaking)


def _static(app: Flask) -> Iterator[Path]:
    folders = [app.static_folder, *(blueprint.static_folder for blueprint in app.blueprints.values())]
    for folder in dict.fromkeys(filter(None, folders)):
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file() and not {"site-packages", "node_modules"} & {*path.parts}:
                yield path


def place_of(app: Flask) -> Place | None:
    """The file that the app is made in."""
    filename = getattr(sys.modules.get(app.import_name), "__file__", None)
    return _place(app, filename, Path(filename).name) if filename else None


def _place(app: Flask, filename: str | None, name: str) -> Place:
    """As an editor would open it: relative to where the command runs, or to the app."""
    if not filename:
        return Place(name, file=True)
    for root in (Path.cwd(), Path(app.root_path)):
        if Path(filename).is_relative_to(root):
            return Place(Path(filename).relative_to(root).as_posix(), file=True)
    return Place(name, file=True)


# -- manners ---------------------------------------------------------------------------------------------------------


def within(seconds: float, call: Callable[[], T]) -> T:
    """The result, what it raises, or ``TimeoutError``: then its thread is left behind, and ends with the process."""
    results: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(call())
        except Exception as error:  # handed on
            errors.append(error)
        except BaseException as error:  # sys.exit() in a view ends a server's thread, not the doctor
            errors.append(RuntimeError(type(error).__name__))

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
        with redirect_stdout(sys.stderr):  # what is printed would stand within the report
            yield
    finally:
        logging.disable(before)

"""Goes through an app's pages and out again, as a browser does, and notes what is there."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from types import MethodType
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit, urlunsplit

from flask import Flask, appcontext_pushed, g, got_request_exception, template_rendered
from flask.testing import FlaskClient
from flask_login.utils import _create_identifier
from jinja2 import Template
from werkzeug.datastructures import Headers
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from ..model import Decision
from ..state import PROBE_KEY, current_state
from ..widget.assets import NO_VENDOR
from ..widget.bodies import UnreadableBody, decode
from ..widget.decide import decide
from ..widget.logout import MARK
from ..widget.response import ProbeResult, is_html
from .findings import Place, Skipped
from .limits import Limits, within
from .reading import Document, document, is_whole_page
from .routes import NOWHERE
from .sources import place_in

T = TypeVar("T")
NO_LOGIN = "the login did not take: the page was not seen as this user"


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
    lacks_email: bool = False  # a visitor is known, and no email of theirs that may be sent
    from_cache: bool = False  # of the app's own, whole or in part: the chat in it is of another request

    @property
    def place(self) -> Place:
        return Place(_named(self.path, self.logged_in))

    @property
    def starts_by_itself(self) -> bool:
        """Whether the vendor's script is loaded although nobody asks for the chat."""
        kinds = ("eager", "idle", "delay", "scroll", "interaction", "visible")
        return self.decision is not None and self.decision.load.partition(":")[0] in kinds

    @property
    def shows_method(self) -> bool:
        """Whether a template has written one of our methods without calling it: ``{{ livechat }}``."""
        return any(f"bound method LiveChat.{name} of " in self.html for name in ("tag", "button"))

    @property
    def is_help_alone(self) -> bool:
        """Whether the page has the help panel, and no vendor."""
        return self.payload.get("provider") == NO_VENDOR

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


@dataclass(frozen=True, slots=True)
class Visit:
    """Whether a page was to be had. ``failure``: why not, or ""."""

    as_user: bool
    failure: str


class SomebodyElse:
    """Another person with all that the user has, and an id of their own.

    The user is loaded when it is first asked for, in the request that asks: what that request does to the user ends
    with its database session. A method of the user's sets attributes here, where no database sees them.
    """

    def __init__(self, load: Callable[[], Any], number: bool) -> None:
        self._load = load
        self.id: Any = -1 if number else "somebody-else"

    @cached_property
    def _user(self) -> Any:
        return self._load()

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._user, name)
        own = isinstance(value, MethodType) and value.__self__ is self._user
        return MethodType(value.__func__, self) if own else value

    def get_id(self) -> str:
        return str(self.id)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered where a page asks. ``origin``: whom a browser would ask, if that is not the page's own."""

    place: Place
    address: str
    wanted: str  # a media type
    origin: str = ""
    host: str = ""  # where an app has several
    status: int = 0
    mimetype: str = ""


@dataclass
class Crawler:
    """Goes through an app's pages, and notes what is there. The only record here that changes."""

    app: Flask
    user: Any
    limits: Limits
    base_url: str
    pages: list[Page] = field(default_factory=list)
    leaks: list[tuple[Place, str]] = field(default_factory=list)
    leavings: list[Leaving] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    failures: list[tuple[Place, str]] = field(default_factory=list)
    unseen: list[Skipped] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    rendered: set[str] = field(default_factory=set)  # names of templates
    _asked: dict[tuple[str, bool], tuple[int, str]] = field(default_factory=dict)

    def visit(self, path: str, rule: Rule | None, as_user: bool) -> None:
        name, raised = _named(path, as_user), []

        def note(sender: Flask, exception: BaseException, **extra: Any) -> None:
            raised.append(_described(exception, self.app))

        def note_template(sender: Flask, template: Template, **extra: Any) -> None:
            self.rendered.add(template.name or "")

        def ask() -> Page | str | None:
            with (
                got_request_exception.connected_to(note, self.app),
                template_rendered.connected_to(note_template, self.app),
            ):
                return self._ask(path, rule, as_user, name)

        result = self._within(name, ask)
        if isinstance(result, str):
            self.unseen.append(Skipped(name, result))
        elif isinstance(result, Page):
            from_cache = result.from_cache or (as_user and result.tagged and self._is_cached_for_all(path, rule))
            self.pages.append(replace(result, from_cache=from_cache))
        if raised and not isinstance(result, Exception):
            self.unseen.append(Skipped(name, f"{raised[0]}; its error page was looked at"))
        broken = isinstance(result, Page) and result.status >= 500
        failed = broken or raised or isinstance(result, Exception) or result == NO_LOGIN
        self.visits.append(Visit(as_user, self.unseen[-1].why if failed else ""))

    def _ask(self, path: str, rule: Rule | None, as_user: bool, name: str, again: bool = True) -> Page | str | None:
        """The page, why there is none, or None where the answer is no page."""
        results: list[ProbeResult] = []
        base = self._base(rule)
        with self._client(base, as_user) as client:
            ask = partial(client.get, base_url=base, environ_overrides={PROBE_KEY: results}, buffered=False)
            response = ask(path)
            if path == NOWHERE and urlsplit(response.location or "").path.endswith(f"{NOWHERE}/"):
                response.close()
                response = ask(f"{NOWHERE}/")
            try:
                if again and (elsewhere := _moved_to(response, base, path)) is not None:
                    before, self.base_url = self.base_url, elsewhere
                    result = self._ask(path, rule, as_user, name, again=False)
                    if isinstance(result, str):  # it is not there either
                        self.base_url = before
                    return result
                result = self._read(response, results[-1] if results else None, path, as_user, name)
                if isinstance(result, Page) and result.tagged and result.document.loader:
                    self.answers += self._named(client, result, base)
                return result
            finally:
                response.close()

    def _named(self, client: FlaskClient, page: Page, base: str) -> Iterator[Answer]:
        """Ask, as the page's visitor, for our script that it names, and for the identity beside it."""
        home = urljoin(base, page.path.lstrip("/"))
        script = urljoin(urljoin(home, page.document.base), page.document.loader)
        provider = page.payload["provider"]
        identity = urljoin(script, f"identity?provider={provider}")
        several = self.app.url_map.host_matching or urlsplit(base).netloc != urlsplit(self.base_url).netloc
        host = urlsplit(base).netloc if several else ""
        named = [(script, "text/javascript"), (identity, "application/json")]
        for url, wanted in named[:1] if provider == NO_VENDOR else named:  # help alone asks for nobody's identity
            asked, address = urlsplit(url), urlsplit(url).path
            if asked[:2] != urlsplit(base)[:2]:
                yield Answer(page.place, address, wanted, origin=f"{asked.scheme}://{asked.netloc}")
                return
            if (url, page.logged_in) not in self._asked:
                below = urlunsplit(("", "", f"/{address.removeprefix(urlsplit(base).path)}", asked.query, ""))
                with client.get(below, base_url=base, environ_overrides={PROBE_KEY: []}) as response:
                    self._asked[url, page.logged_in] = response.status_code, response.mimetype or ""
            status, mimetype = self._asked[url, page.logged_in]
            yield Answer(page.place, address, wanted, host=host, status=status, mimetype=mimetype)

    def _read(
        self, response: TestResponse, probe: ProbeResult | None, path: str, as_user: bool, name: str
    ) -> Page | str | None:
        if probe and probe.leaked_key:
            self.leaks.append((Place(name), probe.leaked_key))
        if response.status_code in range(300, 400):
            return f"it leads to {urlsplit(response.headers.get('Location', '')).path}"
        if as_user and probe and not probe.is_logged_in:
            return NO_LOGIN
        if probe and probe.unreadable:
            return f"cannot be read: {probe.unreadable}"
        if not is_html(response):
            return None
        body = b""
        for piece in response.iter_encoded():
            body += piece
            if len(body) > self.limits.size:
                return f"is longer than {self.limits.size:,} bytes"
        if response.status_code >= 400 and path != NOWHERE:
            self.unseen.append(Skipped(name, f"answered {response.status_code}"))
        self.failures += [(Place(name), failure) for failure in (probe.failures if probe else ())]
        try:
            source = decode(body, ", ".join(response.headers.getlist("Content-Encoding"))).decode("utf-8", "replace")
        except UnreadableBody as error:
            return f"cannot be read: {error.why}"
        read = document(source, Place(name))
        return Page(
            path=path,
            status=response.status_code,
            headers=response.headers,
            document=read,
            whole=is_whole_page(source, path, read),
            logged_in=as_user,
            decision=(probe.decision if probe else None) or self._decision(path, as_user),
            tagged="provider" in read.payload,  # also where the page comes out of a cache of the app's own
            html=source,
            lacks_email=bool(probe and probe.visitor and not probe.visitor.email),
            from_cache=bool(probe and probe.has_foreign_block),
        )

    def _is_cached_for_all(self, path: str, rule: Rule | None) -> bool:
        """Whether somebody else gets the page out of a cache that the user's visit has filled."""
        results: list[ProbeResult] = []
        base, number = self._base(rule), isinstance(getattr(self.user, "id", None), int)

        def log_in(sender: Flask, **extra: Any) -> None:
            g._login_user = SomebodyElse(self._user_anew, number)

        def ask() -> None:
            with appcontext_pushed.connected_to(log_in, self.app), self.app.test_client() as client:
                client.get(path, base_url=base, environ_overrides={PROBE_KEY: results}).close()

        with suppress(Exception):  # a view that cannot do with this person, or takes too long, has no such page
            within(self.limits.seconds, ask)
        return bool(results and results[-1].has_foreign_block)

    def _user_anew(self) -> Any:
        """The user as a request has it: another object than the command's, in the request's own database session."""
        return self.app.login_manager._user_callback(self.user.get_id())  # type: ignore[attr-defined]

    def _decision(self, path: str, as_user: bool) -> Decision | None:
        """What the rules say of a page whose template does not ask them."""
        with self.app.test_request_context(path, base_url=self.base_url):
            try:
                if as_user:
                    g._login_user = self._user_anew()
                decision = decide(current_state(self.app), self.app)
            except Exception:  # a predicate of the app's own
                return None
            return decision

    def leave(self, rule: Rule) -> None:
        """Goes out as a form or a link of the app's own would, logged in, with a session of its own."""
        method = "POST" if "POST" in (rule.methods or ()) else "GET"
        name, base, login = f"{method} {rule.rule}", self._base(rule), hasattr(self.app, "login_manager")

        def ask() -> Leaving | str:
            with self._client(base, as_user=login and self.user is not None) as client:
                before = _logged_in(client, base)
                response = client.open(rule.rule, method=method, base_url=base, environ_overrides={PROBE_KEY: []})
                ended = any(cookie.startswith(f"{MARK}=") for cookie in response.headers.getlist("Set-Cookie"))
                if ended:
                    return Leaving(Place(name), response.status_code, True)
                if response.status_code >= 400:
                    return f"it answered {response.status_code}"
                if not login and "forget(" in _source(self.app.view_functions[rule.endpoint]):
                    return "it calls forget() for some; log in by hand and look for the cookie livechat_left"
                if login and not before:
                    return "no user was logged in: use --as USER_ID"
                if login and _logged_in(client, base):
                    return "it does not log the user out"
                return Leaving(Place(name), response.status_code, False)

        with _without_csrf(self.app):
            result = self._within(name, ask)
        if isinstance(result, str):
            self.unseen.append(Skipped(name, result))
        elif isinstance(result, Leaving):
            self.leavings.append(result)

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
        try:
            yield client
        finally:
            with suppress(Exception), client.session_transaction(base_url=base) as session:  # one that may be gone
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
            self.unseen.append(Skipped(name, f"took longer than {self.limits.seconds:g} s"))
            return error
        except Exception as error:  # whatever a view raises where the app lets it through
            self.unseen.append(Skipped(name, _described(error, self.app)))
            return error


def _moved_to(response: TestResponse, base: str, path: str) -> str | None:
    """Another scheme or host at which the same page is to be had."""
    here, there = urlsplit(base.rstrip("/") + path), urlsplit(response.headers.get("Location", ""))
    if response.status_code not in range(300, 400) or not there.netloc or here.path != there.path:
        return None
    return None if here[:2] == there[:2] else f"{there.scheme}://{there.netloc}"


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


def place_of_pages(app: Flask) -> str:
    """Where the app thinks that it is."""
    trusted = [host for host in app.config.get("TRUSTED_HOSTS") or () if not host.startswith(".")]
    name = app.config.get("SERVER_NAME") or (trusted[0] if trusted else "localhost")
    return f"{app.config['PREFERRED_URL_SCHEME']}://{name}"


def _named(path: str, logged_in: bool) -> str:
    return f"GET {path}" + (" (logged in)" if logged_in else "")


def _described(error: BaseException, app: Flask) -> str:
    """The kind of an exception and where it was raised. Not its text: nobody knows what stands in it."""
    frames = []
    trace = error.__traceback__
    while trace:
        frames.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    own = [frame for frame in frames if Path(frame[0]).is_relative_to(app.root_path)]
    where = f" ({place_in(app, *own[-1][:1], name=Path(own[-1][0]).name).name}:{own[-1][1]})" if own else ""
    return f"raised {type(error).__name__}{where}"

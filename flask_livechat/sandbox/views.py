"""The stand-ins' routes: their scripts, the API those talk to, the agent page."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, jsonify, request, send_from_directory, url_for
from werkzeug.sansio.utils import host_is_trusted
from werkzeug.test import run_wsgi_app

from .. import providers
from ..same_origin import SameOriginBlueprint, is_same_origin_request, same_origin
from .api import Rest, wsgi_path
from .body import Body, Values, parse
from .hub import Hub
from .keeping import SandboxFile
from .sessions import Author, RefusedError, Status
from .stand_in import StandIn, load, names, open_account

HERE = Path(__file__).parent
MAX_BODY = 64 * 1024  # bytes
MAX_WAIT = 25  # seconds a long-poll is held
MAX_MESSAGE = 5000  # characters
# Of names that nobody can register, and so have lead to this machine.
PRIVATE_NAMES = ("localhost", ".localhost", ".test", ".internal")
FOREIGN_HOST = "the sandbox answers names of this machine only: add this one to TRUSTED_HOSTS, or set SERVER_NAME"
STATUSES: tuple[Status, ...] = ("online", "away", "offline")


def script(name: str, api: str, variant: Mapping[str, object] | None = None) -> str:
    """The JavaScript of a stand-in. ``api`` is the base of its JSON API, e.g. ``/livechat/sandbox/api/<name>``.

    ``variant`` chooses another behaviour where a vendor's older and newer scripts differ, or may: each stand-in's
    ``Variant`` says which there are. The files are modules for the type checker's sake; here they become one plain
    script, as the vendors serve it.
    """
    files = (HERE / "panel.js", providers.folder(load(name).name) / "sandbox.js")
    parts = "\n".join(re.sub(r"^(import [^;]*;\n|export )", "", file.read_text("utf-8"), flags=re.M) for file in files)
    arguments = ", ".join(json.dumps(argument) for argument in (api, variant) if argument)
    return f'(() => {{\n"use strict";\n{parts}\nstart({arguments});\n}})();\n'


def create_blueprint(
    vendors: Mapping[str, Mapping[str, object]], *, allow_origins: Collection[str] = ()
) -> SandboxBlueprint:
    """The blueprint ``livechat_sandbox`` with a memory of its own.

    The vendors' REST APIs over that memory are WSGI applications by name: ``sandbox_of(app).apis``.
    ``vendors`` maps a provider's name to its values (public id, secrets as tuples of accepted ones). ``allow_origins``
    is for browser tests that serve the scripts under the vendors' real host names; ``"*"`` allows every origin.
    """

    def refuse(error: RefusedError) -> tuple[Response, int]:
        return jsonify(error=error.code, **({"what": error.what} if error.what else {})), error.status

    hub, served = Hub(), {name: vendors[name] for name in names() if name in vendors}
    apis = {name: open_account(name, values, hub) for name, values in served.items()}
    sandbox = Sandbox(hub, served, apis, tuple(allow_origins))
    blueprint = SandboxBlueprint("livechat_sandbox", __name__)
    blueprint.sandbox = sandbox
    blueprint.before_request(sandbox.guard)
    blueprint.after_request(sandbox.finish)
    blueprint.register_error_handler(RefusedError, refuse)
    for rule, methods, view in sandbox.routes():
        blueprint.add_url_rule(rule, view.__name__, view, methods=methods)
    return blueprint


class SandboxBlueprint(SameOriginBlueprint):
    """Knows its sandbox."""

    sandbox: Sandbox


def sandbox_of(app: Flask) -> Sandbox:
    """The sandbox that is registered on an app."""
    blueprint = app.blueprints["livechat_sandbox"]
    assert isinstance(blueprint, SandboxBlueprint)  # noqa: S101 - nobody else has that name  # nosec B101
    return blueprint.sandbox


@dataclass(slots=True)
class Sandbox:
    """The views, bound to one app's hub and secrets."""

    hub: Hub
    vendors: Mapping[str, Values] = field(repr=False)
    apis: Mapping[str, Rest] = field(repr=False)
    origins: tuple[str, ...] = ()
    file: SandboxFile | None = None

    def routes(self) -> tuple[tuple[str, list[str], Callable[..., Response]], ...]:
        """Rule, methods and view of every route."""
        get, post = ["GET"], ["POST"]
        return (
            ("/", get, self.desk_page),
            ("/static/<path:filename>", get, self.static),
            ("/desk/state", get, self.desk_state),
            ("/desk/reply", post, self.desk_reply),
            ("/desk/status", post, self.desk_status),
            ("/desk/end", post, self.desk_end),
            ("/<vendor>.js", get, self.stand_in),
            ("/api/<vendor>/messages", get, self.messages),
            ("/api/<vendor>/<action>", post, self.act),
            ("/rest/<vendor>/<path:path>", ["GET", "POST", "PUT", "PATCH", "DELETE"], self.rest),
        )

    # -- scripts and pages -------------------------------------------------------------------------------------

    def stand_in(self, vendor: str) -> Response:
        """The stand-in's script."""
        self._vendor(vendor)
        base = same_origin(url_for("livechat_sandbox.messages", vendor=vendor)).rsplit("/", 1)[0]
        response = Response(script(vendor, base), mimetype="text/javascript")
        response.cache_control.no_cache = True
        return response

    def desk_page(self) -> Response:
        """The agent page."""
        response = send_from_directory(HERE / "static", "desk.html")
        response.headers.setdefault("Content-Security-Policy", "default-src 'self'; frame-ancestors 'self'")
        return response

    def static(self, filename: str) -> Response:
        """The desk's own files."""
        response = send_from_directory(HERE / "static", filename)
        response.cache_control.no_cache = True
        return response

    # -- the desk ----------------------------------------------------------------------------------------------

    def desk_state(self) -> Response:
        """Everything the desk shows; held until something changes after revision ``after``."""
        state = self.hub.desk(_query("after"), _patience(), request.args.get("session"))
        vendors = [
            {"name": name, "title": providers.load(name).title, "color": load(name).color} for name in self.vendors
        ]
        has_inbox = "livechat_inbox.page" in current_app.view_functions
        return jsonify({**state, "vendors": vendors, "inbox": url_for("livechat_inbox.page") if has_inbox else None})

    def desk_reply(self) -> Response:
        """An agent writes, or with ``bot`` what the vendor's own bot would."""
        body = _body()
        author: Author = "bot" if body.flag("bot") else "agent"
        message = self.hub.say(self._session(body), author, body.need("text", MAX_MESSAGE))
        return jsonify(n=message.n)

    def desk_status(self) -> Response:
        """An agent comes or goes."""
        body = _body()
        vendor, wanted = body.need("vendor"), body.need("status")
        self._vendor(vendor)
        status = next((status for status in STATUSES if status == wanted), None)
        if status is None:
            raise RefusedError(400, "status_invalid")
        self.hub.set_status(vendor, status)
        return jsonify(status=status)

    def desk_end(self) -> Response:
        """An agent ends the conversation."""
        self.hub.end(self._session(_body()), "agent")
        return jsonify(ended=True)

    # -- the visitor -------------------------------------------------------------------------------------------

    def messages(self, vendor: str) -> Response:
        """The long-poll: what is new for this session after revision ``after``."""
        key = request.args.get("session")
        if not self.hub.has(vendor, key) or key is None:
            raise RefusedError(404, "no_session")
        return jsonify(self.hub.wait(key, _query("after"), _patience()))

    def act(self, vendor: str, action: str) -> Response:
        """One thing the stand-in in the browser reports; answers with the session as it is then."""
        values, act = self._vendor(vendor), ACTIONS.get(action)
        if act is None:
            raise RefusedError(404, "unknown")
        stand_in = load(vendor)
        key = act(Action(self.hub, stand_in, values, _body()))
        return jsonify({**self.hub.view(key), "account": str(values.get(stand_in.account, ""))})

    def rest(self, vendor: str, path: str) -> Response:
        """The vendor's REST API, which asks for its own credentials."""
        self._vendor(vendor)
        environ = {**request.environ, "SCRIPT_NAME": request.environ["SCRIPT_NAME"] + f"/rest/{vendor}"}
        return Response(*run_wsgi_app(self.apis[vendor], environ | {"PATH_INFO": wsgi_path(f"/{path}")}, buffered=True))

    def guard(self) -> None:
        """Nobody but our own pages changes anything, nor a page of ``allow_origins``. No foreign host name answers."""
        if not self.origins and not _is_own_host(request.host, current_app):
            raise RefusedError(403, "foreign_host", FOREIGN_HOST)
        if self.file is not None:
            self.file.clear_if_removed()
        if request.method in ("GET", "HEAD", "OPTIONS") or self._allowed(request.headers.get("Origin")):
            return
        if not is_same_origin_request():
            raise RefusedError(403, "foreign_origin")

    def finish(self, response: Response) -> Response:
        """Headers every answer of the sandbox has."""
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        if response.mimetype == "application/json":
            response.headers["Cache-Control"] = "no-store"
        origin = request.headers.get("Origin")
        if self.origins:
            response.vary.add("Origin")
        if origin and self._allowed(origin):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Headers"] = "Content-Type"
            response.headers["Access-Control-Allow-Methods"] = "GET, POST"
            response.headers["Access-Control-Max-Age"] = "600"
        return response

    def _allowed(self, origin: str | None) -> bool:
        return origin is not None and (origin in self.origins or "*" in self.origins)

    def _vendor(self, name: str) -> Values:
        if name not in self.vendors:
            raise RefusedError(404, "unknown")
        return self.vendors[name]

    def _session(self, body: Body) -> str:
        key = body.need("session")
        if not any(self.hub.has(name, key) for name in self.vendors):
            raise RefusedError(404, "no_session")
        return key


@dataclass(frozen=True, slots=True)
class Action:
    """What the stand-in in a browser reports. Each method does one of ``ACTIONS``, and returns the session's key."""

    hub: Hub
    stand_in: StandIn
    values: Values = field(repr=False)
    body: Body

    def session(self) -> str:
        """The session the browser speaks for: its key is the only credential, as with the vendors' cookies."""
        key = self.body.need("session")
        if not self.hub.has(self.stand_in.name, key):
            raise RefusedError(404, "no_session")
        return key

    def open(self) -> str:
        account = self.body.text("account")
        if account is not None and account != self.values.get(self.stand_in.account):
            raise RefusedError(404, "unknown_account")
        return self._visited(self.stand_in.restore(self.hub, self.values, self.body))

    def _visited(self, key: str) -> str:
        self.hub.visit(key, self.body.text("page") or "")
        return key

    def identify(self) -> str:
        return self.stand_in.identify(self.hub, self.values, self.session(), self.body)

    def ping(self) -> str:
        """Open or identify: a boot says in one part who it is, an update says it beside the session."""
        return self.open() if "identity" in self.body.data else self.identify()

    def leave(self) -> str:
        return self._visited(self.stand_in.leave(self.hub, self.session(), self.body))

    def visit(self) -> str:
        return self._visited(self.session())

    def say(self) -> str:
        key = self.session()
        self.hub.say(key, "visitor", self.body.need("text", MAX_MESSAGE))
        return key

    def describe(self) -> str:
        key = self.session()
        self.hub.describe(key, self.body.values("attributes"))
        return key

    def tag(self) -> str:
        key = self.session()
        self.hub.tag(key, self.body.texts("tags"))
        return key

    def happen(self) -> str:
        key = self.session()
        self.hub.happen(key, self.body.need("name", 255), self.body.values("data"))
        return key

    def rate(self) -> str:
        key = self.session()
        self.hub.rate(key, self.body.number("value", -1, 5))
        return key

    def read(self) -> str:
        key = self.session()
        self.hub.mark_read(key, self.body.number("upto", 0, 2**53))
        return key

    def end(self) -> str:
        key = self.session()
        self.hub.end(key, "visitor")
        return key


ACTIONS: Mapping[str, Callable[[Action], str]] = {
    "session": Action.open,
    "ping": Action.ping,
    "socket": Action.session,  # a test's network may refuse the socket, this never does
    "identify": Action.identify,
    "login": Action.identify,
    "leave": Action.leave,
    "logout": Action.leave,
    "visit": Action.visit,
    "message": Action.say,
    "attributes": Action.describe,
    "tags": Action.tag,
    "event": Action.happen,
    "rating": Action.rate,
    "read": Action.read,
    "end": Action.end,
}


def _body() -> Body:
    """The request's JSON object. The content type is asked for because a plain cross-site form cannot send it."""
    if request.mimetype != "application/json":
        raise RefusedError(415, "json_wanted")
    if (request.content_length or 0) > MAX_BODY:
        raise RefusedError(413, "too_large")
    raw = request.stream.read(MAX_BODY + 1) if request.content_length is None else request.get_data()
    if len(raw) > MAX_BODY:
        raise RefusedError(413, "too_large")
    return parse(raw)


def _query(name: str, high: int = 2**53) -> int:
    """A whole number of the query string, 0 when absent, cut at ``high``."""
    text = request.args.get(name, "0")
    if not re.fullmatch(r"[0-9]{1,16}", text):
        raise RefusedError(400, f"{name}_invalid")
    return min(int(text), high)


def _patience() -> int:
    """Seconds to hold this request. None on a server with one thread, which could not answer anybody else meanwhile."""
    wanted = _query("wait", MAX_WAIT)
    return wanted if request.environ.get("wsgi.multithread") else 0


def _is_own_host(host: str, app: Flask) -> bool:
    """Whether a host is this machine's, or the app's own.

    A web site can have its own name lead to this machine and so read what the sandbox says (DNS rebinding). It cannot
    do that with an address, nor with a name that is nobody's in public.
    """
    name = urlsplit(f"//{host}").hostname or ""
    with suppress(ValueError):
        return bool(ipaddress.ip_address(name))
    own = [app.config["SERVER_NAME"], *(app.config.get("TRUSTED_HOSTS") or ())]
    routed = [rule.host for rule in app.url_map.iter_rules() if rule.host and "<" not in rule.host]
    below = [f".{app.config['SERVER_NAME']}"] if app.config["SERVER_NAME"] else []
    return "." not in name or host_is_trusted(name, [*PRIVATE_NAMES, *filter(None, own), *below, *routed])

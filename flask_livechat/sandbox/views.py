"""The stand-ins' routes: their scripts, the API those talk to, the agent's desk."""

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

from ..same_origin import SameOriginBlueprint, same_origin
from . import crisp, intercom, rest, tawk
from .hub import Hub
from .keeping import SandboxFile
from .rest import wsgi_path
from .sessions import Author, RefusedError, Status
from .standin import Body, StandIn, Values, parse

HERE = Path(__file__).parent
STAND_INS: Mapping[str, StandIn] = {room.name: room for room in (crisp.STAND_IN, intercom.STAND_IN, tawk.STAND_IN)}
MAX_BODY = 64 * 1024  # bytes
MAX_WAIT = 25  # seconds a long-poll is held
MAX_MESSAGE = 5000  # characters
# Of names that nobody can register, and so have lead to this machine.
PRIVATE_NAMES = ("localhost", ".localhost", ".test", ".internal")
FOREIGN_HOST = "the sandbox answers names of this machine only: add this one to TRUSTED_HOSTS, or set SERVER_NAME"
STATUSES: tuple[Status, ...] = ("online", "away", "offline")


def names() -> tuple[str, ...]:
    """The vendors that have a stand-in."""
    return tuple(sorted(STAND_INS))


def script(name: str, api: str, variant: Mapping[str, object] | None = None) -> str:
    """The JavaScript of a stand-in. ``api`` is the base of its JSON API, e.g. ``/livechat/sandbox/api/crisp``.

    ``variant`` chooses another behaviour where a vendor's older and newer scripts differ, or may: each stand-in's
    ``Variant`` says which there are. The files are modules for the type checker's sake; here they become one plain
    script, as the vendors serve it.
    """
    if name not in STAND_INS:
        raise ValueError(f"no stand-in for {name!r}")
    parts = "\n".join(_plain_script(HERE / f"{part}.js") for part in ("panel", name))
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
    hub, served = Hub(), {name: vendors[name] for name in names() if name in vendors}
    apis = {name: rest.open_account(name, values, hub) for name, values in served.items()}
    sandbox = Sandbox(hub, served, apis, tuple(allow_origins))
    blueprint = SandboxBlueprint("livechat_sandbox", __name__)
    blueprint.sandbox = sandbox
    blueprint.before_request(sandbox.guard)
    blueprint.after_request(sandbox.finish)
    blueprint.register_error_handler(RefusedError, _refusal)
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
    apis: Mapping[str, rest.Rest] = field(repr=False)
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
        """The agent's desk."""
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
        rooms = [{"name": name, "title": STAND_INS[name].title} for name in self.vendors]
        return jsonify({**state, "vendors": rooms})

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
        room, values = STAND_INS.get(vendor), self._vendor(vendor)
        act = ACTIONS.get(action)
        if room is None or act is None:
            raise RefusedError(404, "unknown")
        key = act(self, room, values, _body())
        return jsonify({**self.hub.view(key), "account": str(values.get(room.account, ""))})

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
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        # Without the first header (old browsers, plain http) compare hosts; schemes differ behind a TLS proxy.
        foreign = site != "same-origin" if site else bool(origin) and urlsplit(origin or "").netloc != request.host
        if foreign:
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


Action = Callable[[Sandbox, StandIn, Values, Body], str]


def _open(sandbox: Sandbox, room: StandIn, values: Values, body: Body) -> str:
    account = body.text("account")
    if account is not None and account != values.get(room.account):
        raise RefusedError(404, "unknown_account")
    key = room.restore(sandbox.hub, values, body)
    sandbox.hub.visit(key, body.text("page") or "")
    return key


def _identify(sandbox: Sandbox, room: StandIn, values: Values, body: Body) -> str:
    return room.identify(sandbox.hub, values, _own(sandbox, room, body), body)


def _ping(sandbox: Sandbox, room: StandIn, values: Values, body: Body) -> str:
    """Intercom's name for both: a boot says in one part who it is, an update says it beside the session."""
    return (_open if "identity" in body.data else _identify)(sandbox, room, values, body)


def _leave(sandbox: Sandbox, room: StandIn, values: Values, body: Body) -> str:
    key = room.leave(sandbox.hub, _own(sandbox, room, body), body)
    sandbox.hub.visit(key, body.text("page") or "")
    return key


def _connect(sandbox: Sandbox, room: StandIn, values: Values, body: Body) -> str:
    """The socket: a test's network may refuse it, this never does."""
    return _own(sandbox, room, body)


def _visit(sandbox: Sandbox, room: StandIn, values: Values, body: Body) -> str:
    key = _own(sandbox, room, body)
    sandbox.hub.visit(key, body.text("page") or "")
    return key


def _say(sandbox: Sandbox, room: StandIn, values: Values, body: Body) -> str:
    key = _own(sandbox, room, body)
    sandbox.hub.say(key, "visitor", body.need("text", MAX_MESSAGE))
    return key


def _describe(sandbox: Sandbox, room: StandIn, values: Values, body: Body) -> str:
    key = _own(sandbox, room, body)
    sandbox.hub.describe(key, body.values("attributes"))
    return key


def _tag(sandbox: Sandbox, room: StandIn, values: Values, body: Body) -> str:
    key = _own(sandbox, room, body)
    sandbox.hub.tag(key, body.texts("tags"))
    return key


def _happen(sandbox: Sandbox, room: StandIn, values: Values, body: Body) -> str:
    key = _own(sandbox, room, body)
    sandbox.hub.happen(key, body.need("name", 255), body.values("data"))
    return key


def _rate(sandbox: Sandbox, room: StandIn, values: Values, body: Body) -> str:
    key = _own(sandbox, room, body)
    sandbox.hub.rate(key, body.number("value", -1, 5))
    return key


def _read(sandbox: Sandbox, room: StandIn, values: Values, body: Body) -> str:
    key = _own(sandbox, room, body)
    sandbox.hub.mark_read(key, body.number("upto", 0, 2**53))
    return key


def _end(sandbox: Sandbox, room: StandIn, values: Values, body: Body) -> str:
    key = _own(sandbox, room, body)
    sandbox.hub.end(key, "visitor")
    return key


ACTIONS: Mapping[str, Action] = {
    "session": _open,
    "ping": _ping,
    "socket": _connect,
    "identify": _identify,
    "login": _identify,  # Tawk.to's name for it
    "leave": _leave,
    "logout": _leave,
    "visit": _visit,
    "message": _say,
    "attributes": _describe,
    "tags": _tag,
    "event": _happen,
    "rating": _rate,
    "read": _read,
    "end": _end,
}


def _own(sandbox: Sandbox, room: StandIn, body: Body) -> str:
    """The session the browser speaks for: its key is the only credential, as with the vendors' cookies."""
    key = body.need("session")
    if not sandbox.hub.has(room.name, key):
        raise RefusedError(404, "no_session")
    return key


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


def _refusal(error: RefusedError) -> tuple[Response, int]:
    return jsonify(error=error.code, **({"what": error.what} if error.what else {})), error.status


def _plain_script(path: Path) -> str:
    source = path.read_text("utf-8")
    return re.sub(r"^(import [^;]*;\n|export )", "", source, flags=re.MULTILINE)

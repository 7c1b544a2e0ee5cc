"""The network of the tests in browsers: a site, and the vendors' real host names with stand-ins on loopback.

One TLS server answers for every host. What it was asked for, and in which order, is in ``net.log``.
"""

from __future__ import annotations

import ssl
import threading
import time
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate
from flask import Flask, Response, redirect, render_template_string, request, session
from flask_login import LoginManager, UserMixin, login_user, logout_user
from werkzeug.serving import make_server

from flask_livechat import LiveChat, Visitor, providers, sandbox

from ..conftest import Quiet

SITE = "https://www.site.test"
SHOP = "https://shop.site.test"  # of the same domain
VENDORS = tuple(name for name in sandbox.names() if providers.webhooks(name))
WEBHOOKS = {name: room.secrets for name in VENDORS if (room := providers.webhooks(name))}
KEYS = {
    name: {
        f"LIVECHAT_{name.upper()}_{key.name}": key.example
        for key in providers.load(name).keys
        if key.required or (key.secret and key.name not in WEBHOOKS[name])
    }
    for name in VENDORS
}
LISTENING = {  # what a site has, too, that receives webhooks, and so has a store
    name: {
        f"LIVECHAT_{name.upper()}_{key.name}": key.example for key in providers.load(name).keys if key.name in secrets
    }
    for name, secrets in WEBHOOKS.items()
}
VALUES: dict[str, dict[str, Any]] = {
    name: {
        key.name: (key.example,) if key.secret else (key.default or key.example) for key in providers.load(name).keys
    }
    for name in VENDORS
}
SCRIPTS = {name: urlsplit(providers.load(name).script(VALUES[name])) for name in VENDORS}
HOSTS = {name: address.netloc for name, address in SCRIPTS.items()}
API_HOSTS = HOSTS | {"intercom": "api-iam.intercom.io"}
SLOW = ("session", "ping", "socket", "login", "logout")  # what of a vendor's API the delay is for
PAGE = """<!doctype html><html lang="en"><head><title>Site</title>{{ head|safe }}</head><body>
<h1>{{ title }}</h1><p><a id="opener" href="/contact" data-livechat-open>Chat with us</a>
<span id="unread" data-livechat-unread></span>
<form id="leave" method="post" action="/logout"><button data-livechat-logout>Log out</button></form></p>
{{ extra|safe }}<div id="far"></div>
{{ livechat(**overrides) }}</body></html>"""


class User(UserMixin):
    def __init__(self, number: str) -> None:
        self.id = number
        self.name = {"1": "First Visitor", "2": "Second Visitor"}[number]
        self.email = f"visitor{number}@example.com"


@dataclass
class Net:
    """The network as the browser meets it."""

    port: int = 0
    key: str = ""  # the digest of the server's public key, by which the browser trusts it
    site: Flask | None = None
    vendors: Flask | None = None
    log: list[str] = field(default_factory=list)
    sent: list[tuple[float, str, str]] = field(
        default_factory=list
    )  # to vendors' APIs: when, "vendor/action", the body
    agent: str = "livechat-test/0"  # what this test's browsers call themselves
    down: set[str] = field(default_factory=set)  # hosts that answer nothing useful
    delay: float = 0.0  # seconds before a vendor's script is sent
    gate: threading.Event = field(default_factory=threading.Event)  # a vendor's script waits until it is set
    broken: str = ""  # what a vendor's script holds instead
    probes: dict[str, str] = field(default_factory=dict)  # JavaScript that runs behind a vendor's stand-in
    api_delay: dict[str, float] = field(default_factory=dict)  # by vendor: seconds before its API answers
    refuse: dict[str, int] = field(
        default_factory=dict
    )  # by "vendor/action" of its API: the status instead of an answer
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)  # by vendor: see each stand-in's ``Variant``

    def asked(self, name: str) -> list[str]:
        """What was asked of any of a vendor's hosts."""
        domains = providers.load(name).domains(VALUES[name])
        return [line for line in list(self.log) if line.split("/")[0].endswith(domains)]

    def reset(self) -> None:
        self.log.clear()
        self.sent.clear()
        self.down.clear()
        for chosen in (self.probes, self.api_delay, self.refuse, self.variants):
            chosen.clear()
        self.delay, self.broken = 0.0, ""
        self.gate.set()
        self.vendors = _vendors(self)

    def next_agent(self) -> None:
        """What the browsers of the test before still send is not the next one's."""
        self.agent = f"livechat-test/{int(self.agent.rpartition('/')[2]) + 1}"

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        host = environ["HTTP_HOST"].partition(":")[0]
        # A request of the test before may come late: it is answered, and is none of this test's.
        if environ.get("HTTP_USER_AGENT", "").endswith(self.agent):
            self.log.append(host + environ["PATH_INFO"])
        if host in self.down:
            return Response("down", 503)(environ, start_response)
        app: Flask | Response | None = self.site if host.endswith("site.test") else self.vendors
        assert app is not None
        if environ["PATH_INFO"].startswith("/sandbox/api/") and environ["REQUEST_METHOD"] == "POST":
            self._note(environ)
            app = self._answer_late_or_not(environ["PATH_INFO"]) or app
        return app(environ, start_response)

    def _note(self, environ: dict[str, Any]) -> None:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        if environ.get("HTTP_USER_AGENT", "").endswith(self.agent):
            action = environ["PATH_INFO"].removeprefix("/sandbox/api/")
            self.sent.append((time.monotonic(), action, body.decode()))

    def _answer_late_or_not(self, path: str) -> Response | None:
        """What a vendor's API may do to a question: wait, or refuse it."""
        vendor, action = path.split("/")[3:5]
        if action in SLOW:
            time.sleep(self.api_delay.get(vendor, 0))
        status = self.refuse.get(f"{vendor}/{action}")
        if status is None:
            return None
        headers = {"Access-Control-Allow-Origin": "*", "Content-Type": "application/json"}
        return Response('{"error": "refused_by_the_test"}', status, headers)


def _vendors(net: Net) -> Flask:
    app = Flask("vendors", static_folder=None)
    app.testing = True
    app.register_blueprint(sandbox.create_blueprint(VALUES, allow_origins=(SITE, SHOP)), url_prefix="/sandbox")

    @app.after_request
    def storable(response: Response) -> Response:
        """A page that has fetched something with ``no-store`` does not go into the back/forward cache."""
        response.headers["Cache-Control"] = "no-cache"
        return response

    def serve(name: str) -> Response:
        time.sleep(net.delay)
        net.gate.wait(10)
        stand_in = net.broken or sandbox.script(
            name, f"https://{API_HOSTS[name]}/sandbox/api/{name}", net.variants.get(name)
        )
        body = stand_in + net.probes.get(name, "")
        return Response(body, mimetype="text/javascript", headers={"Access-Control-Allow-Origin": "*"})

    for name, address in SCRIPTS.items():
        app.add_url_rule(address.path, name, serve, defaults={"name": name})
    return app


class Tab(ABC):
    """A browser's tab on the site, whichever browser it is."""

    net: Net
    leaving: tuple[type[Exception], str]  # what is raised, and said, for a question to a page that is being left

    @abstractmethod
    def go(self, path: str = "/") -> None: ...

    @abstractmethod
    def get(self, expression: str) -> Any:
        """What a piece of JavaScript comes to, once it has."""

    @abstractmethod
    def pause(self, seconds: float) -> None: ...

    def until(self, expression: str, timeout: float = 8.0) -> Any:
        """Wait for something to become true. By asking from outside: a strict CSP forbids eval in the page."""
        try:
            return self.eventually(lambda: self.get(expression), timeout)
        except AssertionError:
            state = self.get("window.livechat && livechat.state")
            raise AssertionError(f"never true: {expression}; state {state}") from None

    def eventually(self, found: Callable[[], Any], timeout: float = 8.0) -> Any:
        """Wait for something in the page or outside it to become true."""
        deadline = time.monotonic() + timeout
        kind, words = self.leaving
        while time.monotonic() < deadline:
            try:
                if value := found():
                    return value
            except kind as error:
                if words not in str(error):
                    raise
            self.pause(0.05)
        raise AssertionError("never true")

    def ready(self) -> None:
        self.until("livechat.state === 'ready'")

    def snapshot(self) -> Any:
        """What the vendor's stand-in knows."""
        return self.get("window.__livechat_sandbox")

    def is_over(self) -> None:
        """The chat has ended on this page: the vendor knows nobody, or is cut off and out of sight."""
        self.until(
            "(({ identity, connected, visible }) =>"
            " identity.state === 'anonymous' || (connected === false && !visible))(__livechat_sandbox)"
        )

    def stored(self) -> str:
        """All that scripts can read of what this browser keeps."""
        return str(self.get("document.cookie + JSON.stringify([localStorage, sessionStorage])"))

    def desk(self) -> dict[str, Any]:
        """What the vendor's agents see of this visitor."""
        assert self.net.vendors is not None
        path = f"/sandbox/desk/state?wait=0&session={self.snapshot()['session']}"
        answer = self.net.vendors.test_client().get(path).get_json()
        return dict(answer["detail"])

    def reply(self, text: str) -> None:
        """An agent answers."""
        assert self.net.vendors is not None
        body = {"session": self.snapshot()["session"], "text": text}
        assert self.net.vendors.test_client().post("/sandbox/desk/reply", json=body).status_code == 200

    def events(self) -> list[Any]:
        return list(self.get("window.__events"))


@pytest.fixture(scope="session")
def net() -> Iterator[Net]:
    net = Net()
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = authority.issue_cert("www.site.test", *HOSTS.values())
    certificate.configure_cert(context)
    net.key = _key_digest(certificate.cert_chain_pems[0].bytes())
    server = make_server("127.0.0.1", 0, net, threaded=True, request_handler=Quiet, ssl_context=context)
    server.daemon_threads = True
    net.port = server.port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield net
    server.shutdown()
    thread.join(5)
    server.server_close()


def _key_digest(pem: bytes) -> str:
    key = load_pem_x509_certificate(pem).public_key()
    return b64encode(sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()).decode()


RECORD_EVENTS = """
window.__events = [];
window.__input = [];  // what a strategy may take for a sign of life, told where a test fails
for (const name of ["pointerdown", "pointermove", "keydown", "touchstart", "scroll", "wheel"]) {
  addEventListener(name, (event) => window.__input.push([name, event.isTrusted, Math.round(event.timeStamp)]), true);
}
for (const name of ["ready", "open", "close", "unread", "message", "status", "rating", "failed"]) {
  document.addEventListener(`livechat:${name}`, (event) => window.__events.push([name, event.detail]));
}
"""


@pytest.fixture
def site(net: Net, tmp_path: Path) -> Callable[..., Flask]:
    """Puts a site on www.site.test: pages with and without chat, logins, a strict CSP that livechat merges into."""
    net.reset()

    def make(
        provider: str,
        *,
        overrides: dict[str, Any] | None = None,
        extra: str = "",
        head: str = "",
        flask_login: bool = True,
        store: str | None = None,
        **config: Any,
    ) -> Flask:
        app = Flask("site", static_folder=None, instance_path=str(tmp_path / "instance"))
        app.testing = True
        app.secret_key = "a secret key of the test site, long enough"
        app.config.update(KEYS[provider], LIVECHAT_PROVIDER=provider, LIVECHAT_CSP="merge")
        app.config.update({f"LIVECHAT_{key}": value for key, value in config.items()})
        if store:
            app.config.update(LISTENING[provider], LIVECHAT_DATABASE_URL=store)
        if flask_login:
            LoginManager(app).user_loader(User)
        livechat = LiveChat(app)
        if store:
            with app.app_context():
                livechat.store.upgrade()

        @livechat.visitor_loader
        def load(user: User | None) -> Visitor | None:
            user = User(session["user"]) if user is None and "user" in session else user
            if user is None:
                return None
            return Visitor(id=user.id, email=user.email, name=user.name, attributes={"plan_tier": "pro"})

        def page(title: str = "Site") -> str:
            return render_template_string(PAGE, title=title, overrides=overrides or {}, extra=extra, head=head)

        app.add_url_rule("/", "home", page)
        app.add_url_rule("/other", "other", page)
        app.add_url_rule("/contact", "contact", lambda: "<h1>Contact us</h1>")
        app.add_url_rule("/plain", "plain", lambda: "<!doctype html><title>Plain</title><p>No loader here")

        @app.route("/login/<number>")
        def login(number: str) -> Any:
            if flask_login:
                login_user(User(number))
            else:
                session["user"] = number
            return redirect("/")

        @app.route("/switch/<number>")
        def switch(number: str) -> Any:
            logout_user()
            login_user(User(number))
            return redirect("/")

        @app.route("/logout", methods=["GET", "POST"])
        def logout() -> Any:
            response = redirect(request.args.get("next", "/"))
            if flask_login:
                logout_user()
                return response
            session.clear()
            return livechat.forget(response)

        @app.after_request
        def policy(response: Response) -> Response:
            response.headers.setdefault("Content-Security-Policy", "default-src 'self'")
            return response

        net.site = app
        return app

    return make

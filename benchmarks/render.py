"""What ``{{ livechat() }}`` costs a response, beside the least that anybody could do, in one process.

    python -m benchmarks.render [--quick]

The floor is what no implementation can save: one bare HMAC, ``json.dumps`` of the values that the tag writes, and
string concatenation. All variants take turns in one run; figures are medians, and what counts is their ratio to
the floor.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import hmac
import http.client
import json
import socket
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle, repeat
from typing import Any

import jwt
from flask import Flask, g, render_template, request
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager
from jinja2 import DictLoader
from werkzeug.test import EnvironBuilder

from flask_livechat import LiveChat, providers
from flask_livechat.widget.request_state import KEY

SECRET = "messenger-secret-0123456789abcdef"  # noqa: S105 - nobody's
IDS = {
    "tawk": {
        "TAWK_PROPERTY_ID": "5f0c3b2e4a7b8c9d0e1f2a3b",
        "TAWK_JS_API_KEY": "0123456789abcdef0123456789abcdef01234567",
    },
    "crisp": {
        "CRISP_WEBSITE_ID": "01234567-89ab-4cde-8f01-23456789abcd",
        "CRISP_IDENTITY_SECRET": "0123456789abcdef0123456789abcdef",
        "CRISP_SESSION_SECRET": "another-random-value-0123456789abcdef",
    },
    "intercom": {"INTERCOM_APP_ID": "abc12345", "INTERCOM_IDENTITY_SECRET": SECRET},
}
PAGE = """<!doctype html><title>{{ title }}</title><h1>{{ title }}</h1><ul>
{% for item in items %}<li><a href="/plants/{{ loop.index }}">{{ item.name }}</a>: {{ item.price }} EUR</li>{% endfor %}
</ul>{% if tag %}{{ livechat() }}{% endif %}"""


class User:
    """Somebody who is logged in."""

    id, email, name, is_authenticated = "4711", "ada@example.com", "Ada Lovelace", True
    created_at = datetime(2026, 1, 1, tzinfo=UTC)


def app_of(vendor: str, **config: Any) -> Flask:
    app = Flask("benchmark")
    app.secret_key = "the secret key of a benchmark, long enough"  # noqa: S105 - nobody's
    app.config.update({f"LIVECHAT_{name}": value for name, value in IDS[vendor].items()}, LIVECHAT_PROVIDER=vendor)
    app.config.update({f"LIVECHAT_{name}": value for name, value in config.items()})
    LoginManager(app).user_loader(lambda number: User())
    LiveChat(app)
    return app


def bare_app() -> Flask:
    app = Flask("bare")
    LoginManager(app).user_loader(lambda number: User())
    return app


def signer(app: Flask) -> Any:
    return SecureCookieSessionInterface().get_signing_serializer(app)


@contextlib.contextmanager
def visit(app: Flask, user: User | None) -> Iterator[Callable[[], str]]:
    """The tag, as a template of this request calls it. What a request remembers of it is forgotten in between."""
    # Who is logged in brings a cookie.
    headers = {} if user is None else {"Cookie": f"session={signer(app).dumps({'_user_id': user.id})}"}
    with app.test_request_context("/pricing", headers=headers):
        if user is not None:
            g._login_user = user
        tag: Any = app.jinja_env.globals["livechat"]

        def call() -> str:
            request._get_current_object().__dict__.pop(KEY, None)  # type: ignore[attr-defined]  # of the proxy
            return str(tag())

        yield call


def payload(html: str) -> dict[str, Any]:
    return dict(json.loads(html.split('id="livechat">')[1].split("</script>", maxsplit=1)[0]))


def floor(html: str) -> Callable[[], str]:
    """The least: the same values, one HMAC, and text around them."""
    values, secret = payload(html), b"0123456789abcdef0123456789abcdef01234567"
    start, end = '<script type="application/json" id="livechat">', html[html.index("</script>") :]

    def call() -> str:
        hmac.new(secret, User.email.encode(), hashlib.sha256).hexdigest()
        return start + json.dumps(values, separators=(",", ":")) + end

    return call


def microseconds(call: Callable[[], Any], number: int) -> float:
    begin = time.perf_counter()
    for _ in range(number):
        call()
    return (time.perf_counter() - begin) / number * 1e6


def compare(calls: Mapping[str, Callable[[], Any]], rounds: int, number: int) -> dict[str, float]:
    """Medians over rounds in which all take turns, in microseconds."""
    for call in calls.values():
        microseconds(call, number // 4)
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            found[name].append(microseconds(call, number))
    return {name: statistics.median(times) for name, times in found.items()}


def row(name: str, took: float, other: float, beside: str, target: str = "") -> None:
    print(f"{name:<46}{took:9.1f} us {took / other:7.3f} x {beside:<24}{target}")


def tag(rounds: int, number: int) -> None:
    """All vendors, with an HMAC for a proof, and for nobody."""
    for vendor in IDS:
        app = app_of(vendor, **({"INTERCOM_IDENTITY": "hmac"} if vendor == "intercom" else {}))
        with visit(app, User()) as identified:
            least = floor(identified())
            took = compare({"floor": least, "identified": identified}, rounds, number)
        with visit(app, None) as anonymous:
            took |= compare({"least": least, "anonymous": anonymous}, rounds, number)
        row(f"{vendor}: the floor", took["floor"], took["floor"], "")
        row(f"{vendor}: identified", took["identified"], took["floor"], "the floor", "at most 3.9")
        row(f"{vendor}: anonymous", took["anonymous"], took["least"], "the floor", "at most 2.3")


def cold(rounds: int, number: int) -> None:
    """2,000 users in turn on 500 addresses: nobody's page was made before. Beyond a request without the tag."""
    for vendor, most in (("tawk", 9.4), ("crisp", 9.4), ("intercom", 14)):
        app = app_of(vendor)
        app.add_url_rule("/plants/<int:number>", "plant", lambda number: "")
        with visit(app, User()) as identified:
            least = floor(identified())
        users = [type("User", (User,), {"id": str(n), "email": f"user{n}@example.com"})() for n in range(2000)]
        cookies = [f"session={signer(app).dumps({'_user_id': user.id})}" for user in users]
        calls = {
            "empty, known": journey(app, users, cookies, tagged=False),
            "known": journey(app, users, cookies, tagged=True),
            "empty": journey(app, [], [], tagged=False),
            "nobody": journey(app, [], [], tagged=True),
            "floor": least,
        }
        took = compare(calls, rounds, max(number, 2000))
        row(f"{vendor}: the floor", took["floor"], took["floor"], "")
        known, nobody = took["known"] - took["empty, known"], took["nobody"] - took["empty"]
        row(f"{vendor}: cold, identified", known, took["floor"], "the floor", f"at most {most}")
        row(f"{vendor}: cold, anonymous", nobody, took["floor"], "the floor", "at most 2.3")


def journey(app: Flask, users: Sequence[User], cookies: Sequence[str], *, tagged: bool) -> Callable[[], None]:
    """One request after the other, each of the next user and to the next address."""
    environs = [
        EnvironBuilder(path=f"/plants/{n % 500}", headers=[("Cookie", cookies[n])] if cookies else []).get_environ()
        for n in range(len(cookies) or 500)
    ]
    tag: Any = app.jinja_env.globals["livechat"]
    turns = cycle(zip(environs, users or repeat(None), strict=False))

    def call() -> None:
        environ, user = next(turns)
        with app.request_context(dict(environ)):
            if user is not None:
                g._login_user = user
            if tagged:
                tag()

    return call


def tokens(rounds: int, number: int) -> None:
    """Intercom's JWT: signed afresh for each page, and used again."""
    app = app_of("intercom")
    livechat, seconds = app.extensions["livechat"].livechat, iter(range(0, 10**9, 7200))
    with visit(app, User()) as again:
        claims = jwt.decode(payload(again())["proof"]["jwt"], options={"verify_signature": False})
        least = floor(again())
        took = compare(
            {"floor": least, "encode": lambda: jwt.encode(claims, SECRET, "HS256"), "again": again}, rounds, number
        )
        start = datetime.now(UTC)
        livechat.now = lambda: start + timedelta(seconds=next(seconds))  # each page when the last token is over
        took |= compare({"fresh": again}, rounds, number)
    row("intercom: PyJWT's encode", took["encode"], took["encode"], "")
    row("intercom: a token signed afresh", took["fresh"], took["encode"], "PyJWT's encode", "at most 1.3")
    row("intercom: a token used again", took["again"], took["floor"], "the floor", "at most 2.5")


def small_app(items: int = 30, **config: Any) -> Flask:
    app = app_of("crisp", **config)
    app.jinja_loader = DictLoader({"page.html": PAGE})
    plants = [{"name": f"Plant {n}", "price": n * 3} for n in range(items)]

    @app.get("/page")
    def page() -> str:
        return render_template("page.html", title="Page", items=plants, tag="tag" in request.args)

    return app


def page(rounds: int, number: int) -> None:
    """A whole request, through the app as a server would call it."""
    client = small_app().test_client()
    calls = {name: lambda path=f"/page?{name}": client.get(path).data for name in ("plain", "tag")}
    took = compare(calls, rounds, number // 10)
    row("a request without the tag, through Flask", took["plain"], took["plain"], "")
    row("a request with the tag, anonymous", took["tag"], took["plain"], "without")


def guard(rounds: int, number: int) -> None:
    """The search for secrets in a page of 23 KB, beside a request for it: one vendor's, and all that there can be."""
    for vendors in (["crisp"], providers.names()):
        _guard(rounds, number, vendors)


def _guard(rounds: int, number: int, vendors: Sequence[str]) -> None:
    rooms = [providers.load(name) for name in vendors]
    keys = {f"{room.name.upper()}_{key.name}": key for room in rooms for key in room.keys}
    given = {name: _like(key.example) if key.secret else key.example for name, key in keys.items()}
    app = small_app(items=430, **given)
    client, found = app.test_client(), app.extensions["livechat"].secret_scanner
    body = client.get("/page?tag").data
    calls = {"page": lambda: client.get("/page?tag").data, "guard": lambda: found.key_in(body)}
    took = compare(calls, rounds, number // 10)
    count = sum(key.secret for key in keys.values())
    row(f"a request for a page of {len(body) / 1000:.0f} KB", took["page"], took["page"], "")
    row(f"the secret guard in that page, {count} secrets", took["guard"], took["page"], "the request", "at most 0.01")


def _like(example: str) -> str:
    """A secret that looks like one, of the length that the vendor's example has."""
    return (hashlib.sha256(example.encode()).hexdigest() * 2)[: max(32, len(example))]


def peer(rounds: int, number: int) -> None:
    """django-analytical's Intercom tag and ours, for the same visitor, each as its template engine calls it."""
    # Here, and not above: all other figures are to be had without them.
    import django  # noqa: PLC0415
    from django.conf import settings  # noqa: PLC0415
    from django.template import Context, Engine  # noqa: PLC0415

    settings.configure(
        INTERCOM_APP_ID="abc12345", INTERCOM_HMAC_SECRET_KEY=SECRET, INSTALLED_APPS=["analytical"], USE_TZ=True
    )
    django.setup()
    user = type(
        "DjangoUser",
        (User,),
        {
            "pk": 4711,
            "is_authenticated": True,
            "date_joined": User.created_at,
            "first_name": "Ada",
            "last_name": "Lovelace",
            "get_username": lambda self: "ada",
        },
    )()
    template = Engine(libraries={"intercom": "analytical.templatetags.intercom"}).from_string(
        "{% load intercom %}{% intercom %}"
    )
    app = app_of("intercom", INTERCOM_IDENTITY="hmac")
    with visit(app, User()) as ours:
        calls = {"peer": lambda: template.render(Context({"user": user})), "ours": ours}
        took = compare(calls, rounds, number)
    row("django-analytical's Intercom tag", took["peer"], took["ours"], "ours", "at least 3")


def served(rounds: int, number: int) -> None:
    """Requests per second of a small app under gunicorn, one worker, the two addresses taking turns."""
    address = ("127.0.0.1", 5098)
    command = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "2", "--log-level", "error"]
    server = subprocess.Popen([*command, "--bind", ":".join(map(str, address)), "benchmarks.render:small_app()"])
    try:
        wait_for(address)
        connection = http.client.HTTPConnection(*address)

        def ask(path: str) -> int:
            connection.request("GET", path)
            return len(connection.getresponse().read())

        calls = {name: lambda path=f"/page?{name}": ask(path) for name in ("plain", "tag")}
        took = compare(calls, rounds, number)
    finally:
        server.terminate()
        server.wait()
    plain, tagged = (1e6 / took[name] for name in ("plain", "tag"))
    print(f"{'requests per second under gunicorn, without':<46}{plain:9.0f}")
    print(f"{'the same with the tag':<46}{tagged:9.0f}    {tagged / plain:7.3f} x {'without':<24}at least 0.97")


def wait_for(address: tuple[str, int]) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(address):
            return
        time.sleep(0.1)
    raise SystemExit("gunicorn does not answer")


def memory() -> None:
    """What one more app with LiveChat holds."""
    apps = [app_of("crisp")]
    tracemalloc.start()
    apps += [app_of("crisp") for _ in range(10)]
    used, _ = tracemalloc.get_traced_memory()
    bare = [bare_app() for _ in range(10)]
    both, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"{'memory per app, beside a bare Flask app':<46}{(used - (both - used)) / len(bare) / 1024:9.1f} KB")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    quick = parser.parse_args().quick
    rounds, number = (7, 200) if quick else (25, 1000)
    for part in (cold, tag, tokens, page, guard, served, peer):
        part(rounds, number)
    memory()


if __name__ == "__main__":
    main()

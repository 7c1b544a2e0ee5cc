"""5,000 requests of many visitors at once, through every cache there is: nobody gets the identity of somebody else."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from flask import Flask, Response, render_template_string, request
from flask_caching import Cache
from flask_compress import Compress
from flask_login import login_user
from werkzeug.serving import make_server

from .conftest import PAGE, Quiet, User, create_app, payload

REQUESTS = 5000
THREADS = 8
PATHS = ("/view", "/fragment", "/memoized", "/own", "/fresh", "/login", "/logout")
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
CONFIG = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  proxy_cache_path {folder}/cache keys_zone=pages:1m;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{upstream};
      proxy_cache pages; proxy_cache_valid 200 1m; proxy_cache_key $uri;
      add_header X-Cache $upstream_cache_status;
    }}
  }}
}}
"""


def caching_app() -> Flask:
    app = create_app(CACHE_TYPE="SimpleCache", COMPRESS_MIN_SIZE=1)
    app.login_manager.user_loader(lambda number: User(number, f"visitor{number}@example.com", number))  # type: ignore[attr-defined]
    cache, own = Cache(app), dict[str, Response]()
    Compress(app)
    footer = cache.memoize(1)(lambda: render_template_string("{{ livechat() }}"))
    fragment = "<!doctype html><body>{% cache 1, 'footer' %}{{ livechat() }}{% endcache %}"
    app.add_url_rule("/view", "view", cache.cached(1)(lambda: render_template_string(PAGE)))
    app.add_url_rule("/fragment", "fragment", lambda: render_template_string(fragment))
    app.add_url_rule("/memoized", "memoized", lambda: f"<!doctype html><body>{footer()}")
    app.add_url_rule("/own", "own", lambda: own.setdefault("page", Response(render_template_string(PAGE))))
    app.add_url_rule("/fresh", "fresh", lambda: render_template_string(PAGE))
    app.view_functions["login"] = lambda number: str(login_user(User(number, "", "")))

    @app.after_request
    def outranking(response: Response) -> Response:
        """What a developer adds to have pages cached, and what makes them conditional."""
        if request.endpoint not in ("login", "logout", "livechat.identity"):
            response.headers["X-Accel-Expires"] = "1"
            response.set_etag("version-1")
            response.make_conditional(request)
        return response

    return app


@contextmanager
def served(app: Flask) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


@contextmanager
def behind_nginx(upstream: int, folder: Path) -> Iterator[int]:
    assert NGINX is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "nginx.conf").write_text(CONFIG.format(folder=folder, port=port, upstream=upstream), "utf-8")
    process = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


class Visitor:
    """One browser, with its cookie. What it is told of somebody else is counted."""

    def __init__(self, number: int, port: int) -> None:
        self.number, self.port, self.cookie = number, port, ""
        self.random = random.Random(number)  # noqa: S311 - which page comes next is no secret
        self.seen: Counter[str] = Counter()

    def browse(self, requests: int) -> Counter[str]:
        for _ in range(requests):
            path = self.random.choice(PATHS)
            self.ask(f"/login/{self.number}" if path == "/login" else path)
        return self.seen

    def ask(self, path: str) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Cookie": self.cookie} if self.cookie else {}
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        for header in response.headers.get_all("Set-Cookie") or ():
            if header.startswith("session="):
                self.cookie = header.partition(";")[0]
        if path.startswith(("/login", "/logout")):
            self.seen["other"] += 1
            return
        assert response.status == 200, (path, response.status)
        visitor = payload(body)["visitor"]
        own = visitor is None or visitor["email"] == f"visitor{self.number}@example.com"
        self.seen["nobody" if visitor is None else "own" if own else "somebody else"] += 1
        self.seen["from nginx"] += response.headers.get("X-Cache") == "HIT"


def browse(port: int) -> Counter[str]:
    visitors = [Visitor(number, port) for number in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        seen = sum(pool.map(lambda visitor: visitor.browse(REQUESTS // THREADS), visitors), Counter())
    assert seen["own"] > 100  # fresh pages, and what was not in a cache yet
    assert seen["nobody"] > 1000
    return seen


def test_nobody_gets_the_identity_of_somebody_else_out_of_the_apps_caches() -> None:
    with served(caching_app()) as port:
        assert browse(port)["somebody else"] == 0


@pytest.mark.skipif(NGINX is None and "CI" not in os.environ, reason="nginx is missing; `make nginx` installs it")
def test_nobody_gets_the_identity_of_somebody_else_out_of_nginx(tmp_path: Path) -> None:
    with served(caching_app()) as upstream, behind_nginx(upstream, tmp_path) as port:
        seen = browse(port)
    assert seen["somebody else"] == 0
    assert seen["from nginx"] > 100

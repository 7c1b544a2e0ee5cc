"""A logout behind nginx with its own default buffers: 4 KB on most machines, 8 KB on others."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from .conftest import ALL_IDS, Quiet, create_app
from .test_logout import ALL_COOKIES, MARK

CONFIG = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1; master_process off;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://127.0.0.1:{upstream}; proxy_set_header Host $http_host; {size} }}
  }}
}}
"""


@pytest.fixture(scope="module")
def nginx() -> str:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None:
        missing = "nginx is missing; `make nginx` installs it."
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    return found


@pytest.fixture
def app() -> Flask:
    return create_app("crisp", **ALL_IDS)


@pytest.fixture
def upstream(app: Flask) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["", "proxy_buffer_size 4k;", "proxy_buffer_size 8k;"], ids=["default", "4k", "8k"])
def port(request: pytest.FixtureRequest, nginx: str, upstream: int, tmp_path: Path) -> Iterator[int]:
    """The port of an nginx before the app."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "nginx.conf"
    config.write_text(CONFIG.format(folder=tmp_path, port=port, upstream=upstream, size=request.param), "utf-8")
    command = [nginx, "-p", str(tmp_path), "-e", str(tmp_path / "start.log"), "-c", str(config)]
    process = subprocess.Popen(command)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def get(port: int, path: str, **headers: str) -> tuple[int, HTTPMessage]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"Host": "www.shop.example.co.uk"} | headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, response.headers


def test_a_logout_with_all_vendors_cookies_comes_through_nginx(port: int) -> None:
    _, headers = get(port, "/login/42")
    session = headers["Set-Cookie"].partition(";")[0]
    jar = "; ".join([session, *(f"{name}={'v' * 40}" for name in ALL_COOKIES)])
    status, headers = get(port, "/logout", Cookie=jar)
    assert status == 302
    lines = headers.get_all("Set-Cookie") or []
    assert any(line.startswith(f"{MARK}=") for line in lines)
    assert any(line.startswith("session=;") for line in lines)  # the user is logged out, too


def test_headers_beyond_the_buffer_are_what_nginx_refuses(port: int, app: Flask) -> None:
    """So that the test above can fail: nginx answers 502 in place of a response with such headers."""
    app.add_url_rule("/large", "large", lambda: ("x", {"X-Large": "x" * 9000}))
    assert get(port, "/large")[0] == 502

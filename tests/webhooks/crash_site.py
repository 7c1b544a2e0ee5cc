"""A site that is killed again and again: ``python -m tests.webhooks.crash_site serve|work URL PORT-OR-FILE LEASE``.

It has all loaded, and forks a site for each line that it reads: so a site is there within milliseconds.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from flask_livechat import LiveChat
from flask_livechat.desk import dashboard, store, webhooks, worker
from flask_livechat.desk.worker import Worker
from flask_livechat.model import Event

WEBSITE = "42286ab3-b29a-4fde-8538-da0ae501d825"
SECRET = "the-secret"


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """What was asked stands in the test's own record."""


def create_app(url: str) -> tuple[Flask, LiveChat]:
    app = Flask("crash")
    app.config.update(
        SECRET_KEY="x",
        LIVECHAT_PROVIDER="crisp",
        LIVECHAT_CRISP_WEBSITE_ID=WEBSITE,
        LIVECHAT_CRISP_WEBHOOK_SECRET=SECRET,
        LIVECHAT_DATABASE_URL=url,
    )
    return app, LiveChat(app)


def serve(url: str, port: int) -> None:
    app, _ = create_app(url)
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=Quiet)
    say_ready()
    server.serve_forever()


def handle_events(url: str, file: str) -> None:
    app, livechat = create_app(url)

    @livechat.on("message")
    def handle(event: Event) -> None:
        line = f"{event.id}\n".encode()
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, line)  # at once, or not at all
        os.close(descriptor)

    worker.IDLE_S = 0.05
    with app.app_context():
        say_ready()
        Worker(livechat.store, livechat.handle, livechat.now).run(lambda: False)


def say_ready() -> None:
    os.write(1, f"{os.getpid()}\n".encode())


def main() -> None:
    what, url, where, lease = sys.argv[1:]
    store.LEASE = timedelta(seconds=float(lease))
    assert dashboard  # loaded before the first fork, as the driver is
    assert webhooks
    known = store.Store(url)
    known.newest()
    known.engine.dispose()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who was killed is gone
    for _ in sys.stdin:
        if os.fork() == 0:
            serve(url, int(where)) if what == "serve" else handle_events(url, where)


if __name__ == "__main__":
    main()

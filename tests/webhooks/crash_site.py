"""A site that is killed: ``python -m tests.webhooks.crash_site serve|work DATABASE PORT-OR-FILE``."""

from __future__ import annotations

import os
import sys
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from flask_livechat import LiveChat
from flask_livechat.desk import work
from flask_livechat.desk.work import Worker
from flask_livechat.model import Event

WEBSITE = "42286ab3-b29a-4fde-8538-da0ae501d825"
SECRET = "the-secret"


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """What was asked stands in the test's own record."""


def main() -> None:
    what, url, where = sys.argv[1:]
    app = Flask("crash")
    app.config.update(
        SECRET_KEY="x",
        LIVECHAT_PROVIDER="crisp",
        LIVECHAT_CRISP_WEBSITE_ID=WEBSITE,
        LIVECHAT_CRISP_WEBHOOK_SECRET=SECRET,
        LIVECHAT_DATABASE_URL=url,
    )
    livechat = LiveChat(app)
    if what == "serve":
        server = make_server("127.0.0.1", int(where), app, threaded=True, request_handler=Quiet)
        sys.stdout.write("ready\n"), sys.stdout.flush()
        server.serve_forever()

    @livechat.on("message")
    def handle(event: Event) -> None:
        line = f"{event.id}\n".encode()
        descriptor = os.open(where, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, line)  # at once, or not at all
        os.close(descriptor)

    work.IDLE = 0.05
    with app.app_context():
        sys.stdout.write("ready\n"), sys.stdout.flush()
        Worker(livechat.store, livechat.handle, livechat.now).run(lambda: False)


if __name__ == "__main__":
    main()

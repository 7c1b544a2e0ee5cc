"""What gunicorn serves for ``benchmarks/webhooks.py``: our receiver, the least that anybody would write, nothing."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response, abort, request

from flask_livechat import LiveChat
from flask_livechat.desk.store import Store
from flask_livechat.desk.tables import ID, Instant

PATH = "/livechat/webhooks/crisp"
WEBSITE, SECRET = "42286ab3-b29a-4fde-8538-da0ae501d825", "the-secret"
ROWS = sa.Table(
    "bare",
    sa.MetaData(),
    sa.Column("id", ID, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
)


def ours(url: str) -> Flask:
    app = Flask("ours")
    app.config.update(
        SECRET_KEY=SECRET,
        LIVECHAT_PROVIDER="crisp",
        LIVECHAT_CRISP_WEBSITE_ID=WEBSITE,
        LIVECHAT_CRISP_WEBHOOK_SECRET=SECRET,
        LIVECHAT_DATABASE_URL=url,
    )
    LiveChat(app)
    return app


def bare(url: str) -> Flask:
    """The same check and one row, with the same engine: what is durable in one is durable in the other."""
    app, engine = Flask("bare"), Store(url).engine
    app.secret_key = SECRET  # Flask opens a session for it, as in every app that knows who is logged in

    @app.post(PATH)
    def receive() -> Response:
        body = request.get_data()
        stamp = request.headers.get("X-Crisp-Request-Timestamp", "")
        made = hmac.new(SECRET.encode(), b"[" + stamp.encode() + b";" + body + b"]", hashlib.sha256).hexdigest()
        if not hmac.compare_digest(made, request.headers.get("X-Crisp-Signature", "")):
            abort(401)
        json.loads(body)
        with engine.begin() as connection:
            connection.execute(sa.insert(ROWS), {"body": body.decode(), "received_at": datetime.now(UTC)})
        return Response()

    return app


def nothing(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """How fast those are who ask."""
    start_response("200 OK", [("Content-Length", "0")])
    return ()


def delivery(number: int) -> bytes:
    """A visitor's message as Crisp sends it, signed: the whole request. Each number is another message."""
    session, moment = f"session_{number // 10:032}", 1790000000000 + number
    user = {"nickname": "visitor493603", "user_id": session}
    said = {
        "website_id": WEBSITE,
        "session_id": session,
        "type": "text",
        "content": "Where is my order? I have been waiting for a week.",
        "from": "user",
        "origin": "chat",
        "stamped": True,
        "timestamp": moment,
        "fingerprint": number,
        "user": user,
    }
    told = {"website_id": WEBSITE, "event": "message:send", "data": said, "timestamp": moment}
    body, stamp = json.dumps(told).encode(), str(moment)
    signed = hmac.new(SECRET.encode(), f"[{stamp};".encode() + body + b"]", hashlib.sha256).hexdigest()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    )
    head += f"X-Crisp-Signature: {signed}\r\nX-Crisp-Request-Timestamp: {stamp}\r\n\r\n"
    return head.encode() + body

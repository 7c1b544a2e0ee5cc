"""What type checkers make of ``flask_livechat.testing``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, assert_type

from flask import Flask
from flask.testing import FlaskClient

from flask_livechat import Visitor
from flask_livechat.model import Conversation, Message
from flask_livechat.testing import FakeDesk, Proof, RenderedWidget, as_visitor, assert_livechat, read, webhook


class Client(FlaskClient):
    """A suite's own."""

    def shop(self) -> str:
        return self.get("/shop/").text


def pages(app: Flask) -> None:
    client = app.test_client()
    assert_type(as_visitor(client, "42"), FlaskClient)
    assert_type(as_visitor(Client(app), 42).shop(), str)
    assert_type(read(client.get("/")), RenderedWidget | None)
    assert_type(read("<p>"), RenderedWidget | None)
    assert_livechat(client.get("/"), provider=None)
    assert_type(assert_livechat(client.get("/"), provider="crisp"), RenderedWidget)
    assert_livechat(client.get("/"), provider=None, visitor=None)  # type: ignore[call-overload]
    assert_livechat(client.get("/"), load="intent", visitor=Visitor("42"), verified=True, events=["paid"])
    assert_livechat(client.get("/"), visitor={"id": "42"}, context={"seats": 3}, left=False, verified=True, secret="…")
    assert_livechat(client.get("/"), verified="yes")  # type: ignore[call-overload]
    widget = read(client.get("/"))
    if widget:
        assert_type(widget.proof, Proof | None)
        assert_type(widget.visitor, Mapping[str, Any] | None)
        assert_type(widget.proof.verify("…") if widget.proof else False, bool)


def desk_and_webhooks() -> None:
    assert_type(webhook("crisp", {"event": "message:send"}), tuple[dict[str, str], bytes])
    desk = FakeDesk("intercom")
    assert_type(desk.says(Visitor("42"), "Is it in stock?"), str)
    assert_type(desk.conversations.reply("1", "It is!"), Message)
    assert_type(desk.conversations.list(), Iterator[Conversation])
    assert_type(desk.can("conversations.snooze"), bool)

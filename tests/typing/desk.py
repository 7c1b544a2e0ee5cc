"""What type checkers make of ``livechat.desk()`` and ``livechat.async_desk()``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any, assert_type

from flask_livechat import LiveChat, Visitor
from flask_livechat.desk.aio import AsyncDesk
from flask_livechat.desk.desk import Desk
from flask_livechat.model import Agent, Article, Contact, Conversation, LiveVisitor, Message, Team


def calls(livechat: LiveChat, visitor: Visitor, moment: datetime) -> None:
    desk = livechat.desk()
    assert_type(desk, Desk)
    assert_type(livechat.desk("intercom"), Desk)
    assert_type(desk.provider, str)
    assert_type(desk.can("conversations.snooze"), bool)

    conversations = desk.conversations
    assert_type(conversations.list(), Iterator[Conversation])
    assert_type(conversations.list("open", since=moment), Iterator[Conversation])
    conversations.list("done")  # type: ignore[arg-type]
    assert_type(conversations.search("late"), Iterator[Conversation])
    assert_type(conversations.get("1"), Conversation)
    assert_type(conversations.get("1").contact, Contact | None)
    assert_type(conversations.messages("1"), Iterator[Message])
    assert_type(conversations.start(visitor, "Hello"), Conversation)
    assert_type(conversations.start(visitor, "Hello", author="agent"), Conversation | None)
    conversations.start(visitor, "Hello", author="bot")  # type: ignore[call-overload]
    assert_type(conversations.reply("1", "Hello"), Message)
    assert_type(conversations.note("1", "Hello"), Message)
    assert_type(conversations.close("1"), None)
    assert_type(conversations.reopen("1"), None)
    assert_type(conversations.assign("1", "7"), None)
    assert_type(conversations.assign("1", team="8"), None)
    assert_type(conversations.snooze("1", moment), None)
    assert_type(conversations.tag("1", "late", "parcel"), None)
    assert_type(conversations.untag("1", "late"), None)

    assert_type(desk.contacts.upsert(visitor), Contact)
    assert_type(desk.contacts.find(id="42"), Contact | None)
    assert_type(desk.contacts.find_all(email="ada@example.com"), Iterator[Contact])
    assert_type(desk.contacts.conversations("1"), Iterator[Conversation])
    assert_type(desk.contacts.event("1", "paid", {"amount": 3}, moment), None)
    assert_type(desk.contacts.forget("1"), None)

    assert_type(desk.articles.list("en"), Iterator[Article])
    assert_type(desk.articles.search("parcel"), Iterator[Article])
    assert_type(desk.articles.get("1"), Article)
    assert_type(desk.articles.create("Parcels", "<p>…"), Article)
    assert_type(desk.articles.update("1", title="Parcels"), Article)
    assert_type(desk.articles.publish("1"), Article)
    assert_type(desk.articles.unpublish("1"), Article)
    assert_type(desk.articles.delete("1"), None)

    assert_type(desk.agents.list(), Iterator[Agent])
    assert_type(desk.agents.teams(), Iterator[Team])
    assert_type(desk.agents.availability(), str)
    assert_type(desk.visitors.list(), Iterator[LiveVisitor])
    assert_type(desk.raw.request("GET", "/v1/plugin"), Any)


async def awaited(livechat: LiveChat, visitor: Visitor, moment: datetime) -> None:
    assert_type(livechat.async_desk("crisp"), AsyncDesk)
    async with livechat.async_desk() as desk:
        assert_type(desk, AsyncDesk)
        conversations = desk.conversations
        assert_type(conversations.list("open"), AsyncIterator[Conversation])
        assert_type(conversations.search("late"), AsyncIterator[Conversation])
        assert_type(await conversations.get("1"), Conversation)
        assert_type(conversations.messages("1"), AsyncIterator[Message])
        assert_type(await conversations.start(visitor, "Hello"), Conversation)
        assert_type(await conversations.start(visitor, "Hello", author="agent"), Conversation | None)
        assert_type(await conversations.reply("1", "Hello"), Message)
        assert_type(await conversations.note("1", "Hello"), Message)
        assert_type(await desk.contacts.upsert(visitor), Contact)
        assert_type(await desk.contacts.find(email="ada@example.com"), Contact | None)
        assert_type(desk.contacts.conversations("1"), AsyncIterator[Conversation])
        assert_type(desk.articles.list(), AsyncIterator[Article])
        assert_type(await desk.articles.get("1"), Article)
        assert_type(desk.agents.list(), AsyncIterator[Agent])
        assert_type(desk.agents.teams(), AsyncIterator[Team])
        assert_type(await desk.agents.availability(), str)
        assert_type(desk.visitors.list(), AsyncIterator[LiveVisitor])
        assert_type(await desk.raw.request("GET", "/v1/plugin"), Any)
        async for message in conversations.messages("1"):
            assert_type(message, Message)

"""The face of the desk: the same for all vendors, and for both ways of calling."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from flask_livechat import Unsupported, Visitor, providers
from flask_livechat.desk.aio import AsyncDesk, open_async_desk
from flask_livechat.desk.desk import Desk, open_desk
from flask_livechat.desk.http import AsyncPool
from flask_livechat.model import Agent
from flask_livechat.providers import Secrets

from .conftest import OpenVendorApi, now
from .test_crisp import ONE, SAID, VALUES, ok
from .vendor import Answer, awaited, serving

GROUPS = ("conversations", "contacts", "articles", "agents", "visitors")
METHODS = sorted(
    f"{group}.{name}"
    for group in GROUPS
    for name, _ in inspect.getmembers(Desk.__init__.__globals__[group.capitalize()], inspect.isfunction)
    if not name.startswith("_")
)


def classes(group: str) -> tuple[type, type]:
    return Desk.__init__.__globals__[group.capitalize()], AsyncDesk.__init__.__globals__[f"Async{group.capitalize()}"]


def test_the_methods_are_the_contracts() -> None:
    assert (
        sorted(
            """
        conversations.list conversations.search conversations.get conversations.messages conversations.start
        conversations.reply conversations.note conversations.close conversations.reopen conversations.assign
        conversations.snooze conversations.tag conversations.untag
        contacts.upsert contacts.find contacts.find_all contacts.conversations contacts.event contacts.forget
        articles.list articles.search articles.get articles.create articles.update articles.publish articles.unpublish
        articles.delete agents.list agents.teams agents.availability visitors.list
        """.split()
        )
        == METHODS
    )


@pytest.mark.parametrize("name", METHODS)
def test_each_method_can_be_awaited_with_the_same_arguments(name: str) -> None:
    group, _, method = name.partition(".")
    blocking, other = (getattr(kind, method) for kind in classes(group))
    assert inspect.signature(blocking).parameters == inspect.signature(other).parameters
    is_list = "Iterator" in str(inspect.signature(blocking).return_annotation)
    assert inspect.iscoroutinefunction(other) is not is_list
    assert is_list is ("AsyncIterator" in str(inspect.signature(other).return_annotation))


@pytest.mark.parametrize("vendor", [name for name in providers.names() if providers.api(name)])
def test_a_vendors_api_has_only_methods_that_the_desk_has(vendor: str) -> None:
    spec = providers.api(vendor)
    assert spec is not None
    assert set(spec.methods) <= set(METHODS)
    modules = {make.__module__ for make in spec.methods.values()}
    assert all(module.startswith(f"flask_livechat.providers.{vendor}.") for module in modules)


def asked(work: Callable[[AsyncDesk], Any], *answers: Answer, monkeypatch: pytest.MonkeyPatch) -> Any:
    async def whole(url: str) -> Any:
        spec_of = providers.api("crisp")
        assert spec_of is not None
        here = _at(spec_of, url)
        monkeypatch.setattr(providers, "api", lambda name: here)
        async with open_async_desk("crisp", VALUES, now, AsyncPool()) as desk:
            return await work(desk)

    with serving(*answers) as server:
        return awaited(whole(server.url))


def _at(spec_of: Any, url: str) -> Any:
    from dataclasses import replace

    return replace(spec_of, base=lambda values: url)


def test_one_call_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    result = asked(lambda desk: desk.conversations.get("session_1"), ok(ONE), monkeypatch=monkeypatch)
    assert result.id == "session_1"


def test_a_list_is_gone_through_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(desk: AsyncDesk) -> list[str]:
        return [chat.id async for chat in desk.conversations.list()]

    answers = ok([ONE]), ok([ONE | {"session_id": "2"}]), ok([])
    assert asked(work, *answers, monkeypatch=monkeypatch) == ["session_1", "2"]


def test_what_has_to_be_gathered_is_a_list_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(desk: AsyncDesk) -> list[str]:
        return [message.text async for message in desk.conversations.messages("session_1")]

    assert asked(work, ok([SAID | {"timestamp": 1}]), ok([]), monkeypatch=monkeypatch) == ["hello"]


def test_what_cannot_be_done_is_said_before_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(desk: AsyncDesk) -> None:
        await desk.conversations.snooze("1", now())

    with pytest.raises(Unsupported, match=r"conversations\.snooze is not supported by Crisp"):
        asked(work, ok({}), monkeypatch=monkeypatch)


def test_fifty_replies_at_once_take_as_long_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(desk: AsyncDesk) -> int:
        replies = await asyncio.gather(*(desk.conversations.reply(f"s{n}", "hello") for n in range(50)))
        return len({item.conversation for item in replies})

    assert asked(work, ok({"fingerprint": 1}), monkeypatch=monkeypatch) == 50


def test_a_list_asks_for_nothing_until_it_is_gone_through(open_vendor_api: OpenVendorApi) -> None:
    vendor_api = open_vendor_api("crisp", VALUES)
    vendor_api.answers(ok([ONE])).conversations.list()
    vendor_api.desk.conversations.messages("session_1")
    assert vendor_api.server.asked == []


def test_any_call_of_the_vendors_can_be_made(open_vendor_api: OpenVendorApi) -> None:
    vendor_api = open_vendor_api("crisp", VALUES)
    desk = vendor_api.answers(ok({"name": "Shop"}))
    assert desk.raw.request("get", "/v1/website/w%201?x=1") == {"name": "Shop"}
    desk.raw.request("PATCH", "/v1/website/w/settings", json={"contact": {}})
    assert vendor_api.calls == [
        ("GET", "/v1/website/w%201?x=1", None),
        ("PATCH", "/v1/website/w/settings", {"contact": {}}),
    ]
    assert "authorization" in vendor_api.server.asked[0].headers


def test_it_can_be_awaited_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(lambda desk: desk.raw.request("GET", "/v1/x"), ok({"a": 1}), monkeypatch=monkeypatch) == {"a": 1}


@pytest.mark.parametrize(
    "path",
    ["", "v1/x", "//evil.test/x", "https://evil.test/x", "/a b", "/a\nb", "/v1/../x", "/v1/./x", "/\u00fc", "/x#y"],
)
def test_a_path_that_leads_elsewhere_is_none(open_vendor_api: OpenVendorApi, path: str) -> None:
    vendor_api = open_vendor_api("crisp", VALUES)
    with pytest.raises(ValueError, match="a method and a path are needed"):
        vendor_api.answers(ok()).raw.request("GET", path)
    assert vendor_api.server.asked == []


@pytest.mark.parametrize("name", METHODS)
def test_both_ways_make_the_same_call(name: str) -> None:
    """A note that became a reply would be read by the visitor."""
    group, _, method = name.partition(".")
    asked: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    class Made(Exception):
        pass

    def made(called: str, *arguments: Any, **named: Any) -> Any:
        asked.append((called, arguments, named))
        raise Made

    arguments: dict[str, tuple[Any, ...]] = {
        "snooze": ("1", now()),
        "find": ("1",),
        "list": (),
        "availability": (),
        "teams": (),
        "upsert": (Visitor(id="1"),),
        "start": (Visitor(id="1"), "x"),
        "create": ("x", "y"),
    } | dict.fromkeys(("reply", "note", "assign", "event", "tag", "untag"), ("1", "x"))
    spec_of = providers.api("intercom")
    assert spec_of is not None
    values = {"ACCESS_TOKEN": Secrets(("x",)), "API_VERSION": "2.16"}
    blocking, other = open_desk("intercom", values, now), open_async_desk("intercom", values, now)
    given = arguments.get(method, ("1",))
    for desk in (blocking, other):
        desk._call = made  # type: ignore[method-assign]
    with pytest.raises(Made):
        getattr(getattr(blocking, group), method)(*given)

    async def ask() -> None:
        result = getattr(getattr(other, group), method)(*given)
        if inspect.iscoroutine(result):
            await result
        else:
            await anext(result)

    with pytest.raises(Made):
        awaited(ask())
    assert asked[0] == asked[1]
    assert asked[0][0] == name


def test_an_async_desk_that_ends_ends_nobody_elses_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(desk: AsyncDesk) -> str:
        slow = asyncio.create_task(desk.conversations.get("session_1"))
        await asyncio.sleep(0.1)
        async with open_async_desk("crisp", VALUES, now) as another:
            assert another.can("conversations.get")
        return (await slow).id

    answer = ok(ONE)
    answer.wait = 0.4
    assert asked(work, answer, monkeypatch=monkeypatch) == "session_1"


def test_naive_moments_are_refused_by_both(open_vendor_api: OpenVendorApi) -> None:
    naive = datetime(2026, 1, 1)
    desk = open_vendor_api("crisp", VALUES).desk
    with pytest.raises(ValueError, match="aware"):
        desk.contacts.event("1", "x", at=naive)
    with pytest.raises(ValueError, match="aware"):
        awaited(open_async_desk("crisp", VALUES, now).conversations.snooze("1", naive))


def test_a_misspelt_method_is_no_method_that_the_vendor_lacks(open_vendor_api: OpenVendorApi) -> None:
    desk = open_vendor_api("crisp", VALUES).desk
    assert desk.can("conversations.close")
    assert desk.can("raw.request")
    assert not desk.can("conversations.snooze")
    with pytest.raises(ValueError, match=r"'conversations\.snoze' is not a method .*conversations\.snooze"):
        desk.can("conversations.snoze")
    for name in ("", "snooze", "conversations", "conversations._desk", "conversations.__init__", "client.send"):
        with pytest.raises(ValueError, match="is not a method of the desk"):
            desk.can(name)
    with pytest.raises(ValueError, match="is not a method"):
        open_async_desk("crisp", VALUES, now).can("conversations.snoze")


@pytest.mark.parametrize("named", [{}, {"agent": "7", "team": "8"}])
def test_a_conversation_is_assigned_to_an_agent_or_to_a_team(
    open_vendor_api: OpenVendorApi, named: dict[str, str]
) -> None:
    vendor_api = open_vendor_api("crisp", VALUES)
    with pytest.raises(ValueError, match="an agent or a team"):
        vendor_api.desk.conversations.assign("1", **named)
    with pytest.raises(ValueError, match="an agent or a team"):
        awaited(open_async_desk("crisp", VALUES, now).conversations.assign("1", **named))
    assert vendor_api.server.asked == []


def test_an_agent_is_named_by_id_in_both(open_vendor_api: OpenVendorApi) -> None:
    agent: Any = Agent("7")
    with pytest.raises(ValueError, match="a text is needed"):
        open_vendor_api("crisp", VALUES).desk.conversations.assign("1", agent)
    with pytest.raises(ValueError, match="a text is needed"):
        awaited(open_async_desk("crisp", VALUES, now).conversations.assign("1", agent))


@pytest.mark.parametrize("method", METHODS)
def test_what_is_awaited_says_in_help_what_it_does(method: str) -> None:
    group, _, name = method.partition(".")
    alike, awaited = (getattr(kind, name).__doc__ for kind in classes(group))
    assert awaited
    assert awaited == alike

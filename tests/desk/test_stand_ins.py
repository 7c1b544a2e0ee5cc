"""The desk against all stand-ins, inside the process and over HTTP: what a vendor can do works, by one test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_livechat import Company, Unsupported, Visitor, providers, signing
from flask_livechat.desk.desk import Desk, open_desk
from flask_livechat.errors import Conflict, Invalid, NotFound, Unauthorized
from flask_livechat.providers import ApiSpec
from flask_livechat.sandbox import sandbox_of

from ..conftest import chat_of, create_app
from .vendor import awaited

VENDORS = [name for name in providers.names() if providers.api(name)]
ADA = Visitor(id="42", email="ada@example.com", name="Ada", attributes={"plan": "pro"})


@dataclass
class Shop:
    """A site in the sandbox, its desk, and a visitor's browser."""

    app: Flask
    name: str
    desk: Desk
    client: FlaskClient

    def tell(self, action: str, **body: Any) -> dict[str, Any]:
        answer = self.client.post(f"/livechat/sandbox/api/{self.name}/{action}", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json or {})

    def visit(self, *texts: str, who: Visitor | None = ADA) -> str:
        """Somebody opens the widget and writes. Gives the session of the browser."""
        claims = {} if who is None else {"identity": {"jwt": self._jwt(who)}}
        session = str(self.tell("session", **claims if self.name == "intercom" else {})["session"])
        if who is not None and self.name != "intercom":
            signed = who.email if self.name == "crisp" else who.id
            proof = signing.hmac_hex(self._secret(), str(signed))
            data = {"email": who.email, "name": who.name, "signature": proof, "hash": proof, "user_id": who.id}
            session = str(self.tell("identify", session=session, **data)["session"])
        for text in texts:
            self.tell("message", session=session, text=text)
        return session

    def reads(self, session: str) -> list[tuple[str, str]]:
        """What stands in the visitor's panel."""
        result = self.tell("visit", session=session)["messages"]
        return [(item["author"], item["text"]) for item in result]

    def _jwt(self, who: Visitor) -> str:
        return signing.make_jwt({"user_id": who.id, "email": who.email, "name": who.name}, self._secret())

    def _secret(self) -> str:
        values = self.app.extensions["livechat"].settings.providers[self.name]
        return str(values[providers.load(self.name).identity][0])


def shop_of(name: str, app: Flask, base: str | None = None) -> Shop:
    chat = chat_of(app)
    with app.app_context():
        desk = chat.desk(name) if base is None else open_desk(*chat.account(name), chat.now, base=base)
    return Shop(app, name, desk, app.test_client())


@pytest.fixture(params=["in the process", "over HTTP"])
def root(request: pytest.FixtureRequest) -> str | None:
    return f"{request.getfixturevalue('served')}/livechat/sandbox/rest" if request.param == "over HTTP" else None


@pytest.fixture(params=VENDORS)
def shop(request: pytest.FixtureRequest, app_in_the_sandbox: Flask, root: str | None) -> Shop:
    return shop_of(request.param, app_in_the_sandbox, root and f"{root}/{request.param}")


ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "start": (ADA, "x"),
    "upsert": (ADA,),
    "create": ("a title", "a body"),
    "snooze": ("1", datetime.now(UTC)),
    "event": ("1", "x"),
    "reply": ("1", "x"),
    "note": ("1", "x"),
    "assign": ("1", "2"),
} | dict.fromkeys(("list", "teams", "availability"), ())


def able(desk: Desk, *methods: str) -> bool:
    """Whether the vendor can do all of it. What it cannot, it says."""
    missing = [item for item in methods if not desk.can(item)]
    for item in missing:
        group, _, name = item.partition(".")
        call: Callable[..., Any] = getattr(getattr(desk, group), name)
        with pytest.raises(Unsupported, match=item):
            call(*ARGUMENTS.get(name, ("1",)))
    return not missing


def desk_of(name: str) -> ApiSpec:
    desk = providers.api(name)
    assert desk is not None
    return desk


def only(desk: Desk) -> str:
    (result,) = desk.conversations.list()
    return result.id


# -- conversations -----------------------------------------------------------------------------------------------------


def test_what_a_visitor_writes_is_a_conversation_of_the_desk(shop: Shop) -> None:
    assert list(shop.desk.conversations.list()) == []
    shop.visit("My order", "is late")
    known = shop.desk.conversations.get(only(shop.desk))
    assert known.contact is not None
    assert (known.contact.name, known.contact.email) == ("Ada", "ada@example.com")
    assert known.created_at is not None
    assert known.created_at.tzinfo is not None
    data = list(shop.desk.conversations.messages(known.id))
    assert [(item.author, item.text) for item in data] == [("visitor", "My order"), ("visitor", "is late")]
    assert all(item.at and item.at.tzinfo for item in data)


def test_an_answer_appears_in_the_visitors_panel_and_a_note_does_not(shop: Shop) -> None:
    session = shop.visit("Hello?")
    if able(shop.desk, "conversations.reply", "conversations.note"):
        shop.desk.conversations.reply(only(shop.desk), "Yes? \U0001f642")
        shop.desk.conversations.note(only(shop.desk), "always late")
        assert shop.reads(session) == [("visitor", "Hello?"), ("agent", "Yes? \U0001f642")]
        data = list(shop.desk.conversations.messages(only(shop.desk)))
        assert [(item.author, item.kind) for item in data] == [
            ("visitor", "text"),
            ("agent", "text"),
            ("agent", "note"),
        ]


def test_what_the_bot_says_is_a_bots_and_is_read_by_the_visitor(shop: Shop) -> None:
    session = shop.visit("Hello?")
    data = {"session": session, "text": "I am a bot.", "bot": True}
    assert shop.client.post("/livechat/sandbox/desk/reply", json=data).status_code == 200
    shop.client.post("/livechat/sandbox/desk/reply", json=data | {"text": "I am not.", "bot": False})
    authors = [message.author for message in shop.desk.conversations.messages(only(shop.desk))]
    assert authors == ["visitor", "bot", "agent"]
    assert [author for author, _ in shop.reads(session)] == ["visitor", "agent", "agent"]


def test_a_conversation_is_begun_for_a_visitor(shop: Shop) -> None:
    if able(shop.desk, "conversations.start"):
        made = shop.desk.conversations.start(ADA, "Something went wrong: error 7.")
        assert made.state == "open"
        assert [message.text for message in shop.desk.conversations.messages(made.id)] == [
            "Something went wrong: error 7."
        ]
        assert only(shop.desk) == made.id


def test_it_is_closed_and_opened_again(shop: Shop) -> None:
    shop.visit("Hello?")
    if able(shop.desk, "conversations.close", "conversations.reopen"):
        mine = only(shop.desk)
        shop.desk.conversations.close(mine)
        assert shop.desk.conversations.get(mine).state == "closed"
        assert [chat.id for chat in shop.desk.conversations.list("closed")] == [mine]
        assert list(shop.desk.conversations.list("open")) == []
        shop.desk.conversations.reopen(mine)
        assert shop.desk.conversations.get(mine).state == "open"
        assert [chat.id for chat in shop.desk.conversations.list("open")] == [mine]


def test_it_sleeps_until_a_moment(shop: Shop) -> None:
    shop.visit("Hello?")
    if able(shop.desk, "conversations.snooze"):
        shop.desk.conversations.snooze(only(shop.desk), datetime.now(UTC) + timedelta(hours=1))
        assert shop.desk.conversations.get(only(shop.desk)).state == "snoozed"
        shop.desk.conversations.snooze(only(shop.desk), datetime.now(UTC) - timedelta(hours=1))
        assert shop.desk.conversations.get(only(shop.desk)).state == "open"


def test_it_is_handed_to_an_agent(shop: Shop) -> None:
    shop.visit("Hello?")
    first, second = shop.desk.agents.list()
    assert first.name
    assert first.email
    if able(shop.desk, "conversations.assign"):
        shop.desk.conversations.assign(only(shop.desk), second.id)
        assert shop.desk.conversations.get(only(shop.desk)).agent == second.id


def test_it_is_handed_to_a_team(shop: Shop) -> None:
    shop.visit("Hello?")
    if not able(shop.desk, "agents.teams"):
        if shop.desk.can("conversations.assign"):
            with pytest.raises(Unsupported, match="with a team"):
                shop.desk.conversations.assign(only(shop.desk), team="1")
        return
    (team,) = shop.desk.agents.teams()
    assert team.name == "Support"
    shop.desk.conversations.assign(only(shop.desk), team=team.id)
    assert sandbox_of(shop.app).apis[shop.name].account.hub.conversations(shop.name)[0].team == team.id


def test_a_team_that_does_not_exist_is_refused_and_nothing_is_changed(shop: Shop) -> None:
    shop.visit("Hello?")
    if able(shop.desk, "agents.teams"):
        first, _ = shop.desk.agents.list()
        with pytest.raises(NotFound, match="Team not found"):
            shop.desk.conversations.assign(only(shop.desk), team=first.id)  # no agent's id is a team's
        (session,) = sandbox_of(shop.app).apis[shop.name].account.hub.conversations(shop.name)
        assert (session.team, session.agent) == (None, None)


def test_it_is_tagged_and_untagged(shop: Shop) -> None:
    shop.visit("Hello?")
    if able(shop.desk, "conversations.tag", "conversations.untag"):
        mine = only(shop.desk)
        shop.desk.conversations.tag(mine, "vip", "refund")
        shop.desk.conversations.tag(mine, "vip")
        assert set(shop.desk.conversations.get(mine).tags) == {"vip", "refund"}
        shop.desk.conversations.untag(mine, "refund", "never there")
        assert shop.desk.conversations.get(mine).tags == ("vip",)


def test_it_is_found_by_a_word_in_it(shop: Shop) -> None:
    shop.visit("A refund please")
    shop.visit("Nothing", who=None)
    if able(shop.desk, "conversations.search"):
        (result,) = shop.desk.conversations.search("refund")
        assert [message.text for message in shop.desk.conversations.messages(result.id)] == ["A refund please"]


def test_those_changed_since_a_moment_are_listed(shop: Shop) -> None:
    shop.visit("Hello?")
    hour = timedelta(hours=1)
    assert len(list(shop.desk.conversations.list(since=datetime.now(UTC) - hour))) == 1
    assert list(shop.desk.conversations.list(since=datetime.now(UTC) + hour)) == []


def test_a_long_list_comes_page_by_page(shop: Shop) -> None:
    for n in range(170):
        shop.visit(f"Hello {n}", who=None)
    assert len({chat.id for chat in shop.desk.conversations.list()}) == 170


def test_a_long_conversation_is_read_whole(shop: Shop) -> None:
    texts = [f"line {n}" for n in range(120)]
    shop.visit(*texts)
    assert [message.text for message in shop.desk.conversations.messages(only(shop.desk))] == texts


# -- contacts ----------------------------------------------------------------------------------------------------------


def test_whoever_chats_is_a_contact(shop: Shop) -> None:
    shop.visit("Hello?")
    if not able(shop.desk, "contacts.find"):
        return
    by_email = shop.name != "tawk"  # there one is found by the vendor's id alone
    known = shop.desk.conversations.get(only(shop.desk)).contact
    assert known is not None
    result = shop.desk.contacts.find(email="ada@example.com") if by_email else shop.desk.contacts.find(id=known.id)
    assert result is not None
    assert (result.id, result.email, result.name) == (known.id, "ada@example.com", "Ada")
    assert shop.desk.contacts.find(id="f" * 24) is None


def test_a_contact_is_made_once_and_then_changed(shop: Shop) -> None:
    if able(shop.desk, "contacts.upsert"):
        first = shop.desk.contacts.upsert(ADA)
        second = shop.desk.contacts.upsert(Visitor(id="42", email="ada@example.com", name="Ada Lovelace"))
        assert first.id == second.id
        assert second.name == "Ada Lovelace"
        result = shop.desk.contacts.find(email="ada@example.com")
        assert result is not None
        assert result.id == first.id


def test_a_contact_belongs_to_a_company_once(shop: Shop) -> None:
    if able(shop.desk, "contacts.upsert"):
        company = Company("acme", "Acme", "pro", "https://acme.example", spend=49.9, size=7, attributes={"seats": 12})
        for _ in range(2):
            who = shop.desk.contacts.upsert(replace(ADA, company=company))
        account = sandbox_of(shop.app).apis[shop.name].account
        (person,) = account.people.all()
        assert person.id == who.id
        if shop.name == "crisp":
            assert person.extra["company"] == {"name": "Acme", "url": "https://acme.example"}
        else:
            (stored,) = account.companies.all()
            assert person.companies == (stored.id,)
            assert (stored.company_id, stored.data["monthly_spend"], stored.data["size"]) == ("acme", 49, 7)
            assert stored.data["custom_attributes"] == {"seats": 12}


def test_a_contacts_conversations_are_found(shop: Shop) -> None:
    shop.visit("Hello?")
    shop.visit("Somebody else", who=None)
    if able(shop.desk, "contacts.conversations"):
        who = shop.desk.contacts.find(email="ada@example.com")
        assert who is not None
        (result,) = shop.desk.contacts.conversations(who.id)
        assert [message.text for message in shop.desk.conversations.messages(result.id)] == ["Hello?"]


def test_an_event_is_taken_for_a_contact_and_for_nobody_else(shop: Shop) -> None:
    if able(shop.desk, "contacts.event", "contacts.upsert"):
        who = shop.desk.contacts.upsert(ADA)
        shop.desk.contacts.event(who.id, "bought", {"plan": "pro"})
        (stored,) = sandbox_of(shop.app).apis[shop.name].account.people.get(who.id).events
        assert "bought" in stored.values()
        with pytest.raises(NotFound):
            shop.desk.contacts.event("f" * 24, "bought")


def test_a_forgotten_contact_is_gone_and_so_is_their_name_in_conversations(shop: Shop) -> None:
    shop.visit("Hello?")
    if able(shop.desk, "contacts.forget"):
        who = shop.desk.contacts.find(email="ada@example.com")
        assert who is not None
        shop.desk.contacts.forget(who.id)
        assert shop.desk.contacts.find(email="ada@example.com") is None
        assert "ada@example.com" not in str(shop.desk.conversations.get(only(shop.desk)).raw)
        with pytest.raises(NotFound):
            shop.desk.contacts.forget(who.id)


# -- visitors ----------------------------------------------------------------------------------------------------------


def test_whoever_has_a_page_open_is_listed_whether_they_write_or_not(shop: Shop) -> None:
    if able(shop.desk, "visitors.list"):
        assert list(shop.desk.visitors.list()) == []
        session = shop.visit()
        shop.tell("visit", session=session, page="https://shop.example/cart")
        shop.desk.conversations.start(Visitor(id="43", email="bob@example.com"), "nobody is on the site")
        (result,) = shop.desk.visitors.list()
        assert (result.name, result.email) == ("Ada", "ada@example.com")
        assert (result.page, result.active) == ("https://shop.example/cart", True)
        assert "ada" not in repr(result).lower()
        shop.tell("message", session=session, text="Hello?")
        assert result.id == only_of(shop.desk, "Hello?")


def only_of(desk: Desk, text: str) -> str:
    (result,) = desk.conversations.search(text)
    return result.id


# -- articles ----------------------------------------------------------------------------------------------------------

ARTICLES = [f"articles.{name}" for name in ("list", "get", "create", "update", "publish", "unpublish", "delete")]


def test_an_article_is_written_published_and_taken_back(shop: Shop) -> None:
    if not able(shop.desk, "articles.search", *ARTICLES):
        return
    made = shop.desk.articles.create("Returns & refunds", "Send it back.")
    assert (made.title, made.body, made.published) == ("Returns & refunds", "Send it back.", False)
    assert [article.id for article in shop.desk.articles.list()] == [made.id]
    assert [article.id for article in shop.desk.articles.search("refunds")] == [made.id]
    assert list(shop.desk.articles.search("shipping")) == []
    changed = shop.desk.articles.update(made.id, body="Keep it.")
    assert (changed.title, changed.body) == ("Returns & refunds", "Keep it.")
    assert shop.desk.articles.update(made.id, title="Returns").title == "Returns"
    published = shop.desk.articles.publish(made.id)
    assert (published.published, bool(published.url)) == (True, True)
    assert shop.desk.articles.unpublish(made.id).published is False
    shop.desk.articles.delete(made.id)
    assert list(shop.desk.articles.list()) == []
    with pytest.raises(NotFound):
        shop.desk.articles.get(made.id)


def test_articles_are_listed_by_their_language(shop: Shop) -> None:
    if able(shop.desk, *ARTICLES):
        shop.desk.articles.create("Returns", "x")
        assert len(list(shop.desk.articles.list("en"))) == 1


# -- agents ------------------------------------------------------------------------------------------------------------


def test_whether_somebody_is_there_is_told(shop: Shop) -> None:
    if able(shop.desk, "agents.availability"):
        assert shop.desk.agents.availability() == "online"
        shop.client.post("/livechat/sandbox/desk/status", json={"vendor": shop.name, "status": "away"})
        assert shop.desk.agents.availability() != "online"


# -- what cannot be ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", ["999", "session_none", "a/b", "../me", "a%2Fb", "\U0001f642", "a b", "x" * 300])
def test_a_conversation_that_is_none_is_not_found(shop: Shop, id: str) -> None:
    shop.visit("Hello?")
    with pytest.raises(NotFound):
        shop.desk.conversations.get(id)
    if able(shop.desk, "conversations.reply"):
        with pytest.raises(NotFound):
            shop.desk.conversations.reply(id, "x")


@pytest.mark.parametrize("id", ["", "a\nb"])
def test_what_is_no_id_is_asked_of_nobody(shop: Shop, id: str) -> None:
    with pytest.raises(ValueError, match="is not an id"):
        shop.desk.conversations.get(id)


def test_an_agent_who_does_not_exist_is_refused(shop: Shop) -> None:
    shop.visit("Hello?")
    if able(shop.desk, "conversations.assign"):
        with pytest.raises((Invalid, NotFound)):
            shop.desk.conversations.assign(only(shop.desk), "12345")
        assert shop.desk.conversations.get(only(shop.desk)).agent is None


def test_a_text_of_a_megabyte_is_refused_and_nothing_is_said(shop: Shop) -> None:
    session = shop.visit("Hello?")
    if able(shop.desk, "conversations.reply"):
        with pytest.raises(Invalid):
            shop.desk.conversations.reply(only(shop.desk), "x" * 1_000_000)
        assert len(shop.reads(session)) == 1


def test_wrong_credentials_are_refused(shop: Shop, app_in_the_sandbox: Flask, root: str | None) -> None:
    needs, keys = desk_of(shop.name).needs, providers.load(shop.name).keys
    (secret,) = (key.name for key in keys if key.secret and key.name in needs)
    config = {f"LIVECHAT_{shop.name.upper()}_{secret}": "another"}
    stranger = create_app("crisp", secrets=False, LIVECHAT_SANDBOX=True, **config)
    sandbox_of(stranger).apis = sandbox_of(app_in_the_sandbox).apis
    wrong = shop_of(shop.name, stranger, root and f"{root}/{shop.name}")
    with pytest.raises(Unauthorized) as caught:
        list(wrong.desk.conversations.list())
    assert "another" not in str(caught.value)


def test_all_of_it_can_be_awaited(shop: Shop) -> None:
    shop.visit("Hello?")

    async def whole() -> list[str]:
        with shop.app.app_context():
            async with chat_of(shop.app).async_desk(shop.name) as desk:
                return [data.text async for data in desk.conversations.messages(only(shop.desk))]

    assert awaited(whole()) == ["Hello?"]


def test_who_exists_already_is_a_conflict_for_whoever_asks_the_api_itself(app_in_the_sandbox: Flask) -> None:
    desk = shop_of("intercom", app_in_the_sandbox).desk
    desk.contacts.upsert(ADA)
    with pytest.raises(Conflict, match=r"already exists with id=[0-9a-f]{24}"):
        desk.raw.request("POST", "/contacts", json={"external_id": "42"})


def test_any_other_call_is_made_with_the_same_credentials(shop: Shop) -> None:
    values = shop.app.extensions["livechat"].settings.providers[shop.name]
    call = desk_of(shop.name).methods["agents.list"](values)
    assert "robin@example.com" in str(shop.desk.raw.request(call.method, call.path, json=call.json))


def test_an_answer_is_refused_where_somebody_has_written_since(shop: Shop) -> None:
    if not shop.desk.can("conversations.reply"):
        return
    shop.visit("Hello?")
    chat, desk = only(shop.desk), shop.desk.conversations
    (seen,) = desk.messages(chat)
    desk.reply(chat, "Yes?", seen=seen.id)
    with pytest.raises(Conflict, match="somebody has written in the meantime"):
        desk.reply(chat, "May I help you?", seen=seen.id)

    async def again() -> None:
        with shop.app.app_context():
            async with chat_of(shop.app).async_desk(shop.name) as awaited_desk:
                await awaited_desk.conversations.reply(chat, "May I help you?", seen=seen.id)

    with pytest.raises(Conflict):
        awaited(again())
    assert [message.text for message in desk.messages(chat)] == ["Hello?", "Yes?"]

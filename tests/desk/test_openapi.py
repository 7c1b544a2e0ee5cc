"""What we send to Intercom is what the vendor's own OpenAPI files ask for, in the oldest and the newest version.

The files are the vendor's (MIT); the folder is named by LIVECHAT_INTERCOM_SPECS, by default beside the project.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from werkzeug.wrappers import Request

from flask_livechat import Visitor, providers
from flask_livechat.desk.desk import Desk, open_desk
from flask_livechat.desk.http import in_process
from flask_livechat.errors import NotFound
from flask_livechat.providers.base import Handoff
from flask_livechat.sandbox import sandbox_of
from flask_livechat.sandbox.api import Rest

from ..conftest import chat_of, create_app
from .conftest import OpenVendorApi, VendorApi
from .test_intercom import ACME, CONTACT, ME, ONE, VALUES, VISITOR, WHO, listed, ok

HERE = Path(__file__).parents[2]
SPECS = Path(os.environ.get("LIVECHAT_INTERCOM_SPECS", HERE.parent / "shared" / "specs" / "intercom"))
VERSIONS = ("2.11", "2.16")
# A part's author without an address has an empty one, in public deliveries.
FORMATS = {"uuid": lambda value: len(value) in (24, 36), "email": lambda value: value == "" or "@" in value}
ARTICLE = {"id": "55", "title": "How to", "state": "draft", "type": "article"}
TEAM = {"type": "team", "id": "814865", "name": "Support"}
OF_42 = ONE | {"contacts": {"contacts": [{"id": WHO, "external_id": "42"}]}, "admin_assignee_id": None}
UNTIL = datetime(2026, 12, 1, tzinfo=UTC)
# Every call that we can make, and the answers that it needs on the way.
CALLS: dict[str, tuple[Callable[[Desk], Any], tuple[Any, ...]]] = {
    "conversations.list": (lambda desk: list(desk.conversations.list()), (listed(ONE),)),
    "conversations.list, narrowed": (
        lambda desk: list(desk.conversations.list("open", since=UNTIL)),
        (listed(ONE, after="c"), listed()),
    ),
    "conversations.search": (lambda desk: list(desk.conversations.search("refund")), (listed(ONE),)),
    "conversations.get": (lambda desk: desk.conversations.get("215"), (ok(ONE),)),
    "conversations.messages": (lambda desk: list(desk.conversations.messages("215")), (ok(ONE),)),
    "conversations.start": (
        lambda desk: desk.conversations.start(VISITOR, "It broke."),
        (ok(CONTACT), ok({"conversation_id": "215"}), ok(ONE)),
    ),
    "conversations.start, by the team": (
        lambda desk: desk.conversations.start(VISITOR, "May we help?", author="agent"),
        (ok(CONTACT), ME, ok()),
    ),
    "conversations.reply": (lambda desk: desk.conversations.reply("215", "Hello"), (ME, ok(ONE))),
    "conversations.note": (lambda desk: desk.conversations.note("215", "Rude"), (ME, ok(ONE))),
    "conversations.note, of a flow, and to a team": (
        lambda desk: desk.hand_over("215", [Handoff("42", None, "Rude", "support")]),
        (ok(OF_42), ME, ok(ONE), ok({"teams": [TEAM]}), ok(TEAM), ok(ONE)),
    ),
    "conversations.close": (lambda desk: desk.conversations.close("215"), (ok(ONE), ME, ok(ONE))),
    "conversations.reopen": (
        lambda desk: desk.conversations.reopen("215"),
        (ok(ONE | {"state": "closed"}), ME, ok(ONE)),
    ),
    "conversations.assign": (lambda desk: desk.conversations.assign("215", "7"), (ME, ok(ONE))),
    "conversations.assign, to a team": (
        lambda desk: desk.conversations.assign("215", team="814865"),
        (ok({"type": "team", "id": "814865"}), ME, ok(ONE)),
    ),
    "conversations.snooze": (lambda desk: desk.conversations.snooze("215", UNTIL), (ok(ONE), ME, ok(ONE))),
    "conversations.tag": (lambda desk: desk.conversations.tag("215", "vip"), (ME, ok({"id": "7"}), ok())),
    "conversations.untag": (
        lambda desk: desk.conversations.untag("215", "vip"),
        (ME, ok({"data": [{"id": "7", "name": "vip"}]}), ok()),
    ),
    "contacts.upsert": (
        lambda desk: desk.contacts.upsert(
            Visitor(id="42", email="a@example.com", phone="+4930123", created_at=UNTIL, avatar="https://a.test/1.png")
        ),
        (ok(CONTACT),),
    ),
    "contacts.upsert, with a company": (
        lambda desk: desk.contacts.upsert(replace(VISITOR, company=replace(ACME, created_at=UNTIL, website="a.test"))),
        (ok({"id": "5f"}), ok(CONTACT), ok()),
    ),
    "contacts.find": (lambda desk: desk.contacts.find(id="42"), (listed(CONTACT, key="data"),)),
    "contacts.find_all": (
        lambda desk: list(desk.contacts.find_all(email="a@example.com")),
        (listed(CONTACT, key="data", after="c"), listed(key="data")),
    ),
    "contacts.conversations": (lambda desk: list(desk.contacts.conversations(WHO)), (listed(ONE),)),
    "contacts.event": (lambda desk: desk.contacts.event(WHO, "bought", {"plan": "pro"}), (ok(),)),
    "contacts.forget": (lambda desk: desk.contacts.forget(WHO), (ok(),)),
    "articles.list": (lambda desk: list(desk.articles.list()), (ok({"data": []}),)),
    "articles.search": (lambda desk: list(desk.articles.search("how")), (ok({"data": {"articles": []}}),)),
    "articles.get": (lambda desk: desk.articles.get("55"), (ok(ARTICLE),)),
    "articles.create": (lambda desk: desk.articles.create("How to", "So"), (ME, ok(ARTICLE))),
    "articles.create, in a collection": (
        lambda desk: desk.articles.create("How to", "So", category={"a": "A", "a/b": "B"}, description="So it goes"),
        (ME, ok({"data": [{"id": "7", "name": "A"}]}), ok({"id": "8"}), ok(ARTICLE)),
    ),
    "articles.create, translated": (
        lambda desk: desk.articles.create("Wie", "So", locale="de", translates="55"),
        (ok(ARTICLE | {"default_locale": "en"}), ME, ok(ARTICLE)),
    ),
    "articles.list, for a plan": (
        lambda desk: desk.inventory(),
        (ok({"data": [ARTICLE], "pages": {"total_pages": 2}}), ok({"data": []}), ok({"data": []})),
    ),
    "articles.update": (lambda desk: desk.articles.update("55", title="New"), (ok(ARTICLE),)),
    "articles.update, moved": (
        lambda desk: desk.articles.update("55", category="A"),
        (ok({"data": [{"id": "7", "name": "A"}]}), ok(ARTICLE)),
    ),
    "articles.publish": (lambda desk: desk.articles.publish("55"), (ok(ARTICLE),)),
    "articles.unpublish": (lambda desk: desk.articles.unpublish("55"), (ok(ARTICLE),)),
    "articles.delete": (lambda desk: desk.articles.delete("55"), (ok(ARTICLE),)),
    "agents.list": (lambda desk: list(desk.agents.list()), (ok({"admins": []}),)),
    "agents.teams": (lambda desk: list(desk.agents.teams()), (ok({"teams": []}),)),
    "agents.availability": (lambda desk: desk.agents.availability(), (ok({"admins": []}),)),
}


@lru_cache
def spec(version: str) -> OpenAPI:
    path = SPECS / f"openapi-{version}.yaml"
    if not path.is_file():
        missing = f"{path.name} is missing: set LIVECHAT_INTERCOM_SPECS to the folder of the vendor's OpenAPI files"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with path.open(encoding="utf-8") as file:
        read = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe one, in C
    # Faults of the files: a path that we do not use lacks its parameter, a schema is named that is not there, and a
    # contact's id is called a "uuid" of 24 characters, with a right one (which is none) as the example.
    schemas = read["components"]["schemas"]
    schemas.setdefault("custom_attributes", {"type": "object"})
    schemas["conversation_rating"]["nullable"] = True  # nobody has rated most of them
    schemas["contact"]["properties"]["email"]["nullable"] = True  # not everybody has one
    (note,) = read["paths"]["/contacts/{contact_id}/notes"]["post"]["parameters"][-1:]
    note["schema"] = {"type": "string"}  # called an integer in one version, with ids of 24 letters and digits
    # Required in one version, whose own text says that no conversation is "present until the contact responds".
    schemas["message"]["required"] = [name for name in schemas["message"]["required"] if name != "conversation_id"]
    schemas["reference"]["nullable"] = True  # said beside a $ref, where nothing counts: a part is mostly for nobody
    return OpenAPI.from_dict(
        read,
        config=Config(spec_validator_cls=None, extra_format_validators=FORMATS),
    )


@pytest.fixture
def vendor_api(open_vendor_api: OpenVendorApi) -> VendorApi:
    return open_vendor_api("intercom", VALUES)


# Of 2.11 a translation is in HTML, and we refuse to write any.
ASKED = [
    (name, version)
    for name in CALLS
    for version in VERSIONS
    if (name, version) != ("articles.create, translated", "2.11")
]


@pytest.mark.parametrize(("name", "version"), ASKED)
def test_a_call_is_what_the_vendors_own_file_asks_for(vendor_api: VendorApi, name: str, version: str) -> None:
    known = spec(version)
    call, answers = CALLS[name]
    call(vendor_api.answers(*answers))
    assert vendor_api.server.asked
    for asked in vendor_api.server.asked:
        path, _, query = asked.path.partition("?")
        arguments = dict(part.split("=") for part in query.split("&") if part)
        request = MockRequest(
            "https://api.intercom.io",
            asked.method.lower(),
            path,
            args=arguments,
            headers=asked.headers | {"intercom-version": version},
            data=asked.body or None,
            content_type="application/json",
        )
        known.validate_request(request)


def test_every_method_of_the_api_is_compared() -> None:
    spec = providers.api("intercom")
    assert spec is not None
    assert set(spec.methods) == {name.partition(",")[0] for name in CALLS}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_comparison_can_fail(version: str) -> None:
    body = json.dumps({"message_type": "comment", "type": "admin"}).encode()  # whose, and what?
    headers = {"authorization": "Bearer x", "intercom-version": version}
    address = "https://api.intercom.io", "post", "/conversations/215/reply"
    request = MockRequest(*address, headers=headers, data=body, content_type="application/json")
    with pytest.raises(Exception, match=r"[Vv]alidation|schema"):
        spec(version).validate_request(request)


# -- the stand-in's answers --------------------------------------------------------------------------------------------


@dataclass
class Heard:
    """A call of the stand-in's API, and its answer."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    sent: bytes
    status: int
    answer: bytes


def listening(api: Rest, heard: list[Heard]) -> Callable[..., Any]:
    def asked(environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        sent = request.get_data()
        answer = api.answer(Request(environ | {"wsgi.input": io.BytesIO(sent)}))
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = request.method, request.path, request.args.to_dict(), headers, sent
        heard.append(Heard(*call, answer.status_code, answer.get_data()))
        return answer(environ, start_response)

    return asked


def toured(version: str) -> list[Heard]:
    """All that our side can do, done to the stand-in, with what is refused on the way."""
    app = create_app("intercom", secrets=False, LIVECHAT_SANDBOX=True, LIVECHAT_INTERCOM_API_VERSION=version)
    heard: list[Heard] = []
    api = listening(sandbox_of(app).apis["intercom"], heard)
    with app.app_context():
        desk = open_desk(*chat_of(app).account("intercom"), chat_of(app).now, in_process(api))
    who = desk.contacts.upsert(VISITOR)
    desk.contacts.upsert(replace(VISITOR, company=ACME))
    mine = desk.conversations.start(VISITOR, "It broke.").id
    _, second = desk.agents.list()
    assert desk.conversations.start(VISITOR, "May we help?", author="agent") is None
    desk.conversations.reply(mine, "Hello")
    desk.conversations.note(mine, "Rude")
    desk.hand_over(mine, [Handoff("42", None, "Rude in a flow", "support")])
    desk.conversations.assign(mine, second.id)
    (team,) = desk.agents.teams()
    desk.conversations.assign(mine, team=team.id)
    desk.conversations.tag(mine, "vip")
    list(desk.conversations.list())
    list(desk.conversations.list("open", since=datetime(2026, 1, 1, tzinfo=UTC)))
    list(desk.conversations.search("broke"))
    desk.conversations.untag(mine, "vip")
    desk.conversations.snooze(mine, UNTIL)
    desk.conversations.close(mine)
    desk.conversations.reopen(mine)
    list(desk.conversations.messages(mine))
    public_examples(desk, who.id, mine, second.id, version)
    list(desk.contacts.conversations(who.id))
    desk.contacts.find(id="42")
    desk.contacts.event(who.id, "bought", {"plan": "pro"})
    article_examples(desk, version)
    desk.agents.availability()
    desk.contacts.forget(who.id)
    for missing in (desk.conversations.get, desk.articles.get):
        with pytest.raises(NotFound):
            missing("999999")
    return heard


def article_examples(desk: Desk, version: str) -> None:
    """Articles, which the older versions have in HTML alone: we write none there."""
    if version == "2.11":
        (admin, *_) = desk.agents.list()
        made = desk.raw.request("POST", "/articles", json={"title": "How to", "author_id": int(admin.id)})["id"]
    else:
        titles = {"billing": "Billing", "billing/cards": "Cards"}
        made = desk.articles.create("How to", "So", category=titles, description="So it goes").id
        desk.articles.create("Wie", "So", locale="de", translates=made)
        desk.articles.publish(made, locale="de")
        desk.articles.update(made, body="*So*", category="Orders")
        desk.inventory()
    desk.articles.publish(made)
    desk.articles.update(made, title="How to do it")
    list(desk.articles.list())
    list(desk.articles.search("how"))
    desk.articles.get(made)
    desk.articles.unpublish(made)
    desk.articles.delete(made)


def public_examples(desk: Desk, who: str, mine: str, agent: str, version: str) -> None:
    """What we do not call, and others do."""

    def ask(method: str, path: str, **body: Any) -> Any:
        return desk.raw.request(method, path, json=body or None)

    contact, conversation = f"/contacts/{who}", f"/conversations/{mine}"
    tag = ask("POST", "/tags", name="vip")["id"]
    company = ask("POST", "/companies", company_id="acme", name="Acme", plan="pro", size=7, monthly_spend=49)["id"]
    ask("POST", f"{contact}/tags", id=tag)
    note = ask("POST", f"{contact}/notes", body="late", admin_id=agent)["id"]
    ask("POST", f"{contact}/companies", id=company)
    for part in ("tags", "notes", "companies", "segments"):
        ask("GET", f"{contact}/{part}")
    for path in ("/contacts", "/segments", "/teams", f"/admins/{agent}", f"/companies/{company}", f"/notes/{note}"):
        ask("GET", path)
    for path in (
        f"/tags/{tag}",
        "/teams/814865",
        "/segments/56203d253cba154d39010062",
        f"/companies/{company}/contacts",
    ):
        ask("GET", path)
    ask("GET", "/help_center/collections")
    ask("PUT", f"/companies/{company}", name="Acme Ltd")
    if version != "2.11":
        ask("GET", "/contacts/find_by_external_id/42")
        ask("PUT", conversation, title="Late")
    other = ask("POST", "/contacts", role="lead", name="Ben")["id"]
    by = {"message_type": "in_app", "body": "May we help?", "from": {"type": "admin", "id": int(agent)}}
    ask("POST", "/messages", **by, to={"type": "user", "id": who}, create_conversation_without_contact_reply=True)
    ask("POST", f"{conversation}/customers", admin_id=agent, customer={"intercom_user_id": other})
    ask("POST", f"{conversation}/reply", message_type="comment", type="user", intercom_user_id=other, body="Hi")
    picture = {"attachment_urls": ["https://example.com/a.png"]}
    ask("POST", f"{conversation}/reply", message_type="comment", type="admin", admin_id=agent, **picture)
    data = {"admin_id": agent, "body": "Yours", "assignee_id": "814865"}
    ask("POST", f"{conversation}/parts", message_type="assignment", type="team", **data)
    ask("POST", f"{contact}/archive")
    ask("POST", f"{contact}/unarchive")
    ask("DELETE", f"{contact}/tags/{tag}")
    ask("DELETE", f"{contact}/companies/{company}")
    ask("DELETE", f"/companies/{company}")
    for path in ("/admins/1", "/teams/1", "/tags/1", "/segments/1", "/companies/1", "/notes/1", "/contacts/1/notes"):
        with pytest.raises(NotFound):
            ask("GET", path)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_the_stand_in_answers_is_what_the_vendors_own_file_says(version: str) -> None:
    known, heard = spec(version), toured(version)
    wrong = []
    for item in heard:
        request = MockRequest(
            "https://api.intercom.io",
            item.method.lower(),
            item.path,
            args=item.query,
            headers=item.headers,
            data=item.sent or None,
            content_type="application/json",
        )
        response = MockResponse(item.answer or b"null", item.status, content_type="application/json")
        try:
            known.validate_request(request)
            # The one is described as empty, which the validator takes for an answer that is missing; the other is not
            # described at all, though the vendor answers so.
            if item.status not in (202, 409):
                known.validate_response(request, response)
        except Exception as error:
            why = [str(item)[:300] for item in getattr(error.__cause__, "schema_errors", [error])]
            wrong.append((item.method, item.path, item.status, why))
    assert wrong == []
    assert len(heard) > 75
    assert {item.status for item in heard} == {200, 202, 404, 409}

"""The stand-in of Intercom's REST API: who wrote what, who is known, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from flask_livechat.sandbox.sessions import Identity

from .test_sandbox_rest import Asker, codes

ADMIN = {"type": "admin", "admin_id": "814860"}
NAMED = {"admin_id": "814861"}


class Workspace(Asker):
    """A stand-in, with the calls that these tests make all the time."""

    def __init__(self) -> None:
        super().__init__("intercom")

    def gives(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = self.ask(method, path, body, **headers)
        assert answer.status_code == 200, answer.text
        return answer.json

    def refuses(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        answer = self.ask(method, path, body, **headers)
        (code,) = codes(answer)
        return answer.status_code, code

    def begin(self, text: str = "Hello?") -> str:
        """A stranger writes in the widget. Gives the path of the conversation."""
        key = self.hub.create("intercom")
        self.hub.say(key, "visitor", text)
        return f"/conversations/{self.hub.look(key).number}"

    def parts(self, conversation: str) -> list[tuple[str, str, str | None]]:
        listed = self.gives("GET", f"{conversation}?display_as=plaintext")["conversation_parts"]["conversation_parts"]
        return [(one["part_type"], one["author"]["type"], one["body"]) for one in listed]

    def person_of(self, conversation: str) -> dict[str, Any]:
        (who,) = self.gives("GET", conversation)["contacts"]["contacts"]
        return dict(self.gives("GET", f"/contacts/{who['id']}"))


@pytest.fixture
def workspace() -> Workspace:
    return Workspace()


# -- who wrote -------------------------------------------------------------------------------------------------------


def test_a_lead_with_an_email_stays_a_lead(workspace: Workspace) -> None:
    conversation = workspace.begin()
    lead = workspace.person_of(conversation)
    changed = workspace.gives("PUT", f"/contacts/{lead['id']}", {"email": "ada@example.com"})
    assert (changed["role"], changed["email"]) == ("lead", "ada@example.com")
    assert workspace.gives("GET", conversation)["source"]["author"]["type"] == "lead"
    made = workspace.gives("POST", "/contacts", {"role": "lead", "email": "ben@example.com"})
    assert made["role"] == "lead"


def test_the_external_id_of_a_lead_is_the_vendors_own(workspace: Workspace) -> None:
    lead = workspace.person_of(workspace.begin())
    assert lead["external_id"] not in (None, lead["id"])
    assert workspace.gives("POST", "/contacts", {"role": "lead"})["external_id"]


def test_what_an_admin_decides_is_a_part_of_the_admins(workspace: Workspace) -> None:
    mine = workspace.begin()
    for said in (
        {"message_type": "assignment", **ADMIN, "assignee_id": "814861", "body": "Yours."},
        {"message_type": "snoozed", "admin_id": "814860", "snoozed_until": 2**33},
        {"message_type": "open", "admin_id": "814860"},
        {"message_type": "close", **ADMIN, **NAMED, "body": "Bye."},
        {"message_type": "open", "admin_id": "814860"},
        {"message_type": "close", **ADMIN},
    ):
        workspace.gives("POST", f"{mine}/parts", said)
    assert workspace.parts(mine) == [
        ("assignment", "admin", "Yours."),
        ("snoozed", "admin", None),
        ("unsnoozed", "admin", None),
        ("close", "admin", "Bye."),
        ("open", "admin", None),
        ("close", "admin", None),
    ]
    whole = workspace.gives("GET", mine)
    assert whole["conversation_parts"]["conversation_parts"][3]["author"]["id"] == "814861"
    assert (whole["statistics"]["last_closed_by_id"], whole["statistics"]["count_reopens"]) == ("814860", 1)


def test_the_words_of_a_close_are_read_by_the_visitor_and_a_bare_decision_is_not(workspace: Workspace) -> None:
    key = workspace.hub.create("intercom")
    workspace.hub.say(key, "visitor", "Hello?")
    mine = f"/conversations/{workspace.hub.look(key).number}"
    workspace.gives("POST", f"{mine}/parts", {"message_type": "assignment", **ADMIN, "assignee_id": "814861"})
    workspace.gives("POST", f"{mine}/parts", {"message_type": "close", **ADMIN, "body": "Bye."})
    shown: Any = workspace.hub.view(key)["messages"]
    assert [(one["author"], one["text"]) for one in shown] == [
        ("visitor", "Hello?"),
        ("agent", "Bye."),
        ("system", "Conversation ended by the agent."),
    ]


def test_a_bots_reply_is_a_bots_and_no_admins_first_reply(workspace: Workspace) -> None:
    mine = workspace.begin()
    (session,) = workspace.hub.conversations("intercom")
    workspace.hub.say(session.key, "bot", "I am a bot.")
    assert workspace.parts(mine) == [("comment", "bot", "I am a bot.")]
    assert "first_admin_reply_at" not in workspace.gives("GET", mine)["statistics"]


def test_of_two_contacts_the_one_who_wrote_is_the_author(workspace: Workspace) -> None:
    mine = workspace.begin("Ana asks")
    ben = workspace.gives("POST", "/contacts", {"external_id": "ben", "email": "ben@example.com"})["id"]
    reply = {"message_type": "comment", "type": "user", "body": "Ben answers"}
    assert workspace.refuses("POST", f"{mine}/reply", reply | {"user_id": "ben"}) == (404, "not_found")
    workspace.gives("POST", f"{mine}/customers", {"admin_id": "814860", "customer": {"user_id": "ben"}})
    whole = workspace.gives("POST", f"{mine}/reply", reply | {"intercom_user_id": ben})
    assert len(whole["contacts"]["contacts"]) == 2
    assert whole["contacts"]["contacts"][0]["id"] != ben
    (part,) = whole["conversation_parts"]["conversation_parts"]
    assert (part["author"]["type"], part["author"]["id"]) == ("user", ben)


def test_a_contact_who_was_deleted_does_not_come_back_and_no_admin_wrote_their_words(workspace: Workspace) -> None:
    mine = workspace.begin()
    lead = workspace.person_of(mine)
    workspace.gives("DELETE", f"/contacts/{lead['id']}")
    assert workspace.gives("GET", "/contacts")["data"] == []
    whole = workspace.gives("GET", mine)
    assert (whole["contacts"]["contacts"], whole["source"]["author"]["type"]) == ([], "user")
    assert workspace.refuses("DELETE", f"/contacts/{lead['id']}") == (404, "not_found")


def test_bodies_are_html_but_where_plain_text_is_asked_for(workspace: Workspace) -> None:
    mine = workspace.begin("3 < 5\nreally\n\nyes")
    assert workspace.gives("GET", mine)["source"]["body"] == "<p>3 &lt; 5<br>really</p><p>yes</p>"
    assert workspace.gives("GET", f"{mine}?display_as=plaintext")["source"]["body"] == "3 < 5\nreally\n\nyes"
    (listed,) = workspace.gives("GET", "/conversations")["conversations"]
    assert listed["source"]["body"].startswith("<p>")


# -- who is known ----------------------------------------------------------------------------------------------------


def test_a_user_may_have_a_leads_address_but_no_other_users(workspace: Workspace) -> None:
    workspace.gives("POST", "/contacts", {"role": "lead", "email": "ada@example.com"})
    workspace.gives("POST", "/contacts", {"external_id": "42", "email": "ada@example.com"})
    assert workspace.refuses("POST", "/contacts", {"email": "ADA@example.com"}) == (409, "conflict")
    event = {"event_name": "bought", "created_at": 1790000000, "email": "ada@example.com"}
    assert workspace.refuses("POST", "/events", event) == (409, "conflict")  # whose?
    assert workspace.ask("POST", "/events", event | {"email": None, "user_id": "42"}).status_code == 202


def test_an_archived_contact_is_in_no_list_and_a_conflict_says_so(workspace: Workspace) -> None:
    mine = workspace.gives("POST", "/contacts", {"external_id": "42"})["id"]
    assert workspace.gives("POST", f"/contacts/{mine}/archive")["archived"] is True
    assert workspace.gives("GET", "/contacts")["data"] == []
    answer = workspace.ask("POST", "/contacts", {"external_id": "42"})
    assert (
        answer.json["errors"][0]["message"]
        == f"An archived contact matching those details already exists with id={mine}"
    )  # type: ignore[index]  # JSON
    assert workspace.gives("POST", f"/contacts/{mine}/unarchive")["archived"] is False
    assert len(workspace.gives("GET", "/contacts")["data"]) == 1


def test_two_people_with_one_address_are_two_where_they_have_ids(workspace: Workspace) -> None:
    for number in ("1", "2"):
        key = workspace.hub.create("intercom")
        workspace.hub.identify(key, Identity("unverified", number, "shared@example.com"))
        workspace.hub.say(key, "visitor", "Hello?")
    listed = workspace.gives("GET", "/contacts")["data"]
    assert {one["external_id"] for one in listed} == {"1", "2"}


def test_a_contact_is_found_by_the_apps_id_in_the_versions_that_can(workspace: Workspace) -> None:
    mine = workspace.gives("POST", "/contacts", {"external_id": "42"})["id"]
    where = "/contacts/find_by_external_id/42"
    assert workspace.gives("GET", where)["id"] == mine
    assert workspace.refuses("GET", where, **{"Intercom-Version": "2.12"}) == (404, "not_found")
    assert workspace.refuses("GET", "/contacts/find_by_external_id/43") == (404, "not_found")


def test_a_lead_is_merged_into_a_user_with_what_was_said(workspace: Workspace) -> None:
    conversation = workspace.begin()
    lead = workspace.person_of(conversation)["id"]
    user = workspace.gives("POST", "/contacts", {"external_id": "42"})["id"]
    workspace.gives("POST", "/contacts/merge", {"from": lead, "into": user})
    assert workspace.person_of(conversation)["id"] == user
    assert workspace.refuses("GET", f"/contacts/{lead}") == (404, "not_found")


def test_dates_of_contacts_are_compared_by_the_day(workspace: Workspace) -> None:
    workspace.gives("POST", "/contacts", {"external_id": "42"})
    (known,) = workspace.gives("GET", "/contacts")["data"]
    at = known["created_at"]

    def found(operator: str, value: int) -> int:
        query = {"field": "created_at", "operator": operator, "value": value}
        return len(workspace.gives("POST", "/contacts/search", {"query": query})["data"])

    assert (found("=", at), found(">", at - 1 - at % 86_400), found(">", at), found("<", at)) == (1, 1, 0, 0)
    for operator in ("!=", ">=", "IN"):
        query = {"field": "created_at", "operator": operator, "value": [at] if operator == "IN" else at}
        assert workspace.refuses("POST", "/contacts/search", {"query": query})[0] == 400


# -- the calls of public examples ------------------------------------------------------------------------------------


def test_a_contact_has_tags_notes_companies_and_segments(workspace: Workspace) -> None:
    mine = f"/contacts/{workspace.gives('POST', '/contacts', {'external_id': '42'})['id']}"
    tag = workspace.gives("POST", "/tags", {"name": "vip"})["id"]
    assert workspace.gives("POST", f"{mine}/tags", {"id": tag})["name"] == "vip"
    assert [one["id"] for one in workspace.gives("GET", f"{mine}/tags")["data"]] == [tag]
    note = workspace.gives("POST", f"{mine}/notes", {"body": "a < b", "admin_id": "814861"})
    assert (note["body"], note["author"]["id"]) == ("<p>a &lt; b</p>", "814861")
    assert [one["id"] for one in workspace.gives("GET", f"{mine}/notes")["data"]] == [note["id"]]
    assert workspace.gives("GET", f"/notes/{note['id']}") == note
    company = workspace.gives("POST", "/companies", {"company_id": "acme", "name": "Acme", "size": 7})["id"]
    workspace.gives("POST", f"{mine}/companies", {"id": company})
    known = workspace.gives("GET", mine)
    assert [[one["id"] for one in known[name]["data"]] for name in ("tags", "notes", "companies")] == [
        [tag],
        [note["id"]],
        [company],
    ]
    assert [one["name"] for one in workspace.gives("GET", f"{mine}/companies")["companies"]] == ["Acme"]
    assert workspace.gives("GET", f"{mine}/segments")["data"] == workspace.gives("GET", "/segments")["segments"]
    workspace.gives("DELETE", f"{mine}/tags/{tag}")
    assert workspace.refuses("DELETE", f"{mine}/tags/{tag}") == (404, "not_found")
    assert workspace.refuses("POST", f"{mine}/tags", {"id": "7"}) == (404, "not_found")
    assert workspace.refuses("POST", f"{mine}/notes", {"admin_id": "814861"}) == (400, "parameter_not_found")


def test_a_company_is_one_of_its_own_id(workspace: Workspace) -> None:
    first = workspace.gives("POST", "/companies", {"company_id": "acme", "name": "Acme"})
    second = workspace.gives("POST", "/companies", {"company_id": "acme", "plan": "pro"})
    assert (second["id"], second["name"], second["plan"]["name"]) == (first["id"], "Acme", "pro")
    assert workspace.gives("GET", "/companies?company_id=acme")["id"] == first["id"]
    assert workspace.gives("GET", "/companies?name=Acme")["id"] == first["id"]
    assert workspace.refuses("GET", "/companies?company_id=other") == (404, "company_not_found")
    answer = workspace.ask("POST", "/companies", {"company_id": "x", "spend": 5})
    assert answer.json["errors"][0] == {"code": "bad_request", "message": "bad 'spend' parameter"}  # type: ignore[index]  # JSON


@pytest.mark.parametrize("path", ["/admins", "/teams", "/segments", "/tags", "/companies", "/help_center/collections"])
def test_what_a_workspace_has_is_listed(workspace: Workspace, path: str) -> None:
    assert "list" in workspace.gives("GET", path)["type"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/admins/1", "admin_not_found"),
        ("/teams/1", "team_not_found"),
        ("/tags/1", "not_found"),
        ("/segments/1", "not_found"),
        ("/companies/1", "company_not_found"),
    ],
)
def test_what_is_not_there_is_named(workspace: Workspace, path: str, code: str) -> None:
    assert workspace.refuses("GET", path) == (404, code)


def test_a_tag_in_use_stays(workspace: Workspace) -> None:
    mine, tag = workspace.begin(), workspace.gives("POST", "/tags", {"name": "vip"})["id"]
    workspace.gives("POST", f"{mine}/tags", {"id": tag, "admin_id": "814860"})
    assert workspace.ask("DELETE", f"/tags/{tag}").status_code == 400
    workspace.gives("DELETE", f"{mine}/tags/{tag}", {"admin_id": "814860"})
    assert workspace.ask("DELETE", f"/tags/{tag}").status_code == 200
    assert workspace.refuses("GET", f"/tags/{tag}") == (404, "not_found")


def test_a_message_of_the_team_is_no_conversation_before_the_answer(workspace: Workspace) -> None:
    who = workspace.gives("POST", "/contacts", {"external_id": "42"})["id"]
    said = {"message_type": "in_app", "body": "May we help?", "from": {"type": "admin", "id": 814860}}
    sent = workspace.gives("POST", "/messages", said | {"to": {"type": "user", "id": who}})
    assert "conversation_id" not in sent
    assert workspace.gives("GET", "/conversations")["conversations"] == []
    (session,) = workspace.hub.conversations("intercom")
    workspace.hub.say(session.key, "visitor", "Yes!")
    (known,) = workspace.gives("GET", "/conversations")["conversations"]
    assert (known["source"]["delivered_as"], known["source"]["author"]["type"]) == ("admin_initiated", "admin")
    assert [one["id"] for one in known["contacts"]["contacts"]] == [who]
    for wrong in ({"to": {"type": "user", "id": "f" * 24}}, {"to": {"type": "user", "id": who}, "body": ""}):
        assert workspace.ask("POST", "/messages", said | wrong).status_code in (400, 404)
    at_once = said | {"to": {"type": "user", "id": who}, "create_conversation_without_contact_reply": True}
    assert workspace.gives("POST", "/messages", at_once)["conversation_id"]


def test_a_conversation_is_deleted_in_the_versions_that_can(workspace: Workspace) -> None:
    mine = workspace.begin()
    assert workspace.refuses("DELETE", mine, **{"Intercom-Version": "2.12"}) == (404, "not_found")
    assert workspace.gives("DELETE", mine)["deleted"] is True
    assert workspace.refuses("GET", mine) == (404, "not_found")


def test_the_last_conversation_of_a_contact_is_answered_without_its_id(workspace: Workspace) -> None:
    workspace.begin("first")
    who = workspace.person_of(workspace.begin("second"))["id"]
    reply = {"message_type": "comment", "type": "user", "intercom_user_id": who, "body": "again"}
    assert workspace.gives("POST", "/conversations/last/reply", reply)["source"]["body"] == "<p>second</p>"


# -- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "found"), [("published", ["out"]), ("draft", ["in"]), ("all", ["in", "out"])])
def test_articles_are_searched_by_their_state(workspace: Workspace, state: str, found: list[str]) -> None:
    for title, kept in (("in", "draft"), ("out", "published")):
        workspace.gives("POST", "/articles", {"title": title, "author_id": 814860, "state": kept})
    listed = workspace.gives("GET", f"/articles/search?phrase=&state={state}")["data"]["articles"]
    assert [one["title"] for one in listed] == found
    assert workspace.refuses("GET", "/articles/search?state=secret") == (400, "parameter_invalid")


@pytest.mark.parametrize(
    "said",
    [
        {"message_type": "close", "admin_id": "814860"},
        {"message_type": "close", "type": "team", "admin_id": "814860"},
        {"message_type": "close", "type": "admin"},
        {"message_type": "snoozed", "admin_id": "814860"},
        {"message_type": "assignment", **ADMIN},
        {"message_type": "assignment", "type": "bot", "admin_id": "814860", "assignee_id": "814861"},
        {"message_type": "erase", **ADMIN},
    ],
)
def test_a_decision_that_lacks_something_is_refused(workspace: Workspace, said: Any) -> None:
    mine = workspace.begin()
    assert workspace.ask("POST", f"{mine}/parts", said).status_code == 400
    assert workspace.parts(mine) == []


def test_a_team_is_no_admin_and_an_admin_no_team(workspace: Workspace) -> None:
    mine = workspace.begin()
    said = {"message_type": "assignment", "admin_id": "814860"}
    for kind, who in (("admin", "814865"), ("team", "814861")):
        wrong = said | {"type": kind, "assignee_id": who}
        assert workspace.refuses("POST", f"{mine}/parts", wrong) == (404, "assignee_not_found")
    whole = workspace.gives("POST", f"{mine}/parts", said | {"type": "team", "assignee_id": "814865"})
    assert whole["team_assignee_id"] == 814865


def test_a_picture_alone_is_a_reply_and_nothing_at_all_is_none(workspace: Workspace) -> None:
    mine, said = workspace.begin(), {"message_type": "comment", **ADMIN}
    pictures = {"attachment_urls": ["https://example.com/a.png"]}
    whole = workspace.gives("POST", f"{mine}/reply", said | pictures)
    (part,) = whole["conversation_parts"]["conversation_parts"]
    assert (part["body"], part["attachments"][0]["name"]) == (None, "a.png")
    eleven = {"attachment_urls": [f"https://example.com/{n}" for n in range(11)]}
    for wrong in ({}, {"body": " "}, eleven):
        assert workspace.ask("POST", f"{mine}/reply", said | wrong).status_code == 400


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/conversations", {"from": {"type": "user", "id": "x"}}, "body"),
        ("/tags", {}, "name"),
        ("/events", {"created_at": 1, "user_id": "42"}, "event_name"),
        ("/articles", {"title": "x"}, "author_id"),
        ("/contacts", {"email": 5}, "email"),
    ],
)
def test_a_refusal_names_the_field(workspace: Workspace, path: str, body: Any, field: str) -> None:
    answer = workspace.ask("POST", path, body)
    (error,) = answer.json["errors"]  # type: ignore[index]  # JSON
    assert answer.status_code == 400
    assert error["code"] in ("parameter_not_found", "parameter_invalid")
    assert field in error["message"]

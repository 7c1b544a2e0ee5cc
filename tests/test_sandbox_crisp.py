"""The stand-in of Crisp's REST API: the calls that public examples make, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .test_sandbox_rest import WEBSITE, Asker

SENT = {"from": "operator", "origin": "chat"}
PICKER = {
    "id": "call",
    "text": "When?",
    "choices": [{"value": "1", "label": "Today", "selected": False}, {"value": "2", "label": "No", "selected": True}],
}
CONTENTS: dict[str, Any] = {
    "text": "Yes?",
    "note": "late again",
    "file": {"name": "a.pdf", "url": "https://example.com/a.pdf", "type": "application/pdf"},
    "animation": {"url": "https://example.com/a.gif", "type": "image/gif"},
    "audio": {"url": "https://example.com/a.mp3", "type": "audio/mp3", "duration": 7},
    "picker": PICKER,
    "field": {"id": "name", "text": "Who are you?", "explain": "Your name"},
    "carousel": {"text": "Plans", "targets": [{"title": "Pro", "description": "all", "actions": []}]},
}


class Workspace(Asker):
    def __init__(self) -> None:
        super().__init__("crisp")
        self.key = self.hub.create("crisp", "session_")

    def gives(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = self.ask(method, f"/v1/website/{WEBSITE}{path}", body)
        assert answer.status_code == status, answer.text
        assert answer.json["error"] is False  # type: ignore[index]  # JSON
        return answer.json["data"]  # type: ignore[index]  # JSON

    def refuses(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        answer = self.ask(method, f"/v1/website/{WEBSITE}{path}", body)
        return answer.status_code, answer.json["reason"]  # type: ignore[index]  # JSON

    def mine(self, path: str = "") -> str:
        return f"/conversation/{self.key}{path}"


@pytest.fixture
def workspace() -> Workspace:
    return Workspace()


# -- messages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CONTENTS)
def test_a_message_of_each_type_is_given_back_as_it_was_sent(workspace: Workspace, kind: str) -> None:
    sent = SENT | {"type": kind, "content": CONTENTS[kind]}
    given = workspace.gives("POST", workspace.mine("/message"), sent, 202)["fingerprint"]
    (listed,) = workspace.gives("GET", workspace.mine("/messages"))
    assert (listed["type"], listed["content"], listed["fingerprint"]) == (kind, CONTENTS[kind], given)
    assert workspace.gives("GET", workspace.mine(f"/message/{given}")) == listed


@pytest.mark.parametrize(
    ("kind", "lacks"),
    [(kind, name) for kind, content in CONTENTS.items() if isinstance(content, dict) for name in content],
)
def test_a_content_that_lacks_something_is_refused(workspace: Workspace, kind: str, lacks: str) -> None:
    content = {name: value for name, value in CONTENTS[kind].items() if name != lacks}
    for wrong in (content, "text", [content], None):
        sent = SENT | {"type": kind, "content": wrong}
        assert workspace.refuses("POST", workspace.mine("/message"), sent) == (400, "invalid_data")
    assert not workspace.hub.look(workspace.key).messages


def test_what_a_program_sends_says_so(workspace: Workspace) -> None:
    sent = {"type": "text", "from": "operator", "origin": "urn:example:bot:0", "content": "Hi", "automated": True}
    workspace.gives("POST", workspace.mine("/message"), sent, 202)
    workspace.hub.say(workspace.key, "bot", "Me, too")
    first, second = workspace.gives("GET", workspace.mine("/messages"))
    assert [(one["automated"], one["from"]) for one in (first, second)] == [(True, "operator")] * 2
    assert first["origin"] == "urn:example:bot:0"
    assert second["origin"].startswith("urn:")
    assert [one.author for one in workspace.hub.look(workspace.key).messages] == ["bot", "bot"]
    assert workspace.refuses("POST", workspace.mine("/message"), sent | {"automated": "yes"}) == (400, "invalid_data")


def test_a_fingerprint_of_the_senders_own_is_kept_and_is_one_messages(workspace: Workspace) -> None:
    sent = SENT | {"type": "text", "content": "Hi", "fingerprint": 524653764345}
    assert workspace.gives("POST", workspace.mine("/message"), sent, 202) == {"fingerprint": 524653764345}
    assert workspace.refuses("POST", workspace.mine("/message"), sent)[0] == 409
    assert workspace.gives("GET", workspace.mine("/message/524653764345"))["content"] == "Hi"


def test_a_message_is_changed_and_taken_away(workspace: Workspace) -> None:
    sent = SENT | {"type": "picker", "content": PICKER}
    path = workspace.mine(f"/message/{workspace.gives('POST', workspace.mine('/message'), sent, 202)['fingerprint']}")
    workspace.gives("PATCH", path, {"content": PICKER | {"text": "Now?"}})
    changed = workspace.gives("GET", path)
    assert (changed["content"]["text"], changed["edited"]) == ("Now?", True)
    assert workspace.refuses("PATCH", path, {"content": "Now?"}) == (400, "invalid_data")
    workspace.gives("DELETE", path)
    assert workspace.refuses("GET", path)[0] == 404


def test_messages_are_read_before_or_after_a_moment(workspace: Workspace) -> None:
    times = iter(range(1_790_000_000, 1_790_000_100))
    workspace.hub.clock = lambda: float(next(times))
    for n in range(3):
        workspace.hub.say(workspace.key, "visitor", str(n))
    at = workspace.gives("GET", workspace.mine("/messages"))[1]["timestamp"]

    def texts(query: str) -> list[str]:
        return [one["content"] for one in workspace.gives("GET", workspace.mine(f"/messages?{query}"))]

    assert texts(f"timestamp_before={at}") == ["0"]
    assert texts(f"timestamp_after={at}") == ["2"]
    assert workspace.refuses("GET", workspace.mine("/messages?timestamp_before=1&timestamp_after=1"))[0] == 400


# -- conversations ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/conversations/suggest/segments/1",
        "/people/stats",
        "/people/profiles/1",
        "/people/suggest/segments/1",
        "/people/segments/1",
        "/operators/list",
        "/operators/active",
        "/operator/a91ad2a8-1b4b-4c0d-9a0e-3f8e1f6a2c01",
        "/availability/status",
        "/availability/operators",
        "/visitors/count",
        "/visitors/list/1",
    ],
)
def test_what_a_workspace_has_is_read(workspace: Workspace, path: str) -> None:
    assert workspace.gives("GET", path) is not None
    assert workspace.ask("GET", f"/v1/website/other{path}").status_code == 404


@pytest.mark.parametrize("part", ["block", "participants", "pages/1", "events/1", "files/1", "routing", "state"])
def test_the_parts_of_a_conversation_are_read(workspace: Workspace, part: str) -> None:
    assert workspace.gives("GET", workspace.mine(f"/{part}")) is not None
    assert workspace.refuses("GET", f"/conversation/session_none/{part}") == (404, "not_found")


def test_whether_a_conversation_exists_is_asked_without_a_body(workspace: Workspace) -> None:
    root = f"/v1/website/{WEBSITE}/conversation"
    answers = [workspace.ask("HEAD", f"{root}/{key}") for key in (workspace.key, "session_none")]
    assert [(one.status_code, one.data) for one in answers] == [(200, b""), (404, b"")]


def test_files_of_a_conversation_are_listed(workspace: Workspace) -> None:
    workspace.gives("POST", workspace.mine("/message"), SENT | {"type": "file", "content": CONTENTS["file"]}, 202)
    (listed,) = workspace.gives("GET", workspace.mine("/files/1"))
    assert listed["url"] == "https://example.com/a.pdf"
    assert workspace.gives("GET", workspace.mine("/files/2")) == []


def test_a_pending_conversation_is_not_resolved_and_says_what_it_is(workspace: Workspace) -> None:
    workspace.hub.say(workspace.key, "visitor", "Hello?")
    for state in ("pending", "resolved", "unresolved", "pending"):
        workspace.gives("PATCH", workspace.mine("/state"), {"state": state})
        assert workspace.gives("GET", workspace.mine("/state")) == {"state": state}
    kinds = [one["type"] for one in workspace.gives("GET", workspace.mine("/messages"))]
    assert kinds == ["text", "event"]  # only the resolving is told in it


@pytest.mark.parametrize(
    "query",
    [
        "filter_resolved=yes",
        "filter_assigned=2",
        "order_date_created=x",
        "search_type=word",
        "filter_date_end=2026",
        "filter_date_start=2026-01-01T00:00:00",
        "per_page=10",
    ],
)
def test_a_list_takes_only_what_is_documented(workspace: Workspace, query: str) -> None:
    workspace.hub.say(workspace.key, "visitor", "Hello?")
    assert workspace.refuses("GET", f"/conversations/1?{query}")[0] == 400


def test_a_list_is_narrowed_as_it_is_asked(workspace: Workspace) -> None:
    hub, other = workspace.hub, workspace.hub.create("crisp", "session_")
    for key in (workspace.key, other):
        hub.say(key, "visitor", "Hello?")
    hub.assign(other, "a91ad2a8-1b4b-4c0d-9a0e-3f8e1f6a2c01")
    hub.tag(workspace.key, ("vip",))

    def found(query: str) -> list[str]:
        return [one["session_id"] for one in workspace.gives("GET", f"/conversations/1?{query}")]

    assert found("filter_assigned=1") == [other]
    assert found("filter_unassigned=1") == [workspace.key]
    assert found("search_type=segment&search_query=vip") == [workspace.key]
    assert found("filter_resolved=0") == found("")


def test_several_conversations_are_changed_at_once(workspace: Workspace) -> None:
    other = workspace.hub.create("crisp", "session_")
    keys = [workspace.key, other]
    for key in keys:
        workspace.hub.say(key, "visitor", "Hello?")
    workspace.gives("PATCH", "/batch/resolve", {"sessions": [*keys, "session_none"]})
    assert [workspace.hub.look(key).state for key in keys] == ["closed", "closed"]
    workspace.gives("PATCH", "/batch/remove", {"sessions": [other]})
    assert workspace.refuses("GET", f"/conversation/{other}") == (404, "not_found")
    assert workspace.refuses("PATCH", "/batch/explode", {"sessions": keys})[0] == 404


def test_who_reads_along_is_kept(workspace: Workspace) -> None:
    given = [{"type": "email", "target": "ben@example.com"}]
    workspace.gives("PUT", workspace.mine("/participants"), {"participants": given})
    assert workspace.gives("GET", workspace.mine("/participants")) == {"participants": given}
    assert workspace.gives("GET", workspace.mine())["participants"] == given
    assert workspace.refuses("PUT", workspace.mine("/participants"), {"participants": ["ben"]})[0] == 400


# -- people ----------------------------------------------------------------------------------------------------------


def add(workspace: Workspace, email: str, **more: Any) -> str:
    return str(workspace.gives("POST", "/people/profile", {"email": email, **more}, 201)["people_id"])


def test_people_are_listed_and_found(workspace: Workspace) -> None:
    for n in range(23):
        add(workspace, f"p{n}@example.com", person={"nickname": f"Person {n}"})
    add(workspace, "ada@example.com", person={"nickname": "Ada"}, segments=["vip"])

    def found(query: str, page: int = 1) -> list[str]:
        return [one["email"] for one in workspace.gives("GET", f"/people/profiles/{page}?{query}")]

    assert [len(found("", page)) for page in (1, 2, 3)] == [20, 4, 0]
    assert found("search_text=ada") == ["ada@example.com"]
    wanted = {"model": "people", "criterion": "segments", "operator": "eq", "query": ["vip"]}
    assert found(f"search_filter={json.dumps([wanted])}") == ["ada@example.com"]
    for wrong in ("{", "5", "[5]", '[{"model": "people"}]'):
        assert workspace.refuses("GET", f"/people/profiles/1?search_filter={wrong}")[0] == 400
    assert workspace.gives("GET", "/people/suggest/segments/1") == [{"segment": "vip", "count": 1}]
    assert workspace.gives("GET", "/people/stats") == {"total": 24}


def test_a_profile_that_is_saved_is_new_and_one_that_is_changed_keeps_the_rest(workspace: Workspace) -> None:
    person, company = {"nickname": "Ada", "phone": "+4930123"}, {"name": "Acme", "url": "https://acme.example"}
    mine = f"/people/profile/{add(workspace, 'ada@example.com', person=person, company=company, segments=['vip'])}"
    workspace.gives("PATCH", mine, {"person": {"nickname": "Ada L."}})
    changed = workspace.gives("GET", mine)
    assert (changed["person"]["phone"], changed["company"], changed["segments"]) == ("+4930123", company, ["vip"])
    workspace.gives("PUT", mine, {"email": "ada@example.com", "person": {"nickname": "Ada"}})
    saved = workspace.gives("GET", mine)
    assert (saved["person"]["phone"], "company" in saved, saved["segments"]) == ("", False, [])
    assert workspace.refuses("PUT", mine, {"person": {"nickname": "Ada"}}) == (400, "invalid_data")


def test_somebody_is_known_by_one_address_in_any_case(workspace: Workspace) -> None:
    mine = add(workspace, "Ada@example.com")
    assert workspace.gives("GET", "/people/profile/ada@example.com")["people_id"] == mine
    assert workspace.refuses("POST", "/people/profile", {"email": "ADA@example.com"})[0] == 409
    assert workspace.refuses("POST", "/people/profile", {"email": "ada"}) == (400, "invalid_data")


def test_a_subscription_is_ended(workspace: Workspace) -> None:
    mine = f"/people/subscription/{add(workspace, 'ada@example.com')}"
    workspace.gives("PATCH", mine, {"email": False})
    assert workspace.gives("GET", mine) == {"email": False}
    assert workspace.refuses("PATCH", mine, {"email": "no"})[0] == 400


def test_a_session_is_found_by_its_token(workspace: Workspace) -> None:
    workspace.hub.bind(workspace.key, "token", "secret")
    assert workspace.gives("GET", "/visitors/token/secret") == {"session_id": workspace.key}
    assert workspace.refuses("GET", "/visitors/token/other")[0] == 404


def test_the_calls_of_a_day_are_over_with_a_423(workspace: Workspace) -> None:
    for _ in range(10_000):
        workspace.api._meter.take()  # type: ignore[union-attr]  # there is one
    assert workspace.refuses("GET", "/operators/list")[0] == 423

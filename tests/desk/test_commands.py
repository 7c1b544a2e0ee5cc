"""``flask livechat desk …`` as it is typed, against a server over real HTTP."""

from __future__ import annotations

import json
import shlex
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from click.testing import Result
from flask import Flask

from flask_livechat import Visitor, providers
from flask_livechat.desk import desk as desks
from flask_livechat.desk.http import Pool

from ..conftest import chat_of, create_app
from .test_crisp import ONE, SAID, WEBSITE, ok
from .vendor import Answer, Server, serving

Run = Callable[..., Result]
DATA = ok({"data": {"plan": "pro"}})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving() as server, httpx.Client() as http:
        spec_of = providers.api("crisp")
        assert spec_of is not None
        here = replace(spec_of, base=lambda values: server.url)
        real = providers.api
        monkeypatch.setattr(providers, "api", lambda name: here if name == "crisp" else real(name))
        monkeypatch.setattr(desks, "POOL", Pool(lambda: http))
        yield server


@pytest.fixture
def run(server: Server) -> Run:
    keys = {
        "LIVECHAT_CRISP_WEBSITE_ID": WEBSITE,
        "LIVECHAT_CRISP_API_IDENTIFIER": "identifier",
        "LIVECHAT_CRISP_API_KEY": "the-key",
    }
    app = create_app("crisp", **keys)

    def call(*arguments: str, answers: tuple[Answer, ...] = (), **options: str) -> Result:
        server.answers = [*answers]
        return app.test_cli_runner().invoke(args=["livechat", "desk", *arguments], **options)

    return call


def test_conversations_are_a_table(run: Run) -> None:
    result = run("conversations", answers=(ok([ONE]), ok([])))
    head, row = result.output.splitlines()
    assert head.split() == ["ID", "STATE", "CHANGED", "WHO", "TAGS"]
    assert row.startswith("session_1  open")
    assert row.endswith("First Visitor  vip")


def test_or_json_by_the_line(run: Run) -> None:
    (line,) = run("conversations", "--json", answers=(ok([ONE]), ok([]))).output.splitlines()
    data = json.loads(line)
    assert (data["id"], data["state"], data["contact"]["email"]) == ("session_1", "open", "first@example.com")


def test_no_more_are_asked_for_than_are_wanted(run: Run, server: Server) -> None:
    page = ok([ONE | {"session_id": f"s{n}"} for n in range(50)])
    result = run("conversations", "--limit", "3", answers=(page,))
    assert len(result.output.splitlines()) == 4
    assert len(server.asked) == 1


def test_none_is_said(run: Run) -> None:
    assert run("conversations", "--state", "closed", answers=(ok([]),)).output == "None.\n"


@pytest.mark.parametrize("when", ["30d", "12h", "2026-11-01", "2026-11-01T10:00:00+00:00"])
def test_a_time_may_be_said_in_many_ways(run: Run, server: Server, when: str) -> None:
    assert run("conversations", "--since", when, answers=(ok([]),)).exit_code == 0
    assert "filter_date_start=" in server.asked[0].path


def test_a_time_that_is_none_is_said(run: Run, server: Server) -> None:
    result = run("conversations", "--since", "yesterday")
    assert result.exit_code == 2
    assert "write 30d, 12h, or a date" in result.output
    assert server.asked == []


def test_a_conversation_is_shown(run: Run) -> None:
    note = SAID | {"fingerprint": 8, "from": "operator", "type": "note", "content": "rude", "timestamp": 1790000000000}
    result = run("show", "session_1", answers=(ok([SAID | {"timestamp": 1780000000000}, note]), ok([])))
    assert [line.partition("  ")[2] for line in result.output.splitlines()] == ["visitor: hello", "agent (note): rude"]


def test_an_answer_is_sent(run: Run, server: Server) -> None:
    assert run("reply", "session_1", "Hello", answers=(ok({"fingerprint": 1}),)).output == "Sent.\n"
    assert (
        run("reply", "session_1", "-", "--note", input="A long one", answers=(ok({"fingerprint": 1}),)).exit_code == 0
    )
    assert [json.loads(asked.body)["content"] for asked in server.asked] == ["Hello", "A long one"]


def test_conversations_are_closed(run: Run) -> None:
    assert run("close", "a", "b", answers=(ok(),)).output == "a is closed.\nb is closed.\n"


def test_somebody_is_looked_up(run: Run) -> None:
    person = {"people_id": "p1", "email": "a@example.com", "person": {"nickname": "A"}}
    result = run("contacts", "--email", "a@example.com", answers=(ok(person), DATA, ok(["session_1"]), ok([]), ok(ONE)))
    assert "name           A" in result.output
    assert "conversations  session_1" in result.output
    assert (
        run("contacts", "--email", "b@example.com", answers=(Answer(404),)).output
        == "Error: the vendor knows no such contact\n"
    )
    assert run("contacts").exit_code == 2


def test_ping_says_what_the_token_allows(run: Run) -> None:
    result = run("ping", answers=(ok([]), Answer(403, {"error": True, "reason": "not_allowed"})))
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "agents         allowed",
        "conversations  not allowed: not_allowed; the token needs that scope",
        "contacts       not allowed: not_allowed; the token needs that scope",
        "articles       not allowed: not_allowed; the token needs that scope",
    ]


def test_ping_says_that_the_credentials_are_wrong(run: Run) -> None:
    result = run("ping", answers=(Answer(401, {"error": True, "reason": "invalid_session"}),))
    assert result.output == "Error: the vendor does not know these credentials\n"
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["show", "nope"], "404 not_found"),
        (["conversations", "--provider", "tawk"], "'tawk' is not configured"),
        (["reply", "session_1", " "], "a text is needed"),
    ],
)
def test_what_went_wrong_is_one_line(run: Run, arguments: list[str], expected: str) -> None:
    result = run(*arguments, answers=(Answer(404, {"error": True, "reason": "not_found"}),))
    assert result.exit_code == 1
    assert expected in result.output
    assert "Traceback" not in result.output


def test_on_the_sandbox_the_server_that_runs_is_asked(app_in_the_sandbox: Flask, served: str) -> None:
    with app_in_the_sandbox.app_context():
        made = chat_of(app_in_the_sandbox).desk().conversations.start(Visitor(id="1", email="a@example.com"), "Hello?")
    runner = create_app("crisp", secrets=False, LIVECHAT_SANDBOX=True).test_cli_runner()  # another process, as it were
    asked = ["livechat", "desk", "show", made.id, "--at", served]
    assert "Hello?" in runner.invoke(args=asked).output


@pytest.mark.needs("time")
def test_a_server_that_does_not_run_is_said(app_in_the_sandbox: Flask) -> None:
    runner = app_in_the_sandbox.test_cli_runner()
    result = runner.invoke(args=["livechat", "desk", "conversations", "--at", "http://127.0.0.1:9"])
    assert result.exit_code == 1
    assert "no answer (ConnectError). Does your app run at http://127.0.0.1:9? See --at." in result.output


def test_one_that_cannot_be_closed_does_not_keep_the_others_open(run: Run) -> None:
    missing = Answer(404, {"error": True, "reason": "not_found"})
    result = run("close", "a", "b", answers=(missing, ok({"state": "pending"}), ok()))
    assert result.exit_code == 1
    assert "a is not: crisp: GET" in result.output
    assert "b is closed." in result.output


def test_a_search_keeps_to_the_state_and_the_time_that_are_asked_for(run: Run) -> None:
    closed = ONE | {"session_id": "session_2", "state": "resolved"}
    result = run("conversations", "--search", "x", "--state", "closed", "--json", answers=(ok([ONE, closed]), ok([])))
    assert [json.loads(line)["id"] for line in result.output.splitlines()] == ["session_2"]
    result = run("conversations", "--search", "x", "--since", "2100-01-01", answers=(ok([ONE]), ok([])))
    assert result.output == "None.\n"


def test_a_contact_as_json_has_its_conversations_and_nothing_raw(run: Run) -> None:
    person = {"people_id": "p1", "email": "a@example.com", "person": {"nickname": "A"}}
    answers = (ok(person), DATA, ok(["session_1"]), ok([]), ok(ONE))
    data = json.loads(run("contacts", "--email", "a@example.com", "--json", answers=answers).output)
    assert (data["conversations"], data["attributes"]) == (["session_1"], {"plan": "pro"})
    assert "raw" not in json.dumps(data)


def test_an_address_without_a_scheme_is_said(app_in_the_sandbox: Flask) -> None:
    result = app_in_the_sandbox.test_cli_runner().invoke(
        args=["livechat", "desk", "conversations", "--at", "127.0.0.1:5000"]
    )
    assert result.exit_code == 2
    assert "it must begin with http:// or https://" in result.output


def test_on_the_sandbox_too_it_says_what_to_install(app_in_the_sandbox: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("flask_livechat.desk.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "stamina", None)
    result = app_in_the_sandbox.test_cli_runner().invoke(args=["livechat", "desk", "conversations"])
    assert "pip install Flask-LiveChat[desk]" in result.output


def test_what_a_visitor_wrote_does_not_steer_the_terminal(run: Run) -> None:
    data = SAID | {"content": "hi\x1b]0;root\x07\x1b[2J\n2026-01-01 agent: refunded", "timestamp": 1780000000000}
    shown = run("show", "session_1", answers=(ok([data]), ok([]))).output
    assert "\x1b" not in shown
    assert "\n    2026-01-01 agent: refunded" in shown
    named = ONE | {"meta": {"nickname": "\x1b[2Jroot\nx"}}
    assert len(run("conversations", answers=(ok([named]), ok([]))).output.splitlines()) == 2


def test_a_time_beyond_all_time_is_said(run: Run) -> None:
    assert run("conversations", "--since", "999999999d").exit_code == 2
    assert run("conversations", "--since", "0001-01-01").exit_code == 2


# -- the documentation -------------------------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "docs" / "desk.rst").read_text("utf-8")
COMMANDS = [line.strip()[2:] for line in PAGE.splitlines() if line.strip().startswith("$ flask ")]
ASKED = [shlex.split(line.strip()[2:]) for line in PAGE.splitlines() if line.strip().startswith("$ curl ")]
GUEST = Visitor(id="1", email="visitor@example.com", name="A visitor")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_pages_commands_run(app_in_the_sandbox: Flask, served: str, command: str) -> None:
    with app_in_the_sandbox.app_context():
        mine = chat_of(app_in_the_sandbox).desk().conversations.start(GUEST, "Hello?").id
    arguments = shlex.split(command.replace("session_1", mine))[1:]
    result = app_in_the_sandbox.test_cli_runner().invoke(args=[*arguments, "--at", served])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("arguments", ASKED, ids=lambda arguments: arguments[-1].rpartition("rest/")[2])
def test_the_pages_addresses_answer(app_in_the_sandbox: Flask, served: str, arguments: list[str]) -> None:
    """As curl would ask, with the credentials that the page names."""
    values = app_in_the_sandbox.extensions["livechat"].settings.providers
    whole = " ".join(arguments[1:]).replace("http://127.0.0.1:5000", served)
    for vendor, name in (("crisp", "WEBSITE_ID"), ("tawk", "PROPERTY_ID")):
        example = next(key.example for key in providers.load(vendor).keys if key.name == name)
        whole = whole.replace(example, str(values[vendor][name]))
    address = whole.split()[-1]
    headers = dict(line.split(": ", 1) for flag, line in pairwise(arguments) if flag == "-H")
    user = next((line for flag, line in pairwise(arguments) if flag == "-u"), None)
    data = json.loads(whole.partition("--json ")[2].rpartition(" ")[0] or "null")
    answer = httpx.request(
        "POST" if data else "GET",
        address,
        headers=headers,
        json=data,
        auth=None if user is None else httpx.BasicAuth(*user.split(":")),
    )
    assert answer.status_code == 200, answer.text


def test_the_pages_code_runs(app_in_the_sandbox: Flask) -> None:
    livechat = chat_of(app_in_the_sandbox)
    block = PAGE.partition(".. code-block:: python\n\n")[2].partition("\n\n``livechat.async_desk")[0]
    with app_in_the_sandbox.app_context():
        mine = livechat.desk().conversations.start(GUEST, "Hello?").id
        exec(textwrap.dedent(block), {"livechat": livechat})
        assert [message.text for message in livechat.desk().conversations.messages(mine)] == ["Hello?", "We are on it."]

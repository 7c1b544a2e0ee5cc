"""``flask livechat doctor --live`` in a terminal, and how what was seen is judged. The browser is in tests/browser."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask.sessions import SessionInterface, SessionMixin

from flask_livechat import Visitor, providers
from flask_livechat.doctor.live import LiveReport, command, judge
from flask_livechat.doctor.live.account import Account
from flask_livechat.doctor.live.bridge import LOGIN, Bridge
from flask_livechat.doctor.live.records import (
    End,
    Exchange,
    Fact,
    Person,
    Socket,
    Start,
    Stored,
    Violation,
    Visit,
    Watch,
)
from flask_livechat.doctor.live.tab import person_of
from flask_livechat.doctor.live.vendor import Vendor
from flask_livechat.model import Contact

from ..conftest import USERS, create_app

NOW = datetime(2026, 11, 21, tzinfo=UTC)
FACT = Fact("visitor.starts", "The chat starts for a visitor", True, "ready after 0.4 s")
HOSTS = ("client.crisp.chat",)
REPORT = LiveReport("crisp", "Crisp", False, "/", False, "156", "0.1.0", "2026-11", NOW, (FACT,), HOSTS)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What was checked, without a browser."""
    plans: list[Any] = []

    def check(plan: Any, **options: Any) -> LiveReport:
        plans.append(plan)
        options["step"]("A visitor starts the chat.")
        return REPORT

    monkeypatch.setattr(command, "check", check)
    return plans


def run(app: Flask, *arguments: str, answer: str | None = None) -> Result:
    return app.test_cli_runner().invoke(args=["livechat", "doctor", "--live", *arguments], input=answer)


# The question.


def test_it_asks_before_it_writes_and_yes_goes_on(checked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_has_terminal", lambda: True)
    result = run(create_app(), "--user", "42", answer="y\n")
    assert result.exit_code == 0
    assert 'Events named "flask-livechat check" mark it' in result.output
    assert "the user that you name" in result.output
    assert len(checked) == 1


def test_a_no_ends_it(checked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_has_terminal", lambda: True)
    result = run(create_app(), answer="n\n")
    assert result.exit_code == 1
    assert checked == []


def test_without_a_terminal_it_wants_a_yes(checked: list[Any]) -> None:
    result = run(create_app())
    assert result.exit_code == 2  # nothing was checked: 1 is a fact that does not hold
    assert "without a terminal it cannot ask: give --yes" in result.output
    assert checked == []


@pytest.mark.parametrize(("config", "arguments"), [({}, ["--yes"]), ({"LIVECHAT_SANDBOX": True}, [])])
def test_it_does_not_ask_where_nothing_is_to_be_asked(
    checked: list[Any], config: dict[str, Any], arguments: list[str]
) -> None:
    result = run(create_app(**config), *arguments)
    assert result.exit_code == 0
    assert "Go on?" not in result.output
    assert len(checked) == 1


# The options.


def test_it_prints_what_it_saw_and_each_step(checked: list[Any]) -> None:
    result = run(create_app(), "--yes")
    assert "ok       visitor.starts   The chat starts for a visitor" in result.stdout
    assert "0 failed, 1 held, 0 could not be looked at." in result.stdout
    assert "A visitor starts the chat." in result.stderr


@pytest.mark.parametrize("option", [["--json"], ["--format", "json"]])
def test_json_is_for_programs(checked: list[Any], option: list[str]) -> None:
    data = json.loads(run(create_app(), "--yes", *option).stdout)
    assert data["facts"] == [{"name": "visitor.starts", "title": FACT.title, "held": True, "seen": "ready after 0.4 s"}]
    assert data["hosts"] == ["client.crisp.chat"]
    assert data["failed"] == 0


def test_a_fact_that_does_not_hold_fails(checked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    bad = replace(REPORT, facts=(replace(FACT, held=False), replace(FACT, held=None)))
    monkeypatch.setattr(command, "check", lambda plan, **options: bad)
    result = run(create_app(), "--yes")
    assert result.exit_code == 1
    assert "FAILED   visitor.starts" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--provider", "tawk"], "'tawk' is not configured; configured: crisp"),
        (["--page", "pricing"], "starts with a slash"),
        (["--user", "nobody"], "there is no user 'nobody'"),
        (["--format", "sarif"], "no --format sarif"),
    ],
)
def test_a_wrong_option_is_refused(checked: list[Any], arguments: list[str], message: str) -> None:
    result = run(create_app(), "--yes", *arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert checked == []


@pytest.mark.parametrize("option", [["--yes"], ["--provider", "crisp"], ["--page", "/"]])
def test_its_options_go_with_it_alone(option: list[str]) -> None:
    result = create_app().test_cli_runner().invoke(args=["livechat", "doctor", *option])
    assert result.exit_code == 2
    assert "need --live" in result.output


def test_an_app_without_chat_says_what_to_do(checked: list[Any]) -> None:
    app = create_app(LIVECHAT_RULES=[{"path": "/*", "show": False}])
    result = run(app, "--yes")
    assert result.exit_code == 2
    assert "no page with Crisp's chat was seen: name one with --page PATH" in result.output
    assert checked == []


def test_without_playwright_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("playwright", "playwright.sync_api"):
        monkeypatch.setitem(sys.modules, name, None)
    result = run(create_app(), "--yes")
    assert result.exit_code == 2
    assert "pip install Flask-LiveChat[live]" in result.output


# What the browser is told in the app's name.


class OnServer(dict[str, Any], SessionMixin):
    """A session that the server stores."""


class Sessions(SessionInterface):
    def __init__(self) -> None:
        self.stored = OnServer()

    def open_session(self, app: Flask, request: Any) -> OnServer:
        return self.stored if request.cookies.get("number") == "1" else OnServer()

    def save_session(self, app: Flask, session: Any, response: Any) -> None:
        self.stored = OnServer(session)
        response.set_cookie("number", "1")


def test_a_session_on_the_server_is_made_and_emptied() -> None:
    app = create_app()
    app.session_interface = sessions = Sessions()
    with app.app_context():
        bridge = Bridge(app, "http://localhost", USERS["42"], None, {}, "/livechat")
    request = {"method": "GET", "url": f"http://localhost{LOGIN}?/", "headers": {"User-Agent": "a browser"}}
    reply = bridge.reply(request)
    assert reply["responseCode"] == 302
    assert sessions.stored["_user_id"] == "42"
    bridge.reply({**request, "url": "http://localhost/", "headers": {"User-Agent": "a browser", "Cookie": "number=1"}})
    bridge.log_out_everywhere()
    assert "_user_id" not in sessions.stored


def test_a_view_that_raises_is_an_answer_too() -> None:
    app = create_app()
    app.add_url_rule("/broken", "broken", lambda: 1 / 0)
    bridge = Bridge(app, "http://localhost", None, None, {}, "/livechat")
    reply = bridge.reply({"method": "GET", "url": "http://localhost/broken", "headers": {}})
    assert reply["responseCode"] == 500
    assert bridge.failures[0].startswith("raised ZeroDivisionError (")


# What is taken away again.


class Searching:
    """A desk whose search knows a new contact only after a while."""

    def __init__(self) -> None:
        self.contacts = self
        self.calls: list[str] = []

    def can(self, method: str) -> bool:
        return True

    def find(self, **key: str) -> None:
        return None

    def upsert(self, visitor: Visitor) -> Contact:
        self.calls.append(f"upsert {visitor.id}")
        return Contact("c-1")

    def forget(self, id: str) -> None:
        self.calls.append(f"forget {id}")


@pytest.mark.parametrize(("started", "calls"), [(True, ["upsert 42", "forget c-1"]), (False, [])])
def test_a_contact_that_the_search_does_not_know_yet_is_deleted(started: bool, calls: list[str]) -> None:
    desk = Searching()
    account = Account(VENDOR, lambda: desk)
    account.look_before(ADA)
    account.started = started
    assert account.known is False
    assert account.clean_up().held is True
    assert desk.calls == calls


# What is judged.

CRISP = providers.load("crisp")
SESSION = "session_42286ab3-aaaa-4fde-8538-da0ae501d825"
VALUES = {"WEBSITE_ID": "42286ab3-b29a-4fde-8538-da0ae501d825"}
VENDOR = Vendor(CRISP, VALUES, {"script-src": ["https://client.crisp.chat"]}, "https://shop.test", None)
ADA = Person("42", "ada@example.com", "Ada First", {"email": "0123456789abcdef" * 4})
API = "https://client.crisp.chat/api"
READY = Start(0, "ready", 0.4, ADA, True, True, (2, 40, 2))


def visit(watch: Watch | None = None, start: Start = READY, end: End | None = None, name: str = "user") -> Visit:
    return Visit(name, watch or Watch(), start, end)


def sent(body: str, at: float = 1, **fields: Any) -> Watch:
    return Watch(exchanges={"1": Exchange(at, API, "POST", "XHR", body, **fields)})


@pytest.mark.parametrize(
    ("watch", "held", "seen"),
    [
        (sent(ADA.proofs["email"], status=200), True, "sent with the proof of email"),
        (sent(ADA.proofs["email"], status=403), False, "client.crisp.chat refused it: status 403"),
        (sent("something else", status=200), False, "the proof of email was never sent"),
        (Watch(sockets={"1": Socket(0, "wss://x.crisp.chat", sent=[(1, ADA.proofs["email"])])}), True, "sent"),
        (Watch(), False, "never sent"),
    ],
)
def test_an_identity_is_there_when_its_proof_was_sent(watch: Watch, held: bool, seen: str) -> None:
    fact = judge.identified(visit(watch), VENDOR)
    assert fact.held is held
    assert seen in fact.seen


def test_an_identity_without_a_proof_is_reported_as_one() -> None:
    unproven = replace(READY, person=replace(ADA, proofs={}))
    fact = judge.identified(visit(sent('{"email":"ada@example.com"}'), unproven), VENDOR)
    assert (fact.held, fact.seen) == (True, "sent without a proof: no identity secret is set")


def test_tawk_refuses_with_a_status_of_200() -> None:
    spec = providers.load("tawk").live
    assert spec.refusal is not None
    assert spec.refusal({"ok": False, "error": {"code": "InvalidHash", "message": "ada@example.com"}}) == "InvalidHash"
    assert spec.refusal({"ok": False, "error": "ada@example.com"}) == "refused"
    assert spec.refusal({"ok": True}) is None


def test_crisp_says_whether_it_has_verified() -> None:
    spec = providers.load("crisp").live
    assert spec.verified is not None
    asked = []

    def request(method: str, path: str) -> Any:
        asked.append((method, path))
        return {"is_verified": True}

    assert spec.verified(VALUES, request, {"crisp-client": SESSION}) is True
    assert asked == [("GET", f"/v1/website/{VALUES['WEBSITE_ID']}/conversation/{SESSION}/verify")]
    assert spec.verified(VALUES, lambda method, path: {}, {"crisp-client": SESSION}) is None
    assert spec.verified(VALUES, request, {}) is None


@pytest.mark.parametrize(
    ("start", "opens", "closes"),
    [
        (READY, True, True),
        (replace(READY, opened=False), False, True),
        (replace(READY, sizes=(2, 2, 2)), False, False),
        (replace(READY, sizes=(2, 40, 40)), True, False),
        (replace(READY, closed=False), True, False),
    ],
)
def test_open_and_close_take_an_event_and_what_is_seen(start: Start, opens: bool, closes: bool) -> None:
    assert judge.opened(visit(start=start)).held is opens
    assert judge.closed(visit(start=start)).held is closes


def facts_of_end(watch: Watch, before: Stored, after: Stored) -> dict[str, Fact]:
    return {fact.name: fact for fact in judge.ended(visit(watch, end=End(10, before, after)), VENDOR)}


def test_nothing_left_holds() -> None:
    facts = facts_of_end(Watch(), Stored({"crisp-client/session/x": SESSION}), Stored())
    assert all(fact.held for fact in facts.values())
    assert facts["user.cookies"].seen == "none left of 1"


def test_what_a_script_of_the_vendors_wrote_is_the_vendors_and_no_id_is_told() -> None:
    name = f"zz-{VALUES['WEBSITE_ID']}-0123456789abcdef"
    stack = "Error\n    at https://client.crisp.chat/l.js:1:2"
    watch = Watch(writes=[(name, stack), ("theirs", "Error at https://shop.test/app.js:1:1")])
    after = Stored({"theirs": "x"}, {name: "y", "livechat.crisp.who": "z"}, {"crisp-client/browsing/x": "1"})
    facts = facts_of_end(watch, Stored(), after)
    assert facts["user.cookies"].held is True
    assert (facts["user.local"].held, facts["user.local"].seen) == (False, "still there: zz-…-…")
    assert facts["user.session"].held is False


def test_a_socket_that_stays_open_is_seen() -> None:
    watch = Watch(sockets={"1": Socket(0, "wss://client.relay.crisp.chat"), "2": Socket(0, "wss://other.test")})
    facts = facts_of_end(watch, Stored(), Stored())
    assert facts["user.sockets"].seen == "open: client.relay.crisp.chat"
    watch.sockets["1"].closed_at = 11
    assert facts_of_end(watch, Stored(), Stored())["user.sockets"].held is True


@pytest.mark.parametrize(
    ("body", "at", "held"),
    [
        ('{"email":"ada@example.com"}', 10.1, True),
        ('{"email":"ada@example.com"}', 12, False),
        ("email=ada%40example.com", 12, False),
        ('{"user_id":"42"}', 12, False),
        ('"{\\"userId\\":\\"42\\"}"', 12, False),
        ('{"count":"42"}', 12, True),
        ('{"n":42}', 12, True),
        (SESSION, 10.5, True),
        (SESSION, 12, False),
    ],
)
def test_what_is_sent_of_somebody_who_has_left_is_seen(body: str, at: float, held: bool) -> None:
    before = Stored({"crisp-client/session/x": SESSION})
    fact = facts_of_end(sent(body, at), before, Stored())["user.quiet"]
    assert fact.held is held
    assert "ada" not in fact.seen.lower()


def test_what_every_browser_holds_is_nobody_s() -> None:
    before = Stored({"crisp-client/a": "token-of-the-user", "crisp-client/b": "of-the-account-itself"})
    after = Stored({"crisp-client/a": "token-of-another", "crisp-client/b": "of-the-account-itself"})
    following = visit(name="next", end=End(10, before, after))

    def stored(constant: set[str]) -> Fact:
        return next(iter(judge.followed(visit(), following, VENDOR, constant)))

    assert stored(set()).held is False
    assert stored({"of-the-account-itself", "crisp-client"}).held is True


def test_a_chat_that_did_not_start_shows_nothing() -> None:
    failed = replace(READY, state="failed")
    end = End(10, Stored(), Stored())
    assert {fact.held for fact in judge.ended(visit(start=failed, end=end), VENDOR)} == {None}
    for fact in (judge.policy([visit(start=failed)], VENDOR), judge.hosts([visit(start=failed)], VENDOR)):
        assert (fact.held, fact.seen) == (None, "the chat did not start")


def test_only_the_vendors_violations_count() -> None:
    theirs = Violation("connect-src", "wss://client.relay.crisp.chat/x/y", "")
    inline = Violation("style-src-elem", "inline", "https://client.crisp.chat/client.js")
    other = Violation("img-src", "https://ads.test/pixel", "https://shop.test/app.js")
    watch = Watch(violations=[theirs, inline, other])
    fact = judge.policy([visit(watch)], VENDOR)
    assert fact.seen.startswith("blocks connect-src wss://client.relay.crisp.chat, style-src-elem inline (")
    assert judge.policy([visit(Watch(violations=[other]))], VENDOR).held is True


def test_hosts_are_the_vendors_by_name_or_by_who_asked() -> None:
    exchanges = {
        "1": Exchange(0, "https://client.crisp.chat/l.js", "GET", "Script"),
        "2": Exchange(0, "https://cdn.test/x.js", "GET", "Script", asked_by=("https://client.crisp.chat/l.js",)),
        "3": Exchange(0, "https://ads.test/x.js", "GET", "Script", asked_by=("https://shop.test/app.js",)),
    }
    fact = judge.hosts([visit(Watch(exchanges=exchanges))], VENDOR)
    assert (fact.held, fact.seen) == (False, "not named: script-src https://cdn.test")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("crisp-client/session/42286ab3-b29a-4fde-8538-da0ae501d825", "crisp-client/session/…"),
        ("to ada@example.com", "to …"),
        ("twk_uuid_58ca8453b8a7e060cd3b1ecb", "twk_uuid_…"),
        ("/v1/client/logout", "/v1/client/logout"),
        ("order 123456", "order …"),
        ("https://shop.test/x", "https://this-app/x"),
    ],
)
def test_a_report_names_nobody(text: str, masked: str) -> None:
    assert VENDOR.mask(text) == masked


def test_what_a_token_holds_is_read() -> None:
    import jwt

    token = jwt.encode({"user_id": "42", "email": "ada@example.com"}, "a-secret-0123456789abcdef-0123456789")
    person = person_of({}, {"jwt": token, "expires": 12})
    assert person == Person("42", "ada@example.com", None, {"jwt": token})
    assert person_of(None, None) is None
    assert person_of({"id": 7, "email": "b@example.com"}, {"email": "a.b.c"}) == Person(
        "7", "b@example.com", None, {"email": "a.b.c"}
    )

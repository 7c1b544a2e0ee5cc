"""People who are forgotten, here and at the vendors; and what is erased by itself after a time."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.serving import make_server

from flask_livechat import ConfigError, LiveChatError, Unsupported, Visitor
from flask_livechat.desk import tables
from flask_livechat.desk.erasure import Receipt, forget, prune
from flask_livechat.desk.metrics import metrics
from flask_livechat.desk.projections import update_projection
from flask_livechat.desk.store import Store
from flask_livechat.desk.worker import Worker
from flask_livechat.errors import Invalid, NotFound, VendorDown
from flask_livechat.model import Contact, Event

from ..conftest import Quiet, chat_of
from .test_circle import site
from .test_projections import NOW, message, rows, state, work

DAY = timedelta(days=1)
ADA = Event("intercom", "contact_changed", "c", NOW, visitor="42", email="Ada@example.com", raw={"name": "Ada"})


class Desk:
    """Of a vendor that knows some people."""

    def __init__(self, *known: Contact, error: LiveChatError | None = None) -> None:
        self.known, self.error = list(known), error
        self.ghosts: list[Contact] = []

    def find(self, id: str | None = None, email: str | None = None) -> Contact | None:
        return next(iter(self._by(id, email)), None)

    def find_all(self, id: str | None = None, email: str | None = None) -> Iterator[Contact]:
        """A search, which knows for a while whom there is no more."""
        return iter([*self._by(id, email), *(contact for contact in self.ghosts if email and email == contact.email)])

    def _by(self, id: str | None, email: str | None) -> list[Contact]:
        if self.error:
            raise self.error
        return [
            contact
            for contact in self.known
            if (id and id in (contact.id, contact.external_id)) or (email and email == contact.email)
        ]

    def forget(self, id: str) -> None:
        gone = [contact for contact in self.known if contact.id == id]
        if not gone:
            raise NotFound("404", provider="intercom", call="DELETE", status=404)
        self.ghosts += gone
        self.known = [contact for contact in self.known if contact.id != id]


BOTH = ("42", "ada@example.com")


def erase(store: Store, who: Any = BOTH, only: bool = False, **desks: Any) -> Receipt:
    opened = {name: (lambda desk=desk: desk) for name, desk in desks.items()}
    return forget(store, opened, who, NOW, ["intercom"], only)


def everything(store: Store) -> str:
    """Every cell of every table, as text."""
    with store.engine.connect() as connection:
        return "\n".join(
            repr(row) for table in tables.metadata.sorted_tables for row in connection.execute(sa.select(table))
        )


@pytest.fixture
def talked(store: Store) -> Store:
    """Ada has talked with two vendors, and Bob with one."""
    store.add([ADA, message(1, email="ada@example.com", text="I am Ada", raw={"text": "I am Ada"})], NOW)
    store.add([message(2, "agent", 5, text="Hello, Ada")], NOW)
    store.add([replace(message(3, text="I am Bob"), conversation="t", visitor="7", email="bob@example.com")], NOW)
    work(store)
    store.see("42", NOW)
    return store


@pytest.mark.parametrize(
    "who", [BOTH, ["ADA@example.com", "42"], Visitor("42", email="Ada@example.com", email_verified=True)]
)
def test_nothing_of_a_person_is_left(talked: Store, who: Any) -> None:
    receipt = erase(talked, who)
    assert (receipt.events, receipt.conversations, receipt.contacts) == (3, 1, 2)
    left = everything(talked)
    assert "Ada" not in left
    assert "ada@" not in left
    assert "'42'" not in left
    assert "I am Bob" in left


@pytest.mark.parametrize("verified", [None, False])
def test_an_email_that_is_not_verified_leads_to_nobody_elses_data(talked: Store, verified: bool | None) -> None:
    """Mallory has put Ada's address into a profile, and asks to be forgotten."""
    before, desk = everything(talked), Desk(Contact("b", None, "ada@example.com"))
    receipt = erase(talked, Visitor("666", email="ada@example.com", email_verified=verified), intercom=desk)
    assert (receipt.events, receipt.conversations, receipt.contacts) == (0, 0, 0)
    assert everything(talked) == before
    assert len(desk.known) == 1


def test_a_visitor_with_a_verified_email_is_forgotten_by_both(talked: Store) -> None:
    desk = Desk(Contact("a", "42"), Contact("b", None, "ada@example.com"))
    receipt = erase(talked, Visitor("42", email="Ada@example.com", email_verified=True), intercom=desk)
    assert (receipt.events, receipt.conversations, receipt.contacts) == (3, 1, 2)
    assert "I am Ada" not in everything(talked)


def test_figures_stay(talked: Store) -> None:
    before = metrics(talked, NOW - DAY, NOW + DAY)
    erase(talked)
    after = metrics(talked, NOW - DAY, NOW + DAY)
    assert (after.conversations, after.first_response) == (before.conversations, before.first_response)
    assert [(month.conversations, month.users) for month in after.conversations_per_user] == [(1, 1)]  # Bob's


def test_what_a_vendor_tells_once_more_does_not_come_back(talked: Store) -> None:
    erase(talked)
    assert talked.add([ADA, message(1, email="ada@example.com", text="I am Ada")], NOW) == 0


@pytest.mark.parametrize("who", ["", " ", "\n"])
def test_nobody_is_not_everybody(talked: Store, who: str) -> None:
    before = everything(talked)
    with pytest.raises(ValueError, match="of the person is needed"):
        erase(talked, who)
    assert everything(talked) == before


def test_what_no_worker_has_looked_at_goes_with_its_conversation(store: Store) -> None:
    """The vendor says who it is in one event, and what they wrote in others."""
    store.add([message(1, email="ada@example.com"), message(2, minutes=1, text="my diagnosis is")], NOW)
    receipt = erase(store, "ada@example.com")
    assert (receipt.events, receipt.conversations) == (2, 1)
    assert "diagnosis" not in everything(store)
    work(store)
    assert rows(store, tables.conversations, "conversation") == []


def test_an_email_that_was_only_said_with_an_id_leads_to_nobody_and_is_for_somebody_to_decide(store: Store) -> None:
    """Mallory, 666, has put Ada's address into a profile, and asks to be forgotten."""
    store.add([replace(ADA, visitor="666"), replace(message(1, text="of Ada"), email="ada@example.com")], NOW)
    work(store)
    crisp, intercom = (
        Desk(Contact("a", None, "ada@example.com")),
        Desk(
            Contact("m", "666", "ada@example.com"),
            Contact("l", None, "ada@example.com"),
            Contact("u", "42", "ada@example.com"),
        ),
    )
    receipts = [erase(store, "666", crisp=crisp, intercom=intercom) for _ in range(2)]
    assert [contact.id for contact in (*crisp.known, *intercom.known)] == ["a", "l", "u"]
    assert "of Ada" in everything(store)
    for receipt in receipts:  # it says the same when it is asked for again
        assert receipt.left == ("crisp conversation s",)
        assert [(vendor.outcome, vendor.left) for vendor in receipt.vendors] == [
            ("to decide", ("contact a",)),
            ("to decide", ("contact l", "contact u (id 42)")),
        ]
        assert not receipt.complete
        assert "ada" not in receipt.as_json()
    assert receipts[0].vendors[1].erased == 1


def test_what_names_an_email_that_was_only_said_with_an_id_is_not_erased_with_it(store: Store) -> None:
    """A ticket of Ada's, which is of no conversation and names her by her address alone."""
    ticket = replace(message(1, None, text="of Ada"), kind="unknown", conversation=None)
    store.add([replace(ADA, visitor="666")], NOW)
    store.add([replace(ticket, people=(Contact("", email="ada@example.com"),))], NOW)
    work(store)
    erase(store, "666")
    assert "of Ada" in everything(store)
    erase(store, "ada@example.com")
    assert "of Ada" not in everything(store)


def test_once_somebody_has_decided_nothing_is_left_of_it(store: Store) -> None:
    store.add([replace(ADA, visitor="666"), replace(message(1, text="of Ada"), email="ada@example.com")], NOW)
    work(store)
    intercom = Desk(Contact("m", "666"), Contact("u", "42", "ada@example.com"))
    assert not erase(store, "666", intercom=intercom).complete
    assert erase(store, "666", only=True, intercom=intercom).complete
    assert [contact.id for contact in intercom.known] == ["u"]
    assert "666" not in everything(store)


def test_an_email_leads_to_no_id_that_has_only_said_it(talked: Store) -> None:
    desk = Desk(Contact("u", "42", "ada@example.com"), Contact("l", None, "Ada@example.com"))
    receipt = erase(talked, "Ada@example.com", intercom=desk)
    assert [contact.id for contact in desk.known] == ["u"]
    assert receipt.left == ("id 42",)
    assert [vendor.left for vendor in receipt.vendors] == [("contact u (id 42)",)] or desk.known[
        0
    ].email != "Ada@example.com"


def test_an_email_that_the_vendor_has_verified_leads_to_the_person(store: Store) -> None:
    """And from there to other vendors, and to all that stands here under the id."""
    store.add([replace(message(1, text="private"), visitor="42")], NOW)
    work(store)
    known = Contact("u", "42", "ada@example.com", email_verified=True)
    crisp, intercom = Desk(Contact("a", None, "ada@example.com")), Desk(known)
    receipt = erase(store, "42", crisp=crisp, intercom=intercom)
    assert receipt.complete
    assert not crisp.known
    assert "private" not in everything(store)
    intercom.known = [known]
    store.add([replace(message(2, text="more"), visitor="42")], NOW)
    assert erase(store, "ada@example.com", crisp=Desk(), intercom=intercom).complete
    assert "more" not in everything(store)


@pytest.mark.parametrize("count", [2, 3, 12])
def test_all_contacts_of_an_address_are_deleted(store: Store, count: int) -> None:
    """Also where the vendor's search goes on to find them."""
    desk = Desk(*(Contact(f"c{n}", None, "ada@example.com") for n in range(count)))
    receipt = erase(store, "ada@example.com", intercom=desk)
    assert desk.known == []
    assert (receipt.vendors[0].outcome, receipt.vendors[0].erased, receipt.complete) == ("erased", count, True)
    again = erase(store, "ada@example.com", intercom=desk)
    assert (again.vendors[0].outcome, again.complete) == ("unknown", True)


def test_all_contacts_of_an_id_are_deleted(store: Store) -> None:
    desk = Desk(Contact("a", "42"), Contact("b", "42", "x@example.com"))
    assert erase(store, "42", intercom=desk).vendors[0].erased == 2


class Stubborn(Desk):
    """Says that it has deleted somebody, and has not; or always has one more."""

    def __init__(self, *known: Contact, more: bool = False) -> None:
        super().__init__(*known)
        self.more = more

    def forget(self, id: str) -> None:
        if self.more:
            self.known = [Contact(f"{id}x", None, "ada@example.com")]


@pytest.mark.parametrize("more", [True, False])
def test_a_second_look_that_finds_somebody_is_a_failure(store: Store, more: bool) -> None:
    desk = Stubborn(Contact("a", None, "ada@example.com"), more=more)
    receipt = erase(store, "ada@example.com", intercom=desk)
    assert ([vendor.outcome for vendor in receipt.vendors], receipt.complete) == (["failed"], False)


def ada_and_ben(**more: Any) -> list[Event]:
    """In one conversation, which the vendor names both of in each delivery."""
    both = (Contact("c-ana", "ana", "ana@example.com"), Contact("c-ben", "ben", "ben@example.com"))
    data = [("ana", "visitor", "I am Ana"), ("ben", "visitor", "I am Ben"), (None, "agent", "Hello")]
    return [
        replace(message(n, author, n, text=text, raw={"text": text, "to": "ben"}), visitor=who, people=both, **more)
        for n, (who, author, text) in enumerate(data)
    ]


@pytest.mark.parametrize(("who", "gone", "stays"), [("ben", "I am Ben", "I am Ana"), ("ana", "I am Ana", "I am Ben")])
def test_of_a_conversation_of_two_one_is_forgotten(store: Store, who: str, gone: str, stays: str) -> None:
    store.add(ada_and_ben(), NOW)
    work(store)
    before = metrics(store, NOW - DAY, NOW + DAY).first_response
    receipt = erase(store, who)
    left = everything(store)
    assert gone not in left
    assert stays in left
    assert f"'{who}'" not in left
    assert "c-" + who not in left
    assert receipt.conversations == 1
    store.upgrade()
    assert [*store.recount(lambda: NOW)] == [1]
    assert metrics(store, NOW - DAY, NOW + DAY).first_response == before
    assert erase(store, who).events == 0


@pytest.mark.parametrize("who", ["ana", "ben"])
def test_a_long_conversation_that_goes_on_is_as_if_made_from_all(
    store: Store, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was counted of it before the erasure is not gone on from."""
    monkeypatch.setattr("flask_livechat.desk.projections.TAIL_EVENTS", 1)
    ana, ben, agent = ada_and_ben()
    replies = [replace(agent, id=f"reply:{n}", at=NOW + timedelta(minutes=10 + n), people=()) for n in range(5)]
    store.add([replace(ana, email="ana@example.com"), ben, *replies[:4]], NOW)
    work(store)
    erase(store, who)
    store.add(replies[4:], NOW)
    work(store)
    before = state(store)
    assert [*store.recount(lambda: NOW)] == [1]
    assert state(store) == before


def test_whoever_a_delivery_names_is_found(store: Store) -> None:
    """The requester of a ticket, the contact of a tag: events that are of no conversation, and by nobody."""
    ticket = replace(message(1, None, text="my diagnosis"), kind="unknown", conversation=None)
    tag = replace(ticket, id="tag", text=None, raw={"tag": "diabetes"})
    for n, event in enumerate((ticket, tag)):
        store.add([replace(event, people=(Contact(f"c{n}", "42"),))], NOW)
    work(store)
    assert erase(store, "42").events == 2
    assert "diagnosis" not in everything(store)
    assert "diabetes" not in everything(store)


def test_whoever_is_bound_to_a_conversation_later_is_found_by_the_vendors_id(store: Store) -> None:
    """Crisp says whose a session is in a delivery that has neither an address nor words."""
    bound = replace(message(2, None, 3), kind="unknown", people=(Contact("p1"),))
    store.add([message(1, text="my diagnosis"), bound], NOW)
    work(store)
    assert erase(store, "ada@example.com", crisp=Desk(Contact("p1", None, "ada@example.com"))).events == 2
    assert "diagnosis" not in everything(store)


def test_somebody_who_is_named_without_an_id_of_yours_keeps_their_words(store: Store) -> None:
    """A lead has the vendor's id alone."""
    both = (Contact("lead"), Contact("c-ben", "ben"))
    store.add([replace(message(1, text="of the lead", raw={"to": "ben"}), people=both)], NOW)
    work(store)
    assert erase(store, "ben").events == 1
    assert "of the lead" in everything(store)
    assert "to" not in json.loads(rows(store, tables.events, "raw")[0][0])


def test_somebody_else_with_the_same_email_stays(talked: Store) -> None:
    talked.add([replace(message(4, text="of seven"), conversation="u", visitor="7", email="ada@example.com")], NOW)
    work(talked)
    erase(talked, "42")
    assert "of seven" in everything(talked)


def test_an_email_is_the_same_in_any_case(store: Store) -> None:
    store.add([message(1, email="JOS\xc9@example.com", text="private")], NOW)
    work(store)
    erase(store, "jos\xe9@example.com")
    assert "private" not in everything(store)


def test_somebody_with_thousands_of_conversations_is_forgotten(store: Store) -> None:
    store.add([replace(message(n, visitor="42"), conversation=f"c{n}") for n in range(1500)], NOW)
    assert erase(store, "42").conversations == 1500


def test_a_worker_that_has_taken_it_does_not_bring_it_back(store: Store) -> None:
    store.add([ADA, message(1, visitor="42", text="I am Ada")], NOW)
    taken = store.take(NOW)
    erase(store)
    assert [store.start(queued, NOW) for queued in taken] == [None, None]
    assert "Ada" not in everything(store)


@pytest.mark.needs("postgresql")
def test_while_a_conversation_is_counted_its_erasure_waits(database: Callable[..., str]) -> None:
    """On PostgreSQL: SQLite has one writer at a time."""
    store = Store(database("postgresql", "migrated"))
    store.add([message(1, email="ada@example.com", text="I am Ada")], NOW)
    (queued,) = store.take(NOW)
    done: list[Receipt] = []
    with store.engine.begin() as connection:
        update_projection(connection, store.insert, queued.event, None, NOW)
        thread = threading.Thread(target=lambda: done.append(erase(store, "ada@example.com")))
        thread.start()
        thread.join(0.3)
        assert not done
    thread.join(10)
    assert done
    assert "ada@" not in everything(store)
    store.engine.dispose()


def test_what_was_erased_is_not_handled_any_more(store: Store) -> None:
    store.add([ADA], NOW)
    erase(store)
    seen: list[Event] = []
    assert not Worker(store, seen.append, lambda: NOW).once()


def test_what_is_folded_after_an_erasure_leaves_no_trace(talked: Store) -> None:
    erase(talked)
    talked.update_projection(message(1, email=None), NOW)
    assert rows(talked, tables.conversations, "conversation") == [("t",), (None,)]


def test_who_is_not_known_is_not_known(talked: Store) -> None:
    before = state(talked)
    receipt = erase(talked, "nobody")
    assert (receipt.events, receipt.conversations, receipt.contacts) == (0, 0, 0)
    assert state(talked) == before


def test_vendors_erase_all_whom_they_know(talked: Store) -> None:
    desk = Desk(Contact("a", "42"), Contact("b", None, "ada@example.com"), Contact("c", "7"))
    receipt = erase(talked, intercom=desk, crisp=Desk())
    assert [contact.id for contact in desk.known] == ["c"]
    assert [(vendor.provider, vendor.outcome) for vendor in receipt.vendors] == [
        ("intercom", "erased"),
        ("crisp", "unknown"),
    ]
    assert receipt.complete


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Unsupported("Tawk.to", "contacts.find"), "by hand"),
        (VendorDown("of ada@example.com", provider="crisp", call="GET"), "failed"),
    ],
)
def test_a_vendor_that_does_not_keeps_nobody_else_from_it(talked: Store, error: LiveChatError, outcome: str) -> None:
    desk = Desk(Contact("a", "42"))
    receipt = erase(talked, tawk=Desk(error=error), intercom=desk)
    assert [vendor.outcome for vendor in receipt.vendors] == [outcome, "erased"]
    assert not receipt.complete
    assert "ada" not in receipt.as_json()
    assert "Ada" not in everything(talked)


def test_what_a_vendor_did_not_hear_of_it_hears_the_next_time(talked: Store) -> None:
    """It knows people by their email, and whose that is was known here alone."""
    crisp = Desk(Contact("b", None, "ada@example.com"), error=VendorDown("503", provider="crisp", call="GET"))
    assert [vendor.outcome for vendor in erase(talked, crisp=crisp).vendors] == ["failed"]
    assert "Hello" not in everything(talked)
    crisp.error = None
    receipt = erase(talked, crisp=crisp)
    assert receipt.complete
    assert crisp.known == []
    assert "ada@example.com" not in everything(talked)


def test_an_email_that_no_worker_has_looked_at_yet_is_known_to_have_been_said(store: Store) -> None:
    store.add([ADA], NOW)
    crisp = Desk(Contact("b", None, "ada@example.com"))
    for _ in range(2):
        assert [vendor.left for vendor in erase(store, "42", crisp=crisp).vendors] == [("contact b",)]
    assert erase(store, crisp=crisp).complete
    assert "ada@" not in everything(store)


def test_a_vendor_whose_api_has_no_keys_is_told_by_hand(talked: Store) -> None:
    receipt = erase(talked, crisp=Desk(error=ConfigError([])))
    assert [(vendor.outcome, "not configured" in vendor.why) for vendor in receipt.vendors] == [("by hand", True)]


def test_a_vendor_that_knows_people_by_email_says_so_where_there_is_none(store: Store) -> None:
    store.add([message(1, visitor="42")], NOW)
    receipt = erase(store, "42", crisp=Desk(), intercom=Desk())
    assert [vendor.outcome for vendor in receipt.vendors] == ["by email", "unknown"]
    assert not receipt.complete


def test_a_key_that_a_vendor_does_not_take_is_nobody_there(talked: Store) -> None:
    receipt = erase(talked, crisp=Desk(error=Invalid("no", provider="crisp", call="GET")))
    assert [vendor.outcome for vendor in receipt.vendors] == ["unknown"]


@pytest.fixture
def served_app(tmp_path: Path) -> Iterator[tuple[Flask, str]]:
    """An app on the sandbox, and where it answers: what its stand-ins know is in its memory."""
    app = site("intercom", tmp_path)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield app, f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join(5)
    server.server_close()


def test_the_command_erases_here_and_at_the_stand_in_and_prints_a_receipt(served_app: tuple[Flask, str]) -> None:
    app, at = served_app
    with app.app_context():
        livechat = chat_of(app)
        livechat.desk().contacts.upsert(Visitor("42", email="ada@example.com", name="Ada"))
        livechat.store.add([ADA], NOW)
        work(livechat.store)
    runner, words = app.test_cli_runner(), ["livechat", "forget", "42", "--at", at]
    receipt = json.loads(runner.invoke(args=[*words, "--yes", "--json"]).stdout)
    outcomes = {item["provider"]: item["outcome"] for item in receipt["vendors"]}
    assert (receipt["events"], outcomes["intercom"]) == (1, "erased")
    with app.app_context():
        assert livechat.desk().contacts.find(id="42") is None
    output = runner.invoke(args=words, input="y\n")
    assert "0 events, 0 conversations, 0 contacts" in output.stdout
    assert "intercom: unknown (it has no such contact)" in output.stdout
    assert runner.invoke(args=words, input="n\n").exit_code == 1


def test_the_command_lists_what_is_left_to_decide_until_somebody_has(served_app: tuple[Flask, str]) -> None:
    """Two leads and a user have said the same address."""
    app, at = served_app
    with app.app_context():
        desk = chat_of(app).desk()
        for _ in range(2):
            desk.raw.request("POST", "/contacts", {"role": "lead", "email": "ada@example.com"})
        user = desk.raw.request("POST", "/contacts", {"role": "user", "external_id": "42", "name": "Ada"})["id"]
        desk.raw.request("PUT", f"/contacts/{user}", {"email": "ada@example.com"})

    def forget_them(*words: str) -> str:
        return str(app.test_cli_runner().invoke(args=["livechat", "forget", *words, "--yes", "--at", at]).stdout)

    for _ in range(2):
        output = forget_them("ada@example.com")
        assert "intercom: to decide (these have the person's email" in output
        assert f"    contact {user} (id 42)\n" in output
    with app.app_context():
        assert [contact.id for contact in desk.contacts.find_all(email="ada@example.com")] == [user]
    assert "intercom: unknown" in forget_them("ada@example.com", "--only")
    assert "intercom: erased" in forget_them("ada@example.com", "42")
    with app.app_context():
        assert desk.contacts.find(id=user) is None


def worker_that_tags(tmp_path: Path) -> Flask:
    """Another process of the site, whose handler asks the desk."""
    worker = site("intercom", tmp_path)

    @chat_of(worker).on("conversation_started")
    def tag(event: Event) -> None:
        chat_of(worker).desk().conversations.tag(str(event.conversation), "new")

    return worker


def test_a_workers_handlers_reach_the_conversations_of_the_app_that_runs(
    served_app: tuple[Flask, str], tmp_path: Path
) -> None:
    """On the sandbox those are in its memory, and the worker is another process: here, another app."""
    app, at = served_app
    worker = worker_that_tags(tmp_path)
    with app.app_context():
        mine = chat_of(app).desk().conversations.start(Visitor("42", email="ada@example.com"), "Hello?").id
        assert app.extensions["livechat"].runtime.sandbox_sender.queue.finish(10)  # it has told of it
    words = ["livechat", "work", "--once"]
    assert worker.test_cli_runner().invoke(args=words).stdout == "0 handled, 1 failed: flask livechat events.\n"
    with app.app_context():
        chat_of(app).store.replay(chat_of(app).now())
    # The tag is told, too, perhaps while the worker is still there.
    assert worker.test_cli_runner().invoke(args=[*words, "--at", at]).stdout in ("1 handled.\n", "2 handled.\n")
    with app.app_context():
        assert chat_of(app).desk().conversations.get(mine).tags == ("new",)


def test_a_worker_whose_handler_failed_asks_whether_the_sandbox_runs_there(
    served_app: tuple[Flask, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app, _ = served_app
    worker = worker_that_tags(tmp_path)
    with app.app_context():
        chat_of(app).desk().conversations.start(Visitor("42", email="ada@example.com"), "Hello?")
        assert app.extensions["livechat"].runtime.sandbox_sender.queue.finish(10)
    result = worker.test_cli_runner().invoke(args=["livechat", "work", "--once", "--at", "http://127.0.0.1:1"])
    assert "Does it run at http://127.0.0.1:1? See --at." in result.stderr
    assert re.search(r"failed with VendorDown at test_erasure\.py:\d+ in tag;", caplog.text)


def test_an_app_that_does_not_run_is_said_in_the_receipt(tmp_path: Path) -> None:
    words = ["livechat", "forget", "42", "--yes", "--at", "http://127.0.0.1:1"]
    result = site("intercom", tmp_path).test_cli_runner().invoke(args=words)
    assert result.exit_code == 1
    assert "intercom: failed (VendorDown)" in result.stdout


def test_what_a_vendor_cannot_erase_ends_the_command_with_one(tmp_path: Path) -> None:
    result = site("tawk", tmp_path).test_cli_runner().invoke(args=["livechat", "forget", "42", "--yes"])
    assert result.exit_code == 1
    assert "tawk: by hand (its API cannot do that: do it in its dashboard)" in result.stdout


# -- after a time ------------------------------------------------------------------------------------------------------


def test_what_is_older_is_erased_and_figures_stay(talked: Store) -> None:
    before = metrics(talked, NOW - DAY, NOW + DAY)
    assert prune(talked, NOW + DAY) == 4
    left = everything(talked)
    assert "Ada" not in left
    assert "Bob" not in left
    assert "ada@" not in left
    assert metrics(talked, NOW - DAY, NOW + DAY).first_response == before.first_response


def test_what_is_not_older_stays(talked: Store) -> None:
    before = state(talked)
    assert prune(talked, NOW) == 0
    assert state(talked) == before


def test_a_conversation_that_goes_on_keeps_its_times_and_loses_its_old_words(talked: Store) -> None:
    talked.add([message(9, "agent", 60 * 48, text="Still here?")], NOW + 2 * DAY)
    work(talked)
    assert prune(talked, NOW + DAY) == 4
    left = everything(talked)
    assert "I am Ada" not in left
    assert "Still here?" in left
    assert metrics(talked, NOW - DAY, NOW + DAY).first_response.median == 300.0
    assert prune(talked, NOW + DAY) == 0  # and once is enough


def test_who_it_is_with_stays_while_it_goes_on(talked: Store) -> None:
    """So that they can still be forgotten."""
    talked.add([message(9, minutes=60 * 48, text="More")], NOW + 2 * DAY)
    work(talked)
    prune(talked, NOW + DAY)
    talked.update_projection(message(9), NOW)
    erase(talked, "ada@example.com")
    assert "More" not in everything(talked)


def test_the_number_of_the_last_event_is_given_once(store: Store) -> None:
    """Exports go on from it."""
    store.add([message(1), message(2)], NOW)
    prune(store, NOW + DAY)
    store.add([message(3)], NOW + 2 * DAY)
    assert max(queued.row for queued, _, _ in store.scan()) == 3
    prune(store, NOW + 3 * DAY)
    assert [queued.row for queued, _, _ in store.scan()] == [3]


def test_the_worker_erases_by_itself(talked: Store) -> None:
    now = [NOW + 3 * DAY]
    looks: list[datetime] = []

    def stop() -> bool:
        looks.append(now[0])
        return len(looks) > 1

    Worker(talked, lambda event: None, lambda: now[0], keep_days=2).run(stop)
    assert "Ada" not in everything(talked)

"""What the stand-ins send is what the vendors send, by their documentation and by deliveries that are public."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from flask_livechat.sandbox.hub import Hub
from flask_livechat.sandbox.sessions import Identity
from flask_livechat.sandbox.stand_in import load, open_account

from ..test_sandbox_rest import VALUES

AGENT = {"intercom": "814860", "crisp": "a91ad2a8-1b4b-4c0d-9a0e-3f8e1f6a2c01", "tawk": "5f1c0b2e9a7d4c3b8e6f1a01"}


class Vendor:
    """A stand-in whose webhooks are listened to. Its clock goes on by a second with each look."""

    def __init__(self, name: str) -> None:
        self.name, self.sent, self._now = name, list[dict[str, Any]](), 1_790_000_000.0
        self.hub = Hub(self._clock)
        self.account = open_account(name, VALUES[name], self.hub).account
        self.agent = AGENT[name]
        self.hub.listener = lambda *deliveries: self.sent.extend(
            json.loads(json.dumps(item)) for item in self._tell(*deliveries)
        )
        self.key = self.hub.create(name, "session_" if name == "crisp" else "")

    def _clock(self) -> float:
        self._now += 1
        return self._now

    def _tell(self, *told: Any) -> list[dict[str, Any]]:
        webhooks = load(self.name).webhooks
        assert webhooks is not None
        return list(webhooks.bodies(self.account, *told))

    def topics(self) -> list[str]:
        return [str(event.get("topic") or event["event"]) for event in self.sent]


@pytest.fixture
def intercom_stand_in() -> Vendor:
    return Vendor("intercom")


@pytest.fixture
def crisp_stand_in() -> Vendor:
    return Vendor("crisp")


def parts(notification: dict[str, Any]) -> list[dict[str, Any]]:
    return list(notification["data"]["item"]["conversation_parts"]["conversation_parts"])


# -- Intercom --------------------------------------------------------------------------------------------------------


def test_one_bots_reply_is_told_under_two_topics(intercom_stand_in: Vendor) -> None:
    intercom_stand_in.hub.say(intercom_stand_in.key, "visitor", "Hello?")
    intercom_stand_in.hub.say(intercom_stand_in.key, "bot", "I am a bot.")
    _, first, second = intercom_stand_in.sent
    assert [first["topic"], second["topic"]] == ["conversation.admin.replied", "conversation.operator.replied"]
    assert first["id"] != second["id"]
    assert [item["id"] for item in parts(first)] == [item["id"] for item in parts(second)]
    assert {item["author"]["type"] for deliveries in (first, second) for item in parts(deliveries)} == {"bot"}


def test_each_part_has_its_own_author_and_moment(intercom_stand_in: Vendor) -> None:
    hub, key, agent = intercom_stand_in.hub, intercom_stand_in.key, intercom_stand_in.agent
    hub.say(key, "visitor", "Hello?")
    hub.say(key, "agent", "Yes?", agent=agent)
    hub.say(key, "agent", "late again", "note", agent=agent)
    hub.assign(key, "814861", by=agent, words="Yours.")
    hub.decide(key, "snoozed", agent, 2**33)
    hub.decide(key, "opened", agent)
    hub.end(key, "agent", "814861", "Bye.")
    hub.say(key, "visitor", "Wait")
    started, *others = intercom_stand_in.sent
    assert (started["topic"], parts(started)) == ("conversation.user.created", [])
    assert started["data"]["item"]["source"]["author"]["type"] == "lead"
    deliveries = [
        (delivery["topic"], *((part["part_type"], part["author"]["type"], part["body"]) for part in parts(delivery)))
        for delivery in others
    ]
    assert deliveries == [
        ("conversation.admin.replied", ("comment", "admin", "<p>Yes?</p>")),
        ("conversation.admin.noted", ("note", "admin", "<p>late again</p>")),
        ("conversation.admin.assigned", ("assignment", "admin", "<p>Yours.</p>")),
        ("conversation.admin.snoozed", ("snoozed", "admin", None)),
        ("conversation.admin.unsnoozed", ("unsnoozed", "admin", None)),
        ("conversation.admin.closed", ("close", "admin", "<p>Bye.</p>")),
        ("conversation.user.replied", ("comment", "lead", "<p>Wait</p>")),
    ]
    moments = [parts(item)[0]["created_at"] for item in others]
    assert moments == sorted(set(moments))
    assert all(parts(item)[0]["created_at"] < item["created_at"] for item in others)  # the envelope's is a later one
    (closing,) = parts(others[5])
    assert closing["author"]["id"] == "814861"


def test_tags_after_the_close_are_told_with_the_part_that_has_them(intercom_stand_in: Vendor) -> None:
    hub, key = intercom_stand_in.hub, intercom_stand_in.key
    hub.say(key, "visitor", "Hello?")
    hub.end(key, "agent", intercom_stand_in.agent)
    hub.tag(key, ("vip",))
    hub.tag(key, ("vip", "refund"))
    hub.tag(key, ("refund",))  # taken away: there is no topic for it
    deliveries = [item for item in intercom_stand_in.sent if item["topic"] == "conversation_part.tag.created"]
    assert [[tag["name"] for tag in item["data"]["item"]["tags"]["tags"]] for item in deliveries] == [
        ["vip"],
        ["vip", "refund"],
    ]
    assert [[tag["name"] for tag in item["data"]["item"]["tags_added"]["tags"]] for item in deliveries] == [
        ["vip"],
        ["refund"],
    ]
    assert [item["body"] for notification in deliveries for item in parts(notification)] == ["<p>Hello?</p>"] * 2


def test_everybody_in_a_conversation_is_in_its_contacts(intercom_stand_in: Vendor) -> None:
    hub, key, people = intercom_stand_in.hub, intercom_stand_in.key, intercom_stand_in.account
    ben = people.add("b" * 24, external_id="ben", email="ben@example.com")
    hub.identify(key, Identity("verified", "ana", "ana@example.com"))
    hub.set(key, participants=(ben.id,))
    hub.say(key, "visitor", "Ana asks")
    hub.say(key, "visitor", "Ben answers", agent=ben.id)
    last = intercom_stand_in.sent[-1]["data"]["item"]
    assert [contact["external_id"] for contact in last["contacts"]["contacts"]] == ["ana", "ben"]
    assert parts(intercom_stand_in.sent[-1])[0]["author"] == {
        "type": "user", "id": ben.id, "name": None, "email": "ben@example.com"
    }  # fmt: skip


def test_moments_of_statistics_are_texts_in_a_webhook(intercom_stand_in: Vendor) -> None:
    intercom_stand_in.hub.say(intercom_stand_in.key, "visitor", "Hello?")
    data = intercom_stand_in.sent[0]["data"]["item"]["statistics"]
    assert datetime.fromisoformat(data["first_contact_reply_at"]).tzinfo
    assert isinstance(data["count_conversation_parts"], int)


def test_what_the_team_begins_is_told_as_such_and_a_removed_one_by_its_id_alone(intercom_stand_in: Vendor) -> None:
    intercom_stand_in.hub.say(intercom_stand_in.key, "agent", "May we help?", agent=intercom_stand_in.agent)
    intercom_stand_in.hub.say(intercom_stand_in.key, "visitor", "Yes")
    number = str(intercom_stand_in.hub.look(intercom_stand_in.key).number)
    intercom_stand_in.hub.drop(intercom_stand_in.key)
    assert intercom_stand_in.topics() == [
        "conversation.admin.single.created", "conversation.user.replied", "conversation.deleted"
    ]  # fmt: skip
    assert intercom_stand_in.sent[-1]["data"]["item"] == {"type": "conversation", "conversation_id": number}


# -- Crisp -----------------------------------------------------------------------------------------------------------


def test_a_bot_of_crisp_is_one_by_automated_and_by_its_origin(crisp_stand_in: Vendor) -> None:
    crisp_stand_in.hub.say(crisp_stand_in.key, "visitor", "Hello?")
    crisp_stand_in.hub.say(crisp_stand_in.key, "bot", "I am a bot.")
    crisp_stand_in.hub.say(crisp_stand_in.key, "agent", "I am not.", agent=crisp_stand_in.agent)
    deliveries = [
        (event["event"], event["data"]["automated"], event["data"]["origin"].partition(":")[0])
        for event in crisp_stand_in.sent
    ]
    assert deliveries == [
        ("message:send", False, "chat"),
        ("message:received", True, "urn"),
        ("message:received", False, "chat"),
    ]
    assert all(item["timestamp"] == item["data"]["timestamp"] for item in crisp_stand_in.sent)


def test_each_state_of_crisp_is_told(crisp_stand_in: Vendor) -> None:
    hub, key = crisp_stand_in.hub, crisp_stand_in.key
    hub.say(key, "visitor", "Hello?")
    hub.decide(key, "pending")
    hub.end(key, "agent")
    hub.decide(key, "opened")
    hub.decide(key, "opened")  # it is so already
    states = [item["data"]["state"] for item in crisp_stand_in.sent if item["event"] == "session:set_state"]
    assert states == ["pending", "resolved", "unresolved"]


def test_what_becomes_of_a_message_is_told_by_its_fingerprint(crisp_stand_in: Vendor) -> None:
    data = crisp_stand_in.hub.say(crisp_stand_in.key, "agent", "Yse?")
    crisp_stand_in.hub.change(crisp_stand_in.key, data.n, text="Yes?")
    crisp_stand_in.hub.remove(crisp_stand_in.key, data.n)
    crisp_stand_in.hub.say(crisp_stand_in.key, "visitor", "Hello?")
    crisp_stand_in.hub.assign(crisp_stand_in.key, crisp_stand_in.agent)
    crisp_stand_in.hub.drop(crisp_stand_in.key)
    assert crisp_stand_in.topics() == [
        "message:received",
        "message:updated",
        "message:removed",
        "message:send",
        "session:set_routing",
        "session:removed",
    ]
    assert {item["data"]["fingerprint"] for item in crisp_stand_in.sent[:3]} == {data.n}
    assert crisp_stand_in.sent[1]["data"]["content"] == "Yes?"


# -- Tawk.to ---------------------------------------------------------------------------------------------------------


def test_a_transcript_of_tawk_says_who_wrote() -> None:
    tawk = Vendor("tawk")
    tawk.hub.say(tawk.key, "visitor", "Hello?")
    tawk.hub.say(tawk.key, "bot", "I am a bot.")
    tawk.hub.say(tawk.key, "agent", "Yes?", agent=tawk.agent)
    tawk.hub.say(tawk.key, "agent", "late again", "note", agent=tawk.agent)
    tawk.hub.end(tawk.key, "agent")
    assert tawk.topics() == ["chat:start", "chat:end", "chat:transcript_created"]
    data = [(item["sender"]["t"], item["msg"]) for item in tawk.sent[-1]["chat"]["messages"]]
    assert data[:3] == [("v", "Hello?"), ("s", "I am a bot."), ("a", "Yes?")]
    assert "late again" not in str(tawk.sent)
    assert tawk.sent[-1]["chat"]["messages"][2]["sender"]["id"] == tawk.agent

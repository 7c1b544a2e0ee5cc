"""The vendors' own packages run against the stand-ins unchanged, and what they send is what our desk sends.

Where they differ, ``DIFFERENCES`` says how and why.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import crisp_api
import intercom
import pytest
from intercom.core.api_error import ApiError

from flask_livechat import Company, providers
from flask_livechat.desk.desk import Desk

from . import packages_crisp, packages_intercom
from .packages import ADA, OF_ACME, Calls, Examples, Seeded, Sent, seeded

JS = Path(__file__).parents[1] / "js"
TABLES: dict[str, Calls] = {"crisp": packages_crisp.CALLS, "intercom": packages_intercom.CALLS}
EXAMPLES: dict[str, Examples] = {"crisp": packages_crisp.EXAMPLES, "intercom": packages_intercom.EXAMPLES}
LANGUAGES = ("python", "javascript")
CASES = [
    (vendor, language, call)
    for vendor, calls in TABLES.items()
    for language in LANGUAGES
    for call in calls
    if calls[call][1 + LANGUAGES.index(language)] is not None
]


def python_calls(site: Seeded, calls: list[tuple[str, Any]]) -> list[Any]:
    if site.name == "crisp":
        client = crisp_api.Crisp()
        client.set_rest_host(site.url)
        client.set_tier("website")
        client.authenticate(site.values["API_IDENTIFIER"], site.values["API_KEY"][0])
        website = site.values["WEBSITE_ID"]
        return [getattr(client.website, name)(website, *arguments) for name, arguments in calls]
    api = intercom.Intercom(token=site.values["ACCESS_TOKEN"][0], base_url=site.url)
    return [
        attrgetter(name)(api)(**arguments)  # "articles.list"
        for name, arguments in calls
    ]


def javascript_calls(site: Seeded, calls: list[tuple[str, Any]]) -> list[Any]:
    node, package = shutil.which("node"), {"crisp": "crisp-api", "intercom": "intercom-client"}[site.name]
    if node is None or not (JS / "node_modules" / package).is_dir():
        missing = f"{package} is missing; `make js` installs it where npm is."
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    key = "API_KEY" if site.name == "crisp" else "ACCESS_TOKEN"
    first = [site.values["WEBSITE_ID"]] if site.name == "crisp" else []
    data = {
        "base": site.url,
        "identifier": site.values.get("API_IDENTIFIER"),
        "key": site.values[key][0],
        "calls": [[name, [*first, *arguments]] for name, arguments in calls],
    }
    done = subprocess.run(
        [node, f"desk/{site.name}.cjs"], cwd=JS, input=json.dumps(data), capture_output=True, text=True, check=True
    )
    return list(json.loads(done.stdout))


RUN = {"python": python_calls, "javascript": javascript_calls}


class Noted:
    """A desk that writes down which of its methods are used."""

    def __init__(self, desk: Desk, used: set[str]) -> None:
        self._desk, self._used = desk, used

    def __getattr__(self, group: str) -> Any:
        methods, used = getattr(self._desk, group), self._used
        if group == "inventory":  # a method of the desk's own
            return methods

        class Group:
            def __getattr__(self, name: str) -> Any:
                used.add(f"{group}.{name}")
                return getattr(methods, name)

        return Group()


def _named(text: str, site: Seeded) -> str:
    """With what differs from run to run written as ``<name>``."""
    for name in ("bob", "agent"):
        text = text.replace(site.ids[name], f"<{name}>")
    return text


@dataclass
class Run:
    """For each call what we sent, what a package sent, and what that gave; and which methods of the desk were used.

    ``examples`` are the calls of public examples, and ``answers`` what they gave.
    """

    calls: dict[str, tuple[list[Sent], Sent, Any]]
    used: set[str]
    examples: list[Sent]
    answers: dict[str, str]


class Peers:
    """What was sent for each call, by us and by a package: each vendor and language once, against its own stand-in."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack, self._known = stack, dict[tuple[str, str], Run]()

    def __call__(self, vendor: str, language: str) -> Run:
        if (vendor, language) not in self._known:
            self._known[vendor, language] = self._run(vendor, language)
        return self._known[vendor, language]

    def _run(self, vendor: str, language: str) -> Run:
        n, run = 1 + LANGUAGES.index(language), RUN[language]
        table = {name: pair for name, pair in TABLES[vendor].items() if pair[n] is not None}
        theirs = self._stack.enter_context(seeded(vendor))
        calls = [(pair[n][0], theirs.given(pair[n][1])) for pair in table.values()]  # type: ignore[index]  # not None here
        theirs.heard.clear()
        results = run(theirs, calls)
        asked = [theirs.plain(request) for request in theirs.heard]
        assert len(asked) == len(calls), [(call.method, call.path) for call in asked]
        mine, used = self._stack.enter_context(seeded(vendor)), set[str]()
        desk: Any = Noted(mine.desk, used)
        ours = [mine.sent(lambda pair=pair: pair[0](desk, mine.ids)) for pair in table.values()]  # type: ignore[misc]  # the loop's own
        examples, answers = self._examples(vendor, language)
        return Run(dict(zip(table, zip(ours, asked, results, strict=True), strict=True)), used, examples, answers)

    def _examples(self, vendor: str, language: str) -> tuple[list[Sent], dict[str, str]]:
        site, n = self._stack.enter_context(seeded(vendor)), LANGUAGES.index(language)
        table = {name: pair for name, pair in EXAMPLES[vendor].items() if pair[n] is not None}
        calls = [(pair[n][0], site.given(pair[n][1])) for pair in table.values()]  # type: ignore[index]  # not None here
        site.heard.clear()
        results = RUN[language](site, calls)
        answers = {name: _named(result, site) for name, result in zip(table, map(str, results), strict=True)}
        return [site.plain(request) for request in site.heard], answers


@pytest.fixture(scope="module")
def peers() -> Iterator[Peers]:
    with ExitStack() as stack:
        yield Peers(stack)


# In what a package's call differs from ours, and why.
DIFFERENCES: dict[tuple[str, str, str], tuple[dict[str, Any], str]] = {
    ("crisp", "python", "list conversations"): (
        {"query": {"per_page": "50", "order_date_updated": "1"}},
        "It takes no query; the one of its calls that does writes the address with a slash too many.",
    ),
}


# What a package has no call for, and why.
MISSING: dict[tuple[str, str], tuple[tuple[str, ...], str]] = {
    ("crisp", "python"): (
        ("articles.", "conversations.search"),
        "It has no help centre, and its search writes the address with a slash too many.",
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("vendor", TABLES)
def test_every_call_of_the_matrix_is_one_of_the_vendors_own_package(peers: Peers, vendor: str, language: str) -> None:
    run, spec = peers(vendor, language), providers.api(vendor)
    assert spec is not None
    missing, _why = MISSING.get((vendor, language), ((), ""))
    assert {name for name in spec.methods if not name.startswith(missing)} == run.used
    ours = {_address(call) for sent, _, _ in run.calls.values() for call in sent}
    theirs = {_address(call) for call in [*run.examples, *(call for _, call, _ in run.calls.values())]}
    assert ours <= theirs


def _address(sent: Sent) -> tuple[str, str]:
    """What is asked for, whichever of its kind."""
    path = re.sub(r"session_[0-9a-f-]+", "<conversation>", sent.path)
    path = re.sub(r"<(bob|contact|agent|me)>|[^/]+@[^/]+|[0-9a-f]{24}", "<who>", path)
    path = re.sub(r"/<locale>/<kind>/<[a-z]+>$", "/<article>", path)
    path = path.replace("/en/articles", "/<locale>/<kind>")
    return sent.method, re.sub(r"/(\d+|<(conversation|tag|article)>)(?=/|$)", "/<n>", path)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("vendor", TABLES)
def test_what_public_examples_call_is_answered(peers: Peers, vendor: str, language: str) -> None:
    answers = peers(vendor, language).answers
    assert answers
    for name, answer in answers.items():
        assert "refused" not in answer, name
        assert EXAMPLES[vendor][name][2] in answer, name


@pytest.mark.parametrize(("vendor", "language", "call"), CASES)
def test_we_send_what_the_vendors_own_package_sends(peers: Peers, vendor: str, language: str, call: str) -> None:
    ours, theirs, result = peers(vendor, language).calls[call]
    assert not (isinstance(result, Mapping) and "refused" in result), result
    changed, _why = DIFFERENCES.get((vendor, language, call), ({}, ""))
    theirs = replace(theirs, **changed)
    same = [item for item in ours if item == theirs]
    assert same, f"theirs: {theirs}\nours: {ours}"
    for name in ("authorization", "x-crisp-tier"):
        assert same[0].headers.get(name) == theirs.headers.get(name)
    if theirs.body is not None:
        assert same[0].headers["content-type"] == theirs.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("language", "version"), [("python", None), ("javascript", "2.14")])
def test_we_alone_say_which_version_of_intercoms_api_we_speak(peers: Peers, language: str, version: str | None) -> None:
    """One package says none, so that the app's own setting decides what it reads; the other says an older one."""
    for ours, theirs, _ in peers("intercom", language).calls.values():
        assert theirs.headers.get("intercom-version") == version
        assert {item.headers["intercom-version"] for item in ours} == {"2.16"}


def test_a_difference_that_is_none_is_not_listed(peers: Peers) -> None:
    for vendor, language, call in DIFFERENCES:
        ours, theirs, _result = peers(vendor, language).calls[call]
        assert theirs not in ours


@pytest.mark.parametrize("language", LANGUAGES)
def test_crisps_packages_see_what_we_made_and_we_see_what_they_made(language: str) -> None:
    with seeded("crisp") as site:
        chat = site.desk.conversations.start(ADA, "May we help?", author="agent")
        assert chat is not None
        site.desk.contacts.upsert(OF_ACME)
        names = {
            "python": ("get_messages_in_conversation", "get_people_profile", "list_visitors", "update_people_profile"),
            "javascript": ("getMessagesInConversation", "getPeopleProfile", "listVisitors", "updatePeopleProfile"),
        }[language]
        changed = {"email": "fay@example.com", "company": {"name": "Acme Ltd", "url": "https://acme.example"}}
        read = (chat.id, {}) if language == "python" else (chat.id,)
        arguments = (read, ("fay@example.com",), (1,), ("fay@example.com", changed))
        messages, profile, visitors, _ = _answers(site, language, list(zip(names, arguments, strict=True)))
        assert [(entry["from"], entry["content"]) for entry in messages] == [("operator", "May we help?")]
        assert profile["company"] == {"name": "Acme", "url": "https://acme.example"}
        assert [entry["session_id"] for entry in visitors] == [person.id for person in site.desk.visitors.list()]
        known = site.desk.contacts.find(email="fay@example.com")
        assert known is not None
        assert known.raw["company"]["name"] == "Acme Ltd"


@pytest.mark.parametrize("language", LANGUAGES)
def test_intercoms_packages_see_what_we_made_and_we_see_what_they_made(language: str) -> None:
    with seeded("intercom") as site:
        who, mine = site.desk.contacts.upsert(OF_ACME), site.ids["conversation"]
        (team,) = site.desk.agents.teams()
        site.desk.conversations.assign(mine, team=team.id)
        calls: list[tuple[str, dict[str, Any]]] = [
            ("companies.retrieve", {"company_id": "acme"}),
            ("contacts.find", {"contact_id": who.id}),
            ("conversations.find", {"conversation_id": mine}),
            ("teams.list", {}),
        ]
        found, contact, chat, teams = _answers(site, language, calls)
        assert (found["company_id"], found["name"], found["plan"]["name"]) == ("acme", "Acme", "pro")
        assert [entry["id"] for entry in contact["companies"]["data"]] == [found["id"]]
        assert str(chat["team_assignee_id"]) == team.id
        assert [entry["id"] for entry in teams["teams"]] == [team.id]

        theirs = {"company_id": "theirs", "name": "Theirs"}
        (made,) = _answers(
            site,
            language,
            [("companies.create_or_update", {"request": theirs} if language == "python" else theirs)],
        )
        other = replace(OF_ACME, company=Company("theirs", "Ours"))  # found by the app's id, and changed
        site.desk.contacts.upsert(other)
        again, contact = _answers(site, language, [("companies.retrieve", {"company_id": "theirs"}), calls[1]])
        assert (again["id"], again["name"]) == (made["id"], "Ours")
        assert [entry["id"] for entry in contact["companies"]["data"]] == [found["id"], made["id"]]


def _answers(site: Seeded, language: str, calls: list[tuple[str, Any]]) -> list[Any]:
    """What a package gives, as plain data. Calls of Intercom's are written as the Python package names them."""
    if language == "javascript":
        if site.name == "intercom":
            calls = [(name.replace("create_or_update", "createOrUpdate"), (data,)) for name, data in calls]
        return [answer["result"] for answer in javascript_calls(site, calls)]
    answers = python_calls(site, calls)
    with warnings.catch_warnings(action="ignore"):  # its types are not those of the vendor's file in each field
        return [json.loads(answer.json()) for answer in answers] if site.name == "intercom" else answers


def test_what_is_refused_they_understand(peers: Peers) -> None:
    """Each package makes its own error of the stand-in's refusal."""
    with seeded("crisp") as site, pytest.raises(crisp_api.RouteError) as caught:
        python_calls(site, [("get_conversation", ("session_none",))])
    assert (caught.value.args[0]["code"], caught.value.args[0]["message"]) == (404, "not_found")
    with seeded("intercom") as site, pytest.raises(ApiError) as error:
        python_calls(site, [("conversations.find", {"conversation_id": 999999})])
    assert error.value.status_code == 404
    for vendor, pair in (
        ("crisp", ("getConversation", ("session_none",))),
        ("intercom", ("conversations.find", ({"conversation_id": 999999},))),
    ):
        with seeded(vendor) as site:
            assert javascript_calls(site, [pair])[0]["status"] == 404

"""The engine of flows: each walk ends at a human or at "That helped", for any flow, visitor and state."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flask_livechat.help import flow_texts
from flask_livechat.help.flow_files import read, read_all
from flask_livechat.help.flow_handoff import MAX_LINE_CHARS, handoff
from flask_livechat.help.flow_replies import Suggestion, render
from flask_livechat.help.flows import (
    DONE,
    HUMAN,
    MAX_TEXT_BYTES,
    Flow,
    Input,
    Output,
    Policy,
    State,
    advance,
    clean,
    read_state,
    write_state,
)

from .walks import state_of, walks

CONTRACT = """
start = "topic"
[topic]
say = "What is it about?"
choices = { Billing = "billing", Technical = "error" }
[billing]
say = "What happened?"
choices = { "Charged twice" = "human", "Change my card" = "card" }
[card]
articles = "update payment card"
[error]
say = "What do you see?"
ask = "error_text"
then = "human"
"""
CYCLE = {"start": "a", "a": {"say": "Again?", "choices": {"Yes": "a", "No": "human"}}}


def flow_of(table: Any, name: str = "support") -> Flow:
    flow, problems = read(name, f"flows/{name}.toml", tomllib.loads(table) if isinstance(table, str) else table)
    assert flow is not None, problems
    return flow


SUPPORT = flow_of(CONTRACT)


def walked(flow: Flow, *inputs: int | str, policy: Policy = Policy()) -> tuple[State, Output]:  # noqa: B008 - frozen
    """Where these lead: a number is a choice, HUMAN and DONE too, everything else is written."""
    state, output = advance(flow, None, Input(), policy)
    for value in inputs:
        picked = isinstance(value, int) or value in (HUMAN, DONE)
        state, output = advance(flow, state, Input(choice=value) if picked else Input(text=str(value)), policy)
    return state, output


def test_the_contracts_flow_leads_where_it_says() -> None:
    assert walked(SUPPORT)[1].say == {"": "What is it about?"}
    assert walked(SUPPORT, 0, 0)[1].end == HUMAN
    assert walked(SUPPORT, 0, 1)[1].articles == {"": "update payment card"}
    assert walked(SUPPORT, 0, 1, DONE)[1].end == DONE
    state, output = walked(SUPPORT, 1, "Error 500 at checkout")
    assert output.end == HUMAN
    assert handoff(SUPPORT, state, None) == {
        "path": "Technical",
        "fields": {"error_text": "Error 500 at checkout"},
        "help_seen": "",
        "segment": "help:error",
        "message": "Technical: Error 500 at checkout",
        "transcript": {
            "help-1": "What is it about? - Technical",
            "help-2": "What do you see? - Error 500 at checkout",
        },
    }


@pytest.mark.needs("time")
def test_random_walks_through_random_flows_all_end_and_always_offer_a_human() -> None:
    """``python -m tests.help.walks 100000`` takes as many as the issue asks for."""
    ends = walks(2000, seed=22)
    assert ends.total() == 2000
    assert set(ends) == {HUMAN, DONE}


def test_after_the_last_exchange_only_the_human_and_the_way_out_are_left() -> None:
    flow = flow_of(CYCLE)
    state, output = walked(flow, 0, 0, 0)
    assert (output.choices, output.ask, output.done, output.end) == ((), None, "all", None)
    for action in (Input(choice=0), Input(text="yes, again"), Input(text="")):
        assert advance(flow, state, action)[1].end == HUMAN
    assert advance(flow, state, Input(choice=DONE))[1].end == DONE


@pytest.mark.parametrize("configured", [4, 5, 400])
def test_no_configuration_allows_a_fifth_exchange(configured: int) -> None:
    flow, policy = flow_of(CYCLE), Policy(configured)
    assert walked(flow, 0, 0, 0, policy=policy)[1].choices
    assert not walked(flow, 0, 0, 0, 0, policy=policy)[1].choices
    assert walked(flow, 0, 0, 0, 0, 0, policy=policy)[1].end == HUMAN


def test_nothing_follows_a_hand_off() -> None:
    state, _ = walked(SUPPORT, HUMAN)
    for action in (Input(), Input(choice=0), Input(choice=DONE), Input(text="Billing")):
        assert advance(SUPPORT, state, action)[1].end == HUMAN


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        (["can I talk to somebody?"], "asked"),
        ([1, "I want a real person"], "asked"),
        (["what now", "what else"], "misunderstood"),
        ([7, -1], "misunderstood"),
        (["it is broken", "It is broken"], "repeated"),
        (["THIS DOES NOT WORK"], "upset"),
        (["nothing works!!!"], "upset"),
        (["fuck this"], "upset"),
        ([HUMAN], "asked"),
    ],
)
def test_who_has_had_enough_gets_a_human_at_once(inputs: list[Any], why: str) -> None:
    _, output = walked(SUPPORT, *inputs)
    assert (output.end, output.why) == (HUMAN, why)


def test_a_topic_is_a_step_and_never_an_end() -> None:
    flow = flow_of({"start": "a", "a": {"say": "?", "choices": {"Refund": "human"}}})
    assert handoff(flow, walked(flow, 0)[0], None)["segment"] == "help:support"


def test_one_word_that_fits_nothing_is_asked_again() -> None:
    state, output = walked(SUPPORT, "what now")
    assert (output.note, len(output.choices), output.end) == ("misunderstood", 2, None)
    assert advance(SUPPORT, state, Input(choice=1))[1].ask == "error_text"


def test_a_label_may_be_typed_in_any_of_its_languages() -> None:
    choices = [{"label": {"en": "Billing", "de": "Rechnung"}, "to": "human"}, {"label": "Other", "to": "done"}]
    flow = flow_of({"start": "a", "a": {"say": "?", "choices": choices}})
    state, output = walked(flow, "rechnung")
    assert output.end == HUMAN
    assert handoff(flow, state, "de")["message"] == "Rechnung"
    assert walked(flow, "OTHER")[1].end == DONE


def test_a_label_that_is_typed_in_two_steps_is_no_repetition() -> None:
    assert len(walked(flow_of(CYCLE), "Yes", "Yes")[1].choices) == 2


def test_what_fits_nothing_searches_and_asks_nothing_again() -> None:
    flow = flow_of({"start": "a", "a": {"answer": "model", "then": "b"}, "b": {"articles": "x"}})
    assert walked(flow)[1].answer == "model"
    _, output = walked(flow, "and what about this?")
    assert (output.answer, output.articles, output.note, output.goes_on) == (None, None, "misunderstood", True)


def test_after_the_last_exchange_nobody_is_asked_to_choose() -> None:
    assert walked(flow_of(CYCLE), 0, 0, "what else")[1].note == "limit"


def test_an_error_code_in_capitals_is_no_shout() -> None:
    assert walked(SUPPORT, 1, "ERR_CONNECTION_REFUSED HTTP 500")[1].why == "flow"


def test_an_app_may_decide_itself_who_asks_for_a_person() -> None:
    policy = Policy(wants_human=lambda text: "wombat" in text)
    assert walked(SUPPORT, "a wombat please", policy=policy)[1].why == "asked"
    assert walked(SUPPORT, "talk to a human", policy=policy)[1].note == "misunderstood"


def test_words_that_were_typed_before_the_flow_began_travel_with_it() -> None:
    state, output = advance(SUPPORT, None, Input(text="My card was declined"))
    assert output.say == {"": "What is it about?"}
    assert handoff(SUPPORT, state, None)["message"] == "My card was declined"
    assert advance(SUPPORT, None, Input(text="an agent please"))[1].end == HUMAN


def test_what_follows_articles_is_a_choice_and_the_way_out_stays() -> None:
    steps = {"a": {"articles": "card", "then": "b"}, "b": {"say": "?", "ask": "what", "then": "human"}}
    flow = flow_of({"start": "a", **steps})
    _, output = walked(flow)
    assert (output.goes_on, output.done) == (True, "helped")
    assert walked(flow, 0)[1].ask == "what"
    assert not walked(flow_of({"start": "a", "a": {"articles": "card", "then": "human"}}))[1].goes_on


# -- what the panel gets -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", flow_texts.TEXTS)
def test_a_human_is_offered_in_fourteen_languages(locale: str) -> None:
    state, output = walked(SUPPORT)
    reply = render(SUPPORT, state, output, f"{locale}-XX")
    assert reply["human"] == flow_texts.TEXTS[locale]["human"]
    assert len(flow_texts.TEXTS) == 14
    assert len({texts["human"] for texts in flow_texts.TEXTS.values()}) == 14


def test_a_text_is_in_the_nearest_language() -> None:
    flow = flow_of({"start": "a", "a": {"say": {"en": "Hi", "pt": "Oi", "pt-BR": "Opa"}, "choices": {"x": "human"}}})
    say = {tag: render(flow, *walked(flow), tag)["say"] for tag in ("pt-br", "pt_PT", "ja", None)}
    assert say == {"pt-br": "Opa", "pt_PT": "Oi", "ja": "Hi", None: "Hi"}


def test_labels_are_text_for_agents_too() -> None:
    label = '<img src=x onerror=alert(1)>"'
    flow = flow_of({"start": "a", "a": {"say": "?", "choices": {label: "human"}}})
    assert handoff(flow, walked(flow, 0)[0], None)["path"] == label


# -- the state, which anybody may have written -------------------------------------------------------------------------


def test_a_flow_that_has_changed_is_not_the_one_that_the_visitor_is_in() -> None:
    state, _ = walked(SUPPORT, 0)
    data = write_state(SUPPORT, state)
    assert read_state(SUPPORT, data) == state
    assert read_state(flow_of(CONTRACT.replace("What happened?", "What is wrong?")), data) is None


@pytest.mark.parametrize(
    "change",
    [
        {"step": "nowhere"},
        {"step": ["topic"]},
        {"step": None},
        {"exchanges": -1},
        {"exchanges": 5},
        {"exchanges": True},
        {"exchanges": 1e999},
        {"misses": 2},
        {"trail": [["topic", 0]]},  # more than exchanges
        {"trail": [["topic", 9]], "exchanges": 1},
        {"trail": [["topic", -1]], "exchanges": 1},
        {"trail": [["topic", True]], "exchanges": 1},
        {"trail": [["topic", 0.0]], "exchanges": 1},
        {"trail": [["topic", None]], "exchanges": 1},
        {"trail": [["error", 0]], "exchanges": 1},  # it is asked there, nothing is picked
        {"trail": [["card", 0]], "exchanges": 1},  # nothing follows these articles
        {"trail": [["nowhere", "words"]], "exchanges": 1},
        {"trail": [[{}, 0]], "exchanges": 1},
        {"trail": ["topic"], "exchanges": 1},
        {"trail": [["error", ""]], "exchanges": 1},
        {"trail": [["error", "two\nlines"]], "exchanges": 1},
        {"trail": [["error", "x" * (MAX_TEXT_BYTES + 1)]], "exchanges": 1},
        {"trail": 7},
        {"trail": {}, "exchanges": None},
        {"words": "x" * 10_000},
        {"words": "\u202eevil"},
        {"words": "two\nlines"},
        {"words": None},
        {"seen": ["billing/card", "not a path"]},
        {"seen": ["x" * 300]},
        {"seen": ["a", "b", "c", "d"]},
        {"seen": "abc\n"},
        {"flow": "another"},
        {"flow": None},
    ],
    ids=str,
)
def test_a_state_that_cannot_be_is_none(change: dict[str, Any]) -> None:
    assert read_state(SUPPORT, state_of(SUPPORT)) is not None
    assert read_state(SUPPORT, state_of(SUPPORT, change)) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9) | st.sampled_from(["topic", "error_text"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@pytest.mark.needs("time")
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
@given(data=JSON | st.fixed_dictionaries(dict.fromkeys(state_of(SUPPORT), JSON)), step=JSON, text=st.text())
def test_no_state_and_no_text_breaks_the_engine(data: Any, step: Any, text: str) -> None:
    for value in (data, state_of(SUPPORT, {"step": step})):
        state = read_state(SUPPORT, value)
        for action in (Input(choice=step), Input(text=text)):
            state_after, output = advance(SUPPORT, state, action)
            assert render(SUPPORT, state_after, output, None)["human"]
            json.dumps(write_state(SUPPORT, state_after)).encode()


@given(st.text(max_size=2000))
def test_what_a_visitor_wrote_is_one_short_clean_line(text: str) -> None:
    line = clean(text)
    assert line == clean(line)
    assert len(json.dumps(line, ensure_ascii=False).encode()) - 2 <= MAX_TEXT_BYTES
    assert "\n" not in line


def test_the_longest_state_and_the_next_text_fit_into_a_request() -> None:
    names = ["f" * 39 + str(number) for number in range(4)]
    steps = {
        name: {"say": "?", "ask": name, "then": then} for name, then in zip(names, [*names[1:], HUMAN], strict=True)
    }
    flow, policy = flow_of({"start": names[0], **steps}, "n" * 40), Policy(4)
    texts = [letter * 1000 for letter in '"字🙂é']
    state, _ = walked(flow, *texts[:3], policy=policy)
    body = {"flow": flow.name, "state": write_state(flow, state), "input": {"text": clean(texts[3])}, "locale": "pt-BR"}
    body["provider"] = "intercom"
    assert len(json.dumps(body, ensure_ascii=False).encode()) <= 2048


LOOP = {
    "start": "topic",
    "topic": {"say": "What about?", "choices": {"Orders": "number", "Again": "topic"}},
    "number": {"say": "Which order?", "ask": "order", "then": "number"},
}


def test_the_transcript_has_all_that_was_said_in_its_order() -> None:
    flow, policy = flow_of(LOOP), Policy(4)
    state, output = walked(flow, "my parcel", 0, "A-17", "A-18", policy=policy)
    assert output.end is None
    state, output = walked(flow, "my parcel", 0, "A-17", "A-18", "I want a person", policy=policy)
    assert output.end == HUMAN
    result = handoff(flow, state, None)
    assert [*result["transcript"].values()] == [
        "What about? - my parcel",
        "What about? - Orders",
        "Which order? - A-17",
        "Which order? - A-18",
        "I want a person",
    ]
    assert result["fields"] == {"order": "A-18"}
    assert result["path"] == "Orders"


def test_the_transcript_has_the_articles_and_that_they_did_not_help() -> None:
    flow = flow_of(
        {"start": "a", "a": {"articles": "card", "then": "b"}, "b": {"say": "What?", "ask": "x", "then": "human"}}
    )
    state, _ = walked(flow, 0, "nothing works")
    state = replace(state, seen=("billing/card", "billing/bill"))
    assert [*handoff(flow, state, "en")["transcript"].values()] == [
        "a - That did not help",
        "What? - nothing works",
        "Articles - billing/card, billing/bill",
    ]


def test_no_browser_decides_how_long_a_transcript_is() -> None:
    flow = flow_of({**LOOP, "number": {**LOOP["number"], "say": "Which order? " * 100}})
    trail = [["number", "w" * MAX_TEXT_BYTES], ["topic", "字" * 80], ["number", "é" * 120], ["topic", 0]]
    data = state_of(flow, {"trail": trail, "exchanges": 4, "words": "x" * MAX_TEXT_BYTES, "seen": ["a" * 66] * 3})
    state = read_state(flow, data)
    assert state is not None
    lines = handoff(flow, state, None)["transcript"]
    assert len(lines) == 6
    assert max(map(len, lines.values())) <= MAX_LINE_CHARS
    assert [line.rpartition(" - ")[2] for line in lines.values()][:3] == [text for _, text in trail[:3]]


def test_a_states_repr_has_nothing_that_a_visitor_wrote() -> None:
    state, _ = walked(SUPPORT, 1, "my password is hunter2")
    assert "hunter2" not in repr(state)


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "step", "what"),
    [
        ({}, None, "start is missing"),
        ({"start": "nowhere", "a": {"say": "?", "choices": {"x": "human"}}}, None, "start = 'nowhere' is not a step"),
        ({"start": 7}, None, "start = '7' is not a step"),
        ("[]", None, "a flow is a table of steps"),
        ({"start": "a", "a": {"choices": {"x": "human"}}}, "a", "say is missing"),
        ({"start": "a", "a": {"say": "?"}}, "a", "it does not lead anywhere"),
        ({"start": "a", "a": {"say": "?", "ask": "x", "choices": {"x": "human"}}}, "a", "it has choices and ask"),
        ({"start": "a", "a": {"say": "?", "choices": {"x": "billling"}}}, "a", "'billling' is not a step"),
        ({"start": "a", "a": {"say": "?", "ask": "x"}}, "a", "then is missing"),
        ({"start": "a", "a": {"say": "?", "ask": "help_path", "then": "human"}}, "a", "ask is not a valid name"),
        (
            {"start": "a", "a": {"say": "?", "choices": {"x": "human"}, "then": "a"}},
            "a",
            "cannot be combined",
        ),
        ({"start": "a", "a": {"say": "?", "choices": {}}}, "a", "choices is empty"),
        ({"start": "a", "a": {"say": "?", "choices": [{"label": "x"}]}}, "a", "a choice has a label and to"),
        ({"start": "a", "a": {"say": "?", "choices": {"": "human"}}}, "a", "a label is empty"),
        ({"start": "a", "a": {"say": "?", "choices": {"x\u202e": "human"}}}, "a", "invisible characters"),
        (
            {"start": "a", "a": {"say": "?", "choices": {"x": "human", "X": "done"}}},
            "a",
            "two choices have the same label",
        ),
        (
            {"start": "a", "a": {"say": {"english": "?"}, "choices": {"x": "human"}}},
            "a",
            "key that is not a language",
        ),
        ({"start": "a", "a": {"say": 7, "choices": {"x": "human"}}}, "a", "say is empty, or not a text"),
        ({"start": "a", "a": {"sya": "?", "choices": {"x": "human"}}}, "a", "there is no 'sya' in a step"),
        ({"start": "human", "human": {"say": "?", "choices": {"x": "human"}}}, "human", "cannot be a step's name"),
        ({"start": "a", "a": "b"}, "a", "a step is a table"),
        ({"start": "a", "a": {"answer": ["x"]}}, "a", "answer is not a valid name"),
        ({"start": "a", "a": {"articles": "x", "then": 7}}, "a", "then must be a step's name"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_wrong_with_a_flow_is_said_with_its_step(table: Any, step: str | None, what: str) -> None:
    flow, problems = read("support", "flows/support.toml", json.loads(table) if isinstance(table, str) else table)
    assert flow is None
    assert [problem for problem in problems if problem.step == step and what in problem.what], problems
    assert all(problem.file == "flows/support.toml" and problem.fix for problem in problems)


def test_all_errors_of_all_files_are_listed_at_once(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text('start = "a"\n[a]\nsay = "?"\nchoices = { x = "b", y = "c" }')
    (tmp_path / "two.toml").write_text("start = [")
    (tmp_path / "three.toml").write_bytes(b'start = "\xff"')
    (tmp_path / "four.toml").write_text(CONTRACT)
    (tmp_path / "five.toml").mkdir()
    (tmp_path / "six.toml").write_text(CONTRACT)
    flows = read_all(tmp_path, {"six": CYCLE, "seven": {"start": "a"}})
    assert set(flows.by_name) == {"four", "six"}
    seen = [(problem.file.rpartition("/")[2], problem.step) for problem in flows.problems]
    assert sorted(seen, key=str) == sorted(
        [
            ("one.toml", "a"),
            ("one.toml", "a"),
            ("two.toml", None),
            ("three.toml", None),
            ("five.toml", None),
            ("six.toml", None),
            ("livechat.flow('seven')", None),
        ],
        key=str,
    )


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert "the folder does not exist" in read_all(tmp_path / "flows", {}).problems[0].what
    assert "the folder has no flows" in read_all(tmp_path, {}).problems[0].what
    assert read_all(None, {}).problems == ()


def test_a_target_that_is_nearly_right_is_named() -> None:
    _, problems = read("a", "a.toml", {"start": "a", "a": {"say": "?", "choices": {"x": "humann"}}})
    assert problems[0].fix == "Did you mean 'human'?"


def test_a_flow_of_ten_thousand_steps_is_read_and_walked() -> None:
    steps = {f"s{n}": {"say": "?", "choices": {"x": f"s{(n + 1) % 10_000}"}} for n in range(10_000)}
    flow = flow_of({"start": "s0", **steps})
    assert walked(flow, 0, 0, 0, 0)[1].end == HUMAN


def test_articles_are_shown_with_what_they_were_searched_for() -> None:
    from flask_livechat.help.flow_replies import Extras

    state, output = walked(SUPPORT, 0, 1)
    card = Suggestion("billing/card", "Change your card", "/help/card", "Open Billing")
    reply = render(SUPPORT, state, output, "de", Extras(articles=[card]))
    assert reply["articles"] == [{"title": "Change your card", "url": "/help/card", "excerpt": "Open Billing"}]
    assert reply["say"] == "Das könnte helfen:"
    assert render(SUPPORT, state, output, "de")["say"] == "Dazu haben wir keinen Artikel."

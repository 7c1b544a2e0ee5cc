"""The proof, and what the commands print: the same for all flows of an app."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from flask_livechat import Answer, ConfigError, doctor
from flask_livechat.help import flow_proof, flow_service
from flask_livechat.help.flow_proof import mermaid, prove
from flask_livechat.help.flows import HUMAN, Policy

from .test_flows import CONTRACT, CYCLE, SUPPORT, flow_of

MakeApp = Callable[..., Flask]


def app_with(make_app: MakeApp, tmp_path: Path, **flows: str) -> Flask:
    """An app with these files in its folder of flows."""
    folder = tmp_path / "flows"
    folder.mkdir(exist_ok=True)
    for name, content in flows.items():
        (folder / f"{name}.toml").write_text(content, "utf-8")
    return make_app(LIVECHAT_FLOWS=str(folder))


def run(app: Flask, *words: str, ok: bool = True, typed: str = "") -> Result:
    result = app.test_cli_runner().invoke(args=["livechat", "flows", *words], input=typed)
    assert (result.exit_code == 0) is ok, result.output
    return result


# -- the proof ---------------------------------------------------------------------------------------------------------


def test_every_walk_of_the_whole_graph_ends() -> None:
    proof = prove(SUPPORT, Policy())
    assert not proof.failures
    assert proof.shown == {"topic", "billing", "card", "error"}
    assert 0 < proof.longest.exchanges <= 3


def test_a_cycle_ends_and_its_longest_walk_is_the_limit() -> None:
    proof = prove(flow_of(CYCLE), Policy())
    assert not proof.failures
    assert proof.longest.exchanges == 3
    assert str(proof.longest) == "a > Yes > Yes > No > human"


def test_the_proof_fails_for_an_engine_that_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    def endless(*arguments: Any) -> Any:
        state, output = advance(*arguments)
        return replace(state, exchanges=0), output

    advance = flow_proof.advance
    monkeypatch.setattr(flow_proof, "advance", endless)
    assert prove(flow_of(CYCLE), Policy()).failures


def test_the_proof_fails_for_a_renderer_that_forgets_the_human(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_proof, "render", lambda *arguments: {"human": ""})
    assert prove(SUPPORT, Policy()).failures


@pytest.mark.needs("time")
def test_ten_thousand_steps_in_a_row_are_proven_as_far_as_anybody_gets() -> None:
    steps = {f"s{n}": {"say": "?", "choices": {"x": f"s{n + 1}" if n < 9_999 else HUMAN}} for n in range(10_000)}
    proof, problems = flow_proof.check(flow_of({"start": "s0", **steps}), Policy(), ())
    assert proof.shown == {"s0", "s1", "s2"}
    assert [problem.what[:60] for problem in problems] == [problems[0].what[:60]]
    assert "and 9977 more within 3 exchanges" in problems[0].what
    assert len(str(problems[0])) < 500


def test_the_diagram_is_mermaid_and_no_label_leaves_its_quotes() -> None:
    picture = mermaid(SUPPORT)
    assert picture.startswith("flowchart TD\n")
    assert '  step0 -->|"Billing"| step1' in picture
    assert '  step1 -->|"Charged twice"| human' in picture
    hostile = flow_of({"start": "a", "a": {"say": 'x"]\n click', "choices": {'"| evil["<b>"]; %% #': "human"}}})
    for line in mermaid(hostile).splitlines():
        assert line.count('"') % 2 == 0
        assert "<b>" not in line
        assert len(re.findall(r'"', line)) <= 2


# -- flask livechat flows check ----------------------------------------------------------------------------------------


def test_check_is_green_for_the_contracts_flow(make_app: MakeApp, tmp_path: Path) -> None:
    app = app_with(make_app, tmp_path, support=CONTRACT)
    output = run(app, "check").output
    assert "support: " in output
    assert "every walk ends" in output
    assert "the longest, 3 exchanges: topic > Billing > (not understood) > Charged twice > human" in output


def test_check_lists_all_errors_of_all_files(make_app: MakeApp, tmp_path: Path) -> None:
    broken = 'start = "a"\n[a]\nsay = "?"\nchoices = { x = "b" }\n[c]\nask = "z"'
    result = run(app_with(make_app, tmp_path, one=broken, two="start = [", support=CONTRACT), "check", ok=False)
    for text in (
        "flows/one.toml: [a] 'b' is not a step. The steps are: a, c; or human or done.",
        "flows/one.toml: [c] say is missing.",
        "flows/one.toml: [c] then is missing.",
        "flows/two.toml: it is not TOML:",
        "support: ",
    ):
        assert result.output.count(text) == 1


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ('say = "?"\nchoices = { "%s" = "human" }' % ("x" * 31), "has 31 characters; a button fits 30"),
        ('say = "?"\nchoices = { a = "human", b = "human", c = "human", d = "human", e = "human", f = "human" }',
         "6 choices are more than visitors read"),
        ('say = { en = "?", de = "?" }\nchoices = { Yes = "human" }', "'Yes' is missing in en, de"),
        ('say = { en = "?" }\nchoices = [{ label = { en = "Yes", de = "Ja" }, to = "human" }]', "is missing in de"),
        ('say = "?"\nchoices = { Y = "human" }\n[b]\nsay = "?"\nask = "x"\nthen = "human"',
         "no visitor can reach b within"),
        ('answer = "model"', "the answer 'model' is not registered"),
    ],
)  # fmt: skip
def test_check_says_what_visitors_would_stumble_over(make_app: MakeApp, tmp_path: Path, table: str, what: str) -> None:
    app = app_with(make_app, tmp_path, support=f'start = "a"\n[a]\n{table}')
    assert what in run(app, "check", ok=False).output


def test_check_knows_the_answers_that_are_registered(make_app: MakeApp, tmp_path: Path) -> None:
    app = app_with(make_app, tmp_path, support='start = "a"\n[a]\nanswer = "model"')
    app.extensions["livechat"].livechat.answer("model")(lambda question, articles: Answer("", ()))
    run(app, "check")


def test_check_knows_the_rules_that_name_no_flow(make_app: MakeApp, tmp_path: Path) -> None:
    app = app_with(make_app, tmp_path, support=CONTRACT)
    livechat = app.extensions["livechat"].livechat
    livechat.rule_for("shop", flow="support")
    run(app, "check")
    livechat.rule_for("shop", flow="sport")
    assert "flow='sport' is not a valid flow" in run(app, "check", ok=False).output


def test_check_steers_no_terminal(make_app: MakeApp, tmp_path: Path) -> None:
    app = app_with(make_app, tmp_path, support='start = "a"\n[a]\nsay = "?"\nchoices = { "\\u001b[31m" = "human" }')
    assert "\x1b" not in run(app, "check", ok=False).output


def test_an_app_without_flows_has_none_to_check(make_app: MakeApp) -> None:
    assert "There are no flows" in run(make_app(), "check").output


# -- flask livechat flows try, and show --------------------------------------------------------------------------------


def test_try_takes_numbers_labels_and_answers(make_app: MakeApp, tmp_path: Path) -> None:
    app = app_with(make_app, tmp_path, support=CONTRACT)
    output = run(app, "try", "support", typed="2\nError 500\n").output
    assert "What is it about?\n  1  Billing\n  2  Technical\n  3  Talk to a human\n" in output
    assert "What do you see?\n  Talk to a human\n" in output
    assert "  path: Technical\n" in output
    assert "  message: Technical: Error 500\n" in output
    assert "  segment: help:billing\n" in run(app, "try", "support", typed="billing\nCHARGED TWICE\n").output
    assert "A human takes it from here." in run(app, "try", "support", typed="3\n").output


@pytest.mark.parametrize("typed", ["", "1\n", "1\n2\n"])
def test_the_end_of_the_input_ends_a_walk_with_status_0(make_app: MakeApp, tmp_path: Path, typed: str) -> None:
    run(app_with(make_app, tmp_path, support=CONTRACT), "try", "support", typed=typed)


def test_try_speaks_a_language(make_app: MakeApp, tmp_path: Path) -> None:
    app = app_with(make_app, tmp_path, support=CONTRACT)
    assert "Mit einem Menschen sprechen" in run(app, "try", "support", "--locale", "de-AT").output


def test_a_flow_that_is_not_there_is_named_with_those_that_are(make_app: MakeApp, tmp_path: Path) -> None:
    app = app_with(make_app, tmp_path, support=CONTRACT)
    for command in ("try", "show"):
        assert "no valid flow 'sport' (valid flows: support)" in run(app, command, "sport", ok=False).output


def test_show_prints_a_diagram(make_app: MakeApp, tmp_path: Path) -> None:
    app = app_with(make_app, tmp_path, support=CONTRACT)
    assert run(app, "show", "support").output == mermaid(SUPPORT) + "\n"


# -- what an app registers ---------------------------------------------------------------------------------------------


def test_a_flow_may_be_registered_in_python(make_app: MakeApp) -> None:
    app = make_app()
    app.extensions["livechat"].livechat.flow("again", CYCLE)
    assert "again: " in run(app, "check").output


@pytest.mark.parametrize("debug", [True, False])
def test_files_are_read_anew_in_debug_mode_alone(make_app: MakeApp, tmp_path: Path, debug: bool) -> None:
    app = app_with(make_app, tmp_path, support=CONTRACT)
    app.debug, state = debug, app.extensions["livechat"]
    assert [*flow_service.flows(state, app).by_name] == ["support"]
    app_with(make_app, tmp_path, other=CONTRACT)
    assert ("other" in flow_service.flows(state, app).by_name) is debug


def test_a_flow_that_is_not_offered_is_in_the_log_once(
    make_app: MakeApp, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_with(make_app, tmp_path, broken="start = [", support=CONTRACT)
    run(app, "show", "support")
    run(app, "show", "support")
    assert caplog.text.count("a flow is not offered: flows/broken.toml: it is not TOML") == 1


def test_a_flow_that_is_wrong_is_refused_with_all_that_is_wrong(make_app: MakeApp) -> None:
    livechat = make_app().extensions["livechat"].livechat
    with pytest.raises(ConfigError) as caught:
        livechat.flow("again", {"start": "b", "a": {"choices": {"Yes": "c"}}})
    assert [problem.code for problem in caught.value.problems] == ["LC111"] * 3
    assert "livechat.flow('again')" in str(caught.value)


@pytest.mark.parametrize("value", [0, 5, "3", None, 2.5])
def test_the_number_of_exchanges_is_never_over_four(make_app: MakeApp, value: Any) -> None:
    with pytest.raises(ConfigError, match="LIVECHAT_FLOW_STEPS"):
        make_app(LIVECHAT_FLOW_STEPS=value)


def test_a_rule_says_which_flow_a_page_has(make_app: MakeApp) -> None:
    app = make_app(LIVECHAT_RULES=[{"path": "/billing", "flow": "support"}])
    with app.test_request_context():
        livechat = app.extensions["livechat"].livechat
        assert livechat.decide(path="/billing").flow == "support"
        assert livechat.decide(path="/").flow is None
    with pytest.raises(ConfigError, match="a flow's name"):
        make_app(LIVECHAT_RULES=[{"path": "/billing", "flow": 7}])


def test_the_doctor_finds_a_flow_that_is_not_proven(make_app: MakeApp, tmp_path: Path) -> None:
    def unproven(app: Flask) -> list[str]:
        findings = doctor.examine(app, now=app.extensions["livechat"].now()).findings
        return [str(finding.what) for finding in findings if finding.check.code == "LC605"]

    assert not unproven(app_with(make_app, tmp_path, support=CONTRACT))
    assert not unproven(make_app())
    assert unproven(app_with(make_app, tmp_path, support=CONTRACT.replace('"card"', '"cart"'))) == [
        "[billing] 'cart' is not a step"
    ]

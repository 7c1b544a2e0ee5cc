"""``flask livechat explain`` and ``flask livechat csp``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask, g

from flask_livechat import Visitor

from .conftest import ALL_IDS, SECRETS, VENDORS, chat_of, create_app

MakeApp = Callable[..., Flask]
PROOFS = {"tawk": "email, id", "crisp": "email", "intercom": "jwt"}


def run(app: Flask, *words: str, ok: bool = True) -> Result:
    result = app.test_cli_runner().invoke(args=["livechat", *words])
    assert (result.exit_code == 0) is ok, result.output
    return result


def test_explain_says_what_the_page_gets_and_why(make_app: MakeApp) -> None:
    app = make_app(LIVECHAT_RULES=[{"path": "/pricing", "load": "eager", "preload": True}])
    said = run(app, "explain", "/pricing").output
    assert said.startswith("/pricing: chat by crisp\nwhy: LIVECHAT_RULES[0] (path '/pricing')\n")
    assert re.search(r"load\s+eager\s+LIVECHAT_RULES\[0\]", said)
    assert re.search(r"mobile\s+show\s+defaults", said)
    assert "visitor: anonymous" in said


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/quiet", "LIVECHAT_RULES[0] (path '/quiet')"),
        ("/reset-password", "carries a secret"),
        ("/?token=abc", "the query key 'token'"),
    ],
)
def test_explain_says_why_a_page_gets_none(make_app: MakeApp, path: str, why: str) -> None:
    said = run(make_app(LIVECHAT_RULES=[{"path": "/quiet", "show": False}]), "explain", path).output
    assert f"{path}: no chat\n" in said
    assert why in said
    assert "visitor:" not in said


def test_explain_says_that_no_route_answers(make_app: MakeApp) -> None:
    assert "No route answers /nowhere" in run(make_app(), "explain", "/nowhere").output
    assert "No route" not in run(make_app(), "explain", "/").output


def test_explain_says_that_nothing_is_configured() -> None:
    assert "LIVECHAT_PROVIDER" in run(create_app(None), "explain", "/").output


@pytest.mark.parametrize("name", VENDORS)
def test_explain_as_a_user_says_which_proof_is_sent_and_never_what_it_holds(name: str) -> None:
    said = run(create_app(name), "explain", "/", "--as", "42").output
    assert f"visitor: identified; proof: {PROOFS[name]}\n" in said
    assert not re.search(r"ada@example\.com|First Visitor|[0-9a-f]{64}|eyJ", said)
    assert next(iter(SECRETS[name].values())) not in said


def test_explain_says_when_an_identity_is_unverified_or_not_sent(make_app: MakeApp) -> None:
    unverified = make_app(secrets=False, LIVECHAT_ALLOW_UNVERIFIED=True)
    assert "none: unverified" in run(unverified, "explain", "/", "--as", "42").output
    quiet = make_app(LIVECHAT_RULES=[{"path": "/", "identify": False}])
    assert "anonymous (identify=False)" in run(quiet, "explain", "/", "--as", "42").output
    assert "visitor: anonymous\n" in run(make_app(secrets=False), "explain", "/", "--as", "42").output


def test_explain_asks_the_visitor_loader(make_app: MakeApp) -> None:
    app = make_app()
    asked: list[Any] = []
    chat_of(app).visitor_loader(lambda user: asked.append(user.id) or Visitor("1", email="x@example.com"))  # type: ignore[func-returns-value]
    assert "identified" in run(app, "explain", "/", "--as", "7").output
    assert asked == ["7"]


def test_explain_as_somebody_who_is_not_there_says_so(make_app: MakeApp) -> None:
    assert "there is no user '99'" in run(make_app(), "explain", "/", "--as", "99", ok=False).output


def test_explain_as_a_user_without_flask_login_says_so() -> None:
    app = create_app("crisp", login=False)
    output = run(app, "explain", "/", "--as", "42", ok=False).output
    assert "no Flask-Login user_loader" in output
    assert "Leave --as out" in " ".join(output.split())


def app_as_in_flasks_tutorial(**config: Any) -> Flask:
    """An app whose own function puts the user into ``g`` before each request."""
    app = create_app("crisp", login=False, **config)

    @app.before_request
    def load_logged_in_user() -> None:
        g.user = None

    @chat_of(app).visitor_loader
    def load_visitor(user: Any) -> Visitor | None:
        return None if g.user is None else Visitor(id=str(g.user["id"]))

    return app


@pytest.mark.parametrize("debug", [True, False])
def test_explain_says_where_the_visitor_loader_failed_and_that_before_request_did_not_run(debug: bool) -> None:
    app = app_as_in_flasks_tutorial(TESTING=False, DEBUG=debug)
    result = app.test_cli_runner().invoke(args=["livechat", "explain", "/"])
    assert result.exit_code == 0
    assert "Traceback" not in result.output
    assert "visitor: unknown\n" in result.stdout
    (line,) = [line for line in result.stdout.splitlines() if "failed" in line]
    assert re.search(r"load_visitor failed with AttributeError at test_cli\.py:\d+", line)
    assert "explain does not run before_request functions" in line


def test_explain_says_which_condition_of_a_rule_failed(make_app: MakeApp) -> None:
    app = make_app(TESTING=False, DEBUG=True, LIVECHAT_RULES=[{"when": lambda: g.user["is_new"], "load": "eager"}])
    for command in ("explain", "csp"):
        result = app.test_cli_runner().invoke(args=["livechat", command, "/"])
        assert result.exit_code == 0, command
    assert "visitor: anonymous\n" in run(app, "explain", "/").output
    assert run(app, "explain", "/").stdout.count("failed with AttributeError at test_cli.py") == 1


@pytest.mark.parametrize("command", ["explain", "csp"])
def test_a_path_starts_with_a_slash(make_app: MakeApp, command: str) -> None:
    assert "starts with a slash" in run(make_app(), command, "pricing", ok=False).output


@pytest.mark.parametrize("name", VENDORS)
def test_csp_prints_what_the_page_needs_one_directive_a_line(name: str) -> None:
    app = create_app(name)
    said = run(app, "csp", "/").stdout
    with app.test_request_context("/"):
        assert said.replace("\n", " ").strip() == chat_of(app).csp()
    assert said.startswith("script-src 'self' https://")
    assert all(line.endswith(";") for line in said.splitlines()[:-1])


def test_csp_merges_into_a_policy_of_ones_own(make_app: MakeApp) -> None:
    said = run(make_app(), "csp", "/", "--policy", "default-src 'none'; report-uri /csp").output
    assert said.startswith("default-src 'none';\nreport-uri /csp;\nscript-src 'self' https://client.crisp.chat;")


def test_csp_of_a_page_without_chat_says_so(make_app: MakeApp) -> None:
    app = make_app(LIVECHAT_RULES=[{"path": "/quiet", "show": False}])
    assert run(app, "csp", "/quiet").output == "/quiet carries no chat: nothing to add.\n"


def test_csp_knows_the_pages_own_vendor(make_app: MakeApp) -> None:
    app = make_app("crisp", **ALL_IDS, LIVECHAT_RULES=[{"path": "/help", "provider": "intercom"}])
    said = run(app, "csp", "/help").output
    assert "intercom" in said
    assert "crisp" not in said


def test_the_group_says_what_it_is_for(make_app: MakeApp) -> None:
    said = run(make_app(), "--help").output
    assert "explain" in said
    assert "csp" in said


@pytest.mark.needs("process")
@pytest.mark.parametrize(
    ("config", "command", "error"),
    [
        ("LIVECHAT_PROVIDER='crisp', LIVECHAT_SANDBOX=True", "livechat explain /", "LC106 LIVECHAT_SANDBOX: "),
        ("LIVECHAT_PROVIDER='crisp', LIVECHAT_SANDBOX=True", "run --port 0", "flask run --debug"),
        ("LIVECHAT_PROVIDER='crips'", "livechat explain /", "Did you mean 'crisp'?"),
        ("LIVECHAT_PROVIDER='crisp'", "run --port 0", "Set LIVECHAT_CRISP_WEBSITE_ID"),
        ("LIVECHAT_DATABASE_URL='mysql://shop'", "livechat db upgrade", "LC102 LIVECHAT_DATABASE_URL: "),
    ],
)
def test_a_wrong_configuration_is_said_without_a_traceback(
    tmp_path: Path, config: str, command: str, error: str
) -> None:
    (tmp_path / "app.py").write_text(
        "from flask import Flask; from flask_livechat import LiveChat; app = Flask(__name__);"
        f"app.config.update({config}); LiveChat(app)"
    )
    result = subprocess.run(
        [sys.executable, "-m", "flask", *command.split()],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "FLASK_DEBUG": "0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.startswith("Error: The live chat configuration has problems:\n  LC10")
    assert error in result.stderr
    assert "Traceback" not in result.stderr + result.stdout

"""A vendor that nobody has heard of is one folder: every part of the package knows it, and so do tests and docs.

Parley has the fewest facts that a vendor can have. Palaver, in ``tests/fourth_vendor/``, has all that one can have, and
each customer runs its server.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser
from werkzeug.serving import make_server

from docs import checks, tables
from flask_livechat import ConfigError, providers, sandbox, settings

from .conftest import Quiet, chat_of, create_app, log_in, page

ROOM = '''
"""Parley: the facts (as of never)."""

from flask_livechat import signing
from flask_livechat.providers.base import Key, Provider
from flask_livechat.providers.sanitize import cut, fit, without_empty, whole


def visitor(values, who):
    return without_empty(id=whole(who.id, 40), email=whole(who.email, 80), name=cut(who.name, 12))


def prove(values, who, now, life):
    secrets = values.get("SIGNING_KEY")
    return {"mac": signing.hmac_hex(secrets[0], f"{who.id}:{now + life}"), "until": now + life} if secrets else None


PROVIDER = Provider(
    name="parley",
    title="Parley",
    keys=(
        Key("ROOM_ID", r"p-[0-9]+", where="Parley > Rooms.", example="p-1", required=True),
        Key("SIGNING_KEY", r"[a-z]{8,}", where="Parley > Keys.", example="signingkey", secret=True),
    ),
    script=lambda values: f"https://cdn.parley.test/{values['ROOM_ID']}.js",
    csp=lambda values: {"script-src": ("https://cdn.parley.test",), "connect-src": ("wss://ws.parley.test",)},
    cookies=lambda values: ("parley_id", f"parley_{values['ROOM_ID']}"),
    storage=lambda values: ("parley.*",),
    settings=lambda values: {"room": values["ROOM_ID"]},
    visitor=visitor,
    prove=prove,
    attributes=lambda attributes: fit(attributes, lambda key: key.upper(), lambda value: value, 3),
    identity="SIGNING_KEY",
    elements=".acme-chat",
    crossorigin="anonymous",
    can=frozenset({"message"}),
)
'''
ADAPTER = "function adapter(vendor, core) {\n  return { start() { window.Parley = vendor.settings.room; } };\n}\n"
ROOT = Path(__file__).parent.parent
PALAVER = ROOT / "tests" / "fourth_vendor" / "palaver"
KEYS = {"LIVECHAT_PARLEY_ROOM_ID": "p-77", "LIVECHAT_PARLEY_SIGNING_KEY": "verysecretkey"}


@pytest.fixture(autouse=True)
def vendors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Both vendors in a folder of their own, which is all that is said to the package."""
    folder = tmp_path / "parley"
    folder.mkdir()
    (folder / "__init__.py").write_text(ROOM, "utf-8")
    (folder / "widget.js").write_text(ADAPTER, "utf-8")
    shutil.copytree(PALAVER, tmp_path / "palaver", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(providers, "__path__", [*providers.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    yield tmp_path
    providers.load.cache_clear()
    providers.record.cache_clear()
    for name in [name for name in sys.modules if re.match(r"flask_livechat\.providers\.(parley|palaver)\b", name)]:
        del sys.modules[name]
    for name in ("parley", "palaver"):
        providers.__dict__.pop(name, None)


def site(**config: Any) -> Flask:
    return create_app(None, **KEYS, LIVECHAT_PROVIDER="parley", **config)


def test_the_folder_is_the_registry() -> None:
    assert "parley" in providers.names()
    assert {"LIVECHAT_PARLEY_ROOM_ID", "LIVECHAT_PARLEY_SIGNING_KEY"} <= set(settings.keys())


def test_its_configuration_is_checked_as_any_other() -> None:
    with pytest.raises(ConfigError) as caught:
        create_app(None, LIVECHAT_PROVIDER="parly", LIVECHAT_PARLEY_ROOMID="p-1", LIVECHAT_PARLEY_SIGNING_KEY="5ECRET")
    found = str(caught.value)
    assert "Did you mean 'parley'?" in found
    assert "Did you mean LIVECHAT_PARLEY_ROOM_ID?" in found
    assert "is missing for Parley. Parley > Rooms." in found
    assert "5ECRET" not in found


def test_a_page_carries_it() -> None:
    said = page(log_in(site()))
    assert said["provider"] == "parley"
    assert said["settings"] == {"room": "p-77"}
    assert said["visitor"] == {"id": "42", "email": "ada@example.com", "name": "First Visito"}
    assert set(said["proof"]) == {"mac", "until"}
    assert set(said["context"]) == {"PATH", "ENDPOINT", "ACCOUNT_AGE_DAYS"}


def test_without_its_secret_the_visitor_stays_anonymous(caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(None, LIVECHAT_PROVIDER="parley", LIVECHAT_PARLEY_ROOM_ID="p-77")
    assert page(log_in(app))["visitor"] is None
    assert "LIVECHAT_PARLEY_SIGNING_KEY" in caplog.text


def test_its_scripts_are_served_with_its_address_written_in() -> None:
    client = site().test_client()
    path = re.findall(r'src="(/livechat/parley\.[0-9a-f]{8}\.js)"', client.get("/").text)[0]
    source = client.get(path).text
    second = client.get("/livechat/" + re.findall(r'"(parley-session\.[0-9a-f]{8}\.js)"', source)[0]).text
    assert json.dumps("https://cdn.parley.test/p-77.js") in second
    assert "window.Parley = vendor.settings.room;" in second
    assert "verysecretkey" not in source + second


def test_it_is_preloaded_as_it_is_fetched() -> None:
    html = site(LIVECHAT_RULES=[{"path": "/", "preload": True}]).test_client().get("/").text
    assert 'href="https://cdn.parley.test/p-77.js" crossorigin="anonymous"' in html


def test_a_logout_expires_its_cookies_and_names_it_in_the_mark() -> None:
    client = log_in(site())
    cookies = client.get("/logout").headers.getlist("Set-Cookie")
    assert [cookie for cookie in cookies if cookie.startswith("parley_id=;")]
    assert [cookie for cookie in cookies if cookie.startswith("parley_p-77=;")]
    assert [cookie for cookie in cookies if re.match(r"livechat_left=/livechat/parley\.\w{6};", cookie)]
    assert page(client)["left"] is True


def test_the_policy_allows_it() -> None:
    app = site()
    with app.test_request_context("/"):
        policy = app.extensions["livechat"].livechat.csp("default-src 'self'")
    assert policy == (
        "default-src 'self'; script-src 'self' https://cdn.parley.test; connect-src 'self' wss://ws.parley.test"
    )


def test_a_rule_can_name_it() -> None:
    app = create_app("crisp", **KEYS, LIVECHAT_RULES=[{"path": "/", "provider": "parley"}])
    assert page(app.test_client())["provider"] == "parley"


def test_the_identity_endpoint_answers_for_it() -> None:
    answer = log_in(site(LIVECHAT_IDENTITY_DELIVERY="fetch")).get("/livechat/identity?provider=parley").get_json()
    assert answer["visitor"]["id"] == "42"
    assert answer["proof"]["mac"]


def test_the_commands_know_it() -> None:
    runner = site().test_cli_runner()
    explained = runner.invoke(args=["livechat", "explain", "/", "--as", "42"])
    assert explained.exit_code == 0
    assert "chat by parley" in explained.output
    assert "mac, until" in explained.output
    assert "wss://ws.parley.test" in runner.invoke(args=["livechat", "csp", "/"]).output
    assert "verysecretkey" not in explained.output


def test_in_the_sandbox_a_vendor_without_a_stand_in_does_not_concern_others() -> None:
    app = create_app(None, LIVECHAT_PROVIDER="crisp", LIVECHAT_SANDBOX=True)
    assert page(app.test_client())["provider"] == "crisp"
    assert "parley" not in sandbox.names()


@pytest.mark.parametrize("config", [KEYS, {"LIVECHAT_PROVIDER": "parley"}, {**KEYS, "LIVECHAT_PROVIDER": "parley"}])
def test_the_sandbox_refuses_a_vendor_without_a_stand_in(config: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        create_app(None, **config, LIVECHAT_SANDBOX=True)
    assert "LC106 LIVECHAT_SANDBOX: Parley has no stand-in for the sandbox." in str(caught.value)
    assert "LIVECHAT_SANDBOX=True to start" not in str(caught.value)


# A complete vendor.


SUITES = (
    "test_contract",
    "browser/test_states",
    "desk/test_base_desk",
    "desk/test_stand_ins",
    "webhooks/test_circle",
    "webhooks/test_vendor_webhooks",
)


def test_the_contracts_of_all_vendors_hold_for_palaver(vendors: Path) -> None:
    """The widget's, the desk's, the webhooks' and the stand-in's, each written without a word about it."""
    files = [f"tests/{name}.py" for name in SUITES]
    options = ["-q", "-n", "0", "-p", "no:cacheprovider", "-p", "tests.fourth_vendor", "-k", "palaver"]
    command = [sys.executable, "-m", "pytest", *options, f"--basetemp={vendors / 'suites'}", *files]
    environment = {**os.environ, "VENDORS": str(vendors), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 100


def test_the_docs_tables_have_palaver(vendors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docs = vendors / "docs"
    shutil.copytree(ROOT / "docs", docs, ignore=shutil.ignore_patterns("images", "_build", "*.py"))
    for name in ("parley", "palaver"):
        shutil.copy(PALAVER.with_suffix(".rst"), docs / "vendors" / f"{name}.rst")
    monkeypatch.setattr(tables, "FOLDER", docs)
    made = {path.relative_to(docs).as_posix(): text for path, text in tables.pages().items()}
    own = made["vendors/palaver.rst"]
    assert re.search(r"``LIVECHAT_PALAVER_IDENTITY_SECRET``\s+identity\s+yes\s+Settings > Inboxes > Website", own)
    assert "``https://palaver.example.com`` ``wss://palaver.example.com``" in own
    assert "``palaver_<WEBSITE_TOKEN>``" in own
    assert f"5 of the desk's {len([*checks.methods()])} methods" in own
    assert "``LIVECHAT_PALAVER_BASE_URL``" in made["configuration.rst"]
    assert re.search(r"Crisp +Intercom +Palaver +Parley +Tawk", made["choosing.rst"])
    assert "Palaver" in checks.matrix()


PALAVER_KEYS = {
    "LIVECHAT_PALAVER_BASE_URL": "https://chat.shop.test:8443",
    "LIVECHAT_PALAVER_WEBSITE_TOKEN": "websiteToken1",
    "LIVECHAT_PALAVER_IDENTITY_SECRET": "a-secret-of-the-tests",
}


def test_the_policy_and_the_script_are_those_of_the_customers_own_server() -> None:
    app = create_app(None, LIVECHAT_PROVIDER="palaver", **PALAVER_KEYS)
    with app.test_request_context("/"):
        policy = chat_of(app).csp("default-src 'self'")
    assert "connect-src 'self' https://chat.shop.test:8443 wss://chat.shop.test:8443" in policy
    client = app.test_client()
    first = client.get(re.findall(r'src="(/livechat/palaver\.[0-9a-f]{8}\.js)"', client.get("/").text)[0]).text
    second = client.get("/livechat/" + re.findall(r'"(palaver-session\.[0-9a-f]{8}\.js)"', first)[0]).text
    assert '"https://chat.shop.test:8443/palaver/sdk.js"' in second


PASTED = """<!doctype html><title>Shop</title><body><script src="https://chat.shop.test/palaver/sdk.js"></script>
<script>palaver.identify({ id: "42", email: "ada@example.com" });</script></body>"""


def test_the_doctor_knows_its_snippets_and_an_identity_without_a_proof() -> None:
    app = create_app(None, LIVECHAT_PROVIDER="palaver", **PALAVER_KEYS)
    app.add_url_rule("/pasted", "pasted", lambda: PASTED)
    result = app.test_cli_runner().invoke(args=["livechat", "doctor", "--json"])
    findings = [(one["code"], one["what"]) for one in json.loads(result.output)["findings"]]
    assert [what for code, what in findings if code == "LC201"] == ["Palaver's own snippet"]
    assert "an id or an address for Palaver, with nothing that proves it" in dict(findings)["LC308"]
    assert "a-secret-of-the-tests" not in result.output


@pytest.mark.parametrize("record", [providers.Provider, providers.Key])
def test_the_walk_through_explains_each_field(record: type) -> None:
    page = (ROOT / "docs" / "adding-a-vendor.rst").read_text("utf-8")
    named = set(re.findall(r"``(\w+)``", page))
    assert {field.name for field in fields(record)} - {"name"} <= named


def test_the_walk_through_shows_the_files_of_palaver() -> None:
    page = (ROOT / "docs" / "adding-a-vendor.rst").read_text("utf-8")
    shown = re.findall(r"literalinclude:: \.\./(\S+)\n   :language: \w+\n(?:   :start-at: (.+)\n)?", page)
    for path, start in shown:
        assert start in (ROOT / path).read_text("utf-8")
    files = {path.name for path in PALAVER.iterdir() if path.suffix in (".py", ".js")}
    assert {Path(path).name for path, _ in shown} == files - {"sandbox.js"}


# In a browser.


@pytest.fixture
def served() -> Iterator[str]:
    """Where an app on Palaver's stand-in is served."""
    app = create_app(None, LIVECHAT_PROVIDER="palaver", LIVECHAT_SANDBOX=True, LIVECHAT_LOAD="eager")
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_visitor_chats_with_an_agent_and_a_logout_ends_it(served: str, launch: Callable[..., Browser]) -> None:
    context = launch().new_context()
    page, problems = context.new_page(), list[str]()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{served}/login/42")
    page.goto(served)
    page.wait_for_function("() => livechat.state === 'ready' && __livechat_sandbox.identity.verified")
    page.wait_for_function("() => __livechat_sandbox.attributes.path === '/'")
    page.evaluate("livechat.open('Is it')")
    page.get_by_label("Message", exact=True).fill("Is it in stock?")
    page.keyboard.press("Enter")
    page.wait_for_function("() => __livechat_sandbox.messages.length === 1")
    reply = {"session": page.evaluate("__livechat_sandbox.session"), "text": "It is."}
    assert page.request.post(f"{served}/livechat/sandbox/desk/reply", data=reply, headers={"Origin": served}).ok
    page.wait_for_function("() => __livechat_sandbox.messages.length === 2")
    assert [cookie["name"] for cookie in context.cookies() if cookie["name"].startswith("palaver_")]
    page.goto(f"{served}/logout")
    page.wait_for_function("() => livechat.state === 'ready' && !__livechat_sandbox.identity.verified")
    assert page.evaluate("__livechat_sandbox.messages") == []
    assert problems == []
    context.close()

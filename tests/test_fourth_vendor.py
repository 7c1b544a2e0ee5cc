"""A vendor that nobody has heard of: one folder, and every part of the widget wing knows it."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_livechat import ConfigError, providers, settings

from .conftest import create_app, log_in, page

ROOM = '''
"""Parley: the facts (as of never)."""

from flask_livechat import signing
from flask_livechat.providers import Key, Provider, cut, fit, given, whole


def visitor(values, who):
    return given(id=whole(who.id, 40), email=whole(who.email, 80), name=cut(who.name, 12))


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
KEYS = {"LIVECHAT_PARLEY_ROOM_ID": "p-77", "LIVECHAT_PARLEY_SIGNING_KEY": "verysecretkey"}


@pytest.fixture(autouse=True)
def parley(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The room in a folder of its own, which is all that is said to the package."""
    folder = tmp_path / "parley"
    folder.mkdir()
    (folder / "__init__.py").write_text(ROOM, "utf-8")
    (folder / "widget.js").write_text(ADAPTER, "utf-8")
    monkeypatch.setattr(providers, "__path__", [*providers.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    yield
    sys.modules.pop("flask_livechat.providers.parley", None)
    providers.__dict__.pop("parley", None)


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


def test_in_the_sandbox_a_room_without_a_stand_in_breaks_nothing() -> None:
    app = create_app(None, LIVECHAT_PROVIDER="crisp", LIVECHAT_SANDBOX=True)
    assert page(app.test_client())["provider"] == "crisp"

"""The vendors' official browser packages drive the stand-ins unchanged: so the stand-ins keep the vendors' contract."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_livechat import signing

from .conftest import VALUES, Net, Visit

JS = Path(__file__).parent.parent / "js"
Serve = Callable[[str], None]


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """A peer's file with all it imports in one script."""
    esbuild = JS / "node_modules" / ".bin" / "esbuild"
    if not esbuild.exists():
        missing = "The vendors' npm packages are missing; `make js` installs them where npm is."
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)

    def build(name: str) -> str:
        target = tmp_path_factory.mktemp("peers") / f"{name}.js"
        define = '--define:process.env.NODE_ENV="production"'
        command = [str(esbuild), f"peers/{name}.js", "--bundle", "--log-level=error", define, f"--outfile={target}"]
        subprocess.run(command, cwd=JS, check=True)
        return target.read_text("utf-8")

    return build


@pytest.fixture
def serve(net: Net, bundle: Callable[[str], str]) -> Serve:
    net.reset()

    def put(name: str) -> None:
        app = Flask("peer", static_folder=None)
        source = bundle(name)
        page = '<!doctype html><title>Peer</title><body><script defer src="/peer.js"></script>'
        app.add_url_rule("/", "page", lambda: page)
        app.add_url_rule("/peer.js", "peer", lambda: (source, {"Content-Type": "text/javascript"}))
        net.site = app

    return put


def test_crisp_sdk_web_drives_the_stand_in(serve: Serve, visit: Visit) -> None:
    serve("crisp")
    visit.go()
    signature = signing.hmac_hex(VALUES["crisp"]["IDENTITY_SECRET"][0], "visitor@example.com")
    visit.get(
        f"""(() => {{
          window.heard = [];
          peer.chat.onChatOpened(() => heard.push("opened"));
          peer.message.onMessageReceived((message) => heard.push(message.content));
          peer.user.setEmail("visitor@example.com", "{signature}");
          peer.user.setNickname("Visitor");
          peer.session.setData({{plan: "pro", seats: 3}});
          peer.session.setSegments(["beta"]);
          peer.load();
          peer.chat.open();
        }})()"""
    )
    visit.until("window.__livechat_sandbox && __livechat_sandbox.open && heard.includes('opened')")
    visit.until("__livechat_sandbox.identity.verified")
    visit.reply("an answer")
    visit.until("heard.includes('an answer')")
    visit.eventually(lambda: visit.desk()["attributes"].get("plan") == "pro")
    visit.eventually(lambda: visit.desk()["tags"] == ["beta"])
    assert visit.get("peer.chat.isChatOpened()") is True
    before = visit.snapshot()["session"]
    visit.get("peer.session.reset()")
    visit.until(f"__livechat_sandbox.session && __livechat_sandbox.session !== '{before}'")
    assert visit.snapshot()["identity"]["state"] == "anonymous"


def test_intercoms_messenger_js_sdk_drives_the_stand_in(serve: Serve, visit: Visit) -> None:
    serve("intercom")
    visit.go()
    digest = signing.hmac_hex(VALUES["intercom"]["IDENTITY_SECRET"][0], "42")
    visit.get(
        f"""(() => {{
          window.heard = [];
          peer.Intercom({{app_id: "{VALUES["intercom"]["APP_ID"]}", user_id: "42", email: "visitor@example.com",
                          user_hash: "{digest}"}});
          peer.onShow(() => heard.push("shown"));
          peer.onUnreadCountChange((count) => heard.push(count));
        }})()"""
    )
    visit.until("window.__livechat_sandbox && __livechat_sandbox.identity.verified")
    visit.get("peer.show()")
    visit.until("__livechat_sandbox.open && heard.includes('shown')")
    visit.get("peer.hide()")
    visit.until("!__livechat_sandbox.open")
    visit.reply("an answer")
    visit.until("heard.includes(1)")
    visit.get("peer.shutdown()")
    visit.until("__livechat_sandbox.booted === false")
    assert VALUES["intercom"]["APP_ID"] not in visit.get("document.cookie.match(/intercom-session[^;]*/) || ''")


def test_tawk_messenger_react_drives_the_stand_in(serve: Serve, visit: Visit) -> None:
    serve("tawk")
    visit.go()
    visit.until("window.heard && heard.some(([name]) => name === 'load')")
    visit.get("peer.current.maximize()")
    visit.until("__livechat_sandbox.open && heard.some(([name]) => name === 'maximized')")
    visit.get("peer.current.minimize()")
    visit.until("!__livechat_sandbox.open")
    set_attributes = "(given) => new Promise((done) => peer.current.setAttributes(given, (error) => done(error)))"
    assert not visit.page.evaluate(set_attributes, {"plan-tier": "pro"})
    visit.reply("an answer")
    visit.until("heard.some(([name, count]) => name === 'unread' && count === 1)")
    visit.eventually(lambda: visit.desk()["attributes"].get("plan-tier") == "pro")
    refusal = "[JSAPI/setAttributes]: Invalid key: plan_tier"
    assert visit.page.evaluate(set_attributes, {"plan_tier": "x"}) == refusal


def test_intercoms_sdk_reuses_our_loaders_queue(
    site: Callable[..., Any], bundle: Callable[[str], str], visit: Visit
) -> None:
    """An app that calls the official package beside us gets one script and one Messenger."""
    app = site("intercom", LOAD="eager")
    source = bundle("intercom")
    app.add_url_rule("/peer.js", "peer", lambda: (source, {"Content-Type": "text/javascript"}))
    visit.go()
    visit.ready()
    visit.page.add_script_tag(url="/peer.js")
    visit.get("peer.show()")
    visit.until("__livechat_sandbox.open")
    assert len([line for line in visit.net.asked("intercom") if "/widget/" in line]) == 1

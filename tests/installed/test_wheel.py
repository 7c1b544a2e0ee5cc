"""The package as users get it: run by ``make installed`` against the wheel, and by the suite against the source."""

from __future__ import annotations

import json
import re
from importlib import metadata, resources

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient

from flask_livechat import LiveChat, __version__, providers, sandbox


def _client(provider: str) -> FlaskClient:
    app = Flask(__name__)
    app.testing = True
    app.config.update(LIVECHAT_PROVIDER=provider, LIVECHAT_SANDBOX=True)
    LiveChat(app)
    app.add_url_rule("/", view_func=lambda: render_template_string("<p>{{ livechat() }}"))
    return app.test_client()


def test_the_version_is_the_distributions() -> None:
    assert metadata.version("flask-livechat") == __version__


def test_the_type_marker_is_inside() -> None:
    assert resources.files("flask_livechat").joinpath("py.typed").is_file()


@pytest.mark.parametrize("provider", providers.names())
def test_a_page_its_loader_and_the_stand_in_are_served(provider: str) -> None:
    client = _client(provider)
    html = client.get("/").text
    block = re.search(r'<script type="application/json" id="livechat">(.*?)</script>', html)
    assert block is not None
    assert json.loads(block[1])["provider"] == provider
    loader = re.search(r'<script defer="defer" src="([^"]+)"', html)
    assert loader is not None
    assert "function loader(" in client.get(loader[1]).text
    assert client.get(f"/livechat/sandbox/{provider}.js").status_code == 200
    assert client.get("/livechat/sandbox/").status_code == 200


def test_there_is_a_stand_in_for_every_room() -> None:
    assert sandbox.names() == providers.names()


def test_the_commands_answer() -> None:
    runner = _client("crisp").application.test_cli_runner()
    assert "chat by crisp" in runner.invoke(args=["livechat", "explain", "/"]).output
    assert "https://client.crisp.chat" in runner.invoke(args=["livechat", "csp", "/"]).output

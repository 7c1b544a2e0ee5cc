"""``livechat.desk()``: whose desk it is, and what is said where there is none."""

from __future__ import annotations

import subprocess
import sys

import pytest
from flask import Flask

from flask_livechat import ConfigError, LiveChatError

from ..conftest import ALL_IDS, chat_of, create_app
from .vendor import awaited

KEYS = {
    "LIVECHAT_CRISP_API_IDENTIFIER": "identifier",
    "LIVECHAT_CRISP_API_KEY": "the-key",
    "LIVECHAT_INTERCOM_ACCESS_TOKEN": "the-token",
}


def site(**config: object) -> Flask:
    return create_app("crisp", **{**ALL_IDS, **KEYS, **config})


def test_it_is_the_providers_or_the_one_that_is_named() -> None:
    app = site()
    with app.app_context():
        assert chat_of(app).desk().provider == "crisp"
        assert chat_of(app).desk("intercom").provider == "intercom"
        assert chat_of(app).async_desk("intercom").provider == "intercom"


def test_a_key_that_is_missing_is_named() -> None:
    app = site()
    with app.app_context(), pytest.raises(ConfigError, match="LIVECHAT_TAWK_REST_API_KEY: is needed for the desk"):
        chat_of(app).desk("tawk")


@pytest.mark.parametrize("name", ["tidio", ""])
def test_a_provider_that_is_not_configured_has_none(name: str) -> None:
    app = create_app(None)
    with app.app_context(), pytest.raises(ConfigError, match=r"is not configured|no provider is configured"):
        chat_of(app).desk(name)


def test_the_sandboxs_example_keys_are_sent_to_nobody() -> None:
    """Its desk talks to the stand-in in the same process: nothing leaves it."""
    app = create_app("crisp", secrets=False, LIVECHAT_SANDBOX=True)
    with app.app_context():
        assert list(chat_of(app).desk().conversations.list()) == []


def test_whoever_only_embeds_chat_does_not_load_it() -> None:
    code = "import sys, flask_livechat; sys.exit(any(name in sys.modules for name in ('httpx', 'stamina')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("missing", ["httpx", "stamina"])
@pytest.mark.parametrize("which", ["desk", "async_desk"])
def test_without_the_extra_it_says_what_to_install(which: str, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("flask_livechat.desk.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    app = site()
    with app.app_context(), pytest.raises(LiveChatError, match=r"pip install Flask-LiveChat\[desk\]"):
        getattr(chat_of(app), which)()


def test_an_async_desk_that_was_never_used_closes() -> None:
    app = site()

    async def whole() -> None:
        with app.app_context():
            async with chat_of(app).async_desk() as desk:
                assert desk.can("conversations.list")

    awaited(whole())

"""Our files answer from the page's own origin: on every host and subdomain, below every prefix, behind every proxy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string, request, url_for
from flask.testing import FlaskClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client

from flask_livechat import LiveChat

from .conftest import IDS, PAGE, SECRETS

CONFIG: dict[str, Any] = {
    **IDS["crisp"],
    **SECRETS["crisp"],
    "LIVECHAT_PROVIDER": "crisp",
    "LIVECHAT_SANDBOX": True,
    "LIVECHAT_CRISP_WEBHOOK_SECRET": "secret",
    "LIVECHAT_DATABASE_URL": "sqlite://",
    "SECRET_KEY": "k",
    "TESTING": True,
}
HOSTS = ("shop.test", "help.shop.test", "127.0.0.1:5000", "other.test:8443")


def serve(app: Flask, *, rule: dict[str, Any] | None = None, **places: Any) -> FlaskClient:
    app.config.update(CONFIG)
    LiveChat().init_app(app, **places)
    for place in [rule] if rule else [{}]:
        app.add_url_rule("/", "index", lambda **values: render_template_string(PAGE), **place)
    return app.test_client()


def by_host() -> Flask:
    return Flask("tests", host_matching=True, static_host="static.test")


def by_subdomain(**config: Any) -> Flask:
    app = Flask("tests", subdomain_matching=True)
    app.config.update(SERVER_NAME="shop.test", **config)
    return app


def script_of(html: str) -> str:
    found = re.findall(r'<script defer src="([^"]*)"', html)
    assert len(found) == 1, html
    return str(found[0])


def assert_our_files_answer(client: Any, base: str, page: str = "/") -> None:
    """What a browser at this page asks for, from the page's own origin."""
    html = client.get(page, base_url=base).text
    src = script_of(html)
    assert re.fullmatch(r"/[^/\\].*", src), src
    answer = client.get(src, base_url=base)
    assert (answer.status_code, answer.mimetype) == (200, "text/javascript")
    home = src.rpartition("/")[0]
    identity = client.get(f"{home}/identity?provider=crisp", base_url=base)
    assert (identity.status_code, identity.mimetype) == (200, "application/json")
    assert client.get(f"{home}/sandbox/crisp.js", base_url=base).status_code == 200
    assert f'"{home}/sandbox/api/crisp"' in client.get(f"{home}/sandbox/crisp.js", base_url=base).text
    assert client.head(f"{home}/webhooks/crisp", base_url=base).status_code == 200


@pytest.mark.parametrize("host", HOSTS)
def test_with_host_matching_every_host_answers(host: str) -> None:
    client = serve(by_host(), rule={"host": "<host>"})
    assert_our_files_answer(client, f"http://{host}/")


@pytest.mark.parametrize("host", ["shop.test", "help.shop.test", "a.b.shop.test"])
def test_with_subdomain_matching_every_subdomain_answers(host: str) -> None:
    app = by_subdomain()
    client = serve(app, rule={"subdomain": ""})
    app.add_url_rule("/", "of_subdomain", lambda name: render_template_string(PAGE), subdomain="<name>")
    assert_our_files_answer(client, f"http://{host}/")


def test_with_subdomain_matching_a_foreign_host_answers_too() -> None:
    """Since Flask 3.1 an app also answers on hosts that SERVER_NAME does not name."""
    app = by_subdomain()
    client = serve(app)
    with pytest.warns(UserWarning, match="match configured server name"):
        assert client.get("/livechat/identity?provider=crisp", base_url="http://127.0.0.1/").status_code == 200


def test_the_host_is_no_argument_of_a_view_of_ours_and_none_of_another() -> None:
    app = by_host()
    client = serve(app, rule={"host": "<host>"})
    seen: list[Any] = []
    app.after_request(lambda response: (seen.append(dict(request.view_args or {})), response)[1])
    client.get("/livechat/identity?provider=crisp", base_url="http://a.test/")
    client.get("/", base_url="http://a.test/")
    assert seen == [{}, {"host": "a.test"}]


def test_an_app_may_choose_the_hosts() -> None:
    client = serve(by_host(), rule={"host": "<host>"}, host=["a.test", "b.test"])
    for name in ("a.test", "b.test"):
        assert_our_files_answer(client, f"http://{name}/")
    assert client.get("/livechat/identity?provider=crisp", base_url="http://c.test/").status_code == 404


def test_an_app_may_choose_the_subdomain() -> None:
    client = serve(by_subdomain(), rule={"subdomain": "help"}, subdomain="help")
    assert_our_files_answer(client, "http://help.shop.test/")
    assert client.get("/livechat/identity?provider=crisp", base_url="http://shop.test/").status_code == 404


@pytest.mark.parametrize("places", [{"host": "a.test"}, {"subdomain": "help"}])
def test_a_host_that_would_never_match_is_refused_at_start(places: dict[str, str]) -> None:
    app = Flask("tests")
    app.config.update(CONFIG)
    with pytest.raises(ValueError, match="needs Flask"):
        LiveChat().init_app(app, **places)
    with pytest.raises(ValueError, match="subdomain_matching"):
        LiveChat().init_app(by_host(), subdomain="help")


def test_url_for_finds_our_pages_on_the_host_that_is_asked() -> None:
    for app, base in ((by_host(), "http://a.test/"), (by_subdomain(), "http://help.shop.test/")):
        serve(app)
        with app.test_request_context("/", base_url=base):
            assert url_for("livechat_sandbox.desk_page") == "/livechat/sandbox/"
            assert url_for("livechat_metrics.page", _external=True) == f"{base}livechat/metrics"
    with app.test_request_context("/", base_url="http://shop.test/"):
        assert url_for("livechat_metrics.page") == "/livechat/metrics"


@pytest.mark.parametrize(
    ("config", "places", "own"),
    [
        ({}, {}, "http://localhost/"),
        ({"SERVER_NAME": "shop.test:5000"}, {}, "http://shop.test:5000/"),
        ({"TRUSTED_HOSTS": [".shop.test", "shop.test"]}, {}, "http://shop.test/"),
        ({}, {"host": ["a.test", "b.test"]}, "http://a.test/"),
        ({"SERVER_NAME": "shop.test"}, {"subdomain": "help"}, "http://help.shop.test/"),
    ],
)
def test_webhooks_of_the_sandbox_reach_the_app(config: dict[str, Any], places: dict[str, Any], own: str) -> None:
    app = by_host() if "host" in places else Flask("tests", subdomain_matching="subdomain" in places)
    app.config.update(config)
    serve(app, **places)
    sender = app.extensions["livechat"].runtime.sandbox_sender
    assert sender.url == own
    assert Client(app).head(f"{sender.prefix}/crisp", base_url=sender.url).status_code == 200


def test_pages_of_two_hosts_are_kept_apart() -> None:
    client = serve(by_host(), rule={"host": "<host>"})
    pages = {host: client.get("/", base_url=f"http://{host}/").text for host in HOSTS}
    assert {script_of(html) for html in pages.values()} == {script_of(pages["shop.test"])}
    assert not any(host in html for host in HOSTS for html in pages.values())


# Below a prefix.


def test_behind_a_proxy_with_a_prefix() -> None:
    app = Flask("tests")
    client = serve(app)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_prefix=1, x_host=1)  # type: ignore[method-assign]
    headers = {"X-Forwarded-Prefix": "/shop", "X-Forwarded-Host": "www.example.com"}
    assert script_of(client.get("/", headers=headers).text).startswith("/shop/livechat/crisp.")


@pytest.mark.parametrize(
    "prefix",
    ["//evil.test", "///evil.test", "////evil.test", "/\\evil.test", "\\\\evil.test", "/\t/evil.test", "x://e"],
)
def test_no_prefix_makes_another_host_of_an_address(prefix: str) -> None:
    client = serve(Flask("tests"))
    for path in ("/", "/livechat/sandbox/crisp.js"):
        html = client.get(path, environ_overrides={"SCRIPT_NAME": prefix}).text
        for address in re.findall(r'(?:src="|start\(")([^"]*)"', html):
            assert re.match(r"/[^/\\\t]", address), address


def test_mounted_below_another_app() -> None:
    app = Flask("tests")
    serve(app)
    client = Client(DispatcherMiddleware(Flask("root"), {"/shop": app}))
    assert_our_files_answer(client, "http://www.shop.test/", "/shop/")


def test_below_an_application_root() -> None:
    app = Flask("tests")
    app.config["APPLICATION_ROOT"] = "/shop"
    client = serve(app)
    src = script_of(client.get("/", base_url="http://localhost/shop/").text)
    assert src.startswith("/shop/livechat/crisp.")
    assert client.get(src.removeprefix("/shop"), base_url="http://localhost/shop/").status_code == 200


# What comes with other extensions, found at the first request.


@pytest.fixture
def vendored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A copy of Flask-Login within an app's own package, as some applications have it."""
    import shutil
    import sys

    import flask_login

    package = tmp_path / "an_app_with_a_copy" / "vendor"
    shutil.copytree(Path(flask_login.__file__).parent, package / "login")
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    from an_app_with_a_copy.vendor import login  # type: ignore[import-not-found]

    yield login
    for name in [name for name in sys.modules if name.startswith("an_app_with_a_copy")]:
        del sys.modules[name]


def test_a_logout_through_a_copy_of_flask_login_ends_the_chat(vendored: Any) -> None:
    app = Flask("tests")
    client = serve(app)

    class Manager(vendored.LoginManager):  # type: ignore[misc]
        """Of the app's own."""

    class User(vendored.UserMixin):  # type: ignore[misc]
        id, email = "42", "ada@example.com"

    Manager(app).user_loader(lambda _: User())
    app.add_url_rule("/login", "login", lambda: str(vendored.login_user(User())))
    app.add_url_rule("/logout", "logout", lambda: str(vendored.logout_user()))
    client.get("/login")
    response = client.get("/logout")
    assert any(line.startswith("livechat_left=") for line in response.headers.getlist("Set-Cookie"))


def test_no_request_of_the_app_pays_for_csrf_protection() -> None:
    app = Flask("tests")
    serve(app)
    assert not app.before_request_funcs.get(None)


def test_calls_without_a_login_are_exempt_from_csrf_protection_that_comes_later() -> None:
    from flask_wtf import CSRFProtect

    app = Flask("tests")
    client = serve(app)
    CSRFProtect(app)
    app.add_url_rule("/form", "form", lambda: "sent", methods=["POST"])
    assert client.post("/livechat/opens", json={"provider": "crisp", "open": 1}).status_code == 204
    assert client.post("/livechat/webhooks/crisp", data=b"{}").status_code == 401
    assert client.post("/livechat/sandbox/api/crisp/session", json={}).status_code == 200
    assert client.post("/form").status_code == 400

"""The served scripts: two files per vendor, named by their content, with what may be fetched written in."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import brotli
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from flask_livechat import LiveChat, providers
from flask_livechat.widget import assets

from .conftest import ALL_IDS, SECRETS, VENDORS, create_app, log_in

MakeApp = Callable[..., Flask]
SOURCES = [
    assets.LOADER,
    assets.SESSION,
    assets.BUTTON,
    assets.PANEL,
    *((providers.adapter(name),) for name in VENDORS),
]
ADDRESSES = {
    "tawk": "https://embed.tawk.to/58ca8453b8a7e060cd3b1ecb/default",
    "crisp": "https://client.crisp.chat/l.js",
    "intercom": "https://widget.intercom.io/widget/abc12345",
}


def address(app: Flask) -> str:
    """Where the page says its script is."""
    found = re.search(r'src="([^"]+)"', app.test_client().get("/").text)
    assert found
    return found[1]


def second(app: Flask) -> str:
    """Where the first file fetches the second."""
    found = re.search(r'"session":"([^"]+)"', fetch(app).text)
    assert found
    return f"/livechat/{found[1]}"


def fetch(app: Flask, path: str | None = None, accept: str | None = None, **headers: str) -> TestResponse:
    given = headers | ({"Accept-Encoding": accept} if accept is not None else {})
    return app.test_client().get(path or address(app), headers=given)


@pytest.mark.parametrize("name", VENDORS)
def test_the_page_names_a_script_that_is_there_and_may_be_kept_for_ever(name: str) -> None:
    response = fetch(create_app(name))
    assert response.status_code == 200
    assert response.mimetype == "text/javascript"
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Accept-Encoding" in response.headers["Vary"]


@pytest.mark.parametrize("name", VENDORS)
def test_the_name_holds_the_digest_of_the_content(name: str) -> None:
    app = create_app(name)
    digest = hashlib.sha256(fetch(app).data).hexdigest()
    assert re.fullmatch(rf"/livechat/{name}\.{digest[:8]}\.js", address(app))


def test_another_configuration_has_another_digest_and_the_same_one_the_same() -> None:
    one, same, other = (
        address(create_app("intercom", LIVECHAT_INTERCOM_REGION=region)) for region in ("us", "us", "eu")
    )
    assert one == same != other


def test_an_old_digest_is_answered_with_todays_file_that_nobody_keeps(make_app: MakeApp) -> None:
    app = make_app()
    today, old = fetch(app), fetch(app, "/livechat/crisp.00000000.js")
    assert old.status_code == 200
    assert old.data == today.data
    assert old.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["tawk.00000000.js", "zendesk.00000000.js", "crisp.js", "crisp.00000000.css", "..js"])
def test_what_is_not_configured_is_not_found(make_app: MakeApp, path: str) -> None:
    assert fetch(make_app(), f"/livechat/{path}").status_code == 404


# Compression.


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        ("br, gzip", "br"),
        ("gzip, deflate, br", "br"),
        ("br;q=0.1, gzip", "br"),
        ("gzip", "gzip"),
        ("gzip, br;q=0", "gzip"),
        ("deflate", None),
        ("identity", None),
        ("gzip;q=0, br;q=0", None),
        ("", None),
        (None, None),
        ("nonsense;;;q=x", None),
    ],
)
def test_the_script_is_compressed_as_the_client_takes_it(
    make_app: MakeApp, accept: str | None, encoding: str | None
) -> None:
    app = make_app()
    response = fetch(app, accept=accept)
    unpack: dict[str | None, Callable[[bytes], bytes]] = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}
    assert response.headers.get("Content-Encoding") == encoding
    assert unpack[encoding](response.data) == fetch(app).data
    assert response.content_length == len(response.data)


def test_without_the_brotli_package_gzip_is_sent(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "brotli", None)
    assert fetch(make_app(), accept="br, gzip").headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("name", VENDORS)
def test_the_compressed_script_is_small(name: str) -> None:
    assert len(fetch(create_app(name), accept="br, gzip").data) < 10_000


def test_the_same_build_compresses_to_the_same_bytes() -> None:
    assert fetch(create_app("crisp"), accept="gzip").data == fetch(create_app("crisp"), accept="gzip").data


# Revalidation.


def test_a_copy_that_is_fresh_is_not_sent_again(make_app: MakeApp) -> None:
    app = make_app()
    old = "/livechat/crisp.00000000.js"
    for path in (address(app), old):
        etag = fetch(app, path, accept="gzip").headers["ETag"]
        response = fetch(app, path, accept="gzip", **{"If-None-Match": etag})
        assert (response.status_code, response.data) == (304, b"")
        assert response.headers["ETag"] == etag
        assert response.headers["Cache-Control"]


def test_each_encoding_has_its_own_etag(make_app: MakeApp) -> None:
    app = make_app()
    etags = [fetch(app, accept=accept).headers["ETag"] for accept in ("br", "gzip", "identity")]
    assert len(set(etags)) == 3
    assert fetch(app, accept="br", **{"If-None-Match": etags[1]}).status_code == 200


def test_asking_for_the_head_alone_says_the_same(make_app: MakeApp) -> None:
    app = make_app()
    response = app.test_client().head(address(app))
    assert response.status_code == 200
    assert response.data == b""
    assert response.headers["ETag"] == fetch(app).headers["ETag"]


def test_the_script_neither_reads_nor_sets_a_cookie(make_app: MakeApp) -> None:
    app = make_app()
    response = log_in(app).get(address(app))
    assert "Set-Cookie" not in response.headers
    assert "Cookie" not in response.headers["Vary"]


# What is in it.


@pytest.mark.parametrize("name", VENDORS)
def test_the_address_of_the_vendors_script_is_written_in_and_no_other_vendors(name: str) -> None:
    app = create_app(name, **ALL_IDS)
    source = fetch(app).text + fetch(app, second(app)).text
    assert json.dumps(ADDRESSES[name]) in source
    for other in set(VENDORS) - {name}:
        assert other not in source.lower()


def test_a_hostile_workspace_id_cannot_move_the_scripts_address() -> None:
    hostile = "../../evil?x#</script>"
    app = create_app("intercom", LIVECHAT_INTERCOM_APP_ID=hostile)
    source = fetch(app, second(app)).text
    assert '"https://widget.intercom.io/widget/..%2F..%2Fevil%3Fx%23%3C%2Fscript%3E"' in source


@pytest.mark.parametrize("name", VENDORS)
def test_the_script_holds_no_secret(name: str) -> None:
    (secret,) = SECRETS[name].values()
    for accept in ("br", "gzip", "identity"):
        assert secret.encode() not in fetch(create_app(name), accept=accept).data
    assert secret not in fetch(create_app(name)).text


@pytest.mark.parametrize("name", VENDORS)
def test_the_core_comes_with_the_page_and_the_session_and_the_adapter_with_the_vendor(name: str) -> None:
    app = create_app(name)
    core, rest = fetch(app).text, fetch(app, second(app)).text
    for source in (core, rest):
        assert source.startswith('(() => {\n"use strict";\n')
        assert source.rstrip().endswith("})();")
    assert assets.short(assets.LOADER) in core
    for part in (assets.SESSION, (providers.adapter(name),)):
        assert assets.short(part) in rest
        assert assets.short(part) not in core


@pytest.mark.parametrize("name", VENDORS)
def test_the_second_file_is_named_by_its_content_and_may_be_kept_for_ever(name: str) -> None:
    app = create_app(name)
    response = fetch(app, second(app))
    digest = hashlib.sha256(response.data).hexdigest()
    assert second(app) == f"/livechat/{name}-session.{digest[:8]}.js"
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "sources",
    SOURCES,
    ids=lambda paths: f"{paths[0].parent.name}/{paths[0].name}",
)
def test_what_is_served_was_made_of_todays_source(sources: tuple[Path, ...]) -> None:
    stamp = sources[0].with_suffix(".min.js").read_text("utf-8").partition("\n")[0]
    text = "".join(source.read_text("utf-8") for source in sources)
    assert stamp == f"// {assets.digest(text)}", "run `make minify`"


@pytest.mark.needs("process")
def test_every_process_of_a_site_names_the_files_alike() -> None:
    code = (
        "from tests.conftest import create_app, VENDORS\n"
        "files = [create_app(name).extensions['livechat'].scripts.values() for name in VENDORS]\n"
        "print([script.address for scripts in files for script in scripts])"
    )
    answers = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent.parent,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    ]
    assert "-session." in answers[0]
    assert len(set(answers)) == 1


def test_while_a_source_is_newer_it_is_served_itself(tmp_path: Path) -> None:
    source = tmp_path / "loader.js"
    source.write_text("/** What it does. */\nfunction loader() {}\n", "utf-8")
    source.with_suffix(".min.js").write_text("// 0000000000000000\nfunction loader(){old()}\n", "utf-8")
    assert assets.short([source]) == "function loader() {}"
    source.with_suffix(".min.js").write_text(
        f"// {assets.digest(source.read_text('utf-8'))}\nfunction loader(){{}}\n", "utf-8"
    )
    assert assets.short([source]) == "function loader(){}"


def test_squeezing_takes_comments_and_indentation_and_nothing_else() -> None:
    source = (
        '/** What it does.\n * @param {string} x */\n  // a remark\n\n    const a = "http://x"; // kept\n\tif (a) {}\n'
    )
    assert assets.squeeze(source) == 'const a = "http://x"; // kept\nif (a) {}'


def test_no_line_of_ours_begins_with_a_comment_and_goes_on_with_code() -> None:
    # Squeezing would take all that follows, up to the end of the next comment.
    for path in chain(*SOURCES):
        assert not re.search(r"^[ \t]*/\*.*\*/[ \t]*\S", path.read_text("utf-8"), re.MULTILINE)


def test_nothing_of_the_browser_runs_text_as_code() -> None:
    for path in chain(*SOURCES):
        source = path.read_text("utf-8")
        assert not re.search(r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write", source)


@pytest.mark.parametrize(("config", "domain"), [({}, None), ({"LIVECHAT_COOKIE_DOMAIN": "example.com"}, "example.com")])
def test_the_cookie_domain_is_written_in(make_app: MakeApp, config: dict[str, Any], domain: str | None) -> None:
    app = make_app(**config)
    assert f'"domain":{json.dumps(domain)}' in fetch(app, second(app)).text


def test_two_apps_serve_their_own_files() -> None:
    livechat, found = LiveChat(), []
    for number in ("1", "2"):
        app = Flask(number)
        app.config.update(LIVECHAT_PROVIDER="intercom", LIVECHAT_INTERCOM_APP_ID=f"app{number}", TESTING=True)
        livechat.init_app(app)
        found.append(fetch(app, "/livechat/intercom-session.00000000.js").text)
    assert "widget/app1" in found[0]
    assert "widget/app2" in found[1]

"""The articles' own pages: who may cache them, where they lead, and what they never do."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from flask_login import LoginManager, login_user
from flask_wtf import CSRFProtect

from flask_livechat import ConfigError, LiveChat
from tests.conftest import USERS, chat_of

Make = Callable[..., Flask]
CARD = """---
title: Why was my card declined?
description: What to check.
moved_from: [billing/old]
---
The bank refuses it. See [refunds](refunds.md#how-long), [prices](/), ![a card](../../images/card.png).

<b>bold</b> [x](javascript:alert(1)) [y](../../../secret.md)
"""
FILES = {
    "en/billing/card-declined.md": CARD,
    "en/billing/refunds.md": "# Get a refund\n\nWe give **money** back.\n\n## How long\n\nA week.",
    "en/billing/index.md": "---\ntitle: Payment\ndescription: All about it.\n---\n",
    "en/billing/secret-plan.md": "---\ntitle: Why is there a new plan?\nstate: draft\n---\nSoon.",
    "de/billing/card-declined.md": "# Warum wurde meine Karte abgelehnt?\n\nDie Bank will nicht.",
    "ar/billing/refunds.md": "# كيف أسترد أموالي؟\n\nخلال أسبوع.",
    "images/card.png": "no real picture",
    "images/drawing.svg": "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
}


def write(root: Path, files: dict[str, str] = FILES) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(files: dict[str, str] = FILES, **config: Any) -> Flask:
        app = Flask("tests", instance_path=str(tmp_path / "instance"), template_folder=str(tmp_path / "templates"))
        folder = str(write(tmp_path / "help", files))
        app.config.update(
            TESTING=True, SECRET_KEY="of the tests", LIVECHAT_ARTICLES=folder, LIVECHAT_ARTICLE_PAGES=True
        )
        app.config.update(config)
        app.add_url_rule("/", "index", lambda: "")
        LiveChat(app)
        return app

    return make


@pytest.fixture
def app(make: Make) -> Flask:
    return make()


def soup(client: FlaskClient, path: str) -> BeautifulSoup:
    response = client.get(path)
    assert response.status_code == 200, path
    return BeautifulSoup(response.text, "html.parser")


def test_an_article_is_a_page_with_one_title_and_its_links_resolved(client: FlaskClient) -> None:
    page = soup(client, "/livechat/help/en/billing/card-declined")
    assert [h1.text for h1 in page.find_all("h1")] == ["Why was my card declined?"]
    links = {a.text: a["href"] for a in page.select(".text a")}
    assert links == {"refunds": "/livechat/help/en/billing/refunds#how-long", "prices": "/"}
    assert [image["src"] for image in page.select(".text img")] == ["/livechat/help/images/card.png"]
    assert not page.select(".text b")
    assert "<b>bold</b>" in page.select(".text")[0].text
    assert soup(client, links["refunds"]).select("#how-long")


def test_pages_are_cacheable_for_everybody_and_have_an_etag(client: FlaskClient) -> None:
    for path in ("", "?q=card", "/en/billing/", "/en/billing/refunds"):
        response = client.get(f"/livechat/help{path}")
        assert response.headers["Cache-Control"] == "public, max-age=300"
        assert "Cookie" not in response.headers.get("Vary", "")
        again = client.get(f"/livechat/help{path}", headers={"If-None-Match": response.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")


def test_no_page_has_inline_code_or_style(client: FlaskClient) -> None:
    for path in ("", "?q=card", "/en/billing/", "/en/billing/card-declined", "/ar/billing/refunds"):
        page = soup(client, f"/livechat/help{path}")
        assert not page.find_all("style")
        assert all(script.get("src") for script in page.find_all("script"))
        names = [name for element in page.find_all(True) for name in element.attrs]
        assert not [name for name in names if name == "style" or name.startswith("on")]


def test_the_pages_of_an_app_that_escapes_nothing_by_itself_are_the_same(make: Make) -> None:
    files = FILES | {"en/billing/hostile.md": "---\ntitle: <img src=x>\ndescription: <img src=y>\n---\nText."}
    apps = make(files), make(files)
    apps[1].jinja_env.autoescape = False
    for path in ("", "?q=%3Cimg+src%3Dx%3E+card", "/en/billing/", "/en/billing/hostile", "/en/billing/card-declined"):
        usual, other = (app.test_client().get(f"/livechat/help{path}").text for app in apps)
        assert usual == other, path
        assert "<img src=" not in usual.replace('<img src="/livechat/help/images', "")


def test_the_search_works_without_javascript_and_keeps_the_question(client: FlaskClient) -> None:
    page = soup(client, "/livechat/help?q=%22card%22+<script>&locale=en")
    assert [a["href"] for a in page.select(".results a")] == ["/livechat/help/en/billing/card-declined"]
    assert page.select("input[name=q]")[0]["value"] == '"card" <script>'
    assert page.select('meta[name="robots"]')[0]["content"] == "noindex"
    long = soup(client, f"/livechat/help?q={'x' * 5000}")
    assert long.select("input[name=q]")[0]["value"] == "x" * 120
    nothing = soup(client, "/livechat/help?q=penguins")
    assert "No article answers that." in nothing.text


def test_a_draft_is_neither_read_nor_found(client: FlaskClient) -> None:
    assert client.get("/livechat/help/en/billing/secret-plan").status_code == 404
    assert "secret-plan" not in client.get("/livechat/help?q=new+plan").text


def test_a_moved_article_is_at_its_new_address_for_good(client: FlaskClient) -> None:
    response = client.get("/livechat/help/en/billing/old")
    assert (response.status_code, response.location) == (301, "/livechat/help/en/billing/card-declined")


MOVED = "---\ntitle: How do I pay?\nmoved_from: [pay]\n---\nBy card."


@pytest.mark.parametrize(
    ("files", "status", "place"),
    [
        ({"de/billing/pay.md": "# Wie zahle ich?\n\nMit Karte."}, 301, "de/billing/pay"),
        ({"de/other.md": "# Wie geht das?\n\nSo."}, 302, "en/billing/pay"),
        ({"de/other.md": "# Wie geht das?\n\nSo.", "ar/pay.md": "# كيف أدفع؟\n\nx"}, 302, "en/billing/pay"),
        ({"de/pay.md": "# Wie zahle ich?\n\nMit Karte."}, 200, None),
    ],
)
def test_a_move_in_one_language_is_one_in_those_that_do_not_say_it(
    make: Make, files: dict[str, str], status: int, place: str | None
) -> None:
    client = make({"en/billing/pay.md": MOVED, **files}).test_client()
    response = client.get("/livechat/help/de/pay")
    assert (response.status_code, response.location) == (status, place and f"/livechat/help/{place}")
    old = client.get("/livechat/help/en/pay")
    assert (old.status_code, old.location) == (301, "/livechat/help/en/billing/pay")


def test_an_article_that_a_language_lacks_is_read_in_another(client: FlaskClient) -> None:
    response = client.get("/livechat/help/de/billing/refunds")
    assert (response.status_code, response.location) == (302, "/livechat/help/en/billing/refunds")


def test_a_link_leads_to_where_an_article_is_read_and_never_to_a_draft(make: Make) -> None:
    files = {
        "en/a.md": "# How?\n\n[elsewhere](b.md#x), [draft](c.md), ![no image](b.md)",
        "en/b.md": "---\ntitle: How do I pay?\nurl: https://help.example.com/pay\n---\nBy card.",
        "en/c.md": "---\ntitle: How do I end?\nstate: draft\n---\nSoon.",
    }
    response = make(files).test_client().get("/livechat/help/en/a", environ_overrides={"SCRIPT_NAME": "/shop"})
    (text,) = BeautifulSoup(response.text, "html.parser").select(".text")
    assert {a.text: a["href"] for a in text.find_all("a")} == {"elsewhere": "https://help.example.com/pay#x"}
    assert not text.find_all("img")
    assert "draft, no image" in text.text


def test_a_category_lists_those_within_it_each_apart(make: Make) -> None:
    files = {
        "en/billing/a.md": "# How a?\n\nx",
        "en/billing/cards/b.md": "# How b?\n\nx",
        "en/billing-old/c.md": "# How c?\n\nx",
    }
    page = soup(make(files).test_client(), "/livechat/help/en/billing/")
    assert [heading.text for heading in page.find_all("h2")] == ["Billing", "Cards"]
    assert [a.text for a in page.select("section li a")] == ["How a?", "How b?"]


def test_a_translation_that_is_read_elsewhere_is_no_alternate_of_a_page(make: Make) -> None:
    elsewhere = "---\ntitle: Wie?\nurl: https://help.example.com/de/a\n---\nSo."
    files = {"en/a.md": "# How?\n\nx", "de/a.md": elsewhere, "ar/a.md": "# كيف؟\n\nx"}
    page = soup(make(files).test_client(), "/livechat/help/en/a")
    assert {link["hreflang"] for link in page.select("link[rel=alternate]")} == {"en", "ar"}


def test_languages_know_each_other_and_have_their_direction(client: FlaskClient) -> None:
    page = soup(client, "/livechat/help/de/billing/card-declined")
    assert {link["hreflang"] for link in page.select("link[rel=alternate]")} == {"de", "en"}
    assert page.html is not None
    assert (page.html["lang"], page.html["dir"]) == ("de", "ltr")
    assert soup(client, "/livechat/help?locale=de").select("nav")[0]["aria-label"] == "Sprachen"
    arabic = soup(client, "/livechat/help/ar/billing/refunds")
    assert arabic.html is not None
    assert arabic.html["dir"] == "rtl"


@pytest.mark.parametrize(
    "path",
    [
        "en/billing/card-declined.md", "en/../../secret", "%2e%2e/%2e%2e/etc/passwd", "..%2f..%2fetc/passwd",
        "en/nope/",
        "images/none.png", "en//etc/passwd", "xx/", "human/x", "..", "en/billing/index", "en/%00",
    ],
)  # fmt: skip
def test_what_is_no_article_is_not_found(client: FlaskClient, path: str) -> None:
    assert client.get(f"/livechat/help/{path}").status_code in (404, 308)


def test_an_image_is_sent_and_runs_nothing(client: FlaskClient) -> None:
    assert client.get("/livechat/help/images/card.png").mimetype == "image/png"
    drawing = client.get("/livechat/help/images/drawing.svg")
    assert drawing.headers["Content-Security-Policy"].endswith("sandbox")
    assert drawing.headers["X-Content-Type-Options"] == "nosniff"


def test_without_own_pages_only_images_are_served(make: Make) -> None:
    client = make(LIVECHAT_ARTICLE_PAGES=False).test_client()
    assert client.get("/livechat/help/images/card.png").status_code == 200
    assert client.get("/livechat/help/en/billing/refunds").status_code == 404
    assert client.get("/livechat/help").status_code == 404


def test_the_canonical_address_is_the_sites_or_the_one_elsewhere(make: Make) -> None:
    elsewhere = "---\ntitle: How do I pay?\nurl: https://help.example.com/pay\n---\nBy card."
    files = {**FILES, "en/pay.md": elsewhere}
    app = make(files, LIVECHAT_SITE_URL="https://shop.example.com")
    for path, url in {
        "pay": "https://help.example.com/pay",
        "billing/refunds": "https://shop.example.com/livechat/help/en/billing/refunds",
    }.items():
        page = soup(app.test_client(), f"/livechat/help/en/{path}")
        assert page.select("link[rel=canonical]")[0]["href"] == url


def test_a_forged_host_reaches_no_page(client: FlaskClient) -> None:
    response = client.get("/livechat/help/en/billing/refunds", headers={"Host": "evil.example"})
    assert "evil.example" not in response.text


def test_pages_below_a_prefix_link_below_it_and_to_no_other_host(make: Make) -> None:
    client = make().test_client()
    for root, prefix in {"/shop": "/shop", "//evil.example": "", "/a\t/b": "/a/b"}.items():
        response = client.get("/livechat/help/en/billing/card-declined", environ_overrides={"SCRIPT_NAME": root})
        page = BeautifulSoup(response.text, "html.parser")
        assert "evil" not in response.text
        assert page.select(".text a")[0]["href"] == f"{prefix}/livechat/help/en/billing/refunds#how-long"
        canonical = page.select("link[rel=canonical]")[0]["href"]
        assert canonical == f"{prefix}/livechat/help/en/billing/card-declined"


def test_a_page_says_the_same_to_everybody(make: Make) -> None:
    app = make(LIVECHAT_SANDBOX=True, LIVECHAT_PROVIDER="crisp")
    LoginManager(app).user_loader(USERS.get)
    app.add_url_rule("/login/<number>", "login", lambda number: str(login_user(USERS[number])))
    known, stranger = app.test_client(), app.test_client()
    known.get("/login/42")
    for path in ("", "?q=card", "/en/billing/", "/en/billing/card-declined"):
        pages = [client.get(f"/livechat/help{path}") for client in (known, stranger)]
        assert pages[0].data == pages[1].data
        assert all(page.headers["Cache-Control"].startswith("public") for page in pages)
        assert all("Set-Cookie" not in page.headers for page in pages)


def test_a_vote_needs_no_token_as_it_brings_no_login(make: Make) -> None:
    app = make()
    CSRFProtect(app)
    assert app.test_client().post("/livechat/help/helpful", data={"helpful": "yes"}).status_code == 200


def test_the_sitemap_lists_our_pages_and_needs_the_sites_address(make: Make, client: FlaskClient) -> None:
    assert client.get("/livechat/help/sitemap.xml").status_code == 404
    elsewhere = "---\ntitle: How do I pay?\nurl: https://help.example.com/pay\n---\nBy card."
    app = make({**FILES, "en/pay.md": elsewhere}, LIVECHAT_SITE_URL="https://shop.example.com")
    response = app.test_client().get("/livechat/help/sitemap.xml")
    assert response.mimetype == "application/xml"
    with app.app_context():
        urls = chat_of(app).articles.sitemap()
    assert "https://shop.example.com/livechat/help/en/billing/refunds" in urls
    assert len(urls) == 1 + 4
    assert all(f"<loc>{url}</loc>" in response.text for url in urls)
    assert "help.example.com" not in response.text


def test_the_way_to_a_person_is_at_the_end_of_each_page(make: Make, client: FlaskClient) -> None:
    assert not soup(client, "/livechat/help/en/billing/refunds").select(".human a")
    mail = make(LIVECHAT_FALLBACK_URL="mailto:help@example.com").test_client()
    assert soup(mail, "/livechat/help").select(".human a")[0]["href"] == "mailto:help@example.com"
    chat = make(LIVECHAT_SANDBOX=True, LIVECHAT_PROVIDER="crisp").test_client()
    for path in ("", "?q=penguins", "/en/billing/", "/en/billing/refunds"):
        assert not soup(chat, f"/livechat/help{path}").select("script#livechat")
        address = str(soup(chat, f"/livechat/help{path}").select(".human a")[0]["href"])
    human = chat.get(address)
    assert human.headers["Cache-Control"] == "no-store"
    assert BeautifulSoup(human.text, "html.parser").select("script#livechat")


def test_an_apps_own_frame_is_the_visitors_where_there_is_a_cookie(make: Make, tmp_path: Path) -> None:
    frame = "<!doctype html><title>x</title><p>Ours</p>{% block content %}{% endblock %}"
    write(tmp_path / "templates", {"livechat/help/base.html": frame})
    client = make().test_client()
    response = client.get("/livechat/help/en/billing/refunds")
    assert "<p>Ours</p>" in response.text
    assert response.headers["Cache-Control"].startswith("public")
    assert response.headers["Vary"] == "Cookie"
    client.set_cookie("session", "somebody")
    response = client.get("/livechat/help/en/billing/refunds")
    assert response.headers["Cache-Control"] == "private, no-cache"


def test_a_frame_that_begins_a_session_is_cached_for_nobody_else(make: Make, tmp_path: Path) -> None:
    frame = "<!doctype html><title>x</title>{{ csrf_token() }}{% block content %}{% endblock %}"
    write(tmp_path / "templates", {"livechat/help/base.html": frame})
    app = make()
    CSRFProtect(app)
    response = app.test_client().get("/livechat/help/en/billing/refunds")
    assert "Set-Cookie" in response.headers
    assert response.headers["Cache-Control"] == "private, no-cache"


def test_whom_an_article_did_not_help_gets_a_person(make: Make) -> None:
    client = make(LIVECHAT_FALLBACK_URL="/contact").test_client()
    response = client.post("/livechat/help/helpful", data={"helpful": "no", "locale": "de"})
    page = BeautifulSoup(response.text, "html.parser")
    assert page.select(".human a")[0]["href"] == "/contact"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_another_sites_form_is_no_vote(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.post("/livechat/help/helpful", data={"helpful": "no"}, headers=headers).status_code == 403


def test_votes_are_counted_in_the_store_and_limited(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {
        "LIVECHAT_SANDBOX": True,
        "LIVECHAT_PROVIDER": "crisp",
        "LIVECHAT_CRISP_WEBHOOK_SECRET": "secret-of-the-hook",
    }
    app = make(**keys)
    counted: list[tuple[str, str]] = []
    monkeypatch.setattr(chat_of(app), "count", lambda provider, what: counted.append((provider, what)))
    client = app.test_client()
    for answer in ("yes", "no"):
        assert client.post("/livechat/help/helpful", data={"helpful": answer}).status_code == 200
    assert counted == [("crisp", "helpful"), ("crisp", "no_help")]
    statuses = [client.post("/livechat/help/helpful").status_code for _ in range(19)]
    assert statuses == [200] * 18 + [429]  # 20 of one client in a minute
    other = client.post("/livechat/help/helpful", environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    assert other.status_code == 200


def test_without_a_store_a_vote_is_thanked_for_and_counted_nowhere(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make()
    monkeypatch.setattr(chat_of(app), "count", lambda provider, what: pytest.fail("there is no store"))
    assert app.test_client().post("/livechat/help/helpful", data={"helpful": "yes"}).status_code == 200


def test_the_index_is_a_private_file_named_by_the_articles(app: Flask, tmp_path: Path) -> None:
    with app.app_context():
        assert chat_of(app).articles.search("money back", "en")[0].path == "billing/refunds"
    (file,) = (tmp_path / "instance").glob("livechat-articles-*.sqlite3")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_without_a_folder_the_app_does_not_start(make: Make) -> None:
    with pytest.raises(ConfigError, match="LC110 LIVECHAT_ARTICLES: there is no folder"):
        make(LIVECHAT_ARTICLES="nowhere")
    with pytest.raises(ConfigError, match="LC103 LIVECHAT_ARTICLES: is needed for LIVECHAT_ARTICLE_PAGES"):
        make(LIVECHAT_ARTICLES=None)


def test_articles_are_read_anew_in_debug_mode_alone(make: Make, tmp_path: Path) -> None:
    for debug in (True, False):
        app = make(DEBUG=debug)
        with app.app_context():
            count = len(chat_of(app).articles)
            write(tmp_path / "help", {f"en/new-{debug}.md": "# What is new?\n\nThis."})
            assert len(chat_of(app).articles) == count + debug

"""The help panel's side of the server: what a page says of it, and ``GET /livechat/suggest``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_livechat.rate_limit import PerMinute

from ..conftest import VENDORS, chat_of, create_app, log_in, page

Make = Callable[..., Flask]
every_vendor = pytest.mark.parametrize("vendor", VENDORS)
FLOW = {"start": "topic", "topic": {"say": "What is it about?", "choices": {"Billing": "human"}}}
CARD = "---\ntitle: Why was my card declined?\n---\nAsk your bank.\n"


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """An app with the panel, and one article where ``articles`` says so."""
    folder = tmp_path / "help" / "en"
    folder.mkdir(parents=True)

    def make(vendor: str | None = "crisp", *, articles: bool = True, **config: Any) -> Flask:
        if articles:
            (folder / "card.md").write_text(CARD)
        settings = {"HELP": "first", "ARTICLES": str(folder.parent), "ARTICLE_PAGES": True, **config}
        app = create_app(vendor, **{f"LIVECHAT_{name}": value for name, value in settings.items()})
        app.instance_path = str(tmp_path / "instance")
        return app

    return make


def panel(app: Flask, path: str = "/") -> Any:
    return page(app.test_client(), path)["settings"].get("help")


@every_vendor
def test_a_page_says_what_the_panel_has_and_loads_the_file_that_opens_it(make: Make, vendor: str) -> None:
    app = make(vendor, RULES=[{"path": "/", "flow": "support"}])
    chat_of(app).flow("support", FLOW)
    assert panel(app) == {"articles": True, "flow": "support"}
    assert f'src="/livechat/{vendor}-help.' in app.test_client().get("/").text


@every_vendor
def test_a_page_without_help_is_byte_for_byte_what_it_was(make: Make, vendor: str) -> None:
    pages = [make(vendor, HELP="off", ARTICLES=None, ARTICLE_PAGES=False), make(vendor, HELP="off")]
    texts = [app.test_client().get("/").text for app in pages]
    assert texts[0] == texts[1]
    assert "help" not in texts[0]


@every_vendor
def test_nothing_of_the_vendors_is_preloaded_where_help_comes_first(make: Make, vendor: str) -> None:
    rules = [{"path": "/", "preload": True}]
    assert 'rel="preload"' not in make(vendor, RULES=rules).test_client().get("/").text
    assert 'rel="preload"' in make(vendor, RULES=rules, HELP="off").test_client().get("/").text


def test_there_is_no_panel_where_articles_and_flows_are_empty(make: Make) -> None:
    app = make(articles=False, RULES=[{"path": "/", "flow": "unknown"}])
    assert panel(app) is None


def test_there_is_no_panel_without_a_place_to_read_the_articles(make: Make) -> None:
    assert panel(make(ARTICLE_PAGES=False)) is None


def test_an_error_page_leads_straight_to_the_chat(make: Make) -> None:
    app = make()
    app.register_error_handler(404, lambda error: (app.view_functions["index"](), 404))
    assert panel(app, "/nowhere") is None
    assert panel(app) == {"articles": True}


def test_the_panel_says_when_somebody_will_be_there(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make(OFFICE_HOURS={"tz": "UTC", "mon-fri": "09:00-17:00"})
    monkeypatch.setattr(chat_of(app), "now", lambda: datetime(2026, 11, 28, 12, tzinfo=UTC))
    assert panel(app)["opens"] == "2026-11-30T09:00:00+00:00"
    monkeypatch.setattr(chat_of(app), "now", lambda: datetime(2026, 11, 30, 12, tzinfo=UTC))
    assert "opens" not in panel(app)


def test_a_rule_of_a_view_puts_the_panel_on_its_page_alone(make: Make) -> None:
    app = make(HELP="off")
    chat_of(app).rule(help="first")(app.view_functions["index"])
    app.add_url_rule("/other", "other", lambda: app.jinja_env.from_string("{{ livechat() }}").render())
    assert panel(app) == {"articles": True}
    assert panel(app, "/other") is None


def test_without_javascript_a_launcher_leads_to_the_articles_else_to_the_fallback(make: Make) -> None:
    def href(**config: Any) -> str:
        app = make(FALLBACK_URL="/contact", **config)
        with app.test_request_context("/"):
            return str(chat_of(app).button("Help"))

    assert 'href="/livechat/help"' in href()
    assert 'href="/contact"' in href(ARTICLE_PAGES=False)
    assert 'href="/contact"' in href(HELP="off")


def test_suggest_answers_with_title_address_and_excerpt_for_any_cache(make: Make) -> None:
    app = make()
    response = log_in(app).get("/livechat/suggest?q=card+declined&locale=en")
    assert response.json == {
        "results": [
            {"title": "Why was my card declined?", "url": "/livechat/help/en/card", "excerpt": "Ask your bank."}
        ]
    }
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert "Cookie" not in response.headers.get("Vary", "")
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("query", ["", "q=", "q=%20%20", "q=penguins", "q=%00%FF", "q=card&locale=" + "x" * 5000])
def test_suggest_answers_whatever_it_is_asked(make: Make, query: str) -> None:
    response = make().test_client().get(f"/livechat/suggest?{query}")
    assert response.status_code == 200
    assert len(response.json["results"]) <= 1  # type: ignore[index]


def test_suggest_names_no_article_without_a_place_to_read_it(make: Make) -> None:
    client = make(ARTICLE_PAGES=False).test_client()
    assert client.get("/livechat/suggest?q=card+declined").json == {"results": []}


def test_suggest_reads_120_characters_of_a_question(make: Make) -> None:
    client = make().test_client()
    assert client.get("/livechat/suggest", query_string={"q": "?" * 107 + " card declined"}).json["results"]  # type: ignore[index]
    assert not client.get("/livechat/suggest", query_string={"q": "?" * 120 + " card declined"}).json["results"]  # type: ignore[index]


def test_suggest_takes_so_many_questions_of_one_client_in_a_minute(make: Make) -> None:
    app = make()
    app.extensions["livechat"].runtime.suggestions = PerMinute(600, 3)
    answers = [app.test_client().get("/livechat/suggest?q=card") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert "public" not in answers[-1].headers.get("Cache-Control", "")


def test_there_is_nothing_to_suggest_without_articles(make: Make) -> None:
    assert (
        make(HELP="off", ARTICLES=None, ARTICLE_PAGES=False).test_client().get("/livechat/suggest?q=x").status_code
        == 404
    )


def test_without_any_vendor_a_page_has_the_panel_and_names_nobody(make: Make) -> None:
    app = make(None)
    data = page(log_in(app))
    assert data["provider"] == "none"
    assert data["settings"] == {"help": {"articles": True}}
    assert (data["visitor"], data["who"], data["context"]) == (None, "", {})
    assert app.test_client().get("/").headers.get("Cache-Control") is None


def test_without_any_vendor_a_rule_that_shows_nothing_is_obeyed(make: Make) -> None:
    assert "livechat" not in make(None, RULES=[{"path": "/", "show": False}]).test_client().get("/").text


def test_without_any_vendor_and_without_help_a_page_has_nothing(make: Make) -> None:
    assert "livechat" not in make(None, HELP="off").test_client().get("/").text

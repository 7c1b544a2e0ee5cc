"""Articles from the folder to a vendor: plan, apply and pull, with all that may happen on the way."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.wrappers import Response

from flask_livechat import LiveChat, doctor, providers
from flask_livechat.cli import articles as commands
from flask_livechat.cli import desk as desk_commands
from flask_livechat.desk import retry
from flask_livechat.errors import LiveChatError
from flask_livechat.help import markdown
from flask_livechat.help.sync import Local, Row, digest_of, plan
from flask_livechat.model import Article, Inventory
from flask_livechat.sandbox import sandbox_of
from flask_livechat.sandbox.api import Meter
from flask_livechat.sandbox.sessions import RefusedError
from tests.conftest import chat_of

VENDORS = [name for name in providers.names() if (api := providers.api(name)) and api.inventory]
OTHERS = [name for name in providers.names() if name not in VENDORS]
KILLS = int(os.environ.get("LIVECHAT_SYNC_KILLS", "6"))
FOLDERS = int(os.environ.get("LIVECHAT_SYNC_FOLDERS", "8"))
FILES = {
    "en/billing/index.md": "# Billing\n",
    "en/billing/refund.md": "# How do I get a refund?\n\n* Ask __us__.\n* See [cards](cards/declined.md).\n",
    "en/billing/cards/declined.md": "# Why was my card declined?\n\nSee [refunds](../refund.md#when).\n\n## When\n",
    "en/start.md": "---\ntitle: How do I start?\nstate: draft\n---\nSoon.\n",
    "de/billing/refund.md": "# Wie bekomme ich mein Geld zurück?\n\n[Karten](../../en/billing/cards/declined.md)\n",
}
FILES["en/billing/refund.md"] += "\n## When\n\nToday: `[no](link.md)`.\n"


class Killed(BaseException):
    """The process ended."""


@dataclass
class Site:
    """An app with a folder of articles, and the vendor's stand-in."""

    app: Flask
    name: str
    root: Path
    calls: list[str] = field(default_factory=list)
    before: Callable[[str], None] = lambda call: None
    after: Callable[[str], None] = lambda call: None  # the vendor has done the call, and we do not know it yet

    def write(self, **files: str | None) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True) if text is None else path.write_text(text, "utf-8")
        chat_of(self.app)  # there is one
        with self.app.app_context():
            commands.current_state().runtime.articles = None

    def run(self, *arguments: str) -> Result:
        self.calls.clear()
        provider = () if arguments[0] == "check" else ("--provider", self.name)
        return self.app.test_cli_runner().invoke(args=["livechat", "articles", *arguments, *provider])

    def signs(self) -> list[str]:
        lines = self.run("plan", "--json").output.splitlines()
        kinds = [json.loads(line) for line in lines]
        return sorted(f"{item['kind']} {item['locale']}/{item['path']}" for item in kinds)

    def apply(self, *options: str) -> Result:
        return self.run("apply", "--yes", *options)

    @property
    def desk(self) -> Any:
        with self.app.app_context():
            return chat_of(self.app).desk(self.name)

    def there(self) -> dict[tuple[str, str], Article]:
        """What the vendor has, by language and title."""
        stock = [article for article in self.desk.inventory().articles if article.title]
        full = [self.desk.articles.get(article.id, article.locale) for article in stock]
        return {(str(article.locale), article.title): article for article in full}

    def picture(self) -> list[tuple[Any, ...]]:
        """All that matters of what the vendor has; ids differ from run to run."""
        articles = self.desk.inventory().articles
        full = [self.desk.articles.get(article.id, article.locale) for article in articles]
        return sorted((item.locale, item.title, item.published, len(item.body or ""), item.path or "") for item in full)


@pytest.fixture
def open_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Site]]:
    opened: list[Flask] = []

    def make(name: str, files: dict[str, str] | None = None) -> Site:
        place = tmp_path / str(len(opened))
        app = Flask("tests", instance_path=str(place / "instance"), root_path=str(place))
        app.config.update(
            TESTING=True,
            SECRET_KEY="of the tests",
            LIVECHAT_PROVIDER=name,
            LIVECHAT_SANDBOX=True,
            LIVECHAT_ARTICLES="help",
        )
        app.config["LIVECHAT_SITE_URL"] = "https://shop.example"
        (place / "help").mkdir(parents=True)
        LiveChat(app)
        opened.append(app)
        site = Site(app, name, place / "help")
        api = sandbox_of(app).apis[name]
        answer = api.answer

        def counted(request: Any) -> Any:
            call = f"{request.method} {request.path}"
            site.calls.append(call)
            site.before(call)
            result = answer(request)
            site.after(call)
            return result

        monkeypatch.setattr(api, "answer", counted)
        with app.app_context():
            engine = chat_of(app).store.engine
        engine.dispose()  # no test ends the machine
        sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
        site.write(**(FILES if files is None else files))
        return site

    monkeypatch.setattr(commands, "opened", lambda provider, at: commands.current_state().livechat.desk(provider))
    yield make
    for app in opened:
        with app.app_context():
            if (store := commands.current_state().runtime.store) is not None:
                store.engine.dispose()


@pytest.mark.parametrize("name", VENDORS)
def test_what_was_applied_is_there_and_there_is_nothing_left_to_do(open_site: Any, name: str) -> None:
    site = open_site(name)
    assert site.run("plan").exit_code == 2
    result = site.apply()
    assert result.exit_code == 0, result.output
    there = site.there()
    refund, declined = there["en", "How do I get a refund?"], there["en", "Why was my card declined?"]
    assert (refund.published, declined.published, there["en", "How do I start?"].published) == (True, True, False)
    assert there["de", "Wie bekomme ich mein Geld zurück?"].published
    assert f"[cards]({declined.url})" in (refund.body or "")
    assert f"[refunds]({refund.url}#when)" in (declined.body or "")
    assert "`[no](link.md)`" in (refund.body or "")
    assert "- Ask **us**." in (refund.body or "")  # as the vendor writes it, which is no change of ours
    result = site.run("plan")
    assert (result.exit_code, result.output) == (0, "Nothing to do.\n")


@pytest.mark.parametrize("name", VENDORS)
def test_a_change_here_is_written_and_one_over_there_is_named(open_site: Any, name: str) -> None:
    site = open_site(name)
    site.apply()
    site.write(**{"en/start.md": "# How do I start?\n\nNow.\n"})
    assert site.signs() == ["change en/start"]
    assert site.apply().exit_code == 0
    start = site.there()["en", "How do I start?"]
    assert (start.published, start.body) == (True, "Now.")
    site.desk.articles.update(start.id, body="Edited over there.")
    site.write(**{"en/start.md": "# How do I start?\n\nTomorrow.\n"})
    assert site.signs() == ["drift en/start"]
    result = site.apply()
    assert result.exit_code == 1
    assert "left: ! en/start: changed at the vendor since" in result.stderr
    assert site.there()["en", "How do I start?"].body == "Edited over there."
    assert site.apply("--overwrite").exit_code == 0
    assert site.there()["en", "How do I start?"].body == "Tomorrow."
    assert site.signs() == []


@pytest.mark.parametrize("name", VENDORS)
def test_pull_writes_what_was_edited_over_there_into_the_file(open_site: Any, name: str) -> None:
    site = open_site(name)
    site.apply()
    refund = site.there()["en", "How do I get a refund?"]
    site.desk.articles.update(refund.id, title="How do I get money back?", body=f"{refund.body}\n\nOr **call**.")
    assert site.signs() == ["drift en/billing/refund"]
    result = site.run("pull", "en/billing/refund")
    assert result.exit_code == 0, result.output
    text = (site.root / "en/billing/refund.md").read_text("utf-8")
    assert text.startswith("# How do I get money back?\n")
    assert "[cards](cards/declined.md)" in text
    assert text.endswith("Or **call**.\n")
    assert site.signs() == []
    before = (site.root / "en/start.md").read_text("utf-8")
    site.run("pull", "en/start.md")
    assert (site.root / "en/start.md").read_text("utf-8") == before
    assert site.run("pull", "en/unknown").exit_code == 1


@pytest.mark.parametrize("name", VENDORS)
def test_pull_writes_the_fields_and_the_images_that_differ(open_site: Any, name: str) -> None:
    text = "---\ntitle: How do I start?\nkeywords: [begin]\n---\n![a card](../images/card.png)\n"
    site = open_site(name, {"en/a.md": text, "images/card.png": "no real picture"})
    site.apply()
    start = site.there()["en", "How do I start?"]
    assert "(https://shop.example/livechat/help/images/card.png)" in (start.body or "")
    site.desk.articles.update(start.id, title="How: do I begin?", body=f"{start.body}\n\nSo.", description="Soon.")
    site.desk.articles.unpublish(start.id)
    assert site.run("pull", "en/a").exit_code == 0
    assert (site.root / "en/a.md").read_text("utf-8") == (
        "---\ntitle: 'How: do I begin?'\nkeywords: [begin]\ndescription: Soon.\nstate: draft\n---\n"
        "![a card](../images/card.png)\n\nSo.\n"
    )
    assert site.signs() == []


@pytest.mark.parametrize("name", VENDORS)
def test_translations_are_one_article_where_the_vendor_has_them_so(open_site: Any, name: str) -> None:
    site = open_site(name, {"en/a.md": "# How do I start?\n\nSo.\n", "de/a.md": "# Wie beginne ich?\n\nSo.\n"})
    site.apply()
    articles = site.there().values()
    has_paths = any(article.path for article in articles)  # then each language has a file of its own
    assert len({article.id for article in articles}) == (2 if has_paths else 1)


@pytest.mark.parametrize("name", VENDORS)
def test_the_doctor_finds_what_was_not_applied(open_site: Any, name: str) -> None:
    site = open_site(name, {"en/a.md": "# How do I start?\n\nSo.\n", "en/b.md": "# How do I end?\n\nSo.\n"})

    def places() -> list[str]:
        findings = doctor.examine(site.app, now=chat_of(site.app).now()).findings
        return [str(finding.places[0]) for finding in findings if finding.check.code == "LC607"]

    site.apply()
    assert places() == []
    site.write(**{"en/b.md": None})
    assert places() == ["en/b.md"]
    site.apply()  # it is still there, and not published any more
    assert places() == []


@pytest.mark.parametrize("name", VENDORS)
def test_what_left_the_folder_is_taken_back_and_only_prune_deletes_it(open_site: Any, name: str) -> None:
    site = open_site(name)
    site.apply()
    site.write(**{"en/billing/refund.md": None, "de/billing/refund.md": None})
    site.write(**{"en/billing/cards/declined.md": "# Why was my card declined?\n\nThe bank.\n"})
    assert site.signs() == [
        "change en/billing/cards/declined",
        *(f"unpublish {tag}/billing/refund" for tag in ("de", "en")),
    ]
    assert site.apply().exit_code == 0
    assert site.there()["en", "How do I get a refund?"].published is False
    assert site.signs() == []
    assert site.apply("--prune").exit_code == 0
    assert {title for _, title in site.there()} == {"Why was my card declined?", "How do I start?"}
    assert site.signs() == []


@pytest.mark.parametrize("name", VENDORS)
def test_an_article_that_has_moved_is_one_article(open_site: Any, name: str) -> None:
    site = open_site(name)
    site.apply()
    text = FILES["en/billing/cards/declined.md"].replace("../refund.md", "../billing/refund.md")
    fields = "---\nmoved_from: [billing/cards/declined]\n---\n"
    site.write(**{"en/billing/cards/declined.md": None, "en/cards/declined.md": fields + text})
    moved = FILES["en/billing/refund.md"].replace("cards/declined", "../cards/declined")
    site.write(**{"en/billing/refund.md": moved})
    site.write(**{"de/billing/refund.md": "# Wie bekomme ich mein Geld zurück?\n\nFragen Sie.\n"})
    assert "move en/cards/declined" in site.signs()
    result = site.apply()
    assert result.exit_code == 0, result.output
    assert site.signs() == []
    published = [item for item in site.desk.inventory().articles if item.published and "declined" in item.title]
    assert len(published) == 1


@pytest.mark.parametrize("name", VENDORS)
def test_lost_state_adopts_what_is_the_same_and_leaves_what_differs(open_site: Any, name: str) -> None:
    site = open_site(name)
    site.apply()
    site.desk.articles.update(site.there()["en", "How do I start?"].id, body="Another text.")
    before = site.picture()
    with site.app.app_context(), commands.current_state().runtime.store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM livechat_articles")
    kinds = site.signs()
    assert "drift en/start" in kinds
    assert {kind.split()[0] for kind in kinds} <= {"adopt", "drift"}
    site.apply()
    assert site.picture() == before
    assert site.signs() == ["drift en/start"]


@pytest.mark.parametrize("name", VENDORS)
def test_what_is_edited_between_the_plan_and_the_write_is_left(
    open_site: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_site(name, {"en/a.md": "# How do I start?\n\nSo.\n"})
    site.apply()
    site.write(**{"en/a.md": "# How do I start?\n\nOtherwise.\n"})
    carry_out = commands._carry_out

    def edit_first(*arguments: Any) -> Any:
        desk = chat_of(site.app).desk(name)
        desk.articles.update(desk.inventory().articles[0].id, body="Edited over there.")
        return carry_out(*arguments)

    monkeypatch.setattr(commands, "_carry_out", edit_first)
    result = site.apply()
    assert result.exit_code == 1
    assert "It was changed at the vendor a moment ago" in result.output
    assert site.there()["en", "How do I start?"].body == "Edited over there."


@pytest.mark.parametrize("name", VENDORS)
def test_prune_deletes_what_was_edited_over_there_only_with_overwrite(open_site: Any, name: str) -> None:
    site = open_site(name, {"en/a.md": "# How do I start?\n\nSo.\n", "en/b.md": "# How do I end?\n\nSo.\n"})
    site.apply()
    site.desk.articles.update(site.there()["en", "How do I start?"].id, body="Edited over there.")
    site.write(**{"en/a.md": None})
    result = site.apply("--prune")
    assert result.exit_code == 1
    assert "left: ! en/a: changed at the vendor since, so that it is not deleted" in result.stderr
    assert site.there()["en", "How do I start?"].body == "Edited over there."
    assert site.apply("--prune", "--overwrite").exit_code == 0
    assert [title for _, title in site.there()] == ["How do I end?"]


@pytest.mark.parametrize("name", VENDORS)
def test_prune_of_a_translation_leaves_the_other_languages(open_site: Any, name: str) -> None:
    site = open_site(name, {"en/a.md": "# How do I start?\n\nSo.\n", "de/a.md": "# Wie beginne ich?\n\nSo.\n"})
    site.apply()
    site.write(**{"de/a.md": None})
    assert site.apply("--prune").exit_code == 0
    there = site.there()
    assert there["en", "How do I start?"].published
    assert ("de", "Wie beginne ich?") not in there or not there["de", "Wie beginne ich?"].published
    assert site.signs() == []


@pytest.mark.parametrize("name", VENDORS)
def test_a_link_to_a_draft_is_its_text_until_the_draft_is_published(open_site: Any, name: str) -> None:
    draft = "---\ntitle: How do I end?\nstate: draft\n---\nSoon.\n"
    site = open_site(name, {"en/a.md": "# How do I start?\n\nSee [the end](b.md).\n", "en/b.md": draft})
    site.apply()
    assert site.there()["en", "How do I start?"].body == "See the end."
    site.write(**{"en/b.md": "# How do I end?\n\nNow.\n"})
    assert site.apply().exit_code == 0
    there = site.there()
    assert there["en", "How do I start?"].body == f"See [the end]({there['en', 'How do I end?'].url})."


def test_images_and_links_to_the_site_need_its_address(open_site: Any) -> None:
    files = {"en/a.md": "# How do I start?\n\n[So](/).\n", "en/b.md": "# How do I end?\n\nSo.\n"}
    site = open_site(VENDORS[0], files)
    site.app.add_url_rule("/", "index", lambda: "")
    with site.app.test_request_context():
        commands._refuse_errors(chat_of(site.app).articles)
        nowhere = replace(chat_of(site.app).articles, site_url=None)
        with pytest.raises(LiveChatError, match="LIVECHAT_SITE_URL is not set"):
            commands._refuse_errors(nowhere)
    site.write(**{"en/a.md": None})
    with site.app.test_request_context():
        commands._refuse_errors(replace(chat_of(site.app).articles, site_url=None))


START = Local("billing/start", "en", "How do I start?", "So.", titles={"billing": "Billing"})


@pytest.mark.parametrize("change", [{"title": "How do we start?"}, {"published": False}])
def test_a_list_without_bodies_shows_a_change_by_title_and_state(change: dict[str, Any]) -> None:
    sent = Article("7", START.title, "en", True, body=START.body)
    row = Row(*START.key, "7", START.digest, digest_of(sent), None, datetime(2026, 11, 30, tzinfo=UTC))
    whole = replace(sent, **change)
    listed = Inventory((replace(whole, body=None),))
    assert [item.kind for item in plan([START], [row], listed, lambda article: whole)] == ["drift"]
    assert plan([START], [row], Inventory((replace(sent, body=None),)), lambda article: sent) == []


@pytest.mark.parametrize(
    ("article", "titles", "kind"),
    [
        (Article("7", START.title, "en", True, body="So.", category="1"), ("Billing",), "adopt"),
        (Article("7", START.title, "en", True, body="So.", category="1"), ("Other",), "create"),
        (Article("7", START.title, "de", True, body="So.", category="1"), ("Billing",), "create"),
        (Article("7", START.title, "en", True, body="Else.", category="1"), ("Billing",), "drift"),
        (Article("7", START.title, "en", True, body="So.", category="1", description="x"), ("Billing",), "drift"),
        (Article("7", "Another title", "en", True, body="So.", path=START.path), (), "drift"),
        (Article("7", START.title, "en", True, body="So.", path="other/start"), (), "create"),
    ],
)
def test_only_the_same_article_in_the_same_place_is_adopted(
    article: Article, titles: tuple[str, ...], kind: str
) -> None:
    assert [change.kind for change in plan([START], [], Inventory((article,), {"1": titles}))] == [kind]


def test_two_articles_that_could_be_adopted_are_both_named_and_none_is_taken() -> None:
    item = Local("a", "en", "How do I start?", "So.")
    twins = tuple(Article(known, "How do I start?", "en", True, body="So.") for known in ("7", "8"))
    (change,) = plan([item], [], Inventory(twins))
    assert (change.kind, change.is_ambiguous) == ("drift", True)
    assert "7, 8" in change.why


@pytest.mark.needs("time")
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", VENDORS)
def test_apply_killed_at_any_call_and_run_again_comes_to_the_same_end(open_site: Any, name: str, moment: str) -> None:
    whole = open_site(name)
    whole.apply()
    number = len(whole.calls)
    picture = whole.picture()
    choose = random.Random(21)  # noqa: S311 - no secret
    for _ in range(KILLS):
        site, left = open_site(name), [choose.randrange(number)]

        def kill(call: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed

        setattr(site, moment, kill)
        with pytest.raises(Killed):
            site.apply()
        setattr(site, moment, lambda call: None)
        assert all(not item.published or item.body for item in site.there().values())
        result = site.apply()
        assert result.exit_code == 0, result.output
        assert site.picture() == picture
        assert site.signs() == []


HUNDRED = {
    f"en/a{n:02}.md": f"# How do I do {n:02}?\n\nSo {n:02}, and [next](a{(n + 1) % 100:02}.md).\n" for n in range(100)
}


def assert_nothing_is_half_published_or_twice(site: Site) -> None:
    articles = [*site.desk.inventory().articles]
    full = [site.desk.articles.get(item.id, item.locale) for item in articles if item.published]
    assert [item.title for item in full if f"So {item.title[-3:-1]}, and" not in (item.body or "")] == []
    titles = [item.title for item in articles if item.title]
    assert len(titles) == len(set(titles))


@pytest.mark.needs("time")
@pytest.mark.parametrize("name", VENDORS)
def test_a_vendor_that_refuses_one_article_of_a_hundred_is_named_with_it_and_the_rest_goes_on_once_it_is_mended(
    open_site: Any, name: str
) -> None:
    site = open_site(name, HUNDRED)
    api = sandbox_of(site.app).apis[name]
    answer = api.answer

    def refuse(request: Any) -> Any:
        if request.method in ("POST", "PUT", "PATCH") and b"How do I do 57?" in request.get_data():
            status, data = api._api.refuse(RefusedError(422, "title_invalid", "this title is not taken"))
            return Response(json.dumps(data), status, mimetype="application/json")
        return answer(request)

    api.answer = refuse
    result = site.apply()
    assert result.exit_code == 1
    assert "en/a57: " in result.output
    assert "this title is not taken" in result.output
    assert "of 100 changes are done; the next apply goes on from here" in result.output
    assert_nothing_is_half_published_or_twice(site)
    site.write(**{"en/a57.md": HUNDRED["en/a57.md"].replace("How do I do 57?", "How is 57 done?")})
    result = site.apply()
    assert result.exit_code == 0, result.output
    assert len(site.there()) == 100
    assert all(item.published and "](https://" in (item.body or "") for item in site.there().values())
    assert site.signs() == []


@pytest.mark.parametrize("name", VENDORS)
def test_a_quota_that_ends_in_the_middle_is_said_and_nothing_is_half_published_or_lost(
    open_site: Any, name: str
) -> None:
    site = open_site(
        name, {file: HUNDRED[file] for file in [*HUNDRED][:12]} | {"en/a11.md": "# How do I do 11?\n\nSo 11, and.\n"}
    )
    api = sandbox_of(site.app).apis[name]
    usual, results = api._meter, []
    for calls in (0, 5, 17, 16, 20, 29):
        api._meter = Meter(calls, 86_400, usual._clock)
        results.append(site.apply())
        api._meter = usual
        retry._IN_PROCESS.clear()  # as a new process has learnt nothing
        assert_nothing_is_half_published_or_twice(site)
    assert [result.exit_code for result in results] == [1] * 6
    reasons = ("quota_limit_exceeded", "Exceeded rate limit", "the vendor takes no more calls for now")
    assert all(any(reason in result.output for reason in reasons) for result in results)
    assert sum("changes are done; the next apply goes on from here" in result.output for result in results) >= 4
    assert site.apply().exit_code == 0
    assert len([item for item in site.there().values() if item.published]) == 12
    assert site.signs() == []


@pytest.mark.needs("time")
@pytest.mark.parametrize("name", VENDORS)
def test_a_plan_without_changes_costs_few_calls(open_site: Any, name: str) -> None:
    files = {f"en/a{n:03}.md": f"# How do I do {n}?\n\nSo {n}.\n" for n in range(120)}
    site = open_site(name, files)
    assert site.apply().exit_code == 0
    assert site.run("plan").exit_code == 0
    pages = -(-120 // 50) + 1 if "/articles" in site.calls[0] else 1 + (120 // 20 + 1) + 2
    assert len(site.calls) <= pages, site.calls


@pytest.mark.parametrize("name", VENDORS)
def test_of_two_applies_at_once_the_second_says_so_and_sends_nothing(
    open_site: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_livechat.desk.article_rows.WAIT_S", 0.05)
    alone, site = open_site(name), open_site(name)
    alone.apply()
    seconds: list[Result] = []

    def begin_another(call: str) -> None:
        site.before = lambda call: None
        number = len(site.calls)
        seconds.append(site.app.test_cli_runner().invoke(args=["livechat", "articles", "apply", "--yes"]))
        assert len(site.calls) == number

    def at_the_first_write(call: str) -> None:
        if not call.startswith("GET"):
            begin_another(call)

    site.before = at_the_first_write
    assert site.apply().exit_code == 0
    assert [result.exit_code for result in seconds] == [1]
    assert "Another apply is going on. Run this again when it has ended." in seconds[0].output
    assert site.picture() == alone.picture()
    assert site.signs() == []


def test_apply_asks_first_and_changes_nothing_without_a_yes(open_site: Any) -> None:
    site = open_site(VENDORS[0], {"en/a.md": "# How do I start?\n\nSo.\n"})
    result = site.run("apply")  # with nobody who answers
    assert result.exit_code == 1
    assert "Change this at" in result.output
    assert {call.partition(" ")[0] for call in site.calls} == {"GET"}


def test_a_folder_with_errors_is_not_applied(open_site: Any) -> None:
    site = open_site(VENDORS[0], {"en/a.md": "# How?\n\n[x](missing.md)\n", "en/b.md": "no title\n"})
    for arguments in (("plan",), ("apply", "--yes")):
        result = site.run(*arguments)
        assert result.exit_code == 1
        assert "en/a.md:3:" in result.output
        assert "en/b.md:1:" in result.output
    assert site.calls == []


@pytest.mark.parametrize("name", OTHERS)
def test_a_vendor_without_an_api_for_articles_says_what_serves_them(open_site: Any, name: str) -> None:
    result = open_site(name).run("plan")
    assert result.exit_code == 1
    assert "not supported by" in result.output
    assert "LIVECHAT_ARTICLE_PAGES" in result.output


NAMES = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=2).map("/".join)
TEXTS = st.text("ab *_-[]()`\n", max_size=40)


@pytest.mark.needs("time")
@pytest.mark.parametrize("name", VENDORS)
@settings(max_examples=FOLDERS, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.dictionaries(NAMES, TEXTS, max_size=5), second=st.dictionaries(NAMES, TEXTS, max_size=5))
def test_no_foreign_article_is_ever_touched(
    open_site: Any, name: str, first: dict[str, str], second: dict[str, str]
) -> None:
    def files(texts: dict[str, str]) -> dict[str, str]:
        return {f"en/{path}-x.md": f"# How do I {path}?\n\nx {text}\n" for path, text in texts.items()}

    site = open_site(name, files(first))
    foreign = [site.desk.articles.create(f"Ours {n}", "Mine.", category="Hands off") for n in range(2)]
    foreign.append(site.desk.articles.publish(foreign[0].id))
    before = [site.desk.articles.get(item.id) for item in foreign]
    site.apply()
    site.write(**dict.fromkeys(files(first)))
    site.write(**files(second))
    site.apply("--prune")
    assert [site.desk.articles.get(item.id) for item in foreign] == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](x.md) ![b](c.png 'd')", "[a](/x.md) ![b](/c.png 'd')"),
        ("`[a](x.md)` and\n```\n[a](x.md)\n```\n[a](x.md)", "`[a](x.md)` and\n```\n[a](x.md)\n```\n[a](/x.md)"),
        ("[![b](c.png)](x.md)", "[![b](/c.png)](/x.md)"),
        ("[a](gone)", "a"),
        ("[a][1]\n\n[1]: x.md", "[a][1]\n\n[1]: /x.md"),
        ("[a](<x y.md>)", "[a](</x y.md>)"),
    ],
)
def test_links_get_other_addresses_and_code_stays(text: str, expected: str) -> None:
    assert markdown.with_links(text, lambda href, is_image: None if href == "gone" else f"/{href}") == expected


def test_links_are_found_in_linear_time() -> None:
    for text in ("[" * 20_000, "![" * 10_000, "[a](" * 5_000, "`" * 20_000, "[![a](b)" * 3_000):
        assert markdown.with_links(text, lambda href, is_image: href) == text


@pytest.mark.needs("time")
@pytest.mark.parametrize("name", VENDORS)
def test_on_the_sandbox_an_app_that_does_not_run_is_said(
    open_site: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_site(name)
    monkeypatch.setattr(commands, "opened", desk_commands.opened)
    result = site.run("plan", "--at", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "no answer (ConnectError). Does your app run at http://127.0.0.1:9? See --at." in result.output

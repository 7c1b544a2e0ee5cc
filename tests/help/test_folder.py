"""Reading a folder and checking it: every problem has its file, its line and what to do, and nothing else is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from example_app import create_app
from flask_livechat.help.articles import ArticleProblem, Articles
from flask_livechat.help.check import is_question_or_task, problems
from flask_livechat.help.folder import MAX_BYTES, Reader

from .test_pages import Make, make, write  # noqa: F401 - a fixture

GOOD = {
    "en/a.md": "---\ntitle: How do I begin?\n---\nHere. [Then](b.md#the-end)",
    "en/b.md": "# How do I end?\n\nThere.\n\n## The end",
}


def read(root: Path) -> Articles:
    return Articles(Reader(root, lambda locale, path: f"/help/{locale}/{path}").read(None), "/help", "/help")


def problems_of(root: Path, file: str, text: str | bytes, routes: tuple[str, ...] = ()) -> list[ArticleProblem]:
    """What is wrong with one file among good ones."""
    write(root, GOOD)
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_bytes(text.encode() if isinstance(text, str) else text)
    articles = read(root)
    assert {"a", "b"} <= {article.path for article in articles}
    return [problem for problem in problems(articles, routes.__contains__) if problem.file != "en"]


def test_a_good_folder_has_no_errors(tmp_path: Path) -> None:
    every = problems(read(write(tmp_path, GOOD)), lambda path: False)
    assert [problem.what for problem in every] == ["has 2 published articles"]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("---\ntitle: a: b\n---\nx", 2, "has a front matter that is not YAML"),
        ("---\ntitle: x\n\nNo end", 1, "has a front matter without an end"),
        ("---\n- a\n- b\n---\nx", 2, "has a front matter without fields"),
        ("---\ntitle: 2026-99-99\n---\n", 1, "has a front matter that is not YAML"),
        ("---\nstate: draft\ntitle: One\ntitle: Two\n---\nx", 4, "has two fields with the name title"),
        ("---\ntitle: How one?\n---\n\n# How two?\n", 5, "has two titles, 'How one?' and 'How two?'"),
        ("# How one?\n\ntext\n\n# How two?\n", 5, "has two titles, 'How one?' and 'How two?'"),
        ("Only text.\n", 1, "has no title"),
        ("---\ntitle: yes\n---\nx", 2, "title is not right"),
        ("---\ntitle: How?\nstate: hidden\n---\nx", 3, "state is not right"),
        ("---\ntitle: How?\norder: .inf\n---\nx", 3, "order is not right"),
        ("---\ntitle: How?\nurl: javascript:alert(1)\n---\nx", 3, "url is not right"),
        ("---\ntitle: How?\nmoved_from: [../../etc]\n---\nx", 3, "moved_from is not right"),
        ("---\ntitle: How?\ntitel: x\n---\nx", 3, "'titel' is not a field"),
        (b"# How?\n\ncaf\xe9", 3, "is not in UTF-8"),
        (b"x" * (MAX_BYTES + 1), 1, "is larger than 1000 KB"),
        ("# How do I begin?\n\nx", 1, "has the same title as en/a.md"),
        ("# How?\n\ntext\n[x](none.md)", 4, "a link to 'none.md' leads to nothing that is there"),
        ("# How?\n\n![x](none.png)", 3, "an image to 'none.png' leads to nothing that is there"),
        ("# How?\n\n![x](b.md)", 3, "'b.md' is not an image"),
        ("# How?\n\n[x](../../etc/passwd)", 3, "a link to '../../etc/passwd' leads out of the folder"),
        ("# How?\n\n[x](%2e%2e/%2e%2e/secret.md)", 3, "leads out of the folder"),
        ("# How?\n\n[x](b/../../../x.md)", 3, "leads out of the folder"),
        ("# How?\n\n[x](/etc/passwd)", 3, "a link to '/etc/passwd' does not lead to a page of the app"),
        ("# How?\n\n[x](//evil.example/x)", 3, "has no scheme"),
        ("# How?\n\n[x](..\\\\..\\\\secret.md)", 3, "has characters that browsers leave out or change"),
        ("# How?\n\n[x](javascript:alert(1))", 3, "is of the kind javascript:"),
        ("# How?\n\n[x](JaVaScRiPt:alert(1))", 3, "is of the kind javascript:"),
        ("# How?\n\n[x](java&#10;script:alert(1))", 3, "has characters that browsers leave out or change"),
        ("# How?\n\n[x](java&Tab;script:alert(1))", 3, "has characters that browsers leave out or change"),
        ("# How?\n\n![x](data:image/png;base64,AA==)", 3, "is of the kind data:"),
        ("# How?\n\n<javascript:alert(1)>", 3, "is of the kind javascript:"),
        ("# How?\n\n[x][1]\n\n[1]: vbscript:x", 3, "is of the kind vbscript:"),
        ("# How?\n\na\nb <b>c</b>", 4, "has raw HTML"),
        ("# How?\n\n<script>alert(1)</script>", 3, "has raw HTML"),
        ("# How?\n\n<!-- hidden -->", 3, "has raw HTML"),
        ("# How?\n\n[x](b.md#nowhere)", 3, "en/b.md has no heading #nowhere"),
        ("# How?\n\n[x](#nowhere)", 3, "en/x.md has no heading #nowhere"),
        ("---\ntitle: How?\nmoved_from: [a]\n---\nx", 1, "has moved from 'a', where an article is"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "",
)  # fmt: skip
def test_a_problem_has_its_line_and_what_to_do(tmp_path: Path, text: str | bytes, line: int, what: str) -> None:
    every = [problem for problem in problems_of(tmp_path, "en/x.md", text) if problem.file == "en/x.md"]
    matching = [problem for problem in every if what in problem.what]
    assert [(problem.file, problem.line) for problem in matching][:1] == [("en/x.md", line)]
    assert matching[0].fix.endswith((".", "?", "…"))


def test_a_link_to_a_heading_says_which_headings_there_are(tmp_path: Path) -> None:
    write(tmp_path, {"en/bare.md": "---\ntitle: How bare?\n---\nx"})
    (bare,) = problems_of(tmp_path, "en/x.md", "# How?\n\n## Then\n\n[x](bare.md#no)")
    assert bare.fix == "It has no headings: link to the article itself."
    (own,) = problems_of(tmp_path, "en/x.md", "# How?\n\n## Then\n\n[x](#no)")
    assert own.fix == "Its headings are #then."


def test_all_problems_of_a_file_come_at_once(tmp_path: Path) -> None:
    text = "---\ntitle: How?\nstate: x\norder: y\n---\n[a](no.md) <b>\n\n[b](../../x)\n"
    every = [problem for problem in problems_of(tmp_path, "en/x.md", text) if problem.is_error]
    assert [problem.line for problem in every] == [3, 4, 6, 6, 8]


def test_a_link_to_a_draft_is_a_warning(tmp_path: Path) -> None:
    write(tmp_path, {"en/draft.md": "---\ntitle: How late?\nstate: draft\n---\nSoon."})
    (warning,) = problems_of(tmp_path, "en/x.md", "# How?\n\n[x](draft.md)")
    assert (warning.line, warning.what, warning.is_error) == (3, "a link to en/draft.md leads to a draft", False)


def test_two_articles_that_have_moved_from_one_path_are_an_error(tmp_path: Path) -> None:
    write(tmp_path, {"en/y.md": "---\ntitle: How late?\nmoved_from: [old]\n---\nx"})
    (problem,) = problems_of(tmp_path, "en/x.md", "---\ntitle: How?\nmoved_from: [old]\n---\nx")
    assert problem.is_error
    assert problem.what == "has moved from 'old', as en/x.md has"


def test_what_has_no_address_is_no_article(tmp_path: Path) -> None:
    (problem,) = [problem for problem in problems_of(tmp_path, "en/a b?.md", "# How?\n\nx") if problem.is_error]
    assert (problem.file, problem.what) == ("en/a b?.md", "has a name that cannot be an address")
    (warning,) = [
        problem for problem in problems_of(tmp_path, "readme.md", "# How?\n\nx") if problem.file == "readme.md"
    ]
    assert not warning.is_error


def test_a_symbolic_link_out_of_the_folder_is_refused_and_never_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    write(secret, {"key.md": "# What is the key?\n\nThe secret.", "card.png": "x"})
    root = write(tmp_path / "help", GOOD)
    (root / "en" / "key.md").symlink_to(secret / "key.md")
    (root / "en" / "card.png").symlink_to(secret / "card.png")
    (root / "en" / "all").symlink_to(secret)
    (root / "en" / "loop").symlink_to(root)
    articles = read(root)
    assert {article.path for article in articles} == {"a", "b"}
    assert articles.folder.images == frozenset()
    files = {problem.file for problem in articles.folder.problems if problem.is_error}
    assert files == {"en/key.md", "en/card.png", "en/all", "en/loop"}


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        "java&#10;script:alert(1)",
        "vbscript:x",
        "data:text/html,x",
        "../../../x",
        "none.md",
        "//evil.example",
    ],
)
def test_a_bad_link_becomes_its_text(tmp_path: Path, href: str) -> None:
    write(tmp_path, {"en/a.md": f"# How?\n\nSee [**this**]({href}), ![that]({href}) <img src=x onerror=alert(1)>"})
    html = read(tmp_path).html("a", "en")
    assert "<a" not in html
    assert "<img" not in html
    assert "<strong>this</strong>" in html
    assert "that" in html


def test_an_article_with_a_problem_is_still_read(tmp_path: Path) -> None:
    problems_of(tmp_path, "en/x.md", "# How?\n\n[a](no.md) <b>x</b>")
    assert "a &lt;b&gt;x&lt;/b&gt;" in read(tmp_path).html("x", "en")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("How do I **pay**?", "How do I pay?"),
        ("What is `snake_case`, _really_?", "What is snake_case, really?"),
        ("Is 2 * 3 ~~five~~ 6\\?", "Is 2 3 five 6?"),
        ("See [the *page*](b.md)!", "See the page!"),
    ],
)
def test_a_title_is_the_headings_text_without_its_marks(tmp_path: Path, text: str, title: str) -> None:
    (article,) = read(write(tmp_path, {"en/a.md": f"# {text}\n\nSo."}))
    assert article.title == title


def test_headings_begin_below_the_title_and_have_names_of_their_own(tmp_path: Path) -> None:
    write(tmp_path, {"en/a.md": "---\ntitle: How?\n---\n## One\n\n## One\n\n###### Deep\n\n# How?"})
    html = read(tmp_path).html("a", "en")
    assert '<h3 id="one">' in html
    assert '<h3 id="one-1">' in html
    assert '<h6 id="deep">' in html


@pytest.mark.parametrize("text", ["> " * 3000 + "x", "* " * 1500 + "x", "*" * 5000 + "x"])
def test_no_text_is_nested_too_deep_to_be_rendered(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"en/a.md": f"# How?\n\n{text}"})
    assert read(tmp_path).html("a", "en").endswith(">\n")


def test_articles_are_in_order_and_know_their_category(tmp_path: Path) -> None:
    files = {
        "en/z/b.md": "# How b?\n\nx",
        "en/z/a.md": "---\ntitle: How a?\norder: 2\n---\nx",
        "en/z/index.md": "---\ntitle: First\norder: -1\n---\n",
        "en/a/c.md": "# How c?\n\nx",
        "de/z/b.md": "# Wie?\n\nx",
    }
    articles = read(write(tmp_path, files))
    assert [(article.locale, article.path) for article in articles] == [
        ("en", "z/b"), ("en", "z/a"), ("en", "a/c"), ("de", "z/b"),
    ]  # fmt: skip
    assert articles.folder.categories["en", "z"].title == "First"
    assert articles.folder.categories["en", "a"].title == "A"
    assert articles.locale_for("de-AT") == "de"
    assert Reader(tmp_path, lambda locale, path: None).read("DE").locales == ("de", "en")
    assert articles.locale_for("pt-BR") == "en"


@pytest.mark.parametrize("fields", ["", "keywords: [exit]", "description: Soon.", "state: draft", "title: How now?"])
def test_a_digest_differs_when_what_is_read_differs(tmp_path: Path, fields: str) -> None:
    first = read(write(tmp_path, GOOD))
    assert read(tmp_path).digest == first.digest
    write(tmp_path, {"en/b.md": f"---\n{fields}\n---\n{GOOD['en/b.md']}" if fields else GOOD["en/b.md"] + "."})
    second = read(tmp_path)
    assert second.digest != first.digest
    assert [one.digest == two.digest for one, two in zip(first, second, strict=True)] == [True, False]


@pytest.mark.parametrize(
    ("title", "locale", "right"),
    [
        ("Why was my card declined?", "en", True), ("Change my email", "en", True), ("Billing", "en", False),
        ("Passwort ändern", "de", True), ("Abrechnung", "de", False), ("Changer mon adresse", "fr", True),
        ("Facturation", "fr", False), ("Jak usunąć konto", "pl", True), ("Faktury", "pl", False), ("設定", "ja", True),
    ],
)  # fmt: skip
def test_a_title_is_a_question_or_a_task(title: str, locale: str, right: bool) -> None:
    assert is_question_or_task(title, locale) is right


NAME = st.sampled_from(["a", "b", "index", "ü", "x y", "..x", "c.d"])
MARKS = r"""
--- |title: How?|title: [|order: 3|&a *a|# One|## Two|===|```|> |- |[x](|b.md|../|%2e%2e/|javascript:x|#y|)|![|<b>|<!--
"""
PARTS = st.sampled_from([*MARKS.strip().split("|"), "|a|b|\n|-|-|", "---", "\n", "\u202e", "\x00"]) | st.text(
    max_size=5
)
TEXT = st.lists(st.tuples(PARTS, st.sampled_from(["", "\n"])), max_size=25).map(
    lambda rows: "".join(map("".join, rows))
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(st.tuples(st.sampled_from(["en", "de", "img", "english"]), NAME), TEXT, max_size=5))
def test_no_folder_is_too_odd_to_be_checked(
    tmp_path_factory: pytest.TempPathFactory, files: dict[tuple[str, str], str]
) -> None:
    root = tmp_path_factory.mktemp("help")
    for (locale, name), text in files.items():
        (root / locale).mkdir(exist_ok=True)
        (root / locale / f"{name}.md").write_text(text, "utf-8")
    articles = read(root)
    assert all(problem.fix and problem.line >= 1 for problem in problems(articles, lambda path: False))
    for article in articles:
        if article.is_published:
            html = articles.html(article.path, article.locale)
            assert "<script" not in html
            assert 'href="javascript' not in html.lower()


def test_check_prints_all_and_fails_for_errors_alone(make: Callable[..., Flask]) -> None:  # noqa: F811
    run = make(GOOD).test_cli_runner().invoke
    result = run(args=["livechat", "articles", "check"])
    assert result.exit_code == 0
    assert "2 articles (en 2): 0 errors, 1 warning." in result.output
    result = (
        make({**GOOD, "en/x.md": "# How?\n\n[a](no.md)\n[b](/no)\n[c](/)"})
        .test_cli_runner()
        .invoke(args=["livechat", "articles", "check"])
    )
    assert result.exit_code == 1
    assert "en/x.md:3: a link to 'no.md' leads to nothing that is there." in result.output
    assert "en/x.md:4: a link to '/no' does not lead to a page of the app." in result.output
    assert "'/'" not in result.output


def test_a_link_leads_to_a_page_that_a_browser_can_get(make: Callable[..., Flask]) -> None:  # noqa: F811
    app = make({**GOOD, "en/x.md": "# How?\n\n[a](/shop)\n[b](/order)\n"})
    app.add_url_rule("/shop/", "shop", lambda: "")  # which /shop leads to
    app.add_url_rule("/order", "order", lambda: "", methods=["POST"])
    output = app.test_cli_runner().invoke(args=["livechat", "articles", "check"]).output
    assert "a link to '/order' does not lead to a page of the app" in output
    assert "'/shop'" not in output


def test_a_terminal_is_not_steered_by_a_folder(make: Callable[..., Flask]) -> None:  # noqa: F811
    result = (
        make({"en/x.md": "# How\u202e\x1b[31m?\n\n# Two"})
        .test_cli_runner()
        .invoke(args=["livechat", "articles", "check"])
    )
    assert "\x1b" not in result.output
    assert "\u202e" not in result.output


def test_the_example_apps_articles_are_without_errors(tmp_path: Path) -> None:
    app = create_app({"TESTING": True, "INSTANCE_PATH": str(tmp_path / "instance")})
    result = app.test_cli_runner().invoke(args=["livechat", "articles", "check"])
    assert result.exit_code == 0, result.output
    assert "24 articles (en 16, de 8): 0 errors, 2 warnings." in result.output

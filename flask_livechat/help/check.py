"""What is wrong with a folder of articles, all at once. Knows no app."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from ..safe_text import quantity
from . import markdown
from .articles import Article, ArticleProblem, Articles

ENOUGH = 20  # articles answer most of what is asked, if they are the right ones
MAX_NAMED = 5
HTML_FIX = "Write it in Markdown: raw HTML is shown as text."
# How a question begins, or a task. A title that is neither names a topic, which nobody asks for.
BEGINNINGS: Mapping[str, str] = {
    "en": """accept activate add allow appoint approve archive ask assign authorize avoid back block book bring browse
        build buy call cancel change charge check choose claim clean clear close combine compare complete configure
        confirm connect contact convert copy correct create customize deactivate decide delete deliver disable
        disconnect download duplicate edit email enable end enter exchange export extend file fill filter find finish
        fix follow forward free get give grant group handle hide identify import improve increase insert install
        integrate invite join keep know label leave limit link list load lock log look lower make manage map mark
        measure merge migrate monitor move mute open optimize order organize pair pause pay pick place plan post prepare
        prevent print protect publish put raise reach read rebuild receive reconnect record recover redeem reduce
        refund register remove rename renew reopen repair repeat replace report request require reset resize resolve
        restart restore resume retrieve return review revoke run save schedule search secure see select sell send set
        share ship shorten show sign skip sort speed split start stop store submit subscribe swap switch sync take talk
        tell test track train transfer troubleshoot try turn unblock understand undo uninstall unlock unsubscribe
        update upgrade upload use validate verify view wait watch work write
        how what why when where who which whose can could do does did is are was will would should may must has have""",
    "fr": "comment pourquoi quand où qui que quel quelle quels quelles combien puis-je peut-on est-ce faut-il",
    "de": "wie warum weshalb wieso wann wo woher wohin wer wem wen was welche welcher welches kann darf muss soll ist",
    "es": "cómo por qué cuándo dónde quién cuál cuánto puedo",
    "it": "come perché quando dove chi quale quanto posso",
    "pl": "jak dlaczego kiedy gdzie kto co czy ile który",
}  # fmt: skip
# How a task ends its first word, or its last one.
TASKS = {
    "de": r"\w*(en|ern|eln)$",
    "nl": r"\w*en$",
    "fr": r"^\w*(er|ir|re|oir|ez)\b",
    "es": r"^\w*[aei]r(se)?\b",
    "it": r"^\w*[aei]r(e|si)\b",
    "pt": r"^\w*[aei]r(-se)?\b",
    "pl": r"^\w*(ć|c|j|aj)\b",
}


def problems(articles: Articles, answers: Callable[[str], bool]) -> list[ArticleProblem]:
    """Return all problems by file and line. ``answers`` says whether the app has a page at a path."""
    every = [*articles.folder.problems, *_of_titles(articles), *_of_moves(articles), *_of_languages(articles)]
    for article in articles:
        every += _of_text(articles, article, answers)
    return sorted(set(every))


def _of_text(articles: Articles, article: Article, answers: Callable[[str], bool]) -> Iterator[ArticleProblem]:
    links, html = markdown.inspect(article.body)
    for line in html:
        yield ArticleProblem(article.file, article.line + line, "has raw HTML", HTML_FIX)
    for link in links:
        target = articles.target(article, link.href)
        what, line = "an image" if link.is_image else "a link", article.line + link.line
        page = articles.by_file.get(target.file) if target.kind == "page" else None
        if target.fault:
            yield ArticleProblem(article.file, line, f"{what} to {link.href!r} {target.fault}", target.fix)
        elif target.kind == "site" and not answers(target.file):
            fix = "Correct the path, or remove the link."
            yield ArticleProblem(article.file, line, f"{what} to {link.href!r} does not lead to a page of the app", fix)
        elif link.is_image and target.kind in ("page", "here"):
            yield ArticleProblem(article.file, line, f"{link.href!r} is not an image", "Write a link, without the !.")
        elif isinstance(page, Article):
            yield from _of_page(article, page, target.fragment, line)
        elif target.kind == "here" and target.fragment[1:] not in ("", *markdown.anchors(article.body)):
            yield _no_heading(article, line, target.fragment, article)


def _of_page(article: Article, page: Article, fragment: str, line: int) -> Iterator[ArticleProblem]:
    if article.is_published and not page.is_published:
        fix = "Publish it, or remove the link."
        yield ArticleProblem(article.file, line, f"a link to {page.file} leads to a draft", fix, is_error=False)
    if fragment[1:] not in ("", *markdown.anchors(page.body)):
        yield _no_heading(article, line, fragment, page)


def _no_heading(article: Article, line: int, fragment: str, page: Article) -> ArticleProblem:
    names = ", ".join(f"#{name}" for name in markdown.anchors(page.body)[:MAX_NAMED])
    fix = f"Its headings are {names}." if names else "It has no headings: link to the article itself."
    return ArticleProblem(article.file, line, f"{page.file} has no heading {fragment}", fix)


def _of_titles(articles: Articles) -> Iterator[ArticleProblem]:
    by_title: defaultdict[tuple[str, str], list[Article]] = defaultdict(list)
    for article in articles:
        by_title[article.locale, article.title.casefold()].append(article)
        if article.is_published and not is_question_or_task(article.title, article.locale):
            fix = "Write the visitors' question or task, such as: Why was my card declined?"
            what = f"the title {article.title!r} is neither a question nor a task"
            yield ArticleProblem(article.file, 1, what, fix, is_error=False)
    for first, *others in by_title.values():
        for article in others:
            fix = "Give each its own title, or merge them into one article."
            yield ArticleProblem(article.file, 1, f"has the same title as {first.file}", fix)


def is_question_or_task(title: str, locale: str) -> bool:
    """Whether a title asks something or says what to do. In a language that is not known here, it does."""
    language = re.split("[-_]", locale)[0].lower()
    words = re.findall(r"[\w'’-]+", title.casefold())
    if re.search(r"[?？؟;]", title) or not words:
        return True
    if language not in BEGINNINGS and language not in TASKS:
        return True
    starts = words[0] in BEGINNINGS.get(language, "").split()
    return starts or re.search(TASKS.get(language, "(?!)"), " ".join(words)) is not None


def _of_moves(articles: Articles) -> Iterator[ArticleProblem]:
    """An old path leads to one article, and to none that is still there."""
    here = {(article.locale, article.path) for article in articles}
    taken: dict[tuple[str, str], Article] = {}
    for article in articles:
        for old in article.moved_from:
            if (article.locale, old) in here:
                fix = "Take it out of moved_from, or move the article that is there."
                yield ArticleProblem(article.file, 1, f"has moved from {old!r}, where an article is", fix)
            elif (other := taken.setdefault((article.locale, old), article)) is not article:
                fix = "Let one of them have it."
                yield ArticleProblem(article.file, 1, f"has moved from {old!r}, as {other.file} has", fix)


def _of_languages(articles: Articles) -> Iterator[ArticleProblem]:
    """What the default language has and another lacks, and too few articles."""
    default = articles.default_locale
    wanted = {article.path: article for article in articles.published(default)}
    if len(wanted) < ENOUGH:
        what = f"has {quantity(len(wanted), 'published article')}"
        fix = f"Write the answers to the {ENOUGH} questions that are asked most: these answer most of what is asked."
        yield ArticleProblem(default, 1, what, fix, is_error=False)
    for locale in articles.locales[1:]:
        lacking = [path for path in wanted if path not in {article.path for article in articles.published(locale)}]
        if lacking:
            more = f" and {len(lacking) - MAX_NAMED} more" if len(lacking) > MAX_NAMED else ""
            what = f"lags behind {default}: it lacks {', '.join(lacking[:MAX_NAMED])}{more}"
            fix = f"Translate them. Until then visitors read them in {default}."
            yield ArticleProblem(locale, 1, what, fix, is_error=False)

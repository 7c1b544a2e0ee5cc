"""The articles of a folder, as ``livechat.articles`` gives them: which there are, and what they are as HTML."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from markupsafe import Markup

from . import markdown

if TYPE_CHECKING:
    from .search import Index, Result

PUBLISHED, DRAFT = "published", "draft"


@dataclass(frozen=True, slots=True)
class Article:
    """An article of your folder in one language."""

    #: Its place, the same in all languages: ``billing/card-declined``.
    path: str
    #: Its language: ``en``.
    locale: str
    #: Its title.
    title: str
    #: The sentence below its title.
    description: str
    #: ``published`` or ``draft``.
    state: str
    #: Its Markdown, without the front matter and the title.
    body: str
    #: Where visitors read it: the address in its front matter, else our own page, else None.
    url: str | None
    #: Words that people search for it with.
    keywords: tuple[str, ...] = ()
    #: Its place in its category: the lower, the earlier.
    order: float = 0
    #: Paths that it had before.
    moved_from: tuple[str, ...] = ()
    #: Its file below the folder: ``en/billing/card-declined.md``.
    file: str = ""
    #: The line of the file where the body begins.
    line: int = 1
    #: Whether ``url`` is the one of the front matter.
    is_elsewhere: bool = False

    @property
    def is_published(self) -> bool:
        """Whether visitors can find and read the article."""
        return self.state == PUBLISHED

    @property
    def category(self) -> str:
        """The folder that the article is in, such as ``billing``; empty for the language's own folder."""
        return self.path.rpartition("/")[0]

    @property
    def digest(self) -> str:
        """A hash of all parts of the article. It changes when one of them changes."""
        parts = (self.path, self.locale, self.title, self.description, self.state, self.body, *self.keywords)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Category:
    """A folder of articles in one language. The title is that of its ``index.md``, else its name."""

    path: str
    locale: str
    title: str
    description: str = ""
    order: float = 0


@dataclass(frozen=True, slots=True, order=True)
class ArticleProblem:
    """One thing that is wrong with the folder: where, what, and what to do. A warning lets everything work."""

    file: str
    line: int
    what: str
    fix: str
    is_error: bool = True

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}. {self.fix}"


@dataclass(frozen=True, slots=True)
class Folder:
    """What was read: a language's articles by their order, the default language first."""

    articles: tuple[Article, ...] = ()
    categories: Mapping[tuple[str, str], Category] = field(default_factory=dict)  # by locale and path
    images: frozenset[str] = frozenset()  # the files that articles may show
    locales: tuple[str, ...] = ()  # the default one first
    problems: tuple[ArticleProblem, ...] = ()


@dataclass(frozen=True)
class Articles:
    """The articles of ``LIVECHAT_ARTICLES``: an iterable of ``Article``, drafts among them."""

    folder: Folder = field(repr=False)
    pages: str | None = None  # the path of our own pages, such as "/livechat/help"
    files: str = ""  # the path of what articles show
    site_url: str | None = None
    index: Index | None = field(default=None, repr=False)

    def __iter__(self) -> Iterator[Article]:
        return iter(self.folder.articles)

    def __len__(self) -> int:
        return len(self.folder.articles)

    @property
    def locales(self) -> tuple[str, ...]:
        """The languages, the default one first."""
        return self.folder.locales

    @property
    def default_locale(self) -> str:
        """The language for visitors whose language is missing."""
        return next(iter(self.locales), "en")

    @cached_property
    def digest(self) -> str:
        """A hash of all articles, by which the search index is named."""
        return hashlib.sha256("\0".join(article.digest for article in self).encode()).hexdigest()

    def locale_for(self, tag: str | None) -> str:
        """Return the language that is nearest to a tag: ``pt-BR``, else ``pt``, else the default one."""
        known = {locale.lower().replace("_", "-"): locale for locale in self.locales}
        parts = (tag or "").lower().replace("_", "-").split("-")
        tags = ("-".join(parts[:end]) for end in range(len(parts), 0, -1))
        return next((known[wanted] for wanted in tags if wanted in known), self.default_locale)

    def get(self, path: str, locale: str | None = None) -> Article | None:
        """Return a published article: in this language, else in the default one, else in any. None if none has it."""
        for tag in (self.locale_for(locale), *self.locales):
            article = self._by_path.get((tag, path))
            if article is not None and article.is_published:
                return article
        return None

    def moved(self, path: str, locale: str) -> Article | None:
        """Return the published article that was once at ``path``. Return None for a path that no article has had.

        A ``moved_from`` in one language also counts for languages that lack it.
        """
        old_paths = ((tag, path) for tag in (locale, *self.locales))
        now = next((self._by_old_path[key] for key in old_paths if key in self._by_old_path), None)
        return None if now is None else self.get(now, locale)

    def published(self, locale: str, category: str | None = None) -> list[Article]:
        """Return the published articles of a language, in order; of one category if that is given."""
        rows = self._published.get(locale, [])
        return [*rows] if category is None else [article for article in rows if article.category == category]

    def search(self, text: str, locale: str | None = None, limit: int = 3) -> list[Result]:
        """Return the published articles that answer a question, the best first, or none if none is likely to."""
        return self.index.search(self, text, self.locale_for(locale), limit) if self.index else []

    def html(self, path: str, locale: str | None = None, base: str = "") -> Markup:
        """Return an article as HTML, for a page whose first-level heading is the title.

        ``base`` is put before addresses on this site: the path of the app's mount point, or ``LIVECHAT_SITE_URL``.
        Raises ``KeyError`` if no article is published at ``path``.
        """
        article = self.get(path, locale)
        if article is None:
            raise KeyError(path)
        return markdown.render(article.body, lambda href, is_image: self.address(article, href, is_image, base))

    def sitemap(self) -> list[str]:
        """Return the addresses of our own pages, for a sitemap, or None without ``LIVECHAT_SITE_URL``."""
        if self.pages is None or self.site_url is None:
            return []
        own = [article.url for article in self if article.is_published and not article.is_elsewhere]
        return [f"{self.site_url}{path}" for path in (self.pages, *own)]

    def target(self, article: Article, href: str) -> markdown.Target:
        """Return where a link in an article leads."""
        return markdown.target(article.file, href, self.by_file, self.folder.images)

    @cached_property
    def by_file(self) -> dict[str, Article | Category]:
        """What a link may lead to: articles with and without suffix, categories by their folder."""
        files: dict[str, Article | Category] = {}
        for category in self.folder.categories.values():
            place = f"{category.locale}/{category.path}".rstrip("/")
            files |= {place: category, f"{place}/index.md": category}
        for article in self:
            files |= {article.file: article, article.file[:-3]: article}
        return files

    def category_url(self, category: Category) -> str | None:
        """Return the path of our own page of a category, where there are own pages."""
        place = markdown.quoted(f"{category.locale}/{category.path}".rstrip("/"))
        return None if self.pages is None else f"{self.pages}/{place}/"

    @cached_property
    def _published(self) -> dict[str, list[Article]]:
        return {
            locale: [article for article in self if article.is_published and article.locale == locale]
            for locale in self.locales
        }

    @cached_property
    def _by_path(self) -> dict[tuple[str, str], Article]:
        return {(article.locale, article.path): article for article in self}

    @cached_property
    def _by_old_path(self) -> dict[tuple[str, str], str]:
        return {(article.locale, old): article.path for article in self for old in article.moved_from}

    def address(self, article: Article, href: str, is_image: bool, base: str) -> str | None:
        """Return what a link becomes in HTML. None for one that leads nowhere."""
        target = self.target(article, href)
        if target.fault or (is_image and target.kind in ("page", "here")):
            return None
        if target.kind == "image":
            return f"{base}{self.files}/{markdown.quoted(target.file)}"
        if target.kind == "site":
            return base + href
        if target.kind != "page":
            return href
        page = self.by_file[target.file]
        url = self.category_url(page) if isinstance(page, Category) else page.url if page.is_published else None
        if url is None:
            return None
        return (base if url.startswith("/") else "") + url + target.fragment

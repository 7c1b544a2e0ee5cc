"""``/livechat/help``: the articles' own pages. Readable without JavaScript, on a phone, in the dark and on paper."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from flask import Flask, Response, abort, current_app, redirect, render_template, request, send_file, session
from werkzeug.wrappers import Response as AnyResponse

from ..rate_limit import PerMinute, client_name
from ..same_origin import SameOriginBlueprint, is_same_origin_request, same_origin
from ..state import State, current_flask
from . import library
from .articles import Article, Articles, Category
from .markdown import quoted
from .search import MAX_QUERY_CHARS
from .texts import is_right_to_left, texts

MAX_AGE_S = 300
PUBLIC, PRIVATE = f"public, max-age={MAX_AGE_S}", "private, no-cache"
MAX_RESULTS = 10
MAX_VOTES, MAX_VOTES_OF_CLIENT = 600, 20  # a minute
HERE = Path(__file__).parent / "templates"
BASE = "livechat/help/base.html"
IMAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"  # an SVG that is opened runs nothing


def register(app: Flask, state: State, places: Mapping[str, Any]) -> None:
    """Register what articles show and, with ``LIVECHAT_ARTICLE_PAGES``, their pages. Raise where there is no folder."""
    library.folder_of(state, app)
    blueprint = SameOriginBlueprint(
        "livechat_help", __name__, static_folder="static", static_url_path="/static", template_folder="templates"
    )
    pages = Pages(state)
    blueprint.add_url_rule("/<path:path>", "page", pages.page)
    if state.settings.article_pages:
        blueprint.add_url_rule("", "search", pages.search)
        blueprint.add_url_rule("/human", "human", pages.human)
        blueprint.add_url_rule("/sitemap.xml", "sitemap", pages.sitemap)
        blueprint.add_url_rule("/helpful", "helpful", pages.helpful, methods=["POST"])
    app.register_blueprint(blueprint, url_prefix=f"{state.settings.url_prefix}/help", **places)


class Pages:
    """The views of one app."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.votes = PerMinute(MAX_VOTES, MAX_VOTES_OF_CLIENT)
        self.questions = PerMinute(MAX_VOTES, MAX_VOTES_OF_CLIENT)

    @property
    def articles(self) -> Articles:
        articles: Articles = self.state.livechat.articles
        return articles

    def search(self) -> AnyResponse:
        """The search, and all categories. What was asked stays in the address, which no search engine keeps."""
        text = " ".join(request.args.get("q", "")[:MAX_QUERY_CHARS].split())
        locale = self.articles.locale_for(request.args.get("locale"))
        results = self.articles.search(text, locale, MAX_RESULTS)
        if text and not results:
            self._count_unanswered(text, locale)
        return self._page("search.html", locale, query=text, results=results, groups=self._groups(locale))

    def page(self, path: str) -> AnyResponse:
        """An article, a category, or an image that an article shows."""
        if path in self.articles.folder.images:
            return self._image(path)
        locale, _, name = path.partition("/")
        if self.articles.pages is None or locale not in self.articles.locales:
            abort(404)
        if name.endswith("/") or not name:
            return self._category(locale, name.rstrip("/"))
        article = self.articles.get(name, locale)
        if article is not None and article.locale == locale:
            return self._article(article)
        other = self.articles.moved(name, locale) or article or abort(404)
        has_moved = other.locale == locale  # for good, while a text in another language is there until it is translated
        return redirect(self._address(f"{other.locale}/{other.path}"), 301 if has_moved else 302)

    def human(self) -> AnyResponse:
        """The way to a person. This is the only page here that has chat, and so one visitor's alone."""
        locale = self.articles.locale_for(request.args.get("locale"))
        html = render_template("livechat/help/human.html", **self._names(locale))
        response = Response(html)
        response.headers["Cache-Control"] = "no-store"
        return response

    def helpful(self) -> AnyResponse:
        """Count whether an article has helped, but not for whom. A visitor whom it did not help is led to a person."""
        if not is_same_origin_request():
            abort(403)
        if not self.votes.allows(self._client()):
            abort(429)
        is_helpful = request.form.get("helpful") == "yes"
        if self.state.stores_events:
            self.state.livechat.count(self.state.settings.provider or "", "helpful" if is_helpful else "no_help")
        locale = self.articles.locale_for(request.form.get("locale"))
        response = Response(render_template("livechat/help/thanks.html", helpful=is_helpful, **self._names(locale)))
        response.headers["Cache-Control"] = "no-store"
        return response

    def sitemap(self) -> Response:
        """The sitemap of our own pages, for search engines; not there without ``LIVECHAT_SITE_URL``."""
        urls = self.articles.sitemap() or abort(404)
        response = Response(render_template("livechat/help/sitemap.xml", urls=urls), mimetype="application/xml")
        return _cached(response, PUBLIC)

    def _count_unanswered(self, text: str, locale: str) -> None:
        """Count what somebody has asked on one of our pages, and no crawler."""
        is_from_page = request.headers.get("Sec-Fetch-Site") == "same-origin"
        if is_from_page and self.state.stores_events and self.questions.allows(self._client()):
            self.state.livechat.count_unanswered(self.state.settings.provider or "", text, locale)

    @staticmethod
    def _client() -> str:
        return client_name(request.remote_addr, request.headers.get("X-Forwarded-For", ""))

    def _article(self, article: Article) -> AnyResponse:
        translations = [self.articles.get(article.path, locale) for locale in self.articles.locales]
        languages = {
            other.locale: f"{self._site()}{other.url}" for other in translations if other and not other.is_elsewhere
        }
        return self._page(
            "article.html",
            article.locale,
            article=article,
            html=self.articles.html(article.path, article.locale, _root()),
            category=self.articles.folder.categories.get((article.locale, article.category)),
            canonical=article.url if article.is_elsewhere else self._site() + str(article.url),
            languages=languages,
        )

    def _category(self, locale: str, path: str) -> AnyResponse:
        category = self.articles.folder.categories.get((locale, path))
        groups = self._groups(locale, path)
        if not groups:
            abort(404)
        return self._page("category.html", locale, category=category, groups=groups)

    def _groups(self, locale: str, path: str = "") -> list[tuple[Category | None, list[Article]]]:
        """The articles of a category and of those within it, each category apart, in order."""
        groups: dict[str, list[Article]] = {}
        for article in self.articles.published(locale):
            if f"{article.category}/".startswith(f"{path}/") or not path:
                groups.setdefault(article.category, []).append(article)
        return [(self.articles.folder.categories.get((locale, name)), rows) for name, rows in groups.items()]

    def _image(self, path: str) -> Response:
        root = library.folder_of(self.state, current_flask())
        response = send_file(root / path, max_age=MAX_AGE_S, conditional=True)
        response.headers["Cache-Control"] = PUBLIC
        response.headers["Content-Security-Policy"] = IMAGE_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def _address(self, path: str) -> str:
        return f"{_root()}{self.articles.pages}/{quoted(path)}"

    def _site(self) -> str:
        """What stands before a page's path for those who read it elsewhere: the site, or the path of the app."""
        return self.articles.site_url or _root()

    def _names(self, locale: str) -> dict[str, Any]:
        """What all pages speak of."""
        config = self.state.settings
        human = config.fallback_url
        if config.providers:
            human = f"{_root()}{self.articles.pages}/human?locale={locale}"
        return {
            "articles": self.articles,
            "locale": locale,
            "direction": "rtl" if is_right_to_left(locale) else "ltr",
            "text": texts(locale),
            "human_url": human,
            "root": _root(),
            "home": f"{_root()}{self.articles.pages}",
            "site": self._site(),
        }

    def _page(self, name: str, locale: str, **names: Any) -> AnyResponse:
        """A page for everybody. An app's own template may speak of the visitor: then it is the visitor's."""
        name, names = f"livechat/help/{name}", {**self._names(locale), **names}
        env = current_app.jinja_env
        if all(Path(env.get_template(part).filename or "/").is_relative_to(HERE) for part in (name, BASE)):
            # Not by Flask's function: what other extensions add to every template may read the session.
            return _cached(Response(env.get_template(name).render(names)), PUBLIC)
        response = Response(render_template(name, **names))
        response.vary.add("Cookie")
        # A template that writes to the session, as csrf_token() does, sends a cookie along.
        is_personal = bool(request.cookies) or session.modified
        return _cached(response, PRIVATE if is_personal else PUBLIC)


def _cached(response: Response, policy: str) -> Response:
    response.headers["Cache-Control"] = policy
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.add_etag()
    return cast(Response, response.make_conditional(request))


def _root() -> str:
    """The path that the app is mounted at. Where a proxy says it, it can be none of another host."""
    return same_origin(f"{request.script_root}/").rstrip("/")

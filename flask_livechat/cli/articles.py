"""``flask livechat articles …``: the articles in LIVECHAT_ARTICLES. Thin: it asks and prints."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from .. import providers
from ..errors import ConfigError, LiveChatError, Unsupported
from ..internals import service
from ..safe_text import quantity, terminal_text
from ..state import current_flask, current_state
from .desk import opened, reason, where

if TYPE_CHECKING:
    from ..help.articles import Articles
    from ..help.sync import Change, Local, Row
    from ..model import Article

group = AppGroup("articles", help="Help articles from the app's own repository.")


@group.command()
@with_appcontext
def check() -> None:
    """List all problems of the articles, each with its file, its line and what to do.

    The exit status is 1 if there are errors. With warnings alone everything works.
    """
    try:
        articles = current_state().livechat.articles
    except ConfigError as error:
        raise click.ClickException(str(error)) from None
    from ..help.check import problems  # noqa: PLC0415 - needs the extra

    every = problems(articles, _answers)
    errors = [problem for problem in every if problem.is_error]
    for problem in [*errors, *(problem for problem in every if not problem.is_error)]:
        level = "error" if problem.is_error else "warning"
        click.echo(terminal_text(f"{level}: {current_state().settings.articles}/{problem}"))
    locales = ", ".join(f"{locale} {len(articles.published(locale))}" for locale in articles.locales)
    click.echo(
        f"{quantity(len(articles), 'article')} ({locales or 'none'}): {quantity(len(errors), 'error')}, "
        f"{quantity(len(every) - len(errors), 'warning')}."
    )
    if errors:
        raise click.exceptions.Exit(1)


def _answers(path: str) -> bool:
    """Whether the app has a page at a path."""
    adapter = current_app.url_map.bind(current_app.config["SERVER_NAME"] or "localhost")
    try:
        adapter.match(path, method="GET")
    except (NotFound, MethodNotAllowed):
        return False
    except HTTPException:  # a redirect to the path with a slash
        return True
    return True


@contextmanager
def _errors(at: str) -> Any:
    """Turn errors into one line and status 1."""
    try:
        yield
    except Unsupported as error:
        hint = "Its articles can be served by your own app: LIVECHAT_ARTICLE_PAGES = True."
        raise click.ClickException(f"{error} {hint}") from None
    except (LiveChatError, ValueError) as error:
        raise click.ClickException("\n".join(map(terminal_text, reason(error, at).split("\n")))) from None


class Sync:
    """The folder, the vendor, and what is known of the one at the other."""

    def __init__(self, provider: str | None, at: str) -> None:
        state = current_state()
        self.name, _ = state.livechat.account(provider)
        api = providers.api(self.name)
        if api is None or api.inventory is None:
            raise Unsupported(providers.load(self.name).title, "articles.plan")
        self.articles: Articles = state.livechat.articles
        _refuse_errors(self.articles)
        self.desk, self.now = opened(provider, at), state.now
        self.store = service().article_rows(state, current_flask(), self.name)

    def localize(self, urls: Mapping[tuple[str, str], str | None]) -> list[Local]:
        """Return the articles as they are sent."""
        from ..help import sync  # noqa: PLC0415 - needs the extra

        return sync.to_send(self.articles, urls, self.articles.site_url or "")

    def plan(self, prune: bool = False) -> list[Change]:
        """Ask the vendor what is there, and return what is to be done."""
        from ..help import publish, sync  # noqa: PLC0415

        rows: list[Row] = publish.read_rows(self.store)
        since = max((row.at for row in rows), default=None)
        stock = self.desk.inventory({*self.articles.locales, *(row.locale for row in rows)}, since)

        @cache
        def read(place: tuple[str, str | None]) -> Article:
            return self.desk.articles.get(*place)

        def plan(urls: Mapping[tuple[str, str], str | None]) -> list[Change]:
            def whole(article: Article) -> Article:
                return article if article.body is not None else read((article.id, article.locale))

            return sync.plan(self.localize(urls), rows, stock, whole, prune)

        urls = {row.key: row.url for row in rows}
        changes = plan(urls)
        adopted = {(item.path, item.locale): item.remote.url for item in changes if item.remote and not item.row}
        return plan(urls | adopted) if adopted else changes


def _refuse_errors(articles: Articles) -> None:
    """Raise an error with all that is wrong with the folder: nothing of a broken one is published."""
    from ..help.check import problems  # noqa: PLC0415 - needs the extra

    errors = [str(problem) for problem in problems(articles, _answers) if problem.is_error]
    if articles.site_url is None and any(map(partial(_needs_site, articles), articles)):
        errors.append("LIVECHAT_SITE_URL is not set, but images and links to your site need it at the vendor.")
    if errors:
        raise LiveChatError("\n".join(["Nothing was sent, because the articles have errors:", *errors]))


def _needs_site(articles: Articles, article: Any) -> bool:
    from ..help import markdown  # noqa: PLC0415 - needs the extra

    links, _ = markdown.inspect(article.body)
    return any(articles.target(article, link.href).kind in ("image", "site") for link in links)


def _of_a_vendor(run: Callable[..., None]) -> Callable[..., None]:
    whose = click.option("--provider", metavar="NAME", help="Another vendor than LIVECHAT_PROVIDER.")
    return with_appcontext(whose(where(run)))


@group.command()
@_of_a_vendor
@click.option("--json", "raw", is_flag=True, help="As JSON, one object a line.")
def plan(provider: str | None, at: str, raw: bool) -> None:
    """Show what apply would change at the vendor. This only reads.

    The exit status is 0 if there is nothing to do, 2 if there are changes, and 1 after an error.
    """
    with _errors(at):
        changes = Sync(provider, at).plan()
    _print(changes, raw)
    if changes:
        raise click.exceptions.Exit(2)


@group.command()
@_of_a_vendor
@click.option("--overwrite", is_flag=True, help="Replace articles that were changed at the vendor, too.")
@click.option("--prune", is_flag=True, help="Delete articles that have left the folder, instead of unpublishing them.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
def apply(provider: str | None, at: str, overwrite: bool, prune: bool, yes: bool) -> None:
    """Make the vendor's help centre equal to the folder: create drafts, write their texts, and publish them last.

    The command stops at the first error and says what is done; the next apply continues from there. The exit status
    is also 1 if an article was left alone because it was changed at the vendor.
    """
    with _errors(at):
        sync = Sync(provider, at)
        with sync.store.alone():
            changes = sync.plan(prune)
            _print(changes, raw=False)
            if not changes:
                return
            if not yes:
                click.confirm(f"Change this at {providers.load(sync.name).title}?", abort=True)
            left = _carry_out(sync, changes, overwrite, prune)
    for change in left:
        click.echo(terminal_text(f"left: {change}"), err=True)
    if left:
        raise click.exceptions.Exit(1)


def _carry_out(sync: Sync, changes: Sequence[Change], overwrite: bool, prune: bool) -> list[Change]:
    from ..help.publish import Publisher  # noqa: PLC0415 - needs the extra

    with click.progressbar(length=len(changes), label="Applying") as bar:
        return Publisher(
            sync.desk, sync.store, sync.localize, sync.now, lambda change: bar.update(1), overwrite, prune
        ).run(changes)


@group.command()
@_of_a_vendor
@click.argument("paths", metavar="PATH…", nargs=-1, required=True)
def pull(provider: str | None, at: str, paths: tuple[str, ...]) -> None:
    """Write the vendor's text into the files of articles, such as en/billing/card-declined. Git shows the diff."""
    with _errors(at):
        sync = Sync(provider, at)
        with sync.store.alone():
            for path in paths:
                click.echo(terminal_text(_pull(sync, path.removesuffix(".md").strip("/"))))


def _pull(sync: Sync, name: str) -> str:
    """Write one article's file, and note that we know what the vendor has. Return the file's name."""
    from ..help import publish  # noqa: PLC0415 - needs the extra
    from ..help.library import folder_of  # noqa: PLC0415
    from ..help.pull import as_in_the_folder, pulled  # noqa: PLC0415

    state, rows = current_state(), publish.read_rows(sync.store)
    urls, file = {row.key: row.url for row in rows}, f"{name}.md"
    row = next((row for row in rows if f"{row.locale}/{row.path}" == name and row.remote), None)
    sent = {item.key: item for item in sync.localize(urls)}
    if row is None or row.key not in sent:
        raise LiveChatError(
            f"{name} was never applied. Use the name that plan prints, such as en/billing/card-declined."
        )
    remote = sync.desk.articles.get(row.remote, row.locale)
    body = as_in_the_folder(remote.body or "", file, urls, f"{sync.articles.site_url or ''}{sync.articles.files}")
    target = folder_of(state, current_flask()) / file
    target.write_text(pulled(target.read_text("utf-8-sig"), sent[row.key], remote, body), "utf-8")
    state.runtime.articles = None  # to be read again
    sync.articles = state.livechat.articles
    now_sent = {item.key: item for item in sync.localize(urls)}[row.key]
    publish.note(sync.store, row, remote, now_sent)
    return file


def _print(changes: Sequence[Change], raw: bool) -> None:
    for change in changes:
        data = {"kind": change.kind, "path": change.path, "locale": change.locale, "why": change.why}
        click.echo(json.dumps(data, ensure_ascii=False) if raw else terminal_text(str(change)))
    if not raw:
        click.echo(f"{quantity(len(changes), 'change')}." if changes else "Nothing to do.")

"""``flask livechat articles …``: the articles in LIVECHAT_ARTICLES. Thin: it asks and prints."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from ..errors import ConfigError
from ..safe_text import terminal_text
from ..state import current_state

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
        f"{len(articles)} articles ({locales or 'none'}): {len(errors)} errors, {len(every) - len(errors)} warnings."
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

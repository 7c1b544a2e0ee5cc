"""An app's articles: read once on first use, and anew in debug mode when a file has changed."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from flask import Flask

from ..errors import ConfigError, Problem
from ..state import State
from . import markdown
from .articles import Articles
from .folder import Reader
from .search import Index

_READING = Lock()


def articles(state: State, app: Flask) -> Articles:
    """Return the app's articles. Raise ``ConfigError`` where there is no folder."""
    root = folder_of(state, app)
    stamp = _stamp(root) if app.debug else None
    cached: tuple[object, Articles] | None = state.runtime.articles
    if cached is None or cached[0] != stamp:
        with _READING:
            cached = state.runtime.articles
            if cached is None or cached[0] != stamp:
                cached = state.runtime.articles = (stamp, _read(state, app, root))
    return cached[1]


def folder_of(state: State, app: Flask) -> Path:
    """Return the folder of the articles, which is below the app's own where its path does not begin with a slash."""
    if state.settings.articles is None:
        fix = "Set it to the folder of your articles, such as 'help'."
        raise ConfigError([Problem("LC103", "LIVECHAT_ARTICLES", "is not set", fix)])
    root = Path(app.root_path) / state.settings.articles
    if not root.is_dir():
        fix = "Create it, with a folder for each language: en/billing/card-declined.md."
        raise ConfigError([Problem("LC110", "LIVECHAT_ARTICLES", f"there is no folder {root}", fix)])
    return root


def _read(state: State, app: Flask, root: Path) -> Articles:
    config = state.settings
    prefix = f"{config.url_prefix}/help"
    pages = prefix if config.article_pages else None
    language = config.locale if isinstance(config.locale, str) else None
    reader = Reader(root, lambda locale, path: pages and f"{pages}/{markdown.quoted(f'{locale}/{path}')}")
    folder = reader.read(language)
    errors = [problem for problem in folder.problems if problem.is_error]
    if errors:
        hint = "`flask livechat articles check` has all of them"
        app.logger.warning("livechat: %d errors in %s, the first: %s (%s).", len(errors), root, errors[0], hint)
    return Articles(folder, pages, prefix, config.site_url, Index(Path(app.instance_path)))


def _stamp(root: Path) -> frozenset[tuple[str, int, int]]:
    """Return what differs when a file of the folder has changed."""
    paths = (path for path in root.rglob("*") if path.is_file())
    return frozenset((str(path), (stat := path.stat()).st_mtime_ns, stat.st_size) for path in paths)

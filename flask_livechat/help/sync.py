"""Which changes bring a vendor's help centre to what the folder says. Pure: it compares, and calls no vendor.

An article that was neither made nor adopted by an apply is in no change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from ..model import Article as RemoteArticle
from ..model import Inventory
from . import markdown
from .articles import Article, Articles

CREATE, CHANGE, MOVE, UNPUBLISH, ADOPT, DRIFT = "create", "change", "move", "unpublish", "adopt", "drift"
SIGNS: Mapping[str, str] = {CREATE: "+", CHANGE: "~", MOVE: ">", UNPUBLISH: "-", ADOPT: "=", DRIFT: "!"}
WITHDRAWN = "withdrawn"  # a row's source once its article has left the folder and is not published any more
Key = tuple[str, str]  # path and locale


@dataclass(frozen=True, slots=True, eq=False)
class Local:
    """An article as it is to be at the vendor: links and images are addresses.

    ``titles`` are those of its categories by their paths, and ``default_titles`` the same in the default language.
    """

    path: str
    locale: str
    title: str
    body: str
    description: str = ""
    is_published: bool = True
    titles: Mapping[str, str] = field(default_factory=dict)
    default_titles: Mapping[str, str] = field(default_factory=dict)
    moved_from: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        return self.path, self.locale

    @property
    def digest(self) -> str:
        state = "published" if self.is_published else "draft"
        return digest(self.title, self.description, self.body, state, *self.titles)


@dataclass(frozen=True, slots=True)
class Row:
    """What we know of an article at the vendor. ``source`` and ``theirs`` are empty while we write."""

    path: str
    locale: str
    remote: str
    source: str
    theirs: str
    url: str | None
    at: datetime

    @property
    def key(self) -> Key:
        """The path and the locale."""
        return self.path, self.locale


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to do. ``why`` says what is in the way of it, where something is."""

    kind: str
    path: str
    locale: str
    local: Local | None = None
    row: Row | None = None
    remote: RemoteArticle | None = None
    why: str = ""
    is_ambiguous: bool = False  # nothing but a person can decide it

    @property
    def sign(self) -> str:
        return SIGNS[self.kind]

    def __str__(self) -> str:
        where = f" (from {self.row.path})" if self.kind == MOVE and self.row else ""
        return f"{self.sign} {self.locale}/{self.path}{where}" + (f": {self.why}" if self.why else "")


def digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def digest_of(remote: RemoteArticle) -> str:
    """Return a hash of what the vendor has. It differs when somebody has changed it there."""
    state = "published" if remote.published else "draft"
    return digest(remote.title, remote.description or "", remote.body or "", state)


def plan(
    local: Sequence[Local],
    state: Iterable[Row],
    remote: Inventory,
    read: Callable[[RemoteArticle], RemoteArticle] = lambda article: article,
    prune: bool = False,
) -> list[Change]:
    """Return what is to be done, in the folder's order. ``read`` gives an article with its body where it has none.

    ``prune``: what has left the folder is to be deleted, and not just taken back.
    """
    rows = {row.key: row for row in state}
    there = {(article.id, (article.locale or "").casefold()): article for article in remote.articles}

    def at_vendor(row: Row) -> RemoteArticle | None:
        return there.get((row.remote, row.locale.casefold())) or there.get((row.remote, ""))

    wanted = {item.key for item in local}
    old_paths = {path: {old for item in local if item.path == path for old in item.moved_from} for path, _ in wanted}
    moved = {
        item.key: row
        for item in local
        if item.key not in rows and (row := _moved(item, old_paths[item.path], rows, wanted))
    }
    claimed = {(row.remote, row.locale.casefold()) for row in rows.values() if row.remote}
    claimed |= {(known, "") for known, _ in claimed}
    free = [article for article in remote.articles if (article.id, (article.locale or "").casefold()) not in claimed]
    changes: list[Change] = []
    for item in local:
        row = rows.get(item.key) or moved.get(item.key)
        if row is None or not row.remote:
            changes.append(_new(item, row, free, remote.categories, read))
        elif change := _known(item, row, at_vendor(row), read):
            changes.append(change)
    gone = [row for row in rows.values() if row.key not in wanted and row not in moved.values()]
    for row in gone:
        left = at_vendor(row)
        if row.source != WITHDRAWN or (left and (prune or left.published)):
            changes.append(Change(UNPUBLISH, row.path, row.locale, None, row, left))
    return changes


def _moved(item: Local, old_paths: Iterable[str], rows: Mapping[Key, Row], wanted: set[Key]) -> Row | None:
    """Return the row of a path that the article has had, and that no other article has now."""
    keys = [(path, item.locale) for path in sorted(old_paths)]
    return next((rows[key] for key in keys if key in rows and key not in wanted and rows[key].remote), None)


def _new(
    item: Local,
    row: Row | None,
    free: Sequence[RemoteArticle],
    categories: Mapping[str, tuple[str, ...]],
    read: Callable[[RemoteArticle], RemoteArticle],
) -> Change:
    """What to do about an article without an id: to make it, or to adopt the one that is there."""
    candidates = [article for article in free if _is_same_place(item, article, categories)]
    if row is not None and len(candidates) == 1:  # we were making it when we were interrupted
        return Change(CREATE, *item.key, item, row, candidates[0])
    if not candidates:
        return Change(CREATE, *item.key, item, row)
    if len(candidates) > 1:
        ids = ", ".join(article.id for article in candidates)
        why = f"several articles of the vendor's could be it: {ids}. Rename or delete all but one of them there"
        return Change(DRIFT, *item.key, item, row, None, why, is_ambiguous=True)
    remote = read(candidates[0])
    if is_same_text(item, remote):
        return Change(ADOPT, *item.key, item, row, remote)
    why = "the vendor has a different article there. Pull it, or overwrite it with --overwrite"
    return Change(DRIFT, *item.key, item, row, remote, why)


def _known(
    item: Local, row: Row, remote: RemoteArticle | None, read: Callable[[RemoteArticle], RemoteArticle]
) -> Change | None:
    """What to do about an article that we have made or adopted."""
    if remote is None:
        why = "it was deleted at the vendor. Remove it from the folder, or create it again with --overwrite"
        return Change(DRIFT, *item.key, item, replace(row, remote=""), None, why)
    is_being_written = not row.theirs
    if not is_being_written and (remote.body is not None or _looks_changed(item, row, remote)):
        remote = read(remote)
        if digest_of(remote) != row.theirs:
            why = "changed at the vendor since. Pull it, or overwrite it with --overwrite"
            return Change(DRIFT, *item.key, item, row, remote, why)
    if row.path != item.path:
        return Change(MOVE, *item.key, item, row, remote)
    return Change(CHANGE, *item.key, item, row, remote) if row.source != item.digest else None


def _looks_changed(item: Local, row: Row, remote: RemoteArticle) -> bool:
    """Whether what a list says differs from what we sent: a title, or whether it is published."""
    was_sent = row.source == item.digest
    return was_sent and (remote.title != item.title or remote.published not in (None, item.is_published))


def _is_same_place(item: Local, remote: RemoteArticle, categories: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether an article is where this one is to be: at its path, or of its title in its category."""
    if remote.locale is not None and remote.locale.casefold() != item.locale.casefold():
        return False
    if remote.path is not None:
        return remote.path == item.path
    titles = categories.get(remote.category or "", ())
    known = [_folded(item.titles.values()), _folded(item.default_titles.values())]
    return remote.title == item.title and _folded(titles) in known


def _folded(titles: Iterable[str]) -> list[str]:
    return [title.casefold() for title in titles]


def is_same_text(item: Local, remote: RemoteArticle) -> bool:
    """Whether readers see the same, however each side writes its Markdown."""
    return (
        remote.title == item.title
        and (remote.description or "") == item.description
        and rendered(remote.body or "") == rendered(item.body)
    )


def rendered(body: str) -> str:
    """Return what readers see of a text, by which two ways of writing it are one."""
    return str(markdown.render(body, lambda href, is_image: href))


def to_send(articles: Articles, urls: Mapping[Key, str | None], base: str) -> list[Local]:
    """Return the folder's articles as they are sent, with links to where the vendor has the others.

    ``base`` is ``LIVECHAT_SITE_URL``. A link to what visitors cannot read yet becomes its text.
    """

    def address(article: Article, href: str, is_image: bool) -> str | None:
        target = articles.target(article, href)
        page = articles.by_file.get(target.file) if target.kind == "page" and not target.fault else None
        if isinstance(page, Article) and not page.is_elsewhere:
            url = urls.get((page.path, page.locale))
            return url and url + target.fragment
        return articles.address(article, href, is_image, base)

    def titles(article: Article, locale: str) -> dict[str, str]:
        parts, folders = article.path.split("/")[:-1], articles.folder.categories
        paths = ["/".join(parts[: end + 1]) for end in range(len(parts))]
        known = [folders.get((locale, path)) or folders.get((article.locale, path)) for path in paths]
        return {path: category.title if category else path for path, category in zip(paths, known, strict=True)}

    return [
        Local(
            article.path,
            article.locale,
            article.title,
            markdown.with_links(article.body, partial(address, article)),
            article.description,
            article.is_published,
            titles(article, article.locale),
            titles(article, articles.default_locale),
            article.moved_from,
        )
        for article in articles
    ]

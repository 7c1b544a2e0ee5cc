"""Carrying a plan out: drafts first, then bodies with their links, and what visitors see last.

A row is begun before the vendor is asked and finished after, so that a process that is killed at any moment leaves
nothing that the next one does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ..errors import LiveChatError, NotFound
from ..model import Article as RemoteArticle
from .sync import ADOPT, CHANGE, DRIFT, MOVE, UNPUBLISH, WITHDRAWN, Change, Key, Local, Row, digest_of, is_same_text

EDITED = "changed at the vendor since, so that it is not deleted. --overwrite deletes it"
PASSES = 3  # of links that lead to each other: the second one has all addresses


@dataclass
class Publisher:
    """Carries changes out. ``localize`` makes what is sent, out of the addresses that are known."""

    desk: Any
    store: Any
    localize: Callable[[Mapping[Key, str | None]], Sequence[Local]]
    now: Callable[[], datetime]
    advance: Callable[[Change], None] = lambda change: None
    overwrite: bool = False
    prune: bool = False
    rows: dict[Key, Row] = field(default_factory=dict)
    done: int = 0
    total: int = 0

    def run(self, changes: Sequence[Change]) -> list[Change]:
        """Carry changes out, and return those that were left for a person to decide."""
        self.rows = {row.key: row for row in read_rows(self.store)}
        left = [change for change in changes if change.kind == DRIFT and (change.is_ambiguous or not self.overwrite)]
        to_do = [change for change in changes if change not in left]
        self.total = len(to_do)
        for change in to_do:
            if change.row and not change.row.remote and change.row.key in self.rows:  # deleted at the vendor
                self.rows[change.row.key] = change.row
        for change in to_do:
            with self._about(change):
                self._make_draft(change)
            if change.kind == ADOPT:
                self._finish(change)
        self._write_and_show(
            {change.local.key: change for change in to_do if change.local}, [(item.path, item.locale) for item in left]
        )
        for change in to_do:
            if change.kind == UNPUBLISH:
                with self._about(change):
                    left += [] if self._withdraw(change) else [replace(change, kind=DRIFT, why=EDITED)]
                self._finish(change)
        return left

    def _write_and_show(self, planned: Mapping[Key, Change], left: Sequence[Key]) -> None:
        """Write all bodies, then publish. Once that has given new addresses, write what links to them again."""
        finished: set[Key] = set()
        for _ in range(PASSES):
            wanted = self.localize({key: row.url for key, row in self.rows.items()})
            rows = [(item, row) for item in wanted if (row := self.rows.get(item.key)) and item.key not in left]
            stale = {
                item: planned.get(item.key) or Change(CHANGE, *item.key, item, row)
                for item, row in rows
                if row.source != item.digest
            }
            for item, change in stale.items():
                with self._about(change):
                    self._write(item)
            for item, change in stale.items():
                with self._about(change):
                    self._show(item)
                if item.key in planned and item.key not in finished and change.kind != ADOPT:
                    self._finish(change)
                finished.add(item.key)

    def _finish(self, change: Change) -> None:
        self.done += 1
        self.advance(change)

    @contextmanager
    def _about(self, change: Change) -> Iterator[None]:
        """Say of an error which article it was about, what is done, and that the next ``apply`` goes on."""
        try:
            yield
        except LiveChatError as error:
            progress = f"{self.done} of {self.total} changes are done; the next apply goes on from here"
            raise LiveChatError(f"{change.locale}/{change.path}: {error} ({progress}).") from error

    def _make_draft(self, change: Change) -> None:
        """Have the article be there, under an id that we know."""
        item, row, remote = change.local, change.row, change.remote
        if item is None:
            return
        if change.kind == ADOPT and remote is not None:
            is_same = remote.published in (None, item.is_published)
            self._keep(item.key, remote, item.digest if is_same else "", digest_of(remote))
        elif change.kind == MOVE and row is not None and remote is not None and remote.path is None:
            self._begin(row.key, remote.id, remote.url)
            self.desk.articles.update(remote.id, locale=item.locale, category=item.default_titles or None)
            self._begin(item.key, remote.id, remote.url)
            self._forget(row)
        elif change.kind != MOVE and remote is not None:
            self._keep(item.key, remote, "", row.theirs if row and not self.overwrite else "")
        else:
            self._begin(item.key, "", None)
            sibling = next(
                (known.remote for known in self.rows.values() if known.path == item.path and known.remote), None
            )
            made = self.desk.articles.create(
                item.title,
                item.body,
                locale=item.locale,
                category=item.titles or None,
                description=item.description or None,
                slug=item.path.rpartition("/")[2],
                translates=sibling,
            )
            self._begin(item.key, made.id, made.url)
            if change.kind == MOVE and row is not None:  # where an id is a path, the old one is another article
                self._keep(row.key, self.desk.articles.unpublish(row.remote, row.locale), WITHDRAWN, "")

    def _write(self, item: Local) -> None:
        """Write title, body and description, unless somebody has changed them since the plan."""
        row = self.rows[item.key]
        if row.theirs and not self.overwrite:
            current = self.desk.articles.get(row.remote, row.locale)
            if digest_of(current) != row.theirs:
                raise LiveChatError("It was changed at the vendor a moment ago. Run plan again.")
        self._begin(item.key, row.remote, row.url)
        remote = self.desk.articles.update(
            row.remote, item.title, item.body, locale=item.locale, description=item.description
        )
        is_final = remote.published in (None, item.is_published)
        self._keep(item.key, remote, item.digest if is_final else "", digest_of(remote) if is_final else "")

    def _show(self, item: Local) -> None:
        """Publish it, or take it back."""
        row = self.rows[item.key]
        if row.source != item.digest:
            act = self.desk.articles.publish if item.is_published else self.desk.articles.unpublish
            remote = act(row.remote, item.locale)
            self._keep(item.key, remote, item.digest, digest_of(remote))

    def _withdraw(self, change: Change) -> bool:
        """Take back what has left the folder. Return False where somebody's work would be deleted with it."""
        row, remote = change.row, change.remote
        if row is None:
            return True
        if any(
            (known.remote, known.locale) == (row.remote, row.locale) and known.key != row.key
            for known in self.rows.values()
        ):
            self._forget(row)  # a move that was interrupted: the article goes on under its new path
            return True
        shares_id = any(known.remote == row.remote and known.key != row.key for known in self.rows.values())
        try:
            if remote is not None and self.prune and not shares_id:
                current = self.desk.articles.get(row.remote, row.locale)
                if row.theirs and digest_of(current) != row.theirs and not self.overwrite:
                    return False
                self.desk.articles.delete(row.remote)
            elif remote is not None and not self.prune:
                taken_back = self.desk.articles.unpublish(row.remote, row.locale)
                self._keep(row.key, taken_back, WITHDRAWN, digest_of(taken_back))
                return True
            elif remote is not None and remote.published:
                self.desk.articles.unpublish(row.remote, row.locale)
        except NotFound:
            pass
        self._forget(row)
        return True

    def _begin(self, key: Key, remote: str, url: str | None) -> None:
        self._put(Row(*key, remote, "", "", url, self.now()))

    def _keep(self, key: Key, remote: RemoteArticle, source: str, theirs: str) -> None:
        self._put(Row(*key, remote.id, source, theirs, remote.url if remote.published else None, self.now()))

    def _put(self, row: Row) -> None:
        self.store.put(row.path, row.locale, row.remote, row.source, row.theirs, row.url, row.at)
        self.rows[row.key] = row

    def _forget(self, row: Row) -> None:
        self.store.drop(row.path, row.locale)
        self.rows.pop(row.key, None)


def read_rows(store: Any) -> list[Row]:
    """Return what the database knows of one vendor's articles."""
    names = ("path", "locale", "remote", "source", "theirs", "url", "at")
    return [Row(*(row[name] for name in names)) for row in store.all()]


def note(store: Any, row: Row, remote: RemoteArticle, sent: Local) -> None:
    """Note that the folder has what the vendor has."""
    is_same = is_same_text(sent, remote) and remote.published in (None, sent.is_published)
    source = sent.digest if is_same else ""
    store.put(row.path, row.locale, row.remote, source, digest_of(remote), row.url, row.at)

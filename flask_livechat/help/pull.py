"""What a vendor has, as a file of the folder: the fields and the text that differ, and nothing else. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

import yaml

from ..model import Article as RemoteArticle
from . import markdown
from .articles import DRAFT, PUBLISHED
from .folder import FENCE
from .sync import Key, Local, rendered


def pulled(text: str, sent: Local, remote: RemoteArticle, body: str) -> str:
    """Return the file with what the vendor has. ``body`` is the vendor's, with links as the folder has them."""
    matter, rest = "", text
    if FENCE.match(text):
        _, matter, rest = FENCE.split(text, maxsplit=2)
    lines = [line for line in matter.strip("\n").split("\n") if line]
    if remote.title != sent.title:
        heading = next((heading for heading in markdown.headings(rest) if heading.level == 1), None)
        if heading is None or any(line.startswith("title:") for line in lines):
            lines = _with_field(lines, "title", remote.title)
        else:
            parts = rest.split("\n")
            rest = "\n".join([*parts[: heading.start], f"# {remote.title}", *parts[heading.end :]])
    if (remote.description or "") != sent.description:
        lines = _with_field(lines, "description", remote.description or "")
    if remote.published is not None and remote.published != sent.is_published:
        lines = _with_field(lines, "state", PUBLISHED if remote.published else DRAFT)
    if rendered(remote.body or "") != rendered(sent.body):
        start = next((heading for heading in markdown.headings(rest) if heading.level == 1), None)
        title = rest.split("\n")[start.start : start.end] if start else []
        rest = "\n".join([*title, *([""] if title else []), body, ""])
    return "\n".join(["---", *lines, "---", rest.lstrip("\n")]) if lines else rest


def _with_field(lines: list[str], name: str, value: str) -> list[str]:
    """Set a field of a front matter, in its place. An empty one goes. The lines that continue it go with it."""
    start = next((n for n, line in enumerate(lines) if line.startswith(f"{name}:")), len(lines))
    end = next((n for n in range(start + 1, len(lines)) if not lines[n].startswith((" ", "\t"))), len(lines))
    new = yaml.safe_dump({name: value}, allow_unicode=True, width=1000).rstrip("\n").split("\n") if value else []
    return [*lines[:start], *new, *lines[max(start, end) :]]


def as_in_the_folder(body: str, file: str, urls: Mapping[Key, str | None], files_url: str) -> str:
    """Return a vendor's Markdown with links to articles and images as ``file`` has them: relative."""
    paths = {url: f"{locale}/{path}.md" for (path, locale), url in urls.items() if url}

    def address(href: str, is_image: bool) -> str:
        url, mark, fragment = href.partition("#")
        path = paths.get(url)
        if path is None and files_url and url.startswith(f"{files_url}/"):
            path = url.removeprefix(f"{files_url}/")
        return href if path is None else posixpath.relpath(path, posixpath.dirname(file)) + mark + fragment

    return markdown.with_links(body, address)

"""What a response becomes when it carries the tag, holds one of an earlier request, or must carry none."""

from __future__ import annotations

import gzip
import html
import re
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, request
from markupsafe import Markup, escape
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response as AnyResponse

from . import blocks
from .blocks import Replaced
from .bodies import UnreadableBody, decode
from .page import script_json

HTML = ("text/html", "application/xhtml+xml")
TEXTS = ("text/", "application/json", "application/xml", "application/javascript", "application/xhtml")
# What we write in HTML's short forms.
SHORT = re.compile(rb'<(?:script defer src=|link rel="preload" as="script" |button )[^<>]*>')
ATTRIBUTE = re.compile(rb' ([\w:.-]+)(="[^"]*")?')
# Caches obey these before Cache-Control (RFC 9213, nginx, Akamai, LiteSpeed and others).
OUTRANKING = ("cdn-cache-control", "surrogate-control", "x-accel-expires", "edge-control", "x-litespeed-cache-control")
# What speaks of a body's very bytes.
OF_THE_BYTES = ("ETag", "Last-Modified", "Content-Encoding", "Content-MD5", "Digest", "Content-Digest", "Repr-Digest")


@dataclass(frozen=True, slots=True)
class Body:
    """A response's body before it was compressed. ``text`` is None where it streams, is a file, or is unreadable."""

    text: bytes | None
    unreadable: UnreadableBody | None = None


def body_of(response: Response) -> Body:
    """What streams and what is a file is not read."""
    if response.status_code == 206 and not response.direct_passthrough and is_text(response):
        return Body(None, UnreadableBody("it is a part of a text"))
    if response.is_streamed or response.direct_passthrough:
        return Body(None)
    try:
        data = response.get_data()
    except RuntimeError:  # a response class that makes no sequence of what the view gave
        return Body(None)
    try:
        return Body(decode(data, ", ".join(response.headers.getlist("Content-Encoding"))))
    except UnreadableBody as error:
        return Body(data, error)  # a coding that browsers do not know either leaves the text as it is


def is_html(response: AnyResponse) -> bool:
    """Also without a type, for browsers look at the text then."""
    return not response.mimetype or response.mimetype.lower() in HTML


def is_text(response: Response) -> bool:
    return (response.mimetype or "").startswith(TEXTS) or (response.mimetype or "").endswith(("+json", "+xml"))


def outranking(headers: Headers) -> list[str]:
    """The names of headers that caches obey before ``Cache-Control: private``."""
    return list({name for name, _ in headers if name.lower().endswith(OUTRANKING)})


def make_private(response: Response) -> None:
    """For the visitor's own browser only, whatever the view said, and never to renew an older copy."""
    said = ",".join(response.headers.getlist("Cache-Control")).lower().split(",")
    kept = [
        part.strip() for part in said if part.strip() and not part.strip().startswith(("public", "private", "s-maxage"))
    ]
    response.headers["Cache-Control"] = ", ".join(dict.fromkeys([*kept, "private"]))
    for name in (*outranking(response.headers), "ETag", "Last-Modified"):
        response.headers.pop(name, None)
    if response.status_code == 304:  # in its place: the browser's copy is of another request
        response.status_code = 200
    response.vary.add("Cookie")


def without_foreign_blocks(text: bytes, markups: Iterable[Markup], consent: Callable[[], str]) -> Replaced:
    """The page, with the impersonal block in place of each that another request has written."""
    written = [markup.encode() for markup in markups]
    own = {each[start:end] for each in written for start, end in blocks.contents(each)}

    def write(block: dict[str, Any]) -> bytes | None:
        nobody = blocks.impersonal(block, consent())
        try:
            return None if nobody == block else script_json(nobody).encode()
        except ValueError:  # NaN, which no block of ours holds
            return b"null"

    return blocks.replace_foreign(text, own, write)


def as_xhtml(text: bytes) -> bytes:
    """What we write in HTML's short forms, as XML has it: each attribute with a value, each element closed."""

    def value(attribute: re.Match[bytes]) -> bytes:
        return b" " + attribute[1] + (attribute[2] or b'="%s"' % attribute[1])

    def closed(element: re.Match[bytes]) -> bytes:
        if element[0].startswith(b"<button") and b"data-livechat-open" not in element[0]:
            return element[0]
        written = ATTRIBUTE.sub(value, element[0])
        closes = written.startswith(b"<link") and not written.endswith(b"/>")
        return written[:-1] + b" />" if closes else written

    return SHORT.sub(closed, text)


def without_tag(text: bytes, markups: Iterable[Markup], mimetype: str) -> bytes:
    """What is not a page carries no tag, be it as it is or within JSON or XML."""
    for markup in dict.fromkeys(map(str, markups)):
        within_json = current_app.json.dumps(markup)[1:-1]
        for written in (markup, within_json, html.escape(markup), str(escape(markup))):
            text = text.replace(written.encode(), b"")
    return blocks.without_tags(text) if mimetype.endswith(("json", "xml")) else text


def copy_of(response: Response) -> Response:
    """With headers of its own: the app may keep the response itself, and send it again to somebody else."""
    fresh = copy(response)
    fresh.headers = Headers(response.headers)
    return fresh


def with_text(response: Response, text: bytes) -> Response:
    """A copy with another body."""
    fresh = copy_of(response)
    compressed = "Content-Encoding" in fresh.headers
    for name in OF_THE_BYTES:
        fresh.headers.pop(name, None)
    if compressed and request.accept_encodings["gzip"] > 0:
        fresh.headers["Content-Encoding"] = "gzip"
        fresh.set_data(gzip.compress(text, 6))
    else:
        fresh.set_data(text)
    if fresh.status_code == 304:
        fresh.status_code = 200
    return fresh

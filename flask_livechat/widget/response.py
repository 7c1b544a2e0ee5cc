"""The end of a request: what a response becomes that carries the tag, holds one of an earlier request, or a secret."""

from __future__ import annotations

import gzip
import html
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, request
from flask_login import current_user
from markupsafe import Markup, escape
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response as AnyResponse

from ..errors import LiveChatError
from ..model import Decision, Visitor
from ..state import PROBE_KEY, State, request_failures, safely, warn_once
from . import blocks, csp, logout
from .blocks import Replaced
from .bodies import UnreadableBody, decode
from .decide import decide
from .payload import script_json
from .request_state import RequestState, Tag
from .secret_scanner import SecretInResponse, SecretScanner
from .tag import consent_of, is_consent_personal

HTML = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What the doctor learns of one response of its own. Such a response is sent whatever stands in it."""

    decision: Decision | None
    visitor: Visitor | None
    failures: list[str]  # of the app's own callables; a page that streams adds to it later
    has_foreign_block: bool
    is_logged_in: bool
    leaked_key: str | None
    unreadable: str | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """A response's body before it was compressed. ``text`` is None where it streams, is a file, or is unreadable."""

    text: bytes | None
    unreadable: UnreadableBody | None = None

    @classmethod
    def of(cls, response: Response) -> Body:
        """What streams and what is a file is not read."""
        texts = ("text/", "application/json", "application/xml", "application/javascript", "application/xhtml")
        mimetype = response.mimetype or ""
        is_text = mimetype.startswith(texts) or mimetype.endswith(("+json", "+xml"))
        if response.status_code == 206 and not response.direct_passthrough and is_text:
            return cls(None, UnreadableBody("it is a part of a text"))
        if response.is_streamed or response.direct_passthrough:
            return cls(None)
        try:
            data = response.get_data()
        except RuntimeError:  # a response class that makes no sequence of what the view gave
            return cls(None)
        try:
            return cls(decode(data, ", ".join(response.headers.getlist("Content-Encoding"))))
        except UnreadableBody as error:
            return cls(data, error)  # a coding that browsers do not know either leaves the text as it is


def finish(state: State, req: RequestState, response: Response) -> Response:
    """The page's blocks and headers, what must not leave, and the end of a chat after a logout."""
    body = Body.of(response)
    response, body = _finish_text(state, req, response, body)
    req.is_finished = True
    response = _without_secrets(state, req, response, body)
    if req.is_logged_out and not req.is_ended:  # on what is sent in a page's place, too
        response = copy_of(response)
        logout.end(response, req.request, state.settings)
    return response


def _finish_text(state: State, req: RequestState, response: Response, body: Body) -> tuple[Response, Body]:
    """A page without other requests' blocks, and what is not a page without any. And the headers of either."""
    is_page, text, has_block = is_html(response), body.text, bool(req.tags)
    is_private = any(tag.is_private for tag in req.tags)
    if text is not None and is_page:
        replaced = without_foreign_blocks(text, req.tags, lambda: consent_of(state, req))
        text, has_block = replaced.text, replaced.own or replaced.foreign
        is_private = is_private or (replaced.foreign and is_consent_personal(state, req))
        req.has_foreign_block = text != body.text
        text = as_xhtml(text) if response.mimetype == "application/xhtml+xml" else text
    elif text is not None:
        text = without_tag(text, [tag.markup for tag in req.tags], response.mimetype or "")
    if text is not None and text != body.text:
        response, body = with_text(response, text), Body(text)
    if has_block and is_private:
        response = copy_of(response)
        make_private(response)
    if has_block and is_page and state.settings.csp == "merge":
        _merge_policies(state, req, response)
    return response, body


def _merge_policies(state: State, req: RequestState, response: Response) -> None:
    needs = policy_needs(state, req)
    for name in csp.HEADERS:
        merged = [csp.merge(policy, needs) for policy in response.headers.getlist(name)]
        if merged:
            warn_of_style_nonce(", ".join(merged))
            response.headers.setlist(name, merged)


def policy_needs(state: State, req: RequestState | None) -> dict[str, list[str]]:
    """What this page's provider needs of a policy; outside a request, what all of them do."""
    config = state.settings
    if req is None:
        return csp.needs_of(config, config.providers)
    decision = req.tags[-1].decision if req.tags else safely("csp", lambda: decide(state, req.app), None)
    return csp.needs_of(config, [str(decision.provider)] if decision and decision.show else [])


def merged_policy(
    state: State, req: RequestState | None, policy: str | Mapping[str, Any] | None, nonce: str | None
) -> str | dict[str, Any]:
    """``livechat.csp``. Raises ``TypeError`` for a policy that is neither text nor a mapping."""
    needs = csp.with_nonce(policy_needs(state, req), nonce)
    if policy is None:
        return csp.write(needs)
    if not isinstance(policy, str | Mapping):
        raise TypeError(f"livechat.csp takes text or a dict, not {type(policy).__name__}.")
    merged = csp.merge(policy, needs) if isinstance(policy, str) else csp.merge_mapping(policy, needs)
    warn_of_style_nonce(merged)
    return merged


def warn_of_style_nonce(policy: Any) -> None:
    if csp.switches_inline_styles_off(policy):
        warn_once(
            "style-src has a nonce or a hash, so browsers ignore its 'unsafe-inline' and block the chat's styles. "
            "Remove it from style-src (with Flask-Talisman, from content_security_policy_nonce_in)."
        )


def _without_secrets(state: State, req: RequestState, response: Response, body: Body) -> Response:
    """The response, unless a configured secret stands in it. What streams or is a file is not read."""
    scanner, probe = state.secret_scanner, req.environ.get(PROBE_KEY)
    if scanner is None and probe is not None:  # the doctor looks where nobody else does
        scanner = SecretScanner(state.settings.providers, sandbox=state.settings.sandbox)
    headers = "\n".join(response.headers.values()).encode("utf-8", "replace")
    key = None if scanner is None else scanner.key_in(headers) or scanner.key_in(body.text or b"")
    if probe is not None:
        why = body.unreadable.why if body.unreadable else None
        decision = req.tags[-1].decision if req.tags else None
        is_logged_in = hasattr(req.app, "login_manager") and bool(current_user.is_authenticated)
        result = (decision, req.visitor, request_failures(), req.has_foreign_block, is_logged_in, key, why)
        probe.append(ProbeResult(*result))
        return response
    if key is not None:
        error = SecretInResponse(key)
        _raise_in_tests(req, error)
        req.app.logger.error("livechat: %s was not sent. %s", req.request.endpoint, error)
        title = "Internal Server Error"
        return req.app.make_response((f"<!doctype html><title>{title}</title><h1>{title}</h1>", 500))
    if body.unreadable is not None and (scanner is not None or is_html(response)):
        _raise_in_tests(req, body.unreadable)
        warn_once(f"{req.request.endpoint}: {body.unreadable}")
    return response


def _raise_in_tests(req: RequestState, error: LiveChatError) -> None:
    # While Flask handles an exception it sends the page whatever a hook raises.
    if (req.app.debug or req.app.testing) and sys.exc_info()[1] is None:
        raise error


def is_html(response: AnyResponse) -> bool:
    """Also without a type, for browsers look at the text then."""
    return not response.mimetype or response.mimetype.lower() in HTML


def outranking(headers: Headers) -> list[str]:
    """The names of headers that caches obey before ``Cache-Control: private``."""
    # RFC 9213, nginx, Akamai, LiteSpeed and others.
    ends = ("cdn-cache-control", "surrogate-control", "x-accel-expires", "edge-control", "x-litespeed-cache-control")
    return list({name for name, _ in headers if name.lower().endswith(ends)})


def make_private(response: Response) -> None:
    """For the visitor's own browser only, whatever the view said, and never to renew an older copy."""
    parts = ",".join(response.headers.getlist("Cache-Control")).lower().split(",")
    others = [
        part.strip()
        for part in parts
        if part.strip() and not part.strip().startswith(("public", "private", "s-maxage"))
    ]
    response.headers["Cache-Control"] = ", ".join(dict.fromkeys([*others, "private"]))
    for name in (*outranking(response.headers), "ETag", "Last-Modified"):
        response.headers.pop(name, None)
    if response.status_code == 304:  # in its place: the browser's copy is of another request
        response.status_code = 200
    response.vary.add("Cookie")


def without_foreign_blocks(text: bytes, tags: Iterable[Tag], consent: Callable[[], str]) -> Replaced:
    """The page, with the impersonal block in place of each that another request has written."""
    own = {tag.data.encode() for tag in tags}

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
        written = re.sub(rb' ([\w:.-]+)(="[^"]*")?', value, element[0])
        closes = written.startswith(b"<link") and not written.endswith(b"/>")
        return written[:-1] + b" />" if closes else written

    return re.sub(rb'<(?:script defer src=|link rel="preload" as="script" |button )[^<>]*>', closed, text)


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
    of_the_bytes = (
        "ETag",
        "Last-Modified",
        "Content-Encoding",
        "Content-MD5",
        "Digest",
        "Content-Digest",
        "Repr-Digest",
    )
    for name in of_the_bytes:
        fresh.headers.pop(name, None)
    if compressed and request.accept_encodings["gzip"] > 0:
        fresh.headers["Content-Encoding"] = "gzip"
        fresh.set_data(gzip.compress(text, 6))
    else:
        fresh.set_data(text)
    if fresh.status_code == 304:
        fresh.status_code = 200
    return fresh

"""The blueprint's widget endpoints: the loader, and the identity of who is logged in."""

from __future__ import annotations

from typing import Any, cast

from flask import Response, abort, current_app, request

from ..rate_limit import client_name
from ..same_origin import SameOriginBlueprint, is_same_origin_request
from ..state import call_app, current_state, name_of, warn_once
from . import browser_reports, csp_reports, rules, tag
from .browser_reports import FAILURE_REASONS, MAX_REPORT_BYTES
from .identity import current_visitor
from .payload import script_json
from .request_state import request_state

blueprint = SameOriginBlueprint("livechat", __name__)


@blueprint.get("/<name>.<digest>.js")
def script(name: str, digest: str) -> Response:
    """Today's file, whatever the digest: a page rendered before a deployment still gets a loader, never a 404."""
    script = current_state().scripts.get(name) or abort(404)
    body, encoding = script.encoded(dict(request.accept_encodings))
    response = Response(body, mimetype="text/javascript")
    is_current = digest == script.digest
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_current else "no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.vary.add("Accept-Encoding")
    # One tag per encoding, as RFC 9110 asks of representations that differ in their bytes.
    response.set_etag(f"{script.digest}-{encoding or 'plain'}")
    if encoding:
        response.content_encoding = encoding
    return cast(Response, response.make_conditional(request))


@blueprint.get("/identity")
def identity() -> Response:
    """The signed identity of the logged-in visitor. For our own pages only, and for no cache."""
    if not is_same_origin_request():
        abort(403)
    state = current_state()
    provider = request.args.get("provider") or state.settings.provider or ""
    if provider not in state.settings.providers:
        abort(404)
    # Written as in a page, for the loader compares the two.
    return _personal(script_json(tag.identity_payload(state, request_state(), provider)))


def _personal(text: str) -> Response:
    """One visitor's, for no cache and no other site."""
    response = Response(text, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.vary.add("Cookie")
    return response


@blueprint.post("/failures")
def failures() -> tuple[str, int]:
    """A browser says that chat did not start, and why. For LIVECHAT_REPORT_FAILURES; needs no login and takes none."""
    state = current_state()
    if not state.settings.report_failures:
        abort(404)
    report = _report_of_our_page()
    provider, reason = report.get("provider"), report.get("reason")
    if provider not in tuple(state.settings.providers) or reason not in FAILURE_REASONS:
        abort(400)
    count = state.runtime.failures.count(provider, reason, _client())
    if count is None:
        abort(429)
    current_app.logger.warning("livechat: %s did not start in a browser: %s (%d so far).", provider, reason, count)
    return "", 204


@blueprint.post("/opens")
def opens() -> Response:
    """The chat was opened, help used, or a thumb given, says a browser: no webhook does. It takes no login.

    A thumb is answered with its receipt, by which the same browser may take it back.
    """
    state = current_state()
    if not state.stores_events:
        abort(404)
    report = _report_of_our_page(browser_reports.MAX_OPENS_BYTES)
    provider, rating = report.get("provider"), browser_reports.rating(report)
    event, question = browser_reports.event(report), browser_reports.unanswered(report)
    if provider not in tuple(state.settings.providers) or not (event or rating or question):
        abort(400)
    if not state.runtime.opens.allows(_client()):
        abort(429)
    if question is not None:
        state.livechat.count_unanswered(str(provider), *question)
        return Response(status=204)
    if event is not None or rating is None:
        state.livechat.count(str(provider), str(event))
        return Response(status=204)
    receipt = state.livechat.rate(str(provider), rating.thumb, rating.receipt)
    return _personal(script_json({"receipt": receipt}))


@blueprint.post("/starts")
def starts() -> Response:
    """A browser is about to start what starts once for a visitor: the app says whether it is the first time.

    Nobody but whoever is logged in is asked about, and staff who look at the site as somebody else use nothing up.
    """
    state = current_state()
    report = _report_of_our_page(max_bytes=700)  # a character of an id takes six in JSON at most
    content, ask = report.get("start"), state.callbacks.start_once
    if ask is None:
        warn_once('once="server" starts nothing without a function that is registered with @livechat.start_once')
        abort(404)
    if not rules.is_start(content):
        abort(400)
    if not state.runtime.starts.allows(_client()):
        abort(429)
    visitor = current_visitor(state, request_state())
    first = visitor is not None and call_app(
        lambda: current_app.ensure_sync(ask)(visitor, content), False, name_of(ask)
    )
    return _personal(script_json({"first": bool(first)}))


@blueprint.get("/unread")
def unread() -> Response:
    """How much the logged-in visitor has not read, says our store: before the vendor is loaded."""
    state = current_state()
    if not state.stores_events:
        abort(404)
    if not is_same_origin_request():
        abort(403)
    return _personal(script_json({"unread": state.livechat.unread()}))


@blueprint.post("/unread")
def read() -> tuple[str, int]:
    """The logged-in visitor has the chat open: what was said until now is read."""
    state = current_state()
    if not state.stores_events:
        abort(404)
    _report_of_our_page()
    state.livechat.see()
    return "", 204


@blueprint.post("/flow")
def flow() -> Response:
    """One step of a flow, for the help panel. The state travels through the browser.

    The server stores counts, and for a while what a visitor with a proven identity hands over.
    """
    step = _report_of_our_page(max_bytes=2048)
    if not current_state().runtime.flow_steps.allows(_client()):
        abort(429)
    reply = current_state().livechat.flow_reply(step)
    return abort(404) if reply is None else _personal(script_json(reply))


@blueprint.get("/suggest")
def suggest() -> Response:
    """The articles that answer what somebody is writing. Of nobody: it is the same for all who ask it."""
    if not current_state().runtime.suggestions.allows(_client()):
        abort(429)
    results = current_state().livechat.suggest(request.args.get("q", ""), request.args.get("locale"))
    if results is None:
        abort(404)
    response = Response(script_json({"results": results}), mimetype="application/json")
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _report_of_our_page(max_bytes: int = MAX_REPORT_BYTES) -> dict[str, Any]:
    """What a page of ours reports, a small JSON object."""
    if not is_same_origin_request():
        abort(403)
    if (request.content_length or max_bytes + 1) > max_bytes:
        abort(413)
    try:
        report = request.get_json(force=True, silent=True)
    except RecursionError:  # a thousand brackets
        return {}
    return report if isinstance(report, dict) else {}


@blueprint.post("/csp-reports", endpoint="csp_reports")
def receive_csp_reports() -> tuple[str, int]:
    """A browser says what a policy has blocked (``report-uri`` or ``report-to``). Needs no login and takes none."""
    state = current_state()
    if not state.settings.csp_reports:
        abort(404)
    if request.mimetype not in csp_reports.TYPES:
        abort(415)
    if (request.content_length or csp_reports.LONGEST + 1) > csp_reports.LONGEST:
        abort(413)
    if not state.reports.rate.allows(_client()):
        abort(429)
    try:
        violations = csp_reports.read(request.get_data(), state.settings.providers)
    except (ValueError, RecursionError):
        abort(400)
    for violation in state.reports.new(violations):
        current_app.logger.warning("livechat: %s.", violation)
    return "", 204


def _client() -> str:
    return client_name(request.remote_addr, request.headers.get("X-Forwarded-For", ""))

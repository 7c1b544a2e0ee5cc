"""What a response becomes when it carries the tag, or must not."""

from __future__ import annotations

from flask import Response, current_app
from markupsafe import Markup

TARGETED = ("cdn-cache-control", "surrogate-control")


def make_private(response: Response) -> None:
    """For the visitor's own browser only, whatever the view said."""
    control = response.cache_control
    control.public = False
    control.s_maxage = None
    if not control.no_store:
        control.private = True
    # Caches that are told apart by a header of their own (RFC 9213) obey it before Cache-Control.
    for name in {name for name, _ in response.headers if name.lower().endswith(TARGETED)}:
        del response.headers[name]
    response.vary.add("Cookie")


def without(response: Response, markup: Markup) -> Response:
    """A response that is not a page carries no tag, be it as it is or within JSON."""
    if response.is_streamed or response.direct_passthrough:
        return response
    body = original = response.get_data()
    for written in (str(markup), current_app.json.dumps(str(markup))[1:-1]):
        body = body.replace(written.encode(), b"")
    if body != original:
        response.set_data(body)
    return response

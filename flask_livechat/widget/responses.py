"""What a response becomes when it carries the tag, or must not."""

from __future__ import annotations

from flask import Response
from markupsafe import Markup


def make_private(response: Response) -> None:
    """For the visitor's own browser only, whatever the view said."""
    control = response.cache_control
    control.public = False
    control.s_maxage = None
    if not control.no_store:
        control.private = True
    response.vary.add("Cookie")


def without(response: Response, markup: Markup) -> Response:
    """A response that is not a page carries no tag."""
    if not response.is_streamed and not response.direct_passthrough:
        response.set_data(response.get_data(as_text=True).replace(str(markup), ""))
    return response

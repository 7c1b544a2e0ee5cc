"""The request, an endpoint or a path -> the Address that rules judge."""

from __future__ import annotations

from urllib.parse import parse_qsl

from flask import Request, current_app, has_request_context, request
from werkzeug.exceptions import HTTPException

from .request_state import request_state
from .sensitive_urls import Address


def address(endpoint: str | None = None, path: str | None = None) -> Address:
    """The page asked about; the current one without arguments."""
    if path is not None:
        bare, _, query = path.partition("?")
        match_endpoint, arguments = _match(bare)
        pairs = parse_qsl(query, keep_blank_values=True)
        names, values = tuple(name for name, _ in pairs), tuple(value for _, value in pairs)
        return Address(bare, endpoint or match_endpoint, names, arguments, values)
    if endpoint is not None:
        first = next(iter(current_app.url_map.iter_rules(endpoint)), None) if _known(endpoint) else None
        return Address(first.rule if first else "", endpoint, (), tuple(first.arguments) if first else ())
    return of_request(request_state().request)


def of_request(current: Request) -> Address:
    """The page that is asked for."""
    arguments = tuple(current.view_args or ())
    if not current.query_string:
        return Address(current.path, current.endpoint, (), arguments)
    names, values = zip(*current.args.items(multi=True), strict=True) if current.args else ((), ())
    return Address(current.path, current.endpoint, names, arguments, values)


def _known(endpoint: str) -> bool:
    return endpoint in current_app.view_functions


def _match(path: str) -> tuple[str | None, tuple[str, ...]]:
    adapter = current_app.create_url_adapter(request if has_request_context() else None)
    adapter = adapter or current_app.url_map.bind("localhost")
    try:
        endpoint, arguments = adapter.match(path, method="GET")
    except HTTPException:  # a page that there is not (or that redirects) still has its error page
        return None, ()
    return endpoint, tuple(arguments)

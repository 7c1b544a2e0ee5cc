"""The request, an endpoint or a path -> the Address that rules judge."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

from flask import Request, current_app, has_request_context, request
from werkzeug.exceptions import HTTPException

from .request_state import request_state
from .sensitive_urls import Address


def address(endpoint: str | None = None, path: str | None = None) -> Address:
    """The page asked about; the current one without arguments."""
    if path is not None:
        bare, _, query = path.partition("?")
        adapter = current_app.create_url_adapter(request if has_request_context() else None)
        match_endpoint: str | None = None
        arguments: Mapping[str, Any] = {}
        with suppress(HTTPException):  # a page that there is not (or that redirects) still has its error page
            match_endpoint, arguments = (adapter or current_app.url_map.bind("localhost")).match(bare, method="GET")
        pairs = parse_qsl(query, keep_blank_values=True)
        names, values = tuple(name for name, _ in pairs), tuple(value for _, value in pairs)
        return Address(bare, endpoint or match_endpoint, names, tuple(arguments), values)
    if endpoint is not None:
        is_known = endpoint in current_app.view_functions
        first = next(iter(current_app.url_map.iter_rules(endpoint)), None) if is_known else None
        return Address(first.rule if first else "", endpoint, (), tuple(first.arguments) if first else ())
    return of_request(request_state().request)


def of_request(current: Request) -> Address:
    """The page that is asked for."""
    arguments = tuple(current.view_args or ())
    if not current.query_string:
        return Address(current.path, current.endpoint, (), arguments)
    names, values = zip(*current.args.items(multi=True), strict=True) if current.args else ((), ())
    return Address(current.path, current.endpoint, names, arguments, values)

"""The response headers of this site: a strict policy that knows nothing of chat vendors."""

from __future__ import annotations

import secrets

from flask import Flask, Response, g


def nonce() -> str:
    """This request's nonce. Also given to Flask-LiveChat as ``LIVECHAT_NONCE``."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return str(g.nonce)


def add_headers(response: Response) -> Response:
    """Set the site's own policy. What the page's vendor needs is added by ``LIVECHAT_CSP = "merge"``."""
    response.headers.setdefault(
        "Content-Security-Policy",
        f"default-src 'self'; script-src 'self' 'nonce-{nonce()}'; object-src 'none'; base-uri 'self'",
    )
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    return response


def init_app(app: Flask) -> None:
    """Give every response the headers, and templates the nonce."""
    app.after_request(add_headers)
    app.jinja_env.globals["nonce"] = nonce

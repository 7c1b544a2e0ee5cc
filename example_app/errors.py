"""Error pages in the site's own look. They carry the chat too: that is where visitors need it most."""

from __future__ import annotations

import secrets

from flask import Flask, current_app, render_template
from werkzeug.exceptions import HTTPException

from . import chat

TEXTS = {
    403: ("This page is for staff", "You are signed in, but this part of the site is not for your account."),
    404: ("Nothing grows here", "We could not find that page. It may have moved, or the address has a typo."),
    500: ("Something broke on our side", "The team has been told. Ask in the chat if you need it right now."),
}


def error_page(error: HTTPException) -> tuple[str, int]:
    """The page for an HTTP error; Flask turns an unhandled exception into a 500 first."""
    code = error.code or 500
    title, text = TEXTS.get(code, (error.name, error.description or ""))
    error_id = new_error_id(code) if code >= 500 else None
    return render_template("error.html", code=code, title=title, text=text, error_id=error_id), code


def new_error_id(code: int) -> str:
    """An id that the visitor reads, agents see, the flow ``app`` asks for, and the log has."""
    error_id = secrets.token_hex(4)
    chat.livechat.context(error_id=error_id)
    current_app.logger.error("Error page %s has the id %s.", code, error_id)
    return error_id


def init_app(app: Flask) -> None:
    """Use these pages for every error this site can answer."""
    for code in (400, 403, 404, 405, 500):
        app.register_error_handler(code, error_page)

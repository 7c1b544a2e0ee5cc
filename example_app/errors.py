"""Error pages in the site's own look. They carry the chat too: that is where visitors need it most."""

from __future__ import annotations

from flask import Flask, render_template
from werkzeug.exceptions import HTTPException

TEXTS = {
    403: ("This page is for staff", "You are signed in, but this part of the site is not for your account."),
    404: ("Nothing grows here", "We could not find that page. It may have moved, or the address has a typo."),
    500: ("Something broke on our side", "The team has been told. Ask in the chat if you need it right now."),
}


def error_page(error: HTTPException) -> tuple[str, int]:
    """The page for an HTTP error; Flask turns an unhandled exception into a 500 first."""
    code = error.code or 500
    title, text = TEXTS.get(code, (error.name, error.description or ""))
    return render_template("error.html", code=code, title=title, text=text), code


def init_app(app: Flask) -> None:
    """Use these pages for every error this site can answer."""
    for code in (400, 403, 404, 405, 500):
        app.register_error_handler(code, error_page)

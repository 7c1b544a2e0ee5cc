"""The product itself, for people who are signed in: Intercom."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from .. import login

bp = Blueprint("workspace", __name__)

BENCHES = (
    ("Bench A, heated", "Tomatoes, pricked out", 84),
    ("Bench B, heated", "Basil, week 3", 62),
    ("Bench C", "Lavender, potted on", 91),
    ("Cold frame 1", "Pansies, hardening off", 35),
)
TASKS = (
    ("Today", "Prick out 240 tomatoes from tray 18"),
    ("Wednesday", "Sow basil, 6 trays"),
    ("Friday", "Move lavender to the cold frame"),
)


@bp.before_request
def only_signed_in() -> ResponseReturnValue | None:
    """Send visitors to the login page."""
    return None if login.viewer() else login.to_login()


@bp.get("/dashboard")
def dashboard() -> str:
    """The week at a glance."""
    return render_template("workspace/dashboard.html", benches=BENCHES, tasks=TASKS)


@bp.get("/account")
def account() -> str:
    """Who the visitor is, and what agents get to know of it."""
    return render_template("workspace/account.html")

"""Signing in and out. Nothing here mentions chat: Flask-LiveChat listens to flask-login's signal."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_user, logout_user

from ..users import DEMO_PASSWORD, DEMO_USERS, users

bp = Blueprint("auth", __name__)


@bp.get("/login")
def login_page() -> str:
    """The form, with the demo's accounts beside it."""
    return form()


@bp.post("/login")
def sign_in() -> ResponseReturnValue:
    """Check the password and go where the visitor wanted to go."""
    user = users().check(request.form.get("email", ""), request.form.get("password", ""))
    if user is None:
        flash("That email and password do not belong together.")
        return form(), 401
    login_user(user)
    return redirect(safe_next(request.form.get("next", "")))


@bp.post("/logout")
def sign_out() -> ResponseReturnValue:
    """End the session: the basket, the chosen plan and a view as somebody else belong to who leaves."""
    logout_user()
    session.clear()
    flash("You are signed out. The chat has forgotten you too.")
    return redirect(url_for("site.landing"))


def form() -> str:
    """The login page's HTML."""
    return render_template("auth/login.html", demo_users=DEMO_USERS, demo_password=DEMO_PASSWORD,
                           next=request.values.get("next", ""), email=request.form.get("email", ""))  # fmt: skip


def safe_next(target: str) -> str:
    """``target`` if it is a path of this site, else the dashboard: a login must not forward to other sites."""
    parts = urlsplit(target)
    ours = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.netloc
    return target if ours and target.isprintable() else url_for("workspace.dashboard")

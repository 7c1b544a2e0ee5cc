"""For staff: look at the site as a customer sees it, and answer them."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from .. import login
from ..users import users

bp = Blueprint("staff", __name__, url_prefix="/staff")


@bp.before_request
def only_staff() -> ResponseReturnValue | None:
    """Whoever signed in counts, not the customer they are viewing the site as."""
    if login.viewer() is None:
        return login.to_login()
    if login.staff_member() is None:
        abort(403)
    return None


@bp.get("/")
def index() -> str:
    """Everybody who has an account."""
    return render_template("staff/index.html", users=users().all())


@bp.post("/view-as")
def view_as() -> ResponseReturnValue:
    """Start to view the site as a customer. Colleagues are off limits."""
    user = users().get(request.form.get("user", ""))
    if user is None or user.is_staff:
        abort(400, "Only customers can be viewed.")
    session[login.VIEWING_AS] = user.id
    return redirect(url_for("workspace.dashboard"))


@bp.post("/stop")
def stop() -> ResponseReturnValue:
    """Be yourself again."""
    session.pop(login.VIEWING_AS, None)
    flash("You are yourself again.")
    return redirect(url_for("staff.index"))

"""For staff: look at the site as a customer sees it, write to them, and answer them."""

from __future__ import annotations

from itertools import islice

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from flask_livechat import LiveChatError
from flask_livechat.model import LiveVisitor

from .. import chat, login
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
    """Everybody who has an account, and who is on the site."""
    return render_template("staff/index.html", users=users().all(), live=live_visitors())


def live_visitors() -> list[LiveVisitor]:
    """Whoever is on the site now, as far as the vendor's API says it."""
    try:
        desk = chat.livechat.desk()
        return [*islice(desk.visitors.list(), 20)] if desk.can("visitors.list") else []
    except LiveChatError:
        return []


@bp.post("/write")
def write() -> ResponseReturnValue:
    """Begin a conversation with a customer. The package sees to it that nobody is written to twice in a day."""
    user = users().get(request.form.get("user", ""))
    if user is None or user.is_staff:
        abort(400, "Only customers are written to.")
    try:
        chat.livechat.desk().conversations.start(chat.visitor_of(user), request.form.get("text", ""), author="agent")
    except (LiveChatError, ValueError) as error:
        flash(str(error))
    else:
        flash(f"{user.name} has your message.")
    return redirect(url_for("staff.index"))


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

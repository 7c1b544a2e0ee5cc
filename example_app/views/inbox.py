"""The shop's own inbox, made with ``livechat.desk()``: the same page for whichever vendor."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from flask_livechat import LiveChatError

from ..chat import TITLE, livechat

if TYPE_CHECKING:
    from flask_livechat.desk.desk import Desk

bp = Blueprint("inbox", __name__, url_prefix="/inbox")
NEWEST = 50

WITH_TEXT = ("reply", "note", "assign", "tag")  # what the buttons do, by the names of the desk's methods
WITHOUT = ("close", "reopen")


@bp.get("/")
def index() -> ResponseReturnValue:
    """The newest conversations of one vendor."""
    vendor = request.args.get("vendor") or str(livechat.settings.provider)
    found, failure = [], ""
    try:
        found = list(islice(desk_of(vendor).conversations.list(), NEWEST))
    except LiveChatError as error:
        failure = str(error)
    return render_template("staff/inbox.html", vendor=vendor, vendors=vendors(), conversations=found, failure=failure)


@bp.get("/<vendor>/<id>")
def conversation(vendor: str, id: str) -> ResponseReturnValue:
    """What was said in one of them, and what can be done about it."""
    desk = desk_of(vendor)
    try:
        known, said, agents = (
            desk.conversations.get(id),
            list(desk.conversations.messages(id)),
            list(desk.agents.list()),
        )
    except (LiveChatError, ValueError) as error:
        flash(str(error))
        return redirect(url_for(".index", vendor=vendor))
    can = [action for action in WITH_TEXT + WITHOUT if desk.can(f"conversations.{action}")]
    return render_template(
        "staff/conversation.html", vendor=vendor, vendors=vendors(), known=known, said=said, agents=agents, can=can
    )


@bp.post("/<vendor>/<id>/<action>")
def act(vendor: str, id: str, action: str) -> ResponseReturnValue:
    """Do it, or say why not."""
    if action not in WITH_TEXT + WITHOUT:
        abort(404)
    said = (request.form.get("text", ""),) if action in WITH_TEXT else ()
    try:
        getattr(desk_of(vendor).conversations, action)(id, *said)
    except (LiveChatError, ValueError) as error:
        flash(str(error))
    return redirect(url_for(".conversation", vendor=vendor, id=id))


def desk_of(vendor: str) -> Desk:
    """The desk of a vendor that this site chats with."""
    if vendor not in vendors():
        abort(404)
    return livechat.desk(vendor)


def vendors() -> dict[str, str]:
    """Name -> title."""
    used = {name for name in current_app.config["EXAMPLE_VENDORS"].values() if name}
    return {name: title for name, title in TITLE.items() if name in used}

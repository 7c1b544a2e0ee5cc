"""The shop: Tawk.to, by a rule for this blueprint in ``LIVECHAT_RULES``."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, session, url_for
from werkzeug.wrappers import Response

from .. import content
from ..chat import livechat

bp = Blueprint("shop", __name__, url_prefix="/shop")


@bp.get("/")
def index() -> str:
    """Everything for sale."""
    return render_template("shop/index.html", items=content.ITEMS, basket=session.get("basket", []))


@bp.get("/<slug>")
@livechat.rule(load="scroll")
def item(slug: str) -> str:
    """One thing for sale. Who reads down to the details may have a question, so chat starts at the first scroll."""
    return render_template("shop/item.html", item=known_item(slug), items=content.ITEMS)


@bp.post("/<slug>/basket")
def add_to_basket(slug: str) -> Response:
    """Put one into the basket; agents see it among the visitor's last actions, and find buyers by their tag."""
    item = known_item(slug)
    session["basket"] = [*session.get("basket", []), item.slug][-20:]
    livechat.action(f"put {item.name.lower()} into the basket")
    livechat.segment("has-a-basket")
    flash(f"{item.name} is in your basket.")
    return redirect(url_for("shop.index"))


def known_item(slug: str) -> content.Item:
    """The item, or 404."""
    item = content.find(content.ITEMS, slug)
    if item is None:
        abort(404)
    return item

"""The public site: Crisp, with another load strategy on nearly every page."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from .. import content
from ..chat import livechat

bp = Blueprint("site", __name__)


@bp.get("/")
def landing() -> str:
    """The front page."""
    return render_template("site/landing.html", plans=content.PLANS)


@bp.get("/tour")
def tour() -> str:
    """What the product does."""
    return render_template("site/tour.html")


@bp.get("/pricing")
def pricing() -> str:
    """The plans. Chat sells here, so its rule loads it at once and preloads the vendor's script."""
    return render_template("site/pricing.html", plans=content.PLANS, chosen=session.get("plan"))


@bp.post("/pricing/choose")
def choose_plan() -> Response:
    """Remember the plan. The event waits in the session and leaves with the page after the redirect."""
    plan = content.find(content.PLANS, request.form.get("plan", ""))
    if plan is None:
        abort(400, "There is no such plan.")
    session["plan"] = plan.slug
    livechat.track("plan_selected", plan=plan.slug)
    livechat.action(f"chose the {plan.name} plan")
    flash(f"{plan.name} it is. Agents in the chat now see what you chose.")
    return redirect(url_for("site.pricing"))


@bp.get("/support")
def support() -> str:
    """Help, with launchers of our own."""
    return render_template("site/support.html")


@bp.get("/contact")
def contact() -> str:
    """Where launchers lead when chat cannot load (``LIVECHAT_FALLBACK_URL``)."""
    return render_template("site/contact.html")


@bp.post("/contact")
def write() -> Response:
    """A message that is written into the form. This is a demo: nobody reads it, and it is not stored."""
    flash("Thank you. This is a demo, so your message went nowhere.")
    return redirect(url_for("site.contact"))


@bp.get("/docs/")
def docs() -> str:
    """All docs pages."""
    return render_template("site/articles.html", kind="Docs", lead="Short pages for busy growers.",
                           articles=content.DOCS, endpoint="site.docs_page")  # fmt: skip


@bp.get("/docs/<slug>")
def docs_page(slug: str) -> str:
    """One docs page."""
    return article_page(content.DOCS, slug, "Docs", "site.docs")


@bp.get("/blog/")
def blog() -> str:
    """All posts."""
    return render_template("site/articles.html", kind="Blog", lead="Notes from the greenhouse.",
                           articles=content.POSTS, endpoint="site.blog_post")  # fmt: skip


@bp.get("/blog/<slug>")
def blog_post(slug: str) -> str:
    """One post."""
    return article_page(content.POSTS, slug, "Blog", "site.blog")


@bp.get("/reset-password/<token>")
def reset_password(token: str) -> str:
    """A page whose address is a secret. No rule mentions it: Flask-LiveChat keeps vendors away by itself."""
    return render_template("site/reset_password.html")


@bp.get("/boom")
def boom() -> str:
    """Fail on purpose, to show the error page."""
    raise RuntimeError("The demo's error page was asked for.")


@bp.get("/try")
def try_it() -> str:
    """What people try to break, and what should happen."""
    return render_template(
        "site/try.html",
        sandbox=current_app.config["LIVECHAT_SANDBOX"],
        blocked=session.get("vendors_blocked"),
        domain=livechat.settings.provider,
    )


@bp.post("/try/block")
def block() -> Response:
    """Block the stand-ins' scripts for this visitor, as an ad blocker would; or let them through again."""
    session["vendors_blocked"] = not session.get("vendors_blocked")
    return redirect(url_for("site.try_it"))


@bp.before_app_request
def blocked() -> None:
    """Only a stand-in's script is asked about: a session that is looked at makes a page vary by cookie."""
    if request.endpoint == "livechat_sandbox.stand_in" and session.get("vendors_blocked"):
        abort(503)


def article_page(articles: tuple[content.Article, ...], slug: str, kind: str, back: str) -> str:
    """One article, or 404."""
    article = content.find(articles, slug)
    if article is None:
        abort(404)
    return render_template("site/article.html", article=article, kind=kind, back=back)

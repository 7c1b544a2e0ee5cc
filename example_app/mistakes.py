"""The mistakes that ``flask livechat doctor`` finds, made on this site one at a time.

``python -m example_app.mistakes`` (or ``make doctor-demo``) makes each of them and shows that it is found.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, render_template_string, session
from jinja2 import ChoiceLoader, DictLoader
from jinja2.loaders import BaseLoader

from flask_livechat import doctor
from flask_livechat.desk import service
from flask_livechat.doctor import Report
from flask_livechat.state import current_state

from . import chat, create_app, login

CUSTOMER = "u-1001"
SECRET = "a-verification-secret-of-this-demonstration"  # noqa: S105 - it is what is to be found  # nosec B105
CRISP = {
    "LIVECHAT_PROVIDER": "crisp",
    "LIVECHAT_CRISP_WEBSITE_ID": "42286ab3-b29a-4fde-8538-da0ae501d825",
    "LIVECHAT_CRISP_IDENTITY_SECRET": SECRET,
}
INTERCOM = {
    "LIVECHAT_PROVIDER": "intercom",
    "LIVECHAT_INTERCOM_APP_ID": "abc12345",
    "LIVECHAT_INTERCOM_IDENTITY_SECRET": SECRET,
}
TAG = "{{ livechat() }}"
SNIPPET = (
    '<script>s = document.createElement("script"); s.src = "https://client.crisp.chat/l.js"; s.async = 1;</script>'
)
PATHS = ("/docs/import", "/shop/sensor", "/reset-password/example")
POLICY = "Content-Security-Policy"


@dataclass(frozen=True)
class Mistake:
    """What somebody got wrong: keys of the configuration, a page, a response header, or something else in the app."""

    config: Mapping[str, Any] = field(default_factory=dict)
    page: str | None = None  # the HTML of a further page, which no rule speaks of
    mail: str | None = None
    header: tuple[str, str] | None = None
    change: Callable[[Flask], object] = lambda app: None
    when: datetime = datetime(2026, 11, 21, tzinfo=UTC)


def made(mistake: Mistake, folder: str) -> Flask:
    """The site with this mistake in it."""
    app = create_app({"DEBUG": True, "INSTANCE_PATH": folder, **mistake.config})
    if mistake.page is not None:
        html = f"<!doctype html><title>A page</title><body>{mistake.page}</body>"
        add_template(app, "page.html", html)
        app.add_url_rule("/a-page", "a_page", lambda: render_template_string(html))
    if mistake.mail is not None:
        add_template(app, "email/welcome.html", mistake.mail)
    if mistake.header is not None:
        name, value = mistake.header
        # First in the list runs last: past the site's own policy, and past what livechat merges into it.
        app.after_request_funcs[None].insert(0, lambda response: set_header(response, name, value))
    mistake.change(app)
    return app


def add_template(app: Flask, name: str, source: str) -> None:
    loaders: list[BaseLoader] = [DictLoader({name: source})]
    app.jinja_env.loader = ChoiceLoader([*loaders, *filter(None, [app.jinja_env.loader])])


def set_header(response: Response, name: str, value: str) -> Response:
    response.headers[name] = value
    return response


def leave_by_hand(app: Flask) -> None:
    """A logout that flask-login hears nothing of."""

    def sign_out() -> str:
        session.clear()
        return "Bye"

    app.add_url_rule("/sign-out", "sign_out", sign_out, methods=["POST"])


def without_flask_login(app: Flask) -> None:
    """A login of its own, whose logout tells nobody."""
    leave_by_hand(app)
    del app.login_manager  # type: ignore[attr-defined]  # flask-login puts it there


class SilentManager:
    """Does what another login manager does, and belongs to a package without signals."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager

    def __getattr__(self, name: str) -> Any:
        return getattr(self._manager, name)


def with_another_login(app: Flask) -> None:
    """A login manager that tells nobody of a logout."""
    leave_by_hand(app)
    app.login_manager = SilentManager(app.login_manager)  # type: ignore[attr-defined]  # as flask-login does


def show_the_token(app: Flask) -> None:
    """A class makes logins revocable, and its token gets into a page."""
    store = app.extensions["example_app.users"]
    user = store.get(CUSTOMER)

    class Revocable(type(user)):  # type: ignore[misc]  # the class is known when the app runs
        def get_id(self) -> str:
            return "a-revocable-session-token"

    token = Revocable(**vars(user))
    app.login_manager.user_loader(lambda given: token)  # type: ignore[attr-defined]
    html = "<!doctype html><body>{{ current_user.get_id() }} {{ livechat() }}</body>"
    app.add_url_rule("/token", "token", lambda: render_template_string(html))


def forget_addresses(app: Flask) -> None:
    """The vendor signs addresses, and the users have none."""
    user = replace(app.extensions["example_app.users"].get(CUSTOMER), email="")
    app.login_manager.user_loader(lambda given: user)  # type: ignore[attr-defined]  # flask-login puts it there


def keep_for_all(app: Flask) -> None:
    """A page is rendered once, for whoever comes first."""
    page = cache(lambda: render_template_string(f"<!doctype html><body>{TAG}</body>"))
    app.add_url_rule("/kept", "kept", page)


def chatty_error(error: Exception) -> tuple[str, int]:
    return render_template_string(f"<!doctype html><body>Not here. {TAG}</body>"), 404


def ship_a_secret(app: Flask) -> None:
    app.config["VITE_CRISP_IDENTITY_SECRET"] = SECRET


def with_nameless_article(app: Flask) -> None:
    """An article whose title has no word that anybody asks with."""
    with app.app_context():
        articles = chat.livechat.articles
    runtime = app.extensions["livechat"].runtime
    nameless = replace(articles.folder.articles[0], path="what", title="What is it?", file="en/what.md")
    folder = replace(articles.folder, articles=(*articles.folder.articles, nameless))
    runtime.articles = (runtime.articles[0], replace(articles, folder=folder))


def with_an_older_article_at_the_vendor(app: Flask) -> None:
    """An article that was applied before it was changed in the folder."""
    with app.app_context():
        article = chat.livechat.articles.folder.articles[0]
        rows = service.article_rows(current_state(), app, "crisp")
        rows.put(article.path, article.locale, article.file, "older", "theirs", None, datetime.now(UTC))


def without_staff(app: Flask) -> None:
    """An inbox, and no word on who may see it."""
    app.extensions["livechat"].callbacks.staff_required = None


MISTAKES: Mapping[str, Mistake] = {
    "LC201": Mistake(page=SNIPPET),
    "LC202": Mistake(page=SNIPPET + TAG),
    "LC203": Mistake(page='<script src="https://client.crisp.chat/l.js"></script>'),
    "LC204": Mistake(page=f"</body><head>{TAG}</head><body>"),
    "LC205": Mistake(mail=f"<p>Welcome!</p>{TAG}"),
    "LC206": Mistake(page="<h1>No tag</h1>"),
    "LC207": Mistake(page=SNIPPET + SNIPPET.replace("client.crisp.chat/l.js", "widget.intercom.io/widget/abc12345")),
    "LC301": Mistake(config=CRISP, change=forget_addresses),
    "LC302": Mistake(config=CRISP | dict.fromkeys(["LIVECHAT_CRISP_IDENTITY_SECRET"])),
    "LC303": Mistake(config=INTERCOM | {"LIVECHAT_INTERCOM_IDENTITY": "hmac"}),
    "LC304": Mistake(config={"LIVECHAT_TOKEN_TTL": 30 * 24 * 3600}),
    "LC305": Mistake(header=("Cache-Control", "public, max-age=600")),
    "LC306": Mistake(change=show_the_token),
    "LC307": Mistake(config={"LIVECHAT_ALLOW_UNVERIFIED": True}),
    "LC308": Mistake(page='<script>$crisp.push(["set", "user:email", ["{{ current_user.email }}"]]);</script>'),
    "LC309": Mistake(page="<script>$crisp.push(CryptoJS.HmacSHA256(email, key));</script>"),
    "LC310": Mistake(config={"LIVECHAT_RULES": [{"when": lambda: session["plan"] == "free", "show": False}]}),
    "LC311": Mistake(config=CRISP, change=keep_for_all),
    "LC401": Mistake(config=CRISP, page="{{ config.LIVECHAT_CRISP_IDENTITY_SECRET }}"),
    "LC402": Mistake(config=CRISP, page="{{ config.LIVECHAT_CRISP_IDENTITY_SECRET }}"),
    "LC403": Mistake(page=f'<script>var crispApiKey = "{"0123456789abcdef" * 4}";</script>'),
    "LC404": Mistake(config=CRISP, change=ship_a_secret),
    "LC405": Mistake(config=CRISP | {"LIVECHAT_CRISP_IDENTITY_SECRET": "changeme"}),  # nosec B105 - it is the mistake
    "LC406": Mistake(config=CRISP | {"LIVECHAT_CRISP_WEBHOOK_KEY": "2026-11-29T12:00:00Z"}),
    "LC501": Mistake(config={"LIVECHAT_RULES": []}),
    "LC502": Mistake(page=f'<input type="password">{TAG}'),
    "LC503": Mistake(change=lambda app: app.register_error_handler(404, chatty_error)),
    "LC504": Mistake(config={"LIVECHAT_RULES": [{"path": "/reset-password/example", "show": True, "load": "intent"}]}),
    "LC505": Mistake(config={"LIVECHAT_RULES": [{"path": "/prices", "show": False}]}),
    "LC506": Mistake(config={"LIVECHAT_RULES": [{"path": "/*"}, {"path": "/pricing", "load": "eager"}]}),
    "LC507": Mistake(page=f"<div data-turbo-permanent>{TAG}</div>"),
    "LC508": Mistake(page=f'<p hx-boost="true">{TAG}</p>'),
    "LC509": Mistake(page="<script>history.pushState(null, '', url);</script>"),
    "LC510": Mistake(page=f'<base href="https://static.example.com/">{TAG}'),
    "LC601": Mistake(change=leave_by_hand),
    "LC602": Mistake(change=without_flask_login),
    "LC603": Mistake(config={"LIVECHAT_FALLBACK_URL": None}),
    "LC604": Mistake(config={"LIVECHAT_FALLBACK_URL": "/kontakt"}),
    "LC605": Mistake(config={"LIVECHAT_FLOWS": "no-such-folder"}),
    "LC606": Mistake(change=with_another_login),
    "LC607": Mistake(change=with_an_older_article_at_the_vendor),
    "LC608": Mistake(change=with_nameless_article),
    "LC609": Mistake(header=("Set-Cookie", "visit=4711")),
    "LC610": Mistake(
        config={
            "LIVECHAT_PROVIDER": None,
            "LIVECHAT_SANDBOX": False,
            "LIVECHAT_FALLBACK_URL": None,
            "LIVECHAT_RULES": (),
        }
    ),
    "LC611": Mistake(change=without_staff),
    "LC701": Mistake(config={"LIVECHAT_CSP": "off"}),
    "LC702": Mistake(header=(f"{POLICY}-Report-Only", "default-src 'self'")),
    "LC703": Mistake(header=(POLICY, "style-src 'unsafe-inline' 'nonce-c3R5bGU='")),
    "LC704": Mistake(header=(POLICY, "script-src 'nonce-b3RoZXI=' 'strict-dynamic'")),
    "LC705": Mistake(header=("Cross-Origin-Embedder-Policy", "require-corp")),
    "LC706": Mistake(header=("Referrer-Policy", "unsafe-url")),
    "LC707": Mistake(header=(POLICY, "require-trusted-types-for 'script'")),
    "LC801": Mistake(config={"LIVECHAT_SANDBOX": "allow"}),
    "LC802": Mistake(config={"LIVECHAT_PROVIDER": None, "LIVECHAT_SANDBOX": False, "LIVECHAT_RULES": ()}),
    "LC803": Mistake(when=datetime(2029, 1, 1, tzinfo=UTC)),
    "LC804": Mistake(config={"LIVECHAT_GUARD": False}),
    "LC805": Mistake(change=lambda app: app.before_request(lambda: ("Back soon", 503))),
}


@contextmanager
def undone() -> Iterator[None]:
    """What a mistake does to what all apps of this process share is undone."""
    shared = (chat.livechat, login.manager)
    before = [{name: copy(value) for name, value in vars(one).items()} for one in shared]
    try:
        yield
    finally:
        for one, known in zip(shared, before, strict=True):
            vars(one).clear()
            vars(one).update(known)


def examined(mistake: Mistake) -> Report:
    """What the doctor says of the site with this mistake."""
    with undone(), tempfile.TemporaryDirectory() as folder:
        app = made(mistake, folder)
        with app.test_request_context():
            user = app.login_manager._user_callback(CUSTOMER) if hasattr(app, "login_manager") else None
        return doctor.examine(app, now=mistake.when, user=user, deploy=True, paths=PATHS)


def main() -> int:
    os.chdir(Path(__file__).parent.parent)
    missed = 0
    for check in doctor.checks():
        findings = examined(MISTAKES[check.code]).findings
        found = next((finding for finding in findings if finding.check.code == check.code), None)
        missed += found is None
        said = f"{found.places[0]}: {found.what}" if found else "MISSED"
        sys.stdout.write(f"{check.code}  {check.title:<62}  {said[:100]}\n")
    sys.stdout.write(f"{len(MISTAKES) - missed} of {len(MISTAKES)} mistakes were found.\n")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())

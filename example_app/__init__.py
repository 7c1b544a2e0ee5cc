"""Pottingshed: a small made-up product site that shows Flask-LiveChat at work.

Start it with ``flask --app example_app run --debug``. Without any account it runs on the sandbox; with
``FLASK_LIVECHAT_CRISP_WEBSITE_ID=…`` (or another vendor's id) in the environment it talks to the real vendor.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask

from . import chat, errors, headers, login, navigation, users
from .views import auth, inspector, shop, site, staff, workspace

__all__ = ["create_app"]

DEFAULTS = {
    # Lax keeps other sites from posting with the visitor's cookie; together with "changes only by POST" that is
    # all the CSRF protection this demo needs. A real site uses Flask-WTF's CSRFProtect.
    "SESSION_COOKIE_SAMESITE": "Lax",
    # The friendly 500 page is part of what the demo shows, so debug and test runs render it too.
    "PROPAGATE_EXCEPTIONS": False,
}


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Build the site. ``config`` wins over the environment (``FLASK_…``), which wins over the defaults.

    ``INSTANCE_PATH`` in ``config`` moves the folder that holds the users and the secret key.
    """
    given = dict(config or {})
    app = Flask(__name__, instance_path=given.pop("INSTANCE_PATH", None))
    app.config.from_mapping(DEFAULTS)
    app.config.from_prefixed_env()
    app.config.from_mapping(given)
    prepare_instance(app)
    login.manager.init_app(app)
    chat.configure(app.config)
    chat.livechat.init_app(app)
    # After livechat: Flask runs the last registered hook first, so our policy is there when livechat merges into it.
    headers.init_app(app)
    navigation.init_app(app)
    errors.init_app(app)
    for blueprint in (site.bp, auth.bp, shop.bp, workspace.bp, staff.bp, inspector.bp):
        app.register_blueprint(blueprint)
    return app


def prepare_instance(app: Flask) -> None:
    """Create what the first start needs: the folder, the secret key and the demo users."""
    folder = Path(app.instance_path)
    folder.mkdir(parents=True, exist_ok=True)
    if not app.config["SECRET_KEY"]:
        app.config["SECRET_KEY"] = kept_secret(folder / "secret_key")
    store = users.Users(folder / "example_app.sqlite3")
    store.create()
    app.extensions["example_app.users"] = store


def kept_secret(path: Path) -> str:
    """The secret key of this installation, made on first start and readable by its owner only."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(descriptor, "w") as file:
        file.write(secret := secrets.token_hex(32))
    return secret

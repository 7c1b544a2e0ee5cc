"""A site whose events are handled by Celery. The test makes it, and so does each worker: see ``make_celery``."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from celery import Celery, Task
from flask import Flask

from flask_livechat import LiveChat
from flask_livechat.model import Event

from .crash_site import SECRET, WEBSITE


def create_app(**config: Any) -> Flask:
    """``HANDLED`` is the file in which handlers note their process and the event."""
    app = Flask("celery_site")
    app.config.update(
        LIVECHAT_PROVIDER="crisp",
        LIVECHAT_CRISP_WEBSITE_ID=WEBSITE,
        LIVECHAT_CRISP_WEBHOOK_SECRET=SECRET,
        LIVECHAT_CELERY=True,
    )
    app.config.from_prefixed_env()
    app.config.update(config)
    livechat = LiveChat(app)
    create_celery(app)

    @livechat.on("message")
    def handle(event: Event) -> None:
        seen = handled(Path(app.config["HANDLED"]))
        with open(app.config["HANDLED"], "a", encoding="utf-8") as file:
            file.write(f"{os.getpid()} {event.id}\n")
        if event.id not in [name for _, name in seen]:  # at first
            if event.text == "fail":
                raise LookupError
            if event.text == "die":
                os.kill(os.getpid(), signal.SIGKILL)
        if event.text == "reply":
            livechat.desk().conversations.reply(str(event.conversation), "By the worker")
        if event.text == "together":
            from .conftest import until

            until(lambda: len({process for process, _ in handled(Path(app.config["HANDLED"]))}) > 1)

    return app


def create_celery(app: Flask) -> Celery:
    """As Flask's documentation has it."""

    class FlaskTask(Task):  # type: ignore[misc]  # Celery ships no types
        def __call__(self, *args: object, **kwargs: object) -> object:
            with app.app_context():
                return self.run(*args, **kwargs)

    celery = Celery(app.name, task_cls=FlaskTask)
    celery.config_from_object(app.config["CELERY"])
    celery.set_default()
    app.extensions["celery"] = celery
    return celery


def handled(file: Path) -> list[tuple[int, str]]:
    """The process and the event of each call of the handler."""
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return [(int(process), event) for process, event in (line.split() for line in lines)]

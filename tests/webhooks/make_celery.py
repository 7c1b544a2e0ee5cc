"""``celery -A tests.webhooks.make_celery worker``: the site's worker, with short pauses; and a lease of LEASE."""

from __future__ import annotations

import os
from datetime import timedelta

from flask_livechat.desk import store, worker

from .celery_site import create_app

worker.FIRST_PAUSE = timedelta(seconds=0.3)
store.LEASE = timedelta(seconds=float(os.environ.get("LEASE", "300")))  # before the task's module takes it from there

flask_app = create_app()
celery_app = flask_app.extensions["celery"]

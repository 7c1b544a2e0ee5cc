"""Handle events after the answer, on Celery. It needs the extra ``celery``, and the app's Celery as Flask documents it.

The database is the queue, as it is for ``flask livechat work``. A task says only that there is work: what was told,
what is leased and what failed stands in the database. A task that gets lost loses nothing; one too many finds nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from celery import shared_task
from flask import current_app, has_app_context

from ..errors import ConfigError, Problem
from ..state import current_state
from .store import LEASE
from .worker import PRUNED_EVERY, Worker

NAME = "livechat.work"
BROKER_TIMEOUT_S = 1.0  # for each step of sending a task: a vendor waits for its answer
MAX_DELAY = timedelta(minutes=20)  # for brokers deliver again what waits too long: Redis after an hour
log = logging.getLogger(__name__)

# By the names that Redis and AMQP have for them; each leaves the other's alone. One retry reaches a second host.
BROKER_OPTIONS: Mapping[str, Any] = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "socket_connect_timeout": BROKER_TIMEOUT_S,
    "socket_timeout": BROKER_TIMEOUT_S,
    "read_timeout": BROKER_TIMEOUT_S,
    "write_timeout": BROKER_TIMEOUT_S,
}


def send_task(when: datetime | None = None) -> None:
    """Send the task, to be run now or at a moment.

    It takes a few seconds at most, whatever the broker does. Raise what the broker's client raises, and ``ConfigError``
    for an app without Celery.
    """
    celery = current_app.extensions.get("celery")
    if celery is None:
        raise _problem("the app has no Celery", 'Set app.extensions["celery"] to it')
    options: dict[str, Any] = {}
    if when is not None:
        options = {"args": [when.isoformat()], "eta": min(when, current_state().now() + MAX_DELAY)}
    # A connection of its own: the ones that Celery keeps are as patient as the app's own tasks want them.
    with celery.connection_for_write(connect_timeout=BROKER_TIMEOUT_S, transport_options=BROKER_OPTIONS) as connection:
        celery.tasks[NAME].apply_async(**options, connection=connection, retry=False)


# A task whose process is killed comes again.
@shared_task(name=NAME, bind=True, ignore_result=True, acks_late=True, reject_on_worker_lost=True)  # type: ignore[untyped-decorator]  # Celery ships no types
def work(task: Any, when: str | None = None) -> None:
    """Handle what is due, until nothing is. Before ``when`` only send the task again."""
    if not has_app_context():
        raise _problem("the task runs outside the app's context", "Make the app's Celery with task_cls=FlaskTask")
    state = current_state()
    livechat = state.livechat

    def later(moment: datetime) -> None:
        """Leave to the next task what the broker does not take."""
        if task.request.is_eager:  # it would run at once
            return
        try:
            send_task(moment)
        except Exception as error:
            log.warning("livechat: Celery could not be asked to try again: %s.", type(error).__name__)

    if when is not None and (moment := datetime.fromisoformat(when)) > livechat.now():
        later(moment)
        return
    if (task.request.delivery_info or {}).get("redelivered"):
        later(livechat.now() + LEASE)  # when what the killed process had taken is due
    worker = Worker(livechat.store, livechat.handle, livechat.now, livechat.settings.keep_days, later)
    while worker.once():
        pass
    if state.runtime.pruned_at is None or state.now() - state.runtime.pruned_at >= PRUNED_EVERY:
        worker.prune()
        state.runtime.pruned_at = state.now()


def _problem(what: str, fix: str) -> ConfigError:
    fix += ", as in https://flask.palletsprojects.com/en/stable/patterns/celery/"
    return ConfigError([Problem("LC109", "LIVECHAT_CELERY", what, fix)])

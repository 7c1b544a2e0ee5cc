"""``POST /livechat/webhooks/<provider>``: bytes are verified, parsed and stored, and then the vendor has its answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from flask import Response, abort, current_app, request

from .. import providers
from ..errors import ConfigError
from ..hooks import Delivery
from ..limits import Breaker, LineLimit, within_a_webhook
from ..operation import WRONG_SHAPE
from ..providers.base import Values, WebhookSpec
from ..rate_limit import PerMinute
from ..same_origin import SameOriginBlueprint
from ..state import State

if TYPE_CHECKING:
    from .store import Store

MAX_BODY_BYTES = 1024 * 1024
REJECTED_LINES = 10  # a minute in the log about rejected deliveries, and as many about odd fields
REASONS = {
    200: "nothing of this account's in it",
    400: "not the vendor's shape",
    401: "not signed, or too old",
    413: "too large",
}


def create_blueprint(
    state: State, store: Callable[[], Store], notify: Callable[[], None] | None
) -> SameOriginBlueprint:
    blueprint = SameOriginBlueprint("livechat_webhooks", __name__)
    receiver = Receiver(state, store, notify)
    blueprint.add_url_rule("/<provider>", "receive", receiver.receive, methods=["POST", "HEAD"])
    return blueprint


class Receiver:
    """One view for all vendors. ``notify`` is called once something new is stored."""

    def __init__(self, state: State, store: Callable[[], Store], notify: Callable[[], None] | None) -> None:
        self._state, self._store, self._notify = state, store, notify
        self._providers = state.settings.webhook_providers
        self._rejected, self._odd_fields = Counter[tuple[str, int]](), Counter[str]()
        self._rejected_lines, self._odd_lines = PerMinute(REJECTED_LINES), PerMinute(REJECTED_LINES)
        self._broker_lines, self._database_lines = PerMinute(1), LineLimit()
        self._breaker = Breaker()

    def receive(self, provider: str) -> Response:
        if provider not in self._providers:
            abort(404)
        if request.method == "HEAD":  # how a vendor looks whether somebody is there
            return Response()
        try:
            status, count, new = self._accept(provider)
        except Exception as error:
            return self._unavailable(error, provider)
        if not count:
            self._log_rejected(provider, status)
        if new and self._notify is not None:
            self._notify_worker(self._notify)
        return Response(status=status)

    def _accept(self, provider: str) -> tuple[int, int, int]:
        """Return the status, the number of events, and how many of them are new."""
        body = _read_body()
        if body is None:
            return 413, 0, 0
        headers = {name.lower(): value for name, value in request.headers.items()}
        delivery = Delivery(headers, request.args.to_dict(), body)
        spec, settings = providers.webhooks(provider), self._state.settings
        assert spec is not None  # noqa: S101 - else it were not in the providers  # nosec B101
        with within_a_webhook(self._breaker):
            result = accept(
                spec,
                settings.providers[provider],
                delivery,
                self._store(),
                self._state.now(),
                settings.webhook_tolerance,
            )
        if result[0] == 200 and delivery.odd:
            self._log_odd_fields(provider, delivery.odd)
        return result

    def _log_rejected(self, provider: str, status: int) -> None:
        self._rejected[provider, status] += 1
        if self._rejected_lines.allows():
            facts = (provider, status, REASONS[status], self._rejected[provider, status])
            current_app.logger.warning("livechat: a webhook of %s was answered %s, %s (%d so far).", *facts)

    def _log_odd_fields(self, provider: str, names: Counter[str]) -> None:
        self._odd_fields[provider] += names.total()
        if self._odd_lines.allows():
            facts = (provider, ", ".join(sorted(names)), self._odd_fields[provider])
            current_app.logger.warning("livechat: fields of a webhook of %s are left out: %s (%d so far).", *facts)

    def _unavailable(self, error: Exception, provider: str) -> Response:
        """Answer 500 for a database's fault, so that the vendor tries again. Raise every other error."""
        from .store import explain  # noqa: PLC0415 - it needs the extra

        if explain(error) is None:
            raise error
        if count := self._database_lines.count(name := type(error).__name__):
            facts = (provider, name, count)
            current_app.logger.error("livechat: webhooks (%s) were answered 500: %s (%d so far).", *facts)
        return Response(status=500)

    def _notify_worker(self, notify: Callable[[], None]) -> None:
        """Notify, and only log what goes wrong: the event is stored, so the vendor has no reason to send it again."""
        try:
            notify()
        except Exception as error:
            if isinstance(error, ConfigError) and (current_app.debug or current_app.testing):
                raise
            if self._broker_lines.allows():
                # Of a broker's error its type alone: an address may have a password in it.
                reason = error.problems[0] if isinstance(error, ConfigError) else type(error).__name__
                current_app.logger.error("livechat: events wait, because Celery could not be reached: %s", reason)


def _read_body() -> bytes | None:
    """Return the body, or None where it is too large."""
    if (request.content_length or 0) > MAX_BODY_BYTES:
        return None
    # Where the length is known, what the app's own hooks have read of it before is kept.
    is_unknown = request.content_length is None
    body = request.stream.read(MAX_BODY_BYTES + 1) if is_unknown else request.get_data()
    return body if len(body) <= MAX_BODY_BYTES else None


def accept(
    spec: WebhookSpec, values: Values, delivery: Delivery, store: Store, now: datetime, tolerance_s: int | None
) -> tuple[int, int, int]:
    """Verify, parse and store a delivery. Return the status, the number of events, and how many of them are new.

    200 means stored or known, 400 not the vendor's shape, 401 not signed or too old. A database's error goes through.
    """
    if not spec.verify(values, delivery):
        return 401, 0, 0
    sent_at = spec.sent_at(delivery)
    if tolerance_s is not None and sent_at is not None and abs((now - sent_at).total_seconds()) > tolerance_s:
        return 401, 0, 0
    try:
        events = spec.parse(values, delivery)
    except WRONG_SHAPE:
        return 400, 0, 0
    return 200, len(events), store.add(events, now)

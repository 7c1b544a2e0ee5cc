"""``POST /livechat/webhooks/<provider>``: where vendors tell what happens in chats. One view for all rooms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING

from flask import Response, abort, current_app, request

from . import providers
from .errors import ConfigError
from .hooks import Delivery
from .limits import Breaker, LineLimit, within_a_webhook
from .settings import Settings
from .widget.rate_limit import PerMinute
from .widget.same_origin import SameOriginBlueprint

if TYPE_CHECKING:
    from .desk.store import Store

REFUSALS = 10  # lines about refused deliveries in the log, a minute
WHY = {
    200: "nothing of this account's in it",
    400: "not the vendor's shape",
    401: "not signed, or too old",
    413: "too large",
}
UNTOLD = 1  # and about a broker that is down


def names(read: Settings) -> tuple[str, ...]:
    """The providers whose webhook secret is configured."""
    return tuple(name for name, values in read.providers.items() if _is_open(name, values))


def keeps(read: Settings) -> bool:
    """Whether what they tell is kept: some have a secret, and the extra is there."""
    return bool(names(read)) and find_spec("sqlalchemy") is not None


def _is_open(name: str, values: providers.Values) -> bool:
    room = providers.webhooks(name)
    return room is not None and any(values.get(key) for key in room.secrets)


def create_blueprint(
    read: Settings, store: Callable[[], Store], now: Callable[[], datetime], tell: Callable[[], None] | None
) -> SameOriginBlueprint:
    """``store`` is asked for when something comes in; ``tell`` is called once something new is stored."""
    blueprint, open_ones = SameOriginBlueprint("livechat_webhooks", __name__), names(read)
    refused, odd = Counter[tuple[str, int]](), Counter[str]()
    log_lines, odd_lines, untold = PerMinute(REFUSALS), PerMinute(REFUSALS), PerMinute(UNTOLD)
    unanswered, breaker = LineLimit(), Breaker()

    @blueprint.route("/<provider>", methods=["POST", "HEAD"])
    def receive(provider: str) -> Response:
        if provider not in open_ones:
            abort(404)
        if request.method == "HEAD":  # how a vendor looks whether somebody is there
            return Response()
        try:
            status, found, new = taken(provider)
        except Exception as error:
            return _unavailable(error, provider, unanswered)
        if not found:
            refused[provider, status] += 1
            if log_lines.allows():
                said = (provider, status, WHY[status], refused[provider, status])
                current_app.logger.warning("livechat: a webhook of %s was answered %s, %s (%d so far).", *said)
        if new and tell is not None:
            _tell(tell, untold)
        return Response(status=status)

    def taken(provider: str) -> tuple[int, int, int]:
        """The status, how many events are in it, and how many of them are new."""
        from .desk import webhooks  # noqa: PLC0415 - on first use: it needs the extra

        if (request.content_length or 0) > webhooks.LARGEST:
            return 413, 0, 0
        # Where the length is known, what the app's own hooks have read of it before is kept.
        unknown = request.content_length is None
        body = request.stream.read(webhooks.LARGEST + 1) if unknown else request.get_data()
        if len(body) > webhooks.LARGEST:
            return 413, 0, 0
        headers = {name.lower(): value for name, value in request.headers.items()}
        room = providers.webhooks(provider)
        assert room is not None  # noqa: S101 - else it were not open  # nosec B101
        delivery = Delivery(headers, request.args.to_dict(), body)
        values, tolerance = read.providers[provider], read.webhook_tolerance
        with within_a_webhook(breaker):
            result = webhooks.receive(room, values, delivery, store(), now(), tolerance)
        if result[0] == 200 and delivery.odd:
            left_out(provider, delivery.odd)
        return result

    def left_out(provider: str, names: Counter[str]) -> None:
        odd[provider] += names.total()
        if odd_lines.allows():
            log = current_app.logger.warning
            which = ", ".join(sorted(names))
            log("livechat: fields of a webhook of %s are left out: %s (%d so far).", provider, which, odd[provider])

    return blueprint


def _unavailable(error: Exception, provider: str, lines: LineLimit) -> Response:
    """The database's fault: the vendor tries again. Raises what is another one."""
    from .desk.store import explain  # noqa: PLC0415 - it needs the extra

    if explain(error) is None:
        raise error
    if count := lines.count(name := type(error).__name__):
        current_app.logger.error("livechat: webhooks (%s) were answered 500: %s (%d so far).", provider, name, count)
    return Response(status=500)


def _tell(tell: Callable[[], None], log_lines: PerMinute) -> None:
    """The event is stored by now: whatever goes wrong here, the vendor has no reason to send it again."""
    try:
        tell()
    except Exception as error:
        if isinstance(error, ConfigError) and (current_app.debug or current_app.testing):
            raise
        if log_lines.allows():
            # Of a broker's error its type alone: an address may have a password in it.
            why = error.problems[0] if isinstance(error, ConfigError) else type(error).__name__
            current_app.logger.error("livechat: events wait, for Celery was not told of them: %s", why)

"""``POST /livechat/webhooks/<provider>``: where vendors tell what happens in chats. One view for all rooms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, current_app, request

from . import providers
from .hooks import Delivery
from .settings import Settings
from .widget.rates import PerMinute

if TYPE_CHECKING:
    from .desk.store import Store

REFUSALS = 10  # lines about refused deliveries in the log, a minute


def names(read: Settings) -> tuple[str, ...]:
    """The providers whose webhook secret is configured."""
    return tuple(name for name, values in read.providers.items() if _is_open(name, values))


def keeps(read: Settings) -> bool:
    """Whether what they tell is kept: some have a secret, and the extra is there."""
    return bool(names(read)) and find_spec("sqlalchemy") is not None


def _is_open(name: str, values: providers.Values) -> bool:
    room = providers.webhooks(name)
    return room is not None and any(values.get(key) for key in room.secrets)


def create_blueprint(read: Settings, store: Callable[[], Store], now: Callable[[], datetime]) -> Blueprint:
    """``store`` is asked for when something comes in."""
    blueprint, open_ones, log_lines = Blueprint("livechat_webhooks", __name__), names(read), PerMinute(REFUSALS)

    @blueprint.route("/<provider>", methods=["POST", "HEAD"])
    def receive(provider: str) -> Response:
        if provider not in open_ones:
            abort(404)
        if request.method == "HEAD":  # how a vendor looks whether somebody is there
            return Response()
        from .desk import webhooks  # noqa: PLC0415 - on first use: it needs the extra

        if (request.content_length or 0) > webhooks.LARGEST:
            return Response(status=413)
        body = request.stream.read(webhooks.LARGEST + 1)
        if len(body) > webhooks.LARGEST:
            return Response(status=413)
        headers = {name.lower(): value for name, value in request.headers.items()}
        delivery = Delivery(headers, request.args.to_dict(), body)
        room, values = providers.webhooks(provider), read.providers[provider]
        assert room is not None  # noqa: S101 - else it were not open  # nosec B101
        status = webhooks.receive(room, values, delivery, store(), now(), read.webhook_tolerance)
        if status != 200 and log_lines.allows():
            current_app.logger.warning("livechat: a webhook of %s was refused with %s.", provider, status)
        return Response(status=status)

    return blueprint

"""What the stand-ins tell the app, as each vendor does: webhooks of its shapes, headers and signature."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from werkzeug.test import Client

from .. import providers
from .api import Account
from .body import secrets
from .sessions import Change, Message, Session
from .stand_in import Webhooks, load

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from ..desk.background import BackgroundQueue


@dataclass(frozen=True)
class Sender:
    """Posts to the app's own addresses, after whatever is being answered. ``prefix``: ``/livechat/webhooks``.

    ``wanted``: whether somebody listens. A site that only embeds chat gets no database for what nobody asks for.
    """

    app: WSGIApplication
    url: str  # of the app
    prefix: str
    accounts: Mapping[str, Account]
    queue: BackgroundQueue
    wanted: Callable[[], bool]

    def tell(self, change: Change, session: Session, message: Message | None) -> None:
        """Called by the hub for each change of a conversation."""
        account, webhooks = self.accounts.get(session.vendor), load(session.vendor).webhooks
        if account is None or webhooks is None or not self.wanted():
            return
        for data in webhooks.bodies(account, change, session, message):
            body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
            self._post(account, webhooks, body, str(uuid.uuid4()), 0)

    def _post(self, account: Account, webhooks: Webhooks, body: bytes, delivery: str, attempt: int) -> None:
        pauses = webhooks.pauses_s

        def post() -> None:
            headers = webhooks.headers(delivery, attempt, len(pauses) + 1) | _signed(account, body)
            path = f"{self.prefix}/{account.name}"
            status = (
                Client(self.app)
                .post(path, base_url=self.url, data=body, headers=headers, content_type="application/json")
                .status_code
            )
            if (status >= 500 or status in (408, 429)) and attempt < len(pauses):
                self._post(account, webhooks, body, delivery, attempt + 1)

        self.queue.put("a webhook of the sandbox", post, delay_s=pauses[attempt - 1] if attempt else 0.0)


def _signed(account: Account, body: bytes) -> dict[str, str]:
    spec = providers.webhooks(account.name)
    assert spec is not None  # noqa: S101 - a stand-in sends webhooks only where its vendor has them  # nosec B101
    return spec.sign(secrets(account.values, spec.secrets[0])[0], body, datetime.now(UTC))

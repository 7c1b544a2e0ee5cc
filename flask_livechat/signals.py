"""Blinker signals: what webhooks tell, whichever vendor sent it.

    @signals.message.connect
    def on_message(app, event): ...

They are sent by ``flask livechat work`` or Celery, in an app context, once each event is safely stored. The sender is
the app, ``event`` an ``Event``. A receiver that raises is called again later, with growing pauses.
"""

from __future__ import annotations

from blinker import Namespace

from .model import KINDS

_signals = Namespace()

conversation_started = _signals.signal("conversation_started")
message = _signals.signal("message")
note = _signals.signal("note")
conversation_closed = _signals.signal("conversation_closed")
conversation_reopened = _signals.signal("conversation_reopened")
rated = _signals.signal("rated")
contact_changed = _signals.signal("contact_changed")
unknown = _signals.signal("unknown")

BY_KIND = {kind: _signals.signal(kind) for kind in KINDS}

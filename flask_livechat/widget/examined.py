"""What a request of the doctor's own leaves behind for it."""

from __future__ import annotations

from dataclasses import dataclass

from .scope import Scope

# In the WSGI environment: a list that takes what follows. Such a response is sent whatever stands in it, for the doctor
# wants to see it. No client can set this: what one sends is named HTTP_….
EXAMINED = "flask_livechat.examined"


@dataclass(frozen=True, slots=True)
class Examined:
    """One response: its scope, whether somebody is logged in, the key of a secret in it, and why it was not read."""

    scope: Scope
    logged_in: bool
    leaks: str | None
    unreadable: str | None = None

"""What ``doctor --live`` reads of Tawk.to's answers (script of 2025-04, as of 2026-11)."""

from __future__ import annotations

from typing import Any

from .. import LiveSpec


def refusal(answer: Any) -> str | None:
    """``{"ok": false, "error": {"code": …}}``, with whatever status."""
    if not isinstance(answer, dict) or answer.get("ok") is not False:
        return None
    error = answer.get("error")
    code = error.get("code") if isinstance(error, dict) else error
    return code if isinstance(code, str) and code.isidentifier() else "refused"


LIVE = LiveSpec(refusal=refusal, spare=frozenset({"email"}))  # `login` has the id's: what it has is not sent twice

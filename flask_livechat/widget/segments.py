"""Segments and tags of whoever is on this page: what views say, until a page or the identity's answer delivers it.

They travel among the page's events, since they share an event's life: delivered once, to the visitor they are about,
and waiting in the browser until the vendor is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .. import providers
from ..providers.sanitize import cut
from ..safe_text import well_formed
from ..state import State, warn_once
from . import session_store
from .decide import decide
from .request_state import RequestState

MAX_CHARS = 255  # of a name; no vendor documents a limit


def change(state: State, req: RequestState, names: Iterable[str], *, wanted: bool) -> None:
    """Note segments to add, or to take away. The last word on a name counts.

    Raises ``ValueError`` for what is no name, and for more than this page's vendor takes. Then nothing is noted.
    """
    checked = [cut(well_formed(name), MAX_CHARS + 1) if isinstance(name, str) else None for name in names]
    if not all(name and len(name) <= MAX_CHARS for name in checked):
        raise ValueError(f"a segment is text of 1 to {MAX_CHARS} characters: livechat.segment('vip').")
    provider_name = decide(state, req.app).provider
    if provider_name is None:
        return
    provider = providers.load(provider_name)
    capability = "segment" if wanted else "unsegment"
    if capability not in provider.can:
        warn_once(f"livechat.{capability} is left out: {provider.title} cannot do it in the browser.")
        return
    changed = req.segments | dict.fromkeys(filter(None, checked), wanted)
    added = sum(changed.values())
    if added > provider.max_segments:
        raise ValueError(
            f"{provider.title} takes at most {provider.max_segments} segments, not {added}: none of this call is added."
        )
    req.segments = changed


def deliver(req: RequestState, name: str, visitor: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The changes, as the vendor ``name`` takes them, to stand among the page's events. Empty where there are none.

    What ``visitor``, as the page names them, has of their own counts for the vendor's limit, too. It is called after
    ``session_store.recall``, which adds the changes of earlier requests.
    """
    req.has_delivered_segments = True
    if not req.segments:
        return []
    provider, own = providers.load(name), (visitor or {}).get("segments", [])
    added = [segment for segment, wanted in req.segments.items() if wanted and segment not in own]
    removed = [segment for segment, wanted in req.segments.items() if not wanted]
    most = max(0, provider.max_segments - len(own))
    if len(added) > most and "segment" in provider.can:
        warn_once(
            f"{provider.title} takes {provider.max_segments} segments, including the visitor's own; some are left out."
        )
    event = {
        "segment": added[:most] if "segment" in provider.can else [],
        "unsegment": removed if "unsegment" in provider.can else [],
    }
    return [event] if any(event.values()) else []


def keep_for_next_page(req: RequestState) -> None:
    """Keep what this request has not delivered: it redirects, say, or the identity's answer will tell it."""
    is_over = req.has_delivered_segments or req.is_logged_out or req.is_ended
    if req.segments and not is_over:
        session_store.add_segments(req.segments)

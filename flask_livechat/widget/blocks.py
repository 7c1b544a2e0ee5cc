"""The data blocks in a response's text: where they are, and what one says that names nobody. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# As we write it, as a minifier does, and as either stands within JSON.
OPENING = re.compile(rb"<script(?=[\s/])[^<>]*?[\s\"'/]id\s*=\s*\\?[\"']?livechat(?=[\s\"'\\/>])[^<>]*>", re.IGNORECASE)
# The end of the block, and the script tag that follows it.
LOADER = re.compile(
    rb"<\\?/script\s*>(?:\s|\\n)*(?:<script\b[^<>]{0,1000}?\bsrc\b[^<>]{0,1000}>\s*<\\?/script\s*>)?", re.IGNORECASE
)


def contents(text: bytes) -> Iterator[tuple[int, int]]:
    """(start, end) of what stands in each data block. A text without our id costs next to nothing."""
    block_id, max_tag_bytes = b"livechat", 1000
    position, end = text.find(block_id), 0
    while position >= 0:
        after = position + len(block_id)
        tag = text.rfind(b"<", max(0, position - max_tag_bytes), position)
        opening = OPENING.match(text, tag, after + max_tag_bytes) if tag >= 0 else None
        if opening is not None and opening.end() > position:  # else it is a word in the block's own text
            # What looks like an opening may stand in a comment before the real one: the search goes on behind it.
            after = opening.end()
            if end < after:
                closing = re.compile(rb"<\\?/script", re.IGNORECASE).search(text, after)
                end = closing.start() if closing else len(text)
            yield after, end
        position = text.find(block_id, after)


def payload(content: bytes) -> dict[str, Any] | None:
    """What a block says; None for what is no JSON object, which no loader takes for a block either."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def impersonal(block: Mapping[str, Any], consent: str) -> dict[str, Any]:
    """The same page's block for nobody in particular: its loader asks the server, unless the page wants no identity."""
    settings = block.get("settings")
    settings = dict(settings) if isinstance(settings, Mapping) else {}
    settings.pop("consent", None)
    if consent != "implied":
        settings["consent"] = consent
    who = "" if settings.get("identify") is False else None
    names_nobody = all(block.get(name) is None for name in ("visitor", "proof", "who")) and not block.get("events")
    context = block.get("context") if names_nobody else None
    return {
        "provider": block.get("provider"),
        "load": block.get("load"),
        "settings": settings,
        "visitor": None,
        "proof": None,
        "context": context if isinstance(context, Mapping) else {},
        "events": [],
        "who": who,
        "left": False,
    }


@dataclass(frozen=True, slots=True)
class Replaced:
    """A text without other requests' blocks; whether it has one of this request, and whether it had one of another."""

    text: bytes
    own: bool
    foreign: bool


def replace_foreign(text: bytes, own: Collection[bytes], write: Callable[[dict[str, Any]], bytes | None]) -> Replaced:
    """Write each block anew that is not among ``own``. ``write`` gives None for one that may stay as it is."""
    pieces, position, has_own, has_foreign = [], 0, False, False
    for start, end in contents(text):
        content = text[start:end].strip()
        if content in own:
            has_own = True
            continue
        if (block := payload(content)) is None:
            continue
        if any(payload(written) == block for written in own):  # a minifier may have written it in its own way
            has_own = True
            continue
        has_foreign = True
        if (written := write(block)) is not None:
            pieces += [text[position:start], written]
            position = end
    return Replaced(b"".join([*pieces, text[position:]]) if pieces else text, has_own, has_foreign)


def without_tags(text: bytes) -> bytes:
    """The text without any data block and the script tag after it: for what is no page."""
    pieces, position = [], 0
    for start, end in contents(text):
        tag, loader = text.rfind(b"<", 0, start), LOADER.match(text, end)
        if b"provider" in text[start:end] and loader is not None:
            pieces.append(text[position:tag])
            position = loader.end()
    return b"".join([*pieces, text[position:]]) if pieces else text

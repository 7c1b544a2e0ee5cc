"""A response's body before it was compressed, read within bounds. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from ..errors import LiveChatError

MAX_BYTES = 8 * 1024 * 1024  # of a body, compressed or not: a few milliseconds, and what a page never has
STEP_BYTES = 256 * 1024


class UnreadableBody(LiveChatError):
    """A response's body cannot be read, for the reason ``why``. In debug and tests; in production it is logged once."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f"The response's body cannot be read: {why}. So it cannot be checked for secrets.")


def decode(body: bytes, codings: str) -> bytes:
    """The body before it got the codings of a ``Content-Encoding``. Raises ``UnreadableBody``."""
    names = [name for name in (part.strip().lower() for part in codings.split(",")) if name not in ("", "identity")]
    if len(names) > 3:
        raise UnreadableBody("it is compressed too many times over")
    for name in reversed(names):
        body = _decompress(body, name)
    return body


def _decompress(body: bytes, name: str) -> bytes:
    steps = DECODERS.get(name)
    if steps is None:
        raise UnreadableBody("its Content-Encoding is not known here")
    if len(body) > MAX_BYTES:
        raise UnreadableBody(f"it is longer than {MAX_BYTES:,} bytes, compressed")
    pieces, size = [], 0
    try:
        for piece in steps(body):
            pieces.append(piece)
            size += len(piece)
            if size > MAX_BYTES:
                raise UnreadableBody(f"it is longer than {MAX_BYTES:,} bytes, decompressed")
    except LiveChatError:
        raise
    except ImportError:
        raise UnreadableBody("the library that reads its Content-Encoding is not installed") from None
    except Exception:  # each library has errors of its own
        raise UnreadableBody("it is not what its Content-Encoding says") from None
    return b"".join(pieces)


def _deflate(body: bytes) -> Iterator[bytes]:
    """With zlib's header, as the standard has it, or without, as some servers do."""
    has_header = len(body) > 1 and body[0] & 15 == zlib.DEFLATED and (body[0] << 8 | body[1]) % 31 == 0
    return _inflate(body, zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


def _inflate(body: bytes, window: int) -> Iterator[bytes]:
    decoder = zlib.decompressobj(window)
    while not decoder.eof:
        piece = decoder.decompress(body, STEP_BYTES)
        if not piece and decoder.unconsumed_tail == body:
            raise EOFError
        yield piece
        body = decoder.unconsumed_tail
    _end(decoder.unused_data)


def _brotli(body: bytes) -> Iterator[bytes]:
    decoder = _first("brotli", "brotlicffi").Decompressor()
    try:
        yield decoder.process(body, output_buffer_limit=STEP_BYTES)
    except TypeError:
        # Brotli before 1.2 has no limit of its own. Eight bytes of it become 8 MB at most.
        for start in range(0, len(body), 8):
            yield decoder.process(body[start : start + 8])
    else:
        while not decoder.is_finished():
            piece = decoder.process(b"", output_buffer_limit=STEP_BYTES)
            if not piece:
                break
            yield piece
    if not decoder.is_finished():
        raise EOFError


def _zstd(body: bytes) -> Iterator[bytes]:
    window_log = 23  # the 8 MB that RFC 9659 allows in HTTP
    library = _first("compression.zstd", "backports.zstd", "zstandard")
    if not hasattr(library, "DecompressionParameter"):
        with library.ZstdDecompressor(max_window_size=1 << window_log).stream_reader(body) as reader:
            while piece := reader.read(STEP_BYTES):
                yield piece
        return
    decoder = library.ZstdDecompressor(options={library.DecompressionParameter.window_log_max: window_log})
    while not decoder.eof:
        piece = decoder.decompress(body, STEP_BYTES)
        if not piece and decoder.needs_input and not body:
            raise EOFError
        yield piece
        body = b""
    _end(decoder.unused_data)


def _end(rest: bytes) -> None:
    """What follows the end would be read by some browsers, and not by others."""
    if rest.strip(b"\0"):
        raise ValueError


def _first(*names: str) -> Any:
    """Whichever of these libraries is installed: whoever compressed the body had one."""
    for name in names[:-1]:
        try:
            return import_module(name)
        except ImportError:
            continue
    return import_module(names[-1])


DECODERS: Mapping[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip": partial(_inflate, window=zlib.MAX_WBITS + 16),
    "x-gzip": partial(_inflate, window=zlib.MAX_WBITS + 16),
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}

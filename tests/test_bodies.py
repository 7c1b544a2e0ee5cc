"""Compressed bodies: read within bounds, whatever they are, and never said to be read where they are not."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_livechat.widget import bodies
from flask_livechat.widget.bodies import UnreadableBody, decode

try:
    from compression import zstd  # type: ignore[import-not-found]
except ImportError:
    from backports import zstd

TEXT = b"<p>Hello</p>" * 5000


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}
every_coding = pytest.mark.parametrize("name", PACK)


@every_coding
def test_each_coding_is_read(name: str) -> None:
    assert decode(PACK[name](TEXT), name.upper()) == TEXT


def test_deflate_without_a_header_is_read() -> None:
    assert decode(raw_deflate(TEXT), "deflate") == TEXT


def test_nested_codings_are_read_from_the_last_to_the_first() -> None:
    assert decode(brotli.compress(gzip.compress(TEXT)), "gzip, identity, br") == TEXT


def test_a_coding_too_many_is_not_read() -> None:
    with pytest.raises(UnreadableBody, match="too many times"):
        decode(b"", ", ".join(["gzip"] * 4))


@every_coding
def test_half_a_body_is_not_said_to_be_read(name: str) -> None:
    whole = PACK[name](os.urandom(5000))
    with pytest.raises(UnreadableBody, match="not what its Content-Encoding says"):
        decode(whole[: len(whole) // 2], name)


@every_coding
@given(body=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(name: str, body: bytes) -> None:
    with suppress(UnreadableBody):
        assert isinstance(decode(body, name), bytes)


def test_what_follows_the_end_is_not_passed_over() -> None:
    with pytest.raises(UnreadableBody):
        decode(gzip.compress(TEXT) + gzip.compress(b"a secret"), "gzip")


@pytest.mark.parametrize("name", ["compress", "dcz", "aes128gcm", "unknown"])
def test_a_coding_that_nobody_here_knows_is_refused(name: str) -> None:
    with pytest.raises(UnreadableBody, match="not known here"):
        decode(b"...", name)


def test_a_library_that_is_not_installed_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("compression.zstd", "backports.zstd", "zstandard"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UnreadableBody, match="not installed"):
        decode(zstd.compress(TEXT), "zstd")


def test_an_error_does_not_show_the_body() -> None:
    with pytest.raises(UnreadableBody) as caught:
        decode(b"a secret", "gzip")
    assert "a secret" not in f"{caught.value} {caught.value!r}"


def bomb(name: str, size: int = 400) -> bytes:
    """``size`` MB of zeros."""
    zeros = b"\0" * 1024 * 1024
    if name == "br":
        packer = brotli.Compressor(quality=9)
        return b"".join([*(packer.process(zeros) for _ in range(size)), packer.finish()])
    if name == "zstd":
        zipped = zstd.ZstdCompressor()
        return b"".join([*(zipped.compress(zeros) for _ in range(size)), zipped.flush()])
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb") as file:
        for _ in range(size):
            file.write(zeros)
    return buffer.getvalue()


MEASURE = """
import sys, time
from flask_livechat.widget.bodies import UnreadableBody, decode
body, name = sys.stdin.buffer.read(), sys.argv[1]
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
try:
    decode(body[:0], name)  # the library is loaded
except UnreadableBody:
    pass
before, start, why = peak(), time.process_time(), ""
try:
    decode(body, name)
except UnreadableBody as error:
    why = error.why
print(f"{(time.process_time() - start) * 1000:.0f} {peak() - before:.0f} {why}")
"""


@pytest.mark.needs("process")
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="the peak of the memory is read from /proc")
@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "gzip, br"])
def test_a_bomb_costs_at_most_100_ms_and_40_mb(name: str) -> None:
    body = bomb(name.partition(",")[0])
    if "," in name:
        body = brotli.compress(body)
    done = subprocess.run([sys.executable, "-c", MEASURE, name], input=body, capture_output=True, check=True)
    ms, mb, why = done.stdout.decode().split(" ", 2)
    assert "decompressed" in why
    assert int(ms) <= 100
    assert int(mb) <= 40


def test_zstandards_window_is_bounded() -> None:
    options = {zstd.CompressionParameter.window_log: 27}
    body = zstd.compress(os.urandom(1000) + b"\0" * bodies.MAX_BYTES * 2, options=options)
    with pytest.raises(UnreadableBody):
        decode(body, "zstd")


class OldDecompressor:
    """As Brotli before 1.2 has it: without a limit."""

    make = brotli.Decompressor

    def __init__(self) -> None:
        self._real = self.make()

    def process(self, data: bytes) -> bytes:
        return bytes(self._real.process(data))

    def is_finished(self) -> bool:
        return bool(self._real.is_finished())


def test_a_brotli_without_a_limit_is_read_in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brotli, "Decompressor", OldDecompressor)
    assert decode(brotli.compress(TEXT), "br") == TEXT
    with pytest.raises(UnreadableBody, match="decompressed"):
        decode(bomb("br"), "br")

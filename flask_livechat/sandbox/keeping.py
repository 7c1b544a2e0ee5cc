"""What the stand-ins remember, in a file of the instance folder: the reloader ends a process at each change of code."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from .hub import Hub

FILE = "livechat-sandbox.json"
DELAY_S = 0.5  # after a change; changes come in groups
MAX_BYTES = 5_000_000  # of the file; the oldest sessions are left out


class SandboxFile:
    """Keeps a hub's sessions in a file, which ``flask livechat sandbox --reset`` removes."""

    def __init__(self, hub: Hub, folder: Path, vendors: Collection[str]) -> None:
        self._hub, self.path = hub, folder / FILE
        self._writing, self._is_pending = threading.Lock(), False
        self._is_written = self._read(vendors)
        hub.on_change = self._write_soon
        atexit.register(self.write)

    def clear_if_removed(self) -> None:
        """Forget everything once the file that was there is gone."""
        if self._is_written and not self.path.exists():
            self._is_written = self._is_pending = False
            self._hub.clear()

    def write(self) -> None:
        """Write what has changed. Without a folder, or on a disk that is read-only, memory has to do."""
        with self._writing, suppress(OSError):
            if not self._is_pending or (self._is_written and not self.path.exists()):
                return
            self._is_pending = False  # before the hub is read: a later change counts again
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = self.path.with_suffix(f".{os.getpid()}.tmp")
            new.touch(mode=0o600)
            new.write_text(self._hub.dump(MAX_BYTES), "utf-8")
            new.replace(self.path)
            self._is_written = True

    def _write_soon(self) -> None:
        """Called by the hub under its lock, so it waits for nothing."""
        if not self._is_pending:
            self._is_pending = True
            timer = threading.Timer(DELAY_S, self.write)
            timer.daemon = True
            timer.start()

    def _read(self, vendors: Collection[str]) -> bool:
        """Whether there was a file. One that is not ours, or of another version, is passed over."""
        try:
            self._hub.load(self.path.read_text("utf-8"), vendors)
        except OSError:
            return False
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self._hub.clear()
        return True

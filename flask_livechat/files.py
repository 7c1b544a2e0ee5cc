"""Files that are their owner's alone: what visitors wrote is nobody else's on the machine."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path


def make_private(path: Path) -> None:
    """Take a file or folder from everybody but its owner. Leave alone what is not there, or is somebody else's."""
    with suppress(OSError):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            path.chmod(mode & 0o700)


def create_private(path: Path) -> None:
    """Make an empty file where there is none. It is private in either case."""
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    make_private(path)

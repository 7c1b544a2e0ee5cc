"""What the operating system is asked: files that are their owner's alone, and what begins anew in a child."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

_OWNERS: WeakKeyDictionary[object, Callable[..., object]] = WeakKeyDictionary()


def make_private(path: Path, create: bool = False) -> None:
    """Take a file or folder from everybody but its owner: what visitors wrote is nobody else's on the machine.

    ``create`` makes an empty file where there is none. What is not there, or is somebody else's, is left alone.
    """
    with suppress(OSError):
        if create:
            # Never a file that is there: whoever closes a file drops all locks that its process has on it, and SQLite's
            # would be among them. Another process, which ends, would then take what is not yet in the database along.
            os.close(os.open(path.resolve(), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    with suppress(OSError):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            path.chmod(mode & 0o700)


def in_children(owner: object, call: Callable[[Any], object]) -> None:
    """Call ``call(owner)`` in each child of a fork of this process, for as long as there is an owner.

    ``call`` must not hold the owner itself. Hooks of the process stay for ever, so there is one for all owners.
    """
    _OWNERS[owner] = call


def _after_fork() -> None:
    for owner, call in list(_OWNERS.items()):
        call(owner)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

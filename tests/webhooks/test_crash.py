"""The receiver and the worker are killed under load: what was acknowledged is stored once and handled at least once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import KINDS
from .killing import check, run


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_acknowledged_is_stored_once_and_handled(
    kind: str, database: Callable[..., str], tmp_path: Path
) -> None:
    """With a lease of a second, so that what a killed worker had taken is done soon."""
    outcome = run(database(kind, "migrated"), tmp_path / "handled", kills=16, lease_s=1, most_s=30)
    check(outcome)
    assert outcome.kills == 16

"""The example app is clean, and with each mistake switched on the doctor finds it."""

from __future__ import annotations

import pytest

from example_app.mistakes import MISTAKES, Mistake, examined
from flask_livechat import doctor


def test_the_example_app_is_clean() -> None:
    findings = examined(Mistake()).findings
    assert {finding.check.code for finding in findings} <= {"LC801"}  # its sandbox, which the demo is for


@pytest.mark.parametrize("code", [check.code for check in doctor.checks()])
def test_each_mistake_is_found(code: str) -> None:
    assert code in {finding.check.code for finding in examined(MISTAKES[code]).findings}

"""Each check finds its mistake, and nothing else is said of a good app."""

from __future__ import annotations

from pathlib import Path

import pytest

from flask_livechat import doctor

from .corpus import Case, cases, examined

EVERY = cases()


@pytest.mark.parametrize("case", EVERY, ids=[case.name for case in EVERY])
def test_an_app_gets_its_codes_and_no_other(case: Case, tmp_path: Path) -> None:
    report = examined(case, tmp_path)
    assert {finding.check.code for finding in report.findings} == case.expected
    assert [one for one in report.unseen if "check itself" in one.why] == []


@pytest.mark.parametrize("check", doctor.checks(), ids=lambda check: check.code)
def test_every_check_has_a_bad_and_a_good_app(check: doctor.Check) -> None:
    own = [case for case in EVERY if case.check == check.code]
    assert any(case.bad and check.code in case.expected for case in own)
    assert any(not case.bad and not case.expected for case in own)

"""``python -m tests.doctor``: how much of what is wrong the doctor finds, and how much of what it says is true."""

from __future__ import annotations

import tempfile
from pathlib import Path

from .corpus import cases, examined


def main() -> int:
    right = missed = wrong = 0
    every = cases()
    for case in every:
        with tempfile.TemporaryDirectory() as folder:
            found = {finding.check.code for finding in examined(case, Path(folder)).findings}
        right += len(found & case.expected)
        for code in sorted(case.expected - found):
            missed += 1
            print(f"missed {code}: {case.name}")
        for code in sorted(found - case.expected):
            wrong += 1
            print(f"wrong {code}: {case.name}")
    bad = sum(case.bad for case in every)
    print(f"{bad} bad apps, {len(every) - bad} good ones")
    print(f"precision {right / (right + wrong or 1):.3f} ({wrong} of {right + wrong} findings are wrong)")
    print(f"recall    {right / (right + missed or 1):.3f} ({missed} of {right + missed} mistakes were missed)")
    return 1 if wrong or missed else 0


if __name__ == "__main__":
    raise SystemExit(main())

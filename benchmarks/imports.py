"""What ``import flask_livechat`` costs beside the packages that it stands on, in one run.

    python benchmarks/imports.py [--rounds N]

Each round starts two fresh interpreters, one after the other. Figures are medians; what counts is their ratio.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys

BASE = "import flask, flask_login, jwt"
OURS = "import flask_livechat"
HEAVY = ("httpx", "sqlalchemy")
MEASURE = """
import time
start = time.perf_counter()
{statement}
print(time.perf_counter() - start)
"""


# As in an installation: pip compiles what it installs, so a source tree must be allowed to be compiled as well.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run(code: str) -> str:
    """What ``code`` prints in a new interpreter."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=ENVIRONMENT).stdout


def seconds(statement: str) -> float:
    """How long ``statement`` takes."""
    return float(run(MEASURE.format(statement=statement)))


def loaded() -> list[str]:
    """Which of the heavy packages ``import flask_livechat`` loads."""
    return run(f"{OURS}; import sys; print(*(name for name in {HEAVY!r} if name in sys.modules))").split()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    seconds(BASE), seconds(OURS)  # the first of each compiles and reads from disk
    pairs = [(seconds(BASE), seconds(OURS)) for _ in range(rounds)]
    base, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{BASE:<32} {base * 1000:7.1f} ms")
    print(f"{OURS:<32} {ours * 1000:7.1f} ms")
    print(f"{'ratio (target: at most 1.25)':<32} {ours / base:7.2f}")
    print(f"{'loads of ' + ', '.join(HEAVY):<32} {', '.join(loaded()) or 'none':>7}")


if __name__ == "__main__":
    main()

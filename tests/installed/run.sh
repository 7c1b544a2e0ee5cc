#!/bin/sh
# Install the wheel of $1/dist into a new environment and test it from a folder that has no source in it. $2 is Python.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python=$(cd "$1" && "$2" -c 'import sys; print(sys._base_executable)')
"$python" -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$1"/dist/*.whl pytest
cp "$1/tests/installed/test_wheel.py" "$place/"
cd "$place"
venv/bin/python -m pytest -q -p no:cacheprovider test_wheel.py

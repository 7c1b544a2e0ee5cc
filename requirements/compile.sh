#!/bin/sh
# Write lowest.txt and newest.txt beside this file, out of pyproject.toml. $1 is uv.
#
# The newest run has the newest version of everything. The lowest run has the lowest that pyproject.toml allows of what
# is named there for use; what only the tests need is as new as goes with that, and so is what all these need in turn.
set -eu
uv=$1
cd "$(dirname "$0")/.."
lowest=$(mktemp)
trap 'rm -f "$lowest"' EXIT

compile() {
    # For every platform and Python; no address of an index, no path of a machine.
    "$uv" pip compile --quiet --upgrade --universal --python-version 3.11 --no-annotate --no-emit-index-url \
        --custom-compile-command "make locks" pyproject.toml "$@"
}

compile --extra articles --extra brotli --extra celery --extra desk --extra doctor --extra postgres \
    --extra testing --resolution lowest-direct --output-file "$lowest"
compile --extra test --constraint "$lowest" --output-file requirements/lowest.txt
compile --extra test --output-file requirements/newest.txt

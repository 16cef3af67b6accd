#!/usr/bin/env bash
# The main job on other Pythons than .venv's, each in an environment of its own: the same bytes but for the name of the
# Python. What is in results/ before it is what they are compared with (`make results`), and is made anew.
#   tests/pythons.sh bytes    on the newest other Python
#   tests/pythons.sh suite    on every other Python, and the suite there, too (the report was tested in a browser by `make test`)
set -euo pipefail
what=$1
cd "$(dirname "$0")/.."
. tests/digests.sh
first=$(version_of .venv/bin/python)
expected=$(mktemp)
trap 'rm -f "$expected"' EXIT
nameless . "$first" > "$expected"
[ -s "$expected" ] || { echo 'no results: make results' >&2; exit 1; }
tried=$first
# The list comes in by descriptor 3, so that nothing in the loop eats it.
while read -r version python <&3; do
    [ "${version%.*}" != "${first%.*}" ] || continue
    other=$(mktemp -d)/venv
    make setup PYTHON="$python" VENV="$other"
    [ "$what" != suite ] || PYTEST_ADDOPTS=--ignore=tests/test_browser.py make test slow PYTHON="$python" VENV="$other"
    make clean
    make results PYTHON="$python" VENV="$other"
    nameless . "$version" | diff "$expected" - || { echo "Python $version and $first give different bytes" >&2; exit 1; }
    rm -rf "$(dirname "$other")"
    tried="$tried, $version"
    [ "$what" = suite ] || break
done 3< <(sh setup.sh pythons)
echo "passed on Python $tried"

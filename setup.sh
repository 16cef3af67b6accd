#!/bin/sh
# Makes $VENV from requirements.lock (every package by hash) and puts this project into it. Called by the Makefile.
set -eu
python=${PYTHON:-python3.11}
venv=${VENV:-.venv}

command -v "$python" >/dev/null 2>&1 || python=python3
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || {
    echo "setup: Python 3.11 is needed, '$python' is $("$python" --version 2>&1). Name another with: make PYTHON=/path/to/python3.11" >&2
    exit 1
}
rm -rf "$venv"
if command -v uv >/dev/null 2>&1; then
    uv=uv
    uv venv --quiet --python "$("$python" -c 'import sys; print(sys.executable)')" --no-python-downloads "$venv"
elif "$python" -m venv "$venv" 2>/dev/null; then
    sed -n '/^uv==/,/^[^ ]*==/{/^uv==/p;/^ *--hash/p;}' requirements.lock > "$venv/uv.lock"
    "$venv/bin/python" -m pip install --quiet --require-hashes --no-deps -r "$venv/uv.lock"
    uv="$venv/bin/uv"
else
    rm -rf "$venv"
    echo "setup: this Python has no working venv module, and uv is not installed." >&2
    echo "       Debian and Ubuntu: apt install python3-venv; or install uv and call make again." >&2
    exit 1
fi
"$uv" pip install --quiet --python "$venv/bin/python" --require-hashes --compile-bytecode -r requirements.lock
"$uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable .
# Compiled once, here: every job of the workflow starts a Python.
"$venv/bin/python" -m compileall -q workflow/synthesis

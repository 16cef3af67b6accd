#!/bin/sh
# Makes $VENV from requirements.lock (every package by hash) and puts this project into it. Called by the Makefile.
#   sh setup.sh            from $PYTHON; where that is not set, from the best Python that is found
#   sh setup.sh check      is $VENV whole, made where it is now, and from $PYTHON where that is set? Says nothing; 0 or 1
#   sh setup.sh pythons    the Pythons that would do, one of each version, best first: version and path
set -eu
venv=${VENV:-.venv}
oldest=11
newest_tested=13
newest_known=19

has_uv() { uv --version >/dev/null 2>&1; }

# "CPython 3.12.1 /path" of a Python that runs; nothing of a command that only seems to be one (a shim of pyenv for a version
# that is not selected). In an environment: of the Python behind it, which is still there when the environment goes.
probe() {
    "$1" -c 'import platform, sys, sysconfig
threads = "free-threaded " if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
print(threads + platform.python_implementation() + " " + platform.python_version() + " "
      + getattr(sys, "_base_executable", sys.executable))' 2>/dev/null </dev/null || :
}

# One a line, best first: the tested versions, newer ones, whatever is called Python; then what is not on PATH.
candidates() {
    minors=$(seq "$newest_tested" -1 "$oldest"; seq $((newest_tested + 1)) "$newest_known")
    for minor in $minors; do echo "python3.$minor"; done
    echo python3
    echo python
    if has_uv; then uv python find --no-python-downloads ">=3.$oldest" 2>/dev/null || :; fi
    for minor in $minors; do
        for path in "${PYENV_ROOT:-${HOME:-}/.pyenv}/versions/3.$minor".*/bin/python; do
            if [ -x "$path" ]; then echo "$path"; fi
        done
    done
}

# Sets version, minor and path of the Python $1; 1 where it will not do, with the reason in `why` ("" where it does not run).
judge() {
    why=
    found=$(probe "$1")
    [ -n "$found" ] || return 1
    path=/${found#*/}
    version=${found%% /*}
    kind=${version% *}
    version=${version##* }
    minor=${version#*.}
    minor=${minor%%.*}
    if [ "${version%%.*}" -ne 3 ] || [ "$minor" -lt "$oldest" ]; then
        why="'$1' is Python $version: too old, 3.$oldest or newer is needed"
    elif [ "$kind" != CPython ]; then
        why="'$1' is $kind $version: CPython is needed"
    else
        # Where there is no uv, Python's own venv and pip begin. A Python may be built, or packaged, without some of these.
        modules="ctypes sqlite3 zlib"
        has_uv || modules="$modules ssl venv ensurepip"
        for module in $modules; do
            "$path" -c "import $module" 2>/dev/null </dev/null && continue
            why="'$1' (Python $version) has no working $module module"
            case $module in
            venv | ensurepip)
                why="'$1' (Python $version) has no working venv module, and uv is not installed"
                why="$why (Debian and Ubuntu: apt install python3.$minor-venv; or install uv and call make again)"
                ;;
            esac
            break
        done
    fi
    [ -z "$why" ]
}

fail() {
    echo "setup: $1" >&2
    exit 1
}

# Calls judge for each candidate until one will do; says why one will not.
choose() {
    list=$(candidates)
    while IFS= read -r candidate; do
        if judge "$candidate"; then return 0; fi
        [ -z "$why" ] || echo "setup: $why; looking for another" >&2
    done <<EOF
$list
EOF
    return 1
}

pythons() {
    seen=" "
    candidates | while IFS= read -r candidate; do
        judge "$candidate" || continue
        case $seen in *" $minor "*) continue ;; esac
        seen="$seen$minor "
        echo "$version $path"
    done
}

check() {
    [ -x "$venv/bin/python" ] && [ "$(cat "$venv/.installed" 2>/dev/null)" = "$(cd "$venv" && pwd -P)" ] || return 1
    # The Python behind it may have gone, or be another version now, which does not look where the packages are.
    "$venv/bin/python" -c 'import importlib.util as u; assert u.find_spec("snakemake") and u.find_spec("synthesis")' \
        2>/dev/null || return 1
    [ -z "${PYTHON:-}" ] || [ "$(probe "$PYTHON" | cut -d/ -f1)" = "$(probe "$venv/bin/python" | cut -d/ -f1)" ]
}

case ${1:-} in
check) check && exit 0 || exit 1 ;;
pythons) pythons && exit 0 || exit 1 ;;
esac

if [ -n "${PYTHON:-}" ]; then
    if ! judge "$PYTHON"; then
        others=$(pythons | sed 's/^/       /')
        fail "${why:-"'$PYTHON' is not there, or does not run"}. Name another with make PYTHON=/path/to/python3${others:+; these would do:
$others}"
    fi
else
    choose || fail "no Python found that will do. Install Python 3.$oldest or newer, or name one: make PYTHON=/path/to/python3"
fi
[ "$minor" -le "$newest_tested" ] ||
    echo "setup: Python $version is newer than what this was tested with (3.$oldest to 3.$newest_tested)" >&2
echo "setup: $venv from Python $version ($path)"

rm -rf "$venv"
# Where a package has no built file for this Python, its plain Python is taken: no compiler is needed.
export IMMUTABLES_EXT=0
if has_uv; then
    uv=uv
    uv venv --quiet --python "$path" --no-python-downloads "$venv"
else
    "$path" -m venv "$venv" || { rm -rf "$venv"; fail "'$path' -m venv failed"; }
    sed -n '/^uv==/,/^[^ ]*==/{/^uv==/p;/^ *--hash/p;}' requirements.lock > "$venv/uv.lock"
    "$venv/bin/python" -m pip install --quiet --require-hashes --no-deps -r "$venv/uv.lock"
    uv="$venv/bin/uv"
fi
# uv has certificates of its own; a network that looks into its traffic has others, which the machine knows.
locked() { "$uv" pip install --quiet --python "$venv/bin/python" --require-hashes --compile-bytecode -r requirements.lock; }
if ! locked; then
    echo "setup: once more, with the certificates of this machine" >&2
    UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1 locked
fi
"$uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable .
# Compiled once, here: every job of the workflow starts a Python.
"$venv/bin/python" -m compileall -q workflow/synthesis
# The scripts in it name their Python by this path: `check` looks whether it is still there.
(cd "$venv" && pwd -P) > "$venv/.installed"

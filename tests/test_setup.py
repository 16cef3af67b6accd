"""Setting up: which Python is taken, what is said where none will do, and when an environment is made again.

The Pythons and uv are small scripts that answer as the real ones do, so that nothing is installed.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT

TOOLS = ("sh", "make", "sed", "seq", "cut", "cat", "rm", "mkdir", "cp", "touch", "dirname")
PYTHON = """#!/bin/sh
case "$*" in
*platform*) echo "{kind} {version} {path}" ;;
*find_spec*) [ -e "$(dirname "$0")/../packages" ] ;;
*import*) case " {lacks} " in *" ${{2#import }} "*) exit 1 ;; esac ;;
"-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
esac
"""
# Makes an environment as uv does: its python is the one that was named.
UV = """#!/bin/sh
case "$1 $*" in
"venv "*)
    for last; do :; done
    mkdir -p "$last/bin"
    cp "$4" "$last/bin/python"
    echo "$4" >> "$(dirname "$0")/../made"
    ;;
"pip "*editable*) touch "$(dirname "$5")/../packages" ;;
"python "*) exit 2 ;;
esac
"""


class Machine:
    """A PATH with nothing on it but the tools that setting up needs, a home, and a checkout."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.home = folder / "home"
        self.checkout = folder / "checkout"
        self.made = folder / "made"
        for path in (self.bin, self.home, self.checkout / "workflow" / "synthesis"):
            path.mkdir(parents=True)
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        for name in ("Makefile", "setup.sh", "requirements.lock", "pyproject.toml"):
            shutil.copy2(ROOT / name, self.checkout)

    def script(self, path: Path, content: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o755)
        return path

    def python(self, name: str, version: str, kind: str = "CPython", lacks: str = "") -> Path:
        path = self.bin / name
        return self.script(path, PYTHON.format(kind=kind, version=version, path=path, lacks=lacks))

    def uv(self) -> None:
        self.script(self.bin / "uv", UV)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        known = {"PATH": str(self.bin), "HOME": str(self.home)} | environment
        return subprocess.run(command, cwd=self.checkout, env=known, capture_output=True, text=True, check=False)

    def setup(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run("sh", "setup.sh", **environment)

    def make(self, *arguments: str) -> str:
        done = self.run("make", "setup", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def taken(self) -> list[str]:
        """The Pythons that environments were made from, in order."""
        return [Path(line).name for line in self.made.read_text().split()] if self.made.exists() else []


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("pythons", "taken"),
    [
        ({"python3.11": "3.11.7", "python3.12": "3.12.1", "python3.13": "3.13.0"}, "python3.13"),
        ({"python3": "3.12.4"}, "python3"),
        ({"python": "3.11.0"}, "python"),
        ({"python3.14": "3.14.0", "python3.12": "3.12.1", "python3": "3.9.18"}, "python3.12"),
        ({"python3.16": "3.16.2", "python3": "3.9.18"}, "python3.16"),
    ],
)
def test_the_best_python_is_taken_tested_ones_first(machine, pythons, taken):
    machine.uv()
    for name, version in pythons.items():
        machine.python(name, version)
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    assert machine.taken() == [taken]
    assert f"from Python {pythons[taken]}" in done.stdout
    newer = int(pythons[taken].split(".")[1]) > 13
    assert ("newer than what this was tested with (3.11 to 3.13)" in done.stderr) == newer


def test_the_versions_said_to_be_tested_are_the_ones_of_the_readme():
    readme, contributing = ((ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md"))
    setup = (ROOT / "setup.sh").read_text()
    oldest, newest = (f"3.{setup.split(name + '=')[1].split()[0]}" for name in ("oldest", "newest_tested"))
    assert f'requires-python = ">={oldest}"' in (ROOT / "pyproject.toml").read_text()
    assert f"tested with {oldest} to {newest}" in " ".join(readme.split())
    assert f"tested with {oldest} to {newest}" in " ".join(contributing.split())


def test_a_command_that_does_not_run_is_passed_over_and_one_too_old_is_named(machine):
    """As with pyenv: a shim for each version, of which only the selected one runs; the others lie in its folder."""
    machine.uv()
    machine.script(machine.bin / "python3.13", "#!/bin/sh\necho 'pyenv: python3.13: command not found' >&2\nexit 127\n")
    machine.python("python3", "3.9.18")
    hidden = machine.home / ".pyenv" / "versions" / "3.12.1" / "bin" / "python"
    machine.script(hidden, PYTHON.format(kind="CPython", version="3.12.1", path=hidden, lacks=""))
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    assert "'python3' is Python 3.9.18: too old, 3.11 or newer is needed; looking for another" in done.stderr
    assert machine.made.read_text().split() == [str(hidden)]


@pytest.mark.parametrize(
    ("name", "version", "kind", "lacks", "uv", "said"),
    [
        ("python3", "3.10.13", "CPython", "", True, "'python3' is Python 3.10.13: too old, 3.11 or newer is needed"),
        ("python", "2.7.18", "CPython", "", True, "'python' is Python 2.7.18: too old"),
        ("python3", "3.11.13", "PyPy", "", True, "'python3' is PyPy 3.11.13: CPython is needed"),
        ("python3", "3.13.0", "free-threaded CPython", "", True, "is free-threaded CPython 3.13.0: CPython is needed"),
        ("python3", "3.12.1", "CPython", "ensurepip", False, "no working venv module, and uv is not installed (Debian"),
        ("python3", "3.12.1", "CPython", "venv", False, "apt install python3.12-venv"),
        ("python3", "3.12.1", "CPython", "sqlite3", True, "no working sqlite3 module"),
    ],
)
def test_what_will_not_do_is_said_and_the_environment_stays(machine, name, version, kind, lacks, uv, said):
    if uv:
        machine.uv()
    machine.python(name, version, kind, lacks)
    kept = machine.checkout / ".venv" / "kept"
    kept.parent.mkdir()
    kept.touch()
    for environment in ({}, {"PYTHON": name}):
        done = machine.setup(**environment)
        assert done.returncode == 1
        assert said in done.stderr
        assert "make PYTHON=/path/to/python3" in done.stderr
        assert "Traceback" not in done.stderr
    assert kept.exists()


def test_a_python_without_venv_gives_way_to_one_with_it(machine):
    machine.python("python3.13", "3.13.0", lacks="ensurepip")
    machine.python("python3.11", "3.11.7")
    assert machine.run("sh", "setup.sh", "pythons").stdout == f"3.11.7 {machine.bin / 'python3.11'}\n"


def test_a_named_python_that_will_not_do_is_not_replaced_in_silence(machine):
    machine.uv()
    machine.python("python3.12", "3.12.1")
    done = machine.setup(PYTHON="python3.14")
    assert done.returncode == 1
    assert "'python3.14' is not there, or does not run" in done.stderr
    assert f"these would do:\n       3.12.1 {machine.bin / 'python3.12'}" in done.stderr
    assert machine.taken() == []


def test_every_version_is_listed_once_for_the_tests_of_each(machine):
    machine.uv()
    for name, version in (
        ("python3.11", "3.11.7"),
        ("python3.12", "3.12.1"),
        ("python3", "3.11.2"),
        ("python", "3.9.1"),
    ):
        machine.python(name, version)
    listed = machine.run("sh", "setup.sh", "pythons").stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["3.12.1", "3.11.7"]
    assert "sh setup.sh pythons" in (ROOT / "tests" / "pythons.sh").read_text()
    assert "tests/pythons.sh bytes" in (ROOT / ".ci" / "run").read_text()
    assert "tests/pythons.sh suite" in (ROOT / "Makefile").read_text().partition("\nnightly:")[2]


def test_what_must_hold_before_anything_lands_is_looked_at_each_time():
    steps = (ROOT / ".ci" / "run").read_text()
    for step in (
        "make setup",
        "make check",
        "make test",
        "make results",
        "make results CORES=1",
        "make docs",
        "make slurm",
    ):
        assert f"step '{step}' " in steps or len(re.findall(f"^{step}( |$)", steps, re.M)) == 1, step
    # The cluster runs beside the others: what came of it is waited for.
    assert re.search(r"make slurm > .* &\ncluster=\$!\n", steps)
    assert 'wait "$cluster" || { cat "$expected/slurm.log" >&2; exit 1; }' in steps
    assert "debian.sh bookworm 'make results'" in steps
    assert "BROWSER_TESTS=1" in steps
    nightly = (ROOT / "Makefile").read_text().partition("\nnightly:")[2].partition("\n\n")[0]
    for step in ("debian.sh bookworm\n", "debian.sh trixie\n", "slurm", "faults", "fuzz", "audit"):
        assert step in nightly, step


def test_an_environment_is_made_once(machine):
    machine.uv()
    machine.python("python3.12", "3.12.1")
    machine.make()
    assert "Nothing to be done" in machine.make() + machine.make("PYTHON=python3.12")
    assert machine.taken() == ["python3.12"]


def test_a_moved_checkout_is_set_up_again(machine):
    """Its scripts name the old path: they would end with error 127."""
    machine.uv()
    machine.python("python3.12", "3.12.1")
    machine.make()
    machine.checkout = machine.checkout.rename(machine.checkout.with_name("moved here"))
    machine.make()
    machine.make()
    assert machine.taken() == ["python3.12"] * 2


def test_a_copied_checkout_is_set_up_again(machine):
    """Its scripts run, but the code of the other checkout."""
    machine.uv()
    machine.python("python3.12", "3.12.1")
    machine.make()
    other = machine.checkout.with_name("copy")
    subprocess.run(["cp", "-a", str(machine.checkout), str(other)], check=True)
    machine.checkout = other
    machine.make()
    assert machine.taken() == ["python3.12"] * 2


@pytest.mark.parametrize("harm", ["no python", "python does not run", "no packages", "no mark", "mark of old setups"])
def test_a_broken_environment_is_made_again(machine, harm):
    machine.uv()
    machine.python("python3.12", "3.12.1")
    machine.make()
    venv = machine.checkout / ".venv"
    interpreter = venv / "bin" / "python"
    if harm == "no python":
        interpreter.unlink()
        interpreter.symlink_to(machine.home / "gone")
    elif harm == "python does not run":
        machine.script(interpreter, "#!/bin/sh\nexit 127\n")
    elif harm == "no packages":
        (venv / "packages").unlink()
    elif harm == "no mark":
        (venv / ".installed").unlink()
    else:
        (venv / ".installed").write_text("")
    machine.make()
    assert machine.taken() == ["python3.12"] * 2


def test_certificates_of_the_machine_are_tried_where_those_of_uv_do_not_do(machine):
    """A network that looks into its traffic signs with certificates of its own."""
    refuses = UV.replace('"pip "*editable*', '"pip "*lock*) [ -n "$UV_SYSTEM_CERTS" ] || exit 2 ;;\n"pip "*editable*')
    machine.script(machine.bin / "uv", refuses)
    machine.python("python3.12", "3.12.1")
    assert "once more, with the certificates of this machine" in machine.make()
    never = refuses.replace('[ -n "$UV_SYSTEM_CERTS" ] || exit 2', "exit 2")
    machine.script(machine.bin / "uv", never)
    shutil.rmtree(machine.checkout / ".venv")
    assert machine.run("make", "setup").returncode != 0
    assert not (machine.checkout / ".venv" / ".installed").exists()


def test_naming_another_python_makes_the_environment_from_it(machine):
    machine.uv()
    machine.python("python3.12", "3.12.1")
    machine.python("python3.11", "3.11.7")
    machine.make()
    machine.make("PYTHON=python3.11")
    machine.make()
    assert machine.taken() == ["python3.12", "python3.11"]


def test_an_environment_elsewhere(machine, tmp_path):
    machine.uv()
    machine.python("python3.12", "3.12.1")
    elsewhere = tmp_path / "an environment"
    done = machine.run("sh", "setup.sh", VENV=str(elsewhere))
    assert done.returncode == 0, done.stderr
    assert machine.run("sh", "setup.sh", "check", VENV=str(elsewhere)).returncode == 0
    assert machine.run("sh", "setup.sh", "check").returncode == 1
    assert os.fspath(elsewhere.resolve()) == (elsewhere / ".installed").read_text().strip()

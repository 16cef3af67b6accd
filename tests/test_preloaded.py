"""The process that runs the commands of a local run: nothing but the time differs from a command of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from synthesis.cli import asking, preloaded
from synthesis.cli.asking import PLACE

PACKAGE = Path(preloaded.__file__).parents[2]
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone has such a process")
# As rules call it.
ASKING = [sys.executable, "-I", "-S", asking.__file__]
# Reads standard input, and says nothing when all is well.
PLAN = b'{"title": "A plan"}'


def run(*arguments: str, place: Path | None, folder: Path, given: bytes = b"") -> tuple[int, bytes, bytes]:
    environment = {name: value for name, value in os.environ.items() if name != PLACE} | {"PYTHONPATH": str(PACKAGE)}
    environment |= {PLACE: str(place)} if place else {}
    command = [*ASKING, *arguments]
    done = subprocess.run(command, input=given, capture_output=True, cwd=folder, env=environment)
    return done.returncode, done.stdout, done.stderr


def wait_for(met, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def children(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(child) for child in listed.split()]


@pytest.fixture(scope="module")
def waiting(tmp_path_factory):
    place = tmp_path_factory.mktemp("waiting") / "of" / "socket"
    place.parent.mkdir()
    environment = os.environ | preloaded.ONE_THREAD | {"PYTHONPATH": str(PACKAGE)}
    command = [sys.executable, "-m", "synthesis.cli.preloaded", str(place)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as process:
        wait_for(place.exists)
        yield process, place
        process.communicate()
    assert process.returncode == 0
    assert not place.parent.exists()


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        (["--help"], b""),
        (["no-such-command"], b""),
        (["check", "--config", "nowhere.yaml"], b""),
        (["claims-figure", "--claims", "nowhere.json", "--out", "figures"], b""),
        (["config", "--config", "-", "--out", "plan.json"], PLAN),
    ],
)
def test_a_command_says_and_gives_the_same(arguments, given, waiting, tmp_path):
    _, place = waiting
    answers = [run(*arguments, place=where, folder=tmp_path, given=given) for where in (None, place)]
    assert answers[0] == answers[1]
    assert any(answers[0][1:]) or answers[0][0] == 0


def test_the_command_runs_in_the_process_that_waits(waiting, tmp_path, monkeypatch):
    """A command that stops half-way is a child of that process; it ends with the one that asked for it."""
    process, place = waiting
    os.mkfifo(tmp_path / "claims.json")
    environment = os.environ | {"PYTHONPATH": str(PACKAGE), PLACE: str(place)}
    command = [*ASKING, "claims-figure", "--claims", "claims.json", "--out", "."]
    caller = subprocess.Popen(command, cwd=tmp_path, env=environment)
    wait_for(lambda: children(process.pid))
    caller.send_signal(signal.SIGKILL)
    caller.wait()
    wait_for(lambda: not children(process.pid))


def test_it_has_one_thread(waiting):
    """A fork of a process with several may wait for ever for what another thread held."""
    process, _ = waiting
    assert len(list(Path(f"/proc/{process.pid}/task").iterdir())) == 1


def test_without_such_a_process_a_command_runs_by_itself(tmp_path):
    status, _, said = run("check", "--config", "nowhere.yaml", place=tmp_path / "gone", folder=tmp_path)
    assert status == 1
    assert b"nowhere.yaml" in said


def test_a_run_of_few_jobs_starts_none(monkeypatch):
    monkeypatch.delenv(PLACE, raising=False)
    preloaded.prepare(preloaded.FEWEST_JOBS - 1)
    assert PLACE not in os.environ


def test_one_that_was_started_for_few_jobs_ends_at_once(monkeypatch, tmp_path):
    """While it still imports."""
    monkeypatch.delenv(PLACE, raising=False)
    monkeypatch.setattr(preloaded.tempfile, "tempdir", str(tmp_path))
    preloaded.start()
    ((process, place),) = preloaded._STARTED
    preloaded.start()
    assert os.environ[PLACE] == str(place)
    preloaded.prepare(preloaded.FEWEST_JOBS - 1)
    assert PLACE not in os.environ
    assert process.returncode == -signal.SIGKILL
    assert not any(tmp_path.iterdir())


def test_where_the_path_of_its_socket_would_be_too_long_none_starts(monkeypatch, tmp_path):
    """A TMPDIR as job systems give it."""
    monkeypatch.delenv(PLACE, raising=False)
    folder = tmp_path / ("x" * max(1, preloaded.LONGEST_PATH - len(str(tmp_path)) - 10))
    folder.mkdir()
    monkeypatch.setattr(preloaded.tempfile, "tempdir", str(folder))
    preloaded.prepare(99)
    assert PLACE not in os.environ
    assert not any(folder.iterdir())


def test_where_no_process_can_be_started_commands_run_by_themselves(monkeypatch, tmp_path):
    monkeypatch.setattr(preloaded.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path))
    monkeypatch.delenv(PLACE, raising=False)
    preloaded.start()
    assert not preloaded._STARTED
    assert PLACE not in os.environ
    assert list(tmp_path.iterdir()) == []


def test_arguments_and_environment_come_as_they_are(waiting, tmp_path):
    """Bytes that are no text, line breaks, empty words."""
    _, place = waiting
    words = ["--config", "a\nb\udcff", "", "ü"]
    said = [run("check", *words, place=where, folder=tmp_path) for where in (None, place)]
    assert said[0] == said[1]
    assert said[0][0] == 2


@pytest.mark.parametrize("end", ["", "import os; os.kill(os.getpid(), 9)"])
def test_it_ends_with_the_process_that_started_it(end, tmp_path):
    """However that ends."""
    code = f"import os; from synthesis.cli import preloaded; preloaded.prepare(99); print(os.environ['{PLACE}']); {end}"
    environment = os.environ | {"PYTHONPATH": str(PACKAGE), "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, text=True)
    place = Path(done.stdout.strip())
    assert place.is_relative_to(tmp_path)
    wait_for(lambda: not place.parent.exists())


def test_what_a_job_used_stands_in_its_benchmark(tmp_path):
    """Snakemake measures who asked; memory and processor time are those of the command."""
    # The process of this test alone, which is over before its benchmark is read.
    own = tmp_path / "own" / "socket"
    own.parent.mkdir()
    environment = os.environ | {"PYTHONPATH": str(PACKAGE)}
    log = tmp_path / "results" / "logs" / "check.log"
    benchmark = tmp_path / "results" / "benchmarks" / "check.tsv"
    for path in (log, benchmark):
        path.parent.mkdir(parents=True)
    command = [sys.executable, "-m", "synthesis.cli.preloaded", str(own)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as process:
        wait_for(own.exists)
        with log.open("wb") as said:
            asked = [*ASKING, "check", "--config", "nowhere.yaml"]
            subprocess.run(asked, env=environment | {PLACE: str(own)}, cwd=tmp_path, stderr=said)
        head = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time"
        benchmark.write_text(f"{head}\n0.50\t0:00:00\t9.00\t9.00\t9.00\t9.00\t0.00\t0.00\t0.00\t0.00\n")
        process.communicate()
    written, row = benchmark.read_text().splitlines()
    used = dict(zip(written.split("\t"), row.split("\t"), strict=True))
    assert written == head
    assert used["s"] == "0.50"
    assert used["max_vms"] == "NA"
    assert float(used["max_rss"]) > 30
    assert 0 < float(used["cpu_time"]) < 60

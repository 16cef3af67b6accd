"""The cheap ones of the faults that `make faults` does for real: failing disks, files cut short, clocks, locales."""

import fcntl
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time

import pytest
from conftest import BCG, ROOT
from synthesis.cli.main import main
from synthesis.errors import CannotWrite, InputError
from synthesis.results.files import (
    check_times,
    check_whole,
    check_writable,
    date_back,
    read_csv,
    read_json,
    replace,
    write_csv,
    write_json,
    write_parquet,
    write_text,
)

COMMAND = [sys.executable, "-m", "synthesis"]


def command(*arguments, **options):
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")} | options.pop("env", {})
    words = [*COMMAND, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, env=environment, **options)


@pytest.fixture(scope="module")
def extracted(tmp_path_factory):
    path = tmp_path_factory.mktemp("extracted") / "bcg.json"
    raw = str(BCG / "data" / "raw")
    assert main(["extract", "--raw", raw, "--source", "bcg", "--metrics", "log_risk_ratio", "--out", str(path)]) == 0
    return path


def gather(extracted, folder, **options):
    outputs = ("--effects", folder / "e.parquet", "--table", folder / "e.csv", "--dropped", folder / "d.csv")
    return command("gather", "--sources", extracted, *outputs, **options)


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_file_too_large_is_named_and_leaves_the_earlier_one(extracted, tmp_path):
    assert gather(extracted, tmp_path).returncode == 0
    before = content(tmp_path)
    done = gather(extracted, tmp_path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)))
    assert done.returncode == 1
    assert "e.parquet: File too large; raise the limit" in done.stderr
    assert "Traceback" not in done.stderr
    assert content(tmp_path) == before


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
def test_a_full_disk_is_named_and_leaves_the_earlier_file(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})

    def fill(_):
        with open("/dev/full", "w") as handle:  # noqa: PTH123
            handle.write("x")

    with pytest.raises(CannotWrite, match=r"a\.json: No space left on device; free some space"):
        replace(path, fill)
    assert content(tmp_path) == {"a.json": b'{\n "a": 1\n}\n'}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere; make faults mounts a read-only folder")
def test_a_read_only_folder_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(CannotWrite, match="make the folder writable"):
        write_text(tmp_path / "a.txt", "a")
    with pytest.raises(InputError, match="not writable"):
        check_writable(tmp_path)
    tmp_path.chmod(0o700)


def test_read_only_results_stop_before_the_first_job(tmp_path, monkeypatch):
    check_writable(tmp_path)
    check_writable(tmp_path / "not there yet")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match="allowed: a folder that this run may write to"):
        check_writable(tmp_path)


def test_what_a_killed_writer_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path):
    path = tmp_path / "a.txt"
    script = (
        "import os, signal, sys; from pathlib import Path; from synthesis.results.files import replace\n"
        "def die(target): target.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
        "replace(Path(sys.argv[1]), die)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    assert subprocess.run([sys.executable, "-c", script, str(path)], env=environment).returncode == -9
    assert [entry.read_text() for entry in tmp_path.iterdir()] == ["half"]
    living = tmp_path / ".a.abcdefgh.txt"
    with living.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        write_text(path, "whole")
        assert {entry.name for entry in tmp_path.iterdir()} == {"a.txt", living.name}
    write_text(path, "again")
    assert {entry.name for entry in tmp_path.iterdir()} == {"a.txt"}


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.parquet"])
def test_every_writer_leaves_a_file_that_ends_as_a_whole_one(tmp_path, name):
    path = tmp_path / name
    records = [{"name": "one", "value": 0.5}, {"name": "two", "value": 2.0}]
    write = {
        "a.csv": lambda: write_csv(path, records),
        "a.json": lambda: write_json(path, records),
        "a.parquet": lambda: write_parquet(path, records, {"name": str, "value": float}),
    }[name]
    write()
    check_whole(path)
    whole = path.read_bytes()
    for size in (0, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match="cut short.*delete the file and run again"):
            check_whole(path)


def test_figures_end_as_whole_files(tmp_path):
    from matplotlib.figure import Figure
    from synthesis.draw.svg import svg_of
    from synthesis.draw.writing import write_pdf, write_png

    figure = Figure()
    figure.text(0.5, 0.5, "words")
    write_text(tmp_path / "a.svg", svg_of(figure, "a", "title", "description"))
    write_pdf(tmp_path / "a.pdf", [figure])
    write_png(tmp_path / "a.png", figure)
    for path in tmp_path.iterdir():
        check_whole(path)


def test_a_cut_intermediate_is_named_by_the_job_that_reads_it(extracted, tmp_path):
    cut = tmp_path / "bcg.json"
    cut.write_bytes(extracted.read_bytes()[:2000])
    done = gather(cut, tmp_path)
    assert done.returncode == 1
    assert f"{cut}: '2000 bytes, cut short'" in done.stderr
    assert "delete the file and run again" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bcg.json"]


def test_json_and_tables_cut_between_their_ends_are_refused(tmp_path):
    (tmp_path / "a.json").write_text('{"a": {\n"b": 1}\n')
    with pytest.raises(InputError, match="a whole JSON file"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3\n")
    with pytest.raises(InputError, match="line 3: '1 cells'; allowed: 2 cells"):
        read_csv(tmp_path / "a.csv")


def test_a_cut_list_of_specifications_is_refused(tmp_path):
    from synthesis.multiverse.enumeration import read_head, read_units

    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n[0, "ma')
    with pytest.raises(InputError, match="cut short"):
        read_head(path)
    path.write_text('{"a": 1}\n[0,"main",[0],[0],1,[[0,1]],""]\n')
    assert len(list(read_units(path, 0, 1))) == 1
    with pytest.raises(InputError, match="'1 units from 0'; allowed: 2"):
        list(read_units(path, 0, 2))


def test_verify_names_what_differs_from_what_the_run_wrote(tmp_path, capsys):
    from synthesis.export.crate import METADATA

    write_text(tmp_path / "a.txt", "as written")
    entry = {"@type": "File", "@id": "a.txt"}
    import hashlib

    entry["sha256"] = hashlib.sha256(b"as written").hexdigest()
    write_json(tmp_path / METADATA, {"@graph": [{"@type": "Dataset"}, entry]})
    assert main(["verify", str(tmp_path)]) == 0
    write_text(tmp_path / "a.txt", "as changed")
    assert main(["verify", str(tmp_path)]) == 1
    assert "a.txt: 'other content'" in capsys.readouterr().err
    (tmp_path / "a.txt").unlink()
    assert main(["verify", str(tmp_path)]) == 1
    assert "a.txt: 'missing'" in capsys.readouterr().err


def test_tables_from_the_future_are_named(tmp_path):
    path = tmp_path / "effects.csv"
    path.write_text("a")
    check_times([path, tmp_path / "missing"])
    os.utime(path, (time.time() + 1e6,) * 2)
    with pytest.raises(InputError, match=r"effects\.csv: 'dated in the future'.*touch it"):
        check_times([path])


def test_results_from_the_future_become_old_ones(tmp_path):
    now, later = tmp_path / "now.txt", tmp_path / "later.txt"
    for path in (now, later):
        write_text(path, "words")
    os.utime(later, (time.time() + 1e6,) * 2)
    date_back(tmp_path)
    assert later.stat().st_mtime < now.stat().st_mtime
    assert now.stat().st_mtime > time.time() - 600


def test_decimal_commas_change_no_byte(extracted, tmp_path):
    locales = tmp_path / "locales"
    locales.mkdir()
    made = ["localedef", "-i", "de_DE", "-f", "UTF-8", str(locales / "de_DE.UTF-8")]
    if not shutil.which("localedef") or subprocess.run(made, capture_output=True).returncode:
        pytest.skip("no localedef, or no sources of locales")
    found = []
    for environment in ({"LC_ALL": "C"}, {"LC_ALL": "de_DE.UTF-8", "LOCPATH": str(locales)}):
        folder = tmp_path / environment["LC_ALL"]
        folder.mkdir()
        assert gather(extracted, folder, env=environment).returncode == 0
        found.append(content(folder))
    assert found[0] == found[1]


def test_many_readers_see_one_version_or_the_other(tmp_path):
    path = tmp_path / "table.json"
    versions = [{"values": [half] * 1000} for half in (0.25, 0.5)]
    write_json(path, versions[0])
    wrong = []

    def read():
        found = read_json(path)
        if found not in versions:
            wrong.append(found)

    readers = [threading.Thread(target=read) for _ in range(200)]
    for number, reader in enumerate(readers):
        reader.start()
        write_json(path, versions[number % 2])
    for reader in readers:
        reader.join()
    assert wrong == []
    assert json.loads(path.read_text()) in versions

"""A process that has imported the package once, and runs each command of a local run in a fork of itself.

Starting is most of what a job of a second costs. Nothing else differs: where no such process answers, as on a cluster,
a command imports what it needs. Linux only: elsewhere libraries may not outlive a fork.
"""

from __future__ import annotations

import atexit
import gc
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import msgspec

from synthesis.cli.asking import HEAD, PLACE
from synthesis.data.model import Model
from synthesis.results.document import Document

if TYPE_CHECKING:
    from resource import struct_rusage

# Fewer jobs are over before everything is imported.
FEWEST_JOBS = 8
# Bytes of a socket's path, which ends with a zero.
LONGEST_PATH = 107
# What several jobs of a run import at their first use, from a fifth of a second on for each.
LATER = ("email.parser", "pandas", "pyarrow.parquet", "scipy.optimize")
# A process that forks has one thread: pyarrow's allocator would start one that gives memory back.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}


# What was started, and where it listens.
_STARTED: list[tuple[subprocess.Popen[bytes], Path]] = []


def start() -> None:
    """Starts the process, whose commands find it in the environment, where there is none yet and its socket can be.

    It ends with the process that starts it, however that ends. Where none can be started (a full disk, a Python that
    this user must not run), commands import what they need, and say what is amiss.
    """
    # As long as the names of temporary folders are.
    longest = Path(tempfile.gettempdir()) / "synthesis-12345678" / "socket"
    if _STARTED or not sys.platform.startswith("linux") or len(os.fsencode(longest)) > LONGEST_PATH:
        return
    package = str(Path(__file__).parents[2])
    environment = os.environ | ONE_THREAD | {"PYTHONPATH": package}
    folder = None
    try:
        folder = Path(tempfile.mkdtemp(prefix="synthesis-"))
        place = folder / "socket"
        # Its standard input is a pipe that nobody writes to: it is closed when the last process that could has ended.
        command = [sys.executable, "-m", "synthesis.cli.preloaded", str(place)]
        _STARTED.append((subprocess.Popen(command, stdin=subprocess.PIPE, env=environment), place))
    except OSError:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        return
    os.environ[PLACE] = str(place)
    atexit.register(end)


def prepare(jobs: int) -> None:
    """Starts the process for a run of so many jobs, or ends the one that has so few to do."""
    if jobs < FEWEST_JOBS:
        end()
    else:
        start()


def end() -> None:
    """Ends the process: one that listens when its commands have ended, one that still imports at once."""
    while _STARTED:
        process, place = _STARTED.pop()
        os.environ.pop(PLACE, None)
        if not place.exists():
            process.kill()
            shutil.rmtree(place.parent, ignore_errors=True)
        process.communicate()


def main(place: str) -> None:
    """Imports everything, then listens until standard input is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _import_all()
    # What stays is not looked through again, in no fork.
    gc.set_threshold(100_000, 50, 50)
    gc.freeze()
    running: dict[int, str] = {}
    used: dict[str, struct_rusage] = {}
    with socket.socket(socket.AF_UNIX) as listener, selectors.DefaultSelector() as selector:
        listener.bind(place)
        listener.listen(128)
        woken, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for source in (listener, sys.stdin, woken):
            selector.register(source, selectors.EVENT_READ)
        while True:
            ready = [key.fileobj for key, _ in selector.select()]
            if woken in ready:
                os.read(woken, 4096)
                _reap(running, used)
            if sys.stdin in ready:
                break
            if listener in ready:
                _fork(listener, running)
    for child in running:
        os.kill(child, signal.SIGKILL)
    _reap(running, used, wait=True)
    _correct(used)
    shutil.rmtree(Path(place).parent, ignore_errors=True)


def _import_all() -> None:
    from importlib import import_module
    from pkgutil import walk_packages

    import synthesis

    for module in walk_packages(synthesis.__path__, "synthesis."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    for name in LATER:
        import_module(name)
    _build(Model)
    _decode(Document)
    from synthesis.cli.main import prepare
    from synthesis.draw.writing import warm
    from synthesis.review.fit import versions

    prepare()
    versions()
    warm()


def _build(model: type[Model]) -> None:
    """What pydantic puts off until a model is first used, of all that derive from it."""
    for derived in model.__subclasses__():
        derived.model_rebuild()
        _build(derived)


def _decode(document: type[Document]) -> None:
    """What msgspec puts off until a document is first read, of all that derive from it."""
    for derived in document.__subclasses__():
        msgspec.json.Decoder(derived)
        _decode(derived)


def _fork(listener: socket.socket, running: dict[int, str]) -> None:
    """A child for the next command; nothing of this process' own reading and writing goes on in it."""
    connection, _ = listener.accept()
    with connection:
        head, given, _, _ = socket.recv_fds(connection, HEAD, 3)
        if len(head) < HEAD or len(given) < 3:
            return
        try:
            log = str(Path(f"/proc/self/fd/{given[2]}").readlink())
            child = os.fork()
            if not child:
                listener.close()
                _run(connection, int.from_bytes(head, "big"), given)
            running[child] = log
        finally:
            for number in given:
                os.close(number)


def _run(connection: socket.socket, size: int, given: Sequence[int]) -> NoReturn:
    """Runs the command that a connection asks for, in place of this process."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for target, number in enumerate(given):
            os.dup2(number, target)
        with connection.makefile("rb") as asked:
            count, *rest = asked.read(size).split(b"\0")
        arguments, (folder, *environment) = [os.fsdecode(word) for word in rest[: int(count)]], rest[int(count) :]
        os.chdir(folder)
        os.environb.clear()
        os.environb.update(dict(pair.split(b"=", 1) for pair in environment))
        threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
        from synthesis.cli.main import main as run

        # The reader of standard input read to the end of another one.
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 as long as the process
        status = run(arguments)
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        connection.sendall(bytes([status]))
        os._exit(status)


def _end_with(connection: socket.socket) -> None:
    """Ends a command whose caller has gone: killed, or interrupted."""
    connection.recv(1)
    os._exit(1)


def _reap(running: dict[int, str], used: dict[str, struct_rusage], wait: bool = False) -> None:
    """Moves the children that have ended, or all, to what they `used`."""
    while running:
        child, _, usage = os.wait4(-1, 0 if wait else os.WNOHANG)
        if not child:
            return
        used[running.pop(child)] = usage


def _correct(used: dict[str, struct_rusage]) -> None:
    """Puts into the benchmarks of the jobs what they used: Snakemake saw nothing but who asked for them."""
    for log, usage in used.items():
        path = Path(log.replace("/results/logs/", "/results/benchmarks/")).with_suffix(".tsv")
        if "/results/logs/" not in log or not path.exists():
            continue
        head, row = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[:2])
        record = dict(zip(head, row, strict=True))
        processor = usage.ru_utime + usage.ru_stime
        record |= dict.fromkeys(("max_vms", "max_uss", "max_pss", "io_in", "io_out"), "NA")
        record |= {"max_rss": f"{usage.ru_maxrss / 1024:.2f}", "cpu_time": f"{processor:.2f}"}
        record["mean_load"] = f"{100 * processor / max(float(record['s']), 0.01):.2f}"
        path.write_text("\t".join(head) + "\n" + "\t".join(record.values()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])

"""What a run says: one live line in a terminal, a line per step elsewhere, and of a failed job the end of its log.

Snakemake's own log of the main job has 95 kB and lines of 15,000 characters; `--quiet host` brings it back.
"""

from __future__ import annotations

import logging
import math
import os
import re
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress

# Characters of a line, and of a line of progress; lines of progress: together below 5 kB for a good run of any size.
LONGEST, LONGEST_STEP, MOST_STEPS = 200, 70, 60
# Of a line of a log: what is wrong with an input is said to its end.
LONGEST_LOGGED = 1000
# Lines that are shown of a failed job's log, and of that of a group of jobs, which ends with the failed one's.
TAIL, GROUP_TAIL = 12, 30
# Lines that repeat at every step, or say what every run has; and events that do.
_NOISE = (
    "Assuming unrestricted shared filesystem",
    "Building DAG of jobs",
    "Conda environments: ignored",
    # Of each file that is kept in a storage, and of each copy of it.
    "Finished retrieval",
    "Finished upload",
    "Provided cores",
    "Removing local copy of storage",
    "Retrieving from storage",
    "Rules claiming more threads",
    "Select jobs to execute",
    "Storing in storage",
    "Using shell",
)
_NOISY_EVENTS = frozenset({"resources_info", "job_started", "shellcmd", "group_info"})
# The whole command of a failed job, of thousands of characters; the record of the job follows.
_COMMAND = "CalledProcessError in file"
# Worth a line after an error only: a good run ends with what to open.
_AFTER_ERRORS = ("Complete log", "Elapsed time")
# What Snakemake puts behind the name of a log that is kept in a storage, and where its copies are.
_STORED, _COPIES = " (send to storage)", Path(".snakemake") / "storage"
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")


def shortened(text: str, longest: int = LONGEST) -> str:
    """One line without control characters, cut with "..." where it is longer."""
    line = _CONTROL.sub("", text.replace("\t", "    "))
    return line if len(line) <= longest else line[: longest - 4] + " ..."


def tail(path: Path, lines: int = TAIL) -> list[str]:
    """The last lines of a log that are not blank, shortened; none where there is no such file."""
    try:
        with path.open(encoding="utf-8", errors="replace") as handle:
            return list(deque((shortened(line.rstrip(), LONGEST_LOGGED) for line in handle if line.strip()), lines))
    except OSError:
        return []


def can_be_live(stream: TextIO) -> bool:
    """Whether a line may be drawn over: in a terminal that can, and not where a machine keeps what is printed."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb" and not os.environ.get("CI")


class Voice(logging.Handler):
    """Speaks for Snakemake's own handler, which still formats whatever is not about the course of the run.

    Takes the records of Snakemake's logger, whose attributes `event`, `jobid`, `log` and others say what happened.
    """

    def __init__(self, handler: logging.Handler) -> None:
        super().__init__(handler.level)
        self._own, self._worded = handler, handler.format
        self._running: dict[int, str] = {}
        self._finished: list[str] = []
        self._failed = False
        self._live: Progress | None = _live_line() if can_be_live(sys.stderr) else None

    def emit(self, record: logging.LogRecord) -> None:
        """Says a record, or a part of it, or nothing."""
        try:
            self._emit(record, str(getattr(record, "event", None)))
        except BrokenPipeError:
            raise
        except Exception:
            self.handleError(record)

    def _emit(self, record: Any, event: str) -> None:
        match event:
            case "run_info":
                self._draw(0, record.stats["total"])
            case "job_info":
                self._running[record.jobid] = _job(record)
                self._draw()
            case "job_finished":
                self._finished.append(self._running.pop(record.job_id, f"job {record.job_id}"))
            case "progress":
                self._step(record.done, record.total)
            case "job_error":
                name = self._running.pop(record.jobid, record.rule_name)
                # Of a group, Snakemake reports every job as failed, the finished ones too.
                if not record.indent:
                    self._fail(f"{name} failed (job {record.jobid})", record.rule_msg, record.log, TAIL)
            case "group_error":
                infos = record.job_error_info
                names = ", ".join(self._running.get(info["jobid"], info["rule_name"]) for info in infos)
                logs = [*record.aux_logs, *(path for info in infos for path in info["log"])]
                self._fail(f"one of a group of jobs failed: {names}", None, logs, GROUP_TAIL)
            case _ if event not in _NOISY_EVENTS:
                self._pass_on(record)

    def _step(self, done: int, total: int) -> None:
        if self._live:
            self._draw(done, total)
        elif done == total or done % math.ceil(total / MOST_STEPS) == 0:
            self._say([shortened(f"{done} of {total}: {', '.join(self._finished)}", LONGEST_STEP)])
            self._finished.clear()

    def _draw(self, done: int | None = None, total: int | None = None) -> None:
        if not self._live:
            return
        self._live.update(
            self._live.task_ids[0], completed=done, total=total, description=", ".join(self._running.values())
        )
        if done is not None and done == total:
            self._live.stop()
        elif self._running:
            self._live.start()

    def _fail(self, what: str, why: str | None, logs: Sequence[str], lines: int) -> None:
        self._failed = True
        self._say([shortened(line) for line in (what, *(f"  {line}" for line in (why or "").splitlines()))])
        self._say(_end_of(logs, lines))

    def _pass_on(self, record: logging.LogRecord) -> None:
        self._failed |= record.levelno >= logging.ERROR
        text = self._worded(record) if self._own.filter(record) else ""
        if text in ("", "None") or text.startswith(_NOISE) or _COMMAND in text:
            return
        if text.startswith(_AFTER_ERRORS) and not self._failed:
            return
        self._say([shortened(line) for line in text.splitlines()])

    def _say(self, lines: Iterable[str]) -> None:
        text = "\n".join(lines)
        if self._live:
            # Above the line that is drawn over.
            self._live.console.out(text, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Takes the live line away, however the run ended."""
        if self._live:
            self._live.stop()
        super().close()


def _job(record: Any) -> str:
    """A job's rule, and the values of its wildcards."""
    return " ".join([record.rule_name, *map(str, (getattr(record, "wildcards", None) or {}).values())])


def _end_of(paths: Sequence[str], lines: int) -> list[str]:
    """The end of the first log that says something, and where the whole is."""
    paths = [_at_hand(path) for path in paths]
    for path in paths:
        last_lines = tail(Path(path), lines)
        if last_lines:
            others = [other for other in paths if other != path and tail(Path(other), 1)]
            see = f"  the whole log: {', '.join([path, *others])}"
            return ["  end of its log:", *(f"    {line}" for line in last_lines), shortened(see)]
    return [shortened(f"  its log says nothing: {', '.join(paths)}")] if paths else []


def _at_hand(path: str) -> str:
    """The copy of a log that is going to a storage; its name there where there is none any more."""
    if not path.endswith(_STORED):
        return path
    name = path.removesuffix(_STORED)
    copies = (copy / name.split("://")[-1].lstrip("/") for copy in _COPIES.glob("*"))
    return next((str(copy) for copy in copies if copy.is_file()), name)


def _live_line() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    words = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis"))
    console = Console(stderr=True)
    columns = (BarColumn(bar_width=20), MofNCompleteColumn(), TimeElapsedColumn(), words)
    live = Progress(*columns, console=console, transient=True, refresh_per_second=4)
    live.add_task("", total=None)
    return live


def speak(logger: logging.Logger) -> None:
    """Puts a Voice in the place of Snakemake's own handler of the screen. A plug-in that was asked for stays."""
    for handler in list(logger.handlers):
        if handler.name == "DefaultStreamHandler":
            logger.removeHandler(handler)
            logger.addHandler(Voice(handler))

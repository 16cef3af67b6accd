"""Everyday slips, each done for real on the example of the BCG vaccine, and what was said (docs/robustness.md).

Fails when a slip is taken without a word, when Python speaks (a traceback), or when nothing tells what to look at.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "robustness.md"
BEGIN, END = "<!-- slips: written by make slips -->", "<!-- end of slips -->"
BIN = Path(sys.executable).parent
RUN = ("snakemake", "--cores", "1", "results/tables/pooled.csv")
LONGEST = 330
MANY_CHOICES = re.compile(r"(one of (?:[^,()]+, ){4})(?:[^,()]+, )*([^,()]+)(?= \(|$)")
NOISE = ("Using workflow specific profile", "Assuming unrestricted", "host: ", "Building DAG", "Config file config")
NOBODY = 65534

Spoil = Callable[[Path], None]


class Slip(NamedTuple):
    """What was typed, in words; how a review is spoilt by it; the command; where that is called."""

    typed: str
    spoil: Spoil | None = None
    command: tuple[str, ...] = RUN
    folder: str = "."
    # Numbered by itself when it is not an error, but a note.
    status: int | None = None


def swap(name: str, old: str, new: str) -> Spoil:
    """In a file of the review, once."""

    def spoil(folder: Path) -> None:
        path = folder / name
        text = path.read_text()
        if old not in text:
            raise ValueError(f"{name} has no {old!r}")
        path.write_text(text.replace(old, new, 1))

    return spoil


def plan(old: str, new: str) -> Spoil:
    return swap("config.yaml", old, new)


def table(old: str, new: str) -> Spoil:
    return swap("data/raw/bcg/effects.csv", old, new)


def move(old: str, new: str) -> Spoil:
    return lambda folder: (folder / old).rename(folder / new) and None


def write(name: str, text: str, encoding: str = "utf-8") -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding=encoding)

    return spoil


def add(name: str, text: str) -> Spoil:
    return lambda folder: (folder / name).write_text((folder / name).read_text() + text) and None


def every(old: str, new: str) -> Spoil:
    """In every line of the table."""

    def spoil(folder: Path) -> None:
        path = folder / "data/raw/bcg/effects.csv"
        path.write_text(path.read_text().replace(old, new))

    return spoil


def recoded(encoding: str) -> Spoil:
    def spoil(folder: Path) -> None:
        path = folder / "data/raw/bcg/effects.csv"
        path.write_text(path.read_text().replace("Aronson", "Arönson"), encoding=encoding)

    return spoil


def protected(folder: Path) -> None:
    (folder / "results").mkdir(exist_ok=True)
    (folder / "results").chmod(0o555)
    (folder / "results" / ".." / ".snakemake").mkdir(exist_ok=True)
    (folder / ".snakemake").chmod(0o777)


def new(*arguments: str) -> tuple[str, ...]:
    return ("synthesis", "new", *arguments)


MINE = "study,m1,s1,n1,m2,s2,n2\nAda 2001,10.1,4.2,30,12.9,4.4,31\nBo 2004,9.8,5.1,40,11.2,4.9,38\n"
COLUMNS = ("--columns", "study=study", "mean_treat=m1", "sd_treat=s1", "n_treat=n1")
COLUMNS = (*COLUMNS, "mean_control=m2", "sd_control=s2", "n_control=n2")
MEANS = ("--table", "mine.csv", "--statistic", "mean_sd", "--citation", "Ada")
CLAIMS = "claim_id,statement,says,cites,claim,quantity,rule,low,high,evidence,source_agrees,reading\n"
CORRECTIONS = "effect_id,field,old,new,reason,who,date\n"
mine = write("mine.csv", MINE)

SLIPS = {
    "The plan": [
        Slip("`orientatoin:` for `orientation:`", plan("orientation:", "orientatoin:")),
        Slip("`metric: log_risk_ration`", plan("log_risk_ratio", "log_risk_ration")),
        Slip("`ci: hskj`", plan("ci: wald", "ci: hskj")),
        Slip("`lane: b`", plan("lane: B", "lane: b")),
        Slip("the line `metric:` left out", plan("    metric: log_risk_ratio\n", "")),
        Slip("`ci:wald`, no space", plan("ci: wald", "ci:wald")),
        Slip("a tab for spaces", plan("    lane", "\tlane")),
        Slip("one space too few", plan("    lane", "   lane")),
        Slip("`[bcg` without `]`", plan("sources: [bcg]\n\n", "sources: [bcg\n\n")),
        Slip("`sources: bcg` without brackets", plan("sources: [bcg]\n\n", "sources: bcg\n\n")),
        Slip("`sources: [bgc]`, no such folder", plan("sources: [bcg]\n\n", "sources: [bgc]\n\n")),
        Slip("a title with a colon", plan("title: BCG vaccine", "title: BCG: vaccine")),
        Slip("the same key twice", plan("question:", "title: again\nquestion:")),
        Slip("a synthesis called `BCG-vaccine`", plan("  bcg:\n", "  BCG-vaccine:\n")),
        Slip("`columns: [N]`", plan("[n]", "[N]")),
        Slip("`moderators: [latitude]`, not declared", plan("    columns", "    moderators: [latitude]\n    columns")),
        Slip("`select: {yaer: ...}`", plan("    columns", "    select: {yaer: {at_least: 1950}}\n    columns")),
        Slip("`select` that leaves nothing", plan("    columns", "    select: {year: {at_least: 2050}}\n    columns")),
        Slip("`level: 95`", add("config.yaml", "defaults:\n  level: 95\n")),
        Slip("`tau2: reml`", add("config.yaml", "defaults:\n  tau2: reml\n")),
        Slip("`diagnostic_figures: {bcg: [funel]}`", add("config.yaml", "diagnostic_figures: {bcg: [funel]}\n")),
        Slip("figures of a synthesis that is not there", add("config.yaml", "diagnostic_figures: {bgc: [funnel]}\n")),
        Slip("an empty plan", write("config.yaml", "")),
        Slip("the plan saved as `config.yml`", move("config.yaml", "config.yml")),
        Slip("the plan saved as `config.yaml.txt`", move("config.yaml", "config.yaml.txt")),
    ],
    "The table": [
        Slip("semicolons, as a spreadsheet saves them", every(",", ";")),
        Slip("saved as UTF-16", recoded("utf-16")),
        Slip("saved in the code page of Windows", recoded("cp1252")),
        Slip('a decimal comma: `"0,5"` for a value', table("study,2x2,,123", 'study,2x2,"0,5",123')),
        Slip("`n_treatt` for `n_treat`", table("n_treat", "n_treatt")),
        Slip("the column `effect_id` left out", table("effect_id,", "")),
        Slip("the same `effect_id` twice", table("bcg_02,", "bcg_01,")),
        Slip("a cell too many", table("bcg_02,bcg_02,", "bcg_02,bcg_02,,")),
        Slip("a quotation mark that does not end", table('"dat.bcg, trial 2"', '"dat.bcg, trial 2')),
        Slip("more events than people", table(",4,123,11,139", ",400,123,11,139")),
        Slip("`-4` events", table(",4,123,11,139", ",-4,123,11,139")),
        Slip("`NA` for a number", table(",4,123,11,139", ",NA,123,11,139")),
        Slip("`4 (3%)` for a count", table(",4,123,11,139", ",4 (3%),123,11,139")),
        Slip("the year 19480", table(",1948,protocol", ",19480,protocol")),
        Slip("`2*2` for `2x2`", table(",2x2,", ",2*2,")),
        Slip("`direction` 2", table("139,-1,BCG", "139,2,BCG")),
        Slip("`construct` protocl", table(",protocol,", ",protocl,")),
        Slip("`effects.csv` is empty", write("data/raw/bcg/effects.csv", "")),
        Slip("it is called `Effects.csv`", move("data/raw/bcg/effects.csv", "data/raw/bcg/Effects.csv")),
        Slip("`source.yaml` is missing", move("data/raw/bcg/source.yaml", "data/raw/bcg/about.yaml")),
        Slip("`citaton:` in `source.yaml`", swap("data/raw/bcg/source.yaml", "citation:", "citaton:")),
        Slip(
            "a correction of another number than the one that is there",
            write("data/raw/corrections.csv", CORRECTIONS + "bcg_01,events_treat,5,6,typed wrong,Ada,2026-11-23\n"),
        ),
        Slip(
            "a correction of `bcg_99`",
            write("data/raw/corrections.csv", CORRECTIONS + "bcg_99,events_treat,4,5,typed wrong,Ada,2026-11-23\n"),
        ),
        Slip(
            "a claim about `poled:bcg`",
            write("data/raw/claims.csv", CLAIMS + "a,b,It works,,It works.,poled:bcg,above,0,,,unknown,\n"),
        ),
    ],
    "The command": [
        Slip("`snakemake` in the wrong folder", None, ("snakemake", "--cores", "1"), "data"),
        Slip("`results/figures/forrest_bcg.pdf`", None, (*RUN[:3], "results/figures/forrest_bcg.pdf")),
        Slip("`results/figures/forest_bgc.svg`", None, (*RUN[:3], "results/figures/forest_bgc.svg")),
        Slip("`snakemake reprot`", None, ("snakemake", "--cores", "1", "reprot")),
        Slip("`snakemake --cores two`", None, ("snakemake", "--cores", "two")),
        Slip("`snakemake --core 1 --dry`", None, ("snakemake", "--core", "1", "--dry")),
        Slip("`snakemake -d my-reveiw`", None, ("snakemake", "--cores", "1", "-d", "my-reveiw")),
        Slip("`--config level=high`", None, (*RUN, "--config", "level=high")),
        Slip("`results/` belongs to somebody else", protected),
        Slip("`synthesis ceck`", None, ("synthesis", "ceck")),
        Slip("`synthesis check --config plan.yaml`", None, ("synthesis", "check", "--config", "plan.yaml")),
        Slip("`synthesis run my-reveiw`", None, ("synthesis", "run", "my-reveiw")),
        Slip("`synthesis verify reslts`", None, ("synthesis", "verify", "reslts")),
        Slip("`synthesis release 1.0`", None, ("synthesis", "release", "1.0")),
        Slip("the target `reslts` of make", None, ("make", "reslts"), "checkout"),
        Slip("`make results PYTHON=python3.99`", None, ("make", "results", "PYTHON=python3.99"), "checkout"),
        Slip("`make results` in the folder of a review", None, ("make", "results")),
    ],
    "A table of one's own": [
        Slip("the table is not there", mine, new("mine", "--table", "min.csv", "--citation", "Ada")),
        Slip("no word on which side is better", mine, new("mine", *MEANS, *COLUMNS)),
        Slip(
            "`sd_treat=sd1`, a column that is not there",
            mine,
            new("mine", *MEANS, "--better", "smaller", *COLUMNS[:3], "sd_treat=sd1", *COLUMNS[4:]),
        ),
        Slip("`--statistic mean_sdd`", mine, new("mine", *MEANS[:3], "mean_sdd", *MEANS[4:], *COLUMNS)),
        Slip("`--better lower`", mine, new("mine", *MEANS, "--better", "lower", *COLUMNS)),
        Slip("no `--citation`", mine, new("mine", *MEANS[:4], "--better", "smaller", *COLUMNS)),
        Slip("a folder that has a review", mine, new(".", *MEANS, "--better", "smaller", *COLUMNS)),
        Slip(
            "a variance where the SD should be",
            write("mine.csv", MINE.replace("4.2,30", "0.2,30")),
            new("mine", *MEANS, "--better", "smaller", *COLUMNS),
        ),
    ],
}


def environment() -> dict[str, str]:
    # As `make` sets them for a `make` within it.
    others = {"PYTHONPATH", "PYTEST_ADDOPTS", "MAKELEVEL", "MAKEFLAGS", "MFLAGS"}
    kept = {name: value for name, value in os.environ.items() if name not in others}
    return kept | {"COLUMNS": "400", "PATH": f"{BIN}:{os.environ['PATH']}", "NO_COLOR": "1"}


def done(slip: Slip) -> tuple[int, list[str]]:
    """Does a slip in a folder of its own; returns the status and the lines that were said."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "my-review"
        shutil.copytree(ROOT / "examples" / "bcg", folder, ignore=shutil.ignore_patterns("results", ".snakemake"))
        if slip.folder == "checkout":
            folder = Path(made) / "checkout"
            folder.mkdir()
            for name in ("Makefile", "setup.sh", "requirements.lock", "pyproject.toml"):
                shutil.copy(ROOT / name, folder)
        if slip.spoil:
            slip.spoil(folder)
        program, *rest = slip.command
        # The package of this checkout, whatever is installed.
        command = [program, *rest]
        if program == "synthesis":
            command = [sys.executable, "-m", "synthesis", *rest]
        if program == "snakemake":
            command = [str(BIN / "snakemake"), "-s", str(ROOT / "Snakefile"), *rest]
        known = environment() | {"XDG_CACHE_HOME": f"{made}/cache"}
        if program == "synthesis":
            known["PYTHONPATH"] = str(ROOT / "workflow")
        if slip.spoil is protected and os.geteuid() == 0:
            # Whoever may do everything is not stopped by permissions.
            for path in (Path(made), folder):
                path.chmod(0o777)
            command = ["setpriv", f"--reuid={NOBODY}", "--clear-groups", *command]
        place = folder if slip.folder == "checkout" else folder / slip.folder
        ended = subprocess.run(command, cwd=place, env=known, capture_output=True, text=True, check=False)
        if slip.spoil is protected:
            (folder / "results").chmod(0o755)
        output = (ended.stdout + ended.stderr).replace(str(folder), "my-review").replace(f"{ROOT}/", "")
        output = re.sub(r"\d+\.\d+\.\d+ /\S+", "<version> <path>", output)
        lines = [line.strip() for line in output.splitlines() if line.strip() and not line.startswith(NOISE)]
        return ended.returncode, lines


def shown(lines: list[str]) -> str:
    """What was said, on one line of a table: the lines that say it, not how a command is used."""
    kept = [line for line in lines if not line.startswith(("usage:", "["))]
    text = " / ".join(kept)
    text = MANY_CHOICES.sub(r"\1..., \2", text)
    if len(text) > LONGEST:
        text = text[: LONGEST - 4].rstrip() + " ..."
    return "`` " + text.replace("|", "\\|").replace("``", "''") + " ``"


def faults(status: int, lines: list[str]) -> list[str]:
    names = []
    if status == 0:
        names.append("taken")
    if not lines:
        names.append("nothing said")
    if any("Traceback" in line or 'File "' in line for line in lines):
        names.append("a traceback")
    return names


def main() -> int:
    slips = [(group, slip) for group, members in SLIPS.items() for slip in members]
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda item: done(item[1]), slips))
    rows, bad = [], []
    for (group, slip), (status, lines) in zip(slips, ended, strict=True):
        rows.append(f"| {group} | {slip.typed} | {shown(lines)} |")
        bad += [f"{slip.typed}: {words}: {lines[:6]}" for words in faults(status, lines)]
    content = [
        BEGIN,
        "## Everyday slips",
        "",
        f"{len(slips)} slips, each done for real on `examples/bcg`, and what was said before any job; lines",
        "are joined by a slash, long ones and long lists of choices end in dots. Taken without a word, or ended in a",
        f"traceback: {len(bad)}.",
        "",
        "| in | what was typed | what was said |",
        "|---|---|---|",
        *rows,
        END,
    ]
    text = PAGE.read_text()
    if BEGIN in text:
        text = text[: text.index(BEGIN)] + "\n".join(content) + text[text.index(END) + len(END) :]
    else:
        text = text.rstrip("\n") + "\n\n" + "\n".join(content) + "\n"
    PAGE.write_text(text)
    print(*bad, sep="\n", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

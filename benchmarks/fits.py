"""Times fits beside PyMARE (and metafor where R is present) in one run; rewrites its part of docs/benchmarks.md.

Every route estimates tau2 by REML, the mean, its HKSJ interval and Q. `pool` computes all that it reports, among it
the Q-profile interval, which is timed for PyMARE too; `pool_many` is what subsets, permutations and simulations use.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import synthesis
from pymare import Dataset
from pymare.estimators import VarianceBasedLikelihoodEstimator
from synthesis.meta.many import pool_many

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- fits: written by make bench -->", "<!-- end of fits -->"
SIZES = (20, 200, 2_000, 20_000)
BATCH, BATCH_K = 100_000, 20
SECONDS = 1.0
SAME = 1e-4
# metafor forms k x k matrices: 20,000 effects need 3 GB each.
METAFOR_LIMIT = 2_000


def data(rows: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(k)
    v = 0.05 * random.chisquare(3, (rows, k)) + 0.01
    return random.normal(0.3, np.sqrt(v + 0.05)), v


def median_time(run: Callable[[], object]) -> float:
    """Median seconds of at least three runs."""
    run()
    times: list[float] = []
    while len(times) < 3 or (sum(times) < SECONDS and len(times) < 200):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def pymare_fit(y: np.ndarray, v: np.ndarray, profile: bool) -> float:
    """PyMARE's estimate of the first column; `profile` adds the Q-profile interval."""
    estimator = VarianceBasedLikelihoodEstimator("REML", small_sample_correction="knapp-hartung")
    if profile:
        summary = estimator.fit_dataset(Dataset(y=y, v=v)).summary()
        summary.get_re_stats("QP", 0.05)
        summary.get_heterogeneity_stats()
    else:
        summary = estimator.fit(y=y, v=v, X=np.ones((len(y), 1))).summary()
        summary.get_fe_stats(0.05)
    return float(np.ravel(summary.tau2)[0])


def metafor_time(y: np.ndarray, v: np.ndarray) -> float | None:
    """Median seconds of rma() with confint(), loaded R and all data in memory; None without R or metafor."""
    if shutil.which("Rscript") is None or len(y) > METAFOR_LIMIT:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        np.savetxt(path, np.column_stack([y, v]), delimiter=",", header="yi,vi", comments="")
        script = (
            "if (!requireNamespace('metafor', quietly=TRUE)) quit(status=3); library(metafor);"
            f"d <- read.csv('{path}');"
            "run <- function() {f <- rma(yi, vi, data=d, test='knha'); confint(f)}; run();"
            "t <- sapply(1:3, function(i) system.time(run())['elapsed']); cat(median(t))"
        )
        done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=False)
    return float(done.stdout.split()[-1]) if done.returncode == 0 and done.stdout.strip() else None


def main() -> None:
    warnings.simplefilter("ignore")
    rows, behind = [], []

    def add(what: str, ours: float, pymare: float, metafor: float | None) -> None:
        ratio = pymare / ours
        shown = "-" if metafor is None else f"{1e3 * metafor:.1f} ms ({metafor / ours:.0f}x)"
        rows.append(f"| {what} | {1e3 * ours:.2f} ms | {1e3 * pymare:.2f} ms | {ratio:.1f}x | {shown} |")
        if ratio <= 1 or (metafor is not None and metafor <= ours):
            behind.append(what)

    for k in SIZES:
        y, v = (a[0] for a in data(1, k))
        if abs((synthesis.pool(y, v).tau2 or 0.0) - pymare_fit(y, v, True)) > SAME:
            sys.exit(f"the two routes disagree at k = {k}")
        add(
            f"one fit, k = {k:,}",
            median_time(lambda y=y, v=v: synthesis.pool(y, v)),
            median_time(lambda y=y, v=v: pymare_fit(y, v, True)),
            metafor_time(y, v),
        )
    y, v = data(1, BATCH_K)
    add(
        f"the same without that interval, k = {BATCH_K}",
        median_time(lambda: pool_many(y, v)),
        median_time(lambda: pymare_fit(y.T, v.T, False)),
        None,
    )
    y, v = data(BATCH, BATCH_K)
    columns = np.ascontiguousarray(y.T), np.ascontiguousarray(v.T)
    add(
        f"{BATCH:,} fits of k = {BATCH_K}",
        median_time(lambda: pool_many(y, v)),
        median_time(lambda: pymare_fit(*columns, False)),
        None,
    )
    lines = [
        BEGIN,
        f"REML with HKSJ interval on {platform.system()}, Python {platform.python_version()}; medians.",
        "One fit includes the Q-profile interval of tau2 on both sides; the last two rows, by `pool_many`, do not.",
        "",
        "| what | synthesis | PyMARE | ratio | metafor |",
        "|---|---|---|---|---|",
        *rows,
        "",
        "metafor: not measured where R is absent, or where it would need k x k matrices of gigabytes.",
        END,
    ]
    text = PAGE.read_text(encoding="utf-8")
    if BEGIN in text:
        before, rest = text.split(BEGIN)
        text = before + "\n".join(lines) + rest.split(END)[1]
    else:
        text += "\n" + "\n".join(lines) + "\n"
    PAGE.write_text(text, encoding="utf-8")
    print("\n".join(rows))
    if behind:
        sys.exit("behind in: " + ", ".join(behind))


if __name__ == "__main__":
    main()
